"""Every hand-counted case of examples.toml, through the machine contract: files in, dates and notices out."""

import csv
import io
import json
import re
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import ehs_nottinghamshire
import pytest

from ehscheduler.pure import write_forecast, write_timeline

FILE = Path(ehs_nottinghamshire.__file__).with_name("examples.toml")
EXAMPLES: list[dict[str, Any]] = tomllib.loads(FILE.read_text(encoding="utf-8"))["example"]
LINE = re.compile(r"(?P<when>\S+) (?P<word>[a-z_]+)(?: #(?P<ref>\S+))?(?: (?P<detail>\{.*\}))?")


def write_rows(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def as_cell(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def files(example: dict[str, Any], folder: Path) -> tuple[Path, Path]:
    facts = {name: as_cell(value) for name, value in example.get("facts", {}).items()}
    events = []
    for line in example["events"]:
        found = LINE.fullmatch(line)
        assert found, f"{line!r} is not of the form 'WHEN word #ref {{detail}}'"
        row = {"case_ref": "C1", "event": found["word"], "occurred_at": found["when"], "recorded_at": ""}
        events.append({**row, "ref": found["ref"] or "", "detail": found["detail"] or ""})
    cases = write_rows(folder / "cases.csv", [{"case_ref": "C1", **facts}])
    return cases, write_rows(folder / "events.csv", events)


def local(instant: str | None) -> str | None:
    """Leave out the offset: an example gives the time by the clock on the wall."""
    return instant and instant[:19]


def shown(milestone: dict[str, Any], name: str) -> object:
    if name == "met":
        return milestone["met_at"] is not None
    value = milestone[name]
    return local(value) if name == "due_at" else value


def named(example: dict[str, Any], n: int) -> str:
    return f"{n:03d}-{example['rule']}"


@pytest.mark.parametrize("example", [pytest.param(e, id=named(e, n)) for n, e in enumerate(EXAMPLES, 1)])
def test_a_case_counted_by_hand_comes_out_as_counted(example: dict[str, Any], tmp_path: Path) -> None:
    cases, events = files(example, tmp_path)
    out = io.StringIO()
    assert write_timeline(out, "nottinghamshire", cases, events, example["at"]) == 0, out.getvalue()
    milestones = {row["key"]: row for row in json.loads(out.getvalue())["milestones"]}
    for expected in example["expect"]:
        found = milestones[expected["key"]]
        wanted = {name: value.isoformat() if isinstance(value, date) else value for name, value in expected.items()}
        assert {name: shown(found, name) for name in wanted} == wanted
    assert not set(example.get("absent", ())) & set(milestones)


WITH_NOTICES = [pytest.param(e, id=named(e, n)) for n, e in enumerate(EXAMPLES, 1) if "notices" in e]


@pytest.mark.parametrize("example", WITH_NOTICES)
def test_the_right_people_hear_at_the_times_counted_by_hand(example: dict[str, Any], tmp_path: Path) -> None:
    cases, events = files(example, tmp_path)
    out = io.StringIO()
    assert write_forecast(out, "nottinghamshire", cases, events, example["from"], example["until"]) == 0, out.getvalue()
    kinds = {notice["kind"] for notice in example["notices"]}
    found = [
        {"at": local(row["at"]), "kind": row["kind"], "stage": row["stage"], "to_roles": row["to_roles"]}
        for row in json.loads(out.getvalue())["notices"]
        if row["rule"] == example["rule"] and (not kinds or row["kind"] in kinds)
    ]
    assert found == [{"stage": None, **notice} for notice in example["notices"]]
