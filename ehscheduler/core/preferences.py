"""Preferences: by which channel a person hears what kind of message, and when in the day they want to be left alone.

They choose the way and the hour, never whether: what a protocol wants told is told. A message that does not wait for
the morning waits for no quiet hour either, and goes to the duty address where the person is not at work.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from ehscheduler.core.calendars import LONDON, at_clock, london_day

KINDS = ("digest", "immediate", "escalation", "dispute", "baseline", "weekly")
"""The kinds of message: each may go by a channel of its own."""
MORNING, EVENING = time(8, 30), time(17, 0)
"""Between these a digest may come: what is due is worked out at the first, and the second leaves time to act."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """Local hours in which nothing comes that can wait; `start` is in them and `end` is not, across midnight too."""

    start: time
    end: time

    def holds(self, moment: datetime) -> bool:
        clock = moment.astimezone(LONDON).time()
        if self.start <= self.end:
            return self.start <= clock < self.end
        return clock >= self.start or clock < self.end

    def over_at(self, moment: datetime) -> datetime:
        """Return the instant at which the quiet hours that hold at a moment end."""
        end = at_clock(london_day(moment), self.end)
        return end if end > moment else at_clock(london_day(moment) + timedelta(days=1), self.end)

    def __str__(self) -> str:
        return f"{self.start:%H:%M}-{self.end:%H:%M}"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What somebody, a team or an authority prefers; None, and a kind that is not named, is left to the next wider."""

    channels: Mapping[str, str] = field(default_factory=dict)
    digest_at: time | None = None
    quiet: Quiet | None = None

    def over(self, wider: "Preferences") -> "Preferences":
        """Return these, with what they leave open as the wider ones have it."""
        return Preferences(
            {**wider.channels, **self.channels}, self.digest_at or wider.digest_at, self.quiet or wider.quiet
        )

    def digest_from(self, moment: datetime) -> datetime:
        """Return when a digest that may leave from a moment is wanted: at its time of that day, or after it at once."""
        return max(moment, at_clock(london_day(moment), self.digest_at)) if self.digest_at else moment

    def awake(self, moment: datetime) -> datetime:
        """Return the moment, or where it lies in quiet hours, their end."""
        return self.quiet.over_at(moment) if self.quiet and self.quiet.holds(moment) else moment


def read_clock(text: str) -> time:
    """Read a time of day such as 08:30; raise ValueError that says how it is written."""
    try:
        if len(text) != len("08:30"):
            raise ValueError
        return time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is not a time of day such as 08:30") from None


def read_quiet(text: str) -> Quiet:
    """Read quiet hours such as 18:00-08:00; raise ValueError that says how they are written."""
    start, dash, end = text.partition("-")
    if not dash:
        raise ValueError(f"{text!r} is not a stretch of hours such as 18:00-08:00")
    quiet = Quiet(read_clock(start.strip()), read_clock(end.strip()))
    if quiet.start == quiet.end:
        raise ValueError(f"{text!r} begins when it ends; write for instance 18:00-08:00")
    return quiet


def read_digest_time(text: str) -> time:
    """Read when a digest is wanted; raise ValueError where nothing could come then, or nobody could act on it."""
    at = read_clock(text)
    if not MORNING <= at <= EVENING:
        raise ValueError(f"{text} is outside {MORNING:%H:%M} to {EVENING:%H:%M}: name a time between them")
    return at
