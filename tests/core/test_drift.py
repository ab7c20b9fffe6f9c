"""Signs of drift: each comes on its day and not the day before, with its evidence; order of concern."""

from collections.abc import Sequence

import pytest

from ehscheduler.core.calendars import Span, end_of_day
from ehscheduler.core.drift import OURS, Drifting, Numbers, drifting
from ehscheduler.core.evaluate import evaluate
from ehscheduler.core.events import Case, read_moment
from ehscheduler.policy_files import calendar_for
from tests.core.core_samples import a_policy, line_event

RULES = """
[event.stuck]
title = "Flagged as stuck"
clause = "9"
[event.stalled]
title = "The case has stalled"
clause = "9"
any = ["stuck", "plan overdue"]
[event.presented]
title = "Presented"
clause = "9"
[standard.plan]
title = "Plan"
clause = "1"
due = "10 days after allocation"
met_by = "plan_completed"
owner = "worker"
may_extend = ["manager"]
[standard.advice]
title = "Advice"
clause = "2"
force = "guide"
due = "1 day after allocation"
met_by = "genogram_completed"
owner = "worker"
[standard.end]
title = "Closed by its end"
clause = "3"
due = "90 days after allocation"
met_by = "closed"
owner = "worker"
[standard.panel]
title = "Taken to the panel"
clause = "9"
due = "no set time after each stalled"
met_by = "presented"
owner = "worker"
[rhythm.contact]
title = "Contact"
clause = "4"
force = "guide"
every = "2 weeks"
from = "allocation"
met_by = ["family_seen", "home_visit"]
owner = "worker"
[rhythm.supervision]
title = "Supervision"
clause = "5"
every = "30 days"
from = "allocation"
met_by = "supervision_held"
owner = "worker"
[rhythm.review]
title = "Review"
clause = "6"
every = "40 days"
from = "allocation"
met_by = "review_held"
owner = "worker"
may_extend = ["manager"]
"""
POLICY = a_policy(RULES)
CALENDAR = calendar_for(POLICY)
START = "2026-06-01 allocation"
AGREED = '{"by_role": "manager", "rules": ["%s"], "until": "%s"}'


def drift(day: str, lines: Sequence[str], numbers: Numbers = OURS) -> Drifting | None:
    """Work out the signs of one case at the end of a day."""
    now = end_of_day(read_moment(day)[2])
    events = [line_event(line) for line in lines]
    found = evaluate(POLICY, CALENDAR, Case("C1", {}), events, now)
    return drifting(POLICY, CALENDAR, found, events, now, numbers)


def signs(day: str, lines: Sequence[str], numbers: Numbers = OURS) -> list[str]:
    one = drift(day, lines, numbers)
    return [signal.name for signal in one.signals] if one else []


# A month of steady work, so that each row below adds the one thing that it is about.
STEADY = (
    START,
    "2026-06-05 plan_completed",
    "2026-06-12 family_seen",
    "2026-06-25 family_seen",
    "2026-06-26 supervision_held",
)

ON_ITS_DAY = [
    # (what, a day without the sign, the next day with it, the sign, events)
    ("a review 10 working days over its limit", "2026-07-24", "2026-07-25", "overdue", STEADY),
    ("the protocol's own word", "2026-06-11", "2026-06-12", "named", (START,)),
    ("a flag by hand", "2026-07-01", "2026-07-02", "named", (*STEADY, "2026-07-02 stuck")),
    ("two intervals without contact", "2026-07-23", "2026-07-24", "contact", STEADY),
    ("supervision a day late", "2026-07-26", "2026-07-27", "supervision", STEADY),
    ("nothing recorded for four weeks", "2026-07-24", "2026-07-25", "silent", STEADY),
    ("open past its end", "2026-08-30", "2026-08-31", "span", STEADY),
    (
        "a review that was put off twice",
        "2026-07-01",
        "2026-07-02",
        "review",
        (
            *STEADY,
            "2026-06-30 relaxation_agreed " + AGREED % ("review", "2026-07-20"),
            "2026-07-02 relaxation_agreed " + AGREED % ("review", "2026-07-27"),
        ),
    ),
    (
        "a plan that was put off twice",
        "2026-06-08",
        "2026-06-09",
        "relaxed",
        (
            START,
            "2026-06-08 relaxation_agreed " + AGREED % ("plan", "2026-06-20"),
            "2026-06-09 relaxation_agreed " + AGREED % ("plan", "2026-06-24"),
        ),
    ),
    (
        "an agreed date that has passed with the work undone",
        "2026-06-20",
        "2026-06-21",
        "lapsed",
        (START, "2026-06-08 relaxation_agreed " + AGREED % ("plan", "2026-06-20")),
    ),
]


@pytest.mark.parametrize(
    ("before", "on", "sign", "lines"), [row[1:] for row in ON_ITS_DAY], ids=[r[0] for r in ON_ITS_DAY]
)
def test_a_sign_comes_on_its_day_and_not_the_day_before(before: str, on: str, sign: str, lines: Sequence[str]) -> None:
    assert sign not in signs(before, lines)
    assert sign in signs(on, lines)


def test_mere_advice_is_no_overdue_work_though_contact_that_is_advised_counts() -> None:
    assert signs("2026-06-11", (START, "2026-06-05 plan_completed")) == []


def test_each_sign_carries_its_evidence_and_the_clause_or_says_that_the_number_is_ours() -> None:
    one = drift("2026-07-30", STEADY)
    assert one is not None
    by_name = {signal.name: signal for signal in one.signals}
    assert by_name["contact"].evidence == "Contact: none since Thursday 25 June 2026, and 14 days is the interval"
    assert (by_name["contact"].clause, by_name["contact"].ours, by_name["contact"].days) == ("4", False, 35)
    assert by_name["silent"].evidence == "nothing since Friday 26 June 2026, 34 days ago"
    assert (by_name["silent"].clause, by_name["silent"].ours) == ("", True)
    assert by_name["supervision"].evidence == "Supervision: 4 days over its limit"


def test_work_that_is_reported_as_lost_contact_is_not_reported_as_overdue_too() -> None:
    lines = (START, "2026-06-05 plan_completed")
    found = drift("2026-09-30", lines)
    assert found is not None
    assert [s.evidence.split(":")[0] for s in found.signals if s.name == "overdue"] == ["Review"]
    assert "panel" not in str([s.evidence for s in found.signals if s.name == "overdue"])


@pytest.mark.parametrize("ending", ["2026-07-20 closed", "2026-07-20 hold_started"])
def test_a_closed_case_and_one_on_hold_are_not_silent(ending: str) -> None:
    assert "silent" not in signs("2026-09-30", (*STEADY, ending))


@pytest.mark.parametrize(
    "line",
    [
        '2026-07-20 acknowledged #review/1 {"person": "W1", "reason": "family", "until": "2026-07-21"}',
        "2026-07-20 relaxation_agreed " + AGREED % ("review", "2026-08-20"),
        '2026-07-20 left_without_dates {"reason": "waiting", "until": "2026-08-20"}',
    ],
    ids=["acknowledging", "putting off", "saying why nothing is due"],
)
def test_what_is_said_about_the_record_is_not_activity(line: str) -> None:
    assert "silent" in signs("2026-07-30", (*STEADY, line))


def test_what_was_recorded_of_the_family_is_activity_and_what_was_withdrawn_is_not() -> None:
    seen = '2026-07-20 family_seen {"id": "E1"}'
    assert "silent" not in signs("2026-07-30", (*STEADY, seen))
    assert "silent" in signs("2026-07-30", (*STEADY, seen, '2026-07-21 retracted {"event": "E1"}'))


def test_working_a_case_out_anew_changes_nothing() -> None:
    assert drift("2026-07-30", STEADY) == drift("2026-07-30", STEADY)


def test_a_relaxation_that_was_looked_at_since_is_not_left_to_lapse() -> None:
    agreed = "2026-06-08 relaxation_agreed " + AGREED % ("plan", "2026-06-20")
    assert "lapsed" not in signs("2026-06-22", (START, agreed, "2026-06-15 relaxation_reviewed"))


def test_a_council_may_set_its_own_numbers() -> None:
    soon = Numbers(overdue=Span(2, "day"), silent=Span(7, "day"), times=3)
    assert {"overdue", "silent"} <= set(signs("2026-07-14", STEADY, soon))
    assert not {"overdue", "silent"} & set(signs("2026-07-14", STEADY))


def test_what_the_protocol_names_comes_first_then_the_most_signs_then_the_longest() -> None:
    named = drift("2026-07-02", (*STEADY, "2026-07-02 stuck"))
    many = drift("2026-07-30", STEADY)
    few = drift("2026-07-28", STEADY)
    assert named is not None
    assert many is not None
    assert few is not None
    assert len(named.signals) < len(few.signals) == len(many.signals)
    assert sorted((few, many, named), key=lambda one: one.concern) == [named, many, few]


def test_what_one_cause_asks_for_is_one_sign_and_says_what_is_asked() -> None:
    one = drift("2026-06-12", (START,))
    assert one is not None
    assert [(s.evidence, s.asks) for s in one.signals if s.name == "named"] == [
        ("Plan is overdue since Friday 12 June 2026", "Taken to the panel")
    ]


def test_a_case_without_events_has_no_sign() -> None:
    assert drift("2026-07-30", ()) is None
