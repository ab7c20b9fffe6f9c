"""What a policy names must be declared: each name by itself, as sentences with the nearest word."""

from collections.abc import Iterable, Iterator
from datetime import date

from ehscheduler.core.calendars import Span
from ehscheduler.core.phrases import Anchor, Due, FactSpan, Length, ReadingSpan
from ehscheduler.core.policy import AllOf, AnyOf, Compare, Cond, Happened, Known, Not, Policy
from ehscheduler.core.sitting_days import sitting_day
from ehscheduler.core.vocabulary import ASKED_OF_DETAIL, nearest


def known_event(policy: Policy, word: str) -> Iterator[str]:
    """Report an event word that is not declared."""
    if word not in policy.words:
        yield f"no event {word!r} is declared{nearest(word, list(policy.words))}"


def known_anchor(policy: Policy, anchor: Anchor) -> Iterator[str]:
    """Report an anchor whose event or rule is not declared, and a rule that can never run over."""
    if anchor.overdue:
        if anchor.word not in policy.rules:
            yield f"no rule {anchor.word!r} is declared{nearest(anchor.word, list(policy.rules))}"
        elif not policy.rules[anchor.word].dated:
            never = f"{anchor.word} has no date to run over"
            yield f"waits for {anchor.name}, and {never}; give it one, or wait for an event"
    else:
        yield from known_event(policy, anchor.word)


def known_meeting(policy: Policy, name: str) -> Iterator[str]:
    """Report a meeting that is not declared."""
    if name not in policy.meetings:
        yield f"no meeting {name!r} is declared{nearest(name, list(policy.meetings))}"


def known_readings(policy: Policy, named: Iterable[str]) -> Iterator[str]:
    """Report the readings that are not declared."""
    for reading in named:
        if reading not in policy.readings:
            yield f"no reading {reading!r} is declared{nearest(reading, list(policy.readings))}"


def known_length(policy: Policy, length: Length | None) -> Iterator[str]:
    """Report a length that nothing gives."""
    if isinstance(length, FactSpan):
        yield from known_fact(policy, length.fact, "duration")
    elif isinstance(length, ReadingSpan):
        reading = policy.readings.get(length.reading)
        if reading is None:
            yield f"no reading {length.reading!r} is declared{nearest(length.reading, list(policy.readings))}"
        elif not (reading.value or reading.open) or sitting_day(reading.value):
            yield f"takes its length from the reading {length.reading!r}, whose 'value' is no length"
    elif isinstance(length, Span) and length.unit == "office hour" and policy.hours is None:
        yield f"counts {length}, but [policy] hours does not say when the office is open"


def known_fact(policy: Policy, fact: str, kind: str | None = None) -> Iterator[str]:
    """Report a fact that is not declared, or is not of the kind that is needed."""
    if fact not in policy.facts:
        yield f"no fact {fact!r} is declared in [facts]{nearest(fact, list(policy.facts))}"
    elif kind and policy.facts[fact] != kind:
        yield f"the fact {fact!r} is a {policy.facts[fact]}, and a {kind} is needed here"


LADDER_ANCHORS = ("step_reached", "limit")
"""What a step may count from beside events: when it began; for overdue work, the day of the limit."""


def known_due(policy: Policy, due: Due, *, in_ladder: bool = False) -> Iterator[str]:
    """Report what a due phrase names and the policy does not have."""
    if due.how == "next":
        yield from known_meeting(policy, due.meeting)
    yield from known_length(policy, due.length)
    if due.backward and isinstance(due.length, Span) and due.length.in_hours:
        yield f"{due.text!r}: a limit counted back from a date needs days, weeks, months or years"
    if due.anchor and not (in_ladder and due.anchor.word in LADDER_ANCHORS):
        yield from known_anchor(policy, due.anchor)
    if due.target:
        if due.target.kind == "fact":
            yield from known_fact(policy, due.target.name, "date")
        elif due.target.kind == "meeting":
            yield from known_meeting(policy, due.target.name)
        if due.target.anchor:
            yield from known_anchor(policy, due.target.anchor)


def known_cond(policy: Policy, cond: Cond | None, *, facts: bool = True) -> Iterator[str]:
    """Report what a condition names and the policy does not have, and a test that can never hold."""
    match cond:
        case Compare(fact=fact):
            if facts:
                yield from _fact_or_detail(policy, fact)
                yield from _kind(policy, cond)
        case Known(facts=names):
            for name in names if facts else ():
                yield from _fact_or_detail(policy, name)
        case Happened(word=word, within=within):
            yield from known_event(policy, word)
            yield from known_length(policy, within)
        case Not(cond=inner):
            yield from known_cond(policy, inner, facts=facts)
        case AnyOf(conds=conds) | AllOf(conds=conds):
            for inner in conds:
                yield from known_cond(policy, inner, facts=facts)


def _fact_or_detail(policy: Policy, name: str) -> Iterator[str]:
    """A condition of a rule reads declared facts and the plugin's own conditions; an event's detail may carry them."""
    if not (name in policy.facts or name in policy.hooks or name in ASKED_OF_DETAIL):
        yield from known_fact(policy, name)


_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "word": ((str,), "a text in quotes"),
    "number": ((int, float), "a number"),
    "yes/no": ((bool,), "true or false"),
    "date": ((date,), "a date without quotes"),
}


def _kind(policy: Policy, test: Compare) -> Iterator[str]:
    """Report a test that no value of the fact can ever pass."""
    computed = {"age": "number", **dict.fromkeys(policy.hooks, "yes/no")}
    kind = computed.get(test.fact) or policy.facts.get(test.fact, "")
    types, said = _KINDS.get(kind, ((), ""))
    bounds = [value for value in (test.under, test.over, test.at_least, test.at_most) if value is not None]
    if not types:
        return
    if bounds and kind in ("word", "yes/no"):
        yield f"{test.fact} is a {kind}, which has no bounds"
    for value in (*test.values, *bounds):
        if not isinstance(value, types) or isinstance(value, bool) != (kind == "yes/no"):
            yield f"{test.fact} is a {kind}, so {value!r} can never be its value; write {said}"


def known_role(policy: Policy, role: str) -> Iterator[str]:
    """Report a role that is not declared."""
    if role and role not in policy.roles:
        yield f"no role {role!r} is declared in [roles]{nearest(role, list(policy.roles))}"
