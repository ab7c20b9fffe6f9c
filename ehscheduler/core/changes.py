"""Changes of a limit while its clock runs: relaxations and extensions (design 4.16)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal

from ehscheduler.core.calendars import Run, Span, end_of_day
from ehscheduler.core.clocks import Clock
from ehscheduler.core.events import Event
from ehscheduler.core.history import History
from ehscheduler.core.holds import NOT_HELD, Held
from ehscheduler.core.limits import Limit
from ehscheduler.core.policy import Policy, Rule

TOO_LATE = "it was agreed after the due date"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that moved a limit: another phase, or a relaxation; `to` is the limit from then on.

    `agreed` is the date that a relaxation named, before later holds moved it.
    """

    kind: Literal["phase", "relaxation"]
    day: date
    name: str
    to: date | None
    event: Event = field(repr=False)
    agreed: date | None = None


Count = Callable[[Held], Limit]
"""Count one and the same limit again, with the holds that are given."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A next phase that may take over: when it begins, and the limit that it then gives."""

    name: str
    day: date
    event: Event
    count: Count


@dataclass(frozen=True, slots=True)
class Moved:
    """A limit as it now stands, as the phrase alone gives it, and what moved it; `phases` counts the switches."""

    limit: Limit
    original: Limit
    changes: tuple[Change, ...]
    phases: int


def moved_by(
    clock: Clock, history: History, stop: datetime | None, count: Count, *, held: Held, switches: Sequence[Switch] = ()
) -> Moved:
    """Follow a limit from its start: phases that take over, and relaxations agreed in time, in date order."""
    agreed = [
        e for e in history.relaxations if names_rule(e, clock.rule, history.policy) and _while_open(e, clock, stop)
    ]
    if not agreed and not switches:
        limit = count(held)
        return Moved(limit, count(NOT_HELD) if held.runs else limit, (), 0)
    steps: list[tuple[date, int, Switch | Event]] = [(s.day, n, s) for n, s in enumerate(switches)]
    steps += [(event.day, len(switches), event) for event in agreed]
    walk = _Walk(clock.rule, history, count, tuple(step for _, _, step in sorted(steps, key=lambda s: s[:2])))
    limit, changes = walk.follow(len(steps), held)
    history.agreed["in time"].update(change.event.id for change in changes if change.kind == "relaxation")
    history.agreed["too late"].update(event.id for event, refusal in walk.refused.items() if refusal == TOO_LATE)
    for event, refusal in walk.refused.items():
        history.warn(f"{event.word} on {event.day.isoformat()} moves nothing on {clock.rule.id}: {refusal}")
    return Moved(limit, _plain(count, switches), changes, sum(change.kind == "phase" for change in changes))


def _plain(count: Count, switches: Sequence[Switch]) -> Limit:
    """Return the limit as the phrases alone give it, without holds and agreements."""
    plain = count(NOT_HELD)
    for switch in switches:
        if plain.on is not None and switch.day > plain.on:
            break
        plain = switch.count(NOT_HELD)
    return plain


class _Walk:
    """The steps that may move one limit, in date order, and why a relaxation among them moved nothing."""

    def __init__(self, rule: Rule, history: History, count: Count, steps: tuple[Switch | Event, ...]) -> None:
        self.rule = rule
        self.history = history
        self.count = count
        self.steps = steps
        self.refused: dict[Event, str] = {}
        self._stood: dict[int, Limit] = {}

    def follow(self, until: int, held: Held) -> tuple[Limit, tuple[Change, ...]]:
        """Return the limit after the first `until` steps, counted with these holds, and what moved it."""
        current, agreed = self.count(held), None
        changes: list[Change] = []
        missed = False
        for n, step in enumerate(self.steps[:until]):
            if isinstance(step, Switch):
                # A date already missed stays missed, and then no later phase takes over.
                missed = missed or (current.on is not None and step.day > current.on)
                if missed:
                    continue
                current = _no_earlier(step.count(held), agreed)
                changes.append(Change("phase", step.day, step.name, current.on, step.event))
            elif (found := self._relaxed(n, step, held)) is not None:
                agreed = found
                current = _no_earlier(current, agreed)
                by = str(step.detail.get("by_role", ""))
                changes.append(Change("relaxation", step.day, by, agreed.on, step, agreed.until))
        return current, tuple(changes)

    def _relaxed(self, n: int, event: Event, held: Held) -> "_Agreed | None":
        """Return the date that an agreement gives, or None, noting why, where it moves nothing."""
        # What it moves is the limit as it then stood: holds that began later are not in it.
        before, after = _parted(held, event.moment)
        current = self._stood.get(n)
        if current is None:
            current = self._stood[n] = self.follow(n, before)[0]
        refusal, until = _agreed(event, self.rule, self.history.policy, current)
        if refusal:
            self.refused[event] = refusal
            return None
        if until is None or current.backward or until <= event.day:
            return _Agreed(until, until)
        return _Agreed(until, self.history.calendar.later(event.day, Span((until - event.day).days, "day"), after.runs))


@dataclass(frozen=True, slots=True)
class _Agreed:
    """The date of an agreement, and where the holds that began after it moved it: None while one of them is open."""

    until: date | None
    on: date | None


def _parted(held: Held, moment: datetime) -> tuple[Held, Held]:
    """Part the holds into those that had begun by a moment and those that began later."""
    pairs = list(zip(held.runs, held.spans, strict=True))
    before = [pair for pair in pairs if pair[1][0] <= moment]
    after = [pair for pair in pairs if pair[1][0] > moment]
    return _together(before), _together(after)


def _together(pairs: Sequence[tuple[Run, tuple[datetime, datetime | None]]]) -> Held:
    return Held(tuple(run for run, _ in pairs), tuple(span for _, span in pairs))


def _no_earlier(limit: Limit, agreed: _Agreed | None) -> Limit:
    """Return the later of a limit and an agreed date; no date while a hold leaves either open."""
    if agreed is None or limit.on is None or (agreed.on is not None and agreed.on <= limit.on):
        return limit
    return replace(limit, on=agreed.on, at=end_of_day(agreed.on) if agreed.on else None)


def names_rule(event: Event, rule: Rule, policy: Policy) -> bool:
    """Tell whether a relaxation names a rule; an extension that names none is for every rule its role may extend."""
    named = event.detail.get("rules")
    if named is None:
        return event.word == "extension_approved" and _may(event, rule, policy)
    return named == rule.id or (isinstance(named, list) and rule.id in named)


def _while_open(event: Event, clock: Clock, stop: datetime | None) -> bool:
    if stop is not None and event.moment > stop:
        return False
    # On the date of the start, an agreement that bears no time was made while the clock ran.
    return clock.starts_at <= event.moment or (event.dated and event.day == clock.start_day)


def _agreed(event: Event, rule: Rule, policy: Policy, current: Limit) -> tuple[str, date | None]:
    """Return why an agreement moves nothing, or the new limit that it gives: None while a hold leaves it open."""
    if not _may(event, rule, policy):
        may = " or ".join(rule.may_extend) or "nobody"
        return f"{event.detail.get('by_role') or 'nobody named'} may not agree it; {may} may", None
    if current.undated:
        return "it has no limit to move", None
    if current.past(event.moment, event.day):
        return TOO_LATE, None
    weeks = _weeks(event)
    if weeks:
        return "", None if current.on is None else current.on + weeks
    until = _until(event)
    if until is None:
        return "it gives no date (until) that exists", None
    if current.on is not None and until < current.on:
        return f"its date {until.isoformat()} is before the due date", None
    return "", until


def _may(event: Event, rule: Rule, policy: Policy) -> bool:
    role = str(event.detail.get("by_role", ""))
    return any(role == may or role in _roles(policy, may) for may in rule.may_extend)


def _roles(policy: Policy, role: str) -> tuple[str, ...]:
    title = policy.roles.get(role, ())
    return title if isinstance(title, tuple) else ()


def _until(event: Event) -> date | None:
    until = event.detail.get("until")
    try:
        return date.fromisoformat(until[:10]) if isinstance(until, str) else None
    except ValueError:
        return None


def _weeks(event: Event) -> timedelta | None:
    """Return the length of an extension that gives weeks and no date."""
    weeks = event.detail.get("weeks")
    if not isinstance(weeks, int) or isinstance(weeks, bool) or not 0 < weeks < 10_000 or "until" in event.detail:
        return None
    return timedelta(weeks=weeks)
