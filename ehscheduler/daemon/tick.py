"""One tick: look at every case whose time has come, each in its own transaction, and decide what is told.

A case that cannot be worked out is marked, the operator is told, and the rest go on.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from ehscheduler.core.actions import next_morning
from ehscheduler.core.calendars import ONE_SECOND
from ehscheduler.core.chains import Chain, OverdueStep
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import Directory
from ehscheduler.core.policy import Policy
from ehscheduler.core.vocabulary import is_restricted
from ehscheduler.daemon.decide import decide
from ehscheduler.daemon.desk import MORNING_MISSED, OUTAGE, Desk, as_word
from ehscheduler.daemon.drops import EVERY_DELIVERY, pass_on
from ehscheduler.daemon.feeds_state import Feeding, feeding_of
from ehscheduler.daemon.hearing import Hearing, by_mail_alone
from ehscheduler.daemon.look import Decided, Decision, Look
from ehscheduler.daemon.recheck import Around
from ehscheduler.daemon.settings import been_through, trail_moved, wake_where_settings_changed
from ehscheduler.daemon.told import told_of
from ehscheduler.errors import EhsError, StoreError
from ehscheduler.notify.words import recorded_words
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import alarms, clear_alarm, raise_alarm
from ehscheduler.store.cases import CaseRecord, case_refs, cases_due, mark_fault, set_next, take_case
from ehscheduler.store.editions import hash_of, keep_edition
from ehscheduler.store.faults import AppendOnly, Contradiction
from ehscheduler.store.holdings import replace_holdings
from ehscheduler.store.milestones import (
    ClockRow,
    LadderRow,
    MilestoneRow,
    clocks_of,
    identity,
    identity_of,
    keep_ladders,
    move_clocks,
    replace_milestones,
    start_clocks,
)
from ehscheduler.store.notices import NewDelivery, Notice, add_notices, notices_of
from ehscheduler.store.outbox import outbox
from ehscheduler.store.state import LAST_SEEN, put_state, see_time, state_of
from ehscheduler.store.store import Store
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

log = logging.getLogger("ehscheduler.tick")
BATCH = 500
AFTER_A_FAULT = timedelta(hours=1)
CASE_FAULT, CASE_PROBLEM = "case fault", "case problem"


@dataclass(slots=True)
class Ticked:
    """What one tick did."""

    cases: int = 0
    notices: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Round:
    """What all cases of an authority share in one tick.

    `troubled` are the cases with an open alarm, `because` what of policy, calendar and settings has changed;
    `feeding` says how the authority is fed.
    """

    desk: Desk
    authority: Authority
    directory: Directory
    last_tick: datetime
    now: datetime
    hearing: Hearing
    feeding: Feeding
    troubled: frozenset[str] = frozenset()
    because: tuple[str, ...] = ()

    def around(self, tx: Tx) -> Around:
        live_from = self.desk.live_from(tx, self.authority.name, self.now)
        return Around(self.desk, self.authority, self.directory, "", self.now, live_from)


def tick(desk: Desk, now: datetime, *, stop: Callable[[], bool] = lambda: False) -> Ticked:
    """Look at every case that is due at `now`, whatever is new and whatever has run out."""
    done = Ticked()
    for authority in desk.authorities.values():
        round_ = _begin(desk, authority, now)
        seen: set[str] = set()
        # A case that another holds stays due: it is looked at once, and left to whoever has it.
        while due := [case_ref for case_ref in _due(desk, authority, now) if case_ref not in seen]:
            for case_ref in due:
                if stop():
                    return done
                _one(round_, case_ref, done)
                seen.add(case_ref)
        # Noted last: a tick that was killed half way is taken as one that did not happen.
        with desk.store.begin() as tx:
            see_time(tx, authority.name, now)
            if round_.because:
                been_through(tx, authority.name)
    return done


def _begin(desk: Desk, authority: Authority, now: datetime) -> Round:
    name = authority.name
    with desk.store.begin() as tx:
        _keep_editions(tx, authority, now)
        feeding = feeding_of(tx, authority, desk.config, now)
        because = wake_where_settings_changed(tx, desk, authority, feeding, now)
        seen = state_of(tx, name, LAST_SEEN)
        last_tick = datetime.fromisoformat(seen) if seen else now
        _note_outage(tx, authority, last_tick, now)
        directory = desk.directory(tx, name, now)
        hearing = Hearing.of(tx, desk.config, name, directory)
        open_alarms = alarms(tx, name, limit=EVERY_DELIVERY)
    troubled = frozenset(alarm.subject for alarm in open_alarms if alarm.code in (CASE_FAULT, CASE_PROBLEM))
    return Round(desk, authority, directory, last_tick, now, hearing, feeding, troubled, because)


def _keep_editions(tx: Tx, authority: Authority, now: datetime) -> None:
    """Keep the text of every edition that governs a clock, or will."""
    for one in authority.policy.editions or (authority.policy,):
        keep_edition(tx, authority.name, edition=one.edition, text=one.text, now=now)


def _note_outage(tx: Tx, authority: Authority, last_tick: datetime, now: datetime) -> None:
    """Note it where a working morning went by without a tick: what was owed then is told late, and says so."""
    if next_morning(authority.calendar, last_tick + ONE_SECOND) + MORNING_MISSED > now:
        return
    between = {"from": last_tick.isoformat(), "to": now.isoformat()}
    put_state(tx, authority.name, OUTAGE, between)
    append_trail(tx, authority.name, at=now, who="daemon", act="outage", detail=between)


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
    except (AppendOnly, Contradiction) as error:
        _marked(round_, case_ref, error, done)  # what this one case holds was refused, and the others are well
    except StoreError:
        raise  # the database itself: nothing else would fare better
    except Exception as error:  # one case's fault harms no other
        _marked(round_, case_ref, error, done)


def _marked(round_: Round, case_ref: str, error: Exception, done: Ticked) -> None:
    done.faults.append(case_ref)
    said = fault_words(error)
    # The log holds no reference of a case, for it has readers of its own; `doctor` names the case.
    log.error("case could not be worked out", extra={"case": hash_of(case_ref)[:12], "fault": type(error).__name__})
    with round_.desk.store.begin() as tx:
        mark_fault(tx, round_.authority.name, case_ref, fault=said, at=round_.now, retry_at=round_.now + AFTER_A_FAULT)
        case_alarm(tx, round_.authority, case_ref, said, round_.now)


def fault_words(error: Exception) -> str:
    """Say what went wrong with a case; what an exception says may quote it, so only our own sentences are kept."""
    return str(error) if isinstance(error, EhsError) else type(error).__name__


def case_alarm(tx: Tx, authority: Authority, case_ref: str, said: str, now: datetime) -> None:
    """Tell the operator, once while it lasts, that a case cannot be worked out."""
    text = f"case {case_ref} could not be worked out ({said}); correct what was recorded of it, and import it again"
    raise_alarm(tx, authority.name, code=CASE_FAULT, subject=case_ref, text=text, at=now)


def look_at(tx: Tx, round_: Round, record: CaseRecord) -> int:
    """Work out one case, store how it stands, and decide what is told; return how many notices are new."""
    name, now, policy = round_.authority.name, round_.now, round_.authority.policy
    found = evaluation_of(tx, round_.authority, record.case_ref, now)
    differs = replace_milestones(tx, name, record.case_ref, _rows(found, policy))
    if round_.because:
        trail_moved(tx, name, record.case_ref, differs, round_.because, now)
    replace_holdings(tx, name, record.case_ref, found.episode, found.holdings)
    found = _start(tx, round_, found)
    if found.handovers:
        pass_on(tx, round_.around(tx), found)
    decided = decide(_look(tx, round_, found))
    new = add_notices(tx, name, _written(round_, record, decided, found))
    _trail(tx, round_, [decision for decision in decided.notices if decision.key in new])
    for code, subject, text in decided.alarms:
        raise_alarm(tx, name, code=code, subject=subject, text=text, at=now)
    _problems(tx, round_, found)
    set_next(tx, name, record.case_ref, next_at=decided.next_at, policy_hash=policy.text_hash)
    return len(new)


def _rows(found: Evaluation, policy: Policy) -> list[MilestoneRow]:
    return [MilestoneRow.of(m, policy.named(m.edition).text_hash) for m in found.milestones]


def _problems(tx: Tx, round_: Round, found: Evaluation) -> None:
    """Tell the operator what is wrong with a case as it was recorded, and note when that is over."""
    name, now = round_.authority.name, round_.now
    if found.problems:
        text = "; ".join(found.problems[:5])
        raise_alarm(tx, name, code=CASE_PROBLEM, subject=found.case, text=text, at=now)
    if found.case in round_.troubled:
        for code in (CASE_FAULT,) if found.problems else (CASE_FAULT, CASE_PROBLEM):
            clear_alarm(tx, name, code=code, subject=found.case, at=now)


def _start(tx: Tx, round_: Round, found: Evaluation) -> Evaluation:
    """Note which edition governs each clock, and freeze each ladder as it starts; return the case with these."""
    name, now, policy = round_.authority.name, round_.now, round_.authority.policy
    clocks = [
        ClockRow(**identity_of(m), policy_hash=policy.named(m.edition).text_hash, started_at=m.starts_at or now)
        for m in found.milestones
    ]
    start_clocks(tx, name, clocks)
    if policy.editions:
        _moved(tx, name, found.case, clocks, policy)
    own = round_.desk.config.overdue_ladder(name)
    started = [(m, _started(m, own, now)) for m in found.milestones]
    rows = [LadderRow.of(m, chain, policy.named(m.edition).text_hash) for m, chain in started if chain is not None]
    keep_ladders(tx, name, found.case, found.episode, rows)
    return replace(found, milestones=tuple(replace(m, chain=chain or m.chain) for m, chain in started))


def _moved(tx: Tx, name: str, case_ref: str, clocks: Sequence[ClockRow], policy: Policy) -> None:
    """Note the clocks that went over to another edition; where an edition was edited, a clock keeps its text."""
    noted = {identity(row): row.policy_hash for row in clocks_of(tx, name, case_ref)}
    texts = {one.text_hash for one in policy.editions}
    move_clocks(tx, name, [row for row in clocks if noted[identity(row)] in texts - {row.policy_hash}])


def _started(m: Milestone, own: Sequence[OverdueStep], now: datetime) -> Chain | None:
    """Return the ladder that has started on a milestone: the protocol's, else the council's own for overdue work."""
    if m.chain is not None:
        return m.chain if m.chain.settled and m.chain.started_at <= now else None
    over = m.ran_over_from
    if over is None or over[1] > now or m.force == "guide" or not own or not m.open:
        return None
    return Chain(kind="own", start=over[0], started_at=over[1], own=tuple(own))


def _look(tx: Tx, round_: Round, found: Evaluation) -> Look:
    name, config = round_.authority.name, round_.desk.config
    live, restricted = config.live_for(name), is_restricted(found.facts)
    notices = notices_of(tx, name, found.case)
    told = told_of(notices, outbox(tx, name, case_ref=found.case, limit=EVERY_DELIVERY) if notices else ())
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
        news_at=found.news_at,
        live_from=round_.desk.live_from(tx, name, round_.now),
        live_rules=live.rules,
        live_checks=live.checks,
        shadow=live.mode == "shadow",
        overdue_ladder=config.overdue_ladder(name),
        duty_teams=frozenset() if restricted else frozenset(config.duty.get(name, {})),
        restricted=restricted,
        feed_late=round_.feeding.late,
        unfed=round_.feeding.unfed,
    )


def _written(
    round_: Round, record: CaseRecord, decided: Decided, found: Evaluation
) -> Iterable[tuple[Notice, Sequence[NewDelivery]]]:
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
        yield notice, _deliveries(round_.hearing, decision, found)


def _deliveries(hearing: Hearing, decision: Decision, found: Evaluation) -> list[NewDelivery]:
    """Return how each recipient is told, and the copy that the team's chat gets; none of a restricted case."""
    kind, immediate = decision.action.kind, decision.action.immediate
    told = [hearing.delivery(to, kind, decision.send_after[to], immediate=immediate) for to in decision.recipients]
    if decision.kept:
        return [replace(one, dropped=decision.kept) for one in told]
    if is_restricted(found.facts):
        return [by_mail_alone(one) for one in told]
    return [*told, *hearing.copies(as_word(found.facts.get("team")), kind, told, immediate=immediate)]


def _trail(tx: Tx, round_: Round, decisions: Sequence[Decision]) -> None:
    """Note what was decided about a case in one look, to whom it goes, and why it does not."""
    if not decisions:
        return
    said = [{"notice": d.key, "to": list(d.recipients), **({"kept": d.kept} if d.kept else {})} for d in decisions]
    case_ref = decisions[0].action.case
    detail = {"notices": said}
    append_trail(tx, round_.authority.name, at=round_.now, who="daemon", act="decide", case_ref=case_ref, detail=detail)


def rebuild(store: Store, authority: Authority, now: datetime) -> tuple[int, int]:
    """Work every milestone of an authority out anew; return how many there are, and how many stood otherwise.

    Who held what is worked out anew, too. A case that cannot be worked out keeps its rows, and is told to the
    operator.
    """
    count, changed = 0, 0
    with store.begin() as tx:
        _keep_editions(tx, authority, now)
        for case_ref in sorted(case_refs(tx, authority.name)):
            try:
                found = evaluation_of(tx, authority, case_ref, now)
            except StoreError:
                raise
            except Exception as error:  # one case's fault harms no other
                case_alarm(tx, authority, case_ref, fault_words(error), now)
                continue
            rows = _rows(found, authority.policy)
            differs = replace_milestones(tx, authority.name, case_ref, rows)
            replace_holdings(tx, authority.name, case_ref, found.episode, found.holdings)
            count += len(rows)
            changed += len(differs.added) + len(differs.changed) + len(differs.gone)
        append_trail(tx, authority.name, at=now, who="operator", act="rebuild", detail={"milestones": count})
    return count, changed
