"""What each person has ahead, for a calendar: their due dates, and the meetings to which their cases go.

Each has what the notices would tell them today: leads and role holders their own, and who covers what they cover.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

from ehscheduler.board import SITTINGS, bring_by
from ehscheduler.core.calendars import london_day, start_of_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.meetings import sittings
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import LEAD, Directory, resolve
from ehscheduler.core.policy import Meeting, Standard
from ehscheduler.core.saying import said_day, said_moment
from ehscheduler.core.vocabulary import is_restricted
from ehscheduler.notify.ics import Entry
from ehscheduler.notify.ics_files import Diary
from ehscheduler.notify.links import link_to
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.store.cases import case_refs
from ehscheduler.store.people import directory_of
from ehscheduler.store.store import Store

DUE, ADVISED, MEETING = "Early Help: due", "Early Help: advised by today", "Early Help: meeting"
"""All that a lock screen shows: fixed words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Showing:
    """What is shown: which rules (None: all), whether by the case's own reference, and a link where there is one."""

    rules: Collection[str] | None = None
    references: bool = True
    link: str = ""


@dataclass(frozen=True, slots=True)
class _Look:
    authority: Authority
    directory: Directory
    showing: Showing
    today: date
    entries: dict[str, list[Entry]] = field(default_factory=dict)
    sittings: dict[tuple[str, str, str, date], tuple[date, set[str]]] = field(default_factory=dict)
    """By person, meeting, hub and planned day: the day on which it sits, and the cases that go to it."""

    def people(self, role: str, facts: Mapping[str, Any]) -> tuple[str, ...]:
        """Return who acts in a role on a case today."""
        lead, team, hub = (str(facts[name]) if facts.get(name) else None for name in ("lead", "team", "meeting_hub"))
        found = resolve(role, self.authority.policy, self.directory, lead=lead, team=team, hub=hub)
        return tuple(person.person_id for person in found.people)


def diaries(store: Store, authority: Authority, now: datetime, showing: Showing) -> list[Diary]:
    """Work out what each current person has ahead; whoever has left has nothing."""
    with store.read() as tx:
        look = _Look(authority, directory_of(tx, authority.name, london_day(now)), showing, london_day(now))
        for ref in sorted(case_refs(tx, authority.name)):
            _add(look, evaluation_of(tx, authority, ref, now))
    for (person, *_), entry in _meetings(look):
        look.entries.setdefault(person, []).append(entry)
    here = look.directory.people
    return [
        Diary(person, tuple(look.entries.get(person, ())), left=person not in here)
        for person in sorted({*here, *look.directory.known})
    ]


def _add(look: _Look, found: Evaluation) -> None:
    """Add what one case gives everybody: its dates, and the meetings to which it goes; a restricted one nothing."""
    if is_restricted(found.facts):
        return
    leads = look.people(LEAD, found.facts)
    for m in found.milestones:
        if not m.open or m.due_on is None or m.due_at is None:
            continue
        if look.showing.rules is not None and m.rule not in look.showing.rules:
            continue
        owners = look.people(m.owner, found.facts)
        for person in owners:
            look.entries.setdefault(person, []).append(_due(look, m, person))
        for key, held in _sittings_of(look, m, m.due_on, found.facts):
            for person in {*owners, *leads}:
                look.sittings.setdefault((person, *key), (held, set()))[1].add(m.case)


# ---- due dates


def _due(look: _Look, m: Milestone, person: str) -> Entry:
    assert m.due_on is not None  # noqa: S101 - asked by whoever calls this
    shown, template = look.showing.references, look.showing.link
    return Entry(
        identity=json.dumps(["due", look.authority.name, m.case, m.episode, m.key, person]),
        when=m.due_at if m.in_hours and m.due_at else m.due_on,
        summary=ADVISED if m.force == "guide" else DUE,
        lines=tuple(_said(look, m)),
        # The address of a case holds its reference.
        link=link_to(template, m.case) if template and shown else None,
    )


def _said(look: _Look, m: Milestone) -> Iterator[str]:
    """Yield what an entry says: nothing that changes from day to day, and nothing of the family."""
    yield f"{m.title} (clause {m.clause})"
    if look.showing.references:
        yield f"Case {m.case}"
    yield f"Limit: {said_moment(m.due_at) if m.in_hours and m.due_at else said_day(m.due_on or look.today)}"
    if m.opens_at is not None and m.opens_on is not None:
        whole = m.opens_at == start_of_day(m.opens_on)
        yield f"Not before {said_day(m.opens_on) if whole else said_moment(m.opens_at)}"
    if m.best_by_on is not None:
        yield f"Best by {said_day(m.best_by_on)}"
    if m.force == "guide":
        yield "Advice: nothing is breached when its day has passed"
    if m.anchor_time_unknown:
        yield "Counted from the end of a day, as its time was not recorded"
    yield f"Owner: {look.authority.policy.title_of_role(m.owner)}"


# ---- meetings


def _sittings_of(
    look: _Look, m: Milestone, due_on: date, facts: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, str, date], date]]:
    """Yield each sitting to which a milestone goes: the meeting, its hub and its planned day, and when it is held.

    It is that of its limit; what an earlier one should have heard, and did not, comes before the next.
    """
    rule = look.authority.policy.rule_of(m)
    for meeting in look.authority.policy.meetings.values():
        if not (isinstance(rule, Standard) and _goes_to(meeting, rule)):
            continue
        hub = str(facts.get(meeting.per) or "") if meeting.per else ""
        since = max(m.winner.target or due_on, look.today)
        planned = islice(sittings(meeting, look.authority.calendar, since, hub), SITTINGS)
        ahead = min(((held, day) for held, day in planned if held >= since), default=None)
        if ahead is not None:
            yield (meeting.id, hub, ahead[1]), ahead[0]


def _goes_to(meeting: Meeting, rule: Standard) -> bool:
    """Tell whether one of a rule's limits is a sitting of a meeting."""
    return any(
        meeting.id == due.meeting or (due.target and (due.target.kind, due.target.name) == ("meeting", meeting.id))
        for due in rule.due
    )


def _meetings(look: _Look) -> Iterator[tuple[tuple[str, str, str, date], Entry]]:
    for key, (held, cases) in sorted(look.sittings.items()):
        person, name, hub, planned = key
        meeting = look.authority.policy.meetings[name]
        identity = ["meeting", look.authority.name, name, hub, planned.isoformat(), person]
        yield (
            key,
            Entry(
                identity=json.dumps(identity),
                when=held,
                summary=MEETING,
                lines=(
                    f"{meeting.title} (clause {', '.join(meeting.clause)})",
                    f"{said_day(held)}; bring matters by {bring_by(meeting, look.authority, held)}",
                    _listed(sorted(cases), look.showing),
                ),
            ),
        )


def _listed(cases: Sequence[str], showing: Showing) -> str:
    count = "1 case" if len(cases) == 1 else f"{len(cases)} cases"
    named = f" ({', '.join(cases)})" if showing.references else ""
    return f"Of yours on its agenda: {count}{named}"
