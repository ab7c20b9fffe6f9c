"""The plain report that lies beside a file that was taken or refused: what came of it, and what is to be done."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from ehscheduler.core.saying import said_moment
from ehscheduler.office import Taken
from ehscheduler.office.written import ActsTaken

LISTED = 100


def taken_lines(taken: Taken) -> Iterator[str]:
    """Say what an import did, as the command does."""
    intake = taken.intake
    yield f"Rows read: {intake.rows}"
    yield f"Cases: {taken.cases_added} new, {taken.cases_changed} changed"
    yield f"Events: {taken.events_added} new, {taken.events_known + intake.unchanged} known already"
    yield f"People: {taken.people}; absences: {taken.absences}"
    for correction in intake.corrections[:LISTED]:
        how = "withdrawn" if correction.anew is None else "corrected"
        yield f"Event {how}: {correction.old.word} on {correction.old.day.isoformat()} of case {correction.old.case}"
    for value in intake.unmapped[:LISTED]:
        yield f"No mapping: {value.column} = {value.value} ({value.count} rows, first on line {value.line})"
    yield from (f"Note: {warning}" for warning in intake.warnings[:LISTED])
    yield from (f"Set aside: {problem}" for problem in intake.set_aside[:LISTED])
    for clash in taken.clashes[:LISTED]:
        yield f"Event {clash.event_id} came again with other content; the first one stands"


def acts_lines(taken: ActsTaken) -> Iterator[str]:
    yield f"Acts: {taken.done} done, {taken.known} known already"
    yield from (f"Set aside: {problem}" for problem in taken.set_aside[:LISTED])


def report(names: Sequence[str], *, outcome: str, lines: Sequence[str], now: datetime) -> str:
    """Write the whole report."""
    head = [f"Files: {', '.join(names)}", f"Looked at: {said_moment(now)}", f"Outcome: {outcome}", ""]
    return "\n".join([*head, *lines]) + "\n"
