"""Whether somebody has the rank in which they put something on record."""

from datetime import date

from ehscheduler.plugins import Authority
from ehscheduler.store.people import people_of
from ehscheduler.store.tx import Tx

OF_THE_CASE = ("lead", "line_manager")
"""Roles that are not in people.csv, for a case says who has them."""


def on_staff(tx: Tx, authority: Authority, by: str, day: date) -> bool:
    """Tell whether a name is the id of somebody who works here on a day."""
    return any(person.person_id == by and person.current(day) for person in people_of(tx, authority.name))


def rank_fault(tx: Tx, authority: Authority, role: str, by: str, day: date) -> str | None:
    """Say where a member of staff names a rank that they do not have; who is no member of staff writes for another."""
    meant = authority.policy.roles.get(role)
    ranks = {role, *(meant if isinstance(meant, tuple) else ())}
    own = [person for person in people_of(tx, authority.name) if person.person_id == by and person.current(day)]
    if not own or ranks & {*OF_THE_CASE, *(held for person in own for held in person.roles)}:
        return None
    title = authority.policy.title_of_role(role)
    return f"{by} is not {title} in people.csv; whoever is puts it on record, or correct their role"
