"""Read a policy file into policy objects, reporting every fault at once.

Each fault is a sentence that names the file, the table and, for an unknown word, the nearest known one.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import date, time
from hashlib import sha256
from typing import Any, TypeVar

from ehscheduler.core import phrases
from ehscheduler.core.calendars import NATIONS, Span
from ehscheduler.core.check import cross_check
from ehscheduler.core.phrases import Anchor, Due, Every, Remind
from ehscheduler.core.policy import (
    AllOf,
    AnyOf,
    Check,
    Compare,
    Cond,
    EventWord,
    Force,
    Happened,
    Known,
    Ladder,
    Meeting,
    Not,
    Phase,
    Policy,
    Reading,
    Rhythm,
    Route,
    Row,
    Standard,
    Step,
    WorkLimit,
)
from ehscheduler.core.vocabulary import BUILT_IN_ROLES, EVENTS, FACT_KINDS, FACTS, nearest
from ehscheduler.errors import PhraseFault, PolicyRefused

T = TypeVar("T")
TABLES = (
    *("policy", "roles", "facts", "reading", "event"),
    *("standard", "rhythm", "check", "meeting", "ladder", "limit", "route"),
)
_BOUNDS = ("under", "over", "at_least", "at_most")
_ID = re.compile(r"[a-z][a-z0-9_-]*")
_HOURS = re.compile(r"(\d\d):(\d\d) to (\d\d):(\d\d)")


class Table:
    """One table of the file: hands out its keys, checks their types, and notes what is wrong and where."""

    def __init__(self, where: str, raw: Any, faults: list[str]) -> None:
        self.where = where
        self.faults = faults
        self.raw: dict[str, Any] = raw if isinstance(raw, dict) else {}
        self.taken: set[str] = set()
        if not isinstance(raw, dict):
            self.fault("is not a table")

    def fault(self, sentence: str) -> None:
        self.faults.append(f"{self.where}: {sentence}")

    def _take(self, key: str, required: bool) -> Any:
        self.taken.add(key)
        if key not in self.raw and required:
            self.fault(f"has no {key!r}, which every such table needs")
        return self.raw.get(key)

    def text(self, key: str, *, required: bool = False, default: str = "") -> str:
        value = self._take(key, required)
        if value is None:
            return default
        if not isinstance(value, str) or not value.strip():
            self.fault(f"{key} must be text in quotes")
            return default
        return value

    def texts(self, key: str, *, required: bool = False) -> tuple[str, ...]:
        """Take a text or a list of texts."""
        value = self._take(key, required)
        if value is None:
            return ()
        values = value if isinstance(value, list) else [value]
        if not values or not all(isinstance(v, str) and v.strip() for v in values):
            self.fault(f"{key} must be text in quotes, or a list of such texts")
            return ()
        return tuple(values)

    def flag(self, key: str) -> bool:
        value = self._take(key, False)
        if value is not None and not isinstance(value, bool):
            self.fault(f"{key} must be true or false")
        return value is True

    def number(self, key: str, default: int) -> int:
        value = self._take(key, False)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            self.fault(f"{key} must be a whole number from 1")
            return default
        return value

    def day(self, key: str, *, required: bool = False) -> date | None:
        value = self._take(key, required)
        if value is not None and type(value) is not date:
            self.fault(f"{key} must be a date without quotes, such as 2026-03-02")
            return None
        return value

    def choice(self, key: str, allowed: tuple[str, ...], default: str = "", *, required: bool = False) -> str:
        value = self.text(key, required=required, default=default)
        if value and value not in allowed:
            self.fault(f"{key} = {value!r} is none of {', '.join(allowed)}{nearest(value, allowed)}")
            return default
        return value

    def phrase(self, key: str, read: Callable[[str], T], *, required: bool = False) -> tuple[T, ...]:
        """Take a phrase or a list of phrases, each read by `read`."""
        return tuple(p for text in self.texts(key, required=required) if (p := self.read(key, text, read)) is not None)

    def read(self, key: str, text: str, read: Callable[[str], T]) -> T | None:
        try:
            return read(text)
        except PhraseFault as fault:
            self.fault(f"{key}: {fault}")
            return None

    def inner(self, key: str) -> Mapping[str, Any]:
        value = self._take(key, False)
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.fault(f"{key} must be a table in braces")
            return {}
        return value

    def tables(self, key: str, *, required: bool = False) -> list["Table"]:
        value = self._take(key, required)
        if value is None:
            return []
        if not isinstance(value, list):
            self.fault(f"{key} must be a list of tables")
            return []
        return [Table(f"{self.where} {key} {n}", raw, self.faults) for n, raw in enumerate(value, 1)]

    def done(self) -> None:
        """Report the keys that nobody asked for."""
        for key in self.raw:
            if key not in self.taken:
                self.fault(f"no key {key!r}{nearest(key, sorted(self.taken))}")


def read_policy(text: str, file: str) -> Policy:
    """Read one edition from the text of its file; raise PolicyRefused with every fault."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyRefused([f"{file}: is not TOML: {error}"]) from None
    return read_tables(raw, text, file)


def read_tables(raw: Mapping[str, Any], text: str, file: str) -> Policy:
    """Read one edition from its parsed tables; raise PolicyRefused with every fault."""
    faults: list[str] = []
    for name in raw:
        if name not in TABLES:
            faults.append(f"{file} [{name}]: no table {name!r}{nearest(name, TABLES)}")
    policy = _policy(raw, text, file, faults)
    faults += cross_check(policy)
    if faults:
        raise PolicyRefused(faults)
    return policy


def _policy(raw: Mapping[str, Any], text: str, file: str, faults: list[str]) -> Policy:
    head = Table(f"{file} [policy]", raw.get("policy", {}), faults)
    remind = head.phrase("remind", phrases.read_remind)
    policy = Policy(
        authority=head.text("authority", required=True),
        document=head.text("document", required=True),
        edition=head.text("edition", required=True),
        nation=head.choice("nation", NATIONS, required=True),
        in_force=head.day("in_force", required=True) or date.min,
        transition=head.choice("transition", ("keep", "move open clocks", "from next cycle"), "keep"),
        review_by=head.day("review_by"),
        hours=_hours(head),
        counts_first_day=head.flag("counts_first_day"),
        remind=remind,
        rests_on=head.texts("reading"),
        roles=_roles(Table(f"{file} [roles]", raw.get("roles", {}), faults)),
        facts={**FACTS, **_facts(Table(f"{file} [facts]", raw.get("facts", {}), faults))},
        readings={t.where_id: _reading(t) for t in _each(raw, "reading", file, faults)},
        words=_words(raw, file, faults),
        rules=_rules(raw, file, faults, remind),
        ladders={t.where_id: _ladder(t) for t in _each(raw, "ladder", file, faults)},
        checks={t.where_id: _check(t) for t in _each(raw, "check", file, faults)},
        meetings={t.where_id: _meeting(t) for t in _each(raw, "meeting", file, faults)},
        limits={t.where_id: _limit(t) for t in _each(raw, "limit", file, faults)},
        routes={t.where_id: _route(t) for t in _each(raw, "route", file, faults)},
        file=file,
        text_hash=sha256(text.encode()).hexdigest(),
        text=text,
    )
    head.done()
    return policy


class _Named(Table):
    where_id: str


def _each(raw: Mapping[str, Any], kind: str, file: str, faults: list[str]) -> list[_Named]:
    tables = raw.get(kind, {})
    if not isinstance(tables, dict):
        faults.append(f"{file} [{kind}]: write [{kind}.NAME] tables")
        return []
    made = []
    for name, inner in tables.items():
        table = _Named(f"{file} [{kind}.{name}]", inner, faults)
        table.where_id = name
        if not _ID.fullmatch(name):
            table.fault("a name has small letters, digits, '-' and '_', and begins with a letter")
        made.append(table)
    return made


def _hours(table: Table) -> tuple[time, time] | None:
    text = table.text("hours")
    if not text:
        return None
    found = _HOURS.fullmatch(text)
    try:
        if not found:
            raise ValueError
        opens, closes = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    except ValueError:
        table.fault(f"hours = {text!r} is not of the form '09:00 to 17:00'")
        return None
    if opens >= closes:
        table.fault(f"hours = {text!r} closes before it opens")
        return None
    return opens, closes


def _roles(table: Table) -> dict[str, str | tuple[str, ...]]:
    roles: dict[str, str | tuple[str, ...]] = dict(BUILT_IN_ROLES)
    for name, value in table.raw.items():
        texts = table.texts(name)
        roles[name] = value if isinstance(value, str) else texts
    for name, value in roles.items():
        for role in value if isinstance(value, tuple) else ():
            if role not in roles:
                table.fault(f"{name} names the role {role!r}, which is not declared{nearest(role, list(roles))}")
    return roles


def _facts(table: Table) -> dict[str, str]:
    facts = {}
    for name in table.raw:
        kind = table.choice(name, FACT_KINDS, "word")
        if name in FACTS and FACTS[name] != kind:
            table.fault(f"{name} is shared by all authorities and is a {FACTS[name]}")
        facts[name] = kind
    return facts


def _reading(table: Table) -> Reading:
    made = Reading(
        id=table.where.rsplit(".", 1)[-1].rstrip("]"),
        clauses=table.texts("clauses", required=True),
        asks=table.text("asks", required=True),
        answer=table.text("answer"),
        value=table.text("value"),
        taken_by=table.text("taken_by"),
        signed_by=table.text("signed_by"),
        signed_on=table.day("signed_on"),
    )
    if made.value:
        table.read("value", made.value, phrases.read_span)
    table.done()
    return made


def _words(raw: Mapping[str, Any], file: str, faults: list[str]) -> dict[str, EventWord]:
    words = {name: EventWord(name) for name in EVENTS}
    for table in _each(raw, "event", file, faults):
        word = _word(table)
        if word.name in EVENTS and not word.recorded:
            table.fault("is a word that all authorities share; give your own definition another name")
        words[word.name] = word
    return words


def _word(table: _Named) -> EventWord:
    shapes = [key for key in ("any", "all", "of") if key in table.raw]
    if len(shapes) > 1:
        table.fault(f"has {' and '.join(shapes)}; a word is one of any, all, of")
    selects = [key for key in ("where", "at_least", "within", "different") if key in table.raw]
    if selects and "of" not in table.raw:
        table.fault(f"has {', '.join(selects)} but no 'of' to select from")
    within = table.phrase("within", phrases.read_span)
    table.texts("details")
    different = table.inner("different")
    for key, n in different.items():
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            table.fault(f"different.{key} must be a whole number from 1")
    where = _where(table, "where")
    word = EventWord(
        name=table.where_id,
        title=table.text("title"),
        clause=table.texts("clause"),
        any=table.phrase("any", phrases.read_evidence),
        all=table.texts("all"),
        of=table.text("of"),
        where=where,
        at_least=table.number("at_least", 1),
        within=_plain(table, "within", within[0]) if within else None,
        different=dict(different),
    )
    table.done()
    return word


def _plain(table: Table, key: str, length: phrases.Length) -> Span | None:
    if isinstance(length, Span):
        return length
    table.fault(f"{key} needs a plain length such as '42 days'")
    return None


def _where(table: Table, key: str) -> Cond | None:
    raw = table.inner(key)
    return _cond(table, key, raw) if raw else None


def _cond(table: Table, key: str, raw: Mapping[str, Any]) -> Cond:
    parts = [part for name, value in raw.items() if (part := _test(table, f"{key}.{name}", name, value)) is not None]
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))


def _test(table: Table, at: str, name: str, value: Any) -> Cond | None:
    if name == "any":
        if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
            return AnyOf(tuple(_cond(table, at, v) for v in value))
        table.fault(f"{at} must be a list of conditions in braces")
        return None
    if name == "not":
        if isinstance(value, dict) and value:
            return Not(_cond(table, at, value))
        table.fault(f"{at} must be a condition in braces")
        return None
    if name == "known":
        facts = value if isinstance(value, list) else [value]
        return Known(tuple(str(fact) for fact in facts))
    if name == "happened":
        return _happened(table, at, value)
    return _compare(table, at, name, value)


def _happened(table: Table, at: str, value: Any) -> Cond | None:
    if not isinstance(value, dict) or not value:
        table.fault(f'{at} must be of the form {{ EVENT = "ever" }} or {{ EVENT = "within 3 months" }}')
        return None
    tests: list[Cond] = []
    for word, reach in value.items():
        if reach == "ever":
            tests.append(Happened(word, None))
        elif isinstance(reach, str) and reach.startswith("within "):
            length = table.read(at, reach.removeprefix("within "), phrases.read_span)
            if length is not None and (span := _plain(table, at, length)):
                tests.append(Happened(word, span))
        else:
            table.fault(f"{at}.{word} must be 'ever' or for example 'within 3 months'")
    return tests[0] if len(tests) == 1 else AllOf(tuple(tests))


def _compare(table: Table, at: str, name: str, value: Any) -> Cond | None:
    if isinstance(value, dict):
        wrong = [bound for bound in value if bound not in _BOUNDS]
        for bound in wrong:
            table.fault(f"{at} has no bound {bound!r}{nearest(bound, _BOUNDS)}")
        if not value:
            table.fault(f"{at} tests nothing")
        return None if wrong or not value else Compare(name, **value)
    values = tuple(value) if isinstance(value, list) else (value,)
    if not values:
        table.fault(f"{at} = [] can never hold")
    return Compare(name, values)


def _rules(
    raw: Mapping[str, Any], file: str, faults: list[str], remind: tuple[Remind, ...]
) -> dict[str, Standard | Rhythm]:
    rules: dict[str, Standard | Rhythm] = {}
    for kind, make in (("standard", _standard), ("rhythm", _rhythm)):
        for table in _each(raw, kind, file, faults):
            if table.where_id in rules:
                table.fault("has the id of another rule; an id stands for one rule")
            rules[table.where_id] = make(table, remind)
            table.done()
    return rules


def _common(table: _Named, remind: tuple[Remind, ...]) -> dict[str, Any]:
    per = table.choice("per", ("child",))
    own = table.phrase("remind", phrases.read_remind) if table.raw.get("remind") else None
    table.taken.add("remind")
    return {
        "id": table.where_id,
        "title": table.text("title", required=True),
        "clause": table.texts("clause", required=True),
        "met_by": table.phrase("met_by", phrases.read_evidence, required=True),
        "owner": table.text("owner", required=True),
        "where": _where(table, "where"),
        "unless": table.phrase("unless", phrases.read_evidence),
        "per_child": per == "child",
        "tell": table.texts("tell"),
        "force": table.choice("force", ("statutory", "required", "guide"), "required"),
        "remind": own if own is not None else (() if "remind" in table.raw else remind),
        "escalate": table.text("escalate"),
        "decided_by": table.text("decided_by"),
        "may_extend": table.texts("may_extend"),
        "runs_through": table.texts("runs_through"),
        "readings": table.texts("reading"),
    }


def _standard(table: _Named, remind: tuple[Remind, ...]) -> Standard:
    not_before = table.phrase("not_before", _read_earliest)
    best_by = table.phrase("best_by", phrases.read_due)
    return Standard(
        **_common(table, remind),
        due=table.phrase("due", phrases.read_due, required=True),
        not_before=not_before[0] if not_before else None,
        best_by=best_by[0] if best_by else None,
        roll=table.choice("roll", ("previous working day", "next working day")) or None,
    )


def _read_earliest(text: str) -> Due:
    """Read a `not_before`: a due phrase, or a bare date such as "18th birthday"."""
    try:
        return phrases.read_due(text)
    except PhraseFault as fault:
        try:
            return Due("by", text, target=phrases.read_target(text))
        except PhraseFault:
            raise fault from None


def _rhythm(table: _Named, remind: tuple[Remind, ...]) -> Rhythm:
    common = _common(table, remind)
    if "phases" in table.raw:
        phases = tuple(_phase(inner, str(n)) for n, inner in enumerate(table.tables("phases"), 1))
        for key in ("every", "from", "best_by"):
            if key in table.raw:
                table.taken.add(key)
                table.fault(f"{key} stands beside phases; write it in each phase")
    else:
        phases = (_phase(table, None),)
    return Rhythm(**common, phases=tuple(p for p in phases if p is not None))


def _phase(table: Table, number: str | None) -> Phase | None:
    every: tuple[Every, ...] = table.phrase("every", phrases.read_every, required=True)
    begin = table.phrase("from", phrases.read_begin, required=True)
    best_by = table.phrase("best_by", phrases.read_every)
    name = None
    if number is not None:
        name = table.text("name", default=f"phase {number}")
        table.done()
    if not every or len(begin) != 1:
        if len(begin) > 1:
            table.fault("from must be one phrase")
        return None
    return Phase(name, every, begin[0], best_by[0] if best_by else None)


def _ladder(table: _Named) -> Ladder:
    made = Ladder(
        id=table.where_id,
        title=table.text("title", required=True),
        clause=table.texts("clause", required=True),
        steps=tuple(step for inner in table.tables("steps", required=True) if (step := _step(inner)) is not None),
    )
    table.done()
    return made


def _step(table: Table) -> Step | None:
    due = table.phrase("due", phrases.read_due, required=True)
    made = Step(
        who=table.texts("who", required=True),
        due=due[0] if due else Due("no set time", ""),
        where=_where(table, "where"),
        together=table.flag("together"),
        final=table.flag("final"),
        readings=table.texts("reading"),
    )
    table.done()
    return made if due else None


# ---- the other shapes


def _check(table: _Named) -> Check:
    at = table.phrase("at", phrases.read_anchor, required=True)
    not_before = table.phrase("not_before", _read_earliest)
    since = table.phrase("since", _read_since)
    per = table.choice("per", ("child",))
    made = Check(
        id=table.where_id,
        title=table.text("title", required=True),
        clause=table.texts("clause", required=True),
        at=at[0] if at else Anchor(""),
        owner=table.text("owner", required=True),
        needs=table.phrase("needs", phrases.read_anchor),
        must=_where(table, "must"),
        since=since[0] if since else None,
        not_before=not_before[0] if not_before else None,
        where=_where(table, "where"),
        per_child=per == "child",
        tell=table.texts("tell"),
        force=_force(table),
        readings=table.texts("reading"),
    )
    if not (made.needs or made.must or made.not_before):
        table.fault("checks nothing: give it needs, must or not_before")
    table.done()
    return made


def _force(table: Table) -> Force:
    force = table.choice("force", ("statutory", "required", "guide"), "required")
    return "statutory" if force == "statutory" else "guide" if force == "guide" else "required"


def _read_since(text: str) -> Span | Anchor:
    """Read how far back "already" reaches: a length, or an event."""
    if re.match(r"\d+ (?!\w*(st|nd|rd|th)\b)", text):
        length = phrases.read_span(text)
        if isinstance(length, Span):
            return length
    return phrases.read_anchor(text)


_EVERY = re.compile(r"every (Monday|Tuesday|Wednesday|Thursday|Friday)")
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")


def _meeting(table: _Named) -> Meeting:
    on = table.text("on", required=True)
    found = _EVERY.fullmatch(on)
    if on and not found:
        table.fault(f"on = {on!r} is not of the form 'every Tuesday'")
    made = Meeting(
        id=table.where_id,
        title=table.text("title", required=True),
        clause=table.texts("clause", required=True),
        weekday=_WEEKDAYS.index(found[1]) + 1 if found else 1,
        per=table.text("per"),
        cut_off=_cut_off(table),
        bank_holiday=table.choice("bank_holiday", ("ask", "skip", "next working day"), "ask"),
        chair=table.text("chair"),
        readings=table.texts("reading"),
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


def _limit(table: _Named) -> WorkLimit:
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


def _route(table: _Named) -> Route:
    at = table.phrase("at", phrases.read_anchor, required=True)
    rows = []
    for inner in table.tables("rows", required=True):
        to = inner.text("to", required=True)
        of = _TEAM_OF.fullmatch(to)
        rows.append(Row(to, _where(inner, "where"), of[1] if of else "", inner.texts("reading")))
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
