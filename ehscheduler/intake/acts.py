"""Read acts.csv: what managers did, kept by hand. A row says who did what on which case, and when.

The file may grow for ever and is read whole each time; a row that was done before is known. Bad rows are set aside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ehscheduler.core.vocabulary import nearest
from ehscheduler.intake.cells import check_text, clean, id_faults, instant_faults, read_detail, word_faults
from ehscheduler.intake.rows import Rows

ACT_COLUMNS = ("at", "by", "authority", "case_ref", "act", "ref", "detail")


@dataclass(frozen=True, slots=True)
class Asks:
    """What an act wants: a `ref` or none, and the keys of its detail that it must have and may have."""

    must: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    ref: bool | None = None
    more: bool = False
    """Whether further keys are taken, as the policy's own rules ask for them."""


ACTS: Mapping[str, Asks] = {
    "acknowledge": Asks(must=("reason",), may=("until",), ref=True),
    "dispute_open": Asks(must=("about",), more=True),
    "dispute_answer": Asks(must=("says",), ref=True),
    "dispute_advance": Asks(ref=True),
    "dispute_decide": Asks(must=("role", "outcome"), ref=True),
    "dispute_withdraw": Asks(ref=True),
    "relax": Asks(must=("rules", "until", "by_role", "reason"), may=("late",), ref=False),
    "extend": Asks(must=("by_role", "reason"), may=("rules", "until", "weeks"), ref=False),
    "hold": Asks(must=("reason",), ref=False),
    "resume": Asks(ref=False),
    "close": Asks(must=("reason",), ref=False),
    "record": Asks(must=("event",), more=True),
}


@dataclass(frozen=True, slots=True)
class ActRow:
    """One act as it was written down; `at` is as given, and `detail` has what the act asks for."""

    line: int
    at: str
    by: str
    authority: str
    case_ref: str
    act: str
    ref: str | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class ActScan:
    """The acts of one file in order of line, and its bad rows apart; `whose` is the authority that each line names.

    It is blank for a line that names none that is known; a row of the wrong width has none. `faulty` are the lines of
    `whose` that were set aside, all of them, however many are listed.
    """

    acts: tuple[ActRow, ...]
    rows: Rows
    whose: Mapping[int, str]
    faulty: frozenset[int] = frozenset()


def scan_acts(path: Path, authorities: Sequence[str]) -> ActScan:
    """Read acts.csv and set its bad rows apart. Raises InputRefused where the file itself is at fault."""
    rows = Rows(path, ACT_COLUMNS)
    found: list[ActRow] = []
    whose: dict[int, str] = {}
    faulty: set[int] = set()
    for line, cells in rows:
        read = [clean(cell) for cell in cells]
        meant = read[2].lower()  # in whichever letters it is written, the row is that authority's
        whose[line] = meant if meant in authorities else ""
        act, faults = _act(line, read, authorities)
        if faults:
            rows.bad.add(line, *faults)
            faulty.add(line)
        elif act is not None:
            found.append(act)
    return ActScan(tuple(found), rows, whose, frozenset(faulty))


def _act(line: int, cells: Sequence[str], authorities: Sequence[str]) -> tuple[ActRow | None, list[str]]:
    at, by, authority, case_ref, act, ref, detail = cells
    faults = [*instant_faults("at", at), *id_faults("by", by), *_authority_faults(authority, authorities)]
    faults += [*id_faults("case_ref", case_ref), *word_faults("act", act, ACTS)]
    try:
        check_text(ref)
    except ValueError as fault:
        faults.append(f"ref {fault}")
    read: Mapping[str, Any] = {}
    try:
        read = read_detail(detail) if detail else {}
    except ValueError as fault:
        faults.append(f"detail {fault}")
    if act in ACTS:
        faults += _asked(act, ref, read)
    row = ActRow(line, at, by, authority, case_ref, act, ref or None, read)
    return (None, faults) if faults else (row, [])


def _authority_faults(name: str, authorities: Sequence[str]) -> list[str]:
    """Say what is wrong with the name of an authority; one in other letters is told how it is written."""
    if name not in authorities and name.lower() in authorities:
        return [f"authority is written {name.lower()!r}, in small letters"]
    return word_faults("authority", name, authorities)


def _asked(act: str, ref: str, detail: Mapping[str, Any]) -> list[str]:
    """Say what an act lacks, or has and cannot use."""
    asks = ACTS[act]
    faults = [f"{act} wants {key!r} in detail" for key in asks.must if detail.get(key) in (None, "")]
    known = (*asks.must, *asks.may)
    if not asks.more:
        unknown = [key for key in detail if key not in known]
        faults += [f"{act} has no use for one of the keys in detail{nearest(key[:60], list(known))}" for key in unknown]
    if asks.ref and not ref:
        faults.append(f"{act} wants the ref of what it is about")
    if asks.ref is False and ref:
        faults.append(f"{act} has no ref; leave the column blank")
    return faults
