"""Which cases are open, who has them, and which of them have a reason for nothing being due."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime

from sqlalchemy import select

from ehscheduler.core.calendars import london_day
from ehscheduler.core.events import Event, precedes
from ehscheduler.core.history import withdrawn_ids
from ehscheduler.store.schema import case_record, event
from ehscheduler.store.tx import Tx

CHANGES_HANDS = ("allocation", "worker_changed", "attributes_changed", "reopened")
"""The events in which a source says who has a case now."""


def open_cases(tx: Tx, authority: str, *, source: str) -> set[str]:
    """Name the cases that a source last gave and that stand open: never closed, or reopened since."""
    c = case_record.c
    refs = set(tx.execute(select(c.case_ref).where(c.authority == authority, c.source == source)).scalars())
    return refs - _closed(tx, authority)


def open_case_refs(tx: Tx, authority: str, now: datetime) -> set[str]:
    """Name the cases of an authority that stand open, whichever source gave them."""
    c = case_record.c
    return set(tx.execute(select(c.case_ref).where(c.authority == authority)).scalars()) - _closed(tx, authority, now)


def who_has_cases(tx: Tx, authority: str, now: datetime) -> Counter[tuple[str, str, str]]:
    """Count the open cases by lead, team and hub, each of them blank where there is none."""
    c = case_record.c
    gone = _closed(tx, authority, now)
    rows = tx.execute(select(c.case_ref, c.facts).where(c.authority == authority))
    facts = {row.case_ref: dict(row.facts) for row in rows if row.case_ref not in gone}
    for one in _told(tx, authority, CHANGES_HANDS, now):
        if one.case in facts:
            facts[one.case] |= one.detail
    return Counter((_word(f.get("lead")), _word(f.get("team")), _word(f.get("meeting_hub"))) for f in facts.values())


def left_without_dates(tx: Tx, authority: str, now: datetime) -> set[str]:
    """Name the cases of which somebody said why nothing is due, for a time that has not passed.

    What was said before a case was reopened was said of what came before.
    """
    told = _told(tx, authority, ("left_without_dates", "reopened"), now)
    again = {one.case: one for one in told if one.word == "reopened"}
    said = [one for one in told if one.word != "reopened" and one.detail.get("reason")]
    return {
        one.case
        for one in said
        if _day(one.detail.get("until")) >= london_day(now)
        and not (one.case in again and precedes(one, again[one.case]))
    }


def on_hold(tx: Tx, authority: str, now: datetime) -> set[str]:
    """Name the cases that are on hold, whether anything had begun on them or not."""
    return _last(tx, authority, ("hold_started", "hold_ended"), now, "hold_started")


def _closed(tx: Tx, authority: str, now: datetime | None = None) -> set[str]:
    return _last(tx, authority, ("closed", "reopened"), now, "closed")


def _last(tx: Tx, authority: str, words: Iterable[str], now: datetime | None, word: str) -> set[str]:
    """Name the cases of which a word came last, of these words, by an instant."""
    last = {one.case: one.word for one in _told(tx, authority, words, now)}
    return {case_ref for case_ref, said in last.items() if said == word}


def _told(tx: Tx, authority: str, words: Iterable[str], now: datetime | None) -> list[Event]:
    """Read the events of these words that stand and that happened by an instant (None: ever), in order."""
    c = event.c
    fields = (c.event_id, c.case_ref, c.word, c.moment, c.dated, c.recorded, c.ref, c.detail)
    query = select(*fields).where(c.authority == authority, c.word.in_((*words, "retracted")))
    known = [
        Event(row.event_id, row.case_ref, row.word, row.moment, row.dated, london_day(row.moment), *row[5:])
        for row in tx.execute(query)
        if now is None or row.recorded <= now
    ]
    taken_back: dict[str, dict[str, Event]] = {}
    for one in known:
        if one.word == "retracted":
            taken_back.setdefault(one.case, {})[one.id] = one
    gone = {(case_ref, id_) for case_ref, found in taken_back.items() for id_ in withdrawn_ids(found)}
    stand = (one for one in known if one.word != "retracted" and (one.case, one.id) not in gone)
    by_now = (one for one in stand if now is None or one.moment <= now)
    return sorted(by_now, key=lambda one: (one.moment, one.word, one.case))


def _word(value: object) -> str:
    return str(value) if value else ""


def _day(text: object) -> date:
    """Read a date as it was recorded; what is none has passed long ago."""
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        return date.min
