"""Hostile files of the machine contract: each is refused with a sentence that names place and remedy."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ehscheduler.core.vocabulary import EVENTS
from ehscheduler.errors import InputRefused
from ehscheduler.intake.contract import read_cases, read_contract, scan_events
from ehscheduler.intake.rows import CELL_LIMIT, LINE_LIMIT

CASES = "case_ref,team,level\n"
EVENTS_HEADER = "case_ref,event,occurred_at,recorded_at,ref,detail\n"
WITH_ID = "case_ref,event,occurred_at,recorded_at,ref,detail,id\n"
PEOPLE = "person_id,name,email,role,team,line_manager_id,valid_from,valid_to\n"
SAVE_AS = "save it as 'CSV UTF-8 (comma delimited)' and give that file"
EXCEL_PLAIN = "(what Excel writes as plain CSV)"
ROW = "A1,allocation,2026-03-02,,,\n"
DATE_OR_INSTANT = "is neither a date (2026-03-02) nor an instant (2026-03-02T10:00:00+00:00)"
INVISIBLE = "holds a control, invisible or unusual blank character; type it again"
CANARY = "CANARY-7f3a"


def event(**cells: str) -> str:
    row = {"case": "A1", "event": "allocation", "at": "2026-03-02", "recorded": "", "ref": "", "detail": ""} | cells
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in row.values()]
    return EVENTS_HEADER + ",".join(quoted) + "\n"


def person(**cells: str) -> str:
    row = {
        "person_id": "P1",
        "name": "Teal Otter",
        "email": "teal.otter@example.org",
        "role": "case_manager",
        "team": "South",
        "line_manager_id": "",
        "valid_from": "",
        "valid_to": "",
    } | cells
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in row.values()) + "\n"


STRUCTURE = [
    ("an empty file", "cases.csv", b"", "is empty; it needs a header and rows"),
    ("blank lines alone", "cases.csv", b"\n\n\n", "is empty; it needs a header and rows"),
    ("a byte order mark alone", "cases.csv", b"\xef\xbb\xbf", "is empty; it needs a header and rows"),
    ("UTF-16 with a mark", "cases.csv", (CASES + "A1,T,3\n").encode("utf-16"),
     f"is UTF-16 text (what Excel calls Unicode Text), not a CSV file in UTF-8; {SAVE_AS}"),
    ("UTF-16 the other way round", "cases.csv", b"\xfe\xff" + CASES.encode("utf-16-be"),
     f"is UTF-16 text, not a CSV file in UTF-8; {SAVE_AS}"),
    ("UTF-16 without a mark", "cases.csv", CASES.encode("utf-16-le"),
     f"looks like UTF-16 text without a mark; {SAVE_AS}"),
    ("UTF-32", "cases.csv", CASES.encode("utf-32"), f"is UTF-32 text, not a CSV file in UTF-8; {SAVE_AS}"),
    ("an Excel workbook", "cases.csv", b"PK\x03\x04" + bytes(60),
     f"is an Excel workbook or a zip file, not a CSV file in UTF-8; {SAVE_AS}"),
    ("an old Excel workbook", "cases.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(60),
     f"is an old Excel workbook, not a CSV file in UTF-8; {SAVE_AS}"),
    ("a PDF", "cases.csv", b"%PDF-1.7\n", f"is a PDF, not a CSV file in UTF-8; {SAVE_AS}"),
    ("a gzip file", "cases.csv", b"\x1f\x8b\x08\x00", f"is compressed with gzip, not a CSV file in UTF-8; {SAVE_AS}"),
    ("a binary file", "cases.csv", b"\x7fELF" + b"abcdefgh\x00" * 8, f"is a binary file, not a CSV file; {SAVE_AS}"),
]  # fmt: skip

PLACED = [
    ("Windows-1252 quotes", "cases.csv", CASES.encode() + b"A1,O\x92Team,3\n",
     f"line 2: is not UTF-8; it looks like Windows-1252 {EXCEL_PLAIN}; {SAVE_AS}"),
    ("Latin-1 letters", "cases.csv", CASES.encode() + b"A1,T,3\nA2,Zo\xeb,3\n",
     f"line 3: is not UTF-8; it looks like Windows-1252 or Latin-1 {EXCEL_PLAIN}; {SAVE_AS}"),
    ("bytes of no alphabet", "cases.csv", CASES.encode() + b"A1,\x81\x8d,3\n",
     f"line 2: is not UTF-8; it is damaged or not text; {SAVE_AS}"),
    ("a NUL byte far into the file", "events.csv", EVENTS_HEADER.encode() + ROW.encode() * 200 + b"A1,\x00,,,,\n",
     "line 202: holds a NUL byte: it is damaged or not text; export it again"),
    ("a quotation mark never closed", "cases.csv", CASES + 'A1,"South,3\nA2,T,3\n',
     "line 2: the file ends inside a quoted cell of the row that starts here: it did not arrive whole, or a quotation "
     "mark is never closed; export it again"),
    ("quotation marks that do not match", "cases.csv", CASES + 'A1,"So"uth,3\n',
     'line 2: the quotation marks in the row that starts here do not match; write a quotation mark in a cell as ""'),
    ("a last row cut off", "cases.csv", CASES + "A1,South,3\nA2,So",
     "line 3: the file ends in the middle of a row: it did not arrive whole; export it again"),
    ("a cell of 131,073 characters", "cases.csv", CASES + f"A1,{'x' * (CELL_LIMIT + 1)},3\n",
     "line 2: a cell is longer than 131,072 characters; often a quotation mark that is never closed: export the file "
     "again"),
    ("a line of more than 4 MiB", "cases.csv", CASES + "x" * (LINE_LIMIT + 1),
     "line 2: is longer than 4,194,304 characters; export the file again"),
    ("semicolons", "cases.csv", "case_ref;team;level\nA1;South;3\n",
     f"line 1: its columns are parted by semicolons, not commas; {SAVE_AS}"),
    ("tabs", "cases.csv", "case_ref\tteam\tlevel\nA1\tSouth\t3\n",
     f"line 1: its columns are parted by tabs, not commas; {SAVE_AS}"),
    ("a note for Excel", "cases.csv", "sep=,\n" + CASES,
     "line 1: the first line is a note for Excel, not the header; remove it"),
    ("no header", "events.csv", f"{CANARY},allocation,2026-03-02,,,\n",
     "line 1: the first line is not the header: no column is known; it must name case_ref, event, occurred_at, "
     "recorded_at, ref, detail"),
    ("an unknown column", "cases.csv", "case_ref,teem\nA1,South\n",
     "line 1: no column 'teem' is known; did you mean 'team'?"),
    ("a column in capitals", "cases.csv", "case_ref,Team\nA1,South\n",
     "line 1: no column 'Team' is known; did you mean 'team'?"),
    ("a column twice", "cases.csv", "case_ref,team,team\nA1,South,West\n",
     "line 1: the column 'team' stands 2 times; keep one"),
    ("a column twice but for a blank", "cases.csv", "case_ref,team,team \nA1,South,West\n",
     "line 1: the column 'team' stands 2 times; keep one"),
    ("a column without a name", "cases.csv", "case_ref,team,\nA1,South,x\n",
     "line 1: column 3 has no name; name it or take it out"),
    ("a missing column", "events.csv", "case_ref,event,occurred_at,recorded_at,ref\nA1,allocation,2026-03-02,,\n",
     "line 1: the column 'detail' is missing; add it"),
    ("a column that is a sentence", "cases.csv", f"case_ref,{'x' * 70}\nA1,1\n",
     "line 1: no column (a text of 70 characters) is known; take it out, or name it as one of case_ref, team, "
     "locality, lead, level, urgent, step_down, step_down_origin, index_child_dob, case_kind, neglect, cse_band, "
     "performance_date, court_order_end, meeting_hub, service, restricted, children, contact_interval"),
    ("a row too long", "cases.csv", CASES + "A1,South,3,more\nA2,West,3\n",
     "line 2: has 4 cells where the header has 3; a comma or a quotation mark inside a cell needs quotation marks "
     "round the cell"),
    ("a row too short, with rows after it", "cases.csv", CASES + "A1,South\nA2,West,3\n",
     "line 2: has 2 cells where the header has 3; a comma or a quotation mark inside a cell needs quotation marks "
     "round the cell"),
    ("a case without a reference", "cases.csv", CASES + ",South,3\n", "line 2: case_ref is empty; fill it in"),
    ("an invisible character in a reference", "cases.csv", CASES + "A\u200b1,South,3\n",
     f"line 2: case_ref {INVISIBLE}"),
    ("text turned round in a reference", "cases.csv", CASES + "A\u202e1,South,3\n", f"line 2: case_ref {INVISIBLE}"),
    ("a no-break space in a reference", "cases.csv", CASES + "A\u00a01,South,3\n", f"line 2: case_ref {INVISIBLE}"),
    ("a very long reference", "cases.csv", CASES + "A" * 201 + ",South,3\n",
     "line 2: case_ref is longer than 200 characters"),
    ("a level that is a word", "cases.csv", CASES + f"A1,South,{CANARY}\n", "line 2: level is not a number"),
    ("a level that is no finite number", "cases.csv", CASES + "A1,South,nan\n", "line 2: level is not a number"),
    ("a yes/no that is neither", "cases.csv", "case_ref,urgent\nA1,perhaps\n",
     "line 2: urgent is neither true nor false"),
    ("a birthday on 29 February 2027", "cases.csv", "case_ref,index_child_dob\nA1,2027-02-29\n",
     "line 2: index_child_dob is not a date such as 2026-03-02 that exists"),
    ("a birthday with slashes", "cases.csv", "case_ref,index_child_dob\nA1,02/03/2019\n",
     "line 2: index_child_dob is not a date such as 2026-03-02 that exists"),
    ("a length without a unit", "cases.csv", "case_ref,contact_interval\nA1,3\n",
     "line 2: contact_interval is not a length such as '3 weeks'"),
    ("children that are no list", "cases.csv", 'case_ref,children\nA1,"{""ref"": ""C1""}"\n',
     'line 2: children is not a JSON list such as [{"ref": "C1", "born": "2019-05-04"}]'),
    ("children that are no JSON", "cases.csv", f"case_ref,children\nA1,{CANARY}\n",
     "line 2: children is not JSON (at character 1)"),
    ("a child without a ref", "cases.csv", 'case_ref,children\nA1,"[{""born"": ""2019-05-04""}]"\n',
     "line 2: children lists a child without a ref"),
    ("a child with a name", "cases.csv", f'case_ref,children\nA1,"[{{""ref"": ""C1"", ""name"": ""{CANARY}""}}]"\n',
     "line 2: children lists a child with a key other than ref and born"),
    ("two children of one ref", "cases.csv", 'case_ref,children\nA1,"[{""ref"": ""C1""}, {""ref"": ""C1""}]"\n',
     "line 2: children lists two children with one ref"),
    ("an unknown event", "events.csv", event(event="alocation"),
     "line 2: no event 'alocation' is known; did you mean 'allocation'?"),
    ("an event in capitals", "events.csv", event(event="Home Visit"),
     "line 2: no event is known; did you mean 'home_visit'?"),
    ("a name where the event should be", "events.csv", event(event=CANARY), "line 2: no event is known"),
    ("no event", "events.csv", event(event=""), "line 2: event is empty; fill it in"),
    ("an unknown case", "events.csv", event(case="A9"),
     "line 2: no case has this case_ref; add it to cases.csv, or correct it"),
    ("no date", "events.csv", event(at=""),
     "line 2: occurred_at is empty; write a date (2026-03-02) or an instant (2026-03-02T10:00:00+00:00)"),
    ("29 February 2027", "events.csv", event(at="2027-02-29"), "line 2: occurred_at is not a date that exists"),
    ("31 November", "events.csv", event(at="2026-11-31T10:00"), "line 2: occurred_at is not an instant that exists"),
    ("25 o'clock", "events.csv", event(at="2026-11-30T25:00"), "line 2: occurred_at is not an instant that exists"),
    ("a date with the day first", "events.csv", event(at="02/03/2026"),
     "line 2: occurred_at has the day or the month first; write it as 2026-03-02"),
    ("a year of two digits", "events.csv", event(at="02/03/26"),
     "line 2: occurred_at has a year of two digits; write it as 2026-03-02"),
    ("a day number of Excel", "events.csv", event(at="46083"),
     "line 2: occurred_at is a day number of Excel; format the column as a date and write it as 2026-03-02"),
    ("a day number of Excel with a time", "events.csv", event(at="46083.4375"),
     "line 2: occurred_at is a day number of Excel; format the column as a date and write it as 2026-03-02"),
    ("an instant in words", "events.csv", event(at="last Tuesday"), f"line 2: occurred_at {DATE_OR_INSTANT}"),
    ("an hour that the clocks skip", "events.csv", event(at="2026-03-29T01:30:00"),
     "line 2: occurred_at does not exist in London: the clocks went forward; give the offset"),
    ("an hour that the clocks repeat", "events.csv", event(at="2026-10-25T01:30:00"),
     "line 2: occurred_at happened twice in London: the clocks went back; give the offset"),
    ("the year 0026", "events.csv", event(at="0026-03-02"), "line 2: occurred_at has a year that cannot be right"),
    ("the end of all years", "events.csv", event(at="9999-12-31T23:59:59-05:00"),
     "line 2: occurred_at has a year that cannot be right"),
    ("a recording that is no date", "events.csv", event(recorded=CANARY), f"line 2: recorded_at {DATE_OR_INSTANT}"),
    ("a detail that is a list", "events.csv", event(detail="[1]"),
     'line 2: detail is not a JSON object such as {"method": "phone"}'),
    ("a detail that is no JSON", "events.csv", event(detail=f"{{method: {CANARY}}}"),
     "line 2: detail is not JSON (at character 2)"),
    ("a detail with a key twice", "events.csv", event(detail='{"a": 1, "a": 2}'), "line 2: detail names a key twice"),
    ("a detail with NaN", "events.csv", event(detail='{"a": NaN}'), "line 2: detail holds NaN, which is not JSON"),
    ("a detail with infinity", "events.csv", event(detail='{"a": 1e999}'),
     "line 2: detail holds a number that is too large"),
    ("a detail with an endless number", "events.csv", event(detail='{"a": ' + "9" * 5000 + "}"),
     "line 2: detail holds a number that is too large"),
    ("a detail 100,000 levels deep", "events.csv", event(detail='{"a":' + "[" * 50_000 + "]" * 50_000 + "}"),
     "line 2: detail is nested deeper than 32 levels"),
    ("a detail with a NUL character", "events.csv", event(detail='{"a": "\\u0000"}'),
     "line 2: detail holds a NUL character"),
    ("a detail with half a character", "events.csv", event(detail='{"a": "\\ud800"}'),
     "line 2: detail holds half of a character"),
    ("a retraction of nothing", "events.csv", event(event="retracted"),
     'line 2: retracted needs the id of the event it withdraws: detail {"event": "ID"}'),
    ("a retraction of a number", "events.csv", event(event="retracted", detail='{"event": 7}'),
     'line 2: retracted needs the id of the event it withdraws: detail {"event": "ID"}'),
    ("a control character in a ref", "events.csv", event(ref="R\x07"), f"line 2: ref {INVISIBLE}"),
    ("an unknown role", "people.csv", PEOPLE + person(role="case_manger"),
     "line 2: no role 'case_manger' is known; did you mean 'case_manager'?"),
    ("no role", "people.csv", PEOPLE + person(role=""), "line 2: role is empty; fill it in"),
    ("a person without an id", "people.csv", PEOPLE + person(person_id=""), "line 2: person_id is empty; fill it in"),
    ("a person without a name", "people.csv", PEOPLE + person(name=""), "line 2: name is empty; fill it in"),
    ("a person without an address", "people.csv", PEOPLE + person(email=""), "line 2: email is empty; fill it in"),
    ("a line break in a name", "people.csv", PEOPLE + person(name="Teal\nBcc: x@example.org"),
     f"line 2: name {INVISIBLE}"),
    ("somebody who leaves before they come", "people.csv",
     PEOPLE + person(valid_from="2026-04-01", valid_to="2026-03-31"),
     "line 2: valid_to is before valid_from; correct one of them"),
    ("a start that does not exist", "people.csv", PEOPLE + person(valid_from="2027-02-29"),
     "line 2: valid_from is not a date that exists, written as 2026-03-02"),
]  # fmt: skip

ADDRESSES = [
    "teal.otter",
    "teal otter@example.org",
    "teal@otter@example.org",
    "Teal Otter <teal.otter@example.org>",
    "teal.otter@example.org, amber@example.org",
    "teal.otter@example.org)amber@evil.example",
    "teal.otter@example",
    ".teal@example.org",
    "teal..otter@example.org",
    "teal.otter@exam\u043fle.org",
    "teal.otter@example.org\nBcc: amber@example.org",
    "=cmd@example.org ",
]


def test_there_are_at_least_sixty_hostile_files() -> None:
    assert len(STRUCTURE) + len(PLACED) + len(ADDRESSES) >= 60


@pytest.mark.parametrize(("name", "content", "sentence"), [row[1:] for row in STRUCTURE], ids=[r[0] for r in STRUCTURE])
def test_a_file_of_another_kind_is_refused_with_what_it_looks_like(
    said: Callable[[str, str | bytes], list[str]], name: str, content: bytes, sentence: str
) -> None:
    assert said(name, content) == [f"{name}: {sentence}"]


@pytest.mark.parametrize(("name", "content", "sentence"), [row[1:] for row in PLACED], ids=[row[0] for row in PLACED])
def test_a_fault_is_one_sentence_with_its_line(
    said: Callable[[str, str | bytes], list[str]], name: str, content: str | bytes, sentence: str
) -> None:
    problems = said(name, content)
    assert problems == [f"{name}, {sentence}"]
    assert CANARY not in "".join(problems)


@pytest.mark.parametrize("address", ADDRESSES[:-1])
def test_an_address_is_one_plain_address_or_refused(said: Callable[[str, str], list[str]], address: str) -> None:
    remedy = "the address is not one plain address such as first.last@council.gov.uk; write the address alone"
    assert said("people.csv", PEOPLE + person(email=address)) == [f"people.csv, line 2: email: {remedy}"]


def test_a_missing_file_a_folder_and_a_device_are_refused(tmp_path: Path) -> None:
    for path, sentence in (
        (tmp_path / "cases.csv", "cases.csv: there is no such file; check the path"),
        (tmp_path, f"{tmp_path.name}: is a folder; give the file itself"),
        (Path("/dev/null"), "null: is not an ordinary file; copy it to a file first"),
    ):
        with pytest.raises(InputRefused) as refused:
            read_cases(path, {})
        assert refused.value.problems == [sentence]


def test_every_problem_of_every_row_is_said_at_once(said: Callable[[str, str], list[str]]) -> None:
    text = EVENTS_HEADER + "A9,alocation,2027-02-29,x,,[]\nA1,allocation,2026-03-02,,,\nA1,,2026-03-02,,,\n"
    assert said("events.csv", text) == [
        "events.csv, line 2: no case has this case_ref; add it to cases.csv, or correct it",
        "events.csv, line 2: no event 'alocation' is known; did you mean 'allocation'?",
        "events.csv, line 2: occurred_at is not a date that exists",
        f"events.csv, line 2: recorded_at {DATE_OR_INSTANT}",
        'events.csv, line 2: detail is not a JSON object such as {"method": "phone"}',
        "events.csv, line 4: event is empty; fill it in",
    ]


def test_the_problems_of_both_files_are_said_together(write: Callable[[str, str], Path]) -> None:
    cases = write("cases.csv", CASES + "A1,South,high\n")
    events = write("events.csv", EVENTS_HEADER + "A1,alocation,2026-03-02,,,\nA2,closed,2026-03-02,,,\n")
    with pytest.raises(InputRefused) as refused:
        read_contract(cases, events, facts={"team": "word", "level": "number"}, words=EVENTS)
    assert refused.value.problems == [
        "cases.csv, line 2: level is not a number",
        "events.csv, line 2: no event 'alocation' is known; did you mean 'allocation'?",
        "events.csv, line 3: no case has this case_ref; add it to cases.csv, or correct it",
    ]


def test_a_broken_cases_file_does_not_hide_what_is_wrong_with_the_events(write: Callable[[str, str], Path]) -> None:
    events = write("events.csv", event(event="alocation"))
    with pytest.raises(InputRefused) as refused:
        read_contract(write("cases.csv", ""), events, facts={}, words=EVENTS)
    assert refused.value.problems == [
        "cases.csv: is empty; it needs a header and rows",
        "events.csv, line 2: no event 'alocation' is known; did you mean 'allocation'?",
    ]


def test_a_thousand_bad_rows_are_listed_and_the_rest_counted(said: Callable[[str, str], list[str]]) -> None:
    problems = said("events.csv", EVENTS_HEADER + "A1,alocation,2026-03-02,,,\n" * 1234)
    assert len(problems) == 1001
    assert problems[0].startswith("events.csv, line 2: ")
    assert problems[999].startswith("events.csv, line 1001: ")
    assert problems[1000] == "events.csv: and 234 bad rows more, not listed"


def test_one_id_with_two_contents_sets_both_rows_at_fault(said: Callable[[str, str], list[str]]) -> None:
    rows = "A1,allocation,2026-03-02,,,,X1\nA1,closed,2026-04-02,,,,X2\nA1,allocation,2026-03-03,,,,X1\n"
    assert said("events.csv", WITH_ID + rows) == [
        "events.csv, line 2: the same id stands with other content on line 4; keep one of them",
        "events.csv, line 4: the same id stands with other content on line 2; keep one of them",
    ]


def test_true_and_one_are_two_contents(said: Callable[[str, str], list[str]]) -> None:
    rows = 'A1,closed,2026-03-02,,,"{""a"": true}",X1\nA1,closed,2026-03-02,,,"{""a"": 1}",X1\n'
    assert len(said("events.csv", WITH_ID + rows)) == 2


def test_a_case_twice_with_other_attributes_is_at_fault_and_an_exact_repeat_is_not(
    said: Callable[[str, str], list[str]],
) -> None:
    assert said("cases.csv", CASES + "A1,South,3\nA1,South,3.0\n") == []
    assert said("cases.csv", CASES + "A1,South,3\nA1,West,3\n") == [
        "cases.csv, line 2: the same case_ref stands with other attributes on line 3; keep one of them",
        "cases.csv, line 3: the same case_ref stands with other attributes on line 2; keep one of them",
    ]


def test_a_file_over_the_stated_size_is_refused_before_it_is_read(write: Callable[[str, str], Path]) -> None:
    path = write("events.csv", EVENTS_HEADER + ROW * 100)
    with pytest.raises(InputRefused) as refused:
        scan_events(path, None, EVENTS, size_limit=1000)
    size = path.stat().st_size
    sentence = f"is over the limit of 1,000 bytes ({size:,} bytes); split it, or raise the limit"
    assert refused.value.problems == [f"events.csv: {sentence}"]
    scan_events(path, None, EVENTS, size_limit=size)


def test_a_file_cut_anywhere_in_a_row_is_refused_or_is_seen_to_end_without_a_line_break(tmp_path: Path) -> None:
    text = EVENTS_HEADER + 'A1,contact_made,2026-03-02,,R1,"{""method"": ""phone""}"\n'
    path = tmp_path / "events.csv"
    taken = []
    for cut in range(len(EVENTS_HEADER) + 1, len(text)):
        path.write_text(text[:cut], encoding="utf-8")
        try:
            scan = scan_events(path, None, EVENTS)
        except InputRefused:
            continue
        assert scan.rows.ended_open
        if not scan.rows.bad.count:
            taken.append(text[:cut].splitlines()[1])
    # Only a cut between two cells, before one that may be empty, leaves a row that can be read.
    assert taken == ["A1,contact_made,2026-03-02,,R1,", text.splitlines()[1]]
