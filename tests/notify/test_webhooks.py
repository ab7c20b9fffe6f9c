"""Slack and Teams by webhook, against scripted servers: rows F-30 to F-36, and what never shows."""

import json
import logging
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
from certificates import Certificates
from govuk_server import GovukServer, answer

from ehscheduler.notify.channel import Outcome
from ehscheduler.notify.egress import Reach, address_fault, is_public
from ehscheduler.notify.secret import Secret
from ehscheduler.notify.webhooks import SLACK_HOSTS, TEAMS_BYTES, TEAMS_HOSTS, Slack, Teams, Webhook, retry_after

CANARY = "T0CANARY00/B0CANARY00/canarycanarycanary"
BODY = json.dumps({"text": "1 past its date", "blocks": []}).encode()
OK = answer(200, b"ok")
TAKEN = answer(202, b"")


def hook(kind: type[Webhook], server: GovukServer, reach: Reach | None = None) -> Webhook:
    """Make a channel for a server on this machine, which is the council's own."""
    place = server.url.partition("//")[2]
    own = Reach(also_allow=(place,), ca_file=reach.ca_file if reach else None)
    return kind("chat:north", Secret(f"{server.url}/services/{CANARY}"), own, pause=lambda seconds: None)


def send(to: Webhook, body: bytes = BODY, deadline: float = 1.0) -> Outcome:
    return to.send(body, to="chat:north", message_id="<one@council.example>", deadline=deadline)


@pytest.fixture(params=[Slack, Teams], ids=["slack", "teams"])
def kind(request: pytest.FixtureRequest) -> type[Webhook]:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture(autouse=True)
def nothing_shows(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    caplog.set_level(logging.DEBUG)
    yield
    assert "canary" not in caplog.text.lower()


def said(outcome: Outcome) -> tuple[str, str]:
    assert "canary" not in str(outcome).lower()
    return outcome.kind, outcome.about


# ---- what is a yes


def test_slack_posts_when_it_says_ok_and_teams_takes_it_without_a_word() -> None:
    with GovukServer(post=OK) as server:
        outcome = send(hook(Slack, server))
        assert (outcome.kind, outcome.answer) == ("accepted", "ok")
        assert json.loads(server.asked[0].body) == json.loads(BODY)
    with GovukServer(post=TAKEN) as server:
        outcome = send(hook(Teams, server))
        assert (outcome.kind, outcome.answer) == ("accepted", "202: taken by Teams, posting not confirmed")
        assert server.asked[0].body == BODY


@pytest.mark.parametrize(
    ("kind_", "reply", "expected"),
    [
        (Slack, answer(200, b"no_service"), ("misconfigured", "channel")),
        (Slack, answer(200, b"invalid_payload"), ("permanent", "message")),
        (Slack, answer(200, b"<html>Sign in</html>"), ("misconfigured", "channel")),
        (Slack, answer(400, b"invalid_blocks"), ("permanent", "message")),
        (Slack, answer(400, b"user_not_found"), ("misconfigured", "channel")),
        (Teams, answer(200, b"<html>Sign in</html>"), ("misconfigured", "channel")),
        (Teams, answer(413, b""), ("permanent", "message")),
    ],
)
def test_a_yes_that_is_none_and_whose_fault_it_is(
    kind_: type[Webhook], reply: bytes, expected: tuple[str, str]
) -> None:
    with GovukServer(post=reply) as server:
        assert said(send(hook(kind_, server))) == expected


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_webhook_that_is_gone_is_for_the_operator(kind: type[Webhook], status: int) -> None:
    with GovukServer(post=answer(status, f"no such hook {CANARY}".encode())) as server:
        outcome = send(hook(kind, server))
        assert said(outcome) == ("misconfigured", "channel")
        assert str(status) in outcome.answer


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_in_trouble_is_tried_again_later(kind: type[Webhook], status: int) -> None:
    with GovukServer(post=answer(status, b"oops")) as server:
        assert said(send(hook(kind, server))) == ("temporary", "channel")


# ---- how fast


def test_slacks_own_handlers_try_again_within_the_time() -> None:
    with GovukServer(post=[answer(500, b"oops"), OK]) as server:
        assert send(hook(Slack, server), deadline=10).kind == "accepted"
        assert len(server.asked) == 2
    with GovukServer(post=[answer(429, b"", "Retry-After: 1"), OK]) as server:
        assert send(hook(Slack, server), deadline=10).kind == "accepted"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Retry-After: 120", 120.0),
        ("Retry-After: 315360000", 3600.0),
        ("Retry-After: -5", None),
        ("Retry-After: soon", None),
        ("X-Other: 1", None),
        ("Retry-After: Mon, 22 Jun 2026 09:30:00 GMT\r\nDate: Mon, 22 Jun 2026 09:00:00 GMT", 1800.0),
        ("Retry-After: Mon, 22 Jun 2026 08:30:00 GMT\r\nDate: Mon, 22 Jun 2026 09:00:00 GMT", None),
    ],
)
def test_what_the_other_side_asks_to_wait_is_kept_up_to_an_hour(
    kind: type[Webhook], header: str, seconds: float | None
) -> None:
    with GovukServer(post=answer(429, b"slow down", header)) as server:
        started = time.monotonic()
        outcome = send(hook(kind, server))
        assert (said(outcome), outcome.retry_after) == (("temporary", "channel"), seconds)
        assert time.monotonic() - started < 1.5


def test_one_message_a_second_goes_by_one_webhook() -> None:
    waited: list[float] = []
    with GovukServer(post=OK) as server:
        one = hook(Slack, server)
        one._pause, one._clock = waited.append, lambda: 100.0
        for _ in range(3):
            send(one)
    assert waited == [0.0, 1.0, 1.0]


# ---- no end


@pytest.mark.parametrize("act", ["hang", "drip", "drop", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no"])
def test_no_send_outlives_its_deadline_and_what_may_have_been_taken_is_uncertain(kind: type[Webhook], act: Any) -> None:
    with GovukServer(post=act) as server:
        started = time.monotonic()
        outcome = send(hook(kind, server), deadline=0.5)
        assert time.monotonic() - started < 1.5
        assert said(outcome) == ("uncertain", "channel")


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, b"x" * 200_000),
        b"HTTP/1.1 200 OK\r\n" + b"X-Much: " + b"y" * 60_000 + b"\r\n" + b"X-More: " + b"z" * 60_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"4000\r\n" + b"a" * 0x4000 + b"\r\n" * 1 + b"",
        answer(200, b"\x1f\x8b" + b"\x00" * 50, "Content-Encoding: gzip"),
    ],
    ids=["body", "headers", "chunks", "gzip"],
)
def test_at_most_64_kib_are_read_and_nothing_is_unpacked(kind: type[Webhook], reply: bytes) -> None:
    with GovukServer(post=reply) as server:
        assert send(hook(kind, server), deadline=0.7).kind in ("uncertain", "misconfigured", "accepted")
        headers = {name.lower(): value for name, value in server.asked[0].headers.items()}
        assert headers["accept-encoding"] == "identity"


def test_too_much_for_teams_is_not_sent() -> None:
    with GovukServer(post=TAKEN) as server:
        assert said(send(hook(Teams, server), b"x" * (TEAMS_BYTES + 1))) == ("permanent", "message")
        assert server.asked == []


# ---- where to


def test_a_redirect_is_not_followed(kind: type[Webhook]) -> None:
    with GovukServer(post=OK) as inside:
        with GovukServer(post=answer(302, b"", f"Location: {inside.url}/")) as server:
            assert said(send(hook(kind, server))) == ("misconfigured", "channel")
        assert inside.connections == 0


@pytest.mark.parametrize("name", ["expired", "other-host", "stranger"])
def test_a_certificate_that_is_not_its_own_is_refused(
    kind: type[Webhook], name: str, certificates: Certificates
) -> None:
    with GovukServer(post=OK, tls=certificates.server(name)) as server:
        outcome = send(hook(kind, server, Reach(ca_file=certificates.ca)))
        assert said(outcome) == ("misconfigured", "channel")
        assert "certificate" in outcome.answer
        assert server.asked == []


PRIVATE = [
    "10.1.2.3", "127.0.0.1", "169.254.169.254", "192.168.0.1", "172.16.9.9", "100.64.0.1", "0.0.0.0", "224.0.0.1",  # noqa: S104
]  # fmt: skip
WRAPPED = ["::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "2002:0a00:0001::", "64:ff9b::a00:1", "ff02::1", "::"]


@pytest.mark.parametrize("place", [*PRIVATE, *WRAPPED])
def test_a_name_that_leads_to_a_private_address_is_not_spoken_to(place: str) -> None:
    asked: list[str] = []

    def look_up(host: str, port: int, seconds: float) -> Any:
        asked.append(host)
        family = socket.AF_INET6 if ":" in place else socket.AF_INET
        return [(socket.AF_INET, ("93.184.216.34", 443)), (family, (place, 443))]

    slack = Slack("chat:x", Secret(f"https://hooks.slack.com/services/{CANARY}"), Reach(look_up=look_up))
    outcome = send(slack)
    assert (outcome.kind, outcome.answer) == ("misconfigured", "its name leads to an address that is not public")
    assert asked == ["hooks.slack.com"]  # once: what was checked is what would be connected to
    assert not is_public(place)


@pytest.mark.parametrize("place", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::5db8:d822"])
def test_a_public_address_is_one(place: str) -> None:
    assert is_public(place)


SSRF = [
    "http://hooks.slack.com/x", "ftp://hooks.slack.com/x", "file:///etc/passwd", "gopher://hooks.slack.com/_x",
    "", "hooks.slack.com/services", "https://", "https:///x", "https://[::1]/", "https://[::ffff:127.0.0.1]/x",
    "//hooks.slack.com/x", "https://127.0.0.1/x", "https://127.1/x", "https://2130706433/x",
    "https://0x7f000001/x", "https://0x7f.1/x", "https://017700000001/x", "https://0177.0.0.1/x",
    "https://localhost/x", "https://localhost.localdomain/x", "https://10.0.0.1/x", "https://192.168.1.1/x",
    "https://172.16.0.1/x", "https://169.254.169.254/latest/meta-data", "https://metadata.google.internal/x",
    "https://100.100.100.200/x", "https://0/x", "https://0.0.0.0/x", "https://hooks.slack.com@evil.example/x",
    "https://evil.example#hooks.slack.com", "https://evil.example?hooks.slack.com",
    "https://hooks.slack.com.evil.example/x", "https://evilhooks.slack.com/x", "https://hooks-slack.com/x",
    "https://hooks.slack.com:8443/x", "https://hooks.slack.com:22/x", "https://hooks.slack.com:0/x",
    "https://user:pass@hooks.slack.com/x", "https://hooks.slack.com\\@evil.example/x",
    "https://hooks.slack.com%2eevil.example/x", "https://hooks.slack.com\n.evil.example/x",
    "https://hooks.slack.com /x", "https://hооks.slack.com/x", "https://ｈooks.slack.com/x",
    "https://hooks。slack。com/x", "https://hooks.slack.com\t/x", "https://hooks.slack.com\x00.evil/x",
    "https://[fe80::1%25eth0]/x", "https://hooks.slack.com:443:443/x", "https://hooks.slack.com:port/x",
    "https://.slack.com/x", "https://*.slack.com/x", "https://logic.azure.com/x",
    "https://evil.example/hooks.slack.com", "https://xn--hoks-0tb.slack.com/x", "javascript:alert(1)",
    "data:text/plain,x", "https://hooks.slack.com:99999/x", "https://hooks.slack.com:-1/x",
    "https://①②⑦.⓪.⓪.①/x",
]  # fmt: skip


@pytest.mark.parametrize("url", SSRF)
def test_an_address_that_leads_elsewhere_is_refused_without_being_shown(url: str) -> None:
    fault = address_fault(url, Reach(), SLACK_HOSTS)
    assert fault is not None
    assert len(SSRF) == 60
    assert "evil" not in fault


def test_the_hosts_of_both_are_taken_and_a_councils_own_where_it_is_named() -> None:
    assert address_fault("https://hooks.slack.com/services/T/B/x", Reach(), SLACK_HOSTS) is None
    assert address_fault("https://prod-1.uksouth.logic.azure.com:443/workflows/x?sig=y", Reach(), TEAMS_HOSTS) is None
    own = Reach(also_allow=("hooks.council.example",))
    assert address_fault("https://hooks.council.example:8443/x", own, SLACK_HOSTS) is None
    assert address_fault("https://hooks.council.example/x", Reach(), SLACK_HOSTS) is not None


def test_a_webhook_without_an_address_says_what_to_do(kind: type[Webhook]) -> None:
    outcome = send(kind("chat:north", Secret(""), Reach()))
    assert (outcome.kind, outcome.stage) == ("misconfigured", "config")
    assert "put it into the variable or file" in outcome.answer


def test_a_retry_after_is_read_in_both_forms() -> None:
    assert retry_after({"retry-after": "7"}) == 7.0
    assert retry_after({}) is None
