"""A council's own words for its messages: asked of a process of its own, and ours where that gives nothing fit to send.

A template is somebody else's code. It runs in `own_worker`, which is ended where it takes too long, and started anew
for the next message: never forked, as the daemon has threads.
"""

import atexit
import json
import os
import selectors
import subprocess
import sys
import time
from datetime import datetime, timedelta
from functools import cache
from threading import Lock
from typing import Any

from ehscheduler.notify.mail import Rendered
from ehscheduler.notify.messages import Message
from ehscheduler.notify.own_page import own_faults
from ehscheduler.notify.own_texts import KINDS, NAMES, PARTS, Texts, text_faults
from ehscheduler.notify.own_worker import plain_of
from ehscheduler.notify.render import TEMPLATES, render
from ehscheduler.notify.whitelist import whitelisted

__all__ = ["KINDS", "NAMES", "OwnWords", "own_words"]

START = 20.0
"""Seconds for the process to be there; it needs less than one."""
COMPILE = 3.0
"""Seconds for all templates to be compiled; those of every kind need less than half of one."""
SECONDS = 1.0
"""Seconds that one message may take."""
ANSWER = 8 * 1024 * 1024
REST = timedelta(minutes=10)
"""How long a template that took too long or too much is left alone; ours."""


class Failed(Exception):
    """The process gave no answer; the text says why. It is gone."""


class OwnWords:
    """One authority's own templates, with the process that they run in."""

    def __init__(self, texts: Texts) -> None:
        self.texts = texts
        self.faults = text_faults(texts)
        self.state: dict[str, str] = {}
        """What came of the last message of each kind: the fault, or nothing where it was sent in these words."""
        self._rest: dict[str, datetime] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def words_for(self, message: Message, now: datetime) -> Rendered | None:
        """Give a message in the authority's own words; None where it has none, or they cannot be sent."""
        kind = TEMPLATES[type(message)]
        if kind not in KINDS or self.faults or not any(name.startswith(f"{kind}.") for name, _ in self.texts):
            return None
        if now < self._rest.get(kind, now):
            return None
        with self._lock:
            rendered, self.state[kind] = self._tried(kind, message, now)
        return rendered

    def _tried(self, kind: str, message: Message, now: datetime) -> tuple[Rendered | None, str]:
        ours = render(message)
        try:
            parts = self._asked({"kind": kind, "message": plain_of(whitelisted(message))})
        except Failed as failed:
            self._rest[kind] = now + REST
            return None, f"{kind}: {failed}"
        if "fault" in parts:
            return None, str(parts["fault"])
        subject, text, html = (parts.get(part, our) for part, our in zip(PARTS, _of(ours), strict=True))
        own = Rendered(subject=subject, text=text, html=html)
        if faults := own_faults(own, ours, message):
            return None, f"{kind}: {faults[0]}"
        return own, ""

    def _asked(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask the process, which is started where there is none; one that fails is ended."""
        try:
            process = self._process or self._started()
            return _exchange(process, question, SECONDS, f"took more than {SECONDS:g} second")
        except (Failed, OSError, ValueError) as error:
            self.end()
            raise Failed(str(error) if isinstance(error, Failed) else "its process could not be asked") from None

    def _started(self) -> subprocess.Popen[bytes]:
        self._process = process = subprocess.Popen(
            [sys.executable, "-I", "-m", "ehscheduler.notify.own_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
        )
        _exchange(process, None, START, "its process did not start")
        found = _exchange(process, self.texts, COMPILE, f"took more than {COMPILE:g} seconds to be compiled")
        if found["faults"]:
            raise Failed(found["faults"][0])
        return process

    def end(self) -> None:
        """End the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def _of(rendered: Rendered) -> tuple[str, str, str]:
    return rendered.subject, rendered.text, rendered.html


def _exchange(process: subprocess.Popen[bytes], question: Any, seconds: float, late: str) -> dict[str, Any]:
    """Send one line and read one line within so many seconds; without a question only read."""
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    ends = time.monotonic() + seconds
    left = b"" if question is None else json.dumps(question).encode() + b"\n"
    answer = bytearray()
    to, back = process.stdin.fileno(), process.stdout.fileno()
    os.set_blocking(to, False)
    with selectors.DefaultSelector() as ready:
        ready.register(back, selectors.EVENT_READ)
        if left:
            ready.register(to, selectors.EVENT_WRITE)
        while not answer.endswith(b"\n"):
            for key, _ in ready.select(max(0.0, ends - time.monotonic())):
                if key.fd == to:
                    left = left[os.write(to, left) :]
                    if not left:
                        ready.unregister(to)
                elif not (piece := os.read(back, 65536)):
                    raise Failed("ended its process, or needed more memory than it may have")
                else:
                    answer += piece
            if len(answer) > ANSWER:
                raise Failed("answered more than a message can hold")
            if time.monotonic() > ends and not answer.endswith(b"\n"):
                raise Failed(late)
    made: dict[str, Any] = json.loads(answer)
    return made


@cache
def own_words(texts: Texts) -> OwnWords:
    """Return the one that holds these templates; its process lives as long as this one."""
    made = OwnWords(texts)
    atexit.register(made.end)
    return made
