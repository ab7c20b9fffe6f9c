"""The heartbeat: heard outside after a turn, and only while all is well."""

import logging
import random
from collections.abc import Iterator

import pytest

from ehscheduler.daemon import heartbeat
from ehscheduler.daemon.heartbeat import FAULT, last_beat
from ehscheduler.daemon.turn import turn
from ehscheduler.notify.channel import Outcome
from ehscheduler.store.alarms import clear_alarm, raise_alarm
from tests.daemon.house import NAME, House
from tests.notify.test_beat import SECRET, Serve, answering, serving

WELL: Serve = answering(b"HTTP/1.1 200 OK")


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bytes]]:
    """A watch on loopback; what it was asked."""
    with serving(WELL) as (url, asked):
        monkeypatch.setenv("EHS_HEARTBEAT_URL", url)
        yield asked


@pytest.fixture
def sound(house: House) -> House:
    """A council in which all is well."""
    house.live()
    house.case("C1", "2026-02-27 08:00 allocation")
    return house


def whole(house: House, at: str, *, stopped: bool = False) -> None:
    house.at(at)
    turn(house.desk, lambda: house.now, stop=lambda: stopped, rng=random.Random(1))


def noted(house: House) -> dict[str, str]:
    with house.store.read() as tx:
        return last_beat(tx) or {}


def test_it_beats_after_a_turn_with_all_well(sound: House, outside: list[bytes]) -> None:
    whole(sound, "2026-03-02 09:00:00")
    assert len(outside) == 1
    assert noted(sound) == {
        "tried": "2026-03-02T09:00:00+00:00",
        "taken": "2026-03-02T09:00:00+00:00",
        "said": "it answered 200",
    }


def test_it_beats_once_a_minute_and_no_more(sound: House, outside: list[bytes]) -> None:
    for second in ("09:00:00", "09:00:59"):
        whole(sound, f"2026-03-02 {second}")
    assert len(outside) == 1
    whole(sound, "2026-03-02 09:01:00")
    assert len(outside) == 2


def test_without_an_address_nobody_is_called(sound: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EHS_HEARTBEAT_URL", raising=False)
    whole(sound, "2026-03-02 09:00")
    assert noted(sound) == {}


def test_it_is_silent_while_an_alarm_stands_and_beats_when_that_is_over(sound: House, outside: list[bytes]) -> None:
    with sound.store.begin() as tx:
        raise_alarm(tx, NAME, code="odd", subject="x", text="something is wrong; mend it", at=sound.now)
    whole(sound, "2026-03-02 09:00")
    assert not outside
    with sound.store.begin() as tx:
        clear_alarm(tx, NAME, code="odd", subject="x", at=sound.now)
    whole(sound, "2026-03-02 09:05")
    assert len(outside) == 1


def test_it_is_silent_from_the_turn_that_finds_a_case_which_nobody_watches(sound: House, outside: list[bytes]) -> None:
    sound.case("C2")
    whole(sound, "2026-03-02 09:00")
    assert not outside


def test_it_is_silent_after_a_turn_in_which_mail_could_not_leave(house: House, outside: list[bytes]) -> None:
    house.live()
    house.case("C1", "2026-02-09 08:00 allocation")
    house.tick("2026-03-02 09:00")
    house.channel.script = [Outcome("temporary", "nothing answers", about="channel")]
    whole(house, "2026-03-03 08:30")
    assert house.channel.tried
    assert not outside


def test_a_turn_that_was_stopped_does_not_beat(sound: House, outside: list[bytes]) -> None:
    whole(sound, "2026-03-02 09:00", stopped=True)
    assert not outside


@pytest.mark.parametrize(
    ("serve", "said"),
    [
        (answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/"), "it answered 302"),
        (lambda connection: [connection.recv(1)], "no answer within 1 s"),
    ],
    ids=["redirect", "hanging"],
)
def test_a_beat_that_was_not_taken_harms_no_turn_and_is_logged_without_the_address(
    sound: House, serve: Serve, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sound.set(heartbeat={"deadline_seconds": 1})
    with serving(serve) as (url, _), caplog.at_level(logging.DEBUG):
        monkeypatch.setenv("EHS_HEARTBEAT_URL", url)
        whole(sound, "2026-03-02 09:00")
    assert noted(sound) == {"tried": "2026-03-02T09:00:00+00:00", "taken": None, "said": said}
    [record] = [record for record in caplog.records if record.name == "ehscheduler.heartbeat"]
    assert record.levelname == "ERROR"
    assert SECRET not in f"{record.getMessage()} {record.__dict__}"


def test_the_last_beat_that_was_taken_is_kept_when_a_later_one_is_not(
    sound: House, monkeypatch: pytest.MonkeyPatch, outside: list[bytes]
) -> None:
    whole(sound, "2026-03-02 09:00")
    monkeypatch.setenv("EHS_HEARTBEAT_URL", "http://127.0.0.1:1/")  # nothing listens there
    whole(sound, "2026-03-02 09:05")
    assert (noted(sound)["tried"], noted(sound)["taken"]) == ("2026-03-02T09:05:00+00:00", "2026-03-02T09:00:00+00:00")


def test_a_heartbeat_that_is_broken_harms_no_turn_and_the_operator_is_told_once(
    sound: House, outside: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound.set(operator={"email": "it@council.example"})
    with monkeypatch.context() as broken:
        broken.setattr(heartbeat, "call", None)
        for at in ("09:00", "09:01", "09:02", "09:30"):
            whole(sound, f"2026-03-02 {at}")
    told = [mail for mail in sound.channel.taken if "The heartbeat broke off (TypeError)" in mail.flat]
    assert (len(told), len(outside)) == (1, 0)
    assert SECRET not in "".join(mail.text for mail in told)
    whole(sound, "2026-03-02 09:31")
    assert len(outside) == 1
    assert sound.alarms(FAULT, everywhere=True) == []


def test_a_broken_heartbeat_does_not_speak_over_another_alarm(
    sound: House, outside: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(heartbeat, "call", None)
        whole(sound, "2026-03-02 09:00")
    with sound.store.begin() as tx:
        raise_alarm(tx, NAME, code="odd", subject="x", text="something is wrong; mend it", at=sound.now)
    whole(sound, "2026-03-02 09:05")
    assert not outside
