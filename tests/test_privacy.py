"""Canaries: a text of its own in every personal field of a caseload is found nowhere but where it lives.

The whole service is run through its commands: import, refused files, tick, mail by SMTP and into files, every answer,
the log, and every table but the one for personal fields.
"""

import base64
import csv
import html
import io
import json
import logging
import quopri
import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from jinja2 import ChoiceLoader, DictLoader, PackageLoader

from ehscheduler.cli.service import _Json
from ehscheduler.daemon import owed, tick
from ehscheduler.intake.caseload import Caseload, canaries, write_caseload
from ehscheduler.notify import render
from tests.cli.conftest import Cli, at, cli
from tests.notify.scripted_server import ScriptedServer

__all__ = ["at", "cli"]

SEED, FAMILIES = 4711, 14
BORN = date(2013, 7, 19)
"""A day on which nothing else happens, in any of the forms in which a date is written."""
SAID_BORN = ("2013-07-19", "19/07/2013", "19 July 2013", "20130719", "July 2013")


# ---- looking for them


def spelt_out(raw: bytes) -> str:
    """Write bytes in every way that somebody could read them."""
    text = raw.decode("utf-8", "replace")
    ways = [text, raw.decode("latin-1"), quopri.decodestring(raw).decode("utf-8", "replace"), unquote(text)]
    ways += [html.unescape(way) for way in ways]
    for run in re.findall(rb"[A-Za-z0-9+/=\r\n]{16,}", raw):
        packed = re.sub(rb"[\r\n=]", b"", run)
        for start in range(4):
            piece = packed[start:]
            if len(piece) % 4 != 1:
                ways.append(base64.b64decode(piece + b"=" * (-len(piece) % 4)).decode("utf-8", "replace"))
    parsed = message_from_bytes(raw, policy=default)
    ways += [str(value) for value in parsed.values()]
    leaves = (part for part in parsed.walk() if part.get_content_maintype() == "text")
    ways += [str(part.get_content()) for part in leaves]
    folded = "\n".join(ways)
    return folded + re.sub(r"=?\s+", "", folded)


def found(wanted: Iterable[str], raw: bytes | str) -> set[str]:
    """Return which canaries stand in something, however it is encoded."""
    text = spelt_out(raw if isinstance(raw, bytes) else raw.encode("utf-8", "replace")).lower()
    return {canary for canary in wanted if canary.lower() in text}


def everything(database: Path, *, but: str) -> Iterator[tuple[str, bytes]]:
    """Yield every value of every table but one, with its place."""
    connection = sqlite3.connect(database)
    connection.row_factory = sqlite3.Row
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        if table == but:
            continue
        for row in connection.execute(f"SELECT * FROM {table}"):  # noqa: S608 - a name from the schema itself
            for column in row.keys():  # noqa: SIM118 - a row iterates its values
                value = row[column]
                if isinstance(value, str | bytes):
                    yield f"{table}.{column}", value if isinstance(value, bytes) else value.encode()
    connection.close()


# ---- the house in which they live


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Caseload:
    folder, as_of = tmp_path_factory.mktemp("canaries"), date(2026, 4, 13)
    return write_caseload(folder, seed=SEED, families=FAMILIES, start=date(2026, 1, 5), as_of=as_of)


@pytest.fixture(scope="module")
def marked() -> set[str]:
    return {*canaries(seed=SEED, families=FAMILIES), "CANARY-", *SAID_BORN}


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """The daemon's log as it is written, and every other library's, from the lowest level on."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_Json())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def extract(load: Caseload, tmp_path: Path) -> Path:
    """The extract, every index child born on one day that stands out."""
    with load.extract.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["INDEX_CHILD_DOB"] = BORN.strftime("%d/%m/%Y")
    path = tmp_path / "steps.csv"
    write(path, rows)
    return path


def write(path: Path, rows: list[dict[str, str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


CONTRACT = {
    "cases.csv": 'case_ref,team,lead,level,index_child_dob,children\nK1,EHCM West,,2,2013-07-19,"[{""ref"": ""a"", '
    '""born"": ""2013-07-19""}]"\n',
    "events.csv": "case_ref,event,occurred_at,recorded_at,ref,detail\nK1,allocation,2026-03-16,,,\n"
    'K1,attributes_changed,2026-03-17,,,"{""index_child_dob"": ""2013-07-19""}"\n',
}


def settings(port: int) -> str:
    channel = f'channel = "smtp"\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"' if port else 'channel = "file"'
    return (
        f'[mail]\n{channel}\n[operator]\nemail = "it@council.example"\n'
        '[link]\nnottinghamshire = "https://cases.council.example/case/{case_ref}"\n'
        '[duty.nottinghamshire]\n"EHCM West" = "duty@council.example"\n'
        '[ladders.nottinghamshire]\noverdue = [{ who = ["line_manager"], after = "1 working day" }]\n'
    )


DAYS = ("2026-04-14 08:30", "2026-04-15 08:30", "2026-04-16 08:30", "2026-04-17 08:30", "2026-04-20 21:00")


@pytest.fixture
def lived(
    cli: Cli, at: Callable[[str], None], load: Caseload, extract: Path, log: io.StringIO, tmp_path: Path
) -> tuple[list[str], list[bytes]]:
    """Run the service over some days; return what every command said, and what the mail server took."""
    said: list[str] = []

    def run(*words: Any) -> str:
        answer = cli(*words)
        assert answer.code == 0 or words[0] == "doctor", answer.all
        said.append(answer.all)
        return answer.out

    for name, text in CONTRACT.items():
        (tmp_path / name).write_text(text)
    run("init")
    with ScriptedServer() as server:
        (tmp_path / "config.toml").write_text(settings(server.port))
        at("2026-04-13 10:00")
        run("import", "--steps", extract, "--mapping", load.mapping, "--people", load.people)
        run("import", "--cases", "cases.csv", "--events", "events.csv")
        for day in DAYS:
            at(day)
            run("tick")
        messages = list(server.messages)
    (tmp_path / "config.toml").write_text(settings(0))
    for day in ("2026-04-21 08:30", "2026-04-23 08:30"):
        at(day)
        run("tick")
    run("record", "K1", "attributes_changed", "--at", "2026-04-23", "--detail", '{"index_child_dob": "2013-07-19"}')
    run("hold", "K1", "--reason", "stepped_up", "--at", "2026-04-23")
    ask(run)
    return said, messages


def ask(run: Callable[..., str]) -> None:
    """Ask every question that there is, in both forms."""
    rows = json.loads(run("due", "--format", "json"))
    assert rows
    for words in (("due",), ("outbox", "--limit", "10000"), ("doctor",), ("rebuild",)):
        run(*words)
    run("outbox", "--limit", "10000", "--format", "json")
    run("doctor", "--format", "json")
    for row in rows[:: max(1, len(rows) // 6)]:
        run("explain", row["case"], row["key"])
        run("explain", row["case"], row["key"], "--format", "json")


# ---- what is proved


def test_no_personal_value_is_in_any_mail_answer_log_or_table(
    lived: tuple[list[str], list[bytes]], marked: set[str], log: io.StringIO, tmp_path: Path
) -> None:
    said, messages = lived
    files = sorted((tmp_path / "outbox").glob("*.eml"))
    assert len(messages) > 5
    assert len(files) > 3
    for raw in (*messages, *(path.read_bytes() for path in files)):
        assert found(marked, raw) == set()
    for answer in said:
        assert found(marked, answer) == set()
    assert found(marked, log.getvalue()) == set()
    for place, value in everything(tmp_path / "ehscheduler.db", but="case_personal"):
        assert found(marked, value) == set(), place
    assert_they_are_where_they_belong(tmp_path / "ehscheduler.db", marked, tmp_path / "steps.csv")
    assert_the_log_names_no_case(tmp_path / "ehscheduler.db", log.getvalue())


def assert_they_are_where_they_belong(database: Path, marked: set[str], extract: Path) -> None:
    connection = sqlite3.connect(database)
    kept = " ".join(fields for (fields,) in connection.execute("SELECT fields FROM case_personal"))
    cases = connection.execute("SELECT count(*) FROM case_record WHERE case_ref <> 'K1'").fetchone()[0]
    connection.close()
    came = found({mark for mark in marked if len(mark) > 12 and mark.startswith("CANARY")}, extract.read_bytes())
    assert len(came) == 5 * cases
    assert came <= found(marked, kept)
    assert kept.count("2013-07-19") >= cases + 3


def assert_the_log_names_no_case(database: Path, log: str) -> None:
    connection = sqlite3.connect(database)
    refs = [ref for (ref,) in connection.execute("SELECT case_ref FROM case_record")]
    connection.close()
    assert len(log.splitlines()) > 5
    assert not [ref for ref in refs if re.search(rf"\b{re.escape(ref)}\b", log)]


# ---- files that are refused


def spoilt(rows: list[dict[str, str]]) -> dict[str, bytes]:
    """Write an extract wrongly in every way that could make somebody quote a row of it."""

    def text(made: list[dict[str, str]], **changes: Any) -> bytes:
        out = io.StringIO()
        writer = csv.DictWriter(out, list(made[0]), **changes)
        writer.writeheader()
        writer.writerows(made)
        return out.getvalue().encode()

    whole = text(rows)
    dates = [row | {"COMPLETED_ON": row["FAMILY_NAME"]} for row in rows]
    born = [row | {"INDEX_CHILD_DOB": row["CHILD_NAME"]} for row in rows]
    moved = [row | {"INCOMING_ON": row["SCHOOL"], "SCHOOL": row["INCOMING_ON"]} for row in rows]
    few = [row | {"COMPLETED_ON": row["ADDRESS"]} if n == 7 else row for n, row in enumerate(rows)]
    return {
        "without a header": whole.partition(b"\r\n")[2],
        "names for dates": text(dates),
        "names for births": text(born),
        "columns changed about": text(moved),
        "one bad row": text(few),
        "cut off": whole[: len(whole) // 2],
        "no line breaks": whole.replace(b"\r\n", b" "),
        "another encoding": whole.decode().replace("CANARY", "CANARY-\u00e9").encode("utf-16"),
        "a letter that is none": whole.replace(b"CANARY", b"CANARY\xff", 3),
        "binary": b"\0" + whole,
        "a name twice in the header": whole.replace(b"CHILD_NAME", b"FAMILY_NAME", 1),
        "a quote that never ends": whole.replace(b"CANARY", b'"CANARY', 1),
        "an endless cell": whole.replace(b"CANARY", b"CANARY" * 30_000, 1),
    }


def test_no_error_quotes_a_row(
    cli: Cli, load: Caseload, marked: set[str], extract: Path, tmp_path: Path, log: io.StringIO
) -> None:
    with extract.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    cli("init")
    codes = set()
    for name, content in spoilt(rows).items():
        (tmp_path / "spoilt.csv").write_bytes(content)
        said = cli("import", "--authority", "nottinghamshire", "--steps", "spoilt.csv", "--mapping", load.mapping)
        codes.add(said.code)
        assert found(marked, said.all) == set(), name
    assert codes == {0, 1}
    assert found(marked, cli("doctor").all) == set()
    assert found(marked, log.getvalue()) == set()
    for place, value in everything(tmp_path / "ehscheduler.db", but="case_personal"):
        assert found(marked, value) == set(), place


@pytest.mark.parametrize(
    ("file", "row"),
    [
        ("cases.csv", "CANARY-1,EHCM West,,2,19/07/2013,"),
        ("cases.csv", 'C1,EHCM West,,2,,"[{""ref"": ""a"", ""born"": ""CANARY-1""}]"'),
        ("cases.csv", 'C1,EHCM West,,2,,CANARY-1 [{""ref""'),
        ("cases.csv", "C1,EHCM West,,CANARY-1,,"),
        ("cases.csv", "C1,EHCM West,,2,,,CANARY-1"),
        ("events.csv", "C1,CANARY-1,2026-06-01,,,"),
        ("events.csv", "C1,allocation,CANARY-1,,,"),
        ("events.csv", "C1,allocation,2026-06-01,CANARY-1,,"),
        ("events.csv", 'C1,allocation,2026-06-01,,,"{""CANARY-1"'),
        ("events.csv", 'C1,attributes_changed,2026-06-01,,,"{""index_child_dob"": ""CANARY-1""}"'),
        ("events.csv", 'C1,attributes_changed,2026-06-01,,,"{""index_child_dob"": ""19/07/2013""}"'),
        ("events.csv", "CANARY-1,allocation,2026-06-01,,,"),
    ],
)  # fmt: skip
def test_no_error_of_the_contracts_files_quotes_a_row(cli: Cli, tmp_path: Path, file: str, row: str) -> None:
    heads = {name: text.splitlines(keepends=True)[0] for name, text in CONTRACT.items()}
    good = {"cases.csv": "C1,EHCM West,,2,,\n", "events.csv": "C1,allocation,2026-06-01,,,\n"}
    for name, head in heads.items():
        (tmp_path / name).write_text(head + (f"{row}\n" if name == file else good[name]))
    cli("init")
    # What stands where a word or a reference should may be named, so that it can be found; what is personal may not.
    wanted = {"CANARY-1", *SAID_BORN} if "dob" in row or "born" in row or "/" in row or "[{" in row else {"CANARY-X"}
    words = ("--cases", "cases.csv", "--events", "events.csv")
    for command in (("import", *words), ("timeline", *words, "--authority", "nottinghamshire", "--at", "2026-07-01")):
        said = cli(*command)
        assert found(wanted, said.all) == set(), command


# ---- what goes wrong inside


def test_no_fault_quotes_a_case(
    cli: Cli,
    at: Callable[[str], None],
    load: Caseload,
    extract: Path,
    marked: set[str],
    log: io.StringIO,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cli("init")
    (tmp_path / "config.toml").write_text(settings(0))
    at("2026-04-13 10:00")
    cli("import", "--steps", extract, "--mapping", load.mapping, "--people", load.people)
    at("2026-04-14 08:30")
    cli("tick")

    def quoting(*_: Any, **__: Any) -> Any:
        raise ValueError(" ".join(sorted(marked)))

    monkeypatch.setattr(owed, "evaluation_of", quoting)
    monkeypatch.setattr(tick, "evaluation_of", quoting)
    said = []
    for day in ("2026-04-15 08:30", "2026-04-16 08:30"):
        at(day)
        said.append(cli("tick").all)
    monkeypatch.undo()
    said += [cli(*words, "--config", tmp_path / "config.toml").all for words in (("doctor",), ("outbox",))]
    assert found(marked, "".join(said)) == set()
    assert found(marked, log.getvalue()) == set()
    for path in (tmp_path / "outbox").glob("*.eml"):
        assert found(marked, path.read_bytes()) == set()
    for place, value in everything(tmp_path / "ehscheduler.db", but="case_personal"):
        assert found(marked, value) == set(), place


# ---- the check itself can fail


@pytest.mark.parametrize("page", ["digest.txt.j2", "page.html.j2"])
def test_a_template_that_leaks_on_purpose_is_found_out(
    cli: Cli,
    at: Callable[[str], None],
    load: Caseload,
    extract: Path,
    marked: set[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: str,
) -> None:
    secret = min(canaries(seed=SEED, families=FAMILIES))
    real = PackageLoader("ehscheduler.notify")
    source = real.get_source(render.ENVIRONMENT, page)[0]
    leak = f"{source}\nThe family is {secret[:9]}\u200b{secret[9:]}\n".replace("\u200b", "")
    leaking = render.environment(ChoiceLoader([DictLoader({page: leak}), real]))
    monkeypatch.setattr(render, "ENVIRONMENT", leaking)
    cli("init")
    (tmp_path / "config.toml").write_text(settings(0))
    at("2026-04-13 10:00")
    cli("import", "--steps", extract, "--mapping", load.mapping, "--people", load.people)
    for day in DAYS[:2]:
        at(day)
        cli("tick")
    leaks = [found(marked, path.read_bytes()) for path in (tmp_path / "outbox").glob("*.eml")]
    assert any(secret in leak for leak in leaks)
    bodies = [value for place, value in everything(tmp_path / "ehscheduler.db", but="case_personal")]
    assert any(secret in found(marked, value) for value in bodies)


@pytest.mark.parametrize(
    "encode",
    [
        lambda text: text.encode(),
        lambda text: text.lower().encode(),
        lambda text: base64.encodebytes(f"Dear all, {text}".encode()),
        lambda text: quopri.encodestring(f"é {text} é".encode(), quotetabs=True),
        lambda text: "".join(f"&#{ord(letter)};" for letter in text).encode(),
        lambda text: "".join(f"%{ord(letter):02X}" for letter in text).encode(),
        lambda text: f"Subject: =?utf-8?b?{base64.b64encode(text.encode()).decode()}?=\r\n\r\nx".encode(),
        lambda text: f"{text[:7]}=\r\n{text[7:]}".encode(),
        lambda text: json.dumps({"a": [text]}).encode(),
    ],
    ids=["plain", "small letters", "base64", "quoted-printable", "entities", "percent", "header", "folded", "json"],
)
def test_a_canary_is_found_however_it_is_written(encode: Callable[[str], bytes]) -> None:
    assert found({"CANARY-0123456789ab"}, encode("CANARY-0123456789ab")) == {"CANARY-0123456789ab"}
