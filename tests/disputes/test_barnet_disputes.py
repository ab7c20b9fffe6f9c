"""Barnet 13.3: whether a case steps down, where social care and the Hub Panel cannot agree. No time is set."""

from collections.abc import Callable

import pytest

from ehscheduler.errors import InputRefused
from tests.disputes.protocol import CASE, Protocol

Protocols = Callable[[str], Protocol]
DECIDES = "head_of_service"


@pytest.fixture
def barnet(protocol: Protocols) -> Protocol:
    return protocol("barnet")


def to_head(*instants: str) -> list[str]:
    return [f"{instant} {DECIDES}" for instant in instants]


def test_there_is_one_step_which_is_the_last_and_no_hour_at_which_it_ends(barnet: Protocol) -> None:
    barnet.raised("2026-03-03 09:00", "step_down")
    (rung,) = barnet.dispute().rungs
    assert (rung.who, rung.final, rung.due_at, rung.together) == ((DECIDES,), True, None, False)
    assert barnet.dispute("2027-03-03 09:00").milestone.state == "due"  # never overdue: the document sets no time


@pytest.mark.parametrize(
    ("raised", "last", "told"),
    [
        ("2026-03-03 09:00", "2026-03-05", ["Tue 03 Mar 09:00:00", "Wed 04 Mar 08:30:00", "Thu 05 Mar 08:30:00"]),
        ("2026-03-07 22:00", "2026-03-10", ["Sat 07 Mar 22:00:00", "Mon 09 Mar 08:30:00", "Tue 10 Mar 08:30:00"]),
        ("2026-03-28 12:00", "2026-03-31", ["Sat 28 Mar 12:00:00", "Mon 30 Mar 08:30:00", "Tue 31 Mar 08:30:00"]),
        ("2026-10-24 12:00", "2026-10-27", ["Sat 24 Oct 12:00:00", "Mon 26 Oct 08:30:00", "Tue 27 Oct 08:30:00"]),
        ("2026-12-24 15:00", "2026-12-30", ["Thu 24 Dec 15:00:00", "Tue 29 Dec 08:30:00", "Wed 30 Dec 08:30:00"]),
        ("2026-12-31 15:00", "2027-01-04", ["Thu 31 Dec 15:00:00", "Mon 04 Jan 08:30:00"]),
    ],
    ids=["an ordinary week", "a weekend", "clocks forward", "clocks back", "Christmas", "New Year"],
)
def test_the_head_of_service_hears_at_once_and_again_each_working_morning(
    barnet: Protocol, raised: str, last: str, told: list[str]
) -> None:
    barnet.raised(raised, "step_down")
    barnet.looked_at(raised)
    barnet.mornings(raised[:10], last)
    assert barnet.told() == to_head(*told)


def test_the_head_of_service_decides_alone(barnet: Protocol) -> None:
    barnet.raised("2026-03-03 09:00", "step_down")
    barnet.looked_at("2026-03-03 09:00")
    barnet.decided("2026-03-12 10:00", "head_of_service", "steps_down")
    assert (barnet.dispute().state, barnet.dispute().outcome) == ("decided", "steps_down")
    assert barnet.mornings("2026-03-13", "2026-03-18") == []


def test_the_transfer_panel_cannot_decide_without_the_head_of_service(barnet: Protocol) -> None:
    barnet.raised("2026-03-03 09:00", "step_down")
    with pytest.raises(InputRefused, match="transfer_panel"):
        barnet.decided("2026-03-10 10:00", "transfer_panel", "steps_down")
    assert barnet.dispute().state == "open"


def test_it_cannot_be_taken_up_for_nobody_is_above(barnet: Protocol) -> None:
    barnet.raised("2026-03-03 09:00", "step_down")
    with pytest.raises(InputRefused, match="dispute D-1 is at its last step"):
        barnet.advanced("2026-03-03 10:00")


def test_it_is_taken_back_and_then_nobody_is_asked(barnet: Protocol) -> None:
    barnet.raised("2026-03-03 09:00", "step_down")
    barnet.looked_at("2026-03-03 09:00")
    barnet.withdrawn("2026-03-03 15:00")
    assert barnet.dispute().state == "withdrawn"
    assert barnet.mornings("2026-03-04", "2026-03-09") == []


def test_nobody_is_asked_on_a_morning_on_which_the_case_is_on_hold(barnet: Protocol) -> None:
    barnet.raised("2026-03-03 09:00", "step_down")
    barnet.looked_at("2026-03-03 09:00")
    barnet.events(CASE, "2026-03-03 12:00 hold_started")
    assert barnet.mornings("2026-03-04", "2026-03-05") == []
    barnet.at("2026-03-05 12:00").events(CASE, "2026-03-05 12:00 hold_ended")
    assert barnet.mornings("2026-03-06", "2026-03-06") == to_head("Fri 06 Mar 08:30:00")


def test_only_a_step_down_can_be_disputed(barnet: Protocol) -> None:
    with pytest.raises(InputRefused, match="it speaks of step_down"):
        barnet.raised("2026-03-03 09:00", "allocation")
