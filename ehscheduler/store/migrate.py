"""Brings a database to the newest schema in one transaction: a kill leaves the old one or the new one."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from ehscheduler.store.engine import for_writing
from ehscheduler.store.faults import Contradiction, Place, told

MIGRATIONS = Path(__file__).parent / "migrations"
# Any number will do, as long as nothing else in the database uses it.
UPGRADE_LOCK = 7_340_251


def upgrade(engine: Engine, place: Place) -> None:
    """Run every migration that the database has not seen; two at once wait for one another."""
    try:
        with for_writing(engine).connect() as connection:
            _loosen(connection, on=True)
            try:
                with connection.begin():
                    if connection.dialect.name == "postgresql":
                        connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": UPGRADE_LOCK})
                    command.upgrade(configuration(connection), "head")
                    _expect_sound(connection, place)
            finally:
                _loosen(connection, on=False)
    except SQLAlchemyError as error:
        raise told(error, place) from None


def configuration(connection: Connection) -> Config:
    """Tell Alembic where the migrations lie and which connection to use; there is no alembic.ini."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _loosen(connection: Connection, *, on: bool) -> None:
    """Switch SQLite's foreign keys off while tables are rebuilt; it can be done outside a transaction only."""
    if connection.dialect.name == "sqlite":
        driver = connection.connection.driver_connection
        assert driver is not None  # noqa: S101 - it is open
        driver.execute(f"PRAGMA foreign_keys={'OFF' if on else 'ON'}").close()


def _expect_sound(connection: Connection, place: Place) -> None:
    if connection.dialect.name == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).first():
        raise Contradiction(f"{place.name}: the migration left rows that point at nothing, and was undone; report this")
