"""Read the machine contract's cases.csv and events.csv into cases and events (design section 9).

`read_*` refuse a file that has any problem, and say all of them; `scan_*` set bad rows apart, for an import.
Surrounding blanks are no part of a cell. An instant without an offset is London time; one that the clocks skip or
repeat is a problem. Nothing that a row holds is echoed, but for event words and names of facts and columns.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from ehscheduler.core.events import Case, Event, event_id
from ehscheduler.core.history import typed
from ehscheduler.core.vocabulary import DETAIL_ONLY, nearest
from ehscheduler.errors import InputRefused
from ehscheduler.intake.cells import (
    CODE,
    Instant,
    check_text,
    clean,
    clean_all,
    id_faults,
    instant_faults,
    parse_json,
    read_detail,
    read_instant,
    word_faults,
)
from ehscheduler.intake.rows import SIZE_LIMIT, BadRows, Progress, Rows, refuse

EVENT_COLUMNS = ("case_ref", "event", "occurred_at", "recorded_at", "ref", "detail")
_INSTANTS_KEPT = 200_000


@dataclass(frozen=True, slots=True)
class CaseScan:
    """The cases of one file, its bad rows apart; `refs` holds the references of the bad rows too."""

    cases: tuple[Case, ...]
    refs: frozenset[str]
    rows: Rows
    lines: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class EventScan:
    """The events of one file by case, its bad rows apart."""

    events: Mapping[str, list[Event]]
    rows: Rows
    lines: Mapping[str, int] = field(repr=False)


def read_cases(path: Path, facts: Mapping[str, str]) -> list[Case]:
    """Read cases.csv; `facts` gives the kind of each attribute. Raises InputRefused with every problem."""
    scan = scan_cases(path, facts)
    if scan.rows.bad.count:
        refuse(scan.rows.bad.sentences())
    return list(scan.cases)


def read_events(path: Path, known_cases: Collection[str] | None, words: Collection[str]) -> dict[str, list[Event]]:
    """Read events.csv, grouped by case; no `known_cases` means that any case will do. Raises InputRefused."""
    scan = scan_events(path, known_cases, words)
    if scan.rows.bad.count:
        refuse(scan.rows.bad.sentences())
    return dict(scan.events)


def read_contract(
    cases: Path, events: Path, *, facts: Mapping[str, str], words: Collection[str]
) -> tuple[list[Case], dict[str, list[Event]]]:
    """Read both files and refuse them with the problems of both at once."""
    problems: list[str] = []
    known: Collection[str] | None = None
    found: list[Case] = []
    try:
        scan = scan_cases(cases, facts)
        found, known = list(scan.cases), scan.refs
        problems += map(str, scan.rows.bad.sentences())
    except InputRefused as fault:
        problems += fault.problems
    happened: dict[str, list[Event]] = {}
    try:
        happened = read_events(events, known, words)
    except InputRefused as fault:
        problems += fault.problems
    if problems:
        raise InputRefused(problems)
    return found, happened


# ---- cases


def scan_cases(
    path: Path, facts: Mapping[str, str], *, size_limit: int = SIZE_LIMIT, progress: Progress | None = None
) -> CaseScan:
    """Read cases.csv and set its bad rows apart. Raises InputRefused where the file itself is at fault."""
    rows = Rows(path, ("case_ref",), tuple(facts), size_limit=size_limit, progress=progress)
    kinds = tuple(facts.items())
    found: dict[str, Case] = {}
    seen = _Seen("the same case_ref stands with other attributes")
    refs: set[str] = set()
    for line, cells in rows:
        ref = clean(cells[0])
        refs.add(ref)
        faults = [*id_faults("case_ref", ref)]
        case = Case(ref, _facts(kinds, cells, faults))
        if faults:
            rows.bad.add(line, *faults)
        elif seen.again(ref, line):
            seen.compared(ref, found[ref] == case)
        else:
            found[ref] = case
    seen.report(rows.bad)
    cases = tuple(case for ref, case in found.items() if ref not in seen.clashing)
    return CaseScan(cases, frozenset(refs), rows, seen.lines)


class _Seen:
    """Which rows speak of one thing; where they disagree all are at fault, so that their order decides nothing."""

    def __init__(self, fault: str) -> None:
        self.fault = fault
        self.lines: dict[str, int] = {}
        self.more: dict[str, list[int]] = {}
        self.clashing: set[str] = set()

    def again(self, key: str, line: int) -> bool:
        """Note a row, and tell whether there was one before."""
        if self.lines.setdefault(key, line) == line:
            return False
        self.more.setdefault(key, []).append(line)
        return True

    def compared(self, key: str, same: bool) -> None:
        if not same:
            self.clashing.add(key)

    def report(self, bad: BadRows) -> None:
        """Set every row of a clash apart."""
        for key in sorted(self.clashing, key=self.lines.__getitem__):
            lines = [self.lines[key], *self.more[key]]
            for line in lines:
                other = lines[1] if line == lines[0] else lines[0]
                bad.add(line, f"{self.fault} on line {other}; keep one of them")


def _facts(kinds: tuple[tuple[str, str], ...], cells: list[str], faults: list[str]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    for (name, kind), cell in zip(kinds, cells[1:], strict=True):
        if not cell:
            continue
        try:
            value = read_fact(kind, cell)
        except ValueError as fault:
            faults.append(f"{name} {fault}")
            continue
        if value is not None:
            facts[name] = value
    return facts


def read_fact(kind: str, text: str) -> Any:
    """Read a cell as a fact of its kind, None when blank. Raises ValueError saying what is wrong, not with what."""
    text = clean(text)
    if kind == "children":
        return typed(kind, _children(text)) if text else None
    if kind == "word":
        check_text(text)
    return typed(kind, text)


def _children(text: str) -> Any:
    listed = parse_json(text)
    if not isinstance(listed, list):
        raise ValueError('is not a JSON list such as [{"ref": "C1", "born": "2019-05-04"}]')
    for child in listed:
        if isinstance(child, dict) and (odd := sorted(child.keys() - {"ref", "born"})):
            hint = nearest(odd[0], ("ref", "born")) if CODE.fullmatch(odd[0]) else ""
            raise ValueError(f"lists a child with a key other than ref and born{hint}")
    return listed


# ---- events


def scan_events(
    path: Path,
    known_cases: Collection[str] | None,
    words: Collection[str],
    *,
    facts: Mapping[str, str] | None = None,
    size_limit: int = SIZE_LIMIT,
    progress: Progress | None = None,
) -> EventScan:
    """Read events.csv and set its bad rows apart; with `facts`, their values in a detail are checked too."""
    rows = Rows(path, EVENT_COLUMNS, ("id",), size_limit=size_limit, progress=progress)
    reader = _EventReader(known_cases, frozenset(words), facts or {})
    found: dict[str, Event] = {}
    seen = _Seen("the same id stands with other content")
    for line, cells in rows:
        try:
            event = reader.event(cells)
        except (ValueError, ArithmeticError):
            rows.bad.add(line, *([] if rows.bad.full else reader.faults(cells)))
            continue
        if seen.again(event.id, line):
            first = found[event.id]
            if not clean(cells[-1]):
                # A derived id leaves the recording out: the event was known from the earlier one on.
                found[event.id] = first = min(first, replace(first, recorded=event.recorded), key=_recorded)
                event = replace(event, recorded=first.recorded)
            seen.compared(event.id, _same(first, event))
        else:
            found[event.id] = event
    seen.report(rows.bad)
    events = _by_case(event for event in found.values() if event.id not in seen.clashing)
    return EventScan(events, rows, seen.lines)


def _recorded(event: Event) -> datetime:
    return event.recorded


def _by_case(events: Iterable[Event]) -> dict[str, list[Event]]:
    grouped: dict[str, list[Event]] = {}
    for event in events:
        if event.case in grouped:
            grouped[event.case].append(event)
        else:
            grouped[event.case] = [event]
    return grouped


def _same(one: Event, other: Event) -> bool:
    # In Python true equals 1; here they are two contents.
    return one == other and json.dumps(one.detail, sort_keys=True) == json.dumps(other.detail, sort_keys=True)


class _EventReader:
    """Makes an event of a row; a row that fails is read again, slowly, for all that is wrong with it."""

    def __init__(self, known: Collection[str] | None, words: frozenset[str], facts: Mapping[str, str]) -> None:
        self.known = known
        self.words = words
        self.facts = facts
        self._cases: set[str] = set()
        self._instants: dict[str, Instant] = {}

    def event(self, cells: list[str]) -> Event:
        """Return the event of a row; raises ValueError at the first fault."""
        case, word, occurred, recorded, ref, detail_text, given = clean_all(cells)
        if case not in self._cases:
            self._check_case(case)
        if word not in self.words:
            raise ValueError
        moment, dated, day = self._instants.get(occurred) or self._instant(occurred)
        known = moment
        if recorded and recorded != occurred:
            known = (self._instants.get(recorded) or self._instant(recorded))[0]
        detail = read_detail(detail_text) if detail_text else {}
        if detail or word == "retracted":
            _refuse_any(self._detail_faults(word, detail))
        if ref:
            _refuse_any(id_faults("ref", ref))
        if given:
            _refuse_any(id_faults("id", given))
        else:
            given = event_id(case, word, occurred, ref, detail_text)
        return Event(given, case, word, moment, dated, day, known, ref or None, detail)

    def _instant(self, text: str) -> Instant:
        found = read_instant(text)
        if len(self._instants) < _INSTANTS_KEPT:
            self._instants[text] = found
        return found

    def _check_case(self, case: str) -> None:
        _refuse_any(self._case_faults(case))
        self._cases.add(case)

    def faults(self, cells: list[str]) -> list[str]:
        """Say all that is wrong with a row."""
        case, word, occurred, recorded, ref, detail, given = clean_all(cells)
        faults = [*self._case_faults(case), *word_faults("event", word, self.words)]
        faults += [*instant_faults("occurred_at", occurred)]
        if recorded:
            faults += instant_faults("recorded_at", recorded)
        if ref:
            faults += id_faults("ref", ref)
        if given:
            faults += id_faults("id", given)
        try:
            faults += self._detail_faults(word, read_detail(detail) if detail else {})
        except ValueError as fault:
            faults.append(f"detail {fault}")
        return faults or ["cannot be read; check its cells"]

    def _case_faults(self, case: str) -> list[str]:
        faults = id_faults("case_ref", case)
        if not faults and self.known is not None and case not in self.known:
            faults.append("no case has this case_ref; add it to cases.csv, or correct it")
        return faults

    def _detail_faults(self, word: str, detail: Mapping[str, Any]) -> list[str]:
        faults = []
        if word == "retracted" and not (isinstance(detail.get("event"), str) and detail["event"].strip()):
            faults.append('retracted needs the id of the event it withdraws: detail {"event": "ID"}')
        own = DETAIL_ONLY.get(word, ())
        for name in detail.keys() & self.facts.keys():
            try:
                if name not in own:
                    typed(self.facts[name], detail[name])
            except ValueError as fault:
                faults.append(f"detail gives {name} a value that {fault}")
        return sorted(faults)


def _refuse_any(faults: list[str]) -> None:
    if faults:
        raise ValueError(faults[0])
