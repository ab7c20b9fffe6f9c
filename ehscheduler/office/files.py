"""Files that are taken in: all or none, in one transaction; a refusal leaves the last good state."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from ehscheduler.core.calendars import london_day
from ehscheduler.errors import InputRefused
from ehscheduler.intake.guard import Intake, Limits, take_contract, take_staff, take_steps, together
from ehscheduler.intake.mapping import StepMapping, read_mapping
from ehscheduler.intake.rows import Progress
from ehscheduler.office.staff import refuse_broken
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import alarms, clear_alarm, raise_alarm
from ehscheduler.store.cases import case_refs, hold_cases, put_cases, wake
from ehscheduler.store.events import Clash, add_events, events_from
from ehscheduler.store.holdings import counted
from ehscheduler.store.imports import RowSetAside, finish_import, set_rows_aside, start_import
from ehscheduler.store.people import people_of, put_absences, put_people
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.store import Store
from ehscheduler.store.trail import append_trail
from ehscheduler.store.turns import open_cases
from ehscheduler.store.tx import Tx
from ehscheduler.store.words import note_mapped

CONTRACT = "contract"
"""The source of the machine contract's files."""
OF_PEOPLE = ("nobody", "unfilled", "refused")
"""Alarms that a new staff feed may have put right."""
FIRST_IMPORT = "first_import_on"
"""The day of the first import: what was overdue before it is never escalated, unless config names a day."""


Guard = Callable[[Tx, str, Intake], None]
Files = Mapping[str, Path | None]
"""The files of an import by their kind; None for one that was not given."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import did: the intake as read, and how the store took it."""

    intake: Intake
    cases_added: int
    cases_changed: int
    events_added: int
    events_known: int
    clashes: tuple[Clash, ...]
    people: int
    absences: int


def take_files(
    store: Store,
    authority: Authority,
    *,
    now: datetime,
    by: str,
    cases: Path | None = None,
    events: Path | None = None,
    people: Path | None = None,
    absences: Path | None = None,
    steps: Path | None = None,
    mapping: Path | None = None,
    leavers: int = 0,
    nobody_away: bool = False,
    believe: bool = False,
    guard: Guard | None = None,
    progress: Progress | None = None,
) -> Taken:
    """Take a council's files in, all or none; a refusal is noted, is an alarm, and leaves the last good state.

    `leavers` says that so many people leave with this staff feed, `nobody_away` that nobody is away or will be;
    `believe` that somebody has looked, and cases or events that are gone, or many that changed, are meant so.
    `guard` is asked before anything is stored, in the same transaction, and raises InputRefused.
    """
    limits = Limits(believed=believe)
    kinds = {"cases": cases, "events": events, "people": people, "absences": absences, "steps": steps}
    try:
        if steps is None:
            source, intake = CONTRACT, _read_contract(store, authority, kinds, limits, now, progress)
        elif cases or events:
            raise InputRefused(["--steps tells of cases and events itself; give it, or --cases and --events"])
        else:
            source, intake = _read_extract(store, authority, kinds, mapping, limits, now, progress)
        believed = partial(refuse_broken, files=kinds, on=london_day(now), leavers=leavers, nobody_away=nobody_away)
        asked = (believed, guard) if guard else (believed,)
        return _put(store, authority, intake, source, kinds, asked, now=now, by=by)
    except InputRefused as refusal:
        _refuse(store, authority, _names(kinds), refusal, now=now, by=by)
        raise


class _Given(dict[str, str]):
    """The kind of each file that was given, by its name; what has another name is a table of the extract."""

    def __missing__(self, name: str) -> str:
        return "steps"


def _names(files: Files) -> dict[str, str]:
    return _Given({path.name: kind for kind, path in files.items() if path})


def _read_contract(
    store: Store, authority: Authority, files: Files, limits: Limits, now: datetime, progress: Progress | None
) -> Intake:
    policy = authority.policy
    with store.read() as tx:
        known = case_refs(tx, authority.name)
    return take_contract(
        facts=policy.facts,
        words=policy.recorded_words(),
        roles=policy.roles,
        now=now,
        cases=files["cases"],
        events=files["events"],
        people=files["people"],
        absences=files["absences"],
        known_people=_known_people(store, authority),
        known_cases=known,
        known_open=_open_cases(store, authority, CONTRACT) if files["cases"] else (),
        limits=limits,
        progress=progress,
    )


def _read_extract(
    store: Store,
    authority: Authority,
    files: Files,
    mapping: Path | None,
    limits: Limits,
    now: datetime,
    progress: Progress | None,
) -> tuple[str, Intake]:
    """Read an extract by its mapping, and the staff files beside it; where one is refused, all are."""
    policy, steps = authority.policy, files["steps"]
    assert steps is not None  # noqa: S101 - asked where there is one
    if mapping is None:
        raise InputRefused(["--steps needs --mapping: a file that says what each step means"])
    faults: list[str] = []
    taken: list[Intake] = []
    source = ""
    try:
        meaning: StepMapping = read_mapping(mapping, policy.facts, policy.recorded_words())
        source = meaning.source
        taken.append(_read_steps(store, authority, steps, meaning, limits, now, progress))
    except InputRefused as refusal:
        faults += refusal.faults
    try:
        known = _known_people(store, authority)
        staff = partial(take_staff, policy.roles, people=files["people"], absences=files["absences"])
        taken += staff(known_people=known, progress=progress)
    except InputRefused as refusal:
        faults += refusal.faults
    if faults:
        raise InputRefused(faults)
    return source, together(taken)


def _read_steps(
    store: Store,
    authority: Authority,
    steps: Path,
    meaning: StepMapping,
    limits: Limits,
    now: datetime,
    progress: Progress | None,
) -> Intake:
    with store.read() as tx:
        recorded = events_from(tx, authority.name, meaning.source)
    return take_steps(
        steps,
        meaning,
        authority.policy.facts,
        now=now,
        recorded=recorded,
        known_open=_open_cases(store, authority, meaning.source),
        limits=limits,
        progress=progress,
    )


def _known_people(store: Store, authority: Authority) -> set[str]:
    """Return everybody who works here or did: a cover may stand for somebody who has left."""
    with store.read() as tx:
        return {person.person_id for person in people_of(tx, authority.name)}


def _open_cases(store: Store, authority: Authority, source: str) -> set[str]:
    with store.read() as tx:
        return open_cases(tx, authority.name, source=source)


def _put(
    store: Store,
    authority: Authority,
    intake: Intake,
    source: str,
    files: Files,
    guards: Sequence[Guard],
    *,
    now: datetime,
    by: str,
) -> Taken:
    """Store what was read, all in one transaction; a guard raises InputRefused for what is not to be stored."""
    name = authority.name
    with store.begin() as tx:
        for guard in guards:
            guard(tx, name, intake)
        hold_cases(tx, name, {case.ref for case in intake.cases} | {event.case for event in intake.all_events})
        import_id = _note_files(tx, name, intake, source, _names(files), now)
        cases = put_cases(tx, name, intake.cases, source=source, read_at=now, now=now, personal=intake.personal)
        added = add_events(tx, name, intake.all_events, source=source, now=now, entered_by=by, import_id=import_id)
        if intake.words:
            note_mapped(tx, name, source, intake.words)
        if intake.people:
            today, unread = london_day(now), intake.unread_people
            put_people(tx, name, intake.people, on=today, import_id=import_id, unread=unread)
        if files["absences"]:
            put_absences(tx, name, intake.absences, import_id=import_id)
        if files["people"] or files["absences"]:
            _people_came(tx, name, now)
        if intake.cases and state_of(tx, name, FIRST_IMPORT) is None:
            put_state(tx, name, FIRST_IMPORT, london_day(now).isoformat())
        said = {"files": [file.name for file in intake.files], "rows": intake.rows, "events": added.added}
        append_trail(tx, name, at=now, who=by, act="import", detail=said)
        _tell_operator(tx, name, intake, added.clashes, _names(files), now)
    counts = len(cases.added), len(cases.changed), added.added, added.same
    return Taken(intake, *counts, tuple(added.clashes), len(intake.people), len(intake.absences))


def _people_came(tx: Tx, name: str, now: datetime) -> None:
    """Look at every case anew; who still has nobody to hear of it raises the alarm again.

    One of today that the operator has not heard stays: a feed that comes again after a crash must not silence it.
    """
    wake(tx, name, None, now=now)
    counted(tx, name, None)  # shares and roles may be others
    for alarm in alarms(tx, name, limit=100_000):
        heard = alarm.told_at is not None or london_day(alarm.at) < london_day(now)
        if alarm.code in OF_PEOPLE and heard:
            clear_alarm(tx, name, code=alarm.code, subject=alarm.subject, at=now)


def _note_files(tx: Tx, name: str, intake: Intake, source: str, given: Mapping[str, str], now: datetime) -> int:
    """Note each file that was read, and the rows that were set aside; return the first file's import id."""
    first = 0
    for file in intake.files:
        kind = given[file.name]
        id_ = start_import(tx, name, file=file.name, sha256=file.digest, kind=kind, source=source, read_at=now)
        finish_import(tx, name, id_, rows=file.rows, added=file.rows - file.set_aside, set_aside=file.set_aside)
        aside = [
            RowSetAside(problem.line or 0, problem.text) for problem in intake.set_aside if problem.file == file.name
        ]
        set_rows_aside(tx, name, id_, aside)
        first = first or id_
    return first


def _tell_operator(
    tx: Tx, name: str, intake: Intake, clashes: Sequence[Clash], given: Mapping[str, str], now: datetime
) -> None:
    """Raise what is wrong with a feed, and clear what is over; a feed goes by its kind, as file names may change."""
    for file in intake.files:
        kind = given[file.name]
        clear_alarm(tx, name, code="feed", subject=kind, at=now)
        if file.set_aside:
            text = f"{file.name}: {file.set_aside} of {file.rows} rows were set aside; correct them and import again"
            raise_alarm(tx, name, code="rows set aside", subject=kind, text=text, at=now)
        else:
            clear_alarm(tx, name, code="rows set aside", subject=kind, at=now)
    for clash in clashes:
        text = (
            f"event {clash.event_id} came again with other content ({', '.join(clash.differs)}); the first one stands"
        )
        raise_alarm(tx, name, code="event clash", subject=clash.event_id, text=text, at=now)


def _refuse(
    store: Store, authority: Authority, given: Mapping[str, str], refusal: InputRefused, *, now: datetime, by: str
) -> None:
    """Note a refusal and tell the operator; what was there before stays."""
    said = {"files": list(given), "faults": len(refusal.faults)}
    with store.begin() as tx:
        append_trail(tx, authority.name, at=now, who=by, act="import refused", detail=said)
        for name, kind in given.items():
            text = f"{name} was refused, and the last good state stands: {refusal.faults[0]}"
            raise_alarm(tx, authority.name, code="feed", subject=kind, text=text, at=now)
