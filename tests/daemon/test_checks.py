"""A check that fails is told once to whom it concerns, and not where it was put right or lay before going live."""

from collections.abc import Callable

from tests.daemon.house import House, told

Houses = Callable[..., House]
CHECK = """
[event.risk_discussed]
[check.talk]
title = "Risk talked through before the visit"
clause = "6"
at = "home_visit"
needs = "risk_discussed"
owner = "worker"
tell = ["manager"]
"""
ALL = [("2026-03-04 08:30", "check", "person:m1"), ("2026-03-04 08:30", "check", "person:w1")]


def visited(house: House, *more: str) -> House:
    house.live(checks=["talk"])
    house.case("C1", "2026-03-02 allocation", "2026-03-03 14:00 home_visit #V1", *more)
    return house


def test_a_check_that_fails_is_told_once_the_next_morning(house_of: Houses) -> None:
    house = visited(house_of(CHECK))
    mails = house.turns("2026-03-03", "2026-03-10")
    assert told(house) == ALL
    said = next(mail for mail in mails if mail.to == "w1@council.example").flat
    assert "C1 Risk talked through before the visit (clause 6)" in said
    assert "Home visit on Tuesday 3 March 2026, and it wants risk discussed first." in said
    assert "Look at what was recorded, and have what is missing done and recorded." in said


def test_a_check_is_told_only_where_the_council_says_that_its_system_feeds_it(house_of: Houses) -> None:
    house = house_of(CHECK)
    house.live()
    house.case("C1", "2026-03-02 allocation", "2026-03-03 14:00 home_visit #V1")
    assert house.turns("2026-03-03", "2026-03-06") == []
    house.live(checks=["talk"])
    assert len(house.turns("2026-03-09", "2026-03-09")) == 2


def test_a_check_that_holds_tells_nobody(house_of: Houses) -> None:
    house = visited(house_of(CHECK), "2026-03-02 risk_discussed")
    assert house.turns("2026-03-03", "2026-03-06") == []


def test_what_was_put_right_before_the_morning_is_not_sent(house_of: Houses) -> None:
    house = visited(house_of(CHECK))
    house.tick("2026-03-03 18:30")
    assert house.states() == {"waiting": 2}
    house.events("C1", "2026-03-03 10:00 risk_discussed", late=True)
    assert house.turn("2026-03-04 08:30") == []
    assert {row.why for row in house.rows} == {"it was put right since"}


def test_what_failed_before_going_live_is_never_told(house_of: Houses) -> None:
    house = house_of(CHECK)
    house.live("2026-03-04", checks=["talk"])
    house.case("C1", "2026-03-02 allocation", "2026-03-03 14:00 home_visit #V1")
    assert house.turns("2026-03-03", "2026-03-06") == []
    house.events("C1", "2026-03-06 09:00 home_visit #V2")
    assert len(house.turns("2026-03-06", "2026-03-09")) == 2


def test_advice_is_said_to_whoever_acts_and_marked_as_good_practice(house_of: Houses) -> None:
    house = visited(house_of(CHECK + 'force = "guide"\n'))
    [mail] = house.turns("2026-03-03", "2026-03-06")
    assert mail.to == "w1@council.example"
    assert "Good practice, not a limit." in mail.flat


def test_each_of_two_events_under_one_reference_is_told(house_of: Houses) -> None:
    house = visited(house_of(CHECK), "2026-03-05 10:00 home_visit #V1")
    house.turns("2026-03-03", "2026-03-09")
    assert [row[0] for row in told(house) if row[2] == "person:w1"] == ["2026-03-04 08:30", "2026-03-06 08:30"]
