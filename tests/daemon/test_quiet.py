"""Who acknowledged a milestone is left alone about it for a while; others hear, the ladder goes on, no date moves."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ehscheduler import office
from ehscheduler.notify.channel import Outcome
from ehscheduler.store.milestones import milestones_of
from tests.daemon.house import NAME, OK, House, told
from tests.daemon.test_decide import DISPUTE
from tests.daemon.test_own_ladder import CLIMBS

Houses = Callable[..., House]
SHUT = Outcome("temporary", "451 try later", about="channel")


@pytest.fixture
def overdue(house: House) -> House:
    """A visit that was due on Monday 16 March; all mornings up to it are past."""
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-16")
    return house


def acknowledge(house: House, at: str, person: str = "w1", key: str = "visit", until: str = "") -> None:
    day = date.fromisoformat(until) if until else None
    named: dict[str, Any] = {"person": person, "reason": "family", "until": day, "by": "jo"}
    office.acknowledge(house.store, house.authority, "C1", key, now=house.at(at).now, **named)


def since(house: House, day: str) -> list[tuple[str, str, str]]:
    return [row for row in told(house) if row[0] >= day]


def test_what_would_nag_waits_and_the_latest_of_it_is_told_when_it_has_run_out(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-10")
    acknowledge(house, "2026-03-10 14:00", until="2026-03-16")
    # The reminder of the 11th and the due notice of the 16th wait; on the 17th it is overdue, and that is all.
    assert house.turns("2026-03-11", "2026-03-16") == []
    assert [(mail.to, mail.subject) for mail in house.turn("2026-03-17 08:30")] == [
        ("w1@council.example", "Early Help: 1 past its date")
    ]
    assert house.turn("2026-03-17 08:31") == []
    assert house.states() == {"handed_over": 1, "dropped": 2}


def test_what_still_waits_is_told_once_as_it_then_stands(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    acknowledge(house, "2026-03-10 14:00", until="2026-03-11")
    house.turns("2026-03-11", "2026-03-13")
    assert told(house) == [("2026-03-12 08:30", "reminder", "person:w1")]


def test_what_is_done_in_the_meantime_is_not_told(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    acknowledge(house, "2026-03-10 14:00", until="2026-03-16")
    house.turns("2026-03-11", "2026-03-13")
    house.at("2026-03-13 10:00").events("C1", "2026-03-13 09:00 home_visit")
    assert house.turns("2026-03-14", "2026-03-25") == []


def test_the_ladder_goes_on_over_somebody_who_is_left_alone(overdue: House) -> None:
    acknowledge(overdue, "2026-03-16 14:00", until="2026-03-20")
    overdue.turns("2026-03-17", "2026-03-24")
    assert since(overdue, "2026-03-17") == [
        ("2026-03-18 08:30", "escalation", "person:m1"),
        ("2026-03-23 08:30", "overdue", "person:w1"),
    ]


def test_a_manager_who_acknowledged_is_left_alone_and_the_next_rung_is_not(house: House) -> None:
    steps = [{"who": ["line_manager"], "after": "1 working day"}, {"who": ["director"], "after": "3 working days"}]
    house.set(ladders={NAME: {"overdue": steps}})
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-16")
    acknowledge(house, "2026-03-17 08:00", person="m1", until="2026-03-23")
    house.turns("2026-03-17", "2026-03-25")
    assert since(house, "2026-03-17") == [
        ("2026-03-17 08:30", "overdue", "person:w1"),
        ("2026-03-20 08:30", "escalation", "person:d1"),
        ("2026-03-24 08:30", "escalation", "person:m1"),
    ]


def test_who_was_told_that_it_is_overdue_hears_once_more_when_it_has_run_out(overdue: House) -> None:
    overdue.turns("2026-03-17", "2026-03-17")
    acknowledge(overdue, "2026-03-17 10:00", until="2026-03-18")
    mails = overdue.turns("2026-03-18", "2026-03-25")
    assert since(overdue, "2026-03-18") == [
        ("2026-03-18 08:30", "escalation", "person:m1"),
        ("2026-03-19 08:30", "overdue", "person:w1"),
    ]
    (mail,) = [mail for mail in mails if mail.to == "w1@council.example"]
    assert "Still overdue, and your acknowledgement has run out. Done when this is recorded: home visit." in mail.flat


def test_a_manager_who_was_told_hears_once_more_too(overdue: House) -> None:
    overdue.turns("2026-03-17", "2026-03-18")
    acknowledge(overdue, "2026-03-18 10:00", person="m1")
    overdue.turns("2026-03-19", "2026-03-25")
    assert since(overdue, "2026-03-19") == [("2026-03-20 08:30", "overdue", "person:m1")]


def test_it_may_be_acknowledged_again_and_is_told_again_after_that(overdue: House) -> None:
    overdue.turns("2026-03-17", "2026-03-18")
    acknowledge(overdue, "2026-03-18 10:00", until="2026-03-19")
    acknowledge(overdue, "2026-03-19 10:00", until="2026-03-23")
    overdue.turns("2026-03-19", "2026-03-24")
    assert since(overdue, "2026-03-19") == [("2026-03-24 08:30", "overdue", "person:w1")]
    acknowledge(overdue, "2026-03-24 10:00", until="2026-03-25")
    overdue.turns("2026-03-25", "2026-03-31")
    assert since(overdue, "2026-03-25") == [("2026-03-26 08:30", "overdue", "person:w1")]


def test_nothing_more_is_told_of_what_is_on_hold_when_it_runs_out_until_the_hold_ends(overdue: House) -> None:
    overdue.turns("2026-03-17", "2026-03-18")
    acknowledge(overdue, "2026-03-18 10:00", until="2026-03-19")
    overdue.at("2026-03-19 10:00").events("C1", "2026-03-19 10:00 hold_started")
    assert overdue.turns("2026-03-20", "2026-03-24") == []
    overdue.at("2026-03-24 10:00").events("C1", "2026-03-24 10:00 hold_ended")
    overdue.turns("2026-03-25", "2026-03-31")
    assert since(overdue, "2026-03-25") == [("2026-03-25 08:30", "overdue", "person:w1")]


def test_after_a_hand_over_the_new_lead_is_not_told_of_what_another_acknowledged(overdue: House) -> None:
    overdue.turns("2026-03-17", "2026-03-18")
    acknowledge(overdue, "2026-03-18 10:00", until="2026-03-19")
    overdue.at("2026-03-18 12:00").events("C1", '2026-03-18 11:00 worker_changed {"lead": "w2"}', late=True)
    overdue.turns("2026-03-19", "2026-03-31")
    assert since(overdue, "2026-03-19") == [("2026-03-19 08:30", "handover", "person:w2")]


def test_the_claim_honours_what_was_acknowledged_after_the_decision(overdue: House) -> None:
    overdue.tick("2026-03-17 08:30")
    assert overdue.states()["waiting"] == 1
    acknowledge(overdue, "2026-03-17 08:30:30")
    overdue.deliver("2026-03-17 08:31")
    assert since(overdue, "2026-03-17") == []
    (quiet,) = overdue.trail("quiet")
    assert quiet.detail["until"] == "2026-03-19T08:30:00+00:00"
    overdue.turns("2026-03-18", "2026-03-19")
    assert since(overdue, "2026-03-17") == [
        ("2026-03-18 08:30", "escalation", "person:m1"),
        ("2026-03-19 08:30", "overdue", "person:w1"),
    ]


def test_a_message_whose_sender_died_is_not_sent_again_to_who_acknowledged_it(overdue: House) -> None:
    overdue.channel.script = [Outcome("uncertain", "the line broke")]
    overdue.turn("2026-03-17 08:30")
    acknowledge(overdue, "2026-03-17 08:40")
    overdue.channel.script = [OK]
    overdue.turns("2026-03-17", "2026-03-18", ("09:30", "09:31"))
    assert [row[2] for row in since(overdue, "2026-03-17")] == ["person:m1"]
    overdue.turns("2026-03-19", "2026-03-19")
    assert ("2026-03-19 08:30", "overdue", "person:w1") in told(overdue)


def test_it_moves_no_date_and_tells_nobody_of_a_change(overdue: House) -> None:
    def dates() -> list[Any]:
        with overdue.store.read() as tx:
            return [(row.key, row.due_at, row.due_version) for row in milestones_of(tx, NAME, "C1")]

    before = dates()
    acknowledge(overdue, "2026-03-16 14:00", until="2026-03-20")
    overdue.turns("2026-03-17", "2026-03-24")
    assert dates() == before
    assert "changed" not in overdue.kinds("C1")


def test_another_milestone_and_another_person_hear_as_ever(house: House) -> None:
    house.live()
    for ref in ("C1", "C2"):
        house.case(ref, "2026-03-02 08:00 allocation")
    acknowledge(house, "2026-03-10 14:00", person="w2", until="2026-03-16")
    house.turns("2026-03-11", "2026-03-11")
    assert told(house) == [("2026-03-11 08:30", "reminder", "person:w1")]
    assert told(house, "C2") == [("2026-03-11 08:30", "reminder", "person:w1")]


def test_a_date_that_moves_is_told_to_who_acknowledged_the_old_one(overdue: House) -> None:
    acknowledge(overdue, "2026-03-16 10:00", until="2026-03-20")
    detail = '{"rules": ["visit"], "until": "2026-03-27", "by_role": "manager", "reason": "illness"}'
    overdue.at("2026-03-16 14:00").events("C1", f"2026-03-16 relaxation_agreed {detail}")
    overdue.turns("2026-03-17", "2026-03-17")
    assert since(overdue, "2026-03-17") == [("2026-03-17 08:30", "changed", "person:w1")]


def test_a_dispute_goes_on_to_its_last_step_and_comes_again_whoever_acknowledged_it(house_of: Houses) -> None:
    house = house_of(DISPUTE)
    house.live()
    house.case("C1", "2026-03-06 15:00 dispute_raised #R1")
    house.turn("2026-03-06 15:00")
    acknowledge(house, "2026-03-06 16:00", person="d1", key="dispute/R1", until="2026-03-13")
    house.turns("2026-03-06", "2026-03-10", ("08:30", "23:01"))
    assert [row for row in told(house) if row[1] == "dispute" and row[2] == "person:d1"] == [
        ("2026-03-06 23:01", "dispute", "person:d1"),
        ("2026-03-09 08:30", "dispute", "person:d1"),
        ("2026-03-10 08:30", "dispute", "person:d1"),
    ]


def test_the_repeats_of_the_last_rung_for_overdue_work_wait_and_one_is_told(house_of: Houses) -> None:
    house = house_of(CLIMBS)
    house.live()
    house.case("C1", "2026-03-02 allocation")
    house.turns("2026-03-02", "2026-03-16", clocks=("08:30", "09:30"))
    acknowledge(house, "2026-03-16 10:00", person="d1", key="plan", until="2026-03-19")
    house.turns("2026-03-17", "2026-03-23", clocks=("08:30", "09:30"))
    assert [row for row in since(house, "2026-03-17") if row[2] == "person:d1"] == [
        ("2026-03-20 08:30", "escalation", "person:d1"),
        ("2026-03-23 08:30", "escalation", "person:d1"),
    ]


def test_in_shadow_nothing_is_told_when_it_runs_out(overdue: House) -> None:
    overdue.turns("2026-03-17", "2026-03-18")
    acknowledge(overdue, "2026-03-18 10:00")
    overdue.live(mode="shadow")
    assert overdue.turns("2026-03-19", "2026-03-24") == []
    assert overdue.kinds("C1")[-1] == "(overdue)"
