"""shadow report: what would have been told to whom, and our due dates beside the council's own."""

import csv
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehscheduler import clock
from ehscheduler.cli.answers import _day
from ehscheduler.cli.common import (
    CONFIG,
    AuthorityOption,
    ConfigOption,
    app,
    config_at,
    open_store,
    say,
    show_json,
    show_table,
)
from ehscheduler.cli.report import FORMATS, as_text
from ehscheduler.errors import InputRefused

if TYPE_CHECKING:
    from ehscheduler.daemon.shadow import Beside, WouldHear
    from ehscheduler.plugins import Authority
    from ehscheduler.store.store import Store

LISTED = 50
shadow = typer.Typer(help="What shadow mode has shown.", no_args_is_help=True)
app.add_typer(shadow, name="shadow")


@shadow.callback()
def _shadow() -> None:
    """Keep `report` a command of its own name."""


@shadow.command()
def report(
    since: Annotated[str, typer.Option("--from", help="The first day of what would have been told.")] = "",
    until: Annotated[str, typer.Option("--to", help="The last day.")] = "",
    steps: Annotated[
        Path | None, typer.Option("--steps", help="An extract with due dates of its own, to lay ours beside.")
    ] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", help="Its mapping, with due_on under [columns].")] = None,
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    format: Annotated[
        str, typer.Option("--format", help="table for people, json, csv (of the dates where --steps is given).")
    ] = "table",
) -> None:
    """Say what would have been told to whom; with an extract, how each of its due dates compares with ours."""
    from ehscheduler.cli.whose import one_authority
    from ehscheduler.daemon.shadow import would_hear

    if format not in FORMATS:
        raise typer.BadParameter(f"{format!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    if (steps is None) != (mapping is None):
        raise typer.BadParameter("--steps and --mapping go together: the extract, and what its columns mean")
    first, last = (_day(text, name) if text else None for text, name in ((since, "--from"), (until, "--to")))
    if first and last and last < first:
        raise InputRefused([f"--to: {until} is before --from {since}; give the later day second"])
    settings = config_at(config)
    with open_store(settings) as store:
        loaded = one_authority(authority, settings, store)
        heard = would_hear(store, loaded, first, last)
        rows = _rows(store, loaded, steps, mapping) if steps and mapping else None
    if format == "json":
        told = {"authority": loaded.name, "would_hear": [one.plain() for one in heard]}
        show_json(told if rows is None else {**told, "due_dates": [one.plain() for one in rows]})
    elif format == "csv":
        _write([one.plain() for one in (heard if rows is None else rows)])
    else:
        _show_heard(loaded, heard)
        if rows is not None:
            typer.echo()
            _show_rows(rows)


def _rows(store: "Store", authority: "Authority", steps: Path, mapping: Path) -> "list[Beside]":
    from ehscheduler.daemon.shadow import beside
    from ehscheduler.intake.mapping import read_mapping

    meaning = read_mapping(mapping, authority.policy.facts, authority.policy.recorded_words())
    return list(beside(store, authority, steps, meaning, clock.now()))


# ---- what would have been told


def _show_heard(authority: "Authority", heard: "Sequence[WouldHear]") -> None:
    from ehscheduler.core.saying import london_iso, said_day
    from ehscheduler.daemon.shadow import busiest

    if not heard:
        say(
            f"Shadow mode has kept nothing back in {authority.name}. It is set by mode = 'shadow' under "
            f"[live.{authority.name}], and what is decided from then on is listed here."
        )
        return
    kinds = Counter(one.kind for one in heard)
    people = {to for one in heard for to in one.to}
    days = f"{said_day(heard[0].at.date())} to {said_day(heard[-1].at.date())}"
    said = ", ".join(f"{n} {kind}" for kind, n in kinds.most_common())
    say(f"{authority.name}, {days}: {len(heard)} notices would have gone to {len(people)} recipients ({said}).")
    if nobody := sum(not one.to for one in heard):
        say(f"{nobody} of them would have reached nobody: see `ehscheduler coverage`.")
    if most := busiest(heard):
        to, day, n = most
        say(f"The most for one in a day: {n}, for {to.replace(':', ' ')} on {said_day(day)}.")
    typer.echo()
    names = list(kinds)
    counts = {to: Counter(one.kind for one in heard if to in one.to) for to in sorted(people)}
    rows = []
    for to, own in counts.items():
        rows.append((to.replace(":", " "), *(str(own[name] or "") for name in names), str(own.total())))
    show_table("To whom", ("recipient", *names, "all"), rows, empty="")
    title = authority.policy.title_of_role
    shown = [
        (
            *(london_iso(one.at)[:16].replace("T", " "), one.kind, one.case, one.milestone, one.clause),
            ", ".join(to.replace(":", " ") for to in one.to) or f"nobody ({', '.join(map(title, one.to_roles))})",
        )
        for one in heard[-LISTED:]
    ]
    show_table("What, and when", ("at", "kind", "case", "milestone", "clause", "to"), shown, empty="")
    _and_more(len(heard), "json or csv has all")


def _and_more(count: int, where: str) -> None:
    if count > LISTED:
        typer.echo(f"The last {LISTED} of {count}; --format {where}.")


# ---- two due dates


def _show_rows(rows: "Sequence[Beside]") -> None:
    differing = [one for one in rows if one.differs]
    if not rows:
        typer.echo("No row of the extract has a due date of its own.")
        return
    same = len(rows) - len(differing)
    say(f"{len(rows)} rows of the extract have a due date of their own; {same} are the same as ours.")
    if not differing:
        return
    counts = Counter(one.why for one in differing)
    show_table("Why they differ", ("why", "rows"), [(why, str(n)) for why, n in counts.most_common()], empty="")
    shown = [
        (
            str(one.line),
            one.case,
            one.milestone or one.type,
            one.theirs.isoformat() if one.theirs else "?",
            one.ours.isoformat() if one.ours else "none",
            f"{one.said}{f' (clause {one.clause})' if one.clause else ''}",
        )
        for one in differing[:LISTED]
    ]
    show_table("Row by row", ("line", "case", "what", "theirs", "ours", "why"), shown, empty="")
    if len(differing) > LISTED:
        typer.echo(f"The first {LISTED} of {len(differing)}; --format csv has all.")


def _write(rows: Iterable[Any]) -> None:
    """Write rows of plain values; a cell that a spreadsheet would take for a formula is made text."""
    listed = list(rows)
    out = csv.writer(sys.stdout, lineterminator="\n")
    if listed:
        out.writerow(listed[0])
    for row in listed:
        out.writerow([as_text(_cell(value)) for value in row.values()])


def _cell(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else "" if value is None else str(value)
