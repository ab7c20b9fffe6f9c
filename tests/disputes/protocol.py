"""One authority's own protocol in the service in small, and what people do about a dispute there.

Whoever holds a role has its name for an id, so that what was sent reads as the clause does.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ehscheduler import kit, office
from ehscheduler.core.calendars import LONDON
from ehscheduler.core.disputed import Dispute, disputes_of
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import Person
from ehscheduler.office import Act, evaluation_of
from ehscheduler.store import Store
from ehscheduler.store.events import events_of
from tests.daemon.house import NAME, House, moment

CASE, RAISER = "C1", "w1"
EVERY_DAY = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Protocol(House):
    """The service under an authority's protocol, live for years, with one case that has no history."""

    def __init__(self, store: Store, name: str) -> None:
        super().__init__(store)
        self.authority = replace(kit.plugin(name).authority, name=NAME)
        self.live()
        self.people(*staff(self.authority.policy.roles))
        self.case(CASE, lead=RAISER)

    # ---- what people do about it

    def raised(self, when: str, about: str, **named: Any) -> Act:
        """Raise a dispute at an instant, which becomes the present one; `at` says that it happened before."""
        self.at(when)
        asked: dict[str, Any] = {"about": about, "at": None, "now": self.now, "by": RAISER}
        return office.dispute_open(self.store, self.authority, CASE, **(asked | named))

    def decided(
        self, when: str, role: str, outcome: str = "stays", *, ref: str = "D-1", by: str = "", **named: Any
    ) -> Act:
        self.at(when)
        asked: dict[str, Any] = {"at": None, "now": self.now, "by": by or role}
        said = {"role": role, "outcome": outcome}
        return office.dispute_decide(self.store, self.authority, CASE, ref, **(said | asked | named))

    def advanced(self, when: str, *, ref: str = "D-1", **named: Any) -> Act:
        self.at(when)
        asked: dict[str, Any] = {"at": None, "now": self.now, "by": RAISER}
        return office.dispute_advance(self.store, self.authority, CASE, ref, **(asked | named))

    def answered(self, when: str, says: str, *, ref: str = "D-1", **named: Any) -> Act:
        self.at(when)
        asked: dict[str, Any] = {"says": says, "at": None, "now": self.now, "by": "other"}
        return office.dispute_answer(self.store, self.authority, CASE, ref, **(asked | named))

    def withdrawn(self, when: str, *, ref: str = "D-1", by: str = RAISER, **named: Any) -> Act:
        self.at(when)
        asked: dict[str, Any] = {"at": None, "now": self.now, "by": by}
        return office.dispute_withdraw(self.store, self.authority, CASE, ref, **(asked | named))

    # ---- what is seen

    def disputes(self, at: str | None = None) -> list[Dispute]:
        now = moment(at) if at else self.now
        with self.store.read() as tx:
            found = evaluation_of(tx, self.authority, CASE, now)
            return disputes_of(self.authority.policy, found, events_of(tx, NAME, CASE), now)

    def dispute(self, at: str | None = None) -> Dispute:
        (one,) = self.disputes(at)
        return one

    def stands(self, at: str | None = None) -> tuple[str, int]:
        """Return how the one dispute stands, and at which step."""
        one = self.dispute(at)
        assert one.rung is not None
        return one.state, one.rung.stage

    def words(self) -> list[str]:
        """Name what is on record about disputes beside their having been raised, by the alphabet."""
        with self.store.read() as tx:
            events = events_of(tx, NAME, CASE)
        return sorted(e.word for e in events if e.word.startswith("dispute_") and e.word != "dispute_raised")

    def milestones(self, rule: str, at: str | None = None) -> list[Milestone]:
        """Return what one rule makes due on the case, as it stands at an instant."""
        with self.store.read() as tx:
            found = evaluation_of(tx, self.authority, CASE, moment(at) if at else self.now)
        return [m for m in found.milestones if m.rule == rule]

    def told(self, *kinds: str) -> list[str]:
        """Return "Fri 06 Mar 15:00:00 role" for each message about a dispute that was handed over, in order."""
        rows = [
            (row.sent_at, row.recipient.removeprefix("person:"))
            for row in self.rows
            if row.kind in (kinds or ("dispute",)) and row.state == "handed_over" and row.sent_at
        ]
        return [f"{at.astimezone(LONDON):%a %d %b %H:%M:%S} {who}" for at, who in sorted(rows)]

    def looked_at(self, *instants: str) -> list[str]:
        """Do a turn at each of these instants, and return what had been told about disputes by then."""
        for at in instants:
            self.turn(at)
        return self.told()

    def mornings(self, first: str, last: str) -> list[str]:
        """Do a turn at 08:30 of every day, and return what was told about disputes in them."""
        before = len(self.told())
        self.turns(first, last)
        return self.told()[before:]


def staff(roles: Mapping[str, Any]) -> list[Person]:
    """Put somebody in every role, each at work on every day, for no team in particular."""
    made = [
        Person(role, f"Holder of {role}", f"{role}@council.example", (role,), "", works=EVERY_DAY)
        for role, meant in roles.items()
        if isinstance(meant, str) and role != "line_manager"
    ]
    boss = Person("boss", "Bea Boss", "boss@council.example", (), "North", works=EVERY_DAY)
    raiser = Person(RAISER, "Wren Worker", "w1@council.example", (), "North", "boss", works=EVERY_DAY)
    return [*made, boss, raiser]
