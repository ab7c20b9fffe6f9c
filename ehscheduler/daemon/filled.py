"""The alarms that a role reaches nobody, or somebody further up: over as soon as the role is filled."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from ehscheduler.core.calendars import london_day
from ehscheduler.core.people import LEAD, LINE_MANAGER, Directory, Resolved
from ehscheduler.daemon.meant import NOBODY, UNFILLED, meant, place_of
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import alarms, clear_alarm
from ehscheduler.store.people import directory_of
from ehscheduler.store.turns import who_has_cases
from ehscheduler.store.tx import Tx

MANY = 100_000
Asked = tuple[str, str, str]
"""The lead, the team and the hub of open cases; blank where there is none."""


def clear_filled(tx: Tx, authority: Authority, now: datetime) -> int:
    """Clear what an absence's end, a cover or another lead has put right; return how many.

    It is right where the role is filled for every open case of the team; what is not sure stays for the next import
    of people.
    """
    name = authority.name
    standing = [alarm for alarm in alarms(tx, name, limit=MANY) if alarm.code in (NOBODY, UNFILLED)]
    if not standing:
        return 0
    directory = directory_of(tx, name, london_day(now))
    cases = list(who_has_cases(tx, name, now))
    over = 0
    for alarm in standing:
        found = list(_found(authority, directory, cases, alarm.subject))
        if found and all(who.people if alarm.code == NOBODY else who.climbed is None for who in found):
            over += clear_alarm(tx, name, code=alarm.code, subject=alarm.subject, at=now)
    return over


def _found(authority: Authority, directory: Directory, cases: Iterable[Asked], subject: str) -> Iterator[Resolved]:
    """Yield whom a role comes to for each open case that an alarm may be about."""
    policy = authority.policy
    for role in (*policy.roles, LEAD, LINE_MANAGER):
        for team in {team for _, team, _ in cases} | {person.team for person in directory.people.values()}:
            if place_of(role, policy, team) == subject:
                for lead, hub in _asked(directory, cases, role, team):
                    facts = {"lead": lead, "team": team, "meeting_hub": hub}
                    yield meant(role, policy, directory, facts)


def _asked(directory: Directory, cases: Iterable[Asked], role: str, team: str) -> set[tuple[str, str]]:
    """Return for which leads and hubs a role is asked in a team: those of its cases.

    A line manager is asked for whoever is at work there, too, for the overdue work of a manager climbs as well; and
    so is every role where no case is, for a limit may be crossed by somebody of the team.
    """
    asked = {(lead, hub) for lead, where, hub in cases if where == team}
    if role == LINE_MANAGER or not asked:
        asked |= {(person.person_id, "") for person in directory.people.values() if person.team == team}
    return asked
