"""Letters: from the notices that are still owed to one recipient to the messages that are claimed and sent."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ehscheduler.core.actions import next_morning
from ehscheduler.core.calendars import london_day
from ehscheduler.core.disputed import follows, matters
from ehscheduler.core.disputes import Rung
from ehscheduler.core.findings import Finding
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy
from ehscheduler.core.saying import said_moment, said_word
from ehscheduler.core.workload import Crossing
from ehscheduler.daemon.desk import MAIL
from ehscheduler.daemon.look import at_work
from ehscheduler.daemon.meant import meant
from ehscheduler.daemon.recheck import Around, Checked
from ehscheduler.notify.address import message_id
from ehscheduler.notify.links import link_to
from ehscheduler.notify.mail import build
from ehscheduler.notify.messages import (
    LINES_PER_MESSAGE,
    Addressee,
    Baseline,
    Digest,
    Dispute,
    Escalation,
    Immediate,
    Imprint,
    Line,
    Message,
    MessageRefused,
    Step,
)
from ehscheduler.notify.render import render
from ehscheduler.notify.sections import split
from ehscheduler.notify.words import day_words, moment_words, window_words
from ehscheduler.store.notices import Notice
from ehscheduler.store.outbox import Letter

# ---- messages


def kind_of(notice: Notice) -> str:
    """Name the message that a notice belongs in."""
    if notice.kind in ("dispute", "escalation", "baseline"):
        return notice.kind
    return "immediate" if notice.immediate else "digest"


@dataclass(frozen=True, slots=True)
class Composed:
    """A message ready to be claimed, or, without a letter, notices that cannot be written and why."""

    keys: tuple[str, ...]
    letter: Letter | None
    fault: str = ""


def compose(around: Around, to: Addressee, checked: Sequence[Checked]) -> Iterator[Composed]:
    """Yield each message for one recipient with the keys of the notices in it."""
    by_kind: dict[str, list[Checked]] = {}
    for one in checked:
        by_kind.setdefault(kind_of(one.notice), []).append(one)
    if "digest" in by_kind and not around.recipient.startswith("team:"):
        # What goes out in the same minute goes in one message, hour clocks too.
        by_kind["digest"] += by_kind.pop("immediate", [])
    for kind, members in sorted(by_kind.items()):
        lines = {_line(around, one): one for one in members}
        chunks = _chunks(kind, tuple(lines), around.day)
        for part, chunk in enumerate(chunks, 1):
            inside = [lines[line] for line in chunk]
            yield from _composed(around, kind, to, chunk, inside, part, len(chunks))


def _composed(
    around: Around,
    kind: str,
    to: Addressee,
    lines: tuple[Line, ...],
    inside: Sequence[Checked],
    part: int,
    parts: int,
) -> Iterator[Composed]:
    """Write one message; where it is refused, halve it until what cannot be written stands alone."""
    keys = tuple(one.notice.key for one in inside)
    try:
        yield Composed(keys, _letter(around, kind, to, lines, inside, part, parts))
    except MessageRefused as refused:
        if len(lines) == 1:
            yield Composed(keys, None, refused.faults[0])
            return
        half = len(lines) // 2
        yield from _composed(around, kind, to, lines[:half], inside[:half], part, parts)
        yield from _composed(around, kind, to, lines[half:], inside[half:], part, parts)


def _chunks(kind: str, lines: tuple[Line, ...], day: date) -> Sequence[tuple[Line, ...]]:
    if kind in ("dispute", "immediate"):
        starts = range(0, len(lines), LINES_PER_MESSAGE)
        return [lines[start : start + LINES_PER_MESSAGE] for start in starts]
    return list(split(lines, day))


def _letter(
    around: Around,
    kind: str,
    to: Addressee,
    lines: tuple[Line, ...],
    inside: Sequence[Checked],
    part: int,
    parts: int,
) -> Letter:
    sender = around.desk.sender
    rendered = render(_message(around, kind, to, lines, inside, part, parts))
    # The tries before are part of the name: a message that was dissolved and made anew is another message.
    tries = sum(one.waiting.attempts for one in inside)
    keys = sorted(one.notice.key for one in inside)
    name = "|".join((around.authority.name, around.recipient, kind, str(tries), around.now.isoformat(), *keys))
    id_ = message_id(name, sender.address.rpartition("@")[2])
    body = build(rendered, to=to.email, sender=sender, message_id=id_, moment=around.now)
    return Letter(
        message_id=id_,
        recipient=around.recipient,
        channel=MAIL,
        address=to.email,
        subject=rendered.subject,
        body=body,
    )


def _message(
    around: Around,
    kind: str,
    to: Addressee,
    lines: tuple[Line, ...],
    inside: Sequence[Checked],
    part: int,
    parts: int,
) -> Message:
    imprint, day, outage = (
        _imprint(around.authority.policy, around.desk.config.safeguarding_route(around.authority.name)),
        around.day,
        _outage(around, inside),
    )
    if kind == "dispute":
        policy = around.authority.policy
        steps = tuple(_step(one, line, policy, around.now) for one, line in zip(inside, lines, strict=True))
        return Dispute(to=to, imprint=imprint, day=day, steps=steps)
    if kind == "immediate":
        waits_for, waits_until = _waits(around, inside)
        return Immediate(
            to=to,
            imprint=imprint,
            day=day,
            lines=lines,
            waits_for=waits_for,
            waits_until=waits_until,
            outage=outage,
        )
    if kind == "escalation":
        return Escalation(to=to, imprint=imprint, day=day, lines=lines, outage=outage, part=part, parts=parts)
    if kind == "baseline":
        live, team = around.live_from, around.recipient.partition(":")[2]
        return Baseline(to=to, imprint=imprint, day=day, team=team, live_from=live, lines=lines, part=part, parts=parts)
    return Digest(to=to, imprint=imprint, day=day, lines=lines, outage=outage, part=part, parts=parts)


def _imprint(policy: Policy, route: str) -> Imprint:
    return Imprint(
        authority=policy.authority.replace("-", " ").title(),
        document=policy.document,
        edition=policy.edition,
        safeguarding_route=route,
    )


def _outage(around: Around, inside: Sequence[Checked]) -> str:
    """Say between which instants nothing was sent, where this message catches up with what should have gone then."""
    if around.outage is None:
        return ""
    start, end = around.outage
    if not any(start < one.notice.at <= end and one.notice.decided_at <= end for one in inside):
        return ""
    return f"from {moment_words(start)} to {moment_words(end)}"


def _waits(around: Around, inside: Sequence[Checked]) -> tuple[str, str]:
    """Say on a duty desk's copy for whom it stands in until when; nothing where everybody is at work."""
    calendar, now = around.authority.calendar, around.now
    if not around.recipient.startswith("team:") or at_work(calendar, now):
        return "", ""
    owner = around.authority.policy.title_of_role(inside[0].milestone.owner)
    return owner, moment_words(next_morning(calendar, now))


def _line(around: Around, one: Checked) -> Line:
    if isinstance(one.about, Finding):
        return _check_line(around, one, one.about)
    if isinstance(one.about, Crossing):
        return _limit_line(around, one, one.about)
    m, notice, policy = one.milestone, one.notice, around.authority.policy
    readings = [policy.readings[id_] for id_ in m.readings]
    day = around.day
    template = around.desk.config.link.get(around.authority.name)
    return Line(
        case_ref=m.case,
        title=m.title,
        clause=m.clause,
        kind=notice.kind,
        state=m.state,
        window=window_words(around.now, due_on=m.due_on, due_at=m.due_at, opens_on=m.opens_on, best_by_on=m.best_by_on),
        owner_title=policy.title_of_role(m.owner),
        next_step=_next_step(m, policy, again=notice.kind == "overdue" and notice.repeat > 0),
        recorded=notice.source,
        key=m.key,
        force=m.force,
        due_on=m.due_on,
        was_due_on=one.was_due_on,
        days_over=max(0, (day - m.due_on).days) if m.due_on and m.state == "overdue" else 0,
        stage=notice.stage,
        ladder=_why_you(m) if notice.kind == "escalation" else "",
        told=_told_before(around, one) if notice.kind == "escalation" else (),
        owner_name=_owner_name(around, one) if notice.kind == "escalation" else "",
        link=link_to(template, m.case) if template else None,
        reading_ours=any(reading.ours for reading in readings),
        reading_unsigned=any(not reading.signed_by for reading in readings),
        calendar_forecast=m.due_on is not None and around.authority.calendar.is_forecast(m.due_on),
        edition_past_review=policy.review_by is not None and day > policy.review_by,
        anchor_time_unknown=m.anchor_time_unknown,
    )


def _check_line(around: Around, one: Checked, finding: Finding) -> Line:
    """Write what a check found wanting, and at which event."""
    policy = around.authority.policy
    check, event = policy.checks[finding.check], finding.event
    readings = [policy.readings[id_] for id_ in check.readings]
    template = around.desk.config.link.get(around.authority.name)
    return Line(
        case_ref=finding.case,
        title=finding.title,
        clause=finding.clause,
        kind="check",
        state="due",
        window=f"{said_word(event.word)} on {day_words(event.day)}, and {finding.fault}",
        owner_title=policy.title_of_role(check.owner),
        next_step="Look at what was recorded, and have what is missing done and recorded",
        recorded=one.notice.source,
        key=finding.key,
        force=check.force,
        link=link_to(template, finding.case) if template else None,
        reading_ours=any(reading.ours for reading in readings),
        reading_unsigned=any(not reading.signed_by for reading in readings),
        edition_past_review=policy.review_by is not None and around.day > policy.review_by,
    )


def _limit_line(around: Around, one: Checked, over: Crossing) -> Line:
    """Write whose work is over a limit, to their manager; it names no family."""
    policy, limit = around.authority.policy, over.limit
    readings = [policy.readings[id_] for id_ in limit.readings]
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
        reading_ours=any(reading.ours for reading in readings),
        reading_unsigned=any(not reading.signed_by for reading in readings),
        edition_past_review=policy.review_by is not None and around.day > policy.review_by,
    )


def _why_you(m: Milestone) -> str:
    """Name the ladder on which overdue work climbs: the protocol's own, or the council's."""
    if m.chain is None or m.chain.kind == "own":
        return "your council's own ladder for overdue work"
    return f"{m.chain.title} (clause {m.chain.clause})"


def _told_before(around: Around, one: Checked) -> tuple[str, ...]:
    policy, stage, chain = around.authority.policy, one.notice.stage or 1, one.milestone.chain
    below = [role for rung in one.milestone.rungs if rung.stage < stage for role in rung.who]
    if chain is None or chain.kind == "own":
        own = chain.own if chain else around.desk.config.overdue_ladder(around.authority.name)
        below = [role for step in own[: stage - 1] for role in step.who]
    roles = (one.milestone.owner, *below)
    return tuple(dict.fromkeys(policy.title_of_role(role) for role in roles))


def _owner_name(around: Around, one: Checked) -> str:
    """Name who holds the work, to the manager who is told that it is overdue."""
    found = meant(one.milestone.owner, around.authority.policy, around.directory, one.evaluation.facts)
    return "" if found.climbed else ", ".join(person.name for person in found.people)


def _next_step(m: Milestone, policy: Policy, *, again: bool = False) -> str:
    """Say what ends it; `again` where its reader acknowledged it, and that has run out."""
    words = [policy.words[anchor.word] for anchor in policy.rules[m.rule].met_by]
    said = [word.title or word.name.replace("_", " ") for word in words]
    still = "Still overdue, and your acknowledgement has run out. " if again else ""
    return f"{still}Done when this is recorded: {' or '.join(said)}"


def _step(one: Checked, line: Line, policy: Policy, now: datetime) -> Step:
    m, detail = one.milestone, (one.milestone.anchor.detail if one.milestone.anchor else {})
    rung = next(r for r in m.rungs if r.stage == one.notice.stage)  # `check` has made sure that it is there
    above = next((r for r in m.rungs if r.stage == rung.stage + 1), None)
    below = [r for r in m.rungs if r.stage < rung.stage]
    title = policy.title_of_role
    # What a case system sent as its matter or its sides is shown only where it is a word of the policy.
    sides = [str(detail.get(key)) for key in ("by_role", "against") if detail.get(key) in policy.roles]
    return Step(
        line=line,
        since=said_moment(m.from_at) if m.from_at else "",
        asks="Decide, and have the decision recorded",
        decide_by=_by_when(rung, now),
        stage=rung.stage,
        stages=max(r.stage for r in m.rungs),
        together=rung.together,
        final=rung.final,
        told=tuple(_titles(below, policy)),
        goes_to_next=" and ".join(title(role) for role in above.who) if above else "",
        about=said_word(str(detail.get("about"))) if detail.get("about") in matters(policy) else "",
        sides=tuple(map(title, sides)),
        others=tuple(title(role) for role in rung.who if role not in one.notice.to_roles or len(rung.who) > 1),
        recorded=tuple(map(title, rung.recorded)),
        at_odds=rung.at_odds,
        if_over=()
        if m.state == "overdue"
        else tuple(f"{t} (clause {clause})" for t, clause in follows(policy, m.rule)),
    )


def _by_when(rung: Rung, now: datetime) -> str:
    if rung.due_at is None:
        return "no set time"
    return said_moment(rung.due_at) if now <= rung.due_at else f"now; its time ran out at {said_moment(rung.due_at)}"


def _titles(rungs: Iterable[Rung], policy: Policy) -> Iterator[str]:
    for rung in rungs:
        for role in rung.who:
            yield policy.title_of_role(role)
