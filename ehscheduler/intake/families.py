"""Draw invented families and what happens to each: the same draw for the same seed, whatever stands around it."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from math import ceil
from random import Random

LOCALITIES = ("South", "West", "North")
FAMILIES_PER_WORKER = 14


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


def case_ref(number: int) -> str:
    """Return the reference of the nth family's case."""
    return f"G{400_001 + number}"


def worker_id(locality: str, n: int) -> str:
    """Return the staff id of a team's nth case manager."""
    return f"CM-{locality[0]}{n + 1:03}"


def workers_per_team(families: int) -> int:
    """Return how many case managers a team of such a caseload has."""
    return max(3, ceil(families / len(LOCALITIES) / FAMILIES_PER_WORKER))


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
            case=case_ref(number),
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
