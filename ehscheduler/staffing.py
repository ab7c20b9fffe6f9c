"""Who holds which role where on one day, who is away and who acts for them, and which rung reaches nobody."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from ehscheduler.core.chains import OverdueStep
from ehscheduler.core.people import LEAD, LINE_MANAGER, Directory, Person, resolve
from ehscheduler.core.policy import Policy
from ehscheduler.plugins import Authority
from ehscheduler.store.people import directory_of
from ehscheduler.store.store import Store

OWN_LADDER = "your council's own ladder for overdue work"


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody who holds a role; where they are away or have left, `acting` is who acts for them, if anybody does."""

    person_id: str
    name: str
    here: bool
    acting: str | None

    @property
    def said(self) -> str:
        if self.here:
            return self.name
        return f"{self.name} (away; {self.acting} acts)" if self.acting else f"{self.name} (away; nobody acts)"


@dataclass(frozen=True, slots=True)
class Post:
    """A role in a team, in a hub, or for every team, and who holds it."""

    role: str
    title: str
    team: str
    hub: str
    holders: tuple[Holder, ...]

    @property
    def where(self) -> str:
        return self.team or (f"hub {self.hub}" if self.hub else "every team")


@dataclass(frozen=True, slots=True)
class Away:
    """Somebody who is away, from when to when, who was named to cover, and who acts for them in the end."""

    person_id: str
    name: str
    away_from: date
    away_to: date
    cover: str | None
    acting: str | None


@dataclass(frozen=True, slots=True)
class Gap:
    """A role of a live ladder that nobody fills or covers for these teams, and who is told instead."""

    ladder: str
    role: str
    title: str
    teams: tuple[str, ...]
    instead: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Staffing:
    """The people of an authority on one day, as its notices would find them."""

    authority: str
    on: date
    people: int
    posts: tuple[Post, ...]
    away: tuple[Away, ...]
    gaps: tuple[Gap, ...]

    def plain(self) -> Mapping[str, Any]:
        return asdict(self)


def staffing(
    store: Store, authority: Authority, day: date, *, own: Sequence[OverdueStep], live_rules: Sequence[str] | None
) -> Staffing:
    """Work out who is where on a day; `own` is the council's ladder, `live_rules` those that are live (None: all)."""
    with store.read() as tx:
        directory = directory_of(tx, authority.name, day)
    policy = authority.policy
    return Staffing(
        authority.name,
        day,
        len(directory.people),
        tuple(_posts(policy, directory)),
        tuple(_away(directory)),
        tuple(gaps(policy, directory, own, live_rules)),
    )


# ---- who is where


def _posts(policy: Policy, directory: Directory) -> Iterator[Post]:
    """Yield each role that somebody holds, place by place, in the order of the policy."""
    found: dict[tuple[str, str, str], list[Person]] = {}
    for person in sorted(directory.posts(), key=lambda p: (p.name, p.person_id)):
        for role in person.roles:
            found.setdefault((role, person.team, "" if person.team else person.hub), []).append(person)
    order = {role: n for n, role in enumerate(policy.roles)}
    for role, team, hub in sorted(found, key=lambda key: (order.get(key[0], len(order)), key[1] == "", *key)):
        holders = tuple(_holder(directory, person) for person in found[role, team, hub])
        yield Post(role, policy.title_of_role(role), team, hub, holders)


def _holder(directory: Directory, person: Person) -> Holder:
    acting = directory.acting(person.person_id)
    here = acting is not None and acting.person_id == person.person_id
    return Holder(person.person_id, person.name, here, acting.name if acting else None)


def _away(directory: Directory) -> Iterator[Away]:
    for absence in sorted(directory.absent.values(), key=lambda one: (one.away_to, one.person_id)):
        acting = directory.acting(absence.person_id)
        cover = _name(directory, absence.cover_id) if absence.cover_id else None
        said = _name(directory, absence.person_id), absence.away_from, absence.away_to, cover
        yield Away(absence.person_id, *said, acting.name if acting else None)


def _name(directory: Directory, person_id: str) -> str:
    known = directory.known.get(person_id)
    return known.name if known else person_id


# ---- what cannot be reached


def gaps(
    policy: Policy, directory: Directory, own: Sequence[OverdueStep], live_rules: Sequence[str] | None
) -> Iterator[Gap]:
    """Yield each role of a live ladder that climbs, with the teams for which it comes to the same people."""
    for title, steps in _ladders(policy, own, live_rules).items():
        for n, who in enumerate(steps):
            above = tuple(dict.fromkeys(role for step in steps[n + 1 :] for role in step))
            for role in who:
                yield from _gaps_of(policy, directory, title, role, above)


def _ladders(
    policy: Policy, own: Sequence[OverdueStep], live_rules: Sequence[str] | None
) -> Mapping[str, list[tuple[str, ...]]]:
    """Return who is on each rung of the ladders that a live rule climbs, by their titles."""
    live = [rule for id_, rule in policy.rules.items() if live_rules is None or id_ in live_rules]
    climbed = {id_ for rule in live for id_ in (rule.escalate, rule.decided_by)}
    found = {made.title: [step.who for step in made.steps] for id_, made in policy.ladders.items() if id_ in climbed}
    return found | ({OWN_LADDER: [step.who for step in own]} if own else {})


def _gaps_of(policy: Policy, directory: Directory, title: str, role: str, above: Sequence[str]) -> Iterator[Gap]:
    teams_of: dict[tuple[str, ...], set[str]] = {}
    for lead, team in _asked(policy, directory, role):
        found = resolve(role, policy, directory, lead=lead, team=team, above=above)
        if found.climbed is not None:
            teams_of.setdefault(tuple(person.name for person in found.people), set()).add(team)
    said = "line manager" if role == LINE_MANAGER else policy.title_of_role(role)
    for instead, teams in sorted(teams_of.items()):
        yield Gap(title, role, said, tuple(sorted(teams)), instead)


def _asked(policy: Policy, directory: Directory, role: str) -> Iterator[tuple[str | None, str]]:
    """Yield the cases for which a role is asked: any of each team, or those of each person who may lead one."""
    if role in (LEAD, LINE_MANAGER):
        for person in directory.people.values():
            if any(held == LEAD or policy.roles.get(held) == (LEAD,) for held in person.roles):
                yield person.person_id, person.team
    else:
        yield from ((None, team) for team in sorted({p.team for p in directory.people.values() if p.team}) or [""])
