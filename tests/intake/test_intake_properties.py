"""What holds for any file: no order of the rows decides anything, and no message holds what a row says."""

import contextlib
import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehscheduler.core.vocabulary import EVENTS, FACTS
from ehscheduler.errors import InputRefused
from ehscheduler.intake.caseload import MAPPING, OWN_WORDS, write_caseload
from ehscheduler.intake.contract import scan_cases, scan_events
from ehscheduler.intake.guard import Intake, Limits, take_cases, take_events, take_people, take_steps
from ehscheduler.intake.mapping import mapping_of

NOW = datetime(2026, 7, 6, 12, tzinfo=UTC)
WORDS = EVENTS | OWN_WORDS
ALL_BAD = Limits(bad_percent=100)
ROLES = ("case_manager", "team_manager")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return one folder for all examples; each writes its files anew."""
    return tmp_path_factory.mktemp("files")


def written(path: Path, rows: list[list[str]]) -> Path:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


def said(taken: Intake) -> Any:
    """Return all that an intake says but for line numbers, which are where the rows are."""
    unmapped = [(value.column, value.value, value.count) for value in taken.unmapped]
    kinds = sorted(warning.split(" (")[0] for warning in taken.warnings)
    people = [(person.person_id, person.name, person.line_manager_id) for person in taken.people]
    facts = (taken.cases, taken.personal, taken.events, people)
    return facts, taken.set_aside_count, unmapped, kinds


EVENT_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["A1", "A2", "", "A9"]),
        st.sampled_from(["allocation", "closed", "alocation", "retracted"]),
        st.sampled_from(["2026-03-02", "2026-03-02T10:00", "2027-02-29", ""]),
        st.sampled_from(["", "2026-03-05", "x"]),
        st.sampled_from(["", "R1"]),
        st.sampled_from(["", "{}", '{"event": "E1"}', "[]"]),
        st.sampled_from(["", "E1", "E2"]),
    ),
    max_size=12,
)


@given(rows=EVENT_ROWS, data=st.data())
def test_no_order_of_the_rows_changes_the_events(
    folder: Path, rows: list[tuple[str, ...]], data: st.DataObject
) -> None:
    header = ["case_ref", "event", "occurred_at", "recorded_at", "ref", "detail", "id"]
    results = []
    for order in (rows, data.draw(st.permutations(rows))):
        path = written(folder / "events.csv", [header, *map(list, order)])
        taken = take_events(path, WORDS, known_cases={"A1", "A2"}, facts=FACTS, now=NOW, limits=ALL_BAD)
        results.append(said(taken))
    assert results[0] == results[1]


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["A1", "A2", ""]), st.sampled_from(["South", "West"]), st.sampled_from("3x"))
    ),
    data=st.data(),
)
def test_no_order_of_the_rows_changes_the_cases(folder: Path, rows: list[tuple[str, ...]], data: st.DataObject) -> None:
    results = []
    for order in (rows, data.draw(st.permutations(rows))):
        path = written(folder / "cases.csv", [["case_ref", "team", "level"], *map(list, order)])
        results.append(said(take_cases(path, FACTS, limits=ALL_BAD)))
    assert results[0] == results[1]


PEOPLE_ROWS = st.lists(
    st.tuples(
        st.sampled_from(["P1", "P2", "P3"]),
        st.sampled_from(["Teal Otter", "=1+1"]),
        st.sampled_from(["case_manager", "case_manger"]),
        st.sampled_from(["", "P1", "P2", "P9"]),
        st.sampled_from(["", "2026-01-01", "2026-04-01"]),
        st.sampled_from(["", "2026-03-31"]),
    ),
    max_size=6,
)


@given(rows=PEOPLE_ROWS, data=st.data())
def test_no_order_of_the_rows_changes_the_people(
    folder: Path, rows: list[tuple[str, ...]], data: st.DataObject
) -> None:
    header = ["person_id", "name", "email", "role", "team", "line_manager_id", "valid_from", "valid_to"]
    results: list[Any] = []
    for order in (rows, data.draw(st.permutations(rows))):
        lines = [[id_, name, "a@example.org", role, "S", manager, *days] for id_, name, role, manager, *days in order]
        try:
            results.append(said(take_people(written(folder / "people.csv", [header, *lines]), ROLES, limits=ALL_BAD)))
        except InputRefused as refused:
            results.append(
                [problem.split(": ", 1)[1].split(" (")[0] for problem in refused.problems if "ring" in problem]
            )
    assert results[0] == results[1]


@given(data=st.data())
def test_no_order_of_the_rows_changes_what_an_extract_means(folder: Path, data: st.DataObject) -> None:
    caseload = write_caseload(folder, seed=data.draw(st.integers(0, 50)), families=3, start=NOW.date())
    with caseload.extract.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    # Some rows tell the same step again, for another person, another team, or on another day.
    done, team, person = (header.index(name) for name in ("COMPLETED_ON", "TEAM", "PERSON_ID"))
    for n in data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=6)):
        twin = list(rows[n])
        at = data.draw(st.sampled_from([done, team, person]))
        twin[at] = {done: "02/03/2026", team: "EHCM Elsewhere", person: "P2"}[at]
        rows.append(twin)
    mapping = mapping_of(MAPPING, "mapping.toml", FACTS, WORDS)
    results = []
    for order in (rows, data.draw(st.permutations(rows))):
        path = written(folder / "order.csv", [header, *order])
        results.append(said(take_steps(path, mapping, FACTS, now=NOW, limits=ALL_BAD)))
    assert results[0] == results[1]


CANARY = "CANARY-7f3a"
HOSTILE_CELLS = st.one_of(
    st.just(CANARY),
    st.text(max_size=8).map(lambda text: f"{text}{CANARY}{text}"),
    st.sampled_from(
        [f"={CANARY}", f'{{"{CANARY}": NaN}}', f'{{"{CANARY}": 1}}', f"2026-03-02 {CANARY}", f"{CANARY}@x"]
    ),
    st.sampled_from(["", "A1", "allocation", "2026-03-02", "COMPLETED", "Home Visit", '{"a": 1, "a": 2}', "\x00", '"']),
)


def heard(taken: Any) -> str:
    """Return every word that leaves an intake for a person's eyes."""
    return " ".join([*map(str, taken.set_aside), *taken.warnings])


@given(data=st.data())
def test_no_message_holds_what_a_row_says(folder: Path, data: st.DataObject) -> None:
    name, header = data.draw(
        st.sampled_from(
            [
                ("cases", ["case_ref", "team", "level", "urgent", "children", "index_child_dob"]),
                ("events", ["case_ref", "event", "occurred_at", "recorded_at", "ref", "detail", "id"]),
                ("people", ["person_id", "name", "email", "role", "team", "line_manager_id", "valid_from", "valid_to"]),
            ]
        )
    )
    width = len(header) + data.draw(st.sampled_from([0, 0, 0, 0, -1, 1]))
    rows = data.draw(st.lists(st.lists(HOSTILE_CELLS, min_size=width, max_size=width), min_size=1, max_size=4))
    path = written(folder / f"{name}.csv", [header, *rows])
    messages = ""
    with contextlib.suppress(InputRefused):
        taken = {
            "cases": lambda: take_cases(path, FACTS, limits=ALL_BAD),
            "events": lambda: take_events(path, WORDS, known_cases=None, facts=FACTS, now=NOW, limits=ALL_BAD),
            "people": lambda: take_people(path, ROLES, limits=ALL_BAD),
        }[name]()
        messages = heard(taken)
    with contextlib.suppress(InputRefused):
        scan = scan_cases(path, FACTS) if name == "cases" else scan_events(path, {"A1"}, WORDS)
        messages += " ".join(map(str, scan.rows.bad.sentences()))
    for strict in (lambda: take_cases(path, FACTS), lambda: take_people(path, ROLES)):
        try:
            strict()
        except InputRefused as refused:
            messages += str(refused)
    assert "CANARY" not in messages


@given(cells=st.lists(HOSTILE_CELLS, min_size=27, max_size=27))
def test_no_message_about_an_extract_holds_what_a_row_says(folder: Path, cells: list[str]) -> None:
    caseload = write_caseload(folder, seed=1, families=1, start=NOW.date())
    with caseload.extract.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    mapping = mapping_of(MAPPING, "mapping.toml", FACTS, WORDS)
    # Codes are listed by value on purpose, for an operator to map them; every other column is hostile.
    codes = {"STEP_TYPE", "STATUS", *mapping.codes}
    hostile = [own if name in codes else cell for name, cell, own in zip(header, cells, rows[0], strict=True)]
    path = written(folder / "hostile.csv", [header, hostile])
    try:
        messages = heard(take_steps(path, mapping, FACTS, now=NOW, limits=ALL_BAD))
    except InputRefused as refused:
        messages = str(refused)
    assert "CANARY" not in messages
