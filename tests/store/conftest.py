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
    return url.split("@/")[1].split("?")[0]


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database that has no tables yet."""
    if request.param == "sqlite":
        return str(tmp_path / "ehs.db")
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database at the newest schema."""
    if request.param == "sqlite":
        yield str(shutil.copy(request.getfixturevalue("sqlite_made"), tmp_path / "ehs.db"))
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    url = cluster.fresh(request.getfixturevalue("postgres_made"))
    yield url
    cluster.drop(url)


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    store = Store.open(place)
    yield store
    store.close()
