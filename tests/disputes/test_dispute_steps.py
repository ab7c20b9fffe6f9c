"""What people do about a dispute, under whichever protocol: who may, what is refused, and what is done once."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ehscheduler import office
from ehscheduler.core.people import Absence, Person
from ehscheduler.errors import InputRefused
from tests.daemon.house import NAME, moment
from tests.disputes.protocol import CASE, EVERY_DAY, Protocol, staff

Protocols = Callable[[str], Protocol]
TRIAGE = ("eh_hub_sw", "mash_eh_coordinator", "team_manager")


@pytest.fixture
def notts(protocol: Protocols) -> Protocol:
    """A dispute that was raised on Tuesday at 09:00."""
    made = protocol("nottinghamshire")
    made.raised("2026-03-03 09:00", "allocation", detail={"by_role": "team_manager", "against": "service_manager"})
    return made


@pytest.fixture
def manchester(protocol: Protocols) -> Protocol:
    """A difference at triage that was raised on Tuesday at 09:00."""
    made = protocol("manchester")
    made.raised("2026-03-03 09:00", "level_of_need", detail={"stage": "triage"})
    return made


# ---- open


def test_it_has_two_sides_and_a_ref_of_its_case(notts: Protocol) -> None:
    one = notts.dispute()
    assert (one.ref, one.about, one.raised_by, one.against) == (
        "D-1",
        "allocation",
        "team_manager",
        "service_manager",
    )
    assert notts.dispute().raised.detail["person"] == "w1"


def test_what_is_raised_again_with_its_time_is_known_and_not_raised_twice(notts: Protocol) -> None:
    notts.decided("2026-03-03 10:00", "team_manager")
    first = notts.raised("2026-03-03 12:00", "allocation", at="2026-03-03T11:00")
    again = notts.raised("2026-03-03 13:00", "allocation", at="2026-03-03T11:00")
    assert (again.known, again.event.id) == (True, first.event.id)
    assert [one.ref for one in notts.disputes()] == ["D-1", "D-2"]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"detail": {"by_role": "team_manger"}}, "no role 'team_manger'; did you mean 'team_manager'?"),
        ({"detail": {"stag": "triage"}}, "a dispute has no 'stag'; did you mean 'stage'?"),
        ({"ref": "D-1"}, "C1 has a dispute 'D-1' already"),
        ({"at": "2026-03-04"}, "lies ahead"),
    ],
    ids=["no role", "no key", "a ref that is taken", "ahead"],
)
def test_what_is_wrong_with_it_is_said_and_nothing_is_raised(
    manchester: Protocol, named: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputRefused, match=said.replace("?", r"\?")):
        manchester.raised("2026-03-03 10:00", "response", **named)
    assert len(manchester.disputes()) == 1


def test_two_about_different_things_run_side_by_side(manchester: Protocol) -> None:
    manchester.raised("2026-03-03 10:00", "response", detail={"stage": "interventions"})
    manchester.advanced("2026-03-03 11:00", ref="D-2")
    manchester.decided("2026-03-03 12:00", "eh_hub_sw", ref="D-1")
    steps = [(one.ref, one.rung.stage, dict(one.rung.recorded)) for one in manchester.disputes() if one.rung]
    assert steps == [("D-1", 1, {"eh_hub_sw": "stays"}), ("D-2", 2, {})]


# ---- answer


@pytest.mark.parametrize("says", ["agree", "disagree"])
def test_what_the_other_side_says_decides_nothing(notts: Protocol, says: str) -> None:
    notts.looked_at("2026-03-03 09:00")
    notts.answered("2026-03-03 10:00", says)
    assert (notts.dispute().says, notts.stands()) == (says, ("open", 1))
    assert "Tue 03 Mar 17:00:01 service_manager" in notts.looked_at("2026-03-03 17:00:01")


def test_the_latest_answer_stands(notts: Protocol) -> None:
    notts.answered("2026-03-03 10:00", "disagree")
    notts.answered("2026-03-03 11:00", "agree")
    assert notts.dispute().says == "agree"


def test_an_answer_is_one_of_two_words(notts: Protocol) -> None:
    with pytest.raises(InputRefused, match="an answer is agree or disagree, not 'perhaps'"):
        notts.answered("2026-03-03 10:00", "perhaps")


# ---- decide


@pytest.mark.parametrize(
    ("role", "said"),
    [
        ("service_manager", "at this step team_manager decide, not 'service_manager'; advance it first"),
        ("group_manager", "not 'group_manager'; advance it first"),
        ("case_manager", "at this step team_manager decide, not 'case_manager'"),
        ("team_manger", "did you mean 'team_manager'?"),
    ],
    ids=["the step above", "the last", "no decider", "misspelt"],
)
def test_who_does_not_decide_at_the_present_step_is_refused(notts: Protocol, role: str, said: str) -> None:
    with pytest.raises(InputRefused, match=said.replace("?", r"\?")):
        notts.decided("2026-03-03 10:00", role)
    assert notts.words() == []


@pytest.mark.parametrize(
    ("at", "role"),
    [("2026-03-03 17:00:01", "team_manager"), ("2026-03-04 01:00:01", "service_manager")],
)
def test_who_let_their_time_pass_decides_no_more(notts: Protocol, at: str, role: str) -> None:
    with pytest.raises(InputRefused, match=f"not '{role}'"):
        notts.decided(at, role)
    assert notts.dispute().open


def test_a_decision_in_time_counts_though_it_is_put_on_record_late(notts: Protocol) -> None:
    notts.decided("2026-03-05 09:00", "team_manager", at="2026-03-03T17:00")
    m = notts.dispute().milestone
    assert (m.state, m.met_at, m.recorded_late) == ("met", moment("2026-03-03 17:00"), True)


def test_a_member_of_staff_of_another_rank_does_not_decide(notts: Protocol) -> None:
    with pytest.raises(InputRefused, match=r"w1 is not Team Manager in people\.csv"):
        notts.decided("2026-03-03 10:00", "team_manager", by="w1")


def test_an_outcome_is_a_code_and_no_sentence(notts: Protocol) -> None:
    with pytest.raises(InputRefused, match="an outcome is a code"):
        notts.decided("2026-03-03 10:00", "team_manager", "The family would rather not")


def test_before_it_was_raised_nobody_decides(notts: Protocol) -> None:
    with pytest.raises(InputRefused):
        notts.decided("2026-03-03 10:00", "team_manager", at="2026-03-03T08:59:59")
    assert notts.words() == []


def test_who_records_the_same_again_is_still_one_of_those_who_decide(manchester: Protocol) -> None:
    manchester.decided("2026-03-03 10:00", "eh_hub_sw")
    manchester.decided("2026-03-03 11:00", "eh_hub_sw")
    assert manchester.dispute().rung is not None
    assert manchester.stands() == ("open", 1)


def test_who_changes_their_mind_before_the_others_have_recorded_is_taken_at_their_last_word(
    manchester: Protocol,
) -> None:
    manchester.decided("2026-03-03 10:00", "eh_hub_sw", "level_3")
    manchester.decided("2026-03-03 10:10", "team_manager", "level_4")
    manchester.decided("2026-03-03 10:20", "eh_hub_sw", "level_4")
    manchester.decided("2026-03-03 10:30", "mash_eh_coordinator", "level_4")
    assert (manchester.dispute().state, manchester.dispute().outcome) == ("decided", "level_4")


def test_a_decision_with_its_time_is_done_once(manchester: Protocol) -> None:
    first = manchester.decided("2026-03-03 10:00", "eh_hub_sw", at="2026-03-03T09:30")
    again = manchester.decided("2026-03-03 11:00", "eh_hub_sw", at="2026-03-03T09:30")
    assert (first.known, again.known, manchester.words()) == (False, True, ["dispute_decided"])


def test_the_last_decision_done_again_changes_nothing_though_it_is_decided_by_then(manchester: Protocol) -> None:
    for role in TRIAGE:
        manchester.decided("2026-03-03 10:00", role, at="2026-03-03T09:30")
    assert manchester.decided("2026-03-03 11:00", TRIAGE[-1], at="2026-03-03T09:30").known
    assert manchester.words().count("dispute_resolved") == 1


def test_what_a_case_system_says_was_resolved_stands_as_it_is(manchester: Protocol) -> None:
    manchester.decided("2026-03-03 10:00", "eh_hub_sw", "level_4")
    manchester.at("2026-03-03 11:00").events(CASE, '2026-03-03 11:00 dispute_resolved #D-1 {"outcome": "level_3"}')
    assert (manchester.dispute().state, manchester.dispute().outcome) == ("decided", "level_3")


@pytest.mark.parametrize("ends", ["decided", "withdrawn"])
def test_nothing_more_is_done_about_one_that_has_ended(notts: Protocol, ends: str) -> None:
    if ends == "decided":
        notts.decided("2026-03-03 10:00", "team_manager")
    else:
        notts.withdrawn("2026-03-03 10:00")
    acts: list[Callable[[], Any]] = [
        lambda: notts.decided("2026-03-03 11:00", "team_manager"),
        lambda: notts.advanced("2026-03-03 11:00"),
        lambda: notts.answered("2026-03-03 11:00", "agree"),
        lambda: notts.withdrawn("2026-03-03 11:00"),
    ]
    for act in acts:
        with pytest.raises(InputRefused, match=f"dispute D-1 of C1 is {ends} already"):
            act()


# ---- advance, withdraw


def test_nobody_takes_it_up_from_the_last_step_and_the_second_before_they_may(notts: Protocol) -> None:
    with pytest.raises(InputRefused, match="dispute D-1 is at its last step"):
        notts.advanced("2026-03-04 01:00:01")
    notts.advanced("2026-03-04 01:00:00")
    assert notts.stands() == ("open", 3)


def test_only_who_raised_it_takes_it_back(notts: Protocol) -> None:
    with pytest.raises(InputRefused, match="dispute D-1 was raised by w1; only they take it back"):
        notts.withdrawn("2026-03-03 10:00", by="service_manager")
    assert notts.dispute().open


def test_a_dispute_that_was_taken_back_by_mistake_goes_on_where_it_was(notts: Protocol) -> None:
    gone = notts.withdrawn("2026-03-03 10:00").event
    notts.at("2026-03-03 11:00").retract(gone)
    assert notts.stands("2026-03-03 17:00:01") == ("open", 2)
    assert "Tue 03 Mar 17:00:01 service_manager" in notts.looked_at("2026-03-03 17:00:01")


# ---- who hears


def test_who_records_between_the_deciding_and_the_sending_of_a_message_does_not_get_it(manchester: Protocol) -> None:
    manchester.tick("2026-03-03 09:00")
    manchester.decided("2026-03-03 09:00:30", "eh_hub_sw")
    manchester.deliver("2026-03-03 09:01")
    assert manchester.told() == [f"Tue 03 Mar 09:01:00 {role}" for role in TRIAGE[1:]]


def test_who_has_two_of_the_roles_gets_one_message_and_records_for_each(protocol: Protocols) -> None:
    made = protocol("manchester")
    others = [p for p in staff(made.authority.policy.roles) if p.person_id not in ("eh_hub_sw", "team_manager")]
    both = Person("two", "Ty Two", "two@council.example", ("eh_hub_sw", "team_manager"), "", works=EVERY_DAY)
    made.people(*others, both)
    made.raised("2026-03-03 09:00", "level_of_need", detail={"stage": "triage"})
    assert made.looked_at("2026-03-03 09:00") == [
        f"Tue 03 Mar 09:00:00 {who}" for who in ("mash_eh_coordinator", "two")
    ]
    made.decided("2026-03-03 10:00", "eh_hub_sw", by="two")
    made.decided("2026-03-03 10:00", "mash_eh_coordinator")
    assert made.dispute().open
    made.decided("2026-03-03 10:00", "team_manager", by="two")
    assert made.dispute().state == "decided"


def test_who_stands_in_for_two_roles_that_nobody_fills_does_not_decide_for_both(protocol: Protocols) -> None:
    made = protocol("manchester")
    vacant = ("eh_hub_sw", "mash_eh_coordinator")
    made.people(*(p for p in staff(made.authority.policy.roles) if p.person_id not in vacant))
    made.raised("2026-03-03 09:00", "level_of_need", detail={"stage": "triage"})
    (stands_in,) = {row.split(" ")[-1] for row in made.looked_at("2026-03-03 09:00")} - {"team_manager"}
    made.decided("2026-03-03 10:00", "eh_hub_sw", by=stands_in)
    with pytest.raises(InputRefused, match="has recorded already, as eh_hub_sw; the other decision is somebody else's"):
        made.decided("2026-03-03 10:30", "mash_eh_coordinator", by=stands_in)
    made.decided("2026-03-03 11:00", "mash_eh_coordinator", by="the operator")


def test_a_dispute_of_a_case_on_hold_is_at_no_last_step_and_can_be_taken_up(notts: Protocol) -> None:
    notts.at("2026-03-03 10:00").events(CASE, "2026-03-03 10:00 hold_started")
    assert (notts.dispute().state, notts.dispute().last) == ("on hold", False)
    notts.advanced("2026-03-03 11:00")
    notts.at("2026-03-04 09:00").events(CASE, "2026-03-04 09:00 hold_ended")
    assert notts.stands()[1] == 2


def test_who_is_away_is_covered_for_the_dispute_too(notts: Protocol) -> None:
    notts.away(Absence("team_manager", date(2026, 3, 1), date(2026, 3, 9), "boss"))
    assert notts.looked_at("2026-03-03 09:00") == ["Tue 03 Mar 09:00:00 boss"]


def acknowledge(service: Protocol, at: str, person: str) -> None:
    now, key = service.at(at).now, "allocation-dispute/D-1"
    named: dict[str, Any] = {"person": person, "reason": "capacity", "until": date(2026, 3, 10), "by": person}
    office.acknowledge(service.store, service.authority, CASE, key, now=now, **named)


def test_a_last_step_cannot_be_put_off(notts: Protocol) -> None:
    notts.looked_at("2026-03-03 09:00", "2026-03-03 17:00:01", "2026-03-04 01:00:01")
    with pytest.raises(InputRefused, match="is a dispute at its last step, which comes again until"):
        acknowledge(notts, "2026-03-04 09:00", "group_manager")


def test_who_acknowledged_before_the_last_step_was_reached_hears_of_it_all_the_same(notts: Protocol) -> None:
    acknowledge(notts, "2026-03-03 09:30", "group_manager")
    notts.looked_at("2026-03-03 17:00:01", "2026-03-04 01:00:01", "2026-03-04 08:30")
    assert notts.told()[-2:] == ["Wed 04 Mar 01:00:01 group_manager", "Wed 04 Mar 08:30:00 group_manager"]


def test_the_message_says_what_between_whom_at_which_step_by_when_who_else_and_what_never_waits(
    manchester: Protocol,
) -> None:
    manchester.decided("2026-03-03 09:00", "mash_eh_coordinator")
    manchester.turn("2026-03-03 09:00")
    [mail] = [one for one in manchester.channel.taken if one.to.startswith("team_manager")]
    for said in (
        "A dispute never delays a referral.",
        "Case: C1",
        "In dispute since: 09:00 on Tuesday 3 March 2026.",
        "By when: 09:00 on Wednesday 4 March 2026.",
        "Step 1 of 3:",
        "it goes to the Hub Locality Manager and Locality Social Work Head of Service.",
        "Has recorded already: Contact Centre/MASH Early Help Coordinator.",
    ):
        assert said in mail.flat
    assert "Wren Worker" not in mail.text


def test_what_is_owed_to_the_referrer_stands_in_the_message_of_nottinghamshire(notts: Protocol) -> None:
    [mail] = notts.turn("2026-03-03 09:00")
    assert "If its time runs out: Referrer told of the delay (clause 3a5)." in mail.flat
    assert NAME not in mail.text


def test_three_days_down_tell_the_last_step_once(notts: Protocol) -> None:
    told = notts.looked_at("2026-03-06 10:00", "2026-03-06 10:01")
    assert [line for line in told if line.endswith("group_manager")] == ["Fri 06 Mar 10:00:00 group_manager"]
