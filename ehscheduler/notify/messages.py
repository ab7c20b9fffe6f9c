"""What a message may say: the whitelist, as frozen records of words, numbers and dates.

There is no field for a child, a family, an address or a note, and none may be added: the case's own
reference is all that names a case. Names here are staff: the addressee's own and, to a manager, the owner's.
"""

from dataclasses import dataclass
from datetime import date

from ehscheduler.errors import Refused
from ehscheduler.notify.links import is_link

LINES_PER_MESSAGE = 200
DONE_STATES = frozenset({"met", "met_late", "cancelled", "waived"})


class MessageRefused(Refused):
    """A message that must not be sent; each fault says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """The one person, or team address, that a message goes to."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imprint:
    """Whose policy a message speaks for, and where a reader can turn."""

    authority: str
    document: str
    edition: str = ""
    contact: str = ""
    safeguarding_route: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One milestone as a message may show it; every `str` is policy's, config's or fixed words.

    `stands_in` says why it comes to this reader and not to the usual one, and `more` what else there is to know of it.
    """

    case_ref: str
    title: str
    clause: str
    kind: str
    state: str
    window: str
    owner_title: str
    next_step: str
    recorded: str
    key: str = ""
    force: str = "required"
    due_on: date | None = None
    was_due_on: date | None = None
    days_over: int = 0
    stage: int | None = None
    ladder: str = ""
    told: tuple[str, ...] = ()
    owner_name: str = ""
    stands_in: str = ""
    more: tuple[str, ...] = ()
    link: str | None = None
    reading_ours: bool = False
    reading_unsigned: bool = False
    calendar_forecast: bool = False
    edition_past_review: bool = False
    anchor_time_unknown: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of a dispute, as told to somebody who has to decide or record.

    `about` is a word of the policy, `sides` and `others` (who decide at the same step) are titles of roles, `recorded`
    are those of them who have, and `if_over` says what the protocol asks when its time runs out. `decide_on` is the day
    of this step's own time. `asked_as` are the roles in which the reader is asked; `asked_first` says when this step
    was asked first where it is asked again.
    """

    line: Line
    since: str
    asks: str
    decide_by: str
    stage: int
    stages: int
    together: bool = False
    final: bool = False
    told: tuple[str, ...] = ()
    goes_to_next: str = ""
    about: str = ""
    sides: tuple[str, ...] = ()
    asked_as: tuple[str, ...] = ()
    asked_first: str = ""
    others: tuple[str, ...] = ()
    recorded: tuple[str, ...] = ()
    at_odds: bool = False
    if_over: tuple[str, ...] = ()
    decide_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """Something that the operator must hear; `what` and `remedy` never quote a row of input."""

    kind: str
    what: str
    place: str
    remedy: str
    since: str
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """The one calm message of a working morning; after an outage the only one, with what waits to be decided too."""

    to: Addressee
    imprint: Imprint
    day: date
    lines: tuple[Line, ...]
    steps: tuple[Step, ...] = ()
    outage: str = ""
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """Overdue work, told to the next one up on a ladder."""

    to: Addressee
    imprint: Imprint
    day: date
    lines: tuple[Line, ...]
    outage: str = ""
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """Disputes that wait for the addressee's decision."""

    to: Addressee
    imprint: Imprint
    day: date
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Immediate:
    """Hour clocks, which go at once; `waits_for` is set on the copy to a duty address."""

    to: Addressee
    imprint: Imprint
    day: date
    lines: tuple[Line, ...]
    waits_for: str = ""
    waits_until: str = ""
    outage: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What was already overdue when the authority went live; listed once, never escalated."""

    to: Addressee
    imprint: Imprint
    day: date
    team: str
    live_from: date
    lines: tuple[Line, ...]
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamWeek:
    """One team's week: counts in a sentence, what is to be done and what is not moving, and what concerns its people.

    `said` are sentences about staff: who is over a limit of work, who is away and has nobody standing in.
    """

    team: str
    counts: str
    lines: tuple[Line, ...] = ()
    said: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """A manager's week, team by team."""

    to: Addressee
    imprint: Imprint
    day: date
    teams: tuple[TeamWeek, ...]
    part: int = 1
    parts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Operator:
    """Alarms for whoever runs the daemon."""

    to: Addressee
    day: date
    at: str
    alarms: tuple[Alarm, ...]


Message = Digest | Escalation | Dispute | Immediate | Baseline | Weekly | Operator


def lines_of(message: Message) -> tuple[Line, ...]:
    """Give every line that a message shows."""
    if isinstance(message, Operator):
        return ()
    if isinstance(message, Dispute):
        return tuple(step.line for step in message.steps)
    if isinstance(message, Weekly):
        return tuple(line for week in message.teams for line in week.lines)
    if isinstance(message, Digest):
        return (*(step.line for step in message.steps), *message.lines)
    return message.lines


def faults_of(message: Message) -> list[str]:
    """Say what forbids sending this message: work that is done, nothing to say, too much, a bad link."""
    lines = lines_of(message)
    faults = [
        f"{line.case_ref} {line.title}: it is {line.state}, so nobody is told"
        for line in lines
        if line.state in DONE_STATES
    ]
    faults += [
        f"{line.case_ref} {line.title}: the link is not a plain http or https address"
        for line in lines
        if line.link is not None and not is_link(line.link)
    ]
    if isinstance(message, Escalation):
        faults += [f"{ln.case_ref} {ln.title}: a guide is never escalated" for ln in lines if ln.force == "guide"]
    said = message.alarms if isinstance(message, Operator) else message.teams if isinstance(message, Weekly) else lines
    if not said:
        faults.append("the message has nothing to say")
    if len(lines) > LINES_PER_MESSAGE:
        faults.append(f"{len(lines)} lines are more than one message holds ({LINES_PER_MESSAGE}); split them first")
    return faults
