"""A database on a network share is found by the mounts of the machine, and said by the doctor."""

from pathlib import Path

import pytest

from ehscheduler.store import mounts
from ehscheduler.store.mounts import share_under
from tests.cli.conftest import Cli

ROOT = "/dev/vda / ext4 rw,relatime 0 0\n"


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("server:/export {folder} nfs4 rw 0 0", "nfs4"),
        ("//server/share {folder} cifs rw 0 0", "cifs"),
        ("/dev/sdb1 {folder} ext4 rw 0 0", ""),
        ("server:/export {folder}/elsewhere nfs4 rw 0 0", ""),
        ("server:/export {parent} nfs rw 0 0", "nfs"),
        ("odd", ""),
    ],
)
def test_the_nearest_mount_says_what_a_file_lies_on(tmp_path: Path, line: str, kind: str) -> None:
    folder = tmp_path / "with blanks"
    folder.mkdir()
    table = tmp_path / "mounts"
    escaped = {"folder": str(folder).replace(" ", r"\040"), "parent": str(tmp_path)}
    table.write_text(ROOT + line.format(**escaped) + "\n")
    assert share_under(folder / "ehs.db", table) == kind


def test_a_machine_without_the_table_is_asked_nothing(tmp_path: Path) -> None:
    assert share_under(tmp_path / "ehs.db", tmp_path / "none") == ""


def test_a_local_disk_below_a_share_is_none(tmp_path: Path) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"{ROOT}server:/export {tmp_path.parent} nfs4 rw 0 0\n/dev/sdb1 {tmp_path} xfs rw 0 0\n")
    assert share_under(tmp_path / "ehs.db", table) == ""


def test_the_doctor_says_so(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("init", "--authority", "nottinghamshire")
    assert "network share" not in cli("doctor").flat
    monkeypatch.setattr(mounts, "MOUNTS", tmp_path / "mounts")
    (tmp_path / "mounts").write_text(f"{ROOT}server:/export {tmp_path.resolve()} nfs4 rw 0 0\n")
    said = cli("doctor")
    assert said.code == 1
    assert "lies on a network share (nfs4)" in said.flat
    assert "move it to a disk of this machine" in said.flat
