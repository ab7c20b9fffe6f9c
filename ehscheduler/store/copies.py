"""A copy of a whole database, of either kind, in a file of its own: what is tried there changes nothing here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import insert, select

from ehscheduler.store.schema import metadata
from ehscheduler.store.store import Store
from ehscheduler.store.tx import MANY


@contextmanager
def copied(store: Store) -> Iterator[Store]:
    """Copy a database as it stands at one moment, and take the copy away at the end; only its owner may read it."""
    with TemporaryDirectory(prefix="ehscheduler-") as folder, Store.create(Path(folder) / "copy.db") as copy:
        with store.read() as before, copy.begin() as after:
            for table in metadata.sorted_tables:
                for rows in before.execute(select(table)).partitions(MANY):
                    after.execute(insert(table), [dict(row._mapping) for row in rows])
        yield copy
