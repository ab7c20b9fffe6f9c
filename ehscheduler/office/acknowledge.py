"""To acknowledge: one person has seen that a milestone is due, and is left alone about it for a bounded time.

It moves no deadline, and whoever is above hears as before. A dispute that stands at its last step cannot be put off.
"""

from collections.abc import Iterator
from datetime import date, datetime

from ehscheduler.core.acknowledgements import ACKNOWLEDGED, AT_MOST, at_most_until, lasts_until
from ehscheduler.core.calendars import london_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.events import Event
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import Directory
from ehscheduler.core.vocabulary import REASONS, nearest
from ehscheduler.errors import InputRefused
from ehscheduler.office.cases import evaluation_of
from ehscheduler.office.entry import Act, enter, event_of, held_case, withdrawn_of
from ehscheduler.plugins import Authority
from ehscheduler.store.events import events_of
from ehscheduler.store.people import people_of
from ehscheduler.store.store import Store
from ehscheduler.store.tx import Tx


def acknowledge(
    store: Store,
    authority: Authority,
    case_ref: str,
    milestone_key: str,
    *,
    person: str,
    reason: str,
    until: date | None = None,
    at: str | None = None,
    now: datetime,
    by: str,
) -> Act:
    """Leave one person alone about one milestone to the end of a day: the next working day, or `until`.

    Refused for who is not in the directory, for what is not open, for a dispute at its last step, and for a day that
    is past or further off than it may be.
    """
    when = event_of(case_ref, ACKNOWLEDGED, at or now.isoformat(), now, milestone_key, {})
    last = lasts_until(when.day, authority.calendar, until)
    detail = {"person": person, "reason": reason, "until": last.isoformat()}
    made = event_of(case_ref, ACKNOWLEDGED, at or now.isoformat(), now, milestone_key, detail)
    with store.begin() as tx:
        case = held_case(tx, authority, case_ref)
        events = events_of(tx, authority.name, case_ref)
        withdrawn = withdrawn_of(authority, case, events, now)
        for one in events:
            if _says_the_same(one, made) and one.id not in withdrawn:
                return Act(one, True)  # acknowledged twice on one day, in the same words, is once
        faults = list(_faults(tx, authority, made, last, evaluation_of(tx, authority, case_ref, now), now))
        if faults:
            raise InputRefused(faults)
        return enter(tx, authority, made, act="acknowledge", now=now, by=by)


def _says_the_same(one: Event, made: Event) -> bool:
    return (one.word, one.ref, one.day, one.detail) == (made.word, made.ref, made.day, made.detail)


def _faults(tx: Tx, authority: Authority, made: Event, last: date, found: Evaluation, now: datetime) -> Iterator[str]:
    """Yield everything that forbids an acknowledgement."""
    person, reason, key = str(made.detail["person"]), str(made.detail["reason"]), made.ref or ""
    people = Directory.on(people_of(tx, authority.name), london_day(now)).people
    if person not in people:
        yield f"{authority.name} has nobody {person!r} who is current"
    if reason not in REASONS:
        yield f"the reason is one of {', '.join(REASONS)}, not {reason!r}{nearest(reason, REASONS)}"
    furthest = at_most_until(made.day, authority.calendar)
    if last > furthest:
        yield f"until {last.isoformat()} is too far off: {AT_MOST} at most, which is {furthest.isoformat()}"
    if last < made.day:
        yield f"until {last.isoformat()} is past already; name today or a day after it"
    milestones = {m.key: m for m in found.milestones}
    if key not in milestones:
        yield f"case {made.case!r} has no milestone {key!r}{nearest(key, list(milestones))}"
    else:
        # One that comes when it has run out already is put on record, and quiets nobody.
        if last >= london_day(now):
            yield from _not_to_be_put_off(milestones[key], now)


def _not_to_be_put_off(m: Milestone, now: datetime) -> Iterator[str]:
    if not m.open:
        yield f"{m.case}: {m.key} is {m.state.replace('_', ' ')}, and nobody is told of it any more"
    elif m.chain is not None and m.chain.decides:
        reached = [rung for rung in m.rungs if rung.reached_at <= now]
        if reached and reached[-1].final:
            yield f"{m.case}: {m.key} is a dispute at its last step, which comes again until its decision is recorded"
