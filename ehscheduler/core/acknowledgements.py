"""Acknowledgements: somebody has seen that a thing is due, and is left alone about it for a bounded time (design 6).

They change what one person hears and nothing else: no limit moves, and whoever is above hears as before. The document
gives no length: one working day unless a date is given, and never more than five (ours).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from ehscheduler.core.calendars import Calendar, Span, london_day
from ehscheduler.core.events import Event
from ehscheduler.core.history import History

ACKNOWLEDGED = "acknowledged"
USUAL, AT_MOST = Span(1, "working day"), Span(5, "working day")


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """One person is left alone about one milestone to the end of a day; `n` counts those of a case, from 1."""

    n: int
    milestone: str
    person: str
    moment: datetime
    until: date
    reason: str = ""

    def quiet(self, now: datetime) -> bool:
        return self.moment <= now and london_day(now) <= self.until


def acknowledgements(history: History) -> tuple[Acknowledgement, ...]:
    """Read the acknowledgements of this episode, in order; one that asks for longer than it may lasts as it may."""
    said = [event for event in history.events if event.word == ACKNOWLEDGED and event.ref]
    return tuple(
        Acknowledgement(
            n,
            event.ref or "",
            str(event.detail.get("person") or ""),
            event.moment,
            _until(event, history.calendar),
            str(event.detail.get("reason") or ""),
        )
        for n, event in enumerate(said, 1)
    )


def latest_of(made: Iterable[Acknowledgement], milestone: str, person: str) -> Acknowledgement | None:
    """Return what a person said last about a milestone."""
    return max(
        (one for one in made if (one.milestone, one.person) == (milestone, person)), key=lambda one: one.n, default=None
    )


def lasts_until(day: date, calendar: Calendar, until: date | None) -> date:
    """Return the last day of an acknowledgement of a day: the one given, else the usual one."""
    return until or calendar.later(day, USUAL) or day


def at_most_until(day: date, calendar: Calendar) -> date:
    """Return the last day that an acknowledgement of a day may reach."""
    return calendar.later(day, AT_MOST) or day


def _until(event: Event, calendar: Calendar) -> date:
    given = event.detail.get("until")
    try:
        until = date.fromisoformat(given) if isinstance(given, str) else None
    except ValueError:
        until = None
    return min(lasts_until(event.day, calendar, until), at_most_until(event.day, calendar))
