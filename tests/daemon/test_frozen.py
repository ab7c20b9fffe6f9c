"""A ladder that has started keeps its steps through restarts, rebuilds and edits; a new one takes the new steps."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from ehscheduler.board import open_now
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.daemon.tick import rebuild
from ehscheduler.office import evaluation_of
from ehscheduler.store.milestones import ladders_of
from tests.daemon.house import NAME, House, told
from tests.daemon.test_decide import DISPUTE
from tests.daemon.test_own_ladder import CLIMBS

Houses = Callable[..., House]
OWN = [{"who": ["line_manager"], "after": "1 working day"}, {"who": ["director"], "after": "3 working days"}]
EDITED = CLIMBS.replace('who = ["director"]', 'who = ["manager"]').replace("2 working days after", "1 day after")


@pytest.fixture
def climbing(house_of: Houses) -> House:
    """Work that was due on Monday 9 March; on the 10th its ladder has started, and the manager has been told."""
    house = house_of(CLIMBS)
    house.live()
    house.case("C1", "2026-03-02 allocation")
    house.turns("2026-03-02", "2026-03-10", clocks=("08:30", "09:30"))
    return house


def escalated(house: House, ref: str = "C1") -> list[tuple[str, str]]:
    return [(at, to) for at, kind, to in told(house, ref) if kind == "escalation"]


def frozen(house: House, ref: str = "C1") -> list[tuple[int, str, list[Any]]]:
    with house.store.read() as tx:
        return [(row.episode, row.ladder, [s["who"] for s in row.steps["steps"]]) for row in ladders_of(tx, NAME, ref)]


def worked_out(house: House) -> Evaluation:
    with house.store.read() as tx:
        return evaluation_of(tx, house.authority, "C1", house.now)


def edit(house: House) -> None:
    house.set_rules(EDITED, edition="2")


def drop_the_ladder(house: House) -> None:
    house.set_rules(CLIMBS.replace('escalate = "up"\n', ""), edition="2")


def take_the_ladder_out(house: House) -> None:
    house.set_rules(CLIMBS.partition('escalate = "up"')[0], edition="2")


def start_again(house: House) -> None:
    house.store.close()


def build_anew(house: House) -> None:
    rebuild(house.store, house.authority, house.now)


@pytest.mark.parametrize(
    "changes",
    [[edit], [drop_the_ladder], [take_the_ladder_out], [start_again], [build_anew], [edit, build_anew, start_again]],
    ids=lambda changes: " and ".join(change.__name__ for change in changes),
)
def test_nothing_that_happens_between_two_rungs_changes_a_ladder_that_has_started(
    climbing: House, changes: Sequence[Callable[[House], None]]
) -> None:
    climbing.at("2026-03-10 12:00")
    for change in changes:
        change(climbing)
    climbing.turn("2026-03-10 12:01")
    climbing.turns("2026-03-11", "2026-03-16")
    assert escalated(climbing) == [
        ("2026-03-10 09:30", "person:m1"),
        ("2026-03-13 08:30", "person:d1"),
        ("2026-03-16 08:30", "person:d1"),
    ]


def test_the_manager_is_still_told_on_which_ladder_and_clause(climbing: House) -> None:
    climbing.at("2026-03-10 12:00")
    climbing.set_rules(CLIMBS.replace("Work that is overdue", "Another ladder").replace('clause = "2"', 'clause = "9"'))
    (mail, *_) = [mail for mail in climbing.turns("2026-03-11", "2026-03-13") if mail.to == "d1@council.example"]
    assert "Why you: Director, step 2 of 2 on Work that is overdue (clause 2)." in mail.flat


def test_a_ladder_that_starts_after_an_edit_takes_the_new_steps(climbing: House) -> None:
    climbing.at("2026-03-10 12:00").case("C2", "2026-03-04 allocation")  # due on the 11th
    climbing.tick()
    edit(climbing)
    climbing.turns("2026-03-11", "2026-03-16", clocks=("08:30", "09:30"))
    assert frozen(climbing, "C2") == [(1, "up", [["manager"], ["manager"]])]
    assert frozen(climbing) == [(1, "up", [["manager"], ["director"]])]
    assert {to for _, to in escalated(climbing, "C2")} == {"person:m1"}


def test_a_ladder_is_not_frozen_before_it_starts(climbing: House) -> None:
    climbing.case("C2", "2026-03-06 allocation")
    climbing.turn("2026-03-13 08:30")
    assert frozen(climbing, "C2") == []
    climbing.turn("2026-03-14 00:00")
    assert frozen(climbing, "C2") == [(1, "up", [["manager"], ["director"]])]


def test_the_councils_own_ladder_is_frozen_too(house: House) -> None:
    house.set(ladders={NAME: {"overdue": OWN}})
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-16", "2026-03-17")
    house.set(ladders={NAME: {"overdue": [{"who": ["director"], "after": "1 week"}]}})
    house.turn("2026-03-17 09:00")
    house.turns("2026-03-18", "2026-03-27")
    assert escalated(house) == [("2026-03-18 08:30", "person:m1"), ("2026-03-20 08:30", "person:d1")]


def test_a_council_that_takes_its_ladder_away_takes_it_from_what_is_not_overdue_yet(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.case("C2", "2026-03-04 08:00 allocation")
    house.turns("2026-03-16", "2026-03-17")
    house.set(ladders={})
    house.turns("2026-03-18", "2026-03-27")
    assert escalated(house) == [("2026-03-18 08:30", "person:m1")]
    assert escalated(house, "C2") == []


def test_overdue_work_that_had_no_ladder_takes_the_one_that_comes(house: House) -> None:
    house.set(ladders={})
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-16", "2026-03-20")
    house.set(ladders={NAME: {"overdue": OWN}})
    house.turns("2026-03-23", "2026-03-25", clocks=("08:30", "08:31"))
    assert escalated(house)[0] == ("2026-03-23 08:30", "person:m1")


def test_a_dispute_keeps_its_deciders(house_of: Houses) -> None:
    house = house_of(DISPUTE)
    house.live()
    house.case("C1", "2026-03-06 15:00 dispute_raised #R1")
    house.turn("2026-03-06 15:00")
    house.set_rules(DISPUTE.replace("8 hours", "20 hours").replace('["director"]', '["manager"]'), edition="2")
    house.turn("2026-03-06 23:01")
    house.turn("2026-03-09 08:30")
    assert [(at, to) for at, kind, to in told(house) if kind == "dispute"] == [
        ("2026-03-06 15:00", "person:m1"),
        ("2026-03-06 23:01", "person:d1"),
        ("2026-03-09 08:30", "person:d1"),
    ]


def test_whoever_asks_how_a_case_stands_is_answered_by_the_frozen_steps(climbing: House) -> None:
    edit(climbing.at("2026-03-10 12:00"))
    (m,) = worked_out(climbing).milestones
    assert [rung.who for rung in m.rungs] == [("manager",), ("director",)]
    assert [row.key for row in open_now(climbing.store, climbing.authority, climbing.now)] == ["plan"]


def test_a_start_that_is_undone_takes_the_ladder_with_it_and_the_next_takes_the_new_steps(climbing: House) -> None:
    (first,) = climbing.events("C1", "2026-03-02 allocation")
    climbing.at("2026-03-10 12:00").retract(first)
    climbing.events("C1", "2026-03-04 allocation", late=True)  # due on the 11th
    climbing.tick()
    assert frozen(climbing) == []
    edit(climbing)
    climbing.turns("2026-03-11", "2026-03-13", clocks=("08:30", "09:30"))
    assert frozen(climbing) == [(1, "up", [["manager"], ["manager"]])]


def test_a_case_that_is_reopened_climbs_anew_and_the_episode_before_keeps_its_own(climbing: House) -> None:
    edit(climbing.at("2026-03-11 10:00"))
    climbing.events("C1", "2026-03-11 closed", "2026-03-12 reopened", "2026-03-12 09:00 allocation")
    climbing.turns("2026-03-12", "2026-03-20", clocks=("08:30", "09:30"))
    assert frozen(climbing) == [
        (1, "up", [["manager"], ["director"]]),
        (2, "up", [["manager"], ["manager"]]),
    ]


def test_a_limit_that_moves_and_passes_again_starts_a_ladder_anew(house: House) -> None:
    house.set(ladders={NAME: {"overdue": OWN}})
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-16", "2026-03-18")
    # It comes to light that the case was on hold for a week while its clock ran: the limit moves to the 23rd.
    house.at("2026-03-18 12:00").events("C1", "2026-03-04 hold_started", "2026-03-11 hold_ended", late=True)
    house.tick()
    assert frozen(house) == []
    house.set(ladders={NAME: {"overdue": [{"who": ["director"], "after": "1 working day"}]}})
    house.turns("2026-03-19", "2026-03-31")
    assert frozen(house) == [(1, "", [["director"]])]
    assert escalated(house)[-1] == ("2026-03-25 08:30", "person:d1")


def test_a_retracted_completion_does_not_undo_a_start(climbing: House) -> None:
    (done,) = climbing.at("2026-03-10 10:00").events("C1", "2026-03-10 10:00 plan_completed")
    climbing.tick()
    edit(climbing)
    climbing.at("2026-03-10 11:00").retract(done)
    climbing.tick()
    assert frozen(climbing) == [(1, "up", [["manager"], ["director"]])]


def test_a_ladder_is_frozen_once_it_is_known_who_is_on_it(house_of: Houses) -> None:
    rules = CLIMBS.replace('{ who = ["director"],', '{ who = ["director"], where = { level = 4 },')
    house = house_of(rules)
    house.live()
    house.case("C1", "2026-03-02 allocation")
    house.turns("2026-03-10", "2026-03-10", clocks=("08:30", "09:30"))
    assert frozen(house) == []
    house.case("C1", level=4)
    house.turn("2026-03-10 10:00")
    assert frozen(house) == [(1, "up", [["manager"], ["director"]])]
