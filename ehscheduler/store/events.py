"""Events: added, never changed. What a detail says that is personal is kept apart, and put back on reading."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, or_, select

from ehscheduler.core.calendars import london_day
from ehscheduler.core.events import Event
from ehscheduler.core.vocabulary import PERSONAL_FACTS
from ehscheduler.store.cases import OF_THE_CASE, hold_cases, wake
from ehscheduler.store.schema import case_personal, event
from ehscheduler.store.tx import Tx, batches
from ehscheduler.store.types import plain


@dataclass(frozen=True, slots=True)
class Clash:
    """An event whose id is known with another content; the stored one stands. `differs` names the columns."""

    event_id: str
    case_ref: str
    differs: tuple[str, ...]


@dataclass(slots=True)
class AddedEvents:
    """What adding events did: how many were new and known already, which clashed, and whose cases were woken."""

    added: int = 0
    same: int = 0
    clashes: list[Clash] = field(default_factory=list)
    cases: set[str] = field(default_factory=set)


def add_events(
    tx: Tx,
    authority: str,
    events: Iterable[Event],
    *,
    source: str,
    now: datetime,
    entered_by: str = "",
    import_id: int | None = None,
) -> AddedEvents:
    """Add events of cases that are stored; one that is known by its id and says the same is left alone.

    The cases of new events become due at `now`. An event that is known with another content is reported as a clash.
    """
    outcome, listed = AddedEvents(), list(events)
    stamp = {"source": source, "import_id": import_id, "entered_by": entered_by, "entered_at": now}
    hold_cases(tx, authority, (one.case for one in listed))  # nothing is claimed on what was known before
    for batch in batches(listed):
        known = _known(tx, authority, source, batch)
        fresh = {}
        for one in batch:
            if one.id in known:
                _compare(known[one.id], one, outcome)
            else:
                fresh[one.id] = known[one.id] = one
        _insert(tx, authority, fresh.values(), stamp)
        tx.measure(event, outcome.added, outcome.added + len(fresh))
        outcome.added += len(fresh)
        outcome.cases |= {one.case for one in fresh.values()}
    wake(tx, authority, outcome.cases, now=now)
    return outcome


def _compare(known: Event, told: Event, outcome: AddedEvents) -> None:
    names = ("case", "word", "moment", "dated", "recorded", "ref")
    differs = tuple(name for name in names if getattr(known, name) != getattr(told, name))
    if plain(dict(known.detail)) != plain(dict(told.detail)):
        differs += ("detail",)
    if differs:
        outcome.clashes.append(Clash(told.id, told.case, differs))
    else:
        outcome.same += 1


def _insert(tx: Tx, authority: str, events: Iterable[Event], stamp: dict[str, Any]) -> None:
    rows, personal = [], []
    for one in events:
        row = _row(one)
        own = {name: value for name, value in one.detail.items() if name in PERSONAL_FACTS}
        if own:
            row["detail"] = {name: value for name, value in one.detail.items() if name not in own}
            about = _about(stamp["source"], one.id)
            personal.append({"authority": authority, "case_ref": one.case, "about": about, "fields": own})
        rows.append({"authority": authority, **stamp, **row})
    tx.insert_new(event, rows)
    tx.insert_new(case_personal, personal)


def _row(one: Event) -> dict[str, Any]:
    return {
        "event_id": one.id,
        "case_ref": one.case,
        "word": one.word,
        "moment": one.moment,
        "dated": one.dated,
        "recorded": one.recorded,
        "ref": one.ref,
        "detail": dict(one.detail),
    }


def _about(source: str, event_id: str) -> str:
    return f"{source}\x1f{event_id}"


# ---- reading


def events_of(tx: Tx, authority: str, case_ref: str) -> list[Event]:
    """Read every event of a case, from all sources, in one order always."""
    return _read(tx, authority, _query(authority).where(event.c.case_ref == case_ref), [case_ref])


def sources_of(tx: Tx, authority: str, case_ref: str) -> dict[str, str]:
    """Say for each event of a case, by its id, which source recorded it."""
    query = select(event.c.event_id, event.c.source).where(event.c.authority == authority, event.c.case_ref == case_ref)
    return {row.event_id: row.source for row in tx.execute(query)}


def events_from(tx: Tx, authority: str, source: str, *, and_words: Sequence[str] = ("retracted",)) -> list[Event]:
    """Read every event that a source recorded, and those with the given words from any."""
    whose = or_(event.c.source == source, event.c.word.in_(and_words))
    return _read(tx, authority, _query(authority).where(whose), None)


def count_events(tx: Tx, authority: str) -> int:
    """Count the events of an authority."""
    query = select(func.count()).select_from(event).where(event.c.authority == authority)
    return int(tx.execute(query).scalar_one())


def _known(tx: Tx, authority: str, source: str, events: Sequence[Event]) -> dict[str, Event]:
    query = _query(authority).where(event.c.source == source, event.c.event_id.in_([one.id for one in events]))
    return {one.id: one for one in _read(tx, authority, query, list({one.case for one in events}))}


def _query(authority: str) -> Select[Any]:
    c = event.c
    return (
        select(c.source, c.event_id, c.case_ref, c.word, c.moment, c.dated, c.recorded, c.ref, c.detail)
        .where(c.authority == authority)
        .order_by(c.moment, c.recorded, c.source, c.event_id)
    )


def _read(tx: Tx, authority: str, query: Select[Any], case_refs: Sequence[str] | None) -> list[Event]:
    rows = tx.execute(query).all()
    personal = _personal(tx, authority, case_refs) if rows else {}
    return [_event(row, personal) for row in rows]


def _personal(tx: Tx, authority: str, case_refs: Sequence[str] | None) -> dict[tuple[str, str], dict[str, Any]]:
    c = case_personal.c
    query = select(c.case_ref, c.about, c.fields).where(c.authority == authority, c.about != OF_THE_CASE)
    if case_refs is not None:
        query = query.where(c.case_ref.in_(case_refs))
    return {(case_ref, about): fields for case_ref, about, fields in tx.execute(query)}


def _event(row: Row[*tuple[Any, ...]], personal: dict[tuple[str, str], dict[str, Any]]) -> Event:
    detail = row.detail | personal.get((row.case_ref, _about(row.source, row.event_id)), {})
    return Event(
        row.event_id,
        row.case_ref,
        row.word,
        row.moment,
        row.dated,
        london_day(row.moment),
        row.recorded,
        row.ref,
        detail,
    )
