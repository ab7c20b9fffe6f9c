"""Workload: how much each lead professional holds, against the limits of the policy. The one look across cases."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import floor

from ehscheduler.core.actions import Action
from ehscheduler.core.history import History
from ehscheduler.core.policy import Policy, WorkLimit


@dataclass(frozen=True, slots=True)
class Holding:
    """One stretch in which a person leads an open case; `until` is None while it lasts."""

    case: str
    lead: str
    since: datetime
    until: datetime | None
    children: int


@dataclass(frozen=True, slots=True)
class Crossing:
    """A limit that a person's work went over, by which case and when."""

    limit: WorkLimit
    lead: str
    case: str
    at: datetime
    kind: str
    count: int
    most: int


def holdings(history: History) -> Iterator[Holding]:
    """Yield who led a case and from when to when, in its current episode: from its allocation until it was closed."""
    begin = next(iter(history.occurrences("allocation")), None)
    if begin is None:
        return
    end = history.closed.moment if history.closed else None
    turns = [begin.moment, *(e.moment for e in history.events if "lead" in e.detail and e.moment > begin.moment)]
    for since, until in zip(turns, [*turns[1:], end], strict=True):
        lead = history.facts_at(since).get("lead")
        if lead and (end is None or since < end):
            yield Holding(history.case.ref, str(lead), since, until, len(history.children()))


def crossings(
    policy: Policy,
    holdings: Iterable[Holding],
    roles: Mapping[str, str],
    shares: Mapping[str, float] | None = None,
) -> list[Crossing]:
    """Return each time a person's work went over a limit of their role; `shares` are full-time equivalents.

    Under `pro_rata` a limit is the full-time one times the share, rounded down and at least one.
    """
    by_lead: dict[str, list[Holding]] = {}
    for holding in holdings:
        by_lead.setdefault(holding.lead, []).append(holding)
    found: list[Crossing] = []
    for lead, held in by_lead.items():
        for limit in limits_for(policy, roles.get(lead)):
            found += _crossed(limit, lead, held, (shares or {}).get(lead, 1.0))
    return sorted(found, key=lambda c: (c.at, c.lead, c.limit.id, c.kind))


def limits_for(policy: Policy, role: str | None) -> list[WorkLimit]:
    """Return the limits that a person who leads cases is held to, by their role in the directory (None: not known).

    A limit for their own role comes first, then that for whoever leads a case, where their role is one who does.
    """
    limits = list(policy.limits.values())
    own = [limit for limit in limits if role is not None and role == limit.who]
    if own or not (role is None or _leads(policy, role)):
        return own
    return [limit for limit in limits if _leads(policy, limit.who)] or ([] if role else limits)


def _leads(policy: Policy, role: str) -> bool:
    return role == "lead" or policy.roles.get(role) == ("lead",)


def _crossed(limit: WorkLimit, lead: str, held: list[Holding], share: float) -> Iterator[Crossing]:
    for kind, full in limit.at_most.items():
        most = max(1, floor(full * share)) if limit.pro_rata else full
        count = 0
        for at, change, case in _steps(held, kind):
            before, count = count, count + change
            if before <= most < count:
                yield Crossing(limit, lead, case, at, kind, count, most)


def _steps(held: list[Holding], kind: str) -> list[tuple[datetime, int, str]]:
    """Return how the count goes up and down, in order; on one instant what ends goes before what begins."""
    steps = []
    for one in held:
        weight = 1 if kind == "families" else one.children
        steps.append((one.since, weight, one.case))
        if one.until is not None:
            steps.append((one.until, -weight, one.case))
    return sorted(steps, key=lambda step: (step[0], step[1], step[2]))


def limit_actions(found: Iterable[Crossing]) -> Iterator[Action]:
    """Yield a notice for each crossing, at the event that crossed it."""
    for one in found:
        limit = one.limit
        clause = ", ".join(limit.clause)
        key = f"{limit.id}/{one.lead}"
        yield Action(one.at, "limit", one.case, limit.id, key, None, limit.tell, clause, f"{one.kind} {one.count}")


def said(one: Crossing) -> str:
    """Say a crossing in a sentence."""
    return (
        f"{one.case}: {one.limit.id}: {one.lead} holds {one.count} {one.kind}, over the limit of {one.most} "
        f"(clause {', '.join(one.limit.clause)})"
    )
