"""What a worked case must have in it so that it tells a change of the policy from the policy."""

from ehscheduler.kit.changes import Mutant
from ehscheduler.kit.phrase_changes import ANCHOR

WHO_HEARS = "write from, until and notices with to_roles in a case of it"
HINTS: dict[str, str] = {
    "nation": "count a case over 2 January, 17 March and Easter Monday, when the nations differ",
    "counts_first_day": "add a case with a due_on",
    "transition": "add a case that is open when the edition comes into force",
    "hours": "add a case whose office hours run over an evening",
    "remind": "write from, until and notices in a case, with the reminder at its day",
    "owner": "write owner in expect, or notices with to_roles",
    "who": WHO_HEARS,
    "tell": WHO_HEARS,
    "chair": "write a [[sitting]] with told and to_roles on a bank holiday",
    "escalate": "write from, until and notices in a case that runs over, with each escalation",
    "decided_by": "write from, until and notices in a case of a dispute, with each step",
    "steps": WHO_HEARS,
    "may_extend": "add a case in which relaxation_agreed has this by_role, and its due_on moves",
    "force": "write force in expect, or the notices of a case that runs over",
    "best_by": "write best_by_on in expect",
    "not_before": "write opens_on in expect, or for a check a case on either side of that day",
    "unless": 'add a case in which that event comes first, with state = "cancelled"',
    "met_by": "add a case in which just this event happens, and one in which a like event happens alone",
    "needs": "add a case in which just this event happens, and one in which a like event happens alone",
    "where": "add a case on each side of the condition: one with the key in expect, and one with it in absent",
    "must": "add a case on each side of the condition: one with warnings = [], and one with the warning",
    "since": "add a case just within that reach, and one just beyond it",
    "runs_through": "add a case with hold_started (or closed) while the clock runs, and its due_on",
    "per": "add a case with two children in facts, and a key for each",
    "roll": "add a case whose last day falls on a weekend",
    "on": "write a [[sitting]] with after and next",
    "bank_holiday": (
        "write a [[sitting]] whose next day would be a bank holiday; for 'skip', a case up to four weeks before one, "
        'with warnings = ["nobody has said when it sits instead"]'
    ),
    "cut_off": "write a [[sitting]] on either side of the cut-off",
    "every": "add a case with due_on that counts over a month's end, a weekend and a bank holiday",
    "from": "add a case in which the event happens twice, and another event earlier",
    "phases": "add a case with a due_on in each phase",
    "at": "add a case in which the event happens twice, and another event first",
    "any": "add a case in which just this event happens",
    "of": "add a case in which just this event happens",
    "all": "add a case in which one of the events is missing",
    "within": "add a case just within that reach, and one just beyond it",
    "different": "add a case in which the events are alike, and one in which they differ",
    "at_most": "write a [[workload]] at the limit, and one just over it",
    "at_least": "add a case with one fewer, and one with just so many",
    "pro_rata": "write a [[workload]] with share = 0.5",
    "rows": "write a [[routed]] case for each row, and one that no row takes",
    "value": "add a case with a due_on that rests on the reading",
}
PHRASES = ("due", "every", "from", "at", "met_by", "unless", "needs", "any", "since", "not_before")
"""Keys whose text names an event, so that the change itself says what a case needs."""


def hint(mutant: Mutant, old: object = None) -> str:
    """Say what a worked case needs so that this change of what stood there shows in it."""
    keys = [step for step in mutant.path[1:] if isinstance(step, str) and step in (*HINTS, "due")]
    key = next((key for key in keys if key != "steps"), keys[0] if keys else "due")
    if key in PHRASES and isinstance(old, str) and isinstance(mutant.value, str):
        return _of_phrase(old, mutant.value, evidence=key in ("met_by", "unless", "needs", "any"))
    return HINTS.get(key, _COUNTED)


_COUNTED = "add a case with its due_on, counted over a weekend, a bank holiday and the end of a month"


def _of_phrase(old: str, new: str, *, evidence: bool) -> str:
    """Say what tells two phrases apart: another event, another one of them, another number or another manner."""
    before, after = ANCHOR.search(old), ANCHOR.search(new)
    if not before or not after or old[: before.start()] != new[: after.start()]:
        dated = {"no set time", "same day as", "at once afte"} & {old[:11], new[:11], old[:12], new[:12]}
        return "add a case that is looked at some days later, with due_on and state" if dated else _COUNTED
    if before[2] != after[2]:
        return f"add a case in which {after[2]} happens on another day than {before[2]}, or without it"
    once = evidence and not before[1]
    return f"add a case in which {before[2]} happens {'once, and is enough' if once else 'twice, on two days'}"
