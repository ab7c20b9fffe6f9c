"""What a policy of the rows holds, a row of it needs: nothing stands there that could be left out."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from test_grammar import POLICIES, ROWS, Raw, changed, raw_of
from test_grammar_keys import OPEN, _at, _fails, _other

from ehscheduler.kit.condition_changes import condition_changes

GIVEN = set("title clause clauses asks owner met_by details reading authority document in_force edition".split())
"""What every table needs, and what the rows of other policies prove."""


SILENT = {
    "standard: advice.tell": "a guide is said to its owner alone",
    "standard: advice.escalate": "a guide climbs no ladder",
    "standard: undated.remind": "what has no date has no reminder",
    "standard: shut.best_by": "it lies before the opening",
    "standard: shut.remind.0": "it lies before the opening",
    "checks: tool.tell": "a guide is said to its owner alone",
    "meetings: skips.chair": "what the policy settles nobody is asked",
    "meetings: moves.chair": "what the policy settles nobody is asked",
    "laddered: up.steps.1.due": "nobody stands above the last step",
    "laddered: deciders.steps.1.due": "nobody stands above the last step",
    "standard: up.steps.1.due": "nobody stands above the last step",
    "decided: deciders.steps.1.due": "nobody stands above the last step",
}
"""What stands in a policy to show that it tells nobody, and why it does not."""


@pytest.mark.parametrize("one", [pytest.param(one, id=one[1]) for one in POLICIES])
def test_what_a_policy_of_these_rows_holds_a_row_of_it_needs(one: tuple[Path, str]) -> None:
    raw = raw_of(*one)
    rows = [row for row in ROWS if (row.file, row.policy) == one and row.kind != "refused"]
    unseen = {
        f"{one[1]}: {'.'.join(map(str, path[1:]))}"
        for table in _tables(raw)
        for path, value in _changes(table, _at(raw, table))
        if not any(_fails(row, changed(raw, path, value)) for row in rows)
    }
    assert unseen == {silent for silent in SILENT if silent.startswith(f"{one[1]}: ")}


def _tables(raw: Raw) -> Iterator[tuple[str, ...]]:
    for kind in raw:
        if kind not in ("policy", "reading", *OPEN):
            yield from ((kind, id_) for id_ in raw[kind])


def _changes(path: tuple[str | int, ...], table: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Change what a table holds: each of several values goes, a single one goes with its key, or is another."""
    shape = ".".join(str(step) for n, step in enumerate(path) if n in (0, 2))
    for key, value in table.items():
        at = (*path, key)
        if key in GIVEN:
            continue
        if key in ("where", "must"):
            yield from (change for change in condition_changes(at, value) if change != (at, None) or key == "where")
        elif key in ("phases", "steps", "rows"):
            for n, inner in enumerate(value):
                yield from _changes((*at, n), inner)
        elif isinstance(value, list) and len(value) > 1:
            yield from (((*at, n), None) for n in range(len(value)))
        elif isinstance(value, Mapping):
            yield from (((*at, name), amount + 1) for name, amount in value.items())
        else:
            yield at, _other(shape, key, value)
