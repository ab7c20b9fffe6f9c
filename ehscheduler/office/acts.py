"""The acts of people: record, correct, relax, hold, resume, close. None edits what was recorded before."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ehscheduler.core.evaluate import evaluate
from ehscheduler.core.events import Case, Event
from ehscheduler.core.history import typed
from ehscheduler.core.vocabulary import DETAIL_ONLY, nearest
from ehscheduler.errors import InputRefused
from ehscheduler.office.cases import evaluation_of
from ehscheduler.office.entry import FOLLOWS, Act, enter, event_of, held_case, refuse_words, withdrawn_of
from ehscheduler.office.ranks import stranger_fault
from ehscheduler.plugins import Authority
from ehscheduler.store.events import events_of
from ehscheduler.store.store import Store

RETRACTED = "retracted"


def record(
    store: Store,
    authority: Authority,
    case_ref: str,
    word: str,
    *,
    at: str,
    now: datetime,
    by: str,
    ref: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Act:
    """Record that something happened on a case at a date or an instant, London time unless it says otherwise."""
    words = authority.policy.recorded_words()
    if word not in words:
        raise InputRefused([f"no event {word!r} can be recorded{nearest(word, words)}"])
    if word == RETRACTED:
        raise InputRefused(["an event is withdrawn with 'correct CASE EVENT', which names it and says why"])
    faults = list(_detail_faults(authority, word, detail or {}))
    if faults:
        raise InputRefused(faults)
    made = event_of(case_ref, word, at, now, ref, detail or {})
    with store.begin() as tx:
        held_case(tx, authority, case_ref)
        return enter(tx, authority, made, act="record", now=now, by=by)


def _detail_faults(authority: Authority, word: str, detail: Mapping[str, Any]) -> Iterator[str]:
    """Say which facts of the case a detail would set to what they cannot be."""
    kinds, own = authority.policy.facts, DETAIL_ONLY.get(word, ())
    for name, value in detail.items():
        try:
            if name in kinds and name not in own:
                typed(kinds[name], value)
        except ValueError as fault:
            yield f"--detail: {name} {fault}"


def correct(
    store: Store, authority: Authority, case_ref: str, event: str, *, at: str | None, now: datetime, by: str, why: str
) -> list[Act]:
    """Withdraw an event, and with `at` record it anew at another time; what was recorded before stays on record."""
    with store.begin() as tx:
        case = held_case(tx, authority, case_ref)
        events = {e.id: e for e in events_of(tx, authority.name, case_ref)}
        wrong = events.get(event)
        if wrong is None:
            raise InputRefused([f"case {case_ref!r} has no event {event!r}{nearest(event, list(events))}"])
        anew = None if at is None else event_of(case_ref, wrong.word, at, now, wrong.ref, wrong.detail)
        withdrawn = withdrawn_of(authority, case, events.values(), now)
        if event in withdrawn:
            return [_already(anew, event, events.values(), withdrawn)]
        if anew is not None and _same(anew, wrong):
            return [Act(wrong, True)]
        gone = event_of(case_ref, RETRACTED, now.isoformat(), now, None, {"event": event, "why": why})
        acts = [enter(tx, authority, gone, act="correct", now=now, by=by)]
        # What followed of it by itself, as the end of a dispute does of its last decision, is withdrawn with it.
        for one in events.values():
            if one.detail.get(FOLLOWS) == event and one.id not in withdrawn:
                told = {"event": one.id, "why": why}
                after = event_of(case_ref, RETRACTED, now.isoformat(), now, None, told)
                acts.append(enter(tx, authority, after, act="correct", now=now, by=by))
        if anew is not None:
            acts.append(enter(tx, authority, anew, act="correct", now=now, by=by))
        return acts


def _already(anew: Event | None, event: str, events: Iterable[Event], withdrawn: Collection[str]) -> Act:
    """Return what a correction that is done twice did the first time; refuse one of what was withdrawn otherwise."""
    for one in events:
        if one.id not in withdrawn and (
            _same(anew, one) if anew else one.word == RETRACTED and one.detail.get("event") == event
        ):
            return Act(one, True)
    raise InputRefused([f"event {event!r} was withdrawn before; record what happened with 'record'"])


def _same(one: Event, other: Event) -> bool:
    """Tell whether two events say the same, under whichever ids."""
    return (one.word, one.moment, one.dated, one.ref, one.detail) == (
        other.word,
        other.moment,
        other.dated,
        other.ref,
        other.detail,
    )


def hold(
    store: Store,
    authority: Authority,
    case_ref: str,
    *,
    at: str | None,
    reason: str,
    now: datetime,
    by: str,
    of_case: bool = False,
) -> Act:
    """Put a case on hold from an instant on; its clocks stop, except those that run through the reason."""
    said = {"reason": _code(reason)}
    return _turn(store, authority, case_ref, "hold_started", at=at, now=now, by=by, detail=said, of_case=of_case)


def resume(
    store: Store,
    authority: Authority,
    case_ref: str,
    *,
    at: str | None,
    now: datetime,
    by: str,
    of_case: bool = False,
) -> Act:
    """End a case's hold; its clocks go on from where they stood."""
    return _turn(store, authority, case_ref, "hold_ended", at=at, now=now, by=by, detail={}, of_case=of_case)


def close(
    store: Store,
    authority: Authority,
    case_ref: str,
    *,
    at: str | None,
    reason: str,
    now: datetime,
    by: str,
    of_case: bool = False,
) -> Act:
    """Close a case; what is unmet is cancelled, except rules that run through closure."""
    said = {"reason": _code(reason)}
    return _turn(store, authority, case_ref, "closed", at=at, now=now, by=by, detail=said, of_case=of_case)


def _code(reason: str) -> str:
    refuse_words(reason)
    return reason


def _turn(
    store: Store,
    authority: Authority,
    case_ref: str,
    word: str,
    *,
    at: str | None,
    now: datetime,
    by: str,
    detail: Mapping[str, Any],
    of_case: bool = False,
) -> Act:
    """Record a turn of the case, unless it would be odd: a hold on a hold, an end of no hold, a second closure.

    With `of_case` it is for the people of the case alone. What stands already was asked when it was put on record.
    """
    made = event_of(case_ref, word, at or now.isoformat(), now, None, detail)
    with store.begin() as tx:
        case = held_case(tx, authority, case_ref)
        events = events_of(tx, authority.name, case_ref)
        withdrawn = withdrawn_of(authority, case, events, now)
        if all(one.id in withdrawn or not _same(one, made) for one in events):
            facts = evaluation_of(tx, authority, case_ref, now).facts if of_case else {}
            if of_case and (fault := stranger_fault(tx, authority, by, made.day, facts)):
                raise InputRefused([fault])
            _refuse_odd(authority, case, events, made, now)
        return enter(tx, authority, made, act=word, now=now, by=by)


def _refuse_odd(authority: Authority, case: Case, events: Sequence[Event], made: Event, now: datetime) -> None:
    before = evaluate(authority.policy, authority.calendar, case, events, now)
    if made.word == "closed" and before.closed_on:
        raise InputRefused([f"{case.ref}: is closed already, since {before.closed_on.isoformat()}"])
    if made.word == "hold_started" and before.closed_on and before.closed_on <= made.day:
        raise InputRefused([f"{case.ref}: is closed since {before.closed_on.isoformat()}; a closed case has no clocks"])
    after = evaluate(authority.policy, authority.calendar, case, [*events, made], now)
    odd = [warning for warning in after.warnings if warning not in before.warnings]
    if odd:
        raise InputRefused(odd)
