"""A plugin's own templates, tried on a message of each kind with every field that may be empty empty, and full.

The messages are made from what their records are declared as, so that a new field is in them at once.
"""

from collections.abc import Iterator
from dataclasses import MISSING, fields, is_dataclass, replace
from datetime import UTC, date, datetime
from types import UnionType
from typing import Any, get_args, get_origin, get_type_hints

from ehscheduler.kit.plugin import Plugin
from ehscheduler.notify.messages import Line, Message
from ehscheduler.notify.own import KINDS, OwnWords
from ehscheduler.plugins import Authority

DAY = date(2026, 6, 22)
MOMENT = datetime(2026, 6, 22, 7, 30, tzinfo=UTC)
SET: dict[str, object] = {
    "state": "due",
    "force": "required",
    "link": "https://cases.council.example/open/1",
    "email": "reader@council.example",
    "part": 1,
}
"""Fields that not every word or number fits."""


def samples() -> Iterator[tuple[str, Message]]:
    """Yield a message of each kind twice, with what it is: with nothing that may be empty, and with everything."""
    for kind, record in KINDS.items():
        yield f"{kind}, with every field empty", _made(record, full=False)
        yield f"{kind}, with every field full", _made(record, full=True)


def _made(record: type, *, full: bool) -> Any:
    """Make a record from its declaration; without `full` it has only the fields that it must have."""
    hints, made = get_type_hints(record), {}
    for field in fields(record):
        if full or field.default is MISSING or field.name in {"lines", "teams", "steps"}:
            made[field.name] = SET.get(field.name) or _value(hints[field.name], field.name, full=full)
    return record(**made)


def _value(hint: Any, name: str, *, full: bool) -> Any:
    if get_origin(hint) is tuple:
        inner = get_args(hint)[0]
        one = _value(inner, name, full=full)
        return _lines(one) if inner is Line else (one,)
    if isinstance(hint, UnionType):
        return _value(next(one for one in get_args(hint) if one is not type(None)), name, full=full)
    if is_dataclass(hint) and isinstance(hint, type):
        return _made(hint, full=full)
    known = {str: name.replace("_", " "), int: 2, bool: True, date: DAY}
    return known[hint]


def _lines(one: Line) -> tuple[Line, ...]:
    """Give a line as it is, overdue, and of a dispute, so that every section of a message is there."""
    overdue = replace(one, kind="overdue", state="overdue", case_ref="case 2")
    return one, overdue, replace(one, kind="dispute", case_ref="case 3")


def own_template_faults(authority: Authority) -> list[str]:
    """Say which of an authority's templates cannot be used, for which message, and why."""
    words = OwnWords(authority.templates)
    found = [f"template {fault}" for fault in (*authority.template_faults, *words.faults)]
    try:
        for said, message in samples() if authority.templates and not found else ():
            kind = said.partition(",")[0]
            words.words_for(message, MOMENT)
            if fault := words.state.get(kind):
                found.append(f"template {fault} (a message of the kind {said})")
    finally:
        words.end()
    return list(dict.fromkeys(found))


def template_faults(plugin: Plugin) -> list[str]:
    """Say which of a plugin's templates would not reach a reader."""
    return own_template_faults(plugin.authority)
