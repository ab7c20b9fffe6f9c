"""The units, the wrapper and the container file: what they start is there, and does what they promise."""

import re
import shlex
import shutil
import subprocess
import tomllib
from configparser import RawConfigParser
from pathlib import Path

import pytest

from ehscheduler.config import Mail
from tests.test_docs import parse

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted(path for path in DEPLOY.iterdir() if path.suffix in (".service", ".timer"))
PROGRAM = "/opt/ehscheduler/bin/ehscheduler"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def unit(name: str) -> RawConfigParser:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(DEPLOY / name)
    return parser


# ---- systemd


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_finds_no_fault_in_a_unit(path: Path, tmp_path: Path) -> None:
    for one in UNITS:
        (tmp_path / one.name).write_text(one.read_text().replace(PROGRAM, "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", tmp_path / path.name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "ehscheduler" in line] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze here")
def test_a_fault_in_a_unit_is_found(tmp_path: Path) -> None:
    bad = (DEPLOY / "ehscheduler.service").read_text().replace(PROGRAM, "/bin/true").replace("UMask=", "Umask=")
    (tmp_path / "ehscheduler.service").write_text(bad)
    words = ["systemd-analyze", "verify", str(tmp_path / "ehscheduler.service")]
    assert "Umask" in subprocess.run(words, capture_output=True, text=True).stderr


def test_each_service_starts_a_command_of_ours() -> None:
    (started,) = re.findall(rf"{PROGRAM} (.*)", unit("ehscheduler.service")["Service"]["ExecStart"])
    assert parse(tuple(shlex.split(started))) == "ehscheduler run"
    (shell,) = shlex.split(unit("ehscheduler-backup.service")["Service"]["ExecStart"])[2:]
    script = shell.replace("$$", "$").replace("%%", "%").replace(PROGRAM, "echo").removeprefix("exec ")
    said = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout
    assert re.fullmatch(r"backup /var/backups/ehscheduler/\d{4}-\d\d-\d\dT\d{6}\.db\n", said)
    assert parse(tuple(said.split())) == "ehscheduler backup"


def test_the_service_has_longer_to_stop_than_a_message_may_take() -> None:
    assert int(unit("ehscheduler.service")["Service"]["TimeoutStopSec"]) > Mail().deadline_seconds


def test_both_services_are_the_same_login_and_as_narrow_as_each_other() -> None:
    run, backup = (dict(unit(name)["Service"]) for name in ("ehscheduler.service", "ehscheduler-backup.service"))
    its_own = {"Type", "ExecStart", "Restart", "RestartSec", "TimeoutStopSec", "ReadWritePaths", "RemoveIPC"}
    assert {k: v for k, v in run.items() if k not in its_own} == {k: v for k, v in backup.items() if k not in its_own}
    assert run["UMask"] == "0077"
    assert run["ProtectSystem"] == "strict"


# ---- the wrapper


@pytest.fixture
def wrapper(tmp_path: Path) -> Path:
    """The wrapper, in a folder that stands for the machine; what it would start says what it was given."""
    text = (DEPLOY / "ehscheduler").read_text()
    for place in ("/var/lib/ehscheduler", "/etc/ehscheduler"):
        (tmp_path / place[1:]).mkdir(parents=True)
        text = text.replace(place, f"{tmp_path}{place}")
    made = tmp_path / "ehscheduler"
    made.write_text(text)
    runuser = tmp_path / "runuser"
    runuser.write_text('#!/bin/sh\npwd\numask\nenv\nfor word in "$@"; do echo "[$word]"; done\n')
    for script in (made, runuser):
        script.chmod(0o755)
    return made


def started(wrapper: Path, *words: str) -> list[str]:
    path = f"{wrapper.parent}:/usr/bin:/bin"
    done = subprocess.run([wrapper, *words], env={"PATH": path}, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_a_command_runs_as_the_service_does(wrapper: Path) -> None:
    said = started(wrapper, "record", "C1", "--detail", '{"a": "b c"}')
    home = f"{wrapper.parent}/var/lib/ehscheduler"
    assert said[:2] == [home, "0077"]
    assert f"HOME={home}" in said
    assert said[-8:] == [
        "[-u]",
        "[ehscheduler]",
        "[--]",
        f"[{PROGRAM}]",
        "[record]",
        "[C1]",
        "[--detail]",
        '[{"a": "b c"}]',
    ]


def test_a_secret_is_a_value_and_never_a_command(wrapper: Path) -> None:
    secrets = wrapper.parent / "etc/ehscheduler/secrets.env"
    left = wrapper.parent / "left"
    secrets.write_text(
        f"# of the mail\n\nEHS_A=p $HOME & `touch {left}` $(touch {left}); x=y # z\nEHS_B=\nEHS_C=back\\\\slash"
    )
    said = started(wrapper, "status")
    assert f"EHS_A=p $HOME & `touch {left}` $(touch {left}); x=y # z" in said
    assert "EHS_B=" in said
    assert "EHS_C=back\\slash" in said
    assert not left.exists()


# ---- the container


def test_the_container_is_built_from_what_is_in_the_clone_and_starts_the_daemon() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    for words in re.findall(r"(?m)^COPY ((?!--from).*)$", text):
        for source in words.split()[:-1]:
            assert (ROOT / source).exists(), source
    copied = {source for words in re.findall(r"(?m)^COPY ((?!--from).*)$", text) for source in words.split()[:-1]}
    needed = {
        PROJECT["readme"],
        *PROJECT["license-files"],
        "pyproject.toml",
        "constraints.txt",
        "ehscheduler",
        "plugins",
    }
    assert needed <= copied
    (entry,), (given,) = (re.findall(rf'(?m)^{word} \["(.*)"\]$', text) for word in ("ENTRYPOINT", "CMD"))
    assert entry in PROJECT["scripts"]
    assert parse((given,)) == "ehscheduler run"
    # Its last login is not root.
    assert re.findall(r"(?m)^USER (\d+)$", text)[-1] != "0"


def test_the_pythons_that_are_supported_are_those_on_which_the_suite_has_run() -> None:
    ran = [one.rpartition(" ")[2] for one in PROJECT["classifiers"] if one.startswith("Programming Language :: Python")]
    install = (ROOT / "docs" / "install.md").read_text()
    assert re.findall(r"Python (3\.\d+) to\s+(3\.\d+)", install) == [(ran[0], ran[-1])]
    used = set(re.findall(r"python:(3\.\d+)", (DEPLOY / "Containerfile").read_text()))
    assert used <= set(ran)
