"""The invented caseload: the same for the same seed, believable, and marked with canaries."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.core.events import Event
from ehscheduler.core.vocabulary import EVENTS, FACTS
from ehscheduler.intake.caseload import (
    MAPPING,
    OWN_WORDS,
    PERSONAL,
    Caseload,
    canaries,
    write_caseload,
)
from ehscheduler.intake.contract import read_contract
from ehscheduler.intake.corrections import natural_id
from ehscheduler.intake.families import each_family
from ehscheduler.intake.guard import Intake, take_people, take_steps
from ehscheduler.intake.mapping import mapping_of

START = date(2026, 1, 5)
WORDS = EVENTS | OWN_WORDS
NOW = datetime(2026, 7, 6, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def caseload(tmp_path_factory: pytest.TempPathFactory) -> Caseload:
    return write_caseload(tmp_path_factory.mktemp("caseload"), seed=7, families=300, start=START)


@pytest.fixture(scope="module")
def taken(caseload: Caseload) -> Intake:
    return taken_from(caseload, NOW)


def taken_from(caseload: Caseload, now: datetime, recorded: Any = ()) -> Intake:
    mapping = mapping_of(MAPPING, "mapping.toml", FACTS, WORDS)
    return take_steps(caseload.extract, mapping, FACTS, now=now, recorded=recorded)


def test_the_extract_means_exactly_what_the_machine_contracts_files_say(caseload: Caseload, taken: Intake) -> None:
    cases, events = read_contract(caseload.cases, caseload.events, facts=FACTS, words=WORDS)
    assert {case.ref: case for case in cases} == {case.ref: case for case in taken.cases}
    assert {event.id: event for listed in events.values() for event in listed} == {e.id: e for e in taken.events}
    assert (caseload.case_count, caseload.event_count) == (len(taken.cases), len(taken.events))
    assert caseload.step_count == taken.rows
    assert taken.set_aside_count == 0


def test_the_same_seed_writes_the_same_bytes_and_another_seed_does_not(tmp_path: Path) -> None:
    one, two, other = (
        write_caseload(tmp_path / name, seed=seed, families=12, start=START)
        for name, seed in (("one", 1), ("two", 1), ("other", 2))
    )
    for name in ("extract", "mapping", "people", "cases", "events"):
        assert getattr(one, name).read_bytes() == getattr(two, name).read_bytes()
    assert one.extract.read_bytes() != other.extract.read_bytes()


def test_more_families_change_none_of_the_first() -> None:
    few = list(each_family(seed=1, families=5, start=START, days=182))
    # Up to a certain size, a team has the same workers.
    many = list(each_family(seed=1, families=40, start=START, days=182))
    assert many[:5] == few


def test_what_a_demo_has_to_show_is_there(taken: Intake) -> None:
    words = Counter(event.word for event in taken.events)
    needed = """referral_received referral_passed received_into_team referral_screened allocation contact_made
    home_visit family_seen unannounced_visit assessment_completed plan_completed plan_agreed taf_held review_held closed
    dispute_raised dispute_resolved hold_started hold_ended worker_changed assessment_reviewed final_letter_sent"""
    assert [word for word in needed.split() if not words[word]] == []
    origins = {event.detail.get("origin") for event in taken.events if event.word == "assessment_completed"}
    assert origins == {"own", "transferred"}
    assert any(event.recorded - event.moment > timedelta(days=4) for event in taken.events)
    assert words["hold_started"] > words["hold_ended"]
    assert 0 < sum(case.facts.get("lead") is None for case in taken.cases) < 40
    assert taken.unmapped[0].value == "Information Sharing Request"


def test_every_personal_value_carries_its_canary_and_stands_in_the_personal_fields_alone(
    caseload: Caseload, taken: Intake
) -> None:
    marks = set(canaries(seed=7, families=300))
    assert len(marks) == 300 * len(PERSONAL)
    held = " ".join(value for fields in taken.personal.values() for value in fields.values())
    assert all(mark in held for mark in marks)
    assert "CANARY" not in repr(taken)
    for path in (caseload.cases, caseload.events, caseload.people, caseload.mapping):
        assert "CANARY" not in path.read_text(encoding="utf-8")


def test_a_name_that_is_a_formula_comes_through(taken: Intake) -> None:
    assert taken.personal["G400008"]["family_name"].startswith("=1+1 ")
    assert any("FAMILY_NAME begins like a spreadsheet formula" in warning for warning in taken.warnings)


def test_the_directory_is_without_fault_and_holds_every_worker(caseload: Caseload, taken: Intake) -> None:
    roles = """case_manager senior_professional_practitioner team_manager service_manager group_manager general_manager
    early_help_unit spp_employment_entertainment education_enforcement_officer unit_leader_enforcement""".split()
    people = take_people(caseload.people, roles)
    assert people.warnings == ()
    assert {role for person in people.people for role in person.roles} == set(roles)
    assert all(person.email.endswith("@example.org") for person in people.people)
    leads = {case.facts["lead"] for case in taken.cases if "lead" in case.facts}
    assert leads <= {person.person_id for person in people.people}
    assert len({person.email for person in people.people}) == len(people.people)


def test_a_later_extract_adds_corrects_and_ends_where_the_last_one_stands(tmp_path: Path) -> None:
    record: dict[str, Event] = {}
    corrected = 0
    for week in range(27):
        day = START + timedelta(weeks=week)
        caseload = write_caseload(tmp_path, seed=7, families=60, start=START, as_of=day)
        now = datetime.combine(day, time(22), UTC)
        later = taken_from(caseload, now, recorded=record.values())
        corrected += len(later.corrections)
        for event in later.all_events:
            assert event.id not in record
            record[event.id] = event
        assert taken_from(caseload, now, recorded=record.values()).all_events == ()
    assert corrected > 0
    withdrawn = {event.detail["event"] for event in record.values() if event.word == "retracted"}
    live = [e for e in record.values() if e.word != "retracted" and e.id not in withdrawn]
    _, told = read_contract(caseload.cases, caseload.events, facts=FACTS, words=WORDS)
    expected = {event.id: event for events in told.values() for event in events}
    assert {natural_id(event.id) for event in live} == expected.keys()
    for event in live:
        same = expected[natural_id(event.id)]
        assert (event.moment, event.word, event.case, event.detail) == (same.moment, same.word, same.case, same.detail)


def test_no_row_of_an_extract_knows_what_comes_after_its_day(tmp_path: Path) -> None:
    day = START + timedelta(days=70)
    taken = taken_from(write_caseload(tmp_path, seed=7, families=60, start=START, as_of=day), NOW)
    assert max(event.moment.date() for event in taken.events) <= day
    assert max(event.recorded.date() for event in taken.events) <= day
