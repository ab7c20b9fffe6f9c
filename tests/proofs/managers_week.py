"""A manager's week: the demo caseload lived through with all that can happen in a team, and what each person was sent.

The clock alone is simulated: the files are taken in, people act by the office's verbs, and the daemon takes its turns.
Beside the demo's council stands a small one with limits of work and a check that is told.
"""

import csv
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from ehscheduler import office
from ehscheduler.config import config_from
from ehscheduler.core.calendars import LONDON, at_clock, london_day
from ehscheduler.core.people import Absence, Directory, Person
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.turn import turn
from ehscheduler.errors import InputRefused
from ehscheduler.fitting import fitted
from ehscheduler.intake.caseload import write_caseload
from ehscheduler.notify.mail import Sender
from ehscheduler.plugins import Authority, load
from ehscheduler.store.outbox import OutboxRow, outbox
from ehscheduler.store.store import Store
from tests.daemon.house import FakeChannel, Mail

NOTTS, SMALL = "nottinghamshire", "northamptonshire"
SEED, FAMILIES, EXTRACT_DAYS = 2, 40, 182
BEGIN, MONDAY, FRIDAY = date(2026, 10, 30), date(2026, 11, 16), date(2026, 11, 20)
EVERY = 1_000_000
MORNING = time(6, 30)

LEAVER, LEFT_ON = "CM-S002", date(2026, 11, 17)
ABSENCES = (
    Absence("CM-S001", date(2026, 11, 18), date(2026, 11, 20), "CM-S003"),
    Absence("CM-W003", date(2026, 11, 18), date(2026, 11, 20)),
    Absence("GM-1", date(2026, 11, 16), date(2026, 11, 27), "SM-W"),
    Absence("TM-S", date(2026, 11, 19), date(2026, 11, 20), "SPP-S"),
)
CONFIG: Mapping[str, Any] = {
    "live": {
        NOTTS: {"from": BEGIN, "fed": ["stepup-family-told", "stepup-liaise"]},
        SMALL: {"from": BEGIN, "checks": ["worker-safety-at-visit"]},
    },
    "ladders": {
        name: {
            "overdue": [{"who": ["line_manager"], "after": "1 working day"}, {"who": [top], "after": "3 working days"}]
        }
        for name, top in ((NOTTS, "service_manager"), (SMALL, "team_manager"))
    },
}


@dataclass(frozen=True)
class Sent:
    """One message as its reader got it, with the notices in it."""

    at: datetime
    to: Person
    authority: str
    mail: Mail
    rows: tuple[OutboxRow, ...]

    @property
    def day(self) -> date:
        return london_day(self.at)

    @property
    def kinds(self) -> set[str]:
        return {row.kind for row in self.rows}


@dataclass
class Week:
    """The weeks that were lived through; `refused` is what the office did not let somebody do."""

    store: Store
    folder: Path
    authorities: Mapping[str, Authority]
    channel: FakeChannel = field(default_factory=FakeChannel)
    moments: dict[str, datetime] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    people: dict[str, list[Person]] = field(default_factory=dict)
    dispute: str = ""

    def directory(self, authority: str, day: date) -> Directory:
        """Return who is here on a day, by the files that were given."""
        return Directory.on(self.people[authority], day, ABSENCES if authority == NOTTS else ())

    def sent(self) -> list[Sent]:
        """Return every message to a person, in the order they came."""
        found = []
        for name in self.authorities:
            by_address = {person.email: person for person in self.people[name]}
            with self.store.read() as tx:
                rows = outbox(tx, name, limit=EVERY)
            for mail in self.channel.taken:
                inside = tuple(row for row in rows if row.message_id == mail.message_id)
                if inside and mail.to in by_address:
                    found.append(Sent(self.moments[mail.message_id], by_address[mail.to], name, mail, inside))
        return sorted(found, key=lambda one: (one.at, one.to.person_id))

    def last_week(self) -> list[Sent]:
        return [one for one in self.sent() if one.day >= MONDAY]


# ---- living through it


def live_through(store: Store, folder: Path) -> Week:
    """Live through three weeks, of which the last has everything in it."""
    config = config_from(dict(CONFIG), "config.toml")
    authorities = {name: fitted(load(name), config, MONDAY) for name in (NOTTS, SMALL)}
    week = Week(store, folder, authorities)
    desk = Desk(
        store=store,
        config=config,
        authorities=authorities,
        channel=week.channel,
        sender=Sender("Early Help reminders", "early-help@council.example"),
        worker="test",
    )
    rng = random.Random(SEED)
    to_do = sorted(_acts(), key=lambda act: act.at)
    for now in _hours():
        here = now.astimezone(LONDON)
        if here.time() == MORNING and authorities[NOTTS].calendar.is_working(here.date()):
            _take_in(week, here.date(), now)
        while to_do and to_do[0].at <= now:
            act = to_do.pop(0)
            act.do(week, act.at)
        before = len(week.channel.taken)
        turn(desk, lambda moment=now: moment, stop=lambda: False, rng=rng)
        week.moments |= {mail.message_id: now for mail in week.channel.taken[before:]}
    return week


def _hours() -> Iterator[datetime]:
    moment = at_clock(BEGIN, MORNING).astimezone(UTC)
    while moment <= at_clock(FRIDAY, time(17, 0)):
        yield moment
        moment += timedelta(minutes=60)


def _take_in(week: Week, day: date, now: datetime) -> None:
    """Take in the extract of the night before; in the first, and in the last week's, the staff files, too."""
    files = write_caseload(
        week.folder / "extract",
        seed=SEED,
        families=FAMILIES,
        start=FRIDAY - timedelta(days=EXTRACT_DAYS),
        days=EXTRACT_DAYS,
        as_of=day - timedelta(days=1),
    )
    notts, small = week.authorities[NOTTS], week.authorities[SMALL]
    if day in (BEGIN, MONDAY):
        staff = _staff(files.people, leaving=day == MONDAY)
        away = _write(week.folder / "absences.csv", ABSENCE_COLUMNS, _absence_rows())
        office.take_files(week.store, notts, now=now, by="it", people=staff)
        office.take_files(week.store, notts, now=now, by="it", absences=away)
        week.people[NOTTS] = _persons(staff)
    if day == BEGIN:
        _take_small(week, small, now)
    office.take_files(week.store, notts, now=now, by="it", steps=files.extract, mapping=files.mapping)


# ---- the staff


ABSENCE_COLUMNS = ("person_id", "away_from", "away_to", "cover_id")
PEOPLE_COLUMNS = ("person_id", "name", "email", "role", "team", "line_manager_id", "valid_from", "valid_to")


def _staff(path: Path, *, leaving: bool) -> Path:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        if leaving and row["person_id"] == LEAVER:
            row["valid_to"] = LEFT_ON.isoformat()
    return _write(path, PEOPLE_COLUMNS, (tuple(row[name] for name in PEOPLE_COLUMNS) for row in rows))


def _persons(path: Path) -> list[Person]:
    def day(text: str) -> date | None:
        return date.fromisoformat(text) if text else None

    with path.open(encoding="utf-8", newline="") as file:
        return [
            Person(
                row["person_id"], row["name"], row["email"], tuple(row["role"].split(";")), row["team"],
                row["line_manager_id"] or None, day(row["valid_from"]), day(row["valid_to"]),
            )
            for row in csv.DictReader(file)
        ]  # fmt: skip


def _absence_rows() -> Iterator[tuple[str, ...]]:
    for one in ABSENCES:
        yield one.person_id, one.away_from.isoformat(), one.away_to.isoformat(), one.cover_id or ""


def _write(path: Path, columns: Sequence[str], rows: Iterator[tuple[str, ...]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = [columns, *rows]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(made)
    return path


# ---- the small council

TEAM = "Orchard team"
EVENT_COLUMNS = ("case_ref", "event", "occurred_at", "recorded_at", "ref", "detail")
SMALL_STAFF = (
    ("N-P1", "Amber Wicket", "practitioner", "N-TM"),
    ("N-P2", "Coral Lapwing", "practitioner", "N-TM"),
    ("N-SP", "Teal Orchard", "senior_practitioner", "N-TM"),
    ("N-TM", "Indigo Fallow", "team_manager", ""),
)
SMALL_CASES = tuple(f"N-{n:03}" for n in range(1, 13))
ELEVENTH = "N-011"


def _take_small(week: Week, small: Authority, now: datetime) -> None:
    folder = week.folder / "small"
    people = _write(folder / "people.csv", PEOPLE_COLUMNS, (
        (id_, name, f"{name.lower().replace(' ', '.')}@example.net", role, TEAM, boss, "", "")
        for id_, name, role, boss in SMALL_STAFF
    ))  # fmt: skip
    cases = _write(folder / "cases.csv", ("case_ref", "team", "lead"), (
        (ref, TEAM, "N-P2" if ref in (ELEVENTH, "N-012") else "N-P1") for ref in SMALL_CASES
    ))  # fmt: skip
    events = _write(folder / "events.csv", EVENT_COLUMNS, _small_events())
    office.take_files(week.store, small, now=now, by="it", cases=cases, events=events, people=people)
    week.people[SMALL] = _persons(people)


def _small_events() -> Iterator[tuple[str, ...]]:
    for ref in SMALL_CASES:
        yield ref, "allocation", "2026-10-26", "", "", ""
        yield ref, "contact_attempted", "2026-10-27", "", "", ""
        yield ref, "contact_made", "2026-10-28", "", "", ""


# ---- what people do in the last week


@dataclass(frozen=True)
class Act:
    """Something that a person puts on record at an instant, London time."""

    at: datetime
    do: Callable[[Week, datetime], None]


def _act(text: str, verb: Callable[..., Any], authority: str, *args: Any, **more: Any) -> Act:
    """Let somebody act by a verb of the office; what the office refuses is kept to be looked at."""

    def do(week: Week, now: datetime) -> None:
        try:
            verb(week.store, week.authorities[authority], *args, now=now, **more)
        except InputRefused as refused:
            week.refused += refused.faults

    return Act(datetime.fromisoformat(text).replace(tzinfo=LONDON), do)


DISPUTED, DISPUTE = "G400040", "D-1"
HANDED_OVER, HELD, CLOSED, RELAXED = "G400017", "G400011", "G400008", "G400019"


def _acts() -> list[Act]:
    later = {"until": date(2026, 12, 2), "by_role": "team_manager", "reason": "family", "by": "TM-S"}
    return [
        _act(
            "2026-11-16T09:10",
            office.dispute_open,
            NOTTS,
            DISPUTED,
            about="allocation",
            ref=DISPUTE,
            at=None,
            by="SM-N",
        ),
        _act("2026-11-16T10:00", _changed, NOTTS, HANDED_OVER, "CM-W002"),
        _act("2026-11-16T11:00", _seen, NOTTS, "G400019", "family-contact", "TM-S"),
        _act("2026-11-17T10:00", _changed, SMALL, ELEVENTH, "N-P1"),
        _act("2026-11-17T11:00", _seen, NOTTS, "G400027", "family-contact", "TM-N"),
        _act("2026-11-17T14:00", office.relax, NOTTS, RELAXED, ["plan"], **later),
        _act("2026-11-17T14:05", office.relax, NOTTS, "G400022", ["family-contact"], **later),
        _act("2026-11-17T14:10", office.relax, NOTTS, RELAXED, ["assessment"], **later),
        _act("2026-11-18T11:00", _visit, SMALL, "N-012"),
        _act("2026-11-18T15:00", office.close, NOTTS, CLOSED, at="2026-11-18T15:00", by="CM-W002", reason="plan_met"),
        _act("2026-11-19T11:10", _decided, NOTTS, DISPUTED),
        _act("2026-11-19T12:00", office.hold, NOTTS, HELD, at="2026-11-19T12:00", by="TM-W", reason="stepped_up"),
    ]


def _changed(store: Store, authority: Authority, case: str, lead: str, *, now: datetime) -> None:
    office.record(store, authority, case, "worker_changed", at=now.isoformat(), now=now, by="it", detail={"lead": lead})


def _visit(store: Store, authority: Authority, case: str, *, now: datetime) -> None:
    office.record(store, authority, case, "home_visit", at=now.isoformat(), now=now, by="it")


def _seen(store: Store, authority: Authority, case: str, rule: str, person: str, *, now: datetime) -> None:
    """Let a manager acknowledge what is overdue by a rule, until Thursday."""
    with store.read() as tx:
        found = office.evaluation_of(tx, authority, case, now)
    key = next(m.key for m in found.milestones if m.rule == rule and m.state == "overdue")
    until = date(2026, 11, 19)
    office.acknowledge(store, authority, case, key, person=person, reason="capacity", until=until, now=now, by=person)


def _decided(store: Store, authority: Authority, case: str, *, now: datetime) -> None:
    """Let whoever covers the group manager decide."""
    at, outcome = now.isoformat(), "stays_with_team"
    office.dispute_decide(
        store, authority, case, DISPUTE, role="group_manager", outcome=outcome, at=at, now=now, by="SM-W"
    )
