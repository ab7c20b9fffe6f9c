"""Notices, and in the same transaction the deliveries each one asks for: one to a recipient by a channel."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ehscheduler.store.schema import delivery, notice
from ehscheduler.store.tx import Tx, as_row, batches, columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something to tell, decided once. `kept` says why nobody is told, or is None; `milestone` is a milestone's key.

    `key` is made of the milestone's identity, its due version, the kind, stage and repeat number.
    """

    key: str
    case_ref: str
    episode: int
    rule: str
    milestone: str
    kind: str
    stage: int | None
    repeat: int
    due_version: str
    at: datetime
    decided_at: datetime
    to_roles: tuple[str, ...]
    immediate: bool
    kept: str | None
    clause: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDelivery:
    """Who a notice goes to, by what, and not before when; `dropped` is the reason why it is not sent at all.

    A recipient is `person:ID`, `team:NAME` or `operator`.
    """

    recipient: str
    channel: str
    send_after: datetime
    dropped: str | None = None


def add_notices(tx: Tx, authority: str, decided: Iterable[tuple[Notice, Sequence[NewDelivery]]]) -> set[str]:
    """Store the notices that are not there yet with their deliveries; return the keys of those that were new.

    A notice that is there keeps its deliveries as they are: a re-run repeats nothing.
    """
    wanted = {one.key: (one, deliveries) for one, deliveries in decided}
    rows = [as_row(authority, one) for one, _ in wanted.values()]
    new = {row.key for row in tx.insert_new(notice, rows, notice.c.key)}
    waiting = [_row(authority, key, one) for key, (_, deliveries) in wanted.items() if key in new for one in deliveries]
    tx.insert_new(delivery, waiting)
    return new


def add_deliveries(tx: Tx, authority: str, notice_key: str, deliveries: Iterable[NewDelivery]) -> list[str]:
    """Send a notice to further recipients; return those who did not have it already."""
    rows = [_row(authority, notice_key, one) for one in deliveries]
    return [row.recipient for row in tx.insert_new(delivery, rows, delivery.c.recipient)]


def _row(authority: str, notice_key: str, one: NewDelivery) -> dict[str, object]:
    return {
        "authority": authority,
        "notice_key": notice_key,
        "recipient": one.recipient,
        "channel": one.channel,
        "state": "dropped" if one.dropped else "waiting",
        "why": one.dropped,
        "send_after": one.send_after,
        "attempts": 0,
    }


def known_notices(tx: Tx, authority: str, keys: Iterable[str]) -> set[str]:
    """Return which of these keys are decided already."""
    found: set[str] = set()
    for batch in batches(list(keys)):
        query = select(notice.c.key).where(notice.c.authority == authority, notice.c.key.in_(batch))
        found.update(tx.execute(query).scalars())
    return found


def kept_notices(tx: Tx, authority: str, *, case_ref: str | None = None, limit: int = 200) -> list[Notice]:
    """Read what was decided and kept back, the newest first; each says why."""
    c = notice.c
    query = select(*columns(notice, Notice)).where(c.authority == authority, c.kept.is_not(None))
    if case_ref is not None:
        query = query.where(c.case_ref == case_ref)
    return tx.records(Notice, query.order_by(c.at.desc(), c.key).limit(limit))


def notices_of(tx: Tx, authority: str, case_ref: str, *, rule: str | None = None) -> list[Notice]:
    """Read what was decided about a case, those kept back too, in order of their instants."""
    c = notice.c
    query = select(*columns(notice, Notice)).where(c.authority == authority, c.case_ref == case_ref)
    if rule is not None:
        query = query.where(c.rule == rule)
    return tx.records(Notice, query.order_by(c.at, c.key))
