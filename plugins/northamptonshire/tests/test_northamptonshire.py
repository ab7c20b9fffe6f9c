"""Northamptonshire: the proofs that every plugin owes, and what this authority's files alone must keep."""

from pathlib import Path

import ehs_northamptonshire
import pytest

from ehscheduler import kit

PLUGIN = kit.plugin("northamptonshire")
POLICY = PLUGIN.policy


@pytest.mark.parametrize("worked", PLUGIN.worked, ids=kit.name_of)
def test_a_case_counted_by_hand_comes_out_as_counted(worked: kit.Worked, tmp_path: Path) -> None:
    assert kit.through_files(PLUGIN, worked, tmp_path) == []


@pytest.mark.parametrize("table", kit.tables_with_mutants(PLUGIN))
def test_no_change_of_a_rule_goes_unseen_by_the_worked_cases(table: str) -> None:
    assert kit.mutant_faults(PLUGIN, table) == []


@pytest.mark.parametrize("proof", kit.PROOFS, ids=kit.name_of)
def test_the_files_agree_with_one_another(proof: kit.Proof) -> None:
    assert proof(PLUGIN) == []


# ---- what is Northamptonshire's own


def test_the_plugin_gives_its_policy_file() -> None:
    assert ehs_northamptonshire.ehscheduler_policies() == [PLUGIN.package / "policy.toml"]


def test_every_reading_is_marked_as_the_projects() -> None:
    assert all(reading.ours for reading in POLICY.readings.values())


def test_nobody_hears_who_is_not_named_for_there_is_no_ladder_in_the_document() -> None:
    assert not POLICY.ladders
    assert [rule.id for rule in POLICY.rules.values() if rule.escalate or rule.decided_by] == []
    assert [rule.id for rule in POLICY.rules.values() if rule.may_extend] == ["end-date-drift"]


def test_what_the_document_only_suggests_is_a_guide() -> None:
    guides = {id_ for id_, table in {**POLICY.rules, **POLICY.checks}.items() if table.force == "guide"}
    assert guides == {"child-seen-alone", "gang-discretionary", "duration-range", "voice-tool-age"}
