"""So many times a week or a month, on hold: the week stands still, and the next begins after it (design 4.11)."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from core_samples import a_policy, standing

from ehscheduler.core.explain import proof
from ehscheduler.policy_files import calendar_for

RULES = """
[rhythm.contact]
title = "Contact"
clause = "9"
every = "{times}"
from = "allocation"
met_by = "contact_made"
owner = "worker"
"""
ALLOCATED = "2026-03-02 allocation"


def weeks(lines: list[str], at: str, times: str = "2 times a week") -> dict[str, tuple[str, str]]:
    found = standing(a_policy(RULES.format(times=times)), lines, at).milestones
    return {m.key: (m.due_on.isoformat() if m.due_on else "", m.state) for m in found}


def test_a_week_is_as_many_days_longer_as_were_held_and_the_next_begins_after_it() -> None:
    # On hold from Monday the 9th until Wednesday the 25th: the second week is the 25th to the 31st.
    lines = [ALLOCATED, "2026-03-03 contact_made", "2026-03-04 contact_made", "2026-03-09 hold_started"]
    lines += ["2026-03-25 hold_ended"]
    assert weeks(lines, "2026-03-26") == {"contact/1": ("2026-03-08", "met"), "contact/2": ("2026-03-31", "upcoming")}
    assert weeks(lines, "2026-03-31T23:59:59")["contact/2"] == ("2026-03-31", "due")
    assert list(weeks(lines, "2026-03-31T23:59:59")) == ["contact/1", "contact/2"]
    assert weeks(lines, "2026-04-01") == {
        "contact/1": ("2026-03-08", "met"),
        "contact/2": ("2026-03-31", "overdue"),
        "contact/3": ("2026-04-07", "upcoming"),
    }


@pytest.mark.parametrize(
    ("held", "last"),
    [
        (("2026-03-08T23:59:59", "2026-03-09T00:00:00"), "2026-03-09"),
        (("2026-03-08T00:00:00", "2026-03-08T23:59:59"), "2026-03-08"),
        (("2026-03-02", "2026-03-04"), "2026-03-10"),
        (("2026-02-20", "2026-03-04"), "2026-03-10"),
    ],
    ids=["over-its-last-end", "within-its-last-day", "from-its-first-day", "since-before"],
)
def test_a_day_of_a_week_counts_unless_the_case_is_on_hold_at_its_end(held: tuple[str, str], last: str) -> None:
    lines = [ALLOCATED, f"{held[0]} hold_started", f"{held[1]} hold_ended"]
    assert weeks(lines, "2026-03-11")["contact/1"] == (last, "overdue")


def test_in_an_open_hold_a_week_has_no_end_and_none_begins_after_it() -> None:
    lines = [ALLOCATED, "2026-03-11 hold_started"]
    assert weeks(lines, "2026-04-30") == {"contact/1": ("2026-03-08", "on_hold"), "contact/2": ("", "on_hold")}


def test_a_week_that_was_met_before_a_hold_keeps_its_last_day_and_the_next_still_waits() -> None:
    lines = [ALLOCATED, "2026-03-02 contact_made", "2026-03-03 contact_made", "2026-03-04 hold_started"]
    lines += ["2026-03-11 hold_ended"]
    # The 4th to the 10th are held: of the first week the 11th to the 15th are left.
    assert weeks(lines, "2026-03-15") == {"contact/1": ("2026-03-08", "met")}
    assert weeks(lines, "2026-03-16")["contact/2"] == ("2026-03-22", "upcoming")


def test_a_month_stands_still_as_well() -> None:
    # A month from Saturday 31 January ends on Friday 27 February; ten days of it are held.
    lines = ["2026-01-31 allocation", "2026-02-10 hold_started", "2026-02-20 hold_ended"]
    assert weeks(lines, "2026-03-09", "1 times a month")["contact/1"] == ("2026-03-09", "due")
    months = weeks(lines, "2026-03-10", "1 times a month")
    assert months == {"contact/1": ("2026-03-09", "overdue"), "contact/2": ("2026-04-09", "upcoming")}


def test_what_runs_through_the_hold_runs_through_it() -> None:
    rules = RULES.format(times="2 times a week") + 'runs_through = ["hold"]\n'
    found = standing(a_policy(rules), [ALLOCATED, "2026-03-04 hold_started"], "2026-03-09").milestones
    assert [m.due_on.isoformat() for m in found if m.due_on] == ["2026-03-08", "2026-03-15"]


def test_a_stranger_counts_a_weeks_last_day_again() -> None:
    policy = a_policy(RULES.format(times="2 times a week"))
    lines = [ALLOCATED, "2026-03-02 hold_started", "2026-03-04 hold_ended", "2026-03-12 hold_started"]
    found = standing(policy, [*lines, "2026-03-15 hold_ended"], "2026-03-20").milestones
    cards = [proof(m, policy, calendar_for(policy)) for m in found]
    recount = [sys.executable, "-I", str(Path(__file__).with_name("recount.py"))]
    told = subprocess.run(recount, input=json.dumps(cards), capture_output=True, text=True, check=True).stdout
    assert [line[:20] for line in told.splitlines()] == ["contact/1\t2026-03-10", "contact/2\t2026-03-20"]
    assert [card["due_on"] for card in cards] == ["2026-03-10", "2026-03-20"]
    assert cards[1]["why"][0] == "2 times from Wednesday 11 March 2026 to Friday 20 March 2026, that week's last day."
    assert [day["number"] for day in cards[1]["walk"]] == [1, None, None, None, 2, 3, 4, 5, 6, 7]
