"""A folder of our own beside a file, in which a database is made whole before it gets its name.

A kill leaves such a folder and nothing else; the next run in the same place takes it away.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ehscheduler.store.engine import OWNER_ONLY
from ehscheduler.store.faults import NoDatabase

ROOM = ".ehscheduler-work-"


@contextmanager
def workroom(beside: Path) -> Iterator[Path]:
    """Make a folder that only its owner may read, and take it away at the end, with what is in it."""
    try:
        parent = os.open(beside, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise NoDatabase(f"{beside} cannot be opened ({error.strerror}); name a file in a folder that exists") from None
    try:
        fcntl.flock(parent, fcntl.LOCK_EX)  # so that nobody takes a new folder for a left one
        _sweep(beside)
        folder, held = _made(beside)
    finally:
        os.close(parent)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _made(beside: Path) -> tuple[Path, int]:
    try:
        folder = Path(tempfile.mkdtemp(prefix=ROOM, dir=beside))
    except OSError as error:
        raise NoDatabase(
            f"nothing can be made in {beside} ({error.strerror}); see that this login may write there"
        ) from None
    held = os.open(folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    return folder, held


def _sweep(beside: Path) -> None:
    """Take away what killed runs left; what a live one holds is locked."""
    for left in beside.glob(f"{ROOM}*"):
        held = os.open(left, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(held)


def put_in_place(made: Path, to: Path) -> None:
    """Give a finished file its name in one step, and only where nothing has that name."""
    made.chmod(OWNER_ONLY)
    _synced(made)
    try:
        os.link(made, to)
    except FileExistsError:
        raise already_there(to) from None
    except OSError:  # a file system without links
        if to.exists():
            raise already_there(to) from None
        made.rename(to)
    _synced(to.parent)


def already_there(path: Path) -> NoDatabase:
    return NoDatabase(f"{path} is there already, and is not written over; name another file")


def _synced(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
