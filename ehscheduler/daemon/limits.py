"""Limits of work: whoever goes over one, their manager hears of it, once for each time that it is crossed."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from ehscheduler.core.actions import next_morning
from ehscheduler.core.calendars import london_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.people import Directory
from ehscheduler.core.workload import Crossing, crossings
from ehscheduler.daemon.desk import EVERY_TEAM, MAIL, Desk
from ehscheduler.daemon.meant import alarm_of, meant
from ehscheduler.daemon.recheck import Around, Checked, Drop
from ehscheduler.daemon.told import NOT_YET_LIVE, SHADOW
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import raise_alarm
from ehscheduler.store.holdings import STALE, holdings_of, is_stale
from ehscheduler.store.notices import NewDelivery, Notice, add_notices
from ehscheduler.store.outbox import Waiting
from ehscheduler.store.state import put_state
from ehscheduler.store.tx import Tx

LIMIT = "limit"
STOOD_BEFORE = "it stood before going live; 'ehscheduler due' lists it"
COUNTED = "the cases of this council"


def tell_limits(desk: Desk, authority: Authority, now: datetime) -> int:
    """Count work anew where it may have changed, and tell of limits that were crossed; return how many are new."""
    if not authority.policy.limits:
        return 0
    with desk.store.begin() as tx:
        if not is_stale(tx, authority.name):
            return 0
        directory = desk.directory(tx, authority.name, now)
        wanted = list(_wanted(tx, desk, authority, directory, now))
        new = add_notices(tx, authority.name, wanted)
        put_state(tx, authority.name, STALE, False)
    return len(new)


def standing(tx: Tx, authority: Authority, directory: Directory) -> list[Crossing]:
    """Return the limits that people are over as their work is counted now."""
    people = directory.people.values()
    roles: Mapping[str, tuple[str, ...]] = {person.person_id: person.roles for person in people}
    shares = {person.person_id: person.share for person in people}
    found = crossings(authority.policy, holdings_of(tx, authority.name), roles, shares)
    return [one for one in found if one.until is None]


def key_of(one: Crossing) -> str:
    """Name a crossing: whose work, over which limit, and since which day."""
    return f"{one.lead}|{LIMIT}|{one.limit.id}|{one.kind}|{london_day(one.at):%Y%m%d}"


def milestone_of(one: Crossing) -> str:
    return f"{one.limit.id}/{one.lead}/{one.kind}"


def _wanted(
    tx: Tx, desk: Desk, authority: Authority, directory: Directory, now: datetime
) -> Iterator[tuple[Notice, list[NewDelivery]]]:
    live, live_from = desk.config.live_for(authority.name), desk.live_from(tx, authority.name, now)
    for one in standing(tx, authority, directory):
        kept = None
        if live.mode == "shadow":
            kept = SHADOW
        elif london_day(now) < live_from:
            kept = NOT_YET_LIVE
        elif london_day(one.at) < live_from:
            kept = STOOD_BEFORE
        to = () if kept else _recipients(tx, desk, authority, directory, one, now)
        if kept or to:
            after = next_morning(authority.calendar, now)
            yield _notice(one, kept, now), [NewDelivery(recipient=r, channel=MAIL, send_after=after) for r in to]


def _recipients(
    tx: Tx, desk: Desk, authority: Authority, directory: Directory, one: Crossing, now: datetime
) -> tuple[str, ...]:
    """Return who is told of a crossing: the limit's own, of the team of whoever is over it."""
    person = directory.people.get(one.lead) or directory.known.get(one.lead)
    team = person.team if person else None
    found: dict[str, None] = {}
    for role in one.limit.tell:
        who = meant(role, authority.policy, directory, {"lead": one.lead, "team": team})
        if (alarm := alarm_of(role, who, authority.policy, team)) is not None:
            code, subject, text = alarm
            raise_alarm(tx, authority.name, code=code, subject=subject, text=text, at=now)
        found.update((f"person:{p.person_id}", None) for p in who.people if p.person_id != one.lead)
    duty = desk.config.duty.get(authority.name, {})
    return tuple(found) or tuple(f"team:{name}" for name in (team, EVERY_TEAM) if name in duty)[:1]


def _notice(one: Crossing, kept: str | None, now: datetime) -> Notice:
    return Notice(
        key=key_of(one),
        case_ref=one.case,
        episode=1,
        rule=one.limit.id,
        milestone=milestone_of(one),
        kind=LIMIT,
        stage=None,
        repeat=0,
        due_version=f"{one.kind} {london_day(one.at):%Y%m%d}",
        at=one.at,
        decided_at=now,
        to_roles=one.limit.tell,
        immediate=False,
        kept=kept,
        clause=", ".join(one.limit.clause),
        source=COUNTED,
    )


def still_over(tx: Tx, around: Around, waiting: Waiting, found: Evaluation) -> Checked | Drop:
    """Decide whether a crossing is still told to its recipient, on how work stands now."""
    notice, authority = waiting.notice, around.authority
    over = standing(tx, authority, around.directory)
    one = next((one for one in over if milestone_of(one) == notice.milestone), None)
    if one is None:
        return Drop(notice, "they are within the limit again")
    to = _recipients(tx, around.desk, authority, around.directory, one, around.now)
    if around.recipient not in to:
        return Drop(notice, "somebody else is to know of it now", to)
    return Checked(waiting, one, found)
