"""What every part of the daemon has at hand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from ehscheduler.config import Config
from ehscheduler.core.calendars import london_day
from ehscheduler.core.people import Directory, Person
from ehscheduler.notify.channel import Channel
from ehscheduler.notify.mail import Sender
from ehscheduler.notify.ways import MAIL, Way, by_mail
from ehscheduler.office import FIRST_IMPORT
from ehscheduler.plugins import Authority
from ehscheduler.store.people import directory_of
from ehscheduler.store.state import state_of
from ehscheduler.store.store import Store
from ehscheduler.store.tx import Tx

EVERY_TEAM = "*"
"""The name of an authority's own duty address, which hears what reaches nobody else."""
MORNING_MISSED = timedelta(hours=2)
"""How late a morning's work may be before the morning counts as missed."""
OUTAGE = "last_outage"
"""The state under which the last outage is noted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The store, the configuration, the authorities, and the ways out; `worker` names who claims.

    Mail leaves by `channel` under the name of `sender`; `further` are the other ways that config names.
    """

    store: Store
    config: Config
    authorities: Mapping[str, Authority]
    channel: Channel
    sender: Sender
    worker: str
    further: Mapping[str, Way] = field(default_factory=dict)
    guard: Callable[[Tx], None] = lambda tx: None
    """Called inside each claiming transaction; raises where another daemon has taken over."""

    def on(self, day: date) -> "Desk":
        """Return the desk with each authority as it is on a day: another edition may be in force."""
        several = any(len(one.policies) > 1 for one in self.authorities.values())
        return replace(self, authorities={n: a.as_of(day) for n, a in self.authorities.items()}) if several else self

    @property
    def ways(self) -> dict[str, Way]:
        """Return every way out by its name, mail first."""
        mail = by_mail(self.channel, self.sender, float(self.config.mail.deadline_seconds))
        return {MAIL: mail, **self.further}

    @property
    def lease(self) -> timedelta:
        """Return how long a claim is held: longer than the hard deadline of a send, with room to mark it."""
        return timedelta(seconds=2 * max(way.deadline for way in self.ways.values()) + 30)

    def live_from(self, tx: Tx, authority: str, now: datetime) -> date:
        """Return the day from which an authority is live: config's, else that of its first import."""
        since = self.config.live_for(authority).since
        if since is not None:
            return since
        first: Any = state_of(tx, authority, FIRST_IMPORT)
        return date.fromisoformat(first) if first else london_day(now)

    def outage(self, tx: Tx, authority: str) -> tuple[datetime, datetime] | None:
        """Return the last stretch in which a working morning went by without a tick; None where there was none."""
        noted: Any = state_of(tx, authority, OUTAGE)
        return (datetime.fromisoformat(noted["from"]), datetime.fromisoformat(noted["to"])) if noted else None

    def directory(self, tx: Tx, authority: str, now: datetime) -> Directory:
        return directory_of(tx, authority, london_day(now))


def as_word(value: Any) -> str | None:
    """Return a fact as a text, or None when it is blank."""
    return str(value) if value else None


def addressee_of(recipient: str, desk: Desk, authority: str, directory: Directory) -> Person | None:
    """Return who a recipient is now: a person, or for a team its duty address, else its manager or who covers them.

    A team with neither is the authority's own duty address.
    """
    kind, _, name = recipient.partition(":")
    if kind == "person":
        return directory.people.get(name)
    duty = desk.config.duty.get(authority, {})
    if address := duty.get(name):
        return _duty_desk(name, address)
    heads = (directory.acting(id_) for id_ in directory.heads_of(name))
    head = next((person for person in heads if person is not None), None)
    return head or (_duty_desk(EVERY_TEAM, duty[EVERY_TEAM]) if EVERY_TEAM in duty else None)


def _duty_desk(team: str, address: str) -> Person:
    return Person("", "duty desk" if team == EVERY_TEAM else f"{team} duty desk", address, (), team)
