"""A feed that is late, and rules that no source feeds: what waits, what is silent, and who is told."""

import pytest

from ehscheduler.daemon.feeds_fed import BEGAN_ON, never_told, unfed
from ehscheduler.daemon.told import LATE
from tests.daemon.house import NAME, VISIT, House
from tests.feeds.conftest import MAPPING, PEOPLE, Folder, extract, row

PLAN = """
[standard.plan]
title = "Plan agreed"
clause = "1.2"
due = "10 working days after allocation"
met_by = "plan_agreed"
owner = "worker"
[standard.review]
title = "Plan reviewed"
clause = "1.3"
due = "10 working days after plan_agreed"
met_by = "review_held"
owner = "worker"
"""
EVENTS = "case_ref,event,occurred_at,recorded_at,ref,detail\n"


# ---- a feed that is late


@pytest.fixture
def late(folder: Folder) -> Folder:
    """A family whose visit is overdue since Thursday 26 March; the extract is to come each working day."""
    folder.house.live()
    folder.house.set(feeds={NAME: {"cases": "1 working day"}})
    folder.put("people.csv", PEOPLE)
    folder.put("steps-2026-03-26.csv", extract(row(1, "Allocation", "F1", "12/03/2026")))
    folder.night("2026-03-26 02:00")
    folder.house.turn("2026-03-26 08:30")
    return folder


def nightly(folder: Folder, day: str, *rows: str) -> None:
    folder.put(f"steps-{day}.csv", extract(row(1, "Allocation", "F1", "12/03/2026"), *rows))
    folder.night(f"{day} 02:00")


def test_while_the_feed_is_late_nothing_goes_up_and_the_reason_is_kept(late: Folder) -> None:
    sent = late.house.turns("2026-03-27", "2026-04-09")
    assert {mail.to for mail in sent} == {"w1@council.example"}
    kept = [notice for notice in late.house.notices("F1") if notice.kind == "escalation"]
    assert [notice.kept for notice in kept] == [LATE]
    told, _ = sorted(alarm.text for alarm in late.house.alarms("not covered"))
    assert "the feed of cases last came on Thursday 26 March 2026" in told
    assert "until then nothing overdue goes up to the next person" in told


def test_when_it_has_come_again_what_is_still_so_goes_up(late: Folder) -> None:
    late.house.turns("2026-03-27", "2026-04-09")
    nightly(late, "2026-04-10", row(2, "Note", "F1", "26/03/2026"))
    sent = late.house.turn("2026-04-10 08:30")
    assert "m1@council.example" in {mail.to for mail in sent}
    kinds = late.house.kinds("F1")
    assert kinds.count("(escalation)") == 1
    assert kinds.count("escalation") == 1


def test_when_it_has_come_again_what_was_done_meanwhile_does_not(late: Folder) -> None:
    late.house.turns("2026-03-27", "2026-04-09")
    nightly(late, "2026-04-10", row(2, "Home Visit", "F1", "27/03/2026"))
    assert late.house.turns("2026-04-10", "2026-04-17") == []
    assert "escalation" not in late.house.kinds("F1")


def test_a_feed_that_comes_in_its_time_keeps_nothing_back(late: Folder) -> None:
    for day in ("2026-03-27", "2026-03-30", "2026-03-31", "2026-04-01"):
        nightly(late, day, row(2, "Note", "F1", day[8:] + "/03/2026"))
        late.house.turn(f"{day} 08:30")
    assert "escalation" in late.house.kinds("F1")
    assert late.house.alarms("not covered") == []


def test_a_late_staff_list_is_an_alarm_and_keeps_nothing_back(late: Folder) -> None:
    late.house.set(feeds={NAME: {"people": "1 working day"}})
    late.house.turns("2026-03-27", "2026-04-09")
    assert "escalation" in late.house.kinds("F1")


# ---- rules that nobody could meet


def begun(folder: Folder, *, rules: str = VISIT + PLAN, families: int = 1) -> Folder:
    folder.house.set_rules(rules)
    folder.house.live()
    folder.put("people.csv", PEOPLE)
    folder.put("steps.csv", extract(*(row(n, "Allocation", f"F{n}", "12/03/2026") for n in range(families))))
    folder.night("2026-03-16 02:00")
    return folder


def names(folder: Folder) -> dict[str, bool]:
    with folder.house.store.read() as tx:
        found = unfed(tx, folder.house.authority, folder.house.desk.config)
    return {one.rule: one.silent for one in found}


def overdue(folder: Folder, ref: str) -> set[str]:
    folder.house.turns("2026-03-27", "2026-03-31")
    return {notice.rule for notice in folder.house.notices(ref) if notice.kept is None}


def test_a_rule_that_the_mapping_cannot_meet_is_named_and_silent(folder: Folder) -> None:
    begun(folder)
    assert names(folder) == {"plan": True, "review": False}
    assert overdue(folder, "F0") == {"visit"}
    assert "plan (Plan agreed) is not fed: no source has sent plan_agreed; it is silent until then" in folder.report(
        "done"
    )


def test_a_rule_that_the_mapping_can_meet_is_told_though_it_never_was(folder: Folder) -> None:
    assert "visit" not in names(begun(folder))
    assert "visit" in overdue(folder, "F0")


def test_a_rule_that_is_silent_is_an_alarm_until_it_is_answered(folder: Folder) -> None:
    house = begun(folder).house
    house.turns("2026-03-27", "2026-03-31")
    (alarm,) = house.alarms("not fed")
    assert alarm.subject == "plan"
    assert "feed it, or confirm it with [live.testshire] fed, or leave it out of rules" in alarm.text
    house.live(rules=["visit"])
    house.turn("2026-04-01 08:30")
    assert house.alarms("not fed") == []


def test_it_is_told_once_it_is_confirmed(folder: Folder) -> None:
    begun(folder).house.live(fed=["plan"])
    assert names(folder) == {"review": False}
    assert "plan" in overdue(folder, "F0")


def test_it_is_told_once_somebody_recorded_one_by_hand(folder: Folder) -> None:
    begun(folder, families=2)
    folder.house.at("2026-03-20 10:00").events("F1", "2026-03-20 09:00 plan_agreed")
    assert names(folder) == {"review": True}
    assert "plan" in overdue(folder, "F0")


def test_it_is_told_once_the_mapping_can_tell_of_it(folder: Folder) -> None:
    begun(folder)
    assert "plan" not in overdue(folder, "F0")
    folder.mapping(MAPPING + '\n[[step]]\ntype = "Plan"\nevent = "plan_agreed"\non = "completed_on"\n')
    folder.put("steps-2.csv", extract(row(0, "Allocation", "F0", "12/03/2026"), row(5, "Note", "F0", "12/03/2026")))
    folder.night("2026-04-01 02:00")
    assert names(folder) == {"review": False}
    folder.house.turns("2026-04-01", "2026-04-02")
    assert "plan" in {notice.rule for notice in folder.house.notices("F0")}


@pytest.mark.parametrize(("families", "silent"), [(BEGAN_ON - 1, False), (BEGAN_ON, True)])
def test_files_that_do_not_say_what_they_hold_silence_a_rule_only_where_it_began_often(
    folder: Folder, families: int, silent: bool
) -> None:
    folder.house.set_rules(VISIT)
    folder.house.live()
    refs = [f"C{n}" for n in range(families)]
    folder.put("cases.csv", "case_ref,team,lead\n" + "".join(f"{ref},North,w1\n" for ref in refs))
    folder.put("events.csv", EVENTS + "".join(f"{ref},allocation,2026-03-12,,,\n" for ref in refs))
    folder.put("people.csv", PEOPLE)
    folder.night("2026-03-16 02:00")
    assert names(folder) == ({"visit": True} if silent else {})
    assert overdue(folder, "C0") == (set() if silent else {"visit"})


def test_where_no_source_sends_events_all_can_be_recorded_by_hand(house: House) -> None:
    house.live()
    house.cases([f"C{n}" for n in range(BEGAN_ON)], "2026-03-02 allocation")
    with house.store.read() as tx:
        assert unfed(tx, house.authority, house.desk.config) == []


MADE_OF = """
[event.both]
title = "Plan and visit"
all = ["home_visit", "plan_agreed"]
[event.either]
title = "Plan or visit"
any = ["home_visit", "plan_agreed"]
[standard.of-both]
title = "Both"
clause = "2"
due = "10 working days after allocation"
met_by = "both"
owner = "worker"
[standard.of-either]
title = "Either"
clause = "2"
due = "10 working days after allocation"
met_by = "either"
owner = "worker"
"""


def test_a_word_made_of_all_wants_each_and_one_made_of_any_wants_one(folder: Folder) -> None:
    assert names(begun(folder, rules=MADE_OF)) == {"of-both": True}


# ---- rules of which nothing was told


def test_rules_that_told_nobody_anything_for_eight_weeks_are_named(folder: Folder) -> None:
    begun(folder, rules=VISIT + PLAN.replace("plan_agreed", "allocation"))
    folder.house.turns("2026-03-27", "2026-03-31")

    def quiet(at: str) -> list[str]:
        folder.house.at(at)
        with folder.house.store.read() as tx:
            return never_told(tx, folder.house.authority, folder.house.desk.config, folder.house.now)

    assert quiet("2026-04-10 09:00") == []
    assert "review" in quiet("2026-06-30 09:00")
    folder.house.live(rules=["visit"])
    assert quiet("2026-06-30 09:00") == ["visit"]


@pytest.fixture
def house(folder: Folder) -> House:
    folder.house.people()
    return folder.house
