"""The conformance kit as one list: what was proved of a plugin, with how much of it, and what failed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from ehscheduler.errors import EhsError
from ehscheduler.kit.contract import through_files
from ehscheduler.kit.coverage import coverage_faults, example_faults, reading_faults, word_faults
from ehscheduler.kit.ladders import ladder_faults
from ehscheduler.kit.lines import with_line
from ehscheduler.kit.mutants import Tried, equivalent_faults, killing, living_faults, stale_faults, unnamed
from ehscheduler.kit.plugin import Plugin
from ehscheduler.kit.properties import Found, chosen, tried
from ehscheduler.kit.readme import readme_faults, tables
from ehscheduler.kit.snapshot import snapshot_faults, standard_folder
from ehscheduler.kit.templates import template_faults
from ehscheduler.notify.words import count_words

Beat = Callable[[], None]
"""Called often, so that whoever waits knows that something is still done."""


@dataclass(frozen=True, slots=True)
class Proved:
    """One proof: what it looked for, how much it saw, and what failed."""

    title: str
    said: str
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """What the proofs are asked: the plugin, the score that is enough, and whom to tell that they go on."""

    plugin: Plugin
    beat: Beat = lambda: None
    at_least: int = 100


Answer = tuple[str, Iterable[str]]
"""How much was seen, and what failed."""


def prove(asked: Asked) -> Iterator[Proved]:
    """Yield each proof of a plugin as it is done; one that rests on another that failed is left out, and says so."""
    failed = set[str]()
    for title, (proof, rests_on) in PROOFS.items():
        if rests_on in failed:
            yield Proved(title, f"left out until '{rests_on}' holds")
            continue
        try:
            said, faults = proof(asked)
        except EhsError as error:
            said, faults = "could not be looked at", str(error).splitlines()
        located = tuple(with_line(fault, asked.plugin.package) for fault in faults)
        failed |= {title} if located else set()
        yield Proved(title, said, located)


def _policy(asked: Asked) -> Answer:
    policy = asked.plugin.policy
    kinds = ("rule", "check", "route", "meeting", "limit", "ladder", "reading")
    counts = [count_words(n, kind) for kind in kinds if (n := len(getattr(policy, f"{kind}s")))]
    return f"{', '.join(counts)}; every word is declared", ladder_faults(asked.plugin)


def _worked(asked: Asked) -> Answer:
    plugin, faults = asked.plugin, list[str]()
    with TemporaryDirectory() as folder:
        for worked in plugin.worked:
            faults += [f"{said}; mend the case or the rule" for said in through_files(plugin, worked, Path(folder))]
            asked.beat()
    return f"{count_words(len(plugin.worked), 'case')} counted by hand, read from files as a source sends them", faults


def _each_way(asked: Asked) -> Answer:
    plugin = asked.plugin
    policy = plugin.policy
    shown = len(policy.rules) + len(policy.checks) + len(policy.routes) + len(policy.limits)
    rules = count_words(shown, "rule")
    return f"{rules}, each shown kept and not kept", example_faults(plugin)


def _coverage(asked: Asked) -> Answer:
    plugin = asked.plugin
    rows = plugin.coverage
    left = sum(1 for row in rows if row["as"] == "P")
    said = f"{count_words(len(rows), 'row')} of the document, {left} of them not encoded, with the reason"
    return said, coverage_faults(plugin)


def _words(asked: Asked) -> Answer:
    plugin = asked.plugin
    readings, own = plugin.policy.readings, len(plugin.tables.get("event", {}))
    unsigned = sum(1 for reading in readings.values() if not reading.signed_by)
    said = f"{count_words(own, 'word')} of its own; {count_words(len(readings), 'reading')}, {unsigned} not signed"
    return said, [*word_faults(plugin), *reading_faults(plugin)]


def _readme(asked: Asked) -> Answer:
    plugin = asked.plugin
    if plugin.root is None:
        return "not installed with it, so not looked at", ()
    return f"{len(tables(plugin))} tables, as the files say", readme_faults(plugin)


def _standard(asked: Asked) -> Answer:
    plugin = asked.plugin
    if standard_folder(plugin) is None:
        return "none, and none is wanted" if plugin.root else "not installed with it, so not looked at", ()
    return "every date and notice as written", snapshot_faults(plugin)


def _templates(asked: Asked) -> Answer:
    plugin = asked.plugin
    own = len(plugin.authority.templates)
    return (f"{own} of its own, tried empty and full" if own else "none of its own"), template_faults(plugin)


def _hard_days(asked: Asked) -> Answer:
    found = Found()
    for worked in chosen(asked.plugin):
        tried(asked.plugin, worked, found)
        asked.beat()
    said = f"{found.histories} histories over clock changes, Easter, the year's end and a leap day"
    return said, found.faults.values()


def _changes(asked: Asked) -> Answer:
    """Change the policy every way; what lives is a fault where the score is less than what is asked."""
    plugin = asked.plugin
    seen, unseen, living, faults = Tried(), 0, list[str](), equivalent_faults(plugin)
    for table in killing(plugin).named():
        one = killing(plugin).tried(table, asked.beat)
        seen.refused, seen.told = seen.refused + one.refused, seen.told + one.told
        seen.living += one.living
        unseen += len(unnamed(plugin, one))
        living += living_faults(plugin, table, one)
        faults += stale_faults(plugin, table, one)
    counted, same = seen.told + unseen, len(seen.living) - unseen
    score = 100 * seen.told // counted if counted else 100
    said = f"score {score} %: a worked case tells {seen.told} of {counted}"
    said += f"; {same} named as equivalent" if same else ""
    return said, [*faults, *(living if score < asked.at_least else ())]


CASES = "Worked cases"
PROOFS: dict[str, tuple[Callable[[Asked], Answer], str]] = {
    "Policy": (_policy, ""),
    CASES: (_worked, ""),
    "Each rule both ways": (_each_way, CASES),
    "Coverage": (_coverage, ""),
    "Words and readings": (_words, ""),
    "README": (_readme, "Coverage"),
    "Standard dates": (_standard, CASES),
    "Templates": (_templates, ""),
    "Hard days": (_hard_days, CASES),
    "Changes of the policy": (_changes, CASES),
}
"""Each proof by its title, with that on which it rests."""
