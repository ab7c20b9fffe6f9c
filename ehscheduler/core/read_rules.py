"""Read the rules of a policy: standards, rhythms and ladders."""

from collections.abc import Mapping
from typing import Any

from ehscheduler.core import phrases
from ehscheduler.core.phrases import Due, Every, Remind
from ehscheduler.core.policy import Force, Ladder, Phase, Rhythm, Standard, Step
from ehscheduler.core.read_conditions import read_where
from ehscheduler.core.tables import Named, Table, each_table
from ehscheduler.errors import PhraseFault

WITHDRAWN = phrases.read_evidence("dispute_withdrawn")


def read_rules(
    raw: Mapping[str, Any], file: str, faults: list[str], remind: tuple[Remind, ...]
) -> dict[str, Standard | Rhythm]:
    rules: dict[str, Standard | Rhythm] = {}
    for kind, make in (("standard", _standard), ("rhythm", _rhythm)):
        for table in each_table(raw, kind, file, faults):
            if table.where_id in rules:
                table.fault("has the id of another rule; an id stands for one rule")
            rules[table.where_id] = make(table, remind)
            table.done()
    return rules


def _common(table: Named, remind: tuple[Remind, ...]) -> dict[str, Any]:
    per = table.choice("per", ("child",))
    own = table.phrase("remind", phrases.read_remind) if table.raw.get("remind") else None
    unless, decided_by = table.phrase("unless", phrases.read_evidence), table.text("decided_by")
    if decided_by and WITHDRAWN not in unless:
        unless = (*unless, WITHDRAWN)  # who raised a dispute may take it back, and then nobody decides
    table.taken.add("remind")
    return {
        "id": table.where_id,
        "title": table.text("title", required=True),
        "clause": table.texts("clause", required=True),
        "met_by": table.phrase("met_by", phrases.read_evidence, required=True),
        "owner": table.text("owner", required=True),
        "where": read_where(table, "where"),
        "unless": unless,
        "per_child": per == "child",
        "tell": table.texts("tell"),
        "force": read_force(table),
        "remind": own if own is not None else (() if "remind" in table.raw else remind),
        "escalate": table.text("escalate"),
        "decided_by": decided_by,
        "may_extend": table.texts("may_extend"),
        "runs_through": table.texts("runs_through"),
        "readings": table.texts("reading"),
    }


def _standard(table: Named, remind: tuple[Remind, ...]) -> Standard:
    not_before = table.phrase("not_before", read_earliest)
    best_by = table.phrase("best_by", phrases.read_due)
    made = Standard(
        **_common(table, remind),
        due=table.phrase("due", phrases.read_due, required=True),
        not_before=not_before[0] if not_before else None,
        best_by=best_by[0] if best_by else None,
        roll=table.choice("roll", ("previous working day", "next working day")) or None,
    )
    rolled = [*made.due, *([made.not_before] if made.not_before else [])]
    if made.roll and made.due and not any(due.how == "after" and not due.in_hours for due in rolled):
        table.fault("roll moves the last day of a length of days after an event, and no limit here is one")
    return made


def read_earliest(text: str) -> Due:
    """Read a `not_before`: a due phrase, or a bare date such as "18th birthday"."""
    try:
        return phrases.read_due(text)
    except PhraseFault as fault:
        try:
            return Due("by", text, target=phrases.read_target(text))
        except PhraseFault:
            raise fault from None


def _rhythm(table: Named, remind: tuple[Remind, ...]) -> Rhythm:
    common = _common(table, remind)
    if "phases" in table.raw:
        phases = tuple(_phase(inner, str(n)) for n, inner in enumerate(table.tables("phases"), 1))
        for key in ("every", "from", "best_by"):
            if key in table.raw:
                table.taken.add(key)
                table.fault(f"{key} stands beside phases; write it in each phase")
    else:
        phases = (_phase(table, None),)
    made = tuple(phase for phase in phases if phase is not None)
    blocks = [bool(phase.every[0].times) for phase in made]
    if blocks != sorted(blocks, reverse=True):
        table.fault("a phase of so many times a week or month stands before those of a length")
    return Rhythm(**common, phases=made)


def _phase(table: Table, number: str | None) -> Phase | None:
    every: tuple[Every, ...] = table.phrase("every", phrases.read_every, required=True)
    begin = table.phrase("from", phrases.read_begin, required=True)
    best_by = table.phrase("best_by", phrases.read_every)
    if best_by and best_by[0].length is None:
        table.fault(f"best_by = {best_by[0].text!r} is not a length such as '1 week'")
    if (counted := [each.text for each in every if each.times]) and (len(every) > 1 or best_by):
        table.fault(f"every: {counted[0]!r} stands alone, with no other interval and no best_by beside it")
    name = None
    if number is not None:
        name = table.text("name", default=f"phase {number}")
        table.done()
    if not every or len(begin) != 1:
        if len(begin) > 1:
            table.fault("from must be one phrase")
        return None
    return Phase(name, every, begin[0], best_by[0] if best_by else None)


def read_ladder(table: Named) -> Ladder:
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
        where=read_where(table, "where"),
        together=table.flag("together"),
        final=table.flag("final"),
        readings=table.texts("reading"),
    )
    table.done()
    return made if due else None


# ---- the other shapes


def read_force(table: Table) -> Force:
    """Read how binding a rule is; required where nothing is said."""
    force = table.choice("force", ("statutory", "required", "guide"), "required")
    return "statutory" if force == "statutory" else "guide" if force == "guide" else "required"
