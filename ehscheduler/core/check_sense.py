"""What a rule says of itself must fit together: it can be met, it can run over, and its words have a meaning."""

from collections.abc import Iterator
from difflib import get_close_matches

from ehscheduler.core.calendars import Span
from ehscheduler.core.check_order import later, longer
from ehscheduler.core.phrases import Due
from ehscheduler.core.policy import AllOf, AnyOf, Compare, Cond, Not, Policy, Rhythm, Standard
from ehscheduler.core.read_rules import WITHDRAWN


def sense_of(policy: Policy, rule: Standard | Rhythm) -> Iterator[str]:
    """Report what in a rule undoes the rest of it, as sentences."""
    yield from _undone(rule)
    yield from _runs_through(policy, rule)
    yield from _bounds(rule) if isinstance(rule, Standard) else _best_of(rule)
    if rule.escalate and not rule.dated:
        yield "escalate: the rule has no date to run over, so nobody hears; give it one, or drop escalate"


def _undone(rule: Standard | Rhythm) -> Iterator[str]:
    """Report an event that both meets a rule and takes it away; an earlier one takes it away before a later meets it.

    That a dispute may be withdrawn is added to every rule that is decided: nobody wrote it.
    """
    for met in rule.met_by:
        for gone in rule.unless:
            if gone == WITHDRAWN and rule.decided_by:
                continue
            if gone.name == met.name and gone.n <= met.n:
                yield f"met_by and unless both name {met.name}: what would meet it cancels it; leave one of them"


def _runs_through(policy: Policy, rule: Standard | Rhythm) -> Iterator[str]:
    """Report a misspelt name of what does not stop the clock.

    The reason of a hold is the council's own word, so only a name that is nearly a known one can be told from it.
    """
    known = {"hold", "closure", *_reasons_of_holds(policy)} if rule.runs_through else set()
    for name in rule.runs_through:
        close = [] if name in known else get_close_matches(name.lower(), sorted(known), n=1, cutoff=0.7)
        if close:
            said = "or declare an event of hold_started with this reason"
            yield f"runs_through names {name!r}; did you mean {close[0]!r}? Write that, {said}"


def _reasons_of_holds(policy: Policy) -> Iterator[str]:
    """Yield the reasons that the policy's own words tell holds apart by."""
    for word in policy.words.values():
        if word.of == "hold_started":
            yield from _values(word.where, "reason")


def _values(cond: Cond | None, name: str) -> Iterator[str]:
    match cond:
        case Compare(fact=fact, values=values) if fact == name:
            yield from (value for value in values if isinstance(value, str))
        case Not(cond=inner):
            yield from _values(inner, name)
        case AnyOf(conds=conds) | AllOf(conds=conds):
            for inner in conds:
                yield from _values(inner, name)


def _bounds(rule: Standard) -> Iterator[str]:
    """Report an opening or a best day that surely lies after a limit; the earliest of several limits counts.

    A length of days opens on the day after it has run. What is rolled off a weekend can come together again.
    """
    for due in rule.due if rule.roll is None else ():
        opens = rule.not_before
        if opens and later(opens, due, or_equal=opens.how == "after" and not opens.in_hours):
            yield f"not_before = {opens.text!r} opens after its limit, {due.text!r}, has passed; move one of them"
        if isinstance(rule.best_by, Due) and later(rule.best_by, due):
            yield f"best_by = {rule.best_by.text!r} lies after its limit, {due.text!r}; the best day comes first"


def _best_of(rule: Rhythm) -> Iterator[str]:
    for phase in rule.phases:
        best = phase.best_by.length if phase.best_by else None
        for every in phase.every:
            if isinstance(best, Span) and isinstance(every.length, Span) and longer(best, every.length):
                yield f"best_by = '{best}' lies after its limit, {every.text!r}; the best day comes first"
