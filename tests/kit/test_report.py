"""The conformance kit as one list: what was proved with how much of it, what failed, and what was left out and why."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from kit_samples import Build

from ehscheduler.core.evaluate import Evaluation, evaluate
from ehscheduler.kit import Plugin, properties
from ehscheduler.kit.proofs import property_faults
from ehscheduler.kit.readme import renew_readme
from ehscheduler.kit.report import PROOFS, Asked, Proved, prove
from ehscheduler.kit.snapshot import renew_snapshot
from ehscheduler.policy_files import policy_from


def proved(plugin: Plugin, at_least: int = 100) -> dict[str, Proved]:
    renew_readme(plugin)
    renew_snapshot(plugin)
    return {one.title: one for one in prove(Asked(plugin, at_least=at_least))}


def test_each_proof_is_named_with_how_much_it_saw(build: Build) -> None:
    found = proved(build(), at_least=90)
    assert list(found) == list(PROOFS)
    assert [one for one in found.values() if one.faults] == []
    assert found["Policy"].said.startswith("1 rule, 1 check, 1 route, 1 limit, 1 reading")
    assert found["Worked cases"].said.startswith("10 cases counted by hand")
    assert found["Coverage"].said == "5 rows of the document, 1 of them not encoded, with the reason"
    assert "a worked case tells 29 of 30" in found["Changes of the policy"].said


def test_a_score_that_is_less_than_is_asked_names_each_change_that_no_case_tells(build: Build) -> None:
    changes = proved(build())["Changes of the policy"]
    assert changes.said.startswith("score 96 %")
    [fault] = changes.faults
    assert fault == (
        "policy.toml line 2 [policy]: no worked case tells policy.nation = 'northern ireland': "
        "count a case over 2 January, 17 March and Easter Monday, when the nations differ"
    )


def test_what_rests_on_worked_cases_is_left_out_until_they_come_out(build: Build) -> None:
    found = proved(build(examples=("due_on = 2026-03-10", "due_on = 2026-03-11")))
    [fault] = found["Worked cases"].faults
    assert fault.startswith("examples.toml line 6 [[example]] 1: call: due_on is 2026-03-11 by hand, and 2026-03-10")
    assert fault.endswith("; mend the case or the rule")
    left = [one.title for one in found.values() if one.said == "left out until 'Worked cases' holds"]
    assert left == ["Each rule both ways", "Standard dates", "Hard days", "Changes of the policy"]


# ---- the hard days


def test_a_sound_plugin_keeps_what_any_protocol_keeps(build: Build) -> None:
    assert property_faults(build()) == []


def broken(monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Have every milestone of the moved cases changed by a function of it, its history and the instant."""

    def changed(policy: Any, calendar: Any, case: Any, events: Sequence[Any], at: datetime) -> Evaluation:
        found = evaluate(policy, calendar, case, events, at)
        return replace(found, milestones=tuple(change(m, events) for m in found.milestones))

    monkeypatch.setattr(properties, "evaluate", changed)


def test_a_later_start_with_an_earlier_date_is_found(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def sooner(m: Any, events: Sequence[Any]) -> Any:
        late = m.from_at and m.from_at.date().isoformat() == "2026-12-22"
        return replace(m, due_on=m.due_on - timedelta(days=9), due_at=m.due_at - timedelta(days=9)) if late else m

    broken(monkeypatch, sooner)
    [fault] = [one for one in property_faults(build()) if "already" in one]
    assert fault.startswith("policy.toml [standard.call]: call: over the year's end, begun on 2026-12-2")
    assert "already on 2026-12-2" in fault


def test_a_hold_that_shortens_is_found(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def shorter(m: Any, events: Sequence[Any]) -> Any:
        held = any(event.word == "hold_started" for event in events)
        return replace(m, due_at=m.original_due_at - timedelta(days=1)) if held and m.due_at else m

    broken(monkeypatch, shorter)
    [fault] = property_faults(build())
    assert "a hold of 1 days makes it due on" in fault


def test_dates_that_hang_on_the_order_of_rows_are_found(build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    def first_row(m: Any, events: Sequence[Any]) -> Any:
        return replace(m, opens_on=events[0].day)

    broken(monkeypatch, first_row)
    assert any(
        "call comes out otherwise when it is with its rows in another order" in f for f in property_faults(build())
    )


def test_a_day_that_ends_an_hour_off_where_the_clocks_change_is_found(
    build: Build, monkeypatch: pytest.MonkeyPatch
) -> None:
    def by_the_sun(m: Any, events: Sequence[Any]) -> Any:
        due = m.due_at and m.due_at.replace(hour=23)
        return replace(m, due_at=due)

    broken(monkeypatch, by_the_sun)
    assert any("it does not end with the last second of" in fault for fault in property_faults(build()))


def test_a_condition_of_the_plugins_own_that_answers_otherwise_each_time_is_found(build: Build) -> None:
    plugin = build()
    turns = iter(range(10**6))

    def moody(facts: Mapping[str, Any], happened: Sequence[Any], moment: datetime) -> bool:
        return next(turns) % 2 == 0

    text = plugin.policy.text.replace(
        'owner   = "worker"\ntell', 'owner   = "worker"\nwhere   = { moody = true }\ntell'
    )
    (plugin.package / "policy.toml").write_text(text, encoding="utf-8")
    policy = policy_from(plugin.package / "policy.toml", {"moody": moody})
    again = Plugin(replace(plugin.authority, policies=(policy,), _at_hand=[]))
    assert any("comes out otherwise when it is asked again" in fault for fault in property_faults(again))
