"""Read the shapes that are neither rule nor ladder: checks, meetings, limits and routes."""

import re
from datetime import time

from ehscheduler.core import phrases
from ehscheduler.core.calendars import Span
from ehscheduler.core.phrases import Anchor
from ehscheduler.core.policy import Check, Meeting, Route, Row, WorkLimit
from ehscheduler.core.read_conditions import read_where
from ehscheduler.core.read_rules import read_earliest, read_force
from ehscheduler.core.sitting_days import SAID, sitting_day
from ehscheduler.core.tables import Named, Table
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import PhraseFault


def read_check(table: Named) -> Check:
    at = table.phrase("at", _read_at, required=True)
    not_before = table.phrase("not_before", read_earliest)
    since = table.phrase("since", _read_since)
    per = table.choice("per", ("child",))
    made = Check(
        id=table.where_id,
        title=table.text("title", required=True),
        clause=table.texts("clause", required=True),
        at=at[0] if at else Anchor(""),
        owner=table.text("owner", required=True),
        needs=table.phrase("needs", phrases.read_evidence),
        must=read_where(table, "must"),
        since=since[0] if since else None,
        not_before=not_before[0] if not_before else None,
        where=read_where(table, "where"),
        per_child=per == "child",
        tell=table.texts("tell"),
        force=read_force(table),
        readings=table.texts("reading"),
    )
    if not (made.needs or made.must or made.not_before):
        table.fault("checks nothing: give it needs, must or not_before")
    table.done()
    return made


def _read_at(text: str) -> Anchor:
    """Read the event at which a check is made or a team is asked for: each of them as it comes, or the nth."""
    anchor = phrases.read_anchor(text)
    if anchor.which == "latest":
        raise PhraseFault(
            f"{text!r}: each is asked as it comes; write {anchor.word!r}, or for example '2nd {anchor.word}'"
        )
    return anchor


def _read_since(text: str) -> Span | Anchor:
    """Read how far back "already" reaches: a length, or an event."""
    if re.match(r"\d+ (?!\w*(st|nd|rd|th)\b)", text):
        length = phrases.read_span(text)
        if isinstance(length, Span):
            return length
    return phrases.read_anchor(text)


_READING = re.compile(r"reading ([a-z][a-z0-9_-]*)")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def read_meeting(table: Named) -> Meeting:
    on = table.text("on", required=True)
    sits, asked = sitting_day(on), _READING.fullmatch(on)
    if on and not (sits or asked):
        table.fault(f"on = {on!r} is not of the form {SAID}, nor 'reading NAME'")
    made = Meeting(
        id=table.where_id,
        title=table.text("title", required=True),
        clause=table.texts("clause", required=True),
        on=sits,
        per=table.text("per"),
        cut_off=_cut_off(table),
        bank_holiday=table.choice("bank_holiday", ("ask", "skip", "next working day"), "ask"),
        chair=table.text("chair"),
        readings=table.texts("reading"),
        day_from=asked[1] if asked else "",
    )
    table.done()
    return made


def _cut_off(table: Table) -> time | Span | None:
    text = table.text("cut_off")
    if not text:
        return None
    if clock := _CLOCK.fullmatch(text):
        return time(int(clock[1]), int(clock[2]))
    length = table.read("cut_off", text.removesuffix(" before"), phrases.read_span)
    if isinstance(length, Span) and text.endswith(" before") and not length.in_hours:
        return length
    table.fault(f"cut_off = {text!r} is neither a time ('12:00') nor a length ('2 working days before')")
    return None


def read_limit(table: Named) -> WorkLimit:
    made = WorkLimit(
        id=table.where_id,
        title=table.text("title", required=True),
        clause=table.texts("clause", required=True),
        who=table.text("who", required=True),
        at_most=_amounts(table, "at_most"),
        at_least=_amounts(table, "at_least"),
        pro_rata=table.flag("pro_rata"),
        tell=table.texts("tell"),
        readings=table.texts("reading"),
    )
    if not (made.at_most or made.at_least):
        table.fault("limits nothing: give it at_most or at_least")
    table.done()
    return made


def _amounts(table: Table, key: str) -> dict[str, int]:
    amounts = dict(table.inner(key))
    for name, n in amounts.items():
        if name not in ("families", "children"):
            table.fault(f"{key} counts no {name!r}{nearest(name, ('families', 'children'))}")
        elif not isinstance(n, int) or isinstance(n, bool) or n < 1:
            table.fault(f"{key}.{name} must be a whole number from 1")
    return amounts


_TEAM_OF = re.compile(r"team of latest ([a-z][a-z0-9_]*)")


def read_route(table: Named) -> Route:
    at = table.phrase("at", _read_at, required=True)
    rows = []
    for inner in table.tables("rows", required=True):
        to = inner.text("to", required=True)
        of = _TEAM_OF.fullmatch(to)
        rows.append(Row(to, read_where(inner, "where"), of[1] if of else "", inner.texts("reading")))
        inner.done()
    made = Route(
        id=table.where_id,
        title=table.text("title", required=True),
        clause=table.texts("clause", required=True),
        at=at[0] if at else Anchor(""),
        rows=tuple(rows),
    )
    if not rows:
        table.fault("leads nowhere: it has no rows")
    table.done()
    return made
