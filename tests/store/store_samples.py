"""Rows that the store's tests write: no real person, and one authority unless a test says otherwise."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from ehscheduler.core.calendars import london_day
from ehscheduler.core.events import Case, Event
from ehscheduler.store import Store, Tx, cases, editions, notices, outbox
from ehscheduler.store.milestones import MilestoneRow
from ehscheduler.store.notices import NewDelivery, Notice
from ehscheduler.store.outbox import Claim, Letter

A = "testshire"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LEASE = 2 * MINUTE
ANN = "person:ann"


def a_case(ref: str = "C1", **facts: Any) -> Case:
    return Case(ref, facts)


def put(tx: Tx, *found: Case, authority: str = A, now: datetime = NOON, **more: Any) -> cases.PutCases:
    return cases.put_cases(tx, authority, found, source="cases.csv", read_at=now, now=now, **more)


def an_event(
    id_: str = "e1",
    word: str = "allocated",
    *,
    case: str = "C1",
    at: datetime = NOON,
    ref: str | None = None,
    detail: Mapping[str, Any] | None = None,
) -> Event:
    return Event(id_, case, word, at, False, london_day(at), at, ref, detail or {})


def an_edition(tx: Tx, text: str = "[policy]", authority: str = A) -> str:
    return editions.keep_edition(tx, authority, edition="1", text=text, now=NOON)


def a_milestone(policy_hash: str, rule: str = "first-visit", **changes: Any) -> MilestoneRow:
    row = MilestoneRow(
        case_ref="C1",
        episode=1,
        rule=rule,
        key=rule,
        title="First home visit",
        clause="3b5",
        force="required",
        owner="case_manager",
        state="upcoming",
        from_event="allocated",
        from_at=NOON,
        opens_on=None,
        best_by_on=None,
        due_on=date(2026, 3, 16),
        due_at=datetime(2026, 3, 16, 23, 59, 59, tzinfo=UTC),
        original_due_at=datetime(2026, 3, 16, 23, 59, 59, tzinfo=UTC),
        met_at=None,
        recorded_late=False,
        phase=None,
        due_version="v1",
        policy_hash=policy_hash,
    )
    return replace(row, **changes)


def a_notice(key: str = "n1", **changes: Any) -> Notice:
    row = Notice(
        key=key,
        case_ref="C1",
        episode=1,
        rule="first-visit",
        milestone="first-visit",
        kind="reminder",
        stage=None,
        repeat=0,
        due_version="v1",
        at=NOON,
        decided_at=NOON,
        to_roles=("case_manager", "team_manager"),
        immediate=False,
        kept=None,
        clause="3b5",
        source="as recorded in cases.csv",
    )
    return replace(row, **changes)


def to(recipient: str = ANN, *, channel: str = "mail", after: datetime = NOON, **more: Any) -> NewDelivery:
    return NewDelivery(recipient=recipient, channel=channel, send_after=after, **more)


def decide(store: Store, keys: Sequence[str], *deliveries: NewDelivery) -> None:
    """Store one notice for each key, all to the same recipients."""
    with store.begin() as tx:
        notices.add_notices(tx, A, [(a_notice(key), deliveries or (to(),)) for key in keys])


def a_letter(message_id: str = "<m1@example.org>", recipient: str = ANN) -> Letter:
    return Letter(
        message_id=message_id,
        recipient=recipient,
        channel="mail",
        address="ann@example.org",
        subject="Action due 16 Mar",
        body=b"From: x\r\n\r\nbytes \xe2\x80\x93 as they are",
    )


def take(
    store: Store, keys: Sequence[str], *, letter: Letter | None = None, owner: str = "d1", now: datetime = NOON
) -> Claim | None:
    with store.begin() as tx:
        return outbox.claim(tx, A, letter or a_letter(), keys, owner=owner, now=now, until=now + LEASE)


def states(store: Store) -> dict[tuple[str, str], str]:
    """Say how each delivery stands, by notice and recipient."""
    with store.read() as tx:
        return {(row.notice_key, row.recipient): row.state for row in outbox.outbox(tx, A)}
