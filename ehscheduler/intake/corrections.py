"""Compare what an extract says now with what was recorded from it before.

An event that is unchanged is left alone; one that says something else is retracted and recorded anew; one whose step
no longer counts is retracted. Ids follow from the content, so the same comparison gives the same pair. An event that
a person retracted by hand stays retracted until the source says something new.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256

from ehscheduler.core.calendars import london_day
from ehscheduler.core.events import Event
from ehscheduler.intake.mapping import StepMapping
from ehscheduler.intake.steps import CORRECTED, StepScan, content

RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Correction:
    """A recorded event that its source has changed: its retraction and, unless it was withdrawn, its successor."""

    old: Event
    retraction: Event
    anew: Event | None

    @property
    def events(self) -> tuple[Event, ...]:
        return (self.retraction, self.anew) if self.anew else (self.retraction,)


@dataclass(slots=True)
class Comparison:
    """What an extract adds to the record."""

    fresh: list[Event] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    unchanged: int = 0
    kept_retracted: int = 0
    missing: int = 0
    live: int = 0
    """How many recorded events stood before."""
    strange: int = 0
    """Recorded events whose step stands under a type or a status that has no meaning now: they stay."""

    @property
    def changed(self) -> int:
        return sum(one.anew is not None for one in self.corrections)


@dataclass(slots=True)
class _Story:
    """All that was recorded under one natural id."""

    live: Event | None = None
    retired: list[Event] = field(default_factory=list)
    by_hand: set[str] = field(default_factory=set)


def natural_id(id_: str) -> str:
    """Return the part of an event's id that stays when the event is corrected."""
    return id_.split(CORRECTED, 1)[0]


def compare(
    scan: StepScan,
    mapping: StepMapping,
    recorded: Iterable[Event],
    now: datetime,
    *,
    known_open: Collection[str] = (),
) -> Comparison:
    """Compare a scan with every event recorded from its source and every retraction of one.

    From a snapshot an open case may be gone as a whole; a closed one has only left what the source still shows.
    """
    stories = _stories(recorded, mapping.source)
    found = Comparison(live=sum(story.live is not None for story in stories.values()))
    told = {event.id for event in scan.events}
    for event in scan.events:
        _compare_one(event, stories.get(event.id, _Story()), found, now)
    cases = {case.ref for case in scan.cases} | (set(known_open) if mapping.snapshot else set())
    for natural, story in stories.items():
        if story.live and natural not in told:
            _gone(story.live, scan, mapping, cases, found, now)
    return found


def _stories(recorded: Iterable[Event], source: str) -> dict[str, _Story]:
    events = list(recorded)
    retractions = {str(e.detail.get("event")): e.id for e in events if e.word == RETRACTED}
    stories: dict[str, _Story] = {}
    for event in events:
        if event.word == RETRACTED or not event.id.startswith(f"{source}:"):
            continue
        story = stories.setdefault(natural_id(event.id), _Story())
        if event.id not in retractions:
            story.live = event
            continue
        story.retired.append(event)
        if retractions[event.id] != _retraction_id(event):
            story.by_hand.add(content(event))
    return stories


def _compare_one(event: Event, story: _Story, found: Comparison, now: datetime) -> None:
    said = content(event)
    if story.live and content(story.live) == said:
        found.unchanged += 1
    elif story.live:
        retired = [*story.retired, story.live]
        found.corrections.append(Correction(story.live, _retract(story.live, now), _anew(event, retired, now)))
    elif said in story.by_hand:
        found.kept_retracted += 1
    elif story.retired:
        found.fresh.append(_anew(event, story.retired, now))
    else:
        found.fresh.append(event)


def _gone(
    event: Event, scan: StepScan, mapping: StepMapping, cases: set[str], found: Comparison, now: datetime
) -> None:
    """Retract an event whose step is here and no longer counts; a step that is not here is counted, at least."""
    step = event.id[len(mapping.source) + 1 :].rsplit(":", 1)[0]
    if mapping.case == "person_id":
        step = step.rsplit("@", 1)[0]
    if step in scan.bad_steps:
        return
    if step in scan.strange_steps:
        found.strange += 1
        return
    if step not in scan.steps:
        if event.case not in cases:
            return
        found.missing += 1
        if not mapping.retract_missing:
            return
    found.corrections.append(Correction(event, _retract(event, now), None))


def _retraction_id(event: Event) -> str:
    return f"{event.id}{CORRECTED}{RETRACTED}"


def _retract(event: Event, now: datetime) -> Event:
    detail = {"event": event.id}
    return Event(_retraction_id(event), event.case, RETRACTED, now, False, london_day(now), now, None, detail)


def _anew(event: Event, retired: Iterable[Event], now: datetime) -> Event:
    """Give an event the id that follows from all it replaces.

    It was not known before now, unless the source itself says when it was entered anew.
    """
    before = list(retired)
    parts = [*sorted(old.id for old in before), content(event)]
    suffix = sha256("\x1e".join(parts).encode()).hexdigest()[:12]
    said = event.recorded != event.moment and max(old.recorded for old in before) < event.recorded <= now
    entered = event.recorded if said else now
    return replace(event, id=f"{natural_id(event.id)}{CORRECTED}{suffix}", recorded=entered)
