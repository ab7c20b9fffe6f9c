"""Finds the installed authorities and loads each by itself, so that a faulty plugin harms no other.

A plugin is somebody else's code: whatever it raises, answers or does not answer refuses it by name. It is loaded on a
thread of its own under a deadline. That has limits: code that never lets go of the interpreter, or that ends the
process, takes this process with it; a plugin that waits outside Python keeps its thread until the process ends.
"""

import ctypes
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from io import BytesIO
from itertools import islice
from pathlib import Path
from threading import Thread
from types import ModuleType
from typing import Any

import pluggy

from ehscheduler import hookspecs
from ehscheduler.core.calendars import Calendar
from ehscheduler.core.editions import in_force
from ehscheduler.core.policy import Policy
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import PolicyRefused, where
from ehscheduler.policy_files import calendar_for, edition_faults, editions_from, policy_from

GROUP = "ehscheduler"
DEADLINE = 20.0
"""Seconds that a plugin has for its import, its hooks and its policy files; a sound one needs less than one."""
MOST_FILES = 100
LONGEST_TEMPLATE = 32 * 1024


@dataclass(frozen=True, slots=True)
class Given:
    """What one plugin gives: its policy editions, oldest first, and what its calendar is made with."""

    name: str
    policies: tuple[Policy, ...]
    folder: Path
    closure_days: Mapping[date, str]
    sittings: Mapping[str, Mapping[date, date | None]]
    templates: tuple[tuple[str, str], ...] = ()
    template_faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Authority:
    """One council as its plugin gives it: its policy editions, oldest first, and its working calendar.

    `on` is the day of which it is asked; without one it is that on which the newest edition comes into force.
    `templates` are the name and text of each of its own, none where there are `template_faults`.
    """

    name: str
    policies: tuple[Policy, ...]
    calendar: Calendar
    folder: Path
    on: date | None = None
    templates: tuple[tuple[str, str], ...] = ()
    template_faults: tuple[str, ...] = ()
    _at_hand: list[Policy] = field(default_factory=list, repr=False, compare=False)

    @property
    def policy(self) -> Policy:
        """Return the edition in force; where there are others it knows them, for the clocks that they govern."""
        if not self._at_hand:
            self._at_hand.append(in_force(self.policies, self.on or self.policies[-1].in_force))
        return self._at_hand[0]

    def as_of(self, day: date) -> "Authority":
        """Return the authority as it is on a day, with the edition that is then in force."""
        return replace(self, on=day, _at_hand=[])

    def with_policies(self, policies: Iterable[Policy]) -> "Authority":
        """Return the authority with other editions in the place of its own."""
        return replace(self, policies=tuple(policies), _at_hand=[])


def installed() -> list[str]:
    """Return the names of the authorities whose plugins are installed, in order."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def load(name: str) -> Authority:
    """Load one authority's plugin, with its calendar; raise PolicyRefused with every fault, each naming the plugin."""
    return _as_given(given(name))


def load_point(point: EntryPoint) -> Authority:
    """Load a plugin by its entry point, whether it is installed or not; raise PolicyRefused with every fault."""
    return _as_given(_in_time(point))


def load_changed(name: str, edition: Path | None, closed: Mapping[date, str]) -> Authority:
    """Load an authority as it would be with another policy file, or further days on which the council is closed.

    A file whose edition the plugin has takes that edition's place; any other is a further edition. Raises PolicyRefused
    with every fault.
    """
    found = given(name)
    policies = list(found.policies)
    if edition is not None:
        new = policy_from(edition, policies[-1].hooks)
        policies = [one for one in policies if one.edition != new.edition]
        policies = sorted([*policies, new], key=lambda one: one.in_force)
        if faults := edition_faults(name, policies):
            raise PolicyRefused(faults)
    calendar = calendar_for(policies[-1], {**found.closure_days, **closed}).with_sittings(found.sittings)
    return _authority(found, tuple(policies), calendar)


def _as_given(found: Given) -> Authority:
    calendar = calendar_for(found.policies[-1], found.closure_days).with_sittings(found.sittings)
    return _authority(found, found.policies, calendar)


def _authority(found: Given, policies: tuple[Policy, ...], calendar: Calendar) -> Authority:
    """Put together what a plugin gives, with these policies and this calendar."""
    faults = found.template_faults
    return Authority(found.name, policies, calendar, found.folder, templates=found.templates, template_faults=faults)


def given(name: str) -> Given:
    """Read what one authority's plugin gives; raise PolicyRefused with every fault, each naming the plugin."""
    points = [point for point in entry_points(group=GROUP) if point.name == name]
    if len(points) > 1:
        raise PolicyRefused([f"plugin {name!r} is installed {len(points)} times; uninstall all but one of them"])
    if points:
        return _in_time(points[0])
    known = installed()
    listed = ", ".join(known) if known else "none; install one with: pip install ./plugins/NAME"
    raise PolicyRefused([f"no authority {name!r} is installed{nearest(name, known)} (installed: {listed})"])


# ---- the deadline


def _in_time(point: EntryPoint) -> Given:
    """Load a plugin on its own thread; raise PolicyRefused where it fails, or does not come back in time."""
    at = f"plugin {point.name!r}"
    came: list[Given | BaseException] = []
    thread = Thread(target=_answer, args=(partial(_load, point), came), name=at, daemon=True)
    thread.start()
    thread.join(DEADLINE)
    if not came:
        _stop(thread)
        raise PolicyRefused(
            [f"{at}: did not load within {DEADLINE:g} seconds; find what it waits for when it is imported or asked"]
        )
    if isinstance(came[0], Given):
        return came[0]
    if isinstance(came[0], PolicyRefused):
        raise came[0]
    raise PolicyRefused([f"{at}: could not be loaded: {_raised(came[0])}"]) from came[0]


def _answer(question: Callable[[], Given], came: list[Given | BaseException]) -> None:
    try:
        came.append(question())
    except BaseException as error:  # whatever it is, the thread that waits has to hear of it
        came.append(error)


def _stop(thread: Thread) -> None:
    """Ask a thread that runs on to end at its next line of Python, so that it takes no time from the others."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(SystemExit))


def _raised(error: BaseException) -> str:
    """Say what somebody else's code raised, on one line, and where."""
    said = " ".join(str(error).split())[:300]
    return f"{where(error)}: {said}" if said else where(error)


# ---- what a plugin answers


def _load(point: EntryPoint) -> Given:
    faults: list[str] = []
    hooks = _Hooks(point.load(), faults)
    paths = hooks.policies()
    closures, sittings, conditions = hooks.closure_days(), hooks.sittings(), hooks.conditions()
    policies = editions_from(point.name, paths, conditions, faults)
    if policies:
        faults += _no_meeting(policies[-1], sittings)
    if faults:
        raise PolicyRefused([f"plugin {point.name!r}: {fault}" for fault in dict.fromkeys(faults)])
    templates, wrong = hooks.templates()
    return Given(point.name, tuple(policies), paths[0].parent, closures, sittings, templates, wrong)


def _no_meeting(policy: Policy, sittings: Mapping[str, Any]) -> Iterator[str]:
    for name in sittings:
        meeting = name.partition("/")[0]
        if meeting not in policy.meetings:
            known = nearest(meeting, list(policy.meetings))
            yield f"ehscheduler_sittings: no meeting {meeting!r} is in {policy.file}{known}"


class _Hooks:
    """One module's hooks: each asked by itself, so that every fault is found, and each answer held to its form."""

    def __init__(self, module: ModuleType, faults: list[str]) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(hookspecs)
        self._faults = faults
        try:
            self._manager.register(module)
            self._manager.check_pending()
        except pluggy.PluginValidationError as error:
            faults.append(f"{' '.join(str(error).split())}; the hooks are those of ehscheduler.hookspecs")

    def _ask(self, hook: str, form: str, fits: Callable[[Any], bool], take: Callable[[Any], Any]) -> list[Any]:
        """Return the answers to a hook: none, or one."""
        try:
            answers = [take(answer) for answer in getattr(self._manager.hook, hook)()]
            if all(fits(answer) for answer in answers):
                return answers
            self._faults.append(f"{hook} must return {form}")
        except (Exception, SystemExit) as error:
            self._faults.append(f"{hook} must return {form}, and failed: {_raised(error)}")
        return []

    def policies(self) -> list[Path]:
        form = "a list of Path objects"
        [paths] = self._ask("ehscheduler_policies", form, _are_paths, _listed) or [[]]
        if not paths and not any(fault.startswith("ehscheduler_policies") for fault in self._faults):
            self._faults.append(f"ehscheduler_policies must return {form}; there is no such hook, or its list is empty")
        return list(paths)

    def closure_days(self) -> Mapping[date, str]:
        [days] = self._ask("ehscheduler_closure_days", "{date: name}", _are_days, dict) or [{}]
        return dict(days)

    def sittings(self) -> Mapping[str, Mapping[date, date | None]]:
        [moved] = self._ask("ehscheduler_sittings", "{meeting: {date: date or None}}", _are_sittings, dict) or [{}]
        return dict(moved)

    def conditions(self) -> Mapping[str, Any]:
        [asked] = self._ask("ehscheduler_conditions", "{name: function}", _are_conditions, dict) or [{}]
        return dict(asked)

    def templates(self) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
        """Return the templates, or what is wrong with them: that is an alarm, and refuses nothing else."""
        faults: list[str] = []
        self._faults = faults
        [own] = self._ask("ehscheduler_templates", "{name: text or Path}", _are_templates, dict) or [{}]
        read = [(name, _text_of(name, text, faults)) for name, text in own.items()]
        return ((), tuple(faults)) if faults else (tuple(read), ())


def _text_of(name: str, text: str | Path, faults: list[str]) -> str:
    """Read a template; what is too long, or no text, is a fault that names it."""
    place = f"ehscheduler_templates {name!r}" + (f" ({text})" if isinstance(text, Path) else "")
    try:
        with text.open("rb") if isinstance(text, Path) else BytesIO(text.encode()) as file:
            raw = file.read(LONGEST_TEMPLATE + 1)
        if len(raw) > LONGEST_TEMPLATE:
            faults.append(f"{place}: is longer than {LONGEST_TEMPLATE} bytes; shorten it")
        return raw.decode()
    except OSError as error:
        faults.append(f"{place}: cannot be read: {error.strerror}")
    except UnicodeError:
        faults.append(f"{place}: is not UTF-8 text; save it as UTF-8")
    return ""


def _listed(answer: Any) -> list[Any]:
    """Read a list, or what a generator gives, and no more than so many."""
    return list(islice(answer, MOST_FILES + 1))


def _are_paths(answer: list[Any]) -> bool:
    return len(answer) <= MOST_FILES and all(isinstance(path, Path) for path in answer)


def _are_days(answer: dict[Any, Any]) -> bool:
    return all(type(day) is date and isinstance(name, str) for day, name in answer.items())


def _are_sittings(answer: dict[Any, Any]) -> bool:
    return all(
        isinstance(meeting, str)
        and isinstance(moved, Mapping)
        and all(type(day) is date and (to is None or type(to) is date) for day, to in moved.items())
        for meeting, moved in answer.items()
    )


def _are_templates(answer: dict[Any, Any]) -> bool:
    return len(answer) <= MOST_FILES and all(
        isinstance(name, str) and isinstance(text, str | Path) for name, text in answer.items()
    )


def _are_conditions(answer: dict[Any, Any]) -> bool:
    return all(isinstance(name, str) and callable(asked) for name, asked in answer.items())
