"""What the demo shows: a digest, an escalation, a dispute and one proof card, chosen from what the sink kept."""

import email
import email.policy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ehscheduler.board import OpenRow, open_now, proof_cards
from ehscheduler.concern import Concerns, concerns
from ehscheduler.core.calendars import london_day
from ehscheduler.core.drift import OURS
from ehscheduler.core.people import Person
from ehscheduler.demo.weeks import Lived
from ehscheduler.disputing import Standing, dispute
from ehscheduler.store.outbox import OutboxRow, outbox
from ehscheduler.store.people import people_of
from ehscheduler.store.store import Store
from ehscheduler.tally import Report, Stretch, report

EVERY = 1_000_000
COMFORTABLE = 40
"""So many lines of a message can be read without scrolling back."""


@dataclass(frozen=True, slots=True)
class Received:
    """One message as the sink kept it, with the notices in it and the person it went to."""

    path: Path
    kind: str
    person: Person
    role: str
    sent_at: datetime
    subject: str
    text: str
    rows: tuple[OutboxRow, ...]

    @property
    def kinds(self) -> frozenset[str]:
        return frozenset(row.kind for row in self.rows)

    @property
    def length(self) -> int:
        return len(self.text.splitlines())


@dataclass(frozen=True, slots=True)
class Picks:
    """What is shown; an answer is None, and a list empty, where these weeks held none."""

    counts: Mapping[str, int]
    receivers: int
    digest: Received | None
    escalation: Received | None
    dispute: Received | None
    overdue: Sequence[OpenRow]
    open_count: int
    card: Mapping[str, Any] | None
    climb: Standing | None
    quarter: Report
    panel: Concerns | None


def pick(lived: Lived) -> Picks:
    """Choose what to show of the weeks that were lived through."""
    with lived.store() as store:
        letters = list(_received(lived, store))
        rows = open_now(store, lived.authority, lived.until)
        overdue = [row for row in rows if row.state == "overdue"]
        dispute = _dispute(letters, lived)
        counts = Counter(letter.kind for letter in letters)
        counts["operator"] = len(lived.mails) - len(letters)
        return Picks(
            counts,
            len({letter.person.person_id for letter in letters}),
            _digest(letters),
            _escalation(letters, dispute),
            dispute,
            overdue,
            len(rows),
            _card(store, lived, overdue),
            _climb(store, lived),
            report(store, lived.authority, quarter_of(lived), by=""),
            concerns(store, lived.second, lived.until, OURS) if lived.second else None,
        )


def _climb(store: Store, lived: Lived) -> Standing | None:
    """Return how the dispute stands that was raised by hand."""
    raised = lived.dispute
    return dispute(store, lived.authority, raised.case, raised.ref, lived.until) if raised else None


def quarter_of(lived: Lived) -> Stretch:
    """Return the thirteen weeks up to the end of the demo."""
    last = london_day(lived.until)
    return Stretch(last - timedelta(weeks=13) + timedelta(days=1), last, lived.until)


def _received(lived: Lived, store: Store) -> Iterator[Received]:
    """Yield each message that the sink kept and the outbox knows, in the order they came."""
    name = lived.authority.name
    with store.read() as tx:
        rows = outbox(tx, name, limit=EVERY)
        by_address = {person.email: person for person in people_of(tx, name)}
    inside: dict[str, list[OutboxRow]] = {}
    for row in rows:
        inside.setdefault(row.message_id or "", []).append(row)
    for path in lived.mails:
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        members = inside.get(str(mail["Message-ID"]), [])
        person = by_address.get(str(mail["To"].addresses[0].addr_spec))
        body = mail.get_body(("plain",))
        if members and person is not None and body is not None:
            yield Received(
                path,
                _kind(members),
                person,
                lived.authority.policy.title_of_role(person.roles[0]),
                mail["Date"].datetime,
                str(mail["Subject"]),
                body.get_content(),
                tuple(members),
            )


def _kind(members: Sequence[OutboxRow]) -> str:
    """Name the kind of message that these notices were in; what is not told up a ladder or in a list is a digest."""
    kinds = {row.kind for row in members}
    return next((kind for kind in ("dispute", "escalation", "baseline") if kind in kinds), "digest")


# ---- one of each


def _digest(letters: Sequence[Received]) -> Received | None:
    """Choose a case manager's digest: of several kinds of line, of a length to be read here, and late in the weeks."""
    mine = [one for one in letters if one.kind == "digest" and "case_manager" in one.person.roles]
    return max(mine, key=lambda one: (one.length <= COMFORTABLE, len(one.kinds), one.sent_at), default=None)


def _dispute(letters: Sequence[Received], lived: Lived) -> Received | None:
    """Choose the first message about the dispute that was recorded by hand, else the last about any."""
    about = [one for one in letters if one.kind == "dispute"]
    case = lived.dispute.case if lived.dispute else ""
    return next((one for one in about if any(row.case_ref == case for row in one.rows)), about[-1] if about else None)


def _escalation(letters: Sequence[Received], dispute: Received | None) -> Received | None:
    """Choose the last escalation to whoever had the dispute, else the last to anybody."""
    told = [one for one in letters if one.kind == "escalation"]
    same = [one for one in told if dispute and one.person.person_id == dispute.person.person_id]
    return max(same or told, key=lambda one: (one.length <= COMFORTABLE, one.sent_at), default=None)


def _card(store: Store, lived: Lived, overdue: Sequence[OpenRow]) -> Mapping[str, Any] | None:
    """Choose the proof of something overdue that people were told of."""
    cards = [
        card
        for row in overdue
        for card in proof_cards(store, lived.authority, row.case, row.key, lived.until)
        if card["walk"] and any(told["sent_at"] for told in card["told"])
    ]
    return min(cards, key=_worth, default=None)


def _worth(card: Mapping[str, Any]) -> tuple[bool, bool, int, int]:
    """Put first what went up a ladder, then what counts working days, rests on few readings, and is soon read."""
    climbed = any(told["kind"] == "escalation" and told["sent_at"] for told in card["told"])
    skips = any(step["why_not"] for step in card["walk"])
    return not climbed, not skips, len(card["readings_in_words"]), len(card["walk"])
