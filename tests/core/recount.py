"""Count due dates again from proof cards alone, as a stranger would: a JSON list on stdin, a line a card on stdout."""

import json
import sys
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY, LONDON, instant, day_of = timedelta(days=1), ZoneInfo("Europe/London"), datetime.fromisoformat, date.fromisoformat


def end_of(day):
    return instant(datetime.combine(day, time(23, 59, 59), LONDON).isoformat())


def walk(day, n, unit, off, holds, step=1):  # a day on hold at its end does not count; an open hold leaves no date
    if unit in ("month", "year"):
        month = day.year * 12 + day.month + step * n * (12 if unit == "year" else 1)
        last = date(month // 12, month % 12 + 1, 1) - DAY
        n = abs((last.replace(day=min(day.day, last.day)) - day).days)
    n *= 7 if unit == "week" else 1
    while day and n > 0:
        day += step * DAY
        held = [until for start, until in holds if start <= end_of(day) and (until is None or until > end_of(day))]
        n -= not held and (unit != "working day" or (day.weekday() < 5 and day.isoformat() not in off))
        day = None if None in held else day
    return day


def count(c, holds):  # the last second of one limit
    if c["unit"] == "hour":
        start = end_of(day_of(c["from_day"])) if c["from_end_of_day"] else instant(c["from_instant"])
        due = start + timedelta(hours=c["n"])
        for began, until in holds:
            due = due if max(began, start) >= due else until and due + max(until - max(began, start), timedelta(0))
        return due
    step = -1 if c["direction"] == "backward" else 1
    day = walk(day_of(c["from_day"]), c["n"], c["unit"], c["days_off"], holds, step)
    while day and c["roll"] and (day.weekday() > 4 or day.isoformat() in c["days_off"]):
        day += DAY if c["roll"] == "next working day" else -DAY
    return day and end_of(max(day, day_of(c["not_before"] or "0001-01-01")))


for card in json.load(sys.stdin):
    holds = [(instant(h["from"]), h["until"] and instant(h["until"])) for h in card["holds"]]
    due = min(filter(None, [count(c, holds) for c in card["now_counted"] if c["n"] is not None]), default=None)
    for change in (c for c in card["changes"] if c["kind"] == "relaxation" and due):
        agreed, on = day_of(change["agreed"] or "9999-01-01"), day_of(change["on"])
        until = walk(on, (agreed - on).days, "day", (), [h for h in holds if h[0] > instant(change["at"])])
        due = until and max(due, end_of(until))
    print(card["key"], due and due.astimezone(LONDON).isoformat(), sep="\t")
