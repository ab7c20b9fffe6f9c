"""A mail server on loopback that says what a script tells it to, and stalls or hangs up where it is told."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Act = bytes | Literal["hang", "drip", "drop"]
FEATURES = b"250-test\r\n250-SIZE 5000000\r\n250-AUTH PLAIN LOGIN\r\n250 STARTTLS\r\n"
GOOD: Mapping[str, bytes] = {
    "greeting": b"220 test ready\r\n",
    "EHLO": FEATURES,
    "STARTTLS": b"220 go on\r\n",
    "AUTH": b"235 welcome\r\n",
    "MAIL": b"250 sender fine\r\n",
    "RCPT": b"250 recipient fine\r\n",
    "DATA": b"354 go on\r\n",
    "content": b"",
    "dot": b"250 2.0.0 queued as 12345\r\n",
    "RSET": b"250 fresh\r\n",
    "QUIT": b"221 bye\r\n",
}


class _HangUp(Exception):
    pass


@dataclass
class ScriptedServer:
    """Answers each stage by its script; a list is used up one connection at a time, the last one staying."""

    script: Mapping[str, Act | list[Act]] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    implicit: bool = False
    drip_every: float = 0.9
    drip: bytes = b"2"

    def __post_init__(self) -> None:
        self.commands: list[str] = []
        self.messages: list[bytes] = []
        self.connections = 0
        self._over = threading.Event()
        self._open: list[socket.socket] = []

    def __enter__(self) -> "ScriptedServer":
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

    def _talk(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, _HangUp):
            _Conversation(self, connection, self.connections).run()

    def act(self, stage: str, turn: int) -> Act:
        chosen = self.script.get(stage, GOOD[stage])
        return chosen[min(turn, len(chosen)) - 1] if isinstance(chosen, list) else chosen


class _Conversation:
    """One connection, from greeting to QUIT."""

    def __init__(self, server: ScriptedServer, connection: socket.socket, turn: int) -> None:
        self.server, self.wire, self.turn = server, connection, turn
        self.buffer = b""

    def run(self) -> None:
        if self.server.implicit:
            self._secure()
        try:
            self._do("greeting")
            while (command := self._line()) is not None:
                self._answer(command)
        finally:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.wire, socket.SHUT_RDWR)
            self.wire.close()

    def _answer(self, command: str) -> None:
        self.server.commands.append(command)
        verb = command.upper().split()[0].split(":")[0] if command.strip() else ""
        stage = verb if verb in GOOD else "AUTH"
        self._do(stage)
        if stage == "STARTTLS" and self._said(stage).startswith(GOOD[stage]):
            self._secure()
        if stage == "DATA" and self._said(stage).startswith(b"354"):
            self._do("content")
            self.server.messages.append(self._body())
            self._do("dot")
        if stage == "QUIT":
            raise _HangUp

    def _said(self, stage: str) -> bytes:
        act = self.server.act(stage, self.turn)
        return act if isinstance(act, bytes) else b""

    def _do(self, stage: str) -> None:
        act = self.server.act(stage, self.turn)
        if act == "drop":
            raise _HangUp
        if act == "hang":
            self.server._over.wait(30)
            raise _HangUp
        if act == "drip":
            while not self.server._over.wait(self.server.drip_every):
                self.wire.sendall(self.server.drip)
            raise _HangUp
        assert isinstance(act, bytes)
        self.wire.sendall(act)

    def _secure(self) -> None:
        assert self.server.tls is not None
        self.buffer = b""
        self.wire = self.server.tls.wrap_socket(self.wire, server_side=True)

    def _line(self) -> str | None:
        found = self._until(b"\r\n")
        return None if found is None else found.decode("latin-1")

    def _body(self) -> bytes:
        found = self._until(b"\r\n.\r\n")
        if found is None:
            raise _HangUp
        return found + b"\r\n"

    def _until(self, mark: bytes) -> bytes | None:
        while mark not in self.buffer:
            more = self.wire.recv(65536)
            if not more:
                return None
            self.buffer += more
        found, _, self.buffer = self.buffer.partition(mark)
        return found
