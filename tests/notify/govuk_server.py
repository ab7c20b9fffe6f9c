"""A stand-in for GOV.UK Notify on loopback: keeps what it is asked, and answers or misbehaves by a script."""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

Act = bytes | Literal["hang", "drip", "drop", "half"]
ID = "740e5834-3a29-46b4-9a6f-16142fde533a"


def answer(status: int, body: Any, *headers: str) -> bytes:
    """Give an answer with a JSON body, or with bytes as they are."""
    said = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"HTTP/1.1 {status} Said", "Content-Type: application/json", f"Content-Length: {len(said)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + said


def refusal(status: int, error: str, message: str) -> bytes:
    return answer(status, {"status_code": status, "errors": [{"error": error, "message": message}]})


NONE_YET = answer(200, {"notifications": [], "links": {"current": "/v2/notifications"}})
TAKEN = answer(201, {"id": ID, "reference": "ref", "content": {"subject": "s", "body": "b"}})


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class GovukServer:
    """Answers GET and POST each by its script; a list is used up one request at a time, the last one staying."""

    get: Act | list[Act] = NONE_YET
    post: Act | list[Act] = TAKEN
    tls: ssl.SSLContext | None = None
    drip_every: float = 0.05
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._open: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"

    def posts(self) -> list[dict[str, Any]]:
        return [json.loads(each.body) for each in self.asked if each.method == "POST"]

    def __enter__(self) -> "GovukServer":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._listen, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(5)
        for each in (self._listener, *self._open):
            each.close()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while not self._over.is_set():
                connection, _ = self._listener.accept()
                self.connections += 1
                self._open.append(connection.dup())
                self._threads.append(threading.Thread(target=self._talk, args=(connection,), daemon=True))
                self._threads[-1].start()

    def _talk(self, raw: socket.socket) -> None:
        with raw, contextlib.suppress(OSError):
            wire = self.tls.wrap_socket(raw, server_side=True) if self.tls else raw
            try:
                asked = self._read(wire)
                if asked is not None:
                    self.asked.append(asked)
                    self._do(wire, self._act(asked.method))
            finally:
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(wire, socket.SHUT_RDWR)
                wire.close()

    def _act(self, method: str) -> Act:
        chosen = self.get if method == "GET" else self.post
        if not isinstance(chosen, list):
            return chosen
        turn = sum(1 for each in self.asked if each.method == method)
        return chosen[min(turn, len(chosen)) - 1]

    def _do(self, wire: socket.socket, act: Act) -> None:
        if isinstance(act, bytes):
            wire.sendall(act)
        elif act == "half":
            wire.sendall(b"HTTP/1.1 201 Created\r\nContent-Len")
        elif act == "hang":
            self._over.wait(30)
        elif act == "drip":
            wire.sendall(b"HTTP/1.1 201 Created\r\n")
            while not self._over.wait(self.drip_every):
                wire.sendall(b"X-More: more\r\n")

    def _read(self, wire: socket.socket) -> Asked | None:
        head = b""
        while b"\r\n\r\n" not in head:
            more = wire.recv(65536)
            if not more:
                return None
            head += more
        top, _, body = head.partition(b"\r\n\r\n")
        first, *lines = top.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        while len(body) < int(headers.get("content-length", 0)):
            body += wire.recv(65536)
        method, target, _ = first.split(" ")
        parts = urlsplit(target)
        return Asked(method, parts.path, parse_qs(parts.query), headers, body)
