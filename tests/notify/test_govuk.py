"""Mail by way of GOV.UK Notify: what it is asked, what its answers mean, and what never shows."""

import json
import logging
import pickle
import re
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
from certificates import Certificates
from govuk_server import ID, NONE_YET, Act, GovukServer, answer, refusal

from ehscheduler.notify.channel import Channel, Outcome
from ehscheduler.notify.govuk import Notify, id_in
from ehscheduler.notify.govuk_wire import NOTIFY, Reach, reach_faults
from ehscheduler.notify.secret import Secret

TO = "worker.example@council.example"
MESSAGE_ID = "<c0ffee.1@ehs.council.example>"
SERVICE = "aaaaaaaa-0000-4000-8000-00000ca9a271"
HALF = "bbbbbbbb-1111-4111-8111-11111ca9a272"
KEY = f"early-help-{SERVICE}-{HALF}"
TEMPLATE = "f33517ff-2a88-4f6e-b855-c550268ce08a"
OTHER_ID = "11111111-2222-4333-8444-555555555555"
MESSAGE = json.dumps(
    {"email_address": TO, "subject": "Zoë: 2 to do this week", "body": "Line one\n\n= “two”"}, ensure_ascii=False
).encode()


def channel(server: GovukServer, **changes: Any) -> Notify:
    """Make the channel for a server on this machine, which is the council's own."""
    reach = changes.pop("reach", Reach())
    own = replace(reach, also_allow=(*reach.also_allow, urlsplit(server.url).netloc))
    return Notify(Secret(KEY), TEMPLATE, **({"base_url": server.url, "reach": own} | changes))


def send(to: Notify, message: bytes = MESSAGE, deadline: float = 10) -> Outcome:
    return to.send(message, to=TO, message_id=MESSAGE_ID, deadline=deadline)


def listed(**changes: str) -> bytes:
    one = {"id": ID, "reference": MESSAGE_ID, "email_address": TO, "status": "sending", "type": "email"}
    return answer(200, {"notifications": [one | changes], "links": {}})


def test_it_is_a_channel() -> None:
    one: Channel = Notify(Secret(KEY), TEMPLATE)
    with one.session() as shared:
        assert shared.name == "notify"


def test_a_message_goes_through_the_council_s_template_with_our_reference() -> None:
    with GovukServer() as server:
        outcome = send(channel(server))
        asked, sent = server.asked
    assert (outcome.kind, outcome.code, outcome.retry_after) == ("accepted", 201, None)
    assert id_in(outcome.answer) == ID
    assert (asked.method, asked.path) == ("GET", "/v2/notifications")
    assert asked.query == {"reference": [MESSAGE_ID], "template_type": ["email"]}
    assert (sent.method, sent.path) == ("POST", "/v2/notifications/email")
    assert json.loads(sent.body) == {
        "email_address": TO,
        "template_id": TEMPLATE,
        "personalisation": {"subject": "Zoë: 2 to do this week", "body": "Line one\n\n= “two”"},
        "reference": MESSAGE_ID,
    }
    assert sent.headers["accept-encoding"] == "identity"
    token = sent.headers["authorization"].removeprefix("Bearer ")
    assert jwt.decode(token, HALF, algorithms=["HS256"], options={"verify_iat": False})["iss"] == SERVICE


@pytest.mark.parametrize("status", ["created", "sending", "pending", "delivered", "permanent-failure", "a new one"])
def test_what_notify_has_already_is_accepted_and_not_sent_again(status: str) -> None:
    with GovukServer(get=listed(status=status)) as server:
        outcome = send(channel(server))
        assert server.posts() == []
    assert outcome.kind == "accepted"
    assert outcome.answer == f"GOV.UK Notify had taken it already; its id there is {ID}"


@pytest.mark.parametrize(
    "other",
    [
        {"email_address": "somebody.else@council.example"},
        {"reference": "<another@ehs.council.example>"},
        {"status": "technical-failure"},
        {"status": "temporary-failure"},
    ],
    ids=["another address", "another reference", "technical", "temporary"],
)
def test_what_is_not_this_message_or_what_notify_asks_to_send_again_is_sent(other: dict[str, str]) -> None:
    with GovukServer(get=listed(**other)) as server:
        assert id_in(send(channel(server)).answer) == ID
        assert len(server.posts()) == 1


def test_an_address_that_notify_wrote_in_small_letters_is_the_same() -> None:
    with GovukServer(get=listed(email_address=TO.upper())) as server:
        assert send(channel(server)).kind == "accepted"
        assert server.posts() == []


@pytest.mark.parametrize("cut", ["drop", "half", answer(201, b"{"), answer(201, {}), answer(200, b"<html>sign in")])
def test_after_a_cut_behind_the_send_the_next_attempt_finds_the_message_there(cut: Act) -> None:
    with GovukServer(get=[NONE_YET, listed()], post=cut) as server:
        outcomes = [send(channel(server)) for _ in range(2)]
        assert [each.kind for each in outcomes] == ["uncertain", "accepted"]
        assert len(server.posts()) == 1


BAD, INVALID = "BadRequestError", "ValidationError"
TEAM = "Can’t send to this recipient using a team-only API key"
TRIAL = "Can't send to this recipient when service is in trial mode - see https://www.example/trial-mode"


@pytest.mark.parametrize(
    ("said", "kind", "about", "words", "retry_after"),
    [
        (refusal(400, BAD, "Something else"), "permanent", "message", "Something else", None),
        (refusal(400, BAD, "Emails cannot be longer than 2000000 bytes."), "permanent", "message", "longer", None),
        (refusal(400, INVALID, "email_address Not a valid email address"), "permanent", "address", "Not a valid", None),
        (refusal(400, INVALID, "email_address is not a valid email address"), "permanent", "address", "valid", None),
        (refusal(400, BAD, TEAM), "misconfigured", "channel", "use a live key", None),
        (refusal(400, BAD, TRIAL), "misconfigured", "channel", "use a live key", None),
        (refusal(400, BAD, "Template not found"), "misconfigured", "channel", "((subject)) and ((body))", None),
        (refusal(400, BAD, "Missing personalisation: name"), "misconfigured", "channel", "((subject))", None),
        (refusal(400, BAD, ""), "permanent", "message", "BadRequestError", None),
        (answer(400, b"no JSON"), "permanent", "message", "Request failed", None),
        (refusal(401, "AuthError", "Unauthorized"), "misconfigured", "channel", "not revoked?", None),
        (refusal(403, "AuthError", "Invalid token: API key not found"), "misconfigured", "channel", "revoked?", None),
        (
            refusal(403, "AuthError", "Error: Your system clock must be accurate to within 30 seconds"),
            "misconfigured",
            "channel",
            "set this machine's clock",
            None,
        ),
        (refusal(404, "NoResultFound", "No result found"), "misconfigured", "channel", "is url right?", None),
        (answer(413, b"too large"), "permanent", "message", "too long", None),
        (refusal(429, "RateLimitError", "Exceeded rate limit for key type"), "temporary", "channel", "Exceeded", 60.0),
        (refusal(429, "TooManyRequestsError", "Exceeded send limits"), "temporary", "channel", "Exceeded", 3600.0),
        (answer(429, b""), "temporary", "channel", "Request failed", 60.0),
        (refusal(500, "Exception", "Internal server error"), "temporary", "channel", "Internal server error", None),
        (answer(502, b"<html>"), "temporary", "channel", "Request failed", None),
        (answer(503, {"message": "busy"}), "temporary", "channel", "busy", None),
        (answer(400, {"errors": "x"}), "permanent", "message", "x", None),
        (answer(400, {"errors": [7, None]}), "permanent", "message", "it answered 400", None),
        (answer(400, [1]), "permanent", "message", "Request failed", None),
        (answer(302, b"", "Location: http://127.0.0.1:9/"), "misconfigured", "channel", "a redirect", None),
        (answer(307, b"", "Location: https://elsewhere.example/"), "misconfigured", "channel", "a redirect", None),
    ],
)
@pytest.mark.parametrize("stage", ["asking for a repeat", "sending"])
def test_each_refusal_has_its_meaning_whichever_request_it_answers(
    stage: str, said: bytes, kind: str, about: str, words: str, retry_after: float | None
) -> None:
    with GovukServer(**({"post": said} if stage == "sending" else {"get": said})) as server:
        outcome = send(channel(server))
        assert len(server.posts()) == (1 if stage == "sending" else 0)
        assert server.connections <= 2
    assert (outcome.kind, outcome.about, outcome.stage) == (kind, about, stage)
    assert outcome.retry_after == retry_after
    assert words in outcome.answer


BODY = b"x" * 40_000
FLOOD = b"HTTP/1.1 201 Created\r\n" + b"X-More: more\r\n" * 60_000
ENDLESS = b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n" + b"9c40\r\n" + BODY + b"\r\n9c40\r\n" + BODY
DEEP = answer(504, b"[" * 60_000)
ZIPPED = answer(201, b"\x1f\x8b\x08\x00CANARY", "Content-Encoding: gzip")


@pytest.mark.parametrize(
    "act",
    [
        "drop",
        "half",
        "hang",
        "drip",
        FLOOD,
        ENDLESS,
        ZIPPED,
        DEEP,
        b"nonsense\r\n\r\n",
        b"HTTP/1.1 100 Go\r\n\r\n" * 5000,
    ],
    ids=["drop", "half", "hang", "drip", "headers", "chunks", "gzip", "deep", "nonsense", "100 for ever"],
)
@pytest.mark.parametrize(("stage", "kind"), [("sending", "uncertain"), ("asking for a repeat", "temporary")])
def test_a_broken_answer_ends_in_time_uncertain_only_where_the_message_left(stage: str, kind: str, act: Act) -> None:
    with GovukServer(**({"post": act} if stage == "sending" else {"get": act})) as server:
        start = time.monotonic()
        outcome = send(channel(server), deadline=0.6)
        assert time.monotonic() - start < 2
        assert len(server.posts()) == (1 if stage == "sending" else 0)
    assert (outcome.kind, outcome.about, outcome.stage) == (kind, "channel", stage)
    assert outcome.answer


@pytest.mark.parametrize(
    "long",
    [
        answer(200, {"notifications": [], "more": "x" * 70_000}),
        answer(200, {"notifications": []}, *["X-More: " + "x" * 30_000] * 3),
    ],
    ids=["body", "headers"],
)
def test_an_answer_longer_than_64_kib_is_left(long: bytes) -> None:
    with GovukServer(get=long) as server:
        assert send(channel(server)).answer == "its answer is longer than 64 KiB"
        assert server.posts() == []


def test_the_deadline_is_for_both_requests_together_and_never_more_than_15_seconds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with GovukServer(get=[NONE_YET], post="hang") as server:
        start = time.monotonic()
        assert send(channel(server), deadline=0.3).answer == "no answer within 0.3 s"
        assert time.monotonic() - start < 1.5
        monkeypatch.setattr("ehscheduler.notify.govuk.WEB_DEADLINE", 0.2)
        assert send(channel(server), deadline=600).answer == "no answer within 0.2 s"


def test_nobody_listening_is_temporary() -> None:
    with GovukServer() as server:
        gone = channel(server)
    outcome = send(gone)
    assert (outcome.kind, outcome.about) == ("temporary", "channel")


@pytest.mark.parametrize("certificate", ["expired", "other-host", "stranger"])
def test_a_certificate_that_is_not_notify_s_own_is_refused_before_anything_is_said(
    certificate: str, certificates: Certificates
) -> None:
    with GovukServer(tls=certificates.server(certificate)) as server:
        outcome = send(channel(server, reach=Reach(ca_file=certificates.ca)))
        assert server.asked == []
    assert (outcome.kind, outcome.about) == ("misconfigured", "channel")
    assert "certificate is refused" in outcome.answer


def test_a_council_s_own_authority_is_trusted_where_it_is_named(certificates: Certificates, tmp_path: Path) -> None:
    with GovukServer(tls=certificates.server("good")) as server:
        assert send(channel(server, reach=Reach(ca_file=certificates.ca))).kind == "accepted"
        assert "certificate is refused" in send(channel(server)).answer
        missing = send(channel(server, reach=Reach(ca_file=tmp_path / "none.pem")))
    assert missing.kind == "misconfigured"
    assert "none.pem" in missing.answer


def test_a_proxy_or_a_netrc_of_the_environment_is_not_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login a password b\n")
    with GovukServer() as trap, GovukServer() as server:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(name, trap.url)
        monkeypatch.setenv("NETRC", str(netrc))
        assert send(channel(server)).kind == "accepted"
        assert trap.connections == 0
        assert all(each.headers["authorization"].startswith("Bearer ") for each in server.asked)


@pytest.fixture
def proxy() -> Any:
    """A proxy that notes whom it is asked for, and answers as it is told; it leads nowhere."""
    asked: list[bytes] = []
    replies: list[bytes] = []

    def serve(listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(replies[0])

    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=serve, args=(listener,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked, replies
    listener.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    listener.close()


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (b"HTTP/1.1 407 Who\r\n\r\n", "misconfigured", "lets nobody through"),
        (b"HTTP/1.1 503 Not now\r\n\r\n", "temporary", "does not reach"),
        (b"HTTP/1.1 200 Through\r\n\r\n", "temporary", "no secure connection|hung up"),
        (b"HTTP/1.1 200 Thr", "temporary", "hung up"),
        (b"x" * 9000, "temporary", "hung up|could not be reached"),
    ],
)
def test_the_proxy_of_the_configuration_is_asked_for_notify_and_for_nothing_else(
    proxy: Any, reply: bytes, kind: str, words: str
) -> None:
    url, asked, replies = proxy
    replies.append(reply)
    outcome = send(Notify(Secret(KEY), TEMPLATE, reach=Reach(proxy=url)))
    assert asked[0].startswith(b"CONNECT api.notifications.service.gov.uk:443 HTTP/1.1\r\n")
    assert b"ca9a27" not in b"".join(asked)
    assert outcome.kind == kind
    assert re.search(words, outcome.answer)


@pytest.mark.parametrize(
    ("url", "reach", "words"),
    [
        ("http://api.notifications.service.gov.uk", Reach(), "the address is not https"),
        ("https://user:pw@api.notifications.service.gov.uk", Reach(), "not a plain https address"),
        ("https://api.notifications.service.gov.uk/?a=b", Reach(), "not a plain https address"),
        ("file:///etc/passwd", Reach(), "not a plain https address"),
        ("https://[", Reach(), "the address cannot be read"),
        ("", Reach(), "not a plain https address"),
        ("https://169.254.169.254", Reach(), "not a plain name"),
        ("https://notify.council.example", Reach(), "add it to also_allow in [egress]"),
        ("https://api.notifications.service.gov.uk.evil.example", Reach(), "its host is none of api.notifications"),
        (NOTIFY, Reach(proxy="proxy:3128"), "proxy in [egress]"),
        (NOTIFY, Reach(proxy="http://user:pw@proxy:3128"), "proxy in [egress]"),
    ],
)
def test_a_way_that_must_not_be_taken_is_named(url: str, reach: Reach, words: str) -> None:
    [fault] = reach_faults(url, reach)
    assert words in fault
    outcome = send(Notify(Secret(KEY), TEMPLATE, base_url=url, reach=reach))
    assert (outcome.kind, outcome.stage) == ("misconfigured", "config")
    assert words in outcome.answer


def test_ways_that_may_be_taken_have_no_fault() -> None:
    own = Reach(also_allow=("Notify.Council.example",), proxy="http://proxy.council.example:3128")
    assert reach_faults(NOTIFY, Reach()) == reach_faults("https://notify.council.example/", own) == []


@pytest.mark.parametrize(
    ("key", "template", "words"),
    [
        ("", TEMPLATE, "the key is not set"),
        ("CANARY-key", TEMPLATE, "none of GOV.UK Notify's"),
        (KEY[:-1], TEMPLATE, "none of GOV.UK Notify's"),
        (KEY, "", "template is not the id"),
        (KEY, "../../other", "template is not the id"),
    ],
)
def test_a_key_or_a_template_that_is_none_is_named_and_not_shown(key: str, template: str, words: str) -> None:
    with GovukServer() as server:
        outcome = send(Notify(Secret(key), template, base_url=server.url))
        assert server.connections == 0
    assert (outcome.kind, outcome.about, outcome.stage) == ("misconfigured", "channel", "config")
    assert words in outcome.answer
    assert not (key and key in outcome.answer)


GOOD = json.loads(MESSAGE)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (b"\xff", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not one of address, subject and body"),
        (json.dumps(GOOD | {"cc": "a@b.example"}).encode(), "not one of address, subject and body"),
        (json.dumps(GOOD | {"body": 7}).encode(), "not one of address, subject and body"),
        (json.dumps(GOOD | {"body": " "}).encode(), "no subject or no body"),
        (json.dumps(GOOD | {"email_address": "other@council.example"}).encode(), "not exactly the recipient"),
    ],
)
def test_a_message_that_is_not_for_exactly_this_recipient_does_not_leave(message: bytes, words: str) -> None:
    with GovukServer() as server:
        outcome = send(channel(server), message)
        assert server.connections == 0
    assert (outcome.kind, outcome.stage) == ("permanent", "check")
    assert words in outcome.answer


def echo() -> bytes:
    """Give a refusal that quotes the key back, whole and in its parts."""
    return refusal(403, "AuthError", f"Invalid token: {KEY} {SERVICE} {HALF} {HALF[3:30]}")


@pytest.mark.parametrize(
    "play",
    [
        lambda: GovukServer(),
        lambda: GovukServer(post=echo()),
        lambda: GovukServer(get=echo()),
        lambda: GovukServer(post="drop"),
        lambda: GovukServer(post=answer(500, b"[" * 60_000)),
    ],
)
def test_the_key_shows_in_no_log_no_answer_and_no_repr(
    play: Callable[[], GovukServer], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG), play() as server:
        one = channel(server)
        outcome = send(one)
        one.states([ID])
        tokens = [each.headers["authorization"].removeprefix("Bearer ") for each in server.asked]
    shown = "\n".join([caplog.text, str(outcome), repr(one), str(one), *capfd.readouterr(), str(one._key)])
    assert not [token for token in tokens if token in shown]
    assert "ca9a27" not in shown
    assert TO not in caplog.text
    assert caplog.text == ""


def test_a_token_that_is_quoted_back_is_blotted_out() -> None:
    class Parrot(GovukServer):
        def _act(self, method: str) -> Act:
            return refusal(403, "AuthError", f"Bad {self.asked[-1].headers['authorization']}")

    with Parrot() as server:
        assert send(channel(server)).answer.endswith("AuthError: Bad Bearer [secret]")


def test_a_secret_is_shown_by_nothing_and_written_nowhere() -> None:
    held = Secret("CANARY")
    assert held.reveal() == "CANARY"
    assert (bool(held), bool(Secret(""))) == (True, False)
    assert "CANARY" not in repr(held) + str(held) + f"{held}" + repr([held])
    with pytest.raises(TypeError):
        pickle.dumps(held)


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("created", "handed over"),
        ("sending", "handed over"),
        ("pending", "handed over"),
        ("sent", "handed over"),
        ("delivered", "delivered"),
        ("permanent-failure", "bounced"),
        ("temporary-failure", "refused"),
        ("technical-failure", "refused"),
        ("something new", None),
    ],
)
def test_each_state_has_our_word_and_delivered_is_said_only_after_notify(status: str, word: str | None) -> None:
    with GovukServer(get=answer(200, {"id": ID, "status": status})) as server:
        assert channel(server).states([ID]) == ({ID: word} if word else {})
        assert [each.path for each in server.asked] == [f"/v2/notifications/{ID}"]


@pytest.mark.parametrize(
    "said",
    [
        refusal(404, "NoResultFound", "No result found"),
        refusal(403, "AuthError", "Invalid token"),
        answer(200, b"no JSON"),
        answer(200, []),
        answer(200, {"id": OTHER_ID, "status": "delivered"}),
        answer(200, {"id": ID, "status": ["delivered"]}),
        answer(302, b"", "Location: /elsewhere"),
        "drop",
    ],
)
def test_a_state_that_cannot_be_had_is_left_out_and_the_next_is_asked(said: Act) -> None:
    good = answer(200, {"id": OTHER_ID, "status": "delivered"})
    with GovukServer(get=[said, good]) as server:
        assert channel(server).states([ID, OTHER_ID]) == {OTHER_ID: "delivered"}


def test_states_are_asked_of_ids_alone_and_within_one_deadline() -> None:
    with GovukServer(get="drip") as server:
        start = time.monotonic()
        assert channel(server).states(["../service", "", ID, OTHER_ID], deadline=0.4) == {}
        assert time.monotonic() - start < 2
        assert {each.path for each in server.asked} == {f"/v2/notifications/{ID}"}


def test_without_a_key_no_state_is_asked() -> None:
    with GovukServer() as server:
        assert Notify(Secret(""), TEMPLATE, base_url=server.url).states([ID]) == {}
        assert server.connections == 0
