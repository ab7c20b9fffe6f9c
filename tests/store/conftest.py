"""Every store test runs on SQLite and on PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ehscheduler.store import Store
from tests.postgres import Cluster, running


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running() as cluster:
        yield cluster


@pytest.fixture
def postgres_url(cluster: Cluster) -> Iterator[str]:
    url = cluster.fresh()
    yield url
    cluster.drop(url)


@pytest.fixture(scope="session")
def sqlite_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "made.db"
    Store.create(path).close()
    return path


@pytest.fixture(scope="session")
def postgres_made(cluster: Cluster) -> str:
    url = cluster.fresh()
    Store.create(url).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def empty_place(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that has no tables yet."""
    return str(tmp_path / "ehs.db") if kind == "sqlite" else str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def place_apart(empty_place: str) -> str:
    """The address of a database at the newest schema, whose tables a test may spoil."""
    Store.create(empty_place).close()
    return empty_place


@pytest.fixture
def place(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database at the newest schema, with nothing in it."""
    if kind == "sqlite":
        yield str(shutil.copy(request.getfixturevalue("sqlite_made"), tmp_path / "ehs.db"))
        return
    url = request.getfixturevalue("postgres_made")
    yield url
    request.getfixturevalue("cluster").wipe(url)


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    store = Store.open(place)
    yield store
    store.close()


@pytest.fixture
def sqlite_place(sqlite_made: Path, tmp_path: Path) -> Path:
    """A SQLite database at the newest schema, with nothing in it."""
    return Path(shutil.copy(sqlite_made, tmp_path / "ehs.db"))
