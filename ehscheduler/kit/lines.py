"""Finds for a fault the line of the file that it speaks of, so that nobody has to look for it."""

import re
from collections.abc import Iterable
from pathlib import Path

_FILE = re.compile(r"(?P<file>[\w.-]+\.toml)(?P<table> \[\[[\w.-]+\]\] [\w.-]+| \[[\w.-]+\])?(?P<rest>.*)", re.DOTALL)
_HEADER = re.compile(r"\s*(\[\[?)\s*([^\]#]+?)\s*\]\]?\s*(#.*)?$")
_QUOTED = re.compile(r"'([^']+)'|\"([^\"]+)\"")
_BY_HAND = re.compile(r"(\w+) is (\S+) by hand")
_PLAIN = re.compile(r"\d{4}-\d\d-\d\d(?:T[\d:]+)?|[a-z][a-z0-9_-]{2,}")


def with_line(fault: str, package: Path) -> str:
    """Put the line into a fault that names one of the package's files; leave any other as it is."""
    found = _FILE.search(fault)
    if not found or "(at line " in fault or not (package / found["file"]).is_file():
        return fault
    lines = (package / found["file"]).read_text(encoding="utf-8").splitlines()
    at = _line(lines, (found["table"] or "").strip(), found["rest"])
    if not at:
        return fault
    end = found.end("file")
    return f"{fault[:end]} line {at}{fault[end:]}"


def _line(lines: list[str], table: str, rest: str) -> int:
    """Return the number of the line that is meant, from 1; 0 where nobody can tell."""
    block = _block(lines, table) if table else range(len(lines))
    if block is None:
        return 0
    if by_hand := _BY_HAND.search(rest):
        value = rf"\b{by_hand[1]}\s*=\s*[\"']?{re.escape(by_hand[2])}"
        if at := next((n + 1 for n in block if re.search(value, lines[n])), 0):
            return at
    key = re.match(r":? *'?([a-z_]+)\b", rest) if table else None
    return (
        _speaking_of(lines, block, (one or other for one, other in _QUOTED.findall(rest)), plain=bool(table))
        or (_starting(lines, block, key[1]) if key else 0)
        or _speaking_of(lines, block, _PLAIN.findall(rest), plain=bool(table))
        or (block.start + 1 if table else 0)
    )


def _speaking_of(lines: list[str], block: range, words: Iterable[str], *, plain: bool) -> int:
    """Return the first line that has the first of these words to be found: in quotes or, if `plain`, by itself."""
    for word in words:
        quoted = [n for n in block if f'"{word}"' in lines[n] or f"'{word}'" in lines[n]]
        whole = [n for n in block if plain and re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", lines[n])]
        if found := quoted or whole:
            return found[0] + 1
    return 0


def _block(lines: list[str], table: str) -> range | None:
    """Return the lines of a table: "[standard.call]", or "[[example]] 3" by its place or its id."""
    head, _, which = table.partition("] ") if table.startswith("[[") else (table, "", "")
    name = head.strip("[] ")
    heads = [(n, found[1], found[2].replace(" ", "")) for n, line in enumerate(lines) if (found := _HEADER.match(line))]
    starts = [n for n, brackets, title in heads if title == name and len(brackets) == (2 if which else 1)]
    if not starts and name.count(".") == 1:  # a table that is written in braces, or by way of a key of its own
        starts = [n for n, _, title in heads if title.startswith(f"{name}.")]
    if not starts:
        return None
    ends = [n for n, _, title in heads if not title.startswith(f"{name}.")] + [len(lines)]
    blocks = [range(start, next(end for end in ends if end > start)) for start in starts]
    if not which:
        return blocks[0]
    named = [one for one in blocks if any(re.match(rf'\s*id\s*=\s*"?{re.escape(which)}"?\s*$', lines[n]) for n in one)]
    if named:
        return named[0]
    return blocks[int(which) - 1] if which.isdigit() and 0 < int(which) <= len(blocks) else None


def _starting(lines: list[str], block: range, key: str) -> int:
    return next((n + 1 for n in block if re.match(rf"\s*{re.escape(key)}\s*[=.]", lines[n])), 0)
