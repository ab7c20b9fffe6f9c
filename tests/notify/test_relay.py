"""A real mail server on loopback: what it receives, and whose certificate we believe."""

import ssl
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session
from certificates import Certificates
from notify_samples import MESSAGE_ID, MESSAGES, raw_message
from scripted_server import ScriptedServer

from ehscheduler.notify.relay import Server, server_faults
from ehscheduler.notify.smtp import Mailer

TO = "worker.example@council.example"
SENDER = "early.help@council.example"


class Sink:
    """Keeps every envelope it is given."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, server: object, session: Session, envelope: Envelope) -> str:
        self.envelopes.append(envelope)
        return "250 2.0.0 queued"


class OnFreePort(Controller):
    """Listens where there is room, and knows where that is."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


def authenticate(server: object, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
    right = given == LoginPassword(b"early-help", b"correct horse")
    return AuthResult(success=right, handled=right)  # not handled: the server says 535


Start = Callable[..., tuple[Sink, int]]


@pytest.fixture
def start() -> Iterator[Start]:
    controllers = []

    def begin(**settings: Any) -> tuple[Sink, int]:
        controller = OnFreePort(Sink(), hostname="127.0.0.1", port=0, ready_timeout=10, **settings)
        controllers.append(controller)
        controller.start()
        return controller.handler, controller.port

    yield begin
    for controller in controllers:
        controller.stop()


def relay(at: int, ca: Path | None, **changes: Any) -> Server:
    fields = {"host": "localhost", "port": at, "envelope_from": SENDER, "ca_file": ca, "helo": "ehs.council.example"}
    return Server(**(fields | changes))


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_arrives_as_it_was_built_to_one_recipient(name: str, start: Start) -> None:
    sink, port = start()
    raw = raw_message(TO, name)
    outcome = Mailer(relay(port, None, security="none")).send(raw, to=TO, message_id=MESSAGE_ID)
    assert (outcome.kind, outcome.answer) == ("accepted", "2.0.0 queued")
    [envelope] = sink.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos, envelope.content) == (SENDER, [TO], raw)
    received = message_from_bytes(raw, policy=default)
    assert (received.get_all("to"), received.get_all("cc"), received.get_all("bcc")) == ([TO], None, None)
    assert received["message-id"] == MESSAGE_ID
    assert received["auto-submitted"] == "auto-generated"


def test_starttls_with_a_sign_in_carries_a_batch_over_one_connection(start: Start, certificates: Certificates) -> None:
    sink, port = start(
        tls_context=certificates.server("good"), require_starttls=True, authenticator=authenticate, auth_required=True
    )
    server = relay(port, certificates.ca, username="early-help", password="correct horse")
    with Mailer(server).session() as batch:
        kinds = [batch.send(raw_message(TO), to=TO, message_id=MESSAGE_ID).kind for _ in range(3)]
    assert kinds == ["accepted"] * 3
    assert len(sink.envelopes) == 3


def test_implicit_tls_carries_a_message(start: Start, certificates: Certificates) -> None:
    sink, port = start(**implicit(certificates, "good"))
    server = relay(port, certificates.ca, security="tls")
    assert Mailer(server).send(raw_message(TO), to=TO, message_id=MESSAGE_ID).kind == "accepted"
    assert len(sink.envelopes) == 1


def test_a_wrong_password_pauses_the_channel(start: Start, certificates: Certificates) -> None:
    sink, port = start(
        tls_context=certificates.server("good"), require_starttls=True, authenticator=authenticate, auth_required=True
    )
    server = relay(port, certificates.ca, username="early-help", password="wrong")
    outcome = Mailer(server).send(raw_message(TO), to=TO, message_id=MESSAGE_ID)
    assert (outcome.kind, outcome.code, outcome.stage) == ("misconfigured", 535, "AUTH")
    assert sink.envelopes == []


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize(
    ("certificate", "words"),
    [
        ("expired", "certificate has expired"),
        ("other-host", "Hostname mismatch"),
        ("stranger", "unable to get local issuer certificate"),
    ],
)
def test_a_certificate_that_is_not_the_server_s_own_is_refused(
    certificate: str, words: str, security: str, start: Start, certificates: Certificates
) -> None:
    settings = (
        {"tls_context": certificates.server(certificate), "require_starttls": True}
        if security == "starttls"
        else implicit(certificates, certificate)
    )
    sink, port = start(**settings)
    outcome = Mailer(relay(port, certificates.ca, security=security)).send(
        raw_message(TO), to=TO, message_id=MESSAGE_ID
    )
    assert (outcome.kind, outcome.about, outcome.stage) == ("misconfigured", "channel", "TLS")
    assert words in outcome.answer
    assert sink.envelopes == []


def test_an_old_tls_is_refused(certificates: Certificates) -> None:
    old = certificates.server("good")
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with ScriptedServer(tls=old) as server:
        outcome = Mailer(relay(server.port, certificates.ca)).send(raw_message(TO), to=TO, message_id=MESSAGE_ID)
        assert (outcome.kind, outcome.stage) == ("misconfigured", "TLS")
        assert server.commands[-1] == "STARTTLS"


def test_a_handshake_that_never_ends_is_left_at_the_deadline(certificates: Certificates) -> None:
    with ScriptedServer() as server:  # speaks in clear and waits, where TLS was to begin
        mailer = Mailer(relay(server.port, certificates.ca, security="tls"))
        server.script = {"greeting": "hang"}
        outcome = mailer.send(raw_message(TO), to=TO, message_id=MESSAGE_ID, deadline=0.3)
    assert (outcome.kind, outcome.stage, outcome.answer) == ("temporary", "TLS", "not done within 0.3 s")


def test_a_server_without_starttls_gets_nothing_in_clear(start: Start) -> None:
    sink, port = start()
    outcome = Mailer(relay(port, None)).send(raw_message(TO), to=TO, message_id=MESSAGE_ID)
    assert (outcome.kind, outcome.stage) == ("misconfigured", "STARTTLS")
    assert "nothing goes in clear" in outcome.answer
    assert sink.envelopes == []


def test_tls_to_a_server_that_speaks_in_clear_is_our_set_up_s_fault(start: Start, certificates: Certificates) -> None:
    _, port = start()
    outcome = Mailer(relay(port, certificates.ca, security="tls")).send(raw_message(TO), to=TO, message_id=MESSAGE_ID)
    assert (outcome.kind, outcome.stage) == ("misconfigured", "TLS")


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"], ids=["missing", "empty", "rubbish"])
def test_a_ca_file_that_cannot_be_read_is_named(
    content: bytes | None, tmp_path: Path, start: Start, certificates: Certificates
) -> None:
    _, port = start(tls_context=certificates.server("good"), require_starttls=True)
    ca = tmp_path / "ca.pem"
    if content is not None:
        ca.write_bytes(content)
    outcome = Mailer(relay(port, ca)).send(raw_message(TO), to=TO, message_id=MESSAGE_ID)
    assert (outcome.kind, outcome.stage) == ("misconfigured", "TLS")
    assert str(ca) in outcome.answer


def test_a_check_goes_as_far_as_the_sign_in_and_sends_nothing(start: Start, certificates: Certificates) -> None:
    sink, port = start(
        tls_context=certificates.server("good"), require_starttls=True, authenticator=authenticate, auth_required=True
    )
    right = relay(port, certificates.ca, username="early-help", password="correct horse")
    assert Mailer(right).check().kind == "accepted"
    assert Mailer(relay(port, certificates.ca, username="early-help", password="no")).check().kind == "misconfigured"
    assert sink.envelopes == []


@pytest.mark.parametrize(
    ("raw", "to", "message_id", "words"),
    [
        (raw_message(TO), "other.person@council.example", MESSAGE_ID, "not exactly the recipient"),
        (raw_message(TO), TO, "<another-one@ehs.council.example>", "not the one given"),
        (raw_message(TO), "a@b.example, c@d.example", MESSAGE_ID, "not one plain address"),
        (b"Cc: c@d.example\r\n" + raw_message(TO), TO, MESSAGE_ID, "Cc, Bcc or Resent"),
        (b"BCC: c@d.example\r\n" + raw_message(TO), TO, MESSAGE_ID, "Cc, Bcc or Resent"),
        (b"Cc : c@d.example\r\n" + raw_message(TO), TO, MESSAGE_ID, "header line"),
        (b"To: c@d.example\r\n" + raw_message(TO), TO, MESSAGE_ID, "not exactly the recipient"),
        (b"From: a@b.example\r\n\r\nnobody", TO, MESSAGE_ID, "not exactly the recipient"),
    ],
)
def test_bytes_for_anybody_else_do_not_leave(raw: bytes, to: str, message_id: str, words: str, start: Start) -> None:
    sink, port = start()
    outcome = Mailer(relay(port, None, security="none")).send(raw, to=to, message_id=message_id)
    assert outcome.kind == "permanent"
    assert words in outcome.answer
    assert sink.envelopes == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"security": "none", "host": "mail.council.example"}, "for this machine only"),
        ({"security": "none", "host": "192.0.2.1"}, "for this machine only"),
        ({"security": "ssl"}, "security is one of"),
        ({"host": ""}, "not a host name"),
        ({"host": "mail council"}, "not a host name"),
        ({"host": "mail.example\r\nRCPT"}, "not a host name"),
        ({"port": 0}, "not between 1 and 65535"),
        ({"port": 70000}, "not between 1 and 65535"),
        ({"username": "early-help"}, "password is not set"),
        ({"envelope_from": "a@b.example>\r\nRCPT TO:<c@d.example"}, "envelope_from"),
        ({"helo": "x\r\nMAIL"}, "helo"),
    ],
)
def test_settings_that_cannot_work_are_named_and_nothing_is_tried(changes: dict[str, Any], words: str) -> None:
    server = relay(2525, None, **changes)
    assert any(words in fault for fault in server_faults(server))
    outcome = Mailer(server).send(raw_message(TO), to=TO, message_id=MESSAGE_ID)
    assert (outcome.kind, outcome.about, outcome.stage) == ("misconfigured", "channel", "config")
    assert words in outcome.answer


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.9.9.9", "::1"])
def test_clear_text_is_allowed_to_this_machine(host: str) -> None:
    assert server_faults(relay(25, None, host=host, security="none")) == []


def test_an_empty_return_path_is_allowed(start: Start) -> None:
    sink, port = start()
    server = relay(port, None, security="none", envelope_from="")
    assert Mailer(server).send(raw_message(TO), to=TO, message_id=MESSAGE_ID).kind == "accepted"
    assert sink.envelopes[0].mail_from == "<>"


def test_a_host_without_an_address_is_temporary() -> None:
    server = Server(host="no-such-host.invalid", port=25, envelope_from=SENDER)
    outcome = Mailer(server).send(raw_message(TO), to=TO, message_id=MESSAGE_ID, deadline=5)
    assert (outcome.kind, outcome.about, outcome.stage) == ("temporary", "channel", "connect")


def implicit(certificates: Certificates, name: str) -> dict[str, Any]:
    return {"ssl_context": certificates.server(name)}
