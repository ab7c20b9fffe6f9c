"""Editions side by side: which one governs a clock, and what a transition does with those that run (design 5)."""

from datetime import date

import pytest

from ehscheduler.core.editions import in_force
from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case
from ehscheduler.core.explain import proof
from ehscheduler.core.policy import Policy
from ehscheduler.core.reading import read_policy
from ehscheduler.policy_files import calendar_for
from tests.daemon.house import HEAD, event, moment

OLD = """
[standard.visit]
title = "First visit"
clause = "1.1"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "worker"
[standard.genogram]
title = "Genogram"
clause = "1.2"
due = "20 working days after allocation"
met_by = "genogram_completed"
owner = "worker"
[rhythm.supervision]
title = "Supervision"
clause = "1.3"
from = "allocation"
every = "28 days"
met_by = "supervision_held"
owner = "manager"
[check.seen]
title = "The family was seen first"
clause = "1.4"
at = "assessment_completed"
needs = ["home_visit"]
owner = "worker"
"""
NEW = """
[standard.visit]
title = "First visit"
clause = "1.1"
due = "5 working days after allocation"
met_by = "home_visit"
owner = "worker"
[standard.plan]
title = "Plan"
clause = "1.5"
due = "15 working days after allocation"
met_by = "plan_completed"
owner = "worker"
[rhythm.supervision]
title = "Supervision"
clause = "1.3"
from = "allocation"
every = "14 days"
met_by = "supervision_held"
owner = "manager"
"""
"""The second edition: a shorter visit and supervision, no genogram and no check, and a plan."""


def policies(transition: str) -> list[Policy]:
    head = HEAD.replace('edition = "1"', f'edition = "2"\ntransition = "{transition}"').replace(
        "2015-01-01", "2026-06-01"
    )
    return [read_policy(HEAD + OLD, "1.toml"), read_policy(head + NEW, "2.toml")]


def worked_out(transition: str, at: str, *lines: str, until: str = "") -> Evaluation:
    now, editions = moment(at), policies(transition)
    policy = in_force(editions, now.date())
    events = [event("C1", line) for line in lines]
    horizon = moment(until) if until else None
    return evaluate(policy, calendar_for(policy), Case("C1", {"lead": "w1"}), events, now, horizon=horizon)


def shown(found: Evaluation, rule: str = "") -> list[tuple[str, str, str, str]]:
    """Return key, edition, due day and state of each milestone."""
    return [(m.key, m.edition, str(m.due_on), m.state) for m in found.milestones if rule in ("", m.rule)]


LAST_OLD, FIRST_NEW = "2026-05-29 10:00 allocation", "2026-06-01 10:00 allocation"
"""The last working day of the old edition, a Friday, and the first day of the new one."""


@pytest.mark.parametrize("transition", ["keep", "move open clocks", "from next cycle"])
def test_what_starts_on_the_day_on_which_an_edition_comes_into_force_is_its_own(transition: str) -> None:
    assert shown(worked_out(transition, "2026-06-01 12:00", FIRST_NEW)) == [
        ("plan", "2", "2026-06-22", "upcoming"),
        ("supervision/1", "2", "2026-06-15", "upcoming"),
        ("visit", "2", "2026-06-08", "upcoming"),
    ]


@pytest.mark.parametrize("transition", ["keep", "from next cycle"])
def test_what_started_the_day_before_goes_on_as_it_was_and_gets_nothing_new(transition: str) -> None:
    assert shown(worked_out(transition, "2026-06-01 12:00", LAST_OLD)) == [
        ("genogram", "1", "2026-06-26", "upcoming"),
        ("supervision/1", "1", "2026-06-26", "upcoming"),
        ("visit", "1", "2026-06-12", "upcoming"),
    ]


def test_open_clocks_move_on_the_day_and_not_the_second_before() -> None:
    before = shown(worked_out("move open clocks", "2026-05-31 23:59:59", LAST_OLD), "visit")
    assert before == [("visit", "1", "2026-06-12", "upcoming")]
    assert shown(worked_out("move open clocks", "2026-06-01 00:00", LAST_OLD)) == [
        ("supervision/1", "2", "2026-06-12", "upcoming"),
        ("visit", "2", "2026-06-05", "upcoming"),
    ]


def test_what_was_done_before_the_day_keeps_the_date_that_it_met() -> None:
    lines = ("2026-05-18 10:00 allocation", "2026-05-31 15:00 home_visit")
    assert shown(worked_out("move open clocks", "2026-06-02 12:00", *lines), "visit") == [
        ("visit", "1", "2026-06-02", "met")
    ]
    later = ("2026-05-18 10:00 allocation", "2026-06-01 00:00 home_visit")
    assert shown(worked_out("move open clocks", "2026-06-02 12:00", *later), "visit") == [
        ("visit", "2", "2026-05-26", "met_late")
    ]


def test_a_rhythm_is_one_clock_from_its_start_where_clocks_are_kept() -> None:
    lines = (LAST_OLD, "2026-06-10 10:00 supervision_held")
    assert shown(worked_out("keep", "2026-06-11 12:00", *lines), "supervision") == [
        ("supervision/1", "1", "2026-06-26", "met"),
        ("supervision/2", "1", "2026-07-08", "upcoming"),
    ]


def test_from_the_next_cycle_a_rhythm_goes_by_the_new_edition_and_is_numbered_on() -> None:
    lines = (LAST_OLD, "2026-06-10 10:00 supervision_held", "2026-06-20 10:00 supervision_held")
    assert shown(worked_out("from next cycle", "2026-06-21 12:00", *lines), "supervision") == [
        ("supervision/1", "1", "2026-06-26", "met"),
        ("supervision/2", "2", "2026-06-24", "met"),
        ("supervision/3", "2", "2026-07-04", "upcoming"),
    ]


def test_an_edition_that_lies_ahead_changes_nothing_before_its_day_and_governs_what_begins_after_it() -> None:
    lines = (LAST_OLD,)
    assert shown(worked_out("keep", "2026-05-30 12:00", *lines)) == shown(
        worked_out("keep", "2026-05-30 12:00", *lines, until="2026-07-30")
    )


def test_a_check_is_asked_where_its_edition_is_in_force() -> None:
    old = worked_out("keep", "2026-06-05 12:00", LAST_OLD, "2026-05-31 12:00 assessment_completed")
    new = worked_out("keep", "2026-06-05 12:00", LAST_OLD, "2026-06-01 12:00 assessment_completed")
    assert ([f.check for f in old.findings], list(new.findings)) == (["seen"], [])


def test_an_agreement_may_name_a_rule_of_any_edition() -> None:
    line = '2026-06-02 12:00 relaxation_agreed {"rules": ["genogram"], "until": "2026-07-10", "by_role": "manager"}'
    found = worked_out("keep", "2026-06-03 12:00", LAST_OLD, line)
    assert not [warning for warning in found.warnings if "names no rule" in warning]
    wrong = worked_out("keep", "2026-06-03 12:00", LAST_OLD, line.replace("genogram", "genogran"))
    assert [warning for warning in wrong.warnings if "names no rule" in warning]


def test_a_proof_tells_the_edition_whose_words_it_counts_by() -> None:
    policy = in_force(policies("keep"), date(2026, 6, 2))
    found = worked_out("keep", "2026-06-02 12:00", LAST_OLD)
    made = {m.key: proof(m, policy, calendar_for(policy)) for m in found.milestones}
    assert made["visit"]["edition"] == "1"
    assert made["visit"]["now_counted"][0]["phrase"] == "10 working days after allocation"
    assert made["genogram"]["title"] == "Genogram"


def test_the_edition_in_force_is_that_of_the_day_and_the_first_before_any() -> None:
    editions = policies("keep")
    days = (date(2010, 1, 1), date(2026, 5, 31), date(2026, 6, 1))
    assert [in_force(editions, day).edition for day in days] == ["1", "1", "2"]
    assert in_force(editions[:1], date(2026, 6, 1)) is editions[0]
