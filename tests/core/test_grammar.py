"""The whole grammar: each line of it, and each alternative of a line, has a row that was counted by hand.

The rows stand in `golden/09-the-language.toml` and `10-forecast.toml`. An id begins with the line that it proves.
What the lines are is asked of the reader itself: which keys it looks for in each table, and what each phrase of it can
be. A key or an alternative that is new, and has no row that fails without it, fails here.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from test_golden import HEAD, policy_of, tables

from ehscheduler.core import phrases, read_conditions, read_rules, read_shapes, reading
from ehscheduler.core.actions import KINDS as NOTICES
from ehscheduler.core.calendars import DAY_UNITS, HOUR_UNITS, Calendar, Span, london_day
from ehscheduler.core.evaluate import evaluate
from ehscheduler.core.events import Case, Event, read_moment
from ehscheduler.core.examples import mismatches, read_example
from ehscheduler.core.policy import AllOf, AnyOf, Compare, Cond, Happened, Known, Not, Policy
from ehscheduler.core.read_conditions import _BOUNDS, read_where
from ehscheduler.core.reading import read_tables
from ehscheduler.core.tables import Table
from ehscheduler.errors import EhsError, PolicyRefused
from ehscheduler.kit.condition_changes import condition_changes
from ehscheduler.kit.sittings import Sitting
from ehscheduler.kit.worked import Workload, read_routed
from ehscheduler.policy_files import calendar_for
from ehscheduler.pure import policy_warnings

GOLDEN = Path(__file__).parent / "golden"
FILES = (GOLDEN / "09-the-language.toml", GOLDEN / "10-forecast.toml")
KINDS = ("example", "beside", "routed", "workload", "sitting", "said", "refused")
Raw = dict[str, Any]


def allocated_on_a_friday(facts: Mapping[str, Any], happened: Sequence[Event], moment: datetime) -> bool:
    return happened[-1].word == "allocation" and london_day(moment).isoweekday() == 5


HOOKS = {"allocated_on_a_friday": allocated_on_a_friday}


@dataclass(frozen=True)
class Row:
    """One row of the golden files: its kind, its id, and what is written in it."""

    kind: str
    id: str
    file: Path
    table: Mapping[str, Any]

    @property
    def policy(self) -> str:
        return str(self.table.get("policy", self.table.get("rule", "")))

    @property
    def raw(self) -> Raw:
        return raw_of(self.file, self.policy)

    def proves(self, line: str) -> bool:
        return self.id == line or self.id.startswith(f"{line}-")


@cache
def raw_of(file: Path, name: str) -> Raw:
    table = tables(file)["policy"][name]
    return whole(table["text"], table.get("nation", "england"), table.get("more", ""))


def whole(text: str, nation: str = "england", more: str = "") -> Raw:
    return tomllib.loads(HEAD.format(nation=nation, more=more) + text)


ROWS = [Row(kind, row["id"], file, row) for file in FILES for kind in KINDS for row in tables(file).get(kind, ())]
POLICIES = [(file, name) for file in FILES for name in tables(file)["policy"]]


@cache
def calendar(nation: str, hours: object) -> Calendar:
    return calendar_for(next(made(raw_of(*one)) for one in POLICIES if _fits(made(raw_of(*one)), nation, hours)))


def _fits(policy: Policy, nation: str, hours: object) -> bool:
    return (policy.nation, policy.hours) == (nation, hours)


def made(raw: Raw) -> Policy:
    return read_tables(raw, "", "grammar", HOOKS)


def wrong(row: Row, policy: Policy) -> list[str]:
    """Return, as sentences, where the product has it otherwise than the row."""
    table = {key: value for key, value in row.table.items() if key != "policy"}
    where = calendar_of(policy)
    match row.kind:
        case "routed":
            return read_routed(row.id, table, policy).wrong(policy, where)
        case "workload":
            return Workload(row.id, table).wrong(policy, where)
        case "sitting":
            return Sitting(row.id, table).wrong(policy, where)
        case "said":
            return list(_not_said(table, policy))
    faults: list[str] = []
    example = read_example(row.id, table, policy, faults)
    return faults if example is None else mismatches(example, policy, where)


def calendar_of(policy: Policy) -> Calendar:
    try:
        return calendar(policy.nation, policy.hours)
    except StopIteration:  # a change that no row's own policy has
        return calendar_for(policy)


def _not_said(table: Mapping[str, Any], policy: Policy) -> Iterator[str]:
    for name, value in table.get("says", {}).items():
        said = policy.title_of_role(name) if table["of"] == "roles" else _plain(getattr(_of(policy, table["of"]), name))
        if said != value:
            yield f"{table['of']} {name} is {value} by hand, and {said} as read"
    if "warns" in table:
        said = policy_warnings(policy, table["day"])
        if len(said) != len(table["warns"]) or not all(w in s for w, s in zip(table["warns"], said, strict=True)):
            yield f"it warns of {table['warns']} by hand, and of {said} as read"


def _of(policy: Policy, path: str) -> Any:
    kind, *rest = path.split(".")
    held = {"policy": policy, "reading": policy.readings, "event": policy.words, "ladder": policy.ladders}
    found: Any = {**held, "meeting": policy.meetings, "limit": policy.limits, "route": policy.routes}[kind]
    for step in rest:
        found = found[step] if isinstance(found, Mapping) else getattr(found, step, None) or found[int(step)]
    return found


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict(value) if isinstance(value, Mapping) else value


# ---- every row holds


BESIDE = [row for row in ROWS if row.kind not in ("example", "refused")]  # the examples are run in test_golden


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in BESIDE])
def test_a_line_of_the_grammar_means_what_was_counted_by_hand(row: Row) -> None:
    assert wrong(row, made(row.raw)) == []


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id) for row in ROWS if row.kind == "refused"])
def test_what_is_not_in_the_grammar_is_refused_with_a_sentence(row: Row) -> None:
    with pytest.raises(PolicyRefused) as refused:
        made(whole(row.table["text"]))
    assert any(row.table["sentence"] in fault for fault in refused.value.faults)
    if "without" in row.table:  # it is this that is refused, and nothing beside it
        made(changed(whole(row.table["text"]), tuple(row.table["without"]), None))


def test_a_check_beyond_the_calendar_is_a_problem_and_the_next_is_made_all_the_same() -> None:
    raw = whole("""
    [check.far]
    title = "Not so soon"
    clause = "1"
    at = "closed"
    not_before = "9999 working days after allocation"
    owner = "lead"
    [check.near]
    title = "Reviewed first"
    clause = "1"
    at = "closed"
    needs = "review_held"
    owner = "lead"
    """)
    days = {"allocation": "2026-03-02", "closed": "2026-03-03"}
    happened = [Event(word, "C1", word, *_moment(on), read_moment(on)[0]) for word, on in days.items()]
    policy = made(raw)
    found = evaluate(policy, calendar_of(policy), Case("C1"), happened, read_moment("2026-03-04")[0])
    assert [finding.check for finding in found.findings] == ["near"]
    assert len(found.problems) == 1
    assert "far: working days near 2026-03-02 cannot be counted" in found.problems[0]


def _moment(text: str) -> tuple[datetime, bool, date]:
    return read_moment(text)


# ---- the lines, and that each has its rows

LINES = """
due.after due.next due.at_once due.same_day due.no_set_time due.span_before due.before due.by
span.working_day span.day span.week span.month span.year span.hour span.office_hour span.case span.reading
anchor.first anchor.each anchor.latest anchor.nth anchor.overdue
date.case date.event date.meeting every.span every.times_a_week every.times_a_month every.ordinal
from.anchor from.span_after evidence.event evidence.ordinal evidence.needs earliest.due earliest.date
since.span since.anchor remind.span_before
cond.value cond.list cond.under cond.over cond.at_least cond.at_most cond.blank cond.all cond.any cond.not cond.known
cond.happened_ever cond.happened_within cond.hook cond.age-in-a-rule cond.age-in-an-event cond.age-in-must
facts.word facts.number facts.yes_no facts.date roles.list unless.what unless.before relaxation.is relaxation.looked
forecast.standard forecast.decided_by forecast.rhythm forecast.check forecast.meeting forecast.limit forecast.route
""".split()
"""The lines that are no key of a table: each has a row on either side of its boundary."""
SINGLE = """
date.birthday remind.on_the_day anchor.step_reached event.empty roles.title facts.duration facts.children
facts.as facts.from facts.set relaxation.ended per.evidence-with per.evidence-without forecast.reading
words.an-event words.a-role words.a-fact words.a-key words.a-length
""".split()
"""Lines without a boundary, or with both of its sides in one row."""
REFUSED = ("check.escalate", "rhythm.roll", "rhythm.not_before")
"""Keys of one shape that its neighbour has not: no clause needed them there."""


def test_every_id_is_used_once_and_begins_with_the_line_that_it_proves() -> None:
    lines = {*LINES, *SINGLE, *(f"{shape}.{key}" for shape, key in keys()), *(f"common.{key}" for _, key in keys())}
    assert not lines & set(REFUSED)
    lines.update(REFUSED)
    assert [row.id for row in ROWS if not any(row.proves(line) for line in lines)] == []
    assert len({row.id for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("line", [*LINES, *SINGLE, *REFUSED])
def test_a_line_has_its_rows(line: str) -> None:
    wanted = 1 if line in (*SINGLE, *REFUSED) or line.startswith(("unless", "relaxation")) else 2
    assert len([row for row in ROWS if row.proves(line)]) >= wanted


# ---- what the reader itself looks for


class Asked(dict[str, Any]):
    """A table of a policy that remembers which keys the reader asked it for."""

    def __init__(self, shape: str, raw: Mapping[str, Any], heard: set[tuple[str, str]]) -> None:
        super().__init__({key: _asked(f"{shape}.{key}", value, heard) for key, value in raw.items()})
        self.shape, self.heard = shape, heard

    def __contains__(self, key: object) -> bool:
        self.heard.add((self.shape, str(key)))
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.heard.add((self.shape, key))
        return super().get(key, default)


def _asked(shape: str, value: Any, heard: set[tuple[str, str]]) -> Any:
    """Let the tables of a list remember too: the phases, steps and rows."""
    if isinstance(value, list) and shape.split(".")[-1] in ("phases", "steps", "rows"):
        return [Asked(shape, one, heard) for one in value]
    return value


OPEN = ("roles", "facts")
"""Tables whose keys are the policy's own names."""


@cache
def keys() -> list[tuple[str, str]]:
    """Return every key that the reader asks for, by shape, over all the policies of these files."""
    heard: set[tuple[str, str]] = set()
    top: set[tuple[str, str]] = set()
    for one in POLICIES:
        raw = Asked("file", {}, top)
        for kind, table in raw_of(*one).items():
            if kind in OPEN:
                dict.__setitem__(raw, kind, table)
            elif kind == "policy":
                dict.__setitem__(raw, kind, Asked(kind, table, heard))
            else:
                dict.__setitem__(raw, kind, {id_: Asked(kind, inner, heard) for id_, inner in table.items()})
        made(raw)
    assert {key for _, key in top} == set(reading.TABLES)
    return sorted(heard)


NOTHING = {("event", "details"): "names what a source may send with the event; it decides nothing"}
"""Keys that are read, and that nothing is counted by."""
SHARED = ("standard", "rhythm")
OTHERS: dict[str, Any] = {
    **{"authority": "othershire", "document": "Another", "edition": "2", "nation": "wales"},
    **{"in_force": date(2016, 1, 1), "hours": "09:00 to 17:00", "title": "Another", "clause": "99", "clauses": "99"},
    **{"asks": "What else?", "value": "9 years", "owner": "line_manager", "who": "line_manager"},
    **{"met_by": "genogram_completed", "due": "9 years after genogram_completed", "at": "genogram_completed"},
    **{"every": "9 years", "from": "genogram_completed", "on": "every Friday", "to": "Another team"},
    **{"needs": "genogram_completed", "must": {"tool": "another"}, "any": ["genogram_completed"]},
    **{"all": ["genogram_completed"], "of": "genogram_completed"},
    "not_before": "9 years after genogram_completed",
}
"""What is put in the place of a key that a table cannot do without; every other key is taken away."""


@pytest.mark.parametrize(("shape", "key"), [pytest.param(*one, id=".".join(one)) for one in keys()])
def test_a_key_that_the_reader_knows_has_a_row_that_fails_without_it(shape: str, key: str) -> None:
    if (shape, key) in NOTHING:
        assert any(key in table for _, table in _tables_of(shape))
        return
    line = f"common.{key}" if shape in SHARED and all((one, key) in keys() for one in SHARED) else f"{shape}.{key}"
    refused = [row for row in ROWS if row.kind == "refused" and row.proves(f"{shape}.{key}") and "without" in row.table]
    named = [row for row in ROWS if row.proves(line) and row.kind != "refused"]
    if not any(key in table for _, table in _tables_of(shape)):
        assert refused, f"no policy has {shape}.{key}, and no row says that it is refused"
        return
    assert named, f"no row is named for {line}"
    assert any(_told(row, shape, key) for row in named), f"no row named for {line} fails without it"


def _tables_of(shape: str) -> Iterator[tuple[Raw, Mapping[str, Any]]]:
    for one in POLICIES:
        raw = raw_of(*one)
        yield from ((raw, _at(raw, path)) for path in _paths(raw, shape))


def _told(row: Row, shape: str, key: str) -> bool:
    """Tell whether a row fails once a key of a shape is changed, or taken away, in one of its policy's tables."""
    return any(
        _fails(row, changed(row.raw, (*path, key), _other(shape, key, _at(row.raw, path)[key])))
        for path in _paths(row.raw, shape)
        if key in _at(row.raw, path)
    )


def _other(shape: str, key: str, value: Any) -> Any:
    """Return what stands in the place of a value: None where the table can do without."""
    if key == "steps":
        return value[-1:]  # the first may stand on a condition, and alone would reach nobody in some case
    if key in ("phases", "rows"):
        return value[:1]
    if key == "due" and isinstance(value, str) and LENGTH.match(value):
        return LENGTH.sub("1 hour" if shape == "ladder.steps" else "9 years", value)  # a rung ends before those above
    return "every Monday" if value == OTHERS["on"] else OTHERS.get(key)


LENGTH = re.compile(r"\d+ [a-z ]+(?= after | before )")


def _paths(raw: Raw, shape: str) -> Iterator[tuple[str | int, ...]]:
    kind, *inner = shape.split(".")
    if kind == "policy":
        yield (kind,)
        return
    for id_, table in raw.get(kind, {}).items():
        if not inner:
            yield kind, id_
        else:
            yield from ((kind, id_, inner[0], n) for n in range(len(table.get(inner[0], ()))))


def _at(raw: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        raw = raw[step]
    return raw


def changed(raw: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """Return tables with one place changed, or gone where the value is None."""
    first, *rest = path
    copy: Any = dict(raw) if isinstance(raw, Mapping) else list(raw)
    if rest:
        copy[first] = changed(raw[first], tuple(rest), value)
    elif value is None:
        del copy[first]
    else:
        copy[first] = value
    return copy


def _fails(row: Row, raw: Raw) -> bool:
    """Tell whether a row comes out otherwise; a policy that the reader refuses proves nothing."""
    try:
        policy = made(raw)
    except PolicyRefused:
        return False
    try:
        return bool(wrong(row, policy))
    except EhsError:
        return True


# ---- the alternatives of a choice, a phrase and a condition


def test_every_choice_of_the_reader_is_made_by_a_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: set[str] = set()
    taken: set[str] = set()
    choice = Table.choice

    def hearing(self: Table, key: str, allowed: tuple[str, ...], default: str = "", *, required: bool = False) -> str:
        found = choice(self, key, allowed, default, required=required)
        offered.update(f"{key} = {value}" for value in allowed if key in CHOICES or key in self.raw)
        taken.add(f"{key} = {found}")
        return found

    monkeypatch.setattr(Table, "choice", hearing)
    for one in POLICIES:
        made(raw_of(*one))
    for nation in ("wales", "northern-ireland"):  # as their bank holidays are counted
        policy_of.__wrapped__(GOLDEN / "01-days-and-hours.toml", f"next-day-{nation}")
    facts = {one for one in offered if one.split(" = ")[0] not in CHOICES}
    kinds = {one.split(" = ")[1] for one in taken if one in facts}
    assert {one.split(" = ")[1] for one in facts} == kinds
    assert offered - facts <= taken


CHOICES = ("nation", "transition", "per", "force", "roll", "bank_holiday")


class Heard:
    """A pattern of the reader that remembers what it matched."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.texts: set[str] = set()

    def fullmatch(self, text: str) -> re.Match[str] | None:
        found = self.pattern.fullmatch(text)
        if found:
            self.texts.add(text)
        return found


def patterns_of(module: ModuleType) -> dict[str, re.Pattern[str]]:
    return {name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)}


def test_every_alternative_of_a_phrase_is_in_a_policy_of_these_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, Heard] = {}
    for module in (phrases, read_conditions, read_rules, read_shapes, reading):
        for name, pattern in patterns_of(module).items():
            heard[name] = Heard(pattern)
            monkeypatch.setattr(module, name, heard[name])
    for one in POLICIES:
        made(raw_of(*one))
    needed: dict[str, bool] = {}
    for name, listener in heard.items():
        for label, without in narrowed(name, listener.pattern.pattern):
            told = any(not re.fullmatch(without, text) for text in listener.texts)
            needed[label] = needed.get(label, False) or told
    assert len(needed) > 40
    assert not [label for label, told in needed.items() if not told]


FRAGMENTS = {"span": phrases._SPAN, "ordinal": r"\d+(?:st|nd|rd|th)"}
"""What several patterns have in common: an alternative of it is needed in one of them."""


def narrowed(name: str, source: str) -> Iterator[tuple[str, str]]:
    """Yield a pattern without each of its alternatives in turn, each with the place where it stands."""
    places = [(m.start(), m.end(), of) for of, part in FRAGMENTS.items() for m in re.finditer(re.escape(part), source)]
    for at, what, without in _cuts(source):
        begins, of = next(((begins, of) for begins, end, of in places if begins < at < end), (0, name))
        yield f"{of} {at - begins}: {what}", without


def _cuts(source: str) -> Iterator[tuple[int, str, str]]:
    """Cut each alternative (a|b), and each optional part both ways: left out, and never left out."""
    opened: list[list[int]] = [[0]]
    at = 0
    while at < len(source):
        if source[at] == "\\":
            at += 1
        elif source[at] == "[":
            at = source.index("]", at)
        elif source[at] == "(":
            head = re.compile(r"\((?:\?(?:P<\w+>|[:!]))?").match(source, at)
            assert head
            opened.append([head.end()])
            at = head.end() - 1
        elif source[at] == "|":
            opened[-1].append(at + 1)
        elif source[at] == ")":
            yield from _pieces(source, opened[-1], at)
            start = source.rindex("(", 0, opened.pop()[0])
            if source[at + 1 : at + 2] == "?":
                yield from _optional(source, start, at + 1)
        elif source[at] == "?" and source[at - 1] not in ")(":
            yield from _optional(source, at - 1, at)
        at += 1
    yield from _pieces(source, opened[0], len(source))


def _pieces(source: str, starts: list[int], end: int) -> Iterator[tuple[int, str, str]]:
    if len(starts) < 2:
        return
    ends = [*(start - 1 for start in starts[1:]), end]
    parts = [source[a:b] for a, b in zip(starts, ends, strict=True)]
    for n, part in enumerate(parts):
        kept = "|".join(parts[:n] + parts[n + 1 :])
        yield starts[n], part, source[: starts[0]] + kept + source[end:]


def _optional(source: str, start: int, mark: int) -> Iterator[tuple[int, str, str]]:
    part = source[start:mark]
    yield start, f"with {part}", source[:start] + source[mark + 1 :]
    yield start, f"without {part}", source[:mark] + source[mark + 1 :]


def test_cutting_a_pattern_leaves_each_of_its_alternatives_out_once() -> None:
    cut = [without for _, _, without in _cuts(r"(?P<n>\d+) (?:days?|week)(?P<more> on)?|never")]
    assert cut == [
        r"(?P<n>\d+) (?:day|week)(?P<more> on)?|never",
        r"(?P<n>\d+) (?:days|week)(?P<more> on)?|never",
        r"(?P<n>\d+) (?:week)(?P<more> on)?|never",
        r"(?P<n>\d+) (?:days?)(?P<more> on)?|never",
        r"(?P<n>\d+) (?:days?|week)|never",
        r"(?P<n>\d+) (?:days?|week)(?P<more> on)|never",
        "never",
        r"(?P<n>\d+) (?:days?|week)(?P<more> on)?",
    ]


def values_of(thing: Any) -> Iterator[Any]:
    """Yield every frozen value of which a policy is made."""
    if is_dataclass(thing):
        yield thing
        for field in fields(thing):
            yield from values_of(getattr(thing, field.name))
    elif isinstance(thing, Mapping):
        for inner in thing.values():
            yield from values_of(inner)
    elif isinstance(thing, tuple):
        for inner in thing:
            yield from values_of(inner)


def test_every_value_that_a_phrase_can_be_read_into_is_in_a_policy_of_these_rows() -> None:
    found = [value for one in POLICIES for value in values_of(made(raw_of(*one)))]
    kinds = {type(value) for value in found}
    assert set(get_args(phrases.Length)) <= kinds
    for of, name, options in (
        (phrases.Due, "how", get_args(phrases.How)),
        (phrases.Anchor, "which", get_args(phrases.Which)),
        (phrases.Anchor, "overdue", (True, False)),
        (phrases.Target, "kind", get_args(phrases.Target.__annotations__["kind"])),
        (phrases.Every, "per", get_args(phrases.Every.__annotations__["per"])),
        (Span, "unit", (*DAY_UNITS, *HOUR_UNITS)),
    ):
        assert {getattr(value, name) for value in found if type(value) is of} == set(options), (of, name)
    ways: list[tuple[type, str]] = [(phrases.Begin, "length"), (phrases.Remind, "span"), (phrases.Every, "nth")]
    for kind, name in (*ways, (Happened, "within")):
        assert {getattr(value, name) is None for value in found if type(value) is kind} == {True, False}, (kind, name)


CONDITIONS = {Compare: "value", Known: "known", Happened: "happened_ever", Not: "not", AnyOf: "any", AllOf: "all"}


class Compared(str):
    """A word of a condition that remembers what the reader compared it with."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        compared.add(str(other))
        return super().__eq__(other)


compared: set[str] = set()


def test_every_condition_that_can_be_read_has_its_line() -> None:
    assert set(CONDITIONS) == set(get_args(Cond))
    assert {field.name for field in fields(Compare)} == {"fact", "values", *_BOUNDS}
    compared.clear()
    asked = {Compared("score"): {Compared("about"): 5}, "happened": {"closed": Compared("once")}}
    read_where(Table("grammar", {"where": asked}, []), "where")
    words = {"ever" if word == "happened_ever" else word for word in CONDITIONS.values()} - {"value", "all"}
    assert compared == {*words, "happened", *_BOUNDS}
    assert {f"cond.{name}" for name in (*CONDITIONS.values(), *_BOUNDS)} <= set(LINES)


def test_a_digest_is_gathered_and_is_no_notice_of_the_forecast() -> None:
    assert set(NOTICES) == set("reminder due overdue escalation dispute drift limit check".split())


# ---- what a policy of these rows holds, a row of it needs

GIVEN = set("title clause clauses asks owner met_by details reading authority document in_force edition".split())
"""What every table needs, and what the rows of other policies prove."""


SILENT = {
    "standard: advice.tell": "a guide is said to its owner alone",
    "standard: advice.escalate": "a guide climbs no ladder",
    "standard: undated.remind": "what has no date has no reminder",
    "standard: shut.best_by": "it lies before the opening",
    "standard: shut.remind.0": "it lies before the opening",
    "checks: tool.tell": "a guide is said to its owner alone",
    "meetings: skips.chair": "what the policy settles nobody is asked",
    "meetings: moves.chair": "what the policy settles nobody is asked",
    "laddered: up.steps.1.due": "nobody stands above the last step",
    "laddered: deciders.steps.1.due": "nobody stands above the last step",
    "standard: up.steps.1.due": "nobody stands above the last step",
    "decided: deciders.steps.1.due": "nobody stands above the last step",
}
"""What stands in a policy to show that it tells nobody, and why it does not."""


@pytest.mark.parametrize("one", [pytest.param(one, id=one[1]) for one in POLICIES])
def test_what_a_policy_of_these_rows_holds_a_row_of_it_needs(one: tuple[Path, str]) -> None:
    raw = raw_of(*one)
    rows = [row for row in ROWS if (row.file, row.policy) == one and row.kind != "refused"]
    unseen = {
        f"{one[1]}: {'.'.join(map(str, path[1:]))}"
        for table in _tables(raw)
        for path, value in _changes(table, _at(raw, table))
        if not any(_fails(row, changed(raw, path, value)) for row in rows)
    }
    assert unseen == {silent for silent in SILENT if silent.startswith(f"{one[1]}: ")}


def _tables(raw: Raw) -> Iterator[tuple[str, ...]]:
    for kind in raw:
        if kind not in ("policy", "reading", *OPEN):
            yield from ((kind, id_) for id_ in raw[kind])


def _changes(path: tuple[str | int, ...], table: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Change what a table holds: each of several values goes, a single one goes with its key, or is another."""
    shape = ".".join(str(step) for n, step in enumerate(path) if n in (0, 2))
    for key, value in table.items():
        at = (*path, key)
        if key in GIVEN:
            continue
        if key in ("where", "must"):
            yield from (change for change in condition_changes(at, value) if change != (at, None) or key == "where")
        elif key in ("phases", "steps", "rows"):
            for n, inner in enumerate(value):
                yield from _changes((*at, n), inner)
        elif isinstance(value, list) and len(value) > 1:
            yield from (((*at, n), None) for n in range(len(value)))
        elif isinstance(value, Mapping):
            yield from (((*at, name), amount + 1) for name, amount in value.items())
        else:
            yield at, _other(shape, key, value)
