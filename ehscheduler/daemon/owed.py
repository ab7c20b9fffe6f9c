"""What is still owed: each notice is checked once more, in the transaction that claims it, on what is known then."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.findings import Finding
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.vocabulary import is_restricted
from ehscheduler.daemon.drops import EVERY_DELIVERY, note_drop
from ehscheduler.daemon.limits import LIMIT, still_over
from ehscheduler.daemon.meant import CLIMBED
from ehscheduler.daemon.moved import CHANGED, dated, last_heard
from ehscheduler.daemon.recheck import Around, Checked, Drop, Later, check, latest
from ehscheduler.daemon.tick import case_alarm, fault_words
from ehscheduler.daemon.told import Told, told_of
from ehscheduler.daemon.weekly import WEEKLY, still_theirs
from ehscheduler.errors import StoreError
from ehscheduler.notify.ways import MAIL
from ehscheduler.office import SOURCE, evaluation_of
from ehscheduler.store.cases import hold_cases
from ehscheduler.store.events import sources_of
from ehscheduler.store.notices import Notice, notices_of
from ehscheduler.store.outbox import Claim, Parcel, Waiting, defer_deliveries, drop_deliveries, outbox
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

LATER = timedelta(hours=1)
"""When a notice that cannot be written, or has nobody to go to, is looked at again."""


RESTRICTED_SINCE = "the case is restricted now, and told by mail to named people alone"


def owed(tx: Tx, around: Around, parcel: Parcel) -> tuple[list[Checked], list[Drop]]:
    """Part a parcel into what is still owed and what is not, and why; the latter is dropped, with its reason.

    Its cases are held until the transaction ends: whoever acts on one is before this, or after the claim.
    """
    hold_cases(tx, around.authority.name, {waiting.notice.case_ref for waiting in parcel.items})
    found: dict[str, Evaluation | None] = {}
    by_hand: dict[str, set[str]] = {}
    checked: list[Checked] = []
    drops: list[Drop] = []
    for waiting in parcel.items:
        ref = waiting.notice.case_ref
        if ref not in found:
            found[ref] = _evaluation(tx, around, ref) if ref else None
            by_hand[ref] = {
                id_ for id_, source in sources_of(tx, around.authority.name, ref).items() if source == SOURCE
            }
        answer = _checked(tx, around, waiting, found[ref], parcel.channel)
        if answer is None:
            defer(tx, around, parcel, [waiting.notice.key])
        elif isinstance(answer, Drop):
            drops.append(answer)
        elif isinstance(answer, Later):
            _put_off(tx, around, parcel, answer)
        else:
            checked.append(replace(answer, by_hand=_by_hand(answer, by_hand[ref])))
    kept, less = latest(checked)
    for drop in (*drops, *less):
        which = (drop.notice.key, parcel.recipient, parcel.channel)
        drop_deliveries(tx, around.authority.name, [which], why=drop.why)
        note_drop(tx, around, drop)
    return kept, [*drops, *less]


def _by_hand(one: Checked, ours: Collection[str]) -> datetime | None:
    """Return when what a notice rests on was put on record by a person here; None where a case system recorded it."""
    event = (
        one.about.event
        if isinstance(one.about, Finding)
        else one.about.anchor
        if isinstance(one.about, Milestone)
        else None
    )
    return event.recorded if event is not None and event.id in ours else None


def not_owed(tx: Tx, around: Around, held: Claim) -> list[Drop]:
    """Return why nothing in a message that was claimed before is owed any more; nothing where something is.

    What its recipient has acknowledged since is decided anew, and then waits.
    """
    name = around.authority.name
    rows = outbox(tx, name, states=["claimed"], recipient=held.recipient, limit=EVERY_DELIVERY)
    inside = [row for row in rows if row.message_id == held.message_id]
    hold_cases(tx, name, {row.case_ref for row in inside})
    notices = {n.key: n for ref in {row.case_ref for row in inside} for n in notices_of(tx, name, ref)}
    drops: list[Drop] = []
    for row in inside:
        waiting = Waiting(notices[row.notice_key], row.send_after, row.attempts)
        found = _evaluation(tx, around, row.case_ref) if row.case_ref else None
        answer = _checked(tx, around, waiting, found, held.channel)
        if isinstance(answer, Later):
            answer = Drop(answer.notice, "they have acknowledged it")
        if not isinstance(answer, Drop):
            return []
        drops.append(answer)
    return drops


def _put_off(tx: Tx, around: Around, parcel: Parcel, later: Later) -> None:
    """Let a notice wait until its recipient's acknowledgement has run out, and note it."""
    name, notice = around.authority.name, later.notice
    defer(tx, around, parcel, [notice.key], until=later.until)
    said = {"notice": notice.key, "to": around.recipient, "until": later.until.isoformat()}
    append_trail(tx, name, at=around.now, who="daemon", act="quiet", case_ref=notice.case_ref, detail=said)


def defer(tx: Tx, around: Around, parcel: Parcel, keys: Iterable[str], *, until: datetime | None = None) -> None:
    """Look at these notices of a parcel again later."""
    which = [(key, parcel.recipient, parcel.channel) for key in keys]
    defer_deliveries(tx, around.authority.name, which, until=until or around.now + LATER)


def _evaluation(tx: Tx, around: Around, case_ref: str) -> Evaluation | None:
    """Work a case out; None, and an alarm, where it cannot be: its notices wait, and the others go."""
    try:
        return evaluation_of(tx, around.authority, case_ref, around.now)
    except StoreError:
        raise
    except Exception as error:  # one case's fault harms no other
        case_alarm(tx, around.authority, case_ref, fault_words(error), around.now)
        return None


def _checked(
    tx: Tx, around: Around, waiting: Waiting, evaluation: Evaluation | None, channel: str
) -> Checked | Drop | Later | None:
    if waiting.notice.kind == WEEKLY:
        return still_theirs(tx, around, waiting)
    if evaluation is None:
        return None
    if channel != MAIL and waiting.notice.kind != LIMIT and is_restricted(evaluation.facts):
        instead = (around.recipient,) if around.recipient.startswith("person:") else ()
        return Drop(waiting.notice, RESTRICTED_SINCE, instead, restricted=True)
    if waiting.notice.kind == LIMIT:
        return still_over(tx, around, waiting, evaluation)
    kind = waiting.notice.kind
    if kind not in (CHANGED, *CLIMBED):
        return check(waiting, evaluation, around)
    about = _about(tx, around, waiting.notice)
    if kind == CHANGED:
        return check(waiting, evaluation, around, last_heard(about).get(around.recipient))
    answer = check(waiting, evaluation, around)
    return replace(answer, heard=_heard(about, waiting.notice)) if isinstance(answer, Checked) else answer


def _about(tx: Tx, around: Around, notice: Notice) -> list[Told]:
    """Return what became of all that was told of the milestone that a notice is about."""
    name = around.authority.name
    notices = [n for n in notices_of(tx, name, notice.case_ref, rule=notice.rule) if n.episode == notice.episode]
    rows = outbox(tx, name, case_ref=notice.case_ref, rule=notice.rule, limit=EVERY_DELIVERY)
    return [told for told in told_of(notices, rows).values() if told.milestone == notice.milestone]


def _heard(about: Iterable[Told], notice: Notice) -> dict[tuple[str, int], datetime]:
    """Return when each rung of a ladder first heard, and its owner, of the date that a notice is about."""
    return {
        (told.kind, told.stage or 0): min(told.heard.values())
        for told in about
        if told.heard and told.repeat == 0 and told.dated == dated(notice.due_version)
    }
