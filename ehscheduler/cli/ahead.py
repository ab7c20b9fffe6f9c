"""The work ahead, from the live caseload: the second half of `forecast`."""

from calendar import monthrange
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ehscheduler import clock
from ehscheduler.cli.common import config_at, open_store, say, show_json, show_table
from ehscheduler.errors import InputRefused

if TYPE_CHECKING:
    from ehscheduler.ahead import Ahead, Forecast

WEEKS_AHEAD = 4


def show_ahead(
    since: str, until: str, month: str, authority: str, person: str, team: str, config: Path, format: str
) -> None:
    """Show what falls due week by week, what is overdue already, and what falls due while somebody is away."""
    from ehscheduler.ahead import Whose, forecast
    from ehscheduler.cli.whose import listed

    first, last = _days(since, until, month)
    settings = config_at(config)
    with open_store(settings) as store:
        roster = listed(authority, settings, store)
        found = roster.ask(lambda one: forecast(store, one, first, last, clock.now(), Whose(person, team)))
    if format == "json":
        show_json([one.plain() for one in found.values()])
    else:
        for one in found.values():
            _show(one, first, last, person or team)
    roster.end()


def _days(since: str, until: str, month: str) -> tuple[date, date]:
    """Return the first and the last day asked for; from today on where nothing else is said."""
    from ehscheduler.core.calendars import london_day
    from ehscheduler.pure import start_instant

    today = london_day(clock.now())
    if month:
        if since or until:
            raise InputRefused(["--month stands in place of --from and --until; give one or the other"])
        try:
            first = date.fromisoformat(f"{month}-01")
        except ValueError:
            raise InputRefused([f"--month: {month!r} is not a month such as 2026-12"]) from None
        return first, first.replace(day=monthrange(first.year, first.month)[1])
    first = london_day(start_instant(since, "--from")) if since else today
    after = london_day(start_instant(until, "--until")) if until else first + timedelta(weeks=WEEKS_AHEAD)
    if after <= first:
        raise InputRefused([f"--until: {until} is not after {first.isoformat()}; give a later day"])
    return first, after - timedelta(days=1)


def _show(found: "Forecast", first: date, last: date, whose: str) -> None:
    from ehscheduler.core.saying import said_day

    about = f"{whose} in {found.authority}" if whose else found.authority
    say(f"Work ahead of {about}, {said_day(first)} to {said_day(last)}, if nothing more happens")
    typer.echo()
    for one in found.collisions:
        say(f"{one.said}.")
    if found.collisions:
        typer.echo()
    if found.overdue:
        _show_rows(f"Overdue already: {len(found.overdue)}", found.overdue)
    for monday, rows in found.weeks().items():
        _show_rows(f"Week of {said_day(monday)}: {len(rows)}", rows)
    if not found.ahead and not found.overdue:
        typer.echo("Nothing falls due.")


def _show_rows(title: str, rows: Sequence["Ahead"]) -> None:
    shown = [
        (row.case, row.title + (" (advice)" if row.advice else ""), row.window, ", ".join(row.people), row.clause)
        for row in rows
    ]
    show_table(title, ("case", "what", "due", "who", "clause"), shown, empty="")
