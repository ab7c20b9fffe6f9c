"""Rounds of a campaign: one workload, lived once in peace and once under kills, and the account of both."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from ehscheduler.plugins import load
from tests.campaign.board import Board, Stage
from tests.campaign.ledger import Accepted, Account, Kill, after_kill, balance, read_log, tells_of
from tests.campaign.life import FAILED, LEASE, VARIANTS, Ground, fork, found
from tests.campaign.sink import sink
from tests.campaign.workload import AUTHORITY, Workload, make_workload

SINK_DELAY = 0.003
A_LIFE_ENDS_WITHIN = 300.0
LOOK_EVERY = 0.0002

AIMS: tuple[tuple[Stage, float, float], ...] = (
    (Stage.SENDING, 0.46, 0.012),
    (Stage.MARKING, 0.12, 0.004),
    (Stage.CLAIMED, 0.10, 0.001),
    (Stage.DECIDING, 0.16, 0.010),
    (Stage.COMPOSING, 0.08, 0.020),
    (Stage.IMPORTING, 0.04, 0.030),
    (Stage.IDLE, 0.04, 0.500),
)
"""At which stage a kill is aimed, how often, and how many seconds later at most it falls: wherever the life is then."""
BETWEEN = AIMS[:3]


@dataclass(frozen=True)
class Aim:
    """Kill so many seconds after the life has entered a stage for the nth time."""

    stage: Stage
    nth: int
    later: float


@dataclass
class Report:
    """What a campaign says of itself."""

    seed: int
    variant: str
    kills: list[Kill] = field(default_factory=list)
    accounts: list[Account] = field(default_factory=list)
    peace: list[Account] = field(default_factory=list)

    @property
    def between(self) -> int:
        """Count the kills that fell between claim and mark, as the rows say."""
        return sum(1 for kill in self.kills if kill.claimed)

    def figures(self) -> dict[str, object]:
        """Give the report in plain values."""
        fell = Counter(kill.stage for kill in self.kills)
        total = {
            name: sum(len(getattr(account, name)) for account in self.accounts)
            for name in ("lost", "not_owed", "believed", "too_often", "faults")
        }
        return {
            "seed": self.seed,
            "variant": self.variant,
            "kills": len(self.kills),
            "between claim and mark": self.between,
            "under way": sum(1 for kill in self.kills if kill.under_way),
            "fell": dict(sorted(fell.items())),
            "messages": sum(account.messages for account in self.accounts),
            "told": sum(account.told for account in self.accounts),
            "repeats": sum(account.repeats for account in self.accounts),
            "repeats without a kill": sum(account.repeats for account in self.peace),
            **total,
        }

    def sentences(self) -> list[str]:
        """List what went wrong, with the place."""
        return [
            f"{name}: {said}"
            for account in (*self.accounts, *self.peace)
            for name in ("lost", "not_owed", "believed", "too_often", "faults")
            for said in getattr(account, name)
        ]


def campaign(folder: Path, *, seed: int, kills: int, days: int, variant: str = "as it is", per_round: int = 50) -> Report:
    """Kill until there were so many kills, in as many rounds as that takes, each with a workload of its own."""
    report = Report(seed, variant)
    number = 0
    while len(report.kills) < kills:
        number += 1
        wanted = min(per_round, kills - len(report.kills))
        _round(folder / f"round-{number}", random.Random(f"{seed}/{number}"), wanted, days, report)
    return report


def _round(folder: Path, rng: random.Random, kills: int, days: int, report: Report) -> None:
    workload = make_workload(folder / "feed", rng.getrandbits(32), days=days)
    peace = _run(folder / "peace", workload, rng, 0, 0, Report(report.seed, "as it is"))
    report.peace.append(peace.account)
    war = _run(folder / "war", workload, rng, kills, len(peace.sent), report, peace.sent)
    report.accounts.append(war.account)


@dataclass(frozen=True)
class _Run:
    account: Account
    sent: list[Accepted]


def _run(
    folder: Path,
    workload: Workload,
    rng: random.Random,
    kills: int,
    messages: int,
    report: Report,
    owed: Sequence[Accepted] | None = None,
) -> _Run:
    with sink(folder, delay=SINK_DELAY, seed=rng.getrandbits(32)) as mail:
        variant = VARIANTS[report.variant]
        ground = Ground(
            workload, load(AUTHORITY), folder / "daemon.db", mail.port, folder / "trouble.txt", variant
        )  # fmt: skip
        found(ground)
        fallen = list(_lives(ground, rng, kills, messages, report, mail.log))
        report.kills += fallen
        sent = read_log(mail.log)
    account = balance(sent if owed is None else owed, sent, fallen, ground.database)
    return _Run(account, sent)


def _lives(
    ground: Ground, rng: random.Random, kills: int, messages: int, report: Report, log: Path
) -> Iterator[Kill]:
    """Live again and again from where the last life ended, until one comes to the end of the days."""
    board, turn, at = Board(), 0, ground.workload.turns[0].at
    fallen = between = 0
    while True:
        aim = _aim(rng, messages / (kills + 1), between, fallen) if fallen < kills else None
        worker = f"life-{fallen}"
        child = fork(ground, board, first=turn, at=at, worker=worker)
        if not _killed(child, board, aim, ground):
            return
        claimed, faults = after_kill(ground.database, worker, read_log(log))
        fallen, between = fallen + 1, between + bool(claimed)
        yield Kill(board.turn, board.stage.name.lower(), board.under_way, claimed, faults)
        turn, at = board.turn, _resumed(ground.workload, board.turn, turn, at, rng)


def _aim(rng: random.Random, gap: float, between: int, fallen: int) -> Aim:
    """Choose where the next kill is to fall; where too few fell between claim and mark, there."""
    aims = BETWEEN if between < 0.6 * fallen else AIMS
    stage, _, later = rng.choices(aims, [weight for _, weight, _ in aims])[0]
    spread = {Stage.DECIDING: 3 * gap, Stage.IMPORTING: 2.0, Stage.IDLE: 1.0}.get(stage, 1.2 * gap)
    return Aim(stage, rng.randint(1, max(1, round(spread))), rng.uniform(0, later))


def _resumed(workload: Workload, turn: int, before: int, at: datetime, rng: random.Random) -> datetime:
    """Say when the next life begins: at once, while the dead one's leases still run, or when they have run out."""
    died = at if turn == before else workload.turns[turn].at
    return died + (LEASE + timedelta(seconds=1) if rng.random() < 0.6 else timedelta(seconds=1))


def _killed(child: int, board: Board, aim: Aim | None, ground: Ground) -> bool:
    """Watch a child until its time has come, and kill it; False where it came to the end of its days first."""
    ends = time.monotonic() + A_LIFE_ENDS_WITHIN
    strikes: float | None = None
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            break
        now = time.monotonic()
        if strikes is None and aim is not None and (aim.stage is Stage.IDLE or board.entered(aim.stage) >= aim.nth):
            strikes = now + aim.later
        if (strikes is not None and now >= strikes) or now >= ends:
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            assert now < ends, "a life did not end"
            break
        time.sleep(LOOK_EVERY)
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) != FAILED, ground.trouble.read_text()
    return False


def same_tells(one: Sequence[Accepted], other: Sequence[Accepted]) -> bool:
    return tells_of(one) == tells_of(other)
