"""A plugin that was just written is whole and passes; a name or a folder that cannot be is refused in a sentence."""

from pathlib import Path

import pytest

from ehscheduler.errors import InputRefused
from ehscheduler.kit import plugin
from ehscheduler.kit.new import write_plugin
from ehscheduler.kit.report import Asked, prove

NAMES = {
    "Ashford": "cannot be an authority's name",
    "ash-ford": "cannot be an authority's name",
    "1ashford": "cannot be an authority's name",
    "": "cannot be an authority's name",
    "../ashford": "cannot be an authority's name",
    "åshford": "cannot be an authority's name",
    "class": "cannot be an authority's name",
    "a" * 41: "is longer than 40 letters",
    "barnet": "is installed already",
}


def test_a_new_plugin_passes_every_proof_as_it_stands(tmp_path: Path) -> None:
    written = write_plugin("east_ashford", tmp_path / "made" / "here")
    assert sorted(str(path.relative_to(tmp_path / "made" / "here")) for path in written) == [
        "README.md",
        "ehs_east_ashford/__init__.py",
        "ehs_east_ashford/coverage.toml",
        "ehs_east_ashford/equivalent.toml",
        "ehs_east_ashford/examples.toml",
        "ehs_east_ashford/policy.toml",
        "pyproject.toml",
        "tests/test_east_ashford.py",
    ]
    found = list(prove(Asked(plugin(tmp_path / "made" / "here"))))
    assert [fault for one in found for fault in one.faults] == []
    assert found[-1].said.startswith("score 100 %")
    texts = "".join(path.read_text(encoding="utf-8") for path in written)
    assert "$" not in texts
    assert "East Ashford" in texts


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_cannot_be_one_is_refused_and_nothing_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputRefused, match=NAMES[name]):
        write_plugin(name, tmp_path / "made")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("kind", ["folder", "file", "link to nothing"])
def test_what_is_there_already_is_left_alone(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "ashford"
    {"folder": there.mkdir, "file": there.touch, "link to nothing": lambda: there.symlink_to("nowhere")}[kind]()
    with pytest.raises(InputRefused, match="is there already, and nothing in it was touched; name another with --out"):
        write_plugin("ashford", there)
    assert [path.name for path in tmp_path.iterdir()] == ["ashford"]


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputRefused, match="nothing was kept; name a folder that can be made with --out"):
        write_plugin("ashford", tmp_path / "file" / "ashford")
