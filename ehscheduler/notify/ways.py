"""Ways out: each channel under the name that config gives it, with how a message is written for it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ehscheduler.notify.channel import DEADLINE, Channel
from ehscheduler.notify.mail import Rendered, Sender, build
from ehscheduler.notify.messages import Message, MessageRefused
from ehscheduler.notify.own import OwnWords
from ehscheduler.notify.render import render

MAIL = "mail"
"""The name of the way by mail, whether it leaves by SMTP or into a folder; it is always there."""
CHAT = "chat:"
"""How the names of ways begin that many read: what goes there is a copy, and nobody has been told by it."""


@dataclass(frozen=True, slots=True)
class Written:
    """A message as one way sends it: what a list shows of it, and the bytes."""

    subject: str
    body: bytes


Write = Callable[[Message, str, str, datetime], Written]
"""From a message, to whom (an address; a chat has none), its Message-ID and the present instant to what is sent.

Raises MessageRefused for what cannot be written.
"""


OfWords = Callable[[Rendered, str, str, datetime], Written]
"""As `Write`, from a message that is in words already."""


Became = Literal["handed over", "delivered", "bounced", "refused"]
Ask = Callable[[Sequence[str]], Mapping[str, Became]]
"""From the answers of accepted sends to what the other side says became of each; one it does not know is left out."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way out; `deadline` is the seconds that a send may take, all told.

    `ask` is there where the other side can be asked later what became of what it took, and `of_words` where a message
    leaves as a subject, a text and a page, so that a council's own words can stand in them.
    """

    name: str
    channel: Channel
    write: Write
    deadline: float = DEADLINE
    ask: Ask | None = None
    of_words: OfWords | None = None

    @property
    def shared(self) -> bool:
        """Tell whether many read it: then it gets no references and no names."""
        return self.name.startswith(CHAT)

    def written(self, message: Message, to: str, message_id: str, now: datetime, own: OwnWords) -> Written:
        """Write a message in the council's own words, or in ours where it has none that can be sent by this way."""
        if self.of_words and (rendered := own.words_for(message, now)):
            with suppress(MessageRefused):
                return self.of_words(rendered, to, message_id, now)
        return self.write(message, to, message_id, now)


def by_mail(channel: Channel, sender: Sender, deadline: float) -> Way:
    """Make the way by mail."""

    def write(message: Message, to: str, message_id: str, now: datetime) -> Written:
        return of_words(render(message), to, message_id, now)

    def of_words(rendered: Rendered, to: str, message_id: str, now: datetime) -> Written:
        return Written(rendered.subject, build(rendered, to=to, sender=sender, message_id=message_id, moment=now))

    return Way(MAIL, channel, write, deadline, of_words=of_words)
