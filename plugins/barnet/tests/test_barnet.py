"""Barnet: the proofs that every plugin owes, and what this authority's files alone must keep."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import ehs_barnet
import pytest

from ehscheduler import kit
from ehscheduler.pure import write_forecast, write_timeline

PLUGIN = kit.plugin("barnet")
POLICY = PLUGIN.policy
GUIDES = """
    stepdown-yot-via-panel practice-model contact contact-taper home-visit-cycles home-visit-intervention
    home-visit-review stepup-discuss-first urgent-risk-dats planned-stepup-joint-visit close-accompany up-green
    yj-record-template drift-panel
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


# ---- what is Barnet's own


def test_the_plugin_gives_its_policy_file() -> None:
    assert ehs_barnet.ehscheduler_policies() == [PLUGIN.package / "policy.toml"]


def test_every_row_of_the_rule_list_has_its_place() -> None:
    assert len(PLUGIN.coverage) == 128


def test_every_reading_is_marked_as_the_projects() -> None:
    assert all(reading.ours for reading in POLICY.readings.values())


def test_what_the_document_only_advises_is_a_guide() -> None:
    guides = {id_ for id_, table in {**POLICY.rules, **POLICY.checks}.items() if table.force == "guide"}
    assert guides == set(GUIDES)


def test_only_a_disputed_step_down_has_a_ladder_and_only_the_line_manager_extends() -> None:
    assert [rule.id for rule in POLICY.rules.values() if rule.decided_by or rule.escalate] == ["stepdown-dispute"]
    assert {rule.id: rule.may_extend for rule in POLICY.rules.values() if rule.may_extend} == {
        "stepdown-span": ("line_manager",)
    }


def test_too_few_families_are_fewer_than_twelve() -> None:
    assert POLICY.limits["caseload"].at_least == {"families": 12}


def asked(write: Any, folder: Path, *at: str) -> dict[str, Any]:
    """Ask the machine contract about no case at all."""
    cases, events, out = folder / "cases.csv", folder / "events.csv", StringIO()
    cases.write_text("case_ref\n", encoding="utf-8")
    events.write_text("case_ref,event,occurred_at,recorded_at,ref,detail\n", encoding="utf-8")
    assert write(out, "barnet", cases, events, *at) == 0
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def test_the_hub_manager_is_asked_a_week_ahead_for_a_panel_that_falls_on_a_bank_holiday(tmp_path: Path) -> None:
    # Christmas Day 2027 is a Saturday, so Tue 28 Dec is a bank holiday; a week before it is Tue 21 Dec.
    told = asked(write_forecast, tmp_path, "2027-12-13", "2028-01-10")["notices"]
    assert [(n["at"][:16], n["kind"], n["rule"], n["to_roles"]) for n in told] == [
        ("2027-12-21T08:30", "check", "hub-panel", ["hub_team_manager"])
    ]
    assert any(w.startswith("hub-panel: ") for w in asked(write_timeline, tmp_path, "2027-12-13")["warnings"])


def test_no_panel_is_lost_to_the_monday_holidays_of_spring(tmp_path: Path) -> None:
    assert asked(write_forecast, tmp_path, "2026-03-30", "2026-06-01")["notices"] == []
    assert not any(w.startswith("hub-panel: ") for w in asked(write_timeline, tmp_path, "2026-04-01")["warnings"])
