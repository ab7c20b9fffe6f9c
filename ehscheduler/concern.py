"""Which cases have stopped moving, team by team, in order of concern; and what the next panels take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ehscheduler.board import EVERYTHING, Agenda, Asked, agendas_of
from ehscheduler.core.calendars import london_day
from ehscheduler.core.drift import SIGNALS, Drifting, Numbers, drifting
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.store.cases import case_refs
from ehscheduler.store.events import events_of
from ehscheduler.store.store import Store


@dataclass(frozen=True, slots=True)
class Concern:
    """One case that has stopped moving: its team, who leads it, and every sign with its evidence."""

    authority: str
    team: str
    lead: str
    drifting: Drifting

    def plain(self) -> Mapping[str, Any]:
        signals = [
            {
                "signal": one.name,
                "means": SIGNALS[one.name],
                "evidence": one.evidence,
                "asks": one.asks or None,
                "clause": one.clause or None,
                "ours": one.ours,
                "days": one.days,
            }
            for one in self.drifting.signals
        ]
        place = {"authority": self.authority, "team": self.team, "lead": self.lead}
        return {**place, "case": self.drifting.case, "signals": signals}


@dataclass(frozen=True, slots=True)
class Concerns:
    """The cases of concern of one authority, by team and within it in order of concern, and its next agendas."""

    cases: Sequence[Concern]
    agendas: Sequence[Agenda]

    def of_case(self, case: str) -> Sequence[str]:
        """Return what speaks for a case before a panel: its signs, in words."""
        found = next((one for one in self.cases if one.drifting.case == case), None)
        return [signal.evidence for signal in found.drifting.signals] if found else []


def concerns(
    store: Store, authority: Authority, now: datetime, numbers: Numbers, asked: Asked = EVERYTHING
) -> Concerns:
    """Work out at `now`, from the events afresh, which of the cases asked for show signs of drift."""
    name, policy, calendar = authority.name, authority.policy, authority.calendar
    with store.read() as tx:
        refs = sorted(case_refs(tx, name))
        looked = [(evaluation_of(tx, authority, ref, now), events_of(tx, name, ref)) for ref in refs]
    chosen = [(found, events) for found, events in looked if asked.about(found)]
    listed = [
        Concern(name, str(found.facts.get("team") or ""), str(found.facts.get("lead") or ""), one)
        for found, events in chosen
        if (one := drifting(policy, calendar, found, events, now, numbers)) is not None
    ]
    listed.sort(key=lambda one: (one.team, one.drifting.concern))
    return Concerns(listed, agendas_of(authority, [found for found, _ in chosen], london_day(now)))
