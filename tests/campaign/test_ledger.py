"""The books themselves: what they must notice, and that nothing of the product keeps them."""

import ast
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.campaign.ledger import Account, Kill, after_kill, balance, by_case, read_log

HERE = Path(__file__).parent
DAY = "Monday 11 March 2024"


def a_message(name: str, to: str, *lines: str) -> str:
    text = f"What to do next\n---------------\nFor Worker, {DAY}.\n\n" + "".join(
        f"  {line} (clause 1)\n    Any day from now to {DAY}. As\n    recorded.\n\n" for line in lines
    )
    head = f"From: a@b.example\nTo: {to}\nSubject: x\nMessage-ID: {name}\nContent-Type: text/plain; charset=utf-8"
    return f"{head}\n\n{text}".replace("\n", "\r\n")


FIRST = a_message("<1@x>", "a@b.example", "EH-001  First home visit, which has a title so long that\n  it is wrapped")
SECOND = a_message("<2@x>", "c@b.example", "EH-002  Plan", "EH-003  Plan")
AGAIN = a_message("<3@x>", "c@b.example", "EH-003  Plan")


def a_log(path: Path, *messages: str) -> Path:
    entries = [{"to": [text.partition("To: ")[2].partition("\r")[0]], "content": text} for text in messages]
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    return path


def a_database(path: Path, states: dict[str, str]) -> Path:
    with sqlite3.connect(path) as rows:
        rows.executescript("""
            CREATE TABLE message (authority, message_id, state, lease_owner);
            CREATE TABLE notice (authority, key, kept);
            CREATE TABLE delivery (authority, notice_key, message_id, state);""")
        for id_, state in states.items():
            rows.execute("INSERT INTO message VALUES ('a', ?, ?, 'w')", [id_, state])
            rows.execute("INSERT INTO notice VALUES ('a', ?, NULL)", [id_])
            rows.execute("INSERT INTO delivery VALUES ('a', ?, ?, ?)", [id_, id_, state])
    rows.close()
    return path


def account(folder: Path, sent: Sequence[str], *, states: dict[str, str] | None = None, kills: int = 0) -> Account:
    owed = read_log(a_log(folder / "owed", FIRST, SECOND))
    did = read_log(a_log(folder / "sent", *sent))
    database = a_database(folder / "rows.db", states or {"<1@x>": "handed_over", "<2@x>": "handed_over"})
    fell = [Kill(0, "sending", "<1@x>", frozenset({"<1@x>"}))] * kills
    return balance(owed, did, fell, database)


def test_a_run_that_sent_what_was_owed_balances(tmp_path: Path) -> None:
    found = account(tmp_path, [FIRST, SECOND])
    assert (found.messages, found.told, found.repeats) == (2, 3, 0)
    assert not [*found.lost, *found.not_owed, *found.believed, *found.too_often, *found.faults]


def test_every_line_of_a_message_is_told_by_its_whole_title_and_window(tmp_path: Path) -> None:
    [one] = read_log(a_log(tmp_path / "log", FIRST))
    said = (
        f"EH-001  First home visit, which has a title so long that it is wrapped (clause 1): Any day from now to {DAY}"
    )
    assert one.tells == (("a@b.example", DAY, "What to do next", said),)
    assert by_case(one.tells[0]) == ("a@b.example", "What to do next", "EH-001")


def test_a_message_that_never_came_is_lost_and_one_that_is_marked_all_the_same_is_only_believed(tmp_path: Path) -> None:
    found = account(tmp_path, [FIRST])
    assert len(found.lost) == 2
    assert found.believed == ["<2@x> is marked as handed over"]


def test_the_same_line_in_another_message_was_not_owed(tmp_path: Path) -> None:
    found = account(tmp_path, [FIRST, SECOND, AGAIN])
    assert len(found.not_owed) == 1
    assert not found.lost


@pytest.mark.parametrize(("kills", "times", "too_often"), [(0, 2, True), (1, 2, False), (1, 3, True), (2, 3, False)])
def test_a_message_may_come_once_more_for_each_kill_at_which_it_was_going_out(
    tmp_path: Path, kills: int, times: int, too_often: bool
) -> None:
    found = account(tmp_path, [*[FIRST] * times, SECOND], kills=kills)
    assert found.repeats == times - 1
    assert bool(found.too_often) is too_often


def test_a_repeat_with_other_bytes_is_noticed(tmp_path: Path) -> None:
    found = account(tmp_path, [FIRST, FIRST.replace("Subject: x", "Subject: y"), SECOND], kills=1)
    assert found.too_often == ["<1@x> came again with other bytes"]


@pytest.mark.parametrize("state", ["claimed", "uncertain", "dead"])
def test_what_is_not_finished_at_the_end_is_noticed(tmp_path: Path, state: str) -> None:
    assert account(tmp_path, [FIRST, SECOND], states={"<1@x>": "handed_over", "<2@x>": state}).faults


def test_what_was_sent_without_a_row_that_claims_it_is_noticed(tmp_path: Path) -> None:
    database = a_database(tmp_path / "rows.db", {"<1@x>": "claimed"})
    claimed, faults = after_kill(database, "w", read_log(a_log(tmp_path / "log", FIRST, SECOND)))
    assert claimed == {"<1@x>"}
    assert faults == ("<2@x> was sent, and no row says that it was claimed",)


@pytest.mark.parametrize("name", ["ledger.py", "sink.py", "workload.py", "board.py"])
def test_the_books_use_nothing_of_the_product(name: str) -> None:
    tree = ast.parse((HERE / name).read_text())
    used = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    used += [alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names]
    assert not [module for module in used if module.startswith(("ehscheduler", "tests"))]
