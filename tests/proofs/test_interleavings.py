"""A thousand races: while messages are claimed and sent, people acknowledge, resolve, hold and close, case by case.

Both sides hold the case that they are about until they commit. So a number that each takes while it holds it says which
of the two came first, and what was stopped by the first is never claimed after it.
"""

import itertools
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ehscheduler import office
from ehscheduler.core.people import Person
from ehscheduler.daemon import deliver as delivering
from ehscheduler.office import entry
from ehscheduler.store.faults import DatabaseLocked
from tests.daemon.house import House

FEW, MANY = 24, 500
HALF = 0.5
SOON = 0.004
"""Seconds that either side may pause between two of its turns."""


class Race:
    """Families of whose overdue visits the managers are about to hear, each with a manager of its own."""

    def __init__(self, house: House, count: int, seed: int) -> None:
        self.house, self.rng = house, random.Random(seed)
        self.refs = [f"C{n:04}" for n in range(count)]
        self.order = itertools.count(1)
        self.acted: dict[str, int] = {}
        self.claimed: dict[str, int] = {}
        self.begun = threading.Event()
        self.under_way = ""
        house.live()
        house.people(*(person for n in range(count) for person in self._people(n)))
        for n, ref in enumerate(self.refs):
            house.case(ref, "2026-03-02 08:00 allocation", lead=f"w{n}", team=f"T{n}")
        house.turn("2026-03-17 08:30")
        house.tick("2026-03-18 08:30")

    def _people(self, n: int) -> list[Person]:
        worker = Person(f"w{n}", f"W {n}", f"w{n}@council.example", ("worker",), f"T{n}", f"m{n}")
        return [worker, Person(f"m{n}", f"M {n}", f"m{n}@council.example", ("manager",), f"T{n}", None)]

    # ---- the two sides

    def act(self) -> None:
        """Stop what is to be told of each case, once the first is claimed: now one at random, now the one under way."""
        self.begun.wait(30)
        left = self.rng.sample(self.refs, len(self.refs))
        while left:
            time.sleep(self.rng.random() * SOON)
            ref = self.under_way if self.under_way in left and self.rng.random() < HALF else left[-1]
            left.remove(ref)
            self.rng.choice((self._acknowledge, self._resolve, self._hold, self._close))(ref)

    def deliver(self) -> None:
        for _ in range(3):
            self.house.deliver()
            time.sleep(self.rng.random() * SOON)

    def run(self) -> None:
        self.house.at("2026-03-18 08:31")
        with ThreadPoolExecutor() as pool:
            for side in [pool.submit(self.act), pool.submit(self.deliver)]:
                side.result(600)

    # ---- what people do

    def _verb(self, verb: Callable[..., Any], ref: str, *args: Any, **named: Any) -> None:
        while True:
            try:
                verb(self.house.store, self.house.authority, ref, *args, now=self.house.now, by="jo", **named)
                return
            except DatabaseLocked:
                pass  # SQLite gives nobody a turn: whoever is told to try again does

    def _acknowledge(self, ref: str) -> None:
        self._verb(office.acknowledge, ref, "visit", person=f"m{int(ref[1:])}", reason="family")

    def _resolve(self, ref: str) -> None:
        self._verb(office.record, ref, "home_visit", at=self.house.now.isoformat())

    def _hold(self, ref: str) -> None:
        self._verb(office.hold, ref, at=None, reason="stepped_up")

    def _close(self, ref: str) -> None:
        self._verb(office.close, ref, at=None, reason="outcomes_met")


def watch(race: Race, monkeypatch: pytest.MonkeyPatch) -> None:
    """Number each act and each claim inside its own transaction, while it holds its cases."""
    lock = threading.Lock()
    claim, append_trail, compose = delivering.claim, entry.append_trail, delivering.compose

    def claims(tx: Any, authority: str, letter: Any, keys: Any, **named: Any) -> Any:
        held = claim(tx, authority, letter, keys, **named)
        with lock:
            race.claimed |= {key.split("|")[0]: next(race.order) for key in keys}
        race.begun.set()
        return held

    def slowly(around: Any, way: Any, to: Any, checked: Any) -> Any:
        # Between the check and the claim there is time for somebody to act on that very case, if they could.
        race.under_way = checked[0].notice.case_ref
        time.sleep(race.rng.random() * 2 * SOON)
        return compose(around, way, to, checked)

    def acts(tx: Any, authority: str, **named: Any) -> Any:
        with lock:
            race.acted[named["case_ref"]] = next(race.order)
        return append_trail(tx, authority, **named)

    monkeypatch.setattr(delivering, "claim", claims)
    monkeypatch.setattr(delivering, "compose", slowly)
    monkeypatch.setattr(entry, "append_trail", acts)


def check(race: Race) -> None:
    """Hold that nothing was claimed after the act that stopped it."""
    assert set(race.acted) == set(race.refs)
    assert race.claimed
    late = [ref for ref, at in race.claimed.items() if at > race.acted[ref]]
    assert late == []
    sent = {row.case_ref for row in race.house.rows if row.kind == "escalation" and row.state == "handed_over"}
    assert sent == set(race.claimed)


def test_a_few_races_end_with_nothing_claimed_after_what_stopped_it(
    either: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    race = Race(either, FEW, seed=3)
    watch(race, monkeypatch)
    race.run()
    check(race)


@pytest.mark.campaign
def test_a_thousand_races_end_with_nothing_claimed_after_what_stopped_it(
    either: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five hundred on each of the two databases."""
    race = Race(either, MANY, seed=7)
    watch(race, monkeypatch)
    race.run()
    check(race)
    # Each side comes first now and then; else it would be no race.
    assert 0 < len(race.claimed) < len(race.refs)
