"""Read one sheet of an Excel workbook as rows of text, as a CSV file is read: strictly, and with a limit on everything.

Only the stored values are read, never a formula. A workbook is a zip file, so how large it would become is asked first.
"""

import zipfile
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from hashlib import sha256
from pathlib import Path
from typing import Any, NoReturn

from ehscheduler.intake.rows import MIB, BadRows, Problem, refuse

UNPACKED_LIMIT = 200 * MIB
PARTS_LIMIT = 5_000
ROW_LIMIT = 500_000
COLUMN_LIMIT = 200
HEADER_WITHIN = 20
"""The header is looked for in so many rows, as titles and notes often stand above it."""


class SheetRows:
    """The rows of one sheet whose header names the columns asked for; iterate once for (line, cells).

    `naming` says which column a header means. Attributes are as those of `Rows`. Raises InputRefused.
    """

    def __init__(
        self, path: Path, sheet: str, required: Sequence[str], optional: Sequence[str], naming: Callable[[str], str]
    ) -> None:
        self.path = path
        self.sheet = sheet
        self.name = f"{path.name} ({sheet})"
        self.required = tuple(required)
        self.wanted = (*required, *optional)
        self.naming = naming
        self.bad = BadRows(self.name)
        self.count = 0
        self.digest = ""
        self.ended_open = False

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        self.digest = sha256(self.path.read_bytes() + self.sheet.encode()).hexdigest()
        rows = _cells(self.path, self.sheet)
        order = self._header(rows)
        for line, cells in rows:
            if not any(cells):
                continue
            self.count += 1
            if self.count > ROW_LIMIT:
                refuse([Problem(self.name, line, f"has more than {ROW_LIMIT:,} rows; no such list is so long")])
            yield line, [cells[i] if 0 <= i < len(cells) else "" for i in order]

    def _header(self, rows: Iterator[tuple[int, list[str]]]) -> list[int]:
        for line, cells in rows:
            names = [self.naming(cell) for cell in cells]
            if all(name in names for name in self.required):
                return [names.index(name) if name in names else -1 for name in self.wanted]
            if line >= HEADER_WITHIN:
                break
        listed = ", ".join(self.required)
        text = f"no header is in the first {HEADER_WITHIN} rows; one row must name {listed}"
        return refuse([Problem(self.name, None, text)])


def sheets_of(path: Path) -> list[str]:
    """Name the sheets of a workbook. Raises InputRefused where it is none, or would become too large."""
    with _Opened(path) as book:
        return list(book.sheetnames)


def _cells(path: Path, sheet: str) -> Iterator[tuple[int, list[str]]]:
    with _Opened(path) as book:
        found = book[sheet]
        found.reset_dimensions()  # what a workbook says of its own size is often wrong
        for line, row in enumerate(found.iter_rows(max_col=COLUMN_LIMIT, values_only=True), 1):
            yield line, [_text(value) for value in row]


class _Opened:
    """A workbook that is open for reading; whatever is wrong with it is one sentence."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.book: Any = None

    def __enter__(self) -> Any:
        import openpyxl  # slow to import, and rarely wanted

        self._refuse_a_bomb()
        try:
            self.book = openpyxl.load_workbook(self.path, read_only=True, data_only=True, keep_links=False)
        except Exception as fault:  # the library raises what its parsers raise
            self._refuse(type(fault).__name__)
        return self.book

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, trace: object) -> None:
        if self.book is not None:
            self.book.close()
        if kind is not None and issubclass(kind, ValueError | KeyError | SyntaxError | zipfile.BadZipFile | OSError):
            self._refuse(kind.__name__)

    def _refuse_a_bomb(self) -> None:
        try:
            with zipfile.ZipFile(self.path) as packed:
                parts = packed.infolist()
        except (OSError, zipfile.BadZipFile, ValueError):
            self._refuse("no zip file")
        size = sum(part.file_size for part in parts)
        if len(parts) > PARTS_LIMIT or size > UNPACKED_LIMIT:
            most = f"{UNPACKED_LIMIT // MIB} MiB are read at most: give the lists alone"
            text = f"would unpack to {size:,} bytes in {len(parts):,} parts; {most}"
            refuse([Problem(self.path.name, None, text)])

    def _refuse(self, why: str) -> NoReturn:
        text = f"is no Excel workbook that can be read ({why}); open it in Excel and save it as .xlsx again"
        refuse([Problem(self.path.name, None, text)])


def _text(value: Any) -> str:
    """Write a cell as a CSV file would hold it; what Excel could not work out is blank."""
    if value is None or (isinstance(value, str) and value.startswith("#")):
        return ""
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
