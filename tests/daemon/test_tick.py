"""One tick: what is due and nothing else, each case by itself, and the same again after a kill."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from ehscheduler.core.events import Case
from ehscheduler.daemon import tick as ticks
from ehscheduler.daemon.deliver import deliver
from ehscheduler.daemon.tick import rebuild
from ehscheduler.errors import EhsError
from ehscheduler.store import Store
from ehscheduler.store.cases import case_of, faulty_cases, put_cases
from ehscheduler.store.faults import Contradiction, DatabaseLocked
from ehscheduler.store.milestones import clocks_of, ladders_of, milestones_of
from ehscheduler.store.state import LAST_SEEN, state_of
from tests.daemon.house import NAME, VISIT, House, moment
from tests.daemon.test_decide import DISPUTE

Houses = Callable[..., House]
NEEDY = """
[standard.visit]
title = "First visit"
clause = "1.1"
due = "10 working days after allocation"
where = { level = { at_least = 3 } }
met_by = "home_visit"
owner = "worker"
"""


def cases(house: House, count: int) -> None:
    for number in range(count):
        house.case(f"C{number:02d}", "2026-03-02 08:00 allocation")


def poisoned(house: House, monkeypatch: pytest.MonkeyPatch, ref: str) -> list[str]:
    """Have one case raise what quotes it; return the list whose emptying makes it well again."""
    real, sick = ticks.evaluation_of, [ref]

    def evaluation_of(tx: Any, authority: Any, case_ref: str, now: Any) -> Any:
        if case_ref in sick:
            raise KeyError("Mrs Canary of 1 Secret Street")
        return real(tx, authority, case_ref, now)

    monkeypatch.setattr(ticks, "evaluation_of", evaluation_of)
    return sick


# ---- what is due


def test_only_the_cases_that_are_due_are_looked_at(house: House) -> None:
    house.live()
    cases(house, 20)
    assert house.tick("2026-03-02 09:00").cases == 20
    assert house.tick("2026-03-02 09:01").cases == 0
    house.at("2026-03-02 09:02").events("C07", "2026-03-02 09:02 visit_asked")
    assert house.tick().cases == 1
    assert house.tick("2026-03-11 08:30").cases == 20
    assert house.tick("2026-03-11 08:31").cases == 0


def test_no_case_goes_unlooked_at_for_longer_than_ten_days(house: House) -> None:
    house.live()
    house.case("C1")
    house.turns("2026-03-02", "2026-03-12", ("09:00",))
    with house.store.read() as tx:
        record = case_of(tx, NAME, "C1")
    assert record is not None
    assert record.next_at == moment("2026-03-22 09:00")


def test_what_turns_by_itself_stands_right_in_the_rows(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    seen = []
    for at in ("2026-03-10 23:59:59", "2026-03-11 00:00", "2026-03-16 23:59:59", "2026-03-17 00:00"):
        house.tick(at)
        with house.store.read() as tx:
            seen.append(milestones_of(tx, NAME, "C1")[0].state)
    assert seen == ["upcoming", "due", "due", "overdue"]


# ---- one faulty case


def test_a_faulty_case_is_marked_and_told_once_and_the_rest_go_on(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.live()
    cases(house, 5)
    poisoned(house, monkeypatch, "C02")
    done = house.tick("2026-03-11 08:30")
    assert (done.cases, done.faults) == (4, ["C02"])
    assert [house.kinds(f"C0{n}") for n in range(5)] == [["reminder"]] * 2 + [[]] + [["reminder"]] * 2
    for hour in range(9, 17):
        house.tick(f"2026-03-11 {hour:02d}:31")
    (alarm,) = house.alarms("case fault")
    assert alarm.subject == "C02"
    assert "C02" in alarm.text
    with house.store.read() as tx:
        assert [(record.case_ref, record.fault) for record in faulty_cases(tx, NAME)] == [("C02", "KeyError")]
    assert "Canary" not in alarm.text


def test_a_faulty_case_recovers_when_it_is_corrected_and_nothing_of_it_is_lost(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.live()
    cases(house, 3)
    sick = poisoned(house, monkeypatch, "C02")
    house.turns("2026-03-10", "2026-03-11")
    sick.clear()
    assert house.tick("2026-03-11 09:31").faults == []
    assert house.kinds("C02") == ["reminder"]
    assert house.alarms() == []
    with house.store.read() as tx:
        assert faulty_cases(tx, NAME) == []


@pytest.mark.parametrize(
    "facts",
    [{"performance_date": "the day of Canary"}, {"children": 42}, {"level": "Canary"}, {"urgent": [1]}, {"lead": {}}],
    ids=lambda facts: next(iter(facts)),
)
def test_a_stored_fact_that_cannot_be_read_is_one_faulty_case(house: House, facts: dict[str, Any]) -> None:
    house.live()
    cases(house, 2)
    with house.store.begin() as tx:
        case = Case("BAD", {"lead": "w1", "team": "North", **facts})
        put_cases(tx, NAME, [case], source="the extract", read_at=house.now, now=house.now)
    assert house.tick("2026-03-11 08:30").faults == ["BAD"]
    assert house.kinds("C00") == house.kinds("C01") == ["reminder"]
    assert "Canary" not in house.alarms("case fault")[0].text
    house.case("BAD", "2026-03-02 08:00 allocation")
    assert house.tick("2026-03-11 08:32").faults == []
    assert house.alarms() == []


def test_a_row_that_the_database_refuses_is_one_faulty_case(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.live()
    cases(house, 3)
    real = ticks.start_clocks

    def start_clocks(tx: Any, authority: str, rows: Any) -> None:
        listed = list(rows)
        if listed and listed[0].case_ref == "C01":
            raise Contradiction("a row was refused")
        real(tx, authority, listed)

    monkeypatch.setattr(ticks, "start_clocks", start_clocks)
    done = house.tick("2026-03-11 08:30")
    assert (done.cases, done.faults) == (2, ["C01"])


def test_what_is_wrong_with_the_database_is_not_laid_on_a_case(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.live()
    cases(house, 2)

    def locked(*_: Any) -> None:
        raise DatabaseLocked("locked")

    monkeypatch.setattr(ticks, "start_clocks", locked)
    with pytest.raises(DatabaseLocked):
        house.tick("2026-03-11 08:30")
    assert house.alarms() == []


def test_a_blank_fact_that_a_rule_needs_is_an_alarm_until_it_is_filled_in(house_of: Houses) -> None:
    house = house_of(NEEDY)
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.tick("2026-03-02 09:00")
    (alarm,) = house.alarms("case problem")
    assert "a fact that its condition reads is blank; fill it in" in alarm.text
    house.at("2026-03-02 10:00").case("C1", level=3)
    house.tick("2026-03-02 10:00")
    assert house.alarms() == []


# ---- again


def test_rebuild_gives_the_same_rows(house_of: Houses) -> None:
    house = house_of(VISIT + DISPUTE)
    house.live()
    cases(house, 4)
    house.events("C01", "2026-03-02 09:00 dispute_raised #R1", "2026-03-02 home_visit")
    house.tick("2026-03-12 08:30")
    before = rows_of(house)
    assert rebuild(house.store, house.authority, house.now) == (5, 0)
    assert rows_of(house) == before


def test_rebuild_puts_right_what_was_spoilt(house: House) -> None:
    house.live()
    cases(house, 3)
    house.tick("2026-03-12 08:30")
    before = rows_of(house)
    with house.store.begin() as tx:
        tx.execute(text("UPDATE milestone SET title = 'spoilt', state = 'met' WHERE case_ref = 'C01'"))
        tx.execute(text("DELETE FROM milestone WHERE case_ref = 'C02'"))
    assert rebuild(house.store, house.authority, house.now) == (3, 2)
    assert rows_of(house) == before
    assert [entry.act for entry in house.trail("rebuild")] == ["rebuild"]


def test_rebuild_leaves_a_faulty_case_as_it_is_and_tells(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.live()
    cases(house, 3)
    house.tick("2026-03-12 08:30")
    poisoned(house, monkeypatch, "C01")
    assert rebuild(house.store, house.authority, house.now) == (2, 0)
    assert [alarm.subject for alarm in house.alarms("case fault")] == ["C01"]


def rows_of(house: House) -> list[Any]:
    with house.store.read() as tx:
        return [row for number in range(10) for row in milestones_of(tx, NAME, f"C{number:02d}")]


class Killed(BaseException):
    pass


def test_a_tick_that_was_killed_half_way_is_repeated_and_decides_nothing_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.live()
    cases(house, 6)
    house.tick("2026-03-10 08:30")
    real, taken = ticks.take_case, []

    def take_case(*args: Any, **named: Any) -> Any:
        taken.append(1)
        if len(taken) == 4:
            raise Killed
        return real(*args, **named)

    monkeypatch.setattr(ticks, "take_case", take_case)
    with pytest.raises(Killed):
        house.tick("2026-03-11 08:30")
    assert sum(len(house.kinds(f"C{n:02d}")) for n in range(6)) == 3
    with house.store.read() as tx:
        assert state_of(tx, NAME, LAST_SEEN) == moment("2026-03-10 08:30").isoformat()
    assert house.tick("2026-03-11 08:45").cases == 3
    assert [house.kinds(f"C{n:02d}") for n in range(6)] == [["reminder"]] * 6
    assert {row.send_after for row in house.rows} == {moment("2026-03-11 08:30"), moment("2026-03-11 08:45")}


def test_a_tick_that_is_told_to_stop_stops_between_two_cases_and_is_taken_up_again(house: House) -> None:
    house.live()
    cases(house, 6)
    house.at("2026-03-11 08:30")
    asked = iter([False, False, True])
    assert ticks.tick(house.desk, house.now, stop=lambda: next(asked)).cases == 2
    with house.store.read() as tx:
        assert state_of(tx, NAME, LAST_SEEN) is None
    assert house.tick().cases == 4


# ---- two at once


def at_once(*works: Callable[[], Any]) -> list[Any]:
    answers: list[Any] = []
    barrier = threading.Barrier(len(works))

    def work(one: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            answers.append(one())
        except EhsError as error:
            answers.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_two_ticks_at_once_decide_nothing_twice_and_leave_nothing_out(either: House) -> None:
    house = either
    house.live()
    cases(house, 24)
    house.tick("2026-03-10 08:30")
    house.at("2026-03-11 08:30")
    with Store.open(place_of(house)) as other:
        desks = [house.desk, replace(house.desk, store=other, worker="other")]
        first, second = at_once(*(lambda desk=desk: ticks.tick(desk, house.now) for desk in desks))
    assert first.cases + second.cases == 24
    assert first.notices + second.notices == 24
    assert [house.kinds(f"C{n:02d}") for n in range(24)] == [["reminder"]] * 24
    assert len(house.trail("decide")) == 24


def test_two_deliveries_at_once_send_each_message_once(either: House) -> None:
    house = either
    house.live()
    for number in range(12):
        house.case(f"C{number:02d}", "2026-03-02 08:00 allocation", lead="w1" if number % 2 else "w2")
        house.case(f"S{number:02d}", "2026-03-02 08:00 allocation", lead="s1", team="South")
    house.turns("2026-03-11", "2026-03-11")
    house.tick("2026-03-17 08:30")
    before = len(house.channel.taken)
    with Store.open(place_of(house)) as other:
        desks = [house.desk, replace(house.desk, store=other, worker="other")]
        at_once(*(lambda desk=desk: deliver(desk, lambda: house.now, rng=house.rng) for desk in desks))
    house.deliver()
    assert sorted(mail.to for mail in house.channel.taken[before:]) == [
        "s1@council.example",
        "w1@council.example",
        "w2@council.example",
    ]
    assert house.states() == {"handed_over": 48}


def place_of(house: House) -> str:
    place = house.store.place
    return str(place.path) if place.path else house.store.engine.url.render_as_string(hide_password=False)


# ---- editions


def test_a_clock_keeps_the_edition_under_which_it_started(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.tick("2026-03-02 09:00")
    first = house.authority.policy.text_hash
    house.set_rules(VISIT.replace("10 working days", "12 working days"), edition="2")
    house.case("C2", "2026-03-02 08:30 allocation")
    house.tick("2026-03-02 09:05")
    second = house.authority.policy.text_hash
    with house.store.read() as tx:
        assert [row.policy_hash for row in clocks_of(tx, NAME, "C1")] == [first]
        assert [row.policy_hash for row in clocks_of(tx, NAME, "C2")] == [second]
    assert first != second


def test_a_ladder_is_frozen_with_all_its_steps_when_it_starts(house_of: Houses) -> None:
    house = house_of(DISPUTE)
    house.live()
    house.case("C1", "2026-03-02 08:00 dispute_raised #R1")
    house.tick("2026-03-02 09:00")
    house.set_rules(DISPUTE.replace('["director"]', '["manager"]'), edition="2")
    house.tick("2026-03-02 09:05")
    with house.store.read() as tx:
        (ladder,) = ladders_of(tx, NAME, "C1")
    assert [(step["who"], step["due"], step["final"]) for step in ladder.steps["steps"]] == [
        (["manager"], "8 hours after dispute_raised", False),
        (["director"], "24 hours after dispute_raised", True),
    ]
