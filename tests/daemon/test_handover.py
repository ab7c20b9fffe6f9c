"""A case that goes to another lead: one list for the new one, nothing more for the old one."""

from collections.abc import Callable

import pytest

from ehscheduler.notify.channel import Outcome
from tests.daemon.house import OK, PEOPLE, VISIT, House, Mail, lines_of, told

Houses = Callable[..., House]
MORE = (
    VISIT
    + """
[standard.plan]
title = "Plan written"
clause = "1.2"
due = "20 working days after allocation"
met_by = "plan_completed"
owner = "worker"
[standard.someday]
title = "Some day"
clause = "1.3"
due = "no set time after allocation"
met_by = "plan_agreed"
owner = "worker"
[standard.review]
title = "Looked at by the manager"
clause = "1.4"
due = "15 working days after allocation"
met_by = "oversight_noted"
owner = "manager"
[standard.after]
title = "After a visit is asked for"
clause = "1.5"
due = "10 working days after visit_asked"
met_by = "contact_made"
owner = "worker"
"""
)


def to_w2(house: House, at: str, lead: str = "w2", word: str = "worker_changed") -> None:
    day, clock = at.split(" ")
    house.at(at).events("C1", f'{day} {clock} {word} {{"lead": "{lead}"}}', late=True)
    house.tick()


@pytest.fixture
def held(house_of: Houses) -> House:
    """A case that its first lead has had for a week and has heard of."""
    house = house_of(MORE)
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-09")
    return house


def subjects(mails: list[Mail]) -> list[tuple[str, str]]:
    return [(mail.to.partition("@")[0], mail.subject) for mail in mails]


def test_the_new_lead_gets_one_list_in_the_next_mornings_digest(held: House) -> None:
    to_w2(held, "2026-03-09 14:00")
    assert held.turns("2026-03-09", "2026-03-09", ("14:01", "17:00")) == []
    (mail,) = held.turn("2026-03-10 08:30")
    assert subjects([mail]) == [("w2", "Early Help: 3 handed over to you")]
    assert lines_of(mail) == ["C1  First visit", "C1  Plan written", "C1  Some day"]
    assert "Handed over to you" in mail.text
    assert "(clause 1.1)" in mail.flat
    assert "Any day from now to Monday 16 March 2026" in mail.flat
    assert {row[1] for row in told(held) if row[2] == "person:w2"} == {"handover"}


def test_it_comes_once(held: House) -> None:
    to_w2(held, "2026-03-09 14:00")
    mails = held.turns("2026-03-10", "2026-03-10", ("08:30", "08:31", "12:00"))
    held.at("2026-03-10 14:00").people()  # has every case looked at anew
    mails += held.turns("2026-03-10", "2026-03-10", ("14:00",))
    assert subjects(mails) == [("w2", "Early Help: 3 handed over to you")]
    held.turns("2026-03-11", "2026-04-10")
    assert [n.kind for n in held.notices("C1")].count("handover") == 3


def test_the_old_lead_hears_nothing_more(held: House) -> None:
    to_w2(held, "2026-03-09 14:00")
    mails = held.turns("2026-03-10", "2026-04-10")
    assert "w1@council.example" not in {mail.to for mail in mails}


def test_what_waits_for_the_old_lead_is_dropped_and_the_new_one_hears_it_in_the_same_message(held: House) -> None:
    held.at("2026-03-10 20:00").case("C9", "2026-03-02 08:00 allocation")
    held.turn("2026-03-10 20:00")
    held.at("2026-03-11 20:00").tick()  # the reminder of the 11th is decided in the evening, and waits for the morning
    waiting = [(row.milestone, row.recipient) for row in held.rows if row.state == "waiting" and row.case_ref == "C1"]
    assert ("visit", "person:w1") in waiting
    to_w2(held, "2026-03-11 21:00")
    dropped = [(row.milestone, row.recipient, row.why) for row in held.rows if row.state == "dropped"]
    assert ("visit", "person:w1", "somebody else is to act now") in dropped
    mails = [mail for mail in held.turns("2026-03-12", "2026-03-12", ("08:30", "08:31")) if mail.to.startswith("w2")]
    assert subjects(mails) == [("w2", "Early Help: 2 handed over to you, 1 due by Monday 16 March")]
    assert sorted(lines_of(mails[0])) == ["C1  First visit", "C1  Plan written", "C1  Some day"]


def test_what_is_due_or_overdue_on_the_same_morning_is_said_once(held: House) -> None:
    to_w2(held, "2026-03-13 20:00")
    (mail,) = held.turn("2026-03-16 08:30")
    assert subjects([mail]) == [("w2", "Early Help: 2 handed over to you, 1 due today")]
    assert lines_of(mail).count("C1  First visit") == 1
    assert held.turns("2026-03-16", "2026-03-16", ("08:31", "12:00")) == []
    assert [mail.subject for mail in held.turns("2026-03-17", "2026-03-17")] == ["Early Help: 1 past its date"]


def test_what_is_overdue_already_is_in_the_list_and_the_ladder_goes_on(held: House) -> None:
    held.turns("2026-03-10", "2026-03-17")
    to_w2(held, "2026-03-17 14:00")
    mails = held.turn("2026-03-18 08:30")
    assert sorted(subjects(mails)) == [
        ("m1", "Early Help: 1 past its date, now with you"),
        ("w2", "Early Help: 3 handed over to you"),
    ]
    text = next(mail.flat for mail in mails if mail.to.startswith("w2"))
    assert "2 days ago" in text


def test_there_and_back_before_the_morning_sends_nothing(held: House) -> None:
    to_w2(held, "2026-03-09 14:00")
    to_w2(held, "2026-03-09 15:00", lead="w1")
    assert held.turns("2026-03-10", "2026-03-10", ("08:30", "08:31")) == []


def test_there_and_back_leaves_the_first_lead_what_waited_for_them(held: House) -> None:
    held.at("2026-03-11 20:00").tick()
    to_w2(held, "2026-03-11 21:00")
    to_w2(held, "2026-03-11 22:00", lead="w1")
    mails = held.turns("2026-03-12", "2026-03-12", ("08:30", "08:31"))
    assert subjects(mails) == [("w1", "Early Help: 1 due by Monday 16 March")]


def test_on_to_a_third_before_the_morning_sends_one_list_to_the_last(held: House) -> None:
    to_w2(held, "2026-03-09 14:00")
    to_w2(held, "2026-03-09 15:00", lead="s1")
    mails = held.turns("2026-03-10", "2026-03-10", ("08:30", "08:31"))
    assert subjects(mails) == [("s1", "Early Help: 3 handed over to you")]


def test_a_case_that_comes_back_days_later_is_handed_over_again(held: House) -> None:
    to_w2(held, "2026-03-09 14:00")
    held.turns("2026-03-10", "2026-03-10")
    to_w2(held, "2026-03-10 14:00", lead="w1")
    assert subjects(held.turns("2026-03-11", "2026-03-11")) == [
        ("w1", "Early Help: 2 handed over to you, 1 due by Monday 16 March")
    ]


def test_a_first_allocation_is_no_hand_over(house_of: Houses) -> None:
    house = house_of(MORE)
    house.live()
    house.case("C1", '2026-03-02 08:00 allocation {"lead": "w1"}', lead=None)
    house.case("C2", "2026-03-02 08:00 allocation", '2026-03-02 09:00 worker_changed {"lead": "w2"}', lead=None)
    mails = house.turns("2026-03-02", "2026-03-06")
    assert "handover" not in house.kinds("C1") + house.kinds("C2")
    assert all("handed over" not in mail.subject for mail in mails)


def test_any_event_that_changes_the_lead_is_one(held: House) -> None:
    to_w2(held, "2026-03-09 14:00", word="attributes_changed")
    assert subjects(held.turn("2026-03-10 08:30")) == [("w2", "Early Help: 3 handed over to you")]


def test_a_new_worker_whom_the_case_list_names_already_is_one_too(held: House) -> None:
    held.at("2026-03-09 14:00").case("C1", "2026-03-09 13:00 worker_changed", lead="w2")
    assert subjects(held.turns("2026-03-09", "2026-03-10", ("14:00", "14:01"))) == [
        ("w2", "Early Help: 3 handed over to you")
    ]


def test_other_facts_that_change_are_none(held: House) -> None:
    held.at("2026-03-09 14:00").events("C1", '2026-03-09 attributes_changed {"level": 3}', late=True)
    assert held.turn("2026-03-10 08:30") == []


def test_what_begins_after_the_hand_over_is_not_in_the_list(held: House) -> None:
    to_w2(held, "2026-03-09 14:00")
    held.at("2026-03-09 16:00").events("C1", "2026-03-09 15:00 visit_asked", late=True)
    (mail,) = held.turn("2026-03-10 08:30")
    assert "C1  After a visit is asked for" not in lines_of(mail)
    assert [n.milestone for n in held.notices("C1") if n.kind == "handover"] == ["plan", "someday", "visit"]


def test_what_is_done_before_the_morning_is_not_in_the_list(held: House) -> None:
    to_w2(held, "2026-03-09 14:00")
    held.at("2026-03-09 16:00").events("C1", "2026-03-09 15:00 home_visit", late=True)
    (mail,) = held.turn("2026-03-10 08:30")
    assert lines_of(mail) == ["C1  Plan written", "C1  Some day"]


def test_a_date_that_moves_before_the_morning_stands_in_the_list_as_it_then_is(held: House) -> None:
    to_w2(held, "2026-03-09 14:00")
    detail = '{"rules": ["visit"], "until": "2026-03-27", "by_role": "manager", "reason": "illness"}'
    held.at("2026-03-09 15:00").events("C1", f"2026-03-09 15:00 relaxation_agreed {detail}", late=True)
    held.tick()
    mails = held.turns("2026-03-10", "2026-03-13", ("08:30", "08:31"))
    assert subjects(mails) == [("w2", "Early Help: 3 handed over to you")]
    assert "Friday 27 March 2026" in mails[0].flat


def test_a_date_that_moves_later_is_told_as_changed_to_the_new_lead_alone(held: House) -> None:
    held.turns("2026-03-10", "2026-03-11")  # the first lead is reminded
    to_w2(held, "2026-03-11 14:00")
    held.turns("2026-03-12", "2026-03-12")
    detail = '{"rules": ["visit"], "until": "2026-03-27", "by_role": "manager", "reason": "illness"}'
    held.at("2026-03-12 15:00").events("C1", f"2026-03-12 15:00 relaxation_agreed {detail}", late=True)
    held.tick()
    assert subjects(held.turns("2026-03-13", "2026-03-16")) == [("w2", "Early Help: 1 date changed")]


def test_a_case_on_hold_is_listed_when_its_hold_ends(held: House) -> None:
    held.at("2026-03-09 10:00").events("C1", "2026-03-09 10:00 hold_started")
    to_w2(held, "2026-03-10 14:00")
    assert held.turns("2026-03-11", "2026-03-13") == []
    held.at("2026-03-13 14:00").events("C1", "2026-03-13 14:00 hold_ended")
    assert [mail.to for mail in held.turns("2026-03-13", "2026-03-16", ("14:01", "14:02"))] == ["w2@council.example"]


def test_what_is_handed_over_before_going_live_is_not_listed(house_of: Houses) -> None:
    house = house_of(MORE)
    house.live("2026-03-10")
    house.case("C1", "2026-03-02 08:00 allocation", '2026-03-09 14:00 worker_changed {"lead": "w2"}')
    house.turns("2026-03-09", "2026-03-13", ("15:00",))
    assert "handover" not in house.kinds("C1")


def test_in_shadow_it_is_decided_and_not_sent(held: House) -> None:
    held.live(mode="shadow")
    to_w2(held, "2026-03-09 14:00")
    assert held.turns("2026-03-10", "2026-03-13") == []
    assert held.kinds("C1").count("(handover)") == 3


def test_a_list_that_was_refused_is_not_made_anew_and_anew(held: House) -> None:
    to_w2(held, "2026-03-09 14:00")
    held.channel.script = [Outcome("permanent", "554 no", about="message"), OK]
    mails = held.turns("2026-03-10", "2026-03-10", ("08:30", "08:31", "10:00"))
    assert mails == []
    assert held.kinds("C1").count("handover") == 3


def test_a_list_to_an_address_that_is_no_more_goes_one_rung_up_and_once(held: House) -> None:
    to_w2(held, "2026-03-09 14:00")
    held.channel.script = [Outcome("permanent", "550 5.1.1 no such user", about="address"), OK]
    mails = held.turns("2026-03-10", "2026-03-13", ("08:30", "08:31", "10:00"))
    listed = [mail for mail in mails if "handed over to you" in mail.subject]
    assert [mail.to for mail in listed] == ["m1@council.example"]
    assert "nobody acts as lead professional: Wilf Worker cannot be reached by mail" in listed[0].flat
    assert {mail.to for mail in mails} == {"m1@council.example"}


def test_several_cases_are_one_message(held: House) -> None:
    held.case("C2", "2026-03-03 08:00 allocation")
    to_w2(held, "2026-03-09 14:00")
    held.events("C2", '2026-03-09 14:00 worker_changed {"lead": "w2"}', late=True)
    held.tick("2026-03-09 14:01")
    (mail,) = held.turn("2026-03-10 08:30")
    # What nobody had heard of yet in the second case is told as what it is.
    assert mail.subject == "Early Help: 5 handed over to you"
    assert len(lines_of(mail)) == 6


def test_a_new_lead_who_is_not_in_the_staff_feed_is_an_alarm_and_the_list_goes_one_rung_up(held: House) -> None:
    held.at("2026-03-09 13:00").people(*(p for p in PEOPLE if p.person_id != "w2"))
    to_w2(held, "2026-03-09 14:00")
    assert [mail.to for mail in held.turn("2026-03-10 08:30")] == ["m1@council.example"]
    assert held.alarms("unfilled")
