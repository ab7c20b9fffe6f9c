"""`policy preview` at the shell: what it says, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ehscheduler.plugins import load
from tests.cli.conftest import Cli

POLICY = load("nottinghamshire").folder / "policy.toml"


@pytest.fixture
def ready(cli: Cli, tmp_path: Path, at: Callable[[str], None]) -> Path:
    """A database with one case allocated on Monday 1 June 2026."""
    at("2026-06-02 10:00")
    cli("init", "--authority", "nottinghamshire")
    (tmp_path / "cases.csv").write_text("case_ref,team,lead\nC-1,North,w1\n")
    (tmp_path / "events.csv").write_text(
        "case_ref,event,occurred_at,recorded_at,ref,detail\nC-1,allocation,2026-06-01T09:00,,,\n"
    )
    assert cli("import", "--cases", "cases.csv", "--events", "events.csv").code == 0
    return tmp_path


def test_an_edited_file_is_told_by_its_dates_and_nothing_is_changed(cli: Cli, ready: Path) -> None:
    text = POLICY.read_text()
    assert "10 working days after allocation" in text
    (ready / "new.toml").write_text(text.replace("10 working days after allocation", "7 working days after allocation"))
    before = cli("due", "--format", "json").out
    said = json.loads(cli("policy", "preview", "new.toml", "--format", "json").out)
    moved = {one["key"]: (one["what"], one["due_before"], one["due_after"]) for one in said["changed"]}
    assert (["earlier"], "2026-06-15", "2026-06-10") in moved.values()
    assert said["by_team"]["North"]["earlier"] == len(moved)
    shown = cli("policy", "preview", "new.toml").flat
    assert "Monday 15 June" in shown
    assert "Wednesday 10 June" in shown
    assert cli("due", "--format", "json").out == before


def test_an_edition_that_lies_ahead_is_previewed_on_its_first_day(cli: Cli, ready: Path) -> None:
    text = POLICY.read_text().replace("2017-11-01", "2026-06-08").replace('"as supplied"', '"second"')
    text = text.replace('transition = "keep"', 'transition = "move open clocks"')
    (ready / "new.toml").write_text(text.replace("10 working days after allocation", "7 working days after allocation"))
    said = json.loads(cli("policy", "preview", "new.toml", "--format", "json").out)
    assert said["at"].startswith("2026-06-08T00:00")
    assert said["changed"]
    kept = text.replace("move open clocks", "keep").replace("10 working days after", "7 working days after")
    (ready / "new.toml").write_text(kept)
    assert json.loads(cli("policy", "preview", "new.toml", "--format", "json").out)["changed"] == []


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        ((), 2, "nothing would change"),
        (("--closed", "29 December"), 2, "is no date such as 2026-12-29"),
        (("absent.toml",), 1, "there is no such policy file"),
        (("broken.toml",), 1, "is not TOML"),
        (("other.toml",), 1, "is for the authority 'elsewhere'"),
        (("early.toml",), 1, "is the day of"),
        (("--with-config", "absent-config.toml"), 1, "there is no such file"),
    ],
)
def test_what_cannot_be_previewed_is_refused_with_the_reason(
    cli: Cli, ready: Path, args: tuple[str, ...], code: int, said: str
) -> None:
    text = POLICY.read_text()
    (ready / "broken.toml").write_text(text + "\n[")
    (ready / "other.toml").write_text(text.replace('authority  = "nottinghamshire"', 'authority  = "elsewhere"'))
    (ready / "early.toml").write_text(text.replace('"as supplied"', '"second"'))
    found = cli("policy", "preview", *args)
    assert found.code == code
    assert said in found.flat
