"""What the core tests share: the real policy, rows as bytes, and the parts that random histories are made of."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import ehs_nottinghamshire

from ehscheduler.core.actions import Action, OverdueStep, actions
from ehscheduler.core.calendars import LONDON, Calendar
from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case, Event, read_moment
from ehscheduler.core.explain import timeline_row
from ehscheduler.core.policy import Policy
from ehscheduler.core.reading import read_policy
from ehscheduler.policy_files import calendar_for, policy_from

PACKAGE = Path(ehs_nottinghamshire.__file__).parent

HEAD = """
[policy]
authority = "testshire"
document = "A protocol for tests"
edition = "1"
nation = "england"
in_force = 2015-01-01
{more}
[roles]
worker = "Worker"
manager = "Manager"
director = "Director"
"""
LINE = re.compile(
    r"(?P<when>[^ ;]+)(?:;(?P<recorded>[^ ]+))? (?P<word>[a-z_]+)(?: #(?P<ref>[^ ]+))?(?: (?P<detail>[{].*))?"
)

WORDS = (
    "referral_received referral_passed received_into_team referral_screened allocation worker_changed contact_made "
    "home_visit family_seen assessment_completed assessment_reviewed plan_completed plan_agreed taf_held review_held "
    "concern_raised return_interview_requested return_interview_allocated absence_session epn_request_valid epn_issued "
    "final_letter_sent dispute_raised dispute_escalated dispute_resolved relaxation_reviewed relaxation_ended "
    "waitlist_reviewed voice_recorded supervision_held licence_requested returned_to_school epn_requested"
).split()
LIVELY = "allocation home_visit family_seen taf_held review_held plan_completed received_into_team contact_made".split()
REFS = (None, None, "A", "B")
DETAILS: dict[str, Sequence[dict[str, Any]]] = {
    "referral_received": ({}, {"urgent": True}, {"urgent": False}),
    "received_into_team": ({}, {"urgent": True}),
    "contact_made": ({"method": "phone"}, {"method": "letter"}, {}),
    "assessment_completed": ({}, {"origin": "own"}, {"origin": "transferred"}),
    "absence_session": ({"unauthorised": True}, {"unauthorised": False}, {}),
    "dispute_raised": ({"about": "allocation"}, {"about": "plan", "level": 3}),
}
CHANGES: Sequence[dict[str, Any]] = (
    {"urgent": True},
    {"urgent": False},
    {"taf_not_needed": True},
    {"taf_not_needed": False},
    {"tf_monitoring_only": True},
    {"performance_date": "2026-05-20"},
    {"service": "childrens_centre"},
    {"level": 3},
)
FACTS: Sequence[dict[str, Any]] = (
    {},
    {"urgent": True},
    {"taf_not_needed": True, "service": "early_help"},
    {"existing_lead_professional": True},
)
RELAXED = ("first-visit", "family-contact", "initial-taf", "review-taf", "plan", "plan-review", "assessment")
ROLES = ("team_manager", "group_manager", "lead")
REASONS = ("stepped_up", "section_47", None)
DAYS = [f"2026-03-{day:02}" for day in range(16, 32)] + [f"2026-04-{day:02}" for day in range(1, 31)]
UNTILS = ("2026-04-10", "2026-04-24", "2026-05-08", "2026-05-29")
# The spring change is in the window: 29 March; so are Good Friday and Easter Monday.
CLOCKS = ("", "T00:00:00", "T09:00:00", "T12:30:00", "T15:00:00", "T23:59:59")
END = datetime(2026, 5, 12, 12, tzinfo=UTC)


@lru_cache
def nottinghamshire() -> tuple[Policy, Calendar]:
    policy = policy_from(PACKAGE / "policy.toml")
    return policy, calendar_for(policy)


def an_event(id_: str, word: str, when: str, ref: str | None = None, **detail: Any) -> Event:
    moment, dated, day = read_moment(when)
    return Event(id_, "C1", word, moment, dated, day, moment, ref, detail)


def line_event(line: str) -> Event:
    """Read "OCCURRED[;RECORDED] word [#ref] [{json}]" into an event; its id is in the JSON, or made from the line."""
    found = LINE.fullmatch(line)
    assert found, line
    moment, dated, day = read_moment(found["when"])
    recorded = read_moment(found["recorded"])[0] if found["recorded"] else moment
    detail = json.loads(found["detail"] or "{}")
    return Event(detail.pop("id", line), "C1", found["word"], moment, dated, day, recorded, found["ref"], detail)


def a_policy(rules: str, more: str = "") -> Policy:
    return read_policy(HEAD.format(more=more) + rules, "test.toml")


def rows(events: Sequence[Event], at: datetime, facts: dict[str, Any]) -> list[dict[str, Any]]:
    policy, calendar = nottinghamshire()
    found = evaluate(policy, calendar, Case("C1", facts), events, at)
    return [timeline_row(milestone, policy, calendar) for milestone in found.milestones]


def as_bytes(events: Sequence[Event], at: datetime, facts: dict[str, Any]) -> bytes:
    """Return all that the product says of a case, byte for byte."""
    policy, calendar = nottinghamshire()
    found = evaluate(policy, calendar, Case("C1", facts), events, at)
    said = {
        "episode": found.episode,
        "rows": [timeline_row(milestone, policy, calendar) for milestone in found.milestones],
        "versions": [milestone.due_version for milestone in found.milestones],
        "warnings": found.warnings,
        "problems": found.problems,
    }
    return json.dumps(said).encode()


def standing(policy: Policy, lines: Sequence[str], at: str, **facts: object) -> Evaluation:
    return evaluate(policy, calendar_for(policy), Case("C1", facts), map(line_event, lines), read_moment(at)[0])


def planned(
    rules: str, lines: Sequence[str], since: str, until: str, *, ladder: Sequence[OverdueStep] = (), **facts: object
) -> list[Action]:
    policy = a_policy(rules)
    first, last = read_moment(since)[0], read_moment(until)[0]
    found = standing(policy, lines, since, **facts).milestones
    return actions(policy, calendar_for(policy), found, since=first, until=last, overdue_ladder=ladder)


def said(found: Sequence[Action]) -> list[str]:
    """Write each action that is told on one line: when by the clock on the wall, what, which rung, and to whom."""
    lines = []
    for action in found:
        if action.kept:
            continue
        when = f"{action.at.astimezone(LONDON):%a %d %b %H:%M:%S}"
        stage = f" {action.stage}" if action.stage else ""
        lines.append(f"{when} {action.kind}{stage} to {', '.join(action.to_roles)}")
    return lines


def ever_said(rules: str, lines: Sequence[str], at: str, *, ladder: Sequence[OverdueStep] = ()) -> list[str]:
    """Write every action about a case as it is known at an instant, those too whose time is past."""
    policy = a_policy(rules)
    found = standing(policy, lines, at).milestones
    first, last = read_moment("2026-01-01")[0], read_moment("2026-04-30")[0]
    return said(actions(policy, calendar_for(policy), found, since=first, until=last, overdue_ladder=ladder))
