"""A backup, a wipe and a restore by the commands that docs/run.md shows: nothing is lost, and nothing is sent twice."""

import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from ehscheduler.intake.caseload import MAPPING, write_caseload
from tests.cli.conftest import Cli, Said, at, cli
from tests.daemon.conftest import cluster
from tests.test_docs import FENCED, commands

__all__ = ["at", "cli", "cluster"]

RUN = Path(__file__).parent.parent / "docs" / "run.md"
SEED, FAMILIES, START, ARRIVE = 5, 30, date(2026, 10, 5), 110
FIRST, LOST_ON, LAST = date(2026, 12, 9), date(2026, 12, 10), date(2026, 12, 14)
READ_AT = re.compile(r"(?i)as recorded in \w+ at [^.]*")
TURNS = 3
"""So many turns of the service pass after its start, before the next command."""
At = Callable[[str], None]
Sent = Counter[tuple[str, str, str]]

SETTINGS = """
[database]
url = "{url}"
[mail]
channel = "file"
folder = "{root}/received"
[live.nottinghamshire]
from = 2026-11-02
[drop.nottinghamshire]
folder = "/srv/ehscheduler/nottinghamshire"
mapping = "mapping.toml"
[ladders.nottinghamshire]
overdue = [{{ who = ["line_manager"], after = "1 working day" }}]
"""


def shown(title: str) -> list[str]:
    """Return the blocks of commands under a heading of the page."""
    text = RUN.read_text(encoding="utf-8")
    section = re.search(rf"(?ms)^## {title}$(.*?)(?=^## |\Z)", text)
    assert section
    return [block for _, block in FENCED.findall(section[1])]


@dataclass
class Machine:
    """A machine in a folder: the paths that the pages name lie under it, and what people get lies apart."""

    root: Path
    cli: Cli
    at: At
    fresh_url: Callable[[], str]
    service: list[str] = field(default_factory=list)

    @property
    def lib(self) -> Path:
        return self.root / "var/lib/ehscheduler"

    def placed(self, text: str) -> str:
        return re.sub(r"(?<![\w.])/(var|srv)/", rf"{self.root}/\1/", text)

    def paste(self, block: str) -> list[Said]:
        """Do the commands of a block one by one, as the page has them; each has to go well."""
        said = []
        for line in self.placed(block).splitlines():
            (words,) = commands(line)
            if words[0] == "systemctl":
                self.service.append(" ".join(words[1:]))
                for _ in range(TURNS if words[1] == "start" else 0):
                    assert self.cli("tick").code == 0
            elif words[0] == "ehscheduler":
                said.append(self.cli(*words[1:]))
                assert said[-1].code == 0 or words[1] == "status", (line, said[-1].all)
            else:
                subprocess.run(["bash", "-ec", line], check=True)
        return said

    def settle(self, url: str) -> None:
        text = SETTINGS.format(url=url, root=self.root)
        (self.lib / "config.toml").write_text(self.placed(text))

    def set_up(self, url: str) -> None:
        for folder in (self.lib, self.root / "var/backups/ehscheduler", self.drop):
            folder.mkdir(parents=True)
        self.settle(url)
        (self.lib / "mapping.toml").write_text(MAPPING)

    @property
    def drop(self) -> Path:
        return self.root / "srv/ehscheduler/nottinghamshire"

    def tick(self, when: str) -> None:
        self.at(when)
        said = self.cli("tick")
        assert said.code == 0, said.all

    def night(self, day: date) -> None:
        """Bring the extract of a day, and let the service take it in."""
        made = write_caseload(self.root / "made", seed=SEED, families=FAMILIES, start=START, days=ARRIVE, as_of=day)
        shutil.copy(made.people, self.drop / f"people-{day}.csv")
        shutil.copy(made.extract, self.drop / f"steps-{day}.csv")
        self.tick(f"{day} 09:00")
        self.tick(f"{day} 09:01")
        assert (self.drop / "done" / f"{day}T090100-steps-{day}.csv").exists()

    def day(self, day: date) -> None:
        if day.weekday() < 5:
            self.tick(f"{day} 08:30")
            self.night(day)

    def days(self, first: date, last: date) -> None:
        for n in range((last - first).days + 1):
            self.day(first + timedelta(n))

    def sent(self) -> Sent:
        """Count what people have received, by recipient, subject and text."""
        mails = [message_from_bytes(path.read_bytes(), policy=default) for path in (self.root / "received").iterdir()]
        texts = [(mail, mail.get_body(("plain",))) for mail in mails]
        # When a file was read is another moment on the machine that read it again.
        said = [
            (mail, READ_AT.sub("as recorded", " ".join(part.get_content().split()))) for mail, part in texts if part
        ]
        return Counter((str(mail["To"]), str(mail["Subject"]), text) for mail, text in said)


@pytest.fixture
def machine_of(
    cli: Cli, at: At, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Callable[[str, str], Machine]]:
    """Set a machine up with an empty database of either kind, by its name."""
    made: list[str] = []

    def fresh(kind: str) -> str:
        if kind == "sqlite":
            return "sqlite:///ehscheduler.db"
        made.append(request.getfixturevalue("cluster").fresh())
        return made[-1]

    def make(name: str, kind: str) -> Machine:
        machine = Machine(tmp_path / name, cli, at, lambda: fresh(kind))
        machine.set_up(machine.fresh_url())
        monkeypatch.chdir(machine.lib)
        at(f"{FIRST} 08:00")
        assert cli("init").code == 0
        return machine

    yield make
    for url in made:
        request.getfixturevalue("cluster").drop(url)


def backed_up(machine: Machine) -> Path:
    """Make a backup by the page, and return it."""
    [making] = shown("Backup")
    machine.at(f"{LOST_ON} 05:30")
    machine.paste(making)
    (found,) = (machine.root / "var/backups/ehscheduler").iterdir()
    assert found.stat().st_mode & 0o777 == 0o600
    return found


def test_after_a_restore_by_the_page_people_have_had_what_they_would_have_had(
    machine_of: Callable[[str, str], Machine],
) -> None:
    unharmed = machine_of("unharmed", "sqlite")
    unharmed.days(FIRST, LAST)
    would_have_had = unharmed.sent()
    for kind in ("sqlite", "postgresql"):
        machine = machine_of(kind, kind)
        before = lost_and_restored(machine)
        machine.days(LOST_ON + timedelta(1), LAST)
        assert machine.sent() == would_have_had
        assert len(machine.sent()) > len(before) > 5


def lost_and_restored(machine: Machine) -> Sent:
    """Lose a machine's database in the middle of a day and restore it by the page; return what was sent before."""
    _, restoring, sending = shown("Restore")
    machine.days(FIRST, LOST_ON - timedelta(1))
    backed_up(machine)
    machine.tick(f"{LOST_ON} 08:30")
    machine.night(LOST_ON)
    before = machine.sent()

    for path in machine.lib.glob("ehscheduler.db*"):
        path.unlink()
    machine.settle(machine.fresh_url())
    machine.at(f"{LOST_ON} 15:00")
    said = machine.paste(restoring)
    assert "Sending is held" in said[0].flat
    assert machine.cli("status").code == 3
    machine.tick(f"{LOST_ON} 15:30")
    assert machine.sent() == before

    (let_go, standing) = machine.paste(sending)
    assert machine.service == ["start ehscheduler"]
    assert "Sent is what is due from 11:00 on Thursday 10 December 2026 on" in let_go.flat
    assert standing.code != 3, "the page says that all goes on from here"
    return before


def test_what_is_left_of_a_damaged_database_is_put_aside_and_never_written_over(
    machine_of: Callable[[str, str], Machine],
) -> None:
    aside, restoring, _ = shown("Restore")
    machine = machine_of("damaged", "sqlite")
    machine.night(LOST_ON)
    kept = backed_up(machine)
    database = machine.lib / "ehscheduler.db"
    database.write_bytes(b"lost" * 4096)
    assert "is not written over" in machine.cli("restore", kept).flat
    machine.paste(aside)
    machine.paste(restoring)
    assert machine.service == ["stop ehscheduler"]
    assert (machine.lib / "before" / database.name).read_bytes() == b"lost" * 4096
    assert database.stat().st_mode & 0o777 == 0o600
    assert machine.cli("status").code == 3
