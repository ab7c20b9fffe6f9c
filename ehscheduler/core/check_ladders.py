"""What a ladder must be: somebody stands on it in every case, and each rung ends after those below it."""

from collections.abc import Iterator
from itertools import combinations

from ehscheduler.core.check_order import later
from ehscheduler.core.policy import Ladder, Step


def sense_of_ladder(ladder: Ladder) -> Iterator[str]:
    """Report a ladder that cannot be climbed as it is written, as sentences."""
    yield from _on_a_condition(ladder)
    for (m, below), (n, step) in combinations(enumerate(ladder.steps, 1), 2):
        if _in_one_case(below, step):
            yield from _final_below(m, below, n)
            yield from _ends_first(m, below, n, step)


def _on_a_condition(ladder: Ladder) -> Iterator[str]:
    """Report a single step with a condition; several with conditions may share the cases out between them."""
    if len(ladder.steps) == 1 and ladder.steps[0].where is not None:
        yield "step 1: is the only one and has a condition, so it may reach nobody; drop where, or add a step"


def _in_one_case(below: Step, step: Step) -> bool:
    """Tell whether some case surely has both steps; two conditions may exclude each other."""
    return below.where is None or step.where is None or below.where == step.where


def _final_below(m: int, below: Step, n: int) -> Iterator[str]:
    """Report a last step that another follows; the last of those that share the cases out are each final."""
    if below.final:
        yield f"step {m}: is final, and step {n} comes after it; only the last step of a case is final"


def _ends_first(m: int, below: Step, n: int, step: Step) -> Iterator[str]:
    """Report a rung whose time has run by the end of one below it; from step_reached each has time of its own."""
    own = step.due.anchor is not None and step.due.anchor.word == "step_reached"
    if not own and later(below.due, step.due, or_equal=True):
        over = f"step {m}, {below.due.text!r}"
        yield f"step {n}: {step.due.text!r} does not end after {over}; give the higher step more time"
