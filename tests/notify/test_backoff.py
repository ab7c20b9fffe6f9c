"""When a message is tried again, and when it is dead."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehscheduler.notify.backoff import HORIZON, next_try, wait

FIRST = datetime(2026, 3, 28, 17, 0, tzinfo=UTC)


def middle() -> float:
    return 0.5


@pytest.mark.parametrize(("attempt", "minutes"), [(1, 1), (2, 2), (3, 5), (4, 10), (5, 15), (6, 15), (288, 15)])
def test_the_wait_grows_to_a_quarter_of_an_hour_and_stays(attempt: int, minutes: int) -> None:
    assert wait(attempt, middle) == timedelta(minutes=minutes)
    assert next_try(attempt, first=FIRST, now=FIRST, random=middle) == FIRST + timedelta(minutes=minutes)


@given(st.integers(1, 1000), st.floats(0, 1, exclude_max=True))
def test_jitter_is_a_fifth_either_way(attempt: int, chance: float) -> None:
    plain = wait(attempt, middle)
    assert 0.8 * plain <= wait(attempt, lambda: chance) <= 1.2 * plain


@pytest.mark.parametrize(
    ("since", "tried_again_after"),
    [
        (HORIZON - timedelta(minutes=30), HORIZON - timedelta(minutes=15)),
        (HORIZON - timedelta(minutes=15), HORIZON),
        (HORIZON - timedelta(seconds=1), HORIZON),
        (HORIZON, None),
        (HORIZON + timedelta(days=21), None),
    ],
)
def test_a_message_has_its_last_try_at_the_horizon_and_is_dead_after(
    since: timedelta, tried_again_after: timedelta | None
) -> None:
    expected = None if tried_again_after is None else FIRST + tried_again_after
    assert next_try(9, first=FIRST, now=FIRST + since, random=middle) == expected


def test_a_message_that_fails_all_along_is_tried_for_three_days_and_then_no_more() -> None:
    random, tries, now = Random(7).random, 0, FIRST
    following: datetime | None = FIRST
    while following is not None:
        now, tries = following, tries + 1
        following = next_try(tries, first=FIRST, now=now, random=random)
    assert now == FIRST + HORIZON
    assert 260 < tries < 320
