"""Decisions: of all that could be told about one case, what is told now, to whom, and when. Pure; `now` is given.

Every tick asks what should be true now, so a daemon that slept for weeks decides as one that did not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from ehscheduler.core.actions import Action, actions, check_actions, hears_anyhow, next_morning
from ehscheduler.core.calendars import ONE_SECOND, Span, london_day, start_of_day
from ehscheduler.core.milestones import Milestone, first_remind_day
from ehscheduler.daemon.back import back_at_work, returns
from ehscheduler.daemon.handover import to_list
from ehscheduler.daemon.look import Decided, Decision, Look
from ehscheduler.daemon.meant import Alarm
from ehscheduler.daemon.moved import CHANGED, changes, moved_at, told_instead
from ehscheduler.daemon.quiet import ONE_DAY, left_alone, quiet_until, run_out
from ehscheduler.daemon.told import HAD_IT, KNEW, LATE, SHADOW, UNSENT, Told
from ehscheduler.daemon.whom import addressed

BEGINNING = datetime.min.replace(tzinfo=start_of_day(date(2000, 1, 1)).tzinfo)
LOOK_AGAIN = timedelta(days=10)
"""No case goes longer without being looked at."""
TRY_AGAIN = timedelta(hours=1)
"""How soon a notice that reached nobody is decided again."""

GATHERED = ("reminder", "due", "overdue")
"""Kinds of which one milestone needs only the latest; at the same instant the later in this order says more."""


def decide(look: Look) -> Decided:
    """Decide what is told now about a case, and when to look at it again."""
    alarms: list[Alarm] = []
    decided: list[Decision] = []
    again: list[datetime] = [look.now + LOOK_AGAIN, start_of_day(look.live_from), *_turns(look), *returns(look)]
    again += [look.news_at] if look.news_at else []
    past: list[Action] = []
    for action in _possible(look):
        if action.at > look.now:
            again.append(action.at)
        else:
            past.append(action)
    moved = [action for action in changes(look) if _is_news(look, action)]
    moved_now = {action.key for action in moved}
    for action in (*moved, *_owed(look, past, again), *_failed(look), *to_list(look)):
        since = look.now if action.key in moved_now else moved_at(look, action.key, action.due_version)
        made = addressed(look, action, since, alarms)
        if made is None:
            again.append(look.now + TRY_AGAIN)
        else:
            decided.append(left_alone(look, made))
    for action, recipient in (*run_out(look, decided, again), *back_at_work(look, _nudges(look, past), decided)):
        decided += _to_one(look, action, recipient)
    return Decided(tuple(decided), tuple(dict.fromkeys(alarms)), min(at for at in again if at > look.now))


def _to_one(look: Look, action: Action, recipient: str) -> Iterator[Decision]:
    """Yield a notice for one of those that it would go to, if they are still among them."""
    made = addressed(look, action, None, [])
    if made is not None and (made.kept or recipient in made.recipients):
        to = () if made.kept else (recipient,)
        yield replace(made, recipients=to, send_after={one: made.send_after[one] for one in to})


def _possible(look: Look) -> Sequence[Action]:
    """Return every action that is not kept back and whose rule is live."""
    made = actions(
        look.policy,
        look.calendar,
        look.live,
        since=BEGINNING,
        until=look.now + LOOK_AGAIN,
        overdue_ladder=look.overdue_ladder,
    )
    return [action for action in made if not action.kept]


def _failed(look: Look) -> Iterator[Action]:
    """Yield the failed checks that are told here, that lie after going live, and that nobody was told of."""
    for action in check_actions(look.evaluation.findings):
        if action.rule in look.live_checks and london_day(action.at) >= look.live_from and _is_news(look, action):
            yield action


def _turns(look: Look) -> Iterator[datetime]:
    """Yield when a milestone's state will turn by itself."""
    for m in look.evaluation.milestones:
        if not m.open:
            continue
        turns = [m.opens_at, m.due_at + ONE_SECOND if m.due_at else None]
        if m.due_on is not None:
            turns.append(start_of_day(first_remind_day(look.policy.rule_of(m), look.calendar, m.winner)))
        yield from (at for at in turns if at is not None and at > look.now)


# ---- what is owed


def _owed(look: Look, past: Sequence[Action], again: list[datetime]) -> Iterator[Action]:
    """Yield what is to be told now: of each milestone's nudges the latest alone, and each rung once its time has run.

    What was overdue before going live is listed once for its team, and never told to anybody else.
    """
    milestones: Mapping[str, Milestone] = {m.key: m for m in look.live}
    latest: dict[tuple[str, str], Action] = {}
    for action in sorted(past, key=_tells_more):
        latest[_gathers(action)] = action
    for action in latest.values():
        if not _says_how_it_stands(action, milestones[action.key]) or _gone_up(look, action, milestones[action.key]):
            continue
        if _for_the_baseline(look, milestones[action.key], action):
            if action.kind != "overdue":
                continue
            action = replace(action, kind="baseline", immediate=False)
        if not _is_news(look, action):
            continue
        if action.kind == "escalation" and not _may_climb(look, action, again):
            continue
        yield action


def _nudges(look: Look, past: Sequence[Action]) -> list[Action]:
    """Return the nudges that still say how a milestone stands."""
    milestones: Mapping[str, Milestone] = {m.key: m for m in look.live}
    return [
        action
        for action in past
        if action.kind in GATHERED
        and _says_how_it_stands(action, milestones[action.key])
        and not _for_the_baseline(look, milestones[action.key], action)
    ]


def _tells_more(action: Action) -> tuple[datetime, int]:
    return action.at, GATHERED.index(action.kind) if action.kind in GATHERED else 0


def _gathers(action: Action) -> tuple[str, str]:
    return action.key, "nudge" if action.kind in GATHERED else f"{action.kind} {action.stage}"


def _says_how_it_stands(action: Action, milestone: Milestone) -> bool:
    """Tell whether a nudge is still right: past its date a milestone has an overdue notice, and a guide none."""
    return action.kind not in ("reminder", "due") or milestone.state != "overdue"


def _gone_up(look: Look, action: Action, milestone: Milestone) -> bool:
    """Tell whether a dispute has gone up since a step: whoever is asked there can decide no more."""
    stage = action.stage or 0
    return action.kind == "dispute" and any(r.stage > stage and r.reached_at <= look.now for r in milestone.rungs)


def _for_the_baseline(look: Look, milestone: Milestone, action: Action) -> bool:
    """Tell whether a milestone was overdue before its authority went live."""
    if milestone.state != "overdue" or action.kind in ("reminder", "due") or milestone.due_on is None:
        return False
    if milestone.due_on < look.live_from:
        return True
    overdue = look.known(replace(action, kind="overdue", stage=None, repeat=0))
    return overdue is not None and overdue.kept in UNSENT and not look.silent


def _is_news(look: Look, action: Action) -> bool:
    """Tell whether a notice was not decided before, or came to nothing: a hold that came between, a list not sent."""
    told = look.known(action)
    if told is None or told.lapsed:
        return True
    if told.kept == LATE:
        return not look.feed_late
    if action.kind == "baseline":
        return told.kept in UNSENT and not look.silent
    if action.kind == CHANGED:
        others = [at for other in look.about(action.key) if other.dated != told.dated for at in other.heard.values()]
        return told.decided_at < max(others, default=told.decided_at)
    return False


# ---- climbing


def _may_climb(look: Look, action: Action, again: list[datetime]) -> bool:
    """Tell whether the time of a rung has run: it runs from when the one below heard, not from when they should have.

    Where it has not, note when to look again.
    """
    below = _below(look, action)
    if below is None or below.lapsed:
        again.append(look.now + TRY_AGAIN)  # it is decided in this very look, or as soon as it reaches somebody
        return False
    rehearsed = below.kept == look.silent == SHADOW  # in shadow each hears, as it were, when it would have been sent
    if below.kept and below.kept != KNEW and not rehearsed:
        return False
    m = next(m for m in look.live if m.key == action.key)
    heard = (below.last_try or below.decided_at) if below.kept else _settled_at(look, m, below)
    if heard is None:
        ready = _ready(look, m, action, max(below.waits.values()))
        again.append(max(ready, look.now + TRY_AGAIN) if ready else look.now + TRY_AGAIN)
        return False
    ready = _ready(look, m, action, heard)
    if ready is None or ready <= look.now:
        return ready is not None
    again.append(ready)
    return False


def _below(look: Look, action: Action) -> Told | None:
    """Return what became of the notice to the rung below: the owner's own, for the first."""
    stage = action.stage or 1
    m = next(m for m in look.live if m.key == action.key)
    if stage == 1 or (stage == 2 and any(hears_anyhow(m, rung) for rung in m.rungs)):
        told = look.known(replace(action, kind="overdue", stage=None, repeat=0))
    else:
        told = look.known(replace(action, stage=stage - 1, repeat=0))
    return told_instead(look, action) if told is not None and told.kept == HAD_IT else told


def _settled_at(look: Look, m: Milestone, below: Told) -> datetime | None:
    """Return when the last of the rung below heard, or was given up; None while one of them is still to hear.

    Whoever acknowledged it is not waited for. A clock in hours goes on as soon as anybody heard, a duty desk too.
    """
    heard, waits = dict(below.heard), dict(below.waits)
    for recipient in below.waits:
        if quiet_until(look.evaluation, look.calendar, below.kind, m.key, recipient, look.now):
            del waits[recipient]
            heard[recipient] = below.decided_at
    people = {r for r in (*heard, *waits) if r.startswith("person:")}
    if m.in_hours and heard:
        return min(heard.values())
    if any(not people or recipient in people for recipient in waits):
        return None
    times = [at for recipient, at in heard.items() if not people or recipient in people]
    return max(times, default=below.last_try or below.decided_at)


def _ready(look: Look, m: Milestone, action: Action, heard: datetime) -> datetime | None:
    """Return when a rung's time has run.

    The protocol's own ladder says itself when each rung is reached; but who heard later than they should have, as
    after an outage, has the whole of their time. A council's own counts from when the one below heard.
    """
    stage, chain = action.stage or 1, m.chain
    if chain is not None and chain.kind == "own":
        return _morning_after(look, heard, chain.time_of(stage - 1))
    rungs = {rung.stage: rung for rung in m.rungs}
    given = rungs[stage - 1].due_at if stage > 1 else None
    if chain is None or m.in_hours or given is None or rungs[stage].reached_at <= given:
        return action.at  # an hour clock, the first rung, or one that was asked for
    if london_day(heard) <= london_day(next_morning(look.calendar, rungs[stage - 1].reached_at)):
        return action.at
    ready = _morning_after(look, heard, chain.time_of(stage - 1), whole=chain.gives_whole_days(stage - 1))
    return None if ready is None else max(ready, action.at)


def _morning_after(look: Look, heard: datetime, span: Span, *, whole: bool = False) -> datetime | None:
    """Return the working morning on which a length since somebody heard is up; `whole` lets its last day pass."""
    if span.in_hours:
        reached = look.calendar.hours_later(heard, span)
        return None if reached is None else next_morning(look.calendar, reached)
    day = look.calendar.later(london_day(heard), span)
    return None if day is None else next_morning(look.calendar, start_of_day(day + ONE_DAY if whole else day))
