"""`outbox`, `bounce` and `prefer` as an operator has them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_commands import CASES, EVENTS, PEOPLE, parsed


@pytest.fixture
def sent(cli: Cli, tmp_path: Path, at: Callable[[str], None]) -> Cli:
    """A council with one case of which the lead has had the reminder."""
    at("2026-06-03 08:00")
    for name, text in (("cases.csv", CASES), ("events.csv", EVENTS), ("people.csv", PEOPLE)):
        (tmp_path / name).write_text(text)
    cli("init", "--authority", "nottinghamshire")
    assert cli("import", "--cases", "cases.csv", "--events", "events.csv", "--people", "people.csv").code == 0
    at("2026-06-10 08:30")
    assert cli("tick").code == 0
    return cli


def states(cli: Cli) -> list[str]:
    return [one["state"] for one in parsed(cli("outbox", "--format", "json").out)["deliveries"]]


def test_what_its_reader_has_acknowledged_is_shown_so(sent: Cli, at: Callable[[str], None]) -> None:
    assert "acknowledged" not in states(sent)
    (row, *_) = parsed(sent("outbox", "--format", "json").out)["deliveries"]
    at("2026-06-10 09:00")
    assert sent("acknowledge", "C1", row["milestone"], "--person", "w1", "--reason", "family").code == 0
    assert "acknowledged" in states(sent)
    assert sent("outbox", "--state", "acknowledged").out.count("C1") >= 1


def test_mail_that_came_back_is_bounced_and_then_told_one_rung_up(sent: Cli, at: Callable[[str], None]) -> None:
    address = next(line.split(",")[2] for line in PEOPLE.splitlines() if line.startswith("w1"))
    at("2026-06-10 09:00")
    said = sent("bounce", address, "--why", "550 no such user")
    assert said.code == 0
    assert (
        f"Nothing is sent to {address} any more. Of what was sent, 1 of the last five days is taken back" in said.flat
    )
    assert set(states(sent)) == {"bounced"}
    assert "bounced: 550 no such user" in sent("outbox").flat
    assert sent("tick").code == 0
    assert "handed_over" in states(sent)
    assert "is written to again" in sent("bounce", address, "--lift").out
    assert "Nothing stood in the way" in sent("bounce", address, "--lift").out


def test_an_address_that_nobody_has_is_refused(sent: Cli) -> None:
    said = sent("bounce", "nobody@example.org")
    assert said.code == 1
    assert "nobody of nottinghamshire has the address nobody@example.org" in said.flat


def test_what_waits_can_be_dropped_with_a_reason(sent: Cli, at: Callable[[str], None]) -> None:
    refused = sent("outbox", "drop", "--why", "moved")
    assert refused.code == 1
    assert "name a --case, a recipient with --to, or both" in refused.flat
    nothing = sent("outbox", "drop", "--case", "C1", "--why", "moved")
    assert nothing.code == 1
    assert "nothing of case C1 is waiting or refused or dead in nottinghamshire" in nothing.flat
    sent("prefer", "w1", "--digest-at", "15:00")
    at("2026-06-15 08:30")
    assert sent("tick").code == 0
    assert "waiting" in states(sent)
    dropped = sent("outbox", "drop", "--case", "C1", "--to", "person:w1", "--why", "told by hand", "--by", "ops")
    assert dropped.code == 0
    assert "is not sent." in dropped.out
    assert "dropped: told by hand" in sent("outbox").flat
    assert sent("outbox", "replay", "--case", "C1").code == 1


def test_what_quiet_hours_put_off_is_shown_with_the_time_it_waits_for(sent: Cli, at: Callable[[str], None]) -> None:
    sent("prefer", "w1", "--quiet", "17:00-09:45", "--digest-at", "09:45")
    at("2026-06-11 08:30")
    sent("tick")
    at("2026-06-16 08:30")
    assert sent("tick").code == 0
    (waiting, *_) = parsed(sent("outbox", "--state", "waiting", "--format", "json").out)["deliveries"]
    assert waiting["send_after"].startswith("2026-06-16T09:45")
    assert "waiting: until 2026-06-16 09:45" in sent("outbox", "--state", "waiting").flat
    at("2026-06-16 09:45")
    sent("tick")
    assert states(sent)[0] == "handed_over"


def test_what_a_person_prefers_is_said_back(sent: Cli) -> None:
    said = sent("prefer", "w1", "--digest-at", "09:30", "--quiet", "17:00-09:00")
    assert said.flat == "w1: by the usual channel; digest at 09:30; quiet hours 17:00-09:00."
    assert "KIND=NAME" in sent("prefer", "w1", "--channel", "escalation").flat
    wrong = sent("prefer", "w9", "--channel", "escalation=text", "--digest-at", "7")
    assert wrong.code == 1
    for fault in ("config names no channel 'text'", "'7' is not a time of day", "has nobody 'w9'"):
        assert fault in wrong.flat
