"""Workload: who held what and when, and each time that it was over a limit."""

import json
from typing import Any

import pytest

from ehscheduler.core.calendars import london_day
from ehscheduler.core.events import read_moment
from ehscheduler.core.history import typed
from ehscheduler.core.workload import Crossing, Holding, crossings, limits_for, most_of, said
from tests.conftest import a_policy, evaluated

VISIT = """
[standard.visit]
title = "First visit"
clause = "1.1"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "worker"
"""
LIMIT = """
[limit.caseload]
title = "Caseload"
clause = "2.1"
who = "lead"
at_most = { families = 2, children = 4 }
tell = ["manager"]
"""
POLICY = a_policy(VISIT + LIMIT)
PRO_RATA = a_policy(VISIT + LIMIT.replace("tell", "pro_rata = true\ntell"))
ALLOCATED = "2026-01-05T09:00 allocation"


def children(*refs: str) -> str:
    return json.dumps({"children": [{"ref": ref} for ref in refs]})


def held(*lines: str, lead: str | None = "w1", **facts: Any) -> list[tuple[str, str, str | None, int]]:
    found = evaluated(POLICY, list(lines), "2026-04-01", {"lead": lead, **facts}).holdings
    return [(h.lead, _day(h.since), _day(h.until) if h.until else None, h.children) for h in found]


def _day(moment: Any) -> str:
    return f"{london_day(moment):%m-%d}"


def family(*refs: str) -> Any:
    return typed("children", [{"ref": ref} for ref in refs])


# ---- who held what


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((), []),
        ((ALLOCATED,), [("w1", "01-05", None, 1)]),
        ((ALLOCATED, "2026-02-02T10:00 closed"), [("w1", "01-05", "02-02", 1)]),
        (
            (ALLOCATED, '2026-01-20T10:00 worker_changed {"lead": "w2"}'),
            [("w1", "01-05", "01-20", 1), ("w2", "01-20", None, 1)],
        ),
        ((ALLOCATED, '2026-01-20T10:00 worker_changed {"lead": ""}'), [("w1", "01-05", "01-20", 1)]),
        ((ALLOCATED, "2026-01-20T10:00 closed", "2026-02-02T10:00 reopened"), [("w1", "02-02", None, 1)]),
        (
            (ALLOCATED, "2026-01-20T10:00 closed", '2026-02-02T10:00 reopened {"lead": "w2"}'),
            [("w2", "02-02", None, 1)],
        ),
        ((ALLOCATED, "2026-01-20T10:00 closed", '2026-02-02T10:00 reopened {"lead": ""}'), []),
        (
            (
                ALLOCATED,
                "2026-01-20T10:00 closed",
                '2026-02-02T10:00 reopened {"lead": ""}',
                '2026-02-09T10:00 allocation {"lead": "w3"}',
            ),
            [("w3", "02-09", None, 1)],
        ),
    ],
    ids=["not allocated", "open", "closed", "changed", "left", "reopened", "to another", "to nobody", "again"],
)
def test_a_case_counts_for_whoever_leads_it_while_it_is_open(lines: tuple[str, ...], expected: list[Any]) -> None:
    assert held(*lines) == expected


def test_a_case_without_any_lead_counts_for_nobody() -> None:
    assert held(ALLOCATED, lead=None) == []


def test_children_are_counted_as_they_were_at_each_moment() -> None:
    assert held(
        ALLOCATED,
        f"2026-02-02T10:00 attributes_changed {children('a', 'b')}",
        f"2026-03-02T10:00 attributes_changed {children('b')}",
        children=family("a"),
    ) == [("w1", "01-05", "02-02", 1), ("w1", "02-02", "03-02", 2), ("w1", "03-02", None, 1)]


def test_a_child_who_left_and_came_back_does_not_count_between() -> None:
    found = held(
        "2026-01-05T09:00 allocation",
        f"2026-02-02T10:00 attributes_changed {children('a')}",
        f"2026-03-02T10:00 attributes_changed {children('a', 'b')}",
        children=family("a", "b"),
    )
    assert [count for _, _, _, count in found] == [2, 1, 2]


# ---- over a limit


def holding(case: str, since: str, until: str | None = None, *, kids: int = 1, lead: str = "w1") -> Holding:
    return Holding(case, lead, read_moment(since)[0], read_moment(until)[0] if until else None, kids)


def crossed(*held: Holding, share: float | None = None, policy: Any = POLICY) -> list[tuple[str, str, int, str | None]]:
    found = crossings(policy, held, {"w1": ("worker",)}, None if share is None else {"w1": share})
    return [(c.case, c.kind, c.count, _day(c.until) if c.until else None) for c in found]


A, B = holding("A", "2026-01-05T09:00"), holding("B", "2026-01-06T09:00")


def test_at_the_limit_is_within_it_and_the_next_is_over() -> None:
    assert crossed(A, B) == []
    assert crossed(A, B, holding("C", "2026-01-07T09:00")) == [("C", "families", 3, None)]


def test_a_rise_while_over_is_no_new_crossing_and_a_rise_after_a_fall_is() -> None:
    more = holding("C", "2026-01-07T09:00", "2026-01-09T09:00"), holding("D", "2026-01-08T09:00", "2026-01-12T09:00")
    assert crossed(A, B, *more) == [("C", "families", 3, "01-12")]
    again = holding("E", "2026-01-14T09:00")
    assert crossed(A, B, *more, again) == [("C", "families", 3, "01-12"), ("E", "families", 3, None)]


def test_a_case_that_ends_as_another_begins_crosses_nothing() -> None:
    ends, begins = holding("C", "2026-01-02T09:00", "2026-01-06T09:00"), holding("D", "2026-01-06T09:00")
    assert crossed(A, ends, begins) == []


def test_whichever_is_first_is_told_and_the_other_when_it_comes() -> None:
    assert crossed(holding("A", "2026-01-05T09:00", kids=5)) == [("A", "children", 5, None)]
    five = [holding("A", "2026-01-05T09:00", kids=5), B, holding("C", "2026-01-07T09:00")]
    assert crossed(*five) == [("A", "children", 5, None), ("C", "families", 3, None)]


def test_children_who_come_and_go_under_one_lead_are_one_step() -> None:
    before = holding("A", "2026-01-05T09:00", "2026-02-02T09:00", kids=4)
    assert crossed(before, holding("A", "2026-02-02T09:00", kids=4)) == []
    assert crossed(before, holding("A", "2026-02-02T09:00", kids=5)) == [("A", "children", 5, None)]


def test_the_work_of_one_is_not_that_of_another() -> None:
    assert crossed(A, B, holding("C", "2026-01-07T09:00", lead="w2")) == []


@pytest.mark.parametrize(
    ("share", "most"), [(1.0, 10), (0.99, 9), (0.8, 8), (0.5, 5), (0.05, 1), (0.6, 6), (0.7, 7), (0.3, 3)]
)
def test_in_proportion_is_rounded_down_and_at_least_one(share: float, most: int) -> None:
    assert most_of(PRO_RATA.limits["caseload"], 10, share) == most
    assert most_of(POLICY.limits["caseload"], 10, share) == 10


def test_a_share_that_is_missing_is_full_time() -> None:
    assert crossed(A, B, policy=PRO_RATA) == []
    assert crossed(A, B, policy=PRO_RATA, share=0.5) == [("B", "families", 2, None)]


@pytest.mark.parametrize(
    ("roles", "held_to"), [(("worker",), True), (None, True), (("manager",), False), (("manager", "worker"), True)]
)
def test_a_limit_for_leads_is_for_whoever_may_lead_and_for_who_is_not_known(roles: Any, held_to: bool) -> None:
    assert bool(limits_for(POLICY, roles)) == held_to


# ---- what is said


def test_a_crossing_that_stands_is_told_in_the_present_and_one_that_is_over_in_the_past_with_its_dates() -> None:
    limit, at = POLICY.limits["caseload"], read_moment("2026-01-07T09:00")[0]
    stands = Crossing(limit, "w1", "C", at, "families", 3, 2)
    over = Crossing(limit, "w1", "C", at, "families", 3, 2, read_moment("2026-01-12T09:00")[0])
    what = "3 families, over the limit of 2 (clause 2.1)"
    assert said(stands) == f"C: caseload: w1 holds {what}"
    assert said(over) == f"C: caseload: w1 held {what}, from Wednesday 7 January 2026 to Monday 12 January 2026"
