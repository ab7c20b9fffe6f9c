"""Cases: their facts, their personal fields apart, and the instant at which each is looked at next."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, delete, or_, select, update

from ehscheduler.core.events import Case
from ehscheduler.core.vocabulary import PERSONAL_FACTS
from ehscheduler.store.schema import case_personal, case_record
from ehscheduler.store.tx import Tx, batches, columns
from ehscheduler.store.types import plain

OF_THE_CASE = ""


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A case as it is stored; `facts` are plain JSON and hold nothing personal."""

    case_ref: str
    facts: Mapping[str, Any]
    source: str
    read_at: datetime
    next_at: datetime | None
    fault: str | None
    fault_at: datetime | None
    policy_hash: str | None


@dataclass(slots=True)
class PutCases:
    """What a reading of cases changed."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    same: int = 0


# ---- writing


def put_cases(
    tx: Tx,
    authority: str,
    cases: Iterable[Case],
    *,
    source: str,
    read_at: datetime,
    now: datetime,
    personal: Mapping[str, Mapping[str, Any]] | None = None,
) -> PutCases:
    """Store the facts of cases, in place of what was stored for them; new and changed ones become due at `now`.

    Facts that are personal data go to the personal fields by themselves; `personal` gives further ones by case.
    """
    outcome = PutCases()
    for batch in batches(list(cases)):
        _put_batch(tx, authority, batch, personal or {}, {"source": source, "read_at": read_at}, now, outcome)
    return outcome


def _put_batch(
    tx: Tx,
    authority: str,
    cases: Sequence[Case],
    personal: Mapping[str, Mapping[str, Any]],
    reading: Mapping[str, Any],
    now: datetime,
    outcome: PutCases,
) -> None:
    refs = [case.ref for case in cases]
    known = {ref: plain(facts) for ref, facts in tx.execute(_facts(authority, refs))}
    kept = {ref: fields for ref, _, fields in tx.execute(_personal(authority, refs, of_events=False))}
    new, changed, same, fields = [], [], [], {}
    for case in cases:
        facts, own = _apart(case, personal.get(case.ref, {}))
        row = {"case_ref": case.ref, "facts": facts, **reading}
        if plain(own) != plain(kept.get(case.ref, {})):
            fields[case.ref] = own
        if case.ref not in known:
            new.append({"authority": authority, "next_at": now, **row})
        elif known[case.ref] != plain(facts) or case.ref in fields:
            changed.append(row)
        else:
            same.append(row)
    tx.insert_new(case_record, new)
    _reread(tx, authority, changed, now)
    _reread(tx, authority, same, None)
    _put_fields(tx, authority, fields)
    for table in (case_record, case_personal):
        tx.measure(table, len(outcome.added), len(outcome.added) + len(new))
    outcome.added += [row["case_ref"] for row in new]
    outcome.changed += [row["case_ref"] for row in changed]
    outcome.same += len(same)


def _apart(case: Case, further: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Part a case's facts from its personal fields."""
    facts = {name: value for name, value in case.facts.items() if name not in PERSONAL_FACTS}
    own = {name: value for name, value in case.facts.items() if name in PERSONAL_FACTS and value is not None}
    return facts, own | dict(further)


def _reread(tx: Tx, authority: str, rows: Sequence[Mapping[str, Any]], wake_at: datetime | None) -> None:
    if not rows:
        return
    where = (case_record.c.authority == authority, case_record.c.case_ref == bindparam("of_case"))
    values: dict[str, Any] = {name: bindparam(name) for name in ("facts", "source", "read_at")}
    statement = update(case_record).where(*where).values(values)
    if wake_at:
        statement = statement.values(next_at=wake_at)
    tx.execute(statement, [{"of_case": row["case_ref"], **{n: row[n] for n in values}} for row in rows])


def _put_fields(tx: Tx, authority: str, fields: Mapping[str, Mapping[str, Any]]) -> None:
    if not fields:
        return
    where = (case_personal.c.authority == authority, case_personal.c.case_ref.in_(fields))
    tx.execute(delete(case_personal).where(*where, case_personal.c.about == OF_THE_CASE))
    rows = [
        {"authority": authority, "case_ref": ref, "about": OF_THE_CASE, "fields": own}
        for ref, own in fields.items()
        if own
    ]
    tx.insert_new(case_personal, rows)


def set_next(
    tx: Tx, authority: str, case_ref: str, *, next_at: datetime | None, policy_hash: str | None = None
) -> None:
    """Say when a case is to be looked at next, having been looked at without a fault; None: only if something new."""
    _update(tx, authority, case_ref, next_at=next_at, policy_hash=policy_hash, fault=None, fault_at=None)


def mark_fault(tx: Tx, authority: str, case_ref: str, *, fault: str, at: datetime, retry_at: datetime | None) -> None:
    """Mark a case that could not be evaluated; it is due again at `retry_at`, or when something new is known."""
    _update(tx, authority, case_ref, next_at=retry_at, fault=fault, fault_at=at)


def _update(tx: Tx, authority: str, case_ref: str, **values: Any) -> None:
    tx.execute(update(case_record).where(*_is(authority, case_ref)).values(**values))


def wake(tx: Tx, authority: str, case_refs: Collection[str] | None, *, now: datetime) -> None:
    """Make cases due at `now`, unless they are due before; None: every case of the authority."""
    later = or_(case_record.c.next_at.is_(None), case_record.c.next_at > now)
    statement = update(case_record).where(case_record.c.authority == authority, later).values(next_at=now)
    if case_refs is None:
        tx.execute(statement)
        return
    # In one order always, so that two who wake the same cases wait for each other and never in a ring.
    for batch in batches(sorted(case_refs)):
        tx.execute(statement.where(case_record.c.case_ref.in_(batch)))


# ---- reading


def cases_due(tx: Tx, authority: str, *, now: datetime, limit: int = 500) -> list[str]:
    """Name the cases whose next instant has come, the longest waiting first."""
    query = _due_query(authority, now).limit(limit)
    return list(tx.execute(query).scalars())


def _due_query(authority: str, now: datetime) -> Select[Any]:
    c = case_record.c
    return select(c.case_ref).where(c.authority == authority, c.next_at <= now).order_by(c.next_at, c.case_ref)


def take_case(tx: Tx, authority: str, case_ref: str, *, now: datetime) -> CaseRecord | None:
    """Hold a case that is due until the transaction ends; None where it is not due now, or another has it."""
    query = _records(authority).where(case_record.c.case_ref == case_ref, case_record.c.next_at <= now)
    return _only(tx.records(CaseRecord, query.with_for_update(skip_locked=True)))


def hold_case(tx: Tx, authority: str, case_ref: str) -> CaseRecord | None:
    """Hold a case until the transaction ends, waiting for whoever has it; None where there is no such case."""
    query = _records(authority).where(case_record.c.case_ref == case_ref)
    return _only(tx.records(CaseRecord, query.with_for_update()))


def hold_cases(tx: Tx, authority: str, case_refs: Iterable[str]) -> None:
    """Hold several cases until the transaction ends, waiting for whoever has them.

    In one order always, so that two who hold the same cases wait for each other and never in a ring. On SQLite who
    writes holds everything.
    """
    if tx.on_sqlite:
        return
    c = case_record.c
    for batch in batches(sorted(set(case_refs))):
        query = select(c.case_ref).where(c.authority == authority, c.case_ref.in_(batch)).order_by(c.case_ref)
        tx.execute(query.with_for_update())


def case_of(tx: Tx, authority: str, case_ref: str) -> CaseRecord | None:
    """Read one case."""
    return _only(tx.records(CaseRecord, _records(authority).where(case_record.c.case_ref == case_ref)))


def faulty_cases(tx: Tx, authority: str) -> list[CaseRecord]:
    """List the cases that could not be evaluated."""
    query = _records(authority).where(case_record.c.fault.is_not(None)).order_by(case_record.c.case_ref)
    return tx.records(CaseRecord, query)


def case_refs(tx: Tx, authority: str) -> set[str]:
    """Name every case of an authority."""
    return set(tx.execute(select(case_record.c.case_ref).where(case_record.c.authority == authority)).scalars())


def authorities(tx: Tx) -> list[str]:
    """Name every authority that has a case."""
    return sorted(tx.execute(select(case_record.c.authority).distinct()).scalars())


def facts_of(tx: Tx, authority: str, case_ref: str) -> dict[str, Any] | None:
    """Read all facts that a policy may ask for, the personal ones with them, as plain JSON (see `history.typed`)."""
    record = case_of(tx, authority, case_ref)
    if record is None:
        return None
    personal = personal_of(tx, authority, case_ref)
    return dict(record.facts) | {name: value for name, value in personal.items() if name in PERSONAL_FACTS}


def personal_of(tx: Tx, authority: str, case_ref: str) -> dict[str, Any]:
    """Read a case's own personal fields; nothing but the evaluation and a person who may ask should."""
    rows = tx.execute(_personal(authority, [case_ref], of_events=False))
    return next((dict(fields) for _, _, fields in rows), {})


def _records(authority: str) -> Select[Any]:
    return select(*columns(case_record, CaseRecord)).where(case_record.c.authority == authority)


def _is(authority: str, case_ref: str) -> tuple[Any, ...]:
    return case_record.c.authority == authority, case_record.c.case_ref == case_ref


def _facts(authority: str, refs: Sequence[str]) -> Select[Any]:
    c = case_record.c
    return select(c.case_ref, c.facts).where(c.authority == authority, c.case_ref.in_(refs))


def _personal(authority: str, refs: Sequence[str], *, of_events: bool) -> Select[Any]:
    c = case_personal.c
    which = c.about != OF_THE_CASE if of_events else c.about == OF_THE_CASE
    return select(c.case_ref, c.about, c.fields).where(c.authority == authority, c.case_ref.in_(refs), which)


def _only(records: list[CaseRecord]) -> CaseRecord | None:
    return records[0] if records else None
