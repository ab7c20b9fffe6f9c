"""The command line as a person has it: words in, an exit code and two streams out."""

import functools
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import typer.main

from ehscheduler import app, clock
from ehscheduler.intake.caseload import Caseload, write_caseload
from tests.daemon.house import moment


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def all(self) -> str:
        return self.out + self.err

    @property
    def flat(self) -> str:
        """Return all of it on one line, as it would read without folding."""
        return " ".join(self.all.split())


Cli = Callable[..., Said]
made_once = functools.cache(typer.main.get_command)
"""The commands as they are asked for on a command line, which makes them anew each time; here a test asks often."""


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the clock of all commands to a London time."""
    now: list[datetime] = [moment("2026-07-06 10:00")]
    monkeypatch.setattr(clock, "now", lambda: now[0])

    def put(text: str) -> None:
        now[0] = moment(text)

    return put


@pytest.fixture
def cli(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    at: Callable[[str], None],
) -> Iterator[Cli]:
    """Run a command in a folder of its own; nothing that it says may be a traceback."""
    root = logging.getLogger("ehscheduler")
    before = (root.handlers, root.level, root.propagate)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setattr(typer.main, "get_command", made_once)
    monkeypatch.delenv("EHS_CONFIG", raising=False)

    def run(*words: Any) -> Said:
        monkeypatch.setattr(sys, "argv", ["ehscheduler", *map(str, words)])
        capsys.readouterr()
        code = 0
        try:
            app.main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
        caught = capsys.readouterr()
        said = Said(code, caught.out, caught.err)
        assert "Traceback" not in said.all
        assert "that should not" not in said.all, said.all
        return said

    yield run
    root.handlers, root.level, root.propagate = before


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Caseload:
    return write_caseload(tmp_path_factory.mktemp("caseload"), seed=11, families=12, start=date(2026, 1, 5))


@pytest.fixture
def council(cli: Cli, written: Caseload) -> Cli:
    """A council that has been set up and has imported its extract and its people."""
    assert cli("init", "--authority", "nottinghamshire").code == 0
    said = cli("import", "--steps", written.extract, "--mapping", written.mapping, "--people", written.people)
    assert said.code == 0, said.all
    return cli
