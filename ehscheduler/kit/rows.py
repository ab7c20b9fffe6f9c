"""Worked cases as files: the rows of cases.csv and events.csv that a council's system would send."""

import csv
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ehscheduler.core.events import Case, Event
from ehscheduler.core.policy import Policy
from ehscheduler.errors import InputRefused
from ehscheduler.intake.contract import read_contract

COLUMNS = ("case_ref", "event", "occurred_at", "recorded_at", "ref", "detail", "id")
LINE = re.compile(
    r"(?P<when>[^\s;]+)(?:;(?P<recorded>\S+))? (?P<word>[a-z][a-z0-9_]*)(?: #(?P<ref>\S+))?(?: (?P<detail>\{.*\}))?"
)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a source sends about one case: its facts as a worked case gives them, and its lines of events."""

    ref: str
    facts: Mapping[str, Any]
    lines: Sequence[str]


def write_files(folder: Path, sent: Sequence[Sent]) -> tuple[Path, Path]:
    """Write both files of the machine contract into a folder; return their paths."""
    names = list(dict.fromkeys(name for case in sent for name in case.facts))
    cases = [[case.ref, *(_cell(case.facts.get(name, "")) for name in names)] for case in sent]
    events = [_row(case.ref, line) for case in sent for line in case.lines]
    return (
        _write(folder / "cases.csv", ["case_ref", *names], cases),
        _write(folder / "events.csv", COLUMNS, events),
    )


def read_back(policy: Policy, sent: Sequence[Sent]) -> tuple[list[Case], dict[str, list[Event]]]:
    """Return cases and events as the product reads them from such files."""
    with TemporaryDirectory() as folder:
        paths = write_files(Path(folder), sent)
        return read_contract(*paths, facts=policy.facts, words=policy.recorded_words())


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)
    return path


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str).strip('"')


def _row(case: str, line: str) -> list[str]:
    found = LINE.fullmatch(line)
    if not found:
        raise InputRefused([f"{line!r} is not of the form 'WHEN event #ref {{detail}}'"])
    detail = json.loads(found["detail"] or "{}")
    id_ = detail.pop("id", "")
    said = json.dumps(detail) if detail else ""
    return [case, found["word"], found["when"], found["recorded"] or "", found["ref"] or "", said, id_]
