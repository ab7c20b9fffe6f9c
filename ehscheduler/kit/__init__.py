"""The proofs that every authority's plugin owes, written once; a plugin's own tests call them.

`python -m ehscheduler.kit AUTHORITY` says what a plugin's files want, and with `--write` renews what is made from them.

What may stand in examples.toml beside its [[example]] tables is said in `worked` and `sittings`. A plugin's folder has,
beside its package with policy.toml, examples.toml and coverage.toml:

    README.md              with the tables of words, readings and coverage between their marks
    tests/rule_list.toml   the `rows` of the rule list in order, and the rules that hold what it calls `timed`
    tests/equivalent.toml  mutants that no worked case can tell apart from the policy, each with the reason
    tests/standard/        cases.csv, events.csv and asked.toml (`at`, `from`, `until`); dates.txt is made from them
    tests/test_NAME.py     parametrised by `worked`, `tables_with_mutants` and `PROOFS`, and what is the authority's own
"""

from ehscheduler.kit.contract import through_files
from ehscheduler.kit.coverage import coverage_faults, example_faults, reading_faults
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
