"""What many tests share: calendars, a way to write events on one line, and one to evaluate them."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from ehscheduler.core.calendars import Calendar
from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case, Event, event_id, read_moment
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy
from ehscheduler.core.reading import read_policy
from ehscheduler.policy_files import calendar_for

# "quick" is the everyday run; "ci" grows many more cases, the same ones each time, so that a failure can be run again.
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("quick", deadline=None, database=None, max_examples=100, suppress_health_check=_SLOW)
settings.register_profile(
    "ci", deadline=None, database=None, max_examples=1000, derandomize=True, suppress_health_check=_SLOW
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))

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
"""


def an_event(line: str, case: str = "C1") -> Event:
    """Read "OCCURRED[;RECORDED] word [#ref] [{json}]" into an event; its id is made from the line."""
    when, word, *rest = line.split(" ", 2)
    occurred, _, recorded = when.partition(";")
    tail = rest[0] if rest else ""
    ref = None
    if tail.startswith("#"):
        first, _, tail = tail.partition(" ")
        ref = first[1:]
    detail: dict[str, Any] = json.loads(tail) if tail.strip() else {}
    moment, dated, day = read_moment(occurred)
    recorded_at = read_moment(recorded)[0] if recorded else moment
    id_ = detail.pop("id", None) or event_id(case, word, occurred, ref or "", json.dumps(detail, sort_keys=True))
    return Event(id_, case, word, moment, dated, day, recorded_at, ref, detail)


def a_policy(rules: str, head: str = HEAD) -> Policy:
    return read_policy(head + rules, "test.toml")


def evaluated(policy: Policy, lines: list[str], at: str, facts: dict[str, Any] | None = None) -> Evaluation:
    moment, dated, _ = read_moment(at)
    if dated:
        moment = read_moment(f"{at}T23:59:59")[0]
    return evaluate(policy, _calendar(policy), Case("C1", facts or {}), [an_event(line) for line in lines], moment)


_CALENDARS: dict[tuple[str, Any], Calendar] = {}


def _calendar(policy: Policy) -> Calendar:
    key = (policy.nation, policy.hours)
    if key not in _CALENDARS:
        _CALENDARS[key] = calendar_for(policy)
    return _CALENDARS[key]


@pytest.fixture
def milestones() -> Callable[..., dict[str, Milestone]]:
    """Evaluate rules over events at an instant; return the milestones by key."""

    def run(rules: str | Policy, lines: list[str], at: str, **facts: Any) -> dict[str, Milestone]:
        policy = a_policy(rules) if isinstance(rules, str) else rules
        return {m.key: m for m in evaluated(policy, lines, at, facts).milestones}

    return run


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures that tests recorded, so that a run says what it proved and with which seed."""
    reports = [r for outcome in ("passed", "failed") for r in terminalreporter.stats.get(outcome, [])]
    shown = [(r.nodeid.rpartition("::")[2], dict(r.user_properties).get("figures")) for r in reports]
    for name, figures in shown:
        if figures:
            terminalreporter.write_line(f"{name}: {figures}")
