"""Disputes as people ask about them: which are open, how long there is left, and all that is known of one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ehscheduler.core.disputed import Dispute, disputes_of, follows
from ehscheduler.core.policy import Policy
from ehscheduler.core.saying import london_iso
from ehscheduler.errors import InputRefused
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.store.cases import case_refs
from ehscheduler.store.events import events_of
from ehscheduler.store.outbox import OutboxRow, outbox
from ehscheduler.store.store import Store
from ehscheduler.store.tx import Tx

FAR = "9999"


@dataclass(frozen=True, slots=True)
class Standing:
    """One dispute with its case's team, and what was told about it, in order."""

    authority: Authority
    dispute: Dispute
    team: str
    told: Sequence[OutboxRow]

    @property
    def policy(self) -> Policy:
        return self.authority.policy

    def titles(self, roles: Sequence[str]) -> str:
        return ", ".join(self.policy.title_of_role(role) for role in roles)

    def plain(self) -> Mapping[str, Any]:
        one, m = self.dispute, self.dispute.milestone
        rung, following = one.rung, one.following
        return {
            "authority": self.authority.name,
            "case": one.case,
            "ref": one.ref,
            "about": one.about,
            "state": one.state,
            "rule": m.rule,
            "clause": m.clause,
            "team": self.team,
            "raised_at": london_iso(one.raised.moment),
            "raised_by": one.raised_by or None,
            "against": one.against or None,
            "answer": one.says or None,
            "decide_by": london_iso(m.due_at) if m.due_at else None,
            "stage": rung.stage if rung else None,
            "who_decides": list(rung.who) if rung else [],
            "together": rung.together if rung else False,
            "final": one.last,
            "stage_since": london_iso(rung.reached_at) if rung else None,
            "stage_until": london_iso(rung.due_at) if rung and rung.due_at else None,
            "recorded": dict(rung.recorded) if rung else {},
            "waits_for": list(rung.waits_for) if rung and one.open else [],
            "goes_to": list(following.who) if following and one.open else [],
            "outcome": one.outcome or None,
            "ended_at": london_iso(one.ended_at) if one.ended_at else None,
            "if_it_runs_over": [title for title, _ in follows(self.policy, m.rule)],
            "told": [
                {"at": london_iso(row.sent_at), "to": row.recipient, "kind": row.kind, "stage": row.stage}
                for row in self.told
                if row.sent_at
            ],
        }


def disputes(
    store: Store, authority: Authority, now: datetime, *, team: str = "", closed: bool = False
) -> list[Standing]:
    """List the disputes of an authority, the open ones first, and of those the one with the least time left."""
    with store.read() as tx:
        found = [
            one
            for ref in sorted(case_refs(tx, authority.name))
            for one in _of_case(tx, authority, ref, now)
            if team in ("", one.team) and (closed or one.dispute.open)
        ]
    return sorted(found, key=_urgency)


def _urgency(one: Standing) -> tuple[bool, str, str, str]:
    due = one.dispute.milestone.due_at
    return not one.dispute.open, due.isoformat() if due else FAR, one.dispute.case, one.dispute.ref


def dispute(store: Store, authority: Authority, case_ref: str, ref: str, now: datetime) -> Standing:
    """Return all that is known of one dispute; the only one of a case needs no ref. Raises InputRefused."""
    with store.read() as tx:
        found = _of_case(tx, authority, case_ref, now)
    chosen = [one for one in found if ref in ("", one.dispute.ref)]
    if len(chosen) == 1:
        return chosen[0]
    refs = ", ".join(one.dispute.ref for one in found)
    if not found:
        raise InputRefused([f"{case_ref} has no dispute"])
    raise InputRefused(
        [f"{case_ref} has {refs}; name one of them" if not ref else f"{case_ref} has no {ref!r}; it has {refs}"]
    )


def _of_case(tx: Tx, authority: Authority, case_ref: str, now: datetime) -> list[Standing]:
    found = evaluation_of(tx, authority, case_ref, now)
    listed = disputes_of(authority.policy, found, events_of(tx, authority.name, case_ref), now)
    team = str(found.facts.get("team") or "")
    rows = outbox(tx, authority.name, case_ref=case_ref, states=["handed_over"], limit=10_000) if listed else []
    return [
        Standing(authority, one, team, [row for row in reversed(rows) if row.milestone == one.milestone.key])
        for one in listed
    ]
