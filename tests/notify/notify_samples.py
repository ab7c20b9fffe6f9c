"""One message of each kind, of an invented team, for snapshots and checks."""

from dataclasses import replace
from datetime import UTC, date, datetime

from ehscheduler.address import message_id
from ehscheduler.notify.mail import Sender, build
from ehscheduler.notify.messages import (
    Addressee,
    Alarm,
    Baseline,
    Digest,
    Dispute,
    Escalation,
    Immediate,
    Imprint,
    Line,
    Message,
    Operator,
    Step,
    TeamWeek,
    Weekly,
)
from ehscheduler.notify.render import render

MONDAY = date(2026, 6, 22)
SOURCE = "the workflow extract at 06:02 on Monday 22 June 2026"
IMPRINT = Imprint(
    authority="Nottinghamshire Early Help",
    document="The Family Service procedures, sections 1b, 2 and 3",
    edition="as supplied",
    contact="ask the Early Help systems team",
    safeguarding_route="call the safeguarding hub, or 999 if a child is in danger now",
)
WORKER = Addressee("Worker Example", "worker.example@council.example")
LEADER = Addressee("Leader Example", "leader.example@council.example")


def line(case_ref: str = "EH-1042", title: str = "First home visit", **changes: object) -> Line:
    """Make a line; a first home visit due today, unless told otherwise."""
    fields: dict[str, object] = {
        "case_ref": case_ref,
        "title": title,
        "clause": "3b5",
        "kind": "due",
        "state": "due",
        "window": "today, Monday 22 June 2026",
        "owner_title": "case manager",
        "next_step": "Visit the family at home, and record the visit",
        "recorded": SOURCE,
        "due_on": MONDAY,
        "link": f"https://cases.council.example/open/{case_ref}",
    }
    return Line(**(fields | changes))  # type: ignore[arg-type]


COMING = line("EH-1107", kind="reminder", window="any day from now to Thursday 25 June 2026", due_on=date(2026, 6, 25))
PLAN = line(
    "EH-1042",
    "Family action plan written",
    clause="3b3",
    kind="reminder",
    window="any day from now to Friday 26 June 2026, best by Wednesday 24 June 2026",
    due_on=date(2026, 6, 26),
    next_step="Finish the family action plan, and record it",
    reading_ours=True,
    reading_unsigned=True,
)
CHANGED = line(
    "EH-0990",
    "Review of the plan",
    clause="3b4",
    kind="changed",
    window="any day from now to Friday 3 July 2026",
    was_due_on=date(2026, 6, 19),
    due_on=date(2026, 7, 3),
    next_step="Hold the review, and record it",
    calendar_forecast=True,
)
NO_TIME = line(
    "EH-1107",
    "Referrer told of the delay",
    clause="3a5",
    window="no set time",
    due_on=None,
    next_step="Tell the referrer, and record it",
    link=None,
)
PAST = line(
    "EH-0871",
    "Face-to-face contact with the family",
    clause="3c5",
    kind="overdue",
    state="overdue",
    window="was due on Friday 12 June 2026",
    due_on=date(2026, 6, 12),
    days_over=10,
    next_step="See the family, and record the contact; or agree a later date with your manager",
)
OVERDUE_VISIT = line(
    "EH-0902",
    kind="escalation",
    state="overdue",
    window="was due on Thursday 18 June 2026",
    due_on=date(2026, 6, 18),
    days_over=4,
    stage=1,
    next_step="Find out what stands in the way; a later date can be agreed and recorded",
    owner_name="Worker Example",
    ladder="the council's own ladder for overdue work; the protocol names nobody",
    told=("case manager",),
)
OVERDUE_CONTACT = line(
    "EH-0871",
    "Face-to-face contact with the family",
    clause="3c5",
    kind="escalation",
    state="overdue",
    window="was due on Friday 12 June 2026",
    due_on=date(2026, 6, 12),
    days_over=10,
    stage=1,
    next_step="Find out what stands in the way; a later date can be agreed and recorded",
    owner_name="Worker Example",
    ladder="the council's own ladder for overdue work; the protocol names nobody",
    told=("case manager",),
)
SCREENING = line(
    "EH-1131",
    "Urgent referral screened",
    clause="3a2",
    window="any time from now to 14:05 on Tuesday 23 June 2026",
    due_on=date(2026, 6, 23),
    next_step="Screen the referral, and record it",
    owner_title="team manager",
    anchor_time_unknown=True,
)
DISPUTE = line(
    "EH-1120",
    "Which service holds the case",
    clause="3a5",
    kind="dispute",
    window="any time from now to 01:10 on Tuesday 23 June 2026",
    due_on=date(2026, 6, 23),
    owner_title="team manager",
    next_step="Decide, and record the decision",
    reading_ours=True,
    reading_unsigned=True,
)
MESSAGES: dict[str, Message] = {
    "digest": Digest(to=WORKER, imprint=IMPRINT, day=MONDAY, lines=(PAST, CHANGED, PLAN, COMING, NO_TIME, line())),
    "digest-one-line": Digest(to=WORKER, imprint=IMPRINT, day=MONDAY, lines=(COMING,)),
    "digest-after-outage": Digest(
        to=WORKER,
        imprint=IMPRINT,
        day=MONDAY,
        lines=(PAST, line(recorded="a correction at 08:11 on Monday 22 June 2026")),
        outage="from 17:40 on Thursday 18 June 2026 to 07:55 on Monday 22 June 2026",
    ),
    "digest-of-everything": Digest(
        to=LEADER,
        imprint=IMPRINT,
        day=MONDAY,
        lines=(PAST, OVERDUE_VISIT, COMING),
        steps=(
            Step(
                line=DISPUTE,
                since="09:10 on Friday 19 June 2026",
                asks="Settle which service holds the case, and record the decision.",
                decide_by="09:10 on Tuesday 23 June 2026",
                stage=2,
                stages=3,
                told=("team manager",),
                goes_to_next="strategic head",
                asked_as=("service manager",),
            ),
        ),
        outage="from 17:40 on Thursday 18 June 2026 to 07:55 on Monday 22 June 2026",
    ),
    "escalation": Escalation(to=LEADER, imprint=IMPRINT, day=MONDAY, lines=(OVERDUE_VISIT, OVERDUE_CONTACT)),
    "dispute": Dispute(
        to=LEADER,
        imprint=IMPRINT,
        day=MONDAY,
        steps=(
            Step(
                line=DISPUTE,
                since="09:10 on Monday 22 June 2026",
                asks="Settle which service holds the case, with the manager of the other side, and record it.",
                decide_by="17:10 on Monday 22 June 2026",
                stage=1,
                stages=3,
                together=True,
                told=("team manager, Early Help", "team manager, Children's Centre"),
                goes_to_next="service manager",
                about="allocation",
                sides=("team manager, Early Help", "team manager, Children's Centre"),
                others=("team manager, Early Help", "team manager, Children's Centre"),
                recorded=("team manager, Children's Centre",),
                if_over=("Referrer told of the delay (clause 3a5)",),
            ),
        ),
    ),
    "dispute-final": Dispute(
        to=LEADER,
        imprint=IMPRINT,
        day=MONDAY,
        steps=(
            Step(
                line=replace(
                    DISPUTE,
                    state="overdue",
                    due_on=date(2026, 6, 20),
                    days_over=2,
                    stands_in="You cover for the strategic head, Ash Example, who is away until Friday 26 June 2026.",
                ),
                since="09:10 on Friday 19 June 2026",
                asks="Settle which service holds the case, and record the decision.",
                decide_by="it was due by 09:10 on Saturday 20 June 2026",
                stage=3,
                stages=3,
                final=True,
                together=True,
                at_odds=True,
                others=("strategic head", "deputy director"),
                recorded=("strategic head", "deputy director"),
                told=("team manager", "service manager"),
                asked_as=("strategic head",),
                asked_first="09:10 on Saturday 20 June 2026",
            ),
        ),
    ),
    "immediate": Immediate(to=LEADER, imprint=IMPRINT, day=MONDAY, lines=(SCREENING,)),
    "immediate-duty": Immediate(
        to=Addressee("East team duty", "east.duty@council.example"),
        imprint=IMPRINT,
        day=MONDAY,
        lines=(SCREENING,),
        waits_for="team manager",
        waits_until="08:30 on Tuesday 23 June 2026",
    ),
    "baseline": Baseline(
        to=LEADER,
        imprint=IMPRINT,
        day=MONDAY,
        team="East team",
        live_from=date(2026, 6, 22),
        lines=(OVERDUE_VISIT, OVERDUE_CONTACT),
    ),
    "weekly": Weekly(
        to=LEADER,
        imprint=IMPRINT,
        day=MONDAY,
        teams=(
            TeamWeek(
                team="East team",
                counts="41 open cases; 1 due this week, 1 past the date. Last week: 12 done in time, 1 late, 2 later "
                "dates agreed. 1 restricted case is counted here and not listed.",
                lines=(
                    replace(
                        DISPUTE,
                        kind="dispute",
                        state="due",
                        window="raised on Friday 19 June 2026; waits for "
                        "service manager, by 09:10 on Tuesday 23 June 2026",
                    ),
                    replace(
                        line(due_on=date(2026, 6, 26), window="any day from now to Friday 26 June 2026"),
                        kind="weekly",
                        owner_name="Worker Example",
                    ),
                    replace(
                        line("EH-0981", "No contact with the family in 62 days"),
                        kind="drift",
                        due_on=None,
                        clause="",
                        window="look at it with the worker",
                    ),
                    replace(
                        OVERDUE_VISIT,
                        kind="weekly",
                        more=("Told to step 1 of its ladder on Friday 19 June 2026.",),
                        told=(),
                        ladder="",
                    ),
                ),
                said=(
                    "Worker Example has 21 families, and the limit is 20 (clause 2.4).",
                    "Other Example is away until Friday 3 July 2026, and nobody stands in.",
                    "2 open cases have no lead.",
                ),
            ),
            TeamWeek(
                team="West team",
                counts="9 open cases; 0 due this week, 0 past the date. Last week: 3 done in time, 0 late.",
            ),
        ),
    ),
    "operator": Operator(
        to=Addressee("Systems team", "systems@council.example"),
        day=MONDAY,
        at="06:03 on Monday 22 June 2026",
        alarms=(
            Alarm(
                kind="Feed refused",
                what="312 of 4,800 rows are bad, which is more than 5 in 100; the last good state is kept",
                place="steps.csv",
                remedy="Correct the extract and import it again; `ehscheduler import --dry-run` lists the rows",
                since="06:02 on Monday 22 June 2026",
            ),
            Alarm(
                kind="Message not sent",
                what="The mail server refused the address for good: 550 5.1.1 no such user",
                place="outbox row 1881, addressee P-204",
                remedy="Correct the address in people.csv, import it, then `ehscheduler outbox replay 1881`",
                since="08:30 on Friday 19 June 2026",
                count=3,
            ),
        ),
    ),
}

MESSAGE_ID = message_id("a key of the outbox", "ehs.council.example")
MOMENT = datetime(2026, 6, 22, 7, 30, tzinfo=UTC)
SENDER = Sender("Early Help reminders", "early.help@council.example")


def raw_message(to: str = "worker.example@council.example", name: str = "digest") -> bytes:
    """Give the bytes of a sample message."""
    return build(render(MESSAGES[name]), to=to, sender=SENDER, message_id=MESSAGE_ID, moment=MOMENT)
