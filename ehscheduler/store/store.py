"""The store: opens a database and gives out transactions."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, text
from sqlalchemy.exc import SQLAlchemyError

from ehscheduler.store import engine as engines
from ehscheduler.store.faults import NewerSchema, NoDatabase, NotADatabase, OlderSchema, Place, told
from ehscheduler.store.schema import HEAD
from ehscheduler.store.tx import Tx

BUSY_SECONDS = 5.0


class Store:
    """A database of this program. `open` one that exists, or `create` one; open it after forking, never before."""

    def __init__(self, engine: Engine, place: Place) -> None:
        self.place = place
        self.engine = engine
        self._writer = engines.for_writing(engine)
        self._reader = engines.for_reading(engine)

    @classmethod
    def open(cls, where: str | Path, *, busy_seconds: float = BUSY_SECONDS) -> "Store":
        """Open the database at a path or URL; refuse one that is missing, foreign, older or newer.

        `busy_seconds` is how long a statement waits for another program's lock.
        """
        store = cls._at(where, busy_seconds)
        if store.place.path and not store.place.path.exists():
            raise NoDatabase(f"there is no database at {store.place.name}; run `ehscheduler init` to make it")
        try:
            store._expect_head()
        except Exception:
            store.close()
            raise
        return store

    @classmethod
    def create(cls, where: str | Path, *, busy_seconds: float = BUSY_SECONDS) -> "Store":
        """Make the database where there is none, bring an older one up to date, and open it."""
        from ehscheduler.store.migrate import upgrade  # Alembic is slow to import, and rarely wanted

        store = cls._at(where, busy_seconds)
        try:
            if store.place.path:
                engines.make_file(store.place.path)
            if store.schema_version() != HEAD:
                store._refuse_newer()
                upgrade(store.engine, store.place)
        except Exception:
            store.close()
            raise
        return store

    @classmethod
    def _at(cls, where: str | Path, busy_seconds: float) -> "Store":
        url = engines.locate(where)
        place = engines.place_of(url, busy_seconds)
        return cls(engines.make_engine(url, busy_seconds), place)

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        """Open a transaction that writes; it commits at the end, or leaves nothing where the body raises."""
        with self._transaction(self._writer) as tx:
            yield tx

    @contextmanager
    def read(self) -> Iterator[Tx]:
        """Open a transaction that reads one unchanging view."""
        with self._transaction(self._reader) as tx:
            yield tx

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Tx]:
        try:
            with engine.begin() as connection:
                yield Tx(connection, self.place)
        except SQLAlchemyError as error:
            raise told(error, self.place) from None

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *fault: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; a store that is used again opens new ones."""
        self.engine.dispose()

    # ---- what stands there

    def schema_version(self) -> str | None:
        """Return the migration that the database stands at, or None where it has no tables of ours."""
        with self.read() as tx:
            if self._tables(tx).isdisjoint({"alembic_version"}):
                return None
            return tx.execute(text("SELECT version_num FROM alembic_version")).scalar()

    def _tables(self, tx: Tx) -> set[str]:
        listed = "SELECT name FROM sqlite_master" if tx.on_sqlite else "SELECT relname FROM pg_class WHERE relkind='r'"
        return set(tx.execute(text(listed)).scalars())

    def _refuse_newer(self) -> None:
        version = self.schema_version()
        if version is not None and version > HEAD:
            raise NewerSchema(
                f"{self.place.name} was made by a newer version of this program (schema {version}, this one knows "
                f"{HEAD}); install that version, or name another database"
            )

    def _expect_head(self) -> None:
        self._refuse_newer()
        version = self.schema_version()
        if version is None:
            raise NotADatabase(f"{self.place.name} holds no tables of this program; run `ehscheduler init`")
        if version < HEAD:
            raise OlderSchema(
                f"{self.place.name} was made by an older version of this program (schema {version}, this one needs "
                f"{HEAD}); stop the daemon and run `ehscheduler init` to bring it up to date"
            )

    def faults(self) -> list[str]:
        """List what is wrong with the database itself, as sentences; an empty list is a sound database."""
        path = self.place.path
        if path is None:
            return []
        found = self._damage()
        if path.stat().st_mode & 0o077:
            found.append(f"{path} may be read by others than its owner; run: chmod 600 {path}")
        return found

    def _damage(self) -> list[str]:
        name = self.place.name
        try:
            with self.read() as tx:
                if tx.execute(text("PRAGMA quick_check(1)")).scalar() != "ok":
                    return [f"{name} is damaged; stop the daemon and restore the last backup"]
                if tx.execute(text("PRAGMA foreign_key_check")).first():
                    return [f"{name} has rows that point at nothing; stop the daemon and restore the last backup"]
        except NotADatabase as damaged:
            return [str(damaged)]
        return []
