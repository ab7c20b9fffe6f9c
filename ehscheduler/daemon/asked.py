"""What became of messages after they were taken, where the other side can be asked."""

from datetime import datetime, timedelta

from ehscheduler.daemon.desk import Desk
from ehscheduler.notify.ways import Became, Way
from ehscheduler.office.reach import stop_writing
from ehscheduler.store.alarms import raise_alarm
from ehscheduler.store.outbox import HandedOver, ask_again, came_back, to_ask_about, tries_of
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

FIRST_ASKED = timedelta(minutes=1)
ASKED_FOR = timedelta(hours=76)
"""The other side itself tries for three days; after that there is nothing more to learn (ours)."""
AT_ONCE = 20
"""So many are asked about in one turn, one question each: what is left is asked about in the next."""
TRIES = 3
SENT_AGAIN = timedelta(minutes=15)


def ask_what_became(desk: Desk, way: Way, authority: str, now: datetime) -> None:
    """Ask what became of messages that a way took, and act on it: what did not arrive is owed still."""
    if way.ask is None:
        return
    with desk.store.read() as tx:
        asked = to_ask_about(tx, authority, way.name, now=now, limit=AT_ONCE)
    answers = way.ask([one.server_answer for one in asked]) if asked else {}
    for one in asked:
        with desk.store.begin() as tx:
            desk.guard(tx)
            _note(tx, authority, one, answers.get(one.server_answer), now)


def _note(tx: Tx, authority: str, one: HandedOver, became: Became | None, now: datetime) -> None:
    said = one.server_answer if became in (None, "handed over") else f"{became}; {one.server_answer}"
    match became:
        case "bounced":
            if came_back(tx, authority, one.message_id, answer=said, again_at=now):
                stop_writing(tx, authority, one.address, why=said, at=now)
        case "refused":
            _not_handed_on(tx, authority, one, said, now)
        case "delivered":
            ask_again(tx, authority, one.message_id, answer=said, at=None)
        case _:
            again = now + max(FIRST_ASKED, (now - one.sent_at) / 2)
            at = again if again < one.sent_at + ASKED_FOR else None
            ask_again(tx, authority, one.message_id, answer=said, at=at)
    if became in ("bounced", "refused", "delivered"):
        detail = {"message": one.message_id, "to": one.recipient, "outcome": became, "answer": said}
        append_trail(tx, authority, at=now, who="daemon", act="asked", detail=detail)


def _not_handed_on(tx: Tx, authority: str, one: HandedOver, said: str, now: datetime) -> None:
    """Send it again in a while; what was so often not handed on is a dead letter, and the operator hears."""
    again = now + SENT_AGAIN if tries_of(tx, one) < TRIES else None
    if came_back(tx, authority, one.message_id, answer=said, again_at=again) and again is None:
        text = f"a message to {one.recipient} came to nothing ({said}); see `ehscheduler outbox --state refused`"
        raise_alarm(tx, authority, code="refused", subject=one.message_id, text=text, at=now)
