"""What the demo prints: the weeks, what people received, one proof card, and what to try next."""

import shlex
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ehscheduler.cli.card import show_card
from ehscheduler.cli.common import console
from ehscheduler.cli.report import LEGEND, count_rows, show_counts
from ehscheduler.core.calendars import LONDON, london_day
from ehscheduler.core.saying import said_day, said_moment
from ehscheduler.demo.chats import shown
from ehscheduler.demo.picks import Picks, Received, pick, quarter_of
from ehscheduler.demo.weeks import EXTRACT_COMES, EXTRACT_DAYS, FAMILIES, Lived

SHOWN = 8
EVIDENCE = 3
WIDEST = 100
"""Lines longer than this are tiring to read, however wide the terminal."""
KINDS = {
    "digest": ("morning digest or note about a clock of hours", "morning digests and notes about clocks of hours"),
    "escalation": ("message to a manager about overdue work", "messages to managers about overdue work"),
    "dispute": ("message about a dispute", "messages about disputes"),
    "baseline": ("list of what was overdue at the start", "lists, one a team, of what was overdue at the start"),
    "operator": ("message to the operator of the service", "messages to the operator of the service"),
}


def show_demo(lived: Lived, started: float) -> None:
    """Print what was lived through; `started` is when the demo began, by the performance counter."""
    picks = pick(lived)
    out = Console(width=min(console().width, WIDEST), highlight=False)
    _show_weeks(out, lived, picks)
    _show_practitioner(out, picks)
    _show_manager(out, picks)
    _show_chats(out, lived)
    _show_climb(out, picks)
    _show_overdue(out, picks, lived.until)
    _show_card(out, picks)
    _show_quarter(out, lived, picks)
    _show_panel(out, picks)
    _show_rest(out, lived, picks, time.perf_counter() - started)


def _heading(out: Console, text: str) -> None:
    out.print()
    out.rule(f"[bold]{escape(text)}[/bold]", align="left", style="dim")
    out.print()


# ---- the weeks


def _show_weeks(out: Console, lived: Lived, picks: Picks) -> None:
    out.print()
    length = "one week" if lived.weeks == 1 else f"{lived.weeks} weeks"
    out.print(f"{FAMILIES} families of an Early Help service, followed for {length}", style="bold")
    out.print()
    out.print(
        "ehscheduler reads what was recorded on each case, knows the council's own protocol, and tells the right "
        "people what is due, by when, and which clause says so. Here it does that for Nottinghamshire's protocol. The "
        "families, the staff and the clock are invented; the import, the daemon's turns, the database and the mail "
        "are not."
    )
    _heading(out, f"{said_day(lived.begin)} to {said_day(london_day(lived.until))}")
    for line in _weeks(lived):
        out.print(_beside(" •", line))
    posted = ", ".join(f"{len(kept)} to {kind.title()}" for kind, kept in lived.chats.items())
    out.print(_beside(" •", f"In the last fortnight copies were posted to two chats: {posted}."))
    out.print(_beside(" •", f"{len(lived.mails)} messages left by SMTP, to {picks.receivers} people and the operator:"))
    for kind, (one, many) in KINDS.items():
        if count := picks.counts.get(kind):
            out.print(_beside(f"{count:8}", one if count == 1 else many))


def _weeks(lived: Lived) -> Iterator[str]:
    files = lived.caseload
    assert files is not None  # noqa: S101 - the first instant takes an extract in
    yield (
        f"An extract of the case system's workflow steps came in at {EXTRACT_COMES:%H:%M} on {lived.extracts} working "
        f"mornings. The first held {lived.families_at_first} families; the last holds {files.case_count} families and "
        f"{files.step_count:,} steps, {EXTRACT_DAYS // 7} weeks of them."
    )
    yield (
        f"The clock moved by the hour, day and night. At {lived.turns} of those hours something was due, and the "
        "daemon took its turn."
    )
    if lived.dispute:
        raised, decided = lived.dispute.raised_at, lived.dispute.decided_at
        yield (
            f"A dispute about case {lived.dispute.case} was recorded by hand at {said_moment(raised)}, so that there "
            f"is one to see. It was {f'decided at {said_moment(decided)}' if decided else 'not decided'}."
        )


def _beside(mark: str, line: str) -> Table:
    """Lay a line out beside its mark, so that what is folded stands under its own text."""
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_row(mark, Text(line))
    return grid


# ---- messages


def _show_practitioner(out: Console, picks: Picks) -> None:
    _heading(out, "What one practitioner received")
    if picks.digest is None:
        out.print("No practitioner received a digest in these weeks.")
        return
    _show_mail(out, picks.digest)


def _show_manager(out: Console, picks: Picks) -> None:
    _heading(out, "What one manager received")
    shown = sorted((one for one in (picks.escalation, picks.dispute) if one), key=lambda one: one.sent_at)
    if not shown:
        out.print("No manager received an escalation or a dispute in these weeks.")
    for one in shown:
        _show_mail(out, one)


def _show_mail(out: Console, one: Received) -> None:
    """Show a message as the sink kept it: who, when, about what, and its text part as it is."""
    head = Table.grid(padding=(0, 2))
    head.add_row("To", f"{one.person.name}, {one.role}, {one.person.team or 'for every team'}", style="bold")
    head.add_row("Sent", said_moment(one.sent_at))
    head.add_row("Subject", Text(one.subject))
    parts = Group(head, Text(""), Text(one.text.rstrip()))
    out.print(Panel(parts, title=one.path.name, title_align="left", expand=False))


# ---- chats

CHATS = {
    "slack": ("What a team saw in Slack", "an escalation"),
    "teams": ("What a team saw in Teams", "a dispute"),
}


def _show_chats(out: Console, lived: Lived) -> None:
    """Show the last message that each chat was given, as its readers see it: no family, no name, no reference."""
    for kind, (heading, what) in CHATS.items():
        _heading(out, heading)
        if not lived.chats.get(kind):
            out.print(f"No copy of {what} was posted in the last fortnight.")
            continue
        path = lived.chats[kind][-1]
        said = Group(*(Text(line) for line in shown(path)))
        out.print(Panel(said, title=path.name, title_align="left", expand=False))


# ---- a dispute


def _show_climb(out: Console, picks: Picks) -> None:
    if picks.climb is None:
        return
    one = picks.climb
    what = f"{one.dispute.ref} of case {one.dispute.case} (clause {one.dispute.milestone.clause})"
    _heading(out, f"How that dispute climbed: {what}")
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("step", "who decides", "reached", "until", "told at", "recorded"):
        table.add_column(column, overflow="fold")
    for rung in one.dispute.rungs:
        told = [row.sent_at for row in one.told if row.kind == "dispute" and row.stage == rung.stage and row.sent_at]
        table.add_row(
            str(rung.stage),
            one.titles(rung.who),
            _short_moment(rung.reached_at),
            _short_moment(rung.due_at) if rung.due_at else "no set time",
            ", ".join(map(_short_moment, sorted(told))),
            ", ".join(rung.recorded.values()),
        )
    out.print(table)
    if one.dispute.ended_at:
        out.print(f"It was {one.dispute.state} at {said_moment(one.dispute.ended_at)}: {one.dispute.outcome}.")


def _short_moment(moment: datetime) -> str:
    local = moment.astimezone(LONDON)
    return f"{local:%a} {local.day} {local:%b %H:%M}"


# ---- what is overdue, and one proof


def _show_overdue(out: Console, picks: Picks, until: datetime) -> None:
    _heading(out, f"Overdue at {said_moment(until)}: {len(picks.overdue)} of {picks.open_count} open milestones")
    if not picks.overdue:
        out.print("Nothing is overdue.")
        return
    table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("case", "what", "was due", "who acts", "clause"):
        table.add_column(column, overflow="fold")
    for row in picks.overdue[-SHOWN:]:
        was_due = f"{row.due_on:%a} {row.due_on.day} {row.due_on:%b %Y}" if row.due_on else ""
        table.add_row(row.case, row.title, was_due, row.owner, row.clause)
    out.print(table)
    if len(picks.overdue) > SHOWN:
        out.print(f"These are the latest {SHOWN}; the first command below lists them all.")


def _show_card(out: Console, picks: Picks) -> None:
    _heading(out, "Why one of these dates is what it is: its proof card")
    if picks.card is None:
        out.print("Nothing overdue was told to anybody, so there is no card to show.")
        return
    show_card(out, picks.card)


# ---- the quarter, and another council's panel


def _show_quarter(out: Console, lived: Lived, picks: Picks) -> None:
    stretch = quarter_of(lived)
    _heading(
        out, f"The quarter, {said_day(stretch.since)} to {said_day(stretch.until)}: what fell due, and how it stands"
    )
    shown = sorted(picks.quarter.tallies, key=lambda one: -one.due)[:SHOWN]
    show_counts(out, f"The {len(shown)} rules of which most fell due, in all teams", count_rows(shown))
    out.print(LEGEND)


def _show_panel(out: Console, picks: Picks) -> None:
    if picks.panel is None:
        return
    for agenda in picks.panel.agendas:
        _heading(out, f"Another council, Barnet: the next {agenda.title}, {said_day(agenda.sits_on)}")
        out.print(
            f"Its cases that have stopped moving, which its protocol (clause 22.2) takes to the panel. Matters come "
            f"before it until {agenda.bring_by}. Barnet is followed in shadow here: nothing is sent."
        )
        table = Table(header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
        for column in ("case", "lead", "evidence"):
            table.add_column(column, overflow="fold")
        rows = {item.case: item for item in agenda.items}
        for case, item in rows.items():
            table.add_row(case, item.lead, "\n".join(picks.panel.of_case(case)[:EVIDENCE]))
        out.print(table if rows else "Nothing is due at it so far.")


# ---- where it lies, and what to try


def _show_rest(out: Console, lived: Lived, picks: Picks, seconds: float) -> None:
    _heading(out, "What to do next")
    place = _short(lived.folder)
    out.print(f"All {len(lived.mails)} messages lie in {place}/mail as .eml files: open one in any mail program.")
    out.print(f"What was posted to the chats lies in {place}/chat, as it was posted.")
    out.print(f"The extract, its mapping file and people.csv lie in {place}/extract.")
    out.print(f"The demo took {seconds:.0f} seconds. Three commands to try on what it left behind:")
    out.print()
    for command, says in _commands(lived, picks):
        out.print(Text(f"  {command}", style="bold"), soft_wrap=True)
        out.print(f"      {says}")


def _commands(lived: Lived, picks: Picks) -> Iterator[tuple[str, str]]:
    program, config = _program(), f"--config {shlex.quote(_short(lived.config))}"
    yield f"{program} due --overdue {config}", "everything that is overdue, the earliest first"
    if picks.card is not None:
        case, rule = picks.card["case"], picks.card["key"]
        yield f"{program} explain {case} {rule} --format json {config}", "the card above, for a program to check"
        yield f"{program} outbox --case {case} {config}", "what was told about this case, to whom, and the answer"
    else:
        yield f"{program} outbox {config}", "what was told, to whom, and what the server answered"
        yield f"{program} doctor {config}", "how the service fares"


def _program() -> str:
    """Name this program as it can be typed here."""
    called = Path(sys.argv[0])
    found = shutil.which(called.name)
    return called.name if found and Path(found).absolute() == called.absolute() else _short(called.absolute())


def _short(path: Path) -> str:
    """Write a path from here where it lies below, else in full."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
