"""A second council in the demo, with a weekly panel: eight families of Barnet's, some of which have stopped moving.

It is followed in shadow: everything is worked out and recorded, and nothing is sent.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

from ehscheduler import office
from ehscheduler.config import Config
from ehscheduler.core.calendars import at_clock, london_day
from ehscheduler.fitting import fitted
from ehscheduler.plugins import Authority, load
from ehscheduler.store.store import Store

AUTHORITY = "barnet"
CASES = ("case_ref", "team", "lead", "level")
EVENTS = ("case_ref", "event", "occurred_at", "recorded_at", "ref", "detail")
PEOPLE = ("person_id", "name", "email", "role", "team", "line_manager_id", "valid_from", "valid_to")
STAFF = (
    ("B-LP1", "Amber Thistle", "practitioner", "East Central hub", "B-TM1"),
    ("B-LP2", "Coral Heron", "practitioner", "East Central hub", "B-TM1"),
    ("B-TM1", "Indigo Larch", "hub_team_manager", "East Central hub", ""),
)
READ_AT = time(6, 30)


@dataclass(frozen=True, slots=True)
class Family:
    """One family: how many days ago it was allocated, to whom, and how many days after that each event happened."""

    ref: str
    lead: str
    since: int
    happened: tuple[tuple[int, str], ...]


SEEN_WORDS = ("contact_made", "home_visit", "family_seen")
SEEN = ((1, "contact_made"), (5, "home_visit"))
FAMILIES = (
    Family("B-101", "B-LP1", 30, (*SEEN, (14, "family_seen"), (22, "voice_recorded"), (26, "supervision_held"))),
    Family("B-102", "B-LP1", 50, (*SEEN, (20, "voice_recorded"), (28, "supervision_held"), (45, "voice_recorded"))),
    Family(
        "B-103", "B-LP2", 75, (*SEEN, (25, "voice_recorded"), (29, "supervision_held"), (40, "assessment_completed"))
    ),
    Family("B-104", "B-LP2", 20, (*SEEN, (15, "family_seen"))),
    Family("B-105", "B-LP1", 12, ((1, "contact_made"), (6, "home_visit"), (9, "family_seen"))),
    Family("B-106", "B-LP2", 40, (*SEEN, (20, "voice_recorded"), (27, "supervision_held"), (36, "flagged_stalled"))),
    Family("B-107", "B-LP1", 6, ((1, "contact_made"),)),
    Family("B-108", "B-LP2", 3, ((1, "contact_made"),)),
)


def take_second(folder: Path, store: Store, config: Config, until: datetime) -> Authority:
    """Write the second council's files into a folder of their own and take them in, as its nightly import would."""
    authority = fitted(load(AUTHORITY), config, london_day(until))
    folder.mkdir(parents=True, exist_ok=True)
    cases = _write(folder / "cases.csv", CASES, ((f.ref, "East Central hub", f.lead, "3") for f in FAMILIES))
    events = _write(folder / "events.csv", EVENTS, _events(london_day(until)))
    people = _write(folder / "people.csv", PEOPLE, _people())
    now = at_clock(london_day(until), READ_AT)
    office.take_files(store, authority, now=min(now, until), by="demo", cases=cases, events=events, people=people)
    return authority


def _events(today: date) -> Iterator[tuple[str, ...]]:
    for family in FAMILIES:
        allocated = today - timedelta(days=family.since)
        yield family.ref, "allocation", allocated.isoformat(), "", "", ""
        for after, word in family.happened:
            day = (allocated + timedelta(days=after)).isoformat()
            yield family.ref, word, day, "", f"{word}-{after}", ""
            if word in SEEN_WORDS:
                yield family.ref, "contact_recorded", day, "", f"{word}-{after}", ""


def _people() -> Iterator[tuple[str, ...]]:
    for id_, name, role, team, manager in STAFF:
        yield id_, name, f"{name.lower().replace(' ', '.')}@example.org", role, team, manager, "", ""


def _write(path: Path, columns: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(columns)
        out.writerows(rows)
    return path
