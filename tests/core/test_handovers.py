"""Who had a case and who has it now; and that an acknowledgement changes nothing that is due."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.core.events import Case
from ehscheduler.core.reading import read_policy
from ehscheduler.policy_files import calendar_for
from tests.daemon.house import HEAD, VISIT, event

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


def found(*lines: str, **facts: Any) -> Evaluation:
    policy = read_policy(HEAD + VISIT, "test.toml")
    events = [event("C1", line) for line in lines]
    return evaluate(policy, calendar_for(policy), Case("C1", {"lead": "w1", **facts}), events, NOW)


def changes(*lines: str, **facts: Any) -> list[tuple[int, str, str]]:
    return [(one.n, one.before, one.lead) for one in found(*lines, **facts).handovers]


TO_W2 = '2026-03-05 09:00 worker_changed {"lead": "w2"}'


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["2026-03-02 allocation"], []),
        ([TO_W2], [(1, "w1", "w2")]),
        ([TO_W2, '2026-03-06 worker_changed {"lead": "w1"}'], [(1, "w1", "w2"), (2, "w2", "w1")]),
        (['2026-03-05 attributes_changed {"lead": "w2"}'], [(1, "w1", "w2")]),
        (['2026-03-05 attributes_changed {"lead": "w1"}'], []),
        (['2026-03-05 attributes_changed {"level": 3}'], []),
        (["2026-03-05 worker_changed"], [(1, "w1", "w1")]),
        (['2026-03-25 worker_changed {"lead": "w2"}'], []),
        ([TO_W2, "2026-03-06 closed", "2026-03-09 reopened"], []),
    ],
    ids=["none", "one", "back", "any event", "the same", "another fact", "named by the list", "ahead", "before"],
)
def test_a_change_of_the_lead_is_one_in_this_episode(lines: list[str], expected: list[tuple[int, str, str]]) -> None:
    assert changes(*lines) == expected


def test_a_first_lead_is_no_change() -> None:
    assert changes('2026-03-02 allocation {"lead": "w1"}', lead=None) == []
    assert changes('2026-03-02 worker_changed {"lead": "w1"}', lead=None) == []


def test_an_acknowledgement_changes_nothing_that_is_due() -> None:
    plain = found("2026-03-02 08:00 allocation")
    said = found(
        "2026-03-02 08:00 allocation",
        '2026-03-17 09:00 acknowledged #visit {"person": "w1", "reason": "family", "until": "2026-03-20"}',
    )
    assert (said.milestones, said.warnings, said.problems) == (plain.milestones, plain.warnings, plain.problems)
    assert len(said.acknowledged) == 1
