"""Read a CSV file strictly: every fault is a sentence with its place and remedy, and no cell is ever echoed.

A structural fault (encoding, truncation, quotation marks, header) refuses the file. A row of the wrong width is a
bad row: it is noted, and the caller decides whether one is too many.
"""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any, BinaryIO, NoReturn

from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import InputRefused

MIB = 1024 * 1024
SIZE_LIMIT = 200 * MIB
CELL_LIMIT = 131_072
LINE_LIMIT = 4 * MIB
HEADER_LIMIT = 500
REPORT_EVERY = 2_000
LISTED = 1_000
"""How many bad rows of a file are listed one by one."""

Progress = Callable[[int, int], None]
"""Called now and then with the rows done and an estimate of the rows in all."""

_SIGNATURES = (
    (codecs.BOM_UTF32_LE, "is UTF-32 text"),
    (codecs.BOM_UTF32_BE, "is UTF-32 text"),
    (codecs.BOM_UTF16_LE, "is UTF-16 text (what Excel calls Unicode Text)"),
    (codecs.BOM_UTF16_BE, "is UTF-16 text"),
    (b"PK\x03\x04", "is an Excel workbook or a zip file"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook"),
    (b"%PDF", "is a PDF"),
    (b"\x1f\x8b", "is compressed with gzip"),
    (b"SQLite format 3\x00", "is a SQLite database"),
)
_SAVE_AS = "save it as 'CSV UTF-8 (comma delimited)' and give that file"
_HEADER_SHAPE = re.compile(r"[\w .,:;/()&?#%+*'\"-]{1,60}")
_SPACES = " \t\r\n\u00a0\u2007\u202f\ufeff"


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault: where it is and what to do about it; never what the row held."""

    file: str
    line: int | None
    text: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}, line {self.line}"
        return f"{place}: {self.text}"


class BadRows:
    """The bad rows of one file: how many, and what is wrong with the first ones."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.count = 0
        self._listed: list[Problem] = []

    def add(self, line: int, *texts: str) -> None:
        """Note one bad row and all that is wrong with it."""
        self.count += 1
        if self.count <= LISTED:
            self._listed.extend(Problem(self.file, line, text) for text in texts)

    @property
    def full(self) -> bool:
        """Whether the next bad row would only be counted, so that nobody need find words for it."""
        return self.count >= LISTED

    @property
    def listed(self) -> tuple[Problem, ...]:
        """What is wrong, by line, for the first rows that were found bad."""
        return tuple(sorted(self._listed, key=lambda problem: problem.line or 0))

    def sentences(self) -> list[Problem]:
        """Return what is listed, and how many rows more there are."""
        more = self.count - LISTED
        rest = [Problem(self.file, None, f"and {more:,} bad rows more, not listed")] if more > 0 else []
        return [*self.listed, *rest]


def refuse(problems: Sequence[Problem]) -> NoReturn:
    """Raise InputRefused with every problem as a sentence."""
    raise InputRefused([str(problem) for problem in problems])


class _Counted(io.RawIOBase):
    """A file that takes its own digest as it is read."""

    def __init__(self, raw: BinaryIO) -> None:
        self.raw = raw
        self.seen = 0
        self.digest = sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        block = self.raw.read(len(view))
        view[: len(block)] = block
        self.seen += len(block)
        self.digest.update(block)
        return len(block)


class Rows:
    """The rows of one CSV file whose header must be exactly the columns asked for, in any order.

    Iterate once for (line, cells): the cells stand in the order of `wanted`, a column that the file leaves out is
    empty. `bad`, `count` and `digest` are complete when the iteration has ended. Raises InputRefused.
    With `naming`, which says what a header means, further columns may stand in the file and are left out.
    """

    def __init__(
        self,
        path: Path,
        required: Sequence[str],
        optional: Sequence[str] = (),
        *,
        ignored: Sequence[str] = (),
        naming: Callable[[str], str] | None = None,
        size_limit: int = SIZE_LIMIT,
        progress: Progress | None = None,
    ) -> None:
        self.naming = naming
        self.path = path
        self.name = path.name
        self.required = tuple(required)
        self.wanted = (*required, *optional)
        self.ignored = frozenset(ignored)
        self.size_limit = size_limit
        self.progress = progress
        self.columns: tuple[str, ...] = ()
        self.bad = BadRows(self.name)
        self.count = 0
        self.digest = ""
        self.ended_open = False
        self._ends_with_break = True
        self._size = 0

    def problem(self, text: str, line: int | None = None) -> Problem:
        return Problem(self.name, line, text)

    def _refuse(self, text: str, line: int | None = None) -> NoReturn:
        """Refuse the file, together with the bad rows that were seen before."""
        refuse([*self.bad.sentences(), self.problem(text, line)])

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        self._check_file()
        # The limit is the library's own default; another part of the program must not have raised it.
        csv.field_size_limit(CELL_LIMIT)
        try:
            with self.path.open("rb") as raw:
                counted = _Counted(raw)
                self._check_start(raw)
                yield from self._rows(counted)
                self.digest = counted.digest.hexdigest()
        except OSError as fault:
            self._refuse(f"cannot be read ({fault.strerror or 'disk error'}); check the path and the rights")

    def _rows(self, counted: _Counted) -> Iterator[tuple[int, list[str]]]:
        text = io.TextIOWrapper(io.BufferedReader(counted, 1 << 17), encoding="utf-8-sig", newline="")
        reader = csv.reader(self._lines(text, counted), strict=True)
        header = self._next(reader, 1)
        while header is not None and not any(header):
            header = self._next(reader, 1)
        if header is None:
            self._refuse("is empty; it needs a header and rows")
        order = self._order(header)
        yield from self._body(reader, len(header), order, counted)

    def _body(self, reader: Any, width: int, order: list[int], counted: _Counted) -> Iterator[tuple[int, list[str]]]:
        line = reader.line_num + 1
        short: tuple[int, int] | None = None
        straight = order == list(range(width))
        while (cells := self._next(reader, line)) is not None:
            here, line = line, reader.line_num + 1
            if len(cells) != width:
                if cells and any(cells):
                    self.count += 1
                    self._note_short(short, width)
                    short = (here, len(cells)) if len(cells) < width else None
                    if short is None:
                        self._ragged(here, len(cells), width)
                continue
            if not cells[0] and not any(cells):
                continue
            self.count += 1
            if short:
                self._note_short(short, width)
                short = None
            if self.progress and self.count % REPORT_EVERY == 0:
                self.progress(self.count, self.count * self._size // max(counted.seen, 1))
            yield here, cells if straight else [cells[i] if i >= 0 else "" for i in order]
        self._end(short)

    def _note_short(self, short: tuple[int, int] | None, width: int) -> None:
        # A row that is too short is a bad row when others follow, and a truncated file when none does.
        if short:
            self._ragged(*short, width)

    def _end(self, short: tuple[int, int] | None) -> None:
        if short:
            self._refuse("the file ends in the middle of a row: it did not arrive whole; export it again", short[0])
        self.ended_open = not self._ends_with_break
        if self.progress:
            self.progress(self.count, self.count)

    def _ragged(self, line: int, cells: int, width: int) -> None:
        remedy = "a comma or a quotation mark inside a cell needs quotation marks round the cell"
        self.bad.add(line, f"has {cells} cells where the header has {width}; {remedy}")

    def _next(self, reader: Any, line: int) -> list[str] | None:
        try:
            row: list[str] | None = next(reader, None)
        except csv.Error as fault:
            self._refuse(_csv_fault(str(fault)), line)
        except UnicodeDecodeError:
            self._refuse(*self._undecodable())
        return row

    def _lines(self, text: io.TextIOWrapper, counted: _Counted) -> Iterator[str]:
        number = 0
        while line := text.readline(LINE_LIMIT):
            number += 1
            if "\0" in line:
                self._refuse("holds a NUL byte: it is damaged or not text; export it again", number)
            if len(line) == LINE_LIMIT:
                self._refuse(f"is longer than {LINE_LIMIT:,} characters; export the file again", number)
            if counted.seen > self.size_limit:
                self._too_large(counted.seen)
            self._ends_with_break = line[-1] in "\r\n"
            yield line

    # ---- before the first row

    def _check_file(self) -> None:
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self._refuse("there is no such file; check the path")
        except (OSError, ValueError):
            self._refuse("cannot be read; check the path and the rights")
        if S_ISDIR(status.st_mode):
            self._refuse("is a folder; give the file itself")
        if not S_ISREG(status.st_mode):
            self._refuse("is not an ordinary file; copy it to a file first")
        self._size = status.st_size
        if status.st_size == 0:
            self._refuse("is empty; it needs a header and rows")
        if status.st_size > self.size_limit:
            self._too_large(status.st_size)

    def _too_large(self, size: int) -> NoReturn:
        limit = f"{self.size_limit / MIB:,.0f} MiB" if self.size_limit >= MIB else f"{self.size_limit:,} bytes"
        self._refuse(f"is over the limit of {limit} ({size:,} bytes); split it, or raise the limit")

    def _check_start(self, raw: BinaryIO) -> None:
        start = raw.read(4096)
        raw.seek(0)
        for signature, looks in _SIGNATURES:
            if start.startswith(signature):
                self._refuse(f"{looks}, not a CSV file in UTF-8; {_SAVE_AS}")
        nuls = start.count(0)
        if nuls * 3 > len(start):
            self._refuse(f"looks like UTF-16 text without a mark; {_SAVE_AS}")
        if nuls:
            self._refuse(f"is a binary file, not a CSV file; {_SAVE_AS}")

    def _undecodable(self) -> tuple[str, int]:
        """Find the first line that is not UTF-8, and say what the file looks like instead."""
        with self.path.open("rb") as raw:
            for number, line in enumerate(raw, 1):
                try:
                    line.decode()
                except UnicodeDecodeError as fault:
                    return f"is not UTF-8; {_looks_like(line, fault.start)}", number
        return f"is not UTF-8; {_SAVE_AS}", number

    # ---- the header

    def _order(self, header: list[str]) -> list[int]:
        """Check the header and return, for each wanted column, its place in the file (-1: not there)."""
        names = [name.strip(_SPACES) for name in header]
        if self.naming:
            meant = [self.naming(name) for name in names]
            names = [name if name in self.wanted else "" for name in meant]
        self._check_shape(names)
        faults = [*self._repeated(names), *self._unknown(names), *self._missing(names)]
        if faults:
            refuse(faults)
        self.columns = tuple(names)
        place = {name: i for i, name in enumerate(names)}
        return [place.get(name, -1) for name in self.wanted]

    def _check_shape(self, names: list[str]) -> None:
        if len(names) > HEADER_LIMIT:
            self._refuse(f"has {len(names):,} columns; at most {HEADER_LIMIT} are read", 1)
        if len(names) == 1 and self.wanted[1:]:
            for mark, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
                if mark in names[0]:
                    self._refuse(f"its columns are parted by {word}, not commas; {_SAVE_AS}", 1)
        if names[0].lower().startswith("sep="):
            self._refuse("the first line is a note for Excel, not the header; remove it", 1)
        if not set(names) & set(self.wanted):
            expected = ", ".join(self.required)
            self._refuse(f"the first line is not the header: no column is known; it must name {expected}", 1)

    def _repeated(self, names: list[str]) -> Iterator[Problem]:
        for name in sorted({name for name in names if names.count(name) > 1}):
            if not name:
                continue
            yield self.problem(f"the column {_shown(name)} stands {names.count(name)} times; keep one", 1)

    def _unknown(self, names: list[str]) -> Iterator[Problem]:
        if self.naming:
            return
        known = [*self.wanted, *self.ignored]
        for i, name in enumerate(names, 1):
            if not name:
                yield self.problem(f"column {i} has no name; name it or take it out", 1)
            elif name not in self.wanted and name not in self.ignored:
                hint = nearest(name, known) or "; take it out, or name it as one of " + ", ".join(self.wanted[:20])
                yield self.problem(f"no column {_shown(name)} is known{hint}", 1)

    def _missing(self, names: list[str]) -> Iterator[Problem]:
        for name in self.required:
            if name not in names:
                yield self.problem(f"the column {name!r} is missing; add it", 1)


def _shown(name: str) -> str:
    """Quote a column's name, unless it looks like data rather than a name."""
    return repr(name) if _HEADER_SHAPE.fullmatch(name) else f"(a text of {len(name)} characters)"


def _csv_fault(message: str) -> str:
    if "field larger" in message:
        return (
            f"a cell is longer than {CELL_LIMIT:,} characters; often a quotation mark that is never closed: "
            "export the file again"
        )
    if "end of data" in message:
        return (
            "the file ends inside a quoted cell of the row that starts here: it did not arrive whole, "
            "or a quotation mark is never closed; export it again"
        )
    return 'the quotation marks in the row that starts here do not match; write a quotation mark in a cell as ""'


def _looks_like(line: bytes, at: int) -> str:
    if 0x80 <= line[at] <= 0x9F and line[at] not in (0x81, 0x8D, 0x8F, 0x90, 0x9D):
        looks = "it looks like Windows-1252 (what Excel writes as plain CSV)"
    elif line[at] >= 0xA0:
        looks = "it looks like Windows-1252 or Latin-1 (what Excel writes as plain CSV)"
    else:
        looks = "it is damaged or not text"
    return f"{looks}; {_SAVE_AS}"
