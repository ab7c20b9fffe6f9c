"""Rhythms: one thing due again and again, each time counted from the last, in phases (design 4.8)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial

from ehscheduler.core.calendars import Span, end_of_day, london_day, months_on, start_of_day
from ehscheduler.core.changes import Switch, moved_by
from ehscheduler.core.clocks import (
    Clock,
    Stop,
    anchor_event,
    applies,
    cancelling,
    children_of,
    evidence_all,
    is_evidence,
    is_waived,
    named_occurrences,
    stop_of,
    within_closure,
)
from ehscheduler.core.events import Event, precedes
from ehscheduler.core.family import Member
from ehscheduler.core.history import History
from ehscheduler.core.holds import NOT_HELD, Held
from ehscheduler.core.limits import Limit, day_after, days_limit, earliest, no_earlier
from ehscheduler.core.milestones import Milestone, milestone
from ehscheduler.core.phrases import Every
from ehscheduler.core.policy import Phase, Rhythm

_ONE_DAY = timedelta(days=1)


def rhythm_milestones(rule: Rhythm, history: History) -> Iterator[Milestone]:
    first = rule.phases[0]
    for each in _each_begins(first, rule, history):
        for member in children_of(rule, history):
            yield from _instances(rule, history, each, member)


def _each_begins(first: Phase, rule: Rhythm, history: History) -> Iterable[tuple[Event, str] | None]:
    if first.begin.anchor.which != "each":
        return (None,)
    return named_occurrences(first.begin.anchor.name, rule, history)


@dataclass(frozen=True, slots=True)
class _Begun:
    """A phase that has begun, or will: on which day, and by which event."""

    phase: Phase
    day: date
    moment: datetime
    event: Event
    joined: Event | None = None
    """By which a child came into the family while the phase went on: it counts from there."""

    @property
    def start(self) -> Event:
        return self.joined or self.event


def _while_there(begun: list[_Begun], member: Member, rule: Rhythm, history: History) -> list[_Begun]:
    """Return the phases for one child: from when the child came, where that was later, until the child left."""
    joined, left = member.joined, member.left
    if left is not None:
        begun = [phase for phase in begun if not precedes(left, phase.event) and phase.day <= left.day]
    if not begun or joined is None or not precedes(begun[0].event, joined) or joined.day < begun[0].day:
        return begun
    if not within_closure([joined], rule, history):
        return []
    now = [phase for phase in begun if phase.day <= joined.day]
    return [replace(now[-1], day=joined.day, moment=joined.moment, joined=joined), *begun[len(now) :]]


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
        events: Sequence[Event] = list(within_closure(history.occurrences(anchor.name), rule, history))
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
    rule: Rhythm, history: History, each: tuple[Event, str] | None, member: Member | None
) -> Iterator[Milestone]:
    begun = _begun(rule, history, each)
    if not begun:
        return
    ended = cancelling(rule, _clock(rule, history, each, member, begun[0]), history, None)
    if member is not None:
        begun = _while_there(begun, member, rule, history)
    if not begun:
        return
    child = member.child.ref if member else None
    blocks, rest = _parted(begun)
    first = _clock(rule, history, each, member, begun[0])
    n = 1
    for block in _blocks(blocks, rest, _last_day(member, history), rule, history):
        yield from _block(rule, history, replace(first, n=n), block, begun, ended)
        n += 1
    if not rest or (blocks and rest[0].day > history.last_day):
        return
    clock = first if not blocks else _after_blocks(history, first, rest[0], n)
    begun = rest
    while ended is None or ended.day >= begun[0].day:
        stop = stop_of(rule, clock, history)
        if ended is not None and (stop.evidence is None or precedes(ended, stop.evidence)):
            stop = Stop(None, ended, ended.moment)
        asked = begun[0].event
        if applies(rule, history, asked, clock.starts_at, child):
            yield from _instance(rule, history, clock, stop, begun, asked)
        if stop.evidence is None:
            return
        met = stop.evidence
        n = (clock.n or 0) + 1
        clock = replace(clock, start=met, starts_at=met.moment, start_day=met.day, n=n, later_day=True)


def _clock(
    rule: Rhythm,
    history: History,
    each: tuple[Event, str] | None,
    member: Member | None,
    begun: _Begun,
) -> Clock:
    return Clock(
        rule,
        begun.start,
        begun.moment,
        begun.day,
        each[0].ref if each else None,
        each[1] if each else None,
        member.child.ref if member else None,
        n=1,
        later_day=is_evidence(begun.start, rule, history),
        member=member,
    )


# ---- so many times a week or a month: blocks from the phase's start


@dataclass(frozen=True, slots=True)
class _Block:
    """One week or month of a phase, in which a thing is due so many times: its first day, and how many days it has."""

    begun: _Begun
    first: date
    days: int
    times: int
    text: str


def _parted(begun: list[_Begun]) -> tuple[list[_Begun], list[_Begun]]:
    """Part the phases that count per week or month, which come first, from those that count from the last time."""
    count = next((n for n, b in enumerate(begun) if not b.phase.every[0].times), len(begun))
    return begun[:count], begun[count:]


def _last_day(member: Member | None, history: History) -> date:
    """Return the last day on which a week or month may begin: today, that of closure, or when the child left."""
    closed = [history.closed.day] if history.closed else []
    left = [member.left.day] if member is not None and member.left else []
    return min([history.last_day, *closed, *left])


def _blocks(
    counted: list[_Begun], rest: list[_Begun], last_day: date, rule: Rhythm, history: History
) -> Iterator[_Block]:
    """Yield every block that has begun; the last one before another phase keeps its own length.

    A day on hold is no day of a block: it ends so much later, and the next begins after it (design 4.11).
    """
    stopped = history.closed.moment if history.closed and not rule.through_closure else None
    held = history.held(stopped, rule.runs_through)
    ends = [*(b.day for b in counted[1:]), rest[0].day if rest else date.max][: len(counted)]
    for begun, end in zip(counted, ends, strict=True):
        every = begun.phase.every[0]
        k, first = 0, begun.day
        while first < end and first <= last_day:
            days = (_block_start(begun.day, every.per, k + 1) - _block_start(begun.day, every.per, k)).days
            block = _Block(begun, first, days, every.times, every.text)
            yield block
            last = _block_limit(block, history, held).on
            if last is None:
                break
            k, first = k + 1, last + _ONE_DAY


def _block_start(day: date, per: str, k: int) -> date:
    return months_on(day, k) if per == "month" else day + timedelta(days=7 * k)


def _block_limit(block: _Block, history: History, held: Held) -> Limit:
    span, day_zero = Span(block.days, "day"), block.first - _ONE_DAY
    on = history.calendar.later(day_zero, span, held.runs)
    at = end_of_day(on) if on else None
    return Limit(block.text, on, at, anchor=block.begun.start, span=span, day_zero=day_zero)


def _block(
    rule: Rhythm, history: History, clock: Clock, block: _Block, begun: list[_Begun], ended: Event | None
) -> Iterator[Milestone]:
    """Make one block's milestone: due at its end, met by the last of the times that it wants."""
    start = replace(block.begun.start, day=block.first, moment=start_of_day(block.first), dated=True)
    own = replace(clock, start=start, starts_at=start.moment, start_day=block.first, later_day=False)
    met = evidence_all(own, history)[block.times - 1 : block.times]
    stop = stop_of(rule, own, history) if not met else Stop(met[0], None, met[0].moment)
    if not met and stop.evidence is not None:
        stop = Stop(None, history.closed, history.closed.moment) if history.closed else Stop(None, None, None)
    if ended is not None and (not met or precedes(ended, met[0])):
        if ended.day < block.first:
            return
        stop = Stop(None, ended, ended.moment)
    if not applies(rule, history, begun[0].event, start.moment, clock.child):
        return
    held = history.held(stop.moment, rule.runs_through)
    moved = moved_by(own, history, stop.moment, partial(_block_limit, block, history), held=held)
    waived = is_waived(rule, history, begun[0].event, start.moment, clock.child, stop)
    name, limits = block.begun.phase.name, (_block_limit(block, history, held),)
    yield milestone(rule, history, own, stop, held, limits, moved, None, None, waived=waived, phase=name)


def _after_blocks(history: History, first: Clock, begun: _Begun, n: int) -> Clock:
    """Go on from the last time before the phase began, or from the rhythm's own start where there was none."""
    before = [event for event in evidence_all(first, history) if event.day <= begun.day]
    if before:
        last = before[-1]
        return replace(first, start=last, starts_at=last.moment, start_day=last.day, n=n, later_day=True)
    return replace(first, n=n)


# ---- one instance


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
    made = [_limit(every, clock, history, held) for every in begun.phase.every]
    return tuple(no_earlier(limit, begun.day, begun.moment) for limit in made if limit is not None)


def _limit(every: Every, clock: Clock, history: History, held: Held) -> Limit | None:
    assert clock.start is not None
    if every.nth is not None:
        return _nth_limit(every, clock, history, held)
    if every.length is None:
        return None
    return days_limit(every.text, every.length, clock.start, history, held, clock.start_day)


def _nth_limit(every: Every, clock: Clock, history: History, held: Held) -> Limit:
    """Return the limit that the nth occurrence of an event sets; it waits until that has happened.

    What happens during a hold is not counted, as no day of a hold is.
    """
    assert every.nth is not None
    assert clock.start is not None
    found = [e for e in history.occurrences(every.nth.name) if _counts(e, clock) and not held.on(e.day)]
    n = every.nth.n
    if len(found) < n:
        nudge = found[n - 2].moment if n > 1 and len(found) == n - 1 else None
        return Limit(every.text, None, None, anchor=clock.start, waits=True, nudge_at=nudge)
    last = found[n - 1]
    return Limit(
        every.text,
        last.day,
        end_of_day(last.day),
        anchor=clock.start,
        day_zero=clock.start_day,
        set_at=last.moment,
    )


def _counts(event: Event, clock: Clock) -> bool:
    if clock.child is not None and event.detail.get("child") not in (None, clock.child):
        return False
    return event.day > clock.start_day or (event.day == clock.start_day and clock.n == 1)
