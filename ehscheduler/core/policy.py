"""The policy objects: one authority's protocol in one edition, as frozen values.

`reading` makes them from a TOML file; nothing else does.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Any, Literal, Protocol

from ehscheduler.core.calendars import Span
from ehscheduler.core.events import Event
from ehscheduler.core.phrases import Anchor, Begin, Due, Every, ReadingSpan, Remind
from ehscheduler.core.sitting_days import SittingDay, sitting_day

Force = Literal["statutory", "required", "guide"]


@dataclass(frozen=True, slots=True)
class Compare:
    """One test of one fact: equal to any of `values`, or within the bounds."""

    fact: str
    values: tuple[Any, ...] = ()
    under: Any = None
    over: Any = None
    at_least: Any = None
    at_most: Any = None


@dataclass(frozen=True, slots=True)
class Known:
    """All these facts have a value."""

    facts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Happened:
    """This event happened, ever or within a length of time."""

    word: str
    within: Span | None


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    cond: "Cond"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of the conditions holds."""

    conds: tuple["Cond", ...]


@dataclass(frozen=True, slots=True)
class AllOf:
    """All the conditions hold."""

    conds: tuple["Cond", ...]


Cond = Compare | Known | Happened | Not | AnyOf | AllOf


@dataclass(frozen=True, slots=True)
class EventWord:
    """What one word of the policy means: recorded, any of, all of, or a selection of another word's occurrences."""

    name: str
    title: str = ""
    clause: tuple[str, ...] = ()
    any: tuple[Anchor, ...] = ()
    all: tuple[str, ...] = ()
    of: str = ""
    where: Cond | None = None
    at_least: int = 1
    within: Span | None = None
    different: Mapping[str, int] = field(default_factory=dict)
    details: tuple[str, ...] = ()

    @property
    def recorded(self) -> bool:
        return not (self.any or self.all or self.of)

    @property
    def parts(self) -> tuple[str, ...]:
        """The words that this one is made of."""
        return (*(anchor.word for anchor in self.any), *self.all, *((self.of,) if self.of else ()))


@dataclass(frozen=True, slots=True)
class Reading:
    """A recorded answer to an ambiguity in the protocol."""

    id: str
    clauses: tuple[str, ...]
    asks: str
    answer: str = ""
    value: str = ""
    taken_by: str = ""
    signed_by: str = ""
    signed_on: date | None = None

    @property
    def open(self) -> bool:
        return not self.answer

    @property
    def ours(self) -> bool:
        return self.taken_by == "project" and not self.signed_by


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a standard and a rhythm have in common."""

    id: str
    title: str
    clause: tuple[str, ...]
    met_by: tuple[Anchor, ...]
    owner: str
    where: Cond | None = None
    unless: tuple[Anchor, ...] = ()
    per_child: bool = False
    tell: tuple[str, ...] = ()
    force: Force = "required"
    remind: tuple[Remind, ...] = ()
    best_by: Due | Every | None = None
    escalate: str = ""
    decided_by: str = ""
    may_extend: tuple[str, ...] = ()
    runs_through: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()

    @property
    def through_closure(self) -> bool:
        return "closure" in self.runs_through

    @property
    def dated(self) -> bool:
        """Tell whether it can ever run over: something of it has a set time."""
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard(Rule):
    """One thing due once after, or before, something."""

    due: tuple[Due, ...]
    not_before: Due | None = None
    roll: str | None = None

    @property
    def dated(self) -> bool:
        return not self.due or any(due.how != "no set time" for due in self.due)


@dataclass(frozen=True, slots=True)
class Phase:
    """One stretch of a rhythm, with its own interval; several intervals mean that the earliest counts."""

    name: str | None
    every: tuple[Every, ...]
    begin: Begin
    best_by: Every | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm(Rule):
    """One thing due again and again, each time counted from the last."""

    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One rung of a ladder: who hears or must record, and by when."""

    who: tuple[str, ...]
    due: Due
    where: Cond | None = None
    together: bool = False
    final: bool = False
    readings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ladder:
    """Who hears, in order."""

    id: str
    title: str
    clause: tuple[str, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """Something to hold at an event: what must have happened, what its detail must say, or not before when."""

    id: str
    title: str
    clause: tuple[str, ...]
    at: Anchor
    owner: str
    needs: tuple[Anchor, ...] = ()
    must: Cond | None = None
    since: Span | Anchor | None = None
    not_before: Due | None = None
    where: Cond | None = None
    per_child: bool = False
    tell: tuple[str, ...] = ()
    force: Force = "required"
    readings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting that sits every week or month; `cut_off` is a time of its day, or a length before it.

    Where a reading says on which day it sits (`day_from`), `on` is None until somebody has answered.
    """

    id: str
    title: str
    clause: tuple[str, ...]
    on: SittingDay | None
    per: str = ""
    cut_off: time | Span | None = None
    bank_holiday: str = "ask"
    chair: str = ""
    readings: tuple[str, ...] = ()
    day_from: str = ""


@dataclass(frozen=True, slots=True)
class WorkLimit:
    """How much work one person in a role may hold, by kind: families, children."""

    id: str
    title: str
    clause: tuple[str, ...]
    who: str
    at_most: Mapping[str, int] = field(default_factory=dict)
    at_least: Mapping[str, int] = field(default_factory=dict)
    pro_rata: bool = False
    tell: tuple[str, ...] = ()
    readings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a route: where its condition holds, the team, or the team of the latest such event."""

    to: str
    where: Cond | None = None
    latest: str = ""
    readings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """Which team takes a case at an event: the first row that holds."""

    id: str
    title: str
    clause: tuple[str, ...]
    at: Anchor
    rows: tuple[Row, ...]


class Made(Protocol):
    """What a rule has made, under an edition: a milestone."""

    @property
    def rule(self) -> str: ...
    @property
    def edition(self) -> str: ...


Asked = Callable[[Mapping[str, Any], Sequence[Event], datetime], bool]
"""A condition that a plugin works out: from a case's facts, what happened until a moment, and that moment (UTC)."""


@dataclass(frozen=True, slots=True)
class Policy:
    """One authority's protocol in one edition.

    `editions` are all that the authority has, this one too, the oldest first; empty where it has one alone. `elsewhere`
    are the rules that stand in others. `hooks` are the conditions that data cannot say, by name; in a `where` each is
    asked as a yes/no fact is.
    """

    authority: str
    document: str
    edition: str
    nation: str
    in_force: date
    transition: str
    review_by: date | None
    hours: tuple[time, time] | None
    counts_first_day: bool
    remind: tuple[Remind, ...]
    rests_on: tuple[str, ...]
    roles: Mapping[str, str | tuple[str, ...]]
    facts: Mapping[str, str]
    readings: Mapping[str, Reading]
    words: Mapping[str, EventWord]
    rules: Mapping[str, Standard | Rhythm]
    ladders: Mapping[str, Ladder]
    checks: Mapping[str, Check]
    meetings: Mapping[str, Meeting]
    limits: Mapping[str, WorkLimit]
    routes: Mapping[str, Route]
    file: str
    text_hash: str
    text: str = field(repr=False)
    hooks: Mapping[str, "Asked"] = field(default_factory=dict)
    editions: tuple["Policy", ...] = field(default=(), repr=False)
    elsewhere: frozenset[str] = frozenset()

    def title_of_role(self, role: str) -> str:
        """Return the words for a role that a person would use."""
        title = self.roles.get(role, role)
        return title if isinstance(title, str) else role.replace("_", " ")

    def named(self, edition: str) -> "Policy":
        """Return the edition of this name, as it is by itself: that which governs a milestone."""
        return next((one for one in self.editions if one.edition == edition), self)

    def titled(self, rule: str) -> str:
        """Return a rule's title, of an edition that has it."""
        return next(one.rules[rule].title for one in (self, *self.editions) if rule in one.rules)

    def rule_of(self, made: "Made") -> Standard | Rhythm:
        """Return the rule of a milestone, as the edition has it that governs it."""
        return self.named(made.edition).rules[made.rule]

    def recorded_words(self) -> frozenset[str]:
        """Return every event word that a source may send."""
        return frozenset(name for name, word in self.words.items() if word.recorded)

    def behind(self, word: str) -> frozenset[str]:
        """Return the recorded words that a word is made of: itself, where a source may send it."""
        found: set[str] = set()
        ahead, seen = [word], {word}
        while ahead:
            meaning = self.words.get(ahead.pop())
            if meaning is not None and meaning.recorded:
                found.add(meaning.name)
            parts = [part for part in (meaning.parts if meaning else ()) if part not in seen]
            seen.update(parts)
            ahead += parts
        return frozenset(found)

    def resting_on(self, reading: str) -> list[str]:
        """Return the ids of what rests on a reading: by name, in a step or row of it, or for what the reading gives."""
        tables = [*self.rules.values(), *self.checks.values(), *self.meetings.values(), *self.limits.values()]
        found = [made.id for made in tables if reading in (*made.readings, *_answered_by(made))]
        found += [id_ for id_, ladder in self.ladders.items() if any(reading in step.readings for step in ladder.steps)]
        found += [id_ for id_, route in self.routes.items() if any(reading in row.readings for row in route.rows)]
        return found

    @property
    def watched(self) -> frozenset[str]:
        """Return the rules whose running over is itself an event of the policy ("RULE overdue")."""
        named = [anchor for word in self.words.values() for anchor in word.any]
        for rule in self.rules.values():
            named += [*rule.met_by, *rule.unless]
            named += [d.anchor for d in rule.due if d.anchor] if isinstance(rule, Standard) else []
        return frozenset(anchor.word for anchor in named if anchor.overdue)

    def unsigned(self, rule: Standard | Rhythm) -> Iterator[Reading]:
        """Yield the readings a rule rests on that nobody at the council has signed."""
        return (r for r in (self.readings[id_] for id_ in self.readings_of(rule)) if not r.signed_by)

    def readings_of(self, rule: Rule) -> tuple[str, ...]:
        """Return the readings that a rule rests on: its own, and those of the meeting to whose sitting it goes."""
        meetings = [due.meeting for due in rule.due if due.meeting] if isinstance(rule, Standard) else []
        sits = [id_ for meeting in meetings if meeting in self.meetings for id_ in self.meetings[meeting].readings]
        return tuple(dict.fromkeys([*rule.readings, *sits]))


def with_sitting_days(policy: Policy) -> Policy:
    """Set the day of each meeting whose day a reading gives, as the reading is now answered."""
    asked = {id_: made for id_, made in policy.meetings.items() if made.day_from in policy.readings}
    if not asked:
        return policy
    days = {id_: sitting_day(policy.readings[made.day_from].value) for id_, made in asked.items()}
    answered = {id_: replace(made, on=days[id_]) for id_, made in asked.items()}
    return replace(policy, meetings={**policy.meetings, **answered})


def _answered_by(made: object) -> set[str]:
    """Return the readings from which a standard or a rhythm takes a length, or a meeting its day."""
    if isinstance(made, Meeting):
        return {made.day_from}
    lengths: list[object] = []
    if isinstance(made, Standard):
        lengths = [due.length for due in (*made.due, *((made.not_before,) if made.not_before else ()))]
    elif isinstance(made, Rhythm):
        lengths = [every.length for phase in made.phases for every in phase.every]
        lengths += [phase.begin.length for phase in made.phases]
    if isinstance(made, Rule) and made.best_by is not None:
        lengths.append(made.best_by.length)
    return {length.reading for length in lengths if isinstance(length, ReadingSpan)}
