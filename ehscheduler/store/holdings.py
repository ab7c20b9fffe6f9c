"""Who held which case from when to when, as each case was last looked at: what workload is counted from."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

from sqlalchemy import delete, select

from ehscheduler.core.workload import Holding
from ehscheduler.store.schema import holding
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.tx import Tx

STALE = "workload_counted_on"
"""The day on which work was last counted; blank where it may stand otherwise since."""
OVER = "workload_over"
"""The crossings that stood when work was last counted, and when that was."""


def replace_holdings(tx: Tx, authority: str, case_ref: str, episode: int, held: Iterable[Holding]) -> bool:
    """Make these the holdings of a case; True where they are not what they were, and work is to be counted anew."""
    c = holding.c
    mine = (c.authority == authority, c.case_ref == case_ref)
    before = {tuple(row) for row in tx.execute(select(c.lead, c.since, c.until, c.children).where(*mine))}
    after = {(one.lead, one.since, one.until, one.children) for one in held}
    if before == after:
        return False
    tx.execute(delete(holding).where(*mine))
    rows = [
        {"authority": authority, "case_ref": case_ref, "episode": episode, "lead": lead, "since": since, "until": until,
         "children": children}
        for lead, since, until, children in after
    ]  # fmt: skip
    tx.insert_new(holding, rows)
    put_state(tx, authority, STALE, "")
    return True


def holdings_of(tx: Tx, authority: str) -> list[Holding]:
    """Read who held what, of every case."""
    c = holding.c
    query = select(c.case_ref, c.lead, c.since, c.until, c.children).where(c.authority == authority)
    return [Holding(*row) for row in tx.execute(query.order_by(c.case_ref, c.since))]


def is_stale(tx: Tx, authority: str, day: date) -> bool:
    """Tell whether work is to be counted anew: somebody holds other cases, or it is another day in the directory."""
    return bool(state_of(tx, authority, STALE) != day.isoformat())


def counted(tx: Tx, authority: str, day: date | None) -> None:
    """Note the day on which work was counted; None where it is to be counted again."""
    put_state(tx, authority, STALE, day.isoformat() if day else "")


def stood_over(tx: Tx, authority: str) -> tuple[dict[str, tuple[str, datetime]], datetime | None]:
    """Return the crossings that stood at the last count, by what each is about, and when that was.

    Of each its name, and since when it stood as was known then.
    """
    noted = state_of(tx, authority, OVER)
    if not noted:
        return {}, None
    found = {about: (name, datetime.fromisoformat(at)) for about, (name, at) in noted["over"].items()}
    return found, datetime.fromisoformat(noted["counted"])


def note_over(tx: Tx, authority: str, over: Mapping[str, tuple[str, datetime]], now: datetime) -> None:
    """Note which crossings stand as work is counted now: the name of each, and since when it stands."""
    noted = {about: [name, at.isoformat()] for about, (name, at) in over.items()}
    put_state(tx, authority, OVER, {"over": noted, "counted": now.isoformat()})
