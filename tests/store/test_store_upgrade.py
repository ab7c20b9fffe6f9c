"""This release goes on with the database that the one before wrote, on either kind; and never the other way."""

from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import func, select

from ehscheduler.store import Store, faults
from ehscheduler.store.backup import check_file, kept_tables
from ehscheduler.store.migrate import MIGRATIONS
from ehscheduler.store.restore import Restoring, restore
from ehscheduler.store.schema import HEAD
from tests.store.older import older_copy
from tests.store.test_backup import LATER, NOON, filled, what_is_in
from tests.store.test_store_kill import LEASE, deliver, states

REVISIONS = sorted(one.revision for one in ScriptDirectory(str(MIGRATIONS)).walk_revisions())
# The first schema named a column otherwise, and has tests of its own beside those of the migrations.
BEFORE = [revision for revision in REVISIONS if "0001" < revision < HEAD]


def test_there_is_a_release_before() -> None:
    assert BEFORE
    assert REVISIONS[-1] == HEAD


@pytest.mark.parametrize("revision", BEFORE)
def test_what_an_earlier_release_wrote_is_all_there_and_work_goes_on(
    store: Store, empty_place: str, revision: str, tmp_path: Path
) -> None:
    filled(store)
    where = empty_place if store.place.path is None else str(tmp_path / "older.db")
    wrote = older_copy(store, where, revision)
    assert sum(1 for count in wrote.values() if count) >= 8
    with pytest.raises(faults.OlderSchema, match="ehscheduler init"):
        Store.open(where)
    with Store.create(where) as upgraded:
        assert upgraded.schema_version() == HEAD
        assert upgraded.faults() == []
        with upgraded.read() as tx:
            counts = {t.name: tx.execute(select(func.count()).select_from(t)).scalar() for t in kept_tables()}
        assert {name: counts[name] for name in wrote} == wrote
        deliver(upgraded, tmp_path / "sink", now=NOON + LEASE)
        assert "handed_over" in states(upgraded).values()


@pytest.mark.parametrize("revision", BEFORE)
def test_a_backup_of_an_earlier_release_is_restored_by_this_one(
    sqlite_place: Path, tmp_path: Path, revision: str, postgres_url: str
) -> None:
    with Store.open(sqlite_place) as store:
        filled(store)
        older_copy(store, str(tmp_path / "older.db"), revision)
        was = what_is_in(store)
    kept = tmp_path / "kept.db"
    sealed_as(tmp_path / "older.db", kept, revision)
    assert check_file(kept).schema == revision
    for where in (str(tmp_path / "new.db"), postgres_url):
        restore(Restoring(kept, where, LATER, "it"))
        with Store.open(where) as again:
            assert again.schema_version() == HEAD
            assert what_is_in(again)["event"] == was["event"]


def sealed_as(database: Path, to: Path, revision: str) -> None:
    """Make a backup of an earlier schema, as that release would have: with the tables that it had."""
    from contextlib import closing
    from sqlite3 import connect
    from unittest.mock import patch

    from ehscheduler.store import backup

    with closing(connect(database)) as file:
        there = {name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    tables = [table for table in kept_tables() if table.name in there]
    with patch.object(backup, "HEAD", revision), patch.object(backup, "kept_tables", lambda: tables):
        backup._sealed(database, NOON, "0.0.9")
    database.rename(to)
