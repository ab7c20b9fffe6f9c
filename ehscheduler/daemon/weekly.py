"""A manager's week: one message about their teams on the first working morning of the week (ours; a council switches it
on). What it says is worked out when it is sent.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

from ehscheduler.config import Weekly
from ehscheduler.core.actions import MORNING, next_morning
from ehscheduler.core.calendars import Calendar, at_clock, london_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.people import Directory, Person, resolve
from ehscheduler.core.policy import Policy
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.hearing import Hearing
from ehscheduler.daemon.look import at_work
from ehscheduler.daemon.recheck import Around, Checked, Drop
from ehscheduler.daemon.told import NOT_YET_LIVE, SHADOW
from ehscheduler.plugins import Authority
from ehscheduler.store.notices import Notice, add_notices
from ehscheduler.store.outbox import Waiting
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.trail import append_trail
from ehscheduler.store.turns import who_has_cases
from ehscheduler.store.tx import Tx

WEEKLY = "weekly"
LAST_WEEK = "weekly_decided"
"""The morning of the last week that was decided."""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday")
OF_NO_CASE = Evaluation("", 1, None, (), (), (), {})


def tell_weekly(desk: Desk, authority: Authority, now: datetime) -> int:
    """Decide once a week who is told of their teams' week; return how many are. Of weeks gone by nobody is told."""
    name, table = authority.name, desk.config.weekly.get(authority.name)
    if table is None:
        return 0
    morning = morning_of(authority.calendar, table, now)
    if now < morning:
        return 0
    with desk.store.begin() as tx:
        if state_of(tx, name, LAST_WEEK) == morning.isoformat():
            return 0
        live, live_from = desk.config.live_for(name), desk.live_from(tx, name, now)
        kept = SHADOW if live.mode == "shadow" else NOT_YET_LIVE if london_day(now) < live_from else None
        directory = desk.directory(tx, name, now)
        hearing = Hearing.of(tx, desk.config, name, directory)
        wanted = []
        for person, teams in managers(tx, authority, directory, table, now).items():
            after = _from_when(authority.calendar, directory.people[person], now)
            delivery = hearing.delivery(f"person:{person}", WEEKLY, after, immediate=False)
            roles = tuple(table.to) or ("line_manager",)
            made = [_notice(person, team, roles, morning, kept, now) for team in sorted(teams)]
            wanted += [(notice, [] if kept else [delivery]) for notice in made]
            to = {"kept": kept, "to": []} if kept else {"to": [delivery.recipient]}
            detail = {"notices": [{"notice": notice.key, **to} for notice in made]}
            append_trail(tx, name, at=now, who="daemon", act="decide", detail=detail)
        new = add_notices(tx, name, wanted)
        put_state(tx, name, LAST_WEEK, morning.isoformat())
    return len(new)


def morning_of(calendar: Calendar, table: Weekly, now: datetime) -> datetime:
    """Return the morning on which a week's message comes: the first working one from its day on."""
    today = london_day(now)
    day = today - timedelta(days=today.weekday()) + timedelta(days=DAYS.index(table.on))
    return at_clock(calendar.on_or_after(day), MORNING)


def managers(
    tx: Tx, authority: Authority, directory: Directory, table: Weekly, now: datetime
) -> Mapping[str, frozenset[str]]:
    """Return who acts for the managers of teams with open cases, each with these teams."""
    found: dict[str, set[str]] = {}
    for team in sorted({team for _, team, _ in who_has_cases(tx, authority.name, now) if team}):
        for person in _of_team(authority.policy, directory, table, team):
            found.setdefault(person.person_id, set()).add(team)
    return {person: frozenset(teams) for person, teams in sorted(found.items())}


def _of_team(policy: Policy, directory: Directory, table: Weekly, team: str) -> Iterator[Person]:
    """Yield who is told of a team: its people's line managers, or the roles that config names, and who covers them."""
    for role in table.to:
        yield from resolve(role, policy, directory, lead=None, team=team).people
    for head in () if table.to else _heads(directory, team):
        here = (directory.acting(id_) for id_ in (head, *directory.managers_above(head)))
        yield from [person for person in here if person is not None][:1]


def _heads(directory: Directory, team: str) -> list[str]:
    """Name the line managers of a team's people, and not those of its managers."""
    people = [person for person in directory.people.values() if person.team == team]
    managing = {person.line_manager_id for person in people}
    return sorted({p.line_manager_id for p in people if p.line_manager_id and p.person_id not in managing})


def _from_when(calendar: Calendar, person: Person, now: datetime) -> datetime:
    """Return the next moment of working hours on a day on which a person works, within a week."""
    first = now if at_work(calendar, now) else next_morning(calendar, now)
    days = (london_day(first) + timedelta(days=n) for n in range(7))
    worked = (day for day in days if calendar.is_working(day) and person.works_on(day))
    day: date = next(worked, london_day(first))
    return first if day == london_day(first) else at_clock(day, MORNING)


def _notice(
    person: str, team: str, roles: tuple[str, ...], morning: datetime, kept: str | None, now: datetime
) -> Notice:
    week = london_day(morning).isoformat()
    return Notice(
        key=f"{WEEKLY}|{week}|{person}|{team}{'|kept' if kept else ''}",
        case_ref="",
        episode=1,
        rule=WEEKLY,
        milestone=f"{WEEKLY}/{team}",
        kind=WEEKLY,
        stage=None,
        repeat=0,
        due_version=week,
        at=morning,
        decided_at=now,
        to_roles=roles,
        immediate=False,
        kept=kept,
        clause="",
        source="",
    )


def still_theirs(tx: Tx, around: Around, waiting: Waiting) -> Checked | Drop:
    """Decide whether a team's week is still told to its recipient: it is this week, and the team theirs."""
    table = around.desk.config.weekly.get(around.authority.name)
    if table is None:
        return Drop(waiting.notice, "the weekly message was switched off")
    if waiting.notice.at < morning_of(around.authority.calendar, table, around.now):
        return Drop(waiting.notice, "the week is over")
    team = waiting.notice.milestone.partition("/")[2]
    found = managers(tx, around.authority, around.directory, table, around.now)
    if team not in found.get(around.recipient.removeprefix("person:"), ()):
        return Drop(waiting.notice, "the team is somebody else's now, or has no open cases")
    week = around.weeks.of(tx, around, team)
    return Checked(waiting, week, OF_NO_CASE) if week else Drop(waiting.notice, "the team has no open cases now")
