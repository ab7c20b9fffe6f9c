"""Ways out: each channel under the name that config gives it, with how a message is written for it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from ehscheduler.notify.channel import DEADLINE, Channel
from ehscheduler.notify.mail import Sender, build
from ehscheduler.notify.messages import Message
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


Became = Literal["handed over", "delivered", "bounced", "refused"]
Ask = Callable[[Sequence[str]], Mapping[str, Became]]
"""From the answers of accepted sends to what the other side says became of each; one it does not know is left out."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way out; `deadline` is the seconds that a send may take, all told.

    `ask` is there where the other side can be asked later what became of what it took.
    """

    name: str
    channel: Channel
    write: Write
    deadline: float = DEADLINE
    ask: Ask | None = None

    @property
    def shared(self) -> bool:
        """Tell whether many read it: then it gets no references and no names."""
        return self.name.startswith(CHAT)


def by_mail(channel: Channel, sender: Sender, deadline: float) -> Way:
    """Make the way by mail."""

    def write(message: Message, to: str, message_id: str, now: datetime) -> Written:
        rendered = render(message)
        return Written(rendered.subject, build(rendered, to=to, sender=sender, message_id=message_id, moment=now))

    return Way(MAIL, channel, write, deadline)
