"""The order in which a message shows its lines: by what to do next."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from ehscheduler.notify.messages import LINES_PER_MESSAGE, Line, TeamWeek

NOT_SET = date.max
HEADINGS = {
    "decide": "To be decided",
    "handover": "Handed over to you",
    "today": "Today",
    "coming": "Coming up",
    "open": "No set time",
    "look": "To look at",
    "changed": "Dates that have changed",
    "past": "Past the date",
    "up": "Past the date, and now with you",
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


WEEK_HEADINGS = {
    "decide": "To be decided",
    "coming": "Due this week",
    "still": "Not moving",
    "people": "People",
    "past": "Past the date",
}


@dataclass(frozen=True, slots=True)
class WeekSection:
    """A stretch of one team's week: lines under a heading, or sentences about its people."""

    heading: str
    lines: tuple[Line, ...] = ()
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Week:
    """One team's week as it is read."""

    team: str
    counts: str
    sections: tuple[WeekSection, ...]


def week_of(one: TeamWeek) -> Week:
    """Sort a team's week by what to do next; what is past its date comes last."""
    by_section: dict[str, list[Line]] = {}
    for line in sorted(one.lines, key=lambda line: (line.due_on or NOT_SET, line.case_ref, line.title, line.key)):
        by_section.setdefault(_week_section(line), []).append(line)
    found = [
        WeekSection(heading, tuple(by_section.get(name, ())), one.said if name == "people" else ())
        for name, heading in WEEK_HEADINGS.items()
    ]
    return Week(one.team, one.counts, tuple(section for section in found if section.lines or section.said))


def _week_section(line: Line) -> str:
    if line.kind in {"dispute", "drift"}:
        return "decide" if line.kind == "dispute" else "still"
    return "past" if line.state == "overdue" else "coming"


def split_weeks(teams: Sequence[TeamWeek], size: int = LINES_PER_MESSAGE) -> tuple[tuple[TeamWeek, ...], ...]:
    """Put teams into messages of at most `size` lines each; a team with more than that says how many are left out."""
    made: list[list[TeamWeek]] = []
    room = 0
    for one in teams:
        ordered = [line for section in week_of(one).sections for line in section.lines]
        if left := len(ordered[size:]):
            one = replace(one, lines=tuple(ordered[:size]), said=(*one.said, f"{left} more lines do not fit in here."))
        if not made or len(one.lines) > room:
            made.append([])
            room = size
        made[-1].append(one)
        room -= len(one.lines)
    return tuple(map(tuple, made))


def section_of(line: Line, day: date) -> str:
    """Name the section of a digest that a line belongs to."""
    if line.kind in {"changed", "handover"}:
        return line.kind
    if line.kind in {"dispute", "escalation"}:
        return "decide" if line.kind == "dispute" else "up"
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
