"""status: every authority at a glance, for people and for programs that watch."""

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehscheduler import clock
from ehscheduler.cli.common import CONFIG, ConfigOption, app, config_at, open_store, say, show_json, show_table

if TYPE_CHECKING:
    from ehscheduler.config import Config
    from ehscheduler.store.store import Store
    from ehscheduler.store.tx import Tx

WRONG, HELD = 1, 3
"""The exit codes beside 0, all is well, or no more than a question about a rule that is not fed: something is wrong;
sending is held after a restore, whatever else is so."""
FORMATS = ("table", "json", "prometheus")
HELD_SAID = (
    "Sending is held since {}: the database was restored from a backup of {}. Say from when to send with "
    "'ehscheduler send-from'."
)
LET_GO_SAID = "Sending is held since {}, and goes on with what is due from {} in the daemon's next turns."


@app.command()
def status(
    config: ConfigOption = CONFIG,
    format: Annotated[
        str, typer.Option("--format", help="table for people, json for programs, prometheus for a watch.")
    ] = "table",
) -> None:
    """Show every authority at a glance. Exit 0: all is well; 1: something is wrong; 3: sending is held."""
    from ehscheduler.cli.whose import at_home
    from ehscheduler.daemon.feeds_state import NOT_FED
    from ehscheduler.plugins import installed

    if format not in FORMATS:
        raise typer.BadParameter(f"{format!r} is none of {', '.join(FORMATS)}", param_hint="--format")
    settings = config_at(config)
    with open_store(settings) as store:
        rows = [_standing(name, settings, store) for name in sorted({*installed(), *at_home(store)})]
        alarms = _alarms(store)
        held = _held(store)
    _show(format, rows, alarms, held)
    if held:
        raise typer.Exit(HELD)
    if any(alarm["code"] != NOT_FED for alarm in alarms) or not rows or any(row["faults"] for row in rows):
        raise typer.Exit(WRONG)


def _show(format: str, rows: list[dict[str, Any]], alarms: list[dict[str, Any]], held: dict[str, Any] | None) -> None:
    from ehscheduler.cli.figures import exposition

    if format == "prometheus":
        typer.echo(exposition(rows, alarms, held=held is not None), nl=False)
        return
    if format == "json":
        shown = [{key: value for key, value in row.items() if key not in ("states", "channels")} for row in rows]
        show_json({"authorities": shown, "alarms": alarms, "sending_held": held})
        return
    if held:
        from ehscheduler.core.saying import said_moment

        moments = [said_moment(datetime.fromisoformat(text)) for text in held.values() if text]
        since, backup_at, *sends_from = moments
        say(LET_GO_SAID.format(since, sends_from[0]) if sends_from else HELD_SAID.format(since, backup_at))
        typer.echo()
    _show_status(rows, alarms)


def _held(store: "Store") -> dict[str, Any] | None:
    from ehscheduler.core.saying import london_iso
    from ehscheduler.store.held import held_sending

    with store.read() as tx:
        found = held_sending(tx)
    if found is None:
        return None
    moments = {"since": found.since, "backup_at": found.backup_at, "sends_from": found.sends_from}
    return {name: london_iso(moment) if moment else None for name, moment in moments.items()}


def _standing(name: str, settings: "Config", store: "Store") -> dict[str, Any]:
    """Return how one authority stands; one that cannot be used has its faults in place of what is open."""
    from ehscheduler.board import open_now
    from ehscheduler.core.calendars import london_day
    from ehscheduler.core.saying import london_iso
    from ehscheduler.errors import EhsError
    from ehscheduler.fitting import fitted
    from ehscheduler.plugins import load
    from ehscheduler.store.cases import case_refs
    from ehscheduler.store.outbox import count_deliveries
    from ehscheduler.store.state import LAST_SEEN, state_of

    with store.read() as tx:
        seen: Any = state_of(tx, name, LAST_SEEN)
        row: dict[str, Any] = {
            "authority": name,
            "mode": settings.live_for(name).mode,
            "cases": len(case_refs(tx, name)),
            "open": None,
            "overdue": None,
            "last_tick": london_iso(datetime.fromisoformat(seen)) if seen else None,
            "deliveries": count_deliveries(tx, name),
            "faults": [],
            "states": None,
            "channels": _by_channel(tx, name, settings),
        }
    try:
        found = open_now(store, fitted(load(name), settings, london_day(clock.now())), clock.now())
    except EhsError as error:
        return row | {"faults": str(error).splitlines()}
    states = Counter(one.state for one in found)
    return row | {"open": len(found), "overdue": states["overdue"], "states": states}


def _by_channel(tx: "Tx", name: str, settings: "Config") -> dict[tuple[str, str], int]:
    """Count what is to be sent or sent by channel and state, with a nought where there is nothing."""
    from ehscheduler.store.figures import deliveries_by_channel
    from ehscheduler.store.schema import DELIVERY_STATES

    found = deliveries_by_channel(tx, name)
    channels = {"mail", *settings.channels, *(channel for channel, _ in found)}
    return {(channel, state): found.get((channel, state), 0) for channel in channels for state in DELIVERY_STATES}


def _alarms(store: "Store") -> list[dict[str, Any]]:
    from ehscheduler.core.saying import london_iso
    from ehscheduler.store.alarms import alarms

    with store.read() as tx:
        found = alarms(tx)
    return [{"authority": a.authority, "code": a.code, "since": london_iso(a.at), "said": a.text} for a in found]


def _show_status(rows: list[dict[str, Any]], alarms: list[dict[str, Any]]) -> None:
    shown = [
        (
            row["authority"] if row["mode"] == "live" else f"{row['authority']} ({row['mode']})",
            row["cases"],
            "?" if row["open"] is None else row["open"],
            "?" if row["overdue"] is None else row["overdue"],
            row["deliveries"].get("waiting", 0),
            (row["last_tick"] or "never")[:16].replace("T", " "),
        )
        for row in rows
    ]
    columns = ("authority", "cases", "open", "overdue", "waiting", "last turn")
    show_table("Authorities", columns, shown, empty="No authority is installed; pip install ./plugins/NAME")
    wrong = [fault for row in rows for fault in row["faults"]]
    # What a plugin's own faults say, or that sending is held, is not said twice.
    wrong += [_said_alarm(alarm) for alarm in alarms if alarm["code"] not in ("plugin", "sending held")]
    if wrong:
        typer.echo("\nWrong now ('ehscheduler doctor' looks further):")
    for line in wrong:
        say(line, "  ")


def _said_alarm(alarm: dict[str, Any]) -> str:
    from ehscheduler.store.schema import EVERYWHERE

    place = "" if alarm["authority"] == EVERYWHERE else f"{alarm['authority']}: "
    return f"{place}{alarm['said']} (since {alarm['since'][:16].replace('T', ' ')})"
