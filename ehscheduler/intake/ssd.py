"""Read the tables of the Standard Safeguarding Dataset that tell of early help, as rows that a mapping gives a meaning.

The tables disagree from system to system: a worker may be a placeholder, an open episode may lack its team. What an
episode lacks is taken from the involvements of its person at that time. Columns that we do not know are left out.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ehscheduler.intake.cells import clean
from ehscheduler.intake.dates import DateReader
from ehscheduler.intake.mapping import StepMapping, squeezed
from ehscheduler.intake.notes import Notes
from ehscheduler.intake.profiles import CONTACT, ENDED, EPISODE, FLAG, FLAGS, INVOLVEMENT, OPEN
from ehscheduler.intake.rows import Problem, Progress, Rows, refuse

TABLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "ssd_early_help_episodes": (
        ("earl_episode_id", "earl_person_id", "earl_episode_start_date", "earl_episode_end_date"),
        ("earl_episode_reason", "earl_episode_end_reason", "earl_episode_organisation", "earl_episode_worker_id"),
    ),
    "ssd_involvements": (
        ("invo_involvements_id", "invo_professional_id", "invo_person_id", "invo_involvement_start_date"),
        (
            "invo_involvement_end_date",
            "invo_professional_role_id",
            "invo_professional_team",
            "invo_worker_change_reason",
        ),
    ),
    "ssd_contacts": (
        ("cont_contact_id", "cont_person_id", "cont_contact_date"),
        ("cont_contact_source_code", FLAG),
    ),
    "ssd_professionals": (("prof_professional_id",), ()),
    "ssd_family": (("fami_family_id", "fami_person_id"), ()),
    "ssd_department": (("dept_team_id", "dept_team_name"), ()),
}
"""The tables that are read, with the columns that each must have, and those that it may have; no other is opened."""
EPISODES, INVOLVEMENTS, CONTACTS, *_LOOKED_UP = TABLES

Cells = dict[str, str]
Read = tuple[Rows, Iterator[tuple[int, Cells]]]


@dataclass(slots=True)
class _Involvement:
    """Who was involved with a person, for which team, from when to when."""

    worker: str
    team: str
    start: date
    end: date | None

    def overlaps(self, start: date, end: date | None) -> bool:
        return (self.end is None or self.end >= start) and (end is None or self.start <= end)


@dataclass(slots=True)
class _Known:
    """What the other tables say of a person, a professional, a team; None where a table was not given."""

    workers: frozenset[str] | None = None
    families: dict[str, str] | None = None
    teams: dict[str, str] = field(default_factory=dict)
    involved: dict[str, list[_Involvement]] = field(default_factory=dict)


def table_of(path: Path) -> str | None:
    """Return which table a file holds, by the beginning of its name."""
    return next((name for name in TABLES if path.name.lower().startswith(name)), None)


class Ssd:
    """The tables of one extract."""

    def __init__(
        self,
        paths: Sequence[Path],
        mapping: StepMapping,
        *,
        size_limit: int,
        progress: Progress | None,
    ) -> None:
        self.mapping = mapping
        self.dates = DateReader(mapping.dates, midnight_is_a_date=True)
        self.files: dict[str, Rows] = {}
        for path in sorted(paths):
            name = table_of(path)
            if name in self.files:
                refuse([Problem(path.name, None, f"is a second {name}; give one file a table")])
            if name is not None:
                required, optional = TABLES[name]
                self.files[name] = Rows(
                    path, required, optional, naming=_column, size_limit=size_limit, progress=progress
                )
        self.known = _Known()
        self._refuse_incomplete(paths)

    def _refuse_incomplete(self, paths: Sequence[Path]) -> None:
        name = paths[0].name if len(paths) == 1 else "the extract"
        if EPISODES not in self.files:
            refuse([Problem(name, None, f"has no {EPISODES}.csv; give the folder in which the tables lie")])
        if self.mapping.case == "group_id" and "ssd_family" not in self.files:
            text = 'has no ssd_family.csv, and a case is a family by its mapping; give it, or write case = "person_id"'
            refuse([Problem(name, None, text)])

    def __iter__(self) -> Iterator[tuple[Rows, Notes, Iterator[tuple[int, Cells]]]]:
        """Yield each table with its rows as the mapping names them; those that are only looked up yield none."""
        self._look_up()
        notes = {name: Notes(rows.name) for name, rows in self.files.items()}
        read = {name: [(line, self._named(rows, cells)) for line, cells in rows] for name, rows in self._told()}
        self._involve(read.get(INVOLVEMENTS, []))
        about = {cells["earl_person_id"] for _, cells in read[EPISODES]}
        made = {
            EPISODES: (self._episode(line, cells, notes[EPISODES]) for line, cells in read[EPISODES]),
            INVOLVEMENTS: self._involvements(read.get(INVOLVEMENTS, []), about),
            CONTACTS: self._contacts(read.get(CONTACTS, []), about, notes.get(CONTACTS)),
        }
        for name, rows in self.files.items():
            yield rows, notes[name], made.get(name, iter(()))

    def _told(self) -> Iterator[tuple[str, Rows]]:
        return ((name, self.files[name]) for name in (EPISODES, INVOLVEMENTS, CONTACTS) if name in self.files)

    def _named(self, rows: Rows, cells: list[str]) -> Cells:
        return {name: self._filled(cell) for name, cell in zip(rows.wanted, cells, strict=True)}

    def _filled(self, cell: str) -> str:
        cell = clean(cell)
        return "" if cell in self.mapping.blanks else cell

    # ---- what is looked up

    def _look_up(self) -> None:
        pairs = {
            name: [self._named(self.files[name], cells) for _, cells in self.files[name]]
            for name in _LOOKED_UP
            if name in self.files
        }
        if "ssd_professionals" in pairs:
            self.known.workers = frozenset(row["prof_professional_id"] for row in pairs["ssd_professionals"])
        if "ssd_family" in pairs:
            listed = sorted((row["fami_person_id"], row["fami_family_id"]) for row in pairs["ssd_family"])
            self.known.families = {person: family for person, family in reversed(listed) if person and family}
        self.known.teams = {
            row["dept_team_id"]: row["dept_team_name"]
            for row in pairs.get("ssd_department", ())
            if row["dept_team_name"]
        }

    def _involve(self, rows: Sequence[tuple[int, Cells]]) -> None:
        for _, cells in rows:
            start = self._day(cells["invo_involvement_start_date"])
            if start is not None:
                end = self._day(cells["invo_involvement_end_date"])
                one = _Involvement(cells["invo_professional_id"], cells["invo_professional_team"], start, end)
                self.known.involved.setdefault(cells["invo_person_id"], []).append(one)

    def _day(self, text: str) -> date | None:
        try:
            return self.dates.read(text).day if text else None
        except ValueError:
            return None  # where the row itself is read, it is a bad row

    def _family(self, person: str) -> str:
        if self.known.families is None or not person:
            return ""
        return self.known.families.get(person) or f"person-{person}"

    def _team(self, id_: str) -> str:
        return self.known.teams.get(id_, id_)

    # ---- the rows

    def _episode(self, line: int, cells: Cells, notes: Notes) -> tuple[int, Cells]:
        person, worker = cells["earl_person_id"], cells["earl_episode_worker_id"]
        start, end = self._day(cells["earl_episode_start_date"]), self._day(cells["earl_episode_end_date"])
        if worker and self.known.workers is not None and worker not in self.known.workers:
            notes.add("the worker is not in ssd_professionals; whoever is involved is taken", line)
            worker = ""
        involved = [one for one in self.known.involved.get(person, ()) if start and one.overlaps(start, end)]
        # Who is involved still comes before who was, and of these who came last.
        involved.sort(key=lambda one: (one.end is None, one.start, one.worker), reverse=True)
        worker = worker or next((one.worker for one in involved if one.worker), "")
        team = next((one.team for one in involved if one.team and one.worker == worker), "")
        team = team or next((one.team for one in involved if one.team), "")
        made = {
            **self._row("earl", cells["earl_episode_id"], EPISODE, person),
            **self._between(cells["earl_episode_start_date"], cells["earl_episode_end_date"]),
            "worker": worker,
            "team": self._team(team),
            "team_id": team,
        }
        return line, {**cells, **made}

    def _involvements(self, rows: Sequence[tuple[int, Cells]], about: set[str]) -> Iterator[tuple[int, Cells]]:
        named = {step.type for step in self.mapping.steps} | self.mapping.ignored_steps
        if not any(type_.startswith(INVOLVEMENT) for type_ in named):
            return
        for line, cells in rows:
            if cells["invo_person_id"] not in about:
                continue  # the involvements of everybody else whom the council works with
            by_role = f"{INVOLVEMENT}: {squeezed(cells['invo_professional_role_id'])}"
            type_ = by_role if by_role in named or INVOLVEMENT not in named else INVOLVEMENT
            team = cells["invo_professional_team"]
            made = {
                **self._row("invo", cells["invo_involvements_id"], type_, cells["invo_person_id"]),
                **self._between(cells["invo_involvement_start_date"], cells["invo_involvement_end_date"]),
                "worker": cells["invo_professional_id"],
                "team": self._team(team),
                "team_id": team,
            }
            yield line, {**cells, **made}

    def _contacts(
        self, rows: Sequence[tuple[int, Cells]], about: set[str], notes: Notes | None
    ) -> Iterator[tuple[int, Cells]]:
        if notes is None or not any(step.type == CONTACT for step in self.mapping.steps):
            return
        for line, cells in rows:
            if cells["cont_person_id"] not in about:
                continue
            at = cells["cont_contact_date"]
            made = {
                **self._row("cont", cells["cont_contact_id"], CONTACT, cells["cont_person_id"]),
                **self._between(at, at),
                **_flags(cells[FLAG], line, notes),
            }
            yield line, {**cells, **made}

    def _row(self, table: str, id_: str, type_: str, person: str) -> Cells:
        """Return who and what a row is about; an id is one within its table, so it begins with that."""
        return {"id": f"{table}-{id_}" if id_ else "", "type": type_, "person": person, "family": self._family(person)}

    def _between(self, start: str, end: str) -> Cells:
        return {"start": start, "end": end, "status": ENDED if end else OPEN}


def _column(header: str) -> str:
    return "_".join(header.split()).lower()


def _flags(text: str, line: int, notes: Notes) -> Cells:
    """Read the outcomes of a contact; a text that is no JSON is noted, and says nothing."""
    if not text:
        return {}
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        notes.add(f"{FLAG} is not JSON; nothing is made of it", line)
        return {}
    return {f"{FLAG}.{flag}": str(found.get(flag) or "") for flag in FLAGS}
