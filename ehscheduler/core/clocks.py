"""Clocks: what starts one running of a rule, whether it applies, and what stops it (design 4.7 to 4.11)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from ehscheduler.core.calendars import london_day, start_of_day
from ehscheduler.core.conditions import fits, holds
from ehscheduler.core.events import Event, precedes
from ehscheduler.core.family import Member
from ehscheduler.core.history import AGREEMENTS, History
from ehscheduler.core.phrases import Anchor, Due
from ehscheduler.core.policy import Check, Compare, Cond, Rule, Standard

BEGINNING = datetime.min.replace(tzinfo=start_of_day(date(2000, 1, 1)).tzinfo)


@dataclass(frozen=True, slots=True)
class Clock:
    """One running of a rule: what started it, and which occurrence, child and instance it is for."""

    rule: Rule
    start: Event | None
    starts_at: datetime
    start_day: date
    ref: str | None = None
    key_ref: str | None = None
    child: str | None = None
    n: int | None = None
    later_day: bool = False
    in_hours: bool = False
    until: date | None = None
    member: Member | None = None


def each_anchors(dues: Sequence[Due], rule: Rule, history: History) -> Iterable[tuple[Event, str] | None]:
    """Yield every occurrence that starts its own clock with the name it goes by, or None for a single clock."""
    word = next((due.anchor.name for due in dues if due.anchor and due.anchor.which == "each"), None)
    if word is None:
        return (None,)
    return named_occurrences(word, rule, history)


def named_occurrences(word: str, rule: Rule, history: History) -> Iterator[tuple[Event, str]]:
    seen: dict[str, Event] = {}
    for event in within_closure(history.occurrences(word), rule, history):
        if event.word in AGREEMENTS and history.came_too_late(history, event):
            continue  # it moved nothing, so there is nothing to look at again
        name = event.ref or event.id
        if name in seen:
            # One ref, told twice: the same thing while it is open, a new one (by its id) once it was met.
            clock = _clock_of(rule, seen[name], seen[name].ref, name, None, in_hours=in_hours(rule))
            met = evidence_for(clock, history)
            if met is None or met.moment > event.moment:
                continue
            seen[name] = event
            name = event.id
        else:
            seen[name] = event
        yield event, name


def in_hours(rule: Rule) -> bool:
    return isinstance(rule, Standard) and any(due.in_hours for due in rule.due)


def within_closure(events: Iterable[Event], rule: Rule, history: History) -> Iterable[Event]:
    """Leave out what happened after the closing date, unless the rule runs through closure."""
    if history.closed is None or rule.through_closure:
        return events
    return [event for event in events if event.day <= history.closed.day]


def children_of(rule: Rule, history: History) -> Sequence[Member | None]:
    """Return every child who was ever in the family, each with since when and until when, or None for a whole case."""
    return history.family if rule.per_child else (None,)


def _clock_of(
    rule: Rule, start: Event, ref: str | None, key_ref: str | None, child: str | None, *, in_hours: bool
) -> Clock:
    same = any(anchor.word == start.word for anchor in rule.met_by)
    return Clock(rule, start, start.moment, start.day, ref, key_ref, child, later_day=same, in_hours=in_hours)


def anchor_event(anchor: Anchor | None, rule: Rule, history: History, each: tuple[Event, str] | None) -> Event | None:
    if anchor is None:
        return None
    if anchor.which == "each":
        return each[0] if each else None
    events = list(within_closure(history.occurrences(anchor.name), rule, history))
    index = {"first": 0, "latest": -1, "nth": anchor.n - 1}[anchor.which]
    return events[index] if -len(events) <= index < len(events) else None


def is_evidence(event: Event, rule: Rule, history: History) -> bool:
    return any(event is found for anchor in rule.met_by for found in history.each_of(anchor))


def applies(rule: Rule | Check, history: History, asked: Event | None, moment: datetime, child: str | None) -> bool:
    """Tell whether a condition holds at a clock's start, or a check's event; a blank fact is a problem, and no."""
    if rule.where is None:
        return True
    answer = condition(rule.where, history, asked, moment, moment, child)
    if answer is None:
        history.problem(f"{rule.id}: is not applied, because a fact that its condition reads is blank; fill it in")
    return answer is True


def condition(
    cond: Cond,
    history: History,
    asked: Event | None,
    facts_at: datetime,
    start: datetime,
    child: str | None,
    *,
    age_of_event: bool = False,
) -> bool | None:
    """Answer a condition from an event's detail and the case's facts; None where it hangs on a blank.

    `facts_at` is when the facts are read, `start` when ages and what has happened are.
    """
    facts = history.facts_at(facts_at)
    kinds = history.policy.facts
    detail = asked.detail if asked else {}

    def look(name: str) -> object:
        if name == "age" and not age_of_event:
            return history.ages(london_day(start) if start > BEGINNING else history.today, child) or None
        if name in history.policy.hooks:
            return history.asked_of_plugin(name, facts, start if start > BEGINNING else history.now)
        value = detail.get(name)
        if value is not None and asked is not None and name in kinds:
            value = history.typed(asked, name, value)
        return facts.get(name) if value is None else value

    def blank(test: Compare) -> bool | None:
        # Yes or no left blank is no; of another blank nobody can tell.
        return fits(test, False) if kinds.get(test.fact) == "yes/no" else None

    return holds(cond, look, history.happened_by(start), blank)


def evidence_for(clock: Clock, history: History) -> Event | None:
    """Return the earliest event that meets a clock (design 4.8 to 4.10)."""
    found: Event | None = None
    for anchor in clock.rule.met_by:
        for event in _ordinal_since(anchor, clock, history):
            if found is None or (event.moment, event.word, event.id) < (found.moment, found.word, found.id):
                found = event
            break
    return found


def evidence_all(clock: Clock, history: History) -> list[Event]:
    """Return every event that could meet a clock, in order."""
    found = {
        event.id: event
        for anchor in clock.rule.met_by
        for event in within_closure(_occurrences(anchor, clock, history), clock.rule, history)
        if _since(event, clock) and _meant(event, clock) and event.moment <= history.now
    }
    return sorted(found.values(), key=lambda event: (event.moment, event.word, event.id))


def _ordinal_since(anchor: Anchor, clock: Clock, history: History) -> Iterator[Event]:
    """Yield the evidence for one word in order; "2nd X" is counted from the clock's start."""
    count = 0
    for event in within_closure(_occurrences(anchor, clock, history), clock.rule, history):
        if _since(event, clock) and _meant(event, clock) and event.moment <= history.now:
            count += 1
            if anchor.which != "nth" or count == anchor.n:
                yield event
                if anchor.which == "nth":
                    return


def _occurrences(anchor: Anchor, clock: Clock, history: History) -> Sequence[Event]:
    return history.occurrences_among(anchor.name, lambda event: _since(event, clock) and _meant(event, clock))


def _since(event: Event, clock: Clock) -> bool:
    if clock.until is not None and event.day > clock.until:
        return False
    if clock.member is not None and clock.member.left is not None and event.day > clock.member.left.day:
        return False
    if clock.later_day:
        return event.day > clock.start_day
    if event.day != clock.start_day:
        return event.day > clock.start_day
    # Day clocks compare dates; an hour clock compares instants where both are known.
    timed = clock.in_hours and not event.dated and clock.start is not None and not clock.start.dated
    return not timed or event.moment >= clock.starts_at


def _meant(event: Event, clock: Clock) -> bool:
    if clock.child is not None:
        child = event.detail.get("child")
        if child is not None and child != clock.child:
            return False
    if clock.key_ref is None:
        return True
    return event.ref is None or event.ref in (clock.ref, clock.key_ref)


def cancelling(rule: Rule, clock: Clock, history: History, evidence: Event | None) -> Event | None:
    """Return the `unless` event that came since the start and before the rule was met.

    What hangs on each time that another rule ran over ends as well when that is caught up with.
    """
    unless = [anchor for anchor in rule.unless if history.occurrences(anchor.name)]
    watch = replace(clock, later_day=False, until=None) if unless else clock
    found = [
        event
        for anchor in unless
        for event in list(_ordinal_since(anchor, watch, history))[:1]
        if event is not clock.start
    ]
    found += _caught_up(clock, history)
    if not found:
        return None
    first = min(found, key=lambda event: (event.moment, event.word, event.id))
    # What already meets the rule wins, and on one date without times so does the evidence.
    if evidence is not None and not precedes(first, evidence):
        return None
    return first


def _caught_up(clock: Clock, history: History) -> list[Event]:
    """Return what ended the milestone whose running over started this clock; under `each` the two are a pair."""
    if clock.start is None or clock.key_ref is None:
        return []
    ended = history.caught_up.get(clock.start.id)
    return [ended] if ended is not None else []


@dataclass(frozen=True, slots=True)
class Stop:
    """Where a clock stopped, and why: met, cancelled by an event, by closure, or still running."""

    evidence: Event | None
    cancelled: Event | None
    moment: datetime | None


def stop_of(rule: Rule, clock: Clock, history: History) -> Stop:
    evidence = evidence_for(clock, history)
    cancelled = cancelling(rule, clock, history, evidence)
    if cancelled is not None:
        return Stop(None, cancelled, cancelled.moment)
    if evidence is not None:
        return Stop(evidence, None, evidence.moment)
    if history.closed is not None and not rule.through_closure:
        return Stop(None, history.closed, history.closed.moment)
    return Stop(None, None, None)


def is_waived(
    rule: Rule, history: History, asked: Event | None, facts_from: datetime, child: str | None, stop: Stop
) -> bool:
    """Tell whether the condition, which held at the start, has stopped holding, or the child has left the family."""
    if stop.moment is not None:
        return False
    if child is not None and any(member.left for member in history.family if member.child.ref == child):
        return True
    if rule.where is None:
        return False
    return condition(rule.where, history, asked, history.now, facts_from, child) is False
