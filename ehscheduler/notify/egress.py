"""The way out to the web: to hosts that are named, at public addresses, by TLS, within a hard deadline.

An address is looked up once, and what was checked is what is connected to: a name that answers otherwise a moment later
leads nowhere else. Redirects are not followed, and the environment's proxies are not believed. A webhook's address is a
secret: no fault and no answer shows it.
"""

import http.client
import io
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from ehscheduler.notify.channel import Kind
from ehscheduler.notify.watchdog import Address, Watchdog, is_loopback, reach_address, resolve

READ_AT_MOST = 64 * 1024
"""So much of an answer is read, its headers included."""
PORTS = {"https": 443, "http": 80}
HOST = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
TUNNEL, BUSY = re.compile(rb"HTTP/1\.[01] 2\d\d\b"), re.compile(rb"HTTP/1\.[01] 5\d\d\b")
TUNNEL_ANSWER = 8192
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for IPv4 ones behind a translator."""

LookUp = Callable[[str, int, float], list[Address]]


class NoAnswer(Exception):
    """No answer came, or none that is taken; `kind` says what that means for the attempt."""

    def __init__(self, kind: Kind, words: str) -> None:
        self.kind: Kind = kind
        super().__init__(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How this machine reaches the web: a proxy, one more authority to trust, further hosts that may be spoken to.

    What is in `also_allow`, as "host" or "host:port", is the council's own and may have a private address.
    """

    proxy: str = ""
    ca_file: Path | None = None
    also_allow: tuple[str, ...] = ()
    look_up: LookUp = field(default=resolve, compare=False)

    def own(self, host: str, port: int) -> bool:
        """Tell whether a host is one of the council's own."""
        named = {one.lower() for one in self.also_allow}
        return host in named or f"{host}:{port}" in named

    def faults(self) -> list[str]:
        """Say what is wrong with the proxy."""
        if not self.proxy:
            return []
        parts = _split(self.proxy)
        bare = parts is not None and parts.path in ("", "/") and "@" not in parts.netloc
        plain = parts is not None and parts.scheme == "http" and bool(parts.hostname) and bare
        return [] if plain else ["proxy in [egress] is not of the form http://host:port"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: the status, its headers in small letters, and its body, cut at the limit."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


def address_fault(url: str, reach: Reach, hosts: Sequence[str]) -> str | None:
    """Say why an address is not spoken to, without showing it; `hosts` are names, or "*.suffix"."""
    parts = _split(url)
    if parts is None or not parts.hostname:
        return "the address cannot be read; copy it whole"
    host, port = parts.hostname, parts.port or PORTS.get(parts.scheme, 0)
    own = reach.own(host, port)
    if parts.username is not None or parts.password is not None:
        return "the address has a name or password in it; give one without"
    if parts.scheme != "https" and not (parts.scheme == "http" and own and is_loopback(host)):
        return "the address is not https"
    if not url.isascii() or not (HOST.fullmatch(host) or own) or (_is_number(host) and not own):
        return "the host in the address is not a plain name"
    if not own and (port != PORTS["https"] or not any(_fits(host, pattern) for pattern in hosts)):
        return (
            f"its host is none of {', '.join(hosts)}; where it is the council's own, add it to also_allow in [egress]"
        )
    return None


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 and url.isprintable() and " " not in url else None
    except ValueError:
        return None


def _is_number(host: str) -> bool:
    """Tell whether a host is a number in any of the ways that a resolver reads one: dotted, decimal, octal, hex."""
    return host.rpartition(".")[2].isdigit() or host.rpartition(".")[2].startswith("0x") or ":" in host


def _fits(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) and host != pattern[2:] if pattern.startswith("*.") else host == pattern


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the public internet, whatever it is wrapped in."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inside = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inside is None and ip in TRANSLATED:
            inside = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inside is not None:
            return is_public(str(inside))
    return ip.is_global and not ip.is_multicast


# ---- one exchange


def ask(
    watch: Watchdog,
    reach: Reach,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes | None = None,
    *,
    sent: Callable[[], object] = lambda: None,
) -> Answer:
    """Carry one request whose address was checked; `sent` is called once it has left whole. Raises NoAnswer."""
    left = False

    def gone() -> None:
        nonlocal left
        left = True
        sent()

    try:
        return _carried(watch, reach, method, urlsplit(url), headers, body, gone)
    except ssl.SSLCertVerificationError as fault:
        raise NoAnswer("misconfigured", f"its certificate is refused: {fault.verify_message}") from None
    except TooLong:
        words = f"its answer is longer than {READ_AT_MOST // 1024} KiB"
    except (OSError, http.client.HTTPException) as fault:
        late = isinstance(fault, TimeoutError) or watch.is_over()
        words = f"no answer within {watch.seconds:g} s" if late else fault_words(fault)
    raise NoAnswer("uncertain" if left and method == "POST" else "temporary", words) from None


def _carried(
    watch: Watchdog,
    reach: Reach,
    method: str,
    parts: SplitResult,
    headers: Mapping[str, str],
    body: bytes | None,
    sent: Callable[[], object],
) -> Answer:
    host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
    with closing(_connection(watch, reach, parts.scheme, host, port)) as connection:
        connection.settimeout(watch.left())
        speaks = http.client.HTTPConnection(host, port)
        speaks.response_class = Limited
        speaks.sock = connection
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        speaks.request(method, target, body, {**headers, "Accept-Encoding": "identity", "Connection": "close"})
        sent()
        with speaks.getresponse() as answer:
            if 300 <= answer.status < 400:
                raise NoAnswer("misconfigured", f"it answered {answer.status}, a redirect; none is followed")
            said = answer.read(READ_AT_MOST)
            if watch.is_over():
                raise TimeoutError
            if answer.length and len(said) < READ_AT_MOST:
                raise ConnectionError  # it ended before all of it had come
            return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, said)


def _connection(watch: Watchdog, reach: Reach, scheme: str, host: str, port: int) -> socket.socket:
    own = reach.own(host, port)
    through = urlsplit(reach.proxy) if reach.proxy and not own else None
    if through:
        # The proxy looks the name up itself; its own address is what config says, private or not.
        places = reach.look_up(str(through.hostname), through.port or PORTS["http"], watch.left())
    else:
        places = reach.look_up(host, port, watch.left())
        if not own and not all(is_public(str(place[0])) for _, place in places):
            raise NoAnswer("misconfigured", "its name leads to an address that is not public")
    connection = reach_address(places, watch)
    watch.watch(connection)
    try:
        connection.settimeout(watch.left())
        if through:
            _tunnel(connection, f"{host}:{port}")
        return _context(reach).wrap_socket(connection, server_hostname=host) if scheme == "https" else connection
    except BaseException:
        connection.close()
        raise


def _context(reach: Reach) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if reach.ca_file:
        try:
            context.load_verify_locations(str(reach.ca_file))
        except OSError as fault:
            words = f"ca_file in [egress], {reach.ca_file}, cannot be used: {fault.strerror or fault}"
            raise NoAnswer("misconfigured", words) from None
    return context


def _tunnel(connection: socket.socket, to: str) -> None:
    """Ask a proxy for a way through; byte by byte, for what follows its answer belongs to TLS."""
    connection.sendall(f"CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n\r\n".encode())
    said = b""
    while not said.endswith(b"\r\n\r\n"):
        more = connection.recv(1)
        if not more or len(said) > TUNNEL_ANSWER:
            raise ConnectionError
        said += more
    if BUSY.match(said):
        raise NoAnswer("temporary", "the proxy in [egress] does not reach it")
    if not TUNNEL.match(said):
        raise NoAnswer("misconfigured", "the proxy in [egress] lets nobody through to it")


class TooLong(OSError):
    """More came than is read of an answer."""


class _UpToTheLimit(io.RawIOBase):
    """What a server sends, up to a limit."""

    def __init__(self, sent: io.BufferedIOBase) -> None:
        self._sent = sent
        self._left = READ_AT_MOST

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer; raise TooLong where the limit is reached."""
        if not self._left:
            raise TooLong
        got = self._sent.read1(min(len(buffer), self._left))
        buffer[: len(got)] = got
        self._left -= len(got)
        return len(got)

    def close(self) -> None:
        self._sent.close()
        super().close()


class Limited(http.client.HTTPResponse):
    """An answer that ends at the limit: http.client itself bounds a header and their number, and not all of them."""

    def __init__(self, sock: socket.socket, *args: Any, **named: Any) -> None:
        super().__init__(sock, *args, **named)
        self.fp = io.BufferedReader(_UpToTheLimit(self.fp))


def fault_words(fault: Exception) -> str:
    """Say what went wrong, in words that hold nothing of the address."""
    match fault:
        case TooLong():
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
    return "it cannot be asked; give its address as a plain web address"
