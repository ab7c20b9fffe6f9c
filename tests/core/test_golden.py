"""Golden cases: every sentence of the counting rules (design section 4) by its number, both sides of each boundary.

The tables in `golden/` are counted by hand. An id begins with the sentence's number; one that says `reading` pins how
a sentence was read where it can be read in two ways.
"""

import tomllib
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.core.calendars import Calendar
from ehscheduler.core.examples import mismatches, read_example
from ehscheduler.core.policy import Policy
from ehscheduler.core.reading import read_policy
from ehscheduler.policy_files import calendar_for

FILES = sorted((Path(__file__).parent / "golden").glob("*.toml"))
HEAD = """[policy]
authority = "testshire"
document = "A protocol for tests"
edition = "1"
nation = "{nation}"
in_force = 2015-01-01
{more}
[roles]
worker = ["lead"]
manager = "Manager"
director = "Director"
"""


@lru_cache
def tables(file: Path) -> dict[str, Any]:
    return tomllib.loads(file.read_text(encoding="utf-8"))


@lru_cache
def policy_of(file: Path, name: str) -> tuple[Policy, Calendar]:
    table = tables(file)["policy"][name]
    head = HEAD.format(nation=table.get("nation", "england"), more=table.get("more", ""))
    policy = read_policy(head + table["text"], f"{file.stem}:{name}")
    closures = {date.fromisoformat(day): "Closed" for day in table.get("closures", ())}
    return policy, calendar_for(policy, closures)


def rows() -> list[Any]:
    return [pytest.param(file, row, id=row["id"]) for file in FILES for row in tables(file)["example"]]


@pytest.mark.parametrize(("file", "row"), rows())
def test_a_sentence_of_section_4_holds(file: Path, row: dict[str, Any]) -> None:
    name = row.get("policy", row["rule"])
    policy, calendar = policy_of(file, name)
    faults: list[str] = []
    example = read_example(row["id"], {k: v for k, v in row.items() if k != "policy"}, policy, faults)
    assert not faults
    assert example is not None
    assert not mismatches(example, policy, calendar)


def test_every_id_is_used_once_and_names_its_sentence() -> None:
    ids = [row["id"] for file in FILES for row in tables(file)["example"]]
    assert len(ids) == len(set(ids))
    numbers = {id_.split("-")[0] for id_ in ids}
    assert numbers >= {f"4.{n}" for n in range(1, 20) if n != 6}  # 4.6: meetings are not read by this version
