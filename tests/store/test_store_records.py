"""People, imports, alarms, the trail and the single values."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from ehscheduler.core.people import Absence, Directory, Person
from ehscheduler.store import Store, alarms, faults, imports, people, state, trail
from ehscheduler.store.imports import RowSetAside
from ehscheduler.store.schema import EVERYWHERE
from tests.store.store_samples import MINUTE, NOON, A

TODAY = date(2026, 3, 2)
ANN = Person("ann", "Ann Example", "ann@example.org", ("lead",), "north", "mia")
MIA = Person("mia", "Mia Example", "mia@example.org", ("manager",), "north", None, date(2025, 1, 1))


def test_people_come_back_as_they_were_given(store: Store) -> None:
    moved = [
        Person("bob", "Bob Example", "bob@example.org", ("lead",), "north", "mia", None, date(2026, 1, 31)),
        Person("bob", "Bob Example", "bob@example.org", ("lead",), "south", "mia", date(2026, 2, 1), None),
    ]
    with store.begin() as tx:
        change = people.put_people(tx, A, [MIA, *moved, ANN], on=TODAY)
        assert change.added == {"ann", "bob", "mia"}
        assert people.people_of(tx, A) == [ANN, *moved, MIA]
        assert people.people_of(tx, "otherland") == []


def test_a_feed_that_says_the_same_changes_nobody(store: Store) -> None:
    with store.begin() as tx:
        people.put_people(tx, A, [ANN, MIA], on=TODAY)
        change = people.put_people(tx, A, [MIA, ANN], on=TODAY)
    assert (change.added, change.changed, change.ended) == (set(), set(), set())


def test_whom_the_feed_no_longer_names_has_left_and_stays_known_by_name(store: Store) -> None:
    with store.begin() as tx:
        people.put_people(tx, A, [ANN, MIA], on=TODAY)
        change = people.put_people(tx, A, [MIA], on=TODAY + timedelta(days=7))
        assert (change.added, change.changed, change.ended) == (set(), set(), {"ann"})
        found = people.people_of(tx, A)
        again = people.put_people(tx, A, [MIA], on=TODAY + timedelta(days=8))
        assert again.ended == set()
    assert [person.name for person in found] == ["Ann Example", "Mia Example"]
    last = TODAY + timedelta(days=6)
    assert set(Directory.on(found, last).people) == {"ann", "mia"}
    assert set(Directory.on(found, last + timedelta(days=1)).people) == {"mia"}


def test_somebody_whom_a_feed_names_and_takes_back_before_they_began_is_gone(store: Store) -> None:
    with store.begin() as tx:
        people.put_people(tx, A, [MIA, Person("bob", "Bob", "b@example.org", ("lead",), "", None, TODAY)], on=TODAY)
        assert people.put_people(tx, A, [MIA], on=TODAY).ended == {"bob"}
        assert people.people_of(tx, A) == [MIA]


def test_imports_are_numbered_and_the_last_good_one_is_found(store: Store) -> None:
    facts = {"sha256": "0" * 64, "kind": "events", "source": "mosaic", "read_at": NOON}
    with store.begin() as tx:
        first = imports.start_import(tx, A, file="one.csv", **facts)
        imports.finish_import(tx, A, first, rows=10, added=8, set_aside=2)
        imports.set_rows_aside(tx, A, first, (RowSetAside(n, f"line {n}: no such date") for n in range(2, 1500)))
        second = imports.start_import(tx, A, file="two.csv", **facts)
        imports.finish_import(tx, A, second, rows=0, added=0, set_aside=0, refused="two.csv is cut short")
    with store.read() as tx:
        assert [(run.id, run.file) for run in imports.imports(tx, A)] == [(second, "two.csv"), (first, "one.csv")]
        last = imports.last_import(tx, A, "events")
        assert last is not None
        assert (last.id, last.rows, last.added, last.set_aside, last.refused) == (first, 10, 8, 2, None)
        aside = imports.rows_set_aside(tx, A, first)
        assert (len(aside), aside[0]) == (1000, RowSetAside(2, "line 2: no such date"))
        assert imports.last_import(tx, A, "people") is None


def test_one_alarm_is_open_for_one_thing_and_a_cleared_one_may_come_again(store: Store) -> None:
    thing = {"code": "nobody", "subject": "role:lead"}
    with store.begin() as tx:
        assert alarms.raise_alarm(tx, A, text="nobody is lead", at=NOON, **thing)
        assert not alarms.raise_alarm(tx, A, text="nobody is lead (2 cases)", at=NOON + MINUTE, **thing)
        assert alarms.raise_alarm(tx, EVERYWHERE, code="mail", subject="relay", text="no answer", at=NOON)
        (mine,) = alarms.alarms(tx, A)
        assert (mine.at, mine.text, mine.told_at) == (NOON, "nobody is lead (2 cases)", None)
        assert len(alarms.alarms(tx)) == 2
        alarms.mark_told(tx, A, [mine.id], at=NOON + MINUTE)
        assert alarms.clear_alarm(tx, A, at=NOON + 2 * MINUTE, **thing)
        assert not alarms.clear_alarm(tx, A, at=NOON + 2 * MINUTE, **thing)
        assert alarms.raise_alarm(tx, A, text="again", at=NOON + 3 * MINUTE, **thing)
        told = alarms.alarms(tx, A, open_only=False)
    assert [(one.told_at, one.cleared_at) for one in told] == [(NOON + MINUTE, NOON + 2 * MINUTE), (None, None)]


def test_the_trail_is_listed_newest_first_in_the_order_of_writing(store: Store) -> None:
    with store.begin() as tx:
        ids = [
            trail.append_trail(tx, A, at=NOON, who="ann", act="hold", case_ref=f"C{n}", detail={"n": n})
            for n in range(5)
        ]
        trail.append_trail(tx, "otherland", at=NOON, who="x", act="y")
    with store.begin() as tx:
        trail.append_trail(tx, A, at=NOON - MINUTE, who="daemon", act="decided")
        assert [entry.act for entry in trail.trail(tx, A, limit=2)] == ["decided", "hold"]
        assert [entry.detail["n"] for entry in trail.trail(tx, A, act="hold", before_id=ids[3])] == [2, 1, 0]
        assert [entry.case_ref for entry in trail.trail(tx, A, case_ref="C1")] == ["C1"]


def test_the_trail_wants_to_know_who(store: Store) -> None:
    with pytest.raises(faults.Contradiction), store.begin() as tx:
        trail.append_trail(tx, A, at=NOON, who="", act="hold")


def test_the_latest_instant_seen_never_goes_back(store: Store) -> None:
    with store.begin() as tx:
        assert state.see_time(tx, A, NOON) is None
        assert state.see_time(tx, A, NOON + MINUTE) == NOON
        assert state.see_time(tx, A, NOON - MINUTE) == NOON + MINUTE
        assert state.see_time(tx, A, NOON) == NOON + MINUTE
        assert state.see_time(tx, "otherland", NOON) is None


def test_a_single_value_is_replaced(store: Store) -> None:
    with store.begin() as tx:
        assert state.state_of(tx, A, "mode") is None
        state.put_state(tx, A, "mode", "shadow")
        state.put_state(tx, A, "mode", {"since": [1, 2]})
        assert state.state_of(tx, A, "mode") == {"since": [1, 2]}


def test_a_list_of_absences_takes_the_place_of_the_one_before(store: Store) -> None:
    leave = Absence("ann", date(2026, 3, 2), date(2026, 3, 6), "mia")
    later = Absence("ann", date(2026, 8, 3), date(2026, 8, 14))
    with store.begin() as tx:
        people.put_absences(tx, A, [later, leave])
        people.put_absences(tx, "otherland", [leave])
        assert people.absences_of(tx, A) == [leave, later]
        people.put_absences(tx, A, [later])
        people.put_absences(tx, A, [later])
        assert people.absences_of(tx, A) == [later]
        assert people.absences_of(tx, "otherland") == [leave]


@pytest.mark.parametrize(
    ("day", "acting"),
    [("2026-03-01", "ann"), ("2026-03-02", "mia"), ("2026-03-06", "mia"), ("2026-03-07", "ann")],
    ids=["the day before", "the first day", "the last day", "the day after"],
)
def test_the_directory_of_a_day_knows_who_acts_then(store: Store, day: str, acting: str) -> None:
    with store.begin() as tx:
        people.put_people(tx, A, [ANN, MIA], on=TODAY)
        people.put_absences(tx, A, [Absence("ann", date(2026, 3, 2), date(2026, 3, 6), "mia")])
        found = people.directory_of(tx, A, date.fromisoformat(day)).acting("ann")
    assert found is not None
    assert found.person_id == acting


def test_a_person_comes_back_with_all_that_was_said_of_them(store: Store) -> None:
    part = replace(ANN, roles=("lead", "chair"), hub="Central", share=0.6, works=("mon", "tue", "wed"))
    with store.begin() as tx:
        people.put_people(tx, A, [part], on=TODAY)
        assert people.people_of(tx, A) == [part]
