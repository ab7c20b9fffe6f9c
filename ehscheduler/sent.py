"""What became of each delivery, in the words of whoever asks, and what an operator can do about it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ehscheduler.core.acknowledgements import ACKNOWLEDGED
from ehscheduler.core.history import known_by
from ehscheduler.core.saying import london_iso
from ehscheduler.errors import InputRefused
from ehscheduler.plugins import Authority
from ehscheduler.store.events import events_of
from ehscheduler.store.outbox import OutboxRow, drop_deliveries, give_up, outbox, replay
from ehscheduler.store.store import Store
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

STATES = (
    "waiting", "being_sent", "uncertain", "handed_over", "acknowledged", "bounced", "refused", "dead", "dropped"
)  # fmt: skip
"""Handed over is not delivered: the next system took it. Acknowledged: its reader has said that they have seen it."""
DEAD_LETTERS = ("refused", "dead")
EVERY = 100_000


@dataclass(frozen=True, slots=True)
class Sent:
    """One delivery, and how it stands."""

    row: OutboxRow
    state: str

    def plain(self) -> dict[str, Any]:
        values = {name: getattr(self.row, name) for name in OutboxRow.__slots__}
        shown = {name: london_iso(v) if isinstance(v, datetime) else v for name, v in values.items()}
        return {**shown, "state": self.state}


def sent(
    store: Store,
    authority: Authority,
    now: datetime,
    *,
    states: Collection[str] = (),
    case: str = "",
    recipient: str = "",
    limit: int = EVERY,
) -> list[Sent]:
    """Return deliveries, the newest notice first, each with how it stands."""
    with store.read() as tx:
        rows = outbox(
            tx, authority.name, case_ref=case or None, recipient=recipient or None, limit=EVERY if states else limit
        )
        seen: dict[str, set[tuple[str, str]]] = {}
        found = [Sent(row, _state(tx, authority, row, now, seen)) for row in rows]
    return [one for one in found if not states or one.state in states][:limit]


def _state(tx: Tx, authority: Authority, row: OutboxRow, now: datetime, seen: dict[str, set[tuple[str, str]]]) -> str:
    if row.state == "claimed":
        return "uncertain" if row.message_state == "uncertain" else "being_sent"
    if row.message_state == "refused" and row.sent_at is not None:
        return "bounced"
    if row.state != "handed_over" or not row.recipient.startswith("person:"):
        return row.state
    if row.case_ref not in seen:
        known = known_by(events_of(tx, authority.name, row.case_ref), now)
        seen[row.case_ref] = {(e.ref or "", str(e.detail.get("person"))) for e in known if e.word == ACKNOWLEDGED}
    said = (row.milestone, row.recipient.removeprefix("person:"))
    return "acknowledged" if said in seen[row.case_ref] else "handed_over"


# ---- what an operator does


def send_again(
    store: Store, authority: Authority, now: datetime, *, case: str = "", recipient: str = "", by: str
) -> Sequence[OutboxRow]:
    """Let dead letters wait again, from their first try; return them. Raises InputRefused where there are none."""
    with store.begin() as tx:
        rows = _chosen(tx, authority, DEAD_LETTERS, case, recipient)
        for row in rows:
            replay(tx, authority.name, row.notice_key, row.recipient, row.channel, now=now)
        _trail(tx, authority, "replay", rows, now, by)
    return rows


def give_up_on(
    store: Store, authority: Authority, now: datetime, *, why: str, case: str = "", recipient: str = "", by: str
) -> Sequence[OutboxRow]:
    """Send no more what waits or was refused, and note why; return it. Raises InputRefused where there is nothing."""
    if not why.strip():
        raise InputRefused(["--why is empty: say why it is not sent, for whoever reads the trail"])
    with store.begin() as tx:
        rows = _chosen(tx, authority, ("waiting", *DEAD_LETTERS), case, recipient)
        which = [(row.notice_key, row.recipient, row.channel) for row in rows]
        drop_deliveries(tx, authority.name, which, why=why)
        give_up(tx, authority.name, which, why=why)
        _trail(tx, authority, "drop", rows, now, by, why=why)
    return rows


def _chosen(tx: Tx, authority: Authority, states: Collection[str], case: str, recipient: str) -> list[OutboxRow]:
    if not (case or recipient):
        raise InputRefused(["name a --case, a recipient with --to, or both: all of the outbox at once is too much"])
    rows = outbox(tx, authority.name, states=states, case_ref=case or None, recipient=recipient or None, limit=EVERY)
    if not rows:
        about = " ".join(part for part in (case and f"of case {case}", recipient and f"to {recipient}") if part)
        raise InputRefused([f"nothing {about} is {' or '.join(states)} in {authority.name}"])
    return rows


def _trail(
    tx: Tx, authority: Authority, act: str, rows: Sequence[OutboxRow], now: datetime, by: str, **more: str
) -> None:
    for row in rows:
        detail = {"notice": row.notice_key, "to": row.recipient, "channel": row.channel, **more}
        append_trail(tx, authority.name, at=now, who=by, act=act, case_ref=row.case_ref, detail=detail)
