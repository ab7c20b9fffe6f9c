"""Which cases are open, and which of them have a reason for nothing being due."""

from collections.abc import Iterable, Set
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, select

from ehscheduler.store.schema import case_record, event
from ehscheduler.store.tx import Tx


def open_cases(tx: Tx, authority: str, *, source: str) -> set[str]:
    """Name the cases that a source last gave and that stand open: never closed, or reopened since."""
    c = case_record.c
    refs = set(tx.execute(select(c.case_ref).where(c.authority == authority, c.source == source)).scalars())
    return refs - _closed(tx, authority)


def open_case_refs(tx: Tx, authority: str, now: datetime) -> set[str]:
    """Name the cases of an authority that stand open, whichever source gave them."""
    c = case_record.c
    return set(tx.execute(select(c.case_ref).where(c.authority == authority)).scalars()) - _closed(tx, authority, now)


def teams_of_cases(tx: Tx, authority: str, now: datetime) -> set[str]:
    """Name the teams that have open cases, as the cases came."""
    c = case_record.c
    gone = _closed(tx, authority, now)
    rows = tx.execute(select(c.case_ref, c.facts).where(c.authority == authority))
    return {str(row.facts["team"]) for row in rows if row.facts.get("team") and row.case_ref not in gone}


def left_without_dates(tx: Tx, authority: str, day: date) -> set[str]:
    """Name the cases of which somebody said why nothing is due, for a time that has not passed."""
    rows = _told(tx, authority, ("left_without_dates",))
    return {row.case_ref for row in rows if row.detail.get("reason") and _day(row.detail.get("until")) >= day}


def on_hold(tx: Tx, authority: str, now: datetime) -> set[str]:
    """Name the cases that are on hold, whether anything had begun on them or not."""
    return _last(tx, authority, {"hold_started", "hold_ended"}, now, "hold_started")


def _closed(tx: Tx, authority: str, now: datetime | None = None) -> set[str]:
    return _last(tx, authority, {"closed", "reopened"}, now, "closed")


def _last(tx: Tx, authority: str, words: Set[str], now: datetime | None, word: str) -> set[str]:
    """Name the cases of which a word came last, of these words, by an instant."""
    turns = sorted(
        (row.moment, row.word, row.case_ref) for row in _told(tx, authority, words) if now is None or row.moment <= now
    )
    last = {case_ref: said for _, said, case_ref in turns}
    return {case_ref for case_ref, said in last.items() if said == word}


def _told(tx: Tx, authority: str, words: Iterable[str]) -> list[Row[Any]]:
    """Read events of these words that were not withdrawn."""
    c = event.c
    query = select(c.event_id, c.case_ref, c.word, c.moment, c.detail)
    rows = tx.execute(query.where(c.authority == authority, c.word.in_((*words, "retracted")))).all()
    gone = {row.detail.get("event") for row in rows if row.word == "retracted"}
    return [row for row in rows if row.word != "retracted" and row.event_id not in gone]


def _day(text: object) -> date:
    """Read a date as it was recorded; what is none has passed long ago."""
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return date.min
