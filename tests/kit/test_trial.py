"""The plugin that somebody wrote from the pages alone is still proved, and holds each case that was counted for it."""

import re
import shutil
from pathlib import Path

import pytest

from ehscheduler import kit

TRIAL = Path(__file__).parents[2] / "docs" / "trials" / "westmere"
ROW = re.compile(r"(?m)^\| (\d+) \|")


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> kit.Plugin:
    return kit.plugin(shutil.copytree(TRIAL / "plugin", tmp_path_factory.mktemp("trial") / "westmere"))


def test_every_case_of_the_worksheet_comes_out(plugin: kit.Plugin, tmp_path: Path) -> None:
    written = (TRIAL / "plugin" / "ehs_westmere" / "examples.toml").read_text(encoding="utf-8")
    numbers = [int(n) for n in ROW.findall((TRIAL / "worksheet.md").read_text(encoding="utf-8"))]
    assert numbers == [*range(1, 27)]
    assert [n for n in numbers if not re.search(rf"Row {n}\b", written)] == []
    assert [said for worked in plugin.worked for said in kit.through_files(plugin, worked, tmp_path)] == []


def test_its_files_agree_and_no_change_of_it_goes_unseen(plugin: kit.Plugin) -> None:
    assert [fault for proof in kit.PROOFS for fault in proof(plugin)] == []
    tables = kit.tables_with_mutants(plugin)
    assert len(tables) > 20
    assert [fault for table in tables for fault in kit.mutant_faults(plugin, table)] == []
