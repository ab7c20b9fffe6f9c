"""Policy editions: the text of each one that was ever used, by its hash."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select

from ehscheduler.store.schema import policy_edition
from ehscheduler.store.tx import Tx, columns


@dataclass(frozen=True, slots=True)
class EditionRecord:
    """One edition of a policy, as its file stood when it was first used."""

    policy_hash: str
    edition: str
    text: str
    first_used_at: datetime


def hash_of(text: str) -> str:
    """Name an edition by its text."""
    return sha256(text.encode()).hexdigest()


def keep_edition(tx: Tx, authority: str, *, edition: str, text: str, now: datetime) -> str:
    """Store the text of an edition unless it is stored already; return its hash."""
    policy_hash = hash_of(text)
    row = {"policy_hash": policy_hash, "edition": edition, "text": text, "first_used_at": now}
    tx.insert_new(policy_edition, [{"authority": authority, **row}])
    return policy_hash


def edition_of(tx: Tx, authority: str, policy_hash: str) -> EditionRecord | None:
    """Read the edition with this hash."""
    found = [edition for edition in editions(tx, authority) if edition.policy_hash == policy_hash]
    return found[0] if found else None


def editions(tx: Tx, authority: str) -> list[EditionRecord]:
    """List the editions that were used, the oldest first."""
    c = policy_edition.c
    query = select(*columns(policy_edition, EditionRecord)).where(c.authority == authority)
    return tx.records(EditionRecord, query.order_by(c.first_used_at, c.policy_hash))
