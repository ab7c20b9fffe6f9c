"""A rung never before the one below is final and its time has run, also after days in which nothing ran."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ehscheduler.notify.channel import Outcome
from tests.daemon.house import OK, PEOPLE, House, told
from tests.daemon.test_own_ladder import CLIMBS

Houses = Callable[..., House]
SHUT = Outcome("temporary", "451 try later", about="channel")
NO_SUCH = Outcome("permanent", "550 no such user", about="address")
FROM_THE_START = CLIMBS.replace("2 working days after step_reached", "2 working days after plan overdue").replace(
    "1 week after step_reached", "5 working days after plan overdue"
)
HOURS = """
[standard.call]
title = "Call back"
clause = "1"
due = "24 hours after each visit_asked"
met_by = "contact_made"
owner = "worker"
escalate = "up"
[ladder.up]
title = "Calls that are overdue"
clause = "2"
steps = [
  { who = ["manager"], due = "4 hours after step_reached" },
  { who = ["director"], due = "8 hours after step_reached", final = true },
]
"""
EACH_MINUTE = ("08:30", "08:31", "09:30", "09:31", "10:31", "10:32")


def house_with(house_of: Houses, rules: str) -> House:
    """Work that is due on Monday 9 March under a ladder of the protocol's own."""
    house = house_of(rules)
    house.live()
    house.case("C1", "2026-03-02 allocation")
    return house


def late(house: House) -> list[tuple[str, str, str]]:
    return [row for row in told(house) if row[1] in ("overdue", "escalation")]


def first_of(rows: list[tuple[str, str, str]]) -> list[tuple[str, str]]:
    """Leave the repeats of a last rung out."""
    return [(at, to) for n, (at, _, to) in enumerate(rows) if to not in [row[2] for row in rows[:n]]]


def test_after_days_down_the_missed_rung_goes_first_and_then_has_the_whole_of_its_time(house_of: Houses) -> None:
    house = house_with(house_of, CLIMBS)
    house.turns("2026-03-02", "2026-03-09", EACH_MINUTE)
    # Nothing runs from the 10th to the morning of Friday 13th, when both rungs have been reached.
    house.turns("2026-03-13", "2026-03-20", EACH_MINUTE)
    assert first_of(late(house)) == [
        ("2026-03-13 08:30", "person:w1"),
        ("2026-03-13 09:30", "person:m1"),
        ("2026-03-18 08:30", "person:d1"),  # two working days after Friday: the whole of Monday and Tuesday
    ]


def test_a_rung_that_heard_in_time_does_not_put_the_next_one_off(house_of: Houses) -> None:
    house = house_with(house_of, CLIMBS)
    house.turns("2026-03-02", "2026-03-10", EACH_MINUTE)
    house.turns("2026-03-20", "2026-03-20", EACH_MINUTE)  # down while the manager's time ran
    assert first_of(late(house))[-1] == ("2026-03-20 08:30", "person:d1")


def test_a_weekend_between_the_limit_and_the_first_morning_is_no_lateness(house_of: Houses) -> None:
    house = house_with(house_of, CLIMBS.replace("5 working days", "4 working days"))  # due on Friday the 6th
    house.turns("2026-03-02", "2026-03-20", EACH_MINUTE)
    assert first_of(late(house)) == [
        ("2026-03-09 08:30", "person:w1"),
        ("2026-03-09 09:30", "person:m1"),
        ("2026-03-11 08:30", "person:d1"),  # the protocol's count runs from Saturday, when the step was reached
    ]


OWNER_FIRST = CLIMBS.replace(
    "steps = [",
    'steps = [\n  { who = ["worker"], due = "2 working days after limit" },',
).replace("2 working days after step_reached", "4 working days after limit")


def test_while_the_first_step_is_the_owners_nobody_else_hears_and_they_hear_once(house_of: Houses) -> None:
    house = house_with(house_of, OWNER_FIRST)
    house.turns("2026-03-02", "2026-03-20", EACH_MINUTE)
    # The limit is Monday the 9th; Tuesday and Wednesday pass, and then Thursday and Friday.
    assert first_of(late(house)) == [
        ("2026-03-10 08:30", "person:w1"),
        ("2026-03-12 08:30", "person:m1"),
        ("2026-03-16 08:30", "person:d1"),
    ]
    assert [to for _, _, to in late(house)].count("person:w1") == 1


def test_after_an_outage_whoever_follows_the_owners_step_waits_for_the_whole_of_it(house_of: Houses) -> None:
    house = house_with(house_of, OWNER_FIRST)
    house.turns("2026-03-02", "2026-03-09", EACH_MINUTE)
    house.turns("2026-03-13", "2026-03-25", EACH_MINUTE)
    assert first_of(late(house)) == [
        ("2026-03-13 08:30", "person:w1"),
        ("2026-03-18 08:30", "person:m1"),  # after the whole of Monday and Tuesday
        ("2026-03-23 08:30", "person:d1"),  # and the whole of Thursday and Friday
    ]


@pytest.mark.parametrize(
    ("rules", "director"),
    [
        (FROM_THE_START, "2026-03-17 08:30"),
        (CLIMBS.replace("2 working days after", "4 hours after"), "2026-03-16 08:30"),
        (CLIMBS.replace("2 working days after step_reached", "same day as step_reached"), "2026-03-17 08:30"),
    ],
    ids=["the time between two steps of the start", "hours", "none of its own: a working day"],
)
def test_the_time_that_a_late_rung_has_is_the_ladders_own(house_of: Houses, rules: str, director: str) -> None:
    house = house_with(house_of, rules)
    house.turns("2026-03-02", "2026-03-09", EACH_MINUTE)
    house.turns("2026-03-13", "2026-03-25", EACH_MINUTE)
    assert first_of(late(house))[1:] == [("2026-03-13 09:30", "person:m1"), (director, "person:d1")]


def test_work_that_is_known_late_climbs_as_after_an_outage(house_of: Houses) -> None:
    house = house_of(CLIMBS)
    house.live()
    house.turn("2026-03-19 16:00")
    house.at("2026-03-19 16:30").case("C1", "2026-03-02 allocation")
    house.turns("2026-03-20", "2026-03-27", EACH_MINUTE)
    assert first_of(late(house)) == [
        ("2026-03-20 08:30", "person:w1"),
        ("2026-03-20 09:30", "person:m1"),
        ("2026-03-25 08:30", "person:d1"),
    ]


def test_an_hour_clock_waits_for_no_time_but_for_the_rung_below(house_of: Houses) -> None:
    house = house_of(HOURS)
    house.live()
    house.case("C1", "2026-03-02 10:00 visit_asked #R1")
    house.turns("2026-03-02", "2026-03-02", ("10:00",))
    house.turns("2026-03-05", "2026-03-05", ("12:00", "13:01", "14:02", "15:03"))
    assert first_of(late(house)) == [
        ("2026-03-05 12:00", "person:w1"),
        ("2026-03-05 13:01", "person:m1"),
        ("2026-03-05 14:02", "person:d1"),
    ]


# ---- what is final


SECOND = replace(PEOPLE[2], person_id="m9", name="Mel Manager", email="m9@council.example")


@pytest.fixture
def two_below(house_of: Houses) -> House:
    """A ladder on whose first rung two people are; on the 10th one has heard, and the other's message waits."""
    house = house_of(CLIMBS)
    house.live()
    house.people(*PEOPLE, SECOND)
    house.case("C1", "2026-03-02 allocation")
    house.turns("2026-03-02", "2026-03-10", ("08:30",))
    house.tick("2026-03-10 09:30")
    house.channel.script = [OK, SHUT]
    house.deliver()
    return house


def test_while_one_of_a_rung_is_still_to_hear_the_next_is_not_told(two_below: House) -> None:
    two_below.turns("2026-03-11", "2026-03-13", ("08:30",))
    assert "person:d1" not in [row[2] for row in late(two_below)]
    two_below.channel.script = [OK]
    two_below.turns("2026-03-13", "2026-03-20", ("14:00", "15:00"))
    # Both have heard on Friday 13th, and each has two working days from then.
    assert first_of(late(two_below))[-1] == ("2026-03-18 14:00", "person:d1")


def test_who_can_never_hear_is_not_waited_for(two_below: House) -> None:
    two_below.channel.script = [NO_SUCH, OK]
    two_below.turns("2026-03-10", "2026-03-16", ("12:00", "13:00"))
    assert ("2026-03-13 12:00", "person:d1") in first_of(late(two_below))


def test_a_message_that_may_have_been_taken_is_not_final(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-16")
    house.channel.script = [Outcome("uncertain", "the line broke")]
    house.turns("2026-03-17", "2026-03-18", ("08:30", "08:31"))
    assert [row for row in late(house) if row[2] == "person:m1"] == []
    house.channel.script = [OK]
    house.turns("2026-03-19", "2026-03-20", ("08:30", "08:31"))
    assert late(house) == [
        ("2026-03-19 08:30", "overdue", "person:w1"),
        ("2026-03-20 08:30", "escalation", "person:m1"),
    ]


# ---- what falls overdue in a hold


def test_what_was_due_on_the_day_before_a_hold_is_told_once_after_it_and_then_climbs(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-16")
    house.at("2026-03-17 07:00").events("C1", "2026-03-17 07:00 hold_started")  # over, and told at 08:30
    assert house.turns("2026-03-17", "2026-03-24") == []
    house.at("2026-03-24 14:00").events("C1", "2026-03-24 14:00 hold_ended")
    house.turns("2026-03-25", "2026-03-31", ("08:30", "08:31"))
    assert late(house) == [
        ("2026-03-25 08:30", "overdue", "person:w1"),
        ("2026-03-26 08:30", "escalation", "person:m1"),
    ]


def test_after_a_hold_the_protocols_ladder_begins_with_the_owner(house_of: Houses) -> None:
    house = house_with(house_of, CLIMBS)
    house.turns("2026-03-02", "2026-03-09", EACH_MINUTE)
    house.at("2026-03-10 07:00").events("C1", "2026-03-10 07:00 hold_started")
    assert house.turns("2026-03-10", "2026-03-16", EACH_MINUTE) == []
    house.at("2026-03-16 14:00").events("C1", "2026-03-16 14:00 hold_ended")
    house.turns("2026-03-17", "2026-03-31", EACH_MINUTE)
    rows = first_of(late(house))
    assert [to for _, to in rows] == ["person:w1", "person:m1", "person:d1"]
    # The manager hears on the 17th, and has two working days from then.
    assert [at[:10] for at, _ in rows] == ["2026-03-17", "2026-03-17", "2026-03-20"]
