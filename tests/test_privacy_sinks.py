"""Sixty hard names wherever a family's own words can come in: none of them is in anything that goes out.

What goes out is mail, chat messages, texts, calendars, tables, figures, answers, reports, logs, and what
this machine shows of a process. The names of colleagues do go out: they stay what they are.
"""

import csv
import io
import json
import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import icalendar
import pytest
from prometheus_client.parser import text_string_to_metric_families

from ehscheduler.cli.service import _Json
from tests.cli.conftest import Cli, at, cli
from tests.notify.govuk_server import TAKEN, GovukServer, answer
from tests.notify.hostile_strings import HEADER_STRINGS, NAMES_THAT_SURVIVE
from tests.notify.page_reader import Page
from tests.notify.scripted_server import ScriptedServer
from tests.test_privacy import found

__all__ = ["at", "cli"]

ODD = [
    *NAMES_THAT_SURVIVE,
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{ 7*7 }}",
    "{% raw %}",
    "${7*7}",
    "%(name)s",
    "<!channel>",
    "<@U012AB3CD>",
    "[x](https://evil.example)",
    "**bold**",
    "`code`",
    "&lt;b&gt;",
    "a;b:c,d",
    "\\n\\N\\,",
    "Subject: x",
    "=?utf-8?q?x?=",
    "e\u0301\u0327",
    "\u05e9\u05dc\u05d5\u05dd",
    "\u4f8b\u5b50",
    "\U0001f9d2\U0001f3fd",
    "c\u043euncil",
    "\u1e9e\u00df\u017f",
    "\ufb01sh",
    "I\u0307",
    "Null",
    "None",
    "true",
    "1e9",
    "../../etc",
    "C:\\x",
    "' OR 1=1 --",
    "de la Cruz y N\u00fa\u00f1ez-Smith",
    "Ng",
    "van 't Hoff",
    "O\u2019Neill",
    "Mary  Ann",
    "\u200eLeft",
    "a\u00adb",
    "x" * 200,
    "\u0130\u0131",
    "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\u0ba4\u0bae\u0bbf\u0bb4\u0bcd",
]
assert len(ODD) == 60
MARKS = [f"kanari{n:02}q" for n in range(len(ODD))]
NAMES = [f"{odd} {mark}" for odd, mark in zip(ODD, MARKS, strict=True)]
SECRETS = {"HOOK_SLACK": "sekret1q", "HOOK_TEAMS": "sekret2q", "EHS_TEXT": "sekret3q", "EHS_SMTP_PASSWORD": "sekret4q"}
MAPPING = """\
[extract]
source = "mosaic"
case   = "group_id"
dates  = ["%d/%m/%Y"]
[columns]
workflow_step_id = "ID"
step_type        = "TYPE"
group_id         = "FAMILY"
started_on       = "STARTED"
completed_on     = "DONE"
status           = "STATUS"
worker_id        = "WORKER"
due_on           = "DUE"
[status]
counts  = ["COMPLETED"]
not_yet = ["STARTED"]
[[step]]
type  = "Allocation"
event = "allocation"
on    = "completed_on"
[[step]]
type  = "Visit"
event = "home_visit"
on    = "completed_on"
[[step]]
type  = "Assessment"
event = "assessment_completed"
on    = "completed_on"
[facts]
team = "TEAM"
[personal]
child_name  = "CHILD"
family_name = "NAME"
address     = "ADDRESS"
[ignore]
columns = ["NOTE"]
"""
STEPS = (
    "ID",
    "TYPE",
    "FAMILY",
    "STARTED",
    "DONE",
    "STATUS",
    "WORKER",
    "DUE",
    "TEAM",
    "CHILD",
    "NAME",
    "ADDRESS",
    "NOTE",
)
PEOPLE = tuple("person_id name email role team line_manager_id valid_from valid_to".split())
DISPUTED, FAMILIES = "F3", len(NAMES)


def written(columns: tuple[str, ...], rows: list[Mapping[str, str]]) -> str:
    out = io.StringIO()
    made = csv.DictWriter(out, columns, restval="")
    made.writeheader()
    made.writerows(rows)
    return out.getvalue()


def steps() -> str:
    rows = []
    for n, name in enumerate(NAMES):
        row = {"FAMILY": f"F{n}", "STARTED": "02/11/2026", "STATUS": "COMPLETED", "WORKER": f"w{n % 3}"}
        row |= {"TEAM": "North", "CHILD": name, "NAME": name, "ADDRESS": name, "NOTE": name}
        rows.append(row | {"ID": f"A{n}", "TYPE": "Allocation", "DONE": "02/11/2026"})
        if n == 0:
            rows.append(row | {"ID": "V", "TYPE": "Visit", "DONE": "06/11/2026", "DUE": "09/11/2026"})
        rows.append(row | {"ID": f"S{n}", "TYPE": "Assessment", "STATUS": "STARTED", "DUE": "14/12/2026"})
    return written(STEPS, rows)


def events() -> str:
    rows = [
        {"case_ref": f"F{n}", "event": "home_visit", "occurred_at": "2026-11-05", "detail": json.dumps({"note": name})}
        for n, name in enumerate(NAMES)
        if n % 5 == 4
    ]
    return written(("case_ref", "event", "occurred_at", "recorded_at", "ref", "detail"), rows)


def people(*more: Mapping[str, str]) -> str:
    rows: list[Mapping[str, str]] = [
        {"person_id": f"w{n}", "name": f"Worker {n}", "email": f"w{n}@council.example", "role": "case_manager"}
        | {"team": "North", "line_manager_id": "m1"}
        for n in range(3)
    ]
    rows.append({"person_id": "m1", "name": "Mo Manager", "email": "m1@council.example", "role": "team_manager"})
    rows[-1] = {**rows[-1], "team": "North", "line_manager_id": "s1"}
    rows.append({"person_id": "s1", "name": "Sam Senior", "email": "s1@council.example", "role": "service_manager"})
    return written(PEOPLE, [*rows, *more])


@dataclass
class Sinks:
    """Everything that left, was shown or was written, by where it went."""

    kept: dict[str, list[bytes]] = field(default_factory=dict)

    def add(self, place: str, *what: bytes | str) -> None:
        self.kept.setdefault(place, []).extend(one.encode() if isinstance(one, str) else one for one in what)

    def marks(self) -> dict[str, set[str]]:
        wanted = {*MARKS, *SECRETS.values()}
        hits = {place: found(wanted, b"\n\n".join(kept)) for place, kept in self.kept.items()}
        return {place: hit for place, hit in hits.items() if hit}


def settings(mail: int, slack: str, teams: str, text: str, *, watch: str = "") -> str:
    hosts = json.dumps([url.partition("//")[2] for url in (slack, teams, text)])
    return f"""
[mail]
channel = "smtp"
host = "127.0.0.1"
port = {mail}
security = "none"
[operator]
email = "it@council.example"
[egress]
also_allow = {hosts}
[channels.slack]
kind = "slack"
secret_env = "HOOK_SLACK"
references = true
[channels.teams]
kind = "teams"
secret_env = "HOOK_TEAMS"
[channels.text]
kind = "notify"
secret_env = "EHS_TEXT"
template = "740e5834-3a29-46b4-9a6f-16142fde533a"
url = "{text}"
[preferences.nottinghamshire.teams."*"]
chats = {{ slack = ["digest", "escalation", "dispute"], teams = ["digest", "escalation", "dispute"] }}
[link]
nottinghamshire = "https://cases.council.example/case/{{case_ref}}"
[weekly.nottinghamshire]
on = "monday"
to = ["team_manager"]
[live.nottinghamshire]
from = 2026-11-01
fed = ["initial-contact", "first-visit", "plan", "plan-agreed", "initial-taf"]
[ladders.nottinghamshire]
overdue = [{{ who = ["line_manager"], after = "1 working day" }}]
[drop.nottinghamshire]
folder = "drop"
mapping = "mapping.toml"
"""


ANSWERS: tuple[tuple[str, ...], ...] = (
    *((name, "--format", form) for name in ("due", "outbox", "doctor", "status") for form in ("table", "json")),
    ("status", "--format", "prometheus"),
    ("report", "--from", "2026-11-01", "--to", "2026-12-31", "--format", "csv"),
    ("report", "--from", "2026-11-01", "--to", "2026-12-31"),
    ("shadow", "report", "--steps", "steps.csv", "--mapping", "mapping.toml", "--format", "csv"),
    ("drift",),
    ("forecast",),
    ("coverage",),
    ("people",),
    ("dispute", "list"),
    ("dispute", "show", DISPUTED),
    ("outbox", "--kept"),
    ("rebuild",),
    ("explain", "F7", "first-visit"),
    ("explain", "F7", "first-visit", "--format", "json"),
    ("policy", "preview", "--closed", "2026-12-01"),
    ("calendar", "--out", "calendars"),
    ("backup", "copy.db"),
)
"""What is asked in the end; a backup says where it is, and holds what the database holds."""
DAYS = ("09 09:30", "10 08:30", "16 08:30", "17 08:30", "18 08:30", "19 08:30", "23 08:30")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Json())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def live_through(cli: Cli, at: Callable[[str], None], sinks: Sinks, folder: Path, staff: str) -> None:
    """Import, tell, dispute and ask, with every way out real and on this machine."""

    def run(*words: str, fails: bool = False) -> None:
        said = cli(*words)
        assert fails or said.code == 0 or words[0] in ("doctor", "status", "coverage"), (words, said.all)
        sinks.add(f"answer of {words[0]}", said.out, said.err)

    for name, text in (("mapping.toml", MAPPING), ("steps.csv", steps()), ("events.csv", events())):
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "people.csv").write_text(staff, encoding="utf-8")
    (folder / "drop").mkdir()
    at("2026-11-03 10:00")
    run("init", "--authority", "nottinghamshire")
    with (
        ScriptedServer() as mail,
        GovukServer(post=answer(200, b"ok")) as slack,
        GovukServer(post=answer(202, b"")) as teams,
        GovukServer(post=TAKEN) as text,
    ):
        os.environ |= {"HOOK_SLACK": f"{slack.url}/services/sekret1q", "HOOK_TEAMS": f"{teams.url}/sekret2q"}
        (folder / "config.toml").write_text(settings(mail.port, slack.url, teams.url, text.url), encoding="utf-8")
        run("import", "--steps", "steps.csv", "--mapping", "mapping.toml", "--people", "people.csv")
        refused = steps().replace("02/11/2026", NAMES[4].replace(",", " "))
        (folder / "steps-bad.csv").write_text(refused, encoding="utf-8")
        run("import", "--steps", "steps-bad.csv", "--mapping", "mapping.toml", fails=True)
        remarks = staff.replace("valid_to", "valid_to,REMARK").replace(",North,m1,,", f",North,m1,,,{MARKS[6]}")
        (folder / "remarks.csv").write_text(remarks, encoding="utf-8")
        run("import", "--people", "remarks.csv", fails=True)
        (folder / "drop" / "steps-bad.csv").write_text(refused, encoding="utf-8")
        at("2026-11-09 09:10")
        run("record", DISPUTED, "dispute_raised", "--at", "2026-11-09 09:00", "--detail", '{"about": "allocation"}')
        acts = f'at,by,authority,case_ref,act,ref,detail\n2026-11-09,m1,nottinghamshire,F9,hold,,"{NAMES[2]}"\n'
        (folder / "acts.csv").write_text(acts, encoding="utf-8")
        run("import", "--acts", "acts.csv", fails=True)
        for day in DAYS:
            at(f"2026-11-{day}")
            run("tick")
        for words in ANSWERS:
            run(*words)
        sinks.add("mail", *mail.messages)
        for name, server in (("slack", slack), ("teams", teams), ("notify", text)):
            sinks.add(name, *(asked.body for asked in server.asked))
    sinks.add("calendar", *(path.read_bytes() for path in (folder / "calendars").glob("*.ics")))
    reports = list((folder / "drop").rglob("*.report.txt"))
    sinks.add("report of the drop folder", *(path.read_bytes() for path in reports))


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    key = f"key-{'0' * 8}-0000-4000-8000-{'0' * 12}-11111111-1111-4111-8111-111111111111"
    monkeypatch.setenv("EHS_TEXT", key)


def test_no_family_is_in_anything_that_goes_out(
    cli: Cli, at: Callable[[str], None], log: io.StringIO, tmp_path: Path, secrets: None
) -> None:
    sinks = Sinks()
    live_through(cli, at, sinks, tmp_path, people())
    sinks.add("log", log.getvalue())
    for place in ("mail", "slack", "teams", "calendar", "log", "answer of report", "answer of shadow"):
        assert sinks.kept[place], place
    assert sinks.marks() == {}
    assert len(sinks.kept["mail"]) > 5
    assert any(b"decision" in body for body in sinks.kept["teams"])


@pytest.mark.parametrize("place", ["mail", "slack", "calendar", "log", "answer of status"])
def test_one_that_is_put_there_is_found(place: str) -> None:
    sinks = Sinks()
    sinks.add(place, b"all is well", NAMES[7].encode())
    assert sinks.marks() == {place: {MARKS[7]}}


# ---- what the machine shows of a process


def test_no_process_shows_a_family_or_a_secret(
    cli: Cli, at: Callable[[str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon's own title and its children's, while it works on what was imported."""
    for name, text in (("mapping.toml", MAPPING), ("steps.csv", steps()), ("people.csv", people())):
        (tmp_path / name).write_text(text, encoding="utf-8")
    at("2026-11-03 10:00")
    cli("init", "--authority", "nottinghamshire")
    assert cli("import", "--steps", "steps.csv", "--mapping", "mapping.toml", "--people", "people.csv").code == 0
    environment = os.environ | {"EHS_SMTP_PASSWORD": SECRETS["EHS_SMTP_PASSWORD"]}
    command = [sys.executable, "-m", "ehscheduler.app", "run"]
    sinks = Sinks()
    with subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE) as daemon:
        assert daemon.stderr is not None
        try:
            lines = [daemon.stderr.readline() for _ in range(2)]
            for pid in _family(daemon.pid):
                for what in ("cmdline", "comm", "status"):
                    sinks.add("process", Path(f"/proc/{pid}/{what}").read_bytes().replace(b"\0", b" "))
        finally:
            daemon.terminate()
            lines += daemon.stderr.readlines()
            daemon.wait(30)
    sinks.add("log", *lines)
    assert any(b"ehscheduler" in one for one in sinks.kept["process"])
    assert sinks.marks() == {}


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


# ---- colleagues' names, which do go out


def colleagues() -> list[Mapping[str, str]]:
    hostile = [*ODD, *list(HEADER_STRINGS.values())[::3]]
    return [
        {"person_id": f"h{n}", "name": name, "email": f"h{n}@council.example", "role": "case_manager", "team": "North"}
        | {"line_manager_id": "m1"}
        for n, name in enumerate(hostile)
        if name.strip() and "\0" not in name and not any("\ud800" <= letter <= "\udfff" for letter in name)
    ]


def test_a_colleagues_name_stays_a_name_in_everything_that_goes_out(
    cli: Cli, at: Callable[[str], None], tmp_path: Path
) -> None:
    """Each leads a case and goes on leave, so that their name is in their own mail, their manager's, and answers."""
    listed = colleagues()
    rows = [
        {"ID": f"A{n}", "TYPE": "Allocation", "FAMILY": f"F{n}", "STARTED": "02/11/2026", "DONE": "02/11/2026"}
        | {"STATUS": "COMPLETED", "WORKER": one["person_id"], "TEAM": "North"}
        for n, one in enumerate(listed)
    ]
    (tmp_path / "mapping.toml").write_text(MAPPING)
    (tmp_path / "steps.csv").write_text(written(STEPS, rows), encoding="utf-8")
    at("2026-11-03 10:00")
    cli("init", "--authority", "nottinghamshire")
    with ScriptedServer() as mail:
        text = settings(mail.port, *["https://localhost"] * 3).replace("fed =", "fed = [] #")
        text = re.sub(r"(?s)\[channels.*?\[link\]", "[link]", text)
        (tmp_path / "config.toml").write_text(text.replace("fed = [] #", "fed ="))
        taken = _with_staff(cli, tmp_path, listed)
        assert cli("import", "--steps", "steps.csv", "--mapping", "mapping.toml").code == 0
        for day in DAYS[1:4]:
            at(f"2026-11-{day}")
            assert cli("tick").code == 0
        messages = [message_from_bytes(raw, policy=default) for raw in mail.messages]
    assert len(taken) > 60
    assert len(messages) > 60
    _mails_hold_what_we_put_there(messages)
    _answers_hold_no_controls(cli, taken)
    _calendars_hold_what_we_put_there(cli, tmp_path)


def _with_staff(cli: Cli, folder: Path, listed: list[Mapping[str, str]]) -> list[str]:
    """Import the colleagues whose names the staff feed takes, one after another where it refuses some."""
    taken = list(listed)
    (folder / "people.csv").write_text(people(*taken), encoding="utf-8", newline="")
    said = cli("import", "--people", "people.csv", "--authority", "nottinghamshire")
    if said.code:
        lines = {int(line) for line in re.findall(r"people\.csv, line (\d+)", said.all)}
        assert lines, said.all
        sound = [one for one in taken if one["name"].isprintable()]
        (folder / "people.csv").write_text(people(*sound), encoding="utf-8", newline="")
        said = cli("import", "--people", "people.csv", "--authority", "nottinghamshire")
        taken = sound
    assert said.code == 0, said.all
    return [one["name"] for one in taken]


def _mails_hold_what_we_put_there(messages: list[Any]) -> None:
    names = {tuple(sorted(name.lower() for name in message)) for message in messages}
    assert len(names) == 1, names
    for message in messages:
        assert isinstance(message, EmailMessage)
        assert message.get_all("To") is not None
        assert len(message.get_all("To", [])) == 1
        assert message["Bcc"] is message["Cc"] is None
        assert [part.get_content_type() for part in message.walk()] == [
            "multipart/alternative",
            "text/plain",
            "text/html",
        ]
        body = message.get_body(("html",))
        assert body is not None
        page = Page(body.get_content())
        assert page.faults == []
        assert not {"script", "img", "iframe", "form", "svg", "object"} & {tag for tag, _ in page.tags}
        assert all(link.startswith("https://cases.council.example/") for link in page.links)


CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def _answers_hold_no_controls(cli: Cli, taken: list[str]) -> None:
    for words in (
        ("people",),
        ("due",),
        ("outbox",),
        ("coverage",),
        ("drift",),
        ("forecast",),
        ("doctor",),
        ("status",),
    ):
        said = cli(*words).all
        assert not CONTROL.search(said), (words, CONTROL.findall(said))
    figures = cli("status", "--format", "prometheus").out
    assert len(list(text_string_to_metric_families(figures))) > 5
    report = cli("report", "--from", "2026-11-01", "--to", "2026-12-31", "--format", "csv").out
    for row in csv.reader(io.StringIO(report)):
        assert not [cell for cell in row if cell.startswith(("=", "+", "-", "@", "\t"))]


def _calendars_hold_what_we_put_there(cli: Cli, folder: Path) -> None:
    assert cli("calendar", "--out", "calendars").code == 0
    files = sorted((folder / "calendars").glob("*.ics"))
    assert len(files) > 60
    for path in files:
        raw = path.read_bytes()
        assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
        read = icalendar.Calendar.from_ical(raw)
        assert {part.name for part in read.walk()} <= {"VCALENDAR", "VEVENT", "VTIMEZONE", "STANDARD", "DAYLIGHT"}
        assert raw.count(b"BEGIN:VEVENT") == len(read.walk("VEVENT"))
        assert b"ATTENDEE" not in raw
        assert b"ORGANIZER" not in raw
