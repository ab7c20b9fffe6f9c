"""Workload: how much each lead professional holds, against the limits of the policy. The one look across cases."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import floor

from ehscheduler.core.actions import Action
from ehscheduler.core.calendars import london_day
from ehscheduler.core.history import History
from ehscheduler.core.policy import Policy, WorkLimit
from ehscheduler.core.saying import said_day


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
    """A limit that a person's work went over, by which case and when; `until` is when it was over again, if it is."""

    limit: WorkLimit
    lead: str
    case: str
    at: datetime
    kind: str
    count: int
    most: int
    until: datetime | None = None


def holdings(history: History) -> Iterator[Holding]:
    """Yield who led a case and from when to when, in its current episode, with the children that it had then.

    From its allocation, or its reopening, until it was closed; a stretch in which nobody leads it is nobody's.
    """
    begin = _begins(history)
    if begin is None:
        return
    end = history.closed.moment if history.closed else None
    told = (e.moment for e in history.events if {"lead", "children"} & e.detail.keys())
    changes = (moment for moment in told if begin < moment and (end is None or moment < end))
    turns = [begin, *dict.fromkeys(changes)]
    for since, until in zip(turns, [*turns[1:], end], strict=True):
        lead = history.facts_at(since).get("lead")
        if lead and (end is None or since < end):
            yield Holding(history.case.ref, str(lead), since, until, _children(history, since))


def _begins(history: History) -> datetime | None:
    if history.episode > 1 and (again := next(iter(history.occurrences("reopened")), None)) is not None:
        return again.moment
    allocated = next(iter(history.occurrences("allocation")), None)
    return allocated.moment if allocated else None


def _children(history: History, moment: datetime) -> int:
    """Count the children who were in the family at a moment."""
    return sum(member.there_from(moment) for member in history.family)


def crossings(
    policy: Policy,
    holdings: Iterable[Holding],
    roles: Mapping[str, Sequence[str]],
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


def limits_for(policy: Policy, roles: Sequence[str] | None) -> list[WorkLimit]:
    """Return the limits that a person who leads cases is held to, by their roles in the directory (None: not known).

    A limit for a role of theirs comes first, then that for whoever leads a case, where one of their roles does.
    """
    limits = list(policy.limits.values())
    own = [limit for limit in limits if limit.who in (roles or ())]
    if own or not (roles is None or any(_leads(policy, role) for role in roles)):
        return own
    return [limit for limit in limits if _leads(policy, limit.who)] or ([] if roles else limits)


def most_of(limit: WorkLimit, full: int, share: float) -> int:
    """Return what a person with this share of full time may hold: rounded down, and at least one."""
    return max(1, floor(full * share)) if limit.pro_rata else full


def _leads(policy: Policy, role: str) -> bool:
    return role == "lead" or policy.roles.get(role) == ("lead",)


def _crossed(limit: WorkLimit, lead: str, held: list[Holding], share: float) -> Iterator[Crossing]:
    for kind, full in limit.at_most.items():
        most = most_of(limit, full, share)
        count, over = 0, None
        for at, change, case in _steps(held, kind):
            before, count = count, count + change
            if before <= most < count:
                over = Crossing(limit, lead, case, at, kind, count, most)
            elif over is not None and count <= most:
                yield replace(over, until=at)
                over = None
        if over is not None:
            yield over


def _steps(held: list[Holding], kind: str) -> list[tuple[datetime, int, str]]:
    """Return how the count goes up and down, in order; on one instant what ends goes before what begins.

    A case whose children come or go while its lead stays is one step, by the difference.
    """
    steps: dict[tuple[datetime, str], int] = {}
    for one in held:
        weight = 1 if kind == "families" else one.children
        steps[one.since, one.case] = steps.get((one.since, one.case), 0) + weight
        if one.until is not None:
            steps[one.until, one.case] = steps.get((one.until, one.case), 0) - weight
    return sorted((at, change, case) for (at, case), change in steps.items() if change)


def limit_actions(found: Iterable[Crossing]) -> Iterator[Action]:
    """Yield a notice for each crossing, at the event that crossed it."""
    for one in found:
        limit = one.limit
        clause = ", ".join(limit.clause)
        key = f"{limit.id}/{one.lead}"
        yield Action(one.at, "limit", one.case, limit.id, key, None, limit.tell, clause, f"{one.kind} {one.count}")


def said(one: Crossing) -> str:
    """Say a crossing in a sentence: as it stands, or, where it is over again, as it was."""
    clause = ", ".join(one.limit.clause)
    what = f"{one.count} {one.kind}, over the limit of {one.most} (clause {clause})"
    if one.until is None:
        return f"{one.case}: {one.limit.id}: {one.lead} holds {what}"
    days = f"from {said_day(london_day(one.at))} to {said_day(london_day(one.until))}"
    return f"{one.case}: {one.limit.id}: {one.lead} held {what}, {days}"
