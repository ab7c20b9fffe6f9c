"""The product's daemon in a process of its own, by a clock that stands in a file: python -m tests.campaign.clocked.

A test moves its time on by writing the file; all else is as `ehscheduler run` has it.
"""

import logging
import random
import sys
from datetime import datetime
from pathlib import Path

from ehscheduler.config import read_config
from ehscheduler.daemon.build import desk_of
from ehscheduler.daemon.run import Daemon
from ehscheduler.errors import EhsError
from ehscheduler.plugins import load
from ehscheduler.store import Store
from tests.campaign.workload import AUTHORITY

BUSY_SECONDS = 0.3


def main(config: Path, clock: Path, worker: str) -> None:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(name)s %(message)s")
    settings = read_config(config)
    authority = load(AUTHORITY)
    with Store.open(settings.database.url, busy_seconds=BUSY_SECONDS) as store:
        desk = desk_of(settings, store, {AUTHORITY: authority}, worker)
        Daemon(desk, lambda: datetime.fromisoformat(clock.read_text()), rng=random.Random(1)).run()


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
    except EhsError as error:
        sys.exit(str(error))
