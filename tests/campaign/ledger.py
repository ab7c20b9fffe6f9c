"""The books of a run, kept from the outside: what the sink accepted, held against what was owed and what is believed.

Nothing of the product is used here: messages are read as a mail reader shows them, rows as SQLite gives them.
"""

import email.policy
import json
import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes
from functools import cache
from pathlib import Path

Tell = tuple[str, str, str, str]
"""One thing told to somebody: the address, the day, the message's heading, and the words of the line."""
REFERENCE = re.compile(r"EH-\d+")
TOLD_AT = re.compile(r"(first|,) at \d\d:\d\d on \w+ \d+ \w+ \d{4}")
"""When somebody else was told, or this reader before: a kill may put it off by minutes."""
FOR = re.compile(r"^For .*?, (\w+ \d+ \w+ \d{4})")


@dataclass(frozen=True)
class Accepted:
    """One message as the sink accepted it."""

    to: str
    message_id: str
    content: str
    tells: tuple[Tell, ...]


def read_log(log: Path) -> list[Accepted]:
    """Read what a sink noted; each message must have one recipient and say something."""
    return [_accepted(line) for line in log.read_text().splitlines()] if log.exists() else []


@cache
def _accepted(line: str) -> Accepted:
    entry = json.loads(line)
    content = str(entry["content"])
    message = message_from_bytes(content.encode("latin-1"), policy=email.policy.default)
    to = entry["to"]
    assert to == [message["To"]], "one recipient a message, the one it is addressed to"
    body = message.get_body(("plain",))
    assert body is not None
    text = "\n".join(body.get_content().splitlines())
    tells = tuple(_tells(to[0], text))
    assert tells, f"nothing could be read in this message:\n{text}"
    return Accepted(to[0], str(message["Message-ID"]), content, tells)


def _tells(to: str, text: str) -> Iterator[Tell]:
    heading = text.splitlines()[0]
    day = next((found[1] for line in text.splitlines() if (found := FOR.match(line))), "")
    for said in (*_lines(text), *_disputes(text), *_alarms(text)):
        yield to, day, heading, said


def _lines(text: str) -> Iterator[str]:
    """Yield each line of a digest or its like: two spaces before the case and its title, four before the window."""
    title: list[str] = []
    window: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("    "):
            window.append(line.strip())
        elif line.startswith("  ") and not window:
            title.append(line.strip())
        elif title:
            yield f"{' '.join(title)}: {_first_sentence(' '.join(window))}"
            title, window = ([line.strip()] if line.startswith("  ") else []), []


def _first_sentence(text: str) -> str:
    return text.partition(". ")[0].rstrip(".")


def _disputes(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("Case: "):
            yield TOLD_AT.sub(r"\1 then", " ".join(paragraph.split()))


def _alarms(text: str) -> Iterator[str]:
    for paragraph in text.split("\n\n"):
        if "\nWhere: " in paragraph:
            yield " ".join(paragraph.partition("\nWhere: ")[0].split())


# ---- the account


UNSEEN = "unseen"
"""The stage of a process that shows none."""


@dataclass(frozen=True)
class Kill:
    """One kill: where it fell, what was going out, and what the rows say was claimed and not yet marked."""

    turn: int
    stage: str
    under_way: str | None
    claimed: frozenset[str]
    faults: tuple[str, ...] = ()

    @property
    def may_repeat(self) -> frozenset[str]:
        """Name what may come once more because of this kill: what was going out, where that can be seen."""
        if self.stage == UNSEEN:
            return self.claimed
        return frozenset({self.under_way} if self.under_way else ())


@dataclass
class Account:
    """What a run comes to; every list is of sentences, and empty is good."""

    lost: list[str] = field(default_factory=list)
    not_owed: list[str] = field(default_factory=list)
    believed: list[str] = field(default_factory=list)
    too_often: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    messages: int = 0
    told: int = 0
    repeats: int = 0


def balance(
    owed: Sequence[Accepted],
    sent: Sequence[Accepted],
    kills: Sequence[Kill],
    database: Path,
    *,
    key: Callable[[Tell], tuple[str, ...]] = tuple,
) -> Account:
    """Hold what was accepted against what a run without a kill sent, and against what the rows say was sent.

    `key` says what makes two tells the same.
    """
    account = Account(messages=len({one.message_id for one in sent}), faults=[f for k in kills for f in k.faults])
    should, did = tells_of(owed, key), tells_of(sent, key)
    account.told = did.total()
    account.lost = [_said(tell, n) for tell, n in sorted((should - did).items())]
    account.not_owed = [_said(tell, n) for tell, n in sorted((did - should).items())]
    times = Counter(one.message_id for one in sent)
    account.repeats = sum(times.values()) - len(times)
    allowed = Counter(id_ for kill in kills for id_ in kill.may_repeat)
    account.too_often = [
        f"{id_} was accepted {n} times, and was going out at {allowed[id_]} kills"
        for id_, n in times.items()
        if n > 1 + allowed[id_]
    ]
    account.too_often += _changed_on_the_way(sent)
    account.faults += _left_over(database)
    account.believed = [f"{id_} is marked as handed over" for id_ in _handed_over(database) - set(times)]
    return account


def by_case(tell: Tell) -> tuple[str, ...]:
    """Name a tell by who heard what of which case, whatever the day and the hour."""
    to, _, heading, said = tell
    case = REFERENCE.search(said)
    return to, heading, case[0] if case else said


def tells_of(sent: Sequence[Accepted], key: Callable[[Tell], tuple[str, ...]]) -> Counter[tuple[str, ...]]:
    """Count what was told; a message that came twice under one Message-ID tells once, another one tells again."""
    once = {one.message_id: one for one in sent}
    return Counter(key(tell) for one in once.values() for tell in one.tells)


def _said(tell: tuple[str, ...], n: int) -> str:
    return f"{n} x {' | '.join(tell)}"


def _changed_on_the_way(sent: Sequence[Accepted]) -> list[str]:
    """A repeat must be recognisable: the same bytes under the same Message-ID; the operator's are written anew."""
    first: dict[str, Accepted] = {}
    changed = []
    for one in sent:
        before = first.setdefault(one.message_id, one)
        if before.content != one.content and not one.to.startswith("operator@"):
            changed.append(f"{one.message_id} came again with other bytes")
    return changed


# ---- the rows, read from a copy so that what the next life finds is what the kill left


def after_kill(database: Path, worker: str, accepted: Sequence[Accepted]) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return the messages that this worker had claimed and not marked, and every sentence about what is half done."""
    held = "SELECT message_id FROM message WHERE state = 'claimed' AND lease_owner = ?"
    with _copy(database) as rows:
        claimed = frozenset(id_ for (id_,) in rows.execute(held, [worker]))
        known = {id_ for (id_,) in rows.execute("SELECT message_id FROM message")}
        faults = [*_unsound(rows), *_half_done(rows)]
    for one in accepted:
        if one.message_id not in known and not one.to.startswith("operator@"):
            faults.append(f"{one.message_id} was sent, and no row says that it was claimed")
    return claimed, tuple(faults)


class _copy:
    """A copy of the database with its write-ahead log, opened."""

    def __init__(self, database: Path) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Connection:
        self._folder = tempfile.TemporaryDirectory()
        for suffix in ("", "-wal"):
            path = self._database.with_name(self._database.name + suffix)
            if path.exists():
                shutil.copy(path, Path(self._folder.name) / path.name)
        self._rows = sqlite3.connect(Path(self._folder.name) / self._database.name)
        return self._rows

    def __exit__(self, *fault: object) -> None:
        self._rows.close()
        self._folder.cleanup()


def _unsound(rows: sqlite3.Connection) -> Iterator[str]:
    if rows.execute("PRAGMA integrity_check").fetchone() != ("ok",):
        yield "the database is damaged"
    if rows.execute("PRAGMA foreign_key_check").fetchone():
        yield "a row points at nothing"


def _half_done(rows: sqlite3.Connection) -> Iterator[str]:
    queries = {
        "notices were decided, and nobody is to be told": """
            SELECT count(*) FROM notice n WHERE kept IS NULL AND NOT EXISTS (
                SELECT 1 FROM delivery d WHERE d.authority = n.authority AND d.notice_key = n.key)""",
        "deliveries are claimed by a message that is not": """
            SELECT count(*) FROM delivery d WHERE state = 'claimed' AND NOT EXISTS (
                SELECT 1 FROM message m WHERE m.authority = d.authority AND m.message_id = d.message_id
                AND m.state IN ('claimed', 'uncertain'))""",
        "deliveries are marked as handed over in a message that is not": """
            SELECT count(*) FROM delivery d WHERE state = 'handed_over' AND NOT EXISTS (
                SELECT 1 FROM message m WHERE m.authority = d.authority AND m.message_id = d.message_id
                AND m.state = 'handed_over')""",
    }
    for said, query in queries.items():
        (n,) = rows.execute(query).fetchone()
        if n:
            yield f"{n} {said}"


def _left_over(database: Path) -> list[str]:
    """Say what is not finished at the end of a run."""
    with _copy(database) as rows:
        found = [*_unsound(rows), *_half_done(rows)]
        (open_,) = rows.execute("SELECT count(*) FROM message WHERE state IN ('claimed', 'uncertain')").fetchone()
        (late,) = rows.execute(
            "SELECT count(*) FROM delivery WHERE state NOT IN ('handed_over', 'dropped', 'waiting')"
        ).fetchone()
    if open_:
        found.append(f"{open_} messages are still claimed")
    if late:
        found.append(f"{late} deliveries are neither sent, nor dropped with a reason, nor to come")
    return found


def _handed_over(database: Path) -> set[str]:
    with _copy(database) as rows:
        return {id_ for (id_,) in rows.execute("SELECT message_id FROM message WHERE state = 'handed_over'")}
