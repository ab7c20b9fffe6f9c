"""Cases as they stand in the store, worked out."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case, Event
from ehscheduler.core.history import typed
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import InputRefused
from ehscheduler.plugins import Authority
from ehscheduler.store.cases import case_refs, facts_of
from ehscheduler.store.events import events_of
from ehscheduler.store.milestones import ladders_of
from ehscheduler.store.tx import Tx


def case_from(tx: Tx, authority: Authority, case_ref: str) -> Case:
    """Read a case with all its facts, typed; raise InputRefused where there is none of that reference."""
    facts = facts_of(tx, authority.name, case_ref)
    if facts is None:
        raise InputRefused([_no_case(tx, authority, case_ref)])
    kinds = authority.policy.facts
    read: dict[str, Any] = {}
    for name in facts.keys() & kinds.keys():
        try:
            read[name] = typed(kinds[name], facts[name])
        except ValueError as fault:
            raise InputRefused([f"case {case_ref}: the fact {name} {fault}; correct it, and import it again"]) from None
    return Case(case_ref, read)


def _no_case(tx: Tx, authority: Authority, case_ref: str) -> str:
    known = case_refs(tx, authority.name)
    return f"{authority.name} has no case {case_ref!r}{nearest(case_ref, known)}"


def evaluation_of(
    tx: Tx,
    authority: Authority,
    case_ref: str,
    now: datetime,
    *,
    horizon: datetime | None = None,
    more: Iterable[Event] = (),
) -> Evaluation:
    """Work out how a case stands at `now` from what is stored; the one way to do so.

    With a `horizon` also what will have begun by then if nothing more happens; with `more` as if these events stood.
    A ladder that has started goes on by the steps that it started with, whatever the policy has since.
    """
    case, events = case_from(tx, authority, case_ref), [*events_of(tx, authority.name, case_ref), *more]
    started = {row.key: row.chain for row in ladders_of(tx, authority.name, case_ref)}
    chains = {key: chain for key, chain in started.items() if chain is not None}
    return evaluate(authority.policy, authority.calendar, case, events, now, horizon=horizon, chains=chains)
