"""Weeks of a service, lived through by a simulated clock: extracts come in, the daemon takes its turns.

The clock is the only thing that is simulated. Files are read by the import, turns are the daemon's own, mail goes by
SMTP to a sink on this machine, and for the last fortnight copies go by webhook to two chats on it.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from ehscheduler import office
from ehscheduler.config import (
    AuthorityPreferences,
    ChannelTable,
    Config,
    Egress,
    Mail,
    TeamPreferences,
    read_config,
)
from ehscheduler.core.calendars import LONDON, Calendar, at_clock, london_day
from ehscheduler.daemon.build import desk_of
from ehscheduler.daemon.desk import EVERY_TEAM, Desk
from ehscheduler.daemon.turn import turn
from ehscheduler.demo import second
from ehscheduler.demo.chats import Chat, listening_as
from ehscheduler.demo.folder import fresh_folder, write_config
from ehscheduler.demo.sink import listening
from ehscheduler.fitting import fitted
from ehscheduler.intake.caseload import Caseload, write_caseload
from ehscheduler.plugins import Authority, installed, load
from ehscheduler.store.cases import case_refs, cases_due
from ehscheduler.store.events import events_of
from ehscheduler.store.outbox import waiting_deliveries
from ehscheduler.store.store import Store

AUTHORITY = "nottinghamshire"
FAMILIES = 40
EXTRACT_DAYS = 182
WEEKS = 8
EXTRACT_COMES = time(6, 30)
CHATS_FOR = timedelta(days=14)
"""A chat takes a message a second, which would be the longest part of all weeks."""
DISPUTE_AT, DECIDED_AT, DECIDER = time(9, 10), time(11, 10), "group_manager"

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Dispute:
    """The dispute that the demo raises by hand, and when it was decided; None while it is open."""

    case: str
    ref: str
    raised_at: datetime
    decided_at: datetime | None


@dataclass(slots=True)
class Lived:
    """What was lived through: from when to when, on what, and where it lies."""

    folder: Path
    config: Path
    authority: Authority
    begin: date
    until: datetime
    weeks: int
    families_at_first: int = 0
    caseload: Caseload | None = None
    extracts: int = 0
    turns: int = 0
    dispute: Dispute | None = None
    second: Authority | None = None
    mails: list[Path] = field(default_factory=list)
    chats: dict[str, list[Path]] = field(default_factory=dict)

    def store(self) -> Store:
        """Open what the weeks left behind."""
        return Store.open(read_config(self.config).database.url)


def live_through(
    folder: Path, *, now: datetime, seed: int, weeks: int = WEEKS, progress: Progress = lambda done, total: None
) -> Lived:
    """Live through the weeks up to `now` in a folder of their own; raise EhsError where it cannot be done."""
    bare = load(AUTHORITY)
    begin = bare.calendar.on_or_after(london_day(now) - timedelta(weeks=weeks))
    folder = fresh_folder(folder)
    lived = Lived(
        folder,
        write_config(folder, authority=AUTHORITY, second=second.AUTHORITY, live_from=begin),
        bare,
        begin,
        now,
        weeks,
    )
    on_disk = read_config(lived.config)
    with (
        listening(folder / "mail") as sink,
        listening_as("slack", folder / "chat") as slack,
        listening_as("teams", folder / "chat") as teams,
        Store.create(on_disk.database.url) as store,
    ):
        by_smtp = Mail(channel="smtp", host="127.0.0.1", port=sink.port, security="none", sender=on_disk.mail.sender)
        config = on_disk.model_copy(update={"mail": by_smtp})
        lived.authority = fitted(bare, config, london_day(now))
        desks = [
            desk_of(each, store, {AUTHORITY: lived.authority}, "demo")
            for each in (config, _with_chats(config, folder, slack, teams))
        ]
        _Weeks(lived, desks[0], desks[1], seed).run(progress)
        if second.AUTHORITY in installed():
            lived.second = second.take_second(folder / "second", store, config, now)
    lived.mails = sink.kept
    lived.chats = {chat.kind: chat.kept for chat in (slack, teams)}
    return lived


def _with_chats(config: Config, folder: Path, slack: Chat, teams: Chat) -> Config:
    """Let every team's escalations be copied to one chat, and its disputes to the other."""
    tables = {}
    for chat in (slack, teams):
        secret = folder / "chat" / f"{chat.kind}-address.txt"
        secret.write_text(chat.address, encoding="utf-8")
        tables[f"the-{chat.kind}"] = ChannelTable(kind=chat.kind, secret_file=str(secret))
    hears = TeamPreferences(chats={"the-slack": ["escalation"], "the-teams": ["dispute"]})
    preferences = {AUTHORITY: AuthorityPreferences(teams={EVERY_TEAM: hears})}
    egress = Egress(also_allow=[slack.place, teams.place])
    return config.model_copy(update={"channels": tables, "preferences": preferences, "egress": egress})


class _Weeks:
    """Moves the clock by the hour, at half past, day and night."""

    def __init__(self, lived: Lived, desk: Desk, with_chats: Desk, seed: int) -> None:
        self.lived = lived
        self.desk = desk
        self.with_chats = with_chats
        self.seed = seed
        self.rng = random.Random(seed)  # noqa: S311 - spreads repeats, and must be the same every time
        self.day_of_dispute = _day_of_dispute(lived)

    @property
    def calendar(self) -> Calendar:
        return self.lived.authority.calendar

    def run(self, progress: Progress) -> None:
        moments = list(_half_hours(self.lived.begin, self.lived.until))
        for n, moment in enumerate(moments, 1):
            here = moment.astimezone(LONDON)
            if here.date() > london_day(self.lived.until) - CHATS_FOR:
                self.desk = self.with_chats
            if here.time() == EXTRACT_COMES and self.calendar.is_working(here.date()):
                self._extract(here.date(), moment)
            self._by_hand(moment)
            if self._something_is_due(moment):
                self._turn(moment)
            progress(n, len(moments))

    def _extract(self, day: date, moment: datetime) -> None:
        """Take in the extract of the night, as the case system stood at the end of the day before."""
        store, authority = self.desk.store, self.lived.authority
        start = london_day(self.lived.until) - timedelta(days=EXTRACT_DAYS)
        files = write_caseload(
            self.lived.folder / "extract",
            seed=self.seed,
            families=FAMILIES,
            start=start,
            days=EXTRACT_DAYS,
            as_of=day - timedelta(days=1),
        )
        if not self.lived.extracts:
            office.take_files(store, authority, now=moment, by="demo", people=files.people)
            self.lived.families_at_first = files.case_count
        office.take_files(store, authority, now=moment, by="demo", steps=files.extract, mapping=files.mapping)
        self.lived.caseload = files
        self.lived.extracts += 1

    def _something_is_due(self, moment: datetime) -> bool:
        """Tell whether the daemon's turn would find anything; a turn with nothing to do is left out."""
        with self.desk.store.read() as tx:
            cases = cases_due(tx, AUTHORITY, now=moment, limit=1)
            return bool(cases or waiting_deliveries(tx, AUTHORITY, now=moment, limit=1, channels=self.desk.ways))

    def _turn(self, moment: datetime) -> None:
        turn(self.desk, lambda: moment, stop=lambda: False, rng=self.rng)
        self.lived.turns += 1

    # ---- what a person does

    def _by_hand(self, moment: datetime) -> None:
        """Raise one dispute, and decide it a day later, as people do with `ehscheduler dispute open` and `decide`."""
        day = self.day_of_dispute
        if day is None:
            return
        raised_at, decided_at = at_clock(day, DISPUTE_AT), at_clock(self.calendar.next_working(day), DECIDED_AT)
        store, authority, dispute = self.desk.store, self.lived.authority, self.lived.dispute
        if dispute is None and moment >= raised_at and (case := self._newest_case()) is not None:
            raised = office.dispute_open(
                store, authority, case, about="allocation", at=raised_at.isoformat(), now=raised_at, by="demo"
            )
            self.lived.dispute = Dispute(case, raised.event.ref or "", raised_at, None)
        elif dispute is not None and dispute.decided_at is None and moment >= decided_at:
            office.dispute_decide(
                store,
                authority,
                dispute.case,
                dispute.ref,
                role=DECIDER,
                outcome="stays_with_team",
                at=decided_at.isoformat(),
                now=decided_at,
                by="demo",
            )
            self.lived.dispute = replace(dispute, decided_at=decided_at)

    def _newest_case(self) -> str | None:
        """Return the case that came last, one that waits for its allocation before any other."""
        found: list[tuple[bool, datetime, str]] = []
        with self.desk.store.read() as tx:
            for case in case_refs(tx, AUTHORITY):
                events = events_of(tx, AUTHORITY, case)
                words = {event.word for event in events}
                if "closed" not in words and events:
                    waits = "received_into_team" in words and "allocation" not in words
                    found.append((waits, min(event.moment for event in events), case))
        return max(found)[2] if found else None


def _half_hours(begin: date, until: datetime) -> Iterator[datetime]:
    """Yield half past every hour from the morning of `begin` on, up to `until`."""
    moment = at_clock(begin, EXTRACT_COMES).astimezone(UTC)
    while moment <= until:
        yield moment
        moment += timedelta(hours=1)


def _day_of_dispute(lived: Lived) -> date | None:
    """Return the last day, a week or more ago, that is a working day with another on its heels."""
    day = london_day(lived.until) - timedelta(days=7)
    for back in range(14):
        chosen = day - timedelta(days=back)
        calendar = lived.authority.calendar
        if calendar.is_working(chosen) and calendar.is_working(chosen + timedelta(days=1)):
            return chosen if chosen > lived.begin else None
    return None
