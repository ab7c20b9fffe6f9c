"""A mail server on loopback that outlives every kill: a process of its own, which notes what it accepted.

It notes a message before it answers, as a real relay queues before it says 250: from then on the message has been
sent, whatever becomes of the answer. Standard library only; it ends when its standard input does.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

READY_WITHIN = 20.0


# ---- the server


class _Server:
    def __init__(self, log: Path, delay: float, seed: int, hold: Path | None) -> None:
        self._log = os.open(log, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
        self._delay = delay
        self._random = random.Random(seed)
        self._hold = hold
        self._accepted = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._converse(reader, writer)
        writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to: list[str] = []
        await _say(writer, "220 sink")
        while line := await reader.readline():
            word, _, rest = line.decode("latin-1").strip().partition(" ")
            match word.upper():
                case "EHLO":
                    await _say(writer, "250-sink", "250 SIZE 10000000")
                case "MAIL" | "RSET":
                    to = []
                    await _say(writer, "250 fine")
                case "RCPT":
                    to.append(rest.partition("<")[2].partition(">")[0])
                    await _say(writer, "250 fine")
                case "DATA":
                    await self._wait()
                    await _say(writer, "354 go on")
                    await self._accept(to, await reader.readuntil(b"\r\n.\r\n"))
                    await _say(writer, f"250 queued as {self._accepted}")
                case "QUIT":
                    await _say(writer, "221 bye")
                    return
                case _:
                    await _say(writer, "502 not here")

    async def _accept(self, to: list[str], content: bytes) -> None:
        await self._wait()
        self._accepted += 1
        entry = {"n": self._accepted, "at": time.time(), "to": to, "content": content[:-5].decode("latin-1")}
        os.write(self._log, json.dumps(entry).encode() + b"\n")
        await self._keep_waiting()
        await self._wait()

    async def _wait(self) -> None:
        if self._delay:
            await asyncio.sleep(self._random.uniform(0, self._delay))

    async def _keep_waiting(self) -> None:
        """Leave one client without its answer for as long as the hold, once taken, lies there."""
        if self._hold is None or not self._hold.exists():
            return
        taken = self._hold.rename(self._hold.with_suffix(".taken"))
        while taken.exists():
            await asyncio.sleep(0.01)


async def _say(writer: asyncio.StreamWriter, *lines: str) -> None:
    writer.write("".join(f"{line}\r\n" for line in lines).encode())
    await writer.drain()


async def _serve(options: argparse.Namespace) -> None:
    server = _Server(options.log, options.delay, options.seed, options.hold)
    listener = await asyncio.start_server(server.talk, "127.0.0.1", options.port, limit=1 << 24)
    print(listener.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    os._exit(0)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hold", type=Path, default=None)
    asyncio.run(_serve(parser.parse_args()))


# ---- those who start it


@dataclass(frozen=True)
class Sink:
    """A running sink: where it listens, what it noted, and the file that makes it withhold one answer."""

    port: int
    log: Path
    hold: Path

    @property
    def accepted(self) -> int:
        return self.log.read_bytes().count(b"\n") if self.log.exists() else 0


@contextlib.contextmanager
def sink(folder: Path, *, delay: float = 0.0, seed: int = 0) -> Iterator[Sink]:
    """Run a sink that takes up to three times `delay` seconds over a message; it ends with this context."""
    folder.mkdir(parents=True, exist_ok=True)
    log, hold = folder / "sink.jsonl", folder / "hold"
    options = ["--log", log, "--delay", str(delay), "--seed", str(seed), "--hold", hold]
    command = [sys.executable, "-I", "-S", __file__, *map(str, options)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        timer = threading.Timer(READY_WITHIN, process.kill)
        timer.start()
        try:
            port = int(process.stdout.readline())
        finally:
            timer.cancel()
        try:
            yield Sink(port, log, hold)
        finally:
            process.stdin.close()
            process.wait(READY_WITHIN)


if __name__ == "__main__":
    main()
