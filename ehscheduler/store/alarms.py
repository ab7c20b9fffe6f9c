"""Alarms: what the operator must hear, once while it lasts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select, update

from ehscheduler.store.schema import alarm
from ehscheduler.store.tx import Tx, columns


@dataclass(frozen=True, slots=True)
class AlarmRecord:
    """One alarm; there is one open for a code and subject at a time."""

    authority: str
    id: int
    at: datetime
    code: str
    subject: str
    text: str
    told_at: datetime | None
    cleared_at: datetime | None


def raise_alarm(tx: Tx, authority: str, *, code: str, subject: str, text: str, at: datetime) -> bool:
    """Raise an alarm about a subject; True where it is new. One that is open keeps its start and takes the new text.

    `authority` is EVERYWHERE for what concerns no one authority. `text` names place and remedy, and quotes no row.
    """
    row = {"id": tx.next_id(alarm, authority), "at": at, "code": code, "subject": subject, "text": text}
    if tx.insert_new(alarm, [{"authority": authority, **row}], alarm.c.id):
        return True
    tx.execute(update(alarm).where(*_open(authority, code, subject)).values(text=text))
    return False


def clear_alarm(tx: Tx, authority: str, *, code: str, subject: str, at: datetime) -> bool:
    """Note that what an alarm was about is over; False where none was open."""
    return bool(tx.execute(update(alarm).where(*_open(authority, code, subject)).values(cleared_at=at)).rowcount)


def mark_told(tx: Tx, authority: str, ids: Sequence[int], *, at: datetime) -> None:
    """Note that the operator was told."""
    where = (alarm.c.authority == authority, alarm.c.id.in_(ids), alarm.c.told_at.is_(None))
    tx.execute(update(alarm).where(*where).values(told_at=at))


def alarms(tx: Tx, authority: str | None = None, *, open_only: bool = True, limit: int = 500) -> list[AlarmRecord]:
    """List alarms, the oldest first; of every authority where none is named."""
    query = select(*columns(alarm, AlarmRecord))
    if authority is not None:
        query = query.where(alarm.c.authority == authority)
    if open_only:
        query = query.where(alarm.c.cleared_at.is_(None))
    return tx.records(AlarmRecord, query.order_by(alarm.c.at, alarm.c.authority, alarm.c.id).limit(limit))


def _open(authority: str, code: str, subject: str) -> tuple[ColumnElement[bool], ...]:
    c = alarm.c
    return c.authority == authority, c.code == code, c.subject == subject, c.cleared_at.is_(None)
