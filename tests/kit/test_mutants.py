"""A change of a policy is refused, told by a worked case, or named as equivalent; what lives is said by its name."""

import re
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from kit_samples import Build

from ehscheduler.core.policy import Policy
from ehscheduler.core.reading import read_tables
from ehscheduler.errors import PolicyRefused
from ehscheduler.kit import Plugin, mutant_faults, plugin, tables_with_mutants
from ehscheduler.kit.changes import Mutant
from ehscheduler.kit.mutants import equivalent_faults, killing
from ehscheduler.kit.plugin import Tables

LIKE_ENGLAND = "policy.nation = 'northern ireland'"
"""No case of the small plugin looks at St Patrick's Day."""


def living(plugin: Plugin) -> list[str]:
    faults = [fault for table in tables_with_mutants(plugin) for fault in mutant_faults(plugin, table)]
    parts = [re.fullmatch(r"policy\.toml \[.*\]: no worked case tells (.*): (add|write|count) .*", f) for f in faults]
    assert all(parts)
    return [name for part in parts if part for name in part[1].split("; ")]


def test_every_table_that_decides_something_is_changed(build: Build) -> None:
    tables = ["policy", "standard.call", "check.letter-first", "limit.caseload", "route.area"]
    assert sorted(tables_with_mutants(build())) == sorted(tables)


def test_well_chosen_cases_leave_only_what_none_of_them_looks_at(build: Build) -> None:
    assert living(build()) == [LIKE_ENGLAND]


def test_with_one_occurrence_less_in_a_case_a_change_lives(build: Build) -> None:
    lives = "standard.call.due = '5 working days after latest allocation'"
    assert living(build(examples=('"2026-03-04 allocation", ', ""))) == [LIKE_ENGLAND, lives]


def test_a_change_of_a_word_is_told_by_the_cases_of_the_rules_that_rest_on_it(build: Build) -> None:
    plugin = build(
        policy=(
            "[standard.call]",
            '[event.reached]\ntitle = "Reached"\nclause = "1"\nany = ["contact_made", "family_seen"]\n[standard.call]',
        )
    )
    assert killing(plugin).touching("event.reached") == []
    assert "event.reached.any.1 is gone" in living(plugin)


def test_what_the_reader_refuses_is_no_policy(build: Build) -> None:
    chosen = killing(build())
    assert chosen.mutated(Mutant(("standard", "call", "due"), "5 fortnights after allocation")) is None
    assert chosen.mutated(Mutant(("standard", "call", "due"), "6 working days after allocation")) is not None


def test_a_change_leaves_the_policy_itself_as_it_was(build: Build) -> None:
    plugin = build()
    chosen = killing(plugin)
    for table in chosen.named():
        for mutant in chosen.of(table):
            chosen.mutated(mutant)
    assert plugin.tables["standard"]["call"]["due"] == "5 working days after allocation"
    assert plugin.tables["route"]["area"]["rows"] == [{"where": {"locality": "north"}, "to": "North"}]


@pytest.mark.parametrize("name", ["barnet", "manchester", "northamptonshire", "nottinghamshire"])
def test_a_change_of_one_table_reads_as_the_whole_file_changed_would(name: str) -> None:
    every = plugin(name)
    chosen = killing(every)
    changes = [mutant for table in chosen.named() if table != "policy" for mutant in chosen.of(table)][::40]
    for mutant in changes:
        tables = deepcopy(every.tables)
        place: Any = tables
        for step in mutant.path[:-1]:
            place = place[step]
        if mutant.value is None:
            del place[mutant.path[-1]]
        else:
            place[mutant.path[-1]] = mutant.value
        assert chosen.mutated(mutant) == whole(tables, every), mutant.name


def whole(tables: Tables, plugin: Plugin) -> Policy | None:
    own = plugin.policy
    try:
        read = read_tables(tables, "", own.file, own.hooks)
    except PolicyRefused:
        return None
    return replace(read, text=own.text, text_hash=own.text_hash)


def equivalent(plugin: Plugin, name: str, because: str) -> None:
    text = f'[[equivalent]]\nmutants = ["{name}"]\nbecause = "{because}"\n'
    (plugin.package / "equivalent.toml").write_text(text, encoding="utf-8")


def test_a_mutant_that_is_named_with_a_reason_may_live(build: Build) -> None:
    plugin = build()
    equivalent(plugin, LIKE_ENGLAND, "nobody works there")
    assert living(plugin) == []
    assert equivalent_faults(plugin) == []


@pytest.mark.parametrize(
    ("name", "because", "said"),
    [
        (LIKE_ENGLAND, " ", "has no reason"),
        ("standard.cal.due is gone", "a slip", "is of no such table"),
    ],
)
def test_a_mutant_that_is_named_without_a_reason_or_a_table_is_said(
    build: Build, name: str, because: str, said: str
) -> None:
    plugin = build()
    equivalent(plugin, name, because)
    assert equivalent_faults(plugin) == [f"equivalent.toml: {name}: {said}"]


def test_a_mutant_that_is_named_and_does_not_live_is_said(build: Build) -> None:
    plugin = build()
    name = "standard.call.due = '6 working days after allocation'"
    equivalent(plugin, name, "nobody counts")
    assert mutant_faults(plugin, "standard.call") == [f"equivalent.toml: {name}: is no living mutant; take it out"]
