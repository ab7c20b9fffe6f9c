"""Evaluation: one pass over a policy's rules turns a case's history into milestones. `now` is given."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ehscheduler.core.calendars import Calendar, london_day
from ehscheduler.core.events import Case, Event
from ehscheduler.core.history import History
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy, Standard
from ehscheduler.core.rhythms import rhythm_milestones
from ehscheduler.core.standards import standard_milestones
from ehscheduler.errors import OutOfCalendar


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The milestones of one case's current episode, sorted by rule and key, with what was odd or unusable."""

    case: str
    episode: int
    closed_on: date | None
    milestones: tuple[Milestone, ...]
    warnings: tuple[str, ...]
    problems: tuple[str, ...]
    facts: Mapping[str, Any]


def evaluate(policy: Policy, calendar: Calendar, case: Case, events: Iterable[Event], now: datetime) -> Evaluation:
    """Work out every milestone of a case as it is known at `now` (aware, UTC)."""
    history = History(policy, calendar, case, events, now, london_day(now))
    found: list[Milestone] = []
    for rule in policy.rules.values():
        try:
            found.extend(
                standard_milestones(rule, history) if isinstance(rule, Standard) else rhythm_milestones(rule, history)
            )
        except OutOfCalendar as error:
            history.problem(f"{rule.id}: {error}")
    found.sort(key=lambda m: (m.rule, m.key))
    return Evaluation(
        case.ref,
        history.episode,
        history.closed.day if history.closed else None,
        tuple(found),
        tuple(dict.fromkeys(history.warnings)),
        tuple(dict.fromkeys(history.problems)),
        history.facts_at(now),
    )
