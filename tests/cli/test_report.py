"""`ehscheduler report`: what fell due and what became of it; its counts are those of the timeline."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.kit.random_cases import write_random_cases
from ehscheduler.plugins import load
from ehscheduler.tally import COUNTS
from tests.cli.conftest import Cli
from tests.cli.test_working_set import allocated, small
from tests.test_plugins import install, site

__all__ = ["install", "site", "small"]

DAYS = ("--from", "2026-01-01", "--to", "2026-06-30")
AT = "2026-07-06T10:00:00"
PARTS = ("met_in_time", "met_late", "open_late", "open", "cancelled")


def report(cli: Cli, *words: str) -> Any:
    said = cli("report", *DAYS, "--format", "json", *words)
    assert said.code == 0, said.all
    [one] = json.loads(said.out)
    return one


def count(found: Any, name: str) -> int:
    return int(found["totals"][name])


# ---- the same counts as the timeline


@pytest.mark.parametrize("authority", ["nottinghamshire", "barnet"])
def test_totals_equal_the_timelines_rule_by_rule_over_random_cases(cli: Cli, tmp_path: Path, authority: str) -> None:
    cases, events = write_random_cases(tmp_path, load(authority).policy, seed=7, cases=60)
    assert cli("init", "--authority", authority).code == 0
    said = cli("import", "--authority", authority, "--cases", cases, "--events", events)
    assert said.code == 0, said.all
    shown = cli("timeline", "--authority", authority, "--cases", cases, "--events", events, "--at", AT)
    fallen = [m for m in json.loads(shown.out)["milestones"] if "2026-01-01" <= (m["due_on"] or "") <= "2026-06-30"]
    assert len(fallen) > 100
    found = report(cli, "--authority", authority, "--at", AT, "--by", "")
    assert {row["rule"]: row["due"] for row in found["rows"]} == Counter(m["rule"] for m in fallen)
    states: Counter[str] = Counter(m["state"] for m in fallen if m["force"] != "guide")
    breaches = {row["rule"] for row in found["rows"] if row["force"] != "guide"}
    own = {name: sum(row[name] for row in found["rows"] if row["rule"] in breaches) for name in COUNTS}
    assert own["met_in_time"] == states["met"]
    assert own["met_late"] == states["met_late"]
    assert own["open_late"] == states["overdue"]
    assert own["cancelled"] == states["cancelled"] + states["waived"]
    assert own["recorded_late"] == sum(m["recorded_late"] for m in fallen if m["force"] != "guide")
    assert own["relaxed"] <= own["due"]
    for row in found["rows"]:
        assert row["due"] == sum(row[part] for part in PARTS)


# ---- each column


@pytest.mark.parametrize(
    ("events", "column"),
    [
        ("C1,home_visit,2026-03-03,,,\n", "met_in_time"),
        ("C1,home_visit,2026-03-03,2026-05-01T09:00,,\n", "recorded_late"),
        ("C1,home_visit,2026-06-01,,,\n", "met_late"),
        ("", "open_late"),
        ("C1,closed,2026-03-04,,,\n", "cancelled"),
    ],
    ids=["in time", "in time and recorded after", "late", "not done", "closed before"],
)
def test_each_milestone_is_counted_where_it_stands(
    small: Callable[..., Cli], at: Callable[[str], None], events: str, column: str
) -> None:
    cli = small("C1,North,w1,\n", allocated("C1"))
    at("2026-07-06 10:00")
    Path("more.csv").write_text("case_ref,event,occurred_at,recorded_at,ref,detail\n" + events)
    assert cli("import", "--events", "more.csv").code == 0
    found = report(cli)
    assert (count(found, "due"), count(found, column)) == (1, 1)
    assert sum(count(found, part) for part in PARTS) == 1


@pytest.mark.parametrize(
    ("since", "until", "due"),
    [("2026-03-16", "2026-03-16", 1), ("2026-03-17", "2026-12-31", 0), ("2026-01-01", "2026-03-15", 0)],
    ids=["its very day", "from the day after", "to the day before"],
)
def test_both_days_are_included(
    small: Callable[..., Cli], at: Callable[[str], None], since: str, until: str, due: int
) -> None:
    cli = small("C1,North,w1,\n", allocated("C1"))
    at("2026-07-06 10:00")
    [visit] = json.loads(cli("due", "--format", "json").out)
    assert visit["due_on"] == "2026-03-16"
    said = cli("report", "--from", since, "--to", until, "--format", "json")
    assert json.loads(said.out)[0]["totals"]["due"] == due


def test_what_is_known_later_than_asked_for_does_not_count(
    small: Callable[..., Cli], at: Callable[[str], None]
) -> None:
    cli = small("C1,North,w1,\n", allocated("C1"))
    at("2026-07-06 10:00")
    assert count(report(cli, "--at", "2026-03-10"), "open") == 1
    assert count(report(cli), "open_late") == 1


# ---- by team, and never by person


def test_teams_are_counted_apart_and_add_up(small: Callable[..., Cli], at: Callable[[str], None]) -> None:
    cli = small("C1,North,w1,\nC2,South,w2,\nC3,South,w2,\n", allocated("C1", "C2", "C3"))
    at("2026-07-06 10:00")
    found = report(cli)
    assert [(row["group"], row["due"]) for row in found["rows"]] == [("North", 1), ("South", 2)]
    assert count(found, "due") == 3
    table = cli("report", *DAYS).out
    assert "North in smallshire" in table
    assert "All of smallshire" in table


@pytest.mark.parametrize(
    ("by", "says"),
    [
        ("lead", "names a person, and nobody is ranked here"),
        ("children", "is none of"),
        ("taem", "did you mean 'team'"),
    ],
)
def test_nobody_is_ranked_and_a_wrong_group_is_named(small: Callable[..., Cli], by: str, says: str) -> None:
    cli = small("C1,North,w1,\n", allocated("C1"))
    said = cli("report", *DAYS, "--by", by)
    assert said.code == 1
    assert says in said.err


def test_days_in_the_wrong_order_are_refused(small: Callable[..., Cli]) -> None:
    said = small("", "")("report", "--from", "2026-06-30", "--to", "2026-06-29")
    assert said.code == 1
    assert "give the later day second" in said.err


# ---- reasons, and the spreadsheet


def test_reasons_are_counted_by_code_and_free_text_is_not_shown(
    small: Callable[..., Cli], at: Callable[[str], None]
) -> None:
    agreed = '"{""rules"": [""visit""], ""until"": ""2026-04-01"", ""by_role"": ""manager"", ""reason"": ""%s""}"'
    rows = f"C1,relaxation_agreed,2026-03-10,,,{agreed % 'family'}\n"
    rows += f"C2,relaxation_agreed,2026-03-10,,,{agreed % 'Mum was ill'}\n"
    cli = small("C1,North,w1,\nC2,North,w1,\n", allocated("C1", "C2"))
    at("2026-07-06 10:00")
    Path("more.csv").write_text("case_ref,event,occurred_at,recorded_at,ref,detail\n" + rows)
    assert cli("import", "--events", "more.csv").code == 0
    assert report(cli)["reasons"] == {"put off: family": 1, "put off: other": 1}
    assert "Mum" not in cli("report", *DAYS).all


def test_csv_has_a_row_for_each_team_and_rule_and_no_cell_is_a_formula(
    small: Callable[..., Cli], at: Callable[[str], None]
) -> None:
    cli = small("C1,=HYPERLINK(1),w1,\nC2,South,w2,\n", allocated("C1", "C2"))
    at("2026-07-06 10:00")
    said = cli("report", *DAYS, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(said.out)))
    assert [(row["group"], row["rule"], row["due"], row["open_late"]) for row in rows] == [
        ("'=HYPERLINK(1)", "visit", "1", "1"),
        ("South", "visit", "1", "1"),
    ]
    assert set(COUNTS) < set(rows[0])
