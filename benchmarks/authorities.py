"""How long `timeline` takes for 10,000 random cases of every installed authority, one after another.

Run it with `.venv/bin/python benchmarks/authorities.py`. The cases hold every word and value that the policy asks for,
so nearly every rule is at work on each of them; the ratio is to a dull reading and writing of the same files.
"""

import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from timeline import DULL, measured

from ehscheduler.kit.random_cases import write_random_cases
from ehscheduler.plugins import installed, load

CASES, SEED, AT = 10_000, 1, "2026-06-30"


def main(say: Callable[[str], object] = print) -> None:
    """Time each authority and say the figures, and how long they took together."""
    together = 0.0
    for name in installed():
        with tempfile.TemporaryDirectory() as folder:
            cases, events = write_random_cases(Path(folder), load(name).policy, seed=SEED, cases=CASES)
            ask = [sys.executable, "-m", "ehscheduler.app", "timeline", "--authority", name, "--at", AT]
            out = Path(folder) / "ours.json"
            ours = measured([*ask, "--cases", str(cases), "--events", str(events)], out, codes=(0, 1))
            dull = measured([sys.executable, "-c", DULL, str(cases), str(events)], Path(folder) / "dull.json")
            answer = json.loads(out.read_text(encoding="utf-8"))
        together += ours.seconds
        what = f"{len(answer['milestones']):,} milestones, {len(answer['warnings']):,} warnings"
        say(f"{name:18} {ours.seconds:6.2f} s, {ours.seconds / dull.seconds:5.1f} times the dull run; {what}")
    say(f"{'together':18} {together:6.2f} s")


if __name__ == "__main__":
    main()
