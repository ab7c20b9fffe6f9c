"""Policies that read well and cannot work: each is refused with its place and a remedy, and its neighbour is taken."""

import pytest

from ehscheduler.core.examples import read_examples, wanting
from ehscheduler.core.reading import read_policy
from ehscheduler.errors import PolicyRefused

HEAD = """
[policy]
authority = "testshire"
document = "A protocol for tests"
edition = "1"
nation = "england"
in_force = 2015-01-01
hours = "09:00 to 17:00"
[roles]
manager = "Manager"
director = "Director"
[facts]
band = "word"
"""


def standard(body: str, id_: str = "plan") -> str:
    """Write a standard for the lead with what else stands in it."""
    return f'[standard.{id_}]\ntitle = "Plan"\nclause = "1"\nowner = "lead"\n{body}\n'


def faults_of(text: str) -> list[str]:
    """Return what the reader says of a policy; nothing where it takes it."""
    try:
        read_policy(HEAD + text, "p.toml")
    except PolicyRefused as refused:
        return refused.faults
    return []


# ---- a rule that waits for another to run over


WAITS = standard('due = "1 week after plan overdue"\nmet_by = "oversight_noted"', "watch")
OVER = [
    WAITS,
    '[event.stalled]\nany = ["closed", "plan overdue"]\n',
    standard('due = "1 week after allocation"\nmet_by = "taf_held"\nunless = "plan overdue"', "watch"),
]


@pytest.mark.parametrize("waits", OVER, ids=["due", "event", "unless"])
def test_a_rule_without_a_date_never_runs_over_so_nothing_waits_for_it(waits: str) -> None:
    [fault] = faults_of(waits + standard('due = "no set time after allocation"\nmet_by = "plan_agreed"'))
    assert fault.startswith(("p.toml [standard.watch]: waits", "p.toml [event.stalled] any: waits"))
    assert fault.endswith("and plan has no date to run over; give it one, or wait for an event")


@pytest.mark.parametrize("waits", OVER, ids=["due", "event", "unless"])
@pytest.mark.parametrize(
    "due", ['"2 weeks after allocation"', '["no set time after closed", "by case court_order_end"]']
)
def test_a_rule_with_one_date_at_least_can_be_waited_for(waits: str, due: str) -> None:
    assert faults_of(waits + standard(f'due = {due}\nmet_by = "plan_agreed"')) == []


# ---- what meets a rule and takes it away


DUE = 'due = "2 weeks after allocation"\n'


@pytest.mark.parametrize(
    ("met_by", "unless"),
    [("taf_held", "taf_held"), ('review_held", "taf_held', 'closed", "taf_held'), ("3rd taf_held", "2nd taf_held")],
)
def test_what_meets_a_rule_cannot_cancel_it_too(met_by: str, unless: str) -> None:
    [fault] = faults_of(standard(f'{DUE}met_by = ["{met_by}"]\nunless = ["{unless}"]'))
    said = "met_by and unless both name taf_held: what would meet it cancels it; leave one of them"
    assert fault == f"p.toml [standard.plan]: {said}"


def test_a_rule_that_the_first_meets_may_be_cancelled_by_the_second() -> None:
    assert faults_of(standard(f'{DUE}met_by = "taf_held"\nunless = "2nd taf_held"')) == []


# ---- what does not stop a clock


SECTION_47 = '[event.section_47_hold]\nof = "hold_started"\nwhere = { not = { reason = ["section_47"] } }\n'


@pytest.mark.parametrize(
    ("name", "meant"), [("holds", "hold"), ("Hold", "hold"), ("closed", "closure"), ("sectoin_47", "section_47")]
)
def test_a_name_that_is_nearly_what_runs_through_is_misspelt(name: str, meant: str) -> None:
    [fault] = faults_of(SECTION_47 + standard(f'{DUE}met_by = "taf_held"\nruns_through = ["leave", "{name}"]'))
    said = f"runs_through names {name!r}; did you mean {meant!r}? Write that, or declare an event of hold_started"
    assert fault == f"p.toml [standard.plan]: {said} with this reason"


def test_a_reason_of_the_councils_own_is_no_misspelling_and_one_that_is_declared_never_is() -> None:
    taken = '["hold", "closure", "leave", "section_47", "section_17"]'
    declared = '[event.section_17_hold]\nof = "hold_started"\nwhere = { reason = "section_17" }\n'
    rule = standard(f'{DUE}met_by = "taf_held"\nruns_through = {taken}')
    assert faults_of(SECTION_47 + declared + rule) == []
    assert len(faults_of(SECTION_47 + rule)) == 1


# ---- who hears of what ran over


def ladder(*steps: str) -> str:
    """Write a ladder with these steps."""
    return f'[ladder.up]\ntitle = "Up"\nclause = "1"\nsteps = [{", ".join(f"{{ {step} }}" for step in steps)}]\n'


MANAGER = 'who = ["manager"], due = "1 week after step_reached"'


def test_a_rule_without_a_date_climbs_no_ladder() -> None:
    body = 'due = "no set time after allocation"\nmet_by = "taf_held"\nescalate = "up"'
    [fault] = faults_of(standard(body) + ladder(MANAGER))
    said = "escalate: the rule has no date to run over, so nobody hears; give it one, or drop escalate"
    assert fault == f"p.toml [standard.plan]: {said}"


def test_a_rule_with_a_date_climbs_one_and_without_a_date_one_may_be_decided() -> None:
    assert faults_of(standard(f'{DUE}met_by = "taf_held"\nescalate = "up"') + ladder(MANAGER)) == []
    body = 'due = "no set time after dispute_raised"\nmet_by = "dispute_resolved"\ndecided_by = "up"'
    assert faults_of(standard(body) + ladder(MANAGER)) == []


# ---- the steps of a ladder

DISPUTE = standard('''due = "48 hours after each dispute_raised"
met_by = "dispute_resolved"
decided_by = "up"''')


def rung(who: str, due: str = "1 day after step_reached", more: str = "") -> str:
    """Write one step for a role."""
    return f'who = ["{who}"], due = "{due}"{more and ", "}{more}'


ONE = 'where = { band = "one" }'
REST = 'where = { not = { band = "one" } }'


def test_a_single_step_with_a_condition_reaches_nobody_in_some_case() -> None:
    [fault] = faults_of(DISPUTE + ladder(rung("manager", more=ONE)))
    said = "is the only one and has a condition, so it may reach nobody; drop where, or add a step"
    assert fault == f"p.toml [ladder.up]: step 1: {said}"


def test_a_single_step_without_a_condition_and_two_that_share_the_cases_out_are_taken() -> None:
    assert faults_of(DISPUTE + ladder(rung("manager"))) == []
    assert faults_of(DISPUTE + ladder(rung("manager", more=ONE), rung("director", more=REST))) == []


@pytest.mark.parametrize(("first", "second"), [("", ""), (ONE, ""), ("", ONE), (ONE, ONE)])
def test_a_final_step_that_another_follows_is_not_the_last(first: str, second: str) -> None:
    final = "final = true" + (first and f", {first}")
    steps = ladder(rung("manager", more=final), rung("director", more=second), rung("lead", more=REST))
    said = "is final, and step 2 comes after it; only the last step of a case is final"
    assert f"p.toml [ladder.up]: step 1: {said}" in faults_of(DISPUTE + steps)


def test_steps_that_share_the_cases_out_may_each_be_final() -> None:
    shared = (rung("director", more=f"final = true, {where}") for where in (ONE, REST))
    assert faults_of(DISPUTE + ladder(rung("manager"), *shared)) == []


@pytest.mark.parametrize(
    ("below", "above"),
    [("24 hours", "24 hours"), ("24 hours", "16 hours"), ("6 working days", "6 days"), ("1 month", "2 weeks")],
)
def test_a_rung_that_ends_before_or_with_the_one_below_has_no_time(below: str, above: str) -> None:
    below, above = f"{below} after dispute_raised", f"{above} after dispute_raised"
    [fault] = faults_of(DISPUTE + ladder(rung("manager", below), rung("director", above)))
    said = f"{above!r} does not end after step 1, {below!r}; give the higher step more time"
    assert fault == f"p.toml [ladder.up]: step 2: {said}"


@pytest.mark.parametrize(
    ("below", "above"),
    [
        ("16 hours after dispute_raised", "24 hours after dispute_raised"),
        ("3 working days after dispute_raised", "5 days after dispute_raised"),
        ("30 days after dispute_raised", "1 month after dispute_raised"),
        ("2 days after dispute_raised", "1 day after step_reached"),
        ("1 day after step_reached", "1 day after step_reached"),
    ],
)
def test_a_rung_that_ends_later_or_may_do_so_is_taken(below: str, above: str) -> None:
    assert faults_of(DISPUTE + ladder(rung("manager", below), rung("director", above))) == []


def test_steps_that_share_the_cases_out_may_end_together() -> None:
    due = "1 day after dispute_raised"
    assert faults_of(DISPUTE + ladder(rung("manager", due, ONE), rung("director", due, REST))) == []


# ---- bounds that exclude each other


def bounded(key: str, value: str, due: str) -> str:
    return standard(f'due = {due}\n{key} = "{value}"\nmet_by = "taf_held"')


@pytest.mark.parametrize(
    ("opens", "due"),
    [
        ("3 weeks after allocation", "2 weeks after allocation"),
        ("2 weeks after allocation", "2 weeks after allocation"),
        ("49 hours after allocation", "48 hours after allocation"),
        ("1 week after allocation", "same day as allocation"),
        ("11 working days after allocation", "10 days after allocation"),
        ("18th birthday", "3 months before 18th birthday"),
        ("1 month before case court_order_end", "3 months before case court_order_end"),
    ],
)
def test_a_rule_that_opens_after_its_limit_cannot_be_kept(opens: str, due: str) -> None:
    said = (
        f"p.toml [standard.plan]: not_before = {opens!r} opens after its limit, {due!r}, has passed; move one of them"
    )
    assert faults_of(bounded("not_before", opens, f'"{due}"')) == [said]
    assert faults_of(bounded("not_before", opens, f'["1 year after closed", "{due}"]')) == [said]


@pytest.mark.parametrize(
    ("opens", "due"),
    [
        ("13 days after allocation", "2 weeks after allocation"),
        ("48 hours after allocation", "48 hours after allocation"),
        ("10 working days after allocation", "2 weeks after allocation"),
        ("30 days after allocation", "1 month after allocation"),
        ("3 weeks after latest allocation", "2 weeks after allocation"),
        ("3 weeks after closed", "2 weeks after allocation"),
        ("3 weeks after allocation", "no set time after allocation"),
        ("same day as allocation", "same day as allocation"),
        ("18th birthday", "by 18th birthday"),
        ("3 months before case court_order_end", "1 month before case court_order_end"),
    ],
)
def test_a_rule_that_opens_in_time_or_may_do_so_is_taken(opens: str, due: str) -> None:
    assert faults_of(bounded("not_before", opens, f'"{due}"')) == []


def test_a_best_day_after_the_limit_is_refused_and_on_it_is_taken() -> None:
    for best, due in (("17 days", "2 weeks"), ("15 days", "14 days")):
        best, due = f"{best} after allocation", f"{due} after allocation"
        said = f"best_by = {best!r} lies after its limit, {due!r}; the best day comes first"
        assert faults_of(bounded("best_by", best, f'"{due}"')) == [f"p.toml [standard.plan]: {said}"]
    due = "2 weeks after allocation"
    assert faults_of(bounded("best_by", due, f'"{due}"')) == []
    assert faults_of(bounded("best_by", "46 days after allocation", '"no set time after allocation"')) == []


RHYTHM = """[rhythm.seen]
title = "Seen"
clause = "1"
every = "{every}"
best_by = "{best}"
from = "allocation"
met_by = "family_seen"
owner = "lead"
"""


def test_a_best_interval_longer_than_the_interval_is_refused_and_a_shorter_is_taken() -> None:
    [fault] = faults_of(RHYTHM.format(every="1 month", best="6 weeks"))
    said = "best_by = '6 weeks' lies after its limit, '1 month'; the best day comes first"
    assert fault == f"p.toml [rhythm.seen]: {said}"
    assert faults_of(RHYTHM.format(every="6 weeks", best="1 month")) == []
    assert faults_of(RHYTHM.format(every="1 month", best="4 weeks")) == []


# ---- what an event declares that it carries


RANG = '[event.rang]\ndetails = ["by", "outcome"]\n'
CHECK = '[check.asked]\ntitle = "Asked"\nclause = "1"\nat = "rang"\nowner = "lead"\nmust = { KEY = "x" }\n'
ASKS = [
    '[event.reached]\nof = "rang"\nwhere = { not = { KEY = "x" } }\n',
    '[event.reached]\nof = "rang"\nat_least = 2\ndifferent = { KEY = 2, day = 2 }\n',
    '[event.called]\nany = ["rang"]\n[event.reached]\nof = "called"\nwhere = { KEY = "x" }\n',
    CHECK,
]


@pytest.mark.parametrize("asks", ASKS, ids=["where", "different", "through-another", "must"])
def test_a_condition_asks_for_no_detail_that_the_event_does_not_declare(asks: str) -> None:
    [fault] = faults_of(RANG + asks.replace("KEY", "outcom"))
    said = "asks for the detail 'outcom', which rang does not declare; did you mean 'outcome'?"
    assert fault.endswith(f": {said}")
    assert fault.startswith(("p.toml [event.reached]: ", "p.toml [check.asked]: "))


@pytest.mark.parametrize("asks", ASKS, ids=["where", "different", "through-another", "must"])
def test_a_condition_asks_for_a_declared_detail_or_for_any_where_none_is_declared(asks: str) -> None:
    assert faults_of(RANG + asks.replace("KEY", "outcome")) == []
    assert faults_of("[event.rang]\n" + asks.replace("KEY", "outcom")) == []


def test_what_an_event_is_asked_may_be_a_fact_of_the_case() -> None:
    assert faults_of(RANG + CHECK.replace("KEY", "band")) == []


def test_a_rule_asks_its_start_for_no_detail_that_it_does_not_declare() -> None:
    rule = standard('due = "1 week after each rang"\nmet_by = "taf_held"\nwhere = { method = "phone" }')
    said = "asks for the detail 'method', which rang does not declare; add it to details"
    assert faults_of(RANG + rule) == [f"p.toml [standard.plan]: {said}"]
    assert faults_of(RANG.replace("by", "method") + rule) == []


# ---- the examples beside a policy


EXAMPLE = """[[example]]
rule = "plan"
events = ["2026-03-02 allocation", "2026-04-02 taf_held"]
at = "2026-04-02"
expect = [{ key = "plan", state = "met_late" }]
"""


def test_a_policy_for_which_no_example_stands_wants_them_and_one_that_has_them_wants_none() -> None:
    policy = read_policy(HEAD + standard(f'{DUE}met_by = "taf_held"'), "p.toml")
    wants = list(wanting(read_examples("", "examples.toml", policy), policy))
    assert wants == ["no example shows plan met; add one", "no example shows plan late; add one"]
    assert list(wanting(read_examples(EXAMPLE, "examples.toml", policy), policy)) == []


def test_an_example_names_no_edition_since_it_stands_for_each_of_its_folder() -> None:
    policy = read_policy(HEAD + standard(f'{DUE}met_by = "taf_held"'), "p.toml")
    with pytest.raises(PolicyRefused) as refused:
        read_examples(EXAMPLE + 'edition = "9"\n', "examples.toml", policy)
    assert refused.value.faults == ["examples.toml [[example]] 1: no key 'edition'"]
