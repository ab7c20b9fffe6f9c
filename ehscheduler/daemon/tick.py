"""One tick: look at every case whose time has come, each in its own transaction, and decide what is told.

A case that cannot be worked out is marked, the operator is told, and the rest go on.
"""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case
from ehscheduler.core.history import typed
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import Directory
from ehscheduler.daemon.decide import Decided, Decision, Look, Told, decide
from ehscheduler.daemon.desk import MAIL, Desk, as_word
from ehscheduler.errors import EhsError, StoreError
from ehscheduler.notify.words import recorded_words
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import clear_alarm, raise_alarm
from ehscheduler.store.cases import CaseRecord, case_refs, cases_due, facts_of, mark_fault, set_next, take_case
from ehscheduler.store.editions import keep_edition
from ehscheduler.store.events import events_of
from ehscheduler.store.milestones import (
    ClockRow,
    LadderRow,
    MilestoneRow,
    replace_milestones,
    start_clocks,
    start_ladders,
)
from ehscheduler.store.notices import NewDelivery, Notice, add_notices, notices_of
from ehscheduler.store.state import LAST_SEEN, see_time, state_of
from ehscheduler.store.store import Store
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

log = logging.getLogger("ehscheduler.tick")
BATCH = 500
AFTER_A_FAULT = timedelta(hours=1)


@dataclass(slots=True)
class Ticked:
    """What one tick did."""

    cases: int = 0
    notices: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Round:
    """What all cases of an authority share in one tick."""

    desk: Desk
    authority: Authority
    directory: Directory
    last_tick: datetime
    now: datetime


def tick(desk: Desk, now: datetime) -> Ticked:
    """Look at every case that is due at `now`, whatever is new and whatever has run out."""
    done = Ticked()
    for authority in desk.authorities.values():
        round_ = _begin(desk, authority, now)
        while due := _due(desk, authority, now):
            for case_ref in due:
                _one(round_, case_ref, done)
        # Noted last: a tick that was killed half way is taken as one that did not happen.
        with desk.store.begin() as tx:
            see_time(tx, authority.name, now)
    return done


def _begin(desk: Desk, authority: Authority, now: datetime) -> Round:
    policy = authority.policy
    with desk.store.begin() as tx:
        keep_edition(tx, authority.name, edition=policy.edition, text=policy.text, now=now)
        seen = state_of(tx, authority.name, LAST_SEEN)
        directory = desk.directory(tx, authority.name, now)
    return Round(desk, authority, directory, datetime.fromisoformat(seen) if seen else now, now)


def _due(desk: Desk, authority: Authority, now: datetime) -> list[str]:
    with desk.store.read() as tx:
        return cases_due(tx, authority.name, now=now, limit=BATCH)


def _one(round_: Round, case_ref: str, done: Ticked) -> None:
    """Look at one case in its own transaction; a fault marks the case and is told, and the tick goes on."""
    try:
        with round_.desk.store.begin() as tx:
            record = take_case(tx, round_.authority.name, case_ref, now=round_.now)
            if record is not None:
                done.notices += look_at(tx, round_, record)
                done.cases += 1
    except StoreError:
        raise  # the database itself: nothing else would fare better
    except Exception as error:  # one case's fault harms no other
        done.faults.append(case_ref)
        _mark(round_, case_ref, error)


def _mark(round_: Round, case_ref: str, error: Exception) -> None:
    # What an exception says may quote the case, so only its kind is kept, unless the sentence is ours.
    said = str(error) if isinstance(error, EhsError) else type(error).__name__
    log.error("case could not be worked out", extra={"case": case_ref, "fault": type(error).__name__})
    name = round_.authority.name
    with round_.desk.store.begin() as tx:
        mark_fault(tx, name, case_ref, fault=said, at=round_.now, retry_at=round_.now + AFTER_A_FAULT)
        text = f"case {case_ref} could not be worked out ({said}); see `ehscheduler timeline` for it, correct the case"
        raise_alarm(tx, name, code="case fault", subject=case_ref, text=text, at=round_.now)


def look_at(tx: Tx, round_: Round, record: CaseRecord) -> int:
    """Work out one case, store how it stands, and decide what is told; return how many notices are new."""
    name, now, policy = round_.authority.name, round_.now, round_.authority.policy
    found = _evaluated(tx, round_.authority, record.case_ref, now)
    replace_milestones(tx, name, record.case_ref, [MilestoneRow.of(m, policy.text_hash) for m in found.milestones])
    _start(tx, round_.authority, found.milestones, now)
    decided = decide(_look(tx, round_, found))
    new = add_notices(tx, name, _written(round_, record, decided))
    _trail(tx, round_, [decision for decision in decided.notices if decision.key in new])
    for code, subject, text in (*decided.alarms, *_problems(found)):
        raise_alarm(tx, name, code=code, subject=subject, text=text, at=now)
    if record.fault is not None:
        clear_alarm(tx, name, code="case fault", subject=record.case_ref, at=now)
    set_next(tx, name, record.case_ref, next_at=decided.next_at, policy_hash=policy.text_hash)
    return len(new)


def _evaluated(tx: Tx, authority: Authority, case_ref: str, now: datetime) -> Evaluation:
    kinds = authority.policy.facts
    plain = facts_of(tx, authority.name, case_ref) or {}
    facts = {fact: typed(kinds[fact], value) for fact, value in plain.items() if fact in kinds}
    events = events_of(tx, authority.name, case_ref)
    return evaluate(authority.policy, authority.calendar, Case(case_ref, facts), events, now)


def _start(tx: Tx, authority: Authority, milestones: Sequence[Milestone], now: datetime) -> None:
    """Note which edition governs each clock, and freeze each ladder as it starts."""
    policy_hash = authority.policy.text_hash
    start_clocks(
        tx,
        authority.name,
        [ClockRow(**_identity(m), policy_hash=policy_hash, started_at=m.starts_at or now) for m in milestones],
    )
    start_ladders(
        tx,
        authority.name,
        [
            LadderRow(
                **_identity(m),
                ladder=authority.policy.rules[m.rule].decided_by,
                policy_hash=policy_hash,
                started_at=m.starts_at or now,
                steps=[{"stage": r.stage, "who": list(r.who), "final": r.final} for r in m.rungs],
            )
            for m in milestones
            if m.rungs
        ],
    )


def _identity(m: Milestone) -> dict[str, Any]:
    return {
        "case_ref": m.case,
        "episode": m.episode,
        "rule": m.rule,
        "child": m.child or "",
        "ref": m.ref or "",
        "n": m.n or 0,
    }


def _look(tx: Tx, round_: Round, found: Evaluation) -> Look:
    name, config = round_.authority.name, round_.desk.config
    live = config.live_for(name)
    told = {notice.key: Told(notice.decided_at, notice.kept) for notice in notices_of(tx, name, found.case)}
    return Look(
        policy=round_.authority.policy,
        calendar=round_.authority.calendar,
        evaluation=found,
        told=told,
        directory=round_.directory,
        lead=as_word(found.facts.get("lead")),
        team=as_word(found.facts.get("team")),
        now=round_.now,
        last_tick=round_.last_tick,
        live_from=round_.desk.live_from(tx, name, round_.now),
        live_rules=live.rules,
        shadow=live.mode == "shadow",
        overdue_ladder=config.overdue_ladder(name),
        duty_teams=frozenset(config.duty.get(name, {})),
    )


def _written(round_: Round, record: CaseRecord, decided: Decided) -> Iterable[tuple[Notice, Sequence[NewDelivery]]]:
    source = recorded_words(record.source, record.read_at)
    for decision in decided.notices:
        action = decision.action
        notice = Notice(
            key=decision.key,
            case_ref=action.case,
            episode=decision.episode,
            rule=action.rule,
            milestone=action.key,
            kind=action.kind,
            stage=action.stage,
            repeat=action.repeat,
            due_version=action.due_version,
            at=action.at,
            decided_at=round_.now,
            to_roles=action.to_roles,
            immediate=action.immediate,
            kept=decision.kept,
            clause=action.clause,
            source=source,
        )
        deliveries = [
            NewDelivery(recipient=recipient, channel=MAIL, send_after=decision.send_after[recipient])
            for recipient in decision.recipients
        ]
        yield notice, deliveries


def _trail(tx: Tx, round_: Round, decisions: Sequence[Decision]) -> None:
    """Note what was decided about a case in one look, to whom it goes, and why it does not."""
    if not decisions:
        return
    said = [{"notice": d.key, "to": list(d.recipients), **({"kept": d.kept} if d.kept else {})} for d in decisions]
    case_ref = decisions[0].action.case
    detail = {"notices": said}
    append_trail(tx, round_.authority.name, at=round_.now, who="daemon", act="decide", case_ref=case_ref, detail=detail)


def _problems(found: Evaluation) -> list[tuple[str, str, str]]:
    return [("case problem", problem[:200], problem) for problem in found.problems]


def rebuild(store: Store, authority: Authority, now: datetime) -> tuple[int, int]:
    """Work every milestone of an authority out anew; return how many there are, and how many stood otherwise."""
    policy_hash, count, changed = authority.policy.text_hash, 0, 0
    with store.begin() as tx:
        keep_edition(tx, authority.name, edition=authority.policy.edition, text=authority.policy.text, now=now)
        for case_ref in sorted(case_refs(tx, authority.name)):
            found = _evaluated(tx, authority, case_ref, now)
            rows = [MilestoneRow.of(m, policy_hash) for m in found.milestones]
            differs = replace_milestones(tx, authority.name, case_ref, rows)
            count += len(rows)
            changed += len(differs.added) + len(differs.changed) + len(differs.gone)
        append_trail(tx, authority.name, at=now, who="operator", act="rebuild", detail={"milestones": count})
    return count, changed
