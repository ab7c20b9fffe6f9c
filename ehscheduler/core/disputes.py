"""Disputes: who must decide, rung by rung, under a rule's `decided_by` ladder."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ehscheduler.core.calendars import ONE_SECOND, end_of_day, london_day
from ehscheduler.core.events import Event
from ehscheduler.core.history import History
from ehscheduler.core.holds import Held
from ehscheduler.core.limits import limit
from ehscheduler.core.policy import Step


@dataclass(frozen=True, slots=True)
class Rung:
    """One rung as it was or will be reached: its number from 1, who must record, and until when.

    `recorded` says what each of them has put on record there. Nobody is asked again who has, until they disagree.
    """

    stage: int
    who: tuple[str, ...]
    reached_at: datetime
    due_at: datetime | None
    final: bool
    together: bool
    readings: tuple[str, ...]
    recorded: Mapping[str, str] = field(default_factory=dict)

    @property
    def agreed(self) -> bool:
        """Tell whether it is decided here: by all, with one outcome, where they decide together, else by any one."""
        if not self.together:
            return bool(self.recorded)
        return set(self.recorded) == set(self.who) and len(set(self.recorded.values())) == 1

    @property
    def at_odds(self) -> bool:
        """Tell whether all who decide together have recorded, and not the same."""
        return self.together and set(self.recorded) == set(self.who) and not self.agreed

    @property
    def waits_for(self) -> tuple[str, ...]:
        """Return the roles that are still to record; all of them again, where they are at odds, or where what they
        decided was never put on record as the end of the dispute.
        """
        again = self.at_odds or self.agreed
        return self.who if again else tuple(role for role in self.who if role not in self.recorded)


def climb(
    steps: Sequence[Step], history: History, anchor: Event, ref: str | None, held: Held, stop: datetime | None
) -> tuple[Rung, ...]:
    """Follow a ladder from the start of its clock: by `dispute_escalated`, or as each rung's time runs out."""
    return tuple(_climb(steps, history, anchor, ref, held, stop))


def _climb(
    steps: Sequence[Step], history: History, anchor: Event, ref: str | None, held: Held, stop: datetime | None
) -> Iterator[Rung]:
    reached: datetime | None = end_of_day(anchor.day) if anchor.dated else anchor.moment
    by_itself = False
    asked = [e for e in history.occurrences("dispute_escalated") if _since(e, anchor) and e.ref in (None, ref)]
    decided = [e for e in history.occurrences("dispute_decided") if _since(e, anchor) and e.ref in (None, ref)]
    for stage, step in enumerate(steps, 1):
        if reached is None or (stop is not None and reached > stop):
            return
        due_at = _due(step, history, anchor, reached, held)
        recorded = {
            str(e.detail["by_role"]): str(e.detail.get("outcome", ""))
            for e in decided
            if e.detail.get("by_role") in step.who and _after(e, reached)
        }
        yield Rung(stage, step.who, reached, due_at, step.final, step.together, step.readings, recorded)
        while asked and (not _after(asked[0], reached) or (by_itself and asked[0].dated and _on(asked[0], reached))):
            asked.pop(0)  # an escalation of which the day alone is known writes down what that day brought by itself
        # Where only the date of an escalation or of the dispute is known, the rung is reached with the one before.
        asked_at = max(asked[0].moment, reached) if asked else None
        reached, by_itself = due_at + ONE_SECOND if due_at else None, True
        if asked_at is not None and (reached is None or asked_at < reached):
            asked.pop(0)
            reached, by_itself = asked_at, False


def _on(event: Event, reached: datetime) -> bool:
    return event.day == london_day(reached)


def _since(event: Event, anchor: Event) -> bool:
    unknown = event.day == anchor.day and (event.dated or anchor.dated)
    return unknown or event.moment >= anchor.moment


def _after(event: Event, reached: datetime) -> bool:
    return event.moment >= reached or (_on(event, reached) and (event.dated or reached == end_of_day(event.day)))


def _due(step: Step, history: History, anchor: Event, reached: datetime, held: Held) -> datetime | None:
    """Return when a rung's time runs out, counted from the dispute or from the moment the rung was reached."""
    due = step.due
    assert due.anchor is not None
    if due.anchor.word not in ("step_reached", "limit"):
        made = limit(due, anchor, history, held, None)
        return made.at if made else None
    # A ladder for overdue work begins with the first instant over its limit: the day of the limit is the one before.
    begun = reached if due.anchor.word == "step_reached" else anchor.moment - ONE_SECOND
    start = Event("", anchor.case, due.anchor.word, begun, False, london_day(begun), begun)
    made = limit(due, start, history, held, None)
    return made.at if made else None
