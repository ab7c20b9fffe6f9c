"""A folder of calendars, one file a person: read before anything is written, and each written whole or not at all."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ehscheduler.errors import InputRefused
from ehscheduler.notify.files import write_whole
from ehscheduler.notify.ics import Book, Entry, NotOurs, Revised, owner_mark, read, revise, to_bytes

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
MOST_BYTES = 32 * 1024 * 1024
REMEDY = "it was left as it is, and nothing was written; move it away, or name another folder with --out"


@dataclass(frozen=True, slots=True)
class Diary:
    """What one person has ahead; `left` says that they do not work here any more."""

    person: str
    entries: tuple[Entry, ...] = ()
    left: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of one file: written, unchanged, or removed; how many entries stand in it, and what is new in it."""

    person: str
    file: str
    state: str
    entries: int
    changed: int
    cancelled: int

    def plain(self) -> Mapping[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class _Page:
    diary: Diary
    path: Path
    before: bytes | None
    revised: Revised

    @property
    def over(self) -> bool:
        """Tell whether nothing has to stay in the file of somebody who has left."""
        return self.diary.left and not self.revised.book.entries


def file_name(person_id: str) -> str:
    """Name a person's file by their id; one that is no plain word gets a hash, so that no two are the same."""
    if PLAIN.fullmatch(person_id):
        return f"{person_id}.ics"
    mark = hashlib.sha256(person_id.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', person_id)[:40].strip('-') or 'person'}.{mark}.ics"


def keep(folder: Path, diaries: Iterable[Diary], *, authority: str, domain: str, now: datetime) -> list[Kept]:
    """Bring each person's file up to date; raise InputRefused, with nothing written, where a file is in the way.

    Who has left and has a file finds all of it cancelled; it is removed with the last of its entries.
    """
    if folder.exists() and not folder.is_dir():
        raise InputRefused([f"{folder}: is not a folder; name another with --out"])
    pages, faults = [], []
    for diary in diaries:
        path = folder / file_name(diary.person)
        try:
            raw = _read(path)
            if raw is None and diary.left:
                continue
            owner = owner_mark(authority, diary.person)
            before = Book(owner) if raw is None else read(raw, owner)
            pages.append(_Page(diary, path, raw, revise(before, diary.entries, domain=domain, now=now)))
        except NotOurs as fault:
            faults.append(f"{path}: {fault}; {REMEDY}")
        except OSError as fault:
            faults.append(f"{path}: {fault.strerror or fault}; {REMEDY}")
    if faults:
        raise InputRefused(faults)
    return _turn(folder, pages)


def _read(path: Path) -> bytes | None:
    """Return what a file holds, or None where there is none."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise NotOurs(["it is not a plain file"])
    if not path.exists():
        return None
    if path.stat().st_size > MOST_BYTES:
        raise NotOurs(["it is too large for a calendar of ours"])
    return path.read_bytes()


def _turn(folder: Path, pages: Sequence[_Page]) -> list[Kept]:
    found = []
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for page in pages:
            found.append(_kept(page, _put(page)))
    except OSError as fault:
        place = fault.filename or folder
        raise InputRefused(
            [f"{place}: {fault.strerror or fault}; {len(found)} of {len(pages)} calendars are up to date, run it again"]
        ) from None
    return found


def _put(page: _Page) -> str:
    if page.over:
        page.path.unlink(missing_ok=True)
        return "removed"
    raw = to_bytes(page.revised.book)
    if raw == page.before:
        return "unchanged"
    write_whole(page.path, raw)
    return "written"


def _kept(page: _Page, state: str) -> Kept:
    new = page.revised
    return Kept(page.diary.person, page.path.name, state, len(new.book.live), new.changed, new.cancelled)
