"""Ways out that are shut: what waits for them goes by mail, and each hour the way is tried once more.

A way is shut after three refusals of how it is set up, or when for half an hour it took nothing that was tried.
"""

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from ehscheduler.daemon.desk import Desk
from ehscheduler.notify.ways import CHAT, MAIL, Way
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import clear_alarm, raise_alarm
from ehscheduler.store.notices import NewDelivery, add_deliveries
from ehscheduler.store.outbox import Parcel, drop_deliveries, waiting_channels, waiting_deliveries
from ehscheduler.store.schema import EVERYWHERE
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

SHUT_AFTER = 3
SILENT_FOR = timedelta(minutes=30)
TRIED_AGAIN = timedelta(hours=1)
SHUT = "mail"
"""The alarm that a way out is shut; its subject is the way's name."""
COPY = "whoever is to act has been told, and nothing can be sent to this chat"


def is_shut(tx: Tx, way: Way, now: datetime) -> bool:
    """Tell whether a way is not to be tried now."""
    trouble: Any = state_of(tx, EVERYWHERE, _key(way))
    if not trouble or now >= datetime.fromisoformat(trouble["again"]):
        return False
    return bool(trouble.get("silent") or trouble["refused"] >= SHUT_AFTER)


def note_taken(tx: Tx, way: Way, now: datetime) -> None:
    """Note that a way works."""
    if state_of(tx, EVERYWHERE, _key(way)):
        put_state(tx, EVERYWHERE, _key(way), {})
    clear_alarm(tx, EVERYWHERE, code=SHUT, subject=way.name, at=now)


def note_refused(tx: Tx, way: Way, answer: str, now: datetime) -> None:
    """Note that a way does not work as it is set up; the operator is told once while that lasts."""
    trouble = _trouble(tx, way, now)
    put_state(tx, EVERYWHERE, _key(way), {**trouble, "refused": trouble["refused"] + 1})
    place = "[mail]" if way.name == MAIL else f"[channels.{way.name.removeprefix(CHAT)}]"
    text = f"nothing can be sent by {way.name} until {place} in the configuration is put right: {answer}"
    raise_alarm(tx, EVERYWHERE, code=SHUT, subject=way.name, text=text, at=now)


def note_silent(tx: Tx, way: Way, answer: str, now: datetime) -> bool:
    """Note that a way took nothing just now; True after half an hour of that, and the operator is told, once."""
    trouble = {"silent_since": now.isoformat(), **_trouble(tx, way, now)}
    silent = now - datetime.fromisoformat(trouble["silent_since"]) >= SILENT_FOR
    put_state(tx, EVERYWHERE, _key(way), {**trouble, "silent": silent})
    if silent:
        meanwhile = "what waits is tried on" if way.name == MAIL else "what waits goes by mail"
        text = f"{way.name} has taken nothing for half an hour ({answer}); {meanwhile}; see what it says, and mend it"
        raise_alarm(tx, EVERYWHERE, code=SHUT, subject=way.name, text=text, at=now)
    return silent


def _trouble(tx: Tx, way: Way, now: datetime) -> dict[str, Any]:
    """Return what is noted of a way that does not work, to be tried again in an hour."""
    noted: Any = state_of(tx, EVERYWHERE, _key(way)) or {"refused": 0}
    return {**noted, "again": (now + TRIED_AGAIN).isoformat()}


def _key(way: Way) -> str:
    return f"way {way.name}"


def by_mail_instead(desk: Desk, authority: Authority, shut: Collection[str], now: datetime) -> int:
    """Send by mail what waits for ways that are shut, or that config names no more; return how many deliveries."""
    moved = 0
    with desk.store.read() as tx:
        gone = (waiting_channels(tx, authority.name, now=now) - desk.ways.keys()) | set(shut)
    if not gone:
        return 0
    with desk.store.begin() as tx:
        desk.guard(tx)
        for parcel in waiting_deliveries(tx, authority.name, now=now, limit=desk.config.daemon.batch, channels=gone):
            moved += len(parcel.items)
            _by_mail(tx, desk, authority, parcel, now)
    return moved


def _by_mail(tx: Tx, desk: Desk, authority: Authority, parcel: Parcel, now: datetime) -> None:
    name, to = authority.name, list(_instead(desk, authority, parcel.recipient, parcel.channel))
    why = f"{parcel.channel} is shut: by mail instead" if to else COPY
    for waiting in parcel.items:
        key = waiting.notice.key
        drop_deliveries(tx, name, [(key, parcel.recipient, parcel.channel)], why=why)
        add_deliveries(tx, name, key, [NewDelivery(recipient=one, channel=MAIL, send_after=now) for one in to])
        said = {"notice": key, "to": parcel.recipient, "why": why, "instead": to}
        append_trail(tx, name, at=now, who="daemon", act="drop", case_ref=waiting.notice.case_ref, detail=said)


def _instead(desk: Desk, authority: Authority, recipient: str, channel: str) -> Iterator[str]:
    """Yield who gets by mail what a way does not take: its reader; of a chat the team's duty address, if any."""
    if not channel.startswith(CHAT) or recipient.partition(":")[2] in desk.config.duty.get(authority.name, {}):
        yield recipient
