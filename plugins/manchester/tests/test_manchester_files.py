"""What the plugin's files say of one another: rules, examples, coverage, the rule list and the README."""

import runpy
import tomllib
from pathlib import Path
from typing import Any

import ehs_manchester
import pytest

from ehscheduler.core.examples import read_examples, wanting
from ehscheduler.plugins import load

HERE = Path(__file__).parent
FILES = runpy.run_path(str(HERE / "readme_tables.py"))
POLICY = load("manchester").policy
COVERAGE: list[dict[str, Any]] = FILES["read"]("coverage.toml")["rows"]
EXAMPLES: dict[str, list[dict[str, Any]]] = FILES["read"]("examples.toml")
ROWS: list[str] = tomllib.loads((HERE / "rule_list.toml").read_text(encoding="utf-8"))["rows"]
REASONS = {"a principle", "no event can say it", "a duplicate of a named rule", "outside the service"}
TIMED = """
    allocation-meeting rejected-cfa rejected-cfa-senior stepdown-present triage-discussion stepup-taf dispute
    written-referral register-eha-6-weeks register-eha-3-months last-team
""".split()
GUIDES = """
    history-carried-forward transfer-without-delay least-intrusive stepdown-l3-advice joint-present
    allocation-area-sw-attends proforma-pages stepdown-refer-early stepup-senior-sw-consult level-eha
    level3-team-meeting b-specialist-eha
""".split()


def test_the_plugin_gives_its_policy_file() -> None:
    assert ehs_manchester.ehscheduler_policies() == [FILES["PACKAGE"] / "policy.toml"]


def test_every_table_of_the_file_reaches_the_policy() -> None:
    reached = [POLICY.rules, POLICY.checks, POLICY.meetings, POLICY.ladders, POLICY.limits, POLICY.routes]
    assert {id_ for tables in reached for id_ in tables} == set(FILES["shapes"]())


def test_every_row_of_the_rule_list_is_covered_once_and_in_order() -> None:
    assert [row["row"] for row in COVERAGE] == ROWS
    assert len(set(ROWS)) == len(ROWS) == 91


def test_a_row_is_held_by_rules_or_says_why_not() -> None:
    for row in COVERAGE:
        assert ("rule" in row, row.get("why") in REASONS) == (row["as"] in "TD", row["as"] == "P"), row["row"]


def test_every_rule_holds_a_row_and_every_row_a_rule() -> None:
    assert {rule for row in COVERAGE for rule in row.get("rule", ())} == set(FILES["shapes"]())


def test_what_the_list_calls_timed_is_covered_as_timed() -> None:
    assert set(TIMED) <= {rule for row in COVERAGE if row["as"] == "T" for rule in row["rule"]}


def test_every_reading_is_used_answered_and_marked_as_the_projects() -> None:
    assert set(FILES["rests_on"]()) == set(POLICY.readings)
    assert all(reading.answer and reading.ours for reading in POLICY.readings.values())


def test_only_differing_views_have_a_ladder_and_nothing_may_be_extended() -> None:
    assert [rule.id for rule in POLICY.rules.values() if rule.decided_by or rule.escalate] == ["dispute"]
    assert not any(rule.may_extend for rule in POLICY.rules.values())


def test_the_hours_of_the_tiers_are_marked_as_ours() -> None:
    *tiers, last = POLICY.ladders["dispute-tiers"].steps
    assert all("tier-prompt" in step.readings for step in tiers)
    assert last.final
    assert all(step.together for step in (*tiers, last))
    assert last.due.text == "48 hours after dispute_raised"


@pytest.mark.parametrize("rule", ["triage-cp-contact-centre", "triage-cp-social-worker", "intervention-cp-immediate"])
def test_nothing_stops_a_child_protection_concern(rule: str) -> None:
    assert POLICY.rules[rule].runs_through == ("hold", "closure")


def test_what_the_document_encourages_is_a_guide() -> None:
    assert {id_ for id_, rule in {**POLICY.rules, **POLICY.checks}.items() if rule.force == "guide"} == set(GUIDES)


def test_the_readme_shows_what_the_files_say() -> None:
    text = FILES["README"].read_text(encoding="utf-8")
    assert FILES["renewed"](text) == text, "run: python plugins/manchester/tests/readme_tables.py"


def test_every_rule_has_an_example_in_time_and_a_dated_one_has_one_that_is_late() -> None:
    text = (FILES["PACKAGE"] / "examples.toml").read_text(encoding="utf-8")
    advised = {"no example shows stepdown-l3-advice late; add one", "no example shows joint-present late; add one"}
    assert set(wanting(read_examples(text, "examples.toml", POLICY), POLICY)) <= advised


@pytest.mark.parametrize("check", sorted(POLICY.checks))
def test_every_check_has_an_example_that_holds_and_one_that_fails(check: str) -> None:
    told = {bool(example["notices"]) for example in EXAMPLES["example"] if example["rule"] == check}
    assert told == {True, False}


@pytest.mark.parametrize("route", sorted(POLICY.routes))
def test_every_way_of_a_route_has_an_example(route: str) -> None:
    led = {example["team"] for example in EXAMPLES["routed"] if example["rule"] == route}
    assert {row.to for row in POLICY.routes[route].rows if not row.latest} <= led
    assert bool(led & {"North 2", "South 1"}) == any(row.latest for row in POLICY.routes[route].rows)
