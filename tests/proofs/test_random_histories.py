"""Random histories with leavers, absences, late records and broken turns: who hears, in which order, and who never.

The short form runs with every test; the long one, a thousand histories over three stretches of days, with the proof.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest

from ehscheduler.core.calendars import LONDON, Span, london_day
from ehscheduler.core.evaluate import evaluate
from ehscheduler.core.events import Case
from ehscheduler.store.outbox import OutboxRow
from tests.daemon.house import House
from tests.proofs.histories import AUTUMN, CHRISTMAS, SPRING, History, Maker, Stretch, live_through, move_in

STRETCHES = {"spring": SPRING, "autumn": AUTUMN, "Christmas": CHRISTMAS}
FEW, MANY = 8, 334
DUTY = "team:*"
FINAL = ("handed_over", "dropped", "refused", "dead")


class Lived:
    """What came of the histories of one stretch."""

    def __init__(self, house: House, stretch: Stretch, seed: int, count: int) -> None:
        self.house = house
        self.histories = {one.ref: one for one in Maker(seed, stretch).histories(count)}
        move_in(house, list(self.histories.values()), stretch)
        live_through(house, list(self.histories.values()), stretch, seed)
        self.rows = house.rows

    def heard(self) -> Iterator[tuple[OutboxRow, History, datetime]]:
        for row in self.rows:
            if row.state == "handed_over":
                assert row.sent_at is not None
                yield row, self.histories[row.case_ref], row.sent_at


def check(lived: Lived) -> None:
    """Hold all that was told against plain look-ups."""
    assert sum(1 for _ in lived.heard()) > 5 * len(lived.histories)
    _nobody_hears_who_is_not_here(lived)
    _nobody_hears_of_anothers_family(lived)
    _nobody_hears_of_what_is_over(lived)
    _nobody_hears_the_same_twice(lived)
    _no_rung_comes_before_the_one_below(lived)
    _nothing_is_left_lying(lived)


def _nobody_hears_who_is_not_here(lived: Lived) -> None:
    for row, history, sent in lived.heard():
        if row.recipient != DUTY:
            person = row.recipient.removeprefix("person:")
            assert history.here(person, london_day(sent)), f"{row.notice_key} to {person} on {london_day(sent)}"


def _nobody_hears_of_anothers_family(lived: Lived) -> None:
    """Only the case's own people hear; a worker who no longer leads it hears nothing, unless they cover somebody."""
    for row, history, sent in lived.heard():
        person, day = row.recipient.removeprefix("person:"), london_day(sent)
        covers = {one.cover_id for one in history.absences if one.away_from <= day <= one.away_to}
        if person in covers or row.recipient == DUTY:
            continue
        assert person in history.circle(day), f"{row.notice_key} to {person}"
        n = person[1:]
        other = {f"w{n}": f"v{n}", f"v{n}": f"w{n}"}.get(person)
        assert other is None or history.lead_at(sent) != other, f"{row.notice_key} to {person}, who does not lead it"


def _nobody_hears_of_what_is_over(lived: Lived) -> None:
    authority = lived.house.authority
    for row, history, sent in lived.heard():
        n = int(row.case_ref[1:])
        case = Case(row.case_ref, {"lead": f"w{n}", "team": f"T{n}"})
        found = evaluate(authority.policy, authority.calendar, case, history.events, sent)
        milestone = next((m for m in found.milestones if m.key == row.milestone), None)
        assert milestone is not None, row.notice_key
        assert milestone.open, f"{row.notice_key} at {sent}: {milestone.state}"
        assert milestone.state != "on_hold", f"{row.notice_key} at {sent}"
        if row.kind in ("overdue", "escalation"):
            assert milestone.state == "overdue", f"{row.notice_key} at {sent}: {milestone.state}"


def _nobody_hears_the_same_twice(lived: Lived) -> None:
    said = [(row.notice_key, row.recipient) for row, _, _ in lived.heard()]
    assert len(said) == len(set(said))


def _no_rung_comes_before_the_one_below(lived: Lived) -> None:
    """The one below has heard, or never will, and the time that is theirs has run; a dispute's own clock is its own."""
    calendar = lived.house.authority.calendar
    rungs: dict[tuple[str, str, str], dict[int, list[OutboxRow]]] = {}
    for row in lived.rows:
        if row.kind in ("overdue", "escalation"):
            place = (row.case_ref, row.milestone, row.notice_key.split("|")[3])
            rungs.setdefault(place, {}).setdefault(row.stage or 0, []).append(row)
    checked = 0
    for place, stages in rungs.items():
        for stage, rows in stages.items():
            firsts = [row.sent_at for row in rows if row.sent_at and row.state == "handed_over"]
            below = stages.get(stage - 1)
            if stage == 0 or not firsts or below is None:
                continue
            assert all(row.state in FINAL for row in below), place
            first = min(firsts)
            heard = [
                row.sent_at for row in below if row.state == "handed_over" and row.sent_at and row.sent_at <= first
            ]
            if heard:
                may = _day_on_which_it_may(calendar, place[1], stage, min(heard))
                assert may <= london_day(first), (place, stage)
                checked += 1
            else:
                # Nobody below heard before: they are quiet because they know of it, or it came to nothing.
                history = lived.histories[place[0]]
                knew = [row for row in below if _knows(history, row, place[1], first)]
                assert knew or all(row.state != "handed_over" for row in below), place
    assert checked > len(lived.histories) // 2


def _knows(history: History, row: OutboxRow, milestone: str, moment: datetime) -> bool:
    """Tell whether a recipient had acknowledged a milestone before a moment."""
    said = [e for e in history.events if e.word == "acknowledged" and e.ref == milestone and e.recorded <= moment]
    return any(f"person:{e.detail['person']}" == row.recipient for e in said)


def _day_on_which_it_may(calendar: object, milestone: str, stage: int, heard: datetime) -> date:
    """Return the first day on which a rung may be told, by the plain reading of the ladder: visit 1 then 2 days on."""
    later = getattr(calendar, "later")  # noqa: B009 - the calendar is asked as any caller would
    if milestone == "visit":
        return later(london_day(heard), Span(1 if stage == 1 else 2, "working day"))
    return later(london_day(heard), Span(1, "working day")) if stage > 1 else london_day(heard)


def _nothing_is_left_lying(lived: Lived) -> None:
    """What could be told was told: after the last turn only what waits for a later morning waits."""
    end = lived.house.now
    late = [
        row for row in lived.rows if row.state in ("waiting", "claimed") and row.send_after < end - timedelta(hours=12)
    ]
    assert late == []
    assert lived.house.alarms("case fault") == []


@pytest.mark.parametrize("stretch", STRETCHES)
def test_a_few_histories_keep_order_and_reach_only_who_is_here(house: House, stretch: str) -> None:
    check(Lived(house, STRETCHES[stretch], seed=5, count=FEW))


@pytest.mark.campaign
@pytest.mark.parametrize("stretch", STRETCHES)
def test_a_thousand_histories_keep_order_and_reach_only_who_is_here(house: House, stretch: str) -> None:
    check(Lived(house, STRETCHES[stretch], seed=11, count=MANY))


def test_the_clock_changes_and_holidays_lie_in_the_stretches() -> None:
    offsets = [
        {datetime(d.year, d.month, d.day, 12, tzinfo=LONDON).utcoffset() for d in (s.first, s.last)}
        for s in (SPRING, AUTUMN)
    ]
    assert [len(one) for one in offsets] == [2, 2]
    assert CHRISTMAS.first < date(2026, 12, 25) < CHRISTMAS.last
