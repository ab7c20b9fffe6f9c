"""The due dates that a council's own case system gives, step by step, from the column that its mapping names."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ehscheduler.errors import InputRefused
from ehscheduler.intake.cells import clean
from ehscheduler.intake.dates import DateReader
from ehscheduler.intake.extracts import tables_of
from ehscheduler.intake.mapping import StepMapping, squeezed
from ehscheduler.intake.rows import SIZE_LIMIT


@dataclass(frozen=True, slots=True)
class StepDue:
    """One step with its own system's due date; `words` are the events that such a step is, `fault` why it has no date.

    `events` are the ids that its events have once they have happened.
    """

    line: int
    step: str
    case: str
    type: str
    words: tuple[str, ...]
    events: tuple[str, ...]
    due_on: date | None
    fault: str = ""


def due_dates(path: Path, mapping: StepMapping) -> Iterator[StepDue]:
    """Yield every step of a mapped type that has a due date of its own, or one that cannot be read.

    Steps that were given up (`never` in [status]) are left out. Raises InputRefused where the mapping names no column.
    """
    header = mapping.columns.get("due_on")
    if header is None:
        remedy = 'name it under [columns], as in due_on = "DUE_DATE"'
        raise InputRefused([f"{mapping.file}: does not say in which column the due dates stand; {remedy}"])
    dates = DateReader(mapping.dates, midnight_is_a_date=mapping.midnight_is_a_date)
    place = {header: at for at, header in enumerate(mapping.headers)}
    words: dict[str, tuple[str, ...]] = {}
    for meaning in mapping.steps:
        words[meaning.type] = (*words.get(meaning.type, ()), meaning.event)

    def cell(cells: list[str], field: str) -> str:
        text = clean(cells[place[mapping.columns[field]]]) if field in mapping.columns else ""
        return "" if text in mapping.blanks else text

    for _, _, told in tables_of(path, mapping, size_limit=SIZE_LIMIT, progress=None):
        for line, cells in told:
            kind, status = squeezed(cell(cells, "step_type")), squeezed(cell(cells, "status"))
            text = cell(cells, "due_on")
            if not text or kind not in words or mapping.statuses.get(status) == "never":
                continue
            step, case, due_on, fault = cell(cells, "workflow_step_id"), cell(cells, mapping.case), None, ""
            try:
                due_on = dates.read(text).day
            except ValueError as error:
                fault = str(error)
            ids = tuple(mapping.event_id(step, case, word) for word in words[kind])
            yield StepDue(line, step, case, kind, words[kind], ids, due_on, fault)
