"""A case that went to another lead: the new one gets one list of what stands open in it, the old one nothing more."""

from collections.abc import Iterator

from ehscheduler.core.actions import Action, next_morning
from ehscheduler.core.calendars import Calendar, london_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.handovers import HandOver
from ehscheduler.core.milestones import Milestone
from ehscheduler.daemon.look import Look
from ehscheduler.daemon.meant import meant

HANDOVER = "handover"
LEAD = "lead"


def handed_over(found: Evaluation, calendar: Calendar) -> HandOver | None:
    """Return the hand-over by which the present lead has a case; None where it went there and back in one morning."""
    if not found.handovers:
        return None
    last = found.handovers[-1]
    morning = next_morning(calendar, last.known_at)
    together = [one for one in found.handovers if next_morning(calendar, one.known_at) == morning]
    first = together[0]
    return None if first.before == last.lead != first.lead else last


def former_leads(found: Evaluation) -> set[str]:
    """Name as recipients those who had a case in this episode and have it no more."""
    now = found.handovers[-1].lead if found.handovers else ""
    return {f"person:{who}" for one in found.handovers for who in (one.before, one.lead) if who != now}


def to_list(look: Look) -> Iterator[Action]:
    """Yield a notice for each milestone that stood open at a hand-over, is the lead's, and is news to the new one."""
    change = handed_over(look.evaluation, look.calendar)
    if change is None or london_day(change.known_at) < look.live_from:
        return
    for m in look.live:
        if m.state == "on_hold" or (m.starts_at is not None and m.starts_at > change.known_at):
            continue
        action = Action(
            change.known_at, HANDOVER, m.case, m.rule, m.key, None, (LEAD,), m.clause, m.due_version, repeat=change.n
        )
        if _is_the_leads(look, m) and _is_news(look, action, change):
            yield action


def _is_the_leads(look: Look, m: Milestone) -> bool:
    return bool(_people(look, m.owner) & _people(look, LEAD))


def _people(look: Look, role: str) -> set[str]:
    found = meant(role, look.policy, look.directory, look.evaluation.facts).people
    return {f"person:{person.person_id}" for person in found}


def _is_news(look: Look, action: Action, change: HandOver) -> bool:
    """Tell whether nothing was listed by this hand-over yet, and nothing else tells the new lead of the milestone."""
    to = _people(look, LEAD)
    for told in look.about(action.key):
        if told.kind == HANDOVER:
            same = told.due_version == action.due_version or not told.waits
            if told.repeat == action.repeat and not told.lapsed and same:
                return False
        elif any(r in told.waits or (r in told.heard and told.heard[r] >= change.known_at) for r in to):
            return False
    return True
