"""Read lists 1 to 3 of Ofsted's Annex A, from the workbook or as CSV files: contacts, early help, referrals.

They hold the six months before an inspection, name no episode, and list 2 names no worker: good for back-fill, no live
feed. Headers differ from council to council, so each is known by the words in it. A row has no id of its own: it is
known by list, child and date, so the same row read again is the same event.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ehscheduler.intake.cells import clean
from ehscheduler.intake.dates import DateReader
from ehscheduler.intake.mapping import StepMapping
from ehscheduler.intake.notes import Notes
from ehscheduler.intake.profiles import CONTACT, ENDED, HELP_ASSESSMENT, OPEN, REFERRAL
from ehscheduler.intake.rows import Problem, Progress, Rows, refuse
from ehscheduler.intake.workbook import SheetRows, sheets_of

CHILD, BORN = "child", "date_of_birth"


@dataclass(frozen=True, slots=True)
class List:
    """One list: the type of its rows, its columns, and which of them say from when to when."""

    number: int
    type: str
    required: tuple[str, ...]
    optional: tuple[str, ...]
    start: str
    end: str


LISTS: Mapping[int, List] = {
    1: List(1, CONTACT, (CHILD, "contacted"), (BORN, "source"), "contacted", "contacted"),
    2: List(2, HELP_ASSESSMENT, (CHILD, "begun"), (BORN, "completed", "organisation"), "begun", "completed"),
    3: List(3, REFERRAL, (CHILD, "referred"), (BORN, "source", "nfa", "team", "worker"), "referred", "referred"),
}
# Our column by the words that its header holds, letters and digits alone; the first that fits.
_HEADERS = (
    (r".*child.*id(entifier)?|.*id(entifier)?.*child", CHILD),
    (r"dateofbirth|dob", BORN),
    (r"numberof.*", ""),
    (r"date.*contact|contactdate", "contacted"),
    (r"(contact|referral)source|sourceof(contact|referral)", "source"),
    (r"date.*referral|referraldate", "referred"),
    (r"referral.*nfa|nfa", "nfa"),
    (r"(early.*)?assessment.*start.*", "begun"),
    (r"(early.*)?assessment.*complet.*date|.*completiondate", "completed"),
    (r"organisation.*", "organisation"),
    (r"(allocated)?team", "team"),
    (r"(allocated)?worker", "worker"),
)
_PREFIX = re.compile(r"[a-z]\d?\) *")
"""The letter before a code of the annex, which many files leave out."""

Cells = dict[str, str]


def column_of(header: str) -> str:
    """Return which of our columns a header means, blank where none; in words apart or run together."""
    letters = "".join(letter for letter in header.lower() if letter.isalnum())
    return next((name for shape, name in _HEADERS if re.fullmatch(shape, letters)), "")


class AnnexA:
    """The lists of one extract: a workbook, or CSV files named after their lists."""

    def __init__(
        self,
        paths: Sequence[Path],
        mapping: StepMapping,
        *,
        size_limit: int,
        progress: Progress | None,
    ) -> None:
        self.mapping = mapping
        self.dates = DateReader(mapping.dates, midnight_is_a_date=True)
        self.lists: list[tuple[List, Rows | SheetRows]] = []
        for path in sorted(paths):
            if path.suffix.lower() == ".xlsx":
                self.lists += [
                    (one, SheetRows(path, sheet, one.required, one.optional, column_of))
                    for sheet in sheets_of(path)
                    if (one := list_of(sheet))
                ]
            elif one := list_of(path.stem):
                rows = Rows(
                    path, one.required, one.optional, naming=column_of, size_limit=size_limit, progress=progress
                )
                self.lists.append((one, rows))
        if not self.lists:
            name = paths[0].name if len(paths) == 1 else "the extract"
            text = "has none of the lists 1 to 3; its sheets, or its CSV files, are named List 1, List 2 and List 3"
            refuse([Problem(name, None, text)])

    def __iter__(self) -> Iterator[tuple[Rows | SheetRows, Notes, Iterator[tuple[int, Cells]]]]:
        """Yield each list with its rows as the mapping names them."""
        for one, rows in self.lists:
            yield rows, Notes(rows.name), self._rows(one, rows)

    def _rows(self, one: List, rows: Rows | SheetRows) -> Iterator[tuple[int, Cells]]:
        times: Counter[str] = Counter()
        for line, listed in rows:
            cells = {name: self._filled(cell) for name, cell in zip(rows.wanted, listed, strict=True)}
            start, end = cells[one.start], cells.get(one.end, "")
            key = f"list{one.number}-{cells[CHILD]}-{self._day(start)}"
            times[key] += 1
            made = {
                "id": key if times[key] == 1 else f"{key}-{times[key]}",
                "type": one.type,
                "start": start,
                "end": end,
                "status": ENDED if end else OPEN,
            }
            yield line, {**cells, **made}

    def _filled(self, cell: str) -> str:
        cell = _PREFIX.sub("", clean(cell), count=1) if _PREFIX.match(clean(cell)) else clean(cell)
        return "" if cell in self.mapping.blanks else cell

    def _day(self, text: str) -> str:
        try:
            return self.dates.read(text).day.isoformat()
        except ValueError:
            return "unread"  # the row itself is read after this, and is a bad row


def list_of(name: str) -> List | None:
    """Return which list the name of a sheet or of a file means."""
    found = re.search(r"list[ _-]*0?([1-9]\d?)(?!\d)", name.lower())
    return LISTS.get(int(found[1])) if found else None
