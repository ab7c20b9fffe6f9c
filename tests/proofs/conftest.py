"""The long proofs are tried on the service in small of the daemon's tests."""

from tests.daemon.conftest import cluster, either, house, house_of, made_database, store

__all__ = ["cluster", "either", "house", "house_of", "made_database", "store"]
