"""What went wrong with disputes once, each in its smallest case."""

from collections.abc import Callable
from datetime import date

import pytest

from ehscheduler import office
from ehscheduler.core.people import Absence
from ehscheduler.errors import InputRefused
from ehscheduler.office import evaluation_of
from tests.disputes.protocol import CASE, Protocol

Protocols = Callable[[str], Protocol]


@pytest.fixture
def notts(protocol: Protocols) -> Protocol:
    made = protocol("nottinghamshire")
    made.raised("2026-03-03 09:00", "allocation")
    return made


def test_a_decision_of_which_only_the_day_is_known_ends_a_dispute_of_that_day(notts: Protocol) -> None:
    notts.decided("2026-03-03 12:00", "team_manager", at="2026-03-03")
    assert notts.dispute().state == "decided"


def test_a_decision_of_which_only_the_day_is_known_is_a_day_and_not_its_midnight(notts: Protocol) -> None:
    notts.decided("2026-03-05 12:00", "group_manager", at="2026-03-05")
    one = notts.dispute()
    assert one.milestone.evidence is not None
    assert one.milestone.evidence.dated


def test_who_covers_decides(notts: Protocol) -> None:
    notts.away(Absence("team_manager", date(2026, 3, 1), date(2026, 3, 9), "boss"))
    assert notts.looked_at("2026-03-03 09:00") == ["Tue 03 Mar 09:00:00 boss"]
    notts.decided("2026-03-03 10:00", "team_manager", by="boss")


def test_who_is_asked_in_place_of_somebody_away_decides(notts: Protocol) -> None:
    notts.away(Absence("team_manager", date(2026, 3, 1), date(2026, 3, 9)))
    assert notts.looked_at("2026-03-03 09:00") == ["Tue 03 Mar 09:00:00 service_manager"]
    notts.decided("2026-03-03 10:00", "team_manager", by="service_manager")


def test_taken_up_in_the_second_in_which_a_step_is_reached_it_goes_to_the_one_above(notts: Protocol) -> None:
    assert notts.stands("2026-03-03 17:00:01") == ("open", 2)
    notts.advanced("2026-03-03 17:00:01")
    assert notts.stands() == ("open", 3)


def test_what_it_is_about_is_a_code(protocol: Protocols) -> None:
    with pytest.raises(InputRefused):
        protocol("manchester").raised("2026-03-03 09:00", "The Marigold family would rather not")


@pytest.mark.parametrize(
    ("name", "about", "detail"),
    [
        ("manchester", "level_of_need", {"stage": "Triage"}),
        ("manchester", "level_of_need", {"stage": "traige"}),
        ("nottinghamshire", "allocation", {"service": "childrens_center"}),
        ("nottinghamshire", "allocation", {"reason": "The Marigold family would rather not"}),
    ],
)
def test_what_a_rule_asks_of_it_is_one_of_the_words_it_knows(
    protocol: Protocols, name: str, about: str, detail: dict[str, str]
) -> None:
    with pytest.raises(InputRefused):
        protocol(name).raised("2026-03-03 09:00", about, detail=detail)


def test_barnets_check_sees_a_decision_that_was_not_the_head_of_services(protocol: Protocols) -> None:
    barnet = protocol("barnet")
    barnet.raised("2026-03-03 09:00", "step_down")
    told = '{"about": "step_down", "by_role": "transfer_panel"}'
    barnet.at("2026-03-03 10:00").events(CASE, f"2026-03-03 10:00 dispute_resolved #D-1 {told}")
    with barnet.store.read() as tx:
        found = evaluation_of(tx, barnet.authority, CASE, barnet.now)
    assert [one.check for one in found.findings if "dispute" in one.check] == ["stepdown-dispute-decider"]


def test_a_last_step_at_which_all_recorded_by_file_does_not_fall_silent(protocol: Protocols) -> None:
    barnet = protocol("barnet")
    barnet.at("2026-03-03 09:00").events(CASE, '2026-03-03 09:00 dispute_raised #R1 {"about": "step_down"}')
    for role in ("head_of_service", "transfer_panel"):
        told = f'{{"by_role": "{role}", "outcome": "stays"}}'
        barnet.events(CASE, f"2026-03-03 10:00 dispute_decided #R1 {told}")
    told = barnet.mornings("2026-03-04", "2026-03-06")
    assert barnet.dispute().state == "decided" or told


def test_nobody_is_told_to_decide_at_a_step_that_has_gone_by(notts: Protocol) -> None:
    assert notts.looked_at("2026-03-04 08:30") == ["Wed 04 Mar 08:30:00 group_manager"]


def test_who_was_told_and_is_past_is_not_told_again_when_a_withdrawal_is_put_right(notts: Protocol) -> None:
    notts.looked_at("2026-03-03 09:00")
    gone = notts.withdrawn("2026-03-03 10:00").event
    notts.at("2026-03-03 11:00").retract(gone)
    assert notts.looked_at("2026-03-03 17:00:01") == [
        "Tue 03 Mar 09:00:00 team_manager",
        "Tue 03 Mar 17:00:01 service_manager",
    ]


def test_a_dispute_of_which_only_the_day_is_known_can_be_decided_on_that_day(protocol: Protocols) -> None:
    made = protocol("nottinghamshire")
    made.raised("2026-03-03 12:00", "allocation", at="2026-03-03")
    made.decided("2026-03-03 13:00", "team_manager")
    assert made.dispute().state == "decided"


def test_on_a_closed_case_the_refusal_says_that_it_is_closed(protocol: Protocols) -> None:
    made = protocol("nottinghamshire")
    made.at("2026-03-03 08:00").events(CASE, "2026-03-02 10:00 closed")
    with pytest.raises(InputRefused, match="closed"):
        made.raised("2026-03-03 09:00", "allocation")


def test_by_when_says_so_where_it_has_passed(notts: Protocol) -> None:
    notts.looked_at("2026-03-03 09:00", "2026-03-03 17:00:01", "2026-03-04 01:00:01")
    [mail] = [one for one in notts.turn("2026-03-05 08:30") if one.to.startswith("group_manager")]
    assert "By when: 09:00 on Wednesday 4 March 2026." not in mail.flat
    assert "If its time runs out" not in mail.flat


def test_a_wrong_decision_that_is_withdrawn_leaves_no_resolution_of_it(notts: Protocol) -> None:
    wrong = notts.decided("2026-03-03 10:00", "team_manager").event
    notts.at("2026-03-03 11:00")
    office.correct(notts.store, notts.authority, CASE, wrong.id, at=None, now=notts.now, by="jo", why="the wrong case")
    assert notts.dispute().open
