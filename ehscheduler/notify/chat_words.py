"""What a chat is told of a message, in words: many read it, so it gets counts, titles, windows and clauses.

No person's name comes here, and no case reference or link unless they are asked for: whoever is to act has them by
their own way.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ehscheduler.notify import messages, render, sections, whitelist
from ehscheduler.notify.messages import (
    LINES_PER_MESSAGE,
    Baseline,
    Digest,
    Dispute,
    Escalation,
    Immediate,
    Line,
    Message,
    MessageRefused,
    Step,
)
from ehscheduler.notify.words import day_words

Told = Digest | Immediate | Escalation | Baseline | Dispute
TITLE, CLAUSE, WINDOW, ROLES, REFERENCE = 150, 60, 250, 300, 60
ABOUT_STAFF = "limit"
"""The kind of line that is about a colleague's work, and whose reference is their name: a chat gets its count alone."""
WINDOWLESS = ("check",)
"""Kinds of line whose window says what was recorded of a family, and on which day."""
HEADINGS = {**sections.HEADINGS, "handover": "Handed over", "up": "Past the date, told to the next one up"}
TO_READER = {
    ", now with you": ", told to the next one up",
    " and now with you": " and told to the next one up",
    " handed over to you": " handed over",
}
"""What a mail's subject says to its one reader, in words for many."""
UNTITLED = "A step of the protocol"
GUIDE = "Good practice, not a limit."
ELSEWHERE = (
    "Case references and links are not shown here. If it is yours to act, open your mail: they are there.",
    "If it is yours to act, open your mail: the rest is there.",
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One matter, or as many that read alike as `stands_for`; a reference and a link only where they are asked for."""

    text: str
    facts: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    case_ref: str = ""
    link: str = ""
    stands_for: int = 1

    @property
    def counted(self) -> str:
        return f"{self.stands_for} x {self.text}" if self.stands_for > 1 else self.text


@dataclass(frozen=True, slots=True)
class Part:
    """Entries under one heading, or under none; `unshown` are so many more that only the mail shows."""

    heading: str
    entries: tuple[Entry, ...]
    unshown: int = 0

    def cut(self, most: int) -> "Part":
        """Show so many entries, and count what the others stand for."""
        over = sum(entry.stands_for for entry in self.entries[most:])
        return replace(self, entries=self.entries[:most], unshown=self.unshown + over)

    @property
    def rest(self) -> str:
        """Say how many are not shown, and where they are; nothing where all are."""
        if not self.unshown or not self.entries:
            return f"{self.unshown} that only the mail shows." if self.unshown else ""
        return f"And {self.unshown} more; {'it is' if self.unshown == 1 else 'they are'} in the mail."


@dataclass(frozen=True, slots=True)
class Said:
    """A message in a chat's words, from top to bottom."""

    subject: str
    lead: tuple[str, ...]
    parts: tuple[Part, ...]
    foot: tuple[str, ...]

    def cut(self, most: int) -> "Said":
        """Show so many entries under each heading."""
        return replace(self, parts=tuple(part.cut(most) for part in self.parts))


def said_in_chat(message: Message, *, references: bool) -> Said:
    """Say all of a message; raises MessageRefused for one that must not be sent, or that no chat gets."""
    plain = whitelist.whitelisted(message)
    if not isinstance(plain, Told):
        raise MessageRefused([f"a chat gets no {type(plain).__name__}"])
    if faults := list(_faults(message)):
        raise MessageRefused(faults)
    parts = tuple(_parts(plain, references))
    entries = [entry for part in parts for entry in part.entries]
    return Said(chat_subject(plain), tuple(_lead(plain)), parts, tuple(_foot(plain, entries, references)))


def chat_subject(message: Message) -> str:
    """Give a message's subject as many may read it: fixed words, counts and dates."""
    said = render.subject(message)
    for one, many in TO_READER.items():
        said = said.replace(one, many)
    return said


def _faults(message: Message) -> Iterator[str]:
    """Yield what forbids sending; a chat shows a count of what is too much, so that is no fault here."""
    if isinstance(message, Dispute):
        pieces: list[Message] = [replace(message, steps=some) for some in _pieces(message.steps)]
    elif isinstance(message, Told):
        pieces = [replace(message, lines=some) for some in _pieces(message.lines)]
    for piece in pieces:
        yield from messages.faults_of(piece)


def _pieces(items: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    starts = range(0, len(items) or 1, LINES_PER_MESSAGE)
    return [items[start : start + LINES_PER_MESSAGE] for start in starts]


# ---- above and below


def _lead(message: Told) -> Iterator[str]:
    yield from _LEADS[type(message)](message)
    if not isinstance(message, Baseline | Dispute) and message.outage:
        said = "What should have come in that time is all in this message."
        yield f"The scheduler was down {message.outage}. {said}"


def _digest_lead(message: Digest) -> Iterator[str]:
    yield f"What to do next, {day_words(message.day)}."
    if message.steps:
        yield f"A dispute never delays a referral. {_safe(message, 'act now')}"


def _escalation_lead(message: Escalation) -> Iterator[str]:
    yield (
        f"As of {day_words(message.day)} nothing recorded shows this work as done, so the next on the ladder is told. "
        "The work is still its owner's."
    )


def _dispute_lead(message: Dispute) -> Iterator[str]:
    yield f"A dispute never delays a referral. {_safe(message, 'act now')}"


def _immediate_lead(message: Immediate) -> Iterator[str]:
    clock, does = ("Its clock", "does") if len(message.lines) == 1 else ("Their clocks", "do")
    yield f"Told at once on {day_words(message.day)}."
    yield f"{clock} {does} not wait for the morning, so this message does not."
    if message.waits_for:
        who, until = _cut(message.waits_for, ROLES), _cut(message.waits_until, WINDOW)
        yield f"It is outside the hours of the {who}, who gets it at {until}."


def _baseline_lead(message: Baseline) -> Iterator[str]:
    yield f"Starting list: {_cut(message.team, TITLE)}, {day_words(message.day)}."
    yield (
        f"Reminders for this team began on {day_words(message.live_from)}. What follows was past the date then, as far "
        "as the records show. This list comes once, and nothing on it is escalated."
    )


_LEADS: Mapping[type, Callable[[Any], Iterator[str]]] = {
    Digest: _digest_lead,
    Escalation: _escalation_lead,
    Dispute: _dispute_lead,
    Immediate: _immediate_lead,
    Baseline: _baseline_lead,
}


def _foot(message: Told, entries: Sequence[Entry], references: bool) -> Iterator[str]:
    yield from _reservations(entries)
    yield ELSEWHERE[references]
    imprint = message.imprint
    edition = f", edition {_cut(imprint.edition, CLAUSE)}" if imprint.edition else ""
    yield f"{_cut(imprint.authority, TITLE)}. Dates are counted from {_cut(imprint.document, TITLE)}{edition}."
    route = "" if isinstance(message, Dispute) else f" {_safe(message, 'do not wait for any date here')}"
    yield f"This is a reminder, not the case record.{route}"


def _safe(message: Told, do: str) -> str:
    route = message.imprint.safeguarding_route or "use your council's safeguarding route"
    return f"If a child may be at risk of harm, {do}: {render.ends(route)}"


def _reservations(entries: Sequence[Entry]) -> Iterator[str]:
    """Yield each reservation once, and whether it holds for all."""
    for note in dict.fromkeys(note for entry in entries for note in entry.notes):
        everywhere = all(note in entry.notes for entry in entries)
        yield note if everywhere else f"For some of these: {note[0].lower()}{note[1:]}"


# ---- what it is about


def _parts(message: Told, references: bool) -> Iterator[Part]:
    if isinstance(message, Dispute | Digest) and message.steps:
        heading = HEADINGS["decide"] if isinstance(message, Digest) else ""
        yield Part(heading, _gathered(_step(step, references) for step in _by_date(message.steps)))
    if isinstance(message, Dispute):
        return
    found = sections.sections(message.lines, message.day)
    owner = isinstance(message, Immediate)
    for section in found:
        lines = [line for group in section.groups for line in group.lines]
        entries = [_entry(line, references, owner) for line in _in_order(lines) if line.kind != ABOUT_STAFF]
        several = len(found) > 1 or (isinstance(message, Digest) and bool(message.steps))
        heading = HEADINGS[section.name] if several else ""
        yield Part(heading, _gathered(entries), unshown=len(lines) - len(entries))


def _gathered(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Make one of what reads alike, with its count."""
    alike = Counter(entries)
    return tuple(replace(entry, stands_for=count) for entry, count in alike.items())


def _in_order(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: (line.due_on or sections.NOT_SET, line.title, line.clause, line.case_ref))


def _by_date(steps: Iterable[Step]) -> list[Step]:
    """Sort steps by the day of their own time; those whose time has run out come last, as everywhere."""

    def place(step: Step) -> tuple[Any, ...]:
        day = step.decide_on or step.line.due_on or sections.NOT_SET
        return step.line.state == "overdue", day, step.line.title, step.line.case_ref, step.stage

    return sorted(steps, key=place)


def _entry(line: Line, references: bool, owner: bool) -> Entry:
    said = [_titled(line)]
    if line.kind not in WINDOWLESS:
        said.append(_cut(render.when(line), WINDOW))
    if owner and line.owner_title:
        said.append(f"Owner: {_cut(line.owner_title, ROLES)}.")
    notes = render.notes(line)
    said += [note for note in notes if note == GUIDE]
    rest = tuple(note for note in notes if note != GUIDE)
    case_ref, link = _referred(line, references)
    return Entry(" ".join(said), notes=rest, case_ref=case_ref, link=link)


def _titled(line: Line) -> str:
    clause = f" (clause {_cut(line.clause, CLAUSE)})" if line.clause else ""
    return f"{_cut(line.title, TITLE) or UNTITLED}{clause}."


def _referred(line: Line, references: bool) -> tuple[str, str]:
    return (_cut(line.case_ref, REFERENCE), line.link or "") if references and line.case_ref else ("", "")


def _step(step: Step, references: bool) -> Entry:
    title, facts, notes = _titled(step.line).removesuffix("."), tuple(_facts(step)), render.notes(step.line)
    case_ref, link = _referred(step.line, references)
    return Entry(title, facts, notes, case_ref, link)


def _facts(step: Step) -> Iterator[tuple[str, str]]:
    """Yield what is to be decided, by when, by whom, and which step it is of how many."""
    for name, said in (("What is asked", step.asks), ("About", step.about), ("By when", step.decide_by)):
        if said:
            yield name, render.sentence(_cut(said, WINDOW))
    if roles := dict.fromkeys(role for role in (*step.asked_as, *step.others) if role):
        together = " They must all record the same decision." if step.together and len(roles) > 1 else ""
        yield "Who is asked", f"{render.sentence(_cut('; '.join(roles), ROLES))}{together}"
    yield f"Step {step.stage} of {step.stages}", render.sentence(_cut(render.next_words(step), ROLES))


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
