"""Read people.csv: who works where, in which roles, under whom, how much of a week, and from when to when.

A row that names nobody, or nobody who can be written to, is a bad row. A line manager who is not in the file is a
warning: the person still works here. A ring of line managers refuses the file, for an escalation would reach nobody.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from ehscheduler.address import address_fault
from ehscheduler.core.people import WEEK, WEEKDAYS, Person
from ehscheduler.intake.cells import check_text, clean, id_faults, word_faults
from ehscheduler.intake.notes import Notes, looks_like_a_formula
from ehscheduler.intake.rows import SIZE_LIMIT, Problem, Progress, Rows, refuse

PERSON_COLUMNS = ("person_id", "name", "email", "role", "team", "line_manager_id", "valid_from", "valid_to")
MORE_COLUMNS = ("hub", "full_time_share", "works")
"""What a file may leave out: no hub, full time, Monday to Friday."""

_SHARE = re.compile(r"[01]|[01]?\.\d{1,4}")
_LAST_RINGS = 50
_MOST_ROWS = 50


@dataclass(frozen=True, slots=True)
class PeopleScan:
    """The people of one file, its bad rows apart, and what is odd about it; `unread` stand in bad rows alone."""

    people: tuple[Person, ...]
    rows: Rows
    notes: Notes
    unread: frozenset[str] = frozenset()


def read_people(path: Path, roles: Collection[str]) -> tuple[list[Person], list[str]]:
    """Read people.csv: the people and the warnings. Raises InputRefused with every problem."""
    scan = scan_people(path, roles)
    if scan.rows.bad.count:
        refuse(scan.rows.bad.sentences())
    return list(scan.people), scan.notes.sentences()


def scan_people(
    path: Path, roles: Collection[str], *, size_limit: int = SIZE_LIMIT, progress: Progress | None = None
) -> PeopleScan:
    """Read people.csv and set its bad rows apart. Raises InputRefused where the file itself is at fault."""
    rows = Rows(path, PERSON_COLUMNS, MORE_COLUMNS, size_limit=size_limit, progress=progress)
    notes = Notes(path.name)
    found: dict[str, dict[Person, int]] = {}
    named: set[str] = set()
    for line, cells in rows:
        person, faults = _person([clean(cell) for cell in cells], roles)
        named.add(person.person_id)
        if faults:
            rows.bad.add(line, *faults)
        else:
            found.setdefault(person.person_id, {}).setdefault(person, line)
    listed = [entry for told in found.values() for entry in _apart(told, rows)]
    people = tuple(_looked_at(line, person, found.keys(), notes) for line, person in listed)
    _refuse_rings(rows, listed, people)
    return PeopleScan(people, rows, notes, frozenset(named - {person.person_id for person in people}))


def _apart(told: Mapping[Person, int], rows: Rows) -> list[tuple[int, Person]]:
    """Set the rows of one person that overlap apart, all of them, so that their order decides nothing."""
    entries = [(line, person) for person, line in told.items()]
    if len(entries) > _MOST_ROWS:
        for line, _ in entries:
            rows.bad.add(line, f"this person_id stands more than {_MOST_ROWS} times; keep one row for each period")
        return []
    clear = []
    for line, person in entries:
        others = [at for at, one in entries if at != line and _overlap(one, person)]
        if others:
            where = f"on line {others[0]} for the same days"
            rows.bad.add(line, f"this person_id stands again {where}; keep one row, or part them by date")
        else:
            clear.append((line, person))
    return clear


def _person(cells: Sequence[str], roles: Collection[str]) -> tuple[Person, list[str]]:
    id_, name, email, role, team, manager, start, end, hub, part, week = cells
    faults = [*id_faults("person_id", id_), *_address_faults(email)]
    held = _roles(role, roles, faults)
    for column, text in (("name", name), ("team", team), ("line_manager_id", manager), ("hub", hub)):
        try:
            check_text(text)
        except ValueError as fault:
            faults.append(f"{column} {fault}")
    if not name:
        faults.append("name is empty; fill it in")
    valid_from, valid_to = read_day("valid_from", start, faults), read_day("valid_to", end, faults)
    if valid_from and valid_to and valid_to < valid_from:
        faults.append("valid_to is before valid_from; correct one of them")
    share, works = _share(part, faults), _works(week, faults)
    return Person(id_, name, email, held, team, manager or None, valid_from, valid_to, hub, share, works), faults


def _roles(text: str, roles: Collection[str], faults: list[str]) -> tuple[str, ...]:
    """Read one role, or several parted by semicolons; each counts once."""
    held = [part.strip() for part in text.split(";")]
    if len(held) > 1 and not all(held):
        faults.append("role has a semicolon with nothing beside it; take it out, or name the role")
    for role in held if len(held) == 1 else filter(None, held):
        faults += word_faults("role", role, roles)
    if len(set(held)) < len(held):
        faults.append("role names one role twice; name it once")
    return tuple(held)


def _share(text: str, faults: list[str]) -> float:
    """Read a full-time equivalent; blank is full time."""
    if not text:
        return 1.0
    if _SHARE.fullmatch(text) and 0 < float(text) <= 1:
        return float(text)
    faults.append("full_time_share is not a number above 0 and up to 1, such as 0.6; write three days a week as 0.6")
    return 1.0


def _works(text: str, faults: list[str]) -> tuple[str, ...]:
    """Read the days of the week on which somebody works, in any order; blank is Monday to Friday."""
    days = text.lower().split()
    if not set(days) <= set(WEEK):
        faults.append(
            "works is not days of the week such as 'mon tue thu'; write each as mon, tue, wed, thu, fri, sat or sun"
        )
    elif len(set(days)) < len(days):
        faults.append("works names one day twice; name it once")
    return tuple(day for day in WEEK if day in days) or WEEKDAYS


def _address_faults(email: str) -> list[str]:
    if not email:
        return ["email is empty; fill it in"]
    fault = address_fault(email)
    return [f"email: {fault}; write the address alone"] if fault else []


def read_day(column: str, text: str, faults: list[str]) -> date | None:
    """Read a date that may be left out; note what is wrong with it."""
    if not text:
        return None
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    faults.append(f"{column} is not a date that exists, written as 2026-03-02")
    return None


def _overlap(one: Person, other: Person) -> bool:
    first, last = date.min, date.max
    return (one.valid_from or first) <= (other.valid_to or last) and (other.valid_from or first) <= (
        one.valid_to or last
    )


def _looked_at(line: int, person: Person, known: Collection[str], notes: Notes) -> Person:
    """Note what is odd about a person; one who is their own line manager has none."""
    if looks_like_a_formula(person.name):
        notes.add("the name begins like a spreadsheet formula; it is kept as text", line)
    if person.line_manager_id == person.person_id:
        notes.add("the line manager is the person; read as having none", line)
        return replace(person, line_manager_id=None)
    if person.line_manager_id and person.line_manager_id not in known:
        notes.add("the line manager is not in this file (or that row was set aside); add the line manager", line)
    return person


# ---- rings


def _refuse_rings(rows: Rows, listed: Sequence[tuple[int, Person]], people: Sequence[Person]) -> None:
    lines = {person.person_id: line for line, person in listed}
    days = sorted({person.valid_from or date.min for person in people})
    found = {ring for day in days[-_LAST_RINGS:] for ring in rings(_managers(people, day))}
    if found:
        problems = []
        for ring in sorted(found, key=lambda ring: min(lines[id_] for id_ in ring)):
            at = sorted(lines[id_] for id_ in ring)
            where = ", ".join(map(str, at[1:10]))
            text = f"these line managers go round in a ring (with the rows on lines {where}); correct one of them"
            problems.append(Problem(rows.name, at[0], text))
        refuse([*rows.bad.sentences(), *problems])


def _managers(people: Iterable[Person], day: date) -> dict[str, str]:
    return {p.person_id: p.line_manager_id for p in people if p.line_manager_id and p.current(day)}


def rings(above: Mapping[str, str]) -> Iterator[frozenset[str]]:
    """Yield each ring of people once, where `above` says who stands above whom; every person is walked once."""
    done: set[str] = set()
    for start in above:
        trail: dict[str, int] = {}
        at: str | None = start
        while at is not None and at not in done and at not in trail:
            trail[at] = len(trail)
            at = above.get(at)
        if at in trail:
            yield frozenset(list(trail)[trail[str(at)] :])
        done.update(trail)
