"""Milestones as a projection that can be rebuilt, and the edition that governs each clock and ladder.

In an identity '' and 0 stand for absent parts, as in the tables.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, delete, or_, select

from ehscheduler.core.chains import Chain, read_chain, written
from ehscheduler.core.milestones import OPEN_STATES, Milestone, key_of
from ehscheduler.store.schema import IDENTITY, clock, ladder_start, milestone
from ehscheduler.store.tx import T, Tx, as_row, batches, columns

Identity = tuple[str, int, str, str, str, int]
"""case_ref, episode, rule, child, ref, n."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MilestoneRow:
    """A milestone as it stood when its case was last looked at; whether it is overdue now follows from `due_at`."""

    case_ref: str
    episode: int
    rule: str
    child: str = ""
    ref: str = ""
    n: int = 0
    key: str
    title: str
    clause: str
    force: str
    owner: str
    state: str
    from_event: str | None
    from_at: datetime | None
    opens_on: date | None
    best_by_on: date | None
    due_on: date | None
    due_at: datetime | None
    original_due_at: datetime | None
    met_at: datetime | None
    recorded_late: bool
    phase: str | None
    due_version: str
    policy_hash: str

    @classmethod
    def of(cls, found: Milestone, policy_hash: str) -> "MilestoneRow":
        """Take from a milestone what is stored of it."""
        named = identity_of(found)
        rest = [name for name in cls.__slots__ if name not in named and name != "policy_hash"]
        return cls(**named, policy_hash=policy_hash, **{name: getattr(found, name) for name in rest})

    @property
    def identity(self) -> Identity:
        return identity(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockRow:
    """Which edition governs one clock, and since when."""

    case_ref: str
    episode: int
    rule: str
    child: str = ""
    ref: str = ""
    n: int = 0
    policy_hash: str
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LadderRow:
    """A ladder that has started: its steps are frozen as they were then, and stand as long as its start does."""

    case_ref: str
    episode: int
    rule: str
    child: str = ""
    ref: str = ""
    n: int = 0
    ladder: str
    policy_hash: str
    started_at: datetime
    steps: Any

    @classmethod
    def of(cls, found: Milestone, chain: Chain, policy_hash: str) -> "LadderRow":
        """Take from a chain what is stored of it."""
        return cls(
            **identity_of(found),
            ladder=chain.ladder,
            policy_hash=policy_hash,
            started_at=chain.started_at,
            steps=written(chain),
        )

    @property
    def key(self) -> tuple[int, str]:
        """Name the milestone as an evaluation does: its episode, and its key within it."""
        return self.episode, key_of(self.rule, self.child, self.ref, self.n)

    @property
    def chain(self) -> Chain | None:
        return read_chain(self.ladder, self.started_at, self.steps)

    def same(self, other: "LadderRow") -> bool:
        """Tell whether two rows are of one chain, under whichever edition."""
        return (self.ladder, self.started_at, self.steps) == (other.ladder, other.started_at, other.steps)


@dataclass(frozen=True, slots=True)
class Changed:
    """A milestone that stands otherwise than it did."""

    before: MilestoneRow
    after: MilestoneRow


@dataclass(slots=True)
class MilestoneChanges:
    """How the milestones of a case differ from those stored before."""

    added: list[MilestoneRow] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    gone: list[MilestoneRow] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.gone)


def identity_of(found: Milestone) -> dict[str, Any]:
    """Name a milestone in the words of the tables."""
    return {
        "case_ref": found.case,
        "episode": found.episode,
        "rule": found.rule,
        "child": found.child or "",
        "ref": found.ref or "",
        "n": found.n or 0,
    }


def identity(row: MilestoneRow | ClockRow | LadderRow) -> Identity:
    return (row.case_ref, row.episode, row.rule, row.child, row.ref, row.n)


def replace_milestones(tx: Tx, authority: str, case_ref: str, rows: Iterable[MilestoneRow]) -> MilestoneChanges:
    """Make these rows the milestones of a case; writes the differences alone, and returns them."""
    before = {row.identity: row for row in milestones_of(tx, authority, case_ref)}
    after = {row.identity: row for row in rows}
    changes = MilestoneChanges(
        added=[row for key, row in after.items() if key not in before],
        changed=[Changed(before[key], row) for key, row in after.items() if key in before and before[key] != row],
        gone=[row for key, row in before.items() if key not in after],
    )
    replaced = [pair.after for pair in changes.changed]
    _remove(tx, milestone, authority, [row.identity for row in (*changes.gone, *replaced)])
    tx.insert_new(milestone, [as_row(authority, row) for row in (*changes.added, *replaced)])
    return changes


def clear_milestones(tx: Tx, authority: str) -> int:
    """Remove every milestone of an authority, before they are built anew; return how many there were."""
    return tx.execute(delete(milestone).where(milestone.c.authority == authority)).rowcount


def milestones_of(tx: Tx, authority: str, case_ref: str) -> list[MilestoneRow]:
    """Read the milestones of a case, sorted by their identity."""
    return _rows(tx, milestone, MilestoneRow, authority, case_ref)


def open_milestones(
    tx: Tx, authority: str, *, due_by: date | None = None, case_refs: Collection[str] | None = None
) -> list[MilestoneRow]:
    """Read the milestones that are open, by their due day and those without one last.

    `due_by` leaves out what is due on a later day or has no day; `case_refs` keeps the cases named.
    """
    c = milestone.c
    query = select(*columns(milestone, MilestoneRow)).where(c.authority == authority, c.state.in_(OPEN_STATES))
    if due_by:
        query = query.where(c.due_on <= due_by)
    if case_refs is not None:
        query = query.where(c.case_ref.in_(case_refs))
    ordered = query.order_by(c.due_on.is_(None), c.due_on, *(c[name] for name in IDENTITY))
    return tx.records(MilestoneRow, ordered)


# ---- which edition governs


def start_clocks(tx: Tx, authority: str, rows: Iterable[ClockRow]) -> None:
    """Note the edition of clocks that have started; one that is noted keeps its edition."""
    tx.insert_new(clock, [as_row(authority, row) for row in rows])


def move_clocks(tx: Tx, authority: str, rows: Iterable[ClockRow]) -> None:
    """Put clocks under another edition, where its transition says so."""
    moved = list(rows)
    _remove(tx, clock, authority, [identity(row) for row in moved])
    start_clocks(tx, authority, moved)


def clocks_of(tx: Tx, authority: str, case_ref: str) -> list[ClockRow]:
    """Read which edition governs each clock of a case."""
    return _rows(tx, clock, ClockRow, authority, case_ref)


def keep_ladders(tx: Tx, authority: str, case_ref: str, episode: int, rows: Iterable[LadderRow]) -> None:
    """Make these the ladders that have started in a case's episode; those of episodes before stay as they were.

    One that is there already is left as it is, under the edition that it started with.
    """
    before = {identity(row): row for row in ladders_of(tx, authority, case_ref) if row.episode == episode}
    after = {identity(row): row for row in rows}
    gone = [key for key, row in before.items() if key not in after or not row.same(after[key])]
    _remove(tx, ladder_start, authority, gone)
    new = [row for key, row in after.items() if key not in before or key in gone]
    tx.insert_new(ladder_start, [as_row(authority, row) for row in new])


def ladders_of(tx: Tx, authority: str, case_ref: str) -> list[LadderRow]:
    """Read the ladders that have started on a case."""
    return _rows(tx, ladder_start, LadderRow, authority, case_ref)


def _rows(tx: Tx, table: Table, shape: type[T], authority: str, case_ref: str) -> list[T]:
    query = select(*columns(table, shape)).where(table.c.authority == authority, table.c.case_ref == case_ref)
    return tx.records(shape, query.order_by(*(table.c[name] for name in IDENTITY)))


def _remove(tx: Tx, table: Table, authority: str, keys: Sequence[Identity]) -> None:
    for batch in batches(keys, 50):
        whose = or_(*(_named(table, key) for key in batch))
        tx.execute(delete(table).where(table.c.authority == authority, whose))


def _named(table: Table, key: Identity) -> ColumnElement[bool]:
    return and_(*(table.c[name] == part for name, part in zip(IDENTITY, key, strict=True)))


def live_cases(tx: Tx, authority: str, *, rules: Sequence[str] | None = None) -> set[str]:
    """Name the cases on which something is open, as they were last looked at: of these rules, or of any."""
    c = milestone.c
    where = [c.authority == authority, c.state.in_(OPEN_STATES)]
    if rules is not None:
        where.append(c.rule.in_(list(rules)))
    return set(tx.execute(select(c.case_ref).where(*where).distinct()).scalars())
