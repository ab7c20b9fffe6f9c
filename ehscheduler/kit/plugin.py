"""One plugin as the kit sees it: its folder, its files as tables, its policy, and its worked cases."""

import tomllib
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ehscheduler.core.calendars import Calendar
from ehscheduler.core.examples import read_examples
from ehscheduler.core.policy import Policy
from ehscheduler.errors import PolicyRefused
from ehscheduler.kit.sittings import Sitting
from ehscheduler.kit.worked import Counted, Worked, Workload, read_routed
from ehscheduler.plugins import Authority, load

SHAPES = ("standard", "rhythm", "check", "meeting", "ladder", "limit", "route")
"""The tables of a policy that can hold a row of the rule list."""

Tables = dict[str, Any]


class Plugin:
    """An authority's plugin: the package with its policy, and beside it the README and the tests."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.name = authority.name
        self.package = authority.folder
        self.root = authority.folder.parent
        self.tests = self.root / "tests"

    @property
    def policy(self) -> Policy:
        return self.authority.policy

    @property
    def calendar(self) -> Calendar:
        return self.authority.calendar

    @cached_property
    def tables(self) -> Tables:
        """The policy file's tables as they are written."""
        return self.read(self.package / self.policy.file)

    @property
    def rules(self) -> dict[str, Tables]:
        """Every table that can hold a row of the rule list, by its id."""
        return dict(self.shapes())

    def shapes(self) -> Iterator[tuple[str, Tables]]:
        """Yield each of these tables with its id; a ladder may have that of the rule that it is for."""
        return ((id_, table) for shape in SHAPES for id_, table in self.tables.get(shape, {}).items())

    @cached_property
    def coverage(self) -> list[Tables]:
        rows: list[Tables] = self.read(self.package / "coverage.toml")["rows"]
        return rows

    @cached_property
    def rule_list(self) -> Tables:
        """The rule list as data: the ids of its `rows`, and the rules that it calls `timed`."""
        return self.read(self.tests / "rule_list.toml")

    @cached_property
    def worked(self) -> list[Worked]:
        """Every worked case of examples.toml, read once."""
        return list(self._worked())

    def _worked(self) -> Iterator[Worked]:
        path = self.package / "examples.toml"
        raw = self.read(path)
        examples = read_examples(path.read_text(encoding="utf-8"), path.name, self.policy)
        for example, table in zip(examples, raw["example"], strict=True):
            yield Counted(example, table)
        for n, table in enumerate(raw.get("routed", ()), 1):
            yield read_routed(f"{path.name} [[routed]] {n}", table, self.policy)
        for n, table in enumerate(raw.get("workload", ()), 1):
            yield Workload(f"{path.name} [[workload]] {n}", table)
        for n, table in enumerate(raw.get("sitting", ()), 1):
            yield Sitting(f"{path.name} [[sitting]] {n}", table)

    def read(self, path: Path) -> Tables:
        """Read one TOML file of the plugin; every fault names it."""
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise PolicyRefused([f"{path}: there is no such file, and the proofs of {self.name} need it"]) from None
        except (OSError, ValueError) as error:
            raise PolicyRefused([f"{path}: cannot be read: {error}"]) from None


@cache
def plugin(name: str) -> Plugin:
    """Load an installed authority's plugin; raise PolicyRefused with every fault."""
    return Plugin(load(name))
