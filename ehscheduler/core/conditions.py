"""Conditions: whether a `where` holds. An answer is yes, no, or None where a fact that it needs is blank."""

from collections.abc import Callable
from typing import Any

from ehscheduler.core.policy import AllOf, AnyOf, Compare, Cond, Happened, Known, Not

Look = Callable[[str], Any]
"""Return the value of a fact by name, or None when it is blank."""


Blank = Callable[[Compare], bool | None]
"""Answer a test of a fact that is blank: None where nobody can tell."""


def holds(cond: Cond, look: Look, happened: Callable[[Happened], bool], blank: Blank) -> bool | None:
    """Tell whether a condition holds; None when that hangs on a blank fact."""
    match cond:
        case Compare():
            value = look(cond.fact)
            return blank(cond) if value is None else fits(cond, value)
        case Known(facts=facts):
            return all(look(fact) is not None for fact in facts)
        case Happened():
            return happened(cond)
        case Not(cond=inner):
            answer = holds(inner, look, happened, blank)
            return None if answer is None else not answer
        case AnyOf(conds=conds):
            answers = [holds(inner, look, happened, blank) for inner in conds]
            return True if True in answers else None if None in answers else False
        case AllOf(conds=conds):
            answers = [holds(inner, look, happened, blank) for inner in conds]
            return False if False in answers else None if None in answers else True


def fits(cond: Compare, value: Any) -> bool:
    """Compare one value; a list fits when any member does."""
    if isinstance(value, (list, tuple)):
        return any(fits(cond, member) for member in value)
    if cond.values:
        return any(value == wanted and isinstance(value, bool) == isinstance(wanted, bool) for wanted in cond.values)
    try:
        return (
            (cond.under is None or value < cond.under)
            and (cond.over is None or value > cond.over)
            and (cond.at_least is None or value >= cond.at_least)
            and (cond.at_most is None or value <= cond.at_most)
        )
    except TypeError:
        return False
