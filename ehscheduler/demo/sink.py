"""A mail server for the demo: it takes what is sent to it on this machine and keeps each message as a file.

It speaks as much SMTP as a sender needs, listens on the loopback alone, and passes nothing on.
"""

import asyncio
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

LARGEST = 10 * 1024 * 1024
LONGEST_LINE = 1024 * 1024
_PATH = re.compile(rb"(?:FROM|TO):\s*<([^<>\r\n]*)>", re.IGNORECASE)
_UNSAFE = re.compile(r"[^A-Za-z0-9.@_-]+")


@dataclass(slots=True)
class Sink:
    """The port it listens on, where the messages are kept, and the files, in the order they came."""

    folder: Path
    port: int = 0
    kept: list[Path] = field(default_factory=list)

    def keep(self, recipient: str, message: bytes) -> None:
        """Write one message down; it is accepted only when it is on the disk."""
        path = self.folder / f"{len(self.kept) + 1:04}-{_UNSAFE.sub('_', recipient)}.eml"
        path.write_bytes(message)
        self.kept.append(path)


@contextmanager
def listening(folder: Path) -> Iterator[Sink]:
    """Listen on a free port of the loopback until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    sink = Sink(folder)
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    ready = threading.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(_serve(sink, ready, stop),), name="sink")
    thread.start()
    try:
        ready.wait()
        yield sink
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


async def _serve(sink: Sink, ready: threading.Event, stop: asyncio.Event) -> None:
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a server's callback runs in a task
        talks.add(task)
        try:
            await _Conversation(sink, reader, writer).hold()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # the sender has gone, or sends what is no line; what was accepted is kept
        finally:
            writer.close()
            talks.discard(task)

    server = await asyncio.start_server(talk, "127.0.0.1", 0, limit=LONGEST_LINE)
    sink.port = server.sockets[0].getsockname()[1]
    ready.set()
    await stop.wait()
    server.close()
    for task in list(talks):
        task.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


class _Conversation:
    """One sender's conversation, from the greeting to its QUIT."""

    def __init__(self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sink = sink
        self.reader = reader
        self.writer = writer
        self.sender: str | None = None
        self.recipients: list[str] = []

    async def hold(self) -> None:
        await self._say("220 sink.invalid takes mail and passes nothing on")
        while line := await self.reader.readline():
            word = line[:4].upper().rstrip()
            if word == b"QUIT":
                await self._say("221 goodbye")
                return
            if word == b"DATA":
                await self._data()
            else:
                await self._say(self._answer(word, line))

    async def _say(self, line: str) -> None:
        self.writer.write(line.encode("ascii") + b"\r\n")
        await self.writer.drain()

    def _answer(self, word: bytes, line: bytes) -> str:
        if word in (b"EHLO", b"HELO", b"RSET"):
            self.sender, self.recipients = None, []
            return "250 good"
        if word == b"NOOP":
            return "250 good"
        path = _PATH.search(line)
        if word == b"MAIL" and path:
            self.sender, self.recipients = path[1].decode("ascii", "replace"), []
            return "250 sender noted"
        if word == b"RCPT" and path and path[1]:
            if self.sender is None:
                return "503 MAIL comes first"
            self.recipients.append(path[1].decode("ascii", "replace"))
            return "250 recipient noted"
        return "501 an address in angle brackets is missing" if word in (b"MAIL", b"RCPT") else "502 not known here"

    async def _data(self) -> None:
        if not self.recipients:
            await self._say("503 RCPT comes first")
            return
        await self._say("354 end with a dot alone")
        message = await self._message()
        if len(message) > LARGEST:
            await self._say("552 larger than this sink takes")
            return
        for recipient in self.recipients:
            self.sink.keep(recipient, message)
        self.sender, self.recipients = None, []
        await self._say(f"250 kept as message {len(self.sink.kept)}")

    async def _message(self) -> bytes:
        """Read up to the dot alone; the dots that a sender doubled are single again."""
        lines: list[bytes] = []
        size = 0
        while (line := await self.reader.readline()) != b".\r\n":
            if not line:
                raise asyncio.IncompleteReadError(b"", None)
            size += len(line)
            if size <= LARGEST + 1:
                lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines) if size <= LARGEST else bytes(LARGEST + 1)
