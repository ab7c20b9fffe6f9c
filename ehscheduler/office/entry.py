"""Putting something on record by hand: the case is held, what stands already is left alone, and who did it is noted."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from ehscheduler.core.calendars import london_day
from ehscheduler.core.events import Case, Event, event_id, read_moment
from ehscheduler.core.history import History
from ehscheduler.core.vocabulary import REASONS
from ehscheduler.errors import InputRefused
from ehscheduler.intake.cells import CODE
from ehscheduler.office.cases import case_from
from ehscheduler.plugins import Authority
from ehscheduler.store.cases import hold_case
from ehscheduler.store.events import add_events, events_of
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

SOURCE = "office"
"""The source of what people record by hand."""


FOLLOWS = "follows"
"""The key in an event's detail that names the event of which it follows: withdrawn with that one."""


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did: the event as it was recorded, and whether it was known already."""

    event: Event
    known: bool


def refuse_words(reason: object) -> None:
    """Refuse a reason that is not a code: free text may say of a family what must not be kept here."""
    if not isinstance(reason, str) or not CODE.fullmatch(reason):
        listed = ", ".join(REASONS)
        raise InputRefused(
            [f"a reason is a code in small letters, such as {listed}; free text stays in the case record"]
        )


def held_case(tx: Tx, authority: Authority, case_ref: str) -> Case:
    """Read a case and hold it, so that nobody else acts on it until this is done."""
    hold_case(tx, authority.name, case_ref)
    return case_from(tx, authority, case_ref)


def event_of(case_ref: str, word: str, at: str, now: datetime, ref: str | None, detail: Mapping[str, Any]) -> Event:
    """Make an event of what was said; raise InputRefused where it cannot be, or has not happened yet."""
    try:
        moment, dated, day = read_moment(at)
    except ValueError as fault:
        raise InputRefused([f"--at: {fault}"]) from None
    if moment > now:
        raise InputRefused([f"--at: {at} lies ahead; record what has happened, when it has happened"])
    try:
        text = json.dumps(detail, sort_keys=True, ensure_ascii=False, allow_nan=False)
        f"{text}{ref or ''}{case_ref}".encode()
    except (ValueError, RecursionError):
        raise InputRefused(["--detail or --ref holds what cannot be stored: no number, or half a letter"]) from None
    id_ = event_id(case_ref, word, at, ref or "", text)
    return Event(id_, case_ref, word, moment, dated, day, now, ref, dict(detail))


def withdrawn_of(authority: Authority, case: Case, events: Iterable[Event], now: datetime) -> set[str]:
    history = History(authority.policy, authority.calendar, case, events, now, london_day(now))
    return {event.id for event in history.withdrawn}


def enter(tx: Tx, authority: Authority, made: Event, *, act: str, now: datetime, by: str) -> Act:
    """Store an event and note who did it; one that stands already is left alone, and one withdrawn comes anew."""
    case = case_from(tx, authority, made.case)
    events = {e.id: e for e in events_of(tx, authority.name, made.case)}
    withdrawn = withdrawn_of(authority, case, events.values(), now)
    fresh, times = made, 1
    while fresh.id in events:
        if fresh.id not in withdrawn:
            return Act(events[fresh.id], True)
        times += 1
        fresh = replace(made, id=f"{made.id}.{times}")
    add_events(tx, authority.name, [fresh], source=SOURCE, now=now, entered_by=by)
    said = {"event": fresh.id, "word": fresh.word}
    append_trail(tx, authority.name, at=now, who=by, act=act, case_ref=made.case, detail=said)
    return Act(fresh, False)
