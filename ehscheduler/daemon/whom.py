"""Who hears a notice, and from when it may be sent to each."""

from datetime import datetime, timedelta

from ehscheduler.core.actions import MORNING, Action, next_morning
from ehscheduler.core.calendars import at_clock, london_day
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import WEEKDAYS, Person
from ehscheduler.daemon.desk import EVERY_TEAM
from ehscheduler.daemon.handover import HANDOVER
from ehscheduler.daemon.look import Decision, Look
from ehscheduler.daemon.meant import Alarm, alarm_of, meant, owners_of, rungs_above
from ehscheduler.daemon.moved import CHANGED, dated, had_it, untold
from ehscheduler.daemon.told import HAD_IT, KNEW, LATE, SHADOW

AT_ONCE = ("escalation", "dispute", "baseline")
"""Kinds that wait for nobody's working day."""
IN_SIGHT = 29
"""How many days ahead a day is looked for on which somebody works."""


def addressed(look: Look, action: Action, moved: datetime | None, alarms: list[Alarm]) -> Decision | None:
    """Give a notice its recipients; None where it reaches nobody, which is an alarm and is tried again.

    `moved` is when the milestone's date moved to the present one, if it did.
    """
    told = look.known(action)
    key = look.key(action) if told is None else f"{look.key(action)}|{told.times + 1}"
    episode = look.evaluation.episode
    if look.silent == SHADOW:  # who would have heard is kept for the report, and nobody does
        meant_for = _recipients(look, action, [])
        after = {recipient: _send_after(look, action, recipient) for recipient in meant_for}
        return Decision(action, key, episode, meant_for, after, kept=SHADOW)
    if look.silent:
        return Decision(action, key, episode, kept=look.silent)
    if look.feed_late and action.kind == "escalation":
        return Decision(action, key, episode, kept=LATE)
    everybody = _recipients(look, action, alarms)
    if not everybody:
        return None
    recipients = everybody
    if moved is not None and action.at <= moved and action.kind != CHANGED:
        recipients = tuple(r for r in everybody if not had_it(look, action, r))
    if not recipients:
        return Decision(action, key, episode, kept=HAD_IT)
    if action.kind == "escalation" and not _again(look, action):
        recipients = tuple(r for r in recipients if not _knows(look, action, r))
        if not recipients:
            return Decision(action, key, episode, kept=KNEW)
    after = {recipient: _send_after(look, action, recipient) for recipient in recipients}
    return Decision(action, key, episode, recipients, after)


def _again(look: Look, action: Action) -> bool:
    """Tell whether a rung is one that comes again each morning."""
    m = _milestone(look, action)
    return action.repeat > 0 or any(r.final for r in (m.rungs if m else ()) if r.stage == action.stage)


def _knows(look: Look, action: Action, recipient: str) -> bool:
    """Tell whether somebody was told that a milestone is overdue: they stand in for its owner, or are two rungs."""
    return any(
        told.kind in ("overdue", "escalation")
        and told.dated == dated(action.due_version)
        and (told.stage or 0) < (action.stage or 0)
        and (recipient in told.heard or recipient in told.waits)
        for told in look.about(action.key)
    )


def _recipients(look: Look, action: Action, alarms: list[Alarm]) -> tuple[str, ...]:
    if action.kind == "baseline" and not look.restricted:
        return (f"team:{look.team or ''}",)
    if action.kind == CHANGED:
        return untold(look, next(m for m in look.live if m.key == action.key))
    found: dict[str, None] = {}
    milestone, facts = _milestone(look, action), look.evaluation.facts
    above = rungs_above(milestone, action.kind, action.stage, look.overdue_ladder)
    owners = owners_of(milestone, action.kind, look.policy, look.directory, facts)
    for role in action.to_roles:
        who = meant(role, look.policy, look.directory, facts, above, owners)
        alarm = alarm_of(role, who, look.policy, look.team)
        alarms += [alarm] if alarm else []
        found.update((f"person:{person.person_id}", None) for person in who.people)
    if look.team in look.duty_teams and (not found or (action.immediate and not look.at_work)):
        found[f"team:{look.team}"] = None
    if not found and EVERY_TEAM in look.duty_teams:
        found[f"team:{EVERY_TEAM}"] = None
    return tuple(found)


def _send_after(look: Look, action: Action, recipient: str) -> datetime:
    """Return from when a delivery may be sent: at once, or on the next working morning on which its person works."""
    after = _from_when(look, action, recipient)
    person = look.directory.people.get(recipient.removeprefix("person:"))
    if person is None or action.immediate or action.kind in AT_ONCE or person.works_on(london_day(after)):
        return after
    later = _next_worked(look, person, after)
    milestone = _milestone(look, action)
    limit = milestone.due_at if milestone else None
    return after if limit is not None and after <= limit < later else later


def _next_worked(look: Look, person: Person, moment: datetime) -> datetime:
    """Return the next working morning on which a person works; a Saturday is one for who works on Saturdays."""
    day = london_day(moment)
    for ahead in (day + timedelta(days=n) for n in range(1, IN_SIGHT)):
        weekend = ahead.isoweekday() > len(WEEKDAYS)
        if person.works_on(ahead) and (weekend or look.calendar.is_working(ahead)):
            return at_clock(ahead, MORNING)
    return moment


def _milestone(look: Look, action: Action) -> Milestone | None:
    return next((m for m in look.live if m.key == action.key), None)


def _from_when(look: Look, action: Action, recipient: str) -> datetime:
    """Return from when a delivery may be sent to somebody who works every day."""
    morning = next_morning(look.calendar, look.now)
    if action.kind in ("baseline", CHANGED, HANDOVER):
        return morning  # one list for all of a team, and one line among the others of a digest
    if action.immediate:
        waits = recipient.startswith("person:") and look.team in look.duty_teams and not look.at_work
        return morning if waits else look.now
    # What fell due since the last tick goes out now, and so does a rung whose time has just run; what late news
    # brought to light waits for the morning.
    fresh = action.kind == "escalation" or action.at > look.last_tick
    return look.now if fresh and look.at_work else morning
