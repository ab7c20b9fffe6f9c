"""Letters: from the deliveries that wait for one recipient to the messages that are claimed and sent.

Each notice is checked once more, against the case as it stands now, before it goes into a message.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from ehscheduler.core.actions import why_kept
from ehscheduler.core.calendars import london_day
from ehscheduler.core.disputes import Rung
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.saying import said_moment
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import Directory, resolve
from ehscheduler.core.policy import Policy
from ehscheduler.daemon.desk import MAIL, Desk, as_word
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
    Step,
)
from ehscheduler.notify.render import render
from ehscheduler.notify.sections import split
from ehscheduler.notify.words import window_words
from ehscheduler.plugins import Authority
from ehscheduler.store.notices import Notice
from ehscheduler.store.outbox import Letter, Waiting

SAFEGUARDING = "follow your council's safeguarding procedure; nothing here delays a referral"


@dataclass(frozen=True, slots=True)
class Checked:
    """A notice that is still owed, with the milestone as it stands now."""

    waiting: Waiting
    milestone: Milestone
    evaluation: Evaluation

    @property
    def notice(self) -> Notice:
        return self.waiting.notice


@dataclass(frozen=True, slots=True)
class Drop:
    """A notice that is not sent to this recipient after all, why, and to whom it goes instead."""

    key: str
    why: str
    instead: tuple[str, ...] = ()


def check(
    waiting: Waiting, evaluation: Evaluation, authority: Authority, directory: Directory, recipient: str
) -> Checked | Drop:
    """Decide whether a notice is still owed to this recipient, on what is known now."""
    notice = waiting.notice
    if evaluation.episode != notice.episode:
        return Drop(notice.key, "the case was reopened since")
    milestone = next((m for m in evaluation.milestones if m.key == notice.milestone), None)
    if milestone is None:
        return Drop(notice.key, "it no longer applies")
    if (why := why_kept(milestone) or _moved_on(notice, milestone)) is not None:
        return Drop(notice.key, why)
    owners = _owners(notice, evaluation, authority.policy, directory)
    if recipient.startswith("person:") and owners and recipient not in owners:
        return Drop(notice.key, "somebody else is to act now", owners)
    return Checked(waiting, milestone, evaluation)


def _moved_on(notice: Notice, milestone: Milestone) -> str | None:
    if notice.due_version != milestone.due_version:
        return "its date has moved"
    if notice.kind in ("overdue", "escalation", "baseline") and milestone.state != "overdue":
        return "it is not overdue"
    if notice.kind in ("reminder", "due") and milestone.state == "overdue":
        return "a later notice says as much"
    return None


def _owners(notice: Notice, found: Evaluation, policy: Policy, directory: Directory) -> tuple[str, ...]:
    lead, team = as_word(found.facts.get("lead")), as_word(found.facts.get("team"))
    people = [p for role in notice.to_roles for p in resolve(role, policy, directory, lead=lead, team=team).people]
    return tuple(dict.fromkeys(f"person:{p.person_id}" for p in people))


def latest(checked: Sequence[Checked]) -> tuple[list[Checked], list[Drop]]:
    """Keep of each milestone's notices, in one message, only the last; the others say less."""
    last: dict[tuple[str, str, str, int], Checked] = {}
    drops: list[Drop] = []
    for one in sorted(checked, key=lambda c: (c.notice.at, c.notice.key)):
        notice = one.notice
        place = (notice.case_ref, notice.milestone, kind_of(notice), notice.stage or 0)
        if place in last:
            drops.append(Drop(last[place].notice.key, "a later notice says as much"))
        last[place] = one
    return list(last.values()), drops


# ---- messages


def kind_of(notice: Notice) -> str:
    """Name the message that a notice belongs in."""
    if notice.kind in ("dispute", "escalation", "baseline"):
        return notice.kind
    return "immediate" if notice.immediate else "digest"


def compose(
    desk: Desk, authority: Authority, recipient: str, to: Addressee, checked: Sequence[Checked], now: datetime
) -> Iterator[tuple[Letter, list[str]]]:
    """Yield each message for one recipient with the keys of the notices in it, ready to be claimed."""
    by_kind: dict[str, list[Checked]] = {}
    for one in checked:
        by_kind.setdefault(kind_of(one.notice), []).append(one)
    for kind, members in sorted(by_kind.items()):
        lines = {_line(desk, authority, one, now): one for one in members}
        chunks = _chunks(kind, tuple(lines), london_day(now))
        for part, chunk in enumerate(chunks, 1):
            inside = [lines[line] for line in chunk]
            message = _message(kind, desk, authority, to, chunk, inside, part, len(chunks), now, recipient)
            yield _letter(desk, authority, recipient, to, kind, message, inside, now)


def _chunks(kind: str, lines: tuple[Line, ...], day: date) -> Sequence[tuple[Line, ...]]:
    if kind in ("dispute", "immediate"):
        starts = range(0, len(lines), LINES_PER_MESSAGE)
        return [lines[start : start + LINES_PER_MESSAGE] for start in starts]
    return list(split(lines, day))


def _letter(
    desk: Desk,
    authority: Authority,
    recipient: str,
    to: Addressee,
    kind: str,
    message: Message,
    inside: Sequence[Checked],
    now: datetime,
) -> tuple[Letter, list[str]]:
    rendered = render(message)
    keys = [one.notice.key for one in inside]
    # The tries before are part of the name: a message that was dissolved and made anew is another message.
    tries = sum(one.waiting.attempts for one in inside)
    name = "|".join((authority.name, recipient, kind, str(tries), *sorted(keys)))
    id_ = message_id(name, desk.sender.address.rpartition("@")[2])
    body = build(rendered, to=to.email, sender=desk.sender, message_id=id_, moment=now)
    letter = Letter(
        message_id=id_, recipient=recipient, channel=MAIL, address=to.email, subject=rendered.subject, body=body
    )
    return letter, keys


def _message(
    kind: str,
    desk: Desk,
    authority: Authority,
    to: Addressee,
    lines: tuple[Line, ...],
    inside: Sequence[Checked],
    part: int,
    parts: int,
    now: datetime,
    recipient: str,
) -> Message:
    policy = authority.policy
    imprint = Imprint(
        authority=policy.authority.replace("-", " ").title(),
        document=policy.document,
        edition=policy.edition,
        safeguarding_route=SAFEGUARDING,
    )
    day = london_day(now)
    if kind == "dispute":
        steps = tuple(_step(one, line, policy) for one, line in zip(inside, lines, strict=True))
        return Dispute(to=to, imprint=imprint, day=day, steps=steps)
    if kind == "immediate":
        waits = recipient.startswith("team:")
        owner = policy.title_of_role(inside[0].milestone.owner) if waits else ""
        return Immediate(to=to, imprint=imprint, day=day, lines=lines, waits_for=owner)
    if kind == "escalation":
        return Escalation(to=to, imprint=imprint, day=day, lines=lines, part=part, parts=parts)
    if kind == "baseline":
        live = desk.config.live_for(authority.name).since or day
        team = recipient.partition(":")[2]
        return Baseline(to=to, imprint=imprint, day=day, team=team, live_from=live, lines=lines, part=part, parts=parts)
    return Digest(to=to, imprint=imprint, day=day, lines=lines, part=part, parts=parts)


def _line(desk: Desk, authority: Authority, one: Checked, now: datetime) -> Line:
    m, notice, policy = one.milestone, one.notice, authority.policy
    readings = [policy.readings[id_] for id_ in m.readings]
    day = london_day(now)
    template = desk.config.link.get(authority.name)
    return Line(
        case_ref=m.case,
        title=m.title,
        clause=m.clause,
        kind=notice.kind,
        state=m.state,
        window=window_words(now, due_on=m.due_on, due_at=m.due_at, opens_on=m.opens_on, best_by_on=m.best_by_on),
        owner_title=policy.title_of_role(m.owner),
        next_step=_next_step(m, policy),
        recorded=notice.source,
        key=m.key,
        force=m.force,
        due_on=m.due_on,
        days_over=max(0, (day - m.due_on).days) if m.due_on and m.state == "overdue" else 0,
        stage=notice.stage,
        ladder="your council's own ladder for overdue work" if notice.kind == "escalation" else "",
        link=link_to(template, m.case) if template else None,
        reading_ours=any(reading.ours for reading in readings),
        reading_unsigned=any(not reading.signed_by for reading in readings),
        calendar_forecast=m.due_on is not None and authority.calendar.is_forecast(m.due_on),
        edition_past_review=policy.review_by is not None and day > policy.review_by,
        anchor_time_unknown=m.anchor_time_unknown,
    )


def _next_step(m: Milestone, policy: Policy) -> str:
    words = [policy.words[anchor.word] for anchor in policy.rules[m.rule].met_by]
    said = [word.title or word.name.replace("_", " ") for word in words]
    return f"Done when this is recorded: {' or '.join(said)}"


def _step(one: Checked, line: Line, policy: Policy) -> Step:
    m = one.milestone
    rung = next(r for r in m.rungs if r.stage == one.notice.stage)
    above = next((r for r in m.rungs if r.stage == rung.stage + 1), None)
    below = [r for r in m.rungs if r.stage < rung.stage]
    return Step(
        line=line,
        since=said_moment(m.from_at) if m.from_at else "",
        asks="Decide, and have the decision recorded",
        decide_by=said_moment(rung.due_at) if rung.due_at else "no set time",
        stage=rung.stage,
        stages=max(r.stage for r in m.rungs),
        together=rung.together,
        final=rung.final,
        told=tuple(_titles(below, policy)),
        goes_to_next=" and ".join(policy.title_of_role(role) for role in above.who) if above else "",
    )


def _titles(rungs: Iterable[Rung], policy: Policy) -> Iterator[str]:
    for rung in rungs:
        for role in rung.who:
            yield policy.title_of_role(role)
