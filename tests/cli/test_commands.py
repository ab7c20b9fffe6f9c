"""Each command once as it is meant, and the exit code and the form of its answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.intake.caseload import Caseload
from tests.cli.conftest import Cli

CASES = "case_ref,team,lead,level\nC1,North,w1,3\n"
EVENTS = "case_ref,event,occurred_at,recorded_at,ref,detail\nC1,allocation,2026-06-01,,,\n"
PEOPLE = (
    "person_id,name,email,role,team,line_manager_id,valid_from,valid_to\n"
    "w1,Wren Worker,w1@council.example,case_manager,North,m1,,\n"
    "m1,Mo Manager,m1@council.example,team_manager,North,,,\n"
)


@pytest.fixture
def small(cli: Cli, tmp_path: Path, at: Callable[[str], None]) -> Cli:
    """A council with one case that was allocated on 1 June; it is 3 June."""
    at("2026-06-03 10:00")
    for name, text in (("cases.csv", CASES), ("events.csv", EVENTS), ("people.csv", PEOPLE)):
        (tmp_path / name).write_text(text)
    cli("init", "--authority", "nottinghamshire")
    said = cli("import", "--cases", "cases.csv", "--events", "events.csv", "--people", "people.csv")
    assert said.code == 0, said.all
    return cli


def parsed(text: str) -> Any:
    return json.loads(text)


# ---- setting up


def test_init_makes_a_configuration_and_a_database_and_does_no_harm_twice(cli: Cli, tmp_path: Path) -> None:
    first = cli("init", "--authority", "nottinghamshire")
    assert first.code == 0
    assert first.out.splitlines()[0] == "Made config.toml."
    assert (tmp_path / "ehscheduler.db").stat().st_mode & 0o077 == 0
    (tmp_path / "config.toml").write_text((tmp_path / "config.toml").read_text() + "# mine\n")
    again = cli("init", "--authority", "nottinghamshire")
    assert again.code == 0
    assert "Made" not in again.out
    assert "# mine" in (tmp_path / "config.toml").read_text()


def test_what_init_makes_can_be_run_with(cli: Cli) -> None:
    cli("init", "--authority", "nottinghamshire")
    assert cli("doctor").code == 0
    said = cli("tick")
    assert (said.code, said.err) == (0, "")
    assert "0 cases looked at" in said.out


def test_no_command_shows_the_help(cli: Cli) -> None:
    said = cli()
    assert said.code == 2 or "Usage" in said.all
    helped = cli("--help")
    assert helped.code == 0
    for name in (
        "init import record correct relax hold resume close timeline forecast due explain policy tick run outbox doctor"
    ).split():
        assert name in helped.out


# ---- what comes in


def test_import_says_what_it_did(cli: Cli, written: Caseload) -> None:
    cli("init", "--authority", "nottinghamshire")
    words = ("import", "--steps", written.extract, "--mapping", written.mapping, "--people", written.people)
    first = cli(*words)
    assert first.code == 0
    assert f"{written.case_count} new cases" in first.out
    again = cli(*words)
    assert again.code == 0
    assert "0 new cases, 0 changed; 0 new events" in again.out


def test_import_lists_values_without_a_meaning(cli: Cli, written: Caseload, tmp_path: Path) -> None:
    cli("init", "--authority", "nottinghamshire")
    text = written.extract.read_text().replace(",Home Visit,", ",Home [red]Visit[/x],", 3)
    (tmp_path / "odd.csv").write_text(text)
    said = cli("import", "--steps", "odd.csv", "--mapping", written.mapping)
    assert said.code == 0
    assert "Home [red]Visit[/x]" in said.out


def test_record_correct_and_explain_one_case(small: Cli, at: Callable[[str], None]) -> None:
    said = small("record", "C1", "home_visit", "--at", "2026-06-02", "--by", "jo")
    assert said.code == 0
    assert said.out.startswith("Recorded home_visit on case C1: Tuesday 2 June 2026 (event ")
    event = said.out.partition("(event ")[2].partition(")")[0]
    assert "It was recorded already; nothing changed." in small("record", "C1", "home_visit", "--at", "2026-06-02").out
    card = parsed(small("explain", "C1", "first-visit", "--format", "json").out)
    assert card[0]["state"] == "met"
    at("2026-06-03 11:00")
    moved = small("correct", "C1", event, "--at", "2026-06-03", "--why", "typed wrongly")
    assert moved.code == 0
    assert moved.out.splitlines()[0].startswith(f"Withdrew {event} on case C1")
    assert moved.out.splitlines()[1].startswith("Recorded anew on case C1: Wednesday 3 June 2026")


def test_record_takes_further_facts_and_a_reference(small: Cli) -> None:
    said = small(
        "record", "C1", "contact_made", "--at", "2026-06-02T09:30", "--detail", '{"method": "phone"}', "--ref", "R"
    )
    assert said.code == 0
    assert "09:30 on Tuesday 2 June 2026" in said.out
    assert parsed(small("explain", "C1", "initial-contact", "--format", "json").out)[0]["state"] == "met"


def test_relax_moves_a_limit(small: Cli) -> None:
    words = ("relax", "C1", "first-visit", "--until", "2026-06-30", "--by-role", "team_manager", "--reason", "illness")
    assert small(*words).code == 0
    assert parsed(small("explain", "C1", "first-visit", "--format", "json").out)[0]["due_on"] == "2026-06-30"


def test_hold_resume_and_close(small: Cli, at: Callable[[str], None]) -> None:
    assert small("hold", "C1", "--reason", "stepped_up", "--at", "2026-06-02").out.startswith("Case C1 is on hold")
    assert parsed(small("explain", "C1", "first-visit", "--format", "json").out)[0]["state"] == "on_hold"
    assert small("resume", "C1", "--at", "2026-06-03").out.startswith("Case C1 goes on")
    at("2026-06-04 10:00")
    assert small("close", "C1", "--reason", "moved").out.startswith("Case C1 is closed")
    assert parsed(small("explain", "C1", "first-visit", "--format", "json").out)[0]["state"] == "cancelled"


# ---- what is asked


def test_due_lists_what_is_open_the_earliest_first(small: Cli) -> None:
    rows = parsed(small("due", "--format", "json").out)
    assert rows
    assert set(rows[0]) == {
        "authority", "case", "key", "title", "clause", "state", "due_on", "window", "owner", "lead", "team",
    }  # fmt: skip
    dated = [row["due_on"] for row in rows if row["due_on"]]
    assert dated == sorted(dated)
    assert parsed(small("due", "--format", "json", "--person", "w1").out) == rows
    assert parsed(small("due", "--format", "json", "--person", "x").out) == []
    assert parsed(small("due", "--format", "json", "--team", "South").out) == []
    assert parsed(small("due", "--format", "json", "--overdue").out) == []
    near = parsed(small("due", "--format", "json", "--by-day", "2026-06-08").out)
    assert {row["key"] for row in near} == {"initial-contact"}
    table = small("due")
    assert table.code == 0
    assert "First home visit" in table.out


def test_explain_shows_the_proof_card_with_the_walk_and_what_was_sent(small: Cli, at: Callable[[str], None]) -> None:
    for day in ("2026-06-03 08:00", "2026-06-10 08:30"):
        at(day)
        assert small("tick").code == 0
    said = small("explain", "C1", "first-visit")
    assert said.code == 0
    assert "First home visit" in said.out
    assert "clause 3b5" in said.out
    assert "Told" in said.out
    assert ".eml" in said.out
    (card,) = parsed(small("explain", "C1", "first-visit", "--format", "json").out)
    assert [one["kind"] for one in card["told"]] == ["reminder"]
    assert card["told"][0]["recipient"] == "person:w1"
    assert card["told"][0]["server_answer"].endswith(".eml")
    assert card["walk"][-1]["number"] == 10
    assert {"walk", "why", "readings_in_words", "kept_back", "ahead", "holds", "policy_hash"} <= set(card)


def test_explain_of_another_day_shows_the_case_as_it_was_known_then(small: Cli) -> None:
    small("record", "C1", "home_visit", "--at", "2026-06-02")
    then = parsed(small("explain", "C1", "first-visit", "--format", "json", "--at", "2026-06-01").out)
    assert then[0]["state"] == "upcoming"


def test_policy_check_and_show(cli: Cli) -> None:
    checked = cli("policy", "check", "nottinghamshire")
    assert checked.code == 0
    assert checked.out.rstrip().endswith("All is well.")
    shown = parsed(cli("policy", "show", "nottinghamshire", "--format", "json").out)
    told = {"rule", "title", "clause", "when", "where", "unless", "best_by", "met_by", "owner", "force", "readings"}
    told |= {"tell", "may_extend", "ladder", "runs_through", "roll", "remind"}
    assert told == set(shown[0])
    assert "10 working days after allocation" in cli("policy", "show", "nottinghamshire").out


WHOLE = """
[policy]
authority = "testshire"
document = "A protocol"
edition = "1"
nation = "england"
in_force = 2026-01-01
[roles]
worker = ["lead"]
manager = "Team Manager"
[event.three_tries]
title = "Three tries"
clause = "2"
of = "contact_attempted"
at_least = 3
within = "14 days"
different = { day = 3 }
[event.closing_visit]
title = "Closing visit"
[standard.decision]
title = "Decided"
clause = "2"
due = "10 days after three_tries"
roll = "next working day"
remind = ["5 working days before"]
met_by = "closed"
owner = "worker"
[check.letter]
title = "Visit first"
clause = "6"
at = "closed"
needs = "closing_visit"
since = "3 weeks"
owner = "worker"
tell = ["manager"]
"""


def test_policy_show_leaves_out_nothing_that_a_rule_says(cli: Cli) -> None:
    Path("policy.toml").write_text(WHOLE)
    shown = cli("policy", "show", "policy.toml").flat
    assert "off a weekend or bank holiday to the next working day; reminded 5 working days before" in shown
    assert "closing_visit comes first, in the 3 weeks before" in shown
    assert "; Team Manager told too" in shown
    assert "3 times within 14 days, the first day counted: contact_attempted, with 3 different days" in shown


# ---- the service


def test_outbox_shows_what_shadow_mode_kept_back_and_why(small: Cli, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    text = config.read_text(encoding="utf-8") if config.exists() else ""
    config.write_text(f'{text}\n[live.nottinghamshire]\nmode = "shadow"\n', encoding="utf-8")
    small("tick")
    assert {row["state"] for row in parsed(small("outbox", "--format", "json").out)["deliveries"]} == {"dropped"}
    assert "shadow mode" in small("outbox").out
    shown = small("outbox", "--kept").out
    assert "shadow mode: decided and recorded, not sent" in shown
    kept = parsed(small("outbox", "--kept", "--format", "json").out)["kept"]
    assert kept
    assert all(row["kept"] for row in kept)
    assert small("outbox", "--kept", "--case", "nobody").out.strip() == "Nothing was kept back in nottinghamshire."


def test_tick_decides_and_writes_and_outbox_shows_it(small: Cli, tmp_path: Path, at: Callable[[str], None]) -> None:
    small("tick")
    at("2026-06-10 08:30")
    assert "1 message handed over" in small("tick").out
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1
    box = parsed(small("outbox", "--format", "json").out)
    assert box["counts"]["handed_over"] == len([d for d in box["deliveries"] if d["state"] == "handed_over"])
    assert parsed(small("outbox", "--format", "json", "--state", "dead").out)["deliveries"] == []
    assert parsed(small("outbox", "--format", "json", "--case", "nobody").out)["deliveries"] == []
    assert "handed" in small("outbox").out


def test_rebuild_says_how_many_and_that_none_differ(small: Cli) -> None:
    small("tick")
    said = small("rebuild")
    assert said.code == 0
    assert "; 0 stood otherwise than they do now." in said.out


def test_doctor_is_content_with_a_sound_council(council: Cli) -> None:
    council("tick")
    said = council("doctor", "--format", "json")
    findings = parsed(said.out)
    assert [finding for finding in findings if not finding["ok"]] == []
    assert said.code == 0
    assert council("doctor").out.startswith("ok ")


def test_doctor_names_what_is_wrong_and_exits_1(small: Cli, tmp_path: Path) -> None:
    (tmp_path / "ehscheduler.db").chmod(0o644)
    small("import", "--cases", "events.csv")
    said = small("doctor", "--format", "json")
    assert said.code == 1
    wrong = {finding["area"]: finding["said"] for finding in parsed(said.out) if not finding["ok"]}
    assert "may be read by others than its owner; run: chmod 600" in wrong["database"]
    assert "events.csv was refused, and the last good state stands" in wrong["nottinghamshire: alarm (feed)"]


def test_every_table_can_be_asked_for_as_json(council: Cli) -> None:
    council("tick")
    rows = parsed(council("due", "--format", "json").out)
    for words in (
        ("due",),
        ("outbox",),
        ("doctor",),
        ("explain", rows[0]["case"], rows[0]["key"]),
        ("policy", "show", "nottinghamshire"),
    ):
        said = council(*words, "--format", "json")
        assert said.code == 0, words
        parsed(said.out)
