"""Limits of work: their manager hears of a crossing once, with the person, the count and the limit, and no family."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from ehscheduler.daemon.limits import taken_as_full_time
from ehscheduler.daemon.tick import rebuild
from ehscheduler.daemon.told import NOT_YET_LIVE
from ehscheduler.daemon.turn import turn
from ehscheduler.store import Store
from ehscheduler.store.events import events_of
from ehscheduler.store.holdings import STALE, holdings_of, replace_holdings
from ehscheduler.store.state import put_state
from tests.daemon.house import NAME, PEOPLE, VISIT, House, Mail

LIMIT = """
[limit.caseload]
title = "Caseload"
clause = "2.1"
who = "lead"
at_most = { families = 2 }
pro_rata = true
tell = ["manager"]
"""
CHILDREN = LIMIT.replace("families = 2", "families = 9, children = 3").replace("pro_rata = true\n", "")
MANAGER = "m1@council.example"
HouseOf = Callable[..., House]


@pytest.fixture
def store(each_store: Store) -> Store:
    """Run on both databases."""
    return each_store


@pytest.fixture
def over(house_of: HouseOf) -> House:
    """A council that is live, in which w1 holds three families: one more than the limit."""
    house = house_of(VISIT + LIMIT)
    house.live()
    three(house)
    return house


def three(house: House, day: str = "2026-03-02") -> None:
    for n in (1, 2, 3):
        house.case(f"C{n}", f"{day} 08:0{n} allocation")


def whole(house: House, *times: str) -> list[Mail]:
    """Do whole turns at these times; return what was said of limits, to whomever."""
    before = len(house.channel.taken)
    for at in times:
        house.at(at)
        turn(house.desk, lambda: house.now, stop=lambda: False, rng=random.Random(1))
    return [mail for mail in house.channel.taken[before:] if "the limit is" in mail.flat]


def days(*numbers: int) -> list[str]:
    return [f"2026-03-{n:02} 08:30" for n in numbers]


def staff(house: House, *people: object) -> None:
    """Give a staff feed as an import does."""
    house.people(*people)  # type: ignore[arg-type]
    with house.store.begin() as tx:
        put_state(tx, NAME, STALE, "")


def test_the_manager_of_whoever_is_over_hears_of_it_the_next_working_morning(over: House) -> None:
    assert whole(over, "2026-03-02 09:00", "2026-03-03 08:29") == []
    [mail] = whole(over, "2026-03-03 08:30")
    assert mail.to == MANAGER
    assert "Wren Worker Caseload (clause 2.1) 3 families since Monday 2 March 2026, and the limit is 2." in mail.flat


def test_it_names_the_person_and_no_family(over: House) -> None:
    [mail] = whole(over, "2026-03-02 09:00", "2026-03-03 08:30")
    assert not {ref for ref in ("C1", "C2", "C3") if ref.encode() in mail.raw}


def test_it_is_told_once_through_restarts_and_edits_of_other_cases(over: House) -> None:
    assert len(whole(over, "2026-03-02 09:00", *days(3))) == 1
    over.case("C9", "2026-03-03 09:00 allocation", lead="s1", team="South")
    staff(over, *PEOPLE)
    three(over)  # the same again, as an import gives it
    assert whole(over, "2026-03-03 09:30", *days(4, 5, 6, 9)) == []


def test_who_is_at_the_limit_is_not_over_it(house_of: HouseOf) -> None:
    house = house_of(VISIT + LIMIT)
    house.live()
    for ref in ("C1", "C2"):
        house.case(ref, "2026-03-02 08:00 allocation")
    assert whole(house, "2026-03-02 09:00", *days(3, 4)) == []


def test_whoever_is_back_within_it_before_the_mail_goes_is_not_told_of(over: House) -> None:
    whole(over, "2026-03-02 09:00")
    over.events("C3", "2026-03-02 15:00 closed")
    assert whole(over, *days(3, 4)) == []
    [row] = [row for row in over.rows if row.kind == "limit"]
    assert (row.state, row.why) == ("dropped", "they are within the limit again")


def test_a_fall_and_a_new_rise_on_another_day_is_told_again(over: House) -> None:
    assert len(whole(over, "2026-03-02 09:00", *days(3))) == 1
    over.events("C3", "2026-03-04 10:00 closed")
    assert whole(over, "2026-03-04 11:00", *days(5)) == []
    over.case("C4", "2026-03-09 10:00 allocation")
    assert len(whole(over, "2026-03-09 11:00", *days(10, 11))) == 1


def test_a_case_that_goes_to_a_colleague_counts_for_them(over: House) -> None:
    over.events("C3", '2026-03-02 08:30 worker_changed {"lead": "w2"}')
    assert whole(over, "2026-03-02 09:00", *days(3, 4)) == []


@pytest.mark.parametrize(("share", "told"), [(1.0, 0), (0.5, 1), (0.9, 1)])
def test_a_limit_in_proportion_is_rounded_down_and_the_share_is_said(
    house_of: HouseOf, share: float, told: int
) -> None:
    house = house_of(VISIT + LIMIT)
    house.live()
    staff(house, *(replace(p, share=share) if p.person_id == "w1" else p for p in PEOPLE))
    for ref in ("C1", "C2"):
        house.case(ref, "2026-03-02 08:00 allocation")
    mails = whole(house, "2026-03-02 09:00", *days(3))
    assert len(mails) == told
    assert all(f"the limit is 1 for {share:g} of full time" in mail.flat for mail in mails)


def test_a_share_that_a_staff_feed_cuts_is_told(house_of: HouseOf) -> None:
    house = house_of(VISIT + LIMIT)
    house.live()
    for ref in ("C1", "C2"):
        house.case(ref, "2026-03-02 08:00 allocation")
    assert whole(house, "2026-03-02 09:00", *days(3)) == []
    staff(house, *(replace(p, share=0.5) if p.person_id == "w1" else p for p in PEOPLE))
    assert len(whole(house, *days(4, 5))) == 1


def test_a_child_who_comes_into_a_family_counts(house_of: HouseOf) -> None:
    house = house_of(VISIT + CHILDREN)
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation", children=[{"ref": "a"}])
    house.case("C2", "2026-03-02 08:00 allocation", children=[{"ref": "b"}, {"ref": "c"}])
    assert whole(house, "2026-03-02 09:00", *days(3)) == []
    house.events("C1", '2026-03-03 10:00 attributes_changed {"children": [{"ref": "a"}, {"ref": "d"}]}')
    [mail] = whole(house, "2026-03-03 11:00", *days(4, 5))
    assert "4 children since Tuesday 3 March 2026, and the limit is 3" in mail.flat


def test_what_stands_when_an_authority_goes_live_is_told_once_then(house_of: HouseOf) -> None:
    house = house_of(VISIT + LIMIT)
    house.live("2026-03-04")
    three(house, "2026-02-23")
    assert whole(house, *days(2, 3)) == []
    assert [n.kept for n in house.notices("C3") if n.kind == "limit"] == [NOT_YET_LIVE]
    assert len(whole(house, *days(4, 5))) == 1
    assert whole(house, *days(6, 9)) == []


def test_who_is_asked_for_and_away_is_told_when_they_are_back(house_of: HouseOf) -> None:
    house = house_of(VISIT + LIMIT)
    house.live()
    house.people(*(p for p in PEOPLE if p.person_id not in ("m1", "m2", "d1")))
    three(house, "2026-03-02")
    assert whole(house, "2026-03-02 09:00", *days(3)) == []
    house.people()
    assert len(whole(house, *days(4, 5))) == 1


def test_before_the_live_day_it_is_decided_and_nobody_is_told(over: House) -> None:
    over.live("2026-04-01")
    assert whole(over, "2026-03-02 09:00", *days(3, 4)) == []
    assert [n.kept for n in over.notices("C3") if n.kind == "limit"] == [NOT_YET_LIVE]


def test_a_manager_who_took_over_the_team_hears_it_instead(over: House) -> None:
    whole(over, "2026-03-02 09:00")
    old, new = PEOPLE[2], replace(PEOPLE[2], person_id="m9", email="m9@council.example")
    staff(over, *(p for p in PEOPLE if p != old), replace(old, roles=("worker",)), new)
    assert [mail.to for mail in whole(over, *days(3, 4))] == ["m9@council.example"]


def test_who_is_over_a_limit_is_not_told_on_themselves(house_of: HouseOf) -> None:
    house = house_of(VISIT + LIMIT)
    house.live()
    staff(house, *(replace(p, roles=("manager", "worker")) if p.person_id == "m1" else p for p in PEOPLE))
    for n in (1, 2, 3):
        house.case(f"C{n}", "2026-03-02 08:00 allocation", lead="m1")
    assert MANAGER not in {mail.to for mail in whole(house, "2026-03-02 09:00", *days(3, 4))}


# ---- the same crossing, which moves


def retracted(house: House) -> None:
    """C3 was never allocated, as is found out; C4 was, the morning after."""
    with house.store.read() as tx:
        [wrong] = [one for one in events_of(tx, NAME, "C3") if one.word == "allocation"]
    house.case("C4", "2026-03-03 09:00 allocation")
    whole(house, "2026-03-03 10:00")
    house.at("2026-03-03 11:00").retract(wrong)


def test_a_retraction_that_moves_the_instant_of_a_crossing_tells_it_no_second_time(over: House) -> None:
    assert len(whole(over, "2026-03-02 09:00", *days(3))) == 1
    retracted(over)
    assert whole(over, "2026-03-03 11:01", *days(4, 5, 6)) == []


def test_a_retraction_that_moves_it_before_it_was_told_lets_it_be_told_as_it_stands(over: House) -> None:
    over.people(*(p for p in PEOPLE if p.person_id not in ("m1", "m2", "d1")))
    assert whole(over, "2026-03-02 09:00", *days(3)) == []
    retracted(over)
    staff(over)
    [mail] = whole(over, "2026-03-03 11:01", *days(4, 5, 6))
    assert "3 families since Tuesday 3 March 2026" in mail.flat


def test_a_share_that_is_cut_while_somebody_is_over_is_no_second_crossing(over: House) -> None:
    assert len(whole(over, "2026-03-02 09:00", *days(3))) == 1
    staff(over, *(replace(p, share=0.5) if p.person_id == "w1" else p for p in PEOPLE))
    assert whole(over, *days(4, 5)) == []


def test_a_fall_and_a_rise_that_are_recorded_late_and_together_are_a_second_crossing(over: House) -> None:
    assert len(whole(over, "2026-03-02 09:00", *days(3, 5))) == 1
    over.at("2026-03-06 06:00").events("C3", "2026-03-03 closed", late=True)
    over.case("C4")
    over.events("C4", "2026-03-04 allocation", late=True)
    [mail] = whole(over, *days(6, 9))
    assert "3 families since Wednesday 4 March 2026" in mail.flat


def test_a_case_that_was_closed_and_reopened_between_two_counts_crosses_it_again(over: House) -> None:
    assert len(whole(over, "2026-03-02 09:00", *days(3))) == 1
    over.events("C3", "2026-03-03 12:00 closed", "2026-03-04 07:00 reopened")  # of an episode that is over none counts
    assert len(whole(over, *days(4, 5))) == 1


# ---- on record, and worked out anew


def decided(house: House) -> list[object]:
    """Return what the trail says was decided of limits, the oldest first."""
    said = [one for entry in reversed(house.trail("decide")) for one in entry.detail["notices"]]
    return [one for one in said if "|limit|" in one["notice"]]


def test_the_trail_says_once_to_whom_a_crossing_goes(over: House) -> None:
    whole(over, "2026-03-02 09:00", *days(3, 4))
    assert decided(over) == [{"notice": "w1|limit|caseload|families|20260302T080300", "to": ["person:m1"]}]
    [entry] = [entry for entry in over.trail("decide") if "|limit|" in str(entry.detail)]
    assert (entry.who, entry.case_ref, f"{entry.at:%Y-%m-%d %H:%M}") == ("daemon", "C3", "2026-03-02 09:00")


def test_the_trail_says_why_a_crossing_goes_to_nobody(over: House) -> None:
    over.live("2026-04-01")
    whole(over, "2026-03-02 09:00", *days(3))
    name = "w1|limit|caseload|families|20260302T080300|kept"
    assert decided(over) == [{"notice": name, "to": [], "kept": NOT_YET_LIVE}]


def test_a_rebuild_works_out_anew_who_held_what_and_work_is_counted_again(over: House) -> None:
    over.tick("2026-03-02 09:00")
    with over.store.begin() as tx:
        held = holdings_of(tx, NAME)
        for ref in ("C1", "C2", "C3"):
            replace_holdings(tx, NAME, ref, 1, [])
    assert whole(over, "2026-03-02 09:01", *days(3)) == []
    rebuild(over.store, over.authority, over.now)
    with over.store.read() as tx:
        assert holdings_of(tx, NAME) == held
    assert len(whole(over, *days(4, 5))) == 1


# ---- whose hours are not known


def full_time(house: House) -> list[str]:
    with house.store.read() as tx:
        return taken_as_full_time(tx, house.authority, house.now)


def test_who_leads_a_case_and_has_no_share_counts_as_full_time_and_is_asked_about(over: House) -> None:
    over.case("C4", "2026-03-02 08:00 allocation", lead="w2")
    over.tick("2026-03-02 09:00")
    assert full_time(over) == ["w1", "w2"]
    staff(over, *(replace(p, share=0.6) if p.person_id == "w2" else p for p in PEOPLE))
    assert full_time(over) == ["w1"]
    over.events("C1", "2026-03-02 09:00 closed")
    over.events("C2", "2026-03-02 09:00 closed")
    over.events("C3", "2026-03-02 09:00 closed")
    over.tick("2026-03-02 09:05")
    assert full_time(over) == []


@pytest.mark.parametrize(
    ("rules", "asked"),
    [
        (LIMIT, ["w1"]),
        (LIMIT.replace("pro_rata = true\n", ""), []),
        (LIMIT.replace('"lead"', '"director"'), []),
    ],
    ids=["in proportion", "the same for all", "of another role"],
)
def test_nobody_is_asked_about_where_no_limit_of_theirs_goes_by_hours(
    house_of: HouseOf, rules: str, asked: list[str]
) -> None:
    house = house_of(VISIT + rules)
    house.case("C1", "2026-03-02 08:00 allocation")
    house.tick("2026-03-02 09:00")
    assert full_time(house) == asked
