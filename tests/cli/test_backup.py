"""backup, restore and send-from as the operator has them."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

At = Callable[[str], None]


@pytest.fixture
def backed_up(council: Cli, tmp_path: Path) -> Cli:
    """A council whose service ran, and has a backup of 10:00 on Monday 6 July; then its database was lost."""
    assert council("tick").code == 0
    said = council("backup", "kept.db")
    assert said.code == 0, said.all
    (tmp_path / "before").mkdir()
    for left in tmp_path.glob("ehscheduler.db*"):
        left.rename(tmp_path / "before" / left.name)
    return council


def test_a_backup_says_what_it_holds_and_can_be_checked(backed_up: Cli) -> None:
    said = backed_up("restore", "kept.db", "--check")
    assert said.code == 0
    assert "kept.db is whole" in said.out
    assert "10:00 on Monday 6 July 2026" in said.out
    again = backed_up("status")
    assert again.code == 1, "nothing was restored"


def test_restore_says_what_comes_next_and_nothing_leaves_before(backed_up: Cli, at: At, tmp_path: Path) -> None:
    at("2026-07-08 10:00")
    said = backed_up("restore", "kept.db", "--by", "it")
    assert said.code == 0, said.all
    for words in ("Sending is held", "ehscheduler tick", "send-from"):
        assert words in said.flat
    assert (tmp_path / "ehscheduler.db").stat().st_mode & 0o777 == 0o600
    shutil.rmtree(tmp_path / "outbox", ignore_errors=True)
    ticked = backed_up("tick")
    assert "sending is held since a restore" in ticked.out
    assert not (tmp_path / "outbox").exists()
    waiting = backed_up("outbox", "--state", "waiting", "--format", "json").out
    assert '"state"' in waiting
    assert backed_up("send-from", "2026-07-01", "--by", "it").code == 0
    assert "sending is held" not in backed_up("tick").out
    at("2026-07-09 08:30")
    backed_up("tick")
    assert list((tmp_path / "outbox").iterdir())


def test_a_restore_over_a_database_is_refused_and_says_what_to_do(backed_up: Cli, tmp_path: Path) -> None:
    assert backed_up("restore", "kept.db").code == 0
    was = (tmp_path / "ehscheduler.db").read_bytes()
    said = backed_up("restore", "kept.db")
    assert said.code == 1
    assert "is not written over" in said.err
    assert (tmp_path / "ehscheduler.db").read_bytes() == was


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("backup", "kept.db"), 1, "kept.db is there already"),
        (("backup", "no/kept.db"), 1, "No such file or directory"),
        (("backup", "before"), 1, "before is there already"),
        (("restore", "config.toml", "--check"), 1, "config.toml is damaged, or is no backup"),
        (("restore", "before/ehscheduler.db", "--check"), 1, "is a database and no backup"),
        (("restore", "none.db", "--check"), 1, "none.db: there is no such file"),
        (("send-from", "2026-07-06"), 1, "sending is not held"),
        (("send-from", "2026-07-07"), 1, "is still to come"),
        (("send-from", "soon"), 2, "neither a date"),
        (("backup",), 2, "FILE"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_cannot_be_done_is_said(
    backed_up: Cli, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    shutil.copy(tmp_path / "before" / "ehscheduler.db", tmp_path / "ehscheduler.db")
    answer = backed_up(*words)
    assert answer.code == code, answer.all
    assert said.lower() in answer.flat.lower()
