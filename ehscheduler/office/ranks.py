"""Whether somebody has the rank in which they put something on record."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from ehscheduler.core.people import resolve
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
    lead, team, hub = (str(facts.get(name) or "") or None for name in ("lead", "team", "meeting_hub"))
    found = resolve(role, policy, directory, lead=lead, team=team, hub=hub, above=above)
    if by in {one.person_id for one in found.people}:
        return None
    return (
        f"{by} is not {policy.title_of_role(role)} in people.csv; whoever is puts it on record, or correct their role"
    )
