"""absences.csv: who is away from when to when, and who acts for them."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ehscheduler.core.people import Absence
from ehscheduler.errors import InputRefused
from ehscheduler.intake.absences import AbsenceScan, scan_absences
from ehscheduler.intake.guard import take_absences

HEADER = "person_id,away_from,away_to,cover_id\n"
KNOWN = ("a", "b", "c", "d")
Write = Callable[[str, str], Path]


def scanned(write: Write, *rows: str) -> AbsenceScan:
    return scan_absences(write("absences.csv", HEADER + "".join(row + "\n" for row in rows)), KNOWN)


def faults(write: Write, *rows: str) -> list[str]:
    return [str(problem) for problem in scanned(write, *rows).rows.bad.listed]


def test_leave_is_read_with_and_without_cover_in_order(write: Write) -> None:
    scan = scanned(write, "b,2026-08-03,2026-08-14,", "a,2026-03-06,2026-03-06,b", "a,2026-03-02,2026-03-05,c")
    assert scan.absences == (
        Absence("a", date(2026, 3, 2), date(2026, 3, 5), "c"),
        Absence("a", date(2026, 3, 6), date(2026, 3, 6), "b"),
        Absence("b", date(2026, 8, 3), date(2026, 8, 14)),
    )
    told = "absences.csv: nobody covers; what this person would hear climbs one rung (1 row: line 2)"
    assert scan.notes.sentences() == [told]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",2026-03-02,2026-03-06,b", "person_id is empty; fill it in"),
        ("x,2026-03-02,2026-03-06,b", "no person has this person_id; add them to people.csv, or correct it"),
        ("a,2026-03-02,2026-03-06,x", "no person has this cover_id; add them to people.csv, or correct it"),
        ("a,2026-03-02,2026-03-06,a", "cover_id is the person who is away; name somebody else, or leave it empty"),
        ("a,,2026-03-06,b", "away_from is empty; write a date (2026-03-02)"),
        ("a,2026-03-02,,b", "away_to is empty; write a date (2026-03-02)"),
        ("a,2026-03-02,2026-03-01,b", "away_to is before away_from; correct one of them"),
        ("a,2026-02-30,2026-03-06,b", "away_from is not a date that exists, written as 2026-03-02"),
        ("a,2026-03-02,06/03/2026,b", "away_to is not a date that exists, written as 2026-03-02"),
    ],
    ids=[
        "nobody",
        "unknown",
        "unknown cover",
        "cover by oneself",
        "no first day",
        "no last day",
        "reversed",
        "no such day",
        "another form",
    ],
)
def test_a_row_at_fault_says_its_line_and_the_remedy(write: Write, row: str, said: str) -> None:
    assert faults(write, "b,2026-03-02,2026-03-06,c", row) == [f"absences.csv, line 3: {said}"]


def test_all_that_is_wrong_with_a_row_is_said_at_once(write: Write) -> None:
    assert len(faults(write, "x,2026-03-06,2026-03-02,x")) == 4


@pytest.mark.parametrize(
    ("first", "second", "clash"),
    [
        ("2026-03-02,2026-03-06", "2026-03-06,2026-03-09", True),
        ("2026-03-02,2026-03-06", "2026-03-07,2026-03-09", False),
        ("2026-03-07,2026-03-09", "2026-03-02,2026-03-06", False),
        ("2026-03-02,2026-03-30", "2026-03-10,2026-03-11", True),
        ("2026-03-02,2026-03-06", "2026-03-02,2026-03-06", True),
    ],
    ids=["on one day", "the day after", "the other way round", "one in the other", "the same"],
)
def test_rows_of_one_person_on_the_same_days_are_both_set_apart(
    write: Write, first: str, second: str, clash: bool
) -> None:
    found = faults(write, f"a,{first},b", f"a,{second},c", "d,2026-03-02,2026-03-06,b")
    on = "this person is away on line {} on the same days; keep one row, or part them by date"
    both = [f"absences.csv, line 2: {on.format(3)}", f"absences.csv, line 3: {on.format(2)}"]
    assert found == (both if clash else [])


def test_a_long_row_clashes_with_every_row_inside_it(write: Write) -> None:
    rows = "a,2026-03-02,2026-03-30,b", "a,2026-03-05,2026-03-06,b", "a,2026-03-10,2026-03-11,b"
    assert [said.partition(":")[0] for said in faults(write, *rows)] == [
        f"absences.csv, line {line}" for line in (2, 3, 4)
    ]


@pytest.mark.parametrize(
    ("rows", "day"),
    [
        (["a,2026-03-02,2026-03-06,b", "b,2026-03-06,2026-03-09,a"], "2026-03-06"),
        (["a,2026-03-02,2026-03-06,b", "b,2026-03-07,2026-03-09,a"], None),
        (["a,2026-03-02,2026-03-06,b", "b,2026-03-01,2026-03-09,c", "c,2026-03-04,2026-03-05,a"], "2026-03-04"),
        (["a,2026-03-02,2026-03-06,b", "b,2026-03-01,2026-03-09,c", "c,2026-03-08,2026-03-09,a"], None),
    ],
    ids=["two on one day", "two one after the other", "three", "three never together"],
)
def test_covers_that_go_round_in_a_ring_refuse_the_file(write: Write, rows: list[str], day: str | None) -> None:
    if day is None:
        assert len(scanned(write, *rows).absences) == len(rows)
        return
    with pytest.raises(InputRefused) as refusal:
        scanned(write, *rows)
    lines = ", ".join(str(line) for line in range(3, len(rows) + 2))
    assert str(refusal.value) == (
        f"absences.csv, line 2: on {day} the covers go round in a ring (with the rows on lines {lines}); "
        "name somebody who is here in one of them"
    )


def test_a_header_alone_is_a_list_of_nobody(write: Write) -> None:
    assert scanned(write).absences == ()


@pytest.mark.parametrize(("good", "taken"), [(19, True), (18, False)], ids=["one of twenty", "one of nineteen"])
def test_more_than_one_bad_row_in_twenty_refuses_the_list(write: Write, good: int, taken: bool) -> None:
    days = [date(2026, 3, 2) + timedelta(days=n) for n in range(good)]
    rows = "".join(f"a,{day},{day},b\n" for day in days) + "x,2026-03-02,2026-03-02,b\n"
    path = write("absences.csv", HEADER + rows)
    if taken:
        assert len(take_absences(path, KNOWN).absences) == good
    else:
        with pytest.raises(InputRefused, match="1 of 19 rows are bad"):
            take_absences(path, KNOWN)


# ---- against a dull loop

DAYS = [date(2026, 3, 1) + timedelta(days=n) for n in range(8)]
ROWS = st.lists(
    st.tuples(
        st.sampled_from("abcd"), st.sampled_from(DAYS), st.integers(0, 6), st.sampled_from(["a", "b", "c", "d", ""])
    ),
    max_size=7,
)


def dull(rows: list[tuple[str, date, int, str]]) -> str | set[tuple[str, date]]:
    """Read the rows one by one: "ring", or the (person, first day) of each that is good."""
    good = []
    for n, (who, first, length, cover) in enumerate(rows):
        mine = {first + timedelta(days=d) for d in range(length + 1)}
        if who == cover:
            continue
        clash = False
        for m, (other, begin, long, stand) in enumerate(rows):
            theirs = {begin + timedelta(days=d) for d in range(long + 1)}
            if m != n and other == who and other != stand and mine & theirs:
                clash = True
        if not clash:
            good.append((who, mine, cover, first))
    for day in (DAYS[0] + timedelta(days=n) for n in range(15)):
        covers = {who: cover for who, mine, cover, _ in good if day in mine and cover}
        for who in covers:
            at, steps = covers.get(who), 0
            while at in covers and at != who and steps < 9:
                at, steps = covers[at], steps + 1
            if at == who:
                return "ring"
    return {(who, first) for who, _, _, first in good}


@given(ROWS)
def test_random_lists_are_read_as_a_dull_loop_reads_them(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, date, int, str]]
) -> None:
    path = tmp_path_factory.mktemp("lists") / "absences.csv"
    text = "".join(f"{who},{first},{first + timedelta(days=length)},{cover}\n" for who, first, length, cover in rows)
    path.write_text(HEADER + text, encoding="utf-8")
    found: str | set[tuple[str, date]]
    try:
        found = {(one.person_id, one.away_from) for one in scan_absences(path, KNOWN).absences}
    except InputRefused as refusal:
        found = "ring" if "go round in a ring" in str(refusal) else str(refusal)
    assert found == dull(rows)
