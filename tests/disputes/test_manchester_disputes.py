"""Manchester 6.1 to 6.5: differing views in 48 hours, tier by tier; and the clocks of 3.7.2 and 4.2.2 beside them."""

from collections.abc import Callable

import pytest

from ehscheduler.errors import InputRefused
from tests.daemon.house import moment
from tests.disputes.protocol import CASE, Protocol

Protocols = Callable[[str], Protocol]
TRIAGE = ("eh_hub_sw", "mash_eh_coordinator", "team_manager")
INTERVENTIONS = ("eh_hub_sw", "eh_team_manager", "locality_sw_team_manager")
HEADS = ("hub_locality_manager", "locality_sw_head")
LAST = ("deputy_director", "strategic_head")


@pytest.fixture
def manchester(protocol: Protocols) -> Protocol:
    return protocol("manchester")


def differ(service: Protocol, at: str = "2026-03-03 09:00", stage: str | None = "triage") -> None:
    service.raised(at, "level_of_need", detail={"stage": stage} if stage else {})


def to(instant: str, who: tuple[str, ...]) -> list[str]:
    return [f"{instant} {role}" for role in who]


# ---- who is first: 6.2 and 6.3


@pytest.mark.parametrize(
    ("stage", "first"),
    [("triage", TRIAGE), ("interventions", INTERVENTIONS), (None, INTERVENTIONS)],
    ids=["triage", "interventions", "not on record"],
)
def test_the_first_tier_is_that_of_the_stage_and_the_two_above_are_the_same(
    manchester: Protocol, stage: str | None, first: tuple[str, ...]
) -> None:
    differ(manchester, stage=stage)
    assert [sorted(rung.who) for rung in manchester.dispute().rungs] == [sorted(first), sorted(HEADS), sorted(LAST)]
    assert [(rung.together, rung.final) for rung in manchester.dispute().rungs] == [
        (True, False),
        (True, False),
        (True, True),
    ]


# ---- by time

# Raised; the 24th hour and the second after it; the 36th and the second after it; a working morning.
BY_TIME = {
    "an ordinary week": (
        "2026-03-03 09:00",
        ["2026-03-04 09:00", "2026-03-04 09:00:01", "2026-03-04 21:00", "2026-03-04 21:00:01", "2026-03-05 08:30"],
        ["Tue 03 Mar 09:00:00", "Wed 04 Mar 09:00:01", "Wed 04 Mar 21:00:01", "Thu 05 Mar 08:30:00"],
    ),
    "a weekend": (
        "2026-03-06 16:00",
        ["2026-03-07 16:00", "2026-03-07 16:00:01", "2026-03-08 04:00", "2026-03-08 04:00:01", "2026-03-09 08:30"],
        ["Fri 06 Mar 16:00:00", "Sat 07 Mar 16:00:01", "Sun 08 Mar 04:00:01", "Mon 09 Mar 08:30:00"],
    ),
    "the night on which the clocks go forward": (
        "2026-03-27 15:00",
        ["2026-03-28 15:00", "2026-03-28 15:00:01", "2026-03-29 04:00", "2026-03-29 04:00:01", "2026-03-30 08:30"],
        ["Fri 27 Mar 15:00:00", "Sat 28 Mar 15:00:01", "Sun 29 Mar 04:00:01", "Mon 30 Mar 08:30:00"],
    ),
    "the night on which the clocks go back": (
        "2026-10-24 12:00",
        ["2026-10-25 11:00", "2026-10-25 11:00:01", "2026-10-25 23:00", "2026-10-25 23:00:01", "2026-10-26 08:30"],
        ["Sat 24 Oct 12:00:00", "Sun 25 Oct 11:00:01", "Sun 25 Oct 23:00:01", "Mon 26 Oct 08:30:00"],
    ),
    "Christmas": (
        "2026-12-24 15:00",
        ["2026-12-25 15:00", "2026-12-25 15:00:01", "2026-12-26 03:00", "2026-12-26 03:00:01", "2026-12-29 08:30"],
        ["Thu 24 Dec 15:00:00", "Fri 25 Dec 15:00:01", "Sat 26 Dec 03:00:01", "Tue 29 Dec 08:30:00"],
    ),
}


@pytest.mark.parametrize(("raised", "instants", "told"), BY_TIME.values(), ids=BY_TIME)
@pytest.mark.parametrize(("stage", "first"), [("triage", TRIAGE), ("interventions", INTERVENTIONS)])
def test_a_difference_goes_up_by_itself_at_the_24th_and_the_36th_hour(
    manchester: Protocol, raised: str, instants: list[str], told: list[str], stage: str, first: tuple[str, ...]
) -> None:
    differ(manchester, raised, stage)
    at_first, at_second, at_last, morning = told
    expected = [*to(at_first, first), *to(at_second, HEADS), *to(at_last, LAST), *to(morning, LAST)]
    assert manchester.looked_at(raised, *instants) == expected


@pytest.mark.parametrize(
    ("at", "stands"),
    [
        ("2026-03-04 09:00:00", ("open", 1)),
        ("2026-03-04 09:00:01", ("open", 2)),
        ("2026-03-04 21:00:00", ("open", 2)),
        ("2026-03-04 21:00:01", ("open", 3)),
        ("2026-03-05 09:00:01", ("open", 3)),
        ("2026-04-05 09:00:00", ("open", 3)),
    ],
)
def test_it_is_at_each_tier_to_the_second(manchester: Protocol, at: str, stands: tuple[str, int]) -> None:
    differ(manchester)
    assert manchester.stands(at) == stands


@pytest.mark.parametrize(
    ("raised", "due"),
    [
        ("2026-03-03 09:00", "2026-03-05 09:00"),
        ("2026-03-27 15:00", "2026-03-29 16:00"),
        ("2026-10-24 12:00", "2026-10-26 11:00"),
        ("2026-12-24 15:00", "2026-12-26 15:00"),
    ],
    ids=["ordinary days", "clocks forward", "clocks back", "Christmas"],
)
def test_the_48_hours_are_those_of_the_clock_and_overdue_one_second_later(
    manchester: Protocol, raised: str, due: str
) -> None:
    differ(manchester, raised)
    assert manchester.dispute(due).milestone.state == "due"
    assert manchester.dispute(f"{due}:01").milestone.state == "overdue"


def test_both_who_decide_in_the_end_are_asked_each_working_morning_over_christmas(manchester: Protocol) -> None:
    differ(manchester, "2026-12-24 15:00")
    manchester.looked_at("2026-12-24 15:00", "2026-12-25 15:00:01", "2026-12-26 03:00:01")
    mornings = ["Tue 29 Dec", "Wed 30 Dec", "Thu 31 Dec", "Mon 04 Jan"]
    expected = [line for day in mornings for line in to(f"{day} 08:30:00", LAST)]
    assert manchester.mornings("2026-12-26", "2027-01-04") == expected


# ---- by disagreement


@pytest.mark.parametrize("stage", ["triage", "interventions"])
def test_where_managers_cannot_agree_it_goes_up_at_once_and_the_48_hours_stand(
    manchester: Protocol, stage: str
) -> None:
    differ(manchester, stage=stage)
    manchester.looked_at("2026-03-03 09:00")
    manchester.advanced("2026-03-03 10:00")
    manchester.looked_at("2026-03-03 10:00")
    manchester.advanced("2026-03-03 11:00")
    later = ["2026-03-03 11:00", "2026-03-04 08:30", "2026-03-04 09:00:01", "2026-03-04 21:00:01"]
    assert manchester.looked_at(*later)[3:] == [
        *to("Tue 03 Mar 10:00:00", HEADS),
        *to("Tue 03 Mar 11:00:00", LAST),
        *to("Wed 04 Mar 08:30:00", LAST),
    ]
    assert manchester.dispute().milestone.due_at == moment("2026-03-05 09:00")


def test_at_the_last_tier_nothing_is_above_it(manchester: Protocol) -> None:
    differ(manchester)
    manchester.advanced("2026-03-03 10:00")
    manchester.advanced("2026-03-03 11:00")
    with pytest.raises(InputRefused, match="dispute D-1 is at its last step"):
        manchester.advanced("2026-03-03 12:00")


# ---- by decision, together

TIERS = [
    ("triage", 0, TRIAGE),
    ("interventions", 0, INTERVENTIONS),
    ("triage", 1, HEADS),
    ("interventions", 1, HEADS),
    ("triage", 2, LAST),
    ("interventions", 2, LAST),
]
TIER_IDS = [f"{stage}-{ups + 1}" for stage, ups, _ in TIERS]


def at_tier(service: Protocol, stage: str, ups: int) -> None:
    differ(service, stage=stage)
    service.looked_at("2026-03-03 09:00")
    for n in range(ups):
        service.advanced(f"2026-03-03 09:1{n}")
        service.looked_at(f"2026-03-03 09:1{n}")


@pytest.mark.parametrize(("stage", "ups", "who"), TIERS, ids=TIER_IDS)
def test_it_is_decided_when_the_last_of_a_tier_has_recorded_the_same(
    manchester: Protocol, stage: str, ups: int, who: tuple[str, ...]
) -> None:
    at_tier(manchester, stage, ups)
    *but_one, last = who
    for n, role in enumerate(but_one):
        manchester.decided(f"2026-03-03 10:0{n}", role, "level_4")
        assert manchester.stands() == ("open", ups + 1)
    manchester.decided("2026-03-03 10:30", last, "level_4")
    one = manchester.dispute()
    assert (one.state, one.outcome, one.milestone.state) == ("decided", "level_4", "met")
    assert manchester.words().count("dispute_resolved") == 1


@pytest.mark.parametrize(("stage", "ups", "who"), TIERS[:4], ids=TIER_IDS[:4])
def test_with_one_missing_it_goes_up_by_time_and_only_they_were_still_waited_for(
    manchester: Protocol, stage: str, ups: int, who: tuple[str, ...]
) -> None:
    at_tier(manchester, stage, ups)
    *but_one, last = who
    for n, role in enumerate(but_one):
        manchester.decided(f"2026-03-03 10:0{n}", role)
    rung = manchester.dispute().rung
    assert rung is not None
    assert (rung.waits_for, dict(rung.recorded)) == ((last,), dict.fromkeys(but_one, "stays"))
    end = "2026-03-04 09:00" if ups == 0 else "2026-03-04 21:00"
    assert manchester.stands(end) == ("open", ups + 1)
    assert manchester.stands(f"{end}:01") == ("open", ups + 2)
    following = manchester.dispute(f"{end}:01").rung
    assert following is not None
    assert following.recorded == {}  # what was said below binds nobody above


@pytest.mark.parametrize(("stage", "ups", "who"), TIERS[:4], ids=TIER_IDS[:4])
def test_different_decisions_are_a_disagreement_and_it_goes_up_in_the_same_second(
    manchester: Protocol, stage: str, ups: int, who: tuple[str, ...]
) -> None:
    at_tier(manchester, stage, ups)
    *but_one, last = who
    for n, role in enumerate(but_one):
        manchester.decided(f"2026-03-03 10:0{n}", role, "level_4")
    manchester.decided("2026-03-03 10:30", last, "level_3")
    one = manchester.dispute()
    assert (one.state, one.rung and one.rung.stage, one.rung and one.rung.reached_at) == (
        "open",
        ups + 2,
        moment("2026-03-03 10:30"),
    )
    assert manchester.words().count("dispute_resolved") == 0


def test_those_who_decide_in_the_end_and_differ_are_both_asked_until_they_agree(manchester: Protocol) -> None:
    at_tier(manchester, "triage", 2)
    manchester.decided("2026-03-03 10:00", "strategic_head", "level_4")
    assert manchester.mornings("2026-03-04", "2026-03-04") == ["Wed 04 Mar 08:30:00 deputy_director"]
    manchester.decided("2026-03-04 10:00", "deputy_director", "level_3")
    assert manchester.stands() == ("open", 3)
    assert manchester.mornings("2026-03-05", "2026-03-06") == [
        *to("Thu 05 Mar 08:30:00", LAST),
        *to("Fri 06 Mar 08:30:00", LAST),
    ]
    manchester.decided("2026-03-06 11:00", "strategic_head", "level_3")
    assert (manchester.dispute().state, manchester.dispute().outcome) == ("decided", "level_3")
    assert manchester.mornings("2026-03-07", "2026-03-10") == []


def test_who_has_recorded_at_the_last_tier_hears_nothing_more_of_it(manchester: Protocol) -> None:
    at_tier(manchester, "interventions", 2)
    manchester.decided("2026-03-03 10:00", "deputy_director")
    assert manchester.mornings("2026-03-04", "2026-03-06") == [
        f"{day} 08:30:00 strategic_head" for day in ("Wed 04 Mar", "Thu 05 Mar", "Fri 06 Mar")
    ]


# ---- withdrawn, and on hold


@pytest.mark.parametrize("ups", [0, 1, 2])
def test_a_difference_that_is_taken_back_ends_at_any_tier(manchester: Protocol, ups: int) -> None:
    at_tier(manchester, "triage", ups)
    before = len(manchester.told())
    manchester.withdrawn("2026-03-03 12:00")
    assert (manchester.dispute().state, manchester.dispute().milestone.state) == ("withdrawn", "cancelled")
    manchester.looked_at("2026-03-04 08:30", "2026-03-04 09:00:01", "2026-03-04 21:00:01", "2026-03-05 09:00:01")
    assert len(manchester.told()) == before


def test_hours_on_hold_do_not_count(manchester: Protocol) -> None:
    differ(manchester)
    manchester.events(CASE, "2026-03-03 12:00 hold_started")
    manchester.at("2026-03-06 12:00").events(CASE, "2026-03-06 12:00 hold_ended")
    assert manchester.stands("2026-03-07 09:00:00") == ("open", 1)
    assert manchester.stands("2026-03-07 09:00:01") == ("open", 2)


# ---- 3.7.2: a rejected assessment

REJECTED, SENIOR, IN_ALL = "rejected-cfa", "rejected-cfa-senior", "rejected-cfa-overall"


@pytest.mark.parametrize(
    ("first", "ends_at"),
    [
        ("2026-03-03 09:00", "2026-03-04 09:00"),
        ("2026-03-28 12:00", "2026-03-29 13:00"),
        ("2026-10-24 12:00", "2026-10-25 11:00"),
        ("2026-12-24 15:00", "2026-12-25 15:00"),
    ],
    ids=["an ordinary day", "clocks forward", "clocks back", "Christmas"],
)
@pytest.mark.parametrize(
    "settled", ["cfa_rejection_agreed", "cfa_rejection_reversed", "escalated_to_senior_management"]
)
def test_a_rejected_assessment_is_settled_or_taken_up_within_24_hours(
    manchester: Protocol, first: str, ends_at: str, settled: str
) -> None:
    manchester.at(first).events(CASE, f"{first} cfa_rejection_intended")
    (one,) = manchester.milestones(REJECTED, f"{ends_at}:00")
    assert (one.state, one.due_at) == ("due", moment(ends_at))
    assert [m.state for m in manchester.milestones(REJECTED, f"{ends_at}:01")] == ["overdue"]
    manchester.at(ends_at).events(CASE, f"{ends_at} {settled}")
    assert [m.state for m in manchester.milestones(REJECTED, f"{ends_at}:01")] == ["met"]


@pytest.mark.parametrize(
    ("taken_up", "ends_at"),
    [
        ("2026-03-03 15:00", "2026-03-04 15:00"),
        ("2026-03-28 15:00", "2026-03-29 16:00"),
        ("2026-10-24 15:00", "2026-10-25 14:00"),
        ("2026-12-24 15:00", "2026-12-25 15:00"),
    ],
    ids=["an ordinary day", "clocks forward", "clocks back", "Christmas"],
)
def test_senior_management_has_24_hours_from_when_it_was_taken_up(
    manchester: Protocol, taken_up: str, ends_at: str
) -> None:
    manchester.at(taken_up).events(CASE, f"{taken_up} escalated_to_senior_management")
    assert [(m.owner, m.state) for m in manchester.milestones(SENIOR, ends_at)] == [("senior_management", "due")]
    assert [m.state for m in manchester.milestones(SENIOR, f"{ends_at}:01")] == ["overdue"]
    manchester.at(ends_at).events(CASE, f"{ends_at} senior_decision")
    assert [m.state for m in manchester.milestones(SENIOR, f"{ends_at}:01")] == ["met"]


def test_both_clocks_lie_within_48_hours_from_the_first_record(manchester: Protocol) -> None:
    manchester.at("2026-03-03 09:00").events(CASE, "2026-03-03 09:00 cfa_rejection_intended")
    manchester.at("2026-03-04 10:00").events(CASE, "2026-03-04 10:00 escalated_to_senior_management")
    assert [m.state for m in manchester.milestones(REJECTED)] == ["met_late"]
    assert [m.due_at for m in manchester.milestones(SENIOR)] == [moment("2026-03-05 10:00")]
    assert [m.state for m in manchester.milestones(IN_ALL, "2026-03-05 09:00")] == ["due"]
    assert [m.state for m in manchester.milestones(IN_ALL, "2026-03-05 09:00:01")] == ["overdue"]
    manchester.at("2026-03-05 10:00").events(CASE, "2026-03-05 10:00 senior_decision")
    assert [m.state for m in manchester.milestones(SENIOR)] == ["met"]
    assert [m.state for m in manchester.milestones(IN_ALL)] == ["met_late"]


# ---- 4.2.2: doubt at triage about what MASH sent

DISCUSSED, ANSWERED = "triage-discussion", "triage-mash-outcome"


@pytest.mark.parametrize("doubt", ["referrer_disagrees", "need_greater_recorded"])
@pytest.mark.parametrize(
    ("first", "discussed_by", "answered_by"),
    [
        ("2026-03-06 16:00", "2026-03-07 16:00", "2026-03-08 16:00"),
        ("2026-03-28 12:00", "2026-03-29 13:00", "2026-03-30 13:00"),
        ("2026-10-24 12:00", "2026-10-25 11:00", "2026-10-26 11:00"),
        ("2026-12-24 15:00", "2026-12-25 15:00", "2026-12-26 15:00"),
    ],
    ids=["a weekend", "clocks forward", "clocks back", "Christmas"],
)
def test_a_doubt_at_triage_is_discussed_in_24_hours_and_answered_in_48(
    manchester: Protocol, doubt: str, first: str, discussed_by: str, answered_by: str
) -> None:
    manchester.case(CASE, lead="w1", source="mash")
    manchester.at(first).events(CASE, f"{first} {doubt}")
    assert [m.state for m in manchester.milestones(DISCUSSED, discussed_by)] == ["due"]
    assert [m.state for m in manchester.milestones(DISCUSSED, f"{discussed_by}:01")] == ["overdue"]
    manchester.at(discussed_by).events(CASE, f"{discussed_by} case_discussion_held")
    assert [m.state for m in manchester.milestones(DISCUSSED)] == ["met"]
    assert [m.state for m in manchester.milestones(ANSWERED, answered_by)] == ["due"]
    assert [m.state for m in manchester.milestones(ANSWERED, f"{answered_by}:01")] == ["overdue"]
    manchester.at(answered_by).events(CASE, f"{answered_by} mash_outcome_recorded")
    assert [m.state for m in manchester.milestones(ANSWERED)] == ["met"]


def test_a_doubt_about_what_did_not_come_from_mash_is_none_of_theirs(manchester: Protocol) -> None:
    manchester.case(CASE, lead="w1", source="self")
    manchester.events(CASE, "2026-03-03 09:00 referrer_disagrees")
    assert [*manchester.milestones(DISCUSSED), *manchester.milestones(ANSWERED)] == []
