"""Evaluation: one pass over a policy's rules turns a case's history into milestones. `now` is given."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from ehscheduler.core.calendars import Calendar, london_day
from ehscheduler.core.events import Case, Event
from ehscheduler.core.findings import Finding, findings
from ehscheduler.core.history import OVERDUE, History
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy, Rhythm, Standard
from ehscheduler.core.rhythms import rhythm_milestones
from ehscheduler.core.standards import standard_milestones
from ehscheduler.core.workload import Holding, holdings
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
    findings: tuple[Finding, ...] = ()
    holdings: tuple[Holding, ...] = ()


def evaluate(policy: Policy, calendar: Calendar, case: Case, events: Iterable[Event], now: datetime) -> Evaluation:
    """Work out every milestone of a case as it is known at `now` (aware, UTC)."""
    history = History(policy, calendar, case, events, now, london_day(now))
    history.ran_over = lambda rule: _ran_over(policy.rules[rule], history)
    found: list[Milestone] = []
    for rule in policy.rules.values():
        try:
            found.extend(_milestones(rule, history))
        except OutOfCalendar as error:
            history.problem(f"{rule.id}: {error}")
    found.sort(key=lambda m: (m.rule, m.key))
    failed = tuple(findings(history))
    for finding in failed:
        history.warn(f"{finding.check}: {finding.said}")
    return Evaluation(
        case.ref,
        history.episode,
        history.closed.day if history.closed else None,
        tuple(found),
        tuple(dict.fromkeys(history.warnings)),
        tuple(dict.fromkeys(history.problems)),
        history.facts_at(now),
        failed,
        tuple(holdings(history)) if policy.limits else (),
    )


def _milestones(rule: Standard | Rhythm, history: History) -> Iterator[Milestone]:
    return standard_milestones(rule, history) if isinstance(rule, Standard) else rhythm_milestones(rule, history)


def _ran_over(rule: Standard | Rhythm, history: History) -> list[Event]:
    """Return when a rule's limits passed unmet: each at the first instant after its limit."""
    found = []
    for m in _milestones(rule, history):
        over = m.winner.overdue_at if m.due_at is not None else None
        if over is None or over > history.now or m.state in ("met", "waived"):
            continue
        if m.stopped_by is not None and m.stopped_by.moment < over:
            continue
        word = f"{rule.id}{OVERDUE}"
        found.append(Event(f"{m.key}{OVERDUE}", m.case, word, over, False, london_day(over), over, m.key))
    return sorted(found, key=lambda event: (event.moment, event.id))
