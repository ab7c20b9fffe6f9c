"""A milestone: one thing due on one case because of one rule, and how it stands."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache

from ehscheduler.core.calendars import Calendar, london_day, start_of_day
from ehscheduler.core.chains import Chain, fits, plain
from ehscheduler.core.changes import Change, Moved
from ehscheduler.core.clocks import BEGINNING, Clock, Stop, condition
from ehscheduler.core.disputes import Rung, climb
from ehscheduler.core.events import Event
from ehscheduler.core.history import OVERDUE, History
from ehscheduler.core.holds import Held, Hold
from ehscheduler.core.limits import Limit
from ehscheduler.core.policy import Rule

STATES = ("upcoming", "due", "overdue", "met", "met_late", "on_hold", "cancelled", "waived")


OPEN_STATES = ("upcoming", "due", "overdue", "on_hold")


@dataclass(frozen=True, slots=True, kw_only=True)
class Milestone:
    """One thing due on one case because of one rule.

    Days are London dates; instants are aware, in UTC. `due_on` and `due_at` are None where the document sets no
    time, or while a hold is open. The fields from `limits` on are the working that explanation reads.
    """

    case: str
    episode: int
    rule: str
    key: str
    child: str | None
    ref: str | None
    n: int | None
    title: str
    clause: str
    edition: str
    force: str
    owner: str
    from_event: str | None
    from_at: datetime | None
    anchor_time_unknown: bool
    opens_on: date | None
    best_by_on: date | None
    due_on: date | None
    due_at: datetime | None
    original_due_at: datetime | None
    state: str
    met_at: datetime | None
    recorded_late: bool
    phase: str | None
    readings: tuple[str, ...]
    due_version: str
    starts_at: datetime | None
    opens_at: datetime | None
    in_hours: bool
    undated: bool
    immediate: bool
    anchor: Event | None = field(repr=False)
    evidence: Event | None = field(repr=False)
    stopped_by: Event | None = field(repr=False)
    limits: tuple[Limit, ...] = field(repr=False)
    winner: Limit = field(repr=False)
    held: Held = field(repr=False)
    changes: tuple[Change, ...] = field(repr=False)
    chain: Chain | None = field(repr=False)
    rungs: tuple[Rung, ...] = field(repr=False)

    @property
    def open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def ran_over_from(self) -> tuple[str, datetime] | None:
        """Return what a ladder for overdue work counts from: the event behind the limit, and the first instant over."""
        return _over(self.winner)


def key_of(rule: str, child: str | None, ref: str | None, n: int | None) -> str:
    """Name a milestone within its case and episode."""
    return "/".join([rule, *(part for part in (child, ref) if part), *([str(n)] if n else [])])


def milestone(
    rule: Rule,
    history: History,
    clock: Clock,
    stop: Stop,
    held: Held,
    limits: tuple[Limit, ...],
    moved: Moved,
    best_by: Limit | None,
    opened: datetime | None,
    *,
    waived: bool,
    phase: str | None,
) -> Milestone:
    winner = moved.limit
    due_on, due_at = winner.on, winner.at
    state = _state(rule, history, stop, held, winner, opened, waived=waived)
    if state == "on_hold" and not winner.backward and not _past_before(winner, held.since):
        due_on = due_at = None
    met = state in ("met", "met_late")
    readings = history.policy.readings_of(rule)
    source = winner.anchor
    key = key_of(rule.id, clock.child, clock.key_ref, clock.n)
    chain = _chain(rule, history, clock, winner, key)
    return Milestone(
        case=history.case.ref,
        episode=history.episode,
        rule=rule.id,
        key=key,
        child=clock.child,
        ref=clock.key_ref,
        n=clock.n,
        title=rule.title,
        clause=", ".join(rule.clause),
        edition=history.policy.edition,
        force=rule.force,
        owner=rule.owner,
        from_event=source.word if source else None,
        from_at=source.moment if source else (start_of_day(winner.target) if winner.target else None),
        anchor_time_unknown=bool(winner.in_hours and source and source.dated),
        opens_on=london_day(opened) if opened else None,
        best_by_on=best_by.on if best_by else None,
        due_on=due_on,
        due_at=due_at,
        original_due_at=moved.original.at,
        state=state,
        met_at=stop.evidence.moment if met and stop.evidence else None,
        recorded_late=bool(state == "met" and due_at and stop.evidence and stop.evidence.recorded > due_at),
        phase=phase,
        readings=readings,
        due_version=_due_version(rule, history, clock, due_at, state, undated=winner.undated),
        starts_at=clock.starts_at if clock.starts_at > BEGINNING else None,
        opens_at=opened,
        in_hours=winner.in_hours,
        undated=winner.undated,
        immediate=winner.in_hours or (chain.decides if chain else bool(rule.decided_by)),
        anchor=source,
        evidence=stop.evidence,
        stopped_by=stop.cancelled,
        limits=limits,
        winner=winner,
        held=held,
        changes=moved.changes,
        chain=chain,
        rungs=_rungs(chain, history, clock, held, stop),
    )


def _chain(rule: Rule, history: History, clock: Clock, winner: Limit, key: str) -> Chain | None:
    """Return the chain that is climbed: the one that has started, while its start stands, else as the policy has it.

    A deciding ladder starts with the clock; one for overdue work at the first instant after the limit.
    """
    frozen = history.chains.get(key)
    if frozen is not None and fits(frozen, history.policy):
        start = _begun(clock) if frozen.decides else _over(winner)
        if start is not None and frozen.counts_from(*start):
            return frozen
    if not (rule.decided_by or rule.escalate):
        return None
    start = _begun(clock) if rule.decided_by else _over(winner)
    return None if start is None else _as_written(rule, history, clock, *start)


def _begun(clock: Clock) -> tuple[str, datetime] | None:
    return (clock.start.id, clock.start.moment) if clock.start is not None else None


def _over(winner: Limit) -> tuple[str, datetime] | None:
    over = winner.overdue_at
    return None if over is None else (winner.anchor.id if winner.anchor else "", over)


def _as_written(rule: Rule, history: History, clock: Clock, start: str, at: datetime) -> Chain:
    """Make a chain of the steps of a rule's ladder that are for this case, as its facts were at the start."""
    ladder = history.policy.ladders[rule.decided_by or rule.escalate]
    event = clock.start if rule.decided_by else _ran_over_at(rule.id, history, at)
    asked = [
        True if step.where is None else condition(step.where, history, event, at, at, clock.child)
        for step in ladder.steps
    ]
    steps = [step for step, answer in zip(ladder.steps, asked, strict=True) if answer is True]
    if not any(step.final for step in steps) and any(
        step.final and answer is None for step, answer in zip(ladder.steps, asked, strict=True)
    ):
        history.problem(f"{rule.id}: a fact is blank that says who decides in the end; fill it in")
    made = [plain(step, history.policy) for step in steps]
    return Chain(
        kind="decides" if rule.decided_by else "escalates",
        start=start,
        started_at=at,
        ladder=ladder.id,
        title=ladder.title,
        clause=", ".join(ladder.clause),
        steps=tuple(filled or step for filled, step in zip(made, steps, strict=True)),
        settled=None not in asked and None not in made,
    )


def _rungs(chain: Chain | None, history: History, clock: Clock, held: Held, stop: Stop) -> tuple[Rung, ...]:
    """Return the rungs of a chain, each as it was or will be reached; a council's own ladder is climbed as told."""
    if chain is None or chain.kind == "own":
        return ()
    start = clock.start if chain.decides else _ran_over_at(clock.rule.id, history, chain.started_at)
    return () if start is None else climb(chain.steps, history, start, clock.ref, held, stop.moment)


def _ran_over_at(rule: str, history: History, over: datetime) -> Event:
    return Event("", history.case.ref, f"{rule}{OVERDUE}", over, False, london_day(over), over)


def _state(
    rule: Rule,
    history: History,
    stop: Stop,
    held: Held,
    winner: Limit,
    opened: datetime | None,
    *,
    waived: bool,
) -> str:
    if stop.evidence is not None:
        return "met" if not winner.missed_by(stop.evidence) else "met_late"
    if stop.cancelled is not None:
        return "cancelled"
    if waived:
        return "waived"
    if held.since is not None:
        return "on_hold"
    if opened is not None and history.now < opened:
        return "upcoming"
    if winner.undated:
        return "due"
    if winner.waits:
        return "due" if winner.nudge_at else "upcoming"
    if winner.past(history.now, history.today):
        return "overdue"
    return "due" if history.today >= first_remind_day(rule, history.calendar, winner) else "upcoming"


def first_remind_day(rule: Rule, calendar: Calendar, winner: Limit) -> date:
    """Return the first day on which a milestone counts as due: its first remind day, or the due day."""
    return min((day for day, _ in remind_days(rule, calendar, winner)), default=winner.on or date.max)


def remind_days(rule: Rule, calendar: Calendar, winner: Limit) -> Iterator[tuple[date, datetime | None]]:
    """Yield each remind day of a limit, with its instant where the reminder counts in hours."""
    if winner.on is None or winner.at is None:
        return
    for remind in rule.remind:
        if remind.span is None:
            yield winner.on, None
        elif remind.span.in_hours:
            moment = winner.at - timedelta(hours=remind.span.n)
            yield london_day(moment), moment
        else:
            yield calendar.earlier(winner.on, remind.span), None


def _past_before(winner: Limit, since: Hold | None) -> bool:
    """Tell whether a limit had already passed when the open hold began."""
    return since is not None and winner.past(since.start, london_day(since.start))


@lru_cache(maxsize=65536)
def version_of(due_at: datetime) -> str:
    return f"{due_at:%Y%m%dT%H%M%SZ}"


def _due_version(
    rule: Rule, history: History, clock: Clock, due_at: datetime | None, state: str, *, undated: bool
) -> str:
    """Name the due date as it now stands; a retraction that opens the milestone again changes it too."""
    gone = 0
    if history.withdrawn:
        stops = {word for anchor in (*rule.met_by, *rule.unless) for word in history.policy.behind(anchor.word)}
        stops |= set() if rule.through_closure else {"closed"}
        gone = sum(1 for event in history.withdrawn if event.word in stops and event.day >= clock.start_day)
    base = "undated" if undated else version_of(due_at) if due_at else "held" if state == "on_hold" else "none"
    return f"{base}.{gone}" if gone else base
