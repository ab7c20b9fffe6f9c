"""The heartbeat: an address outside hears that we are alive, and only while all is well. Its silence is the alarm."""

import logging
from datetime import datetime, timedelta
from typing import Any

from ehscheduler.config import Heartbeat
from ehscheduler.daemon.desk import Desk
from ehscheduler.notify.beat import Called, call
from ehscheduler.store.alarms import alarms
from ehscheduler.store.outbox import is_anything_stuck
from ehscheduler.store.schema import EVERYWHERE
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.tx import Tx

log = logging.getLogger("ehscheduler.heartbeat")
STUCK = timedelta(minutes=15)
"""How long a message may be on its way before something is wrong with the way out."""
BEAT = "heartbeat"
"""The state under which the last beat is noted: when it was tried, whether it was taken, what was answered."""


def beat(desk: Desk, now: datetime, *, well: bool) -> Called | None:
    """Beat if it is time and all is well; None where nothing was called. What goes wrong here harms no turn."""
    settings = desk.config.heartbeat
    if not settings.url:
        return None
    with desk.store.read() as tx:
        stuck = is_anything_stuck(tx, now - STUCK)
        if not well or stuck or alarms(tx, limit=1) or not _due(last_beat(tx), settings, now):
            return None
    called = call(settings.url, deadline=float(settings.deadline_seconds))
    if not called.ok:
        log.error("the heartbeat was not taken", extra={"fault": called.said})
    with desk.store.begin() as tx:
        before = last_beat(tx) or {}
        taken = now.isoformat() if called.ok else before.get("taken")
        put_state(tx, EVERYWHERE, BEAT, {"tried": now.isoformat(), "taken": taken, "said": called.said})
    return called


def last_beat(tx: Tx) -> dict[str, Any] | None:
    """Return what is noted of the last beat; None where there was none."""
    noted: dict[str, Any] | None = state_of(tx, EVERYWHERE, BEAT)
    return noted


def _due(last: dict[str, Any] | None, settings: Heartbeat, now: datetime) -> bool:
    """Tell whether it is time; a clock that was set back does not silence it."""
    if last is None:
        return True
    return abs(now - datetime.fromisoformat(last["tried"])) >= timedelta(seconds=settings.every_seconds)
