"""The file channel: whole files, one a message, however often it is sent."""

import errno
import os
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from notify_samples import MESSAGE_ID, MESSAGES, MOMENT, SENDER, WORKER, raw_message

from ehscheduler.address import message_id
from ehscheduler.notify.files import FileChannel
from ehscheduler.notify.mail import build
from ehscheduler.notify.render import render


def send(folder: Path, raw: bytes | None = None, key: str = MESSAGE_ID) -> str:
    outcome = FileChannel(folder).send(raw or raw_message(), to=WORKER.email, message_id=key)
    assert outcome.kind == "accepted", outcome
    return outcome.answer


def test_a_message_becomes_one_whole_private_file_named_by_time(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "outbox"
    name = send(folder)
    assert os.listdir(folder) == [name]
    assert name.startswith("20260622T073000Z-")
    assert (folder / name).read_bytes() == raw_message()
    assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_the_same_message_id_is_the_same_file_even_with_another_date(tmp_path: Path) -> None:
    first = send(tmp_path)
    later = build(
        render(MESSAGES["digest"]),
        to=WORKER.email,
        sender=SENDER,
        message_id=MESSAGE_ID,
        moment=MOMENT + timedelta(hours=1),
    )
    assert send(tmp_path, later) == first
    assert os.listdir(tmp_path) == [first]
    assert (tmp_path / first).read_bytes() == later


def test_two_message_ids_are_two_files(tmp_path: Path) -> None:
    other = message_id("another key", "ehs.council.example")
    raw = build(render(MESSAGES["digest"]), to=WORKER.email, sender=SENDER, message_id=other, moment=MOMENT)
    assert len({send(tmp_path), send(tmp_path, raw, other)}) == len(os.listdir(tmp_path)) == 2


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (errno.ENOSPC, "temporary"),
        (errno.EDQUOT, "temporary"),
        (errno.EROFS, "misconfigured"),
        (errno.EACCES, "misconfigured"),
    ],
)
def test_a_disk_that_refuses_leaves_no_part_and_says_where(
    code: int, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", refuse)
    outcome = FileChannel(tmp_path).send(raw_message(), to=WORKER.email, message_id=MESSAGE_ID)
    assert (outcome.kind, outcome.about) == (kind, "channel")
    assert str(tmp_path) in outcome.answer
    assert os.strerror(code) in outcome.answer
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_a_file_is_our_set_up_s_fault(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("in the way")
    outcome = FileChannel(tmp_path / "outbox").send(raw_message(), to=WORKER.email, message_id=MESSAGE_ID)
    assert (outcome.kind, outcome.about) == ("misconfigured", "channel")


def test_a_link_laid_in_the_way_of_the_part_file_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "precious"
    target.write_text("keep me")
    folder = tmp_path / "outbox"
    name = send(folder)
    (folder / name).unlink()
    (folder / f".{name}.{os.getpid()}.part").symlink_to(target)
    outcome = FileChannel(folder).send(raw_message(), to=WORKER.email, message_id=MESSAGE_ID)
    assert outcome.kind == "misconfigured"
    assert target.read_text() == "keep me"


def test_bytes_for_anybody_else_are_not_written(tmp_path: Path) -> None:
    outcome = FileChannel(tmp_path).send(raw_message(), to="other@council.example", message_id=MESSAGE_ID)
    assert outcome.kind == "permanent"
    assert os.listdir(tmp_path) == []


def test_a_batch_is_the_same_channel(tmp_path: Path) -> None:
    with FileChannel(tmp_path).session() as batch:
        for name in ("digest", "dispute"):
            key = message_id(name, "ehs.council.example")
            message = replace(MESSAGES[name], to=WORKER)  # type: ignore[type-var]
            raw = build(render(message), to=WORKER.email, sender=SENDER, message_id=key, moment=MOMENT)
            assert batch.send(raw, to=WORKER.email, message_id=key).kind == "accepted"
    assert len(os.listdir(tmp_path)) == 2
