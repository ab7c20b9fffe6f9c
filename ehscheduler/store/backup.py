"""A backup: one SQLite file with every row, of either database, as it stood at one moment; and the check of one.

It is made by reading, in one transaction that sees one unchanging view, so that the daemon may write meanwhile, and no
program of PostgreSQL's is needed. What it holds is read back before it gets its name.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Table, insert, select

from ehscheduler.errors import StoreError
from ehscheduler.store.schema import HEAD, lease, metadata
from ehscheduler.store.store import Store
from ehscheduler.store.tx import MANY, Tx
from ehscheduler.store.workroom import already_there, put_in_place, workroom

MANIFEST = "backup_manifest"
WRITE_AGAIN = "make another with `ehscheduler backup`"
Tally = tuple[int, str]
"""How many rows a table has, and a checksum of them all, in whatever order they come."""


class BackupRefused(StoreError):
    """A file that cannot be restored, or a place to which nothing can be; the sentence says why and what to do."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself: when, by which program, at which schema, and what is in each table."""

    made_at: datetime
    program: str
    schema: str
    tables: Mapping[str, Tally]

    @property
    def rows(self) -> int:
        return sum(count for count, _ in self.tables.values())


def kept_tables() -> list[Table]:
    """Return the tables that a backup holds, those first to which others point; who holds the daemon is not kept."""
    return [table for table in metadata.sorted_tables if table is not lease]


def back_up(store: Store, to: Path, *, now: datetime, program: str) -> Manifest:
    """Write a backup to a file that is not there yet, and return what it holds; a kill leaves no half of one."""
    if to.exists():
        raise already_there(to)
    with workroom(to.absolute().parent) as room:
        made = room / "backup.db"
        with Store.create(made) as copy:
            _copied(store, copy)
        manifest = Manifest(now, program, HEAD, _sealed(made, now, program))
        check_file(made)
        put_in_place(made, to)
    return manifest


def _copied(store: Store, copy: Store) -> None:
    with store.read() as before, copy.begin() as after:
        read = copy_rows(before, after)
    with copy.read() as after:
        expect_same(read, {table.name: tally(rows_of(after, table)) for table in kept_tables()}, store.place.name)


def copy_rows(before: Tx, after: Tx) -> dict[str, Tally]:
    """Copy every row from one database to another that is empty; return the tally of what was read."""
    return {table.name: tally(_through(after, table, rows_of(before, table))) for table in kept_tables()}


def _through(after: Tx, table: Table, rows: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Insert rows by the thousand, and yield each."""
    names = [column.name for column in table.c]
    waiting: list[tuple[Any, ...]] = []
    for row in rows:
        waiting.append(row)
        yield row
        if len(waiting) == MANY:
            after.execute(insert(table), [dict(zip(names, one, strict=True)) for one in waiting])
            waiting.clear()
    if waiting:
        after.execute(insert(table), [dict(zip(names, one, strict=True)) for one in waiting])


def rows_of(tx: Tx, table: Table) -> Iterator[tuple[Any, ...]]:
    for row in tx.execute(select(table).execution_options(yield_per=MANY)):
        yield tuple(row)


def tally(rows: Iterable[tuple[Any, ...]]) -> Tally:
    """Count rows, and add up the checksum of each: so their order, which two databases see differently, is nothing."""
    count, total = 0, 0
    for row in rows:
        count += 1
        total += int.from_bytes(hashlib.sha256(repr(row).encode("utf-8", "surrogatepass")).digest())
    return count, f"{total % 2**256:064x}"


def expect_same(was: Mapping[str, Tally], now: Mapping[str, Tally], name: str) -> None:
    """Make sure that what was written is what was read."""
    for table, (count, digest) in was.items():
        if now.get(table) != (count, digest):
            raise StoreError(
                f"{table} of {name} did not come out as it went in ({count} rows, {now[table][0]} written); "
                "nothing was kept; try again, and report this if it comes again"
            )


# ---- the file


def _sealed(path: Path, now: datetime, program: str) -> dict[str, Tally]:
    """Write into the file what is in it, and leave it as one file that needs no other beside it."""
    with closing(sqlite3.connect(path)) as file:
        tables = {table.name: _raw_tally(file, table.name) for table in kept_tables()}
        manifest = Manifest(now, program, HEAD, tables)
        said = json.dumps(asdict(manifest) | {"made_at": now.isoformat()}, sort_keys=True)
        file.execute(f"CREATE TABLE {MANIFEST} (said TEXT NOT NULL, sha256 TEXT NOT NULL)")
        file.execute(f"INSERT INTO {MANIFEST} VALUES (?, ?)", (said, _sha256(said)))  # noqa: S608 - a constant
        file.commit()
        file.execute("PRAGMA journal_mode=DELETE").close()
    return tables


def check_file(path: Path, *, called: Path | None = None) -> Manifest:
    """Read a backup through, and return what it says of itself; BackupRefused where it is none, or is not whole.

    `called` is its name where this is a copy of it.
    """
    called = called or path
    if not path.is_file():
        raise BackupRefused(f"{called}: there is no such file; name one that `ehscheduler backup` made")
    try:
        # It lies still: nobody writes to it, so nothing need be locked, and it may lie where nothing can be written.
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as file:
            return _checked(file, called)
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError):
        raise BackupRefused(f"{called} is damaged, or is no backup; restore an earlier one") from None


def _checked(file: sqlite3.Connection, path: Path) -> Manifest:
    there = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if MANIFEST not in there:
        what = "is a database and no backup" if "alembic_version" in there else "is no backup"
        raise BackupRefused(f"{path} {what}; {WRITE_AGAIN}, or name one that it made")
    said, digest = file.execute(f"SELECT said, sha256 FROM {MANIFEST}").fetchone()  # noqa: S608 - a constant
    if file.execute("PRAGMA integrity_check(1)").fetchone() != ("ok",) or _sha256(said) != digest:
        raise BackupRefused(f"{path} is damaged; restore an earlier one")
    told = json.loads(said)
    manifest = Manifest(
        datetime.fromisoformat(told["made_at"]),
        told["program"],
        told["schema"],
        {name: (count, checksum) for name, (count, checksum) in told["tables"].items()},
    )
    (stands_at,) = file.execute("SELECT version_num FROM alembic_version").fetchone()
    _expect_known(manifest, stands_at, path)
    for table, was in manifest.tables.items():
        if _raw_tally(file, table) != was:
            raise BackupRefused(f"{path} is damaged: {table} is not as it was written; restore an earlier one")
    return manifest


def _expect_known(manifest: Manifest, stands_at: str, path: Path) -> None:
    if stands_at != manifest.schema:
        raise BackupRefused(f"{path} was changed after it was made; restore an earlier one")
    if manifest.schema > HEAD:
        raise BackupRefused(
            f"{path} was made by a newer version of this program ({manifest.program}, schema {manifest.schema}; this "
            f"one knows {HEAD}); install that version, and restore with it"
        )


def _raw_tally(file: sqlite3.Connection, table: str) -> Tally:
    """Count and sum a table as the file has it, whatever its schema."""
    return tally(file.execute(f'SELECT * FROM "{table}"'))  # noqa: S608 - a name from our own schema


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
