"""`ehscheduler coverage`, and what `doctor` says of coverage and of the heartbeat."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_people import STAFF
from tests.daemon.house import HEAD, VISIT
from tests.test_plugins import HOOKS, Install, install, site

__all__ = ["install", "site"]

POLICY = (HEAD + VISIT).replace("testshire", "smallshire")
EVENTS = "case_ref,event,occurred_at,recorded_at,ref,detail\n"
LOST = "case_ref,team,lead\nC1,North,w1\nC2,North,w1\n"
SECRET = "the-secret-part"


@pytest.fixture
def served(cli: Cli, install: Install, tmp_path: Path, at: Callable[[str], None]) -> Cli:
    """A council with two cases, of which one has nothing due; it is Thursday 5 March 2026, after a turn."""
    at("2026-03-05 10:00")
    install("smallshire", HOOKS, policy=POLICY)
    (tmp_path / "people.csv").write_text(STAFF)
    (tmp_path / "cases.csv").write_text(LOST)
    (tmp_path / "events.csv").write_text(f"{EVENTS}C1,allocation,2026-03-02,,,\n")
    cli("init", "--authority", "smallshire")
    said = cli("import", "--people", "people.csv", "--cases", "cases.csv", "--events", "events.csv")
    assert said.code == 0, said.all
    assert cli("tick").code == 0
    return cli


def findings(cli: Cli, area: str) -> list[dict[str, Any]]:
    return [found for found in json.loads(cli("doctor", "--format", "json").out) if found["area"] == area]


def test_a_case_with_nothing_due_is_named_with_its_remedy_and_the_code_is_1(served: Cli) -> None:
    said = served("coverage")
    assert said.code == 1
    assert "case C2 is open and has nothing due" in said.out
    assert "C1" not in said.out
    assert "The daemon asked last at 2026-03-05 10:00." in said.out


def test_programs_read_what_is_not_covered_and_when_it_was_asked(served: Cli) -> None:
    [row] = json.loads(served("coverage", "--format", "json").out)
    assert (row["authority"], row["at"], row["turn_ahead"]) == ("smallshire", "2026-03-05T10:00:00+00:00", False)
    assert [(one["area"], one["subject"]) for one in row["uncovered"]] == [("cases", "C2")]


def test_once_it_is_put_right_all_is_covered_and_the_code_is_0(served: Cli) -> None:
    assert served("close", "C2", "--reason", "support_ended").code == 0
    said = served("coverage")
    assert (said.code, "All is covered in smallshire." in said.out) == (0, True), said.all


def test_what_came_since_the_last_turn_is_said_to_wait_for_the_next(served: Cli, tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_text(f"{LOST}C3,North,w1\n")
    assert served("import", "--cases", "cases.csv").code == 0
    assert "are to be looked at in the next turn" in served("coverage").out


def test_status_and_doctor_show_what_is_not_covered_and_say_so_in_their_codes(served: Cli) -> None:
    status, doctor = served("status"), served("doctor")
    assert (status.code, doctor.code) == (1, 1)
    assert "case C2 is open and has nothing due" in status.out
    assert "case C2 is open and has nothing due" in doctor.out
    [found] = findings(served, "smallshire coverage")
    assert not found["ok"]
    assert found["said"].endswith("1 not covered, listed below")


def test_doctor_says_when_the_mornings_question_was_not_asked(served: Cli, at: Callable[[str], None]) -> None:
    at("2026-03-06 08:29")
    assert "was asked last" not in findings(served, "smallshire coverage")[0]["said"]
    at("2026-03-06 08:31")
    [found] = findings(served, "smallshire coverage")
    assert not found["ok"]
    assert "was asked last at 10:00 on Thursday 5 March 2026" in found["said"]


def test_a_weekend_without_a_question_is_well(served: Cli, at: Callable[[str], None]) -> None:
    at("2026-03-06 08:00")
    served("tick")
    at("2026-03-09 08:29")
    assert "daemon" not in findings(served, "smallshire coverage")[0]["said"]


def test_doctor_says_that_nobody_outside_watches(served: Cli) -> None:
    [found] = findings(served, "heartbeat")
    assert found["ok"]
    assert "EHS_HEARTBEAT_URL" in found["said"]


def test_an_address_that_is_not_https_is_wrong_and_is_not_shown(served: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EHS_HEARTBEAT_URL", f"http://watch.example/{SECRET}")
    [found] = findings(served, "heartbeat")
    assert not found["ok"]
    assert "is not https" in found["said"]
    assert SECRET not in served("doctor").all


def test_a_beat_that_was_not_taken_is_wrong_and_the_address_is_not_shown(
    served: Cli, monkeypatch: pytest.MonkeyPatch, at: Callable[[str], None]
) -> None:
    monkeypatch.setenv("EHS_HEARTBEAT_URL", f"http://127.0.0.1:1/{SECRET}")  # nothing listens there
    assert "has not beaten yet" in findings(served, "heartbeat")[0]["said"]
    served("close", "C2", "--reason", "support_ended")
    at("2026-03-06 08:00")
    assert served("tick").code == 0
    [found] = findings(served, "heartbeat")
    assert not found["ok"]
    assert "no beat was taken yet; tried at 08:00 on Friday 6 March 2026" in found["said"]
    assert SECRET not in served("doctor").all


def test_an_alarm_that_was_settled_is_cleared_by_its_kind_and_one_that_lasts_comes_again(served: Cli) -> None:
    assert "not covered" in served("doctor").out
    said = served("doctor", "--clear", "not covered", "--clear", "nothing like it")
    assert "1 of 'not covered' cleared." in said.err
    assert "No alarm of 'nothing like it' stands open." in said.err
    assert "alarm (not covered)" not in said.out


LIMIT = """
[limit.caseload]
title = "Caseload"
clause = "2.1"
who = "lead"
at_most = { families = 2 }
pro_rata = true
tell = ["manager"]
"""


def test_doctor_asks_about_the_hours_of_who_counts_as_full_time_and_that_is_no_fault(
    cli: Cli, install: Install, tmp_path: Path, at: Callable[[str], None]
) -> None:
    at("2026-03-05 10:00")
    install("smallshire", HOOKS, policy=POLICY + LIMIT)
    (tmp_path / "people.csv").write_text(STAFF)
    (tmp_path / "cases.csv").write_text(LOST)
    (tmp_path / "events.csv").write_text(f"{EVENTS}C1,allocation,2026-03-02,,,\n")
    cli("init", "--authority", "smallshire")
    cli("import", "--people", "people.csv", "--cases", "cases.csv", "--events", "events.csv")
    cli("tick")
    [found] = findings(cli, "smallshire limits of work")
    assert found["ok"]
    assert found["said"].startswith("w1 counts as full time, as people.csv says nothing else")
    header, *rows = STAFF.splitlines()
    (tmp_path / "people.csv").write_text("\n".join([f"{header},full_time_share", *(f"{row},0.6" for row in rows)]))
    assert cli("import", "--people", "people.csv").code == 0
    assert findings(cli, "smallshire limits of work") == []
