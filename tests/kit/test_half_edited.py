"""A plugin that was half edited is said in sentences, whatever stands in its files: never a traceback."""

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from ehscheduler.errors import EhsError
from ehscheduler.kit import Plugin
from ehscheduler.kit.local import local
from ehscheduler.kit.new import write_plugin
from ehscheduler.kit.report import Asked, prove

FILES = ("ehs_ashford/policy.toml", "ehs_ashford/examples.toml", "ehs_ashford/coverage.toml", "pyproject.toml")
VALUES = (
    '""',
    "3",
    "-1",
    "true",
    "[]",
    "{}",
    "[1, 2]",
    '["x"]',
    "2026-03-02",
    '"each x"',
    '{ x = "y" }',
    "nan",
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sound") / "ashford"
    write_plugin("ashford", folder)
    return folder


def faults(folder: Path) -> list[str]:
    """Prove a plugin as the command does, but for the last proof, which can only say more of the same."""
    try:
        plugin = Plugin(local(folder))
    except EhsError as error:
        return str(error).splitlines()
    return [fault for one in prove(Asked(plugin, at_least=0)) for fault in one.faults]


def gone(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines))
    return lines[:at] + lines[at + 1 :]


def cut(random: Random, lines: list[str]) -> list[str]:
    text = "\n".join(lines)
    return text[: random.randrange(len(text))].split("\n")


def twice(random: Random, lines: list[str]) -> list[str]:
    at = random.randrange(len(lines))
    return [*lines[: at + 1], *lines[at:]]


def other(random: Random, lines: list[str]) -> list[str]:
    at = random.choice([n for n, line in enumerate(lines) if " = " in line and not line.startswith("#")])
    return [*lines[:at], f"{lines[at].split(' = ')[0]} = {random.choice(VALUES)}", *lines[at + 1 :]]


def letter(random: Random, lines: list[str]) -> list[str]:
    at = random.choice([n for n, line in enumerate(lines) if line and not line.startswith("#")])
    spot = random.randrange(len(lines[at]))
    return [*lines[:at], lines[at][:spot] + random.choice('x"]}=7') + lines[at][spot + 1 :], *lines[at + 1 :]]


EDITS: tuple[Callable[[Random, list[str]], list[str]], ...] = (gone, cut, twice, other, letter)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_any_slip_in_a_file_is_a_sentence_or_changes_nothing(
    sound: Path, tmp_path: Path, file: str, edit: Callable[[Random, list[str]], list[str]]
) -> None:
    random, said = Random(file + edit.__name__), 0
    whole = (sound / file).read_text(encoding="utf-8")
    for n in range(40):
        if said == 2:
            return
        folder = tmp_path / str(n)
        shutil.copytree(sound, folder)
        (folder / file).write_text("\n".join(edit(random, whole.split("\n"))), encoding="utf-8")
        found = faults(folder)
        said += bool(found)
        for fault in found:
            assert any(mark in fault for mark in (".toml", "README", "plugin 'ashford'", "ashford")), fault
            assert "Traceback" not in fault
            assert len(fault) > 20
    pytest.fail(f"{file}: only {said} of 40 slips were said")


def test_a_file_that_is_no_text_is_said(sound: Path, tmp_path: Path) -> None:
    for file in (*FILES, "README.md", "ehs_ashford/equivalent.toml"):
        folder = tmp_path / file.replace("/", "-")
        shutil.copytree(sound, folder)
        (folder / file).write_bytes(b"\xff\xfe\x00")
        assert any("cannot be read as UTF-8 text" in fault for fault in faults(folder)), file


@pytest.mark.parametrize("file", [*FILES, "ehs_ashford/__init__.py", "README.md"])
def test_a_file_that_is_missing_is_said(sound: Path, tmp_path: Path, file: str) -> None:
    shutil.copytree(sound, tmp_path / "ashford")
    (tmp_path / "ashford" / file).unlink()
    assert faults(tmp_path / "ashford")
