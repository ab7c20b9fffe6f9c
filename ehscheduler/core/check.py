"""What a policy file must keep as a whole: every word is declared, and every rule can fire and reach somebody."""

from collections.abc import Iterable, Iterator
from datetime import date

from ehscheduler.core.calendars import Span
from ehscheduler.core.phrases import Anchor, Begin, Due, Every, FactSpan, Length, ReadingSpan
from ehscheduler.core.policy import (
    AllOf,
    AnyOf,
    Check,
    Compare,
    Cond,
    Happened,
    Known,
    Not,
    Policy,
    Rhythm,
    Route,
    Rule,
    Standard,
)
from ehscheduler.core.vocabulary import ASKED_OF_DETAIL, nearest


def cross_check(policy: Policy) -> list[str]:
    """Return every fault that only shows when the tables are seen together, as sentences."""
    faults = list(_words(policy))
    for rule in policy.rules.values():
        at = f"{policy.file} [{'standard' if isinstance(rule, Standard) else 'rhythm'}.{rule.id}]"
        faults += [f"{at}: {fault}" for fault in _rule(policy, rule)]
    for ladder in policy.ladders.values():
        at = f"{policy.file} [ladder.{ladder.id}]"
        faults += [f"{at}: {fault}" for fault in _ladder(policy, ladder.id)]
    faults += _shapes(policy)
    faults += _rings(policy)
    faults += _disagreements(policy)
    return faults


def _words(policy: Policy) -> Iterator[str]:
    for word in policy.words.values():
        at = f"{policy.file} [event.{word.name}]"
        for anchor in word.any:
            yield from (f"{at} any: {fault}" for fault in _anchor(policy, anchor))
        for part in (*word.all, *((word.of,) if word.of else ())):
            yield from (f"{at}: {fault}" for fault in _event(policy, part))


def _event(policy: Policy, word: str) -> Iterator[str]:
    if word not in policy.words:
        yield f"no event {word!r} is declared{nearest(word, list(policy.words))}"


def _anchor(policy: Policy, anchor: Anchor) -> Iterator[str]:
    if anchor.overdue:
        if anchor.word not in policy.rules:
            yield f"no rule {anchor.word!r} is declared{nearest(anchor.word, list(policy.rules))}"
    else:
        yield from _event(policy, anchor.word)


def _meeting_named(policy: Policy, name: str) -> Iterator[str]:
    if name not in policy.meetings:
        yield f"no meeting {name!r} is declared{nearest(name, list(policy.meetings))}"


def _shapes(policy: Policy) -> Iterator[str]:
    """Check the tables that are neither rule nor ladder: every word, role, fact and reading in them is declared."""
    for check in policy.checks.values():
        yield from (f"{policy.file} [check.{check.id}]: {fault}" for fault in _check(policy, check))
    for meeting in policy.meetings.values():
        at = f"{policy.file} [meeting.{meeting.id}]"
        for role in filter(None, (meeting.chair,)):
            yield from (f"{at}: {fault}" for fault in _role(policy, role))
        if meeting.per:
            yield from (f"{at}: {fault}" for fault in _fact(policy, meeting.per))
        yield from (f"{at}: {fault}" for fault in _readings(policy, meeting.readings))
    for limit in policy.limits.values():
        at = f"{policy.file} [limit.{limit.id}]"
        for role in (limit.who, *limit.tell):
            yield from (f"{at}: {fault}" for fault in _role(policy, role))
        yield from (f"{at}: {fault}" for fault in _readings(policy, limit.readings))
    for route in policy.routes.values():
        yield from (f"{policy.file} [route.{route.id}]: {fault}" for fault in _route(policy, route))


def _check(policy: Policy, check: Check) -> Iterator[str]:
    for anchor in (check.at, *check.needs, *((check.since,) if isinstance(check.since, Anchor) else ())):
        yield from _anchor(policy, anchor)
    for role in (check.owner, *check.tell):
        yield from _role(policy, role)
    yield from _cond(policy, check.where)
    if check.not_before:
        yield from _due(policy, check.not_before)
    yield from _readings(policy, check.readings)


def _route(policy: Policy, route: Route) -> Iterator[str]:
    yield from _anchor(policy, route.at)
    for row in route.rows:
        yield from _cond(policy, row.where)
        if row.latest:
            yield from _event(policy, row.latest)
        yield from _readings(policy, row.readings)


def _readings(policy: Policy, named: Iterable[str]) -> Iterator[str]:
    for reading in named:
        if reading not in policy.readings:
            yield f"no reading {reading!r} is declared{nearest(reading, list(policy.readings))}"


def _length(policy: Policy, length: Length | None) -> Iterator[str]:
    if isinstance(length, FactSpan):
        yield from _fact(policy, length.fact, "duration")
    elif isinstance(length, ReadingSpan):
        reading = policy.readings.get(length.reading)
        if reading is None:
            yield f"no reading {length.reading!r} is declared{nearest(length.reading, list(policy.readings))}"
        elif not (reading.value or reading.open):
            yield f"takes its length from the reading {length.reading!r}, which has no 'value'"
    elif isinstance(length, Span) and length.unit == "office hour" and policy.hours is None:
        yield f"counts {length}, but [policy] hours does not say when the office is open"


def _fact(policy: Policy, fact: str, kind: str | None = None) -> Iterator[str]:
    if fact not in policy.facts:
        yield f"no fact {fact!r} is declared in [facts]{nearest(fact, list(policy.facts))}"
    elif kind and policy.facts[fact] != kind:
        yield f"the fact {fact!r} is a {policy.facts[fact]}, and a {kind} is needed here"


def _due(policy: Policy, due: Due, *, in_ladder: bool = False) -> Iterator[str]:
    if due.how == "next":
        yield from _meeting_named(policy, due.meeting)
    yield from _length(policy, due.length)
    if due.backward and isinstance(due.length, Span) and due.length.in_hours:
        yield f"{due.text!r}: a limit counted back from a date needs days, weeks, months or years"
    if due.anchor and not (in_ladder and due.anchor.word == "step_reached"):
        yield from _anchor(policy, due.anchor)
    if due.target:
        if due.target.kind == "fact":
            yield from _fact(policy, due.target.name, "date")
        elif due.target.kind == "meeting":
            yield from _meeting_named(policy, due.target.name)
        if due.target.anchor:
            yield from _anchor(policy, due.target.anchor)


def _cond(policy: Policy, cond: Cond | None, *, facts: bool = True) -> Iterator[str]:
    match cond:
        case Compare(fact=fact):
            if facts:
                yield from _fact_or_detail(policy, fact)
                yield from _kind(policy, cond)
        case Known(facts=names):
            for name in names:
                yield from _fact_or_detail(policy, name)
        case Happened(word=word):
            yield from _event(policy, word)
        case Not(cond=inner):
            yield from _cond(policy, inner, facts=facts)
        case AnyOf(conds=conds) | AllOf(conds=conds):
            for inner in conds:
                yield from _cond(policy, inner, facts=facts)


def _fact_or_detail(policy: Policy, name: str) -> Iterator[str]:
    """A condition of a rule reads declared facts and the plugin's own conditions; an event's detail may carry them."""
    if not (name in policy.facts or name in policy.hooks or name in ASKED_OF_DETAIL):
        yield from _fact(policy, name)


_KINDS: dict[str, tuple[tuple[type, ...], str]] = {
    "word": ((str,), "a text in quotes"),
    "number": ((int, float), "a number"),
    "yes/no": ((bool,), "true or false"),
    "date": ((date,), "a date without quotes"),
}


def _kind(policy: Policy, test: Compare) -> Iterator[str]:
    """Report a test that no value of the fact can ever pass."""
    computed = {"age": "number", **dict.fromkeys(policy.hooks, "yes/no")}
    kind = computed.get(test.fact) or policy.facts.get(test.fact, "")
    types, said = _KINDS.get(kind, ((), ""))
    bounds = [value for value in (test.under, test.over, test.at_least, test.at_most) if value is not None]
    if not types:
        return
    if bounds and kind in ("word", "yes/no"):
        yield f"{test.fact} is a {kind}, which has no bounds"
    for value in (*test.values, *bounds):
        if not isinstance(value, types) or isinstance(value, bool) != (kind == "yes/no"):
            yield f"{test.fact} is a {kind}, so {value!r} can never be its value; write {said}"


def _role(policy: Policy, role: str) -> Iterator[str]:
    if role and role not in policy.roles:
        yield f"no role {role!r} is declared in [roles]{nearest(role, list(policy.roles))}"


def _rule(policy: Policy, rule: Standard | Rhythm) -> Iterator[str]:
    for anchor in (*rule.met_by, *rule.unless):
        yield from _anchor(policy, anchor)
    for role in (rule.owner, *rule.tell, *rule.may_extend):
        yield from _role(policy, role)
    for reading in rule.readings:
        if reading not in policy.readings:
            yield f"no reading {reading!r} is declared{nearest(reading, list(policy.readings))}"
    for ladder in filter(None, (rule.escalate, rule.decided_by)):
        if ladder not in policy.ladders:
            yield f"no ladder {ladder!r} is declared{nearest(ladder, list(policy.ladders))}"
    yield from _decided(policy, rule)
    yield from _cond(policy, rule.where)
    yield from _limits(policy, rule)
    yield from _never(rule)


def _decided(policy: Policy, rule: Standard | Rhythm) -> Iterator[str]:
    """Report a rung that counts from something else than the event that starts the rule's own clock."""
    ladder = policy.ladders.get(rule.decided_by)
    if ladder is None:
        return
    if isinstance(rule, Rhythm):
        yield "decided_by: a dispute is decided once; write a standard"
        return
    starts = {due.anchor.word for due in rule.due if due.anchor and due.anchor.word in policy.words}
    starts |= {word for start in starts for word in policy.behind(start)} | {"step_reached"}
    for n, step in enumerate(ladder.steps, 1):
        word = step.due.anchor.word if step.due.anchor else ""
        if word in policy.words and word not in starts:
            yield f"step {n} of its ladder {ladder.id} counts from {word}, and this rule's clock does not start there"
        elif step.due.anchor is None:
            yield f"step {n} of its ladder {ladder.id} counts back from a date; a rung counts from the dispute"


def _limits(policy: Policy, rule: Standard | Rhythm) -> Iterator[str]:
    if isinstance(rule, Standard):
        for due in (*rule.due, *filter(None, (rule.not_before,))):
            yield from _due(policy, due)
        if isinstance(rule.best_by, Due):
            yield from _due(policy, rule.best_by)
        each = [due for due in rule.due if due.anchor and due.anchor.which == "each"]
        if len({due.anchor.word for due in each if due.anchor}) > 1:
            yield "counts from each of two different events; one rule follows the occurrences of one event"
        return
    for phase in rule.phases:
        yield from _begin(policy, phase.begin)
        for every in (*phase.every, *filter(None, (phase.best_by,))):
            yield from _every(policy, every)


def _begin(policy: Policy, begin: Begin) -> Iterator[str]:
    yield from _anchor(policy, begin.anchor)
    yield from _length(policy, begin.length)
    if isinstance(begin.length, Span) and begin.length.in_hours:
        yield f"from = {begin.text!r}: a phase begins after days, weeks, months or years"


def _every(policy: Policy, every: Every) -> Iterator[str]:
    if every.nth is not None:
        yield from _anchor(policy, every.nth)
    yield from _length(policy, every.length)


def _never(rule: Rule) -> Iterator[str]:
    anchors: Iterable[Anchor | None]
    if isinstance(rule, Standard):
        anchors = [due.anchor for due in rule.due]
    elif isinstance(rule, Rhythm):
        anchors = [rule.phases[0].begin.anchor] if rule.phases else []
    else:
        anchors = []
    unless = {u.word for u in rule.unless}
    if anchors and all(a is not None and a.word in unless for a in anchors):
        yield "can never fire: the event it counts from also cancels it (unless)"


def _ladder(policy: Policy, id_: str) -> Iterator[str]:
    ladder = policy.ladders[id_]
    if not ladder.steps:
        yield "reaches nobody: it has no steps"
    for n, step in enumerate(ladder.steps, 1):
        for role in step.who:
            yield from (f"step {n}: {fault}" for fault in _role(policy, role))
        if step.due.anchor and step.due.anchor.which != "first":
            yield f"step {n}: a rung counts from its own dispute; write 'after {step.due.anchor.word}'"
        yield from (f"step {n}: {fault}" for fault in _due(policy, step.due, in_ladder=True))
        yield from (f"step {n}: {fault}" for fault in _cond(policy, step.where))
        for reading in step.readings:
            if reading not in policy.readings:
                yield f"step {n}: no reading {reading!r} is declared{nearest(reading, list(policy.readings))}"


def _rings(policy: Policy) -> Iterator[str]:
    """Report words and rules that hang on themselves: a word by its definition, a rule by its own running over."""
    parts = {w.name: {*(a.name for a in w.any), *w.all, *((w.of,) if w.of else ())} for w in policy.words.values()}
    for rule in policy.rules.values():
        parts[f"{rule.id} overdue"] = {anchor.name for anchor in _hangs_on(rule)}
    for name, first in parts.items():
        seen: set[str] = set()
        ahead = set(first)
        while ahead:
            at = ahead.pop()
            if at == name:
                kind = "standard/rhythm" if name.endswith(" overdue") else "event"
                yield f"{policy.file} [{kind}.{name}]: is defined by way of itself, so it can never happen"
                break
            if at not in seen:
                seen.add(at)
                ahead |= parts.get(at, set())


def _hangs_on(rule: Standard | Rhythm) -> Iterator[Anchor]:
    yield from (*rule.met_by, *rule.unless)
    if isinstance(rule, Standard):
        yield from (due.anchor for due in rule.due if due.anchor)
    else:
        yield from (phase.begin.anchor for phase in rule.phases)


def _disagreements(policy: Policy) -> Iterator[str]:
    """Report two standards that give one duty two limits, where no reading says why."""
    seen: dict[object, Standard] = {}
    for rule in policy.rules.values():
        if not isinstance(rule, Standard) or not rule.due or not rule.met_by:
            continue
        duty = (
            frozenset(rule.met_by),
            rule.where,
            rule.per_child,
            frozenset(due.anchor for due in rule.due),
            frozenset(due.target for due in rule.due),
        )
        other = seen.setdefault(duty, rule)
        if other is not rule and not (rule.readings or other.readings):
            yield (
                f"{policy.file} [standard.{rule.id}]: disagrees with {other.id}: one duty, two limits; "
                "record a reading that says why both stand"
            )
