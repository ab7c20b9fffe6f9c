"""What goes wrong with a database: each time a sentence with place and remedy, and nothing half written."""

import os
import sqlite3
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError

from ehscheduler.errors import StoreError
from ehscheduler.store import Store, cases, events, faults, trail
from ehscheduler.store.faults import Place, told
from tests.store.store_samples import NOON, A, a_case, an_event, put

CANARY = "a-word-that-must-not-be-shown"

# ---- a database that is locked


@contextmanager
def locked_by_another_process(path: Path) -> Iterator[int]:
    """Let another process hold SQLite's lock for writing; give its number."""
    program = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); "
        "c.execute('BEGIN IMMEDIATE'); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        yield other.pid
        assert other.stdin is not None
        other.stdin.close()


def test_a_database_locked_by_another_process_says_by_which_and_works_again_afterwards(sqlite_place: Path) -> None:
    store = Store.open(sqlite_place, busy_seconds=0.2)
    with locked_by_another_process(sqlite_place) as pid:
        with pytest.raises(faults.DatabaseLocked) as refused, store.begin() as tx:
            put(tx, a_case())
        said = str(refused.value)
        assert f"{sqlite_place} has been locked" in said
        assert "for longer than 0.2 s; nothing was written; wait for that program or end it" in said
        if Path("/proc/locks").exists():
            assert f"by process {pid} (python" in said
        with store.read() as tx:
            assert cases.case_refs(tx, A) == set()
    with store.begin() as tx:
        put(tx, a_case())
    store.close()


def test_rows_that_another_connection_holds_are_waited_for_and_then_refused(postgres_made: str) -> None:
    store = Store.open(postgres_made, busy_seconds=0.2)
    with psycopg.connect(postgres_made) as other:
        other.execute("LOCK TABLE case_record IN EXCLUSIVE MODE")
        with (
            pytest.raises(faults.DatabaseLocked, match=r"longer than 0\.2 s; nothing was written"),
            store.begin() as tx,
        ):
            put(tx, a_case())
    store.close()


# ---- a disk that is full


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[tuple[Path, bool]]:
    """A folder on a disk of 3 MB, and True; where mounting is not allowed, an ordinary folder and False."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", folder], capture_output=True)
    yield folder, mounted.returncode == 0
    if mounted.returncode == 0:
        subprocess.run(["umount", folder], check=True)


def limited(store: Store) -> None:
    """Let SQLite itself say that there is no room, for want of a disk of our own."""
    event.listen(store.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=180"))
    store.close()


def test_a_full_disk_undoes_the_transaction_and_says_so_and_all_goes_on_when_there_is_room(
    small_disk: tuple[Path, bool],
) -> None:
    folder, mounted = small_disk
    store = Store.create(folder / "ehs.db")
    with store.begin() as tx:
        put(tx, a_case())
    ballast = folder / "ballast"
    if mounted:
        free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
        ballast.write_bytes(b"\0" * (free - 600_000))
    else:
        limited(store)
    kept = _fill(store)
    assert kept > 3
    assert _found(store) == (kept * 40, kept)
    assert store.faults() == []
    if mounted:
        ballast.unlink()
        _add(store, kept)
        assert _found(store) == (kept * 40 + 40, kept + 1)
    store.close()


def _fill(store: Store) -> int:
    """Add to the store until the disk is full; say how many transactions it took."""
    number = iter(range(500))
    with pytest.raises(faults.DiskFull, match="nothing of this was written; make room there and try again") as full:
        all(_add(store, n) for n in number)
    assert f"no room is left on the disk that holds {store.place.name}" in str(full.value)
    return next(number) - 1


def _add(store: Store, number: int) -> bool:
    with store.begin() as tx:
        told = [an_event(f"{number}-{n}", detail={"words": "x" * 300}) for n in range(40)]
        events.add_events(tx, A, told, source="s", now=NOON)
        trail.append_trail(tx, A, at=NOON, who="test", act="added")
    return True


def _found(store: Store) -> tuple[int, int]:
    with store.read() as tx:
        return events.count_events(tx, A), len(trail.trail(tx, A, limit=1000))


def test_a_disk_without_room_for_a_new_database_leaves_none_that_is_half_made(small_disk: tuple[Path, bool]) -> None:
    folder, mounted = small_disk
    path = folder / "ehs.db"
    if not mounted:
        return
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    ballast = folder / "ballast"
    ballast.write_bytes(b"\0" * (free - 100_000))
    with pytest.raises(faults.DiskFull, match="make room there and try again"):
        Store.create(path)
    ballast.unlink()
    store = Store.create(path)
    assert store.faults() == []
    store.close()


# ---- a database that is not there, or is something else


@pytest.mark.parametrize("content", [b"case_ref,event\nC1,x\n" * 400, os.urandom(9000)], ids=["csv", "noise"])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "events.csv"
    path.write_bytes(content)
    for verb in (Store.open, Store.create):
        with pytest.raises(faults.NotADatabase, match=r"is not a database of this program; name the right file"):
            verb(path)
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE other (id INTEGER)")
    connection.close()
    with pytest.raises(faults.NotADatabase, match="holds no tables of this program; run `ehscheduler init`"):
        Store.open(path)


def test_a_missing_database_says_how_to_make_one_and_makes_none(tmp_path: Path) -> None:
    with pytest.raises(faults.NoDatabase, match=r"there is no database at .*ehs\.db; run `ehscheduler init`"):
        Store.open(tmp_path / "ehs.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("where", ["nowhere/ehs.db", "file/ehs.db", "."], ids=["no folder", "a file", "a folder"])
def test_a_place_where_no_database_can_be_is_refused(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(faults.NoDatabase, match="see that its folder exists and may be written"):
        Store.create(tmp_path / where)


@pytest.mark.parametrize("where", ["mysql://u:SECRET@h/x", "sqlite://", "sqlite+aiosqlite:///x.db", "://"])
def test_an_address_that_we_do_not_know_is_refused_without_its_password(where: str) -> None:
    with pytest.raises(faults.NoDatabase, match="write a path, or postgresql://USER@HOST/NAME") as refused:
        Store.open(where)
    assert "SECRET" not in str(refused.value)


def test_a_server_that_does_not_answer_is_named_without_the_password() -> None:
    with pytest.raises(
        faults.NoDatabase, match=r"PostgreSQL database ehs on 127\.0\.0\.1 cannot be reached"
    ) as refused:
        Store.open(f"postgresql://u:{CANARY}@127.0.0.1:1/ehs")
    assert CANARY not in "".join(traceback.format_exception(refused.value))


def test_a_damaged_file_is_found_and_named(sqlite_place: Path) -> None:
    store = Store.open(sqlite_place)
    with store.begin() as tx:
        put(tx, *(a_case(f"C{n}", words="x" * 300) for n in range(300)))
    store.close()
    size = sqlite_place.stat().st_size
    with sqlite_place.open("r+b") as file:
        file.seek(size - size // 4)
        file.write(os.urandom(size // 8))
    store = Store.open(sqlite_place)
    found = store.faults()
    store.close()
    assert found
    assert all("is damaged" in one and "restore the last backup" in one for one in found)


def test_a_file_that_others_may_read_is_a_fault_with_its_remedy(sqlite_place: Path) -> None:
    sqlite_place.chmod(0o644)
    store = Store.open(sqlite_place)
    assert store.faults() == [f"{sqlite_place} may be read by others than its owner; run: chmod 600 {sqlite_place}"]
    store.close()


# ---- what is never said


def test_a_refused_row_is_never_quoted(store: Store) -> None:
    with pytest.raises(faults.Contradiction) as refused, store.begin() as tx:
        put(tx, a_case("", note=CANARY), personal={"": {"name": CANARY}})
    assert "ck_case_record_named" in str(refused.value)
    assert CANARY not in "".join(traceback.format_exception(refused.value))


# ---- every code


def _sqlite_error(name: str) -> DBAPIError:
    error = sqlite3.OperationalError(CANARY)
    error.sqlite_errorcode = getattr(sqlite3, name)
    error.sqlite_errorname = name
    return DBAPIError(None, None, error)


def _postgres_error(code: str) -> DBAPIError:
    error = psycopg.OperationalError(CANARY)
    error.sqlstate = code
    return DBAPIError(None, None, error)


@pytest.mark.parametrize(
    ("make", "code", "kind"),
    [
        (_sqlite_error, "SQLITE_BUSY_SNAPSHOT", faults.DatabaseLocked),
        (_sqlite_error, "SQLITE_LOCKED", faults.DatabaseLocked),
        (_sqlite_error, "SQLITE_FULL", faults.DiskFull),
        (_sqlite_error, "SQLITE_IOERR_FSYNC", faults.DiskFailed),
        (_sqlite_error, "SQLITE_READONLY", faults.ReadOnlyDatabase),
        (_sqlite_error, "SQLITE_CANTOPEN", faults.NoDatabase),
        (_sqlite_error, "SQLITE_CORRUPT", faults.NotADatabase),
        (_sqlite_error, "SQLITE_TOOBIG", StoreError),
        (_postgres_error, "53100", faults.DiskFull),
        (_postgres_error, "55P03", faults.DatabaseLocked),
        (_postgres_error, "40P01", faults.DatabaseLocked),
        (_postgres_error, "25006", faults.ReadOnlyDatabase),
        (_postgres_error, "58030", faults.DiskFailed),
        (_postgres_error, "XX001", faults.NotADatabase),
        (_postgres_error, "28P01", faults.NoDatabase),
        (_postgres_error, "3D000", faults.NoDatabase),
        (_postgres_error, "57P01", faults.NoDatabase),
        (_postgres_error, "23505", faults.Contradiction),
        (_postgres_error, "22P05", StoreError),
    ],
)
def test_every_code_has_its_sentence(make: Callable[[str], DBAPIError], code: str, kind: type[StoreError]) -> None:
    found = told(make(code), Place("/srv/ehs.db", Path("/srv/ehs.db"), 5.0))
    assert type(found) is kind
    assert "/srv/ehs.db" in str(found)
    assert CANARY not in str(found)


# ---- how a database is opened


def test_a_new_file_is_its_owners_alone_and_so_is_what_sqlite_puts_beside_it(tmp_path: Path) -> None:
    store = Store.create(tmp_path / "ehs.db")
    with store.begin() as tx:
        put(tx, a_case())
        modes = {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()}
    store.close()
    assert modes == {"ehs.db": "0o600", "ehs.db-wal": "0o600", "ehs.db-shm": "0o600"}


@pytest.mark.parametrize(
    ("pragma", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", 5000)],
)
def test_sqlite_keeps_its_promises(sqlite_place: Path, pragma: str, value: object) -> None:
    store = Store.open(sqlite_place)
    with store.begin() as tx:
        assert tx.execute(text(f"PRAGMA {pragma}")).scalar() == value
    store.close()


def test_a_write_takes_its_lock_at_the_start(sqlite_place: Path) -> None:
    first = Store.open(sqlite_place)
    second = Store.open(sqlite_place, busy_seconds=timedelta(milliseconds=50).total_seconds())
    with first.begin(), pytest.raises(faults.DatabaseLocked), second.begin():
        raise AssertionError("two held the lock at once")
    first.close()
    second.close()
