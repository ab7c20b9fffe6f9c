"""The proofs that every authority's plugin owes: `ehscheduler plugin test` and a plugin's own tests make them.

What may stand in examples.toml beside its [[example]] tables is said in `worked` and `sittings`. A plugin's package has
policy.toml and, beside it:

    examples.toml          worked cases, counted by hand
    coverage.toml          every row of the document, and where it stands
    equivalent.toml        changes of the policy that no worked case can tell apart from it, each with the reason

and a plugin's folder has, beside its package and its pyproject.toml:

    README.md              with the tables of words, readings and coverage between their marks
    tests/test_NAME.py     parametrised by `worked`, `tables_with_mutants` and `PROOFS`, and what is the authority's own
    tests/rule_list.toml   if wanted: the `rows` of a rule list in order, and the rules that hold what it calls `timed`
    tests/standard/        if wanted: cases.csv, events.csv and asked.toml (`at`, `from`, `until`), and dates.txt, made
                           from them
"""

from ehscheduler.kit.contract import through_files
from ehscheduler.kit.coverage import coverage_faults, example_faults, reading_faults
from ehscheduler.kit.ladders import ladder_faults
from ehscheduler.kit.mutants import mutant_faults, tables_with_mutants
from ehscheduler.kit.plugin import Plugin, plugin
from ehscheduler.kit.proofs import PROOFS, Proof, name_of
from ehscheduler.kit.readme import readme_faults
from ehscheduler.kit.snapshot import snapshot_faults
from ehscheduler.kit.templates import template_faults
from ehscheduler.kit.worked import Worked

__all__ = [
    "PROOFS",
    "Plugin",
    "Proof",
    "Worked",
    "coverage_faults",
    "example_faults",
    "ladder_faults",
    "mutant_faults",
    "name_of",
    "plugin",
    "reading_faults",
    "readme_faults",
    "snapshot_faults",
    "tables_with_mutants",
    "template_faults",
    "through_files",
]
