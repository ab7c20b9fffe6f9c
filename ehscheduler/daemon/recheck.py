"""The last check: is a notice still owed to its recipient, on what is known at the moment of sending?"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol

from ehscheduler.core.actions import why_kept
from ehscheduler.core.calendars import london_day
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.findings import Finding
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import Directory, Resolved
from ehscheduler.core.vocabulary import is_restricted
from ehscheduler.core.workload import Crossing
from ehscheduler.daemon.decide import GATHERED
from ehscheduler.daemon.desk import EVERY_TEAM, Desk, as_word
from ehscheduler.daemon.handover import HANDOVER, handed_over
from ehscheduler.daemon.meant import Alarm, alarm_of, meant, owners_of, rungs_above
from ehscheduler.daemon.moved import CHANGED, dated, day_of
from ehscheduler.daemon.quiet import quiet_until
from ehscheduler.notify.messages import TeamWeek
from ehscheduler.plugins import Authority
from ehscheduler.store.notices import Notice
from ehscheduler.store.outbox import Waiting
from ehscheduler.store.tx import Tx


@dataclass(frozen=True, slots=True)
class Checked:
    """A notice that is still owed, with what it is about as it stands now; `was_due_on` where its date has changed.

    `heard` says when the rungs below were told, by kind and stage, where it is told up a ladder, and
    `by_hand` when what it rests on was put on record by a person here.
    """

    waiting: Waiting
    about: Milestone | Finding | Crossing | TeamWeek
    evaluation: Evaluation
    was_due_on: date | None = None
    heard: Mapping[tuple[str, int], datetime] = field(default_factory=dict)
    by_hand: datetime | None = None

    @property
    def notice(self) -> Notice:
        return self.waiting.notice

    @property
    def milestone(self) -> Milestone:
        """Return the milestone; every notice is about one, but for a check's, a limit's and a week's."""
        assert isinstance(self.about, Milestone)  # noqa: S101 - asked of other kinds alone
        return self.about


@dataclass(frozen=True, slots=True)
class Drop:
    """A notice that is not sent to this recipient after all, why, and to whom it goes instead.

    `alarms` are what the operator is to know of the roles that it was for. A `restricted` case's goes by mail alone.
    """

    notice: Notice
    why: str
    instead: tuple[str, ...] = ()
    alarms: tuple[Alarm, ...] = ()
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class Later:
    """A notice whose recipient acknowledged what it is about: it waits until that has run out."""

    notice: Notice
    until: datetime


class Weeks(Protocol):
    """The weeks of teams, as a round of delivery works them out once."""

    def of(self, tx: Tx, around: "Around", team: str) -> TeamWeek | None: ...


class NoWeeks:
    """Where no week is told."""

    def of(self, tx: Tx, around: "Around", team: str) -> TeamWeek | None:
        return None


@dataclass(frozen=True, slots=True)
class Around:
    """What all letters to one recipient share."""

    desk: Desk
    authority: Authority
    directory: Directory
    recipient: str
    now: datetime
    live_from: date
    outage: tuple[datetime, datetime] | None = None
    weeks: "Weeks" = field(default_factory=NoWeeks)

    @property
    def day(self) -> date:
        return london_day(self.now)

    def to(self, recipient: str) -> "Around":
        return replace(self, recipient=recipient)


def check(waiting: Waiting, evaluation: Evaluation, around: Around, last: str | None = None) -> Checked | Drop | Later:
    """Decide whether a notice is still owed to its recipient, on what is known now.

    `last` is the due version that the recipient was last told of this milestone.
    """
    notice = waiting.notice
    if evaluation.episode != notice.episode:
        return Drop(notice, "the case was reopened since")
    if notice.kind == "check":
        return _failed_still(waiting, evaluation, around)
    milestone = next((m for m in evaluation.milestones if m.key == notice.milestone), None)
    if milestone is None:
        return Drop(notice, "it no longer applies")
    if (why := why_kept(milestone) or _moved_on(notice, milestone, around.now)) is not None:
        return Drop(notice, why)
    if (elsewhere := re_owned(notice, evaluation, around)) is not None:
        return elsewhere
    if notice.kind == HANDOVER and not _listed_still(notice, evaluation, around):
        return Drop(notice, "the case was handed over again since")
    calendar = around.authority.calendar
    quiet = quiet_until(evaluation, calendar, notice.kind, notice.milestone, around.recipient, around.now)
    if quiet is not None:
        return Later(notice, quiet)
    if notice.kind != CHANGED:
        return Checked(waiting, milestone, evaluation)
    if last is None or dated(last) == dated(milestone.due_version):
        return Drop(notice, "the date is the one that they were told")
    return Checked(waiting, milestone, evaluation, day_of(last))


def _listed_still(notice: Notice, found: Evaluation, around: Around) -> bool:
    change = handed_over(found, around.authority.calendar)
    return change is not None and change.n == notice.repeat


def _failed_still(waiting: Waiting, evaluation: Evaluation, around: Around) -> Checked | Drop:
    """Decide whether a check that failed fails still, and is this recipient's to look at."""
    notice = waiting.notice
    finding = next((f for f in evaluation.findings if f.key == notice.milestone), None)
    if finding is None:
        return Drop(notice, "it was put right since")
    elsewhere = re_owned(notice, evaluation, around)
    return elsewhere or Checked(waiting, finding, evaluation)


def _moved_on(notice: Notice, milestone: Milestone, now: datetime) -> str | None:
    if notice.due_version != milestone.due_version:
        return "its date has moved"
    if notice.kind in ("overdue", "escalation", "baseline") and milestone.state != "overdue":
        return "it is not overdue"
    if notice.kind in ("reminder", "due") and milestone.state == "overdue":
        return "its day has passed" if milestone.force == "guide" else "the overdue notice says as much"
    if notice.kind != "dispute":
        return None
    rung = next((r for r in milestone.rungs if r.stage == notice.stage), None)
    if rung is None or rung.reached_at > now:
        return "that step of the dispute is not reached"
    if any(other.stage > rung.stage and other.reached_at <= now for other in milestone.rungs):
        return "the dispute has gone up a step since"
    return None if set(notice.to_roles) & set(rung.waits_for) else "others decide at that step now"


def re_owned(notice: Notice, found: Evaluation, around: Around) -> Drop | None:
    """Return where a notice goes instead, where it is no longer this recipient's; None where it is."""
    kind, _, name = around.recipient.partition(":")
    team, restricted = as_word(found.facts.get("team")), is_restricted(found.facts)
    if kind == "team" and name != EVERY_TEAM and not restricted:
        if name == (team or ""):
            return None
        instead = (f"team:{team or ''}",) if notice.kind == "baseline" else ()
        return Drop(notice, "the case is with another team now", instead)
    roles = asked(notice, found, around)
    people = [person for who in roles.values() for person in who.people]
    owners = tuple(dict.fromkeys(f"person:{person.person_id}" for person in people))
    owners = owners if owners or restricted else _duty_desk(team, around)
    if around.recipient in owners:
        return None
    why = "somebody else is to act now" if owners else "nobody can be told of it now"
    if _of_theirs_alone(notice):
        return Drop(notice, why)
    alarms = (alarm_of(role, who, around.authority.policy, team) for role, who in roles.items())
    return Drop(notice, why, owners, tuple(alarm for alarm in alarms if alarm), restricted)


def _of_theirs_alone(notice: Notice) -> bool:
    """Tell whether a notice is about what one person was told, and so nobody else's."""
    return notice.kind in (CHANGED, HANDOVER) or (notice.kind == "overdue" and notice.repeat > 0)


def _duty_desk(team: str | None, around: Around) -> tuple[str, ...]:
    """Name the duty address that hears what reaches nobody: the team's, else the authority's; none without."""
    set_up = around.desk.config.duty.get(around.authority.name, {})
    return tuple(f"team:{name}" for name in (team, EVERY_TEAM) if name in set_up)[:1]


def asked(notice: Notice, found: Evaluation, around: Around) -> dict[str, Resolved]:
    """Return who each role of a notice is now."""
    policy = around.authority.policy
    milestone = next((m for m in found.milestones if m.key == notice.milestone), None)
    own = around.desk.config.overdue_ladder(around.authority.name)
    above = rungs_above(milestone, notice.kind, notice.stage, own)
    rung = next((r for r in milestone.rungs if r.stage == notice.stage), None) if milestone else None
    # Who has put a decision on record since is asked no more.
    roles = [role for role in notice.to_roles if rung is None or role not in rung.who or role in rung.waits_for]
    owners = owners_of(milestone, notice.kind, policy, around.directory, found.facts)
    return {role: meant(role, policy, around.directory, found.facts, above, owners) for role in roles}


def latest(checked: Sequence[Checked]) -> tuple[list[Checked], list[Drop]]:
    """Keep of each milestone's notices, in one parcel, only the one that says most; the others say less."""
    last: dict[tuple[str, str, str, int], Checked] = {}
    drops: list[Drop] = []
    for one in sorted(checked, key=_says_more):
        notice = one.notice
        group = "nudge" if notice.kind in (*GATHERED, HANDOVER) else notice.kind
        place = (notice.case_ref, notice.milestone, group, notice.stage or 0)
        if place in last:
            drops.append(Drop(last[place].notice, "a later notice says as much"))
        last[place] = one
    return list(last.values()), drops


def _says_more(one: Checked) -> tuple[bool, datetime, int, str]:
    kind = one.notice.kind
    return kind != HANDOVER, one.notice.at, GATHERED.index(kind) if kind in GATHERED else 0, one.notice.key
