"""A council's nights: a seeded caseload whose extract comes each night, now and then as no extract should come.

Two services live through the same nights. To one the bad files come; to the other, on such a night, nothing comes at
all. So whatever a bad file did to what is known, or to what anybody is told, stands between the two.
"""

import json
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from ehscheduler.config import config_from
from ehscheduler.core.calendars import at_clock
from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.explain import timeline_row
from ehscheduler.core.saying import said_day
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.turn import turn
from ehscheduler.fitting import fitted
from ehscheduler.intake.caseload import MAPPING, Caseload, write_caseload
from ehscheduler.intake.contract import read_contract
from ehscheduler.intake.mapping import DERIVED
from ehscheduler.notify.mail import Sender
from ehscheduler.office import case_from, evaluation_of
from ehscheduler.plugins import Authority, load
from ehscheduler.store import Store
from ehscheduler.store.cases import case_refs, personal_of
from ehscheduler.store.events import events_of
from tests.daemon.house import FakeChannel, Mail

NAME, OPERATOR = "nottinghamshire", "it-service@council.example"
SMALL = 36
ARRIVE = timedelta(days=150)
"""Families began to arrive so long before the first night."""
SNAPSHOT = MAPPING.replace("[extract]\n", '[extract]\nkind = "snapshot"\n')
CLOCKS = (time(2, 0), time(2, 1, 30), time(7, 30), time(8, 30), time(11, 0), time(11, 1, 30), time(17, 0))
"""When the service takes a turn: an extract has come by the first, and a late one by eleven.

Not on the minute where files are taken: those of one turn are a moment apart, and what they said is told to the minute.
"""

Content = str | bytes


@dataclass(frozen=True)
class Night:
    """What comes in one night: files by name, and at what hour.

    `truth` is the day whose extract is in force when the night is over. `refused` is the part of the report's reason
    that says why, where the files are refused, and `told` what the operator hears of them, once. `instead` is what a
    file would have been without the rows that are bad in it.
    """

    day: date
    kind: str
    files: Mapping[str, Content]
    truth: date
    refused: str = ""
    told: str = ""
    comes_at: time = CLOCKS[0]
    instead: Mapping[str, Content] = field(default_factory=dict)

    @property
    def harmless(self) -> "Night":
        """Return the night as it would have been without what is bad in it."""
        bad = [name for name in self.files if self.refused or name.startswith("acts") or "copy" in name]
        kept = {name: made for name, made in self.files.items() if name not in bad}
        return replace(self, files={**kept, **self.instead})


# ---- the dirt that harms nothing


def plain(text: str, rng: random.Random) -> Content:
    return text


def excel(text: str, rng: random.Random) -> Content:
    """As a spreadsheet saves it: with a mark at the beginning, and lines that end in two characters."""
    return ("\ufeff" + text.replace("\r\n", "\n").replace("\n", "\r\n")).encode()


def padded(text: str, rng: random.Random) -> Content:
    """With blanks after the headers, and blanks that are none in the names."""
    head, rest = text.split("\n", 1)
    return head.rstrip("\r").replace(",", " ,") + " \n" + rest.replace("-Invented ", "-Invented\u00a0")


def placeheld(text: str, rng: random.Random) -> Content:
    """With words for what is blank."""
    head, *rows = text.split("\n")
    marks = ("#N/A", "NULL", "SSD_PH", "PLACEHOLDER_DATA")
    return "\n".join([head, *(re.sub(r",(?=,)", lambda found: f",{rng.choice(marks)}", row) for row in rows)])


def shuffled(text: str, rng: random.Random) -> Content:
    """With its rows in another order."""
    head, *rows = text.splitlines()
    rng.shuffle(rows)
    return "\n".join([head, *rows]) + "\n"


DIRT: Sequence[Callable[[str, random.Random], Content]] = (plain, excel, padded, placeheld, shuffled)


# ---- the files that must not be believed


def truncated(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    return text[: text.rindex(",", 0, int(len(text) * 0.9))]


def empty(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    return ""


def wrong_header(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    return text.replace("COMPLETED_ON", "DONE_ON", 1)


def columns_moved(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    return text.replace("INCOMING_ON,STARTED_ON,COMPLETED_ON,STATUS", "STATUS,INCOMING_ON,STARTED_ON,COMPLETED_ON", 1)


def half(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    rows = text.splitlines(keepends=True)
    return "".join(rows[: len(rows) // 2])


def twice(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    head, rest = text.split("\n", 1)
    again = re.sub(r"(?m)^(\d+),", r"9\1,", rest).replace(",G", ",H")
    return f"{head}\n{rest}{again}"


def a_fifth_gone(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    head, *rows = text.splitlines()
    cases = sorted({row.split(",")[3] for row in rows})
    gone = set(rng.sample(cases, len(cases) * 2 // 5))
    return "\n".join([head, *(row for row in rows if row.split(",")[3] not in gone)]) + "\n"


def another_councils(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    return text.replace(",G4", ",B7")


def stale(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    return before[-4]


def yesterdays(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    return before[-1]


def wrong_encoding(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    return text.encode("utf-16")


def mass_change(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    """Move every date to the day before, as a change of zone does to a midnight."""

    def earlier(found: re.Match[str]) -> str:
        return f"{datetime.strptime(found[0], '%d/%m/%Y').date() - timedelta(days=1):%d/%m/%Y}"  # noqa: DTZ007 a date

    return re.sub(r"\b\d\d/\d\d/\d{4}\b", earlier, text)


def iso_dates(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    return re.sub(r"\b(\d\d)/(\d\d)/(\d{4})\b", r"\3-\2-\1", text)


def unknown_codes(text: str, before: Sequence[Content], rng: random.Random) -> Content:
    return text.replace(",COMPLETED,", ",Done,")


def odd_rows(text: str, rng: random.Random) -> str:
    """Add rows as people and spreadsheets leave them: those of NO_DATES cannot be read, and nobody knows the others."""
    done = [row.split(",") for row in text.splitlines()[1:] if row.split(",")[6]]
    told = [(6, cell) for cell in NO_DATES] + [
        (1, "PSRMEM - Reviewed"),
        (1, "Family Seen (updated)"),
        (7, "Done by phone"),
    ]
    made = []
    for n, (place, cell) in enumerate(told):
        row = [*rng.choice(done)]
        row[0], row[place] = f"99{n:04}", cell
        made.append(",".join(row))
    rng.shuffle(made)
    return text.rstrip("\n") + "\n" + "\n".join(made) + "\n"


NO_DATES = ("00/06/2026", "06/2026", "46174.5", "=TODAY()", "last Tuesday")
"""A date with a part that is blank or missing, a spreadsheet's number and its formula, and free text."""
Bad = Callable[[str, Sequence[Content], random.Random], Content]
BAD: Mapping[str, tuple[Bad, str]] = {
    "truncated": (truncated, "the file ends in the middle of a row"),
    "empty": (empty, "is empty"),
    "wrong header": (wrong_header, "the column 'COMPLETED_ON' is missing"),
    "columns moved": (columns_moved, "rows are bad, more than 5%"),
    "half the rows": (half, "open cases are not in this file"),
    "twice the size": (twice, "was it joined with another, or is it another's?"),
    "a fifth of the cases gone": (a_fifth_gone, "open cases are not in this file"),
    "another council's": (another_councils, "open cases are not in this file"),
    "stale": (stale, "and newer ones since"),
    "yesterday's again": (yesterdays, "is, byte for byte, what was taken"),
    "wrong encoding": (wrong_encoding, "not a CSV file in UTF-8"),
    "mass change": (mass_change, "say something else now"),
    "ISO dates": (iso_dates, "rows are bad, more than 5%"),
    "unknown codes": (unknown_codes, "stand under a type or a status that the mapping does not name"),
}
ACTS = "at,by,authority,case_ref,act,ref,detail"
BROKEN_ACT = '{day}T09:00,TM-S,nottinghamshire,G400001,close,,"{{""reason"": ""moved"""'


# ---- the nights


@dataclass
class Truth:
    """The caseload as it stands at the end of each day; now and then a step that was entered is gone again."""

    folder: Path
    seed: int
    families: int
    begin: date
    made: dict[date, Caseload] = field(default_factory=dict)

    def at(self, day: date) -> Caseload:
        if day not in self.made:
            self.made[day] = write_caseload(
                self.folder / str(day),
                seed=self.seed,
                families=self.families,
                start=self.begin,
                days=ARRIVE.days + 60,
                as_of=day,
            )
            _without(self.made[day], day)
        return self.made[day]

    def extract(self, day: date) -> str:
        return self.at(day).extract.read_text(encoding="utf-8")


def _without(made: Caseload, day: date) -> None:
    """Take out of the extract, and of what it means, the steps that somebody has taken back by a day."""
    head, *rows = made.extract.read_text(encoding="utf-8").splitlines()
    gone = {row.split(",")[0] for row in rows if _taken_back(row.split(","), day)}
    made.extract.write_text("\n".join([head, *(row for row in rows if row.split(",")[0] not in gone)]) + "\n")
    head, *told = made.events.read_text(encoding="utf-8").splitlines()
    made.events.write_text("\n".join([head, *(row for row in told if row.split(":")[1] not in gone)]) + "\n")


def _taken_back(cells: Sequence[str], day: date) -> bool:
    if cells[1] not in SEEN or int(cells[0]) % ONE_IN or not cells[6]:
        return False
    done = datetime.strptime(cells[6][:10], "%d/%m/%Y").date()  # noqa: DTZ007 a date
    return done + timedelta(days=AFTER) <= day


SEEN, ONE_IN, AFTER = ("Home Visit", "Family Seen"), 3, 9
"""Of these visits one in so many is taken back, so many days later."""


def month(rng: random.Random, count: int = 30) -> list[str]:
    """Draw what kind each night is, from a Monday on: good ones, and between them those that are not."""
    plan = ["good"] * count
    late = 7 * rng.choice((1, 2, 3)) + 1
    plan[late : late + 3] = LATE
    kinds = [*rng.sample([*BAD], FEW), *OTHERS]
    # What has few nights to choose from comes first.
    for kind in sorted(kinds, key=lambda one: (one not in WEEKDAYS, one)):
        allowed = WEEKDAYS.get(kind, range(7))
        free = [n for n in range(BEGUN, count - 1) if plan[n] == "good" and n % 7 in allowed]
        apart = [n for n in free if plan[n - 1] == plan[n + 1] == "good"]
        plan[rng.choice(apart or free)] = kind
    return plan


OTHERS = ("duplicate", "broken acts", "odd rows")
LATE = ("none", "none", "late")
"""A feed that is to come within two working days comes in the third night, on a Thursday at eleven."""
FEW, BEGUN = 8, 5
"""So many kinds of bad file come in a month, the first after so many good nights."""
WEEKDAYS: Mapping[str, Sequence[int]] = {"yesterday's again": (1, 2, 3, 4), "stale": (2, 3, 4)}
"""On which days, from Monday, a file is what its kind says: where the one before it was another."""


def nights(truth: Truth, first: date, plan: Sequence[str], rng: random.Random) -> Iterator[Night]:
    """Yield a night for each word of a plan: `good`, one of OTHERS, or one of BAD."""
    taken: list[tuple[str, Content]] = []
    in_force = first - timedelta(days=1)
    for n, kind in enumerate(plan):
        day = first + timedelta(days=n)
        text, name = truth.extract(day - timedelta(days=1)), f"steps-{day}.csv"
        if kind in BAD:
            made, why = BAD[kind]
            content = made(text, [one for _, one in taken], rng)
            told = f"{name} was refused, and the last good state stands: {name}"
            yield Night(day, kind, {name: content}, in_force, refused=why, told=told)
        elif kind == "none":
            yield Night(day, kind, {}, in_force)
        else:
            in_force = day - timedelta(days=1)
            # At a weekend nothing happens, and the same file comes again.
            same = bool(taken) and taken[-1][0] == text
            taken.append((text, taken[-1][1] if same else rng.choice(DIRT)(text, rng)))
            if kind == "odd rows":
                odd = odd_rows(text, rng)
                told = f"{name}: {len(NO_DATES)} of {odd.count(chr(10)) - 1} rows were set aside"
                yield Night(day, kind, {name: odd}, in_force, told=told, instead={name: taken[-1][1]})
            else:
                yield _taken_in(day, kind, name, taken[-1][1], rng)


def _taken_in(day: date, kind: str, name: str, content: Content, rng: random.Random) -> Night:
    """Return a night whose extract is good, with what comes beside it."""
    truth = day - timedelta(days=1)
    if kind == "duplicate":
        return Night(day, kind, {name: content, f"steps-{day}-copy.csv": content}, truth)
    if kind == "broken acts":
        acts = f"acts-{day}.csv"
        told = f"{acts}: 1 of 1 rows were set aside"
        return Night(day, kind, {name: content, acts: f"{ACTS}\n{BROKEN_ACT.format(day=truth)}\n"}, truth, told=told)
    if kind == "late":
        told = f"the feed of cases last came on {said_day(day - timedelta(days=len(LATE)))}"
        return Night(day, kind, {name: content}, truth, told=told, comes_at=CLOCKS[4])
    return Night(day, kind, {name: content}, truth)


# ---- the service


CONFIG: Mapping[str, Any] = {
    "ladders": {NAME: {"overdue": [{"who": ["line_manager"], "after": "1 working day"}]}},
    "feeds": {NAME: {"cases": "2 working days"}},
    "operator": {"email": OPERATOR},
}


class Service:
    """The daemon beside its drop folder, on a clock that is set by hand."""

    def __init__(self, folder: Path, truth: Truth, first: date) -> None:
        self.drop = folder / "drop"
        self.drop.mkdir(parents=True)
        (folder / "mapping.toml").write_text(SNAPSHOT)
        self.store = Store.create(folder / "ehs.db")
        self.channel = FakeChannel()
        self._rng = random.Random(1)
        drop = {NAME: {"folder": str(self.drop), "mapping": str(folder / "mapping.toml")}}
        config = config_from({**CONFIG, "live": {NAME: {"from": first}}, "drop": drop}, "config.toml")
        self.authority = fitted(load(NAME), config, first)
        self.desk = Desk(
            store=self.store,
            config=config,
            authorities={NAME: self.authority},
            channel=self.channel,
            sender=Sender("Early Help reminders", "early-help@council.example"),
            worker="test",
        )
        (self.drop / f"people-{first}.csv").write_bytes(truth.at(first).people.read_bytes())

    def live(self, night: Night) -> None:
        """Live through one night and the day after it."""
        for clock in CLOCKS:
            if clock == night.comes_at:
                for name, content in night.files.items():
                    (self.drop / name).write_bytes(content.encode() if isinstance(content, str) else content)
            now = at_clock(night.day, clock)
            turn(self.desk, partial(moment, now), stop=lambda: False, rng=self._rng)

    def said(self) -> list[Mail]:
        """Return what people received."""
        return [mail for mail in self.channel.taken if mail.to != OPERATOR]

    def heard(self, words: str) -> int:
        """Count how often the operator heard a thing."""
        return sum(mail.flat.lower().count(words.lower()) for mail in self.channel.taken if mail.to == OPERATOR)

    def ended(self, place: str) -> list[str]:
        """Name the files that ended in a part of the folder."""
        found = (self.drop / place).glob("20*")
        return [path.name[18:] for path in found if not path.name.endswith(".report.txt")]

    def left(self) -> list[str]:
        """Name what still lies in the folder."""
        return [path.name for path in self.drop.iterdir() if path.is_file()]

    def report(self, day: date) -> str:
        """Return the report that lies beside what was refused on a day."""
        (found,) = (self.drop / "refused").glob(f"{day}T*.report.txt")
        return " ".join(found.read_text().split())

    def known(self) -> dict[str, tuple[Any, ...]]:
        """Return what is known of each case: facts, personal fields, and what happened that was not taken back."""
        found = {}
        with self.store.read() as tx:
            for ref in case_refs(tx, NAME):
                events = events_of(tx, NAME, ref)
                gone = {str(one.detail.get("event")) for one in events if one.word == "retracted"}
                stands = [one for one in events if one.word not in DERIVED and one.id not in gone]
                happened = sorted((one.word, one.moment, one.ref or "", str(dict(one.detail))) for one in stands)
                found[ref] = (case_from(tx, self.authority, ref).facts, personal_of(tx, NAME, ref), happened)
        return found

    def withdrawn(self) -> int:
        """Count what was taken back, as it is not in an extract any more, or says something else."""
        with self.store.read() as tx:
            return sum(one.word == "retracted" for ref in case_refs(tx, NAME) for one in events_of(tx, NAME, ref))

    def timeline(self, now: datetime) -> dict[str, list[Mapping[str, Any]]]:
        """Return how each case stands by what is stored, as `timeline` says it."""
        with self.store.read() as tx:
            refs = case_refs(tx, NAME)
            found = {ref: evaluation_of(tx, self.authority, ref, now) for ref in refs}
        return {ref: rows(self.authority, one) for ref, one in found.items()}


def moment(at: datetime) -> datetime:
    """Say what time it is."""
    return at


def rows(authority: Authority, found: Evaluation) -> list[Mapping[str, Any]]:
    """Write milestones as `timeline` does, but for the number of the event: one that was corrected has another."""
    return sorted(
        (
            {
                key: value
                for key, value in timeline_row(m, authority.policy, authority.calendar).items()
                if key not in APART
            }
            for m in found.milestones
        ),
        key=lambda row: json.dumps(row, default=str, sort_keys=True),
    )


APART = ("from_event",)


def timeline_of(files: Caseload, service: Service, now: datetime) -> dict[str, list[Mapping[str, Any]]]:
    """Return how each case stands by the two files of the machine contract alone."""
    policy, calendar = service.authority.policy, service.authority.calendar
    cases, events = read_contract(files.cases, files.events, facts=policy.facts, words=policy.recorded_words())
    found = {case.ref: evaluate(policy, calendar, case, events.get(case.ref, ()), now) for case in cases}
    return {ref: rows(service.authority, one) for ref, one in found.items()}
