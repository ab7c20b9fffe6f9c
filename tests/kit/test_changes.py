"""What the kit changes in a policy: a row for each near miss of each kind of phrase, condition and table."""

from typing import Any

import pytest

from ehscheduler.kit.changes import Words, mutants
from ehscheduler.kit.condition_changes import condition_changes
from ehscheduler.kit.phrase_changes import phrase_changes, word_changes


def kin(word: str) -> tuple[str, ...]:
    return ("part_of_it",) if word == "taf_held" else ()


PHRASES = {
    "10 working days after taf_held": (
        "9 working days after taf_held; 11 working days after taf_held; 10 days after taf_held; "
        "10 working days after part_of_it; 10 working days after each taf_held; "
        "10 working days after latest taf_held; 10 working days after 2nd taf_held"
    ),
    "1 week after each x": (
        "2 weeks after each x; 1 days after each x; 1 months after each x; 5 working days after each x; "
        "1 week after x; 1 week after latest x; 1 week after 2nd x"
    ),
    "24 hours after 2nd x": (
        "23 hours after 2nd x; 25 hours after 2nd x; 24 days after 2nd x; 24 office hours after 2nd x; "
        "24 hours after 1st x; 24 hours after 3rd x; 24 hours after x; 24 hours after each x; 24 hours after latest x"
    ),
    "no set time after x": (
        "same day as x; no set time after each x; no set time after latest x; no set time after 2nd x"
    ),
    "at once after x": (
        "same day as x; no set time after x; at once after each x; at once after latest x; at once after 2nd x"
    ),
    "before date of x": "by date of x; before date of each x; before date of latest x; before date of 2nd x",
    "21 days before case performance_date": (
        "20 days before case performance_date; 22 days before case performance_date; "
        "21 working days before case performance_date; 21 weeks before case performance_date; by case performance_date"
    ),
    "by case planned_end": "before case planned_end",
    "3 months before 18th birthday": (
        "2 months before 18th birthday; 4 months before 18th birthday; 3 weeks before 18th birthday; "
        "3 years before 18th birthday; by 18th birthday; 3 months before 17th birthday; 3 months before 19th birthday"
    ),
    "3 times a week": "2 times a week; 4 times a week; 3 times a month",
    "within 42 days": "within 41 days; within 43 days; within 42 working days; within 42 weeks",
    "3 working days before": "2 working days before; 4 working days before; 3 days before",
    "case contact_interval": "",
    "18th birthday": "17th birthday; 19th birthday",
}


@pytest.mark.parametrize("phrase", PHRASES)
def test_a_phrase_is_missed_nearly_in_each_of_these_ways(phrase: str) -> None:
    wanted = {text.strip() for text in PHRASES[phrase].split(";") if text.strip()}
    assert set(phrase_changes(phrase, kin)) == wanted


EVIDENCE = {
    "taf_held": {"part_of_it", "2nd taf_held"},
    "2nd x": {"x", "1st x", "3rd x"},
    "3rd x": {"x", "2nd x", "4th x"},
    "eha overdue": {"2nd eha overdue"},
}


@pytest.mark.parametrize("word", EVIDENCE)
def test_an_evidence_word_is_missed_nearly_in_each_of_these_ways(word: str) -> None:
    assert set(word_changes(word, kin)) == EVIDENCE[word]


CONDITIONS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "yes or no": ({"urgent": True}, {"where is gone", "where = {'not': {'urgent': True}}", "where.urgent = False"}),
    "not": (
        {"not": {"urgent": True}},
        {"where is gone", "where = {'urgent': True}", "where.not.urgent = False"},
    ),
    "values": (
        {"band": ["a", "b"]},
        {"where is gone", "where = {'not': {'band': ['a', 'b']}}", "where.band.0 is gone", "where.band.1 is gone"},
    ),
    "bounds": (
        {"age": {"at_least": 2, "under": 5}},
        {
            *("where is gone", "where = {'not': {'age': {'at_least': 2, 'under': 5}}}"),
            *("where.age.at_least is gone", "where.age.at_least = 1", "where.age.at_least = 3"),
            *("where.age.under is gone", "where.age.under = 4", "where.age.under = 6"),
            *("where.age = {'under': 5, 'over': 2}", "where.age = {'at_least': 2, 'at_most': 5}"),
        },
    ),
    "several": (
        {"level": 3, "kind": "eha"},
        {
            *("where is gone", "where = {'not': {'level': 3, 'kind': 'eha'}}", "where.level is gone"),
            *("where.kind is gone", "where.level = 4", "where.kind = 'another kind'"),
        },
    ),
    "any": (
        {"any": [{"a": True}, {"known": "b"}]},
        {
            *("where is gone", "where = {'not': {'any': [{'a': True}, {'known': 'b'}]}}", "where.any.0 is gone"),
            *("where.any.1 is gone", "where.any.0 = {'not': {'a': True}}", "where.any.0.a = False"),
            "where.any.1 = {'not': {'known': 'b'}}",
        },
    ),
    "happened": (
        {"happened": {"x": "within 3 months", "y": "ever"}},
        {
            *("where is gone", "where = {'not': {'happened': {'x': 'within 3 months', 'y': 'ever'}}}"),
            *("where.happened.x is gone", "where.happened.y is gone", "where.happened.x = 'ever'"),
            *("where.happened.x = 'within 2 months'", "where.happened.x = 'within 4 months'"),
            *("where.happened.x = 'within 3 weeks'", "where.happened.x = 'within 3 years'"),
            "where.happened.y = 'within 1 day'",
        },
    ),
}


@pytest.mark.parametrize("kind", CONDITIONS)
def test_a_condition_is_missed_nearly_in_each_of_these_ways(kind: str) -> None:
    where, wanted = CONDITIONS[kind]
    found = {
        f"{'.'.join(map(str, path))} is gone" if value is None else f"{'.'.join(map(str, path))} = {value!r}"
        for path, value in condition_changes(("where",), where)
    }
    assert found == wanted


TABLES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "standard.s": (
        {
            "due": ["1 week after x", "by case d"],
            "met_by": ["a", "b"],
            "unless": "c",
            "owner": "worker",
            "tell": ["manager"],
            "remind": ["on the day"],
            "per": "child",
            "runs_through": ["hold", "closure"],
            "roll": "next working day",
            "may_extend": ["manager"],
            "escalate": "l",
        },
        [
            *("due.0 is gone", "due.1 is gone", "met_by.0 is gone", "met_by.1 is gone", "unless is gone"),
            *("owner = 'manager'", "tell is gone", "remind is gone", "per is gone", "runs_through.0 is gone"),
            *("runs_through.1 is gone", "roll is gone", "roll = 'previous working day'", "may_extend.0 = 'worker'"),
            *("may_extend is gone", "escalate is gone", "force = 'guide'", "met_by.0 = '2nd a'"),
        ],
    ),
    "rhythm.r": (
        {
            "phases": [{"every": "1 week", "from": "x"}, {"every": "2 weeks", "best_by": "1 week", "from": "y"}],
            "met_by": "a",
            "owner": "worker",
            "force": "guide",
        },
        [
            *("phases.0 is gone", "phases.1.every = '3 weeks'", "phases.1.best_by is gone", "force = 'required'"),
            *("phases.1.from = 'latest y'", "met_by = '2nd a'"),
        ],
    ),
    "rhythm.often": (
        {"every": "2 times a month", "from": "x", "met_by": "a", "owner": "worker"},
        [
            *("every = '1 times a month'", "every = '3 times a month'", "every = '2 times a week'"),
            *("from = 'latest x'", "from = '2nd x'"),
        ],
    ),
    "check.c": (
        {
            "at": "2nd x",
            "needs": ["a", "b"],
            "since": "latest y",
            "must": {"m": True},
            "owner": "worker",
            "tell": ["manager"],
            "not_before": "2 days after z",
        },
        [
            *("at = '1st x'", "at = '3rd x'", "at = 'x'", "needs.0 is gone", "since is gone", "since = 'y'"),
            *("must is gone", "must.m = False", "tell is gone", "force = 'guide'", "not_before is gone"),
        ],
    ),
    "meeting.m": (
        {"on": "every Monday", "cut_off": "12:00", "bank_holiday": "ask", "chair": "worker", "per": "hub"},
        [
            *("on = 'every Tuesday'", "on = 'every Friday'", "cut_off = '11:00'", "cut_off = '13:00'"),
            *("cut_off is gone", "bank_holiday = 'skip'", "bank_holiday = 'next working day'", "chair = 'manager'"),
            *("chair is gone", "per is gone"),
        ],
    ),
    "meeting.days": (
        {"on": "every Friday", "cut_off": "2 working days before"},
        ["on = 'every Monday'", "cut_off = '1 working days before'", "cut_off = '3 working days before'"],
    ),
    "meeting.months": (
        {"on": "last Friday of the month"},
        [
            *(
                "on = 'last Monday of the month'",
                "on = 'last Thursday of the month'",
                "on = 'first Friday of the month'",
            ),
            *("on = 'second Friday of the month'", "on = 'third Friday of the month'"),
            "on = 'fourth Friday of the month'",
        ],
    ),
    "ladder.l": (
        {
            "steps": [
                {"who": ["worker", "manager"], "due": "24 hours after x", "together": True},
                {"who": ["manager"], "due": "48 hours after x", "where": {"stage": "a"}, "final": True},
            ]
        },
        [
            *("steps.0 is gone", "steps.1 is gone", "steps.0.who.0 is gone", "steps.1.who.0 = 'worker'"),
            *("steps.0.together is gone", "steps.1.final is gone", "steps.1.where is gone"),
            *("steps.0.due = '23 hours after x'", "steps.1.where.stage = 'another stage'"),
        ],
    ),
    "limit.l": (
        {"who": "worker", "at_most": {"families": 10, "children": 25}, "at_least": {"families": 2}, "pro_rata": True},
        [
            *("who = 'manager'", "at_most.families = 9", "at_most.families = 11", "at_most.children is gone"),
            *("at_least is gone", "at_least.families = 1", "pro_rata is gone"),
        ],
    ),
    "route.r": (
        {"at": "x", "rows": [{"where": {"a": True}, "to": "North"}, {"to": "South"}]},
        ["rows.0 is gone", "rows.1 is gone", "rows.0.to = 'another team'", "rows.0.where.a = False", "at = '2nd x'"],
    ),
    "event.e": (
        {"of": "x", "where": {"a": True}, "at_least": 3, "within": "42 days", "different": {"day": 3}},
        [
            *("where is gone", "at_least = 2", "at_least = 4", "within is gone", "within = '41 days'"),
            *("different is gone", "different.day = 2", "different.day = 4"),
        ],
    ),
    "event.any": ({"any": ["x", "2nd y"]}, ["any.0 is gone", "any.1 = 'y'", "any.0 = '2nd x'"]),
    "event.all": ({"all": ["x", "y"]}, ["all.0 is gone", "all.1 is gone"]),
    "reading.r": ({"asks": "?", "answer": "!", "value": "2 weeks"}, ["value = '1 weeks'", "value = '3 weeks'"]),
    "policy": (
        {"nation": "england", "remind": ["3 days before", "on the day"], "hours": "09:00 to 17:00"},
        [
            *("nation = 'scotland'", "counts_first_day = True", "remind.0 = '2 days before'", "remind.1 is gone"),
            *("hours = '08:00 to 17:00'", "hours = '09:00 to 18:00'"),
        ],
    ),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_of_each_shape_is_missed_nearly_in_each_of_these_ways(name: str) -> None:
    table, wanted = TABLES[name]
    made = list(mutants(tuple(name.split(".")), table, Words(lambda _: (), ("worker", "manager"))))
    names = [mutant.name.removeprefix(f"{name}.") for mutant in made]
    assert set(wanted) <= set(names)
    assert len(set(names)) == len(names)
    assert {mutant.table for mutant in made} == {name}


def test_what_says_the_same_in_other_words_is_no_change() -> None:
    table = {"at": "x", "needs": "a", "since": "y", "owner": "worker"}
    names = {mutant.name for mutant in mutants(("check", "c"), table, Words(lambda _: (), ("worker", "manager")))}
    assert not any("= 'each " in name or "force" in name for name in names)
    assert "check.c.at = 'latest x'" not in names
