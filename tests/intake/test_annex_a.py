"""Lists 1 to 3 of Ofsted's Annex A: a workbook or CSV files, with the dirt that real ones have."""

import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

import ehscheduler
from ehscheduler.core.vocabulary import EVENTS
from ehscheduler.errors import InputRefused
from ehscheduler.intake import workbook
from ehscheduler.intake.annex_a import column_of, list_of
from ehscheduler.intake.guard import Intake, Limits, take_steps
from ehscheduler.intake.mapping import mapping_of

SAMPLE = (Path(ehscheduler.__file__).parent.parent / "docs/mappings/annex-a.toml").read_text()
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
COMMON = ["Child Unique ID", "Gender", "Ethnicity", "Date of Birth", "Age of Child (Years)"]
HELP = [*COMMON, "Assessment start date", "Assessment completion date", "Organisation completing assessment"]
REFERRED = [
    *COMMON,
    *("Date of referral", "Referral Source", "Referral NFA?", "Number of Referrals in Last 12 Months"),
    *("Allocated Team", "Allocated Worker"),
]
BORN = datetime(2015, 3, 4)  # noqa: DTZ001 - as a cell of a workbook holds it
CHILD = ["C1", "a) Male", "a) WBRI", BORN, 11.2]
Sheets = dict[str, list[list[Any]]]


@pytest.fixture
def take(tmp_path: Path, kinds: dict[str, str]) -> Callable[..., Intake]:
    def take_path(path: Path, text: str = SAMPLE, recorded: Any = ()) -> Intake:
        mapping = mapping_of(text, "mapping.toml", kinds, EVENTS)
        return take_steps(path, mapping, kinds, now=NOW, recorded=recorded, limits=Limits(bad_percent=100))

    return take_path


@pytest.fixture
def book(tmp_path: Path) -> Callable[[Sheets], Path]:
    """Return a function that writes a workbook, as Excel would."""

    def write(sheets: Sheets) -> Path:
        made = openpyxl.Workbook()
        made.remove(made.active)
        for name, rows in sheets.items():
            sheet = made.create_sheet(name)
            for row in rows:
                sheet.append(row)
        path = tmp_path / "annex.xlsx"
        made.save(path)
        return path

    return write


def told(intake: Intake) -> list[tuple[str, str, str]]:
    return [(event.case, event.word, str(event.day)) for event in intake.events]


def day(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_workbook_gives_the_events_that_the_mapping_says(take: Any, book: Any) -> None:
    path = book(
        {
            "List 1": [[*COMMON, "Date of Contact", "Contact Source"], [*CHILD, day("2026-01-05"), "e) 2A: Schools"]],
            "List 2": [HELP, [*CHILD, day("2026-01-10"), day("2026-02-20"), "Council"]],
            "List 3": [
                REFERRED,
                [*CHILD, day("2026-01-06"), "q) 6: Police", "b) No", 1, "North", "Amber\u00a0Lantern"],
            ],
            "List 8": [["Child Unique ID", "anything"], ["C9", "x"]],
        }
    )
    intake = take(path)
    assert told(intake) == [("C1", "referral_received", "2026-01-06"), ("C1", "assessment_completed", "2026-02-20")]
    [case] = intake.cases
    assert (case.facts["team"], case.facts["lead"]) == ("North", "W1")
    assert case.facts["index_child_dob"] == date(2015, 3, 4)
    assert [file.name for file in intake.files] == [f"annex.xlsx (List {n})" for n in (1, 2, 3)]


def test_the_same_lists_as_csv_files_give_the_same(take: Any, book: Any, tmp_path: Path) -> None:
    rows = [["C1", "Male", "", "04/03/2015", "11", "10/01/2026", "20/02/2026", "Council"]]
    from_book = take(book({"List 2": [HELP, [*CHILD, day("2026-01-10"), day("2026-02-20"), "Council"]]}))
    place = tmp_path / "lists"
    place.mkdir()
    (place / "List 2.csv").write_text("\n".join(",".join(row) for row in [HELP, *rows]) + "\n")
    from_csv = take(place)
    assert from_csv.events == from_book.events
    assert from_csv.cases == from_book.cases


def test_a_row_read_again_is_the_same_event_and_twice_on_one_day_is_two(take: Any, book: Any) -> None:
    row = [*CHILD, day("2026-01-06"), "q) 6: Police", "b) No", 1, "North", "Amber Lantern"]
    path = book({"List 3": [REFERRED, row, row]})
    first = take(path)
    assert len({event.id for event in first.events}) == 2
    again = take(path, recorded=first.events)
    assert (again.events, again.corrections, again.unchanged) == ((), (), 2)


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Child Unique ID", "child"),
        ("ChildUniqueID", "child"),
        ("Unique identifier of child ", "child"),
        ("Date of Referral", "referred"),
        ("ReferralDate", "referred"),
        ("Number of Referrals in Last 12 Months", ""),
        ("Referral Source\u00a0", "source"),
        ("Referral NFA?", "nfa"),
        ("ReferralNFA", "nfa"),
        ("Date of Contact", "contacted"),
        ("AssessmentStartDate", "begun"),
        ("Continuous Assessment Start Date", ""),
        ("AssessmentCompletionDate", "completed"),
        ("OrganisationCompletingAssessment", "organisation"),
        ("Sex", ""),
        ("Age", ""),
        ("Date of Birth", "date_of_birth"),
        ("Allocated Worker", "worker"),
    ],
)
def test_a_header_is_known_by_its_words(header: str, column: str) -> None:
    assert column_of(header) == column


@pytest.mark.parametrize(
    ("name", "number"), [("List 1", 1), ("list_02 export", 2), ("Annex A List 3", 3), ("List 10", None), ("x", None)]
)
def test_a_list_is_known_by_its_number(name: str, number: int | None) -> None:
    found = list_of(name)
    assert (found.number if found else None) == number


def test_the_dirt_of_real_workbooks(take: Any, book: Any) -> None:
    path = book(
        {
            "List 3": [
                ["Annex A, list 3", None],
                [],
                [*REFERRED[:5], "Date of Referral ", *REFERRED[6:]],
                ["C1", "Female", None, None, 4.5, day("2026-01-06"), "Police", "No", 1, "#N/A", "#N/A"],
                [
                    "C2",
                    "b) Female",
                    "",
                    "",
                    "3",
                    "07/01/2026",
                    "CS Assessment Updated",
                    "",
                    "",
                    "North",
                    "Somebody Else",
                ],
                [2003, "x", None, None, None, day("2026-01-08"), None, None, None, None, None],
            ]
        }
    )
    intake = take(path)
    assert told(intake) == [
        ("2003", "referral_received", "2026-01-08"),
        ("C1", "referral_received", "2026-01-06"),
        ("C2", "referral_received", "2026-01-07"),
    ]
    assert {case.ref: case.facts.get("lead") for case in intake.cases} == {"2003": None, "C1": None, "C2": None}
    assert [(one.column, one.value, one.line) for one in intake.unmapped] == [("worker", "Somebody Else", 5)]


def test_a_formula_is_never_worked_out(take: Any, book: Any) -> None:
    path = book({"List 2": [HELP, ["C1", "", "", "", "", "=TODAY()", "=TODAY()", ""], [*CHILD, day("2026-01-10")]]})
    intake = take(path)
    assert [problem.line for problem in intake.set_aside] == []
    assert told(intake) == []


def test_a_blank_completion_is_open_and_no_event_by_the_sample(take: Any, book: Any) -> None:
    intake = take(book({"List 2": [HELP, [*CHILD, day("2026-01-10"), None, "Council"]]}))
    assert told(intake) == []
    assert [case.ref for case in intake.cases] == ["C1"]


def test_it_is_never_a_snapshot(take: Any, kinds: dict[str, str]) -> None:
    text = SAMPLE.replace('profile = "annex_a"', 'profile = "annex_a"\nkind = "snapshot"')
    with pytest.raises(InputRefused, match="annex_a holds some months and is no snapshot; take the line out"):
        mapping_of(text, "mapping.toml", kinds, EVENTS)


# ---- what is no such workbook


def test_a_file_that_is_no_workbook_is_refused(take: Any, tmp_path: Path) -> None:
    path = tmp_path / "annex.xlsx"
    path.write_bytes(b"\xd0\xcf\x11\xe0 an old one")
    with pytest.raises(InputRefused, match=r"is no Excel workbook that can be read .*save it as .xlsx again"):
        take(path)


def test_a_zip_file_of_something_else_is_refused(take: Any, tmp_path: Path) -> None:
    path = tmp_path / "annex.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("x.txt", "x")
    with pytest.raises(InputRefused, match="is no Excel workbook that can be read"):
        take(path)


def test_a_damaged_workbook_is_refused(take: Any, book: Any) -> None:
    path = book({"List 2": [HELP, *([*CHILD, day("2026-01-10")] for _ in range(500))]})
    content = path.read_bytes()
    path.write_bytes(content[:2000] + bytes(200) + content[2200:])
    with pytest.raises(InputRefused, match="is no Excel workbook that can be read"):
        take(path)


def test_a_workbook_that_would_become_too_large_is_refused_unread(
    take: Any, book: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = book({"List 2": [HELP, *([*CHILD, day("2026-01-10")] for _ in range(500))]})
    monkeypatch.setattr(workbook, "UNPACKED_LIMIT", 10_000)
    with pytest.raises(InputRefused, match=r"would unpack to .* bytes in .* parts"):
        take(path)


def test_entities_that_expand_are_refused(take: Any, book: Any, tmp_path: Path) -> None:
    path, bomb = book({"List 2": [HELP]}), tmp_path / "bomb.xlsx"
    doctype = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(bomb, "w") as new:
        for part in old.namelist():
            content = old.read(part)
            if part == "xl/worksheets/sheet1.xml":
                content = doctype + content[content.index(b"<worksheet") :]
            new.writestr(part, content)
    with pytest.raises(InputRefused, match="is no Excel workbook that can be read"):
        take(bomb)


def test_a_sheet_without_its_header_and_a_book_without_a_list_are_refused(take: Any, book: Any) -> None:
    with pytest.raises(InputRefused, match=r"annex.xlsx \(List 2\): no header is in the first 20 rows"):
        take(book({"List 2": [["something", "else"], *([[1, 2]] * 30)]}))
    with pytest.raises(InputRefused, match="has none of the lists 1 to 3"):
        take(book({"Sheet1": [HELP]}))
