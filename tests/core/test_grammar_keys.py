"""The keys that the reader looks for, asked of the reader itself: each has a row that fails without it."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from typing import Any

import pytest
from test_grammar import POLICIES, ROWS, Raw, Row, changed, made, raw_of, wrong

from ehscheduler.core import reading
from ehscheduler.errors import EhsError, PolicyRefused


class Asked(dict[str, Any]):
    """A table of a policy that remembers which keys the reader asked it for."""

    def __init__(self, shape: str, raw: Mapping[str, Any], heard: set[tuple[str, str]]) -> None:
        super().__init__({key: _asked(f"{shape}.{key}", value, heard) for key, value in raw.items()})
        self.shape, self.heard = shape, heard

    def __contains__(self, key: object) -> bool:
        self.heard.add((self.shape, str(key)))
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        self.heard.add((self.shape, key))
        return super().get(key, default)


def _asked(shape: str, value: Any, heard: set[tuple[str, str]]) -> Any:
    """Let the tables of a list remember too: the phases, steps and rows."""
    if isinstance(value, list) and shape.split(".")[-1] in ("phases", "steps", "rows"):
        return [Asked(shape, one, heard) for one in value]
    return value


OPEN = ("roles", "facts")
"""Tables whose keys are the policy's own names."""


@cache
def keys() -> list[tuple[str, str]]:
    """Return every key that the reader asks for, by shape, over all the policies of these files."""
    heard: set[tuple[str, str]] = set()
    top: set[tuple[str, str]] = set()
    for one in POLICIES:
        raw = Asked("file", {}, top)
        for kind, table in raw_of(*one).items():
            if kind in OPEN:
                dict.__setitem__(raw, kind, table)
            elif kind == "policy":
                dict.__setitem__(raw, kind, Asked(kind, table, heard))
            else:
                dict.__setitem__(raw, kind, {id_: Asked(kind, inner, heard) for id_, inner in table.items()})
        made(raw)
    assert {key for _, key in top} == set(reading.TABLES)
    return sorted(heard)


NOTHING = {("event", "details"): "names what a source may send with the event; nothing is counted by it"}
"""Keys that are read, and that nothing is counted by."""
SHARED = ("standard", "rhythm")
OTHERS: dict[str, Any] = {
    **{"authority": "othershire", "document": "Another", "edition": "2", "nation": "wales"},
    **{"in_force": date(2016, 1, 1), "hours": "09:00 to 17:00", "title": "Another", "clause": "99", "clauses": "99"},
    **{"asks": "What else?", "value": "9 years", "owner": "line_manager", "who": "line_manager"},
    **{"met_by": "genogram_completed", "due": "9 years after genogram_completed", "at": "genogram_completed"},
    **{"every": "9 years", "from": "genogram_completed", "on": "every Friday", "to": "Another team"},
    **{"needs": "genogram_completed", "must": {"tool": "another"}, "any": ["genogram_completed"]},
    **{"all": ["genogram_completed"], "of": "genogram_completed"},
    "not_before": "9 years after genogram_completed",
}
"""What is put in the place of a key that a table cannot do without; every other key is taken away."""


@pytest.mark.parametrize(("shape", "key"), [pytest.param(*one, id=".".join(one)) for one in keys()])
def test_a_key_that_the_reader_knows_has_a_row_that_fails_without_it(shape: str, key: str) -> None:
    if (shape, key) in NOTHING:
        assert any(key in table for _, table in _tables_of(shape))
        return
    line = f"common.{key}" if shape in SHARED and all((one, key) in keys() for one in SHARED) else f"{shape}.{key}"
    refused = [row for row in ROWS if row.kind == "refused" and row.proves(f"{shape}.{key}") and "without" in row.table]
    named = [row for row in ROWS if row.proves(line) and row.kind != "refused"]
    if not any(key in table for _, table in _tables_of(shape)):
        assert refused, f"no policy has {shape}.{key}, and no row says that it is refused"
        return
    assert named, f"no row is named for {line}"
    assert any(_told(row, shape, key) for row in named), f"no row named for {line} fails without it"


def _tables_of(shape: str) -> Iterator[tuple[Raw, Mapping[str, Any]]]:
    for one in POLICIES:
        raw = raw_of(*one)
        yield from ((raw, _at(raw, path)) for path in _paths(raw, shape))


def _told(row: Row, shape: str, key: str) -> bool:
    """Tell whether a row fails once a key of a shape is changed, or taken away, in one of its policy's tables."""
    return any(
        _fails(row, changed(row.raw, (*path, key), _other(shape, key, _at(row.raw, path)[key])))
        for path in _paths(row.raw, shape)
        if key in _at(row.raw, path)
    )


def _other(shape: str, key: str, value: Any) -> Any:
    """Return what stands in the place of a value: None where the table can do without."""
    if key == "steps":
        return value[-1:]  # the first may stand on a condition, and alone would reach nobody in some case
    if key in ("phases", "rows"):
        return value[:1]
    if key == "due" and isinstance(value, str) and LENGTH.match(value):
        return LENGTH.sub("1 hour" if shape == "ladder.steps" else "9 years", value)  # a rung ends before those above
    return "every Monday" if value == OTHERS["on"] else OTHERS.get(key)


LENGTH = re.compile(r"\d+ [a-z ]+(?= after | before )")


def _paths(raw: Raw, shape: str) -> Iterator[tuple[str | int, ...]]:
    kind, *inner = shape.split(".")
    if kind == "policy":
        yield (kind,)
        return
    for id_, table in raw.get(kind, {}).items():
        if not inner:
            yield kind, id_
        else:
            yield from ((kind, id_, inner[0], n) for n in range(len(table.get(inner[0], ()))))


def _at(raw: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        raw = raw[step]
    return raw


def _fails(row: Row, raw: Raw) -> bool:
    """Tell whether a row comes out otherwise; a policy that the reader refuses proves nothing."""
    try:
        policy = made(raw)
    except PolicyRefused:
        return False
    try:
        return bool(wrong(row, policy))
    except EhsError:
        return True
