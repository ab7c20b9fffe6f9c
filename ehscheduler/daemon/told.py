"""What became of a notice that was decided before: who heard, who is still to hear, and why somebody never did."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ehscheduler.store.notices import Notice
from ehscheduler.store.outbox import OutboxRow

SHADOW = "shadow mode: decided and recorded, not sent"
NOT_YET_LIVE = "not live yet: decided and recorded, not sent"
HAD_IT = "they had this for the earlier date, and are told the new one"
LATE = "the feed of what happened is late: told when it has come, if it is still so"
KNEW = "they know that it is overdue: they were told in another role"
UNSENT = (SHADOW, NOT_YET_LIVE)
"""Why a notice was kept back before an authority was live."""
SETTLED_UNHEARD = ("refused", "dead")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One notice that was decided before, as it now stands; `times` counts how often it was decided.

    `heard` says when each recipient's was handed over, `waits` from when each of the others may hear, and `last_try`
    from when the last of all was to be sent.
    """

    milestone: str
    kind: str
    stage: int | None
    repeat: int = 0
    due_version: str
    decided_at: datetime
    to_roles: tuple[str, ...] = ()
    kept: str | None = None
    heard: Mapping[str, datetime] = field(default_factory=dict)
    waits: Mapping[str, datetime] = field(default_factory=dict)
    last_try: datetime | None = None
    lapsed: bool = False
    times: int = 1

    @property
    def dated(self) -> str:
        """Return the due version's date alone, without the count of retractions."""
        return self.due_version.partition(".")[0]


def base_key(notice: Notice) -> str:
    """Name a notice as its action does, whichever time it was decided."""
    named = (notice.milestone, notice.due_version, notice.kind, str(notice.stage or 0), str(notice.repeat))
    return "|".join((notice.case_ref, str(notice.episode), *named))


def told_of(notices: Iterable[Notice], rows: Iterable[OutboxRow]) -> dict[str, Told]:
    """Gather what was decided about a case, by the names that actions have."""
    by_notice: dict[str, list[OutboxRow]] = {}
    for row in rows:
        by_notice.setdefault(row.notice_key, []).append(row)
    found: dict[str, Told] = {}
    for notice in sorted(notices, key=lambda n: (n.decided_at, n.key)):
        key = base_key(notice)
        found[key] = _told(notice, by_notice.get(notice.key, []), found.get(key))
    return found


def _told(notice: Notice, rows: Collection[OutboxRow], before: Told | None) -> Told:
    heard = dict(before.heard) if before else {}
    heard |= {row.recipient: row.sent_at for row in rows if row.state == "handed_over" and row.sent_at}
    return Told(
        milestone=notice.milestone,
        kind=notice.kind,
        stage=notice.stage,
        repeat=notice.repeat,
        due_version=notice.due_version,
        decided_at=notice.decided_at,
        to_roles=notice.to_roles,
        kept=notice.kept,
        heard=heard,
        waits={row.recipient: row.send_after for row in rows if row.state in ("waiting", "claimed")},
        last_try=max((row.send_after for row in rows), default=None),
        lapsed=notice.kept is None and all(row.state == "dropped" for row in _meant(rows)),
        times=before.times + 1 if before else 1,
    )


def _meant(rows: Collection[OutboxRow]) -> Collection[OutboxRow]:
    """Return the rows that count: the people's, as a duty desk only stands in; a team's where there are no others."""
    return [row for row in rows if row.recipient.startswith("person:")] or rows
