"""Working calendars: the one place where days are counted.

Every length is added by looking up a table of working days, never by walking. A `day` is a `date` in London;
a `moment` is an aware instant in UTC. Held days are given as runs of ordinals (see `holds`).
"""

from bisect import bisect_right
from calendar import monthrange
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import accumulate, compress
from zoneinfo import ZoneInfo

from ehscheduler.errors import OutOfCalendar

LONDON = ZoneInfo("Europe/London")
NATIONS = ("england", "scotland", "wales", "northern ireland")
DAY_UNITS = ("working day", "day", "week", "month", "year")
HOUR_UNITS = ("hour", "office hour")
ONE_SECOND = timedelta(seconds=1)

Run = tuple[int, int | None]
"""Days on which the case is on hold: the first held day and the first that is not (None: still on hold)."""


@dataclass(frozen=True, slots=True)
class Span:
    """A length such as 10 working days; `unit` is one of DAY_UNITS or HOUR_UNITS."""

    n: int
    unit: str

    def __str__(self) -> str:
        return f"{self.n} {self.unit}{'' if self.n == 1 else 's'}"

    @property
    def in_hours(self) -> bool:
        return self.unit in HOUR_UNITS


@lru_cache(maxsize=65536)
def start_of_day(day: date) -> datetime:
    """Return 00:00 of a London day, in UTC."""
    return datetime.combine(day, time(), LONDON).astimezone(UTC)


@lru_cache(maxsize=65536)
def end_of_day(day: date) -> datetime:
    """Return 23:59:59 of a London day, in UTC: the last second of a day's limit."""
    return datetime.combine(day, time(23, 59, 59), LONDON).astimezone(UTC)


@lru_cache(maxsize=65536)
def at_clock(day: date, clock: time) -> datetime:
    """Return a wall-clock time of a London day, in UTC (the first, where the clocks go back)."""
    return datetime.combine(day, clock, LONDON).astimezone(UTC)


def london_day(moment: datetime) -> date:
    """Return the London date on which a moment falls."""
    return moment.astimezone(LONDON).date()


@lru_cache(maxsize=65536)
def months_on(day: date, n: int) -> date:
    """Add n calendar months (negative: take away), clamped to the month's end (section 4.4 of the design)."""
    years, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    if not 1 <= years <= 9999:
        raise OutOfCalendar(f"{n} months from {day.isoformat()} is not a date")
    return date(years, month + 1, min(day.day, monthrange(years, month + 1)[1]))


class Calendar:
    """The working days of one nation and one authority, in the years that the table of days covers.

    `days_off` maps each bank holiday and closure day to its name. Years after `proclaimed_to` are forecasts.
    `sittings` says by meeting, or by "meeting/hub", which planned sitting was moved to which day, or cancelled (None).
    """

    def __init__(
        self,
        nation: str,
        days_off: Mapping[date, str],
        *,
        first_year: int,
        last_year: int,
        proclaimed_to: int,
        office_hours: tuple[time, time] | None = None,
        sittings: Mapping[str, Mapping[date, date | None]] | None = None,
    ) -> None:
        self.sittings = sittings or {}
        self.nation = nation
        self.days_off = dict(days_off)
        self.first = date(first_year, 1, 1)
        self.last = date(last_year, 12, 31)
        self.proclaimed_to = proclaimed_to
        self.office_hours = office_hours
        self._base = self.first.toordinal()
        off = {day.toordinal() for day in days_off}
        ordinals = range(self._base, self.last.toordinal() + 1)
        # Ordinal 1 was a Monday, so ordinal % 7 is 1..5 from Monday to Friday.
        working = [1 <= ordinal % 7 <= 5 and ordinal not in off for ordinal in ordinals]
        self._working = list(compress(ordinals, working))
        self._count = list(accumulate(working, initial=0))[1:]
        self._weekdays_off = sorted(day for day in days_off if day.isoweekday() <= 5)

    def with_sittings(self, moved: Mapping[str, Mapping[date, date | None]]) -> "Calendar":
        """Return this calendar with sittings that were moved, or cancelled (None), by meeting or "meeting/hub"."""
        made = copy(self)
        made.sittings = {**self.sittings, **moved}
        return made

    # ---- working days, by look-up

    def worked(self, ordinal: int) -> int:
        """Return how many working days the table holds up to and including the day of this ordinal."""
        if ordinal < self._base:
            raise OutOfCalendar(self._beyond(ordinal))
        try:
            return self._count[ordinal - self._base]
        except IndexError:
            raise OutOfCalendar(self._beyond(ordinal)) from None

    def _nth_working(self, index: int, near: int) -> int:
        if not 0 <= index < len(self._working):
            raise OutOfCalendar(self._beyond(near))
        return self._working[index]

    def _beyond(self, ordinal: int) -> str:
        day = date.fromordinal(ordinal).isoformat() if 1 <= ordinal <= date.max.toordinal() else "that day"
        return (
            f"working days near {day} cannot be counted: bank holidays are known from "
            f"{self.first.year} to {self.last.year}; correct the date"
        )

    def is_working(self, day: date) -> bool:
        return day.isoweekday() <= 5 and day not in self.days_off

    def why_not(self, day: date) -> str | None:
        """Say why a day is not a working day, or None when it is one."""
        return self.days_off.get(day) or (f"{day:%A}" if day.isoweekday() > 5 else None)

    def is_forecast(self, day: date) -> bool:
        """Tell whether a day lies beyond the last year whose bank holidays are proclaimed."""
        return day.year > self.proclaimed_to

    def on_or_before(self, day: date) -> date:
        """Return the last working day up to and including this one."""
        ordinal = day.toordinal()
        return date.fromordinal(self._nth_working(self.worked(ordinal) - 1, ordinal))

    def on_or_after(self, day: date) -> date:
        """Return the first working day from this one on."""
        ordinal = day.toordinal()
        return date.fromordinal(self._nth_working(self.worked(ordinal - 1), ordinal))

    def next_working(self, day: date) -> date:
        """Return the first working day after this one."""
        return self.on_or_after(day + timedelta(days=1))

    def days_off_between(self, after: date, until: date) -> list[date]:
        """Return the weekdays in (after, until] that are bank holidays or closure days, in order."""
        return self._weekdays_off[bisect_right(self._weekdays_off, after) : bisect_right(self._weekdays_off, until)]

    # ---- lengths of days

    def later(self, day: date, span: Span, held: Iterable[Run] = ()) -> date | None:
        """Return the day on which `span` has passed after `day`, held days left out; None if a hold is still open.

        `day` is day 0 (design 4.2). Working days count working days; months and years clamp; a held day counts
        nothing (4.11).
        """
        if span.unit == "working day":
            return self._later_working(day.toordinal(), span.n, held)
        return self._later_calendar(day.toordinal(), self._plain(day, span), held)

    def _plain(self, day: date, span: Span) -> int:
        if span.in_hours:
            raise OutOfCalendar(f"{span} cannot be counted here: give days, weeks, months or years")
        if span.unit == "day":
            return day.toordinal() + span.n
        if span.unit == "week":
            return day.toordinal() + 7 * span.n
        return months_on(day, span.n * (12 if span.unit == "year" else 1)).toordinal()

    def _later_working(self, start: int, n: int, held: Iterable[Run]) -> date | None:
        index = self.worked(start) + n - 1
        due = self._nth_working(index, start) if n > 0 else start
        for first, until in held:
            first = max(first, start + 1)
            if first > due:
                break
            if until is None:
                return None
            index += max(0, self.worked(until - 1) - self.worked(first - 1))
            due = self._nth_working(index, start)
        return date.fromordinal(due)

    def _later_calendar(self, start: int, due: int, held: Iterable[Run]) -> date | None:
        for first, until in held:
            first = max(first, start + 1)
            if first > due:
                break
            if until is None:
                return None
            due += max(0, until - first)
        try:
            return date.fromordinal(due)
        except (ValueError, OverflowError):
            raise OutOfCalendar(self._beyond(due)) from None

    def earlier(self, day: date, span: Span) -> date:
        """Return the day that lies `span` before `day`, counted backwards in the same units (design 4.7)."""
        ordinal = day.toordinal()
        if span.unit == "working day":
            return date.fromordinal(self._nth_working(self.worked(ordinal - 1) - span.n, ordinal))
        return date.fromordinal(self._plain(day, Span(-span.n, span.unit)))

    def count_between(self, after: date, until: date, unit: str) -> int:
        """Count the days of a unit's kind in (after, until]: working days, or all days."""
        if unit == "working day":
            return self.worked(until.toordinal()) - self.worked(after.toordinal())
        return until.toordinal() - after.toordinal()

    def roll(self, day: date, direction: str | None) -> date:
        """Move a day that is not a working day to the previous or next one, where the rule says so."""
        if direction is None:
            return day
        return self.on_or_before(day) if direction == "previous working day" else self.on_or_after(day)

    # ---- lengths of hours

    def hours_later(
        self, moment: datetime, span: Span, held: Iterable[tuple[datetime, datetime | None]] = ()
    ) -> datetime | None:
        """Return the moment at which `span` hours have passed, the exact time held left out; None in an open hold."""
        if span.unit == "hour":
            due = moment + timedelta(hours=span.n)
            for start, end in held:
                start = max(start, moment)
                if start >= due:
                    break
                if end is None:
                    return None
                due += max(end - start, timedelta())
            return due
        return self._office_later(moment, span.n * 3600, held)

    def _office_later(
        self, moment: datetime, seconds: int, held: Iterable[tuple[datetime, datetime | None]]
    ) -> datetime | None:
        target = self._office_seconds(moment) + seconds
        due = self._office_moment(target)
        for start, end in held:
            start = max(start, moment)
            if start >= due:
                break
            if end is None:
                return None
            target += max(0, self._office_seconds(end) - self._office_seconds(start))
            due = self._office_moment(target)
        return due

    def _office_span(self) -> tuple[int, int]:
        if self.office_hours is None:
            raise OutOfCalendar("office hours are counted, but [policy] hours does not say when the office is open")
        opens, closes = self.office_hours
        return opens.hour * 3600 + opens.minute * 60, closes.hour * 3600 + closes.minute * 60

    def _office_seconds(self, moment: datetime) -> int:
        """Count the office seconds from the start of the table to a moment."""
        opens, closes = self._office_span()
        local = moment.astimezone(LONDON)
        day = local.date()
        before = self.worked(day.toordinal() - 1) * (closes - opens)
        if not self.is_working(day):
            return before
        clock = local.hour * 3600 + local.minute * 60 + local.second
        return before + min(max(clock, opens), closes) - opens

    def _office_moment(self, seconds: int) -> datetime:
        opens, closes = self._office_span()
        index, rest = divmod(seconds - 1, closes - opens)
        day = date.fromordinal(self._nth_working(index, self._base))
        clock = opens + rest + 1
        return at_clock(day, time(clock // 3600, clock // 60 % 60, clock % 60))
