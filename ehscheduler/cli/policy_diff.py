"""policy diff: what one edition of a protocol says otherwise than another, in words, part by part."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehscheduler.cli.common import FormatOption, check_format, say, show_json
from ehscheduler.cli.policies import Which, policies_of, policy
from ehscheduler.errors import PolicyRefused

if TYPE_CHECKING:
    from ehscheduler.core.policy import Policy

PARTS = {
    "rules": "rule",
    "checks": "check",
    "ladders": "ladder",
    "routes": "route",
    "meetings": "meeting",
    "limits": "limit of work",
    "words": "event",
    "readings": "reading",
    "roles": "role",
    "facts": "fact",
}
"""What is compared one by one, and what one of each is called."""
BESIDE = {*PARTS, "file", "text", "text_hash", "hooks", "editions", "elsewhere", "authority"}
"""What a policy holds that is no line of its head."""
NAMES = {
    "at": "looked at",
    "at_least": "at least",
    "at_most": "at most",
    "best_by": "best by",
    "counts_first_day": "the first day counts",
    "day_from": "its day comes from",
    "decided_by": "decided by the ladder",
    "due": "due",
    "escalate": "goes up by the ladder",
    "in_force": "in force from",
    "may_extend": "who may agree a later limit",
    "met_by": "done by",
    "not_before": "not before",
    "per": "one for each",
    "per_child": "for each child",
    "phases": "every",
    "pro_rata": "in proportion to hours",
    "remind": "reminders",
    "roll": "moved to a working day",
    "runs_through": "runs on through",
    "tell": "told too",
    "unless": "called off by",
    "where": "applies where",
    "on": "sits on",
}
ROLES = {"owner", "tell", "may_extend", "who", "chair"}
CALLED = {"id", "name", "title", "clause", "clauses", "asks"}
NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that is said otherwise: its name, and both in words."""

    name: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Change:
    """One rule, check, reading ... that is `new`, `gone` or `changed`; `said` is what it is called."""

    part: str
    id: str
    what: str
    said: str
    fields: tuple[Field, ...] = ()


def changes(old: "Policy", new: "Policy") -> Iterator[Change]:
    """Yield all in which two policies differ, the head first; comments and layout are no difference."""
    head = tuple(_fields(old, new, old, new, only={f.name for f in fields(old)} - BESIDE))
    if head:
        yield Change("head", "", "changed", f"{new.document}, edition {new.edition}", head)
    for part, kind in PARTS.items():
        before, after = getattr(old, part), getattr(new, part)
        for id_ in dict.fromkeys((*after, *before)):
            if id_ not in before:
                yield Change(kind, id_, "new", _called(after[id_]), tuple(_all(after[id_], new)))
            elif id_ not in after:
                yield Change(kind, id_, "gone", _called(before[id_]))
            elif found := tuple(_fields(before[id_], after[id_], old, new)):
                yield Change(kind, id_, "changed", _called(after[id_]), found)


def _called(one: Any) -> str:
    title, clause = getattr(one, "title", ""), getattr(one, "clause", ()) or getattr(one, "clauses", ())
    return f"{title or getattr(one, 'asks', '')} ({', '.join(clause)})" if clause else title


def _fields(old: Any, new: Any, before: "Policy", after: "Policy", only: set[str] | None = None) -> Iterator[Field]:
    if not is_dataclass(old) or type(old) is not type(new):
        if old != new:
            yield Field("is", said(old, before), said(new, after))
        return
    for one in fields(old):
        mine, theirs = getattr(old, one.name), getattr(new, one.name)
        if mine != theirs and (only is None or one.name in only):
            yield Field(_name(one.name), said(mine, before, one.name), said(theirs, after, one.name))


def _all(one: Any, read: "Policy") -> Iterator[Field]:
    """Yield everything that something new says; nothing for what it leaves out."""
    if not is_dataclass(one):
        yield Field("is", "", said(one, read))
        return
    for each in fields(one):
        value = getattr(one, each.name)
        if each.name not in ("id", "name", "title", "clause", "clauses", "asks") and value not in (
            None,
            "",
            (),
            {},
            False,
        ):
            yield Field(_name(each.name), "", said(value, read, each.name))


def _name(field: str) -> str:
    return NAMES.get(field, field.replace("_", " "))


# ---- values in words


def said(value: Any, read: "Policy", field: str = "") -> str:
    """Say any value that a policy holds in words."""
    from ehscheduler.cli.policy_words import said_cond, step_words
    from ehscheduler.core.policy import AllOf, AnyOf, Compare, Happened, Known, Not, Phase, Row, Step
    from ehscheduler.core.saying import said_day

    match value:
        case None | "" | ():
            return "a day that a reading gives" if field == "on" else NOTHING
        case bool():
            return "yes" if value else "no"
        case str():
            return read.title_of_role(value) if field in ROLES else value
        case date():
            return said_day(value)
        case time():
            return f"{value:%H:%M}"
        case Compare() | Known() | Happened() | Not() | AnyOf() | AllOf():
            return said_cond(value)
        case Step():
            return step_words(value, read)
        case Phase():
            name = f"{value.name}: " if value.name else ""
            every = f"{name}{' or '.join(each.text for each in value.every)} from {value.begin.text}"
            return f"{every}, best by {value.best_by.text}" if value.best_by else every
        case Row():
            to = f"the team of the latest {value.latest}" if value.latest else value.to
            return f"{to} where {said_cond(value.where)}" if value.where else to
        case Mapping():
            return ", ".join(f"{key}: {said(one, read)}" for key, one in value.items()) or NOTHING
        case tuple():
            return "; ".join(said(one, read, field) for one in value)
    for name in ("said", "text"):
        if isinstance(found := getattr(value, name, None), str):
            return found
    return str(value)


# ---- the command


@policy.command()
def diff(
    old: Which,
    new: Annotated[str, typer.Argument(help="The other: a file, an authority's name, or NAME@EDITION.")],
    format: FormatOption = "table",
) -> None:
    """Say in words what one edition of a protocol has otherwise than another. NAME@EDITION is an installed edition."""
    check_format(format)
    before, after = _one(old), _one(new)
    found = list(changes(before, after))
    if format == "json":
        show_json([_plain(one) for one in found])
        return
    say(f"From {_headed(before)}")
    say(f"to {_headed(after)}:")
    typer.echo()
    if not found:
        say("Both say the same.")
        return
    for what, heading in (("gone", "No longer there"), ("new", "New"), ("changed", "Said otherwise")):
        chosen = [one for one in found if one.what == what]
        if chosen:
            say(f"{heading} ({len(chosen)})")
            for one in chosen:
                _show(one)
            typer.echo()
    told = sum(one.what != "gone" and one.part != "head" for one in found)
    told = sum(one.what != "gone" and one.part != "head" for one in found)
    same = sum(len(getattr(after, part)) for part in PARTS) - told
    say(f"The other {same} tables of the policy say the same.")


def _headed(read: "Policy") -> str:
    from ehscheduler.core.saying import said_day

    return f"{read.authority}: {read.document}, edition {read.edition}, in force from {said_day(read.in_force)}"


def _one(which: str) -> "Policy":
    """Return one edition: of a file, of an authority (its latest), or the one that is named after an @."""
    name, at, edition = which.rpartition("@")
    if not at:
        return policies_of(which)[-1][0]
    known = [read for read, _ in policies_of(name)]
    for read in known:
        if read.edition == edition:
            return read
    listed = ", ".join(repr(read.edition) for read in known)
    raise PolicyRefused([f"{name} has no edition {edition!r}; it has {listed}"])


def _show(one: Change) -> None:
    typer.echo()
    say(f"{one.part} {one.id}: {one.said}" if one.id else one.said, "  ")
    for field in one.fields:
        if one.what == "new":
            say(f"{field.name}: {field.new}" if field.name != "is" else field.new, "      ")
        else:
            name = "" if field.name == "is" else f"{field.name} "
            say(f"{name}was: {field.old}", "      ")
            say(f"{name}now: {field.new}", "      ")


def _plain(one: Change) -> dict[str, Any]:
    listed = [{"field": field.name, "old": field.old, "new": field.new} for field in one.fields]
    return {"part": one.part, "id": one.id, "what": one.what, "said": one.said, "fields": listed}
