"""One look at a case: all that a decision about it rests on, and what the decision comes to."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from ehscheduler.core.actions import Action
from ehscheduler.core.calendars import Calendar, at_clock, london_day
from ehscheduler.core.chains import OverdueStep
from ehscheduler.core.evaluate import Evaluation
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.people import Directory
from ehscheduler.core.policy import Policy
from ehscheduler.daemon.told import NOT_YET_LIVE, SHADOW, Told

DAY_BEGINS, DAY_ENDS = time(8, 0), time(18, 0)
"""When people are taken to be at work; outside, hour clocks go to the team's duty address where there is one."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One notice: what it says, to whom, from when it may be sent; `kept` says why it is not sent at all."""

    action: Action
    key: str
    episode: int
    recipients: tuple[str, ...] = ()
    send_after: Mapping[str, datetime] = field(default_factory=dict)
    kept: str | None = None


@dataclass(frozen=True, slots=True)
class Decided:
    """What one look at a case comes to; `alarms` are (code, subject, sentence)."""

    notices: tuple[Decision, ...]
    alarms: tuple[tuple[str, str, str], ...]
    next_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """All that a decision about one case rests on.

    `duty_teams` are those with a duty address that may hear of this case.
    `told` holds what was decided before, by `key`; `news_at` is when an event that lies ahead will be known.
    """

    policy: Policy
    calendar: Calendar
    evaluation: Evaluation
    told: Mapping[str, Told]
    directory: Directory
    lead: str | None
    team: str | None
    now: datetime
    last_tick: datetime
    live_from: date
    news_at: datetime | None = None
    live_rules: Sequence[str] | None = None
    live_checks: Sequence[str] = ()
    shadow: bool = False
    overdue_ladder: Sequence[OverdueStep] = ()
    duty_teams: frozenset[str] = frozenset()
    restricted: bool = False
    feed_late: bool = False
    """Whether what happened on cases may be missing: then nobody above its owner is told that a thing was not done."""
    unfed: frozenset[str] = frozenset()
    """The rules that nobody could meet, for no source sends what meets them."""

    def key(self, action: Action) -> str:
        """Name a notice within its authority."""
        return f"{self.evaluation.case}|{self.evaluation.episode}|{action.notice_key}"

    def known(self, action: Action) -> Told | None:
        """Return what became of a notice, if it was decided before."""
        return self.told.get(self.key(action))

    def about(self, milestone: str) -> Iterator[Told]:
        """Yield all that was decided about one milestone of this episode."""
        start = f"{self.evaluation.case}|{self.evaluation.episode}|{milestone}|"
        return (told for key, told in self.told.items() if told.milestone == milestone and key.startswith(start))

    @property
    def live(self) -> list[Milestone]:
        """Return the milestones that stand open and whose rules are live, and fed."""
        rules = self.live_rules
        live = (m for m in self.evaluation.milestones if m.open and (rules is None or m.rule in rules))
        return [m for m in live if m.rule not in self.unfed]

    @property
    def silent(self) -> str | None:
        """Say why nothing is sent at all, or None where the authority is live."""
        if self.shadow:
            return SHADOW
        return NOT_YET_LIVE if london_day(self.now) < self.live_from else None

    @property
    def at_work(self) -> bool:
        return at_work(self.calendar, self.now)


def at_work(calendar: Calendar, now: datetime) -> bool:
    """Tell whether people are taken to be at work: office hours of a working day."""
    day = london_day(now)
    return calendar.is_working(day) and at_clock(day, DAY_BEGINS) <= now < at_clock(day, DAY_ENDS)
