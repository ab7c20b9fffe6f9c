"""Who a role means on a case as it stands, and who is above a rung of its ladder."""

from collections.abc import Mapping, Sequence
from typing import Any

from ehscheduler.core.chains import OverdueStep
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import LINE_MANAGER, Directory, Resolved, resolve
from ehscheduler.core.policy import Policy
from ehscheduler.daemon.desk import as_word

Alarm = tuple[str, str, str]
"""A code, what it is about, and a sentence."""
NOBODY, UNFILLED = "nobody", "unfilled"
CLIMBED = ("escalation", "dispute")
"""The kinds of notice that are told to a rung of a ladder."""


def meant(
    role: str,
    policy: Policy,
    directory: Directory,
    facts: Mapping[str, Any],
    above: Sequence[str] = (),
    owners: Sequence[str] = (),
) -> Resolved:
    """Find the people a role means for a case with these facts; `above` are the roles of the rungs above.

    `owners` are those whose work is overdue, where it climbs a council's own ladder: the line manager is theirs then,
    and not the lead's, so that a manager's own overdue work goes to whoever is above that manager.
    """
    lead, team, hub = (as_word(facts.get(name)) for name in ("lead", "team", "meeting_hub"))
    if role != LINE_MANAGER or not owners:
        return resolve(role, policy, directory, lead=lead, team=team, hub=hub, above=above)
    # The head of a team is above whoever leads a case there, and not above a manager who has nobody above them.
    found = [
        resolve(role, policy, directory, lead=own, team=team if own == lead else None, above=above) for own in owners
    ]
    people = {person.person_id: person for one in found for person in one.people}
    return Resolved(tuple(people.values()), next((one.climbed for one in found if one.climbed), None))


def owners_of(
    m: Milestone | None, kind: str, policy: Policy, directory: Directory, facts: Mapping[str, Any]
) -> tuple[str, ...]:
    """Return whose work climbs a council's own ladder; nobody's for other notices, and where nobody is found."""
    if m is None or kind != "escalation" or policy.rule_of(m).escalate:
        return ()
    who = meant(m.owner, policy, directory, facts)
    # Where nobody holds the role, whoever is told in their place is the one above already.
    return () if who.climbed else tuple(person.person_id for person in who.people)


def place_of(role: str, policy: Policy, team: str | None) -> str:
    """Name what an alarm about a role is about."""
    return f"{policy.title_of_role(role)}, team {team or 'not given'}"


def alarm_of(role: str, who: Resolved, policy: Policy, team: str | None) -> Alarm | None:
    """Return what the operator is told of a role that reaches nobody, or somebody further up; None where it is well."""
    if who.climbed is None:
        return None
    place = place_of(role, policy, team)
    if not who.people:
        text = f"nobody can be told as {place} ({who.climbed}); add the person, their manager or who covers them"
        return NOBODY, place, f"{text} to people.csv or absences.csv"
    return UNFILLED, place, f"{who.climbed}: told one rung up; complete people.csv or absences.csv ({place})"


def rungs_above(m: Milestone | None, kind: str, stage: int | None, own: Sequence[OverdueStep]) -> tuple[str, ...]:
    """Return the roles of the rungs above the one that a notice is told to, nearest first; none for other notices.

    `own` is the council's own ladder, which is climbed where the milestone has not started one.
    """
    if kind not in CLIMBED or stage is None:
        return ()
    steps = (m.chain.own or m.chain.steps) if m and m.chain else own
    return tuple(dict.fromkeys(role for step in steps[stage:] for role in step.who))
