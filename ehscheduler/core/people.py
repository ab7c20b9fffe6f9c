"""People and roles: who a role means on one case, on one day, and who acts for whoever is away."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice

from ehscheduler.core.policy import Policy

MOST_CLIMBS = 5
MOST_COVERS = 5
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAYS = WEEK[:5]
LEAD, LINE_MANAGER = "lead", "line_manager"


@dataclass(frozen=True, slots=True)
class Person:
    """One member of staff, valid from and to (both included) on London dates; None is open.

    `share` is their full-time equivalent, and `works` the days of the week on which they do.
    """

    person_id: str
    name: str
    email: str
    roles: tuple[str, ...]
    team: str
    line_manager_id: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    hub: str = ""
    share: float = 1.0
    works: tuple[str, ...] = WEEKDAYS

    def current(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day <= self.valid_to)

    def works_on(self, day: date) -> bool:
        return WEEK[day.weekday()] in self.works


@dataclass(frozen=True, slots=True)
class Absence:
    """A stretch of London dates, both included, on which a person is away or has left; `cover_id` acts for them."""

    person_id: str
    away_from: date
    away_to: date
    cover_id: str | None = None

    def on(self, day: date) -> bool:
        return self.away_from <= day <= self.away_to


@dataclass(frozen=True, slots=True)
class Directory:
    """The people of one authority on one day.

    `people` are current; `known` are those who have left or are to come, too; `absent` says who is away, and
    `unreachable` to whom nothing can be sent. Nobody can act in a matter of which they cannot be told.
    """

    people: Mapping[str, Person]
    known: Mapping[str, Person] = field(default_factory=dict)
    absent: Mapping[str, Absence] = field(default_factory=dict)
    unreachable: Collection[str] = frozenset()

    @classmethod
    def on(
        cls,
        people: Sequence[Person],
        day: date,
        absences: Iterable[Absence] = (),
        unreachable: Collection[str] = frozenset(),
    ) -> "Directory":
        current = {p.person_id: p for p in people if p.current(day)}
        known = {p.person_id: p for p in sorted(people, key=lambda p: p.valid_from or date.min)} | current
        return cls(current, known, {a.person_id: a for a in absences if a.on(day)}, unreachable)

    def acting(self, person_id: str | None) -> Person | None:
        """Return who acts for a person: they themselves, else whoever covers, followed on; None where nobody does."""
        seen: set[str] = set()
        while person_id and person_id not in seen and len(seen) <= MOST_COVERS:
            away = self.absent.get(person_id)
            if away is None:
                return None if person_id in self.unreachable else self.people.get(person_id)
            seen.add(person_id)
            person_id = away.cover_id
        return None

    def with_all_here(self) -> "Directory":
        """Return this directory as if nobody were away or out of reach: who stands for each role."""
        return Directory({person.person_id: person for person in self.posts()}, self.known)

    def holders(self, role: str, team: str | None, hub: str | None = None) -> list[Person]:
        """Return who holds a role for a team, away or not, and who held it and is covered though they left.

        Those of the team; else those of its hub, or of the hub named; else those for no team; else the only one.
        """
        found = sorted((p for p in self.posts() if role in p.roles), key=lambda p: p.person_id)
        hub = hub or self.hub_of(team)
        return (
            [p for p in found if team and p.team == team]
            or [p for p in found if hub and p.hub == hub]
            or [p for p in found if not p.team and not p.hub]
            or (found if len(found) == 1 else [])
        )

    def hub_of(self, team: str | None) -> str | None:
        """Return the hub of a team, where its people name one and the same."""
        hubs = {p.hub for p in self.people.values() if team and p.team == team and p.hub}
        return hubs.pop() if len(hubs) == 1 else None

    def managers_above(self, person_id: str | None) -> Iterator[str]:
        """Yield the ids of the line managers above a person, nearest first, each once; who has left is still known."""
        seen = {person_id}
        while (person_id := self.manager_of(person_id)) and person_id not in seen:
            seen.add(person_id)
            yield person_id

    def manager_of(self, person_id: str | None) -> str | None:
        person = self.people.get(person_id or "") or self.known.get(person_id or "")
        return person.line_manager_id if person else None

    def heads_of(self, team: str | None) -> list[str]:
        """Return the ids of the line managers of a team's people, the team's own first."""
        heads = {p.line_manager_id for p in self.people.values() if team and p.team == team and p.line_manager_id}
        return sorted(heads, key=lambda id_: (id_ not in self.known or self.known[id_].team != team, id_))

    def posts(self) -> Iterator[Person]:
        """Yield who stands for a role: whoever is current, away or not, and who left and is covered."""
        yield from self.people.values()
        left = (id_ for id_, away in self.absent.items() if away.cover_id and id_ not in self.people)
        yield from (self.known[id_] for id_ in left if id_ in self.known)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Who a role turned out to be; `climbed` says why it is somebody further up, and is None where it is not."""

    people: tuple[Person, ...]
    climbed: str | None = None


def resolve(
    role: str,
    policy: Policy,
    directory: Directory,
    *,
    lead: str | None,
    team: str | None,
    hub: str | None = None,
    above: Sequence[str] = (),
) -> Resolved:
    """Find the people a role means for a case with this lead, team and hub.

    Who is away is covered. Where nobody who holds the role is here or covered, it climbs at most five rungs: through
    the roles `above`, else the lead's line managers, else the team's. What still reaches nobody comes back empty.
    """
    case = _Case(policy, directory, lead, team, hub)
    posts = case.posts(role)
    found = case.acting(posts, besides=lead if role == LINE_MANAGER else None)
    if found:
        return Resolved(found)
    reason = _reason(posts, policy.title_of_role(role), directory)
    climbs = islice(case.climbs(above), MOST_CLIMBS)
    return Resolved(next((people for people in climbs if people), ()), reason)


@dataclass(frozen=True, slots=True)
class _Case:
    """What resolving a role for one case rests on."""

    policy: Policy
    directory: Directory
    lead: str | None
    team: str | None
    hub: str | None

    def posts(self, role: str) -> list[str]:
        """Return the ids of those whom a role means, whether they are here or not."""
        meant = self.policy.roles.get(role)
        if role == LEAD:
            return [self.lead] if self.lead else []
        if role == LINE_MANAGER:
            manager = self.directory.manager_of(self.lead)
            return [manager] if manager else []
        if isinstance(meant, tuple):
            return list(dict.fromkeys(id_ for part in meant for id_ in self.posts(part)))
        return [p.person_id for p in self.directory.holders(role, self.team, self.hub)]

    def acting(self, posts: Iterable[str], *, besides: str | None = None) -> tuple[Person, ...]:
        """Return who acts in these posts, each once."""
        found = (self.directory.acting(id_) for id_ in posts)
        return tuple({p.person_id: p for p in found if p is not None and p.person_id != besides}.values())

    def climbs(self, above: Sequence[str]) -> Iterator[tuple[Person, ...]]:
        """Yield who acts one rung up, two rungs up, and so on; a lead who covers a manager is not above themselves."""
        for role in above:
            yield self.acting(self.posts(role))
        for manager in self.directory.managers_above(self.lead):
            yield self.acting([manager], besides=self.lead)
        yield self.acting(self.directory.heads_of(self.team), besides=self.lead)[:1]


def _reason(posts: Sequence[str], title: str, directory: Directory) -> str:
    away = [id_ for id_ in posts if id_ in directory.absent]
    if away:
        return f"{title} is away ({', '.join(away)}), and nobody who could act covers"
    lost = [id_ for id_ in posts if id_ in directory.unreachable]
    if lost:
        return f"{title} cannot be written to ({', '.join(lost)})"
    return f"nobody current is {title} for this case"
