"""Channels as an operator sets them up: what cannot work is named, and a test message says what the other side said."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.notify.govuk_server import GovukServer, answer

ADDRESS = "services/T0/B0/canarycanary"


@pytest.fixture
def set_up(cli: Cli, tmp_path: Path, at: Callable[[str], None]) -> Callable[[str], None]:
    at("2026-06-10 08:30")
    cli("init", "--authority", "nottinghamshire")
    plain = (tmp_path / "config.toml").read_text()

    def put(text: str) -> None:
        (tmp_path / "config.toml").write_text(f"{plain}\n{text}")

    return put


def test_a_test_message_goes_by_each_way_and_says_what_came_back(
    cli: Cli, set_up: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with GovukServer(post=answer(200, b"ok")) as slack, GovukServer(post=answer(202, b"")) as teams:
        monkeypatch.setenv("SLACK_SOUTH", f"{slack.url}/{ADDRESS}")
        monkeypatch.setenv("TEAMS_SOUTH", f"{teams.url}/{ADDRESS}")
        own = ", ".join(f'"{server.url.partition("//")[2]}"' for server in (slack, teams))
        set_up(
            f"""
[egress]
also_allow = [{own}]
[channels.south]
kind = "slack"
secret_env = "SLACK_SOUTH"
[channels.heads]
kind = "teams"
secret_env = "TEAMS_SOUTH"
"""
        )
        said = cli("notify", "test", "south")
        assert (said.code, said.flat) == (0, "accepted: ok")
        assert "A test message: nothing is due" in slack.asked[0].body.decode()
        assert "posting not confirmed" in cli("notify", "test", "heads").flat
        assert json.loads(teams.asked[0].body)["attachments"][0]["content"]["version"] == "1.4"
        doctor = cli("doctor").flat
        for found in ("chat:south is set up", "chat:heads is set up", "the web is reached directly; further hosts"):
            assert found in doctor
        assert "canary" not in doctor


def test_the_kind_console_prints_what_a_reader_would_see(cli: Cli, set_up: Callable[[str], None]) -> None:
    set_up('[channels.screen]\nkind = "console"\n')
    said = cli("notify", "test", "screen", "--to", "me@council.example")
    assert said.code == 0
    for part in ("To: me@council.example", "A test message: nothing is due", "accepted: printed"):
        assert part in said.flat


def test_mail_can_be_tried_too_and_needs_an_address(cli: Cli, set_up: Callable[[str], None]) -> None:
    set_up("")
    assert cli("notify", "test", "--to", "me@council.example").code == 0
    refused = cli("notify", "test")
    assert refused.code == 1
    assert "--to: the address is not one plain address" in refused.flat


def test_what_cannot_work_is_named_with_its_place_and_mail_is_used(
    cli: Cli, set_up: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELSEWHERE", f"https://evil.example/{ADDRESS}")
    set_up(
        """
[channels.one]
kind = "slak"
[channels.two]
kind = "slack"
secret_env = "NOT_SET"
[channels.three]
kind = "teams"
secret_env = "ELSEWHERE"
[channels.four]
kind = "slack"
secret_file = "missing.txt"
[channels.five]
kind = "notify"
[preferences.nottinghamshire]
channel = "txt"
[preferences.nottinghamshire.teams."EHCM South"]
chats = { souht = ["dispute"] }
"""
    )
    doctor = cli("doctor").flat
    for fault in (
        "[channels.one] kind: 'slak' is none of console, file, notify, slack, teams; did you mean 'slack'?",
        "[channels.two]: no address: put it into the variable or file",
        "[channels.three]: its host is none of *.logic.azure.com, *.environment.api.powerplatform.com",
        "[channels.four]: its secret_file cannot be read: No such file or directory",
        "[channels.five]: template is not the id of a template",
        "[preferences.nottinghamshire]: there is no [channels.txt]",
        "[preferences.nottinghamshire.teams.EHCM South]: there is no [channels.souht]",
    ):
        assert fault in doctor, fault
    assert "evil" not in doctor
    assert cli("tick").code == 0
    assert "alarm (channel)" in cli("doctor").flat
    set_up("")
    assert cli("tick").code == 0
    assert "alarm (channel)" not in cli("doctor").flat


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[preferences.nottinghamshire]\ndigest_at = "07:00"', "07:00 is outside 08:30 to 17:00"),
        ('[preferences.nottinghamshire]\nquiet = "night"', "'night' is not a stretch of hours such as 18:00-08:00"),
        (
            '[preferences.nottinghamshire]\nby_kind = { digests = "mail" }',
            "[preferences.nottinghamshire.by_kind.digests",
        ),
        ('[channels.x]\nkind = "slack"\nurls = "y"', "[channels.x] urls: there is no such setting"),
    ],
)
def test_a_preference_that_cannot_be_is_refused_with_its_place(
    cli: Cli, set_up: Callable[[str], None], table: str, said: str
) -> None:
    set_up(table)
    refused = cli("status")
    assert refused.code == 1
    assert said in refused.flat
