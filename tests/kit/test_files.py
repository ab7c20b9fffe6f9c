"""What a plugin's files owe one another: each fault is found, and said so that it can be mended."""

import shutil
from pathlib import Path

import pytest
from kit_samples import Build

from ehscheduler.errors import PolicyRefused
from ehscheduler.kit import (
    PROOFS,
    Plugin,
    coverage_faults,
    example_faults,
    reading_faults,
    readme_faults,
    snapshot_faults,
)
from ehscheduler.kit.coverage import word_faults
from ehscheduler.kit.ladders import ladder_faults
from ehscheduler.kit.readme import renew_readme
from ehscheduler.kit.snapshot import renew_snapshot, snapshot, standard_folder


def dates(plugin: Plugin) -> str:
    folder = standard_folder(plugin)
    assert folder
    return snapshot(plugin, folder)


COVERAGE = {
    "missing": (
        '  { row = "kindness", clause = "5", as = "P", why = "a principle" },\n',
        "",
        "row kindness is missing",
    ),
    "unknown": ('row = "kindness"', 'row = "kinder"', "the row kinder is not in tests/rule_list.toml"),
    "twice": ('row = "kindness"', 'row = "areas"', "the row areas stands 2 times"),
    "no reason": ('why = "a principle"', 'why = "too hard"', "kindness is P: give as 'why' one of a principle,"),
    "held and P": ('why = "a principle"', 'why = "a principle", rule = ["call"]', "kindness is P"),
    "duplicate": ('why = "a principle"', 'why = "a duplicate of a named rule"', "kindness is a duplicate: name the"),
    "no rule": ('as = "D", rule = ["area"]', 'as = "D"', "areas must be T or D and name its 'rule'"),
    "other letter": ('as = "D", rule = ["area"]', 'as = "X", rule = ["area"]', "areas must be T or D"),
    "lost rule": ('rule = ["area"]', 'rule = ["regions"]', "areas names regions, which policy.toml does not have"),
    "loose rule": ('rule = ["area"]', 'rule = ["call"]', "no row is held by area"),
    "not timed": (
        'as = "T", rule = ["call"]',
        'as = "D", rule = ["call"]',
        "call is timed, and no row under T names it",
    ),
}


@pytest.mark.parametrize("fault", COVERAGE)
def test_a_row_that_is_lost_or_held_by_nothing_is_named(build: Build, fault: str) -> None:
    old, new, said = COVERAGE[fault]
    assert any(said in sentence for sentence in coverage_faults(build(coverage=(old, new))))


def test_rows_out_of_order_and_a_list_without_timed_rules_are_named(build: Build) -> None:
    assert (
        "another order" in coverage_faults(build(rule_list=('"call-in-time", "letter"', '"letter", "call-in-time"')))[0]
    )
    assert "does not say which rules are 'timed'" in coverage_faults(build(rule_list=('["call"]', "[]")))[0]


READINGS = {
    "unused": (
        'reading = "which"',
        "",
        "policy.toml [reading.which]: nothing rests on it; name it under 'reading' in a rule, or take it out",
    ),
    "nobody's": (
        'taken_by = "project"',
        "",
        "policy.toml [reading.which]: has no answer, or nobody who took it; write answer and taken_by",
    ),
}


@pytest.mark.parametrize("fault", READINGS)
def test_a_reading_that_is_not_used_or_not_taken_is_named(build: Build, fault: str) -> None:
    old, new, said = READINGS[fault]
    assert reading_faults(build(policy=(old, new))) == [said]


@pytest.mark.parametrize("key", ["title", "clause"])
def test_a_word_that_nobody_could_look_up_is_named(build: Build, key: str) -> None:
    lost = {"title": 'title  = "A letter"', "clause": 'clause = "2"\n\n[standard'}[key]
    plugin = build(policy=(lost, "[standard" if key == "clause" else ""))
    assert word_faults(plugin) == ["policy.toml [event.letter_sent]: give it a title and a clause"]


EXAMPLES = {
    "late": (
        'state = "met_late"',
        'state = "met"',
        "policy.toml [standard.call]: no example shows call late; add one to examples.toml",
    ),
    "fails": (
        'warnings = ["it wants letter"]',
        "",
        "policy.toml [check.letter-first]: no example shows letter-first fail; add one to examples.toml",
    ),
    "holds": (
        '"2026-03-03 letter_sent", ',
        "",
        "policy.toml [check.letter-first]: no example shows letter-first hold; add one to examples.toml",
    ),
    "leads": ('team   = "North"', 'team   = "none"', "policy.toml [route.area]: no [[routed]] case leads to North"),
    "over": (
        '["F03"]',
        "[]",
        "policy.toml [limit.caseload]: wants a [[workload]] case within the limit and one over it",
    ),
}


@pytest.mark.parametrize("fault", EXAMPLES)
def test_a_rule_that_is_shown_one_way_only_is_named(build: Build, fault: str) -> None:
    old, new, said = EXAMPLES[fault]
    plugin = build(examples=(old, new))
    if fault == "fails":
        plugin.worked[3].table["notices"].clear()
    if fault == "holds":
        plugin.worked[4].table["warnings"].append("it wants letter")
    assert said in example_faults(plugin)


def test_the_tables_of_the_readme_are_made_once_and_then_held(build: Build) -> None:
    plugin = build()
    assert len(readme_faults(plugin)) == 3
    renew_readme(plugin)
    assert readme_faults(plugin) == []
    text = (plugin.root / "README.md").read_text(encoding="utf-8")
    assert "| `letter_sent` | A letter | 2 |" in text
    assert "| `which` | 1 | The first. | `call` | the project's; not signed |" in text
    assert "| letter | 2 | D | `letter-first` (a check) |" in text
    assert "| kindness | 5 | P | not encoded: a principle |" in text


def test_a_readme_without_its_marks_is_named(build: Build) -> None:
    [fault] = [f for f in readme_faults(build(README=("<!-- words: end -->", ""))) if "marks" in f]
    assert "<!-- words: made from the policy's files -->" in fault


def test_a_changed_policy_shows_line_by_line_in_the_standard_dates(build: Build) -> None:
    renew_snapshot(build())
    changed = build(policy=("5 working days", "6 working days"))
    said = snapshot_faults(changed)
    assert said[0].endswith("run: ehscheduler plugin test testshire --write")
    assert [line.split() for line in said if line[1:].startswith("call")] == [
        ["-call", "-", "-", "2026-04-09", "upcoming", "-"],
        ["+call", "-", "-", "2026-04-10", "upcoming", "-"],
        ["-call", "-", "-", "2026-03-10", "overdue", "-"],
        ["+call", "-", "-", "2026-03-11", "overdue", "-"],
    ]
    renew_snapshot(changed)
    assert snapshot_faults(changed) == []


def test_the_standard_dates_show_cases_warnings_and_notices_in_order(build: Build) -> None:
    lines = dates(build()).splitlines()
    assert [line for line in lines if line.startswith("==")] == [
        "== fresh",
        "== late",
        "== Notices from 2026-03-31 until 2026-04-14",
    ]
    assert any(line.startswith("! letter-first: A letter before a visit") for line in lines)
    assert lines[-2].split() == ["2026-04-09", "08:30", "due", "fresh", "call", "worker,", "manager"]


def test_a_limit_in_hours_is_shown_with_its_time(build: Build) -> None:
    plugin = build(
        policy=("5 working days", "7 hours"),
        events=("fresh,allocation,2026-03-31,", "fresh,allocation,2026-03-31T09:15,"),
    )
    assert "2026-03-31 16:15" in dates(plugin)


def test_a_file_that_is_missing_is_named(build: Build) -> None:
    plugin = build()
    Path(plugin.package / "coverage.toml").unlink()
    with pytest.raises(
        PolicyRefused, match=r"coverage\.toml: there is no such file, and the proofs of testshire need it"
    ):
        coverage_faults(plugin)


def test_a_rule_list_and_standard_cases_are_held_only_where_they_are(build: Build) -> None:
    plugin = build(rule_list=('"kindness"', '"patience"'))
    assert len(coverage_faults(plugin)) == 2
    assert len(snapshot_faults(plugin)) > 1
    (plugin.root / "tests" / "rule_list.toml").unlink()  # type: ignore[operator]
    shutil.rmtree(plugin.root / "tests" / "standard")  # type: ignore[operator]
    without = Plugin(plugin.authority)
    assert coverage_faults(without) == []
    assert snapshot_faults(without) == []


def test_a_package_that_is_installed_without_its_folder_is_held_to_what_is_there(build: Build) -> None:
    plugin = build()
    (plugin.root / "pyproject.toml").unlink()  # type: ignore[operator]
    alone = Plugin(plugin.authority)
    assert (alone.root, alone.tests) == (None, None)
    assert readme_faults(alone) == snapshot_faults(alone) == coverage_faults(alone) == []
    with pytest.raises(PolicyRefused, match="installed without its README"):
        renew_readme(alone)


def test_a_readme_that_is_missing_or_has_no_marks_gets_its_tables_when_they_are_renewed(build: Build) -> None:
    plugin = build()
    path = plugin.root / "README.md"  # type: ignore[operator]
    path.unlink()
    assert len(readme_faults(plugin)) == 3
    renew_readme(plugin)
    assert readme_faults(plugin) == []
    path.write_text("# Testshire\n", encoding="utf-8")
    renew_readme(plugin)
    assert readme_faults(plugin) == []
    assert path.read_text(encoding="utf-8").startswith("# Testshire\n\n<!-- words")


def test_a_ladder_that_no_rule_climbs_is_named(build: Build) -> None:
    ladder = (
        '[ladder.lost]\ntitle = "L"\nclause = "1"\nsteps = [{ who = ["manager"], due = "1 day after step_reached" }]\n'
    )
    [fault] = ladder_faults(build(policy=("", ladder)))
    assert fault.startswith("policy.toml [ladder.lost]: no rule climbs it")
    climbed = (
        'tell    = ["manager"]\nreading = "which"',
        f'escalate = "lost"\ntell = ["manager"]\nreading = "which"\n{ladder}',
    )
    assert ladder_faults(build(policy=climbed)) == []


def test_a_plugin_that_keeps_all_this_has_no_fault(build: Build) -> None:
    plugin = build()
    renew_readme(plugin)
    renew_snapshot(plugin)
    assert [fault for proof in PROOFS for fault in proof(plugin)] == []
