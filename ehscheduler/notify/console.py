"""The channel for a trial at a terminal: it prints what a reader would see, and sends nothing anywhere."""

import contextlib
import json
import sys
from typing import TextIO

from ehscheduler.notify.channel import DEADLINE, Outcome

WIDTH = 78


class Console:
    """Prints to a stream, standard output unless another is given."""

    def __init__(self, name: str, stream: TextIO | None = None) -> None:
        self.name = name
        self._stream = stream

    def session(self) -> contextlib.AbstractContextManager["Console"]:
        """Give this channel: nothing is shared by a batch."""
        return contextlib.nullcontext(self)

    def send(self, message: bytes, *, to: str, message_id: str, deadline: float = DEADLINE) -> Outcome:
        """Print one message whole; a stream that is closed, or full, takes it later."""
        said = json.loads(message)
        lines = [f"To: {to}", f"Subject: {said['subject']}", "", *said["body"].splitlines()]
        shown = "\n".join(_plain(line) for line in lines)
        stream = self._stream or sys.stdout
        try:
            print(f"{'-' * WIDTH}\n{shown}\n{'-' * WIDTH}", file=stream, flush=True)
        except (OSError, ValueError) as fault:
            return Outcome("temporary", f"it could not be printed: {type(fault).__name__}", about="channel")
        return Outcome("accepted", "printed")


def _plain(line: str) -> str:
    """Take out whatever a terminal would act on."""
    return "".join(letter if letter.isprintable() else " " for letter in line)
