"""The files of a drop folder: what each is by its name, which belong together, which are whole, and where they end."""

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import file_digest
from itertools import count
from pathlib import Path

from ehscheduler.core.calendars import LONDON
from ehscheduler.daemon.feeds_guard import Came
from ehscheduler.errors import InputRefused
from ehscheduler.intake.annex_a import list_of
from ehscheduler.intake.ssd import TABLES

TAKING, DONE, REFUSED = "taking", "done", "refused"
UNFINISHED = (".part", ".partial", ".filepart", ".tmp", ".crdownload")
"""Endings under which a transfer writes what is not whole; such a file is never read, nor one that begins with '.'."""
GROUPS = {"people": 0, "absences": 1, "contract": 2, "steps": 2, "acts": 3, "unknown": 4}
"""The groups of files in the order in which they are taken: who is here before what happened, and acts last."""
_CONTRACT = ("cases", "events")
_NAMED = re.compile(r"(people|absences|cases|events|steps|acts)(?![a-z])(.*)", re.IGNORECASE)
_TABLE = re.compile(rf"({'|'.join(TABLES)})(?![a-z])(.*)", re.IGNORECASE)
_LIST = re.compile(r"(.*list[ _-]*\d+)(.*)", re.IGNORECASE)
_DAY = re.compile(r"(20\d\d)[-_]?(\d\d)[-_]?(\d\d)(?:[-_ T]?(\d\d)[-:_]?(\d\d))?")


@dataclass(frozen=True, slots=True)
class Set:
    """Files that are taken together: one, or the tables of one extract, or cases and events of one night."""

    group: str
    stamp: str
    paths: tuple[Path, ...]

    @property
    def name(self) -> str:
        """Name the set: the file itself, or what its files are together."""
        if len(self.paths) == 1:
            return self.paths[0].name
        return f"{self.group}{f'-{self.stamp}' if self.stamp else ''}"

    @property
    def at(self) -> datetime:
        """Return from when the set is: by the day in its name, else by its oldest file."""
        named = _named_day(self.stamp)
        return named or datetime.fromtimestamp(min(path.lstat().st_mtime for path in self.paths), LONDON)

    @property
    def label(self) -> str:
        """Say which files these are: their names, sizes and times of change."""
        found = [(path.name, path.lstat()) for path in self.paths]
        return "|".join(f"{name}:{status.st_size}:{status.st_mtime_ns}" for name, status in found)

    def came(self, *, snapshot: bool) -> Came:
        """Say what came: the content of its files, and which files they are. Raises InputRefused."""
        digests = []
        for path in self.paths:
            try:
                with path.open("rb") as file:
                    digests.append(file_digest(file, "sha256").hexdigest())
            except OSError as fault:
                raise InputRefused([f"{path.name}: cannot be read ({fault.strerror}); check its rights"]) from None
        dated = _named_day(self.stamp) is not None
        return Came(self.group, " ".join(digests), self.label, self.at, dated, snapshot)

    def by_kind(self) -> Mapping[str, Path]:
        """Return what an import is given: each file by its kind; for several tables the folder in which they lie."""
        if self.group == "contract":
            return {_kind_of(path): path for path in self.paths}
        return {self.group: self.paths[0] if len(self.paths) == 1 else self.paths[0].parent}


def _kind_of(path: Path) -> str:
    found = _NAMED.fullmatch(path.stem)
    return found[1].lower() if found else ""


def _named_day(stamp: str) -> datetime | None:
    found = _DAY.search(stamp)
    if not found:
        return None
    year, month, day, hour, minute = (int(part or 0) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, tzinfo=LONDON)
    except ValueError:
        return None


def what_it_is(path: Path) -> tuple[str, str]:
    """Return the group of a file and the rest of its name, which those that belong together share."""
    name, ending = path.stem, path.suffix.lower()
    if path.is_symlink() or not path.is_file() or ending not in (".csv", ".xlsx"):
        return "unknown", path.name
    if ending == ".xlsx":
        return "steps", name
    if found := _TABLE.fullmatch(name):
        return "steps", found[2].strip("-_. ")
    if (found := _LIST.fullmatch(name)) and list_of(name):
        return "steps", found[2].strip("-_. ")
    if found := _NAMED.fullmatch(name):
        kind = found[1].lower()
        return "contract" if kind in _CONTRACT else kind, found[2].strip("-_. ")
    return "unknown", path.name


def sets_of(paths: Iterable[Path]) -> list[Set]:
    """Put files that belong together into sets, in the order in which they are taken: by group, the older first."""
    found: dict[tuple[str, str, str], list[Path]] = {}
    for path in sorted(paths):
        group, stamp = what_it_is(path)
        together = _kind_of(path) in _CONTRACT or (
            group == "steps" and path.suffix.lower() == ".csv" and not _kind_of(path)
        )
        alone = "" if together else path.name
        found.setdefault((group, stamp, alone), []).append(path)
    made = [Set(group, stamp, tuple(listed)) for (group, stamp, _), listed in found.items()]
    return sorted(made, key=lambda one: (GROUPS[one.group], one.at, one.name))


def waiting(folder: Path) -> list[Path]:
    """List the files that lie in a drop folder; not what is still being written under a name of its own."""
    return sorted(
        path
        for path in folder.iterdir()
        if not path.name.startswith(".")
        and path.suffix.lower() not in UNFINISHED
        and (path.is_symlink() or not path.is_dir())
    )


def take_up(folder: Path, one: Set) -> Set:
    """Move a set into a folder of its own, where it stays until it has ended: a daemon that is killed goes on there.

    It is put together under a hidden name, so that a part of a set is never taken for the whole.
    """
    begun = folder / TAKING
    gathering, place = begun / f".{one.name}", begun / one.name
    gathering.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in one.paths:
        os.rename(path, gathering / path.name)
    os.rename(gathering, place)
    return Set(one.group, one.stamp, tuple(place / path.name for path in one.paths))


def taken_up(folder: Path) -> list[Set]:
    """Return the sets that were begun and have not ended; what was still being put together goes back where it was."""
    begun = folder / TAKING
    places = sorted(begun.iterdir()) if begun.is_dir() else []
    for place in (one for one in places if one.name.startswith(".")):
        for path in place.iterdir():
            # Where another of that name has come since, this one ends in refused, and the operator is told.
            there = os.path.lexists(folder / path.name)
            os.rename(path, folder / (f"overtaken-{path.name}" if there else path.name))
        place.rmdir()
    return [one for place in places if not place.name.startswith(".") for one in _in(place)]


def _in(place: Path) -> list[Set]:
    found = sets_of(waiting(place))
    if not found:
        shutil.rmtree(place)  # its file was moved to where it ends
    return found


def end(folder: Path, one: Set, outcome: str, text: str, now: datetime) -> None:
    """Move a set to where it ends, in one step, with a report beside it: a file as such, several in their folder.

    What lies there already is never written over. The report is written first, so that nothing ends without one.
    """
    place = folder / outcome
    place.mkdir(mode=0o700, exist_ok=True)
    stamp = now.astimezone(LONDON).strftime("%Y-%m-%dT%H%M%S")
    called = next(name for name in _names(stamp, one.name) if not os.path.lexists(place / name))
    report = place / f"{called}.report.txt"
    report.write_text(text, encoding="utf-8")
    report.chmod(0o600)
    begun = one.paths[0].parent
    if len(one.paths) > 1:
        os.rename(begun, place / called)
    else:
        os.rename(one.paths[0], place / called)
        shutil.rmtree(begun)


def _names(stamp: str, name: str) -> Iterator[str]:
    yield f"{stamp}-{name}"
    yield from (f"{stamp}-{n}-{name}" for n in count(2))
