"""Opens a database: the settings that make SQLite and PostgreSQL keep the same promises.

SQLite: WAL, foreign keys on, every commit synced, and a writing transaction takes its lock at once (BEGIN IMMEDIATE),
so that it never finds half-way that another has written. Open a store after forking, never before.
"""

import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ehscheduler.store.faults import NoDatabase, Place

OWNER_ONLY = 0o600


def locate(where: str | Path) -> URL:
    """Read a path or a URL; only SQLite files and PostgreSQL are known."""
    text = str(where)
    if "://" not in text:
        return URL.create("sqlite", database=str(Path(text).absolute()))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise NoDatabase(
            "the address of the database cannot be read; write a path, or postgresql://USER@HOST/NAME"
        ) from None
    if url.drivername == "sqlite" and url.database:
        return url.set(database=str(Path(url.database).absolute()))
    if url.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    raise NoDatabase(f"{url.drivername} is not a database we know; write a path, or postgresql://USER@HOST/NAME")


def place_of(url: URL, busy_seconds: float) -> Place:
    """Name a database without its password."""
    if url.drivername == "sqlite":
        assert url.database is not None  # noqa: S101 - locate() gives every SQLite address its path
        return Place(url.database, Path(url.database), busy_seconds)
    server = url.host or url.query.get("host", "localhost")
    return Place(f"PostgreSQL database {url.database} on {server}", None, busy_seconds)


def make_engine(url: URL, busy_seconds: float) -> Engine:
    """Make the engine; nothing is opened yet."""
    if url.drivername == "sqlite":
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": busy_seconds})
        event.listen(engine, "connect", _settle_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = f"-c timezone=UTC -c lock_timeout={int(busy_seconds * 1000)}"
    return create_engine(
        url, hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": 10, "options": options}
    )


def for_writing(engine: Engine) -> Engine:
    return engine.execution_options(writes=True)


def for_reading(engine: Engine) -> Engine:
    """One unchanging view for the whole of a transaction; a SQLite transaction has it by itself."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def make_file(path: Path) -> None:
    """Make an empty database file that only its owner may read; leave one that is there."""
    # An existing file is not even opened: closing it would drop the locks that SQLite holds on it in this process.
    if path.exists():
        return
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, OWNER_ONLY))
    except FileExistsError:
        return
    except OSError as error:
        raise NoDatabase(
            f"{path} cannot be made ({error.strerror}); see that its folder exists and may be written"
        ) from None


def _settle_sqlite(connection: sqlite3.Connection, record: Any) -> None:
    # The driver must not begin or commit by itself; _begin_sqlite does.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "journal_size_limit=67108864"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
