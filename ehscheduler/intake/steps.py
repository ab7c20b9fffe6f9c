"""Turn a workflow-step extract into cases and events, as its mapping file says.

The extract is taken as the whole story of each case it names. An event's id is made of the source, the step and the
event's word, so the same step read twice is one event. Nothing depends on the order of the rows.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from json import dumps
from pathlib import Path
from typing import Any

from ehscheduler.core.events import Case, Child, Event
from ehscheduler.core.history import typed
from ehscheduler.core.vocabulary import PERSONAL_FACTS
from ehscheduler.intake.cells import TEXT_LIMIT, check_text, clean, id_faults
from ehscheduler.intake.dates import DateReader, Reading
from ehscheduler.intake.extracts import Table, tables_of
from ehscheduler.intake.mapping import DATES, StepMapping, StepMeaning, squeezed
from ehscheduler.intake.notes import Notes, looks_like_a_formula
from ehscheduler.intake.rows import SIZE_LIMIT, Progress

CORRECTED = "~"
"""Parts the natural id from what a correction adds to it; no step id may hold it."""

_STEP_LIMIT = 100
_VALUES_KEPT = 500
_CELLS_KEPT = 20_000
_UNREAD = object()
_SHOWN_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A value that the mapping does not know: where it stands, how often, and first on which line."""

    column: str
    value: str
    count: int
    line: int


@dataclass(frozen=True, slots=True)
class StepScan:
    """What one extract says, its bad rows apart."""

    cases: tuple[Case, ...]
    personal: Mapping[str, Mapping[str, str]]
    events: tuple[Event, ...]
    steps: frozenset[str]
    bad_steps: frozenset[str]
    strange_steps: frozenset[str]
    """Steps that are there under a type or a status that the mapping does not name."""
    unmapped: tuple[Unmapped, ...]
    tables: tuple[Table, ...]
    notes: tuple[Notes, ...]


def scan_steps(
    path: Path,
    mapping: StepMapping,
    facts: Mapping[str, str],
    now: datetime,
    *,
    size_limit: int = SIZE_LIMIT,
    progress: Progress | None = None,
) -> StepScan:
    """Read an extract and set its bad rows apart. Raises InputRefused where the file itself is at fault."""
    reader: _StepReader | None = None
    for table, notes, told in tables_of(path, mapping, size_limit=size_limit, progress=progress):
        reader = reader or _StepReader(mapping, facts, now)
        reader.turn_to(table, notes)
        for line, cells in told:
            reader.row(line, cells)
    assert reader is not None  # noqa: S101 an extract without a table was refused
    return reader.scan()


@dataclass(slots=True)
class _Row:
    """One step of a mapped type, read."""

    line: int
    step: str
    case: str
    status: str
    moment: datetime
    facts: tuple[Any, ...]
    personal: tuple[str, ...]
    child: Child | None
    events: list[Event]

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Where the row stands among those of its case: by its first event, else by its first date."""
        return (self.moment, self.step, repr((self.facts, self.personal)))


_NEVER = datetime.max.replace(tzinfo=UTC)


class _Bad(Exception):
    """A row that cannot be read; its arguments are the faults."""


class _StepReader:
    """Reads the rows of one extract, and gathers them by case."""

    def __init__(self, mapping: StepMapping, facts: Mapping[str, str], now: datetime) -> None:
        self.mapping = mapping
        self.kinds = facts
        self.now = now
        self.tables: list[tuple[Table, Notes]] = []
        self.place = {header: i for i, header in enumerate(mapping.headers)}
        self.dates = DateReader(mapping.dates, midnight_is_a_date=mapping.midnight_is_a_date)
        self.meanings: dict[str, list[StepMeaning]] = {}
        for step in mapping.steps:
            self.meanings.setdefault(step.type, []).append(step)
        self.found: dict[str, list[_Row]] = {}
        self.unmapped: dict[tuple[str, str], list[int]] = {}
        self.bad_steps: set[str] = set()
        self.strange_steps: set[str] = set()
        self.tracked: list[tuple[str, str, dict[str, Any]]] = [(n, h, {}) for n, h in mapping.facts.items()]
        self.personal_places = [self.place[header] for header in mapping.personal.values()]
        self.personal: dict[tuple[str, ...], tuple[str, ...]] = {}
        self.lead = list(mapping.facts).index("lead") if "lead" in mapping.facts else None

    def turn_to(self, table: Table, notes: Notes) -> None:
        """Read the rows of this table from now on."""
        self.tables.append((table, notes))
        self.rows, self.notes = table, notes

    # ---- one row

    def row(self, line: int, cells: list[str]) -> None:
        """Read one row; a bad one is set apart with all that is wrong with it."""
        kind = squeezed(self._field(cells, "step_type"))
        meanings = self.meanings.get(kind)
        if meanings is None:
            if not kind:
                self.rows.bad.add(line, f"{self._name('step_type')} is empty; fill it in")
            elif kind not in self.mapping.ignored_steps:
                self._unmapped(self._name("step_type"), kind, line)
                self.strange_steps.add(clean(self._field(cells, "workflow_step_id")))
            return
        try:
            row = self._read(line, cells, meanings)
        except _Bad as faults:
            self.bad_steps.add(clean(self._field(cells, "workflow_step_id")))
            self.rows.bad.add(line, *faults.args)
            return
        self.found.setdefault(row.case, []).append(row)

    def _read(self, line: int, cells: list[str], meanings: list[StepMeaning]) -> _Row:
        faults: list[str] = []
        step = self._id(cells, "workflow_step_id", faults)
        if CORRECTED in step or len(step) > _STEP_LIMIT:
            faults.append(f"{self._name('workflow_step_id')} is no id: too long, or with a {CORRECTED!r}; correct it")
        case, status = self._id(cells, self.mapping.case, faults), self._status(line, cells)
        if status not in self.mapping.statuses:
            self.strange_steps.add(step)
        dates = {field: self._date(line, cells, field, faults) for field in (*DATES, "recorded_on")}
        counted = [meaning for meaning in meanings if status in meaning.statuses]
        for meaning in counted:
            if dates[meaning.on] is None and not any(fault.startswith(self._name(meaning.on)) for fault in faults):
                faults.append(f"{self._name(meaning.on)} is empty, though the step is {status!r}; fill it in")
        facts, personal = self._facts(line, cells, faults), self._personal(line, cells, faults)
        child = self._child(cells, faults)
        if self.lead is not None and not any(meaning.lead for meaning in counted):
            facts = (*facts[: self.lead], None, *facts[self.lead + 1 :])
        events = [] if faults else [self._event(line, cells, (step, case), dates, meaning) for meaning in counted]
        for event in events:
            faults += id_faults("the column that gives the ref", event.ref) if event.ref else []
        if faults:
            raise _Bad(*faults)
        moments = [event.moment for event in events] or [found.moment for found in dates.values() if found]
        row = _Row(line, step, case, status, min(moments, default=_NEVER), facts, personal, child, events)
        self._look(row, dates)
        return row

    def _event(
        self,
        line: int,
        cells: list[str],
        step: tuple[str, str],
        dates: Mapping[str, Reading | None],
        meaning: StepMeaning,
    ) -> Event:
        found = dates[meaning.on]
        assert found is not None  # noqa: S101 the caller has reported an empty date
        detail = dict(meaning.detail)
        for part in meaning.detail_from:
            value = self._code(line, part.header, cells[self.place[part.header]])
            if value is not None:
                detail[part.key] = value
        # `recorded_on` tells when the last date of a step was entered: its earlier dates were known by themselves.
        last = meaning.on == "completed_on" or dates["completed_on"] is None
        known = dates["recorded_on"] if last and dates["recorded_on"] else found
        ref = self._filled(cells[self.place[meaning.ref]]) if meaning.ref else ""
        id_ = self._event_id(*step, meaning.event)
        return Event(
            id_, step[1], meaning.event, found.moment, found.dated, found.day, known.moment, ref or None, detail
        )

    def _event_id(self, step: str, case: str, word: str) -> str:
        return self.mapping.event_id(step, case, word)

    # ---- the cells of a row

    def _name(self, field: str) -> str:
        return self.mapping.columns.get(field, field)

    def _field(self, cells: list[str], field: str) -> str:
        header = self.mapping.columns.get(field)
        return cells[self.place[header]] if header is not None else ""

    def _filled(self, cell: str) -> str:
        cell = clean(cell)
        return "" if cell in self.mapping.blanks else cell

    def _id(self, cells: list[str], field: str, faults: list[str]) -> str:
        text = self._filled(self._field(cells, field))
        faults += id_faults(self._name(field), text)
        return text

    def _status(self, line: int, cells: list[str]) -> str:
        status = squeezed(self._field(cells, "status"))
        if status not in self.mapping.statuses:
            self._unmapped(self._name("status"), status, line)
        return status

    def _date(self, line: int, cells: list[str], field: str, faults: list[str]) -> Reading | None:
        text = self._filled(self._field(cells, field))
        if not text:
            return None
        try:
            found = self.dates.read(text)
        except ValueError as fault:
            faults.append(f"{self._name(field)} {fault}")
            return None
        if found.repeated:
            self.notes.add(f"{self._name(field)} is an hour that the clocks repeat; taken as the first", line)
        return found

    def _facts(self, line: int, cells: list[str], faults: list[str]) -> tuple[Any, ...]:
        values = []
        for name, header, known in self.tracked:
            cell = cells[self.place[header]]
            # The same few cells stand in most rows, so what one means is worked out once; an unmapped one is counted.
            value = known.get(cell, _UNREAD) if cell else None
            if value is _UNREAD:
                try:
                    value = self._fact(line, name, header, cell)
                except ValueError as fault:
                    faults.append(f"{header} {fault}")
                    value = None
                else:
                    if value is not None and len(known) < _CELLS_KEPT:
                        known[cell] = value
            values.append(value)
        return tuple(values)

    def _fact(self, line: int, name: str, header: str, cell: str) -> Any:
        kind = self.kinds[name]
        value = self._code(line, header, cell) if header in self.mapping.codes else self._filled(cell)
        if value in (None, ""):
            return None
        if kind == "date" and isinstance(value, str):
            return self.dates.read(value).day
        if kind == "word":
            check_text(str(value))
        return typed(kind, value)

    def _code(self, line: int, header: str, cell: str) -> Any:
        """Return what a code means, None where it is blank or unmapped; an id stands for itself."""
        text = squeezed(self._filled(cell))
        codes = self.mapping.codes.get(header)
        if not text or codes is None:
            return text or None
        if text not in codes:
            self._unmapped(header, text, line)
            return None
        return codes[text]

    def _personal(self, line: int, cells: list[str], faults: list[str]) -> tuple[str, ...]:
        values = tuple([clean(cells[i]) for i in self.personal_places])
        for header, value in zip(self.mapping.personal.values(), values, strict=True):
            if looks_like_a_formula(value):
                self.notes.add(f"{header} begins like a spreadsheet formula; it is kept as text", line)
            if len(value) > TEXT_LIMIT:
                faults.append(f"{header} is longer than {TEXT_LIMIT:,} characters")
        # Every step of a family repeats them: they are kept once.
        return self.personal.setdefault(values, values)

    def _child(self, cells: list[str], faults: list[str]) -> Child | None:
        mapping = self.mapping
        ref = self._filled(cells[self.place[mapping.child_ref]]) if mapping.child_ref else ""
        if not ref:
            return None
        faults += id_faults(mapping.child_ref or "ref", ref)
        born = self._filled(cells[self.place[mapping.child_born]]) if mapping.child_born else ""
        try:
            return Child(ref, self.dates.read(born).day if born else None)
        except ValueError as fault:
            faults.append(f"{mapping.child_born} {fault}")
            return None

    # ---- what is odd

    def _unmapped(self, column: str, value: str, line: int) -> None:
        # Only codes come here; one too long for a code may be a note about a family, and is not shown.
        shown = value if len(value) <= _SHOWN_LENGTH and value.isprintable() else f"(a text of {len(value)} characters)"
        key = (column, shown or "(empty)")
        if key not in self.unmapped and len(self.unmapped) >= _VALUES_KEPT:
            key = (column, "(other values)")
        entry = self.unmapped.setdefault(key, [0, line])
        entry[0] += 1
        entry[1] = min(entry[1], line)

    def _look(self, row: _Row, dates: Mapping[str, Reading | None]) -> None:
        start, end = dates["started_on"], dates["completed_on"]
        if start and end and (end.day < start.day or (not start.dated and not end.dated and end.moment < start.moment)):
            kind = f"{self._name('completed_on')} is before {self._name('started_on')}; both are kept as they are"
            self.notes.add(kind, row.line)
        if any(event.moment > self.now for event in row.events):
            self.notes.add("the step lies in the future; it counts from its day on", row.line)

    # ---- the whole file

    def scan(self) -> StepScan:
        """Put the rows of each case together."""
        self.rows, self.notes = self.tables[0]
        self._drop_clashes()
        cases: list[Case] = []
        personal: dict[str, Mapping[str, str]] = {}
        events: list[Event] = []
        for ref in sorted(self.found):
            rows = sorted(self.found[ref], key=lambda row: row.order)
            told = [row for row in rows if self.mapping.statuses.get(row.status) != "never"]
            if not told:
                continue
            case, changes = self._case(ref, told)
            cases.append(case)
            if fields := self._fields(told):
                personal[ref] = fields
            events += _each_once([*changes, *(event for row in told for event in row.events)])
            if case.facts.get("lead") is None and "lead" in self.kinds:
                self.notes.add("the case has no worker; it is taken in, and its notices climb one rung", rows[0].line)
        return StepScan(
            tuple(cases),
            personal,
            tuple(sorted(events, key=lambda event: (event.case, event.moment, event.id))),
            frozenset(row.step for rows in self.found.values() for row in rows) | self.bad_steps,
            frozenset(self.bad_steps),
            frozenset(self.strange_steps),
            tuple(Unmapped(column, value, n, line) for (column, value), (n, line) in sorted(self.unmapped.items())),
            tuple(table for table, _ in self.tables),
            tuple(notes for _, notes in self.tables),
        )

    def _drop_clashes(self) -> None:
        """Set apart the rows of one step that tell two stories; the rows of its other people agree."""
        first: dict[str, tuple[int, Event]] = {}
        told: dict[str, dict[str, int]] = {}
        for row in self._all_rows():
            for event in row.events:
                line, one = first.setdefault(event.id, (row.line, event))
                if one is not event:
                    lines = told.setdefault(event.id, {content(one): line})
                    lines.setdefault(content(event), row.line)
        clashing = {id_: lines for id_, lines in told.items() if len(lines) > 1}
        if clashing:
            for ref, rows in self.found.items():
                self.found[ref] = [row for row in rows if not self._clash(row, clashing)]

    def _all_rows(self) -> Iterator[_Row]:
        return (row for rows in self.found.values() for row in rows)

    def _clash(self, row: _Row, clashing: Mapping[str, Mapping[str, int]]) -> bool:
        ids = [event.id for event in row.events if event.id in clashing]
        if not ids:
            return False
        other = next(line for line in sorted(clashing[ids[0]].values()) if line != row.line)
        self.bad_steps.add(row.step)
        self.rows.bad.add(row.line, f"the same step stands on line {other} with other content; keep one of them")
        return True

    def _case(self, ref: str, rows: list[_Row]) -> tuple[Case, list[Event]]:
        """Return the case as at its opening, and an event for each later change of its attributes."""
        counted = [row for row in rows if row.events]
        # One row a step: those of its other people come before it in the same order every time.
        steps = {row.step: row for row in counted or rows}
        opening: dict[str, Any] = {}
        current: dict[str, Any] = {}
        changes: list[Event] = []
        for row in steps.values():
            changed = {}
            for name, value in zip(self.mapping.facts, row.facts, strict=True):
                if value is None:
                    continue
                if name in PERSONAL_FACTS or name not in current:
                    opening[name] = value
                elif current[name] != value:
                    changed[name] = value
                current[name] = value
            changes += self._changes(row, changed) if changed else []
        if children := _children(rows):
            opening["children"] = children
        return Case(ref, opening), changes

    def _changes(self, row: _Row, changed: dict[str, Any]) -> list[Event]:
        """Return the events that say a change: a new worker is `worker_changed`, all else `attributes_changed`."""
        first = min(row.events, key=lambda event: (event.moment, event.id))
        lead = {"lead": changed.pop("lead")} if "lead" in changed else {}
        said = [("worker_changed", lead), ("attributes_changed", {name: _plain(v) for name, v in changed.items()})]
        made = []
        for word, detail in said:
            # A step that is itself the change of worker says it already, but not to whom.
            own = next((event for event in row.events if event.word == word), None)
            base = own or replace(first, id=self._event_id(row.step, row.case, word), word=word, ref=None, detail={})
            if detail:
                made.append(replace(base, detail={**base.detail, **detail}))
        return made

    def _fields(self, rows: list[_Row]) -> dict[str, str]:
        """Return the personal fields of a case: of each, the last that is filled in."""
        fields: dict[str, str] = {}
        for row in rows:
            fields |= {name: value for name, value in zip(self.mapping.personal, row.personal, strict=True) if value}
        return fields


def _children(rows: list[_Row]) -> tuple[Child, ...]:
    found: dict[str, Child] = {}
    for row in rows:
        if row.child and (row.child.ref not in found or row.child.born):
            found[row.child.ref] = row.child
    return tuple(sorted(found.values(), key=lambda child: child.ref))


def _plain(value: Any) -> Any:
    """Write an attribute as JSON can hold it."""
    return value if isinstance(value, str | int | float | bool) else str(value)


def content(event: Event) -> str:
    """Return what an event says, without its id and when it was recorded."""
    detail = dumps(event.detail, sort_keys=True, default=str)
    return "\x1f".join((event.case, event.word, event.moment.isoformat(), str(event.dated), event.ref or "", detail))


def _each_once(events: Iterable[Event]) -> list[Event]:
    """Keep one event an id: the first given, with the earliest recording."""
    found: dict[str, Event] = {}
    for event in events:
        first = found.setdefault(event.id, event)
        if event.recorded < first.recorded:
            found[event.id] = replace(first, recorded=event.recorded)
    return list(found.values())
