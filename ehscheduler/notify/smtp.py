"""Mail by SMTP: one recipient a message, TLS or nothing, and a value for every way it can end."""

import contextlib
import re
import smtplib
import socket
import ssl
from collections.abc import Container, Iterator

from ehscheduler.notify.channel import DEADLINE, About, Kind, Outcome, answer_words
from ehscheduler.notify.mail import envelope_faults
from ehscheduler.notify.relay import AFTER_DOT, CHANNEL_STAGES, HOST, Garbled, Link, Server, judge, server_faults
from ehscheduler.notify.signing_in import (
    COMMAND_WITHIN,
    REFUSED,
    SWITCHED_OFF,
    NoSecret,
    ask,
    encoded,
    masked,
    plain,
    remedy_of,
    secret_fault,
    xoauth2,
)
from ehscheduler.notify.watchdog import Watchdog, connect

QUIT_WITHIN = 1.0


class _Ended(Exception):
    """The attempt is over; carries how."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        super().__init__(outcome.answer)


class _Session:
    """A connection to one relay, opened when first needed and shared by a batch."""

    name = "mail"

    def __init__(self, server: Server) -> None:
        self.server = server
        self._link: Link | None = None
        self._stage = "connect"
        self._secret = ""

    def session(self) -> contextlib.AbstractContextManager["_Session"]:
        """Give this session again."""
        return contextlib.nullcontext(self)

    def send(self, message: bytes, *, to: str, message_id: str, deadline: float = DEADLINE) -> Outcome:
        """Send one message to one recipient within `deadline` seconds, from connect to the server's last word."""
        faults = envelope_faults(message, to=to, message_id=message_id)
        if faults:
            return Outcome("permanent", f"not sent: {'; '.join(faults)}", stage="check")
        return self._within(deadline, message, to)

    def check(self, *, deadline: float = DEADLINE) -> Outcome:
        """Connect, secure and sign in, without sending anything."""
        return self._within(deadline, None, "")

    def close(self) -> None:
        """Say QUIT and hang up; what was accepted stays accepted whatever happens here."""
        if self._link is None:
            return
        try:
            with contextlib.suppress(OSError, smtplib.SMTPException, Garbled), Watchdog(QUIT_WITHIN) as watch:
                watch.watch(self._link.wire)
                self._link.docmd("QUIT")
        finally:
            self._drop()

    def _within(self, deadline: float, message: bytes | None, to: str) -> Outcome:
        faults = server_faults(self.server)
        if faults:
            return Outcome("misconfigured", "; ".join(faults), about="channel", stage="config")
        self._stage = "connect"
        watch = Watchdog(deadline)
        try:
            with watch:
                return self._try(watch, message, to)
        except _Ended as ended:
            return ended.outcome
        except (OSError, smtplib.SMTPException, Garbled, ValueError, RuntimeError) as fault:
            return self._broken(fault, watch)  # RuntimeError: no thread to be had for the watchdog

    def _try(self, watch: Watchdog, message: bytes | None, to: str) -> Outcome:
        if self._link is not None and not self._is_there(self._link, watch):
            self._drop()
        if self._link is None:
            self._secret = self._ask(watch)
            self._link = Link(self._connect(watch), self.server.helo or _own_name())
            self._open(self._link, watch)
        if message is None:
            return Outcome("accepted", "the server answered; nothing was sent", about="channel", stage=self._stage)
        return self._hand_over(self._link, watch, message, to)

    def _is_there(self, link: Link, watch: Watchdog) -> bool:
        """Ask a shared connection for a fresh start; a relay may have closed it while it was idle."""
        with contextlib.suppress(OSError, smtplib.SMTPException, Garbled, _Ended):
            watch.watch(link.wire)
            self._say(link, watch, "RSET", "RSET", wanted={250})
            return True
        return False

    def _ask(self, watch: Watchdog) -> str:
        """Get the password or token, before a relay is kept waiting for it; a token of an hour ago may be of no use."""
        server = self.server
        if not (server.signs_in and server.password_command):
            return server.password
        self._stage = "AUTH"
        try:
            secret = ask(server.password_command, min(COMMAND_WITHIN, watch.left()))
        except NoSecret as fault:
            raise _Ended(self._unfit("AUTH", str(fault))) from None
        if unfit := secret_fault(server.auth, secret):
            raise _Ended(self._unfit("AUTH", f"password_command printed what cannot be sent: {unfit}"))
        return secret

    def _connect(self, watch: Watchdog) -> socket.socket:
        server = self.server
        self._stage = "connect"
        local = server.security == "none"
        connection = connect(server.host, server.port, watch, within=server.connect_within, loopback_only=local)
        watch.watch(connection)
        return connection

    def _open(self, link: Link, watch: Watchdog) -> None:
        if self.server.security == "tls":
            self._secure(link, watch)
        self._hear(link, watch, "greeting", wanted={220})
        self._greet(link, watch)
        if self.server.security == "starttls":
            if not link.has_extn("starttls"):
                raise _Ended(self._unfit("STARTTLS", "the server offers no STARTTLS, and nothing goes in clear"))
            self._say(link, watch, "STARTTLS", "STARTTLS", wanted={220})
            self._secure(link, watch)
            self._greet(link, watch)
        if self.server.signs_in:
            self._sign_in(link, watch)

    def _greet(self, link: Link, watch: Watchdog) -> None:
        self._stage = "EHLO"
        link.wire.settimeout(watch.left())
        code, said = link.ehlo()
        if code != 250:
            raise _Ended(self._refused("EHLO", code, said))

    def _secure(self, link: Link, watch: Watchdog) -> None:
        """Take the connection into TLS, with the certificate and the host name verified."""
        self._stage = "TLS"
        try:
            context = ssl.create_default_context(cafile=str(self.server.ca_file) if self.server.ca_file else None)
        except OSError as fault:
            raise _Ended(self._unfit("TLS", f"the CA file {self.server.ca_file} cannot be used: {fault}")) from fault
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        link.wire.settimeout(watch.left())
        try:
            secured = context.wrap_socket(link.wire, server_hostname=self.server.host)
        except (ssl.SSLEOFError, ssl.SSLZeroReturnError) as fault:
            raise ConnectionError("the connection ended during the TLS handshake") from fault
        except ssl.SSLCertVerificationError as fault:
            raise _Ended(self._unfit("TLS", f"the server's certificate is refused: {fault.verify_message}")) from fault
        except ssl.SSLError as fault:
            raise _Ended(self._unfit("TLS", f"no TLS with this server: {fault.reason or fault}")) from fault
        link.take_over(secured)
        if secured.version() is None:  # wrapped after the connection was lost: no handshake took place
            raise ConnectionError("the connection ended before the TLS handshake")

    def _sign_in(self, link: Link, watch: Watchdog) -> None:
        offered = str(link.esmtp_features.get("auth", "")).upper().split()
        if self.server.auth == "xoauth2":
            self._sign_in_by_token(link, watch, offered)
        elif "PLAIN" in offered:
            self._say(link, watch, "AUTH", f"AUTH PLAIN {plain(self.server.username, self._secret)}", wanted={235})
        elif "LOGIN" in offered:
            self._say(link, watch, "AUTH", "AUTH LOGIN", wanted={334})
            self._say(link, watch, "AUTH", encoded(self.server.username), wanted={334})
            self._say(link, watch, "AUTH", encoded(self._secret), wanted={235})
        elif "XOAUTH2" in offered:
            raise _Ended(self._unfit("AUTH", f"the server offers no sign-in with a password: {SWITCHED_OFF}"))
        else:
            raise _Ended(self._unfit("AUTH", "the server offers neither of the sign-ins that we use, PLAIN and LOGIN"))

    def _sign_in_by_token(self, link: Link, watch: Watchdog, offered: list[str]) -> None:
        if "XOAUTH2" not in offered:
            raise _Ended(self._unfit("AUTH", f"the server offers no XOAUTH2, but {' '.join(offered) or 'no sign-in'}"))
        code, said = self._ask_and_hear(link, watch, f"AUTH XOAUTH2 {xoauth2(self.server.username, self._secret)}")
        if code == 334:
            # What is wrong comes as a challenge; the refusal itself comes once that is answered with an empty line.
            code, said = self._ask_and_hear(link, watch, "")
        if code == 334:
            raise _Ended(self._unfit("AUTH", REFUSED))
        if code != 235:
            raise _Ended(self._refused("AUTH", code, said))

    def _ask_and_hear(self, link: Link, watch: Watchdog, command: str) -> tuple[int, bytes]:
        self._stage = "AUTH"
        link.wire.settimeout(watch.left())
        link.putcmd(command)
        link.wire.settimeout(watch.left())
        return link.getreply()

    def _hand_over(self, link: Link, watch: Watchdog, message: bytes, to: str) -> Outcome:
        size = f" SIZE={len(message)}" if link.has_extn("size") else ""
        self._say(link, watch, "MAIL", f"MAIL FROM:<{self.server.envelope_from}>{size}", wanted={250})
        self._say(link, watch, "RCPT", f"RCPT TO:<{to}>", wanted={250, 251, 252})
        self._say(link, watch, "DATA", "DATA", wanted={354})
        self._stage = "content"
        link.wire.settimeout(watch.left())
        link.send(_stuffed(message))
        # The dot goes alone: if that fails, the server cannot have taken the message.
        link.send(b".\r\n")
        said = self._hear(link, watch, AFTER_DOT, wanted=range(200, 300))
        return Outcome("accepted", said, code=250, stage=AFTER_DOT)

    def _say(self, link: Link, watch: Watchdog, stage: str, command: str, *, wanted: Container[int]) -> str:
        self._stage = stage
        link.wire.settimeout(watch.left())
        link.putcmd(command)
        return self._hear(link, watch, stage, wanted=wanted)

    def _hear(self, link: Link, watch: Watchdog, stage: str, *, wanted: Container[int]) -> str:
        self._stage = stage
        link.wire.settimeout(watch.left())
        code, said = link.getreply()
        if code not in wanted:
            raise _Ended(self._refused(stage, code, said))
        return self._words(said)

    def _refused(self, stage: str, code: int, said: bytes) -> Outcome:
        words = self._words(said)
        kind, about = judge(stage, code, words)
        if kind == "misconfigured" and (remedy := remedy_of(self.server.auth, stage, words)):
            words = answer_words(f"{remedy}; the server said: {words}")
        if about == "channel" or not 400 <= code < 600:
            self._drop()
        return Outcome(kind, words, code=code, about=about, stage=stage)

    def _unfit(self, stage: str, words: str) -> Outcome:
        self._drop()
        return Outcome("misconfigured", answer_words(words), about="channel", stage=stage)

    def _broken(self, fault: Exception, watch: Watchdog) -> Outcome:
        self._drop()
        stage = self._stage
        words = f"not done within {watch.seconds:g} s" if watch.is_over() else str(fault) or type(fault).__name__
        about: About = "channel" if stage in CHANNEL_STAGES else "message"
        kind: Kind = "uncertain" if stage == AFTER_DOT else "temporary"
        return Outcome(kind, self._words(words), about=about, stage=stage)

    def _words(self, said: str | bytes) -> str:
        """Make the server's words safe to keep; one that quotes our sign-in back is not quoted by us."""
        words = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        return answer_words(masked(words, self.server.username, self._secret))

    def _drop(self) -> None:
        if self._link is not None:
            self._link.hang_up()
        self._link = None


class Mailer:
    """The mail channel: a relay, and a connection for each send or one for a batch."""

    name = "mail"

    def __init__(self, server: Server) -> None:
        self.server = server

    @contextlib.contextmanager
    def session(self) -> Iterator[_Session]:
        """Share one connection among a batch; it is opened at the first send, and again if the relay closes it."""
        shared = _Session(self.server)
        try:
            yield shared
        finally:
            shared.close()

    def send(self, message: bytes, *, to: str, message_id: str, deadline: float = DEADLINE) -> Outcome:
        """Send one message over a connection of its own."""
        with self.session() as session:
            return session.send(message, to=to, message_id=message_id, deadline=deadline)

    def check(self, *, deadline: float = DEADLINE) -> Outcome:
        """Connect, secure and sign in, without sending anything; for `doctor`."""
        with self.session() as session:
            return session.check(deadline=deadline)


def _stuffed(message: bytes) -> bytes:
    """Double the dot that begins a line, and end with a whole line."""
    whole = message if message.endswith(b"\r\n") else message + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", whole)


def _own_name() -> str:
    # Not getfqdn(): it asks the resolver, which knows no deadline.
    name = socket.gethostname()
    return name if HOST.fullmatch(name) else "localhost"
