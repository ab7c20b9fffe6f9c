"""docs/writing-a-policy.md says what is so: every block is read, and every date on it is counted."""

import re
import tomllib
from pathlib import Path

import pytest

from ehscheduler import kit
from ehscheduler.core.milestones import STATES
from ehscheduler.core.reading import read_tables
from ehscheduler.core.tables import Table
from ehscheduler.core.vocabulary import FACT_KINDS as KINDS
from ehscheduler.errors import PolicyRefused
from ehscheduler.kit import Plugin
from ehscheduler.kit.coverage import REASONS
from ehscheduler.kit.mutants import equivalent_faults
from ehscheduler.kit.plugin import SHAPES
from ehscheduler.plugins import Authority
from ehscheduler.policy_files import calendar_for, policy_from

PAGE = Path(__file__).parents[2] / "docs" / "writing-a-policy.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
CASES = ("example", "routed", "workload", "sitting")


def kind(block: str) -> str:
    """Tell which file of a plugin a block belongs to."""
    tables = tomllib.loads(block)
    if tables.keys() <= set(CASES):
        return "examples"
    return {"rows": "coverage", "equivalent": "equivalent"}.get(next(iter(tables)), "policy")


def of(name: str) -> str:
    return "\n".join(block for block in BLOCKS if kind(block) == name)


@pytest.fixture(scope="module")
def ashford(tmp_path_factory: pytest.TempPathFactory) -> Plugin:
    """The plugin that somebody has who copies every block of the page."""
    package = tmp_path_factory.mktemp("page") / "ehs_ashford"
    package.mkdir()
    for name in ("policy", "examples", "coverage", "equivalent"):
        (package / f"{name}.toml").write_text(of(name), encoding="utf-8")
    policy = policy_from(package / "policy.toml")
    return Plugin(Authority("ashford", (policy,), calendar_for(policy), package))


def test_every_date_on_the_page_comes_out_as_it_was_counted_by_hand(ashford: Plugin, tmp_path: Path) -> None:
    assert len(ashford.worked) > 35
    assert [said for worked in ashford.worked for said in kit.through_files(ashford, worked, tmp_path)] == []


def test_every_table_on_the_page_that_decides_something_is_asked_by_a_worked_case(ashford: Plugin) -> None:
    asked = {name for worked in ashford.worked for name in worked.touches}
    policy = ashford.policy
    tables = (policy.rules, policy.checks, policy.routes, policy.limits, policy.meetings)
    assert {id_ for part in tables for id_ in part} == asked


def test_every_rule_on_the_page_rests_on_no_reading_that_the_page_does_not_give(ashford: Plugin) -> None:
    assert kit.reading_faults(ashford) == []
    assert kit.ladder_faults(ashford) == []
    assert [fault for fault in kit.coverage_faults(ashford) if "names" in fault] == []
    assert equivalent_faults(ashford) == []
    assert kit.mutant_faults(ashford, "ladder.overdue") == []


def test_the_page_shows_every_shape_and_every_way_of_saying_when(ashford: Plugin) -> None:
    policy = of("policy")
    for shape in SHAPES:
        assert f"[{shape}." in policy, shape
    for said in (" after ", "at once ", "same day ", "no set time ", "next ", "by case", "before date of", "birthday"):
        assert said in policy, said
    for said in ("per ", "phases", "times a week", "times a month", "3rd ", "each ", "roll", "best_by", "remind"):
        assert said in policy, said
    for said in ("decided_by", "escalate", "may_extend", "runs_through", "unless", "happened", "age ", " overdue"):
        assert said in policy, said
    for said in ("any ", "all ", "of ", "at_least", "within", "different", "since", "must", "needs", "not_before"):
        assert said in policy, said


def test_the_table_of_keys_is_what_the_reader_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    taken: dict[str, set[str]] = {}

    def noted(table: Table) -> None:
        kind = re.search(r"\[(\w+)", table.where)
        inner = table.where.rpartition("] ")[2].split(" ")[0] if "] " in table.where else ""
        taken.setdefault(f"{kind[1]} {inner}".strip() if kind else "", set()).update(table.taken)

    monkeypatch.setattr(Table, "done", noted)
    empty = {shape: {"x": {}} for shape in (*SHAPES, "event", "reading")}
    empty["rhythm"] = {"x": {}, "y": {"phases": [{}]}}
    empty["ladder"], empty["route"] = {"x": {"steps": [{}]}}, {"x": {"rows": [{}]}}
    with pytest.raises(PolicyRefused):
        read_tables(empty, "", "page.toml")
    keys = TEXT.split("## All keys")[1]
    rows = dict(re.findall(r"^\| `?\[?(\w+)(?:\.\w+)?\]?`? \| (.*) \|$", keys, re.MULTILINE))
    listed = {name: set(re.findall(r"`(\w+)`", row)) for name, row in rows.items()}
    for shape in (*SHAPES, "event", "reading", "policy"):
        here = listed[shape] | (listed["both"] if shape in ("standard", "rhythm") else set())
        inside = {key for name, keys in taken.items() if name.split(" ")[0] == shape for key in keys}
        assert here == inside, shape


@pytest.mark.parametrize("states", [STATES, REASONS, KINDS], ids=["states", "reasons of P", "kinds of fact"])
def test_what_may_stand_in_a_place_is_listed_whole(states: tuple[str, ...]) -> None:
    flat = " ".join(TEXT.split())
    assert [state for state in states if state not in flat] == []
