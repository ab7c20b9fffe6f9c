"""`dispute` as a person has it: words in, and out who decides, until when, and what never waits for it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli, at, cli
from tests.cli.test_commands import CASES, EVENTS

__all__ = ["at", "cli"]

PEOPLE = """person_id,name,email,role,team,line_manager_id,valid_from,valid_to
w1,Wren Worker,w1@council.example,case_manager,North,m1,,
m1,Mo Manager,m1@council.example,team_manager,North,m2,,
m2,Max Manager,m2@council.example,service_manager,,m3,,
m3,Meg Manager,m3@council.example,group_manager,,,,
"""
ROUTE = "A dispute never delays a referral."


@pytest.fixture
def small(cli: Cli, tmp_path: Path, at: Callable[[str], None]) -> Cli:
    """Nottinghamshire with one case; it is Wednesday 3 June at 10:00."""
    at("2026-06-03 10:00")
    for name, text in (("cases.csv", CASES), ("events.csv", EVENTS), ("people.csv", PEOPLE)):
        (tmp_path / name).write_text(text)
    cli("init", "--authority", "nottinghamshire")
    said = cli("import", "--cases", "cases.csv", "--events", "events.csv", "--people", "people.csv")
    assert said.code == 0, said.all
    return cli


def raise_one(small: Cli) -> Any:
    said = small("dispute", "open", "C1", "--about", "allocation", "--by", "w1", "--by-role", "case_manager")
    assert said.code == 0, said.all
    return said


def listed(small: Cli, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(small("dispute", "list", "--format", "json", *more).out)
    return found


def test_to_raise_one_says_its_ref_who_decides_until_when_and_who_is_next(small: Cli) -> None:
    said = raise_one(small).out
    assert said.startswith("Raised: dispute D-1 of case C1")
    assert "Step 1: Team Manager decides." in said
    assert "Undecided, it goes to Service Manager at 18:00" in said
    assert "The protocol wants it decided by 10:00 on Thursday 4 June 2026 (clause 3a5)." in said


def test_the_list_and_one_dispute_always_say_what_never_waits(small: Cli) -> None:
    assert ROUTE in small("dispute", "list").out
    raise_one(small)
    assert ROUTE in small("dispute", "list").out
    assert ROUTE in small("dispute", "show", "C1").out
    assert json.loads(small("dispute", "show", "C1", "--format", "json").out)["safeguarding"]
    assert ROUTE in small("dispute", "advance", "C1", "D-1").out


def test_what_cannot_be_disputed_is_refused_with_what_can(small: Cli) -> None:
    said = small("dispute", "open", "C1", "--about", "alocation")
    assert said.code == 1
    assert "about: 'alocation' is no word of the policy; did you mean 'allocation'?" in said.err
    assert "it speaks of allocation" in small("dispute", "open", "C1", "--about", "the_weather").err


def test_a_second_about_the_same_is_refused_with_the_ref_of_the_first(small: Cli) -> None:
    raise_one(small)
    said = small("dispute", "open", "C1", "--about", "allocation")
    assert (said.code, "has an open dispute about 'allocation' already: D-1" in said.err) == (1, True)


def test_a_dispute_climbs_is_decided_and_leaves_the_list(small: Cli, at: Callable[[str], None]) -> None:
    raise_one(small)
    small("dispute", "answer", "C1", "D-1", "disagree", "--by-role", "team_manager")
    assert small("dispute", "advance", "C1", "D-1").code == 0
    at("2026-06-03 11:00")
    said = small("dispute", "decide", "C1", "D-1", "--role", "service_manager", "--outcome", "stays", "--by", "m2")
    assert said.code == 0, said.all
    assert "It was decided at 11:00 on Wednesday 3 June 2026: stays." in said.out
    assert listed(small) == []
    [one] = listed(small, "--all")
    assert (one["state"], one["outcome"], one["stage"], one["answer"]) == ("decided", "stays", 2, "disagree")


def test_one_that_was_taken_back_says_so(small: Cli) -> None:
    raise_one(small)
    assert "It was withdrawn" in small("dispute", "withdraw", "C1", "D-1", "--by", "w1").out
    assert "withdrawn" in small("dispute", "show", "C1", "D-1").out


def test_the_most_urgent_is_first(small: Cli, at: Callable[[str], None], tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text(CASES + CASES.splitlines()[1].replace("C1", "A9") + "\n")
    small("import", "--cases", "cases.csv", "--events", "events.csv")
    raise_one(small)
    at("2026-06-03 12:00")
    assert small("dispute", "open", "A9", "--about", "allocation").code == 0
    assert [one["case"] for one in listed(small)] == ["C1", "A9"]
    assert [one["case"] for one in listed(small, "--team", "Nowhere")] == []


def test_a_case_that_does_not_exist_or_has_none_is_said(small: Cli) -> None:
    assert "C1 has no dispute" in small("dispute", "show", "C1").err
    assert "C99" in small("dispute", "show", "C99").err
    assert "has no dispute 'D-7'; it has none" in small("dispute", "advance", "C1", "D-7").err
