"""A manager's week: who gets it, once, on which morning, and what it says."""

from dataclasses import replace

import pytest

from ehscheduler.core.people import Absence
from ehscheduler.daemon.weekly import tell_weekly
from ehscheduler.notify.channel import Outcome
from tests.daemon.house import LADDER, NAME, OK, PEOPLE, House, Mail, moment

MONDAY = "2026-03-09"


@pytest.fixture
def weekly(house: House) -> House:
    """A service that tells managers their week, with four cases: three of North, of which one is restricted."""
    house.set(ladders={NAME: LADDER}, weekly={NAME: {}})
    house.live()
    house.case("C1", "2026-02-16 08:00 allocation")  # the visit was due on Monday 2 March
    house.case("C2", "2026-02-26 08:00 allocation")  # due on Thursday 12 March
    house.case("C3", "2026-02-20 08:00 allocation", lead="w2", restricted=True)
    house.case("C4", "2026-03-06 08:00 allocation", lead="s1", team="South")  # due on Friday 20 March
    return house


def turn(house: House, at: str) -> list[Mail]:
    """Do a turn with the week in it, and return what left about a week."""
    before = len(house.channel.taken)
    house.at(at)
    house.tick()
    tell_weekly(house.desk, house.authority, house.now)
    house.deliver()
    return [mail for mail in house.channel.taken[before:] if "The week ahead" in mail.text]


def test_each_manager_gets_one_message_on_the_first_working_morning_and_not_again(weekly: House) -> None:
    assert turn(weekly, f"{MONDAY} 08:29") == []
    assert sorted(mail.to for mail in turn(weekly, f"{MONDAY} 08:30")) == ["m1@council.example", "m2@council.example"]
    for at in (f"{MONDAY} 08:31", "2026-03-10 08:30", "2026-03-13 16:00"):
        assert turn(weekly, at) == []
    assert len(turn(weekly, "2026-03-16 08:30")) == 2


def test_it_says_what_is_due_what_is_past_and_counts_what_is_restricted(weekly: House) -> None:
    weekly.turn("2026-03-03 08:30")
    weekly.turn("2026-03-04 08:30")
    (mine,) = [mail for mail in turn(weekly, f"{MONDAY} 08:30") if mail.to == "m1@council.example"]
    text = " ".join(mine.text.split())
    for said in (
        "The week ahead",
        "3 open cases; 1 due this week, 1 past the date.",
        "Last week: 0 done in time, 0 late.",
        "1 restricted case is counted here and not listed.",
        "Due this week C2 First visit (clause 1.1)",
        "Past the date C1 First visit (clause 1.1) Was due on Monday 2 March 2026, 7 days ago. ",
        "Owner: worker, Wren Worker.",
        "Told to step 1 of its ladder on Wednesday 4 March 2026.",
    ):
        assert said in text, said
    assert "C3" not in text
    assert "C4" not in text
    assert mine.subject == "Early Help: the week in North, 1 due, 1 past its date"


def test_what_was_done_last_week_is_a_count_and_no_line(weekly: House) -> None:
    weekly.events("C1", "2026-03-05 12:00 home_visit")
    weekly.events("C2", "2026-03-05 12:00 home_visit")
    (mine,) = [mail for mail in turn(weekly, f"{MONDAY} 08:30") if mail.to == "m1@council.example"]
    text = " ".join(mine.text.split())
    assert "0 due this week, 0 past the date. Last week: 1 done in time, 1 late." in text
    assert "C1" not in text
    assert mine.subject == "Early Help: the week in North, nothing due"


def test_who_manages_two_teams_has_them_apart_in_one_message(weekly: House) -> None:
    weekly.people(*(replace(one, line_manager_id="m1") if one.person_id == "s1" else one for one in PEOPLE))
    (mine,) = [mail for mail in turn(weekly, f"{MONDAY} 08:30") if mail.to == "m1@council.example"]
    assert mine.subject == "Early Help: the week in 2 teams, 1 due, 1 past its date"
    assert mine.flat.index("North ----- 3 open") < mine.flat.index("South ----- 1 open")


def test_who_covers_a_manager_gets_it_and_nobody_twice(weekly: House) -> None:
    away = moment(MONDAY).date()
    weekly.away(Absence("m1", away, away, "m2"), Absence("w1", away, away))
    (mine,) = turn(weekly, f"{MONDAY} 08:30")
    assert mine.to == "m2@council.example"
    assert "Wren Worker is away until Monday 9 March 2026, and nobody stands in." in " ".join(mine.text.split())


def test_a_manager_who_does_not_work_on_mondays_gets_it_on_tuesday(weekly: House) -> None:
    weekly.people(*(replace(p, works=("tue", "wed")) if p.person_id == "m1" else p for p in PEOPLE))
    assert [mail.to for mail in turn(weekly, f"{MONDAY} 08:30")] == ["m2@council.example"]
    assert [mail.to for mail in turn(weekly, "2026-03-10 08:30")] == ["m1@council.example"]


def test_on_a_bank_holiday_it_comes_the_morning_after(weekly: House) -> None:
    assert turn(weekly, "2026-04-06 08:30") == []  # Easter Monday
    assert len(turn(weekly, "2026-04-07 08:30")) == 2


def test_another_day_and_other_roles_may_be_named(weekly: House) -> None:
    weekly.set(weekly={NAME: {"on": "wednesday", "to": ["director"]}})
    assert turn(weekly, "2026-03-10 08:30") == []
    (mine,) = turn(weekly, "2026-03-11 08:30")
    assert mine.to == "d1@council.example"
    assert "North" in mine.text
    assert "South" in mine.text


def test_without_the_table_nobody_gets_one(weekly: House) -> None:
    weekly.set(weekly={})
    assert turn(weekly, f"{MONDAY} 08:30") == []


def test_in_shadow_it_is_decided_and_kept(weekly: House) -> None:
    weekly.live(mode="shadow")
    assert turn(weekly, f"{MONDAY} 08:30") == []
    kept = {notice.kept for notice in weekly.notices("") if notice.kind == "weekly"}
    assert len(kept) == 1
    assert None not in kept


def test_after_three_weeks_away_the_last_week_alone_is_told(weekly: House) -> None:
    weekly.channel.script = [Outcome("temporary", "no answer", about="channel")]
    turn(weekly, f"{MONDAY} 08:30")
    turn(weekly, "2026-03-16 08:30")
    weekly.channel.script = [OK]
    found = turn(weekly, "2026-03-30 10:00")
    assert sorted(mail.to for mail in found) == ["m1@council.example", "m2@council.example"]
    late = {row.why for row in weekly.rows if row.kind == "weekly" and row.state == "dropped"}
    assert late <= {"the week is over", "a later notice says as much"}
    assert late


def test_a_manager_who_left_since_it_was_decided_gets_nothing(weekly: House) -> None:
    weekly.at(f"{MONDAY} 08:30")
    weekly.tick()
    tell_weekly(weekly.desk, weekly.authority, weekly.now)
    weekly.people(*(p for p in PEOPLE if p.person_id != "m1"))
    weekly.deliver()
    dropped = {row.why for row in weekly.rows if row.recipient == "person:m1" and row.kind == "weekly"}
    assert dropped == {"the team is somebody else's now, or has no open cases"}


def test_an_open_dispute_is_the_first_thing_in_it(weekly: House) -> None:
    weekly.set_rules(VISIT_AND_DISPUTE)
    weekly.events("C2", '2026-03-05 09:00 dispute_raised #D1 {"about": "threshold"}')
    (mine,) = [mail for mail in turn(weekly, f"{MONDAY} 08:30") if mail.to == "m1@council.example"]
    text = " ".join(mine.text.split())
    assert text.index("To be decided C2 Threshold dispute (clause 4.1) Raised on Thursday 5 March 2026;") < text.index(
        "Due this week"
    )
    assert mine.subject == "Early Help: the week in North, 1 decision, 1 due, 1 past its date"


VISIT_AND_DISPUTE = """
[standard.visit]
title = "First visit"
clause = "1.1"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "worker"
remind = ["3 working days before", "on the day"]
[ladder.threshold]
title = "Threshold disputes"
clause = "4.2"
steps = [
  { who = ["manager"], due = "5 working days after dispute_raised" },
  { who = ["director"], due = "10 working days after dispute_raised", final = true },
]
[standard.threshold]
title = "Threshold dispute"
clause = "4.1"
due = "no set time after each dispute_raised"
met_by = "dispute_resolved"
owner = "manager"
decided_by = "threshold"
"""


def test_a_long_team_is_cut_at_two_hundred_lines_and_says_so(weekly: House) -> None:
    weekly.cases([f"L{n:03}" for n in range(230)], "2026-02-26 08:00 allocation")
    (mine,) = [mail for mail in turn(weekly, f"{MONDAY} 08:30") if mail.to == "m1@council.example"]
    text = " ".join(mine.text.split())
    assert text.count("First visit (clause 1.1)") == 200
    assert "32 more lines do not fit in here." in text
