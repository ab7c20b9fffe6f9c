"""`ehscheduler people`: who holds which role where, who is away and who acts, and what reaches nobody."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.daemon.house import HEAD
from tests.daemon.test_own_ladder import CLIMBS
from tests.test_plugins import HOOKS, Install, install, site

__all__ = ["install", "site"]

COLUMNS = "person_id,name,email,role,team,line_manager_id,valid_from,valid_to"
STAFF = (
    f"{COLUMNS},hub\n"
    "w1,Wren Worker,w1@council.example,worker,North,m1,,,Central\n"
    "w2,Wilf Worker,w2@council.example,worker,South,m2,,,Central\n"
    "m1,Mo Manager,m1@council.example,manager,North,d1,,,\n"
    "m2,Max Manager,m2@council.example,manager; worker,South,d1,,2026-03-31,\n"
    "d1,Dee Director,d1@council.example,director,,,,,\n"
)
AWAY = "person_id,away_from,away_to,cover_id\n"
POLICY = (HEAD + CLIMBS).replace("testshire", "smallshire")


@pytest.fixture
def staffed(cli: Cli, install: Install, tmp_path: Path, at: Callable[[str], None]) -> Callable[..., Cli]:
    """A council of five people; it is Thursday 5 March 2026."""
    at("2026-03-05 10:00")

    def put(absences: str = "", people: str = STAFF) -> Cli:
        install("smallshire", HOOKS, policy=POLICY)
        (tmp_path / "people.csv").write_text(people)
        (tmp_path / "absences.csv").write_text(AWAY + absences)
        cli("init", "--authority", "smallshire")
        said = cli("import", "--people", "people.csv", "--absences", "absences.csv")
        assert said.code == 0, said.all
        return cli

    return put


def asked(cli: Cli, *words: str) -> Any:
    said = cli("people", "--format", "json", *words)
    assert said.code == 0, said.all
    [found] = json.loads(said.out)
    return found


def gaps(cli: Cli, *words: str) -> list[tuple[str, list[str], list[str]]]:
    return [(gap["role"], gap["teams"], gap["instead"]) for gap in asked(cli, *words)["gaps"]]


def test_each_role_is_listed_place_by_place_with_who_holds_it(staffed: Callable[..., Cli]) -> None:
    posts = asked(staffed())["posts"]
    assert [(p["role"], p["team"], [h["person_id"] for h in p["holders"]]) for p in posts] == [
        ("worker", "North", ["w1"]),
        ("worker", "South", ["m2", "w2"]),
        ("manager", "North", ["m1"]),
        ("manager", "South", ["m2"]),
        ("director", "", ["d1"]),
    ]


def test_who_is_away_is_listed_with_who_acts_in_the_end(staffed: Callable[..., Cli]) -> None:
    cli = staffed("w1,2026-03-05,2026-03-13,w2\nw2,2026-03-02,2026-03-05,m1\nm2,2026-03-06,2026-03-09,\n")
    away = asked(cli)["away"]
    assert [(one["person_id"], one["cover"], one["acting"]) for one in away] == [
        ("w2", "Mo Manager", "Mo Manager"),
        ("w1", "Wilf Worker", "Mo Manager"),
    ]
    table = " ".join(cli("people").out.split())
    assert "Wren Worker (away; Mo Manager acts)" in table


@pytest.mark.parametrize(
    ("day", "found"),
    [
        ("2026-03-05", []),
        ("2026-03-06", [("manager", ["South"], ["Dee Director"]), ("line_manager", ["South"], ["Dee Director"])]),
        ("2026-03-09", [("manager", ["South"], ["Dee Director"]), ("line_manager", ["South"], ["Dee Director"])]),
        ("2026-03-10", []),
    ],
    ids=["the day before", "the first day", "the last day", "the day after"],
)
def test_a_rung_that_nobody_fills_on_a_day_is_named_with_who_is_told_instead(
    staffed: Callable[..., Cli], day: str, found: list[tuple[str, list[str], list[str]]]
) -> None:
    assert gaps(staffed("m2,2026-03-06,2026-03-09,\n"), "--on", day) == found


def test_a_day_on_which_the_only_holder_is_left_for_other_teams_shows_no_gap_for_them(
    staffed: Callable[..., Cli],
) -> None:
    # Max leaves on 31 March: Mo is then the only manager there is, and is meant for the South too.
    assert ("manager", ["South"], ["Dee Director"]) not in gaps(staffed(), "--on", "2026-04-01")
    assert [p["team"] for p in asked(staffed(), "--on", "2026-04-01")["posts"] if p["role"] == "manager"] == ["North"]


def test_a_rung_that_reaches_nobody_at_all_says_so_or_names_the_duty_address(
    staffed: Callable[..., Cli], tmp_path: Path
) -> None:
    cli = staffed(people=f"{COLUMNS}\nw1,Wren Worker,w1@council.example,worker,North,,,\n")
    assert ("manager", ["North"], []) in gaps(cli)
    assert "NOBODY" in cli("people").out
    with (tmp_path / "config.toml").open("a") as config:
        config.write('\n[duty.smallshire]\n"*" = "duty@council.example"\n')
    said = cli("people").out
    assert "the duty address" in said
    assert "NOBODY" not in said


@pytest.mark.parametrize(("rules", "shown"), [('["plan"]', True), ("[]", False)], ids=["live", "not live"])
def test_only_the_ladders_of_rules_that_are_live_are_looked_at(
    staffed: Callable[..., Cli], tmp_path: Path, rules: str, shown: bool
) -> None:
    cli = staffed("m2,2026-03-02,2026-03-09,\n")
    with (tmp_path / "config.toml").open("a") as config:
        config.write(f"\n[live.smallshire]\nrules = {rules}\n")
    assert ("manager" in [role for role, _, _ in gaps(cli)]) == shown


def test_where_all_is_well_it_says_so(staffed: Callable[..., Cli]) -> None:
    said = staffed()("people").out
    assert "Nobody is away on Thursday 5 March 2026." in said
    assert "Every rung of every ladder that is live reaches somebody." in said


def test_a_team_sees_its_own_and_who_is_there_for_all(staffed: Callable[..., Cli]) -> None:
    said = staffed()("people", "--team", "North").out
    assert "Wren Worker" in said
    assert "Dee Director" in said
    assert "Wilf Worker" not in said


def test_the_table_is_no_wider_than_a_terminal_of_80(
    staffed: Callable[..., Cli], monkeypatch: pytest.MonkeyPatch
) -> None:
    cli = staffed("m2,2026-03-02,2026-03-09,\nw1,2026-03-05,2026-03-13,w2\n")
    monkeypatch.setenv("COLUMNS", "80")
    said = cli("people").out
    assert max(len(line.rstrip()) for line in said.splitlines()) <= 80
    assert "nobody: goes one rung up" in " ".join(said.replace("│", " ").split())


def test_without_people_it_says_what_to_do(cli: Cli, install: Install) -> None:
    install("smallshire", HOOKS, policy=POLICY)
    cli("init", "--authority", "smallshire")
    assert "import people.csv" in cli("people", "--authority", "smallshire").out


def test_a_day_that_is_none_is_refused(staffed: Callable[..., Cli]) -> None:
    said = staffed()("people", "--on", "Friday")
    assert (said.code, "--on: 'Friday' is not a date such as 2026-12-24" in said.err) == (1, True)


# ---- import


def test_the_import_says_how_many_absences_it_read(staffed: Callable[..., Cli], tmp_path: Path) -> None:
    cli = staffed()
    (tmp_path / "absences.csv").write_text(AWAY + "w1,2026-03-05,2026-03-13,w2\n")
    assert "0 people, 1 absence." in cli("import", "--absences", "absences.csv").out


def test_leavers_and_an_empty_list_are_said_on_the_command_line(staffed: Callable[..., Cli], tmp_path: Path) -> None:
    cli = staffed("w1,2026-03-05,2026-03-13,w2\n")
    (tmp_path / "absences.csv").write_text(AWAY)
    refused = cli("import", "--absences", "absences.csv")
    assert (refused.code, "--nobody-away" in refused.err) == (1, True)
    assert cli("import", "--absences", "absences.csv", "--nobody-away").code == 0
    (tmp_path / "people.csv").write_text("".join(STAFF.splitlines(keepends=True)[:4]))
    refused = cli("import", "--people", "people.csv")
    assert (refused.code, "--leavers 2" in refused.err) == (1, True)
    assert cli("import", "--people", "people.csv", "--leavers", "2").code == 0
