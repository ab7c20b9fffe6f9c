"""How the client of GOV.UK Notify reaches the network: within a hard deadline, and nowhere but to Notify.

The client speaks through requests, whose timeout is per read, which follows redirects and believes the
environment's proxies. So it is given an adapter of ours, that carries one request over one watched connection.
"""

import http.client
import io
import re
import socket
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from ehscheduler.notify.beat import PORTS, READ_AT_MOST, _Answer, _TooLong
from ehscheduler.notify.channel import Kind
from ehscheduler.notify.watchdog import Watchdog, connect, is_loopback

NOTIFY = "https://api.notifications.service.gov.uk"
TUNNEL = re.compile(rb"HTTP/1\.[01] 2\d\d\b")
BUSY = re.compile(rb"HTTP/1\.[01] 5\d\d\b")
TUNNEL_ANSWER = 8192


class Broken(Exception):
    """No answer came, or none that is taken; says what that means for the attempt."""

    def __init__(self, kind: Kind, words: str) -> None:
        self.kind = kind
        super().__init__(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How this machine reaches the web: a proxy, one more authority to trust, further hosts that may be spoken to."""

    proxy: str = ""
    ca_file: Path | None = None
    also_allow: tuple[str, ...] = ()


def reach_faults(base_url: str, reach: Reach) -> list[str]:
    """Say what is wrong with where Notify is said to be, and the way to it."""
    host, scheme = _host_of(base_url)
    proxy, proxy_scheme = _host_of(reach.proxy) if reach.proxy else ("proxy", "http")
    here = scheme == "http" and is_loopback(host)
    allowed = {_host_of(NOTIFY)[0], *(name.lower() for name in reach.also_allow)}
    checks = (
        (not here and (scheme != "https" or not host), "the url of Notify is not a plain https address"),
        (
            scheme == "https" and bool(host) and host not in allowed and not is_loopback(host),
            f"{host} is not GOV.UK Notify; add it to also_allow in [egress] if it is yours",
        ),
        (proxy_scheme != "http" or not proxy, "proxy in [egress] is not of the form http://host:port"),
    )
    return [fault for holds, fault in checks if holds]


def _host_of(url: str) -> tuple[str, str]:
    """Return host and scheme of an address that is nothing but these and a port; else nothing."""
    try:
        parts = urlsplit(url)
        plain = not (parts.username or parts.password or parts.query or parts.fragment) and parts.path in {"", "/"}
        return (parts.hostname or "", parts.scheme) if plain and parts.port != 0 else ("", "")
    except ValueError:
        return "", ""


class Wire(BaseAdapter):
    """Carries the client's requests; `posted` says whether a POST left whole, so that it may have been taken."""

    def __init__(self, watch: Watchdog, reach: Reach) -> None:
        super().__init__()
        self.watch = watch
        self.reach = reach
        self.posting = self.posted = False
        self.bearer = ""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: object = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Carry one request, and return the answer, at most 64 KiB of it; raise Broken where there is none."""
        self.bearer = str(request.headers.get("Authorization", "")).removeprefix("Bearer ")
        self.posting = request.method == "POST"
        try:
            return self._carry(request)
        except ssl.SSLCertVerificationError as fault:
            raise Broken("misconfigured", f"its certificate is refused: {fault.verify_message}") from None
        except _TooLong:
            words = f"its answer is longer than {READ_AT_MOST // 1024} KiB"
        except (OSError, http.client.HTTPException) as fault:
            late = isinstance(fault, TimeoutError) or self.watch.is_over()
            words = f"no answer within {self.watch.seconds:g} s" if late else _said(fault)
        raise Broken("uncertain" if self.posted else "temporary", words) from None

    def close(self) -> None:
        """Nothing stays open between two requests."""

    def _carry(self, request: requests.PreparedRequest) -> requests.Response:
        parts = urlsplit(str(request.url))
        host, port = str(parts.hostname), parts.port or PORTS[parts.scheme]
        with closing(self._connection(parts.scheme, host, port)) as connection:
            connection.settimeout(self.watch.left())
            speaks = http.client.HTTPConnection(host, port)
            speaks.response_class = _Answer
            speaks.sock = connection
            headers = dict(request.headers) | {"Accept-Encoding": "identity", "Connection": "close"}
            body = request.body.encode() if isinstance(request.body, str) else None
            speaks.request(str(request.method), request.path_url, body, headers)
            self.posted = self.posting
            with speaks.getresponse() as answer:
                said = answer.read(READ_AT_MOST)
                if self.watch.is_over():
                    raise TimeoutError
                return _response(request, answer, said)

    def _connection(self, scheme: str, host: str, port: int) -> socket.socket:
        if scheme == "http":
            return self._watched(connect(host, port, self.watch, within=self.watch.left(), loopback_only=True))
        through = urlsplit(self.reach.proxy) if self.reach.proxy and not is_loopback(host) else None
        to = (str(through.hostname), through.port or PORTS["http"]) if through else (host, port)
        connection = self._watched(connect(*to, self.watch, within=self.watch.left()))
        try:
            connection.settimeout(self.watch.left())
            if through:
                _tunnel(connection, f"{host}:{port}")
            return self._context().wrap_socket(connection, server_hostname=host)
        except BaseException:
            connection.close()
            raise

    def _watched(self, connection: socket.socket) -> socket.socket:
        self.watch.watch(connection)
        return connection

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if self.reach.ca_file:
            try:
                context.load_verify_locations(str(self.reach.ca_file))
            except OSError as fault:
                words = f"ca_file in [egress], {self.reach.ca_file}, cannot be used: {fault.strerror or fault}"
                raise Broken("misconfigured", words) from None
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
        raise Broken("temporary", "the proxy in [egress] does not reach GOV.UK Notify")
    if not TUNNEL.match(said):
        raise Broken("misconfigured", "the proxy in [egress] lets nobody through to GOV.UK Notify")


def _response(request: requests.PreparedRequest, answer: http.client.HTTPResponse, said: bytes) -> requests.Response:
    if 300 <= answer.status < 400:
        raise Broken("misconfigured", f"it answered {answer.status}, a redirect; none is followed: is url right?")
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.getheaders())
    response.encoding = "utf-8"
    response.raw = io.BytesIO(said)
    response.url = str(request.url)
    response.request = request
    return response


def _said(fault: Exception) -> str:
    match fault:
        case ssl.SSLError():
            return "no secure connection could be made"
        case socket.gaierror():
            return "its name could not be looked up"
        case http.client.RemoteDisconnected() | ConnectionError():
            return "it hung up without an answer"
        case OSError():
            return "it could not be reached"
    return "its answer cannot be read"
