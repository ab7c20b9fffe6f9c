"""Run a kill campaign by hand: python -m tests.campaign --kills 1000 --seed 7. Prints its figures as JSON."""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.campaign.life import VARIANTS
from tests.campaign.rounds import campaign


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.campaign", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--days", type=int, default=21, help="simulated days a round")
    parser.add_argument("--per-round", type=int, default=50, help="kills a round, at most")
    parser.add_argument("--variant", choices=list(VARIANTS), default="as it is")
    parser.add_argument("--folder", type=Path, help="where databases, feeds and sinks' logs are left; none without it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        report = campaign(
            options.folder or Path(scratch),
            seed=options.seed,
            kills=options.kills,
            days=options.days,
            variant=options.variant,
            per_round=options.per_round,
        )
    json.dump({"figures": report.figures(), "sentences": report.sentences()}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
