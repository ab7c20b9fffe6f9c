"""Read a condition: which facts, details and happenings a rule asks for."""

from collections.abc import Mapping
from typing import Any

from ehscheduler.core import phrases
from ehscheduler.core.calendars import Span
from ehscheduler.core.policy import AllOf, AnyOf, Compare, Cond, Happened, Known, Not
from ehscheduler.core.tables import Table
from ehscheduler.core.vocabulary import nearest

_BOUNDS = ("under", "over", "at_least", "at_most")


def read_where(table: Table, key: str) -> Cond | None:
    """Read the condition under a key; None where there is none."""
    raw = table.inner(key)
    return _cond(table, key, raw) if raw else None


def _cond(table: Table, key: str, raw: Mapping[str, Any]) -> Cond:
    parts = [part for name, value in raw.items() if (part := _test(table, f"{key}.{name}", name, value)) is not None]
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _test(table: Table, at: str, name: str, value: Any) -> Cond | None:
    if name == "any":
        if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            return AnyOf(tuple(_cond(table, at, v) for v in value))
        table.fault(f"{at} must be a list of conditions in braces")
        return None
    if name == "not":
        if isinstance(value, dict) and value:
            return Not(_cond(table, at, value))
        table.fault(f"{at} must be a condition in braces")
        return None
    if name == "known":
        facts = value if isinstance(value, list) else [value]
        return Known(tuple(str(fact) for fact in facts))
    if name == "happened":
        return _happened(table, at, value)
    return _compare(table, at, name, value)


def _happened(table: Table, at: str, value: Any) -> Cond | None:
    if not isinstance(value, dict) or not value:
        table.fault(f'{at} must be of the form {{ EVENT = "ever" }} or {{ EVENT = "within 3 months" }}')
        return None
    tests: list[Cond] = []
    for word, reach in value.items():
        if reach == "ever":
            tests.append(Happened(word, None))
        elif isinstance(reach, str) and reach.startswith("within "):
            length = table.read(at, reach.removeprefix("within "), phrases.read_span)
            if length is not None and (span := plain_length(table, at, length)):
                tests.append(Happened(word, span))
        else:
            table.fault(f"{at}.{word} must be 'ever' or for example 'within 3 months'")
    return tests[0] if len(tests) == 1 else AllOf(tuple(tests))


def _compare(table: Table, at: str, name: str, value: Any) -> Cond | None:
    if isinstance(value, dict):
        wrong = [bound for bound in value if bound not in _BOUNDS]
        for bound in wrong:
            table.fault(f"{at} has no bound {bound!r}{nearest(bound, _BOUNDS)}")
        if not value:
            table.fault(f"{at} tests nothing")
        return None if wrong or not value else Compare(name, **value)
    values = tuple(value) if isinstance(value, list) else (value,)
    if not values:
        table.fault(f"{at} = [] can never hold")
    return Compare(name, values)


def plain_length(table: Table, key: str, length: phrases.Length) -> Span | None:
    """Return a length that is written out; one that a fact or a reading gives is a fault here."""
    if isinstance(length, Span):
        return length
    table.fault(f"{key} needs a plain length such as '42 days'")
    return None
