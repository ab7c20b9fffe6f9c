"""The proof card: a stranger's program counts every date again; a person reads why in plain sentences."""

# ruff: noqa: E501 - a sentence that is to be read aloud stands on one line

import json
import subprocess
import sys
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from core_samples import (
    CHANGES,
    CLOCKS,
    DAYS,
    DETAILS,
    END,
    FACTS,
    LIVELY,
    REASONS,
    REFS,
    RELAXED,
    ROLES,
    UNTILS,
    WORDS,
    a_policy,
    an_event,
    line_event,
    nottinghamshire,
)

from ehscheduler.core.calendars import Calendar
from ehscheduler.core.evaluate import evaluate
from ehscheduler.core.events import Case, Event, read_moment
from ehscheduler.core.explain import proof, why
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy
from ehscheduler.policy_files import calendar_for

RECOUNT = Path(__file__).with_name("recount.py")
SEED = 20260302


def recounted(cards: Sequence[dict[str, Any]]) -> list[tuple[str, str | None]]:
    """Have another process, which shares no code with the product, count the due instants of these cards."""
    run = subprocess.run(
        [sys.executable, "-I", str(RECOUNT)], input=json.dumps(cards), capture_output=True, text=True, check=True
    )
    pairs = [line.split("\t") for line in run.stdout.splitlines()]
    return [(key, None if due == "None" else due) for key, due in pairs]


def a_random_history(random: Random) -> list[Event]:
    """Grow a case at random: everyday events, holds one after the other, agreements."""

    def when() -> str:
        return random.choice(DAYS) + random.choice(CLOCKS)

    lines: list[tuple[str, str, str | None, dict[str, Any]]] = [("allocation", "2026-03-16", None, {})]
    for _ in range(random.randrange(3, 12)):
        word = random.choice([*WORDS, *LIVELY])
        lines.append((word, when(), random.choice(REFS), random.choice(DETAILS.get(word, ({},)))))
    for start, end in zip(*[iter(sorted(when() for _ in range(random.choice((0, 2, 4)))))] * 2, strict=True):
        reason = random.choice(REASONS)
        lines.append(("hold_started", start, None, {"reason": reason} if reason else {}))
        lines += [("hold_ended", end, None, {})] if random.random() < 0.8 else []
    for _ in range(random.choice((0, 0, 1, 2))):
        rules, until = random.sample(RELAXED, 3), random.choice(UNTILS)
        lines.append(
            ("relaxation_agreed", when(), None, {"rules": rules, "until": until, "by_role": random.choice(ROLES)})
        )
    if random.random() < 0.3:
        lines.append(("extension_approved", when(), None, {"weeks": 2, "by_role": random.choice(ROLES)}))
    if random.random() < 0.4:
        lines.append(("attributes_changed", when(), None, random.choice(CHANGES)))
    return [an_event(f"E{n}", word, moment, ref, **detail) for n, (word, moment, ref, detail) in enumerate(lines)]


@cache
def random_cards() -> list[dict[str, Any]]:
    policy, calendar = nottinghamshire()
    random = Random(SEED)
    cards: list[dict[str, Any]] = []
    while len(cards) < 600:
        at = END - timedelta(days=random.randrange(40))
        found = evaluate(policy, calendar, Case("C1", random.choice(FACTS)), a_random_history(random), at)
        cards += [json.loads(json.dumps(proof(m, policy, calendar))) for m in found.milestones]
    return random.sample(cards, 200)


def test_a_stranger_counts_two_hundred_random_dates_again_and_agrees() -> None:
    cards = random_cards()
    assert recounted(cards) == [(card["key"], card["due_at"]) for card in cards]


def test_the_two_hundred_are_of_every_kind() -> None:
    cards = random_cards()
    assert len({card["rule"] for card in cards}) >= 15
    assert {card["state"] for card in cards} >= {"upcoming", "due", "overdue", "met", "met_late", "on_hold"}
    assert sum(bool(card["holds"]) for card in cards) > 30
    assert {change["kind"] for card in cards for change in card["changes"]} == {"phase", "relaxation"}


def test_a_wrong_date_is_found_out() -> None:
    cards = [{**card, "holds": []} for card in random_cards()]
    assert recounted(cards) != [(card["key"], card["due_at"]) for card in cards]


def test_the_stranger_is_no_longer_than_fifty_lines_and_shares_no_code() -> None:
    text = RECOUNT.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 50
    assert "ehscheduler" not in text


# ---- the shapes that Nottinghamshire's policy does not use

SHAPES = """
[facts]
interval = "duration"
[reading.r]
clauses = ["1"]
asks = "How many?"
answer = "Three."
value = "3 weeks"
taken_by = "project"
[event.licence_asked]
[event.allocation_dispute]
of = "dispute_raised"
where = { about = "allocation" }
[standard.visit]
title = "Visited"
clause = "1"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "lead"
may_extend = "manager"
[standard.several]
title = "Met"
clause = "1"
due = ["6 weeks after allocation", "2 weeks after latest assessment_agreed", "reading r after plan_agreed"]
met_by = "taf_held"
owner = "lead"
not_before = "3 weeks after allocation"
reading = "r"
[standard.back]
title = "Asked"
clause = "1"
due = "10 working days before case performance_date"
met_by = "licence_asked"
owner = "lead"
may_extend = "manager"
[standard.before]
title = "Before"
clause = "1"
due = "before case performance_date"
met_by = "voice_recorded"
owner = "lead"
[standard.by]
title = "By"
clause = "1"
due = "by case performance_date"
met_by = "supervision_held"
owner = "lead"
[standard.birthday]
title = "Birthday"
clause = "1"
due = "3 months before 18th birthday"
met_by = "oversight_noted"
owner = "lead"
[standard.hours]
title = "Resolved"
clause = "1"
due = "24 hours after each allocation_dispute"
met_by = "dispute_resolved"
owner = "lead"
[standard.at-once]
title = "At once"
clause = "1"
due = "at once after each concern_raised"
met_by = "contact_made"
owner = "lead"
[standard.same-day]
title = "Same day"
clause = "1"
due = "same day as each concern_raised"
met_by = "risk_assessment_completed"
owner = "lead"
[standard.undated]
title = "Some time"
clause = "1"
due = "no set time after latest concern_raised"
met_by = "genogram_completed"
owner = "lead"
not_before = "5 working days after latest concern_raised"
[standard.by-plan]
title = "By plan"
clause = "1"
due = "case interval after allocation"
met_by = "culturegram_completed"
owner = "lead"
[standard.rolled]
title = "Rolled"
clause = "1"
due = "1 day after concern_raised"
met_by = "plan_completed"
owner = "lead"
roll = "previous working day"
[standard.rolled-on]
title = "Rolled on"
clause = "1"
due = "4 months after concern_raised"
met_by = "plan_signed_off"
owner = "lead"
roll = "next working day"
[standard.year]
title = "A year"
clause = "1"
due = "1 year after allocation"
met_by = "closed"
owner = "lead"
[rhythm.contact]
title = "Seen"
clause = "1"
met_by = "family_seen"
owner = "lead"
phases = [
  { name = "slow", every = ["6 weeks", "25 working days"], from = "allocation" },
  { name = "fast", every = "1 week", from = "review_held" },
]
"""
FACTS_OF_SHAPES = {"performance_date": "2026-05-08", "index_child_dob": "2008-08-31", "interval": "3 weeks"}


def cards_of(policy: Policy, calendar: Calendar, lines: Sequence[str], at: str) -> list[dict[str, Any]]:
    return [json.loads(json.dumps(proof(m, policy, calendar))) for m in milestones_of(policy, lines, at)]


def milestones_of(policy: Policy, lines: Sequence[str], at: str) -> Sequence[Milestone]:
    facts = an_event("F", "attributes_changed", "2026-01-01", **FACTS_OF_SHAPES)
    events = [facts, *map(line_event, lines)]
    return evaluate(policy, calendar_for(policy), Case("C1"), events, read_moment(at)[0]).milestones


STORIES = {
    "plain": ["2026-03-07 allocation", "2026-03-07 concern_raised #A", "2026-03-07 dispute_raised #D {\"about\": \"allocation\"}"],
    "held": [
        "2026-03-23 allocation",
        "2026-03-23T10:00:00 concern_raised #A",
        "2026-03-28T12:00:00 dispute_raised #D {\"about\": \"allocation\"}",
        "2026-03-28T20:00:00 hold_started",
        "2026-04-07T08:00:00 hold_ended",
        "2026-04-09 assessment_agreed",
        "2026-04-10 plan_agreed",
    ],
    "open-hold": ["2026-03-23 allocation", "2026-03-23T10:00:00 concern_raised #A", "2026-03-24 hold_started"],
    "relaxed": [
        "2026-03-23 allocation",
        "2026-03-30 relaxation_agreed {\"rules\": [\"visit\", \"back\"], \"until\": \"2026-04-30\", \"by_role\": \"manager\"}",
        "2026-04-20 hold_started",
        "2026-04-22 hold_ended",
    ],
    "phase": ["2026-03-02 allocation", "2026-04-01 review_held"],
    "closed": ["2026-03-23 allocation", "2026-03-24 hold_started", "2026-03-27 closed"],
}  # fmt: skip


@pytest.mark.parametrize("counts_first_day", [False, True], ids=["day-zero", "first-day-counts"])
@pytest.mark.parametrize("story", STORIES)
def test_a_stranger_counts_every_shape_again(story: str, counts_first_day: bool) -> None:
    policy = a_policy(SHAPES, "counts_first_day = true" if counts_first_day else "")
    cards = cards_of(policy, calendar_for(policy), STORIES[story], "2026-04-24")
    assert len(cards) >= 9
    assert recounted(cards) == [(card["key"], card["due_at"]) for card in cards]


def test_the_walk_numbers_each_day_that_counts_and_says_why_another_does_not() -> None:
    policy = a_policy(SHAPES)
    lines = ["2026-03-30 allocation", "2026-04-08 hold_started", "2026-04-09 hold_ended"]
    card = next(c for c in cards_of(policy, calendar_for(policy), lines, "2026-04-10") if c["rule"] == "visit")
    walked = [(step["day"][5:], step["number"] or step["why_not"]) for step in card["walk"]]
    assert walked == [
        ("03-31", 1), ("04-01", 2), ("04-02", 3), ("04-03", "Good Friday"), ("04-04", "Saturday"), ("04-05", "Sunday"),
        ("04-06", "Easter Monday"), ("04-07", 4), ("04-08", "on hold"), ("04-09", 5), ("04-10", 6), ("04-11", "Saturday"),
        ("04-12", "Sunday"), ("04-13", 7), ("04-14", 8), ("04-15", 9), ("04-16", 10),
    ]  # fmt: skip


def test_a_relaxed_limit_is_walked_as_the_phrase_gives_it() -> None:
    policy = a_policy(SHAPES)
    card = next(
        c for c in cards_of(policy, calendar_for(policy), STORIES["relaxed"], "2026-04-24") if c["rule"] == "visit"
    )
    assert card["walk"][-1]["day"] == "2026-04-08"
    assert card["walk"][-1]["number"] == 10
    assert card["due_on"] == "2026-05-02"


# ---- why, in sentences

WHY = {
    "a standard clock over bank holidays": (
        ["2026-03-25 allocation"],
        "visit",
        [
            "10 working days after allocation on Wednesday 25 March 2026 is Friday 10 April 2026.",
            "Weekends are not counted, nor Good Friday (Friday 3 April 2026) and Easter Monday (Monday 6 April 2026).",
            "Overdue: the limit was Friday 10 April 2026.",
        ],
    ),
    "a hold and an agreement": (
        STORIES["relaxed"],
        "visit",
        [
            "10 working days after allocation on Monday 23 March 2026 is Wednesday 8 April 2026.",
            "Weekends are not counted, nor Good Friday (Friday 3 April 2026) and Easter Monday (Monday 6 April 2026).",
            "The clock stood still while the case was on hold from Monday 20 April 2026 until Wednesday 22 April 2026.",
            "A later limit was agreed on Monday 30 March 2026 by the manager: Saturday 2 May 2026.",
            "Not yet due.",
        ],
    ),
    "an hour clock from a bare date": (
        STORIES["plain"],
        "hours/D",
        [
            "24 hours after the allocation dispute (dispute raised on Saturday 7 March 2026, time unknown, so from the end "
            "of that day) is the end of Sunday 8 March 2026.",
            "Overdue: the limit was the end of Sunday 8 March 2026.",
        ],
    ),
    "a date counted back": (
        STORIES["plain"],
        "back",
        [
            "10 working days before the case's performance date (Friday 8 May 2026) is Thursday 23 April 2026.",
            "Weekends are not counted, nor May Day (Monday 4 May 2026).",
            "Overdue: the limit was Thursday 23 April 2026.",
        ],
    ),
    "several limits and a reading": (
        STORIES["held"],
        "several",
        [
            "2 weeks after the latest assessment agreed on Thursday 9 April 2026 is Thursday 23 April 2026; it opens on "
            "Friday 24 April 2026.",
            "The earliest of several limits counts; the others are 6 weeks after allocation on Monday 23 March 2026 "
            "(Thursday 14 May 2026) and 3 weeks after plan agreed on Friday 10 April 2026 (Friday 1 May 2026).",
            "Rests on our reading r, which the council has not signed.",
            "Overdue: the limit was Thursday 23 April 2026.",
        ],
    ),
    "a phase that would end before it began": (
        STORIES["phase"],
        "contact/1",
        [
            "1 week after allocation on Monday 2 March 2026 would end before its phase began, so the limit is the day it "
            "began, Wednesday 1 April 2026.",
            "The phase 'fast' began on Wednesday 1 April 2026 and set this interval.",
            "Overdue: the limit was Wednesday 1 April 2026.",
        ],
    ),
    "no set time": (
        STORIES["plain"],
        "undated",
        [
            "The document sets no time: after the latest concern raised on Saturday 7 March 2026; it opens on Saturday 14 "
            "March 2026.",
            "Due now.",
        ],
    ),
    "an open hold": (
        STORIES["open-hold"],
        "visit",
        [
            "10 working days after allocation on Monday 23 March 2026: no date while the case is on hold.",
            "The clock has stood still while the case is on hold since Tuesday 24 March 2026.",
            "The case is on hold, so nobody is reminded of it.",
        ],
    ),
    "a closed case": (
        STORIES["closed"],
        "year",
        [
            "1 year after allocation on Monday 23 March 2026 is Friday 26 March 2027.",
            "The clock stood still while the case was on hold from Tuesday 24 March 2026 until Friday 27 March 2026.",
            "Met by closed on Friday 27 March 2026.",
        ],
    ),
    "a limit rolled off a weekend": (
        STORIES["plain"],
        "rolled",
        [
            "1 day after concern raised on Saturday 7 March 2026 is Friday 6 March 2026, moved from Sunday 8 March 2026 to "
            "a working day.",
            "Overdue: the limit was Friday 6 March 2026.",
        ],
    ),
    "a forecast": (
        ["2028-12-20 allocation"],
        "visit",
        [
            "10 working days after allocation on Wednesday 20 December 2028 is Monday 8 January 2029.",
            "Weekends are not counted, nor Christmas Day (Monday 25 December 2028), Boxing Day (Tuesday 26 December 2028) "
            "and New Year's Day (Monday 1 January 2029).",
            "Bank holidays after 2028 are not proclaimed yet: this date is a forecast.",
            "Overdue: the limit was Monday 8 January 2029.",
        ],
    ),
    "met, and recorded late": (
        ["2026-03-02 allocation", "2026-03-16;2026-03-18 home_visit"],
        "visit",
        [
            "10 working days after allocation on Monday 2 March 2026 is Monday 16 March 2026.",
            "Met by home visit on Monday 16 March 2026. It was recorded after the limit.",
        ],
    ),
}


@pytest.mark.parametrize("name", WHY)
def test_why_reads_aloud(name: str) -> None:
    lines, key, sentences = WHY[name]
    policy = a_policy(SHAPES)
    at = "2029-06-01" if lines[0].startswith("2028") else "2026-04-24"
    found = next(m for m in milestones_of(policy, lines, at) if m.key == key)
    assert why(found, policy, calendar_for(policy)) == sentences


def test_why_is_never_longer_than_six_sentences() -> None:
    for card in random_cards():
        assert 1 <= len(card["why"]) <= 6
        assert all(sentence.endswith(".") and "_" not in sentence for sentence in card["why"])


def test_the_last_of_many_sentences_still_says_how_it_stands() -> None:
    lines = [
        *STORIES["held"],
        *(
            f'2026-04-0{n} extension_approved {{"rules": ["visit"], "weeks": 1, "by_role": "manager"}}'
            for n in (7, 8, 9)
        ),
        '2026-04-09 extension_approved {"rules": ["visit"], "weeks": 2, "by_role": "manager"}',
    ]
    policy = a_policy(SHAPES)
    found = next(m for m in milestones_of(policy, lines, "2026-04-24") if m.key == "visit")
    sentences = why(found, policy, calendar_for(policy))
    assert len(found.changes) == 4
    assert len(sentences) == 6
    assert sentences[-1] == "Not yet due."
