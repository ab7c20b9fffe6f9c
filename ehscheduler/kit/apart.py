"""Proves a plugin in a process of its own, so that one that hangs, prints or ends its process ends nothing else."""

import os
import re
import sys
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection

from ehscheduler.errors import EhsError, PolicyRefused, where
from ehscheduler.kit.lines import with_line
from ehscheduler.kit.local import package_of
from ehscheduler.kit.plugin import plugin
from ehscheduler.kit.readme import renew_readme
from ehscheduler.kit.report import Asked, Proved, prove
from ehscheduler.kit.snapshot import renew_snapshot

PATIENCE = 60.0
"""Seconds without a word after which a plugin is taken to hang; ours. A single step takes far less than one."""


def prove_apart(
    which: str, *, at_least: int = 100, renew: bool = False, patience: float = PATIENCE
) -> Iterator[Proved]:
    """Yield each proof of a plugin as it is done; raise PolicyRefused where it cannot be loaded, hangs or dies."""
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, which, at_least, renew), daemon=True)
    process.start()
    theirs.close()
    try:
        yield from _heard(ours, which, patience)
    finally:
        process.kill()
        process.join()
        ours.close()


def _heard(ours: Connection, which: str, patience: float) -> Iterator[Proved]:
    done = "it was started"
    while True:
        if not ours.poll(patience):
            said = f"nothing came for {patience:g} seconds after {done}"
            raise PolicyRefused([f"{which}: {said}; find what the plugin's own Python waits for"])
        try:
            said = ours.recv()
        except EOFError:
            said = f"its process ended after {done}"
            raise PolicyRefused([f"{which}: {said}; take out of the plugin's own Python what ends it"]) from None
        if isinstance(said, list):
            raise PolicyRefused(said)
        if isinstance(said, Proved):
            done = f"'{said.title}'"
            yield said
        elif said == "loaded":
            done = "it was loaded"
        elif said == "done":
            return


def _work(theirs: Connection, which: str, at_least: int, renew: bool) -> None:
    """Prove a plugin and send what comes of it, or a list of faults; what its code prints goes nowhere."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, sys.stdout.fileno() if sys.stdout else 1)
    os.dup2(quiet, 2)
    try:
        chosen = plugin(which)
        theirs.send("loaded")
        if renew:
            renew_readme(chosen)
            renew_snapshot(chosen)
        for proved in prove(Asked(chosen, lambda: theirs.send("beat"), at_least)):
            theirs.send(proved)
        theirs.send("done")
    except EhsError as error:
        theirs.send([_plainly(fault, which) for fault in str(error).splitlines()])
    except Exception as error:  # the parent says it, and has no other word of it
        theirs.send([f"{which}: could not be proved ({where(error)}: {error}); mend that, or report it"])


def _plainly(fault: str, which: str) -> str:
    """Say a fault of loading with its line, and without the plugin's name before the name of its file."""
    package = package_of(which)
    bare = re.sub(r"^plugin '[^']*': (?=[\w.-]+\.toml)", "", fault)
    return with_line(bare, package) if package else bare
