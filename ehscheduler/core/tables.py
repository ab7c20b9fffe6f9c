"""One table of a policy file: hands out its keys, checks their types, and notes what is wrong and where."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import PhraseFault

T = TypeVar("T")
_ID = re.compile(r"[a-z][a-z0-9_-]*")


class Table:
    """One table of the file: hands out its keys, checks their types, and notes what is wrong and where."""

    def __init__(self, where: str, raw: Any, faults: list[str]) -> None:
        self.where = where
        self.faults = faults
        self.raw: dict[str, Any] = raw if isinstance(raw, dict) else {}
        self.taken: set[str] = set()
        if not isinstance(raw, dict):
            self.fault("is not a table")

    def fault(self, sentence: str) -> None:
        self.faults.append(f"{self.where}: {sentence}")

    def _take(self, key: str, required: bool) -> Any:
        self.taken.add(key)
        if key not in self.raw and required:
            self.fault(f"has no {key!r}, which every such table needs")
        return self.raw.get(key)

    def text(self, key: str, *, required: bool = False, default: str = "") -> str:
        value = self._take(key, required)
        if value is None:
            return default
        if not isinstance(value, str) or not value.strip():
            self.fault(f"{key} must be text in quotes")
            return default
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Take a text or a list of texts."""
        value = self._take(key, required)
        if value is None:
            return ()
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(v, str) and v.strip() for v in values):
            self.fault(f"{key} must be text in quotes, or a list of such texts")
            return ()
        return tuple(values)

    def flag(self, key: str) -> bool:
        value = self._take(key, False)
        if value is not None and not isinstance(value, bool):
            self.fault(f"{key} must be true or false")
        return value is True

    def number(self, key: str, default: int) -> int:
        value = self._take(key, False)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self.fault(f"{key} must be a whole number from 1")
            return default
        return value

    def day(self, key: str, *, required: bool = False) -> date | None:
        value = self._take(key, required)
        if value is not None and type(value) is not date:
            self.fault(f"{key} must be a date without quotes, such as 2026-03-02")
            return None
        return value

    def choice(self, key: str, allowed: tuple[str, ...], default: str = "", *, required: bool = False) -> str:
        value = self.text(key, required=required, default=default)
        if value and value not in allowed:
            self.fault(f"{key} = {value!r} is none of {', '.join(allowed)}{nearest(value, allowed)}")
            return default
        return value

    def phrase(self, key: str, read: Callable[[str], T], *, required: bool = False) -> tuple[T, ...]:
        """Take a phrase or a list of phrases, each read by `read`."""
        return tuple(p for text in self.texts(key, required=required) if (p := self.read(key, text, read)) is not None)

    def read(self, key: str, text: str, read: Callable[[str], T]) -> T | None:
        try:
            return read(text)
        except PhraseFault as fault:
            self.fault(f"{key}: {fault}")
            return None

    def inner(self, key: str) -> Mapping[str, Any]:
        value = self._take(key, False)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fault(f"{key} must be a table in braces")
            return {}
        return value

    def tables(self, key: str, *, required: bool = False) -> list["Table"]:
        value = self._take(key, required)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(f"{key} must be a list of tables")
            return []
        return [Table(f"{self.where} {key} {n}", raw, self.faults) for n, raw in enumerate(value, 1)]

    def done(self) -> None:
        """Report the keys that nobody asked for."""
        for key in self.raw:
            if key not in self.taken:
                self.fault(f"no key {key!r}{nearest(key, sorted(self.taken))}")


class Named(Table):
    """A table that stands for one thing of the policy, by its id."""

    where_id: str


def each_table(raw: Mapping[str, Any], kind: str, file: str, faults: list[str]) -> list[Named]:
    """Return the tables of one kind, each with its id."""
    tables = raw.get(kind, {})
    if not isinstance(tables, dict):
        faults.append(f"{file} [{kind}]: write [{kind}.NAME] tables")
        return []
    made = []
    for name, inner in tables.items():
        table = Named(f"{file} [{kind}.{name}]", inner, faults)
        table.where_id = name
        if not _ID.fullmatch(name):
            table.fault("a name has small letters, digits, '-' and '_', and begins with a letter")
        made.append(table)
    return made
