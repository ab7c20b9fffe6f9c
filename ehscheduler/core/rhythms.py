"""Rhythms: one thing due again and again, each time counted from the last, in phases (design 4.8)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial

from ehscheduler.core.calendars import end_of_day, london_day, start_of_day
from ehscheduler.core.changes import Switch, moved_by
from ehscheduler.core.clocks import (
    Clock,
    Stop,
    anchor_event,
    applies,
    cancelling,
    children_of,
    is_evidence,
    is_waived,
    named_occurrences,
    precedes,
    stop_of,
    within_closure,
)
from ehscheduler.core.events import Event
from ehscheduler.core.history import History
from ehscheduler.core.holds import NOT_HELD, Held
from ehscheduler.core.limits import Limit, day_after, days_limit, earliest
from ehscheduler.core.milestones import Milestone, milestone
from ehscheduler.core.policy import Phase, Rhythm


def rhythm_milestones(rule: Rhythm, history: History) -> Iterator[Milestone]:
    first = rule.phases[0]
    for each in _each_begins(first, rule, history):
        for child in children_of(rule, history):
            yield from _instances(rule, history, each, child)


def _each_begins(first: Phase, rule: Rhythm, history: History) -> Iterable[tuple[Event, str] | None]:
    if first.begin.anchor.which != "each":
        return (None,)
    return named_occurrences(first.begin.anchor.word, rule, history)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A phase that has begun, or will: on which day, and by which event."""

    phase: Phase
    day: date
    moment: datetime
    event: Event


def _begun(rule: Rhythm, history: History, each: tuple[Event, str] | None) -> list[_Begun]:
    """Return the phases in the order written, each at its first `from` on or after the one before began."""
    begun: list[_Begun] = []
    for phase in rule.phases:
        made = _begin(phase, rule, history, each, begun[-1].day if begun else None)
        if made is None:
            break
        begun.append(made)
    return begun


def _begin(
    phase: Phase, rule: Rhythm, history: History, each: tuple[Event, str] | None, after: date | None
) -> _Begun | None:
    anchor = phase.begin.anchor
    if anchor.which in ("first",):
        events: Sequence[Event] = list(within_closure(history.occurrences(anchor.word), rule, history))
    else:
        event = anchor_event(anchor, rule, history, each)
        events = [event] if event else []
    for event in events:
        begun = _begin_after(phase, event, history)
        if begun is not None and (after is None or begun.day >= after):
            return begun
    return None


def _begin_after(phase: Phase, event: Event, history: History) -> _Begun | None:
    if phase.begin.length is None:
        return _Begun(phase, event.day, event.moment, event)
    day = day_after(phase.begin.length, event, history, NOT_HELD)
    return None if day is None else _Begun(phase, day, start_of_day(day), event)


def _instances(
    rule: Rhythm, history: History, each: tuple[Event, str] | None, child: str | None
) -> Iterator[Milestone]:
    begun = _begun(rule, history, each)
    if not begun:
        return
    start = begun[0].event
    clock = Clock(
        rule,
        start,
        begun[0].moment,
        begun[0].day,
        each[0].ref if each else None,
        each[1] if each else None,
        child,
        n=1,
        later_day=is_evidence(start, rule, history),
    )
    ended = cancelling(rule, clock, history, None)
    while True:
        stop = stop_of(rule, clock, history)
        if ended is not None and (stop.evidence is None or precedes(ended, stop.evidence)):
            stop = Stop(None, ended, ended.moment)
        asked = clock.start if clock.n == 1 else begun[0].event
        if applies(rule, history, asked, clock.starts_at, child):
            yield from _instance(rule, history, clock, stop, begun, asked)
        if stop.evidence is None:
            return
        met = stop.evidence
        n = (clock.n or 0) + 1
        clock = Clock(rule, met, met.moment, met.day, clock.ref, clock.key_ref, child, n=n, later_day=True)


def _instance(
    rule: Rhythm, history: History, clock: Clock, stop: Stop, begun: list[_Begun], asked: Event | None
) -> Iterator[Milestone]:
    assert clock.start is not None
    held = history.held(stop.moment, rule.runs_through)
    current = ([b for b in begun if b.day <= clock.start_day] or begun[:1])[-1]
    ahead = [b for b in begun if b.day > max(clock.start_day, current.day) and _reached(b, stop)]
    if not _intervals(current, clock, history, NOT_HELD):
        return
    ahead = [b for b in ahead if _intervals(b, clock, history, NOT_HELD)]
    switches = [Switch(b.phase.name or "", b.day, b.event, partial(_interval, b, clock, history)) for b in ahead]
    count = partial(_interval, current, clock, history)
    moved = moved_by(clock, history, stop.moment, count, held=held, switches=switches)
    taken = current if moved.phases == 0 else ahead[moved.phases - 1]
    phase = taken.phase
    best_by = None
    if phase.best_by is not None and phase.best_by.length is not None:
        best_by = days_limit(phase.best_by.text, phase.best_by.length, clock.start, history, held)
    waived = is_waived(rule, history, asked, clock.starts_at, clock.child, stop)
    yield milestone(
        rule,
        history,
        clock,
        stop,
        held,
        _intervals(taken, clock, history, held),
        moved,
        best_by,
        None,
        waived=waived,
        phase=phase.name,
    )


def _reached(begun: _Begun, stop: Stop) -> bool:
    """Tell whether an instance was still open when a phase began; a completion that day closed it first."""
    if stop.evidence is not None:
        return begun.day < stop.evidence.day
    return stop.moment is None or begun.day <= london_day(stop.moment)


def _interval(begun: _Begun, clock: Clock, history: History, held: Held) -> Limit:
    return earliest(_intervals(begun, clock, history, held))


def _intervals(begun: _Begun, clock: Clock, history: History, held: Held) -> tuple[Limit, ...]:
    """Count a phase's intervals from the start of an instance; none ends before the phase began (design 4.8)."""
    assert clock.start is not None
    made = [
        days_limit(every.text, every.length, clock.start, history, held, clock.start_day)
        for every in begun.phase.every
        if every.length is not None
    ]
    return tuple(_not_before(limit, begun.day) for limit in made if limit is not None)


def _not_before(limit: Limit, day: date) -> Limit:
    if limit.on is None or limit.on >= day:
        return limit
    return replace(limit, on=day, at=end_of_day(day), no_earlier=day)
