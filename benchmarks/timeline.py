"""How long `timeline` takes for 10,000 cases and 100,000 events, beside a dull reading and writing of the same files.

Run it with `.venv/bin/python benchmarks/timeline.py`. A machine's speed is no figure of ours: what can be compared
from one machine to another is the ratio of the two, taken in one run. No test fails by the clock.
"""

import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from ehscheduler.intake.caseload import write_caseload

CASES, EVENTS, SEED, ROUNDS = 10_000, 100_000, 1, 3
START, DAYS = date(2026, 3, 2), 120
DULL = """
import csv, json, sys
cases, events = sys.argv[1:3]
by_case = {}
for row in csv.DictReader(open(events, encoding="utf-8", newline="")):
    by_case.setdefault(row["case_ref"], []).append(row)
sys.stdout.write("[")
for row in csv.DictReader(open(cases, encoding="utf-8", newline="")):
    sys.stdout.write(json.dumps({**row, "events": by_case.get(row["case_ref"], [])}) + ",\\n")
sys.stdout.write("null]")
"""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a program, start to end: wall clock, processor, what it wrote, and the memory of all its processes."""

    seconds: float
    processor: float
    written: int
    memory: int


def make_files(folder: Path) -> tuple[Path, Path, str, int]:
    """Write cases.csv and events.csv of just so many rows; return them, the day to look on, and the count of cases."""
    made = write_caseload(folder, seed=SEED, families=CASES, start=START, days=DAYS)
    with made.events.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    recorded = header.index("recorded_at")
    # The events that were recorded last are left out, so that what stands is a caseload as it once was.
    kept = sorted(rows, key=lambda row: row[recorded])[:EVENTS]
    with made.events.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *kept])
    return made.cases, made.events, kept[-1][recorded], made.case_count


def measured(command: list[str], out: Path, *, codes: tuple[int, ...] = (0,)) -> Run:
    """Run a command into a file, watching the memory of it and its children where the system tells."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = [0]
    started = time.perf_counter()
    with out.open("wb") as file:
        running = subprocess.Popen(command, stdout=file)
        watch = threading.Thread(target=_watch, args=(running, peak))
        watch.start()
        code = running.wait()
        seconds = time.perf_counter() - started
        watch.join()
    assert code in codes, f"{command[0]} ended with {code}"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seconds, processor, out.stat().st_size, max(peak[0], 0))


def _watch(running: "subprocess.Popen[bytes]", peak: list[int]) -> None:
    while running.poll() is None:
        peak[0] = max(peak[0], sum(_proportional(pid) for pid in _family(running.pid)))
        time.sleep(0.2)


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return [pid]
    return [pid, *(one for child in children for one in _family(int(child)))]


def _proportional(pid: int) -> int:
    """Return a process's memory in KiB, its share of what it shares with others; 0 where the system does not tell."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def best(command: list[str], out: Path) -> Run:
    """Return the quickest of several runs, with the most memory that any took."""
    runs = [measured(command, out) for _ in range(ROUNDS)]
    quickest = min(runs, key=lambda run: run.seconds)
    return Run(quickest.seconds, quickest.processor, quickest.written, max(run.memory for run in runs))


def main(say: Callable[[str], object] = print) -> None:
    """Make the files, time both, and say the figures."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        cases, events, at, count = make_files(folder)
        timeline = [sys.executable, "-m", "ehscheduler.app", "timeline", "--authority", "nottinghamshire"]
        ours = best([*timeline, "--cases", str(cases), "--events", str(events), "--at", at], folder / "ours.json")
        dull = best([sys.executable, "-c", DULL, str(cases), str(events)], folder / "dull.json")
        answer = json.loads((folder / "ours.json").read_text(encoding="utf-8"))
    largest = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    say(f"{count:,} cases, {EVENTS:,} events, {len(answer['milestones']):,} milestones; {os.cpu_count()} processors")
    for name, run in (("timeline", ours), ("read and write", dull)):
        size = run.written / 1e6
        say(f"{name:16} {run.seconds:6.2f} s by the clock, {run.processor:6.2f} s of processor, {size:6.1f} MB of JSON")
    by_clock, by_processor = ours.seconds / dull.seconds, ours.processor / dull.processor
    say(f"{'ratio':16} {by_clock:6.1f}   by the clock, {by_processor:6.1f}   of processor")
    say(f"memory of timeline: {ours.memory // 1024} MiB in all processes, {largest // 1024} MiB in the largest alone")


if __name__ == "__main__":
    main()
