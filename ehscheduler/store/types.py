"""How instants and JSON stand in a column: the same on SQLite and PostgreSQL."""

import json
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Text
from sqlalchemy.types import TypeDecorator

from ehscheduler.core.calendars import Span
from ehscheduler.core.events import Child


class Instant(TypeDecorator[datetime]):
    """An aware moment, stored as UTC and returned aware in UTC; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored; give an aware one")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A JSON value as text with sorted keys, so that equal values are equal text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else plain(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Words(TypeDecorator[tuple[str, ...]]):
    """A short list of words, as a JSON list; order is kept."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else plain(list(value))

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(json.loads(value))


def plain(value: Any) -> str:
    """Write a value as the JSON text that is stored; TypeError or ValueError for what JSON cannot say."""
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_as_read
    )


def _as_read(value: Any) -> Any:
    """Write a fact as its file gave it; `core.history.typed` reads it back."""
    match value:
        case date():
            return value.isoformat()
        case Span():
            return str(value)
        case Child():
            return {"ref": value.ref, "born": value.born}
    raise TypeError(f"{type(value).__name__} cannot be stored as JSON")
