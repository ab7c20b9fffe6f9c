"""A fault names the line that it speaks of, so that nobody has to look for it."""

from pathlib import Path

import pytest

from ehscheduler.kit.lines import with_line

POLICY = """\
[policy]
authority = "testshire"

[standard.call]
title = "Family called"
due   = "5 working days after alocation"
ownr  = "worker"

[ladder.overdue]
steps = [
  { who = ["manger"], due = "1 day after step_reached" },
]
"""
EXAMPLES = """\
[[example]]
rule   = "call"
events = ["2026-03-03 allocation"]
expect = [{ key = "call", due_on = 2026-03-10, state = "met" }]

[[example]]
id     = "late"
rule   = "call"
at     = "2026-03-11"
expect = [{ key = "call", due_on = 2026-03-11 }]
"""
COVERAGE = 'rows = [\n  { row = "one", clause = "1", as = "T", rule = ["call"] },\n]\n'
FAULTS = {
    "an unknown key": ("policy.toml [standard.call]: no key 'ownr'; did you mean 'owner'?", 7),
    "a key that is there": ("policy.toml [standard.call]: due: 'x' is not a limit", 6),
    "an unknown word": ("policy.toml [standard.call]: no event 'alocation' is declared", 6),
    "a key that is not there": ("policy.toml [standard.call]: has no 'met_by', which every such table needs", 4),
    "inside a list": ("policy.toml [ladder.overdue] steps 1: no role 'manger' is declared", 11),
    "the head": ("policy.toml [policy] authority: is for the authority 'testshire'", 2),
    "with the plugin's name": ("plugin 'x': policy.toml [standard.call]: no key 'ownr'", 7),
    "a case by its place": ("examples.toml [[example]] 1: has no 'at'", 1),
    "a case by its id": ("examples.toml [[example]] late: has no 'events'", 6),
    "a date by hand": (
        "examples.toml [[example]] late: call: due_on is 2026-03-11 by hand, and 2026-03-10 counted",
        10,
    ),
    "a row": ("testshire coverage.toml: no row is held by call; name it in a row", 2),
    "what nobody can place": ("policy.toml: the plugin's condition 'x' has the name of a fact", 0),
    "a table that is not there": ("policy.toml [standard.visit]: no key 'x'", 0),
    "a file that is not there": ("config.toml [mail]: no key 'x'", 0),
    "a line that is said already": ("policy.toml: is not TOML: Invalid value (at line 3, column 4)", 0),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_given_the_line_that_it_speaks_of(tmp_path: Path, name: str) -> None:
    for file, text in (("policy", POLICY), ("examples", EXAMPLES), ("coverage", COVERAGE)):
        (tmp_path / f"{file}.toml").write_text(text, encoding="utf-8")
    fault, line = FAULTS[name]
    said = with_line(fault, tmp_path)
    assert said == (fault.replace(".toml", f".toml line {line}", 1) if line else fault)
