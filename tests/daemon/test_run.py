"""The daemon's life: one at a time, a clean stop at any moment, and what it does when a turn goes wrong."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.daemon import run
from ehscheduler.daemon import turn as one_turn
from ehscheduler.daemon.run import Daemon
from ehscheduler.daemon.turn import turn
from ehscheduler.errors import EhsError, StoreError
from ehscheduler.store import Store
from ehscheduler.store.faults import DatabaseLocked, DiskFailed, DiskFull
from ehscheduler.store.lease import hold_daemon
from tests.daemon.house import House, moment

PROGRAM = [sys.executable, "-m", "ehscheduler.app"]


class Hold:
    """A right to the database that is never taken away."""

    renewed = 0

    def renew(self, now: Any) -> None:
        self.renewed += 1


def a_daemon(house: House) -> Daemon:
    return Daemon(house.desk, lambda: house.now, rng=random.Random(1))


def a_turn(daemon: Daemon) -> None:
    daemon._turn(Hold())  # type: ignore[arg-type]
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.name.endswith("(_shut_down)"):
            thread.join()


# ---- one turn


def test_one_turn_decides_delivers_and_tells_and_says_so_in_a_line(house: House) -> None:
    house.live()
    house.set(operator={"email": "it@council.example"})
    house.case("C1", "2026-03-02 08:00 allocation", lead=None)
    house.turn("2026-03-11 08:00")
    house.at("2026-03-11 08:30")
    said = turn(house.desk, lambda: house.now, stop=lambda: False, rng=random.Random(1)).said
    assert said == "1 case looked at, 1 notice decided, 1 message handed over, 1 alarm told to the operator."
    assert sorted(mail.to for mail in house.channel.taken) == ["it@council.example", "m1@council.example"]


@pytest.mark.parametrize("fault", [DatabaseLocked("locked"), DiskFull("full"), StoreError("odd")], ids=repr)
def test_a_turn_that_the_database_gave_up_is_followed_by_the_next(
    house: House, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def broken(*_: Any, **__: Any) -> str:
        raise fault

    monkeypatch.setattr(run, "turn", broken)
    daemon = a_daemon(house)
    a_turn(daemon)
    assert not daemon._stopping.is_set()


def test_a_disk_that_failed_stops_the_daemon(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> str:
        raise DiskFailed("the disk failed while it was written")

    monkeypatch.setattr(run, "turn", broken)
    daemon = a_daemon(house)
    a_turn(daemon)
    assert daemon._stopping.is_set()
    assert str(daemon._fault) == "the disk failed while it was written"


def test_what_should_not_happen_stops_the_daemon_without_quoting_a_case(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any, **__: Any) -> str:
        raise KeyError("Mrs Canary")

    monkeypatch.setattr(run, "turn", broken)
    daemon = a_daemon(house)
    a_turn(daemon)
    assert isinstance(daemon._fault, EhsError)
    assert "KeyError in " in str(daemon._fault)
    assert "Canary" not in str(daemon._fault)


def test_no_turn_begins_after_the_stop(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon = a_daemon(house)
    daemon._told_to_stop(signal.SIGTERM, None)
    monkeypatch.setattr(run, "turn", lambda *_, **__: pytest.fail("a turn began"))
    a_turn(daemon)


# ---- a whole process


class Process:
    """`ehscheduler run` in a folder of its own, and the lines it wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        environment = {name: value for name, value in os.environ.items() if name != "EHS_CONFIG"}
        self.daemon = subprocess.Popen(
            [*PROGRAM, "run"], cwd=folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []

    def until(self, words: str) -> None:
        assert self.daemon.stderr is not None
        for line in self.daemon.stderr:
            self.lines.append(line)
            if words in line:
                return
        raise AssertionError(f"the daemon ended: {self.lines}")

    def end(self) -> tuple[int, str]:
        out, err = self.daemon.communicate(timeout=10)
        return self.daemon.returncode, out + err


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a configuration and a database."""
    home = tmp_path / "home"
    home.mkdir()
    Store.create(home / "ehscheduler.db").close()
    (home / "config.toml").write_text('[database]\nurl = "sqlite:///ehscheduler.db"\n[daemon]\ntick_seconds = 1\n')
    return home


@pytest.fixture
def process(folder: Path) -> Iterator[Process]:
    made = Process(folder)
    made.until("cases looked at")
    yield made
    if made.daemon.poll() is None:
        made.daemon.kill()
    made.daemon.communicate()


def tick(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*PROGRAM, "tick"], cwd=folder, capture_output=True, text=True, timeout=30, check=False)


def test_a_second_daemon_refuses_and_says_who_holds_the_database_and_sigterm_ends_the_first(process: Process) -> None:
    second = tick(process.folder)
    assert second.returncode == 1
    assert f"another daemon holds {process.folder / 'ehscheduler.db'}: process {process.daemon.pid} on" in second.stderr
    assert "Traceback" not in second.stderr
    process.daemon.send_signal(signal.SIGTERM)
    process.daemon.send_signal(signal.SIGTERM)
    code, said = process.end()
    assert code == 0, said
    assert "Traceback" not in said
    entries = [json.loads(line) for line in [*process.lines, *said.splitlines()] if line.startswith("{")]
    assert any(entry["said"].startswith("told to stop") for entry in entries[-3:])
    assert all({"at", "level", "part", "said"} <= set(entry) for entry in entries)
    with Store.open(process.folder / "ehscheduler.db") as store:
        hold_daemon(store, now=moment("2026-03-02 09:00")).release()


def test_after_a_daemon_that_was_killed_the_next_starts_at_once(process: Process) -> None:
    process.daemon.kill()
    process.daemon.wait(10)
    after = tick(process.folder)
    assert (after.returncode, after.stderr) == (0, "")


def test_a_fault_in_looking_across_cases_is_told_and_nobodys_message_waits_for_it(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")

    def odd(*_: object) -> None:
        raise KeyError("odd")

    monkeypatch.setattr(one_turn, "look_over", odd)
    house.turn("2026-03-10 12:00")
    house.at("2026-03-11 08:30")
    done = turn(house.desk, lambda: house.now, stop=lambda: False, rng=random.Random(1))
    assert [mail.to for mail in house.channel.taken] == ["w1@council.example"]
    assert [alarm.code for alarm in house.alarms()] == ["turn fault"]
    assert "odd" not in house.alarms()[0].text
    assert done.ticked.faults
    monkeypatch.undo()
    turn(house.desk, lambda: house.now, stop=lambda: False, rng=random.Random(1))
    assert house.alarms("turn fault") == []
