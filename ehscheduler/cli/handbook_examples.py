"""The worked examples of a policy as sentences, for its handbook."""

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ehscheduler.core.calendars import Calendar
    from ehscheduler.core.events import Event
    from ehscheduler.core.examples import Example
    from ehscheduler.plugins import Authority

SHOWN = 3
"""So many worked examples are shown under each rule and check."""
STATES = {
    "upcoming": "not open yet",
    "due": "open",
    "overdue": "past its date",
    "met": "done in time",
    "met_late": "done late",
    "on_hold": "on hold",
    "cancelled": "called off",
    "waived": "no longer applies",
}

_ISO = re.compile(r"\d{4}-\d\d-\d\d")
_NOT = re.compile(r"not \(([\w ]+?) is ([^()]+)\)")


def worked_examples(authority: "Authority") -> dict[str, list[str]]:
    """Return a few worked examples of each rule and check as sentences, those with a date first."""
    from ehscheduler.core.examples import read_examples

    path = authority.folder / "examples.toml"
    found: dict[str, list[Example]] = {}
    if not path.exists():
        return {}
    for one in read_examples(path.read_text(encoding="utf-8"), path.name, authority.policy):
        found.setdefault(one.rule, []).append(one)
    shown = {rule: sorted(own, key=_undated)[:SHOWN] for rule, own in found.items()}
    return {rule: [_worked(one, authority.calendar) for one in own] for rule, own in shown.items()}


def _undated(one: "Example") -> bool:
    return not any("due_on" in row for row in one.expect)


def _worked(one: "Example", calendar: "Calendar") -> str:
    """Write a worked example as sentences: what happened, what was counted by hand, and which days did not count."""
    from ehscheduler.notify.words import count_words

    facts = ", ".join(f"{plain(name)} is {_value(value)}" for name, value in one.case.facts.items())
    happened = "; ".join(map(_happened, one.events))
    parts = [sentence(f"{f'where {facts}: ' if facts else ''}{happened or 'nothing is recorded'}")]
    parts += [_expected(row) for row in one.expect if str(row.get("key", "")).partition("/")[0] == one.rule]
    if len(parts) == 1 and one.rule in {key.partition("/")[0] for key in one.absent}:
        parts.append("It does not apply.")
    if one.notices is not None:
        parts.append(f"{count_words(len(one.notices), 'notice')}." if one.notices else "Nobody is told.")
    days = [date.fromisoformat(str(row["due_on"])) for row in one.expect if str(row.get("due_on", "none")) != "none"]
    if days and one.events:
        first, last = min(event.day for event in one.events), max(days)
        between = [(day, name) for day, name in sorted(calendar.days_off.items()) if first < day <= last]
        if off := ", ".join(f"{name} {day.day} {day:%B}" for day, name in between):
            parts.append(f"Days off between: {off}.")
    return " ".join(dict.fromkeys(parts))


def _happened(event: "Event") -> str:
    from ehscheduler.core.saying import said_day, said_moment

    when = f"on {said_day(event.day)}" if event.dated else f"at {said_moment(event.moment)}"
    detail = ", ".join(f"{plain(name)} {_value(value)}" for name, value in event.detail.items())
    return f"{plain(event.word)}{f' ({detail})' if detail else ''} {when}"


def _expected(row: Mapping[str, Any]) -> str:
    from ehscheduler.core.saying import said_day

    due, state = row.get("due_on"), STATES.get(str(row.get("state", "")), "")
    which = str(row.get("key", "")).partition("/")[2]
    name = f"Number {which}: " if which else ""
    if due is None or str(due) == "none":
        return f"{name}{sentence(state) if state else 'It applies.'}"
    by = f"due by {said_day(date.fromisoformat(str(due)))}"
    return sentence(f"{name}{by}{f', {state}' if state else ''}")


def _value(value: object) -> str:
    from ehscheduler.core.events import Child
    from ehscheduler.core.saying import said_day

    if isinstance(value, list | tuple):
        return " and ".join(map(_value, value)) or "nobody"
    if isinstance(value, Child):
        return f"{value.ref}{f', born on {said_day(value.born)}' if value.born else ''}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and _ISO.fullmatch(value):
        value = date.fromisoformat(value)
    return said_day(value) if isinstance(value, date) else plain(value)


def plain(text: object) -> str:
    """Write a name of the policy as words."""
    return str(text).replace("_", " ")


def sentence(text: str) -> str:
    """Write words as a sentence: with a capital and a full stop."""
    said = _NOT.sub(r"\1 is not \2", plain(text))
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith('.') else '.'}" if said else ""
