"""A first import of old cases, and the return after a long outage: nobody is buried, and nothing is left out."""

import random
from datetime import date

import pytest

from ehscheduler.config import config_from
from ehscheduler.daemon.deliver import deliver
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.tick import tick
from ehscheduler.intake.caseload import write_caseload
from ehscheduler.notify.channel import Outcome
from ehscheduler.notify.mail import Sender
from ehscheduler.office import take_files
from ehscheduler.plugins import load
from ehscheduler.store import Store
from ehscheduler.store.milestones import open_milestones
from ehscheduler.store.outbox import outbox
from tests.daemon.house import LADDER, NAME, OK, FakeChannel, House, lines_of, moment, told
from tests.daemon.test_decide import DISPUTE, PHONE

OLD_CASES = 200
COUNTY = "nottinghamshire"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> tuple[FakeChannel, Store]:
    """Old cases of a whole county, imported at 10:00 on a Monday, and the two weeks after it."""
    folder = tmp_path_factory.mktemp("old")
    load_ = write_caseload(folder, seed=5, families=OLD_CASES, start=date(2025, 10, 6))
    store = Store.create(folder / "ehs.db")
    county, channel = load(COUNTY), FakeChannel()
    desk = Desk(
        store=store,
        config=config_from({"ladders": {COUNTY: LADDER}}, "config.toml"),
        authorities={COUNTY: county},
        channel=channel,
        sender=Sender("Early Help reminders", "early-help@council.example"),
        worker="test",
    )
    now = moment("2026-04-13 10:00")
    take_files(store, county, now=now, by="it", people=load_.people)
    take_files(store, county, now=now, by="it", steps=load_.extract, mapping=load_.mapping)
    for at in ("2026-04-13 10:00", "2026-04-14 08:30"):
        tick(desk, moment(at))
        deliver(desk, lambda at=at: moment(at), rng=random.Random(1))
    return channel, store


def test_a_first_import_of_old_cases_escalates_nothing(imported: tuple[FakeChannel, Store]) -> None:
    channel, store = imported
    with store.read() as tx:
        rows = outbox(tx, COUNTY, limit=100_000)
        overdue = [row for row in open_milestones(tx, COUNTY) if row.state == "overdue" and row.force != "guide"]
    assert len(overdue) > 50
    # The drift is a duty of its own: the referrer is told that an old dispute has run over (3a5).
    assert {row.kind for row in rows} == {"baseline", "reminder", "due", "overdue", "drift"}
    told_of = {row.notice_key.split("|")[3] for row in rows if row.kind == "overdue"}
    assert told_of == {"20260413T225959Z"}  # what was due on the day of going live, and that alone
    assert [mail for mail in channel.taken if "now with you" in mail.subject] == []


def test_what_was_overdue_stands_in_one_list_a_team(imported: tuple[FakeChannel, Store]) -> None:
    channel, store = imported
    lists = [mail for mail in channel.taken if "starting list" in mail.subject]
    with store.read() as tx:
        overdue = [row for row in open_milestones(tx, COUNTY, due_by=date(2026, 4, 12)) if row.state == "overdue"]
    wanted = sum(row.force != "guide" for row in overdue)
    assert sum(len(lines_of(mail)) for mail in lists) == wanted
    teams = {part for mail in lists for part in [mail.to]}
    assert len(lists) == len(teams) or all("part" in mail.subject for mail in lists)


def test_nobody_gets_more_than_one_digest_out_of_it(imported: tuple[FakeChannel, Store]) -> None:
    channel, _ = imported
    morning = [
        mail for mail in channel.taken if "starting list" not in mail.subject and "told at once" not in mail.subject
    ]
    assert len(morning) == len({mail.to for mail in morning})


# ---- three weeks away


@pytest.fixture
def away(house: House) -> House:
    """A service that stood still from 2 March to 23 March, both Mondays, and takes news in on its return."""
    house.live()
    house.case("OVERDUE", "2026-03-02 08:00 allocation")  # due on the 16th
    house.case("DONE", "2026-03-02 08:00 allocation")
    house.case("CLOSED", "2026-03-02 08:00 allocation")
    house.case("HELD", "2026-03-02 08:00 allocation")
    house.case("DUE", "2026-03-09 08:00 allocation")  # due on the 23rd
    house.case("SOON", "2026-03-11 08:00 allocation")  # due on the 25th
    house.case("LATER", "2026-03-16 08:00 allocation")  # due on the 30th
    house.case("OTHER", "2026-03-02 08:00 allocation", lead="w2")
    house.turn("2026-03-02 12:00")
    house.at("2026-03-23 11:00")
    house.events("DONE", "2026-03-12 home_visit")
    house.events("CLOSED", "2026-03-12 closed")
    house.events("HELD", "2026-03-10 10:00 hold_started")
    return house


def test_after_three_weeks_one_message_a_person_lists_all_that_is_open(away: House) -> None:
    mails = away.turn("2026-03-23 11:00") + away.turn("2026-03-23 11:01")
    assert sorted(mail.to for mail in mails) == ["w1@council.example", "w2@council.example"]
    (mine,) = [mail for mail in mails if mail.to == "w1@council.example"]
    assert sorted(lines_of(mine)) == ["DUE  First visit", "OVERDUE  First visit", "SOON  First visit"]
    assert mine.subject == "Early Help: 1 due today, 1 due by Wednesday 25 March, 1 past its date"


def test_the_message_says_when_nothing_was_sent(away: House) -> None:
    mail = away.turn("2026-03-23 11:00")[0]
    said = "The scheduler was down from 12:00 on Monday 2 March 2026 to 11:00 on Monday 23 March 2026."
    assert said in mail.flat
    assert [entry.act for entry in away.trail("outage")] == ["outage"]


def test_later_messages_say_no_more_of_it(away: House) -> None:
    away.turn("2026-03-23 11:00")
    mails = away.turns("2026-03-24", "2026-03-27")
    assert mails
    assert not any("The scheduler was down" in mail.flat for mail in mails)


def test_the_line_manager_does_not_hear_before_the_owner_has_had_a_working_day(away: House) -> None:
    away.turn("2026-03-23 11:00")
    away.turns("2026-03-23", "2026-03-24", ("16:00",))
    away.turns("2026-03-25", "2026-03-25")
    assert told(away, "OVERDUE") == [
        ("2026-03-23 11:00", "overdue", "person:w1"),
        ("2026-03-24 16:00", "escalation", "person:m1"),
    ]


@pytest.mark.parametrize("clock", ["07:30", "19:00"])
def test_a_return_outside_hours_waits_for_the_morning(away: House, clock: str) -> None:
    assert away.turn(f"2026-03-23 {clock}") == []
    assert away.turns("2026-03-24", "2026-03-24") != [] if clock == "19:00" else away.turn("2026-03-23 08:30") != []


def test_an_overnight_pause_is_no_outage(house: House) -> None:
    house.live()
    house.turn("2026-03-02 17:00")
    house.turn("2026-03-03 08:45")
    assert house.trail("outage") == []


def test_hour_clocks_and_disputes_of_the_time_away_are_told_once_as_they_stand(house: House) -> None:
    house.set_rules(PHONE + DISPUTE)
    house.live()
    house.turn("2026-03-02 12:00")
    house.at("2026-03-23 11:00").case("C1", "2026-03-05 10:00 visit_asked #R1", "2026-03-05 10:00 dispute_raised #D1")
    mails = house.turn("2026-03-23 11:00")
    assert sorted((mail.to, mail.subject) for mail in mails) == [
        ("d1@council.example", "Early Help: 1 decision needed, was due by Friday 6 March"),
        ("m1@council.example", "Early Help: 1 past its date, told at once"),
        ("w1@council.example", "Early Help: 1 past its date, told at once"),
    ]
    assert house.turn("2026-03-23 11:01") == []


def test_an_outage_of_the_mail_server_ends_in_one_message_a_person(house: House) -> None:
    house.live()
    for day in ("02", "03", "04"):
        house.case(f"C{day}", f"2026-03-{day} 08:00 allocation")
    house.channel.script = [Outcome("misconfigured", "535 no", about="channel")]
    house.turns("2026-03-10", "2026-03-19", ("08:30", "12:00"))
    house.channel.script = [OK]
    (mail,) = house.turn("2026-03-19 14:00")
    assert sorted(lines_of(mail)) == ["C02  First visit", "C03  First visit", "C04  First visit"]
    assert mail.subject == "Early Help: 3 past their date"
    assert {row.why for row in house.rows if row.state == "dropped"} <= {
        "the overdue notice says as much",
        "a later notice says as much",
    }
    assert NAME in mail.flat.lower()
