"""Cases, their personal fields, and which are due."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from ehscheduler.core.calendars import Span
from ehscheduler.core.events import Child
from ehscheduler.store import Store, Tx, cases
from ehscheduler.store.cases import _due_query
from ehscheduler.store.schema import metadata
from tests.store.store_samples import MINUTE, NOON, A, a_case, an_edition, put


def test_a_new_case_is_due_at_once(store: Store) -> None:
    with store.begin() as tx:
        assert put(tx, a_case("C1"), a_case("C2")).added == ["C1", "C2"]
        assert cases.cases_due(tx, A, now=NOON) == ["C1", "C2"]


def test_facts_come_back_as_plain_json(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case(level=3, team="North", begun=date(2026, 3, 1), within=Span(10, "working day"), urgent=True))
        record = cases.case_of(tx, A, "C1")
    assert record is not None
    assert record.facts == {
        "level": 3, "team": "North", "begun": "2026-03-01", "within": "10 working days", "urgent": True,
    }  # fmt: skip
    assert (record.source, record.read_at) == ("cases.csv", NOON)


def test_what_is_personal_stands_in_one_table_and_reaches_the_evaluation(store: Store) -> None:
    with store.begin() as tx:
        case = a_case(level=3, children=(Child("k1", date(2019, 5, 4)),), index_child_dob=date(2019, 5, 4))
        put(tx, case, personal={"C1": {"family_name": "CANARY-NAME"}})
        facts = cases.facts_of(tx, A, "C1")
        personal = cases.personal_of(tx, A, "C1")
    children = [{"ref": "k1", "born": "2019-05-04"}]
    assert facts == {"level": 3, "children": children, "index_child_dob": "2019-05-04"}
    assert personal == {"children": children, "index_child_dob": "2019-05-04", "family_name": "CANARY-NAME"}
    assert _tables_with(store, "CANARY-NAME") == _tables_with(store, "2019-05-04") == {"case_personal"}


def _tables_with(store: Store, canary: str) -> set[str]:
    found = set()
    with store.read() as tx:
        for table in metadata.sorted_tables:
            rows = tx.execute(table.select()).all()
            if any(canary in str(value) for row in rows for value in row):
                found.add(table.name)
    return found


def test_a_case_that_is_read_again_unchanged_is_not_woken(store: Store) -> None:
    later = NOON + MINUTE
    with store.begin() as tx:
        put(tx, a_case(level=3), personal={"C1": {"name": "x"}})
        cases.set_next(tx, A, "C1", next_at=None)
        outcome = put(tx, a_case(level=3), now=later, personal={"C1": {"name": "x"}})
        record = cases.case_of(tx, A, "C1")
    assert (outcome.added, outcome.changed, outcome.same) == ([], [], 1)
    assert record is not None
    assert (record.next_at, record.read_at) == (None, later)


@pytest.mark.parametrize(
    ("facts", "personal"),
    [({"level": 4}, {"name": "x"}), ({"level": 3}, {"name": "y"}), ({"level": 3}, {})],
    ids=["a fact", "a personal field", "a personal field gone"],
)
def test_a_case_that_changed_is_woken(store: Store, facts: dict[str, int], personal: dict[str, str]) -> None:
    with store.begin() as tx:
        put(tx, a_case(level=3), personal={"C1": {"name": "x"}})
        cases.set_next(tx, A, "C1", next_at=None)
        assert put(tx, a_case(**facts), now=NOON + MINUTE, personal={"C1": personal}).changed == ["C1"]
        assert cases.personal_of(tx, A, "C1") == personal
        assert cases.cases_due(tx, A, now=NOON + MINUTE) == ["C1"]


def test_cases_of_another_authority_are_never_seen(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case(level=1), personal={"C1": {"name": "x"}})
        put(tx, a_case(level=2), authority="otherland")
        cases.wake(tx, "otherland", None, now=NOON - MINUTE)
        first, second = cases.case_of(tx, A, "C1"), cases.case_of(tx, "otherland", "C1")
        assert cases.authorities(tx) == ["otherland", A]
        assert cases.cases_due(tx, A, now=NOON - MINUTE) == []
        assert cases.personal_of(tx, "otherland", "C1") == {}
    assert first is not None
    assert second is not None
    assert (first.facts, second.facts) == ({"level": 1}, {"level": 2})


def test_the_longest_waiting_case_comes_first_and_the_limit_is_kept(store: Store) -> None:
    with store.begin() as tx:
        put(tx, *(a_case(f"C{n}") for n in range(5)))
        for n in range(5):
            cases.set_next(tx, A, f"C{n}", next_at=NOON - n * MINUTE)
        assert cases.cases_due(tx, A, now=NOON, limit=3) == ["C4", "C3", "C2"]


def test_a_case_is_due_at_its_instant_and_not_before(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case())
        cases.set_next(tx, A, "C1", next_at=NOON)
        before = NOON - timedelta(microseconds=1)
        assert cases.cases_due(tx, A, now=before) == []
        assert cases.take_case(tx, A, "C1", now=before) is None
        assert cases.cases_due(tx, A, now=NOON) == ["C1"]
        assert cases.take_case(tx, A, "C1", now=NOON) is not None


def test_the_due_query_goes_through_its_index(store: Store) -> None:
    with store.begin() as tx:
        put(tx, *(a_case(f"C{n}") for n in range(200)))
        statement = _due_query(A, NOON).compile(dialect=store.engine.dialect, compile_kwargs={"literal_binds": True})
        if tx.on_sqlite:
            plan = tx.execute(text(f"EXPLAIN QUERY PLAN {statement}")).all()
        else:
            # So few rows would be read faster in one sweep: ask what is done where that is not so.
            tx.execute(text("SET LOCAL enable_seqscan = off"))
            plan = tx.execute(text(f"EXPLAIN {statement}")).all()
    assert "ix_case_record_next_at" in str(plan)
    assert "SCAN case_record" not in str(plan).upper().replace("INDEX SCAN", "")


def test_a_faulty_case_is_marked_until_it_is_looked_at_without_a_fault(store: Store) -> None:
    with store.begin() as tx:
        policy_hash = an_edition(tx)
        put(tx, a_case("C1"), a_case("C2"))
        cases.mark_fault(tx, A, "C1", fault="the table of days ends", at=NOON, retry_at=NOON + MINUTE)
        assert [(case.case_ref, case.fault, case.fault_at) for case in cases.faulty_cases(tx, A)] == [
            ("C1", "the table of days ends", NOON)
        ]
        assert cases.cases_due(tx, A, now=NOON) == ["C2"]
        cases.set_next(tx, A, "C1", next_at=None, policy_hash=policy_hash)
        assert cases.faulty_cases(tx, A) == []


def test_waking_never_puts_a_case_off(store: Store) -> None:
    with store.begin() as tx:
        put(tx, *(a_case(f"C{n}") for n in range(3)))
        cases.set_next(tx, A, "C0", next_at=NOON - MINUTE)
        cases.set_next(tx, A, "C1", next_at=NOON + 9 * MINUTE)
        cases.set_next(tx, A, "C2", next_at=None)
        cases.wake(tx, A, ["C0", "C1", "C2"], now=NOON)
        found = {ref: cases.case_of(tx, A, ref) for ref in cases.case_refs(tx, A)}
    assert {ref: case and case.next_at for ref, case in found.items()} == {"C0": NOON - MINUTE, "C1": NOON, "C2": NOON}


def test_instants_come_back_aware_and_in_utc(store: Store) -> None:
    summer = datetime(2026, 7, 1, 8, 30, 0, 123456, tzinfo=timezone(timedelta(hours=1)))
    with store.begin() as tx:
        put(tx, a_case(), now=summer)
        record = cases.case_of(tx, A, "C1")
    assert record is not None
    assert record.read_at == summer
    assert record.read_at.tzinfo is UTC


def test_a_naive_instant_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="without a time zone"), store.begin() as tx:
        put(tx, a_case(), now=datetime(2026, 3, 2, 12))  # noqa: DTZ001 - the point of the test
    with store.read() as tx:
        assert cases.case_refs(tx, A) == set()


def test_what_json_cannot_say_is_refused(store: Store) -> None:
    with pytest.raises(ValueError, match="JSON"), store.begin() as tx:
        put(tx, a_case(level=float("nan")))
    with pytest.raises(TypeError, match="object cannot be stored"), store.begin() as tx:
        put(tx, a_case(level=object()))


def _put_and_raise(tx: Tx, ref: str) -> None:
    put(tx, a_case(ref))
    raise RuntimeError


def test_a_body_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(RuntimeError), store.begin() as tx:
        _put_and_raise(tx, "C1")
    with store.read() as tx:
        assert cases.case_refs(tx, A) == set()


def test_a_savepoint_undoes_what_is_inside_it_alone(store: Store) -> None:
    with store.begin() as tx:
        put(tx, a_case("C1"))
        with pytest.raises(RuntimeError), tx.savepoint():
            _put_and_raise(tx, "C2")
    with store.read() as tx:
        assert cases.case_refs(tx, A) == {"C1"}


def test_a_reader_sees_one_view_while_another_writes(store: Store) -> None:
    with store.read() as reading:
        assert cases.case_refs(reading, A) == set()
        with store.begin() as tx:
            put(tx, a_case())
        assert cases.case_refs(reading, A) == set()
    with store.read() as reading:
        assert cases.case_refs(reading, A) == {"C1"}
