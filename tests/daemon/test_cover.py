"""Leave and cover, rungs that reach nobody, the authority's duty address, and days on which somebody does not work."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from ehscheduler.core.people import Absence
from tests.daemon.house import NAME, PEOPLE, House, lines_of, told
from tests.daemon.test_decide import PHONE
from tests.daemon.test_own_ladder import CLIMBS

Houses = Callable[..., House]
W1, W2, M1, S1, M2, D1 = PEOPLE
EVERYBODY = "duty@council.example"


def away(person: str, first: str, last: str, cover: str | None = None) -> Absence:
    return Absence(person, date.fromisoformat(first), date.fromisoformat(last), cover)


def heard(house: House, first: str, last: str) -> list[str]:
    return [mail.to.split("@")[0] for mail in house.turns(first, last)]


def allocated(house: House, **more: str | None) -> House:
    """Take in a case whose first visit is due on Friday 13 March, with reminders on Tuesday 10 and on the day."""
    house.live()
    house.case("C1", "2026-02-27 08:00 allocation", **more)
    return house


# ---- leave and cover


def test_who_covers_hears_instead_and_nobody_is_alarmed(house: House) -> None:
    allocated(house).away(away("w1", "2026-03-09", "2026-03-12", "w2"))
    assert heard(house, "2026-03-02", "2026-03-13") == ["w2", "w1"]
    assert house.alarms() == []


@pytest.mark.parametrize(
    ("first", "last", "to"),
    [
        ("2026-03-11", "2026-03-20", "w1"),
        ("2026-03-10", "2026-03-20", "w2"),
        ("2026-03-02", "2026-03-10", "w2"),
        ("2026-03-02", "2026-03-09", "w1"),
    ],
    ids=["away from the day after", "from that day", "to that day", "to the day before"],
)
def test_leave_counts_from_its_first_day_to_its_last(house: House, first: str, last: str, to: str) -> None:
    allocated(house).away(away("w1", first, last, "w2"))
    assert heard(house, "2026-03-02", "2026-03-10") == [to]


def test_away_without_cover_goes_one_rung_up_and_is_an_alarm(house: House) -> None:
    allocated(house).away(away("w1", "2026-03-09", "2026-03-20"))
    assert heard(house, "2026-03-02", "2026-03-10") == ["m1"]
    (alarm,) = house.alarms()
    assert alarm.code == "unfilled"
    assert "worker is away (w1), and nobody who could act covers: told one rung up" in alarm.text


def test_who_is_away_when_a_notice_is_sent_does_not_hear_though_they_were_here_when_it_was_decided(
    house: House,
) -> None:
    allocated(house)
    house.tick("2026-03-10 08:30")
    house.away(away("w1", "2026-03-10", "2026-03-20", "w2"))
    house.deliver("2026-03-10 08:31")
    assert told(house) == [("2026-03-10 08:31", "reminder", "person:w2")]
    assert [row.why for row in house.rows if row.state == "dropped"] == ["somebody else is to act now"]


def test_who_is_away_without_cover_when_a_notice_is_sent_is_an_alarm_then(house: House) -> None:
    allocated(house)
    house.tick("2026-03-10 08:30")
    house.away(away("w1", "2026-03-10", "2026-03-20"))
    house.deliver("2026-03-10 08:31")
    assert told(house) == [("2026-03-10 08:31", "reminder", "person:m1")]
    assert [alarm.code for alarm in house.alarms()] == ["unfilled"]


def test_the_lead_who_left_is_covered_where_somebody_stands_for_them(house: House) -> None:
    allocated(house)
    house.at("2026-03-05 09:00").people(*PEOPLE[1:])
    house.away(away("w1", "2026-03-05", "2026-12-31", "w2"))
    assert heard(house, "2026-03-06", "2026-03-10") == ["w2"]
    assert house.alarms() == []


def test_of_several_holders_the_present_ones_hear_and_who_covers_the_others(house_of: Houses) -> None:
    house = house_of(CLIMBS)
    house.live()
    house.people(
        *PEOPLE, replace(M1, person_id="m3", email="m3@x.example"), replace(M1, person_id="m4", email="m4@x.example")
    )
    house.away(away("m1", "2026-03-01", "2026-04-30", "m2"), away("m3", "2026-03-01", "2026-04-30"))
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-11")
    climbed = {to for _, kind, to in told(house) if kind == "escalation"}
    assert climbed == {"person:m2", "person:m4"}
    assert house.alarms() == []


def test_a_manager_who_is_covered_by_the_lead_is_climbed_past(house: House) -> None:
    allocated(house).away(away("m1", "2026-03-02", "2026-04-30", "w1"))
    house.turns("2026-03-02", "2026-03-20")
    assert [to for _, kind, to in told(house) if kind == "escalation"] == ["person:d1"]


def test_a_role_is_looked_for_in_the_hub_that_the_case_names(house_of: Houses) -> None:
    house = house_of(CLIMBS)
    east, west = (replace(M2, person_id=hub, email=f"{hub}@x.example", team="", hub=hub) for hub in ("east", "west"))
    house.people(W1, east, west)
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation", meeting_hub="west")
    house.turns("2026-03-02", "2026-03-11")
    assert [to for _, kind, to in told(house) if kind == "escalation"] == ["person:west"]


# ---- a rung that reaches nobody


def test_a_rung_that_nobody_fills_goes_to_the_rung_above_and_not_to_the_line_manager(house_of: Houses) -> None:
    house = house_of(CLIMBS)
    house.live()
    boss = replace(D1, person_id="b1", email="b1@council.example", roles=("worker",), team="Elsewhere")
    house.people(replace(W1, line_manager_id="b1"), D1, boss)
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-11")
    assert [to for _, kind, to in told(house) if kind == "escalation"] == ["person:d1"]
    assert "nobody current is Manager" in house.alarms("unfilled")[0].text


def test_a_rung_that_is_empty_when_it_is_sent_goes_to_the_rung_above(house_of: Houses) -> None:
    house = house_of(CLIMBS)
    house.live()
    house.people(replace(W1, line_manager_id="w2"), W2, M1, D1)
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-02", "2026-03-10")
    house.tick("2026-03-11 08:30")
    house.away(away("m1", "2026-03-11", "2026-04-30"))
    house.deliver("2026-03-11 08:31")
    assert [to for _, kind, to in told(house) if kind == "escalation"] == ["person:d1"]


# ---- the authority's duty address


def test_what_reaches_nobody_goes_to_the_authoritys_duty_address_and_is_an_alarm(house: House) -> None:
    house.set(duty={NAME: {"*": EVERYBODY}})
    allocated(house, lead="x9", team="West")
    assert heard(house, "2026-03-02", "2026-03-10") == ["duty"]
    assert [alarm.code for alarm in house.alarms()] == ["nobody"]
    assert {row.recipient for row in house.rows} == {"team:*"}


def test_a_team_with_a_duty_address_of_its_own_uses_that(house: House) -> None:
    house.set(duty={NAME: {"*": EVERYBODY, "West": "west@council.example"}})
    allocated(house, lead="x9", team="West")
    assert heard(house, "2026-03-02", "2026-03-10") == ["west"]


def test_the_authoritys_duty_address_hears_nothing_where_somebody_can_be_told(house: House) -> None:
    house.set(duty={NAME: {"*": EVERYBODY}})
    allocated(house)
    assert "duty" not in heard(house, "2026-03-02", "2026-03-20")
    assert "team:*" not in {row.recipient for row in house.rows}


def test_what_waits_for_somebody_whom_nobody_replaces_goes_to_the_duty_address(house: House) -> None:
    house.set(duty={NAME: {"*": EVERYBODY}})
    allocated(house, team="West")
    house.people(replace(W1, line_manager_id=None))
    house.tick("2026-03-10 08:30")
    house.away(away("w1", "2026-03-10", "2026-03-20"))
    house.deliver("2026-03-10 08:31")
    assert told(house) == [("2026-03-10 08:31", "reminder", "team:*")]
    assert [alarm.code for alarm in house.alarms()] == ["nobody"]


def test_what_waits_for_the_duty_address_goes_to_the_owner_who_is_there_after_all(house: House) -> None:
    house.set(duty={NAME: {"*": EVERYBODY}})
    allocated(house, lead="x9", team="West")
    house.tick("2026-03-10 08:30")
    house.people(*PEOPLE, replace(W1, person_id="x9", email="x9@council.example"))
    house.deliver("2026-03-10 08:31")
    assert told(house) == [("2026-03-10 08:31", "reminder", "person:x9")]


def test_without_a_duty_address_it_waits_and_reaches_whoever_comes_back(house: House) -> None:
    allocated(house, team="West")
    house.people(replace(W1, line_manager_id=None))
    house.away(away("w1", "2026-03-09", "2026-03-11"))
    assert heard(house, "2026-03-02", "2026-03-11") == []
    assert [alarm.code for alarm in house.alarms()] == ["nobody"]
    assert heard(house, "2026-03-12", "2026-03-12") == ["w1"]


@pytest.mark.parametrize(
    ("absences", "to"),
    [
        ([], "m1"),
        ([("m1", "w2")], "w2"),
        ([("m1", None)], "duty"),
    ],
    ids=["the manager is here", "the manager is covered", "the manager is away without cover"],
)
def test_the_list_of_a_team_on_going_live_goes_to_its_manager_to_who_covers_or_to_the_duty_address(
    house: House, absences: list[tuple[str, str | None]], to: str
) -> None:
    house.set(duty={NAME: {"*": EVERYBODY}})
    house.live("2026-03-20")
    house.people(W1, W2, M1)
    house.away(*(away(who, "2026-03-19", "2026-03-24", cover) for who, cover in absences))
    house.case("C1", "2026-02-27 08:00 allocation")
    assert heard(house, "2026-03-19", "2026-03-23") == [to]


# ---- days on which somebody does not work


def works(house: House, *days: str) -> None:
    house.people(replace(W1, works=days), *PEOPLE[1:])


@pytest.mark.parametrize(
    ("days", "sent"),
    [
        (("mon", "tue", "wed"), "2026-03-10 08:30"),
        (("wed", "thu"), "2026-03-11 08:30"),
        (("thu", "fri"), "2026-03-12 08:30"),
        (("fri",), "2026-03-13 08:30"),
        (("sat",), "2026-03-10 08:30"),
        (("mon",), "2026-03-10 08:30"),
    ],
    ids=["works that day", "the next", "two days on", "on the last day", "after the limit", "long after the limit"],
)
def test_a_reminder_waits_for_the_next_day_worked_unless_the_limit_would_pass(
    house: House, days: tuple[str, ...], sent: str
) -> None:
    allocated(house)
    works(house, *days)
    house.turns("2026-03-02", "2026-03-13")
    first = told(house)[0]
    assert (first[0], first[2]) == (sent, "person:w1")


def test_on_the_day_of_the_limit_nobody_is_waited_for(house: House) -> None:
    allocated(house)
    works(house, "mon", "tue")
    house.turns("2026-03-02", "2026-03-13")
    assert ("2026-03-13 08:30", "due", "person:w1") in told(house)


def test_an_hour_clock_waits_for_no_day_worked(house_of: Houses) -> None:
    house = house_of(
        PHONE.replace('"24 hours after', '"200 hours after').replace('"24 hours before"', '"199 hours before"')
    )
    house.live()
    works(house, "tue")
    house.case("C1", "2026-03-02 09:00 visit_asked #R1")
    assert [mail.to for mail in house.turn("2026-03-02 10:00")] == ["w1@council.example"]


def test_overdue_work_waits_for_the_next_day_worked_and_the_manager_hears_after(house: House) -> None:
    allocated(house)
    works(house, "wed", "fri")
    house.turns("2026-03-02", "2026-03-24")
    assert [entry for entry in told(house) if entry[1] in ("overdue", "escalation")] == [
        ("2026-03-18 08:30", "overdue", "person:w1"),
        ("2026-03-19 08:30", "escalation", "person:m1"),
    ]


def test_an_escalation_waits_for_no_day_worked(house: House) -> None:
    allocated(house)
    house.people(W1, W2, replace(M1, works=("fri",)), *PEOPLE[3:])
    house.turns("2026-03-02", "2026-03-18")
    assert ("2026-03-17 08:30", "escalation", "person:m1") in told(house)


def test_somebody_who_works_on_saturdays_hears_on_a_saturday(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-04 08:00 allocation")  # the reminder is on Friday 13 March, the limit on Wednesday
    works(house, "sat", "mon")
    house.turns("2026-03-02", "2026-03-14")
    assert told(house) == [("2026-03-14 08:30", "reminder", "person:w1")]


def test_a_bank_holiday_is_no_day_worked(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-24 08:00 allocation")  # due on Thursday 9 April; Easter Monday is the 6th
    works(house, "mon", "wed")
    house.turns("2026-03-30", "2026-04-08")
    assert told(house) == [("2026-04-08 08:30", "reminder", "person:w1")]


# ---- one message


def test_who_holds_two_roles_of_one_notice_gets_one_delivery(house_of: Houses) -> None:
    both = CLIMBS.replace('owner = "worker"', 'owner = "worker"\ntell = ["manager"]')
    house = house_of(both)
    house.people(replace(W1, roles=("worker", "manager")), W2, D1)
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    mails = house.turns("2026-03-02", "2026-03-10")
    assert [row.recipient for row in house.rows if row.kind == "overdue"] == ["person:w1"]
    assert len(lines_of(mails[-1])) == 1
