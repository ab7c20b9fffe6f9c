"""The verbs a person has: record, correct, relax, hold, resume, close, and take files in. One transaction each.

Every act is an event, a row of the trail, or both; none edits what was recorded before.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ehscheduler.core.calendars import london_day
from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case, Event, event_id, read_moment
from ehscheduler.core.history import typed
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import InputRefused
from ehscheduler.intake.guard import Intake, take_contract, take_steps
from ehscheduler.intake.mapping import StepMapping, read_mapping
from ehscheduler.intake.rows import Progress
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import clear_alarm, raise_alarm
from ehscheduler.store.cases import case_refs, facts_of, put_cases, wake
from ehscheduler.store.events import Clash, add_events, events_from, events_of
from ehscheduler.store.imports import RowSetAside, finish_import, set_rows_aside, start_import
from ehscheduler.store.people import put_people
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.store import Store
from ehscheduler.store.trail import append_trail
from ehscheduler.store.turns import open_cases
from ehscheduler.store.tx import Tx

SOURCE = "office"
"""The source of what people record by hand."""
FIRST_IMPORT = "first_import_on"
"""The day of the first import: what was overdue before it is never escalated, unless config names a day."""


# ---- cases as they stand


def case_from(tx: Tx, authority: Authority, case_ref: str) -> Case:
    """Read a case with all its facts, typed; raise InputRefused where there is none of that reference."""
    facts = facts_of(tx, authority.name, case_ref)
    if facts is None:
        raise InputRefused([_no_case(tx, authority, case_ref)])
    kinds = authority.policy.facts
    return Case(case_ref, {name: typed(kinds[name], value) for name, value in facts.items() if name in kinds})


def _no_case(tx: Tx, authority: Authority, case_ref: str) -> str:
    known = case_refs(tx, authority.name)
    return f"{authority.name} has no case {case_ref!r}{nearest(case_ref, known)}"


def evaluation_of(tx: Tx, authority: Authority, case_ref: str, now: datetime) -> Evaluation:
    """Work out how a case stands at `now` from what is stored."""
    case = case_from(tx, authority, case_ref)
    return evaluate(authority.policy, authority.calendar, case, events_of(tx, authority.name, case_ref), now)


# ---- acts


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did: the event as it was recorded, and whether it was known already."""

    event: Event
    known: bool


def record(
    store: Store,
    authority: Authority,
    case_ref: str,
    word: str,
    *,
    at: str,
    now: datetime,
    by: str,
    ref: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Act:
    """Record that something happened on a case at a date or an instant, London time unless it says otherwise."""
    words = authority.policy.recorded_words()
    if word not in words:
        raise InputRefused([f"no event {word!r} can be recorded{nearest(word, words)}"])
    made = _event(case_ref, word, at, now, ref, detail or {})
    if made.moment > now:
        raise InputRefused([f"{at} lies ahead; record what has happened, when it has happened"])
    with store.begin() as tx:
        case_from(tx, authority, case_ref)
        return _add(tx, authority, made, act="record", now=now, by=by)


def correct(
    store: Store, authority: Authority, case_ref: str, event: str, *, at: str | None, now: datetime, by: str, why: str
) -> list[Act]:
    """Withdraw an event, and with `at` record it anew at another time; what was recorded before stays on record."""
    with store.begin() as tx:
        case_from(tx, authority, case_ref)
        standing = {e.id: e for e in events_of(tx, authority.name, case_ref)}
        wrong = standing.get(event)
        if wrong is None:
            raise InputRefused([f"case {case_ref!r} has no event {event!r}{nearest(event, list(standing))}"])
        gone = _event(case_ref, "retracted", now.isoformat(), now, None, {"event": event})
        acts = [_add(tx, authority, gone, act="correct", now=now, by=by, why=why)]
        if at is not None:
            anew = _event(case_ref, wrong.word, at, now, wrong.ref, wrong.detail)
            if anew.moment > now:
                raise InputRefused([f"{at} lies ahead; record what has happened, when it has happened"])
            acts.append(_add(tx, authority, anew, act="correct", now=now, by=by, why=why))
        return acts


def relax(
    store: Store,
    authority: Authority,
    case_ref: str,
    rules: Sequence[str],
    *,
    until: date,
    by_role: str,
    reason: str,
    now: datetime,
    by: str,
) -> Act:
    """Agree a later limit for rules of a case; refused where the clause, the date or the rank does not allow it."""
    policy = authority.policy
    unknown = [f"no rule {rule!r}{nearest(rule, list(policy.rules))}" for rule in rules if rule not in policy.rules]
    if by_role not in policy.roles:
        unknown.append(f"no role {by_role!r}{nearest(by_role, list(policy.roles))}")
    if unknown:
        raise InputRefused(unknown)
    detail = {"rules": list(rules), "until": until.isoformat(), "by_role": by_role, "reason": reason}
    made = _event(case_ref, "relaxation_agreed", now.isoformat(), now, None, detail)
    with store.begin() as tx:
        case = case_from(tx, authority, case_ref)
        events = events_of(tx, authority.name, case_ref)
        found = evaluate(policy, authority.calendar, case, [*events, made], now)
        refused = [
            warning for warning in found.warnings if "moves nothing" in warning and made.day.isoformat() in warning
        ]
        moved = {m.rule for m in found.milestones if any(c.event.id == made.id for c in m.changes)}
        refused += [f"{case_ref}: {rule} has no open milestone to relax" for rule in rules if rule not in moved]
        if refused:
            raise InputRefused(list(dict.fromkeys(refused)))
        return _add(tx, authority, made, act="relax", now=now, by=by)


def hold(
    store: Store, authority: Authority, case_ref: str, *, at: str | None, reason: str, now: datetime, by: str
) -> Act:
    """Put a case on hold from an instant on; its clocks stop, except those that run through the reason."""
    return _turn(store, authority, case_ref, "hold_started", at=at, now=now, by=by, detail={"reason": reason})


def resume(store: Store, authority: Authority, case_ref: str, *, at: str | None, now: datetime, by: str) -> Act:
    """End a case's hold; its clocks go on from where they stood."""
    return _turn(store, authority, case_ref, "hold_ended", at=at, now=now, by=by, detail={})


def close(
    store: Store, authority: Authority, case_ref: str, *, at: str | None, reason: str, now: datetime, by: str
) -> Act:
    """Close a case; what is unmet is cancelled, except rules that run through closure."""
    return _turn(store, authority, case_ref, "closed", at=at, now=now, by=by, detail={"reason": reason})


def _turn(
    store: Store,
    authority: Authority,
    case_ref: str,
    word: str,
    *,
    at: str | None,
    now: datetime,
    by: str,
    detail: Mapping[str, Any],
) -> Act:
    """Record a turn of the case, unless it would be odd: a hold on a hold, an end of no hold, a second closure."""
    made = _event(case_ref, word, at or now.isoformat(), now, None, detail)
    if made.moment > now:
        raise InputRefused([f"{at} lies ahead; record what has happened, when it has happened"])
    with store.begin() as tx:
        case = case_from(tx, authority, case_ref)
        events = events_of(tx, authority.name, case_ref)
        before = evaluate(authority.policy, authority.calendar, case, events, now)
        if word == "closed" and before.closed_on:
            raise InputRefused([f"{case_ref}: is closed already, since {before.closed_on.isoformat()}"])
        after = evaluate(authority.policy, authority.calendar, case, [*events, made], now)
        odd = [warning for warning in after.warnings if warning not in before.warnings]
        if odd and made.id not in {e.id for e in events}:
            raise InputRefused(odd)
        return _add(tx, authority, made, act=word, now=now, by=by)


def _event(case_ref: str, word: str, at: str, now: datetime, ref: str | None, detail: Mapping[str, Any]) -> Event:
    try:
        moment, dated, day = read_moment(at)
    except ValueError as fault:
        raise InputRefused([f"--at: {fault}"]) from None
    text = json.dumps(detail, sort_keys=True, ensure_ascii=False)
    return Event(
        event_id(case_ref, word, at, ref or "", text), case_ref, word, moment, dated, day, now, ref, dict(detail)
    )


def _add(tx: Tx, authority: Authority, made: Event, *, act: str, now: datetime, by: str, why: str = "") -> Act:
    known = {e.id for e in events_of(tx, authority.name, made.case)}
    if made.id in known:
        return Act(made, True)
    add_events(tx, authority.name, [made], source=SOURCE, now=now, entered_by=by)
    said = {"event": made.id, "word": made.word, **({"why": why} if why else {})}
    append_trail(tx, authority.name, at=now, who=by, act=act, case_ref=made.case, detail=said)
    return Act(made, False)


# ---- files


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
    policy = authority.policy
    names = [path.name for path in (cases, events, people, steps) if path]
    try:
        if steps is not None:
            if mapping is None:
                raise InputRefused(["--steps needs --mapping: a file that says what each step means"])
            source, intake = _read_steps(store, authority, steps, mapping, now, progress)
        else:
            source = "contract"
            with store.read() as tx:
                known = case_refs(tx, authority.name)
            intake = take_contract(
                facts=policy.facts,
                words=policy.recorded_words(),
                roles=policy.roles,
                now=now,
                cases=cases,
                events=events,
                people=people,
                known_cases=known,
                known_open=_open_cases(store, authority, source) if cases else (),
                progress=progress,
            )
    except InputRefused as refusal:
        _refuse(store, authority, names, refusal, now=now, by=by)
        raise
    return _put(store, authority, intake, source, now=now, by=by)


def _read_steps(
    store: Store, authority: Authority, steps: Path, mapping: Path, now: datetime, progress: Progress | None
) -> tuple[str, Intake]:
    policy = authority.policy
    meaning: StepMapping = read_mapping(mapping, policy.facts, policy.recorded_words())
    with store.read() as tx:
        recorded = events_from(tx, authority.name, meaning.source)
    intake = take_steps(
        steps,
        meaning,
        policy.facts,
        now=now,
        recorded=recorded,
        known_open=_open_cases(store, authority, meaning.source),
        progress=progress,
    )
    return meaning.source, intake


def _open_cases(store: Store, authority: Authority, source: str) -> set[str]:
    with store.read() as tx:
        return open_cases(tx, authority.name, source=source)


def _put(store: Store, authority: Authority, intake: Intake, source: str, *, now: datetime, by: str) -> Taken:
    """Store what was read, all in one transaction."""
    name = authority.name
    with store.begin() as tx:
        import_id = _note_files(tx, name, intake, source, now)
        cases = put_cases(tx, name, intake.cases, source=source, read_at=now, now=now, personal=intake.personal)
        added = add_events(tx, name, intake.all_events, source=source, now=now, entered_by=by, import_id=import_id)
        if intake.people:
            put_people(tx, name, intake.people, on=london_day(now), import_id=import_id)
            wake(tx, name, None, now=now)
        if intake.cases and state_of(tx, name, FIRST_IMPORT) is None:
            put_state(tx, name, FIRST_IMPORT, london_day(now).isoformat())
        said = {"files": [file.name for file in intake.files], "rows": intake.rows, "events": added.added}
        append_trail(tx, name, at=now, who=by, act="import", detail=said)
        _tell_operator(tx, name, intake, added.clashes, now)
    return Taken(
        intake, len(cases.added), len(cases.changed), added.added, added.same, tuple(added.clashes), len(intake.people)
    )


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


def _tell_operator(tx: Tx, name: str, intake: Intake, clashes: Sequence[Clash], now: datetime) -> None:
    for file in intake.files:
        clear_alarm(tx, name, code="feed", subject=file.name, at=now)
        if file.set_aside:
            text = f"{file.name}: {file.set_aside} of {file.rows} rows were set aside; correct them and import again"
            raise_alarm(tx, name, code="rows set aside", subject=file.name, text=text, at=now)
        else:
            clear_alarm(tx, name, code="rows set aside", subject=file.name, at=now)
    for clash in clashes:
        text = (
            f"event {clash.event_id} came again with other content ({', '.join(clash.differs)}); the first one stands"
        )
        raise_alarm(tx, name, code="event clash", subject=clash.event_id, text=text, at=now)


def _refuse(
    store: Store, authority: Authority, names: Sequence[str], refusal: InputRefused, *, now: datetime, by: str
) -> None:
    """Note a refusal and tell the operator; what was there before stays."""
    said = {"files": list(names), "faults": len(refusal.faults)}
    with store.begin() as tx:
        append_trail(tx, authority.name, at=now, who=by, act="import refused", detail=said)
        for name in names:
            text = f"{name} was refused, and the last good state stands: {refusal.faults[0]}"
            raise_alarm(tx, authority.name, code="feed", subject=name, text=text, at=now)
