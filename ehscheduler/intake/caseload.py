"""Make an invented caseload: families of an Early Help service as a workflow-step extract, for demo, tests and figures.

The same seed gives the same families, to the byte. Every personal value is plainly invented and carries a canary, a
text that stands nowhere else, so that a leak can be proved. `as_of` shows the extract as it would have stood on that
day: a later one of the same caseload holds more steps, and corrects a few.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from math import ceil
from pathlib import Path
from random import Random
from typing import Any

from ehscheduler.core.calendars import LONDON
from ehscheduler.core.vocabulary import EVENTS, FACTS
from ehscheduler.intake.mapping import StepMapping, StepMeaning, mapping_of

LOCALITIES = ("South", "West", "North")
FAMILIES_PER_WORKER = 14
PERSONAL = ("family_name", "child_name", "address", "school", "telephone")
OWN_WORDS = frozenset({"final_letter_sent", "return_interview_requested", "return_interview_allocated"})

MAPPING = """\
# How the workflow steps of the case system become events.
# Left: our word. Right: the column, code or date of the extract, exactly as it is written there.

[extract]
source = "mosaic"                  # the ids of these events begin with it: never change it
case   = "group_id"                # a case is a family; "person_id" where it is a child
dates  = ["%d/%m/%Y %H:%M", "%d/%m/%Y"]

[columns]
workflow_step_id = "WORKFLOW_STEP_ID"
step_type        = "STEP_TYPE"
person_id        = "PERSON_ID"
group_id         = "GROUP_ID"
incoming_on      = "INCOMING_ON"
started_on       = "STARTED_ON"
completed_on     = "COMPLETED_ON"
status           = "STATUS"
worker_id        = "WORKER_ID"
recorded_on      = "RECORDED_ON"

[status]
counts  = ["COMPLETED"]
not_yet = ["PROPOSED", "STARTED"]
never   = ["CANCELLED"]

# ---- what each type of step means; `worker = "other"` where its worker does not hold the case

[[step]]
type     = "Early Help Referral"
event    = "referral_received"
on       = "incoming_on"
statuses = ["STARTED", "COMPLETED"]
worker   = "other"

[[step]]
type   = "Early Help Referral"
event  = "referral_passed"
on     = "completed_on"
worker = "other"

[[step]]
type     = "Team Screening"
event    = "received_into_team"
on       = "incoming_on"
statuses = ["STARTED", "COMPLETED"]
worker   = "other"

[[step]]
type   = "Team Screening"
event  = "referral_screened"
on     = "completed_on"
worker = "other"

[[step]]
type     = "Allocation Dispute"
event    = "dispute_raised"
on       = "started_on"
statuses = ["STARTED", "COMPLETED"]
ref      = "workflow_step_id"
detail   = { about = "allocation" }
worker   = "other"

[[step]]
type   = "Allocation Dispute"
event  = "dispute_resolved"
on     = "completed_on"
ref    = "workflow_step_id"
detail = { about = "allocation" }
worker = "other"

[[step]]
type  = "Allocation to Case Manager"
event = "allocation"
on    = "completed_on"

[[step]]
type        = "Transferred Assessment"
event       = "assessment_completed"
on          = "completed_on"
detail_from = { origin = "ASSESSMENT_ORIGIN" }
worker      = "other"

[[step]]
type        = "Contact Attempt"
event       = "contact_attempted"
on          = "completed_on"
detail_from = { method = "CONTACT_METHOD" }

[[step]]
type        = "Contact with Family"
event       = "contact_made"
on          = "completed_on"
detail_from = { method = "CONTACT_METHOD" }

[[step]]
type  = "Home Visit"
event = "home_visit"
on    = "completed_on"

[[step]]
type  = "Family Seen"
event = "family_seen"
on    = "completed_on"

[[step]]
type        = "Unannounced Visit"
event       = "unannounced_visit"
on          = "completed_on"
detail_from = { outcome = "VISIT_OUTCOME" }

[[step]]
type        = "Child and Family Assessment"
event       = "assessment_completed"
on          = "completed_on"
detail_from = { origin = "ASSESSMENT_ORIGIN" }

[[step]]
type  = "Assessment Review"
event = "assessment_reviewed"
on    = "completed_on"

[[step]]
type  = "Initial TAF Meeting"
event = "taf_held"
on    = "completed_on"

[[step]]
type  = "Family Action Plan"
event = "plan_completed"
on    = "completed_on"

[[step]]
type  = "Plan Agreed with Family"
event = "plan_agreed"
on    = "completed_on"

[[step]]
type  = "TAF Review"
event = "taf_held"
on    = "completed_on"

[[step]]
type  = "TAF Review"
event = "review_held"
on    = "completed_on"

[[step]]
type  = "Case Transfer"
event = "worker_changed"
on    = "completed_on"

[[step]]
type     = "Step Up to Social Care"
event    = "hold_started"
on       = "started_on"
statuses = ["STARTED", "COMPLETED"]
detail   = { reason = "stepped_up" }

[[step]]
type   = "Step Up to Social Care"
event  = "hold_ended"
on     = "completed_on"
detail = { reason = "stepped_up" }

[[step]]
type     = "Missing Return Interview"
event    = "return_interview_requested"
on       = "incoming_on"
statuses = ["STARTED", "COMPLETED"]
ref      = "workflow_step_id"
worker   = "other"

[[step]]
type   = "Missing Return Interview"
event  = "return_interview_allocated"
on     = "completed_on"
ref    = "workflow_step_id"
worker = "other"

[[step]]
type  = "Final Letter"
event = "final_letter_sent"
on    = "completed_on"

[[step]]
type        = "Early Help Closure"
event       = "closed"
on          = "completed_on"
detail_from = { reason = "CLOSURE_REASON" }

# ---- codes: their word, ours

[codes.CONTACT_METHOD]
"Face to face" = "face_to_face"
"Telephone"    = "phone"
"Text message" = "text"

[codes.ASSESSMENT_ORIGIN]
"Own"         = "own"
"Transferred" = "transferred"

[codes.VISIT_OUTCOME]
"Seen"     = "seen"
"Not seen" = "not_seen"

[codes.CLOSURE_REASON]
"Outcomes met"   = "outcomes_met"
"Not engaging"   = "non_engagement"
"Moved away"     = "moved"

[codes.SERVICE]
"Early Help"       = "early_help"

[codes.STEP_DOWN_FROM]
"Child Protection Plan" = "cp_plan"
"Child in Need"         = "cin"

# ---- attributes of the case (worker_id is its `lead` by itself)

[facts]
team             = "TEAM"
locality         = "LOCALITY"
level            = "LEVEL"
urgent           = "URGENT"
step_down        = "STEP_DOWN"
step_down_origin = "STEP_DOWN_FROM"
service          = "SERVICE"
index_child_dob  = "INDEX_CHILD_DOB"

# ---- kept with the personal fields of the case, and nowhere else

[personal]
family_name = "FAMILY_NAME"
child_name  = "CHILD_NAME"
address     = "ADDRESS"
school      = "SCHOOL"
telephone   = "TELEPHONE"

[ignore]
steps = ["Case Note"]
"""

_HEADER = (
    "WORKFLOW_STEP_ID,STEP_TYPE,PERSON_ID,GROUP_ID,INCOMING_ON,STARTED_ON,COMPLETED_ON,STATUS,WORKER_ID,RECORDED_ON,"
    "TEAM,LOCALITY,LEVEL,URGENT,STEP_DOWN,STEP_DOWN_FROM,SERVICE,CONTACT_METHOD,ASSESSMENT_ORIGIN,VISIT_OUTCOME,"
    "CLOSURE_REASON,INDEX_CHILD_DOB,FAMILY_NAME,CHILD_NAME,ADDRESS,SCHOOL,TELEPHONE"
).split(",")
_STEP_COLUMNS = ("CONTACT_METHOD", "ASSESSMENT_ORIGIN", "VISIT_OUTCOME", "CLOSURE_REASON")
_CASE_COLUMNS = (
    "case_ref",
    "team",
    "locality",
    "lead",
    "level",
    "urgent",
    "step_down",
    "step_down_origin",
    "service",
    "index_child_dob",
)
_EVENT_COLUMNS = ("id", "case_ref", "event", "occurred_at", "recorded_at", "ref", "detail")
_COLOURS = "Amber Indigo Scarlet Teal Ochre Violet Russet Azure Coral Umber Jade Slate Cobalt Saffron".split()
_THINGS = "Lantern Kestrel Harbour Thicket Compass Meadow Anvil Willow Beacon Otter Quarry Bramble Ferry".split()


@dataclass(frozen=True, slots=True)
class Caseload:
    """The files of one caseload, and how much is in them."""

    extract: Path
    mapping: Path
    people: Path
    cases: Path
    events: Path
    case_count: int
    step_count: int
    event_count: int


@dataclass(frozen=True, slots=True)
class Step:
    """One workflow step of a family as it will be in the end; `mistyped` is what it said until it was corrected."""

    type: str
    incoming: datetime
    started: datetime
    completed: datetime | None
    recorded: datetime | None
    worker: str
    status: str = "COMPLETED"
    codes: tuple[tuple[str, str], ...] = ()
    id: str = ""
    mistyped: tuple[datetime, date] | None = None


@dataclass(slots=True)
class Family:
    """One invented family: its case reference, attributes and steps."""

    number: int
    case: str
    locality: str
    level: int
    urgent: bool
    step_down_from: str
    born: date
    worker: str
    steps: list[Step] = field(default_factory=list)

    @property
    def team(self) -> str:
        return f"EHCM {self.locality}"


def write_caseload(
    folder: Path,
    *,
    seed: int,
    families: int,
    start: date,
    days: int = 182,
    as_of: date | None = None,
) -> Caseload:
    """Write extract, mapping, people and the machine contract's two files into a folder, family by family.

    Families arrive from `start` on, over `days`; `as_of` is the day of the extract, the last of them by default.
    """
    folder.mkdir(parents=True, exist_ok=True)
    day = as_of or start + timedelta(days=days)
    paths = [folder / name for name in ("steps.csv", "mapping.toml", "people.csv", "cases.csv", "events.csv")]
    extract, mapping, people, cases, events = paths
    mapping.write_text(MAPPING, encoding="utf-8")
    _write_rows(people, people_rows(families, start))
    count = _Writer(seed, mapping_of(MAPPING, mapping.name, FACTS, EVENTS | OWN_WORDS))
    with _open(extract) as steps_file, _open(cases) as cases_file, _open(events) as events_file:
        count.into(csv.writer(steps_file), csv.writer(cases_file), csv.writer(events_file))
        for family in each_family(seed=seed, families=families, start=start, days=days):
            count.family(family, day)
    return Caseload(extract, mapping, people, cases, events, count.cases, count.steps, count.events)


def canary(seed: int, case: str, name: str) -> str:
    """Return the text that marks one personal value of one case; it stands nowhere else."""
    return "CANARY-" + sha256(f"{seed}:{case}:{name}".encode()).hexdigest()[:12]


def canaries(*, seed: int, families: int) -> Iterator[str]:
    """Yield the canary of every personal value of a caseload."""
    return (canary(seed, _case_ref(n), name) for n in range(families) for name in PERSONAL)


def _open(path: Path) -> Any:
    return path.open("w", encoding="utf-8", newline="")


def _write_rows(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with _open(path) as file:
        csv.writer(file).writerows(rows)


def _case_ref(number: int) -> str:
    return f"G{400_001 + number}"


# ---- people


def worker_id(locality: str, n: int) -> str:
    """Return the staff id of a team's nth case manager."""
    return f"CM-{locality[0]}{n + 1:03}"


def workers_per_team(families: int) -> int:
    return max(3, ceil(families / len(LOCALITIES) / FAMILIES_PER_WORKER))


def people_rows(families: int, start: date) -> list[list[str]]:
    """Return people.csv: three locality teams, their managers, and those who serve every team."""
    rows = [["person_id", "name", "email", "role", "team", "line_manager_id", "valid_from", "valid_to"]]
    since = (start - timedelta(days=400)).isoformat()

    def add(id_: str, role: str, team: str, manager: str, until: str = "") -> None:
        n = len(rows) - 1
        name = f"{_COLOURS[n % len(_COLOURS)]} {_THINGS[n % len(_THINGS)]}"
        email = f"{name.lower().replace(' ', '.')}.{n + 1}@example.org"
        rows.append([id_, name, email, role, team, manager, since, until])

    add("GM-1", "group_manager", "", "")
    add("GEN-1", "general_manager", "", "")
    add("EHU-1", "early_help_unit", "", "GM-1")
    add("SPP-EE", "spp_employment_entertainment", "", "GM-1")
    add("ULE-1", "unit_leader_enforcement", "", "GM-1")
    for locality in LOCALITIES:
        team, letter = f"EHCM {locality}", locality[0]
        add(f"SM-{letter}", "service_manager", team, "GM-1")
        add(f"TM-{letter}", "team_manager", team, f"SM-{letter}")
        add(f"SPP-{letter}", "senior_professional_practitioner", team, f"TM-{letter}")
        add(f"EEO-{letter}", "education_enforcement_officer", team, "ULE-1")
        for n in range(workers_per_team(families)):
            add(worker_id(locality, n), "case_manager", team, f"TM-{letter}")
    add(
        "CM-LEFT",
        "case_manager",
        f"EHCM {LOCALITIES[0]}",
        f"TM-{LOCALITIES[0][0]}",
        (start + timedelta(30)).isoformat(),
    )
    return rows


# ---- families


def each_family(*, seed: int, families: int, start: date, days: int) -> Iterator[Family]:
    """Yield the families of a caseload; each is drawn from its own seed, so more of them change none."""
    workers = workers_per_team(families)
    for number in range(families):
        # Not for secrets: the caseload must be the same every time.
        draw = Random(f"{seed}:{number}")  # noqa: S311 a seeded draw is the point
        yield _Journey(draw, number, workers, start, days).family()


class _Journey:
    """Draws what happens to one family, from the referral on."""

    def __init__(self, draw: Random, number: int, workers: int, start: date, days: int) -> None:
        self.draw = draw
        self.end = start + timedelta(days=days)
        self.received = _weekday(start + timedelta(days=draw.randrange(max(1, days * 17 // 20))))
        self.pace = draw.choices((1.0, 1.5, 2.4), (62, 26, 12))[0]
        locality = LOCALITIES[number % len(LOCALITIES)]
        self.others = [worker_id(locality, n) for n in range(workers)]
        self.one = Family(
            number=number,
            case=_case_ref(number),
            locality=locality,
            level=draw.choices((3, 4), (9, 1))[0],
            urgent=draw.random() < 0.08,
            step_down_from=draw.choices(("", "Child in Need", "Child Protection Plan"), (88, 8, 4))[0],
            born=self.received - timedelta(days=draw.randrange(5 * 366, 17 * 365)),
            worker="" if draw.random() < 0.015 else draw.choice(self.others),
        )
        self.worker = self.one.worker
        self.steps: list[Step] = []

    def family(self) -> Family:
        """Draw the journey and number its steps; the numbers do not hang on the day of the extract."""
        allocated = self._front_door()
        if allocated is not None:
            self._work(allocated)
        steps = sorted(self.steps, key=lambda step: (step.completed or step.started, step.type))
        numbered = [replace(step, id=str((self.one.number + 1) * 1000 + n)) for n, step in enumerate(steps)]
        self.one.steps = [step for step in numbered if step.incoming.date() <= self.end]
        return self.one

    # ---- the shape of a step

    def _moment(self, day: date) -> datetime:
        return datetime.combine(_weekday(day), time(self.draw.randrange(9, 17), 5 * self.draw.randrange(12)))

    def _add(
        self,
        kind: str,
        day: date,
        *,
        since: datetime | None = None,
        worker: str | None = None,
        late: bool = True,
        **codes: str,
    ) -> datetime:
        """Add one completed step; now and then it is recorded days after it happened."""
        done = self._moment(day)
        if since is not None and done <= since:
            done = since + timedelta(minutes=30)
        begun = since or done - timedelta(hours=1)
        delay = self.draw.choices((0, self.draw.randrange(1, 5), self.draw.randrange(5, 21)), (85, 10, 5))[0]
        entered = _weekday(done.date() + timedelta(days=delay if late else 0))
        recorded = datetime.combine(entered, done.time()) + timedelta(minutes=7)
        held_by = self.worker if worker is None else worker
        self.steps.append(Step(kind, begun, begun, done, recorded, held_by, codes=tuple(codes.items())))
        return done

    def _days(self, low: int, high: int) -> timedelta:
        """Draw a delay, longer for a family whose work is slow."""
        return timedelta(days=round(self.draw.randint(low, high) * self.pace))

    # ---- the front door

    def _front_door(self) -> date | None:
        came = self._moment(self.received)
        low, high = (0, 1) if self.one.urgent else (1, 10)
        passed = self._add("Early Help Referral", came.date() + self._days(low, high), since=came, worker="EHU-1")
        low, high = (0, 1) if self.one.urgent else (0, 4)
        team = f"TM-{self.one.locality[0]}"
        arrived = passed + timedelta(minutes=30)
        screened = self._add("Team Screening", arrived.date() + self._days(low, high), since=arrived, worker=team)
        day = screened.date()
        if self.draw.random() < 0.05:
            raised = screened + timedelta(minutes=20)
            settled = self._add("Allocation Dispute", day + self._days(0, 2), since=raised, worker=team)
            day = settled.date()
        waits = self.draw.random()
        if waits < 0.02:
            return None
        wait = self._days(30, 85) if waits < 0.07 else self._days(0, 5)
        return self._add("Allocation to Case Manager", day + wait, since=screened + timedelta(minutes=45)).date()

    # ---- the work

    def _work(self, allocated: date) -> None:
        transfer = self._transfer(allocated)
        stop = self._closing_day(allocated)
        self._first_steps(allocated)
        taf = self._assessment_and_plan(allocated)
        self._visits(allocated, taf)
        review = self._review(taf, 84, 108)
        self._review(review, 90, 110)
        if self.draw.random() < 0.03:
            asked = self._moment(allocated + self._days(20, 90))
            self._add(
                "Missing Return Interview", asked.date() + timedelta(days=self.draw.choice((0, 0, 1, 3))), since=asked
            )
        if self.draw.random() < 0.3:
            self._add("Case Note", allocated + self._days(5, 60))
        if self.draw.random() < 0.04:
            self._add("Information Sharing Request", allocated + self._days(5, 60))
        held = self._hold(allocated)
        self._settle(allocated, stop, held, transfer)
        if stop:
            self._close(*stop, transfer if transfer in self.steps else None)

    def _review(self, since: date, low: int, high: int) -> date:
        """Add a review that is proposed when the meeting before it ends, and started some days ahead."""
        proposed = datetime.combine(since, time(17))
        done = self._add("TAF Review", since + self._days(low, high), since=proposed)
        self.steps[-1] = replace(self.steps[-1], started=done - timedelta(days=6))
        return done.date()

    def _first_steps(self, allocated: date) -> None:
        if self.one.step_down_from:
            before = allocated - timedelta(days=self.draw.randrange(10, 70))
            self._add("Transferred Assessment", before, worker="", ASSESSMENT_ORIGIN="Transferred")
            self.steps[-1] = replace(self.steps[-1], recorded=datetime.combine(allocated, time(8, 45)))
            self._add("Assessment Review", before + self._days(80, 105))
        first = allocated + self._days(1, 5)
        for n in range(self.draw.choice((0, 0, 0, 1, 2))):
            self._add("Contact Attempt", allocated + timedelta(days=n + 1), CONTACT_METHOD=self._method())
        self._add("Contact with Family", first, CONTACT_METHOD=self._method())
        visit = first + self._days(2, 7)
        if self.draw.random() < 0.1:
            self._add("Unannounced Visit", visit, VISIT_OUTCOME="Not seen")
            visit += self._days(3, 9)
        self._add("Home Visit", visit)
        if self.draw.random() < 0.15:
            self._cancelled("Home Visit", visit + timedelta(days=7))

    def _method(self) -> str:
        return self.draw.choices(("Telephone", "Face to face", "Text message"), (6, 3, 1))[0]

    def _cancelled(self, kind: str, day: date) -> None:
        planned = self._moment(day)
        self.steps.append(Step(kind, planned, planned, None, None, self.worker, status="CANCELLED"))

    def _assessment_and_plan(self, allocated: date) -> date:
        if not self.one.step_down_from:
            self._add("Child and Family Assessment", allocated + self._days(24, 44), ASSESSMENT_ORIGIN="Own")
        taf = self._add("Initial TAF Meeting", allocated + self._days(28, 50)).date()
        plan = self._add("Family Action Plan", taf + self._days(0, 6)).date()
        self._add("Plan Agreed with Family", plan + self._days(0, 6))
        return taf

    def _visits(self, allocated: date, taf: date) -> None:
        """See the family every fortnight until the TAF, then monthly; now and then a visit is missed."""
        day = allocated + timedelta(days=18)
        while day <= self.end:
            if self.draw.random() < 0.12:
                self._add("Unannounced Visit", day, VISIT_OUTCOME="Not seen")
            else:
                self._add(self.draw.choice(("Home Visit", "Family Seen")), day)
            day += self._days(10, 14) if day < taf else self._days(24, 31)

    def _transfer(self, allocated: date) -> Step | None:
        if self.draw.random() >= 0.07 or not self.worker:
            return None
        day = _weekday(allocated + timedelta(days=self.draw.randrange(30, 90)))
        # Before any other step of the day, so that the day's work is the new worker's.
        at = datetime.combine(day, time(8, 30))
        new = self.draw.choice([one for one in self.others if one != self.worker])
        step = Step("Case Transfer", at, at, at, at + timedelta(minutes=5), new)
        self.steps.append(step)
        return step

    def _hold(self, allocated: date) -> tuple[datetime, datetime] | None:
        if self.draw.random() >= 0.06:
            return None
        begun = self._moment(allocated + timedelta(days=self.draw.randrange(15, 80)))
        back = self.draw.random() < 0.7
        until = self._add("Step Up to Social Care", begun.date() + self._days(12, 40), since=begun)
        if not back:
            self.steps[-1] = replace(self.steps[-1], completed=None, status="STARTED", recorded=begun)
            until = datetime.combine(self.end + timedelta(days=1), time(9))
        return begun, until

    def _closing_day(self, allocated: date) -> tuple[date, str] | None:
        kind = self.draw.random()
        if kind < 0.05:
            return _weekday(allocated + timedelta(days=self.draw.randrange(40, 80))), "Not engaging"
        if kind < 0.27:
            reason = self.draw.choices(("Outcomes met", "Moved away"), (5, 1))[0]
            return _weekday(allocated + timedelta(days=self.draw.randrange(70, 150))), reason
        return None

    def _close(self, day: date, reason: str, transfer: Step | None) -> None:
        def holder(on: date) -> str:
            return transfer.worker if transfer and transfer.incoming.date() <= on else self.one.worker

        if reason == "Not engaging":
            letter = _weekday(day - timedelta(days=12))
            self._add("Final Letter", letter, worker=holder(letter))
        self._add("Early Help Closure", day, worker=holder(day), CLOSURE_REASON=reason)

    def _settle(
        self,
        allocated: date,
        stop: tuple[date, str] | None,
        held: tuple[datetime, datetime] | None,
        transfer: Step | None,
    ) -> None:
        """Take out what a closure, a hold or a standstill prevented, and give later steps to the new worker."""
        still = allocated + timedelta(days=self.draw.randrange(8, 60)) if self.draw.random() < 0.08 else None
        last = min([day for day in (stop[0] if stop else None, still) if day], default=None)
        kept = []
        for step in self.steps:
            first = step.incoming if step.type in _FROM_START else step.completed or step.started
            if step.type not in _FRONT_DOOR and last and first.date() >= last:
                continue
            if held and step.type not in _THROUGH_HOLD and held[0] <= first < held[1]:
                continue
            if transfer and step.worker == self.one.worker and first > transfer.incoming:
                step = replace(step, worker=transfer.worker)
            kept.append(self._mistyped(step) if not transfer else step)
        self.steps = kept

    def _mistyped(self, step: Step) -> Step:
        """Let one visit in fifty stand a week wrong until somebody corrects it."""
        if step.type != "Home Visit" or not step.completed or not step.recorded or self.draw.random() >= 0.02:
            return step
        wrong = step.completed - timedelta(days=7)
        return replace(step, mistyped=(wrong, step.recorded.date() + timedelta(days=self.draw.randrange(3, 15))))


_FRONT_DOOR = ("Early Help Referral", "Team Screening", "Allocation Dispute", "Allocation to Case Manager")
_FROM_START = ("Step Up to Social Care", "Missing Return Interview", "Allocation Dispute")
_THROUGH_HOLD = (*_FRONT_DOOR, "Step Up to Social Care", "Case Transfer", "Missing Return Interview")


def _weekday(day: date) -> date:
    """Move a day at the weekend to the Monday after."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() > 4 else day


# ---- writing


class _Writer:
    """Writes each family twice: as rows of the extract, and as the cases and events that they mean."""

    def __init__(self, seed: int, mapping: StepMapping) -> None:
        self.seed = seed
        self.mapping = mapping
        self.meanings: dict[str, list[StepMeaning]] = {}
        for step in mapping.steps:
            self.meanings.setdefault(step.type, []).append(step)
        self.cases = self.steps = self.events = 0

    def into(self, steps: Any, cases: Any, events: Any) -> None:
        """Begin the three files with their headers."""
        self._steps_csv, self._cases_csv, self._events_csv = steps, cases, events
        steps.writerow(_HEADER)
        cases.writerow(_CASE_COLUMNS)
        events.writerow(_EVENT_COLUMNS)

    def family(self, family: Family, as_of: date) -> None:
        """Write one family as it stands in the case system at the end of a day."""
        steps = [seen for step in family.steps if (seen := _as_seen(step, as_of)) is not None]
        if not steps:
            return
        personal = self._personal(family)
        self._steps_csv.writerows(self._step_row(family, step, personal) for step in steps)
        told = [
            (step, meaning)
            for step in steps
            for meaning in self.meanings.get(step.type, ())
            if step.status in meaning.statuses
        ]
        told.sort(key=lambda pair: (_when(*pair), pair[0].id))
        lead = next((step.worker for step, meaning in told if meaning.lead and step.worker), "")
        self._cases_csv.writerow(self._case_row(family, lead))
        self._events_csv.writerows(self._event_row(family, step, meaning) for step, meaning in told)
        self.cases += 1
        self.steps += len(steps)
        self.events += len(told)

    def _personal(self, family: Family) -> tuple[str, ...]:
        mark = {name: canary(self.seed, family.case, name) for name in PERSONAL}
        n = family.number
        # One name in two hundred would run in a spreadsheet: it has to come through as the text it is.
        trick = "=1+1 " if n % 200 == 7 else ""
        return (
            f"{trick}{_THINGS[n % len(_THINGS)]}-Invented {mark['family_name']}",
            f"{_COLOURS[n % len(_COLOURS)]} {mark['child_name']}",
            f"{n + 1} Nowhere Lane, Inventedtown, {mark['address']}",
            f"School of {_COLOURS[n % 7]} {mark['school']}",
            f"0000 {n:06} {mark['telephone']}",
        )

    def _step_row(self, family: Family, step: Step, personal: tuple[str, ...]) -> tuple[object, ...]:
        codes = dict(step.codes)
        return (
            step.id,
            step.type,
            f"P{700_001 + family.number}",
            family.case,
            _local(step.incoming),
            _local(step.started) if step.status != "PROPOSED" else "",
            _local(step.completed),
            step.status,
            step.worker,
            _local(step.recorded),
            family.team,
            family.locality,
            family.level,
            "Yes" if family.urgent else "No",
            "Yes" if family.step_down_from else "No",
            family.step_down_from,
            "Early Help",
            *(codes.get(column, "") for column in _STEP_COLUMNS),
            f"{family.born:%d/%m/%Y}",
            *personal,
        )

    def _case_row(self, family: Family, lead: str) -> tuple[object, ...]:
        return (
            family.case,
            family.team,
            family.locality,
            lead,
            family.level,
            str(family.urgent).lower(),
            str(bool(family.step_down_from)).lower(),
            self.mapping.codes["STEP_DOWN_FROM"].get(family.step_down_from, ""),
            "early_help",
            family.born.isoformat(),
        )

    def _event_row(self, family: Family, step: Step, meaning: StepMeaning) -> tuple[str, ...]:
        codes = dict(step.codes)
        detail = dict(meaning.detail)
        for part in meaning.detail_from:
            detail[part.key] = self.mapping.codes[part.header][codes[part.header]]
        if meaning.event == "worker_changed":
            detail["lead"] = step.worker
        occurred = _when(step, meaning)
        return (
            f"{self.mapping.source}:{step.id}:{meaning.event}",
            family.case,
            meaning.event,
            _instant(occurred),
            _instant(step.recorded if step.recorded and meaning.on == "completed_on" else occurred),
            step.id if meaning.ref else "",
            json.dumps(detail) if detail else "",
        )


def _as_seen(step: Step, as_of: date) -> Step | None:
    """Return a step as the case system holds it at the end of a day: what is not recorded yet is not there yet."""
    if step.incoming.date() > as_of or (step.recorded and step.recorded.date() > as_of and step.type in _POINTS):
        return None
    if step.mistyped and as_of < step.mistyped[1]:
        return replace(step, completed=step.mistyped[0])
    if step.completed and step.recorded and step.recorded.date() > as_of:
        status = "STARTED" if step.started.date() <= as_of else "PROPOSED"
        return replace(step, completed=None, status=status, recorded=step.incoming)
    return step


_POINTS = frozenset(
    {
        "Transferred Assessment",
        "Contact Attempt",
        "Contact with Family",
        "Home Visit",
        "Family Seen",
        "Unannounced Visit",
        "Case Transfer",
        "Final Letter",
        "Plan Agreed with Family",
    }
)
"""Steps that are entered when they are done; the others are seen as started before."""


def _when(step: Step, meaning: StepMeaning) -> datetime:
    found = {"incoming_on": step.incoming, "started_on": step.started, "completed_on": step.completed}[meaning.on]
    return found or step.incoming


def _local(moment: datetime | None) -> str:
    return f"{moment:%d/%m/%Y %H:%M}" if moment else ""


@lru_cache(maxsize=10_000)
def _offset(day: date) -> str:
    # Nothing here happens at night, so one offset holds for the whole working day.
    noon = datetime.combine(day, time(12), LONDON).strftime("%z")
    return f"{noon[:3]}:{noon[3:]}"


def _instant(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}{_offset(moment.date())}"
