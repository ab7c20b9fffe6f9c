"""`acknowledge` as a person has it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.cli.test_commands import CASES, EVENTS, PEOPLE


@pytest.fixture
def small(cli: Cli, tmp_path: Path, at: Callable[[str], None]) -> Cli:
    """A council with one case that was allocated on Monday 1 June; it is Wednesday 3 June."""
    at("2026-06-03 10:00")
    for name, text in (("cases.csv", CASES), ("events.csv", EVENTS), ("people.csv", PEOPLE)):
        (tmp_path / name).write_text(text)
    cli("init", "--authority", "nottinghamshire")
    said = cli("import", "--cases", "cases.csv", "--events", "events.csv", "--people", "people.csv")
    assert said.code == 0, said.all
    return cli


ASKED = ("acknowledge", "C1", "first-visit", "--person", "w1", "--reason", "family")


def test_it_says_who_is_left_alone_about_what_and_until_when(small: Cli) -> None:
    said = small(*ASKED)
    assert said.code == 0
    assert said.out.startswith("w1 hears nothing of first-visit on case C1 until the end of Thursday 4 June 2026;")
    assert "no date moved" in said.out


def test_done_again_it_says_that_nothing_changed(small: Cli) -> None:
    small(*ASKED)
    said = small(*ASKED)
    assert (said.code, "It was recorded already; nothing changed." in said.out) == (0, True)


def test_the_day_that_is_named_is_the_last_quiet_one(small: Cli) -> None:
    assert "until the end of Wednesday 10 June 2026" in small(*ASKED, "--until", "2026-06-10").out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--until", "2026-06-11"), "until 2026-06-11 is too far off: 5 working days at most"),
        (("--until", "soon"), "--until: 'soon' is not a date"),
        (("--person", "w7"), "nobody 'w7' who is current"),
        (("--reason", "busy"), "the reason is one of family, capacity, partner, system"),
    ],
    ids=["too far", "no date", "nobody", "no code"],
)
def test_a_refusal_says_what_to_put_right(small: Cli, more: tuple[str, ...], said: str) -> None:
    answer = small(*ASKED, *more)
    assert answer.code == 1
    assert said in answer.all


def test_the_proof_card_says_who_has_seen_it_and_until_when(small: Cli) -> None:
    small(*ASKED)
    card = small("explain", "C1", "first-visit").out
    assert "acknowledged by person w1 at 10:00 on Wednesday 3 June 2026 (family)" in card
    assert "quiet to the end of Thursday 4 June" in card
