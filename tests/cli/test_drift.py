"""`ehscheduler drift`: the cases that have stopped moving, team by team, and what the next panel takes."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_working_set import allocated, small
from tests.test_plugins import install, site

__all__ = ["install", "site", "small"]

CASES = "C1,North,w1,\nC2,South,w2,\nC3,North,w1,\n"


def drift(cli: Cli, *words: str) -> Any:
    said = cli("drift", "--format", "json", *words)
    assert said.code == 0, said.all
    return json.loads(said.out)


@pytest.fixture
def late(small: Callable[..., Cli], at: Callable[[str], None]) -> Cli:
    """Three families allocated on 2 March, one of them seen in time; it is the end of April."""
    cli = small(CASES, allocated("C1", "C2", "C3") + "C3,home_visit,2026-04-20,,,\nC1,stuck,2026-04-28,,,\n")
    at("2026-04-30 10:00")
    return cli


def test_the_cases_that_have_stopped_moving_are_listed_by_team_with_evidence_and_clause(late: Cli) -> None:
    found = drift(late)["cases"]
    assert [(row["team"], row["case"], row["lead"]) for row in found] == [("North", "C1", "w1"), ("South", "C2", "w2")]
    assert {row["signal"] for row in found[1]["signals"]} == {"overdue", "silent"}
    [visit] = [row for row in found[1]["signals"] if row["signal"] == "overdue"]
    assert visit["clause"] == "1.1"
    assert visit["ours"] is True
    table = late("drift").out
    assert "North in smallshire: 1 case has stopped moving" in table
    assert "The number behind this sign is not in the document" in table
    assert "C3" not in table


def test_a_list_is_for_the_team_and_the_person_asked_for(late: Cli) -> None:
    assert [row["case"] for row in drift(late, "--team", "South")["cases"]] == ["C2"]
    assert [row["case"] for row in drift(late, "--person", "w1")["cases"]] == ["C1"]
    assert "Nothing in smallshire has stopped moving" in late("drift", "--team", "West").out


def test_the_next_panels_agenda_says_what_speaks_for_each_case_and_until_when_matters_come_before_it(late: Cli) -> None:
    [agenda] = drift(late)["agendas"]
    assert (agenda["sits_on"], agenda["bring_by"]) == ("2026-05-05", "the end of Monday 4 May 2026")
    [item] = agenda["items"]
    assert item["case"] == "C1"
    assert any("over its limit" in said for said in item["signals"])
    said = " ".join(late("due", "--show", "meetings").out.split())
    assert "bring matters by the end of Monday 4 May 2026" in said


def test_working_cases_out_anew_moves_nothing(late: Cli) -> None:
    before = drift(late)
    assert late("tick").code == 0
    assert late("rebuild").code == 0
    assert drift(late) == before


def test_a_council_sets_its_own_numbers_and_a_wrong_one_is_named(late: Cli) -> None:
    with open("config.toml", "a", encoding="utf-8") as config:
        config.write('\n[drift.smallshire]\nsilent = "90 days"\noverdue = "90 days"\n')
    assert drift(late)["cases"] == []
    with open("config.toml", "a", encoding="utf-8") as config:
        config.write('quiet = "3 days"\n')
    said = late("drift")
    assert said.code == 1
    assert "[drift.smallshire] quiet: there is no such setting" in said.err
