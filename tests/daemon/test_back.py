"""Whoever comes back finds what came up meanwhile: once, on their first morning, and nobody else hears it again."""

from dataclasses import replace
from datetime import date

import pytest

from ehscheduler.core.people import Absence
from tests.daemon.house import PEOPLE, House, lines_of


@pytest.fixture
def away(house: House) -> House:
    """A case whose visit is due on Monday 16 March; its lead is away from Tuesday 10 to Friday 20 March."""
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    return house


def test_the_owner_hears_of_overdue_work_on_the_first_morning_back_and_once(away: House) -> None:
    away.away(Absence("w1", date(2026, 3, 10), date(2026, 3, 20), "w2"))
    meanwhile = away.turns("2026-03-10", "2026-03-20")
    assert "w1@council.example" not in {mail.to for mail in meanwhile}
    back = [mail for mail in away.turns("2026-03-21", "2026-04-10") if mail.to == "w1@council.example"]
    assert [(mail.subject, lines_of(mail)) for mail in back] == [("Early Help: 1 past its date", ["C1  First visit"])]
    assert "For Wren Worker, Monday 23 March 2026." in back[0].flat


def test_without_a_cover_too(away: House) -> None:
    away.away(Absence("w1", date(2026, 3, 10), date(2026, 3, 17)))
    away.turns("2026-03-10", "2026-03-17")
    assert [mail.to for mail in away.turns("2026-03-18", "2026-03-18")] == ["w1@council.example"]


def test_what_is_not_due_yet_is_told_too_where_somebody_was_reminded(away: House) -> None:
    away.away(Absence("w1", date(2026, 3, 10), date(2026, 3, 11), "w2"))
    assert [mail.to for mail in away.turns("2026-03-10", "2026-03-11")] == ["w2@council.example"]
    (mail,) = away.turns("2026-03-12", "2026-03-12")
    assert (mail.to, mail.subject) == ("w1@council.example", "Early Help: 1 due by Monday 16 March")


def test_nothing_comes_of_what_was_done_meanwhile_or_of_what_nobody_heard(away: House) -> None:
    away.away(Absence("w1", date(2026, 3, 3), date(2026, 3, 10), "w2"))
    assert away.turns("2026-03-03", "2026-03-11", ("08:29",)) == []
    away.away(Absence("w1", date(2026, 3, 11), date(2026, 3, 13), "w2"))
    away.turns("2026-03-11", "2026-03-13")
    away.at("2026-03-13 12:00").events("C1", "2026-03-13 11:00 home_visit")
    assert [mail for mail in away.turns("2026-03-14", "2026-03-20") if mail.to == "w1@council.example"] == []


def test_who_knew_before_they_went_is_not_told_again(away: House) -> None:
    away.turns("2026-03-10", "2026-03-17")
    away.away(Absence("w1", date(2026, 3, 18), date(2026, 3, 20), "w2"))
    later = away.turns("2026-03-18", "2026-03-27")
    assert not {"w1@council.example", "w2@council.example"} & {mail.to for mail in later}


def test_a_case_that_was_handed_over_to_somebody_away_is_theirs_when_they_are_back(away: House) -> None:
    away.away(Absence("w2", date(2026, 3, 9), date(2026, 3, 13)))
    away.turns("2026-03-10", "2026-03-11")
    away.at("2026-03-11 14:00").events("C1", '2026-03-11 14:00 worker_changed {"lead": "w2"}')
    stand_in = away.turns("2026-03-12", "2026-03-13")
    assert {mail.to for mail in stand_in} == {"m1@council.example"}
    (mail,) = [mail for mail in away.turns("2026-03-14", "2026-03-16") if mail.to == "w2@council.example"]
    assert lines_of(mail) == ["C1  First visit"]


def test_the_morning_of_a_return_looks_at_the_case_though_nothing_else_does(away: House) -> None:
    away.away(Absence("w1", date(2026, 3, 16), date(2026, 3, 19)))
    away.turns("2026-03-10", "2026-03-18")
    with away.store.read() as tx:
        from ehscheduler.store.cases import cases_due

        assert cases_due(tx, "testshire", now=away.at("2026-03-20 08:30").now) == ["C1"]


# ---- one person, two rungs


def test_who_was_told_in_the_place_of_an_absent_owner_is_not_told_again_as_their_manager(away: House) -> None:
    away.away(Absence("w1", date(2026, 3, 10), date(2026, 3, 31)))
    mails = [mail for mail in away.turns("2026-03-16", "2026-03-31") if mail.to == "m1@council.example"]
    assert [mail.subject for mail in mails] == ["Early Help: 1 due today", "Early Help: 1 past its date"]
    assert "the work is still its owner's" not in mails[-1].flat


def test_the_rung_above_has_its_time_all_the_same(away: House) -> None:
    ladder = [{"who": ["line_manager"], "after": "1 working day"}, {"who": ["director"], "after": "3 working days"}]
    away.set(ladders={"testshire": {"overdue": ladder}})
    away.away(Absence("w1", date(2026, 3, 10), date(2026, 3, 31)))
    mails = away.turns("2026-03-17", "2026-03-31")
    told = [(mail.to.split("@")[0], mail.flat.partition("For ")[2].split(".")[0]) for mail in mails]
    assert told == [("m1", "Mo Manager, Tuesday 17 March 2026"), ("d1", "Dee Director, Friday 20 March 2026")]


def test_a_duty_address_reads_no_name(away: House) -> None:
    away.set(duty={"testshire": {"North": "duty@council.example"}})
    away.people(*(replace(one, line_manager_id=None) for one in PEOPLE if one.person_id in ("w1", "s1")))
    away.at("2026-03-10 09:00").people(*(replace(one, line_manager_id=None) for one in PEOPLE if one.person_id == "s1"))
    mails = away.turns("2026-03-16", "2026-03-31")
    assert {mail.to for mail in mails} == {"duty@council.example"}
    assert not any("Wren" in mail.text for mail in mails)
