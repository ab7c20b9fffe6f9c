"""After three weeks in which nothing left, or one way took nothing: one message a person and way, of what is open."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta

import pytest

from ehscheduler.core.people import Absence
from ehscheduler.notify.channel import Outcome
from ehscheduler.store import Store
from tests.daemon.house import NAME, OK, VISIT, House, Mail, lines_of, told
from tests.daemon.test_preferences import DISPUTE, FakeWay, prefer, turn

OVER = Outcome("temporary", "no answer within 15 s", about="channel")
BACK = "2026-03-23"
"""The Monday on which everything works again; the last day on which it did is Monday 2 March."""
DOWN = "The scheduler was down from 12:00 on Monday 2 March 2026 to 11:00 on Monday 23 March 2026."
DONE = ("DONE First", "DONE Looked", "CLOSED First", "CLOSED Looked", "HELD First", "MOVED First")
CLOCKS = ("08:30", "08:31", "09:05", "09:06", "16:00")
PHONE = """
[standard.phone]
title = "Family telephoned"
clause = "4.1"
due = "2 hours after each visit_asked"
met_by = "contact_made"
owner = "worker"
"""
REVIEW = """
[standard.review]
title = "Looked at by the manager"
clause = "5"
due = "10 working days after allocation"
met_by = "oversight_noted"
owner = "manager"
"""


@dataclass
class Service:
    """A house with two ways besides mail: text for people, and a chat that gets copies."""

    house: House
    text: FakeWay = field(default_factory=lambda: FakeWay("text"))
    chat: FakeWay = field(default_factory=lambda: FakeWay("chat:north"))

    def turn(self, at: str) -> None:
        turn(self.house, at, self.text, self.chat)

    def days(self, first: str, last: str) -> None:
        day, end = date.fromisoformat(first), date.fromisoformat(last)
        while day <= end:
            for clock in CLOCKS:
                self.turn(f"{day} {clock}")
            day += timedelta(days=1)

    def since(self, mails: int, texts: int, chats: int) -> tuple[list[Mail], list[object], list[object]]:
        return self.house.channel.taken[mails:], self.text.taken[texts:], self.chat.taken[chats:]

    @property
    def counts(self) -> tuple[int, int, int]:
        return len(self.house.channel.taken), len(self.text.taken), len(self.chat.taken)

    def meanwhile(self) -> None:
        """What happens on the cases in the three weeks, as each is recorded."""
        self.house.at("2026-03-12 12:00").events(
            "DONE", "2026-03-12 10:00 home_visit", "2026-03-12 10:00 oversight_noted"
        )
        self.house.events("CLOSED", "2026-03-12 11:00 closed")
        self.house.events("HELD", "2026-03-10 10:00 hold_started")
        later = '{"rules": ["visit"], "until": "2026-04-10", "by_role": "manager", "reason": "illness"}'
        self.house.events("MOVED", f"2026-03-12 10:00 relaxation_agreed {later}")
        self.house.case("ARGUED", "2026-03-12 08:00 allocation", "2026-03-12 09:00 dispute_raised #D1")
        self.house.case("CALL", "2026-03-12 08:00 allocation", "2026-03-12 10:00 visit_asked #R1")


@pytest.fixture
def store(each_store: Store) -> Store:
    return each_store


@pytest.fixture
def service(house_of: object) -> Service:
    house: House = house_of(VISIT + DISPUTE + PHONE + REVIEW)  # type: ignore[operator]
    house.live()
    house.set(preferences={NAME: {"teams": {"North": {"chats": {"north": ["digest", "escalation", "dispute"]}}}}})
    prefer(house, "w2", channels={"digest": "text"})
    prefer(house, "s1", quiet="17:00-09:30", digest_at="10:00")
    for ref in ("OVERDUE", "DONE", "CLOSED", "HELD", "MOVED"):
        house.case(ref, "2026-03-02 08:00 allocation")
    house.case("OTHER", "2026-03-02 08:00 allocation", lead="w2")
    house.case("SOUTH", "2026-03-02 08:00 allocation", lead="s1", team="South")
    made = Service(house)
    made.turn("2026-03-02 12:00")
    return made


def test_a_daemon_that_was_off_tells_each_person_once_of_all_that_is_open(service: Service) -> None:
    before = service.counts
    service.meanwhile()
    service.turn(f"{BACK} 11:00")
    service.turn(f"{BACK} 11:01")
    mails, texts, chats = service.since(*before)
    assert Counter(mail.to.partition("@")[0] for mail in mails) == {"w1": 1, "m1": 1, "d1": 1, "s1": 1, "m2": 1}
    assert [to for to, _ in texts] == ["w2@council.example"]
    assert len(chats) == 1
    said = {mail.to.partition("@")[0]: " ".join(lines_of(mail)) for mail in mails}
    assert all(ref in said["w1"] for ref in ("OVERDUE", "ARGUED", "CALL"))
    assert "SOUTH" in said["s1"]
    assert nothing_of_what_is_done(mails, texts, chats)
    assert all(DOWN in mail.flat for mail in mails if "What to do next" in mail.text)


def test_the_same_message_says_what_waits_to_be_decided_and_what_is_past_its_date(service: Service) -> None:
    before = service.counts
    service.meanwhile()
    service.house.at(f"{BACK} 10:30").case("FRESH", "2026-03-20 allocation", f"{BACK} 10:00 dispute_raised #D2")
    service.turn(f"{BACK} 11:00")
    mails, _, (chat, *_) = service.since(*before)
    (mine,) = [mail for mail in mails if mail.to == "m1@council.example"]
    assert mine.subject == "Early Help: 1 decision needed, 4 past their date"
    assert mine.text.index("A decision is needed") < mine.text.index("Past the date")
    assert "Case: FRESH" in mine.text
    assert "FRESH Settled" in str(chat)


def nothing_of_what_is_done(mails: list[Mail], texts: list[object], chats: list[object]) -> bool:
    everything = "".join(mail.flat for mail in mails) + str(texts) + str(chats)
    return not [said for said in DONE if said in everything]


def test_a_mail_server_that_took_nothing_ends_in_one_message_a_person_and_keeps_no_other_way(service: Service) -> None:
    service.house.channel.script = [OVER]
    service.days("2026-03-03", "2026-03-11")
    service.meanwhile()
    service.days("2026-03-12", "2026-03-22")
    assert service.house.channel.taken == []
    assert {to for to, _ in service.text.taken} == {"w2@council.example"}
    assert service.chat.taken
    service.turn(f"{BACK} 08:30")
    service.house.channel.script = [OK]
    before = service.counts
    for minute in range(0, 60, 5):
        service.turn(f"{BACK} 11:{minute:02}")
    mails, texts, chats = service.since(*before)
    assert Counter(mail.to.partition("@")[0] for mail in mails) == {"w1": 1, "m1": 1, "d1": 1, "s1": 1, "m2": 1}
    assert texts == chats == []
    assert nothing_of_what_is_done(mails, texts, chats)
    open_ = {mail.to.partition("@")[0]: set(lines_of(mail)) for mail in mails}
    assert {"OVERDUE  First visit", "CALL  Family telephoned"} <= open_["w1"]
    assert "OTHER  First visit" in open_["m1"]
    assert "OVERDUE  First visit" not in open_["m1"]  # its owner has not had a working day yet
    (director,) = [mail for mail in mails if mail.to == "d1@council.example"]
    assert director.flat.count("Case: ARGUED") == 1
    assert told(service.house, "OTHER").count((f"{BACK} 11:00", "escalation", "person:m1")) == 1


def test_ways_beside_mail_that_took_nothing_hold_nobody_up_and_tell_nothing_twice(service: Service) -> None:
    service.text.script = service.chat.script = [OVER]
    service.days("2026-03-03", "2026-03-11")
    service.meanwhile()
    service.days("2026-03-12", "2026-03-22")
    assert service.text.taken == service.chat.taken == []
    theirs = [mail for mail in service.house.channel.taken if mail.to == "w2@council.example"]
    assert [lines_of(mail) for mail in theirs] == [["OTHER  First visit"]] * 3  # ahead, on the day, and overdue
    service.text.script = service.chat.script = [OK]
    before = service.counts
    for minute in range(0, 60, 5):
        service.turn(f"{BACK} 12:{minute:02}")
    mails, texts, chats = service.since(*before)
    assert [mail.to for mail in mails if mail.to == "w2@council.example"] == texts == []
    assert len(chats) <= 1
    service.house.case("NEW", "2026-03-10 08:00 allocation", lead="w2")
    service.turn("2026-03-24 08:30")
    assert [to for to, _ in service.text.taken] == ["w2@council.example"]


def test_who_was_away_when_it_went_down_gets_their_one_message_when_they_are_back(service: Service) -> None:
    service.house.at("2026-03-02 13:00").away(Absence("w1", date(2026, 3, 9), date(2026, 3, 24)))
    before = service.counts
    service.meanwhile()
    service.turn(f"{BACK} 11:00")
    service.days("2026-03-23", "2026-03-25")
    mails, _, _ = service.since(*before)
    mine = [mail for mail in mails if mail.to == "w1@council.example"]
    assert len(mine) == 1
    assert {"OVERDUE  First visit", "CALL  Family telephoned"} <= set(lines_of(mine[0]))
    assert nothing_of_what_is_done(mails, [], [])


def test_a_case_that_was_handed_over_meanwhile_is_told_to_its_new_lead_alone(service: Service) -> None:
    before = service.counts
    service.meanwhile()
    service.house.events("OVERDUE", '2026-03-13 09:00 worker_changed {"lead": "w2"}')
    service.turn(f"{BACK} 11:00")
    service.turn(f"{BACK} 11:01")
    mails, texts, _ = service.since(*before)
    assert not [mail for mail in mails if mail.to == "w1@council.example" and "OVERDUE" in mail.text]
    assert len(texts) == 1
    assert "OVERDUE First visit" in str(texts)
