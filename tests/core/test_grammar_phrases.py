"""The alternatives of a choice and of a phrase: each is in a policy of the rows."""

import re
from collections.abc import Iterator
from types import ModuleType

import pytest
from test_golden import policy_of
from test_grammar import GOLDEN, POLICIES, made, raw_of

from ehscheduler.core import phrases, read_conditions, read_rules, read_shapes, reading
from ehscheduler.core.tables import Table


def test_every_choice_of_the_reader_is_made_by_a_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    offered: set[str] = set()
    taken: set[str] = set()
    choice = Table.choice

    def hearing(self: Table, key: str, allowed: tuple[str, ...], default: str = "", *, required: bool = False) -> str:
        found = choice(self, key, allowed, default, required=required)
        offered.update(f"{key} = {value}" for value in allowed if key in CHOICES or key in self.raw)
        taken.add(f"{key} = {found}")
        return found

    monkeypatch.setattr(Table, "choice", hearing)
    for one in POLICIES:
        made(raw_of(*one))
    for nation in ("wales", "northern-ireland"):  # as their bank holidays are counted
        policy_of.__wrapped__(GOLDEN / "01-days-and-hours.toml", f"next-day-{nation}")
    facts = {one for one in offered if one.split(" = ")[0] not in CHOICES}
    kinds = {one.split(" = ")[1] for one in taken if one in facts}
    assert {one.split(" = ")[1] for one in facts} == kinds
    assert offered - facts <= taken


CHOICES = ("nation", "transition", "per", "force", "roll", "bank_holiday")


class Heard:
    """A pattern of the reader that remembers what it matched."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern
        self.texts: set[str] = set()

    def fullmatch(self, text: str) -> re.Match[str] | None:
        found = self.pattern.fullmatch(text)
        if found:
            self.texts.add(text)
        return found


def patterns_of(module: ModuleType) -> dict[str, re.Pattern[str]]:
    return {name: value for name, value in vars(module).items() if isinstance(value, re.Pattern)}


def test_every_alternative_of_a_phrase_is_in_a_policy_of_these_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: dict[str, Heard] = {}
    for module in (phrases, read_conditions, read_rules, read_shapes, reading):
        for name, pattern in patterns_of(module).items():
            heard[name] = Heard(pattern)
            monkeypatch.setattr(module, name, heard[name])
    for one in POLICIES:
        made(raw_of(*one))
    needed: dict[str, bool] = {}
    for name, listener in heard.items():
        for label, without in narrowed(name, listener.pattern.pattern):
            told = any(not re.fullmatch(without, text) for text in listener.texts)
            needed[label] = needed.get(label, False) or told
    assert len(needed) > 40
    assert not [label for label, told in needed.items() if not told]


FRAGMENTS = {"span": phrases._SPAN, "ordinal": r"\d+(?:st|nd|rd|th)"}
"""What several patterns have in common: an alternative of it is needed in one of them."""


def narrowed(name: str, source: str) -> Iterator[tuple[str, str]]:
    """Yield a pattern without each of its alternatives in turn, each with the place where it stands."""
    places = [(m.start(), m.end(), of) for of, part in FRAGMENTS.items() for m in re.finditer(re.escape(part), source)]
    for at, what, without in _cuts(source):
        begins, of = next(((begins, of) for begins, end, of in places if begins < at < end), (0, name))
        yield f"{of} {at - begins}: {what}", without


def _cuts(source: str) -> Iterator[tuple[int, str, str]]:
    """Cut each alternative (a|b), and each optional part both ways: left out, and never left out."""
    opened: list[list[int]] = [[0]]
    at = 0
    while at < len(source):
        if source[at] == "\\":
            at += 1
        elif source[at] == "[":
            at = source.index("]", at)
        elif source[at] == "(":
            head = re.compile(r"\((?:\?(?:P<\w+>|[:!]))?").match(source, at)
            assert head
            opened.append([head.end()])
            at = head.end() - 1
        elif source[at] == "|":
            opened[-1].append(at + 1)
        elif source[at] == ")":
            yield from _pieces(source, opened[-1], at)
            start = source.rindex("(", 0, opened.pop()[0])
            if source[at + 1 : at + 2] == "?":
                yield from _optional(source, start, at + 1)
        elif source[at] == "?" and source[at - 1] not in ")(":
            yield from _optional(source, at - 1, at)
        at += 1
    yield from _pieces(source, opened[0], len(source))


def _pieces(source: str, starts: list[int], end: int) -> Iterator[tuple[int, str, str]]:
    if len(starts) < 2:
        return
    ends = [*(start - 1 for start in starts[1:]), end]
    parts = [source[a:b] for a, b in zip(starts, ends, strict=True)]
    for n, part in enumerate(parts):
        kept = "|".join(parts[:n] + parts[n + 1 :])
        yield starts[n], part, source[: starts[0]] + kept + source[end:]


def _optional(source: str, start: int, mark: int) -> Iterator[tuple[int, str, str]]:
    part = source[start:mark]
    yield start, f"with {part}", source[:start] + source[mark + 1 :]
    yield start, f"without {part}", source[:mark] + source[mark + 1 :]


def test_cutting_a_pattern_leaves_each_of_its_alternatives_out_once() -> None:
    cut = [without for _, _, without in _cuts(r"(?P<n>\d+) (?:days?|week)(?P<more> on)?|never")]
    assert cut == [
        r"(?P<n>\d+) (?:day|week)(?P<more> on)?|never",
        r"(?P<n>\d+) (?:days|week)(?P<more> on)?|never",
        r"(?P<n>\d+) (?:week)(?P<more> on)?|never",
        r"(?P<n>\d+) (?:days?)(?P<more> on)?|never",
        r"(?P<n>\d+) (?:days?|week)|never",
        r"(?P<n>\d+) (?:days?|week)(?P<more> on)|never",
        "never",
        r"(?P<n>\d+) (?:days?|week)(?P<more> on)?",
    ]
