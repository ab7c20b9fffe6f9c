"""Changes of a limit while its clock runs: relaxations and extensions (design 4.16)."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Literal

from ehscheduler.core.calendars import Span, end_of_day
from ehscheduler.core.events import Event
from ehscheduler.core.history import History
from ehscheduler.core.holds import Held
from ehscheduler.core.limits import Limit
from ehscheduler.core.policy import Policy, Rule


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that moved a limit: another phase, or a relaxation; `to` is the limit from then on."""

    kind: Literal["phase", "relaxation"]
    day: date
    name: str
    to: date | None
    event: Event = field(repr=False)


@dataclass(frozen=True, slots=True)
class Switch:
    """A next phase that may take over: when it begins, and the limit it gives with holds and without."""

    name: str
    day: date
    event: Event
    limit: Limit
    plain: Limit


@dataclass(frozen=True, slots=True)
class Moved:
    """A limit as it now stands, as the phrase alone gives it, and what moved it; `phases` counts the switches."""

    limit: Limit
    original: Limit
    changes: tuple[Change, ...]
    phases: int


def moved_by(
    rule: Rule,
    history: History,
    starts_at: datetime,
    stop: datetime | None,
    *,
    phrase: Limit,
    plain: Limit,
    held: Held,
    switches: Sequence[Switch] = (),
) -> Moved:
    """Follow a limit from its start: phases that take over, and relaxations agreed in time, in date order."""
    agreed = [e for e in history.relaxations if names_rule(e, rule) and _while_open(e, starts_at, stop)]
    taken = len(switches)
    changes: list[Change] = []
    current, relaxed = phrase, None
    steps: list[tuple[date, int, Switch | Event]] = [(s.day, n, s) for n, s in enumerate(switches)]
    steps += [(event.day, len(switches), event) for event in agreed]
    for day, n, step in sorted(steps, key=lambda s: s[:2]):
        if isinstance(step, Switch):
            if n > taken or (current.on is not None and day > current.on):
                taken = min(n, taken)  # a date already missed stays missed, and no later phase takes over
                continue
            current = _no_earlier(step.limit, relaxed)
            changes.append(Change("phase", day, step.name, current.on, step.event))
        elif (until := _relaxation(step, rule, history, current, held)) is not None:
            relaxed = until
            current = _no_earlier(current, relaxed)
            changes.append(Change("relaxation", day, str(step.detail.get("by_role", "")), relaxed, step))
    return Moved(current, _plain(plain, switches), tuple(changes), min(taken, len(switches)))


def _plain(plain: Limit, switches: Sequence[Switch]) -> Limit:
    """Return the limit as the phrases alone give it, without holds and agreements."""
    for switch in switches:
        if plain.on is not None and switch.day > plain.on:
            break
        plain = switch.plain
    return plain


def _no_earlier(limit: Limit, until: date | None) -> Limit:
    if until is None or (limit.on is not None and until <= limit.on):
        return limit
    return replace(limit, on=until, at=end_of_day(until))


def names_rule(event: Event, rule: Rule) -> bool:
    """Tell whether a relaxation names a rule; an extension that names none is for every rule its role may extend."""
    named = event.detail.get("rules")
    if named is None:
        return event.word == "extension_approved" and bool(rule.may_extend)
    return named == rule.id or (isinstance(named, list) and rule.id in named)


def _while_open(event: Event, starts_at: datetime, stop: datetime | None) -> bool:
    return starts_at <= event.moment and (stop is None or event.moment <= stop)


def _relaxation(event: Event, rule: Rule, history: History, current: Limit, held: Held) -> date | None:
    """Return the limit that an agreement gives, or None with a warning where it moves nothing."""
    refusal, until = _agreed(event, rule, history.policy, current)
    if until is None:
        history.warn(f"{event.word} on {event.day.isoformat()} moves nothing on {rule.id}: {refusal}")
        return None
    return _with_later_holds(until, event, history, held)


def _agreed(event: Event, rule: Rule, policy: Policy, current: Limit) -> tuple[str, date | None]:
    """Return why an agreement moves nothing, or the new limit that it gives."""
    role = str(event.detail.get("by_role", ""))
    if not any(role == may or role in _roles(policy, may) for may in rule.may_extend):
        may = " or ".join(rule.may_extend) or "nobody"
        return f"{role or 'nobody named'} may not agree it; {may} may", None
    if current.undated:
        return "it has no limit to move", None
    if current.past(event.moment, event.day):
        return "it was agreed after the due date", None
    until = _until(event, current)
    if until is None:
        return "it gives no date (until) that exists", None
    if current.on is not None and until < current.on:
        return f"its date {until.isoformat()} is before the due date", None
    return "", until


def _roles(policy: Policy, role: str) -> tuple[str, ...]:
    title = policy.roles.get(role, ())
    return title if isinstance(title, tuple) else ()


def _until(event: Event, current: Limit) -> date | None:
    until, weeks = event.detail.get("until"), event.detail.get("weeks")
    if isinstance(until, str):
        try:
            return date.fromisoformat(until[:10])
        except ValueError:
            return None
    if isinstance(weeks, int) and not isinstance(weeks, bool) and weeks > 0 and current.on is not None:
        return current.on + timedelta(weeks=weeks)
    return None


def _with_later_holds(until: date, event: Event, history: History, held: Held) -> date | None:
    """Move an agreed date by the holds that began after it was agreed; a hold already open was known to all."""
    runs = [run for run, span in zip(held.runs, held.spans, strict=True) if span[0] > event.moment]
    if not runs or until <= event.day:
        return until
    return history.calendar.later(event.day, Span((until - event.day).days, "day"), runs)
