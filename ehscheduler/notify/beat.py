"""One call to an address outside, which watches that we are alive: within a hard deadline, and followed nowhere."""

import http.client
import io
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ehscheduler.notify.watchdog import Watchdog, connect, is_loopback

READ_AT_MOST = 64 * 1024
"""So much of an answer is read, its headers included."""
PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Called:
    """What became of a call; `said` never holds the address, which is a secret."""

    ok: bool
    said: str


def address_faults(url: str) -> list[str]:
    """Say what is wrong with the address of a heartbeat, without showing it."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return ["the heartbeat's address cannot be read; give an https address"]
    if parts.scheme == "http" and host and is_loopback(host):
        return []
    if parts.scheme != "https" or not host:
        return ["the heartbeat's address is not https; http is allowed to this machine only"]
    if parts.username or parts.password:
        return ["the heartbeat's address has a name and password in it; give one without"]
    return []


def call(url: str, *, deadline: float, context: ssl.SSLContext | None = None) -> Called:
    """Call an address once with GET; any 2xx is well. Redirects are not followed, nor a proxy of the environment."""
    if faults := address_faults(url):
        return Called(False, faults[0])
    parts = urlsplit(url)
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    watch = Watchdog(deadline)
    try:
        with watch:
            return _called(parts.scheme, host, port, _target(parts.path, parts.query), watch, context)
    except (OSError, http.client.HTTPException, ValueError) as fault:
        late = isinstance(fault, TimeoutError) or watch.is_over()
        return Called(False, f"no answer within {deadline:g} s" if late else _said(fault))


def _target(path: str, query: str) -> str:
    return f"{path or '/'}{f'?{query}' if query else ''}"


class _TooLong(OSError):
    """More came than is read of an answer."""


class _Limited(io.RawIOBase):
    """What a server sends, up to a limit."""

    def __init__(self, sent: io.BufferedIOBase) -> None:
        self._sent = sent
        self._left = READ_AT_MOST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer; raise _TooLong where the limit is reached."""
        if not self._left:
            raise _TooLong
        got = self._sent.read1(min(len(buffer), self._left))
        buffer[: len(got)] = got
        self._left -= len(got)
        return len(got)

    def close(self) -> None:
        self._sent.close()
        super().close()


class _Answer(http.client.HTTPResponse):
    """An answer that ends at the limit: http.client itself bounds a header and their number, and not all of them."""

    def __init__(self, sock: socket.socket, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self.fp = io.BufferedReader(_Limited(self.fp))


def _said(fault: Exception) -> str:
    """Say what went wrong, in words that hold nothing of the address."""
    match fault:
        case _TooLong():
            return f"it answered with more than {READ_AT_MOST // 1024} KiB of headers"
        case ssl.SSLError():
            return "no secure connection could be made: its certificate or its TLS is not accepted"
        case socket.gaierror():
            return "its name could not be looked up"
        case http.client.RemoteDisconnected() | ConnectionError():
            return "it hung up without an answer"
        case OSError():
            return "it could not be reached"
        case http.client.HTTPException():
            return "its answer cannot be read"
    return "its address cannot be asked for; write it as a plain web address"


def _called(scheme: str, host: str, port: int, target: str, watch: Watchdog, context: ssl.SSLContext | None) -> Called:
    connection = connect(host, port, watch, within=watch.left(), loopback_only=scheme == "http")
    watch.watch(connection)
    with connection:
        connection.settimeout(watch.left())
        speaks = http.client.HTTPConnection(host, port)
        speaks.response_class = _Answer
        if scheme == "https":
            made = (context or ssl.create_default_context()).wrap_socket(connection, server_hostname=host)
            speaks.sock = made
        else:
            speaks.sock = connection
        speaks.request("GET", target, headers={"User-Agent": "ehscheduler", "Connection": "close"})
        answer = speaks.getresponse()
        with suppress(_TooLong):  # of a body nothing is asked
            answer.read(READ_AT_MOST)
        if watch.is_over():
            raise TimeoutError
        return Called(200 <= answer.status < 300, f"it answered {answer.status}")
