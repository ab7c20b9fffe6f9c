"""Standards: one thing due once after, or before, something (design 4.3 to 4.7)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime

from ehscheduler.core.changes import Moved, moved_by
from ehscheduler.core.clocks import (
    BEGINNING,
    Clock,
    Stop,
    anchor_event,
    applies,
    children_of,
    each_anchors,
    in_hours,
    is_evidence,
    is_waived,
    stop_of,
)
from ehscheduler.core.events import Event
from ehscheduler.core.family import Member
from ehscheduler.core.history import History
from ehscheduler.core.holds import Held
from ehscheduler.core.limits import Limit, earliest, known_from, limit, no_earlier, opens_at, target_day
from ehscheduler.core.milestones import Milestone, milestone
from ehscheduler.core.phrases import Due
from ehscheduler.core.policy import Standard


def standard_milestones(rule: Standard, history: History) -> Iterator[Milestone]:
    for each in each_anchors(rule.due, rule, history):
        for member in children_of(rule, history):
            yield from _standard_clock(rule, history, each, member)


def _standard_clock(
    rule: Standard, history: History, each: tuple[Event, str] | None, member: Member | None
) -> Iterator[Milestone]:
    child = member.child.ref if member else None
    anchors = [anchor_event(due.anchor, rule, history, each) for due in rule.due]
    found = [event for event in anchors if event]
    opens = _opens_it(rule)
    if opens is not None:
        opening = anchors[opens]
        if opening is None:
            return
        found = [opening]
    if found:
        start = found[0] if len(found) == 1 else min(found, key=lambda event: (event.moment, event.word, event.id))
        if member is not None and not member.there_at(start):
            return
        clock = Clock(
            rule,
            start,
            start.moment,
            start.day,
            each[0].ref if each else None,
            each[1] if each else None,
            child,
            later_day=is_evidence(start, rule, history),
            in_hours=in_hours(rule),
            member=member,
        )
        facts_from, asked = start.moment, start
    else:
        known = [since for due in rule.due if due.backward for since in _known_from(due, history, child)]
        if not known:
            return
        until = _last_target(rule, history, child)
        clock = Clock(rule, None, BEGINNING, date.min, child=child, until=until, member=member)
        facts_from, asked = min(known), None
    if not applies(rule, history, asked, facts_from, child):
        return
    yield from _made(rule, history, clock, anchors, asked, facts_from)


def _opens_it(rule: Standard) -> int | None:
    """Return which of several limits is "no set time after X": X opens the rule, and the others limit it."""
    if len(rule.due) < 2:
        return None
    return next((n for n, due in enumerate(rule.due) if due.how == "no set time"), None)


def _known_from(due: Due, history: History, child: str | None) -> Iterator[datetime]:
    """Yield the moment from which a backward limit's date is known; nothing while it is not."""
    target = due.target
    assert target is not None
    if target.kind == "fact":
        since, value = history.known_since(target.name)
        if value is not None:
            yield since or BEGINNING
    elif target.kind == "birthday":
        if history.born(child):
            yield known_from(target, history, child) or BEGINNING
    elif target.anchor:
        yield from (event.moment for event in history.occurrences(target.anchor.word)[:1])


def _last_target(rule: Standard, history: History, child: str | None) -> date | None:
    """Return the last day on which what is done still counts; None where what is done later counts as late.

    What comes before an occasion is pointless after it (design 4.7); by a mere date it can still be done, late.
    """
    if any(due.how == "by" and due.target and due.target.kind in ("fact", "birthday") for due in rule.due):
        return None
    days = [day for due in rule.due if due.target and (day := target_day(due.target, history, child))]
    return max(days) if days else None


def _made(
    rule: Standard,
    history: History,
    clock: Clock,
    anchors: Sequence[Event | None],
    asked: Event | None,
    facts_from: datetime,
) -> Iterator[Milestone]:
    stop, held, limits, moved = _counted(rule, history, clock, anchors)
    if moved is None:
        return
    joined = clock.member.joined if clock.member else None
    if clock.start is None and joined is not None and moved.original.on is not None and moved.original.on < joined.day:
        return  # it ended before the child came
    if (
        clock.until is not None
        and stop.evidence is None
        and moved.limit.on is not None
        and moved.limit.on > clock.until
    ):
        # An agreed later limit is then the date up to which what is done counts.
        clock = replace(clock, until=moved.limit.on)
        stop, held, limits, moved = _counted(rule, history, clock, anchors)
        assert moved is not None
    each = (asked, "") if asked else None
    best_by = opened = None
    if isinstance(rule.best_by, Due):
        anchor = anchor_event(rule.best_by.anchor, rule, history, each)
        best_by = limit(rule.best_by, anchor, history, held, clock.child)
    if rule.not_before:
        anchor = anchor_event(rule.not_before.anchor, rule, history, each)
        opened = opens_at(rule.not_before, anchor, history, held, clock.child, roll=rule.roll)
    waived = is_waived(rule, history, asked, facts_from, clock.child, stop)
    yield milestone(rule, history, clock, stop, held, limits, moved, best_by, opened, waived=waived, phase=None)


def _counted(
    rule: Standard, history: History, clock: Clock, anchors: Sequence[Event | None]
) -> tuple[Stop, Held, tuple[Limit, ...], Moved | None]:
    """Count a clock's limits to where it stopped, and what moved the earliest of them."""
    stop = stop_of(rule, clock, history)
    held = history.held(stop.moment, rule.runs_through)
    anchors = _still_ahead(rule, history, clock, anchors, held)
    limits = _limits(rule, history, clock, anchors, stop, held)
    if not limits:
        return stop, held, limits, None

    def count(with_holds: Held) -> Limit:
        again = limits if with_holds is held else _limits(rule, history, clock, anchors, stop, with_holds)
        return earliest(again)

    return stop, held, limits, moved_by(clock, history, stop.moment, count, held=held)


def _still_ahead(
    rule: Standard, history: History, clock: Clock, anchors: Sequence[Event | None], held: Held
) -> Sequence[Event | None]:
    """Leave out what a limit counts from where it had passed before the rule opened: nothing is overdue unasked."""
    if _opens_it(rule) is None or clock.start is None:
        return anchors
    ahead: list[Event | None] = []
    for due, event in zip(rule.due, anchors, strict=True):
        made = limit(due, event, history, held, clock.child, roll=rule.roll) if event is not None else None
        passed = made is not None and made.past(clock.start.moment, clock.start_day)
        ahead.append(None if passed else event)
    return ahead


def _limits(
    rule: Standard,
    history: History,
    clock: Clock,
    anchors: Sequence[Event | None],
    stop: Stop,
    held: Held,
) -> tuple[Limit, ...]:
    found = []
    for due, event in zip(rule.due, anchors, strict=True):
        if due.anchor and event is None:
            continue
        # A limit whose own anchor came after the clock stopped moves nothing.
        if event is not None and stop.evidence is not None and event.day > stop.evidence.day:
            continue
        made = limit(due, event, history, held, clock.child, roll=rule.roll)
        if made is not None and made.backward and clock.start is not None:
            made = no_earlier(made, clock.start_day, clock.starts_at)
        if made is not None:
            found.append(made)
    return tuple(found)
