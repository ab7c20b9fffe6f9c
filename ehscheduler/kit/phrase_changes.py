"""What can be changed in a phrase: its number, its unit, the kind of day, the manner, the occurrence, and the word."""

import re
from collections.abc import Callable, Iterator

UNITS = {
    "working day": ("day",),
    "day": ("working day", "week"),
    "week": ("day", "month"),
    "month": ("week", "year"),
    "year": ("month",),
    "hour": ("day", "office hour"),
    "office hour": ("hour",),
}
SPAN = re.compile(r"(\d+) (working day|day|week|month|year|office hour|hour)s?")
ANCHOR = re.compile(
    r"(?:^|(?<= after )|(?<= as )|(?<= of ))(each |latest |\d+(?:st|nd|rd|th) )?([a-z][a-z0-9_-]*)( overdue)?$"
)
MANNERS = {
    "no set time after ": ("same day as ",),
    "same day as ": ("no set time after ",),
    "at once after ": ("same day as ", "no set time after "),
    "before ": ("by ",),
    "by ": ("before ",),
}
WHICHES = ("", "each ", "latest ", "2nd ")
ORDINAL = re.compile(r"(\d+)(?:st|nd|rd|th)\b")
TIMES = re.compile(r"(\d+) times a (week|month)")

Kin = Callable[[str], tuple[str, ...]]
"""Gives the words that could stand in for a word by mistake."""


def phrase_changes(text: str, kin: Kin, *, whiches: tuple[str, ...] = WHICHES) -> Iterator[str]:
    """Yield every near miss of a phrase with a length, a manner or an anchor."""
    seen = {text}
    for other in (*_spans(text), *_times(text), *_manners(text), *_ordinals(text), *_anchors(text, kin, whiches)):
        if other not in seen:
            seen.add(other)
            yield other


def word_changes(text: str, kin: Kin) -> Iterator[str]:
    """Yield every near miss of an evidence word: another word, another number of times."""
    yield from phrase_changes(text, kin, whiches=("", "2nd "))


def ordinal(n: int) -> str:
    """Write 2 as 2nd."""
    suffix = "th" if n % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(n % 10, "th")
    return f"{n}{suffix}"


def _spans(text: str) -> Iterator[str]:
    found = SPAN.match(text.removeprefix("within "))
    if not found:
        return
    head = "within " if text.startswith("within ") else ""
    n, unit, rest = int(found[1]), found[2], text.removeprefix("within ")[found.end() :]
    yield from (f"{head}{other} {unit}s{rest}" for other in (n - 1, n + 1) if other)
    yield from (f"{head}{n} {other}s{rest}" for other in UNITS[unit])
    if unit == "week":
        yield f"{head}{5 * n} working days{rest}"
    if rest.startswith(" before "):
        yield f"by{rest.removeprefix(' before')}"


def _times(text: str) -> Iterator[str]:
    if found := TIMES.fullmatch(text):
        n, per = int(found[1]), found[2]
        yield from (f"{other} times a {per}" for other in (n - 1, n + 1) if other)
        yield f"{n} times a {'month' if per == 'week' else 'week'}"


def _manners(text: str) -> Iterator[str]:
    for manner, others in MANNERS.items():
        if text.startswith(manner):
            yield from (other + text.removeprefix(manner) for other in others)


def _ordinals(text: str) -> Iterator[str]:
    for found in ORDINAL.finditer(text):
        n = int(found[1])
        yield from (
            f"{text[: found.start()]}{ordinal(other)}{text[found.end() :]}" for other in (n - 1, n + 1) if other
        )


def _anchors(text: str, kin: Kin, whiches: tuple[str, ...]) -> Iterator[str]:
    found = ANCHOR.search(text)
    if not found or " birthday" in text or " case " in f" {text}":
        return
    head, which, word, over = text[: found.start()], found[1] or "", found[2], found[3] or ""
    if not over:
        yield from (f"{head}{which}{other}" for other in kin(word))
    yield from (f"{head}{other}{word}{over}" for other in whiches if other != which)
