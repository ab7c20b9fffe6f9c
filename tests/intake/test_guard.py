"""The guards: what refuses a whole file, what sets a row aside, and what is only told."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.errors import InputRefused
from ehscheduler.intake.guard import Intake, Limits, take_cases, take_contract, take_events, take_people, take_steps
from ehscheduler.intake.mapping import StepMapping

HEADER = "case_ref,event,occurred_at,recorded_at,ref,detail\n"
PEOPLE = "person_id,name,email,role,team,line_manager_id,valid_from,valid_to\n"
USUAL = Limits()
Write = Callable[[str, str], Path]


@pytest.fixture
def take(write: Write, kinds: dict[str, str], words: frozenset[str], roles: tuple[str, ...], now: datetime) -> Any:
    """Return a function that takes files of the machine contract in, given their texts."""

    def take_files(*, known_cases: Any = (), known_open: Any = (), limits: Limits = USUAL, **texts: str) -> Intake:
        paths = {name: write(f"{name}.csv", text) for name, text in texts.items()}
        common = {"facts": kinds, "words": words, "roles": roles, "now": now, "limits": limits}
        return take_contract(**paths, **common, known_cases=known_cases, known_open=known_open)

    return take_files


def events_with(good: int, bad: int) -> str:
    return HEADER + "".join(f"A1,closed,2026-03-02,,R{n},\n" for n in range(good)) + "A1,nothing,,,,\n" * bad


def test_one_bad_row_in_twenty_is_set_aside_and_the_rest_goes_in(take: Any) -> None:
    taken = take(events=events_with(19, 1), known_cases={"A1"})
    assert len(taken.events) == 19
    assert (taken.rows, taken.set_aside_count) == (20, 1)
    assert {problem.line for problem in taken.set_aside} == {21}


def test_more_than_one_bad_row_in_twenty_refuses_the_file_and_says_why(take: Any) -> None:
    with pytest.raises(InputRefused) as refused:
        take(events=events_with(18, 1), known_cases={"A1"})
    assert refused.value.problems == [
        "events.csv: 1 of 19 rows are bad, more than 5%; nothing was taken in, and what was there before stays: "
        "correct the rows that follow, or the mapping",
        "events.csv, line 20: no event 'nothing' is known",
        "events.csv, line 20: occurred_at is empty; write a date (2026-03-02) or an instant "
        "(2026-03-02T10:00:00+00:00)",
    ]


def test_a_fifth_of_the_open_cases_may_be_gone_and_no_more(take: Any) -> None:
    open_cases = [f"A{n}" for n in range(10)]
    cases = "case_ref\n" + "".join(f"A{n}\n" for n in range(8))
    assert len(take(cases=cases, known_open=open_cases).cases) == 8
    with pytest.raises(InputRefused) as refused:
        take(cases=cases.replace("A7\n", ""), known_open=open_cases)
    assert refused.value.problems == [
        "cases.csv: 3 of the 10 open cases are not in this file, more than 20%; nothing was taken in, and what was "
        "there before stays: give the whole extract, or import it by hand with --believe"
    ]


def test_a_file_of_a_header_alone_would_lose_every_open_case(take: Any) -> None:
    with pytest.raises(InputRefused):
        take(cases="case_ref\n", known_open=["A1"])
    assert take(cases="case_ref\n").cases == ()


def test_a_case_whose_row_is_set_aside_is_not_gone(take: Any, write: Write, kinds: dict[str, str]) -> None:
    rows = "".join(f"A{n},3\n" for n in range(19))
    taken = take(cases=f"case_ref,level\n{rows}A19,high\n", known_open=["A19"])
    assert len(taken.cases) == 19


def test_an_extract_without_most_of_the_open_cases_is_refused(
    steps: Any, mapping: StepMapping, kinds: dict[str, str], now: datetime
) -> None:
    path = steps({"GROUP": "G1"}, {"STEP_ID": "2", "GROUP": "G2"})
    assert len(take_steps(path, mapping, kinds, now=now, known_open=["G1", "G2"]).cases) == 2
    with pytest.raises(InputRefused, match="2 of the 4 open cases are not in this file, more than 20%"):
        take_steps(path, mapping, kinds, now=now, known_open=["G1", "G2", "G3", "G4"])


def test_a_structural_fault_refuses_the_file_whatever_its_size(take: Any) -> None:
    text = events_with(1_000, 0) + 'A1,closed,2026-03-02,,"R,\n'
    with pytest.raises(InputRefused, match=r"events\.csv, line 1002: the file ends inside a quoted cell"):
        take(events=text, known_cases={"A1"})


def test_every_file_is_read_before_any_is_refused(take: Any) -> None:
    with pytest.raises(InputRefused) as refused:
        take(cases="case_reff\nA1\n", events=HEADER.replace("ref,", "", 1), people="person\n")
    assert {problem.split(",")[0] for problem in refused.value.problems} == {"cases.csv", "events.csv", "people.csv"}


def test_events_may_speak_of_cases_of_the_record_or_of_the_file_beside_them(take: Any) -> None:
    rows = "A1,closed,2026-03-02,,,\nA2,closed,2026-03-02,,,\n"
    taken = take(cases="case_ref\nA1\n", events=HEADER + rows, known_cases=["A2"])
    assert [event.case for event in taken.events] == ["A1", "A2"]


def test_a_case_without_a_lead_is_taken_in_and_told(take: Any) -> None:
    taken = take(cases="case_ref,lead\nA1,W1\nA2,\n")
    assert [case.ref for case in taken.cases] == ["A1", "A2"]
    told = "cases.csv: the case has no lead; it is taken in, and its notices climb one rung (1 row: line 3)"
    assert taken.warnings == (told,)


def test_an_event_in_the_future_is_taken_in_and_told(take: Any) -> None:
    taken = take(events=HEADER + "A1,closed,2026-06-02,,,\n", known_cases={"A1"})
    assert len(taken.events) == 1
    assert taken.warnings == ("events.csv: the event lies in the future; it counts from its day on (1 row: line 2)",)


def test_a_last_line_without_a_line_break_is_told(take: Any) -> None:
    told = "events.csv: the last line has no line break at its end; check that the file arrived whole"
    assert take(events=HEADER + "A1,closed,2026-03-02,,,", known_cases={"A1"}).warnings == (told,)


def test_a_formula_in_a_case_is_kept_as_text_and_told(take: Any) -> None:
    taken = take(cases="case_ref,lead,team\nA1,W1,=1+1\n")
    assert taken.cases[0].facts["team"] == "=1+1"
    told = "cases.csv: a cell begins like a spreadsheet formula; it is kept as text (1 row: line 2)"
    assert taken.warnings == (told,)


def test_the_digest_is_that_of_the_bytes_of_the_file(write: Write, kinds: dict[str, str]) -> None:
    path = write("cases.csv", "\ufeffcase_ref\r\nA1\r\n")
    taken = take_cases(path, kinds)
    assert taken.digest == taken.files[0].digest == sha256(path.read_bytes()).hexdigest()


def test_several_files_have_one_digest_whatever_their_order(take: Any) -> None:
    first = take(cases="case_ref\nA1\n", people=PEOPLE)
    again = take(people=PEOPLE, cases="case_ref\nA1\n")
    assert first.digest == again.digest
    assert first.digest != take(cases="case_ref\nA2\n", people=PEOPLE).digest


def test_an_intake_is_frozen(take: Any) -> None:
    taken = take(cases="case_ref\nA1\n")
    with pytest.raises(FrozenInstanceError):
        taken.cases = ()


def test_the_size_limit_holds_for_every_kind_of_file(
    write: Write,
    steps: Any,
    mapping: StepMapping,
    kinds: dict[str, str],
    words: frozenset[str],
    roles: tuple[str, ...],
    now: datetime,
) -> None:
    limits = Limits(size=10)
    files: list[Callable[[], Intake]] = [
        lambda: take_cases(write("cases.csv", "case_ref\nA1\nA2\n"), kinds, limits=limits),
        lambda: take_people(write("people.csv", PEOPLE), roles, limits=limits),
        lambda: take_steps(steps({}), mapping, kinds, now=now, limits=limits),
        lambda: take_events(write("events.csv", HEADER), words, known_cases=None, facts=kinds, now=now, limits=limits),
    ]
    for take_one in files:
        with pytest.raises(InputRefused, match="over the limit of 10 bytes"):
            take_one()


def test_progress_is_told_while_an_extract_is_read(
    steps: Any, mapping: StepMapping, kinds: dict[str, str], now: datetime
) -> None:
    told: list[tuple[int, int]] = []
    path = steps(*({"STEP_ID": str(n)} for n in range(5_000)))
    take_steps(path, mapping, kinds, now=now, progress=lambda *done: told.append(done))
    assert [done for done, _ in told] == [2_000, 4_000, 5_000]
    assert all(4_500 < guessed < 6_500 for _, guessed in told[1:])


def test_many_bad_rows_are_counted_without_finding_words_for_each(take: Any) -> None:
    rows = "".join(f"A1,alocation{n},2026-03-02,,,\n" for n in range(20_000))
    with pytest.raises(InputRefused) as refused:
        take(events=HEADER + rows, known_cases={"A1"})
    assert refused.value.problems[0].startswith("events.csv: 20,000 of 20,000 rows are bad")
    assert len(refused.value.problems) == 1_002
