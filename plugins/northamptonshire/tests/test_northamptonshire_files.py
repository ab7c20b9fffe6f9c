"""What the plugin's files say of one another: rules, examples, coverage, the rule list and the README."""

import runpy
import tomllib
from collections import Counter
from pathlib import Path

import ehs_northamptonshire
import pytest

from ehscheduler.plugins import load

HERE = Path(__file__).parent
TABLES = runpy.run_path(str(HERE / "readme_tables.py"))
COVERAGE = TABLES["coverage"]()
HELD = TABLES["tables"]()
POLICY = load("northamptonshire").policy
EXAMPLES = tomllib.loads((TABLES["PACKAGE"] / "examples.toml").read_text(encoding="utf-8"))
RULE_LIST = tomllib.loads((HERE / "rule_list.toml").read_text(encoding="utf-8"))["rows"]
REASONS = {"a principle", "no event can say it", "a duplicate of a named rule", "outside the service"}

TIMED_RULES = """
    risk-assessment phone-contact referrer-assist unannounced-visits first-visit genogram culturegram eha
    additional-assessments plan-signoff taf voice cse-oversight duration-review caseload
""".split()


def test_the_plugin_gives_its_policy_file() -> None:
    assert ehs_northamptonshire.ehscheduler_policies() == [TABLES["PACKAGE"] / "policy.toml"]


def test_every_timed_rule_of_the_document_stands_in_the_policy() -> None:
    assert set(TIMED_RULES) <= {rule for row in COVERAGE if row["as"] == "T" for rule in row["rule"]}


def test_no_table_of_the_file_is_lost_on_the_way_into_the_policy() -> None:
    assert sorted(HELD) == sorted([*POLICY.rules, *POLICY.checks, *POLICY.limits, *POLICY.routes])


def test_every_row_of_the_rule_list_is_covered_once() -> None:
    assert [row["row"] for row in COVERAGE] == RULE_LIST
    assert Counter(RULE_LIST).most_common(1)[0][1] == 1


def test_a_row_is_held_by_rules_or_says_why_not() -> None:
    for row in COVERAGE:
        assert row["as"] in ("T", "D", "P")
        assert ("why" in row) == (row["as"] == "P") != ("rule" in row), row["row"]
    assert {row["why"] for row in COVERAGE if row["as"] == "P"} <= REASONS


def test_every_rule_holds_a_row_and_every_row_a_rule() -> None:
    assert {rule for row in COVERAGE for rule in row.get("rule", ())} == set(HELD)


def test_every_reading_is_answered_is_used_and_is_marked_as_the_projects() -> None:
    readings = TABLES["policy"]()["reading"]
    assert set(TABLES["rules_with_readings"]()) == set(readings)
    assert all(reading["answer"] and reading["taken_by"] == "project" for reading in readings.values())


def test_nobody_hears_who_is_not_named_for_there_is_no_ladder_in_the_document() -> None:
    assert not POLICY.ladders
    assert [rule.id for rule in POLICY.rules.values() if rule.escalate or rule.decided_by] == []
    assert [rule.id for rule in POLICY.rules.values() if rule.may_extend] == ["end-date-drift"]


def test_what_the_document_only_suggests_is_a_guide() -> None:
    guides = {id_ for id_, table in {**POLICY.rules, **POLICY.checks}.items() if table.force == "guide"}
    assert guides == {"child-seen-alone", "gang-discretionary", "duration-range", "voice-tool-age"}


def test_the_readme_shows_what_the_files_say() -> None:
    text = TABLES["README"].read_text(encoding="utf-8")
    assert TABLES["with_tables"](text) == text, "run: python plugins/northamptonshire/tests/readme_tables.py"


@pytest.mark.parametrize("rule", sorted(POLICY.rules))
def test_every_rule_has_an_example_in_time_and_one_out_of_time(rule: str) -> None:
    standard = POLICY.rules[rule]
    undated = any(due.how == "no set time" for due in getattr(standard, "due", ()))
    states = {
        expected.get("state")
        for example in EXAMPLES["example"]
        for expected in example["expect"]
        if expected["key"].split("/")[0] == rule
    }
    assert "met" in states
    assert states & ({"due"} if undated else {"met_late", "overdue"})


@pytest.mark.parametrize("check", sorted(POLICY.checks))
def test_every_check_has_an_example_that_holds_and_one_that_fails(check: str) -> None:
    told = [bool(example["notices"]) for example in EXAMPLES["example"] if example["rule"] == check]
    assert {True, False} <= set(told)


@pytest.mark.parametrize("route", sorted(POLICY.routes))
def test_every_way_of_a_route_has_an_example(route: str) -> None:
    led = {example["team"] for example in EXAMPLES["routed"] if example["rule"] == route}
    assert led == {"none", *(row.to for row in POLICY.routes[route].rows)}
