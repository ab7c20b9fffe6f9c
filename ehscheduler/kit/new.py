"""Writes a complete small plugin, to be changed step by step into a council's own."""

import keyword
import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from ehscheduler.errors import InputRefused
from ehscheduler.kit.local import local
from ehscheduler.kit.plugin import Plugin
from ehscheduler.kit.readme import renew_readme
from ehscheduler.plugins import installed

LONGEST = 40
_NAME = re.compile(r"[a-z][a-z0-9_]*")


def write_plugin(name: str, folder: Path) -> list[Path]:
    """Write the plugin of an authority into a folder that is made for it; return its files in order.

    Raises InputRefused for a name that cannot be one, or is taken, and for a folder that is there.
    """
    if fault := _name_fault(name):
        raise InputRefused([fault])
    if folder.exists() or folder.is_symlink():
        raise InputRefused([f"{folder}: is there already, and nothing in it was touched; name another with --out"])
    package = f"ehs_{name}"
    words = {"name": name, "package": package, "dashed": name.replace("_", "-"), "title": _title(name)}
    try:
        folder.mkdir(parents=True)
        try:
            written = [_write(part, folder / Template(path).substitute(words), words) for path, part in _parts()]
            renew_readme(Plugin(local(folder)))
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
    except OSError as error:
        said = f"{error.strerror or error}; nothing was kept; name a folder that can be made with --out"
        raise InputRefused([f"{folder}: {said}"]) from None
    return written


def _name_fault(name: str) -> str:
    form = "a name has small letters, digits and '_', and begins with a letter, such as ashford or east_ashford"
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        return f"{name!r} cannot be an authority's name: {form}"
    if len(name) > LONGEST:
        return f"{name!r} is longer than {LONGEST} letters; {form}"
    if name in installed():
        return f"the authority {name!r} is installed already; choose another name, or uninstall it first"
    return ""


def _title(name: str) -> str:
    return " ".join(part.capitalize() for part in name.split("_") if part)


def _parts() -> Iterator[tuple[str, Traversable]]:
    """Yield each file of the skeleton with its path in the plugin."""
    root = files("ehscheduler.kit") / "skeleton"
    inner = {"": "", "package": "$package/", "tests": "tests/"}
    for at, into in inner.items():
        for part in sorted((root / at).iterdir() if at else root.iterdir(), key=lambda one: one.name):
            if part.name.endswith(".txt"):
                yield into + part.name.removesuffix(".txt").replace("test_plugin", "test_$name"), part


def _write(part: Traversable, path: Path, words: dict[str, str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(Template(part.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
    return path
