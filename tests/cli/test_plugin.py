"""plugin new and plugin test, as somebody at a further council has them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ehscheduler.errors import PolicyRefused
from ehscheduler.kit import apart
from tests.cli.conftest import Cli

ROOT = Path(__file__).parents[2]
PROOFS = """Policy, Worked cases, Each rule both ways, Coverage, Words and readings, README, Standard dates, Templates,
Hard days, Changes of the policy"""


@pytest.fixture
def ashford(cli: Cli, tmp_path: Path) -> Path:
    assert cli("plugin", "new", "ashford").code == 0
    return tmp_path / "ashford"


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@pytest.mark.parametrize("page", ["README.md", "docs/writing-a-policy.md"])
def test_the_commands_with_which_the_pages_begin_make_a_plugin_that_passes(cli: Cli, page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    [begin] = [one for one in re.findall(r"^```\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) if "plugin new" in one]
    said = [cli(*line.split()[1:]) for line in begin.splitlines()]
    assert [one.code for one in said] == [0, 0]
    assert said[0].out.startswith("Written to ashford:\n  README.md\n")
    assert said[-1].out.endswith("All is well.\n")
    shown = [line[2:26].strip() for line in said[-1].out.splitlines() if line.startswith("  ") and line[2] != " "]
    assert shown == [title.strip() for title in PROOFS.split(",")]


def test_a_plugin_is_proved_where_it_lies_by_its_folder_or_from_inside_it(
    cli: Cli, ashford: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cli("plugin", "test", str(ashford)).code == 0
    monkeypatch.chdir(ashford)
    assert cli("plugin", "test").code == 0


def test_a_folder_of_any_name_may_be_named_with_out(cli: Cli, tmp_path: Path) -> None:
    assert "plugin test 'my plugin'" in cli("plugin", "new", "ashford", "--out", "my plugin").out
    assert cli("plugin", "test", "my plugin").code == 0


SLIPS = {
    "a key": ("policy.toml", "met_by   =", "met_bye  =", ["policy.toml line 25", "no key 'met_bye'", "'met_by'?"]),
    "a word": (
        "policy.toml",
        "after allocation",
        "after alocation",
        ["policy.toml line 24", "mean 'allocation'"],
    ),
    "a quote": ("policy.toml", 'allocation"\nmet', "allocation\nmet", ["line 24, column", "close the quotes"]),
    "a date": (
        "examples.toml",
        "due_on = 2026-03-17",
        "due_on = 2026-03-18",
        ["line 8", "2026-03-18 by hand"],
    ),
    "no date": (
        "examples.toml",
        "due_on = 2026-03-17",
        "due_on = 2026-02-30",
        ["line 8, column", "date that exists"],
    ),
    "a row": ("coverage.toml", 'rule = ["review"]', 'rule = ["revue"]', ["coverage.toml line 11", "names revue"]),
    "a role": ("policy.toml", '{ who = ["manager"]', '{ who = ["manger"]', ["policy.toml line 51", "'manager'?"]),
    "no case": (
        "examples.toml",
        'state = "met_late"',
        'state = "met_later"',
        ["line 28", "met_later by hand"],
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_a_sentence_with_file_line_and_remedy(cli: Cli, ashford: Path, slip: str) -> None:
    file, old, new, parts = SLIPS[slip]
    edit(ashford / "ehs_ashford" / file, old, new)
    said = cli("plugin", "test", "ashford")
    assert said.code == 1
    assert [part for part in parts if part not in said.flat] == [], said.all
    assert "All is well" not in said.all


def test_a_rule_that_no_case_shows_lowers_the_score_and_a_lower_one_may_be_asked(cli: Cli, ashford: Path) -> None:
    path = ashford / "ehs_ashford" / "examples.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r".*to_roles = \[\"manager\"\].*\n", "", text), encoding="utf-8")
    said = cli("plugin", "test", "ashford")
    assert said.code == 1
    assert "score 94 %" in said.flat
    assert "policy.toml line 21 [standard.first-visit]: no worked case tells" in said.flat
    assert said.err == "Not yet: Changes of the policy (2).\n"
    assert cli("plugin", "test", "ashford", "--at-least", "94").code == 0
    assert cli("plugin", "test", "ashford", "--at-least", "95").code == 1


def test_many_faults_are_cut_short_unless_all_are_wanted(cli: Cli, ashford: Path) -> None:
    edit(ashford / "ehs_ashford" / "examples.toml", "events = [", "evnts = [")
    path = ashford / "ehs_ashford" / "coverage.toml"
    rows = "".join(f'  {{ row = "r{n}", clause = "1", as = "T" }},\n' for n in range(12))
    edit(path, "rows = [\n", f"rows = [\n{rows}")
    assert "and 2 more; --all shows them" in cli("plugin", "test", "ashford").flat
    assert "more; --all" not in cli("plugin", "test", "ashford", "--all").flat


def test_the_readmes_tables_are_renewed_when_that_is_asked(cli: Cli, ashford: Path) -> None:
    edit(ashford / "ehs_ashford" / "policy.toml", "is to close", "will close")
    said = cli("plugin", "test", "ashford")
    assert "the table of words is not what the files say; run: ehscheduler plugin test ashford --write" in said.flat
    assert cli("plugin", "test", "ashford", "--write").code == 0
    assert "will close" in (ashford / "README.md").read_text(encoding="utf-8")
    assert cli("plugin", "test", "ashford").code == 0


OWN_PYTHON = {
    "raises": ("raise RuntimeError('no')", "could not be loaded: RuntimeError in"),
    "exits": ("raise SystemExit(3)", "could not be loaded: SystemExit in"),
    "is no Python": ("def (", "could not be loaded: SyntaxError in"),
    "ends its process": ("import os; os._exit(3)", "its process ended after it was started"),
    "imports what is not there": ("import ehs_nothing", "No module named 'ehs_nothing'"),
}


@pytest.mark.parametrize("slip", OWN_PYTHON)
def test_python_of_a_plugins_own_that_fails_is_a_sentence(cli: Cli, ashford: Path, slip: str) -> None:
    line, part = OWN_PYTHON[slip]
    path = ashford / "ehs_ashford" / "__init__.py"
    path.write_text(f"print('noise')\n{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    said = cli("plugin", "test", "ashford")
    assert said.code == 1
    assert part in said.flat
    assert "noise" not in said.all


def test_a_condition_that_never_answers_is_a_sentence_and_not_a_wait(ashford: Path) -> None:
    path = ashford / "ehs_ashford" / "__init__.py"
    hook = "@hookimpl\ndef ehscheduler_conditions():\n    return {'endless': endless}\n"
    slow = "def endless(facts, happened, moment):\n    while True:\n        pass\n"
    path.write_text(f"{path.read_text(encoding='utf-8')}\n\n{slow}\n\n{hook}", encoding="utf-8")
    edit(
        ashford / "ehs_ashford" / "policy.toml",
        'met_by   = "home_visit"',
        'met_by = "home_visit"\nwhere = { endless = true }',
    )
    said = []
    with pytest.raises(PolicyRefused, match="nothing came for 3 seconds after 'Policy'; find what the plugin's own"):
        said += list(apart.prove_apart(str(ashford), patience=3))


def test_what_is_no_plugin_is_said_with_what_to_name_instead(cli: Cli, ashford: Path, tmp_path: Path) -> None:
    assert "no authority 'nowhere' is installed" in cli("plugin", "test", "nowhere").err
    assert "./nowhere: there is no such folder" in cli("plugin", "test", "./nowhere").err.replace(
        "nowhere:", "./nowhere:", 1
    )
    inner = cli("plugin", "test", str(ashford / "ehs_ashford"))
    assert f"name the folder that has it, {ashford}" in inner.flat
    assert "has no pyproject.toml, so it is no plugin" in cli("plugin", "test", str(tmp_path)).flat
    edit(ashford / "pyproject.toml", "[project.entry-points.ehscheduler]", "[project.entry-points.other]")
    assert 'write [project.entry-points.ehscheduler] with one line such as ashford = "ehs_ashford"' in (
        cli("plugin", "test", "ashford").flat
    )


def test_a_name_that_is_taken_or_a_folder_that_is_there_is_refused(cli: Cli, ashford: Path) -> None:
    assert "is there already, and nothing in it was touched" in cli("plugin", "new", "ashford").err
    assert "the authority 'barnet' is installed already" in cli("plugin", "new", "barnet").err
    assert "cannot be an authority's name" in cli("plugin", "new", "Ash-ford").err


def test_a_new_plugins_own_tests_pass(ashford: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=ashford,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d\d passed", done.stdout)
