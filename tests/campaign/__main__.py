"""Run a kill campaign by hand: python -m tests.campaign --kills 1000 --seed 7. Prints its figures as JSON."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.campaign.rounds import Plan, campaign


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--days", type=int, default=21, help="simulated days a round")
    parser.add_argument("--per-round", type=int, default=50, help="kills a round, at most")
    parser.add_argument("--of-wrong-copy", type=int, default=0, help="kills of a copy that marks before it sends")
    parser.add_argument("--folder", type=Path, help="where databases, feeds and sinks' logs are left; none without it")
    options = parser.parse_args()
    plan = Plan(options.kills, options.days, options.per_round, options.of_wrong_copy)
    with tempfile.TemporaryDirectory() as scratch:
        reports = campaign(options.folder or Path(scratch), options.seed, plan)
    said = {name: {"figures": r.figures(), "sentences": r.sentences()} for name, r in reports.items() if r.accounts}
    json.dump(said, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
