"""Read absences.csv: who is away from when to when, and who acts for them. The file is the whole list.

A row that names nobody known, or days that cannot be, is a bad row. A ring of people who cover one another on one day
refuses the file, for nobody would act.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ehscheduler.core.people import Absence
from ehscheduler.intake.cells import clean, id_faults
from ehscheduler.intake.notes import Notes
from ehscheduler.intake.people import read_day, rings
from ehscheduler.intake.rows import SIZE_LIMIT, Problem, Progress, Rows, refuse

ABSENCE_COLUMNS = ("person_id", "away_from", "away_to", "cover_id")


@dataclass(frozen=True, slots=True)
class AbsenceScan:
    """The absences of one file, its bad rows apart, and what is odd about it."""

    absences: tuple[Absence, ...]
    rows: Rows
    notes: Notes


def scan_absences(
    path: Path,
    known: Collection[str] | None,
    *,
    size_limit: int = SIZE_LIMIT,
    progress: Progress | None = None,
) -> AbsenceScan:
    """Read absences.csv and set its bad rows apart; `known` are the people, None where that is not known.

    Raises InputRefused where the file itself is at fault.
    """
    rows = Rows(path, ABSENCE_COLUMNS, size_limit=size_limit, progress=progress)
    notes = Notes(path.name)
    found: dict[str, list[tuple[int, Absence]]] = {}
    for line, cells in rows:
        absence, faults = _absence([clean(cell) for cell in cells], known)
        if absence is None or faults:
            rows.bad.add(line, *faults)
        else:
            found.setdefault(absence.person_id, []).append((line, absence))
    listed = [entry for entries in found.values() for entry in _apart(entries, rows)]
    for line, absence in listed:
        if absence.cover_id is None:
            notes.add("nobody covers; what this person would hear climbs one rung", line)
    _refuse_rings(rows, listed)
    in_order = sorted((absence for _, absence in listed), key=lambda one: (one.person_id, one.away_from))
    return AbsenceScan(tuple(in_order), rows, notes)


def _absence(cells: Sequence[str], known: Collection[str] | None) -> tuple[Absence | None, list[str]]:
    id_, start, end, cover = cells
    faults = [*id_faults("person_id", id_), *(id_faults("cover_id", cover) if cover else [])]
    for column, text in (("person_id", id_), ("cover_id", cover)):
        if text and known is not None and text not in known:
            faults.append(f"no person has this {column}; add them to people.csv, or correct it")
    if cover and cover == id_:
        faults.append("cover_id is the person who is away; name somebody else, or leave it empty")
    days = {"away_from": start, "away_to": end}
    faults += [f"{column} is empty; write a date (2026-03-02)" for column, text in days.items() if not text]
    away_from, away_to = (read_day(column, text, faults) for column, text in days.items())
    if away_from and away_to and away_to < away_from:
        faults.append("away_to is before away_from; correct one of them")
    if away_from is None or away_to is None:
        return None, faults
    return Absence(id_, away_from, away_to, cover or None), faults


def _apart(entries: Sequence[tuple[int, Absence]], rows: Rows) -> list[tuple[int, Absence]]:
    """Set the rows of one person that overlap apart, all of them, so that their order decides nothing."""
    in_order = sorted(entries, key=lambda entry: (entry[1].away_from, entry[0]))
    again: dict[int, int] = {}
    before, latest = 0, date.min
    for line, absence in in_order:
        if before and absence.away_from <= latest:
            again.setdefault(before, line)
            again.setdefault(line, before)
        if absence.away_to >= latest:
            before, latest = line, absence.away_to
    for line, other in again.items():
        rows.bad.add(line, f"this person is away on line {other} on the same days; keep one row, or part them by date")
    return [entry for entry in in_order if entry[0] not in again]


# ---- rings


def _refuse_rings(rows: Rows, listed: Sequence[tuple[int, Absence]]) -> None:
    """Refuse a file in which, on some day, people cover one another in a ring; it begins on a first day of one."""
    covered = _who_could_ring(listed)
    said: dict[frozenset[str], tuple[date, Mapping[str, int]]] = {}
    for day in sorted({absence.away_from for _, absence in covered}):
        away = {absence.person_id: (line, absence) for line, absence in covered if absence.on(day)}
        covers = {id_: str(absence.cover_id) for id_, (_, absence) in away.items()}
        for ring in rings(covers):
            said.setdefault(ring, (day, {id_: away[id_][0] for id_ in ring}))
    if said:
        refuse([*rows.bad.sentences(), *(_ring(rows.name, day, lines) for day, lines in said.values())])


def _who_could_ring(listed: Sequence[tuple[int, Absence]]) -> Sequence[tuple[int, Absence]]:
    """Leave out, again and again, who is covered by somebody that nobody covers: mostly nothing is left."""
    while True:
        ids = {absence.person_id for _, absence in listed}
        kept = [(line, absence) for line, absence in listed if absence.cover_id in ids]
        if len(kept) == len(listed):
            return kept
        listed = kept


def _ring(name: str, day: date, lines: Mapping[str, int]) -> Problem:
    first, *others = sorted(lines.values())
    where = ", ".join(map(str, others[:10]))
    text = (
        f"on {day.isoformat()} the covers go round in a ring (with the rows on lines {where}); "
        "name somebody who is here in one of them"
    )
    return Problem(name, first, text)
