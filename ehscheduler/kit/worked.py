"""Worked cases, each held to a policy: what one case makes due, which team takes it, how much one person holds.

The first kind is the core's own example. The others stand in the same file, as those of a meeting do (`sittings`):

    [[routed]]    rule, facts, events, at, team ("none" where no row holds)
    [[workload]]  rule, families = [how many children each], told = [the families at which people hear], to_roles;
                  where they matter, the worker's `role` and `share` of full time
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Protocol

from ehscheduler.core.calendars import Calendar, end_of_day
from ehscheduler.core.evaluate import evaluate
from ehscheduler.core.events import Case, Event
from ehscheduler.core.examples import NONE, Example, mismatches
from ehscheduler.core.history import History
from ehscheduler.core.policy import Policy
from ehscheduler.core.routes import team_for
from ehscheduler.core.workload import crossings, limit_actions
from ehscheduler.kit.rows import Sent, read_back
from ehscheduler.pure import instant

Table = Mapping[str, Any]
FIRST_DAY = date(2026, 3, 2)
"""The day on which a [[workload]]'s worker is given the first family; the others follow, one a day."""


class Worked(Protocol):
    """One worked case: where it stands, which tables it asks, what it sends, and what comes out otherwise."""

    @property
    def place(self) -> str: ...

    @property
    def rule(self) -> str: ...

    @property
    def touches(self) -> frozenset[str]: ...

    def wrong(self, policy: Policy, calendar: Calendar) -> list[str]:
        """Return, as sentences, where the product counts otherwise than the hand did."""


@dataclass(frozen=True)
class Counted:
    """A case with its dates, states, notices and warnings; `table` is as written."""

    example: Example
    table: Table

    @property
    def place(self) -> str:
        return self.example.place

    @property
    def rule(self) -> str:
        return self.example.rule

    @property
    def touches(self) -> frozenset[str]:
        return self.example.rules | {self.example.rule}

    @property
    def sent(self) -> Sent:
        return Sent("C1", self.table.get("facts", {}), self.table["events"])

    def wrong(self, policy: Policy, calendar: Calendar) -> list[str]:
        return mismatches(self.example, policy, calendar)


@dataclass(frozen=True)
class Routed:
    """A case whose last event asks a route for a team."""

    place: str
    table: Table
    case: Case
    events: tuple[Event, ...]

    @property
    def rule(self) -> str:
        return str(self.table["rule"])

    @property
    def touches(self) -> frozenset[str]:
        return frozenset({self.rule})

    def wrong(self, policy: Policy, calendar: Calendar) -> list[str]:
        route = policy.routes.get(self.rule)
        if route is None:
            return [f"{self.place}: no route {self.rule!r}"]
        now = instant(str(self.table["at"]), "at")
        history = History(policy, calendar, self.case, self.events, now, self.events[-1].day)
        # A route is asked at the occurrence that its own anchor names, and that has to be the case's last event.
        asked = [event for event in history.each_of(route.at) if event.id == self.events[-1].id]
        team = (team_for(route, history, asked[0]) if asked else None) or NONE
        said = [f"{self.place}: the team is {self.table['team']} by hand, and {team} as counted"]
        return [*(said if team != self.table["team"] else ()), *history.problems]


@dataclass(frozen=True)
class Workload:
    """One worker who is given a family a day, and the families at which a limit is crossed."""

    place: str
    table: Table

    @property
    def rule(self) -> str:
        return str(self.table["rule"])

    @property
    def touches(self) -> frozenset[str]:
        return frozenset({self.rule})

    @property
    def sent(self) -> list[Sent]:
        return list(_families(self.table["families"]))

    @property
    def told(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(family, tuple(self.table.get("to_roles", ()))) for family in self.table["told"]]

    def wrong(self, policy: Policy, calendar: Calendar) -> list[str]:
        cases, events = read_back(policy, self.sent)
        now = end_of_day(FIRST_DAY + timedelta(days=len(self.table["families"])))
        held = [h for case in cases for h in evaluate(policy, calendar, case, events[case.ref], now).holdings]
        roles = {"w1": (self.table["role"],)} if "role" in self.table else {}
        over = crossings(policy, held, roles, {"w1": self.table.get("share", 1.0)})
        told = [(action.case, action.to_roles) for action in limit_actions(over) if action.rule == self.rule]
        return [] if told == self.told else [f"{self.place}: told of {self.told} by hand, and of {told} as counted"]


def _families(children: list[int]) -> Iterator[Sent]:
    for n, count in enumerate(children, 1):
        ref = f"F{n:02d}"
        listed = [{"ref": f"{ref}-{k}"} for k in range(1, count + 1)]
        day = FIRST_DAY + timedelta(days=n - 1)
        yield Sent(ref, {"lead": "w1", "children": listed}, [f"{day} allocation"])


def read_routed(place: str, table: Table, policy: Policy) -> Routed:
    """Read a [[routed]] table by way of the files that a source would send."""
    [case], events = read_back(policy, [Sent("C1", table.get("facts", {}), table["events"])])
    return Routed(place, table, case, tuple(events["C1"]))
