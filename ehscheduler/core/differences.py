"""Why a due date that somebody else counted is not ours: the usual ways to count otherwise, tried one after another."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from ehscheduler.core.calendars import Calendar, Span, london_day
from ehscheduler.core.events import Event
from ehscheduler.core.limits import Limit
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.saying import said_day, said_word
from ehscheduler.errors import OutOfCalendar

SAME = "the same"
UNEXPLAINED = "not explained"
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Difference:
    """Why two dates differ: a few words that group rows, and a sentence."""

    why: str
    said: str


def difference(ours: Milestone, theirs: date, calendar: Calendar, events: Iterable[Event]) -> Difference:
    """Say why a date is not ours, by the first way of counting that gives it; `events` are what is known of the case.

    What none of them gives is said in numbers.
    """
    if ours.due_on == theirs:
        return Difference(SAME, "")
    if ours.due_on is None:
        return Difference("no date of ours", _undated(ours))
    for found in (
        *_changed(ours, theirs),
        *_counted(ours, theirs, calendar),
        *_other_start(ours, theirs, calendar, events),
    ):
        return found
    return Difference(UNEXPLAINED, _in_numbers(ours, theirs, calendar))


def _undated(ours: Milestone) -> str:
    if ours.state == "on_hold":
        return "the case is on hold, and ours has no date until that ends"
    return "the clause sets no time" if ours.undated else "what ours counts from has not happened yet"


def _changed(ours: Milestone, theirs: date) -> Iterator[Difference]:
    """Try ours without what moved it, and its other limits."""
    if ours.changes and ours.original_due_at and london_day(ours.original_due_at) == theirs:
        change = ours.changes[-1]
        agreed = f"the later date agreed on {said_day(change.day)}" if change.kind == "relaxation" else "another phase"
        yield Difference("a later date", f"theirs leaves out {agreed}")
    for limit in ours.limits:
        if limit.on == theirs and limit is not ours.winner:
            yield Difference("another limit", f"theirs is another of the clause's limits: {_text(limit)}")


def _counted(ours: Milestone, theirs: date, calendar: Calendar) -> Iterator[Difference]:
    """Try the same length from the same day, counted in other ways."""
    limit = ours.winner
    if limit.unrolled == theirs:
        yield Difference(
            "not moved to a working day", "theirs is not moved to a working day, and the clause asks for it"
        )
    if limit.day_zero is None or limit.span is None or limit.span.in_hours:
        return
    day, span = limit.day_zero, limit.span
    if ours.held.runs and _is(theirs, calendar, day, span):
        yield Difference("a hold", "theirs counts the days on which the case was on hold")
    if span.unit == "working day":
        if day + timedelta(days=span.n) == theirs:
            yield Difference(
                "days of the calendar", f"theirs counts {span.n} days of the calendar; the clause says {span}"
            )
        if _weekdays_on(day, span.n) == theirs:
            off = [name for on, name in sorted(calendar.days_off.items()) if day < on <= theirs + ONE_DAY * 7]
            yield Difference("bank holidays", f"theirs counts days off as working days ({', '.join(off)})")
    elif span.unit == "day" and _is(theirs, calendar, day, Span(span.n, "working day")):
        yield Difference("working days", f"theirs counts {span.n} working days; the clause says {span}")
    for moved, why, said in (
        (-1, "the first day", "theirs counts the day of the event itself"),
        (1, "the first day", "theirs begins to count a day later"),
    ):
        if _is(theirs, calendar, day + ONE_DAY * moved, span):
            yield Difference(why, said)


def _other_start(ours: Milestone, theirs: date, calendar: Calendar, events: Iterable[Event]) -> Iterator[Difference]:
    """Try the same length from everything else that happened on the case."""
    limit = ours.winner
    if limit.span is None or limit.span.in_hours or limit.anchor is None:
        return
    for event in sorted(events, key=lambda event: (event.moment, event.id)):
        if event.id != limit.anchor.id and _is(theirs, calendar, event.day, limit.span):
            here = f"{said_word(limit.anchor.word)} on {said_day(limit.anchor.day)}"
            there = f"{said_word(event.word)} on {said_day(event.day)}"
            yield Difference("another start", f"theirs counts from {there}, ours from {here}")


def _is(theirs: date, calendar: Calendar, day: date, span: Span) -> bool:
    try:
        return calendar.later(day, span) == theirs
    except OutOfCalendar:
        return False


def _weekdays_on(day: date, n: int) -> date:
    """Count Mondays to Fridays, bank holidays too."""
    while n:
        day += ONE_DAY
        n -= day.isoweekday() <= 5
    return day


def _in_numbers(ours: Milestone, theirs: date, calendar: Calendar) -> str:
    assert ours.due_on is not None
    days = (theirs - ours.due_on).days
    apart = f"theirs is {abs(days)} {'day' if abs(days) == 1 else 'days'} {'later' if days > 0 else 'earlier'}"
    limit = ours.winner
    if limit.anchor is None:
        return apart
    since = (theirs - limit.anchor.day).days
    start = f"{said_word(limit.anchor.word)} on {said_day(limit.anchor.day)}"
    try:
        worked = calendar.worked(theirs.toordinal()) - calendar.worked(limit.anchor.day.toordinal())
    except OutOfCalendar:
        return f"{apart}; {since} days after {start}"
    return f"{apart}: {since} days, {worked} of them working, after {start}; ours is {_text(limit)}"


def _text(limit: Limit) -> str:
    return limit.text.replace("_", " ")
