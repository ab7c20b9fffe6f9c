"""What a plugin's files say of one another: coverage, rule list, readings, a worked case each way."""

from collections.abc import Iterator

from ehscheduler.core.examples import wanting
from ehscheduler.core.policy import Row
from ehscheduler.kit.plugin import Plugin
from ehscheduler.kit.worked import Counted, Routed, Workload

REASONS = ("a principle", "no event can say it", "a duplicate of a named rule", "outside the service")
"""Why a row of the rule list may be left without a rule."""


def coverage_faults(plugin: Plugin) -> list[str]:
    """Say where coverage.toml leaves a row or a rule in the air, or differs from the rule list where there is one."""
    listed = (_rows(plugin), _timed(plugin)) if plugin.rule_list is not None else ()
    faults = (*_twice(plugin), *(fault for part in listed for fault in part), *_held(plugin))
    return [f"{plugin.name} coverage.toml: {fault}" for fault in faults]


def _twice(plugin: Plugin) -> Iterator[str]:
    rows = [row["row"] for row in plugin.coverage]
    yield from (f"the row {row} stands {rows.count(row)} times" for row in dict.fromkeys(rows) if rows.count(row) > 1)


def _rows(plugin: Plugin) -> Iterator[str]:
    rows, listed = [row["row"] for row in plugin.coverage], (plugin.rule_list or {}).get("rows", [])
    yield from (f"the row {row} is missing; it is in tests/rule_list.toml" for row in listed if row not in rows)
    yield from (f"the row {row} is not in tests/rule_list.toml" for row in rows if row not in listed)
    if sorted(rows) == sorted(listed) and rows != listed:
        yield "the rows stand in another order than in tests/rule_list.toml"


def _held(plugin: Plugin) -> Iterator[str]:
    rules = plugin.rules
    for row in plugin.coverage:
        held, why = row.get("rule", []), row.get("why")
        if row["as"] == "P":
            if held or why not in REASONS:
                yield f"{row['row']} is P: give as 'why' one of {', '.join(REASONS)}, and no 'rule'"
            elif why == "a duplicate of a named rule" and not any(id_ in row.get("note", "") for id_ in rules):
                yield f"{row['row']} is a duplicate: name the rule in its 'note'"
        elif row["as"] not in ("T", "D") or not held or why is not None:
            yield f"{row['row']} must be T or D and name its 'rule', or be P and say why"
        yield from (f"{row['row']} names {rule}, which policy.toml does not have" for rule in held if rule not in rules)
    covered = {rule for row in plugin.coverage for rule in row.get("rule", ())}
    yield from (f"no row is held by {rule}; name it in a row, or take it out" for rule in rules if rule not in covered)


def _timed(plugin: Plugin) -> Iterator[str]:
    held = {rule for row in plugin.coverage if row["as"] == "T" for rule in row.get("rule", ())}
    timed = (plugin.rule_list or {}).get("timed", [])
    if not timed:
        yield "tests/rule_list.toml does not say which rules are 'timed'"
    yield from (f"{rule} is timed, and no row under T names it" for rule in timed if rule not in held)


def word_faults(plugin: Plugin) -> list[str]:
    """Say which of the policy's own words nobody could look up: without a title, or without the clause they serve."""
    own = (plugin.policy.words[name] for name in plugin.tables.get("event", {}))
    return [
        f"{plugin.policy.file} [event.{word.name}]: give it a title and a clause"
        for word in own
        if not (word.title and word.clause)
    ]


def reading_faults(plugin: Plugin) -> list[str]:
    """Say which readings nothing rests on, which have no answer, and which are neither signed nor marked as ours."""
    used, faults = rests_on(plugin), []
    for id_, reading in plugin.policy.readings.items():
        at = f"{plugin.policy.file} [reading.{id_}]"
        if id_ not in used:
            faults.append(f"{at}: nothing rests on it; name it under 'reading' in a rule, or take it out")
        if not (reading.answer and (reading.signed_by or reading.taken_by)):
            faults.append(f"{at}: has no answer, or nobody who took it; write answer and taken_by")
    return faults


def rests_on(plugin: Plugin) -> dict[str, list[str]]:
    """Return what rests on each reading: every rule, or tables by themselves or by a row or step of theirs."""
    found: dict[str, list[str]] = {id_: ["every rule"] for id_ in plugin.policy.rests_on}
    for id_, table in plugin.shapes():
        for part in (table, *table.get("rows", ()), *table.get("steps", ())):
            named = part.get("reading", [])
            for reading in [named] if isinstance(named, str) else named:
                rules = found.setdefault(reading, [])
                if id_ not in rules:
                    rules.append(id_)
    return found


def example_faults(plugin: Plugin) -> list[str]:
    """Say which rule has no case in time or none out of time, and which check, route or limit is shown one way only."""
    guides = {id_ for id_, rule in plugin.policy.rules.items() if rule.force == "guide"}
    counted = [one for one in plugin.worked if isinstance(one, Counted)]
    wanted = wanting([one.example for one in counted], plugin.policy)
    late = {f"no example shows {id_} late; add one" for id_ in guides}
    faults = [_placed(plugin, said) for said in wanted if said not in late]
    for check in plugin.policy.checks:
        failed = {bool(one.table.get("notices") or one.table.get("warnings")) for one in counted if one.rule == check}
        faults += [
            _placed(plugin, f"no example shows {check} {said}; add one")
            for said, way in _BOTH.items()
            if way not in failed
        ]
    for id_, route in plugin.policy.routes.items():
        led = {str(one.table["team"]) for one in plugin.worked if isinstance(one, Routed) and one.rule == id_}
        faults += [
            f"{plugin.place(id_)}: no [[routed]] case leads to {row.to}" for row in route.rows if not _leads(row, led)
        ]
    for limit in plugin.policy.limits:
        told = {bool(one.table["told"]) for one in plugin.worked if isinstance(one, Workload) and one.rule == limit}
        if told != {True, False}:
            faults.append(f"{plugin.place(limit)}: wants a [[workload]] case within the limit and one over it")
    return faults


def _placed(plugin: Plugin, said: str) -> str:
    """Put before a wish for an example where its rule stands."""
    return f"{plugin.place(said.split()[3])}: {said} to examples.toml"


_BOTH = {"hold": False, "fail": True}


def _leads(row: Row, led: set[str]) -> bool:
    return bool(led) if row.latest else row.to in led
