"""The values that a phrase or a condition is read into: each kind is in a policy of the rows."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_args

from test_grammar import POLICIES, made, raw_of
from test_grammar_lines import LINES

from ehscheduler.core import phrases
from ehscheduler.core.actions import KINDS as NOTICES
from ehscheduler.core.calendars import DAY_UNITS, HOUR_UNITS, Span
from ehscheduler.core.policy import AllOf, AnyOf, Compare, Cond, Happened, Known, Not
from ehscheduler.core.read_conditions import _BOUNDS, read_where
from ehscheduler.core.tables import Table


def values_of(thing: Any) -> Iterator[Any]:
    """Yield every frozen value of which a policy is made."""
    if is_dataclass(thing):
        yield thing
        for field in fields(thing):
            yield from values_of(getattr(thing, field.name))
    elif isinstance(thing, Mapping):
        for inner in thing.values():
            yield from values_of(inner)
    elif isinstance(thing, tuple):
        for inner in thing:
            yield from values_of(inner)


def test_every_value_that_a_phrase_can_be_read_into_is_in_a_policy_of_these_rows() -> None:
    found = [value for one in POLICIES for value in values_of(made(raw_of(*one)))]
    kinds = {type(value) for value in found}
    assert set(get_args(phrases.Length)) <= kinds
    for of, name, options in (
        (phrases.Due, "how", get_args(phrases.How)),
        (phrases.Anchor, "which", get_args(phrases.Which)),
        (phrases.Anchor, "overdue", (True, False)),
        (phrases.Target, "kind", get_args(phrases.Target.__annotations__["kind"])),
        (phrases.Every, "per", get_args(phrases.Every.__annotations__["per"])),
        (Span, "unit", (*DAY_UNITS, *HOUR_UNITS)),
    ):
        assert {getattr(value, name) for value in found if type(value) is of} == set(options), (of, name)
    ways: list[tuple[type, str]] = [(phrases.Begin, "length"), (phrases.Remind, "span"), (phrases.Every, "nth")]
    for kind, name in (*ways, (Happened, "within")):
        assert {getattr(value, name) is None for value in found if type(value) is kind} == {True, False}, (kind, name)


CONDITIONS = {Compare: "value", Known: "known", Happened: "happened_ever", Not: "not", AnyOf: "any", AllOf: "all"}


class Compared(str):
    """A word of a condition that remembers what the reader compared it with."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        compared.add(str(other))
        return super().__eq__(other)


compared: set[str] = set()


def test_every_condition_that_can_be_read_has_its_line() -> None:
    assert set(CONDITIONS) == set(get_args(Cond))
    assert {field.name for field in fields(Compare)} == {"fact", "values", *_BOUNDS}
    compared.clear()
    asked = {Compared("score"): {Compared("about"): 5}, "happened": {"closed": Compared("once")}}
    read_where(Table("grammar", {"where": asked}, []), "where")
    words = {"ever" if word == "happened_ever" else word for word in CONDITIONS.values()} - {"value", "all"}
    assert compared == {*words, "happened", *_BOUNDS}
    assert {f"cond.{name}" for name in (*CONDITIONS.values(), *_BOUNDS)} <= set(LINES)


def test_a_digest_is_gathered_and_is_no_notice_of_the_forecast() -> None:
    assert set(NOTICES) == set("reminder due overdue escalation dispute drift limit check".split())
