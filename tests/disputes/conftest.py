"""Disputes are driven on the service in small of the daemon's tests, under each authority's own protocol."""

from collections.abc import Callable

import pytest

from ehscheduler.store import Store
from tests.daemon.conftest import made_database, store
from tests.disputes.protocol import Protocol

__all__ = ["made_database", "protocol", "store"]


@pytest.fixture
def protocol(store: Store) -> Callable[[str], Protocol]:
    """Make the service of one authority, with somebody in every role that its protocol names."""
    return lambda name: Protocol(store, name)
