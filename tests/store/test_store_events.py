"""Events: added once, never changed."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from ehscheduler.store import Store, cases, events, faults, imports, trail, turns
from tests.store.store_samples import MINUTE, NOON, A, a_case, an_event, put


def test_an_event_comes_back_as_it_went_in(store: Store) -> None:
    told = an_event(ref="v1", detail={"about": "allocation", "n": [1, 2.5, None, True]})
    with store.begin() as tx:
        put(tx, a_case())
        events.add_events(tx, A, [told], source="mosaic", now=NOON)
        assert events.events_of(tx, A, "C1") == [told]
        assert events.sources_of(tx, A, "C1") == {"e1": "mosaic"}


def test_an_event_that_is_told_twice_is_one_event(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        first = events.add_events(tx, A, [an_event(), an_event()], source="s", now=NOON)
        again = events.add_events(tx, A, [an_event()], source="s", now=NOON)
        assert (first.added, first.same, first.cases) == (1, 1, {"C1"})
        assert (again.added, again.same, again.cases) == (0, 1, set())
        assert events.count_events(tx, A) == 1


@pytest.mark.parametrize(
    ("change", "differs"),
    [
        ({"word": "closed"}, ("word",)),
        ({"moment": NOON + MINUTE}, ("moment",)),
        ({"recorded": NOON + MINUTE}, ("recorded",)),
        ({"dated": True, "ref": "r"}, ("dated", "ref")),
        ({"detail": {"a": 1}}, ("detail",)),
        ({"detail": {"children": []}}, ("detail",)),
        ({"case": "C2"}, ("case",)),
    ],
    ids=str,
)
def test_the_same_id_with_another_content_is_reported_and_changes_nothing(
    store: Store, change: dict[str, object], differs: tuple[str, ...]
) -> None:
    with store.begin() as tx:
        put(tx, a_case("C1"), a_case("C2"))
        events.add_events(tx, A, [an_event()], source="s", now=NOON)
        outcome = events.add_events(tx, A, [replace(an_event(), **change)], source="s", now=NOON)
        assert [clash.differs for clash in outcome.clashes] == [differs]
        assert events.events_of(tx, A, "C1") == [an_event()]


def test_two_sources_and_two_authorities_may_use_one_id(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        put(tx, a_case(), authority="otherland")
        for authority, source in ((A, "s"), (A, "t"), ("otherland", "s")):
            assert events.add_events(tx, authority, [an_event()], source=source, now=NOON).added == 1
        assert len(events.events_of(tx, A, "C1")) == 2
        assert len(events.events_of(tx, "otherland", "C1")) == 1


def test_a_new_event_wakes_its_case_and_a_known_one_does_not(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        events.add_events(tx, A, [an_event()], source="s", now=NOON)
        cases.set_next(tx, A, "C1", next_at=None)
        events.add_events(tx, A, [an_event()], source="s", now=NOON + MINUTE)
        assert cases.cases_due(tx, A, now=NOON + MINUTE) == []
        events.add_events(tx, A, [an_event("e2")], source="s", now=NOON + MINUTE)
        assert cases.cases_due(tx, A, now=NOON + MINUTE) == ["C1"]


def test_what_a_detail_says_that_is_personal_is_kept_apart_and_read_back(store: Store) -> None:
    told = an_event(word="attributes_changed", detail={"level": 4, "children": [{"ref": "k1", "born": "2019-05-04"}]})
    with store.begin() as tx:
        put(tx, a_case(), personal={"C1": {"name": "x"}})
        events.add_events(tx, A, [told], source="s", now=NOON)
        assert "2019-05-04" not in str(tx.execute(text("SELECT detail FROM event")).scalar())
        assert events.events_of(tx, A, "C1") == [told]
        assert events.events_from(tx, A, "s") == [told]
        assert events.add_events(tx, A, [told], source="s", now=NOON).same == 1
        # The case's own personal fields are another row, and stay.
        put(tx, a_case(), personal={"C1": {"name": "y"}})
        assert cases.personal_of(tx, A, "C1") == {"name": "y"}
        assert events.events_of(tx, A, "C1") == [told]


def test_events_are_read_in_one_order_whatever_order_they_came_in(store: Store) -> None:
    told = [an_event(f"e{n}", at=NOON + (n % 3) * MINUTE) for n in range(9)]
    with store.begin() as tx:
        put(tx, a_case("C1"))
        events.add_events(tx, A, reversed(told), source="s", now=NOON)
        assert events.events_of(tx, A, "C1") == sorted(told, key=lambda event: (event.moment, event.id))


def test_a_source_is_read_with_the_retractions_that_others_made(store: Store) -> None:
    told = [an_event("e1"), an_event("e2", "retracted", at=NOON + MINUTE, detail={"event": "e1"}), an_event("e3")]
    with store.begin() as tx:
        put(tx, a_case())
        events.add_events(tx, A, told[:1], source="mosaic", now=NOON)
        events.add_events(tx, A, told[1:], source="office", now=NOON, entered_by="person:ann")
        assert [event.id for event in events.events_from(tx, A, "mosaic")] == ["e1", "e2"]


def test_an_event_of_a_case_that_is_not_stored_is_refused(store: Store) -> None:
    with pytest.raises(faults.Contradiction, match="nothing was written"), store.begin() as tx:
        events.add_events(tx, A, [an_event(case="C9")], source="s", now=NOON)


def test_many_events_go_in_and_are_known_again(store: Store) -> None:
    told = [an_event(f"e{n}", case=f"C{n % 50}", at=NOON + n * MINUTE) for n in range(2500)]
    with store.begin() as tx:
        put(tx, *(a_case(f"C{n}") for n in range(50)))
        assert events.add_events(tx, A, told, source="s", now=NOON).added == 2500
        assert events.add_events(tx, A, told, source="s", now=NOON).same == 2500


@pytest.mark.parametrize(
    "statement",
    ["UPDATE event SET word = 'x'", "DELETE FROM event", "UPDATE trail SET who = 'x'", "DELETE FROM trail"],
)
def test_events_and_the_trail_cannot_be_changed_or_removed(store: Store, statement: str) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        events.add_events(tx, A, [an_event()], source="s", now=NOON)
        trail.append_trail(tx, A, at=NOON, who="daemon", act="decided")
    with pytest.raises(faults.AppendOnly, match="append only; enter a correction"), store.begin() as tx:
        tx.execute(text(statement))
    with store.read() as tx:
        assert events.events_of(tx, A, "C1") == [an_event()]
        assert [entry.who for entry in trail.trail(tx, A)] == ["daemon"]


def test_a_case_stands_open_until_it_is_closed_and_again_once_reopened(store: Store) -> None:
    told = [
        an_event("c1", "closed", case="C1"),
        an_event("c2", "closed", case="C2"),
        an_event("o2", "reopened", case="C2", at=NOON + MINUTE),
        an_event("c3", "closed", case="C3"),
        an_event("r3", "retracted", case="C3", at=NOON + MINUTE, detail={"event": "c3"}),
    ]
    with store.begin() as tx:
        put(tx, *(a_case(f"C{n}") for n in range(5)))
        events.add_events(tx, A, told, source="s", now=NOON)
        assert turns.open_cases(tx, A, source="cases.csv") == {"C0", "C2", "C3", "C4"}
        assert turns.open_cases(tx, A, source="other") == set()


def test_an_event_says_which_import_brought_it(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        imports.start_import(tx, "otherland", file="x", sha256="0", kind="events", source="s", read_at=NOON)
        number = imports.start_import(
            tx, A, file="events.csv", sha256="0" * 64, kind="events", source="s", read_at=NOON
        )
        events.add_events(tx, A, [an_event()], source="s", now=NOON, import_id=number)
        assert tx.execute(text("SELECT import_id FROM event")).scalar() == number
