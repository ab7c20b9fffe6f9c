"""When a staff feed is believed: without many of the people, or without any leave, it is the feed that broke."""

from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

from ehscheduler.core.people import Person
from ehscheduler.errors import InputRefused
from ehscheduler.intake.guard import Intake
from ehscheduler.store.people import absences_of, people_of
from ehscheduler.store.tx import Tx

LOST_PERCENT = 20
"""Without more than this share of the people who work here now a staff feed is refused."""
ONE_LEAVER = 1
"""So many may always leave at once, whatever share of all they are."""


def refuse_broken(
    tx: Tx,
    authority: str,
    intake: Intake,
    *,
    files: Mapping[str, Path | None],
    on: date,
    leavers: int,
    nobody_away: bool,
) -> None:
    """Refuse what is not to be believed of the staff files that were given; raise InputRefused with every reason.

    `files` are those that were given, by kind; `leavers` says that so many leave, `nobody_away` that no leave stands.
    """
    people, absences, faults = files["people"], files["absences"], []
    if people:
        faults += _lost(people.name, people_of(tx, authority), intake, on=on, leavers=leavers)
    if absences and not (intake.absences or nobody_away):
        ahead = sum(one.away_to >= on for one in absences_of(tx, authority))
        faults += [_ended(absences.name, ahead)] if ahead else []
    if faults:
        raise InputRefused(faults)


def _lost(name: str, known: Collection[Person], intake: Intake, *, on: date, leavers: int) -> list[str]:
    if not intake.people:
        text = "names nobody; nothing was taken in, and what was there before stays: give the whole staff feed"
        return [f"{name}: {text}"]
    here, told = _staying(known, on), _staying(intake.people, on) | intake.unread_people
    lost = len(here - told)
    if lost <= max(ONE_LEAVER, leavers) or lost * 100 <= len(here) * LOST_PERCENT:
        return []
    text = (
        f"{lost} of the {len(here)} people are not in this file, or have left by it: more than {LOST_PERCENT}%; "
        "nothing was taken in, and what was there before stays: give the whole staff feed, or, if so many do leave, "
        f"say so with --leavers {lost}"
    )
    return [f"{name}: {text}"]


def _staying(people: Collection[Person], on: date) -> set[str]:
    """Return the ids of those who work here on a day, or will."""
    return {one.person_id for one in people if one.valid_to is None or one.valid_to >= on}


def _ended(name: str, ahead: int) -> str:
    stands = "1 absence stands that is" if ahead == 1 else f"{ahead} absences stand that are"
    return (
        f"{name}: has no row, and {stands} in force or ahead; nothing was taken in, and what was there before stays: "
        "give the whole list, or, if nobody is away, say so with --nobody-away"
    )
