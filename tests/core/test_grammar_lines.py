"""The lines of the grammar that are no key of a table, and that each line has its rows."""

import pytest
from test_grammar import ROWS
from test_grammar_keys import keys

LINES = """
due.after due.next due.at_once due.same_day due.no_set_time due.span_before due.before due.by
span.working_day span.day span.week span.month span.year span.hour span.office_hour span.case span.reading
anchor.first anchor.each anchor.latest anchor.nth anchor.overdue
date.case date.event date.meeting every.span every.times_a_week every.times_a_month every.ordinal
from.anchor from.span_after evidence.event evidence.ordinal evidence.needs earliest.due earliest.date
since.span since.anchor remind.span_before
cond.value cond.list cond.under cond.over cond.at_least cond.at_most cond.blank cond.all cond.any cond.not cond.known
cond.happened_ever cond.happened_within cond.hook cond.age-in-a-rule cond.age-in-an-event cond.age-in-must
facts.word facts.number facts.yes_no facts.date roles.list unless.what unless.before relaxation.is relaxation.looked
forecast.standard forecast.decided_by forecast.rhythm forecast.check forecast.meeting forecast.limit forecast.route
""".split()
"""The lines that are no key of a table: each has a row on either side of its boundary."""
SINGLE = """
date.birthday remind.on_the_day anchor.step_reached event.empty roles.title facts.duration facts.children
facts.as facts.from facts.set relaxation.ended per.evidence-with per.evidence-without forecast.reading
words.an-event words.a-role words.a-fact words.a-key words.a-length
""".split()
"""Lines without a boundary, or with both of its sides in one row."""
REFUSED = ("check.escalate", "rhythm.roll", "rhythm.not_before")
"""Keys of one shape that its neighbour has not: no clause needed them there."""


def test_every_id_is_used_once_and_begins_with_the_line_that_it_proves() -> None:
    lines = {*LINES, *SINGLE, *(f"{shape}.{key}" for shape, key in keys()), *(f"common.{key}" for _, key in keys())}
    assert not lines & set(REFUSED)
    lines.update(REFUSED)
    assert [row.id for row in ROWS if not any(row.proves(line) for line in lines)] == []
    assert len({row.id for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("line", [*LINES, *SINGLE, *REFUSED])
def test_a_line_has_its_rows(line: str) -> None:
    wanted = 1 if line in (*SINGLE, *REFUSED) or line.startswith(("unless", "relaxation")) else 2
    assert len([row for row in ROWS if row.proves(line)]) >= wanted
