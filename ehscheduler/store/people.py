"""People: the staff of an authority as its last feed gave them, and who of them is away."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from sqlalchemy import delete, select

from ehscheduler.address import address_fault
from ehscheduler.core.people import Absence, Directory, Person
from ehscheduler.store.reach import address_key, suspensions
from ehscheduler.store.schema import absence, person
from ehscheduler.store.tx import Tx, as_row, columns

# A key holds no nulls: somebody who was always there has been there since this day.
ALWAYS = date.min


@dataclass(slots=True)
class PeopleChange:
    """Whom a feed added, changed and ended, by their ids."""

    added: set[str] = field(default_factory=set)
    changed: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)


def put_people(
    tx: Tx,
    authority: str,
    people: Iterable[Person],
    *,
    on: date,
    import_id: int | None = None,
    unread: Collection[str] = (),
) -> PeopleChange:
    """Make a whole feed the people of an authority.

    Somebody whom the feed no longer names has left: their last day is the one before `on`, and they stay known by name.
    Those who are `unread`, as their row could not be read, stay as they were.
    """
    before, after = _by_id(people_of(tx, authority)), _by_id(people)
    change = PeopleChange(
        added=after.keys() - before.keys(),
        changed={key for key, rows in after.items() if key in before and before[key] != rows},
    )
    after |= {id_: before[id_] for id_ in before.keys() - after.keys() if id_ in unread}
    for gone in before.keys() - after.keys():
        after[gone] = _ended(before[gone], on)
        if after[gone] != before[gone]:
            change.ended.add(gone)
    tx.execute(delete(person).where(person.c.authority == authority))
    rows = [_row(authority, one, import_id) for one_person in after.values() for one in one_person]
    tx.insert_new(person, rows)
    return change


def people_of(tx: Tx, authority: str) -> list[Person]:
    """Read every person, those who have left too, in order of id and first day."""
    query = select(*columns(person, Person)).where(person.c.authority == authority)
    found = tx.records(Person, query.order_by(person.c.person_id, person.c.valid_from))
    return [replace(one, valid_from=None) if one.valid_from == ALWAYS else one for one in found]


def put_absences(tx: Tx, authority: str, absences: Iterable[Absence], *, import_id: int | None = None) -> None:
    """Make a whole list the absences of an authority; what it no longer names is not one any more."""
    tx.execute(delete(absence).where(absence.c.authority == authority))
    tx.insert_new(absence, [as_row(authority, one) | {"import_id": import_id} for one in absences])


def absences_of(tx: Tx, authority: str) -> list[Absence]:
    """Read every absence, those that are over too, in order of id and first day."""
    query = select(*columns(absence, Absence)).where(absence.c.authority == authority)
    return tx.records(Absence, query.order_by(absence.c.person_id, absence.c.away_from))


def directory_of(tx: Tx, authority: str, day: date) -> Directory:
    """Read who is here on a day, who acts for whom, and to whom nothing can be sent."""
    people, back = people_of(tx, authority), suspensions(tx, authority)
    unreachable = frozenset(
        one.person_id
        for one in people
        if one.current(day) and (address_key(one.email) in back or address_fault(one.email))
    )
    return Directory.on(people, day, absences_of(tx, authority), unreachable)


def _by_id(people: Iterable[Person]) -> dict[str, list[Person]]:
    found: dict[str, list[Person]] = {}
    for one in sorted(people, key=lambda one: (one.person_id, one.valid_from or ALWAYS)):
        found.setdefault(one.person_id, []).append(one)
    return found


def _ended(rows: Sequence[Person], on: date) -> list[Person]:
    last = on - timedelta(days=1)
    begun = [one for one in rows if (one.valid_from or ALWAYS) <= last]
    return [one if one.valid_to and one.valid_to <= last else replace(one, valid_to=last) for one in begun]


def _row(authority: str, one: Person, import_id: int | None) -> dict[str, object]:
    return as_row(authority, one) | {"valid_from": one.valid_from or ALWAYS, "import_id": import_id}
