"""Restores a backup to a place where nothing is: whole or not at all, with sending held.

Into SQLite the backup's own copy becomes the database; into PostgreSQL its rows go in one transaction. A backup of an
older schema is brought up to date on the way.
"""

import fcntl
import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import gettempdir

from sqlalchemy import func, select, text

from ehscheduler.core.saying import said_moment
from ehscheduler.store.backup import (
    MANIFEST,
    BackupRefused,
    Manifest,
    check_file,
    copy_rows,
    expect_same,
    kept_tables,
    rows_of,
    tally,
)
from ehscheduler.store.engine import locate, make_file, place_of
from ehscheduler.store.held import hold_sending
from ehscheduler.store.lease import hold_daemon
from ehscheduler.store.schema import HEAD
from ehscheduler.store.store import BUSY_SECONDS, Store
from ehscheduler.store.tx import Tx
from ehscheduler.store.workroom import put_in_place, workroom


@dataclass(frozen=True, slots=True)
class Restoring:
    """Which backup goes where, when, and by whom."""

    backup: Path
    where: str
    now: datetime
    by: str


def restore(one: Restoring) -> Manifest:
    """Restore a backup, hold sending, and return what it held; otherwise BackupRefused, and nothing is changed."""
    path = place_of(locate(one.where), BUSY_SECONDS).path
    if path is not None:
        expect_nothing_at(path)
    # Beside the database, which the copy becomes; else where there is room for what is not kept.
    with workroom(path.parent if path else Path(gettempdir())) as room:
        copy = room / "restored.db"
        _taken(one.backup, copy)
        manifest = check_file(copy, called=one.backup)
        _unsealed(copy)
        with Store.create(copy) as restored, restored.begin() as tx:
            _hold(tx, one, manifest)
        if path is not None:
            _single(copy)
            expect_nothing_at(path)
            put_in_place(copy, path)
        else:
            with Store.open(copy) as restored:
                _into_server(restored, one)
    return manifest


def _taken(backup: Path, copy: Path) -> None:
    make_file(copy)
    try:
        shutil.copyfile(backup, copy)
    except OSError as error:
        raise BackupRefused(
            f"{backup} cannot be read ({error.strerror}); name a file that `ehscheduler backup` made"
        ) from None


def _hold(tx: Tx, one: Restoring, manifest: Manifest) -> None:
    said = said_moment(manifest.made_at)
    hold_sending(tx, backup_at=manifest.made_at, at=one.now, by=one.by, backup_said=said)


def expect_nothing_at(path: Path) -> None:
    """Make sure that no database, nor what one left, has the name; what is there stays as it is."""
    _expect_no_daemon(path)
    for name in (path.name, f"{path.name}-wal", f"{path.name}-journal", f"{path.name}-shm"):
        if (there := path.with_name(name)).exists():
            raise BackupRefused(
                f"{there} is there, and is not written over; stop the service, move away all that has this name "
                f"(mkdir before && mv {path}* before/), and restore again"
            )


def _expect_no_daemon(path: Path) -> None:
    with suppress(FileNotFoundError):
        lock = os.open(path.with_name(f"{path.name}.daemon"), os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRefused(f"a daemon runs on {path}; stop it, and restore again") from None
        finally:
            os.close(lock)


def _unsealed(path: Path) -> None:
    """Take out of the copy what made it a backup."""
    with closing(sqlite3.connect(path)) as file:
        file.execute(f"DROP TABLE {MANIFEST}")
        file.commit()


def _single(path: Path) -> None:
    """Leave one file that needs no other beside it."""
    with closing(sqlite3.connect(path)) as file:
        file.execute("PRAGMA journal_mode=DELETE").close()


# ---- PostgreSQL


def _into_server(restored: Store, one: Restoring) -> None:
    with closing(Store._at(one.where, BUSY_SECONDS)) as found:
        if found.schema_version() not in (None, HEAD):
            raise _not_empty(found.place.name)
    with Store.create(one.where) as target:
        hold = hold_daemon(target, now=one.now)
        try:
            with restored.read() as before, target.begin() as after:
                _expect_empty(after, target.place.name)
                read = copy_rows(before, after)
                _count_on(after)
                expect_same(read, {t.name: tally(rows_of(after, t)) for t in kept_tables()}, target.place.name)
        finally:
            hold.release()


def _expect_empty(tx: Tx, name: str) -> None:
    for table in kept_tables():
        if tx.execute(select(table).limit(1)).first() is not None:
            raise _not_empty(name)


def _not_empty(name: str) -> BackupRefused:
    return BackupRefused(
        f"{name} holds rows of this program, and they are not written over; make an empty database, name it under "
        "[database] in the configuration, and restore again"
    )


def _count_on(tx: Tx) -> None:
    """Let the numbers of rows that are kept in order go on after the highest."""
    for table in kept_tables():
        if "id" in table.c:
            highest = int(tx.execute(select(func.max(table.c.id))).scalar() or 0)
            tx.execute(text("SELECT setval(:name, :highest, :used)"), [
                {"name": f"{table.name}_id", "highest": max(highest, 1), "used": highest > 0}
            ])  # fmt: skip
