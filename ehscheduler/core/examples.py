"""Worked cases beside a policy: events in, dates out, counted by hand, and held to what the product counts.

The file has one `[[example]]` table a case; the policy language's page says what may stand in it.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from ehscheduler.core.actions import Action, actions, check_actions
from ehscheduler.core.calendars import Calendar, end_of_day, london_day
from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case, Event, event_id, read_moment
from ehscheduler.core.explain import timeline_row
from ehscheduler.core.history import named_rules, typed
from ehscheduler.core.meetings import lost_warnings
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy, Standard
from ehscheduler.core.saying import london_iso
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import PolicyRefused

KEYS = ("id", "rule", "events", "facts", "at", "expect", "absent", "from", "until", "notices", "problems", "warnings")
EXPECTED = """key met title clause edition force owner from_event from_at anchor_time_unknown opens_on best_by_on due_on
due_at original_due_at state met_at recorded_late phase readings episode why""".split()
NOTICE = ("at", "kind", "key", "stage", "to_roles")
NONE = "none"
"""How an example says that a value is empty, since TOML has no word for it."""

_LINE = re.compile(
    r"(?P<when>[^\s;]+)(?:;(?P<recorded>\S+))? (?P<word>[a-z][a-z0-9_]*)(?: #(?P<ref>\S+))?(?: (?P<detail>\{.*\}))?"
)


@dataclass(frozen=True, slots=True)
class Example:
    """One worked case; `place` is where it stands, as a person would look for it."""

    place: str
    rule: str
    case: Case
    events: tuple[Event, ...]
    at: datetime
    expect: tuple[Mapping[str, Any], ...] = ()
    absent: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    notices: tuple[Mapping[str, Any], ...] | None = None
    problems: tuple[str, ...] = ()
    warnings: tuple[str, ...] | None = None
    rules: frozenset[str] = field(default=frozenset())

    @property
    def asks_notices(self) -> bool:
        return self.notices is not None


def read_examples(text: str, file: str, policy: Policy) -> list[Example]:
    """Read the worked cases of a policy; raise PolicyRefused with every fault."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyRefused([f"{file}: is not TOML: {error}"]) from None
    tables = raw.get("example", [])
    if not isinstance(tables, list):
        raise PolicyRefused([f"{file}: write [[example]] tables"])
    faults: list[str] = []
    places = [f"{file} [[example]] {table.get('id', n)}" for n, table in enumerate(tables, 1)]
    pairs = zip(places, tables, strict=True)
    made = [example for place, table in pairs if (example := read_example(place, table, policy, faults))]
    if faults:
        raise PolicyRefused(faults)
    return made


def read_example(place: str, table: Mapping[str, Any], policy: Policy, faults: list[str]) -> Example | None:
    """Read one worked case; where it cannot be read, add its faults and return None."""
    rule = str(table.get("rule", ""))
    found = [f"no key {key!r}{nearest(key, KEYS)}" for key in table if key not in KEYS]
    if rule not in policy.rules and rule not in policy.checks:
        found.append(f"no rule {rule!r}{nearest(rule, [*policy.rules, *policy.checks])}")
    found += [f"expect has no value {name!r}{nearest(name, EXPECTED)}" for name in _unknown(table, "expect", EXPECTED)]
    found += [f"notices have no value {name!r}{nearest(name, NOTICE)}" for name in _unknown(table, "notices", NOTICE)]
    found += [
        f"no fact {name!r}{nearest(name, list(policy.facts))}"
        for name in table.get("facts", {})
        if name not in policy.facts
    ]
    needed = ("events", "at", "expect", *(("from", "until") if "notices" in table else ()))
    found += [f"has no {key!r}" for key in needed if key not in table]
    if found:
        faults += [f"{place}: {fault}" for fault in found]
        return None
    try:
        made = _read(place, rule, table, policy)
    except (ValueError, TypeError) as fault:
        found.append(f"cannot be read: {fault}")
    faults += [f"{place}: {fault}" for fault in found]
    return None if found else made


def _unknown(table: Mapping[str, Any], key: str, known: tuple[str, ...] | list[str]) -> list[str]:
    return sorted({name for row in table.get(key, ()) for name in row if name not in known})


def _read(place: str, rule: str, table: Mapping[str, Any], policy: Policy) -> Example:
    expect, absent = tuple(table["expect"]), tuple(table.get("absent", ()))
    keys = [*(str(row["key"]) for row in expect), *absent]
    notices = table.get("notices")
    return Example(
        place=place,
        rule=rule,
        case=Case("example", {n: typed(policy.facts[n], v) for n, v in table.get("facts", {}).items()}),
        events=tuple(_event(line, policy) for line in table["events"]),
        at=_instant(table["at"], last=True),
        expect=expect,
        absent=absent,
        since=_instant(table["from"]) if notices is not None else None,
        until=_instant(table["until"]) if notices is not None else None,
        notices=None if notices is None else tuple(notices),
        problems=tuple(table.get("problems", ())),
        warnings=tuple(table["warnings"]) if "warnings" in table else None,
        rules=frozenset({rule, *(key.split("/")[0] for key in keys)} & policy.rules.keys()),
    )


def _instant(text: object, *, last: bool = False) -> datetime:
    """Read an instant; a bare date is its first second, or its last where the example looks back on it."""
    moment, dated, day = read_moment(str(text))
    return end_of_day(day) if dated and last else moment


def _event(line: str, policy: Policy) -> Event:
    found = _LINE.fullmatch(line)
    if not found:
        raise ValueError(f"{line!r} is not of the form 'WHEN event #ref {{detail}}'")
    known = policy.words.get(found["word"])
    if known is None or not known.recorded:
        raise ValueError(f"no event {found['word']!r}{nearest(found['word'], list(policy.words))}")
    moment, dated, day = read_moment(found["when"])
    recorded = read_moment(found["recorded"])[0] if found["recorded"] else moment
    detail = json.loads(found["detail"] or "{}")
    id_ = detail.pop("id", None) or event_id("example", found["word"], found["when"], found["ref"] or "", str(detail))
    return Event(id_, "example", found["word"], moment, dated, day, recorded, found["ref"], detail)


# ---- holding a case to what is counted


def wanting(examples: Sequence[Example], policy: Policy) -> Iterator[str]:
    """Say which worked cases a policy still wants: for each rule one that is met, and one that is late."""
    states: dict[str, set[str]] = {id_: set() for id_ in policy.rules}
    for example in examples:
        for row in example.expect:
            states.setdefault(str(row["key"]).split("/")[0], set()).add(str(row.get("state", "")))
    for id_, rule in policy.rules.items():
        dated = any(due.how != "no set time" for due in rule.due) if isinstance(rule, Standard) else True
        if not states[id_] & {"met", "met_late"}:
            yield f"no example shows {id_} met; add one"
        if dated and not states[id_] & {"overdue", "met_late"}:
            yield f"no example shows {id_} late; add one"


def mismatches(example: Example, policy: Policy, calendar: Calendar) -> list[str]:
    """Return, as sentences, where the product counts otherwise than the hand did; nothing when they agree."""
    asked = replace(policy, checks={id_: check for id_, check in policy.checks.items() if id_ == example.rule})
    if example.warnings is None:  # what is warned of can hang on every rule; else only those that are asked count
        named = {rule for event in example.events for rule in named_rules(event)}
        wanted = example.rules | policy.watched | named
        asked = replace(asked, rules={id_: rule for id_, rule in policy.rules.items() if id_ in wanted})
    found = evaluate(asked, calendar, example.case, example.events, example.at)
    sentences = [
        *_milestones(example, asked, calendar, found),
        *_said(example, found, lost_warnings(asked, calendar, london_day(example.at))),
    ]
    if example.asks_notices:
        sentences += _notices(example, asked, calendar)
    return [f"{example.place}: {sentence}" for sentence in sentences]


def _milestones(example: Example, policy: Policy, calendar: Calendar, found: Evaluation) -> Iterator[str]:
    by_key = {milestone.key: milestone for milestone in found.milestones}
    for expected in example.expect:
        milestone = by_key.get(expected["key"])
        if milestone is None:
            there = ", ".join(by_key) or "nothing"
            yield f"{expected['key']} is expected, and there is {there}"
            continue
        row = timeline_row(milestone, policy, calendar)
        for name, wanted in expected.items():
            counted = _counted(name, row, milestone)
            if not _same(counted, wanted):
                yield f"{milestone.key}: {name} is {_text(wanted)} by hand, and {_text(counted)} as counted"
    for key in example.absent:
        if key in by_key:
            yield f"{key} is there, and should not be"


def _counted(name: str, row: Mapping[str, Any], milestone: Milestone) -> Any:
    return milestone.met_at is not None if name == "met" else row[name]


def _same(counted: Any, wanted: Any) -> bool:
    if wanted == NONE:
        return counted is None
    if isinstance(wanted, date):
        return bool(counted == wanted.isoformat())
    if isinstance(counted, str) and isinstance(wanted, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}", wanted):
        return counted[:19] == wanted  # the time by the clock on the wall
    return bool(counted == wanted)


def _text(value: Any) -> str:
    return NONE if value is None else str(value)


def _said(example: Example, found: Evaluation, lost: Sequence[str]) -> Iterator[str]:
    for kind, said, wanted in (
        ("problem", found.problems, example.problems),
        ("warning", (*found.warnings, *lost), example.warnings),
    ):
        if wanted is None:
            continue
        for part in wanted:
            if not any(part in sentence for sentence in said):
                yield f"no {kind} says {part!r}; there is {'; '.join(said) or 'none'}"
        yield from (
            f"a {kind} that is not expected: {sentence}" for sentence in said if not any(p in sentence for p in wanted)
        )


def _notices(example: Example, policy: Policy, calendar: Calendar) -> Iterator[str]:
    """Compare the notices of the rule; where some are listed, those of their kinds."""
    assert example.notices is not None
    assert example.since is not None
    assert example.until is not None
    found = evaluate(policy, calendar, example.case, example.events, example.since, horizon=example.until)
    kinds = {notice["kind"] for notice in example.notices}
    failed = [a for a in check_actions(found.findings) if example.since <= a.at < example.until]
    told = [
        action
        for action in (*actions(policy, calendar, found.milestones, since=example.since, until=example.until), *failed)
        if not action.kept and action.rule == example.rule and (not kinds or action.kind in kinds)
    ]
    if len(told) != len(example.notices):
        yield f"{len(example.notices)} notices by hand, and as counted {'; '.join(map(_notice, told)) or 'none'}"
        return
    for action, wanted in zip(told, example.notices, strict=True):
        row = _notice_row(action)
        wanted = {"stage": NONE, **wanted}
        if not all(_same(row[name], value) for name, value in wanted.items()):
            yield f"the notice {dict(wanted)} by hand is {_notice(action)} as counted"


def _notice_row(action: Action) -> dict[str, Any]:
    return {
        "at": london_iso(action.at),
        "kind": action.kind,
        "key": action.key,
        "stage": action.stage,
        "to_roles": list(action.to_roles),
    }


def _notice(action: Action) -> str:
    stage = f" {action.stage}" if action.stage else ""
    return f"{action.kind}{stage} at {london_iso(action.at)} to {', '.join(action.to_roles)}"
