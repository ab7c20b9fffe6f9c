"""Delivery: checked once more, claimed, sent, marked; and what follows from each way a send can end."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import text

from ehscheduler.daemon import letters, owed
from ehscheduler.daemon.deliver import deliver
from ehscheduler.errors import AnotherDaemon
from ehscheduler.notify import ways
from ehscheduler.notify.channel import Outcome
from ehscheduler.notify.messages import MessageRefused
from ehscheduler.notify.relay import Server
from ehscheduler.notify.smtp import Mailer
from ehscheduler.office.reach import bounce, reach_again
from ehscheduler.store.outbox import claim, expired_claims
from tests.daemon.house import NAME, OK, PEOPLE, House, Mail, lines_of, moment
from tests.daemon.test_decide import PHONE
from tests.notify.scripted_server import ScriptedServer

TEMPORARY = Outcome("temporary", "451 4.3.0 try again later")
PERMANENT = Outcome("permanent", "554 5.7.1 not taken", about="message")
NO_SUCH_USER = Outcome("permanent", "550 5.1.1 no such user", about="address")
UNCERTAIN = Outcome("uncertain", "the connection ended after the final dot")
MISCONFIGURED = Outcome("misconfigured", "535 5.7.8 bad credentials", about="channel")
SHUT = Outcome("temporary", "connection refused", about="channel")


class Killed(BaseException):
    pass


@pytest.fixture
def waiting(house: House) -> House:
    """An overdue notice that was decided on a Friday evening and waits for Monday morning."""
    house.live()
    house.at("2026-03-20 19:00").case("C1", "2026-03-02 08:00 allocation")
    house.turn("2026-03-20 19:00")
    assert house.states() == {"waiting": 1}
    return house


# ---- checked once more


@pytest.mark.parametrize(
    ("happened", "why"),
    [
        ("2026-03-21 10:00 home_visit", "it is done"),
        ("2026-03-10 10:00 home_visit", "it is done"),
        ("2026-03-21 10:00 hold_started", "the case is on hold"),
        ("2026-03-21 10:00 closed", "the case is closed"),
        ("2026-03-21 10:00 reopened", "the case was reopened since"),
    ],
    ids=["done", "found to have been done in time", "on hold", "closed", "reopened"],
)
def test_what_is_not_owed_any_more_is_not_sent_and_the_row_says_why(waiting: House, happened: str, why: str) -> None:
    waiting.at("2026-03-21 12:00").events("C1", happened)
    assert waiting.deliver("2026-03-23 08:30").dropped == 1
    assert [(row.state, row.why) for row in waiting.rows] == [("dropped", why)]
    assert waiting.channel.tried == []
    (drop,) = waiting.trail("drop")
    assert (drop.case_ref, drop.detail["why"]) == ("C1", why)


def test_what_was_retracted_is_not_sent(waiting: House) -> None:
    (allocation,) = waiting.events("C1", "2026-03-02 08:00 allocation")
    waiting.at("2026-03-21 12:00").retract(allocation)
    waiting.deliver("2026-03-23 08:30")
    assert [(row.state, row.why) for row in waiting.rows] == [("dropped", "it no longer applies")]


def test_what_has_another_date_since_is_not_sent(waiting: House) -> None:
    (allocation,) = waiting.events("C1", "2026-03-02 08:00 allocation")
    waiting.at("2026-03-21 12:00").retract(allocation)
    waiting.events("C1", "2026-03-05 08:00 allocation", late=True)
    waiting.deliver("2026-03-23 08:30")
    assert [(row.state, row.why) for row in waiting.rows] == [("dropped", "its date has moved")]


def test_what_somebody_else_is_to_do_now_goes_to_them_instead(waiting: House) -> None:
    waiting.at("2026-03-21 12:00").events("C1", '2026-03-21 worker_changed {"lead": "w2"}', late=True)
    waiting.deliver("2026-03-23 08:30")
    assert [mail.to for mail in waiting.channel.taken] == ["w2@council.example"]
    assert {(row.recipient, row.state, row.why) for row in waiting.rows} == {
        ("person:w1", "dropped", "somebody else is to act now"),
        ("person:w2", "handed_over", None),
    }


def test_what_changed_hands_and_back_is_told_to_the_first(waiting: House) -> None:
    waiting.channel.script = [SHUT]
    waiting.at("2026-03-21 12:00").events("C1", '2026-03-21 worker_changed {"lead": "w2"}', late=True)
    waiting.turn("2026-03-23 08:30")
    waiting.at("2026-03-23 09:00").events("C1", '2026-03-22 worker_changed {"lead": "w1"}', late=True)
    waiting.channel.script = [OK]
    mails = waiting.turns("2026-03-23", "2026-03-24", ("10:00", "10:01"))
    assert [mail.to for mail in mails] == ["w1@council.example"]


def test_the_starting_list_of_a_case_that_moved_goes_to_its_team(house: House) -> None:
    house.live("2026-03-20")
    house.at("2026-03-20 19:00").case("C1", "2026-03-02 08:00 allocation")
    house.turn("2026-03-20 19:00")
    moved = '2026-03-21 attributes_changed {"team": "South", "lead": "s1"}'
    house.at("2026-03-21 12:00").events("C1", moved, late=True)
    mails = house.turn("2026-03-23 08:30")
    assert sorted((mail.to, mail.subject) for mail in mails) == [
        ("m2@council.example", "Early Help: starting list, 1 past its date on Friday 20 March"),
        ("s1@council.example", "Early Help: 1 handed over to you"),
    ]


def test_a_duty_desk_hears_nothing_of_another_teams_case(house: House) -> None:
    house.set_rules(PHONE)
    house.set(duty={NAME: {"North": "duty-north@council.example"}})
    house.live()
    house.channel.script = [SHUT]
    house.case("C1", "2026-03-06 22:15 visit_asked #R1")
    house.turn("2026-03-06 22:15")
    moved = '2026-03-06 attributes_changed {"team": "South", "lead": "s1"}'
    house.at("2026-03-06 22:16").events("C1", moved, late=True)
    house.channel.script = [OK]
    assert [mail.to for mail in house.turn("2026-03-06 22:30")] == []
    assert ("team:North", "the case is with another team now") in {(row.recipient, row.why) for row in house.rows}
    assert [mail.to for mail in house.turn("2026-03-09 08:30")] == ["s1@council.example"]


# ---- how a send can end


def test_accepted_is_handed_over_with_the_servers_answer(waiting: House) -> None:
    assert waiting.deliver("2026-03-23 08:30").handed_over == 1
    (row,) = waiting.rows
    assert (row.state, row.server_answer, row.sent_at) == (
        "handed_over",
        "250 2.0.0 queued",
        moment("2026-03-23 08:30"),
    )
    assert waiting.deliver("2026-03-23 08:31").handed_over == 0


def test_not_taken_this_time_waits_longer_each_time_and_is_made_anew(waiting: House) -> None:
    waiting.channel.script = [TEMPORARY] * 5 + [OK]
    tried = []
    for minute in range(0, 60):
        before = len(waiting.channel.tried)
        waiting.deliver(f"2026-03-23 09:{minute:02d}")
        tried += [minute] * (len(waiting.channel.tried) - before)
    steps = [later - earlier for earlier, later in pairwise(tried)]
    assert [low <= step <= high for step, (low, high) in zip(steps, WAITS, strict=True)] == [True] * 5
    assert len({mail.message_id for mail in waiting.channel.tried}) == 6
    assert waiting.states() == {"handed_over": 1}


WAITS = [(1, 2), (2, 3), (4, 6), (8, 12), (12, 18)]
"""The waits in minutes, a fifth either way, as a look each minute sees them."""


def test_a_message_that_was_not_taken_is_dissolved_and_the_next_holds_what_is_owed_then(waiting: House) -> None:
    waiting.channel.script = [TEMPORARY, OK]
    waiting.deliver("2026-03-23 08:30")
    waiting.case("C2", "2026-03-02 08:00 allocation")
    waiting.tick("2026-03-23 08:31")
    waiting.events("C1", "2026-03-23 08:31 home_visit")
    waiting.deliver("2026-03-24 08:30")
    assert [lines_of(mail) for mail in waiting.channel.taken] == [["C2  First visit"]]
    assert {(row.case_ref, row.state) for row in waiting.rows} == {("C1", "dropped"), ("C2", "handed_over")}


def test_refused_for_good_is_a_dead_letter_and_an_alarm_and_is_not_tried_again(waiting: House) -> None:
    waiting.channel.script = [PERMANENT, OK]
    assert waiting.deliver("2026-03-23 08:30").refused == 1
    assert [(row.state, row.why) for row in waiting.rows] == [("refused", "554 5.7.1 not taken")]
    (alarm,) = waiting.alarms("refused")
    assert "a message to person:w1 was refused (554 5.7.1 not taken)" in alarm.text
    assert waiting.turns("2026-03-23", "2026-03-23", ("10:00", "15:00")) == []


def test_what_may_have_been_taken_is_sent_again_after_the_lease_as_the_very_same_message(waiting: House) -> None:
    waiting.channel.script = [UNCERTAIN, OK]
    waiting.deliver("2026-03-23 08:30")
    waiting.case("C2", "2026-03-02 08:00 allocation")
    lease = waiting.desk.lease
    waiting.now = moment("2026-03-23 08:30") + lease - timedelta(seconds=1)
    assert waiting.deliver().handed_over == 0
    waiting.now += timedelta(seconds=1)
    assert waiting.deliver().handed_over == 1
    first, second = waiting.channel.tried
    assert first.raw == second.raw
    assert first.message_id == second.message_id
    assert waiting.states() == {"handed_over": 1}


def test_what_may_have_been_taken_is_not_sent_again_when_it_is_not_owed_any_more(waiting: House) -> None:
    waiting.channel.script = [UNCERTAIN, OK]
    waiting.deliver("2026-03-23 08:30")
    waiting.at("2026-03-23 08:31").events("C1", "2026-03-23 08:31 home_visit")
    waiting.deliver("2026-03-23 10:00")
    assert len(waiting.channel.tried) == 1
    assert [(row.state, row.why, row.message_state) for row in waiting.rows] == [("dropped", "it is done", "withdrawn")]


def test_what_may_have_been_taken_and_is_then_not_taken_stays_the_same_message(waiting: House) -> None:
    waiting.channel.script = [UNCERTAIN, TEMPORARY, TEMPORARY, OK]
    for minute in range(30, 60):
        waiting.deliver(f"2026-03-23 08:{minute:02d}")
    assert len(waiting.channel.tried) == 4
    assert len({mail.message_id for mail in waiting.channel.tried}) == 1


def test_a_set_up_at_fault_stops_the_channel_with_one_alarm_and_loses_nothing(house: House) -> None:
    house.live()
    for lead in ("w1", "w2"):
        house.case(f"C-{lead}", "2026-03-02 08:00 allocation", lead=lead)
    house.tick("2026-03-10 08:30")
    house.channel.script = [MISCONFIGURED]
    house.tick("2026-03-11 08:30")
    assert house.deliver().paused
    assert len(house.channel.tried) == 1
    for minute in range(31, 60):
        house.deliver(f"2026-03-11 08:{minute}")
    assert [alarm.code for alarm in house.alarms(everywhere=True)] == ["mail"]
    house.channel.script = [OK]
    house.deliver("2026-03-11 09:10")
    assert sorted(mail.to for mail in house.channel.taken) == ["w1@council.example", "w2@council.example"]
    assert house.states() == {"handed_over": 2}
    assert house.alarms(everywhere=True) == []


def test_a_try_that_our_own_set_up_spoilt_is_not_counted(waiting: House) -> None:
    waiting.channel.script = [MISCONFIGURED]
    for minute in range(0, 60, 6):
        waiting.deliver(f"2026-03-23 09:{minute:02d}")
    assert len(waiting.channel.tried) == 10
    assert [row.attempts for row in waiting.rows] == [0]


def test_where_the_next_would_fare_no_better_the_batch_ends(house: House) -> None:
    house.live()
    for lead in ("w1", "w2", "s1"):
        house.case(f"C-{lead}", "2026-03-02 08:00 allocation", lead=lead, team="South" if lead == "s1" else "North")
    house.tick("2026-03-10 08:30")
    house.channel.script = [SHUT]
    house.tick("2026-03-11 08:30")
    house.deliver()
    assert len(house.channel.tried) == 1
    house.channel.script = [OK]
    house.deliver("2026-03-11 08:33")
    assert house.states() == {"handed_over": 3}


def test_one_persons_trouble_does_not_keep_it_from_the_others(house: House) -> None:
    house.live()
    for lead in ("w1", "w2"):
        house.case(f"C-{lead}", "2026-03-02 08:00 allocation", lead=lead)
    house.tick("2026-03-10 08:30")
    house.channel.script = [PERMANENT, OK]
    house.tick("2026-03-11 08:30")
    house.deliver()
    assert house.states() == {"refused": 1, "handed_over": 1}


# ---- the end of trying


def test_what_may_have_been_taken_is_given_up_72_hours_after_its_first_try(waiting: House) -> None:
    waiting.channel.script = [UNCERTAIN]
    waiting.deliver("2026-03-23 08:30")
    waiting.deliver("2026-03-26 08:29:59")
    assert waiting.states() == {"claimed": 1}
    waiting.deliver("2026-03-26 09:00")
    assert waiting.states() == {"dead": 1}
    (alarm,) = waiting.alarms("dead letter")
    assert "a message to person:w1 was given up after 72 hours" in alarm.text


def test_a_server_that_takes_and_breaks_off_each_time_is_not_sent_the_same_each_lease(waiting: House) -> None:
    waiting.channel.script = [UNCERTAIN]
    for minute in range(0, 60):
        waiting.deliver(f"2026-03-23 09:{minute:02d}")
    assert len(waiting.channel.tried) <= 8


def test_what_is_never_taken_is_given_up_after_72_hours_of_tries(waiting: House) -> None:
    waiting.channel.script = [TEMPORARY]
    waiting.deliver("2026-03-23 08:30")
    with waiting.store.begin() as tx:
        tx.execute(text("UPDATE delivery SET attempts = 288"))  # as many as 71 hours and a half hold
    while waiting.states() != {"dead": 1}:
        assert waiting.now < moment("2026-03-23 10:00")
        waiting.now = max(row.send_after for row in waiting.rows)
        waiting.deliver()
    assert 2 < len(waiting.channel.tried) < 7
    assert waiting.alarms("dead letter")


# ---- a server that hangs


@pytest.mark.parametrize("stage", ["greeting", "RCPT", "dot"])
@pytest.mark.parametrize("act", ["hang", "drip"])
def test_a_server_that_hangs_does_not_outlive_the_deadline(waiting: House, stage: str, act: str) -> None:
    with ScriptedServer({stage: act}, drip_every=0.2) as server:  # type: ignore[dict-item]
        mailer = Mailer(Server(host="127.0.0.1", port=server.port, security="none", envelope_from=""))
        desk = waiting.desk
        mail = desk.config.mail.model_copy(update={"deadline_seconds": 0.5})
        desk = replace(desk, channel=mailer, config=desk.config.model_copy(update={"mail": mail}))
        waiting.at("2026-03-23 08:30")
        worker = threading.Thread(target=lambda: deliver(desk, lambda: waiting.now, rng=waiting.rng))
        worker.start()
        worker.join(4)
        assert not worker.is_alive()
    assert waiting.states() in ({"waiting": 1}, {"claimed": 1})
    waiting.deliver("2026-03-23 09:00")
    assert waiting.states() == {"handed_over": 1}


# ---- a batch that breaks off


class DyingChannel:
    """Takes messages until it dies in the midst of one, as a process does."""

    name = "mail"

    def __init__(self, channel: Any, after: int) -> None:
        self.channel, self.left = channel, after

    def send(self, message: bytes, *, to: str, message_id: str, deadline: float = 60.0) -> Outcome:
        if not self.left:
            raise Killed
        self.left -= 1
        return self.channel.send(message, to=to, message_id=message_id, deadline=deadline)  # type: ignore[no-any-return]

    @contextmanager
    def session(self) -> Iterator["DyingChannel"]:
        yield self


def test_a_restart_in_the_middle_of_a_batch_repeats_only_what_was_under_way(house: House) -> None:
    house.live()
    people = [replace(PEOPLE[0], person_id=f"p{n}", email=f"p{n}@council.example") for n in range(4)]
    house.people(*PEOPLE, *people)
    for n in range(4):
        house.case(f"C{n}", "2026-03-02 08:00 allocation", lead=f"p{n}")
    house.tick("2026-03-10 08:30")
    house.tick("2026-03-11 08:30")
    desk = replace(house.desk, channel=DyingChannel(house.channel, 2))
    with pytest.raises(Killed):
        deliver(desk, lambda: house.now, rng=house.rng)
    assert house.states() == {"handed_over": 2, "claimed": 1, "waiting": 1}
    (under_way,) = [row.message_id for row in house.rows if row.state == "claimed"]
    house.deliver("2026-03-11 08:31")
    assert house.states() == {"handed_over": 3, "claimed": 1}
    house.deliver("2026-03-11 08:40")
    assert house.states() == {"handed_over": 4}
    assert house.channel.taken[-1].message_id == under_way
    assert sorted(mail.to for mail in house.channel.taken) == [f"p{n}@council.example" for n in range(4)]


def test_a_late_mark_by_one_whose_claim_was_taken_over_changes_nothing(waiting: House) -> None:
    waiting.at("2026-03-23 08:30")

    class SlowChannel(DyingChannel):
        def send(self, message: bytes, *, to: str, message_id: str, deadline: float = 60.0) -> Outcome:
            waiting.deliver("2026-03-23 09:00")  # another worker finds the lease run out meanwhile
            return PERMANENT

    desk = replace(waiting.desk, channel=SlowChannel(waiting.channel, 0), worker="slow")
    deliver(desk, lambda: waiting.now, rng=waiting.rng)
    assert waiting.states() == {"handed_over": 1}
    assert waiting.alarms("refused") == []


def test_a_daemon_that_was_replaced_claims_nothing(waiting: House) -> None:
    def guard(tx: Any) -> None:
        raise AnotherDaemon("another daemon holds the database")

    with pytest.raises(AnotherDaemon):
        deliver(replace(waiting.desk, guard=guard), lambda: moment("2026-03-23 08:30"), rng=waiting.rng)
    assert waiting.states() == {"waiting": 1}
    assert waiting.channel.tried == []


@pytest.mark.usefixtures("short_messages")
def test_a_stop_lets_go_of_what_is_claimed_and_not_sent(house: House) -> None:
    many(house, 21)

    def stop() -> bool:
        return bool(house.channel.taken)

    deliver(house.desk, lambda: house.now, stop=stop, rng=house.rng)
    assert len(house.channel.taken) == 1
    assert house.states() == {"handed_over": 20, "waiting": 1}
    house.now += timedelta(minutes=5)
    house.deliver()
    assert house.states() == {"handed_over": 21}


def test_a_long_digest_is_cut_into_parts(house: House) -> None:
    many(house, 210)
    house.deliver()
    assert [mail.subject for mail in house.channel.taken] == [
        "Early Help: 200 due by Monday 16 March (part 1 of 2)",
        "Early Help: 10 due by Monday 16 March (part 2 of 2)",
    ]


def test_a_message_that_another_took_over_meanwhile_is_not_sent_by_the_first(
    house: House, short_messages: None
) -> None:
    many(house, 21)
    real = house.channel

    class SlowChannel(DyingChannel):
        def send(self, message: bytes, *, to: str, message_id: str, deadline: float = 60.0) -> Outcome:
            outcome = real.send(message, to=to, message_id=message_id)
            house.now += house.desk.lease  # the first message takes as long as a lease ...
            house.deliver()  # ... and another worker finds both leases run out
            return outcome

    deliver(replace(house.desk, channel=SlowChannel(real, 0), worker="slow"), lambda: house.now, rng=house.rng)
    assert sorted(mail.subject[-13:] for mail in real.taken) == ["(part 1 of 2)", "(part 1 of 2)", "(part 2 of 2)"]
    assert house.states() == {"handed_over": 21}


def test_a_message_that_waits_behind_a_slow_one_is_held_for_a_whole_lease_again(
    house: House, short_messages: None
) -> None:
    many(house, 21)
    started = house.now

    class SlowChannel(DyingChannel):
        def send(self, message: bytes, *, to: str, message_id: str, deadline: float = 60.0) -> Outcome:
            if house.now > started:
                raise Killed
            house.now += house.desk.lease - timedelta(seconds=1)
            return OK

    with pytest.raises(Killed):
        deliver(replace(house.desk, channel=SlowChannel(house.channel, 0)), lambda: house.now, rng=house.rng)
    with house.store.read() as tx:
        assert expired_claims(tx, NAME, now=started + house.desk.lease + timedelta(seconds=60)) == []


@pytest.fixture
def short_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a message hold 20 lines, so that few cases make two of them."""
    monkeypatch.setattr(letters, "split", partial(letters.split, size=20))


def many(house: House, count: int) -> None:
    house.live()
    house.turn("2026-03-11 08:00")
    house.at("2026-03-11 08:30").cases((f"C{n:03d}" for n in range(count)), "2026-03-02 08:00 allocation")
    house.tick()


# ---- what cannot be sent


def test_a_notice_that_cannot_be_written_waits_with_an_alarm_and_the_others_go(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.live()
    for n in range(5):
        house.case(f"C{n}", "2026-03-02 08:00 allocation")
    house.tick("2026-03-10 08:30")
    house.tick("2026-03-11 08:30")
    real = ways.render

    def render(message: Any) -> Any:
        if any(line.case_ref == "C3" for line in message.lines):
            raise MessageRefused(["C3 First visit: the link is not a plain http or https address"])
        return real(message)

    monkeypatch.setattr(ways, "render", render)
    house.deliver()
    assert sorted(line for mail in house.channel.taken for line in lines_of(mail)) == [
        f"C{n}  First visit" for n in (0, 1, 2, 4)
    ]
    assert house.states() == {"handed_over": 4, "waiting": 1}
    assert [alarm.code for alarm in house.alarms()] == ["unwritable"]
    monkeypatch.setattr(ways, "render", real)
    house.deliver("2026-03-11 09:30")
    assert house.states() == {"handed_over": 5}


def test_a_case_that_cannot_be_worked_out_keeps_its_own_notice_back_and_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.live()
    for n in range(3):
        house.case(f"C{n}", "2026-03-02 08:00 allocation")
    house.tick("2026-03-10 08:30")
    house.tick("2026-03-11 08:30")
    real = owed.evaluation_of

    def evaluation_of(tx: Any, authority: Any, case_ref: str, now: datetime) -> Any:
        if case_ref == "C1":
            raise KeyError("Mrs Canary")
        return real(tx, authority, case_ref, now)

    monkeypatch.setattr(owed, "evaluation_of", evaluation_of)
    house.deliver()
    assert [lines_of(mail) for mail in house.channel.taken] == [["C0  First visit", "C2  First visit"]]
    (alarm,) = house.alarms("case fault")
    assert "Canary" not in alarm.text
    monkeypatch.setattr(owed, "evaluation_of", real)
    house.deliver("2026-03-11 09:30")
    assert house.states() == {"handed_over": 3}


def test_a_fault_in_one_persons_message_keeps_no_other_persons_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.live()
    for lead in ("w1", "w2"):
        house.case(f"C-{lead}", "2026-03-02 08:00 allocation", lead=lead)
    house.tick("2026-03-10 08:30")
    house.tick("2026-03-11 08:30")
    real = letters.compose

    def compose(around: Any, *more: Any) -> Any:
        if around.recipient == "person:w1":
            raise ZeroDivisionError("Mrs Canary")
        return real(around, *more)

    monkeypatch.setattr("ehscheduler.daemon.deliver.compose", compose)
    house.deliver()
    assert [mail.to for mail in house.channel.taken] == ["w2@council.example"]
    (alarm,) = house.alarms("parcel fault")
    assert "Canary" not in alarm.text


def test_who_has_no_good_address_is_an_alarm_and_one_rung_up_is_told_until_it_is_mended(house: House) -> None:
    house.live()
    house.people(replace(PEOPLE[0], email="w1 at council"), *PEOPLE[1:])
    house.case("C1", "2026-03-02 08:00 allocation")
    assert [mail.to for mail in house.turns("2026-03-10", "2026-03-11")] == ["m1@council.example"]
    (alarm,) = house.alarms("unfilled")
    assert "worker cannot be written to (w1)" in alarm.text
    house.at("2026-03-11 09:00").people()
    assert [mail.to for mail in house.turns("2026-03-16", "2026-03-16")] == ["w1@council.example"]


# ---- addresses that are no more


def test_an_address_that_is_refused_is_written_to_no_more_and_whoever_is_above_hears_at_once(waiting: House) -> None:
    waiting.channel.script = [NO_SUCH_USER, OK]
    waiting.deliver("2026-03-23 08:30")
    (mail,) = waiting.channel.taken
    assert mail.to == "m1@council.example"
    assert "Wren Worker cannot be reached by mail." in mail.flat
    (row,) = [row for row in waiting.rows if row.recipient == "person:w1"]
    assert (row.state, row.message_state, row.server_answer) == ("dropped", "refused", "550 5.1.1 no such user")
    (alarm,) = waiting.alarms("suspended address")
    assert "nothing is sent to w1@council.example any more" in alarm.text
    waiting.case("C2", "2026-03-09 08:00 allocation")
    assert "w1@council.example" not in {mail.to for mail in waiting.turns("2026-03-24", "2026-03-26")}


def test_mail_that_came_back_is_told_one_rung_up_and_the_address_may_be_used_again_once_it_works(
    waiting: House,
) -> None:
    waiting.deliver("2026-03-23 08:30")
    back = bounce(
        waiting.store, waiting.authority, "W1@council.example", why="550 no such user", now=waiting.now, by="it"
    )
    assert back == 1
    mails = waiting.turns("2026-03-23", "2026-03-23", ("09:00", "10:00"))
    assert [mail.to for mail in mails] == ["m1@council.example"]
    (row,) = [row for row in waiting.rows if row.recipient == "person:w1"]
    assert (row.message_state, row.server_answer) == ("refused", "bounced: 550 no such user")
    assert row.sent_at is not None
    assert reach_again(waiting.store, waiting.authority, "w1@council.example", now=waiting.now, by="it")
    assert waiting.alarms("suspended address") == []
    waiting.case("C2", "2026-03-09 08:00 allocation")
    assert "w1@council.example" in {mail.to for mail in waiting.turns("2026-03-24", "2026-03-24")}


# ---- claims


def test_what_is_in_a_message_is_fixed_when_it_is_claimed(waiting: House) -> None:
    waiting.channel.script = [UNCERTAIN, OK]
    waiting.case("C2", "2026-03-03 08:00 allocation")
    waiting.tick("2026-03-20 19:01")
    waiting.deliver("2026-03-23 08:30")
    waiting.case("C3", "2026-03-02 08:00 allocation")
    waiting.tick("2026-03-23 08:31")
    waiting.events("C2", "2026-03-23 08:32 home_visit")
    waiting.deliver("2026-03-23 09:00")
    first, second = waiting.channel.tried
    assert lines_of(first) == lines_of(second) == ["C1  First visit", "C2  First visit"]
    third = waiting.turns("2026-03-24", "2026-03-24")
    assert ["C3  First visit"] in [lines_of(mail) for mail in third]


def test_one_delivery_cannot_be_in_two_messages(waiting: House) -> None:
    waiting.channel.script = [UNCERTAIN]
    waiting.deliver("2026-03-23 08:30")
    with waiting.store.begin() as tx:
        (held,) = expired_claims(tx, NAME, now=waiting.now + timedelta(hours=1))
        letter = letters.Letter(
            message_id="<another-message@council.example>",
            recipient=held.recipient,
            channel=held.channel,
            address=held.address,
            subject=held.subject,
            body=held.body,
        )
        keys = [row.notice_key for row in waiting.rows]
        assert claim(tx, NAME, letter, keys, owner="other", now=waiting.now, until=waiting.now) is None


# ---- the operator


def test_the_operator_hears_of_each_alarm_once_by_mail(waiting: House) -> None:
    waiting.set(operator={"email": "it@council.example"})
    waiting.channel.script = [PERMANENT, OK]
    waiting.deliver("2026-03-23 08:30")
    assert waiting.tell() == 1
    assert waiting.tell() == 0
    (mail,) = [mail for mail in waiting.channel.taken if mail.to == "it@council.example"]
    assert mail.subject == "Early Help scheduler: 1 alarm"
    assert "A message to person:w1 was refused (554 5.7.1 not taken)" in mail.flat
    assert "What to do: ." not in mail.flat


def test_without_an_address_nobody_is_told_and_the_alarm_stands(waiting: House) -> None:
    waiting.channel.script = [PERMANENT, OK]
    waiting.deliver("2026-03-23 08:30")
    assert waiting.tell() == 0
    assert waiting.alarms("refused")[0].told_at is None


def test_an_operator_who_cannot_be_reached_is_told_later_and_not_every_minute(waiting: House) -> None:
    waiting.set(operator={"email": "it@council.example"})
    waiting.channel.script = [PERMANENT, SHUT]
    waiting.deliver("2026-03-23 08:30")
    for minute in range(30, 45):
        waiting.at(f"2026-03-23 08:{minute}").tell()
    assert len(waiting.channel.tried) == 2
    waiting.channel.script = [OK]
    assert waiting.at("2026-03-23 08:45").tell() == 1


def test_many_alarms_of_one_kind_are_one_paragraph_with_their_count(house: House) -> None:
    house.live()
    house.set(operator={"email": "it@council.example"})
    for n in range(30):
        house.case(f"C{n:03d}", "2026-03-02 08:00 allocation", lead=f"x{n}", team=f"Team {n}")
    house.tick("2026-03-11 08:30")
    assert house.tell() == 30
    (mail,) = [mail for mail in house.channel.taken if mail.to == "it@council.example"]
    assert "and 29 more of this kind" in mail.flat
    assert len(mail.text) < 2000
    assert house.tell() == 0


def test_a_message_names_one_recipient_and_no_other(waiting: House) -> None:
    waiting.deliver("2026-03-23 08:30")
    (mail,) = waiting.channel.taken
    assert isinstance(mail, Mail)
    assert b"\r\nCc:" not in mail.raw
    assert b"\r\nBcc:" not in mail.raw
    assert mail.raw.count(b"@council.example") >= 2
