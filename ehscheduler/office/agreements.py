"""Later limits that somebody agreed: relaxations and extensions, by the rank that the clause names, in time."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case, Event
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import InputRefused
from ehscheduler.office.entry import Act, enter, event_of, held_case, refuse_words, withdrawn_of
from ehscheduler.office.ranks import rank_fault
from ehscheduler.plugins import Authority
from ehscheduler.store.events import events_of
from ehscheduler.store.store import Store

RELAXED, EXTENDED, NOTED_LATE = "relaxation_agreed", "extension_approved", "relaxation_noted_late"


def relax(
    store: Store,
    authority: Authority,
    case_ref: str,
    rules: Sequence[str],
    *,
    until: date,
    by_role: str,
    reason: str,
    now: datetime,
    by: str,
    at: str | None = None,
    late: bool = False,
) -> Act:
    """Agree a later limit for rules of a case; refused where the clause, the date or the rank does not allow it.

    With `late` an agreement that was made after the limit had passed is put on record: it moves nothing.
    """
    refuse_words(reason)
    _refuse_beyond(authority, until)
    detail = {"rules": list(rules), "until": until.isoformat(), "by_role": by_role, "reason": reason}
    _refuse_unknown(authority, rules, by_role)
    word = NOTED_LATE if late else RELAXED
    agreed = event_of(case_ref, word, at or now.isoformat(), now, None, detail)
    return _agree(store, authority, agreed, rules, now=now, by=by, act="relax")


def extend(
    store: Store,
    authority: Authority,
    case_ref: str,
    rules: Sequence[str],
    *,
    until: date | None = None,
    weeks: int | None = None,
    by_role: str,
    reason: str,
    now: datetime,
    by: str,
    at: str | None = None,
) -> Act:
    """Approve an extension, to a date or by whole weeks; without rules, of every open one that this role may extend."""
    if (until is None) == (weeks is None):
        raise InputRefused(["an extension is given a new date (until) or a number of weeks, one of the two"])
    length: dict[str, Any] = {"until": until.isoformat()} if until else {"weeks": weeks}
    named = {"rules": list(rules)} if rules else {}
    _refuse_unknown(authority, rules, by_role)
    refuse_words(reason)
    _refuse_beyond(authority, until)
    detail = {**named, **length, "by_role": by_role, "reason": reason}
    agreed = event_of(case_ref, EXTENDED, at or now.isoformat(), now, None, detail)
    return _agree(store, authority, agreed, rules, now=now, by=by, act="extend")


def _refuse_beyond(authority: Authority, until: date | None) -> None:
    last = authority.calendar.last
    if until is not None and until > last:
        raise InputRefused([f"until {until.isoformat()} is too far off: the calendar reaches to {last.isoformat()}"])


def _refuse_unknown(authority: Authority, rules: Sequence[str], by_role: str) -> None:
    policy = authority.policy
    unknown = [f"no rule {rule!r}{nearest(rule, list(policy.rules))}" for rule in rules if rule not in policy.rules]
    if by_role not in policy.roles:
        unknown.append(f"no role {by_role!r}{nearest(by_role, list(policy.roles))}")
    if unknown:
        raise InputRefused(unknown)


def _agree(
    store: Store, authority: Authority, agreed: Event, rules: Sequence[str], *, now: datetime, by: str, act: str
) -> Act:
    with store.begin() as tx:
        case = held_case(tx, authority, agreed.case)
        events = events_of(tx, authority.name, agreed.case)
        gone = withdrawn_of(authority, case, events, now)
        for one in events:
            if (one.word, one.day, one.detail) == (agreed.word, agreed.day, agreed.detail) and one.id not in gone:
                return Act(one, True)  # agreed twice on one day is agreed once
        facts = _worked_out(authority, case, events, now).facts
        rank = rank_fault(tx, authority, str(agreed.detail["by_role"]), by, agreed.day, facts)
        faults = [rank] if rank else []
        if agreed.word == NOTED_LATE:
            faults += _in_time(authority, case, events, agreed, rules, now)
        else:
            faults += _refusals(authority, case, events, agreed, rules, now)
        if faults:
            raise InputRefused(list(dict.fromkeys(faults)))
        return enter(tx, authority, agreed, act=act, now=now, by=by)


def _refusals(
    authority: Authority, case: Case, events: Sequence[Event], agreed: Event, rules: Sequence[str], now: datetime
) -> list[str]:
    """Say why an agreement would move nothing, rule by rule."""
    before = _worked_out(authority, case, events, now)
    found = _worked_out(authority, case, [*events, agreed], now)
    moved = {m.rule for m in found.milestones if any(c.event.id == agreed.id for c in m.changes)}
    if far := _too_far(authority, case, agreed, set(rules) - moved, before, found):
        return far
    # Of two agreements of one moment either may be taken first: what is said of the other is no refusal of this one.
    new = [w for w in found.warnings if "moves nothing" in w and w not in before.warnings]
    refused = {rule: [w for w in new if f" on {rule}: " in w] for rule in authority.policy.rules if rule not in moved}
    if not rules:
        said = [w for listed in refused.values() for w in listed]
        return [] if moved else said or [f"{case.ref} has nothing open that {agreed.detail['by_role']} may extend"]
    faults = []
    for rule in rules:
        if rule not in moved:
            faults += refused[rule] or [f"{case.ref}: {rule} has no open milestone to relax"]
    return faults


def _too_far(
    authority: Authority, case: Case, agreed: Event, unmoved: Collection[str], before: Evaluation, found: Evaluation
) -> list[str]:
    """Say where a new limit cannot be counted, for it lies beyond the years whose bank holidays are known."""
    beyond = [f" {rule}: " for rule in unmoved or authority.policy.rules]
    new = [problem for problem in found.problems if problem not in before.problems]
    if not any(rule in problem for problem in new for rule in beyond):
        return []
    length = agreed.detail.get("until") or f"{agreed.detail.get('weeks')} weeks more"
    return [f"{case.ref}: {length} is too far off: the calendar reaches to {authority.calendar.last.isoformat()}"]


def _in_time(
    authority: Authority, case: Case, events: Sequence[Event], agreed: Event, rules: Sequence[str], now: datetime
) -> list[str]:
    """Say where a late agreement is none: its limit has not passed, or nothing is open."""
    found = _worked_out(authority, case, events, now)
    faults = []
    for rule in rules:
        open_ = [m for m in found.milestones if m.rule == rule and m.open]
        if not open_:
            faults.append(f"{case.ref}: {rule} has no open milestone to relax")
        elif not any(m.due_at is not None and m.due_at < agreed.moment for m in open_):
            faults.append(f"{case.ref}: {rule} is not past its limit; relax it without --late, and its limit moves")
    return faults


def _worked_out(authority: Authority, case: Case, events: Sequence[Event], now: datetime) -> Evaluation:
    return evaluate(authority.policy, authority.calendar, case, events, now)
