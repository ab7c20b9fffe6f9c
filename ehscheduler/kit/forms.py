"""What may stand in the files beside a policy: the keys of each table, and the kind of value that each takes."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from ehscheduler.core.events import read_moment
from ehscheduler.core.examples import NONE
from ehscheduler.core.policy import Policy
from ehscheduler.core.vocabulary import nearest


def _all(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(map(fits, value))


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _table(value: Any) -> bool:
    return isinstance(value, dict)


def _time(value: Any) -> bool:
    try:
        read_moment(str(value))
    except ValueError:
        return False
    return isinstance(value, str | date)


def _notice(one: Mapping[str, Any]) -> bool:
    """Tell whether each value of a notice is of its kind; the core says which keys it may have."""
    roles, stage = one.get("to_roles", []), one.get("stage", "none")
    return _all(_text)(roles) and (stage == "none" or _whole(stage)) and _time(one.get("at", "2026-03-02"))


KINDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "text": ("text in quotes", _text),
    "texts": ("a list of texts in quotes", _all(_text)),
    "time": ('a date or an instant that exists, such as "2026-03-02" or "2026-03-02T10:00"', _time),
    "next": ('a date, such as "2026-03-10", or "none"', lambda value: value == NONE or _time(value)),
    "moved": (
        'a table such as { "2026-12-24" = 2026-12-22, "2026-12-31" = "none" }',
        lambda value: (
            _table(value) and all(map(_time, value)) and all(to == NONE or _time(to) for to in value.values())
        ),
    ),
    "table": ("a table in braces", _table),
    "tables": ("a list of tables in braces", _all(_table)),
    "rows": (
        'a list of tables in braces, each with its key, such as { key = "first-visit" }',
        _all(lambda one: _table(one) and _text(one.get("key"))),
    ),
    "notices": (
        'a list such as [{ at = "2026-03-16T08:30:00", kind = "escalation", stage = 1, to_roles = ["manager"] }]',
        _all(lambda one: _table(one) and _notice(one)),
    ),
    "numbers": ("a list of whole numbers", _all(_whole)),
    "number": ("a number", lambda value: isinstance(value, int | float) and not isinstance(value, bool)),
    "any": ("anything", lambda value: True),
}
_SPAN = {"from": "time", "until": "time"}
FORMS: dict[str, dict[str, str]] = {
    "example": {
        **{"rule": "text!", "events": "texts!", "at": "time!", "expect": "rows!", "facts": "table", "absent": "texts"},
        **{**_SPAN, "notices": "notices", "problems": "texts", "warnings": "texts", "id": "any"},
    },
    "routed": {"rule": "text!", "events": "texts!", "at": "time!", "team": "text!", "facts": "table"},
    "workload": {
        **{"rule": "text!", "families": "numbers!", "told": "texts!"},
        **{"to_roles": "texts", "role": "text", "share": "number"},
    },
    "sitting": {
        **{"rule": "text!", "facts": "table", "after": "time", "next": "next", "moved": "moved", "hub": "text"},
        **{**_SPAN, "told": "texts", "to_roles": "texts"},
    },
}
"""The tables of examples.toml; a key with an exclamation mark has to be there."""
COVERAGE = {"row": "text!", "clause": "text!", "as": "text!", "rule": "texts", "why": "text", "note": "text"}
PAIRS: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "example": [("notices", ("from", "until"))],
    "sitting": [("next", ("after",)), ("told", ("from", "until"))],
}


def worked_forms(raw: Mapping[str, Any], file: str, policy: Policy) -> Iterator[str]:
    """Say where examples.toml is not of its form, or asks about what the policy does not have."""
    yield from (f"{file} [{name}]: no table {name!r}{nearest(name, list(FORMS))}" for name in raw if name not in FORMS)
    for name, form in FORMS.items():
        tables = raw.get(name, [])
        if not KINDS["tables"][1](tables):
            yield f"{file} [{name}]: write [[{name}]], with two brackets, for each case"
            continue
        for n, table in enumerate(tables, 1):
            place = f"{file} [[{name}]] {table.get('id', n)}"
            faults = [*_form(table, form), *_paired(name, table)]
            faults = faults or list(_asked(name, table["rule"], policy))
            yield from (f"{place}: {fault}" for fault in faults)


def coverage_form(raw: Mapping[str, Any], file: str) -> Iterator[str]:
    """Say where coverage.toml is not of its form."""
    rows = raw.get("rows")
    if rows is None or not KINDS["tables"][1](rows):
        yield f'{file}: write rows = [ {{ row = "...", clause = "...", as = "T", rule = ["..."] }}, ... ]'
        return
    yield from (f"{file}: no key {name!r}; it has 'rows' alone" for name in raw if name != "rows")
    for n, row in enumerate(rows, 1):
        yield from (f"{file} row {row.get('row', n)!r}: {fault}" for fault in _form(row, COVERAGE))


def _form(table: Mapping[str, Any], form: Mapping[str, str]) -> Iterator[str]:
    yield from (f"has no {key!r}" for key, kind in form.items() if kind.endswith("!") and key not in table)
    for key, value in table.items():
        if key not in form:
            yield f"no key {key!r}{nearest(key, list(form))}"
            continue
        said, fits = KINDS[form[key].removesuffix("!")]
        if not fits(value):
            yield f"{key!r} must be {said}"


def _paired(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    for key, needed in PAIRS.get(name, ()):
        yield from (f"has {key!r} and no {other!r}" for other in needed if key in table and other not in table)


def _asked(name: str, rule: str, policy: Policy) -> Iterator[str]:
    """Say where a case asks about no table of its own kind; the core says so of an [[example]]."""
    kinds = {"routed": "route", "workload": "limit", "sitting": "meeting"}
    known = {"route": [*policy.routes], "limit": [*policy.limits], "meeting": [*policy.meetings]}
    if name in kinds and rule not in known[kinds[name]]:
        yield f"no {kinds[name]} {rule!r}{nearest(rule, known[kinds[name]])}"
