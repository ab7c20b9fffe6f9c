"""The faults of a mail server that the tables of `test_script` leave out, by the row of the fault matrix."""

import socket
import time
from collections.abc import Iterator, Mapping
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import Envelope, Session
from certificates import Certificates
from notify_samples import MESSAGE_ID, raw_message
from scripted_server import GOOD, Act, ScriptedServer

from ehscheduler.notify.channel import Outcome
from ehscheduler.notify.relay import Server
from ehscheduler.notify.smtp import Mailer

TO = "worker.example@council.example"
SENDER = "early.help@council.example"
STAGES = ("greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "dot")
OPENING = STAGES[:4]
Script = Mapping[str, Act | list[Act]]


def relay(server: ScriptedServer, certificates: Certificates, **changes: Any) -> Server:
    fields = {
        "host": "localhost",
        "port": server.port,
        "envelope_from": SENDER,
        "username": "early-help",
        "password": "correct horse",
        "ca_file": certificates.ca,
    }
    return Server(**(fields | changes))


def clear(port: int, **changes: Any) -> Server:
    return Server(host="127.0.0.1", port=port, envelope_from=SENDER, security="none", **changes)


def send(mailer: Any, raw: bytes | None = None, deadline: float = 20) -> Outcome:
    outcome = mailer.send(raw or raw_message(TO), to=TO, message_id=MESSAGE_ID, deadline=deadline)
    assert isinstance(outcome, Outcome)
    return outcome


def twice(script: Script, certificates: Certificates) -> tuple[list[Outcome], ScriptedServer]:
    with ScriptedServer(script, certificates.server("good")) as server:
        mailer = Mailer(relay(server, certificates))
        return [send(mailer), send(mailer)], server


def test_f_10_a_black_hole_is_left_after_the_time_for_connecting_and_not_after_the_whole_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:  # a full queue answers nobody
        waiting = [socket.socket() for _ in range(4)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
        start = time.monotonic()
        outcome = send(Mailer(clear(listener.getsockname()[1], connect_within=0.3)), deadline=30)
        assert time.monotonic() - start < 2
        for one in waiting:
            one.close()
    assert (outcome.kind, outcome.about, outcome.stage) == ("temporary", "channel", "connect")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("code", [b"450 4.2.0", b"451 4.7.1"])
def test_f_11_what_is_greylisted_first_is_accepted_at_the_second_try(
    stage: str, code: bytes, certificates: Certificates
) -> None:
    outcomes, server = twice({stage: [code + b" greylisted, come again\r\n", GOOD[stage]]}, certificates)
    assert [each.kind for each in outcomes] == ["temporary", "accepted"]
    assert len(server.messages) == (2 if stage == "dot" else 1)  # of two, the server refused the first


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("code", [421, 452, 454])
def test_f_12_throttling_at_any_stage_is_temporary_and_a_421_is_the_channel_s(
    stage: str, code: int, certificates: Certificates
) -> None:
    [first, second], server = twice({stage: [b"%d 4.3.2 not so fast\r\n" % code, GOOD[stage]]}, certificates)
    assert (first.kind, first.code, second.kind) == ("temporary", code, "accepted")
    assert (first.about == "channel") == (code == 421 or stage in OPENING)
    assert server.connections == 2


class Throttling:
    """Takes two messages a connection, and closes down at the third."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    async def handle_MAIL(self, server: Any, session: Session, envelope: Envelope, address: str, options: Any) -> str:
        session.count = getattr(session, "count", 0) + 1  # type: ignore[attr-defined]
        if session.count > 2:  # type: ignore[attr-defined]
            return "421 4.7.28 too many messages on this connection"
        envelope.mail_from = address
        return "250 fine"

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.taken.append(envelope.content)
        return "250 2.0.0 queued"


class OnFreePort(Controller):
    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def throttling() -> Iterator[OnFreePort]:
    controller = OnFreePort(Throttling(), hostname="127.0.0.1", port=0, ready_timeout=10)
    controller.start()
    yield controller
    controller.stop()


def test_f_12_of_a_batch_that_is_throttled_nothing_is_lost_and_nothing_doubled(throttling: OnFreePort) -> None:
    bodies = [raw_message(TO) + b"%d\r\n" % each for each in range(7)]
    left, rounds = list(bodies), 0
    while left and rounds < 10:
        rounds += 1
        with Mailer(clear(throttling.port)).session() as batch:
            left = [raw for raw in left if send(batch, raw).kind != "accepted"]
    assert sorted(throttling.handler.taken) == sorted(bodies)


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "dot"])
@pytest.mark.parametrize(
    "words", [b"550 5.1.1 unknown", b"550 5.1.10 unknown", b"553 5.1.3 bad", b"550 5.2.1 disabled"]
)
def test_f_13_an_address_that_is_unknown_is_final_at_whatever_stage_it_is_said(
    stage: str, words: bytes, certificates: Certificates
) -> None:
    [outcome, _], _ = twice({stage: words + b"\r\n"}, certificates)
    assert (outcome.kind, outcome.about) == ("permanent", "address")


@pytest.mark.parametrize("stage", ["DATA", "dot"])
@pytest.mark.parametrize("words", [b"552 5.3.4 too big", b"554 5.7.1 spam", b"554 no", b"552 no", b"550 5.7.1 policy"])
def test_f_14_a_filter_s_refusal_is_final_for_that_message_and_the_next_one_goes(
    stage: str, words: bytes, certificates: Certificates
) -> None:
    [first, second], _ = twice({stage: [words + b"\r\n", GOOD[stage]]}, certificates)
    assert (first.kind, first.about, second.kind) == ("permanent", "message", "accepted")


@pytest.mark.parametrize("stage", ["AUTH", "MAIL", "RCPT", "DATA", "dot"])
@pytest.mark.parametrize("code", [b"535", b"550"])
def test_f_15_password_sign_in_switched_off_pauses_the_channel_wherever_it_is_said_and_goes_on_once_mended(
    stage: str, code: bytes, certificates: Certificates
) -> None:
    [first, second], _ = twice({stage: [code + b" 5.7.30 Basic auth is off\r\n", GOOD[stage]]}, certificates)
    assert (first.kind, first.about, second.kind) == ("misconfigured", "channel", "accepted")
    assert 'set auth = "xoauth2" in [mail]' in first.answer


def test_f_16_a_handshake_behind_starttls_that_hangs_is_left_at_the_deadline(certificates: Certificates) -> None:
    with ScriptedServer({"STARTTLS": b"220 yes\r\n"}, certificates.server("good")) as server:  # and no TLS follows
        start = time.monotonic()
        outcome = send(Mailer(relay(server, certificates)), deadline=0.4)
        assert time.monotonic() - start < 1.5
    assert (outcome.kind, outcome.about, outcome.stage) == ("temporary", "channel", "TLS")


def test_f_16_a_server_that_hangs_between_two_messages_costs_one_deadline_and_no_message() -> None:
    with ScriptedServer({"RSET": "hang"}) as server, Mailer(clear(server.port)).session() as batch:
        start = time.monotonic()
        outcomes = [send(batch), send(batch, deadline=0.4), send(batch)]
        assert time.monotonic() - start < 2
        assert [each.kind for each in outcomes] == ["accepted", "temporary", "accepted"]
        assert len(server.messages) == 2


@pytest.mark.parametrize("stage", [each for each in STAGES if each != "STARTTLS"])
def test_f_17_whole_lines_of_a_reply_that_never_ends_are_left_at_the_deadline(stage: str) -> None:
    hello = {"EHLO": b"250-test\r\n250 AUTH PLAIN\r\n"}
    with ScriptedServer(hello | {stage: "drip"}, drip_every=0.05, drip=b"250-more\r\n") as server:
        start = time.monotonic()
        outcome = send(Mailer(clear(server.port, username="me", password="p")), deadline=0.4)
        assert time.monotonic() - start < 1.5
    assert outcome.kind == ("uncertain" if stage == "dot" else "temporary")
    assert outcome.answer == "not done within 0.4 s"


def test_f_18_what_was_cut_off_behind_the_dot_goes_again_as_the_same_message(certificates: Certificates) -> None:
    outcomes, server = twice({"dot": ["drop", GOOD["dot"]]}, certificates)
    assert [each.kind for each in outcomes] == ["uncertain", "accepted"]
    first, second = server.messages
    assert first == second
    assert message_from_bytes(first, policy=default)["message-id"] == MESSAGE_ID


@pytest.mark.parametrize("end", ["drop", "hang", "drip", b"421 4.4.2 gone\r\n", b"nonsense\r\n", b"554 no\r\n"])
def test_f_19_what_was_accepted_stays_accepted_however_the_connection_ends(
    end: Act, certificates: Certificates
) -> None:
    with ScriptedServer({"QUIT": end}, certificates.server("good")) as server:
        start = time.monotonic()
        assert send(Mailer(relay(server, certificates))).kind == "accepted"
        assert time.monotonic() - start < 3
        assert len(server.messages) == 1


NO_STARTTLS = b"250-test\r\n250 AUTH PLAIN LOGIN\r\n"


@pytest.mark.parametrize(
    "script",
    [
        {"EHLO": NO_STARTTLS},
        {"STARTTLS": b"454 4.7.0 not now\r\n"},
        {"STARTTLS": b"502 5.5.1 what\r\n"},
        {"STARTTLS": b"250 fine\r\n"},
        {"STARTTLS": "drop"},
        {"EHLO": b"502 5.5.1 what\r\n"},
    ],
    ids=["not offered", "not now", "unknown", "an odd yes", "drop", "no EHLO"],
)
def test_f_20_without_tls_neither_a_sign_in_nor_an_address_is_said(script: Script, certificates: Certificates) -> None:
    with ScriptedServer(script, certificates.server("good")) as server:
        outcome = send(Mailer(relay(server, certificates)))
        assert {said.split()[0].upper() for said in server.commands} <= {"EHLO", "STARTTLS", "QUIT"}
    assert outcome.kind in {"misconfigured", "temporary"}
    assert outcome.about == "channel"


@pytest.mark.parametrize("certificate", ["expired", "other-host", "stranger"])
def test_f_20_behind_a_wrong_certificate_nothing_is_said(certificate: str, certificates: Certificates) -> None:
    with ScriptedServer({}, certificates.server(certificate)) as server:
        outcome = send(Mailer(relay(server, certificates)))
        assert [said.split()[0].upper() for said in server.commands] == ["EHLO", "STARTTLS"]
    assert (outcome.kind, outcome.stage) == ("misconfigured", "TLS")


def test_f_20_what_was_slipped_in_before_tls_is_not_taken_for_an_answer_within_it(certificates: Certificates) -> None:
    slipped = GOOD["STARTTLS"] + b"250-slipped\r\n250-AUTH LOGIN\r\n250 SIZE 1\r\n"
    with ScriptedServer({"STARTTLS": slipped}, certificates.server("good")) as server:
        outcome = send(Mailer(relay(server, certificates)))
        assert outcome.kind == "accepted"
        assert "AUTH LOGIN" not in server.commands


@pytest.mark.parametrize("stage", STAGES)
def test_f_21_a_server_s_words_are_kept_as_one_short_line_of_plain_letters(
    stage: str, certificates: Certificates
) -> None:
    hostile = b"-\x1b[31m\xe2\x80\xae<script>\x00\t" + b"CANARY " * 200 + b"\r\n550 5.0.0 X-Trap: 1\r\n"
    [outcome, _], _ = twice({stage: b"550" + hostile}, certificates)
    assert outcome.answer.isascii()
    assert outcome.answer.isprintable()
    assert len(outcome.answer) <= 300


def test_f_21_the_content_that_arrives_is_the_content_that_was_sent_byte_by_byte(throttling: OnFreePort) -> None:
    raw = raw_message(TO) + b".\r\n..\r\n.hidden\r\nFrom me\r\nSubject: not a header\r\n.\r\nQUIT\r\n"
    assert send(Mailer(clear(throttling.port)), raw).kind == "accepted"
    assert throttling.handler.taken == [raw]


def test_f_22_a_message_of_one_mebibyte_arrives_whole(throttling: OnFreePort) -> None:
    raw = raw_message(TO) + (b"x" * 76 + b"\r\n") * 13_500
    assert len(raw) > 1 << 20
    assert send(Mailer(clear(throttling.port)), raw).kind == "accepted"
    assert throttling.handler.taken == [raw]


def test_f_22_the_server_hears_the_size_first_and_its_limit_is_final_for_that_message() -> None:
    script: Script = {"EHLO": b"250-test\r\n250 SIZE 1000\r\n", "MAIL": b"552 5.3.4 over the limit\r\n"}
    with ScriptedServer(script) as server:
        outcome = send(Mailer(clear(server.port)))
        assert server.commands[1] == f"MAIL FROM:<{SENDER}> SIZE={len(raw_message(TO))}"
        assert "DATA" not in server.commands
    assert (outcome.kind, outcome.about) == ("permanent", "message")


def test_f_22_smtputf8_is_not_asked_for_and_an_address_that_needs_it_is_refused_before_it_leaves() -> None:
    with ScriptedServer({"EHLO": b"250-test\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"}) as server:
        assert send(Mailer(clear(server.port))).kind == "accepted"
        assert not [said for said in server.commands if "UTF8" in said or "BODY=" in said]
        to = "zoë@council.example"
        raw = raw_message(TO).replace(TO.encode(), to.encode())
        outcome = Mailer(clear(server.port)).send(raw, to=to, message_id=MESSAGE_ID)
        assert (outcome.kind, outcome.stage) == ("permanent", "check")
        assert server.connections == 1


def test_f_22_no_line_of_a_message_is_longer_than_a_server_must_take() -> None:
    raw = raw_message(TO)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
