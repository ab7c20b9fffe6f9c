"""Evaluation: one pass over a policy's rules turns a case's history into milestones. `now` is given."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from ehscheduler.core.acknowledgements import Acknowledgement, acknowledgements
from ehscheduler.core.calendars import Calendar, london_day
from ehscheduler.core.chains import Chain
from ehscheduler.core.editions import governed, governing
from ehscheduler.core.events import Case, Event
from ehscheduler.core.findings import Finding, findings
from ehscheduler.core.handovers import HandOver, handovers
from ehscheduler.core.history import OVERDUE, History, named_rules
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
    news_at: datetime | None = None
    """When the next event that lies ahead will be known."""
    acknowledged: tuple[Acknowledgement, ...] = ()
    handovers: tuple[HandOver, ...] = ()


Chains = Mapping[tuple[int, str], Chain]
"""The ladders that have started on a case, by episode and milestone."""


def evaluate(
    policy: Policy,
    calendar: Calendar,
    case: Case,
    events: Iterable[Event],
    now: datetime,
    *,
    horizon: datetime | None = None,
    chains: Chains | None = None,
) -> Evaluation:
    """Work out every milestone of a case as it is known at `now` (aware, UTC).

    With a `horizon` also those that will begin by then if nothing more happens, because something else runs over.
    `chains` are the ladders that have started: they are climbed by the steps that they started with. Where the policy
    has several editions each milestone is that of the one which governs it.
    """
    told = list(events)
    if not policy.editions:
        return _evaluate(policy, calendar, case, told, now, horizon, chains)
    parts = [(one, _evaluate(one, calendar, case, told, now, horizon, chains)) for one in policy.editions]
    return _governed(parts, policy.edition, told, now)


def _governed(
    parts: Sequence[tuple[Policy, Evaluation]], current: str, told: Sequence[Event], now: datetime
) -> Evaluation:
    """Choose of several editions' answers what each governs; what belongs to no clock is as the current one has it."""
    policies, today = [one for one, _ in parts], london_day(now)
    opened_on = min((event.day for event in told if event.moment <= now), default=today)
    made = governed([(one, found.milestones) for one, found in parts], opened_on, today)
    failed = [
        one
        for policy, found in parts
        for one in found.findings
        if governing(policies, london_day(one.at)).edition == policy.edition
    ]
    asked = {current, *(m.edition for m in made)}
    said = [found for policy, found in parts if policy.edition in asked]
    return replace(
        next(found for policy, found in parts if policy.edition == current),
        milestones=tuple(sorted(made, key=lambda m: (m.rule, m.key))),
        findings=tuple(sorted(failed, key=lambda one: (one.at, one.key))),
        warnings=tuple(dict.fromkeys(sentence for found in said for sentence in found.warnings)),
        problems=tuple(dict.fromkeys(sentence for found in said for sentence in found.problems)),
    )


def _evaluate(
    policy: Policy,
    calendar: Calendar,
    case: Case,
    told: Sequence[Event],
    now: datetime,
    horizon: datetime | None,
    chains: Chains | None,
) -> Evaluation:
    """Work a case out by one edition alone."""
    history = History(policy, calendar, case, told, now, london_day(now), horizon=horizon)
    history.chains = {key: chain for (episode, key), chain in (chains or {}).items() if episode == history.episode}
    made: dict[str, list[Milestone]] = {}
    begun: set[str] = set()

    def milestones_of(asked: History, id_: str) -> list[Milestone]:
        """Work a rule out once, whether for itself or because another asks whether it ran over."""
        if id_ not in made:
            begun.add(id_)
            made[id_] = _milestones(policy.rules[id_], asked)
        return made[id_]

    def came_too_late(asked: History, event: Event) -> bool:
        """Ask the rules that an agreement names; one that is being worked out itself is not asked."""
        for id_ in named_rules(event):
            if id_ in policy.rules and id_ not in begun:
                milestones_of(asked, id_)
        return event.id in asked.agreed["too late"] - asked.agreed["in time"]

    # The history is handed in and not held: what goes round in circles stays in memory until somebody looks for it.
    history.ran_over = lambda asked, rule: _ran_over(rule, milestones_of(asked, rule), asked)
    history.came_too_late = came_too_late
    found = [m for id_ in policy.rules for m in milestones_of(history, id_)]
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
        min((known for event in told if (known := max(event.moment, event.recorded)) > now), default=None),
        acknowledgements(history),
        handovers(history),
    )


def _milestones(rule: Standard | Rhythm, history: History) -> list[Milestone]:
    try:
        if isinstance(rule, Standard):
            return list(standard_milestones(rule, history))
        return list(rhythm_milestones(rule, history))
    except OutOfCalendar as error:
        history.problem(f"{rule.id}: {error}")
        return []


def _ran_over(rule: str, milestones: Iterable[Milestone], history: History) -> list[Event]:
    """Return when a rule's limits passed unmet: each at the first instant after its limit."""
    found = []
    for m in milestones:
        over = m.winner.overdue_at if m.due_at is not None else None
        if over is None or over > history.horizon or m.state in ("met", "waived"):
            continue
        if m.stopped_by is not None and m.stopped_by.moment < over:
            continue
        event = Event(f"{m.key}{OVERDUE}", m.case, f"{rule}{OVERDUE}", over, False, london_day(over), over, m.key)
        ended = m.evidence or m.stopped_by
        if ended is not None and (m.evidence or ended is not history.closed):
            history.caught_up[event.id] = ended
        found.append(event)
    return sorted(found, key=lambda event: (event.moment, event.id))
