"""Finds a plugin in a folder, so that it can be tried before it is installed.

The folder's pyproject.toml says which module gives which authority, as it does to the installer.
"""

import os
import sys
import tomllib
from importlib import invalidate_caches
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from ehscheduler.errors import PolicyRefused
from ehscheduler.plugins import GROUP, Authority, load_point

PROJECT = "pyproject.toml"
SOURCES = (".", "src")
"""Where in its folder a plugin's package may lie."""


def is_folder(which: str) -> bool:
    """Tell whether a plugin is named by where it lies, not by its authority."""
    return os.sep in which or which in (".", "..") or Path(which).is_dir()


def root_of(package: Path) -> Path | None:
    """Return the folder of a package's project; None where the package was installed without it."""
    return next((folder for folder in (package.parent, package.parent.parent) if (folder / PROJECT).is_file()), None)


def package_of(which: str) -> Path | None:
    """Return the folder of a plugin's package without loading it; None where it cannot be told."""
    try:
        points = [_point(Path(which))] if is_folder(which) else entry_points(group=GROUP, name=which)
        module = next(iter(points)).value.partition(":")[0].partition(".")[0]
        if is_folder(which):
            return next((folder for inner in SOURCES if (folder := Path(which) / inner / module).is_dir()), None)
        spec = find_spec(module)
    except (PolicyRefused, StopIteration, ImportError, ValueError):
        return None
    return Path(next(iter(spec.submodule_search_locations))) if spec and spec.submodule_search_locations else None


def local(folder: Path) -> Authority:
    """Load the plugin of a folder; raise PolicyRefused with every fault."""
    point = _point(folder)
    module = point.value.partition(":")[0].partition(".")[0]
    sources = [folder.resolve() / inner for inner in SOURCES]
    if not any((source / module).is_dir() or (source / f"{module}.py").is_file() for source in sources):
        here = f"{folder / PROJECT}: the entry point names the module {module!r}"
        raise PolicyRefused([f"{here}, and there is no folder {module} beside it; write the package's own name"])
    for known in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
        del sys.modules[known]  # another folder's, or this one's before it was edited
    sys.path[:0] = map(str, sources)
    invalidate_caches()
    try:
        return load_point(point)
    finally:
        for source in sources:
            sys.path.remove(str(source))


def _point(folder: Path) -> EntryPoint:
    """Read which authority a folder's project gives, and by which module."""
    path = folder / PROJECT
    if not folder.is_dir():
        raise PolicyRefused([f"{folder}: there is no such folder; name a plugin's folder, or an installed authority"])
    try:
        made = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        above = next((one for one in folder.resolve().parents if (one / PROJECT).is_file()), None)
        said = f"name the folder that has it, {above}" if above else "name a plugin's own folder"
        raise PolicyRefused([f"{folder}: has no {PROJECT}, so it is no plugin; {said}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise PolicyRefused([f"{path}: is not TOML: {error}; mend that line"]) from None
    except (OSError, ValueError) as error:
        raise PolicyRefused([f"{path}: cannot be read as UTF-8 text: {error}"]) from None
    project = made.get("project")
    points = project.get("entry-points", {}).get(GROUP, {}) if isinstance(project, dict) else {}
    if not isinstance(points, dict) or len(points) != 1:
        form = f'[project.entry-points.{GROUP}] with one line such as ashford = "ehs_ashford"'
        raise PolicyRefused([f"{path}: does not say which authority it gives; write {form}"])
    [(name, value)] = points.items()
    if not isinstance(value, str) or not value.partition(":")[0].replace(".", "").isidentifier():
        said = f"the entry point {name!r} is {value!r}, and has to be the package's name"
        raise PolicyRefused([f'{path}: {said}; write {name} = "ehs_{name}"'])
    return EntryPoint(name, value, GROUP)
