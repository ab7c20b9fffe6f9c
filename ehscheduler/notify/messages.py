"""What a message may say: the whitelist, as frozen records of words, numbers and dates.

There is no field for a child, a family, an address or a note, and none may be added: the case's own
reference is all that names a case. Names here are staff: the addressee's own and, to a manager, the owner's.
"""

import dataclasses
import types
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from ehscheduler.errors import Refused

LINES_PER_MESSAGE = 200
DONE_STATES = frozenset({"met", "met_late", "cancelled", "waived"})
FIELD_LENGTH = 400
NOT_SET = date.max
_BIDI = {chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff") | _BIDI


class MessageRefused(Refused):
    """A message that must not be sent; each fault says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """The one person, or team address, that a message goes to."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imprint:
    """Whose policy a message speaks for, and where a reader can turn."""

    authority: str
    document: str
    edition: str = ""
    contact: str = ""
    safeguarding_route: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One milestone as a message may show it; every `str` is policy's, config's or fixed words."""

    case_ref: str
    title: str
    clause: str
    kind: str
    state: str
    window: str
    owner_title: str
    next_step: str
    recorded: str
    key: str = ""
    force: str = "required"
    due_on: date | None = None
    was_due_on: date | None = None
    days_over: int = 0
    stage: int | None = None
    ladder: str = ""
    told: tuple[str, ...] = ()
    owner_name: str = ""
    link: str | None = None
    reading_ours: bool = False
    reading_unsigned: bool = False
    calendar_forecast: bool = False
    edition_past_review: bool = False
    anchor_time_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a dispute, as told to somebody who has to decide or record."""

    line: Line
    since: str
    asks: str
    decide_by: str
    stage: int
    stages: int
    together: bool = False
    final: bool = False
    told: tuple[str, ...] = ()
    goes_to_next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that the operator must hear; `what` and `remedy` never quote a row of input."""

    kind: str
    what: str
    place: str
    remedy: str
    since: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The one calm message of a working morning."""

    to: Addressee
    imprint: Imprint
    day: date
    lines: tuple[Line, ...]
    outage: str = ""
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Overdue work, told to the next one up on a ladder."""

    to: Addressee
    imprint: Imprint
    day: date
    lines: tuple[Line, ...]
    outage: str = ""
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """Disputes that wait for the addressee's decision."""

    to: Addressee
    imprint: Imprint
    day: date
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Immediate:
    """Hour clocks, which go at once; `waits_for` is set on the copy to a duty address."""

    to: Addressee
    imprint: Imprint
    day: date
    lines: tuple[Line, ...]
    waits_for: str = ""
    waits_until: str = ""
    outage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What was already overdue when the authority went live; listed once, never escalated."""

    to: Addressee
    imprint: Imprint
    day: date
    team: str
    live_from: date
    lines: tuple[Line, ...]
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Alarms for whoever runs the daemon."""

    to: Addressee
    day: date
    at: str
    alarms: tuple[Alarm, ...]


Message = Digest | Escalation | Dispute | Immediate | Baseline | Operator


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that ask for the same next step."""

    next_step: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of a message under one heading."""

    name: str
    heading: str
    groups: tuple[Group, ...]


RECORDS: tuple[type, ...] = (
    Addressee, Imprint, Line, Step, Alarm, Digest, Escalation, Dispute, Immediate, Baseline, Operator, Group, Section,
)  # fmt: skip
HEADINGS = {
    "today": "Today",
    "coming": "Coming up",
    "open": "No set time",
    "look": "To look at",
    "changed": "Dates that have changed",
    "past": "Past the date",
}


def section_of(line: Line, day: date) -> str:
    """Name the section of a digest that a line belongs to."""
    if line.kind == "changed":
        return "changed"
    if line.state == "overdue":
        return "past"
    if line.kind in {"check", "limit", "drift"}:
        return "look"
    if line.due_on is None:
        return "open"
    return "today" if line.due_on <= day else "coming"


def sections(lines: tuple[Line, ...], day: date) -> tuple[Section, ...]:
    """Sort lines by what to do next: today first, what is past its date last."""
    made = []
    for name, heading in HEADINGS.items():
        own = [line for line in lines if section_of(line, day) == name]
        if own:
            made.append(Section(name, heading, groups(own)))
    return tuple(made)


def groups(lines: list[Line] | tuple[Line, ...]) -> tuple[Group, ...]:
    """Gather lines under their next step, the earliest date first."""
    ordered = sorted(lines, key=lambda line: (line.due_on or NOT_SET, line.case_ref, line.title, line.key))
    by_step: dict[str, list[Line]] = {}
    for line in ordered:
        by_step.setdefault(line.next_step, []).append(line)
    return tuple(Group(step, tuple(own)) for step, own in by_step.items())


def split(lines: tuple[Line, ...], day: date, size: int = LINES_PER_MESSAGE) -> tuple[tuple[Line, ...], ...]:
    """Cut a long list into messages of at most `size` lines, in reading order; nothing for no lines."""
    ordered = [line for part in sections(lines, day) for group in part.groups for line in group.lines]
    return tuple(tuple(ordered[start : start + size]) for start in range(0, len(ordered), size))


def lines_of(message: Message) -> tuple[Line, ...]:
    """Give every line that a message shows."""
    if isinstance(message, Operator):
        return ()
    if isinstance(message, Dispute):
        return tuple(step.line for step in message.steps)
    return message.lines


def faults_of(message: Message) -> list[str]:
    """Say what forbids sending this message: work that is done, nothing to say, too much, a bad link."""
    lines = lines_of(message)
    faults = [
        f"{line.case_ref} {line.title}: it is {line.state}, so nobody is told"
        for line in lines
        if line.state in DONE_STATES
    ]
    faults += [
        f"{line.case_ref} {line.title}: the link is not a plain http or https address"
        for line in lines
        if line.link is not None and not is_link(line.link)
    ]
    if isinstance(message, Escalation):
        faults += [f"{ln.case_ref} {ln.title}: a guide is never escalated" for ln in lines if ln.force == "guide"]
    if not lines and not (isinstance(message, Operator) and message.alarms):
        faults.append("the message has nothing to say")
    if len(lines) > LINES_PER_MESSAGE:
        faults.append(f"{len(lines)} lines are more than one message holds ({LINES_PER_MESSAGE}); split them first")
    return faults


def is_link(text: str) -> bool:
    """Say whether text is an http(s) address of plain visible ASCII, without quotes or angle brackets."""
    scheme, mark, rest = text.partition("://")
    plain = all("!" <= letter <= "~" and letter not in "\"'<>\\`" for letter in rest)
    return scheme in {"http", "https"} and bool(mark) and bool(rest) and plain and len(text) <= 1000


Record = TypeVar("Record")


def whitelisted(record: Record) -> Record:
    """Give the same record with tidied text, or raise if anything but plain whitelisted fields is in it.

    A subclass, an extra attribute, a model object or a function is refused, however deep it lies.
    """
    return _whitelisted(record, type(record).__name__)  # type: ignore[no-any-return]


def whitelisted_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """Give a template's context with each value whitelisted."""
    return {name: _whitelisted(value, name) for name, value in context.items()}


def _whitelisted(value: Any, place: str) -> Any:
    kind = type(value)
    if kind is str:
        return tidy(value)
    if kind in {int, bool, date, types.NoneType}:
        return value
    if kind is tuple:
        return tuple(_whitelisted(item, f"{place}[{at}]") for at, item in enumerate(value))
    if kind in RECORDS:
        fields = [field.name for field in dataclasses.fields(value)]
        return kind(**{name: _whitelisted(getattr(value, name), f"{place}.{name}") for name in fields})
    raise MessageRefused([f"{place} is a {kind.__name__}, and a message may hold only words, whole numbers and dates"])


def tidy(text: str) -> str:
    """Make text one printable line: NFC, no control, bidi or zero-width characters, at most 400 letters."""
    visible = "".join(letter for letter in unicodedata.normalize("NFC", text) if letter not in _INVISIBLE)
    spaced = "".join(" " if _unprintable(letter) else letter for letter in visible)
    line = " ".join(spaced.split())
    return line if len(line) <= FIELD_LENGTH else line[: FIELD_LENGTH - 1] + "…"


def _unprintable(letter: str) -> bool:
    return unicodedata.category(letter) in {"Cc", "Cs", "Cn", "Co", "Zl", "Zp"}
