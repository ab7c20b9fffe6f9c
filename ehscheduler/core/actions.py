"""Actions: who should hear what, and when, about a milestone; with the reason for each one kept back.

The times are those of the machine contract: reminders and due notices at 08:30 of the working day on or before,
overdue and escalation at 08:30 of the next working day, hour clocks and disputes at the instant.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from ehscheduler.core.calendars import ONE_SECOND, Calendar, Run, at_clock, london_day, start_of_day
from ehscheduler.core.chains import OverdueStep as OverdueStep
from ehscheduler.core.disputes import Rung
from ehscheduler.core.findings import Finding
from ehscheduler.core.history import OVERDUE
from ehscheduler.core.holds import Held
from ehscheduler.core.meetings import lost_sittings
from ehscheduler.core.milestones import Milestone, remind_days, version_of
from ehscheduler.core.policy import Policy, Rule
from ehscheduler.core.sitting_days import WEEK

MORNING = time(8, 30)
KINDS = ("reminder", "due", "overdue", "escalation", "dispute", "drift", "limit", "check")


@dataclass(frozen=True, slots=True)
class Action:
    """Something to tell somebody at an instant (UTC); `kept` says why it is not told, or is None."""

    at: datetime
    kind: str
    case: str
    rule: str
    key: str
    stage: int | None
    to_roles: tuple[str, ...]
    clause: str
    due_version: str
    repeat: int = 0
    immediate: bool = False
    kept: str | None = None

    @property
    def notice_key(self) -> str:
        """Name this notice within its case and episode: the milestone, its due version, the kind, rung and repeat."""
        return f"{self.key}|{self.due_version}|{self.kind}|{self.stage or 0}|{self.repeat}"


def next_morning(calendar: Calendar, moment: datetime) -> datetime:
    """Return the first 08:30 of a working day at or after a moment."""
    day = calendar.on_or_after(london_day(moment))
    morning = at_clock(day, MORNING)
    return morning if morning >= moment else at_clock(calendar.next_working(day), MORNING)


def morning_by(calendar: Calendar, day: date) -> datetime:
    """Return 08:30 of the working day on or before a day."""
    return at_clock(calendar.on_or_before(day), MORNING)


def actions(
    policy: Policy,
    calendar: Calendar,
    milestones: Iterable[Milestone],
    *,
    since: datetime,
    until: datetime,
    overdue_ladder: Sequence[OverdueStep] = (),
) -> list[Action]:
    """Return every action of these milestones from `since` (included) to `until` (excluded), in order of time."""
    found: dict[tuple[str, str, str, datetime], Action] = {}
    for milestone in milestones:
        rule = policy.rule_of(milestone)
        kept = why_kept(milestone)
        for action in _of(milestone, rule, calendar, until, overdue_ladder):
            if since <= action.at < until:
                if kept or action.kept:
                    action = replace(action, kept=kept or action.kept)
                found.setdefault((action.case, action.key, f"{action.kind}{action.stage or ''}", action.at), action)
    return sorted(found.values(), key=lambda a: (a.at, a.case, a.rule, a.key, a.kind, a.stage or 0))


def why_kept(milestone: Milestone) -> str | None:
    """Say why nobody is told about a milestone as it stands, or None where they are."""
    match milestone.state:
        case "met" | "met_late":
            return "it is done"
        case "cancelled":
            return "the case is closed" if _by_closure(milestone) else "it no longer applies"
        case "waived":
            return "its condition no longer holds"
        case "on_hold":
            return "the case is on hold"
    return None


def _by_closure(milestone: Milestone) -> bool:
    return milestone.stopped_by is not None and milestone.stopped_by.word == "closed"


def _of(
    m: Milestone, rule: Rule, calendar: Calendar, until: datetime, ladder: Sequence[OverdueStep]
) -> Iterator[Action]:
    yield from _reminders(m, rule, calendar)
    if m.force == "guide":
        return
    yield from _due(m, rule, calendar)
    yield from _overdue(m, rule, calendar, ladder)
    for rung in m.rungs:
        decides = m.chain is not None and m.chain.decides
        if not decides and hears_anyhow(m, rung):
            continue
        yield from _climbed(m, rung, "dispute" if decides else "escalation", calendar, until)


def hears_anyhow(m: Milestone, rung: Rung) -> bool:
    """Tell whether a first rung for overdue work is the owner's, who hears on that morning that it is overdue.

    Its time is what it is there for: how long they have before anybody else hears.
    """
    return rung.stage == 1 and not rung.final and rung.who == (m.owner,)


def _nudge(m: Milestone, kind: str, at: datetime, to_roles: tuple[str, ...], calendar: Calendar) -> Action:
    """Make a reminder or due notice; one before its limit was set comes on the first morning after.

    A due notice in a hold comes when it has ended; a reminder is lost in it, for that of the date before it was had.
    """
    action = _action(m, kind, at, to_roles)
    free = _free(m, at)
    lost = kind == "reminder" and _known(m, at) == at
    if free == at or lost or (m.due_at is not None and free > m.due_at):
        return action
    morning = _morning(m, free, calendar)
    if m.in_hours or (m.due_at is not None and morning > m.due_at):
        # A short clock may end before the next morning's digest: then it is told at once, while there is time.
        return replace(action, at=_awake(m, free), immediate=True)
    return replace(action, at=morning)


def _free(m: Milestone, at: datetime) -> datetime:
    """Return the first moment from `at` on at which its limit stands and the case is not on hold."""
    return m.held.released(_known(m, at))


def _known(m: Milestone, at: datetime) -> datetime:
    """Return the first moment from `at` on at which its limit stands: nobody is told of it before."""
    known = (m.starts_at, m.anchor.moment if m.anchor else None, m.winner.set_at)
    return max(at, *(moment or at for moment in known))


def _morning(m: Milestone, moment: datetime, calendar: Calendar) -> datetime:
    """Return the first 08:30 of a working day at or after a moment on which the case is not on hold."""
    morning = next_morning(calendar, moment)
    while (free := m.held.released(morning)) > morning:
        morning = next_morning(calendar, free)
    return morning


def _awake(m: Milestone, moment: datetime) -> datetime:
    """Return 08:30 of a day that is all that is known of a moment: a message at midnight wakes nobody (ours)."""
    morning = at_clock(london_day(moment), MORNING)
    if moment != start_of_day(london_day(moment)) or (m.due_at is not None and morning > m.due_at):
        return moment
    return morning


def _action(m: Milestone, kind: str, at: datetime, to_roles: tuple[str, ...], stage: int | None = None) -> Action:
    return Action(at, kind, m.case, m.rule, m.key, stage, to_roles, m.clause, m.due_version, immediate=m.immediate)


def _reminders(m: Milestone, rule: Rule, calendar: Calendar) -> Iterator[Action]:
    times: dict[datetime, None] = {}
    for day, moment in remind_days(rule, calendar, m.winner):
        if day == m.due_on and moment is None and m.force != "guide":
            continue  # "on the day" is the due notice itself
        times[moment or morning_by(calendar, day)] = None
    if m.best_by_on is not None:
        times[morning_by(calendar, m.best_by_on)] = None
    if m.winner.nudge_at is not None:
        times[next_morning(calendar, m.winner.nudge_at)] = None
    due = next((action.at for action in _due(m, rule, calendar)), None)
    told = {rung.reached_at for rung in m.rungs if m.owner in rung.who}
    # Each reminder of one limit is a notice of its own, whichever of them are left out.
    for repeat, at in enumerate(times):
        if at in told:
            continue  # the dispute itself says as much to the same person
        action = replace(_nudge(m, "reminder", at, (m.owner,), calendar), repeat=repeat)
        if m.force != "guide" and not m.undated and due is not None and action.at >= due:
            continue  # the due notice says as much
        if m.opens_at is not None and at < m.opens_at:
            action = replace(action, kept="it does not open until later")
        yield action


def _told_at(m: Milestone, at: datetime, calendar: Calendar) -> datetime:
    """Return when the time of a notice comes that would lie in a hold: once it has ended, what was overdue is again."""
    free = _free(m, at)
    if free == at:
        return at
    return free if m.in_hours else _morning(m, free, calendar)


def _due_time(m: Milestone, calendar: Calendar) -> datetime | None:
    if m.undated:
        opening = m.opens_at or m.starts_at
        return next_morning(calendar, opening) if opening else None
    if m.due_at is None or m.due_on is None:
        return None
    if m.in_hours:
        return _announced(m) or m.due_at
    return morning_by(calendar, m.due_on)


def _announced(m: Milestone) -> datetime | None:
    """Return 08:30 of the day on which something is due at once, where the day is all that is known (ours)."""
    event = m.anchor
    if event is None or not event.dated or m.winner.span is not None or m.due_on != event.day:
        return None
    return at_clock(event.day, MORNING)


def _due(m: Milestone, rule: Rule, calendar: Calendar) -> Iterator[Action]:
    at = _due_time(m, calendar)
    if at is not None:
        kind = "drift" if m.anchor is not None and m.anchor.word.endswith(OVERDUE) else "due"
        yield _nudge(m, kind, at, (m.owner, *rule.tell), calendar)


def _overdue(m: Milestone, rule: Rule, calendar: Calendar, ladder: Sequence[OverdueStep]) -> Iterator[Action]:
    if m.due_at is None or m.due_on is None:
        return
    over = m.due_at + ONE_SECOND if m.in_hours else next_morning(calendar, start_of_day(m.due_on + timedelta(days=1)))
    at = _told_at(m, over, calendar)
    yield _action(m, "overdue", at, (m.owner, *rule.tell))
    if m.chain.kind != "own" if m.chain else rule.decided_by or rule.escalate:
        return  # the protocol's own ladder is climbed
    for stage, step in enumerate(m.chain.own if m.chain else ladder, 1):
        day = calendar.later(london_day(at), step.after, _mornings(m.held))
        if day is not None:
            morning = _morning(m, start_of_day(day), calendar)
            yield replace(_action(m, "escalation", morning, step.who, stage), immediate=False)


def _mornings(held: Held) -> tuple[Run, ...]:
    """Return the runs of days on whose mornings the case is on hold: what comes in the morning counts mornings."""
    return tuple((_from_morning(start), None if end is None else _from_morning(end)) for start, end in held.spans)


def _from_morning(moment: datetime) -> int:
    day = london_day(moment)
    return day.toordinal() + (moment > at_clock(day, MORNING))


def _climbed(m: Milestone, rung: Rung, kind: str, calendar: Calendar, until: datetime) -> Iterator[Action]:
    """Tell a rung when it is reached; a final one again each working morning until it is done (ours).

    A dispute is told at the instant; overdue work on the next working morning, unless its clock counts in hours.
    """
    timed = kind == "dispute" or m.in_hours
    at = m.held.released(rung.reached_at) if timed else _morning(m, rung.reached_at, calendar)
    # Who has recorded a decision is asked no more.
    if not rung.waits_for:
        return
    yield _action(m, kind, at, rung.waits_for, rung.stage)
    if not rung.final or not m.open:
        return
    at, repeat = next_morning(calendar, at + ONE_SECOND), 1
    while at < until:
        if m.held.released(at) == at:
            yield replace(_action(m, kind, at, rung.waits_for, rung.stage), repeat=repeat)
        at, repeat = next_morning(calendar, at + ONE_SECOND), repeat + 1


def check_actions(found: Iterable[Finding]) -> Iterator[Action]:
    """Yield a notice for each check that failed, at the event."""
    for one in found:
        yield Action(one.at, "check", one.case, one.check, one.key, None, one.to_roles, one.clause, "check")


def meeting_actions(policy: Policy, calendar: Calendar, *, since: datetime, until: datetime) -> Iterator[Action]:
    """Tell a meeting's chair of a sitting that falls on a bank holiday and that nothing replaces.

    At 08:30 a week before it (ours), on the working day on or before, while the sitting before it can settle the day.
    """
    for meeting in policy.meetings.values():
        if not meeting.chair:
            continue
        for day in lost_sittings(meeting, calendar, london_day(since), london_day(until) + 2 * WEEK):
            at = morning_by(calendar, day - WEEK)
            if since <= at < until:
                key, clause = f"{meeting.id}/{day.isoformat()}", ", ".join(meeting.clause)
                yield Action(at, "check", "", meeting.id, key, None, (meeting.chair,), clause, version_of(at))
