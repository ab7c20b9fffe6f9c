"""Random cases of any policy: every word that a source may send, with such facts and details as its conditions ask.

They are drawn from the policy alone, so that a plugin is tried with what nobody thought of. The same seed gives the
same files.
"""

import csv
import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

from ehscheduler.core.calendars import Span
from ehscheduler.core.policy import Compare, Known, Policy

START, DAYS = date(2026, 1, 5), 150
FIRST = "allocation"
COMMON = 0.6
"""The share of events that are drawn from the words on which rules count; the rest are drawn from all of them."""

CASE_COLUMNS = ("case_ref",)
EVENT_COLUMNS = ("case_ref", "event", "occurred_at", "recorded_at", "ref", "detail", "id")
_PLAIN: dict[str, list[Any]] = {
    "yes/no": [True, False],
    "number": [0, 1, 2, 3, 4, 5],
    "word": ["one", "two"],
    "date": [(START + timedelta(days=n)).isoformat() for n in (20, 80, 200)],
    "duration": ["2 weeks", "10 working days", "1 month"],
}


def write_random_cases(folder: Path, policy: Policy, *, seed: int, cases: int, events: int = 10) -> tuple[Path, Path]:
    """Write cases.csv and events.csv of so many cases with so many events each; return both paths."""
    random = Random(seed)  # noqa: S311 - nothing secret is drawn
    drawn = _Draw(policy, random)
    facts = sorted(policy.facts)
    case_file, event_file = folder / "cases.csv", folder / "events.csv"
    with (
        case_file.open("w", encoding="utf-8", newline="") as into_cases,
        event_file.open("w", encoding="utf-8", newline="") as into_events,
    ):
        case_rows, event_rows = csv.writer(into_cases), csv.writer(into_events)
        case_rows.writerow([*CASE_COLUMNS, *facts])
        event_rows.writerow(EVENT_COLUMNS)
        for n in range(1, cases + 1):
            ref = f"R{n:06d}"
            case_rows.writerow([ref, *(drawn.cell(fact) for fact in facts)])
            for k in range(events):
                event_rows.writerow([ref, *drawn.event(first=k == 0), f"{ref}-{k}"])
    return case_file, event_file


class _Draw:
    """Draws facts and events of one policy."""

    def __init__(self, policy: Policy, random: Random) -> None:
        self.random = random
        self.facts = policy.facts
        self.asked = _asked(policy)
        self.words = sorted(policy.recorded_words() - {"retracted", "reopened"})
        self.counted = sorted(_counted(policy) & set(self.words))

    def cell(self, fact: str) -> str:
        """Return a case's attribute as a source writes it; now and then it is blank."""
        kind = self.facts[fact]
        if kind == "children":
            born = [START - timedelta(days=self.random.randint(300, 6500)) for _ in range(self.random.randint(0, 3))]
            return json.dumps([{"ref": f"K{n}", "born": day.isoformat()} for n, day in enumerate(born, 1)])
        if fact == "index_child_dob":
            return (START - timedelta(days=self.random.randint(300, 6500))).isoformat()
        value = self.random.choice([*self.asked.get(fact, ()), *_PLAIN[kind]])
        return value if isinstance(value, str) else json.dumps(value)

    def event(self, *, first: bool) -> list[str]:
        """Return an event's word, when it happened, when it was recorded, its ref and its detail."""
        own = self.random.random() < COMMON
        word = FIRST if first else self.random.choice(self.counted if own else self.words)
        day = START + timedelta(days=self.random.randint(0, 20) if first else self.random.randint(0, DAYS))
        timed = self.random.random() < 0.5
        at = f"{day}T{self.random.randint(7, 18):02d}:{self.random.randint(0, 59):02d}" if timed else f"{day}"
        late = self.random.choice((0, 0, 0, 1, 9))
        recorded = f"{day + timedelta(days=late)}T20:00" if late else ""
        ref = self.random.choice(("", "", "A", "B"))
        return [word, at, recorded, ref, self.detail()]

    def detail(self) -> str:
        """Return a few of the keys that the policy's conditions read, with values that they know."""
        if self.random.random() < 0.5:
            return ""
        keys = self.random.sample(sorted(self.asked), k=min(2, len(self.asked)))
        found = {key: self.random.choice(self.asked[key]) for key in keys if self.facts.get(key) != "children"}
        return json.dumps(found) if found else ""


def _asked(policy: Policy) -> dict[str, list[Any]]:
    """Return what the policy's conditions ask of each name: the values they compare with, or plain ones."""
    found: dict[str, set[Any]] = {}
    for condition in _conditions(policy):
        if isinstance(condition, Known):
            for name in condition.facts:
                found.setdefault(name, set())
        else:
            bounds = (condition.under, condition.over, condition.at_least, condition.at_most)
            known = {value for value in (*condition.values, *bounds) if value is not None}
            found.setdefault(condition.fact, set()).update(known)
    return {
        name: sorted((_sent(value) for value in values), key=repr) or _PLAIN[policy.facts.get(name, "word")]
        for name, values in sorted(found.items())
        if policy.facts.get(name) != "children" and name not in ("age", *policy.hooks)
    }


def _sent(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else str(value) if isinstance(value, Span) else value


def _conditions(part: object) -> Iterator[Compare | Known]:
    """Yield every test in a policy, wherever it stands."""
    if isinstance(part, Compare | Known):
        yield part
    elif isinstance(part, dict):
        for inner in part.values():
            yield from _conditions(inner)
    elif isinstance(part, tuple | list):
        for inner in part:
            yield from _conditions(inner)
    elif is_dataclass(part):
        for own in fields(part):
            yield from _conditions(getattr(part, own.name))


def _counted(policy: Policy) -> set[str]:
    """Return the recorded words on which some rule counts, or by which one is met."""
    named = [anchor for rule in policy.rules.values() for anchor in (*rule.met_by, *rule.unless)]
    named += [check.at for check in policy.checks.values()]
    return {word for anchor in named for word in policy.behind(anchor.word)}
