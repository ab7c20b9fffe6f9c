"""The machine contract: `timeline` and `forecast` from files alone, with no database and no configuration.

A large caseload is shared out among the processors; the answer is written case by case, and never held whole.
"""

import gc
import json
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, TextIO, TypeVar

from ehscheduler.core.actions import Action, actions, check_actions, meeting_actions
from ehscheduler.core.calendars import Calendar, end_of_day, london_day
from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case, Event, read_moment
from ehscheduler.core.explain import timeline_row
from ehscheduler.core.meetings import lost_warnings
from ehscheduler.core.policy import Policy
from ehscheduler.core.saying import london_iso
from ehscheduler.core.workload import Holding, crossings, limit_actions, said
from ehscheduler.errors import EhsError, InputRefused
from ehscheduler.intake.contract import read_contract
from ehscheduler.plugins import Authority, load

SHARED_FROM = 400
"""From this many cases on, starting more processes costs less than it saves."""
CHUNK = 200

Events = Mapping[str, Sequence[Event]]
T = TypeVar("T")
U = TypeVar("U")


@dataclass(frozen=True, slots=True)
class Caseload:
    """All that one answer is worked out from."""

    authority: Authority
    cases: Sequence[Case]
    events: Events

    def as_of(self, day: date) -> "Caseload":
        return replace(self, authority=self.authority.as_of(day))

    @property
    def policy(self) -> Policy:
        return self.authority.policy

    @property
    def calendar(self) -> Calendar:
        return self.authority.calendar


@dataclass(frozen=True, slots=True)
class Part:
    """What one case adds to the answer: its rows as JSON texts, and its problems and warnings."""

    rows: tuple[str, ...]
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    holdings: tuple[Holding, ...] = ()


def instant(text: str, option: str) -> datetime:
    """Read an instant given on the command line; a bare date is its last second."""
    try:
        moment, dated, day = read_moment(text)
    except ValueError as fault:
        raise InputRefused([f"{option}: {fault}"]) from None
    return end_of_day(day) if dated else moment


def start_instant(text: str, option: str) -> datetime:
    """Read an instant given on the command line; a bare date is its first second."""
    try:
        return read_moment(text)[0]
    except ValueError as fault:
        raise InputRefused([f"{option}: {fault}"]) from None


def read_caseload(authority: str, cases: Path, events: Path) -> Caseload:
    """Load an authority's plugin and its two files; raise Refused with every fault."""
    loaded = load(authority)
    policy = loaded.policy
    found, happened = read_contract(cases, events, facts=policy.facts, words=policy.recorded_words())
    return Caseload(loaded, sorted(found, key=lambda case: case.ref), happened)


def write_timeline(out: TextIO, authority: str, cases: Path, events: Path, at: str) -> int:
    """Write the timeline of every case as JSON; return the exit code."""
    with _no_search_for_circles():
        return _write_timeline(out, authority, cases, events, at)


def _write_timeline(out: TextIO, authority: str, cases: Path, events: Path, at: str) -> int:
    head = {"authority": authority, "edition": None, "as_of": at}
    try:
        moment, caseload = _all_or_faults(lambda: instant(at, "--at"), lambda: read_caseload(authority, cases, events))
    except EhsError as error:
        return _write(out, head, "milestones", [], [Part((), tuple(str(error).splitlines()), ())])
    day = london_day(moment)
    caseload = caseload.as_of(day)
    head = {**head, "edition": caseload.policy.edition, "as_of": london_iso(moment)}
    standing = [*policy_warnings(caseload.policy, day), *lost_warnings(caseload.policy, caseload.calendar, day)]
    return _write(out, head, "milestones", standing, _with_workload(caseload, _parts(caseload, _timeline_part(moment))))


@contextmanager
def _no_search_for_circles() -> Iterator[None]:
    """Leave the collector off: nothing here goes round in circles, and looking for them costs a third of the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def write_forecast(out: TextIO, authority: str, cases: Path, events: Path, since: str, until: str) -> int:
    """Write every notice from `since` (included) to `until` (excluded) as JSON; return the exit code."""
    head = {"authority": authority, "from": since, "until": until}
    try:
        (first, last), caseload = _all_or_faults(
            lambda: _stretch(since, until), lambda: read_caseload(authority, cases, events)
        )
    except EhsError as error:
        return _write(out, head, "notices", [], [Part((), tuple(str(error).splitlines()), ())])
    caseload = caseload.as_of(london_day(first))
    head = {**head, "from": london_iso(first), "until": london_iso(last)}
    parts = list(_parts(caseload, _forecast_part(first, last)))
    # Every row begins with its instant in UTC, which is taken off once they stand in order.
    over = crossings(caseload.policy, (h for part in parts for h in part.holdings), {})
    told = [_timed(action) for action in limit_actions(over) if first <= action.at < last]
    told += map(_timed, meeting_actions(caseload.policy, caseload.calendar, since=first, until=last))
    rows = sorted([*(row for part in parts for row in part.rows), *told])
    rest = Part(
        tuple(row.split("\t", 1)[1] for row in rows),
        tuple(problem for part in parts for problem in part.problems),
        tuple(warning for part in parts for warning in part.warnings),
    )
    return _write(out, head, "notices", policy_warnings(caseload.policy, london_day(first)), [rest])


def _stretch(since: str, until: str) -> tuple[datetime, datetime]:
    first, last = start_instant(since, "--from"), start_instant(until, "--until")
    if last < first:
        raise InputRefused(["--until lies before --from; swap them"])
    return first, last


def _all_or_faults(one: Callable[[], T], other: Callable[[], U]) -> tuple[T, U]:
    """Ask two questions, and where either is refused say what is wrong with both."""
    faults: list[str] = []
    answers: list[Any] = []
    for ask in (one, other):
        try:
            answers.append(ask())
        except EhsError as error:
            faults += str(error).splitlines()
    if faults:
        raise InputRefused(faults)
    return answers[0], answers[1]


def _write(out: TextIO, head: Mapping[str, Any], name: str, standing: Sequence[str], parts: Iterable[Part]) -> int:
    problems: list[str] = []
    warnings = list(standing)
    out.write(json.dumps(head, ensure_ascii=False)[:-1] + f', "{name}": [')
    separator = "\n"
    for part in parts:
        problems += part.problems
        warnings += part.warnings
        for row in part.rows:
            out.write(separator + row)
            separator = ",\n"
    tail = {"problems": problems, "warnings": warnings}
    out.write("\n], " + json.dumps(tail, ensure_ascii=False)[1:] + "\n")
    return 1 if problems else 0


def _with_workload(caseload: Caseload, parts: Iterable[Part]) -> Iterator[Part]:
    """Pass the cases' parts on, and then say whose work went over a limit."""
    held: list[Holding] = []
    for part in parts:
        held += part.holdings
        yield part
    yield Part((), (), tuple(said(one) for one in crossings(caseload.policy, held, {})))


# ---- one case


def _timeline_part(moment: datetime) -> Callable[[Caseload, Case], Part]:
    def part(caseload: Caseload, case: Case) -> Part:
        found = evaluated(caseload, case, moment)
        rows = (timeline_row(m, caseload.policy, caseload.calendar) for m in found.milestones)
        return Part(tuple(map(_dump, rows)), found.problems, found.warnings, found.holdings)

    return part


def told(caseload: Caseload, since: datetime, until: datetime) -> list[Action]:
    """Return every notice of a caseload from `since` until `until`, in order of time."""
    found = [
        action
        for case in caseload.cases
        for action in heard_of(caseload, evaluated(caseload, case, since, until), since, until)
    ]
    return sorted(found, key=lambda action: (action.at, action.case, action.key))


def heard_of(caseload: Caseload, found: Evaluation, since: datetime, until: datetime) -> list[Action]:
    """Return what would be told about one case: its milestones' notices, and the checks that failed."""
    told = actions(caseload.policy, caseload.calendar, found.milestones, since=since, until=until)
    failed = [action for action in check_actions(found.findings) if since <= action.at < until]
    return [*(action for action in told if not action.kept), *failed]


def _timed(action: Action) -> str:
    """Write a notice behind its instant in UTC, so that texts stand in order of time."""
    return f"{action.at:%Y%m%d%H%M%S}\t{_dump(notice_row(action))}"


def _forecast_part(since: datetime, until: datetime) -> Callable[[Caseload, Case], Part]:
    def part(caseload: Caseload, case: Case) -> Part:
        found = evaluated(caseload, case, since, until)
        heard = heard_of(caseload, found, since, until)
        rows = tuple(_timed(action) for action in heard)
        return Part(rows, found.problems, found.warnings, found.holdings)

    return part


def evaluated(caseload: Caseload, case: Case, moment: datetime, horizon: datetime | None = None) -> Evaluation:
    """Work out one case of a caseload as it is known at a moment, and what begins by the horizon by time alone."""
    events = caseload.events.get(case.ref, ())
    return evaluate(caseload.policy, caseload.calendar, case, events, moment, horizon=horizon)


def notice_row(action: Action) -> dict[str, Any]:
    """Return a notice as the machine contract prints it (design 9)."""
    return {
        "at": london_iso(action.at),
        "kind": action.kind,
        "case": action.case or None,
        "rule": action.rule,
        "key": action.key,
        "stage": action.stage,
        "to_roles": list(action.to_roles),
        "clause": action.clause,
    }


_dump = json.JSONEncoder(ensure_ascii=False, check_circular=False).encode


def policy_warnings(policy: Policy, today: date) -> list[str]:
    """Say what a reader of any of this policy's dates has to know."""
    warnings = []
    if policy.review_by and today > policy.review_by:
        warnings.append(f"{policy.file}: the edition was to be reviewed by {policy.review_by.isoformat()}")
    unsigned = [reading.id for reading in policy.readings.values() if not reading.signed_by]
    if unsigned:
        warnings.append(f"{policy.file}: the council has not signed these readings: {', '.join(sorted(unsigned))}")
    for reading in policy.readings.values():
        if reading.open and (waiting := policy.resting_on(reading.id)):
            warnings.append(f"{policy.file}: nobody has answered {reading.id}, on which {', '.join(waiting)} rest")
    return warnings


# ---- many cases, several processes

_shared: tuple[Caseload, Callable[[Caseload, Case], Part]] | None = None


def _parts(caseload: Caseload, part: Callable[[Caseload, Case], Part]) -> Iterator[Part]:
    workers = min(os.cpu_count() or 1, 8)
    if len(caseload.cases) < SHARED_FROM or workers < 2 or "fork" not in multiprocessing.get_all_start_methods():
        for case in caseload.cases:
            yield part(caseload, case)
        return
    yield from _shared_out(caseload, part, workers)


def _shared_out(caseload: Caseload, part: Callable[[Caseload, Case], Part], workers: int) -> Iterator[Part]:
    """Fork workers that read the caseload where it lies; only their answers travel."""
    global _shared
    _shared = (caseload, part)
    gc.freeze()  # what is read is never freed, and the workers share its pages only while nobody counts it over
    try:
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            starts = range(0, len(caseload.cases), CHUNK)
            for chunk in pool.imap(_chunk, starts):
                yield from chunk
    finally:
        _shared = None
        gc.unfreeze()


def _chunk(start: int) -> list[Part]:
    assert _shared is not None  # noqa: S101 - set before the fork
    caseload, part = _shared
    return [part(caseload, case) for case in caseload.cases[start : start + CHUNK]]
