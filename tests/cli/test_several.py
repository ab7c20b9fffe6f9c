"""Several authorities in one database: lists show all and name each; an act finds the authority of its case."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.plugins import installed
from tests.cli.conftest import Cli

EVENTS = "case_ref,event,occurred_at,recorded_at,ref,detail\n"


def people(role: str) -> str:
    return (
        "person_id,name,email,role,team,line_manager_id,valid_from,valid_to\n"
        f"w1,Wren Worker,w1@council.example,{role},North,m1,,\n"
        "m1,Mo Manager,m1@council.example,team_manager,North,,,\n"
    )


@pytest.fixture
def take(cli: Cli, tmp_path: Path, at: Callable[[str], None]) -> Callable[..., None]:
    """Take cases of an authority in, each allocated on a day to w1 of North."""
    at("2026-06-03 10:00")

    def put(authority: str, *cases: str, role: str = "practitioner") -> None:
        allocated = "".join(f"{ref},allocation,2026-06-01,,,\n" for ref in cases)
        (tmp_path / "cases.csv").write_text("case_ref,team,lead\n" + "".join(f"{ref},North,w1\n" for ref in cases))
        (tmp_path / "events.csv").write_text(EVENTS + allocated)
        (tmp_path / "people.csv").write_text(people(role))
        files = ("--cases", "cases.csv", "--events", "events.csv", "--people", "people.csv")
        said = cli("import", "--authority", authority, *files)
        assert said.code == 0, said.all

    return put


@pytest.fixture
def both(cli: Cli, take: Callable[..., None]) -> Cli:
    """Two councils in one database: each has a C1, and one case that the other has not."""
    cli("init")
    take("nottinghamshire", "C1", "A1", role="case_manager")
    take("northamptonshire", "C1", "B1")
    return cli


def rows(cli: Cli, *words: str) -> Any:
    said = cli(*words, "--format", "json")
    assert said.code == 0, said.all
    return json.loads(said.out)


# ---- lists


def test_due_shows_every_authority_and_names_each_row(both: Cli) -> None:
    found = rows(both, "due")
    assert {(row["authority"], row["case"]) for row in found} == {
        ("nottinghamshire", "C1"), ("nottinghamshire", "A1"), ("northamptonshire", "C1"), ("northamptonshire", "B1"),
    }  # fmt: skip
    alone = {name: rows(both, "due", "--authority", name) for name in ("nottinghamshire", "northamptonshire")}
    for name, own in alone.items():
        assert own == [row for row in found if row["authority"] == name]
    table = both("due").out
    assert table.startswith(f"Open in northamptonshire: {len(alone['northamptonshire'])}")
    assert f"\nOpen in nottinghamshire: {len(alone['nottinghamshire'])}" in table
    assert "northamptonshire" not in both("due", "--authority", "nottinghamshire").out


def test_the_working_set_names_its_authority(both: Cli) -> None:
    [work] = [row for row in rows(both, "due", "--show", "caseloads") if row["kind"] == "families"]
    assert (work["authority"], work["person"], work["held"], work["at_most"]) == ("northamptonshire", "w1", 2, 10)
    said = both("due").out
    assert "Caseloads in northamptonshire" in said
    assert "Caseloads in nottinghamshire" not in said
    assert "2 families" in said


def test_outbox_shows_every_authority_and_names_each_row(both: Cli, at: Callable[[str], None]) -> None:
    for day in ("2026-06-03 10:00", "2026-06-05 08:30", "2026-06-08 08:30"):
        at(day)
        assert both("tick").code == 0
    box = rows(both, "outbox", "--limit", "1000")
    assert {row["authority"] for row in box["deliveries"]} == {"nottinghamshire", "northamptonshire"}
    for name in ("nottinghamshire", "northamptonshire"):
        own = rows(both, "outbox", "--limit", "1000", "--authority", name)
        assert own["deliveries"]
        assert own["deliveries"] == [row for row in box["deliveries"] if row["authority"] == name]
    assert sum(box["counts"].values()) == len(box["deliveries"])
    assert len(rows(both, "outbox", "--limit", "3")["deliveries"]) == 3
    table = both("outbox").out
    assert "Outbox of northamptonshire: " in table
    assert "Outbox of nottinghamshire: " in table


def test_rebuild_works_all_out_anew_a_line_each(both: Cli) -> None:
    both("tick")
    said = both("rebuild")
    assert said.code == 0
    assert [line.partition(" of ")[2].partition(" ")[0] for line in said.out.splitlines()] == [
        "northamptonshire",
        "nottinghamshire",
    ]
    assert both("rebuild", "--authority", "nottinghamshire").out.count("\n") == 1


def test_status_and_doctor_have_a_row_for_each(both: Cli) -> None:
    status = rows(both, "status")
    assert {row["authority"]: row["cases"] for row in status["authorities"]} == {
        name: 2 if name in ("nottinghamshire", "northamptonshire") else 0 for name in installed()
    }
    areas = [finding["area"] for finding in rows(both, "doctor")]
    for name in installed():
        assert f"plugin {name}" in areas
        assert name in areas


def test_policy_list_counts_what_each_holds(cli: Cli) -> None:
    found = {row["authority"]: row for row in rows(cli, "policy", "list")}
    assert list(found) == installed()
    for name, row in found.items():
        assert len(rows(cli, "policy", "show", name)) == row["rules"]
        assert len(rows(cli, "policy", "show", name, "--show", "not-encoded")) == row["not_encoded"]
        assert len(rows(cli, "policy", "show", name, "--show", "limits")) == row["limits"]
    table = cli("policy", "list").out
    assert all(name in table for name in found)


# ---- acts on one case


def test_an_act_finds_the_authority_that_has_the_case(both: Cli) -> None:
    assert both("record", "A1", "home_visit", "--at", "2026-06-02").code == 0
    assert both("record", "B1", "home_visit", "--at", "2026-06-02").code == 0
    [card] = rows(both, "explain", "A1", "first-visit")
    assert (card["clause"], card["state"]) == ("3b5", "met")
    [card] = rows(both, "explain", "B1", "first-visit")
    assert card["clause"].startswith("Two")


ACTS = [
    ("record", "C1", "home_visit", "--at", "2026-06-02"),
    ("correct", "C1", "x"),
    ("relax", "C1", "first-visit", "--until", "2026-06-30", "--by-role", "team_manager", "--reason", "illness"),
    ("hold", "C1", "--reason", "stepped_up", "--at", "2026-06-02"),
    ("resume", "C1"),
    ("close", "C1", "--reason", "moved"),
    ("explain", "C1", "first-visit"),
]


@pytest.mark.parametrize("words", ACTS, ids=lambda words: words[0])
def test_an_act_on_a_case_of_two_authorities_asks_which(both: Cli, words: tuple[str, ...]) -> None:
    before = both("due", "--format", "json").out
    said = both(*words)
    assert (said.code, said.out) == (1, "")
    assert said.err == "case 'C1' is in northamptonshire and nottinghamshire; name one with --authority\n"
    unknown = both(words[0], "A11", *words[2:])
    assert unknown.code == 1
    assert unknown.err == "northamptonshire and nottinghamshire have no case 'A11'; did you mean 'A1'?\n"
    assert both("due", "--format", "json").out == before


def test_the_authority_that_is_named_takes_the_act_and_the_other_stays_as_it_was(both: Cli) -> None:
    before = rows(both, "due", "--authority", "northamptonshire")
    for words in (ACTS[0], ACTS[3]):
        assert both(*words, "--authority", "nottinghamshire").code == 0
    assert rows(both, "due", "--authority", "northamptonshire") == before
    [card] = rows(both, "explain", "C1", "first-visit", "--authority", "nottinghamshire")
    assert card["state"] == "met"
    [card] = rows(both, "explain", "C1", "plan", "--authority", "nottinghamshire")
    assert card["state"] == "on_hold"


def test_an_import_into_a_database_of_two_asks_which(both: Cli) -> None:
    said = both("import", "--people", "people.csv")
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        "several authorities are in this database (northamptonshire, nottinghamshire); name one with --authority\n"
    )


# ---- which one is meant, where only one can be


def test_an_empty_database_of_several_installed_asks_which(cli: Cli, tmp_path: Path) -> None:
    cli("init")
    (tmp_path / "people.csv").write_text(people("case_manager"))
    said = cli("import", "--people", "people.csv")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"several authorities are installed ({', '.join(installed())}); name one with --authority\n"
    assert cli("due").out == "Nothing is open.\n"
    assert cli("outbox").out == "The outbox is empty.\n"


def test_the_one_that_the_configuration_is_for_is_meant(cli: Cli, tmp_path: Path) -> None:
    cli("init", "--authority", "manchester")
    assert "[ladders.manchester]" in (tmp_path / "config.toml").read_text()
    assert "nottinghamshire" not in (tmp_path / "config.toml").read_text()
    (tmp_path / "people.csv").write_text(people("practitioner"))
    assert cli("import", "--people", "people.csv").code == 0
    assert {f["area"]: f["said"] for f in rows(cli, "doctor")}["manchester"].startswith("no cases yet")


def test_the_one_whose_people_came_is_meant_and_then_the_one_that_has_cases(
    cli: Cli, take: Callable[..., None], tmp_path: Path
) -> None:
    cli("init")
    (tmp_path / "people.csv").write_text(people("practitioner"))
    assert cli("import", "--people", "people.csv", "--authority", "manchester").code == 0
    assert cli("import", "--people", "people.csv").code == 0
    take("northamptonshire", "C1")
    assert cli("record", "C1", "home_visit", "--at", "2026-06-02").code == 0
    assert {row["authority"] for row in rows(cli, "due")} == {"northamptonshire"}


def test_an_authority_that_is_not_installed_is_refused_where_it_is_named(cli: Cli, tmp_path: Path) -> None:
    said = cli("init", "--authority", "manchster")
    assert said.code == 1
    assert "no authority 'manchster' is installed; did you mean 'manchester'?" in said.err
    assert not (tmp_path / "config.toml").exists()
