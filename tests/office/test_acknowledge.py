"""To acknowledge: for a bounded time, one person about one milestone, and nothing else."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ehscheduler import office
from ehscheduler.core.events import Event
from ehscheduler.errors import InputRefused
from ehscheduler.office import Act
from ehscheduler.store.events import events_of
from tests.daemon.house import NAME, PEOPLE, House
from tests.daemon.test_decide import DISPUTE


@pytest.fixture
def open_case(house: House) -> House:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    return house.at("2026-03-06 10:00")  # a Friday


def acknowledge(house: House, key: str = "visit", **named: Any) -> Act:
    asked: dict[str, Any] = {"person": "w1", "reason": "family", "now": house.now, "by": "jo"}
    return office.acknowledge(house.store, house.authority, "C1", key, **(asked | named))


def events(house: House) -> list[Event]:
    with house.store.read() as tx:
        return [event for event in events_of(tx, NAME, "C1") if event.word == "acknowledged"]


def test_it_is_an_event_and_a_row_of_the_trail(open_case: House) -> None:
    act = acknowledge(open_case)
    (event,) = events(open_case)
    assert (act.known, event.ref, event.moment) == (False, "visit", open_case.now)
    assert event.detail == {"person": "w1", "reason": "family", "until": "2026-03-09"}
    assert [(entry.who, entry.act) for entry in open_case.trail("acknowledge")] == [("jo", "acknowledge")]


def test_without_a_day_it_lasts_to_the_end_of_the_next_working_day(open_case: House) -> None:
    assert acknowledge(open_case.at("2026-04-02 10:00")).event.detail["until"] == "2026-04-07"  # over Easter


def test_done_twice_is_done_once(open_case: House) -> None:
    first = acknowledge(open_case)
    again = acknowledge(open_case.at("2026-03-06 10:05"))
    assert (again.known, again.event.id) == (True, first.event.id)
    assert len(events(open_case)) == 1


def test_another_reason_or_day_is_another_one(open_case: House) -> None:
    acknowledge(open_case)
    acknowledge(open_case, until=date(2026, 3, 10))
    acknowledge(open_case, reason="capacity")
    assert len(events(open_case)) == 3


def test_a_row_that_is_read_again_later_is_known_and_not_refused(open_case: House) -> None:
    acknowledge(open_case, at="2026-03-06")
    assert acknowledge(open_case.at("2026-03-20 10:00"), at="2026-03-06").known


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"key": "visits"}, "case 'C1' has no milestone 'visits'; did you mean 'visit'?"),
        ({"person": "w9"}, "testshire has nobody 'w9' who is current"),
        ({"reason": "illness"}, "the reason is one of family, capacity, partner, system, not 'illness'"),
        (
            {"until": date(2026, 3, 16)},
            "until 2026-03-16 is too far off: 5 working days at most, which is 2026-03-13",
        ),
        ({"until": date(2026, 3, 5)}, "until 2026-03-05 is past already; name today or a day after it"),
        ({"at": "2026-03-07"}, "--at: 2026-03-07 lies ahead; record what has happened, when it has happened"),
    ],
    ids=["milestone", "person", "reason", "too far", "past", "ahead"],
)
def test_what_cannot_be_is_refused_and_nothing_is_recorded(open_case: House, named: dict[str, Any], said: str) -> None:
    with pytest.raises(InputRefused) as refused:
        acknowledge(open_case, **named)
    assert refused.value.faults == [said]
    assert events(open_case) == []


def test_five_working_days_are_taken(open_case: House) -> None:
    assert not acknowledge(open_case, until=date(2026, 3, 13)).known


def test_all_that_is_wrong_is_said_at_once(open_case: House) -> None:
    with pytest.raises(InputRefused) as refused:
        acknowledge(open_case, "nothing", person="nobody", reason="none", until=date(2027, 1, 1))
    assert len(refused.value.faults) == 4


def test_somebody_who_has_left_is_nobody(open_case: House) -> None:
    open_case.people(*(p for p in PEOPLE if p.person_id != "w1"))
    with pytest.raises(InputRefused, match="nobody 'w1' who is current"):
        acknowledge(open_case)


def test_what_is_done_or_closed_cannot_be_acknowledged(open_case: House) -> None:
    open_case.events("C1", "2026-03-05 home_visit")
    with pytest.raises(InputRefused, match="C1: visit is met, and nobody is told of it any more"):
        acknowledge(open_case)


def test_what_is_overdue_or_on_hold_can_be(open_case: House) -> None:
    open_case.events("C1", "2026-03-05 hold_started")
    assert not acknowledge(open_case).known
    open_case.at("2026-03-24 10:00").events("C1", "2026-03-06 hold_ended")
    assert not acknowledge(open_case).known


def test_a_dispute_can_be_acknowledged_until_it_reaches_its_last_step(house_of: Callable[..., House]) -> None:
    house = house_of(DISPUTE)
    house.live()
    house.case("C1", "2026-03-06 15:00 dispute_raised #R1")
    acknowledge(house.at("2026-03-06 23:00"), "dispute/R1", person="m1")
    with pytest.raises(InputRefused, match="is a dispute at its last step, which comes again until its decision"):
        acknowledge(house.at("2026-03-06 23:00:01"), "dispute/R1", person="d1")


def test_no_date_moves_by_it(open_case: House) -> None:
    def due() -> list[Any]:
        with open_case.store.read() as tx:
            found = office.evaluation_of(tx, open_case.authority, "C1", open_case.now)
        return [(m.key, m.due_at, m.due_version, m.state) for m in found.milestones]

    before = due()
    acknowledge(open_case)
    assert due() == before


def test_the_longest_is_ours_and_holds_for_what_a_feed_says_too(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.at("2026-03-06 10:00").events(
        "C1", '2026-03-06 09:00 acknowledged #visit {"person": "w1", "reason": "family", "until": "2026-12-31"}'
    )
    with house.store.read() as tx:
        (said,) = office.evaluation_of(tx, house.authority, "C1", house.now).acknowledged
    assert said.until == date(2026, 3, 13)
