"""The README says what is so: its first hour works when it is pasted, and it names every command."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from ehscheduler.cli import app
from ehscheduler.config import config_from
from ehscheduler.core.vocabulary import EVENTS, FACTS

README = Path(__file__).parent.parent / "README.md"
TEXT = README.read_text(encoding="utf-8")


def section(title: str) -> str:
    """Return a section of the README, from its heading to the next."""
    found = re.search(rf"^## {title}$(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    assert found, f"the README has no section {title!r}"
    return found[1]


def blocks(title: str) -> list[str]:
    return re.findall(r"^```\n(.*?)^```$", section(title), re.MULTILINE | re.DOTALL)


def pasted(text: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Paste a text into a shell that ends at the first command that fails."""
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    environment = {"PATH": path, "HOME": str(folder), "USER": "reader"}
    return subprocess.run(["bash", "-e"], input=text, cwd=folder, env=environment, capture_output=True, text=True)


def test_the_first_hour_and_the_commands_for_programs_work_when_they_are_pasted(tmp_path: Path) -> None:
    hour = "\n".join([*blocks("The first hour with your own data"), *blocks("For programs")])
    assert hour.count("ehscheduler ") > 10
    done = pasted(hour, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Set aside" not in done.stdout + done.stderr
    assert (tmp_path / "early-help" / "ehscheduler.db").exists()


WITH_SETTINGS = ["Going live", "Mail", "Slack, Teams, GOV.UK Notify, and what people prefer", "Run it"]


@pytest.mark.parametrize("title", WITH_SETTINGS)
def test_every_setting_that_the_readme_shows_is_one(title: str) -> None:
    import tomllib

    for block in blocks(title):
        config_from(tomllib.loads(block), "README.md")


def test_the_table_names_every_command_and_no_other() -> None:
    named = {
        word
        for row in re.findall(r"^\| (`.*?) \|", section("Commands"), re.MULTILINE)
        for word in re.findall(r"`(.*?)`", row)
    }
    known = get_command(app)
    commands = known.commands  # type: ignore[attr-defined]
    grouped = {"policy", "shadow", "plugin"} & set(commands)
    assert named == (set(commands) - grouped) | {f"{one} {name}" for one in grouped for name in commands[one].commands}


def test_every_file_that_the_readme_links_to_is_there() -> None:
    for target in re.findall(r"\]\((?!http)(.*?)\)", TEXT):
        assert (README.parent / target.partition("#")[0]).exists(), target


def test_every_shared_word_and_fact_is_explained_once() -> None:
    words = (README.parent / "docs" / "words.md").read_text(encoding="utf-8")
    first_cells = [cell for row in re.findall(r"(?m)^\| (`.*?) \|", words) for cell in re.findall(r"`([a-z_]+)`", row)]
    assert sorted(first_cells) == sorted([*EVENTS, *FACTS])
