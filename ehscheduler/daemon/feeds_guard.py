"""What a file that nobody looks at must not be: yesterday's again, an older one, cut off, or of quite another size.

An import by hand is seen by whoever does it; here the last good state stays, and the operator hears why.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ehscheduler.core.calendars import Calendar, london_day
from ehscheduler.core.saying import said_day
from ehscheduler.errors import InputRefused
from ehscheduler.intake.guard import BELIEVE, FileTaken, Intake
from ehscheduler.store.imports import last_rows
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.tx import Tx

TAKEN = "drop_taken"
"""What was taken from the drop folder: by group, the newest last, each with its digest, label, age and ends."""
KEPT = 60
FEW_ROWS = 20
"""Of so few rows a feed may double, or lose some, in one night (ours)."""
FIFTH = 80
SIZED = ("steps", "cases", "people")
"""The kinds of file that hold all that there is; only a snapshot of steps must not shrink."""
SAID_ONCE = ("steps", "contract")
"""Groups of which the same file twice is no news: something happens in every working day."""


@dataclass(frozen=True, slots=True)
class Came:
    """A set of files as it came: what is in it, which files they are, and from when they are.

    `dated` tells that the age stands in their name, and is not only that of the file.
    """

    group: str
    digest: str
    label: str
    at: datetime
    dated: bool
    snapshot: bool


def refuse_what_came_before(tx: Tx, authority: str, came: Came, calendar: Calendar, now: datetime) -> bool:
    """Refuse a set that is an older one, or yesterday's again; tell whether this very set was taken already."""
    before: list[dict[str, Any]] = list((state_of(tx, authority, TAKEN) or {}).get(came.group, ()))
    if not before:
        return False
    last = before[-1]
    if last["label"] == came.label and last["digest"] == came.digest:
        return True
    if came.group not in SAID_ONCE:
        return False
    if last["digest"] == came.digest:
        since = london_day(datetime.fromisoformat(last["taken"]))
        if calendar.on_or_after(since) < london_day(now):
            text = f"is, byte for byte, what was taken on {said_day(since)}, and a working day has passed since"
            raise InputRefused([f"{_named(came)}: {text}: find out whether the export still runs; {STAYS}"])
        return False
    again = next((one for one in before if one["digest"] == came.digest), None)
    if again is not None:
        day = said_day(london_day(datetime.fromisoformat(again["taken"])))
        raise InputRefused([f"{_named(came)}: was taken on {day}, and newer ones since; give the newest; {STAYS}"])
    if came.dated and last["dated"] and came.at < datetime.fromisoformat(last["at"]):
        text = f"is older, by its name, than {_files(last['label'])}, which was taken before it"
        raise InputRefused([f"{_named(came)}: {text}; give the newest; {STAYS}"])
    return False


STAYS = "nothing was taken in, and what was there before stays"


def refuse_odd_sizes(tx: Tx, authority: str, came: Came, intake: Intake, now: datetime) -> None:
    """Refuse files that are cut off or of quite another size; else note the set as taken, in the same transaction."""
    noted: dict[str, list[dict[str, Any]]] = dict(state_of(tx, authority, TAKEN) or {})
    before = noted.get(came.group, [])
    faults = _cut_off(intake.files, before[-1]["open"] if before else None)
    for kind in _kinds(came.group):
        faults += _sized(tx, authority, kind, came, intake)
    if faults:
        raise InputRefused(faults)
    one = {
        "digest": came.digest,
        "label": came.label,
        "at": came.at.isoformat(),
        "dated": came.dated,
        "taken": now.isoformat(),
        "open": any(file.ended_open for file in intake.files),
    }
    put_state(tx, authority, TAKEN, noted | {came.group: [*before, one][-KEPT:]})


def _kinds(group: str) -> Sequence[str]:
    return ("cases",) if group == "contract" else (group,)


def _cut_off(files: Sequence[FileTaken], open_before: bool | None) -> list[str]:
    text = "ends without a line break, and the one before it did not: it did not arrive whole; export it again"
    return [f"{file.name}: {text}; {STAYS}" for file in files if file.ended_open and open_before is False]


def _sized(tx: Tx, authority: str, kind: str, came: Came, intake: Intake) -> list[str]:
    last = last_rows(tx, authority, kind)
    files = [file for file in intake.files if came.group != "contract" or file.name.lower().startswith(kind)]
    rows = sum(file.rows for file in files)
    if kind not in SIZED or last is None or last < FEW_ROWS or not files:
        return []
    if rows >= 2 * last:
        what = f"has {rows:,} rows, and the last one had {last:,}: was it joined with another, or is it another's?"
    elif came.snapshot and rows * 100 < last * FIFTH:
        what = f"has {rows:,} rows, and the last one had {last:,}: did it arrive whole?"
    else:
        return []
    return [f"{files[0].name}: {what} {STAYS.capitalize()}. If all is right, {BELIEVE}"]


def _named(came: Came) -> str:
    return _files(came.label)


def _files(label: str) -> str:
    """Name the files of a set by its label, which has their sizes and times too."""
    return ", ".join(part.rsplit(":", 2)[0] for part in label.split("|"))
