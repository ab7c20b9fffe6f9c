"""Westmere: every proof that a plugin owes; `ehscheduler plugin test` makes the same ones."""

from pathlib import Path

import pytest

from ehscheduler import kit

PLUGIN = kit.plugin(Path(__file__).parents[1])


@pytest.mark.parametrize("worked", PLUGIN.worked, ids=kit.name_of)
def test_a_case_counted_by_hand_comes_out_as_counted(worked: kit.Worked, tmp_path: Path) -> None:
    assert kit.through_files(PLUGIN, worked, tmp_path) == []


@pytest.mark.parametrize("table", kit.tables_with_mutants(PLUGIN))
def test_no_change_of_a_rule_goes_unseen_by_the_worked_cases(table: str) -> None:
    assert kit.mutant_faults(PLUGIN, table) == []


@pytest.mark.parametrize("proof", kit.PROOFS, ids=kit.name_of)
def test_the_files_agree_with_one_another(proof: kit.Proof) -> None:
    assert proof(PLUGIN) == []
