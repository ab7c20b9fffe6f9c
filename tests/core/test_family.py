"""Children who come into a family later and who leave it: what is due for each, from when and until when."""

import json
from collections.abc import Sequence

import pytest
from core_samples import a_policy, line_event, planned, said

from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case, Child, read_moment
from ehscheduler.core.history import typed
from ehscheduler.policy_files import calendar_for

RULES = """
[event.contact]
any = ["home_visit", "family_seen"]
[standard.tool]
title = "A tool used with each child"
clause = "1"
due = "2 weeks after allocation"
met_by = "voice_recorded"
per = "child"
owner = "lead"
[rhythm.seen]
title = "Each child seen"
clause = "2"
every = "2 weeks"
from = "allocation"
met_by = "family_seen"
unless = "plan_not_working"
per = "child"
owner = "lead"
[rhythm.voice]
title = "Voice at every third contact"
clause = "3"
every = "3rd contact"
from = "allocation"
met_by = "voice_recorded"
per = "child"
owner = "lead"
[rhythm.weekly]
title = "Twice a week"
clause = "4"
every = "2 times a week"
from = "allocation"
met_by = "contact_made"
per = "child"
owner = "lead"
[standard.transition]
title = "Before the 18th birthday"
clause = "5"
due = "3 months before 18th birthday"
met_by = "review_held"
per = "child"
owner = "lead"
[standard.young]
title = "Under five"
clause = "6"
due = "1 week after plan_completed"
where = { age = { under = 5 } }
met_by = "plan_agreed"
owner = "lead"
[check.asked]
title = "Each child heard before a visit"
clause = "7"
at = "home_visit"
needs = "voice_recorded"
per = "child"
owner = "lead"
"""
A = Child("A", None)


def family(*refs: str, when: str, **born: str) -> str:
    children = [{"ref": ref, "born": born.get(ref)} for ref in refs]
    return f"{when} attributes_changed {json.dumps({'children': children})}"


def found(lines: Sequence[str], at: str, children: Sequence[Child] = (A,)) -> Evaluation:
    policy = a_policy(RULES)
    facts = {"children": typed("children", children)} if children else {}
    return evaluate(policy, calendar_for(policy), Case("C1", facts), map(line_event, lines), read_moment(at)[0])


def stands(lines: Sequence[str], at: str, rule: str, children: Sequence[Child] = (A,)) -> dict[str, tuple[str, str]]:
    """Return what one rule asks: each key's due date and state."""
    made = found(lines, at, children).milestones
    return {m.key: (m.due_on.isoformat() if m.due_on else "", m.state) for m in made if m.rule == rule}


ALLOCATED = "2026-03-02 allocation"


# ---- who comes later


@pytest.mark.parametrize(
    ("joined", "keys"),
    [("2026-03-02", ["tool/A", "tool/B"]), ("2026-03-03", ["tool/A"])],
    ids=["on-that-day", "a-day-after"],
)
def test_a_child_who_came_after_a_clock_began_has_none_of_its_duties(joined: str, keys: list[str]) -> None:
    assert sorted(stands([ALLOCATED, family("A", "B", when=joined)], "2026-03-10", "tool")) == keys


@pytest.mark.parametrize(
    ("joined", "keys"),
    [("2026-03-02T10:00:00", ["tool/A", "tool/B"]), ("2026-03-02T10:00:01", ["tool/A"])],
    ids=["at-that-instant", "a-second-after"],
)
def test_on_one_date_the_instants_decide_where_both_are_known(joined: str, keys: list[str]) -> None:
    lines = ["2026-03-02T10:00:00 allocation", family("A", "B", when=joined)]
    assert sorted(stands(lines, "2026-03-10", "tool")) == keys


def test_a_child_of_the_opening_was_there_from_the_opening() -> None:
    found = stands([ALLOCATED, family("A", "B", when="2026-03-20")], "2026-03-21", "tool", (A, Child("B", None)))
    assert found == {"tool/A": ("2026-03-16", "overdue"), "tool/B": ("2026-03-16", "overdue")}


def test_the_first_list_given_says_who_was_there_from_the_opening() -> None:
    lines = [ALLOCATED, family("A", when="2026-03-20")]
    assert stands(lines, "2026-03-21", "tool", ()) == {"tool/A": ("2026-03-16", "overdue")}
    lines.append(family("A", "B", when="2026-03-23"))
    assert list(stands(lines, "2026-03-24", "tool", ())) == ["tool/A"]


def test_a_rhythm_counts_for_a_child_from_when_they_came() -> None:
    lines = [ALLOCATED, "2026-03-10 family_seen", family("A", "B", when="2026-03-20")]
    assert stands(lines, "2026-03-21", "seen") == {
        "seen/A/1": ("2026-03-16", "met"),
        "seen/A/2": ("2026-03-24", "upcoming"),
        "seen/B/1": ("2026-04-03", "upcoming"),
    }
    made = {m.key: m for m in found(lines, "2026-03-21").milestones}["seen/B/1"]
    assert (made.from_event, made.from_at) == ("attributes_changed", read_moment("2026-03-20")[0])


@pytest.mark.parametrize(
    ("contacts", "due"),
    [(["2026-03-20", "2026-03-21", "2026-03-22"], "2026-03-22"), (["2026-03-19", "2026-03-21", "2026-03-22"], "")],
    ids=["since-they-came", "one-before"],
)
def test_what_is_counted_for_a_child_is_counted_from_when_they_came(contacts: list[str], due: str) -> None:
    lines = [ALLOCATED, family("A", "B", when="2026-03-20"), *(f"{day} home_visit" for day in contacts)]
    assert stands(lines, "2026-03-23", "voice")["voice/B/1"][0] == due


def test_weeks_of_a_child_begin_when_they_came() -> None:
    lines = [ALLOCATED, family("A", "B", when="2026-03-20")]
    weeks = stands(lines, "2026-03-28", "weekly")
    assert {key: row for key, row in weeks.items() if "/B/" in key} == {
        "weekly/B/1": ("2026-03-26", "overdue"),
        "weekly/B/2": ("2026-04-02", "upcoming"),
    }
    assert weeks["weekly/A/4"][0] == "2026-03-29"


def test_a_rhythm_that_had_ended_begins_for_nobody_who_comes_later() -> None:
    lines = [ALLOCATED, "2026-03-10 plan_not_working", family("A", "B", when="2026-03-20")]
    assert list(stands(lines, "2026-03-21", "seen")) == ["seen/A/1"]
    lines = [ALLOCATED, "2026-03-10 closed", family("A", "B", when="2026-03-20")]
    assert list(stands(lines, "2026-03-21", "seen")) == ["seen/A/1"]


@pytest.mark.parametrize(
    ("born", "expected"),
    [
        ("2008-06-20", {"transition/B": ("2026-03-20", "due")}),
        ("2008-06-19", {}),
    ],
    ids=["due-the-day-they-came", "due-the-day-before"],
)
def test_a_date_that_had_passed_when_a_child_came_is_nobodys_duty(
    born: str, expected: dict[str, tuple[str, str]]
) -> None:
    lines = [ALLOCATED, family("A", "B", when="2026-03-20", B=born)]
    assert stands(lines, "2026-03-20", "transition") == expected


def test_a_limit_known_since_a_child_came_is_told_after_that() -> None:
    rules = RULES[RULES.index("[standard.transition]") : RULES.index("[standard.young]")]
    rules += 'remind = "2 weeks before"\n'
    joined = family("B", when="2026-03-10T10:00:00", B="2008-06-20").replace("[{", '[{"ref": "A"}, {')
    children = typed("children", [A])
    told = said(planned(rules, [ALLOCATED, joined], "2026-03-10T10:00:00", "2026-04-01", children=children))
    assert told == [
        "Wed 11 Mar 08:30:00 reminder to lead",
        "Fri 20 Mar 08:30:00 due to lead",
        "Mon 23 Mar 08:30:00 overdue to lead",
    ]


def test_an_age_is_that_of_the_children_there_at_the_clocks_start() -> None:
    lines = [ALLOCATED, "2026-03-10 plan_completed", family("A", "B", when="2026-03-11", B="2026-03-01")]
    older = (Child("A", read_moment("2015-01-01")[2]),)
    assert stands(lines, "2026-03-12", "young", older) == {}
    lines[1] = "2026-03-11 plan_completed"
    assert stands(lines, "2026-03-12", "young", older) == {"young": ("2026-03-18", "upcoming")}


@pytest.mark.parametrize(
    ("visit", "keys"),
    [("2026-03-19", ["asked/A/V"]), ("2026-03-20", ["asked/A/V", "asked/B/V"])],
    ids=["the-day-before", "on-that-day"],
)
def test_a_check_asks_about_the_children_who_were_there_at_its_event(visit: str, keys: list[str]) -> None:
    lines = [ALLOCATED, f"{visit} home_visit #V", family("A", "B", when="2026-03-20")]
    assert [one.key for one in found(lines, "2026-03-21").findings] == keys


# ---- who leaves

BOTH = (A, Child("B", None))


def test_what_stood_open_for_a_child_who_left_is_waived_and_never_overdue() -> None:
    lines = [ALLOCATED, family("A", when="2026-03-10")]
    for rule, key in (("tool", "tool/B"), ("seen", "seen/B/1"), ("voice", "voice/B/1")):
        assert stands(lines, "2026-04-10", rule, BOTH)[key][1] == "waived", rule
        before = stands(lines[:1], "2026-03-11", rule, BOTH)
        assert before[key][1] in ("due", "upcoming"), rule
    assert stands(lines, "2026-04-10", "seen", BOTH)["seen/A/1"][1] == "overdue"


def test_what_was_overdue_for_a_child_who_left_is_waived_too() -> None:
    lines = [ALLOCATED, family("A", when="2026-03-20")]
    assert stands(lines[:1], "2026-03-19", "tool", BOTH)["tool/B"][1] == "overdue"
    assert stands(lines, "2026-03-21", "tool", BOTH)["tool/B"][1] == "waived"


@pytest.mark.parametrize(
    ("seen", "state"), [("2026-03-10", "met"), ("2026-03-11", "waived")], ids=["on-the-day-they-left", "a-day-after"]
)
def test_what_was_done_after_a_child_left_was_not_done_for_that_child(seen: str, state: str) -> None:
    lines = [ALLOCATED, f"{seen} voice_recorded", family("A", when="2026-03-10")]
    assert stands(lines, "2026-03-20", "tool", BOTH)["tool/B"][1] == state
    assert stands(lines, "2026-03-20", "tool", BOTH)["tool/A"][1] == "met"


def test_a_child_who_left_has_no_further_weeks_and_no_further_clocks() -> None:
    lines = [ALLOCATED, family("A", when="2026-03-10"), "2026-03-12 home_visit #V"]
    weeks = stands(lines, "2026-03-25", "weekly", BOTH)
    assert {key: state for key, (_, state) in weeks.items() if "/B/" in key} == {
        "weekly/B/1": "waived",
        "weekly/B/2": "waived",
    }
    lines = [family("A", when="2026-02-27"), ALLOCATED]
    for rule in ("tool", "seen", "voice", "weekly"):
        assert not [key for key in stands(lines, "2026-03-25", rule, BOTH) if "/B" in key], rule


def test_a_check_asks_nothing_about_a_child_who_had_left() -> None:
    lines = [ALLOCATED, family("A", when="2026-03-10"), "2026-03-12 home_visit #V"]
    assert [one.key for one in found(lines, "2026-03-21", BOTH).findings] == ["asked/A/V"]


def test_a_child_who_comes_back_goes_on_as_before() -> None:
    lines = [ALLOCATED, family("A", when="2026-03-10"), family("A", "B", when="2026-03-12")]
    assert stands(lines, "2026-03-20", "tool", BOTH)["tool/B"] == ("2026-03-16", "overdue")


AWAY = [ALLOCATED, family("A", when="2026-03-10"), family("A", "B", when="2026-03-20")]


@pytest.mark.parametrize(
    ("visit", "asked"),
    [("2026-03-10", True), ("2026-03-11", False), ("2026-03-19", False), ("2026-03-20", True)],
    ids=["on-the-day-they-left", "a-day-after", "a-day-before-they-came-back", "on-that-day"],
)
def test_a_check_asks_nothing_about_a_child_who_was_away_at_its_event(visit: str, asked: bool) -> None:
    keys = [one.key for one in found([*AWAY, f"{visit} home_visit #V"], "2026-03-21", BOTH).findings]
    assert keys == (["asked/A/V", "asked/B/V"] if asked else ["asked/A/V"])


@pytest.mark.parametrize(("planned", "young"), [("2026-03-10", True), ("2026-03-15", False), ("2026-03-20", True)])
def test_the_age_of_a_child_who_was_away_then_does_not_count(planned: str, young: bool) -> None:
    lines = [ALLOCATED, family("A", when="2026-03-10"), family("A", "B", when="2026-03-20", B="2025-03-01")]
    older = (Child("A", read_moment("2015-01-01")[2]), Child("B", read_moment("2025-03-01")[2]))
    lines[1] = lines[1].replace('"born": null', '"born": "2015-01-01"')
    assert bool(stands([*lines, f"{planned} plan_completed"], "2026-03-21", "young", older)) is young


def test_a_child_may_go_and_come_more_than_once() -> None:
    lines = [*AWAY, family("A", when="2026-03-24"), family("A", "B", when="2026-03-27")]
    visits = ("2026-03-15", "2026-03-22", "2026-03-25", "2026-03-28")
    keys = [
        one.key
        for one in found([*lines, *(f"{day} home_visit #{day[-2:]}" for day in visits)], visits[-1], BOTH).findings
    ]
    assert [key for key in keys if "/B/" in key] == ["asked/B/22", "asked/B/28"]
