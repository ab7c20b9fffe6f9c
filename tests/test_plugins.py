"""Plugins: each loaded by itself, named when it is at fault, and no harm to another."""

import sys
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pluggy
import pytest

from ehscheduler import plugins
from ehscheduler.cli.common import all_authorities
from ehscheduler.config import Config
from ehscheduler.daemon.build import note_plugins
from ehscheduler.errors import PolicyRefused
from ehscheduler.plugins import GROUP, installed, load
from ehscheduler.store import Store
from ehscheduler.store.alarms import alarms
from tests.daemon.house import HEAD, VISIT, moment

here = pluggy.HookimplMarker(GROUP)


@dataclass
class Point:
    """An entry point as an installed distribution gives it."""

    name: str
    module: Callable[[], Any]

    def load(self) -> Any:
        return self.module()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Take these plugins for all that are installed."""

    def put(**modules: Callable[[], Any]) -> None:
        points = [Point(name, module) for name, module in modules.items()]
        monkeypatch.setattr(plugins, "entry_points", lambda group: points)

    return put


def a_module(policies: Any = None, closures: Any = None) -> Callable[[], types.ModuleType]:
    """Make a plugin whose hooks give these answers."""
    module = types.ModuleType("a_plugin")

    def ehscheduler_policies() -> Any:
        return policies

    def ehscheduler_closure_days() -> Any:
        return closures

    if policies is not None:
        module.ehscheduler_policies = here(ehscheduler_policies)  # type: ignore[attr-defined]
    if closures is not None:
        module.ehscheduler_closure_days = here(ehscheduler_closure_days)  # type: ignore[attr-defined]
    return lambda: module


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.toml"
    path.write_text(HEAD + VISIT)
    return path


def refused(name: str = "testshire") -> str:
    with pytest.raises(PolicyRefused) as refusal:
        load(name)
    return str(refusal.value)


def test_the_installed_authority_is_found_by_its_entry_point() -> None:
    assert "nottinghamshire" in installed()
    county = load("nottinghamshire")
    assert county.policy.authority == "nottinghamshire"
    assert county.policy is county.policies[-1]
    assert (county.folder / "examples.toml").exists()


def test_an_unknown_name_is_refused_with_the_nearest_and_the_list(install: Callable[..., None]) -> None:
    install(northshire=a_module(), southshire=a_module())
    said = refused("nortshire")
    assert said == (
        "no authority 'nortshire' is installed; did you mean 'northshire'? (installed: northshire, southshire)"
    )
    install()
    assert "(installed: none; install one with: pip install ./plugins/nottinghamshire)" in refused()


def test_closure_days_are_no_working_days(install: Callable[..., None], policy: Path) -> None:
    install(testshire=a_module([policy], {date(2026, 3, 4): "Staff day"}))
    calendar = load("testshire").calendar
    assert not calendar.is_working(date(2026, 3, 4))
    assert calendar.why_not(date(2026, 3, 4)) == "Staff day"
    assert calendar.is_working(date(2026, 3, 5))


def test_editions_stand_oldest_first_whatever_the_order_of_their_files(
    install: Callable[..., None], tmp_path: Path
) -> None:
    paths = []
    for year in ("2024", "2015", "2020"):
        path = tmp_path / f"policy-{year}.toml"
        path.write_text(
            (HEAD + VISIT).replace("2015-01-01", f"{year}-01-01").replace('edition = "1"', f'edition = "{year}"')
        )
        paths.append(path)
    install(testshire=a_module(paths))
    county = load("testshire")
    assert [one.edition for one in county.policies] == ["2015", "2020", "2024"]
    assert county.policy.edition == "2024"


def raising(error: BaseException) -> Callable[[], Any]:
    def load_module() -> Any:
        raise error

    return load_module


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (raising(ImportError("no module named x")), "could not be loaded: ImportError: no module named x"),
        (raising(SyntaxError("bad")), "could not be loaded: SyntaxError"),
        (raising(SystemExit(3)), "could not be loaded: SystemExit"),
        (a_module(), "ehscheduler_policies must return a list of Path objects"),
        (a_module([]), "ehscheduler_policies must return a list of Path objects"),
        (a_module(["policy.toml"]), "ehscheduler_policies must return a list of Path objects"),
        (a_module(42), "could not be loaded: TypeError"),
        (a_module([Path("/nowhere/policy.toml")]), "/nowhere/policy.toml: there is no such policy file"),
    ],
    ids=["import", "syntax", "exit", "nothing", "empty", "text", "number", "no file"],
)
def test_a_plugin_at_fault_is_refused_by_name(
    install: Callable[..., None], module: Callable[[], Any], said: str
) -> None:
    install(testshire=module)
    answer = refused()
    assert said in answer
    assert "testshire" in answer or "a_plugin" in answer


@pytest.mark.parametrize(
    "closures", [["2026-03-04"], {"2026-03-04": "x"}, {moment("2026-03-04"): "x"}, 7], ids=str
)  # fmt: skip
def test_closure_days_that_are_no_dates_are_refused(install: Callable[..., None], policy: Path, closures: Any) -> None:
    install(testshire=a_module([policy], closures))
    assert "ehscheduler_closure_days must return {date: name}" in refused()


def test_a_hook_that_there_is_not_is_refused(install: Callable[..., None], policy: Path) -> None:
    module = a_module([policy])()
    module.ehscheduler_polices = here(lambda: [])
    install(testshire=lambda: module)
    assert "could not be loaded" in refused()


def test_a_policy_of_another_authority_is_refused(install: Callable[..., None], policy: Path) -> None:
    install(northshire=a_module([policy]))
    assert "policy.toml is for the authority 'testshire', not for 'northshire'" in refused("northshire")


def test_every_fault_of_every_edition_is_named(install: Callable[..., None], tmp_path: Path) -> None:
    paths = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.toml"
        path.write_text(HEAD + VISIT.replace("met_by", "metby").replace("owner", "onwer"))
        paths.append(path)
    install(testshire=a_module(paths))
    said = refused().splitlines()
    assert all(line.startswith("plugin 'testshire': ") for line in said)
    for name in ("one.toml", "two.toml"):
        assert any(name in line and "did you mean `met_by`" in line.replace("'", "`") for line in said)


# ---- no harm to another


def test_a_faulty_plugin_harms_no_other_and_is_an_alarm_until_it_loads_again(
    install: Callable[..., None], policy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(testshire=a_module([policy]), badshire=raising(ImportError("no module named x")))
    faults: dict[str, str] = {}
    assert list(all_authorities(Config(), faults)) == ["testshire"]
    assert "plugin 'badshire' could not be loaded" in capsys.readouterr().err
    with Store.create(tmp_path / "ehs.db") as store:
        assert told(store, faults) == ["badshire"]
        assert told(store, faults) == ["badshire"]
        assert told(store, {}) == []


def told(store: Store, faults: Mapping[str, str]) -> list[str]:
    note_plugins(store, ["badshire", "testshire"], faults, moment("2026-03-02 09:00"))
    with store.read() as tx:
        return [alarm.subject for alarm in alarms(tx) if alarm.code == "plugin"]


def test_where_none_can_be_used_the_command_is_refused(install: Callable[..., None]) -> None:
    install(badshire=raising(ImportError("x")))
    with pytest.raises(PolicyRefused, match="no authority can be used"):
        all_authorities(Config())


def test_loading_leaves_nothing_of_a_plugin_behind(install: Callable[..., None], policy: Path) -> None:
    install(testshire=a_module([policy]))
    before = set(sys.modules)
    load("testshire")
    assert set(sys.modules) == before
