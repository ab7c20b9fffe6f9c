"""Manchester: the proofs that every plugin owes, and what this authority's files alone must keep."""

import json
from collections.abc import Iterator
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import ehs_manchester
import pytest

from ehscheduler import kit
from ehscheduler.core.evaluate import evaluate
from ehscheduler.core.events import Case, Event, read_moment
from ehscheduler.pure import write_forecast, write_timeline

PLUGIN = kit.plugin("manchester")
POLICY = PLUGIN.policy
GUIDES = """
    history-carried-forward transfer-without-delay least-intrusive stepdown-l3-advice joint-present
    allocation-area-sw-attends proforma-pages stepdown-refer-early stepup-senior-sw-consult level-eha
    level3-team-meeting b-specialist-eha
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


# ---- what is Manchester's own


def test_the_plugin_gives_its_policy_file() -> None:
    assert ehs_manchester.ehscheduler_policies() == [PLUGIN.package / "policy.toml"]


def test_every_reading_is_marked_as_the_projects() -> None:
    assert all(reading.ours for reading in POLICY.readings.values())


def test_no_row_is_left_out_of_the_rules() -> None:
    assert {row["as"] for row in PLUGIN.coverage} == {"T", "D"}
    assert len(PLUGIN.coverage) == 91


def test_what_the_document_only_encourages_is_a_guide() -> None:
    assert {id_ for id_, rule in {**POLICY.rules, **POLICY.checks}.items() if rule.force == "guide"} == set(GUIDES)


def test_only_differing_views_have_a_ladder_and_nothing_may_be_extended() -> None:
    assert [rule.id for rule in POLICY.rules.values() if rule.decided_by or rule.escalate] == ["dispute"]
    assert not any(rule.may_extend for rule in POLICY.rules.values())


def test_the_hours_of_the_tiers_are_marked_as_ours() -> None:
    *tiers, last = POLICY.ladders["dispute-tiers"].steps
    assert all("tier-prompt" in step.readings for step in tiers)
    assert last.final
    assert last.due.text == "48 hours after dispute_raised"


def test_all_who_are_named_at_a_tier_decide_together() -> None:
    assert all(step.together for step in POLICY.ladders["dispute-tiers"].steps)


@pytest.mark.parametrize("rule", ["triage-cp-contact-centre", "triage-cp-social-worker", "intervention-cp-immediate"])
def test_nothing_stops_a_child_protection_concern(rule: str) -> None:
    assert POLICY.rules[rule].runs_through == ("hold", "closure")


def asked(write: Any, folder: Path, *at: str) -> dict[str, Any]:
    """Ask the machine contract about no case at all."""
    cases, events, out = folder / "cases.csv", folder / "events.csv", StringIO()
    cases.write_text("case_ref,meeting_hub\n", encoding="utf-8")
    events.write_text("case_ref,event,occurred_at,recorded_at,ref,detail\n", encoding="utf-8")
    assert write(out, "manchester", cases, events, *at) == 0
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def lost(answer: dict[str, Any]) -> Iterator[str]:
    yield from (warning for warning in answer["warnings"] if warning.startswith("allocation-meeting: "))


def test_a_thursday_that_is_lost_is_named_weeks_ahead_and_the_hub_is_asked_for_another_day(tmp_path: Path) -> None:
    # Thu 25 Dec 2025 and Thu 1 Jan 2026 are bank holidays; a week before each, the hub is asked.
    assert len(list(lost(asked(write_timeline, tmp_path, "2025-12-05")))) == 2
    told = asked(write_forecast, tmp_path, "2025-12-01", "2026-01-31")["notices"]
    assert [(n["at"][:16], n["kind"], n["rule"], n["to_roles"]) for n in told] == [
        ("2025-12-18T08:30", "check", "allocation-meeting", ["hub_locality_manager"]),
        ("2025-12-24T08:30", "check", "allocation-meeting", ["hub_locality_manager"]),
    ]


def test_no_thursday_is_lost_at_easter_which_has_a_friday_and_a_monday(tmp_path: Path) -> None:
    assert not list(lost(asked(write_timeline, tmp_path, "2026-03-27")))


# North meets on Tue 23 Dec for Christmas Day's meeting; Central has called off Thu 12 Mar.
MOVED: dict[str, dict[date, date | None]] = {
    "allocation-meeting/north": {date(2025, 12, 25): date(2025, 12, 23)},
    "allocation-meeting/central": {date(2026, 3, 12): None},
}


@pytest.mark.parametrize(
    ("hub", "requested", "due_on"),
    [
        ("north", "2025-12-18", date(2025, 12, 23)),
        ("central", "2025-12-18", date(2025, 12, 29)),  # its next sitting is Thu 8 Jan, after five working days
        ("north", "2026-03-06", date(2026, 3, 12)),
        ("central", "2026-03-06", date(2026, 3, 13)),  # its next sitting is Thu 19 Mar, after five working days
        ("central", "2026-03-12", date(2026, 3, 19)),
    ],
)
def test_each_hub_has_a_meeting_of_its_own(hub: str, requested: str, due_on: date) -> None:
    event = Event("e1", "C1", "stepdown_requested", *read_moment(requested), read_moment(requested)[0])
    case = Case("C1", {"level": 4, "meeting_hub": hub})
    calendar = PLUGIN.calendar.with_sittings(MOVED)
    found = evaluate(POLICY, calendar, case, [event], event.moment).milestones
    assert [m.due_on for m in found if m.rule == "stepdown-present"] == [due_on]
