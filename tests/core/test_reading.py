"""The policy reader: every fault a sentence with its place and the nearest word, all at once; and the whole grammar."""

# ruff: noqa: E501 - a row of a table stands on one line, however long its sentence

from datetime import date, time

import pytest

from ehscheduler.core import phrases
from ehscheduler.core.calendars import Span
from ehscheduler.core.phrases import Anchor, Begin, Due, Every, FactSpan, ReadingSpan, Remind, Target
from ehscheduler.core.policy import AllOf, AnyOf, Compare, Happened, Known, Not, Policy, Rhythm, Standard
from ehscheduler.core.reading import read_policy
from ehscheduler.errors import PhraseFault, PolicyRefused

BASE = """
[policy]
authority = "testshire"
document = "A protocol for tests"
edition = "1"
nation = "england"
in_force = 2015-01-01
transition = "keep"
[roles]
manager = "Manager"
[facts]
band = "word"
interval = "duration"
[reading.weeks]
clauses = ["1"]
asks = "How many?"
answer = "Three."
value = "3 weeks"
[reading.open]
clauses = ["1"]
asks = "How many?"
[event.plan_made]
any = ["plan_completed", "plan_agreed"]
[event.tries]
of = "contact_attempted"
where = { method = "phone" }
at_least = 2
[standard.visit]
title = "Visited"
clause = "1"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "lead"
[rhythm.contact]
title = "Seen"
clause = "1"
every = "2 weeks"
from = "allocation"
met_by = "family_seen"
owner = "lead"
[standard.dispute]
title = "Resolved"
clause = "1"
due = "24 hours after dispute_raised"
met_by = "dispute_resolved"
owner = "manager"
decided_by = "dispute"
[ladder.dispute]
title = "Disputes"
clause = "1"
steps = [ { who = "manager", due = "8 hours after dispute_raised" }, { who = "manager", due = "24 hours after dispute_raised", final = true } ]
"""


def faults_of(text: str) -> list[str]:
    with pytest.raises(PolicyRefused) as refused:
        read_policy(text, "p.toml")
    return refused.value.faults


def test_the_base_of_these_tests_is_sound() -> None:
    policy = read_policy(BASE, "p.toml")
    assert set(policy.rules) == {"visit", "contact", "dispute"}
    assert len(policy.text_hash) == 64
    assert policy.text == BASE


# id | what stands in the base | what is written instead | the sentence
FAULTS = [
    # ---- the file and its tables
    ("not-toml", "[roles]", "[roles", "p.toml: is not TOML:"),
    ("a-date-that-does-not-exist", "2015-01-01", "2015-02-30", "p.toml: is not TOML:"),
    ("a-table-twice", "[rhythm.contact]", "[standard.visit]", "p.toml: is not TOML:"),
    ("an-unknown-table", "[rhythm.contact]", "[rythm.contact]", "p.toml [rythm]: no table 'rythm'; did you mean 'rhythm'?"),
    ("a-check-that-checks-nothing", "[rhythm.contact]", "[check.contact]", "p.toml [check.contact]: checks nothing: give it needs, must or not_before"),
    ("a-table-without-a-name", "[facts]\n", "[facts]\n[limit]\nat = 3\n", "p.toml [limit.at]: is not a table"),
    ("no-tables", "[policy]", "ladders = 3\n[policy]", "p.toml [ladders]: no table 'ladders'; did you mean 'ladder'?"),
    ("a-name-with-capitals", "[standard.visit]", "[standard.Visit]", "[standard.Visit]: a name has small letters"),
    ("one-id-for-two-rules", "[rhythm.contact]", "[rhythm.visit]", "p.toml [rhythm.visit]: has the id of another rule"),
    # ---- [policy]
    ("no-nation", 'nation = "england"\n', "", "p.toml [policy]: has no 'nation', which every such table needs"),
    ("another-nation", '"england"', '"England"', "[policy]: nation = 'England' is none of england, scotland, wales, northern ireland; did you mean 'england'?"),
    ("no-edition", 'edition = "1"\n', "", "p.toml [policy]: has no 'edition'"),
    ("no-authority", 'authority = "testshire"\n', "", "p.toml [policy]: has no 'authority'"),
    ("no-in-force", "in_force = 2015-01-01\n", "", "p.toml [policy]: has no 'in_force'"),
    ("a-date-in-quotes", "2015-01-01", '"2015-01-01"', "[policy]: in_force must be a date without quotes, such as 2026-03-02"),
    ("an-instant-for-a-date", "2015-01-01", "2015-01-01T00:00:00", "[policy]: in_force must be a date without quotes"),
    ("an-unknown-transition", '"keep"', '"kept"', "transition = 'kept' is none of keep, move open clocks, from next cycle; did you mean 'keep'?"),
    ("an-unknown-key-of-policy", "transition", "transitions", "p.toml [policy]: no key 'transitions'; did you mean 'transition'?"),
    ("first-day-not-true-or-false", "transition =", 'counts_first_day = "yes"\ntransition =', "counts_first_day must be true or false"),
    ("hours-unlike-hours", "transition =", 'hours = "9 to 5"\ntransition =', "hours = '9 to 5' is not of the form '09:00 to 17:00'"),
    ("hours-that-do-not-exist", "transition =", 'hours = "09:00 to 25:00"\ntransition =', "is not of the form '09:00 to 17:00'"),
    ("hours-that-close-first", "transition =", 'hours = "17:00 to 09:00"\ntransition =', "hours = '17:00 to 09:00' closes before it opens"),
    # ---- roles, facts, readings
    ("a-role-that-is-a-number", '"Manager"', "3", "p.toml [roles]: manager must be text in quotes, or a list of such texts"),
    ("a-role-of-unknown-roles", '"Manager"', '["managers"]', "[roles]: manager names the role 'managers', which is not declared; did you mean 'manager'?"),
    ("a-fact-of-no-kind", 'band = "word"', 'band = "words"', "[facts]: band = 'words' is none of word, number, yes/no, date, duration; did you mean 'word'?"),
    ("a-shared-fact-of-another-kind", 'band = "word"', 'band = "word"\nlevel = "word"', "[facts]: level is shared by all authorities and is a number"),
    ("a-reading-that-asks-nothing", 'asks = "How many?"\nanswer', "answer", "p.toml [reading.weeks]: has no 'asks'"),
    ("a-reading-without-clauses", 'clauses = ["1"]\nasks = "How many?"\nanswer', 'asks = "How many?"\nanswer', "p.toml [reading.weeks]: has no 'clauses'"),
    ("a-readings-value-is-no-length", '"3 weeks"', '"three weeks"', "[reading.weeks]: value: 'three weeks' is not a length such as '10 working days'"),
    ("an-unknown-key-of-a-reading", 'value = "3 weeks"', 'valve = "3 weeks"', "[reading.weeks]: no key 'valve'; did you mean 'value'?"),
    # ---- words
    ("a-word-of-two-shapes", 'any = ["plan_completed", "plan_agreed"]', 'any = ["plan_completed"]\nof = "plan_agreed"', "p.toml [event.plan_made]: has any and of; a word is one of any, all, of"),
    ("a-choice-from-nothing", 'of = "contact_attempted"\n', "", "p.toml [event.tries]: has where, at_least but no 'of' to select from"),
    ("a-shared-word-with-another-meaning", "[event.plan_made]", "[event.home_visit]", "[event.home_visit]: is a word that all authorities share"),
    ("an-unknown-event-in-any", '"plan_agreed"]', '"plan_agree"]', "[event.plan_made] any: no event 'plan_agree' is declared; did you mean 'plan_agreed'?"),
    ("an-unknown-event-in-of", '"contact_attempted"', '"contact_attempt"', "[event.tries]: no event 'contact_attempt' is declared; did you mean 'contact_attempted'?"),
    ("an-unknown-event-in-all", 'any = ["plan_completed", "plan_agreed"]', 'all = ["plan_completed", "plans"]', "[event.plan_made]: no event 'plans' is declared"),
    ("a-number-that-is-none", "at_least = 2", "at_least = 0", "[event.tries]: at_least must be a whole number from 1"),
    ("a-number-in-quotes", "at_least = 2", 'at_least = "2"', "[event.tries]: at_least must be a whole number from 1"),
    ("a-window-without-a-unit", "at_least = 2", 'at_least = 2\nwithin = "42"', "[event.tries]: within: '42' is a length without a unit: write for example '42 working days'"),
    ("a-window-from-a-fact", "at_least = 2", 'at_least = 2\nwithin = "case interval"', "[event.tries]: within needs a plain length such as '42 days'"),
    ("different-ways-that-are-no-number", "at_least = 2", "at_least = 2\ndifferent = { day = true }", "[event.tries]: different.day must be a whole number from 1"),
    ("different-ways-that-are-no-table", "at_least = 2", "at_least = 2\ndifferent = 3", "[event.tries]: different must be a table in braces"),
    ("a-ring-of-one", '["plan_completed", "plan_agreed"]', '["plan_completed", "plan_made"]', "p.toml [event.plan_made]: is defined by way of itself, so it can never happen"),
    ("a-ring-of-two", 'of = "contact_attempted"', 'of = "ring"\n[event.ring]\nall = ["plan_agreed", "tries"]\n[event.x]\nof = "tries"', "p.toml [event.ring]: is defined by way of itself"),
    # ---- what every rule has
    ("an-unknown-key", "met_by = \"home_visit\"", "metby = \"home_visit\"", "p.toml [standard.visit]: no key 'metby'; did you mean 'met_by'?"),
    ("no-title", 'title = "Visited"\n', "", "p.toml [standard.visit]: has no 'title', which every such table needs"),
    ("no-clause", 'title = "Visited"\nclause = "1"\n', 'title = "Visited"\n', "p.toml [standard.visit]: has no 'clause'"),
    ("no-evidence", 'met_by = "home_visit"\n', "", "p.toml [standard.visit]: has no 'met_by'"),
    ("no-owner", 'met_by = "home_visit"\nowner = "lead"\n', 'met_by = "home_visit"\n', "p.toml [standard.visit]: has no 'owner'"),
    ("a-title-that-is-a-number", '"Visited"', "3", "p.toml [standard.visit]: title must be text in quotes"),
    ("a-blank-title", '"Visited"', '" "', "p.toml [standard.visit]: title must be text in quotes"),
    ("evidence-that-is-a-number", '"home_visit"', "[3]", "[standard.visit]: met_by must be text in quotes, or a list of such texts"),
    ("no-evidence-in-the-list", '"home_visit"', "[]", "[standard.visit]: met_by must be text in quotes, or a list of such texts"),
    ("an-unknown-event-in-evidence", '"home_visit"', '"home_vist"', "p.toml [standard.visit]: no event 'home_vist' is declared; did you mean 'home_visit'?"),
    ("each-in-evidence", '"home_visit"', '"each home_visit"', "met_by: 'each home_visit': any such event is meant; write 'home_visit', or for example '2nd home_visit'"),
    ("a-wrong-ordinal", '"home_visit"', '"2th home_visit"', "met_by: '2th' is not an ordinal such as '2nd'"),
    ("an-unknown-event-in-unless", 'met_by = "home_visit"', 'met_by = "home_visit"\nunless = "closd"', "[standard.visit]: no event 'closd' is declared; did you mean 'closed'?"),
    ("an-unknown-role", 'met_by = "home_visit"\nowner = "lead"', 'met_by = "home_visit"\nowner = "leed"', "[standard.visit]: no role 'leed' is declared in [roles]; did you mean 'lead'?"),
    ("an-unknown-role-to-tell", 'met_by = "home_visit"', 'met_by = "home_visit"\ntell = ["mananger"]', "no role 'mananger' is declared in [roles]; did you mean 'manager'?"),
    ("an-unknown-role-that-may-extend", 'met_by = "home_visit"', 'met_by = "home_visit"\nmay_extend = "boss"', "no role 'boss' is declared in [roles]"),
    ("an-unknown-reading", 'met_by = "home_visit"', 'met_by = "home_visit"\nreading = "week"', "[standard.visit]: no reading 'week' is declared; did you mean 'weeks'?"),
    ("an-unknown-force", 'met_by = "home_visit"', 'met_by = "home_visit"\nforce = "guides"', "force = 'guides' is none of statutory, required, guide; did you mean 'guide'?"),
    ("an-unknown-per", 'met_by = "home_visit"', 'met_by = "home_visit"\nper = "parent"', "per = 'parent' is none of child"),
    ("an-unknown-roll", 'met_by = "home_visit"', 'met_by = "home_visit"\nroll = "next day"', "roll = 'next day' is none of previous working day, next working day"),
    ("a-reminder-that-is-none", 'met_by = "home_visit"', 'met_by = "home_visit"\nremind = "soon"', "remind: 'soon' is not a reminder: write 'on the day' or for example '3 working days before'"),
    ("a-reminder-from-a-fact", 'met_by = "home_visit"', 'met_by = "home_visit"\nremind = "case interval before"', "a reminder needs a plain length"),
    ("a-reminder-in-office-hours", 'met_by = "home_visit"', 'met_by = "home_visit"\nremind = "2 office hours before"', "a reminder counts in hours or days"),
    ("an-unknown-ladder-for-overdue-work", 'met_by = "home_visit"', 'met_by = "home_visit"\nescalate = "disputes"', "[standard.visit]: no ladder 'disputes' is declared; did you mean 'dispute'?"),
    ("a-ladder-in-a-circle", '24 hours after dispute_raised", final = true }', '9 hours after dispute_raised" }, { who = "lead", due = "10 hours after dispute_raised" }, { who = "manager", due = "24 hours after dispute_raised" }', "[ladder.dispute]: step 4: goes in a circle: it comes back to manager, who heard at step 1; a ladder climbs"),
    ("a-role-in-a-circle", 'manager = "Manager"', 'manager = "Manager"\none = ["two"]\ntwo = ["manager", "one"]', "p.toml [roles]: one goes in a circle: it stands for itself, so it reaches nobody"),
    ("one-id-for-two-things", "[rhythm.contact]", '[check.visit]\ntitle = "Visited first"\nclause = "1"\nat = "closed"\nneeds = "home_visit"\nowner = "lead"\n[rhythm.contact]', "[check.visit]: has the id of a standard or rhythm; an id stands for one thing"),
    ("a-ladder-for-overdue-work-from-elsewhere", 'met_by = "home_visit"', 'met_by = "home_visit"\nescalate = "dispute"', "[standard.visit]: step 1 of its ladder dispute counts from no limit, step_reached or visit overdue"),
    ("a-word-that-asks-for-itself", 'where = { method = "phone" }', 'where = { happened = { tries = "ever" } }', "[event.tries]: is defined by way of itself, so it can never happen"),
    ("a-word-that-asks-for-an-unknown-event", 'where = { method = "phone" }', 'where = { happened = { trial = "ever" } }', "[event.tries]: no event 'trial' is declared"),
    ("an-unknown-ladder", 'decided_by = "dispute"', 'decided_by = "disputes"', "[standard.dispute]: no ladder 'disputes' is declared; did you mean 'dispute'?"),
    # ---- conditions
    ("an-unknown-fact", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { levle = 3 }', "[standard.visit]: no fact 'levle' is declared in [facts]; did you mean 'level'?"),
    ("an-unknown-fact-within", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { not = { any = [{ known = "bnad" }] } }', "no fact 'bnad' is declared in [facts]; did you mean 'band'?"),
    ("an-unknown-event-that-happened", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { happened = { closd = "ever" } }', "no event 'closd' is declared; did you mean 'closed'?"),
    ("happened-at-no-time", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { happened = { closed = "once" } }', "where.happened.closed must be 'ever' or for example 'within 3 months'"),
    ("happened-within-no-unit", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { happened = { closed = "within 3" } }', "where.happened: '3' is a length without a unit"),
    ("happened-and-no-table", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { happened = "closed" }', "where.happened must be of the form"),
    ("any-that-is-no-list", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { any = { level = 3 } }', "where.any must be a list of conditions in braces"),
    ("not-that-is-no-table", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { not = true }', "where.not must be a condition in braces"),
    ("an-unknown-bound", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { level = { udner = 3 } }', "where.level has no bound 'udner'; did you mean 'under'?"),
    ("no-bound", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { level = {} }', "where.level tests nothing"),
    ("no-value", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { level = [] }', "where.level = [] can never hold"),
    ("a-condition-that-is-no-table", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = "level 3"', "[standard.visit]: where must be a table in braces"),
    ("a-word-for-a-number", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { level = "3" }', "level is a number, so '3' can never be its value; write a number"),
    ("yes-for-a-number", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { level = true }', "level is a number, so True can never be its value"),
    ("a-number-for-yes", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { urgent = 1 }', "urgent is a yes/no, so 1 can never be its value; write true or false"),
    ("a-bound-on-a-word", 'met_by = "home_visit"', 'met_by = "home_visit"\nwhere = { band = { under = 3 } }', "band is a word, which has no bounds"),
    # ---- limits
    ("no-due", 'due = "10 working days after allocation"\n', "", "p.toml [standard.visit]: has no 'due'"),
    ("a-limit-without-a-unit", '"10 working days after', '"10 after', "due: '10' is a length without a unit: write for example '10 working days'"),
    ("a-limit-of-an-unknown-unit", '"10 working days after', '"10 workdays after', "due: '10 workdays' has no unit that we know"),
    ("a-limit-of-nothing", '"10 working days after', '"0 days after', "due: '0 days after allocation' is not a length: give a number from 1 to 9999"),
    ("a-limit-of-too-much", '"10 working days after', '"10000 days after', "is not a length: give a number from 1 to 9999"),
    ("a-limit-that-is-none", '"10 working days after allocation"', '"promptly"', "due: 'promptly' is not a limit; write for example"),
    ("a-limit-after-nothing-readable", "days after allocation", "days after the Allocation", "due: 'the Allocation' names no event such as 'allocation' or 'each dispute_raised'"),
    ("a-limit-after-an-unknown-event", "days after allocation", "days after alocation", "[standard.visit]: no event 'alocation' is declared; did you mean 'allocation'?"),
    ("a-limit-of-an-unknown-fact", '"10 working days after', '"case intervall after', "no fact 'intervall' is declared in [facts]; did you mean 'interval'?"),
    ("a-limit-of-a-fact-that-is-no-length", '"10 working days after', '"case band after', "the fact 'band' is a word, and a duration is needed here"),
    ("a-limit-of-an-unknown-reading", '"10 working days after', '"reading week after', "no reading 'week' is declared; did you mean 'weeks'?"),
    ("a-limit-of-a-reading-without-a-value", 'value = "3 weeks"', '[standard.plan]\ntitle = "Plan"\nclause = "1"\ndue = "reading weeks after allocation"\nmet_by = "plan_made"\nowner = "lead"', "takes its length from the reading 'weeks', whose 'value' is no length"),
    ("a-date-that-is-none", "10 working days after allocation", "21 days before the show", "due: 'the show' is not a date such as 'case performance_date', '18th birthday' or 'date of EVENT'"),
    ("a-date-of-an-unknown-fact", "10 working days after allocation", "21 days before case performance", "no fact 'performance' is declared in [facts]; did you mean 'performance_date'?"),
    ("a-date-of-a-fact-that-is-none", "10 working days after allocation", "21 days before case band", "the fact 'band' is a word, and a date is needed here"),
    ("a-date-of-an-unknown-event", "10 working days after allocation", "by date of closd", "no event 'closd' is declared; did you mean 'closed'?"),
    ("the-date-of-the-latest", "10 working days after allocation", "by date of latest closed", "any such event is meant; write 'closed'"),
    ("hours-back", "10 working days after allocation", "24 hours before case performance_date", "a limit counted back from a date needs days, weeks, months or years"),
    ("office-hours-of-no-office", "10 working days after allocation", "4 office hours after allocation", "counts 4 office hours, but [policy] hours does not say when the office is open"),
    ("an-unknown-meeting", "10 working days after allocation", "next panel after allocation", "no meeting 'panel' is declared"),
    ("before-an-unknown-meeting", "10 working days after allocation", "2 days before next panel after allocation", "no meeting 'panel' is declared"),
    ("an-unknown-overdue-rule", "10 working days after allocation", "2 days after contac overdue", "no rule 'contac' is declared; did you mean 'contact'?"),
    ("each-of-two-events", '"10 working days after allocation"', '["2 days after each closed", "3 days after each reopened"]', "counts from each of two different events; one rule follows the occurrences of one event"),
    ("an-opening-that-is-none", 'met_by = "home_visit"', 'met_by = "home_visit"\nnot_before = "soon"', "not_before: 'soon' is not a limit"),
    ("an-aim-that-is-none", 'met_by = "home_visit"', 'met_by = "home_visit"\nbest_by = "soon"', "best_by: 'soon' is not a limit"),
    ("an-aim-after-an-unknown-event", 'met_by = "home_visit"', 'met_by = "home_visit"\nbest_by = "2 days after alocation"', "no event 'alocation' is declared"),
    ("it-can-never-fire", 'met_by = "home_visit"', 'met_by = "home_visit"\nunless = "allocation"', "[standard.visit]: can never fire: the event it counts from also cancels it (unless)"),
    # ---- rhythms
    ("no-every", 'every = "2 weeks"\n', "", "p.toml [rhythm.contact]: has no 'every'"),
    ("no-from", 'from = "allocation"\n', "", "p.toml [rhythm.contact]: has no 'from'"),
    ("every-without-a-unit", '"2 weeks"', '"2"', "every: '2' is a length without a unit"),
    ("every-few-hours", '"2 weeks"', '"48 hours"', "every: '48 hours': a rhythm counts in days, weeks, months or years"),
    ("never", '"2 weeks"', '"0 times a week"', "every: '0 times a week' is never: give a number from 1"),
    ("no-times-a-week", '"2 weeks"', '"0 times a week"', "'0 times a week'"),
    ("every-third-of-an-unknown-event", '"2 weeks"', '"3rd home_visits"', "[rhythm.contact]: no event 'home_visits' is declared; did you mean 'home_visit'?"),
    ("from-an-unknown-event", 'from = "allocation"', 'from = "alocation"', "[rhythm.contact]: no event 'alocation' is declared; did you mean 'allocation'?"),
    ("from-two-events", 'from = "allocation"', 'from = ["allocation", "closed"]', "[rhythm.contact]: from must be one phrase"),
    ("from-hours-after", 'from = "allocation"', 'from = "24 hours after allocation"', "a phase begins after days, weeks, months or years"),
    ("a-limit-in-a-rhythm", 'every = "2 weeks"', 'every = "2 weeks"\ndue = "2 weeks after allocation"', "[rhythm.contact]: no key 'due'"),
    ("phases-and-every", 'every = "2 weeks"', 'every = "2 weeks"\nphases = [{ every = "1 week", from = "allocation" }]', "[rhythm.contact]: every stands beside phases; write it in each phase"),
    ("phases-that-are-no-list", 'every = "2 weeks"\nfrom = "allocation"', "phases = 3", "[rhythm.contact]: phases must be a list of tables"),
    ("a-phase-without-every", 'every = "2 weeks"\nfrom = "allocation"', 'phases = [{ name = "a", from = "allocation" }]', "[rhythm.contact] phases 1: has no 'every'"),
    ("an-unknown-key-of-a-phase", 'every = "2 weeks"\nfrom = "allocation"', 'phases = [{ nmae = "a", every = "1 week", from = "allocation" }]', "[rhythm.contact] phases 1: no key 'nmae'; did you mean 'name'?"),
    ("a-rhythm-that-can-never-fire", 'met_by = "family_seen"', 'met_by = "family_seen"\nunless = "allocation"', "[rhythm.contact]: can never fire"),
    ("a-rhythm-that-is-decided", 'met_by = "family_seen"', 'met_by = "family_seen"\ndecided_by = "dispute"', "decided_by: a dispute is decided once; write a standard"),
    # ---- ladders
    ("a-ladder-that-reaches-nobody", "steps = [", "steps = []\nrest = [", "[ladder.dispute]: reaches nobody: it has no steps"),
    ("a-ladder-without-steps", "steps = [", "rungs = [", "p.toml [ladder.dispute]: has no 'steps'"),
    ("a-step-for-nobody", '{ who = "manager", due = "8 hours', '{ who = [], due = "8 hours', "[ladder.dispute] steps 1: who must be text in quotes"),
    ("a-step-without-who", '{ who = "manager", due = "8 hours', '{ due = "8 hours', "[ladder.dispute] steps 1: has no 'who'"),
    ("a-step-for-an-unknown-role", '{ who = "manager", due = "8 hours', '{ who = "manger", due = "8 hours', "[ladder.dispute]: step 1: no role 'manger' is declared in [roles]; did you mean 'manager'?"),
    ("a-step-without-due", ', due = "8 hours after dispute_raised"', "", "[ladder.dispute] steps 1: has no 'due'"),
    ("a-step-from-an-unknown-event", "8 hours after dispute_raised", "8 hours after dispute_rised", "step 1: no event 'dispute_rised' is declared; did you mean 'dispute_raised'?"),
    ("a-step-from-another-event", "8 hours after dispute_raised", "8 hours after allocation", "[standard.dispute]: step 1 of its ladder dispute counts from allocation, and this rule's clock does not start there"),
    ("a-step-from-the-latest", "8 hours after dispute_raised", "8 hours after latest dispute_raised", "[ladder.dispute]: step 1: a rung counts from its own dispute; write 'after dispute_raised'"),
    ("a-step-back-from-a-date", "8 hours after dispute_raised", "8 days before case performance_date", "step 1 of its ladder dispute counts back from a date; a rung counts from the dispute"),
    ("a-step-on-an-unknown-fact", 'due = "8 hours after dispute_raised"', 'due = "8 hours after dispute_raised", where = { servise = "x" }', "step 1: no fact 'servise' is declared in [facts]; did you mean 'service'?"),
    ("a-step-on-an-unknown-reading", 'due = "8 hours after dispute_raised"', 'due = "8 hours after dispute_raised", reading = "week"', "step 1: no reading 'week' is declared; did you mean 'weeks'?"),
    ("an-unknown-key-of-a-step", 'due = "8 hours after dispute_raised"', 'due = "8 hours after dispute_raised", finl = true', "[ladder.dispute] steps 1: no key 'finl'; did you mean 'final'?"),
    ("final-not-true-or-false", "final = true", 'final = "yes"', "[ladder.dispute] steps 2: final must be true or false"),
    # ---- rules together
    ("a-disagreement-without-a-reading", "[rhythm.contact]", '[standard.again]\ntitle = "Visited"\nclause = "2"\ndue = "8 days after allocation"\nmet_by = "home_visit"\nowner = "lead"\n[rhythm.contact]', "p.toml [standard.again]: disagrees with visit: one duty, two limits; record a reading that says why both stand"),
]  # fmt: skip


@pytest.mark.parametrize(("there", "instead", "sentence"), [row[1:] for row in FAULTS], ids=[row[0] for row in FAULTS])
def test_a_fault_is_a_sentence_with_its_place_and_the_nearest_word(there: str, instead: str, sentence: str) -> None:
    assert BASE.count(there) >= 1
    found = faults_of(BASE.replace(there, instead, 1))
    assert any(sentence in fault for fault in found), found
    assert all(fault.startswith("p.toml") for fault in found)


def test_every_fault_is_reported_at_once() -> None:
    text = BASE
    for there, instead, _ in [row[1:] for row in FAULTS if row[0] in ALL_AT_ONCE]:
        text = text.replace(there, instead, 1)
    found = faults_of(text)
    for sentence in (row[3] for row in FAULTS if row[0] in ALL_AT_ONCE):
        assert any(sentence in fault for fault in found), sentence
    assert len(found) == len(set(found))


ALL_AT_ONCE = (
    "no-nation",
    "an-unknown-key",
    "a-fact-of-no-kind",
    "an-unknown-event-in-any",
    "a-number-that-is-none",
    "every-without-a-unit",
    "a-limit-after-an-unknown-event",
    "a-step-for-an-unknown-role",
    "a-reading-that-asks-nothing",
)


def test_an_empty_file_says_what_a_policy_needs() -> None:
    found = faults_of("")
    for key in ("authority", "document", "edition", "nation", "in_force"):
        assert f"p.toml [policy]: has no {key!r}, which every such table needs" in found


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("event = 3", "p.toml [event]: write [event.NAME] tables"),
        ("[standard]\nvisit = 3", "p.toml [standard.visit]: is not a table"),
        ("policy = 3", "p.toml [policy]: is not a table"),
        ("[event.x]\nwhere = 3", "p.toml [event.x]: where must be a table in braces"),
        ("[ladder.x]\nsteps = 3", "p.toml [ladder.x]: steps must be a list of tables"),
        ("[ladder.x]\nsteps = [3]", "p.toml [ladder.x] steps 1: is not a table"),
    ],
    ids=lambda value: value.split("\n")[0][:20],
)
def test_a_value_where_a_table_belongs_is_a_fault(text: str, sentence: str) -> None:
    assert sentence in faults_of(text)


def test_two_limits_on_one_duty_stand_where_a_reading_says_why() -> None:
    more = '[standard.again]\ntitle = "V"\nclause = "2"\ndue = "8 days after allocation"\nmet_by = "home_visit"\nowner = "lead"\n'
    with_reading = BASE.replace("[rhythm.contact]", more + 'reading = "weeks"\n[rhythm.contact]')
    assert "again" in read_policy(with_reading, "p.toml").rules


# ---- the grammar, a row a line

LENGTHS = [
    ("10 working days", Span(10, "working day")),
    ("1 working day", Span(1, "working day")),
    ("5 days", Span(5, "day")),
    ("2 weeks", Span(2, "week")),
    ("1 month", Span(1, "month")),
    ("2 years", Span(2, "year")),
    ("24 hours", Span(24, "hour")),
    ("4 office hours", Span(4, "office hour")),
    ("case interval", FactSpan("interval")),
    ("reading plan-weeks", ReadingSpan("plan-weeks")),
]


@pytest.mark.parametrize(("text", "meaning"), LENGTHS, ids=[row[0] for row in LENGTHS])
def test_a_length_is_read(text: str, meaning: object) -> None:
    assert phrases.read_span(text) == meaning


ANCHORS = [
    ("allocation", Anchor("allocation")),
    ("each dispute_raised", Anchor("dispute_raised", "each")),
    ("latest final_letter_sent", Anchor("final_letter_sent", "latest")),
    ("2nd review_held", Anchor("review_held", "nth", 2)),
    ("11th review_held", Anchor("review_held", "nth", 11)),
    ("23rd review_held", Anchor("review_held", "nth", 23)),
    ("taf-review overdue", Anchor("taf-review", overdue=True)),
]


@pytest.mark.parametrize(("text", "meaning"), ANCHORS, ids=[row[0] for row in ANCHORS])
def test_an_anchor_is_read_and_said_as_it_was_written(text: str, meaning: Anchor) -> None:
    assert phrases.read_anchor(text) == meaning
    assert meaning.said == text


ALLOCATION = Anchor("allocation")
DUES = [
    ("10 working days after allocation", {"how": "after", "length": Span(10, "working day"), "anchor": ALLOCATION}),
    ("case interval after allocation", {"how": "after", "length": FactSpan("interval"), "anchor": ALLOCATION}),
    ("next hub-panel after each stalled", {"how": "next", "meeting": "hub-panel", "anchor": Anchor("stalled", "each")}),
    ("at once after each concern", {"how": "at once", "anchor": Anchor("concern", "each")}),
    ("same day as allocation", {"how": "same day", "anchor": ALLOCATION}),
    ("no set time after latest letter", {"how": "no set time", "anchor": Anchor("letter", "latest")}),
    ("21 days before case performance_date", {"how": "before", "length": Span(21, "day"), "target": Target("fact", "performance_date")}),
    ("before case performance_date", {"how": "before", "target": Target("fact", "performance_date")}),
    ("by case performance_date", {"how": "by", "target": Target("fact", "performance_date")}),
    ("3 months before 18th birthday", {"how": "before", "length": Span(3, "month"), "target": Target("birthday", n=18)}),
    ("by date of visit_booked", {"how": "by", "target": Target("event", anchor=Anchor("visit_booked"))}),
    ("2 days before next panel after allocation", {"how": "before", "length": Span(2, "day"), "target": Target("meeting", "panel", anchor=ALLOCATION)}),
]  # fmt: skip


@pytest.mark.parametrize(("text", "meaning"), DUES, ids=[row[0] for row in DUES])
def test_a_limit_is_read(text: str, meaning: dict[str, object]) -> None:
    assert phrases.read_due(text) == Due(text=text, **meaning)  # type: ignore[arg-type]


OTHERS = [
    (phrases.read_every, "6 weeks", Every("6 weeks", length=Span(6, "week"))),
    (phrases.read_every, "case interval", Every("case interval", length=FactSpan("interval"))),
    (phrases.read_every, "2 times a week", Every("2 times a week", times=2, per="week")),
    (phrases.read_every, "1 times a month", Every("1 times a month", times=1, per="month")),
    (phrases.read_every, "3rd contact", Every("3rd contact", nth=Anchor("contact", "nth", 3))),
    (phrases.read_begin, "allocation", Begin("allocation", ALLOCATION)),
    (phrases.read_begin, "each relaxed", Begin("each relaxed", Anchor("relaxed", "each"))),
    (
        phrases.read_begin,
        "1 month after allocation",
        Begin("1 month after allocation", ALLOCATION, Span(1, "month")),
    ),
    (phrases.read_evidence, "2nd oocd_review", Anchor("oocd_review", "nth", 2)),
    (phrases.read_remind, "on the day", Remind("on the day", None)),
    (phrases.read_remind, "3 working days before", Remind("3 working days before", Span(3, "working day"))),
    (phrases.read_remind, "2 hours before", Remind("2 hours before", Span(2, "hour"))),
]


@pytest.mark.parametrize(("read", "text", "meaning"), OTHERS, ids=[f"{row[0].__name__}-{row[1]}" for row in OTHERS])
def test_another_phrase_is_read(read: object, text: str, meaning: object) -> None:
    assert read(text) == meaning  # type: ignore[operator]


@pytest.mark.parametrize("text", ["0th", "1th", "2st", "11st", "th", "-1st", "٣rd"])
def test_an_ordinal_that_does_not_fit_is_refused(text: str) -> None:
    with pytest.raises(PhraseFault, match="is not an ordinal"):
        phrases.read_ordinal(text)


WHOLE = (
    BASE.replace('transition = "keep"', 'hours = "09:00 to 17:00"\nremind = "on the day"\nreview_by = 2027-04-01')
    + """
[event.both]
title = "Both"
clause = ["1", "2"]
all = ["plan_completed", "plan_agreed"]
[event.windowed]
of = "contact_attempted"
where = { method = ["phone", "visit"], not = { outcome = "seen" } }
at_least = 3
within = "42 days"
different = { method = 2, day = 3 }
details = ["method", "outcome"]
[event.recorded_here]
[standard.whole]
title = "All that a standard may hold"
clause = ["3", "4"]
due = ["6 weeks after allocation", "reading weeks after assessment_agreed", "case interval after each recorded_here"]
not_before = "18th birthday"
best_by = "4 weeks after allocation"
met_by = ["2nd both", "windowed"]
unless = ["closed", "2nd reopened"]
owner = "manager"
per = "child"
where = { level = { at_least = 2, under = 4 }, any = [{ band = ["a", "b"] }, { not = { known = ["band", "urgent"] } }], happened = { closed = "within 3 months", reopened = "ever" }, age = { over = 4, at_most = 17 } }
tell = ["manager", "line_manager"]
force = "statutory"
remind = ["3 working days before", "on the day"]
may_extend = "manager"
runs_through = ["section_47", "closure"]
reading = ["weeks", "open"]
roll = "next working day"
[rhythm.whole-rhythm]
title = "All that a rhythm may hold"
clause = "5"
phases = [
  { name = "a", every = ["6 weeks", "30 working days"], best_by = "4 weeks", from = "each recorded_here" },
  { every = "1 month", from = "1 month after allocation" },
]
met_by = "review_held"
owner = "lead"
remind = []
"""
)


def whole() -> Policy:
    return read_policy(WHOLE, "p.toml")


def test_the_whole_of_a_standard_is_read() -> None:
    rule = whole().rules["whole"]
    assert isinstance(rule, Standard)
    assert [due.text for due in rule.due][1] == "reading weeks after assessment_agreed"
    assert rule.not_before == Due("by", "18th birthday", target=Target("birthday", n=18))
    assert isinstance(rule.best_by, Due)
    assert rule.met_by == (Anchor("both", "nth", 2), Anchor("windowed"))
    assert rule.unless == (Anchor("closed"), Anchor("reopened", "nth", 2))
    assert (rule.owner, rule.tell, rule.may_extend) == ("manager", ("manager", "line_manager"), ("manager",))
    assert (rule.force, rule.per_child, rule.roll) == ("statutory", True, "next working day")
    assert rule.clause == ("3", "4")
    assert rule.runs_through == ("section_47", "closure")
    assert rule.through_closure
    assert rule.readings == ("weeks", "open")
    assert [remind.text for remind in rule.remind] == ["3 working days before", "on the day"]


def test_the_whole_of_a_condition_is_read() -> None:
    assert whole().rules["whole"].where == AllOf(
        (
            Compare("level", at_least=2, under=4),
            AnyOf((Compare("band", ("a", "b")), Not(Known(("band", "urgent"))))),
            AllOf((Happened("closed", Span(3, "month")), Happened("reopened", None))),
            Compare("age", over=4, at_most=17),
        )
    )


def test_the_whole_of_a_rhythm_is_read() -> None:
    rule = whole().rules["whole-rhythm"]
    assert isinstance(rule, Rhythm)
    assert [phase.name for phase in rule.phases] == ["a", "phase 2"]
    assert [every.text for every in rule.phases[0].every] == ["6 weeks", "30 working days"]
    assert rule.phases[0].best_by == Every("4 weeks", length=Span(4, "week"))
    assert rule.phases[1].begin == Begin("1 month after allocation", ALLOCATION, Span(1, "month"))
    assert rule.remind == ()


def test_a_rule_without_reminders_of_its_own_has_the_policys() -> None:
    policy = whole()
    assert [remind.text for remind in policy.rules["visit"].remind] == ["on the day"]
    assert (policy.hours, policy.review_by) == ((time(9), time(17)), date(2027, 4, 1))


def test_the_whole_of_a_word_is_read() -> None:
    policy = whole()
    word = policy.words["windowed"]
    assert (word.of, word.at_least, word.within, dict(word.different)) == (
        "contact_attempted",
        3,
        Span(42, "day"),
        {"method": 2, "day": 3},
    )
    assert word.where == AllOf((Compare("method", ("phone", "visit")), Not(Compare("outcome", ("seen",)))))
    assert policy.words["both"].all == ("plan_completed", "plan_agreed")
    assert policy.words["both"].clause == ("1", "2")
    recorded = policy.recorded_words()
    assert {"recorded_here", "allocation"} <= recorded
    assert not {"both", "windowed", "tries"} & recorded
    assert policy.behind("both") == {"plan_completed", "plan_agreed"}


def test_the_whole_of_a_ladder_is_read() -> None:
    first, last = whole().ladders["dispute"].steps
    assert (first.who, first.final, first.together) == (("manager",), False, False)
    assert last.final


def test_readings_say_whose_they_are() -> None:
    text = BASE.replace('value = "3 weeks"', 'value = "3 weeks"\ntaken_by = "project"')
    policy = read_policy(text, "p.toml")
    assert policy.readings["weeks"].ours
    assert policy.readings["open"].open
    signed = text.replace(
        'taken_by = "project"', 'taken_by = "project"\nsigned_by = "Head of Service"\nsigned_on = 2026-04-01'
    )
    assert not read_policy(signed, "p.toml").readings["weeks"].ours
