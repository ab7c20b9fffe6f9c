"""A mail relay: its settings, the conversation with it, and what its refusals mean."""

import contextlib
import re
import smtplib
import socket
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ehscheduler.address import address_fault
from ehscheduler.notify.channel import About, Kind, answer_words
from ehscheduler.notify.signing_in import Auth, secret_fault
from ehscheduler.notify.watchdog import is_loopback

Security = Literal["starttls", "tls", "none"]
CONNECT_WITHIN = 10.0
REPLY_LINES = 100
REPLY_LENGTH = 2048
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?|::1")
CODE = re.compile(rb"[2-5][0-9]{2}(?=[ \r\n-])")
ENHANCED = re.compile(r"5\.(\d{1,3})\.(\d{1,3})\b")
SIGN_IN_CODES = frozenset({530, 534, 535, 538})
SIGN_IN_DETAILS = frozenset({"8", "9", "30", "57", "139"})  # of 5.7.x, as Exchange gives them
CHANNEL_STAGES = frozenset({"connect", "greeting", "EHLO", "STARTTLS", "TLS", "AUTH", "RSET"})
AFTER_DOT = "after the final dot"


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A mail relay, as config names it, and how we sign in to it; nothing secret of it is ever shown.

    `password` is the password, or the OAuth2 token where `auth` is "xoauth2"; where there is a `password_command`
    that prints it, it is asked anew for each connection.
    """

    host: str
    port: int
    envelope_from: str
    security: Security = "starttls"
    auth: Auth = "plain"
    username: str = ""
    password: str = field(default="", repr=False)
    password_command: tuple[str, ...] = field(default=(), repr=False)
    ca_file: Path | None = None
    helo: str = ""
    connect_within: float = CONNECT_WITHIN

    @property
    def signs_in(self) -> bool:
        return bool(self.username) and self.auth != "none"


def server_faults(server: Server) -> list[str]:
    """Say what is wrong with a relay's settings, for whoever reads config."""
    checks = (
        (not HOST.fullmatch(server.host), f"host {server.host!r} is not a host name or address"),
        (not 0 < server.port < 65536, f"port {server.port} is not between 1 and 65535"),
        (server.security not in {"starttls", "tls", "none"}, 'security is one of "starttls", "tls" or "none"'),
        (
            server.security == "none" and not is_loopback(server.host),
            f'security "none" is for this machine only, and {server.host} is not; use "starttls" or "tls"',
        ),
        (
            bool(server.envelope_from) and address_fault(server.envelope_from) is not None,
            "envelope_from is not one plain address",
        ),
        (bool(server.helo) and not HOST.fullmatch(server.helo), "helo is not a host name"),
    )
    return [fault for holds, fault in checks if holds] + _sign_in_faults(server)


def _sign_in_faults(server: Server) -> list[str]:
    if server.auth not in {"plain", "xoauth2", "none"}:
        return ['auth is one of "plain", "xoauth2" or "none"']
    if server.auth == "xoauth2" and not server.username:
        return ['auth "xoauth2" needs a username: the address of the mailbox that the token is for']
    if not server.signs_in:
        return []
    faults = [] if server.username.isprintable() else ["the username has a control character in it"]
    if not server.password_command:
        what = "OAuth2 token" if server.auth == "xoauth2" else "password"
        missing = (
            f"there is a username and its {what} is not set; put it into the environment variable that "
            "password_env names, or name a password_command that prints it"
        )
        fault = secret_fault(server.auth, server.password) if server.password else missing
        faults += [fault] if fault else []
    return faults


class Garbled(Exception):
    """The other side does not speak SMTP."""


class Link(smtplib.SMTP):
    """smtplib's conversation over a socket of ours, with replies of bounded length."""

    def __init__(self, connection: socket.socket, helo: str) -> None:
        super().__init__(local_hostname=helo)
        self.take_over(connection)

    def take_over(self, connection: socket.socket) -> None:
        """Go on over this socket, forgetting what was said or buffered before."""
        self.wire = self.sock = connection
        self.file = None
        self.helo_resp = self.ehlo_resp = None
        self.esmtp_features = {}
        self.does_esmtp = False

    def hang_up(self) -> None:
        """End the connection for both sides, also where a watchdog holds a duplicate of it."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.wire, socket.SHUT_RDWR)
        self.close()

    def getreply(self) -> tuple[int, bytes]:
        """Read one reply, or raise `Garbled`, or `OSError` if the connection ends."""
        if self.file is None:
            self.file = self.wire.makefile("rb")
        said: list[bytes] = []
        while len(said) < REPLY_LINES:
            line = self.file.readline(REPLY_LENGTH)
            if not line.endswith(b"\n"):
                raise ConnectionError("the connection ended") if len(line) < REPLY_LENGTH else Garbled("endless line")
            code = CODE.match(line)
            if code is None:
                raise Garbled(answer_words(line))
            said.append(line[4:].strip())
            if line[3:4] != b"-":
                return int(code[0]), b"\n".join(said)
        raise Garbled("an endless reply")


def judge(stage: str, code: int, words: str) -> tuple[Kind, About]:
    """Say what a refusal means: whose trouble it is, and whether to try again."""
    if 400 <= code < 500:
        if code == 421 or stage in CHANNEL_STAGES:
            return "temporary", "channel"
        return "temporary", "address" if stage == "RCPT" else "message"
    if not 500 <= code < 600:
        return ("uncertain" if stage == AFTER_DOT else "temporary"), "channel" if stage in CHANNEL_STAGES else "message"
    enhanced = ENHANCED.match(words)
    subject, detail = enhanced.groups() if enhanced else ("", "")
    if stage in CHANNEL_STAGES or code in SIGN_IN_CODES or (subject == "7" and detail in SIGN_IN_DETAILS):
        return "misconfigured", "channel"
    if stage == "MAIL":
        # All that differs from message to message at MAIL is the size; the sender is ours, from config.
        return ("permanent", "message") if code == 552 or subject == "3" else ("misconfigured", "channel")
    return "permanent", "address" if stage == "RCPT" or subject in {"1", "2"} else "message"
