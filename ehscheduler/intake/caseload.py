"""Make an invented caseload: families of an Early Help service as a workflow-step extract, for demo, tests and figures.

The same seed gives the same families, to the byte. Every personal value is plainly invented and carries a canary, a
text that stands nowhere else, so that a leak can be proved. `as_of` shows the extract as it would have stood on that
day: a later one of the same caseload holds more steps, and corrects a few.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from ehscheduler.core.calendars import LONDON
from ehscheduler.core.vocabulary import EVENTS, FACTS
from ehscheduler.intake.families import (
    LOCALITIES,
    Family,
    Step,
    case_ref,
    each_family,
    worker_id,
    workers_per_team,
)
from ehscheduler.intake.mapping import StepMapping, StepMeaning, mapping_of

PERSONAL = ("family_name", "child_name", "address", "school", "telephone")
OWN_WORDS = frozenset({"final_letter_sent", "return_interview_requested", "return_interview_allocated"})

MAPPING = files("ehscheduler.intake").joinpath("caseload_mapping.toml").read_text(encoding="utf-8")
"""The mapping file of an invented extract, with a comment at each table: a pattern for a council's own."""

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
    return (canary(seed, case_ref(n), name) for n in range(families) for name in PERSONAL)


def _open(path: Path) -> Any:
    return path.open("w", encoding="utf-8", newline="")


def _write_rows(path: Path, rows: Sequence[Sequence[str]]) -> None:
    with _open(path) as file:
        csv.writer(file).writerows(rows)


# ---- people


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
