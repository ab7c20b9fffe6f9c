"""Nottinghamshire 3a5: allocation disputes, settled in 24 hours, with a fork at the top for Children's Centres."""

from collections.abc import Callable

import pytest

from ehscheduler.errors import InputRefused
from tests.daemon.house import moment
from tests.disputes.protocol import CASE, Protocol

Protocols = Callable[[str], Protocol]


@pytest.fixture
def notts(protocol: Protocols) -> Protocol:
    return protocol("nottinghamshire")


# ---- by time

# Raised; the last second of each step and the first second after it; the last rung's own mornings.
BY_TIME = {
    "an ordinary week": (
        "2026-03-03 09:00",
        ["2026-03-03 17:00", "2026-03-03 17:00:01", "2026-03-04 01:00", "2026-03-04 01:00:01", "2026-03-05 08:30"],
        [
            "Tue 03 Mar 09:00:00 team_manager",
            "Tue 03 Mar 17:00:01 service_manager",
            "Wed 04 Mar 01:00:01 group_manager",
            "Thu 05 Mar 08:30:00 group_manager",
        ],
    ),
    "a weekend": (
        "2026-03-06 16:00",
        ["2026-03-07", "2026-03-07 00:00:01", "2026-03-07 08:00", "2026-03-07 08:00:01", "2026-03-08 08:30"],
        [
            "Fri 06 Mar 16:00:00 team_manager",
            "Sat 07 Mar 00:00:01 service_manager",
            "Sat 07 Mar 08:00:01 group_manager",
        ],
    ),
    "the night on which the clocks go forward": (
        "2026-03-28 12:00",
        ["2026-03-28 20:00", "2026-03-28 20:00:01", "2026-03-29 05:00", "2026-03-29 05:00:01", "2026-03-30 08:30"],
        [
            "Sat 28 Mar 12:00:00 team_manager",
            "Sat 28 Mar 20:00:01 service_manager",
            "Sun 29 Mar 05:00:01 group_manager",
            "Mon 30 Mar 08:30:00 group_manager",
        ],
    ),
    "the night on which the clocks go back": (
        "2026-10-24 12:00",
        ["2026-10-24 20:00", "2026-10-24 20:00:01", "2026-10-25 03:00", "2026-10-25 03:00:01", "2026-10-26 08:30"],
        [
            "Sat 24 Oct 12:00:00 team_manager",
            "Sat 24 Oct 20:00:01 service_manager",
            "Sun 25 Oct 03:00:01 group_manager",
            "Mon 26 Oct 08:30:00 group_manager",
        ],
    ),
    "Christmas": (
        "2026-12-24 15:00",
        ["2026-12-24 23:00", "2026-12-24 23:00:01", "2026-12-25 07:00", "2026-12-25 07:00:01", "2026-12-28 08:30"],
        [
            "Thu 24 Dec 15:00:00 team_manager",
            "Thu 24 Dec 23:00:01 service_manager",
            "Fri 25 Dec 07:00:01 group_manager",
        ],
    ),
}


@pytest.mark.parametrize(("raised", "instants", "told"), BY_TIME.values(), ids=BY_TIME)
def test_a_dispute_goes_up_by_itself_at_the_8th_and_the_16th_hour(
    notts: Protocol, raised: str, instants: list[str], told: list[str]
) -> None:
    notts.raised(raised, "allocation")
    assert notts.looked_at(raised, *instants) == told


@pytest.mark.parametrize(
    ("at", "stands"),
    [
        ("2026-03-03 17:00:00", ("open", 1)),
        ("2026-03-03 17:00:01", ("open", 2)),
        ("2026-03-04 01:00:00", ("open", 2)),
        ("2026-03-04 01:00:01", ("open", 3)),
        ("2026-03-04 09:00:01", ("open", 3)),
    ],
)
def test_it_is_at_each_step_to_the_second(notts: Protocol, at: str, stands: tuple[str, int]) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    assert notts.stands(at) == stands


@pytest.mark.parametrize(
    ("raised", "due"),
    [
        ("2026-03-03 09:00", "2026-03-04 09:00"),
        ("2026-03-28 12:00", "2026-03-29 13:00"),
        ("2026-10-24 12:00", "2026-10-25 11:00"),
        ("2026-12-24 15:00", "2026-12-25 15:00"),
    ],
    ids=["an ordinary day", "clocks forward", "clocks back", "Christmas"],
)
def test_the_24_hours_are_those_of_the_clock_and_overdue_one_second_later(
    notts: Protocol, raised: str, due: str
) -> None:
    notts.raised(raised, "allocation")
    assert notts.dispute(due).milestone.state == "due"
    assert notts.dispute(f"{due}:01").milestone.state == "overdue"


def test_the_last_rung_is_asked_each_working_morning_over_christmas_and_on_no_other(notts: Protocol) -> None:
    notts.raised("2026-12-24 15:00", "allocation")
    notts.looked_at("2026-12-24 23:00:01", "2026-12-25 07:00:01")
    assert notts.mornings("2026-12-25", "2027-01-05") == [
        "Tue 29 Dec 08:30:00 group_manager",
        "Wed 30 Dec 08:30:00 group_manager",
        "Thu 31 Dec 08:30:00 group_manager",
        "Mon 04 Jan 08:30:00 group_manager",
        "Tue 05 Jan 08:30:00 group_manager",
    ]


# ---- the fork


@pytest.mark.parametrize(
    ("service", "last"),
    [("childrens_centre", "general_manager"), ("family_service", "group_manager"), (None, "group_manager")],
    ids=["Children's Centre", "Family Service", "not on record"],
)
def test_the_last_rung_is_that_of_the_service_which_has_the_case(
    notts: Protocol, service: str | None, last: str
) -> None:
    notts.case(CASE, lead="w1", service=service)
    notts.raised("2026-03-03 09:00", "allocation")
    told = notts.looked_at("2026-03-03 09:00", "2026-03-03 17:00:01", "2026-03-04 01:00:01", "2026-03-05 08:30")
    assert [line.split()[-1] for line in told] == ["team_manager", "service_manager", last, last]


def test_a_dispute_may_say_itself_which_service_has_the_case(notts: Protocol) -> None:
    notts.raised("2026-03-03 09:00", "allocation", detail={"service": "childrens_centre"})
    assert [rung.who for rung in notts.dispute().rungs][-1] == ("general_manager",)


def test_a_dispute_stays_on_the_line_on_which_it_began(notts: Protocol) -> None:
    notts.case(CASE, lead="w1", service="childrens_centre")
    notts.raised("2026-03-03 09:00", "allocation")
    notts.looked_at("2026-03-03 09:00")
    notts.at("2026-03-03 12:00").case(CASE, lead="w1", service="family_service")
    assert notts.looked_at("2026-03-03 17:00:01", "2026-03-04 01:00:01")[-1] == "Wed 04 Mar 01:00:01 general_manager"


def test_between_the_two_services_both_top_managers_decide_together(notts: Protocol) -> None:
    notts.case(CASE, lead="w1", service="childrens_centre")
    notts.raised("2026-03-03 09:00", "allocation", detail={"between_services": True})
    told = notts.looked_at("2026-03-03 09:00", "2026-03-03 17:00:01", "2026-03-04 01:00:01")
    assert [line.split()[-1] for line in told] == [
        "team_manager",
        "service_manager",
        "general_manager",
        "group_manager",
    ]
    notts.decided("2026-03-04 02:00", "group_manager", "goes_to_us")
    assert notts.dispute().state == "open"
    assert notts.mornings("2026-03-05", "2026-03-05") == ["Thu 05 Mar 08:30:00 general_manager"]
    notts.decided("2026-03-05 10:00", "general_manager", "goes_to_us")
    assert (notts.dispute().state, notts.dispute().outcome) == ("decided", "goes_to_us")


# ---- by disagreement


def test_a_dispute_taken_up_at_once_reaches_the_top_in_minutes_and_keeps_the_24_hours(notts: Protocol) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    notts.looked_at("2026-03-03 09:00")
    notts.advanced("2026-03-03 09:05")
    notts.looked_at("2026-03-03 09:05")
    notts.advanced("2026-03-03 09:10")
    assert notts.looked_at("2026-03-03 09:10", "2026-03-03 17:00:01", "2026-03-04 01:00:01", "2026-03-04 08:30") == [
        "Tue 03 Mar 09:00:00 team_manager",
        "Tue 03 Mar 09:05:00 service_manager",
        "Tue 03 Mar 09:10:00 group_manager",
        "Wed 04 Mar 08:30:00 group_manager",
    ]
    assert notts.dispute("2026-03-04 09:00:00").milestone.state == "due"
    assert notts.dispute("2026-03-04 09:00:01").milestone.state == "overdue"


def test_a_step_that_is_reached_early_still_ends_at_its_own_hour(notts: Protocol) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    notts.advanced("2026-03-03 10:00")
    assert notts.stands("2026-03-03 17:00:01") == ("open", 2)
    assert notts.stands("2026-03-04 01:00:01") == ("open", 3)


# ---- by decision

STEPS = [
    ("2026-03-03 09:00", "team_manager"),
    ("2026-03-03 17:00", "team_manager"),
    ("2026-03-03 17:00:01", "service_manager"),
    ("2026-03-04 01:00", "service_manager"),
    ("2026-03-04 01:00:01", "group_manager"),
    ("2026-03-09 12:00", "group_manager"),
]


@pytest.mark.parametrize(("at", "role"), STEPS, ids=[f"{role}-{at[8:]}" for at, role in STEPS])
def test_whoever_decides_at_the_present_step_ends_it_alone(notts: Protocol, at: str, role: str) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    notts.decided(at, role, "goes_to_us")
    one = notts.dispute()
    assert (one.state, one.outcome, one.ended_at) == ("decided", "goes_to_us", notts.now)
    assert notts.words() == ["dispute_decided", "dispute_resolved"]


def test_nobody_is_told_anything_once_it_is_decided(notts: Protocol) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    notts.looked_at("2026-03-03 09:00")
    notts.decided("2026-03-03 16:59:59", "team_manager")
    notts.looked_at("2026-03-03 17:00:01", "2026-03-04 01:00:01", "2026-03-04 09:00:01")
    assert notts.mornings("2026-03-05", "2026-03-09") == []
    assert notts.told("dispute", "overdue", "escalation") == ["Tue 03 Mar 09:00:00 team_manager"]


@pytest.mark.parametrize(("at", "state"), [("2026-03-04 09:00", "met"), ("2026-03-04 09:00:01", "met_late")])
def test_the_last_second_of_the_24_hours_is_in_time_and_the_next_is_late(notts: Protocol, at: str, state: str) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    notts.decided(at, "group_manager")
    assert notts.dispute().milestone.state == state


# ---- withdrawn


def test_a_dispute_that_is_taken_back_is_cancelled_and_not_met(notts: Protocol) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    notts.looked_at("2026-03-03 09:00")
    notts.withdrawn("2026-03-03 12:00")
    one = notts.dispute()
    assert (one.state, one.milestone.state, one.outcome) == ("withdrawn", "cancelled", "")
    notts.looked_at("2026-03-03 17:00:01", "2026-03-04 01:00:01", "2026-03-04 09:00:01", "2026-03-05 08:30")
    assert notts.told("dispute", "overdue", "due", "reminder") == ["Tue 03 Mar 09:00:00 team_manager"]


# ---- on hold


def test_a_dispute_waits_while_its_case_is_on_hold(notts: Protocol) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    notts.events(CASE, "2026-03-03 12:00 hold_started")
    assert notts.dispute("2026-03-03 18:00").state == "on hold"
    notts.at("2026-03-05 12:00").events(CASE, "2026-03-05 12:00 hold_ended")
    assert notts.stands("2026-03-05 17:00:00") == ("open", 1)
    assert notts.stands("2026-03-05 17:00:01") == ("open", 2)


# ---- referrers are told of the delay


def owed(notts: Protocol, at: str) -> list[tuple[str, str]]:
    return [(m.owner, m.state) for m in notts.milestones("dispute-tell-referrer", at)]


def test_the_team_manager_tells_the_referrer_from_the_first_second_over_the_24_hours(notts: Protocol) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    assert owed(notts, "2026-03-04 09:00:00") == []
    assert owed(notts, "2026-03-04 09:00:01") == [("team_manager", "due")]


def test_a_dispute_that_is_settled_late_is_told_to_the_referrer_all_the_same(notts: Protocol) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    notts.decided("2026-03-04 10:00", "group_manager")
    assert owed(notts, "2026-03-04 11:00") == [("team_manager", "due")]
    notts.at("2026-03-04 12:00").events(CASE, "2026-03-04 12:00 referrer_told_of_delay")
    assert owed(notts, "2026-03-04 12:00") == [("team_manager", "met")]


@pytest.mark.parametrize("ends", ["decided", "withdrawn"])
def test_no_referrer_is_told_of_a_dispute_that_ended_within_its_hours(notts: Protocol, ends: str) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    if ends == "decided":
        notts.decided("2026-03-04 09:00", "group_manager")
    else:
        notts.withdrawn("2026-03-04 09:00")
    assert owed(notts, "2026-03-05 09:00") == []


# ---- two at once, and what is no dispute


def test_a_second_dispute_over_the_allocation_waits_for_the_first_to_end(notts: Protocol) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    with pytest.raises(InputRefused, match="has an open dispute about 'allocation' already: D-1"):
        notts.raised("2026-03-03 10:00", "allocation")
    notts.decided("2026-03-03 11:00", "team_manager")
    assert notts.raised("2026-03-03 12:00", "allocation").event.ref == "D-2"
    assert [(one.ref, one.state) for one in notts.disputes()] == [("D-1", "decided"), ("D-2", "open")]


def test_the_second_dispute_has_24_hours_of_its_own_and_starts_at_the_first_rung(notts: Protocol) -> None:
    notts.raised("2026-03-03 09:00", "allocation")
    notts.advanced("2026-03-03 09:30")
    notts.decided("2026-03-03 11:00", "service_manager")
    notts.raised("2026-03-03 12:00", "allocation")
    second = notts.disputes()[-1]
    assert (second.rung.stage if second.rung else None, second.rung.recorded if second.rung else None) == (1, {})
    assert second.milestone.due_at == moment("2026-03-04 12:00")


def test_only_what_the_protocol_speaks_of_can_be_disputed(notts: Protocol) -> None:
    with pytest.raises(InputRefused, match="it speaks of allocation"):
        notts.raised("2026-03-03 09:00", "thresholds")
