"""After a restore nothing is sent until the operator has said from when; what was due before is taken as told (ours).

What the database that is gone has sent since the backup nobody can know. So the operator names an instant: what would
have left before it counts as told, so that ladders go on from there, and what comes after it is sent.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from ehscheduler.address import message_id
from ehscheduler.core.saying import said_moment
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.drops import EVERY_DELIVERY
from ehscheduler.daemon.hearing import Hearing
from ehscheduler.store.cases import wake
from ehscheduler.store.held import Held, held_sending, let_go
from ehscheduler.store.outbox import (
    Claim,
    Letter,
    Parcel,
    Waiting,
    claim,
    claim_again,
    expired_claims,
    mark_handed_over,
    waiting_deliveries,
)
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

LONG = timedelta(days=36500)
NOWHERE = "localhost.invalid"


def may_send(desk: Desk, now: datetime, *, stop: Callable[[], bool]) -> bool:
    """Tell whether messages may leave. Where the operator has said from when, take what is before as told.

    Call it after a whole tick: what was due has been decided by then, but for the next rung of a ladder, which is
    decided when the one below has heard. So sending is let go by the first turn that finds nothing more to take.
    """
    with desk.store.read() as tx:
        held = held_sending(tx)
    if held is None:
        return True
    if held.sends_from is None or stop():
        return False
    # Nothing was sent in shadow mode before, either.
    sending = [name for name in desk.authorities if desk.config.live_for(name).mode != "shadow"]
    if sum(_take_as_told(desk, name, held, held.sends_from, now) for name in sending):
        return False
    with desk.store.begin() as tx:
        desk.guard(tx)
        let_go(tx, at=now)
    return True


def _take_as_told(desk: Desk, name: str, held: Held, sends_from: datetime, now: datetime) -> int:
    """Note all that would have left before an instant as handed over then, without sending it; return how much."""
    answer = f"taken as told, and not sent: sending was taken up again from {said_moment(sends_from)}"
    with desk.store.begin() as tx:
        desk.guard(tx)
        hearing = Hearing.of(tx, desk.config, name, desk.directory(tx, name, now))
        cases: set[str] = set()
        before = sends_from > held.backup_at
        claims = [(one, held.backup_at) for one in _under_way(tx, desk, name, now)] if before else []
        for parcel in waiting_deliveries(tx, name, now=now + LONG, limit=EVERY_DELIVERY):
            for moment, gone in _by_time(hearing, parcel, held).items():
                if moment < sends_from:
                    claims += _claimed(tx, desk, name, parcel, gone, moment, now)
                    cases |= {one.notice.case_ref for one in gone}
        for one, moment in claims:
            mark_handed_over(tx, one, now=moment, answer=answer)
        if claims:
            wake(tx, name, sorted(cases), now=now)
            detail = {"messages": len(claims), "from": sends_from.isoformat()}
            append_trail(tx, name, at=now, who="daemon", act="taken as told", detail=detail)
    return len(claims)


def _by_time(hearing: Hearing, parcel: Parcel, held: Held) -> dict[datetime, list[Waiting]]:
    """Part what waits for one recipient by when it would have left."""
    found: dict[datetime, list[Waiting]] = {}
    for one in parcel.items:
        found.setdefault(_would_have_left(hearing, parcel, one, held), []).append(one)
    return found


def _would_have_left(hearing: Hearing, parcel: Parcel, one: Waiting, held: Held) -> datetime:
    """Return when a notice would have left had the service not been away: as was written, or by its own time."""
    if one.notice.decided_at <= held.backup_at:
        return one.send_after
    told = hearing.delivery(parcel.recipient, one.notice.kind, one.notice.at, immediate=one.notice.immediate)
    return told.send_after


def _under_way(tx: Tx, desk: Desk, name: str, now: datetime) -> Iterator[Claim]:
    """Take over the messages that were on their way when the backup was made."""
    for expired in expired_claims(tx, name, now=now + LONG, limit=EVERY_DELIVERY):
        again = claim_again(tx, expired, owner=desk.worker, now=now + LONG, until=now + desk.lease)
        if again is not None:
            yield again


def _claimed(
    tx: Tx, desk: Desk, name: str, parcel: Parcel, gone: list[Waiting], moment: datetime, now: datetime
) -> list[tuple[Claim, datetime]]:
    """Gather what one recipient would have had at an instant into a message, which says nothing and goes nowhere."""
    named = f"{name}|{parcel.recipient}|{parcel.channel}|{moment.isoformat()}|{now.isoformat()}"
    letter = Letter(
        message_id=message_id(named, NOWHERE),
        recipient=parcel.recipient,
        channel=parcel.channel,
        address="",
        subject="taken as told",
        body=b"",
    )
    keys = [one.notice.key for one in gone]
    held = claim(tx, name, letter, keys, owner=desk.worker, now=now, until=now + desk.lease)
    return [(held, moment)] if held else []
