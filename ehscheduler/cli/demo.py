"""demo: an invented service, eight weeks of it, and what the people in it received."""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from ehscheduler import clock
from ehscheduler.cli.common import app


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="Where it is played; made anew if a demo made it.")] = Path(
        "demo-out"
    ),
    until: Annotated[str, typer.Option("--until", help="Its last instant; now when left out.")] = "",
    weeks: Annotated[int, typer.Option("--weeks", min=1, max=13, help="How many weeks.")] = 8,
    seed: Annotated[int, typer.Option("--seed", help="The same seed and end give the same families.")] = 2,
) -> None:
    """Play an invented service. Weeks of it go by in a folder of their own, and what people received is shown."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    from ehscheduler.cli.demo_shown import show_demo
    from ehscheduler.demo.weeks import live_through
    from ehscheduler.pure import instant

    started = time.perf_counter()
    last = instant(until, "--until") if until else clock.now()
    bar = Progress(
        TextColumn("Living through the weeks"), BarColumn(), TaskProgressColumn(), console=Console(stderr=True),
        disable=not sys.stderr.isatty(), transient=True,
    )  # fmt: skip
    with bar:
        task = bar.add_task("live", total=None)
        lived = live_through(
            folder,
            now=last,
            seed=seed,
            weeks=weeks,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    show_demo(lived, started)
