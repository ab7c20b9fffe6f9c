"""A kill before any statement or commit of a whole cycle: nothing lost, nothing half done, at most one repeat."""

import os
import shutil
import signal
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine, event

from ehscheduler.store import Store, cases, events, milestones, notices, outbox, trail
from tests.postgres import Cluster
from tests.store.store_samples import (
    LEASE,
    NOON,
    A,
    a_case,
    a_milestone,
    a_notice,
    an_edition,
    an_event,
    put,
    states,
    take,
    to,
)


def decide_all(store: Store) -> None:
    """Do what an import and a tick do, in two transactions."""
    with store.begin() as tx:
        put(tx, a_case(), personal={"C1": {"name": "x"}})
        events.add_events(tx, A, [an_event()], source="s", now=NOON)
    with store.begin() as tx:
        if cases.take_case(tx, A, "C1", now=NOON) is None:
            return
        policy_hash = an_edition(tx)
        milestones.replace_milestones(tx, A, "C1", [a_milestone(policy_hash)])
        notices.add_notices(tx, A, [(a_notice("n1"), [to()]), (a_notice("n2"), [to()])])
        trail.append_trail(tx, A, at=NOON, who="daemon", act="decided", case_ref="C1")
        cases.set_next(tx, A, "C1", next_at=None, policy_hash=policy_hash)


def deliver(store: Store, sink: Path, *, now: datetime) -> None:
    """Claim what waits, or what a dead holder left; send it; mark it."""
    claim = None
    with store.begin() as tx:
        for expired in outbox.expired_claims(tx, A, now=now):
            claim = outbox.claim_again(tx, expired, owner="d2", now=now, until=now + LEASE)
    if claim is None and "waiting" in states(store).values():
        claim = take(store, ["n1", "n2"], now=now)
    if claim is None:
        return
    with sink.open("a") as file:
        file.write(f"{claim.message_id}\n")
    with store.begin() as tx:
        outbox.mark_handed_over(tx, claim, now=now, answer="250 ok")


def killed_before(step: int, place: str, sink: Path) -> bool:
    """Run the cycle in a child that kills itself before its nth statement or commit; say whether it did."""
    child = os.fork()
    if child == 0:
        seen = 0

        def count(*_: object) -> None:
            nonlocal seen
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            store = Store.open(place)
            event.listen(Engine, "before_cursor_execute", count)
            event.listen(Engine, "commit", count)
            decide_all(store)
            deliver(store, sink, now=NOON)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def test_a_kill_anywhere_loses_nothing_and_repeats_at_most_one_message(
    kind: str, sqlite_made: Path, postgres_made: str, cluster: Cluster, tmp_path: Path
) -> None:
    step, repeats = 0, 0
    while True:
        # The code is the same for both: every place on one, every third on the other.
        step += 1 if kind == "sqlite" else 3
        place, sink = postgres_made, tmp_path / f"sink-{step}"
        if kind == "sqlite":
            place = str(tmp_path / f"{step}.db")
            shutil.copy(sqlite_made, place)
        if not killed_before(step, place, sink):
            break
        store = Store.open(place)
        _expect_no_half(store)
        decide_all(store)
        deliver(store, sink, now=NOON + LEASE)
        _expect_all(store)
        sent = sink.read_text().splitlines()
        assert 1 <= len(sent) <= 2, f"killed before step {step}"
        assert len(set(sent)) == 1
        repeats += len(sent) - 1
        store.close()
        if kind == "postgresql":
            cluster.wipe(place)
    assert step > 25
    # Between the sending and the commit of its mark there are a few steps, and only there may one be sent twice.
    assert 1 <= repeats <= 5
    if kind == "postgresql":
        cluster.wipe(postgres_made)


def _expect_no_half(store: Store) -> None:
    with store.read() as tx:
        known, told = cases.case_refs(tx, A), events.count_events(tx, A)
        decided = notices.known_notices(tx, A, ["n1", "n2"])
        rows = milestones.milestones_of(tx, A, "C1")
        assert (len(known), told) in ((0, 0), (1, 1))
        assert (len(decided), len(rows), len(trail.trail(tx, A))) in ((0, 0, 0), (2, 1, 1))
    assert len(set(states(store).values())) <= 1
    assert store.faults() == []


def _expect_all(store: Store) -> None:
    with store.read() as tx:
        assert events.count_events(tx, A) == 1
        assert len(trail.trail(tx, A)) == 1
    assert states(store) == {("n1", "person:ann"): "handed_over", ("n2", "person:ann"): "handed_over"}
