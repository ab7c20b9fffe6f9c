"""The machine contract: what `timeline` and `forecast` print, to the key, the order and the offset (design 9)."""

import gc
import io
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ehscheduler import pure
from ehscheduler.intake.caseload import Caseload, write_caseload
from tests.cli.conftest import Cli

COUNTY = "nottinghamshire"
MILESTONE = (
    "case episode rule key title clause edition force owner from_event from_at anchor_time_unknown opens_on best_by_on "
    "due_on due_at original_due_at state met_at recorded_late phase readings why"
).split()
NOTICE = "at kind case rule key stage to_roles clause".split()
KINDS = {"reminder", "due", "overdue", "escalation", "dispute", "drift", "limit", "check"}
HEAD = "case_ref,event,occurred_at,recorded_at,ref,detail\n"


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Caseload:
    return write_caseload(tmp_path_factory.mktemp("contract"), seed=23, families=40, start=date(2026, 1, 5))


def timeline(cases: Path, events: Path, at: str, authority: str = COUNTY) -> tuple[int, str]:
    out = io.StringIO()
    return pure.write_timeline(out, authority, cases, events, at), out.getvalue()


def forecast(cases: Path, events: Path, since: str, until: str) -> tuple[int, str]:
    out = io.StringIO()
    return pure.write_forecast(out, COUNTY, cases, events, since, until), out.getvalue()


@pytest.fixture
def one(tmp_path: Path) -> Callable[..., Any]:
    """Ask for the timeline of one case by its events."""

    def ask(*rows: str, at: str, case: str = "C1,North,w1,3") -> Any:
        cases, events = tmp_path / "cases.csv", tmp_path / "events.csv"
        cases.write_text(f"case_ref,team,lead,level\n{case}\n")
        events.write_text(HEAD + "".join(f"{row}\n" for row in rows))
        code, text = timeline(cases, events, at)
        return code, json.loads(text)

    return ask


# ---- timeline


def test_timeline_prints_exactly_these_keys(load: Caseload) -> None:
    code, text = timeline(load.cases, load.events, "2026-05-20")
    told = json.loads(text)
    assert code == 0
    assert list(told) == ["authority", "edition", "as_of", "milestones", "problems", "warnings"]
    assert (told["authority"], told["edition"]) == (COUNTY, "as supplied")
    assert len(told["milestones"]) > 100
    assert {tuple(row) for row in told["milestones"]} == {tuple(MILESTONE)}


def test_nulls_are_present(one: Callable[..., Any]) -> None:
    _, told = one("C1,allocation,2026-06-01,,,", at="2026-06-02")
    row = next(row for row in told["milestones"] if row["rule"] == "first-visit")
    absent = ("opens_on", "best_by_on", "met_at", "phase")
    assert {name: row[name] for name in absent} == dict.fromkeys(absent)
    assert row["recorded_late"] is False


def test_milestones_stand_by_case_rule_and_key(load: Caseload) -> None:
    rows = json.loads(timeline(load.cases, load.events, "2026-06-30")[1])["milestones"]
    order = [(row["case"], row["rule"], row["key"]) for row in rows]
    assert order == sorted(order)


def test_the_tenth_instance_stands_where_its_key_does(one: Callable[..., Any]) -> None:
    seen = (f"C1,family_seen,2026-0{month}-{day:02d},,," for month in (3, 4, 5, 6) for day in (5, 12, 19, 26))
    told = one("C1,allocation,2026-03-02,,,", *seen, at="2026-07-01")[1]
    keys = [row["key"] for row in told["milestones"] if row["rule"] == "family-contact"]
    assert "family-contact/10" in keys
    assert keys == sorted(keys)


def test_instants_carry_londons_offset_in_winter_and_in_summer(one: Callable[..., Any]) -> None:
    _, told = one("C1,allocation,2026-03-16T09:00,,,", at="2026-03-17T10:00")
    rows = {row["rule"]: row for row in told["milestones"]}
    assert told["as_of"] == "2026-03-17T10:00:00+00:00"
    assert rows["first-visit"]["from_at"] == "2026-03-16T09:00:00+00:00"
    assert rows["first-visit"]["due_at"] == "2026-03-30T23:59:59+01:00"
    assert rows["first-visit"]["original_due_at"] == "2026-03-30T23:59:59+01:00"
    assert one("C1,allocation,2026-03-16,,,", at="2026-07-01")[1]["as_of"] == "2026-07-01T23:59:59+01:00"


def test_a_bare_date_is_its_last_second_and_an_instant_is_itself(one: Callable[..., Any]) -> None:
    rows = ("C1,allocation,2026-06-01,,,", "C1,home_visit,2026-06-10T15:00,,,")
    day = one(*rows, at="2026-06-10")[1]
    assert day["as_of"] == "2026-06-10T23:59:59+01:00"
    assert state(day, "first-visit") == "met"
    before = one(*rows, at="2026-06-10T14:59:59")[1]
    assert state(before, "first-visit") != "met"
    assert before["as_of"] == "2026-06-10T14:59:59+01:00"
    given = one(*rows, at="2026-06-10T14:00:00Z")[1]
    assert (given["as_of"], state(given, "first-visit")) == ("2026-06-10T15:00:00+01:00", "met")


def state(told: Any, rule: str) -> str:
    return str(next(row["state"] for row in told["milestones"] if row["rule"] == rule))


def test_a_case_is_told_in_its_present_episode_alone(one: Callable[..., Any]) -> None:
    rows = ("C1,allocation,2026-01-05,,,", "C1,closed,2026-02-02,,,", "C1,reopened,2026-05-01,,,")
    told = one(*rows, "C1,allocation,2026-05-05,,,", at="2026-05-06")[1]
    assert {row["episode"] for row in told["milestones"]} == {2}


def test_what_cannot_be_read_is_exit_1_and_no_milestones(one: Callable[..., Any]) -> None:
    code, told = one("C1,allocation,2026-06-31,,,", at="2026-07-01")
    assert code == 1
    assert told["milestones"] == []
    assert told["problems"] == ["events.csv, line 2: occurred_at is not a date that exists"]
    assert list(told) == ["authority", "edition", "as_of", "milestones", "problems", "warnings"]


def test_every_problem_of_both_files_and_of_the_question_is_listed_with_file_and_line(tmp_path: Path) -> None:
    cases, events = tmp_path / "cases.csv", tmp_path / "events.csv"
    cases.write_text("case_ref,level\nC1,three\nC2,2\nC2,3\n")
    events.write_text(HEAD + "C1,alocation,2026-06-01,,,\nC2,allocation,2026-06-31,,,\n")
    code, text = timeline(cases, events, "2026-02-30")
    problems = json.loads(text)["problems"]
    assert code == 1
    places = ("--at: ", "cases.csv, line 2: ", "cases.csv, line ", "events.csv, line 2: ", "events.csv, line 3: ")
    for place in places:
        assert any(problem.startswith(place) for problem in problems), (place, problems)


def test_what_is_odd_is_a_warning_and_exit_0(one: Callable[..., Any]) -> None:
    code, told = one("C1,allocation,2026-06-01,,,", "C1,hold_ended,2026-06-02,,,", at="2026-06-03")
    assert code == 0
    assert told["problems"] == []
    assert told["milestones"]
    assert any("C1: hold_ended on 2026-06-02" in warning and "not on hold" in warning for warning in told["warnings"])


def test_unsigned_readings_and_a_late_review_are_warned_of(one: Callable[..., Any]) -> None:
    _, told = one("C1,allocation,2026-06-01,,,", at="2026-06-02")
    assert any("the council has not signed these readings" in warning for warning in told["warnings"])
    assert not any("was to be reviewed by" in warning for warning in told["warnings"])


@pytest.mark.parametrize(
    ("at", "warned"),
    [("2027-04-01", False), ("2027-04-01T23:30", False), ("2027-04-02T00:10", True), ("2027-04-02", True)],
    ids=["its last day", "its last hour", "the next day, London", "the next day"],
)
def test_the_day_of_a_warning_is_londons(one: Callable[..., Any], at: str, warned: bool) -> None:
    _, told = one("C1,allocation,2026-06-01,,,", at=at)
    assert any("was to be reviewed by" in warning for warning in told["warnings"]) is warned


def test_no_database_and_no_configuration_is_needed(cli: Cli, load: Caseload, tmp_path: Path) -> None:
    words = ("--authority", COUNTY, "--cases", load.cases, "--events", load.events)
    said = cli("timeline", *words, "--at", "2026-05-20", "--format", "json")
    assert said.code == 0
    assert said.err == ""
    assert said.out == timeline(load.cases, load.events, "2026-05-20")[1]
    assert list(tmp_path.iterdir()) == []
    assert cli("timeline", *words, "--at", "2026-05-20", "--format", "table").code == 0


# ---- forecast


def test_forecast_prints_exactly_these_keys_from_the_first_instant_until_before_the_last(load: Caseload) -> None:
    code, text = forecast(load.cases, load.events, "2026-05-01", "2026-06-01")
    told = json.loads(text)
    assert code == 0
    assert told["problems"] == []
    assert {tuple(notice) for notice in told["notices"]} == {tuple(NOTICE)}
    assert {notice["kind"] for notice in told["notices"]} <= KINDS
    ats = [notice["at"] for notice in told["notices"]]
    assert min(ats) >= "2026-05-01T00:00:00+01:00"
    assert max(ats) < "2026-06-01T00:00:00+01:00"
    assert ats == sorted(ats)


@pytest.fixture
def ahead(tmp_path: Path) -> Callable[..., list[tuple[str, str, int | None, list[str]]]]:
    def ask(*rows: str, since: str, until: str, rule: str) -> list[tuple[str, str, int | None, list[str]]]:
        cases, events = tmp_path / "cases.csv", tmp_path / "events.csv"
        cases.write_text("case_ref,team,lead,level\nC1,North,w1,3\n")
        events.write_text(HEAD + "".join(f"{row}\n" for row in rows))
        code, text = forecast(cases, events, since, until)
        assert code == 0
        told = [notice for notice in json.loads(text)["notices"] if notice["rule"] == rule]
        return [(n["at"], n["kind"], n["stage"], n["to_roles"]) for n in told]

    return ask


def test_day_clocks_are_told_at_half_past_eight_of_working_mornings(ahead: Callable[..., Any]) -> None:
    told = ahead("C1,allocation,2026-06-01,,,", since="2026-06-01", until="2026-07-01", rule="first-visit")
    assert told == [
        ("2026-06-10T08:30:00+01:00", "reminder", None, ["case_manager"]),
        ("2026-06-15T08:30:00+01:00", "due", None, ["case_manager"]),
        ("2026-06-16T08:30:00+01:00", "overdue", None, ["case_manager"]),
    ]


def test_the_first_instant_is_in_and_the_last_is_out(ahead: Callable[..., Any]) -> None:
    rows, rule = "C1,allocation,2026-06-01,,,", "first-visit"
    told = ahead(rows, since="2026-06-10T08:30", until="2026-06-15T08:30", rule=rule)
    assert [kind for _, kind, _, _ in told] == ["reminder"]
    told = ahead(rows, since="2026-06-10T08:30:01", until="2026-06-15T08:30:01", rule=rule)
    assert [kind for _, kind, _, _ in told] == ["due"]
    assert ahead(rows, since="2026-06-10T08:30", until="2026-06-10T08:30", rule=rule) == []


def test_disputes_are_told_at_the_instant_rung_by_rung(ahead: Callable[..., Any]) -> None:
    dispute = 'C1,dispute_raised,2026-06-05T15:00,,D1,"{""about"": ""allocation""}"'
    told = ahead(dispute, since="2026-06-05T15:00", until="2026-06-09", rule="allocation-dispute")
    assert [(at, stage, roles) for at, kind, stage, roles in told if kind == "dispute"] == [
        ("2026-06-05T15:00:00+01:00", 1, ["team_manager"]),
        ("2026-06-05T23:00:01+01:00", 2, ["service_manager"]),
        ("2026-06-06T07:00:01+01:00", 3, ["group_manager"]),
        ("2026-06-08T08:30:00+01:00", 3, ["group_manager"]),
    ]


def test_forecast_knows_nothing_after_its_start(ahead: Callable[..., Any]) -> None:
    rows = ("C1,allocation,2026-06-01,,,", "C1,home_visit,2026-06-08,,,")
    before = ahead(*rows, since="2026-06-07", until="2026-07-01", rule="first-visit")
    assert [kind for _, kind, _, _ in before] == ["reminder", "due", "overdue"]
    assert ahead(*rows, since="2026-06-08", until="2026-07-01", rule="first-visit") == []
    assert (
        ahead("C1,allocation,2026-06-01,2026-06-20,,", since="2026-06-07", until="2026-07-01", rule="first-visit") == []
    )


# ---- many cases


@pytest.mark.parametrize("chunk", [7, 200], ids=["many chunks", "one chunk"])
def test_worker_processes_give_the_same_bytes_as_one_process(
    load: Caseload, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    asked: list[int] = []
    real = pure._shared_out

    def shared_out(caseload: Any, part: Any, workers: int) -> Any:
        asked.append(workers)
        return real(caseload, part, workers)

    monkeypatch.setattr(pure, "_shared_out", shared_out)
    monkeypatch.setattr(pure, "SHARED_FROM", 10_000)
    alone = (
        timeline(load.cases, load.events, "2026-05-20"),
        forecast(load.cases, load.events, "2026-05-01", "2026-06-01"),
    )
    assert asked == []
    monkeypatch.setattr(pure, "SHARED_FROM", 1)
    monkeypatch.setattr(pure, "CHUNK", chunk)
    monkeypatch.setattr(pure.os, "cpu_count", lambda: 3)
    shared = (
        timeline(load.cases, load.events, "2026-05-20"),
        forecast(load.cases, load.events, "2026-05-01", "2026-06-01"),
    )
    assert asked == [3, 3]
    assert shared == alone


def test_the_collector_is_on_again_afterwards(load: Caseload) -> None:
    assert gc.isenabled()
    timeline(load.cases, load.events, "2026-05-20")
    assert gc.isenabled()
