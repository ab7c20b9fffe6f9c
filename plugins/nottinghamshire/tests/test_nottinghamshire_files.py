"""What the plugin's files say of one another: rules, examples, coverage and README."""

import runpy
import tomllib
from collections import Counter
from pathlib import Path

import ehs_nottinghamshire
import pytest

from ehscheduler.plugins import load

TABLES = runpy.run_path(str(Path(__file__).with_name("readme_tables.py")))
COVERAGE = TABLES["coverage"]()
RULES = load("nottinghamshire").policy.rules
EXAMPLES = tomllib.loads((TABLES["PACKAGE"] / "examples.toml").read_text(encoding="utf-8"))["example"]

TIMED_RULES = """
    ehu-process ehu-process-urgent mri-allocate screen screen-urgent waitlist-review allocation-dispute initial-contact
    first-visit assessment assessment-currency plan plan-agreed plan-review initial-taf review-taf family-contact
    final-letter licence-notice epn-request epn-issue epn-copy epn-trigger relaxation
""".split()


def test_the_plugin_gives_its_policy_file() -> None:
    assert ehs_nottinghamshire.ehscheduler_policies() == [TABLES["PACKAGE"] / "policy.toml"]


def test_every_timed_rule_of_the_document_stands_in_the_policy() -> None:
    assert sorted(RULES) == sorted(TIMED_RULES)


def test_every_row_is_listed_once_and_is_timed_decided_or_a_principle() -> None:
    assert len(COVERAGE) == 143
    assert Counter(row["row"] for row in COVERAGE).most_common(1)[0][1] == 1
    assert {row["as"] for row in COVERAGE} == {"T", "D", "P"}


def test_every_timed_row_names_rules_and_every_rule_holds_a_row() -> None:
    assert all(row.get("rule") for row in COVERAGE if row["as"] == "T")
    assert {rule for row in COVERAGE for rule in row.get("rule", [])} == set(RULES)


def test_a_row_that_is_not_encoded_says_why() -> None:
    reasons = {"a principle", "no event can say it", "a duplicate of a named rule", "outside the service"}
    assert {row["why"] for row in COVERAGE if row["as"] == "P"} <= reasons
    assert all(("rule" in row) != (row.get("part") == 2) for row in COVERAGE if row["as"] == "D")


def test_every_reading_is_answered_is_used_and_is_marked_as_the_projects() -> None:
    readings = TABLES["policy"]()["reading"]
    assert set(TABLES["rules_with_readings"]()) == set(readings)
    assert all(reading["answer"] and reading["taken_by"] == "project" for reading in readings.values())


def test_the_readme_shows_what_the_files_say() -> None:
    text = TABLES["README"].read_text(encoding="utf-8")
    assert TABLES["with_tables"](text) == text, "run: python plugins/nottinghamshire/tests/readme_tables.py"


@pytest.mark.parametrize("rule", TIMED_RULES)
def test_every_rule_has_an_example_in_time_and_one_out_of_time(rule: str) -> None:
    states = {
        expected.get("state")
        for example in EXAMPLES
        for expected in example["expect"]
        if expected["key"].split("/")[0] == rule
    }
    assert states & {"met"}
    if rule not in ("final-letter", "epn-trigger"):  # no set time: never late
        assert states & {"met_late", "overdue"}
