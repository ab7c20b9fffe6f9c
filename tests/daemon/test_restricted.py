"""A restricted case: told by mail to named people, and to nothing that others read."""

import pytest

from ehscheduler.diary import Showing, diaries
from tests.daemon.house import LADDER, NAME, PEOPLE, House
from tests.daemon.test_preferences import FakeWay, prefer, turn

DUTY = {NAME: {"North": "duty@council.example", "*": "all@council.example"}}
CHAT = {NAME: {"teams": {"*": {"chats": {"all": ["digest", "escalation", "baseline"]}}}}}


@pytest.fixture
def begun(house: House) -> House:
    """Two cases whose visits are due on Monday 16 March; the first is restricted."""
    house.set(ladders={NAME: LADDER}, duty=DUTY, preferences=CHAT)
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation", restricted=True)
    house.case("C2", "2026-03-02 08:00 allocation")
    prefer(house, "w1", channels={"digest": "text"})
    prefer(house, "m1", channels={"escalation": "text"})
    return house


def refs(way: FakeWay) -> set[str]:
    return {line.split()[0] for _, said in way.taken for line in said["lines"]}


def by_mail(house: House) -> set[tuple[str, str]]:
    return {(row.recipient, row.case_ref) for row in house.rows if (row.channel, row.state) == ("mail", "handed_over")}


def through(house: House, *days: str) -> tuple[FakeWay, FakeWay]:
    text, chat = FakeWay("text"), FakeWay("chat:all")
    for day in days:
        turn(house, f"{day} 08:30", text, chat)
        turn(house, f"{day} 08:31", text, chat)
    return text, chat


def test_whoever_prefers_another_way_hears_of_it_by_mail_and_a_chat_nothing(begun: House) -> None:
    text, chat = through(begun, "2026-03-11", "2026-03-17", "2026-03-18")
    assert refs(text) == refs(chat) == {"C2"}
    assert by_mail(begun) == {("person:w1", "C1"), ("person:m1", "C1")}


def test_what_reaches_nobody_does_not_go_to_a_duty_address(begun: House) -> None:
    begun.people(*(one for one in PEOPLE if one.team != "North" and one.person_id != "d1"))
    through(begun, "2026-03-11")
    assert {mail.to for mail in begun.channel.taken} == {"duty@council.example"}
    assert {row.case_ref for row in begun.rows if row.recipient.startswith("team:")} == {"C2"}
    assert begun.alarms("nobody")


def test_a_case_that_becomes_restricted_after_it_was_decided_leaves_by_mail_alone(begun: House) -> None:
    begun.at("2026-03-11 08:30")
    begun.tick()
    begun.events("C2", '2026-03-11 08:30 attributes_changed {"restricted": true}')
    text, chat = through(begun, "2026-03-11")
    assert text.taken == chat.taken == []
    assert by_mail(begun) == {("person:w1", "C1"), ("person:w1", "C2")}
    why = {row.why for row in begun.rows if row.case_ref == "C2" and row.channel != "mail"}
    assert why == {"the case is restricted now, and told by mail to named people alone"}


def test_what_was_overdue_before_going_live_goes_to_its_owner_and_not_into_the_teams_list(house: House) -> None:
    house.set(duty=DUTY, live={NAME: {"from": "2026-04-01"}})
    house.case("C1", "2026-03-02 08:00 allocation", restricted=True)
    house.case("C2", "2026-03-02 08:00 allocation")
    house.turns("2026-04-01", "2026-04-01")
    assert {(row.recipient, row.case_ref) for row in house.rows if row.state == "handed_over"} == {
        ("person:w1", "C1"),
        ("team:North", "C2"),
    }


def test_a_calendar_has_nothing_of_it(begun: House) -> None:
    begun.at("2026-03-11 08:30")
    found = diaries(begun.store, begun.authority, begun.now, Showing())
    said = [line for diary in found for entry in diary.entries for line in entry.lines]
    assert "Case C2" in said
    assert "Case C1" not in said
