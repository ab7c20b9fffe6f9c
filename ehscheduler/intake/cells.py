"""Read one cell strictly: ids, codes, dates and JSON. What is wrong is a sentence that never holds the cell."""

import json
import re
import unicodedata
from collections.abc import Collection
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from ehscheduler.core.events import read_moment
from ehscheduler.core.vocabulary import nearest

ID_LIMIT = 200
TEXT_LIMIT = 1_000
DEPTH_LIMIT = 32
YEARS = range(1900, 2201)

Instant = tuple[datetime, bool, date]
"""A moment in UTC, whether only its date is known, and its London day."""

CODE = re.compile(r"[a-z][a-z0-9_]{0,60}")


def clean(cell: str) -> str:
    """Take the surrounding blanks off a cell, and write its letters in one way (NFC)."""
    cell = cell.strip()
    return cell if cell.isascii() else unicodedata.normalize("NFC", cell).strip("\ufeff")


def clean_all(cells: list[str]) -> list[str]:
    """Clean every cell of a row; nearly all rows are plain letters, and want no second look."""
    if "".join(cells).isascii():
        return [cell.strip() for cell in cells]
    return [clean(cell) for cell in cells]


def check_text(text: str) -> None:
    """Raise ValueError where a text is too long, or holds what no one can see."""
    if len(text) > TEXT_LIMIT:
        raise ValueError(f"is longer than {TEXT_LIMIT:,} characters")
    if not text.isprintable():
        raise ValueError("holds a control, invisible or unusual blank character; type it again")


def id_faults(column: str, text: str) -> list[str]:
    """Say what is wrong with a reference or an id."""
    if not text:
        return [f"{column} is empty; fill it in"]
    if len(text) > ID_LIMIT:
        return [f"{column} is longer than {ID_LIMIT} characters"]
    if not text.isprintable():
        return [f"{column} holds a control, invisible or unusual blank character; type it again"]
    return []


def word_faults(column: str, word: str, words: Collection[str]) -> list[str]:
    """Say what is wrong with a code; it is echoed only where it looks like one."""
    if not word:
        return [f"{column} is empty; fill it in"]
    if word in words:
        return []
    shown = f" {word!r}" if CODE.fullmatch(word) else ""
    return [f"no {column}{shown} is known{nearest(word.lower().replace(' ', '_')[:80], sorted(words))}"]


def read_instant(text: str) -> Instant:
    """Read a date or an instant as the core does: (moment, dated, day). Raises ValueError."""
    found = read_moment(text)
    if found[2].year not in YEARS:
        raise ValueError("has a year that cannot be right")
    return found


def instant_faults(column: str, text: str) -> list[str]:
    """Say what is wrong with a date or an instant, and what it looks like instead."""
    if not text:
        return [f"{column} is empty; write a date (2026-03-02) or an instant (2026-03-02T10:00:00+00:00)"]
    try:
        read_instant(text)
    except ArithmeticError:
        return [f"{column} has a year that cannot be right"]
    except ValueError as fault:
        return [f"{column} {date_fault(text) or str(fault).removeprefix(repr(text)).strip()}"]
    return []


_DATE_SHAPES = (
    (r"\d{5}(\.\d+)?", "is a day number of Excel; format the column as a date and write it as 2026-03-02"),
    (r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2}( .*)?", "has a year of two digits; write it as 2026-03-02"),
    (r"\d{1,2}[/.-]\d{1,2}[/.-]\d{4}([ T].*)?", "has the day or the month first; write it as 2026-03-02"),
)


def date_fault(text: str) -> str | None:
    """Say what a text that is no ISO date looks like, or None."""
    return next((fault for shape, fault in _DATE_SHAPES if re.fullmatch(shape, text, re.ASCII)), None)


# ---- JSON


def read_detail(text: str) -> dict[str, Any]:
    """Read a JSON object strictly: no key twice, no NaN, nothing too deep. Raises ValueError."""
    # Most details are short and alike, so short ones are kept; a long one is not worth the memory.
    return _read_short_detail(text) if len(text) <= 200 else _read_detail(text)


def _read_detail(text: str) -> dict[str, Any]:
    detail = parse_json(text)
    if not isinstance(detail, dict):
        raise ValueError('is not a JSON object such as {"method": "phone"}')
    return detail


_read_short_detail = lru_cache(maxsize=50_000)(_read_detail)


def parse_json(text: str) -> Any:
    """Parse JSON strictly. Raises ValueError with what is wrong."""
    if text.count("{") + text.count("[") > DEPTH_LIMIT and _depth(text) > DEPTH_LIMIT:
        raise ValueError(f"is nested deeper than {DEPTH_LIMIT} levels")
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as fault:
        raise ValueError(f"is not JSON (at character {fault.pos + 1})") from None
    if "\\u" in text:
        _check_escapes(value)
    return value


def _depth(text: str) -> int:
    depth = deepest = 0
    for mark in re.findall(r"[{\[\]}]", re.sub(r'"(?:[^"\\]|\\.)*"', "", text)):
        depth += 1 if mark in "{[" else -1
        deepest = max(deepest, depth)
    return deepest


def _check_escapes(value: Any) -> None:
    written = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in written:
        raise ValueError("holds a NUL character")
    try:
        written.encode()
    except UnicodeEncodeError:
        raise ValueError("holds half of a character") from None


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("names a key twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"holds {name}, which is not JSON")


def _real(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("holds a number that is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > 18:
        raise ValueError("holds a number that is too large")
    return int(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_no_twins, parse_constant=_no_constant, parse_float=_real, parse_int=_whole
)
