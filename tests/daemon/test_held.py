"""After a restore nothing leaves until the operator says from when; what was due before counts as told."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.turn import turn
from ehscheduler.notify.channel import Outcome
from ehscheduler.store import Store
from ehscheduler.store.backup import back_up
from ehscheduler.store.held import held_sending, send_from
from ehscheduler.store.restore import Restoring, restore
from tests.daemon.house import NAME, House, moment, told
from tests.daemon.test_own_ladder import CLIMBS

Houses = Callable[..., House]
DAY = ("08:30", "12:00", "17:00")
UNSURE = Outcome("uncertain", "no answer in time")


def restored(house: House, folder: Path, at: str) -> House:
    """Back the service up now, and restore it elsewhere at an instant; the first one may go on meanwhile."""
    back_up(house.store, folder / "kept.db", now=house.now, program="0.1.0")
    restore(Restoring(folder / "kept.db", str(folder / "new.db"), moment(at), "it"))
    again = House(Store.open(folder / "new.db"))
    again.authority, again.config = house.authority, dict(house.config)
    return again.at(at)


def say(house: House, instant: str) -> bool:
    with house.store.begin() as tx:
        return send_from(tx, moment(instant), at=house.now, by="it")


@pytest.fixture
def climbing(house_of: Houses) -> House:
    """Work that is due on Monday 9 March under a ladder, and that nobody does."""
    house = house_of(CLIMBS)
    house.live()
    house.case("C1", "2026-03-02 allocation")
    house.turns("2026-03-02", "2026-03-09", DAY)
    return house


def test_while_sending_is_held_turns_decide_and_send_nothing(climbing: House, tmp_path: Path) -> None:
    again = restored(climbing, tmp_path, "2026-03-12 10:00")
    assert again.turns("2026-03-13", "2026-03-16", DAY) == []
    assert again.states()["waiting"] > 0
    assert [alarm.code for alarm in again.alarms(everywhere=True) if alarm.subject == "restore"] == ["sending held"]
    again.store.close()


def test_a_restored_service_goes_on_as_the_one_that_was_lost_would_have(climbing: House, tmp_path: Path) -> None:
    again = restored(climbing, tmp_path, "2026-03-12 18:00")
    climbing.turns("2026-03-10", "2026-03-12", DAY)  # the one that is lost, of which the backup knows nothing
    lost = told(climbing)
    assert len(lost) > len([row for row in lost if row[0] < "2026-03-10"])
    assert again.turn("2026-03-12 18:30") == []
    say(again, "2026-03-12 18:00")
    for minute in range(31, 41):
        assert again.turn(f"2026-03-12 18:{minute}") == []
    assert again.alarms("sending held", everywhere=True) == []
    went_on = again.turns("2026-03-13", "2026-04-10", DAY)
    would_have = climbing.turns("2026-03-13", "2026-04-10", DAY)
    assert len(would_have) > 4
    after = [row for row in told(climbing) if row not in lost]
    assert [row for row in told(again) if row[0] >= "2026-03-13"] == after
    assert [(mail.to, mail.subject) for mail in went_on] == [(mail.to, mail.subject) for mail in would_have]
    again.store.close()


def test_an_earlier_instant_sends_again_what_may_have_been_sent(climbing: House, tmp_path: Path) -> None:
    again = restored(climbing, tmp_path, "2026-03-12 18:00")
    climbing.turns("2026-03-10", "2026-03-12", DAY)
    say(again, "2026-03-09 17:30")
    sent = again.turns("2026-03-13", "2026-03-13", ("08:30", "08:31", "08:32"))
    assert {mail.to for mail in sent} >= {"w1@council.example"}
    again.store.close()


def test_what_is_taken_as_told_says_so_and_no_mail_was_made(climbing: House, tmp_path: Path) -> None:
    again = restored(climbing, tmp_path, "2026-03-12 18:00")
    again.turn("2026-03-12 18:30")
    say(again, "2026-03-12 18:00")
    for minute in range(31, 41):
        assert again.turn(f"2026-03-12 18:{minute}") == []
    rows = [row for row in again.rows if row.server_answer and "taken as told" in row.server_answer]
    assert rows
    assert {(row.state, row.address) for row in rows} == {("handed_over", "")}
    assert "18:00 on Thursday 12 March 2026" in str(rows[0].server_answer)
    noted = sum(entry.detail["messages"] for entry in again.trail("taken as told"))
    assert noted == len({row.message_id for row in rows})
    assert again.alarms("sending held", everywhere=True) == []
    again.store.close()


def test_a_message_that_was_on_its_way_counts_as_told_or_goes_again_as_it_was(house: House, tmp_path: Path) -> None:
    house.live()
    house.case("C1", "2026-03-02 allocation")
    house.channel.script = [UNSURE]
    house.turns("2026-03-11", "2026-03-11")
    (tried,) = {mail.message_id for mail in house.channel.tried}
    again = restored(house, tmp_path, "2026-03-11 12:00")
    with again.store.begin() as tx:
        send_from(tx, moment("2026-03-11 08:00"), at=again.now, by="it")
    assert [mail.message_id for mail in again.turn("2026-03-11 12:01")] == [tried]
    (tmp_path / "kept.db").unlink()
    again.store.close()
    for left in tmp_path.glob("new.db*"):
        left.unlink()
    second = restored(house, tmp_path, "2026-03-11 12:00")
    say(second, "2026-03-11 11:00")
    assert second.turn("2026-03-11 12:01") == []
    assert second.states() == {"handed_over": 1}
    second.store.close()


def test_a_turn_that_was_told_to_stop_takes_nothing_as_told(climbing: House, tmp_path: Path) -> None:
    again = restored(climbing, tmp_path, "2026-03-12 18:00")
    say(again, "2026-03-12 18:00")
    desk: Desk = again.desk
    done = turn(desk, lambda: again.now, stop=lambda: True, rng=again.rng)
    assert done.delivered.held
    assert "sending is held" in done.said
    with again.store.read() as tx:
        assert held_sending(tx)
    again.store.close()


def test_an_authority_in_shadow_keeps_what_waits(climbing: House, tmp_path: Path) -> None:
    again = restored(climbing, tmp_path, "2026-03-12 18:00")
    again.tick("2026-03-12 18:30")
    waits = again.states()["waiting"]
    again.live(mode="shadow")
    say(again, "2026-03-12 18:00")
    again.deliver("2026-03-12 18:31")
    assert again.states()["waiting"] == waits
    assert again.trail("taken as told") == []
    again.store.close()


def test_where_nothing_is_held_nothing_can_be_said(house: House) -> None:
    assert not say(house, "2026-03-02 08:00")
    assert NAME in house.desk.authorities
