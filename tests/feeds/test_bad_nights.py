"""Bad input, kind by kind: refused with the reason and the next step, told once, the last good state in force."""

from pathlib import Path

import pytest

from ehscheduler.errors import InputRefused
from ehscheduler.office import take_files
from ehscheduler.store.people import people_of
from tests.daemon.house import NAME
from tests.feeds.conftest import HEADER, MAPPING, PEOPLE, Folder, extract, row, thirty

NIGHT = "2026-03-03 02:00"
STATE = ["allocation 2026-02-20", "home_visit 2026-02-25"]


def swapped(rows: list[str]) -> list[str]:
    """Move the dates of each row to the day before: another zone, to whoever reads a date."""
    return [one.replace("20/02/2026", "19/02/2026").replace("25/02/2026", "24/02/2026") for one in rows]


def other_council() -> str:
    rows = [row(f"X{n}", "Allocation", f"Z{n}", "20/02/2026") for n in range(45)]
    return extract(*rows)


def cut(text: str, share: float) -> str:
    """Cut a file off inside a row."""
    at = text.rindex(",", 0, int(len(text) * share))
    return text[:at]


BAD: list[tuple[str, str, str]] = [
    ("empty", "", "is empty; it needs a header and rows"),
    ("a header alone", HEADER + "\n", "30 of the 30 open cases are not in this file"),
    ("cut off in a row", cut(extract(*thirty()), 0.9), "the file ends in the middle of a row"),
    ("cut off in the last cell", extract(*thirty())[:-4], "ends without a line break, and the one before it did not"),
    (
        "cut off after a row",
        extract(*thirty()[:35]),
        "10 of the 45 recorded events are not in this file any more, more than 5%",
    ),
    (
        "twice the size",
        extract(*thirty(*(row(f"Y{n}", "Allocation", f"Y{n}", "20/02/2026") for n in range(45)))),
        "has 90 rows, and the last one had 45: was it joined with another, or is it another's?",
    ),
    ("another council's", other_council(), "30 of the 30 open cases are not in this file, more than 20%"),
    (
        "columns moved",
        extract(*thirty())
        .replace("STARTED,DONE,ENTERED", "DONE,ENTERED,STARTED")
        .replace(",,COMPLETED", ",?,COMPLETED"),
        "rows are bad, more than 5%",
    ),
    ("a column gone", extract(*thirty()).replace(",TEAM", ",AREA", 1), "the column 'TEAM' is missing; add it"),
    (
        "types of step that are unknown",
        extract(*(one.replace("Home Visit", "Visit at Home") for one in thirty())),
        "15 of the 45 recorded events stand under a type or a status that the mapping does not name, more than 20%",
    ),
    (
        "statuses that are unknown",
        extract(*(one.replace("COMPLETED", "Done") for one in thirty())),
        "45 of the 45 recorded events stand under a type or a status that the mapping does not name",
    ),
    (
        "times in another zone",
        extract(*swapped(thirty())),
        "45 of the 45 recorded events say something else now, more than 20%",
    ),
    (
        "dates of another form",
        extract(*(one.replace("25/02/2026 10:00", "2026-02-25T10:00:00+00:00") for one in thirty())),
        "is an ISO date; the mapping reads %d/%m/%Y %H:%M or %d/%m/%Y",
    ),
    (
        "more than a fifth of the cases gone",
        extract(*(one for one in thirty() if not any(f",F{n}," in one for n in range(23, 30)))),
        "7 of the 30 open cases are not in this file, more than 20%",
    ),
    (
        "many steps gone of cases that are there",
        extract(*(one for one in thirty(but=lambda one: not one.startswith("V")))),
        "15 of the 45 recorded events are not in this file any more, more than 5%",
    ),
]


@pytest.mark.parametrize(("content", "why"), [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_a_bad_night_is_refused_and_told_once_and_the_last_good_state_stands(
    fed: Folder, content: str, why: str
) -> None:
    fed.put("steps-2026-03-03.csv", content)
    assert fed.night(NIGHT).refused == 1
    assert fed.names("refused") == ["steps-2026-03-03.csv"]
    assert why in fed.report("refused")
    assert fed.events("F1") == STATE
    [told] = fed.told()
    assert told.startswith("steps-2026-03-03.csv was refused, and the last good state stands: steps-2026-03-03.csv")
    assert "F1" not in told
    assert fed.told() == []
    fed.look("2026-03-03 09:00")
    assert fed.told() == []


@pytest.mark.parametrize("content", [one[1] for one in BAD], ids=[one[0] for one in BAD])
def test_the_next_good_night_ends_the_alarm(fed: Folder, content: str) -> None:
    fed.put("steps-2026-03-03.csv", content)
    fed.night(NIGHT)
    fed.put("steps-2026-03-04.csv", extract(*thirty(row("N1", "Home Visit", "F20", "03/03/2026"))))
    assert fed.night("2026-03-04 02:00").taken == 1
    assert fed.house.alarms() == []
    assert "home_visit 2026-03-03" in fed.events("F20")


def test_two_bad_nights_in_a_row_are_each_told(fed: Folder) -> None:
    for day in (3, 4):
        fed.put(f"steps-2026-03-0{day}.csv", "")
        fed.night(f"2026-03-0{day} 02:00")
        [told] = fed.told()
        assert f"steps-2026-03-0{day}.csv" in told


# ---- yesterday's again


def test_yesterdays_again_is_refused_once_a_working_day_has_passed(fed: Folder) -> None:
    fed.put("steps-2026-03-03.csv", extract(*thirty()))
    assert fed.night(NIGHT).refused == 1
    [told] = fed.told()
    assert "is, byte for byte, what was taken on Monday 2 March 2026, and a working day has passed since" in told
    assert "find out whether the export still runs" in told


def test_the_same_file_on_a_sunday_is_no_news_and_counts_as_come(fed: Folder) -> None:
    changed = extract(*thirty(row("N1", "Home Visit", "F20", "06/03/2026")))
    fed.put("steps-2026-03-07.csv", changed)
    fed.night("2026-03-07 02:00")
    fed.put("steps-2026-03-08.csv", changed)
    assert fed.night("2026-03-08 02:00").taken == 1
    fed.put("steps-2026-03-09.csv", changed)
    assert fed.night("2026-03-09 02:00").taken == 1
    fed.put("steps-2026-03-10.csv", changed)
    assert fed.night("2026-03-10 02:00").refused == 1


def test_an_older_file_that_was_taken_before_is_refused(fed: Folder) -> None:
    fed.put("steps-2026-03-03.csv", extract(*thirty(row("N1", "Home Visit", "F20", "02/03/2026"))))
    fed.night(NIGHT)
    fed.put("steps.csv", extract(*thirty()))
    assert fed.night("2026-03-04 02:00").refused == 1
    assert "was taken on Monday 2 March 2026, and newer ones since; give the newest" in fed.report("refused")
    assert "home_visit 2026-03-02" in fed.events("F20")


def test_an_older_file_that_never_came_before_is_refused_by_the_day_in_its_name(fed: Folder) -> None:
    fed.put("steps-2026-03-01.csv", extract(*thirty()[:44]))
    assert fed.night(NIGHT).refused == 1
    assert "is older, by its name, than steps-2026-03-02.csv" in fed.report("refused")


def test_the_same_staff_list_every_week_is_no_fault(fed: Folder) -> None:
    fed.put("people-2026-03-16.csv", PEOPLE)
    assert fed.night("2026-03-16 02:00").taken == 1


# ---- what is a correction, and what may be gone


def test_a_changed_row_is_a_correction_and_a_vanished_one_a_retraction(fed: Folder) -> None:
    moved = [
        one.replace("25/02/2026 10:00,25/02/2026 10:00,25/02/2026 12:00", "25/02/2026,26/02/2026,02/03/2026 11:00")
        if one.startswith("V1,")
        else one
        for one in thirty(but=lambda one: not one.startswith("V2,"))
    ]
    fed.put("steps-2026-03-03.csv", extract(*moved))
    fed.night(NIGHT)
    assert fed.events("F1") == ["allocation 2026-02-20", "home_visit 2026-02-26"]
    assert fed.events("F2") == ["allocation 2026-02-20"]
    assert "Event corrected: home_visit on 2026-02-25 of case F1" in fed.report("done")
    assert "Event withdrawn: home_visit on 2026-02-25 of case F2" in fed.report("done")


def test_an_open_case_that_is_gone_is_retracted_and_a_closed_one_has_only_left_the_extract(fed: Folder) -> None:
    closed = row("C1", "Closure", "F20", "02/03/2026")
    fed.put("steps-2026-03-03.csv", extract(*thirty(closed)))
    fed.night(NIGHT)
    fed.put("steps-2026-03-04.csv", extract(*thirty(but=lambda one: ",F20," not in one and ",F21," not in one)))
    fed.night("2026-03-04 02:00")
    assert fed.events("F20") == ["allocation 2026-02-20", "closed 2026-03-02"]
    assert fed.events("F21") == []


def test_a_history_keeps_what_is_gone_from_it(fed: Folder) -> None:
    fed.mapping(MAPPING.replace('kind   = "snapshot"', 'kind   = "history"'))
    fed.put("steps-2026-03-03.csv", extract(*thirty(but=lambda one: not one.startswith("V2,"))))
    fed.night(NIGHT)
    assert fed.events("F2") == ["allocation 2026-02-20", "home_visit 2026-02-25"]


def test_a_few_unknown_codes_are_an_alarm_while_they_last_and_take_nothing_back(fed: Folder) -> None:
    renamed = [one.replace("Home Visit", "Visit") if one.startswith(("V1,", "V2,")) else one for one in thirty()]
    fed.put("steps-2026-03-03.csv", extract(*renamed))
    assert fed.night(NIGHT).taken == 1
    assert fed.events("F1") == STATE
    [told] = fed.told()
    assert "2 values in TYPE have no meaning in the mapping; complete it, or name them under [ignore]" in told
    assert "No mapping: TYPE = Visit (2 rows, first on line 33)" in fed.report("done")
    fed.put("steps-2026-03-04.csv", extract(*thirty(row("N1", "Home Visit", "F20", "03/03/2026"))))
    fed.night("2026-03-04 02:00")
    assert fed.house.alarms() == []


def test_whoever_has_looked_takes_it_in_by_hand(fed: Folder) -> None:
    path = fed.put("steps-2026-03-03.csv", extract(*thirty()[:20]))
    with pytest.raises(InputRefused, match="import it by hand with --believe"):
        by_hand(fed, path, believe=False)
    by_hand(fed, path, believe=True)
    assert fed.events("F25") == []
    assert fed.house.alarms() == []


def by_hand(fed: Folder, path: Path, *, believe: bool) -> None:
    store, authority, mapping = fed.house.store, fed.house.authority, fed.path.parent / "mapping.toml"
    take_files(store, authority, now=fed.house.now, by="it", steps=path, mapping=mapping, believe=believe)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("people.csv", "", "is empty"),
        ("people.csv", "\n".join(PEOPLE.splitlines()[:1]) + "\n", "names nobody; nothing was taken in"),
        ("absences.csv", "person_id,away_from,away_to,cover_id\nw9,2026-03-02,2026-03-03,\n", "1 of 1 rows are bad"),
        ("cases.csv", "case_ref,colour\nC1,red\n", "no column 'colour' is known"),
    ],
)
def test_a_bad_feed_of_another_kind_is_refused_too(fed: Folder, name: str, content: str, why: str) -> None:
    fed.put(name, content)
    assert fed.night(NIGHT).refused == 1
    assert why in fed.report("refused")
    with fed.house.store.read() as tx:
        assert {one.person_id for one in people_of(tx, NAME)} == {"w1", "m1"}


def test_rows_that_mean_nothing_here_tell_of_a_cut_as_well(fed: Folder) -> None:
    fed.mapping(MAPPING + '\n[ignore]\nsteps = ["Note"]\n')
    notes = [row(f"N{n}", "Note", f"F{n % 30}", "02/03/2026") for n in range(40)]
    fed.put("steps-2026-03-03.csv", extract(*thirty(*notes)))
    fed.night(NIGHT)
    fed.put("steps-2026-03-04.csv", extract(*thirty(*notes[:20])))
    assert fed.night("2026-03-04 02:00").refused == 1
    assert "has 65 rows, and the last one had 85: did it arrive whole?" in fed.report("refused")
