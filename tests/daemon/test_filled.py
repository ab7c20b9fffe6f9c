"""The alarm that a role reaches nobody, or somebody further up, is over on the morning after the role is filled."""

import random
from dataclasses import replace
from datetime import date

import pytest

from ehscheduler.core.people import Absence
from ehscheduler.daemon.meant import NOBODY, UNFILLED
from ehscheduler.daemon.turn import turn
from ehscheduler.store import Store
from ehscheduler.store.alarms import raise_alarm
from tests.daemon.house import NAME, PEOPLE, House

MANAGER = "Manager, team North"


@pytest.fixture
def store(each_store: Store) -> Store:
    """Run on both databases."""
    return each_store


@pytest.fixture
def sound(house: House) -> House:
    house.live()
    house.set(operator={"email": "it@council.example"})
    house.case("C1", "2026-02-27 08:00 allocation")
    return house


def whole(house: House, at: str) -> list[tuple[str, str]]:
    """Do a whole turn; return the alarms of people that stand."""
    house.at(at)
    turn(house.desk, lambda: house.now, stop=lambda: False, rng=random.Random(1))
    return [(alarm.code, alarm.subject) for alarm in house.alarms() if alarm.code in (NOBODY, UNFILLED)]


def alarmed(house: House, code: str, subject: str = MANAGER) -> None:
    with house.store.begin() as tx:
        raise_alarm(tx, NAME, code=code, subject=subject, text="nobody acts; complete people.csv", at=house.now)


def away(*ids: str, to: int) -> list[Absence]:
    return [Absence(id_, date(2026, 3, 2), date(2026, 3, to)) for id_ in ids]


def test_it_is_over_on_the_working_morning_after_an_absence_has_ended(sound: House) -> None:
    sound.away(*away("m1", to=3))
    alarmed(sound, UNFILLED)
    for at in ("2026-03-02 09:00", "2026-03-03 07:30", "2026-03-04 07:29"):
        assert whole(sound, at) == [(UNFILLED, MANAGER)]
    assert whole(sound, "2026-03-04 07:30") == []


def test_where_a_rung_reached_nobody_it_is_over_in_the_first_turn_of_the_day(sound: House) -> None:
    sound.away(*away("m1", "d1", to=3))
    alarmed(sound, NOBODY)
    assert (NOBODY, MANAGER) in whole(sound, "2026-03-03 23:59")
    assert whole(sound, "2026-03-04 00:00") == []


def test_it_is_raised_by_what_reaches_nobody_and_told_once_until_somebody_is_back(sound: House) -> None:
    sound.case("C2", "2026-02-10 08:00 allocation")
    sound.away(*away("w1", "m1", "d1", to=5))
    stood = [bool(whole(sound, f"2026-03-{day:02} 08:30")) for day in (2, 3, 4, 5, 6, 9)]
    assert stood == [True, True, True, True, False, False]
    told = [
        mail for mail in sound.channel.taken if mail.to == "it@council.example" and "obody can be told" in mail.flat
    ]
    assert len(told) == 1


def test_where_somebody_further_up_is_told_the_role_is_not_filled(sound: House) -> None:
    sound.away(*away("m1", to=9))
    alarmed(sound, UNFILLED)
    assert whole(sound, "2026-03-03 08:30") == [(UNFILLED, MANAGER)]


def test_somebody_further_up_is_somebody(sound: House) -> None:
    sound.away(*away("m1", to=9))
    alarmed(sound, NOBODY)
    assert whole(sound, "2026-03-03 08:30") == []


def test_a_role_that_one_case_of_the_team_lacks_is_not_filled(sound: House) -> None:
    sound.people(*(replace(p, line_manager_id=None) if p.person_id == "w2" else p for p in PEOPLE))
    alarmed(sound, UNFILLED, "line manager, team North")
    sound.case("C2", "2026-02-27 08:00 allocation", lead="w2")
    assert whole(sound, "2026-03-03 08:30") == [(UNFILLED, "line manager, team North")]


def test_another_team_without_its_role_keeps_its_alarm(sound: House) -> None:
    sound.case("C2", "2026-02-27 08:00 allocation", lead="s1", team="South")
    sound.away(*away("m2", to=9))
    for team in ("North", "South"):
        alarmed(sound, UNFILLED, f"Manager, team {team}")
    assert whole(sound, "2026-03-03 08:30") == [(UNFILLED, "Manager, team South")]
