"""Whether somebody has the rank in which they put something on record."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ehscheduler.core.people import LEAD, LINE_MANAGER, Directory, resolve
from ehscheduler.plugins import Authority
from ehscheduler.store.people import directory_of, people_of
from ehscheduler.store.tx import Tx


def on_staff(tx: Tx, authority: Authority, by: str, day: date) -> bool:
    """Tell whether a name is the id of somebody who works here on a day."""
    return any(person.person_id == by and person.current(day) for person in people_of(tx, authority.name))


def roles_of(tx: Tx, authority: Authority, by: str, day: date) -> tuple[str, ...]:
    """Return the roles that somebody has themselves on a day; none for who is no member of staff."""
    return next((p.roles for p in people_of(tx, authority.name) if p.person_id == by and p.current(day)), ())


def rank_fault(
    tx: Tx,
    authority: Authority,
    role: str,
    by: str,
    day: date,
    facts: Mapping[str, Any],
    above: Sequence[str] = (),
) -> str | None:
    """Say where a member of staff names a rank that they neither have nor stand in for on a case, on a day.

    Who is no member of staff writes for another. `above` are the roles of the steps above, who stand in for one that
    nobody fills.
    """
    policy, directory = authority.policy, directory_of(tx, authority.name, day)
    person = directory.people.get(by)
    meant = policy.roles.get(role)
    ranks = {role, *(meant if isinstance(meant, tuple) else ())}
    if person is None or ranks & {*person.roles}:
        return None
    if by in _meant(authority, directory, role, facts, above):
        return None
    return (
        f"{by} is not {policy.title_of_role(role)} in people.csv; whoever is puts it on record, or correct their role"
    )


def stands_for(tx: Tx, authority: Authority, role: str, by: str, day: date, facts: Mapping[str, Any]) -> bool:
    """Tell whether somebody is whom a role means on this very case, on a day; the same role elsewhere is not enough."""
    return by in _meant(authority, directory_of(tx, authority.name, day), role, facts)


def stranger_fault(tx: Tx, authority: Authority, by: str, day: date, facts: Mapping[str, Any]) -> str | None:
    """Say where a member of staff has nothing to do with a case on a day; who is none writes for another.

    Of the case are its lead, their line manager, whoever any role means for its team or hub, and who acts for these.
    """
    directory = directory_of(tx, authority.name, day)
    roles = (LEAD, LINE_MANAGER, *authority.policy.roles)
    if by not in directory.people or any(by in _meant(authority, directory, role, facts) for role in roles):
        return None
    return f"{by} is not of this case: its lead, their line manager and who has a role for its team or hub do this"


def _meant(
    authority: Authority, directory: Directory, role: str, facts: Mapping[str, Any], above: Sequence[str] = ()
) -> set[str]:
    """Return the ids of those whom a role means for a case with these facts."""
    lead, team, hub = (str(facts.get(name) or "") or None for name in ("lead", "team", "meeting_hub"))
    found = resolve(role, authority.policy, directory, lead=lead, team=team, hub=hub, above=above)
    return {one.person_id for one in found.people}
