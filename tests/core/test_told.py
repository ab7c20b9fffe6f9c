"""When a notice comes whose own time would be lost: before its limit was set, in a hold, or at midnight."""

import pytest
from core_samples import ever_said, planned, said

from ehscheduler.core.actions import OverdueStep
from ehscheduler.core.calendars import Span

THIRD = """
[rhythm.third]
title = "At every third"
clause = "1"
every = "3rd family_seen"
from = "allocation"
met_by = "voice_recorded"
owner = "lead"
remind = ["3 working days before", "on the day"]
"""
SEEN_TWICE = ["2026-03-02 allocation", "2026-03-03 family_seen", "2026-03-04 family_seen"]


# ---- a limit that an event sets on its own day


@pytest.mark.parametrize(
    ("third", "due"),
    [
        ("2026-03-06T08:30:00", "Fri 06 Mar 08:30:00 due to lead"),
        ("2026-03-06T08:30:01", "Fri 06 Mar 08:30:01 due to lead"),
        ("2026-03-06T23:00:00", "Fri 06 Mar 23:00:00 due to lead"),
        ("2026-03-07T10:00:00", "Sat 07 Mar 10:00:00 due to lead"),
        ("2026-03-07", "Sat 07 Mar 08:30:00 due to lead"),
        ("2026-03-06", "Fri 06 Mar 08:30:00 due to lead"),
    ],
    ids=["by-the-morning", "a-second-later", "at-night", "a-saturday", "a-bare-saturday", "a-bare-date"],
)
def test_what_falls_due_at_the_third_is_told_when_the_third_has_happened(third: str, due: str) -> None:
    found = said(planned(THIRD, [*SEEN_TWICE, f"{third} family_seen"], third, "2026-03-10"))
    assert found == [due, "Mon 09 Mar 08:30:00 overdue to lead"]


def test_a_limit_that_a_later_event_sets_is_told_after_that_event() -> None:
    rules = """
[standard.looked-at]
title = "Looked at"
clause = "1"
due = ["6 weeks after allocation", "same day as assessment_completed", "1 working day after plan_completed"]
met_by = "oversight_noted"
owner = "lead"
remind = "2 working days before"
"""
    lines = ["2026-03-02 allocation", "2026-03-12T15:00:00 assessment_completed"]
    assert said(planned(rules, lines, "2026-03-12T15:00:00", "2026-03-14")) == [
        "Thu 12 Mar 15:00:00 due to lead",
        "Fri 13 Mar 08:30:00 overdue to lead",
    ]
    lines[1] = "2026-03-12T15:00:00 plan_completed"
    assert said(planned(rules, lines, "2026-03-12T15:00:00", "2026-03-14")) == ["Fri 13 Mar 08:30:00 due to lead"]


def test_a_phase_that_begins_after_its_limit_is_told_on_the_day_it_begins() -> None:
    rules = """
[rhythm.contact]
title = "Seen"
clause = "1"
met_by = "family_seen"
owner = "lead"
remind = "on the day"
phases = [
  { name = "slow", every = "6 weeks", from = "allocation" },
  { name = "quick", every = "1 week", from = "taf_held" },
]
"""
    lines = ["2026-03-02 allocation", "2026-03-18T14:00:00 taf_held"]
    assert said(planned(rules, lines, "2026-03-18T14:00:00", "2026-03-20")) == [
        "Wed 18 Mar 14:00:00 due to lead",
        "Thu 19 Mar 08:30:00 overdue to lead",
    ]


# ---- at once, and the day is all that is known

AT_ONCE = """
[standard.at-once]
title = "At once"
clause = "1"
due = "at once after concern_raised"
met_by = "contact_made"
owner = "lead"
remind = ["3 working days before", "on the day"]
"""


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-03-12", ["Thu 12 Mar 08:30:00 due to lead", "Fri 13 Mar 00:00:00 overdue to lead"]),
        ("2026-03-07", ["Sat 07 Mar 08:30:00 due to lead", "Sun 08 Mar 00:00:00 overdue to lead"]),
        ("2026-03-12T00:00:00", ["Thu 12 Mar 00:00:00 due to lead", "Thu 12 Mar 00:00:01 overdue to lead"]),
        ("2026-03-12T00:00:01", ["Thu 12 Mar 00:00:01 due to lead", "Thu 12 Mar 00:00:02 overdue to lead"]),
    ],
    ids=["a-bare-date", "a-bare-saturday", "at-midnight", "a-second-after"],
)
def test_what_is_due_at_once_on_a_bare_date_is_announced_in_the_morning(when: str, expected: list[str]) -> None:
    found = planned(AT_ONCE, [f"{when} concern_raised"], when, "2026-03-14")
    assert said(found) == expected
    assert all(action.immediate for action in found)


def test_a_reminder_of_a_clock_that_begins_with_a_bare_date_wakes_nobody() -> None:
    rules = AT_ONCE.replace("at once", "24 hours")
    found = said(planned(rules, ["2026-03-12 concern_raised"], "2026-03-12", "2026-03-13"))
    assert found == ["Thu 12 Mar 08:30:00 reminder to lead"]


# ---- holds

VISIT = """
[standard.visit]
title = "Visited"
clause = "1"
due = "{due}"
met_by = "home_visit"
owner = "lead"
remind = "{remind}"
"""
LADDER = [OverdueStep(("line_manager",), Span(1, "working day")), OverdueStep(("director",), Span(1, "week"))]


def of_a_visit(lines: list[str], due: str = "1 week after allocation", remind: str = "on the day") -> list[str]:
    return ever_said(VISIT.format(due=due, remind=remind), lines, "2026-03-31", ladder=LADDER)


def test_what_fell_overdue_just_before_a_hold_is_told_when_it_has_ended() -> None:
    # Due on Friday 13 March; on hold from Saturday until Friday the 20th.
    lines = ["2026-03-06 allocation", "2026-03-14 hold_started", "2026-03-20 hold_ended"]
    expected = [
        "Fri 20 Mar 08:30:00 overdue to lead",
        "Mon 23 Mar 08:30:00 escalation 1 to line_manager",
        "Fri 27 Mar 08:30:00 escalation 2 to director",
    ]
    rules = VISIT.format(due="1 week after allocation", remind="on the day")
    assert said(planned(rules, lines, "2026-03-20", "2026-04-20", ladder=LADDER)) == expected
    assert of_a_visit(lines)[1:] == expected


@pytest.mark.parametrize(
    ("start", "end", "overdue"),
    [
        ("2026-03-16T08:30:00", "2026-03-18T08:30:00", "Wed 18 Mar"),
        ("2026-03-16T08:30:01", "2026-03-18T08:30:00", "Mon 16 Mar"),
        ("2026-03-16T07:00:00", "2026-03-18T08:30:01", "Thu 19 Mar"),
        ("2026-03-16T07:00:00", "2026-03-16T08:30:00", "Mon 16 Mar"),
        ("2026-03-16T07:00:00", "2026-03-16T08:30:01", "Tue 17 Mar"),
        ("2026-03-16T07:00:00", "2026-03-21T12:00:00", "Mon 23 Mar"),
    ],
    ids=["on-hold-that-second", "a-second-after", "ends-a-second-late", "ends-in-time", "ends-after", "on-a-saturday"],
)
def test_overdue_comes_on_the_first_morning_on_which_the_case_is_not_on_hold(
    start: str, end: str, overdue: str
) -> None:
    found = of_a_visit(["2026-03-06 allocation", f"{start} hold_started", f"{end} hold_ended"])
    assert f"{overdue} 08:30:00 overdue to lead" in found


def test_two_holds_on_end_are_one_silence() -> None:
    lines = ["2026-03-06 allocation", "2026-03-14 hold_started", "2026-03-18 hold_ended", "2026-03-18 hold_started"]
    assert "Mon 23 Mar 08:30:00 overdue to lead" in of_a_visit([*lines, "2026-03-21 hold_ended"])


@pytest.mark.parametrize(
    ("start", "first", "second"),
    [("2026-03-16T12:00:00", "Fri 20 Mar", "Thu 26 Mar"), ("2026-03-17T12:00:00", "Tue 17 Mar", "Wed 25 Mar")],
    ids=["before-the-first-rung", "between-the-rungs"],
)
def test_the_councils_own_ladder_stands_still_in_a_hold(start: str, first: str, second: str) -> None:
    # Told to the owner on Monday 16 March; the hold ends on the 20th.
    found = of_a_visit(["2026-03-06 allocation", f"{start} hold_started", "2026-03-20T00:00:00 hold_ended"])
    assert found[1:] == [
        "Mon 16 Mar 08:30:00 overdue to lead",
        f"{first} 08:30:00 escalation 1 to line_manager",
        f"{second} 08:30:00 escalation 2 to director",
    ]


def test_the_protocols_own_rungs_wait_for_the_end_of_a_hold_too() -> None:
    rules = VISIT.format(due="1 week after allocation", remind="on the day").replace(
        "owner =", 'escalate = "up"\nowner ='
    )
    rules += """
[ladder.up]
title = "Overdue work"
clause = "1"
steps = [
  { who = ["manager"], due = "2 working days after step_reached" },
  { who = ["director"], due = "1 week after step_reached", final = true },
]
"""
    # Reached on Saturday the 14th, at its first second; two working days on, the hold left out, is Tuesday the 24th.
    lines = ["2026-03-06 allocation", "2026-03-14 hold_started", "2026-03-20 hold_ended"]
    found = [line for line in ever_said(rules, lines, "2026-03-31") if "escalation" in line]
    assert found[:2] == [
        "Fri 20 Mar 08:30:00 escalation 1 to manager",
        "Tue 24 Mar 08:30:00 escalation 2 to director",
    ]
    # A hold between two of its mornings leaves those out on which the case was on hold.
    again = ["2026-03-06 allocation", "2026-03-20T12:00:00 hold_started", "2026-03-25T12:00:00 hold_ended"]
    found = [line[:10] for line in ever_said(rules, again, "2026-03-31") if "escalation 2" in line]
    assert found[:4] == ["Wed 18 Mar", "Thu 19 Mar", "Fri 20 Mar", "Thu 26 Mar"]


@pytest.mark.parametrize(
    ("start", "overdue"),
    [("2026-03-12T10:00:01", "Thu 12 Mar 15:00:00"), ("2026-03-12T10:00:02", "Thu 12 Mar 10:00:01")],
    ids=["on-hold-that-second", "a-second-after"],
)
def test_an_hour_clock_that_ran_over_in_a_hold_is_told_the_instant_it_ends(start: str, overdue: str) -> None:
    lines = ["2026-03-11T10:00:00 allocation", f"{start} hold_started", "2026-03-12T15:00:00 hold_ended"]
    found = of_a_visit(lines, "24 hours after allocation")
    assert [line for line in found if "overdue" in line] == [f"{overdue} overdue to lead"]


def test_a_dispute_raised_in_a_hold_is_told_the_instant_it_ends() -> None:
    rules = """
[standard.dispute]
title = "Resolved"
clause = "2"
due = "24 hours after dispute_raised"
met_by = "dispute_resolved"
owner = "lead"
decided_by = "deciders"
[ladder.deciders]
title = "Disputes"
clause = "2"
steps = [
  { who = ["manager"], due = "8 hours after dispute_raised" },
  { who = ["director"], due = "1 day after step_reached" },
]
"""
    lines = ["2026-03-02 hold_started", "2026-03-03T10:00:00 dispute_raised", "2026-03-04T22:00:00 hold_ended"]
    assert ever_said(rules, lines, "2026-03-31")[:2] == [
        "Wed 04 Mar 22:00:00 dispute 1 to manager",
        "Thu 05 Mar 06:00:01 dispute 2 to director",
    ]


@pytest.mark.parametrize(
    ("end", "due"),
    [
        ("2026-03-20", "Fri 20 Mar 08:30:00"),
        ("2026-03-20T08:30:00", "Fri 20 Mar 08:30:00"),
        ("2026-03-20T08:30:01", "Fri 20 Mar 08:30:01"),
    ],
    ids=["a-bare-date", "by-the-morning", "a-second-later"],
)
def test_what_is_due_on_the_day_on_which_a_hold_ends_is_told_that_day(end: str, due: str) -> None:
    # Due on Friday 13 March, which is held, as are the six days after it.
    found = of_a_visit(["2026-03-06 allocation", "2026-03-13T07:00:00 hold_started", f"{end} hold_ended"])
    assert found[0] == f"{due} due to lead"
    assert found[1] == "Mon 23 Mar 08:30:00 overdue to lead"


def test_what_has_no_set_time_and_opened_in_a_hold_is_told_when_it_has_ended() -> None:
    lines = ["2026-03-10 hold_started", "2026-03-11 allocation", "2026-03-13T12:00:00 hold_ended"]
    assert of_a_visit(lines, "no set time after allocation") == ["Mon 16 Mar 08:30:00 due to lead"]


def test_a_reminder_that_was_had_before_a_hold_is_not_had_again_after_it() -> None:
    # Due on Friday 13 March and reminded on the 10th; held from Thursday until Wednesday, and then due on Thursday.
    lines = ["2026-03-02 allocation", "2026-03-12 hold_started", "2026-03-18 hold_ended"]
    found = of_a_visit(lines, "9 working days after allocation", "3 working days before")
    assert "Mon 16 Mar 08:30:00 reminder to lead" in found
    assert "Thu 19 Mar 08:30:00 due to lead" in found
    assert sum("reminder" in line for line in found) == 1


def test_a_reminder_that_would_lie_before_a_clock_that_began_in_a_hold_comes_when_it_has_ended() -> None:
    # Due on Friday the 20th: of the days after Tuesday the 17th, only that one is not held.
    lines = ["2026-03-16 hold_started", "2026-03-17T10:00:00 allocation", "2026-03-19T10:00:00 hold_ended"]
    found = of_a_visit(lines, "2 working days after allocation", "3 working days before")
    assert found[:2] == ["Fri 20 Mar 08:30:00 due to lead", "Mon 23 Mar 08:30:00 overdue to lead"]
    found = of_a_visit(lines, "3 working days after allocation", "5 working days before")
    assert found[:2] == ["Fri 20 Mar 08:30:00 reminder to lead", "Mon 23 Mar 08:30:00 due to lead"]


def test_a_due_notice_that_its_own_limit_overtook_in_a_hold_stays_untold() -> None:
    # The date passed while the case was on hold: what is told afterwards is that it is over.
    lines = ['2026-03-02 attributes_changed {"performance_date": "2026-03-19"}', "2026-03-18 hold_started"]
    rules = VISIT.format(due="by case performance_date", remind="on the day")
    found = planned(rules, [*lines, "2026-03-23 hold_ended"], "2026-03-23", "2026-04-01")
    assert said(found) == ["Mon 23 Mar 08:30:00 overdue to lead"]
