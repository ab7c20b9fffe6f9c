"""The worked cases beside a policy: read strictly, and held to what is counted in sentences a person can act on."""

# ruff: noqa: E501 - a row of a table stands on one line, however long its sentence

import pytest
from core_samples import PACKAGE, a_policy, nottinghamshire

from ehscheduler.core.examples import mismatches, read_examples
from ehscheduler.errors import PolicyRefused
from ehscheduler.policy_files import calendar_for

RULES = """
[facts]
interval = "duration"
[standard.visit]
title = "Visited"
clause = "1"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "lead"
may_extend = "manager"
where = { level = 3 }
[standard.hours]
title = "Resolved"
clause = "1"
due = "24 hours after each dispute_raised"
met_by = "dispute_resolved"
owner = "manager"
[event.plan_made]
any = ["plan_completed", "plan_agreed"]
"""
RIGHT = """
[[example]]
id = "right"
rule = "visit"
facts = { level = 3 }
events = ["2026-03-02 allocation", "2026-03-16T10:00:00;2026-03-18 home_visit"]
at = "2026-03-18"
expect = [{ key = "visit", due_on = 2026-03-16, due_at = "2026-03-16T23:59:59", state = "met", met = true, recorded_late = true, opens_on = "none" }]
absent = ["hours/D"]
from = "2026-03-02T00:00:00"
until = "2026-03-30"
notices = [
  { at = "2026-03-16T08:30:00", kind = "due", to_roles = ["lead"] },
  { at = "2026-03-17T08:30:00", kind = "overdue", key = "visit", stage = "none", to_roles = ["lead"] },
]
warnings = []
"""


def said(text: str) -> list[str]:
    policy = a_policy(RULES)
    calendar = calendar_for(policy)
    return [s for example in read_examples(text, "e.toml", policy) for s in mismatches(example, policy, calendar)]


def faults_of(text: str) -> list[str]:
    with pytest.raises(PolicyRefused) as refused:
        read_examples(text, "e.toml", a_policy(RULES))
    return refused.value.faults


def test_a_right_case_says_nothing() -> None:
    assert said(RIGHT) == []


def test_every_worked_case_of_nottinghamshire_is_as_counted() -> None:
    policy, calendar = nottinghamshire()
    found = read_examples((PACKAGE / "examples.toml").read_text(encoding="utf-8"), "examples.toml", policy)
    assert len(found) >= 15
    assert [s for example in found for s in mismatches(example, policy, calendar)] == []


WRONG = [
    ("a-date", "due_on = 2026-03-16", "due_on = 2026-03-17", "visit: due_on is 2026-03-17 by hand, and 2026-03-16 as counted"),
    ("a-time", '"2026-03-16T23:59:59"', '"2026-03-16T17:00:00"', "visit: due_at is 2026-03-16T17:00:00 by hand, and 2026-03-16T23:59:59+00:00 as counted"),
    ("a-state", 'state = "met"', 'state = "met_late"', "visit: state is met_late by hand, and met as counted"),
    ("not-done", "met = true", "met = false", "visit: met is False by hand, and True as counted"),
    ("nothing-there", 'opens_on = "none"', "opens_on = 2026-03-02", "visit: opens_on is 2026-03-02 by hand, and none as counted"),
    ("a-milestone-that-is-not-there", '{ key = "visit", due_on', '{ key = "visit/1", due_on', "visit/1 is expected, and there is visit"),
    ("a-milestone-too-many", 'absent = ["hours/D"]', 'absent = ["visit"]', "visit is there, and should not be"),
    ("a-notice-at-another-time", "2026-03-16T08:30:00", "2026-03-16T09:30:00", "by hand is due at 2026-03-16T08:30:00+00:00 to lead as counted"),
    ("a-notice-to-another-role", 'kind = "due", to_roles = ["lead"]', 'kind = "due", to_roles = ["manager"]', "by hand is due at 2026-03-16T08:30:00+00:00 to lead as counted"),
    ("a-notice-too-few", 'until = "2026-03-30"', 'until = "2026-03-17"', "2 notices by hand, and as counted due at 2026-03-16T08:30:00+00:00 to lead"),
    ("a-warning-that-is-not-given", "warnings = []", 'warnings = ["odd"]', "no warning says 'odd'; there is none"),
    ("a-warning-too-many", '"2026-03-02 allocation",', '"2026-03-02 allocation", "2026-03-03 hold_ended",', "a warning that is not expected: example: hold_ended on 2026-03-03"),
    ("a-problem-too-many", "facts = { level = 3 }\n", "", "a problem that is not expected: example: visit: is not applied"),
]  # fmt: skip


@pytest.mark.parametrize(("there", "instead", "sentence"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_case_says_what_the_hand_and_the_product_count(there: str, instead: str, sentence: str) -> None:
    assert RIGHT.count(there) == 1
    found = said(RIGHT.replace(there, instead))
    assert any(sentence in one for one in found), found
    assert all(one.startswith("e.toml [[example]] right: ") for one in found)


FAULTS = [
    ("not-toml", "[[example]]", "[[example]", "e.toml: is not TOML:"),
    ("an-unknown-key", "absent =", "abscent =", "e.toml [[example]] right: no key 'abscent'; did you mean 'absent'?"),
    ("an-unknown-rule", 'rule = "visit"', 'rule = "vist"', "no rule 'vist'; did you mean 'visit'?"),
    ("no-rule", 'rule = "visit"\n', "", "no rule ''"),
    ("an-unknown-value", "due_on =", "dueon =", "expect has no value 'dueon'; did you mean 'due_on'?"),
    ("an-unknown-part-of-a-notice", "kind =", "kinds =", "notices have no value 'kinds'; did you mean 'kind'?"),
    ("an-unknown-event", "home_visit", "home_vist", "cannot be read: no event 'home_vist'; did you mean 'home_visit'?"),
    ("a-defined-event", "home_visit", "plan_made", "cannot be read: no event 'plan_made'"),
    (
        "a-line-that-is-none",
        "2026-03-02 allocation",
        "allocation",
        "'allocation' is not of the form 'WHEN event #ref {detail}'",
    ),
    (
        "a-date-that-does-not-exist",
        "2026-03-02 allocation",
        "2026-02-30 allocation",
        "'2026-02-30' is not a date that exists",
    ),
    ("an-unknown-fact", "{ level = 3 }", "{ levle = 3 }", "no fact 'levle'; did you mean 'level'?"),
    ("a-fact-of-another-kind", "{ level = 3 }", '{ level = "high" }', "cannot be read: is not a number"),
    ("no-instant", 'at = "2026-03-18"\n', "", "has no 'at'"),
    ("no-expectation", "expect =", "absents =", "has no 'expect'"),
    ("notices-without-from", 'from = "2026-03-02T00:00:00"\n', "", "has no 'from'"),
]


@pytest.mark.parametrize(("there", "instead", "sentence"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_case_that_cannot_be_read_is_a_sentence_with_its_place(there: str, instead: str, sentence: str) -> None:
    assert there in RIGHT
    found = faults_of(RIGHT.replace(there, instead, 1))
    assert any(sentence in fault for fault in found), found


def test_every_faulty_case_is_reported_at_once() -> None:
    found = faults_of(
        RIGHT.replace("due_on =", "dueon =")
        + RIGHT.replace('"right"', '"other"').replace('rule = "visit"', 'rule = "x"')
    )
    assert [fault.split(":")[0] for fault in found] == ["e.toml [[example]] right", "e.toml [[example]] other"]


def test_a_case_without_an_id_goes_by_its_number() -> None:
    found = faults_of(RIGHT + RIGHT.replace('id = "right"\n', "").replace("due_on =", "dueon ="))
    assert found[0].startswith("e.toml [[example]] 2: ")
