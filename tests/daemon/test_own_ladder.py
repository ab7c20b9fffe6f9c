"""The protocol's own ladder for overdue work, and a rule that watches another run over, as people hear of them."""

from collections.abc import Callable

from ehscheduler.store.milestones import ladders_of
from tests.daemon.house import NAME, House, told

Houses = Callable[..., House]
CLIMBS = """
[standard.plan]
title = "Plan written"
clause = "1"
due = "5 working days after allocation"
met_by = "plan_completed"
owner = "worker"
escalate = "up"
[ladder.up]
title = "Work that is overdue"
clause = "2"
steps = [
  { who = ["manager"], due = "2 working days after step_reached" },
  { who = ["director"], due = "1 week after step_reached", final = true },
]
"""
WATCHES = """
[standard.plan]
title = "Plan written"
clause = "1"
due = "5 working days after allocation"
met_by = "plan_completed"
owner = "worker"
[standard.stalled]
title = "Stalled case looked at"
clause = "3"
due = "2 working days after plan overdue"
met_by = "oversight_noted"
owner = "manager"
"""


def test_the_protocols_own_ladder_is_climbed_and_not_the_councils(house_of: Houses) -> None:
    house = house_of(CLIMBS)
    house.live()
    house.case("C1", "2026-03-02 allocation")
    mails = house.turns("2026-03-02", "2026-03-16", clocks=("08:30", "09:30"))
    # Due by Monday 9 March, and the worker hears first; the manager has until the end of Thursday 12 March, and then
    # it is the director's on every working morning.
    climbed = [row for row in told(house) if row[1] == "escalation"]
    assert climbed == [
        ("2026-03-10 09:30", "escalation", "person:m1"),
        ("2026-03-13 08:30", "escalation", "person:d1"),
        ("2026-03-16 08:30", "escalation", "person:d1"),
    ]
    last = mails[-1].flat
    assert "Why you: Director, step 2 of 2 on Work that is overdue (clause 2)." in last
    assert "your council's own ladder" not in last
    with house.store.read() as tx:
        assert [row.ladder for row in ladders_of(tx, NAME, "C1")] == ["up"]


def test_a_rule_that_watches_another_tells_its_owner_when_that_one_runs_over(house_of: Houses) -> None:
    house = house_of(WATCHES)
    house.live()
    house.case("C1", "2026-03-02 allocation")
    house.turns("2026-03-02", "2026-03-12")
    assert [row for row in told(house) if row[2] == "person:m1" and row[1] == "drift"] == [
        ("2026-03-12 08:30", "drift", "person:m1")
    ]
    house.events("C1", "2026-03-12 10:00 oversight_noted")
    house.turns("2026-03-13", "2026-03-20")
    assert [row[1] for row in told(house) if "stalled" in row[1]] == []
