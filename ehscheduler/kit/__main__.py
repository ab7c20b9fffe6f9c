"""`python -m ehscheduler.kit AUTHORITY [--write]`: what a plugin's files want, and what is made from them."""

import argparse
import sys

from ehscheduler.errors import EhsError
from ehscheduler.kit.mutants import mutant_faults, tables_with_mutants
from ehscheduler.kit.plugin import Plugin, plugin
from ehscheduler.kit.proofs import PROOFS
from ehscheduler.kit.readme import renew_readme
from ehscheduler.kit.snapshot import renew_snapshot


def main() -> int:
    """Say every fault; return 1 if there is one."""
    asked = argparse.ArgumentParser(prog="python -m ehscheduler.kit", description=__doc__)
    asked.add_argument("authority", help="the name of an installed authority")
    asked.add_argument("--write", action="store_true", help="renew the README's tables and the standard cases' dates")
    given = asked.parse_args()
    try:
        chosen = plugin(given.authority)
        if given.write:
            renew_readme(chosen)
            renew_snapshot(chosen)
        faults = _faults(chosen)
    except EhsError as error:
        faults = str(error).splitlines()
    sys.stdout.write("".join(f"{fault}\n" for fault in faults or ["All is well."]))
    return 1 if faults else 0


def _faults(chosen: Plugin) -> list[str]:
    faults = [fault for proof in PROOFS for fault in proof(chosen)]
    return [*faults, *(fault for table in tables_with_mutants(chosen) for fault in mutant_faults(chosen, table))]


if __name__ == "__main__":
    sys.exit(main())
