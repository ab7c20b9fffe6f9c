"""Each plugin by itself: installed alone beside the core it works, and nothing outside its folder names it."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))
OURS = ("ehscheduler", "ehs_", "__editable__", "_editable_impl_ehs")
CASES = "case_ref,team,lead\nC1,North,w1\n"
EVENTS = (
    "case_ref,event,occurred_at,recorded_at,ref,detail\n"
    "C1,referral_received,2026-03-02,,,\nC1,received_into_team,2026-03-03,,,\nC1,allocation,2026-03-04,,,\n"
    "C1,concern_raised,2026-03-05,,N1,\n"
)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages that ehscheduler needs, and none that is ehscheduler's or a plugin's."""
    folder = tmp_path_factory.mktemp("beside")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if not path.name.startswith(OURS) and path.suffix != ".pth":
            (folder / path.name).symlink_to(path)
    return folder


@pytest.fixture(scope="module")
def core(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return put(ROOT, tmp_path_factory.mktemp("core"))


def put(project: Path, target: Path) -> Path:
    """Install a project into a folder of its own, without the network; by hand where its builder is not here."""
    if find_spec("hatchling") is None:
        return put_by_hand(project, target)
    offline = ("--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "--quiet")
    subprocess.run(
        [sys.executable, "-m", "pip", "install", *offline, "--target", target, project],
        check=True,
        capture_output=True,
        text=True,
    )
    return target


def put_by_hand(project: Path, target: Path) -> Path:
    """Do what an installer does with a project: its packages, its name, and its entry points."""
    made = tomllib.loads((project / "pyproject.toml").read_text())
    name, version = made["project"]["name"], made["project"]["version"]
    for package in made["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        shutil.copytree(project / package, target / package)
    known = target / f"{name.replace('-', '_')}-{version}.dist-info"
    known.mkdir()
    (known / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    points = made["project"].get("entry-points", {})
    lines = [f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in named.items()) for group, named in points.items()]
    (known / "entry_points.txt").write_text("".join(lines))
    return target


@pytest.mark.parametrize("project", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_installs_alone_beside_the_core_and_works(
    beside: Path, core: Path, project: Path, tmp_path: Path
) -> None:
    target, name = put(project, tmp_path / "plugin"), project.name
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (target, core, beside)))}

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        # Without site (-S) nothing is found but what stands on the path.
        command = [sys.executable, "-S", "-W", "error", "-m", "ehscheduler.app", *words]
        return subprocess.run(command, cwd=tmp_path, env=here, capture_output=True, text=True)

    listed = run("policy", "list", "--format", "json")
    assert listed.returncode == 0, listed.stderr
    assert [row["authority"] for row in json.loads(listed.stdout)] == [name]
    checked = run("policy", "check", name)
    assert checked.returncode == 0, checked.stderr
    (tmp_path / "cases.csv").write_text(CASES)
    (tmp_path / "events.csv").write_text(EVENTS)
    files = ("--cases", "cases.csv", "--events", "events.csv")
    timeline = run("timeline", "--authority", name, *files, "--at", "2026-03-09")
    told = json.loads(timeline.stdout)
    assert (timeline.returncode, told["problems"]) == (0, [])
    assert told["authority"] == name
    assert told["milestones"]
    [other] = [one.name for one in PLUGINS if one.name != name][:1]
    refused = run("timeline", "--authority", other, *files, "--at", "2026-03-09")
    assert refused.returncode == 1
    assert f"(installed: {name})" in refused.stdout


# ---- adding one touches one folder

IN_DEMO = ("ehscheduler/demo/", "ehscheduler/cli/demo")
ABOUT_ONE = {"nottinghamshire": (*IN_DEMO, "benchmarks/"), "barnet": IN_DEMO}
"""Where an authority may be named in code: the demo is played, and a figure taken, with one, and has a second."""


@pytest.mark.parametrize("project", PLUGINS, ids=lambda path: path.name)
def test_no_code_outside_its_folder_names_a_plugin(project: Path) -> None:
    allowed = ABOUT_ONE.get(project.name, ())
    naming = [
        path.relative_to(ROOT).as_posix()
        for path in code()
        if project.name in path.read_text(encoding="utf-8").lower() or f"ehs_{project.name}" in str(path)
    ]
    assert [path for path in naming if not path.startswith(allowed)] == []


def code() -> list[Path]:
    """Return what is built, run or shipped: the packages, the other plugins aside, and how they are put together."""
    folders = [ROOT / "ehscheduler", ROOT / "benchmarks", ROOT / ".ci"]
    kinds = {".py", ".toml", ".j2", ".html", ".css", ".js", ".sh", ".mako", ""}
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix in kinds]
    return [*found, *(ROOT / name for name in ("Makefile", "pyproject.toml", "constraints.txt"))]


def test_the_search_finds_what_it_looks_for() -> None:
    naming = [path for path in code() if "nottinghamshire" in path.read_text(encoding="utf-8").lower()]
    assert {"demo", "cli"} <= {path.parent.name for path in naming}


def test_no_plugin_imports_what_is_behind_the_front_door() -> None:
    import ast

    for project in PLUGINS:
        for path in (project / f"ehs_{project.name}").rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(("ehscheduler", "ehs_")):
                    assert node.module in ("ehscheduler", f"ehs_{project.name}"), path
