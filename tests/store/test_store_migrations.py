"""Migrations: from nothing, again, half-way killed, and as the tables in the code say."""

import os
import signal
import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, event, inspect, text
from sqlalchemy.exc import IntegrityError

from ehscheduler.store import Store, faults
from ehscheduler.store.engine import for_writing
from ehscheduler.store.migrate import configuration
from ehscheduler.store.people import people_of
from ehscheduler.store.schema import APPEND_ONLY, HEAD, metadata


def test_a_new_database_gets_every_table(empty_place: str) -> None:
    with_tables = Store.create(empty_place)
    assert set(metadata.tables) <= set(inspect(with_tables.engine).get_table_names())
    assert with_tables.schema_version() == HEAD
    with_tables.close()


def test_creating_it_again_changes_nothing(place: str) -> None:
    for _ in range(2):
        store = Store.create(place)
        assert store.schema_version() == HEAD
        store.close()


def test_the_newest_migration_is_the_one_that_the_code_expects(store: Store) -> None:
    with store.engine.connect() as connection:
        assert ScriptDirectory.from_config(configuration(connection)).get_heads() == [HEAD]


def test_the_migrated_database_is_what_the_code_says(store: Store) -> None:
    with store.engine.connect() as connection:
        command.check(configuration(connection))


def test_every_check_and_key_of_the_code_stands_in_the_migrated_database(place_apart: str) -> None:
    # Alembic compares no CHECK constraints; this does.
    store = Store.open(place_apart)
    migrated = _checks(store.engine)
    metadata.drop_all(store.engine)
    metadata.create_all(store.engine)
    assert migrated == _checks(store.engine)
    store.close()


def _checks(engine: Engine) -> set[tuple[str, str | None, str]]:
    inspector = inspect(engine)
    found = {(t, c["name"], c["sqltext"]) for t in metadata.tables for c in inspector.get_check_constraints(t)}
    for table in metadata.tables:
        found |= {(table, k["name"], str(k["referred_table"])) for k in inspector.get_foreign_keys(table)}
    return found


@pytest.mark.parametrize("table", list(metadata.tables))
def test_every_key_begins_with_the_authority(table: str) -> None:
    found = metadata.tables[table]
    assert next(iter(found.primary_key.columns)).name == "authority"
    for index in found.indexes:
        assert next(iter(index.columns)).name == "authority"


def test_an_older_database_is_not_opened_and_says_how_to_upgrade(place_apart: str) -> None:
    _set_version(place_apart, "0000")
    with pytest.raises(faults.OlderSchema, match="ehscheduler init"):
        Store.open(place_apart)


def test_a_newer_database_is_neither_opened_nor_touched(place_apart: str) -> None:
    _set_version(place_apart, "9999")
    for verb in (Store.open, Store.create):
        with pytest.raises(faults.NewerSchema, match="newer version of this program"):
            verb(place_apart)


def test_people_of_the_first_tables_keep_their_role_and_work_a_whole_week(empty_place: str) -> None:
    _first_tables(empty_place)
    store = Store.create(empty_place)
    with store.read() as tx:
        found = {one.person_id: one for one in people_of(tx, "testshire")}
    assert {id_: one.roles for id_, one in found.items()} == {"a": ("worker",), "b": ("manager",), "c": ('odd "one"',)}
    assert {(one.hub, one.share, one.works) for one in found.values()} == {
        ("", 1.0, ("mon", "tue", "wed", "thu", "fri"))
    }
    assert found["a"].line_manager_id == "b"
    assert store.schema_version() == HEAD
    store.close()


def test_a_person_of_the_first_tables_stays_within_its_checks(empty_place: str) -> None:
    _first_tables(empty_place)
    store = Store.create(empty_place)
    for wrong in ("share = 0", "person_id = ''", "valid_to = '2019-12-31'", "hub = NULL", "works = NULL"):
        with pytest.raises(IntegrityError), store.engine.begin() as connection:
            connection.execute(text(f"UPDATE person SET {wrong} WHERE person_id = 'a'"))  # noqa: S608 - constants
    store.close()


def _first_tables(place: str) -> None:
    """Make a database as the first version left it, with people in it."""
    store = Store._at(place, 5.0)
    with for_writing(store.engine).connect() as connection, connection.begin():
        command.upgrade(configuration(connection), "0001")
        for id_, role, manager in (("a", "worker", "b"), ("b", "manager", None), ("c", 'odd "one"', None)):
            told = {"id": id_, "role": role, "manager": manager}
            names = "authority, person_id, valid_from, name, email, role, team, line_manager_id"
            values = "'testshire', :id, '2020-01-01', 'Invented', 'a@example.org', :role, 'North', :manager"
            connection.execute(text(f"INSERT INTO person ({names}) VALUES ({values})"), told)  # noqa: S608 - constants
    store.close()


def _set_version(place: str, version: str) -> None:
    store = Store._at(place, 5.0)
    with store.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})
    store.close()


def _kill_at_statement(path: Path, number: int) -> None:
    """Migrate in a child process that is killed before its nth statement."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(*_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(Engine, "before_cursor_execute", count)
        try:
            Store.create(path)
        finally:
            os._exit(0)
    os.waitpid(child, 0)


@pytest.mark.parametrize("number", [6, 11, 24, 38, 42, 43, 46, 50, 52])
def test_a_kill_in_a_migration_leaves_no_half_of_it(tmp_path: Path, number: int) -> None:
    path = tmp_path / "ehs.db"
    _kill_at_statement(path, number)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    connection.close()
    store = Store.create(path)
    assert store.schema_version() == HEAD
    assert store.faults() == []
    store.close()


@pytest.mark.parametrize("number", [11, 13, 16, 20, 22])
def test_a_kill_in_an_upgrade_leaves_the_older_database_as_it_was(tmp_path: Path, number: int) -> None:
    path = tmp_path / "ehs.db"
    _first_tables(str(path))
    _kill_at_statement(path, number)
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT role FROM person WHERE person_id = 'a'").fetchone() == ("worker",)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
    connection.close()
    Store.create(path).close()


def test_the_append_only_tables_have_their_triggers(tmp_path: Path) -> None:
    path = tmp_path / "ehs.db"
    Store.create(path).close()
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        found = set(connection.exec_driver_sql("SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'").scalars())
    engine.dispose()
    assert found == set(APPEND_ONLY)
