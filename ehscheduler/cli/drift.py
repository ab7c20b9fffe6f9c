"""drift: which cases have stopped moving, and what the next panels take."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from ehscheduler import clock
from ehscheduler.cli.common import (
    CONFIG,
    AuthorityOption,
    ConfigOption,
    FormatOption,
    app,
    check_format,
    config_at,
    open_store,
    say,
    show_json,
    show_table,
)

if TYPE_CHECKING:
    from ehscheduler.board import Agenda, OpenRow
    from ehscheduler.concern import Concern, Concerns

OURS = "* The number behind this sign is not in the document: it is ours, or the council's own in [drift.AUTHORITY]."


@app.command()
def drift(
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    team: Annotated[str, typer.Option("--team", help="Only the cases of this team.")] = "",
    person: Annotated[str, typer.Option("--person", help="Only the cases of this lead professional, by id.")] = "",
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many cases of each team.")] = 20,
    format: FormatOption = "table",
) -> None:
    """List the cases that have stopped moving. By team, gravest first, with the evidence; below it the next panels."""
    from ehscheduler.board import Asked
    from ehscheduler.cli.whose import listed
    from ehscheduler.concern import concerns

    check_format(format)
    settings = config_at(config)
    asked = Asked(team=team, person=person)
    with open_store(settings) as store:
        roster = listed(authority, settings, store)
        found = roster.ask(lambda one: concerns(store, one, clock.now(), settings.drift_numbers(one.name), asked))
    if format == "json":
        show_json(
            {
                "cases": [case.plain() for one in found.values() for case in one.cases],
                "agendas": [_agenda(one, agenda) for one in found.values() for agenda in one.agendas],
            }
        )
    else:
        for name, one in found.items():
            _show(name, one, limit)
    roster.end()


def _agenda(found: "Concerns", agenda: "Agenda") -> dict[str, object]:
    """Return an agenda with what speaks for each case on it."""
    plain = dict(agenda.plain())
    return plain | {"items": [{**item, "signals": list(found.of_case(item["case"]))} for item in plain["items"]]}


def _show(name: str, found: "Concerns", limit: int) -> None:
    teams: dict[str, list[Concern]] = {}
    for one in found.cases:
        teams.setdefault(one.team, []).append(one)
    for team, cases in teams.items():
        said = "1 case has" if len(cases) == 1 else f"{len(cases)} cases have"
        _show_cases(f"{team or 'No team'} in {name}: {said} stopped moving", cases[:limit])
        if len(cases) > limit:
            typer.echo(f"And {len(cases) - limit} more; --limit shows them.")
        typer.echo()
    if not teams:
        typer.echo(f"Nothing in {name} has stopped moving.")
    if any(signal.ours for one in found.cases for signal in one.drifting.signals):
        say(OURS)
        typer.echo()
    for agenda in found.agendas:
        _show_agenda(name, found, agenda)


def _show_cases(title: str, cases: Sequence["Concern"]) -> None:
    from ehscheduler.core.drift import SIGNALS

    shown = [
        (
            one.drifting.case if n == 0 else "",
            one.lead if n == 0 else "",
            SIGNALS[signal.name] + (" *" if signal.ours else ""),
            signal.evidence + (f"; asked: {signal.asks}" if signal.asks else ""),
            signal.clause,
        )
        for one in cases
        for n, signal in enumerate(one.drifting.signals)
    ]
    show_table(title, ("case", "lead", "sign", "evidence", "clause"), shown, empty=title)


def _show_agenda(name: str, found: "Concerns", agenda: "Agenda") -> None:
    from ehscheduler.core.saying import said_day

    hub = f" ({agenda.hub})" if agenda.hub else ""
    title = f"Agenda: {agenda.title}{hub} in {name}, {said_day(agenda.sits_on)}; bring matters by {agenda.bring_by}"
    rows: dict[tuple[str, str], OpenRow] = {}
    for item in agenda.items:
        rows.setdefault((item.case, item.title), item)  # one matter, whichever of its causes came first
    shown = [(r.case, r.title, r.lead or r.owner, "; ".join(found.of_case(r.case)), r.clause) for r in rows.values()]
    columns = ("case", "to be taken to it", "lead", "evidence", "clause")
    show_table(title, columns, shown, empty=f"{title}. Nothing is due at it so far.")
