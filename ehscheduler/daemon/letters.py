"""Letters: from the notices that are still owed to one recipient to the messages that are claimed and sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from ehscheduler.address import message_id
from ehscheduler.core.actions import next_morning
from ehscheduler.daemon.desk import MORNING_MISSED
from ehscheduler.daemon.hearing import kind_of
from ehscheduler.daemon.lines import line_of, step_of
from ehscheduler.daemon.look import at_work
from ehscheduler.daemon.recheck import Around, Checked
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
    TeamWeek,
    Weekly,
)
from ehscheduler.notify.own import own_words
from ehscheduler.notify.sections import split, split_weeks
from ehscheduler.notify.ways import Way
from ehscheduler.notify.words import moment_words
from ehscheduler.store.outbox import Letter

# ---- messages


@dataclass(frozen=True, slots=True)
class Composed:
    """A message ready to be claimed, or, without a letter, notices that cannot be written and why."""

    keys: tuple[str, ...]
    letter: Letter | None
    fault: str = ""


def compose(around: Around, way: Way, to: Addressee, checked: Sequence[Checked]) -> Iterator[Composed]:
    """Yield each message for one recipient by one way, with the keys of the notices in it."""
    by_kind: dict[str, list[Checked]] = {}
    weeks = [one for one in checked if isinstance(one.about, TeamWeek)]
    yield from _weeks(around, way, to, weeks)
    for one in (one for one in checked if one not in weeks):
        by_kind.setdefault(kind_of(one.notice.kind, immediate=one.notice.immediate), []).append(one)
    if len(by_kind) > 1 and (way.shared or not around.recipient.startswith("team:")) and _piled_up(around, checked):
        by_kind = {"digest": [one for kind, own in by_kind.items() if kind != "baseline" for one in own]} | {
            kind: own for kind, own in by_kind.items() if kind == "baseline"
        }
    if "digest" in by_kind and not around.recipient.startswith("team:"):
        # What goes out in the same minute goes in one message, hour clocks too.
        by_kind["digest"] += by_kind.pop("immediate", [])
    for kind, members in sorted(by_kind.items()):
        lines = {line_of(around, one): one for one in members}
        chunks = _chunks(kind, tuple(lines), around.day)
        for part, chunk in enumerate(chunks, 1):
            inside = [lines[line] for line in chunk]
            yield from _composed(around, way, kind, to, chunk, inside, part, len(chunks))


def _weeks(around: Around, way: Way, to: Addressee, weeks: Sequence[Checked]) -> Iterator[Composed]:
    """Yield a manager's week: the teams in one message, or as few as hold them."""
    by_team = {one.notice.milestone: one for one in weeks}
    parts = split_weeks([one.about for one in by_team.values() if isinstance(one.about, TeamWeek)])
    left = iter(by_team.values())
    for part, teams in enumerate(parts, 1):
        inside = list(islice(left, len(teams)))
        keys = tuple(one.notice.key for one in inside)
        message = Weekly(to=to, imprint=_imprint_of(around), day=around.day, teams=teams, part=part, parts=len(parts))
        try:
            yield Composed(keys, _frozen(around, way, "weekly", to, message, inside))
        except MessageRefused as refused:
            yield Composed(keys, None, refused.faults[0])


def _composed(
    around: Around,
    way: Way,
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
        yield Composed(keys, _letter(around, way, kind, to, lines, inside, part, parts))
    except MessageRefused as refused:
        if len(lines) == 1:
            yield Composed(keys, None, refused.faults[0])
            return
        half = len(lines) // 2
        yield from _composed(around, way, kind, to, lines[:half], inside[:half], part, parts)
        yield from _composed(around, way, kind, to, lines[half:], inside[half:], part, parts)


def _chunks(kind: str, lines: tuple[Line, ...], day: date) -> Sequence[tuple[Line, ...]]:
    if kind in ("dispute", "immediate"):
        starts = range(0, len(lines), LINES_PER_MESSAGE)
        return [lines[start : start + LINES_PER_MESSAGE] for start in starts]
    return list(split(lines, day))


def _letter(
    around: Around,
    way: Way,
    kind: str,
    to: Addressee,
    lines: tuple[Line, ...],
    inside: Sequence[Checked],
    part: int,
    parts: int,
) -> Letter:
    message = _message(around, kind, to, lines, inside, part, parts, shared=way.shared)
    return _frozen(around, way, kind, to, message, inside)


def _frozen(around: Around, way: Way, kind: str, to: Addressee, message: Message, inside: Sequence[Checked]) -> Letter:
    """Write a message for a way, and name it after what is in it."""
    # The tries before are part of the name: a message that was dissolved and made anew is another message.
    tries = sum(one.waiting.attempts for one in inside)
    keys = sorted(one.notice.key for one in inside)
    about = (around.authority.name, around.recipient, way.name, kind)
    name = "|".join((*about, str(tries), around.now.isoformat(), *keys))
    id_ = message_id(name, around.desk.sender.address.rpartition("@")[2])
    written = way.written(message, to.email, id_, around.now, own_words(around.authority.templates))
    return Letter(
        message_id=id_,
        recipient=around.recipient,
        channel=way.name,
        address=to.email,
        subject=written.subject,
        body=written.body,
    )


def _message(
    around: Around,
    kind: str,
    to: Addressee,
    lines: tuple[Line, ...],
    inside: Sequence[Checked],
    part: int,
    parts: int,
    *,
    shared: bool,
) -> Message:
    imprint, day, outage = _imprint_of(around), around.day, _outage(around, inside)
    if kind == "dispute":
        steps = tuple(step_of(around, one, line, shared=shared) for one, line in zip(inside, lines, strict=True))
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
    with_each = list(zip(inside, lines, strict=True))
    steps = tuple(step_of(around, one, line, shared=shared) for one, line in with_each if line.kind == "dispute")
    plain = tuple(line for line in lines if line.kind != "dispute")
    return Digest(to=to, imprint=imprint, day=day, lines=plain, steps=steps, outage=outage, part=part, parts=parts)


def _imprint_of(around: Around) -> Imprint:
    policy = around.authority.policy
    return Imprint(
        authority=policy.authority.replace("-", " ").title(),
        document=policy.document,
        edition=policy.edition,
        safeguarding_route=around.desk.config.safeguarding_route(around.authority.name),
    )


def _piled_up(around: Around, inside: Sequence[Checked]) -> bool:
    """Tell whether any of this should have been told before a working morning that went by: then it is one message."""
    calendar, now = around.authority.calendar, around.now
    missed = (next_morning(calendar, one.notice.decided_at) + MORNING_MISSED <= now for one in inside)
    return bool(_outage(around, inside)) or any(missed)


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
