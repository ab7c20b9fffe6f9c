"""plugin new, plugin test: a council's plugin begun, and proved."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ehscheduler.cli.common import app, say
from ehscheduler.errors import PolicyRefused

if TYPE_CHECKING:
    from ehscheduler.kit.report import Proved

plugin = typer.Typer(help="Begin a council's plugin, and prove one.", no_args_is_help=True)
app.add_typer(plugin, name="plugin")

SHOWN = 10
"""How many faults of one proof are shown; the first ones mended often mend the rest."""
WIDE = 24


@plugin.command("new")
def new(
    name: Annotated[str, typer.Argument(help="The authority's name: small letters, digits and '_'.")],
    out: Annotated[Path | None, typer.Option("--out", help="The folder to make; ./NAME when left out.")] = None,
) -> None:
    """Write a complete small plugin, with worked cases and tests, to change step by step into the council's own."""
    from ehscheduler.kit.new import write_plugin

    folder = out or Path(name)
    written = write_plugin(name, folder)
    typer.echo(f"Written to {folder}:")
    for path in written:
        typer.echo(f"  {path.relative_to(folder)}")
    typer.echo(f"Prove it: ehscheduler plugin test {_named(folder)}")


def _named(folder: Path) -> str:
    text = str(folder)
    return f"'{text}'" if " " in text else text


@plugin.command("test")
def prove(
    which: Annotated[str, typer.Argument(metavar="PATH-OR-NAME", help="A plugin's folder, or an authority.")] = ".",
    write: Annotated[
        bool, typer.Option("--write", help="First renew what is made from the files: the README's tables.")
    ] = False,
    at_least: Annotated[
        int, typer.Option("--at-least", min=0, max=100, help="The score that is enough, in percent.")
    ] = 100,
    all_: Annotated[bool, typer.Option("--all", help="Show every fault of each proof.")] = False,
) -> None:
    """Prove a plugin: its words, its worked cases, what any protocol keeps, and that no change of it goes unseen."""
    from ehscheduler.kit.apart import prove_apart

    failed: list[Proved] = []
    for proved in prove_apart(which, at_least=at_least, renew=write):
        mark = f" ({len(proved.faults)} failed)" if proved.faults else ""
        say(f"{proved.title:<{WIDE}}{proved.said}{mark}", "  ")
        failed += [proved] if proved.faults else []
    if not failed:
        typer.echo("All is well.")
        return
    _show(failed, None if all_ else SHOWN)
    raise PolicyRefused([_summary(failed)])


def _show(failed: "Iterable[Proved]", most: int | None) -> None:
    for proved in failed:
        typer.echo(f"\n{proved.title}:")
        for fault in proved.faults[:most]:
            say(fault, "  ")
        if rest := len(proved.faults[len(proved.faults[:most]) :]):
            typer.echo(f"  and {rest} more; --all shows them")
    typer.echo("")


def _summary(failed: "Iterable[Proved]") -> str:
    counted = ", ".join(f"{proved.title} ({len(proved.faults)})" for proved in failed)
    return f"Not yet: {counted}."
