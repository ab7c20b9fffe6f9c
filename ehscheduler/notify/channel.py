"""What every channel offers, and the value that every attempt ends in."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

Kind = Literal["accepted", "temporary", "permanent", "uncertain", "misconfigured"]
About = Literal["message", "address", "channel"]

DEADLINE = 60.0
WEB_DEADLINE = 15.0
"""The seconds that a send to the web may take, all told."""
ANSWER_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one attempt ended.

    accepted: the other side took it, which is not "delivered". temporary: try again later. permanent: never
    again as it is. uncertain: it may have been taken; send again with the same Message-ID. misconfigured: our
    set-up is at fault, so the channel pauses and nothing is lost. `about` is whose trouble it is: with
    "channel" the next message would fare no better. `retry_after` is the seconds that the other side asked for.
    """

    kind: Kind
    answer: str
    code: int | None = None
    about: About = "message"
    stage: str = ""
    retry_after: float | None = None


class Channel(Protocol):
    """A way out: mail and files now, chat later."""

    @property
    def name(self) -> str:
        """The channel's name, as config and the outbox spell it."""

    def send(self, message: bytes, *, to: str, message_id: str, deadline: float = DEADLINE) -> Outcome:
        """Hand over one message to one recipient within `deadline` seconds, all told; never raise for a fault."""

    def session(self) -> AbstractContextManager["Channel"]:
        """Open whatever can be shared by a batch; each send in it still has its own deadline."""


def answer_words(text: str | bytes) -> str:
    """Make another system's words safe to keep: one line of printable ASCII, at most 300 characters."""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    line = " ".join("".join(letter if " " <= letter <= "~" else " " for letter in words).split())
    return line if len(line) <= ANSWER_LENGTH else line[: ANSWER_LENGTH - 3] + "..."
