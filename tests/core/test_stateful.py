"""Histories grown at random: no order of rows, and no order of arrival, decides anything."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from core_samples import (
    CHANGES,
    CLOCKS,
    DAYS,
    DETAILS,
    END,
    FACTS,
    LIVELY,
    REASONS,
    REFS,
    RELAXED,
    ROLES,
    UNTILS,
    WORDS,
    an_event,
    as_bytes,
    rows,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ehscheduler.core.events import Event

whens = st.builds(lambda day, clock: day + clock, st.sampled_from(DAYS), st.sampled_from(CLOCKS)).filter(
    lambda when: not when.startswith("2026-03-29T01")  # an hour that does not exist in London
)
refs = st.sampled_from(REFS)
delays = st.sampled_from((0, 0, 0, 1, 26, 24 * 9))


class Histories(RuleBasedStateMachine):
    """Grow one case's history row by row; ask of it, at the end, that the order of its rows says nothing."""

    @initialize(facts=st.sampled_from(FACTS), seed=st.integers(0, 2**32))
    def begin(self, facts: dict[str, Any], seed: int) -> None:
        self.facts = facts
        self.random = Random(seed)
        self.events: list[Event] = []
        self.add("allocation", "2026-03-16", None)

    def add(self, word: str, when: str, ref: str | None, hours_late: int = 0, **detail: Any) -> None:
        event = an_event(f"E{self.random.getrandbits(40):x}", word, when, ref, **detail)
        self.events.append(replace(event, recorded=event.moment + timedelta(hours=hours_late)))

    @rule(data=st.data(), word=st.sampled_from(WORDS), when=whens, ref=refs, late=delays)
    def something_happens(self, data: st.DataObject, word: str, when: str, ref: str | None, late: int) -> None:
        detail = data.draw(st.sampled_from(DETAILS.get(word, ({},))))
        self.add(word, when, ref, late, **detail)

    @rule(word=st.sampled_from(LIVELY), when=whens, late=delays)
    def something_common_happens(self, word: str, when: str, late: int) -> None:
        self.add(word, when, None, late)

    @rule(start=whens, end=whens, reason=st.sampled_from(REASONS), late=delays)
    def a_hold(self, start: str, end: str, reason: str | None, late: int) -> None:
        self.add("hold_started", start, None, late, **({"reason": reason} if reason else {}))
        self.add("hold_ended", end, None)

    @rule(when=whens)
    def an_open_hold(self, when: str) -> None:
        self.add("hold_started", when, None)

    @rule(
        when=whens,
        rules=st.lists(st.sampled_from(RELAXED), min_size=1, max_size=3, unique=True),
        until=st.sampled_from(UNTILS),
        role=st.sampled_from(ROLES),
        ref=refs,
        late=delays,
    )
    def a_relaxation(self, when: str, rules: list[str], until: str, role: str, ref: str | None, late: int) -> None:
        self.add("relaxation_agreed", when, ref, late, rules=rules, until=until, by_role=role)

    @rule(when=whens, weeks=st.integers(1, 4), role=st.sampled_from(ROLES))
    def an_extension(self, when: str, weeks: int, role: str) -> None:
        self.add("extension_approved", when, None, weeks=weeks, by_role=role)

    @rule(when=whens, change=st.sampled_from(CHANGES), late=delays)
    def an_attribute_changes(self, when: str, change: dict[str, Any], late: int) -> None:
        self.add("attributes_changed", when, None, late, **change)

    @precondition(lambda self: len(self.events) > 1)
    @rule(data=st.data(), when=whens)
    def something_is_retracted(self, data: st.DataObject, when: str) -> None:
        event = data.draw(st.sampled_from(self.events))
        self.add("retracted", when, None, event=event.id)

    @rule(when=whens, late=delays)
    def the_case_closes(self, when: str, late: int) -> None:
        self.add("closed", when, None, late)

    @rule(when=whens)
    def the_case_reopens(self, when: str) -> None:
        self.add("reopened", when, None)

    def teardown(self) -> None:
        if not getattr(self, "events", None):
            return
        for at in (END, self.random.choice(self.events).recorded):
            expected = as_bytes(self.events, at, self.facts)
            self.any_order_of_rows_gives_the_same_bytes(expected, at)
            self.only_what_was_known_mattered(expected, at)
            self.nothing_is_met_before_its_time(json.loads(expected)["rows"], at)

    def any_order_of_rows_gives_the_same_bytes(self, expected: bytes, at: datetime) -> None:
        for order in (self.events[::-1], self.random.sample(self.events, len(self.events))):
            assert as_bytes(order, at, self.facts) == expected

    def only_what_was_known_mattered(self, expected: bytes, at: datetime) -> None:
        known = [e for e in self.events if e.recorded <= at and (e.moment <= at or e.word == "retracted")]
        assert as_bytes(known, at, self.facts) == expected

    def nothing_is_met_before_its_time(self, found: list[dict[str, Any]], at: datetime) -> None:
        for row in found:
            assert (row["met_at"] is not None) == (row["state"] in ("met", "met_late"))
            assert row["met_at"] is None or datetime.fromisoformat(row["met_at"]) <= at


TestAnyRowOrderOfTheSameEventsGivesTheSameMilestones = Histories.TestCase
TestAnyRowOrderOfTheSameEventsGivesTheSameMilestones.settings = settings(stateful_step_count=30)


# ---- laws of histories, drawn whole


@st.composite
def plain_histories(draw: st.DrawFn) -> list[Event]:
    """Draw a case's everyday events: no holds, no agreements, nothing withdrawn."""
    drawn = draw(st.lists(st.tuples(st.sampled_from(LIVELY), whens), max_size=8))
    lines = [("allocation", "2026-03-16"), *drawn]
    return [an_event(f"P{n}", word, when) for n, (word, when) in enumerate(lines)]


@st.composite
def changes(draw: st.DrawFn) -> list[Event]:
    """Draw holds that do not overlap, agreements, and corrections of the everyday events."""
    days = sorted(draw(st.lists(st.sampled_from(DAYS), max_size=4)))
    pairs = zip(days[::2], days[1::2], strict=False)
    holds = [(word, day) for pair in pairs for word, day in zip(("hold_started", "hold_ended"), pair, strict=True)]
    made = [an_event(f"H{n}", word, day) for n, (word, day) in enumerate(holds)]
    for n, (when, until) in enumerate(draw(st.lists(st.tuples(whens, st.sampled_from(UNTILS)), max_size=3))):
        given_by = {"rules": list(RELAXED), "until": until, "by_role": draw(st.sampled_from(ROLES))}
        made.append(an_event(f"R{n}", "relaxation_agreed", when, **given_by))
    for n in draw(st.sets(st.integers(1, 8), max_size=2)):
        made.append(an_event(f"X{n}", "retracted", draw(whens), event=f"P{n}"))
    return made


def without_lateness(events: Sequence[Event]) -> str:
    """Return the rows but for what tells when a thing was recorded."""
    kept = [
        {**row, "recorded_late": None, "why": [w.replace(" It was recorded after the limit.", "") for w in row["why"]]}
        for row in rows(events, END, {})
    ]
    return json.dumps(kept)


@given(plain_histories(), changes(), st.randoms(use_true_random=False))
def test_holds_relaxations_and_corrections_compose_in_any_order_of_arrival(
    plain: list[Event], changed: list[Event], random: Random
) -> None:
    events = [*plain, *changed]
    arrived = [replace(e, recorded=END - timedelta(minutes=random.randrange(1, 10_000))) for e in events]
    assert without_lateness(arrived) == without_lateness(events)


@given(plain_histories(), changes())
def test_replay_is_stable(plain: list[Event], changed: list[Event]) -> None:
    """What was said of an instant is said of it again, whatever has been recorded since."""
    at = read_end_of("2026-04-08")
    then = as_bytes([*plain, *changed], at, {})
    later = [replace(e, id=f"L{n}", recorded=at + timedelta(seconds=n + 1)) for n, e in enumerate([*plain, *changed])]
    assert as_bytes([*plain, *changed, *later], at, {}) == then


def read_end_of(day: str) -> datetime:
    return an_event("", "allocation", f"{day}T23:59:59").moment


@given(plain_histories(), changes(), whens, whens)
def test_a_hold_never_gives_an_earlier_date(plain: list[Event], changed: list[Event], one: str, other: str) -> None:
    events = [*plain, *(e for e in changed if not e.word.startswith("hold"))]
    first, second = sorted([an_event("H1", "hold_started", one), an_event("H2", "hold_ended", other)], key=_moment)
    held = [*events, replace(first, word="hold_started"), replace(second, word="hold_ended")]
    before = {row["key"]: row for row in rows(events, END, {})}
    for row in rows(held, END, {}):
        if row["rule"] == "relaxation" and row["key"] not in before:
            continue  # held, a limit is still open when its relaxation is agreed, which then is looked at again
        plain_row = before[row["key"]]
        assert datetime.fromisoformat(row["due_at"]) >= datetime.fromisoformat(plain_row["due_at"])
        assert row["met_at"] == plain_row["met_at"]


def _moment(event: Event) -> datetime:
    return event.moment
