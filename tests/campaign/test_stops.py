"""What stops a daemon without killing it: a signal, a pause, another daemon, a full disk, a locked database."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.campaign.ledger import read_log
from tests.campaign.scene import Scene, clocked, command, set_scene, wait_for
from tests.campaign.sink import Sink, sink

START = datetime.now(UTC) - timedelta(hours=2)
"""What the daemons' clock says when there is something to do; in the past, as their ticker's own is not set."""
BEFORE = START - timedelta(minutes=61)
"""Before anything happened: there is nothing to do yet."""
TEAMS = 6
HERE = socket.gethostname()


@pytest.fixture
def mail(tmp_path: Path) -> Iterator[Sink]:
    with sink(tmp_path / "sink", delay=0.002) as running:
        yield running


def times(mail: Sink) -> Counter[str]:
    """Count how often each message was accepted."""
    return Counter(one.message_id for one in read_log(mail.log))


def expect_each_once(mail: Sink, teams: int = TEAMS) -> None:
    assert set(times(mail).values()) == {1}
    assert len(times(mail)) == 2 * teams


# ---- told to stop, and two at once


def test_a_daemon_told_to_stop_finishes_the_message_under_way_and_nothing_comes_twice(tmp_path: Path) -> None:
    with sink(tmp_path / "sink", delay=0.1) as mail:
        scene = set_scene(tmp_path / "scene", mail, datetime.now(UTC), teams=10)
        with command(scene, "run") as first:
            wait_for("messages go out", lambda: mail.accepted >= 3)
            first.send(signal.SIGTERM)
            assert first.ends(10) == 0, first.said
        assert mail.accepted < 20, "it stopped in the middle"
        assert scene.count("message", "claimed") == 0
        with command(scene, "tick") as turn:
            assert turn.ends(60) == 0, turn.said
        expect_each_once(mail, teams=10)


def test_a_second_daemon_is_refused_and_told_who_holds_the_database_to_the_end_of_the_last_message(
    tmp_path: Path, mail: Sink
) -> None:
    mail.hold.touch()
    scene = set_scene(tmp_path / "scene", mail, START, teams=TEAMS, deadline=60)
    with clocked(scene, "first") as first:
        wait_for("one message waits for its answer", lambda: mail.accepted == 1)
        who = f"process {first.process.pid} on {HERE}"
        for word in ("run", "tick"):
            with command(scene, word) as second:
                assert second.ends(30) == 1, second.said
                assert who in second.said
                assert "stop it first" in second.said
        first.send(signal.SIGTERM)
        # It is told to stop, and its message is still on the way: nobody else may have the database yet.
        with clocked(scene, "second") as second:
            assert second.ends(30) == 1, second.said
            assert who in second.said
        mail.hold.with_suffix(".taken").unlink()
        assert first.ends(10) == 0, first.said
    with clocked(scene, "third"):
        scene.move_clock(START + timedelta(minutes=1))
        wait_for("all is handed over", scene.drained)
    expect_each_once(mail)


# ---- paused for longer than the lease


def test_a_daemon_paused_beyond_its_lease_repeats_at_most_its_message_under_way_and_its_late_mark_is_refused(
    tmp_path: Path, mail: Sink
) -> None:
    mail.hold.touch()
    scene = set_scene(tmp_path / "scene", mail, START, teams=TEAMS)
    with clocked(scene, "first") as first:
        wait_for("one message waits for its answer", lambda: mail.accepted == 1)
        under_way = next(iter(times(mail)))
        first.send(signal.SIGSTOP)
        scene.move_clock(START + timedelta(minutes=10))
        # As on two machines, where no lock on a file reaches from one to the other.
        scene.database.with_name(scene.database.name + ".daemon").unlink()
        with clocked(scene, "second") as second:
            wait_for("the second hands all over", scene.drained)
            before = scene.rows("SELECT * FROM message ORDER BY message_id")
            mail.hold.with_suffix(".taken").unlink()
            first.send(signal.SIGCONT)
            assert first.ends(30) == 1, first.said
            assert f"another daemon holds {scene.database}: process {second.process.pid} on {HERE}" in first.said
            assert scene.rows("SELECT * FROM message ORDER BY message_id") == before
    owners = scene.rows("SELECT DISTINCT lease_owner FROM message")
    assert owners == [("second",)]
    assert times(mail).pop(under_way) == 2
    assert {n for id_, n in times(mail).items() if id_ != under_way} == {1}


# ---- the database cannot be written


def test_a_locked_database_costs_a_turn_and_the_next_one_catches_up(tmp_path: Path, mail: Sink) -> None:
    scene = set_scene(tmp_path / "scene", mail, START, teams=TEAMS)
    scene.move_clock(BEFORE)
    with clocked(scene, "first") as daemon:
        wait_for("a turn with nothing to do", lambda: "0 notices decided" in daemon.said)
        with contextlib.closing(sqlite3.connect(scene.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            scene.move_clock(START)
            wait_for("the turn is given up", lambda: "the turn was given up" in daemon.said)
            assert mail.accepted == 0
            other.execute("ROLLBACK")
        wait_for("all is handed over", scene.drained)
        daemon.send(signal.SIGTERM)
        assert daemon.ends(10) == 0, daemon.said
    expect_each_once(mail)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of four megabytes, which only root may."""
    place = tmp_path / "disk"
    place.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place]).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path, leave: int) -> Path:
    """Fill a disk up but for so many bytes; return the file that does it."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))
    with filler.open("rb+") as file:
        file.truncate(max(0, filler.stat().st_size - leave))
    return filler


@pytest.mark.parametrize("leave", [0, 40_000, 200_000], ids=["nothing left", "40 kB left", "200 kB left"])
def test_a_full_disk_leaves_nothing_half_done_and_the_daemon_goes_on_when_there_is_room(
    tmp_path: Path, mail: Sink, small_disk: Path, leave: int
) -> None:
    scene = set_scene(tmp_path / "scene", mail, START, teams=TEAMS, kept_in=small_disk)
    scene.move_clock(BEFORE)
    with clocked(scene, "first") as daemon:
        wait_for("a turn with nothing to do", lambda: "0 notices decided" in daemon.said)
        filler = fill(small_disk, leave)
        scene.move_clock(START)
        wait_for("two turns are given up", lambda: daemon.said.count("the turn was given up") >= 2)
        assert daemon.process.poll() is None
        claimed = expect_nothing_half_done(scene, mail)
        filler.unlink()
        scene.move_clock(START + timedelta(minutes=1))
        wait_for("all is handed over", scene.drained)
        daemon.send(signal.SIGTERM)
        assert daemon.ends(10) == 0, daemon.said
    assert len(times(mail)) == 2 * TEAMS
    assert {id_ for id_, n in times(mail).items() if n > 1} <= claimed
    assert max(times(mail).values()) <= 2


def expect_nothing_half_done(scene: Scene, mail: Sink) -> set[str]:
    """Check that rows are whole and that what was sent is claimed or marked; return what may come once more."""
    assert scene.rows("PRAGMA integrity_check") == [("ok",)]
    assert scene.rows("PRAGMA foreign_key_check") == []
    open_notices = scene.rows("""
        SELECT key FROM notice n WHERE kept IS NULL
        AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.authority = n.authority AND d.notice_key = n.key)""")
    assert open_notices == []
    known = {str(id_): state for id_, state in scene.rows("SELECT message_id, state FROM message")}
    assert set(times(mail)) <= set(known)
    return {id_ for id_, state in known.items() if state == "claimed"}
