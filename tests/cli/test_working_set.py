"""A person's working set: who holds how much against which limit, what the next meetings take, what is not encoded."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.plugins import load
from tests.cli.conftest import Cli
from tests.daemon.house import HEAD, VISIT
from tests.test_plugins import HOOKS, Install, hook, install, site

__all__ = ["install", "site"]

EVENTS = "case_ref,event,occurred_at,recorded_at,ref,detail\n"
PEOPLE = (
    "person_id,name,email,role,team,line_manager_id,valid_from,valid_to\n"
    "w1,Wren Worker,w1@council.example,helper,North,m1,,\nw2,Wilf Worker,w2@council.example,helper,South,m1,,\n"
    "m1,Mo Manager,m1@council.example,manager,North,,,\n"
)
RULES = (
    VISIT
    + """
[limit.caseload]
title = "A helper's caseload"
clause = "4"
who = "helper"
at_most = { families = 2, children = 5 }
at_least = { families = 2 }
tell = ["manager"]
[meeting.panel]
title = "Panel"
clause = "3"
on = "every Tuesday"
bank_holiday = "skip"
[event.stuck]
title = "The case is stuck"
clause = "3"
[event.taken]
title = "The case was taken to the panel"
clause = "3"
[standard.panel-takes]
title = "Taken to the panel"
clause = "3"
due = "next panel after stuck"
met_by = "taken"
owner = "worker"
"""
)
POLICY = (HEAD + RULES).replace("testshire", "smallshire").replace("[roles]", '[roles]\nhelper = "Helper"')


@pytest.fixture
def small(cli: Cli, install: Install, tmp_path: Path, at: Callable[[str], None]) -> Callable[..., Cli]:
    """A council whose helpers may hold two families and five children; it is Thursday 5 March."""
    at("2026-03-05 10:00")

    def put(cases: str, events: str, python: str = HOOKS) -> Cli:
        install("smallshire", python, policy=POLICY)
        (tmp_path / "people.csv").write_text(PEOPLE)
        (tmp_path / "cases.csv").write_text("case_ref,team,lead,children\n" + cases)
        (tmp_path / "events.csv").write_text("case_ref,event,occurred_at,recorded_at,ref,detail\n" + events)
        cli("init", "--authority", "smallshire")
        files = ("--cases", "cases.csv", "--events", "events.csv", "--people", "people.csv")
        said = cli("import", *files)
        assert said.code == 0, said.all
        return cli

    return put


def allocated(*cases: str) -> str:
    return "".join(f"{case},allocation,2026-03-02,,,\n" for case in cases)


def rows(cli: Cli, part: str, *words: str) -> Any:
    said = cli("due", "--show", part, "--format", "json", *words)
    assert said.code == 0, said.all
    return json.loads(said.out)


def work(cli: Cli, *words: str) -> list[tuple[str, str, int, str]]:
    return [(row["person"], row["kind"], row["held"], row["state"]) for row in rows(cli, "caseloads", *words)]


# ---- caseloads


@pytest.mark.parametrize(
    ("held", "state"), [(1, "under"), (2, "full"), (3, "over")], ids=["one under", "at the limit", "one over"]
)
def test_what_a_person_holds_stands_against_the_limit(small: Callable[..., Cli], held: int, state: str) -> None:
    cases = [f"C{n}" for n in range(held)]
    cli = small("".join(f"{case},North,w1,\n" for case in cases), allocated(*cases))
    assert work(cli) == [("w1", "families", held, state), ("w1", "children", held, "within")]


def test_children_are_counted_and_each_limit_stands_by_itself(small: Callable[..., Cli]) -> None:
    children = json.dumps([{"ref": f"k{n}"} for n in range(6)]).replace('"', '""')
    cli = small(f'C1,North,w1,"{children}"\nC2,North,w1,\n', allocated("C1", "C2"))
    assert work(cli) == [("w1", "families", 2, "full"), ("w1", "children", 7, "over")]
    table = cli("due", "--show", "caseloads").out
    assert "Caseloads in smallshire" in table
    assert "7 children" in table
    assert "over the limit" in table


def test_a_case_counts_from_its_allocation_until_it_is_closed_and_with_whoever_leads_it_now(
    small: Callable[..., Cli],
) -> None:
    events = allocated("C1", "C2", "C3") + "C2,closed,2026-03-04,,,\n"
    events += 'C3,worker_changed,2026-03-04,,,"{""lead"": ""w2""}"\nC4,referral_received,2026-03-02,,,\n'
    cli = small("C1,North,w1,\nC2,North,w1,\nC3,North,w1,\nC4,North,w1,\n", events)
    assert [row for row in work(cli) if row[1] == "families"] == [("w1", "families", 1, "under"), ("w2", "families", 1, "under")]  # fmt: skip  # noqa: E501


def test_a_limit_is_for_those_in_its_role_and_a_list_for_those_asked_for(small: Callable[..., Cli]) -> None:
    cli = small("C1,North,w1,\nC2,South,w2,\nC3,North,m1,\n", allocated("C1", "C2", "C3"))
    assert {row[0] for row in work(cli)} == {"w1", "w2"}
    assert {row[0] for row in work(cli, "--person", "w2")} == {"w2"}
    assert {row[0] for row in work(cli, "--team", "North")} == {"w1"}
    assert work(cli, "--person", "m1") == []
    assert "Nobody in smallshire has a limit" in cli("due", "--show", "caseloads", "--person", "m1").out


def test_a_case_with_nothing_open_is_held_all_the_same(small: Callable[..., Cli]) -> None:
    cli = small("C1,North,w1,\n", allocated("C1") + "C1,home_visit,2026-03-03,,,\n")
    cli("tick")
    assert rows(cli, "open") == []
    assert ("w1", "families", 1, "under") in work(cli)


# ---- agendas


def test_what_is_due_at_the_next_sitting_is_on_its_agenda(small: Callable[..., Cli], at: Callable[[str], None]) -> None:
    cli = small("C1,North,w1,\nC2,South,w2,\n", allocated("C1", "C2") + "C1,stuck,2026-03-03,,,\n")
    [agenda] = rows(cli, "meetings")
    assert (agenda["meeting"], agenda["sits_on"], agenda["hub"]) == ("panel", "2026-03-10", "")
    assert [(item["case"], item["key"]) for item in agenda["items"]] == [("C1", "panel-takes")]
    assert "Panel in smallshire, Tuesday 10 March 2026" in cli("due", "--show", "meetings").out
    assert rows(cli, "meetings", "--person", "w2")[0]["items"] == []
    assert "nothing is due at it so far" in cli("due", "--person", "w2").out
    at("2026-03-10 23:00")
    assert rows(cli, "meetings")[0]["sits_on"] == "2026-03-10"
    at("2026-03-11 00:30")
    [after] = rows(cli, "meetings")
    # The case was not presented: it comes before the next sitting, with the day on which it should have been heard.
    assert (after["sits_on"], [item["due_on"] for item in after["items"]]) == ("2026-03-17", ["2026-03-10"])
    Path("more.csv").write_text(EVENTS + "C1,taken,2026-03-10,,,\n")
    assert cli("import", "--events", "more.csv").code == 0
    assert rows(cli, "meetings")[0]["items"] == []


def test_a_sitting_that_is_moved_has_its_agenda_on_its_new_day(small: Callable[..., Cli]) -> None:
    moved = hook("ehscheduler_sittings", '{"panel": {date(2026, 3, 10): date(2026, 3, 12)}}')
    cli = small("C1,North,w1,\n", allocated("C1") + "C1,stuck,2026-03-03,,,\n", HOOKS + moved)
    [agenda] = rows(cli, "meetings")
    assert agenda["sits_on"] == "2026-03-12"
    assert [item["case"] for item in agenda["items"]] == ["C1"]


def test_due_shows_all_three_together_and_json_one_at_a_time(small: Callable[..., Cli]) -> None:
    cli = small("C1,North,w1,\n", allocated("C1") + "C1,stuck,2026-03-03,,,\n")
    table = cli("due").out
    places = [table.index(part) for part in ("Open in smallshire: 2", "Caseloads in smallshire", "Panel in smallshire")]
    assert places == sorted(places)
    plain = json.loads(cli("due", "--format", "json").out)
    assert plain == rows(cli, "open")
    assert [row["key"] for row in plain] == ["panel-takes", "visit"]


# ---- what a policy holds, and what it does not


@pytest.mark.parametrize("part", ["rules", "limits", "meetings"])
def test_policy_show_gives_each_part_in_words_and_as_rows(small: Callable[..., Cli], part: str) -> None:
    cli = small("C1,North,w1,\n", allocated("C1"))
    found = json.loads(cli("policy", "show", "smallshire", "--show", part, "--format", "json").out)
    ids = {"rules": ["visit", "panel-takes"], "limits": ["caseload"], "meetings": ["panel"]}[part]
    assert [row[part[:-1]] for row in found] == ids
    said = cli("policy", "show", "smallshire").out
    for words in ("Helper: at most 2 families or 5 children, at least 2 families", "every Tuesday", "next panel after"):
        assert words in said


@pytest.mark.parametrize("name", ["northamptonshire", "nottinghamshire"])
def test_policy_show_lists_what_is_not_encoded_with_its_reason(cli: Cli, name: str) -> None:
    coverage = tomllib.loads((load(name).folder / "coverage.toml").read_text())["rows"]
    left_out = [row for row in coverage if row["as"] == "P"]
    assert left_out
    found = json.loads(cli("policy", "show", name, "--show", "not-encoded", "--format", "json").out)
    assert [row["row"] for row in found if row["why"] != "to be encoded"] == [row["row"] for row in left_out]
    said = " ".join(cli("policy", "show", name).out.split())
    for row in left_out:
        assert f"{row['row']} ({row['clause']}): {row['why']}" in said


@pytest.mark.parametrize("columns", [80, 120])
def test_nothing_is_cut_off_at_the_right(
    small: Callable[..., Cli], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    cli = small("C1,North,w1,\n", allocated("C1") + "C1,stuck,2026-03-03,,,\n")
    cli("tick")
    monkeypatch.setenv("COLUMNS", str(columns))
    for words in (
        ("due",), ("outbox",), ("status",), ("policy", "list"), ("policy", "show", "smallshire"),
        ("policy", "show", "northamptonshire"),
    ):  # fmt: skip
        said = cli(*words)
        assert max(len(line.rstrip()) for line in said.out.splitlines()) <= columns, words
        assert "…" not in said.out
        for line in said.out.splitlines():
            assert not line.startswith(("┃", "┡", "│", "└")) or line.rstrip()[-1] in "┃┩│┘", (words, line)
