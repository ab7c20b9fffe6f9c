"""Kills of the whole program, as an installer starts it and by the machine's own clock."""

import random
import shutil
import signal
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.campaign.conftest import Figures
from tests.campaign.ledger import UNSEEN, Accepted, Kill, after_kill, balance, by_case, read_log
from tests.campaign.scene import Daemon, Scene, command, set_scene, wait_for
from tests.campaign.sink import Sink, sink

KILLS = 5
TEAMS = 30


def in_peace(scene: Scene, folder: Path) -> list[Accepted]:
    """Do one turn on a copy of the database; return what the program sends when nothing happens to it."""
    with sink(folder) as mail:
        copy = Scene(folder, folder / "daemon.db", folder / "config.toml", folder / "clock")
        shutil.copy(scene.database, copy.database)
        text = scene.config.read_text().replace(str(scene.database), str(copy.database))
        lines = [f"port = {mail.port}" if line.startswith("port = ") else line for line in text.splitlines()]
        copy.config.write_text("\n".join(lines))
        with command(copy, "tick") as turn:
            assert turn.ends(60) == 0, turn.said
        return read_log(mail.log)


def killed(daemon: Daemon, scene: Scene, mail: Sink, rng: random.Random) -> Kill:
    """Kill a daemon at a random moment of its sending, and look at what it leaves behind."""
    wanted = mail.accepted + rng.randint(1, 8)
    wait_for("messages go out", lambda: mail.accepted >= wanted)
    time.sleep(rng.uniform(0, 0.08))
    daemon.kill()
    worker = f"{socket.gethostname()}:{daemon.process.pid}"
    claimed, faults = after_kill(scene.database, worker, read_log(mail.log))
    return Kill(0, UNSEEN, None, claimed, faults)


@pytest.mark.campaign
def test_five_kills_of_the_whole_program_lose_nothing(
    tmp_path: Path, seed: int, show: Callable[[Figures], None]
) -> None:
    rng = random.Random(seed)
    with sink(tmp_path / "sink", delay=0.03, seed=seed) as mail:
        scene = set_scene(tmp_path / "scene", mail, datetime.now(UTC), teams=TEAMS)
        owed = in_peace(scene, tmp_path / "peace")
        assert len(owed) == 2 * TEAMS
        kills = []
        for _ in range(KILLS):
            with command(scene, "run") as daemon:
                kills.append(killed(daemon, scene, mail, rng))
        # What the dead ones had claimed goes out again once their leases have run out: 40 s, by the real clock.
        with command(scene, "run") as daemon:
            wait_for("all is handed over", scene.drained, within=90)
            daemon.send(signal.SIGTERM)
            assert daemon.ends(10) == 0, daemon.said
        sent = read_log(mail.log)
    account = balance(owed, sent, kills, scene.database, key=by_case)
    between = sum(1 for kill in kills if kill.claimed)
    lost = len(account.lost)
    show({"seed": seed, "kills": KILLS, "between claim and mark": between, "lost": lost, "repeats": account.repeats})
    assert not account.lost, f"seed {seed}: {account.lost}"
    assert not account.not_owed, f"seed {seed}: {account.not_owed}"
    assert not [*account.believed, *account.too_often, *account.faults], f"seed {seed}: {account}"
    assert account.repeats <= between, f"seed {seed}: {account.repeats} repeats"
