"""A small invented authority and its days: files as a feed would bring them, and the instants of the daemon's turns.

The same seed gives the same files. Standard library only: nothing here comes from what is being tested.
"""

import csv
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
AUTHORITY = "nottinghamshire"
OPERATOR = "operator@council.example"
FIRST_DAY = date(2024, 3, 11)
"""A Monday in the past: Easter and the clock change, both on 31 March, lie ahead."""
TURNS = (time(9, 1), time(12, 1), time(17, 1), time(22, 1))
MINUTES = (25, 55)
"""Nothing happens in the minutes after a turn, so that no clock of hours runs out while kills draw that turn out."""
EVENT_COLUMNS = ("case_ref", "event", "occurred_at", "recorded_at", "ref", "detail", "id")
PERSON_COLUMNS = ("person_id", "name", "email", "role", "team", "line_manager_id", "valid_from", "valid_to")
STAFF = (
    ("tm1", "team_manager", "Team 1", "sm"),
    ("tm2", "team_manager", "Team 2", "sm"),
    ("spp", "senior_professional_practitioner", "", "sm"),
    ("sm", "service_manager", "", "gm"),
    ("gm", "group_manager", "", ""),
    ("gen", "general_manager", "", ""),
    ("ehu", "early_help_unit", "", "sm"),
)


@dataclass(frozen=True)
class Turn:
    """One instant at which the daemon is to look, and the files that came in just before."""

    at: datetime
    events: Path | None = None
    people: Path | None = None


@dataclass(frozen=True)
class Workload:
    """All that one run is given."""

    first_day: date
    cases: Path
    turns: tuple[Turn, ...]


@dataclass
class _Row:
    case: str
    word: str
    occurred: datetime
    dated: bool
    recorded: datetime
    ref: str = ""
    detail: dict[str, object] = field(default_factory=dict)
    id: str = ""

    def cells(self) -> list[str]:
        occurred = self.occurred.date().isoformat() if self.dated else self.occurred.isoformat()
        detail = json.dumps(self.detail) if self.detail else ""
        return [self.case, self.word, occurred, self.recorded.isoformat(), self.ref, detail, self.id]


def make_workload(folder: Path, seed: int, *, cases: int = 60, workers: int = 8, days: int = 28) -> Workload:
    """Write a caseload and its feed of `days` days into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    refs = [f"EH-{n:03}" for n in range(1, cases + 1)]
    leads = [f"w{n}" for n in range(1, workers + 1)]
    rows = [row for ref in refs for row in _life(rng, ref, leads, days)]
    for n, row in enumerate(rows, 1):
        row.id = row.id or f"e{n}"
    instants = list(_instants(days))
    turns = tuple(_turns(folder, rows, instants, leads))
    return Workload(FIRST_DAY, _write_cases(folder, rng, refs, leads), turns)


def _instants(days: int) -> Iterator[datetime]:
    for n in range(days):
        for at in TURNS:
            yield datetime.combine(FIRST_DAY + timedelta(days=n), at, LONDON).astimezone(UTC)


def _turns(folder: Path, rows: list[_Row], instants: list[datetime], leads: list[str]) -> Iterator[Turn]:
    """Share the rows out by when they were recorded; half-way one worker leaves."""
    leaves, before = len(instants) // 2, datetime.min.replace(tzinfo=UTC)
    for n, at in enumerate(instants):
        new = [row for row in rows if before < row.recorded <= at]
        events = _write(folder / f"events-{n:03}.csv", EVENT_COLUMNS, [row.cells() for row in new]) if new else None
        staff = leads if n < leaves else leads[:-1]
        people = _write_people(folder / f"people-{n:03}.csv", staff) if n in (0, leaves) else None
        yield Turn(at, events, people)
        before = at


def _write(path: Path, columns: tuple[str, ...], rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
    return path


def _write_people(path: Path, leads: list[str]) -> Path:
    staff = [(lead, "case_manager", _team(lead), f"tm{_team(lead)[-1]}") for lead in leads]
    rows = [
        [id_, f"Person {id_.upper()}", f"{id_}@council.example", role, team, above, "2020-01-01", ""]
        for id_, role, team, above in (*staff, *STAFF)
    ]
    return _write(path, PERSON_COLUMNS, rows)


def _write_cases(folder: Path, rng: random.Random, refs: list[str], leads: list[str]) -> Path:
    rows = []
    for n, ref in enumerate(refs):
        lead = leads[n % len(leads)]
        urgent = "yes" if rng.random() < 0.2 else "no"
        rows.append([ref, _team(lead), lead if n else "", urgent, rng.choice(["early_help", "childrens_centre"])])
    return _write(folder / "cases.csv", ("case_ref", "team", "lead", "urgent", "service"), rows)


def _team(lead: str) -> str:
    return f"Team {1 + int(lead[1:]) % 2}"


# ---- one case


def _life(rng: random.Random, ref: str, leads: list[str], days: int) -> Iterator[_Row]:
    start = FIRST_DAY + timedelta(days=rng.randint(-45, max(1, days - 10)))
    yield from _front_door(rng, ref, start)
    yield from _casework(rng, ref, start)
    yield from _visits(rng, ref, start, days)
    yield from _clocks_of_hours(rng, ref, start, days)
    yield from _turnings(rng, ref, start, leads, days)


def _row(rng: random.Random, case: str, word: str, day: date, *, dated: bool = True, **more: object) -> _Row:
    """Make an event of a day; one in four is recorded days later, which the feed brings only then."""
    at = datetime.combine(day, time(rng.randint(8, 19), rng.randint(*MINUTES)), LONDON).astimezone(UTC)
    late = timedelta(days=rng.randint(1, 6)) if rng.random() < 0.25 else timedelta(minutes=rng.randint(1, 90))
    occurred = at if not dated else datetime.combine(day, time(), LONDON)
    made = _Row(case, word, occurred, dated, at + late)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def _front_door(rng: random.Random, ref: str, start: date) -> Iterator[_Row]:
    came = start - timedelta(days=rng.randint(2, 9))
    yield _row(rng, ref, "referral_received", came, dated=False)
    if rng.random() < 0.8:
        yield _row(rng, ref, "referral_passed", came + timedelta(days=1))
    yield _row(rng, ref, "received_into_team", came + timedelta(days=1), dated=False)
    if rng.random() < 0.7:
        yield _row(rng, ref, "referral_screened", came + timedelta(days=rng.randint(2, 6)))


def _casework(rng: random.Random, ref: str, start: date) -> Iterator[_Row]:
    allocated = _row(rng, ref, "allocation", start, id=f"{ref}-allocation")
    yield allocated
    if rng.random() < 0.1:  # entered on the wrong day, and put right later
        wrong = {"event": allocated.id}
        yield _row(rng, ref, "retracted", start + timedelta(days=9), detail=wrong)
        again = _row(rng, ref, "allocation", start + timedelta(days=2))
        again.recorded = max(again.recorded, allocated.recorded + timedelta(days=9))
        yield again
    for word, first, last, share in (
        ("contact_made", 1, 9, 0.75),
        ("home_visit", 6, 18, 0.7),
        ("assessment_completed", 25, 48, 0.7),
        ("plan_completed", 35, 60, 0.6),
        ("taf_held", 30, 55, 0.5),
    ):
        if rng.random() < share:
            detail = {"method": "phone"} if word == "contact_made" else {}
            yield _row(rng, ref, word, start + timedelta(days=rng.randint(first, last)), detail=detail)


def _visits(rng: random.Random, ref: str, start: date, days: int) -> Iterator[_Row]:
    day, last = start, FIRST_DAY + timedelta(days=days)
    while (day := day + timedelta(days=rng.randint(8, 22))) < last:
        yield _row(rng, ref, "family_seen", day)


def _clocks_of_hours(rng: random.Random, ref: str, start: date, days: int) -> Iterator[_Row]:
    """Disputes and return interviews: what is told at once, on any day and at any hour."""
    for n in range(2):
        day = FIRST_DAY + timedelta(days=rng.randint(1, days))
        if rng.random() < 0.25:
            asked = _row(rng, ref, "return_interview_requested", day, dated=False, ref=f"ri{n}")
            yield asked
            if rng.random() < 0.6:
                yield _after(rng, asked, "return_interview_allocated")
        if rng.random() < 0.2:
            about: dict[str, object] = {"about": "allocation"}
            raised = _row(rng, ref, "dispute_raised", day, dated=False, ref=f"d{n}", detail=about)
            yield raised
            if rng.random() < 0.7:
                yield _after(rng, raised, "dispute_resolved")


def _after(rng: random.Random, first: _Row, word: str) -> _Row:
    at = first.occurred + timedelta(hours=rng.randint(2, 40))
    return _Row(first.case, word, at, False, max(at, first.recorded) + timedelta(minutes=5), first.ref)


def _turnings(rng: random.Random, ref: str, start: date, leads: list[str], days: int) -> Iterator[_Row]:
    """Holds, closures, and cases that change hands while their messages wait."""
    day = FIRST_DAY + timedelta(days=rng.randint(1, days))
    chance = rng.random()
    if day <= start:
        return
    if chance < 0.12:
        yield _row(rng, ref, "hold_started", day, detail={"reason": "stepped_up"})
        yield _row(rng, ref, "hold_ended", day + timedelta(days=rng.randint(3, 12)))
    elif chance < 0.22:
        yield _row(rng, ref, "closed", day, detail={"reason": "completed"})
    elif chance < 0.4:
        yield _row(rng, ref, "attributes_changed", day, detail={"lead": rng.choice(leads)})
    elif chance < 0.45:  # nobody holds the role that this one asks for: it climbs, and the operator hears
        yield _row(rng, ref, "epn_request_valid", day, ref="epn")


# ---- what goes out at once


def make_urgent(folder: Path, at: datetime, teams: int) -> tuple[Path, Path, Path]:
    """Write a feed of one case a team, each with an interview asked for and a dispute raised at `at`.

    Both are told at once, on any day and at any hour: two messages to each team's manager.
    """
    refs = [f"EH-{n:03}" for n in range(1, teams + 1)]
    when = at.isoformat(timespec="seconds")
    about = json.dumps({"about": "allocation"})
    cases = _write(folder / "cases.csv", ("case_ref", "team"), [[ref, f"Team {ref}"] for ref in refs])
    events = [[ref, "return_interview_requested", when, when, "ri", "", f"{ref}-ri"] for ref in refs]
    events += [[ref, "dispute_raised", when, when, "d", about, f"{ref}-d"] for ref in refs]
    staff = [
        [f"tm-{ref}", f"Person {ref}", f"tm-{ref.lower()}@council.example", "team_manager", f"Team {ref}", "", "", ""]
        for ref in refs
    ]
    # Nobody hears as one of these within the time of the test; without them the operator would, that they are missing.
    above = ("service_manager", "group_manager", "general_manager")
    staff += [[role, f"Person {role}", f"{role}@council.example", role, "", "", "", ""] for role in above]
    return (
        cases,
        _write(folder / "events.csv", EVENT_COLUMNS, events),
        _write(folder / "people.csv", PERSON_COLUMNS, staff),
    )
