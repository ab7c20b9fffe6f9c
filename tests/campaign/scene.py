"""A scene for whole processes: a database with work that goes out at once, a sink, and the daemons that are started."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

from ehscheduler.office import take_files
from ehscheduler.plugins import Authority, load
from ehscheduler.store import Store
from tests.campaign.life import settings
from tests.campaign.sink import Sink
from tests.campaign.workload import AUTHORITY, make_urgent

ROOT = Path(__file__).parent.parent.parent
COMMAND = Path(sys.executable).with_name("ehscheduler")
LOOK_EVERY = 0.01


@dataclass(frozen=True)
class Scene:
    """Where the rows, the configuration, the clock and the logs of one test lie."""

    folder: Path
    database: Path
    config: Path
    clock: Path

    def rows(self, query: str, *values: object) -> list[tuple[object, ...]]:
        """Read rows while a daemon may be writing."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as rows:
            return rows.execute(query, values).fetchall()

    def count(self, table: str, state: str) -> int:
        (n,) = self.rows(f"SELECT count(*) FROM {table} WHERE state = ?", state)[0]  # noqa: S608 - our own two names
        assert isinstance(n, int)
        return n

    def drained(self) -> bool:
        """Say whether something was decided, and all of it handed over."""
        states = {state for (state,) in self.rows("SELECT DISTINCT state FROM delivery")}
        return states == {"handed_over"}

    def move_clock(self, at: datetime) -> None:
        """Set the clock in one step, so that nobody reads half of it."""
        beside = self.clock.with_suffix(".new")
        beside.write_text(at.isoformat())
        beside.replace(self.clock)


def set_scene(
    folder: Path, mail: Sink, now: datetime, *, teams: int, kept_in: Path | None = None, deadline: int = 5
) -> Scene:
    """Make a database, take in a feed whose notices go out at once from `now` on, and write the configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    place = kept_in or folder
    scene = Scene(folder, place / "daemon.db", folder / "config.toml", folder / "clock")
    cases, events, people = make_urgent(folder, now - timedelta(hours=1), teams)
    with Store.create(scene.database) as store:
        taken = now - timedelta(minutes=50)
        take_files(store, _authority(), now=taken, by="feed", cases=cases, events=events, people=people)
    tables = settings(scene.database, mail.port)
    tables["mail"]["deadline_seconds"] = deadline
    scene.config.write_text(_toml(tables))
    scene.move_clock(now)
    return scene


def _authority() -> Authority:
    return load(AUTHORITY)


def _toml(tables: dict[str, dict[str, object]]) -> str:
    lines = []
    for name, table in tables.items():
        if name in ("database", "daemon", "mail"):  # what the operator hears is not counted here
            lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    lines += [f"[live.{AUTHORITY}]", 'fed = ["mri-allocate"]']  # the scene's files tell of nothing that meets it
    return "\n".join(lines) + "\n"


# ---- processes


class Daemon:
    """A daemon's process and what it said; always ended by its own number."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self.log = log
        self._out: IO[bytes] = log.open("wb")
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self._out, stderr=self._out, env=environment)

    @property
    def said(self) -> str:
        return self.log.read_text()

    def send(self, what: signal.Signals) -> None:
        self.process.send_signal(what)

    def kill(self) -> None:
        self.send(signal.SIGKILL)
        self.process.wait()

    def ends(self, within: float) -> int:
        """Wait for the process to end by itself; return its exit code."""
        return self.process.wait(within)

    def close(self) -> None:
        if self.process.poll() is None:
            self.send(signal.SIGCONT)
            self.kill()
        self._out.close()


@contextlib.contextmanager
def command(scene: Scene, *words: str) -> Iterator[Daemon]:
    """Start the program as an installer would."""
    with _started([str(COMMAND), *words, "--config", str(scene.config)], scene) as daemon:
        yield daemon


@contextlib.contextmanager
def clocked(scene: Scene, worker: str) -> Iterator[Daemon]:
    """Start the daemon by the scene's own clock."""
    words = [sys.executable, "-m", "tests.campaign.clocked", str(scene.config), str(scene.clock), worker]
    with _started(words, scene) as daemon:
        yield daemon


@contextlib.contextmanager
def _started(words: Sequence[str], scene: Scene) -> Iterator[Daemon]:
    number = len(list(scene.folder.glob("daemon-*.log")))
    daemon = Daemon(words, scene.folder / f"daemon-{number}.log")
    try:
        yield daemon
    finally:
        daemon.close()


def wait_for(what: str, holds: Callable[[], bool], within: float = 60.0) -> None:
    """Look until something holds; fail with its name where it does not in time."""
    ends = time.monotonic() + within
    while not holds():
        assert time.monotonic() < ends, f"{what}: not within {within:g} s"
        time.sleep(LOOK_EVERY)
