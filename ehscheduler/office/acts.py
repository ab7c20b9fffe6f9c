"""The acts of people: record, correct, relax, hold, resume, close. None edits what was recorded before."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from ehscheduler.core.calendars import london_day
from ehscheduler.core.evaluate import evaluate
from ehscheduler.core.events import Case, Event, event_id, read_moment
from ehscheduler.core.history import History, typed
from ehscheduler.core.vocabulary import DETAIL_ONLY, nearest
from ehscheduler.errors import InputRefused
from ehscheduler.office.cases import case_from
from ehscheduler.plugins import Authority
from ehscheduler.store.cases import hold_case
from ehscheduler.store.events import add_events, events_of
from ehscheduler.store.store import Store
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

SOURCE = "office"
"""The source of what people record by hand."""
RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did: the event as it was recorded, and whether it was known already."""

    event: Event
    known: bool


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
    made = _event(case_ref, word, at, now, ref, detail or {})
    with store.begin() as tx:
        _held(tx, authority, case_ref)
        return _add(tx, authority, made, act="record", now=now, by=by)


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
        case = _held(tx, authority, case_ref)
        events = {e.id: e for e in events_of(tx, authority.name, case_ref)}
        wrong = events.get(event)
        if wrong is None:
            raise InputRefused([f"case {case_ref!r} has no event {event!r}{nearest(event, list(events))}"])
        anew = None if at is None else _event(case_ref, wrong.word, at, now, wrong.ref, wrong.detail)
        withdrawn = _withdrawn(authority, case, events.values(), now)
        if event in withdrawn:
            return [_already(anew, event, events.values(), withdrawn)]
        if anew is not None and _same(anew, wrong):
            return [Act(wrong, True)]
        gone = _event(case_ref, RETRACTED, now.isoformat(), now, None, {"event": event, "why": why})
        acts = [_add(tx, authority, gone, act="correct", now=now, by=by)]
        if anew is not None:
            acts.append(_add(tx, authority, anew, act="correct", now=now, by=by))
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


def relax(
    store: Store,
    authority: Authority,
    case_ref: str,
    rules: Sequence[str],
    *,
    until: date,
    by_role: str,
    reason: str,
    now: datetime,
    by: str,
) -> Act:
    """Agree a later limit for rules of a case; refused where the clause, the date or the rank does not allow it."""
    policy = authority.policy
    unknown = [f"no rule {rule!r}{nearest(rule, list(policy.rules))}" for rule in rules if rule not in policy.rules]
    if by_role not in policy.roles:
        unknown.append(f"no role {by_role!r}{nearest(by_role, list(policy.roles))}")
    if unknown:
        raise InputRefused(unknown)
    detail = {"rules": list(rules), "until": until.isoformat(), "by_role": by_role, "reason": reason}
    made = _event(case_ref, "relaxation_agreed", now.isoformat(), now, None, detail)
    with store.begin() as tx:
        case = _held(tx, authority, case_ref)
        events = events_of(tx, authority.name, case_ref)
        withdrawn = _withdrawn(authority, case, events, now)
        for one in events:
            if (one.word, one.day, one.detail) == (made.word, made.day, made.detail) and one.id not in withdrawn:
                return Act(one, True)  # agreed twice on one day is agreed once
        before = evaluate(policy, authority.calendar, case, events, now)
        found = evaluate(policy, authority.calendar, case, [*events, made], now)
        refused = [w for w in found.warnings if "moves nothing" in w and w not in before.warnings]
        moved = {m.rule for m in found.milestones if any(c.event.id == made.id for c in m.changes)}
        said = " ".join(refused)
        refused += [
            f"{case_ref}: {r} has no open milestone to relax" for r in rules if r not in moved and r not in said
        ]
        if refused:
            raise InputRefused(list(dict.fromkeys(refused)))
        return _add(tx, authority, made, act="relax", now=now, by=by)


def hold(
    store: Store, authority: Authority, case_ref: str, *, at: str | None, reason: str, now: datetime, by: str
) -> Act:
    """Put a case on hold from an instant on; its clocks stop, except those that run through the reason."""
    return _turn(store, authority, case_ref, "hold_started", at=at, now=now, by=by, detail={"reason": reason})


def resume(store: Store, authority: Authority, case_ref: str, *, at: str | None, now: datetime, by: str) -> Act:
    """End a case's hold; its clocks go on from where they stood."""
    return _turn(store, authority, case_ref, "hold_ended", at=at, now=now, by=by, detail={})


def close(
    store: Store, authority: Authority, case_ref: str, *, at: str | None, reason: str, now: datetime, by: str
) -> Act:
    """Close a case; what is unmet is cancelled, except rules that run through closure."""
    return _turn(store, authority, case_ref, "closed", at=at, now=now, by=by, detail={"reason": reason})


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
) -> Act:
    """Record a turn of the case, unless it would be odd: a hold on a hold, an end of no hold, a second closure."""
    made = _event(case_ref, word, at or now.isoformat(), now, None, detail)
    with store.begin() as tx:
        case = _held(tx, authority, case_ref)
        events = events_of(tx, authority.name, case_ref)
        withdrawn = _withdrawn(authority, case, events, now)
        if all(one.id in withdrawn or not _same(one, made) for one in events):
            _refuse_odd(authority, case, events, made, now)
        return _add(tx, authority, made, act=word, now=now, by=by)


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


def _held(tx: Tx, authority: Authority, case_ref: str) -> Case:
    """Read a case and hold it, so that nobody else acts on it until this is done."""
    hold_case(tx, authority.name, case_ref)
    return case_from(tx, authority, case_ref)


def _event(case_ref: str, word: str, at: str, now: datetime, ref: str | None, detail: Mapping[str, Any]) -> Event:
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


def _withdrawn(authority: Authority, case: Case, events: Iterable[Event], now: datetime) -> set[str]:
    history = History(authority.policy, authority.calendar, case, events, now, london_day(now))
    return {event.id for event in history.withdrawn}


def _add(tx: Tx, authority: Authority, made: Event, *, act: str, now: datetime, by: str) -> Act:
    """Store an event and note who did it; one that stands already is left alone, and one withdrawn comes anew."""
    case = case_from(tx, authority, made.case)
    events = {e.id: e for e in events_of(tx, authority.name, made.case)}
    withdrawn = _withdrawn(authority, case, events.values(), now)
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
