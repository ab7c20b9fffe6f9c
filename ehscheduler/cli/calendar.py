"""calendar: one file for each person, with what is due from them and the meetings to which their cases go."""

from pathlib import Path
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
    say,
    show_json,
    show_table,
)

if TYPE_CHECKING:
    from datetime import date

    from ehscheduler.config import Live
    from ehscheduler.notify.ics_files import Kept

COLUMNS = ("person", "file", "entries", "changed", "cancelled", "")


@app.command()
def calendar(
    out: Annotated[Path, typer.Option("--out", help="The folder for the files; keep it from one time to the next.")],
    references: Annotated[
        bool, typer.Option("--references/--no-references", help="Whether an entry says which case it is of.")
    ] = True,
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    format: FormatOption = "table",
) -> None:
    """Write a calendar (.ics) for each person. Their due dates and meetings; what is over is cancelled in it."""
    from ehscheduler.cli.whose import one_authority
    from ehscheduler.core.calendars import london_day
    from ehscheduler.diary import Showing, diaries
    from ehscheduler.notify.ics_files import keep

    check_format(format)
    settings, now = config_at(config), clock.now()
    with open_store(settings) as store:
        loaded = one_authority(authority, settings, store)
        live = settings.live_for(loaded.name)
        found: list[Kept] = []
        if why := _silent(live, london_day(now)):
            typer.echo(f"No calendar is written for {loaded.name}: {why}.", err=True)
        else:
            showing = Showing(rules=live.rules, references=references, link=settings.link.get(loaded.name, ""))
            made = diaries(store, loaded, now, showing)
            domain = settings.mail.sender.rpartition("@")[2]
            found = keep(out, made, authority=loaded.name, domain=domain, now=now)
    if format == "json":
        show_json([{"authority": loaded.name, **one.plain()} for one in found])
    elif not why:
        _show(loaded.name, out, found)


def _silent(live: "Live", today: "date") -> str:
    """Say why people are told nothing yet; empty where the authority is live."""
    if live.mode == "shadow":
        return "it is in shadow mode, and people are told nothing"
    return f"it is live from {live.since.isoformat()}" if live.since and today < live.since else ""


def _show(name: str, out: Path, found: "list[Kept]") -> None:
    title = f"Calendars of {name} in {out}"
    rows = [(one.person, one.file, one.entries, one.changed, one.cancelled, one.state) for one in found]
    show_table(title, COLUMNS, rows, empty=f"{name} has no people; import them with 'ehscheduler import --people'.")
    count = {state: sum(1 for one in found if one.state == state) for state in ("written", "unchanged", "removed")}
    say(f"{count['written']} written, {count['unchanged']} as before, {count['removed']} removed.")
