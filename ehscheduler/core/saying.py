"""Days and instants as people say them, and as the machine contract writes them."""

from datetime import date, datetime
from functools import lru_cache

from ehscheduler.core.calendars import LONDON


@lru_cache(maxsize=65536)
def said_day(day: date) -> str:
    """Write a day as people say it: Monday 2 March 2026."""
    return f"{day:%A} {day.day} {day:%B %Y}"


@lru_cache(maxsize=65536)
def said_moment(moment: datetime) -> str:
    """Write an instant in London time: 10:00 on Monday 2 March 2026."""
    local = moment.astimezone(LONDON)
    return f"{local:%H:%M} on {said_day(local.date())}"


@lru_cache(maxsize=65536)
def london_iso(moment: datetime) -> str:
    """Write an instant in ISO form with London's offset."""
    return moment.astimezone(LONDON).isoformat()


def said_word(word: str) -> str:
    """Write an event's word as people say it."""
    return word.replace("_", " ")
