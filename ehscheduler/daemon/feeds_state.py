"""How an authority is fed in one turn: whether what happened on cases is late, and which rules nobody could meet."""

from dataclasses import dataclass
from datetime import datetime

from ehscheduler.config import Config
from ehscheduler.daemon.feeds_fed import silent_rules
from ehscheduler.daemon.feeds_fresh import late_on_cases
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import alarms, clear_alarm, raise_alarm
from ehscheduler.store.cases import case_refs
from ehscheduler.store.tx import Tx

CODE = "not covered"
NOT_FED = "not fed"
"""The alarm about a rule that is silent; a question to the operator, for which the heartbeat does not stop."""
MANY = 100_000


@dataclass(frozen=True, slots=True)
class Feeding:
    """What decisions in one turn rest on besides the cases: whether their feed is `late`, and the `unfed` rules."""

    late: bool = False
    unfed: frozenset[str] = frozenset()


def feeding_of(tx: Tx, authority: Authority, config: Config, now: datetime) -> Feeding:
    """Look how an authority is fed; that its feed is late is an alarm at once, and coverage ends it."""
    if not case_refs(tx, authority.name):
        return Feeding()
    late = late_on_cases(tx, authority, config, now)
    for feed, said in late.items():
        text = f"{said}; until then nothing overdue goes up to the next person"
        raise_alarm(tx, authority.name, code=CODE, subject=f"feeds: {feed}", text=text, at=now)
    silent = {one.rule: one for one in silent_rules(tx, authority, config)}
    for open_ in alarms(tx, authority.name, limit=MANY):
        if open_.code == NOT_FED and open_.subject not in silent:
            clear_alarm(tx, authority.name, code=NOT_FED, subject=open_.subject, at=now)
    for rule, one in silent.items():
        text = f"{one.said}: feed it, or confirm it with [live.{authority.name}] fed, or leave it out of rules"
        raise_alarm(tx, authority.name, code=NOT_FED, subject=rule, text=text, at=now)
    return Feeding(bool(late), frozenset(silent))
