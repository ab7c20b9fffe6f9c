"""Dates and windows in the words that people read."""

from datetime import UTC, date, datetime

import pytest

from ehscheduler.notify.words import (
    count_words,
    day_words,
    list_words,
    moment_words,
    recorded_words,
    short_day_words,
    window_words,
)

MONDAY_MORNING = datetime(2026, 6, 8, 7, 30, tzinfo=UTC)
FRIDAY = date(2026, 6, 12)
END_OF_FRIDAY = datetime(2026, 6, 12, 22, 59, 59, tzinfo=UTC)


def test_a_date_is_said_with_its_weekday() -> None:
    assert day_words(date(2028, 2, 29)) == "Tuesday 29 February 2028"
    assert short_day_words(FRIDAY) == "Friday 12 June"


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (datetime(2026, 6, 12, 13, 5, tzinfo=UTC), "14:05 on Friday 12 June 2026"),
        (datetime(2026, 12, 11, 13, 5, tzinfo=UTC), "13:05 on Friday 11 December 2026"),
        (datetime(2026, 6, 11, 23, 30, tzinfo=UTC), "00:30 on Friday 12 June 2026"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "01:30 on Sunday 25 October 2026"),
    ],
)
def test_an_instant_is_said_in_london_s_time(moment: datetime, words: str) -> None:
    assert moment_words(moment) == words
    assert recorded_words("the extract", moment) == f"the extract at {words}"


@pytest.mark.parametrize(
    ("dates", "now", "words"),
    [
        ({"due_on": FRIDAY}, MONDAY_MORNING, "any day from now to Friday 12 June 2026"),
        ({"due_on": FRIDAY, "due_at": END_OF_FRIDAY}, MONDAY_MORNING, "any day from now to Friday 12 June 2026"),
        (
            {"due_on": FRIDAY, "best_by_on": date(2026, 6, 10)},
            MONDAY_MORNING,
            "any day from now to Friday 12 June 2026, best by Wednesday 10 June 2026",
        ),
        (
            {"due_on": FRIDAY, "best_by_on": date(2026, 6, 5)},
            MONDAY_MORNING,
            "any day from now to Friday 12 June 2026",
        ),
        (
            {"due_on": FRIDAY, "opens_on": date(2026, 6, 10)},
            MONDAY_MORNING,
            "from Wednesday 10 June 2026 to Friday 12 June 2026",
        ),
        ({"due_on": FRIDAY, "due_at": END_OF_FRIDAY}, END_OF_FRIDAY, "today, Friday 12 June 2026"),
        (
            {"due_on": FRIDAY, "due_at": END_OF_FRIDAY},
            datetime(2026, 6, 12, 23, 0, tzinfo=UTC),
            "was due on Friday 12 June 2026",
        ),
        ({"due_on": FRIDAY}, datetime(2026, 6, 12, 23, 0, tzinfo=UTC), "was due on Friday 12 June 2026"),
        (
            {"due_on": FRIDAY, "due_at": datetime(2026, 6, 12, 13, 5, tzinfo=UTC)},
            MONDAY_MORNING,
            "any time from now to 14:05 on Friday 12 June 2026",
        ),
        (
            {"due_on": FRIDAY, "due_at": datetime(2026, 6, 12, 13, 5, tzinfo=UTC)},
            datetime(2026, 6, 12, 13, 5, tzinfo=UTC),
            "today, Friday 12 June 2026, before 14:05",
        ),
        (
            {"due_on": FRIDAY, "due_at": datetime(2026, 6, 12, 13, 5, tzinfo=UTC)},
            datetime(2026, 6, 12, 13, 5, 1, tzinfo=UTC),
            "was due at 14:05 on Friday 12 June 2026",
        ),
        ({"due_on": None}, MONDAY_MORNING, "no set time"),
    ],
)
def test_a_window_says_when_it_can_be_done(dates: dict[str, date], now: datetime, words: str) -> None:
    assert window_words(now, **dates) == words  # type: ignore[arg-type]


def test_counts_and_lists_read_as_english() -> None:
    assert [count_words(number, "day") for number in (0, 1, 2)] == ["0 days", "1 day", "2 days"]
    assert list_words([]) == ""
    assert list_words(["a"]) == "a"
    assert list_words(["a", "b"]) == "a and b"
    assert list_words(["a", "b", "c"]) == "a, b and c"
