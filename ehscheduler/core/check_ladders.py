"""What a ladder must be: somebody stands on it in every case, and each rung ends after those below it."""

from collections.abc import Iterator

from ehscheduler.core.policy import Ladder


def sense_of_ladder(ladder: Ladder) -> Iterator[str]:
    """Report a ladder that cannot be climbed as it is written, as sentences."""
    yield from _on_a_condition(ladder)


def _on_a_condition(ladder: Ladder) -> Iterator[str]:
    """Report a single step with a condition; several with conditions may share the cases out between them."""
    if len(ladder.steps) == 1 and ladder.steps[0].where is not None:
        yield "step 1: is the only one and has a condition, so it may reach nobody; drop where, or add a step"
