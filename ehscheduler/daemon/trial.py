"""A test message by one way out, as it would leave: written, sent, and what the other side said."""

from datetime import datetime

from ehscheduler.address import address_fault, message_id
from ehscheduler.core.calendars import london_day
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.shut import note_taken
from ehscheduler.errors import InputRefused
from ehscheduler.notify.channel import Outcome
from ehscheduler.notify.messages import Addressee, Digest, Imprint, Line
from ehscheduler.notify.ways import CHAT

LINE = Line(
    case_ref="TEST",
    title="A test message: nothing is due",
    clause="none",
    kind="reminder",
    state="due",
    window="no set time",
    owner_title="nobody",
    next_step="There is nothing to do",
    recorded="this scheduler",
)


def send_a_test(desk: Desk, name: str, to: str, now: datetime) -> Outcome:
    """Send a test message by a way that config names, and open the way again where it was shut and works.

    `to` is a mail address; a chat has none. Raises InputRefused for a way that there is not, and for no address.
    """
    way = desk.ways.get(name) or desk.ways.get(f"{CHAT}{name}")
    if way is None:
        listed = ", ".join(one.removeprefix(CHAT) for one in desk.ways)
        raise InputRefused([f"no channel {name!r} can be used; there is {listed}; 'ehscheduler doctor' says why not"])
    if not way.shared and (fault := address_fault(to)):
        raise InputRefused([f"--to: {fault}"])
    address = way.name if way.shared else to
    message = Digest(
        to=Addressee("a test", address),
        imprint=Imprint(authority="Early Help reminders", document="no protocol: this is a test"),
        day=london_day(now),
        lines=(LINE,),
    )
    id_ = message_id(f"test|{way.name}|{to}|{now.isoformat()}", desk.sender.address.rpartition("@")[2])
    written = way.write(message, address, id_, now)
    with way.channel.session() as channel:
        outcome = channel.send(written.body, to=address, message_id=id_, deadline=way.deadline)
    if outcome.kind == "accepted":
        with desk.store.begin() as tx:
            note_taken(tx, way, now)
    return outcome
