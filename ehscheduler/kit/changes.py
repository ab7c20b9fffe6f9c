"""Every small change that can be made to a policy's tables: one is a mutant, and some worked case has to tell.

What stands in the file is changed or taken away; nothing is added. Titles, clauses and the words of readings decide
nothing, and the dates of an edition are no matter of one case, so they stay. Nor is a change made that says the same in
other words: a check is made at each of its events with or without "each", and looks back no differently for it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from ehscheduler.core.sitting_days import NTH, WEEKDAYS, sitting_day
from ehscheduler.kit.condition_changes import condition_changes
from ehscheduler.kit.phrase_changes import TIMES, Kin, phrase_changes, word_changes
from ehscheduler.kit.phrase_changes import WHICHES as EVERY

Path = tuple[str | int, ...]
Change = tuple[Path, Any]
"""Where, and what stands there instead; None means that it is gone."""
Table = Mapping[str, Any]

ONE = ("", "latest ", "2nd ")
PHRASES = ("due", "not_before", "best_by", "every", "from", "at", "since")
WORDS = ("met_by", "unless", "needs")
WHICHES = {"at": ("", "2nd "), "since": ("", "latest ", "2nd "), "best_by": ONE, "not_before": ONE}
"""Which occurrences can be told apart under a key; elsewhere all of them."""
KEEPS = ("due", "met_by", "every", "from", "at", "who", "on", "rows", "steps", "owner")
"""Keys that a table cannot do without."""
CHOICES: dict[str, tuple[Any, ...]] = {
    "roll": ("previous working day", "next working day"),
    "bank_holiday": ("ask", "skip", "next working day"),
    "force": ("required", "guide"),
}


@dataclass(frozen=True)
class Words:
    """What a change may put in the place of a word, a role or a weekday."""

    kin: Kin
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Mutant:
    """One change at one place of a policy."""

    path: Path
    value: Any

    @property
    def name(self) -> str:
        at = ".".join(map(str, self.path))
        return f"{at} is gone" if self.value is None else f"{at} = {self.value!r}"

    @property
    def table(self) -> str:
        """The table that is changed, as the file heads it: standard.eha, event.direct_contact, policy."""
        return ".".join(map(str, self.path[:2])) if self.path[0] != "policy" else "policy"


def mutants(path: Path, table: Table, words: Words) -> Iterator[Mutant]:
    """Yield every change of one table."""
    made = {
        "policy": _policy,
        "event": _event,
        "route": _route,
        "ladder": _ladder,
        "limit": _limit,
        "reading": _reading,
    }
    of = made.get(str(path[0]), _rule)
    seen = set()
    for change in of(path, table, words):
        mutant = Mutant(*change)
        if mutant.name not in seen:
            seen.add(mutant.name)
            yield mutant


# ---- by shape


def _rule(path: Path, table: Table, words: Words) -> Iterator[Change]:
    """Change a standard, a rhythm, a check or a meeting."""
    yield from _phrases(path, table, words)
    yield from _roles(path, table, words)
    for key in ("where", "must"):
        yield from condition_changes((*path, key), table.get(key))
    for key in ("per", "tell", "runs_through", "may_extend", "escalate", "decided_by", "cut_off", "chair"):
        yield from _dropped((*path, key), table.get(key))
    yield from _chosen(path, table)
    for n, phase in enumerate(table.get("phases", ())):
        yield from _phrases((*path, "phases", n), phase, words)
        if len(table["phases"]) > 1:
            yield (*path, "phases", n), None
    if path[0] == "meeting":
        yield from _sitting(path, table)


def _sitting(path: Path, table: Table) -> Iterator[Change]:
    if on := sitting_day(table["on"]):  # what a reading gives is changed there
        at, day = on.weekday - 1, WEEKDAYS[on.weekday - 1]
        yield from (((*path, "on"), on.text.replace(day, WEEKDAYS[other])) for other in (at - 1, (at + 1) % 5))
        if on.nth:
            words = [word for word, nth in NTH.items() if nth != on.nth]
            yield from (((*path, "on"), f"{word} {day} of the month") for word in words)
    cut = table.get("cut_off", "")
    if cut.endswith(" before"):
        yield from (((*path, "cut_off"), other) for other in phrase_changes(cut, lambda _: ()))
    elif cut:
        hour = int(cut[:2])
        yield from (((*path, "cut_off"), f"{other:02d}{cut[2:]}") for other in (hour - 1, hour + 1) if 0 <= other < 24)


def _ladder(path: Path, table: Table, words: Words) -> Iterator[Change]:
    for n, step in enumerate(table["steps"]):
        at = (*path, "steps", n)
        yield from _phrases(at, step, words)
        yield from _roles(at, step, words)
        yield from condition_changes((*at, "where"), step.get("where"))
        yield from (((*at, key), None) for key in ("together", "final") if step.get(key))
        yield at, None


def _route(path: Path, table: Table, words: Words) -> Iterator[Change]:
    yield from _phrases(path, table, words)
    for n, row in enumerate(table["rows"]):
        at = (*path, "rows", n)
        yield (*at, "to"), "another team"
        yield from condition_changes((*at, "where"), row.get("where"))
        if len(table["rows"]) > 1:
            yield at, None


def _limit(path: Path, table: Table, words: Words) -> Iterator[Change]:
    yield from _roles(path, table, words)
    yield from _dropped((*path, "tell"), table.get("tell"))
    yield from _dropped((*path, "pro_rata"), table.get("pro_rata"))
    for key in ("at_most", "at_least"):
        yield from _amounts((*path, key), table.get(key, {}))


def _event(path: Path, table: Table, words: Words) -> Iterator[Change]:
    yield from _texts((*path, "any"), table.get("any"), partial(word_changes, kin=words.kin))
    yield from _dropped((*path, "any"), table.get("any"))
    yield from _dropped((*path, "all"), table.get("all"))
    yield from condition_changes((*path, "where"), table.get("where"))
    yield from _amounts((*path, "different"), table.get("different", {}))
    yield from _dropped((*path, "within"), table.get("within"))
    yield from _texts((*path, "within"), table.get("within"), partial(phrase_changes, kin=words.kin))
    if "of" in table:
        yield from (((*path, "of"), other) for other in words.kin(table["of"]))
        least = table.get("at_least", 1)
        yield from (((*path, "at_least"), other) for other in (least - 1, least + 1) if other)


def _policy(path: Path, table: Table, words: Words) -> Iterator[Change]:
    yield from (((*path, "nation"), n) for n in ("scotland", "northern ireland") if n != table["nation"])
    yield (*path, "counts_first_day"), not table.get("counts_first_day", False)
    yield from _texts((*path, "remind"), table.get("remind"), partial(phrase_changes, kin=words.kin))
    yield from _dropped((*path, "remind"), table.get("remind"))
    if "hours" in table:
        opens, closes = (int(text[:2]) for text in table["hours"].split(" to "))
        for a, b in ((opens - 1, closes), (opens + 1, closes), (opens, closes - 1), (opens, closes + 1)):
            yield (*path, "hours"), f"{a:02d}:00 to {b:02d}:00"


def _reading(path: Path, table: Table, words: Words) -> Iterator[Change]:
    """Change the length that a reading gives to the rules that take it from there."""
    yield from _texts((*path, "value"), table.get("value"), partial(phrase_changes, kin=words.kin))


# ---- by kind of value


def _phrases(path: Path, table: Table, words: Words) -> Iterator[Change]:
    for key in (*PHRASES, "remind"):
        ways = ("",) if path[0] == "ladder" else WHICHES.get(key, EVERY)
        yield from _texts((*path, key), table.get(key), partial(phrase_changes, kin=words.kin, whiches=ways))
        yield from _dropped((*path, key), table.get(key))
    for key in WORDS:
        changed = _texts((*path, key), table.get(key), partial(word_changes, kin=words.kin))
        # Where so many are asked for, the 2nd of them is no less and no more.
        yield from (one for one in changed if not (key == "met_by" and _many(table) and str(one[1]).startswith("2nd ")))
        yield from _dropped((*path, key), table.get(key))


def _many(table: Table) -> bool:
    return any(TIMES.fullmatch(str(one.get("every", ""))) for one in (table, *table.get("phases", ())))


def _roles(path: Path, table: Table, words: Words) -> Iterator[Change]:
    """Put another role in the place of each, and take each of several away."""
    for key in ("owner", "who", "chair", "may_extend"):
        value = table.get(key)
        for n, role in enumerate(value if isinstance(value, list) else [value] if value else []):
            at = (*path, key, n) if isinstance(value, list) else (*path, key)
            yield at, next(other for other in words.roles if other != role)
        yield from _dropped((*path, key), value)


def _chosen(path: Path, table: Table) -> Iterator[Change]:
    for key, choices in CHOICES.items():
        said = table.get(key)
        if key == "force":
            if path[0] in ("standard", "rhythm") or (path[0] == "check" and "tell" in table):
                yield (*path, key), "required" if said == "guide" else "guide"
        elif said is not None or (key == "bank_holiday" and path[0] == "meeting"):
            yield from (((*path, key), choice) for choice in choices if choice != (said or "ask"))
            if key == "roll":
                yield (*path, key), None


def _amounts(path: Path, amounts: Mapping[str, int]) -> Iterator[Change]:
    for name, n in amounts.items():
        yield from (((*path, name), other) for other in (n - 1, n + 1) if other)
        yield ((*path, name), None) if len(amounts) > 1 else (path, None)


def _texts(path: Path, value: Any, change: Callable[[str], Iterator[str]]) -> Iterator[Change]:
    """Change each text of a text or a list of texts."""
    if isinstance(value, list):
        yield from (((*path, n), other) for n, text in enumerate(value) for other in change(text))
    elif value is not None:
        yield from ((path, other) for other in change(value))


def _dropped(path: Path, value: Any) -> Iterator[Change]:
    """Take each of several values away; a single one goes with its key, where a table can do without it."""
    if isinstance(value, list) and len(value) > 1:
        yield from (((*path, n), None) for n in range(len(value)))
    elif value is not None and path[-1] not in (*KEEPS, "any", "all"):
        yield path, None
