"""Files that are taken in: all or none, in one transaction; a refusal leaves the last good state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ehscheduler.core.calendars import london_day
from ehscheduler.errors import InputRefused
from ehscheduler.intake.guard import Intake, take_contract, take_people, take_steps, together
from ehscheduler.intake.mapping import StepMapping, read_mapping
from ehscheduler.intake.rows import Progress
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import alarms, clear_alarm, raise_alarm
from ehscheduler.store.cases import case_refs, put_cases, wake
from ehscheduler.store.events import Clash, add_events, events_from
from ehscheduler.store.imports import RowSetAside, finish_import, set_rows_aside, start_import
from ehscheduler.store.people import people_of, put_people
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.store import Store
from ehscheduler.store.trail import append_trail
from ehscheduler.store.turns import open_cases
from ehscheduler.store.tx import Tx

CONTRACT = "contract"
"""The source of the machine contract's files."""
OF_PEOPLE = ("nobody", "unfilled")
"""Alarms that a new staff feed may have put right."""
FEW = 5
"""Fewer people may leave at once than this, whatever share of all they are."""
FIRST_IMPORT = "first_import_on"
"""The day of the first import: what was overdue before it is never escalated, unless config names a day."""


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


def take_files(
    store: Store,
    authority: Authority,
    *,
    now: datetime,
    by: str,
    cases: Path | None = None,
    events: Path | None = None,
    people: Path | None = None,
    steps: Path | None = None,
    mapping: Path | None = None,
    progress: Progress | None = None,
) -> Taken:
    """Take a council's files in, all or none; a refusal is noted, is an alarm, and leaves the last good state."""
    kinds = {"cases": cases, "events": events, "people": people, "steps": steps}
    given = {path.name: kind for kind, path in kinds.items() if path}
    try:
        if steps is None:
            source, intake = CONTRACT, _read_contract(store, authority, cases, events, people, now, progress)
        elif cases or events:
            raise InputRefused(["--steps tells of cases and events itself; give it, or --cases and --events"])
        else:
            source, intake = _read_extract(store, authority, steps, mapping, people, now, progress)
        _refuse_collapse(store, authority, intake)
    except InputRefused as refusal:
        _refuse(store, authority, given, refusal, now=now, by=by)
        raise
    return _put(store, authority, intake, source, given, now=now, by=by)


def _read_contract(
    store: Store,
    authority: Authority,
    cases: Path | None,
    events: Path | None,
    people: Path | None,
    now: datetime,
    progress: Progress | None,
) -> Intake:
    policy = authority.policy
    with store.read() as tx:
        known = case_refs(tx, authority.name)
    return take_contract(
        facts=policy.facts,
        words=policy.recorded_words(),
        roles=policy.roles,
        now=now,
        cases=cases,
        events=events,
        people=people,
        known_cases=known,
        known_open=_open_cases(store, authority, CONTRACT) if cases else (),
        progress=progress,
    )


def _read_extract(
    store: Store,
    authority: Authority,
    steps: Path,
    mapping: Path | None,
    people: Path | None,
    now: datetime,
    progress: Progress | None,
) -> tuple[str, Intake]:
    """Read an extract by its mapping, and the people beside it; where one is refused, both are."""
    policy = authority.policy
    if mapping is None:
        raise InputRefused(["--steps needs --mapping: a file that says what each step means"])
    faults: list[str] = []
    taken: list[Intake] = []
    source = ""
    try:
        meaning: StepMapping = read_mapping(mapping, policy.facts, policy.recorded_words())
        source = meaning.source
        taken.append(_read_steps(store, authority, steps, meaning, now, progress))
    except InputRefused as refusal:
        faults += refusal.faults
    try:
        if people:
            taken.append(take_people(people, policy.roles, progress=progress))
    except InputRefused as refusal:
        faults += refusal.faults
    if faults:
        raise InputRefused(faults)
    return source, together(taken)


def _read_steps(
    store: Store, authority: Authority, steps: Path, meaning: StepMapping, now: datetime, progress: Progress | None
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
        progress=progress,
    )


def _refuse_collapse(store: Store, authority: Authority, intake: Intake) -> None:
    """Refuse a staff feed without more than half of the people who work here now: then it is the feed that broke."""
    if not intake.people:
        return
    with store.read() as tx:
        here = {person.person_id for person in people_of(tx, authority.name) if person.valid_to is None}
    gone = here - {person.person_id for person in intake.people}
    if len(gone) >= FEW and 2 * len(gone) > len(here):
        raise InputRefused(
            [
                f"{len(gone)} of the {len(here)} people are not in this file, more than half; nothing was taken in, "
                "and what was there before stays: give the whole staff feed"
            ]
        )


def _open_cases(store: Store, authority: Authority, source: str) -> set[str]:
    with store.read() as tx:
        return open_cases(tx, authority.name, source=source)


def _put(
    store: Store,
    authority: Authority,
    intake: Intake,
    source: str,
    given: Mapping[str, str],
    *,
    now: datetime,
    by: str,
) -> Taken:
    """Store what was read, all in one transaction."""
    name = authority.name
    with store.begin() as tx:
        import_id = _note_files(tx, name, intake, source, now)
        cases = put_cases(tx, name, intake.cases, source=source, read_at=now, now=now, personal=intake.personal)
        added = add_events(tx, name, intake.all_events, source=source, now=now, entered_by=by, import_id=import_id)
        if intake.people:
            put_people(tx, name, intake.people, on=london_day(now), import_id=import_id)
            _people_came(tx, name, now)
        if intake.cases and state_of(tx, name, FIRST_IMPORT) is None:
            put_state(tx, name, FIRST_IMPORT, london_day(now).isoformat())
        said = {"files": [file.name for file in intake.files], "rows": intake.rows, "events": added.added}
        append_trail(tx, name, at=now, who=by, act="import", detail=said)
        _tell_operator(tx, name, intake, added.clashes, given, now)
    return Taken(
        intake, len(cases.added), len(cases.changed), added.added, added.same, tuple(added.clashes), len(intake.people)
    )


def _people_came(tx: Tx, name: str, now: datetime) -> None:
    """Look at every case anew; who still has nobody to hear of it raises the alarm again.

    One of today that the operator has not heard stays: a feed that comes again after a crash must not silence it.
    """
    wake(tx, name, None, now=now)
    for alarm in alarms(tx, name, limit=100_000):
        heard = alarm.told_at is not None or london_day(alarm.at) < london_day(now)
        if alarm.code in OF_PEOPLE and heard:
            clear_alarm(tx, name, code=alarm.code, subject=alarm.subject, at=now)


def _note_files(tx: Tx, name: str, intake: Intake, source: str, now: datetime) -> int:
    """Note each file that was read, and the rows that were set aside; return the first file's import id."""
    first = 0
    for file in intake.files:
        id_ = start_import(tx, name, file=file.name, sha256=file.digest, kind=source, source=source, read_at=now)
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
        kind = given.get(file.name, file.name)
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
