"""Files that are taken in: all or none, once, and a refusal leaves the last good state and is an alarm."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.core.people import Absence
from ehscheduler.errors import InputRefused
from ehscheduler.intake.caseload import write_caseload
from ehscheduler.office import Taken, correct, evaluation_of, take_files
from ehscheduler.plugins import Authority, load
from ehscheduler.store import Store
from ehscheduler.store.alarms import AlarmRecord, alarms
from ehscheduler.store.cases import case_refs, personal_of
from ehscheduler.store.events import count_events, events_of
from ehscheduler.store.imports import imports, rows_set_aside
from ehscheduler.store.people import absences_of, people_of
from ehscheduler.store.trail import trail
from tests.daemon.house import moment

COUNTY = "nottinghamshire"
NOW = moment("2026-07-06 10:00")
CASES = "case_ref,team,lead,level\nC1,North,w1,3\nC2,North,w1,3\nC3,South,,2\n"
EVENTS = (
    "case_ref,event,occurred_at,recorded_at,ref,detail\n"
    "C1,allocation,2026-06-01,,,\nC2,allocation,2026-06-02,,,\nC3,allocation,2026-06-03,,,\n"
    'C1,contact_made,2026-06-04,,,"{""method"": ""phone""}"\n'
)
PEOPLE = (
    "person_id,name,email,role,team,line_manager_id,valid_from,valid_to\n"
    "w1,Wren Worker,w1@council.example,case_manager,North,m1,,\n"
    "m1,Mo Manager,m1@council.example,team_manager,North,,,\n"
)


class Desk:
    """A store, the county, and a folder to write files in."""

    def __init__(self, folder: Path, store: Store, county: Authority) -> None:
        self.folder, self.store, self.county = folder, store, county

    def file(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def take(self, **files: Any) -> Taken:
        return take_files(self.store, self.county, now=NOW, by="jo", **files)

    def take_texts(self, **texts: str) -> Taken:
        return self.take(**{kind: self.file(f"{kind}.csv", text) for kind, text in texts.items()})

    def ask(self, question: Callable[..., Any], *args: Any, **named: Any) -> Any:
        with self.store.read() as tx:
            return question(tx, COUNTY, *args, **named)

    def counts(self) -> tuple[int, int, int]:
        return len(self.ask(case_refs)), self.ask(count_events), len(self.ask(people_of))

    def alarms(self) -> list[AlarmRecord]:
        return list(self.ask(alarms))


@pytest.fixture(scope="module")
def county() -> Authority:
    return load(COUNTY)


@pytest.fixture
def desk(tmp_path: Path, store: Store, county: Authority) -> Desk:
    return Desk(tmp_path, store, county)


def refused(work: Callable[[], Any]) -> str:
    with pytest.raises(InputRefused) as refusal:
        work()
    return str(refusal.value)


# ---- good files


def test_the_three_files_of_the_contract_go_in_together(desk: Desk) -> None:
    taken = desk.take_texts(cases=CASES, events=EVENTS, people=PEOPLE)
    assert (taken.cases_added, taken.events_added, taken.people) == (3, 4, 2)
    assert desk.counts() == (3, 4, 2)
    assert [(run.file, run.rows, run.set_aside) for run in desk.ask(imports)] == [
        ("people.csv", 2, 0),
        ("events.csv", 4, 0),
        ("cases.csv", 3, 0),
    ]
    (entry,) = desk.ask(trail, act="import")
    assert (entry.who, entry.detail["files"]) == ("jo", ["cases.csv", "events.csv", "people.csv"])


def test_the_same_files_twice_change_nothing(desk: Desk) -> None:
    desk.take_texts(cases=CASES, events=EVENTS, people=PEOPLE)
    again = desk.take_texts(cases=CASES, events=EVENTS, people=PEOPLE)
    assert (again.cases_added, again.cases_changed, again.events_added, again.events_known) == (0, 0, 0, 4)
    assert desk.counts() == (3, 4, 2)


def test_a_case_with_no_owner_is_taken_in_and_said(desk: Desk) -> None:
    taken = desk.take_texts(cases=CASES, events=EVENTS)
    said = " ".join(taken.intake.warnings)
    assert "the case has no lead; it is taken in, and its notices climb one rung" in said
    assert "C3" in desk.ask(case_refs)


@pytest.fixture
def extract(desk: Desk) -> Callable[..., Any]:
    """Write a small caseload as it stood on a day."""

    def write(as_of: str) -> Any:
        return write_caseload(desk.folder, seed=3, families=12, start=date(2026, 1, 5), as_of=date.fromisoformat(as_of))

    return write


def test_an_extract_goes_in_with_its_people_and_its_personal_fields_apart(
    desk: Desk, extract: Callable[..., Any]
) -> None:
    files = extract("2026-04-01")
    taken = desk.take(steps=files.extract, mapping=files.mapping, people=files.people)
    assert taken.people > 0
    assert desk.counts()[2] == taken.people
    ref = min(desk.ask(case_refs))
    assert set(desk.ask(personal_of, ref)) >= {"family_name", "address"}


def test_a_later_extract_brings_what_is_new_and_corrects_what_changed(desk: Desk, extract: Callable[..., Any]) -> None:
    files = extract("2026-04-01")
    first = desk.take(steps=files.extract, mapping=files.mapping)
    files = extract("2026-07-01")
    later = desk.take(steps=files.extract, mapping=files.mapping)
    assert first.events_added
    assert later.intake.unchanged
    assert later.events_added
    assert later.intake.corrections
    again = desk.take(steps=files.extract, mapping=files.mapping)
    assert (again.events_added, again.intake.corrections) == (0, ())


# ---- all or none


def bad(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new)


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        ({"cases": bad(CASES, "case_ref", "case")}, "cases.csv"),
        ({"events": bad(EVENTS, "recorded_at", "recorded")}, "events.csv"),
        ({"people": bad(PEOPLE, "email", "mail")}, "people.csv"),
        ({"events": bad(EVENTS, "C1,allocation,2026-06-01", "C9,allocation,2026-06-31")}, "events.csv, line 2"),
        ({"cases": ""}, "cases.csv"),
        ({"people": "\0\0\0"}, "people.csv"),
    ],
    ids=["cases' header", "events' header", "people's header", "too many bad rows", "empty", "binary"],
)
def test_where_one_file_is_refused_nothing_of_any_is_taken(desk: Desk, spoilt: dict[str, str], said: str) -> None:
    desk.take_texts(cases=CASES, events=EVENTS, people=PEOPLE)
    before = desk.counts()
    more = {
        "cases": CASES + "C4,North,w1,3\n",
        "events": EVENTS + "C4,allocation,2026-06-05,,,\n",
        "people": PEOPLE + "w2,Wilf Worker,w2@council.example,case_manager,North,m1,,\n",
    }
    assert said in refused(lambda: desk.take_texts(**(more | spoilt)))
    assert desk.counts() == before
    assert {alarm.code for alarm in desk.alarms()} == {"feed"}
    assert all("the last good state stands" in alarm.text for alarm in desk.alarms())
    assert [entry.act for entry in desk.ask(trail)][:1] == ["import refused"]
    desk.take_texts(**more)
    assert desk.alarms() == []
    assert desk.counts() == (4, 5, 3)


def test_a_refusal_says_every_fault_of_every_file(desk: Desk) -> None:
    texts = {
        "cases": bad(CASES, "case_ref", "case"),
        "events": bad(EVENTS, "recorded_at", "recorded"),
        "people": bad(PEOPLE, "email", "mail"),
    }
    said = refused(lambda: desk.take_texts(**texts))
    assert {line.split(",")[0] for line in said.splitlines()} == {"cases.csv", "events.csv", "people.csv"}


def test_a_crash_in_the_middle_leaves_nothing_half_done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    def killed(*_: Any, **__: Any) -> None:
        raise Killed

    monkeypatch.setattr("ehscheduler.office.files.put_people", killed)
    with pytest.raises(Killed):
        desk.take_texts(cases=CASES, events=EVENTS, people=PEOPLE)
    assert desk.counts() == (0, 0, 0)
    assert desk.ask(imports) == []


def test_the_alarm_of_a_feed_is_over_when_the_next_file_of_its_kind_is_good(desk: Desk) -> None:
    refused(lambda: desk.take(cases=desk.file("cases-monday.csv", "rubbish\n")))
    assert [alarm.subject for alarm in desk.alarms()] == ["cases"]
    desk.take(cases=desk.file("cases-tuesday.csv", CASES))
    assert desk.alarms() == []


def test_bad_rows_are_set_aside_by_line_and_the_operator_is_told(desk: Desk) -> None:
    many = "".join(f"C1,contact_made,2026-06-{day:02d},,,\n" for day in range(1, 31))
    desk.take_texts(cases=CASES, events=EVENTS + many + "C9,allocation,2026-06-31,,,\n")
    (alarm,) = desk.alarms()
    assert alarm.text == "events.csv: 1 of 35 rows were set aside; correct them and import again"
    run = next(run for run in desk.ask(imports) if run.file == "events.csv")
    assert {row.line for row in desk.ask(rows_set_aside, run.id)} == {36}
    desk.take_texts(events=EVENTS + many)
    assert desk.alarms() == []


def test_an_event_that_comes_again_with_other_content_is_an_alarm_and_the_first_stands(desk: Desk) -> None:
    head = "id,case_ref,event,occurred_at,recorded_at,ref,detail\n"
    desk.take_texts(cases=CASES, events=head + "e1,C1,allocation,2026-06-01,,,\n")
    taken = desk.take_texts(events=head + "e1,C1,allocation,2026-06-02,,,\n")
    assert [clash.event_id for clash in taken.clashes] == ["e1"]
    assert [alarm.code for alarm in desk.alarms()] == ["event clash"]
    assert [event.day.isoformat() for event in desk.ask(events_of, "C1")] == ["2026-06-01"]


# ---- a feed that has lost what it had


def test_a_cases_file_without_more_than_a_fifth_of_the_open_cases_is_refused(desk: Desk) -> None:
    ten = "case_ref,team,lead,level\n" + "".join(f"C{n},North,w1,3\n" for n in range(10))
    desk.take_texts(cases=ten)
    seven = "".join(ten.splitlines(keepends=True)[:8])
    assert "3 of the 10 open cases are not in this file" in refused(lambda: desk.take_texts(cases=seven))
    eight = "".join(ten.splitlines(keepends=True)[:9])
    desk.take_texts(cases=eight)


def staff(count: int) -> str:
    head = PEOPLE.splitlines(keepends=True)[0]
    return head + "".join(f"p{n},Pat {n},p{n}@council.example,case_manager,North,,,\n" for n in range(count))


def staying(desk: Desk) -> int:
    return sum(person.valid_to is None for person in desk.ask(people_of))


@pytest.mark.parametrize(
    ("here", "left"),
    [(10, 8), (5, 4), (2, 1), (3, 2), (20, 16), (9, 8)],
    ids=["a fifth", "a fifth of five", "one of two", "one of three", "a fifth of twenty", "one of nine"],
)
def test_a_staff_feed_may_lose_a_fifth_or_one_person(desk: Desk, here: int, left: int) -> None:
    desk.take_texts(people=staff(here))
    desk.take_texts(people=staff(left))
    assert staying(desk) == left
    assert desk.alarms() == []


@pytest.mark.parametrize(
    ("here", "left"),
    [(10, 7), (5, 3), (2, 0), (9, 7), (20, 15), (14, 11)],
    ids=["three of ten", "two of five", "all", "two of nine", "five of twenty", "three of fourteen"],
)
def test_a_staff_feed_that_lost_more_than_a_fifth_is_refused(desk: Desk, here: int, left: int) -> None:
    desk.take_texts(people=staff(here))
    said = refused(lambda: desk.take_texts(people=staff(left)))
    assert (f"{here - left} of the {here} people are not in this file" if left else "names nobody") in said
    assert [alarm.subject for alarm in desk.alarms()] == ["people"]
    assert staying(desk) == here


@pytest.mark.parametrize(("leavers", "taken"), [(6, False), (7, True), (8, True)], ids=str)
def test_so_many_may_leave_as_are_said_to(desk: Desk, leavers: int, taken: bool) -> None:
    desk.take_texts(people=staff(10))
    fewer = desk.file("people.csv", staff(3))
    if taken:
        desk.take(people=fewer, leavers=leavers)
    else:
        assert "--leavers 7" in refused(lambda: desk.take(people=fewer, leavers=leavers))
    assert staying(desk) == (3 if taken else 10)


def test_an_empty_staff_feed_is_refused_whoever_is_said_to_leave(desk: Desk) -> None:
    nobody = desk.file("nobody.csv", staff(0))
    assert "names nobody" in refused(lambda: desk.take(people=nobody))
    desk.take_texts(people=staff(2))
    assert "names nobody" in refused(lambda: desk.take(people=nobody, leavers=2))
    assert staying(desk) == 2


@pytest.mark.parametrize(
    ("last", "taken"),
    [("2026-07-05", False), ("2026-07-06", True)],
    ids=["their last day was yesterday", "their last day is today"],
)
def test_who_has_left_by_the_feed_itself_is_lost_too(desk: Desk, last: str, taken: bool) -> None:
    desk.take_texts(people=staff(10))
    ended = staff(10).replace("North,,,\n", f"North,,,{last}\n", 3)
    if taken:
        desk.take_texts(people=ended)
    else:
        assert "3 of the 10 people" in refused(lambda: desk.take_texts(people=ended))


def test_who_left_on_their_day_is_not_lost_the_day_after(desk: Desk) -> None:
    ended = staff(10).replace("North,,,\n", "North,,,2026-07-05\n", 5)
    desk.take_texts(people=ended)
    desk.take_texts(people=ended)
    assert staying(desk) == 5


def test_somebody_whose_row_cannot_be_read_stays_as_they_were(desk: Desk) -> None:
    desk.take_texts(people=staff(30))
    desk.take_texts(people=staff(30).replace("p7@council.example", "p7 at the council"))
    (kept,) = [person for person in desk.ask(people_of) if person.person_id == "p7"]
    assert (kept.email, kept.valid_to) == ("p7@council.example", None)
    assert [alarm.code for alarm in desk.alarms()] == ["rows set aside"]


@pytest.mark.parametrize(("left", "taken"), [(24, True), (23, False)], ids=["a fifth is gone", "one more"])
def test_somebody_whose_row_cannot_be_read_is_not_counted_as_gone(desk: Desk, left: int, taken: bool) -> None:
    desk.take_texts(people=staff(30))
    fewer = staff(left).replace("p7@council.example", "p7 at the council")
    if taken:
        desk.take_texts(people=fewer)
    else:
        assert "7 of the 30 people" in refused(lambda: desk.take_texts(people=fewer))
    assert staying(desk) == (24 if taken else 30)


# ---- leave and cover

AWAY = "person_id,away_from,away_to,cover_id\n"


def test_people_and_their_leave_go_in_together(desk: Desk) -> None:
    taken = desk.take_texts(people=PEOPLE, absences=AWAY + "w1,2026-07-06,2026-07-10,m1\n")
    assert (taken.people, taken.absences) == (2, 1)
    assert desk.ask(absences_of) == [Absence("w1", date(2026, 7, 6), date(2026, 7, 10), "m1")]
    assert desk.alarms() == []


def test_leave_comes_alone_and_takes_the_place_of_what_stood(desk: Desk) -> None:
    desk.take_texts(people=PEOPLE, absences=AWAY + "w1,2026-07-06,2026-07-10,m1\n")
    desk.take_texts(absences=AWAY + "m1,2026-08-03,2026-08-14,\n")
    assert desk.ask(absences_of) == [Absence("m1", date(2026, 8, 3), date(2026, 8, 14))]


def test_a_cover_stands_for_somebody_who_has_left(desk: Desk) -> None:
    desk.take_texts(people=PEOPLE)
    desk.take_texts(people="".join(PEOPLE.splitlines(keepends=True)[:2]))
    assert staying(desk) == 1
    assert desk.take_texts(absences=AWAY + "m1,2026-07-06,2026-12-31,w1\n").absences == 1


@pytest.mark.parametrize(
    ("last", "taken"),
    [("2026-07-05", True), ("2026-07-06", False), ("2026-09-30", False)],
    ids=["over since yesterday", "to the end of today", "ahead"],
)
def test_a_list_without_a_row_is_refused_while_leave_stands(desk: Desk, last: str, taken: bool) -> None:
    desk.take_texts(people=PEOPLE, absences=AWAY + f"w1,2026-07-01,{last},m1\n")
    empty = desk.file("absences.csv", AWAY)
    if taken:
        desk.take(absences=empty)
        assert desk.ask(absences_of) == []
        return
    said = refused(lambda: desk.take(absences=empty))
    assert "has no row, and 1 absence stands that is in force or ahead" in said
    assert "--nobody-away" in said
    assert [alarm.subject for alarm in desk.alarms()] == ["absences"]
    assert len(desk.ask(absences_of)) == 1
    desk.take(absences=empty, nobody_away=True)
    assert desk.ask(absences_of) == []
    assert desk.alarms() == []


def test_a_first_list_without_a_row_is_taken(desk: Desk) -> None:
    desk.take_texts(people=PEOPLE, absences=AWAY)
    assert desk.ask(absences_of) == []


def test_a_fault_in_the_leave_keeps_the_people_out_too(desk: Desk) -> None:
    texts = {"people": PEOPLE, "absences": AWAY + "w9,2026-07-06,2026-07-10,m1\n"}
    assert "absences.csv, line 2: no person has this person_id" in refused(lambda: desk.take_texts(**texts))
    assert desk.counts() == (0, 0, 0)


def test_faults_of_both_staff_files_are_said_together(desk: Desk) -> None:
    texts = {"people": PEOPLE.replace("team_manager", "team_boss"), "absences": AWAY + "w1,2026-07-10,2026-07-06,m1\n"}
    said = refused(lambda: desk.take_texts(**texts))
    assert "people.csv, line 3: no role 'team_boss'" in said
    assert "absences.csv, line 2: away_to is before away_from" in said


def test_leave_beside_an_extract_goes_in_with_it(desk: Desk, extract: Callable[..., Any]) -> None:
    files = extract("2026-04-01")
    leave = {
        "people": desk.file("people.csv", PEOPLE),
        "absences": desk.file("a.csv", AWAY + "w1,2026-07-06,2026-07-10,\n"),
    }
    assert desk.take(steps=files.extract, mapping=files.mapping, **leave).absences == 1


# ---- odd questions


def test_an_extract_without_its_mapping_is_refused(desk: Desk) -> None:
    said = refused(lambda: desk.take(steps=desk.file("steps.csv", "a,b\n")))
    assert said == "--steps needs --mapping: a file that says what each step means"


def test_an_extract_beside_the_contracts_files_is_refused(desk: Desk) -> None:
    files = {"steps": desk.file("steps.csv", "a\n"), "cases": desk.file("cases.csv", CASES)}
    assert "--steps tells of cases and events itself" in refused(lambda: desk.take(**files))


def test_a_mapping_at_fault_and_people_at_fault_are_said_together(desk: Desk, extract: Callable[..., Any]) -> None:
    files = extract("2026-04-01")
    mapping = desk.file("wrong.toml", bad(files.mapping.read_text(), 'event = "home_visit"', 'event = "home_vist"'))
    people = desk.file("people2.csv", "person\n")
    said = refused(lambda: desk.take(steps=files.extract, mapping=mapping, people=people))
    assert "did you mean 'home_visit'?" in said
    assert "people2.csv" in said


def test_what_a_person_withdrew_the_next_extract_does_not_bring_back(desk: Desk, extract: Callable[..., Any]) -> None:
    files = extract("2026-04-01")
    desk.take(steps=files.extract, mapping=files.mapping)
    ref = next(r for r in sorted(desk.ask(case_refs)) if any(e.word == "home_visit" for e in desk.ask(events_of, r)))
    visit = next(e for e in desk.ask(events_of, ref) if e.word == "home_visit")
    correct(desk.store, desk.county, ref, visit.id, at=None, now=NOW, by="jo", why="another family")
    again = desk.take(steps=files.extract, mapping=files.mapping)
    assert again.events_added == 0
    with desk.store.read() as tx:
        found = evaluation_of(tx, desk.county, ref, NOW)
    assert all(m.evidence is None or m.evidence.id != visit.id for m in found.milestones)
