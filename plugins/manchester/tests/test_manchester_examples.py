"""Every hand-counted case of examples.toml, through the machine contract: files in; dates, notices and teams out."""

import csv
import io
import json
import re
import tomllib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import ehs_manchester
import pytest

from ehscheduler.core.history import History
from ehscheduler.core.routes import team_for
from ehscheduler.plugins import Authority, load
from ehscheduler.pure import instant, read_caseload, write_forecast, write_timeline

NAME = "manchester"
LOADED = load(NAME)
WORKED = tomllib.loads(Path(ehs_manchester.__file__).with_name("examples.toml").read_text(encoding="utf-8"))
LINE = re.compile(r"(\S+) ([a-z0-9_]+)(?: #(\S+))?(?: (\{.*\}))?")
COLUMNS = ("case_ref", "event", "occurred_at", "recorded_at", "ref", "detail", "id")
Ask = Callable[..., dict[str, Any]]


def worked(table: str, key: str = "rule") -> list[Any]:
    numbered = enumerate(WORKED[table], 1)
    return [pytest.param(example, id=f"{n:03d}-{example['rule']}") for n, example in numbered if key in example]


def cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def event_row(line: str) -> list[str]:
    found = LINE.fullmatch(line)
    assert found, f"{line!r} is not of the form 'WHEN word #ref {{detail}}'"
    when, word, ref, detail = found.groups()
    said = json.loads(detail or "{}")
    id_ = said.pop("id", "")
    return ["C1", word, when, "", ref or "", json.dumps(said) if said else "", id_]


def files(example: dict[str, Any], folder: Path) -> tuple[Path, Path]:
    facts = example.get("facts", {})
    events = [list(COLUMNS), *map(event_row, example["events"])]
    tables = {"cases.csv": [["case_ref", *facts], ["C1", *map(cell, facts.values())]], "events.csv": events}
    for name, rows in tables.items():
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    return folder / "cases.csv", folder / "events.csv"


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ask:
    """Ask the machine contract about an example; the policy file is read once for all of them."""

    def again(name: str) -> Authority:
        assert name == NAME
        return LOADED

    monkeypatch.setattr("ehscheduler.pure.load", again)

    def answer(write: Callable[..., int], example: dict[str, Any], *at: str) -> dict[str, Any]:
        out = io.StringIO()
        assert write(out, NAME, *files(example, tmp_path), *at) == 0, out.getvalue()
        found: dict[str, Any] = json.loads(out.getvalue())
        return found

    return answer


def on_the_wall(name: str, value: object) -> object:
    """Return a value as an example writes it: a time by the clock on the wall, and "none" where there is none."""
    if value is None:
        return "none"
    if isinstance(value, date):
        return value.isoformat()
    return value[:19] if isinstance(value, str) and (name == "at" or name.endswith("_at")) else value


@pytest.mark.parametrize("example", worked("example"))
def test_a_case_counted_by_hand_comes_out_as_counted(example: dict[str, Any], ask: Ask) -> None:
    rows = {row["key"]: row for row in ask(write_timeline, example, example["at"])["milestones"]}
    for expected in example["expect"]:
        found = {name: on_the_wall(name, rows[expected["key"]][name]) for name in expected}
        assert found == {name: on_the_wall(name, value) for name, value in expected.items()}
    assert not rows.keys() & set(example.get("absent", ()))


@pytest.mark.parametrize("example", worked("example", "notices"))
def test_the_right_people_hear_at_the_times_counted_by_hand(example: dict[str, Any], ask: Ask) -> None:
    told = ask(write_forecast, example, example["from"], example["until"])["notices"]
    kinds = {notice["kind"] for notice in example["notices"]} or {notice["kind"] for notice in told}
    found = [
        {name: on_the_wall(name, notice[name]) for name in ("at", "kind", "stage", "to_roles")}
        for notice in told
        if notice["rule"] == example["rule"] and notice["kind"] in kinds
    ]
    assert found == [{"stage": "none", **notice} for notice in example["notices"]]


@pytest.mark.parametrize("example", worked("routed"))
def test_a_case_goes_to_the_team_that_the_document_names(example: dict[str, Any], tmp_path: Path) -> None:
    caseload = read_caseload(NAME, *files(example, tmp_path))
    *_, last = events = caseload.events["C1"]
    now = instant(example["at"], "at")
    history = History(caseload.policy, caseload.calendar, caseload.cases[0], events, now, last.day)
    route = caseload.policy.routes[example["rule"]]
    assert last.word == route.at.word
    assert (team_for(route, history, last) or "none") == example["team"]
    assert not history.problems
