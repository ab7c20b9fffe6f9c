"""Explanation: why a date is what it is, in plain sentences, from the values that the counting left behind."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from ehscheduler.core.calendars import LONDON, Calendar, Run
from ehscheduler.core.limits import Limit
from ehscheduler.core.milestones import Milestone
from ehscheduler.core.policy import Policy
from ehscheduler.core.saying import london_iso, said_day, said_moment

_PAST = {"met": "Met", "met_late": "Met late"}


def why(m: Milestone, policy: Policy, calendar: Calendar) -> list[str]:
    """Say in at most six sentences what was counted from where, and how the milestone stands."""
    sentences = [_counted(m), *_not_counted(m, calendar), *_held(m), *_others(m), *_moved(m), _stands(m)]
    ours = [id_ for id_ in m.readings if policy.readings[id_].ours]
    if ours and len(sentences) < 6:
        sentences.insert(-1, f"Rests on our reading {', '.join(ours)}, which the council has not signed.")
    return sentences if len(sentences) <= 6 else [*sentences[:5], sentences[-1]]


def _counted(m: Milestone) -> str:
    limit = m.winner
    start = f" ({_start(m, limit)})" if _start(m, limit) else ""
    if limit.undated:
        opens = f"; it opens on {said_day(m.opens_on)}" if m.opens_on else ""
        return f"The document sets no time: {limit.text}{start}{opens}."
    if limit.at is None or limit.on is None:
        return f"{_capital(limit.text)}{start}: no date while the case is on hold."
    if limit.in_hours:
        return f"{_capital(limit.text)}{start} is {said_moment(limit.at)}."
    return f"{_capital(limit.text)}{start} is {said_day(limit.on)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _start(m: Milestone, limit: Limit) -> str:
    if limit.target:
        return said_day(limit.target)
    if limit.anchor is None:
        return ""
    event = limit.anchor
    if limit.in_hours and event.dated:
        return f"{event.word} on {said_day(event.day)}, time unknown, so from the end of that day"
    when = said_day(event.day) if event.dated or not limit.in_hours else said_moment(event.moment)
    return f"{event.word} {'at ' if limit.in_hours and not event.dated else 'on '}{when}"


def _not_counted(m: Milestone, calendar: Calendar) -> Iterator[str]:
    limit = m.winner
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
        said = [
            f"from {said_moment(s)} until {said_moment(e)}" if e else f"since {said_moment(s)}" for s, e in shown[:3]
        ]
        yield f"The clock stood still while the case was on hold {_and(said)}."


def _others(m: Milestone) -> Iterator[str]:
    others = [limit for limit in m.limits if limit.text != m.winner.text]
    if others:
        said = [f"{limit.text} ({said_day(limit.on) if limit.on else 'no date'})" for limit in others]
        rest = "the other is" if len(said) == 1 else "the others are"
        yield f"The earliest of several limits counts; {rest} {_and(said)}."


def _moved(m: Milestone) -> Iterator[str]:
    for change in m.changes:
        to = said_day(change.to) if change.to else "a date after the hold"
        if change.kind == "phase":
            yield f"The phase {change.name!r} began on {said_day(change.day)} and moved the limit to {to}."
        else:
            original = (
                f" (before: {said_day(m.original_due_at.astimezone(LONDON).date())})" if m.original_due_at else ""
            )
            yield f"Relaxed on {said_day(change.day)} by {change.name.replace('_', ' ')} until {to}{original}."


def _stands(m: Milestone) -> str:
    if m.evidence is not None:
        late = " It was recorded after the limit." if m.recorded_late else ""
        return f"{_PAST[m.state]} by {m.evidence.word} on {said_day(m.evidence.day)}.{late}"
    if m.state == "cancelled" and m.stopped_by is not None:
        return f"Cancelled by {m.stopped_by.word} on {said_day(m.stopped_by.day)}; cancelled is not missed."
    if m.state == "waived":
        return "Waived: its condition has stopped holding."
    if m.state == "on_hold":
        return "The case is on hold, so nobody is reminded of it."
    if m.state == "overdue":
        limit = said_moment(m.due_at) if m.in_hours and m.due_at else said_day(m.due_on) if m.due_on else "its limit"
        return f"Overdue: the limit was {limit}."
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
        "now_counted": [counted(limit, m, calendar) for limit in m.limits],
        "winner": m.winner.text,
        "holds": [
            {"from": london_iso(start), "until": london_iso(end) if end else None} for start, end in m.held.spans
        ],
        "changes": [
            {
                "kind": change.kind,
                "on": change.day.isoformat(),
                "name": change.name,
                "limit": change.to.isoformat() if change.to else None,
            }
            for change in m.changes
        ],
        "evidence": None if m.evidence is None else {"event": m.evidence.word, "on": m.evidence.day.isoformat()},
        "readings_in_words": [_reading(policy, id_) for id_ in m.readings],
        "walk": list(walk(m.winner, m.held.runs, calendar)),
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


def counted(limit: Limit, m: Milestone, calendar: Calendar) -> dict[str, Any]:
    """Return one limit as a sum to check: from where, how much of what, what is left out, and the answer."""
    first = limit.day_zero or (limit.anchor.day if limit.anchor else None)
    last = limit.on
    between = sorted((first, last)) if first and last else None
    return {
        "phrase": limit.text,
        "direction": "backward" if limit.backward else "forward",
        "from_day": first.isoformat() if first else None,
        "from_instant": london_iso(limit.anchor.moment) if limit.anchor and limit.in_hours else None,
        "from_end_of_day": bool(limit.in_hours and limit.anchor and limit.anchor.dated),
        "n": limit.span.n if limit.span else 0,
        "unit": limit.span.unit if limit.span else "day",
        "days_off": {
            d.isoformat(): calendar.days_off[d]
            for d in calendar.days_off_between(between[0] - timedelta(1), between[1])
        }
        if between
        else {},
        "due_on": limit.on.isoformat() if limit.on else None,
        "due_at": london_iso(limit.at) if limit.at else None,
    }


def walk(limit: Limit, runs: tuple[Run, ...], calendar: Calendar) -> Iterator[dict[str, Any]]:
    """Walk a limit day by day: which day counts, as which number, and why another does not."""
    if limit.span is None or limit.span.in_hours or limit.day_zero is None or limit.on is None:
        return
    step = -1 if limit.backward else 1
    working = limit.span.unit == "working day"
    day, number = limit.day_zero, 0
    while day != limit.on:
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
