"""Phrases: "10 working days after allocation", read into small frozen values.

Grammar: the policy language's `due`, `anchor`, `every`, `from`, `evidence`, `remind` and `date`.
"""

import re
from dataclasses import dataclass
from typing import Literal

from ehscheduler.core.calendars import DAY_UNITS, HOUR_UNITS, Span
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import PhraseFault


@dataclass(frozen=True, slots=True)
class FactSpan:
    """A length that a case attribute gives: "case contact_interval"."""

    fact: str


@dataclass(frozen=True, slots=True)
class ReadingSpan:
    """A length that a reading's value gives: "reading ID"."""

    reading: str


Length = Span | FactSpan | ReadingSpan
Which = Literal["first", "each", "latest", "nth"]


@dataclass(frozen=True, slots=True)
class Anchor:
    """The occurrence from which something counts; `overdue` makes `word` the id of a rule that ran over."""

    word: str
    which: Which = "first"
    n: int = 1
    overdue: bool = False

    @property
    def name(self) -> str:
        """Return the event as histories know it: a word, or "RULE overdue"."""
        return f"{self.word} overdue" if self.overdue else self.word

    @property
    def said(self) -> str:
        name = self.name
        return {"first": name, "each": f"each {name}", "latest": f"latest {name}", "nth": f"{_ordinal(self.n)} {name}"}[
            self.which
        ]


@dataclass(frozen=True, slots=True)
class Target:
    """A date to count back from: an attribute, a birthday, the date of an event, or a meeting's next sitting."""

    kind: Literal["fact", "birthday", "event", "meeting"]
    name: str = ""
    n: int = 0
    anchor: Anchor | None = None


How = Literal["after", "next", "at once", "same day", "no set time", "before", "by"]


@dataclass(frozen=True, slots=True)
class Due:
    """When something is due; `text` is the phrase as written."""

    how: How
    text: str
    length: Length | None = None
    anchor: Anchor | None = None
    target: Target | None = None
    meeting: str = ""

    @property
    def backward(self) -> bool:
        return self.how in ("before", "by")

    @property
    def in_hours(self) -> bool:
        return self.how == "at once" or (isinstance(self.length, Span) and self.length.in_hours)


@dataclass(frozen=True, slots=True)
class Every:
    """How often a rhythm recurs: by a length, a number of times in a week or month, or at every nth event."""

    text: str
    length: Length | None = None
    times: int = 0
    per: Literal["", "week", "month"] = ""
    nth: Anchor | None = None


@dataclass(frozen=True, slots=True)
class Begin:
    """When a rhythm or one of its phases begins: at an anchor, or a length after it."""

    text: str
    anchor: Anchor
    length: Length | None = None


@dataclass(frozen=True, slots=True)
class Remind:
    """A nudge before the limit; no span means on the day."""

    text: str
    span: Span | None


_UNITS = "|".join(sorted((*DAY_UNITS, *HOUR_UNITS), key=len, reverse=True))
_NAME = r"[a-z][a-z0-9_-]*"
_SPAN = rf"(?:(?P<n>\d+) (?P<unit>{_UNITS})s?|case (?P<fact>{_NAME})|reading (?P<reading>{_NAME}))"
_ANCHOR = rf"(?:(?P<which>each|latest|\d+(?:st|nd|rd|th)) )?(?P<word>{_NAME})(?P<overdue> overdue)?"
_ORDINAL = re.compile(r"(\d+)(st|nd|rd|th)")

_RE_SPAN = re.compile(_SPAN)
_RE_ANCHOR = re.compile(_ANCHOR)
_RE_AFTER = re.compile(rf"{_SPAN} after (?P<anchor>.+)")
_RE_NEXT = re.compile(rf"next (?P<meeting>{_NAME}) after (?P<anchor>.+)")
_RE_UNDATED = re.compile(r"(?P<how>at once|no set time) after (?P<anchor>.+)|same day as (?P<same>.+)")
_RE_BACK = re.compile(rf"(?:(?:{_SPAN} )?(?P<before>before)|(?P<by>by)) (?P<target>.+)")
_RE_TARGET = re.compile(rf"case (?P<fact>{_NAME})|(?P<birthday>\d+(?:st|nd|rd|th)) birthday|date of (?P<event>.+)")
_RE_TIMES = re.compile(r"(?P<times>\d+) times a (?P<per>week|month)")
_RE_NTH = re.compile(rf"(?P<nth>\d+(?:st|nd|rd|th)) (?P<word>{_NAME})")


def _ordinal(n: int) -> str:
    suffix = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"


def read_ordinal(text: str) -> int:
    """Read "2nd" as 2; the suffix must fit."""
    found = _ORDINAL.fullmatch(text)
    if not found or _ordinal(int(found[1])) != text or int(found[1]) == 0:
        raise PhraseFault(f"{text!r} is not an ordinal such as '2nd'")
    return int(found[1])


def read_span(text: str) -> Length:
    """Read "10 working days", "case FACT" or "reading ID"."""
    found = _RE_SPAN.fullmatch(text)
    if not found:
        raise PhraseFault(_no_span(text))
    return _span(found)


def _span(found: re.Match[str]) -> Length:
    if found["fact"]:
        return FactSpan(found["fact"])
    if found["reading"]:
        return ReadingSpan(found["reading"])
    if int(found["n"]) == 0 or len(found["n"]) > 4:
        raise PhraseFault(f"{found[0]!r} is not a length: give a number from 1 to 9999")
    return Span(int(found["n"]), found["unit"])


def _no_span(text: str) -> str:
    number = re.fullmatch(r"(\d+)(?: (.*))?", text)
    if number and not number[2]:
        return f"{text!r} is a length without a unit: write for example '{text} working days'"
    if number:
        return f"{text!r} has no unit that we know ({', '.join(DAY_UNITS + HOUR_UNITS)}){nearest(number[2], DAY_UNITS)}"
    return f"{text!r} is not a length such as '10 working days'"


def read_anchor(text: str) -> Anchor:
    """Read an event word with an optional "each", "latest" or ordinal, or "RULE overdue"."""
    found = _RE_ANCHOR.fullmatch(text)
    if not found:
        raise PhraseFault(f"{text!r} names no event such as 'allocation' or 'each dispute_raised'")
    which, overdue = found["which"], bool(found["overdue"])
    if which is None:
        return Anchor(found["word"], overdue=overdue)
    if which in ("each", "latest"):
        return Anchor(found["word"], "each" if which == "each" else "latest", overdue=overdue)
    return Anchor(found["word"], "nth", read_ordinal(which), overdue)


def read_evidence(text: str) -> Anchor:
    """Read what satisfies, or cancels: an event word, or the nth of them since the clock's start."""
    anchor = read_anchor(text)
    if anchor.which in ("each", "latest"):
        raise PhraseFault(
            f"{text!r}: any such event is meant; write {anchor.word!r}, or for example '2nd {anchor.word}'"
        )
    return anchor


def read_due(text: str) -> Due:
    """Read a `due` phrase."""
    if found := _RE_AFTER.fullmatch(text):
        return Due("after", text, length=_span(found), anchor=read_anchor(found["anchor"]))
    if found := _RE_NEXT.fullmatch(text):
        return Due("next", text, meeting=found["meeting"], anchor=read_anchor(found["anchor"]))
    if found := _RE_UNDATED.fullmatch(text):
        if found["same"]:
            return Due("same day", text, anchor=read_anchor(found["same"]))
        how: How = "at once" if found["how"] == "at once" else "no set time"
        return Due(how, text, anchor=read_anchor(found["anchor"]))
    if found := _RE_BACK.fullmatch(text):
        length = _span(found) if found["n"] or found["fact"] or found["reading"] else None
        return Due("by" if found["by"] else "before", text, length=length, target=read_target(found["target"]))
    if " after " in text:
        raise PhraseFault(_no_span(text.split(" after ")[0]))
    raise PhraseFault(
        f"{text!r} is not a limit; write for example '10 working days after allocation', "
        "'21 days before case performance_date' or 'no set time after allocation'"
    )


def read_target(text: str) -> Target:
    """Read the date that a backward limit counts from."""
    if found := _RE_TARGET.fullmatch(text):
        if found["fact"]:
            return Target("fact", found["fact"])
        if found["birthday"]:
            return Target("birthday", n=read_ordinal(found["birthday"]))
        return Target("event", anchor=read_evidence(found["event"]))
    if found := _RE_NEXT.fullmatch(text):
        return Target("meeting", found["meeting"], anchor=read_anchor(found["anchor"]))
    raise PhraseFault(f"{text!r} is not a date such as 'case performance_date', '18th birthday' or 'date of EVENT'")


def read_every(text: str) -> Every:
    """Read a rhythm's `every`."""
    if found := _RE_TIMES.fullmatch(text):
        if int(found["times"]) == 0:
            raise PhraseFault(f"{text!r} is never: give a number from 1")
        return Every(text, times=int(found["times"]), per="week" if found["per"] == "week" else "month")
    if found := _RE_NTH.fullmatch(text):
        return Every(text, nth=Anchor(found["word"], "nth", read_ordinal(found["nth"])))
    length = read_span(text)
    if isinstance(length, Span) and length.in_hours:
        raise PhraseFault(f"{text!r}: a rhythm counts in days, weeks, months or years")
    return Every(text, length=length)


def read_begin(text: str) -> Begin:
    """Read where a rhythm or a phase begins: an anchor, or a length after one."""
    if found := _RE_AFTER.fullmatch(text):
        return Begin(text, read_anchor(found["anchor"]), _span(found))
    return Begin(text, read_anchor(text))


def read_remind(text: str) -> Remind:
    """Read "3 working days before" or "on the day"."""
    if text == "on the day":
        return Remind(text, None)
    if not text.endswith(" before"):
        raise PhraseFault(f"{text!r} is not a reminder: write 'on the day' or for example '3 working days before'")
    span = read_span(text.removesuffix(" before"))
    if not isinstance(span, Span):
        raise PhraseFault(f"{text!r}: a reminder needs a plain length such as '3 working days before'")
    if span.unit == "office hour":
        raise PhraseFault(f"{text!r}: a reminder counts in hours or days")
    return Remind(text, span)
