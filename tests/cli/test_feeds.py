"""What an import and the doctor say of rules that nobody could meet."""

from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Cli
from tests.feeds.conftest import MAPPING, extract, row


def test_an_import_and_the_doctor_name_what_is_not_fed(cli: Cli, at: Callable[[str], None]) -> None:
    at("2026-11-20 10:00")
    cli("init", "--authority", "nottinghamshire")
    Path("steps.csv").write_text(extract(row(1, "Allocation", "F1", "12/11/2026")))
    Path("mapping.toml").write_text(MAPPING)
    said = cli("import", "--steps", "steps.csv", "--mapping", "mapping.toml", "--authority", "nottinghamshire").flat
    line = "is not fed: no source has sent assessment_completed; it is silent until then"
    assert f"Note: assessment (Child and Family Assessment completed) {line}" in said
    assert "confirm them with [live.nottinghamshire] fed" in said
    checked = cli("doctor").flat
    assert f"assessment (Child and Family Assessment completed) {line}: feed it, or confirm it with" in checked
    assert "not fed, and not begun on any case: " in checked


def test_somebody_who_has_looked_says_so(cli: Cli, at: Callable[[str], None]) -> None:
    at("2026-11-20 10:00")
    cli("init", "--authority", "nottinghamshire")
    Path("mapping.toml").write_text(MAPPING)
    words = ("import", "--steps", "steps.csv", "--mapping", "mapping.toml", "--authority", "nottinghamshire")
    for families, options, code in ((range(30), (), 0), (range(10), (), 1), (range(10), ("--believe",), 0)):
        rows = [row(n, "Allocation", f"F{n}", "12/11/2026") for n in families]
        Path("steps.csv").write_text(extract(*rows))
        said = cli(*words, *options)
        assert said.code == code, said.all
        assert ("import it by hand with --believe" in said.flat) is (code == 1)
