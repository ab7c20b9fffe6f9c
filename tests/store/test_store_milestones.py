"""Milestones as a projection, and the editions that govern clocks and ladders."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ehscheduler.store import Store, editions, faults, milestones
from ehscheduler.store.milestones import Changed, ClockRow, LadderRow
from tests.conftest import a_policy, evaluated
from tests.store.store_samples import MINUTE, NOON, A, a_case, a_milestone, an_edition, put


def test_only_the_differences_are_written_and_returned(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        policy_hash = an_edition(tx)
        kept, moved, gone = (a_milestone(policy_hash, rule) for rule in ("kept", "moved", "gone"))
        first = milestones.replace_milestones(tx, A, "C1", [kept, moved, gone])
        assert (first.added, first.changed, first.gone) == ([kept, moved, gone], [], [])
        later = replace(moved, due_on=date(2026, 4, 1), due_version="v2")
        new = a_milestone(policy_hash, "new", child="k1", ref="r/1", n=3)
        second = milestones.replace_milestones(tx, A, "C1", [kept, later, new])
        assert (second.added, second.changed, second.gone) == ([new], [Changed(moved, later)], [gone])
        assert milestones.milestones_of(tx, A, "C1") == [kept, later, new]
        assert not milestones.replace_milestones(tx, A, "C1", [new, later, kept])


def test_a_rebuild_gives_the_same_rows(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        policy_hash = an_edition(tx)
        rows = [a_milestone(policy_hash, f"rule-{n}", n=n) for n in range(60)]
        milestones.replace_milestones(tx, A, "C1", rows)
        before = milestones.milestones_of(tx, A, "C1")
        assert milestones.clear_milestones(tx, A) == 60
        milestones.replace_milestones(tx, A, "C1", reversed(rows))
        assert milestones.milestones_of(tx, A, "C1") == before
        # And everything at once, in pieces that one statement can name.
        milestones.replace_milestones(tx, A, "C1", [replace(row, title="Other") for row in rows])
        milestones.replace_milestones(tx, A, "C1", [])
        assert milestones.milestones_of(tx, A, "C1") == []


def test_what_the_core_works_out_can_be_stored_and_read_back(store: Store) -> None:
    policy = a_policy(
        '[standard.visit]\ntitle = "Visit"\nclause = "1"\ndue = "10 working days after each allocation"\n'
        'met_by = "home_visit"\nowner = "worker"\n'
    )
    found = evaluated(policy, ["2026-03-02 allocation #a", "2026-03-03 allocation"], "2026-03-04").milestones
    assert len(found) == 2
    with store.begin() as tx:
        put(tx, a_case())
        policy_hash = an_edition(tx)
        rows = [milestones.MilestoneRow.of(one, policy_hash) for one in found]
        milestones.replace_milestones(tx, A, "C1", rows)
        assert sorted(milestones.milestones_of(tx, A, "C1"), key=str) == sorted(rows, key=str)
    assert {row.key for row in rows} == {one.key for one in found}


def test_open_milestones_come_by_their_due_day_and_undated_ones_last(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        policy_hash = an_edition(tx)
        rows = [
            a_milestone(policy_hash, "late", due_on=date(2026, 5, 1)),
            a_milestone(policy_hash, "undated", due_on=None, due_at=None),
            a_milestone(policy_hash, "soon", due_on=date(2026, 3, 3)),
            a_milestone(policy_hash, "done", state="met", met_at=NOON),
        ]
        milestones.replace_milestones(tx, A, "C1", rows)
        assert [row.rule for row in milestones.open_milestones(tx, A)] == ["soon", "late", "undated"]
        assert [row.rule for row in milestones.open_milestones(tx, A, due_by=date(2026, 3, 3))] == ["soon"]
        assert milestones.open_milestones(tx, A, case_refs=["C2"]) == []


def test_a_milestone_needs_its_edition(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        with pytest.raises(faults.Contradiction), tx.savepoint():
            milestones.replace_milestones(tx, A, "C1", [a_milestone("0" * 64)])


def test_a_state_that_is_none_is_refused(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        row = a_milestone(an_edition(tx), state="missed")
        with pytest.raises(faults.Contradiction, match="state_known"), tx.savepoint():
            milestones.replace_milestones(tx, A, "C1", [row])


def test_an_edition_is_stored_by_its_text_once(store: Store) -> None:
    with store.begin() as tx:
        first = editions.keep_edition(tx, A, edition="1", text="a = 1\n", now=NOON)
        assert editions.keep_edition(tx, A, edition="1", text="a = 1\n", now=NOON + MINUTE) == first
        second = editions.keep_edition(tx, A, edition="2", text="a = 2\n", now=NOON + MINUTE)
        assert [(one.policy_hash, one.text) for one in editions.editions(tx, A)] == [
            (first, "a = 1\n"),
            (second, "a = 2\n"),
        ]
        found = editions.edition_of(tx, A, first)
        assert found is not None
        assert found.first_used_at == NOON
        assert editions.edition_of(tx, "otherland", first) is None


def test_a_clock_keeps_the_edition_under_which_it_started(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        old, new = an_edition(tx, "old"), an_edition(tx, "new")
        clock = ClockRow(case_ref="C1", episode=1, rule="visit", n=2, policy_hash=old, started_at=NOON)
        milestones.start_clocks(tx, A, [clock])
        milestones.start_clocks(tx, A, [replace(clock, policy_hash=new)])
        assert milestones.clocks_of(tx, A, "C1") == [clock]
        milestones.move_clocks(tx, A, [replace(clock, policy_hash=new)])
        assert milestones.clocks_of(tx, A, "C1") == [replace(clock, policy_hash=new)]


def test_a_ladder_keeps_the_steps_with_which_it_started(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        policy_hash = an_edition(tx)
        ladder = LadderRow(
            case_ref="C1",
            episode=1,
            rule="dispute",
            ref="d1",
            ladder="allocation-dispute",
            policy_hash=policy_hash,
            started_at=NOON,
            steps=[{"who": ["team_manager"], "due": "8 hours"}],
        )
        milestones.keep_ladders(tx, A, "C1", 1, [ladder])
        milestones.keep_ladders(tx, A, "C1", 1, [replace(ladder, policy_hash=an_edition(tx, "new"))])
        assert milestones.ladders_of(tx, A, "C1") == [ladder]


def test_a_ladder_that_starts_anew_takes_the_place_of_the_one_before_and_leaves_other_episodes_alone(
    store: Store,
) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        policy_hash = an_edition(tx)
        first = LadderRow(
            case_ref="C1", episode=1, rule="dispute", ladder="up", policy_hash=policy_hash, started_at=NOON, steps=[]
        )
        second = replace(first, episode=2)
        milestones.keep_ladders(tx, A, "C1", 1, [first])
        milestones.keep_ladders(tx, A, "C1", 2, [second])
        later = replace(second, started_at=NOON + timedelta(days=1))
        milestones.keep_ladders(tx, A, "C1", 2, [later])
        assert milestones.ladders_of(tx, A, "C1") == [first, later]
        milestones.keep_ladders(tx, A, "C1", 2, [])
        assert milestones.ladders_of(tx, A, "C1") == [first]
