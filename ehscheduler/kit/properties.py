"""What must hold of any protocol, whatever its numbers: each worked case is moved over the hard days of the calendar.

A later start never gives an earlier date; a hold never shortens; the order in which rows come changes nothing; a day
ends with its last second in London and an hour is an hour, also where the clocks change. The cases are the plugin's
own, so every rule is tried. Those with a hold or a later limit are not moved: a hold over a weekend costs less.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from ehscheduler.core.calendars import Span, end_of_day
from ehscheduler.core.evaluate import evaluate
from ehscheduler.core.events import Case, Event
from ehscheduler.core.examples import read_example
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy
from ehscheduler.kit.plugin import Plugin
from ehscheduler.kit.worked import Counted

WINDOWS = {
    "the clocks going forward, and Easter": (date(2026, 3, 25), 14),
    "the clocks going back": (date(2026, 10, 22), 7),
    "the year's end": (date(2026, 12, 17), 18),
    "a leap day": (date(2028, 2, 25), 7),
}
"""The days on which moved cases begin: the first of them, and how many."""
CASES_A_RULE = 3
"""How many of a rule's worked cases are moved; ours, so that a long policy takes a minute and not ten."""
HOLDS = ((1, 1), (1, 5), (3, 14))
"""After how many days of the clock a hold begins, and how long it lasts."""
OWN_CLOCK = {"hold_started", "hold_ended", "relaxation_agreed", "extension_approved", "closed", "reopened", "retracted"}
LATER = timedelta(days=60)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


@dataclass
class Found:
    """How many histories were tried, and what did not hold in them."""

    histories: int = 0
    faults: dict[str, str] = field(default_factory=dict)

    def add(self, rule: str, kind: str, said: str) -> None:
        """Keep the first fault of a kind for each rule: the others say the same again."""
        self.faults.setdefault(f"{rule} {kind}", said)


def tried(plugin: Plugin, worked: Counted, found: Found) -> None:
    """Try one worked case every way; add to what was found."""
    one = _Moved(plugin, worked, found)
    one.replayed()
    if not {event.word for event in worked.example.events} & OWN_CLOCK:
        for name, (first, days) in WINDOWS.items():
            one.over(name, first, days)
        one.with_holds()


def chosen(plugin: Plugin) -> Iterator[Counted]:
    """Yield the worked cases that are tried: the first few of each rule."""
    seen: dict[str, int] = {}
    for worked in plugin.worked:
        if isinstance(worked, Counted):
            seen[worked.rule] = seen.get(worked.rule, 0) + 1
            if seen[worked.rule] <= CASES_A_RULE:
                yield worked


class _Moved:
    """One worked case, evaluated by its own rules alone, as it stands or some days later."""

    def __init__(self, plugin: Plugin, worked: Counted, found: Found) -> None:
        self.plugin, self.worked, self.found = plugin, worked, found
        policy = plugin.policy
        wanted = worked.example.rules | policy.watched | {worked.rule}
        rules = {id_: rule for id_, rule in policy.rules.items() if id_ in wanted}
        self.policy: Policy = replace(policy, rules=rules, checks={}, editions=())

    def made(self, case: Case, events: Sequence[Event], at: datetime) -> dict[str, Milestone]:
        """Return the milestones by key."""
        self.found.histories += 1
        return {m.key: m for m in evaluate(self.policy, self.plugin.calendar, case, events, at).milestones}

    def say(self, rule: str, kind: str, said: str) -> None:
        self.found.add(rule, kind, f"{self.plugin.place(rule)}: {said} ({self.worked.place})")

    # ---- the order of rows

    def replayed(self) -> None:
        example = self.worked.example
        first, again, turned = (
            {key: _dates(m) for key, m in self.made(example.case, events, example.at).items()}
            for events in (example.events, example.events, example.events[::-1])
        )
        for other, how in ((again, "asked again"), (turned, "with its rows in another order")):
            for key in first.keys() ^ other.keys() | {key for key in first.keys() & other if first[key] != other[key]}:
                self.say(key.split("/")[0], "replay", f"{key} comes out otherwise when it is {how}")

    # ---- a later start

    def over(self, name: str, first: date, days: int) -> None:
        """Begin the case on each day of a window; hold each date to the one before it."""
        began = min((event.day for event in self.worked.example.events), default=None)
        before: tuple[date, dict[str, tuple[object, date]]] | None = None
        for day in (first + timedelta(days=n) for n in range(days if began else 0)):
            made = self._begun(day, (day - (began or day)).days)
            if made is None:
                continue
            if before:
                self._compared(before, (day, made), name)
            before = day, made

    def _begun(self, day: date, by: int) -> dict[str, tuple[object, date]] | None:
        """Return from what each milestone counts and its last day, of the case moved by some days."""
        table, faults = _shifted(self.worked.table, by), list[str]()
        example = read_example(self.worked.place, {**table, "expect": []}, self.policy, faults)
        if example is None:  # an hour that London does not have that night, or has twice
            return None
        place = {event.id: n for n, event in enumerate(example.events)}
        made = self.made(example.case, example.events, example.at)
        for milestone in made.values():
            self._ends_well(milestone, day)
        return {k: (place.get(str(m.from_event), k), m.due_on) for k, m in made.items() if m.due_on is not None}

    def _compared(
        self,
        before: tuple[date, Mapping[str, tuple[object, date]]],
        after: tuple[date, Mapping[str, tuple[object, date]]],
        name: str,
    ) -> None:
        for key in before[1].keys() & after[1].keys():
            (came, due), (comes, then) = before[1][key], after[1][key]
            if came == comes and then < due:
                said = f"begun on {before[0]} it is due on {due}, and begun on {after[0]} already on {then}"
                self.say(key.split("/")[0], "start", f"{key}: over {name}, {said}")

    def _ends_well(self, made: Milestone, day: date) -> None:
        """Hold a limit of days to the last second of its day in London, and one of hours to so many hours."""
        if made.due_on is None or made.due_at is None:
            return
        span, rule = made.winner.span, made.rule
        if not made.in_hours and made.due_at != end_of_day(made.due_on):
            self.say(rule, "clock", f"{made.key}: begun on {day} it does not end with the last second of {made.due_on}")
        timed = isinstance(span, Span) and span.unit == "hour" and not made.anchor_time_unknown
        if span and timed and made.from_at and made.due_at - made.from_at != timedelta(hours=span.n):
            self.say(rule, "clock", f"{made.key}: begun on {day} its {span} are not {span.n} hours")

    # ---- a hold

    def with_holds(self) -> None:
        example = self.worked.example
        at = example.at + LATER
        plain = self.made(example.case, example.events, at)
        for began in sorted({m.from_at for m in plain.values() if m.from_at and m.due_at}):
            for after, lasts in HOLDS:
                events = [*example.events, *_hold(began + timedelta(days=after), timedelta(days=lasts))]
                self._longer(plain, self.made(example.case, events, at), lasts)

    def _longer(self, plain: Mapping[str, Milestone], held: Mapping[str, Milestone], lasts: int) -> None:
        for key in plain.keys() & held.keys():
            one, other = plain[key], held[key]
            if one.due_at and other.due_at and one.from_event == other.from_event and other.due_at < one.due_at:
                said = f"a hold of {lasts} days makes it due on {other.due_on}, and without one it is {one.due_on}"
                self.say(one.rule, "hold", f"{key}: {said}")


def _hold(since: datetime, lasts: timedelta) -> Iterator[Event]:
    for id_, word, moment in (("hold", "hold_started", since), ("held", "hold_ended", since + lasts)):
        yield Event(id_, "example", word, moment, False, moment.date(), moment, detail={})


def _dates(m: Milestone) -> tuple[object, ...]:
    return m.opens_on, m.best_by_on, m.due_at, m.original_due_at, m.state, m.met_at


def _shifted(value: Any, by: int) -> Any:
    """Return a worked case with every date in it moved by some days."""
    if isinstance(value, Mapping):
        return {key: _shifted(inner, by) for key, inner in value.items() if key not in ("notices", "from", "until")}
    if isinstance(value, list):
        return [_shifted(inner, by) for inner in value]
    if isinstance(value, date):
        return value + timedelta(days=by)
    return _DATE.sub(lambda found: _day(found[0], by), value) if isinstance(value, str) else value


def _day(text: str, by: int) -> str:
    try:
        return (date.fromisoformat(text) + timedelta(days=by)).isoformat()
    except ValueError:
        return text
