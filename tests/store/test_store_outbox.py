"""Notices and the outbox: decided once, claimed by one, and never marked before it is sent."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event

from ehscheduler.store import Store, Tx, faults, notices, outbox
from ehscheduler.store.notices import NewDelivery
from ehscheduler.store.outbox import Claim
from tests.store.store_samples import (
    ANN,
    LEASE,
    MINUTE,
    NOON,
    A,
    a_letter,
    a_notice,
    decide,
    states,
    take,
    to,
)


def claimed(store: Store, *keys: str) -> Claim:
    decide(store, keys)
    claim = take(store, keys)
    assert claim is not None
    return claim


def waiting(store: Store, now: object = NOON) -> list[tuple[str, str, list[str]]]:
    with store.read() as tx:
        parcels = outbox.waiting_deliveries(tx, A, now=now)  # type: ignore[arg-type]
    return [(parcel.recipient, parcel.channel, [item.notice.key for item in parcel.items]) for parcel in parcels]


def test_a_notice_and_its_deliveries_are_decided_once(store: Store) -> None:
    with store.begin() as tx:
        assert notices.add_notices(tx, A, [(a_notice("n1"), [to()]), (a_notice("n2"), [])]) == {"n1", "n2"}
        again = [(a_notice("n1", clause="other"), [to(), to("team:north")]), (a_notice("n3", kept="it is done"), [])]
        assert notices.add_notices(tx, A, again) == {"n3"}
        assert notices.known_notices(tx, A, ["n1", "n9"]) == {"n1"}
        found = {one.key: one for one in notices.notices_of(tx, A, "C1", rule="first-visit")}
    assert found == {"n1": a_notice("n1"), "n2": a_notice("n2"), "n3": a_notice("n3", kept="it is done")}
    assert states(store) == {("n1", ANN): "waiting"}


def test_a_further_recipient_gets_a_notice_once(store: Store) -> None:
    decide(store, ["n1"])
    with store.begin() as tx:
        assert notices.add_deliveries(tx, A, "n1", [to(), to("person:bob")]) == ["person:bob"]
    assert states(store) == {("n1", ANN): "waiting", ("n1", "person:bob"): "waiting"}


def test_what_is_not_to_be_sent_says_why_from_the_start(store: Store) -> None:
    decide(store, ["n1"], to(dropped="shadow mode"))
    with store.read() as tx:
        row = outbox.outbox(tx, A)[0]
    assert (row.state, row.why) == ("dropped", "shadow mode")
    assert waiting(store) == []


def test_a_recipient_is_a_person_a_team_or_the_operator(store: Store) -> None:
    decide(store, ["n1"], to("person:ann"), to("team:north"), to("operator"))
    with pytest.raises(faults.Contradiction, match="recipient_known"):
        decide(store, ["n2"], to("ann@example.org"))
    with store.read() as tx:
        assert notices.known_notices(tx, A, ["n2"]) == set()


def test_what_waits_is_gathered_by_recipient_and_channel_and_the_oldest_comes_first(store: Store) -> None:
    with store.begin() as tx:
        decided = [
            (a_notice("n2", at=NOON), [to(after=NOON), to("person:bob", after=NOON - MINUTE)]),
            (a_notice("n1", at=NOON - MINUTE), [to(after=NOON), to(channel="file", after=NOON)]),
            (a_notice("n3"), [to(after=NOON + MINUTE)]),
        ]
        notices.add_notices(tx, A, decided)
    assert waiting(store) == [("person:bob", "mail", ["n2"]), (ANN, "file", ["n1"]), (ANN, "mail", ["n1", "n2"])]
    with store.read() as tx:
        assert len(outbox.waiting_deliveries(tx, A, now=NOON, limit=1)) == 1
        only = outbox.waiting_deliveries(tx, A, now=NOON, channels=["file"])
        assert [parcel.channel for parcel in only] == ["file"]
        assert only[0].items[0].notice == a_notice("n1", at=NOON - MINUTE)
        assert outbox.waiting_deliveries(tx, "otherland", now=NOON) == []


def test_a_claim_fixes_the_members_the_bytes_and_the_message_id(store: Store) -> None:
    decide(store, ["n1", "n2"])
    claim = take(store, ["n1"])
    assert claim is not None
    assert (claim.body, claim.message_id, claim.attempts) == (a_letter().body, a_letter().message_id, 1)
    decide(store, ["n3"])
    assert states(store) == {("n1", ANN): "claimed", ("n2", ANN): "waiting", ("n3", ANN): "waiting"}
    with store.read() as tx:
        assert outbox.message_of(tx, A, claim.message_id) == claim


def test_what_another_has_claimed_is_not_claimed_again(store: Store) -> None:
    claimed(store, "n1")
    decide(store, ["n2"])
    other = a_letter("<m2@example.org>")
    assert take(store, ["n1", "n2"], letter=other, owner="d2") is None
    assert states(store) == {("n1", ANN): "claimed", ("n2", ANN): "waiting"}
    assert take(store, ["n2"], letter=other, owner="d2") is not None


def test_a_dropped_or_unknown_notice_cannot_be_claimed(store: Store) -> None:
    decide(store, ["n1"])
    with store.begin() as tx:
        assert outbox.drop_deliveries(tx, A, [("n1", ANN, "mail")], why="met since") == 1
        assert outbox.drop_deliveries(tx, A, [("n1", ANN, "mail")], why="again") == 0
    assert take(store, ["n1"]) is None
    assert take(store, ["n9"]) is None
    assert take(store, []) is None


def test_a_delivery_that_is_put_off_waits_until_then(store: Store) -> None:
    decide(store, ["n1"])
    with store.begin() as tx:
        assert outbox.defer_deliveries(tx, A, [("n1", ANN, "mail")], until=NOON + MINUTE) == 1
    assert waiting(store) == []
    assert waiting(store, NOON + MINUTE) == [(ANN, "mail", ["n1"])]


MARKS: dict[str, Callable[..., bool]] = {
    "handed_over": lambda tx, claim: outbox.mark_handed_over(tx, claim, now=NOON, answer="250 ok"),
    "refused": lambda tx, claim: outbox.mark_refused(tx, claim, answer="550 no such user"),
    "dead": lambda tx, claim: outbox.mark_dead(tx, claim, answer="451 later"),
    "dropped": lambda tx, claim: outbox.mark_withdrawn(tx, claim, why="closed since"),
    "claimed": lambda tx, claim: outbox.mark_uncertain(tx, claim, answer="gone", next_try_at=NOON + LEASE),
    "waiting": lambda tx, claim: outbox.mark_temporary(tx, claim, answer="451 later", send_after=NOON + MINUTE),
}


@pytest.mark.parametrize("state", list(MARKS))
def test_a_mark_moves_the_message_and_all_its_members(store: Store, state: str) -> None:
    claim = claimed(store, "n1", "n2")
    with store.begin() as tx:
        assert MARKS[state](tx, claim)
    assert set(states(store).values()) == {state}
    with store.read() as tx:
        assert outbox.count_deliveries(tx, A) == {state: 2}


@pytest.mark.parametrize("state", list(MARKS))
def test_a_mark_that_comes_after_another_took_over_changes_nothing(store: Store, state: str) -> None:
    late = claimed(store, "n1")
    after = NOON + LEASE
    with store.begin() as tx:
        (expired,) = outbox.expired_claims(tx, A, now=after)
        now_held = outbox.claim_again(tx, expired, owner="d1", now=after, until=after + LEASE)
    assert now_held is not None
    with store.begin() as tx:
        assert not MARKS[state](tx, late)
    assert states(store) == {("n1", ANN): "claimed"}
    with store.begin() as tx:
        assert outbox.mark_handed_over(tx, now_held, now=after, answer="250 ok")
        assert not MARKS[state](tx, now_held)
    assert states(store) == {("n1", ANN): "handed_over"}


def test_the_outbox_says_what_the_server_answered_and_when(store: Store) -> None:
    claim = claimed(store, "n1")
    with store.begin() as tx:
        outbox.mark_handed_over(tx, claim, now=NOON + MINUTE, answer="250 2.0.0 queued as 17")
        row = outbox.outbox(tx, A, case_ref="C1", rule="first-visit", recipient=ANN, states=["handed_over"])[0]
        assert outbox.outbox(tx, A, case_ref="C2") == []
    assert (row.state, row.message_state, row.address) == ("handed_over", "handed_over", "ann@example.org")
    assert (row.claimed_at, row.sent_at, row.server_answer) == (NOON, NOON + MINUTE, "250 2.0.0 queued as 17")
    assert (row.message_id, row.milestone, row.kind, row.attempts) == (claim.message_id, "first-visit", "reminder", 1)


def test_a_lease_that_runs_out_gives_the_same_message_to_another(store: Store) -> None:
    claim = claimed(store, "n1", "n2")
    with store.begin() as tx:
        assert outbox.expired_claims(tx, A, now=NOON + LEASE - MINUTE) == []
        (expired,) = outbox.expired_claims(tx, A, now=NOON + LEASE)
        again = outbox.claim_again(tx, expired, owner="d2", now=NOON + LEASE, until=NOON + 2 * LEASE)
        assert outbox.claim_again(tx, expired, owner="d3", now=NOON + LEASE, until=NOON + 2 * LEASE) is None
    assert again is not None
    assert replace(again, lease_owner="d1", lease_until=claim.lease_until, attempts=1) == claim
    assert (again.lease_owner, again.attempts) == ("d2", 2)


def test_every_claim_of_a_message_counts_as_a_try_of_its_members(store: Store) -> None:
    claim = claimed(store, "n1")
    for tries in (2, 3):
        after = NOON + tries * LEASE
        with store.begin() as tx:
            (expired,) = outbox.expired_claims(tx, A, now=after)
            again = outbox.claim_again(tx, expired, owner="d2", now=after, until=after + LEASE)
            assert again is not None
            assert outbox.message_of(tx, A, claim.message_id) == again
            assert (again.attempts, outbox.tries_of(tx, again)) == (tries, tries)
            outbox.mark_temporary(tx, again, answer="451", send_after=after, counts=tries != 3)
    assert outbox_attempts(store) == [2]


def outbox_attempts(store: Store) -> list[int]:
    with store.read() as tx:
        return [row.attempts for row in outbox.outbox(tx, A)]


def test_a_claim_can_be_held_longer_until_another_has_taken_over(store: Store) -> None:
    claim = claimed(store, "n1")
    with store.begin() as tx:
        longer = outbox.renew_claim(tx, claim, until=NOON + 2 * LEASE)
        assert outbox.expired_claims(tx, A, now=NOON + LEASE) == []
        assert longer is not None
        outbox.claim_again(tx, longer, owner="d2", now=NOON + 2 * LEASE, until=NOON + 3 * LEASE)
        assert outbox.renew_claim(tx, longer, until=NOON + 3 * LEASE) is None


def test_a_message_of_unknown_fate_waits_for_its_next_try_and_keeps_its_id(store: Store) -> None:
    claim = claimed(store, "n1")
    with store.begin() as tx:
        outbox.mark_uncertain(tx, claim, answer="dropped after the final dot", next_try_at=NOON + 3 * LEASE)
        assert outbox.expired_claims(tx, A, now=NOON + 2 * LEASE) == []
        (expired,) = outbox.expired_claims(tx, A, now=NOON + 3 * LEASE)
    assert (expired.message_id, expired.body) == (claim.message_id, claim.body)
    assert waiting(store, NOON + 9 * LEASE) == []


def test_a_first_try_that_was_not_taken_dissolves_the_message(store: Store) -> None:
    claim = claimed(store, "n1")
    with store.begin() as tx:
        outbox.mark_temporary(tx, claim, answer="451 later", send_after=NOON + MINUTE)
        row = outbox.outbox(tx, A)[0]
    assert (row.state, row.message_state, row.server_answer, row.attempts) == ("waiting", "dissolved", "451 later", 1)
    assert waiting(store, NOON) == []
    assert waiting(store, NOON + MINUTE) == [(ANN, "mail", ["n1"])]
    again = take(store, ["n1"], letter=a_letter("<m2@example.org>"), now=NOON + MINUTE)
    assert again is not None
    with store.read() as tx:
        assert outbox.outbox(tx, A)[0].attempts == 2


def test_a_try_that_failed_through_our_own_set_up_is_not_counted(store: Store) -> None:
    claim = claimed(store, "n1")
    with store.begin() as tx:
        outbox.mark_temporary(tx, claim, answer="no such host", send_after=NOON, counts=False)
        assert outbox.outbox(tx, A)[0].attempts == 0


def test_a_later_try_that_was_not_taken_keeps_the_message_as_the_first_may_have_been(store: Store) -> None:
    claim = claimed(store, "n1")
    after = NOON + LEASE
    with store.begin() as tx:
        again = outbox.claim_again(tx, claim, owner="d2", now=after, until=after + LEASE)
        assert again is not None
        outbox.mark_temporary(tx, again, answer="451 later", send_after=after + MINUTE)
        assert outbox.expired_claims(tx, A, now=after) == []
        (expired,) = outbox.expired_claims(tx, A, now=after + MINUTE)
    assert (expired.message_id, expired.attempts) == (claim.message_id, 2)


@pytest.mark.parametrize("state", ["refused", "dead"])
def test_a_dead_letter_can_be_replayed_once(store: Store, state: str) -> None:
    claim = claimed(store, "n1")
    with store.begin() as tx:
        MARKS[state](tx, claim)
        assert [row.why for row in outbox.outbox(tx, A, states=["refused", "dead"])] == [
            {"refused": "550 no such user", "dead": "451 later"}[state]
        ]
        assert outbox.replay(tx, A, "n1", ANN, "mail", now=NOON + MINUTE)
        assert not outbox.replay(tx, A, "n1", ANN, "mail", now=NOON + MINUTE)
    assert waiting(store, NOON + MINUTE) == [(ANN, "mail", ["n1"])]


@pytest.mark.parametrize(
    ("look", "index"),
    [
        (lambda tx: outbox.expired_claims(tx, A, now=NOON), "ix_message_lease (authority=? AND state=?"),
        (
            lambda tx: outbox.waiting_deliveries(tx, A, now=NOON),
            "ix_delivery_state_send_after (authority=? AND state=?",
        ),
        (lambda tx: outbox.outbox(tx, A, case_ref="C1"), "ix_notice_case (authority=? AND case_ref=?"),
    ],
    ids=["what a dead holder left", "what waits", "what a case was sent"],
)
def test_what_each_tick_asks_does_not_grow_with_what_was_sent(
    sqlite_place: Path, look: Callable[[Tx], object], index: str
) -> None:
    asked: list[tuple[str, object]] = []
    with Store.open(sqlite_place) as store:
        event.listen(store.engine, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
        with store.read() as tx:
            look(tx)
        with store.engine.connect() as connection:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[-1][0]}", asked[-1][1]).all()
    assert index in str(plan)


def test_many_claimers_at_once_never_get_the_same_delivery(store: Store, place: str) -> None:
    everyone: list[NewDelivery] = [to(f"person:p{n}") for n in range(12)]
    decide(store, ["n1", "n2", "n3"], *everyone)
    won: list[Claim] = []
    faults_met: list[Exception] = []
    start = threading.Barrier(4)

    def work(owner: str) -> None:
        mine = Store.open(place)
        try:
            start.wait()
            while parcels := _look(mine):
                for parcel in parcels:
                    keys = [item.notice.key for item in parcel.items]
                    letter = a_letter(f"<{owner}-{parcel.recipient}-{len(won)}@example.org>", parcel.recipient)
                    if claim := take(mine, keys, letter=letter, owner=owner):
                        won.append(claim)
        except Exception as error:  # told below, in the thread of the test
            faults_met.append(error)
        finally:
            mine.close()

    workers = [threading.Thread(target=work, args=(f"d{n}",)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert faults_met == []
    assert sorted(claim.recipient for claim in won) == sorted(one.recipient for one in everyone)
    assert set(states(store).values()) == {"claimed"}


def _look(store: Store) -> list[outbox.Parcel]:
    with store.read() as tx:
        return outbox.waiting_deliveries(tx, A, now=NOON)


def test_two_who_take_over_at_once_do_not_both_get_the_message(store: Store, place: str) -> None:
    for n in range(10):
        decide(store, [f"n{n}"])
        take(store, [f"n{n}"], letter=a_letter(f"<m{n}@example.org>"))
    after = NOON + LEASE
    won: list[str] = []
    start = threading.Barrier(3)

    def work(owner: str) -> None:
        mine = Store.open(place)
        start.wait()
        with mine.read() as tx:
            expired = outbox.expired_claims(tx, A, now=after)
        for one in expired:
            with mine.begin() as tx:
                if outbox.claim_again(tx, one, owner=owner, now=after, until=after + LEASE):
                    won.append(one.message_id)
        mine.close()

    workers = [threading.Thread(target=work, args=(f"d{n}",)) for n in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sorted(won) == sorted(f"<m{n}@example.org>" for n in range(10))
