"""coverage: is every open case watched, does every rung reach somebody, is every policy and every feed up to date?"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

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
    from ehscheduler.config import Config
    from ehscheduler.plugins import Authority
    from ehscheduler.store.store import Store


@app.command()
def coverage(config: ConfigOption = CONFIG, authority: AuthorityOption = "", format: FormatOption = "table") -> None:
    """Ask whether all is covered. Cases, ladders, policies, feeds and mail; exit 1 where something is not."""
    from ehscheduler.cli.whose import listed

    check_format(format)
    settings, now = config_at(config), clock.now()
    with open_store(settings) as store:
        roster = listed(authority, settings, store)
        found = roster.ask(lambda one: _asked(store, one, settings, now))
    if format == "json":
        show_json(list(found.values()))
    else:
        for row in found.values():
            _show(row)
        if not found:
            typer.echo("There are no cases yet.")
    roster.end()
    if any(row["uncovered"] for row in found.values()):
        raise typer.Exit(1)


def _asked(store: "Store", authority: "Authority", settings: "Config", now: datetime) -> dict[str, Any]:
    """Ask now; the alarms stay those of the morning, which the daemon raises and clears."""
    from ehscheduler.core.saying import london_iso
    from ehscheduler.daemon.coverage import asked_at, coverage
    from ehscheduler.store.cases import cases_due

    with store.read() as tx:
        uncovered = coverage(tx, authority, settings, now)
        last = asked_at(tx, authority.name)
        ahead = bool(cases_due(tx, authority.name, now=now, limit=1))
    return {
        "authority": authority.name,
        "at": london_iso(now),
        "daemon_asked_at": london_iso(last) if last else None,
        "turn_ahead": ahead,
        "uncovered": [one.plain() for one in uncovered],
    }


def _show(row: dict[str, Any]) -> None:
    name = row["authority"]
    rows = [(one["area"], one["said"]) for one in row["uncovered"]]
    show_table(f"Not covered in {name}", ("about", "what, and what to do"), rows, empty=f"All is covered in {name}.")
    last = row["daemon_asked_at"]
    typer.echo(f"The daemon asked last at {last[:16].replace('T', ' ')}." if last else "The daemon has not asked yet.")
    if row["turn_ahead"]:
        say("Note: some cases are to be looked at in the next turn, and until then may show nothing due.")
