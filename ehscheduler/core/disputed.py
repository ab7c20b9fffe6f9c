"""Disputes as they stand: two sides, what about, at which step, who has recorded what, and how it ended."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ehscheduler.core.calendars import london_day
from ehscheduler.core.disputes import Rung
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.events import Event
from ehscheduler.core.history import known_by
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import AllOf, AnyOf, Compare, Cond, Not, Policy, Standard

RAISED, ANSWERED, DECIDED = "dispute_raised", "dispute_answered", "dispute_decided"
ESCALATED, RESOLVED, WITHDRAWN = "dispute_escalated", "dispute_resolved", "dispute_withdrawn"
AGREE, DISAGREE = "agree", "disagree"
SAID = (AGREE, DISAGREE)


@dataclass(frozen=True, slots=True)
class Dispute:
    """One dispute under one rule; instants are aware, in UTC.

    `raised_by` and `against` are roles, blank where nobody said; `says` is what the other side answered. `state` is
    "open", "on hold", "decided", "withdrawn" or "over" (closed, or no longer for its rule).
    """

    case: str
    ref: str
    about: str
    raised: Event
    milestone: Milestone
    state: str
    raised_by: str = ""
    against: str = ""
    says: str = ""
    outcome: str = ""
    ended_at: datetime | None = None
    rung: Rung | None = None
    last: bool = False

    @property
    def open(self) -> bool:
        return self.state in ("open", "on hold")

    @property
    def rungs(self) -> Sequence[Rung]:
        return self.milestone.rungs

    @property
    def following(self) -> Rung | None:
        """Return the step that a dispute goes to next, if there is one."""
        stage = self.rung.stage if self.rung else 0
        return next((rung for rung in self.rungs if rung.stage > stage), None)


def disputes_of(
    policy: Policy, found: Evaluation, events: Iterable[Event], now: datetime, *, at: datetime | None = None
) -> list[Dispute]:
    """Return every dispute of a case's current episode, in the order in which they were raised.

    With `at` their step is the one at which they were then, on what is known now.
    """
    words = {event.id: event for event in known_by(events, now)}
    made = [
        _dispute(m, words[m.anchor.id], words.values(), at or now)
        for m in found.milestones
        if policy.rule_of(m).decided_by and m.anchor is not None and m.anchor.id in words
    ]
    return sorted(made, key=lambda one: (one.raised.moment, one.ref))


def _dispute(m: Milestone, raised: Event, events: Iterable[Event], now: datetime) -> Dispute:
    ref = raised.ref or m.ref or ""
    own = sorted((e for e in events if e.ref in (None, ref) and e.moment >= raised.moment), key=lambda e: e.moment)
    reached = [rung for rung in m.rungs if rung.reached_at <= now]
    if not reached and raised.dated and raised.day == london_day(now):
        reached = list(m.rungs[:1])  # of a dispute of which only the day is known, its first step is that day's
    answers = [str(e.detail.get("says", "")) for e in own if e.word == ANSWERED]
    ended = m.evidence or m.stopped_by
    return Dispute(
        m.case,
        ref,
        str(raised.detail.get("about", "")),
        raised,
        m,
        _state(m),
        raised_by=str(raised.detail.get("by_role", "")),
        against=str(raised.detail.get("against", "")),
        says=answers[-1] if answers else "",
        outcome=_outcome(m.evidence, own) if m.evidence else "",
        ended_at=ended.moment if ended else None,
        rung=reached[-1] if reached else None,
        last=bool(reached) and _is_last(reached[-1], m),
    )


def _is_last(rung: Rung, m: Milestone) -> bool:
    """Tell whether no step follows; while a case is on hold nobody knows when the next would be, and none is listed."""
    return rung.final or (m.state != "on_hold" and rung.stage == max(one.stage for one in m.rungs))


def _state(m: Milestone) -> str:
    if m.open:
        return "on hold" if m.state == "on_hold" else "open"
    if m.state in ("met", "met_late"):
        return "decided"
    return "withdrawn" if m.stopped_by is not None and m.stopped_by.word == WITHDRAWN else "over"


def _outcome(resolved: Event, own: Sequence[Event]) -> str:
    said = str(resolved.detail.get("outcome", ""))
    return said or next((str(e.detail.get("outcome", "")) for e in reversed(own) if e.word == DECIDED), "")


# ---- what can be disputed


def matters(policy: Policy) -> list[str]:
    """Return what the policy's rules say a dispute can be about; empty where no rule asks."""
    return told_apart(policy, "about")


def told_apart(policy: Policy, name: str) -> list[str]:
    """Return the values of one key of a dispute's detail that the policy's rules and ladders tell apart."""
    found: dict[str, None] = {}
    for rule in policy.rules.values():
        if rule.decided_by:
            steps = policy.ladders[rule.decided_by].steps
            asked = [rule.where, *(step.where for step in steps)]
            asked += [word.where for word in policy.words.values() if word.of == RAISED]
            for cond in asked:
                found.update((value, None) for value in _named(cond, name))
    return list(found)


def _named(cond: Cond | None, name: str) -> Iterator[str]:
    """Yield the values that a condition names for one key of a dispute's detail."""
    match cond:
        case Compare(fact=fact, values=values) if fact == name:
            yield from map(str, values)
        case Not(cond=inner):
            yield from _named(inner, name)
        case AnyOf(conds=inner) | AllOf(conds=inner):
            for part in inner:
                yield from _named(part, name)


# ---- what the protocol asks beside it


def follows(policy: Policy, rule: str) -> list[tuple[str, str]]:
    """Return what the protocol asks when a dispute runs over its time, as (title, clause): to tell a referrer, say."""
    found = []
    for other in policy.rules.values():
        for due in other.due if isinstance(other, Standard) else ():
            anchor = due.anchor
            parts = policy.words[anchor.word].any if anchor and anchor.word in policy.words else ()
            if anchor is not None and any(one.overdue and one.word == rule for one in (anchor, *parts)):
                found.append((other.title, ", ".join(other.clause)))
    return list(dict.fromkeys(found))
