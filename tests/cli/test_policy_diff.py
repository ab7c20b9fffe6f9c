"""What one edition says otherwise than another: in words, every kind of change, and nothing for layout."""

import re
from pathlib import Path

import pytest

from ehscheduler.cli.policy_diff import PARTS, changes
from ehscheduler.core.policy import Policy
from ehscheduler.core.reading import read_policy
from ehscheduler.plugins import load
from tests.cli.conftest import Cli
from tests.cli.test_commands import parsed

HEAD = """
[policy]
authority = "testshire"
document = "A protocol"
edition = "1"
nation = "england"
in_force = 2026-01-01
[roles]
worker = ["lead"]
manager = "Team Manager"
director = "Director"
[facts]
urgent = "yes/no"
[event.asked]
title = "A visit is asked for"
[event.consent_recorded]
title = "Consent"
[reading.days]
clauses = ["1"]
asks = "Which days?"
answer = "Working days."
taken_by = "project"
[standard.visit]
title = "First visit"
clause = "1.1"
due = "10 working days after allocation"
met_by = "home_visit"
owner = "worker"
where = { urgent = true }
remind = ["3 working days before"]
may_extend = ["manager"]
reading = "days"
[rhythm.seen]
title = "Seen"
clause = "1.2"
every = "14 days"
from = "allocation"
met_by = "contact_made"
owner = "worker"
[standard.settled]
title = "Settled"
clause = "9"
due = "24 hours after each dispute_raised"
met_by = "dispute_resolved"
owner = "manager"
decided_by = "settling"
[ladder.settling]
title = "Settling"
clause = "9"
steps = [{ who = ["manager"], due = "8 hours after dispute_raised" }]
[check.consent]
title = "Consent first"
clause = "3"
at = "assessment_completed"
needs = "consent_recorded"
owner = "worker"
[meeting.panel]
title = "Panel"
clause = "4"
on = "every Tuesday"
bank_holiday = "skip"
[limit.families]
title = "Families"
clause = "5"
who = "worker"
at_most = { families = 20 }
[route.first]
title = "Which team"
clause = "6"
at = "allocation"
rows = [{ to = "North", where = { urgent = true } }, { to = "South" }]
"""


def read(text: str) -> Policy:
    return read_policy(text, "policy.toml")


def told(old: str, new: str) -> list[tuple[str, str, str, tuple[tuple[str, str, str], ...]]]:
    found = changes(read(old), read(new))
    return [(one.part, one.id, one.what, tuple((f.name, f.old, f.new) for f in one.fields)) for one in found]


def swap(old: str, new: str) -> str:
    assert HEAD.count(old) == 1, old
    return HEAD.replace(old, new)


def test_a_policy_with_every_kind_of_table_is_the_same_as_itself() -> None:
    assert told(HEAD, HEAD) == []
    whole = read(HEAD)
    assert [part for part in PARTS if not getattr(whole, part)] == []


def test_comments_layout_and_order_are_no_difference() -> None:
    blocks = re.split(r"(?m)^(?=\[)", HEAD.strip())
    turned = "# a comment\n" + "\n\n".join([*blocks[:3], *reversed(blocks[3:])])
    assert told(HEAD, turned) == []


@pytest.mark.parametrize(
    ("old", "new", "part", "id_", "field", "was", "now"),
    [
        ('"10 working days after', '"5 working days after', "rule", "visit", "due", "10 working days after allocation",
         "5 working days after allocation"),
        ('where = { urgent = true }\nremind', 'where = { urgent = false }\nremind', "rule", "visit", "applies where",
         "urgent is yes", "urgent is no"),
        ('["3 working days before"]', '["on the day"]', "rule", "visit", "reminders", "3 working days before",
         "on the day"),
        ('may_extend = ["manager"]', 'may_extend = ["director"]', "rule", "visit", "who may agree a later limit",
         "Team Manager", "Director"),
        ('reading = "days"', 'reading = "days"\nforce = "guide"', "rule", "visit", "force", "required", "guide"),
        ('reading = "days"', 'reading = "days"\nroll = "next working day"', "rule", "visit",
         "moved to a working day", "nothing", "next working day"),
        ('"14 days"', '"21 days"', "rule", "seen", "every", "14 days from allocation",
         "21 days from allocation"),
        ('"8 hours after dispute_raised"', '"24 hours after dispute_raised"', "ladder", "settling", "steps",
         "Team Manager: 8 hours after dispute_raised", "Team Manager: 24 hours after dispute_raised"),
        ('needs = "consent_recorded"', 'needs = "home_visit"', "check", "consent", "needs", "consent_recorded",
         "home_visit"),
        ('"every Tuesday"', '"every Friday"', "meeting", "panel", "sits on", "every Tuesday", "every Friday"),
        ("{ families = 20 }", "{ families = 18 }", "limit of work", "families", "at most", "families: 20",
         "families: 18"),
        ('{ to = "South" }', '{ to = "West" }', "route", "first", "rows", "North where urgent is yes; South",
         "North where urgent is yes; West"),
        ('answer = "Working days."', 'answer = "Days."', "reading", "days", "answer", "Working days.", "Days."),
        ('"A visit is asked for"', '"Asked"', "event", "asked", "title", "A visit is asked for", "Asked"),
        ('director = "Director"', 'director = "Chief"', "role", "director", "is", "Director", "Chief"),
        ("in_force = 2026-01-01", "in_force = 2026-09-01", "head", "", "in force from", "Thursday 1 January 2026",
         "Tuesday 1 September 2026"),
        ('edition = "1"', 'edition = "2"', "head", "", "edition", "1", "2"),
    ],
)  # fmt: skip
def test_each_kind_of_change_is_said_in_words(
    old: str, new: str, part: str, id_: str, field: str, was: str, now: str
) -> None:
    assert (part, id_, "changed", ((field, was, now),)) in told(HEAD, swap(old, new))


def test_what_is_new_and_what_is_gone_is_named_with_all_that_it_says() -> None:
    start, end = HEAD.index("[rhythm.seen]"), HEAD.index("[standard.settled]")
    less = HEAD[:start] + HEAD[end:]
    assert [(part, id_, what) for part, id_, what, _ in told(HEAD, less)] == [("rule", "seen", "gone")]
    ((part, id_, what, listed),) = told(less, HEAD)
    assert (part, id_, what) == ("rule", "seen", "new")
    assert {name: new for name, _, new in listed}["every"] == "14 days from allocation"
    assert {name: new for name, _, new in listed}["owner"] == "worker"


def test_the_command_names_both_and_says_it_in_two_lines(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "old.toml").write_text(HEAD)
    (tmp_path / "new.toml").write_text(swap('"10 working days after', '"5 working days after'))
    said = cli("policy", "diff", "old.toml", "new.toml")
    assert said.code == 0
    for line in (
        "Said otherwise (1)",
        "rule visit: First visit (1.1)",
        "due was: 10 working days after allocation",
        "due now: 5 working days after allocation",
    ):
        assert line in said.flat
    (row,) = parsed(cli("policy", "diff", "old.toml", "new.toml", "--format", "json").out)
    assert row["fields"] == [
        {"field": "due", "old": "10 working days after allocation", "new": "5 working days after allocation"}
    ]
    assert "Both say the same." in cli("policy", "diff", "old.toml", "old.toml").flat


def test_an_installed_edition_is_named_after_an_at(cli: Cli) -> None:
    edition = load("barnet").policy.edition
    assert "Both say the same." in cli("policy", "diff", "barnet", f"barnet@{edition}").flat
    wrong = cli("policy", "diff", "barnet", "barnet@1066")
    assert wrong.code == 1
    assert f"barnet has no edition '1066'; it has '{edition}'" in wrong.flat
    assert (
        "no authority 'barnett' is installed; did you mean 'barnet'?" in cli("policy", "diff", "barnett", "barnet").flat
    )
