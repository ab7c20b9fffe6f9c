"""What is odd about a file and yet readable: one sentence a kind, with how many rows and where the first ones are."""

import re

_SHOWN = 5
_STARTS = frozenset("=@+-\t\r")
_FORMULA = re.compile(r"[=@\t\r]|[+-](?![\d\s().-]+$)")


class Notes:
    """Gathers warnings by kind; a kind never holds what a row says."""

    def __init__(self, file: str) -> None:
        self.file = file
        self._lines: dict[str, list[int]] = {}
        self._counts: dict[str, int] = {}

    def add(self, kind: str, line: int) -> None:
        """Note one row of this kind; the lowest line numbers are kept, whatever the order."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        lines = self._lines.setdefault(kind, [])
        lines.append(line)
        if len(lines) > 4 * _SHOWN:
            lines.sort()
            del lines[_SHOWN:]

    def sentences(self) -> list[str]:
        """Return one sentence a kind, in the order of the alphabet."""
        return [self._sentence(kind) for kind in sorted(self._counts)]

    def _sentence(self, kind: str) -> str:
        count, lines = self._counts[kind], sorted(self._lines[kind])[:_SHOWN]
        where = ", ".join(map(str, lines)) + (" and more" if count > len(lines) else "")
        rows = "1 row" if count == 1 else f"{count:,} rows"
        return f"{self.file}: {kind} ({rows}: line{'s' if count > 1 else ''} {where})"


def looks_like_a_formula(text: str) -> bool:
    """Tell whether a spreadsheet would run this text; a telephone number that begins with + is none."""
    return text[:1] in _STARTS and bool(_FORMULA.match(text))
