"""What is not sent after all: noted with its reason, and passed on to whoever is to act instead."""

from datetime import datetime

from ehscheduler.core.evaluate import Evaluation
from ehscheduler.daemon.handover import former_leads
from ehscheduler.daemon.hearing import Hearing, by_mail_alone
from ehscheduler.daemon.recheck import Around, Drop, re_owned
from ehscheduler.store.alarms import raise_alarm
from ehscheduler.store.cases import wake
from ehscheduler.store.notices import add_deliveries, notices_of
from ehscheduler.store.outbox import drop_deliveries, outbox
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

EVERY_DELIVERY = 100_000


def note_drop(tx: Tx, around: Around, drop: Drop, *, send_after: datetime | None = None) -> None:
    """Note why a notice does not go to a recipient, and send it to whom it goes instead."""
    name, notice = around.authority.name, drop.notice
    after = send_after or around.now
    if drop.instead:
        hearing = Hearing.of(tx, around.desk.config, name, around.directory)
        told = [hearing.delivery(to, notice.kind, after, immediate=notice.immediate) for to in drop.instead]
        add_deliveries(tx, name, notice.key, map(by_mail_alone, told) if drop.restricted else told)
    for code, subject, text in drop.alarms:
        raise_alarm(tx, name, code=code, subject=subject, text=text, at=around.now)
    said = {"notice": notice.key, "to": around.recipient, "why": drop.why, "instead": list(drop.instead)}
    append_trail(tx, name, at=around.now, who="daemon", act="drop", case_ref=notice.case_ref, detail=said)
    # What reached nobody may be owed again: to another owner, or when a date has moved back.
    wake(tx, name, [notice.case_ref], now=around.now)


def pass_on(tx: Tx, around: Around, found: Evaluation) -> None:
    """Drop what waits for those who had a case and have it no more, and let whoever has it now hear it instead.

    So that what they hear of it in the morning is one message.
    """
    name, gone = around.authority.name, former_leads(found)
    if not gone:
        return
    rows = outbox(tx, name, states=["waiting"], case_ref=found.case, limit=EVERY_DELIVERY)
    notices = {notice.key: notice for notice in notices_of(tx, name, found.case)} if rows else {}
    for row in rows:
        notice = notices[row.notice_key]
        if row.recipient not in gone or notice.episode != found.episode:
            continue
        was = around.to(row.recipient)
        drop = re_owned(notice, found, was)
        if drop is not None:
            drop_deliveries(tx, name, [(notice.key, row.recipient, row.channel)], why=drop.why)
            note_drop(tx, was, drop, send_after=row.send_after)
