"""Limits: what one phrase gives on one case, before any relaxation."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from ehscheduler.core.calendars import ONE_SECOND, Span, end_of_day, london_day, months_on, start_of_day
from ehscheduler.core.events import Event
from ehscheduler.core.history import History
from ehscheduler.core.holds import NOT_HELD, Held
from ehscheduler.core.meetings import next_sitting
from ehscheduler.core.phrases import Due, FactSpan, Length, ReadingSpan, Target, read_span

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit as counted: the last day (`on`) and the last second (`at`); both None in an open hold or undated.

    `span` and `day_zero` are what was counted; `target` is the date a backward limit counts from; `no_earlier` the
    day on which a phase began, where counting alone would give an earlier one; `unrolled` the day as counted, before
    it was moved to a working day. `waits` says that the event which ends the count has not happened yet, and
    `nudge_at` when the one before it did. `set_at` is when something other than the anchor set the limit.
    """

    text: str
    on: date | None
    at: datetime | None
    in_hours: bool = False
    undated: bool = False
    backward: bool = False
    anchor: Event | None = field(default=None, repr=False)
    span: Span | None = None
    day_zero: date | None = None
    target: date | None = None
    no_earlier: date | None = None
    unrolled: date | None = None
    waits: bool = False
    nudge_at: datetime | None = None
    set_at: datetime | None = None

    def past(self, moment: datetime, day: date) -> bool:
        """Tell whether the limit has passed: by dates for a day clock, by instants for an hour clock."""
        if self.on is None or self.at is None:
            return False
        return moment > self.at if self.in_hours else day > self.on

    def missed_by(self, evidence: Event) -> bool:
        return self.past(evidence.moment, evidence.day)

    @property
    def overdue_at(self) -> datetime | None:
        """Return the first instant after the limit."""
        return None if self.at is None else self.at + ONE_SECOND


def earliest(limits: Sequence[Limit]) -> Limit:
    """Return the limit that comes first; a dated one before an undated or held one (design 4.12)."""
    dated = [limit for limit in limits if limit.at is not None]
    return min(dated, key=_at) if dated else limits[0]


def _at(limit: Limit) -> datetime:
    assert limit.at is not None
    return limit.at


def span_of(length: Length, history: History, moment: datetime) -> Span | None:
    """Return the length itself; None where the attribute that gives it is blank, or nobody has answered the reading."""
    if isinstance(length, Span):
        return length
    if isinstance(length, FactSpan):
        value = history.facts_at(moment).get(length.fact)
        return value if isinstance(value, Span) else None
    assert isinstance(length, ReadingSpan)
    answer = history.policy.readings[length.reading].value
    value = read_span(answer) if answer else None
    return value if isinstance(value, Span) else None


def limit(
    due: Due, anchor: Event | None, history: History, held: Held, child: str | None, *, roll: str | None = None
) -> Limit | None:
    """Count one due phrase from its anchor, or back from its date; None where it does not apply."""
    if due.backward:
        return _backward(due, history, child)
    if anchor is None:
        return None
    if due.how == "no set time":
        return Limit(due.text, None, None, undated=True, anchor=anchor)
    if due.how == "at once":
        at = end_of_day(anchor.day) if anchor.dated else anchor.moment
        return Limit(due.text, london_day(at), at, in_hours=True, anchor=anchor)
    if due.how == "same day":
        return Limit(due.text, anchor.day, end_of_day(anchor.day), anchor=anchor, day_zero=anchor.day)
    if due.how == "next":
        if not history.policy.meetings[due.meeting].on:
            return None  # nobody has answered on which day it sits
        on = _sitting(due.meeting, anchor, history, held)
        text = due.text.replace(due.meeting, history.policy.meetings[due.meeting].title, 1)
        return Limit(text, on, end_of_day(on) if on else None, anchor=anchor)
    assert due.length is not None
    span = span_of(due.length, history, anchor.moment)
    if span is None:
        return None
    if span.in_hours:
        return _hours(due, span, anchor, history, held)
    return _days(due.text, span, anchor, history, held, anchor.day, roll)


def _sitting(name: str, anchor: Event, history: History, held: Held) -> date | None:
    """Return the next sitting of a meeting, in the case's own hub where each hub has its own."""
    meeting = history.policy.meetings[name]
    hub = str(history.facts_at(anchor.moment).get(meeting.per) or "") if meeting.per else ""
    return next_sitting(meeting, history.calendar, anchor, held, hub)


def _hours(due: Due, span: Span, anchor: Event, history: History, held: Held) -> Limit:
    begin = end_of_day(anchor.day) if anchor.dated else anchor.moment
    at = history.calendar.hours_later(begin, span, held.spans)
    return Limit(due.text, london_day(at) if at else None, at, in_hours=True, anchor=anchor, span=span)


def _days(
    text: str, span: Span, anchor: Event, history: History, held: Held, day_zero: date, roll: str | None = None
) -> Limit:
    if history.policy.counts_first_day:
        day_zero -= _ONE_DAY
    counted = history.calendar.later(day_zero, span, held.runs)
    on = None if counted is None else history.calendar.roll(counted, roll)
    at = end_of_day(on) if on else None
    return Limit(text, on, at, anchor=anchor, span=span, day_zero=day_zero, unrolled=counted if roll else None)


def days_limit(
    text: str, length: Length, anchor: Event, history: History, held: Held, day_zero: date | None = None
) -> Limit | None:
    """Count a rhythm's interval from the event that started the instance."""
    span = span_of(length, history, anchor.moment)
    if span is None:
        return None
    return _days(text, span, anchor, history, held, day_zero or anchor.day)


def day_after(length: Length, anchor: Event, history: History, held: Held) -> date | None:
    """Return the day on which a length after an event has passed."""
    span = span_of(length, history, anchor.moment)
    return None if span is None else history.calendar.later(anchor.day, span, held.runs)


def _backward(due: Due, history: History, child: str | None) -> Limit | None:
    assert due.target is not None
    target = target_day(due.target, history, child)
    if target is None:
        return None
    span = span_of(due.length, history, history.now) if due.length else None
    if due.length is not None and span is None:
        return None
    if span is not None:
        on = history.calendar.earlier(target, span)
    else:
        on = target - _ONE_DAY if due.how == "before" else target
    set_at = known_from(due.target, history, child)
    at = end_of_day(on)
    made = Limit(due.text, on, at, backward=True, span=span, day_zero=target, target=target, set_at=set_at)
    told = _told_by(due.target, history)
    return no_earlier(made, told.day, told.moment) if told else made


def no_earlier(limit: Limit, day: date, moment: datetime) -> Limit:
    """Return a limit that is not over before what it counts for began: on that day at the earliest (design 4.7, ours).

    So a visit that is booked for tomorrow is not too late for what was to be done three days before it.
    """
    if limit.on is None or limit.on >= day:
        return limit
    return replace(limit, on=day, at=end_of_day(day), no_earlier=day, set_at=moment)


def _told_by(target: Target, history: History) -> Event | None:
    """Return the event that gave the date to count back from, where it speaks of another date than its own."""
    events = history.each_of(target.anchor) if target.anchor else ()
    if not events:
        return None
    if target.kind == "meeting":
        return events[0]
    return events[-1] if isinstance(events[-1].detail.get("date"), str) else None


def known_from(target: Target, history: History, child: str | None) -> datetime | None:
    """Return since when there has been a date to count back from; None where the case always had it."""
    if target.kind == "fact":
        return history.known_since(target.name)[0]
    if target.kind == "birthday":
        return next((m.joined.moment for m in history.family if m.child.ref == child and m.joined), None)
    events = history.each_of(target.anchor) if target.anchor else ()
    return events[0].moment if events else None


def target_day(target: Target, history: History, child: str | None) -> date | None:
    """Return the date that a backward limit counts from, as it is now known."""
    if target.kind == "fact":
        value = history.known_since(target.name)[1]
        return value if isinstance(value, date) else None
    if target.kind == "birthday":
        born = history.born(child)
        # The eldest child's birthday comes first; a birth on 29 February counts on 28 February in a common year.
        return months_on(min(born), 12 * target.n) if born else None
    if target.anchor is None:
        return None
    events = history.each_of(target.anchor)
    if not events:
        return None
    if target.kind == "meeting":
        return _sitting(target.name, events[0], history, NOT_HELD)
    return _date_of(events[-1])  # what was booked anew has the new date, as an attribute has its new value


def _date_of(event: Event) -> date:
    """Return the date that an event speaks of, where its detail gives one ("date"), else the day it happened."""
    said = event.detail.get("date")
    try:
        return date.fromisoformat(said) if isinstance(said, str) else event.day
    except ValueError:
        return event.day


def opens_at(
    not_before: Due, anchor: Event | None, history: History, held: Held, child: str | None, *, roll: str | None = None
) -> datetime | None:
    """Return when a `not_before` opens: the day after a span has run, an hour span's instant, or the date itself.

    A sitting is a date. `roll` moves the day after a span off weekends and bank holidays.
    """
    made = limit(not_before, anchor, history, held, child)
    if made is None or made.on is None or made.at is None:
        return None
    if made.in_hours:
        return made.at
    if made.backward or not_before.how in ("same day", "next"):
        return start_of_day(made.on)
    return start_of_day(history.calendar.roll(made.on + _ONE_DAY, roll))
