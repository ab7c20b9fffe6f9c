"""The tables of an extract, whichever profile its mapping names: each with its rows, in the mapping's own columns."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from ehscheduler.intake.annex_a import AnnexA
from ehscheduler.intake.mapping import StepMapping
from ehscheduler.intake.notes import Notes
from ehscheduler.intake.profiles import SSD
from ehscheduler.intake.rows import Problem, Progress, Rows, refuse
from ehscheduler.intake.ssd import Ssd
from ehscheduler.intake.workbook import SheetRows

Table = Rows | SheetRows
Told = Iterator[tuple[int, list[str]]]


def tables_of(
    path: Path, mapping: StepMapping, *, size_limit: int, progress: Progress | None
) -> Iterator[tuple[Table, Notes, Told]]:
    """Yield each table of an extract with its notes and its rows, its cells in the order of the mapping's headers.

    `path` is a file, or for a profile the folder in which its tables lie. Raises InputRefused.
    """
    if mapping.profile is None:
        ignored = tuple(mapping.ignored_columns)
        rows = Rows(path, mapping.headers, ignored=ignored, size_limit=size_limit, progress=progress)
        yield rows, Notes(rows.name), iter(rows)
        return
    kind = Ssd if mapping.profile is SSD else AnnexA
    for table, notes, told in kind(files_of(path), mapping, size_limit=size_limit, progress=progress):
        yield table, notes, ((line, [cells.get(header, "") for header in mapping.headers]) for line, cells in told)


def files_of(path: Path) -> Sequence[Path]:
    """Return the files of an extract: the file itself, or those that lie in the folder."""
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if one.is_file() and not one.name.startswith("."))
    if not found:
        refuse([Problem(path.name, None, "is an empty folder; give the one in which the tables lie")])
    return found
