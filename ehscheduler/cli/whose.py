"""Which authority a command is about: the one that is named, the one that is at home here, or the case's own."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING, TypeVar

import typer

from ehscheduler import clock
from ehscheduler.core.calendars import london_day
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import ConfigRefused, EhsError, InputRefused, PolicyRefused
from ehscheduler.fitting import fitted, strangers
from ehscheduler.plugins import Authority, installed, load
from ehscheduler.store.cases import authorities, case_of, case_refs
from ehscheduler.store.people import people_of

if TYPE_CHECKING:
    from ehscheduler.config import Config
    from ehscheduler.store.store import Store

T = TypeVar("T")
NAME_ONE = "name one with --authority"


def at_home(store: "Store") -> list[str]:
    """Name the authorities that have cases in the database; where none has, those that have people."""
    with store.read() as tx:
        return authorities(tx) or [name for name in installed() if people_of(tx, name)]


def one_authority(name: str, config: "Config", store: "Store") -> Authority:
    """Load the authority that is meant, as configured: named, or the only one at home, configured or installed."""
    return fitted(load(name or _meant(config, store)), config, _today())


def _today() -> date:
    return london_day(clock.now())


def _meant(config: "Config", store: "Store") -> str:
    here = at_home(store)
    if len(here) > 1:
        raise InputRefused([f"several authorities are in this database ({', '.join(here)}); {NAME_ONE}"])
    known = installed()
    for only in (here, [name for name in config.named() if name in known], known):
        if len(only) == 1:
            return only[0]
    if known:
        raise InputRefused([f"several authorities are installed ({', '.join(known)}); {NAME_ONE}"])
    return ""


def authority_of(case_ref: str, name: str, config: "Config", store: "Store") -> Authority:
    """Load the authority that is meant by a case: the one named, the only one at home, or the one that has the case."""
    here = [] if name else at_home(store)
    if len(here) < 2:
        return one_authority(name, config, store)
    with store.read() as tx:
        having = [one for one in here if case_of(tx, one, case_ref)]
        if not having:
            listed = f"{', '.join(here[:-1])} and {here[-1]} have no case {case_ref!r}"
            known = {ref for one in here for ref in case_refs(tx, one)}
            raise InputRefused([f"{listed}{nearest(case_ref, known)}"])
    if len(having) > 1:
        listed = f"{', '.join(having[:-1])} and {having[-1]}"
        raise InputRefused([f"case {case_ref!r} is in {listed}; {NAME_ONE}"])
    return fitted(load(having[0]), config, _today())


class Roster:
    """The authorities that a list is about, and those that had to be left out, each named on standard error."""

    def __init__(self, names: Iterable[str], config: "Config") -> None:
        self.found: dict[str, Authority] = {}
        self.faults: dict[str, str] = {}
        for name in names:
            try:
                self.found[name] = fitted(load(name), config, _today())
            except EhsError as error:
                self.faults[name] = str(error)
        if self.faults and not self.found:
            raise PolicyRefused([line for said in self.faults.values() for line in said.splitlines()])
        for said in self.faults.values():
            typer.echo(said, err=True)

    def ask(self, question: Callable[[Authority], T]) -> dict[str, T]:
        """Ask each authority; one that has no answer is left out, and raises where it is the only one."""
        answers = {}
        for name, one in list(self.found.items()):
            try:
                answers[name] = question(one)
            except EhsError as error:
                if len(self.found) == 1:
                    raise
                self.faults[name] = f"{name}: {error}"
                typer.echo(self.faults[name], err=True)
        return answers

    def end(self) -> None:
        """End the command with exit code 1 where an authority was left out."""
        if self.faults:
            raise typer.Exit(1)


def listed(name: str, config: "Config", store: "Store") -> Roster:
    """Load the authorities of a list: the one named, else all that are at home."""
    names = [name] if name else at_home(store)
    if not names and not installed():
        load("")  # says that there is none
    return Roster(names, config)


def all_authorities(config: "Config", at_home: Iterable[str] = ()) -> Roster:
    """Load every authority that is installed, or at home in the database; one that is faulty harms no other.

    A name under [live] that is not installed is refused: spelt wrongly, it would send what it means to hold back.
    """
    known = installed()
    unknown = strangers(config, known)
    if stray := [line for line in unknown if line.startswith("[live.")]:
        raise ConfigRefused(stray)
    for line in unknown:
        typer.echo(line, err=True)
    if not known:
        raise PolicyRefused(["no authority can be used; install one with: pip install ./plugins/NAME"])
    return Roster(sorted({*known, *at_home}), config)
