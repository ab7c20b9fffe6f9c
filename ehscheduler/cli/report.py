"""report: what fell due in a quarter and what became of it, by team; as a table, CSV or JSON."""

import csv
import sys
from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from ehscheduler import clock
from ehscheduler.cli.answers import _day
from ehscheduler.cli.common import (
    CONFIG,
    AtOption,
    AuthorityOption,
    ConfigOption,
    app,
    config_at,
    console,
    open_store,
    plain,
    say,
    show_json,
)
from ehscheduler.errors import InputRefused

if TYPE_CHECKING:
    from rich.console import Console

    from ehscheduler.tally import Report, Tally

FORMATS = ("table", "csv", "json")
HEADINGS = ("due", "in\ntime", "late", "noted\nlate", "put\noff", "open\nlate", "open", "off")
LEGEND = (
    "due: limits in these days, as they stand = in time + late + open late + open + off (called off or waived). Of "
    "those, noted late: done in time and recorded after; put off: by agreement. Advice is never counted as late."
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@app.command()
def report(
    since: Annotated[str, typer.Option("--from", help="The first day.")],
    until: Annotated[str, typer.Option("--to", help="The last day.")],
    by: Annotated[
        str, typer.Option("--by", help="An attribute of the case, such as team or level; '' for all.")
    ] = "team",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    at: AtOption = "",
    format: Annotated[str, typer.Option("--format", help="table for people, csv for a spreadsheet, json.")] = "table",
) -> None:
    """Count what fell due and what became of it. Rule by rule and team by team; no person is ranked."""
    from ehscheduler.cli.whose import listed
    from ehscheduler.pure import instant
    from ehscheduler.tally import Stretch
    from ehscheduler.tally import report as report_of

    if format not in FORMATS:
        raise typer.BadParameter(f"{format!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    first, last = _day(since, "--from"), _day(until, "--to")
    if last < first:
        raise InputRefused([f"--to: {until} is before --from {since}; give the later day second"])
    stretch = Stretch(first, last, instant(at, "--at") if at else clock.now())
    settings = config_at(config)
    with open_store(settings) as store:
        roster = listed(authority, settings, store)
        found = roster.ask(lambda one: report_of(store, one, stretch, by))
    if format == "json":
        show_json([one.plain() for one in found.values()])
    elif format == "csv":
        _write_csv(found.values())
    else:
        for one in found.values():
            _show(one, first, last)
    roster.end()


def _show(found: "Report", first: date, last: date) -> None:
    from ehscheduler.core.saying import said_day

    groups: dict[str, list[Tally]] = {}
    for one in found.tallies:
        groups.setdefault(one.group, []).append(one)
    days = f"{said_day(first)} to {said_day(last)}"
    if not groups:
        typer.echo(f"Nothing in {found.authority} fell due from {days}.")
        return
    for group, rows in groups.items():
        name = group or (f"no {found.by}" if found.by else "all cases")
        shown = count_rows(rows)
        show_counts(console(), f"{name} in {found.authority}, {days}", shown)
    if len(groups) > 1:
        show_counts(console(), f"All of {found.authority}, {days}", [("All", *map(str, found.totals().values()))])
    for said, count in found.reasons.items():
        typer.echo(f"{count:6} {said}")
    say(LEGEND)


def show_counts(out: "Console", title: str, rows: Sequence[Sequence[str]]) -> None:
    """Show counts in narrow columns, so that the words beside them have room."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    table = Table(box=SIMPLE_HEAD, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("what (clause)", overflow="fold", vertical="top")
    for heading in HEADINGS:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, map(plain, row)))
    out.print(Text(plain(title), style="bold"))
    out.print(table)


def count_rows(rows: "Sequence[Tally]") -> list[tuple[str, ...]]:
    """Write each rule's counts as words, and their sum below."""
    total = ("All of these", *(str(sum(getattr(one, count) for one in rows)) for count in _names()))
    return [*((_what(one), *_counts(one)) for one in rows), total]


def _what(one: "Tally") -> str:
    return f"{one.title} ({one.clause}{'; advice' if one.force == 'guide' else ''})"


def _names() -> tuple[str, ...]:
    from ehscheduler.tally import COUNTS

    return COUNTS


def _counts(one: "Tally") -> list[str]:
    return [str(getattr(one, name) or "") for name in _names()]


def _write_csv(reports: Iterable["Report"]) -> None:
    """Write one row a group and rule; a cell that a spreadsheet would take for a formula is made text."""
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(("authority", "group", "rule", "title", "clause", "force", *_names()))
    for found in reports:
        for one in found.tallies:
            words = (found.authority, one.group, one.rule, one.title, one.clause, one.force)
            out.writerow([*map(as_text, words), *(getattr(one, name) for name in _names())])


def as_text(word: str) -> str:
    return f"'{word}" if word.startswith(FORMULA) else word
