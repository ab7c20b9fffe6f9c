"""A service in small for each test, on SQLite; `either` is on PostgreSQL too."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.store import Store
from tests.daemon.house import House
from tests.postgres import Cluster, running


@pytest.fixture(scope="session")
def made_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "made.db"
    Store.create(path).close()
    return path


@pytest.fixture
def store(made_database: Path, tmp_path: Path) -> Iterator[Store]:
    store = Store.open(shutil.copy(made_database, tmp_path / "ehs.db"))
    yield store
    store.close()


@pytest.fixture
def house(store: Store) -> House:
    made = House(store)
    made.people()
    return made


@pytest.fixture
def house_of(store: Store) -> Callable[..., House]:
    """Make a house with rules and settings of its own."""

    def make(rules: str, **tables: Any) -> House:
        made = House(store, rules, **tables)
        made.people()
        return made

    return make


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    with running() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def postgres_made(cluster: Cluster) -> str:
    url = cluster.fresh()
    Store.create(url).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def each_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store on each of the two databases; a module takes it as its `store`, and houses are built on it."""
    if request.param == "sqlite":
        place = str(shutil.copy(request.getfixturevalue("made_database"), tmp_path / "ehs.db"))
    else:
        place = request.getfixturevalue("postgres_made")
        request.getfixturevalue("cluster").wipe(place)
    with Store.open(place) as store:
        yield store


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest) -> Iterator[House]:
    """A house on each of the two databases."""
    if request.param == "sqlite":
        yield request.getfixturevalue("house")
        return
    cluster = request.getfixturevalue("cluster")
    url = cluster.fresh()
    with Store.create(url) as store:
        made = House(store)
        made.people()
        yield made
    cluster.drop(url)
