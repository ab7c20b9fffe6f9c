"""One plugin as the kit sees it: its folder, its files as tables, its policy, and its worked cases."""

import tomllib
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from ehscheduler.core.calendars import Calendar
from ehscheduler.core.examples import read_examples
from ehscheduler.core.policy import Policy
from ehscheduler.errors import InputRefused, PolicyRefused
from ehscheduler.kit.forms import coverage_form, worked_forms
from ehscheduler.kit.local import is_folder, local, root_of
from ehscheduler.kit.sittings import Sitting
from ehscheduler.kit.worked import Counted, Worked, Workload, read_routed
from ehscheduler.plugins import Authority, load
from ehscheduler.policy_files import toml_remedy

SHAPES = ("standard", "rhythm", "check", "meeting", "ladder", "limit", "route")
"""The tables of a policy that can hold a row of the rule list."""

Tables = dict[str, Any]


class Plugin:
    """An authority's plugin: the package with its policy, and beside it the README and the tests.

    An installed wheel has the package alone: then `root` is None. `called` is the plugin as its author named it.
    """

    def __init__(self, authority: Authority, called: str = "") -> None:
        self.authority = authority
        self.name = authority.name
        self.called = called or authority.name
        self.package = authority.folder
        self.root = root_of(authority.folder)

    @property
    def tests(self) -> Path | None:
        return self.root / "tests" if self.root else None

    @property
    def policy(self) -> Policy:
        return self.authority.policy

    @property
    def calendar(self) -> Calendar:
        return self.authority.calendar

    @property
    def remedy(self) -> str:
        """Say how the files are renewed that are made from the others."""
        return f"run: ehscheduler plugin test {self.called} --write"

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

    def place(self, id_: str) -> str:
        """Say where a rule stands in the policy file."""
        shape = next((shape for shape in SHAPES if id_ in self.tables.get(shape, {})), "")
        return f"{self.policy.file} [{shape}.{id_}]" if shape else self.policy.file

    @cached_property
    def coverage(self) -> list[Tables]:
        """The rows of coverage.toml, each with its row, clause and letter."""
        path = self.package / "coverage.toml"
        raw = self.read(path)
        if faults := list(coverage_form(raw, path.name)):
            raise PolicyRefused(faults)
        rows: list[Tables] = raw["rows"]
        return rows

    @cached_property
    def rule_list(self) -> Tables | None:
        """The rule list as data, where there is one: the ids of its `rows`, and the rules that it calls `timed`."""
        path = self.tests / "rule_list.toml" if self.tests else None
        return self.read(path) if path and path.exists() else None

    @cached_property
    def worked(self) -> list[Worked]:
        """Every worked case of examples.toml, read once."""
        path = self.package / "examples.toml"
        raw = self.read(path)
        if faults := list(worked_forms(raw, path.name, self.policy)):
            raise PolicyRefused(faults)
        return list(self._worked(path, raw))

    def _worked(self, path: Path, raw: Tables) -> Iterator[Worked]:
        examples = read_examples(path.read_text(encoding="utf-8"), path.name, self.policy)
        for example, table in zip(examples, raw.get("example", ()), strict=True):
            yield Counted(example, table)
        for n, table in enumerate(raw.get("routed", ()), 1):
            place = f"{path.name} [[routed]] {n}"
            try:
                yield read_routed(place, table, self.policy)
            except (InputRefused, ValueError) as error:
                raise PolicyRefused([f"{place}: {line}" for line in str(error).splitlines()]) from None
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
        except tomllib.TOMLDecodeError as error:
            remedy = toml_remedy(str(error)) or "; mend that line"
            raise PolicyRefused([f"{path.name}: is not TOML: {error}{remedy}"]) from None
        except (OSError, ValueError) as error:
            raise PolicyRefused([f"{path}: cannot be read as UTF-8 text: {error}"]) from None


@cache
def plugin(which: str | Path) -> Plugin:
    """Load a plugin by its folder, or an installed authority's by its name; raise PolicyRefused with every fault."""
    if isinstance(which, Path) or is_folder(which):
        return Plugin(local(Path(which)), str(which))
    return Plugin(load(which))
