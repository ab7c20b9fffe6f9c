"""Every number, unit, word and condition of Nottinghamshire's policy matters to a case that was counted by hand.

A mutant is the policy with one thing changed. Only the worked cases of `examples.toml` may kill it; one that the reader
refuses is no policy, and one that no case can ever tell apart is named below, with the reason.
"""

import copy
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest
from core_samples import PACKAGE, nottinghamshire

from ehscheduler.core.calendars import Calendar
from ehscheduler.core.examples import Example, mismatches, read_examples
from ehscheduler.core.policy import Policy
from ehscheduler.core.reading import read_tables
from ehscheduler.errors import EhsError, PolicyRefused
from ehscheduler.policy_files import calendar_for

Tables = dict[str, Any]
Path = tuple[str | int, ...]

_LAST_RUNG = "nobody comes after the last rung, and when the dispute itself is late is the rule's own limit"
_OWN_DISPUTE = "a rung counts from the dispute that its rule's clock started with, by either of its names"
_RUNG = "ladder.allocation-dispute.steps"
EQUIVALENT = {
    **{f"{_RUNG}.{n}.due = '{8 * n + 8} hours after allocation_dispute'": _OWN_DISPUTE for n in range(3)},
    f"{_RUNG}.3.due = '24 hours after allocation_dispute'": _OWN_DISPUTE,
    **{
        f"{_RUNG}.{n}.due = '{length} after dispute_raised'": _LAST_RUNG
        for n in (2, 3)
        for length in ("23 hours", "25 hours", "24 days")
    },
    "standard.final-letter.not_before = '5 working days after each final_letter_sent'": (
        "the rule follows one letter, the latest, so each letter that it follows is that one"
    ),
    **{f"standard.plan.met_by.{n} = 'plan_made'": "that word means either of the two" for n in (0, 1)},
}
"""Mutants that no case can tell apart from the policy, and why."""

UNITS = {
    "working day": ("day",),
    "day": ("working day", "week"),
    "week": ("day", "month"),
    "month": ("week", "year"),
    "year": ("month",),
    "hour": ("day",),
}
SPAN = re.compile(r"(\d+) (working day|day|week|month|year|hour)s?")
AFTER = re.compile(r"(?<= after )(each |latest |\d+\w\w )?([a-z_]+)$")


@dataclass(frozen=True)
class Mutant:
    """One change at one place: where, what stood there, and what stands there instead (None: it is gone)."""

    path: Path
    value: Any
    rules: frozenset[str]

    @property
    def name(self) -> str:
        return f"{'.'.join(map(str, self.path))} = {self.value!r}"


@cache
def policy_tables() -> Tables:
    return tomllib.loads((PACKAGE / "policy.toml").read_text(encoding="utf-8"))


@cache
def examples() -> list[Example]:
    policy, _ = nottinghamshire()
    return read_examples((PACKAGE / "examples.toml").read_text(encoding="utf-8"), "examples.toml", policy)


# ---- what can be changed


def all_mutants() -> Iterator[Mutant]:
    raw = policy_tables()
    for kind in ("standard", "rhythm"):
        for id_, rule in raw[kind].items():
            yield from _of_rule((kind, id_), rule, frozenset({id_}))
    for id_, ladder in raw["ladder"].items():
        by = frozenset(r for r, rule in raw["standard"].items() if rule.get("decided_by") == id_)
        for n, step in enumerate(ladder["steps"]):
            yield from _of_step(("ladder", id_, "steps", n), step, by)
    for name, word in raw["event"].items():
        yield from _of_word(("event", name), word)
    yield from _of_policy(raw["policy"])


def _of_policy(head: Tables) -> Iterator[Mutant]:
    made: list[tuple[Path, Any]] = [(("policy", "nation"), n) for n in ("scotland", "northern ireland")]
    made.append((("policy", "counts_first_day"), True))
    made += _texts(("policy", "remind"), head["remind"], _phrase)
    made += _dropped(("policy", "remind"), head["remind"])
    yield from (Mutant(*change, frozenset()) for change in made)


def _of_rule(path: Path, rule: Tables, rules: frozenset[str]) -> Iterator[Mutant]:
    made: list[tuple[Path, Any]] = []
    for key in ("due", "not_before", "every", "from"):
        made += _texts((*path, key), rule.get(key), _phrase)
    for n, phase in enumerate(rule.get("phases", ())):
        for key in ("every", "from"):
            made += _texts((*path, "phases", n, key), phase[key], _phrase)
        made.append(((*path, "phases", n), None))
    for key in ("met_by", "unless"):
        made += _dropped((*path, key), rule.get(key))
        made += _texts((*path, key), rule.get(key), _other_words)
    if "where" in rule:
        made += _conditions((*path, "where"), rule["where"])
    for role in policy_tables()["roles"] if "may_extend" in rule else ():
        made += [((*path, "may_extend"), [role])] if [role] != rule["may_extend"] else []
    if "decided_by" in rule:
        made.append(((*path, "decided_by"), None))
    yield from (Mutant(*change, rules) for change in made)


def _of_step(path: Path, step: Tables, rules: frozenset[str]) -> Iterator[Mutant]:
    made = [*_texts((*path, "due"), step["due"], _phrase)]
    made += [((*path, "who"), [role]) for role in policy_tables()["roles"] if [role] != step["who"]]
    made += [(path, None)]
    if "where" in step:
        made += _conditions((*path, "where"), step["where"])
    if step.get("final"):
        made.append(((*path, "final"), None))
    yield from (Mutant(*change, rules) for change in made)


def _of_word(path: Path, word: Tables) -> Iterator[Mutant]:
    made: list[tuple[Path, Any]] = [*_dropped((*path, "any"), word.get("any"))]
    if "where" in word:
        made += _conditions((*path, "where"), word["where"])
    if "at_least" in word:
        made += [((*path, "at_least"), word["at_least"] + by) for by in (-1, 1)]
    made += _texts((*path, "within"), word.get("within"), _phrase)
    yield from (Mutant(*change, frozenset()) for change in made)


def _texts(path: Path, value: Any, change: Callable[[str], Iterator[str]]) -> list[tuple[Path, Any]]:
    """Change each text of a text or a list of texts."""
    if isinstance(value, list):
        return [((*path, n), other) for n, text in enumerate(value) for other in change(text)]
    return [] if value is None else [(path, other) for other in change(value)]


def _phrase(text: str) -> Iterator[str]:
    """Give a phrase another number, unit, kind of day or anchor."""
    if found := SPAN.match(text):
        n, unit, rest = int(found[1]), found[2], text[found.end() :]
        yield from (f"{other} {unit}s{rest}" for other in (n - 1, n + 1) if other)
        yield from (f"{n} {other}s{rest}" for other in UNITS[unit])
        if unit == "week":
            yield f"{5 * n} working days{rest}"
        if unit == "hour":
            yield f"{n} office hours{rest}"
    if found := AFTER.search(text):
        yield from (f"{text[: found.start()]}{found[1] or ''}{word}" for word in anchor_words() if word != found[2])
        for which in ("", "each ", "latest ", "2nd "):
            if which != (found[1] or ""):
                yield f"{text[: found.start()]}{which}{found[2]}"
    elif " " not in text:
        yield from (word for word in anchor_words() if word != text)
    if " before case " in text:
        yield f"by case {text.split(' before case ')[1]}"


@cache
def anchor_words() -> tuple[str, ...]:
    """Return every word from which some rule counts."""
    raw = policy_tables()
    texts = [
        rule.get(key, "") for kind in ("standard", "rhythm") for rule in raw[kind].values() for key in ("due", "from")
    ]
    texts += [phase["from"] for rule in raw["rhythm"].values() for phase in rule.get("phases", ())]
    return tuple(sorted({text.split()[-1] for text in texts if text and " case " not in text}))


def _other_words(text: str) -> Iterator[str]:
    yield from (word for word in anchor_words() if word != text)


def _dropped(path: Path, value: Any) -> list[tuple[Path, Any]]:
    """Drop each word of a list; the only word of an `unless` goes with its key."""
    if isinstance(value, list) and len(value) > 1:
        return [((*path, n), None) for n in range(len(value))]
    return [(path, None)] if value is not None and path[-1] == "unless" else []


def _conditions(path: Path, where: Tables) -> list[tuple[Path, Any]]:
    """Drop a condition whole and in parts, and turn each value round."""
    made: list[tuple[Path, Any]] = [(path, None)]
    for key, value in where.items():
        at = (*path, key)
        if len(where) > 1:
            made.append((at, None))
        if isinstance(value, bool):
            made.append((at, not value))
        elif key == "not" and isinstance(value, dict):
            made += _conditions(at, value)[1:]
        elif key == "any" or (isinstance(value, list) and len(value) > 1):
            made += [((*at, n), None) for n in range(len(value))]
            made += [c for n, v in enumerate(value) if isinstance(v, dict) for c in _conditions((*at, n), v)[1:]]
        elif key == "happened":
            made += [((*at, word), "ever") for word in value]
            made += [c for word, reach in value.items() for c in _reach((*at, word), reach)]
        elif isinstance(value, str) and key != "known":
            made.append((at, f"another {key}"))
    return made


def _reach(path: Path, reach: str) -> list[tuple[Path, Any]]:
    return [(path, f"within {other}") for other in _phrase(reach.removeprefix("within ")) if " " in other]


# ---- what kills


def mutated(mutant: Mutant) -> Policy | None:
    """Return the policy with one thing changed, or None where the reader refuses it."""
    raw = copy.deepcopy(policy_tables())
    *way, last = mutant.path
    at: Any = raw
    for step in way:
        at = at[step]
    if mutant.value is None:
        del at[last]
    else:
        at[last] = mutant.value
    try:
        return read_tables(raw, "", "mutant.toml")
    except PolicyRefused:
        return None


@cache
def calendar_of(nation: str) -> Calendar:
    policy, _ = nottinghamshire()
    return calendar_for(replace(policy, nation=nation))


def killer(policy: Policy, rules: frozenset[str]) -> Example | None:
    """Return the first worked case that counts otherwise under this policy."""
    calendar = calendar_of(policy.nation)
    for example in examples():
        if rules and not rules & example.rules:
            continue
        try:
            if mismatches(example, policy, calendar):
                return example
        except EhsError:
            return example
    return None


@cache
def survivors() -> tuple[dict[str, Mutant], int, int]:
    """Return the mutants that live, how many died, and how many were no policy."""
    alive: dict[str, Mutant] = {}
    died = refused = 0
    for mutant in all_mutants():
        policy = mutated(mutant)
        if policy is None:
            refused += 1
        elif killer(policy, mutant.rules) is None:
            alive[mutant.name] = mutant
        else:
            died += 1
    return alive, died, refused


def test_no_worked_case_counts_otherwise_under_the_policy_itself() -> None:
    policy, calendar = nottinghamshire()
    assert [sentence for example in examples() for sentence in mismatches(example, policy, calendar)] == []


def test_every_mutant_is_killed_by_a_worked_case_or_named_as_equivalent() -> None:
    alive, _, _ = survivors()
    assert sorted(alive.keys() - EQUIVALENT.keys()) == []


def test_every_mutant_named_as_equivalent_still_lives() -> None:
    alive, _, _ = survivors()
    assert sorted(EQUIVALENT.keys() - alive.keys()) == []
    assert all(EQUIVALENT.values())


def test_there_are_mutants_of_every_rule() -> None:
    policy, _ = nottinghamshire()
    touched = {rule for mutant in all_mutants() for rule in mutant.rules}
    assert touched == set(policy.rules)
    _, died, refused = survivors()
    assert died > 500
    assert refused < died / 10


@pytest.mark.parametrize("path", [("standard", "plan", "due"), ("rhythm", "family-contact", "phases", 2, "every")])
def test_a_limit_that_is_longer_by_one_is_killed(path: Path) -> None:
    value: Any = policy_tables()
    for step in path:
        value = value[step]
    longer = next(text for text in _phrase(value) if text.startswith(str(int(value.split()[0]) + 1)))
    policy = mutated(Mutant(path, longer, frozenset()))
    assert policy is not None
    assert killer(policy, frozenset()) is not None
