"""Dates as a council's system writes them: each cell is read by a declared format, and nothing is guessed.

A time without an offset is London time. One that the clocks skip is a fault; one that they repeat is taken as the
first (the source logged local time and cannot say more), and the caller is told.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from ehscheduler.core.calendars import LONDON, london_day, start_of_day
from ehscheduler.core.events import read_moment
from ehscheduler.intake.cells import YEARS, date_fault

ISO = "iso"
_PARTS = {
    "%d": r"(?P<day>\d{1,2})",
    "%m": r"(?P<month>\d{1,2})",
    "%b": r"(?P<name>[A-Za-z]{3})",
    "%Y": r"(?P<year>\d{4})",
    "%H": r"(?P<hour>\d{1,2})",
    "%M": r"(?P<minute>\d{2})",
    "%S": r"(?P<second>\d{2})(?:\.0+)?",
}
_MONTHS = {name: n for n, name in enumerate("jan feb mar apr may jun jul aug sep oct nov dec".split(), 1)}
_OFFSET = re.compile(r".*\d{2}:\d{2}.*(Z|[+-]\d{2}:?\d{2})")


@dataclass(frozen=True, slots=True)
class Reading:
    """One cell read as a date: its moment in UTC, whether only the date is known, its London day."""

    moment: datetime
    dated: bool
    day: date
    repeated: bool = False


def format_fault(text: str) -> str | None:
    """Say what is wrong with a date format of a mapping file, or None."""
    if text == ISO:
        return None
    parts = re.findall(r"%.?", text)
    if "%y" in parts:
        return "reads years of two digits, which are not read; ask the source for four, and write %Y"
    if odd := [part for part in parts if part not in _PARTS]:
        return f"holds {odd[0]}; known are {', '.join(_PARTS)}, or 'iso' for 2026-03-02 and 2026-03-02T10:00:00"
    if len(set(parts)) < len(parts):
        return "names a part twice"
    if not {"%d", "%Y"} <= set(parts) or len({"%m", "%b"} & set(parts)) != 1:
        return "needs a day (%d), a month (%m or %b) and a year (%Y)"
    if ("%M" in parts) != ("%H" in parts) or ("%S" in parts and "%M" not in parts):
        return "needs an hour (%H) with a minute (%M)"
    return None


def clashing(formats: Sequence[str]) -> bool:
    """Tell whether two formats read one text as two dates, such as day first and month first."""
    shapes = [re.sub("%[dm]", "%", text) for text in formats]
    return len(set(shapes)) < len(shapes)


class DateReader:
    """Reads cells by the formats of one mapping; the same text is read once."""

    def __init__(self, formats: Sequence[str], *, midnight_is_a_date: bool) -> None:
        self.formats = tuple(formats)
        self.midnight_is_a_date = midnight_is_a_date
        self._patterns = [_pattern(text) for text in formats if text != ISO]
        self._known: dict[str, Reading] = {}

    def read(self, text: str) -> Reading:
        """Read one cell. Raises ValueError saying what is wrong, never with what was read."""
        found = self._known.get(text)
        if found is None:
            found = self._checked(text)
            if len(self._known) < 200_000:
                self._known[text] = found
        return found

    def _checked(self, text: str) -> Reading:
        try:
            found = self._read(text)
        except ArithmeticError:
            raise ValueError(_NO_SUCH) from None
        if found.day.year not in YEARS:
            raise ValueError("has a year that cannot be right; correct it in the source")
        return found

    def _read(self, text: str) -> Reading:
        for pattern in self._patterns:
            if parts := pattern.fullmatch(text):
                return self._local(_naive(parts), "hour" in parts.groupdict())
        if ISO in self.formats and re.match(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            return self._iso(text)
        raise ValueError(self._fault(text))

    def _iso(self, text: str) -> Reading:
        try:
            if len(text) == 10 or _OFFSET.fullmatch(text):
                return Reading(*read_moment(text))
            naive = datetime.fromisoformat(text)
        except (ValueError, ArithmeticError):
            raise ValueError(_NO_SUCH) from None
        return self._local(naive, True)

    def _local(self, naive: datetime, timed: bool) -> Reading:
        if not timed or (self.midnight_is_a_date and naive.time() == datetime.min.time()):
            return Reading(start_of_day(naive.date()), True, naive.date())
        local = naive.replace(tzinfo=LONDON)
        moment = local.astimezone(UTC)
        if moment.astimezone(LONDON).replace(tzinfo=None) != naive:
            raise ValueError("is an hour that the clocks skipped; correct it in the source")
        repeated = local.utcoffset() != local.replace(fold=1).utcoffset()
        return Reading(moment, False, london_day(moment), repeated)

    def _fault(self, text: str) -> str:
        expected = f"the mapping reads {' or '.join(self.formats)}"
        looks = date_fault(text)
        if looks is None and re.match(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            looks = "is an ISO date"
        return f"{looks.split(';')[0] if looks else 'is not a date'}; {expected}"


_NO_SUCH = "is a date or time that does not exist; correct it in the source"


def _pattern(text: str) -> re.Pattern[str]:
    pieces = re.split(r"(%[dmbYHMS])", text)
    return re.compile("".join(_PARTS.get(piece, re.escape(piece)) for piece in pieces), re.ASCII)


def _naive(parts: re.Match[str]) -> datetime:
    found = parts.groupdict()
    month = int(found["month"]) if "month" in found else _MONTHS.get(str(found["name"]).lower(), 0)
    hour, minute, second = (int(found.get(part) or 0) for part in ("hour", "minute", "second"))
    try:
        return datetime.combine(date(int(found["year"]), month, int(found["day"])), time(hour, minute, second))
    except ValueError:
        raise ValueError(_NO_SUCH) from None
