"""Meetings: the days on which a meeting sits, and the first that a matter can be taken to (design 4.6)."""

from collections.abc import Iterator, Mapping
from datetime import date, time

from ehscheduler.core.calendars import Calendar, at_clock, end_of_day
from ehscheduler.core.events import Event
from ehscheduler.core.holds import NOT_HELD, Held
from ehscheduler.core.policy import Meeting, Policy
from ehscheduler.core.saying import said_day
from ehscheduler.core.sitting_days import WEEK

_LOOK_AHEAD = 60
"""How many weeks ahead a sitting is looked for before a meeting is taken to sit no more."""


def sittings(meeting: Meeting, calendar: Calendar, since: date, hub: str = "") -> Iterator[tuple[date, date]]:
    """Yield each sitting from a day on: when it is held, and the day it was planned for; a hub's own changes win.

    Cancelled and moved sittings are honoured. One that falls on a bank holiday is skipped, or held on the next working
    day where the policy says so; under "ask" nobody has said that it is held, so it is not counted on.
    """
    if not meeting.on:
        return
    planned = meeting.on.first(since) - WEEK
    moved = _moved(meeting, calendar, hub)
    for _ in range(_LOOK_AHEAD):
        if not meeting.on.is_on(planned):
            pass
        elif planned in moved:
            held = moved[planned]
            if held is not None:
                yield held, planned
        elif calendar.is_working(planned):
            yield planned, planned
        elif meeting.bank_holiday == "next working day":
            yield calendar.on_or_after(planned), planned
        planned += WEEK


def _moved(meeting: Meeting, calendar: Calendar, hub: str) -> Mapping[date, date | None]:
    own = calendar.sittings.get(f"{meeting.id}/{hub}", {}) if hub else {}
    return {**calendar.sittings.get(meeting.id, {}), **own}


def next_sitting(
    meeting: Meeting, calendar: Calendar, anchor: Event, on_hold: Held = NOT_HELD, hub: str = ""
) -> date | None:
    """Return the first sitting after an event, or on its day if it came before the cut-off; None in an open hold."""
    for held, _ in sittings(meeting, calendar, anchor.day, hub):
        if held < anchor.day or not _in_time(meeting, calendar, anchor, held):
            continue
        if not on_hold.on(held):
            return held
        if on_hold.since is not None and on_hold.since.start <= end_of_day(held):
            return None
    return None


def _in_time(meeting: Meeting, calendar: Calendar, anchor: Event, sitting: date) -> bool:
    cut_off = meeting.cut_off
    if cut_off is None:
        return sitting > anchor.day
    if isinstance(cut_off, time):
        return sitting > anchor.day or (not anchor.dated and anchor.moment < at_clock(sitting, cut_off))
    return anchor.day <= calendar.earlier(sitting, cut_off)


def lost_sittings(meeting: Meeting, calendar: Calendar, since: date, until: date) -> list[date]:
    """Return the planned sittings that fall on a bank holiday and that nobody has replaced, under "ask"."""
    if meeting.bank_holiday != "ask" or not meeting.on:
        return []
    moved = _moved(meeting, calendar, "")
    day = meeting.on.first(since)
    lost = []
    while day < until:
        if meeting.on.is_on(day) and day not in moved and not calendar.is_working(day):
            lost.append(day)
        day += WEEK
    return lost


def lost_warnings(policy: Policy, calendar: Calendar, today: date) -> list[str]:
    """Name the sittings of the next four weeks that fall on a bank holiday and that nothing replaces."""
    return [
        f"{meeting.id}: {said_day(day)} is a bank holiday, and nobody has said when it sits instead"
        for meeting in policy.meetings.values()
        for day in lost_sittings(meeting, calendar, today, today + 4 * WEEK)
    ]
