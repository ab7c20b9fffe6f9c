"""Who a role means on one case, on one day: found, climbed past, or nobody."""

from dataclasses import replace
from datetime import date

import pytest

from ehscheduler.core.people import Directory, Person, resolve
from ehscheduler.core.reading import read_policy

POLICY = read_policy(
    """
[policy]
authority = "testshire"
document = "A protocol for tests"
edition = "1"
nation = "england"
in_force = 2015-01-01
[roles]
worker = ["lead"]
manager = "Manager"
panel = ["manager", "director"]
director = "Director"
[standard.visit]
title = "Visit"
clause = "1"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "worker"
tell = ["panel"]
[standard.plan]
title = "Plan"
clause = "2"
due = "10 working days after allocation"
met_by = "plan_agreed"
owner = "manager"
""",
    "test.toml",
)
DAY = date(2026, 3, 2)
ANN = Person("ann", "Ann", "ann@x.example", ("worker",), "North", "mo")
BEN = Person("ben", "Ben", "ben@x.example", ("worker",), "North", "mo")
MO = Person("mo", "Mo", "mo@x.example", ("manager",), "North", "dee")
SUE = Person("sue", "Sue", "sue@x.example", ("manager",), "South", "dee")
DEE = Person("dee", "Dee", "dee@x.example", ("director",), "")
ALL = (ANN, BEN, MO, SUE, DEE)


def who(role: str, *people: Person, lead: str | None = "ann", team: str | None = "North") -> tuple[list[str], bool]:
    """Return the ids that a role means, and whether somebody else stands in."""
    found = resolve(role, POLICY, Directory.on(people, DAY), lead=lead, team=team)
    return [person.person_id for person in found.people], found.climbed is not None


def gone(person: Person) -> Person:
    return replace(person, valid_to=date(2026, 3, 1))


@pytest.mark.parametrize(
    ("role", "found"),
    [
        ("worker", ["ann"]),
        ("lead", ["ann"]),
        ("line_manager", ["mo"]),
        ("manager", ["mo"]),
        ("director", ["dee"]),
        ("panel", ["mo", "dee"]),
    ],
)
def test_a_role_means_the_people_of_the_case(role: str, found: list[str]) -> None:
    assert who(role, *ALL) == (found, False)


def test_a_role_of_another_team_is_not_meant() -> None:
    assert who("manager", *ALL, team="South") == (["sue"], False)


def test_a_role_that_serves_all_teams_is_meant_where_the_team_has_none() -> None:
    everywhere = replace(SUE, person_id="all", team="")
    assert who("manager", ANN, DEE, everywhere, team="North") == (["all"], False)


def test_the_only_holder_of_a_role_is_meant_whatever_their_team() -> None:
    assert who("manager", ANN, SUE, DEE, team="North") == (["sue"], False)


def test_all_who_hold_a_role_in_a_team_are_meant() -> None:
    assert who("manager", *ALL, replace(MO, person_id="max")) == (["max", "mo"], False)


@pytest.mark.parametrize(
    ("first", "last", "current"),
    [
        (None, None, True),
        (DAY, None, True),
        (date(2026, 3, 3), None, False),
        (None, DAY, True),
        (None, date(2026, 3, 1), False),
        (DAY, DAY, True),
    ],
    ids=["always", "from today", "from tomorrow", "until today", "until yesterday", "today alone"],
)
def test_a_person_is_current_from_their_first_day_to_their_last(
    first: date | None, last: date | None, current: bool
) -> None:
    ann = replace(ANN, valid_from=first, valid_to=last)
    assert who("worker", ann, BEN, MO, DEE) == ((["ann"], False) if current else (["mo"], True))


def test_a_case_without_a_lead_climbs_to_the_teams_manager() -> None:
    assert who("worker", *ALL, lead=None) == (["mo"], True)
    assert who("worker", *ALL, lead="nobody known") == (["mo"], True)


def test_the_lead_who_left_climbs_to_their_own_manager_whatever_the_team() -> None:
    assert who("worker", gone(ANN), MO, SUE, DEE, team="South") == (["mo"], True)


def test_a_manager_who_left_is_climbed_past() -> None:
    assert who("line_manager", ANN, gone(MO), DEE) == (["dee"], True)
    assert who("worker", gone(ANN), gone(MO), DEE) == (["dee"], True)


def test_where_nobody_is_left_nobody_is_meant_and_the_reason_is_given() -> None:
    found = resolve("manager", POLICY, Directory.on([gone(ANN)], DAY), lead="ann", team="North")
    assert found.people == ()
    assert found.climbed == "nobody current is Manager for this case"


def test_a_ring_of_managers_ends() -> None:
    ring = (replace(gone(ANN), line_manager_id="ben"), replace(gone(BEN), line_manager_id="ann"))
    assert who("worker", *ring, team=None) == ([], True)
    self_managed = replace(ANN, line_manager_id="ann")
    assert who("line_manager", self_managed, team=None)[0] in ([], ["ann"])


def test_a_chain_is_climbed_five_rungs_and_no_further() -> None:
    chain = [gone(Person(f"p{n}", f"P{n}", f"p{n}@x.example", ("clerk",), f"T{n}", f"p{n + 1}")) for n in range(8)]
    near = [*chain[:4], replace(chain[4], valid_to=None)]
    assert who("worker", *near, lead="p0", team=None) == (["p4"], True)
    far = [*chain[:7], replace(chain[7], valid_to=None)]
    assert who("worker", *far, lead="p0", team=None) == ([], True)


def test_somebody_who_comes_back_is_current_again() -> None:
    back = replace(ANN, valid_from=date(2026, 3, 2), email="new@x.example")
    found = resolve("worker", POLICY, Directory.on([gone(ANN), back], DAY), lead="ann", team="North")
    assert [person.email for person in found.people] == ["new@x.example"]


def test_who_left_is_known_by_their_last_row() -> None:
    first = replace(ANN, valid_from=date(2020, 1, 1), valid_to=date(2024, 12, 31), line_manager_id="sue")
    second = replace(ANN, valid_from=date(2025, 1, 1), valid_to=date(2026, 3, 1), line_manager_id="mo")
    for rows in ([first, second], [second, first]):
        assert who("worker", *rows, MO, SUE, DEE, team=None) == (["mo"], True)
