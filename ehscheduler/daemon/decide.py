"""Decisions: of all that could be told about one case, what is told now, to whom, and when. Pure; `now` is given.

Every tick asks what should be true now, so a daemon that slept for weeks decides as one that did not.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from ehscheduler.core.actions import Action, OverdueStep, actions, next_morning
from ehscheduler.core.calendars import ONE_SECOND, Calendar, Span, at_clock, london_day, start_of_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.milestones import Milestone, first_remind_day
from ehscheduler.core.people import Directory, resolve
from ehscheduler.core.policy import Policy

BEGINNING = datetime.min.replace(tzinfo=start_of_day(date(2000, 1, 1)).tzinfo)
LOOK_AGAIN = timedelta(days=10)
"""No case goes longer without being looked at."""
TRY_AGAIN = timedelta(hours=1)
"""How soon a notice that reached nobody is decided again."""
DAY_BEGINS, DAY_ENDS = time(8, 0), time(18, 0)
"""When people are taken to be at work; outside, hour clocks go to the team's duty address where there is one."""

GATHERED = ("reminder", "due", "overdue")
"""Kinds of which one milestone needs only the latest."""


@dataclass(frozen=True, slots=True)
class Told:
    """A notice that was decided before: when, and why it was kept back, if it was."""

    decided_at: datetime
    kept: str | None


@dataclass(frozen=True, slots=True)
class Decision:
    """One notice: what it says, to whom, from when it may be sent; `kept` says why it is not sent at all."""

    action: Action
    key: str
    episode: int
    recipients: tuple[str, ...] = ()
    send_after: Mapping[str, datetime] = field(default_factory=dict)
    kept: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What one look at a case comes to; `alarms` are (code, subject, sentence)."""

    notices: tuple[Decision, ...]
    alarms: tuple[tuple[str, str, str], ...]
    next_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All that a decision about one case rests on."""

    policy: Policy
    calendar: Calendar
    evaluation: Evaluation
    told: Mapping[str, Told]
    directory: Directory
    lead: str | None
    team: str | None
    now: datetime
    last_tick: datetime
    live_from: date
    live_rules: Sequence[str] | None = None
    shadow: bool = False
    overdue_ladder: Sequence[OverdueStep] = ()
    duty_teams: frozenset[str] = frozenset()

    def key(self, action: Action) -> str:
        """Name a notice within its authority."""
        return f"{self.evaluation.case}|{self.evaluation.episode}|{action.notice_key}"


def decide(look: Look) -> Decided:
    """Decide what is told now about a case, and when to look at it again."""
    alarms: list[tuple[str, str, str]] = []
    decided: list[Decision] = []
    again: list[datetime] = [look.now + LOOK_AGAIN, *_turns(look)]
    by_key = {milestone.key: milestone for milestone in look.evaluation.milestones}
    past: list[Action] = []
    for action in _possible(look):
        if action.at > look.now:
            again.append(action.at)
        else:
            past.append(action)
    for action in _owed(look, past, by_key, again):
        made = _addressed(look, action, alarms)
        if made is None:
            again.append(look.now + TRY_AGAIN)
        else:
            decided.append(made)
    return Decided(tuple(decided), tuple(dict.fromkeys(alarms)), min(at for at in again if at > look.now))


def _possible(look: Look) -> Iterable[Action]:
    """Return every action that is not kept back and whose rule is live."""
    milestones = [m for m in look.evaluation.milestones if look.live_rules is None or m.rule in look.live_rules]
    made = actions(
        look.policy,
        look.calendar,
        [m for m in milestones if m.open],
        since=BEGINNING,
        until=look.now + LOOK_AGAIN,
        overdue_ladder=look.overdue_ladder,
    )
    return [action for action in made if not action.kept]


def _turns(look: Look) -> Iterator[datetime]:
    """Yield when a milestone's state will turn by itself."""
    for m in look.evaluation.milestones:
        if not m.open:
            continue
        turns = [m.opens_at, m.due_at + ONE_SECOND if m.due_at else None]
        if m.due_on is not None:
            turns.append(start_of_day(first_remind_day(look.policy.rules[m.rule], look.calendar, m.winner)))
        yield from (at for at in turns if at is not None and at > look.now)


def _owed(
    look: Look, past: Sequence[Action], by_key: Mapping[str, Milestone], again: list[datetime]
) -> Iterator[Action]:
    """Yield what is to be told now: of each milestone's nudges the latest alone, and each rung once its time has run.

    What was overdue before going live is listed once for its team, and never told to anybody else.
    """
    latest = {_gathers(action): action for action in past}
    for action in past:
        if latest[_gathers(action)] is not action:
            continue  # a later notice says as much
        if _before_live(look, by_key[action.key], action):
            if action.kind != "overdue":
                continue
            action = replace(action, kind="baseline", immediate=False)
        if look.key(action) in look.told:
            continue
        if action.kind == "escalation":
            ready = _escalates_at(look, action)
            if ready is None or ready > look.now:
                again += [ready] if ready else []
                continue
        yield action


def _gathers(action: Action) -> tuple[str, str]:
    if action.kind in GATHERED:
        return action.key, "nudge"
    if action.repeat:
        return action.key, f"repeat {action.stage}"
    return action.key, f"{action.kind} {action.stage}"


def _before_live(look: Look, milestone: Milestone, action: Action) -> bool:
    if action.kind == "dispute":
        return milestone.state == "overdue" and milestone.due_on is not None and milestone.due_on < look.live_from
    if action.kind not in ("overdue", "escalation"):
        return False
    return milestone.due_on is not None and milestone.due_on < look.live_from


def _escalates_at(look: Look, action: Action) -> datetime | None:
    """Return when a rung may hear: its time runs from when the person below was told, not from when they should be."""
    stage = action.stage or 1
    below = (
        replace(action, kind="overdue", stage=None, repeat=0)
        if stage == 1
        else replace(action, kind="escalation", stage=stage - 1)
    )
    told = look.told.get(look.key(below))
    if told is None or told.kept:
        return None
    after = look.overdue_ladder[stage - 1].after
    if stage > 1:
        after = _beyond(after, look.overdue_ladder[stage - 2].after)
    day = look.calendar.later(london_day(told.decided_at), after)
    return None if day is None else next_morning(look.calendar, start_of_day(day))


def _beyond(after: Span, before: Span) -> Span:
    """Return how long one rung comes after the one below it."""
    return Span(after.n - before.n, after.unit) if after.unit == before.unit and after.n > before.n else after


# ---- who, and from when


def _addressed(look: Look, action: Action, alarms: list[tuple[str, str, str]]) -> Decision | None:
    """Give a notice its recipients; None where it reaches nobody, which is an alarm and is tried again."""
    key = look.key(action)
    episode = look.evaluation.episode
    if look.shadow:
        return Decision(action, key, episode, kept="shadow mode: decided and recorded, not sent")
    if action.kind == "baseline":
        recipients: tuple[str, ...] = (f"team:{look.team or ''}",)
    else:
        recipients = _recipients(look, action, alarms)
    if not recipients:
        return None
    after = {recipient: _send_after(look, action, recipient) for recipient in recipients}
    return Decision(action, key, episode, recipients, after)


def _recipients(look: Look, action: Action, alarms: list[tuple[str, str, str]]) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for role in action.to_roles:
        who = resolve(role, look.policy, look.directory, lead=look.lead, team=look.team)
        place = f"{look.policy.title_of_role(role)}, team {look.team or 'not given'}"
        if not who.people:
            alarms.append(
                ("nobody", place, f"nobody can be told as {place}; add the person or their manager to people.csv")
            )
        elif who.climbed:
            alarms.append(("unfilled", place, f"{who.climbed}: told their manager; complete people.csv ({place})"))
        found.update((f"person:{person.person_id}", None) for person in who.people)
    if found and action.immediate and not _at_work(look) and look.team in look.duty_teams:
        found[f"team:{look.team}"] = None
    return tuple(found)


def _at_work(look: Look) -> bool:
    day = london_day(look.now)
    return look.calendar.is_working(day) and at_clock(day, DAY_BEGINS) <= look.now < at_clock(day, DAY_ENDS)


def _send_after(look: Look, action: Action, recipient: str) -> datetime:
    """Return from when a delivery may be sent: at once, or on the next working morning."""
    if action.immediate:
        waits = recipient.startswith("person:") and look.team in look.duty_teams and not _at_work(look)
        return next_morning(look.calendar, look.now) if waits else look.now
    # What fell due since the last tick goes out now; what late news brought to light waits for the morning.
    if action.at > look.last_tick and _at_work(look):
        return look.now
    return next_morning(look.calendar, look.now)
