"""Every mutant of a policy is refused by the reader, killed by a worked case, or named as equivalent with the reason.

In `equivalent.toml` beside the policy, for mutants that no case can ever tell apart from the policy:

    [[equivalent]]
    mutants = ["standard.plan.met_by.0 = 'plan_made'"]
    because = "that word means either of the two"
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from ehscheduler.core.calendars import Calendar
from ehscheduler.core.policy import Policy
from ehscheduler.core.reading import read_again, read_tables
from ehscheduler.core.vocabulary import BUILT_IN_ROLES
from ehscheduler.errors import EhsError, PolicyRefused
from ehscheduler.kit.changes import Mutant, Path, Words, mutants
from ehscheduler.kit.hints import hint
from ehscheduler.kit.plugin import Plugin, Tables
from ehscheduler.kit.worked import Worked
from ehscheduler.policy_files import bank_holidays, calendar_for

FILE = "equivalent.toml"
KINDS = ("event", "standard", "rhythm", "check", "meeting", "ladder", "limit", "route", "reading")
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class Killing:
    """The mutants of one plugin's policy, and the worked cases that may kill them."""

    def __init__(self, plugin: Plugin) -> None:
        self.plugin = plugin
        self.tables = plugin.tables
        self.uses = {(kind, id_): frozenset(_names(t)) for kind in KINDS for id_, t in self._of(kind).items()}
        declared = (role for role, value in plugin.tables.get("roles", {}).items() if isinstance(value, str))
        self.words = Words(self.kin, tuple(dict.fromkeys([*declared, *BUILT_IN_ROLES])))
        self._calendars: dict[object, Calendar] = {}

    def _of(self, kind: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.tables.get(kind, {})
        return found

    def kin(self, word: str) -> tuple[str, ...]:
        """Return the words that a word is made of, those made of it, and one that has nothing to do with it."""
        policy = self.plugin.policy
        parts = policy.words[word].parts if word in policy.words else ()
        wholes = [other for other, meaning in policy.words.items() if word in meaning.parts]
        stranger = "referral_received" if word == "allocation" else "allocation"
        return tuple(dict.fromkeys([*(p for p in parts if p in policy.words), *wholes, stranger]))

    def named(self) -> list[str]:
        """Return the name of every table that has mutants: policy, standard.eha, event.direct_contact."""
        changed = [f"{kind}.{id_}" for kind in KINDS for id_ in self._of(kind) if self._any((kind, id_))]
        return ["policy", *changed]

    def _any(self, path: tuple[str, str]) -> bool:
        return next(mutants(path, self.tables[path[0]][path[1]], self.words), None) is not None

    def of(self, name: str) -> Iterator[Mutant]:
        """Yield every mutant of a table."""
        path: Path = tuple(name.split(".", 1))
        yield from mutants(path, _at(self.tables, path), self.words)

    def touching(self, name: str) -> list[Worked]:
        """Return the worked cases that a change of this table can reach, the nearest first."""
        id_ = name.partition(".")[2]
        if name == "policy":
            return self.plugin.worked
        reached, ahead = {id_}, {id_}
        while ahead:
            ahead = {other for (_, other), used in self.uses.items() if used & ahead} - reached
            reached |= ahead
        found = [one for one in self.plugin.worked if one.touches & reached]
        return sorted(found, key=lambda one: one.rule != id_)

    def mutated(self, mutant: Mutant) -> Policy | None:
        """Return the policy with one thing changed, or None where the reader refuses it."""
        own = self.plugin.policy
        changed = _changed(self.tables, mutant.path, mutant.value)
        try:
            if mutant.table == "policy":
                return read_tables(changed, "", own.file, own.hooks)
            kind, id_ = map(str, mutant.path[:2])
            return read_again(own, kind, id_, changed[kind][id_])
        except PolicyRefused:
            return None

    def killer(self, policy: Policy, among: Iterable[Worked]) -> Worked | None:
        """Return the first worked case that comes out otherwise under a policy."""
        calendar = self._calendar(policy)
        for worked in among:
            try:
                if worked.wrong(policy, calendar):
                    return worked
            except EhsError:
                return worked
        return None

    def _calendar(self, policy: Policy) -> Calendar:
        own = self.plugin.policy
        if (policy.nation, policy.hours) == (own.nation, own.hours):
            return self.plugin.calendar
        key = (policy.nation, policy.hours)
        if key not in self._calendars:
            holidays = bank_holidays(own.nation)
            closed = {day: name for day, name in self.plugin.calendar.days_off.items() if day not in holidays}
            made = calendar_for(replace(own, nation=policy.nation, hours=policy.hours), closed)
            self._calendars[key] = made.with_sittings(self.plugin.calendar.sittings)
        return self._calendars[key]

    def tried(self, name: str, beat: Callable[[], None] = lambda: None) -> "Tried":
        """Try every mutant of a table: the reader refuses it, a worked case tells it from the policy, or it lives."""
        cases, found = self.touching(name), Tried()
        for mutant in self.of(name):
            beat()
            policy = self.mutated(mutant)
            if policy is None:
                found.refused += 1
            elif self.killer(policy, cases) is None:
                found.living.append(mutant)
            else:
                found.told += 1
        return found


@dataclass
class Tried:
    """What became of the mutants of one table: how many were refused or told, and which live."""

    refused: int = 0
    told: int = 0
    living: list[Mutant] = field(default_factory=list)


@cache
def killing(plugin: Plugin) -> Killing:
    return Killing(plugin)


def tables_with_mutants(plugin: Plugin) -> list[str]:
    """Return the name of every table that can be changed, as the file heads it."""
    return killing(plugin).named()


def mutant_faults(plugin: Plugin, table: str) -> list[str]:
    """Say which mutants of a table live without being named as equivalent, and which named ones do not live."""
    tried = killing(plugin).tried(table)
    return [*living_faults(plugin, table, tried), *stale_faults(plugin, table, tried)]


def living_faults(plugin: Plugin, table: str, tried: Tried) -> list[str]:
    """Say which mutants of a table live without being named as equivalent, by what a case needs that tells them."""
    wanted: dict[str, list[str]] = {}
    for mutant in unnamed(plugin, tried):
        above, last = _at(plugin.tables, mutant.path[:-1]), mutant.path[-1]
        old = above.get(last) if isinstance(above, Mapping) else above[last]
        wanted.setdefault(hint(mutant, old), []).append(mutant.name)
    at = f"{plugin.policy.file} [{table}]"
    return [f"{at}: no worked case tells {'; '.join(sorted(names))}: {want}" for want, names in wanted.items()]


def unnamed(plugin: Plugin, tried: Tried) -> list[Mutant]:
    """Return the mutants that live and are not named as equivalent."""
    named = equivalents(plugin)
    return [mutant for mutant in tried.living if mutant.name not in named]


def stale_faults(plugin: Plugin, table: str, tried: Tried) -> list[str]:
    """Say which mutants of a table are named as equivalent and do not live."""
    alive = {mutant.name for mutant in tried.living}
    stale = sorted(name for name in equivalents(plugin) if table_of(name) == table and name not in alive)
    return [f"{FILE}: {name}: is no living mutant; take it out" for name in stale]


def equivalent_faults(plugin: Plugin) -> list[str]:
    """Say which mutants are named without a reason, or in a table that the policy does not have."""
    known = killing(plugin).named()
    return [
        f"{FILE}: {name}: {'has no reason' if not because.strip() else 'is of no such table'}"
        for name, because in equivalents(plugin).items()
        if not because.strip() or table_of(name) not in known
    ]


def equivalents(plugin: Plugin) -> dict[str, str]:
    """Return the mutants that no case can tell apart from the policy, and why."""
    path = plugin.package / FILE
    listed = plugin.read(path).get("equivalent", []) if path.exists() else []
    try:
        return {name: str(one.get("because", "")) for one in listed for name in one["mutants"]}
    except (AttributeError, KeyError, TypeError):
        raise PolicyRefused(
            [f'{FILE}: write [[equivalent]] tables with mutants = ["..."] and because = "..."']
        ) from None


def table_of(name: str) -> str:
    kind, _, rest = name.partition(".")
    return "policy" if kind == "policy" else f"{kind}.{re.split(r'[. ]', rest)[0]}"


def _at(tables: Any, path: Path) -> Any:
    for step in path:
        tables = tables[step]
    return tables


def _changed(tables: Any, path: Path, value: Any) -> Any:
    """Return tables with one place changed, sharing all the rest."""
    first, *rest = path
    made: Any = dict(tables) if isinstance(tables, Mapping) else list(tables)
    if rest:
        made[first] = _changed(tables[first], tuple(rest), value)
    elif value is None:
        del made[first]
    else:
        made[first] = value
    return made


def _names(table: Tables) -> Iterator[str]:
    """Yield every name that a table's meaning rests on."""
    for key, value in table.items():
        if key in ("title", "clause", "reading"):
            continue
        if key == "happened":
            yield from value
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, str):
                yield from _NAME.findall(part)
            elif isinstance(part, dict):
                yield from _names(part)
