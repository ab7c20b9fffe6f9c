"""What really leaves for a chat: through the daemon, the writer and the wire, to a server on this machine."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ehscheduler.channels import ways_of
from ehscheduler.daemon.deliver import deliver
from ehscheduler.daemon.tick import tick
from tests.daemon.house import NAME, House
from tests.notify.govuk_server import GovukServer, answer

FAMILY, CASE = "Canary-Featherstone", "EH-77123"


def lived(house: House, kind: str, server: GovukServer, monkeypatch: pytest.MonkeyPatch, **more: Any) -> list[bytes]:
    """Let a case run over with a team's chat set up; return what the chat was sent."""
    monkeypatch.setenv("HOOK", f"{server.url}/services/secretsecret")
    house.set(
        egress={"also_allow": [server.url.partition("//")[2]]},
        channels={"north": {"kind": kind, "secret_env": "HOOK", **more}},
        preferences={NAME: {"teams": {"North": {"chats": {"north": ["digest", "escalation"]}}}}},
        link={NAME: "https://cases.council.example/{case_ref}"},
    )
    house.live()
    house.case(CASE, "2026-03-02 08:00 allocation")
    for day in ("2026-03-11", "2026-03-16", "2026-03-17", "2026-03-18"):
        house.at(f"{day} 08:30")
        further, faults = ways_of(house.desk.config, house.desk.sender)
        assert faults == []
        desk = replace(house.desk, further=further)
        tick(desk, house.now)
        deliver(desk, lambda: house.now, rng=house.rng)
    return [one.body for one in server.asked]


@pytest.mark.parametrize(("kind", "yes"), [("slack", answer(200, b"ok")), ("teams", answer(202, b""))])
def test_a_copy_says_how_many_and_which_and_names_nobody(
    house: House, kind: str, yes: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GovukServer(post=yes) as server:
        bodies = lived(house, kind, server, monkeypatch)
    assert len(bodies) == 4  # a reminder, the day itself, overdue, and the line manager
    for body in bodies:
        text = json.dumps(json.loads(body))
        assert "First visit" in text
        for hidden in (CASE, "Wren", "Worker", "Mo Manager", "cases.council.example", "@council.example"):
            assert hidden not in text
    rows = [row for row in house.rows if row.channel == "chat:north"]
    assert {row.state for row in rows} == {"handed_over"}
    assert {mail.to for mail in house.channel.taken} == {"w1@council.example", "m1@council.example"}


def test_references_stand_in_a_chat_only_where_the_council_says_so(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GovukServer(post=answer(200, b"ok")) as server:
        bodies = lived(house, "slack", server, monkeypatch, references=True)
    assert all(CASE in body.decode() for body in bodies)


def test_the_secret_stands_nowhere_in_what_is_kept(
    house: House, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with GovukServer(post=answer(404, b"no_service secretsecret")) as server:
        lived(house, "slack", server, monkeypatch)
    kept: list[Callable[[], Any]] = [lambda: house.rows, lambda: house.trail(), lambda: house.alarms(everywhere=True)]
    shown = " ".join(str(one()) for one in kept) + caplog.text + "".join(capsys.readouterr())
    assert "404" in shown
    assert "secretsecret" not in shown
