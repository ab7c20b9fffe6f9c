"""One person's calendar: from plain entries to the bytes of an .ics file (RFC 5545), and what an older one held.

An entry that changes keeps its UID and rises in SEQUENCE; one that goes is cancelled, says nothing more, and is dropped
after a while. All that this needs is read back from the file that was written before.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from icalendar import Calendar, Component, Event, Timezone, TimezoneDaylight, TimezoneStandard, vText

from ehscheduler.errors import Refused
from ehscheduler.notify.links import is_link
from ehscheduler.notify.whitelist import tidy
from ehscheduler.notify.words import LONDON

KEPT_CANCELLED = timedelta(days=30)
"""How long a cancelled entry stays, so that every calendar that reads the file has taken it out (ours)."""
GONE = "Early Help: no longer on your list"
NAME = "Early Help dates"
ABOUT = (
    "Written from time to time, so it can be behind. For what is due today, go by your messages and the case system."
)
MOST = 2**31 - 1
FOR, HASH, HIGHEST = "X-EHS-FOR", "X-EHS-HASH", "X-EHS-HIGHEST"
_NO_HOUR, _ONE_HOUR = timedelta(0), timedelta(hours=1)


class NotOurs(Refused):
    """A file that is no calendar of ours for this person; the fault says what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry as it is to be shown: on a day, or at an aware instant. `identity` names it for good, and is hashed."""

    identity: str
    when: date
    summary: str
    lines: tuple[str, ...] = ()
    link: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One entry as a file holds it; `mark` is the hash of what is shown, and `stamp` when that was last changed."""

    uid: str
    when: date
    sequence: int
    stamp: datetime
    mark: str
    summary: str = GONE
    text: str = ""
    link: str = ""
    cancelled: bool = True


@dataclass(frozen=True, slots=True)
class Book:
    """All that one file holds; `highest` is the highest SEQUENCE of what was dropped, and -1 where nothing was."""

    owner: str
    entries: tuple[Written, ...] = ()
    highest: int = -1

    @property
    def live(self) -> tuple[Written, ...]:
        return tuple(one for one in self.entries if not one.cancelled)


@dataclass(frozen=True, slots=True)
class Revised:
    """A calendar brought up to date, with how many entries are new or changed, and how many were cancelled by it."""

    book: Book
    changed: int
    cancelled: int


def owner_mark(authority: str, person_id: str) -> str:
    """Name whose calendar a file is, without saying it."""
    return _hash([authority, person_id])[:32]


def revise(before: Book, entries: Sequence[Entry], *, domain: str, now: datetime) -> Revised:
    """Bring a calendar up to date: keep what is as it was, renew what changed, cancel what is no more.

    What comes back after it was dropped begins above whatever was dropped, so that no SEQUENCE ever falls.
    """
    known, stamp = {one.uid: one for one in before.entries}, now.astimezone(UTC).replace(microsecond=0)
    wanted = {one.uid: one for one in (_written(entry, domain, stamp) for entry in entries)}
    first = before.highest + 1
    renewed = {uid: _revised(one, known.get(uid), first) for uid, one in wanted.items()}
    gone = [_cancelled(one, stamp) for uid, one in known.items() if uid not in wanted]
    dropped = {one.uid for one in gone if one.stamp + KEPT_CANCELLED <= stamp}
    highest = max([before.highest, *(one.sequence for one in gone if one.uid in dropped)])
    kept = [*renewed.values(), *(one for one in gone if one.uid not in dropped)]
    return Revised(
        Book(before.owner, tuple(sorted(kept, key=_in_order)), highest),
        changed=sum(1 for one in renewed.values() if not _stands(one, known.get(one.uid))),
        cancelled=sum(1 for one in gone if not known[one.uid].cancelled),
    )


def _written(entry: Entry, domain: str, stamp: datetime) -> Written:
    link = entry.link if entry.link and is_link(entry.link) else ""
    when = entry.when
    if isinstance(when, datetime):
        when = when.astimezone(UTC).replace(microsecond=0)
    summary, text = tidy(entry.summary), "\n".join(map(tidy, entry.lines))
    mark = _hash([summary, text, when.isoformat(), link])[:32]
    uid = f"{_hash(entry.identity)[:40]}@{tidy(domain)}"
    return Written(
        uid=uid,
        when=when,
        sequence=0,
        stamp=stamp,
        mark=mark,
        summary=summary,
        text=text,
        link=link,
        cancelled=False,
    )


def _revised(one: Written, before: Written | None, first: int) -> Written:
    if before is None:
        return replace(one, sequence=first)
    if _stands(one, before):
        return replace(one, sequence=before.sequence, stamp=before.stamp)
    return replace(one, sequence=before.sequence + 1)


def _stands(one: Written, before: Written | None) -> bool:
    return before is not None and before.mark == one.mark and not before.cancelled


def _cancelled(before: Written, stamp: datetime) -> Written:
    """Return an entry that is no more: it says nothing of what it was."""
    gone = before.cancelled
    return Written(
        uid=before.uid,
        when=before.when,
        sequence=before.sequence if gone else before.sequence + 1,
        stamp=before.stamp if gone else stamp,
        mark=before.mark,
    )


def _in_order(one: Written) -> tuple[str, str]:
    return one.when.isoformat(), one.uid


def _hash(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


# ---- to bytes


def to_bytes(book: Book) -> bytes:
    """Write a calendar; the same calendar gives the same bytes."""
    made = Calendar()
    for name, value in {
        "PRODID": "-//ehscheduler//calendar//EN",
        "VERSION": "2.0",
        "CALSCALE": "GREGORIAN",
        "X-WR-CALNAME": NAME,
        "X-WR-CALDESC": ABOUT,
        "X-WR-TIMEZONE": LONDON.key,
        FOR: book.owner,
        HIGHEST: str(book.highest),
    }.items():
        made.add(name, value)
    for part in (london(), *map(_event, book.entries)):
        made.add_component(part)
    return bytes(made.to_ical())


class _Text(vText):
    """A text as it stands; the library takes a backslash before an N for the end of a line, and folds what is made."""

    def to_ical(self) -> bytes:
        escaped = self.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")
        return escaped.encode()


def _event(one: Written) -> Event:
    event = Event()
    shown: Mapping[str, object] = {
        "UID": _Text(one.uid),
        "SEQUENCE": one.sequence,
        "DTSTAMP": one.stamp,
        "DTSTART": _start(one.when),
        "SUMMARY": _Text(one.summary),
        "DESCRIPTION": _Text(one.text),
        "URL": one.link,
        "STATUS": "CANCELLED" if one.cancelled else "CONFIRMED",
        "TRANSP": "TRANSPARENT",  # it takes nobody's time: the day stays free
        "CLASS": "PRIVATE",  # whoever may look at somebody's calendar sees no more than that
        HASH: one.mark,
    }
    for name, value in shown.items():
        if value != "":
            event.add(name, value)
    return event


def _start(when: date) -> date:
    """Return a start as it is written: in London's time, but in UTC in the hour that comes twice in autumn.

    A local time in that hour means the first of the two, so the second cannot be written as one.
    """
    if not isinstance(when, datetime):
        return when
    local = when.astimezone(LONDON)
    return when.astimezone(UTC) if local.fold else local


def london() -> Timezone:
    """Return London's clock changes, in the rule that has held since 1996.

    Written here, as the library gives the one in spring an hour late.
    """
    zone = Timezone()
    zone.add("TZID", LONDON.key)
    changes = (
        (TimezoneDaylight(), "BST", 3, datetime(1996, 3, 31, 1), _NO_HOUR, _ONE_HOUR),  # noqa: DTZ001 - a local time
        (TimezoneStandard(), "GMT", 10, datetime(1996, 10, 27, 2), _ONE_HOUR, _NO_HOUR),  # noqa: DTZ001
    )
    for part, name, month, begins, before, after in changes:
        part.add("DTSTART", begins)
        part.add("RRULE", {"FREQ": "YEARLY", "BYMONTH": month, "BYDAY": "-1SU"})
        part.add("TZOFFSETFROM", before)
        part.add("TZOFFSETTO", after)
        part.add("TZNAME", name)
        zone.add_component(part)
    return zone


# ---- from bytes


def read(raw: bytes, owner: str) -> Book:
    """Read back what was written for this owner; raise NotOurs for anything else."""
    try:
        found = Calendar.from_ical(raw)
    except (ValueError, TypeError, AttributeError, KeyError, IndexError):
        raise NotOurs(["it is not a whole calendar"]) from None
    if _word(found, FOR) != owner:
        raise NotOurs(["it is not the calendar that was written for this person of this authority"])
    try:
        return Book(owner, tuple(_entries(found)), _number(found, HIGHEST, -1))
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError):
        raise NotOurs(["an entry in it is not as it was written"]) from None


def _entries(found: Calendar) -> Iterator[Written]:
    for event in found.events:
        start, stamp = _when(event, "DTSTART"), _when(event, "DTSTAMP")
        uid, mark, status = (_word(event, name) for name in ("UID", HASH, "STATUS"))
        if not (uid and mark) or status not in ("CONFIRMED", "CANCELLED"):
            raise ValueError
        if not isinstance(stamp, datetime):
            raise ValueError
        yield Written(
            uid=uid,
            when=start,
            sequence=_number(event, "SEQUENCE", 0),
            stamp=stamp,
            mark=mark,
            cancelled=status == "CANCELLED",
        )


def _when(event: Event, name: str) -> date:
    found = getattr(event.get(name), "dt", None)
    if not isinstance(found, date) or (isinstance(found, datetime) and found.tzinfo is None):
        raise ValueError
    return found.astimezone(UTC) if isinstance(found, datetime) else found


def _number(part: Component, name: str, least: int) -> int:
    found = int(_word(part, name))
    if not least <= found < MOST:
        raise ValueError
    return found


def _word(part: Component, name: str) -> str:
    return str(part.get(name, ""))
