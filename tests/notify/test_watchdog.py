"""Looking a host up, connecting, and cutting a connection, each within its time."""

import socket
import threading
import time

import pytest

from ehscheduler.notify import watchdog
from ehscheduler.notify.watchdog import Watchdog, connect, is_loopback, resolve


def test_a_resolver_that_never_answers_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def stall(*_: object, **__: object) -> list[object]:
        release.wait(10)
        return []

    monkeypatch.setattr(watchdog.socket, "getaddrinfo", stall)
    start = time.monotonic()
    with pytest.raises(TimeoutError, match=r"looking up mail\.council\.example"):
        resolve("mail.council.example", 25, 0.2)
    release.set()
    assert time.monotonic() - start < 2


def test_an_address_that_does_not_answer_gives_way_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as closed, Watchdog(5) as watch:
        closed.bind(("127.0.0.1", 0))
        places = [(socket.AF_INET, each.getsockname()) for each in (closed, listener)]
        monkeypatch.setattr(watchdog, "resolve", lambda *_: places)
        with connect("localhost", 25, watch, within=2) as connection:
            assert connection.getpeername() == listener.getsockname()


def test_clear_text_never_leaves_this_machine_whatever_the_name_resolves_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "resolve", lambda *_: [(socket.AF_INET, ("192.0.2.1", 25))])
    with Watchdog(5) as watch, pytest.raises(OSError, match="no address of this machine"):
        connect("localhost", 25, watch, within=2, loopback_only=True)


def test_a_black_hole_is_left_after_the_time_for_connecting() -> None:
    # A listener whose queue is full answers no further connection.
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = []
        for _ in range(4):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(listener.getsockname())
            waiting.append(one)
        start = time.monotonic()
        with Watchdog(30) as watch, pytest.raises(OSError, match=r"timed out|did not answer"):
            connect(*listener.getsockname(), watch, within=0.3)
        assert time.monotonic() - start < 2
        for one in waiting:
            one.close()


def test_a_watched_connection_is_cut_when_the_time_is_up() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Watchdog(0.1) as watch:
        watch.watch(ours)
        assert ours.recv(1) == b""
        assert watch.is_over()
        with pytest.raises(TimeoutError):
            watch.left()


def test_a_connection_watched_too_late_is_cut_at_once() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs, Watchdog(0.01) as watch:
        watch._timer.join(5)
        watch.watch(ours)
        assert ours.recv(1) == b""


def test_a_finished_watch_cuts_nothing() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        with Watchdog(0.05) as watch:
            watch.watch(ours)
        watch._timer.join(5)
        theirs.sendall(b"x")
        assert ours.recv(1) == b"x"


@pytest.mark.parametrize(
    ("host", "answer"),
    [
        ("localhost", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("127.0.0.1.example", False),
        ("localhost.council.example", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 (nothing is bound)
        ("192.0.2.1", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, answer: bool) -> None:
    assert is_loopback(host) == answer
