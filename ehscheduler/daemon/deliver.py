"""Delivery: claim what waits, send it, mark what the other side said. Never marked before it is sent.

A crash between sending and marking can repeat one message, under the same Message-ID; it never loses one.
"""

import logging
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ehscheduler.core.calendars import london_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.people import Directory
from ehscheduler.daemon.desk import MAIL, Desk, addressee_of
from ehscheduler.daemon.letters import Checked, Drop, check, compose, latest
from ehscheduler.notify.address import address_fault, message_id
from ehscheduler.notify.backoff import next_try, wait
from ehscheduler.notify.channel import Channel, Outcome
from ehscheduler.notify.mail import build
from ehscheduler.notify.messages import Addressee, Alarm, MessageRefused, Operator
from ehscheduler.notify.render import render
from ehscheduler.notify.words import moment_words
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import alarms, clear_alarm, mark_told, raise_alarm
from ehscheduler.store.notices import NewDelivery, add_deliveries
from ehscheduler.store.outbox import (
    Claim,
    Parcel,
    claim,
    claim_again,
    defer_deliveries,
    drop_deliveries,
    expired_claims,
    mark_dead,
    mark_handed_over,
    mark_refused,
    mark_temporary,
    mark_uncertain,
    tries_of,
    waiting_deliveries,
)
from ehscheduler.store.schema import EVERYWHERE
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

log = logging.getLogger("ehscheduler.deliver")
SET_UP_AGAIN = timedelta(minutes=5)
NOBODY_AGAIN = timedelta(hours=1)


@dataclass(slots=True)
class Delivered:
    """What one round of delivery did; `paused` says that the way out is shut for now."""

    handed_over: int = 0
    refused: int = 0
    waiting: int = 0
    uncertain: int = 0
    dropped: int = 0
    paused: bool = False


Clock = Callable[[], datetime]


def deliver(desk: Desk, now: Clock, *, stop: Callable[[], bool] = lambda: False, rng: random.Random) -> Delivered:
    """Send all that may be sent now, message by message, until nothing is left or the way out is shut."""
    done = Delivered()
    with desk.channel.session() as channel:
        for authority in desk.authorities.values():
            _sent_again(desk, authority, channel, now, done, stop, rng)
            while not stop() and not done.paused and (parcels := _waiting(desk, authority, now())):
                for parcel in parcels:
                    if stop() or done.paused:
                        break
                    _parcel(desk, authority, parcel, channel, now, done, rng)
    return done


def _waiting(desk: Desk, authority: Authority, now: datetime) -> list[Parcel]:
    with desk.store.read() as tx:
        return waiting_deliveries(tx, authority.name, now=now, limit=desk.config.daemon.batch, channels=[MAIL])


# ---- what another left behind


def _sent_again(
    desk: Desk,
    authority: Authority,
    channel: Channel,
    now: Clock,
    done: Delivered,
    stop: Callable[[], bool],
    rng: random.Random,
) -> None:
    """Send messages whose sender died or whose fate is unknown once more, as they are."""
    with desk.store.read() as tx:
        left = expired_claims(tx, authority.name, now=now())
    for expired in left:
        if stop() or done.paused:
            return
        with desk.store.begin() as tx:
            desk.guard(tx)
            held = claim_again(tx, expired, owner=desk.worker, now=now(), until=now() + desk.lease)
        if held is not None:
            _send(desk, held, channel, now, done, rng)


# ---- what waits


def _parcel(
    desk: Desk, authority: Authority, parcel: Parcel, channel: Channel, now: Clock, done: Delivered, rng: random.Random
) -> None:
    for held in _claimed(desk, authority, parcel, now(), done):
        if done.paused:
            _give_back(desk, held, now())
        else:
            _send(desk, held, channel, now, done, rng)


def _give_back(desk: Desk, held: Claim, now: datetime) -> None:
    with desk.store.begin() as tx:
        mark_temporary(tx, held, answer="the way out was shut", send_after=now + SET_UP_AGAIN, counts=False)


def _claimed(desk: Desk, authority: Authority, parcel: Parcel, now: datetime, done: Delivered) -> list[Claim]:
    """Check a parcel once more, and claim the messages it comes to; all in one transaction."""
    name = authority.name
    with desk.store.begin() as tx:
        desk.guard(tx)
        directory = desk.directory(tx, name, now)
        owed = _owed(tx, desk, authority, directory, parcel, now, done)
        if not owed:
            return []
        to = _addressee(tx, desk, authority, directory, parcel, now)
        if to is None:
            return []
        claims = []
        for letter, keys in compose(desk, authority, parcel.recipient, to, owed, now):
            held = claim(tx, name, letter, keys, owner=desk.worker, now=now, until=now + desk.lease)
            if held is not None:
                claims.append(held)
        return claims


def _owed(
    tx: Tx,
    desk: Desk,
    authority: Authority,
    directory: Directory,
    parcel: Parcel,
    now: datetime,
    done: Delivered,
) -> list[Checked]:
    evaluations: dict[str, Evaluation] = {}
    checked: list[Checked] = []
    drops: list[Drop] = []
    for waiting in parcel.items:
        ref = waiting.notice.case_ref
        if ref not in evaluations:
            evaluations[ref] = evaluation_of(tx, authority, ref, now)
        answer = check(waiting, evaluations[ref], authority, directory, parcel.recipient)
        if isinstance(answer, Drop):
            drops.append(answer)
        else:
            checked.append(answer)
    owed, less = latest(checked)
    _drop(tx, authority, parcel, [*drops, *less], now)
    done.dropped += len(drops) + len(less)
    return owed


def _drop(tx: Tx, authority: Authority, parcel: Parcel, drops: Sequence[Drop], now: datetime) -> None:
    for drop in drops:
        drop_deliveries(tx, authority.name, [(drop.key, parcel.recipient, parcel.channel)], why=drop.why)
        instead = [NewDelivery(recipient=r, channel=parcel.channel, send_after=now) for r in drop.instead]
        add_deliveries(tx, authority.name, drop.key, instead)
        said = {"notice": drop.key, "to": parcel.recipient, "why": drop.why, "instead": list(drop.instead)}
        append_trail(tx, authority.name, at=now, who="daemon", act="drop", case_ref=drop.key.split("|")[0], detail=said)


def _addressee(
    tx: Tx, desk: Desk, authority: Authority, directory: Directory, parcel: Parcel, now: datetime
) -> Addressee | None:
    """Return who a parcel goes to; None, with an alarm and a later try, where nobody can be written to."""
    person = addressee_of(parcel.recipient, desk, authority.name, directory)
    fault = "nobody current" if person is None else address_fault(person.email)
    if person is not None and fault is None:
        clear_alarm(tx, authority.name, code="no address", subject=parcel.recipient, at=now)
        return Addressee(person.name, person.email)
    text = f"{parcel.recipient} cannot be written to ({fault}); correct people.csv or [duty] in the configuration"
    raise_alarm(tx, authority.name, code="no address", subject=parcel.recipient, text=text, at=now)
    keys = [(w.notice.key, parcel.recipient, parcel.channel) for w in parcel.items]
    defer_deliveries(tx, authority.name, keys, until=now + NOBODY_AGAIN)
    return None


# ---- sending


def _send(desk: Desk, held: Claim, channel: Channel, now: Clock, done: Delivered, rng: random.Random) -> None:
    outcome = channel.send(
        held.body, to=held.address, message_id=held.message_id, deadline=float(desk.config.mail.deadline_seconds)
    )
    with desk.store.begin() as tx:
        _mark(tx, desk, held, outcome, now(), done, rng)


def _mark(
    tx: Tx, desk: Desk, held: Claim, outcome: Outcome, now: datetime, done: Delivered, rng: random.Random
) -> None:
    name, answer = held.authority, outcome.answer
    said = {"message": held.message_id, "to": held.recipient, "outcome": outcome.kind, "answer": answer}
    append_trail(tx, name, at=now, who="daemon", act="send", detail=said)
    log.info("sent", extra={"message": held.message_id, "outcome": outcome.kind, "code": outcome.code})
    match outcome.kind:
        case "accepted":
            mark_handed_over(tx, held, now=now, answer=answer)
            clear_alarm(tx, EVERYWHERE, code="mail", subject=desk.channel.name, at=now)
            done.handed_over += 1
        case "permanent":
            mark_refused(tx, held, answer=answer)
            text = f"a message to {held.recipient} was refused ({answer}); see `ehscheduler outbox --state refused`"
            raise_alarm(tx, name, code="refused", subject=held.message_id, text=text, at=now)
            done.refused += 1
        case "uncertain":
            mark_uncertain(tx, held, answer=answer, next_try_at=now + desk.lease)
            done.uncertain += 1
        case "temporary":
            _again(tx, held, outcome, now, done, rng)
        case "misconfigured":
            mark_temporary(tx, held, answer=answer, send_after=now + SET_UP_AGAIN, counts=False)
            text = f"mail cannot be sent until [mail] in the configuration is put right: {answer}"
            raise_alarm(tx, EVERYWHERE, code="mail", subject=desk.channel.name, text=text, at=now)
            done.waiting += 1
    done.paused = done.paused or outcome.kind == "misconfigured" or outcome.about == "channel"


def _again(tx: Tx, held: Claim, outcome: Outcome, now: datetime, done: Delivered, rng: random.Random) -> None:
    tries = _tries(tx, held)
    send_after = next_try(tries, first=_first_try(tries, now), now=now, random=rng.random)
    if send_after is None:
        mark_dead(tx, held, answer=outcome.answer)
        text = f"a message to {held.recipient} was given up after 72 hours ({outcome.answer}); see `ehscheduler outbox`"
        raise_alarm(tx, held.authority, code="dead letter", subject=held.message_id, text=text, at=now)
        done.refused += 1
    else:
        mark_temporary(tx, held, answer=outcome.answer, send_after=send_after)
        done.waiting += 1


def _tries(tx: Tx, held: Claim) -> int:
    """Return how often the longest-waiting notice in a message has been tried, this time included."""
    return tries_of(tx, held)


def _first_try(tries: int, now: datetime) -> datetime:
    """Reckon back when the first of so many tries was made."""
    return now - sum((wait(attempt, lambda: 0.5) for attempt in range(1, tries)), timedelta())


# ---- the operator


def tell_operator(desk: Desk, now: datetime) -> int:
    """Mail the alarms that the operator has not heard; return how many. Without an address, `doctor` shows them."""
    email = desk.config.operator.email
    with desk.store.read() as tx:
        untold = [alarm for alarm in alarms(tx) if alarm.told_at is None]
    if not untold or not email:
        return 0
    said = tuple(
        Alarm(kind=a.code, what=a.text, place=a.authority, remedy="", since=moment_words(a.at)) for a in untold[:50]
    )
    message = Operator(to=Addressee("Operator", email), day=london_day(now), at=moment_words(now), alarms=said)
    try:
        rendered = render(message)
        id_ = message_id("|".join(f"{a.authority}#{a.id}" for a in untold[:50]), desk.sender.address.rpartition("@")[2])
        body = build(rendered, to=email, sender=desk.sender, message_id=id_, moment=now)
    except MessageRefused as refused:
        log.error("alarms could not be written", extra={"faults": refused.faults})
        return 0
    outcome = desk.channel.send(body, to=email, message_id=id_, deadline=float(desk.config.mail.deadline_seconds))
    if outcome.kind != "accepted":
        return 0
    with desk.store.begin() as tx:
        for a in untold[:50]:
            mark_told(tx, a.authority, [a.id], at=now)
    return len(said)
