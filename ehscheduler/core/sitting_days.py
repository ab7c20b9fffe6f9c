"""On which days a meeting sits: every week, or once a month."""

from dataclasses import dataclass
from datetime import date, timedelta

WEEK = timedelta(days=7)
SAID = "'every Tuesday' or 'first Tuesday of the month'"


@dataclass(frozen=True, slots=True)
class SittingDay:
    """Every such weekday (1 is Monday), or where `nth` is given that one of each month; -1 is the last."""

    text: str
    weekday: int
    nth: int = 0

    def is_on(self, day: date) -> bool:
        """Say whether it sits on a day, by the plan."""
        if day.isoweekday() != self.weekday:
            return False
        if self.nth < 0:
            return (day + WEEK).month != day.month
        return not self.nth or (day.day + 6) // 7 == self.nth

    def first(self, since: date) -> date:
        """Return the first such weekday from a day on, whether or not it sits on it."""
        return since + timedelta(days=(self.weekday - since.isoweekday()) % 7)


def sitting_day(text: str) -> SittingDay | None:
    """Read "every Tuesday" or "last Tuesday of the month"; None for anything else."""
    return _DAYS.get(text)


NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_DAYS = {
    text: SittingDay(text, weekday, nth)
    for weekday, day in enumerate(WEEKDAYS, 1)
    for text, nth in [(f"every {day}", 0), *((f"{word} {day} of the month", nth) for word, nth in NTH.items())]
}
