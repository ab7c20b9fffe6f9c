"""What a change of policy, calendar or settings would do: the service's own turn, on a copy of its database.

The copy is looked at as things stand, and then as they would stand. What differs is what then happens: nothing here
works a date out, or decides a notice, in a way of its own.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from ehscheduler.core.milestones import OPEN_STATES
from ehscheduler.core.saying import london_iso
from ehscheduler.daemon.desk import Desk, as_word
from ehscheduler.daemon.limits import tell_limits
from ehscheduler.daemon.tick import tick
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.store.cases import case_refs
from ehscheduler.store.copies import copied
from ehscheduler.store.milestones import Identity, MilestoneRow, milestones_of
from ehscheduler.store.notices import Notice, notices_of
from ehscheduler.store.outbox import OutboxRow, outbox
from ehscheduler.store.store import Store

EVERY = 1_000_000
WHATS = ("earlier", "later", "dated", "undated", "new", "gone", "newly overdue", "no longer overdue")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One milestone that would stand otherwise; `what` says how, in words of WHATS."""

    case: str
    team: str
    rule: str
    key: str
    title: str
    clause: str
    what: tuple[str, ...]
    due_before: date | None
    due_after: date | None
    state_before: str | None
    state_after: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One notice that would be decided because of it; `kept` says why nobody would hear it."""

    case: str
    team: str
    rule: str
    key: str
    kind: str
    stage: int | None
    at: datetime
    to: tuple[str, ...]
    kept: str | None


@dataclass(frozen=True, slots=True)
class Preview:
    """All that would differ at an instant; `faults` names the cases that could not be worked out."""

    authority: str
    at: datetime
    changed: tuple[Changed, ...]
    heard: tuple[Heard, ...]
    faults: tuple[str, ...]

    def by_team(self) -> Mapping[str, Mapping[str, int]]:
        """Count what changes and what would be heard, by team."""
        found: dict[str, Counter[str]] = {}
        for change in self.changed:
            found.setdefault(change.team, Counter()).update(change.what)
        for one in self.heard:
            found.setdefault(one.team, Counter())[f"{one.kind} {'kept back' if one.kept else 'sent'}"] += 1
        return {team: dict(sorted(found[team].items())) for team in sorted(found)}

    def plain(self) -> dict[str, Any]:
        return {
            "authority": self.authority,
            "at": london_iso(self.at),
            "by_team": self.by_team(),
            "changed": [asdict(one) for one in self.changed],
            "notices": [asdict(one) | {"at": london_iso(one.at)} for one in self.heard],
            "faults": list(self.faults),
        }


@dataclass(frozen=True, slots=True)
class _Seen:
    """How everything stands after a turn: each milestone by case and identity, each notice by its key, each team."""

    milestones: Mapping[Identity, MilestoneRow]
    notices: Mapping[str, Notice]
    to: Mapping[str, tuple[str, ...]]
    teams: Mapping[str, str]


def preview(desk: Desk, after: Desk, name: str, now: datetime) -> Preview:
    """Say what would differ at `now` for an authority if the service worked by the desk `after` from then on."""
    with copied(desk.store) as store:
        before = _turned(replace(desk, store=store), name, now)
        then, faults = _turned(replace(after, store=store), name, now)
    old = before[0]
    changed = tuple(_changed(old, then))
    heard = tuple(_heard(old, then))
    return Preview(name, now, changed, heard, tuple(sorted(set(faults))))


def _turned(desk: Desk, name: str, now: datetime) -> tuple[_Seen, Sequence[str]]:
    """Do the deciding half of a turn for one authority, and return how everything stands."""
    desk = replace(desk, authorities={name: desk.authorities[name]}).on(now.date())
    faults = tick(desk, now).faults
    tell_limits(desk, desk.authorities[name], now)
    return _seen(desk.store, desk.authorities[name], now), faults


def _seen(store: Store, authority: Authority, now: datetime) -> _Seen:
    name = authority.name
    milestones: dict[Identity, MilestoneRow] = {}
    notices: dict[str, Notice] = {}
    teams: dict[str, str] = {}
    with store.read() as tx:
        refs = case_refs(tx, name)
        to: dict[str, list[OutboxRow]] = {}
        for row in outbox(tx, name, limit=EVERY):
            to.setdefault(row.notice_key, []).append(row)
        for ref in sorted(refs):
            milestones |= {row.identity: row for row in milestones_of(tx, name, ref)}
            notices |= {notice.key: notice for notice in notices_of(tx, name, ref)}
            teams[ref] = as_word(evaluation_of(tx, authority, ref, now).facts.get("team")) or ""
    listed = {key: tuple(sorted(f"{row.recipient} by {row.channel}" for row in rows)) for key, rows in to.items()}
    return _Seen(milestones, notices, listed, teams)


# ---- what differs


def _changed(old: _Seen, new: _Seen) -> Iterator[Changed]:
    for identity in sorted({*old.milestones, *new.milestones}):
        before, after = old.milestones.get(identity), new.milestones.get(identity)
        what = tuple(_what(before, after))
        shown = after or before
        if what and shown is not None:
            yield Changed(
                case=shown.case_ref,
                team=new.teams.get(shown.case_ref, ""),
                rule=shown.rule,
                key=shown.key,
                title=shown.title,
                clause=shown.clause,
                what=what,
                due_before=before.due_on if before else None,
                due_after=after.due_on if after else None,
                state_before=before.state if before else None,
                state_after=after.state if after else None,
            )


def _what(before: MilestoneRow | None, after: MilestoneRow | None) -> Iterator[str]:
    """Say how a milestone differs: in its date, in whether it is overdue, or in being there at all."""
    if before is None or after is None:
        yield "gone" if after is None else "new"
    elif before.due_at != after.due_at and after.state in OPEN_STATES:
        if before.due_at is None or after.due_at is None:
            yield "dated" if before.due_at is None else "undated"
        else:
            yield "earlier" if after.due_at < before.due_at else "later"
    was, is_ = (one is not None and one.state == "overdue" for one in (before, after))
    if was != is_:
        yield "newly overdue" if is_ else "no longer overdue"


def _heard(old: _Seen, new: _Seen) -> Iterator[Heard]:
    for key in sorted(new.notices.keys() - old.notices.keys()):
        notice = new.notices[key]
        yield Heard(
            case=notice.case_ref,
            team=new.teams.get(notice.case_ref, ""),
            rule=notice.rule,
            key=notice.milestone,
            kind=notice.kind,
            stage=notice.stage,
            at=notice.at,
            to=new.to.get(key, ()),
            kept=notice.kept,
        )
