"""timeline, forecast, due, explain: what is due, who would hear, and why."""

import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehscheduler import clock
from ehscheduler.cli.common import (
    CONFIG,
    AtOption,
    AuthorityOption,
    ConfigOption,
    FormatOption,
    app,
    check_format,
    config_at,
    console,
    open_store,
    say_standing,
    show_json,
    show_table,
)
from ehscheduler.errors import InputRefused

if TYPE_CHECKING:
    from ehscheduler.board import Agenda, OpenRow, WorkingSet, WorkRow
    from ehscheduler.cli.whose import Roster

CasesOption = Annotated[Path, typer.Option("--cases", help="cases.csv of the machine contract.")]
EventsOption = Annotated[Path, typer.Option("--events", help="events.csv of the machine contract.")]
JsonFirst = Annotated[str, typer.Option("--format", help="json for programs, table for people.")]
Needed = Annotated[str, typer.Option("--authority", help="The council, by its plugin's name.")]


@app.command()
def timeline(
    authority: Needed,
    cases: CasesOption,
    events: EventsOption,
    at: Annotated[str, typer.Option("--at", help="As of this date or instant.")],
    format: JsonFirst = "json",
) -> None:
    """Say what is due on every case, from two files alone."""
    from ehscheduler import pure
    from ehscheduler.core.calendars import london_day

    if check_format(format) == "json":
        raise typer.Exit(pure.write_timeline(sys.stdout, authority, cases, events, at))
    moment = pure.instant(at, "--at")
    caseload = pure.read_caseload(authority, cases, events).as_of(london_day(moment))
    found = [pure.evaluated(caseload, case, moment) for case in caseload.cases]
    rows = [(m.case, m.key, m.title, m.due_on or "", m.state, m.clause) for one in found for m in one.milestones]
    columns = ("case", "milestone", "what", "due", "state", "clause")
    show_table(f"{authority} as of {at}", columns, rows, empty="Nothing is due.")
    say_standing(caseload.policy, london_day(moment))
    for warning in (warning for one in found for warning in one.warnings):
        typer.echo(f"Note: {warning}", err=True)
    if problems := [problem for one in found for problem in one.problems]:
        raise InputRefused(problems)


@app.command()
def forecast(
    since: Annotated[str, typer.Option("--from", help="From this date or instant on; today when left out.")] = "",
    until: Annotated[str, typer.Option("--until", help="Up to, and without, this date or instant.")] = "",
    month: Annotated[str, typer.Option("--month", help="A month such as 2026-12, in place of both.")] = "",
    authority: AuthorityOption = "",
    cases: Annotated[Path | None, typer.Option("--cases", help="cases.csv: from two files alone.")] = None,
    events: Annotated[Path | None, typer.Option("--events", help="events.csv, with --cases.")] = None,
    person: Annotated[str, typer.Option("--person", help="Only the work of this person, by id.")] = "",
    team: Annotated[str, typer.Option("--team", help="Only the work of this team.")] = "",
    config: ConfigOption = CONFIG,
    format: Annotated[str, typer.Option("--format", help="json or table; with files json when left out.")] = "",
) -> None:
    """Show the work ahead by week, and what falls due on leave. With --cases and --events, who hears what and when."""
    if (cases is None) != (events is None):
        raise typer.BadParameter("give --cases and --events together, or neither", param_hint="--cases")
    if cases is None or events is None:
        from ehscheduler.cli.ahead import show_ahead

        show_ahead(since, until, month, authority, person, team, config, check_format(format or "table"))
        return
    given = {"--from": since, "--until": until, "--authority": authority}
    if missing := [name for name, value in given.items() if not value]:
        raise typer.BadParameter(f"with files, give {' and '.join(missing)}", param_hint=missing[0])
    if person or team or month:
        raise typer.BadParameter("--person, --team and --month are asked of the database, not of files")
    _forecast_of_files(authority, cases, events, since, until, check_format(format or "json"))


def _forecast_of_files(authority: str, cases: Path, events: Path, since: str, until: str, format: str) -> None:
    """Say who would hear what and when, from two files alone (design 9). Nothing more is taken to happen."""
    from ehscheduler import pure
    from ehscheduler.core.calendars import london_day
    from ehscheduler.core.saying import london_iso

    if format == "json":
        raise typer.Exit(pure.write_forecast(sys.stdout, authority, cases, events, since, until))
    first, last = pure.start_instant(since, "--from"), pure.start_instant(until, "--until")
    caseload = pure.read_caseload(authority, cases, events).as_of(london_day(first))
    rows = [
        (london_iso(a.at), a.kind, a.case, a.key, a.stage, ", ".join(a.to_roles), a.clause)
        for a in pure.told(caseload, first, last)
    ]
    columns = ("at", "kind", "case", "milestone", "rung", "to", "clause")
    show_table(f"{authority} from {since} until {until}", columns, rows, empty="Nobody would hear anything.")
    say_standing(caseload.policy, london_day(first))


@app.command()
def due(
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: Annotated[str, typer.Option("--by-day", help="Only what is due by this date.")] = "",
    person: Annotated[str, typer.Option("--person", help="Only the cases of this lead professional, by id.")] = "",
    team: Annotated[str, typer.Option("--team", help="Only the cases of this team.")] = "",
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is overdue.")] = False,
    show: Annotated[
        str, typer.Option("--show", help="Only one part: open, caseloads or meetings. In json it is open if left out.")
    ] = "",
    format: FormatOption = "table",
) -> None:
    """List what is open, the earliest first. Below it, who holds how much, and what the next meetings take."""
    from ehscheduler.board import Asked, working_set
    from ehscheduler.cli.whose import listed

    check_format(format)
    if show not in ("", *PARTS):
        raise typer.BadParameter(f"{show!r} is none of {', '.join(PARTS)}", param_hint="--show")
    asked = Asked(_day(by, "--by-day") if by else None, person, team, overdue)
    settings = config_at(config)
    with open_store(settings) as store:
        roster = listed(authority, settings, store)
        sets = roster.ask(lambda one: working_set(store, one, clock.now(), asked))
    if format == "json":
        parts = {"open": "open", "caseloads": "work", "meetings": "agendas"}
        show_json([row.plain() for one in sets.values() for row in getattr(one, parts[show or "open"])])
    else:
        _show_sets(roster, sets, (show,) if show else PARTS)
    roster.end()


PARTS = ("open", "caseloads", "meetings")


def _show_sets(roster: "Roster", sets: Mapping[str, "WorkingSet"], parts: Sequence[str]) -> None:
    """Show each authority's working set under its name."""
    from ehscheduler.core.calendars import london_day

    for n, (name, one) in enumerate(sets.items()):
        if n:
            typer.echo()
        if "open" in parts:
            _show_open(name, one.open)
        if "caseloads" in parts and (one.work or len(parts) == 1):
            _show_work(name, one.work)
        if "meetings" in parts:
            _show_agendas(name, one.agendas, alone=len(parts) == 1)
    if not sets:
        typer.echo("Nothing is open.")
    for loaded in roster.found.values():
        say_standing(loaded.policy, london_day(clock.now()))


def _show_open(name: str, rows: Sequence["OpenRow"]) -> None:
    columns = ("case", "what", "due", "state", "who acts", "clause")
    shown = [(r.case, r.title, r.window, r.state, r.owner, r.clause) for r in rows]
    show_table(f"Open in {name}: {len(rows)}", columns, shown, empty=f"Nothing is open in {name}.")


STANDS = {"over": "over the limit", "full": "at the limit", "within": "within", "under": "under the least"}


def _show_work(name: str, rows: Sequence["WorkRow"]) -> None:
    shown = [(r.person, f"{r.held} {r.kind}", _limits(r), STANDS[r.state], r.clause) for r in rows]
    columns = ("who", "holds", "limit", "stands", "clause")
    show_table(f"Caseloads in {name}", columns, shown, empty=f"Nobody in {name} has a limit to hold work against.")


def _limits(row: "WorkRow") -> str:
    least = f"at least {row.at_least}" if row.at_least is not None else ""
    most = f"at most {row.at_most}" if row.at_most is not None else ""
    share = "full time" if row.share == 1 else f"{row.share:g} of full time"
    return ", ".join(filter(None, (least, most))) + (f" ({share})" if row.pro_rata else "")


def _show_agendas(name: str, agendas: Sequence["Agenda"], *, alone: bool) -> None:
    from ehscheduler.core.saying import said_day

    columns = ("case", "to be taken to it", "who acts", "lead", "clause")
    for one in agendas:
        place = f"{one.title}{f' ({one.hub})' if one.hub else ''} in {name}"
        title = f"{place}, {said_day(one.sits_on)}; bring matters by {one.bring_by}"
        shown = [(item.case, item.title, item.owner, item.lead, item.clause) for item in one.items]
        show_table(title, columns, shown, empty=f"{title}: nothing is due at it so far.")
    if alone and not agendas:
        typer.echo(f"The policy of {name} has no meeting.")


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputRefused([f"{option}: {text!r} is not a date such as 2026-03-02 that exists"]) from None


@app.command()
def explain(
    case: Annotated[str, typer.Argument(help="The case's reference.")],
    rule: Annotated[str, typer.Argument(help="A rule's id, or a milestone's key.")],
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    at: AtOption = "",
    format: FormatOption = "table",
) -> None:
    """Show why a date is what it is. The proof card counts day by day, and says what was sent to whom."""
    from ehscheduler.board import proof_cards
    from ehscheduler.cli.card import show_card
    from ehscheduler.cli.whose import authority_of
    from ehscheduler.pure import instant

    check_format(format)
    moment: datetime = instant(at, "--at") if at else clock.now()
    settings = config_at(config)
    with open_store(settings) as store:
        loaded = authority_of(case, authority, settings, store)
        cards: list[dict[str, Any]] = proof_cards(store, loaded, case, rule, moment)
    if format == "json":
        show_json(cards)
        return
    out = console()
    for card in cards:
        show_card(out, card)
