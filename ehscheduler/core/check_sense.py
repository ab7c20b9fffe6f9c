"""What a rule says of itself must fit together: it can be met, it can run over, and its words have a meaning."""

from collections.abc import Iterator

from ehscheduler.core.policy import Policy, Rhythm, Standard
from ehscheduler.core.read_rules import WITHDRAWN


def sense_of(policy: Policy, rule: Standard | Rhythm) -> Iterator[str]:
    """Report what in a rule undoes the rest of it, as sentences."""
    yield from _undone(rule)


def _undone(rule: Standard | Rhythm) -> Iterator[str]:
    """Report an event that both meets a rule and takes it away; an earlier one takes it away before a later meets it.

    That a dispute may be withdrawn is added to every rule that is decided: nobody wrote it.
    """
    for met in rule.met_by:
        for gone in rule.unless:
            if gone == WITHDRAWN and rule.decided_by:
                continue
            if gone.name == met.name and gone.n <= met.n:
                yield f"met_by and unless both name {met.name}: what would meet it cancels it; leave one of them"
