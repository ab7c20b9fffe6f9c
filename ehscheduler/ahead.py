"""The work ahead: what falls due week by week for a person or a team, and what falls due while somebody is away.

Nothing more is taken to happen: no visit, no absence that is not known yet. What begins by time alone is in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Any

from ehscheduler.core.calendars import end_of_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import Absence, Directory, Person, resolve
from ehscheduler.core.policy import Policy
from ehscheduler.core.saying import said_day, said_moment
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.store.cases import case_refs
from ehscheduler.store.people import absences_of, people_of
from ehscheduler.store.store import Store


@dataclass(frozen=True, slots=True)
class Ahead:
    """One thing that will fall due: when, on which case, what, and who is to act as things stand."""

    due_on: date
    case: str
    key: str
    title: str
    clause: str
    window: str
    owner: str
    people: tuple[str, ...]
    team: str
    overdue: bool
    advice: bool

    @property
    def week(self) -> date:
        """Return the Monday of its week."""
        return self.due_on - timedelta(days=self.due_on.weekday())

    def plain(self) -> Mapping[str, Any]:
        return asdict(self) | {"due_on": self.due_on.isoformat(), "week": self.week.isoformat()}


@dataclass(frozen=True, slots=True)
class Collision:
    """What falls due for a person while they are away and nobody stands in for them."""

    person: str
    name: str
    away_from: date
    away_to: date
    due: tuple[Ahead, ...]
    cover: str = ""

    @property
    def said(self) -> str:
        """Say it in a sentence."""
        things = "1 thing falls" if len(self.due) == 1 else f"{len(self.due)} things fall"
        days = f"{said_day(self.away_from)} to {said_day(self.away_to)}"
        why = f"{self.cover}, who stands in, is away too" if self.cover else "no cover is set"
        return f"{things} due while {self.name} is away, {days}, and {why}"

    def plain(self) -> Mapping[str, Any]:
        stretch = {"away_from": self.away_from.isoformat(), "away_to": self.away_to.isoformat()}
        due = [row.plain() for row in self.due]
        return {"person": self.person, **stretch, "cover": self.cover or None, "due": due, "said": self.said}


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is overdue now, what falls due from day to day, and the collisions with leave."""

    authority: str
    overdue: tuple[Ahead, ...]
    ahead: tuple[Ahead, ...]
    collisions: tuple[Collision, ...]

    def weeks(self) -> Mapping[date, list[Ahead]]:
        """Return what falls due by the Monday of its week."""
        found: dict[date, list[Ahead]] = {}
        for row in self.ahead:
            found.setdefault(row.week, []).append(row)
        return found

    def plain(self) -> Mapping[str, Any]:
        weeks = [
            {"week": monday.isoformat(), "due": [row.plain() for row in rows]} for monday, rows in self.weeks().items()
        ]
        overdue, collisions = [row.plain() for row in self.overdue], [one.plain() for one in self.collisions]
        return {"authority": self.authority, "overdue": overdue, "weeks": weeks, "collisions": collisions}


@dataclass(frozen=True, slots=True)
class Whose:
    """Whose work is asked for; blank means everybody's."""

    person: str = ""
    team: str = ""

    def takes(self, row: Ahead) -> bool:
        return self.person in ("", *row.people) and self.team in ("", row.team)


def forecast(store: Store, authority: Authority, since: date, until: date, now: datetime, whose: Whose) -> Forecast:
    """Work out from the live caseload what falls due from `since` to `until` (both included)."""
    name = authority.name
    with store.read() as tx:
        people, absences = people_of(tx, name), absences_of(tx, name)
        # Who is away is not left out: it is their work, and whether anybody does it is the question.
        directory = Directory.on(people, since)
        rows = [
            row
            for ref in sorted(case_refs(tx, name))
            for row in _rows(evaluation_of(tx, authority, ref, now, horizon=end_of_day(until)), authority, directory)
            if whose.takes(row)
        ]
    rows.sort(key=lambda row: (row.due_on, row.case, row.key))
    ahead = tuple(row for row in rows if since <= row.due_on <= until and not row.overdue)
    over = tuple(row for row in rows if row.overdue)
    found = _collisions(ahead, absences, people, whose)
    return Forecast(name, over, ahead, tuple(found))


def _rows(found: Evaluation, authority: Authority, directory: Directory) -> Iterator[Ahead]:
    lead, team, hub = (str(found.facts.get(name) or "") for name in ("lead", "team", "meeting_hub"))
    for m in found.milestones:
        if m.open and m.due_on is not None and m.due_at is not None:
            window = said_moment(m.due_at) if m.in_hours else said_day(m.due_on)
            yield _row(m, m.due_on, window, authority.policy, directory, lead=lead, team=team, hub=hub)


def _row(
    m: Milestone, due_on: date, window: str, policy: Policy, directory: Directory, *, lead: str, team: str, hub: str
) -> Ahead:
    who = resolve(m.owner, policy, directory, lead=lead or None, team=team or None, hub=hub or None).people
    advice = m.force == "guide"
    return Ahead(
        due_on,
        m.case,
        m.key,
        m.title,
        m.clause,
        window,
        policy.title_of_role(m.owner),
        tuple(person.person_id for person in who),
        team,
        m.state == "overdue" and not advice,
        advice,
    )


def _collisions(
    rows: Sequence[Ahead], absences: Sequence[Absence], people: Sequence[Person], whose: Whose
) -> Iterator[Collision]:
    """Yield each stretch of leave in which a person's work falls due on days on which nobody acts for them."""
    names = {person.person_id: person.name for person in people}
    days = {row.due_on: Directory.on(people, row.due_on, absences) for row in rows}
    for one in sorted(absences, key=lambda a: (a.away_from, a.person_id)):
        if whose.person not in ("", one.person_id):
            continue
        mine = [row for row in rows if one.person_id in row.people and one.on(row.due_on)]
        lost = tuple(row for row in mine if days[row.due_on].acting(one.person_id) is None)
        if lost:
            cover = names.get(one.cover_id, one.cover_id) if one.cover_id else ""
            name = names.get(one.person_id, one.person_id)
            yield Collision(one.person_id, name, one.away_from, one.away_to, lost, cover)
