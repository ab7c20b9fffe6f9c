"""The mapping file: read whole, or refused with every fault."""

from collections.abc import Callable
from pathlib import Path

import pytest

from ehscheduler.core.vocabulary import EVENTS, FACTS
from ehscheduler.errors import InputRefused
from ehscheduler.intake.caseload import MAPPING, OWN_WORDS
from ehscheduler.intake.mapping import StepMapping, mapping_of, read_mapping


def faults(text: str) -> list[str]:
    try:
        mapping_of(text, "mapping.toml", FACTS, EVENTS)
    except InputRefused as refused:
        return refused.problems
    return []


@pytest.fixture
def changed(mapping_text: str) -> Callable[[str, str], list[str]]:
    """Return a function that changes one place of a good mapping and gives what is said."""

    def change(old: str, new: str) -> list[str]:
        assert mapping_text.count(old) >= 1, old
        return faults(mapping_text.replace(old, new, 1))

    return change


def test_the_mapping_of_the_tests_and_that_of_the_caseload_are_without_fault(mapping_text: str) -> None:
    assert faults(mapping_text) == []
    mapping_of(MAPPING, "mapping.toml", FACTS, EVENTS | OWN_WORDS)


def test_a_mapping_names_every_header_once(mapping: StepMapping) -> None:
    assert mapping.headers == (
        "STEP_ID", "TYPE", "GROUP", "PERSON", "INCOMING", "STARTED", "DONE", "STATUS", "WORKER", "TEAM", "LEVEL",
        "DOB", "NAME", "METHOD",
    )  # fmt: skip


def test_the_worker_is_the_lead_by_itself(mapping: StepMapping) -> None:
    assert mapping.facts == {"team": "TEAM", "level": "LEVEL", "index_child_dob": "DOB", "lead": "WORKER"}


FAULTS = [
    ("an unknown table", "[ignore]", "[ignored]",
     "mapping.toml [ignored]: no table 'ignored'; did you mean 'ignore'?"),
    ("an unknown key", "source = ", "sorce = 'x'\nsource = ",
     "mapping.toml [extract]: no key 'sorce'; did you mean 'source'?"),
    ("no source", 'source = "mosaic"\n', "",
     "mapping.toml [extract]: has no 'source', which every such table needs"),
    ("a source that cannot begin an id", '"mosaic"', '"Mosaic System"',
     "mapping.toml [extract]: source has small letters, digits and '-', and begins with a letter: ids begin with it"),
    ("a case that is neither", '"group_id"', '"family_id"',
     "mapping.toml [extract]: case = 'family_id' is none of group_id, person_id"),
    ("a year of two digits", '"%d/%m/%Y"]', '"%d/%m/%y"]',
     "mapping.toml [extract]: dates: '%d/%m/%y' reads years of two digits, which are not read; ask the source for "
     "four, and write %Y"),
    ("an unknown directive", '"%d/%m/%Y"]', '"%d/%m/%Y %p"]',
     "mapping.toml [extract]: dates: '%d/%m/%Y %p' holds %p; known are %d, %m, %b, %Y, %H, %M, %S, or 'iso' for "
     "2026-03-02 and 2026-03-02T10:00:00"),
    ("a format without a year", '"%d/%m/%Y"]', '"%d/%m"]',
     "mapping.toml [extract]: dates: '%d/%m' needs a day (%d), a month (%m or %b) and a year (%Y)"),
    ("a format with an hour alone", '"%d/%m/%Y"]', '"%d/%m/%Y %H"]',
     "mapping.toml [extract]: dates: '%d/%m/%Y %H' needs an hour (%H) with a minute (%M)"),
    ("day first and month first", '"%d/%m/%Y"]', '"%d/%m/%Y", "%m/%d/%Y"]',
     "mapping.toml [extract]: dates: two formats read one text as two dates; keep the one that the source writes"),
    ("a field misspelt", "started_on       =", "startd_on =",
     "mapping.toml [columns]: no field 'startd_on'; did you mean 'started_on'?"),
    ("no column for the case", 'group_id         = "GROUP"\n', "",
     "mapping.toml [columns]: has no 'group_id', which every such table needs"),
    ("two fields in one column", '"INCOMING"', '"STARTED"',
     "mapping.toml [columns]: two fields name the column 'STARTED'"),
    ("a status under two heads", '["STARTED"]', '["STARTED", "COMPLETED"]',
     "mapping.toml [status]: 'COMPLETED' stands under counts and under not_yet"),
    ("an unknown event", '"home_visit"', '"home_vist"',
     "mapping.toml [[step]] 2: no event 'home_vist' is known; did you mean 'home_visit'?"),
    ("an event that is derived", '"home_visit"', '"retracted"',
     "mapping.toml [[step]] 2: event = 'retracted' is derived from the rows; it cannot be a step"),
    ("a date that is none", '"started_on"', '"begun_on"',
     "mapping.toml [[step]] 4: on = 'begun_on' is none of incoming_on, started_on, completed_on"),
    ("a date without a column", 'started_on       = "STARTED"\n', "",
     "mapping.toml [[step]] 4: on = 'started_on', but [columns] does not say where started_on stands"),
    ("an unknown status", '["STARTED", "COMPLETED"]\n', '["STARTD"]\n',
     "mapping.toml [[step]] 4: no status 'STARTD' stands in [status]; did you mean 'STARTED'?"),
    ("a step without a type", 'type  = "Home Visit"\n', "",
     "mapping.toml [[step]] 2: has no 'type', which every such table needs"),
    ("one step twice", '"Home Visit"\nevent = "home_visit"', '"Allocation"\nevent = "allocation"',
     "mapping.toml [[step]]: 'Allocation' as allocation stands twice"),
    ("a step that is ignored", '["Case Note"]', '["Home Visit"]',
     "mapping.toml [ignore]: 'Home Visit' is also a [[step]]"),
    ("a personal column in a detail", '"NAME"', '"METHOD"',
     "mapping.toml: the column 'METHOD' is personal, and [[step]] 3 detail_from uses it too"),
    ("a personal column as an attribute", '"NAME"', '"TEAM"',
     "mapping.toml: the column 'TEAM' is personal, and [facts] team uses it too"),
    ("a personal column as an id", '"NAME"', '"PERSON"',
     "mapping.toml: the column 'PERSON' is personal, and [columns] person_id uses it too"),
    ("a birthday in a detail", 'detail_from = { method = "METHOD" }', 'detail_from = { index_child_dob = "DOB" }',
     "mapping.toml [[step]] 3: detail_from.index_child_dob is personal, and no event holds it; use [facts] or "
     "[children]"),
    ("a free text in a detail", '{ method = "METHOD" }', '{ method = "METHOD", note = "NOTE" }',
     "mapping.toml: a detail takes the column 'NOTE', so it needs its codes: [codes.'NOTE']"),
    ("codes that nothing uses", "[codes.METHOD]", "[codes.METHODS]\nx = 'y'\n[codes.METHOD]",
     "mapping.toml [codes]: nothing uses the column 'METHODS'; did you mean 'METHOD'?"),
    ("an unknown attribute", "level =", "levle =",
     "mapping.toml [facts]: no fact 'levle' is declared; did you mean 'level'?"),
    ("children as an attribute", "level =", "children =",
     "mapping.toml [facts]: children are a list; use the table [children] with ref and born"),
    ("a key under detail and detail_from", 'ref         = "workflow_step_id"', 'detail = { method = "phone" }',
     "mapping.toml [[step]] 3: method stands under detail and under detail_from"),
    ("a detail that is a table", '{ about = "allocation" }', "{ about = { a = 1 } }",
     "mapping.toml [[step]] 4: detail.about must be a text, a number, a date, true or false, or a list of such"),
    ("an ignored column that is used", '["Case Note"]', '["Case Note"]\ncolumns = ["TEAM"]',
     "mapping.toml [ignore]: the column 'TEAM' is used elsewhere in this file"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "sentence"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_fault_is_named_with_table_and_remedy(
    changed: Callable[[str, str], list[str]], old: str, new: str, sentence: str
) -> None:
    assert sentence in changed(old, new)


def test_every_fault_is_said_at_once(mapping_text: str) -> None:
    text = mapping_text.replace('"home_visit"', '"home_vist"').replace("level =", "levle =").replace("never", "nevr")
    assert len(faults(text)) == 3


def test_an_empty_mapping_says_all_that_it_needs() -> None:
    assert faults("") == [
        "mapping.toml: has no [extract] table, which every mapping needs",
        "mapping.toml: has no [columns] table, which every mapping needs",
        "mapping.toml [columns]: has no 'workflow_step_id', which every such table needs",
        "mapping.toml [columns]: has no 'step_type', which every such table needs",
        "mapping.toml [columns]: has no 'status', which every such table needs",
        "mapping.toml: has no [status] table, which every mapping needs",
        "mapping.toml [status]: has no 'counts', which every such table needs",
        "mapping.toml [extract]: has no 'source', which every such table needs",
        "mapping.toml [extract]: has no 'case', which every such table needs",
        "mapping.toml [extract]: has no 'dates', which every such table needs",
        "mapping.toml: has no [[step]] table; write one for each type of step that is an event",
    ]


@pytest.mark.parametrize(
    "text",
    ["[extract", "extract = 1\ncolumns = 2\nstep = 3\nstatus = 4", "step = [1, 2]", "[step]\na = 1", "codes = 7"],
)
def test_a_file_of_another_shape_is_refused_in_sentences(text: str) -> None:
    assert faults(text)


def test_a_mapping_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    bad = tmp_path / "mapping.toml"
    for content, sentence in (
        (None, "mapping.toml: cannot be read (No such file or directory); check the path and the rights"),
        (b"source = '\xff'", "mapping.toml: is not UTF-8 text; save it as UTF-8"),
        (b"#" * 2_000_000, "mapping.toml: is over 1 MiB, which no mapping file is; give the mapping, not the extract"),
    ):
        if content is not None:
            bad.write_bytes(content)
        with pytest.raises(InputRefused) as refused:
            read_mapping(bad, FACTS, EVENTS)
        assert refused.value.problems == [sentence]
