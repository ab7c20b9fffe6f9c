"""A whole service in small: a policy, a database, people, a clock that is set by hand, a way out that is looked at."""

import json
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

from ehscheduler.config import config_from
from ehscheduler.core.calendars import LONDON, london_day
from ehscheduler.core.events import Case, Event, event_id, read_moment
from ehscheduler.core.people import Absence, Person
from ehscheduler.core.reading import read_policy
from ehscheduler.daemon.deliver import Delivered, deliver
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.operator import tell_operator
from ehscheduler.daemon.tick import Ticked, tick
from ehscheduler.notify.channel import Channel, Outcome
from ehscheduler.notify.mail import Sender
from ehscheduler.office import FIRST_IMPORT
from ehscheduler.plugins import Authority
from ehscheduler.policy_files import calendar_for
from ehscheduler.store import Store
from ehscheduler.store.alarms import AlarmRecord, alarms
from ehscheduler.store.cases import put_cases, wake
from ehscheduler.store.events import add_events
from ehscheduler.store.notices import Notice, notices_of
from ehscheduler.store.outbox import OutboxRow, outbox
from ehscheduler.store.people import put_absences, put_people
from ehscheduler.store.state import put_state, state_of
from ehscheduler.store.trail import TrailEntry, trail

NAME = "testshire"
HEAD = """
[policy]
authority = "testshire"
document = "A protocol for tests"
edition = "1"
nation = "england"
in_force = 2015-01-01
[roles]
worker = ["lead"]
manager = "Manager"
director = "Director"
[event.visit_asked]
title = "A visit is asked for"
"""
VISIT = """
[standard.visit]
title = "First visit"
clause = "1.1"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "worker"
remind = ["3 working days before", "on the day"]
may_extend = ["manager"]
"""
LADDER = {"overdue": [{"who": ["line_manager"], "after": "1 working day"}]}
OK = Outcome("accepted", "250 2.0.0 queued")
PEOPLE = (
    Person("w1", "Wren Worker", "w1@council.example", ("worker",), "North", "m1"),
    Person("w2", "Wilf Worker", "w2@council.example", ("worker",), "North", "m1"),
    Person("m1", "Mo Manager", "m1@council.example", ("manager",), "North", "d1"),
    Person("s1", "Sal South", "s1@council.example", ("worker",), "South", "m2"),
    Person("m2", "Max Manager", "m2@council.example", ("manager",), "South", "d1"),
    Person("d1", "Dee Director", "d1@council.example", ("director",), ""),
)


def moment(text: str) -> datetime:
    """Read London's "2026-03-02 09:00", or "2026-03-02" for its first second."""
    return read_moment(text.replace(" ", "T"))[0]


def event(case: str, line: str, recorded: datetime | None = None) -> Event:
    """Read "2026-03-02 09:00 word [#ref]" or "2026-03-02 word" into an event of a case."""
    found = re.fullmatch(r"(\S+)(?: (\d\d:\d\d(?::\d\d)?))? (\w+)(?: #(\S+))?(?: (\{.*\}))?", line)
    assert found, line
    day, clock, word, ref, detail = found.groups()
    at = f"{day}T{clock}" if clock else day
    when, dated, on = read_moment(at)
    told = json.loads(detail) if detail else {}
    id_ = event_id(case, word, at, ref or "", detail or "")
    return Event(id_, case, word, when, dated, on, recorded or when, ref, told)


@dataclass(frozen=True)
class Mail:
    """One message as the other side took it."""

    to: str
    subject: str
    text: str
    message_id: str
    raw: bytes

    @classmethod
    def of(cls, raw: bytes) -> "Mail":
        parsed = message_from_bytes(raw, policy=default)
        part = parsed.get_body(("plain",))
        assert part is not None
        text = part.get_content()
        return cls(str(parsed["To"]), str(parsed["Subject"]), text, str(parsed["Message-ID"]), raw)

    @property
    def flat(self) -> str:
        return " ".join(self.text.split())


@dataclass
class FakeChannel:
    """A way out that ends each send as the script says (the last entry stays), and keeps what it took."""

    script: list[Outcome] = field(default_factory=lambda: [OK])
    name: str = "mail"
    tried: list[Mail] = field(default_factory=list)
    taken: list[Mail] = field(default_factory=list)

    def send(self, message: bytes, *, to: str, message_id: str, deadline: float = 60.0) -> Outcome:
        outcome = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        mail = Mail.of(message)
        assert (mail.to, mail.message_id) == (to, message_id)
        self.tried.append(mail)
        if outcome.kind == "accepted":
            self.taken.append(mail)
        return outcome

    @contextmanager
    def session(self) -> Iterator[Channel]:
        yield self


class House:
    """The service, and what a test does to it."""

    def __init__(self, store: Store, rules: str = VISIT, **tables: Any) -> None:
        self.store = store
        self.channel = FakeChannel()
        self.rng = random.Random(1)
        self.config: dict[str, Any] = {"ladders": {NAME: LADDER}, **tables}
        self.set_rules(rules)
        self.now = moment("2026-03-02 09:00")

    # ---- what is set

    def set_rules(self, rules: str, edition: str = "1") -> None:
        policy = read_policy(HEAD.replace('edition = "1"', f'edition = "{edition}"') + rules, "test.toml")
        self.authority = Authority(NAME, (policy,), calendar_for(policy), Path())

    def set(self, **tables: Any) -> None:
        self.config |= tables

    def live(self, since: str = "2020-01-01", **more: Any) -> None:
        self.set(live={NAME: {"from": date.fromisoformat(since), **more}})

    def people(self, *people: Person) -> None:
        with self.store.begin() as tx:
            put_people(tx, NAME, people or PEOPLE, on=london_day(self.now))
            wake(tx, NAME, None, now=self.now)

    def away(self, *absences: Absence) -> None:
        """Give the whole list of absences, as an import does."""
        with self.store.begin() as tx:
            put_absences(tx, NAME, absences)
            wake(tx, NAME, None, now=self.now)

    def case(self, ref: str, *lines: str, lead: str | None = "w1", team: str | None = "North", **facts: Any) -> None:
        """Store a case with its events, as an import at the present instant does."""
        with self.store.begin() as tx:
            case = Case(ref, {"lead": lead, "team": team, **facts})
            put_cases(tx, NAME, [case], source="the extract", read_at=self.now, now=self.now)
            if state_of(tx, NAME, FIRST_IMPORT) is None:
                put_state(tx, NAME, FIRST_IMPORT, london_day(self.now).isoformat())
        self.events(ref, *lines)

    def cases(self, refs: Iterable[str], *lines: str, lead: str = "w1", team: str = "North") -> None:
        """Store many cases with the same events at once."""
        listed = list(refs)
        made = [event(ref, line) for ref in listed for line in lines]
        with self.store.begin() as tx:
            cases = [Case(ref, {"lead": lead, "team": team}) for ref in listed]
            put_cases(tx, NAME, cases, source="the extract", read_at=self.now, now=self.now)
            add_events(tx, NAME, made, source="the extract", now=self.now)
            if state_of(tx, NAME, FIRST_IMPORT) is None:
                put_state(tx, NAME, FIRST_IMPORT, london_day(self.now).isoformat())

    def events(self, ref: str, *lines: str, late: bool = False) -> list[Event]:
        """Store events of a case; `late` ones were recorded at the present instant, the others as they happened."""
        made = [event(ref, line, self.now if late else None) for line in lines]
        with self.store.begin() as tx:
            add_events(tx, NAME, made, source="the extract", now=self.now)
        return made

    def retract(self, one: Event) -> None:
        gone = event(one.case, f"{self.now:%Y-%m-%d} {self.now:%H:%M} retracted")
        with self.store.begin() as tx:
            made = replace(gone, id=f"gone-{one.id}", detail={"event": one.id}, moment=self.now, recorded=self.now)
            add_events(tx, NAME, [made], source="the extract", now=self.now)

    # ---- what is done

    @property
    def desk(self) -> Desk:
        return Desk(
            store=self.store,
            config=config_from(self.config, "config.toml"),
            authorities={NAME: self.authority},
            channel=self.channel,
            sender=Sender("Early Help reminders", "early-help@council.example"),
            worker="test",
        )

    def at(self, text: str) -> "House":
        self.now = moment(text)
        return self

    def tick(self, at: str | None = None) -> Ticked:
        if at:
            self.at(at)
        return tick(self.desk, self.now)

    def deliver(self, at: str | None = None) -> Delivered:
        if at:
            self.at(at)
        return deliver(self.desk, lambda: self.now, rng=self.rng)

    def tell(self) -> int:
        return tell_operator(self.desk, self.now)

    def turn(self, at: str) -> list[Mail]:
        """Tick and deliver at an instant; return what the other side took."""
        before = len(self.channel.taken)
        self.tick(at)
        self.deliver()
        return self.channel.taken[before:]

    def turns(self, first: str, last: str, clocks: Sequence[str] = ("08:30",)) -> list[Mail]:
        """Do a turn at these times of every day from the first to the last."""
        day, end, taken = date.fromisoformat(first), date.fromisoformat(last), []
        while day <= end:
            for clock in clocks:
                taken += self.turn(f"{day} {clock}")
            day += timedelta(days=1)
        return taken

    # ---- what is seen

    @property
    def rows(self) -> list[OutboxRow]:
        with self.store.read() as tx:
            return outbox(tx, NAME, limit=100_000)

    def notices(self, ref: str) -> list[Notice]:
        with self.store.read() as tx:
            return notices_of(tx, NAME, ref)

    def kinds(self, ref: str) -> list[str]:
        """Name the notices of a case in order of their instants; one that is kept back in brackets."""
        return [f"({n.kind})" if n.kept else n.kind for n in self.notices(ref)]

    def alarms(self, code: str | None = None, *, everywhere: bool = False, open_only: bool = True) -> list[AlarmRecord]:
        with self.store.read() as tx:
            found = alarms(tx, None if everywhere else NAME, open_only=open_only)
        return [alarm for alarm in found if code in (None, alarm.code)]

    def trail(self, act: str | None = None) -> list[TrailEntry]:
        with self.store.read() as tx:
            return trail(tx, NAME, act=act, limit=10_000)

    def states(self) -> Mapping[str, int]:
        found: dict[str, int] = {}
        for row in self.rows:
            found[row.state] = found.get(row.state, 0) + 1
        return found


def lines_of(mail: Mail) -> list[str]:
    """Return the lines of a message that begin with a case's reference, as "C1 First visit"."""
    return [found[0].strip() for found in re.findall(r"(?m)^  (\S+  .*?)(\(clause|$)", mail.text)]


def told(house: House, ref: str = "C1") -> list[tuple[str, str, str]]:
    """Return (London time sent, kind, recipient) of what was handed over about a case."""
    rows = [row for row in house.rows if row.state == "handed_over" and row.case_ref == ref]
    made = [
        (f"{row.sent_at.astimezone(LONDON):%Y-%m-%d %H:%M}", row.kind, row.recipient) for row in rows if row.sent_at
    ]
    return sorted(made)
