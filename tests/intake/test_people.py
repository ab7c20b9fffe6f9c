"""people.csv: the directory of staff."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ehscheduler.core.people import Person
from ehscheduler.errors import InputRefused
from ehscheduler.intake.people import read_people, scan_people

HEADER = "person_id,name,email,role,team,line_manager_id,valid_from,valid_to\n"
Write = Callable[[str, str], Path]


def row(id_: str, manager: str = "", since: str = "", until: str = "", name: str = "Teal Otter") -> str:
    return f"{id_},{name},{id_.lower()}@example.org,case_manager,South,{manager},{since},{until}\n"


def test_a_person_is_read_with_dates_and_line_manager(write: Write, roles: tuple[str, ...]) -> None:
    text = HEADER + row("P1", "M1", "2026-01-01", "2026-06-30") + row("M1")
    people, warnings = read_people(write("people.csv", text), roles)
    since, until = date(2026, 1, 1), date(2026, 6, 30)
    assert people[0] == Person("P1", "Teal Otter", "p1@example.org", ("case_manager",), "South", "M1", since, until)
    assert warnings == []


@pytest.mark.parametrize("address", ["o'brien@example.org", "a.b+c@sub.example.org", "X_1@example.co.uk"])
def test_a_plain_address_is_taken(write: Write, roles: tuple[str, ...], address: str) -> None:
    text = HEADER + f"P1,Teal Otter,{address},case_manager,South,,,\n"
    (person,), _ = read_people(write("people.csv", text), roles)
    assert person.email == address


@pytest.mark.parametrize("name", ["=1+1", "@SUM(A1)", "-2+3", "Zoë Núñez-O'Brien"])
def test_a_name_that_is_a_formula_survives_as_text_and_is_told(write: Write, roles: tuple[str, ...], name: str) -> None:
    (person,), warnings = read_people(write("people.csv", HEADER + row("P1", name=name)), roles)
    assert person.name == name
    told = "people.csv: the name begins like a spreadsheet formula; it is kept as text (1 row: line 2)"
    assert warnings == ([] if name.startswith("Z") else [told])


def test_a_line_manager_who_is_not_in_the_file_is_a_warning_and_the_person_stays(
    write: Write, roles: tuple[str, ...]
) -> None:
    people, warnings = read_people(write("people.csv", HEADER + row("P1", "M9")), roles)
    assert [person.line_manager_id for person in people] == ["M9"]
    assert warnings == [
        "people.csv: the line manager is not in this file (or that row was set aside); add the line manager "
        "(1 row: line 2)"
    ]


def test_who_manages_themselves_has_no_line_manager(write: Write, roles: tuple[str, ...]) -> None:
    (person,), warnings = read_people(write("people.csv", HEADER + row("P1", "P1")), roles)
    assert person.line_manager_id is None
    assert warnings == ["people.csv: the line manager is the person; read as having none (1 row: line 2)"]


def test_a_ring_of_line_managers_refuses_the_file_once(write: Write, roles: tuple[str, ...]) -> None:
    text = HEADER + row("P0", "P1") + row("P1", "P2") + row("P2", "P3") + row("P3", "P1")
    with pytest.raises(InputRefused) as refused:
        read_people(write("people.csv", text), roles)
    assert refused.value.problems == [
        "people.csv, line 3: these line managers go round in a ring (with the rows on lines 4, 5); correct one of them"
    ]


def test_two_who_managed_each_other_one_after_the_other_are_no_ring(write: Write, roles: tuple[str, ...]) -> None:
    text = HEADER + row("P1", "P2", "", "2026-03-31") + row("P1", "", "2026-04-01") + row("P2", "P1", "2026-04-01")
    text += row("P2", "", "", "2026-03-31")
    people, _ = read_people(write("people.csv", text), roles)
    assert len(people) == 4


def test_one_person_may_have_a_row_for_each_period_and_no_day_twice(write: Write, roles: tuple[str, ...]) -> None:
    apart = HEADER + row("P1", until="2026-03-31") + row("P1", since="2026-04-01", name="Teal Ferry")
    assert len(read_people(write("people.csv", apart), roles)[0]) == 2
    both = HEADER + row("P1", until="2026-04-01") + row("P1", since="2026-04-01", name="Teal Ferry")
    with pytest.raises(InputRefused) as refused:
        read_people(write("people.csv", both), roles)
    again = "for the same days; keep one row, or part them by date"
    assert refused.value.problems == [
        f"people.csv, line 2: this person_id stands again on line 3 {again}",
        f"people.csv, line 3: this person_id stands again on line 2 {again}",
    ]


def test_an_exact_repeat_is_one_person(write: Write, roles: tuple[str, ...]) -> None:
    assert len(read_people(write("people.csv", HEADER + row("P1") * 3), roles)[0]) == 1


def test_a_file_of_one_person_ten_thousand_times_is_read_quickly(write: Write, roles: tuple[str, ...]) -> None:
    text = HEADER + "".join(row("P1", name=f"Otter {n}") for n in range(10_000))
    scan = scan_people(write("people.csv", text), roles)
    assert scan.people == ()
    assert scan.rows.bad.count == 10_000


# ---- what a file may say beyond the first columns

FULL = HEADER.replace("\n", ",hub,full_time_share,works\n")


def in_full(write: Write, roles: tuple[str, ...], role: str = "case_manager", more: str = ",,") -> Person:
    text = FULL + f"P1,Teal Otter,p1@example.org,{role},South,,,,{more}\n"
    (person,), _ = read_people(write("people.csv", text), roles)
    return person


def test_hub_share_and_days_are_read(write: Write, roles: tuple[str, ...]) -> None:
    person = in_full(write, roles, more="Central,0.6,thu MON tue")
    assert (person.hub, person.share, person.works) == ("Central", 0.6, ("mon", "tue", "thu"))


def test_what_is_blank_or_left_out_is_no_hub_full_time_and_monday_to_friday(
    write: Write, roles: tuple[str, ...]
) -> None:
    (plain,), _ = read_people(write("people.csv", HEADER + row("P1")), roles)
    week = ("mon", "tue", "wed", "thu", "fri")
    assert in_full(write, roles) == plain
    assert (plain.hub, plain.share, plain.works) == ("", 1.0, week)


def test_one_further_column_may_stand_alone_and_anywhere(write: Write, roles: tuple[str, ...]) -> None:
    text = "works," + HEADER + "sat sun,P1,Teal Otter,p1@example.org,case_manager,South,,,\n"
    (person,), _ = read_people(write("people.csv", text), roles)
    assert person.works == ("sat", "sun")


def test_several_roles_are_parted_by_semicolons(write: Write, roles: tuple[str, ...]) -> None:
    assert in_full(write, roles, "case_manager; team_manager").roles == ("case_manager", "team_manager")


@pytest.mark.parametrize(
    ("role", "more", "said"),
    [
        ("case_manager;", ",,", "role has a semicolon with nothing beside it; take it out, or name the role"),
        ("case_manager;case_manager", ",,", "role names one role twice; name it once"),
        ("case_manager;team_manger", ",,", "no role 'team_manger' is known; did you mean 'team_manager'?"),
        ("", ",,", "role is empty; fill it in"),
        ("case_manager", ",0,", "full_time_share is not a number above 0 and up to 1, such as 0.6"),
        ("case_manager", ",0.0,", "full_time_share is not a number above 0 and up to 1, such as 0.6"),
        ("case_manager", ",1.01,", "full_time_share is not a number above 0 and up to 1, such as 0.6"),
        ("case_manager", ",60%,", "full_time_share is not a number above 0 and up to 1, such as 0.6"),
        ("case_manager", ",nan,", "full_time_share is not a number above 0 and up to 1, such as 0.6"),
        ("case_manager", ",,mon tues", "works is not days of the week such as 'mon tue thu'"),
        ("case_manager", ",,mon-fri", "works is not days of the week such as 'mon tue thu'"),
        ("case_manager", ",,mon mon", "works names one day twice; name it once"),
    ],
    ids=[
        "a semicolon too many",
        "one role twice",
        "a role misspelt",
        "no role",
        "no share",
        "no share either",
        "more than all",
        "per cent",
        "not a number",
        "a day misspelt",
        "a range",
        "one day twice",
    ],
)
def test_a_fault_in_roles_share_or_days_says_the_remedy(
    write: Write, roles: tuple[str, ...], role: str, more: str, said: str
) -> None:
    with pytest.raises(InputRefused) as refusal:
        in_full(write, roles, role, more)
    assert str(refusal.value).startswith(f"people.csv, line 2: {said}")


@pytest.mark.parametrize(("text", "share"), [("1", 1.0), ("1.0", 1.0), ("0.01", 0.01), (".5", 0.5)], ids=str)
def test_a_share_up_to_one_is_taken(write: Write, roles: tuple[str, ...], text: str, share: float) -> None:
    assert in_full(write, roles, more=f",{text},").share == share
