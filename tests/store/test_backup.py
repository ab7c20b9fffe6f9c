"""A backup is whole, checked and private; what is restored is what was backed up; nothing is ever written over."""

import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from ehscheduler.errors import AnotherDaemon
from ehscheduler.store import Store, cases, events
from ehscheduler.store.alarms import alarms
from ehscheduler.store.backup import BackupRefused, back_up, check_file, kept_tables, rows_of, tally
from ehscheduler.store.faults import NoDatabase
from ehscheduler.store.held import held_sending
from ehscheduler.store.lease import Holder, hold_daemon
from ehscheduler.store.restore import Restoring, restore
from ehscheduler.store.schema import HEAD
from ehscheduler.store.trail import append_trail, trail
from ehscheduler.store.workroom import ROOM
from tests.postgres import Cluster
from tests.store.store_samples import NOON, A, a_case, an_event, put, take
from tests.store.test_store_kill import decide_all

LATER = NOON + timedelta(hours=3)


def filled(store: Store) -> None:
    """Put rows into many tables, by the functions that the service has for it."""
    with store.begin() as tx:
        put(tx, a_case(lead="w1", children=[{"ref": "k1", "born": "2020-01-02"}]))
        events.add_events(
            tx, A, [an_event(), an_event("e2", "hold_started", detail={"reason": "ŵ ❄"})], source="s", now=NOON
        )
    decide_all(store)
    take(store, ["n1"], now=NOON)


def what_is_in(store: Store) -> dict[str, tuple[int, str]]:
    with store.read() as tx:
        return {table.name: tally(rows_of(tx, table)) for table in kept_tables()}


def backed_up(store: Store, to: Path) -> Path:
    back_up(store, to, now=NOON, program="0.1.0")
    return to


@pytest.fixture
def other_place(kind: str, tmp_path: Path, cluster: Cluster) -> str:
    """Where nothing is yet, on the database that the store is not on."""
    return cluster.fresh() if kind == "sqlite" else str(tmp_path / "other.db")


@pytest.fixture
def new_place(kind: str, tmp_path: Path, cluster: Cluster) -> str:
    """Where nothing is yet, on the database that the store is on."""
    return str(tmp_path / "new.db") if kind == "sqlite" else cluster.fresh()


ADDED_BY_A_RESTORE = {"authority_state", "alarm", "trail"}


@pytest.mark.parametrize("place_name", ["new_place", "other_place"])
def test_what_is_restored_is_what_was_backed_up_on_either_database(
    store: Store, tmp_path: Path, place_name: str, request: pytest.FixtureRequest
) -> None:
    filled(store)
    was = what_is_in(store)
    assert sum(1 for count, _ in was.values() if count) >= 8
    backup = backed_up(store, tmp_path / "kept.db")
    where = request.getfixturevalue(place_name)
    found = restore(Restoring(backup, where, LATER, "it"))
    assert (found.made_at, found.schema, found.rows) == (NOON, HEAD, sum(count for count, _ in was.values()))
    with Store.open(where) as again:
        now = what_is_in(again)
        assert {n: t for n, t in now.items() if n not in ADDED_BY_A_RESTORE} == {
            n: t for n, t in was.items() if n not in ADDED_BY_A_RESTORE
        }
        assert [now[n][0] - was[n][0] for n in sorted(ADDED_BY_A_RESTORE)] == [1, 1, 1]
        assert again.faults() == []
        with again.read() as tx:
            assert trail(tx, A)[0].case_ref == "C1"


def test_after_a_restore_sending_is_held_and_the_operator_is_told(store: Store, tmp_path: Path, new_place: str) -> None:
    filled(store)
    restore(Restoring(backed_up(store, tmp_path / "kept.db"), new_place, LATER, "it"))
    with Store.open(new_place) as again, again.read() as tx:
        held = held_sending(tx)
        assert held is not None
        assert (held.since, held.backup_at, held.sends_from) == (LATER, NOON, None)
        (alarm,) = alarms(tx)
        assert "12:00 on Monday 2 March 2026" in alarm.text
        assert "send-from" in alarm.text


def test_numbers_go_on_where_they_were(store: Store, tmp_path: Path, other_place: str) -> None:
    with store.begin() as tx:
        for _ in range(7):
            append_trail(tx, A, at=NOON, who="it", act="test")
    restore(Restoring(backed_up(store, tmp_path / "kept.db"), other_place, LATER, "it"))
    with Store.open(other_place) as again, again.begin() as tx:
        assert append_trail(tx, A, at=NOON, who="it", act="test") > 7


def test_a_backup_is_its_owners_alone_one_file_and_leaves_nothing_beside_it(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    backup = backed_up(store, folder / "kept.db")
    assert backup.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in folder.iterdir()] == ["kept.db"]
    backup.chmod(0o400)
    folder.chmod(0o500)
    assert check_file(backup).schema == HEAD
    assert [one.name for one in folder.iterdir()] == ["kept.db"]
    folder.chmod(0o700)


def test_a_file_that_is_there_is_never_written_over(store: Store, tmp_path: Path) -> None:
    there = tmp_path / "kept.db"
    there.write_text("mine")
    with pytest.raises(NoDatabase, match=r"kept\.db is there already"):
        backed_up(store, there)
    assert there.read_text() == "mine"


def test_a_backup_is_one_moment_while_others_write(store: Store, tmp_path: Path) -> None:
    filled(store)
    stop, written = threading.Event(), [0]

    def write() -> None:
        while not stop.is_set():
            with store.begin() as tx:
                number = written[0] = written[0] + 1
                put(tx, a_case(f"B{number}"))
                events.add_events(tx, A, [an_event(f"b{number}", case=f"B{number}")], source="s", now=NOON)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        counts = []
        for number in range(3):
            found = back_up(store, tmp_path / f"{number}.db", now=NOON, program="0.1.0")
            # Each transaction wrote one case and one event: a half of one would part the two.
            assert found.tables["case_record"][0] - 1 == found.tables["event"][0] - 2
            counts.append(found.tables["case_record"][0])
    finally:
        stop.set()
        writer.join()
    assert counts == sorted(set(counts)), "something was written meanwhile"


# ---- what is refused


@pytest.fixture
def kept(sqlite_place: Path, tmp_path: Path) -> Path:
    with Store.open(sqlite_place) as store:
        filled(store)
        return backed_up(store, tmp_path / "kept.db")


def refused(kept: Path, where: str) -> str:
    with pytest.raises(BackupRefused) as told:
        restore(Restoring(kept, where, LATER, "it"))
    return str(told.value)


def test_a_flipped_letter_in_any_row_is_found(kept: Path, tmp_path: Path) -> None:
    whole = kept.read_bytes()
    places = [at for at in range(len(whole)) if whole.startswith(b"first-visit", at)]
    assert len(places) > 4
    for at in places:
        kept.write_bytes(whole[:at] + b"F" + whole[at + 1 :])
        assert "is damaged" in refused(kept, str(tmp_path / "new.db"))
    assert not (tmp_path / "new.db").exists()


@pytest.mark.parametrize("size", [0, 10, 4096, -1])
def test_a_file_that_was_cut_off_is_refused(kept: Path, tmp_path: Path, size: int) -> None:
    whole = kept.read_bytes()
    kept.write_bytes(whole[: size if size >= 0 else len(whole) - 4096])
    assert str(kept) in refused(kept, str(tmp_path / "new.db"))
    assert not (tmp_path / "new.db").exists()


def changed(kept: Path, statement: str) -> None:
    with closing(sqlite3.connect(kept)) as file:
        file.execute(statement)
        file.commit()


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("DELETE FROM delivery", "delivery is not as it was written"),
        ("UPDATE case_record SET facts = '[]'", "case_record is not as it was written"),
        ("UPDATE backup_manifest SET said = replace(said, '0.1.0', '0.1.1')", "is damaged"),
        ("DROP TABLE backup_manifest", "is a database and no backup"),
        ("UPDATE alembic_version SET version_num = '0001'", "was changed after it was made"),
        ("DROP TABLE delivery", "is damaged"),
    ],
)
def test_a_backup_that_was_edited_is_refused(kept: Path, tmp_path: Path, statement: str, said: str) -> None:
    changed(kept, statement)
    assert said in refused(kept, str(tmp_path / "new.db"))


def test_a_backup_of_a_newer_version_is_refused_and_says_which(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ehscheduler.store.backup.HEAD", "0001")  # as an older version would see it
    said = refused(kept, str(tmp_path / "new.db"))
    assert f"newer version of this program (0.1.0, schema {HEAD}" in said
    assert "install that version" in said


@pytest.mark.parametrize("left", ["new.db", "new.db-wal", "new.db-journal"])
def test_a_place_where_something_is_left_is_refused_and_says_how_to_clear_it(
    kept: Path, tmp_path: Path, left: str
) -> None:
    (tmp_path / left).write_bytes(b"left")
    said = refused(kept, str(tmp_path / "new.db"))
    assert f"{left} is there" in said
    assert "mv" in said
    assert (tmp_path / left).read_bytes() == b"left"


def test_a_database_that_a_daemon_holds_is_refused(kept: Path, tmp_path: Path, sqlite_place: Path) -> None:
    with Store.open(sqlite_place) as running:
        hold = hold_daemon(running, now=NOON)
        assert "a daemon runs on" in refused(kept, str(sqlite_place))
        hold.release()
    assert "is there, and is not written over" in refused(kept, str(sqlite_place))


def test_a_server_with_rows_is_refused_and_keeps_them(kept: Path, postgres_url: str) -> None:
    with Store.create(postgres_url) as there:
        with there.begin() as tx:
            put(tx, a_case("MINE"))
        assert "holds rows" in refused(kept, postgres_url)
        with there.read() as tx:
            assert list(cases.case_refs(tx, A)) == ["MINE"]
        hold = hold_daemon(there, now=NOON, holder=Holder("elsewhere", 1, 1))
        with pytest.raises(AnotherDaemon, match="another daemon holds"):
            restore(Restoring(kept, postgres_url, NOON, "it"))
        hold.release()


def test_a_backup_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert "no.db" in refused(tmp_path / "no.db", str(tmp_path / "new.db"))


# ---- killed


def killed_before(step: int, act: Callable[[], object]) -> bool:
    """Do something in a child that kills itself before its nth statement, commit or call of the system's."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(*_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            event.listen(Engine, "before_cursor_execute", count)
            event.listen(Engine, "commit", count)
            sys.addaudithook(lambda name, _: count() if name in ("open", "os.link", "sqlite3.connect") else None)
            act()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_kill_anywhere_leaves_a_whole_backup_or_none_and_the_next_one_clears_up(
    sqlite_place: Path, tmp_path: Path
) -> None:
    with Store.open(sqlite_place) as store:
        filled(store)
    folder = tmp_path / "kept"
    folder.mkdir()
    none, step = 0, 1
    while killed_before(step, lambda: backed_up(Store.open(sqlite_place), folder / "kept.db")):
        made = folder / "kept.db"
        if made.exists():
            check_file(made)
            made.unlink()
        else:
            none += 1
        step += 4
    assert none > 20
    assert [one.name for one in folder.iterdir() if one.name.startswith(ROOM)] == []


def test_a_kill_in_a_restore_leaves_a_whole_database_that_holds_its_sending_or_none(kept: Path, tmp_path: Path) -> None:
    folder = tmp_path / "home"
    folder.mkdir()
    new, none, step = folder / "new.db", 0, 1
    while killed_before(step, lambda: restore(Restoring(kept, str(new), LATER, "it"))):
        if new.exists():
            with Store.open(new) as store, store.read() as tx:
                assert held_sending(tx)
            for left in folder.glob("new.db*"):
                left.unlink()
        else:
            none += 1
        step += 3
    assert none >= 9
    with Store.open(new) as store, store.read() as tx:
        assert held_sending(tx)
