"""The store: what is known and what was decided, on SQLite or PostgreSQL.

The only package that imports SQLAlchemy. Every function takes the transaction it works in first, and the authority
second.
"""

from ehscheduler.store.store import Store
from ehscheduler.store.tx import Tx

__all__ = ["Store", "Tx"]
