"""A way out that somebody else wrote: found by its entry point, made of its settings, and named where it fails."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ehscheduler.channels import ways_of
from ehscheduler.config import Config, config_from
from ehscheduler.notify.mail import Sender
from tests.daemon.house import NAME, House
from tests.daemon.test_preferences import turn

SENDER = Sender("Early Help", "early-help@council.example")
PAGER = """
from ehscheduler.hookspecs import hookimpl
from ehscheduler.notify.channel import Outcome
from ehscheduler.notify.render import render
from ehscheduler.notify.ways import Way, Written
from contextlib import contextmanager

TAKEN = []


class Pager:
    def __init__(self, number):
        self.number = number

    @contextmanager
    def session(self):
        yield self

    def send(self, message, *, to, message_id, deadline=15.0):
        TAKEN.append((self.number, to, message.decode()))
        return Outcome("accepted", "beeped")


def pager(setting):
    if not setting.table.url:
        raise ValueError("no number: name it with url")

    def write(message, to, message_id, now):
        return Written(render(message).subject, render(message).subject.encode())

    return Way(setting.name, Pager(setting.table.url), write)


@hookimpl
def ehscheduler_channels():
    return {"pager": pager}
"""
Put = Callable[[str, str], None]


@pytest.fixture
def put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Put]:
    """Install a distribution with an entry point for channels."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(name: str, python: str) -> None:
        known = tmp_path / f"{name}-1.0.dist-info"
        known.mkdir()
        (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (known / "entry_points.txt").write_text(f"[ehscheduler.channels]\n{name} = made_channel_{name}\n")
        (tmp_path / f"made_channel_{name}.py").write_text(python)

    yield install
    for name in [name for name in sys.modules if name.startswith("made_channel_")]:
        del sys.modules[name]


def config(**channels: dict[str, str]) -> Config:
    return config_from({"channels": channels}, "config.toml")


def test_a_message_leaves_by_a_way_that_somebody_else_wrote(put: Put, tmp_path: Path) -> None:
    from ehscheduler.store import Store

    put("pager", PAGER)
    ways, faults = ways_of(config(beep={"kind": "pager", "url": "0115"}), SENDER)
    assert faults == []
    with Store.create(tmp_path / "ehs.db") as store:
        house = House(store)
        house.people()
        house.live()
        house.set(preferences={NAME: {"channel": "beep"}})
        house.case("C1", "2026-03-02 08:00 allocation")
        turn(house, "2026-03-11 08:30", *(_Made(way) for way in ways.values()))
        assert house.states() == {"handed_over": 1}
    taken = sys.modules["made_channel_pager"].TAKEN
    assert taken == [("0115", "w1@council.example", "Early Help: 1 due by Monday 16 March")]


class _Made:
    def __init__(self, way: object) -> None:
        self.way = way
        self.name = way.name  # type: ignore[attr-defined]


def test_a_setting_that_cannot_work_is_named_with_its_place(put: Put) -> None:
    put("pager", PAGER)
    assert ways_of(config(beep={"kind": "pager"}), SENDER) == ({}, ["[channels.beep]: no number: name it with url"])


def test_a_plugin_that_cannot_be_loaded_is_named_and_the_others_go_on(put: Put) -> None:
    put("broken", "import nothing_of_that_name\n")
    put("pager", PAGER)
    ways, faults = ways_of(config(beep={"kind": "pager", "url": "0115"}), SENDER)
    assert list(ways) == ["beep"]
    (fault,) = faults
    assert fault.startswith("channel plugin 'broken' could not be loaded (ModuleNotFoundError")


def test_a_kind_that_is_not_installed_is_refused_with_the_nearest(put: Put) -> None:
    put("pager", PAGER)
    _, (fault,) = ways_of(config(beep={"kind": "pagr", "url": "0115"}), SENDER)
    assert fault == (
        "[channels.beep] kind: 'pagr' is none of console, file, notify, pager, slack, teams; did you mean 'pager'?"
    )
