"""Worked cases of a meeting: the sitting to which something is taken, and the sittings whose loss is told.

[[sitting]]  rule (the meeting), facts, after (when it came up), next (a date, or "none");
             moved = { "2026-12-24" = 2026-12-22, "2026-12-31" = "none" } of the whole meeting, or of the `hub`;
             from, until, told = [the instants], to_roles
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ehscheduler.core.actions import meeting_actions
from ehscheduler.core.calendars import Calendar, london_day
from ehscheduler.core.events import Case, Event, read_moment
from ehscheduler.core.examples import NONE
from ehscheduler.core.history import History
from ehscheduler.core.holds import NOT_HELD
from ehscheduler.core.limits import limit
from ehscheduler.core.phrases import Anchor, Due
from ehscheduler.core.policy import Policy
from ehscheduler.core.saying import london_iso

WALL = len("2026-03-02T08:30:00")


@dataclass(frozen=True)
class Sitting:
    """One question about a meeting, as it is written."""

    place: str
    table: Mapping[str, Any]

    @property
    def rule(self) -> str:
        return str(self.table["rule"])

    @property
    def touches(self) -> frozenset[str]:
        return frozenset({self.rule})

    @property
    def told(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(at, tuple(self.table.get("to_roles", ()))) for at in self.table.get("told", ())]

    def wrong(self, policy: Policy, calendar: Calendar) -> list[str]:
        """Return, as sentences, where the product counts otherwise than the hand did."""
        moved = calendar.with_sittings(self._moved())
        return [f"{self.place}: {said}" for said in (*self._next(policy, moved), *self._lost(policy, moved))]

    def _moved(self) -> dict[str, dict[date, date | None]]:
        of = "/".join(filter(None, (self.rule, self.table.get("hub"))))
        changes = self.table.get("moved", {})
        return {of: {date.fromisoformat(day): None if to == NONE else to for day, to in changes.items()}}

    def _next(self, policy: Policy, calendar: Calendar) -> Iterator[str]:
        if "next" not in self.table:
            return
        moment, dated, day = read_moment(str(self.table["after"]))
        event = Event("E1", "C1", "allocation", moment, dated, day, moment)
        case = Case("C1", self.table.get("facts", {}))
        history = History(policy, calendar, case, [event], moment, london_day(moment))
        due = Due("next", "", anchor=Anchor(event.word), meeting=self.rule)
        found = limit(due, event, history, NOT_HELD, None)
        counted = found.on.isoformat() if found and found.on else NONE
        if counted != str(self.table["next"]):
            yield f"the next sitting is {self.table['next']} by hand, and {counted} as counted"

    def _lost(self, policy: Policy, calendar: Calendar) -> Iterator[str]:
        if "told" not in self.table:
            return
        since, until = (read_moment(str(self.table[key]))[0] for key in ("from", "until"))
        actions = meeting_actions(policy, calendar, since=since, until=until)
        found = [(london_iso(one.at)[:WALL], one.to_roles) for one in actions if one.rule == self.rule]
        if found != self.told:
            yield f"told of {self.told} by hand, and of {found} as counted"
