"""The Standard Safeguarding Dataset: its tables become cases and events as the mapping says, with all their traps."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import ehscheduler
from ehscheduler.core.vocabulary import EVENTS
from ehscheduler.errors import InputRefused
from ehscheduler.intake.guard import Intake, Limits, take_steps
from ehscheduler.intake.mapping import StepMapping, mapping_of

SAMPLE = (Path(ehscheduler.__file__).parent.parent / "docs/mappings/ssd.toml").read_text()
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
TABLES = {
    "ssd_early_help_episodes": (
        "earl_episode_id,earl_person_id,earl_episode_start_date,earl_episode_end_date,earl_episode_reason,"
        "earl_episode_end_reason,earl_episode_organisation,earl_episode_worker_id"
    ),
    "ssd_involvements": (
        "invo_involvements_id,invo_professional_id,invo_professional_role_id,invo_professional_team,invo_person_id,"
        "invo_involvement_start_date,invo_involvement_end_date,invo_worker_change_reason,invo_referral_id"
    ),
    "ssd_professionals": "prof_professional_id,prof_staff_id,prof_professional_name",
    "ssd_department": "dept_team_id,dept_team_name,dept_team_parent_id",
    "ssd_family": "fami_table_id,fami_family_id,fami_person_id",
    "ssd_contacts": (
        "cont_contact_id,cont_person_id,cont_contact_date,cont_contact_source_code,cont_contact_outcome_json"
    ),
}
USUAL = {
    "ssd_early_help_episodes": ["E1,P1,2026-02-02,,Parenting,,LA,PR1"],
    "ssd_involvements": ["I1,PR1,EARLYHELP,D1,P1,2026-02-05,,,"],
    "ssd_professionals": ["PR1,S1,Wren Worker", "PR2,S2,Wilf Worker"],
    "ssd_department": ["D1,North,", "D2,South,"],
}


@pytest.fixture
def take(tmp_path: Path, kinds: dict[str, str]) -> Callable[..., Intake]:
    """Return a function that takes tables in: those that are given in place of the usual ones; None leaves one out."""

    def take_tables(text: str = SAMPLE, headers: dict[str, str] | None = None, **given: Any) -> Intake:
        now, more = given.pop("now", NOW), given.pop("more", {})
        for name, rows in {**USUAL, **given}.items():
            path = tmp_path / f"{name}.csv"
            path.unlink(missing_ok=True)
            if rows is not None:
                path.write_text("\n".join([(headers or {}).get(name, TABLES[name]), *rows]) + "\n")
        mapping = mapping_of(text, "mapping.toml", kinds, EVENTS)
        return take_steps(tmp_path, mapping, kinds, now=now, limits=Limits(bad_percent=100), **more)

    return take_tables


def told(intake: Intake) -> list[tuple[str, str, str]]:
    return [(event.case, event.word, str(event.day)) for event in intake.events]


def test_an_episode_and_an_involvement_are_the_events_that_the_mapping_says(take: Callable[..., Intake]) -> None:
    intake = take()
    assert told(intake) == [("P1", "received_into_team", "2026-02-02"), ("P1", "allocation", "2026-02-05")]
    assert [event.id for event in intake.events] == ["ssd:earl-E1@P1:received_into_team", "ssd:invo-I1@P1:allocation"]
    [case] = intake.cases
    assert (case.facts["lead"], case.facts["team"]) == ("PR1", "North")
    assert [file.name for file in intake.files] == [f"{name}.csv" for name in sorted(USUAL)]
    assert intake.warnings == ()


def test_an_end_closes_with_the_reason_that_its_code_means(take: Callable[..., Intake]) -> None:
    intake = take(ssd_early_help_episodes=["E1,P1,2026-02-02,2026-05-01,,Outcomes met,,PR1"])
    [closed] = [event for event in intake.events if event.word == "closed"]
    assert (closed.day, closed.detail) == (date(2026, 5, 1), {"reason": "needs_met"})


def test_a_free_text_for_a_reason_is_listed_and_goes_nowhere(take: Callable[..., Intake]) -> None:
    intake = take(ssd_early_help_episodes=["E1,P1,2026-02-02,2026-05-01,,Family moved on,,PR1"])
    [closed] = [event for event in intake.events if event.word == "closed"]
    assert closed.detail == {}
    assert [(one.column, one.value) for one in intake.unmapped] == [("earl_episode_end_reason", "Family moved on")]


@pytest.mark.parametrize("placeholder", ["SSD_PH", "PLACEHOLDER_DATA", "placeholder data", "-1", "", "NULL", "\u00a0"])
def test_a_worker_that_is_a_placeholder_is_who_is_involved_then(take: Callable[..., Intake], placeholder: str) -> None:
    intake = take(
        ssd_early_help_episodes=[f"E1,P1,2026-02-02,,,,,{placeholder}"],
        ssd_involvements=[
            "I1,PR2,SOCIALWORKER,D2,P1,2025-01-01,2025-06-01,,",
            "I2,PR1,SOCIALWORKER,D1,P1,2026-03-01,,,",
            "I3,PR2,SOCIALWORKER,D2,P1,2026-02-02,2026-02-28,,",
        ],
    )
    [case] = intake.cases
    assert (case.facts["lead"], case.facts["team"]) == ("PR1", "North")


def test_a_worker_whom_nobody_knows_is_noted(take: Callable[..., Intake]) -> None:
    intake = take(ssd_early_help_episodes=["E1,P1,2026-02-02,,,,,PR99"])
    assert intake.cases[0].facts["lead"] == "PR1"
    assert "the worker is not in ssd_professionals; whoever is involved is taken (1 row: line 2)" in intake.warnings[0]


def test_a_team_that_is_null_on_one_involvement_is_taken_from_another(take: Callable[..., Intake]) -> None:
    intake = take(
        ssd_involvements=["I1,PR1,EARLYHELP,,P1,2026-02-05,,,", "I2,PR2,SOCIALWORKER,D2,P1,2026-02-01,2026-02-04,,"]
    )
    assert intake.cases[0].facts["team"] == "South"


def test_a_person_without_anybody_is_a_case_without_a_lead(take: Callable[..., Intake]) -> None:
    intake = take(ssd_early_help_episodes=["E1,P1,2026-02-02,,,,,SSD_PH"], ssd_involvements=None)
    assert "lead" not in intake.cases[0].facts
    assert any("the case has no worker" in warning for warning in intake.warnings)


@pytest.mark.parametrize("text", ["02/02/2026", "02/02/2026 00:00", "02/02/2026 00:00:00", "2026-02-02 00:00:00.000"])
def test_a_date_may_have_the_day_first(take: Callable[..., Intake], text: str) -> None:
    assert told(take(ssd_early_help_episodes=[f"E1,P1,{text},,,,,PR1"]))[0][2] == "2026-02-02"


def test_headers_may_be_in_capitals_have_blanks_and_be_more_than_we_know(take: Callable[..., Intake]) -> None:
    table = "ssd_early_help_episodes"
    header = TABLES[table].upper().replace(",", "\u00a0,") + ",EARL_NEW_COLUMN"
    intake = take(headers={table: header}, ssd_early_help_episodes=["E1,P1,2026-02-02,,,,,PR1,x"])
    assert told(intake)[0] == ("P1", "received_into_team", "2026-02-02")


def test_a_column_that_may_be_missing_is_and_one_that_may_not_is_named(take: Callable[..., Intake]) -> None:
    table = "ssd_early_help_episodes"
    header = "earl_episode_id,earl_person_id,earl_episode_start_date,earl_episode_end_date"
    assert take(headers={table: header}, ssd_early_help_episodes=["E1,P1,2026-02-02,"]).cases[0].facts["lead"] == "PR1"
    with pytest.raises(InputRefused, match="the column 'earl_episode_end_date' is missing; add it"):
        take(headers={table: header.rpartition(",")[0]}, ssd_early_help_episodes=["E1,P1,2026-02-02"])


def test_a_case_may_be_a_family_and_who_has_none_stands_alone(take: Callable[..., Intake]) -> None:
    text = SAMPLE.replace('case    = "person_id"', 'case    = "group_id"')
    intake = take(
        text,
        ssd_early_help_episodes=["E1,P1,2026-02-02,,,,,PR1", "E2,P2,2026-02-03,,,,,PR1", "E3,P3,2026-02-04,,,,,PR1"],
        ssd_family=["T1,F1,P1", "T2,F1,P2"],
    )
    assert [case.ref for case in intake.cases] == ["F1", "person-P3"]
    with pytest.raises(InputRefused, match=r"has no ssd_family.csv, and a case is a family by its mapping"):
        take(text, ssd_family=None)


def test_the_involvements_of_everybody_else_are_left_out(take: Callable[..., Intake]) -> None:
    intake = take(ssd_involvements=[*USUAL["ssd_involvements"], "I9,PR2,EARLYHELP,D2,P9,2026-02-05,,,"])
    assert [case.ref for case in intake.cases] == ["P1"]


def test_a_role_that_the_mapping_does_not_name_is_listed(take: Callable[..., Intake]) -> None:
    intake = take(ssd_involvements=["I1,PR1,FAMILYCOACH,D1,P1,2026-02-05,,,"])
    assert [one.value for one in intake.unmapped] == ["involvement: FAMILYCOACH"]
    every = SAMPLE.replace("involvement: EARLYHELP", "involvement")
    assert take(every, ssd_involvements=["I1,PR1,FAMILYCOACH,D1,P1,2026-02-05,,,"]).unmapped == ()


CONTACTS = SAMPLE.replace(
    "[facts]",
    """[[step]]
type        = "contact"
event       = "referral_received"
on          = "started_on"
detail_from = { nfa = "cont_contact_outcome_json.NFA_FLAG" }
worker      = "other"

[codes."cont_contact_outcome_json.NFA_FLAG"]
"Y" = true
"N" = false

[facts]""",
)


@pytest.mark.parametrize(
    ("json", "detail", "noted"),
    [
        ('"{""NFA_FLAG"": ""Y""}"', {"nfa": True}, False),
        ('"{""NFA_FLAG"": """"}"', {}, False),
        ('"{""NFA_FLAG"": ""Y"", ""COMMENTS"": ""a ""quote""""}"', {}, True),
        ("[1]", {}, True),
        ("", {}, False),
    ],
    ids=["a flag", "a blank flag", "a quotation mark inside", "no object", "nothing"],
)
def test_an_outcome_that_is_no_json_says_nothing_and_the_contact_counts(
    take: Callable[..., Intake], json: str, detail: dict[str, Any], noted: bool
) -> None:
    intake = take(CONTACTS, ssd_contacts=[f"K1,P1,2026-01-30,1A,{json}", "K2,P7,2026-01-30,1A,"])
    [contact] = [event for event in intake.events if event.word == "referral_received"]
    assert (contact.case, contact.detail) == ("P1", detail)
    assert any("is not JSON; nothing is made of it" in warning for warning in intake.warnings) is noted


def test_an_episode_that_vanishes_between_loads_is_retracted(take: Callable[..., Intake]) -> None:
    both = ["E1,P1,2026-02-02,,,,,PR1", "E2,P1,2026-03-02,,,,,PR1"]
    first = take(ssd_early_help_episodes=both)
    later = take(
        ssd_early_help_episodes=both[1:],
        now=NOW + timedelta(days=1),
        more={"recorded": first.events, "known_open": ["P1"]},
    )
    assert [(c.old.id, c.anew) for c in later.corrections] == [("ssd:earl-E1@P1:received_into_team", None)]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (
            "E1,P1,31/02/2026,,,,,PR1",
            "ssd_early_help_episodes.csv, line 2: start is a date or time that does not exist",
        ),
        (",P1,2026-02-02,,,,,PR1", "line 2: id is empty; fill it in"),
        ("E1,,2026-02-02,,,,,PR1", "line 2: person is empty; fill it in"),
        ("E1,P1,,,,,,PR1", "line 2: start is empty, though the step is 'open'; fill it in"),
    ],
)
def test_a_bad_row_is_set_aside_by_table_and_line(take: Callable[..., Intake], row: str, why: str) -> None:
    intake = take(ssd_early_help_episodes=[row])
    assert any(why in str(problem) for problem in intake.set_aside)


def test_an_end_before_the_start_and_a_start_that_lies_ahead_are_noted(take: Callable[..., Intake]) -> None:
    intake = take(ssd_early_help_episodes=["E1,P1,2026-02-02,2026-01-01,,NFA,,PR1", "E2,P2,2027-02-02,,,,,PR1"])
    assert any("end is before start; both are kept as they are" in warning for warning in intake.warnings)
    assert any("the step lies in the future; it counts from its day on" in warning for warning in intake.warnings)


def test_a_folder_without_episodes_is_refused(take: Callable[..., Intake]) -> None:
    with pytest.raises(InputRefused, match=r"has no ssd_early_help_episodes.csv; give the folder"):
        take(ssd_early_help_episodes=None)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('type   = "early help episode"', 'type   = "home visit"', "the profile ssd has no rows 'home visit'; it has"),
        ('team = "team"', 'team = "teem"', "the profile ssd has no column 'teem'; did you mean 'team'"),
        ("[facts]", "[columns]\nstatus = 'x'\n[facts]", "the profile ssd brings its own; take it out"),
        ('profile = "ssd"', 'profile = "sds"', "profile = 'sds' is none of steps, ssd, annex_a"),
    ],
)
def test_a_fault_of_the_mapping_is_named(kinds: dict[str, str], old: str, new: str, why: str) -> None:
    assert old in SAMPLE
    with pytest.raises(InputRefused) as refused:
        mapping_of(SAMPLE.replace(old, new, 1), "mapping.toml", kinds, EVENTS)
    assert why in str(refused.value)


def test_the_sample_is_a_mapping(kinds: dict[str, str]) -> None:
    mapping: StepMapping = mapping_of(SAMPLE, "ssd.toml", kinds, EVENTS)
    assert mapping.snapshot
    assert mapping.words >= {"received_into_team", "allocation", "closed"}
