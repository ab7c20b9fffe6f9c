"""By which way, and from when, each recipient hears: what they prefer, else their team, else their authority."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from ehscheduler.config import AuthorityPreferences, Config, TeamPreferences
from ehscheduler.core.people import Directory
from ehscheduler.core.preferences import Preferences
from ehscheduler.daemon.desk import EVERY_TEAM
from ehscheduler.notify.ways import CHAT, MAIL
from ehscheduler.store.notices import NewDelivery
from ehscheduler.store.reach import preferences_of
from ehscheduler.store.tx import Tx

GATHERED_IN = "digest"


def kind_of(kind: str, *, immediate: bool) -> str:
    """Name the kind of message that a notice of a kind goes in."""
    if kind in ("dispute", "escalation", "baseline", "weekly"):
        return kind
    return "immediate" if immediate else GATHERED_IN


def by_mail_alone(one: NewDelivery) -> NewDelivery:
    """Return a delivery as it is made of a restricted case, whatever its reader prefers otherwise."""
    return replace(one, channel=MAIL)


@dataclass(frozen=True, slots=True)
class Hearing:
    """What everybody of one authority prefers; `own` is by person, and `table` is config's."""

    table: AuthorityPreferences
    own: Mapping[str, Preferences]
    directory: Directory

    @classmethod
    def of(cls, tx: Tx, config: Config, authority: str, directory: Directory) -> "Hearing":
        table = config.preferences.get(authority) or AuthorityPreferences()
        return cls(table, preferences_of(tx, authority), directory)

    def delivery(self, recipient: str, kind: str, send_after: datetime, *, immediate: bool) -> NewDelivery:
        """Return how a recipient is told of a notice: by their way, and when they want it.

        What does not wait for the morning waits for no preference; it has an address of its own out of hours.
        """
        if not recipient.startswith("person:"):
            return NewDelivery(recipient=recipient, channel=MAIL, send_after=send_after)
        wants, message = self.wants(recipient.removeprefix("person:")), kind_of(kind, immediate=immediate)
        if not immediate:
            send_after = wants.awake(wants.digest_from(send_after) if message == GATHERED_IN else send_after)
        return NewDelivery(recipient=recipient, channel=wants.channels.get(message, MAIL), send_after=send_after)

    def copies(self, team: str | None, kind: str, told: list[NewDelivery], *, immediate: bool) -> Iterator[NewDelivery]:
        """Yield the copies that a team's chats get of what people are told, not before the first of them."""
        table = self.team(team)
        people = [one.send_after for one in told if one.recipient.startswith("person:")]
        for chat, hears in table.chats.items() if team and people else ():
            if kind_of(kind, immediate=immediate) in hears:
                yield NewDelivery(recipient=f"team:{team}", channel=f"{CHAT}{chat}", send_after=min(people))

    def wants(self, person_id: str) -> Preferences:
        """Return what a person prefers, with their team's and their authority's where they leave it open."""
        person = self.directory.people.get(person_id)
        wider = self.team(person.team if person else None).preferences.over(self.table.preferences)
        return self.own.get(person_id, Preferences()).over(wider)

    def team(self, team: str | None) -> TeamPreferences:
        return self.table.teams.get(team or "") or self.table.teams.get(EVERY_TEAM) or TeamPreferences()
