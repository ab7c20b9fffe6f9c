"""Drift: named signals that a case has stopped moving, each with its evidence (design 6).

Only what happened counts: working a case out anew is never activity. A signal rests on the protocol's own numbers, or
on one of ours (`Numbers`), and then says so.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ehscheduler.core.calendars import Calendar, Span, london_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.events import Event
from ehscheduler.core.history import OVERDUE, known_by
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy, Rhythm, Rule, Standard
from ehscheduler.core.saying import said_day

CONTACT = frozenset({"family_seen", "home_visit", "contact_made"})
SUPERVISION = frozenset({"supervision_held", "oversight_noted"})
REVIEW = frozenset({"review_held", "taf_held", "assessment_reviewed"})
NOT_ACTIVITY = frozenset({"acknowledged", "left_without_dates", "relaxation_noted_late", "relaxation_agreed"})
"""Events that say something of the record or of a date; the family's case did not move by them."""

SIGNALS = {
    "named": "the protocol asks for more, as something ran over",
    "span": "open past its agreed end",
    "contact": "no contact with the family in two intervals",
    "overdue": "work long overdue",
    "relaxed": "put off again and again",
    "lapsed": "put off, and the agreed date has passed",
    "review": "a review moved twice",
    "supervision": "supervision missed",
    "silent": "nothing recorded",
}


LONG_OVERDUE, LONG_SILENT = Span(10, "working day"), Span(28, "day")


@dataclass(frozen=True, slots=True)
class Numbers:
    """From when on work is long overdue, a case silent, and something put off again and again; ours, or a council's."""

    overdue: Span = LONG_OVERDUE
    silent: Span = LONG_SILENT
    times: int = 2


OURS = Numbers()


@dataclass(frozen=True, slots=True)
class Signal:
    """One sign of drift: its name (a key of SIGNALS), its evidence in words, and the clause behind it, if any.

    `ours` says that the number behind it is not in the document; `days` is how long it has lasted.
    `asks` says what the protocol then wants done.
    """

    name: str
    evidence: str
    clause: str = ""
    ours: bool = False
    days: int = 0
    asks: str = ""


@dataclass(frozen=True, slots=True)
class Drifting:
    """One case with its signs of drift, in the order of SIGNALS."""

    case: str
    signals: tuple[Signal, ...]

    @property
    def concern(self) -> tuple[bool, int, int, str]:
        """Return the order: what the protocol names, then most signs, then the longest, then by reference."""
        named = any(signal.name == "named" for signal in self.signals)
        return not named, -len(self.signals), -max(signal.days for signal in self.signals), self.case


def drifting(
    policy: Policy,
    calendar: Calendar,
    found: Evaluation,
    events: Iterable[Event],
    now: datetime,
    numbers: Numbers = OURS,
) -> Drifting | None:
    """Return a case's signs of drift at `now`, or None where it has none; a closed case has none."""
    if found.closed_on is not None:
        return None
    look = _Look(policy, calendar, found, known_by(events, now), london_day(now), numbers)
    signals = sorted(_signals(look), key=lambda signal: list(SIGNALS).index(signal.name))
    return Drifting(found.case, tuple(signals)) if signals else None


@dataclass(frozen=True, slots=True)
class _Look:
    policy: Policy
    calendar: Calendar
    found: Evaluation
    events: Sequence[Event]
    today: date
    numbers: Numbers

    @property
    def on_hold(self) -> bool:
        return any(m.state == "on_hold" for m in self.found.milestones)

    def over(self) -> Iterator[tuple[Milestone, int]]:
        """Yield what is overdue, mere advice apart, with how many days it has been."""
        for m in self.found.milestones:
            if m.state == "overdue" and m.due_on is not None and m.force != "guide":
                yield m, (self.today - m.due_on).days

    def longer_than(self, span: Span, since: date) -> bool:
        """Tell whether more than a length has gone by since a day."""
        end = self.calendar.later(since, span)
        return end is not None and self.today > end

    def met_by(self, m: Milestone) -> frozenset[str]:
        return _met_by(self.policy, self.policy.rule_of(m))


def _met_by(policy: Policy, rule: Rule) -> frozenset[str]:
    return frozenset(word for anchor in rule.met_by for word in policy.behind(anchor.word))


def _signals(look: _Look) -> Iterator[Signal]:
    yield from _named(look)
    lost = dict(_contact(look))
    yield from lost.values()
    # What is told by another sign already is not told as long overdue, too.
    told = {*lost, *_causes(look)}
    yield from (signal for rule, signal in _overdue(look) if signal.name != "overdue" or rule not in told)
    yield from _put_off(look)
    yield from _silent(look)


def _named(look: _Look) -> Iterator[Signal]:
    """Yield what the protocol asks of a case because another of its rules ran over, or because it was flagged."""
    asked: dict[str, list[Milestone]] = {}
    for m in look.found.milestones:
        if m.open and m.anchor is not None and _of_drift(look.policy, look.policy.rule_of(m)):
            asked.setdefault(m.anchor.id, []).append(m)
    for rows in asked.values():
        anchor = rows[0].anchor
        if anchor is not None:
            titles, clauses = (list(dict.fromkeys(getattr(m, name) for m in rows)) for name in ("title", "clause"))
            said = f"{_over_words(look.policy, anchor)} since {said_day(anchor.day)}"
            days = (look.today - anchor.day).days
            yield Signal("named", said, ", ".join(clauses), days=days, asks="; ".join(titles))


def _causes(look: _Look) -> Iterator[str]:
    """Yield the rules that ran over, and because of which the protocol asks for more."""
    for m in look.found.milestones:
        if m.open and m.anchor is not None and m.anchor.word.endswith(OVERDUE):
            yield m.anchor.word.removesuffix(OVERDUE)


def _of_drift(policy: Policy, rule: Rule) -> bool:
    """Tell whether a rule waits for "RULE overdue", or for a word that is made of one."""
    anchors = [due.anchor for due in (rule.due if isinstance(rule, Standard) else ()) if due.anchor is not None]
    parts = [part for anchor in anchors if (word := policy.words.get(anchor.word)) for part in word.any]
    return any(anchor.overdue for anchor in (*anchors, *parts))


def _over_words(policy: Policy, anchor: Event) -> str:
    if anchor.word.endswith(OVERDUE):
        return f"{policy.titled(anchor.word.removesuffix(OVERDUE))} is overdue"
    return policy.words[anchor.word].title or anchor.word.replace("_", " ")


def _overdue(look: _Look) -> Iterator[tuple[str, Signal]]:
    """Yield by its rule the end that has passed, the supervision that was missed, and what is long overdue."""
    longest: dict[str, list[tuple[Milestone, int]]] = {}
    for m, days in look.over():
        if not _of_drift(look.policy, look.policy.rule_of(m)):
            longest.setdefault(m.rule, []).append((m, days))
    for rule, rows in longest.items():
        (m, days), met_by = max(rows, key=lambda row: row[1]), look.met_by(rows[0][0])
        times = f"{len(rows)} times, once " if len(rows) > 1 else ""
        said = f"{m.title}: {times}{_days(days)} over its limit"
        if "closed" in met_by:
            yield rule, Signal("span", said, m.clause, days=days)
        elif met_by & SUPERVISION:
            yield rule, Signal("supervision", said, m.clause, days=days)
        elif m.due_on is not None and look.longer_than(look.numbers.overdue, m.due_on):
            yield rule, Signal("overdue", said, m.clause, ours=True, days=days)


def _contact(look: _Look) -> Iterator[tuple[str, Signal]]:
    """Yield each rhythm of contact, mere advice too, of which two whole intervals went by without any."""
    for rule in look.policy.rules.values():
        met_by = _met_by(look.policy, rule)
        if not isinstance(rule, Rhythm) or not met_by & CONTACT:
            continue
        mine = [m for m in look.found.milestones if m.rule == rule.id and m.state == "overdue"]
        started = [(m, london_day(m.starts_at)) for m in mine if m.starts_at and m.due_on]
        if not started:
            continue
        m, start = min(started, key=lambda pair: pair[1])
        assert m.due_on is not None  # asked just above
        last = max((e.day for e in look.events if e.word in met_by and e.day >= start), default=start)
        # A week of "2 times a week" has its first day in it; a length is counted from the day after.
        in_blocks = any(every.times for phase in rule.phases if phase.name == m.phase for every in phase.every)
        lasted, interval = (look.today - last).days, (m.due_on - start).days + in_blocks
        if interval > 0 and lasted > 2 * interval:
            since = f"none since {said_day(last)}, and {_days(interval)} is the interval"
            yield rule.id, Signal("contact", f"{m.title}: {since}", m.clause, days=lasted)


def _put_off(look: _Look) -> Iterator[Signal]:
    """Yield limits that were moved twice or more, and agreed dates that have passed with the work undone."""
    for m in look.found.milestones:
        agreed = [change for change in m.changes if change.kind == "relaxation"]
        if not m.open or not agreed:
            continue
        if len(agreed) >= look.numbers.times:
            name = "review" if look.met_by(m) & REVIEW else "relaxed"
            said = f"{m.title}: put off {len(agreed)} times, the last time on {said_day(agreed[-1].day)}"
            yield Signal(name, said, m.clause, ours=True, days=(look.today - agreed[0].day).days)
        if m.state == "overdue" and m.due_on is not None and not _reviewed(look, agreed[-1].day):
            said = (
                f"{m.title}: put off until {said_day(m.due_on)}, not done by then and not looked at since it was agreed"
            )
            yield Signal("lapsed", said, m.clause, days=(look.today - m.due_on).days)


def _reviewed(look: _Look, since: date) -> bool:
    return any(e.word in ("relaxation_reviewed", "relaxation_ended") and e.day >= since for e in look.events)


def _silent(look: _Look) -> Iterator[Signal]:
    """Yield a case of which nothing was recorded for long, unless it is on hold."""
    moved = [event for event in look.events if event.word not in NOT_ACTIVITY]
    if not moved or look.on_hold:
        return
    last = moved[-1].day
    if look.longer_than(look.numbers.silent, last):
        days = (look.today - last).days
        said = f"nothing since {said_day(last)}, {_days(days)} ago"
        yield Signal("silent", said, ours=True, days=days)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
