"""Acts without a shell: the rows of a hand-kept acts.csv, each done as its command does it, in its own transaction.

A row that was done before is known, so the same file may come every night. A row that cannot be done is set aside with
its line and the reason, and is an alarm; the others are done.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from ehscheduler.core.events import read_moment
from ehscheduler.errors import EhsError, InputRefused, StoreError
from ehscheduler.intake.acts import ActRow, ActScan, scan_acts
from ehscheduler.intake.rows import Problem
from ehscheduler.office.acknowledge import acknowledge
from ehscheduler.office.acts import close, hold, record, resume
from ehscheduler.office.agreements import extend, relax
from ehscheduler.office.disputes import (
    dispute_advance,
    dispute_answer,
    dispute_decide,
    dispute_open,
    dispute_withdraw,
)
from ehscheduler.office.entry import Act
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import clear_alarm, raise_alarm
from ehscheduler.store.imports import RowSetAside, finish_import, set_rows_aside, start_import
from ehscheduler.store.people import people_of
from ehscheduler.store.schema import EVERYWHERE
from ehscheduler.store.store import Store
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

KIND = "acts"
OWN_ACT = {
    "acknowledged": "acknowledge",
    "dispute_raised": "dispute_open",
    "dispute_answered": "dispute_answer",
    "dispute_escalated": "dispute_advance",
    "dispute_decided": "dispute_decide",
    "dispute_resolved": "dispute_decide",
    "dispute_withdrawn": "dispute_withdraw",
    "relaxation_agreed": "relax",
    "relaxation_noted_late": "relax",
    "extension_approved": "extend",
    "hold_started": "hold",
    "hold_ended": "resume",
    "closed": "close",
}
"""Events that an act of their own puts on record."""
EVERY_ROW = "rows set aside"
_OPTION = re.compile(r"(?<![\w-])--(?=[a-z])")


@dataclass(slots=True)
class ActsTaken:
    """What came of an acts file: how many were done now, how many were done before, and which were set aside."""

    done: int = 0
    known: int = 0
    set_aside: list[Problem] = field(default_factory=list)
    failed: set[int] = field(default_factory=set)
    """The lines that could be read and could not be done."""
    done_for: list[str] = field(default_factory=list)
    """The authority of each act that was done now."""


@dataclass(frozen=True, slots=True)
class _Call:
    store: Store
    authority: Authority
    row: ActRow
    now: datetime

    def do(self, verb: Callable[..., Act], *args: Any, **named: Any) -> Act:
        row = self.row
        return verb(self.store, self.authority, row.case_ref, *args, at=row.at, now=self.now, by=row.by, **named)

    def word(self, key: str) -> str:
        """Return a key of the detail as a text."""
        return str(self.row.detail[key])

    def day(self, key: str) -> date | None:
        """Return a key of the detail as a date; None where it is left out. Raises InputRefused."""
        value = self.row.detail.get(key)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except (TypeError, ValueError):
            raise InputRefused([f"{key} is not a date such as 2026-03-02 that exists"]) from None

    def rules(self) -> list[str]:
        """Return the rules that an agreement names, one or a list."""
        value = self.row.detail.get("rules", [])
        listed = [value] if isinstance(value, str) else value
        if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
            raise InputRefused(["rules is neither a rule nor a list of rules"])
        return listed


def take_acts(
    store: Store, authorities: Mapping[str, Authority], path: Path, *, now: datetime, by: str, own: str = ""
) -> ActsTaken:
    """Do what a file says was done; raises InputRefused, and tells the operator, where it cannot be read.

    `own` is the authority of the import run, if it is of one: rows that name none that is known are told of there.
    """
    path = path if path.name else path.resolve()
    try:
        scan = scan_acts(path, sorted(authorities))
    except InputRefused as refusal:
        for name in authorities:
            with store.begin() as tx:
                text = f"{path.name} was refused, and nothing in it was done: {refusal.faults[0]}"
                raise_alarm(tx, name, code="feed", subject=KIND, text=text, at=now)
        raise
    taken = ActsTaken(set_aside=list(scan.rows.bad.sentences()))
    for row in sorted(scan.acts, key=lambda row: (read_moment(row.at)[0], row.line)):
        try:
            act = _done(_Call(store, authorities[row.authority], row, now))
        except StoreError:
            raise
        except EhsError as refusal:
            # A row has no options: what a command calls --at is the column `at`.
            said = _OPTION.sub("", "; ".join(str(refusal).splitlines()))
            taken.set_aside.append(Problem(path.name, row.line, said))
            taken.failed.add(row.line)
        else:
            taken.known += act.known
            taken.done += not act.known
            taken.done_for += [] if act.known else [row.authority]
    taken.set_aside.sort(key=lambda problem: problem.line or 0)
    _note(store, authorities, taken, path, scan, now=now, by=by, own=own)
    return taken


def _done(call: _Call) -> Act:
    """Do one act, as whoever did it; raises InputRefused with the reasons."""
    row = call.row
    with call.store.read() as tx:
        day = read_moment(row.at)[2]
        staff = {person.person_id for person in people_of(tx, call.authority.name) if person.current(day)}
    if row.by not in staff:
        raise InputRefused(["by names nobody who worked here on that day; write their person_id of people.csv"])
    return _VERBS[row.act](call)


def _record(call: _Call) -> Act:
    """Record an event; what has an act of its own is done by that act, which asks who may."""
    event = call.word("event")
    if (own := OWN_ACT.get(event)) is not None:
        raise InputRefused([f"{event} is not recorded: write it as the act {own}, which asks who may"])
    detail = {key: value for key, value in call.row.detail.items() if key != "event"}
    return call.do(record, event, ref=call.row.ref, detail=detail)


def _open(call: _Call) -> Act:
    detail = {key: value for key, value in call.row.detail.items() if key != "about"}
    return call.do(dispute_open, about=call.word("about"), ref=call.row.ref, detail=detail)


def _acknowledge(call: _Call) -> Act:
    named = {"person": call.row.by, "reason": call.word("reason"), "until": call.day("until")}
    return call.do(acknowledge, call.row.ref, **named)


def _relax(call: _Call) -> Act:
    until = call.day("until")
    named = {
        "by_role": call.word("by_role"),
        "reason": call.word("reason"),
        "late": call.row.detail.get("late") is True,
    }
    return call.do(relax, call.rules(), until=until, **named)


def _extend(call: _Call) -> Act:
    weeks = call.row.detail.get("weeks")
    if weeks is not None and (not isinstance(weeks, int) or isinstance(weeks, bool) or weeks < 1):
        raise InputRefused(["weeks is not a whole number of weeks"])
    named = {"by_role": call.word("by_role"), "reason": call.word("reason")}
    return call.do(extend, call.rules(), until=call.day("until"), weeks=weeks, **named)


_VERBS: Mapping[str, Callable[[_Call], Act]] = {
    "acknowledge": _acknowledge,
    "dispute_open": _open,
    "dispute_answer": lambda call: call.do(dispute_answer, call.row.ref, says=call.word("says")),
    "dispute_advance": lambda call: call.do(dispute_advance, call.row.ref),
    "dispute_decide": lambda call: call.do(
        dispute_decide, call.row.ref, role=call.word("role"), outcome=call.word("outcome")
    ),
    "dispute_withdraw": lambda call: call.do(dispute_withdraw, call.row.ref),
    "relax": _relax,
    "extend": _extend,
    "hold": lambda call: call.do(hold, reason=call.word("reason"), of_case=True),
    "resume": lambda call: call.do(resume, of_case=True),
    "close": lambda call: call.do(close, reason=call.word("reason"), of_case=True),
    "record": _record,
}


def _note(
    store: Store,
    authorities: Mapping[str, Authority],
    taken: ActsTaken,
    path: Path,
    scan: ActScan,
    *,
    now: datetime,
    by: str,
    own: str,
) -> None:
    """Note the file with each authority that its rows name, with these alone, and tell the operator what was set aside.

    A row that names none that is known, or is of the wrong width, is told of by its line, and of nothing else that it
    says: under `own` where the run is of one authority, else once for the whole installation.
    """
    bad, ragged = scan.faulty | taken.failed, scan.rows.count - len(scan.whose)
    for name in authorities:
        lines = {line for line, whose in scan.whose.items() if (whose or own) == name}
        stray = ragged if name == own else 0
        if not lines and not stray:
            continue
        others = scan.whose.keys() - lines
        theirs = [p for p in taken.set_aside if p.line in lines or (name == own and p.line not in others)]
        with store.begin() as tx:
            digest = scan.rows.digest
            id_ = start_import(tx, name, file=path.name, sha256=digest, kind=KIND, source=KIND, read_at=now)
            aside = len(bad & lines) + stray
            done = sum(name == one for one in taken.done_for)
            finish_import(tx, name, id_, rows=len(lines) + stray, added=done, set_aside=aside)
            set_rows_aside(tx, name, id_, _aside(theirs))
            clear_alarm(tx, name, code="feed", subject=KIND, at=now)
            said = {"file": path.name, "done": done, "set_aside": aside}
            append_trail(tx, name, at=now, who=by, act="import", detail=said)
            _tell(tx, name, path, aside, len(lines) + stray, now)
    nobodys = 0 if own else sum(not whose for whose in scan.whose.values()) + ragged
    with store.begin() as tx:
        _tell(tx, EVERYWHERE, path, nobodys, scan.rows.count, now)


def _tell(tx: Tx, name: str, path: Path, aside: int, rows: int, now: datetime) -> None:
    """Raise the alarm of a file's rows, or clear it where all of them are done; another file's stands."""
    if aside:
        text = f"{path.name}: {aside} of {rows} rows were set aside; correct them and import it again"
        raise_alarm(tx, name, code=EVERY_ROW, subject=f"{KIND} {path.name}", text=text, at=now)
    elif rows:
        clear_alarm(tx, name, code=EVERY_ROW, subject=f"{KIND} {path.name}", at=now)


def _aside(problems: Sequence[Problem]) -> list[RowSetAside]:
    return [RowSetAside(problem.line or 0, problem.text) for problem in problems]
