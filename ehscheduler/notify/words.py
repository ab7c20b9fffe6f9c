"""Dates, times and counts in the words that people read."""

from collections.abc import Sequence
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
END_OF_DAY = time(23, 59, 59)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
SOURCES = {"contract": "the files of cases and events"}
"""Sources whose own names say nothing to a reader."""


def day_words(day: date) -> str:
    """Give a date as `Friday 12 June 2026`."""
    return f"{short_day_words(day)} {day.year}"


def short_day_words(day: date) -> str:
    """Give a date as `Friday 12 June`, for a subject line."""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"


def moment_words(moment: datetime) -> str:
    """Give an aware instant as London's `14:05 on Friday 12 June 2026`."""
    local = moment.astimezone(LONDON)
    return f"{local:%H:%M} on {day_words(local.date())}"


def recorded_words(source: str, moment: datetime) -> str:
    """Say in which source, and when, the fact behind a notice was recorded."""
    return f"{SOURCES.get(source, source)} at {moment_words(moment)}"


def by_hand_words(moment: datetime) -> str:
    """Say when the fact behind a notice was put on record by a person, and not by a case system."""
    return f"this scheduler, by hand, at {moment_words(moment)}"


def count_words(count: int, one: str, many: str | None = None) -> str:
    """Give `1 day`, `2 days`."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def list_words(items: Sequence[str]) -> str:
    """Join items as `a, b and c`."""
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def window_words(
    now: datetime,
    *,
    due_on: date | None,
    due_at: datetime | None = None,
    opens_on: date | None = None,
    best_by_on: date | None = None,
    open_since: date | None = None,
) -> str:
    """Say when a milestone can be done, from a policy's dates and an aware `now`.

    A `due_at` at the end of its London day is a day clock and is told without a time.
    """
    if due_on is None:
        return f"no set time; open since {day_words(open_since)}" if open_since else "no set time"
    today = now.astimezone(LONDON).date()
    limit = _limit_words(due_on, due_at)
    if (due_at is not None and now > due_at) or today > due_on:
        return f"was due {limit.at}"
    if due_on == today:
        return f"today, {day_words(today)}{limit.before}"
    if opens_on is not None and opens_on > today:
        return f"from {day_words(opens_on)} to {limit.to}"
    start = "any time from now to" if limit.before else "any day from now to"
    best = f", best by {day_words(best_by_on)}" if best_by_on and today <= best_by_on < due_on else ""
    return f"{start} {limit.to}{best}"


class _Limit:
    """One limit in the three forms that a sentence needs."""

    def __init__(self, at: str, before: str, to: str) -> None:
        self.at, self.before, self.to = at, before, to


def _limit_words(due_on: date, due_at: datetime | None) -> _Limit:
    local = due_at.astimezone(LONDON) if due_at is not None else None
    if local is None or local.time().replace(microsecond=0) == END_OF_DAY:
        return _Limit(at=f"on {day_words(due_on)}", before="", to=day_words(due_on))
    return _Limit(at=f"at {moment_words(local)}", before=f", before {local:%H:%M}", to=moment_words(local))
