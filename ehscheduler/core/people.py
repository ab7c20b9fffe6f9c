"""People and roles: who a role means on one case, on one day."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from ehscheduler.core.policy import Policy

MOST_CLIMBS = 5
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WEEKDAYS = WEEK[:5]


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


@dataclass(frozen=True, slots=True)
class Directory:
    """The people of one authority who are current on one day; `known` are those who have left or are to come, too."""

    people: Mapping[str, Person]
    known: Mapping[str, Person] = field(default_factory=dict)

    @classmethod
    def on(cls, people: Sequence[Person], day: date) -> "Directory":
        current = {p.person_id: p for p in people if p.current(day)}
        return cls(current, {p.person_id: p for p in sorted(people, key=lambda p: p.valid_from or date.min)} | current)

    def with_role(self, role: str, team: str | None) -> list[Person]:
        """Return who holds a role in a team; where nobody of the team does, who holds it for no team or any one."""
        holders = sorted((p for p in self.people.values() if role in p.roles), key=lambda p: p.person_id)
        return (
            [p for p in holders if p.team == team]
            or [p for p in holders if not p.team]
            or (holders if len(holders) == 1 else [])
        )

    def managers_of(self, person_id: str | None) -> Iterator[Person]:
        """Yield the current line managers above a person, nearest first, without going round in a circle.

        Who has left is passed over and not the end: their own line manager is still known.
        """
        seen: set[str] = set()
        while person_id and person_id not in seen and len(seen) < MOST_CLIMBS:
            seen.add(person_id)
            person_id = self._above(person_id)
            if person_id and person_id in self.people and person_id not in seen:
                yield self.people[person_id]

    def manager_of(self, person_id: str | None) -> Person | None:
        """Return the current line manager right above a person, who may have left themselves."""
        return self.people.get(self._above(person_id or "") or "")

    def _above(self, person_id: str) -> str | None:
        person = self.people.get(person_id) or self.known.get(person_id)
        return person.line_manager_id if person else None


@dataclass(frozen=True, slots=True)
class Resolved:
    """Who a role turned out to be; `climbed` says why it is somebody else, and is None where it is not."""

    people: tuple[Person, ...]
    climbed: str | None = None


def resolve(role: str, policy: Policy, directory: Directory, *, lead: str | None, team: str | None) -> Resolved:
    """Find the people a role means for a case with this lead and team.

    A role that nobody fills climbs one rung: to the lead's line manager, else to the team's manager. What still
    reaches nobody comes back empty, and is an alarm, never a skip.
    """
    found = tuple(_holders(role, policy, directory, lead=lead, team=team))
    if found:
        return Resolved(found)
    reason = f"nobody current is {policy.title_of_role(role)} for this case"
    for above in _above(directory, lead, team):
        return Resolved((above,), reason)
    return Resolved((), reason)


def _holders(
    role: str, policy: Policy, directory: Directory, *, lead: str | None, team: str | None
) -> Iterator[Person]:
    meant = policy.roles.get(role)
    if role == "lead":
        if lead and lead in directory.people:
            yield directory.people[lead]
    elif role == "line_manager":
        manager = directory.manager_of(lead)
        if manager:
            yield manager
    elif isinstance(meant, tuple):
        seen = set()
        for part in meant:
            for person in _holders(part, policy, directory, lead=lead, team=team):
                if person.person_id not in seen:
                    seen.add(person.person_id)
                    yield person
    else:
        yield from directory.with_role(role, team)


def _above(directory: Directory, lead: str | None, team: str | None) -> Iterator[Person]:
    yield from directory.managers_of(lead)
    of_team = [p for p in directory.people.values() if team and p.team == team]
    heads = {p.line_manager_id for p in of_team} & {p.person_id for p in directory.people.values()}
    yield from sorted((directory.people[h] for h in heads if h), key=lambda p: (p.team != team, p.person_id))
