"""A new edition comes into force under a running service."""

from pathlib import Path

import pytest

from ehscheduler.core.calendars import london_day
from ehscheduler.core.reading import read_policy
from ehscheduler.daemon.turn import turn
from ehscheduler.plugins import Authority
from ehscheduler.policy_files import calendar_for
from ehscheduler.store.milestones import clocks_of, milestones_of
from tests.daemon.house import HEAD, LADDER, NAME, VISIT, House

GENOGRAM = """
[standard.genogram]
title = "Genogram"
clause = "1.2"
due = "20 working days after allocation"
met_by = "genogram_completed"
owner = "worker"
"""


def with_two(house: House, transition: str) -> Authority:
    """Give the house a second edition from 1 June 2026 on, with half the time for a visit and no genogram."""
    second = HEAD.replace('edition = "1"', f'edition = "2"\ntransition = "{transition}"')
    policies = (
        read_policy(HEAD + VISIT + GENOGRAM, "1.toml"),
        read_policy(second.replace("2015-01-01", "2026-06-01") + VISIT.replace("10 working", "5 working"), "2.toml"),
    )
    house.authority = Authority(NAME, policies, calendar_for(policies[0]), Path())
    house.set(ladders={NAME: LADDER})
    house.live()
    return house.authority


def a_turn(house: House, at: str) -> None:
    house.at(at)
    turn(house.desk, lambda: house.now, stop=lambda: False, rng=house.rng)


@pytest.mark.parametrize(
    ("transition", "due", "editions"),
    [
        ("keep", {"visit": "2026-06-12", "genogram": "2026-06-26"}, {"visit": 0, "genogram": 0}),
        ("move open clocks", {"visit": "2026-06-05"}, {"visit": 1}),
    ],
)
def test_at_midnight_open_clocks_go_on_or_move_as_the_new_edition_says(
    house: House, transition: str, due: dict[str, str], editions: dict[str, int]
) -> None:
    authority = with_two(house, transition)
    house.case("C1", "2026-05-29 10:00 allocation")
    a_turn(house, "2026-05-31 23:59")
    a_turn(house, "2026-06-01 00:01")
    with house.store.read() as tx:
        rows, clocks = milestones_of(tx, NAME, "C1"), {row.rule: row for row in clocks_of(tx, NAME, "C1")}
    assert {row.rule: str(row.due_on) for row in rows} == due
    hashes = {rule: authority.policies[n].text_hash for rule, n in editions.items()}
    assert {row.rule: row.policy_hash for row in rows} == hashes
    assert {rule: clocks[rule].policy_hash for rule in editions} == hashes


def test_what_moved_is_told_as_it_stands_from_then_on_and_once(house: House) -> None:
    with_two(house, "move open clocks")
    house.case("C1", "2026-05-20 10:00 allocation")  # by the old edition due on 4 June, by the new one on 28 May
    house.case("C2", "2026-05-22 10:00 allocation")  # by the old edition due on 8 June, by the new one on 1 June
    for day in ("2026-05-29", "2026-06-01", "2026-06-02", "2026-06-03"):
        a_turn(house, f"{day} 08:30")
    told = sorted(
        (str(london_day(row.sent_at)), row.case_ref, row.kind, row.recipient)
        for row in house.rows
        if row.sent_at and row.state == "handed_over"
    )
    assert told == [
        ("2026-06-01", "C1", "overdue", "person:w1"),
        ("2026-06-01", "C2", "due", "person:w1"),
        ("2026-06-02", "C1", "escalation", "person:m1"),
        ("2026-06-02", "C2", "overdue", "person:w1"),
        ("2026-06-03", "C2", "escalation", "person:m1"),
    ]


def test_a_new_episode_in_the_new_edition_is_governed_by_it(house: House) -> None:
    with_two(house, "keep")
    house.case("C1", "2026-05-29 10:00 allocation", "2026-05-30 10:00 closed")
    house.events("C1", "2026-06-02 10:00 reopened", "2026-06-02 11:00 allocation")
    a_turn(house, "2026-06-02 12:00")
    with house.store.read() as tx:
        rows = milestones_of(tx, NAME, "C1")
    assert [(row.rule, str(row.due_on)) for row in rows] == [("visit", "2026-06-09")]
