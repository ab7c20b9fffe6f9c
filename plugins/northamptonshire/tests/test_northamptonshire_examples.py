"""Every hand-counted case of examples.toml, through the machine contract: files in; dates, notices and teams out."""

import csv
import io
import json
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import ehs_northamptonshire
import pytest

from ehscheduler.core.history import History
from ehscheduler.core.routes import team_for
from ehscheduler.plugins import Authority, load
from ehscheduler.pure import instant, read_caseload, write_forecast, write_timeline

AUTHORITY = "northamptonshire"
FILE = Path(ehs_northamptonshire.__file__).with_name("examples.toml")
TABLES: dict[str, list[dict[str, Any]]] = tomllib.loads(FILE.read_text(encoding="utf-8"))
LINE = re.compile(r"(?P<when>\S+) (?P<word>[a-z0-9_]+)(?: #(?P<ref>\S+))?(?: (?P<detail>\{.*\}))?")
COLUMNS = ("case_ref", "event", "occurred_at", "recorded_at", "ref", "detail", "id")


LOADED = load(AUTHORITY)


@pytest.fixture(autouse=True)
def _loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the policy file once for all cases; what is asked of it is the same."""

    def again(name: str) -> Authority:
        assert name == AUTHORITY
        return LOADED

    monkeypatch.setattr("ehscheduler.pure.load", again)


def write_rows(path: Path, columns: tuple[str, ...], rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=columns, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return json.dumps(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def row_of(line: str, case: str = "C1") -> dict[str, str]:
    found = LINE.fullmatch(line)
    assert found, f"{line!r} is not of the form 'WHEN word #ref {{detail}}'"
    detail = json.loads(found["detail"] or "{}")
    row = {"case_ref": case, "event": found["word"], "occurred_at": found["when"], "ref": found["ref"] or ""}
    return {**row, "id": detail.pop("id", ""), "detail": json.dumps(detail) if detail else ""}


def files(example: dict[str, Any], folder: Path) -> tuple[Path, Path]:
    facts = {name: as_cell(value) for name, value in example.get("facts", {}).items()}
    cases = write_rows(folder / "cases.csv", ("case_ref", *facts), [{"case_ref": "C1", **facts}])
    return cases, write_rows(folder / "events.csv", COLUMNS, [row_of(line) for line in example["events"]])


def local(instant: str | None) -> str | None:
    """Leave out the offset: an example gives the time by the clock on the wall."""
    return instant and instant[:19]


def shown(milestone: dict[str, Any], name: str) -> object:
    value = milestone[name]
    return local(value) if name in ("due_at", "from_at", "met_at", "original_due_at") else value


def wanted(value: object) -> object:
    if value == "none":
        return None
    return value.isoformat() if isinstance(value, date) else value


def cases_of(table: str, key: str = "rule") -> list[Any]:
    return [
        pytest.param(example, id=f"{n:03d}-{example['rule']}")
        for n, example in enumerate(TABLES[table], 1)
        if key in example
    ]


@pytest.mark.parametrize("example", cases_of("example"))
def test_a_case_counted_by_hand_comes_out_as_counted(example: dict[str, Any], tmp_path: Path) -> None:
    cases, events = files(example, tmp_path)
    out = io.StringIO()
    assert write_timeline(out, AUTHORITY, cases, events, example["at"]) == 0, out.getvalue()
    milestones = {row["key"]: row for row in json.loads(out.getvalue())["milestones"]}
    for expected in example["expect"]:
        found = milestones[expected["key"]]
        assert {name: shown(found, name) for name in expected} == {n: wanted(v) for n, v in expected.items()}
    assert not set(example.get("absent", ())) & set(milestones)


@pytest.mark.parametrize("example", cases_of("example", "notices"))
def test_the_right_people_hear_at_the_times_counted_by_hand(example: dict[str, Any], tmp_path: Path) -> None:
    cases, events = files(example, tmp_path)
    out = io.StringIO()
    assert write_forecast(out, AUTHORITY, cases, events, example["from"], example["until"]) == 0, out.getvalue()
    kinds = {notice["kind"] for notice in example["notices"]}
    found = [
        {"at": local(row["at"]), "kind": row["kind"], "stage": row["stage"], "to_roles": row["to_roles"]}
        for row in json.loads(out.getvalue())["notices"]
        if row["rule"] == example["rule"] and (not kinds or row["kind"] in kinds)
    ]
    assert found == [{"stage": None, **notice} for notice in example["notices"]]


@pytest.mark.parametrize("example", cases_of("routed"))
def test_a_family_goes_to_the_team_that_the_document_names(example: dict[str, Any], tmp_path: Path) -> None:
    caseload = read_caseload(AUTHORITY, *files(example, tmp_path))
    [case] = caseload.cases
    moment = instant(example["at"], "at")
    happened = caseload.events["C1"]
    history = History(caseload.policy, caseload.calendar, case, happened, moment, happened[-1].day)
    route = caseload.policy.routes[example["rule"]]
    assert happened[-1].word == route.at.word
    assert team_for(route, history, happened[-1]) == wanted(example["team"])
    assert not history.problems


def told_of_work(folder: Path, families: list[int]) -> list[dict[str, Any]]:
    """Give one worker a family a day from 2 March 2026, of so many children each; return what the last one sets off."""
    cases, events = [], []
    for n, children in enumerate(families, 1):
        listed = json.dumps([{"ref": f"F{n}-{k}"} for k in range(1, children + 1)])
        cases.append({"case_ref": f"F{n:02d}", "lead": "w1", "children": listed})
        events.append(row_of(f"2026-03-{n + 1:02d} allocation", f"F{n:02d}"))
    paths = (
        write_rows(folder / "cases.csv", ("case_ref", "lead", "children"), cases),
        write_rows(folder / "events.csv", COLUMNS, events),
    )
    out = io.StringIO()
    last = date(2026, 3, len(families) + 1)
    until = date(2026, 3, len(families) + 2)
    assert write_forecast(out, AUTHORITY, *paths, last.isoformat(), until.isoformat()) == 0, out.getvalue()
    return [notice for notice in json.loads(out.getvalue())["notices"] if notice["rule"] == "caseload"]


def test_ten_families_and_twenty_five_children_are_within_the_limit(tmp_path: Path) -> None:
    assert told_of_work(tmp_path, [2, 2, 2, 2, 2, 3, 3, 3, 3, 3]) == []


def test_the_eleventh_family_is_told_to_the_team_manager(tmp_path: Path) -> None:
    [notice] = told_of_work(tmp_path, [1] * 11)
    assert (notice["kind"], notice["case"], notice["to_roles"]) == ("limit", "F11", ["team_manager"])


def test_the_twenty_sixth_child_is_told_with_families_to_spare(tmp_path: Path) -> None:
    [notice] = told_of_work(tmp_path, [5, 5, 5, 5, 6])
    assert (notice["kind"], notice["case"], notice["to_roles"]) == ("limit", "F05", ["team_manager"])
