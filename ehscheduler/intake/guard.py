"""Take files in, or refuse them: what comes out is one frozen value, ready for one transaction.

A file whose structure is at fault, with more than 5% bad rows, or without more than a fifth of the known open cases
is refused whole, so that the last good state stays. Otherwise bad rows are set aside, and the rest is taken.
Nothing is stored and nothing is decided here.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from ehscheduler.core.events import Case, Event
from ehscheduler.core.people import Absence, Person
from ehscheduler.errors import InputRefused
from ehscheduler.intake.absences import scan_absences
from ehscheduler.intake.contract import scan_cases, scan_events
from ehscheduler.intake.corrections import Comparison, Correction, compare
from ehscheduler.intake.extracts import Table
from ehscheduler.intake.mapping import StepMapping
from ehscheduler.intake.notes import Notes, looks_like_a_formula
from ehscheduler.intake.people import scan_people
from ehscheduler.intake.rows import SIZE_LIMIT, Problem, Progress, refuse
from ehscheduler.intake.steps import StepScan, Unmapped, scan_steps


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be wrong before a file is refused; a share equal to its limit is still taken."""

    size: int = SIZE_LIMIT
    bad_percent: int = 5
    gone_percent: int = 20
    vanished_percent: int = 5
    changed_percent: int = 20
    few: int = 10
    """Fewer recorded events than this may vanish or change whatever their share is (ours, as are the shares)."""
    believed: bool = False
    """Whether somebody has looked at the file, and says that what is gone is gone."""


@dataclass(frozen=True, slots=True)
class FileTaken:
    """One file that was taken in: its SHA-256 digest, its rows, and how many of them were set aside.

    `ended_open` tells that its last line has no line break, as that of a file that was cut off.
    """

    name: str
    digest: str
    rows: int
    set_aside: int
    ended_open: bool = False


@dataclass(frozen=True, slots=True)
class Intake:
    """What one or several files say, typed; `set_aside` lists the first bad rows, `set_aside_count` counts all.

    `unread_people` are named by rows that were set aside alone: what was known of them stays.
    """

    files: tuple[FileTaken, ...]
    cases: tuple[Case, ...] = ()
    personal: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    events: tuple[Event, ...] = ()
    corrections: tuple[Correction, ...] = ()
    people: tuple[Person, ...] = ()
    unread_people: frozenset[str] = frozenset()
    absences: tuple[Absence, ...] = ()
    unchanged: int = 0
    set_aside: tuple[Problem, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    warnings: tuple[str, ...] = ()
    words: frozenset[str] = frozenset()
    """Every event that the extract could tell of by its mapping; empty where there is none."""

    @property
    def digest(self) -> str:
        """The digest of the file, or of the digests of several."""
        if len(self.files) == 1:
            return self.files[0].digest
        return sha256(" ".join(sorted(file.digest for file in self.files)).encode()).hexdigest()

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def set_aside_count(self) -> int:
        return sum(file.set_aside for file in self.files)

    @property
    def all_events(self) -> tuple[Event, ...]:
        """The new events, and those that the corrections record."""
        return (*self.events, *(event for correction in self.corrections for event in correction.events))


BELIEVE = "import it by hand with --believe"
"""What somebody does who has looked at a file that was refused for what is gone from it, and knows that it is right."""


def take_cases(
    path: Path,
    facts: Mapping[str, str],
    *,
    known_open: Collection[str] = (),
    limits: Limits = Limits(),
    progress: Progress | None = None,
) -> Intake:
    """Take cases.csv in; `known_open` are the cases now open. Raises InputRefused."""
    scan = scan_cases(path, facts, size_limit=limits.size, progress=progress)
    _guard(scan.rows, limits)
    _guard_gone(scan.rows, known_open, scan.refs, limits)
    notes = Notes(path.name)
    for case in scan.cases:
        if "lead" in facts and case.facts.get("lead") is None:
            notes.add(NO_LEAD, scan.lines[case.ref])
        if any(isinstance(value, str) and looks_like_a_formula(value) for value in case.facts.values()):
            notes.add("a cell begins like a spreadsheet formula; it is kept as text", scan.lines[case.ref])
    cases = tuple(sorted(scan.cases, key=lambda case: case.ref))
    return Intake(
        files=(_taken(scan.rows),),
        cases=cases,
        set_aside=scan.rows.bad.listed,
        warnings=(*notes.sentences(), *_cut_off(scan.rows)),
    )


NO_LEAD = "the case has no lead; it is taken in, and its notices climb one rung"


def take_events(
    path: Path,
    words: Collection[str],
    *,
    known_cases: Collection[str] | None,
    facts: Mapping[str, str],
    now: datetime,
    limits: Limits = Limits(),
    progress: Progress | None = None,
) -> Intake:
    """Take events.csv in; `known_cases` are those of cases.csv and of the record. Raises InputRefused."""
    scan = scan_events(path, known_cases, words, facts=facts, size_limit=limits.size, progress=progress)
    _guard(scan.rows, limits)
    notes = Notes(path.name)
    events = sorted(
        (event for listed in scan.events.values() for event in listed),
        key=lambda event: (event.case, event.moment, event.id),
    )
    for event in events:
        if event.moment > now:
            notes.add("the event lies in the future; it counts from its day on", scan.lines[event.id])
    return Intake(
        files=(_taken(scan.rows),),
        events=tuple(events),
        set_aside=scan.rows.bad.listed,
        warnings=(*notes.sentences(), *_cut_off(scan.rows)),
    )


def take_people(
    path: Path, roles: Collection[str], *, limits: Limits = Limits(), progress: Progress | None = None
) -> Intake:
    """Take people.csv in; `roles` are the policy's. Raises InputRefused."""
    scan = scan_people(path, roles, size_limit=limits.size, progress=progress)
    _guard(scan.rows, limits)
    return Intake(
        files=(_taken(scan.rows),),
        people=tuple(sorted(scan.people, key=lambda one: (one.person_id, str(one.valid_from)))),
        unread_people=scan.unread,
        set_aside=scan.rows.bad.listed,
        warnings=(*scan.notes.sentences(), *_cut_off(scan.rows)),
    )


def take_absences(
    path: Path, known: Collection[str] | None, *, limits: Limits = Limits(), progress: Progress | None = None
) -> Intake:
    """Take absences.csv in; `known` are the people of people.csv and of the record. Raises InputRefused."""
    scan = scan_absences(path, known, size_limit=limits.size, progress=progress)
    _guard(scan.rows, limits)
    return Intake(
        files=(_taken(scan.rows),),
        absences=scan.absences,
        set_aside=scan.rows.bad.listed,
        warnings=(*scan.notes.sentences(), *_cut_off(scan.rows)),
    )


def take_staff(
    roles: Collection[str],
    *,
    people: Path | None = None,
    absences: Path | None = None,
    known_people: Collection[str] = (),
    limits: Limits = Limits(),
    progress: Progress | None = None,
) -> list[Intake]:
    """Take people.csv and absences.csv in, those that are given; where one is refused, both are, with every problem."""
    taken: list[Intake] = []
    problems: list[str] = []
    known: set[str] | None = set(known_people)
    try:
        if people:
            taken.append(take_people(people, roles, limits=limits, progress=progress))
            known = {*known_people, *(person.person_id for person in taken[-1].people)}
    except InputRefused as fault:
        problems += fault.problems
        known = None  # the absences are still read for what else is wrong with them
    try:
        if absences:
            taken.append(take_absences(absences, known, limits=limits, progress=progress))
    except InputRefused as fault:
        problems += fault.problems
    if problems:
        raise InputRefused(problems)
    return taken


def take_steps(
    path: Path,
    mapping: StepMapping,
    facts: Mapping[str, str],
    *,
    now: datetime,
    recorded: Iterable[Event] = (),
    known_open: Collection[str] = (),
    limits: Limits = Limits(),
    progress: Progress | None = None,
) -> Intake:
    """Take a workflow-step extract in. Raises InputRefused.

    `recorded` is every event that was recorded from this source and every retraction of one; `known_open` are the
    cases of this source that are now open.
    """
    scan = scan_steps(path, mapping, facts, now, size_limit=limits.size, progress=progress)
    main = scan.tables[0]
    for table in scan.tables:
        _guard(table, limits)
    _guard_gone(main, known_open, {case.ref for case in scan.cases}, limits)
    found = compare(scan, mapping, recorded, now, known_open=known_open)
    _guard_compared(main, mapping, found, limits)
    return Intake(
        files=tuple(_taken(table) for table in scan.tables),
        cases=scan.cases,
        personal=scan.personal,
        events=tuple(found.fresh),
        corrections=tuple(found.corrections),
        unchanged=found.unchanged,
        set_aside=tuple(problem for table in scan.tables for problem in table.bad.listed),
        unmapped=scan.unmapped,
        warnings=(
            *(said for notes in scan.notes for said in notes.sentences()),
            *_compared(path.name, scan, mapping, found),
            *(said for table in scan.tables for said in _cut_off(table)),
        ),
        words=mapping.words,
    )


def take_contract(
    *,
    facts: Mapping[str, str],
    words: Collection[str],
    roles: Collection[str],
    now: datetime,
    cases: Path | None = None,
    events: Path | None = None,
    people: Path | None = None,
    absences: Path | None = None,
    known_people: Collection[str] = (),
    known_cases: Collection[str] = (),
    known_open: Collection[str] = (),
    limits: Limits = Limits(),
    progress: Progress | None = None,
) -> Intake:
    """Take the files of the machine contract in together; where one is refused, all are, with every problem."""
    taken: list[Intake] = []
    problems: list[str] = []

    def take(one: Callable[[], Intake | list[Intake]]) -> Intake | None:
        try:
            made = one()
        except InputRefused as fault:
            problems.extend(fault.problems)
            return None
        taken.extend(made if isinstance(made, list) else [made])
        return taken[-1] if taken else None

    known: set[str] | None = set(known_cases)
    if cases:
        told = take(lambda: take_cases(cases, facts, known_open=known_open, limits=limits, progress=progress))
        # Where cases.csv is refused, the events are still read for what else is wrong with them.
        known = {*known_cases, *(case.ref for case in told.cases)} if told else None
    if events:
        checked = partial(take_events, events, words, known_cases=known, facts=facts, now=now)
        take(lambda: checked(limits=limits, progress=progress))
    staff = partial(take_staff, roles, people=people, absences=absences, known_people=known_people)
    take(lambda: staff(limits=limits, progress=progress))
    if problems:
        raise InputRefused(problems)
    return together(taken)


def together(intakes: Iterable[Intake]) -> Intake:
    """Put what several files say into one value."""
    listed = list(intakes)
    return Intake(
        files=tuple(file for one in listed for file in one.files),
        cases=tuple(case for one in listed for case in one.cases),
        personal={case: fields for one in listed for case, fields in one.personal.items()},
        events=tuple(event for one in listed for event in one.events),
        corrections=tuple(correction for one in listed for correction in one.corrections),
        people=tuple(person for one in listed for person in one.people),
        unread_people=frozenset(id_ for one in listed for id_ in one.unread_people),
        absences=tuple(absence for one in listed for absence in one.absences),
        unchanged=sum(one.unchanged for one in listed),
        set_aside=tuple(problem for one in listed for problem in one.set_aside),
        unmapped=tuple(value for one in listed for value in one.unmapped),
        warnings=tuple(warning for one in listed for warning in one.warnings),
        words=frozenset(word for one in listed for word in one.words),
    )


# ---- the guards


def _guard(rows: Table, limits: Limits) -> None:
    """Refuse a file of which too many rows are bad."""
    bad = rows.bad.count
    if bad * 100 > rows.count * limits.bad_percent:
        text = (
            f"{bad:,} of {rows.count:,} rows are bad, more than {limits.bad_percent}%; nothing was taken in, "
            "and what was there before stays: correct the rows that follow, or the mapping"
        )
        refuse([Problem(rows.name, None, text), *rows.bad.sentences()])


def _guard_gone(rows: Table, known_open: Collection[str], told: Collection[str], limits: Limits) -> None:
    """Refuse a file that no longer names too many of the open cases."""
    gone = sum(ref not in told for ref in known_open)
    if gone * 100 > len(known_open) * limits.gone_percent and not limits.believed:
        text = (
            f"{gone:,} of the {len(known_open):,} open cases are not in this file, more than {limits.gone_percent}%; "
            f"nothing was taken in, and what was there before stays: give the whole extract, or {BELIEVE}"
        )
        refuse([Problem(rows.name, None, text), *rows.bad.sentences()])


def _guard_compared(rows: Table, mapping: StepMapping, found: Comparison, limits: Limits) -> None:
    """Refuse an extract by which too much of what was recorded would vanish, would change, or means nothing now."""
    vanished = found.missing if mapping.retract_missing else 0
    asked = (
        (vanished, limits.vanished_percent, "are not in this file any more", "did it arrive whole?"),
        (
            found.changed,
            limits.changed_percent,
            "say something else now",
            "were its columns moved, its dates or its time zone changed, or is it another council's?",
        ),
        (
            found.strange,
            limits.changed_percent,
            "stand under a type or a status that the mapping does not name",
            f"complete {mapping.file}",
        ),
    )
    for count, percent, what, ask in asked:
        if count >= limits.few and count * 100 > found.live * percent and not limits.believed:
            text = (
                f"{count:,} of the {found.live:,} recorded events {what}, more than {percent}%; nothing was taken in, "
                f"and what was there before stays: {ask} If all is right, {BELIEVE}"
            )
            refuse([Problem(rows.name, None, text)])


def _taken(rows: Table) -> FileTaken:
    return FileTaken(rows.name, rows.digest, rows.count, rows.bad.count, rows.ended_open)


def _cut_off(rows: Table) -> list[str]:
    if not rows.ended_open:
        return []
    return [f"{rows.name}: the last line has no line break at its end; check that the file arrived whole"]


def _compared(name: str, scan: StepScan, mapping: StepMapping, found: Comparison) -> list[str]:
    said = []
    if found.corrections:
        withdrawn = sum(correction.anew is None for correction in found.corrections)
        changed = len(found.corrections) - withdrawn
        said.append(f"{name}: recorded events that the source has changed: {changed:,}, withdrawn: {withdrawn:,}")
    if found.kept_retracted:
        said.append(f"{name}: events that were retracted by hand, and stay so: {found.kept_retracted:,}")
    if found.missing:
        done = "retracted" if mapping.retract_missing else "kept"
        said.append(
            f"{name}: recorded events whose step is not in this file any more: {found.missing:,}; they are {done}"
        )
    if found.strange:
        said.append(
            f"{name}: recorded events whose step has a type or status unknown now, and that stay: {found.strange:,}"
        )
    if scan.unmapped:
        count = sum(value.count for value in scan.unmapped)
        said.append(f"{name}: values without a mapping in {mapping.file}: {count:,}; they are listed with their counts")
    return said
