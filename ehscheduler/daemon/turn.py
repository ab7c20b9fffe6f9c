"""One whole turn: take files in, decide, count work, look whether all is covered, deliver, tell the operator, beat."""

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ehscheduler.core.calendars import london_day
from ehscheduler.daemon.coverage import look_over
from ehscheduler.daemon.deliver import Delivered, deliver
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.feeds import Fed, take_drops
from ehscheduler.daemon.heartbeat import beat
from ehscheduler.daemon.limits import tell_limits
from ehscheduler.daemon.operator import tell_operator
from ehscheduler.daemon.tick import Ticked, fault_words, tick
from ehscheduler.daemon.weekly import tell_weekly
from ehscheduler.errors import StoreError
from ehscheduler.notify.words import count_words
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import clear_alarm, raise_alarm

log = logging.getLogger("ehscheduler.turn")
ACROSS = "turn fault"


@dataclass(frozen=True, slots=True)
class Turned:
    """What one turn did; `told` are the alarms that the operator was told."""

    ticked: Ticked
    delivered: Delivered
    told: int
    fed: Fed

    @property
    def said(self) -> str:
        """Say it in a sentence: always what was looked at and what left, and of the rest what there was."""
        said = [
            f"{count_words(self.ticked.cases, 'case')} looked at",
            f"{count_words(self.ticked.notices, 'notice')} decided",
            f"{count_words(self.delivered.handed_over, 'message')} handed over",
        ]
        rest = (
            (len(self.ticked.faults), "case", "could not be worked out"),
            (self.delivered.waiting, "message", "to be tried again"),
            (self.delivered.refused, "message", "refused"),
            (self.delivered.dropped, "notice", "no longer owed"),
            (self.told, "alarm", "told to the operator"),
            (self.fed.taken, "drop", "taken in"),
            (self.fed.refused, "drop", "refused"),
        )
        said += [f"{count_words(count, one)} {what}" for count, one, what in rest if count]
        held = ["sending is held since a restore"] if self.delivered.held else []
        return ", ".join(said + held) + "."


def turn(desk: Desk, now: Callable[[], datetime], *, stop: Callable[[], bool], rng: random.Random) -> Turned:
    """Do one whole turn; what stops half way is done by the next."""
    desk = desk.on(london_day(now()))
    fed = take_drops(desk, now(), stop=stop)
    ticked = tick(desk, now(), stop=stop)
    for authority in desk.authorities.values():
        if stop():
            break
        ticked.notices += _looked_across(desk, authority, now(), ticked)
    delivered = deliver(desk, now, stop=stop, rng=rng)
    turned = Turned(ticked, delivered, tell_operator(desk, now()), fed)
    if not stop():
        beat(desk, now(), well=not ticked.faults and not delivered.paused)
    return turned


def _looked_across(desk: Desk, authority: Authority, now: datetime, ticked: Ticked) -> int:
    """Count work and look whether all is covered; a fault is told, and nobody's messages wait for it."""
    try:
        new = tell_limits(desk, authority, now) + tell_weekly(desk, authority, now)
        look_over(desk.store, authority, desk.config, now)
    except StoreError:
        raise
    except Exception as error:  # what looks across cases harms none of them
        log.error("work or coverage could not be looked at", extra={"fault": type(error).__name__})
        ticked.faults.append(authority.name)
        with desk.store.begin() as tx:
            text = f"work or coverage could not be looked at ({fault_words(error)}); report this as a fault"
            raise_alarm(tx, authority.name, code=ACROSS, subject="turn", text=text, at=now)
        return 0
    with desk.store.begin() as tx:
        clear_alarm(tx, authority.name, code=ACROSS, subject="turn", at=now)
    return new
