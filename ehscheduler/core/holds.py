"""Holds: the stretches in which a case's clocks stop (design 4.11)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from ehscheduler.core.calendars import Run, london_day
from ehscheduler.core.events import Event


@dataclass(frozen=True, slots=True)
class Hold:
    """One stretch on hold; `end` is None while it lasts."""

    start: datetime
    end: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Held:
    """The holds that bear on one clock, as runs of days and as exact spans; `since` is the open one."""

    runs: tuple[Run, ...] = ()
    spans: tuple[tuple[datetime, datetime | None], ...] = ()
    since: Hold | None = None

    def on(self, day: date) -> bool:
        """Tell whether the case is on hold at the end of a day."""
        ordinal = day.toordinal()
        return any(first <= ordinal and (until is None or ordinal < until) for first, until in self.runs)

    def at(self, moment: datetime) -> tuple[datetime, datetime] | None:
        """Return the hold in which a moment lies, where it has ended."""
        return next(((start, end) for start, end in self.spans if end and start <= moment < end), None)

    def released(self, moment: datetime) -> datetime:
        """Return the end of the hold in which a moment lies; the moment itself where there is none, or it is open."""
        while hold := self.at(moment):
            moment = hold[1]
        return moment


NOT_HELD = Held()


def read_holds(events: Sequence[Event], warn: Callable[[str], None]) -> tuple[Hold, ...]:
    """Pair starts with ends, date by date, from events sorted by moment."""
    holds: list[Hold] = []
    started: Event | None = None
    for _, group in groupby(events, key=lambda event: event.day):
        today = list(group)
        starts = [event for event in today if event.word == "hold_started"]
        ends = [event for event in today if event.word == "hold_ended"]
        while starts or ends:
            # On one date an open hold ends before another starts; otherwise a start precedes its end.
            if started is not None and ends:
                end = ends.pop(0)
                holds.append(_hold(started, max(end.moment, started.moment)))
                started = None
            elif started is not None:
                warn(f"{_said(starts.pop(0))}: the case was already on hold; the first start stands")
            elif starts and not (ends and _clearly_before(ends[0], starts[0])):
                started = starts.pop(0)
            else:
                warn(f"{_said(ends.pop(0))}: the case was not on hold; it ends nothing")
    if started is not None:
        holds.append(_hold(started, None))
    return tuple(holds)


def _clearly_before(end: Event, start: Event) -> bool:
    return not end.dated and not start.dated and end.moment < start.moment


def _said(event: Event) -> str:
    return f"{event.word} on {event.day.isoformat()}"


def _hold(started: Event, end: datetime | None) -> Hold:
    reason = started.detail.get("reason")
    return Hold(started.moment, end, reason if isinstance(reason, str) else None)


def held_until(holds: Sequence[Hold], stop: datetime | None, runs_through: tuple[str, ...]) -> Held:
    """Return the holds that stop a clock up to `stop` (None: it still runs), leaving out what it runs through."""
    if not holds or "hold" in runs_through:
        return NOT_HELD
    kept: list[Hold] = []
    for hold in holds:
        if hold.reason in runs_through or (stop is not None and hold.start >= stop):
            continue
        end = hold.end if stop is None else min(hold.end or stop, stop)
        kept.append(Hold(hold.start, end, hold.reason))
    if not kept:
        return NOT_HELD
    runs = tuple(
        (london_day(h.start).toordinal(), None if h.end is None else london_day(h.end).toordinal()) for h in kept
    )
    return Held(runs, tuple((h.start, h.end) for h in kept), kept[-1] if kept[-1].end is None else None)
