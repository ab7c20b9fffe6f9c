"""The command line: one command for each thing a person does."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="ehscheduler",
    help="Tells Early Help teams what their council's own protocol makes due, by when, and which clause says so.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

AuthorityOption = Annotated[str, typer.Option("--authority", help="The council, by its plugin's name.")]
CasesOption = Annotated[Path, typer.Option("--cases", help="cases.csv of the machine contract.")]
EventsOption = Annotated[Path, typer.Option("--events", help="events.csv of the machine contract.")]
FormatOption = Annotated[str, typer.Option("--format", help="json, or table for people.")]


@app.command()
def timeline(
    authority: AuthorityOption,
    cases: CasesOption,
    events: EventsOption,
    at: Annotated[str, typer.Option("--at", help="As of this date or instant.")],
    format: FormatOption = "json",
) -> None:
    """Say what is due on every case, from two files alone."""
    from ehscheduler import pure

    _check_format(format)
    if format == "json":
        raise typer.Exit(pure.write_timeline(sys.stdout, authority, cases, events, at))
    from ehscheduler import tables

    raise typer.Exit(tables.show_timeline(authority, cases, events, at))


@app.command()
def forecast(
    authority: AuthorityOption,
    cases: CasesOption,
    events: EventsOption,
    since: Annotated[str, typer.Option("--from", help="From this date or instant on.")],
    until: Annotated[str, typer.Option("--until", help="Up to, and without, this date or instant.")],
    format: FormatOption = "json",
) -> None:
    """Say who would hear what and when, if nothing more happened, from two files alone."""
    from ehscheduler import pure

    _check_format(format)
    if format == "json":
        raise typer.Exit(pure.write_forecast(sys.stdout, authority, cases, events, since, until))
    from ehscheduler import tables

    raise typer.Exit(tables.show_forecast(authority, cases, events, since, until))


def _check_format(format: Any) -> None:
    if format not in ("json", "table"):
        raise typer.BadParameter(f"{format!r} is neither json nor table", param_hint="--format")
