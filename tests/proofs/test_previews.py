"""`policy preview` equals what then happens, on the demo's caseload, for many edits of each kind."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ehscheduler import office
from ehscheduler.config import Config, config_from
from ehscheduler.core.calendars import at_clock, london_day
from ehscheduler.core.reading import read_policy
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.preview import Preview, preview
from ehscheduler.daemon.turn import turn
from ehscheduler.demo.weeks import EXTRACT_COMES, EXTRACT_DAYS, FAMILIES
from ehscheduler.fitting import fitted
from ehscheduler.intake.caseload import write_caseload
from ehscheduler.notify.mail import Sender
from ehscheduler.plugins import Authority, load
from ehscheduler.policy_files import calendar_for
from ehscheduler.store import Store
from ehscheduler.store.copies import copied
from tests.daemon.house import FakeChannel
from tests.proofs.previews import Edit, edits

NAME = "nottinghamshire"
TODAY = date(2026, 6, 10)
NOW = at_clock(TODAY, EXTRACT_COMES) + timedelta(hours=4)
BASE: dict[str, Any] = {
    "live": {NAME: {"from": date(2026, 4, 15)}},
    "ladders": {NAME: {"overdue": [{"who": ["line_manager"], "after": "2 working days"}]}},
}
SEED = 20260610


@dataclass(frozen=True)
class Lived:
    """The demo's caseload after two weeks of turns."""

    store: Store
    bare: Authority

    def desk(self, store: Store, config: Config, authority: Authority) -> Desk:
        day = london_day(NOW)
        return Desk(
            store=store,
            config=config,
            authorities={NAME: fitted(authority, config, day)},
            channel=FakeChannel(),
            sender=Sender("Early Help reminders", "early-help@council.example"),
            worker="test",
        )

    def edited(self, edit: Edit) -> tuple[Config, Authority]:
        """Return what a council would have after an edit: as its plugin and its configuration would then give it."""
        config = config_from({**BASE, **edit.config}, "config.toml")
        new, [had] = read_policy(edit.text, "policy.toml"), self.bare.policies
        policies = (had, new) if edit.kind == "edition" else (new,)
        calendar = calendar_for(new, dict.fromkeys(edit.closed, "closed"))
        return config, Authority(NAME, policies, calendar, self.bare.folder)


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lived]:
    folder, bare = tmp_path_factory.mktemp("previews"), load(NAME)
    with Store.create(folder / "live.db") as store:
        life = Lived(store, bare)
        desk = life.desk(store, config_from(BASE, "config.toml"), bare)
        for back in (14, 7, 1, 0):
            day = TODAY - timedelta(days=back)
            _extract(desk, folder, day)
            for clock in (at_clock(day, EXTRACT_COMES) + timedelta(hours=h) for h in (1, 2, 4)):
                _turned(desk, clock)
        yield life


def _extract(desk: Desk, folder: Path, day: date) -> None:
    start, moment = TODAY - timedelta(days=EXTRACT_DAYS), at_clock(day, EXTRACT_COMES)
    files = write_caseload(
        folder / "extract", seed=2, families=FAMILIES, start=start, days=EXTRACT_DAYS, as_of=day - timedelta(days=1)
    )
    authority = desk.authorities[NAME]
    office.take_files(desk.store, authority, now=moment, by="test", people=files.people)
    office.take_files(desk.store, authority, now=moment, by="test", steps=files.extract, mapping=files.mapping)


def _turned(desk: Desk, moment: datetime) -> None:
    turn(desk, lambda: moment, stop=lambda: False, rng=random.Random(1))


def _rows(store: Store, sql: str) -> Counter[tuple[Any, ...]]:
    """Ask the database itself, past all that the preview uses."""
    raw = store.engine.raw_connection()
    try:
        return Counter(raw.cursor().execute(sql).fetchall())
    finally:
        raw.close()


MILESTONES = "SELECT case_ref, episode, key, due_at, state FROM milestone"
NOTICES = """SELECT n.case_ref, n.milestone, n.kind, n.stage, n.kept, d.recipient, d.channel FROM notice n
LEFT JOIN delivery d ON d.authority = n.authority AND d.notice_key = n.key"""


def _what_happens(lived: Lived, edit: Edit) -> tuple[set[tuple[Any, ...]], Counter[tuple[Any, ...]]]:
    """Let the service work by an edit, and return whose milestones then stand otherwise, and every new notice."""
    config, authority = lived.edited(edit)
    with copied(lived.store) as store:
        _turned(lived.desk(store, config_from(BASE, "config.toml"), lived.bare), NOW)
        milestones, notices = _rows(store, MILESTONES), _rows(store, NOTICES)
        _turned(lived.desk(store, config, authority), NOW)
        moved = {row[:3] for row in set(milestones) ^ set(_rows(store, MILESTONES))}
        return moved, _rows(store, NOTICES) - notices


def _said(found: Preview) -> tuple[set[tuple[Any, ...]], Counter[tuple[Any, ...]]]:
    heard: Counter[tuple[Any, ...]] = Counter()
    for one in found.heard:
        about = (one.case, one.key, one.kind, one.stage, one.kept)
        heard.update([(*about, *to.rsplit(" by ", 1)) for to in one.to] or [(*about, None, None)])
    return {(one.case, one.key) for one in found.changed}, heard


def _agrees(lived: Lived, edit: Edit) -> bool:
    """Hold one preview against what then happens; return whether anything did."""
    config, authority = lived.edited(edit)
    before = lived.desk(lived.store, config_from(BASE, "config.toml"), lived.bare)
    found = preview(before, lived.desk(lived.store, config, authority), NAME, NOW)
    assert found.faults == ()
    changed, heard = _said(found)
    moved, notices = _what_happens(lived, edit)
    assert heard == notices, edit.said
    assert changed <= {(case, key) for case, _, key in moved}, edit.said
    return bool(changed or heard)


def _of_each(lived: Lived, count: int, seed: int) -> None:
    text = (lived.bare.folder / "policy.toml").read_text()
    done: dict[str, list[bool]] = {}
    for edit in edits(text, NAME, TODAY, of_each=count, seed=seed):
        done.setdefault(edit.kind, []).append(_agrees(lived, edit))
    assert len(done) == 8
    assert all(len(each) == count for each in done.values())
    if count > 2:
        # Whose a thing is, and of what day one is reminded, says what comes later, and may move nothing at once.
        without = {kind for kind, each in done.items() if not any(each)}
        assert without <= {"owner", "reminders"}, without


def test_one_edit_of_each_kind_is_previewed_as_it_then_happens(lived: Lived) -> None:
    _of_each(lived, 1, SEED)


@pytest.mark.campaign
def test_ten_edits_of_each_kind_are_previewed_as_they_then_happen(lived: Lived) -> None:
    _of_each(lived, 10, SEED + 1)


def test_a_preview_that_looks_at_one_case_less_is_found_out(lived: Lived, monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison sees a preview that is wrong."""
    text = (lived.bare.folder / "policy.toml").read_text()
    edit = next(one for one in edits(text, NAME, TODAY, of_each=1, seed=SEED) if one.kind == "closure")
    edit = replace(edit, closed=tuple(TODAY + timedelta(days=n) for n in range(5)))
    assert _agrees(lived, edit)
    monkeypatch.setattr("ehscheduler.daemon.preview._heard", lambda old, new: iter(()))
    with pytest.raises(AssertionError):
        _agrees(lived, edit)
