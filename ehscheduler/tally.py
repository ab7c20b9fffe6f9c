"""The quarter: how many of each rule's milestones fell due, and how each stands; by team, never by person."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any

from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.events import Event
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy
from ehscheduler.core.vocabulary import FACTS, PERSONAL_FACTS, REASONS, nearest
from ehscheduler.errors import InputRefused
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.store.cases import case_refs
from ehscheduler.store.events import events_of
from ehscheduler.store.store import Store

PEOPLE_FACTS = frozenset({"lead"})
"""Facts that name a person: nobody is put in a league table."""
NO_REASON = "other"


@dataclass(frozen=True, slots=True)
class Stretch:
    """The days asked about, both included, and the instant as of which everything is known."""

    since: date
    until: date
    at: datetime


@dataclass(slots=True)
class Tally:
    """What became of the milestones of one rule, in one group, whose limits lay in a stretch of days.

    `due` is the sum of met_in_time, met_late, open_late, open and cancelled (called off or waived). Of those,
    `recorded_late` were met in time and recorded later, and `relaxed` were put off by agreement.
    """

    group: str
    rule: str
    title: str
    clause: str
    force: str
    due: int = 0
    met_in_time: int = 0
    met_late: int = 0
    recorded_late: int = 0
    relaxed: int = 0
    open_late: int = 0
    open: int = 0
    cancelled: int = 0

    def add(self, m: Milestone) -> None:
        """Count one milestone. Advice that came late was taken all the same, and is never a breach (design 4.14)."""
        self.due += 1
        setattr(self, found := _stands(m), getattr(self, found) + 1)
        self.recorded_late += m.recorded_late
        self.relaxed += any(change.kind == "relaxation" for change in m.changes)

    def plain(self) -> Mapping[str, Any]:
        return asdict(self)


COUNTS = tuple(field.name for field in fields(Tally))[5:]


def _stands(m: Milestone) -> str:
    advice = m.force == "guide"
    match m.state:
        case "met":
            return "met_in_time"
        case "met_late":
            return "met_in_time" if advice else "met_late"
        case "overdue":
            return "open" if advice else "open_late"
        case "cancelled" | "waived":
            return "cancelled"
    return "open"


@dataclass(frozen=True, slots=True)
class Report:
    """The tallies of one authority, by group and rule, and the reasons that were given in the same days."""

    authority: str
    by: str
    tallies: tuple[Tally, ...]
    reasons: Mapping[str, int]

    def totals(self) -> Mapping[str, int]:
        """Return each count over all groups and rules."""
        return {name: sum(getattr(one, name) for one in self.tallies) for name in COUNTS}

    def plain(self) -> Mapping[str, Any]:
        rows = [dict(one.plain()) for one in self.tallies]
        return {
            "authority": self.authority,
            "by": self.by,
            "rows": rows,
            "totals": self.totals(),
            "reasons": self.reasons,
        }


def report(store: Store, authority: Authority, stretch: Stretch, by: str = "team") -> Report:
    """Count what fell due in a stretch, by an attribute of the case ("" for all in one)."""
    _refuse_group(authority.policy, by)
    tallies: dict[tuple[str, str], Tally] = {}
    reasons: Counter[str] = Counter()
    with store.read() as tx:
        for ref in sorted(case_refs(tx, authority.name)):
            found = evaluation_of(tx, authority, ref, stretch.at)
            for m in fallen_due(found, stretch):
                group = str(found.facts.get(by) or "") if by else ""
                key = (group, m.rule)
                if key not in tallies:
                    tallies[key] = Tally(group, m.rule, m.title, m.clause, m.force)
                tallies[key].add(m)
            reasons.update(_reasons(events_of(tx, authority.name, ref), stretch))
    rows = (tallies[key] for key in sorted(tallies))
    return Report(authority.name, by, tuple(rows), dict(sorted(reasons.items())))


def fallen_due(found: Evaluation, stretch: Stretch) -> Iterator[Milestone]:
    """Yield the milestones of a case whose limit, as it stands, lies in a stretch."""
    for m in found.milestones:
        if m.due_on is not None and stretch.since <= m.due_on <= stretch.until:
            yield m


def _refuse_group(policy: Policy, by: str) -> None:
    known = [name for name in (*FACTS, *policy.facts) if name not in PERSONAL_FACTS | PEOPLE_FACTS]
    if by and by not in known:
        why = "names a person, and nobody is ranked here" if by in PEOPLE_FACTS else f"is none of {', '.join(known)}"
        raise InputRefused([f"--by: {by!r} {why}{nearest(by, known)}"])


def _reasons(events: Iterable[Event], stretch: Stretch) -> Iterator[str]:
    """Yield the reason code of each acknowledgement and relaxation in the days asked about."""
    gone = {e.detail.get("event") for e in events if e.word == "retracted" and e.recorded <= stretch.at}
    for event in events:
        if event.word not in ("acknowledged", "relaxation_agreed") or event.id in gone or event.recorded > stretch.at:
            continue
        if stretch.since <= event.day <= stretch.until:
            said = str(event.detail.get("reason") or "")
            what = "put off" if event.word == "relaxation_agreed" else "acknowledged"
            yield f"{what}: {said if said in REASONS else NO_REASON}"
