"""The trail: who did what, what was decided and why.

It is only ever added to, and holds no personal field and no free text.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from ehscheduler.store.schema import trail as table
from ehscheduler.store.tx import Tx, columns


@dataclass(frozen=True, slots=True)
class TrailEntry:
    """One act; `id` rises with every entry."""

    id: int
    at: datetime
    who: str
    act: str
    case_ref: str
    detail: Mapping[str, Any]


def append_trail(
    tx: Tx,
    authority: str,
    *,
    at: datetime,
    who: str,
    act: str,
    case_ref: str = "",
    detail: Mapping[str, Any] | None = None,
) -> int:
    """Add an entry; return its id. `who` is a person's id or the name of a part of the program."""
    number = tx.next_id(table, authority)
    row = {"id": number, "at": at, "who": who, "act": act, "case_ref": case_ref, "detail": dict(detail or {})}
    tx.insert_new(table, [{"authority": authority, **row}])
    return number


def trail(
    tx: Tx,
    authority: str,
    *,
    case_ref: str | None = None,
    act: str | None = None,
    before_id: int | None = None,
    limit: int = 200,
) -> list[TrailEntry]:
    """List entries, the newest first; `before_id` goes on where a list ended."""
    query = select(*columns(table, TrailEntry)).where(table.c.authority == authority)
    if case_ref is not None:
        query = query.where(table.c.case_ref == case_ref)
    if act is not None:
        query = query.where(table.c.act == act)
    if before_id is not None:
        query = query.where(table.c.id < before_id)
    return tx.records(TrailEntry, query.order_by(table.c.id.desc()).limit(limit))
