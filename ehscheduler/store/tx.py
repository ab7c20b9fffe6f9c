"""One transaction, in which every function of this package reads and writes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, TypeVar

from sqlalchemy import Connection, CursorResult, Executable, Select, Table, func, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.elements import ColumnElement

from ehscheduler.store.faults import Place, told

T = TypeVar("T")
Rows = CursorResult[*tuple[Any, ...]]
BATCH = 500
"""How many keys one statement names."""
MANY = 1000


class Tx:
    """A transaction that is open; `Store.begin` and `Store.read` give one."""

    __slots__ = ("_connection", "_place")

    def __init__(self, connection: Connection, place: Place) -> None:
        self._connection = connection
        self._place = place

    @property
    def on_sqlite(self) -> bool:
        return self._connection.dialect.name == "sqlite"

    def execute(self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None) -> Rows:
        """Run one statement; what the driver raises comes out as a StoreError."""
        try:
            return self._connection.execute(statement, rows)
        except SQLAlchemyError as error:
            raise told(error, self._place) from None

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """Undo what is done inside, and nothing else, where it raises."""
        try:
            with self._connection.begin_nested():
                yield
        except SQLAlchemyError as error:
            raise told(error, self._place) from None

    def records(self, shape: type[T], query: Select[Any]) -> list[T]:
        """Read rows into frozen records whose fields are the query's columns."""
        found = self.execute(query)
        names = tuple(found.keys())
        return [shape(**dict(zip(names, row, strict=True))) for row in found]

    def insert_new(self, table: Table, rows: Sequence[Mapping[str, Any]], *back: ColumnElement[Any]) -> list[Any]:
        """Insert the rows whose key is not there yet; return the `back` columns of those that were."""
        if not rows:
            return []
        # The two dialects spell this alike, and share no type.
        insert: Any = sqlite.insert(table) if self.on_sqlite else postgresql.insert(table)
        statement = insert.on_conflict_do_nothing()
        if not back:
            self.execute(statement, rows)
            return []
        return list(self.execute(statement.returning(*back), rows))

    def measure(self, table: Table, before: int, after: int) -> None:
        """Let PostgreSQL look at a table when the rows that this transaction adds to it become many."""
        # It takes a table that is being filled for empty, and would read all of it for every batch of keys.
        if before < MANY <= after and not self.on_sqlite:
            self.execute(text(f"ANALYZE {table.name}"))

    def put(self, table: Table, row: Mapping[str, Any]) -> None:
        """Insert a row, or change the one that has its key."""
        insert: Any = sqlite.insert(table) if self.on_sqlite else postgresql.insert(table)
        key = [column.name for column in table.primary_key]
        rest = {name: value for name, value in row.items() if name not in key}
        self.execute(insert.values(**row).on_conflict_do_update(index_elements=key, set_=rest))

    def next_id(self, table: Table, authority: str) -> int:
        """Give the next number of an authority's rows in a table that is kept in order."""
        if self.on_sqlite:
            # Nobody else writes inside this transaction, so the highest number cannot be taken by two.
            highest = select(func.max(table.c.id)).where(table.c.authority == authority)
            return int(self.execute(highest).scalar() or 0) + 1
        return int(self.execute(select(func.nextval(f"{table.name}_id"))).scalar_one())


def columns(table: Table, shape: type[Any]) -> list[Any]:
    """List the columns of a table that a record has as fields, in the record's order."""
    return [table.c[field.name] for field in fields(shape)]


def as_row(authority: str, record: Any) -> dict[str, Any]:
    """Write a record as the row of an authority."""
    return {"authority": authority} | {field.name: getattr(record, field.name) for field in fields(record)}


def batches(keys: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    """Cut a long list into pieces that one statement can name."""
    for start in range(0, len(keys), size):
        yield keys[start : start + size]
