"""What a life shows while it lives: a page of shared memory that is still there when it is killed."""

import mmap
import struct
from enum import IntEnum

WIDEST = 1000


class Stage(IntEnum):
    """Where a daemon is in its turn."""

    IDLE = 0
    IMPORTING = 1
    DECIDING = 2
    COMPOSING = 3
    CLAIMED = 4
    SENDING = 5
    SENT = 6
    MARKING = 7


UNDER_WAY = frozenset({Stage.SENDING, Stage.SENT, Stage.MARKING})
"""A message has begun to go out, and its mark is not known to be kept."""
NUMBER = struct.Struct("<I")
STAGE, TURN, LENGTH, ENTERED, NAME = 0, 4, 8, 16, 64


class Board:
    """One page, written by the child and read by the parent; make it before forking."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, mmap.PAGESIZE)
        self._held = 0
        self._then: list[int] = []

    def wipe(self) -> None:
        self._page[:] = bytes(len(self._page))

    def _read(self, at: int) -> int:
        return int(NUMBER.unpack_from(self._page, at)[0])

    # ---- read by the parent

    @property
    def stage(self) -> Stage:
        return Stage(self._read(STAGE))

    @property
    def turn(self) -> int:
        return self._read(TURN)

    @property
    def under_way(self) -> str | None:
        """Name the message that was going out when the writer stopped."""
        if self.stage not in UNDER_WAY:
            return None
        return self._page[NAME : NAME + self._read(LENGTH)].decode()

    def entered(self, stage: Stage) -> int:
        """Count how often a stage was entered."""
        return self._read(ENTERED + 4 * stage)

    # ---- written by the child

    def begin_turn(self, turn: int) -> None:
        NUMBER.pack_into(self._page, TURN, turn)

    def enter(self, stage: Stage) -> None:
        NUMBER.pack_into(self._page, STAGE, stage)
        NUMBER.pack_into(self._page, ENTERED + 4 * stage, self.entered(stage) + 1)

    def send(self, message_id: str) -> None:
        """Name the message first, so that a kill in between never names the one before."""
        name = message_id.encode()[:WIDEST]
        self._page[NAME : NAME + len(name)] = name
        NUMBER.pack_into(self._page, LENGTH, len(name))
        self.enter(Stage.SENDING)

    def claims(self) -> None:
        """Note that the transaction under way claims a message."""
        self._then.append(1)

    def marks(self) -> None:
        """Note that the transaction under way marks one."""
        self.enter(Stage.MARKING)
        self._then.append(-1)

    def committed(self) -> None:
        """Say where the daemon is once its claims or its mark are kept."""
        if self._then:
            self._held += sum(self._then)
            self._then.clear()
            self.enter(Stage.CLAIMED if self._held else Stage.COMPOSING)

    def rolled_back(self) -> None:
        self._then.clear()
