"""What all commands share: options, who asks, and how answers are shown.

What a command works with is imported where it is used, so that the help and the small commands are there at once.
"""

import getpass
import json
import os
import shutil
import socket
import sys
import textwrap
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehscheduler.errors import ConfigRefused

if TYPE_CHECKING:
    from rich.console import Console

    from ehscheduler.config import Config
    from ehscheduler.core.policy import Policy
    from ehscheduler.store.store import Store

app = typer.Typer(
    name="ehscheduler",
    help="Tells Early Help teams what their council's own protocol makes due, by when, and which clause says so.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

ConfigOption = Annotated[Path, typer.Option("--config", help="The configuration file.", envvar="EHS_CONFIG")]
AuthorityOption = Annotated[
    str, typer.Option("--authority", help="The council, by its plugin's name; needed where it is in doubt.")
]
FormatOption = Annotated[str, typer.Option("--format", help="table for people, json for programs.")]
ByOption = Annotated[str, typer.Option("--by", help="Who does this; the name of the login when left out.")]
AtOption = Annotated[str, typer.Option("--at", help="As of this date or instant; now when left out.")]
CONFIG = Path("config.toml")
KEPT_WHOLE = 20
WIDEST = 100


def console() -> "Console":
    """Return the terminal; where the output goes elsewhere, as wide as COLUMNS says, else wide enough for a table."""
    from rich.console import Console

    asked = sys.stdout.isatty() or "COLUMNS" in os.environ
    return Console(width=None if asked else 140, highlight=False)


def check_format(format: str) -> str:
    """Refuse a format that no command gives."""
    if format not in ("json", "table"):
        raise typer.BadParameter(f"{format!r} is neither json nor table", param_hint="--format")
    return format


def who(by: str) -> str:
    """Return who acts: as named, else as logged in."""
    try:
        return by or os.environ.get("USER") or getpass.getuser()
    except (KeyError, OSError):  # a login that has no name, as in a container
        return f"login {os.getuid()}"


def worker() -> str:
    """Name this process as a holder of claims."""
    return f"{socket.gethostname()}:{os.getpid()}"


def open_store(config: "Config") -> "Store":
    from ehscheduler.store.store import Store

    return Store.open(config.database.url)


def config_at(path: Path) -> "Config":
    """Read the configuration; where the default file is missing, say how to make one."""
    from ehscheduler.config import read_config

    if path == CONFIG and not path.exists():
        raise ConfigRefused([f"there is no {path} here; run 'ehscheduler init', or name a file with --config"])
    return read_config(path)


def say_standing(policy: "Policy", today: date) -> None:
    """Say, beside a table of dates, what its reader has to know of the policy that they come from."""
    unsigned = sum(1 for reading in policy.readings.values() if not reading.signed_by)
    if unsigned:
        told = f"'ehscheduler policy show {policy.authority}' tells them"
        typer.echo(
            f"Note: {unsigned} of {len(policy.readings)} readings are not signed by the council; {told}.", err=True
        )
    if policy.review_by and today > policy.review_by:
        typer.echo(f"Note: this edition was to be reviewed by {policy.review_by.isoformat()}.", err=True)


def plain(text: str) -> str:
    """Take out what a terminal would obey: what a file holds is shown, and not done."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def say(text: str, indent: str = "") -> None:
    """Print a text, folded to the terminal and set in from the left."""
    width = min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)
    folded = textwrap.wrap(
        plain(text), width, initial_indent=indent, subsequent_indent=f"{indent}  ", break_on_hyphens=False
    )
    typer.echo("\n".join(folded))


def show_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], *, empty: str) -> None:
    """Show rows as a table, or say in a sentence that there are none."""
    from rich.table import Table
    from rich.text import Text

    shown = [["" if cell is None else plain(str(cell)) for cell in row] for row in rows]
    table = Table(title=Text(plain(title)), title_justify="left", header_style="bold")
    for n, column in enumerate(columns):
        # What a row is about is read at once: where there is too little room, the other columns are folded.
        whole = n == 0 and all(len(row[0]) <= KEPT_WHOLE for row in shown)
        table.add_column(column, overflow="fold", no_wrap=whole)
    for row in shown:
        table.add_row(*map(Text, row))
    out = console()
    if shown:
        out.print(table)
    else:
        out.print(plain(empty), markup=False)
