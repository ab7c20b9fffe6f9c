"""Chains: a ladder as one milestone climbs it. Once started, it keeps the steps that it started with (design 6)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from ehscheduler.core.calendars import Span
from ehscheduler.core.phrases import ReadingSpan, read_due, read_span
from ehscheduler.core.policy import Policy, Step

Kind = Literal["decides", "escalates", "own"]
ONE_WORKING_DAY = Span(1, "working day")


@dataclass(frozen=True, slots=True)
class OverdueStep:
    """One rung of a council's own ladder for overdue work: who hears, and how long after the owner did."""

    who: tuple[str, ...]
    after: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A ladder as one milestone climbs it, with the steps that are for its case.

    It `decides`, or `escalates` overdue work, or is a council's `own` for such work and then has steps of that kind.
    `start` is the id of the event that it counts from, and `started_at` its first instant: another start is another
    chain. It is not `settled` while something is blank that says who is on it, or how long they have.
    """

    kind: Kind
    start: str
    started_at: datetime
    ladder: str = ""
    title: str = ""
    clause: str = ""
    steps: tuple[Step, ...] = ()
    own: tuple[OverdueStep, ...] = ()
    settled: bool = True

    @property
    def decides(self) -> bool:
        return self.kind == "decides"

    def counts_from(self, start: str, at: datetime) -> bool:
        return (self.start, self.started_at) == (start, at)

    def time_of(self, stage: int) -> Span:
        """Return how long those at a rung have before the next one hears; where the ladder is silent, a working day.

        The rung 0 is the owner's own. Where the ladder counts all its steps from its start, it is the time between two.
        """
        if self.kind == "own":
            return _between([step.after for step in self.own], stage, self.own[stage].after)
        lengths = [step.due.length if isinstance(step.due.length, Span) else None for step in self.steps]
        if self._counts_from(stage) == "step_reached":
            return lengths[stage - 1] or ONE_WORKING_DAY
        return _between(lengths, stage - 1, ONE_WORKING_DAY)

    def gives_whole_days(self, stage: int) -> bool:
        """Tell whether the time of a rung counts from a day, of the limit or its own, and so takes in its last day."""
        return self._counts_from(stage) in ("step_reached", "limit")

    def _counts_from(self, stage: int) -> str:
        anchor = self.steps[stage - 1].due.anchor
        return anchor.word if anchor else ""


def _between(lengths: "list[Span] | list[Span | None]", n: int, otherwise: Span) -> Span:
    """Return how much longer the nth length is than the one before it, if they can be compared."""
    length = lengths[n]
    if length is None or n == 0:
        return length or otherwise
    before = lengths[n - 1]
    if before is None or before.unit != length.unit or length.n <= before.n:
        return otherwise
    return Span(length.n - before.n, length.unit)


# ---- as they are kept


def written(chain: Chain) -> dict[str, Any]:
    """Write what a chain keeps, in plain JSON: who hears at each step, and when, in the words of its phrase."""
    own = [{"who": list(step.who), "after": str(step.after)} for step in chain.own]
    steps = [
        {
            "who": list(step.who),
            "due": step.due.text,
            "together": step.together,
            "final": step.final,
            "readings": list(step.readings),
        }
        for step in chain.steps
    ]
    said = {"kind": chain.kind, "start": chain.start, "title": chain.title, "clause": chain.clause}
    return {**said, "steps": own or steps}


def read_chain(ladder: str, started_at: datetime, kept: Any) -> Chain | None:
    """Read what was kept of a chain; None for what an earlier version kept, which did not say when a step is due."""
    if not isinstance(kept, Mapping):
        return None
    made = Chain(
        kind=kept["kind"],
        start=kept["start"],
        started_at=started_at,
        ladder=ladder,
        title=kept["title"],
        clause=kept["clause"],
    )
    if made.kind == "own":
        return replace(made, own=tuple(OverdueStep(tuple(s["who"]), _span(s["after"])) for s in kept["steps"]))
    return replace(made, steps=tuple(_step(step) for step in kept["steps"]))


def _span(text: str) -> Span:
    span = read_span(text)
    assert isinstance(span, Span)
    return span


def _step(kept: Mapping[str, Any]) -> Step:
    return Step(
        tuple(kept["who"]),
        read_due(kept["due"]),
        together=kept["together"],
        final=kept["final"],
        readings=tuple(kept["readings"]),
    )


def plain(step: Step, policy: Policy) -> Step | None:
    """Return a step that says all by itself: its condition answered, its reading's length filled in; None if open."""
    if not isinstance(step.due.length, ReadingSpan):
        return replace(step, where=None)
    id_ = step.due.length.reading
    value = policy.readings[id_].value
    if not value:
        return None
    return replace(step, where=None, due=read_due(step.due.text.replace(f"reading {id_}", value, 1)))


def fits(chain: Chain, policy: Policy) -> bool:
    """Tell whether what a chain counts by is still there: a meeting may have gone with a later edition."""
    return all(not step.due.meeting or step.due.meeting in policy.meetings for step in chain.steps)
