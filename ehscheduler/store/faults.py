"""What the database could not do, as sentences that name the place and the remedy.

A driver's own message may quote the values of a row; none of it is passed on.
"""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from ehscheduler.errors import StoreError

ROOM_NEEDED = 256 * 1024


class DatabaseLocked(StoreError):
    """Another program held the database for longer than we wait; nothing was written, try again later."""


class DiskFull(StoreError):
    """There is no room to write; the transaction was undone."""


class DiskFailed(StoreError):
    """The disk did not read or write what was asked; stop and look at it before going on."""


class NotADatabase(StoreError):
    """The file is something else, or is damaged."""


class NoDatabase(StoreError):
    """There is no database there, or it cannot be opened or reached."""


class ReadOnlyDatabase(StoreError):
    """The database may be read and not written."""


class OlderSchema(StoreError):
    """The database was made by an older version of the program and wants its migrations."""


class NewerSchema(StoreError):
    """The database was made by a newer version of the program."""


class AppendOnly(StoreError):
    """Somebody tried to change or remove what is only ever added to."""


class Contradiction(StoreError):
    """A row was refused by a constraint: a fault of the program, not of the person who uses it."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a database is: the name that is shown (never a password), and its file where it is one."""

    name: str
    path: Path | None
    busy_seconds: float


def told(error: SQLAlchemyError, place: Place) -> Exception:
    """Turn an error of the database layer into the one to raise in its stead."""
    if isinstance(error, DBAPIError):
        if isinstance(error.orig, sqlite3.Error):
            return _sqlite(error.orig, place)
        return _postgresql(error, place)
    if isinstance(error, StatementError) and isinstance(error.orig, Exception):
        return error.orig
    return error


# ---- SQLite


def _sqlite(error: sqlite3.Error, place: Place) -> StoreError:
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL or (code in _MAY_BE_FULL and _room(place) < ROOM_NEEDED):
        return _full(place)
    match code:
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return _locked(place)
        case sqlite3.SQLITE_NOTADB:
            return NotADatabase(
                f"{place.name} is not a database of this program; name the right file in config.toml under [store]"
            )
        case sqlite3.SQLITE_CORRUPT:
            return NotADatabase(f"{place.name} is damaged; stop the daemon and restore the last backup")
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return ReadOnlyDatabase(
                f"{place.name} cannot be written; give the user that runs the program the right to write "
                "the file and its folder"
            )
        case sqlite3.SQLITE_CANTOPEN:
            return NoDatabase(f"{place.name} cannot be opened; see that its folder exists and may be written")
        case sqlite3.SQLITE_IOERR:
            return DiskFailed(f"the disk failed while {place.name} was read or written; stop and check the disk")
        case sqlite3.SQLITE_CONSTRAINT:
            return _refused(str(error), place)
    return StoreError(f"{place.name}: the database refused ({getattr(error, 'sqlite_errorname', 'no code')})")


_MAY_BE_FULL = (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)


def _refused(message: str, place: Place) -> StoreError:
    if "append only" in message:
        return AppendOnly(f"{place.name}: {message}; enter a correction instead")
    return Contradiction(f"{place.name}: a row was refused ({message}) and nothing was written; report this as a fault")


def _room(place: Place) -> int:
    try:
        return shutil.disk_usage(place.path.parent).free if place.path else ROOM_NEEDED
    except OSError:
        return ROOM_NEEDED


def _full(place: Place) -> DiskFull:
    free = f" ({_room(place) // 1024} KiB free)" if place.path else ""
    return DiskFull(
        f"no room is left on the disk that holds {place.name}{free}; nothing of this was written; "
        "make room there and try again"
    )


def _locked(place: Place) -> DatabaseLocked:
    holders = ", ".join(_writers(place.path)) if place.path else ""
    who = f"by process {holders}" if holders else "by another program"
    return DatabaseLocked(
        f"{place.name} has been locked {who} for longer than {place.busy_seconds:g} s; nothing was written; "
        "wait for that program or end it, and try again"
    )


def _writers(path: Path) -> Iterator[str]:
    """Yield "PID (name)" of each other process that holds a lock for writing, where the system tells (Linux)."""
    places = set()
    for file in (path, path.with_name(path.name + "-shm")):
        with suppress(OSError):
            status = file.stat()
            places.add(f"{os.major(status.st_dev):02x}:{os.minor(status.st_dev):02x}:{status.st_ino}")
    found: dict[int, None] = {}
    with suppress(OSError):
        for line in Path("/proc/locks").read_text().splitlines():
            fields = line.split()
            if "WRITE" in fields and places.intersection(fields) and fields[4].isdigit():
                found[int(fields[4])] = None
    for pid in found:
        if pid > 0 and pid != os.getpid():
            yield f"{pid}{_called(pid)}"


def _called(pid: int) -> str:
    try:
        return f" ({Path(f'/proc/{pid}/comm').read_text().strip()})"
    except OSError:
        return ""


# ---- PostgreSQL


def _postgresql(error: DBAPIError, place: Place) -> StoreError:
    state = getattr(error.orig, "sqlstate", None) or ""
    match state:
        case "53100":
            return _full(place)
        case "55P03" | "57014" | "40001" | "40P01":
            return DatabaseLocked(
                f"{place.name}: rows were locked by another connection for longer than {place.busy_seconds:g} s; "
                "nothing was written; try again, and see pg_stat_activity if it stays so"
            )
        case "25006" | "42501":
            return ReadOnlyDatabase(f"{place.name} cannot be written by this user; grant it the right to write")
        case "58030":
            return DiskFailed(f"the disk failed under {place.name}; check the database server")
        case "XX001" | "XX002":
            return NotADatabase(f"{place.name} is damaged; stop the daemon and restore the last backup")
        case "P0001":
            return _refused(_primary(error), place)
    if state.startswith("23"):
        name = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
        return _refused(name or f"code {state}", place)
    if state.startswith("28") or state == "3D000":
        return NoDatabase(f"{place.name} does not let us in (code {state}); check user, password and database name")
    if not state or state.startswith(("08", "57P", "53")):
        return NoDatabase(
            f"{place.name} cannot be reached; see that the server runs and that [store] in config.toml names it"
        )
    return StoreError(f"{place.name}: the database refused (code {state})")


def _primary(error: DBAPIError) -> str:
    # Raised by our own triggers, whose text names a table and no value.
    return getattr(getattr(error.orig, "diag", None), "message_primary", None) or "refused by a trigger"
