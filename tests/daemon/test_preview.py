"""A preview of a change: it says what then happens, and changes nothing."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ehscheduler.core.reading import read_policy
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.preview import Preview, preview
from ehscheduler.plugins import Authority
from ehscheduler.policy_files import calendar_for
from tests.daemon.house import HEAD, LADDER, NAME, VISIT, House

NOW = "2026-03-12 10:00"


@pytest.fixture
def begun(house: House) -> House:
    """Three cases of two teams, with visits due on 16, 18 and 20 March; the service has run until the 12th."""
    house.set(ladders={NAME: LADDER})
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.case("C2", "2026-03-04 08:00 allocation", lead="s1", team="South")
    house.case("C3", "2026-03-06 08:00 allocation")
    house.turns("2026-03-02", "2026-03-12")
    return house.at(NOW)


def as_it_would_be(house: House, rules: str = VISIT, *, closed: tuple[str, ...] = ()) -> Desk:
    policy = read_policy(HEAD + rules, "test.toml")
    calendar = calendar_for(policy, {date.fromisoformat(day): "closed" for day in closed})
    return replace(house.desk, authorities={NAME: Authority(NAME, (policy,), calendar, Path())})


def found(house: House, after: Desk) -> Preview:
    return preview(house.desk, after, NAME, house.now)


def changes(one: Preview) -> list[tuple[str, str, tuple[str, ...], str, str]]:
    return [(c.case, c.key, c.what, str(c.due_before), str(c.due_after)) for c in one.changed]


def test_the_same_policy_again_changes_nothing(begun: House) -> None:
    same = found(begun, begun.desk)
    assert (same.changed, same.heard, same.by_team()) == ((), (), {})


def test_a_shorter_limit_moves_dates_earlier_and_tells_of_what_is_overdue_then(begun: House) -> None:
    one = found(begun, as_it_would_be(begun, VISIT.replace("10 working", "5 working")))
    assert changes(one) == [
        ("C1", "visit", ("earlier", "newly overdue"), "2026-03-16", "2026-03-09"),
        ("C2", "visit", ("earlier", "newly overdue"), "2026-03-18", "2026-03-11"),
        ("C3", "visit", ("earlier",), "2026-03-20", "2026-03-13"),
    ]
    assert [(h.case, h.kind, h.to, h.kept) for h in one.heard] == [
        ("C1", "changed", ("person:w1 by mail",), None),
        ("C1", "overdue", ("person:w1 by mail",), None),
        ("C2", "overdue", ("person:s1 by mail",), None),
        ("C3", "reminder", ("person:w1 by mail",), None),
    ]
    assert one.by_team() == {
        "North": {"changed sent": 1, "earlier": 2, "newly overdue": 1, "overdue sent": 1, "reminder sent": 1},
        "South": {"earlier": 1, "newly overdue": 1, "overdue sent": 1},
    }


def test_a_day_on_which_the_council_is_closed_moves_what_lies_over_it(begun: House) -> None:
    one = found(begun, as_it_would_be(begun, closed=("2026-03-17",)))
    assert changes(one) == [
        ("C2", "visit", ("later",), "2026-03-18", "2026-03-19"),
        ("C3", "visit", ("later",), "2026-03-20", "2026-03-23"),
    ]


def test_a_rule_that_goes_and_one_that_comes(begun: House) -> None:
    other = VISIT.replace("standard.visit", "standard.first").replace("10 working", "12 working")
    assert [(c.case, c.rule, c.what) for c in found(begun, as_it_would_be(begun, other)).changed] == [
        ("C1", "first", ("new",)),
        ("C1", "visit", ("gone",)),
        ("C2", "first", ("new",)),
        ("C2", "visit", ("gone",)),
        ("C3", "first", ("new",)),
        ("C3", "visit", ("gone",)),
    ]


def test_it_changes_nothing_and_what_it_says_is_what_then_happens(begun: House) -> None:
    before = (begun.rows, begun.notices("C1"), begun.trail())
    after = as_it_would_be(begun, VISIT.replace("10 working", "5 working"))
    one = found(begun, after)
    assert (begun.rows, begun.notices("C1"), begun.trail()) == before
    begun.authority = after.authorities[NAME]
    had = {row.notice_key for row in begun.rows}
    begun.turn(NOW)
    new = {(row.case_ref, row.kind, f"{row.recipient} by {row.channel}") for row in begun.rows} - {
        (row.case_ref, row.kind, f"{row.recipient} by {row.channel}") for row in begun.rows if row.notice_key in had
    }
    assert new == {(h.case, h.kind, to) for h in one.heard for to in h.to}


def test_what_moved_because_of_the_change_is_in_the_trail_with_its_reason(begun: House) -> None:
    begun.authority = as_it_would_be(begun, closed=("2026-03-17",)).authorities[NAME]
    begun.turn(NOW)
    (changed,) = begun.trail("settings")
    assert changed.detail == {"changed": ["days off"]}
    moved = {entry.case_ref: entry.detail for entry in begun.trail("moved")}
    assert moved == {
        "C2": {"because": ["days off"], "moved": [{"milestone": "visit", "from": "2026-03-18", "to": "2026-03-19"}]},
        "C3": {"because": ["days off"], "moved": [{"milestone": "visit", "from": "2026-03-20", "to": "2026-03-23"}]},
    }
    begun.case("C4", "2026-03-12 08:00 allocation")
    begun.turn("2026-03-12 10:01")
    assert len(begun.trail("moved")) == 2
