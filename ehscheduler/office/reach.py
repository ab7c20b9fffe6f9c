"""How people are reached: what each prefers, and addresses from which what was sent came back."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from ehscheduler.address import address_fault
from ehscheduler.core.calendars import london_day
from ehscheduler.core.people import Directory
from ehscheduler.core.preferences import KINDS, Preferences, read_digest_time, read_quiet
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import InputRefused
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import clear_alarm, raise_alarm
from ehscheduler.store.outbox import take_back
from ehscheduler.store.people import people_of
from ehscheduler.store.reach import address_key, lift, preferences_of, put_preferences, suspend
from ehscheduler.store.store import Store
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

BOUNCED_WITHIN = timedelta(days=5)
"""A mail server gives up within so long (ours): what was sent to an address before has arrived, or nobody knows."""
SUSPENDED = "suspended address"


def prefer(
    store: Store,
    authority: Authority,
    person_id: str,
    *,
    channels: Mapping[str, str] | None = None,
    digest_at: str | None = None,
    quiet: str | None = None,
    known: Collection[str],
    now: datetime,
    by: str,
) -> Preferences:
    """Change what a person prefers and return all of it; what is None stays, and an empty text is theirs no longer.

    `channels` are by kind of message, `known` the channels that config names. Raises InputRefused with every fault.
    """
    faults: list[str] = []
    for kind, name in (channels or {}).items():
        if kind not in KINDS:
            faults.append(f"{kind!r} is no kind of message{nearest(kind, KINDS)} (kinds: {', '.join(KINDS)})")
        if name and name not in known:
            faults.append(f"config names no channel {name!r} for people{nearest(name, list(known))}")
    try:
        clock = read_digest_time(digest_at) if digest_at else None
        hours = read_quiet(quiet) if quiet else None
    except ValueError as fault:
        faults.append(str(fault))
    with store.begin() as tx:
        if person_id not in Directory.on(people_of(tx, authority.name), london_day(now)).people:
            faults.append(f"{authority.name} has nobody {person_id!r} who is current")
        if faults:
            raise InputRefused(faults)
        had = preferences_of(tx, authority.name).get(person_id, Preferences())
        ways = {kind: name for kind, name in {**had.channels, **(channels or {})}.items() if name}
        made = replace(had, channels=ways)
        made = made if digest_at is None else replace(made, digest_at=clock)
        made = made if quiet is None else replace(made, quiet=hours)
        put_preferences(tx, authority.name, person_id, made)
        said = {
            "person": person_id,
            "channels": ways,
            "digest_at": str(made.digest_at or ""),
            "quiet": str(made.quiet or ""),
        }
        append_trail(tx, authority.name, at=now, who=by, act="prefer", detail=said)
    return made


def bounce(store: Store, authority: Authority, address: str, *, why: str, now: datetime, by: str) -> int:
    """Write to an address no more, as mail to it came back; return how many messages of late are taken back.

    What they told is owed still: it goes to whoever acts where its reader cannot be reached. Raises InputRefused for
    what is no address of this authority's.
    """
    address = _known(store, authority, address)
    with store.begin() as tx:
        stop_writing(tx, authority.name, address, why=why, at=now)
        back = take_back(tx, authority.name, address, since=now - BOUNCED_WITHIN, why=f"bounced: {why}", now=now)
        said = {"address": address, "why": why, "messages": back}
        append_trail(tx, authority.name, at=now, who=by, act="bounce", detail=said)
    return back


def stop_writing(tx: Tx, authority: str, address: str, *, why: str, at: datetime) -> None:
    """Write to an address no more from now on, and tell the operator why and what to do."""
    address = address_key(address)
    suspend(tx, authority, address, why=why, at=at)
    text = (
        f"nothing is sent to {address} any more, as mail to it came back ({why}); put people.csv right, "
        f"or once it works again: ehscheduler bounce {address} --lift"
    )
    raise_alarm(tx, authority, code=SUSPENDED, subject=address, text=text, at=at)


def reach_again(store: Store, authority: Authority, address: str, *, now: datetime, by: str) -> bool:
    """Write to an address again; False where nothing stood in the way."""
    address = address_key(address)
    with store.begin() as tx:
        lifted = lift(tx, authority.name, address)
        clear_alarm(tx, authority.name, code=SUSPENDED, subject=address, at=now)
        if lifted:
            append_trail(tx, authority.name, at=now, who=by, act="lift", detail={"address": address})
    return lifted


def _known(store: Store, authority: Authority, address: str) -> str:
    """Return an address as it is kept; raise InputRefused where nobody of an authority has it."""
    if fault := address_fault(address):
        raise InputRefused([f"{address!r}: {fault}"])
    with store.read() as tx:
        people = {address_key(person.email) for person in people_of(tx, authority.name)}
    if address_key(address) not in people:
        raise InputRefused([f"nobody of {authority.name} has the address {address}{nearest(address, sorted(people))}"])
    return address_key(address)
