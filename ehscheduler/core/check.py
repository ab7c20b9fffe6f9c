"""What a policy file must keep as a whole: every word is declared, and every rule can fire and reach somebody."""

from collections.abc import Iterable, Iterator

from ehscheduler.core.calendars import Span
from ehscheduler.core.check_details import keys_of, known_details
from ehscheduler.core.check_ladders import sense_of_ladder
from ehscheduler.core.check_names import (
    LADDER_ANCHORS,
    known_anchor,
    known_cond,
    known_due,
    known_event,
    known_fact,
    known_length,
    known_readings,
    known_role,
)
from ehscheduler.core.check_sense import sense_of
from ehscheduler.core.phrases import Anchor, Begin, Due, Every
from ehscheduler.core.policy import (
    AllOf,
    AnyOf,
    Check,
    Cond,
    Happened,
    Meeting,
    Not,
    Policy,
    Rhythm,
    Route,
    Rule,
    Standard,
)
from ehscheduler.core.sitting_days import SAID, sitting_day
from ehscheduler.core.vocabulary import ASKED_OF_DETAIL, nearest


def cross_check(policy: Policy) -> list[str]:
    """Return every fault that only shows when the tables are seen together, as sentences."""
    faults = [*_words(policy), *_one_id_each(policy), *_roles(policy)]
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


def _one_id_each(policy: Policy) -> Iterator[str]:
    """Report an id that stands for two things: notices and examples name rules, checks, limits and routes alike."""
    kinds = {"check": policy.checks, "meeting": policy.meetings, "limit": policy.limits, "route": policy.routes}
    seen = dict.fromkeys(policy.rules, "standard or rhythm")
    for kind, tables in kinds.items():
        for id_ in tables:
            if id_ in seen:
                yield f"{policy.file} [{kind}.{id_}]: has the id of a {seen[id_]}; an id stands for one thing"
            seen.setdefault(id_, kind)


def _roles(policy: Policy) -> Iterator[str]:
    """Report a role that comes back to itself by way of the roles it stands for."""
    for name, value in policy.roles.items():
        ahead, seen = list(value) if isinstance(value, tuple) else [], set[str]()
        while ahead:
            role = ahead.pop()
            if role == name:
                yield f"{policy.file} [roles]: {name} goes in a circle: it stands for itself, so it reaches nobody"
                break
            part = policy.roles.get(role)
            if role not in seen and isinstance(part, tuple):
                ahead += part
            seen.add(role)


def _words(policy: Policy) -> Iterator[str]:
    for word in policy.words.values():
        at = f"{policy.file} [event.{word.name}]"
        for anchor in word.any:
            yield from (f"{at} any: {fault}" for fault in known_anchor(policy, anchor))
        for part in (*word.all, *((word.of,) if word.of else ())):
            yield from (f"{at}: {fault}" for fault in known_event(policy, part))
        yield from (f"{at}: {fault}" for fault in known_cond(policy, word.where, facts=False))
        yield from (f"{at} within: {fault}" for fault in known_length(policy, word.within))
        asked = {*keys_of(word.where), *word.different} - {"day"}
        yield from (f"{at}: {fault}" for fault in known_details(policy, word.of, asked) if word.of)


def _shapes(policy: Policy) -> Iterator[str]:
    """Check the tables that are neither rule nor ladder: every word, role, fact and reading in them is declared."""
    for check in policy.checks.values():
        yield from (f"{policy.file} [check.{check.id}]: {fault}" for fault in _check(policy, check))
    for meeting in policy.meetings.values():
        at = f"{policy.file} [meeting.{meeting.id}]"
        for role in filter(None, (meeting.chair,)):
            yield from (f"{at}: {fault}" for fault in known_role(policy, role))
        if meeting.per:
            yield from (f"{at}: {fault}" for fault in known_fact(policy, meeting.per))
        yield from (f"{at}: {fault}" for fault in _sits(policy, meeting))
        yield from (f"{at}: {fault}" for fault in known_readings(policy, meeting.readings))
    for limit in policy.limits.values():
        at = f"{policy.file} [limit.{limit.id}]"
        for role in (limit.who, *limit.tell):
            yield from (f"{at}: {fault}" for fault in known_role(policy, role))
        yield from (f"{at}: {fault}" for fault in known_readings(policy, limit.readings))
    for route in policy.routes.values():
        yield from (f"{policy.file} [route.{route.id}]: {fault}" for fault in _route(policy, route))


def _sits(policy: Policy, meeting: Meeting) -> Iterator[str]:
    """Report a meeting whose day is to come from a reading that is not there, or that gives something else."""
    if not meeting.day_from:
        return
    yield from known_readings(policy, [meeting.day_from])
    reading = policy.readings.get(meeting.day_from)
    if reading and not reading.open and sitting_day(reading.value) is None:
        yield f"takes its day from the reading {meeting.day_from!r}, whose value is no day such as {SAID}"


def _check(policy: Policy, check: Check) -> Iterator[str]:
    for anchor in (check.at, *check.needs, *((check.since,) if isinstance(check.since, Anchor) else ())):
        yield from known_anchor(policy, anchor)
    for role in (check.owner, *check.tell):
        yield from known_role(policy, role)
    yield from known_cond(policy, check.where)
    yield from known_cond(policy, check.must, facts=False)
    of_the_case = {"age", *policy.facts, *policy.hooks}
    yield from known_details(policy, check.at.word, {*keys_of(check.must)} - of_the_case)
    yield from known_length(policy, check.since if isinstance(check.since, Span) else None)
    if check.not_before:
        yield from known_due(policy, check.not_before)
    yield from known_readings(policy, check.readings)


def _route(policy: Policy, route: Route) -> Iterator[str]:
    yield from known_anchor(policy, route.at)
    for row in route.rows:
        yield from known_cond(policy, row.where)
        if row.latest:
            yield from known_event(policy, row.latest)
        yield from known_readings(policy, row.readings)


def _rule(policy: Policy, rule: Standard | Rhythm) -> Iterator[str]:
    for anchor in (*rule.met_by, *rule.unless):
        yield from known_anchor(policy, anchor)
    for role in (rule.owner, *rule.tell, *rule.may_extend):
        yield from known_role(policy, role)
    yield from known_readings(policy, rule.readings)
    for ladder in filter(None, (rule.escalate, rule.decided_by)):
        if ladder not in policy.ladders:
            yield f"no ladder {ladder!r} is declared{nearest(ladder, list(policy.ladders))}"
    yield from _decided(policy, rule)
    yield from _escalated(policy, rule)
    yield from known_cond(policy, rule.where)
    yield from _asked_of_start(policy, rule)
    yield from _limits(policy, rule)
    yield from _never(rule)
    yield from sense_of(policy, rule)


def _asked_of_start(policy: Policy, rule: Standard | Rhythm) -> Iterator[str]:
    """Report what a rule's condition asks of the one event that starts its clock, and that event cannot carry."""
    if isinstance(rule, Rhythm):
        starts = {phase.begin.anchor for phase in rule.phases}
    else:
        starts = {due.anchor for due in rule.due if due.anchor}
    if len(starts) == 1:
        of_the_case = {"age", *policy.facts, *policy.hooks}
        asked = {*keys_of(rule.where)} & {*ASKED_OF_DETAIL} - of_the_case
        yield from known_details(policy, starts.pop().word, asked)


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
        elif word == "limit":
            yield f"step {n} of its ladder {ladder.id} counts from the limit; in a dispute count from the dispute"
        elif step.due.anchor is None:
            yield f"step {n} of its ladder {ladder.id} counts back from a date; a rung counts from the dispute"


def _escalated(policy: Policy, rule: Standard | Rhythm) -> Iterator[str]:
    """Report a rung for overdue work that counts from something else than the work's running over."""
    ladder = policy.ladders.get(rule.escalate)
    for n, step in enumerate(ladder.steps if ladder else (), 1):
        if step.due.anchor is None or step.due.anchor.name not in (*LADDER_ANCHORS, f"{rule.id} overdue"):
            yield f"step {n} of its ladder {rule.escalate} counts from no limit, step_reached or {rule.id} overdue"


def _limits(policy: Policy, rule: Standard | Rhythm) -> Iterator[str]:
    if isinstance(rule, Standard):
        for due in (*rule.due, *filter(None, (rule.not_before,))):
            yield from known_due(policy, due)
        if isinstance(rule.best_by, Due):
            yield from known_due(policy, rule.best_by)
        each = [due for due in rule.due if due.anchor and due.anchor.which == "each"]
        if len({due.anchor.word for due in each if due.anchor}) > 1:
            yield "counts from each of two different events; one rule follows the occurrences of one event"
        return
    for phase in rule.phases:
        yield from _begin(policy, phase.begin)
        for every in (*phase.every, *filter(None, (phase.best_by,))):
            yield from _every(policy, every)


def _begin(policy: Policy, begin: Begin) -> Iterator[str]:
    yield from known_anchor(policy, begin.anchor)
    yield from known_length(policy, begin.length)
    if isinstance(begin.length, Span) and begin.length.in_hours:
        yield f"from = {begin.text!r}: a phase begins after days, weeks, months or years"


def _every(policy: Policy, every: Every) -> Iterator[str]:
    if every.nth is not None:
        yield from known_anchor(policy, every.nth)
    yield from known_length(policy, every.length)


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
    yield from sense_of_ladder(ladder)
    for n, step in enumerate(ladder.steps, 1):
        for role in step.who:
            yield from (f"step {n}: {fault}" for fault in known_role(policy, role))
        if step.due.anchor and step.due.anchor.which != "first":
            yield f"step {n}: a rung counts from its own dispute; write 'after {step.due.anchor.word}'"
        yield from (f"step {n}: {fault}" for fault in known_due(policy, step.due, in_ladder=True))
        yield from (f"step {n}: {fault}" for fault in known_cond(policy, step.where))
        yield from (f"step {n}: {fault}" for fault in known_readings(policy, step.readings))
        for m, below in enumerate(ladder.steps[: max(0, n - 2)], 1):
            if set(step.who) == set(below.who) and (step.where == below.where or not (step.where and below.where)):
                said = " and ".join(step.who)
                yield f"step {n}: goes in a circle: it comes back to {said}, who heard at step {m}; a ladder climbs"


def _rings(policy: Policy) -> Iterator[str]:
    """Report words and rules that hang on themselves: a word by its definition, a rule by its own running over."""
    parts = {
        w.name: {*(a.name for a in w.any), *w.all, *((w.of,) if w.of else ()), *_happening_in(w.where)}
        for w in policy.words.values()
    }
    for rule in policy.rules.values():
        parts[f"{rule.id} overdue"] = {*(anchor.name for anchor in _hangs_on(rule)), *_happening_in(rule.where)}
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


def _happening_in(cond: Cond | None) -> Iterator[str]:
    """Yield the words whose happening a condition asks for."""
    match cond:
        case Happened(word=word):
            yield word
        case Not(cond=inner):
            yield from _happening_in(inner)
        case AnyOf(conds=conds) | AllOf(conds=conds):
            for inner in conds:
                yield from _happening_in(inner)


def _hangs_on(rule: Standard | Rhythm) -> Iterator[Anchor]:
    yield from (*rule.met_by, *rule.unless)
    if isinstance(rule, Standard):
        dues = [*rule.due, *filter(None, (rule.not_before,))]
        yield from (due.anchor for due in dues if due.anchor)
        yield from (due.target.anchor for due in dues if due.target and due.target.anchor)
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
