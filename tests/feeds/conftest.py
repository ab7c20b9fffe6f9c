"""A council's drop folder beside a service in small: files are put there, and the daemon looks at it."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from ehscheduler.daemon.feeds import Fed, take_drops
from ehscheduler.office import evaluation_of
from ehscheduler.store import Store
from ehscheduler.store.events import events_of
from tests.daemon.conftest import made_database, store  # noqa: F401 - the same database in small
from tests.daemon.house import NAME, House

PEOPLE = """\
person_id,name,email,role,team,line_manager_id,valid_from,valid_to
w1,Wren Worker,w1@council.example,worker,North,m1,,
m1,Mo Manager,m1@council.example,manager,North,,,
"""
MAPPING = """\
[extract]
source = "steps"
kind   = "snapshot"
case   = "group_id"
dates  = ["%d/%m/%Y %H:%M", "%d/%m/%Y"]

[columns]
workflow_step_id = "ID"
step_type        = "TYPE"
group_id         = "FAMILY"
started_on       = "STARTED"
completed_on     = "DONE"
recorded_on      = "ENTERED"
status           = "STATUS"
worker_id        = "WORKER"

[status]
counts  = ["COMPLETED"]
not_yet = ["STARTED"]

[[step]]
type  = "Allocation"
event = "allocation"
on    = "completed_on"

[[step]]
type  = "Home Visit"
event = "home_visit"
on    = "completed_on"

[[step]]
type  = "Closure"
event = "closed"
on    = "completed_on"

[facts]
team = "TEAM"
"""
HEADER = "ID,TYPE,FAMILY,STARTED,DONE,ENTERED,STATUS,WORKER,TEAM"


def row(id_: object, type_: str, family: str, day: str, **other: str) -> str:
    """Write one step of the extract; `day` is when it was done."""
    cells = {"STARTED": day, "DONE": day, "ENTERED": "", "STATUS": "COMPLETED", "WORKER": "w1", "TEAM": "North"}
    cells |= {"ID": str(id_), "TYPE": type_, "FAMILY": family, **other}
    return ",".join(cells[name] for name in HEADER.split(","))


def extract(*rows: str) -> str:
    return "\n".join([HEADER, *rows]) + "\n"


@dataclass
class Folder:
    """The drop folder of the house."""

    house: House
    path: Path

    def put(self, name: str, content: str | bytes, *, changed: str | None = None) -> Path:
        """Leave a file there, as written at the present instant or at another."""
        path = self.path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        now = self.house.now.timestamp() if changed is None else House.at(self.house, changed).now.timestamp()
        os.utime(path, (now, now))
        return path

    def mapping(self, text: str) -> None:
        (self.path.parent / "mapping.toml").write_text(text)

    def look(self, at: str | None = None) -> Fed:
        """Let the daemon look once."""
        if at:
            self.house.at(at)
        return take_drops(self.house.desk, self.house.now)

    def night(self, at: str) -> Fed:
        """Let the daemon look twice, a minute apart, so that what lies there has settled."""
        self.look(at)
        self.house.now += timedelta(seconds=60)
        return self.look()

    def names(self, place: str) -> list[str]:
        """Name what lies in a part of the folder, without the times before the names."""
        found = self.path / place
        listed = sorted(path.name for path in found.iterdir()) if found.is_dir() else []
        return [name[18:] if name[:2] == "20" else name for name in listed if not name.endswith(".report.txt")]

    def report(self, place: str) -> str:
        """Read the newest report."""
        return sorted((self.path / place).glob("*.report.txt"))[-1].read_text()

    @property
    def left(self) -> list[str]:
        return sorted(path.name for path in self.path.iterdir() if path.is_file())

    def events(self, ref: str) -> list[str]:
        """Return what stands on record of a case, as its words and days."""
        with self.house.store.read() as tx:
            found = events_of(tx, NAME, ref)
        gone = {str(one.detail.get("event")) for one in found if one.word == "retracted"}
        return [f"{one.word} {one.day}" for one in found if one.word != "retracted" and one.id not in gone]

    def states(self, ref: str) -> dict[str, str]:
        """Return how the milestones of a case stand."""
        with self.house.store.read() as tx:
            found = evaluation_of(tx, self.house.authority, ref, self.house.now)
        return {m.rule: m.state for m in found.milestones}

    def told(self) -> list[str]:
        """Return what the operator hears now, each alarm once."""
        found = [alarm.text for alarm in self.house.alarms() if alarm.told_at is None]
        self.house.set(operator={"email": "it@council.example"})
        self.house.tell()
        return found


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Folder:  # noqa: F811
    house = House(store)
    place = tmp_path / "drop"
    place.mkdir()
    made = Folder(house, place)
    made.mapping(MAPPING)
    house.set(drop={NAME: {"folder": str(place), "mapping": str(tmp_path / "mapping.toml")}})
    house.at("2026-03-02 02:00")
    return made


@pytest.fixture
def fed(folder: Folder) -> Folder:
    """The folder after a first good night: thirty families allocated, of which half were visited."""
    folder.put("people-2026-03-02.csv", PEOPLE)
    folder.put("steps-2026-03-02.csv", extract(*thirty()))
    assert folder.night("2026-03-02 02:00").taken == 2
    return folder


def thirty(*more: str, but: Callable[[str], bool] = lambda row: True) -> list[str]:
    """Return the rows of thirty families, those that `but` keeps, and more."""
    rows = [row(f"A{n}", "Allocation", f"F{n}", "20/02/2026") for n in range(30)]
    rows += [row(f"V{n}", "Home Visit", f"F{n}", "25/02/2026 10:00", ENTERED="25/02/2026 12:00") for n in range(15)]
    return [*(one for one in rows if but(one)), *more]
