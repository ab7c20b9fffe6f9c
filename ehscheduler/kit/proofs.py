"""The proofs that look at a plugin's files as a whole, in the order in which a person would want to hear of faults."""

from collections.abc import Callable

from ehscheduler.kit.coverage import coverage_faults, example_faults, reading_faults, word_faults
from ehscheduler.kit.ladders import ladder_faults
from ehscheduler.kit.mutants import equivalent_faults
from ehscheduler.kit.plugin import Plugin
from ehscheduler.kit.properties import Found, chosen, tried
from ehscheduler.kit.readme import readme_faults
from ehscheduler.kit.snapshot import snapshot_faults
from ehscheduler.kit.templates import template_faults
from ehscheduler.kit.worked import Worked

Proof = Callable[[Plugin], list[str]]


def worked_faults(plugin: Plugin) -> list[str]:
    """Say where the core counts otherwise than the hand: such a case would kill every mutant."""
    return [said for worked in plugin.worked for said in worked.wrong(plugin.policy, plugin.calendar)]


def property_faults(plugin: Plugin) -> list[str]:
    """Say which rule does not keep what any protocol keeps, on the hard days of the calendar."""
    found = Found()
    for worked in chosen(plugin):
        tried(plugin, worked, found)
    return list(found.faults.values())


PROOFS: tuple[Proof, ...] = (
    ladder_faults,
    worked_faults,
    coverage_faults,
    word_faults,
    reading_faults,
    example_faults,
    readme_faults,
    snapshot_faults,
    equivalent_faults,
    template_faults,
    property_faults,
)


def name_of(one: Worked | Proof) -> str:
    """Name a worked case or a proof as a test's id: its rule and place, or what it looks for."""
    if callable(one):
        return one.__name__
    return f"{one.rule}-{one.place.split()[-1]}"
