"""Finds the installed authorities and loads each by itself, so that a faulty plugin harms no other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

import pluggy

from ehscheduler import hookspecs
from ehscheduler.core.calendars import Calendar
from ehscheduler.core.policy import Policy
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import EhsError, PolicyRefused
from ehscheduler.policy_files import calendar_for, policy_from

GROUP = "ehscheduler"


@dataclass(frozen=True, slots=True)
class Authority:
    """One council as its plugin gives it: its policy editions, oldest first, and its working calendar."""

    name: str
    policies: tuple[Policy, ...]
    calendar: Calendar
    folder: Path

    @property
    def policy(self) -> Policy:
        """Return the newest edition."""
        return self.policies[-1]


def installed() -> list[str]:
    """Return the names of the authorities whose plugins are installed, in order."""
    return sorted(point.name for point in entry_points(group=GROUP))


def load(name: str) -> Authority:
    """Load one authority's plugin; raise PolicyRefused with every fault, each naming the plugin."""
    for point in entry_points(group=GROUP):
        if point.name == name:
            return _load(point)
    known = installed()
    listed = ", ".join(known) if known else "none; install one with: pip install ./plugins/nottinghamshire"
    raise PolicyRefused([f"no authority {name!r} is installed{nearest(name, known)} (installed: {listed})"])


def _load(point: EntryPoint) -> Authority:
    at = f"plugin {point.name!r}"
    try:
        module = point.load()
        paths, closures = _ask(module)
    except PolicyRefused:
        raise
    except (Exception, SystemExit) as error:  # a plugin is somebody else's code: whatever it raises refuses it by name
        raise PolicyRefused([f"{at} could not be loaded: {type(error).__name__}: {error}"]) from error
    policies = _policies(at, point.name, paths)
    return Authority(point.name, policies, calendar_for(policies[-1], closures), Path(paths[0]).parent)


def _ask(module: ModuleType) -> tuple[Sequence[Path], Mapping[date, str]]:
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    manager.check_pending()
    paths = [path for answer in manager.hook.ehscheduler_policies() for path in answer]
    if not paths or not all(isinstance(path, Path) for path in paths):
        raise PolicyRefused([f"plugin {module.__name__!r}: ehscheduler_policies must return a list of Path objects"])
    closures: dict[date, str] = {}
    for answer in manager.hook.ehscheduler_closure_days():
        if not isinstance(answer, Mapping) or not all(type(day) is date for day in answer):
            raise PolicyRefused([f"plugin {module.__name__!r}: ehscheduler_closure_days must return {{date: name}}"])
        closures.update(answer)
    return paths, closures


def _policies(at: str, name: str, paths: Sequence[Path]) -> tuple[Policy, ...]:
    policies, faults = [], []
    for path in paths:
        try:
            policy = policy_from(path)
        except EhsError as error:
            faults += [f"{at}: {line}" for line in str(error).splitlines()]
            continue
        if policy.authority != name:
            faults.append(f"{at}: {path.name} is for the authority {policy.authority!r}, not for {name!r}")
        policies.append(policy)
    if faults:
        raise PolicyRefused(faults)
    policies.sort(key=lambda policy: policy.in_force)
    return tuple(policies)
