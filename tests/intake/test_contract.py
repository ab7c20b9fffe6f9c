"""The machine contract's files, read into cases and events."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ehscheduler.core.calendars import Span
from ehscheduler.core.events import Child, event_id
from ehscheduler.core.vocabulary import EVENTS
from ehscheduler.intake.contract import read_cases, read_contract, read_events, scan_events

HEADER = "case_ref,event,occurred_at,recorded_at,ref,detail\n"
Write = Callable[[str, str | bytes], Path]


def test_every_kind_of_attribute_is_read_as_its_type(write: Write, kinds: dict[str, str]) -> None:
    header = "case_ref,team,level,urgent,step_down,index_child_dob,contact_interval,children"
    row = (
        'A1,EHCM South,3,TRUE,no,2019-05-04,3 weeks,"[{""ref"": ""C1"", ""born"": ""2019-05-04""}, {""ref"": ""C2""}]"'
    )
    (case,) = read_cases(write("cases.csv", f"{header}\n{row}\n"), kinds)
    assert case.ref == "A1"
    assert case.facts == {
        "team": "EHCM South",
        "level": 3,
        "urgent": True,
        "step_down": False,
        "index_child_dob": date(2019, 5, 4),
        "contact_interval": Span(3, "week"),
        "children": (Child("C1", date(2019, 5, 4)), Child("C2", None)),
    }


def test_a_blank_cell_is_no_attribute(write: Write, kinds: dict[str, str]) -> None:
    (case,) = read_cases(write("cases.csv", "case_ref,team,urgent,children\nA1,, ,[]\n"), kinds)
    assert case.facts == {"children": ()}


def test_columns_may_stand_in_any_order_and_case_ref_alone_will_do(write: Write, kinds: dict[str, str]) -> None:
    (case,) = read_cases(write("cases.csv", "level,case_ref\n3,A1\n"), kinds)
    assert (case.ref, case.facts) == ("A1", {"level": 3})
    assert [case.ref for case in read_cases(write("cases.csv", "case_ref\nA1\nA2\n"), kinds)] == ["A1", "A2"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfcase_ref,team\nA1,South\n",
        b"case_ref,team\r\nA1,South\r\n",
        b"case_ref,team\rA1,South\r",
        b"\n\ncase_ref,team\n\nA1,South\n,\n\n",
        b'"case_ref","team"\n"A1","South"',
        "case_ref\u00a0, team\n A1 ,South\u00a0\n".encode(),
    ],
    ids=["byte order mark", "Windows line ends", "old Mac line ends", "blank rows", "quoted, no last break", "blanks"],
)
def test_what_spreadsheets_do_to_a_file_does_no_harm(write: Write, kinds: dict[str, str], content: bytes) -> None:
    (case,) = read_cases(write("cases.csv", content), kinds)
    assert (case.ref, case.facts) == ("A1", {"team": "South"})


@pytest.mark.parametrize("name", ["Zoë", "Núñez", "O'Brien", "李小龍", "=HYPERLINK(0)", "+cmd", "@team", "x" * 60])
def test_a_word_survives_unchanged_a_formula_too(write: Write, kinds: dict[str, str], name: str) -> None:
    (case,) = read_cases(write("cases.csv", f"case_ref,team\nA1,{name}\n"), kinds)
    assert case.facts["team"] == name


def test_letters_written_in_two_ways_are_one_reference(write: Write, kinds: dict[str, str]) -> None:
    cases = write("cases.csv", "case_ref\nZo\u00eb\n")
    events = write("events.csv", HEADER + "Zoe\u0308,closed,2026-03-02,,,\n")
    _, found = read_contract(cases, events, facts=kinds, words=EVENTS)
    assert list(found) == ["Zo\u00eb"]


def test_a_bare_date_is_midnight_in_london_and_is_recorded_then(write: Write) -> None:
    (event,) = read_events(write("events.csv", HEADER + "A1,closed,2026-07-02,,,\n"), None, EVENTS)["A1"]
    assert event.moment == event.recorded == datetime(2026, 7, 1, 23, tzinfo=UTC)
    assert (event.dated, event.day, event.ref, event.detail) == (True, date(2026, 7, 2), None, {})


def test_an_instant_without_an_offset_is_london_time(write: Write) -> None:
    rows = "A1,closed,2026-07-02T09:00,,,\nA1,closed,2026-01-02T09:00:00,,,\nA1,closed,2026-01-02T09:00:00Z,,R,\n"
    summer, winter, zulu = read_events(write("events.csv", HEADER + rows), None, EVENTS)["A1"]
    assert summer.moment == datetime(2026, 7, 2, 8, tzinfo=UTC)
    assert winter.moment == zulu.moment == datetime(2026, 1, 2, 9, tzinfo=UTC)
    assert not summer.dated


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-29T00:59:59", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)),
        ("2026-03-29T02:00:00", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("2026-10-25T00:59:59", datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC)),
        ("2026-10-25T02:00:00", datetime(2026, 10, 25, 2, tzinfo=UTC)),
        ("2026-10-25T01:30:00+01:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("2026-10-25T01:30:00+00:00", datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)
def test_the_last_second_before_and_the_first_after_a_clock_change_are_read(
    write: Write, text: str, moment: datetime
) -> None:
    (event,) = read_events(write("events.csv", HEADER + f"A1,closed,{text},,,\n"), None, EVENTS)["A1"]
    assert event.moment == moment


def test_an_event_without_an_id_has_one_derived_from_its_own_cells(write: Write) -> None:
    row = 'A1,contact_made,2026-03-02,2026-03-05,R1,"{""method"": ""phone""}"\n'
    (event,) = read_events(write("events.csv", HEADER + row), None, EVENTS)["A1"]
    assert event.id == event_id("A1", "contact_made", "2026-03-02", "R1", '{"method": "phone"}')
    assert event.detail == {"method": "phone"}
    assert event.recorded == datetime(2026, 3, 5, tzinfo=UTC)


def test_a_given_id_is_kept_and_a_blank_one_derived(write: Write) -> None:
    header = HEADER.strip() + ",id\n"
    rows = "A1,closed,2026-03-02,,,,X1\nA1,reopened,2026-03-03,,,,\n"
    given, derived = read_events(write("events.csv", header + rows), None, EVENTS)["A1"]
    assert given.id == "X1"
    assert derived.id == event_id("A1", "reopened", "2026-03-03", "", "")


def test_the_same_event_twice_is_one_event_first_recorded_when_it_was_first_recorded(write: Write) -> None:
    rows = ["A1,closed,2026-03-02,2026-03-09,,\n", "A1,closed,2026-03-02,2026-03-04,,\n"]
    for order in (rows, rows[::-1], rows * 2):
        (event,) = read_events(write("events.csv", HEADER + "".join(order)), None, EVENTS)["A1"]
        assert event.recorded == datetime(2026, 3, 4, tzinfo=UTC)


def test_events_come_grouped_by_case(write: Write) -> None:
    rows = "A1,allocation,2026-03-02,,,\nA2,allocation,2026-03-02,,,\nA1,closed,2026-04-02,,,\n"
    found = read_events(write("events.csv", HEADER + rows), {"A1", "A2", "A3"}, EVENTS)
    assert {case: [event.word for event in events] for case, events in found.items()} == {
        "A1": ["allocation", "closed"],
        "A2": ["allocation"],
    }


def test_a_file_of_a_header_alone_holds_nothing(write: Write, kinds: dict[str, str]) -> None:
    assert read_contract(write("cases.csv", "case_ref\n"), write("events.csv", HEADER), facts=kinds, words=EVENTS) == (
        [],
        {},
    )


def test_a_value_in_a_detail_that_is_no_value_of_its_attribute_is_a_bad_row(write: Write) -> None:
    rows = 'A1,attributes_changed,2026-03-02,,,"{""level"": ""high""}"\n'
    # The level of a dispute is the dispute's own.
    rows += 'A1,dispute_raised,2026-03-02,,D1,"{""level"": ""second""}"\n'
    scan = scan_events(write("events.csv", HEADER + rows), None, EVENTS, facts={"level": "number"})
    assert [str(problem) for problem in scan.rows.bad.listed] == [
        "events.csv, line 2: detail gives level a value that is not a number"
    ]


def test_a_line_break_in_a_cell_does_not_upset_the_line_numbers(write: Write) -> None:
    rows = 'A1,closed,2026-03-02,,,"{\n""a"":\n1}"\nA1,nothing,2026-03-02,,,\n'
    scan = scan_events(write("events.csv", HEADER + rows), None, EVENTS)
    assert [problem.line for problem in scan.rows.bad.listed] == [5]
    assert scan.events["A1"][0].detail == {"a": 1}


def test_progress_is_told_on_a_long_file(write: Write) -> None:
    told: list[tuple[int, int]] = []
    text = HEADER + "".join(f"A1,closed,2026-03-02,,R{n},\n" for n in range(9_000))
    scan = scan_events(write("events.csv", text), None, EVENTS, progress=lambda *done: told.append(done))
    assert [done for done, _ in told] == [2_000, 4_000, 6_000, 8_000, 9_000]
    assert told[-1] == (9_000, 9_000)
    assert all(done <= guessed for done, guessed in told)
    assert scan.rows.count == 9_000
