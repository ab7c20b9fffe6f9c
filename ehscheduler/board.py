"""What is open, and why: questions that people ask of what is stored."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from itertools import islice
from typing import Any

from ehscheduler.core.acknowledgements import Acknowledgement
from ehscheduler.core.actions import actions
from ehscheduler.core.calendars import london_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.explain import proof
from ehscheduler.core.meetings import sittings
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import Person
from ehscheduler.core.policy import Meeting, Policy, Standard
from ehscheduler.core.saying import london_iso, said_day, said_moment
from ehscheduler.core.vocabulary import nearest
from ehscheduler.core.workload import Holding, limits_for, most_of
from ehscheduler.errors import InputRefused
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.pure import notice_row
from ehscheduler.store.cases import case_refs, cases_due
from ehscheduler.store.milestones import open_milestones
from ehscheduler.store.notices import notices_of
from ehscheduler.store.outbox import outbox
from ehscheduler.store.people import people_of
from ehscheduler.store.store import Store
from ehscheduler.store.tx import Tx

EVERY_CASE = 1_000_000
SITTINGS = 6
"""Among so many of a meeting's planned sittings the next is found, though one was moved before another."""


@dataclass(frozen=True, slots=True)
class OpenRow:
    """One open milestone as the board shows it; `state` is "past" where the day of mere advice has gone by."""

    authority: str
    case: str
    key: str
    title: str
    clause: str
    state: str
    due_on: date | None
    window: str
    owner: str
    lead: str
    team: str

    def plain(self) -> Mapping[str, Any]:
        return asdict(self) | {"due_on": self.due_on.isoformat() if self.due_on else None}


@dataclass(frozen=True, slots=True)
class WorkRow:
    """How much of one kind of work a person holds, against one limit of the policy.

    A limit in proportion to hours (`pro_rata`) is that of their share of full time, which is 1 where nobody said.
    """

    authority: str
    limit: str
    title: str
    clause: str
    person: str
    kind: str
    held: int
    at_most: int | None
    at_least: int | None
    pro_rata: bool
    share: float = 1.0

    @property
    def state(self) -> str:
        if self.at_most is not None and self.held > self.at_most:
            return "over"
        if self.at_least is not None and self.held < self.at_least:
            return "under"
        return "full" if self.held == self.at_most else "within"

    def plain(self) -> Mapping[str, Any]:
        return asdict(self) | {"state": self.state}


@dataclass(frozen=True, slots=True)
class Agenda:
    """The next sitting of a meeting, of one hub where it sits by hub, and what is due at it.

    `bring_by` says until when a matter still comes before this sitting; what an earlier one did not hear is on it too.
    """

    authority: str
    meeting: str
    title: str
    clause: str
    hub: str
    sits_on: date
    bring_by: str
    items: tuple[OpenRow, ...]

    def plain(self) -> Mapping[str, Any]:
        return asdict(self) | {"sits_on": self.sits_on.isoformat(), "items": [item.plain() for item in self.items]}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which of what is open is asked for; blank means all."""

    by: date | None = None
    person: str = ""
    team: str = ""
    overdue: bool = False

    def about(self, found: Evaluation) -> bool:
        """Tell whether a case is one of the person's and of the team's."""
        return self.person in ("", found.facts.get("lead")) and self.team in ("", found.facts.get("team"))

    def takes(self, row: OpenRow) -> bool:
        in_time = self.by is None or (row.due_on is not None and row.due_on <= self.by)
        return in_time and (not self.overdue or row.state == "overdue")


@dataclass(frozen=True, slots=True)
class WorkingSet:
    """What there is to do in one authority: what is open, who holds how much, and what the next meetings take."""

    open: list[OpenRow]
    work: list[WorkRow]
    agendas: list[Agenda]


EVERYTHING = Asked()


def open_now(store: Store, authority: Authority, now: datetime, asked: Asked = EVERYTHING) -> list[OpenRow]:
    """List what is open at `now`, the earliest first, worked out from the events afresh."""
    return working_set(store, authority, now, asked).open


def working_set(store: Store, authority: Authority, now: datetime, asked: Asked = EVERYTHING) -> WorkingSet:
    """Work out what there is to do at `now` from the events afresh; each list in the order in which it is read."""
    with store.read() as tx:
        found = [evaluation_of(tx, authority, ref, now) for ref in _refs(tx, authority, now)]
        here = {p.person_id: p for p in people_of(tx, authority.name) if p.roles and p.current(london_day(now))}
    chosen = [one for one in found if asked.about(one)]
    rows = {one.case: _rows(one, authority) for one in chosen}
    leads = {str(one.facts.get("lead")) for one in chosen}
    return WorkingSet(
        sorted((row for listed in rows.values() for row in listed if asked.takes(row)), key=_in_order),
        [row for row in _work(authority, found, here) if row.person in leads],
        agendas_of(authority, chosen, london_day(now)),
    )


def _refs(tx: Tx, authority: Authority, now: datetime) -> list[str]:
    if authority.policy.limits:
        return sorted(case_refs(tx, authority.name))  # a case with nothing open is held by somebody all the same
    # What came in since the last tick has no rows yet, and is open all the same.
    due = cases_due(tx, authority.name, now=now, limit=EVERY_CASE)
    return sorted({*due, *(row.case_ref for row in open_milestones(tx, authority.name))})


def _in_order(row: OpenRow) -> tuple[bool, date, str, str]:
    return row.due_on is None, row.due_on or date.min, row.case, row.key


def _rows(found: Evaluation, authority: Authority) -> list[OpenRow]:
    lead, team = str(found.facts.get("lead") or ""), str(found.facts.get("team") or "")
    return [_row(m, authority, lead, team) for m in found.milestones if m.open]


def _row(m: Milestone, authority: Authority, lead: str, team: str) -> OpenRow:
    if m.due_at is None or m.due_on is None:
        window = "on hold" if m.state == "on_hold" else "no set time"
    else:
        window = said_moment(m.due_at) if m.in_hours else said_day(m.due_on)
    owner = authority.policy.title_of_role(m.owner)
    # Advice is never shown as overdue: its day has passed, and nothing is breached.
    state = "past" if m.force == "guide" and m.state == "overdue" else m.state
    return OpenRow(authority.name, m.case, m.key, m.title, m.clause, state, m.due_on, window, owner, lead, team)


# ---- who holds how much, and what the next meetings take


def _work(authority: Authority, found: Iterable[Evaluation], here: Mapping[str, Person]) -> Iterator[WorkRow]:
    """Count what each person holds, against the limits that they are held to."""
    held: dict[str, list[Holding]] = {}
    for holding in (holding for one in found for holding in one.holdings if holding.until is None):
        held.setdefault(holding.lead, []).append(holding)
    for lead, own in sorted(held.items()):
        person = here.get(lead)
        share = person.share if person else 1.0
        for limit in limits_for(authority.policy, person.roles if person else None):
            counts = {"families": len(own), "children": sum(one.children for one in own)}
            for kind in dict.fromkeys((*limit.at_most, *limit.at_least)):
                bounds = (limit.at_most.get(kind), limit.at_least.get(kind))
                most, least = (None if full is None else most_of(limit, full, share) for full in bounds)
                about = (authority.name, limit.id, limit.title, ", ".join(limit.clause))
                yield WorkRow(*about, lead, kind, counts[kind], most, least, limit.pro_rata, share)


def agendas_of(authority: Authority, found: Sequence[Evaluation], today: date) -> list[Agenda]:
    """Return the agenda of the next sitting of each meeting of a policy, hub by hub, from these cases."""
    return list(_agendas(authority, found, {one.case: _rows(one, authority) for one in found}, today))


def _agendas(
    authority: Authority, found: Sequence[Evaluation], rows: Mapping[str, list[OpenRow]], today: date
) -> Iterator[Agenda]:
    for meeting in authority.policy.meetings.values():
        of_hub: dict[str, list[OpenRow]] = {}
        for one in found:
            listed = [row for row in rows[one.case] if _taken_to(meeting, authority.policy, row)]
            hub = str(one.facts.get(meeting.per) or "") if meeting.per else ""
            if listed:
                of_hub.setdefault(hub, []).extend(listed)
        for hub, items in sorted(of_hub.items()) or [("", [])]:
            ahead = (held for held, _ in islice(sittings(meeting, authority.calendar, today, hub), SITTINGS))
            day = min((held for held in ahead if held >= today), default=None)
            if day is not None:
                # What an earlier sitting should have heard, and did not, comes before this one.
                due = tuple(sorted((row for row in items if row.due_on and row.due_on <= day), key=_in_order))
                said = (authority.name, meeting.id, meeting.title, ", ".join(meeting.clause), hub)
                yield Agenda(*said, day, bring_by(meeting, authority, day), due)


def bring_by(meeting: Meeting, authority: Authority, day: date) -> str:
    """Say until when a matter comes before a sitting (design 4.6)."""
    if isinstance(meeting.cut_off, time):
        return f"{meeting.cut_off:%H:%M} on {said_day(day)}"
    last = authority.calendar.earlier(day, meeting.cut_off) if meeting.cut_off else day - timedelta(days=1)
    return f"the end of {said_day(last)}"


def _taken_to(meeting: Meeting, policy: Policy, row: OpenRow) -> bool:
    """Tell whether one of the limits of a row is a sitting of this meeting."""
    rule = policy.rules[row.key.split("/")[0]]
    return any(
        meeting.id == due.meeting or (due.target and (due.target.kind, due.target.name) == ("meeting", meeting.id))
        for due in (rule.due if isinstance(rule, Standard) else ())
    )


# ---- proof cards


def proof_cards(store: Store, authority: Authority, case_ref: str, rule: str, now: datetime) -> list[dict[str, Any]]:
    """Return the proof of every milestone of a rule on a case, with what was told about each."""
    with store.read() as tx:
        found = evaluation_of(tx, authority, case_ref, now)
        chosen = [m for m in found.milestones if rule in (m.rule, m.key)]
        if not chosen:
            raise InputRefused([_none(tx, authority, found, rule)])
        return [_card(tx, authority, found, m, now) for m in chosen]


def _none(tx: Tx, authority: Authority, found: Evaluation, rule: str) -> str:
    if rule.split("/")[0] not in authority.policy.rules:
        return f"{authority.name} has no rule {rule!r}{nearest(rule, list(authority.policy.rules))}"
    keys = sorted(m.key for m in found.milestones)
    listed = (
        f"it has {', '.join(keys)}" if keys else f"it is one of {len(case_refs(tx, authority.name))} cases with none"
    )
    return f"case {found.case} has no milestone of {rule!r}; {listed}"


def _card(tx: Tx, authority: Authority, found: Evaluation, m: Milestone, now: datetime) -> dict[str, Any]:
    told = [
        row for row in outbox(tx, authority.name, case_ref=m.case, rule=m.rule, limit=500) if row.milestone == m.key
    ]
    decided = [n for n in notices_of(tx, authority.name, m.case, rule=m.rule) if n.milestone == m.key]
    ahead = actions(authority.policy, authority.calendar, [m], since=now, until=_horizon(now))
    return {
        **proof(m, authority.policy, authority.calendar),
        "policy_hash": authority.policy.text_hash,
        "acknowledged": [_acknowledged(one) for one in found.acknowledged if one.milestone == m.key],
        "told": [_told(row) for row in told],
        "kept_back": [{"kind": n.kind, "at": london_iso(n.at), "why": n.kept} for n in decided if n.kept],
        "ahead": [{**notice_row(action), "kept": action.kept} for action in ahead],
    }


def _acknowledged(one: Acknowledgement) -> dict[str, Any]:
    return {
        "person": one.person,
        "at": london_iso(one.moment),
        "until": one.until.isoformat(),
        "reason": one.reason or None,
    }


def _horizon(now: datetime) -> datetime:
    return now.replace(year=now.year + 1, day=min(now.day, 28))


def _told(row: Any) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "at": london_iso(row.at),
        "recipient": row.recipient,
        "channel": row.channel,
        "state": row.state,
        "why": row.why,
        "message_id": row.message_id,
        "sent_at": london_iso(row.sent_at) if row.sent_at else None,
        "server_answer": row.server_answer,
    }
