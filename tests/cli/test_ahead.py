"""`ehscheduler forecast` over the live caseload: the work ahead by week, and what falls due on leave."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ehscheduler.core.people import Absence
from ehscheduler.store.people import put_absences
from ehscheduler.store.store import Store
from tests.cli.conftest import Cli
from tests.cli.test_working_set import allocated, small
from tests.test_plugins import install, site

__all__ = ["install", "site", "small"]

CASES = "C1,North,w1,\nC2,South,w2,\nC3,North,w1,\n"


@pytest.fixture
def three(small: Callable[..., Cli], at: Callable[[str], None]) -> Cli:
    """Three families, two of them w1's; their first visits are due by Monday 16 March and by Thursday 19 March."""
    cli = small(CASES, allocated("C1", "C2") + "C3,allocation,2026-03-05,,,\n")
    at("2026-03-09 10:00")
    return cli


def away(*absences: Absence) -> None:
    with Store.open("sqlite:///ehscheduler.db") as store, store.begin() as tx:
        put_absences(tx, "smallshire", absences)


def absent(person: str, first: str, last: str, cover: str | None = None) -> Absence:
    return Absence(person, date.fromisoformat(first), date.fromisoformat(last), cover)


def forecast(cli: Cli, *words: str) -> Any:
    said = cli("forecast", "--format", "json", *words)
    assert said.code == 0, said.all
    [one] = json.loads(said.out)
    return one


def due(found: Any) -> list[tuple[str, str, str]]:
    return [(week["week"], row["case"], row["due_on"]) for week in found["weeks"] for row in week["due"]]


def test_the_work_ahead_lies_in_the_week_of_its_limit(three: Cli) -> None:
    found = due(forecast(three))
    assert found == [
        ("2026-03-16", "C1", "2026-03-16"),
        ("2026-03-16", "C2", "2026-03-16"),
        ("2026-03-16", "C3", "2026-03-19"),
    ]
    said = three("forecast").out
    assert "Week of Monday 16 March 2026: 3" in said
    assert "if nothing more happens" in said


@pytest.mark.parametrize(
    ("words", "cases"),
    [
        (("--person", "w1"), ["C1", "C3"]),
        (("--team", "South"), ["C2"]),
        (("--until", "2026-03-19"), ["C1", "C2"]),
        (("--until", "2026-03-20"), ["C1", "C2", "C3"]),
        (("--from", "2026-03-17"), ["C3"]),
        (("--month", "2026-03"), ["C1", "C2", "C3"]),
        (("--month", "2026-04"), []),
    ],
    ids=[
        "a person's",
        "a team's",
        "until, and without, a day",
        "with that day",
        "from a day on",
        "a month",
        "the next",
    ],
)
def test_it_is_asked_for_a_person_a_team_and_some_days(three: Cli, words: tuple[str, ...], cases: list[str]) -> None:
    assert [case for _, case, _ in due(forecast(three, *words))] == cases


def test_what_is_done_is_not_ahead_and_what_is_overdue_is_named_apart(three: Cli, at: Callable[[str], None]) -> None:
    at("2026-03-18 10:00")
    found = forecast(three, "--person", "w1")
    assert [row["case"] for row in found["overdue"]] == ["C1"]
    assert [case for _, case, _ in due(found)] == ["C3"]


@pytest.mark.parametrize(
    ("first", "last", "cases"),
    [
        ("2026-03-16", "2026-03-18", ["C1"]),
        ("2026-03-17", "2026-03-19", ["C3"]),
        ("2026-03-17", "2026-03-18", None),
        ("2026-03-10", "2026-03-31", ["C1", "C3"]),
    ],
    ids=["its first day", "its last day", "between", "both"],
)
def test_what_falls_due_on_leave_without_cover_is_said(three: Cli, first: str, last: str, cases: list[str] | None) -> None:  # fmt: skip  # noqa: E501
    away(absent("w1", first, last))
    collisions = forecast(three)["collisions"]
    assert [[row["case"] for row in one["due"]] for one in collisions] == ([cases] if cases else [])


def test_the_sentence_says_how_many_who_when_and_that_no_cover_is_set(three: Cli) -> None:
    away(absent("w1", "2026-03-10", "2026-03-31"))
    said = " ".join(three("forecast", "--person", "w1").out.split())
    days = "Tuesday 10 March 2026 to Tuesday 31 March 2026"
    assert f"2 things fall due while Wren Worker is away, {days}, and no cover is set." in said
    assert forecast(three, "--person", "w2")["collisions"] == []


def test_cover_that_is_there_is_no_collision_and_cover_that_is_away_is_one(three: Cli) -> None:
    away(absent("w1", "2026-03-10", "2026-03-31", "w2"))
    assert forecast(three)["collisions"] == []
    away(absent("w1", "2026-03-10", "2026-03-31", "w2"), absent("w2", "2026-03-18", "2026-03-20"))
    [one] = [one for one in forecast(three)["collisions"] if one["person"] == "w1"]
    assert [row["case"] for row in one["due"]] == ["C3"]
    assert "Wilf Worker, who stands in, is away too" in one["said"]


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("--month", "2026-13"), 1, "not a month such as 2026-12"),
        (("--month", "2026-03", "--from", "2026-03-02"), 1, "give one or the other"),
        (("--from", "2026-03-10", "--until", "2026-03-10"), 1, "give a later day"),
        (("--cases", "cases.csv"), 2, "together, or neither"),
        (("--cases", "cases.csv", "--events", "events.csv"), 2, "with files, give --from and --until and --authority"),
        (
            ("--cases", "cases.csv", "--events", "events.csv", "--from", "2026-03-02", "--until", "2026-03-09",
             "--authority", "smallshire", "--person", "w1"),
            2,
            "asked of the database",
        ),
    ],
    ids=["no month", "twice", "nothing", "half", "too little", "files have no people"],
)  # fmt: skip
def test_what_cannot_be_answered_is_said(three: Cli, words: tuple[str, ...], code: int, says: str) -> None:
    said = three("forecast", *words)
    assert said.code == code
    assert says in " ".join(said.all.replace("│", " ").split())
