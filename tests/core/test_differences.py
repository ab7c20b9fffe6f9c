"""Why a due date that somebody else counted is not ours: one case a reason, counted by hand over Easter 2026."""

from datetime import date

import pytest

from ehscheduler.core.calendars import Calendar
from ehscheduler.core.differences import SAME, UNEXPLAINED, difference
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.policy_files import calendar_for
from tests.conftest import a_policy, an_event, evaluated

VISIT = """
[standard.visit]
title = "First visit"
clause = "1"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "worker"
may_extend = ["manager"]
"""
DAYS = VISIT.replace("10 working days", "14 days")
ROLLED = VISIT.replace('"10 working days after allocation"', '"14 days after allocation"\nroll = "next working day"')
EARLIER = '["10 working days after allocation", "30 days after referral_received"]'
EITHER = VISIT.replace(
    '"10 working days after allocation"', '["10 working days after allocation", "30 days after referral_received"]'
)
BEGIN = ["2026-03-23 referral_received", "2026-03-26 allocation"]
HELD = [*BEGIN, "2026-03-27T09:00 hold_started", "2026-04-02T09:00 hold_ended"]


def found(rules: str, lines: list[str], theirs: str) -> tuple[str, str]:
    policy = a_policy(rules)
    made: Evaluation = evaluated(policy, lines, "2026-04-03")
    (ours,) = [m for m in made.milestones if m.rule == "visit"]
    calendar: Calendar = calendar_for(policy)
    why = difference(ours, date.fromisoformat(theirs), calendar, [an_event(line) for line in lines])
    return why.why, why.said


@pytest.mark.parametrize(
    ("rules", "lines", "theirs", "why", "said"),
    [
        (VISIT, BEGIN, "2026-04-13", SAME, ""),
        (
            VISIT,
            BEGIN,
            "2026-04-05",
            "days of the calendar",
            "10 days of the calendar; the clause says 10 working",
        ),
        (VISIT, BEGIN, "2026-04-09", "bank holidays", "counts days off as working days (Good Friday, Easter Monday)"),
        (VISIT, BEGIN, "2026-04-10", "the first day", "counts the day of the event itself"),
        (VISIT, BEGIN, "2026-04-14", "the first day", "begins to count a day later"),
        (DAYS, BEGIN, "2026-04-17", "working days", "counts 14 working days; the clause says 14 days"),
        (ROLLED, ["2026-03-21 allocation"], "2026-04-04", "not moved to a working day", "the clause asks for it"),
        (VISIT, HELD, "2026-04-13", "a hold", "counts the days on which the case was on hold"),
        (
            VISIT,
            BEGIN,
            "2026-04-08",
            "another start",
            "from referral received on Monday 23 March 2026, ours",
        ),
        (
            VISIT,
            BEGIN,
            "2026-06-01",
            UNEXPLAINED,
            "theirs is 49 days later: 67 days, 43 of them working, after",
        ),
        (EITHER, BEGIN, "2026-04-22", "another limit", "30 days after referral received"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_a_date_is_told_by_the_way_it_was_counted(
    rules: str, lines: list[str], theirs: str, why: str, said: str
) -> None:
    group, sentence = found(rules, lines, theirs)
    assert (group, said in sentence) == (why, True), sentence


def test_a_later_date_that_was_agreed_is_what_theirs_leaves_out() -> None:
    detail = '{"rules": ["visit"], "until": "2026-04-20", "by_role": "manager", "reason": "illness"}'
    why, said = found(VISIT, [*BEGIN, f"2026-04-01T10:00 relaxation_agreed {detail}"], "2026-04-13")
    assert why == "a later date"
    assert said == "theirs leaves out the later date agreed on Wednesday 1 April 2026"


def test_in_an_open_hold_ours_has_no_date() -> None:
    why, said = found(VISIT, [*BEGIN, "2026-03-27T09:00 hold_started"], "2026-04-13")
    assert (why, said) == ("no date of ours", "the case is on hold, and ours has no date until that ends")
