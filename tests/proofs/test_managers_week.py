"""What a team's week of messages must be: nothing twice, nothing missing, nothing to whoever is not to have it."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import pytest

from ehscheduler import office
from ehscheduler.core.calendars import LONDON, at_clock, london_day
from ehscheduler.store import Store
from ehscheduler.store.cases import case_refs
from tests.proofs.managers_week import (
    ABSENCES,
    CLOSED,
    DISPUTED,
    FRIDAY,
    HANDED_OVER,
    HELD,
    LEAVER,
    LEFT_ON,
    MONDAY,
    NOTTS,
    RELAXED,
    SMALL,
    Sent,
    Week,
    live_through,
)

END = at_clock(FRIDAY, time(17, 0))
THURSDAY = date(2026, 11, 19)


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Week]:
    folder = tmp_path_factory.mktemp("week")
    store = Store.create(folder / "ehs.db")
    yield live_through(store, folder)
    store.close()


def to(week: Week, person: str, kind: str = "", case: str = "") -> list[Sent]:
    """Return the last week's messages to a person, of a kind and about a case where these are given."""
    return [
        one
        for one in week.last_week()
        if one.to.person_id == person
        and any((not kind or row.kind == kind) and (not case or row.case_ref == case) for row in one.rows)
    ]


def test_the_week_has_something_of_everything(week: Week) -> None:
    kinds = {kind for one in week.last_week() for kind in one.kinds}
    assert kinds >= {"reminder", "due", "overdue", "escalation", "dispute", "handover", "limit", "check", "drift"}
    # Both for the reason that the protocol gives: the wrong rank, and after the date.
    assert [fault.split(":")[0] for fault in week.refused] == ["G400022", "G400019"]


def test_no_two_messages_say_the_same_thing(week: Week) -> None:
    said = Counter((one.to.person_id, row.notice_key) for one in week.sent() for row in one.rows)
    assert [what for what, times in said.items() if times > 1] == []
    # Nor do the words: whatever else two messages share, the days and the matter differ.
    assert [text for text, times in Counter(one.mail.flat for one in week.sent()).items() if times > 1] == []


def test_nobody_hears_twice_in_a_day_of_one_matter_unless_it_has_moved_on(week: Week) -> None:
    """The last step of a dispute alone comes again each working morning, also after it came by night."""
    heard = Counter(
        (one.to.person_id, one.day, row.case_ref, row.milestone, row.kind)
        for one in week.sent()
        for row in one.rows
        if (row.kind, row.stage) != ("dispute", 3)
    )
    assert [what for what, times in heard.items() if times > 1] == []


def test_each_person_hears_at_most_once_of_a_kind_at_one_time(week: Week) -> None:
    """Digest, escalation and dispute are three kinds of message, and a moment brings at most one of each."""
    at_once = Counter((one.to.person_id, one.authority, one.at, one.mail.subject.split(",")[0]) for one in week.sent())
    assert [what for what, times in at_once.items() if times > 1] == []
    per_moment = Counter((one.to.person_id, one.at) for one in week.sent())
    assert max(per_moment.values()) <= 3


def test_nothing_comes_to_whoever_is_away_or_has_left(week: Week) -> None:
    for one in week.last_week():
        directory = week.directory(one.authority, one.day)
        assert one.to.person_id in directory.people, one.mail.subject
        assert one.to.person_id not in directory.absent, one.mail.subject


def test_whoever_covers_is_told_so(week: Week) -> None:
    (mail, *_) = [one.mail for one in to(week, "CM-S003") if one.day >= date(2026, 11, 18)]
    assert "You cover for the case manager, who is away until Friday 20 November 2026." in mail.flat
    (mail, *_) = [one.mail for one in to(week, "SM-W", "dispute")]
    assert "You cover for the Group Manager, Amber Lantern, who is away until Friday 27 November 2026." in mail.flat
    assert ABSENCES[0].cover_id == "CM-S003"


def test_a_leavers_work_comes_to_their_manager_and_says_why(week: Week) -> None:
    assert to(week, LEAVER) == [] or max(one.day for one in to(week, LEAVER)) <= LEFT_ON
    (one,) = [one for one in to(week, "TM-S", "reminder") if "nobody acts as case manager" in one.mail.flat]
    assert "Jade Quarry left on Tuesday 17 November 2026" in one.mail.flat


def test_the_dispute_climbs_once_and_ends_when_it_is_decided(week: Week) -> None:
    climbed = [(one.to.person_id, one.at.astimezone(LONDON)) for one in week.sent() if "dispute" in one.kinds]
    assert [who for who, _ in climbed] == ["TM-S", "SM-S", "SM-W", "SM-W", "SM-W", "SM-W"]
    assert climbed[-1][1].date() == THURSDAY  # recorded as decided at 11:10 that day
    assert not any(row.case_ref == DISPUTED for one in week.sent() if one.day == FRIDAY for row in one.rows)


def test_the_new_owner_gets_one_list_and_the_old_one_nothing_more(week: Week) -> None:
    (listed,) = to(week, "CM-W002", "handover", HANDED_OVER)
    assert "Yours since Monday 16 November 2026." in listed.mail.flat
    after = [one for one in week.last_week() if one.at > listed.at - timedelta(hours=22)]
    to_others = [
        one.to.person_id
        for one in after
        for row in one.rows
        if row.case_ref == HANDED_OVER and row.kind != "escalation" and one.to.person_id != "CM-W002"
    ]
    assert to_others == []


def test_what_is_held_closed_or_relaxed_is_not_chased(week: Week) -> None:
    # The hold is for a step up, and brings duties of its own.
    held = _told_after(week, HELD, datetime(2026, 11, 19, 12, 0, tzinfo=LONDON))
    assert held == ["stepup-family-told", "stepup-liaise"]
    assert _told_after(week, CLOSED, datetime(2026, 11, 18, 15, 0, tzinfo=LONDON)) == []
    plan = [one for one in week.sent() for row in one.rows if row.milestone == "plan" and row.case_ref == RELAXED]
    assert all(one.day <= date(2026, 11, 18) for one in plan)


def _told_after(week: Week, case: str, moment: datetime) -> list[str]:
    later = [row for one in week.sent() if one.at > moment for row in one.rows]
    return sorted(row.rule for row in later if row.case_ref == case)


def test_an_acknowledgement_quiets_its_person_and_says_when_it_has_run_out(week: Week) -> None:
    quiet = [one.day for one in to(week, "TM-N", "overdue", "G400027")]
    assert quiet == [FRIDAY]
    (mail,) = [one.mail for one in to(week, "TM-N", "overdue", "G400027")]
    assert "your acknowledgement has run out" in mail.flat
    assert "Owner: case manager, Jade Bramble." in mail.flat


def test_a_limit_and_a_check_are_told_once(week: Week) -> None:
    (limit,) = to(week, "N-TM", "limit")
    assert "11 families since Tuesday 17 November 2026, and the limit is 10" in limit.mail.flat
    checks = [row.notice_key for one in week.sent() for row in one.rows if row.kind == "check"]
    assert checks
    assert len(checks) == len(set(checks))


@pytest.mark.parametrize("authority", [NOTTS, SMALL])
def test_nothing_needed_is_missing(week: Week, authority: str) -> None:
    """Whatever fell overdue before Friday was told to whoever acts for its owner, or stands in the baseline."""
    told = {
        (row.case_ref, row.milestone)
        for one in week.sent()
        for row in one.rows
        if row.kind in ("overdue", "handover", "baseline", "escalation")
    }
    with week.store.read() as tx:
        rows = sorted(case_refs(tx, authority))
        found = [office.evaluation_of(tx, week.authorities[authority], ref, END) for ref in rows]
    late = [
        (m.case, m.key, m.due_on)
        for each in found
        for m in each.milestones
        if m.state == "overdue" and m.due_at is not None and MONDAY <= london_day(m.due_at) < FRIDAY
    ]
    assert late
    assert [one for one in late if one[:2] not in told] == []
