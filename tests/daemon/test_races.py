"""Who acts on a case and who claims what is told of it: one is always before the other, on both databases."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ehscheduler import office
from ehscheduler.daemon import deliver as delivering
from ehscheduler.daemon.letters import Composed
from ehscheduler.office import entry
from ehscheduler.store import events as stored
from tests.daemon.house import House, told

A_WHILE = 0.4
LONG_ENOUGH = 20.0
Verb = Callable[[House], Any]


def act(house: House, verb: Callable[..., Any], *args: Any, **named: Any) -> Any:
    return verb(house.store, house.authority, "C1", *args, now=house.now, by="jo", **named)


def acknowledge(house: House) -> None:
    act(house, office.acknowledge, "visit", person="w1", reason="family")


def resolve(house: House) -> None:
    act(house, office.record, "home_visit", at=house.now.isoformat())


def hold(house: House) -> None:
    act(house, office.hold, at=None, reason="stepped_up")


def close(house: House) -> None:
    act(house, office.close, at=None, reason="outcomes_met")


def import_again(house: House) -> None:
    house.events("C1", f"2026-03-17 {house.now:%H:%M} home_visit")


def named(verb: Verb) -> str:
    return verb.__name__


VERBS = [acknowledge, resolve, hold, close]


@pytest.fixture
def overdue(either: House) -> House:
    """A visit that ran over on 16 March; on the 17th its owner's notice waits to be claimed."""
    either.live()
    either.case("C1", "2026-03-02 08:00 allocation")
    either.turns("2026-03-11", "2026-03-16")
    either.tick("2026-03-17 08:30")
    return either


@pytest.mark.parametrize("verb", [*VERBS, import_again], ids=named)
def test_between_the_check_and_the_claim_nobody_acts_on_the_case(
    overdue: House, monkeypatch: pytest.MonkeyPatch, verb: Verb
) -> None:
    checked, acted = threading.Event(), threading.Event()
    seen: list[bool] = []

    def slowly(*args: Any) -> Iterator[Composed]:
        checked.set()
        seen.append(acted.wait(A_WHILE))
        return compose(*args)

    def acts() -> None:
        checked.wait(LONG_ENOUGH)
        verb(overdue)
        acted.set()

    compose = delivering.compose
    monkeypatch.setattr(delivering, "compose", slowly)
    with ThreadPoolExecutor() as pool:
        acting = pool.submit(acts)
        overdue.deliver("2026-03-17 08:31")
        acting.result(LONG_ENOUGH)
    # The act waited for the claim, and came after it; the message went out, as it was owed when it was claimed.
    assert seen == [False]
    assert told(overdue)[-1] == ("2026-03-17 08:31", "overdue", "person:w1")


@pytest.mark.parametrize("verb", VERBS, ids=named)
def test_a_claim_waits_for_who_is_acting_and_then_claims_nothing_that_this_stopped(
    overdue: House, monkeypatch: pytest.MonkeyPatch, verb: Verb
) -> None:
    acting, going_on = threading.Event(), threading.Event()

    def slowly(*args: Any, **named: Any) -> None:
        append_trail(*args, **named)
        acting.set()
        going_on.wait(A_WHILE)

    append_trail = entry.append_trail
    monkeypatch.setattr(entry, "append_trail", slowly)
    overdue.at("2026-03-17 08:31")
    with ThreadPoolExecutor() as pool:
        doing = pool.submit(verb, overdue)
        assert acting.wait(LONG_ENOUGH)
        claiming = pool.submit(overdue.deliver)
        doing.result(LONG_ENOUGH)
        claiming.result(LONG_ENOUGH)
    assert [row for row in told(overdue) if row[0] >= "2026-03-17"] == []


def test_a_claim_waits_for_an_import_too(overdue: House, monkeypatch: pytest.MonkeyPatch) -> None:
    importing, going_on = threading.Event(), threading.Event()

    def slowly(*args: Any) -> Any:
        importing.set()
        going_on.wait(A_WHILE)
        return insert(*args)

    insert = stored._insert
    monkeypatch.setattr(stored, "_insert", slowly)
    overdue.at("2026-03-17 08:31")
    with ThreadPoolExecutor() as pool:
        doing = pool.submit(import_again, overdue)
        assert importing.wait(LONG_ENOUGH)
        claiming = pool.submit(overdue.deliver)
        doing.result(LONG_ENOUGH)
        claiming.result(LONG_ENOUGH)
    assert [row for row in told(overdue) if row[0] >= "2026-03-17"] == []
    assert [row.why for row in overdue.rows if row.kind == "overdue"] == ["it is done"]
