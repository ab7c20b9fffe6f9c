"""What people record by hand: taken once, refused with the reason, and never an edit of what was there."""

import threading
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from ehscheduler import office
from ehscheduler.core.events import Event
from ehscheduler.core.milestones import Milestone
from ehscheduler.errors import InputRefused
from ehscheduler.office import Act, evaluation_of
from ehscheduler.store.events import events_of
from tests.daemon.house import NAME, VISIT, House

RELAXED = (
    VISIT
    + """
[standard.plan]
title = "Plan"
clause = "1.2"
due = "20 working days after allocation"
met_by = "plan_agreed"
owner = "worker"
may_extend = ["director"]
"""
)


@pytest.fixture
def open_case(house_of: Callable[..., House]) -> House:
    house = house_of(RELAXED)
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    return house.at("2026-03-06 10:00")


def act(house: House, verb: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return verb(house.store, house.authority, *args, now=house.now, by="jo", **named)


def record(house: House, word: str, at: str, **named: Any) -> Act:
    made = act(house, office.record, "C1", word, at=at, **named)
    assert isinstance(made, Act)
    return made


def relax(house: House, *rules: str, until: str, by_role: str = "manager", reason: str = "illness") -> Act:
    made = act(house, office.relax, "C1", list(rules), until=date.fromisoformat(until), by_role=by_role, reason=reason)
    assert isinstance(made, Act)
    return made


def events(house: House, *words: str) -> list[Event]:
    with house.store.read() as tx:
        return [e for e in events_of(tx, NAME, "C1") if not words or e.word in words]


def milestone(house: House, key: str = "visit") -> Milestone:
    with house.store.read() as tx:
        found = evaluation_of(tx, house.authority, "C1", house.now)
    return next(m for m in found.milestones if m.key == key)


def refused(work: Callable[[], Any]) -> str:
    with pytest.raises(InputRefused) as refusal:
        work()
    return str(refusal.value)


# ---- record


def test_what_is_recorded_is_an_event_with_its_time_its_person_and_a_row_of_the_trail(open_case: House) -> None:
    made = record(open_case, "home_visit", "2026-03-05", detail={"method": "face_to_face"})
    assert not made.known
    assert milestone(open_case).state == "met"
    (entry,) = open_case.trail("record")
    assert (entry.who, entry.case_ref, entry.detail["word"]) == ("jo", "C1", "home_visit")
    assert entry.detail["event"] == made.event.id


def test_what_is_recorded_has_the_case_looked_at(open_case: House) -> None:
    open_case.tick()
    record(open_case, "home_visit", "2026-03-05")
    assert open_case.tick("2026-03-06 10:01").cases == 1


def test_the_same_recorded_twice_is_recorded_once(open_case: House) -> None:
    first = record(open_case, "home_visit", "2026-03-05", ref="R1")
    second = record(open_case.at("2026-03-06 11:00"), "home_visit", "2026-03-05", ref="R1")
    assert (first.known, second.known) == (False, True)
    assert first.event.id == second.event.id
    assert len(events(open_case, "home_visit")) == 1
    assert len(open_case.trail("record")) == 1


@pytest.mark.parametrize(
    ("word", "at", "said"),
    [
        ("home_vist", "2026-03-05", "no event 'home_vist' can be recorded; did you mean 'home_visit'?"),
        ("home_visit", "2026-02-30", "--at: '2026-02-30' is not a date that exists"),
        ("home_visit", "03/04/2026", "--at: '03/04/2026' is neither a date (2026-03-02) nor an instant"),
        ("home_visit", "2026-03-29T01:30", "does not exist in London: the clocks went forward"),
        ("home_visit", "2026-03-07", "--at: 2026-03-07 lies ahead"),
        ("home_visit", "2026-03-06T10:00:01", "lies ahead; record what has happened, when it has happened"),
        ("retracted", "2026-03-05", "an event is withdrawn with 'correct CASE EVENT'"),
    ],
    ids=["unknown word", "no such date", "another form", "no such hour", "tomorrow", "a second ahead", "retracted"],
)
def test_what_cannot_be_recorded_is_refused_with_the_reason(open_case: House, word: str, at: str, said: str) -> None:
    assert said in refused(lambda: record(open_case, word, at))
    assert len(events(open_case)) == 1
    assert open_case.trail("record") == []


def test_the_present_second_has_happened(open_case: House) -> None:
    assert record(open_case, "home_visit", "2026-03-06T10:00:00").event.moment == open_case.now


def test_an_unknown_case_is_refused_with_the_nearest_one(open_case: House) -> None:
    said = refused(lambda: act(open_case, office.record, "C11", "home_visit", at="2026-03-05"))
    assert said == "testshire has no case 'C11'; did you mean 'C1'?"


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ({"level": "three"}, "--detail: level is not a number"),
        ({"urgent": "perhaps"}, "--detail: urgent is neither true nor false"),
        ({"x": float("nan")}, "--detail or --ref holds what cannot be stored"),
        ({"x": "\ud800"}, "--detail or --ref holds what cannot be stored"),
    ],
    ids=["no number", "no truth", "not a number", "half a letter"],
)
def test_a_detail_that_cannot_be_is_refused(open_case: House, detail: dict[str, Any], said: str) -> None:
    assert said in refused(lambda: record(open_case, "attributes_changed", "2026-03-05", detail=detail))


# ---- correct


def test_a_correction_withdraws_the_event_and_records_it_anew(open_case: House) -> None:
    wrong = record(open_case, "home_visit", "2026-03-05").event
    gone, anew = act(open_case, office.correct, "C1", wrong.id, at="2026-03-04", why="typed wrongly")
    assert (gone.event.word, gone.event.detail["event"]) == ("retracted", wrong.id)
    assert (anew.event.word, anew.event.day.isoformat()) == ("home_visit", "2026-03-04")
    met = milestone(open_case).evidence
    assert met is not None
    assert met.day.isoformat() == "2026-03-04"
    assert [entry.act for entry in open_case.trail("correct")] == ["correct", "correct"]


def test_a_withdrawn_event_counts_no_more_and_stays_on_record(open_case: House) -> None:
    wrong = record(open_case, "home_visit", "2026-03-05").event
    act(open_case, office.correct, "C1", wrong.id, at=None, why="another family")
    assert milestone(open_case).state == "upcoming"
    assert wrong.id in {e.id for e in events(open_case)}


def test_the_trail_holds_no_free_text(open_case: House) -> None:
    wrong = record(open_case, "home_visit", "2026-03-05").event
    act(open_case, office.correct, "C1", wrong.id, at=None, why="FREE TEXT")
    assert not any("FREE TEXT" in str(entry.detail) for entry in open_case.trail())


def test_what_was_withdrawn_can_be_recorded_again(open_case: House) -> None:
    wrong = record(open_case, "home_visit", "2026-03-05").event
    act(open_case, office.correct, "C1", wrong.id, at=None, why="not sure")
    again = record(open_case.at("2026-03-06 11:00"), "home_visit", "2026-03-05")
    assert not again.known
    assert milestone(open_case).state == "met"
    assert record(open_case.at("2026-03-06 12:00"), "home_visit", "2026-03-05").known


def test_a_date_can_be_corrected_and_corrected_back(open_case: House) -> None:
    first = record(open_case, "home_visit", "2026-03-05").event
    _, second = act(open_case.at("2026-03-06 11:00"), office.correct, "C1", first.id, at="2026-03-04", why="a")
    _, third = act(open_case.at("2026-03-06 12:00"), office.correct, "C1", second.event.id, at="2026-03-05", why="b")
    assert not third.known
    evidence = milestone(open_case).evidence
    assert evidence is not None
    assert evidence.day.isoformat() == "2026-03-05"


def test_the_same_correction_twice_is_one_correction(open_case: House) -> None:
    wrong = record(open_case, "home_visit", "2026-03-05").event
    act(open_case, office.correct, "C1", wrong.id, at="2026-03-04", why="a")
    (again,) = act(open_case.at("2026-03-06 11:00"), office.correct, "C1", wrong.id, at="2026-03-04", why="a")
    assert again.known
    assert len(events(open_case, "home_visit")) == 2
    act(open_case, office.correct, "C1", again.event.id, at=None, why="b")
    (once_more,) = act(open_case.at("2026-03-06 12:00"), office.correct, "C1", again.event.id, at=None, why="b")
    assert once_more.known
    assert len(events(open_case, "retracted")) == 2


def test_a_correction_to_what_it_says_already_changes_nothing(open_case: House) -> None:
    event = record(open_case, "home_visit", "2026-03-05").event
    (same,) = act(open_case, office.correct, "C1", event.id, at="2026-03-05", why="a")
    assert same.known
    assert events(open_case, "retracted") == []


@pytest.mark.parametrize(
    ("event", "at", "said"),
    [
        ("nothing", None, "case 'C1' has no event 'nothing'"),
        (None, "2026-03-07", "lies ahead"),
        (None, "2026-02-30", "is not a date that exists"),
    ],
    ids=["unknown event", "tomorrow", "no such date"],
)
def test_a_correction_that_cannot_be_leaves_all_as_it_was(
    open_case: House, event: str | None, at: str | None, said: str
) -> None:
    wrong = record(open_case, "home_visit", "2026-03-05").event
    assert said in refused(lambda: act(open_case, office.correct, "C1", event or wrong.id, at=at, why="a"))
    assert events(open_case, "retracted") == []
    assert milestone(open_case).state == "met"


def test_what_was_withdrawn_cannot_be_moved(open_case: House) -> None:
    wrong = record(open_case, "home_visit", "2026-03-05").event
    act(open_case, office.correct, "C1", wrong.id, at=None, why="a")
    said = refused(lambda: act(open_case, office.correct, "C1", wrong.id, at="2026-03-03", why="a"))
    assert "was withdrawn before; record what happened with 'record'" in said


# ---- relax


def test_a_relaxation_moves_the_open_limit_and_is_on_the_trail(open_case: House) -> None:
    relax(open_case, "visit", until="2026-03-27")
    assert str(milestone(open_case).due_on) == "2026-03-27"
    (entry,) = open_case.trail("relax")
    assert entry.detail["word"] == "relaxation_agreed"
    assert "illness" not in str(entry.detail)


def test_the_same_relaxation_twice_on_a_day_is_one(open_case: House) -> None:
    relax(open_case, "visit", until="2026-03-27")
    assert relax(open_case.at("2026-03-06 10:05"), "visit", until="2026-03-27").known
    assert len(events(open_case, "relaxation_agreed")) == 1


@pytest.mark.parametrize(
    ("at", "rules", "until", "role", "said"),
    [
        ("2026-03-17 00:00", ["visit"], "2026-03-27", "manager", "it was agreed after the due date"),
        ("2026-03-06 10:00", ["visit"], "2026-03-27", "worker", "worker may not agree it; manager may"),
        ("2026-03-06 10:00", ["plan"], "2026-04-27", "manager", "manager may not agree it; director may"),
        ("2026-03-06 10:00", ["visit"], "2026-03-13", "manager", "its date 2026-03-13 is before the due date"),
        ("2026-03-06 10:00", ["vist"], "2026-03-27", "manager", "no rule 'vist'; did you mean 'visit'?"),
        ("2026-03-06 10:00", ["visit"], "2026-03-27", "manger", "no role 'manger'; did you mean 'manager'?"),
        ("2026-03-06 10:00", ["visit", "plan"], "2026-04-27", "manager", "moves nothing on plan: manager may not"),
    ],
    ids=["too late", "wrong rank", "wrong rank for that rule", "earlier", "unknown rule", "unknown role", "one of two"],
)
def test_a_relaxation_that_may_not_be_is_refused_with_the_reason(
    open_case: House, at: str, rules: list[str], until: str, role: str, said: str
) -> None:
    open_case.at(at)
    assert said in refused(lambda: relax(open_case, *rules, until=until, by_role=role))
    assert events(open_case, "relaxation_agreed") == []
    assert open_case.trail("relax") == []


def test_a_relaxation_is_in_time_until_the_last_second_of_the_due_day(open_case: House) -> None:
    relax(open_case.at("2026-03-16 23:59:59"), "visit", until="2026-03-27")
    assert str(milestone(open_case).due_on) == "2026-03-27"


def test_what_is_done_or_closed_has_nothing_to_relax(open_case: House) -> None:
    record(open_case, "home_visit", "2026-03-05")
    assert "C1: visit has no open milestone to relax" in refused(lambda: relax(open_case, "visit", until="2026-03-27"))


def test_every_fault_of_a_relaxation_is_said_at_once(open_case: House) -> None:
    said = refused(lambda: relax(open_case, "vist", "plann", until="2026-03-27", by_role="manger"))
    assert len(said.splitlines()) == 3


# ---- hold, resume, close


def test_a_hold_stops_the_clocks_and_its_end_starts_them(open_case: House) -> None:
    act(open_case, office.hold, "C1", at=None, reason="stepped_up")
    assert milestone(open_case).state == "on_hold"
    act(open_case.at("2026-03-09 10:00"), office.resume, "C1", at=None)
    assert str(milestone(open_case).due_on) == "2026-03-17"
    assert [entry.act for entry in open_case.trail()][:2] == ["hold_ended", "hold_started"]


def test_closing_cancels_what_is_unmet(open_case: House) -> None:
    act(open_case, office.close, "C1", at="2026-03-05", reason="moved")
    assert milestone(open_case).state == "cancelled"
    assert [entry.act for entry in open_case.trail()][:1] == ["closed"]


def test_a_turn_that_would_be_odd_is_refused(open_case: House) -> None:
    assert "the case was not on hold" in refused(lambda: act(open_case, office.resume, "C1", at=None))
    act(open_case, office.hold, "C1", at="2026-03-05T10:00", reason="stepped_up")
    odd = refused(lambda: act(open_case, office.hold, "C1", at=None, reason="section_47"))
    assert "the case was already on hold" in odd
    act(open_case, office.close, "C1", at=None, reason="moved")
    assert "is closed already, since 2026-03-06" in refused(
        lambda: act(open_case.at("2026-03-09 10:00"), office.close, "C1", at=None, reason="moved")
    )
    closed = refused(lambda: act(open_case, office.hold, "C1", at=None, reason="stepped_up"))
    assert "is closed since 2026-03-06" in closed


def test_a_turn_that_lies_ahead_is_refused(open_case: House) -> None:
    for verb in (office.hold, office.close):
        assert "lies ahead" in refused(lambda verb=verb: act(open_case, verb, "C1", at="2026-03-07", reason="moved"))
    assert "lies ahead" in refused(lambda: act(open_case, office.resume, "C1", at="2026-03-07"))


def test_the_same_turn_twice_is_one_turn(open_case: House) -> None:
    for verb, named in (
        (office.hold, {"at": "2026-03-04T10:00", "reason": "stepped_up"}),
        (office.resume, {"at": "2026-03-04T12:00"}),
        (office.close, {"at": "2026-03-05", "reason": "moved"}),
    ):
        assert not act(open_case, verb, "C1", **named).known
        assert act(open_case.at("2026-03-06 11:00"), verb, "C1", **named).known
    assert len(events(open_case)) == 4


def test_a_closure_in_error_is_withdrawn_and_can_be_made_again(open_case: House) -> None:
    closed = act(open_case, office.close, "C1", at="2026-03-05", reason="moved")
    act(open_case, office.correct, "C1", closed.event.id, at=None, why="another case")
    assert milestone(open_case).state == "upcoming"
    again = act(open_case.at("2026-03-06 11:00"), office.close, "C1", at="2026-03-05", reason="moved")
    assert not again.known
    assert milestone(open_case).state == "cancelled"


# ---- two at once


def test_two_people_who_close_a_case_at_once_close_it_once(either: House) -> None:
    either.live()
    either.case("C1", "2026-03-02 08:00 allocation")
    either.at("2026-03-06 10:00")
    answers: list[Any] = []
    barrier = threading.Barrier(2)

    def close(day: str) -> None:
        barrier.wait()
        try:
            answers.append(act(either, office.close, "C1", at=day, reason="moved"))
        except InputRefused as refusal:
            answers.append(refusal)

    threads = [threading.Thread(target=close, args=(day,)) for day in ("2026-03-04", "2026-03-05")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(answer).__name__ for answer in answers) == ["Act", "InputRefused"]
    assert len(events(either, "closed")) == 1
