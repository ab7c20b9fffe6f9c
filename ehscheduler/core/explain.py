"""Explanation: why a date is what it is, in plain sentences, from the values that the counting left behind."""

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from ehscheduler.core.calendars import Calendar, Run, Span, end_of_day, london_day, start_of_day
from ehscheduler.core.changes import Change
from ehscheduler.core.limits import Limit, earliest
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy, Rule, Standard
from ehscheduler.core.saying import london_iso, said_day, said_moment, said_word

_PAST = {"met": "Met", "met_late": "Met late"}


def why(m: Milestone, policy: Policy, calendar: Calendar) -> list[str]:
    """Say in at most six sentences what was counted from where, and how the milestone stands."""
    policy = policy.named(m.edition)
    sentences = [_counted(m, policy), *_not_counted(m, calendar), *_held(m), *_others(m), *_moved(m), _stands(m)]
    ours = [id_ for id_ in m.readings if policy.readings[id_].ours]
    others = [id_ for id_ in m.readings if not policy.readings[id_].signed_by and id_ not in ours]
    named = [f"{whose} reading {', '.join(ids)}" for whose, ids in (("our", ours), ("the", others)) if ids]
    if named and len(sentences) < 6:
        sentences.insert(-1, f"Rests on {' and '.join(named)}, which the council has not signed.")
    return sentences if len(sentences) <= 6 else [*sentences[:5], sentences[-1]]


def _counted(m: Milestone, policy: Policy) -> str:
    limit = earliest(m.limits)
    if (found := _TIMES.fullmatch(limit.text)) and limit.on and limit.day_zero:
        first = said_day(limit.day_zero + timedelta(days=1))
        return f"{found[1]} times from {first} to {said_day(limit.on)}, that {found[2]}'s last day."
    counted = _capital(_sum(limit))
    opens = f"; it opens on {said_day(m.opens_on)}" if m.opens_on else ""
    if limit.undated:
        return f"The document sets no time: {_sum(limit).removeprefix('no set time ')}{opens}."
    if limit.waits and m.state != "on_hold":
        return f"{counted} has not happened yet."
    if limit.at is None or limit.on is None:
        return f"{counted}: no date while the case is on hold."
    if limit.no_earlier:
        what = "its phase" if m.phase else "this"
        return f"{counted} would end before {what} began, so the limit is the day it began, {_said_limit(limit)}."
    if policy.counts_first_day and not limit.backward and not limit.in_hours and limit.span:
        counted += ", the first day counted,"
    if limit.unrolled and limit.unrolled != limit.on:
        opens = f", moved from {said_day(limit.unrolled)} to a working day{opens}"
    return f"{counted} is {_said_limit(limit)}{opens}."


_TIMES = re.compile(r"(\d+) times a (week|month)")
_WHICH = re.compile(r"(after|as) (each|latest|\d+\w\w) ")
_GIVEN = re.compile(r"^(case|reading) \S+")


@lru_cache(maxsize=4096)
def worded(text: str, span: Span | None = None) -> str:
    """Write a phrase as people say it, with the length that a fact or a reading gives."""
    if span is not None:
        text = _GIVEN.sub(str(span), text)
    text = _WHICH.sub(lambda found: f"{found[1]} the {found[2]} ".replace("the each ", "the "), text)
    text = (
        text.replace(" before ", " before the ")
        .replace(" the case ", " the case's ")
        .replace("by case ", "by the case's ")
        .replace("by date of", "by the date of")
    )
    return text.replace("_", " ")


def _sum(limit: Limit) -> str:
    """Say the phrase with what it counts from: 10 working days after allocation on Monday 2 March 2026."""
    text = worded(limit.text, limit.span)
    if limit.target:
        return f"{text} ({said_day(limit.target)})"
    if limit.anchor is None:
        return text
    event = said_word(limit.anchor.word)
    if " after " not in text and " as " not in text:
        text = f"{text} after {event}"  # a rhythm's interval counts from what was done last
    unknown = limit.in_hours and limit.anchor.dated
    when = f"{_when(limit)}, time unknown, so from the end of that day" if unknown else _when(limit)
    return f"{text} {when}{',' if unknown else ''}" if text.endswith(event) else f"{text} ({event} {when})"


def _when(limit: Limit) -> str:
    event = limit.anchor
    assert event is not None
    timed = limit.in_hours and not event.dated
    return f"at {said_moment(event.moment)}" if timed else f"on {said_day(event.day)}"


def _said_limit(limit: Limit) -> str:
    assert limit.at is not None
    return _said_edge(limit.at) if limit.in_hours else said_day(london_day(limit.at))


def _said_edge(moment: datetime) -> str:
    """Say an instant; one that begins or ends a day by the day."""
    day = london_day(moment)
    if moment == start_of_day(day):
        return said_day(day)
    return f"the end of {said_day(day)}" if moment == end_of_day(day) else said_moment(moment)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _not_counted(m: Milestone, calendar: Calendar) -> Iterator[str]:
    limit = earliest(m.limits)
    if limit.span is None or limit.span.unit != "working day" or limit.on is None or limit.day_zero is None:
        return
    first, last = sorted((limit.day_zero, limit.on))
    off = calendar.days_off_between(first, last)
    if off:
        named = [f"{calendar.days_off[day]} ({said_day(day)})" for day in off[:4]]
        more = [f"{len(off) - 4} more"] if len(off) > 4 else []
        yield f"Weekends are not counted, nor {_and([*named, *more])}."
    if calendar.is_forecast(limit.on):
        yield f"Bank holidays after {calendar.proclaimed_to} are not proclaimed yet: this date is a forecast."


def _and(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _held(m: Milestone) -> Iterator[str]:
    limit = m.winner
    if limit.backward or not m.held.spans:
        return
    start = limit.anchor.moment if limit.anchor else m.starts_at
    shown = [
        (s, e)
        for s, e in m.held.spans
        if (e is None or start is None or e > start) and (limit.at is None or s < limit.at)
    ]
    if shown:
        said = [f"from {_said_edge(s)} until {_said_edge(e)}" if e else f"since {_said_edge(s)}" for s, e in shown[:3]]
        stood = "stood still while the case was" if shown[-1][1] else "has stood still while the case is"
        yield f"The clock {stood} on hold {_and(said)}."


def _others(m: Milestone) -> Iterator[str]:
    counts = earliest(m.limits)
    others = [limit for limit in m.limits if limit is not counts and not limit.undated]
    if others:
        said = [f"{_sum(limit)} ({_said_limit(limit) if limit.at else 'no date'})" for limit in others]
        rest = "the other is" if len(said) == 1 else "the others are"
        yield f"The earliest of several limits counts; {rest} {_and(said)}."


def _moved(m: Milestone) -> Iterator[str]:
    for change in m.changes:
        to = said_day(change.to) if change.to else "a date after the hold"
        if change.kind == "phase":
            yield f"The phase {change.name!r} began on {said_day(change.day)} and set this interval."
        else:
            by = f" by the {said_word(change.name)}" if change.name else ""
            yield f"A later limit was agreed on {said_day(change.day)}{by}: {to}."


def _stands(m: Milestone) -> str:
    if m.evidence is not None:
        late = " It was recorded after the limit." if m.recorded_late else ""
        return f"{_PAST[m.state]} by {said_word(m.evidence.word)} on {said_day(m.evidence.day)}.{late}"
    if m.state == "cancelled" and m.stopped_by is not None:
        day = said_day(m.stopped_by.day)
        if m.stopped_by.word == "closed":
            return f"The case was closed on {day}, so this is cancelled, which is not missed."
        return f"Cancelled by {said_word(m.stopped_by.word)} on {day}, which is not missed."
    if m.state == "waived":
        return "Waived: its condition has stopped holding."
    if m.state == "on_hold":
        return "The case is on hold, so nobody is reminded of it."
    if m.state == "overdue":
        return f"Overdue: the limit was {_said_limit(m.winner)}."
    return "Not yet due." if m.state == "upcoming" else "Due now."


def timeline_row(m: Milestone, policy: Policy, calendar: Calendar) -> dict[str, Any]:
    """Return a milestone as the machine contract prints it (design 9)."""
    return {
        "case": m.case,
        "episode": m.episode,
        "rule": m.rule,
        "key": m.key,
        "title": m.title,
        "clause": m.clause,
        "edition": m.edition,
        "force": m.force,
        "owner": m.owner,
        "from_event": m.from_event,
        "from_at": london_iso(m.from_at) if m.from_at else None,
        "anchor_time_unknown": m.anchor_time_unknown,
        "opens_on": m.opens_on.isoformat() if m.opens_on else None,
        "best_by_on": m.best_by_on.isoformat() if m.best_by_on else None,
        "due_on": m.due_on.isoformat() if m.due_on else None,
        "due_at": london_iso(m.due_at) if m.due_at else None,
        "original_due_at": london_iso(m.original_due_at) if m.original_due_at else None,
        "state": m.state,
        "met_at": london_iso(m.met_at) if m.met_at else None,
        "recorded_late": m.recorded_late,
        "phase": m.phase,
        "readings": list(m.readings),
        "why": why(m, policy, calendar),
    }


# ---- the proof card


def proof(m: Milestone, policy: Policy, calendar: Calendar) -> dict[str, Any]:
    """Return all that another program needs to count the date again, and a person to follow it day by day."""
    return {
        **timeline_row(m, policy, calendar),
        "now_counted": [counted(limit, policy.rule_of(m), policy.named(m.edition), calendar) for limit in m.limits],
        "winner": m.winner.text,
        "holds": [
            {"from": london_iso(start), "until": london_iso(end) if end else None}
            for start, end in (() if m.winner.backward else m.held.spans)  # holds do not move a backward limit
        ],
        "changes": [_change(change) for change in m.changes],
        "evidence": None if m.evidence is None else {"event": m.evidence.word, "on": m.evidence.day.isoformat()},
        "readings_in_words": [_reading(policy.named(m.edition), id_) for id_ in m.readings],
        "walk": list(walk(earliest(m.limits), m.held.runs, calendar)),
    }


def _change(change: Change) -> dict[str, Any]:
    return {
        "kind": change.kind,
        "on": change.day.isoformat(),
        "at": london_iso(change.event.moment),
        "name": change.name,
        "agreed": change.agreed.isoformat() if change.agreed else None,
        "limit": change.to.isoformat() if change.to else None,
    }


def _reading(policy: Policy, id_: str) -> Mapping[str, Any]:
    reading = policy.readings[id_]
    return {
        "id": id_,
        "clauses": list(reading.clauses),
        "asks": reading.asks,
        "answer": reading.answer,
        "taken_by": reading.taken_by,
        "signed_by": reading.signed_by or None,
    }


def counted(limit: Limit, rule: Rule, policy: Policy, calendar: Calendar) -> dict[str, Any]:
    """Return one limit as a sum to check: from where, how much of what, what is left out, and the answer.

    `n` is null where the document sets no time. `from_day` is day 0. A phase's limit is not before `not_before`.
    """
    first = limit.day_zero or (limit.anchor.day if limit.anchor else None)
    # In an open hold there is no last day yet: the days off of a year to come let the hold's place be counted.
    last = limit.on or (first + timedelta(366) if first else None)
    ends = [day for day in (first, last, limit.unrolled) if day]
    hours = [f"{clock:%H:%M}" for clock in policy.hours] if policy.hours else None
    n, unit = _quantity(limit)
    return {
        "phrase": limit.text,
        "direction": "backward" if limit.backward else "forward",
        "from_day": first.isoformat() if first else None,
        "from_instant": london_iso(limit.anchor.moment) if limit.anchor and limit.in_hours else None,
        "from_end_of_day": bool(limit.in_hours and limit.anchor and limit.anchor.dated),
        "n": n,
        "unit": unit,
        "office_hours": hours,
        "roll": rule.roll if isinstance(rule, Standard) and not limit.backward and not limit.in_hours else None,
        "not_before": limit.no_earlier.isoformat() if limit.no_earlier else None,
        "days_off": {
            d.isoformat(): calendar.days_off[d] for d in calendar.days_off_between(min(ends) - timedelta(1), max(ends))
        }
        if ends
        else {},
        "due_on": limit.on.isoformat() if limit.on else None,
        "due_at": london_iso(limit.at) if limit.at else None,
    }


def _quantity(limit: Limit) -> tuple[int | None, str]:
    if limit.undated:
        return None, "day"
    if limit.span is not None:
        return limit.span.n, limit.span.unit
    if limit.in_hours:
        return 0, "hour"  # at once
    return (1 if limit.backward and limit.target != limit.on else 0), "day"  # before a date, by it, or on the same day


def walk(limit: Limit, runs: tuple[Run, ...], calendar: Calendar) -> Iterator[dict[str, Any]]:
    """Walk a limit day by day: which day counts, as which number, and why another does not."""
    if limit.span is None or limit.span.in_hours or limit.day_zero is None or limit.on is None:
        return
    last = limit.unrolled or limit.on
    step = -1 if limit.backward else 1
    working = limit.span.unit == "working day"
    day, number = limit.day_zero, 0
    while day != last:
        day += timedelta(days=step)
        off = calendar.why_not(day) if working else None
        held = not limit.backward and _is_held(day, runs)
        number += not (off or held)
        yield {
            "day": day.isoformat(),
            "said": said_day(day),
            "number": None if off or held else number,
            "why_not": off or ("on hold" if held else None),
        }


def _is_held(day: date, runs: tuple[Run, ...]) -> bool:
    ordinal = day.toordinal()
    return any(first <= ordinal and (until is None or ordinal < until) for first, until in runs)
