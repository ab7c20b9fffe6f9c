"""Which cases are open, and which of them have a reason for nothing being due."""

from datetime import date

from sqlalchemy import select

from ehscheduler.store.schema import case_record, event
from ehscheduler.store.tx import Tx


def open_cases(tx: Tx, authority: str, *, source: str) -> set[str]:
    """Name the cases that a source last gave and that stand open: never closed, or reopened since."""
    c = case_record.c
    refs = set(tx.execute(select(c.case_ref).where(c.authority == authority, c.source == source)).scalars())
    return refs - _closed(tx, authority)


def open_case_refs(tx: Tx, authority: str) -> set[str]:
    """Name the cases of an authority that stand open, whichever source gave them."""
    c = case_record.c
    return set(tx.execute(select(c.case_ref).where(c.authority == authority)).scalars()) - _closed(tx, authority)


def left_without_dates(tx: Tx, authority: str, day: date) -> set[str]:
    """Name the cases of which somebody said why nothing is due, for a time that has not passed."""
    c = event.c
    words = ("left_without_dates", "retracted")
    query = select(c.event_id, c.case_ref, c.word, c.detail).where(c.authority == authority, c.word.in_(words))
    rows = tx.execute(query).all()
    gone = {row.detail.get("event") for row in rows if row.word == "retracted"}
    return {
        row.case_ref
        for row in rows
        if row.word == "left_without_dates"
        and row.event_id not in gone
        and str(row.detail.get("until", "")) >= str(day)
    }


def _closed(tx: Tx, authority: str) -> set[str]:
    c = event.c
    query = select(c.event_id, c.case_ref, c.word, c.moment, c.detail).where(
        c.authority == authority, c.word.in_(("closed", "reopened", "retracted"))
    )
    rows = tx.execute(query).all()
    gone = {row.detail.get("event") for row in rows if row.word == "retracted"}
    turns = sorted(
        (row.moment, row.word, row.case_ref) for row in rows if row.word != "retracted" and row.event_id not in gone
    )
    last = {case_ref: word for _, word, case_ref in turns}
    return {case_ref for case_ref, word in last.items() if word == "closed"}
