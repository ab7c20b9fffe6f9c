"""What people do about a dispute: open, answer, advance, decide, withdraw. One transaction each.

A dispute is decided by those whom its present step names: by all of them with one outcome where the protocol has them
decide together, else by any one. Where they differ it goes up a step; at the last one it stays until they agree.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ehscheduler.core.calendars import end_of_day, london_day
from ehscheduler.core.disputed import (
    ANSWERED,
    DECIDED,
    ESCALATED,
    RAISED,
    RESOLVED,
    SAID,
    WITHDRAWN,
    Dispute,
    disputes_of,
    matters,
    told_apart,
)
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.events import Event
from ehscheduler.core.people import LEAD, LINE_MANAGER
from ehscheduler.core.policy import Policy
from ehscheduler.core.vocabulary import ASKED_OF_DETAIL, nearest
from ehscheduler.errors import InputRefused
from ehscheduler.intake.cells import CODE
from ehscheduler.office.cases import evaluation_of
from ehscheduler.office.entry import FOLLOWS, Act, enter, event_of, held_case, withdrawn_of
from ehscheduler.office.ranks import on_staff, rank_fault, roles_of, stands_for
from ehscheduler.plugins import Authority
from ehscheduler.store.events import events_of
from ehscheduler.store.store import Store
from ehscheduler.store.tx import Tx

SIDES = ("by_role", "against")
CARRIED = ("about", "stage", "level")
"""What the end of a dispute says again of how it began, for rules ask it of either."""


def dispute_open(
    store: Store,
    authority: Authority,
    case_ref: str,
    *,
    about: str,
    ref: str | None = None,
    detail: Mapping[str, Any] | None = None,
    at: str | None,
    now: datetime,
    by: str,
) -> Act:
    """Raise a dispute about something that a rule of the policy speaks of; refused where no rule is for it.

    `detail` names the two sides (`by_role`, `against`) and what else the policy's rules ask, such as the stage.
    """
    said = {"about": about, **(detail or {})}
    with store.begin() as tx:
        if on_staff(tx, authority, by, london_day(now)):
            said["person"] = by
        held_case(tx, authority, case_ref)
        events = events_of(tx, authority.name, case_ref)
        told = _told_before(authority, events, case_ref, at, now, ref, said)
        if told is not None:
            return Act(told, True)
        faults = list(_detail_faults(authority.policy, said))
        if ref and any(e.word == RAISED and e.ref == ref for e in events):
            faults.append(f"{case_ref} has a dispute {ref!r} already; leave the ref out, and it is given one")
        if faults:
            raise InputRefused(faults)
        made = event_of(case_ref, RAISED, at or now.isoformat(), now, ref or _next_ref(events), said)
        before = evaluation_of(tx, authority, case_ref, now)
        _refuse_twin(authority, before, events, about, now)
        after = evaluation_of(tx, authority, case_ref, now, more=[made])
        _refuse_unruled(authority, before, after, made)
        return enter(tx, authority, made, act="dispute open", now=now, by=by)


def dispute_answer(
    store: Store,
    authority: Authority,
    case_ref: str,
    ref: str,
    *,
    says: str,
    at: str | None,
    now: datetime,
    by: str,
    by_role: str = "",
) -> Act:
    """Put on record what the other side says; it decides nothing, for those who decide do."""
    if says not in SAID:
        raise InputRefused([f"an answer is {' or '.join(SAID)}, not {says!r}"])
    detail = {"says": says, **({"by_role": by_role} if by_role else {})}
    return _step(store, authority, case_ref, ref, ANSWERED, detail, at=at, now=now, by=by)


def dispute_advance(
    store: Store, authority: Authority, case_ref: str, ref: str, *, at: str | None, now: datetime, by: str
) -> Act:
    """Take a dispute up a step because those at this one do not agree; refused at the last.

    It is for those who decide there, the two sides, whoever raised it, and the case's lead and their manager.
    """
    day = event_of(case_ref, ESCALATED, at or now.isoformat(), now, ref, {}).day

    def refuse(tx: Tx, one: Dispute) -> list[str]:
        if one.last:
            return [f"dispute {ref} is at its last step; it is decided there"]
        raiser, who = str(one.raised.detail.get("person", "")), one.rung.who if one.rung else ()
        facts = evaluation_of(tx, authority, case_ref, now).facts
        sides = [str(one.raised.detail[side]) for side in SIDES if side in one.raised.detail]
        if by == raiser or any(rank_fault(tx, authority, role, by, day, facts) is None for role in who):
            return []
        # A side is whoever has that role for this case; the role of another team's worker is no side of it.
        if not on_staff(tx, authority, by, day) or any(
            stands_for(tx, authority, role, by, day, facts) for role in (*sides, LEAD, LINE_MANAGER)
        ):
            return []
        titles = " and ".join(map(authority.policy.title_of_role, who))
        return [f"{by} is not of this dispute: {titles}, the two sides, the lead or their manager take it up"]

    return _step(store, authority, case_ref, ref, ESCALATED, {}, at=at, now=now, by=by, refuse=refuse)


def dispute_withdraw(
    store: Store, authority: Authority, case_ref: str, ref: str, *, at: str | None, now: datetime, by: str
) -> Act:
    """Take a dispute back; only the side that raised it may."""
    return _step(store, authority, case_ref, ref, WITHDRAWN, {}, at=at, now=now, by=by, refuse=_not_theirs(by))


def dispute_decide(
    store: Store,
    authority: Authority,
    case_ref: str,
    ref: str,
    *,
    role: str,
    outcome: str,
    at: str | None,
    now: datetime,
    by: str,
) -> Act:
    """Put one decider's decision on record; what follows of it (decided, or a step up) comes in the same transaction.

    Refused for a role that does not decide at the present step, for somebody of another rank, and for an outcome that
    is not a code.
    """
    if not CODE.fullmatch(outcome):
        raise InputRefused([f"an outcome is a code in small letters such as 'stays_with_team', not {outcome!r}"])
    detail = {"by_role": role, "outcome": outcome}
    with store.begin() as tx:
        if on_staff(tx, authority, by, london_day(now)):
            detail["person"] = by
        one = _open_dispute(tx, authority, case_ref, ref, now, DECIDED, detail, at)
        if isinstance(one, Act):
            return one
        made = event_of(case_ref, DECIDED, at or now.isoformat(), now, ref, detail)
        facts = evaluation_of(tx, authority, case_ref, now).facts
        _refuse_decider(tx, authority, one, role, by, made.day, facts)
        _refuse_both_sides(events_of(tx, authority.name, case_ref), made, one, roles_of(tx, authority, by, made.day))
        act = enter(tx, authority, made, act="dispute decide", now=now, by=by)
        one = _after(tx, authority, made, now)
        rung = one.rung
        same = {key: one.raised.detail[key] for key in CARRIED if key in one.raised.detail}
        if rung is not None and rung.agreed:
            said = {"by_role": role, "outcome": outcome}
            _follow(tx, authority, made, RESOLVED, {**same, **said}, now=now, by=by)
        elif rung is not None and rung.at_odds and not one.last:
            _follow(tx, authority, made, ESCALATED, same, now=now, by=by)
        return act


# ---- one step of an open dispute


def _step(
    store: Store,
    authority: Authority,
    case_ref: str,
    ref: str,
    word: str,
    detail: Mapping[str, Any],
    *,
    at: str | None,
    now: datetime,
    by: str,
    refuse: Callable[[Tx, Dispute], Sequence[str]] = lambda tx, one: (),
) -> Act:
    with store.begin() as tx:
        one = _open_dispute(tx, authority, case_ref, ref, now, word, detail, at)
        if isinstance(one, Act):
            return one
        if faults := refuse(tx, one):
            raise InputRefused(list(faults))
        made = event_of(case_ref, word, at or now.isoformat(), now, ref, detail)
        if made.moment < one.raised.moment and not (made.dated or one.raised.dated):
            raise InputRefused([f"dispute {ref} was raised later than {at}; say when this happened"])
        return enter(tx, authority, made, act=word.replace("_", " "), now=now, by=by)


def _open_dispute(
    tx: Tx,
    authority: Authority,
    case_ref: str,
    ref: str,
    now: datetime,
    word: str,
    detail: Mapping[str, Any],
    at: str | None,
) -> Dispute | Act:
    """Hold the case and find an open dispute of it; the act itself, where this very step was put on record before."""
    case = held_case(tx, authority, case_ref)
    events = events_of(tx, authority.name, case_ref)
    made = event_of(case_ref, word, at or now.isoformat(), now, ref, detail)
    # An act is of the step at which the dispute was when it happened, whenever it is put on record.
    known = evaluation_of(tx, authority, case_ref, now)
    found = disputes_of(authority.policy, known, events, now, at=_by_then(made, now))
    one = next((d for d in found if d.ref == ref), None)
    if one is None:
        refs = [d.ref for d in found]
        listed = f"it has {', '.join(refs)}" if refs else "it has none"
        raise InputRefused([f"{case_ref} has no dispute {ref!r}; {listed}{nearest(ref, refs)}"])
    if at is not None:
        gone = withdrawn_of(authority, case, events, now)
        again = [e for e in events if e.id == made.id and e.id not in gone]
        if again:
            return Act(again[0], True)
    if not one.open:
        raise InputRefused([f"dispute {ref} of {case_ref} is {one.state} already"])
    return one


def _after(tx: Tx, authority: Authority, made: Event, now: datetime) -> Dispute:
    """Return how a dispute stood at the moment of what was just put on record, with it."""
    found = evaluation_of(tx, authority, made.case, now)
    events = events_of(tx, authority.name, made.case)
    listed = disputes_of(authority.policy, found, events, now, at=_by_then(made, now))
    return next(d for d in listed if d.ref == made.ref)


def _by_then(made: Event, now: datetime) -> datetime:
    """Return the moment of an act; where only its day is known, the end of that day."""
    return min(end_of_day(made.day), now) if made.dated else made.moment


def _follow(
    tx: Tx, authority: Authority, decided: Event, word: str, detail: Mapping[str, Any], *, now: datetime, by: str
) -> None:
    """Put on record what follows of the last decision, at the same moment, or on the same day."""
    at = decided.day.isoformat() if decided.dated else decided.moment.isoformat()
    made = event_of(decided.case, word, at, now, decided.ref, {**detail, FOLLOWS: decided.id})
    enter(tx, authority, made, act=word.replace("_", " "), now=now, by=by)


# ---- what is refused


def _told_before(
    authority: Authority,
    events: Iterable[Event],
    case_ref: str,
    at: str | None,
    now: datetime,
    ref: str | None,
    said: Mapping[str, Any],
) -> Event | None:
    """Return the event of a dispute that was raised by this very act, which may come again without the ref it got."""
    if at is None:
        return None
    made = event_of(case_ref, RAISED, at, now, ref, said)
    same = (e for e in events if (e.word, e.moment, dict(e.detail)) == (RAISED, made.moment, dict(said)))
    return next((e for e in same if ref in (None, e.ref)), None)


def _detail_faults(policy: Policy, said: Mapping[str, Any]) -> Iterable[str]:
    """Say what a dispute cannot be about: keys nobody asks, roles that are none, free text, a word nearly right."""
    known = {"about", "person", "reason", *SIDES, *ASKED_OF_DETAIL, *policy.facts}
    for name, value in said.items():
        if name not in known:
            yield f"a dispute has no {name!r}{nearest(name, known)}"
        elif name in SIDES and value not in policy.roles:
            yield f"{name}: no role {value!r}{nearest(str(value), list(policy.roles))}"
        elif isinstance(value, str) and name != "person":
            words = told_apart(policy, name)
            if not CODE.fullmatch(value):
                hint = nearest(value.lower().replace(" ", "_"), words)
                yield f"{name} is a code in small letters such as {words[0] if words else 'level_of_need'!r}{hint}"
            elif value not in words and (hint := nearest(value, words)):
                yield f"{name}: {value!r} is no word of the policy{hint}"


def _next_ref(events: Iterable[Event]) -> str:
    refs = {event.ref for event in events if event.word == RAISED}
    return next(f"D-{n}" for n in range(1, len(refs) + 2) if f"D-{n}" not in refs)


def _refuse_twin(authority: Authority, before: Evaluation, events: Iterable[Event], about: str, now: datetime) -> None:
    for one in disputes_of(authority.policy, before, events, now):
        if one.open and one.about == about:
            raise InputRefused([f"{before.case} has an open dispute about {about!r} already: {one.ref}"])


def _refuse_unruled(authority: Authority, before: Evaluation, after: Evaluation, made: Event) -> None:
    """Refuse a dispute for which no rule names who decides, or on which a fact is blank that says so."""
    if before.closed_on is not None:
        raise InputRefused([f"{before.case} is closed since {before.closed_on.isoformat()}; reopen it first"])
    if new := [problem for problem in after.problems if problem not in before.problems]:
        raise InputRefused(new)
    ruled = [m for m in after.milestones if m.anchor is not None and m.anchor.id == made.id]
    if not any(authority.policy.rule_of(m).decided_by for m in ruled):
        known = matters(authority.policy)
        about = str(made.detail.get("about"))
        may = f"it speaks of {', '.join(known)}{nearest(about, known)}" if known else "it names no dispute"
        raise InputRefused([f"{authority.name}'s protocol says nobody decides a dispute about {about!r} here; {may}"])


def _refuse_decider(
    tx: Tx, authority: Authority, one: Dispute, role: str, by: str, day: date, facts: Mapping[str, Any]
) -> None:
    rung = one.rung
    who = rung.who if rung else ()
    if role not in who:
        above = [r for r in one.rungs if rung is None or r.stage > rung.stage if role in r.who]
        hint = "; advance it first" if above else nearest(role, list(who))
        raise InputRefused([f"at this step {' and '.join(who) or 'nobody'} decide, not {role!r}{hint}"])
    higher = [r for step in one.rungs if rung is not None and step.stage > rung.stage for r in step.who]
    if fault := rank_fault(tx, authority, role, by, day, facts, higher):
        raise InputRefused([fault])


def _refuse_both_sides(events: Iterable[Event], made: Event, one: Dispute, own: Collection[str]) -> None:
    """Refuse a second decision of one person at a step where several decide together, unless both roles are their own.

    Who stands in for a role that nobody fills is told of it; they do not thereby decide for both sides.
    """
    person, rung = made.detail.get("person"), one.rung
    if not person or rung is None or not rung.together:
        return
    for other in events:
        same = (other.word, other.ref, other.detail.get("person")) == (DECIDED, made.ref, person)
        role = str(other.detail.get("by_role"))
        if (
            same
            and role in set(rung.recorded) - {made.detail["by_role"]}
            and not {role, made.detail["by_role"]} <= {*own}
        ):
            raise InputRefused([f"{person} has recorded already, as {role}; the other decision is somebody else's"])


def _not_theirs(by: str) -> Callable[[Tx, Dispute], Sequence[str]]:
    def refuse(tx: Tx, one: Dispute) -> list[str]:
        raiser = str(one.raised.detail.get("person", ""))
        return [f"dispute {one.ref} was raised by {raiser}; only they take it back"] if raiser not in ("", by) else []

    return refuse
