"""Coverage: asked each working morning, an alarm once while it lasts, and gone when it is over."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ehscheduler.core.people import Absence
from ehscheduler.core.policy import Policy
from ehscheduler.daemon.coverage import CODE, asked_at, coverage
from ehscheduler.daemon.turn import turn
from ehscheduler.notify.channel import Outcome
from ehscheduler.office import evaluation_of
from ehscheduler.plugins import Authority
from ehscheduler.store import Store
from ehscheduler.store.alarms import raise_alarm
from ehscheduler.store.events import events_of
from ehscheduler.store.imports import finish_import, start_import
from ehscheduler.store.people import put_people
from tests.daemon.house import NAME, PEOPLE, VISIT, House, moment

HouseOf = Callable[..., House]
BOTH = VISIT + VISIT.replace("visit", "second").replace("home_second", "contact_made").replace("First", "Second")


@pytest.fixture
def store(each_store: Store) -> Store:
    """Run on both databases."""
    return each_store


@pytest.fixture
def sound(house: House) -> House:
    """A council in which all is covered: one case, and a date on it."""
    house.live()
    house.case("C1", "2026-02-27 08:00 allocation")
    house.tick("2026-03-02 09:00")
    return house


def asked(house: House) -> list[tuple[str, str]]:
    with house.store.read() as tx:
        found = coverage(tx, house.authority, house.desk.config, house.now)
    return [(one.area, one.subject) for one in found]


def whole(house: House, at: str) -> list[str]:
    """Do a whole turn; return what is not covered, as the alarms that stand say."""
    house.at(at)
    turn(house.desk, lambda: house.now, stop=lambda: False, rng=random.Random(1))
    return [alarm.subject for alarm in house.alarms(CODE)]


def take(house: House, kind: str, at: str, *, refused: str | None = None) -> None:
    """Note that a file of a kind was read."""
    with house.store.begin() as tx:
        named = {"file": f"{kind}.csv", "sha256": "0" * 64, "kind": kind, "source": "contract"}
        id_ = start_import(tx, NAME, read_at=moment(at), **named)
        finish_import(tx, NAME, id_, rows=1, added=1, set_aside=0, refused=refused)


# ---- cases


def test_a_case_with_a_date_is_covered(sound: House) -> None:
    assert asked(sound) == []


@pytest.mark.parametrize(
    ("lines", "lost"),
    [
        ((), True),
        (("2026-02-02 08:00 allocation", "2026-02-05 10:00 home_visit"), True),
        (("2026-02-02 08:00 allocation", "2026-02-05 10:00 home_visit", "2026-02-06 08:00 closed"), False),
        (("2026-02-02 08:00 closed", "2026-02-06 08:00 reopened"), True),
        (("2026-02-27 08:00 allocation", '2026-02-28 08:00 hold_started {"reason": "section_47"}'), False),
        (('2026-02-06 08:00 left_without_dates {"reason": "waiting", "until": "2026-03-01"}',), True),
        (('2026-02-06 08:00 left_without_dates {"reason": "waiting", "until": "2026-03-02"}',), False),
        (('2026-02-06 08:00 left_without_dates {"reason": "waiting"}',), True),
    ],
    ids=["nothing", "all done", "closed", "reopened", "on hold", "excuse over", "excuse's last day", "no until"],
)
def test_an_open_case_has_something_due_or_a_reason(sound: House, lines: tuple[str, ...], lost: bool) -> None:
    sound.case("C2", *lines)
    sound.tick()
    assert asked(sound) == ([("cases", "C2")] if lost else [])


def test_an_excuse_that_was_taken_back_is_none(sound: House) -> None:
    sound.case("C2")
    [one] = sound.events("C2", '2026-02-06 08:00 left_without_dates {"reason": "waiting", "until": "2026-04-01"}')
    sound.tick()
    assert asked(sound) == []
    sound.retract(one)
    sound.tick()
    assert asked(sound) == [("cases", "C2")]


def test_a_date_of_a_rule_that_is_not_live_watches_nobody(house_of: HouseOf) -> None:
    house = house_of(BOTH)
    house.live(rules=["visit"])
    house.case("C1", "2026-02-27 08:00 allocation", "2026-02-28 10:00 home_visit")
    house.tick("2026-03-02 09:00")
    assert asked(house) == [("cases", "C1")]
    house.live()
    assert asked(house) == []


def test_an_authority_without_cases_lacks_nothing(house: House) -> None:
    assert asked(house) == []


@pytest.mark.parametrize(
    ("said", "reopened", "lost"),
    [
        ("2026-02-19 08:00", "2026-02-20 08:00", True),
        ("2026-02-20 07:59", "2026-02-20 08:00", True),
        ("2026-02-20 08:00", "2026-02-20 08:00", False),
        ("2026-02-20", "2026-02-20 08:00", False),
    ],
    ids=["the day before", "a minute before", "with it", "on that day, no time known"],
)
def test_an_excuse_of_before_a_reopening_is_none(sound: House, said: str, reopened: str, lost: bool) -> None:
    excuse = f'{said} left_without_dates {{"reason": "waiting", "until": "2027-01-01"}}'
    sound.case("C2", excuse, "2026-02-20 07:00 closed", f"{reopened} reopened")
    sound.tick()
    assert asked(sound) == ([("cases", "C2")] if lost else [])


def test_a_retraction_that_was_taken_back_leaves_a_case_closed_as_its_dates_do(sound: House) -> None:
    sound.case("C2")
    [closed] = sound.events("C2", "2026-02-02 08:00 closed")
    sound.at("2026-03-02 10:00").retract(closed)
    sound.tick()
    assert asked(sound) == [("cases", "C2")]
    sound.at("2026-03-02 11:00").retract(replace(closed, id=f"gone-{closed.id}"))
    sound.tick()
    with sound.store.read() as tx:
        assert evaluation_of(tx, sound.authority, "C2", sound.now).closed_on == date(2026, 2, 2)
    assert asked(sound) == []


def test_a_retraction_withdraws_what_its_own_case_holds_and_nothing_of_another(sound: House) -> None:
    sound.case("C2", "2026-02-02 08:00 closed")
    sound.case("C3")
    [closed] = sound.events("C3", "2026-02-02 08:00 closed")
    with sound.store.read() as tx:
        [other] = events_of(tx, NAME, "C2")
    sound.retract(replace(other, case="C3"))
    sound.tick()
    assert asked(sound) == []
    sound.retract(closed)
    sound.tick()
    assert asked(sound) == [("cases", "C3")]


# ---- people, policies, feeds, mail


def test_a_lead_who_is_not_in_the_directory_is_a_gap_where_nobody_heads_their_team(sound: House) -> None:
    sound.case("C2", "2026-02-27 08:00 allocation", lead="w9")
    sound.tick()
    assert asked(sound) == []  # North has a head, who hears instead
    sound.case("C2", lead="w9", team=None)
    sound.case("C3", "2026-02-27 08:00 allocation", lead="w9", team=None)
    sound.tick()
    assert asked(sound) == [("people", "lead w9")]
    with sound.store.read() as tx:
        [one] = coverage(tx, sound.authority, sound.desk.config, sound.now)
    assert "w9, who leads 2 open cases, is not in people.csv" in one.said
    sound.set(duty={NAME: {"*": "duty@council.example"}})
    assert asked(sound) == []


def test_a_lead_who_handed_a_case_over_is_looked_for_no_more(sound: House) -> None:
    sound.case("C2", "2026-02-26 08:00 allocation", lead="w9", team=None)
    sound.tick()
    assert asked(sound) == [("people", "lead w9")]
    [change] = sound.events("C2", '2026-02-27 08:00 worker_changed {"lead": "w2"}')
    sound.tick()
    assert asked(sound) == []
    sound.retract(change)
    sound.tick()
    assert asked(sound) == [("people", "lead w9")]


def test_who_has_left_and_whose_manager_is_known_is_no_gap(sound: House) -> None:
    sound.case("C2", "2026-02-26 08:00 allocation", lead="w2", team=None)
    sound.people(*(p for p in PEOPLE if p.person_id != "w2"))
    sound.tick()
    assert asked(sound) == []


def test_a_team_without_people_is_one_gap_and_not_another_for_each_of_its_leads(sound: House) -> None:
    sound.case("C2", "2026-02-27 08:00 allocation", lead="w9", team="East")
    sound.tick()
    assert asked(sound) == [("people", "team East")]


def test_a_directory_without_people_is_a_gap(sound: House) -> None:
    with sound.store.begin() as tx:
        put_people(tx, NAME, [], on=date(2026, 3, 2))
    assert asked(sound) == [("people", "nobody")]


def test_a_rung_that_reaches_nobody_is_a_gap_until_somebody_is_above_or_the_duty_address_is(sound: House) -> None:
    alone = [replace(p, line_manager_id=None) for p in PEOPLE if p.person_id == "w1"]
    sound.people(*alone)
    assert [area for area, _ in asked(sound)] == ["ladders"]
    sound.set(duty={NAME: {"*": "duty@council.example"}})
    assert asked(sound) == []


def test_a_manager_away_whom_nobody_covers_is_a_gap_only_where_nobody_is_above(sound: House) -> None:
    sound.away(Absence("m1", date(2026, 3, 1), date(2026, 3, 9)))
    assert asked(sound) == []  # the director hears instead
    sound.away(*(Absence(id_, date(2026, 3, 1), date(2026, 3, 9)) for id_ in ("m1", "d1")))
    assert [area for area, _ in asked(sound)] == ["ladders"]


def _reviewed_by(house: House, day: date) -> None:
    policy: Policy = replace(house.authority.policy, review_by=day)
    house.authority = Authority(NAME, (policy,), house.authority.calendar, Path())


@pytest.mark.parametrize(("day", "late"), [(date(2026, 3, 1), True), (date(2026, 3, 2), False)])
def test_an_edition_past_its_review_is_a_gap_from_the_day_after(sound: House, day: date, late: bool) -> None:
    _reviewed_by(sound, day)
    assert [area for area, _ in asked(sound)] == (["policy"] if late else [])


@pytest.mark.parametrize(("at", "late"), [("2026-03-03 23:59", False), ("2026-03-04 00:00", True)])
def test_a_feed_is_late_when_its_time_has_passed_and_not_before(sound: House, at: str, late: bool) -> None:
    sound.set(feeds={NAME: {"cases": "2 working days"}})
    take(sound, "events", "2026-02-27 06:00")
    sound.at(at)
    assert asked(sound) == ([("feeds", "events")] if late else [])


@pytest.mark.parametrize(
    ("feeds", "late"),
    [
        ({"cases": "2 working days"}, ["events"]),
        ({"cases": "2 working days", "events": "10 working days"}, []),
        ({"events": "2 working days"}, ["events"]),
        ({"cases": "2 working days", "events": "1 working day", "people": "7 days"}, ["events", "people"]),
    ],
    ids=["for both", "each its own", "events alone", "and people"],
)
def test_events_that_stopped_coming_are_late_though_cases_come(
    sound: House, feeds: dict[str, str], late: list[str]
) -> None:
    sound.set(feeds={NAME: feeds})
    take(sound, "events", "2026-02-20 06:00")
    take(sound, "cases", "2026-03-02 06:00")
    assert asked(sound) == [("feeds", feed) for feed in late]


def test_an_extract_of_steps_brings_both_and_cases_that_never_came_are_said(sound: House) -> None:
    sound.set(feeds={NAME: {"cases": "2 working days"}})
    assert asked(sound) == [("feeds", "cases")]
    take(sound, "cases", "2026-02-02 06:00")
    take(sound, "events", "2026-02-02 06:00")
    assert asked(sound) == [("feeds", "cases"), ("feeds", "events")]
    take(sound, "steps", "2026-03-02 06:00")
    assert asked(sound) == []


def test_a_feed_that_never_came_is_a_gap_and_one_without_a_time_is_not_looked_at(sound: House) -> None:
    sound.set(feeds={NAME: {"people": "7 days"}})
    assert asked(sound) == [("feeds", "people")]
    take(sound, "people", "2026-03-01 06:00")
    assert asked(sound) == []


def test_a_feed_that_was_refused_did_not_come(sound: House) -> None:
    sound.set(feeds={NAME: {"people": "7 days"}})
    take(sound, "people", "2026-03-01 06:00", refused="it cannot be read")
    assert asked(sound) == [("feeds", "people")]


def test_mail_that_was_refused_is_a_gap(house: House) -> None:
    house.live()
    house.case("C1", "2026-02-09 08:00 allocation")
    house.channel.script = [Outcome("permanent", "550 no such user", 550)]
    house.turn("2026-03-02 09:00")
    house.turn("2026-03-03 08:30")
    assert ("channels", "mail") in asked(house)


# ---- each working morning


def when(house: House) -> str:
    with house.store.read() as tx:
        found = asked_at(tx, NAME)
    return f"{found:%Y-%m-%d %H:%M}" if found else "never"


def test_it_is_asked_once_each_working_morning_from_half_past_seven(house: House) -> None:
    house.live()
    house.case("C1", "2026-02-27 08:00 allocation")
    seen = []
    for at in (
        *("2026-03-05 09:00", "2026-03-05 17:00", "2026-03-06 07:29", "2026-03-06 07:30", "2026-03-06 08:30"),
        *("2026-03-07 09:00", "2026-03-08 09:00", "2026-03-09 07:29", "2026-03-09 07:31"),
    ):
        whole(house, at)
        seen.append(when(house))
    first, friday, monday = "2026-03-05 09:00", "2026-03-06 07:30", "2026-03-09 07:31"
    assert seen == [first, first, first, friday, friday, friday, friday, friday, monday]


def test_a_morning_that_was_missed_is_asked_when_the_service_is_back(house: House) -> None:
    house.live()
    house.case("C1", "2026-02-27 08:00 allocation")
    whole(house, "2026-03-05 09:00")
    whole(house, "2026-03-07 12:00")  # a Saturday, and Friday was missed
    assert when(house) == "2026-03-07 12:00"


def test_a_gap_is_one_alarm_while_it_lasts_and_none_when_it_is_over(house: House) -> None:
    house.live()
    house.case("C1")
    assert whole(house, "2026-03-02 09:00") == ["cases: C1"]
    assert whole(house, "2026-03-03 07:30") == ["cases: C1"]
    [alarm] = house.alarms(CODE, open_only=False)
    assert f"{alarm.at:%Y-%m-%d %H:%M}" == "2026-03-02 09:00"
    assert "close it, or say why with 'ehscheduler record C1 left_without_dates'" in alarm.text
    house.events("C1", "2026-03-03 10:00 closed")
    assert whole(house, "2026-03-04 07:30") == []


def test_an_alarm_of_another_kind_is_left_alone(house: House) -> None:
    house.live()
    house.case("C1", "2026-02-27 08:00 allocation")
    with house.store.begin() as tx:
        raise_alarm(tx, NAME, code="feed", subject="people", text="people.csv was refused", at=house.now)
    whole(house, "2026-03-02 09:00")
    assert [alarm.code for alarm in house.alarms()] == ["feed"]
