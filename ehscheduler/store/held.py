"""Sending is held after a restore, until the operator has said from when: what was sent since the backup is not known.

`send_from` notes what the operator says; the next turn of the daemon does it, and then lets go.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ehscheduler.store.alarms import clear_alarm, raise_alarm
from ehscheduler.store.schema import EVERYWHERE
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

HELD = "sending_held"
"""The state, and the alarm, that say so."""


@dataclass(frozen=True, slots=True)
class Held:
    """Since when nothing is sent, when the backup was made, and from when to send, once the operator has said so."""

    since: datetime
    backup_at: datetime
    sends_from: datetime | None = None


def held_sending(tx: Tx) -> Held | None:
    """Return how sending is held; None where it is not."""
    noted: Any = state_of(tx, EVERYWHERE, HELD)
    if not noted:
        return None
    since, backup_at = (datetime.fromisoformat(noted[name]) for name in ("since", "backup_at"))
    return Held(since, backup_at, datetime.fromisoformat(noted["sends_from"]) if noted["sends_from"] else None)


def hold_sending(tx: Tx, *, backup_at: datetime, at: datetime, by: str, backup_said: str) -> None:
    """Hold sending from a restore on, and let the operator know; `backup_said` is `backup_at` in words."""
    _put(tx, Held(at, backup_at))
    text = (
        f"sending is held: the database was restored from a backup of {backup_said}, and what was sent since is not "
        "known; say from when with `ehscheduler send-from`"
    )
    raise_alarm(tx, EVERYWHERE, code=HELD.replace("_", " "), subject="restore", text=text, at=at)
    append_trail(tx, EVERYWHERE, at=at, who=by, act="restore", detail={"backup_at": backup_at.isoformat()})


def send_from(tx: Tx, moment: datetime, *, at: datetime, by: str) -> bool:
    """Note from when to send; the next turn does it. False where sending is not held."""
    held = held_sending(tx)
    if held is None:
        return False
    _put(tx, Held(held.since, held.backup_at, moment))
    append_trail(tx, EVERYWHERE, at=at, who=by, act="send from", detail={"from": moment.isoformat()})
    return True


def let_go(tx: Tx, *, at: datetime) -> None:
    """Hold sending no longer."""
    put_state(tx, EVERYWHERE, HELD, {})
    clear_alarm(tx, EVERYWHERE, code=HELD.replace("_", " "), subject="restore", at=at)


def _put(tx: Tx, held: Held) -> None:
    noted = {name: moment.isoformat() if (moment := getattr(held, name)) else None for name in Held.__slots__}
    put_state(tx, EVERYWHERE, HELD, noted)
