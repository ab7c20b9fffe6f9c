"""One daemon at a time: a lock on a file beside the database, and a row with a number that rises.

The file's lock ends with its process, however that ends, so a killed daemon is followed at once. The row guards where
no lock reaches (PostgreSQL, another machine): whoever took it since has a higher number, and the earlier one's
`check` and `renew` refuse.
"""

import fcntl
import os
import socket
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select, update

from ehscheduler.core.calendars import LONDON
from ehscheduler.errors import AnotherDaemon
from ehscheduler.store.engine import OWNER_ONLY
from ehscheduler.store.faults import NoDatabase
from ehscheduler.store.schema import EVERYWHERE, lease
from ehscheduler.store.store import Store
from ehscheduler.store.tx import Tx

DAEMON = "daemon"
NOBODY = ""
LEASE = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Holder:
    """A process: its host, its number, and when it started (in ticks since the machine did; 0 where not known)."""

    host: str
    pid: int
    started: int

    @classmethod
    def here(cls) -> "Holder":
        return cls(socket.gethostname(), os.getpid(), _started(os.getpid()) or 0)

    def gone_from(self, here: "Holder") -> bool:
        """Say whether this process is known to have ended, seen from `here`."""
        if self.host != here.host:
            return self.host == NOBODY
        started = _started(self.pid)
        return started is None if not self.started else started != self.started


class DaemonHold:
    """The right to be the daemon of a database; keep it, renew it, and release it at the end."""

    def __init__(self, store: Store, fence: int, lock: int | None, length: timedelta) -> None:
        self.fence = fence
        self._store = store
        self._lock = lock
        self._length = length

    def renew(self, now: datetime) -> None:
        """Hold on for another lease; AnotherDaemon where the hold was taken over meanwhile."""
        with self._store.begin() as tx:
            self.check(tx)
            tx.execute(update(lease).where(*_row()).values(until=now + self._length))

    def check(self, tx: Tx) -> None:
        """Make sure, inside a transaction, that nobody has taken over; AnotherDaemon where somebody has."""
        found = tx.execute(select(lease).where(*_row()).with_for_update(read=True)).one_or_none()
        if found is None or found.fence != self.fence:
            raise AnotherDaemon(_sentence(self._store, found) + "; this one stops")

    def release(self) -> None:
        """Let go, so that the next daemon need not wait."""
        with self._store.begin() as tx:
            ours = (*_row(), lease.c.fence == self.fence)
            tx.execute(update(lease).where(*ours).values(host=NOBODY))
        self.drop_lock()

    def drop_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def hold_daemon(store: Store, *, now: datetime, length: timedelta = LEASE, holder: Holder | None = None) -> DaemonHold:
    """Become the daemon of a database, or raise AnotherDaemon that says who is.

    Renew well before `length` is over. `holder` is this process unless a test says otherwise.
    """
    holder = holder or Holder.here()
    lock = _lock_file(store) if store.place.path else None
    hold = DaemonHold(store, 0, lock, length)
    try:
        with store.begin() as tx:
            hold.fence = _take(tx, store, holder, now, now + length)
    except BaseException:
        hold.drop_lock()
        raise
    return hold


def _take(tx: Tx, store: Store, holder: Holder, now: datetime, until: datetime) -> int:
    mine = {"host": holder.host, "pid": holder.pid, "started": holder.started, "since": now, "until": until}
    first = {"authority": EVERYWHERE, "name": DAEMON, "fence": 1, **mine}
    if tx.insert_new(lease, [first], lease.c.fence):
        return 1
    found = tx.execute(select(lease).where(*_row()).with_for_update()).one()
    other = Holder(found.host, found.pid, found.started)
    if found.until > now and not other.gone_from(holder):
        ends = f"{found.until.astimezone(LONDON):%H:%M:%S}"
        raise AnotherDaemon(f"{_sentence(store, found)}; stop it first, or, if that machine is gone, wait until {ends}")
    fence = int(found.fence) + 1
    tx.execute(update(lease).where(*_row()).values(**mine, fence=fence))
    return fence


def _row() -> tuple[Any, ...]:
    return lease.c.authority == EVERYWHERE, lease.c.name == DAEMON


def _sentence(store: Store, found: Any) -> str:
    if found is None:
        return f"another daemon holds {store.place.name}"
    since = f"{found.since.astimezone(LONDON):%H:%M on %d %B %Y}"
    return f"another daemon holds {store.place.name}: process {found.pid} on {found.host}, since {since}"


def _lock_file(store: Store) -> int:
    """Lock the file beside the database; AnotherDaemon where a live process has it."""
    assert store.place.path is not None  # noqa: S101 - asked by the caller
    path = store.place.path.with_name(store.place.path.name + ".daemon")
    try:
        lock = os.open(path, os.O_CREAT | os.O_RDWR, OWNER_ONLY)
    except OSError as error:
        raise NoDatabase(f"{path} cannot be made ({error.strerror}); see that its folder may be written") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        with store.read() as tx:
            found = tx.execute(select(lease).where(*_row())).one_or_none()
        raise AnotherDaemon(f"{_sentence(store, found)}; stop it first") from None
    return lock


def _started(pid: int) -> int | None:
    """Say when a process started, in ticks since the machine did; None where there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return 0 if not Path("/proc/self").exists() and _alive(pid) else None
    except OSError:
        return None
    # The name in brackets may hold blanks; what follows it does not. State is the 3rd field, the start the 22nd.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else int(fields[19])


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
