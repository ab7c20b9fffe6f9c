"""What decisions rest on beside the case: policy, calendar, settings. Where they change, every case is looked at."""

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from ehscheduler.core.calendars import Calendar
from ehscheduler.core.milestones import OPEN_STATES
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.feeds_state import Feeding
from ehscheduler.plugins import Authority
from ehscheduler.store.cases import wake
from ehscheduler.store.editions import hash_of
from ehscheduler.store.holdings import counted
from ehscheduler.store.milestones import MilestoneChanges
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

SETTINGS = "settings_of_the_last_tick"
CHANGED = "settings_changed"
"""What of these has changed, until a tick has been through with it."""


def wake_where_settings_changed(
    tx: Tx, desk: Desk, authority: Authority, feeding: Feeding, now: datetime
) -> tuple[str, ...]:
    """Look at every case anew where policy, calendar, feeds or settings are not as they were; return what has changed.

    What has changed stays noted until a tick has been through with it.
    """
    name, live = authority.name, desk.config.live_for(authority.name)
    parts = {
        "edition": authority.policy.edition,
        "policy": [one.text_hash for one in authority.policies],
        "readings": {id_: [r.answer, r.value] for id_, r in authority.policy.readings.items()},
        "days off": _days_off(authority.calendar),
        "sittings": str(authority.calendar.sittings),
        "live": [str(live.since), live.rules, live.checks, live.mode],
        "feeds": [feeding.late, sorted(feeding.unfed)],
        "ladder": [[list(step.who), str(step.after)] for step in desk.config.overdue_ladder(name)],
    }
    stands = {part: hash_of(json.dumps(value, sort_keys=True)) for part, value in parts.items()}
    before: Any = state_of(tx, name, SETTINGS) or {}
    under_way: Any = state_of(tx, name, CHANGED) or []
    if before == stands:
        return tuple(under_way)
    counted(tx, name, None)
    wake(tx, name, None, now=now)
    put_state(tx, name, SETTINGS, stands)
    changed = [part for part in stands if before and before.get(part) != stands[part]]
    if changed:
        append_trail(tx, name, at=now, who="daemon", act="settings", detail={"changed": changed})
    put_state(tx, name, CHANGED, sorted({*under_way, *changed}))
    return tuple(sorted({*under_way, *changed}))


@lru_cache(maxsize=64)
def _days_off(calendar: Calendar) -> str:
    """Name the days that do not count, in few letters."""
    return hash_of(",".join(sorted(day.isoformat() for day in calendar.days_off)))


def been_through(tx: Tx, name: str) -> None:
    """Note that a tick has been through all cases with what had changed."""
    put_state(tx, name, CHANGED, [])


def trail_moved(
    tx: Tx, name: str, case_ref: str, differs: MilestoneChanges, because: tuple[str, ...], now: datetime
) -> None:
    """Note which dates of a case moved because policy, calendar or settings changed."""
    pairs = [(one.before, one.after) for one in differs.changed if one.before.due_at != one.after.due_at]
    moved = [
        {"milestone": after.key, "from": str(before.due_on or ""), "to": str(after.due_on or "")}
        for before, after in pairs
        if after.state in OPEN_STATES
    ]
    if moved:
        detail = {"because": list(because), "moved": moved}
        append_trail(tx, name, at=now, who="daemon", act="moved", case_ref=case_ref, detail=detail)
