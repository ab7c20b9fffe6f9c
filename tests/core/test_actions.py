"""Who is told what and when, and why somebody is not: the times of the machine contract (design 9)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import pairwise

import pytest
from core_samples import a_policy, planned, said, standing

from ehscheduler.core.actions import OverdueStep, actions, next_morning
from ehscheduler.core.calendars import Span
from ehscheduler.core.events import read_moment
from ehscheduler.core.milestones import Milestone
from ehscheduler.policy_files import calendar_for

VISIT = """
[standard.visit]
title = "Visited"
clause = "1"
due = "{due}"
met_by = ["home_visit", "spoken"]
unless = "plan_not_working"
owner = "lead"
tell = ["manager"]
remind = ["3 working days before", "on the day"]
[event.spoken]
of = "contact_made"
where = {{ method = "phone" }}
"""
DISPUTE = """
[standard.dispute]
title = "Resolved"
clause = "2"
due = "24 hours after each dispute_raised"
met_by = "dispute_resolved"
owner = "lead"
decided_by = "dispute"
[ladder.dispute]
title = "Disputes"
clause = "2"
steps = [
  { who = ["worker"],   due = "8 hours after dispute_raised" },
  { who = ["manager"],  due = "16 hours after dispute_raised", where = { not = { level = 4 } } },
  { who = ["director"], due = "24 hours after dispute_raised", final = true },
]
"""
CHAIN = """
[standard.chain]
title = "Resolved"
clause = "3"
due = "48 hours after dispute_raised"
met_by = "dispute_resolved"
owner = "lead"
decided_by = "chain"
[ladder.chain]
title = "Disputes"
clause = "3"
steps = [
  { who = ["worker", "manager"], together = true, due = "1 working day after step_reached" },
  { who = ["director"], due = "8 hours after step_reached" },
]
"""


# ---- day clocks

DAY_CLOCKS = [
    (
        "a-monday",
        "10 working days after allocation",
        "2026-03-02 allocation",
        [
            "Wed 11 Mar 08:30:00 reminder to lead",
            "Mon 16 Mar 08:30:00 due to lead, manager",
            "Tue 17 Mar 08:30:00 overdue to lead, manager",
        ],
    ),
    (
        "a-saturday-is-told-on-friday-and-missed-on-monday",
        "12 days after allocation",
        "2026-03-02 allocation",
        [
            "Wed 11 Mar 08:30:00 reminder to lead",
            "Fri 13 Mar 08:30:00 due to lead, manager",
            "Mon 16 Mar 08:30:00 overdue to lead, manager",
        ],
    ),
    (
        "a-friday-is-missed-on-monday",
        "11 days after allocation",
        "2026-03-02 allocation",
        [
            "Tue 10 Mar 08:30:00 reminder to lead",
            "Fri 13 Mar 08:30:00 due to lead, manager",
            "Mon 16 Mar 08:30:00 overdue to lead, manager",
        ],
    ),
    (
        "good-friday-is-told-on-maundy-thursday-and-missed-on-tuesday",
        "2 weeks after allocation",
        "2026-03-20 allocation",
        [
            "Tue 31 Mar 08:30:00 reminder to lead",
            "Thu 02 Apr 08:30:00 due to lead, manager",
            "Tue 07 Apr 08:30:00 overdue to lead, manager",
        ],
    ),
    (
        "the-morning-is-londons-in-summer-too",
        "10 working days after allocation",
        "2026-06-01 allocation",
        [
            "Wed 10 Jun 08:30:00 reminder to lead",
            "Mon 15 Jun 08:30:00 due to lead, manager",
            "Tue 16 Jun 08:30:00 overdue to lead, manager",
        ],
    ),
    (
        "a-hold-moves-them-all",
        "10 working days after allocation",
        "2026-03-02 allocation; 2026-03-04 hold_started; 2026-03-06 hold_ended",
        [
            "Fri 13 Mar 08:30:00 reminder to lead",
            "Wed 18 Mar 08:30:00 due to lead, manager",
            "Thu 19 Mar 08:30:00 overdue to lead, manager",
        ],
    ),
]


@pytest.mark.parametrize(("due", "lines", "expected"), [r[1:] for r in DAY_CLOCKS], ids=[r[0] for r in DAY_CLOCKS])
def test_a_day_clock_tells_by_the_morning_of_a_working_day(due: str, lines: str, expected: list[str]) -> None:
    last = lines.split("; ")[-1].split()[0]
    assert said(planned(VISIT.format(due=due), lines.split("; "), last, "2026-07-01")) == expected


def test_from_is_included_and_until_is_not() -> None:
    rules = VISIT.format(due="10 working days after allocation")
    lines = ["2026-03-02 allocation"]
    assert len(planned(rules, lines, "2026-03-11T08:30:00", "2026-03-16T08:30:00")) == 1
    assert len(planned(rules, lines, "2026-03-11T08:30:01", "2026-03-16T08:30:00")) == 0
    assert len(planned(rules, lines, "2026-03-11T08:30:00", "2026-03-16T08:30:01")) == 2


def test_the_aim_is_a_reminder() -> None:
    rules = VISIT.format(due="6 weeks after allocation").replace(
        "tell =", 'best_by = "4 weeks after allocation"\ntell ='
    )
    found = said(planned(rules, ["2026-03-06 allocation"], "2026-03-06", "2026-04-30"))
    # The aim is Good Friday, 3 April.
    assert found[0] == "Thu 02 Apr 08:30:00 reminder to lead"
    assert found[1:] == [
        "Tue 14 Apr 08:30:00 reminder to lead",
        "Fri 17 Apr 08:30:00 due to lead, manager",
        "Mon 20 Apr 08:30:00 overdue to lead, manager",
    ]


def test_a_reminder_that_would_lie_before_its_clock_comes_on_the_first_morning_after_it_starts() -> None:
    rules, since = VISIT.format(due="2 days after allocation"), "2026-03-02T14:00:00"
    assert planned(rules, [f"{since} allocation"], "2026-03-02", "2026-03-05") == []  # at midnight nothing is known
    found = said(planned(rules, [f"{since} allocation"], since, "2026-03-05"))
    assert found == ["Tue 03 Mar 08:30:00 reminder to lead", "Wed 04 Mar 08:30:00 due to lead, manager"]


def test_each_instance_of_a_rhythm_is_told_for_itself() -> None:
    rules = """
[rhythm.contact]
title = "Seen"
clause = "1"
every = "2 weeks"
from = "allocation"
met_by = "family_seen"
owner = "lead"
remind = "on the day"
"""
    found = planned(rules, ["2026-03-02 allocation", "2026-03-10 family_seen"], "2026-03-10", "2026-04-10")
    assert [(a.key, a.kind) for a in found if not a.kept] == [("contact/2", "due"), ("contact/2", "overdue")]
    assert {a.kept for a in found if a.key == "contact/1"} == {"it is done"}


# ---- hour clocks

HOURS = """
[standard.hours]
title = "Screened"
clause = "1"
due = "24 hours after received_into_team"
met_by = "referral_screened"
owner = "lead"
remind = "2 hours before"
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "2026-03-07T16:00:00 received_into_team",
            [
                "Sun 08 Mar 14:00:00 reminder to lead",
                "Sun 08 Mar 16:00:00 due to lead",
                "Sun 08 Mar 16:00:01 overdue to lead",
            ],
        ),
        (
            "2026-03-28T12:00:00 received_into_team",
            [
                "Sun 29 Mar 11:00:00 reminder to lead",
                "Sun 29 Mar 13:00:00 due to lead",
                "Sun 29 Mar 13:00:01 overdue to lead",
            ],
        ),
        (
            "2026-03-02 received_into_team",
            [
                "Tue 03 Mar 21:59:59 reminder to lead",
                "Tue 03 Mar 23:59:59 due to lead",
                "Wed 04 Mar 00:00:00 overdue to lead",
            ],
        ),
    ],
    ids=["over-a-sunday", "over-the-spring-change", "from-a-bare-date"],
)
def test_an_hour_clock_tells_at_the_instant(line: str, expected: list[str]) -> None:
    found = planned(HOURS, [line], line.split()[0], "2026-04-10")
    assert said(found) == expected
    assert all(action.immediate for action in found)


def test_at_once_is_told_at_once() -> None:
    rules = HOURS.replace("24 hours after", "at once after")
    found = planned(rules, ["2026-03-07T16:00:00 received_into_team"], "2026-03-07T16:00:00", "2026-04-10")
    assert said(found) == ["Sat 07 Mar 16:00:00 due to lead", "Sat 07 Mar 16:00:01 overdue to lead"]


# ---- no set time

UNDATED = """
[standard.some-time]
title = "Some time"
clause = "1"
due = "no set time after allocation"
met_by = "home_visit"
owner = "lead"
remind = ["3 working days before", "on the day"]
"""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("2026-03-02T07:00:00 allocation", "Mon 02 Mar 08:30:00 due to lead"),
        ("2026-03-02T08:30:00 allocation", "Mon 02 Mar 08:30:00 due to lead"),
        ("2026-03-02T08:30:01 allocation", "Tue 03 Mar 08:30:00 due to lead"),
        ("2026-03-07 allocation", "Mon 09 Mar 08:30:00 due to lead"),
        ("2026-04-02T17:00:00 allocation", "Tue 07 Apr 08:30:00 due to lead"),
    ],
    ids=["before-the-morning", "at-the-morning", "a-second-after", "a-saturday", "before-easter"],
)
def test_what_has_no_set_time_is_told_once_on_the_first_working_morning(line: str, expected: str) -> None:
    assert said(planned(UNDATED, [line], line.split()[0], "2026-06-01")) == [expected]


def test_what_opens_later_is_told_when_it_opens() -> None:
    rules = UNDATED.replace("due =", 'not_before = "5 working days after allocation"\ndue =')
    # The fifth working day after Mon 2 March is Mon 9; it opens on Tue 10.
    assert said(planned(rules, ["2026-03-02 allocation"], "2026-03-02", "2026-06-01")) == [
        "Tue 10 Mar 08:30:00 due to lead"
    ]


def test_a_reminder_before_the_opening_is_kept_back() -> None:
    rules = VISIT.format(due="3 weeks after allocation").replace(
        "tell =", 'not_before = "19 days after allocation"\ntell ='
    )
    found = planned(rules, ["2026-03-02 allocation"], "2026-03-02", "2026-03-23")
    # Due Mon 23 March, reminder Wed 18, open from Sun 22.
    assert [(action.kind, action.kept) for action in found] == [("reminder", "it does not open until later")]


# ---- disputes

RAISED = "2026-03-02T10:00:00 dispute_raised #D"


def test_each_rung_is_told_when_it_is_reached_and_the_final_one_each_working_morning() -> None:
    found = planned(DISPUTE, ["2026-03-06T10:00:00 dispute_raised #D"], "2026-03-06T10:00:00", "2026-03-11", level=3)
    assert [line for line in said(found) if "dispute" in line] == [
        "Fri 06 Mar 10:00:00 dispute 1 to worker",
        "Fri 06 Mar 18:00:01 dispute 2 to manager",
        "Sat 07 Mar 02:00:01 dispute 3 to director",
        "Mon 09 Mar 08:30:00 dispute 3 to director",
        "Tue 10 Mar 08:30:00 dispute 3 to director",
    ]
    assert [line for line in said(found) if "dispute" not in line] == [
        "Sat 07 Mar 10:00:00 due to lead",
        "Sat 07 Mar 10:00:01 overdue to lead",
    ]
    assert all(action.immediate for action in found)


def test_a_rung_that_is_not_for_this_case_is_left_out() -> None:
    found = said(planned(DISPUTE, [RAISED], "2026-03-02T10:00:00", "2026-03-03", level=4))
    assert found == ["Mon 02 Mar 10:00:00 dispute 1 to worker", "Mon 02 Mar 18:00:01 dispute 2 to director"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            "2026-03-02T11:00:00 dispute_escalated #D",
            ["10:00:00 dispute 1", "11:00:00 dispute 2", "02:00:01 dispute 3"],
        ),
        ("2026-03-02T11:00:00 dispute_escalated", ["10:00:00 dispute 1", "11:00:00 dispute 2", "02:00:01 dispute 3"]),
        (
            "2026-03-02T11:00:00 dispute_escalated #E",
            ["10:00:00 dispute 1", "18:00:01 dispute 2", "02:00:01 dispute 3"],
        ),
        (
            "2026-03-02T19:00:00 dispute_escalated #D",
            ["10:00:00 dispute 1", "18:00:01 dispute 2", "19:00:00 dispute 3"],
        ),
        ("2026-03-02 dispute_escalated #D", ["10:00:00 dispute 1", "10:00:00 dispute 2", "02:00:01 dispute 3"]),
        (
            "2026-03-02T09:59:59 dispute_escalated #D",
            ["10:00:00 dispute 1", "18:00:01 dispute 2", "02:00:01 dispute 3"],
        ),
    ],
    ids=["early", "without-a-ref", "another-dispute", "from-the-second", "a-bare-date-reading", "before-it-was-raised"],
)
def test_a_dispute_that_is_escalated_reaches_the_next_rung_at_once(line: str, expected: list[str]) -> None:
    policy = a_policy(DISPUTE)
    rungs = standing(policy, [RAISED, line], "2026-03-03T03:00:00", level=3).milestones[0].rungs
    assert [f"{rung.reached_at:%H:%M:%S} dispute {rung.stage}" for rung in rungs] == expected


def test_escalated_twice_it_is_at_the_last_rung() -> None:
    lines = [RAISED, "2026-03-02T11:00:00 dispute_escalated #D", "2026-03-02T11:30:00 dispute_escalated #D"]
    found = said(planned(DISPUTE, lines, "2026-03-02T11:30:00", "2026-03-04", level=3))
    assert [line for line in found if "dispute" in line] == [
        "Mon 02 Mar 11:30:00 dispute 3 to director",
        "Tue 03 Mar 08:30:00 dispute 3 to director",
    ]


def test_a_dispute_of_a_bare_date_starts_at_its_end() -> None:
    found = said(planned(DISPUTE, ["2026-03-02 dispute_raised #D"], "2026-03-02", "2026-03-04T12:00:00", level=3))
    assert found == [
        "Mon 02 Mar 23:59:59 dispute 1 to worker",
        "Tue 03 Mar 08:00:00 dispute 2 to manager",
        "Tue 03 Mar 16:00:00 dispute 3 to director",
        "Tue 03 Mar 23:59:59 due to lead",
        "Wed 04 Mar 00:00:00 overdue to lead",
        "Wed 04 Mar 08:30:00 dispute 3 to director",
    ]


def test_a_dispute_of_a_bare_date_can_be_escalated_on_that_date() -> None:
    lines = ["2026-03-02 dispute_raised #D", "2026-03-02T15:00:00 dispute_escalated #D"]
    rungs = standing(a_policy(DISPUTE), lines, "2026-03-03", level=3).milestones[0].rungs
    assert [rung.stage for rung in rungs if rung.reached_at <= read_moment("2026-03-03")[0]] == [1, 2]


def test_a_resolved_dispute_goes_no_further() -> None:
    lines = [RAISED, "2026-03-02T15:00:00 dispute_resolved #D"]
    milestone = standing(a_policy(DISPUTE), lines, "2026-03-04", level=3).milestones[0]
    assert [rung.stage for rung in milestone.rungs] == [1]
    assert said(planned(DISPUTE, lines, "2026-03-02T15:00:00", "2026-03-10", level=3)) == []


def test_a_dispute_in_a_hold_waits() -> None:
    lines = [RAISED, "2026-03-02T12:00:00 hold_started", "2026-03-02T15:00:00 hold_ended"]
    found = said(planned(DISPUTE, lines, "2026-03-02T15:00:00", "2026-03-03T08:00:00", level=3))
    assert found == ["Mon 02 Mar 21:00:01 dispute 2 to manager", "Tue 03 Mar 05:00:01 dispute 3 to director"]


def test_a_step_may_count_from_when_it_was_reached() -> None:
    found = said(planned(CHAIN, ["2026-03-06T10:00:00 dispute_raised"], "2026-03-06T10:00:00", "2026-03-12"))
    assert found == [
        "Fri 06 Mar 10:00:00 dispute 1 to worker, manager",
        "Sun 08 Mar 10:00:00 due to lead",
        "Sun 08 Mar 10:00:01 overdue to lead",
        "Tue 10 Mar 00:00:00 dispute 2 to director",
    ]


def test_a_blank_fact_that_hides_who_decides_in_the_end_is_a_problem() -> None:
    rules = DISPUTE.replace("final = true", 'final = true, where = { service = "early_help" }')
    found = standing(a_policy(rules), [RAISED], "2026-03-03", level=3)
    assert found.problems == ("C1: dispute: a fact is blank that says who decides in the end; fill it in",)


# ---- the council's own ladder for overdue work

LINE_MANAGER = [OverdueStep(("line_manager",), Span(1, "working day")), OverdueStep(("director",), Span(1, "week"))]


def test_overdue_work_climbs_the_councils_own_ladder_on_working_mornings() -> None:
    rules = VISIT.format(due="10 working days after allocation")
    found = planned(rules, ["2026-03-19 allocation"], "2026-03-19", "2026-06-01", ladder=LINE_MANAGER)
    # Due Thu 2 April; overdue Tue 7; one working day after that is Wed 8; a week is Tue 14.
    assert said(found)[2:] == [
        "Tue 07 Apr 08:30:00 overdue to lead, manager",
        "Wed 08 Apr 08:30:00 escalation 1 to line_manager",
        "Tue 14 Apr 08:30:00 escalation 2 to director",
    ]


def test_a_guide_and_a_dispute_climb_no_such_ladder() -> None:
    guide = VISIT.format(due="10 working days after allocation").replace("tell =", 'force = "guide"\ntell =')
    found = planned(guide, ["2026-03-02 allocation"], "2026-03-02", "2026-06-01", ladder=LINE_MANAGER)
    assert {action.kind for action in found} == {"reminder"}
    found = planned(DISPUTE, [RAISED], "2026-03-02T10:00:00", "2026-06-01", ladder=LINE_MANAGER, level=3)
    assert "escalation" not in {action.kind for action in found}


# ---- why nobody is told

KEPT = [
    ("done", "2026-03-05 home_visit", "it is done"),
    ("done-late", "2026-03-18 home_visit", "it is done"),
    ("closed", "2026-03-05 closed", "the case is closed"),
    ("unless", "2026-03-05 plan_not_working", "it no longer applies"),
    ("waived", '2026-03-05 attributes_changed {"level": 2}', "its condition no longer holds"),
    ("on-hold", "2026-03-05 hold_started", "the case is on hold"),
]


@pytest.mark.parametrize(("line", "reason"), [row[1:] for row in KEPT], ids=[row[0] for row in KEPT])
def test_each_notice_kept_back_gives_its_reason(line: str, reason: str) -> None:
    rules = VISIT.format(due="10 working days after allocation").replace("tell =", "where = { level = 3 }\ntell =")
    policy = a_policy(rules)
    found = standing(policy, ["2026-03-02 allocation", line], line.split()[0], level=3).milestones
    kept = actions(
        policy,
        calendar_for(policy),
        found,
        since=read_moment("2026-03-02")[0],
        until=read_moment("2026-06-01")[0],
    )
    assert {action.kept for action in kept} <= {reason}
    assert bool(kept) is (reason != "the case is on hold")  # on hold there is no date to tell of


def test_what_was_overdue_before_a_hold_is_kept_back_while_it_lasts() -> None:
    rules = VISIT.format(due="10 working days after allocation")
    found = planned(
        rules, ["2026-03-02 allocation", "2026-03-17T07:00:00 hold_started"], "2026-03-17T07:00:00", "2026-04-01"
    )
    assert [(action.kind, action.kept) for action in found] == [("overdue", "the case is on hold")]


# ---- keys and versions


def test_no_two_notices_share_a_key() -> None:
    rules = VISIT.format(due="10 working days after allocation") + DISPUTE
    lines = ["2026-03-02 allocation", "2026-03-02 dispute_raised #D", "2026-03-02 dispute_raised #E"]
    found = planned(rules, lines, "2026-03-02", "2026-04-01", ladder=LINE_MANAGER, level=3)
    assert len({action.notice_key for action in found}) == len(found)
    assert all(first.at <= second.at for first, second in pairwise(found))


@pytest.fixture
def version() -> Callable[[Sequence[str]], str]:
    def of(lines: Sequence[str]) -> str:
        policy = a_policy(VISIT.format(due="10 working days after allocation"))
        milestone: Milestone = standing(policy, lines, "2026-03-15").milestones[0]
        return milestone.due_version

    return of


@pytest.mark.parametrize(
    "line",
    [
        '2026-03-05 home_visit {"id": "X"}',
        '2026-03-05 contact_made {"id": "X", "method": "phone"}',
        '2026-03-05 closed {"id": "X"}',
        '2026-03-05 plan_not_working {"id": "X"}',
    ],
    ids=["evidence", "evidence-by-a-defined-word", "closure", "unless"],
)
def test_a_retraction_that_opens_a_milestone_again_changes_its_due_version(
    line: str, version: Callable[[Sequence[str]], str]
) -> None:
    before = version(["2026-03-02 allocation"])
    assert version(["2026-03-02 allocation", line, '2026-03-06 retracted {"event": "X"}']) != before


def test_a_retraction_of_something_else_leaves_the_due_version(version: Callable[[Sequence[str]], str]) -> None:
    lines = ["2026-03-02 allocation", '2026-03-05 taf_held {"id": "X"}', '2026-03-06 retracted {"event": "X"}']
    assert version(lines) == version(["2026-03-02 allocation"])


def test_the_due_version_follows_the_date(version: Callable[[Sequence[str]], str]) -> None:
    held = ["2026-03-02 allocation", "2026-03-04 hold_started"]
    assert version(["2026-03-02 allocation"]) == "20260316T235959Z"
    assert version(held) == "held"
    assert version([*held, "2026-03-06 hold_ended"]) == "20260318T235959Z"


def test_a_morning_is_half_past_eight_of_a_working_day() -> None:
    calendar = calendar_for(a_policy(HOURS))
    for text, expected in (
        ("2026-03-06T08:30:00", "2026-03-06T08:30:00"),
        ("2026-03-06T08:30:01", "2026-03-09T08:30:00"),
        ("2026-03-27T12:00:00", "2026-03-30T08:30:00"),
    ):
        found: datetime = next_morning(calendar, read_moment(text)[0])
        assert found == read_moment(expected)[0]
