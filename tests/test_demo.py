"""The demo ends by itself, shows what people received, and leaves a place to go on in."""

import contextlib
import csv
import email
import email.policy
import json
import re
import shlex
import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ehscheduler.app import app
from ehscheduler.config import read_config
from ehscheduler.core.events import read_moment
from ehscheduler.demo.folder import MARK, fresh_folder, write_config
from ehscheduler.demo.sink import LARGEST, Sink, listening
from ehscheduler.demo.weeks import FAMILIES, live_through
from ehscheduler.errors import InputRefused
from ehscheduler.intake.caseload import canaries

SEED, UNTIL = 2, "2026-11-20T17:00"

# One demo is played, and many things are asked of it; so they stay in one process.


# ---- the sink


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with listening(tmp_path / "mail") as found:
        yield found


def test_the_sink_keeps_a_message_to_the_byte_with_the_dots_that_the_sender_doubled(sink: Sink) -> None:
    message = b"Subject: dots\r\n\r\n.one\r\n..two\r\nthe end\r\n"
    with smtplib.SMTP("127.0.0.1", sink.port) as sender:
        sender.sendmail("a@example.org", ["b@example.org"], message)
    assert [path.name for path in sink.kept] == ["0001-b@example.org.eml"]
    assert sink.kept[0].read_bytes() == message


def test_the_sink_keeps_a_copy_for_each_recipient_and_a_conversation_holds_several_messages(sink: Sink) -> None:
    with smtplib.SMTP("127.0.0.1", sink.port) as sender:
        sender.sendmail("a@example.org", ["b@example.org", "c@example.org"], b"Subject: 1\r\n\r\nx\r\n")
        sender.sendmail("a@example.org", ["d@example.org"], b"Subject: 2\r\n\r\nx\r\n")
    assert [path.name[:6] for path in sink.kept] == ["0001-b", "0002-c", "0003-d"]


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (["DATA"], 503),
        (["RCPT TO:<b@example.org>"], 503),
        (["MAIL FROM:<a@example.org>", "DATA"], 503),
        (["MAIL FROM:a@example.org"], 501),
        (["MAIL FROM:<a@example.org>", "RCPT TO:<>"], 501),
        (["VRFY somebody"], 502),
        (["NOOP"], 250),
    ],
    ids=["no recipient", "no sender", "no recipient after a sender", "no brackets", "nobody", "unknown", "nothing"],
)
def test_the_sink_refuses_what_is_out_of_order(sink: Sink, said: list[str], answer: int) -> None:
    with smtplib.SMTP("127.0.0.1", sink.port) as sender:
        assert [sender.docmd(line)[0] for line in said][-1] == answer
    assert sink.kept == []


def test_the_sink_keeps_nothing_of_a_message_that_breaks_off(sink: Sink) -> None:
    with socket.create_connection(("127.0.0.1", sink.port)) as line:
        line.sendall(b"EHLO x\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\nSubject: half\r\n")
        line.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            while line.recv(1024):
                pass
    assert sink.kept == []


def test_the_sink_refuses_a_message_larger_than_it_takes(sink: Sink) -> None:
    with smtplib.SMTP("127.0.0.1", sink.port) as sender, pytest.raises(smtplib.SMTPDataError) as refused:
        sender.sendmail("a@example.org", ["b@example.org"], b"x\r\n" * (LARGEST // 3 + 1))
    assert refused.value.smtp_code == 552
    assert sink.kept == []


def test_a_recipient_never_chooses_where_its_file_lies(sink: Sink) -> None:
    with smtplib.SMTP("127.0.0.1", sink.port) as sender:
        sender.sendmail("a@example.org", ["../../up@example.org"], b"Subject: 1\r\n\r\nx\r\n")
    assert sink.kept[0].parent == sink.folder
    assert sink.kept[0].exists()


# ---- the folder


def test_a_folder_with_files_of_somebody_elses_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputRefused, match=r"holds files that no demo made.*--folder"):
        fresh_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_folder_that_a_demo_made_is_made_anew_and_what_was_added_stays(tmp_path: Path) -> None:
    folder = fresh_folder(tmp_path / "demo")
    (folder / "mail").mkdir()
    (folder / "mail" / "0001.eml").write_text("old", encoding="utf-8")
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    fresh_folder(folder)
    assert sorted(path.name for path in folder.iterdir()) == [MARK, "notes.txt"]


def test_a_file_in_the_place_of_the_folder_is_refused_with_a_remedy(tmp_path: Path) -> None:
    path = tmp_path / "demo-out"
    path.write_text("", encoding="utf-8")
    with pytest.raises(InputRefused, match="is not a folder; name another with --folder"):
        fresh_folder(path)


def test_a_place_that_cannot_be_written_is_refused_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("", encoding="utf-8")
    with pytest.raises(InputRefused, match=r"cannot be written.*--folder"):
        fresh_folder(tmp_path / "a file" / "demo-out")


@pytest.mark.parametrize("name", ["plain", "with a space", 'with "marks" and \\ strokes'])
def test_the_configuration_can_be_read_wherever_the_folder_lies(tmp_path: Path, name: str) -> None:
    folder = fresh_folder(tmp_path / name)
    config = read_config(
        write_config(folder, authority="nottinghamshire", second="barnet", live_from=read_moment("2026-10-01")[2])
    )
    assert config.mail.folder == str(folder / "mail")
    assert config.mail.channel == "file"


# ---- the whole of it, two weeks long


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("demo") / "out"
    asked = ["demo", "--folder", str(folder), "--until", UNTIL, "--seed", str(SEED), "--weeks", "2"]
    return folder, CliRunner().invoke(app, asked, env={"COLUMNS": "80"})


def mails(folder: Path) -> list[Path]:
    return sorted((folder / "mail").glob("*.eml"))


def test_the_demo_ends_well_and_says_where_its_mail_lies(played: tuple[Path, Result]) -> None:
    folder, result = played
    assert result.exit_code == 0, result.output
    kept = len(mails(folder))
    assert kept > 20
    said = " ".join(result.output.split())
    assert f"{kept} messages left by SMTP" in said
    assert f"All {kept} messages lie in" in said


@pytest.mark.parametrize(
    "part",
    [
        "What one practitioner received",
        "What one manager received",
        "now with you",
        "A decision is needed",
        "What a team saw in Slack",
        "told to the next one up",
        "What a team saw in Teams",
        "Who is asked:",
        "Overdue at 17:00 on Friday 20 November 2026:",
        "its proof card",
        "Day by day",
        "the server answered: kept as message",
        "The demo took",
    ],
)
def test_the_demo_shows_each_part(played: tuple[Path, Result], part: str) -> None:
    assert part in " ".join(played[1].output.replace("│", " ").split())


def chats(folder: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted((folder / "chat").glob(f"{kind}-*.json"))]


def test_escalations_were_posted_to_slack_and_disputes_to_teams(played: tuple[Path, Result]) -> None:
    folder, result = played
    slack, teams = chats(folder, "slack"), chats(folder, "teams")
    said = f"copies were posted to two chats: {len(slack)} to Slack, {len(teams)} to Teams"
    assert said in " ".join(result.output.split())
    assert slack
    assert all("next one up" in body["text"] for body in slack)
    cards = [body["attachments"][0]["content"] for body in teams]
    assert cards
    assert all(card["version"] == "1.4" and "decision needed" in card["fallbackText"] for card in cards)


def test_what_was_posted_to_a_chat_names_no_case_and_no_colleague(played: tuple[Path, Result]) -> None:
    folder = played[0]
    with (folder / "extract" / "people.csv").open(encoding="utf-8", newline="") as file:
        names = [row["name"] for row in csv.DictReader(file)]
    posted = json.dumps([*chats(folder, "slack"), *chats(folder, "teams")], ensure_ascii=False)
    assert names
    assert not re.search(r"\bG4\d{5}\b", posted)
    assert [name for name in names if name in posted] == []
    assert "hooks" not in posted


def test_the_demo_fits_eighty_columns_but_for_commands_that_are_to_be_copied(played: tuple[Path, Result]) -> None:
    lines = [line for line in played[1].output.splitlines() if "--config" not in line and str(played[0]) not in line]
    assert max(len(line.rstrip()) for line in lines) <= 80


def test_every_kept_message_is_whole_and_no_two_are_the_same(played: tuple[Path, Result]) -> None:
    read = [email.message_from_bytes(path.read_bytes(), policy=email.policy.default) for path in mails(played[0])]
    assert all(one["To"] and one["Subject"] and one.get_body(("plain",)) and one.get_body(("html",)) for one in read)
    assert len({one["Message-ID"] for one in read}) == len(read)


def test_nothing_about_a_family_is_in_a_message_or_in_what_the_demo_prints(played: tuple[Path, Result]) -> None:
    folder, result = played
    personal = list(canaries(seed=SEED, families=FAMILIES))
    extract = (folder / "extract" / "steps.csv").read_text(encoding="utf-8")
    assert any(canary in extract for canary in personal)
    texts = [result.output]
    for path in mails(folder):
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        texts += [str(part.get_content()) for part in mail.walk() if not part.is_multipart()]
        texts += [str(value) for value in mail.values()]
    everything = "\n".join(texts)
    assert "CANARY" not in everything
    assert not [canary for canary in personal if canary in everything]


def test_the_commands_that_the_demo_names_work_on_what_it_left_behind(played: tuple[Path, Result]) -> None:
    lines = [shlex.split(line) for line in played[1].output.splitlines() if "--config" in line]
    assert len(lines) == 3
    for _, *asked in lines:
        result = CliRunner().invoke(app, asked)
        assert result.exit_code == 0, result.output
        assert result.output.strip()


def test_the_same_seed_and_end_give_the_same_messages(tmp_path: Path) -> None:
    # One folder for both: a link or a path in a message would have to be the same.
    folder = tmp_path / "out"
    seen = []
    for _ in range(2):
        live_through(folder, now=read_moment(UNTIL)[0], seed=3, weeks=1)
        seen.append([(path.name, path.read_bytes()) for path in mails(folder)])
    assert seen[0]
    assert seen[0] == seen[1]
