"""What a worked case must have in it so that it tells a change of the policy from the policy."""

from ehscheduler.kit.changes import Mutant

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
    "bank_holiday": "write a [[sitting]] whose next day would be a bank holiday",
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
DATED = "add a case with its due_on that counts over a weekend and a bank holiday, has the event twice"


def hint(mutant: Mutant) -> str:
    """Say what a worked case needs so that this change shows in it."""
    keys = [step for step in mutant.path[1:] if isinstance(step, str) and step in HINTS]
    if mutant.path[0] == "ladder":
        keys = [key for key in keys if key != "steps"] or keys
    return HINTS[keys[0]] if keys else DATED
