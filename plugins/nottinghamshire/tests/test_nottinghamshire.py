"""Nottinghamshire: the proofs that every plugin owes, and what this authority's files alone must keep."""

from pathlib import Path

import ehs_nottinghamshire
import pytest

from ehscheduler import kit

PLUGIN = kit.plugin("nottinghamshire")
POLICY = PLUGIN.policy
GUIDES = """
    level-agreed-ehu l2-support-offer epn-trigger epn-request epn-per-parent-per-child neet-age neet-plus-tier3
    neet-pregnant waitlist-raw-visit stepdown-checklist stepdown-fast-track stepdown-joint-attend plan-smart-taf
    taf-chair-lp taf-agenda
""".split()
DURING_HOLD = """
    stepup-interventions-continue stepup-liaise stepup-family-told stepup-return stepup-close-cin-cp
""".split()


@pytest.mark.parametrize("worked", PLUGIN.worked, ids=kit.name_of)
def test_a_case_counted_by_hand_comes_out_as_counted(worked: kit.Worked, tmp_path: Path) -> None:
    assert kit.through_files(PLUGIN, worked, tmp_path) == []


@pytest.mark.parametrize("table", kit.tables_with_mutants(PLUGIN))
def test_no_change_of_a_rule_goes_unseen_by_the_worked_cases(table: str) -> None:
    assert kit.mutant_faults(PLUGIN, table) == []


@pytest.mark.parametrize("proof", kit.PROOFS, ids=kit.name_of)
def test_the_files_agree_with_one_another(proof: kit.Proof) -> None:
    assert proof(PLUGIN) == []


# ---- what is Nottinghamshire's own


def test_the_plugin_gives_its_policy_file() -> None:
    assert ehs_nottinghamshire.ehscheduler_policies() == [PLUGIN.package / "policy.toml"]


def test_every_reading_is_marked_as_the_projects() -> None:
    assert all(reading.ours for reading in POLICY.readings.values())


def test_only_three_rows_are_principles_and_nothing_else_is_left_out() -> None:
    assert len(PLUGIN.coverage) == 143
    left = {row["row"]: row["why"] for row in PLUGIN.coverage if row["as"] == "P"}
    assert left == dict.fromkeys(("split-consent", "worker-continuity", "reduced-contact-pft"), "a principle")


def test_what_the_document_only_allows_or_advises_is_a_guide() -> None:
    assert {id_ for id_, rule in {**POLICY.rules, **POLICY.checks}.items() if rule.force == "guide"} == set(GUIDES)


def test_only_allocation_disputes_have_a_ladder_and_the_hours_between_its_rungs_are_marked_as_ours() -> None:
    assert [rule.id for rule in POLICY.rules.values() if rule.decided_by or rule.escalate] == ["allocation-dispute"]
    first, second, *_ = POLICY.ladders["allocation-dispute"].steps
    assert all("dispute-steps" in step.readings for step in (first, second))


def test_a_hold_stops_every_clock_but_what_is_asked_because_of_the_step_up() -> None:
    running = {rule.id: rule.runs_through for rule in POLICY.rules.values() if rule.runs_through}
    assert running.pop("licence-concern-route") == ("hold", "closure")  # nothing stops a safeguarding concern
    assert running == dict.fromkeys(DURING_HOLD, ("hold",))


def test_a_duty_without_a_number_says_so() -> None:
    undated = [
        rule for rule in POLICY.rules.values() if any(due.how == "no set time" for due in getattr(rule, "due", ()))
    ]
    assert len(undated) > 40
    assert [rule.id for rule in undated if not rule.readings] == []
