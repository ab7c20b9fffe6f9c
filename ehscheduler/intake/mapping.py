"""The mapping file: how the workflow steps of one council's case system become cases and events.

One TOML file an extract. `[extract]` says what the file is, `[columns]` where our fields stand, `[[step]]` which event
a step is, `[codes]`, `[facts]`, `[children]` and `[personal]` what its other columns mean. Personal columns go to the
personal fields of a case and nowhere else, and a detail takes a column's value only through its `[codes]`, so that
no free text can slip into an event. A profile brings its own columns and statuses. Every fault is reported at once.
"""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ehscheduler.core.tables import Table
from ehscheduler.core.vocabulary import PERSONAL_FACTS, nearest
from ehscheduler.errors import InputRefused
from ehscheduler.intake.dates import ISO, clashing, format_fault
from ehscheduler.intake.profiles import ENDED, ISO_AND_DAY_FIRST, OPEN, PROFILES, Profile
from ehscheduler.intake.rows import MIB

FIELDS = (
    "workflow_step_id",
    "step_type",
    "person_id",
    "group_id",
    "incoming_on",
    "started_on",
    "completed_on",
    "status",
    "worker_id",
    "recorded_on",
    "due_on",
)
DATES = ("incoming_on", "started_on", "completed_on")
IDS = ("workflow_step_id", "person_id", "group_id", "worker_id")
TABLES = ("extract", "columns", "status", "step", "codes", "facts", "children", "personal", "ignore")
BLANKS = ("#N/A", "NULL", "SSD_PH", "PLACEHOLDER_DATA")
DERIVED = ("retracted", "attributes_changed")
STEPS = "steps"
"""The profile of a table of workflow steps, whose mapping says itself where everything stands."""

_SOURCE = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class FromColumn:
    """One key of a detail that a column gives, through its codes; an id column needs none."""

    key: str
    header: str


@dataclass(frozen=True, slots=True)
class StepMeaning:
    """What one type of step means: which event, on which of its dates, in which statuses."""

    type: str
    event: str
    on: str
    statuses: frozenset[str]
    ref: str | None
    lead: bool
    detail: Mapping[str, Any]
    detail_from: tuple[FromColumn, ...]


@dataclass(frozen=True, slots=True)
class StepMapping:
    """A mapping file as read; `columns` maps our fields, and the other tables map our words, to its headers.

    A `snapshot` says all that there is: what is gone from it is retracted, a whole open case too.
    """

    file: str
    source: str
    case: str
    dates: tuple[str, ...]
    midnight_is_a_date: bool
    retract_missing: bool
    blanks: frozenset[str]
    columns: Mapping[str, str]
    statuses: Mapping[str, str]
    steps: tuple[StepMeaning, ...]
    codes: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, str]
    child_ref: str | None
    child_born: str | None
    personal: Mapping[str, str]
    ignored_columns: frozenset[str]
    ignored_steps: frozenset[str]
    profile: Profile | None = None
    snapshot: bool = False

    @property
    def words(self) -> frozenset[str]:
        """Every event that an extract can tell of by this mapping."""
        return frozenset((*DERIVED, "worker_changed", *(step.event for step in self.steps)))

    def event_id(self, step: str, case: str, word: str) -> str:
        """Name the event that a step is."""
        # A step of several people is one event of their family, but one event each where a case is a person.
        step = step if self.case == "group_id" else f"{step}@{case}"
        return f"{self.source}:{step}:{word}"

    @property
    def headers(self) -> tuple[str, ...]:
        """Every header that the extract must have, each once."""
        used = [*self.columns.values(), *self.facts.values(), *self.personal.values()]
        used += [part.header for step in self.steps for part in step.detail_from]
        used += [header for header in (self.child_ref, self.child_born) if header]
        used += [step.ref for step in self.steps if step.ref]
        return tuple(dict.fromkeys(used))


def squeezed(text: str) -> str:
    """Write a code in one way: blanks of any kind become one space."""
    return " ".join(text.split())


def read_mapping(path: Path, facts: Mapping[str, str], words: Collection[str]) -> StepMapping:
    """Read a mapping file; `facts` and `words` are the policy's. Raises InputRefused with every fault."""
    try:
        with path.open("rb") as file:
            data = file.read(MIB + 1)
        text = data.decode("utf-8-sig")
    except OSError as fault:
        raise InputRefused([f"{path.name}: cannot be read ({fault.strerror}); check the path and the rights"]) from None
    except UnicodeDecodeError:
        raise InputRefused([f"{path.name}: is not UTF-8 text; save it as UTF-8"]) from None
    if len(data) > MIB:
        raise InputRefused([f"{path.name}: is over 1 MiB, which no mapping file is; give the mapping, not the extract"])
    return mapping_of(text, path.name, facts, words)


def mapping_of(text: str, file: str, facts: Mapping[str, str], words: Collection[str]) -> StepMapping:
    """Read a mapping from its text. Raises InputRefused with every fault."""
    try:
        raw = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise InputRefused([f"{file}: is not TOML: {fault}"]) from None
    return _Reader(raw, file, facts, words).read()


class _Reader:
    """Reads the tables of one file; what is wrong gathers in `faults`."""

    def __init__(self, raw: dict[str, Any], file: str, facts: Mapping[str, str], words: Collection[str]) -> None:
        self.raw = raw
        self.file = file
        self.known_facts = facts
        self.words = words
        self.faults: list[str] = []
        self.columns: dict[str, str] = {}
        self.counts: tuple[str, ...] = ()
        self.statuses: dict[str, str] = {}
        self.profile: Profile | None = None

    def _table(self, name: str, *, required: bool = False) -> Table:
        if required and name not in self.raw:
            self.faults.append(f"{self.file}: has no [{name}] table, which every mapping needs")
        return Table(f"{self.file} [{name}]", self.raw.get(name, {}), self.faults)

    def read(self) -> StepMapping:
        """Read every table, check what hangs together, and refuse the file or return the mapping."""
        for name in self.raw:
            if name not in TABLES:
                self.faults.append(f"{self.file} [{name}]: no table {name!r}{nearest(name, TABLES)}")
        head = self._table("extract", required=True)
        self.profile = PROFILES.get(head.choice("profile", (STEPS, *PROFILES), STEPS))
        if self.profile:
            self._take_profile(self.profile)
        else:
            self._read_columns()
            self._read_statuses()
        snapshot = self._snapshot(head)
        children = self._table("children")
        ignore = self._table("ignore")
        mapping = StepMapping(
            file=self.file,
            source=self._source(head),
            case=head.choice("case", self.profile.cases if self.profile else ("group_id", "person_id"), required=True),
            dates=self._dates(head),
            midnight_is_a_date=head.choice("midnight", ("a date", "an instant"), "a date") == "a date",
            retract_missing=self._retracts(head, snapshot=snapshot),
            blanks=frozenset((*BLANKS, *(self.profile.placeholders if self.profile else ()), *head.texts("blanks"))),
            columns=self.columns,
            statuses=self.statuses,
            steps=self._steps(),
            codes=self._codes(),
            facts=self._facts(),
            child_ref=self._place(children, "ref", required="children" in self.raw),
            child_born=self._place(children, "born"),
            personal=self._personal(),
            ignored_columns=frozenset(ignore.texts("columns")),
            ignored_steps=frozenset(map(squeezed, ignore.texts("steps"))),
            profile=self.profile,
            snapshot=snapshot,
        )
        for table in (head, children, ignore):
            table.done()
        self._cross_check(mapping)
        if self.faults:
            raise InputRefused(self.faults)
        return mapping

    # ---- the tables

    def _source(self, head: Table) -> str:
        source = head.text("source", required=True)
        if source and not _SOURCE.fullmatch(source):
            head.fault("source has small letters, digits and '-', and begins with a letter: ids begin with it")
        return source

    def _snapshot(self, head: Table) -> bool:
        snapshot = head.choice("kind", ("history", "snapshot"), "history") == "snapshot"
        if snapshot and self.profile and not self.profile.snapshots:
            head.fault(f"kind: {self.profile.name} holds some months and is no snapshot; take the line out")
            return False
        return snapshot

    def _retracts(self, head: Table, *, snapshot: bool) -> bool:
        """Tell whether an event is retracted when its step is gone, though its case is there."""
        if snapshot and "missing_steps" in head.raw:
            head.fault('a snapshot retracts what is gone; take missing_steps out, or kind = "snapshot"')
        return head.choice("missing_steps", ("keep", "retract"), "keep") == "retract" or snapshot

    def _take_profile(self, profile: Profile) -> None:
        for name in ("columns", "status"):
            if name in self.raw:
                self.faults.append(f"{self.file} [{name}]: the profile {profile.name} brings its own; take it out")
        self.columns = dict(profile.columns)
        self.counts = (OPEN, ENDED)
        self.statuses = dict.fromkeys(self.counts, "counts")

    def _dates(self, head: Table) -> tuple[str, ...]:
        formats = head.texts("dates", required=self.profile is None)
        for text in formats:
            if fault := format_fault(text):
                head.fault(f"dates: {text!r} {fault}")
        if clashing(formats):
            head.fault("dates: two formats read one text as two dates; keep the one that the source writes")
        if self.profile:  # a workbook's own dates are read as ISO ones
            return tuple(dict.fromkeys((*formats, ISO))) if formats else ISO_AND_DAY_FIRST
        return formats

    def _read_columns(self) -> None:
        table = self._table("columns", required=True)
        for field in table.raw:
            if field not in FIELDS:
                table.fault(f"no field {field!r}{nearest(field, FIELDS)}")
            elif table.text(field):
                self.columns[field] = str(table.raw[field]).strip()
        head = self.raw.get("extract")
        case = head.get("case") if isinstance(head, dict) else None
        for needed in ("workflow_step_id", "step_type", "status", *([case] if case in FIELDS else [])):
            if needed not in table.raw:
                table.fault(f"has no {needed!r}, which every such table needs")
        for header in _twice(self.columns.values()):
            table.fault(f"two fields name the column {header!r}")

    def _read_statuses(self) -> None:
        table = self._table("status", required=True)
        self.counts = tuple(map(squeezed, table.texts("counts", required=True)))
        for key in ("counts", "not_yet", "never"):
            for status in map(squeezed, table.texts(key)):
                if self.statuses.setdefault(status, key) != key:
                    table.fault(f"{status!r} stands under {self.statuses[status]} and under {key}")
        table.done()

    def _steps(self) -> tuple[StepMeaning, ...]:
        listed = self.raw.get("step", [])
        if not isinstance(listed, list) or not listed:
            self.faults.append(f"{self.file}: has no [[step]] table; write one for each type of step that is an event")
            return ()
        return tuple(
            self._step(Table(f"{self.file} [[step]] {n}", raw, self.faults)) for n, raw in enumerate(listed, 1)
        )

    def _step(self, table: Table) -> StepMeaning:
        event = table.text("event", required=True)
        if event in DERIVED:
            table.fault(f"event = {event!r} is derived from the rows; it cannot be a step")
        elif event and event not in self.words:
            table.fault(f"no event {event!r} is known{nearest(event, sorted(self.words))}")
        detail = table.inner("detail")
        for key, value in detail.items():
            self._check_detail(table, key, value)
        meaning = StepMeaning(
            type=squeezed(table.text("type", required=True)),
            event=event,
            on=self._on(table),
            statuses=self._which(table),
            ref=self._place(table, "ref"),
            lead=table.choice("worker", ("lead", "other"), "lead") == "lead",
            detail={key: value.isoformat() if isinstance(value, date) else value for key, value in detail.items()},
            detail_from=self._detail_from(table, detail),
        )
        table.done()
        return meaning

    def _on(self, table: Table) -> str:
        on = table.choice("on", DATES, required=True)
        if on and on not in self.columns:
            table.fault(f"on = {on!r}, but [columns] does not say where {on} stands")
        return on

    def _which(self, table: Table) -> frozenset[str]:
        named = tuple(map(squeezed, table.texts("statuses")))
        for status in named:
            if status not in self.statuses:
                table.fault(f"no status {status!r} stands in [status]{nearest(status, list(self.statuses))}")
        if self.profile and not named and table.raw.get("on") == "completed_on":
            return frozenset((ENDED,))
        return frozenset(named or self.counts)

    def _check_detail(self, table: Table, key: str, value: Any) -> None:
        if key in PERSONAL_FACTS:
            table.fault(f"detail.{key} is personal, and no event holds it; use [facts] or [children]")
        if isinstance(value, list):
            ok = all(isinstance(one, str | int | float | bool) for one in value)
        else:
            ok = isinstance(value, str | int | float | bool | date)
        if not ok:
            table.fault(f"detail.{key} must be a text, a number, a date, true or false, or a list of such")

    def _detail_from(self, table: Table, fixed: Mapping[str, Any]) -> tuple[FromColumn, ...]:
        parts = []
        for key, name in table.inner("detail_from").items():
            if key in PERSONAL_FACTS:
                table.fault(f"detail_from.{key} is personal, and no event holds it; use [facts] or [children]")
            elif key in fixed:
                table.fault(f"{key} stands under detail and under detail_from")
            elif not isinstance(name, str) or not name.strip():
                table.fault(f"detail_from.{key} must name a column")
            else:
                parts.append(FromColumn(key, self._header(name)))
        return tuple(parts)

    def _codes(self) -> dict[str, dict[str, Any]]:
        table = self._table("codes")
        codes: dict[str, dict[str, Any]] = {}
        for name in table.raw:
            inner = table.inner(name)
            for code, meaning in inner.items():
                if not isinstance(meaning, str | int | float | bool):
                    table.fault(f"{name!r}.{code!r} must be a text, a number, true or false")
            codes[self._header(name)] = {squeezed(code): meaning for code, meaning in inner.items()}
        return codes

    def _facts(self) -> dict[str, str]:
        table = self._table("facts")
        facts = {}
        for name in table.raw:
            if name == "children":
                table.fault("children are a list; use the table [children] with ref and born")
            elif name not in self.known_facts:
                table.fault(f"no fact {name!r} is declared{nearest(name, list(self.known_facts))}")
            elif header := self._place(table, name):
                facts[name] = header
        if "worker_id" in self.columns and "lead" in self.known_facts:
            facts.setdefault("lead", self.columns["worker_id"])
        return facts

    def _personal(self) -> dict[str, str]:
        table = self._table("personal")
        return {name: header for name in table.raw if (header := self._place(table, name))}

    # ---- columns

    def _header(self, name: str) -> str:
        """Return the header that a name means: one of our fields, or the header itself."""
        return self.columns.get(name, name.strip())

    def _place(self, table: Table, key: str, *, required: bool = False) -> str | None:
        name = table.text(key, required=required)
        return self._header(name) if name else None

    def _cross_check(self, mapping: StepMapping) -> None:
        if mapping.profile:
            self._check_profile(mapping, mapping.profile)
        self._check_personal(mapping)
        self._check_codes(mapping)
        pairs = [f"{step.type!r} as {step.event}" for step in mapping.steps if step.type]
        for pair in _twice(pairs):
            self.faults.append(f"{self.file} [[step]]: {pair} stands twice")
        for kind in sorted({step.type for step in mapping.steps} & mapping.ignored_steps):
            self.faults.append(f"{self.file} [ignore]: {kind!r} is also a [[step]]")
        for header in sorted(set(mapping.headers) & mapping.ignored_columns):
            self.faults.append(f"{self.file} [ignore]: the column {header!r} is used elsewhere in this file")

    def _check_profile(self, mapping: StepMapping, profile: Profile) -> None:
        for header in mapping.headers:
            if header not in profile.headers:
                known = nearest(header, profile.headers)
                self.faults.append(f"{self.file}: the profile {profile.name} has no column {header!r}{known}")
        for step in mapping.steps:
            if step.type and profile.type_of(step.type) not in profile.types:
                listed = ", ".join(profile.types)
                self.faults.append(
                    f"{self.file} [[step]]: the profile {profile.name} has no rows {step.type!r}; it has {listed}"
                )

    def _check_personal(self, mapping: StepMapping) -> None:
        open_uses = {header: f"[columns] {field}" for field, header in mapping.columns.items()}
        open_uses |= {h: f"[facts] {name}" for name, h in mapping.facts.items() if name not in PERSONAL_FACTS}
        for n, step in enumerate(mapping.steps, 1):
            open_uses |= {part.header: f"[[step]] {n} detail_from" for part in step.detail_from}
            if step.ref:
                open_uses[step.ref] = f"[[step]] {n} ref"
        hidden = {*mapping.personal.values(), *(h for name, h in mapping.facts.items() if name in PERSONAL_FACTS)}
        hidden |= {mapping.child_born} if mapping.child_born else set()
        for header in sorted(hidden & open_uses.keys()):
            self.faults.append(f"{self.file}: the column {header!r} is personal, and {open_uses[header]} uses it too")

    def _check_codes(self, mapping: StepMapping) -> None:
        free = {mapping.columns[field] for field in IDS if field in mapping.columns}
        wanted = {part.header for step in mapping.steps for part in step.detail_from} - free
        for header in sorted(wanted - mapping.codes.keys()):
            self.faults.append(
                f"{self.file}: a detail takes the column {header!r}, so it needs its codes: [codes.{header!r}]"
            )
        used = wanted | set(mapping.facts.values())
        for header in sorted(mapping.codes.keys() - used):
            self.faults.append(
                f"{self.file} [codes]: nothing uses the column {header!r}{nearest(header, sorted(used))}"
            )


def _twice(values: Collection[str]) -> list[str]:
    listed = list(values)
    return sorted({value for value in listed if listed.count(value) > 1})
