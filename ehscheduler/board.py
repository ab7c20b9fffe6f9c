"""What is open, and why: questions that people ask of what is stored."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from ehscheduler.core.actions import actions
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.explain import proof
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.saying import london_iso, said_day, said_moment
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import InputRefused
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.pure import notice_row
from ehscheduler.store.cases import case_refs, cases_due
from ehscheduler.store.milestones import open_milestones
from ehscheduler.store.notices import notices_of
from ehscheduler.store.outbox import outbox
from ehscheduler.store.store import Store
from ehscheduler.store.tx import Tx

EVERY_CASE = 1_000_000


@dataclass(frozen=True, slots=True)
class OpenRow:
    """One open milestone as the board shows it."""

    case: str
    key: str
    title: str
    clause: str
    state: str
    due_on: date | None
    window: str
    owner: str
    lead: str
    team: str

    def plain(self) -> Mapping[str, Any]:
        return asdict(self) | {"due_on": self.due_on.isoformat() if self.due_on else None}


def open_now(
    store: Store,
    authority: Authority,
    now: datetime,
    *,
    by: date | None = None,
    person: str = "",
    team: str = "",
    overdue: bool = False,
) -> list[OpenRow]:
    """List what is open at `now`, the earliest first, worked out from the events afresh."""
    rows: list[OpenRow] = []
    with store.read() as tx:
        refs = {row.case_ref for row in open_milestones(tx, authority.name)}
        # What came in since the last tick has no rows yet, and is open all the same.
        refs |= set(cases_due(tx, authority.name, now=now, limit=EVERY_CASE))
        for case_ref in sorted(refs):
            found = evaluation_of(tx, authority, case_ref, now)
            lead, of_team = str(found.facts.get("lead") or ""), str(found.facts.get("team") or "")
            if (person and lead != person) or (team and of_team != team):
                continue
            rows += [_row(m, authority, lead, of_team) for m in found.milestones if m.open]
    chosen = [
        r for r in rows if (not overdue or r.state == "overdue") and (by is None or (r.due_on and r.due_on <= by))
    ]
    return sorted(chosen, key=lambda r: (r.due_on is None, r.due_on or date.min, r.case, r.key))


def _row(m: Milestone, authority: Authority, lead: str, team: str) -> OpenRow:
    if m.due_at is None or m.due_on is None:
        window = "on hold" if m.state == "on_hold" else "no set time"
    else:
        window = said_moment(m.due_at) if m.in_hours else said_day(m.due_on)
    return OpenRow(
        m.case, m.key, m.title, m.clause, m.state, m.due_on, window, authority.policy.title_of_role(m.owner), lead, team
    )


# ---- proof cards


def proof_cards(store: Store, authority: Authority, case_ref: str, rule: str, now: datetime) -> list[dict[str, Any]]:
    """Return the proof of every milestone of a rule on a case, with what was told about each."""
    with store.read() as tx:
        found = evaluation_of(tx, authority, case_ref, now)
        chosen = [m for m in found.milestones if rule in (m.rule, m.key)]
        if not chosen:
            raise InputRefused([_none(tx, authority, found, rule)])
        return [_card(tx, authority, m, now) for m in chosen]


def _none(tx: Tx, authority: Authority, found: Evaluation, rule: str) -> str:
    if rule.split("/")[0] not in authority.policy.rules:
        return f"{authority.name} has no rule {rule!r}{nearest(rule, list(authority.policy.rules))}"
    keys = sorted(m.key for m in found.milestones)
    listed = (
        f"it has {', '.join(keys)}" if keys else f"it is one of {len(case_refs(tx, authority.name))} cases with none"
    )
    return f"case {found.case} has no milestone of {rule!r}; {listed}"


def _card(tx: Tx, authority: Authority, m: Milestone, now: datetime) -> dict[str, Any]:
    told = [
        row for row in outbox(tx, authority.name, case_ref=m.case, rule=m.rule, limit=500) if row.milestone == m.key
    ]
    decided = [n for n in notices_of(tx, authority.name, m.case, rule=m.rule) if n.milestone == m.key]
    ahead = actions(authority.policy, authority.calendar, [m], since=now, until=_horizon(now))
    return {
        **proof(m, authority.policy, authority.calendar),
        "policy_hash": authority.policy.text_hash,
        "told": [_told(row) for row in told],
        "kept_back": [{"kind": n.kind, "at": london_iso(n.at), "why": n.kept} for n in decided if n.kept],
        "ahead": [{**notice_row(action), "kept": action.kept} for action in ahead],
    }


def _horizon(now: datetime) -> datetime:
    return now.replace(year=now.year + 1, day=min(now.day, 28))


def _told(row: Any) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "at": london_iso(row.at),
        "recipient": row.recipient,
        "channel": row.channel,
        "state": row.state,
        "why": row.why,
        "message_id": row.message_id,
        "sent_at": london_iso(row.sent_at) if row.sent_at else None,
        "server_answer": row.server_answer,
    }
