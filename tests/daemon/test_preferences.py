"""By which way and from when people hear: their own wish, their team's, their authority's; never whether."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pytest

from ehscheduler import office
from ehscheduler.daemon.deliver import deliver
from ehscheduler.daemon.tick import tick
from ehscheduler.errors import InputRefused
from ehscheduler.notify.channel import Channel, Outcome
from ehscheduler.notify.messages import Message, lines_of
from ehscheduler.notify.ways import Way, Written
from tests.daemon.house import NAME, OK, House, moment, told


@dataclass
class FakeWay:
    """A way that keeps what it was given: who it went to, and the message's kind and lines."""

    name: str
    script: list[Outcome] = field(default_factory=lambda: [OK])
    taken: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def write(self, message: Message, to: str, message_id: str, now: datetime) -> Written:
        lines = [f"{line.case_ref} {line.title}" for line in lines_of(message)]
        said = {"kind": type(message).__name__, "lines": lines}
        return Written(said["kind"], json.dumps(said).encode())

    def send(self, message: bytes, *, to: str, message_id: str, deadline: float = 60.0) -> Outcome:
        outcome = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if outcome.kind == "accepted":
            self.taken.append((to, json.loads(message)))
        return outcome

    @contextmanager
    def session(self) -> Iterator[Channel]:
        yield self

    @property
    def way(self) -> Way:
        return Way(self.name, self, self.write, 5.0)


def turn(house: House, at: str, *ways: FakeWay) -> None:
    """Do a turn with further ways out."""
    house.at(at)
    desk = replace(house.desk, further={one.name: one.way for one in ways})
    tick(desk, house.now)
    deliver(desk, lambda: house.now, rng=house.rng)


def prefer(house: House, person: str, **wishes: Any) -> None:
    known = ("mail", "text")
    office.prefer(house.store, house.authority, person, known=known, now=house.now, by="it", **wishes)


@pytest.fixture
def begun(house: House) -> House:
    """A case whose visit is due on Monday 16 March; the reminder is owed on Wednesday 11 March at 08:30."""
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    return house


# ---- when


def test_a_digest_comes_at_the_time_that_its_reader_prefers(begun: House) -> None:
    prefer(begun, "w1", digest_at="10:15")
    assert begun.turns("2026-03-11", "2026-03-11", ("08:30", "10:14")) == []
    assert len(begun.turns("2026-03-11", "2026-03-11", ("10:15", "10:16"))) == 1


def test_the_teams_time_holds_for_who_says_nothing_and_the_authoritys_for_the_others(begun: House) -> None:
    begun.set(preferences={NAME: {"digest_at": "09:30", "teams": {"North": {"digest_at": "09:00"}}}})
    begun.case("C2", "2026-03-02 08:00 allocation", lead="s1", team="South")
    begun.turns("2026-03-11", "2026-03-11", ("08:30", "09:00", "09:30"))
    assert told(begun) == [("2026-03-11 09:00", "reminder", "person:w1")]
    assert told(begun, "C2") == [("2026-03-11 09:30", "reminder", "person:s1")]


def test_an_escalation_waits_for_the_end_of_quiet_hours_and_is_not_lost(begun: House) -> None:
    prefer(begun, "m1", quiet="17:00-10:00")
    begun.turns("2026-03-11", "2026-03-18", ("08:30", "09:59", "10:00"))
    (climbed,) = [one for one in told(begun) if one[2] == "person:m1"]
    assert climbed == ("2026-03-18 10:00", "escalation", "person:m1")


def test_quiet_hours_over_midnight_hold_on_both_sides_of_it() -> None:
    from ehscheduler.core.preferences import read_quiet

    quiet = read_quiet("18:00-08:00")
    held = [
        text
        for text in ("17:59", "18:00", "23:59", "00:00", "07:59", "08:00")
        if quiet.holds(moment(f"2026-03-02 {text}"))
    ]
    assert held == ["18:00", "23:59", "00:00", "07:59"]
    assert quiet.over_at(moment("2026-03-02 19:00")) == moment("2026-03-03 08:00")
    assert quiet.over_at(moment("2026-03-28 23:00")) == moment("2026-03-29 08:00")  # the clocks go forward that night


def test_a_dispute_waits_for_no_quiet_hour(house_of: Any) -> None:
    house = house_of(DISPUTE)
    house.live()
    prefer(house, "m1", quiet="08:00-18:00", digest_at="16:00")
    house.case("C1", "2026-03-02 08:00 allocation", "2026-03-03 09:00 dispute_raised #d1")
    assert [mail.to for mail in house.turn("2026-03-03 09:00")] == ["m1@council.example"]


DISPUTE = """
[standard.settled]
title = "Settled"
clause = "9"
due = "24 hours after each dispute_raised"
met_by = "dispute_resolved"
owner = "manager"
decided_by = "settling"
[ladder.settling]
title = "Settling"
clause = "9"
steps = [
  { who = ["manager"], due = "8 hours after dispute_raised" },
  { who = ["director"], final = true, due = "24 hours after dispute_raised" },
]
"""


# ---- by which way


def test_each_kind_goes_by_the_way_that_is_preferred_for_it(begun: House) -> None:
    prefer(begun, "m1", channels={"escalation": "text"})
    text = FakeWay("text")
    for day in ("2026-03-11", "2026-03-16", "2026-03-17", "2026-03-18"):
        turn(begun, f"{day} 08:30", text)
    assert text.taken == [("m1@council.example", {"kind": "Escalation", "lines": ["C1 First visit"]})]
    assert {mail.to for mail in begun.channel.taken} == {"w1@council.example"}


def test_a_chat_gets_a_copy_and_the_people_are_told_all_the_same(begun: House) -> None:
    begun.set(preferences={NAME: {"teams": {"North": {"chats": {"north": ["escalation", "dispute"]}}}}})
    north = FakeWay("chat:north")
    for day in ("2026-03-11", "2026-03-16", "2026-03-17", "2026-03-18"):
        turn(begun, f"{day} 08:30", north)
    assert north.taken == [("chat:north", {"kind": "Escalation", "lines": ["C1 First visit"]})]
    assert ("2026-03-18 08:30", "escalation", "person:m1") in told(begun)


def test_a_copy_of_what_is_done_since_is_not_sent(begun: House) -> None:
    begun.set(preferences={NAME: {"teams": {"*": {"chats": {"all": ["digest"]}}}}})
    chat = FakeWay("chat:all", script=[Outcome("temporary", "503", about="channel"), OK])
    turn(begun, "2026-03-11 08:30", chat)
    begun.events("C1", "2026-03-11 09:00 home_visit")
    turn(begun, "2026-03-11 12:00", chat)
    assert chat.taken == []
    (copy,) = [row for row in begun.rows if row.channel == "chat:all"]
    assert (copy.state, copy.why) == ("dropped", "it is done")


def test_one_way_that_is_shut_keeps_no_other_back(begun: House) -> None:
    begun.set(preferences={NAME: {"teams": {"North": {"chats": {"north": ["digest"]}}}}})
    chat = FakeWay("chat:north", script=[Outcome("misconfigured", "404 no_service", about="channel")])
    turn(begun, "2026-03-11 08:30", chat)
    assert told(begun) == [("2026-03-11 08:30", "reminder", "person:w1")]


# ---- what may be preferred


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        ({"digest_at": "07:00"}, "07:00 is outside 08:30 to 17:00: name a time between them"),
        ({"digest_at": "8:30"}, "'8:30' is not a time of day such as 08:30"),
        ({"quiet": "18:00"}, "'18:00' is not a stretch of hours such as 18:00-08:00"),
        ({"quiet": "18:00-18:00"}, "'18:00-18:00' begins when it ends"),
        ({"channels": {"escalations": "text"}}, "'escalations' is no kind of message; did you mean 'escalation'?"),
        ({"channels": {"digest": "txt"}}, "config names no channel 'txt' for people; did you mean 'text'?"),
    ],
)
def test_what_cannot_be_preferred_is_refused_with_its_remedy(house: House, wishes: dict[str, Any], said: str) -> None:
    with pytest.raises(InputRefused) as refused:
        prefer(house, "w1", **wishes)
    assert said in refused.value.faults[0]


def test_a_wish_that_is_taken_back_leaves_it_to_the_team(begun: House) -> None:
    prefer(begun, "w1", digest_at="12:00", quiet="12:30-14:00", channels={"digest": "text"})
    left = office.prefer(
        begun.store, begun.authority, "w1", digest_at="", channels={"digest": ""}, known=(), now=begun.now, by="it"
    )
    assert (left.digest_at, dict(left.channels), str(left.quiet)) == (None, {}, "12:30-14:00")
    assert len(begun.turns("2026-03-11", "2026-03-11")) == 1
