"""One life of the daemon, in a forked child: the product's own turns over simulated time, with a board that is shown.

The wrappers here only look on. `variant` puts a faulty copy of one function in its place, to see that it is found out.
"""

import os
import random
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Any

from ehscheduler.config import Config, config_from
from ehscheduler.daemon import deliver, tick
from ehscheduler.daemon import turn as turning
from ehscheduler.daemon.build import desk_of
from ehscheduler.daemon.desk import Desk
from ehscheduler.notify.channel import DEADLINE, Channel, Outcome
from ehscheduler.office import take_files
from ehscheduler.plugins import Authority
from ehscheduler.store import Store
from ehscheduler.store.lease import hold_daemon
from ehscheduler.store.tx import Tx
from tests.campaign.board import Board, Stage
from tests.campaign.workload import AUTHORITY, OPERATOR, Turn, Workload

LEASE = timedelta(seconds=40)
"""What the shortest deadline that the configuration allows comes to."""
MARKS = (
    "mark_handed_over",
    "mark_refused",
    "mark_dead",
    "mark_temporary",
    "mark_uncertain",
    "mark_withdrawn",
)
WIND_UP = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 15))
FAILED = 70

Variant = Callable[[], None]


@dataclass(frozen=True)
class Ground:
    """All that a life needs: what is to be done, where the rows are kept, and where mail goes."""

    workload: Workload
    authority: Authority
    database: Path
    port: int
    trouble: Path
    variant: Variant | None = None

    @property
    def config(self) -> Config:
        return config_from(settings(self.database, self.port, self.workload), "campaign")


def settings(database: Path, port: int, workload: Workload | None = None) -> dict[str, Any]:
    """Give a configuration: mail to the sink in the shortest time allowed, and a ladder of the council's own."""
    return {
        "database": {"url": f"sqlite:///{database}"},
        "daemon": {"tick_seconds": 1},
        "mail": {
            "channel": "smtp",
            "host": "127.0.0.1",
            "port": port,
            "security": "none",
            "deadline_seconds": 5,
            "sender": "early-help@council.example",
        },
        "operator": {"email": OPERATOR},
        "link": {AUTHORITY: "https://cases.council.example/case/{case_ref}"},
        "ladders": {AUTHORITY: {"overdue": [{"who": ["line_manager"], "after": "1 working day"}]}},
        "live": {AUTHORITY: {"from": workload.first_day}} if workload else {},
    }


def found(ground: Ground) -> None:
    """Make the database, and take in the cases."""
    before = ground.workload.turns[0].at - timedelta(hours=1)
    with Store.create(ground.database) as store:
        take_files(store, ground.authority, now=before, by="feed", cases=ground.workload.cases)


def fork(ground: Ground, board: Board, *, first: int, at: datetime, worker: str) -> int:
    """Let a child live from turn `first` on, which it takes up at `at`; return its process number."""
    board.wipe()
    board.begin_turn(first, at)
    child = os.fork()
    if child:
        return child
    code = FAILED
    try:
        _live(ground, board, first, at, worker)
        code = 0
    except BaseException:
        ground.trouble.write_text(traceback.format_exc())
    finally:
        os._exit(code)


def _live(ground: Ground, board: Board, first: int, at: datetime, worker: str) -> None:
    _look_on(board)
    if ground.variant:
        ground.variant()
    clock = [at]
    with _ShownStore.open(ground.database) as store:
        store.board = board
        desk = desk_of(ground.config, store, {AUTHORITY: ground.authority}, worker)
        desk = replace(desk, channel=_ShownChannel(desk.channel, board))
        hold = hold_daemon(store, now=at)
        desk = replace(desk, guard=hold.check)
        for number, turn in _days(ground.workload, first, at):
            clock[0] = turn.at
            board.begin_turn(number, turn.at)
            hold.renew(turn.at)
            _take_in(desk, ground, board, turn)
            turning.turn(desk, lambda: clock[0], stop=lambda: False, rng=random.Random(number))
            board.enter(Stage.IDLE)
        hold.release()


def _days(workload: Workload, first: int, at: datetime) -> Iterator[tuple[int, Turn]]:
    """Yield the turns from `first` on, and where nothing new happens, a few more in which leases run out.

    A life that follows another looks again before its time moves on: hours later less would be owed.
    """
    last = len(workload.turns) - 1
    for number, turn in enumerate(workload.turns[first:], first):
        yield number, replace(turn, at=max(turn.at, at))
        if turn.at < at:
            yield number, Turn(at + LEASE + timedelta(seconds=1))
    for later in WIND_UP:
        yield last, Turn(max(workload.turns[last].at, at) + later)


def _take_in(desk: Desk, ground: Ground, board: Board, turn: Turn) -> None:
    if turn.events or turn.people:
        board.enter(Stage.IMPORTING)
        take_files(
            desk.store, ground.authority, now=turn.at, by="feed", events=turn.events, people=turn.people
        )  # fmt: skip


# ---- looking on


class _ShownStore(Store):
    board: Board | None = None

    @contextmanager
    def begin(self) -> Iterator[Tx]:
        try:
            with super().begin() as tx:
                yield tx
        except BaseException:
            if self.board:
                self.board.rolled_back()
            raise
        if self.board:
            self.board.committed()


class _ShownChannel:
    """Shows each send on the board; all else is the channel's own."""

    def __init__(self, channel: Channel, board: Board) -> None:
        self._channel = channel
        self._board = board
        self.name = channel.name

    @contextmanager
    def session(self) -> Iterator[Channel]:
        with self._channel.session() as shared:
            yield _ShownChannel(shared, self._board)

    def send(self, message: bytes, *, to: str, message_id: str, deadline: float = DEADLINE) -> Outcome:
        self._board.send(message_id)
        outcome = self._channel.send(message, to=to, message_id=message_id, deadline=deadline)
        self._board.enter(Stage.SENT)
        return outcome


def _look_on(board: Board) -> None:
    """Show on the board, from inside the daemon's modules, what they are about to do."""
    _before(tick, "take_case", lambda: board.enter(Stage.DECIDING))
    _before(turning, "deliver", lambda: board.enter(Stage.COMPOSING))
    _after(deliver, "claim", board.claims)
    _after(deliver, "claim_again", board.claims)
    for name in MARKS:
        _before(deliver, name, board.marks)


def _before(module: Any, name: str, show: Callable[[], None]) -> None:
    real = getattr(module, name)

    @wraps(real)
    def shown(*args: Any, **kwargs: Any) -> Any:
        show()
        return real(*args, **kwargs)

    setattr(module, name, shown)


def _after(module: Any, name: str, show: Callable[[], None]) -> None:
    real = getattr(module, name)

    @wraps(real)
    def shown(*args: Any, **kwargs: Any) -> Any:
        answer = real(*args, **kwargs)
        if answer is not None:
            show()
        return answer

    setattr(module, name, shown)


# ---- a copy that is wrong


def marks_before_it_sends() -> None:
    """Put in place of the sending a copy that marks a message as handed over, and then sends it."""

    def mark_then_send(round_: Any, held: Any) -> None:
        with round_.desk.store.begin() as tx:
            deliver.mark_handed_over(tx, held, now=round_.now(), answer="marked before it was sent")
        round_.channel.send(held.body, to=held.address, message_id=held.message_id, deadline=DEADLINE)
        round_.done.handed_over += 1

    assert callable(deliver._send)
    deliver._send = mark_then_send


AS_IT_IS, WRONG_COPY = "as it is", "marks before it sends"
VARIANTS: dict[str, Variant | None] = {AS_IT_IS: None, WRONG_COPY: marks_before_it_sends}
