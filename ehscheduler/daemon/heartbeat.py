"""The heartbeat: an address outside hears that we are alive, and only while all is well. Its silence is the alarm."""

import logging
from datetime import datetime, timedelta
from typing import Any

from ehscheduler.config import Heartbeat
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.feeds_state import MANY, NOT_FED
from ehscheduler.errors import StoreError
from ehscheduler.notify.beat import Called, call
from ehscheduler.store.alarms import alarms, clear_alarm, raise_alarm
from ehscheduler.store.outbox import is_anything_stuck
from ehscheduler.store.schema import EVERYWHERE
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.tx import Tx

log = logging.getLogger("ehscheduler.heartbeat")
STUCK = timedelta(minutes=15)
"""How long a message may be on its way before something is wrong with the way out."""
BEAT = "heartbeat"
"""The state under which the last beat is noted: when it was tried, whether it was taken, what was answered."""
FAULT = "heartbeat fault"
"""The alarm that the heartbeat itself is broken; it keeps the heartbeat from nothing, or it would last for ever."""


def beat(desk: Desk, now: datetime, *, well: bool) -> Called | None:
    """Beat if it is time and all is well; None where nothing was called. What goes wrong here harms no turn."""
    try:
        return _beaten(desk, now, well=well)
    except StoreError:
        raise
    except Exception as error:  # the turn's work is done by now, and whoever watches outside hears of the silence
        fault = type(error).__name__
        log.error("the heartbeat broke off", extra={"fault": fault})
        with desk.store.begin() as tx:
            text = f"the heartbeat broke off ({fault}), and nobody outside hears it: report this as a fault"
            raise_alarm(tx, EVERYWHERE, code=FAULT, subject=BEAT, text=text, at=now)
        return None


def _beaten(desk: Desk, now: datetime, *, well: bool) -> Called | None:
    settings = desk.config.heartbeat
    if not settings.url:
        return None
    with desk.store.read() as tx:
        stuck = is_anything_stuck(tx, now - STUCK)
        alarmed = any(alarm.code not in (FAULT, NOT_FED) for alarm in alarms(tx, limit=MANY))
        if not well or stuck or alarmed or not _due(last_beat(tx), settings, now):
            return None
    called = call(settings.url, deadline=float(settings.deadline_seconds))
    if not called.ok:
        log.error("the heartbeat was not taken", extra={"fault": called.said})
    with desk.store.begin() as tx:
        clear_alarm(tx, EVERYWHERE, code=FAULT, subject=BEAT, at=now)
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
