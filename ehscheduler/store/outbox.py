"""The outbox: claim with a lease, send, then mark.

A delivery waits until a message claims it. A message is frozen at its claim: members, recipient, address, bytes and
Message-ID. Whoever claims holds a `Claim`; a mark with a claim that has been taken over since is refused (False).
What may have reached its recipient is only ever sent again as the same message.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, insert, or_, select, tuple_, update

from ehscheduler.store.notices import Notice
from ehscheduler.store.schema import delivery, message, notice
from ehscheduler.store.tx import Tx, batches, columns

LISTED = 200


@dataclass(frozen=True, slots=True)
class Waiting:
    """A delivery that waits, with the notice it is of."""

    notice: Notice
    send_after: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """All that waits for one recipient by one channel."""

    recipient: str
    channel: str
    items: tuple[Waiting, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A message ready to be claimed: these very bytes go to this address under this Message-ID, however often."""

    message_id: str
    recipient: str
    channel: str
    address: str
    subject: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A message that somebody holds until `lease_until`; `attempts` counts the tries, this one too."""

    authority: str
    message_id: str
    recipient: str
    channel: str
    address: str
    subject: str
    body: bytes
    lease_owner: str
    lease_until: datetime
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """A message that the next system took, and that may be asked about."""

    authority: str
    message_id: str
    recipient: str
    address: str
    server_answer: str
    sent_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRow:
    """One delivery with its notice and the message it is, or was last, part of."""

    notice_key: str
    case_ref: str
    rule: str
    milestone: str
    kind: str
    stage: int | None
    at: datetime
    recipient: str
    channel: str
    state: str
    why: str | None
    send_after: datetime
    attempts: int
    message_id: str | None
    message_state: str | None
    address: str | None
    subject: str | None
    claimed_at: datetime | None
    sent_at: datetime | None
    server_answer: str | None


# ---- what waits


def waiting_deliveries(
    tx: Tx, authority: str, *, now: datetime, limit: int = 50, channels: Collection[str] | None = None
) -> list[Parcel]:
    """Gather what may be sent now, by recipient and channel, the longest waiting recipients first."""
    due = [delivery.c.authority == authority, delivery.c.state == "waiting", delivery.c.send_after <= now]
    if channels is not None:
        due.append(delivery.c.channel.in_(channels))
    to = (delivery.c.recipient, delivery.c.channel)
    first = func.min(delivery.c.send_after)
    oldest = tx.execute(select(*to).where(*due).group_by(*to).order_by(first, *to).limit(limit)).all()
    if not oldest:
        return []
    order = {tuple(row): place for place, row in enumerate(oldest)}
    query = (
        select(*to, delivery.c.send_after, delivery.c.attempts, *columns(notice, Notice))
        .join(notice, _of_notice())
        .where(*due, tuple_(*to).in_(list(order)))
    )
    rows = sorted(tx.execute(query), key=lambda row: (order[row[0], row[1]], row.at, row.key))
    return [
        Parcel(recipient, channel, tuple(map(_waiting, group)))
        for (recipient, channel), group in groupby(rows, key=lambda row: (row[0], row[1]))
    ]


def waiting_channels(tx: Tx, authority: str, *, now: datetime) -> set[str]:
    """Return by which channels something is to leave now."""
    due = (delivery.c.authority == authority, delivery.c.state == "waiting", delivery.c.send_after <= now)
    return set(tx.execute(select(delivery.c.channel).where(*due).distinct()).scalars())


def _waiting(row: Row[*tuple[Any, ...]]) -> Waiting:
    notice = Notice(**{name: row._mapping[name] for name in Notice.__slots__})
    return Waiting(notice, row.send_after, row.attempts)


def drop_deliveries(tx: Tx, authority: str, deliveries: Iterable[tuple[str, str, str]], *, why: str) -> int:
    """Do not send these (notice key, recipient, channel), and say why; counts those that were still waiting."""
    return _change_waiting(tx, authority, deliveries, {"state": "dropped", "why": why})


def defer_deliveries(tx: Tx, authority: str, deliveries: Iterable[tuple[str, str, str]], *, until: datetime) -> int:
    """Send these (notice key, recipient, channel) later; counts those that were still waiting."""
    return _change_waiting(tx, authority, deliveries, {"send_after": until})


def _change_waiting(tx: Tx, authority: str, deliveries: Iterable[tuple[str, str, str]], values: dict[str, Any]) -> int:
    return sum(
        tx.execute(
            update(delivery).where(*_one(authority, *which), delivery.c.state == "waiting").values(values)
        ).rowcount
        for which in sorted(deliveries)
    )


# ---- claiming


def claim(
    tx: Tx, authority: str, letter: Letter, notice_keys: Sequence[str], *, owner: str, now: datetime, until: datetime
) -> Claim | None:
    """Make a message of waiting deliveries and hold it until `until`; None, and nothing done, if another has one.

    Every notice named must be waiting for the letter's recipient and channel. Commit before sending.
    """
    whose = and_(
        delivery.c.authority == authority,
        delivery.c.recipient == letter.recipient,
        delivery.c.channel == letter.channel,
        delivery.c.state == "waiting",
    )
    keys = sorted(set(notice_keys))
    if not keys or not _hold_all(tx, whose, keys):
        return None
    held = Claim(
        authority=authority,
        message_id=letter.message_id,
        recipient=letter.recipient,
        channel=letter.channel,
        address=letter.address,
        subject=letter.subject,
        body=letter.body,
        lease_owner=owner,
        lease_until=until,
        attempts=1,
    )
    values = {name: getattr(held, name) for name in held.__slots__}
    tx.execute(insert(message).values(**values, state="claimed", claimed_at=now))
    for batch in batches(keys):
        taken = {"state": "claimed", "message_id": letter.message_id, "attempts": delivery.c.attempts + 1}
        tx.execute(update(delivery).where(whose, delivery.c.notice_key.in_(batch)).values(taken))
    return held


def _hold_all(tx: Tx, whose: ColumnElement[bool], keys: Sequence[str]) -> bool:
    """Lock the deliveries until the transaction ends; False where one is gone or another is claiming it."""
    for batch in batches(keys):
        query = select(delivery.c.notice_key).where(whose, delivery.c.notice_key.in_(batch))
        found = tx.execute(query.order_by(delivery.c.notice_key).with_for_update(skip_locked=True)).all()
        if len(found) != len(batch):
            return False
    return True


def expired_claims(
    tx: Tx, authority: str, *, now: datetime, limit: int = 50, channel: str | None = None
) -> list[Claim]:
    """List the messages whose holder is gone, or whose fate is unknown and whose next try has come."""
    query = select(*columns(message, Claim)).where(message.c.authority == authority, _is_expired(now))
    if channel is not None:
        query = query.where(message.c.channel == channel)
    return tx.records(Claim, query.order_by(message.c.lease_until, message.c.message_id).limit(limit))


def claim_again(tx: Tx, expired: Claim, *, owner: str, now: datetime, until: datetime) -> Claim | None:
    """Take over an expired message as it is, Message-ID and bytes; None where another was first."""
    same = and_(*_is_message(expired), message.c.attempts == expired.attempts, _is_expired(now))
    values = {"state": "claimed", "lease_owner": owner, "lease_until": until, "next_try_at": None}
    changed = tx.execute(update(message).where(same).values(**values, attempts=expired.attempts + 1)).rowcount
    if not changed:
        return None
    tx.execute(update(delivery).where(*_is_member(expired)).values(attempts=delivery.c.attempts + 1))
    return replace(expired, lease_owner=owner, lease_until=until, attempts=expired.attempts + 1)


def renew_claim(tx: Tx, claim: Claim, *, until: datetime) -> Claim | None:
    """Hold a message longer, as when others were sent before it; None, and it must not be sent, where it was taken."""
    if not tx.execute(update(message).where(*_still_held(claim)).values(lease_until=until)).rowcount:
        return None
    return replace(claim, lease_until=until)


def _is_expired(now: datetime) -> ColumnElement[bool]:
    c = message.c
    in_flight = c.state.in_(("claimed", "uncertain"))  # what the index finds: few, however many were sent
    lost = and_(c.state == "claimed", c.lease_until <= now)
    return and_(in_flight, or_(lost, and_(c.state == "uncertain", c.next_try_at <= now)))


# ---- marking


def mark_handed_over(tx: Tx, claim: Claim, *, now: datetime, answer: str, ask_at: datetime | None = None) -> bool:
    """Note that the next system took the message, with its answer; that is not to say that it was delivered.

    `ask_at` is when to ask what became of it, where that can be asked.
    """
    return _settle(tx, claim, "handed_over", {"state": "handed_over"}, answer, sent_at=now, next_try_at=ask_at)


def mark_refused(tx: Tx, claim: Claim, *, answer: str) -> bool:
    """Note that the message was refused for good: its deliveries become dead letters."""
    return _settle(tx, claim, "refused", {"state": "refused", "why": answer}, answer)


def mark_returned(tx: Tx, claim: Claim, *, answer: str, now: datetime) -> bool:
    """Note that nothing can reach the address: the message is refused for good, and what it tells is owed still."""
    return _settle(tx, claim, "refused", {"state": "waiting", "send_after": now}, answer)


def mark_dead(tx: Tx, claim: Claim, *, answer: str) -> bool:
    """Give a message up after its last try: its deliveries become dead letters."""
    return _settle(tx, claim, "dead", {"state": "dead", "why": answer}, answer)


def mark_withdrawn(tx: Tx, claim: Claim, *, why: str) -> bool:
    """Take back a message that was claimed and is no longer owed."""
    return _settle(tx, claim, "withdrawn", {"state": "dropped", "why": why}, None)


def mark_uncertain(tx: Tx, claim: Claim, *, answer: str, next_try_at: datetime) -> bool:
    """Note that nobody knows whether the message was taken; it will be claimed again as it is."""
    return _settle(tx, claim, "uncertain", None, answer, next_try_at=next_try_at)


def mark_temporary(tx: Tx, claim: Claim, *, answer: str, send_after: datetime, counts: bool = True) -> bool:
    """Note that the message was not taken this time: its deliveries wait again until `send_after`.

    The message is dissolved; the next one is made of what is then owed. Not so on a second try, as the first may have
    been taken: then the same message waits. `counts=False` where the fault is our own set-up: the try is not counted.
    """
    members: dict[str, Any] = {} if counts else {"attempts": delivery.c.attempts - 1}
    if claim.attempts > 1:
        return _settle(tx, claim, "uncertain", members, answer, next_try_at=send_after)
    return _settle(tx, claim, "dissolved", members | {"state": "waiting", "send_after": send_after}, answer)


def _settle(
    tx: Tx, claim: Claim, state: str, members: dict[str, Any] | None, answer: str | None, **values: Any
) -> bool:
    """Change a message that is still held by this claim, and its deliveries with it."""
    changed = update(message).where(*_still_held(claim)).values(state=state, server_answer=answer, **values)
    if not tx.execute(changed).rowcount:
        return False
    if members:
        tx.execute(update(delivery).where(*_is_member(claim)).values(**members))
    return True


def _still_held(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    c = message.c
    ours = (c.lease_owner == claim.lease_owner, c.attempts == claim.attempts)
    return *_is_message(claim), c.state == "claimed", *ours


def _is_member(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    c = delivery.c
    return c.authority == claim.authority, c.message_id == claim.message_id, c.state == "claimed"


def take_back(tx: Tx, authority: str, address: str, *, since: datetime, why: str, now: datetime) -> int:
    """Take back the messages that an address was handed from an instant on: what they told waits again.

    Their bytes and answers stay; each is marked as refused, which with the time at which it was sent says that it came
    back. Returns how many.
    """
    m = message.c
    whose = (
        m.authority == authority,
        func.lower(m.address) == address.lower(),
        m.state == "handed_over",
        m.sent_at >= since,
    )
    ids = [row.message_id for row in tx.execute(select(m.message_id).where(*whose))]
    return sum(came_back(tx, authority, id_, answer=why, again_at=now) for id_ in ids)


def came_back(tx: Tx, authority: str, message_id: str, *, answer: str, again_at: datetime | None) -> bool:
    """Note that a message that was handed over did not arrive; False where it was noted before.

    What it told waits again until `again_at`; with None it becomes a dead letter.
    """
    m, d = message.c, delivery.c
    which = (m.authority == authority, m.message_id == message_id, m.state == "handed_over")
    values = {"state": "refused", "server_answer": answer, "next_try_at": None}
    if not tx.execute(update(message).where(*which).values(**values)).rowcount:
        return False
    dead = {"state": "refused", "why": answer}
    members = dead if again_at is None else {"state": "waiting", "send_after": again_at}
    of_it = (d.authority == authority, d.message_id == message_id, d.state == "handed_over")
    tx.execute(update(delivery).where(*of_it).values(**members))
    return True


def to_ask_about(tx: Tx, authority: str, channel: str, *, now: datetime, limit: int) -> list[HandedOver]:
    """List what was handed over by a channel and is now to be asked about, the longest waiting first."""
    c = message.c
    query = select(*columns(message, HandedOver)).where(c.authority == authority, c.channel == channel)
    due = query.where(c.state == "handed_over", c.next_try_at <= now)
    return tx.records(HandedOver, due.order_by(c.next_try_at, c.message_id).limit(limit))


def ask_again(tx: Tx, authority: str, message_id: str, *, answer: str, at: datetime | None) -> None:
    """Note what the other side says of a message that it took, and when to ask again; None where that was its last."""
    c = message.c
    which = (c.authority == authority, c.message_id == message_id, c.state == "handed_over")
    tx.execute(update(message).where(*which).values(server_answer=answer, next_try_at=at))


def tries_of(tx: Tx, claim: Claim | HandedOver) -> int:
    """Return how often the notice in a message that was tried most has been tried, the present try included."""
    c = delivery.c
    whose = (c.authority == claim.authority, c.message_id == claim.message_id)
    return int(tx.execute(select(func.max(c.attempts)).where(*whose)).scalar() or 1)


# ---- dead letters and lists


def replay(tx: Tx, authority: str, notice_key: str, recipient: str, channel: str, *, now: datetime) -> bool:
    """Let a dead letter wait again, from its first try; False where it is none."""
    dead = delivery.c.state.in_(("refused", "dead"))
    values = {"state": "waiting", "why": None, "attempts": 0, "send_after": now}
    where = _one(authority, notice_key, recipient, channel)
    return bool(tx.execute(update(delivery).where(*where, dead).values(**values)).rowcount)


def give_up(tx: Tx, authority: str, deliveries: Iterable[tuple[str, str, str]], *, why: str) -> None:
    """Let dead letters rest, and say why."""
    dead = delivery.c.state.in_(("refused", "dead"))
    for which in sorted(deliveries):
        tx.execute(update(delivery).where(*_one(authority, *which), dead).values(state="dropped", why=why))


def outbox(
    tx: Tx,
    authority: str,
    *,
    states: Collection[str] = (),
    case_ref: str | None = None,
    rule: str | None = None,
    recipient: str | None = None,
    limit: int = LISTED,
) -> list[OutboxRow]:
    """List deliveries, the newest notice first; dead letters are the states `refused` and `dead`."""
    query = _outbox_query(authority)
    if case_ref is not None:
        about = select(notice.c.key).where(notice.c.authority == authority, notice.c.case_ref == case_ref)
        query = query.where(delivery.c.notice_key.in_(about))  # from the few notices of a case to their deliveries
    if rule is not None:
        query = query.where(notice.c.rule == rule)
    if recipient is not None:
        query = query.where(delivery.c.recipient == recipient)
    if states:
        query = query.where(delivery.c.state.in_(states))
    newest = query.order_by(notice.c.at.desc(), notice.c.key, delivery.c.recipient, delivery.c.channel)
    return tx.records(OutboxRow, newest.limit(limit))


def count_deliveries(tx: Tx, authority: str) -> dict[str, int]:
    """Count the deliveries in each state."""
    c = delivery.c
    rows = tx.execute(select(c.state, func.count().label("n")).where(c.authority == authority).group_by(c.state))
    return {row.state: row.n for row in rows}


def message_of(tx: Tx, authority: str, message_id: str) -> Claim | None:
    """Read a message as it was frozen, whatever became of it."""
    c = message.c
    query = select(*columns(message, Claim)).where(c.authority == authority, c.message_id == message_id)
    return next(iter(tx.records(Claim, query)), None)


def _outbox_query(authority: str) -> Select[Any]:
    named: dict[str, Any] = {"message_state": message.c.state.label("message_state")}
    for table in (delivery, notice, message):
        for column in table.c:
            named.setdefault(column.name, column)
    wanted = [named[name] for name in OutboxRow.__slots__]
    in_message = and_(message.c.authority == delivery.c.authority, message.c.message_id == delivery.c.message_id)
    return (
        select(*wanted)
        .select_from(delivery)
        .join(notice, _of_notice())
        .outerjoin(message, in_message)
        .where(delivery.c.authority == authority)
    )


def _of_notice() -> ColumnElement[bool]:
    return and_(notice.c.authority == delivery.c.authority, notice.c.key == delivery.c.notice_key)


def _one(authority: str, notice_key: str, recipient: str, channel: str) -> tuple[ColumnElement[bool], ...]:
    c = delivery.c
    return c.authority == authority, c.notice_key == notice_key, c.recipient == recipient, c.channel == channel


def _is_message(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    return message.c.authority == claim.authority, message.c.message_id == claim.message_id


def is_anything_stuck(tx: Tx, since: datetime) -> bool:
    """Tell whether a message that was tried has not left, or one that was to be tried by an instant was not."""
    m, d = message.c, delivery.c
    tried = tx.execute(select(m.message_id).where(m.state.in_(("claimed", "uncertain"))).limit(1)).first()
    again = or_(d.attempts > 0, d.send_after <= since)
    waits = tx.execute(select(d.notice_key).where(d.state == "waiting", again).limit(1)).first()
    return tried is not None or waits is not None


def last_outcome(tx: Tx, authority: str) -> str | None:
    """Return what became of the message that was claimed last, of those that have an outcome; None without any."""
    c = message.c
    settled = ("handed_over", "refused", "dead")
    query = select(c.state).where(c.authority == authority, c.state.in_(settled))
    return tx.execute(query.order_by(c.claimed_at.desc(), c.message_id).limit(1)).scalar()
