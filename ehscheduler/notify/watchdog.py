"""A hard wall-clock deadline over a whole exchange, and a connection made within it.

A socket's timeout is per operation: a server that sends one byte every 0.9 s holds a client with `timeout=1`
for ever. So a thread cuts the connection when the time is up.
"""

import contextlib
import ipaddress
import os
import queue
import socket
import threading
import time
from types import TracebackType
from typing import Any

Address = tuple[socket.AddressFamily, Any]
NEAR = 0.005


class Watchdog:
    """Cuts the connections it watches when its seconds are up; used as a context manager."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._cutting = False
        self._ends = time.monotonic() + seconds
        self._watched: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "Watchdog":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for watched in self._watched:
                watched.close()
            self._watched.clear()

    def left(self) -> float:
        """Give the seconds left, or raise `TimeoutError`."""
        if self.is_over():
            raise TimeoutError("the time is up")
        return self._ends - time.monotonic()

    def is_over(self) -> bool:
        """Say whether the time is up; a socket's own timeout may notice it a moment before the thread does."""
        return self._cutting or time.monotonic() > self._ends - NEAR

    def watch(self, connection: socket.socket) -> None:
        """Cut this connection too when the time is up.

        A duplicate is kept: it stays the same connection when TLS takes the socket over, and its number cannot
        be given to another file in the meantime.
        """
        with self._lock:
            number = os.dup(connection.fileno())  # a TLS socket has no dup() of its own
            self._watched.append(socket.socket(connection.family, connection.type, connection.proto, number))
        if self._cutting:
            self._cut()

    def _cut(self) -> None:
        self._cutting = True
        with self._lock:
            for watched in self._watched:
                with contextlib.suppress(OSError):
                    watched.shutdown(socket.SHUT_RDWR)


def resolve(host: str, port: int, seconds: float) -> list[Address]:
    """Look a host up within `seconds`, or raise `OSError`; the resolver itself knows no deadline."""
    answers: queue.SimpleQueue[list[Address] | OSError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put([(family, place) for family, _, _, _, place in found])
        except (OSError, UnicodeError) as fault:
            answers.put(fault if isinstance(fault, OSError) else OSError(str(fault)))

    threading.Thread(target=ask, daemon=True, name="look-up").start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError(f"looking up {host} took more than {seconds:.0f} s") from None
    if isinstance(answer, OSError):
        raise answer
    return answer


def is_loopback(host: str) -> bool:
    """Say whether a host or literal address is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def connect(host: str, port: int, watch: Watchdog, *, within: float, loopback_only: bool = False) -> socket.socket:
    """Connect to the first address that answers, all of them within `within` seconds, or raise `OSError`."""
    ends = time.monotonic() + min(within, watch.left())
    places = resolve(host, port, ends - time.monotonic())
    if loopback_only:
        places = [(family, place) for family, place in places if is_loopback(str(place[0]))]
        if not places:
            raise OSError(f"{host} port {port}: no address of this machine")
    return reach_address(places, watch, ends=ends, name=f"{host} port {port}")


def reach_address(
    places: list[Address], watch: Watchdog, *, ends: float | None = None, name: str = "it"
) -> socket.socket:
    """Connect to the first of these addresses that answers, by the instant `ends` and within the deadline."""
    faults: list[str] = []
    for family, place in places:
        left = min(watch.left(), (ends - time.monotonic()) if ends is not None else watch.left())
        if left <= 0:
            raise TimeoutError(f"{name} did not answer in time")
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(left)
            connection.connect(place)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection
        except OSError as fault:
            connection.close()
            faults.append(str(fault))
    raise OSError(f"{name}: {'; '.join(faults) or 'no address'}")
