"""What the intake tests share: a way to write a file and to hear what is said about it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.core.vocabulary import EVENTS, FACTS
from ehscheduler.errors import InputRefused
from ehscheduler.intake.contract import read_cases, read_events
from ehscheduler.intake.mapping import StepMapping, mapping_of
from ehscheduler.intake.people import read_people

ROLES = ("case_manager", "team_manager", "group_manager")
KINDS = {**FACTS, "contact_interval": "duration"}

MAPPING = """\
[extract]
source = "mosaic"
case   = "group_id"
dates  = ["%d/%m/%Y %H:%M", "%d/%m/%Y"]

[columns]
workflow_step_id = "STEP_ID"
step_type        = "TYPE"
group_id         = "GROUP"
person_id        = "PERSON"
incoming_on      = "INCOMING"
started_on       = "STARTED"
completed_on     = "DONE"
status           = "STATUS"
worker_id        = "WORKER"

[status]
counts  = ["COMPLETED"]
not_yet = ["STARTED"]
never   = ["CANCELLED"]

[[step]]
type  = "Allocation"
event = "allocation"
on    = "completed_on"

[[step]]
type  = "Home Visit"
event = "home_visit"
on    = "completed_on"

[[step]]
type        = "Contact"
event       = "contact_made"
on          = "completed_on"
ref         = "workflow_step_id"
detail_from = { method = "METHOD" }

[[step]]
type     = "Dispute"
event    = "dispute_raised"
on       = "started_on"
statuses = ["STARTED", "COMPLETED"]
detail   = { about = "allocation" }
worker   = "other"

[codes.METHOD]
"F2F" = "face_to_face"
"Tel" = "phone"

[facts]
team  = "TEAM"
level = "LEVEL"
index_child_dob = "DOB"

[personal]
family_name = "NAME"

[ignore]
steps = ["Case Note"]
"""

STEP_HEADER = "STEP_ID,TYPE,GROUP,PERSON,INCOMING,STARTED,DONE,STATUS,WORKER,METHOD,TEAM,LEVEL,DOB,NAME"


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def kinds() -> dict[str, str]:
    return dict(KINDS)


@pytest.fixture
def words() -> frozenset[str]:
    return EVENTS


@pytest.fixture
def roles() -> tuple[str, ...]:
    return ROLES


@pytest.fixture
def mapping() -> StepMapping:
    return mapping_of(MAPPING, "mapping.toml", KINDS, EVENTS)


@pytest.fixture
def mapping_text() -> str:
    return MAPPING


Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes one file and returns its path."""

    def write_one(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write_one


@pytest.fixture
def steps(write: Write) -> Callable[..., Path]:
    """Return a function that writes an extract: each row gives the columns that are not as usual."""

    def write_steps(*rows: dict[str, Any], name: str = "steps.csv") -> Path:
        usual = {"STEP_ID": "1", "TYPE": "Home Visit", "GROUP": "G1", "PERSON": "P1", "STATUS": "COMPLETED"}
        usual |= {"INCOMING": "02/03/2026", "STARTED": "02/03/2026", "DONE": "02/03/2026 10:00", "WORKER": "W1"}
        columns = STEP_HEADER.split(",")
        lines = [",".join(str({**usual, **row}.get(column, "")) for column in columns) for row in rows]
        return write(name, "\n".join([STEP_HEADER, *lines]) + "\n")

    return write_steps


@pytest.fixture
def said(write: Write) -> Callable[[str, str | bytes], list[str]]:
    """Return a function that reads a hostile file strictly and gives what was said; nothing where it was taken."""

    def problems(name: str, content: str | bytes) -> list[str]:
        path = write(name, content)
        try:
            if name == "cases.csv":
                read_cases(path, KINDS)
            elif name == "events.csv":
                read_events(path, {"A1", "A2"}, EVENTS)
            else:
                read_people(path, ROLES)
        except InputRefused as refused:
            return refused.problems
        return []

    return problems
