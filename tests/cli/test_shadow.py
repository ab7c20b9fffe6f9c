"""What shadow mode has shown: who would have heard what, and our due dates beside the council's own, row by row."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_commands import parsed

PEOPLE = """\
person_id,name,email,role,team,line_manager_id,valid_from,valid_to
w1,Wren Worker,w1@council.example,case_manager,North,m1,,
m1,Mo Manager,m1@council.example,team_manager,North,,,
"""
MAPPING = """\
[extract]
source = "mosaic"
case   = "group_id"
dates  = ["%d/%m/%Y"]

[columns]
workflow_step_id = "ID"
step_type        = "TYPE"
group_id         = "FAMILY"
started_on       = "STARTED"
completed_on     = "DONE"
status           = "STATUS"
worker_id        = "WORKER"
due_on           = "DUE"

[status]
counts  = ["COMPLETED"]
not_yet = ["STARTED"]
never   = ["CANCELLED"]

[[step]]
type  = "Allocation"
event = "allocation"
on    = "completed_on"

[[step]]
type  = "Assessment"
event = "assessment_completed"
on    = "completed_on"

[[step]]
type  = "Genogram"
event = "genogram_completed"
on    = "completed_on"

[facts]
team = "TEAM"
"""
HEADER = "ID,TYPE,FAMILY,STARTED,DONE,STATUS,WORKER,DUE,TEAM"


def step(id_: int, kind: str, family: str, done: str = "", due: str = "", status: str = "") -> str:
    state = status or ("COMPLETED" if done else "STARTED")
    return f"{id_},{kind},{family},02/11/2026,{done},{state},w1,{due},North"


@pytest.fixture
def council(cli: Cli, at: Callable[[str], None]) -> Cli:
    """A council in shadow: families allocated on Monday 2 November 2026, whose assessment is due in so many days."""
    at("2026-11-03 08:00")
    cli("init", "--authority", "nottinghamshire")
    with Path("config.toml").open("a") as file:
        file.write('\n[live.nottinghamshire]\nmode = "shadow"\nfrom = 2026-11-01\n')
    Path("people.csv").write_text(PEOPLE)
    Path("mapping.toml").write_text(MAPPING)
    return cli


def take(cli: Cli, *rows: str) -> None:
    Path("steps.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    done = cli("import", "--steps", "steps.csv", "--mapping", "mapping.toml", "--people", "people.csv")
    assert done.code == 0, done.all


def compared(cli: Cli) -> dict[str, tuple[str, str]]:
    said = cli("shadow", "report", "--steps", "steps.csv", "--mapping", "mapping.toml", "--format", "csv")
    assert said.code == 0, said.all
    return {row["line"]: (row["why"], row["said"]) for row in csv.DictReader(io.StringIO(said.out))}


def ours(cli: Cli) -> str:
    """Our own due date of F1's assessment, as a British date."""
    said = cli("shadow", "report", "--steps", "steps.csv", "--mapping", "mapping.toml", "--format", "json")
    (one, *_) = [row for row in parsed(said.out)["due_dates"] if row["milestone"] == "assessment"]
    year, month, day = one["ours"].split("-")
    return f"{day}/{month}/{year}"


def test_it_says_who_would_have_heard_what(council: Cli, at: Callable[[str], None]) -> None:
    take(council, step(1, "Allocation", "F1", "02/11/2026"), step(2, "Assessment", "F2", "02/11/2026"))
    for day in ("07", "08", "09", "10", "11", "14", "15", "16"):
        at(f"2026-12-{day} 08:30")
        council("tick")
    assert parsed(council("outbox", "--state", "handed_over", "--format", "json").out)["deliveries"] == []
    told = parsed(council("shadow", "report", "--format", "json").out)["would_hear"]
    assert {"person:w1"} <= {to for one in told for to in one["to"]}
    assert {"reminder", "due", "overdue"} <= {one["kind"] for one in told}
    table = council("shadow", "report", "--from", "2026-12-01", "--to", "2026-12-18").flat
    assert "nottinghamshire, " in table
    assert f"{len(told)} notices would have gone to" in table
    assert "The most for one in a day:" in table
    assert "person w1" in table
    assert parsed(council("shadow", "report", "--to", "2026-11-01", "--format", "json").out)["would_hear"] == []


def test_our_date_lies_beside_theirs_with_the_reason_for_each_difference(council: Cli) -> None:
    begin = [step(n, "Allocation", f"F{n}", "02/11/2026") for n in range(1, 6)]
    take(council, *begin, step(11, "Assessment", "F1", due="01/01/2027"))
    due = ours(council)
    rows = [
        step(11, "Assessment", "F1", due=due),
        step(12, "Assessment", "F2", due="03/12/2026"),
        step(13, "Assessment", "F3", due="soon"),
        step(14, "Assessment", "F9", due=due),
        step(15, "Genogram", "F4", due=due),
        step(16, "Assessment", "F5", due=due, status="CANCELLED"),
        step(17, "Assessment", "F4"),
    ]
    take(council, *begin, *rows[:2])
    Path("steps.csv").write_text("\n".join([HEADER, *begin, *rows]) + "\n")
    found = compared(council)
    assert found["7"] == ("the same", "")
    assert found["8"][0] not in ("the same", "")
    assert found["9"][0] == "their date cannot be read"
    assert found["10"] == ("the case is not here", "no such case was imported")
    assert found["11"][0] == "no limit of ours"
    assert list(found) == ["7", "8", "9", "10", "11"]
    table = council("shadow", "report", "--steps", "steps.csv", "--mapping", "mapping.toml").flat
    assert "5 rows of the extract have a due date of their own; 1 are the same as ours." in table
    assert "Row by row" in table


def test_a_step_that_was_done_is_laid_beside_the_limit_that_it_met(council: Cli) -> None:
    begin = step(1, "Allocation", "F1", "02/11/2026")
    take(council, begin, step(2, "Assessment", "F1", due="01/01/2027"))
    due = ours(council)
    take(council, begin, step(2, "Assessment", "F1", "03/11/2026", due=due))
    assert compared(council) == {"3": ("the same", "")}


def test_a_mapping_without_their_column_is_refused_with_the_remedy(council: Cli) -> None:
    take(council, step(1, "Allocation", "F1", "02/11/2026"))
    Path("mapping.toml").write_text(MAPPING.replace('due_on           = "DUE"\n', ""))
    said = council("shadow", "report", "--steps", "steps.csv", "--mapping", "mapping.toml")
    assert said.code == 1
    assert 'name it under [columns], as in due_on = "DUE_DATE"' in said.flat


def test_what_does_not_go_together_is_a_usage_error(council: Cli) -> None:
    assert "--steps and --mapping go together" in council("shadow", "report", "--steps", "steps.csv").flat
    assert "is none of table, csv, json" in council("shadow", "report", "--format", "xml").flat
    assert "give the later day second" in council("shadow", "report", "--from", "2026-11-05", "--to", "2026-11-01").flat
    assert "Shadow mode has kept nothing back" in council("shadow", "report").flat
