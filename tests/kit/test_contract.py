"""A worked case through the machine contract says in a sentence where the product counts otherwise than the hand."""

from pathlib import Path

import pytest
from kit_samples import Build

from ehscheduler.kit import through_files

WRONG = {
    "a date": (
        "due_on = 2026-03-10",
        "due_on = 2026-03-11",
        "call: due_on is 2026-03-11 by hand, and 2026-03-10 count",
    ),
    "a state": ('state = "met_late"', 'state = "met"', "call: state is met by hand, and met_late counted"),
    "nothing": (
        'key = "call", state = "met_l',
        'key = "calls", state = "met_l',
        "calls is expected, and there is call",
    ),
    "a notice": ("2026-04-08T08:30:00", "2026-04-07T08:30:00", "is due at 2026-04-08T08:30:00 to worker, manager as"),
    "who hears": (
        'kind = "overdue", to_roles = ["worker", ',
        'kind = "overdue", to_roles = [',
        "is overdue at 2026-04-0",
    ),
    "how many hear": ('kind = "check"', 'kind = "due"', "1 notices by hand, and as counted none"),
    "a warning": ('["it wants letter"]', "[]", "a warning that is not expected: C1: letter-first: A letter"),
    "no warning": ("warnings = []", 'warnings = ["too soon"]', "no warning says 'too soon'; there is none"),
    "a team": ('team   = "North"', 'team   = "South"', "the team is South by hand, and North as counted"),
    "no team": ('team   = "none"', 'team   = "North"', "the team is North by hand, and none as counted"),
    "a limit": ('told     = ["F03"]', 'told     = ["F02"]', "told of [('F02', ('manager',))] by hand, and of [('F03'"),
    "an absence": (
        'state = "met_late" }]',
        'state = "met_late" }]\nabsent = ["call"]',
        "call is there, and should not be",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_case_that_is_counted_otherwise_is_said_in_a_sentence(build: Build, tmp_path: Path, wrong: str) -> None:
    old, new, said = WRONG[wrong]
    plugin = build(examples=(old, new))
    sentences = [s for worked in plugin.worked for s in through_files(plugin, worked, tmp_path)]
    assert len(sentences) == 1
    assert said in sentences[0]
    assert sentences[0].startswith("examples.toml [[")


@pytest.mark.parametrize("wrong", [one for one in WRONG if one not in ("how many hear",)])
def test_the_core_by_itself_finds_the_same_cases_wrong(build: Build, wrong: str) -> None:
    old, new, _ = WRONG[wrong]
    plugin = build(examples=(old, new))
    assert len([s for worked in plugin.worked for s in worked.wrong(plugin.policy, plugin.calendar)]) == 1


def test_cases_that_are_counted_alike_say_nothing(build: Build, tmp_path: Path) -> None:
    plugin = build()
    assert len(plugin.worked) == 10
    assert [s for worked in plugin.worked for s in through_files(plugin, worked, tmp_path)] == []


def test_a_blank_fact_that_a_rule_needs_is_a_problem_that_the_case_has_to_name(build: Build, tmp_path: Path) -> None:
    plugin = build(
        policy=('owner   = "worker"\ntell', 'owner   = "worker"\nwhere   = { level = 3 }\ntell'),
        examples=(
            "[[routed]]",
            '[[example]]\nrule="call"\nevents=["2026-03-03 allocation"]\nat="2026-03-04"\nexpect=[]\n[[routed]]',
        ),
    )
    worked = next(one for one in plugin.worked if one.rule == "call" and not one.table["expect"])
    assert through_files(plugin, worked, tmp_path) == [
        f"{worked.place}: a problem that is not expected: C1: call: is not applied, "
        "because a fact that its condition reads is blank; fill it in"
    ]


@pytest.mark.parametrize("asks", ["call", "none"])
def test_a_fact_that_another_rule_wants_is_none_of_a_cases_business(build: Build, tmp_path: Path, asks: str) -> None:
    head = '[standard.none]\ntitle = "N"\nclause = "1"\ndue = "2 days after allocation"\nmet_by = "closed"\n'
    other = f'{head}owner = "worker"\nwhere = {{ age = {{ under = 2 }} }}\n'
    one = f'[[example]]\nrule="{asks}"\nevents=["2026-03-03 allocation"]\nat="2026-03-04"\nexpect=[]\n[[routed]]'
    plugin = build(policy=("[check.letter-first]", f"{other}[check.letter-first]"), examples=("[[routed]]", one))
    said = [s for worked in plugin.worked for s in through_files(plugin, worked, tmp_path)]
    assert bool(said) == (asks == "none")
    assert all("C1: none: is not applied" in sentence for sentence in said)


def test_an_event_recorded_later_and_a_detail_with_an_id_reach_the_files(build: Build, tmp_path: Path) -> None:
    plugin = build(
        examples=(
            '"2026-03-11 contact_made"',
            '"2026-03-10;2026-03-11 contact_made #R {\\"method\\": \\"phone\\", \\"id\\": \\"x1\\"}"',
        )
    )
    worked = next(one for one in plugin.worked if one.table["events"][-1].startswith("2026-03-10;"))
    assert through_files(plugin, worked, tmp_path) == [
        f"{worked.place}: call: state is met_late by hand, and met counted"
    ]
    assert (tmp_path / "events.csv").read_text(encoding="utf-8").splitlines()[-1] == (
        'C1,contact_made,2026-03-10,2026-03-11,R,"{""method"": ""phone""}",x1'
    )
