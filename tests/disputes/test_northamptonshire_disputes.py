"""Northamptonshire: its document has no ladder for disputes, and none is made up for it."""

from collections.abc import Callable

import pytest

from ehscheduler.errors import InputRefused
from tests.disputes.protocol import CASE, Protocol

Protocols = Callable[[str], Protocol]


@pytest.fixture
def northamptonshire(protocol: Protocols) -> Protocol:
    return protocol("northamptonshire")


def test_no_rule_of_it_has_a_ladder(northamptonshire: Protocol) -> None:
    policy = northamptonshire.authority.policy
    assert policy.ladders == {}
    assert [rule.id for rule in policy.rules.values() if rule.decided_by or rule.escalate] == []


@pytest.mark.parametrize("about", ["allocation", "step_down", "level_of_need"])
def test_a_dispute_is_refused_for_nobody_decides_it(northamptonshire: Protocol, about: str) -> None:
    with pytest.raises(InputRefused, match="it names no dispute"):
        northamptonshire.raised("2026-03-03 09:00", about)
    assert northamptonshire.disputes() == []


def test_a_dispute_that_a_case_system_sends_tells_nobody(northamptonshire: Protocol) -> None:
    northamptonshire.at("2026-03-03 09:00").events(CASE, "2026-03-03 09:00 dispute_raised #R1")
    assert northamptonshire.disputes() == []
    assert northamptonshire.looked_at("2026-03-03 09:00", "2026-03-04 08:30", "2026-03-05 09:00:01") == []
