"""Who may import whom: the layers of the house, held by the imports themselves."""

import ast
from pathlib import Path

import pytest

import ehscheduler

ROOT = Path(ehscheduler.__file__).parent

# Low to high. A module may import its own layer's package and anything lower; siblings in a layer stay apart.
LAYERS: list[list[str]] = [
    ["errors"],
    ["core"],
    ["address", "clock", "hookspecs", "policy_files"],
    ["store", "notify", "intake", "plugins", "config"],
    ["pure", "office", "fitting", "channels"],
    ["board", "ahead", "sent", "concern", "disputing", "staffing", "tally", "diary", "kit"],
    ["daemon"],
    ["cli", "demo"],
    ["app"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
APART = {"store", "notify", "intake", "plugins", "config"}


def modules() -> list[Path]:
    return sorted(path for path in ROOT.rglob("*.py") if "migrations" not in path.parts)


def part_of(path: Path) -> str:
    inside = path.relative_to(ROOT).with_suffix("").parts
    return inside[0]


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_run_downwards_only(path: Path) -> None:
    here = part_of(path)
    if here == "__init__":
        return
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "ehscheduler" or len(parts) < 2 or parts[1] not in RANK:
            continue
        there = parts[1]
        if there == here:
            continue
        assert RANK[there] < RANK[here] or (RANK[there] == RANK[here] and here not in APART), (
            f"{here} imports {there}, which is not below it"
        )


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_has_a_layer(path: Path) -> None:
    assert part_of(path) in {*RANK, "__init__"}


@pytest.mark.parametrize("path", sorted((ROOT / "core").glob("*.py")), ids=lambda p: p.name)
def test_the_core_imports_the_standard_library_alone(path: Path) -> None:
    import sys

    for name in imported(path):
        top = name.split(".")[0]
        assert top in sys.stdlib_module_names or name.startswith(("ehscheduler.core", "ehscheduler.errors")), name
        assert top not in {"os", "sys", "socket", "sqlite3", "pathlib", "time", "random", "subprocess", "logging"}, name


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(ROOT)))
def test_time_is_asked_in_the_clock_alone(path: Path) -> None:
    if path.name == "clock.py":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in {"utcnow", "today"}, f"line {node.lineno}"
            if node.func.attr == "now":
                owner = node.func.value
                assert not (isinstance(owner, ast.Name) and owner.id in {"datetime", "date"}), f"line {node.lineno}"


def test_sqlalchemy_is_the_stores_alone_and_apscheduler_the_daemons() -> None:
    for path in modules():
        tops = {name.split(".")[0] for name in imported(path)}
        here = part_of(path)
        assert "sqlalchemy" not in tops or here == "store", path
        assert "apscheduler" not in tops or here == "daemon", path
