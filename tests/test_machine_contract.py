"""The machine contract: what `timeline` and `forecast` print, byte for byte where it matters, and their exit codes."""

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ehscheduler import pure
from ehscheduler.cli import app
from ehscheduler.intake.caseload import write_caseload

HEADER = "case_ref,event,occurred_at,recorded_at,ref,detail\n"
MILESTONE = """case episode rule key title clause edition force owner from_event from_at anchor_time_unknown opens_on
best_by_on due_on due_at original_due_at state met_at recorded_late phase readings why""".split()
NOTICE = "at kind case rule key stage to_roles clause".split()


@pytest.fixture
def files(tmp_path: Path) -> Any:
    def write(events: str, cases: str = "case_ref,team\nC1,North\n", header: str = HEADER) -> list[str]:
        (tmp_path / "cases.csv").write_text(cases)
        (tmp_path / "events.csv").write_text(header + events)
        return ["--cases", str(tmp_path / "cases.csv"), "--events", str(tmp_path / "events.csv")]

    return write


def timeline(args: list[str], at: str, authority: str = "nottinghamshire") -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["timeline", "--authority", authority, *args, "--at", at, "--format", "json"])
    return result.exit_code, json.loads(result.stdout)


def forecast(args: list[str], since: str, until: str) -> tuple[int, dict[str, Any]]:
    words = ["forecast", "--authority", "nottinghamshire", *args, "--from", since, "--until", until]
    result = CliRunner().invoke(app, [*words, "--format", "json"])
    return result.exit_code, json.loads(result.stdout)


def test_a_timeline_has_exactly_the_fields_of_the_contract(files: Any) -> None:
    code, said = timeline(files("C1,allocation,2026-03-02,,,\n"), "2026-03-05")
    assert code == 0
    assert list(said) == ["authority", "edition", "as_of", "milestones", "problems", "warnings"]
    assert all(list(row) == MILESTONE for row in said["milestones"])
    assert all(1 <= len(row["why"]) <= 6 for row in said["milestones"])
    assert said["problems"] == []
    assert any("has not signed" in warning for warning in said["warnings"])


def test_nulls_are_present_and_instants_carry_londons_offset(files: Any) -> None:
    _, said = timeline(files("C1,allocation,2026-03-02,,,\n"), "2026-03-05")
    rows = {row["key"]: row for row in said["milestones"]}
    assert rows["first-visit"]["met_at"] is None
    assert rows["first-visit"]["from_at"] == "2026-03-02T00:00:00+00:00"
    assert rows["first-visit"]["due_at"] == "2026-03-16T23:59:59+00:00"
    assert rows["assessment"]["due_at"] == "2026-04-15T23:59:59+01:00"


def test_rows_stand_by_case_rule_and_key(files: Any) -> None:
    args = files("C2,allocation,2026-03-02,,,\nC1,allocation,2026-03-03,,,\n", "case_ref\nC2\nC1\n")
    _, said = timeline(args, "2026-03-05")
    keys = [(row["case"], row["rule"], row["key"]) for row in said["milestones"]]
    assert keys == sorted(keys)
    assert {case for case, _, _ in keys} == {"C1", "C2"}


def test_a_bare_date_is_the_last_second_of_its_day(files: Any) -> None:
    args = files("C1,allocation,2026-03-02,,,\n")
    state = {
        at: {row["key"]: row["state"] for row in timeline(args, at)[1]["milestones"]}["initial-contact"]
        for at in ("2026-03-09", "2026-03-09T23:59:59", "2026-03-10T00:00:00")
    }
    assert state == {"2026-03-09": "due", "2026-03-09T23:59:59": "due", "2026-03-10T00:00:00": "overdue"}


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ("C1,alocation,2026-03-02,,,\n", "did you mean 'allocation'?"),
        ("C1,allocation,2026-02-30,,,\n", "line 2"),
        ("C9,allocation,2026-03-02,,,\n", "no case has this case_ref"),
        ('C1,allocation,2026-03-02,,,"[1]"\n', "is not a JSON object"),
        ("C1,retracted,2026-03-02,,,\n", "retracted needs the id"),
    ],
)
def test_what_cannot_be_read_is_a_problem_and_there_are_no_milestones(files: Any, events: str, said: str) -> None:
    code, answer = timeline(files(events), "2026-03-05")
    assert code == 1
    assert answer["milestones"] == []
    assert any(said in problem and "events.csv" in problem for problem in answer["problems"])


def test_every_problem_of_both_files_is_listed_at_once(files: Any) -> None:
    code, answer = timeline(files("C1,alocation,2026-02-30,,,\n", "case_ref,colour\nC1,red\n"), "2026-03-32")
    assert code == 1
    said = " ".join(answer["problems"])
    assert all(word in said for word in ("--at", "colour", "alocation", "occurred_at"))


def test_an_unknown_authority_is_a_problem_that_names_those_installed(files: Any) -> None:
    code, answer = timeline(files(""), "2026-03-05", authority="notinghamshire")
    assert code == 1
    assert "did you mean 'nottinghamshire'?" in answer["problems"][0]


def test_what_is_odd_but_readable_is_a_warning(files: Any) -> None:
    code, answer = timeline(files("C1,allocation,2026-03-02,,,\nC1,hold_ended,2026-03-03,,,\n"), "2026-03-05")
    assert code == 0
    assert any("was not on hold" in warning for warning in answer["warnings"])


def test_a_missing_option_is_a_fault_of_usage() -> None:
    assert CliRunner().invoke(app, ["timeline", "--authority", "nottinghamshire"]).exit_code == 2


def test_a_forecast_runs_from_its_first_instant_up_to_its_last(files: Any) -> None:
    args = files("C1,allocation,2026-03-02,,,\n")
    code, said = forecast(args, "2026-03-09T08:30:00", "2026-03-10T08:30:00")
    assert code == 0
    assert all(list(row) == NOTICE for row in said["notices"])
    due = [row for row in said["notices"] if row["rule"] == "initial-contact"]
    assert [(row["kind"], row["at"]) for row in due] == [("due", "2026-03-09T08:30:00+00:00")]
    _, after = forecast(args, "2026-03-10", "2026-03-11")
    overdue = [row for row in after["notices"] if row["rule"] == "initial-contact"]
    assert [(row["kind"], row["at"], row["to_roles"]) for row in overdue] == [
        ("overdue", "2026-03-10T08:30:00+00:00", ["case_manager"])
    ]


def test_a_dispute_is_told_rung_by_rung_at_the_instant(files: Any) -> None:
    args = files('C1,dispute_raised,2026-03-06T16:00:00+00:00,,D1,"{""about"": ""allocation""}"\n')
    _, said = forecast(args, "2026-03-06T16:00:00+00:00", "2026-03-10T00:00:00+00:00")
    told = [(row["at"], row["stage"], row["to_roles"]) for row in said["notices"] if row["kind"] == "dispute"]
    assert told == [
        ("2026-03-06T16:00:00+00:00", 1, ["team_manager"]),
        ("2026-03-07T00:00:01+00:00", 2, ["service_manager"]),
        ("2026-03-07T08:00:01+00:00", 3, ["group_manager"]),
        ("2026-03-09T08:30:00+00:00", 3, ["group_manager"]),
    ]


def test_many_processes_and_one_give_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = write_caseload(tmp_path, seed=3, families=60, start=date(2026, 1, 5))
    answers = []
    for share_from, chunk in ((10_000, 200), (1, 7)):
        monkeypatch.setattr(pure, "SHARED_FROM", share_from)
        monkeypatch.setattr(pure, "CHUNK", chunk)
        monkeypatch.setattr("os.cpu_count", lambda: 2)
        out = io.StringIO()
        assert pure.write_timeline(out, "nottinghamshire", made.cases, made.events, "2026-06-01") == 0
        again = io.StringIO()
        assert pure.write_forecast(again, "nottinghamshire", made.cases, made.events, "2026-06-01", "2026-07-01") == 0
        answers.append((out.getvalue(), again.getvalue()))
    assert answers[0] == answers[1]
    assert json.loads(answers[0][0])["milestones"]
