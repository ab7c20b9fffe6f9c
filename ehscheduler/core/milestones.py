"""Milestones: what is due on a case, by when, and how it stands (design 4).

One pass over a policy's rules turns a history into milestones. Nothing here asks the time: `now` is given.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from ehscheduler.core.calendars import Calendar, end_of_day, london_day, start_of_day
from ehscheduler.core.changes import Change, Moved, Switch, moved_by
from ehscheduler.core.conditions import holds
from ehscheduler.core.disputes import Rung, climb
from ehscheduler.core.events import Case, Event
from ehscheduler.core.history import History
from ehscheduler.core.holds import NOT_HELD, Held, Hold
from ehscheduler.core.limits import Limit, day_after, days_limit, earliest, limit, opens_at, target_day
from ehscheduler.core.phrases import Anchor, Due
from ehscheduler.core.policy import Cond, Phase, Policy, Rhythm, Rule, Standard
from ehscheduler.errors import OutOfCalendar

STATES = ("upcoming", "due", "overdue", "met", "met_late", "on_hold", "cancelled", "waived")
OPEN_STATES = ("upcoming", "due", "overdue", "on_hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """One thing due on one case because of one rule.

    Days are London dates; instants are aware, in UTC. `due_on` and `due_at` are None where the document sets no
    time, or while a hold is open. The fields from `limits` on are the working that explanation reads.
    """

    case: str
    episode: int
    rule: str
    key: str
    child: str | None
    ref: str | None
    n: int | None
    title: str
    clause: str
    edition: str
    force: str
    owner: str
    from_event: str | None
    from_at: datetime | None
    anchor_time_unknown: bool
    opens_on: date | None
    best_by_on: date | None
    due_on: date | None
    due_at: datetime | None
    original_due_at: datetime | None
    state: str
    met_at: datetime | None
    recorded_late: bool
    phase: str | None
    readings: tuple[str, ...]
    due_version: str
    starts_at: datetime | None
    opens_at: datetime | None
    in_hours: bool
    undated: bool
    immediate: bool
    anchor: Event | None = field(repr=False)
    evidence: Event | None = field(repr=False)
    stopped_by: Event | None = field(repr=False)
    limits: tuple[Limit, ...] = field(repr=False)
    winner: Limit = field(repr=False)
    held: Held = field(repr=False)
    changes: tuple[Change, ...] = field(repr=False)
    rungs: tuple[Rung, ...] = field(repr=False)

    @property
    def open(self) -> bool:
        return self.state in OPEN_STATES


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The milestones of one case's current episode, sorted by rule and key, with what was odd or unusable."""

    case: str
    episode: int
    closed_on: date | None
    milestones: tuple[Milestone, ...]
    warnings: tuple[str, ...]
    problems: tuple[str, ...]


def evaluate(policy: Policy, calendar: Calendar, case: Case, events: Iterable[Event], now: datetime) -> Evaluation:
    """Work out every milestone of a case as it is known at `now` (aware, UTC)."""
    history = History(policy, calendar, case, events, now, london_day(now))
    found: list[Milestone] = []
    for rule in policy.rules.values():
        try:
            found.extend(_standard(rule, history) if isinstance(rule, Standard) else _rhythm(rule, history))
        except OutOfCalendar as error:
            history.problem(f"{rule.id}: {error}")
    found.sort(key=lambda m: (m.rule, m.child or "", m.ref or "", m.n or 0, m.key))
    return Evaluation(
        case.ref,
        history.episode,
        history.closed.day if history.closed else None,
        tuple(found),
        tuple(dict.fromkeys(history.warnings)),
        tuple(dict.fromkeys(history.problems)),
    )


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


_BEGINNING = datetime.min.replace(tzinfo=start_of_day(date(2000, 1, 1)).tzinfo)


# ---- standards


def _standard(rule: Standard, history: History) -> Iterator[Milestone]:
    for each in _each_anchors(rule.due, rule, history):
        for child in _children(rule, history):
            yield from _standard_clock(rule, history, each, child)


def _each_anchors(dues: Sequence[Due], rule: Rule, history: History) -> Iterable[tuple[Event, str] | None]:
    """Yield every occurrence that starts its own clock with the name it goes by, or None for a single clock."""
    word = next((due.anchor.word for due in dues if due.anchor and due.anchor.which == "each"), None)
    if word is None:
        return (None,)
    return _named_occurrences(word, rule, history)


def _named_occurrences(word: str, rule: Rule, history: History) -> Iterator[tuple[Event, str]]:
    seen: dict[str, Event] = {}
    for event in _within_closure(history.occurrences(word), rule, history):
        name = event.ref or event.id
        if name in seen:
            # One ref, told twice: the same thing while it is open, a new one (by its id) once it was met.
            clock = _clock_of(rule, seen[name], seen[name].ref, name, None, in_hours=_in_hours(rule))
            met = _evidence(clock, history)
            if met is None or met.moment > event.moment:
                continue
            seen[name] = event
            name = event.id
        else:
            seen[name] = event
        yield event, name


def _in_hours(rule: Rule) -> bool:
    return isinstance(rule, Standard) and any(due.in_hours for due in rule.due)


def _within_closure(events: Iterable[Event], rule: Rule, history: History) -> Iterable[Event]:
    """Leave out what happened after the closing date, unless the rule runs through closure."""
    if history.closed is None or rule.through_closure:
        return events
    return [event for event in events if event.day <= history.closed.day]


def _children(rule: Rule, history: History) -> tuple[str | None, ...]:
    return tuple(child.ref for child in history.children()) if rule.per_child else (None,)


def _clock_of(
    rule: Rule, start: Event, ref: str | None, key_ref: str | None, child: str | None, *, in_hours: bool
) -> Clock:
    same = any(anchor.word == start.word for anchor in rule.met_by)
    return Clock(rule, start, start.moment, start.day, ref, key_ref, child, later_day=same, in_hours=in_hours)


def _standard_clock(
    rule: Standard, history: History, each: tuple[Event, str] | None, child: str | None
) -> Iterator[Milestone]:
    anchors = [_anchor_event(due.anchor, rule, history, each) for due in rule.due]
    found = [event for event in anchors if event]
    in_hours = _in_hours(rule)
    if found:
        start = found[0] if len(found) == 1 else min(found, key=lambda event: (event.moment, event.word, event.id))
        clock = Clock(
            rule,
            start,
            start.moment,
            start.day,
            each[0].ref if each else None,
            each[1] if each else None,
            child,
            later_day=_is_evidence(start, rule, history),
            in_hours=in_hours,
        )
        facts_from, asked = start.moment, start
    else:
        known = [since for due in rule.due if due.backward for since in _known_from(due, history)]
        if not known:
            return
        clock = Clock(rule, None, _BEGINNING, date.min, child=child, until=_last_target(rule, history, child))
        facts_from, asked = min(known), None
    if not _applies(rule, history, asked, facts_from, child):
        return
    yield from _made(rule, history, clock, anchors, asked, facts_from)


def _known_from(due: Due, history: History) -> Iterator[datetime]:
    """Yield the moment from which a backward limit's date is known; nothing while it is not."""
    target = due.target
    assert target is not None
    if target.kind == "fact":
        since, value = history.known_since(target.name)
        if value is not None:
            yield since or _BEGINNING
    elif target.kind == "birthday":
        if any(child.born for child in history.children()):
            yield _BEGINNING
    elif target.anchor:
        yield from (event.moment for event in history.occurrences(target.anchor.word)[:1])


def _last_target(rule: Standard, history: History, child: str | None) -> date | None:
    days = [day for due in rule.due if due.target and (day := target_day(due.target, history, child))]
    return max(days) if days else None


def _anchor_event(anchor: Anchor | None, rule: Rule, history: History, each: tuple[Event, str] | None) -> Event | None:
    if anchor is None:
        return None
    if anchor.which == "each":
        return each[0] if each else None
    events = list(_within_closure(history.occurrences(anchor.word), rule, history))
    index = {"first": 0, "latest": -1, "nth": anchor.n - 1}[anchor.which]
    return events[index] if -len(events) <= index < len(events) else None


def _is_evidence(event: Event, rule: Rule, history: History) -> bool:
    return any(event is found for anchor in rule.met_by for found in history.each_of(anchor))


# ---- conditions


def _applies(rule: Rule, history: History, asked: Event | None, moment: datetime, child: str | None) -> bool:
    """Tell whether the rule's condition holds at the start of a clock; a blank fact is a problem, and no."""
    if rule.where is None:
        return True
    answer = _condition(rule.where, history, asked, moment, moment, child)
    if answer is None:
        history.problem(f"{rule.id}: is not applied, because a fact that its condition reads is blank; fill it in")
    return answer is True


def _condition(
    cond: Cond, history: History, asked: Event | None, facts_at: datetime, start: datetime, child: str | None
) -> bool | None:
    facts = history.facts_at(facts_at)
    kinds = history.policy.facts
    detail = asked.detail if asked else {}

    def look(name: str) -> object:
        if name == "age":
            return history.ages(london_day(start) if start > _BEGINNING else history.today, child) or None
        value = detail.get(name)
        if value is None:
            value = facts.get(name)
        return False if value is None and kinds.get(name) == "yes/no" else value

    return holds(cond, look, history.happened_by(start))


# ---- evidence


def _evidence(clock: Clock, history: History) -> Event | None:
    """Return the earliest event that meets a clock (design 4.8 to 4.10)."""
    found: Event | None = None
    for anchor in clock.rule.met_by:
        for event in _ordinal_since(anchor, clock, history):
            if found is None or (event.moment, event.word, event.id) < (found.moment, found.word, found.id):
                found = event
            break
    return found


def _ordinal_since(anchor: Anchor, clock: Clock, history: History) -> Iterator[Event]:
    """Yield the evidence for one word in order; "2nd X" is counted from the clock's start."""
    count = 0
    for event in _within_closure(history.occurrences(anchor.word), clock.rule, history):
        if _since(event, clock) and _meant(event, clock):
            count += 1
            if anchor.which != "nth" or count == anchor.n:
                yield event
                if anchor.which == "nth":
                    return


def _since(event: Event, clock: Clock) -> bool:
    if clock.until is not None and event.day > clock.until:
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


def _cancelling(rule: Rule, clock: Clock, history: History, evidence: Event | None) -> Event | None:
    """Return the `unless` event that came since the start and before the rule was met."""
    if not rule.unless:
        return None
    watch = replace(clock, later_day=False, until=None)
    found = [
        event
        for anchor in rule.unless
        for event in list(_ordinal_since(anchor, watch, history))[:1]
        if event is not clock.start
    ]
    if not found:
        return None
    first = min(found, key=lambda event: (event.moment, event.word, event.id))
    # What already meets the rule wins, and on one date without times so does the evidence.
    if evidence is not None and not _precedes(first, evidence):
        return None
    return first


def _precedes(first: Event, second: Event) -> bool:
    if first.day != second.day:
        return first.day < second.day
    return not first.dated and not second.dated and first.moment < second.moment


# ---- one clock, whole


@dataclass(frozen=True, slots=True)
class _Stop:
    """Where a clock stopped, and why: met, cancelled by an event, by closure, or still running."""

    evidence: Event | None
    cancelled: Event | None
    moment: datetime | None


def _stop(rule: Rule, clock: Clock, history: History) -> _Stop:
    evidence = _evidence(clock, history)
    cancelled = _cancelling(rule, clock, history, evidence)
    if cancelled is not None:
        return _Stop(None, cancelled, cancelled.moment)
    if evidence is not None:
        return _Stop(evidence, None, evidence.moment)
    if history.closed is not None and not rule.through_closure:
        return _Stop(None, history.closed, history.closed.moment)
    return _Stop(None, None, None)


def _made(
    rule: Standard,
    history: History,
    clock: Clock,
    anchors: Sequence[Event | None],
    asked: Event | None,
    facts_from: datetime,
) -> Iterator[Milestone]:
    stop = _stop(rule, clock, history)
    held = history.held(stop.moment, rule.runs_through)
    limits = _limits(rule, history, clock, anchors, stop, held)
    plain = _limits(rule, history, clock, anchors, stop, NOT_HELD) if held.runs else limits
    if not limits:
        return
    moved = moved_by(
        rule, history, clock.starts_at, stop.moment, phrase=earliest(limits), plain=earliest(plain), held=held
    )
    each = (asked, "") if asked else None
    best_by = opened = None
    if isinstance(rule.best_by, Due):
        anchor = _anchor_event(rule.best_by.anchor, rule, history, each)
        best_by = limit(rule.best_by, anchor, history, held, clock.child)
    if rule.not_before:
        anchor = _anchor_event(rule.not_before.anchor, rule, history, each)
        opened = opens_at(rule.not_before, anchor, history, held, clock.child)
    waived = _waived(rule, history, asked, facts_from, clock.child, stop)
    yield _milestone(rule, history, clock, stop, held, limits, moved, best_by, opened, waived=waived, phase=None)


def _limits(
    rule: Standard,
    history: History,
    clock: Clock,
    anchors: Sequence[Event | None],
    stop: _Stop,
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
        if made is not None:
            found.append(made)
    return tuple(found)


def _waived(
    rule: Rule, history: History, asked: Event | None, facts_from: datetime, child: str | None, stop: _Stop
) -> bool:
    """Tell whether the condition, which held at the start, has stopped holding as the case's facts changed."""
    if rule.where is None or stop.moment is not None:
        return False
    return _condition(rule.where, history, asked, history.now, facts_from, child) is False


def _milestone(
    rule: Rule,
    history: History,
    clock: Clock,
    stop: _Stop,
    held: Held,
    limits: tuple[Limit, ...],
    moved: Moved,
    best_by: Limit | None,
    opened: datetime | None,
    *,
    waived: bool,
    phase: str | None,
) -> Milestone:
    winner = moved.limit
    due_on, due_at = winner.on, winner.at
    state = _state(rule, history, stop, held, winner, opened, waived=waived)
    if state == "on_hold" and not winner.backward and not _past_before(winner, held.since):
        due_on = due_at = None
    met = state in ("met", "met_late")
    readings = tuple(dict.fromkeys(rule.readings))
    source = winner.anchor
    return Milestone(
        case=history.case.ref,
        episode=history.episode,
        rule=rule.id,
        key="/".join([rule.id, *(p for p in (clock.child, clock.key_ref) if p), *([str(clock.n)] if clock.n else [])]),
        child=clock.child,
        ref=clock.key_ref,
        n=clock.n,
        title=rule.title,
        clause=", ".join(rule.clause),
        edition=history.policy.edition,
        force=rule.force,
        owner=rule.owner,
        from_event=source.word if source else None,
        from_at=source.moment if source else (start_of_day(winner.target) if winner.target else None),
        anchor_time_unknown=bool(winner.in_hours and source and source.dated),
        opens_on=london_day(opened) if opened else None,
        best_by_on=best_by.on if best_by else None,
        due_on=due_on,
        due_at=due_at,
        original_due_at=moved.original.at,
        state=state,
        met_at=stop.evidence.moment if met and stop.evidence else None,
        recorded_late=bool(state == "met" and due_at and stop.evidence and stop.evidence.recorded > due_at),
        phase=phase,
        readings=readings,
        due_version=_due_version(rule, history, clock, due_at, state, undated=winner.undated),
        starts_at=clock.starts_at if clock.starts_at > _BEGINNING else None,
        opens_at=opened,
        in_hours=winner.in_hours,
        undated=winner.undated,
        immediate=winner.in_hours or bool(rule.decided_by),
        anchor=source,
        evidence=stop.evidence,
        stopped_by=stop.cancelled,
        limits=limits,
        winner=winner,
        held=held,
        changes=moved.changes,
        rungs=_rungs(rule, history, clock, held, stop) if rule.decided_by else (),
    )


def _rungs(rule: Rule, history: History, clock: Clock, held: Held, stop: _Stop) -> tuple[Rung, ...]:
    """Return the rungs of the rule's ladder that are for this case, each as it was or will be reached."""
    if clock.start is None:
        return ()
    start = clock.start
    steps = [
        step
        for step in history.policy.ladders[rule.decided_by].steps
        if step.where is None or _condition(step.where, history, start, start.moment, start.moment, clock.child) is True
    ]
    return climb(steps, history, start, clock.ref, held, stop.moment)


def _state(
    rule: Rule,
    history: History,
    stop: _Stop,
    held: Held,
    winner: Limit,
    opened: datetime | None,
    *,
    waived: bool,
) -> str:
    if stop.evidence is not None:
        return "met" if not winner.missed_by(stop.evidence) else "met_late"
    if stop.cancelled is not None:
        return "cancelled"
    if waived:
        return "waived"
    if held.since is not None:
        return "on_hold"
    if opened is not None and history.now < opened:
        return "upcoming"
    if winner.undated:
        return "due"
    if winner.past(history.now, history.today):
        return "overdue"
    return "due" if history.today >= first_remind_day(rule, history.calendar, winner) else "upcoming"


def first_remind_day(rule: Rule, calendar: Calendar, winner: Limit) -> date:
    """Return the first day on which a milestone counts as due: its first remind day, or the due day."""
    return min((day for day, _ in remind_days(rule, calendar, winner)), default=winner.on or date.max)


def remind_days(rule: Rule, calendar: Calendar, winner: Limit) -> Iterator[tuple[date, datetime | None]]:
    """Yield each remind day of a limit, with its instant where the reminder counts in hours."""
    if winner.on is None or winner.at is None:
        return
    for remind in rule.remind:
        if remind.span is None:
            yield winner.on, None
        elif remind.span.in_hours:
            moment = winner.at - timedelta(hours=remind.span.n)
            yield london_day(moment), moment
        else:
            yield calendar.earlier(winner.on, remind.span), None


def _past_before(winner: Limit, since: Hold | None) -> bool:
    """Tell whether a limit had already passed when the open hold began."""
    return since is not None and winner.past(since.start, london_day(since.start))


@lru_cache(maxsize=65536)
def version_of(due_at: datetime) -> str:
    return f"{due_at:%Y%m%dT%H%M%SZ}"


def _due_version(
    rule: Rule, history: History, clock: Clock, due_at: datetime | None, state: str, *, undated: bool
) -> str:
    """Name the due date as it now stands; a retraction that opens the milestone again changes it too."""
    gone = 0
    if history.withdrawn:
        words = {anchor.word for anchor in rule.met_by}
        gone = sum(1 for event in history.withdrawn if event.word in words and event.day >= clock.start_day)
    base = "undated" if undated else version_of(due_at) if due_at else "held" if state == "on_hold" else "none"
    return f"{base}.{gone}" if gone else base


# ---- rhythms


def _rhythm(rule: Rhythm, history: History) -> Iterator[Milestone]:
    first = rule.phases[0]
    for each in _each_begins(first, rule, history):
        for child in _children(rule, history):
            yield from _instances(rule, history, each, child)


def _each_begins(first: Phase, rule: Rhythm, history: History) -> Iterable[tuple[Event, str] | None]:
    if first.begin.anchor.which != "each":
        return (None,)
    return _named_occurrences(first.begin.anchor.word, rule, history)


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
        events: Sequence[Event] = list(_within_closure(history.occurrences(anchor.word), rule, history))
    else:
        event = _anchor_event(anchor, rule, history, each)
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
        later_day=_is_evidence(start, rule, history),
    )
    ended = _cancelling(rule, clock, history, None)
    while True:
        stop = _stop(rule, clock, history)
        if ended is not None and (stop.evidence is None or _precedes(ended, stop.evidence)):
            stop = _Stop(None, ended, ended.moment)
        asked = clock.start if clock.n == 1 else begun[0].event
        if _applies(rule, history, asked, clock.starts_at, child):
            yield from _instance(rule, history, clock, stop, begun, asked)
        if stop.evidence is None:
            return
        met = stop.evidence
        n = (clock.n or 0) + 1
        clock = Clock(rule, met, met.moment, met.day, clock.ref, clock.key_ref, child, n=n, later_day=True)


def _instance(
    rule: Rhythm, history: History, clock: Clock, stop: _Stop, begun: list[_Begun], asked: Event | None
) -> Iterator[Milestone]:
    assert clock.start is not None
    held = history.held(stop.moment, rule.runs_through)
    current = ([b for b in begun if b.day <= clock.start_day] or begun[:1])[-1]
    ahead = [b for b in begun if b.day > max(clock.start_day, current.day) and _reached(b, stop)]
    phrase = _interval(current.phase, clock, history, held)
    plain = _interval(current.phase, clock, history, NOT_HELD) if held.runs else phrase
    if phrase is None or plain is None:
        return
    switches = [switch for b in ahead if (switch := _switch(b, clock, history, held)) is not None]
    moved = moved_by(
        rule, history, clock.starts_at, stop.moment, phrase=phrase, plain=plain, held=held, switches=switches
    )
    phase = current.phase if moved.phases == 0 else ahead[moved.phases - 1].phase
    best_by = None
    if phase.best_by is not None and phase.best_by.length is not None:
        best_by = days_limit(phase.best_by.text, phase.best_by.length, clock.start, history, held)
    waived = _waived(rule, history, asked, clock.starts_at, clock.child, stop)
    yield _milestone(
        rule,
        history,
        clock,
        stop,
        held,
        (phrase,),
        moved,
        best_by,
        None,
        waived=waived,
        phase=phase.name,
    )


def _reached(begun: _Begun, stop: _Stop) -> bool:
    """Tell whether an instance was still open when a phase began; a completion that day closed it first."""
    if stop.evidence is not None:
        return begun.day < stop.evidence.day
    return stop.moment is None or begun.day <= london_day(stop.moment)


def _switch(begun: _Begun, clock: Clock, history: History, held: Held) -> Switch | None:
    """Return what a next phase would make of an open instance: its interval, never before it began (design 4.8)."""
    made = _interval(begun.phase, clock, history, held)
    plain = _interval(begun.phase, clock, history, NOT_HELD) if held.runs else made
    if made is None or plain is None:
        return None
    made, plain = _not_before(made, begun.day), _not_before(plain, begun.day)
    return Switch(begun.phase.name or "", begun.day, begun.event, made, plain)


def _not_before(limit: Limit, day: date) -> Limit:
    if limit.on is None or limit.on >= day:
        return limit
    return replace(limit, on=day, at=end_of_day(day))


def _interval(phase: Phase, clock: Clock, history: History, held: Held) -> Limit | None:
    assert clock.start is not None
    made = [
        days_limit(every.text, every.length, clock.start, history, held, clock.start_day)
        for every in phase.every
        if every.length is not None
    ]
    found = [limit for limit in made if limit is not None]
    return earliest(found) if found else None
