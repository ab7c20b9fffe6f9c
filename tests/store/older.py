"""A database as an earlier release left it: the same rows, at an earlier schema."""

from alembic import command
from sqlalchemy import MetaData, insert, select

from ehscheduler.store import Store
from ehscheduler.store.backup import kept_tables
from ehscheduler.store.engine import for_writing
from ehscheduler.store.migrate import configuration


def older_copy(store: Store, place: str, revision: str) -> dict[str, int]:
    """Copy a database to a place where nothing is, as a release before had it; return how many rows each table has."""
    target = Store._at(place, 5.0)
    if target.place.path:
        target.place.path.touch(mode=0o600)
    counts: dict[str, int] = {}
    try:
        with for_writing(target.engine).connect() as connection, connection.begin():
            command.upgrade(configuration(connection), revision)
            there = MetaData()
            there.reflect(connection)
            with store.read() as tx:
                for table in kept_tables():
                    if table.name not in there.tables:
                        continue
                    names = [c.name for c in table.c if c.name in there.tables[table.name].c]
                    rows = [row._mapping for row in tx.execute(select(*(table.c[name] for name in names)))]
                    if rows:
                        connection.execute(insert(table), [dict(row) for row in rows])
                    counts[table.name] = len(rows)
    finally:
        target.close()
    return counts
