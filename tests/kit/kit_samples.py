"""The files of a plugin small enough to be read at a glance."""

from collections.abc import Callable

from ehscheduler.kit import Plugin

POLICY = """
[policy]
authority = "testshire"
document  = "A protocol for tests"
edition   = "1"
nation    = "england"
in_force  = 2015-01-01

[roles]
worker  = "Worker"
manager = "Manager"

[event.letter_sent]
title  = "A letter"
clause = "2"

[standard.call]
title   = "Family called"
clause  = "1"
due     = "5 working days after allocation"
met_by  = "contact_made"
owner   = "worker"
tell    = ["manager"]
reading = "which"

[check.letter-first]
title  = "A letter before a visit"
clause = "2"
at     = "home_visit"
needs  = "letter_sent"
owner  = "worker"

[route.area]
title  = "Which area"
clause = "3"
at     = "allocation"
rows   = [{ where = { locality = "north" }, to = "North" }]

[limit.caseload]
title   = "A worker's families"
clause  = "4"
who     = "worker"
at_most = { families = 2 }
tell    = ["manager"]

[reading.which]
clauses  = ["1"]
asks     = "Which allocation?"
answer   = "The first."
taken_by = "project"
"""

# Tue 3 Mar 2026 + 5 working days = Tue 10 Mar; over Easter, Mon 30 Mar + 5 working days = Wed 8 Apr in England.
EXAMPLES = """
[[example]]
rule    = "call"
events  = ["2026-03-02 referral_received", "2026-03-03 allocation", "2026-03-04 allocation", "2026-03-10 contact_made"]
at      = "2026-03-11"
expect  = [{ key = "call", due_on = 2026-03-10, state = "met" }]

[[example]]
rule    = "call"
events  = ["2026-03-30 allocation"]
at      = "2026-03-31"
expect  = [{ key = "call", due_on = 2026-04-08, state = "upcoming" }]
from    = "2026-03-31"
until   = "2026-04-10"
notices = [
  { at = "2026-04-08T08:30:00", kind = "due", to_roles = ["worker", "manager"] },
  { at = "2026-04-09T08:30:00", kind = "overdue", to_roles = ["worker", "manager"] },
]

[[example]]
rule    = "call"
events  = ["2026-03-03 allocation", "2026-03-11 contact_made"]
at      = "2026-03-12"
expect  = [{ key = "call", state = "met_late" }]

[[example]]
rule     = "letter-first"
events   = ["2026-03-03 allocation", "2026-03-09 home_visit"]
at       = "2026-03-09"
expect   = []
from     = "2026-03-09"
until    = "2026-03-10"
notices  = [{ at = "2026-03-09T00:00:00", kind = "check", to_roles = ["worker"] }]
warnings = ["it wants letter"]

[[example]]
rule     = "letter-first"
events   = ["2026-03-03 letter_sent", "2026-03-09 home_visit"]
at       = "2026-03-09"
expect   = []
warnings = []

[[routed]]
rule   = "area"
facts  = { locality = "north" }
events = ["2026-03-03 allocation"]
at     = "2026-03-03"
team   = "North"

[[routed]]
rule   = "area"
facts  = { locality = "south" }
events = ["2026-03-03 allocation"]
at     = "2026-03-03"
team   = "none"

[[workload]]
rule     = "caseload"
families = [1, 3]
told     = []

[[workload]]
rule     = "caseload"
families = [1, 1, 1]
told     = ["F03"]
to_roles = ["manager"]

[[workload]]
rule     = "caseload"
role     = "manager"
families = [1, 1, 1]
told     = []
"""

COVERAGE = """
rows = [
  { row = "call-in-time", clause = "1", as = "T", rule = ["call"] },
  { row = "letter", clause = "2", as = "D", rule = ["letter-first"], note = "a check" },
  { row = "areas", clause = "3", as = "D", rule = ["area"] },
  { row = "families", clause = "4", as = "T", rule = ["caseload"] },
  { row = "kindness", clause = "5", as = "P", why = "a principle" },
]
"""

LIST = """
rows  = ["call-in-time", "letter", "areas", "families", "kindness"]
timed = ["call"]
"""

README = "\n".join(
    f"<!-- {name}: made from the policy's files -->\n<!-- {name}: end -->" for name in ("words", "readings", "coverage")
)

FILES = {
    "ehs_testshire/policy.toml": POLICY,
    "ehs_testshire/examples.toml": EXAMPLES,
    "ehs_testshire/coverage.toml": COVERAGE,
    "tests/rule_list.toml": LIST,
    "tests/standard/cases.csv": "case_ref,locality\nfresh,north\nlate,south\n",
    "tests/standard/events.csv": (
        "case_ref,event,occurred_at,recorded_at,ref,detail\n"
        "fresh,allocation,2026-03-31,,,\nlate,allocation,2026-03-03,,,\nlate,home_visit,2026-03-09,,,\n"
    ),
    "tests/standard/asked.toml": 'at = "2026-03-31"\nfrom = "2026-03-31"\nuntil = "2026-04-14"\n',
    "README.md": README,
    "pyproject.toml": '[project.entry-points.ehscheduler]\ntestshire = "ehs_testshire"\n',
}

Build = Callable[..., Plugin]
"""Builds the plugin with changes given as file=(old, new)."""
