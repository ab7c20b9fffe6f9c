"""Whoever comes to work that others were told of meanwhile, as after leave, hears once how it stands."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from ehscheduler.core.actions import Action, next_morning
from ehscheduler.core.calendars import start_of_day
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import Person
from ehscheduler.daemon.handover import HANDOVER
from ehscheduler.daemon.look import Decision, Look
from ehscheduler.daemon.meant import meant
from ehscheduler.daemon.moved import dated
from ehscheduler.daemon.quiet import ONE_DAY

NUDGES = ("reminder", "due", "overdue")
TOLD_OF_IT = (*NUDGES, HANDOVER)


def back_at_work(look: Look, past: Sequence[Action], decided: Collection[Decision]) -> Iterator[tuple[Action, str]]:
    """Yield the latest nudge of each open milestone for its owners who are here, where only others heard of it.

    It was told to who covered, or one rung up. Whoever covers is not told again what the owner had before: their part
    is what comes up meanwhile.
    """
    now_told = {(one.action.key, recipient) for one in decided for recipient in one.recipients}
    latest = {action.key: action for action in sorted(past, key=lambda one: (one.at, NUDGES.index(one.kind)))}
    for m in look.live:
        action = latest.get(m.key)
        if action is None or m.state == "on_hold":
            continue
        own = [f"person:{id_}" for id_ in _here_themselves(look, m)]
        if any((m.key, one) in now_told for one in own):
            continue
        if own and _others_heard(look, m) and not any(_knows(look, m, one) for one in own):
            yield from ((action, one) for one in own)


def returns(look: Look) -> Iterator[datetime]:
    """Yield the morning on which each owner of an open milestone who is away now is back."""
    for m in look.live:
        for person in _usual(look, m):
            away = look.directory.absent.get(person.person_id)
            if away is not None:
                yield next_morning(look.calendar, start_of_day(away.away_to + ONE_DAY))


def _usual(look: Look, m: Milestone) -> Sequence[Person]:
    """Return those who hold the owner's role, away or not."""
    usual = meant(m.owner, look.policy, look.directory.with_all_here(), look.evaluation.facts)
    return () if usual.climbed else usual.people


def _here_themselves(look: Look, m: Milestone) -> Iterator[str]:
    """Yield the ids of those who hold the owner's role and act for themselves today."""
    for person in _usual(look, m):
        acting = look.directory.acting(person.person_id)
        if acting is not None and acting.person_id == person.person_id:
            yield person.person_id


def _others_heard(look: Look, m: Milestone) -> bool:
    return any(t.heard for t in look.about(m.key) if t.kind in TOLD_OF_IT and t.dated == dated(m.due_version))


def _knows(look: Look, m: Milestone, recipient: str) -> bool:
    """Tell whether somebody heard anything of a milestone, or is about to."""
    return any(recipient in told.heard or recipient in told.waits for told in look.about(m.key))
