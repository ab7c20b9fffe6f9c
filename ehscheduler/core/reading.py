"""Read a policy file into policy objects, reporting every fault at once.

Each fault is a sentence that names the file, the table and, for an unknown word, the nearest known one.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, time
from hashlib import sha256
from typing import Any

from ehscheduler.core import phrases
from ehscheduler.core.calendars import NATIONS
from ehscheduler.core.check import cross_check
from ehscheduler.core.policy import Asked, EventWord, Policy, Reading, with_sitting_days
from ehscheduler.core.read_conditions import plain_length, read_where
from ehscheduler.core.read_rules import read_ladder, read_rules
from ehscheduler.core.read_shapes import read_check, read_limit, read_meeting, read_route
from ehscheduler.core.sitting_days import sitting_day
from ehscheduler.core.tables import Named, Table, each_table
from ehscheduler.core.vocabulary import BUILT_IN_ROLES, EVENTS, FACT_KINDS, FACTS, TITLES, nearest
from ehscheduler.errors import PolicyRefused

TABLES = (
    *("policy", "roles", "facts", "reading", "event"),
    *("standard", "rhythm", "check", "meeting", "ladder", "limit", "route"),
)
_HOURS = re.compile(r"(\d\d):(\d\d) to (\d\d):(\d\d)")


def read_policy(text: str, file: str, hooks: Mapping[str, Asked] | None = None) -> Policy:
    """Read one edition from the text of its file; raise PolicyRefused with every fault.

    `hooks` are the plugin's own conditions by name.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyRefused([f"{file}: is not TOML: {error}"]) from None
    return read_tables(raw, text, file, hooks)


def read_tables(raw: Mapping[str, Any], text: str, file: str, hooks: Mapping[str, Asked] | None = None) -> Policy:
    """Read one edition from its parsed tables; raise PolicyRefused with every fault."""
    faults: list[str] = []
    for name in raw:
        if name not in TABLES:
            faults.append(f"{file} [{name}]: no table {name!r}{nearest(name, TABLES)}")
    policy = replace(_policy(raw, text, file, faults), hooks=hooks or {})
    twice = [name for name in policy.hooks if name in policy.facts]
    faults += [f"{file}: the plugin's condition {name!r} has the name of a fact; give it another" for name in twice]
    return _agreed(policy, faults)


def read_again(policy: Policy, kind: str, id_: str, table: Any) -> Policy:
    """Read a policy of which one [kind.id] table is now otherwise; raise PolicyRefused with every fault.

    What comes is what `read_tables` would give of all the tables, in a fraction of the time.
    """
    faults: list[str] = []
    raw = {kind: {id_: table}}
    if kind in ("standard", "rhythm"):
        part, made = "rules", dict(read_rules(raw, policy.file, faults, policy.remind))
    else:
        part, made = _SHAPES[kind][0], _each(kind, raw, policy.file, faults)
    return _agreed(replace(policy, **{part: getattr(policy, part) | made}), faults)


def _agreed(policy: Policy, faults: list[str]) -> Policy:
    """Return a policy of which everything agrees with everything else, or raise with every fault."""
    faults += cross_check(policy)
    if faults:
        raise PolicyRefused(faults)
    return with_sitting_days(policy)


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
        readings=_each("reading", raw, file, faults),
        words={name: EventWord(name, TITLES.get(name, "")) for name in EVENTS} | _each("event", raw, file, faults),
        rules=read_rules(raw, file, faults, remind),
        ladders=_each("ladder", raw, file, faults),
        checks=_each("check", raw, file, faults),
        meetings=_each("meeting", raw, file, faults),
        limits=_each("limit", raw, file, faults),
        routes=_each("route", raw, file, faults),
        file=file,
        text_hash=sha256(text.encode()).hexdigest(),
        text=text,
    )
    head.done()
    return policy


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
    if made.value and sitting_day(made.value) is None:
        table.read("value", made.value, phrases.read_span)
    table.done()
    return made


def _word(table: Named) -> EventWord:
    shapes = [key for key in ("any", "all", "of") if key in table.raw]
    if len(shapes) > 1:
        table.fault(f"has {' and '.join(shapes)}; a word is one of any, all, of")
    selects = [key for key in ("where", "at_least", "within", "different") if key in table.raw]
    if selects and "of" not in table.raw:
        table.fault(f"has {', '.join(selects)} but no 'of' to select from")
    within = table.phrase("within", phrases.read_span)
    different = table.inner("different")
    for key, n in different.items():
        if not isinstance(n, int) or isinstance(n, bool) or n < 1:
            table.fault(f"different.{key} must be a whole number from 1")
    where = read_where(table, "where")
    word = EventWord(
        name=table.where_id,
        title=table.text("title"),
        clause=table.texts("clause"),
        any=table.phrase("any", phrases.read_evidence),
        all=table.texts("all"),
        of=table.text("of"),
        where=where,
        at_least=table.number("at_least", 1),
        within=plain_length(table, "within", within[0]) if within else None,
        different=dict(different),
        details=table.texts("details"),
    )
    if word.name in EVENTS and not word.recorded:
        table.fault("is a word that all authorities share; give your own definition another name")
    table.done()
    return word


_SHAPES: Mapping[str, tuple[str, Callable[[Named], Any]]] = {
    "reading": ("readings", _reading),
    "event": ("words", _word),
    "ladder": ("ladders", read_ladder),
    "check": ("checks", read_check),
    "meeting": ("meetings", read_meeting),
    "limit": ("limits", read_limit),
    "route": ("routes", read_route),
}
"""How one table of a kind is read, and which part of a policy holds them."""


def _each(kind: str, raw: Mapping[str, Any], file: str, faults: list[str]) -> dict[str, Any]:
    _, read = _SHAPES[kind]
    return {table.where_id: read(table) for table in each_table(raw, kind, file, faults)}
