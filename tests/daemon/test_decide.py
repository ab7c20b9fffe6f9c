"""What is told, when, and to whom; decided by ticks, and seen where it arrives."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from ehscheduler.notify.channel import Outcome
from tests.daemon.house import NAME, PEOPLE, VISIT, House, lines_of, told

PHONE = """
[standard.phone]
title = "Call back"
clause = "1.2"
due = "24 hours after each visit_asked"
met_by = "contact_made"
owner = "worker"
remind = ["24 hours before", "2 hours before"]
"""
DISPUTE = """
[standard.dispute]
title = "Dispute decided"
clause = "1.3"
due = "24 hours after each dispute_raised"
met_by = "dispute_resolved"
owner = "manager"
remind = ["2 hours before"]
decided_by = "dispute"

[ladder.dispute]
title = "Disputes"
clause = "1.3"
steps = [
  { who = ["manager"], due = "8 hours after dispute_raised" },
  { who = ["director"], due = "24 hours after dispute_raised", final = true },
]
"""
GUIDE = """
[standard.guide]
title = "Good to do"
clause = "1.4"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "worker"
force = "guide"
remind = ["3 working days before", "on the day"]
"""
UNDATED = """
[standard.someday]
title = "Some day"
clause = "1.5"
due = "no set time after allocation"
met_by = "plan_agreed"
owner = "worker"
"""

Houses = Callable[..., House]


# ---- each kind at its time


def test_a_day_clock_is_told_before_on_the_day_after_it_and_then_to_the_line_manager(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-04-10", ("08:30", "12:00"))
    assert told(house) == [
        ("2026-03-11 08:30", "reminder", "person:w1"),
        ("2026-03-16 08:30", "due", "person:w1"),
        ("2026-03-17 08:30", "overdue", "person:w1"),
        ("2026-03-18 08:30", "escalation", "person:m1"),
    ]


def test_an_hour_clock_is_told_at_once_and_before_its_end_also_at_night(house_of: Houses) -> None:
    house = house_of(PHONE)
    house.live()
    house.case("C1", "2026-03-06 22:15 visit_asked #R1")
    house.turns("2026-03-06", "2026-03-08", ("20:14", "20:15", "22:15", "22:16"))
    assert told(house) == [
        ("2026-03-06 22:15", "reminder", "person:w1"),
        ("2026-03-07 20:15", "reminder", "person:w1"),
        ("2026-03-07 22:15", "due", "person:w1"),
        ("2026-03-07 22:16", "overdue", "person:w1"),
    ]


def test_a_dispute_is_told_rung_by_rung_at_once_and_the_last_again_each_working_morning(house_of: Houses) -> None:
    house = house_of(DISPUTE)
    house.live()
    house.case("C1", "2026-03-06 15:00 dispute_raised #R1")
    house.turns("2026-03-06", "2026-03-10", ("08:30", "15:00", "15:01", "23:00", "23:01"))
    assert [row for row in told(house) if row[1] == "dispute"] == [
        ("2026-03-06 15:00", "dispute", "person:m1"),
        ("2026-03-06 23:01", "dispute", "person:d1"),
        ("2026-03-09 08:30", "dispute", "person:d1"),
        ("2026-03-10 08:30", "dispute", "person:d1"),
    ]


def test_a_final_step_stops_coming_once_the_decision_is_recorded(house_of: Houses) -> None:
    house = house_of(DISPUTE)
    house.live()
    house.case("C1", "2026-03-05 15:00 dispute_raised #R1")
    house.turns("2026-03-05", "2026-03-06", ("08:30", "15:01", "23:01"))
    house.at("2026-03-06 23:30").events("C1", "2026-03-06 23:30 dispute_resolved #R1")
    assert house.turns("2026-03-07", "2026-03-12", ("08:30",)) == []


def test_a_guide_is_reminded_and_never_called_overdue_nor_escalated(house_of: Houses) -> None:
    house = house_of(GUIDE)
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-04-10")
    assert [kind for _, kind, _ in told(house)] == ["reminder", "reminder"]
    assert [at for at, _, _ in told(house)] == ["2026-03-11 08:30", "2026-03-16 08:30"]


def test_what_has_no_set_time_is_told_once(house_of: Houses) -> None:
    house = house_of(UNDATED)
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-30")
    assert [kind for _, kind, _ in told(house)] == ["due"]


@pytest.mark.parametrize(
    ("before", "after"),
    [("2026-03-11 08:29:59", "2026-03-11 08:30:00"), ("2026-03-16 08:29:59", "2026-03-16 08:30:00")],
    ids=["the reminder", "the day itself"],
)
def test_a_notice_goes_at_its_instant_and_not_a_second_before(house: House, before: str, after: str) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    day = before[:10]
    house.turns("2026-03-02", f"{day[:8]}{int(day[8:]) - 1:02d}")
    assert house.turn(before) == []
    assert len(house.turn(after)) == 1


# ---- one notice for one key


def test_a_notice_is_decided_once_however_often_the_case_is_looked_at(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    for minute in range(30, 40):
        house.at(f"2026-03-16 08:{minute}").people()  # wakes every case
        house.turn(f"2026-03-16 08:{minute}")
    assert house.kinds("C1") == ["due"]
    assert len(house.channel.taken) == 1


def test_each_of_two_reminders_of_one_limit_is_a_notice_of_its_own(house_of: Houses) -> None:
    house = house_of(
        VISIT.replace('["3 working days before", "on the day"]', '["1 week before", "1 working day before"]')
    )
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-14")
    assert [at for at, _, _ in told(house)] == ["2026-03-09 08:30", "2026-03-13 08:30"]


# ---- what is gathered


def test_of_several_nudges_that_are_past_only_the_latest_is_told(house: House) -> None:
    house.live()
    house.at("2026-03-16 10:00").case("C1", "2026-03-02 08:00 allocation")
    house.tick()
    assert house.kinds("C1") == ["due"]


def test_overdue_says_more_than_the_due_notice_of_the_days_before(house: House) -> None:
    house.live()
    house.at("2026-03-20 10:00").case("C1", "2026-03-02 08:00 allocation")
    house.tick()
    assert house.kinds("C1") == ["overdue"]


def test_of_a_reminder_and_a_due_notice_at_one_instant_the_due_notice_is_told(house_of: Houses) -> None:
    house = house_of(VISIT.replace("10 working days", "1 day").replace("3 working days before", "1 day before"))
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.at("2026-03-04 08:30").case("C2", "2026-03-03 08:00 allocation")
    house.tick()
    assert house.kinds("C2") == ["due"]


def test_all_that_one_person_is_told_in_one_morning_is_one_message(house: House) -> None:
    house.live()
    for number in range(5):
        house.case(f"C{number}", "2026-03-02 08:00 allocation")
    mails = house.turns("2026-03-02", "2026-03-11")
    assert [mail.subject for mail in mails] == ["Early Help: 5 due by Monday 16 March"]
    assert len(lines_of(mails[0])) == 5


# ---- late news, and what fell due since the last tick


def test_late_news_waits_for_the_next_working_morning(house: House) -> None:
    house.live()
    house.turn("2026-03-19 16:00")
    house.at("2026-03-20 14:00").case("C1", "2026-03-02 08:00 allocation")
    house.turn("2026-03-19 16:30")
    assert house.turn("2026-03-20 14:00") == []
    assert house.turn("2026-03-21 08:30") == []  # a Saturday
    assert [mail.subject for mail in house.turn("2026-03-23 08:30")] == ["Early Help: 1 past its date"]


def test_what_fell_due_since_the_last_tick_goes_now(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turn("2026-03-11 07:00")
    assert len(house.turn("2026-03-11 11:00")) == 1


def test_what_fell_due_since_the_last_tick_waits_outside_hours(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turn("2026-03-11 07:00")
    assert house.turn("2026-03-11 18:00") == []
    assert len(house.turn("2026-03-12 08:30")) == 1


def test_an_event_that_is_known_ahead_of_its_time_counts_when_it_comes(house_of: Houses) -> None:
    house = house_of(PHONE)
    house.live()
    house.case("C1", "2026-03-04 10:00 visit_asked #R1")
    assert house.turn("2026-03-04 09:59") == []
    assert len(house.turn("2026-03-04 10:00")) == 1


# ---- the duty address


def test_at_night_an_hour_clock_goes_to_the_duty_address_and_waits_for_the_person(house_of: Houses) -> None:
    house = house_of(PHONE, duty={NAME: {"North": "duty-north@council.example"}})
    house.live()
    house.case("C1", "2026-03-06 22:15 visit_asked #R1")
    mails = house.turn("2026-03-06 22:15")
    assert [mail.to for mail in mails] == ["duty-north@council.example"]
    assert "outside the hours of the worker, who gets it at 08:30 on Monday 9 March 2026" in mails[0].flat
    assert house.turn("2026-03-07 08:30") == []
    assert "w1@council.example" in [mail.to for mail in house.turn("2026-03-09 08:30")]


def test_in_office_hours_the_duty_address_hears_nothing(house_of: Houses) -> None:
    house = house_of(PHONE, duty={NAME: {"North": "duty-north@council.example"}})
    house.live()
    house.case("C1", "2026-03-06 10:15 visit_asked #R1")
    assert [mail.to for mail in house.turn("2026-03-06 10:15")] == ["w1@council.example"]


def test_another_teams_duty_address_hears_nothing(house_of: Houses) -> None:
    house = house_of(PHONE, duty={NAME: {"South": "duty-south@council.example"}})
    house.live()
    house.case("C1", "2026-03-06 22:15 visit_asked #R1")
    assert [mail.to for mail in house.turn("2026-03-06 22:15")] == ["w1@council.example"]


# ---- roles that nobody fills


def test_a_case_with_no_lead_climbs_one_rung_and_is_an_alarm(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation", lead=None)
    assert [mail.to for mail in house.turns("2026-03-02", "2026-03-11")] == ["m1@council.example"]
    (alarm,) = house.alarms("unfilled")
    assert "nobody current is worker for this case" in alarm.text


def test_the_work_of_somebody_who_left_climbs_to_their_own_line_manager(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation", team=None)
    house.at("2026-03-05 09:00").people(*PEOPLE[1:])
    assert [mail.to for mail in house.turns("2026-03-06", "2026-03-11")] == ["m1@council.example"]


def test_a_line_manager_who_left_is_climbed_past_and_is_an_alarm(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.at("2026-03-05 09:00").people(*(p for p in PEOPLE if p.person_id != "m1"))
    mails = house.turns("2026-03-06", "2026-03-20")
    assert [mail.to for mail in mails if "now with you" in mail.subject] == ["d1@council.example"]
    assert house.alarms("unfilled")


def test_where_nobody_can_hear_it_is_an_alarm_and_the_notice_goes_once_the_directory_is_mended(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation", lead="x9", team="West")
    assert house.turns("2026-03-02", "2026-03-11") == []
    assert house.kinds("C1") == []
    assert [alarm.code for alarm in house.alarms()] == ["nobody"]
    house.at("2026-03-11 11:00").people(*PEOPLE, replace(PEOPLE[0], person_id="x9", email="x9@council.example"))
    assert house.turn("2026-03-11 11:00") == []
    assert [mail.to for mail in house.turn("2026-03-12 08:30")] == ["x9@council.example"]


def test_where_nobody_can_hear_the_teams_duty_address_does(house: House) -> None:
    house.set(duty={NAME: {"West": "duty-west@council.example"}})
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation", lead="x9", team="West")
    mails = house.turns("2026-03-02", "2026-03-11")
    assert [mail.to for mail in mails] == ["duty-west@council.example"]
    assert house.alarms("nobody")


# ---- escalation


def test_the_line_manager_hears_only_after_the_owner_has_and_had_time(house: House) -> None:
    house.live()
    house.turn("2026-03-20 13:59")
    house.at("2026-03-20 14:00").case("C1", "2026-03-02 08:00 allocation")  # long overdue, known now
    house.turns("2026-03-21", "2026-03-27", ("08:30", "14:00"))
    assert told(house) == [
        ("2026-03-23 08:30", "overdue", "person:w1"),
        ("2026-03-24 08:30", "escalation", "person:m1"),
    ]


def test_while_the_owners_own_notice_cannot_be_sent_the_line_manager_is_not_told(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-16")
    house.channel.script = [Outcome("temporary", "451 try later", about="channel")]
    house.turns("2026-03-17", "2026-03-18", ("08:30", "09:30", "14:00"))
    house.channel.script = [Outcome("accepted", "250 ok")]
    house.turns("2026-03-19", "2026-03-20", ("08:30", "09:30"))
    late = [row for row in told(house) if row[1] in ("overdue", "escalation")]
    assert late == [
        ("2026-03-19 08:30", "overdue", "person:w1"),
        ("2026-03-20 08:30", "escalation", "person:m1"),
    ]


def test_an_owner_who_can_never_be_reached_does_not_keep_it_from_the_line_manager(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-16")
    house.channel.script = [Outcome("permanent", "550 no such user", about="address"), Outcome("accepted", "250 ok")]
    house.turns("2026-03-17", "2026-03-20")
    assert told(house)[-1] == ("2026-03-17 08:30", "overdue", "person:m1")


def test_a_longer_ladder_is_climbed_a_rung_at_a_time(house: House) -> None:
    steps = [{"who": ["line_manager"], "after": "1 working day"}, {"who": ["director"], "after": "3 working days"}]
    house.set(ladders={NAME: {"overdue": steps}})
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-30")
    assert told(house)[2:] == [
        ("2026-03-17 08:30", "overdue", "person:w1"),
        ("2026-03-18 08:30", "escalation", "person:m1"),
        ("2026-03-20 08:30", "escalation", "person:d1"),
    ]


def test_without_a_ladder_nobody_above_hears(house: House) -> None:
    house.set(ladders={})
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-04-10")
    assert {kind for _, kind, _ in told(house)} == {"reminder", "due", "overdue"}


def test_what_is_done_before_the_morning_is_not_escalated(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-17")
    house.at("2026-03-17 15:00").events("C1", "2026-03-17 14:00 home_visit")
    assert house.turns("2026-03-18", "2026-03-25") == []


# ---- going live


def test_what_was_overdue_before_going_live_is_listed_once_for_its_team_and_never_escalated(house: House) -> None:
    house.live("2026-04-01")
    house.at("2026-04-01 10:00")
    for number in range(3):
        house.case(f"N{number}", "2026-03-02 08:00 allocation")
    house.case("S1", "2026-03-02 08:00 allocation", lead="s1", team="South")
    mails = house.turns("2026-04-01", "2026-04-30", ("08:30", "10:00"))
    assert sorted((mail.to, mail.subject) for mail in mails) == [
        ("m1@council.example", "Early Help: starting list, 3 past their date on Wednesday 1 April"),
        ("m2@council.example", "Early Help: starting list, 1 past its date on Wednesday 1 April"),
    ]
    assert {row.kind for row in house.rows} == {"baseline"}


@pytest.mark.parametrize(
    ("since", "kinds"), [("2026-03-17", ["baseline"]), ("2026-03-16", ["overdue", "escalation"])], ids=str
)
def test_going_live_divides_by_the_due_day(house: House, since: str, kinds: list[str]) -> None:
    house.live(since)
    house.at("2026-03-17 07:00").case("C1", "2026-03-02 08:00 allocation")  # due on 16 March
    house.turns("2026-03-17", "2026-03-25")
    assert house.kinds("C1") == kinds


def test_without_a_date_the_first_import_is_going_live(house: House) -> None:
    house.at("2026-03-20 09:00").case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-20", "2026-04-20")
    assert house.kinds("C1") == ["baseline"]
    house.at("2026-04-20 09:00").case("C2", "2026-04-01 08:00 allocation")
    house.turns("2026-04-21", "2026-04-24")
    assert house.kinds("C2") == ["overdue", "escalation"]


def test_before_the_day_of_going_live_all_is_decided_and_nothing_sent(house: House) -> None:
    house.live("2026-03-20")
    house.case("C1", "2026-03-02 08:00 allocation")
    house.case("C2", "2026-03-12 08:00 allocation")
    assert house.turns("2026-03-02", "2026-03-19") == []
    assert house.kinds("C1") == ["(reminder)", "(due)", "(baseline)"]
    mails = house.turns("2026-03-20", "2026-03-23")
    assert [(mail.to, mail.subject) for mail in mails] == [
        ("m1@council.example", "Early Help: starting list, 1 past its date on Friday 20 March"),
        ("w1@council.example", "Early Help: 1 due by Thursday 26 March"),
    ]


def test_only_the_rules_that_are_live_are_told(house_of: Houses) -> None:
    house = house_of(VISIT + UNDATED)
    house.live(rules=["someday"])
    house.case("C1", "2026-03-02 08:00 allocation")
    mails = house.turns("2026-03-02", "2026-04-10")
    assert [lines_of(mail) for mail in mails] == [["C1  Some day"]]
    assert house.kinds("C1") == ["due"]


def test_a_rule_that_is_made_live_is_told_from_then_on(house_of: Houses) -> None:
    house = house_of(VISIT + UNDATED)
    house.live(rules=["someday"])
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-12")
    house.live()
    assert [lines_of(mail) for mail in house.turns("2026-03-13", "2026-03-16")] == [["C1  First visit"]] * 2


# ---- shadow


def test_shadow_decides_and_records_everything_and_sends_nothing(house: House) -> None:
    house.live(mode="shadow")
    house.case("C1", "2026-03-02 08:00 allocation")
    assert house.turns("2026-03-02", "2026-03-20") == []
    assert house.kinds("C1") == ["(reminder)", "(due)", "(overdue)", "(escalation)"]
    assert [(row.kind, row.recipient, row.state) for row in sorted(house.rows, key=lambda row: row.at)] == [
        ("reminder", "person:w1", "dropped"),
        ("due", "person:w1", "dropped"),
        ("overdue", "person:w1", "dropped"),
        ("escalation", "person:m1", "dropped"),
    ]
    assert {n.kept for n in house.notices("C1")} == {"shadow mode: decided and recorded, not sent"}
    assert [entry.act for entry in house.trail()].count("decide") == 4


def test_what_shadow_decided_is_what_would_have_been_told(house: House) -> None:
    """Two cases live through the same weeks, the first in shadow: the same notices, at the same times."""
    told: list[set[tuple[str, ...]]] = []
    for mode in ("shadow", "live"):
        house.live(mode=mode)
        ref = f"C-{mode}"
        house.at("2026-03-02 08:00").case(ref, "2026-03-02 08:00 allocation")
        house.turns("2026-03-02", "2026-03-20")
        told.append({(one.kind, str(one.at), one.recipient) for one in house.rows if one.case_ref == ref})
    assert told[0] == told[1]
    assert len(told[0]) == 4


def test_what_was_overdue_in_shadow_goes_up_to_nobody_afterwards(house: House) -> None:
    house.live(mode="shadow")
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-17")
    house.live("2026-03-18")
    house.turns("2026-03-18", "2026-03-27")
    assert "m1@council.example" not in {mail.to for mail in house.channel.taken if "now with you" in mail.subject}


def test_what_waits_when_shadow_is_switched_on_is_not_sent(house: House) -> None:
    house.live()
    house.at("2026-03-20 19:00").case("C1", "2026-03-02 08:00 allocation")
    house.turn("2026-03-20 19:00")
    assert house.states() == {"waiting": 1}
    house.live(mode="shadow")
    assert house.turns("2026-03-21", "2026-03-27") == []


def test_after_shadow_nothing_that_it_decided_is_sent_and_what_is_new_is(house: House) -> None:
    house.live(mode="shadow")
    for number in range(4):
        house.case(f"C{number}", "2026-03-02 08:00 allocation")
    house.case("D1", "2026-03-05 08:00 allocation")  # due on 19 March
    house.turns("2026-03-02", "2026-03-18")
    house.live()
    mails = house.turns("2026-03-18", "2026-03-19", ("10:00",))
    assert [lines_of(mail) for mail in mails if mail.to == "w1@council.example"] == [["D1  First visit"]]
    assert house.kinds("D1") == ["(reminder)", "due"]


def test_after_shadow_what_is_overdue_stands_in_one_list_a_team_and_is_not_escalated(house: House) -> None:
    house.live(mode="shadow")
    for number in range(4):
        house.case(f"C{number}", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-18")
    house.live()
    mails = house.turns("2026-03-18", "2026-04-20", ("08:30", "10:00"))
    assert [(mail.to, len(lines_of(mail))) for mail in mails] == [("m1@council.example", 4)]


# ---- settings and policy


def test_a_changed_policy_has_every_case_looked_at_in_the_next_tick(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turn("2026-03-03 08:30")
    house.set_rules(VISIT.replace("10 working days", "3 working days"), edition="2")
    assert house.tick("2026-03-03 08:31").cases == 1
    assert house.tick("2026-03-03 08:32").cases == 0


def test_people_who_change_have_every_case_looked_at(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turn("2026-03-03 08:30")
    house.at("2026-03-03 09:00").people()
    assert house.tick().cases == 1


# ---- holds and reopening


def test_nobody_is_nagged_in_a_hold_and_what_was_overdue_is_told_again_after_it(house: House) -> None:
    house.live()
    house.at("2026-03-20 19:00").case("C1", "2026-03-02 08:00 allocation")
    house.turn("2026-03-20 19:00")  # decided on a Friday evening, to be told on Monday morning
    house.at("2026-03-21 12:00").events("C1", "2026-03-21 12:00 hold_started")
    assert house.turns("2026-03-22", "2026-03-25") == []
    assert [row.why for row in house.rows] == ["the case is on hold"]
    house.at("2026-03-25 14:00").events("C1", "2026-03-25 14:00 hold_ended")
    assert [mail.subject for mail in house.turns("2026-03-26", "2026-03-26")] == ["Early Help: 1 past its date"]
    assert house.turns("2026-03-27", "2026-03-27")[0].to == "m1@council.example"


def test_a_reopened_case_is_told_anew(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-12")
    house.at("2026-03-12 10:00").events("C1", "2026-03-12 closed", "2026-03-13 reopened", "2026-03-13 10:00 allocation")
    house.turns("2026-03-13", "2026-03-27")
    assert [(n.episode, n.kind) for n in house.notices("C1")] == [(1, "reminder"), (2, "reminder"), (2, "due")]
