"""What shadow mode has shown: what would have been told to whom, and our dates beside the council's own, row by row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ehscheduler.core.calendars import london_day
from ehscheduler.core.differences import SAME, difference
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy
from ehscheduler.core.saying import london_iso
from ehscheduler.core.vocabulary import is_restricted
from ehscheduler.daemon.told import SHADOW
from ehscheduler.intake.due_dates import StepDue, due_dates
from ehscheduler.intake.mapping import StepMapping
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.store.cases import case_refs
from ehscheduler.store.events import events_of
from ehscheduler.store.notices import kept_notices
from ehscheduler.store.outbox import outbox
from ehscheduler.store.store import Store

EVERY = 1_000_000
CORRECTED = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldHear:
    """One notice that shadow mode kept back, and who would have had it (`person:ID` or `team:NAME`; () for nobody)."""

    at: datetime
    kind: str
    case: str
    milestone: str
    rule: str
    clause: str
    to: tuple[str, ...]
    to_roles: tuple[str, ...]

    def plain(self) -> Mapping[str, Any]:
        return asdict(self) | {"at": london_iso(self.at)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """One row of the council's extract with its due date beside ours; `why` groups the rows, `said` is the reason."""

    line: int
    step: str
    case: str
    type: str
    theirs: date | None
    ours: date | None
    milestone: str
    clause: str
    why: str
    said: str

    @property
    def differs(self) -> bool:
        return self.why != SAME

    def plain(self) -> Mapping[str, Any]:
        days = {"theirs": self.theirs, "ours": self.ours}
        return asdict(self) | {name: day.isoformat() if day else None for name, day in days.items()}


# ---- who would have heard


def would_hear(store: Store, authority: Authority, since: date | None, until: date | None) -> list[WouldHear]:
    """Return what shadow mode kept back whose time lay between two days (both included), in order of time."""
    name = authority.name
    with store.read() as tx:
        kept = [one for one in kept_notices(tx, name, limit=EVERY) if one.kept == SHADOW]
        to: dict[str, list[str]] = {}
        for row in outbox(tx, name, states=["dropped"], limit=EVERY):
            if row.why == SHADOW:
                to.setdefault(row.notice_key, []).append(row.recipient)
    chosen = [
        one
        for one in kept
        if (since is None or london_day(one.at) >= since) and (until is None or london_day(one.at) <= until)
    ]
    return [
        WouldHear(
            at=one.at,
            kind=one.kind,
            case=one.case_ref,
            milestone=one.milestone,
            rule=one.rule,
            clause=one.clause,
            to=tuple(sorted(set(to.get(one.key, ())))),
            to_roles=one.to_roles,
        )
        for one in sorted(chosen, key=lambda one: (one.at, one.case_ref, one.key))
    ]


def busiest(found: Iterable[WouldHear]) -> tuple[str, date, int] | None:
    """Return who would have had the most on one day, which day, and how many."""
    counts = Counter((to, london_day(one.at)) for one in found for to in one.to)
    if not counts:
        return None
    (to, day), n = min(counts.items(), key=lambda item: (-item[1], item[0]))
    return to, day, n


# ---- two due dates


def beside(store: Store, authority: Authority, path: Path, mapping: StepMapping, now: datetime) -> Iterator[Beside]:
    """Lay our due dates beside those of an extract, row by row. Raises InputRefused where it cannot be read."""
    by_case: dict[str, list[StepDue]] = {}
    for row in due_dates(path, mapping):
        by_case.setdefault(row.case, []).append(row)
    with store.read() as tx:
        known = set(case_refs(tx, authority.name))
        made: list[Beside] = []
        for case, rows in by_case.items():
            if case not in known:
                made += [_alone(row, "the case is not here", "no such case was imported") for row in rows]
                continue
            found = evaluation_of(tx, authority, case, now)
            if is_restricted(found.facts):
                made += [_alone(row, "a restricted case", "it is not listed") for row in rows]
                continue
            events = events_of(tx, authority.name, case)
            made += _of_case(found, rows, authority, events)
    yield from sorted(made, key=lambda one: one.line)


def _of_case(
    found: Evaluation, rows: Sequence[StepDue], authority: Authority, events: Sequence[Any]
) -> Iterator[Beside]:
    taken: set[str] = set()
    for row in sorted(rows, key=lambda row: (row.due_on or date.max, row.line)):
        if row.due_on is None:
            yield _alone(row, "their date cannot be read", row.fault)
            continue
        m = _matching(found, row, authority.policy, taken)
        if m is None:
            yield _alone(row, "no limit of ours", _none(row, authority.policy))
            continue
        taken.add(m.key)
        why = difference(m, row.due_on, authority.calendar, events)
        yield _row(row, why.why, why.said, ours=m.due_on, milestone=m.key, clause=m.clause)


def _matching(found: Evaluation, row: StepDue, policy: Policy, taken: set[str]) -> Milestone | None:
    """Find the milestone that a step meets: by its event where it happened, else the first open one it would meet."""
    rules = {rule.id for rule in policy.rules.values() if _meets(row, rule.met_by, policy)}
    about = [m for m in found.milestones if m.rule in rules and m.key not in taken]
    for m in about:
        if m.evidence is not None and m.evidence.id.partition(CORRECTED)[0] in row.events:
            return m
    waiting = [m for m in about if m.open]
    return min(waiting, key=lambda m: (m.due_on or date.max, m.key), default=None)


def _meets(row: StepDue, met_by: Iterable[Any], policy: Policy) -> bool:
    return any(not one.overdue and policy.behind(one.word) & set(row.words) for one in met_by)


def _none(row: StepDue, policy: Policy) -> str:
    if any(_meets(row, rule.met_by, policy) for rule in policy.rules.values()):
        return "no clock for it runs on the case, or another row has it"
    return f"no rule is met by {' or '.join(word.replace('_', ' ') for word in row.words)}"


def _alone(row: StepDue, why: str, said: str) -> Beside:
    return _row(row, why, said)


def _row(
    row: StepDue, why: str, said: str, *, ours: date | None = None, milestone: str = "", clause: str = ""
) -> Beside:
    return Beside(
        line=row.line,
        step=row.step,
        case=row.case,
        type=row.type,
        theirs=row.due_on,
        ours=ours,
        milestone=milestone,
        clause=clause,
        why=why,
        said=said,
    )
