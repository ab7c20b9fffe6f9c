"""One call to an address outside, which watches that we are alive: within a hard deadline, and followed nowhere."""

import http.client
import ssl
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from ehscheduler.notify.egress import PORTS, READ_AT_MOST, Limited, TooLong, fault_words
from ehscheduler.notify.watchdog import Watchdog, connect, is_loopback


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
        return Called(False, f"no answer within {deadline:g} s" if late else fault_words(fault))


def _target(path: str, query: str) -> str:
    return f"{path or '/'}{f'?{query}' if query else ''}"


def _called(scheme: str, host: str, port: int, target: str, watch: Watchdog, context: ssl.SSLContext | None) -> Called:
    connection = connect(host, port, watch, within=watch.left(), loopback_only=scheme == "http")
    watch.watch(connection)
    with connection:
        connection.settimeout(watch.left())
        speaks = http.client.HTTPConnection(host, port)
        speaks.response_class = Limited
        if scheme == "https":
            made = (context or ssl.create_default_context()).wrap_socket(connection, server_hostname=host)
            speaks.sock = made
        else:
            speaks.sock = connection
        speaks.request("GET", target, headers={"User-Agent": "ehscheduler", "Connection": "close"})
        answer = speaks.getresponse()
        with suppress(TooLong):  # of a body nothing is asked
            answer.read(READ_AT_MOST)
        if watch.is_over():
            raise TimeoutError
        return Called(200 <= answer.status < 300, f"it answered {answer.status}")
