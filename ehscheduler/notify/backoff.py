"""When to try a message again, and when to stop."""

from collections.abc import Callable
from datetime import datetime, timedelta

STEPS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15))
JITTER = 0.2
HORIZON = timedelta(hours=72)  # longer than a bank holiday weekend


def wait(attempt: int, random: Callable[[], float]) -> timedelta:
    """Give the wait after attempt `attempt` (from 1), within a fifth either way; `random` gives 0.0 up to 1.0."""
    step = STEPS[min(max(attempt, 1), len(STEPS)) - 1]
    return step * (1 + JITTER * (2 * random() - 1))


def next_try(attempt: int, *, first: datetime, now: datetime, random: Callable[[], float]) -> datetime | None:
    """Give the instant of the next try after attempt `attempt`, or None when the message is dead.

    `first` is the instant of the first try. The last try is at the horizon at the latest.
    """
    end = first + HORIZON
    if now >= end:
        return None
    return min(now + wait(attempt, random), end)
