"""What a manager's week holds, team by team: what is to be decided, what falls due, and what is not moving."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ehscheduler.core.calendars import london_day
from ehscheduler.core.disputed import Dispute, disputes_of
from ehscheduler.core.drift import Drifting, drifting
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.events import Event
from ehscheduler.core.history import known_by
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.saying import said_moment
from ehscheduler.core.vocabulary import is_restricted
from ehscheduler.daemon.limits import standing
from ehscheduler.daemon.lines import line_for, link_of
from ehscheduler.daemon.meant import meant
from ehscheduler.daemon.recheck import Around
from ehscheduler.errors import InputRefused
from ehscheduler.notify.messages import Line, TeamWeek
from ehscheduler.notify.words import count_words, day_words, list_words, recorded_words
from ehscheduler.office import evaluation_of
from ehscheduler.store.cases import CaseRecord, case_of
from ehscheduler.store.events import events_of
from ehscheduler.store.outbox import outbox
from ehscheduler.store.turns import open_case_refs
from ehscheduler.store.tx import Tx

AGREED = ("relaxation_agreed", "extension_approved")
EVERY = 100_000
OURS = "A number behind this is not in the document; it is your council's, or ours."


@dataclass(slots=True)
class _Team:
    """What is gathered of one team."""

    lines: list[Line] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _One:
    """One case with all that its lines are made of."""

    found: Evaluation
    events: list[Event]
    record: CaseRecord

    @property
    def recorded(self) -> str:
        return recorded_words(self.record.source, self.record.read_at)


class Weeks:
    """The weeks of an authority's teams, worked out once for all managers of one round."""

    def __init__(self) -> None:
        self._found: Mapping[str, TeamWeek] | None = None

    def of(self, tx: Tx, around: Around, team: str) -> TeamWeek | None:
        """Return a team's week; None where it has no open cases."""
        if self._found is None:
            self._found = dict(_weeks(tx, around))
        return self._found.get(team)


def _weeks(tx: Tx, around: Around) -> Iterator[tuple[str, TeamWeek]]:
    name, now = around.authority.name, around.now
    teams: dict[str, _Team] = {}
    for ref in sorted(open_case_refs(tx, name, now)):
        try:
            found = evaluation_of(tx, around.authority, ref, now)
        except InputRefused:
            continue  # the operator hears of a case that cannot be worked out
        record, team = case_of(tx, name, ref), teams.setdefault(str(found.facts.get("team") or ""), _Team())
        team.counts["open"] += 1
        if is_restricted(found.facts):
            team.counts["restricted"] += 1
        elif record is not None:
            _add(tx, around, team, _One(found, events_of(tx, name, ref), record))
    people = _people(tx, around)
    for name_, one in teams.items():
        if name_:
            said = (*people.get(name_, ()), *_unled(one))
            yield name_, TeamWeek(team=name_, counts=_counted(one), lines=tuple(one.lines), said=said)


def _add(tx: Tx, around: Around, team: _Team, one: _One) -> None:
    found, policy, today = one.found, around.authority.policy, around.day
    monday = today - timedelta(days=today.weekday())
    live = around.desk.config.live_for(around.authority.name).rules
    disputes = [d for d in disputes_of(policy, found, one.events, around.now) if d.open]
    disputed = {d.milestone.key for d in disputes}
    if not found.facts.get("lead"):
        team.counts["unled"] += 1
    for dispute in disputes:
        team.lines.append(_dispute_line(around, one, dispute))
    for m in found.milestones:
        if m.key in disputed or (live is not None and m.rule not in live):
            continue
        if m.met_at is not None and monday - timedelta(days=7) <= london_day(m.met_at) < monday:
            team.counts[m.state] += 1
        if m.state == "overdue" and m.force != "guide":
            team.lines.append(_line(around, one, m, told=_told(tx, around, m)))
            team.counts["past"] += 1
        elif m.open and m.state != "overdue" and m.due_on is not None and m.due_on < monday + timedelta(days=7):
            team.lines.append(_line(around, one, m))
            team.counts["coming"] += 1
    known = known_by(one.events, around.now)
    team.counts["agreed"] += sum(1 for e in known if e.word in AGREED and monday - timedelta(days=7) <= e.day < monday)
    numbers = around.desk.config.drift_numbers(around.authority.name)
    drift = drifting(policy, around.authority.calendar, found, one.events, around.now, numbers)
    if drift is not None:
        team.lines.append(_drift_line(around, one, drift))


# ---- lines


def _line(around: Around, one: _One, m: Milestone, *, told: str = "") -> Line:
    who = meant(m.owner, around.authority.policy, around.directory, one.found.facts)
    return line_for(
        around,
        m,
        kind="weekly",
        recorded=one.recorded,
        owner_name=list_words([person.name for person in who.people]) if not who.climbed else "",
        more=(told,) if told else (),
    )


def _told(tx: Tx, around: Around, m: Milestone) -> str:
    """Say how far up a ladder something overdue has gone."""
    rows = outbox(tx, around.authority.name, case_ref=m.case, rule=m.rule, states=["handed_over"], limit=EVERY)
    up = [row for row in rows if row.milestone == m.key and row.kind == "escalation" and row.sent_at]
    if not up:
        return ""
    last = max(up, key=lambda row: (row.stage or 0, row.sent_at or row.at))
    return f"Told to step {last.stage} of its ladder on {day_words(london_day(last.sent_at or last.at))}."


def _dispute_line(around: Around, one: _One, dispute: Dispute) -> Line:
    policy, rung = around.authority.policy, dispute.rung
    asked = list_words([policy.title_of_role(role) for role in (rung.waits_for if rung else ())])
    until = f", by {said_moment(rung.due_at)}" if rung and rung.due_at else ""
    since = day_words(dispute.raised.day)
    made = line_for(around, dispute.milestone, kind="dispute", recorded=one.recorded, owner_name="", more=())
    window = f"raised on {since}; waits for {asked or 'a decision'}{until}"
    return replace(made, window=window, state="due")


def _drift_line(around: Around, one: _One, drift: Drifting) -> Line:
    policy = around.authority.policy
    lead = around.directory.known.get(str(one.found.facts.get("lead") or ""))
    clauses = list(dict.fromkeys(signal.clause for signal in drift.signals if signal.clause))
    ours, said = any(signal.ours for signal in drift.signals), list_words([signal.evidence for signal in drift.signals])
    return Line(
        case_ref=one.found.case,
        title=said[:1].upper() + said[1:],
        clause=", ".join(clauses),
        kind="drift",
        state="due",
        window="look at it with the worker" if not drift.signals[0].asks else drift.signals[0].asks,
        owner_title=policy.title_of_role("lead"),
        owner_name=lead.name if lead else "",
        next_step="",
        recorded=one.recorded,
        link=link_of(around, one.found.case),
        more=("A number behind this is not in the document; it is your council's, or ours.",) if ours else (),
    )


# ---- people and counts


def _people(tx: Tx, around: Around) -> Mapping[str, list[str]]:
    """Say by team who is over a limit of work, and who is away with nobody in their place."""
    found: dict[str, list[str]] = {}
    directory, policy = around.directory, around.authority.policy
    over = standing(tx, around.authority, directory).values() if policy.limits else ()
    for one in over:
        person = directory.known.get(one.lead)
        if person is not None:
            clause = ", ".join(one.limit.clause)
            said = f"{person.name} has {one.count} {one.kind}, and the limit is {one.most} (clause {clause})."
            found.setdefault(person.team, []).append(said)
    for id_, absence in sorted(directory.absent.items()):
        person = directory.known.get(id_)
        if person is not None and directory.acting(id_) is None:
            until = day_words(absence.away_to)
            found.setdefault(person.team, []).append(f"{person.name} is away until {until}, and nobody stands in.")
    return found


def _unled(one: _Team) -> Iterator[str]:
    if n := one.counts["unled"]:
        yield f"{count_words(n, 'open case')} {'has' if n == 1 else 'have'} no lead."


def _counted(one: _Team) -> str:
    """Say in sentences how many cases there are, what there is to do, and what was done in the week before."""
    c = one.counts
    now = f"{count_words(c['open'], 'open case')}; {c['coming']} due this week, {c['past']} past the date."
    agreed = f", {count_words(c['agreed'], 'later date')} agreed" if c["agreed"] else ""
    last = f"Last week: {c['met']} done in time, {c['met_late']} late{agreed}."
    hidden = count_words(c["restricted"], "restricted case")
    kept = f"{hidden} {'is' if c['restricted'] == 1 else 'are'} counted here and not listed." if c["restricted"] else ""
    return " ".join(part for part in (now, last, kept) if part)
