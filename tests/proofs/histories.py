"""Random histories: many families at once, each with people of its own who leave, are away, cover, and come late."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from ehscheduler.core.calendars import LONDON
from ehscheduler.core.events import Case, Event, read_moment
from ehscheduler.core.people import Absence, Person
from ehscheduler.office import FIRST_IMPORT
from ehscheduler.store.cases import put_cases
from ehscheduler.store.events import add_events
from ehscheduler.store.people import put_absences
from ehscheduler.store.state import put_state
from tests.daemon.house import NAME, House

RULES = """
[standard.visit]
title = "First visit"
clause = "1"
due = "3 working days after allocation"
met_by = "home_visit"
owner = "worker"
remind = ["1 working day before"]
may_extend = ["manager"]
[standard.plan]
title = "Plan written"
clause = "2"
due = "4 working days after allocation"
met_by = "plan_completed"
owner = "worker"
escalate = "up"
[standard.dispute]
title = "Dispute decided"
clause = "3"
due = "24 hours after each dispute_raised"
met_by = "dispute_resolved"
owner = "manager"
decided_by = "tiers"
[ladder.up]
title = "Work that is overdue"
clause = "2"
steps = [
  { who = ["manager"], due = "2 working days after step_reached" },
  { who = ["director"], due = "2 working days after step_reached", final = true },
]
[ladder.tiers]
title = "Disputes"
clause = "3"
steps = [
  { who = ["manager"], due = "8 hours after dispute_raised" },
  { who = ["director"], due = "24 hours after dispute_raised", final = true },
]
"""
LADDER = {"overdue": [{"who": ["line_manager"], "after": "1 working day"}, {"who": ["director"], "after": "3 working days"}]}  # fmt: skip  # noqa: E501
EVERYBODY = {"*": "duty@council.example"}


@dataclass(frozen=True)
class Stretch:
    """A stretch of days with a clock change, a holiday or both in it."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days


SPRING = Stretch(date(2026, 3, 19), date(2026, 4, 21))  # the clocks go forward on 29 March; Easter is 3 to 6 April
AUTUMN = Stretch(date(2026, 10, 15), date(2026, 11, 17))  # the clocks go back on 25 October
CHRISTMAS = Stretch(date(2026, 12, 14), date(2027, 1, 15))


@dataclass
class History:
    """One family, what happens to it, and its people: two workers, their manager, a director, somebody who covers."""

    ref: str
    events: list[Event]
    people: list[Person]
    absences: list[Absence]
    leads: list[tuple[datetime, str]] = field(default_factory=list)
    moves: tuple[date, list[Person]] | None = None
    """The day of a later staff feed, and its people: somebody new has the role, whoever had it is in another team."""

    def people_on(self, day: date) -> list[Person]:
        """Return the people as the staff feed has them on a day."""
        return self.moves[1] if self.moves and day >= self.moves[0] else self.people

    def circle(self, day: date) -> set[str]:
        """Return whose case it is on a day; who went to another team is not among them."""
        return {person.person_id for person in self.people_on(day) if not person.team.startswith("elsewhere")}

    def lead_at(self, moment: datetime) -> str:
        """Return who leads the case as it is known at a moment."""
        return [who for since, who in self.leads if since <= moment][-1]

    def here(self, person_id: str, day: date) -> bool:
        """Tell by plain look-up whether a person works here on a day and is not away."""
        employed = any(p.person_id == person_id and p.current(day) for p in self.people_on(day))
        return employed and not any(a.person_id == person_id and a.away_from <= day <= a.away_to for a in self.absences)


class Maker:
    """Makes random histories in a stretch of days."""

    def __init__(self, seed: int, stretch: Stretch) -> None:
        self.rng = random.Random(seed)
        self.stretch = stretch

    def histories(self, count: int) -> list[History]:
        return [self._history(n) for n in range(count)]

    def _history(self, n: int) -> History:
        ref = f"C{n:04}"
        first = [Event("", ref, "", self._moment(0, 0), False, self.stretch.first, self._moment(0, 0))]
        made = History(ref, [], self._people(n), self._absences(n), [(datetime.min.replace(tzinfo=UTC), f"w{n}")])
        if self.rng.random() < 0.4:
            made.moves = (self._day(), self._moved(made.people, n))
        made.events = [self._named(e, k) for k, e in enumerate(self._events(made, n, first[0].moment))]
        return made

    # ---- people

    def _people(self, n: int) -> list[Person]:
        team = f"T{n}"
        rows = [
            (f"w{n}", "worker", f"m{n}"),
            (f"v{n}", "worker", f"m{n}"),
            (f"m{n}", "manager", f"d{n}"),
            (f"d{n}", "director", None),
            (f"c{n}", "worker", f"m{n}"),
        ]
        return [self._person(id_, role, team, above) for id_, role, above in rows]

    def _person(self, id_: str, role: str, team: str, above: str | None) -> Person:
        leaves = self._day() if self.rng.random() < 0.2 else None
        return Person(id_, f"P {id_}", f"{id_}@council.example", (role,), team, above, None, leaves)

    def _moved(self, people: Sequence[Person], n: int) -> list[Person]:
        """Return a later feed: the manager or the director is another, and the one before is in another team."""
        who, new = self.rng.choice((("m", "x"), ("d", "y")))
        gone, came = f"{who}{n}", f"{new}{n}"
        moved = []
        for person in people:
            above = came if person.line_manager_id == gone else person.line_manager_id
            if person.person_id == gone:
                moved.append(replace(person, person_id=came, email=f"{came}@council.example", valid_to=None))
                moved.append(replace(person, team=f"elsewhere{n}", line_manager_id=None))
            else:
                moved.append(replace(person, line_manager_id=above))
        return moved

    def _absences(self, n: int) -> list[Absence]:
        found = []
        for who in "wvmdc":
            if self.rng.random() < 0.3:
                start = self._day()
                end = start + timedelta(days=self.rng.randrange(10))
                cover = self.rng.choice([None, *(f"{other}{n}" for other in "wvmdc" if other != who)])
                found.append(Absence(f"{who}{n}", start, end, cover))
        return _without_rings(found)

    # ---- events

    def _events(self, made: History, n: int, begin: datetime) -> Iterator[Event]:
        rng, ref = self.rng, made.ref
        start = begin + timedelta(days=rng.randrange(3), hours=rng.randrange(10))
        yield self._event(ref, "allocation", start, lead=f"w{n}")
        for word, likely in (("home_visit", 0.6), ("plan_completed", 0.6), ("closed", 0.15)):
            if rng.random() < likely:
                yield self._event(ref, word, self._later(start))
        for k in range(rng.choice((0, 0, 1, 2))):
            raised = self._later(start)
            yield self._event(ref, "dispute_raised", raised, f"D{k}")
            if rng.random() < 0.7:
                yield self._event(ref, "dispute_resolved", raised + timedelta(hours=rng.randrange(1, 90)), f"D{k}")
        if rng.random() < 0.3:
            held = self._later(start)
            yield self._event(ref, "hold_started", held, reason="stepped_up")
            yield self._event(ref, "hold_ended", held + timedelta(days=rng.randrange(1, 9)))
        if rng.random() < 0.3:
            moment = self._later(start)
            changed = self._event(ref, "worker_changed", moment, lead=f"v{n}")
            made.leads.append((max(changed.moment, changed.recorded), f"v{n}"))
            yield changed
        if rng.random() < 0.3:
            until = self._day().isoformat()
            detail = {"rules": ["visit"], "until": until, "by_role": "manager", "reason": "family"}
            yield self._event(ref, "relaxation_agreed", self._later(start), **detail)
        for who, key in ((f"w{n}", "visit"), (f"m{n}", "plan")):
            if rng.random() < 0.3:
                moment = self._later(start)
                until = (moment + timedelta(days=rng.randrange(1, 5))).date().isoformat()
                yield self._event(ref, "acknowledged", moment, key, person=who, reason="family", until=until)

    def _event(self, ref: str, word: str, moment: datetime, pair: str | None = None, **detail: object) -> Event:
        recorded = moment + timedelta(hours=self.rng.choice((0, 0, 0, 5, 30, 100)))
        day = moment.astimezone(LONDON).date()
        return Event("", ref, word, moment, False, day, recorded, pair, json.loads(json.dumps(detail)))

    def _named(self, event: Event, k: int) -> Event:
        return Event(f"{event.case}-{k}", event.case, event.word, event.moment, event.dated, event.day, event.recorded, event.ref, event.detail)  # fmt: skip  # noqa: E501

    # ---- when

    def _day(self) -> date:
        return self.stretch.first + timedelta(days=self.rng.randrange(self.stretch.days))

    def _moment(self, day: int, hour: int) -> datetime:
        return read_moment(f"{self.stretch.first + timedelta(days=day)}T{8 + hour:02}:10")[0]

    def _later(self, start: datetime) -> datetime:
        return start + timedelta(hours=self.rng.randrange(1, 24 * (self.stretch.days - 6)))


def _without_rings(absences: Sequence[Absence]) -> list[Absence]:
    """Leave out the cover that would lead back to whoever is away: a file with such a ring is refused."""
    covers: dict[str, str] = {}
    found = []
    for one in absences:
        at, seen = one.cover_id, {one.person_id}
        while at is not None and at not in seen:
            seen.add(at)
            at = covers.get(at)
        kept = one if at is None else Absence(one.person_id, one.away_from, one.away_to)
        if kept.cover_id:
            covers[kept.person_id] = kept.cover_id
        found.append(kept)
    return found


def move_in(house: House, histories: Sequence[History], stretch: Stretch) -> None:
    """Store all that will ever happen: an event counts from when it is recorded, a person from when they are here."""
    house.set(ladders={NAME: LADDER}, duty={NAME: EVERYBODY})
    house.set_rules(RULES)
    house.live()
    house.at(f"{stretch.first} 06:00")
    house.people(*(person for one in histories for person in one.people))
    with house.store.begin() as tx:
        put_absences(tx, NAME, [absence for one in histories for absence in one.absences])
        cases = [Case(one.ref, {"lead": f"w{int(one.ref[1:])}", "team": f"T{int(one.ref[1:])}"}) for one in histories]
        put_cases(tx, NAME, cases, source="the extract", read_at=house.now, now=house.now)
        for one in histories:
            add_events(tx, NAME, one.events, source="the extract", now=house.now)
        put_state(tx, NAME, FIRST_IMPORT, stretch.first.isoformat())


def live_through(house: House, histories: Sequence[History], stretch: Stretch, seed: int) -> None:
    """Take turns at odd times, with days on which nothing runs, and ticks that are broken off and begun again.

    A staff feed comes before the first turn of each day on which somebody moved.
    """
    rng = random.Random(seed)
    day = stretch.first
    while day <= stretch.last:
        if any(one.moves and one.moves[0] == day for one in histories):
            house.at(f"{day} 00:10").people(*(person for one in histories for person in one.people_on(day)))
        if rng.random() < 0.85:
            for clock in sorted(rng.sample(("03:10", "08:30", "09:05", "12:40", "17:55", "21:20"), 4)):
                _turn(house.at(f"{day} {clock}"), rng)
        day += timedelta(days=1)


def _turn(house: House, rng: random.Random) -> None:
    from ehscheduler.daemon.tick import tick

    left = iter(range(rng.randrange(1, 400)))
    if rng.random() < 0.2:
        tick(house.desk, house.now, stop=lambda: next(left, None) is None)
    house.tick()
    house.deliver()
