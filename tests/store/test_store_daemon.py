"""One daemon at a time, and a dead one is followed at once."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from ehscheduler.errors import AnotherDaemon
from ehscheduler.store import Store
from ehscheduler.store.lease import LEASE, DaemonHold, Holder, hold_daemon
from tests.store.store_samples import MINUTE, NOON

ELSEWHERE = Holder("elsewhere", 4321, 99)


@contextmanager
def daemon_in_another_process(place: str) -> Iterator[int]:
    """Fork a process that holds the database as its daemon until it is killed; give its number."""
    ready, tell = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            mine = Store.open(place)
            hold_daemon(mine, now=NOON)
            os.write(tell, b"y")
            time.sleep(60)
        finally:
            os._exit(1)
    try:
        assert os.read(ready, 1) == b"y"
        yield child
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(ready)
        os.close(tell)


def test_a_second_daemon_is_refused_at_once_and_told_who_holds_the_database(place: str) -> None:
    with daemon_in_another_process(place) as pid:
        store = Store.open(place)
        began = time.monotonic()
        with pytest.raises(AnotherDaemon) as refused:
            hold_daemon(store, now=NOON + MINUTE)
        assert time.monotonic() - began < 5
        here = os.uname().nodename
        assert f"process {pid} on {here}, since 12:00 on 02 March 2026; stop it first" in str(refused.value)
        assert store.place.name in str(refused.value)
        store.close()


def test_a_daemon_that_was_killed_is_followed_at_once(place: str) -> None:
    with daemon_in_another_process(place):
        pass
    store = Store.open(place)
    hold = hold_daemon(store, now=NOON + MINUTE)
    assert hold.fence == 2
    hold.release()
    store.close()


def test_a_second_daemon_in_the_same_process_is_refused(store: Store) -> None:
    hold = hold_daemon(store, now=NOON)
    with pytest.raises(AnotherDaemon):
        hold_daemon(store, now=NOON)
    hold.release()
    hold_daemon(store, now=NOON).release()


def test_a_daemon_elsewhere_holds_until_its_lease_ends(store: Store) -> None:
    theirs = _held_elsewhere(store)
    with pytest.raises(AnotherDaemon, match=r"process 4321 on elsewhere.*if that machine is gone, wait until 12:02:00"):
        hold_daemon(store, now=NOON + LEASE - timedelta(seconds=1))
    ours = hold_daemon(store, now=NOON + LEASE)
    assert ours.fence == theirs.fence + 1
    ours.release()


def test_a_daemon_that_renews_keeps_its_hold(store: Store) -> None:
    theirs = _held_elsewhere(store)
    theirs.renew(NOON + MINUTE)
    with pytest.raises(AnotherDaemon, match="wait until 12:03:00"):
        hold_daemon(store, now=NOON + LEASE)


def test_whoever_was_followed_can_neither_go_on_nor_let_go(store: Store) -> None:
    theirs = _held_elsewhere(store)
    ours = hold_daemon(store, now=NOON + LEASE)
    with pytest.raises(AnotherDaemon, match="this one stops"):
        theirs.renew(NOON + LEASE)
    with pytest.raises(AnotherDaemon, match="this one stops"), store.begin() as tx:
        theirs.check(tx)
    theirs.release()
    with store.begin() as tx:
        ours.check(tx)
    ours.release()


def test_another_process_that_has_the_number_of_a_dead_daemon_is_not_taken_for_it(store: Store) -> None:
    here = Holder.here()
    if not here.started:
        return  # this system does not tell when a process began
    earlier = hold_daemon(store, now=NOON, holder=replace(here, started=here.started - 1))
    earlier.drop_lock()
    hold = hold_daemon(store, now=NOON + MINUTE)
    assert hold.fence == 2
    hold.release()


def test_a_refused_daemon_leaves_no_lock_behind(store: Store) -> None:
    _held_elsewhere(store)
    for _ in range(2):
        with pytest.raises(AnotherDaemon, match="elsewhere"):
            hold_daemon(store, now=NOON)


def _held_elsewhere(store: Store) -> DaemonHold:
    """Hold the database as a daemon on another machine would, where this machine's file lock does not reach."""
    hold = hold_daemon(store, now=NOON, holder=ELSEWHERE)
    hold.drop_lock()
    return hold
