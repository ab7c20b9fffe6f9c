"""The daemon's life: take the database, tick and deliver on the clock, and stop cleanly when told to."""

import logging
import random
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from types import FrameType

from apscheduler.schedulers import SchedulerNotRunningError
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.interval import IntervalTrigger

from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.turn import turn
from ehscheduler.errors import AnotherDaemon, EhsError, StoreError, where
from ehscheduler.store.faults import DiskFailed, NewerSchema, NotADatabase, OlderSchema
from ehscheduler.store.lease import DaemonHold, hold_daemon

log = logging.getLogger("ehscheduler.daemon")
UTC_NAME = "UTC"
STOPPED_BY = (AnotherDaemon, DiskFailed, NotADatabase, OlderSchema, NewerSchema)
"""What a next turn would not find otherwise: with these the daemon stops, and says so."""


class Daemon:
    """Runs turns on APScheduler's clock; one turn at a time, none after the stop."""

    def __init__(self, desk: Desk, now: Callable[[], datetime], *, rng: random.Random) -> None:
        self._desk = desk
        self._now = now
        self._rng = rng
        self._stopping = threading.Event()
        self._scheduler = BlockingScheduler(timezone=UTC_NAME)
        self._fault: Exception | None = None

    def run(self) -> None:
        """Hold the database and work until SIGTERM or SIGINT; raise what made it impossible to go on."""
        hold = hold_daemon(self._desk.store, now=self._now())
        self._desk = _guarded(self._desk, hold)
        try:
            signal.signal(signal.SIGTERM, self._told_to_stop)
            signal.signal(signal.SIGINT, self._told_to_stop)
            # One job, never two at once; turns that were missed while one ran are one turn.
            self._scheduler.add_job(
                self._turn,
                IntervalTrigger(seconds=self._desk.config.daemon.tick_seconds, timezone=UTC_NAME),
                args=[hold],
                coalesce=True,
                misfire_grace_time=None,
                max_instances=1,
                next_run_time=self._now(),
            )
            self._scheduler.start()
        finally:
            self._let_go(hold)
        if self._fault is not None:
            raise self._fault

    def _turn(self, hold: DaemonHold) -> None:
        if self._stopping.is_set():
            self._stop()  # told to before the clock ran
            return
        try:
            hold.renew(self._now())
            log.info(turn(self._desk, self._now, stop=self._stopping.is_set, rng=self._rng).said)
        except STOPPED_BY as error:
            log.error("the daemon stops: %s", error)
            self._fault = error
            self._stop()
        except StoreError as error:
            # Locked or full: nothing was marked that was not done, and the next turn begins where this one stopped.
            log.error("the turn was given up: %s", error)
        except Exception as error:
            # What an exception says may quote a case: the log and the sentence name its kind and place alone.
            log.exception("the turn broke off")
            self._fault = EhsError(f"the daemon broke off ({where(error)}); report this as a fault, and start it again")
            self._stop()

    def _told_to_stop(self, number: int, frame: FrameType | None) -> None:
        log.info("told to stop; the message under way is finished first")
        self._stop()

    def _stop(self) -> None:
        self._stopping.set()
        threading.Thread(target=self._shut_down).start()

    def _shut_down(self) -> None:
        with suppress(SchedulerNotRunningError):
            self._scheduler.shutdown(wait=True)

    def _let_go(self, hold: DaemonHold) -> None:
        try:
            hold.release()
        except StoreError as error:
            # The lock on the file ends with this process; what matters is why it ends, and not this.
            log.error("the database was not released: %s", error)
            hold.drop_lock()


def _guarded(desk: Desk, hold: DaemonHold) -> Desk:
    return replace(desk, guard=hold.check)
