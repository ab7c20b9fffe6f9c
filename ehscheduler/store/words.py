"""Which words were ever recorded, and which the mapping of an extract can tell of: what rules can be met by."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import func, select

from ehscheduler.store.events import count_events
from ehscheduler.store.schema import event, notice
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.tx import Tx

SEEN = "words_seen"
MAPPED = "words_mapped"


def words_seen(tx: Tx, authority: str) -> Mapping[str, int]:
    """Return on how many cases each word was ever recorded, from any source or by hand."""
    c = event.c
    query = select(c.word, func.count(c.case_ref.distinct())).where(c.authority == authority).group_by(c.word)
    return {word: int(n) for word, n in tx.execute(query)}


def words_seen_by(tx: Tx, authority: str) -> Mapping[str, int]:
    """Return the same, counted anew only where events were added since; for a transaction that writes."""
    count = count_events(tx, authority)
    noted = state_of(tx, authority, SEEN)
    if noted is None or noted["events"] != count:
        noted = {"events": count, "words": dict(words_seen(tx, authority))}
        put_state(tx, authority, SEEN, noted)
    found: Mapping[str, int] = noted["words"]
    return found


def note_mapped(tx: Tx, authority: str, source: str, words: Collection[str]) -> None:
    """Note which words an extract can tell of, by the mapping that it was last read with."""
    noted = state_of(tx, authority, MAPPED) or {}
    if noted.get(source) != sorted(words):
        put_state(tx, authority, MAPPED, {**noted, source: sorted(words)})


def words_mapped(tx: Tx, authority: str) -> frozenset[str]:
    """Return every word that some extract can tell of."""
    return frozenset(word for words in (state_of(tx, authority, MAPPED) or {}).values() for word in words)


def rules_told_since(tx: Tx, authority: str, since: datetime) -> tuple[frozenset[str], datetime | None]:
    """Return the rules of which anything was decided since an instant, and when the first notice of all was decided."""
    c = notice.c
    first = tx.execute(select(func.min(c.decided_at)).where(c.authority == authority)).scalar()
    query = select(c.rule).distinct().where(c.authority == authority, c.decided_at >= since)
    return frozenset(tx.execute(query).scalars()), first
