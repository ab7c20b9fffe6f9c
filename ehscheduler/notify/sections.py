"""The order in which a message shows its lines: by what to do next."""

from dataclasses import dataclass
from datetime import date

from ehscheduler.notify.messages import LINES_PER_MESSAGE, Line

NOT_SET = date.max
HEADINGS = {
    "handover": "Handed over to you",
    "today": "Today",
    "coming": "Coming up",
    "open": "No set time",
    "look": "To look at",
    "changed": "Dates that have changed",
    "past": "Past the date",
}


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


def section_of(line: Line, day: date) -> str:
    """Name the section of a digest that a line belongs to."""
    if line.kind in {"changed", "handover"}:
        return line.kind
    if line.state == "overdue":
        return "past"
    if line.kind in {"check", "limit", "drift"}:
        return "look"
    if line.due_on is None:
        return "open"
    return "today" if line.due_on <= day else "coming"


def sections(lines: tuple[Line, ...], day: date) -> tuple[Section, ...]:
    """Sort lines by what to do next: what is new to the reader and today first, what is past its date last."""
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
