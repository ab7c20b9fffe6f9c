"""A worked case of a meeting: the next sitting, of the hub's own calendar, and who hears of one that is lost."""

from pathlib import Path

import pytest
from kit_samples import Build

from ehscheduler.kit import mutant_faults, through_files

# Thursdays; Christmas Day 2025 and New Year's Day 2026 are bank holidays, and Thu 8 Jan is the next sitting.
MEETING = """
[meeting.panel]
title   = "Panel"
clause  = "5"
on      = "every Thursday"
per     = "meeting_hub"
cut_off = "12:00"
chair   = "manager"
"""
CASES = """
[[sitting]]
rule  = "panel"
after = "2025-12-18T11:59"
next  = 2025-12-18

[[sitting]]
rule  = "panel"
after = "2025-12-18T12:00"
next  = 2026-01-08

[[sitting]]
rule  = "panel"
facts = { meeting_hub = "north" }
hub   = "north"
moved = { "2025-12-25" = 2025-12-23, "2026-01-08" = "none" }
after = "2025-12-19"
next  = 2025-12-23

[[sitting]]
rule  = "panel"
facts = { meeting_hub = "north" }
hub   = "north"
moved = { "2026-01-08" = "none" }
after = "2025-12-26"
next  = 2026-01-15

[[sitting]]
rule     = "panel"
from     = "2025-12-01"
until    = "2026-01-31"
told     = ["2025-12-18T08:30:00", "2025-12-24T08:30:00"]
to_roles = ["manager"]
"""


def test_a_meeting_that_is_counted_as_by_hand_says_nothing_and_no_change_of_it_lives(
    build: Build, tmp_path: Path
) -> None:
    plugin = build(policy=("", MEETING), examples=("", CASES))
    assert [said for worked in plugin.worked for said in through_files(plugin, worked, tmp_path)] == []
    assert mutant_faults(plugin, "meeting.panel") == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("next  = 2025-12-18", "next  = 2025-12-25", "the next sitting is 2025-12-25 by hand, and 2025-12-18 as"),
        ("next  = 2026-01-15", 'next  = "none"', "the next sitting is none by hand, and 2026-01-15 as counted"),
        ('"2025-12-24T08:30:00"]', '"2025-12-24T09:00:00"]', "told of [('2025-12-18T08:30:00', ('manager',)), ("),
        ('told     = ["2025-12-18T08:30:00", "2025-12-24T08:30:00"]', "told = []", "told of [] by hand, and of [("),
    ],
)
def test_a_meeting_that_is_counted_otherwise_is_said_in_a_sentence(
    build: Build, tmp_path: Path, old: str, new: str, said: str
) -> None:
    plugin = build(policy=("", MEETING), examples=("", CASES.replace(old, new)))
    sentences = [s for worked in plugin.worked for s in through_files(plugin, worked, tmp_path)]
    assert said in sentences[0]
    assert sentences[0].startswith("examples.toml [[sitting]]")
