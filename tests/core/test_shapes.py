"""The shapes beside standard and rhythm: checks, meetings, counts, words for running over, routes, workload."""

import gc
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import pytest

from ehscheduler.core.actions import actions, check_actions, meeting_actions
from ehscheduler.core.calendars import Calendar, london_day
from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case, Child, Event, read_moment
from ehscheduler.core.explain import why
from ehscheduler.core.history import History
from ehscheduler.core.meetings import lost_sittings
from ehscheduler.core.policy import Policy
from ehscheduler.core.reading import read_policy
from ehscheduler.core.routes import team_for
from ehscheduler.core.workload import crossings
from ehscheduler.errors import PolicyRefused
from ehscheduler.policy_files import calendar_for

HEAD = """
[policy]
authority = "testshire"
document = "A protocol for tests"
edition = "1"
nation = "england"
in_force = 2015-01-01
[roles]
worker = ["lead"]
manager = "Manager"
director = "Director"
[event.requested]
[event.presented]
[event.seen]
[event.told]
[event.planned]
"""


def policy_of(rules: str) -> Policy:
    return read_policy(HEAD + rules, "test.toml")


def event(line: str) -> Event:
    import json

    when, word, *rest = line.split(" ", 2)
    moment, dated, day = read_moment(when)
    tail = rest[0] if rest else ""
    ref = None
    if tail.startswith("#"):
        ref, _, tail = tail[1:].partition(" ")
    return Event(line, "C1", word, moment, dated, day, moment, ref, json.loads(tail) if tail else {})


def instant(text: str) -> datetime:
    return read_moment(text if "T" in text else f"{text}T23:59:59")[0]


def run(rules: str | Policy, lines: list[str], at: str, **facts: Any) -> Evaluation:
    policy = policy_of(rules) if isinstance(rules, str) else rules
    return evaluate(policy, calendar_for(policy), Case("C1", facts), [event(line) for line in lines], instant(at))


def stands(found: Evaluation) -> dict[str, tuple[str | None, str]]:
    return {m.key: (m.due_on.isoformat() if m.due_on else None, m.state) for m in found.milestones}


PANEL = """
[meeting.panel]
title = "Hub panel"
clause = "5.2"
on = "every Tuesday"
{more}
[standard.take]
title = "Taken to the panel"
clause = "5.2"
due = "next panel after each requested"
met_by = "presented"
owner = "worker"
"""


@pytest.mark.parametrize(
    ("more", "asked", "due"),
    [
        ("", "2026-03-02", "2026-03-03"),
        ("", "2026-03-03", "2026-03-10"),
        ("", "2026-03-03T08:00", "2026-03-10"),
        ('cut_off = "12:00"', "2026-03-03T11:59:59", "2026-03-03"),
        ('cut_off = "12:00"', "2026-03-03T12:00:00", "2026-03-10"),
        ('cut_off = "12:00"', "2026-03-03", "2026-03-10"),
        ('cut_off = "2 working days before"', "2026-02-27", "2026-03-03"),
        ('cut_off = "2 working days before"', "2026-03-02", "2026-03-10"),
    ],
)
def test_a_matter_goes_to_the_first_sitting_that_it_is_in_time_for(more: str, asked: str, due: str) -> None:
    found = run(
        PANEL.format(more=more), [f"{asked} requested #R1"], "2026-03-02" if asked < "2026-03-02T" else "2026-03-03"
    )
    assert stands(found)["take/R1"][0] == due


@pytest.mark.parametrize(
    ("way", "due"), [("ask", "2026-05-12"), ("skip", "2026-05-12"), ("next working day", "2026-05-05")]
)
def test_a_sitting_on_a_bank_holiday(way: str, due: str) -> None:
    monday = PANEL.replace("every Tuesday", "every Monday").format(more=f'bank_holiday = "{way}"')
    # 4 May 2026 is the early May bank holiday, a Monday; the next Monday is the 11th.
    wanted = "2026-05-11" if due == "2026-05-12" else due
    assert stands(run(monday, ["2026-05-01 requested #R1"], "2026-05-01"))["take/R1"][0] == wanted


@pytest.mark.parametrize(
    ("on", "asked", "due"),
    [
        ("first Thursday of the month", "2026-03-05", "2026-04-02"),
        ("first Thursday of the month", "2026-03-04", "2026-03-05"),
        ("second Tuesday of the month", "2026-03-10", "2026-04-14"),
        ("third Monday of the month", "2026-03-15", "2026-03-16"),
        ("fourth Friday of the month", "2026-05-01", "2026-05-22"),
        ("last Friday of the month", "2026-05-01", "2026-05-29"),
        ("last Wednesday of the month", "2026-02-25", "2026-03-25"),
        # 1 January 2027 is a Friday and a bank holiday; nobody has said that it sits.
        ("first Friday of the month", "2026-12-04", "2027-02-05"),
    ],
)
def test_a_meeting_may_sit_once_a_month(on: str, asked: str, due: str) -> None:
    monthly = PANEL.replace("every Tuesday", on).format(more="")
    assert stands(run(monthly, [f"{asked} requested #R1"], asked))["take/R1"][0] == due


def test_of_a_monthly_meeting_only_its_own_days_can_be_lost_or_moved() -> None:
    policy = policy_of(PANEL.replace("every Tuesday", "first Monday of the month").format(more=""))
    panel, plain = policy.meetings["panel"], calendar_for(policy)
    # 6 April and 4 May 2026 are its days and bank holidays; 25 May is a bank holiday, too, and not its day.
    assert lost_sittings(panel, plain, date(2026, 4, 1), date(2026, 7, 1)) == [date(2026, 4, 6), date(2026, 5, 4)]
    moves = {"panel": {date(2026, 5, 4): date(2026, 5, 7), date(2026, 5, 11): date(2026, 5, 12)}}
    calendar = Calendar("england", plain.days_off, first_year=2020, last_year=2030, proclaimed_to=2028, sittings=moves)
    found = evaluate(policy, calendar, Case("C1"), [event("2026-05-01 requested #R1")], instant("2026-05-01"))
    assert found.milestones[0].due_on == date(2026, 5, 7)
    found = evaluate(policy, calendar, Case("C1"), [event("2026-05-08 requested #R1")], instant("2026-05-08"))
    assert found.milestones[0].due_on == date(2026, 6, 1)


@pytest.mark.parametrize("on", ["every Sunday", "fifth Monday of the month", "first Monday", "monthly", "1st Monday"])
def test_a_day_on_which_no_meeting_can_sit_is_refused_with_what_can_be_said(on: str) -> None:
    with pytest.raises(PolicyRefused, match="'every Tuesday' or 'first Tuesday of the month'"):
        policy_of(PANEL.replace("every Tuesday", on).format(more=""))


def test_a_moved_sitting_and_a_cancelled_one_are_honoured() -> None:
    policy = policy_of(PANEL.format(more=""))
    plain = calendar_for(policy)
    moves = {"panel": {date(2026, 3, 3): date(2026, 3, 5), date(2026, 3, 10): None}}
    calendar = Calendar("england", plain.days_off, first_year=2020, last_year=2030, proclaimed_to=2028, sittings=moves)
    for asked, due in (("2026-03-02", date(2026, 3, 5)), ("2026-03-06", date(2026, 3, 17))):
        found = evaluate(policy, calendar, Case("C1"), [event(f"{asked} requested #R1")], instant("2026-03-06"))
        assert found.milestones[0].due_on == due
    assert lost_sittings(policy.meetings["panel"], plain, date(2026, 12, 21), date(2027, 1, 4)) == []


CHECK = """
[check.talk]
title = "Risk talked through before the visit"
clause = "6"
at = "home_visit"
needs = "told"
owner = "manager"
{more}
"""


@pytest.mark.parametrize(
    ("more", "lines", "fails"),
    [
        ("", ["2026-03-02 home_visit"], True),
        ("", ["2026-03-01 told", "2026-03-02 home_visit"], False),
        ("", ["2026-03-02 told", "2026-03-02 home_visit"], False),
        ("", ["2026-03-02T11:00 told", "2026-03-02T10:00 home_visit"], True),
        ('since = "planned"', ["2026-02-01 told", "2026-02-10 planned", "2026-03-02 home_visit"], True),
        ('since = "planned"', ["2026-02-10 planned", "2026-02-11 told", "2026-03-02 home_visit"], False),
        ('since = "1 week"', ["2026-02-22 told", "2026-03-02 home_visit"], True),
        ('since = "1 week"', ["2026-02-23 told", "2026-03-02 home_visit"], False),
        ("where = { level = 4 }", ["2026-03-02 home_visit"], False),
        (
            'not_before = "5 working days after planned"',
            ["2026-02-23 planned", "2026-02-24 told", "2026-03-02 home_visit"],
            True,
        ),
        (
            'not_before = "5 working days after planned"',
            ["2026-02-23 planned", "2026-02-24 told", "2026-03-03 home_visit"],
            False,
        ),
    ],
)
def test_a_check_fails_only_where_what_it_needs_is_missing(more: str, lines: list[str], fails: bool) -> None:
    found = run(CHECK.format(more=more), lines, "2026-03-04", level=3)
    assert bool(found.findings) is fails
    assert bool(found.warnings) is fails
    told = list(check_actions(found.findings))
    assert [(a.kind, a.to_roles) for a in told] == ([("check", ("manager",))] if fails else [])


def test_a_word_for_running_over_happens_at_the_first_instant_after_the_limit() -> None:
    rules = """
    [standard.plan]
    title = "Plan"
    clause = "1"
    due = "5 working days after allocation"
    met_by = "planned"
    owner = "worker"
    [event.stalled]
    any = ["told", "plan overdue"]
    [standard.drift]
    title = "Looked at by the manager"
    clause = "2"
    due = "2 working days after each stalled"
    met_by = "presented"
    owner = "manager"
    """
    on_the_day = run(rules, ["2026-03-02 allocation"], "2026-03-09")
    assert stands(on_the_day) == {"plan": ("2026-03-09", "due")}
    after = run(rules, ["2026-03-02 allocation"], "2026-03-10")
    # Over from 00:00 on Tuesday 10 March: two working days on is Thursday 12 March.
    assert stands(after)["drift/plan"] == ("2026-03-12", "upcoming")
    policy = policy_of(rules)
    kinds = {
        a.kind
        for a in actions(
            policy, calendar_for(policy), after.milestones, since=instant("2026-03-11"), until=instant("2026-03-13")
        )
        if a.rule == "drift"
    }
    assert kinds == {"drift", "overdue"}
    met = run(rules, ["2026-03-02 allocation", "2026-03-06 planned"], "2026-03-20")
    assert list(stands(met)) == ["plan"]


def test_a_ring_of_rules_is_refused() -> None:
    rules = """
    [standard.one]
    title = "One"
    clause = "1"
    due = "1 day after two overdue"
    met_by = "told"
    owner = "worker"
    [standard.two]
    title = "Two"
    clause = "2"
    due = "1 day after one overdue"
    met_by = "told"
    owner = "worker"
    """
    with pytest.raises(PolicyRefused, match="by way of itself"):
        policy_of(rules)


RHYTHM = """
[rhythm.contact]
title = "Contact"
clause = "9"
met_by = "seen"
owner = "worker"
phases = [
  { name = "first", every = "2 times a week", from = "allocation" },
  { name = "then", every = "2 weeks", from = "2 weeks after allocation" },
]
"""


def test_so_many_times_a_week_is_counted_in_blocks_of_seven_days() -> None:
    lines = ["2026-03-02 allocation", "2026-03-03 seen", "2026-03-08 seen", "2026-03-12 seen"]
    found = run(RHYTHM, lines, "2026-03-15")
    # Blocks: 2 to 8 March, met by the second time on the 8th; 9 to 15 March, seen once.
    assert stands(found) == {"contact/1": ("2026-03-08", "met"), "contact/2": ("2026-03-15", "due")}
    later = run(RHYTHM, lines, "2026-03-16")
    assert stands(later)["contact/2"] == ("2026-03-15", "overdue")
    # The next phase began on the 16th and counts from the last time before it, the 12th.
    assert stands(later)["contact/3"] == ("2026-03-26", "upcoming")


def test_a_family_never_met_is_not_given_longer_than_one_that_was() -> None:
    # The next phase begins on Monday 16 March; two weeks from before it would have run, so it is that day for both.
    for lines in (["2026-03-02 allocation"], ["2026-03-02 allocation", "2026-03-02T15:00 seen"]):
        assert stands(run(RHYTHM, lines, "2026-03-16"))["contact/3"] == ("2026-03-16", "due")


def test_a_rhythm_that_has_ended_begins_no_later_phase() -> None:
    ended = RHYTHM.replace('met_by = "seen"', 'met_by = "seen"\nunless = "told"')
    lines = ["2026-03-02 allocation", "2026-03-10 told"]
    found = stands(run(ended, lines, "2026-03-30"))
    assert found == {"contact/1": ("2026-03-08", "cancelled"), "contact/2": ("2026-03-15", "cancelled")}
    went_on = stands(run(ended, [lines[0], "2026-03-18 told"], "2026-03-30"))
    assert went_on["contact/3"] == ("2026-03-16", "cancelled")


def test_every_third_event_wants_its_evidence_by_the_third() -> None:
    rules = """
    [rhythm.voice]
    title = "The child's voice"
    clause = "V"
    every = "3rd seen"
    from = "allocation"
    met_by = "voice_recorded"
    per = "child"
    owner = "worker"
    """
    seen = ["2026-03-02 allocation", "2026-03-03 seen", "2026-03-04 seen", "2026-03-05 seen"]
    children = (Child("A", None), Child("B", None))
    assert stands(run(rules, seen[:2], "2026-03-03", children=children))["voice/A/1"] == (None, "upcoming")
    assert stands(run(rules, seen[:3], "2026-03-04", children=children))["voice/A/1"] == (None, "due")
    lines = [*seen, '2026-03-04 voice_recorded {"child": "A"}']
    found = stands(run(rules, lines, "2026-03-06", children=children))
    assert found["voice/A/1"] == ("2026-03-05", "met")
    assert found["voice/B/1"] == ("2026-03-05", "overdue")


def test_a_ladder_for_overdue_work_is_climbed_from_the_first_instant_after_the_limit() -> None:
    rules = """
    [standard.plan]
    title = "Plan"
    clause = "1"
    due = "5 working days after allocation"
    met_by = "planned"
    owner = "worker"
    escalate = "up"
    [ladder.up]
    title = "Overdue work"
    clause = "2"
    steps = [
      { who = ["manager"], due = "2 working days after step_reached" },
      { who = ["director"], due = "1 week after step_reached" },
    ]
    """
    policy = policy_of(rules)
    found = run(policy, ["2026-03-02 allocation"], "2026-03-02")
    told = actions(
        policy, calendar_for(policy), found.milestones, since=instant("2026-03-09"), until=instant("2026-03-31")
    )
    climbed = [(london_day(a.at).isoformat(), a.stage, a.to_roles) for a in told if a.kind == "escalation"]
    # Over from Tuesday 10 March; the manager has until the end of Thursday 12 March.
    assert climbed == [("2026-03-10", 1, ("manager",)), ("2026-03-13", 2, ("director",))]


FROM_THE_LIMIT = """
[standard.plan]
title = "Plan"
clause = "1"
due = "10 days after allocation"
met_by = "planned"
owner = "worker"
escalate = "up"
[ladder.up]
title = "Overdue work"
clause = "2"
steps = [
  { who = ["worker"], due = "2 working days after limit" },
  { who = ["manager"], due = "7 working days after limit" },
  { who = ["director"], due = "no set time after step_reached" },
]
"""


@pytest.mark.parametrize(
    ("allocated", "overdue", "manager", "director"),
    [
        ("2026-02-27", "2026-03-10", "2026-03-12", "2026-03-19"),  # the limit is Monday 9 March
        ("2026-03-02", "2026-03-13", "2026-03-17", "2026-03-24"),  # Thursday 12 March
        ("2026-03-03", "2026-03-16", "2026-03-18", "2026-03-25"),  # Friday 13 March
        ("2026-03-04", "2026-03-16", "2026-03-18", "2026-03-25"),  # Saturday 14 March
        ("2026-03-05", "2026-03-16", "2026-03-18", "2026-03-25"),  # Sunday 15 March
        ("2026-03-23", "2026-04-07", "2026-04-09", "2026-04-16"),  # Thursday 2 April, before Easter
    ],
)
def test_a_ladder_may_count_from_the_day_of_the_limit(
    allocated: str, overdue: str, manager: str, director: str
) -> None:
    policy = policy_of(FROM_THE_LIMIT)
    found = run(policy, [f"{allocated} allocation"], allocated)
    told = actions(
        policy, calendar_for(policy), found.milestones, since=instant(allocated), until=instant("2026-05-30")
    )
    said = [(a.at.date().isoformat(), a.kind, a.stage, a.to_roles) for a in told if a.kind in ("overdue", "escalation")]
    assert said == [
        (overdue, "overdue", None, ("worker",)),
        (manager, "escalation", 2, ("manager",)),
        (director, "escalation", 3, ("director",)),
    ]


def test_a_dispute_counts_from_no_limit() -> None:
    rules = FROM_THE_LIMIT.replace("escalate", "decided_by").replace("after allocation", "after each requested")
    with pytest.raises(PolicyRefused, match="step 1 of its ladder up counts from the limit; in a dispute count from"):
        policy_of(rules)


@pytest.mark.parametrize(
    ("escalated", "director"),
    [
        # Five days from Monday the 2nd end on the 9th; up on Tuesday the 10th, and five days more end on the 17th.
        ("", "2026-03-18"),
        ("2026-03-10 dispute_escalated #D", "2026-03-18"),  # the day on which it went up by itself, written down
        ("2026-03-10T09:00 dispute_escalated #D", "2026-03-10"),  # after it, by the clock: one step more
        ("2026-03-11 dispute_escalated #D", "2026-03-11"),
        ("2026-03-06 dispute_escalated #D", "2026-03-14"),  # sooner, and its five days from then
    ],
)
def test_an_escalation_on_the_day_on_which_a_dispute_goes_up_by_itself_is_no_second_one(
    escalated: str, director: str
) -> None:
    rules = """
    [standard.settled]
    title = "Settled"
    clause = "1"
    due = "5 working days after each dispute_raised"
    met_by = "dispute_resolved"
    owner = "worker"
    decided_by = "who"
    [ladder.who]
    title = "Who settles it"
    clause = "1"
    steps = [
      { who = ["worker"], due = "5 working days after dispute_raised" },
      { who = ["manager"], due = "5 working days after step_reached" },
      { who = ["director"], due = "no set time after step_reached", final = true },
    ]
    """
    lines = ["2026-03-02 dispute_raised #D", *filter(None, [escalated])]
    rungs = run(rules, lines, "2026-03-31").milestones[0].rungs
    assert [(rung.stage, london_day(rung.reached_at).isoformat()) for rung in rungs][-1] == (3, director)


def test_a_route_leads_to_the_team_that_stepped_the_case_down() -> None:
    rules = """
    [route.last]
    title = "Back to the last team"
    clause = "4.4"
    at = "told"
    rows = [
      { where = { happened = { planned = "within 3 months" } }, to = "team of latest planned" },
      { to = "Duty" },
    ]
    """
    policy = policy_of(rules)
    for stepped, team in (("2026-03-02", "North"), ("2025-11-01", "Duty")):
        lines = [event(f'{stepped} planned {{"team": "North"}}'), event("2026-05-20 told")]
        history = History(policy, calendar_for(policy), Case("C1"), lines, instant("2026-05-20"), date(2026, 5, 20))
        assert team_for(policy.routes["last"], history, lines[1]) == team


def test_a_limit_is_crossed_once_by_the_case_that_goes_over_it() -> None:
    rules = """
    [limit.caseload]
    title = "Caseload"
    clause = "25"
    who = "worker"
    at_most = { families = 2, children = 5 }
    pro_rata = true
    tell = ["manager"]
    """
    policy = policy_of(rules)
    held = []
    for n, children in enumerate((2, 2, 2), 1):
        born = tuple(Child(f"{n}{k}", None) for k in range(children))
        found = evaluate(
            policy,
            calendar_for(policy),
            Case(f"C{n}", {"lead": "p1", "children": born}),
            [event(f"2026-03-0{n} allocation")],
            instant("2026-03-09"),
        )
        held += found.holdings
    over = crossings(policy, held, {"p1": ("worker",)})
    assert [(c.kind, c.case, c.count) for c in over] == [("children", "C3", 6), ("families", "C3", 3)]
    half = crossings(policy, held, {"p1": ("worker",)}, {"p1": 0.5})
    assert [(c.kind, c.case, c.most) for c in half if c.kind == "families"] == [("families", "C2", 1)]
    assert crossings(policy, held, {"p1": ("somebody else",)}) == []


OPEN = """
[reading.how-long]
clauses = ["3"]
asks = "How soon?"
{answer}
[standard.plan]
title = "Plan"
clause = "3"
due = "reading how-long after allocation"
met_by = "planned"
owner = "worker"
reading = "how-long"
"""


def test_a_rule_that_waits_for_the_councils_answer_is_not_applied_until_there_is_one() -> None:
    lines = ["2026-03-02 allocation"]
    assert stands(run(OPEN.format(answer=""), lines, "2026-03-02")) == {}
    answered = OPEN.format(answer='answer = "Two weeks."\nvalue = "2 weeks"')
    assert stands(run(answered, lines, "2026-03-02")) == {"plan": ("2026-03-16", "upcoming")}


def test_a_contact_made_during_a_hold_is_not_counted_towards_the_third() -> None:
    rules = """
    [rhythm.voice]
    title = "The child's voice"
    clause = "V"
    every = "3rd seen"
    from = "allocation"
    met_by = "voice_recorded"
    owner = "worker"
    runs_through = ["leave"]
    """
    seen = ["2026-03-02 allocation", "2026-03-03 seen", "2026-03-05 seen", "2026-03-09 seen"]
    for reason, due in (("section_47", (None, "due")), ("leave", ("2026-03-09", "overdue"))):
        held = [f'2026-03-04 hold_started {{"reason": "{reason}"}}', "2026-03-06 hold_ended"]
        assert stands(run(rules, [*seen, *held], "2026-03-10"))["voice/1"] == due
    within_a_day = ["2026-03-05T09:00 hold_started", "2026-03-05T17:00 hold_ended"]
    assert stands(run(rules, [*seen, *within_a_day], "2026-03-10"))["voice/1"] == ("2026-03-09", "overdue")


TWICE = """
[event.contact]
any = ["home_visit", "family_seen"]
[event.three_contacts]
of = "contact"
at_least = 3
[standard.look]
title = "Looked at"
clause = "7"
due = "1 week after each three_contacts"
met_by = "presented"
owner = "manager"
"""


@pytest.mark.parametrize(("ref", "counted"), [("#V2 ", False), ("", True)])
def test_one_thing_under_two_words_is_one_where_its_reference_and_moment_say_so(ref: str, counted: bool) -> None:
    lines = ["2026-03-02 home_visit #V1", f"2026-03-04 home_visit {ref}", f"2026-03-04 family_seen {ref}"]
    found = run(TWICE, [line.strip() for line in lines], "2026-03-05")
    assert bool(stands(found)) is counted


AGED = """
[check.tool]
title = "The tool fits the child's age"
clause = "V"
at = "voice_recorded"
must = { age = { under = 6 } }
force = "guide"
owner = "worker"
tell = ["manager"]
"""


@pytest.mark.parametrize(
    ("detail", "fails"),
    [
        ('{"age": 5}', False),
        ('{"age": 6}', True),
        ('{"child": "A"}', False),
        ('{"child": "B"}', True),
        ('{"child": "B", "age": 5}', False),
    ],
)
def test_what_a_check_asks_of_an_age_is_the_events_and_else_that_of_the_child_it_names(
    detail: str, fails: bool
) -> None:
    children = (Child("A", date(2021, 1, 1)), Child("B", date(2015, 1, 1)))
    found = run(AGED, [f"2026-03-02 voice_recorded {detail}"], "2026-03-02", children=children)
    told = [a.to_roles for a in check_actions(found.findings)]
    # Advice goes to whoever acts, and to nobody above them.
    assert told == ([("worker",)] if fails else [])


@pytest.mark.parametrize(
    ("since", "fails"), [("planned", False), ("latest planned", True), ("2nd planned", True), ("1 week", False)]
)
def test_how_far_back_already_reaches(since: str, fails: bool) -> None:
    lines = ["2026-02-01 planned", "2026-02-27 told", "2026-02-28 planned", "2026-03-02 home_visit"]
    assert bool(run(CHECK.format(more=f'since = "{since}"'), lines, "2026-03-04").findings) is fails


def test_a_hub_has_its_own_moved_sittings() -> None:
    policy = policy_of(PANEL.format(more='per = "meeting_hub"'))
    moves = {"panel": {date(2026, 3, 3): date(2026, 3, 4)}, "panel/North": {date(2026, 3, 3): None}}
    calendar = calendar_for(policy).with_sittings(moves)
    for hub, due in (("North", date(2026, 3, 10)), ("South", date(2026, 3, 4)), (None, date(2026, 3, 4))):
        case = Case("C1", {"meeting_hub": hub})
        found = evaluate(policy, calendar, case, [event("2026-03-02 requested #R1")], instant("2026-03-02"))
        assert found.milestones[0].due_on == due


@pytest.mark.parametrize(
    ("more", "moved", "told"),
    [
        ('chair = "manager"', {}, [("2026-04-27T07:30:00+00:00", "panel/2026-05-04", ("manager",))]),
        ('chair = "manager"', {date(2026, 5, 4): date(2026, 5, 5)}, []),
        ('chair = "manager"', {date(2026, 5, 4): None}, []),
        ('chair = "manager"\nbank_holiday = "skip"', {}, []),
        ("", {}, []),
    ],
    ids=["lost", "moved", "cancelled", "skipped-by-the-policy", "no-chair"],
)
def test_the_chair_is_told_of_a_sitting_that_a_bank_holiday_takes(
    more: str, moved: dict[date, date | None], told: list[Any]
) -> None:
    # 4 May 2026 is a bank holiday and a Monday; the Monday before it is 27 April.
    policy = policy_of(PANEL.replace("every Tuesday", "every Monday").format(more=more))
    calendar = calendar_for(policy).with_sittings({"panel": moved})
    found = meeting_actions(policy, calendar, since=instant("2026-04-13"), until=instant("2026-05-20"))
    assert [(a.at.isoformat(), a.key, a.to_roles) for a in found if a.key == "panel/2026-05-04"] == told


LONELY = """
[standard.plan]
title = "Plan"
clause = "1"
due = "1 week after allocation"
met_by = "planned"
owner = "worker"
where = { lonely = true }
"""


def lonely(facts: Mapping[str, Any], happened: Sequence[Event], moment: datetime) -> bool:
    return bool(facts["level"] == 3 and [e.word for e in happened] == ["requested", "allocation"])


def test_what_data_cannot_say_a_plugin_can() -> None:
    policy = read_policy(HEAD + LONELY, "test.toml", {"lonely": lonely})
    lines = ["2026-03-01 requested", "2026-03-02 allocation", "2026-03-03 seen"]
    assert list(stands(run(policy, lines, "2026-03-04", level=3))) == ["plan"]
    assert list(stands(run(policy, lines, "2026-03-04", level=2))) == []
    assert list(stands(run(policy, lines[1:], "2026-03-04", level=3))) == []


def test_a_condition_of_a_plugin_that_fails_is_named_and_harms_no_other_rule() -> None:
    other = PANEL.format(more="") + LONELY
    policy = read_policy(HEAD + other, "test.toml", {"lonely": lambda facts, happened, moment: facts["no such fact"]})
    found = run(policy, ["2026-03-02 allocation", "2026-03-02 requested #R1"], "2026-03-04")
    assert list(stands(found)) == ["take/R1"]
    [said] = [problem for problem in found.problems if "failed" in problem]
    assert said.startswith("C1: the plugin's condition 'lonely' failed: KeyError in ")
    assert "no such fact" not in said  # what it says may quote the case


@pytest.mark.parametrize(
    ("rule", "hooks", "said"),
    [
        (LONELY, {}, "no fact 'lonely' is declared in [facts]"),
        (LONELY.replace("= true }", "= 3 }"), {"lonely": lonely}, "lonely is a yes/no, so 3 can never be its value"),
        (LONELY, {"lonely": lonely, "level": lonely}, "the plugin's condition 'level' has the name of a fact"),
    ],
)
def test_a_condition_that_no_plugin_gives_or_that_has_a_facts_name_is_refused(
    rule: str, hooks: dict[str, Any], said: str
) -> None:
    with pytest.raises(PolicyRefused) as refused:
        read_policy(HEAD + rule, "test.toml", hooks)
    assert any(said in fault for fault in refused.value.faults)


def reasons(rules: str, lines: list[str], at: str) -> dict[str, str]:
    """Return the first sentence of each milestone's reason."""
    policy = policy_of(rules)
    calendar = calendar_for(policy)
    return {m.key: why(m, policy, calendar)[0] for m in run(policy, lines, at).milestones}


def test_the_reason_for_a_count_a_meeting_and_a_third_is_a_sentence() -> None:
    week = reasons(RHYTHM, ["2026-03-02 allocation"], "2026-03-03")
    assert week["contact/1"] == "2 times from Monday 2 March 2026 to Sunday 8 March 2026, that week's last day."
    panel = reasons(PANEL.format(more=""), ["2026-03-02 requested #R1"], "2026-03-02")
    assert panel["take/R1"] == "Next Hub panel after the requested on Monday 2 March 2026 is Tuesday 3 March 2026."
    third = """
    [rhythm.voice]
    title = "The child's voice"
    clause = "V"
    every = "3rd seen"
    from = "allocation"
    met_by = "voice_recorded"
    owner = "worker"
    """
    waits = reasons(third, ["2026-03-02 allocation", "2026-03-03 seen"], "2026-03-04")
    assert waits["voice/1"] == "3rd seen after allocation on Monday 2 March 2026 has not happened yet."


def test_what_is_booked_anew_has_the_new_date() -> None:
    rules = """
    [standard.talk]
    title = "Risks talked through before the visit"
    clause = "3"
    due = "1 day before date of planned"
    met_by = "told"
    owner = "worker"
    """
    lines = ['2026-03-02 planned {"date": "2026-03-10"}', '2026-03-04 planned {"date": "2026-03-17"}']
    assert stands(run(rules, lines[:1], "2026-03-05"))["talk"] == ("2026-03-09", "upcoming")
    assert stands(run(rules, lines, "2026-03-05"))["talk"] == ("2026-03-16", "upcoming")


def test_a_team_that_the_event_does_not_name_is_not_guessed_from_the_case() -> None:
    policy = policy_of("""
    [route.last]
    title = "Back to the last team"
    clause = "4.4"
    at = "told"
    rows = [{ where = { happened = { planned = "ever" } }, to = "team of latest planned" }]
    """)
    lines = [event("2026-03-02 planned"), event("2026-05-20 told")]
    case = Case("C1", {"team": "Early Help North"})
    history = History(policy, calendar_for(policy), case, lines, instant("2026-05-20"), date(2026, 5, 20))
    assert team_for(policy.routes["last"], history, lines[1]) is None


DAYLESS = """
[reading.panel-day]
clauses = ["5"]
asks = "On which day does the panel sit?"
{answer}
[meeting.panel]
title = "Hub panel"
clause = "5.2"
on = "reading panel-day"
[standard.take]
title = "Taken to the panel"
clause = "5.2"
due = "next panel after each requested"
met_by = "presented"
owner = "worker"
"""


def test_a_meeting_sits_on_the_day_that_a_reading_gives_and_on_none_until_it_is_answered() -> None:
    lines = ["2026-03-02 requested #R1"]
    waiting = policy_of(DAYLESS.format(answer=""))
    assert stands(run(waiting, lines, "2026-03-02")) == {}
    assert waiting.resting_on("panel-day") == ["panel"]
    answered = DAYLESS.format(answer='answer = "Thursdays."\nvalue = "every Thursday"')
    assert stands(run(answered, lines, "2026-03-02"))["take/R1"][0] == "2026-03-05"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ('answer = "Weekly."\nvalue = "1 week"', "takes its day from the reading 'panel-day', whose value is no day"),
        ('answer = "Sundays."\nvalue = "every Sunday"', "'every Sunday'"),
    ],
)
def test_a_reading_that_gives_a_meeting_no_weekday_is_refused(answer: str, said: str) -> None:
    with pytest.raises(PolicyRefused) as refused:
        policy_of(DAYLESS.format(answer=answer))
    assert any(said in fault for fault in refused.value.faults)


BAND = """
[facts]
band = "word"
[event.high]
of = "attributes_changed"
where = { band = "high" }
[standard.referral]
title = "Referral"
clause = "20"
due = "1 day after each high"
met_by = "told"
owner = "worker"
"""


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        (["03-03 #A high"], ["A"]),
        (["03-03 #A high", "03-05 #B high"], ["A"]),
        (["03-03 #A high", "03-03 #B high"], ["A"]),
        (["03-03 #A high", "03-05 #B low", "03-06 #C high"], ["A", "C"]),
    ],
)
def test_an_attribute_that_is_given_the_value_it_had_has_not_changed(changes: list[str], asked: list[str]) -> None:
    lines = [f'2026-{day} attributes_changed {ref} {{"band": "{band}"}}' for day, ref, band in map(str.split, changes)]
    found = run(policy_of(BAND), ["2026-03-02 allocation", *lines], "2026-03-10")
    assert [m.ref for m in found.milestones] == asked


LATER = """
[standard.profile]
title = "Profile"
clause = "19"
due = ["no set time after seen", "6 weeks after allocation", "2 weeks after planned"]
met_by = "told"
owner = "worker"
"""


@pytest.mark.parametrize(
    ("more", "due", "state"),
    [
        ([], None, None),  # nothing asks for it
        (["2026-03-09 seen"], "2026-04-13", "upcoming"),
        (["2026-03-09 seen", "2026-03-23 planned"], "2026-04-06", "upcoming"),
        (["2026-03-23 planned", "2026-04-06 seen"], "2026-04-06", "overdue"),
        (["2026-03-23 planned", "2026-04-07 seen"], "2026-04-13", "upcoming"),
        (["2026-04-13 seen"], "2026-04-13", "overdue"),
        (["2026-03-23 planned", "2026-04-14 seen"], None, "due"),
        (["2026-03-10 hold_started", "2026-03-17 hold_ended", "2026-04-14 seen"], "2026-04-20", "overdue"),
        (["2026-03-04 told", "2026-03-09 seen"], "2026-04-13", "upcoming"),  # done before it was asked for
    ],
)
def test_what_comes_up_later_is_held_to_the_limits_that_had_not_passed_by_then(
    more: list[str], due: str | None, state: str | None
) -> None:
    at = "2026-04-21" if state == "overdue" else max(more, default="2026-03-02")[:10]
    found = run(policy_of(LATER), ["2026-03-02 allocation", *more], at)
    assert [(m.due_on.isoformat() if m.due_on else None, m.state) for m in found.milestones] == (
        [(due, state)] if state else []
    )


def test_work_without_a_set_time_is_nudged_at_its_best_day() -> None:
    rules = """
    [standard.review]
    title = "Second review"
    clause = "18"
    due = "no set time after allocation"
    best_by = "46 days after allocation"
    met_by = "told"
    owner = "worker"
    """
    policy = policy_of(rules)
    calendar = calendar_for(policy)
    found = run(policy, ["2026-03-17 allocation"], "2026-03-17")
    told = actions(policy, calendar, found.milestones, since=instant("2026-03-16"), until=instant("2026-06-01"))
    # The 46th day after Tuesday 17 March is Saturday 2 May; the working day before it is Friday 1 May.
    assert [(a.kind, a.at.isoformat()) for a in told] == [
        ("due", "2026-03-17T08:30:00+00:00"),
        ("reminder", "2026-05-01T07:30:00+00:00"),
    ]


@pytest.mark.parametrize(
    ("roles", "told"),
    [({}, ["band"]), ({"p1": "advanced"}, ["advanced-band"]), ({"p1": "holder"}, ["band"]), ({"p1": "clerk"}, [])],
)
def test_a_person_whose_role_is_not_known_is_held_to_the_limit_for_whoever_leads(
    roles: dict[str, str], told: list[str]
) -> None:
    table = """
    [limit.{id}]
    title = "Caseload"
    clause = "25"
    who = "{who}"
    at_most = {{ families = {most} }}
    tell = ["manager"]
    """
    limits = table.format(id="band", who="worker", most=2) + table.format(id="advanced-band", who="advanced", most=1)
    policy = read_policy(
        HEAD.replace("[event.requested]", 'advanced = "Advanced"\nholder = ["lead"]\n[event.requested]', 1) + limits,
        "t",
    )
    held = []
    for n in (1, 2, 3):
        lines = [event(f"2026-03-0{n} allocation")]
        held += evaluate(
            policy, calendar_for(policy), Case(f"C{n}", {"lead": "p1"}), lines, instant("2026-03-05")
        ).holdings
    assert [one.limit.id for one in crossings(policy, held, {who: (role,) for who, role in roles.items()})] == told


@pytest.mark.parametrize(("detail", "asked"), [("", ["heard/A/V1", "heard/B/V1"]), (' {"child": "B"}', ["heard/B/V1"])])
def test_a_check_for_each_child_asks_about_the_one_that_its_event_names(detail: str, asked: list[str]) -> None:
    rules = """
    [check.heard]
    title = "Heard before"
    clause = "V"
    at = "voice_recorded"
    needs = "told"
    per = "child"
    owner = "worker"
    """
    children = (Child("A", None), Child("B", None))
    found = run(rules, [f"2026-03-02 voice_recorded #V1{detail}"], "2026-03-02", children=children)
    assert [finding.key for finding in found.findings] == asked


def test_working_a_case_out_leaves_nothing_that_goes_round_in_circles() -> None:
    policy = policy_of(
        PANEL.format(more="") + '[standard.late]\ntitle = "Late"\nclause = "1"\n'
        'due = "1 day after take overdue"\nmet_by = "told"\nowner = "worker"\n'
    )
    calendar, lines = calendar_for(policy), [event("2026-03-02 requested #R1"), event("2026-03-20 seen")]
    gc.collect()
    gc.disable()
    try:
        found = evaluate(policy, calendar, Case("C1"), lines, instant("2026-03-30"))
        assert gc.collect() == 0
    finally:
        gc.enable()
    assert {m.rule for m in found.milestones} == {"take", "late"}


def forecast(rules: str, lines: list[str], since: str, until: str) -> list[tuple[str, str, str]]:
    """Return (London date, kind, key) of what would be told with nothing more happening."""
    policy = policy_of(rules)
    calendar, first, last = calendar_for(policy), instant(since), instant(until)
    found = evaluate(policy, calendar, Case("C1"), [event(line) for line in lines], first, horizon=last)
    told = actions(policy, calendar, found.milestones, since=first, until=last)
    return [(london_day(a.at).isoformat(), a.kind, a.key) for a in told]


def test_what_begins_when_another_rule_runs_over_is_forecast_before_it_does() -> None:
    rules = """
    [standard.plan]
    title = "Plan"
    clause = "1"
    due = "5 working days after allocation"
    met_by = "planned"
    owner = "worker"
    [standard.drift]
    title = "Looked at by the manager"
    clause = "2"
    due = "2 working days after plan overdue"
    met_by = "presented"
    owner = "manager"
    [standard.rescue]
    title = "Rescued"
    clause = "3"
    due = "3 days after allocation"
    met_by = "plan overdue"
    owner = "worker"
    """
    # The plan's limit is Monday 9 March; the drift counts from Tuesday the 10th to Thursday the 12th.
    told = forecast(rules, ["2026-03-02 allocation"], "2026-03-02", "2026-03-31")
    assert told == [
        ("2026-03-05", "due", "rescue"),
        ("2026-03-06", "overdue", "rescue"),
        ("2026-03-09", "due", "plan"),
        ("2026-03-10", "overdue", "plan"),
        ("2026-03-12", "drift", "drift"),
        ("2026-03-13", "overdue", "drift"),
    ]
    assert not [row for row in forecast(rules, ["2026-03-02 allocation"], "2026-03-02", "2026-03-09") if "drift" in row]


def test_weeks_that_begin_by_time_alone_are_forecast() -> None:
    told = forecast(RHYTHM, ["2026-03-02 allocation"], "2026-03-02", "2026-03-17")
    assert [row for row in told if row[1] == "due"] == [
        ("2026-03-06", "due", "contact/1"),
        ("2026-03-13", "due", "contact/2"),
        ("2026-03-16", "due", "contact/3"),
    ]
