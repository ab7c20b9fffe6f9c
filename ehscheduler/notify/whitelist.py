"""The wall between a message and everything else: plain fields of our own records, tidied, and nothing more."""

import dataclasses
import types
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Any, TypeVar

from ehscheduler.notify import messages, sections
from ehscheduler.notify.messages import MessageRefused

FIELD_LENGTH = 400
_BIDI = {chr(code) for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))}
_INVISIBLE = frozenset("\u00ad\u200b\u2060\ufeff") | _BIDI
RECORDS: tuple[type, ...] = (
    messages.Addressee, messages.Imprint, messages.Line, messages.Step, messages.Alarm,
    messages.Digest, messages.Escalation, messages.Dispute, messages.Immediate, messages.Baseline, messages.Operator,
    messages.TeamWeek, messages.Weekly, sections.Group, sections.Section, sections.Week, sections.WeekSection,
)  # fmt: skip

Record = TypeVar("Record")


def whitelisted(record: Record) -> Record:
    """Give the same record with tidied text, or raise if anything but plain whitelisted fields is in it.

    A subclass, an extra attribute, a model object or a function is refused, however deep it lies.
    """
    return _whitelisted(record, type(record).__name__)  # type: ignore[no-any-return]


def whitelisted_context(context: Mapping[str, Any]) -> dict[str, Any]:
    """Give a template's context with each value whitelisted."""
    return {name: _whitelisted(value, name) for name, value in context.items()}


def _whitelisted(value: Any, place: str) -> Any:
    kind = type(value)
    if kind is str:
        return tidy(value)
    if kind in {int, bool, date, types.NoneType}:
        return value
    if kind is tuple:
        return tuple(_whitelisted(item, f"{place}[{at}]") for at, item in enumerate(value))
    if kind in RECORDS:
        fields = [field.name for field in dataclasses.fields(value)]
        return kind(**{name: _whitelisted(getattr(value, name), f"{place}.{name}") for name in fields})
    raise MessageRefused([f"{place} is a {kind.__name__}, and a message may hold only words, whole numbers and dates"])


def tidy(text: str) -> str:
    """Make text one printable line: NFC, no control, bidi or zero-width characters, at most 400 letters."""
    line = unicodedata.normalize("NFC", text)
    if not line.isprintable():  # what is printable has none of the characters that are looked for
        visible = "".join(letter for letter in line if letter not in _INVISIBLE)
        line = "".join(" " if _unprintable(letter) else letter for letter in visible)
    line = " ".join(line.split())
    return line if len(line) <= FIELD_LENGTH else line[: FIELD_LENGTH - 1] + "…"


def _unprintable(letter: str) -> bool:
    return unicodedata.category(letter) in {"Cc", "Cs", "Cn", "Co", "Zl", "Zp"}
