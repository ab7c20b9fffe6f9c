"""No word about a family leaves: a canary in every personal value is looked for in all that the product puts out."""

import io
import json
import logging
import random
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from ehscheduler import office
from ehscheduler.cli import app
from ehscheduler.cli.service import log_to_stderr
from ehscheduler.config import read_config
from ehscheduler.daemon.build import desk_of
from ehscheduler.daemon.run import once
from ehscheduler.errors import EhsError
from ehscheduler.fitting import fitted
from ehscheduler.intake.caseload import PERSONAL, canaries, write_caseload
from ehscheduler.notify import render as rendering
from ehscheduler.plugins import load
from ehscheduler.store.store import Store

SEED, FAMILIES = 7, 12
START = date(2026, 1, 5)
NOW = datetime(2026, 6, 1, 7, 30, tzinfo=UTC)


class Place:
    """A service on an invented caseload, and all that it put out."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        self.config.write_text(
            f'[database]\nurl = "sqlite:///{folder}/ehs.db"\n'
            f'[mail]\nchannel = "file"\nfolder = "{folder}/mail"\nsender = "early-help@council.example"\n'
            '[operator]\nemail = "operator@council.example"\n'
            "[live.nottinghamshire]\nfrom = 2026-01-01\n"
            '[ladders.nottinghamshire]\noverdue = [{ who = ["line_manager"], after = "1 working day" }]\n'
            '[link]\nnottinghamshire = "https://cases.council.example/{case_ref}"\n'
        )
        self.log = io.StringIO()
        self.said = io.StringIO()
        self.caseload = write_caseload(folder / "in", seed=SEED, families=FAMILIES, start=START)

    def run(self) -> None:
        settings = read_config(self.config)
        authority = fitted(load("nottinghamshire"), settings)
        with redirect_stderr(self.log):
            log_to_stderr()
        with Store.create(settings.database.url) as store, redirect_stdout(self.said):
            office.take_files(store, authority, now=NOW, by="test", people=self.caseload.people)
            office.take_files(
                store, authority, now=NOW, by="test", steps=self.caseload.extract, mapping=self.caseload.mapping
            )
            desk = desk_of(settings, store, {authority.name: authority}, "test")
            for days in (0, 1, 2, 7):
                at = NOW + timedelta(days=days)
                print(once(desk, lambda at=at: at, stop=lambda: False, rng=random.Random(1)))

    def messages(self) -> Iterator[str]:
        """Yield every message, headers and each part decoded, and the bytes as they lie on the disk."""
        for path in sorted((self.folder / "mail").glob("*.eml")):
            raw = path.read_bytes()
            yield raw.decode("utf-8", "replace")
            message = message_from_bytes(raw, policy=default)
            yield "\n".join(f"{name}: {value}" for name, value in message.items())
            for part in message.walk():
                if not part.is_multipart():
                    yield str(part.get_content())

    def tables(self) -> Iterator[str]:
        """Yield every row of every table but the one for personal fields."""
        with Store.open(read_config(self.config).database.url) as store, store.engine.connect() as connection:
            names = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
            for name in names:
                if name != "case_personal":
                    for row in connection.execute(text(f"SELECT * FROM {name}")):  # noqa: S608 - names of tables
                        yield repr([v.decode("utf-8", "replace") if isinstance(v, bytes) else v for v in row])

    def commands(self) -> Iterator[str]:
        """Yield what the commands print, good and bad."""
        case = "G400001"
        config = ["--config", str(self.config)]
        files = ["--authority", "nottinghamshire", "--cases", str(self.caseload.cases), "--events"]
        for words in (
            ["due", *config],
            ["due", "--format", "json", *config],
            ["outbox", *config],
            ["outbox", "--format", "json", *config],
            ["doctor", *config],
            ["explain", case, "first-visit", *config],
            ["explain", case, "first-visit", "--format", "json", *config],
            ["timeline", *files, str(self.caseload.events), "--at", "2026-06-01"],
            ["forecast", *files, str(self.caseload.events), "--from", "2026-06-01", "--until", "2026-07-01"],
            ["import", "--steps", str(self.caseload.extract), "--mapping", str(self.caseload.people), *config],
            ["import", "--cases", str(self.caseload.extract), *config],
            ["import", "--people", str(self.caseload.extract), *config],
            ["timeline", *files, str(self.caseload.extract), "--at", "2026-06-01"],
        ):
            result = CliRunner().invoke(app, words)
            yield result.output
            yield "" if result.exception is None else repr(result.exception)

    def leaks(self) -> set[str]:
        """Return the canaries that are found anywhere but among the personal fields."""
        wanted = set(canaries(seed=SEED, families=FAMILIES))
        sources = (self.messages(), self.tables(), self.commands(), [self.log.getvalue(), self.said.getvalue()])
        return {canary for source in sources for said in source for canary in wanted if canary in said}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    made = Place(tmp_path_factory.mktemp("privacy"))
    made.run()
    yield made
    logging.getLogger("ehscheduler").handlers = []


def test_the_caseload_has_a_canary_in_every_personal_field(place: Place) -> None:
    extract = place.caseload.extract.read_text()
    found = {canary for canary in canaries(seed=SEED, families=FAMILIES) if canary in extract}
    assert len(found) == len(set(canaries(seed=SEED, families=FAMILIES))) >= FAMILIES * len(PERSONAL)


def test_what_is_personal_is_kept_and_kept_apart(place: Place) -> None:
    with Store.open(read_config(place.config).database.url) as store, store.engine.connect() as connection:
        kept = "".join(connection.execute(text("SELECT fields FROM case_personal")).scalars())
    missing = [canary for canary in canaries(seed=SEED, families=FAMILIES) if canary not in kept]
    assert missing == []


def test_no_canary_is_in_any_message_table_log_or_answer(place: Place) -> None:
    assert len(list(place.messages())) > 20
    assert place.log.getvalue().count("\n") > 5
    assert place.leaks() == set()


def test_every_log_line_is_json_with_fixed_words(place: Place) -> None:
    for line in place.log.getvalue().splitlines():
        entry = json.loads(line)
        assert set(entry) <= {"at", "level", "part", "said", "case", "fault", "message", "outcome", "code"}


def test_no_born_day_of_a_child_is_in_any_message(place: Place) -> None:
    with Store.open(read_config(place.config).database.url) as store, store.engine.connect() as connection:
        fields = [json.loads(row) for row in connection.execute(text("SELECT fields FROM case_personal")).scalars()]
    born = {str(row["index_child_dob"]) for row in fields if row.get("index_child_dob")}
    assert born
    sent = "\n".join(place.messages())
    assert not any(day in sent for day in born)


def test_a_template_that_leaks_on_purpose_is_found(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search can fail: a rendering that slips a personal value into the text is caught by the same check."""
    canary = next(iter(canaries(seed=SEED, families=FAMILIES)))
    whole = rendering.render

    def leaky(message: object) -> object:
        from dataclasses import replace

        made = whole(message)  # type: ignore[arg-type]
        return replace(made, text=f"{made.text}\n{canary}\n")

    monkeypatch.setattr("ehscheduler.daemon.letters.render", leaky)
    leaking = Place(tmp_path)
    try:
        leaking.run()
        assert leaking.leaks() == {canary}
    except EhsError:
        pytest.fail("the leaking template was refused before it could be found")
