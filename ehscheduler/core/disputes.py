"""Disputes: who must decide, rung by rung, under a rule's `decided_by` ladder."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ehscheduler.core.calendars import ONE_SECOND, end_of_day, london_day
from ehscheduler.core.events import Event
from ehscheduler.core.history import History
from ehscheduler.core.holds import Held
from ehscheduler.core.limits import limit
from ehscheduler.core.policy import Step


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung as it was or will be reached: its number from 1, who must record, and until when."""

    stage: int
    who: tuple[str, ...]
    reached_at: datetime
    due_at: datetime | None
    final: bool
    together: bool
    readings: tuple[str, ...]


def climb(
    steps: Sequence[Step], history: History, anchor: Event, ref: str | None, held: Held, stop: datetime | None
) -> tuple[Rung, ...]:
    """Follow a ladder from the start of its clock: by `dispute_escalated`, or as each rung's time runs out."""
    return tuple(_climb(steps, history, anchor, ref, held, stop))


def _climb(
    steps: Sequence[Step], history: History, anchor: Event, ref: str | None, held: Held, stop: datetime | None
) -> Iterator[Rung]:
    reached: datetime | None = end_of_day(anchor.day) if anchor.dated else anchor.moment
    asked = [e for e in history.occurrences("dispute_escalated") if _since(e, anchor) and e.ref in (None, ref)]
    for stage, step in enumerate(steps, 1):
        if reached is None or (stop is not None and reached > stop):
            return
        due_at = _due(step, history, anchor, reached, held)
        yield Rung(stage, step.who, reached, due_at, step.final, step.together, step.readings)
        while asked and not _after(asked[0], reached):
            asked.pop(0)
        # Where only the date of an escalation or of the dispute is known, the rung is reached with the one before.
        asked_at = max(asked[0].moment, reached) if asked else None
        reached = due_at + ONE_SECOND if due_at else None
        if asked_at is not None and (reached is None or asked_at <= reached):
            asked.pop(0)
            reached = asked_at


def _since(event: Event, anchor: Event) -> bool:
    unknown = event.day == anchor.day and (event.dated or anchor.dated)
    return unknown or event.moment >= anchor.moment


def _after(event: Event, reached: datetime) -> bool:
    return event.moment >= reached or (
        event.day == london_day(reached) and (event.dated or reached == end_of_day(event.day))
    )


def _due(step: Step, history: History, anchor: Event, reached: datetime, held: Held) -> datetime | None:
    """Return when a rung's time runs out, counted from the dispute or from the moment the rung was reached."""
    due = step.due
    assert due.anchor is not None
    if due.anchor.word != "step_reached":
        made = limit(due, anchor, history, held, None)
        return made.at if made else None
    start = Event("", anchor.case, "step_reached", reached, False, london_day(reached), reached)
    made = limit(due, start, history, held, None)
    return made.at if made else None
