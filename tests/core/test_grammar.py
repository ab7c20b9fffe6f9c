"""The whole grammar: each line of it, and each alternative of a line, has a row that was counted by hand.

The rows stand in `golden/09-the-language.toml` and `10-forecast.toml`. An id begins with the line that it proves.
What the lines are is asked of the reader itself: which keys it looks for in each table, and what each phrase of it can
be. A key or an alternative that is new, and has no row that fails without it, fails in the files beside this one.
"""

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from test_golden import HEAD, tables

from ehscheduler.core.calendars import Calendar, london_day
from ehscheduler.core.evaluate import evaluate
from ehscheduler.core.events import Case, Event, read_moment
from ehscheduler.core.examples import mismatches, read_example
from ehscheduler.core.policy import Policy
from ehscheduler.core.reading import read_tables
from ehscheduler.errors import PolicyRefused
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
