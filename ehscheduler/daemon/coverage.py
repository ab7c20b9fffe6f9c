"""Coverage: is every open case watched, does every rung reach somebody, is every policy and every feed up to date?

Asked each working morning before the digests, and on demand. What is not is an alarm, once while it lasts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from ehscheduler.config import Config
from ehscheduler.core.calendars import Calendar, at_clock, london_day
from ehscheduler.core.people import LEAD, Directory, resolve
from ehscheduler.core.saying import said_day
from ehscheduler.daemon.desk import EVERY_TEAM
from ehscheduler.daemon.feeds_fresh import OF_CASES, late_feeds
from ehscheduler.daemon.filled import clear_filled
from ehscheduler.plugins import Authority
from ehscheduler.staffing import Gap as Unreached
from ehscheduler.staffing import gaps
from ehscheduler.store.alarms import alarms, clear_alarm, raise_alarm
from ehscheduler.store.cases import case_refs, cases_due
from ehscheduler.store.milestones import live_cases
from ehscheduler.store.outbox import last_outcome
from ehscheduler.store.people import directory_of
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.store import Store
from ehscheduler.store.turns import left_without_dates, on_hold, open_case_refs, who_has_cases
from ehscheduler.store.tx import Tx

ASKED_AT = time(7, 30)
"""When it is asked on a working morning (ours): before the digests of 08:30."""
COVERED = "coverage_asked"
CODE = "not covered"
LISTED, ALARMED, MANY, EVERY_CASE = 10, 200, 100_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Uncovered:
    """One thing that is not covered: what it is about, and a sentence with place and remedy."""

    area: str
    subject: str
    said: str

    def plain(self) -> Mapping[str, Any]:
        return {"area": self.area, "subject": self.subject, "said": self.said}


def coverage(tx: Tx, authority: Authority, config: Config, now: datetime) -> list[Uncovered]:
    """Return all that is not covered in an authority at `now`, in the order of the questions; nothing without cases."""
    day = london_day(now)
    if not case_refs(tx, authority.name):
        return []
    return [
        *_cases(tx, authority, config, now),
        *_teams(tx, authority, config, now),
        *_rungs(authority, config, directory_of(tx, authority.name, day)),
        *_policies(authority, day),
        *_feeds(tx, authority, config, now),
        *_channels(tx, authority),
    ]


def _cases(tx: Tx, authority: Authority, config: Config, now: datetime) -> Iterator[Uncovered]:
    """Look for open cases without anything due, on hold or excused: a case that nobody watches.

    What is still to be looked at in the next turn is not asked about yet.
    """
    name, rules = authority.name, config.live_for(authority.name).rules
    watched = live_cases(tx, name, rules=rules) | left_without_dates(tx, name, now) | on_hold(tx, name, now)
    ahead = set(cases_due(tx, name, now=now, limit=EVERY_CASE))
    for case in sorted(open_case_refs(tx, name, now) - watched - ahead)[:ALARMED]:
        text = f"case {case} is open and has nothing due: record what happened, close it, or say why with "
        yield Uncovered("cases", case, f"{text}'ehscheduler record {case} left_without_dates'")


def _rungs(authority: Authority, config: Config, directory: Directory) -> Iterator[Uncovered]:
    if not directory.people:
        yield Uncovered("people", "nobody", "nobody is in the directory; import people.csv")
        return
    live = config.live_for(authority.name)
    duty = config.duty.get(authority.name, {})
    for gap in gaps(authority.policy, directory, config.overdue_ladder(authority.name), live.rules):
        # Where somebody further up, or the duty address, hears instead, it reaches a person; 'people' shows it.
        teams = tuple(team for team in gap.teams if team not in duty)
        if gap.instead or EVERY_TEAM in duty or not teams:
            continue
        yield Uncovered("ladders", f"{gap.ladder}: {gap.role}", _said(gap, [team for team in teams if team]))


def _teams(tx: Tx, authority: Authority, config: Config, now: datetime) -> Iterator[Uncovered]:
    """Look for teams that have open cases and no people: what their cases ask of a role reaches nobody of theirs."""
    directory, duty = directory_of(tx, authority.name, london_day(now)), config.duty.get(authority.name, {})
    people = {person.team for person in directory.people.values()}
    if not people:
        return  # that nobody is there at all is said once
    cases = who_has_cases(tx, authority.name, now)
    lost = {team for _, team, _ in cases if team} - people - duty.keys()
    for team in sorted(lost):
        text = f"team {team} has open cases and nobody in people.csv; complete people.csv, or correct the cases' team"
        yield Uncovered("people", f"team {team}", text)
    if EVERY_TEAM not in duty:
        rest = {who: n for who, n in cases.items() if who[0] and who[1] not in lost | duty.keys()}
        yield from _leads(authority, directory, rest)


def _leads(
    authority: Authority, directory: Directory, cases: Mapping[tuple[str, str, str], int]
) -> Iterator[Uncovered]:
    """Look for leads who are not in the directory, and in whose stead nobody hears, for nobody heads their team."""
    unheard: dict[str, int] = {}
    for (lead, team, _), count in cases.items():
        if lead not in directory.people and not _reached(authority, directory, lead, team):
            unheard[lead] = unheard.get(lead, 0) + count
    for lead, count in sorted(unheard.items()):
        whose = f"{lead}, who leads {count} open case{'s' if count > 1 else ''}, is not in people.csv"
        text = f"{whose}, and nobody is known above them; complete people.csv, or correct the cases' lead"
        yield Uncovered("people", f"lead {lead}", text)


def _reached(authority: Authority, directory: Directory, lead: str, team: str) -> bool:
    return bool(resolve(LEAD, authority.policy, directory, lead=lead, team=team or None).people)


def _said(gap: Unreached, teams: Sequence[str]) -> str:
    more = f" and {len(teams) - LISTED} more" if len(teams) > LISTED else ""
    where = f" in {', '.join(teams[:LISTED])}{more}" if teams else ""
    remedy = "complete people.csv or absences.csv, or set a duty address in config.toml"
    return f"{gap.ladder}: nobody here is {gap.title}{where}, or above them, so nobody would be told: {remedy}"


def _policies(authority: Authority, day: date) -> Iterator[Uncovered]:
    policy = authority.policy
    if policy.review_by and day > policy.review_by:
        when = said_day(policy.review_by)
        text = f"the edition {policy.edition!r} was to be reviewed by {when}: review it, and set review_by anew"
        yield Uncovered("policy", policy.edition, text)


def _feeds(tx: Tx, authority: Authority, config: Config, now: datetime) -> Iterator[Uncovered]:
    for feed, said in late_feeds(tx, authority, config, now):
        waits = "; until then nothing overdue goes up to the next person" if feed in OF_CASES else ""
        yield Uncovered("feeds", feed, f"{said}{waits}")


def _channels(tx: Tx, authority: Authority) -> Iterator[Uncovered]:
    outcome = last_outcome(tx, authority.name)
    if outcome not in (None, "handed_over"):
        text = "the last message was refused or given up: 'ehscheduler outbox --state dead --state refused' shows why"
        yield Uncovered("channels", "mail", text)


# ---- each working morning


def look_over(store: Store, authority: Authority, config: Config, now: datetime) -> list[Uncovered] | None:
    """Ask, if it is time, and raise or clear the alarms; None where it was asked already this morning."""
    with store.begin() as tx:
        # While something is not covered it is asked in every turn, so that what was put right is noted at once.
        if not is_due(tx, authority, now) and not any(a.code == CODE for a in alarms(tx, authority.name, limit=MANY)):
            return None
        found = coverage(tx, authority, config, now)
        _alarm(tx, authority.name, found, now)
        clear_filled(tx, authority, now)
        put_state(tx, authority.name, COVERED, now.isoformat())
    return found


def is_due(tx: Tx, authority: Authority, now: datetime) -> bool:
    """Tell whether the last working morning's question is still to be asked."""
    asked = asked_at(tx, authority.name)
    return asked is None or asked < _last_morning(authority.calendar, now)


def asked_at(tx: Tx, authority: str) -> datetime | None:
    """Return when coverage was asked last."""
    noted = state_of(tx, authority, COVERED)
    return datetime.fromisoformat(noted) if noted else None


def _last_morning(calendar: Calendar, now: datetime) -> datetime:
    day = calendar.on_or_before(london_day(now))
    morning = at_clock(day, ASKED_AT)
    return morning if morning <= now else at_clock(calendar.on_or_before(_before(day)), ASKED_AT)


def _before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)


def _alarm(tx: Tx, name: str, found: Sequence[Uncovered], now: datetime) -> None:
    subjects = {f"{one.area}: {one.subject}" for one in found}
    for one in found:
        raise_alarm(tx, name, code=CODE, subject=f"{one.area}: {one.subject}", text=one.said, at=now)
    for alarm in alarms(tx, name, limit=MANY):
        if alarm.code == CODE and alarm.subject not in subjects:
            clear_alarm(tx, name, code=CODE, subject=alarm.subject, at=now)
