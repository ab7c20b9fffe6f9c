"""Worked cases through the machine contract: files in; timeline rows, notices, warnings, team and workload out."""

import io
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

from ehscheduler import pure
from ehscheduler.core.examples import NONE
from ehscheduler.kit.plugin import Plugin
from ehscheduler.kit.rows import write_files
from ehscheduler.kit.sittings import Sitting
from ehscheduler.kit.worked import FIRST_DAY, Counted, Worked, Workload
from ehscheduler.plugins import Authority

Answer = Mapping[str, Any]


def through_files(plugin: Plugin, worked: Worked, folder: Path) -> list[str]:
    """Return, as sentences, where the product answers otherwise than the hand counted; `folder` is for the files."""
    with loaded(plugin):
        if isinstance(worked, Counted):
            found = _counted(plugin, worked, folder)
        elif isinstance(worked, Workload) and not {"role", "share"} & worked.table.keys():
            found = _workload(plugin, worked, folder)
        elif isinstance(worked, Sitting) and "moved" not in worked.table:
            found = _lost(plugin, worked, folder)
        else:  # no file of the contract gives a sitting that moved, or a worker's role or share; no team is printed yet
            return worked.wrong(plugin.policy, plugin.calendar)
        return [f"{worked.place}: {sentence}" for sentence in found]


@contextmanager
def loaded(plugin: Plugin) -> Iterator[None]:
    """Have the machine contract answer from this plugin, read once for all its worked cases."""

    def again(name: str) -> Authority:
        assert name == plugin.name  # noqa: S101 - the kit asks about one authority
        return plugin.authority

    with mock.patch.object(pure, "load", again):
        yield


def ask(write: Callable[..., int], plugin: Plugin, cases: Path, events: Path, *at: str) -> tuple[int, Answer]:
    """Ask the machine contract one question; return its exit code and its answer."""
    out = io.StringIO()
    code = write(out, plugin.name, cases, events, *at)
    answer: Answer = json.loads(out.getvalue())
    return code, answer


# ---- dates, notices and warnings of one case


def _counted(plugin: Plugin, worked: Counted, folder: Path) -> Iterator[str]:
    table, paths = worked.table, write_files(folder, [worked.sent])
    code, answer = ask(pure.write_timeline, plugin, *paths, str(table["at"]))
    yield from _rows(table, {row["key"]: row for row in answer["milestones"]})
    yield from _said("problem", _asked(plugin, worked.touches, answer["problems"]), table.get("problems", ()))
    if code != (1 if answer["problems"] else 0):
        yield f"the exit code is {code}"
    if "warnings" in table:
        yield from _said("warning", _own(plugin, worked.rule, answer["warnings"]), table["warnings"])
    if "notices" in table:
        _, answer = ask(pure.write_forecast, plugin, *paths, str(table["from"]), str(table["until"]))
        yield from _notices(table, answer["notices"])


def _rows(table: Answer, rows: Mapping[str, Answer]) -> Iterator[str]:
    for expected in table["expect"]:
        row = rows.get(expected["key"])
        if row is None:
            yield f"{expected['key']} is expected, and there is {', '.join(rows) or 'nothing'}"
            continue
        for name, wanted in expected.items():
            counted = row["met_at"] is not None if name == "met" else row[name]
            if _written(name, counted) != _written(name, wanted):
                yield f"{row['key']}: {name} is {_written(name, wanted)} by hand, and {_written(name, counted)} counted"
    yield from (f"{key} is there, and should not be" for key in table.get("absent", ()) if key in rows)


def _written(name: str, value: object) -> object:
    """Return a value as an example writes it: a time by the clock on the wall, and "none" where there is none."""
    if value is None:
        return NONE
    if isinstance(value, date):
        return value.isoformat()
    return value[:19] if isinstance(value, str) and (name == "at" or name.endswith("_at")) else value


def _said(kind: str, said: list[str], wanted: list[str] | tuple[()]) -> Iterator[str]:
    for part in wanted:
        if not any(part in sentence for sentence in said):
            yield f"no {kind} says {part!r}; there is {'; '.join(said) or 'none'}"
    for sentence in said:
        if not any(part in sentence for part in wanted):
            yield f"a {kind} that is not expected: {sentence}"


def _asked(plugin: Plugin, touches: Collection[str], said: list[str]) -> list[str]:
    """Leave out that other rules want a fact: a worked case gives those of its own."""
    others = tuple(f" {rule}: is not applied" for rule in plugin.policy.rules if rule not in touches)
    return [sentence for sentence in said if not any(other in sentence for other in others)]


def _own(plugin: Plugin, rule: str, said: list[str]) -> list[str]:
    """Leave out what other checks, and the policy as a whole, have to say."""
    others = tuple(f"C1: {check}:" for check in plugin.policy.checks if check != rule)
    return [s for s in said if not s.startswith((*others, f"{plugin.policy.file}: "))]


def _notices(table: Answer, told: list[Answer]) -> Iterator[str]:
    """Compare the notices of the rule; where some are listed, those of their kinds."""
    kinds = {notice["kind"] for notice in table["notices"]}
    found = [n for n in told if n["rule"] == table["rule"] and (not kinds or n["kind"] in kinds)]
    if len(found) != len(table["notices"]):
        yield f"{len(table['notices'])} notices by hand, and as counted {'; '.join(map(_notice, found)) or 'none'}"
        return
    for notice, wanted in zip(found, table["notices"], strict=True):
        if any(_written(n, notice[n]) != _written(n, value) for n, value in {"stage": NONE, **wanted}.items()):
            yield f"the notice {dict(wanted)} by hand is {_notice(notice)} as counted"


def _notice(notice: Answer) -> str:
    stage = f" {notice['stage']}" if notice["stage"] else ""
    return f"{notice['kind']}{stage} at {notice['at'][:19]} to {', '.join(notice['to_roles'])}"


# ---- sittings that are lost


def _lost(plugin: Plugin, worked: Sitting, folder: Path) -> Iterator[str]:
    yield from (said.removeprefix(f"{worked.place}: ") for said in worked.wrong(plugin.policy, plugin.calendar))
    if worked.told:
        paths = write_files(folder, [])
        _, answer = ask(pure.write_forecast, plugin, *paths, str(worked.table["from"]), str(worked.table["until"]))
        found = [(n["at"][:19], tuple(n["to_roles"])) for n in answer["notices"] if n["rule"] == worked.rule]
        if found != worked.told:
            yield f"told of {worked.told} by hand, and of {found} through the files"


# ---- how much one person holds


def _workload(plugin: Plugin, worked: Workload, folder: Path) -> Iterator[str]:
    """Ask on the day of each allocation what is told that day: a forecast knows no more than has happened."""
    paths, found = write_files(folder, worked.sent), []
    for n in range(len(worked.table["families"])):
        day = FIRST_DAY + timedelta(days=n)
        _, answer = ask(pure.write_forecast, plugin, *paths, day.isoformat(), (day + timedelta(days=1)).isoformat())
        told = [one for one in answer["notices"] if one["rule"] == worked.rule and one["kind"] == "limit"]
        found += [(one["case"], tuple(one["to_roles"])) for one in told]
        yield from _asked(plugin, worked.touches, answer["problems"])
    if found != worked.told:
        yield f"told of {worked.told} by hand, and of {found} as counted"
