"""Four authorities in one database: each is what it would be alone, though all use the same references.

The same case, event ids, people, addresses, team and refs go into each authority of one database, and into a database
of its own. What is stored, decided, sent and listed has to be equal; each authority has its own days, so that a row of
another would show.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from ehscheduler import office
from ehscheduler.board import proof_cards, working_set
from ehscheduler.config import config_from
from ehscheduler.core.calendars import london_day
from ehscheduler.core.explain import timeline_row
from ehscheduler.daemon.deliver import deliver
from ehscheduler.daemon.desk import Desk
from ehscheduler.daemon.operator import tell_operator
from ehscheduler.daemon.tick import rebuild, tick
from ehscheduler.notify.mail import Sender
from ehscheduler.plugins import Authority, load
from ehscheduler.store import Store
from ehscheduler.store.alarms import alarms
from ehscheduler.store.cases import authorities, case_of, case_refs, cases_due, facts_of, faulty_cases
from ehscheduler.store.editions import editions
from ehscheduler.store.events import count_events, events_of
from ehscheduler.store.imports import imports, rows_set_aside
from ehscheduler.store.milestones import clocks_of, ladders_of, milestones_of, open_milestones
from ehscheduler.store.notices import kept_notices, notices_of
from ehscheduler.store.outbox import count_deliveries, outbox
from ehscheduler.store.people import people_of
from ehscheduler.store.state import LAST_SEEN, state_of
from ehscheduler.store.trail import trail
from tests.daemon.house import FakeChannel, Mail, moment
from tests.postgres import Cluster, running

NAMES = ("barnet", "manchester", "northamptonshire", "nottinghamshire")
CASES = ("C1", "C2")
TURNS = ("2026-03-03 08:30", "2026-03-09 08:30", "2026-03-09 14:10", "2026-03-20 08:30", "2026-04-30 08:30")
END = moment("2026-05-01 09:00")
ALL = 100_000


@dataclass(frozen=True)
class Lived:
    """What became of one authority, by what is asked of it; and the mails, which name no authority."""

    seen: Mapping[str, Mapping[str, Any]]
    mails: Sequence[Mail]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with running() as cluster:
        yield cluster


Place = Callable[[str], str]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Give the address of a new database."""
    if request.param == "sqlite":
        folder = tmp_path_factory.mktemp("isolation")
        return lambda name: str(folder / f"{name}.db")
    cluster: Cluster = request.getfixturevalue("cluster")
    return lambda name: cluster.fresh()


@pytest.fixture(scope="module")
def loaded() -> Mapping[str, Authority]:
    return {name: load(name) for name in NAMES}


@pytest.fixture(scope="module")
def together(place: Place, loaded: Mapping[str, Authority], tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return live(place("together"), loaded, tmp_path_factory.mktemp("together"))


@pytest.fixture(scope="module")
def alone(
    place: Place, loaded: Mapping[str, Authority], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Lived]:
    return {name: live(place(name), {name: one}, tmp_path_factory.mktemp(name)) for name, one in loaded.items()}


# ---- what is lived


def live(where: str, loaded: Mapping[str, Authority], folder: Path) -> Lived:
    """Take the files in, act and take turns; every authority at the same instants."""
    channel = FakeChannel()
    ladder = {"overdue": [{"who": ["line_manager"], "after": "1 working day"}]}
    tables = {"ladders": dict.fromkeys(loaded, ladder), "operator": {"email": "it@council.example"}}
    sender = Sender("Early Help reminders", "early-help@council.example")
    with Store.create(where) as store:
        desk = Desk(
            store=store,
            config=config_from(tables, "config.toml"),
            authorities=loaded,
            channel=channel,
            sender=sender,
            worker="test",
        )
        for authority in loaded.values():
            take(store, authority, folder)
        for turn in TURNS:
            now = moment(turn)
            tick(desk, now)
            deliver(desk, lambda now=now: now, rng=Random(1))  # type: ignore[misc]
            tell_operator(desk, now)
            for authority in loaded.values():
                act(store, authority, turn)
        seen = {name: dict(look(store, one)) for name, one in loaded.items()}
        with store.read() as tx:
            assert authorities(tx) == sorted(loaded)
    return Lived(seen, channel.taken)


def take(store: Store, authority: Authority, folder: Path) -> None:
    """Import the same references into an authority; the days are its own."""
    later = timedelta(days=7 + NAMES.index(authority.name))
    began = london_day(moment("2026-03-09") - later)
    role = next(name for name in ("practitioner", "case_manager") if name in authority.policy.roles)
    (folder / "cases.csv").write_text("case_ref,team,lead\n" + "".join(f"{ref},North,w1\n" for ref in CASES))
    (folder / "events.csv").write_text(
        "case_ref,event,occurred_at,recorded_at,ref,detail,id\n"
        f"C1,allocation,{began},,,,E1\nC1,contact_made,{began + timedelta(days=1)},,R1,,E2\n"
        f"C2,allocation,{began},,,,E3\nC2,nothing_of_this_name,{began},,,,E4\n" + "C2,family_seen,2026-03-05,,,,\n" * 30
    )
    (folder / "people.csv").write_text(
        "person_id,name,email,role,team,line_manager_id,valid_from,valid_to\n"
        f"w1,Wren Worker,w1@council.example,{role},North,m1,,\nm1,Mo Manager,m1@council.example,{role},North,,,\n"
    )
    files = {name: folder / f"{name}.csv" for name in ("cases", "events", "people")}
    office.take_files(store, authority, now=moment("2026-03-02 09:00"), by="import", **files)


def act(store: Store, authority: Authority, turn: str) -> None:
    """Do what people do between the turns, on the same references in every authority."""
    now, n = moment(turn) + timedelta(minutes=5), NAMES.index(authority.name)
    if turn == TURNS[1]:
        about = {"about": "allocation", "stage": "triage"}
        raised = {"at": now.isoformat(), "now": now, "by": "w1", "ref": "R1"}
        office.record(store, authority, "C1", "dispute_raised", detail=about, **raised)
    if turn == TURNS[2] and n % 2:
        office.hold(store, authority, "C2", at=None, reason="stepped_up", now=now, by="w1")
    if turn == TURNS[3] and n == 3:
        office.close(store, authority, "C1", at=None, reason="moved", now=now, by="w1")
    if turn == TURNS[3] and n == 2:
        office.correct(store, authority, "C1", "E2", at=None, now=now, by="w1", why="typed wrongly")


# ---- what is asked

Question = tuple[str, Any]


def look(store: Store, authority: Authority) -> Iterator[Question]:
    """Ask everything there is to ask about one authority."""
    yield "rebuild", rebuild(store, authority, END)
    name = authority.name
    with store.read() as tx:
        yield "cases", [(ref, case_of(tx, name, ref), facts_of(tx, name, ref)) for ref in sorted(case_refs(tx, name))]
        yield "cases due and at fault", (cases_due(tx, name, now=END), faulty_cases(tx, name))
        yield "events", ({ref: events_of(tx, name, ref) for ref in CASES}, count_events(tx, name))
        yield "milestones", ([milestones_of(tx, name, ref) for ref in CASES], open_milestones(tx, name))
        yield "clocks and ladders", [(clocks_of(tx, name, ref), ladders_of(tx, name, ref)) for ref in CASES]
        yield "notices", ([notices_of(tx, name, ref) for ref in CASES], kept_notices(tx, name, limit=ALL))
        yield "outbox", (list(map(_of_a_delivery, outbox(tx, name, limit=ALL))), count_deliveries(tx, name))
        yield "trail", [_but(entry, "id") for entry in trail(tx, name, limit=ALL)]
        yield "people", people_of(tx, name)
        yield "alarms", [_but(alarm, "id") for alarm in alarms(tx, name, open_only=False, limit=ALL)]
        yield "imports", [(_but(run, "id"), rows_set_aside(tx, name, run.id)) for run in imports(tx, name)]
        yield "editions", editions(tx, name)
        yield "state", [state_of(tx, name, key) for key in (LAST_SEEN, office.FIRST_IMPORT)]
        found = [office.evaluation_of(tx, authority, ref, END) for ref in CASES]
    yield "timeline", [timeline_row(m, authority.policy, authority.calendar) for one in found for m in one.milestones]
    yield "workload", [one.holdings for one in found]
    yield "working set", working_set(store, authority, END)
    keys = [(m.case, m.rule) for one in found for m in one.milestones]
    yield "proof cards", [_told(proof_cards(store, authority, case, rule, END)) for case, rule in dict.fromkeys(keys)]


def _but(record: Any, *names: str) -> dict[str, Any]:
    return {key: value for key, value in asdict(record).items() if key not in names}


def _of_a_delivery(row: Any) -> dict[str, Any]:
    # A message's id is its own in the whole installation, whoever else is served there.
    return _but(row, "message_id")


def _told(cards: list[dict[str, Any]]) -> list[dict[str, Any]]:
    for card in cards:
        card["told"] = [{k: v for k, v in one.items() if k != "message_id"} for one in card["told"]]
    return cards


QUESTIONS = (
    *("rebuild", "cases", "cases due and at fault", "events", "milestones", "clocks and ladders", "notices", "outbox"),
    *(
        "trail",
        "people",
        "alarms",
        "imports",
        "editions",
        "state",
        "timeline",
        "workload",
        "working set",
        "proof cards",
    ),
)


# ---- what is proved


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("name", NAMES)
def test_an_authority_is_among_others_what_it_is_alone(
    together: Lived, alone: Mapping[str, Lived], name: str, question: str
) -> None:
    assert set(together.seen[name]) == set(QUESTIONS)
    assert together.seen[name][question] == alone[name].seen[name][question]


@pytest.mark.parametrize("question", ["events", "milestones", "notices", "outbox", "timeline", "working set"])
def test_the_four_differ_so_that_a_row_of_another_would_show(
    together: Lived, loaded: Mapping[str, Authority], question: str
) -> None:
    with_rules = [name for name in NAMES if loaded[name].policy.rules]
    answers = [repr(together.seen[name][question]) for name in with_rules]
    assert len(set(answers)) == len(answers) > 2
    for name in with_rules:
        assert together.seen[name]["milestones"][1], name
        assert together.seen[name]["outbox"][0], name
        assert len(together.seen[name]["cases"]) == 2


def test_the_mails_are_those_of_each_alone_and_no_two_are_one(together: Lived, alone: Mapping[str, Lived]) -> None:
    apart = [(m.to, m.subject, m.text) for name in NAMES for m in alone[name].mails if not to_operator(m)]
    assert sorted((m.to, m.subject, m.text) for m in together.mails if not to_operator(m)) == sorted(apart)
    assert len({m.message_id for m in together.mails}) == len(together.mails) > len(NAMES)
    alarmed = {line for name in NAMES for m in alone[name].mails if to_operator(m) for line in m.text.splitlines()}
    told = {line for m in together.mails if to_operator(m) for line in m.text.splitlines()}
    assert alarmed
    assert {line for line in alarmed if "nobody" in line or "rows" in line} <= told


def to_operator(mail: Mail) -> bool:
    return mail.to == "it@council.example"
