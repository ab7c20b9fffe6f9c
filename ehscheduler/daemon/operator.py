"""The operator: alarms by mail, each once, and never so many that nobody reads them."""

import logging
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from ehscheduler.address import message_id
from ehscheduler.core.calendars import london_day
from ehscheduler.daemon.desk import Desk
from ehscheduler.notify.mail import build
from ehscheduler.notify.messages import Addressee, Alarm, MessageRefused, Operator
from ehscheduler.notify.render import render
from ehscheduler.notify.words import moment_words
from ehscheduler.store.alarms import AlarmRecord, alarms, mark_told
from ehscheduler.store.schema import EVERYWHERE
from ehscheduler.store.state import put_state, state_of

log = logging.getLogger("ehscheduler.operator")
LISTED = 500
ALIKE = 5
"""Of so many alarms of one kind each is written out; of more the first, and how many there are."""
AGAIN = timedelta(minutes=15)
NEXT_TRY = "operator_next_try"
REMEDY = "do what it says; `ehscheduler doctor` lists every alarm that stands open"


def tell_operator(desk: Desk, now: datetime) -> int:
    """Mail the alarms that the operator has not heard; return how many. Without an address, `doctor` shows them."""
    email = desk.config.operator.email
    with desk.store.read() as tx:
        untold = [alarm for alarm in alarms(tx, limit=100_000) if alarm.told_at is None][:LISTED]
        again = state_of(tx, EVERYWHERE, NEXT_TRY)
    if not untold or not email or (again and now < datetime.fromisoformat(again)):
        return 0
    taken = _sent(desk, untold, email, now)
    with desk.store.begin() as tx:
        if not taken:
            put_state(tx, EVERYWHERE, NEXT_TRY, (now + AGAIN).isoformat())
            return 0
        for alarm in untold:
            mark_told(tx, alarm.authority, [alarm.id], at=now)
    return len(untold)


def _sent(desk: Desk, untold: Sequence[AlarmRecord], email: str, now: datetime) -> bool:
    message = Operator(
        to=Addressee("Operator", email),
        day=london_day(now),
        at=moment_words(now),
        alarms=tuple(_gathered(untold)),
    )
    # The same alarms are the same message, so that a repeat is recognised.
    named = "|".join(f"{alarm.authority}#{alarm.id}" for alarm in untold)
    id_ = message_id(named, desk.sender.address.rpartition("@")[2])
    try:
        body = build(render(message), to=email, sender=desk.sender, message_id=id_, moment=now)
    except MessageRefused:
        log.error("alarms could not be written", extra={"fault": "MessageRefused"})
        return False
    outcome = desk.channel.send(body, to=email, message_id=id_, deadline=float(desk.config.mail.deadline_seconds))
    return outcome.kind == "accepted"


def _gathered(untold: Sequence[AlarmRecord]) -> Iterator[Alarm]:
    """Yield the alarms as they are told: many of one kind as one, with their count."""
    kinds: dict[tuple[str, str], list[AlarmRecord]] = {}
    for alarm in untold:
        kinds.setdefault((alarm.authority, alarm.code), []).append(alarm)
    for alike in kinds.values():
        if len(alike) > ALIKE:
            yield _alarm(alike[0], f"{alike[0].text}; and {len(alike) - 1} more of this kind", len(alike))
        else:
            yield from (_alarm(alarm, alarm.text, 1) for alarm in alike)


def _alarm(first: AlarmRecord, text: str, count: int) -> Alarm:
    place = "the whole installation" if first.authority == EVERYWHERE else first.authority
    return Alarm(kind=first.code, what=text, place=place, remedy=REMEDY, since=moment_words(first.at), count=count)
