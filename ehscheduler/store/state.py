"""The few single values of an authority, such as the latest instant that was seen."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from ehscheduler.store.schema import authority_state
from ehscheduler.store.tx import Tx

LAST_SEEN = "last_seen_time"


def put_state(tx: Tx, authority: str, key: str, value: Any) -> None:
    """Store a JSON value under a key, in place of what was there."""
    tx.put(authority_state, {"authority": authority, "key": key, "value": value})


def state_of(tx: Tx, authority: str, key: str) -> Any:
    """Read the value of a key; None where there is none."""
    c = authority_state.c
    return tx.execute(select(c.value).where(c.authority == authority, c.key == key)).scalar()


def see_time(tx: Tx, authority: str, now: datetime) -> datetime | None:
    """Note the present instant and return the latest one seen before, which never goes back; None at first."""
    seen = state_of(tx, authority, LAST_SEEN)
    last = datetime.fromisoformat(seen) if seen else None
    if last is None or now > last:
        put_state(tx, authority, LAST_SEEN, now.isoformat())
    return last
