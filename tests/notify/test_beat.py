"""The call to a watch outside, against real servers on loopback: well, hanging, dripping, sending elsewhere."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from ehscheduler.notify.beat import Called, address_faults, call

SECRET = "the-secret-part"
Serve = Callable[[socket.socket], None]


@contextmanager
def serving(serve: Serve) -> Iterator[tuple[str, list[bytes]]]:
    """Serve on loopback until the end of the block; give the address, and what was asked."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            with suppress(OSError):  # the listening socket is closed
                while True:
                    connection, _ = listening.accept()
                    with connection, suppress(OSError):
                        asked.append(connection.recv(4096))
                        serve(connection)

        threading.Thread(target=run, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/{SECRET}?key={SECRET}", asked


def answering(head: bytes, body: bytes = b"") -> Serve:
    return lambda c: c.sendall(head + b"\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def timed(url: str, deadline: float = 0.5) -> tuple[Called, float]:
    begun = time.monotonic()
    return call(url, deadline=deadline), time.monotonic() - begun


@pytest.mark.parametrize(
    ("status", "ok"), [("200 OK", True), ("204 No Content", True), ("404 Not Found", False), ("500 Oops", False)]
)
def test_any_2xx_is_well_and_nothing_else(status: str, ok: bool) -> None:
    with serving(answering(b"HTTP/1.1 " + status.encode())) as (url, asked):
        assert call(url, deadline=5) == Called(ok, f"it answered {status[:3]}")
    assert asked[0].startswith(f"GET /{SECRET}?key={SECRET} HTTP/1.1\r\n".encode())


def test_a_redirect_is_not_followed() -> None:
    with serving(answering(b"HTTP/1.1 200 OK")) as (elsewhere, asked):
        moved = b"HTTP/1.1 302 Found\r\nLocation: " + elsewhere.encode()
        with serving(answering(moved)) as (url, _):
            assert call(url, deadline=5) == Called(False, "it answered 302")
    assert not asked


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(answering(b"HTTP/1.1 200 OK")) as (proxy, asked), serving(answering(b"HTTP/1.1 200 OK")) as (url, own):
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy)
        assert call(url, deadline=5).ok
    assert own
    assert not asked


def _hang(connection: socket.socket) -> None:
    connection.recv(1)  # until the other side gives up


def _drip_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for n in range(90):
        connection.sendall(b"X-%d: y\r\n" % n)
        time.sleep(0.05)


def _drip_body(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    for _ in range(90):
        connection.sendall(b"x")
        time.sleep(0.05)


def _continue_for_ever(connection: socket.socket) -> None:
    while True:
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize("serve", [_hang, _drip_headers, _drip_body, _continue_for_ever], ids=lambda f: f.__name__)
def test_whatever_a_server_does_the_call_ends_at_its_deadline(serve: Serve) -> None:
    with serving(serve) as (url, _):
        called, took = timed(url)
    assert not called.ok
    assert took < 1.5
    assert SECRET not in called.said


def test_a_long_answer_is_not_read_to_its_end() -> None:
    sent = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        for _ in range(15_000):
            connection.sendall(b"x" * 65_536)
            sent.append(65_536)

    with serving(pour) as (url, _):
        called, took = timed(url, 10.0)
    assert called.ok
    assert took < 5
    assert sum(sent) < 50_000_000  # what the two sides' buffers hold, and no gigabyte


def test_headers_are_read_up_to_the_same_limit() -> None:
    sent = []

    def pour(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for n in range(90):  # of a hundred headers http.client bounds each, and not all together
            connection.sendall(b"X-%d: " % n + b"y" * 60_000 + b"\r\n")
            sent.append(60_000)
        connection.sendall(b"Content-Length: 0\r\n\r\n")

    with serving(pour) as (url, _):
        called, _ = timed(url, 10.0)
    assert called == Called(False, "it answered with more than 64 KiB of headers")


@pytest.mark.parametrize(
    ("length", "ok"), [(64 * 1024, True), (64 * 1024 + 1, False)], ids=["as long as may be", "one more"]
)
def test_headers_as_long_as_the_limit_are_read_and_no_longer_ones(length: int, ok: bool) -> None:
    head, tail = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ", b"\r\nY: z\r\n\r\n"
    more = b"a" * 60_000 + b"\r\nZ: "
    rest = b"b" * (length - len(head) - len(more) - len(tail))
    with serving(lambda c: c.sendall(head + more + rest + tail)) as (url, _):
        assert timed(url, 10.0)[0].ok is ok


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        (lambda connection: None, "it hung up without an answer"),
        (lambda connection: connection.sendall(b"HTTP/1.1 200"), "it answered 200"),
        (lambda connection: connection.sendall(b"220 mail.example ESMTP\r\n"), "its answer cannot be read"),
    ],
    ids=["hangs up", "a status and no more", "another protocol"],
)
def test_what_became_of_a_call_is_said_and_not_that_it_was_slow(serve: Serve, said: str) -> None:
    with serving(serve) as (url, _):
        called, took = timed(url, 5.0)
    assert (called.said, took < 1) == (said, True)


def test_nobody_who_listens_is_not_reached_and_is_not_slow() -> None:
    assert call(f"http://127.0.0.1:1/{SECRET}", deadline=5) == Called(False, "it could not be reached")


@pytest.mark.parametrize(
    "url",
    [
        f"http://watch.example/{SECRET}",
        f"ftp://127.0.0.1/{SECRET}",
        f"https://name:{SECRET}@watch.example/",
        "https://",
        f"https://watch.example:99999/{SECRET}",
        f"http://[::1/{SECRET}",
        SECRET,
    ],
)
def test_an_address_that_cannot_be_used_is_said_without_it(url: str) -> None:
    assert address_faults(url)
    called = call(url, deadline=0.5)
    assert not called.ok
    assert SECRET not in called.said
    assert "watch.example" not in called.said


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/{}", "http://127.0.0.1:1/a b {}", "http://127.0.0.1:1/\u00e9 {}"])
def test_what_goes_wrong_is_an_answer_and_raises_nothing(url: str) -> None:
    called = call(url.format(SECRET), deadline=0.5)
    assert not called.ok
    assert SECRET not in called.said


@pytest.mark.parametrize("url", ["http://localhost:8000/x", "http://[::1]:8000/", "https://watch.example/x"])
def test_https_is_allowed_and_http_to_this_machine(url: str) -> None:
    assert address_faults(url) == []
