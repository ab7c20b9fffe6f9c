"""Hand-overs: a case that went from one lead professional to another. A first allocation is none."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ehscheduler.core.history import History

CHANGED_WORKER = "worker_changed"
_BEFORE = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class HandOver:
    """One change of the lead: from whom to whom, and since when it is known; `n` counts those of an episode, from 1.

    Where the case system tells only who leads now, `before` is the same person.
    """

    n: int
    before: str
    lead: str
    known_at: datetime


def handovers(history: History) -> tuple[HandOver, ...]:
    """Return every change of the lead in this episode, in order."""
    found: list[HandOver] = []
    for event in history.events:
        if event.word != CHANGED_WORKER and "lead" not in event.detail:
            continue
        before, lead = _lead(history, event.moment - _BEFORE), _lead(history, event.moment)
        if before and lead and (before != lead or event.word == CHANGED_WORKER):
            known_at = max(event.moment, event.recorded)
            found.append(HandOver(len(found) + 1, before, lead, known_at))
    return tuple(found)


def _lead(history: History, moment: datetime) -> str:
    return str(history.facts_at(moment).get("lead") or "")
