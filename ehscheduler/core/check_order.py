"""Which of two times comes first, where the text alone makes it certain."""

from math import inf

from ehscheduler.core.calendars import HOUR_UNITS, Span
from ehscheduler.core.phrases import Due

Reach = tuple[float, float]
"""The fewest and the most days that a length can take, from the day on which it begins."""

_DAYS: dict[str, Reach] = {"day": (1, 1), "week": (7, 7), "month": (28, 31), "year": (365, 366)}
UNDATED = "no set time"


def reach(span: Span) -> Reach:
    """Return how far a length reaches; holidays and closure days make working days as long as they like."""
    if span.unit in _DAYS:
        least, most = _DAYS[span.unit]
        return span.n * least, span.n * most
    if span.unit == "hour":
        return (span.n - 1) // 24, span.n // 24 + 1
    if span.unit == "working day":
        return span.n + 2 * ((span.n - 1) // 5), inf
    return 0, inf


def longer(one: Span, other: Span, *, or_equal: bool = False) -> bool:
    """Tell whether a length is longer than another in every year."""
    if one.unit == other.unit:
        return one.n > other.n or (or_equal and one.n == other.n)
    return reach(one)[0] - 1 > reach(other)[1]  # a policy may count the first day, in days alone


def same_start(one: Due, other: Due) -> bool:
    """Tell whether two limits surely count from one event, or back from one date."""
    return one.anchor == other.anchor and one.target == other.target and one.backward == other.backward


def later(one: Due, other: Due, *, or_equal: bool = False) -> bool:
    """Tell whether a limit surely lies after another that counts from the same event or date."""
    if not same_start(one, other) or UNDATED in (one.how, other.how) or "next" in (one.how, other.how):
        return False
    if one.backward:
        one, other = other, one  # the shorter way back is the later day
    if one.length is None or other.length is None:
        return _without_length(one, other, or_equal=or_equal)
    if isinstance(one.length, Span) and isinstance(other.length, Span):
        return longer(one.length, other.length, or_equal=or_equal)
    return False  # what a fact or a reading gives is not in the text


def _without_length(one: Due, other: Due, *, or_equal: bool) -> bool:
    """Compare where one of two limits is its event or date itself ("at once", "same day", "by", "before")."""
    if one.length is None and other.length is None:
        return or_equal and one.how == other.how
    if isinstance(one.length, Span):
        return one.length.unit not in HOUR_UNITS and other.how in ("at once", "same day", "by")
    return False
