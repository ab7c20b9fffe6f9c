"""The drop folder: files that a council's systems leave there are taken in by the same code as an import by hand.

A file is taken when it is whole: size and time of change were the same in two looks, so many seconds apart. It is moved
to `taking`, imported in one transaction, and ends in `done` or `refused` with a report beside it. Killed at any line,
the next turn finds it in `taking` and goes on: what was stored is known, and nothing is stored twice.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ehscheduler.config import Drop
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.feeds_fed import unfed
from ehscheduler.daemon.feeds_files import DONE, REFUSED, Set, end, sets_of, take_up, taken_up, waiting
from ehscheduler.daemon.feeds_guard import Came, refuse_odd_sizes, refuse_what_came_before
from ehscheduler.daemon.feeds_report import acts_lines, report, taken_lines
from ehscheduler.errors import InputRefused, StoreError
from ehscheduler.intake.mapping import read_mapping
from ehscheduler.office import Taken, take_files
from ehscheduler.office.written import take_acts
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import alarms, clear_alarm, raise_alarm
from ehscheduler.store.state import put_state, state_of

log = logging.getLogger("ehscheduler.feeds")
BY = "drop folder"
SEEN, TRIED = "drop_seen", "drop_tried"
"""What lay in the folder in the last look; and the set of each group that was tried last."""
FOLDER, FEED, UNKNOWN_CODES, STRAY = "drop folder", "feed", "unknown codes", "stray file"
NAMES = "people, absences, cases, events, steps or acts (.csv), a table of the SSD, or lists of Annex A"


@dataclass(slots=True)
class Fed:
    """How many sets of files a turn took in, and how many it refused."""

    taken: int = 0
    refused: int = 0


def take_drops(desk: Desk, now: datetime, *, stop: Callable[[], bool] = lambda: False) -> Fed:
    """Take in what has come whole into the drop folder of each authority; a fault of one harms no other."""
    fed = Fed()
    for name, authority in desk.authorities.items():
        drop = desk.config.drop.get(name)
        if drop is None or stop():
            continue
        try:
            _take_folder(desk, authority, drop, now, stop, fed)
        except StoreError:
            raise
        except Exception as error:  # what a file or a disk does harms no other authority
            said = str(error.strerror) if isinstance(error, OSError) else type(error).__name__
            log.error("a drop folder could not be worked", extra={"fault": type(error).__name__})
            text = f"the drop folder {drop.folder} could not be worked ({said}); see that it exists and may be written"
            with desk.store.begin() as tx:
                raise_alarm(tx, name, code=FOLDER, subject="folder", text=text, at=now)
        else:
            with desk.store.begin() as tx:
                clear_alarm(tx, name, code=FOLDER, subject="folder", at=now)
    return fed


def _take_folder(
    desk: Desk, authority: Authority, drop: Drop, now: datetime, stop: Callable[[], bool], fed: Fed
) -> None:
    folder = Path(drop.folder)
    begun = taken_up(folder)
    ready = [*begun, *sets_of(_whole(desk, authority, drop, waiting(folder), now))]
    for n, one in enumerate(ready, start=1):
        if stop():
            return
        # Each import has an instant of its own, by which its files are told from those of another; none lies ahead.
        at = now - timedelta(microseconds=len(ready) - n)
        _take(desk, authority, drop, one if n <= len(begun) else take_up(folder, one), at, fed)


def _whole(desk: Desk, authority: Authority, drop: Drop, paths: list[Path], now: datetime) -> list[Path]:
    """Return the files that are whole; none while one is still being written, as others may belong to it."""
    with desk.store.read() as tx:
        before: dict[str, Any] = state_of(tx, authority.name, SEEN) or {}
    seen: dict[str, Any] = {}
    for path in paths:
        status = path.lstat()
        what = [status.st_size, status.st_mtime_ns]
        known = before.get(path.name)
        seen[path.name] = known if known and known[:2] == what else [*what, now.isoformat()]
    if seen != before:
        with desk.store.begin() as tx:
            put_state(tx, authority.name, SEEN, seen)
    settled = timedelta(seconds=drop.settle_seconds)
    arriving = [name for name, (*_, since) in seen.items() if now - datetime.fromisoformat(since) < settled]
    return [] if arriving else paths


def _take(desk: Desk, authority: Authority, drop: Drop, one: Set, now: datetime, fed: Fed) -> None:
    """Take one set in, or refuse it, and move it to where it ends."""
    folder, names = Path(drop.folder), [path.name for path in one.paths]
    try:
        lines = _taken(desk, authority, drop, one, now)
    except InputRefused as refusal:
        _tell_refused(desk, authority, one, refusal, now)
        text = report(names, outcome="refused; the last good state stands", lines=refusal.faults, now=now)
        end(folder, one, REFUSED, text, now)
        fed.refused += 1
    else:
        end(folder, one, DONE, report(names, outcome="taken in", lines=lines, now=now), now)
        fed.taken += 1


def _taken(desk: Desk, authority: Authority, drop: Drop, one: Set, now: datetime) -> list[str]:
    """Import a set, and say what came of it. Raises InputRefused."""
    name = authority.name
    _try(desk, authority, one, now)
    if one.group == "unknown":
        raise InputRefused([f"{one.name}: is none of the files that are taken: name it as one of {NAMES}"])
    if len(one.by_kind()) < len(one.paths) and one.group == "contract":
        raise InputRefused([f"{one.name}: two files are of one kind; give one of cases and one of events"])
    if one.group == "acts":
        [path] = one.paths
        return list(acts_lines(take_acts(desk.store, {name: authority}, path, now=now, by=BY, own=name)))
    mapping = Path(drop.mapping) if drop.mapping else None
    if one.group == "steps" and mapping is None:
        raise InputRefused([f"{one.name}: [drop.{name}] names no mapping, which an extract needs; name one"])
    snapshot = one.group == "steps" and _snapshot(authority, mapping)
    came = one.came(snapshot=snapshot)
    with desk.store.read() as tx:
        if refuse_what_came_before(tx, name, came, authority.calendar, now):
            return ["It was taken in before the service was interrupted; nothing was done again."]
    taken = _import(desk, authority, one, came, mapping, now)
    _note_unknown(desk, authority, one, taken, now)
    with desk.store.read() as tx:
        lacking = [f"Note: {one.said}" for one in unfed(tx, authority, desk.config) if one.silent]
    return [*taken_lines(taken), *lacking]


def _snapshot(authority: Authority, mapping: Path | None) -> bool:
    policy = authority.policy
    return mapping is not None and read_mapping(mapping, policy.facts, policy.recorded_words()).snapshot


def _import(desk: Desk, authority: Authority, one: Set, came: Came, mapping: Path | None, now: datetime) -> Taken:
    given = one.by_kind()
    return take_files(
        desk.store,
        authority,
        now=now,
        by=BY,
        cases=given.get("cases"),
        events=given.get("events"),
        people=given.get("people"),
        absences=given.get("absences"),
        steps=given.get("steps"),
        mapping=mapping if one.group == "steps" else None,
        guard=lambda tx, name, intake: refuse_odd_sizes(tx, name, came, intake, now),
    )


# ---- what the operator hears


def _try(desk: Desk, authority: Authority, one: Set, now: datetime) -> None:
    """Note that a set is tried: another one that is refused is told anew, the same one after a crash is not."""
    label = one.label
    with desk.store.begin() as tx:
        tried = state_of(tx, authority.name, TRIED) or {}
        if tried.get(one.group) == label:
            return
        put_state(tx, authority.name, TRIED, tried | {one.group: label})
        told = {alarm.subject for alarm in alarms(tx, authority.name) if alarm.code == FEED and alarm.told_at}
        for kind in told & set(one.by_kind()):
            clear_alarm(tx, authority.name, code=FEED, subject=kind, at=now)


def _tell_refused(desk: Desk, authority: Authority, one: Set, refusal: InputRefused, now: datetime) -> None:
    """Raise the alarm before the set is moved, so that no crash between them silences it."""
    text = f"{one.name} was refused, and the last good state stands: {refusal.faults[0]} (the report is in {REFUSED})"
    with desk.store.begin() as tx:
        if one.group == "unknown":
            text += f"; settle it with 'ehscheduler doctor --clear \"{STRAY}\"'"
            raise_alarm(tx, authority.name, code=STRAY, subject=one.name, text=text, at=now)
            return
        for kind in sorted(one.by_kind()):
            raise_alarm(tx, authority.name, code=FEED, subject=kind, text=text, at=now)


def _note_unknown(desk: Desk, authority: Authority, one: Set, taken: Taken, now: datetime) -> None:
    """Tell the operator, once while it lasts, that an extract has values that its mapping does not name."""
    if one.group != "steps":
        return
    columns = sorted({value.column for value in taken.intake.unmapped})
    rows = sum(value.count for value in taken.intake.unmapped)
    with desk.store.begin() as tx:
        if not columns:
            clear_alarm(tx, authority.name, code=UNKNOWN_CODES, subject="steps", at=now)
            return
        text = (
            f"{one.name}: {rows} values in {', '.join(columns)} have no meaning in the mapping; complete it, or name "
        )
        text += "them under [ignore]: the report in done lists them"
        raise_alarm(tx, authority.name, code=UNKNOWN_CODES, subject="steps", text=text, at=now)
