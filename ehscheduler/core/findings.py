"""Checks: what had to hold at an event, and did not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from ehscheduler.core.calendars import Span, end_of_day, london_day
from ehscheduler.core.clocks import applies, condition
from ehscheduler.core.events import Event
from ehscheduler.core.history import History
from ehscheduler.core.holds import NOT_HELD
from ehscheduler.core.limits import opens_at
from ehscheduler.core.phrases import Anchor
from ehscheduler.core.policy import Check, Cond
from ehscheduler.core.saying import said_day, said_word
from ehscheduler.errors import OutOfCalendar


@dataclass(frozen=True, slots=True)
class Finding:
    """A check that failed at an event; `fault` says why, and `key` names it within its case and episode."""

    case: str
    check: str
    key: str
    at: datetime
    event: Event
    title: str
    fault: str
    clause: str
    to_roles: tuple[str, ...]

    @property
    def said(self) -> str:
        """Say the whole of it in a sentence."""
        happened = f"{said_word(self.event.word)} on {said_day(self.event.day)}"
        return f"{self.title} (clause {self.clause}): {happened}, and {self.fault}"


def findings(history: History) -> Iterator[Finding]:
    """Yield every check that failed, in the order of the policy and of the events."""
    for check in history.policy.checks.values():
        try:
            found = list(_failed(check, history))
        except OutOfCalendar as error:
            history.problem(f"{check.id}: {error}")
        else:
            yield from found


def _failed(check: Check, history: History) -> Iterator[Finding]:
    refs: set[str] = set()
    for event in history.each_of(check.at):
        # As with `each`, an occurrence goes by its ref; one that another had before goes by its own id.
        name = event.ref if event.ref and event.ref not in refs else event.id
        refs.add(name)
        for child in _children(check, history, event):
            if not applies(check, history, event, event.moment, child):
                continue
            fault = "; ".join(_faults(check, history, event, child))
            if fault:
                key = "/".join([check.id, *(part for part in (child, name) if part)])
                yield _finding(check, history, event, key, fault)


def _children(check: Check, history: History, event: Event) -> tuple[str | None, ...]:
    """Return the children about whom a check asks at an event: each of the family then, or the one that it names."""
    if not check.per_child:
        return (None,)
    named = event.detail.get("child")
    there = (member.child.ref for member in history.family if member.there_at(event))
    return tuple(ref for ref in there if named in (None, ref))


def _faults(check: Check, history: History, event: Event, child: str | None) -> Iterator[str]:
    missing = [said_word(need.said) for need in check.needs if not _was_there(need, check, history, event, child)]
    if missing:
        yield f"it wants {' and '.join(missing)} first"
    if check.must is not None and not _fits(check.must, history, event, child):
        yield "what was recorded with it does not fit"
    if check.not_before is not None:
        anchor = _before(check.not_before.anchor, history, event)
        opens = opens_at(check.not_before, anchor, history, NOT_HELD, child)
        if opens is not None and event.moment < opens:
            yield f"it came too soon: not before {said_day(london_day(opens))}"


def _fits(must: Cond, history: History, event: Event, child: str | None) -> bool:
    """Tell whether what was recorded with an event is as it must be; where the event says nothing, the case may."""
    if child is None and isinstance(event.detail.get("child"), str):
        child = event.detail["child"]
    aged = "age" in event.detail
    return condition(must, history, event, event.moment, event.moment, child, age_of_event=aged) is True


def _before(anchor: Anchor | None, history: History, event: Event) -> Event | None:
    if anchor is None:
        return None
    found = [e for e in history.each_of(anchor) if e.day <= event.day and e is not event]
    return (found[-1] if anchor.which in ("latest", "each") else found[0]) if found else None


def _was_there(need: Anchor, check: Check, history: History, event: Event, child: str | None) -> bool:
    """Tell whether what a check needs had happened: on the same date counts, unless both times are known.

    Under `each` an occurrence with a ref asks for its own, as a rule's evidence does.
    """
    since = _since(check, history, event)
    found = [
        e
        for e in history.occurrences(need.name)
        if _by(e, event)
        and (since is None or e.day >= since)
        and _in_hours(e, check, history, event)
        and (child is None or e.detail.get("child") in (None, child))
        and (check.at.which != "each" or event.ref is None or e.ref in (None, event.ref))
    ]
    return len(found) >= (need.n if need.which == "nth" else 1)


def _by(earlier: Event, event: Event) -> bool:
    if earlier.day != event.day:
        return earlier.day < event.day
    return earlier.dated or event.dated or earlier.moment <= event.moment


def _in_hours(earlier: Event, check: Check, history: History, event: Event) -> bool:
    """Tell whether an hour span still reached from what happened to a check's event; other reaches are by date."""
    if not isinstance(check.since, Span) or not check.since.in_hours:
        return True
    begin = end_of_day(earlier.day) if earlier.dated else earlier.moment
    reach = history.calendar.hours_later(begin, check.since)
    return reach is not None and event.moment <= reach


def _since(check: Check, history: History, event: Event) -> date | None:
    if isinstance(check.since, Span):
        return None if check.since.in_hours else history.calendar.earlier(event.day, check.since)
    if isinstance(check.since, Anchor):
        found = [e for e in history.each_of(check.since) if _by(e, event)]
        return found[-1 if check.since.which == "latest" else 0].day if found else None
    return None


def _finding(check: Check, history: History, event: Event, key: str, fault: str) -> Finding:
    clause = ", ".join(check.clause)
    # What is only advised is said to whoever acts, and to nobody above them (design 4.14).
    to_roles = (check.owner,) if check.force == "guide" else (check.owner, *check.tell)
    return Finding(history.case.ref, check.id, key, event.moment, event, check.title, fault, clause, to_roles)
