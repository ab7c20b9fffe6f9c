"""Lines: what a message says of one milestone, check, limit or dispute, in words that its reader can act on."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

from ehscheduler.core.actions import next_morning
from ehscheduler.core.calendars import london_day, start_of_day
from ehscheduler.core.chains import OverdueStep
from ehscheduler.core.disputed import follows, matters
from ehscheduler.core.disputes import Rung
from ehscheduler.core.findings import Finding
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Check, Policy, WorkLimit
from ehscheduler.core.saying import said_moment, said_word
from ehscheduler.core.workload import Crossing
from ehscheduler.daemon.handover import HANDOVER, handed_over
from ehscheduler.daemon.meant import meant
from ehscheduler.daemon.recheck import Around, Checked
from ehscheduler.daemon.standing import owner_words, roles_of, why_here
from ehscheduler.notify.links import link_to
from ehscheduler.notify.messages import Line, Step
from ehscheduler.notify.words import by_hand_words, day_words, window_words

ESCALATION = "escalation"
OWN_LADDER = "your council's own ladder for overdue work"
_FOR_MACHINES = re.compile(r"\s*\([^()]*`[^()]*\)")
"""What an event's title says of the details that it carries, for whoever maps a case system's steps."""
_BEGINS = re.compile(r"(The|A|An|It) ")


def line_of(around: Around, one: Checked) -> Line:
    """Write the line of one notice."""
    if isinstance(one.about, Finding):
        return _check_line(around, one, one.about)
    if isinstance(one.about, Crossing):
        return _limit_line(around, one, one.about)
    m, notice, up = one.milestone, one.notice, one.notice.kind == ESCALATION
    made = line_for(
        around,
        m,
        kind=notice.kind,
        recorded=_recorded(one),
        owner_name=owner_words(one, around) if up else "",
        more=tuple(_more(around, one)),
    )
    return replace(
        made,
        next_step=_next_step(m, around.authority.policy, again=notice.kind == "overdue" and notice.repeat > 0),
        was_due_on=one.was_due_on,
        stage=notice.stage,
        ladder=_why_you(around, one) if up else "",
        told=tuple(_told_before(around, one)) if up else (),
        stands_in=why_here(one, around),
    )


def line_for(around: Around, m: Milestone, *, kind: str, recorded: str, owner_name: str, more: tuple[str, ...]) -> Line:
    """Write what every line says of a milestone: what, by which clause, when, and whose it is."""
    policy, day = around.authority.policy, around.day
    return Line(
        case_ref=m.case,
        title=m.title,
        clause=m.clause,
        kind=kind,
        state=m.state,
        window=_window(around, m),
        owner_title=policy.title_of_role(m.owner),
        next_step=_next_step(m, policy),
        recorded=recorded,
        key=m.key,
        force=m.force,
        due_on=m.due_on,
        days_over=max(0, (day - m.due_on).days) if m.due_on and m.state == "overdue" else 0,
        owner_name=owner_name,
        more=more,
        link=link_of(around, m.case),
        reading_ours=any(policy.readings[id_].ours for id_ in m.readings),
        reading_unsigned=any(not policy.readings[id_].signed_by for id_ in m.readings),
        calendar_forecast=m.due_on is not None and around.authority.calendar.is_forecast(m.due_on),
        edition_past_review=_past_review(policy, day),
        anchor_time_unknown=m.anchor_time_unknown,
    )


def _window(around: Around, m: Milestone) -> str:
    """Say when it can be done; what has no date is told with the day since which it is open."""
    since = max((at for at in (m.starts_at, m.opens_at) if at is not None and at <= around.now), default=None)
    return window_words(
        around.now,
        due_on=m.due_on,
        due_at=m.due_at,
        opens_on=m.opens_on,
        best_by_on=m.best_by_on,
        open_since=london_day(since) if since else None,
    )


def _check_line(around: Around, one: Checked, finding: Finding) -> Line:
    """Write what a check found wanting, and at which event."""
    policy = around.authority.policy
    check, event = policy.checks[finding.check], finding.event
    ours, unsigned = _readings(policy, check)
    return Line(
        case_ref=finding.case,
        title=finding.title,
        clause=finding.clause,
        kind="check",
        state="due",
        window=f"{said_word(event.word)} on {day_words(event.day)}, and {finding.fault}",
        owner_title=policy.title_of_role(check.owner),
        next_step="Look at what was recorded, and have what is missing done and recorded",
        recorded=_recorded(one),
        key=finding.key,
        force=check.force,
        stands_in=why_here(one, around),
        link=link_of(around, finding.case),
        reading_ours=ours,
        reading_unsigned=unsigned,
        edition_past_review=_past_review(policy, around.day),
    )


def _limit_line(around: Around, one: Checked, over: Crossing) -> Line:
    """Write whose work is over a limit, to their manager; it names no family."""
    policy, limit = around.authority.policy, over.limit
    ours, unsigned = _readings(policy, limit)
    person = around.directory.people.get(over.lead) or around.directory.known.get(over.lead)
    share = f" for {person.share:g} of full time" if person and limit.pro_rata and person.share != 1 else ""
    since = day_words(london_day(over.at))
    return Line(
        # A duty address is read by many: there it is a role, and no name.
        case_ref=policy.title_of_role(limit.who) if around.recipient.startswith("team:") or not person else person.name,
        title=limit.title,
        clause=", ".join(limit.clause),
        kind=one.notice.kind,
        state="due",
        window=f"{over.count} {over.kind} since {since}, and the limit is {over.most}{share}",
        owner_title=policy.title_of_role(limit.who),
        next_step="Look at who holds what, and settle it",
        recorded=one.notice.source,
        key=one.notice.milestone,
        reading_ours=ours,
        reading_unsigned=unsigned,
        edition_past_review=_past_review(policy, around.day),
    )


def _readings(policy: Policy, rule: Check | WorkLimit) -> tuple[bool, bool]:
    """Tell whether any reading behind a check or a limit is ours, and whether any is unsigned."""
    readings = [policy.readings[id_] for id_ in rule.readings]
    return any(reading.ours for reading in readings), any(not reading.signed_by for reading in readings)


def _past_review(policy: Policy, day: date) -> bool:
    return policy.review_by is not None and day > policy.review_by


def link_of(around: Around, case_ref: str) -> str | None:
    """Return the link to a case in the council's own system; None where config has none."""
    template = around.desk.config.link.get(around.authority.name)
    return link_to(template, case_ref) if template else None


def _recorded(one: Checked) -> str:
    """Say where and when what a line rests on was recorded: by a person here, else in the case system."""
    return by_hand_words(one.by_hand) if one.by_hand else one.notice.source


def _next_step(m: Milestone, policy: Policy, *, again: bool = False) -> str:
    """Say what ends it; `again` where its reader acknowledged it, and that has run out."""
    words = [policy.words[anchor.word] for anchor in policy.rule_of(m).met_by]
    first, *others = (_FOR_MACHINES.sub("", word.title) or said_word(word.name) for word in words)
    said = [first, *(_BEGINS.sub(lambda found: found[0].lower(), other) for other in others)]
    still = "Still overdue, and your acknowledgement has run out. " if again else ""
    return f"{still}Done when this is recorded: {' or '.join(said)}"


# ---- what else its reader needs


def _more(around: Around, one: Checked) -> Iterator[str]:
    """Yield what else there is to know: since when it is theirs, who decides now, who has seen it, who hears next."""
    m, kind, policy = one.milestone, one.notice.kind, around.authority.policy
    if kind == HANDOVER and (change := handed_over(one.evaluation, around.authority.calendar)) is not None:
        yield f"Yours since {day_words(london_day(change.known_at))}."
    if m.chain is not None and m.chain.decides and kind != "dispute":
        now = max((rung for rung in m.rungs if rung.reached_at <= around.now), key=lambda r: r.stage, default=None)
        if now is not None:
            yield f"The decision is now with: {'; '.join(map(policy.title_of_role, now.who))}."
    if kind == "overdue" and m.owner not in roles_of(one, around) and (whose := owner_words(one, around)):
        yield f"Owner: {policy.title_of_role(m.owner)}, {whose}."
    if kind == ESCALATION:
        yield from _seen(around, one)
        yield from _hears_next(around, one)


def _seen(around: Around, one: Checked) -> Iterator[str]:
    """Yield who has acknowledged it, where that still lasts."""
    policy, found = around.authority.policy, one.evaluation
    last = {said.person: said for said in found.acknowledged if said.milestone == one.milestone.key}
    for said in last.values():
        if not said.quiet(around.now):
            continue
        below = (role for role, _ in _below(around, one))
        acts = (
            role
            for role in below
            if said.person in {p.person_id for p in meant(role, policy, around.directory, found.facts).people}
        )
        who = policy.title_of_role(next(acts, "")) or "somebody told before you"
        yield f"Acknowledged by the {who} until {day_words(said.until)}."


def _hears_next(around: Around, one: Checked) -> Iterator[str]:
    """Yield who hears after this rung, and on which morning; nothing where that cannot be told yet.

    A rung that means this reader, too, is passed over: they know.
    """
    m, stage, policy = one.milestone, one.notice.stage or 1, around.authority.policy
    reader, facts = around.recipient.removeprefix("person:"), one.evaluation.facts
    for who, morning in _rungs_after(around, m, stage):
        people = {p.person_id for role in who for p in meant(role, policy, around.directory, facts).people}
        if people == {reader}:
            continue
        if morning is not None:
            titles = " and the ".join(map(policy.title_of_role, who))
            yield f"Unless it is recorded as done, the {titles} hears of it on {day_words(london_day(morning))}."
        return
    yield "Nobody hears of it after you."


def _rungs_after(around: Around, m: Milestone, stage: int) -> Iterator[tuple[tuple[str, ...], datetime | None]]:
    """Yield the rungs above a stage with the morning on which each hears, if this one hears today."""
    calendar, day = around.authority.calendar, around.day
    own = _own_steps(around, m)
    for n, step in enumerate(own[stage:], stage):
        later = calendar.later(day, m.chain.time_of(n)) if m.chain else None
        morning = next_morning(calendar, start_of_day(later)) if later else None
        day = later or day
        yield step.who, morning
    for rung in m.rungs if not own else ():
        if rung.stage > stage:
            yield rung.who, next_morning(calendar, max(rung.reached_at, around.now))


def _why_you(around: Around, one: Checked) -> str:
    """Name the ladder on which overdue work climbs, the protocol's own or a council's, and the step of it."""
    m, policy = one.milestone, around.authority.policy
    own = _own_steps(around, m)
    ladder = OWN_LADDER if own or m.chain is None else f"{m.chain.title} (clause {m.chain.clause})"
    steps = len(own) or max((rung.stage for rung in m.rungs), default=one.notice.stage or 1)
    roles = roles_of(one, around) or one.notice.to_roles
    return f"{'; '.join(map(policy.title_of_role, roles))}, step {one.notice.stage or 1} of {steps} on {ladder}"


def _own_steps(around: Around, m: Milestone) -> tuple[OverdueStep, ...]:
    """Return the steps of the council's own ladder, where it is that which a milestone climbs."""
    if m.chain is not None:
        return m.chain.own
    return () if m.rungs else around.desk.config.overdue_ladder(around.authority.name)


def _below(around: Around, one: Checked) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield who is told before a rung, the owner first, with the kind and the stage of what they are told."""
    stage, m = one.notice.stage or 1, one.milestone
    yield m.owner, ("overdue", 0)
    if own := _own_steps(around, m):
        steps = [(n, step.who) for n, step in enumerate(own, 1)]
    else:
        steps = [(rung.stage, rung.who) for rung in m.rungs]
    for n, who in steps:
        if n < stage:
            yield from ((role, (ESCALATION, n)) for role in who)


def _told_before(around: Around, one: Checked) -> Iterator[str]:
    """Yield who was told before this reader, and on which day, where it reached them."""
    told: dict[str, str] = {}
    for role, which in _below(around, one):
        at, title = one.heard.get(which), around.authority.policy.title_of_role(role)
        told.setdefault(title, f"{title}, on {day_words(london_day(at))}" if at else title)
    yield from told.values()


# ---- disputes


def step_of(around: Around, one: Checked, line: Line, *, shared: bool) -> Step:
    """Write one step of a dispute, as told to somebody who decides there; in a `shared` chat nobody is the reader."""
    policy, m = around.authority.policy, one.milestone
    detail = m.anchor.detail if m.anchor else {}
    rung = next(r for r in m.rungs if r.stage == one.notice.stage)  # `check` has made sure that it is there
    above = next((r for r in m.rungs if r.stage == rung.stage + 1), None)
    first = one.heard.get(("dispute", rung.stage))
    title = policy.title_of_role
    # What a case system sent as its matter or its sides is shown only where it is a word of the policy.
    sides = [str(detail.get(key)) for key in ("by_role", "against") if detail.get(key) in policy.roles]
    return Step(
        line=line,
        since=said_moment(m.from_at) if m.from_at else "",
        asks="Decide, and have the decision recorded",
        decide_by=_by_when(rung, around),
        decide_on=london_day(rung.due_at) if rung.due_at else None,
        stage=rung.stage,
        stages=max(r.stage for r in m.rungs),
        together=rung.together,
        final=rung.final,
        asked_as=tuple(map(title, roles_of(one, around))),
        asked_first=said_moment(first) if one.notice.repeat and first else "",
        told=tuple(_told_of_dispute(one, rung, policy)),
        goes_to_next=" and ".join(title(role) for role in above.who) if above else "",
        about=said_word(str(detail.get("about"))) if detail.get("about") in matters(policy) else "",
        sides=tuple(map(title, sides)),
        others=tuple(title(r) for r in rung.who if shared or r not in one.notice.to_roles or len(rung.who) > 1),
        recorded=tuple(map(title, rung.recorded)),
        at_odds=rung.at_odds,
        if_over=()
        if m.state == "overdue"
        else tuple(f"{t} (clause {clause})" for t, clause in follows(policy, m.rule)),
    )


def _by_when(rung: Rung, around: Around) -> str:
    if rung.due_at is None:
        return "no set time"
    due = said_moment(rung.due_at)
    return due if around.now <= rung.due_at else f"now; its time ran out at {due}"


def _told_of_dispute(one: Checked, rung: Rung, policy: Policy) -> Iterator[str]:
    """Yield who was told at the steps below, and when, where it reached them."""
    for below in one.milestone.rungs:
        if below.stage < rung.stage:
            at = one.heard.get(("dispute", below.stage))
            when = f", at {said_moment(at)}" if at else ""
            yield from (f"{policy.title_of_role(role)}{when}" for role in below.who)
