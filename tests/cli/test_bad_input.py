"""Every bad input has a sentence with its place and its remedy, an exit code and no traceback; nothing is half done."""

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ehscheduler.plugins import installed
from ehscheduler.store.store import Store
from tests.cli.conftest import Cli
from tests.cli.test_commands import CASES, EVENTS, PEOPLE, small

__all__ = ["small"]

TIMELINE = ("timeline", "--cases", "cases.csv", "--events", "events.csv")


@pytest.fixture
def files(tmp_path: Path) -> Callable[..., None]:
    """Write the three files of the contract, some of them otherwise."""

    def write(**texts: str) -> None:
        for name, text in ({"cases": CASES, "events": EVENTS, "people": PEOPLE} | texts).items():
            (tmp_path / f"{name}.csv").write_text(text)

    return write


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], None]:
    def write(text: str) -> None:
        (tmp_path / "config.toml").write_text(text)

    return write


# ---- usage


@pytest.mark.parametrize(
    "words",
    [
        ("nonsense",),
        ("import",),
        ("due", "--format", "xml"),
        ("due", "--nonsense"),
        ("record", "C1"),
        ("relax", "C1", "first-visit", "--until", "2026-06-30"),
        ("explain", "C1"),
        ("outbox", "--state", "lost"),
        ("outbox", "--limit", "0"),
        ("timeline", "--authority", "nottinghamshire"),
        ("forecast", "--cases", "a", "--events", "b"),
        ("policy", "show"),
        ("policy", "show", "nottinghamshire", "--show", "nonsense"),
        ("due", "--show", "nonsense"),
    ],
    ids=" ".join,
)
def test_a_command_that_is_used_wrongly_exits_2_and_says_how(cli: Cli, words: tuple[str, ...]) -> None:
    cli("init", "--authority", "nottinghamshire")
    said = cli(*words)
    assert said.code == 2
    assert said.out == ""
    assert "Error" in said.err or "Usage" in said.err


# ---- no configuration, no database


@pytest.mark.parametrize(
    "words",
    [
        ("due",), ("tick",), ("run",), ("outbox",), ("rebuild",),
        ("record", "C1", "home_visit"), ("explain", "C1", "plan"), ("close", "C1", "--reason", "moved"),
        ("import", "--cases", "cases.csv"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_without_a_configuration_each_command_says_how_to_make_one(cli: Cli, words: tuple[str, ...]) -> None:
    said = cli(*words)
    assert (said.code, said.out) == (1, "")
    assert said.err == "there is no config.toml here; run 'ehscheduler init', or name a file with --config\n"


def test_a_configuration_that_is_named_and_not_there_is_refused(cli: Cli) -> None:
    said = cli("due", "--config", "elsewhere.toml")
    assert said.code == 1
    assert "elsewhere.toml: there is no such file; make one with 'ehscheduler init'" in said.err


def test_init_into_a_folder_that_is_not_there_is_refused(cli: Cli) -> None:
    said = cli("init", "--config", "nowhere/config.toml")
    assert said.code == 1
    assert "nowhere/config.toml: cannot be written (No such file or directory)" in said.err


def test_a_database_that_is_not_there_is_refused(cli: Cli, tmp_path: Path) -> None:
    cli("init", "--authority", "nottinghamshire")
    (tmp_path / "ehscheduler.db").unlink()
    said = cli("due")
    assert said.code == 1
    assert "there is no database at" in said.err
    assert "run `ehscheduler init` to make it" in said.err


@pytest.mark.parametrize("content", [b"This is a letter, and no database. " * 200, b"", b"\0" * 5000], ids=len)
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(cli: Cli, tmp_path: Path, content: bytes) -> None:
    cli("init", "--authority", "nottinghamshire")
    for path in tmp_path.glob("ehscheduler.db*"):
        path.unlink()
    (tmp_path / "ehscheduler.db").write_bytes(content)
    for words in (("due",), ("tick",), ("import", "--cases", "cases.csv")):
        said = cli(*words)
        assert said.code == 1
        assert "ehscheduler.db" in said.err
        assert len(said.err.splitlines()) == 1
    assert not content or (tmp_path / "ehscheduler.db").read_bytes() == content


def test_a_locked_database_is_named_with_who_holds_it(
    small: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Store.open.__func__  # type: ignore[attr-defined]
    monkeypatch.setattr(Store, "open", classmethod(lambda cls, where: real(cls, where, busy_seconds=0.2)))
    other = sqlite3.connect(tmp_path / "ehscheduler.db", isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        for words in (("record", "C1", "home_visit", "--at", "2026-06-02"), ("tick",)):
            said = small(*words)
            assert said.code == 1
            assert "has been locked" in said.err
            assert "nothing was written" in said.err
        assert small("due").code == 0  # to read it is no need to wait
    finally:
        other.close()
    assert small("record", "C1", "home_visit", "--at", "2026-06-02").code == 0


# ---- what the configuration says

LADDER = '[ladders.nottinghamshire]\noverdue = [{{ who = ["{}"], after = "{}" }}]'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("this is not TOML", "config.toml: is not TOML"),
        ('[databse]\nurl = "x"', "config.toml [databse]: there is no such setting; did you mean 'database'?"),
        ("[mail]\nprot = 25", "config.toml [mail] prot: there is no such setting; did you mean 'port'?"),
        ('[mail]\nport = "many"', "config.toml [mail] port: Input should be a valid integer"),
        ("[mail]\nport = 99999", "config.toml [mail] port: Input should be less than or equal to 65535"),
        ('[mail]\nchannel = "pigeon"', "config.toml [mail] channel: Input should be 'smtp' or 'file'"),
        ("[daemon]\ntick_seconds = 0", "config.toml [daemon] tick_seconds: Input should be greater than or equal to 1"),
        ('[live.nottinghamshire]\nmode = "shade"', "config.toml [live.nottinghamshire] mode: Input should be"),
        ("[live.nottinghamshire]\nfrom = 2026-13-01", "config.toml: is not TOML"),
        ('[live.nottinghamshire]\nfrom = "soon"', "config.toml [live.nottinghamshire] from: "),
        ('[live.nottinghamshire]\nrules = ["first-vist"]', "no rule 'first-vist'; did you mean 'first-visit'?"),
        ('[live.notinghamshire]\nmode = "shadow"', "no authority 'notinghamshire' is installed; did you mean"),
        (
            '[ladders.nottinghamshire]\noverdue = [{ who = ["line_manger"], after = "1 day" }]',
            "did you mean 'line_manager'",
        ),
        ('[ladders.nottinghamshire]\noverdue = [{ who = ["line_manager"], after = "soon" }]', "after: Value error"),
        (
            '[ladders.nottinghamshire]\noverdue = [{ who = ["line_manager"], after = "3 hours" }]',
            "must be a length in days",
        ),
        ('[readings.nottinghamshire.remnders]\nanswer = "x"', "no reading 'remnders'; did you mean 'reminders'?"),
        ('[link]\nnottinghamshire = "https://cases.example/"', "the template must be an https address with {case_ref}"),
        (
            '[link]\nnottinghamshire = "https://x.example/<{case_ref}>"',
            "[link] nottinghamshire: the link must be a plain",
        ),
        ('[duty.nottinghamshire]\nNorth = "duty desk"', "[duty.nottinghamshire] North: the address is not one plain"),
        ('[operator]\nemail = "it"', "[operator] email: the address is not one plain address"),
        ('[mail]\nsender = "nobody"', "[mail] from address: the address is not one plain address"),
        ('[mail]\nsender_name = "A\\r\\nBcc: x"', "[mail] from name holds a control character"),
        ('[mail]\nchannel = "smtp"\nhost = "mail.example"\nsecurity = "none"', "is for this machine only"),
        ('[mail]\nchannel = "smtp"\nusername = "me"', "there is a username and its password is not set"),
        ('[database]\nurl = "mysql://x/y"', "mysql"),
    ],
    ids=lambda value: value.replace("\n", " ")[:60] if isinstance(value, str) else None,
)
def test_a_fault_of_the_configuration_is_named_with_its_place(
    cli: Cli, config: Callable[[str], None], text: str, said: str
) -> None:
    cli("init", "--authority", "nottinghamshire")
    config(text)
    answer = cli("tick")
    assert answer.code == 1
    assert said in answer.err
    doctor = cli("doctor", "--format", "json")
    assert doctor.code == 1
    assert any(not finding["ok"] for finding in json.loads(doctor.out))


def test_every_fault_of_the_configuration_is_named_at_once(cli: Cli, config: Callable[[str], None]) -> None:
    config("[mail]\nprot = 25\nchannel = 'pigeon'\n[daemon]\ntick_seconds = 0\n[databse]\nx = 1\n")
    said = cli("tick")
    assert said.code == 1
    assert len(said.err.splitlines()) == 4


# ---- what the files say


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ({"cases": ""}, "cases.csv"),
        ({"events": ""}, "events.csv"),
        ({"cases": "\0\1\2\3" * 50}, "cases.csv"),
        ({"cases": CASES.replace("case_ref", "case")}, "cases.csv"),
        ({"events": EVENTS.replace("occurred_at", "occured_at")}, "did you mean 'occurred_at'"),
        ({"cases": CASES.replace("level", "levl")}, "levl"),
        ({"events": EVENTS.replace(",allocation,", ",alocation,")}, "did you mean 'allocation'?"),
        ({"events": EVENTS.replace("2026-06-01", "2026-06-31")}, "line 2: occurred_at is not a date that exists"),
        ({"events": EVENTS.replace("C1,", "C2,")}, "events.csv, line 2: no case has this case_ref"),
        ({"cases": CASES.replace(",3", ",three")}, "cases.csv, line 2: level is not a number"),
        ({"events": EVENTS.replace("2026-06-01,,,", '2026-06-01,,,"{""a"": NaN}"')}, "events.csv, line 2"),
    ],
    ids=[
        "empty cases", "empty events", "binary", "no case_ref", "unknown column of events", "unknown column of cases",
        "unknown event", "no such date", "unknown case", "no number", "a detail that is no number",
    ],
)  # fmt: skip
def test_a_file_at_fault_is_refused_by_timeline_and_by_import(
    cli: Cli, files: Callable[..., None], texts: dict[str, str], said: str
) -> None:
    files(**texts)
    answer = cli(*TIMELINE, "--authority", "nottinghamshire", "--at", "2026-07-01")
    assert answer.code == 1
    told = json.loads(answer.out)
    assert told["milestones"] == []
    assert any(said in problem for problem in told["problems"]), told["problems"]
    cli("init", "--authority", "nottinghamshire")
    refused = cli("import", "--cases", "cases.csv", "--events", "events.csv")
    assert refused.code == 1
    assert said in refused.err
    assert refused.out == ""
    assert json.loads(cli("due", "--format", "json").out) == []


@pytest.mark.parametrize("name", ["nowhere.csv", "."], ids=["not there", "a folder"])
def test_a_file_that_cannot_be_opened_is_refused(cli: Cli, name: str) -> None:
    cli("init", "--authority", "nottinghamshire")
    for option in ("--cases", "--events", "--people"):
        said = cli("import", option, name)
        assert said.code == 1
        assert len(said.err.splitlines()) == 1


def test_an_oversized_file_is_refused_before_it_is_read(cli: Cli, tmp_path: Path) -> None:
    cli("init", "--authority", "nottinghamshire")
    with (tmp_path / "big.csv").open("wb") as file:
        file.truncate(201 * 1024 * 1024)
    said = cli("import", "--cases", "big.csv")
    assert said.code == 1
    assert "big.csv" in said.err
    assert "200 MiB" in said.err or "larger" in said.err


def test_a_formula_in_a_name_is_taken_as_text_and_noted(cli: Cli, files: Callable[..., None]) -> None:
    files(people=PEOPLE.replace("Wren Worker", '"=HYPERLINK(""http://evil.example"",""x"")"'))
    cli("init", "--authority", "nottinghamshire")
    said = cli("import", "--people", "people.csv")
    assert said.code == 0
    assert "the name begins like a spreadsheet formula; it is kept as text" in said.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--at", "2026-02-30"), "--at: '2026-02-30' is not a date that exists"),
        (("--at", "yesterday"), "--at: 'yesterday' is neither a date (2026-03-02) nor an instant"),
        (("--at", "2026-07-01T10:00:00+99:00"), "--at: "),
    ],
    ids=["no such date", "words", "no such offset"],
)
def test_an_instant_that_cannot_be_is_a_problem(
    cli: Cli, files: Callable[..., None], words: tuple[str, ...], said: str
) -> None:
    files()
    answer = cli(*TIMELINE, "--authority", "nottinghamshire", *words)
    assert answer.code == 1
    assert said in json.loads(answer.out)["problems"][0]


def test_an_end_before_a_start_is_a_problem(cli: Cli, files: Callable[..., None]) -> None:
    files()
    words = ("forecast", *TIMELINE[1:], "--authority", "nottinghamshire")
    answer = cli(*words, "--from", "2026-07-02", "--until", "2026-07-01")
    assert answer.code == 1
    assert json.loads(answer.out)["problems"] == ["--until lies before --from; swap them"]


def test_an_unknown_authority_is_named_with_the_nearest(cli: Cli, files: Callable[..., None]) -> None:
    files()
    answer = cli(*TIMELINE, "--authority", "nottinghamshir", "--at", "2026-07-01")
    assert answer.code == 1
    known = ", ".join(installed())
    problem = f"no authority 'nottinghamshir' is installed; did you mean 'nottinghamshire'? (installed: {known})"
    assert json.loads(answer.out)["problems"] == [problem]
    cli("init", "--authority", "nottinghamshire")
    for words in (("due",), ("record", "C1", "home_visit"), ("policy", "check", "nottinghamshir")):
        said = cli(*words, *(() if words[0] == "policy" else ("--authority", "nottinghamshir")))
        assert (said.code, said.err.strip()) == (1, problem)


# ---- what a person says


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("record", "C11", "home_visit"), "nottinghamshire has no case 'C11'; did you mean 'C1'?"),
        (("record", "C1", "home_vist"), "no event 'home_vist' can be recorded; did you mean 'home_visit'?"),
        (("record", "C1", "home_visit", "--at", "2026-06-31"), "--at: '2026-06-31' is not a date that exists"),
        (("record", "C1", "home_visit", "--at", "2026-06-04"), "--at: 2026-06-04 lies ahead"),
        (("record", "C1", "home_visit", "--detail", "{x"), "--detail is not JSON (at character 2)"),
        (("record", "C1", "home_visit", "--detail", "[1]"), "--detail is not a JSON object"),
        (("record", "C1", "home_visit", "--detail", '{"a": NaN}'), "holds what cannot be stored"),
        (("record", "C1", "home_visit", "--detail", "[" * 20_000), "--detail is"),
        (("record", "C1", "home_visit", "--detail", '{"level": "x"}'), "--detail: level is not a number"),
        (("correct", "C1", "nothing"), "case 'C1' has no event 'nothing'"),
        (("hold", "C9", "--reason", "stepped_up"), "nottinghamshire has no case 'C9'"),
        (("resume", "C1"), "the case was not on hold"),
        (("close", "C1", "--reason", "moved", "--at", "2026-06-04"), "--at: 2026-06-04 lies ahead"),
        (("explain", "C9", "plan"), "nottinghamshire has no case 'C9'"),
        (("explain", "C1", "pln"), "nottinghamshire has no rule 'pln'; did you mean 'plan'?"),
        (("explain", "C1", "epn-copy"), "case C1 has no milestone of 'epn-copy'; it has "),
        (("explain", "C1", "plan", "--at", "2026-06-31"), "--at: '2026-06-31' is not a date that exists"),
        (("due", "--by-day", "2026-06-31"), "--by-day: '2026-06-31' is not a date"),
        (("policy", "check", "nowhere.toml"), "nowhere.toml: there is no such policy file"),
        (("policy", "show", "cases.csv"), "cases.csv"),
    ],
    ids=lambda value: " ".join(value)[:50] if isinstance(value, tuple) else None,
)
def test_what_a_person_says_wrongly_is_refused_with_a_remedy(small: Cli, words: tuple[str, ...], said: str) -> None:
    before = small("due", "--format", "json").out
    answer = small(*words)
    assert (answer.code, answer.out) == (1, "")
    assert said in answer.err
    assert small("due", "--format", "json").out == before


RELAX = ("relax", "C1", "first-visit", "--reason", "illness")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((*RELAX, "--until", "2026-06-31", "--by-role", "team_manager"), "--until: '2026-06-31' is not a date"),
        ((*RELAX, "--until", "2026-06-30", "--by-role", "team_manger"), "no role 'team_manger'; did you mean"),
        ((*RELAX, "--until", "2026-06-30", "--by-role", "case_manager"), "case_manager may not agree it"),
        ((*RELAX, "--until", "9999-12-31", "--by-role", "team_manager"), ""),
    ],
    ids=["no such date", "unknown role", "wrong rank", "the end of time"],
)
def test_a_relaxation_that_may_not_be_is_refused(small: Cli, words: tuple[str, ...], said: str) -> None:
    answer = small(*words)
    if said:
        assert (answer.code, answer.out) == (1, "")
        assert said in answer.err
    assert small("due").code == 0
    assert small("tick").code == 0


def test_letters_that_a_terminal_would_obey_are_shown_and_not_done(cli: Cli, files: Callable[..., None]) -> None:
    files(cases=CASES.replace("North", "[bold]N[/nothing]"))
    cli("init", "--authority", "nottinghamshire")
    assert cli("import", "--cases", "cases.csv", "--events", "events.csv").code == 0
    for words in (("due",), ("explain", "C1", "plan"), ("outbox",)):
        said = cli(*words)
        assert said.code == 0
        assert "\x1b" not in said.out


# ---- the mail server


def test_a_mail_server_that_is_not_there_is_said_and_nothing_is_lost(
    small: Cli, config: Callable[[str], None], at: Callable[[str], None]
) -> None:
    small("tick")
    config('[mail]\nchannel = "smtp"\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\n')
    at("2026-06-10 08:30")
    said = small("tick")
    assert said.code == 0
    assert "0 messages handed over, 1 message to be tried again" in said.out
    doctor = small("doctor", "--format", "json")
    assert doctor.code == 1
    findings = {finding["area"]: finding for finding in json.loads(doctor.out)}
    assert not findings["mail"]["ok"]
    assert "127.0.0.1:9 answers:" in findings["mail"]["said"]
    config('[mail]\nchannel = "file"\nfolder = "outbox"\n')
    at("2026-06-10 08:35")
    assert "1 message handed over" in small("tick").out


def test_a_folder_that_cannot_be_written_pauses_and_loses_nothing(
    small: Cli, config: Callable[[str], None], at: Callable[[str], None], tmp_path: Path
) -> None:
    small("tick")
    (tmp_path / "taken").write_text("a file where the folder should be")
    config('[mail]\nchannel = "file"\nfolder = "taken"\n')
    at("2026-06-10 08:30")
    assert "0 messages handed over" in small("tick").out
    wrong: Any = [f for f in json.loads(small("doctor", "--format", "json").out) if not f["ok"]]
    assert any("nothing can be sent by mail until [mail] in the configuration is put right" in f["said"] for f in wrong)
    config('[mail]\nchannel = "file"\nfolder = "outbox"\n')
    at("2026-06-10 08:40")
    assert "1 message handed over" in small("tick").out
    assert small("doctor").code == 0
