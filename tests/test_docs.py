"""The pages say what is so: each command is one, each setting is taken, each link leads somewhere."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.main import get_command

from ehscheduler.cli import app
from ehscheduler.cli.figures import exposition
from ehscheduler.config import config_from
from ehscheduler.fitting import fitted, strangers
from ehscheduler.plugins import installed, load
from ehscheduler.store.schema import metadata
from tests.feeds.test_bad_nights import BAD

ROOT = Path(__file__).parent.parent
PAGES = sorted((ROOT / "docs").glob("**/*.md"))
FOR_IT = [ROOT / "docs" / f"{name}.md" for name in ("install", "run", "feeds", "upgrade", "data-protection")]
FENCED = re.compile(r"(?ms)^```(\w*)\n(.*?)^```$")
SHELL = ("", "sh", "bash", "cron")
DAY = date(2026, 12, 10)


def ids(page: Path) -> str:
    return page.name


@dataclass(frozen=True)
class Line:
    """One command that a page shows: its words, without what the shell makes of its answer."""

    page: Path
    words: tuple[str, ...]
    in_text: bool = False

    @property
    def ours(self) -> tuple[str, ...] | None:
        """Return what the program itself is given; None where the command is another's."""
        program, *given = self.words
        if program == "podman" and given[0] in ("run", "exec"):
            given = given[len(given) - given[::-1].index("ehscheduler") :]
            return tuple(given) or ("run",)
        return tuple(given) if Path(program).name == "ehscheduler" else None


def lines_of(page: Path) -> Iterator[Line]:
    """Yield every command in the blocks of a page, and those of ours that stand in its text."""
    text = page.read_text(encoding="utf-8")
    for language, block in FENCED.findall(text):
        if language in SHELL:
            for line in block.splitlines():
                yield from (Line(page, words) for words in commands(line))
    for code in re.findall(r"`(ehscheduler [^`]+)`", FENCED.sub("", text)):
        yield Line(page, tuple(shlex.split(code)), in_text=True)


def commands(line: str) -> Iterator[tuple[str, ...]]:
    """Split a line of shell into its commands; what follows `>` is not theirs."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.commenters, lexer.whitespace_split = "#", True
    words: list[str] = []
    for word in [*lexer, ";"]:
        if set(word) <= set(";&|()"):
            kept = words[: words.index(">")] if ">" in words else words
            if kept:
                yield tuple(kept)
            words = []
        else:
            words.append(word)


def parse(words: tuple[str, ...]) -> str:
    """Let the command line read a command, and do nothing; return its name. Raises what the reader would see."""
    command: Any = get_command(app)
    context = command.make_context("ehscheduler", list(words))
    while context._protected_args:
        rest = [*context._protected_args, *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
    return str(context.command_path)


LINES = [line for page in PAGES for line in lines_of(page)]


def test_the_pages_show_commands() -> None:
    assert len([line for line in LINES if line.ours]) > 25
    assert {line.page for line in LINES} >= set(FOR_IT)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_command_is_one_with_these_options(page: Path) -> None:
    for line in lines_of(page):
        if line.ours:
            with suppress(*((typer.BadParameter,) if line.in_text else ())):  # a text may name it without a file
                assert parse(line.ours)


@pytest.mark.parametrize(
    "words", [("restor", "x"), ("backup",), ("status", "--watch"), ("policy", "shew"), ("tick", "x")]
)
def test_a_command_that_is_none_is_noticed(words: tuple[str, ...]) -> None:
    with pytest.raises(Exception, match=r"(?i)no such|missing|unexpected"):
        parse(words)


@pytest.mark.parametrize("page", FOR_IT, ids=ids)
def test_every_setting_is_one_that_its_authority_takes(page: Path) -> None:
    for language, block in FENCED.findall(page.read_text(encoding="utf-8")):
        if language != "toml":
            continue
        config = config_from(tomllib.loads(block), page.name)
        assert strangers(config, installed()) == []
        for name in {*config.live, *config.feeds, *config.drop}:
            fitted(load(name), config, DAY)


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_file_of_the_clone_that_a_command_names_is_there(page: Path) -> None:
    ours = re.compile(r"(\./)?(deploy|plugins|docs|benchmarks)/|constraints\.txt$")
    for word in (word for line in lines_of(page) for word in line.words if ours.match(word)):
        assert list(ROOT.glob(word)), f"{page.name}: {word}"


def test_every_unit_that_a_command_names_is_shipped() -> None:
    units = {
        word if "." in word else f"{word}.service"
        for line in LINES
        if line.words[0] == "systemctl"
        for word in line.words[2:]
        if not word.startswith("-")
    }
    assert units == {"ehscheduler.service", "ehscheduler-backup.timer"}
    for unit in units:
        assert (ROOT / "deploy" / unit).is_file()


# ---- links


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as the places make them that show Markdown."""
    headings = re.findall(r"(?m)^#+ (.*)$", FENCED.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=ids)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = FENCED.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\((?!http)([^)]*)\)", text):
        file, _, anchor = target.partition("#")
        to = page.parent / file if file else page
        assert to.exists(), target
        assert not anchor or anchor in anchors(to), target


@pytest.mark.parametrize("page", FOR_IT, ids=ids)
def test_a_page_for_it_is_a_page_and_the_readme_leads_to_it(page: Path) -> None:
    assert page.read_text(encoding="utf-8").count("\n") <= 90
    assert f"](docs/{page.name})" in (ROOT / "README.md").read_text(encoding="utf-8")


# ---- what the pages say of the program


def test_data_protection_says_of_every_table_what_it_holds() -> None:
    text = (ROOT / "docs" / "data-protection.md").read_text(encoding="utf-8")
    held = text[text.index("## What is held") : text.index("**What never enters**")]
    cells = re.findall(r"(?m)^\| (`.*?) \|", held)
    assert sorted(name for cell in cells for name in re.findall(r"`(\w+)`", cell)) == sorted(metadata.tables)


def test_every_figure_that_is_named_is_one() -> None:
    text = (ROOT / "docs" / "run.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\behscheduler_\w+", text))
    assert named
    assert named <= set(re.findall(r"# TYPE (\S+)", exposition([], [], held=False)))


SAID = [why for _, _, why in BAD]


@pytest.mark.parametrize("said", SAID, ids=[name for name, _, _ in BAD])
def test_feeds_has_a_next_step_for_every_bad_night(said: str) -> None:
    text = (ROOT / "docs" / "feeds.md").read_text(encoding="utf-8")
    table = text[text.index("| the report says") :]
    cells = re.findall(r"(?m)^\| ([^|]+) \| ([^|]+) \|$", table)[1:]
    phrases = [re.escape(part).replace("…", ".*") for cell, _ in cells for part in re.split(r"; |(?<=\?) ", cell)]
    assert any(re.search(phrase, said) for phrase in phrases), said
