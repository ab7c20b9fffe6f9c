"""The `file` channel: one `.eml` file a message, for trial and demo."""

import contextlib
import errno
import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

from ehscheduler.notify.channel import DEADLINE, Kind, Outcome, answer_words
from ehscheduler.notify.mail import envelope_faults, header_lines

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EINTR})


class FileChannel:
    """A folder of messages; the same Message-ID is the same file."""

    name = "file"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def session(self) -> Iterator["FileChannel"]:
        """Give the channel itself: there is nothing to share."""
        yield self

    def send(self, message: bytes, *, to: str, message_id: str, deadline: float = DEADLINE) -> Outcome:
        """Write one message whole or not at all; `deadline` has no meaning for a file."""
        faults = envelope_faults(message, to=to, message_id=message_id)
        if faults:
            return Outcome("permanent", f"not sent: {'; '.join(faults)}", stage="check")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            path = self._path(message, message_id)
            write_whole(path, message)
        except OSError as fault:
            kind: Kind = "temporary" if fault.errno in FULL else "misconfigured"
            words = f"{self.folder}: {fault.strerror or fault}"
            return Outcome(kind, answer_words(words), about="channel", stage="file")
        return Outcome("accepted", path.name, stage="file")

    def _path(self, message: bytes, message_id: str) -> Path:
        mark = hashlib.sha256(message_id.encode()).hexdigest()[:16]
        written = sorted(self.folder.glob(f"*-{mark}.eml"))
        return written[0] if written else self.folder / f"{_stamp(message)}-{mark}.eml"


def _stamp(message: bytes) -> str:
    """Give the time in the message's Date, so that a folder lists in order."""
    dates = [line[6:] for line in header_lines(message) if line.startswith("Date: ")]
    moment = parsedate_to_datetime(dates[0]) if dates else datetime.fromtimestamp(0, UTC)
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def write_whole(path: Path, content: bytes) -> None:
    """Write beside the place, then rename: a reader sees the whole file or none."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise
