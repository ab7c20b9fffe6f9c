"""Whoever was told a date that has moved since hears the new one, once; a rung they had is not sent again."""

from collections.abc import Callable

import pytest

from ehscheduler.notify.channel import Outcome
from ehscheduler.store.events import events_of
from tests.daemon.house import NAME, VISIT, House, lines_of, told

Houses = Callable[..., House]


@pytest.fixture
def reminded(house: House) -> House:
    """A case whose worker has been reminded, on 11 March, of a visit that is due on 16 March."""
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    assert len(house.turns("2026-03-10", "2026-03-11")) == 1
    return house


def relaxed(house: House, until: str) -> None:
    day = f"{house.now:%Y-%m-%d}"
    detail = f'{{"rules": ["visit"], "until": "{until}", "by_role": "manager", "reason": "illness"}}'
    house.events("C1", f"{day} relaxation_agreed {detail}")


def test_who_was_told_the_old_date_gets_one_line_with_the_new_one_in_the_next_digest(reminded: House) -> None:
    relaxed(reminded.at("2026-03-11 14:00"), "2026-03-27")
    assert reminded.turn("2026-03-11 14:00") == []
    (mail,) = reminded.turns("2026-03-12", "2026-03-23")
    assert (mail.to, mail.subject) == ("w1@council.example", "Early Help: 1 date changed")
    assert "The date was Monday 16 March 2026. Now: any day from now to Friday 27 March 2026." in mail.flat
    assert [row[1] for row in told(reminded)] == ["reminder", "changed"]


def test_rungs_of_the_new_date_that_lie_ahead_go_at_their_time(reminded: House) -> None:
    relaxed(reminded.at("2026-03-11 14:00"), "2026-03-27")
    reminded.turns("2026-03-12", "2026-03-31")
    assert told(reminded)[1:] == [
        ("2026-03-12 08:30", "changed", "person:w1"),
        ("2026-03-24 08:30", "reminder", "person:w1"),
        ("2026-03-27 08:30", "due", "person:w1"),
        ("2026-03-30 08:30", "overdue", "person:w1"),
        ("2026-03-31 08:30", "escalation", "person:m1"),
    ]


def test_a_rung_that_is_past_is_not_sent_again_to_somebody_who_had_it(reminded: House) -> None:
    relaxed(reminded.at("2026-03-12 14:00"), "2026-03-17")  # whose reminder would have come at 08:30 on the 12th
    reminded.turns("2026-03-13", "2026-03-16")
    assert [row[1] for row in told(reminded)] == ["reminder", "changed"]
    kept = [n for n in reminded.notices("C1") if n.kept]
    assert [(n.kind, n.kept) for n in kept] == [
        ("reminder", "they had this for the earlier date, and are told the new one")
    ]


def test_a_rung_that_is_past_is_sent_where_it_was_not_had(reminded: House) -> None:
    # The allocation turns out to have been a week earlier: the limit was 9 March.
    (wrong,) = reminded.events("C1", "2026-03-02 08:00 allocation")
    reminded.at("2026-03-12 14:00").retract(wrong)
    reminded.events("C1", "2026-02-23 08:00 allocation", late=True)
    (mail,) = reminded.turns("2026-03-13", "2026-03-13")
    assert mail.subject == "Early Help: 1 past its date"
    assert [row[1] for row in told(reminded)] == ["reminder", "changed", "overdue"]


def test_nobody_who_was_told_nothing_hears_of_a_change(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turn("2026-03-03 08:30")
    relaxed(house.at("2026-03-04 14:00"), "2026-03-27")
    assert house.turns("2026-03-05", "2026-03-20") == []
    assert house.kinds("C1") == []


def test_a_hold_after_which_the_date_is_the_same_changes_nothing(reminded: House) -> None:
    reminded.at("2026-03-14 10:00").events("C1", "2026-03-14 10:00 hold_started")  # a Saturday
    assert reminded.turns("2026-03-14", "2026-03-15") == []
    reminded.at("2026-03-15 10:00").events("C1", "2026-03-15 10:00 hold_ended")
    assert reminded.turns("2026-03-15", "2026-03-16")[0].subject == "Early Help: 1 due today"
    assert [row[1] for row in told(reminded)] == ["reminder", "due"]


def test_after_a_hold_that_moved_the_date_the_new_one_is_told_and_not_before(reminded: House) -> None:
    reminded.at("2026-03-11 10:00").events("C1", "2026-03-11 10:00 hold_started")
    assert reminded.turns("2026-03-12", "2026-03-15") == []
    reminded.at("2026-03-16 10:00").events("C1", "2026-03-16 10:00 hold_ended")
    (mail,) = reminded.turns("2026-03-17", "2026-03-17")
    assert "The date was Monday 16 March 2026. Now: any day from now to Thursday 19 March 2026." in mail.flat


def test_a_date_that_moves_and_moves_back_before_the_morning_is_not_told(reminded: House) -> None:
    relaxed(reminded.at("2026-03-11 14:00"), "2026-03-27")
    reminded.turn("2026-03-11 14:00")
    assert reminded.kinds("C1") == ["reminder", "changed"]
    with reminded.store.read() as tx:
        (agreed,) = [e for e in events_of(tx, NAME, "C1") if e.word == "relaxation_agreed"]
    reminded.at("2026-03-11 15:00").retract(agreed)
    assert reminded.turns("2026-03-12", "2026-03-13") == []
    (row,) = [row for row in reminded.rows if row.kind == "changed"]
    assert (row.state, row.why) == ("dropped", "its date has moved")


def test_a_date_that_moves_twice_before_the_morning_is_told_once_as_it_then_stands(reminded: House) -> None:
    relaxed(reminded.at("2026-03-11 14:00"), "2026-03-27")
    reminded.turn("2026-03-11 14:00")
    relaxed(reminded.at("2026-03-11 15:00"), "2026-03-31")
    reminded.turn("2026-03-11 15:00")
    (mail,) = reminded.turns("2026-03-12", "2026-03-13")
    assert "The date was Monday 16 March 2026. Now: any day from now to Tuesday 31 March 2026." in mail.flat


def test_a_date_that_moves_again_is_told_again_from_the_one_that_was_told_last(reminded: House) -> None:
    relaxed(reminded.at("2026-03-11 14:00"), "2026-03-27")
    reminded.turns("2026-03-12", "2026-03-12")
    relaxed(reminded.at("2026-03-13 14:00"), "2026-04-10")
    (mail,) = reminded.turns("2026-03-16", "2026-03-17")
    assert "The date was Friday 27 March 2026. Now: any day from now to Friday 10 April 2026." in mail.flat


def test_what_is_done_before_the_morning_is_not_told_as_changed(reminded: House) -> None:
    relaxed(reminded.at("2026-03-11 14:00"), "2026-03-27")
    reminded.turn("2026-03-11 14:00")
    reminded.at("2026-03-11 16:00").events("C1", "2026-03-11 15:00 home_visit")
    assert reminded.turns("2026-03-12", "2026-03-13") == []


def test_only_whoever_had_the_old_date_and_still_acts_hears_of_the_new_one(reminded: House) -> None:
    reminded.at("2026-03-11 12:00").events("C1", '2026-03-11 worker_changed {"lead": "w2"}', late=True)
    relaxed(reminded.at("2026-03-11 14:00"), "2026-03-27")
    (mail,) = reminded.turns("2026-03-12", "2026-03-16")
    assert (mail.to, mail.subject) == ("w2@council.example", "Early Help: 1 handed over to you")
    assert "The date was" not in mail.flat
    assert [mail.to for mail in reminded.turns("2026-03-24", "2026-03-24")] == ["w2@council.example"]


def test_a_manager_who_was_told_that_it_is_overdue_hears_of_the_new_date_too(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-16", "2026-03-18")
    (wrong,) = house.events("C1", "2026-03-02 08:00 allocation")
    house.at("2026-03-18 14:00").retract(wrong)
    house.events("C1", "2026-03-12 08:00 allocation", late=True)
    mails = house.turns("2026-03-19", "2026-03-20")
    assert sorted(mail.to for mail in mails) == ["m1@council.example", "w1@council.example"]
    assert {mail.subject for mail in mails} == {"Early Help: 1 date changed"}


def test_the_escalation_clock_starts_again_with_a_changed_date(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-16", "2026-03-17")  # told on the 17th that it is overdue
    (wrong,) = house.events("C1", "2026-03-02 08:00 allocation")
    house.at("2026-03-17 14:00").retract(wrong)
    house.events("C1", "2026-02-26 08:00 allocation", late=True)  # it was due on the 12th
    house.turns("2026-03-18", "2026-03-20")
    assert told(house)[1:] == [
        ("2026-03-17 08:30", "overdue", "person:w1"),
        ("2026-03-18 08:30", "changed", "person:w1"),
        ("2026-03-19 08:30", "escalation", "person:m1"),
    ]


def test_a_completion_that_is_retracted_tells_the_same_date_again_and_is_no_change_of_it(house: House) -> None:
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.turns("2026-03-16", "2026-03-17")
    (visit,) = house.at("2026-03-17 10:00").events("C1", "2026-03-17 09:30 home_visit")
    house.turn("2026-03-17 10:00")
    house.at("2026-03-17 11:00").retract(visit)
    house.turns("2026-03-18", "2026-03-18")
    assert [row[1] for row in told(house)] == ["due", "overdue", "overdue"]


def test_in_shadow_a_changed_date_is_decided_once_and_not_sent(reminded: House) -> None:
    reminded.live(mode="shadow")
    relaxed(reminded.at("2026-03-11 14:00"), "2026-03-27")
    assert reminded.turns("2026-03-12", "2026-03-20") == []
    assert reminded.kinds("C1") == ["reminder", "(changed)"]


def test_a_changed_date_that_was_refused_is_not_decided_again_and_again(reminded: House) -> None:
    relaxed(reminded.at("2026-03-11 14:00"), "2026-03-27")
    reminded.channel.script = [Outcome("permanent", "550 no", about="address")]
    reminded.turns("2026-03-12", "2026-03-20")
    assert reminded.kinds("C1") == ["reminder", "changed"]


def test_a_change_and_what_is_due_now_stand_in_one_message(house_of: Houses) -> None:
    house = house_of(VISIT)
    house.live()
    house.case("C1", "2026-03-02 08:00 allocation")
    house.case("C2", "2026-03-03 08:00 allocation")
    house.turns("2026-03-11", "2026-03-12")
    relaxed(house.at("2026-03-16 07:00"), "2026-03-27")
    (mail,) = house.turns("2026-03-17", "2026-03-17")
    assert mail.subject == "Early Help: 1 due today"
    assert sorted(lines_of(mail)) == ["C1  First visit", "C2  First visit"]
