"""Editions side by side: the one in force when a clock starts governs it, and a transition says what becomes of others.

Each edition is worked out by itself on the whole of what happened; here the milestones of each are chosen that it
governs. A rhythm is one clock from its first day, but where the next edition comes "from next cycle".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import pairwise
from typing import TypeVar

from ehscheduler.core.calendars import london_day
from ehscheduler.core.milestones import Milestone, key_of
from ehscheduler.core.policy import Policy

T = TypeVar("T")
KEEP, MOVE, NEXT_CYCLE = "keep", "move open clocks", "from next cycle"


def in_force(policies: Sequence[Policy], day: date) -> Policy:
    """Return the edition in force on a day; before the first one that is the first.

    Where there are several it knows them all, and what any of them names: a clock that started under another goes on.
    """
    current = ([one for one in policies if one.in_force <= day] or policies[:1])[-1]
    if len(policies) == 1:
        return current
    others = [one for one in policies if one is not current]
    return replace(
        current,
        editions=tuple(replace(one, elsewhere=frozenset(_rules(policies))) for one in policies),
        roles=_all([*(one.roles for one in others), current.roles]),
        facts=_all([*(one.facts for one in others), current.facts]),
        words=_all([*(one.words for one in others), current.words]),
        readings=_all([*(one.readings for one in others), current.readings]),
    )


def _rules(policies: Iterable[Policy]) -> Iterable[str]:
    return (id_ for one in policies for id_ in one.rules)


def _all(tables: Iterable[Mapping[str, T]]) -> Mapping[str, T]:
    """Put tables together; of two entries of one name the later stands."""
    return {name: entry for table in tables for name, entry in table.items()}


def governing(policies: Sequence[Policy], day: date) -> Policy:
    """Return the edition that governs what begins on a day, as it is by itself."""
    return ([one for one in policies if one.in_force <= day] or policies[:1])[-1]


def governed(parts: Sequence[tuple[Policy, Sequence[Milestone]]], opened_on: date, today: date) -> list[Milestone]:
    """Choose from each edition's milestones those that it governs; the editions come oldest first.

    `opened_on` stands for the start of what has none, as of a limit counted backwards.
    """
    found = list(parts[0][1])
    for (_, before), (policy, after) in pairwise(parts):
        found = _go_on(found, before, policy, after, opened_on, today)
    return found


def _go_on(
    found: list[Milestone],
    before: Sequence[Milestone],
    policy: Policy,
    after: Sequence[Milestone],
    opened_on: date,
    today: date,
) -> list[Milestone]:
    """Let one more edition come into force: what it leaves as it was, what it takes over, and what it begins."""
    day, by_cycle = policy.in_force, policy.transition == NEXT_CYCLE
    old, new = _starts(before, opened_on, by_cycle=by_cycle), _starts(after, opened_on, by_cycle=by_cycle)
    stays, moves = [], set[str]()
    for m in found:
        if old.get(m.key, opened_on) >= day:
            continue
        if policy.transition == MOVE and day <= today and _open_on(m, day):
            moves.add(m.key)
        else:
            stays.append(m)
    begins = [m for m in after if new[m.key] >= day or m.key in moves]
    return [*stays, *(_numbered_on(stays, begins) if by_cycle else begins)]


def _starts(milestones: Sequence[Milestone], opened_on: date, *, by_cycle: bool) -> Mapping[str, date]:
    """Return the day on which each milestone's clock started: a rhythm's first, or with `by_cycle` each cycle's own."""
    own = {m.key: london_day(m.starts_at) if m.starts_at else opened_on for m in milestones}
    if by_cycle:
        return own
    first: dict[tuple[str, str | None, str | None], date] = {}
    for m in milestones:
        line = (m.rule, m.child, m.ref)
        first[line] = min(first.get(line, own[m.key]), own[m.key])
    return {m.key: first[m.rule, m.child, m.ref] if m.n is not None else own[m.key] for m in milestones}


def _open_on(m: Milestone, day: date) -> bool:
    """Tell whether a milestone was still to be done when a day began."""
    if m.state == "waived":
        return False
    ended = m.evidence or m.stopped_by
    return m.open or ended is None or ended.day >= day


def _numbered_on(stays: Sequence[Milestone], begins: Sequence[Milestone]) -> list[Milestone]:
    """Number the cycles that a new edition begins on from those of the old one."""
    last: dict[tuple[str, str | None, str | None], int] = {}
    for m in stays:
        line = (m.rule, m.child, m.ref)
        last[line] = max(last.get(line, 0), m.n or 0)
    made = []
    for m in sorted(begins, key=lambda one: (one.rule, one.child or "", one.ref or "", one.n or 0)):
        line = (m.rule, m.child, m.ref)
        if m.n is not None and line in last:
            last[line] += 1
            m = replace(m, n=last[line], key=key_of(m.rule, m.child, m.ref, last[line]))
        made.append(m)
    return made
