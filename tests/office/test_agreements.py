"""Later limits that somebody agreed: in time or noted as late, by the rank that the clause names, and followed."""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

import pytest

from ehscheduler import office
from ehscheduler.office import Act
from tests.daemon.house import VISIT, House, told
from tests.office.test_acts import RELAXED, act, events, milestone, refused

SPAN = (
    VISIT
    + """
[standard.span]
title = "Closed within six months"
clause = "2"
due = "6 months after allocation"
met_by = "closed"
owner = "worker"
may_extend = ["manager"]
"""
)
REVIEWED = (
    VISIT
    + """
[rhythm.relaxation-review]
title = "Relaxation looked at again"
clause = "1.3"
every = "1 week"
from = "each relaxation_agreed"
met_by = "relaxation_reviewed"
unless = "relaxation_ended"
owner = "manager"
"""
)


@pytest.fixture
def open_case(house_of: Callable[..., House]) -> House:
    house = house_of(RELAXED)
    house.live()
    house.people()
    house.case("C1", "2026-03-02 08:00 allocation")
    return house.at("2026-03-06 10:00")


def relax(
    house: House, *rules: str, by: str = "m1", until: str = "2026-03-27", role: str = "manager", **named: Any
) -> Act:
    made = office.relax(
        house.store,
        house.authority,
        "C1",
        list(rules or ["visit"]),
        until=date.fromisoformat(until),
        by_role=role,
        reason="family",
        now=house.now,
        by=by,
        **named,
    )
    assert isinstance(made, Act)
    return made


def extend(house: House, *rules: str, role: str = "manager", **named: Any) -> Act:
    made = act(house, office.extend, "C1", list(rules), by_role=role, reason="family", **named)
    assert isinstance(made, Act)
    return made


# ---- in time, or put on record as late


def test_an_agreement_counts_from_when_it_was_made_and_not_from_when_it_is_put_on_record(open_case: House) -> None:
    relax(open_case.at("2026-03-18 10:00"), at="2026-03-16")
    assert str(milestone(open_case).due_on) == "2026-03-27"
    assert milestone(open_case).changes[0].event.recorded == open_case.now


def test_one_that_was_made_too_late_is_refused_and_nothing_is_recorded(open_case: House) -> None:
    assert "it was agreed after the due date" in refused(lambda: relax(open_case.at("2026-03-17 00:00")))
    assert events(open_case, "relaxation_agreed") == []


def test_one_that_was_made_too_late_is_put_on_record_by_an_explicit_act_and_moves_nothing(open_case: House) -> None:
    open_case.at("2026-03-17 00:00")
    assert not relax(open_case, late=True).known
    assert relax(open_case.at("2026-03-17 09:00"), late=True).known
    [noted] = events(open_case, "relaxation_noted_late")
    assert (noted.detail["rules"], noted.detail["until"]) == (["visit"], "2026-03-27")
    assert (str(milestone(open_case).due_on), milestone(open_case).state) == ("2026-03-16", "overdue")


@pytest.mark.parametrize(
    ("at", "rules", "says"),
    [
        ("2026-03-16 23:59:59", ["visit"], "visit is not past its limit; relax it without --late"),
        ("2026-03-17 00:00", ["visit", "plan"], "plan is not past its limit"),
        ("2026-03-17 00:00", ["vist"], "no rule 'vist'; did you mean 'visit'?"),
    ],
    ids=["the last second", "one of two", "unknown"],
)
def test_nothing_is_put_on_record_as_late_before_its_limit(
    open_case: House, at: str, rules: Sequence[str], says: str
) -> None:
    open_case.at(at)
    assert says in refused(lambda: relax(open_case, *rules, late=True))
    assert events(open_case, "relaxation_noted_late") == []


def test_late_word_of_an_agreement_quiets_nobody(open_case: House) -> None:
    relax(open_case.at("2026-03-17 08:00"), late=True)
    open_case.turns("2026-03-17", "2026-03-19")
    assert [(kind, to) for _, kind, to in told(open_case)] == [("overdue", "person:w1"), ("escalation", "person:m1")]


# ---- whose rank


@pytest.mark.parametrize(
    ("by", "role", "says"),
    [
        ("w1", "manager", "w1 is not Manager in people.csv"),
        ("m1", "director", "m1 is not Director in people.csv"),
    ],
)
def test_whoever_puts_an_agreement_on_record_holds_the_rank_that_they_name(
    open_case: House, by: str, role: str, says: str
) -> None:
    assert says in refused(lambda: relax(open_case, by=by, role=role))


def test_somebody_outside_the_directory_writes_down_who_agreed(open_case: House) -> None:
    assert not relax(open_case, by="the office").known


# ---- extensions


@pytest.mark.parametrize(
    ("named", "due"),
    [({"until": date(2026, 10, 2)}, "2026-10-02"), ({"weeks": 4}, "2026-09-30")],
    ids=["to a date", "by weeks"],
)
def test_an_extension_moves_the_limit_to_a_date_or_by_weeks(
    house_of: Callable[..., House], named: dict[str, Any], due: str
) -> None:
    house = house_of(SPAN)
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.at("2026-03-06 10:00")
    assert str(milestone(house, "span").due_on) == "2026-09-02"
    extend(house, "span", **named)
    assert str(milestone(house, "span").due_on) == due
    assert str(milestone(house).due_on) == "2026-03-16"


def test_an_extension_that_names_no_rule_is_of_all_that_the_role_may_extend(open_case: House) -> None:
    extend(open_case, until=date(2026, 4, 24))
    assert str(milestone(open_case).due_on) == "2026-04-24"
    assert str(milestone(open_case, "plan").due_on) == "2026-03-30"


@pytest.mark.parametrize(
    ("rules", "named", "says"),
    [
        (["visit"], {"until": date(2026, 4, 1), "weeks": 2}, "one of the two"),
        (["visit"], {}, "one of the two"),
        (["plan"], {"weeks": 2}, "manager may not agree it; director may"),
        ([], {"weeks": 2, "role": "worker"}, "nothing open that worker may extend"),
    ],
    ids=["both", "neither", "not their rule", "not their rank"],
)
def test_an_extension_that_may_not_be_is_refused_with_the_reason(
    open_case: House, rules: Sequence[str], named: dict[str, Any], says: str
) -> None:
    assert says in refused(lambda: extend(open_case, *rules, **named))
    assert events(open_case, "extension_approved") == []


# ---- what follows of it


@pytest.fixture
def relaxed(house_of: Callable[..., House]) -> House:
    """A visit that is due on 16 March and was put off until 27 March, to be looked at again every week."""
    house = house_of(REVIEWED)
    house.live()
    house.people()
    house.case("C1", "2026-03-02 08:00 allocation")
    relax(house.at("2026-03-12 10:00"))
    return house


def test_a_relaxation_makes_its_own_weekly_review(relaxed: House) -> None:
    relaxed.turns("2026-03-13", "2026-03-19")
    assert ("2026-03-19 08:30", "due", "person:m1") in told(relaxed)


def test_an_unreviewed_relaxation_goes_up_when_its_week_is_over_and_again_when_it_runs_out(relaxed: House) -> None:
    relaxed.turns("2026-03-13", "2026-03-31")
    heard = told(relaxed)
    # Unreviewed by the end of Thursday 19 March: its owner hears on the Friday, and their manager on the Monday after.
    assert ("2026-03-20 08:30", "overdue", "person:m1") in heard
    assert ("2026-03-23 08:30", "escalation", "person:d1") in heard
    # Run out with the work undone at the end of Friday 27 March: overdue on the Monday, and up on the Tuesday.
    assert ("2026-03-30 08:30", "overdue", "person:w1") in heard
    assert ("2026-03-31 08:30", "escalation", "person:m1") in heard


def test_a_relaxation_that_is_reviewed_is_due_again_a_week_later_and_one_that_has_ended_no_more(relaxed: House) -> None:
    relaxed.turns("2026-03-13", "2026-03-18")
    relaxed.events("C1", "2026-03-18 10:00 relaxation_reviewed")
    relaxed.turns("2026-03-19", "2026-03-25")
    assert [row for row in told(relaxed) if row[2] == "person:m1"] == [("2026-03-25 08:30", "due", "person:m1")]
    relaxed.events("C1", "2026-03-25 10:00 relaxation_ended")
    relaxed.turns("2026-03-26", "2026-04-10")
    assert [row for row in told(relaxed) if row[2] == "person:m1" and row[1] == "overdue"] == []


def test_the_overdue_work_of_whoever_has_nobody_above_them_is_an_alarm_and_never_goes_down(
    house_of: Callable[..., House],
) -> None:
    house = house_of(VISIT.replace('owner = "worker"', 'owner = "director"'))
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-20")
    assert {to for _, _, to in told(house)} == {"person:d1"}
    assert [alarm.code for alarm in house.alarms()] == ["nobody"]


def test_the_line_manager_of_a_case_is_its_leads_and_nobody_elses(house_of: Callable[..., House]) -> None:
    house = house_of(VISIT.replace('may_extend = ["manager"]', 'may_extend = ["line_manager", "lead"]'))
    house.live()
    house.people()
    house.case("C1", "2026-03-02 08:00 allocation", lead="w1")
    house.at("2026-03-06 10:00")
    for by, role in (("w2", "line_manager"), ("w1", "line_manager"), ("m2", "line_manager"), ("w2", "lead")):
        assert f"{by} is not" in refused(partial(relax, house, by=by, role=role))
    assert not relax(house, by="m1", role="line_manager").known
    assert not relax(house, by="w1", role="lead", until="2026-03-28").known


def test_a_date_beyond_the_calendar_is_refused_as_that(open_case: House) -> None:
    assert "until 2099-01-01 is too far off: the calendar reaches to" in refused(
        partial(relax, open_case, until="2099-01-01")
    )


# ---- how far


def test_the_last_day_of_the_calendar_can_be_agreed(open_case: House) -> None:
    assert not relax(open_case, until="2060-12-31").known


def test_weeks_beyond_the_calendar_are_too_many(open_case: House) -> None:
    assert "C1: 2000 weeks more is too far off: the calendar reaches to 2060-12-31" in refused(
        lambda: extend(open_case, "visit", weeks=2000)
    )
    assert events(open_case, "extension_approved") == []


@pytest.mark.parametrize("until", [f"2026-04-{day:02}" for day in range(1, 13)])
def test_a_second_agreement_of_one_day_that_goes_further_is_taken_whichever_is_read_first(
    open_case: House, until: str
) -> None:
    relax(open_case, at="2026-03-05", until="2026-03-27")
    assert not relax(open_case, at="2026-03-05", until=until).known
    assert str(milestone(open_case).due_on) == until


def test_a_date_beyond_the_calendar_is_too_far_off_after_an_agreed_later_limit(open_case: House) -> None:
    relax(open_case, at="2026-03-05", until="2040-01-01")
    assert "is too far off" in refused(lambda: relax(open_case, at="2026-03-05", until="9999-12-31"))
    said = refused(lambda: relax(open_case, at="2026-03-06", until="2036-01-01"))
    assert "its date 2036-01-01 is before the due date" in said
