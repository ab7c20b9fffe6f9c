"""What the campaign's tests share: the seed, and how a campaign is run and what it says is shown."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent.parent
A_CAMPAIGN_ENDS_WITHIN = 1500

Figures = Mapping[str, Any]
Campaign = Callable[..., Mapping[str, Mapping[str, Any]]]


@pytest.fixture(scope="session")
def seed() -> int:
    """Give the seed of every random choice: EHS_SEED where it is set, so that a run's choices can be made again."""
    return int(os.environ.get("EHS_SEED") or random.SystemRandom().randrange(10**6))


@pytest.fixture(scope="session")
def campaign(seed: int) -> Campaign:
    """Run a campaign in a process of its own, which has no threads and so may fork."""

    def run(**options: int) -> Mapping[str, Mapping[str, Any]]:
        command = [sys.executable, "-m", "tests.campaign", "--seed", str(seed)]
        command += [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=A_CAMPAIGN_ENDS_WITHIN)
        assert done.returncode == 0, f"seed {seed}:\n{done.stderr[-4000:]}"
        said: Mapping[str, Mapping[str, Any]] = json.loads(done.stdout)
        return said

    return run


@pytest.fixture
def show(record_property: Callable[[str, object], None]) -> Callable[[Figures], None]:
    """Show a run's figures in the summary, whatever became of it."""

    def write(figures: Figures) -> None:
        record_property("figures", ", ".join(f"{name} {value}" for name, value in figures.items()))

    return write
