"""Feeds that are late: while what happened on cases does not come, nobody is told on that it was not done."""

from collections.abc import Iterator
from datetime import datetime

from ehscheduler.config import Config
from ehscheduler.core.calendars import london_day
from ehscheduler.core.saying import said_day
from ehscheduler.plugins import Authority
from ehscheduler.store.imports import last_read
from ehscheduler.store.tx import Tx

FEEDS = {"cases": ("cases", "steps"), "events": ("events", "steps"), "people": ("people",), "absences": ("absences",)}
"""The feeds that are looked at, and the kinds of file that bring each."""
OF_CASES = ("cases", "events")
"""The feeds on whose word somebody is told that a thing was not done."""


def late_feeds(tx: Tx, authority: Authority, config: Config, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield each feed that did not come in its time, and what to do; each for itself: no other makes it look fresh."""
    limits = config.feeds_for(authority.name)
    if not limits:
        return
    came = {feed: last_read(tx, authority.name, kinds) for feed, kinds in FEEDS.items()}
    if "cases" in limits and "events" not in limits:  # it stands for both, as far as each of them comes
        both = [feed for feed in OF_CASES if came[feed]] or ["cases"]
        limits = dict.fromkeys(both, limits["cases"]) | {f: limit for f, limit in limits.items() if f != "cases"}
    for feed, limit in limits.items():
        last = came[feed]
        if last is None:
            yield feed, f"the feed of {feed} never came; import it, or leave it out of [feeds]"
            continue
        until = authority.calendar.later(london_day(last), limit)
        if until is not None and london_day(now) > until:
            text = f"the feed of {feed} last came on {said_day(london_day(last))}, and it is to come within {limit}"
            yield feed, f"{text}: find out why, and import it"


def late_on_cases(tx: Tx, authority: Authority, config: Config, now: datetime) -> dict[str, str]:
    """Return the feeds of what happened on cases that are late, with what to do."""
    return {feed: said for feed, said in late_feeds(tx, authority, config, now) if feed in OF_CASES}
