"""Signing in to a mail relay: with a password or an OAuth2 token, from the environment or from a command."""

import base64
import logging
import os
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import MISSING, AuthResult, Envelope, Session
from certificates import Certificates
from notify_samples import MESSAGE_ID, raw_message
from scripted_server import Act, ScriptedServer

from ehscheduler.config import Config, config_from
from ehscheduler.daemon.build import server_of
from ehscheduler.errors import ConfigRefused
from ehscheduler.notify import signing_in
from ehscheduler.notify.relay import Server, server_faults
from ehscheduler.notify.signing_in import NoSecret, ask, masked
from ehscheduler.notify.smtp import Mailer

TO = "worker.example@council.example"
MAILBOX = "early.help@council.example"
TOKEN = "eyJ0eXAiOi.CANARY-token_0123456789/+=="
REFUSAL = base64.b64encode(b'{"status":"400","schemes":"Bearer","scope":"https://mail.example/"}')


class TokenSink:
    """A relay that lets in whoever has the token, and answers others as the XOAUTH2 protocol has it."""

    def __init__(self) -> None:
        self.given: list[bytes] = []
        self.answers: list[bytes] = []
        self.envelopes: list[Envelope] = []

    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> AuthResult:
        self.given.append(base64.b64decode(args[1]))
        if self.given[-1] == f"user={MAILBOX}\1auth=Bearer {TOKEN}\1\1".encode():
            return AuthResult(success=True, auth_data=MAILBOX)
        await server.push(b"334 " + REFUSAL)
        self.answers.append(await server._reader.readline())
        await server.push("535 5.7.3 Authentication unsuccessful")
        return AuthResult(success=False, handled=True)

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return "250 2.0.0 queued"


@pytest.fixture
def relay(certificates: Certificates) -> Iterator[tuple[TokenSink, Server]]:
    sink = TokenSink()
    settings: dict[str, Any] = {"auth_exclude_mechanism": ["PLAIN", "LOGIN"], "auth_required": True}

    class OnFreePort(Controller):
        def _trigger_server(self) -> None:
            self.port = self.server.sockets[0].getsockname()[1]
            super()._trigger_server()

    controller = OnFreePort(
        sink,
        hostname="127.0.0.1",
        port=0,
        ready_timeout=10,
        tls_context=certificates.server("good"),
        require_starttls=True,
        authenticator=lambda *_: AuthResult(success=False, auth_data=MISSING),
        **settings,
    )
    controller.start()
    yield sink, server(controller.port, certificates)
    controller.stop()


def server(port: int, certificates: Certificates, **changes: Any) -> Server:
    fields = {
        "host": "localhost",
        "port": port,
        "envelope_from": MAILBOX,
        "auth": "xoauth2",
        "username": MAILBOX,
        "password": TOKEN,
        "ca_file": certificates.ca,
        "helo": "ehs.council.example",
    }
    return Server(**(fields | changes))


def send(to: Server) -> Any:
    return Mailer(to).send(raw_message(TO), to=TO, message_id=MESSAGE_ID, deadline=20)


def prints(text: str, then: str = "") -> tuple[str, ...]:
    return (sys.executable, "-c", f"import sys, time, subprocess, os; sys.stdout.write({text!r}); {then or 'pass'}")


def test_a_token_signs_in_and_the_message_leaves(relay: tuple[TokenSink, Server]) -> None:
    sink, to = relay
    assert send(to).kind == "accepted"
    assert len(sink.envelopes) == 1


def test_a_refused_token_is_answered_with_an_empty_line_and_pauses_the_channel(
    relay: tuple[TokenSink, Server], caplog: pytest.LogCaptureFixture
) -> None:
    sink, to = relay
    with caplog.at_level(logging.DEBUG):
        outcome = send(Server(**{name: getattr(to, name) for name in to.__slots__} | {"password": "CANARY-old"}))
    assert (outcome.kind, outcome.about, outcome.stage, outcome.code) == ("misconfigured", "channel", "AUTH", 535)
    assert outcome.answer == f"{signing_in.REFUSED}; the server said: 5.7.3 Authentication unsuccessful"
    assert sink.answers == [b"\r\n"]
    assert sink.envelopes == []
    assert "CANARY" not in outcome.answer
    assert not [entry for entry in caplog.records if entry.name.startswith("ehscheduler") and "CANARY" in str(entry)]


@pytest.mark.parametrize(
    ("auth", "answer", "stage", "code"),
    [
        ("AUTH", b"535 5.7.30 Basic authentication is not supported for Client Submission.\r\n", "AUTH", 535),
        ("AUTH", b"550 5.7.30 Basic authentication is not supported for Client Submission.\r\n", "AUTH", 550),
        ("AUTH", b"535 5.7.139 Authentication unsuccessful, basic authentication is disabled.\r\n", "AUTH", 535),
        ("MAIL", b"550 5.7.30 Basic authentication is not supported for Client Submission.\r\n", "MAIL", 550),
    ],
)
def test_a_server_without_password_sign_in_any_more_is_answered_with_the_remedy(
    auth: str, answer: bytes, stage: str, code: int, certificates: Certificates
) -> None:
    with ScriptedServer({auth: answer}, certificates.server("good")) as wire:
        outcome = send(server(wire.port, certificates, auth="plain", password="correct horse"))
    assert (outcome.kind, outcome.about, outcome.stage, outcome.code) == ("misconfigured", "channel", stage, code)
    assert outcome.answer.startswith(
        'password sign-in is switched off there; set auth = "xoauth2" in [mail]; the server said: 5.7.'
    )


def test_a_wrong_password_is_not_called_switched_off(certificates: Certificates) -> None:
    with ScriptedServer({"AUTH": b"535 5.7.8 wrong\r\n"}, certificates.server("good")) as wire:
        outcome = send(server(wire.port, certificates, auth="plain", password="correct horse"))
    assert outcome.answer == "5.7.8 wrong"


def features(*mechanisms: str) -> bytes:
    return f"250-test\r\n250-AUTH {' '.join(mechanisms)}\r\n250 STARTTLS\r\n".encode()


@pytest.mark.parametrize(
    ("script", "auth", "kind", "words"),
    [
        ({"EHLO": features("XOAUTH2")}, "plain", "misconfigured", 'set auth = "xoauth2"'),
        ({"EHLO": features("PLAIN", "LOGIN")}, "xoauth2", "misconfigured", "offers no XOAUTH2, but PLAIN LOGIN"),
        ({"EHLO": b"250-test\r\n250 STARTTLS\r\n"}, "xoauth2", "misconfigured", "offers no XOAUTH2, but no sign-in"),
        ({"EHLO": features("XOAUTH2"), "AUTH": b"334 eyJ9\r\n"}, "xoauth2", "misconfigured", "token is refused"),
        ({"EHLO": features("XOAUTH2"), "AUTH": b"334 \x00\xff%\r\n"}, "xoauth2", "misconfigured", "token is refused"),
        ({"EHLO": features("XOAUTH2"), "AUTH": b"454 4.7.0 later\r\n"}, "xoauth2", "temporary", "4.7.0 later"),
        ({"EHLO": features("XOAUTH2"), "AUTH": b"250 fine\r\n"}, "xoauth2", "temporary", "fine"),
        ({"EHLO": features("XOAUTH2"), "AUTH": "drop"}, "xoauth2", "temporary", "ended"),
        ({"EHLO": features("XOAUTH2"), "AUTH": b"504 5.5.4 no\r\n"}, "xoauth2", "misconfigured", "5.5.4 no"),
    ],
    ids=[
        "token only",
        "password only",
        "no sign-in",
        "334 twice",
        "334 rubbish",
        "later",
        "odd yes",
        "drop",
        "unknown",
    ],
)
def test_each_way_a_sign_in_fails_is_the_channel_s_and_says_why(
    script: dict[str, Act | list[Act]], auth: str, kind: str, words: str, certificates: Certificates
) -> None:
    with ScriptedServer(script, certificates.server("good")) as wire:
        outcome = send(server(wire.port, certificates, auth=auth))
        assert wire.messages == []
    assert (outcome.kind, outcome.about, outcome.stage) == (kind, "channel", "AUTH")
    assert words in outcome.answer


def test_it_goes_on_by_itself_once_the_sign_in_is_put_right(certificates: Certificates) -> None:
    script: dict[str, Act | list[Act]] = {
        "EHLO": features("XOAUTH2"),
        "AUTH": [b"535 5.7.8 no\r\n", b"235 welcome\r\n"],
    }
    with ScriptedServer(script, certificates.server("good")) as wire:
        mailer = Mailer(server(wire.port, certificates))
        kinds = [mailer.send(raw_message(TO), to=TO, message_id=MESSAGE_ID).kind for _ in range(2)]
        assert kinds == ["misconfigured", "accepted"]
        assert len(wire.messages) == 1


def test_a_sign_in_that_stalls_is_left_at_the_deadline(certificates: Certificates) -> None:
    with ScriptedServer({"EHLO": features("XOAUTH2"), "AUTH": "drip"}, certificates.server("good")) as wire:
        wire.drip_every = 0.1
        start = time.monotonic()
        outcome = Mailer(server(wire.port, certificates)).check(deadline=0.8)
    assert (outcome.kind, outcome.stage) == ("temporary", "AUTH")
    assert time.monotonic() - start < 3


def test_without_a_sign_in_nothing_secret_is_said(certificates: Certificates) -> None:
    with ScriptedServer({}, certificates.server("good")) as wire:
        assert send(server(wire.port, certificates, auth="none")).kind == "accepted"
        assert not [said for said in wire.commands if said.startswith("AUTH")]


def test_a_command_is_asked_anew_for_each_connection_and_once_for_a_batch(
    relay: tuple[TokenSink, Server], tmp_path: Any
) -> None:
    sink, to = relay
    asked = tmp_path / "asked"
    command = prints(f"{TOKEN}\r\nand more\n", f"open({str(asked)!r}, 'a').write('x')")
    fields = {name: getattr(to, name) for name in to.__slots__}
    mailer = Mailer(Server(**fields | {"password": "", "password_command": command}))
    with mailer.session() as batch:
        kinds = [batch.send(raw_message(TO), to=TO, message_id=MESSAGE_ID).kind for _ in range(3)]
    assert (kinds, asked.read_text()) == (["accepted"] * 3, "x")
    assert mailer.check().kind == "accepted"
    assert asked.read_text() == "xx"
    assert len(sink.envelopes) == 3


def test_a_connection_that_is_opened_again_within_a_batch_has_a_new_token(
    certificates: Certificates, tmp_path: Any
) -> None:
    asked = tmp_path / "asked"
    command = prints(f"{TOKEN}\n", f"open({str(asked)!r}, 'a').write('x')")
    script: dict[str, Act | list[Act]] = {"EHLO": features("XOAUTH2"), "RSET": "drop"}
    with ScriptedServer(script, certificates.server("good")) as wire:
        settings = server(wire.port, certificates, password="", password_command=command)
        with Mailer(settings).session() as batch:
            kinds = [batch.send(raw_message(TO), to=TO, message_id=MESSAGE_ID).kind for _ in range(2)]
    assert (kinds, asked.read_text()) == (["accepted"] * 2, "xx")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/no/such/program", "CANARY-argument"), "could not be started: No such file or directory"),
        (("a\0b",), "could not be started: it is no command"),
        (prints("CANARY", "sys.stderr.write('CANARY'); sys.exit(3)"), "failed: it ended with 3"),
        (prints("CANARY", "sys.stdout.flush(); os.kill(os.getpid(), 9)"), "failed: it ended with -9"),
        (prints(""), "printed nothing on its first line"),
        (prints("\nCANARY"), "printed nothing on its first line"),
        (prints("", "sys.stdout.buffer.write(b'CANARY\\xff')"), "not UTF-8"),
        (prints("", "sys.stdout.write('CANARY' * 20000)"), "more than 64 KiB"),
        (prints("CANARY", "sys.stdout.flush(); time.sleep(60)"), "did not end within 1 s"),
        (prints("CANARY", "sys.stdout.close(); os.close(1); time.sleep(60)"), "did not end within 1 s"),
    ],
    ids="missing nul refuses killed silent blank bytes long sleeps hides".split(),
)
def test_a_command_that_fails_is_told_without_what_it_printed(command: tuple[str, ...], words: str) -> None:
    start = time.monotonic()
    with pytest.raises(NoSecret, match=r"^password_command ") as refused:
        ask(command, 1.0)
    assert words in str(refused.value)
    assert "CANARY" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert time.monotonic() - start < 5


def test_a_command_that_leaves_something_running_is_not_waited_for() -> None:
    start = time.monotonic()
    command = prints(TOKEN + "\n", "sys.stdout.flush(); subprocess.Popen(['sleep', '3'])")
    assert ask(command, 10.0) == TOKEN
    assert time.monotonic() - start < 2.5


def test_a_command_that_does_not_end_is_ended_with_all_it_started(tmp_path: Any) -> None:
    noted = tmp_path / "pid"
    child = f"open({str(noted)!r}, 'w').write(str(subprocess.Popen(['sleep', '60']).pid)); time.sleep(60)"
    start = time.monotonic()
    with pytest.raises(NoSecret):
        ask(prints("", child), 1.0)
    assert time.monotonic() - start < 5
    child_pid = int(noted.read_text())
    ends = time.monotonic() + 3
    while alive(child_pid) and time.monotonic() < ends:
        time.sleep(0.02)
    assert not alive(child_pid)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/no/such/program",), "could not be started"),
        (prints("CANARY two words\n"), "printed what cannot be sent: the OAuth2 token is not one word"),
        (prints("CANARY\1auth=x\n"), "printed what cannot be sent: the OAuth2 token is not one word"),
    ],
)
def test_where_there_is_no_secret_the_channel_pauses_and_no_connection_is_made(
    command: tuple[str, ...], words: str, certificates: Certificates
) -> None:
    with ScriptedServer({}, certificates.server("good")) as wire:
        outcome = send(server(wire.port, certificates, password="", password_command=command))
        assert wire.connections == 0
    assert (outcome.kind, outcome.about, outcome.stage) == ("misconfigured", "channel", "AUTH")
    assert words in outcome.answer
    assert "CANARY" not in outcome.answer


def test_a_token_that_a_server_quotes_back_whole_or_in_part_is_not_kept(certificates: Certificates) -> None:
    sent = base64.b64encode(f"user={MAILBOX}\1auth=Bearer {TOKEN}\1\1".encode()).decode()
    quote = f"535 5.7.8 {sent} {sent[:40]} <{TOKEN}> {TOKEN[5:30]} is bad\r\n".encode()
    with ScriptedServer({"EHLO": features("XOAUTH2"), "AUTH": quote}, certificates.server("good")) as wire:
        outcome = send(server(wire.port, certificates))
    assert outcome.answer.endswith("5.7.8 [secret] [secret] <[secret]> [secret] is bad")


def test_words_that_hold_no_secret_are_left_alone() -> None:
    words = "5.7.8 Username and Password not accepted; see https://mail.example/help (q12-abc)"
    assert masked(words, MAILBOX, TOKEN) == words
    assert masked(words, MAILBOX, "") == words


def test_neither_secret_nor_command_shows_in_the_relay_s_own_words(certificates: Certificates) -> None:
    shown = repr(server(25, certificates, password_command=("get", "CANARY-argument")))
    assert "CANARY" not in shown


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": ""}, "OAuth2 token is not set"),
        ({"password": "two words"}, "not one word"),
        ({"username": ""}, "needs a username"),
        ({"auth": "ntlm"}, 'auth is one of "plain", "xoauth2" or "none"'),
        ({"auth": "plain", "password": ""}, "password is not set"),
        ({"auth": "plain", "password": "line\nline"}, "the password has a control character"),
        ({"username": "a\1auth=b"}, "the username has a control character"),
    ],
)
def test_a_sign_in_that_cannot_work_is_named(changes: dict[str, Any], words: str, certificates: Certificates) -> None:
    [fault] = server_faults(server(25, certificates, **changes))
    assert words in fault
    assert "two words" not in fault


@pytest.mark.parametrize(
    "changes",
    [{}, {"password": "", "password_command": ("get",)}, {"auth": "none", "username": ""}, {"auth": "none"}],
)
def test_a_sign_in_that_can_work_is_let_through(changes: dict[str, Any], certificates: Certificates) -> None:
    assert server_faults(server(25, certificates, **changes)) == []


def mail(**settings: Any) -> Config:
    return config_from({"mail": settings}, "config.toml")


@pytest.mark.parametrize(
    ("settings", "sign_in"),
    [
        ({}, "none"),
        ({"username": "me"}, "plain"),
        ({"username": "me", "password_command": ["get"]}, "plain"),
        ({"username": "me", "auth": "plain"}, "plain"),
        ({"username": "me", "auth": "xoauth2"}, "xoauth2"),
        ({"auth": "none"}, "none"),
    ],
)
def test_a_username_means_a_password_where_the_file_says_nothing_else(settings: dict[str, Any], sign_in: str) -> None:
    assert mail(**settings).mail.sign_in == sign_in
    assert server_of(mail(**settings)).auth == sign_in


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"auth": "plain"}, 'auth = "plain" needs a username'),
        ({"auth": "xoauth2"}, 'auth = "xoauth2" needs a username'),
        ({"auth": "none", "username": "me"}, "take out username and password_command, or auth"),
        ({"auth": "none", "password_command": ["get"]}, "take out username and password_command, or auth"),
        ({"password_command": ["get"]}, "password_command needs a username"),
        ({"username": "me", "password_command": [""]}, "the first a program"),
        ({"username": "me", "password_command": ["get", "a\0b"]}, "the first a program"),
        ({"username": "me", "password_command": "get token"}, "valid list"),
        ({"username": "me", "auth": "oauth"}, "'plain', 'xoauth2' or 'none'"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_with_place_and_remedy(
    settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigRefused) as refused:
        mail(**settings)
    assert "config.toml [mail]" in str(refused.value)
    assert words in str(refused.value)


def test_the_token_comes_from_the_environment_and_a_command_goes_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EHS_SMTP_PASSWORD", TOKEN)
    given = {"username": MAILBOX, "auth": "xoauth2"}
    from_environment = server_of(mail(**given))
    assert (from_environment.password, from_environment.password_command) == (TOKEN, ())
    from_command = server_of(mail(**given, password_command=["get", "it"]))
    assert (from_command.password, from_command.password_command) == ("", ("get", "it"))
