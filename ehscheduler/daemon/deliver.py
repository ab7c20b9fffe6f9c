"""Delivery: claim what waits, send it, mark what the other side said. Never marked before it is sent.

A crash between sending and marking can repeat one message, under the same Message-ID; it never loses one.
"""

import logging
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ehscheduler.address import address_fault
from ehscheduler.daemon.asked import FIRST_ASKED, ask_what_became
from ehscheduler.daemon.desk import Desk, addressee_of
from ehscheduler.daemon.drops import EVERY_DELIVERY, note_drop
from ehscheduler.daemon.held import may_send
from ehscheduler.daemon.letters import Composed, compose
from ehscheduler.daemon.owed import defer, not_owed, owed
from ehscheduler.daemon.own_words import note_templates
from ehscheduler.daemon.recheck import Around
from ehscheduler.daemon.shut import by_mail_instead, is_shut, note_refused, note_silent, note_taken
from ehscheduler.daemon.tick import fault_words
from ehscheduler.daemon.weeks import Weeks
from ehscheduler.errors import StoreError
from ehscheduler.notify.backoff import next_try, wait
from ehscheduler.notify.channel import Channel, Outcome
from ehscheduler.notify.messages import Addressee
from ehscheduler.notify.ways import MAIL, Way
from ehscheduler.office.reach import stop_writing
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import clear_alarm, raise_alarm
from ehscheduler.store.outbox import (
    Claim,
    Parcel,
    claim,
    claim_again,
    expired_claims,
    mark_dead,
    mark_handed_over,
    mark_refused,
    mark_returned,
    mark_temporary,
    mark_uncertain,
    mark_withdrawn,
    outbox,
    renew_claim,
    tries_of,
    waiting_deliveries,
)
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

log = logging.getLogger("ehscheduler.deliver")
SET_UP_AGAIN = timedelta(minutes=5)
NO_ADDRESS = "no address"

Clock = Callable[[], datetime]


@dataclass(slots=True)
class Delivered:
    """What one round of delivery did; `paused` says that a way out is shut for now, `held` that all are (a restore)."""

    handed_over: int = 0
    refused: int = 0
    waiting: int = 0
    uncertain: int = 0
    dropped: int = 0
    paused: bool = False
    held: bool = False

    def add(self, other: "Delivered") -> None:
        """Add what was done by another way out."""
        self.handed_over += other.handed_over
        self.refused += other.refused
        self.waiting += other.waiting
        self.uncertain += other.uncertain
        self.dropped += other.dropped
        self.paused = self.paused or other.paused


@dataclass(frozen=True, slots=True)
class Round:
    """What one round of delivery for one authority by one way has at hand; `channel` is the way's, opened."""

    desk: Desk
    authority: Authority
    way: Way
    channel: Channel
    now: Clock
    stop: Callable[[], bool]
    rng: random.Random
    done: Delivered
    weeks: Weeks = field(default_factory=Weeks)

    def over(self) -> bool:
        """Tell whether to stop: told to, or the way out is shut."""
        return self.stop() or self.done.paused

    def send(self, held: Claim) -> None:
        _send(self, held)


def deliver(desk: Desk, now: Clock, *, stop: Callable[[], bool] = lambda: False, rng: random.Random) -> Delivered:
    """Send all that may be sent now, message by message, until nothing is left or the ways out are shut.

    Each way is worked on for itself, so that one that hangs keeps no other waiting.
    """
    if not may_send(desk, now(), stop=stop):
        return Delivered(held=True)
    mail, *further = _open(desk, now())
    done = Delivered()
    with ThreadPoolExecutor(max_workers=max(1, len(further)), thread_name_prefix="way") as pool:
        seeds = [random.Random(rng.random()) for _ in further]  # noqa: S311 - it spreads retries, and guards nothing
        under_way = [pool.submit(_by, desk, way, now, stop, seed) for way, seed in zip(further, seeds, strict=True)]
        done.add(_by(desk, mail, now, stop, rng))
        for each in under_way:
            done.add(each.result())
    return done


def _open(desk: Desk, now: datetime) -> list[Way]:
    """Return the ways that are open, mail first; what waits for the others goes by mail."""
    with desk.store.read() as tx:
        shut = [name for name, way in desk.ways.items() if name != MAIL and is_shut(tx, way, now)]
    for authority in desk.authorities.values():
        while by_mail_instead(desk, authority, shut, now):
            pass
    return [way for name, way in desk.ways.items() if name not in shut]


def _by(desk: Desk, way: Way, now: Clock, stop: Callable[[], bool], rng: random.Random) -> Delivered:
    """Send all that may be sent now by one way."""
    done = Delivered()
    with way.channel.session() as channel:
        for authority in desk.authorities.values():
            if desk.config.live_for(authority.name).mode == "shadow":
                continue  # what was decided before it went into shadow waits, and is checked again afterwards
            round_ = Round(desk, authority, way, channel, now, stop, rng, done)
            _sent_again(round_)
            while not round_.over() and (parcels := _waiting(round_)):
                for parcel in parcels:
                    if round_.over():
                        break
                    _parcel(round_, parcel)
            note_templates(desk, authority, now())
            if not round_.over():
                ask_what_became(desk, way, authority.name, now())
    return done


def _waiting(round_: Round) -> list[Parcel]:
    desk, name = round_.desk, round_.authority.name
    with desk.store.read() as tx:
        return waiting_deliveries(
            tx, name, now=round_.now(), limit=desk.config.daemon.batch, channels=[round_.way.name]
        )


def _around(tx: Tx, round_: Round, recipient: str) -> Around:
    desk, authority, now = round_.desk, round_.authority, round_.now()
    return Around(
        desk=desk,
        authority=authority,
        directory=desk.directory(tx, authority.name, now),
        recipient=recipient,
        now=now,
        live_from=desk.live_from(tx, authority.name, now),
        outage=desk.outage(tx, authority.name),
        weeks=round_.weeks,
    )


# ---- what another left behind


def _sent_again(round_: Round) -> None:
    """Send messages whose sender died or whose fate is unknown once more, as they are, where they are still owed."""
    desk = round_.desk
    with desk.store.read() as tx:
        left = expired_claims(tx, round_.authority.name, channel=round_.way.name, now=round_.now())
    for expired in left:
        if round_.over():
            return
        with desk.store.begin() as tx:
            desk.guard(tx)
            now = round_.now()
            held = claim_again(tx, expired, owner=desk.worker, now=now, until=now + desk.lease)
            withdrawn = held is not None and _withdrawn(tx, round_, held)
        if held is not None and not withdrawn:
            round_.send(held)


def _withdrawn(tx: Tx, round_: Round, held: Claim) -> bool:
    """Take back a message of which nothing is owed to its recipient any more."""
    around = _around(tx, round_, held.recipient)
    drops = not_owed(tx, around, held)
    if not drops or not mark_withdrawn(tx, held, why=drops[0].why):
        return False
    for drop in drops:
        note_drop(tx, around, drop)
    round_.done.dropped += len(drops)
    return True


# ---- what waits


def _parcel(round_: Round, parcel: Parcel) -> None:
    """Claim and send one recipient's messages; a fault in one parcel harms no other."""
    try:
        claims = _claimed(round_, parcel)
    except StoreError:
        raise
    except Exception as error:  # one parcel's fault harms no other
        _set_apart(round_, parcel, error)
        return
    for number, held in enumerate(claims):
        if round_.over():
            _give_back(round_, held)
        elif (ours := _held_on(round_, held) if number else held) is not None:
            round_.send(ours)


def _held_on(round_: Round, held: Claim) -> Claim | None:
    """Hold a message for a whole lease again after others were sent before it; None where another has taken it."""
    with round_.desk.store.begin() as tx:
        round_.desk.guard(tx)
        return renew_claim(tx, held, until=round_.now() + round_.desk.lease)


def _give_back(round_: Round, held: Claim) -> None:
    """Let go of a message that was claimed and not sent: its notices wait again, for long only if mail cannot leave."""
    wait_ = SET_UP_AGAIN if round_.done.paused else timedelta()
    with round_.desk.store.begin() as tx:
        mark_temporary(tx, held, answer="it was not sent", send_after=round_.now() + wait_, counts=False)


def _set_apart(round_: Round, parcel: Parcel, error: Exception) -> None:
    log.error("a parcel could not be made up", extra={"fault": type(error).__name__})
    with round_.desk.store.begin() as tx:
        around = _around(tx, round_, parcel.recipient)
        text = f"what waits for {parcel.recipient} could not be written ({fault_words(error)}); report this as a fault"
        raise_alarm(tx, round_.authority.name, code="parcel fault", subject=parcel.recipient, text=text, at=around.now)
        defer(tx, around, parcel, [waiting.notice.key for waiting in parcel.items])


def _claimed(round_: Round, parcel: Parcel) -> list[Claim]:
    """Check a parcel once more, and claim the messages it comes to; all in one transaction."""
    desk, name = round_.desk, round_.authority.name
    claims: list[Claim] = []
    with desk.store.begin() as tx:
        desk.guard(tx)
        around = _around(tx, round_, parcel.recipient)
        kept, drops = owed(tx, around, parcel)
        to = _addressee(tx, around, round_.way, parcel) if kept else None
        for made in compose(around, round_.way, to, kept) if to else ():
            if made.letter is None:
                _unwritten(tx, around, parcel, made)
                continue
            until = around.now + desk.lease
            held = claim(tx, name, made.letter, made.keys, owner=desk.worker, now=around.now, until=until)
            if held is not None:
                claims.append(held)
    round_.done.dropped += len(drops)
    return claims


def _unwritten(tx: Tx, around: Around, parcel: Parcel, made: Composed) -> None:
    """Keep what cannot be written for later, and tell the operator why."""
    text = f"a notice to {parcel.recipient} cannot be written and waits: {made.fault}; see `ehscheduler outbox`"
    raise_alarm(tx, around.authority.name, code="unwritable", subject=made.keys[0], text=text, at=around.now)
    defer(tx, around, parcel, made.keys)


def _addressee(tx: Tx, around: Around, way: Way, parcel: Parcel) -> Addressee | None:
    """Return who a parcel goes to; None, with an alarm and a later try, where nobody can be written to."""
    name = around.authority.name
    if way.shared:
        return Addressee(parcel.recipient.partition(":")[2], way.name)
    person = addressee_of(parcel.recipient, around.desk, name, around.directory)
    fault = "nobody current" if person is None else address_fault(person.email)
    if person is not None and fault is None:
        clear_alarm(tx, name, code=NO_ADDRESS, subject=parcel.recipient, at=around.now)
        return Addressee(person.name, person.email)
    text = f"{parcel.recipient} cannot be written to ({fault}); correct people.csv or [duty] in the configuration"
    raise_alarm(tx, name, code=NO_ADDRESS, subject=parcel.recipient, text=text, at=around.now)
    defer(tx, around, parcel, [waiting.notice.key for waiting in parcel.items])
    return None


# ---- sending


def _send(round_: Round, held: Claim) -> None:
    desk = round_.desk
    outcome = round_.channel.send(held.body, to=held.address, message_id=held.message_id, deadline=round_.way.deadline)
    with desk.store.begin() as tx:
        _mark(tx, round_, held, outcome)


def _mark(tx: Tx, round_: Round, held: Claim, outcome: Outcome) -> None:
    """Note how a send ended, and what is to follow."""
    name, answer, now, done = held.authority, outcome.answer, round_.now(), round_.done
    said = {"message": held.message_id, "to": held.recipient, "outcome": outcome.kind, "answer": answer}
    append_trail(tx, name, at=now, who="daemon", act="send", detail=said)
    log.info("sent", extra={"outcome": outcome.kind, "code": outcome.code})
    match outcome.kind:
        case "accepted":
            ask_at = now + FIRST_ASKED if round_.way.ask else None
            mark_handed_over(tx, held, now=now, answer=answer, ask_at=ask_at)
            note_taken(tx, round_.way, now)
            done.handed_over += 1
        case "permanent":
            _refused(tx, held, outcome, now)
            done.refused += 1
        case "uncertain" | "temporary":
            silent = outcome.about == "channel" and note_silent(tx, round_.way, answer, now)
            _again(tx, round_, held, outcome, instead=silent and round_.way.name != MAIL)
        case "misconfigured":
            mark_temporary(tx, held, answer=answer, send_after=now + SET_UP_AGAIN, counts=False)
            note_refused(tx, round_.way, answer, now)
            done.waiting += 1
    done.paused = done.paused or outcome.kind == "misconfigured" or outcome.about == "channel"


def _refused(tx: Tx, held: Claim, outcome: Outcome, now: datetime) -> None:
    """Note a refusal for good; where it is the address that is refused, nothing is sent there any more."""
    name, answer = held.authority, outcome.answer
    if outcome.about == "address" and held.recipient.startswith("person:"):
        if mark_returned(tx, held, answer=answer, now=now):
            stop_writing(tx, name, held.address, why=answer, at=now)
        return
    text = f"a message to {held.recipient} was refused ({answer}); see `ehscheduler outbox --state refused`"
    if mark_refused(tx, held, answer=answer):
        raise_alarm(tx, name, code="refused", subject=held.message_id, text=text, at=now)


def _again(tx: Tx, round_: Round, held: Claim, outcome: Outcome, *, instead: bool) -> None:
    """Try a message again later, or give it up when its time has run out; what may have been taken waits a lease.

    With `instead` another way takes it, at once.
    """
    now, done = round_.now(), round_.done
    tries = tries_of(tx, held)
    send_after = next_try(tries, first=_first_try(tx, held, now), now=now, random=round_.rng.random)
    if send_after is not None and outcome.retry_after is not None:
        send_after = max(send_after, now + timedelta(seconds=outcome.retry_after))
    if send_after is None:
        text = f"a message to {held.recipient} was given up after 72 hours ({outcome.answer}); see `ehscheduler outbox`"
        if mark_dead(tx, held, answer=outcome.answer):
            raise_alarm(tx, held.authority, code="dead letter", subject=held.message_id, text=text, at=now)
        done.refused += 1
    elif outcome.kind == "uncertain":
        mark_uncertain(tx, held, answer=outcome.answer, next_try_at=max(send_after, now + round_.desk.lease))
        done.uncertain += 1
    else:
        mark_temporary(tx, held, answer=outcome.answer, send_after=now if instead else send_after)
        done.waiting += 1


def _first_try(tx: Tx, held: Claim, now: datetime) -> datetime:
    """Reckon when the notices in a message were first tried: when it was made, and the waits before that."""
    rows = outbox(tx, held.authority, states=["claimed"], recipient=held.recipient, limit=EVERY_DELIVERY)
    made = min((row.claimed_at for row in rows if row.message_id == held.message_id and row.claimed_at), default=now)
    before = tries_of(tx, held) - held.attempts
    return made - sum((wait(attempt, lambda: 0.5) for attempt in range(1, before + 1)), timedelta())
