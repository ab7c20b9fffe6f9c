"""A policy in words: every table of it as rows that a program reads, and as lines that its owner reads."""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ehscheduler.core.calendars import Span
from ehscheduler.core.phrases import Anchor
from ehscheduler.core.policy import (
    AnyOf,
    Check,
    Compare,
    Cond,
    EventWord,
    Happened,
    Known,
    Ladder,
    Meeting,
    Not,
    Policy,
    Reading,
    Rhythm,
    Route,
    Standard,
    Step,
    WorkLimit,
)
from ehscheduler.errors import PolicyRefused

Row = dict[str, Any]


def rules(read: Policy) -> list[Row]:
    return [_rule(rule, read) for rule in read.rules.values()]


def _rule(rule: Standard | Rhythm, read: Policy) -> Row:
    return {
        "rule": rule.id,
        "title": rule.title,
        "clause": ", ".join(rule.clause),
        "when": _when(rule),
        "where": said_cond(rule.where),
        "unless": _any(rule.unless),
        "best_by": rule.best_by.text if rule.best_by else "",
        "met_by": _any(rule.met_by),
        "roll": getattr(rule, "roll", "") or "",
        "remind": [one.text for one in rule.remind] if rule.dated else [],
        "owner": read.title_of_role(rule.owner),
        "tell": [read.title_of_role(role) for role in rule.tell],
        "may_extend": [read.title_of_role(role) for role in rule.may_extend],
        "ladder": rule.decided_by or rule.escalate,
        "runs_through": list(rule.runs_through),
        "force": rule.force,
        "readings": ", ".join(rule.readings),
    }


def _when(rule: Standard | Rhythm) -> str:
    each = ", for each child" if rule.per_child else ""
    if isinstance(rule, Standard):
        opens = f"; not before {rule.not_before.text}" if rule.not_before else ""
        return "; or ".join(due.text for due in rule.due) + each + opens
    stretches = []
    for phase in rule.phases:
        name = f"{phase.name}: " if phase.name else ""
        stretches.append(f"{name}every {' or '.join(e.text for e in phase.every)} from {phase.begin.text}")
    return "; ".join(stretches) + each


def checks(read: Policy) -> list[Row]:
    return [_check(check, read) for check in read.checks.values()]


def _check(check: Check, read: Policy) -> Row:
    asks = [
        f"{' and '.join(anchor.said for anchor in check.needs)} comes first{_reach(check)}" if check.needs else "",
        f"it says {said_cond(check.must)}" if check.must else "",
        f"not before {check.not_before.text}" if check.not_before else "",
    ]
    return {
        "check": check.id,
        "title": check.title,
        "clause": ", ".join(check.clause),
        "at": check.at.said,
        "asks": "; ".join(filter(None, asks)),
        "where": said_cond(check.where),
        "owner": read.title_of_role(check.owner),
        "tell": [read.title_of_role(role) for role in check.tell],
        "force": check.force,
        "readings": ", ".join(check.readings),
    }


def _reach(check: Check) -> str:
    """Say how far back what comes first may lie."""
    if check.since is None:
        return ""
    return f", in the {check.since} before" if isinstance(check.since, Span) else f", since {check.since.said}"


def words(read: Policy) -> list[Row]:
    """Return the words that are made of others, each with what makes it."""
    return [
        {"word": word.name, "title": word.title, "clause": ", ".join(word.clause), "made_of": _made_of(word)}
        for word in read.words.values()
        if not word.recorded
    ]


def _made_of(word: EventWord) -> str:
    if not word.of:
        return " or ".join(one.said for one in word.any) or " and ".join(word.all)
    within = f" within {word.within}, the first day counted" if word.within else ""
    apart = " and ".join(f"{n} different {name}s" for name, n in word.different.items())
    times = f"{word.at_least} times{within}: " if word.at_least > 1 or within else ""
    where = f" where {said_cond(word.where)}" if word.where else ""
    return f"{times}{word.of}{where}{f', with {apart}' if apart else ''}"


def routes(read: Policy) -> list[Row]:
    return [_route(route) for route in read.routes.values()]


def _route(route: Route) -> Row:
    to = [
        (f"the team of the latest {row.latest}" if row.latest else row.to)
        + (f" where {said_cond(row.where)}" if row.where else "")
        for row in route.rows
    ]
    clause = ", ".join(route.clause)
    return {"route": route.id, "title": route.title, "clause": clause, "at": route.at.said, "to": to}


def ladders(read: Policy) -> list[Row]:
    return [_ladder(ladder, read) for ladder in read.ladders.values()]


def _ladder(ladder: Ladder, read: Policy) -> Row:
    steps = [step_words(step, read) for step in ladder.steps]
    return {"ladder": ladder.id, "title": ladder.title, "clause": ", ".join(ladder.clause), "steps": steps}


def step_words(step: Step, read: Policy) -> str:
    """Say one rung of a ladder: who, where, and by when."""
    who = (" and " if step.together else " or ").join(read.title_of_role(role) for role in step.who)
    where = f" where {said_cond(step.where)}" if step.where else ""
    rests = f" (reading {', '.join(step.readings)})" if step.readings else ""
    return f"{who}{where}: {step.due.text}{'; again until recorded' if step.final else ''}{rests}"


def meetings(read: Policy) -> list[Row]:
    return [_meeting(meeting, read) for meeting in read.meetings.values()]


def _meeting(meeting: Meeting, read: Policy) -> Row:
    return {
        "meeting": meeting.id,
        "title": meeting.title,
        "clause": ", ".join(meeting.clause),
        "on": meeting.on.text if meeting.on else "",
        "per": meeting.per,
        "cut_off": str(meeting.cut_off or ""),
        "bank_holiday": meeting.bank_holiday,
        "chair": read.title_of_role(meeting.chair) if meeting.chair else "",
        "readings": ", ".join(meeting.readings),
    }


def limits(read: Policy) -> list[Row]:
    return [_limit(limit, read) for limit in read.limits.values()]


def _limit(limit: WorkLimit, read: Policy) -> Row:
    return {
        "limit": limit.id,
        "title": limit.title,
        "clause": ", ".join(limit.clause),
        "who": read.title_of_role(limit.who),
        "at_most": dict(limit.at_most),
        "at_least": dict(limit.at_least),
        "pro_rata": limit.pro_rata,
        "tell": [read.title_of_role(role) for role in limit.tell],
        "readings": ", ".join(limit.readings),
    }


def readings(read: Policy) -> list[Row]:
    return [_reading(reading) for reading in read.readings.values()]


def _reading(reading: Reading) -> Row:
    stands = f"signed by {reading.signed_by}" if reading.signed_by else f"taken by {reading.taken_by or 'nobody'}"
    return {
        "reading": reading.id,
        "clause": ", ".join(reading.clauses),
        "stands": stands,
        "asks": reading.asks,
        "answer": reading.answer,
    }


def not_encoded(folder: Path) -> list[Row]:
    """Return the rows of the document that the policy does not hold, from coverage.toml beside it, each with why."""
    path = folder / "coverage.toml"
    try:
        rows = tomllib.loads(path.read_text(encoding="utf-8")).get("rows", [])
    except FileNotFoundError:
        return []
    except (OSError, ValueError) as error:
        raise PolicyRefused([f"{path.name}: cannot be read: {error}"]) from None
    return [
        {name: row.get(name, "") for name in ("row", "clause")}
        | {"why": row.get("why") or "to be encoded", "note": row.get("note", "")}
        for row in rows
        if row.get("as") == "P" or not row.get("rule")
    ]


# ---- conditions


def said_cond(cond: Cond | None) -> str:
    """Say a condition in words; blank where there is none."""
    match cond:
        case None:
            return ""
        case Compare():
            return _said_compare(cond)
        case Known(facts=facts):
            return f"{' and '.join(facts)} is known"
        case Happened(word=word, within=within):
            return f"{word} happened{f' within {within}' if within else ''}"
        case Not(cond=inner):
            return f"not ({said_cond(inner)})"
        case AnyOf(conds=conds):
            return " or ".join(map(_inner, conds))
    return " and ".join(map(_inner, cond.conds))


def _inner(cond: Cond) -> str:
    said = said_cond(cond)
    return said if isinstance(cond, Compare | Known | Happened | Not) else f"({said})"


def _said_compare(test: Compare) -> str:
    if test.values:
        return f"{test.fact} is {' or '.join(map(_value, test.values))}"
    bounds = {"under": test.under, "over": test.over, "at least": test.at_least, "at most": test.at_most}
    return f"{test.fact} is " + " and ".join(f"{word} {_value(b)}" for word, b in bounds.items() if b is not None)


def _value(value: object) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _any(anchors: Iterable[Anchor]) -> str:
    return " or ".join(anchor.said for anchor in anchors)


# ---- for people

Lines = Callable[[Row], Iterator[str]]


def rule_lines(row: Row) -> Iterator[str]:
    yield f"{row['rule']}: {row['title']} ({row['clause']})"
    yield row["when"] + (f"; best by {row['best_by']}" if row["best_by"] else "")
    if row["where"]:
        yield f"where {row['where']}"
    yield f"done by {row['met_by']}" + (f"; called off by {row['unless']}" if row["unless"] else "")
    yield _who(row)
    beside = (
        f"off a weekend or bank holiday to the {row['roll']}" if row["roll"] else "",
        f"reminded {_and(row['remind'])}" if row["remind"] else "",
        f"{_and(row['tell'])} told too" if row["tell"] else "",
        f"{_or(row['may_extend'])} may agree a later limit" if row["may_extend"] else "",
        f"ladder {row['ladder']}" if row["ladder"] else "",
        f"runs through {_and(row['runs_through'])}" if row["runs_through"] else "",
    )
    if any(beside):
        yield "; ".join(filter(None, beside))


def _and(names: list[str]) -> str:
    return " and ".join(names)


def _or(names: list[str]) -> str:
    return " or ".join(names)


def check_lines(row: Row) -> Iterator[str]:
    yield f"{row['check']}: {row['title']} ({row['clause']})"
    yield f"at {row['at']}" + (f" where {row['where']}" if row["where"] else "") + f": {row['asks']}"
    yield _who(row) + (f"; {_and(row['tell'])} told too" if row["tell"] else "")


def _who(row: Row) -> str:
    force = "" if row["force"] == "required" else f"; {row['force']}"
    return f"{row['owner']}{force}{_resting(row)}"


def _resting(row: Row) -> str:
    return f"; reading {row['readings']}" if row["readings"] else ""


def word_lines(row: Row) -> Iterator[str]:
    yield f"{row['word']}: {row['title']}" + (f" ({row['clause']})" if row["clause"] else "")
    yield row["made_of"]


def route_lines(row: Row) -> Iterator[str]:
    yield f"{row['route']}: {row['title']} ({row['clause']}), at {row['at']}"
    yield from row["to"]


def ladder_lines(row: Row) -> Iterator[str]:
    yield f"{row['ladder']}: {row['title']} ({row['clause']})"
    yield from (f"{n}. {step}" for n, step in enumerate(row["steps"], 1))


def meeting_lines(row: Row) -> Iterator[str]:
    yield f"{row['meeting']}: {row['title']} ({row['clause']})"
    per = f", one for each {row['per']}" if row["per"] else ""
    cut_off = f"; matters by {row['cut_off']}" if row["cut_off"] else ""
    yield f"{row['on']}{per}{cut_off}; on a bank holiday: {row['bank_holiday']}{_resting(row)}"
    if row["chair"]:
        yield f"chaired by {row['chair']}"


def limit_lines(row: Row) -> Iterator[str]:
    yield f"{row['limit']}: {row['title']} ({row['clause']})"
    most, least = _counts(row["at_most"]), _counts(row["at_least"])
    parts = [f"at most {most}" if most else "", f"at least {least}" if least else ""]
    yield f"{row['who']}: {', '.join(filter(None, parts))}{', in proportion to hours' if row['pro_rata'] else ''}"
    if row["tell"] or row["readings"]:
        are = "are" if len(row["tell"]) > 1 else "is"
        yield f"{_and(row['tell']) or 'nobody'} {are} told{_resting(row)}"


def _counts(counts: Mapping[str, int]) -> str:
    return " or ".join(f"{n} {kind}" for kind, n in counts.items())


def reading_lines(row: Row) -> Iterator[str]:
    yield f"{row['reading']} ({row['stands']}; {row['clause']})"
    yield row["asks"]
    yield row["answer"] or "No answer yet."


def left_out_lines(row: Row) -> Iterator[str]:
    yield f"{row['row']} ({row['clause']}): {row['why']}" + (f"; {row['note']}" if row["note"] else "")
