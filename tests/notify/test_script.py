"""Every way a mail server can fail, at every stage, each with the ending that we give it."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from certificates import Certificates
from notify_samples import MESSAGE_ID, raw_message
from scripted_server import GOOD, Act, ScriptedServer

from ehscheduler.notify.channel import Outcome
from ehscheduler.notify.relay import AFTER_DOT, Server, judge
from ehscheduler.notify.smtp import Mailer

TO = "worker.example@council.example"
DEADLINE = 2.0
LATE = 30.0
TEMPORARY_STAGES = ("greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA")


@dataclass(frozen=True)
class Ending:
    outcome: Outcome
    seconds: float
    messages: int


@dataclass(frozen=True)
class Row:
    script: Mapping[str, Act | list[Act]]
    kind: str
    about: str
    code: int | None = None
    deadline: float = LATE


ROWS: dict[str, Row] = {}
for _stage in TEMPORARY_STAGES:
    _about = {"MAIL": "message", "RCPT": "address", "DATA": "message"}.get(_stage, "channel")
    _broken = {"MAIL": "message", "RCPT": "message", "DATA": "message"}.get(_stage, "channel")
    ROWS[f"{_stage} refused for now"] = Row({_stage: b"450 4.2.0 later\r\n"}, "temporary", _about, 450)
    ROWS[f"{_stage} closing down"] = Row({_stage: b"421 4.3.2 closing\r\n"}, "temporary", "channel", 421)
    ROWS[f"{_stage} hangs"] = Row({_stage: "hang"}, "temporary", _broken, deadline=DEADLINE)
    ROWS[f"{_stage} one byte every 0.9 s"] = Row({_stage: "drip"}, "temporary", _broken, deadline=DEADLINE)
    ROWS[f"{_stage} drops"] = Row({_stage: "drop"}, "temporary", _broken)
    ROWS[f"{_stage} talks nonsense"] = Row({_stage: b"HTTP/1.1 400 Bad Request\r\n"}, "temporary", _broken)
for _stage in ("greeting", "EHLO", "STARTTLS"):
    ROWS[f"{_stage} refused"] = Row({_stage: b"554 5.7.1 go away\r\n"}, "misconfigured", "channel", 554)
ROWS |= {
    "AUTH refused": Row({"AUTH": b"535 5.7.8 wrong\r\n"}, "misconfigured", "channel", 535),
    "AUTH switched off": Row({"AUTH": b"550 5.7.30 basic sign-in is off\r\n"}, "misconfigured", "channel", 550),
    "MAIL wants a sign-in": Row({"MAIL": b"530 5.7.0 sign in first\r\n"}, "misconfigured", "channel", 530),
    "MAIL refuses our sender": Row({"MAIL": b"550 5.7.60 not your address\r\n"}, "misconfigured", "channel", 550),
    "MAIL finds it too big": Row({"MAIL": b"552 5.3.4 too big\r\n"}, "permanent", "message", 552),
    "RCPT unknown": Row({"RCPT": b"550 5.1.1 no such user\r\n"}, "permanent", "address", 550),
    "RCPT wants a sign-in": Row({"RCPT": b"530 5.7.57 not signed in\r\n"}, "misconfigured", "channel", 530),
    "RCPT greylisted": Row({"RCPT": b"451 4.7.1 greylisted\r\n"}, "temporary", "address", 451),
    "DATA refused": Row({"DATA": b"554 5.6.0 no\r\n"}, "permanent", "message", 554),
    "dot: the filter refuses": Row({"dot": b"554 5.7.1 spam\r\n"}, "permanent", "message", 554),
    "dot: too big": Row({"dot": b"552 5.3.4 too big\r\n"}, "permanent", "message", 552),
    "dot: the address is unknown after all": Row({"dot": b"550 5.1.10 no such user\r\n"}, "permanent", "address", 550),
    "dot: no room for now": Row({"dot": b"452 4.3.1 disk full\r\n"}, "temporary", "message", 452),
    "dot: closing down": Row({"dot": b"421 4.3.0 closing\r\n"}, "temporary", "channel", 421),
    "dot: hangs": Row({"dot": "hang"}, "uncertain", "message", deadline=DEADLINE),
    "dot: one byte every 0.9 s": Row({"dot": "drip"}, "uncertain", "message", deadline=DEADLINE),
    "dot: drops": Row({"dot": "drop"}, "uncertain", "message"),
    "dot: talks nonsense": Row({"dot": b"yes, fine\r\n"}, "uncertain", "message"),
    "dot: an odd yes": Row({"dot": b"354 go on\r\n"}, "uncertain", "message", 354),
    "dot: half a yes": Row({"dot": b"250"}, "uncertain", "message", deadline=DEADLINE),
    "QUIT refused": Row({"QUIT": b"554 no\r\n"}, "accepted", "message", 250),
    "QUIT hangs": Row({"QUIT": "hang"}, "accepted", "message", 250),
    "QUIT one byte every 0.9 s": Row({"QUIT": "drip"}, "accepted", "message", 250),
    "QUIT drops": Row({"QUIT": "drop"}, "accepted", "message", 250),
    "nothing wrong": Row({}, "accepted", "message", 250),
    "no STARTTLS offered": Row({"EHLO": b"250-test\r\n250 AUTH PLAIN\r\n"}, "misconfigured", "channel"),
    "no sign-in that we use": Row(
        {"EHLO": b"250-test\r\n250-AUTH GSSAPI\r\n250 STARTTLS\r\n"}, "misconfigured", "channel"
    ),
    "an endless line": Row({"greeting": b"220 " + b"x" * 9000 + b"\r\n"}, "temporary", "channel"),
    "an endless reply": Row({"EHLO": b"250-x\r\n" * 500}, "temporary", "channel"),
    "a reply code beyond all codes": Row({"MAIL": b"999 what\r\n"}, "temporary", "message"),
}


def relay(server: ScriptedServer, ca: Path, **changes: object) -> Server:
    fields: dict[str, object] = {
        "host": "localhost",
        "port": server.port,
        "envelope_from": "early.help@council.example",
        "username": "early-help",
        "password": "correct horse",
        "ca_file": ca,
    }
    return Server(**(fields | changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def endings(certificates: Certificates) -> Iterator[dict[str, Ending]]:
    """Play every row at the same time, so that what stalls costs one deadline in all."""

    def play(row: Row) -> Ending:
        with ScriptedServer(row.script, certificates.server("good")) as server:
            start = time.monotonic()
            mailer = Mailer(relay(server, certificates.ca))
            outcome = mailer.send(raw_message(TO), to=TO, message_id=MESSAGE_ID, deadline=row.deadline)
            return Ending(outcome, time.monotonic() - start, len(server.messages))

    with ThreadPoolExecutor(max_workers=len(ROWS)) as pool:
        yield dict(zip(ROWS, pool.map(play, ROWS.values()), strict=True))


@pytest.mark.parametrize("name", ROWS)
def test_each_fault_has_its_ending(name: str, endings: dict[str, Ending]) -> None:
    row, outcome = ROWS[name], endings[name].outcome
    assert (outcome.kind, outcome.about, outcome.code) == (row.kind, row.about, row.code), outcome
    assert outcome.answer
    assert len(outcome.answer) <= 300


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.deadline == DEADLINE])
def test_a_server_that_stalls_is_left_at_the_deadline_and_not_before(name: str, endings: dict[str, Ending]) -> None:
    assert DEADLINE - 0.1 <= endings[name].seconds < DEADLINE + 2
    assert "not done within 2 s" in endings[name].outcome.answer


def test_only_what_got_past_the_final_dot_reached_the_server(endings: dict[str, Ending]) -> None:
    reached = {name for name, ending in endings.items() if ending.messages}
    assert reached == {name for name in ROWS if name.startswith(("dot", "QUIT", "nothing"))}


@pytest.mark.parametrize(
    ("stage", "code", "words", "verdict"),
    [
        ("RCPT", 450, "4.2.1 busy", ("temporary", "address")),
        ("RCPT", 421, "4.3.2 closing", ("temporary", "channel")),
        ("RCPT", 553, "no such mailbox", ("permanent", "address")),
        ("RCPT", 554, "5.7.1 relay access denied", ("permanent", "address")),
        ("DATA", 554, "5.2.2 mailbox full", ("permanent", "address")),
        ("DATA", 503, "bad sequence", ("permanent", "message")),
        ("MAIL", 500, "what", ("misconfigured", "channel")),
        ("MAIL", 550, "5.3.4 too big", ("permanent", "message")),
        ("AUTH", 454, "4.7.0 later", ("temporary", "channel")),
        ("AUTH", 504, "unknown mechanism", ("misconfigured", "channel")),
        (AFTER_DOT, 530, "5.7.57 not signed in", ("misconfigured", "channel")),
        (AFTER_DOT, 550, "5.7.1 refused by policy", ("permanent", "message")),
        (AFTER_DOT, 451, "4.7.500 busy", ("temporary", "message")),
        (AFTER_DOT, 354, "go on", ("uncertain", "message")),
        ("DATA", 250, "fine", ("temporary", "message")),
    ],
)
def test_a_refusal_is_judged_by_stage_code_and_words(
    stage: str, code: int, words: str, verdict: tuple[str, str]
) -> None:
    assert judge(stage, code, words) == verdict


def test_a_server_that_reads_nothing_is_left_at_the_deadline() -> None:
    big = raw_message(TO) + b"x" * 70 + (b"\r\n" + b"x" * 76) * 200_000
    with ScriptedServer({"content": "hang"}) as server:
        mailer = Mailer(relay(server, None, security="none", username="", password=""))  # type: ignore[arg-type]
        start = time.monotonic()
        outcome = mailer.send(big, to=TO, message_id=MESSAGE_ID, deadline=0.5)
    assert (outcome.kind, outcome.stage) == ("temporary", "content")
    assert time.monotonic() - start < 3


def test_a_drop_while_the_content_is_on_its_way_never_counts_as_accepted() -> None:
    with ScriptedServer({"content": "drop"}) as server:
        outcome = Mailer(plain(server)).send(raw_message(TO), to=TO, message_id=MESSAGE_ID)
    # The kernel may have taken the dot before the news of the drop came: then nobody can tell.
    assert outcome.kind in {"temporary", "uncertain"}


def test_a_batch_shares_one_connection_and_a_refusal_does_not_spoil_the_next() -> None:
    with ScriptedServer({"RCPT": b"550 5.1.1 no\r\n"}) as server:
        with Mailer(plain(server)).session() as batch:
            kinds = [batch.send(raw_message(TO), to=TO, message_id=MESSAGE_ID).kind for _ in range(3)]
        assert kinds == ["permanent"] * 3
        assert server.connections == 1
        assert server.commands.count("RSET") == 2


@pytest.mark.parametrize(
    "act", ["drop", b"421 4.4.2 idle too long\r\n", b"nonsense\r\n"], ids=["drop", "421", "nonsense"]
)
def test_a_connection_that_died_between_two_messages_is_opened_again(act: Act) -> None:
    with ScriptedServer({"RSET": [act, GOOD["RSET"]]}) as server:
        with Mailer(plain(server)).session() as batch:
            kinds = [batch.send(raw_message(TO), to=TO, message_id=MESSAGE_ID).kind for _ in range(3)]
        assert kinds == ["accepted"] * 3
        assert (server.connections, len(server.messages)) == (2, 3)


def test_after_a_drop_behind_the_dot_the_batch_goes_on_with_a_new_connection() -> None:
    with ScriptedServer({"dot": ["drop", GOOD["dot"]]}) as server:
        with Mailer(plain(server)).session() as batch:
            kinds = [batch.send(raw_message(TO), to=TO, message_id=MESSAGE_ID).kind for _ in range(2)]
        assert kinds == ["uncertain", "accepted"]
        assert len(server.messages) == 2


def test_each_send_of_a_batch_has_its_own_deadline() -> None:
    with ScriptedServer({"dot": ["hang", "hang", GOOD["dot"]]}) as server:
        with Mailer(plain(server)).session() as batch:
            kinds = [batch.send(raw_message(TO), to=TO, message_id=MESSAGE_ID, deadline=0.3).kind for _ in range(2)]
            kinds.append(batch.send(raw_message(TO), to=TO, message_id=MESSAGE_ID, deadline=LATE).kind)
        assert kinds == ["uncertain", "uncertain", "accepted"]


def test_nobody_listening_is_temporary_and_the_channel_s_trouble() -> None:
    with ScriptedServer() as server:
        gone = plain(server)
    outcome = Mailer(gone).send(raw_message(TO), to=TO, message_id=MESSAGE_ID)
    assert (outcome.kind, outcome.about, outcome.stage) == ("temporary", "channel", "connect")


def test_a_password_that_the_server_quotes_back_is_not_kept(certificates: Certificates) -> None:
    script: dict[str, Act | list[Act]] = {
        "AUTH": b"535 bad: correct horse AGVhcmx5LWhlbHAAY29ycmVjdCBob3JzZQ== Y29ycmVjdCBob3JzZQ==\r\n"
    }
    with ScriptedServer(script, certificates.server("good")) as server:
        settings = relay(server, certificates.ca)
        outcome = Mailer(settings).send(raw_message(TO), to=TO, message_id=MESSAGE_ID)
        assert "AUTH PLAIN AGVhcmx5LWhlbHAAY29ycmVjdCBob3JzZQ==" in server.commands
    assert outcome.answer == "bad: [secret] [secret] [secret]"
    assert "horse" not in repr(settings)


def test_a_relay_without_plain_is_signed_in_to_by_login(certificates: Certificates) -> None:
    hello = b"250-test\r\n250-AUTH LOGIN\r\n250 STARTTLS\r\n"
    with ScriptedServer({"EHLO": hello, "AUTH": b"334 VXNlcm5hbWU6\r\n"}, certificates.server("good")) as server:
        outcome = Mailer(relay(server, certificates.ca, password="pässword")).check()
        assert server.commands[-3:] == ["AUTH LOGIN", "ZWFybHktaGVscA==", "cMOkc3N3b3Jk"]
    assert (outcome.kind, outcome.stage) == ("temporary", "AUTH")  # this server never says 235


def plain(server: ScriptedServer) -> Server:
    """Give a relay on this machine in clear, without a sign-in."""
    return Server(host="127.0.0.1", port=server.port, envelope_from="early.help@council.example", security="none")
