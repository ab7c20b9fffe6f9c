"""How people are reached: what each prefers, and the addresses to which nothing is sent any more."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select

from ehscheduler.core.preferences import Preferences, read_clock, read_quiet
from ehscheduler.store.schema import preference, suspension
from ehscheduler.store.tx import Tx, columns


@dataclass(frozen=True, slots=True)
class Suspension:
    """An address that is not written to since an instant, and why."""

    address: str
    since: datetime
    why: str


def put_preferences(tx: Tx, authority: str, person_id: str, preferences: Preferences) -> None:
    """Store what a person prefers, in place of what they did."""
    row = {
        "authority": authority,
        "person_id": person_id,
        "channels": dict(preferences.channels),
        "digest_at": f"{preferences.digest_at:%H:%M}" if preferences.digest_at else "",
        "quiet": str(preferences.quiet or ""),
    }
    tx.put(preference, row)


def preferences_of(tx: Tx, authority: str) -> dict[str, Preferences]:
    """Read what each person prefers who prefers anything."""
    c = preference.c
    rows = tx.execute(select(c.person_id, c.channels, c.digest_at, c.quiet).where(c.authority == authority))
    return {
        row.person_id: Preferences(
            row.channels,
            read_clock(row.digest_at) if row.digest_at else None,
            read_quiet(row.quiet) if row.quiet else None,
        )
        for row in rows
    }


def suspend(tx: Tx, authority: str, address: str, *, why: str, at: datetime) -> bool:
    """Stop writing to an address; False where that is so already."""
    if address_key(address) in suspensions(tx, authority):
        return False
    row = {"authority": authority, "address": address_key(address), "since": at, "why": why}
    tx.insert_new(suspension, [row])
    return True


def lift(tx: Tx, authority: str, address: str) -> bool:
    """Write to an address again; False where nothing stood in the way."""
    c = suspension.c
    gone = delete(suspension).where(c.authority == authority, c.address == address_key(address))
    return bool(tx.execute(gone).rowcount)


def suspensions(tx: Tx, authority: str) -> dict[str, Suspension]:
    """Read which addresses are not written to, by the address as `address_key` has it."""
    query = select(*columns(suspension, Suspension)).where(suspension.c.authority == authority)
    return {one.address: one for one in tx.records(Suspension, query.order_by(suspension.c.address))}


def address_key(address: str) -> str:
    """Return an address as it is compared: in small letters."""
    return address.lower()
