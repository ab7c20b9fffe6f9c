"""people: who holds which role where, who is away and who covers, and what reaches nobody."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from ehscheduler import clock
from ehscheduler.cli.common import (
    CONFIG,
    AuthorityOption,
    ConfigOption,
    FormatOption,
    app,
    check_format,
    config_at,
    open_store,
    show_json,
    show_table,
)
from ehscheduler.errors import InputRefused

if TYPE_CHECKING:
    from ehscheduler.config import Config
    from ehscheduler.plugins import Authority
    from ehscheduler.staffing import Gap, Post, Staffing
    from ehscheduler.store.store import Store

NAMED = 8
"""So many people of one role in one place are named in the table; JSON names them all."""
SHOWN_TEAMS = 3
EVERY_TEAM = "*"


@app.command()
def people(
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    team: Annotated[str, typer.Option("--team", help="Only this team, and who is there for every team.")] = "",
    on: Annotated[str, typer.Option("--on", help="As of this date, such as 2026-12-24; today when left out.")] = "",
    format: FormatOption = "table",
) -> None:
    """List who holds which role, who is away and who covers, and which rung of a live ladder reaches nobody."""
    from ehscheduler.cli.whose import listed

    check_format(format)
    day = _day(on)
    settings = config_at(config)
    with open_store(settings) as store:
        roster = listed(authority, settings, store)
        found = roster.ask(lambda one: _staffing(store, one, settings, day))
    if format == "json":
        show_json([one.plain() for one in found.values()])
    else:
        for name, one in found.items():
            _show(one, team, "the duty address" if EVERY_TEAM in settings.duty.get(name, {}) else "NOBODY")
    roster.end()


def _day(text: str) -> date:
    from ehscheduler.core.calendars import london_day

    try:
        return date.fromisoformat(text) if text else london_day(clock.now())
    except ValueError:
        raise InputRefused([f"--on: {text!r} is not a date such as 2026-12-24"]) from None


def _staffing(store: "Store", authority: "Authority", settings: "Config", day: date) -> "Staffing":
    from ehscheduler.staffing import staffing

    own = settings.overdue_ladder(authority.name)
    return staffing(store, authority, day, own=own, live_rules=settings.live_for(authority.name).rules)


def _show(found: "Staffing", team: str, last: str) -> None:
    from ehscheduler.core.saying import said_day

    day, name = said_day(found.on), found.authority
    posts = [post for post in found.posts if not team or post.team in (team, "")]
    none = f"Nobody is in the directory of {name} on {day}; import people.csv."
    rows = [(post.title, post.where, _holders(post)) for post in posts]
    show_table(f"Who holds which role in {name} on {day}", ("role", "where", "who"), rows, empty=none)
    if not found.posts:
        return
    typer.echo()
    away = [
        (one.name, f"{said_day(one.away_from)} to {said_day(one.away_to)}", one.acting or "nobody: goes one rung up")
        for one in found.away
    ]
    show_table(f"Away on {day}", ("who", "from and to", "who acts"), away, empty=f"Nobody is away on {day}.")
    typer.echo()
    asked = [gap for gap in found.gaps if not team or team in gap.teams]
    gaps = [(gap.title, _teams(gap), ", ".join(gap.instead) or last, gap.ladder) for gap in asked]
    columns = ("role that nobody fills", "teams", "told instead", "ladder")
    well = "Every rung of every ladder that is live reaches somebody."
    show_table("What does not reach whom it should", columns, gaps, empty=well)


def _holders(post: "Post") -> str:
    more = len(post.holders) - NAMED
    named = [holder.said for holder in post.holders[: NAMED if more > 1 else None]]
    return ", ".join(named) + (f", and {more} more" if more > 1 else "")


def _teams(gap: "Gap") -> str:
    more = len(gap.teams) - SHOWN_TEAMS
    return ", ".join(gap.teams) if more < 2 else f"{', '.join(gap.teams[:SHOWN_TEAMS])}, and {more} more"
