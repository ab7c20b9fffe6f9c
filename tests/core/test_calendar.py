"""The calendar against a dull loop that walks day by day, and against the government's own list of bank holidays."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

import pytest
from govuk_bank_holidays.bank_holidays import BankHolidays
from hypothesis import example, given
from hypothesis import strategies as st

from ehscheduler.core.calendars import (
    LONDON,
    NATIONS,
    Calendar,
    Span,
    at_clock,
    end_of_day,
    london_day,
    months_on,
    start_of_day,
)
from ehscheduler.errors import OutOfCalendar
from ehscheduler.policy_files import FIRST_YEAR, LAST_YEAR, PROCLAIMED_TO, bank_holidays

ONE_DAY = timedelta(days=1)
OPENS, CLOSES = time(9, 0), time(17, 0)
SPRING, AUTUMN = date(2026, 3, 29), date(2026, 10, 25)


@lru_cache
def a_calendar(nation: str) -> Calendar:
    return Calendar(
        nation,
        bank_holidays(nation),
        first_year=FIRST_YEAR,
        last_year=LAST_YEAR,
        proclaimed_to=PROCLAIMED_TO,
        office_hours=(OPENS, CLOSES),
    )


# ---- the dull loop: one day at a time, no table, no cleverness


def dull_working(day: date, off: Mapping[date, str]) -> bool:
    return day.strftime("%a") not in ("Sat", "Sun") and day not in off


def dull_held(day: date, holds: list[tuple[date, date]]) -> bool:
    """A day is held when the case is on hold at its end: from the day of the start, to the day before the end."""
    return any(start <= day < end for start, end in holds)


def dull_later(day: date, n: int, unit: str, off: Mapping[date, str], holds: list[tuple[date, date]]) -> date:
    """Walk on from day 0 until the required number of days, held days left out, has passed."""
    if unit == "working day":
        wanted, counts = n, lambda d: dull_working(d, off)
    else:
        wanted, counts = (dull_plain(day, n, unit) - day).days, lambda d: True
    passed = 0
    while passed < wanted:
        day += ONE_DAY
        if counts(day) and not dull_held(day, holds):
            passed += 1
    return day


def dull_plain(day: date, n: int, unit: str) -> date:
    if unit == "day":
        return day + timedelta(days=n)
    if unit == "week":
        return day + timedelta(days=7 * n)
    return dull_months(day, n if unit == "month" else 12 * n)


def dull_months(day: date, n: int) -> date:
    """Count months on the fingers; where the month is too short, step back to its last day."""
    year, month = day.year, day.month
    for _ in range(abs(n)):
        month += 1 if n > 0 else -1
        year, month = (year + 1, 1) if month == 13 else (year - 1, 12) if month == 0 else (year, month)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month, last)
        except ValueError:
            continue
    return date(year, month, min(day.day, 28))


def dull_earlier(day: date, n: int, off: Mapping[date, str]) -> date:
    passed = 0
    while passed < n:
        day -= ONE_DAY
        passed += dull_working(day, off)
    return day


nations = st.sampled_from(NATIONS)
days = st.dates(date(2015, 1, 1), date(2035, 12, 31))
units = st.sampled_from(["working day", "day", "week", "month", "year"])


@st.composite
def lengths(draw: st.DrawFn) -> Span:
    unit = draw(units)
    most = {"working day": 120, "day": 400, "week": 60, "month": 24, "year": 3}[unit]
    return Span(draw(st.integers(1, most)), unit)


@st.composite
def held_stretches(draw: st.DrawFn, near: date) -> list[tuple[date, date]]:
    """Draw holds in order, none overlapping; some begin before day 0, some end on the day that they began."""
    holds = []
    at = near + timedelta(days=draw(st.integers(-20, 5)))
    for _ in range(draw(st.integers(0, 4))):
        start = at + timedelta(days=draw(st.integers(0, 40)))
        at = start + timedelta(days=draw(st.integers(0, 30)))
        holds.append((start, at))
    return holds


def runs(holds: list[tuple[date, date]]) -> list[tuple[int, int | None]]:
    return [(start.toordinal(), end.toordinal()) for start, end in holds]


@given(nations, days, lengths())
@example("england", date(2026, 8, 28), Span(1, "working day"))
@example("england", date(2027, 11, 30), Span(3, "month"))
@example("england", date(2028, 2, 29), Span(1, "year"))
def test_a_length_ends_where_the_dull_loop_ends(nation: str, day: date, span: Span) -> None:
    expected = dull_later(day, span.n, span.unit, bank_holidays(nation), [])
    assert a_calendar(nation).later(day, span) == expected


@given(nations, days, lengths(), st.data())
def test_a_length_with_holds_ends_where_the_dull_loop_ends(
    nation: str, day: date, span: Span, data: st.DataObject
) -> None:
    holds = data.draw(held_stretches(day))
    expected = dull_later(day, span.n, span.unit, bank_holidays(nation), holds)
    assert a_calendar(nation).later(day, span, runs(holds)) == expected


@given(nations, days, lengths(), st.data())
def test_an_open_hold_leaves_no_date_unless_it_began_after_the_limit(
    nation: str, day: date, span: Span, data: st.DataObject
) -> None:
    holds = data.draw(held_stretches(day))
    opens = (holds[-1][1] if holds else day) + timedelta(days=data.draw(st.integers(0, 60)))
    without = dull_later(day, span.n, span.unit, bank_holidays(nation), holds)
    expected = without if opens > without else None
    assert a_calendar(nation).later(day, span, [*runs(holds), (opens.toordinal(), None)]) == expected


@given(nations, days, lengths(), st.data())
def test_a_hold_never_gives_an_earlier_date(nation: str, day: date, span: Span, data: st.DataObject) -> None:
    holds = data.draw(held_stretches(day))
    calendar = a_calendar(nation)
    with_holds = calendar.later(day, span, runs(holds))
    plain = calendar.later(day, span)
    assert with_holds is not None
    assert plain is not None
    assert with_holds >= plain


@given(nations, days, lengths())
def test_counting_back_ends_where_the_dull_loop_ends(nation: str, day: date, span: Span) -> None:
    if span.unit == "working day":
        expected = dull_earlier(day, span.n, bank_holidays(nation))
    elif span.unit in ("month", "year"):
        expected = dull_months(day, -span.n * (12 if span.unit == "year" else 1))
    else:
        expected = day - timedelta(days=span.n * (7 if span.unit == "week" else 1))
    assert a_calendar(nation).earlier(day, span) == expected


@given(nations, days)
def test_the_nearest_working_days_are_those_of_the_dull_loop(nation: str, day: date) -> None:
    calendar, off = a_calendar(nation), bank_holidays(nation)
    before, after = day, day
    while not dull_working(before, off):
        before -= ONE_DAY
    while not dull_working(after, off):
        after += ONE_DAY
    following = day + ONE_DAY
    while not dull_working(following, off):
        following += ONE_DAY
    assert calendar.on_or_before(day) == calendar.roll(day, "previous working day") == before
    assert calendar.on_or_after(day) == calendar.roll(day, "next working day") == after
    assert calendar.next_working(day) == following
    assert calendar.roll(day, None) == day
    assert calendar.is_working(day) == dull_working(day, off) == (calendar.why_not(day) is None)


@given(nations, days, st.integers(0, 100))
def test_days_between_are_counted_as_the_dull_loop_counts(nation: str, day: date, reach: int) -> None:
    off = bank_holidays(nation)
    until = day + timedelta(days=reach)
    walked = [day + timedelta(days=n) for n in range(1, reach + 1)]
    calendar = a_calendar(nation)
    assert calendar.count_between(day, until, "working day") == sum(dull_working(d, off) for d in walked)
    assert calendar.count_between(day, until, "day") == reach
    assert calendar.days_off_between(day, until) == [d for d in walked if d in off and d.isoweekday() < 6]


@given(days, st.integers(-40, 40))
def test_months_clamp_to_the_months_end(day: date, n: int) -> None:
    assert months_on(day, n) == dull_months(day, n)


# ---- hours


def dull_office(
    moment: datetime, seconds: int, off: Mapping[date, str], held: list[tuple[datetime, datetime]]
) -> datetime:
    """Walk on minute by minute; a minute counts when the office is open and the case is not on hold."""
    at, minutes = moment, seconds // 60
    while minutes:
        local = at.astimezone(LONDON)
        is_open = dull_working(local.date(), off) and OPENS <= local.time() < CLOSES
        is_held = any(start <= at < end for start, end in held)
        minutes -= is_open and not is_held
        at += timedelta(minutes=1)
    return at


moments = st.builds(
    lambda day, minute: start_of_day(day) + timedelta(minutes=minute), days, st.integers(0, 24 * 60 - 1)
)


@st.composite
def held_moments(draw: st.DrawFn, near: datetime) -> list[tuple[datetime, datetime]]:
    holds = []
    at = near + timedelta(minutes=draw(st.integers(-2000, 600)))
    for _ in range(draw(st.integers(0, 3))):
        start = at + timedelta(minutes=draw(st.integers(0, 2000)))
        at = start + timedelta(minutes=draw(st.integers(0, 3000)))
        holds.append((start, at))
    return holds


@given(nations, moments, st.integers(1, 30), st.data())
def test_office_hours_run_out_where_the_dull_loop_says(
    nation: str, moment: datetime, n: int, data: st.DataObject
) -> None:
    held = data.draw(held_moments(moment))
    expected = dull_office(moment, n * 3600, bank_holidays(nation), held)
    assert a_calendar(nation).hours_later(moment, Span(n, "office hour"), held) == expected


@given(moments, st.integers(1, 200), st.data())
def test_hours_are_extended_by_the_exact_time_held(moment: datetime, n: int, data: st.DataObject) -> None:
    held = data.draw(held_moments(moment))
    at, minutes = moment, n * 60
    while minutes:
        minutes -= not any(start <= at < end for start, end in held)
        at += timedelta(minutes=1)
    assert a_calendar("england").hours_later(moment, Span(n, "hour"), held) == at


@given(moments, st.integers(1, 100), st.sampled_from(["hour", "office hour"]), st.data())
def test_hours_in_an_open_hold_have_no_end_unless_they_ran_out_before(
    moment: datetime, n: int, unit: str, data: st.DataObject
) -> None:
    calendar = a_calendar("england")
    plain = calendar.hours_later(moment, Span(n, unit))
    opens = moment + timedelta(minutes=data.draw(st.integers(-1000, 20000)))
    assert plain is not None
    assert calendar.hours_later(moment, Span(n, unit), [(opens, None)]) == (plain if opens >= plain else None)


def test_office_hours_need_opening_hours() -> None:
    calendar = Calendar("england", {}, first_year=2026, last_year=2026, proclaimed_to=2026)
    with pytest.raises(OutOfCalendar, match=r"\[policy\] hours"):
        calendar.hours_later(start_of_day(date(2026, 3, 2)), Span(1, "office hour"))


# ---- both clock changes


def london(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-28T10:00:00+00:00", 24, "2026-03-29T11:00:00+01:00"),
        ("2026-10-24T10:00:00+01:00", 24, "2026-10-25T09:00:00+00:00"),
        ("2026-03-29T00:30:00+00:00", 1, "2026-03-29T02:30:00+01:00"),
        ("2026-10-25T01:30:00+01:00", 1, "2026-10-25T01:30:00+00:00"),
    ],
    ids=["spring-24h", "autumn-24h", "spring-1h-over-the-gap", "autumn-1h-over-the-fold"],
)
def test_elapsed_hours_pass_over_a_clock_change_on_the_absolute_time_line(start: str, hours: int, end: str) -> None:
    assert a_calendar("england").hours_later(london(start), Span(hours, "hour")) == london(end)


@pytest.mark.parametrize(
    ("day", "length"), [(SPRING, 23), (AUTUMN, 25), (SPRING + ONE_DAY, 24)], ids=["spring", "autumn", "plain"]
)
def test_a_day_is_from_midnight_to_its_last_second_in_london(day: date, length: int) -> None:
    assert start_of_day(day + ONE_DAY) - start_of_day(day) == timedelta(hours=length)
    assert end_of_day(day) + timedelta(seconds=1) == start_of_day(day + ONE_DAY)
    assert london_day(start_of_day(day)) == london_day(end_of_day(day)) == day
    assert london_day(start_of_day(day) - timedelta(microseconds=1)) == day - ONE_DAY


def test_a_wall_clock_time_is_london_time_on_either_side_of_the_changes() -> None:
    morning = time(8, 30)
    assert at_clock(SPRING - ONE_DAY, morning) == london("2026-03-28T08:30:00+00:00")
    assert at_clock(SPRING, morning) == london("2026-03-29T08:30:00+01:00")
    assert at_clock(AUTUMN, morning) == london("2026-10-25T08:30:00+00:00")


# ---- leap days, the ends of the table, closures, forecasts


@pytest.mark.parametrize(
    ("day", "span", "expected"),
    [
        (date(2028, 2, 29), Span(1, "year"), date(2029, 2, 28)),
        (date(2028, 2, 29), Span(4, "year"), date(2032, 2, 29)),
        (date(2028, 1, 31), Span(1, "month"), date(2028, 2, 29)),
        (date(2027, 1, 31), Span(1, "month"), date(2027, 2, 28)),
        (date(2026, 11, 30), Span(3, "month"), date(2027, 2, 28)),
        (date(2028, 2, 28), Span(1, "day"), date(2028, 2, 29)),
        (date(2028, 2, 28), Span(1, "working day"), date(2028, 2, 29)),
        (date(2026, 12, 24), Span(1, "working day"), date(2026, 12, 29)),
    ],
    ids=lambda value: str(value),
)
def test_leap_days_and_ends_of_months(day: date, span: Span, expected: date) -> None:
    assert a_calendar("england").later(day, span) == expected


def test_the_four_nations_differ_where_their_holidays_do() -> None:
    thursday = date(2026, 7, 9)  # 13 July stands for the Battle of the Boyne, a Sunday in 2026
    assert a_calendar("northern ireland").later(thursday, Span(2, "working day")) == date(2026, 7, 14)
    assert a_calendar("england").later(thursday, Span(2, "working day")) == date(2026, 7, 13)
    good_friday_eve = date(2026, 4, 2)  # Scotland works on Easter Monday
    assert a_calendar("scotland").later(good_friday_eve, Span(1, "working day")) == date(2026, 4, 6)
    assert a_calendar("wales").later(good_friday_eve, Span(1, "working day")) == date(2026, 4, 7)


def test_a_year_after_the_last_proclaimed_one_is_a_forecast() -> None:
    calendar = a_calendar("england")
    assert not calendar.is_forecast(date(PROCLAIMED_TO, 12, 31))
    assert calendar.is_forecast(date(PROCLAIMED_TO + 1, 1, 1))


@pytest.mark.parametrize("unit", ["working day", "day", "month", "year"])
def test_a_date_beyond_the_table_is_refused_in_a_sentence(unit: str) -> None:
    with pytest.raises(OutOfCalendar) as refused:
        a_calendar("england").later(date(9999, 12, 30), Span(9999, unit))
    assert str(refused.value)


@pytest.mark.parametrize("day", [date(1989, 12, 31), date(2061, 1, 1)])
def test_working_days_outside_the_table_are_refused_and_not_guessed(day: date) -> None:
    with pytest.raises(OutOfCalendar, match="1990 to 2060"):
        a_calendar("england").worked(day.toordinal())


# ---- the second witness

LISTED_LATER = {"scotland": {date(2026, 6, 15)}}
"""Days proclaimed after the witness's list was written: the World Cup bank holiday in Scotland."""


@pytest.mark.parametrize(
    ("nation", "division"),
    [
        ("england", "england-and-wales"),
        ("wales", "england-and-wales"),
        ("scotland", "scotland"),
        ("northern ireland", "northern-ireland"),
    ],
)
def test_every_weekday_off_is_on_the_governments_list_and_no_other(nation: str, division: str) -> None:
    listed = {
        row["date"]
        for row in BankHolidays(use_cached_holidays=True).get_holidays(division=division)
        if row["date"].isoweekday() < 6
    }
    ours = {d for d in bank_holidays(nation) if d.isoweekday() < 6 and 2012 <= d.year <= PROCLAIMED_TO}
    assert len(listed) > 130
    assert ours - listed == LISTED_LATER.get(nation, set())
    assert listed <= ours
