"""Dates that moved after somebody was told the old one: each of them hears once what it is now (design 7).

A rung that was already past when the date moved is not sent again to somebody who had it.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime

from ehscheduler.core.actions import Action
from ehscheduler.core.calendars import london_day
from ehscheduler.core.milestones import Milestone
from ehscheduler.daemon.look import Look
from ehscheduler.daemon.meant import meant, rungs_above
from ehscheduler.daemon.told import Told

CHANGED = "changed"


def dated(version: str) -> str:
    """Return the date in a due version, without the count of retractions."""
    return version.partition(".")[0]


def day_of(version: str) -> date | None:
    """Return the London day that a due version names; None where it names none."""
    try:
        return london_day(datetime.strptime(dated(version), "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC))
    except ValueError:
        return None


def changes(look: Look) -> Iterator[Action]:
    """Yield one notice for each open milestone whose date is not the one that somebody was last told."""
    for m in look.live:
        if m.state == "on_hold" or day_of(m.due_version) is None:
            continue
        missed = untold(look, m)
        if missed:
            roles = dict.fromkeys(role for told in look.about(m.key) if told.heard for role in told.to_roles)
            yield Action(look.now, CHANGED, m.case, m.rule, m.key, None, tuple(roles), m.clause, m.due_version)


def untold(look: Look, m: Milestone) -> tuple[str, ...]:
    """Name the people who act on a milestone and were last told another date than the present one."""
    last = last_told(look, m.key)
    present = dated(m.due_version)
    waiting = {r for told in look.about(m.key) if told.dated == present for r in told.waits}
    moved = [r for r, version in last.items() if dated(version) != present and r not in waiting]
    return tuple(r for r in moved if r in _acting(look, m))


def last_told(look: Look, milestone: str) -> dict[str, str]:
    """Return for each person who heard of a milestone the due version that they were told last."""
    return last_heard(look.about(milestone))


def last_heard(about: Iterable[Told]) -> dict[str, str]:
    """Return for each person the due version of the last dated notice that they heard, of all about one milestone."""
    heard = [
        (at, recipient, told.due_version)
        for told in about
        if day_of(told.due_version) is not None
        for recipient, at in told.heard.items()
        if recipient.startswith("person:")
    ]
    return {recipient: version for _, recipient, version in sorted(heard)}


def _acting(look: Look, m: Milestone) -> set[str]:
    """Name those who would hear today what was told about a milestone."""
    asked = {(r, told.kind, told.stage) for told in look.about(m.key) if told.heard for r in told.to_roles}
    found: set[str] = set()
    for role, kind, stage in asked:
        above = rungs_above(m, kind, stage, look.overdue_ladder)
        who = meant(role, look.policy, look.directory, look.evaluation.facts, above)
        found.update(f"person:{person.person_id}" for person in who.people)
    return found


def moved_at(look: Look, milestone: str, due_version: str) -> datetime | None:
    """Return when it was noticed that a milestone's date had moved to the present one; None where it had not."""
    noticed = [
        told.decided_at for told in look.about(milestone) if told.kind == CHANGED and told.dated == dated(due_version)
    ]
    return max(noticed, default=None)


def had_it(look: Look, action: Action, recipient: str) -> bool:
    """Tell whether a recipient had this rung when the milestone had another date."""
    return any(
        (told.kind, told.stage, told.repeat) == (action.kind, action.stage, action.repeat)
        and told.dated != dated(action.due_version)
        and recipient in told.heard
        for told in look.about(action.key)
    )


def told_instead(look: Look, action: Action) -> Told | None:
    """Return the notice of the moved date, which stands in for a rung that was not sent again."""
    found = [
        told
        for told in look.about(action.key)
        if told.kind == CHANGED and told.dated == dated(action.due_version) and not told.kept
    ]
    return max(found, key=lambda told: told.decided_at, default=None)
