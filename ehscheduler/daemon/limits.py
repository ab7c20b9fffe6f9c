"""Limits of work: whoever goes over one, their manager hears of it, once for each time that it is crossed."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice

from ehscheduler.core.actions import next_morning
from ehscheduler.core.calendars import london_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.people import Directory
from ehscheduler.core.workload import Crossing, crossings, limits_for
from ehscheduler.daemon.desk import EVERY_TEAM, Desk
from ehscheduler.daemon.hearing import Hearing
from ehscheduler.daemon.meant import alarm_of, meant
from ehscheduler.daemon.recheck import Around, Checked, Drop
from ehscheduler.daemon.told import NOT_YET_LIVE, SHADOW
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import raise_alarm
from ehscheduler.store.holdings import counted, holdings_of, is_stale, note_over, stood_over
from ehscheduler.store.notices import NewDelivery, Notice, add_notices
from ehscheduler.store.outbox import Waiting
from ehscheduler.store.people import directory_of
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

LIMIT = "limit"
COUNTED = "the cases of this council"


def tell_limits(desk: Desk, authority: Authority, now: datetime) -> int:
    """Count work anew where it may have changed, and tell of limits that were crossed; return how many are new."""
    if not authority.policy.limits:
        return 0
    with desk.store.begin() as tx:
        if not is_stale(tx, authority.name, london_day(now)):
            return 0
        directory = desk.directory(tx, authority.name, now)
        over = standing(tx, authority, directory)
        wanted = list(_wanted(tx, desk, authority, directory, over, now))
        new = add_notices(tx, authority.name, wanted)
        _trail(tx, authority.name, [(notice, to) for notice, to in wanted if notice.key in new], now)
        note_over(tx, authority.name, {milestone_of(one): (key, one.at) for key, one in over.items()}, now)
        # Of what reached nobody the next turn asks again.
        counted(tx, authority.name, london_day(now) if len(wanted) == len(over) else None)
    return len(new)


def _trail(tx: Tx, name: str, decided: Sequence[tuple[Notice, Sequence[NewDelivery]]], now: datetime) -> None:
    """Note what was decided about each crossing, as is noted of a case: to whom it goes, and why it does not."""
    for notice, to in decided:
        kept = {"kept": notice.kept} if notice.kept else {}
        said = {"notice": notice.key, "to": [one.recipient for one in to], **kept}
        detail = {"notices": [said]}
        append_trail(tx, name, at=now, who="daemon", act="decide", case_ref=notice.case_ref, detail=detail)


def standing(tx: Tx, authority: Authority, directory: Directory) -> dict[str, Crossing]:
    """Return the limits that people are over as their work is counted now, by the name of each crossing.

    It is named after whose work, over which limit, and since which instant. Who was over it at the last count, and has
    not been within it since, has not crossed it again, wherever a retraction, a late record or another share has put
    that instant: the name stays.
    """
    people = directory.people.values()
    roles: Mapping[str, tuple[str, ...]] = {person.person_id: person.roles for person in people}
    shares = {person.person_id: person.share for person in people}
    found = crossings(authority.policy, holdings_of(tx, authority.name), roles, shares)
    before, counted_at = stood_over(tx, authority.name)
    ended = {(milestone_of(one), one.at) for one in found if one.until is not None}
    over: dict[str, Crossing] = {}
    for one in (one for one in found if one.until is None):
        about = milestone_of(one)
        name, at = before.get(about, ("", one.at))
        goes_on = name and counted_at is not None and one.at <= counted_at and (about, at) not in ended
        over[name if goes_on else f"{one.lead}|{LIMIT}|{one.limit.id}|{one.kind}|{one.at:%Y%m%dT%H%M%S}"] = one
    return over


def taken_as_full_time(tx: Tx, authority: Authority, now: datetime) -> list[str]:
    """Name who leads a case under a limit in proportion to hours, and counts as full time: nobody said otherwise."""
    if not any(limit.pro_rata for limit in authority.policy.limits.values()):
        return []
    people = directory_of(tx, authority.name, london_day(now)).people
    leads = {one.lead for one in holdings_of(tx, authority.name) if one.until is None}
    full = [people[lead] for lead in sorted(leads) if lead in people and people[lead].share == 1]
    return [p.person_id for p in full if any(limit.pro_rata for limit in limits_for(authority.policy, p.roles))]


def milestone_of(one: Crossing) -> str:
    return f"{one.limit.id}/{one.lead}/{one.kind}"


def _wanted(
    tx: Tx, desk: Desk, authority: Authority, directory: Directory, over: Mapping[str, Crossing], now: datetime
) -> Iterator[tuple[Notice, list[NewDelivery]]]:
    """Yield a notice for each crossing that stands; what stood before going live is told once when it is live."""
    live, live_from = desk.config.live_for(authority.name), desk.live_from(tx, authority.name, now)
    kept = SHADOW if live.mode == "shadow" else NOT_YET_LIVE if london_day(now) < live_from else None
    for key, one in over.items():
        to = () if kept else _recipients(tx, desk, authority, directory, one, now)
        if kept or to:
            after = next_morning(authority.calendar, now)
            hearing = Hearing.of(tx, desk.config, authority.name, directory)
            yield _notice(one, key, kept, now), [hearing.delivery(r, LIMIT, after, immediate=False) for r in to]


def _recipients(
    tx: Tx, desk: Desk, authority: Authority, directory: Directory, one: Crossing, now: datetime
) -> tuple[str, ...]:
    """Return who is told of a crossing: the limit's own, of the team of whoever is over it, and never they alone."""
    person = directory.people.get(one.lead) or directory.known.get(one.lead)
    team = person.team if person else None
    found: dict[str, None] = {}
    for role in one.limit.tell:
        who = meant(role, authority.policy, directory, {"lead": one.lead, "team": team})
        if (alarm := alarm_of(role, who, authority.policy, team)) is not None:
            code, subject, text = alarm
            raise_alarm(tx, authority.name, code=code, subject=subject, text=text, at=now)
        found.update((f"person:{p.person_id}", None) for p in who.people if p.person_id != one.lead)
    if not found:  # a manager who leads cases is over a limit of their own: whoever is above them hears
        above = (directory.acting(id_) for id_ in directory.managers_above(one.lead))
        found.update((f"person:{p.person_id}", None) for p in islice((p for p in above if p), 1))
    duty = desk.config.duty.get(authority.name, {})
    return tuple(found) or tuple(f"team:{name}" for name in (team, EVERY_TEAM) if name in duty)[:1]


def _notice(one: Crossing, key: str, kept: str | None, now: datetime) -> Notice:
    return Notice(
        key=f"{key}|kept" if kept else key,
        case_ref=one.case,
        episode=1,
        rule=one.limit.id,
        milestone=milestone_of(one),
        kind=LIMIT,
        stage=None,
        repeat=0,
        due_version=f"{one.kind} {one.at:%Y%m%dT%H%M%S}",
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
    now_called = next((key for key, one in over.items() if milestone_of(one) == notice.milestone), None)
    if now_called is None:
        return Drop(notice, "they are within the limit again")
    if now_called != notice.key:
        return Drop(notice, "it was crossed again since, and that is told")
    one = over[notice.key]
    to = _recipients(tx, around.desk, authority, around.directory, one, around.now)
    if around.recipient not in to:
        return Drop(notice, "somebody else is to know of it now", to)
    return Checked(waiting, one, found)
