"""Facts: what happened on a case, and when it was recorded."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any

from ehscheduler.core.calendars import LONDON, london_day, start_of_day


@dataclass(frozen=True, slots=True)
class Child:
    """One child of a family, by an opaque reference; `born` may be unknown."""

    ref: str
    born: date | None


@dataclass(frozen=True, slots=True)
class Case:
    """One Early Help episode for a family; `facts` are its attributes as at the opening."""

    ref: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened on a case.

    `moment` and `recorded` are aware, in UTC; `day` is the London date. `dated` says that only the date is known,
    so that `moment` is its 00:00.
    """

    id: str
    case: str
    word: str
    moment: datetime
    dated: bool
    day: date
    recorded: datetime
    ref: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.id)


def precedes(first: Event, second: Event) -> bool:
    """Tell whether one event came before another for certain: on one date only where both times are known."""
    if first.day != second.day:
        return first.day < second.day
    return not first.dated and not second.dated and first.moment < second.moment


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)


@lru_cache(maxsize=200_000)
def read_moment(text: str) -> tuple[datetime, bool, date]:
    """Read a date or an instant: its moment in UTC, whether it is a bare date, and its London day.

    An instant without an offset is London time. Raises ValueError with a sentence.
    """
    if _DATE.fullmatch(text):
        try:
            day = date.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is not a date that exists") from None
        return start_of_day(day), True, day
    if not _INSTANT.fullmatch(text):
        raise ValueError(f"{text!r} is neither a date (2026-03-02) nor an instant (2026-03-02T10:00:00+00:00)")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not an instant that exists") from None
    if moment.tzinfo is None:
        moment = _london(moment, text)
    moment = moment.astimezone(UTC)
    return moment, False, london_day(moment)


def _london(moment: datetime, text: str) -> datetime:
    local = moment.replace(tzinfo=LONDON)
    if local.astimezone(UTC).astimezone(LONDON).replace(tzinfo=None) != moment:
        raise ValueError(f"{text!r} does not exist in London: the clocks went forward; give the offset")
    if local.utcoffset() != local.replace(fold=1).utcoffset():
        raise ValueError(f"{text!r} happened twice in London: the clocks went back; give the offset")
    return local


def event_id(case: str, word: str, occurred: str, ref: str, detail: str) -> str:
    """Derive an event's id from its own columns, for a row that gives none."""
    return sha256("\x1f".join((case, word, occurred, ref, detail)).encode()).hexdigest()[:16]
