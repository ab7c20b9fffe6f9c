"""A workflow-step extract becomes cases and events, and a later extract corrects an earlier one."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.core.events import Child, Event
from ehscheduler.core.vocabulary import EVENTS
from ehscheduler.errors import InputRefused
from ehscheduler.intake.corrections import natural_id
from ehscheduler.intake.guard import Intake, Limits, take_steps
from ehscheduler.intake.mapping import StepMapping, mapping_of

Steps = Callable[..., Path]
Take = Callable[..., Intake]
ALL_BAD = Limits(bad_percent=100)


@pytest.fixture
def take(mapping: StepMapping, kinds: dict[str, str], now: datetime, steps: Steps) -> Take:
    """Return a function that takes rows in under the tests' mapping, or a changed one."""

    def take_rows(*rows: dict[str, Any], using: StepMapping = mapping, **more: Any) -> Intake:
        return take_steps(steps(*rows), using, kinds, **{"now": now, "limits": ALL_BAD, **more})

    return take_rows


def remapped(text: str, *changes: tuple[str, str], kinds: dict[str, str]) -> StepMapping:
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    return mapping_of(text, "mapping.toml", kinds, EVENTS)


def words(events: Iterable[Event]) -> list[str]:
    return [event.word for event in events]


# ---- what a step means


def test_a_completed_step_is_an_event_with_a_natural_id(take: Take) -> None:
    (event,) = take({"STEP_ID": "48291"}).events
    assert (event.id, event.case, event.word) == ("mosaic:48291:home_visit", "G1", "home_visit")
    assert event.moment == event.recorded == datetime(2026, 3, 2, 10, tzinfo=UTC)
    assert (event.dated, event.ref, event.detail) == (False, None, {})


@pytest.mark.parametrize("text", ["02/03/2026", "02/03/2026 00:00", "2/3/2026"])
def test_a_date_or_midnight_is_a_bare_date(take: Take, text: str) -> None:
    (event,) = take({"DONE": text}).events
    assert (event.dated, event.day) == (True, date(2026, 3, 2))


def test_midnight_is_an_instant_where_the_mapping_says_so(take: Take, mapping_text: str, kinds: dict[str, str]) -> None:
    using = remapped(mapping_text, ("[columns]", 'midnight = "an instant"\n[columns]'), kinds=kinds)
    (event,) = take({"DONE": "02/03/2026 00:00"}, using=using).events
    assert not event.dated


def test_a_time_is_london_time(take: Take) -> None:
    (event,) = take({"DONE": "01/07/2026 00:30"}, now=datetime(2026, 8, 1, tzinfo=UTC)).events
    assert (event.moment, event.day) == (datetime(2026, 6, 30, 23, 30, tzinfo=UTC), date(2026, 7, 1))


@pytest.mark.parametrize(
    ("formats", "text", "day"),
    [
        ('["%d/%m/%Y"]', "03/04/2026", date(2026, 4, 3)),
        ('["%m/%d/%Y"]', "03/04/2026", date(2026, 3, 4)),
        ('["%d-%b-%Y"]', "03-APR-2026", date(2026, 4, 3)),
        ('["%d.%m.%Y"]', "3.4.2026", date(2026, 4, 3)),
        ('["%Y%m%d"]', "20260403", date(2026, 4, 3)),
        ('["iso"]', "2026-04-03", date(2026, 4, 3)),
        ('["iso"]', "2026-04-03 00:00:00.000", date(2026, 4, 3)),
        ('["iso"]', "2026-04-02T23:30:00+00:00", date(2026, 4, 3)),
        ('["%d/%m/%Y %H:%M:%S"]', "03/04/2026 09:05:00.000", date(2026, 4, 3)),
    ],
)
def test_a_date_is_read_by_the_declared_format(
    take: Take, mapping_text: str, kinds: dict[str, str], formats: str, text: str, day: date
) -> None:
    using = remapped(mapping_text, ('["%d/%m/%Y %H:%M", "%d/%m/%Y"]', formats), kinds=kinds)
    (event,) = take({"DONE": text, "STARTED": "", "INCOMING": ""}, using=using).events
    assert event.day == day


READ_BY = "the mapping reads %d/%m/%Y %H:%M or %d/%m/%Y"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("31/11/2026", "DONE is a date or time that does not exist; correct it in the source"),
        ("29/02/2027", "DONE is a date or time that does not exist; correct it in the source"),
        ("02/03/2026 25:00", "DONE is a date or time that does not exist; correct it in the source"),
        ("03/13/2026", "DONE is a date or time that does not exist; correct it in the source"),
        ("02/03/26", f"DONE has a year of two digits; {READ_BY}"),
        ("46083", f"DONE is a day number of Excel; {READ_BY}"),
        ("46083.5", f"DONE is a day number of Excel; {READ_BY}"),
        ("2026-03-02", f"DONE is an ISO date; {READ_BY}"),
        ("CANARY-7f3a", f"DONE is not a date; {READ_BY}"),
        ("02/03/0026", "DONE has a year that cannot be right; correct it in the source"),
        ("29/03/2026 01:30", "DONE is an hour that the clocks skipped; correct it in the source"),
        ("", "DONE is empty, though the step is 'COMPLETED'; fill it in"),
    ],
)
def test_a_date_that_cannot_be_read_sets_the_row_aside_with_the_reason(take: Take, text: str, sentence: str) -> None:
    taken = take({"DONE": text}, {"STEP_ID": "2"})
    assert [str(problem) for problem in taken.set_aside] == [f"steps.csv, line 2: {sentence}"]
    assert [event.id for event in taken.events] == ["mosaic:2:home_visit"]


def test_an_hour_that_the_clocks_repeat_is_taken_as_the_first_and_told(take: Take) -> None:
    taken = take({"DONE": "26/10/2025 01:30"})
    assert taken.events[0].moment == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert "steps.csv: DONE is an hour that the clocks repeat; taken as the first (1 row: line 2)" in taken.warnings


def test_codes_and_refs_and_fixed_details_reach_the_event(take: Take) -> None:
    contact, dispute = take(
        {"STEP_ID": "1", "TYPE": "Contact", "METHOD": "Tel"},
        {"STEP_ID": "2", "TYPE": "Dispute", "STATUS": "STARTED", "STARTED": "03/03/2026 09:00", "DONE": ""},
    ).events
    assert (contact.ref, contact.detail) == ("1", {"method": "phone"})
    assert (dispute.word, dispute.detail) == ("dispute_raised", {"about": "allocation"})


def test_a_status_that_does_not_count_gives_no_event(take: Take) -> None:
    taken = take(
        {"STEP_ID": "1", "STATUS": "CANCELLED", "GROUP": "G2"},
        {"STEP_ID": "2", "STATUS": "STARTED", "DONE": ""},
    )
    assert taken.events == ()
    assert [case.ref for case in taken.cases] == ["G1"]


def test_values_without_a_mapping_are_listed_with_counts_and_the_rest_goes_in(take: Take) -> None:
    taken = take(
        {"STEP_ID": "1", "TYPE": "Chronology"},
        {"STEP_ID": "2", "TYPE": "Chronology"},
        {"STEP_ID": "3", "TYPE": "Case Note"},
        {"STEP_ID": "4", "TYPE": "Contact", "METHOD": "Pigeon"},
        {"STEP_ID": "5", "STATUS": "ARCHIVED"},
        {"STEP_ID": "6", "TYPE": "Home\u00a0 Visit"},
    )
    assert [(value.column, value.value, value.count, value.line) for value in taken.unmapped] == [
        ("METHOD", "Pigeon", 1, 5),
        ("STATUS", "ARCHIVED", 1, 6),
        ("TYPE", "Chronology", 2, 2),
    ]
    assert {event.id: event.detail for event in taken.events} == {
        "mosaic:4:contact_made": {},
        "mosaic:6:home_visit": {},
    }
    assert taken.set_aside == ()
    assert "steps.csv: values without a mapping in mapping.toml: 4; they are listed with their counts" in taken.warnings


def test_an_unmapped_value_too_long_for_a_code_is_not_shown(take: Take) -> None:
    (value,) = take({"TYPE": "Contact", "METHOD": "Spoke with the mother of CANARY-7f3a at length"}).unmapped
    assert value.value == "(a text of 46 characters)"


# ---- attributes, workers, children, personal fields


def test_a_change_of_worker_is_an_event_that_sets_the_lead(take: Take) -> None:
    taken = take(
        {"STEP_ID": "1", "TYPE": "Allocation", "DONE": "02/03/2026 10:00", "WORKER": "W1"},
        {"STEP_ID": "2", "DONE": "09/03/2026 10:00", "WORKER": "W1"},
        {"STEP_ID": "3", "DONE": "16/03/2026 10:00", "WORKER": "W2"},
        {"STEP_ID": "4", "DONE": "23/03/2026 10:00", "WORKER": "W2"},
    )
    assert taken.cases[0].facts["lead"] == "W1"
    (change,) = [event for event in taken.events if event.word == "worker_changed"]
    assert (change.id, change.detail, change.day) == ("mosaic:3:worker_changed", {"lead": "W2"}, date(2026, 3, 16))


def test_a_step_whose_worker_does_not_hold_the_case_changes_no_lead(take: Take) -> None:
    taken = take(
        {"STEP_ID": "1", "TYPE": "Allocation", "DONE": "02/03/2026 10:00", "WORKER": "W1"},
        {"STEP_ID": "2", "TYPE": "Dispute", "STARTED": "03/03/2026", "DONE": "04/03/2026", "WORKER": "M1"},
    )
    assert words(taken.events) == ["allocation", "dispute_raised"]


def test_other_attributes_that_change_are_one_event(take: Take) -> None:
    taken = take(
        {"STEP_ID": "1", "DONE": "02/03/2026", "TEAM": "South", "LEVEL": "3"},
        {"STEP_ID": "2", "DONE": "09/03/2026", "TEAM": "West", "LEVEL": "4"},
        {"STEP_ID": "3", "DONE": "16/03/2026", "TEAM": "", "LEVEL": ""},
    )
    assert (taken.cases[0].facts["team"], taken.cases[0].facts["level"]) == ("South", 3)
    (change,) = [event for event in taken.events if event.word == "attributes_changed"]
    assert change.detail == {"team": "West", "level": 4}


def test_a_birthday_is_never_in_an_event(take: Take) -> None:
    taken = take({"STEP_ID": "1", "DOB": "04/05/2019"}, {"STEP_ID": "2", "DONE": "09/03/2026", "DOB": "05/04/2019"})
    assert taken.cases[0].facts["index_child_dob"] == date(2019, 4, 5)
    assert words(taken.events) == ["home_visit", "home_visit"]


def test_personal_columns_go_to_the_personal_fields_of_the_case_and_nowhere_else(take: Take) -> None:
    taken = take(
        {"STEP_ID": "1", "NAME": "Old CANARY-7f3a"},
        {"STEP_ID": "2", "NAME": "New CANARY-7f3a", "DONE": "09/03/2026"},
        {"STEP_ID": "3", "NAME": "", "DONE": "10/03/2026"},
    )
    assert taken.personal == {"G1": {"family_name": "New CANARY-7f3a"}}
    assert "CANARY" not in repr((taken.events, taken.cases, taken.warnings, taken.unmapped, taken.set_aside))
    assert "CANARY" not in repr(taken)


@pytest.mark.parametrize("name", ["=HYPERLINK(0)", "+cmd|calc", "-2+3", "@SUM(A1)"])
def test_a_formula_in_a_name_survives_as_text_and_is_told(take: Take, name: str) -> None:
    taken = take({"NAME": name})
    assert taken.personal["G1"]["family_name"] == name
    told = "steps.csv: NAME begins like a spreadsheet formula; it is kept as text (1 row: line 2)"
    assert told in taken.warnings


def test_a_telephone_number_is_no_formula(take: Take) -> None:
    assert not any("formula" in warning for warning in take({"NAME": "+44 115 000 000"}).warnings)


def test_the_people_of_a_group_may_be_its_children(take: Take, mapping_text: str, kinds: dict[str, str]) -> None:
    change = ("[ignore]", '[children]\nref = "person_id"\nborn = "DOB"\n[ignore]')
    using = remapped(mapping_text, ("index_child_dob", "# index_child_dob"), change, kinds=kinds)
    taken = take(
        {"PERSON": "P2", "DOB": "04/05/2019"}, {"PERSON": "P1", "DOB": ""}, {"PERSON": "P2", "DOB": ""}, using=using
    )
    assert taken.cases[0].facts["children"] == (Child("P1", None), Child("P2", date(2019, 5, 4)))
    assert len(taken.events) == 1


def test_a_case_may_be_a_person_and_then_a_shared_step_is_one_event_each(
    take: Take, mapping_text: str, kinds: dict[str, str]
) -> None:
    using = remapped(mapping_text, ('case   = "group_id"', 'case   = "person_id"'), kinds=kinds)
    taken = take({"PERSON": "P1"}, {"PERSON": "P2"}, using=using)
    assert [event.id for event in taken.events] == ["mosaic:1@P1:home_visit", "mosaic:1@P2:home_visit"]


def test_placeholders_of_the_case_system_are_blank(take: Take) -> None:
    taken = take({"WORKER": "#N/A", "TEAM": "SSD_PH", "LEVEL": "NULL"})
    assert taken.cases[0].facts == {}
    told = "steps.csv: the case has no worker; it is taken in, and its notices climb one rung (1 row: line 2)"
    assert told in taken.warnings


# ---- what is odd, and what is wrong


def test_an_end_before_a_start_is_told_and_kept(take: Take) -> None:
    taken = take({"STARTED": "03/03/2026", "DONE": "02/03/2026 10:00"})
    assert words(taken.events) == ["home_visit"]
    assert "steps.csv: DONE is before STARTED; both are kept as they are (1 row: line 2)" in taken.warnings


def test_a_start_and_an_end_on_one_date_are_not_odd(take: Take) -> None:
    assert take({"STARTED": "02/03/2026 00:00", "DONE": "02/03/2026 10:00"}).warnings == ()


def test_a_date_in_the_future_is_told_and_kept(take: Take) -> None:
    taken = take({"DONE": "02/06/2026"})
    assert words(taken.events) == ["home_visit"]
    assert "steps.csv: the step lies in the future; it counts from its day on (1 row: line 2)" in taken.warnings


def test_one_step_with_two_dates_sets_both_rows_aside(take: Take) -> None:
    taken = take({"DONE": "02/03/2026"}, {"DONE": "03/03/2026"}, {"STEP_ID": "2"})
    assert [str(problem) for problem in taken.set_aside] == [
        "steps.csv, line 2: the same step stands on line 3 with other content; keep one of them",
        "steps.csv, line 3: the same step stands on line 2 with other content; keep one of them",
    ]
    assert [event.id for event in taken.events] == ["mosaic:2:home_visit"]


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"STEP_ID": ""}, "STEP_ID is empty; fill it in"),
        ({"GROUP": ""}, "GROUP is empty; fill it in"),
        ({"GROUP": "#N/A"}, "GROUP is empty; fill it in"),
        ({"TYPE": ""}, "TYPE is empty; fill it in"),
        ({"STEP_ID": "1~2"}, "STEP_ID is no id: too long, or with a '~'; correct it"),
        ({"LEVEL": "CANARY-7f3a"}, "LEVEL is not a number"),
        ({"DOB": "04/05/19"}, f"DOB has a year of two digits; {READ_BY}"),
        ({"NAME": "x" * 1001}, "NAME is longer than 1,000 characters"),
    ],
)
def test_a_bad_row_is_set_aside_with_the_column(take: Take, row: dict[str, str], sentence: str) -> None:
    taken = take(row, {"STEP_ID": "2", "GROUP": "G2"})
    assert [str(problem) for problem in taken.set_aside] == [f"steps.csv, line 2: {sentence}"]
    assert [case.ref for case in taken.cases] == ["G2"]


def test_a_column_that_the_mapping_does_not_know_refuses_the_file_unless_it_is_ignored(
    mapping_text: str, kinds: dict[str, str], now: datetime, steps: Steps
) -> None:
    path = steps({})
    header, row = path.read_text().splitlines()
    path.write_text(f"{header},TEAMS\n{row},x\n")
    using = remapped(mapping_text, kinds=kinds)
    with pytest.raises(InputRefused) as refused:
        take_steps(path, using, kinds, now=now)
    assert refused.value.problems == ["steps.csv, line 1: no column 'TEAMS' is known; did you mean 'TEAM'?"]
    ignoring = remapped(mapping_text, ('["Case Note"]', '["Case Note"]\ncolumns = ["TEAMS"]'), kinds=kinds)
    assert len(take_steps(path, ignoring, kinds, now=now).events) == 1


# ---- a later extract


LATER = timedelta(days=1)


def test_the_same_extract_again_adds_nothing(take: Take, now: datetime) -> None:
    rows = ({"STEP_ID": "1", "TYPE": "Allocation"}, {"STEP_ID": "2", "WORKER": "W2", "DONE": "09/03/2026"})
    first = take(*rows)
    again = take(*rows, recorded=first.all_events, now=now + LATER)
    assert (again.all_events, again.unchanged) == ((), 3)
    assert again.digest == first.digest


def test_a_corrected_step_is_retracted_and_recorded_anew_with_the_same_ids_each_time(take: Take, now: datetime) -> None:
    first = take({"DONE": "02/03/2026"})
    pairs = [take({"DONE": "03/03/2026"}, recorded=first.events, now=now + LATER) for _ in range(2)]
    assert pairs[0].corrections == pairs[1].corrections
    (correction,) = pairs[0].corrections
    assert correction.old == first.events[0]
    assert correction.retraction.word == "retracted"
    assert correction.retraction.detail == {"event": "mosaic:1:home_visit"}
    assert correction.retraction.recorded == now + LATER
    assert correction.anew is not None
    assert (correction.anew.day, correction.anew.recorded) == (date(2026, 3, 3), now + LATER)
    assert natural_id(correction.anew.id) == "mosaic:1:home_visit" != correction.anew.id
    assert pairs[0].events == ()
    assert "steps.csv: recorded events that the source has changed: 1, withdrawn: 0" in pairs[0].warnings


def test_a_correction_that_is_taken_back_is_a_third_event(take: Take, now: datetime) -> None:
    known = list(take({"DONE": "02/03/2026"}).all_events)
    for n, day in enumerate(("03/03/2026", "02/03/2026", "03/03/2026"), 1):
        known += take({"DONE": day}, recorded=known, now=now + n * LATER).all_events
        assert take({"DONE": day}, recorded=known, now=now + 9 * LATER).all_events == ()
    assert len({event.id for event in known}) == len(known) == 7


def test_a_step_that_is_cancelled_later_is_withdrawn_and_may_come_back(take: Take, now: datetime) -> None:
    known = list(take({}).all_events)
    withdrawn = take({"STATUS": "CANCELLED"}, recorded=known, now=now + LATER)
    assert [correction.anew for correction in withdrawn.corrections] == [None]
    known += withdrawn.all_events
    assert take({"STATUS": "CANCELLED"}, recorded=known, now=now + LATER).all_events == ()
    (back,) = take({}, recorded=known, now=now + 2 * LATER).all_events
    assert natural_id(back.id) == "mosaic:1:home_visit" != back.id
    assert take({}, recorded=[*known, back], now=now + 3 * LATER).all_events == ()


def test_an_event_that_a_person_retracted_stays_so_until_the_source_says_something_new(
    take: Take, now: datetime
) -> None:
    (event,) = take({}).events
    by_hand = Event("X9", "G1", "retracted", now, False, now.date(), now, None, {"event": event.id})
    again = take({}, recorded=[event, by_hand], now=now + LATER)
    assert again.all_events == ()
    assert "steps.csv: events that were retracted by hand, and stay so: 1" in again.warnings
    (anew,) = take({"DONE": "03/03/2026"}, recorded=[event, by_hand], now=now + LATER).all_events
    assert anew.day == date(2026, 3, 3)


def test_a_step_that_is_not_in_the_extract_any_more_is_kept_and_counted(take: Take, now: datetime) -> None:
    known = take({"STEP_ID": "1"}, {"STEP_ID": "2"}, {"STEP_ID": "3", "GROUP": "G2"}).events
    later = take({"STEP_ID": "1"}, recorded=known, now=now + LATER)
    assert later.all_events == ()
    told = "steps.csv: recorded events whose step is not in this file any more: 1; they are kept"
    assert told in later.warnings


def test_a_step_that_is_gone_is_retracted_where_the_mapping_says_so(
    take: Take, now: datetime, mapping_text: str, kinds: dict[str, str]
) -> None:
    using = remapped(mapping_text, ("[columns]", 'missing_steps = "retract"\n[columns]'), kinds=kinds)
    known = take({"STEP_ID": "1"}, {"STEP_ID": "2"}, {"STEP_ID": "3", "GROUP": "G2"}).events
    (correction,) = take({"STEP_ID": "1"}, recorded=known, now=now + LATER, using=using).corrections
    assert (correction.old.id, correction.anew) == ("mosaic:2:home_visit", None)


def test_a_bad_row_withdraws_nothing(take: Take, now: datetime) -> None:
    known = take({"STEP_ID": "1"}, {"STEP_ID": "2"}).events
    assert take({"STEP_ID": "1"}, {"STEP_ID": "2", "DONE": "x"}, recorded=known, now=now + LATER).all_events == ()


def test_a_worker_who_never_changed_after_all_is_withdrawn(take: Take, now: datetime) -> None:
    known = take({"STEP_ID": "1"}, {"STEP_ID": "2", "WORKER": "W2", "DONE": "09/03/2026"}).events
    later = take({"STEP_ID": "1"}, {"STEP_ID": "2", "WORKER": "W1", "DONE": "09/03/2026"}, recorded=known)
    assert [(c.old.word, c.anew) for c in later.corrections] == [("worker_changed", None)]


def test_a_step_that_moves_to_another_family_is_retracted_there_and_recorded_here(take: Take, now: datetime) -> None:
    known = take({"STEP_ID": "1"}).events
    (correction,) = take({"STEP_ID": "1", "GROUP": "G2"}, recorded=known, now=now + LATER).corrections
    assert correction.retraction.case == "G1"
    assert correction.anew is not None
    assert correction.anew.case == "G2"


def test_events_of_another_source_are_left_alone(take: Take, now: datetime) -> None:
    other = Event("manual:1:home_visit", "G1", "home_visit", now, False, now.date(), now, None, {})
    assert take({"STATUS": "CANCELLED"}, recorded=[other], now=now + LATER).all_events == ()


def test_recorded_on_tells_when_the_last_date_of_a_step_was_entered(
    take: Take, mapping_text: str, kinds: dict[str, str]
) -> None:
    using = remapped(mapping_text, ('incoming_on      = "INCOMING"', 'recorded_on = "INCOMING"'), kinds=kinds)
    late = {"INCOMING": "09/03/2026 09:00"}
    (visit,) = take(late, using=using).events
    assert visit.recorded == datetime(2026, 3, 9, 9, tzinfo=UTC)
    (raised,) = take({**late, "TYPE": "Dispute"}, using=using).events
    assert raised.recorded == raised.moment == datetime(2026, 3, 2, tzinfo=UTC)
    (begun,) = take({**late, "TYPE": "Dispute", "STATUS": "STARTED", "DONE": ""}, using=using).events
    assert begun.recorded == datetime(2026, 3, 9, 9, tzinfo=UTC)
