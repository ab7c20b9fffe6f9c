"""Whoever acknowledged a milestone is left alone about it: what would nag them waits until that has run out.

Disputes and dates that changed are no nagging, and go as ever. Others, and the ladder, go on.
"""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from ehscheduler.core.acknowledgements import Acknowledgement, latest_of
from ehscheduler.core.actions import Action, next_morning
from ehscheduler.core.calendars import Calendar, start_of_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.milestones import Milestone
from ehscheduler.daemon.look import Decision, Look
from ehscheduler.daemon.moved import dated
from ehscheduler.daemon.told import Told

NAGS = ("reminder", "due", "overdue", "escalation", "drift")
TOLD_OVERDUE = ("overdue", "escalation")
ONE_DAY = timedelta(days=1)


def quiet_until(
    found: Evaluation, calendar: Calendar, kind: str, milestone: str, recipient: str, now: datetime
) -> datetime | None:
    """Return the morning on which a recipient hears of a milestone again; None where they are not left alone."""
    if kind not in NAGS:
        return None
    said = latest_of(found.acknowledged, milestone, recipient.removeprefix("person:"))
    return _run_out_at(said, calendar) if said is not None and said.quiet(now) else None


def _run_out_at(said: Acknowledgement, calendar: Calendar) -> datetime:
    return next_morning(calendar, start_of_day(said.until + ONE_DAY))


def left_alone(look: Look, made: Decision) -> Decision:
    """Let whoever acknowledged what a notice is about wait for it."""
    action = made.action
    after = dict(made.send_after)
    for recipient in made.recipients:
        quiet = quiet_until(look.evaluation, look.calendar, action.kind, action.key, recipient, look.now)
        if quiet is not None:
            after[recipient] = max(quiet, after[recipient])
    return replace(made, send_after=after)


def run_out(look: Look, decided: Collection[Decision], again: list[datetime]) -> Iterator[tuple[Action, str]]:
    """Yield what is told, and to whom, when an acknowledgement of overdue work has run out: that it is still overdue.

    Once, and only where they were told so before and have heard nothing since. Notes when others run out.
    """
    now_told = {(one.action.key, recipient) for one in decided for recipient in one.recipients}
    for m in look.live:
        for said in _standing(look.evaluation.acknowledged, m.key):
            at, recipient = _run_out_at(said, look.calendar), f"person:{said.person}"
            if at > look.now:
                again.append(at)
            elif m.state == "overdue" and (m.key, recipient) not in now_told:
                yield from _still_overdue(look, m, said, at, recipient)


def _standing(made: Collection[Acknowledgement], milestone: str) -> Iterator[Acknowledgement]:
    """Yield what each person said last about a milestone."""
    about = [one for one in made if one.milestone == milestone]
    yield from {one.person: one for one in about}.values()


def _still_overdue(
    look: Look, m: Milestone, said: Acknowledgement, at: datetime, recipient: str
) -> Iterator[tuple[Action, str]]:
    about = list(look.about(m.key))
    told = _told_overdue(about, recipient, dated(m.due_version))
    if told is None or _heard_since(about, recipient, at):
        return
    roles, clause, version = told.to_roles, m.clause, m.due_version
    action = Action(at, "overdue", m.case, m.rule, m.key, None, roles, clause, version, repeat=said.n)
    if look.known(action) is None:
        yield action, recipient


def _told_overdue(about: Collection[Told], recipient: str, date: str) -> Told | None:
    """Return the notice by which a recipient was told last that a milestone is overdue, by its present date."""
    heard = [t for t in about if t.kind in TOLD_OVERDUE and t.dated == date and recipient in t.heard]
    return max(heard, key=lambda told: told.heard[recipient], default=None)


def _heard_since(about: Collection[Told], recipient: str, at: datetime) -> bool:
    """Tell whether a recipient heard of a milestone since a moment, or will: something about it waits for them."""
    return any(recipient in told.waits or (recipient in told.heard and told.heard[recipient] >= at) for told in about)
