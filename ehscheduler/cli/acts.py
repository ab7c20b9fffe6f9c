"""record, correct, relax, extend, hold, resume, close: what a person does on one case."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehscheduler import clock
from ehscheduler.cli.common import CONFIG, AuthorityOption, ByOption, ConfigOption, app, config_at, open_store, who
from ehscheduler.core.vocabulary import REASONS
from ehscheduler.errors import InputRefused

if TYPE_CHECKING:
    from ehscheduler.office import Act
    from ehscheduler.plugins import Authority
    from ehscheduler.store.store import Store

CaseArgument = Annotated[str, typer.Argument(help="The case's reference.")]
WhenOption = Annotated[str, typer.Option("--at", help="A date or an instant, London time; now when left out.")]


@contextmanager
def case_at(case: str, authority: str, config: Path) -> Iterator[tuple["Store", "Authority"]]:
    """Open the database, and find the authority whose case it is."""
    from ehscheduler.cli.whose import authority_of

    settings = config_at(config)
    with open_store(settings) as store:
        yield store, authority_of(case, authority, settings, store)


@app.command()
def record(
    case: CaseArgument,
    event: Annotated[str, typer.Argument(help="What happened, in the policy's word for it.")],
    at: WhenOption = "",
    ref: Annotated[str, typer.Option("--ref", help="The reference that pairs it with another event.")] = "",
    detail: Annotated[str, typer.Option("--detail", help='Further facts, as JSON: {"method": "phone"}.')] = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Record that something happened on a case."""
    from ehscheduler import office

    now = clock.now()
    with case_at(case, authority, config) as (store, loaded):
        act = office.record(
            store,
            loaded,
            case,
            event,
            at=at or now.isoformat(),
            now=now,
            by=who(by),
            ref=ref or None,
            detail=_json(detail),
        )
    _done(act, f"Recorded {event} on case {case}")


def _json(text: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        value = json.loads(text)
    except json.JSONDecodeError as fault:
        raise InputRefused([f"--detail is not JSON (at character {fault.pos + 1})"]) from None
    except RecursionError:
        raise InputRefused(["--detail is nested too deep; a few facts by name are enough"]) from None
    if not isinstance(value, dict):
        raise InputRefused(['--detail is not a JSON object such as {"method": "phone"}'])
    return value


def _done(act: "Act", said: str) -> None:
    from ehscheduler.core.saying import said_day, said_moment

    when = said_day(act.event.day) if act.event.dated else said_moment(act.event.moment)
    known = " It was recorded already; nothing changed." if act.known else ""
    typer.echo(f"{said}: {when} (event {act.event.id}).{known}")


@app.command()
def correct(
    case: CaseArgument,
    event: Annotated[str, typer.Argument(help="The id of the event that was wrong.")],
    at: Annotated[str, typer.Option("--at", help="When it really happened; without it the event is withdrawn.")] = "",
    why: Annotated[str, typer.Option("--why", help="Why, in a few words without names.")] = "corrected by hand",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Withdraw an event, or with --at move it. What was recorded stays on record."""
    from ehscheduler import office

    with case_at(case, authority, config) as (store, loaded):
        acts = office.correct(store, loaded, case, event, at=at or None, now=clock.now(), by=who(by), why=why)
    for act in acts:
        _done(act, f"{'Withdrew ' + event if act.event.word == 'retracted' else 'Recorded anew'} on case {case}")


RuleArgument = Annotated[list[str], typer.Argument(help="The rules whose open limits move.")]
ByRoleOption = Annotated[str, typer.Option("--by-role", help="The role that agreed it.")]
ReasonOption = Annotated[str, typer.Option("--reason", help=f"{', '.join(REASONS)}, or a few words without names.")]


@app.command()
def relax(
    case: CaseArgument,
    rules: RuleArgument,
    until: Annotated[str, typer.Option("--until", help="The new limit, a date.")],
    by_role: ByRoleOption,
    reason: ReasonOption,
    at: WhenOption = "",
    late: Annotated[
        bool, typer.Option("--late", help="Agreed after the limit: put on record, and moves nothing.")
    ] = False,
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Agree a later limit. It is agreed before the old one passes, by the rank that the clause names."""
    from ehscheduler import office

    with case_at(case, authority, config) as (store, loaded):
        act = office.relax(
            store,
            loaded,
            case,
            rules,
            until=_date(until, "--until"),
            by_role=by_role,
            reason=reason,
            at=at or None,
            late=late,
            now=clock.now(),
            by=who(by),
        )
    what = "Put on record, too late to move anything" if late else "Relaxed"
    _done(act, f"{what}: {', '.join(rules)} on case {case} until {until}")


@app.command()
def extend(
    case: CaseArgument,
    by_role: ByRoleOption,
    reason: ReasonOption,
    rules: Annotated[
        list[str] | None, typer.Argument(help="The rules; all that the role may extend if left out.")
    ] = None,
    until: Annotated[str, typer.Option("--until", help="The new limit, a date.")] = "",
    weeks: Annotated[int, typer.Option("--weeks", min=0, max=520, help="Or so many weeks more.")] = 0,
    at: WhenOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Approve an extension, to a date or by weeks. It is approved before the limit passes."""
    from ehscheduler import office

    with case_at(case, authority, config) as (store, loaded):
        act = office.extend(
            store,
            loaded,
            case,
            rules or [],
            until=_date(until, "--until") if until else None,
            weeks=weeks or None,
            by_role=by_role,
            reason=reason,
            at=at or None,
            now=clock.now(),
            by=who(by),
        )
    _done(act, f"Extended {', '.join(rules) if rules else 'what is open'} on case {case}")


def _date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InputRefused([f"{option}: {text!r} is not a date such as 2026-03-02 that exists"]) from None


@app.command()
def acknowledge(
    case: CaseArgument,
    milestone: Annotated[str, typer.Argument(help="The milestone's key, as `due` and `explain` show it.")],
    person: Annotated[str, typer.Option("--person", help="Who has seen it: the id in the staff feed.")],
    reason: Annotated[str, typer.Option("--reason", help="One of family, capacity, partner, system.")],
    until: Annotated[str, typer.Option("--until", help="The last quiet day; the next working day if left out.")] = "",
    at: WhenOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Acknowledge a milestone: one person hears nothing more of it for a while. No date moves by it."""
    from ehscheduler import office
    from ehscheduler.core.saying import said_day

    day = _date(until, "--until") if until else None
    with case_at(case, authority, config) as (store, loaded):
        act = office.acknowledge(
            store,
            loaded,
            case,
            milestone,
            person=person,
            reason=reason,
            until=day,
            at=at or None,
            now=clock.now(),
            by=who(by),
        )
    last = said_day(date.fromisoformat(str(act.event.detail["until"])))
    _done(act, f"{person} hears nothing of {milestone} on case {case} until the end of {last}; no date moved")


@app.command()
def hold(
    case: CaseArgument,
    reason: Annotated[str, typer.Option("--reason", help="Such as stepped_up or section_47.")],
    at: WhenOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Put a case on hold: its clocks stop."""
    from ehscheduler import office

    with case_at(case, authority, config) as (store, loaded):
        act = office.hold(store, loaded, case, at=at or None, reason=reason, now=clock.now(), by=who(by))
    _done(act, f"Case {case} is on hold")


@app.command()
def resume(
    case: CaseArgument,
    at: WhenOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """End a case's hold: its clocks go on."""
    from ehscheduler import office

    with case_at(case, authority, config) as (store, loaded):
        act = office.resume(store, loaded, case, at=at or None, now=clock.now(), by=who(by))
    _done(act, f"Case {case} goes on")


@app.command()
def close(
    case: CaseArgument,
    reason: Annotated[str, typer.Option("--reason", help="Such as outcomes_met or non_engagement.")],
    at: WhenOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Close a case: what is unmet is cancelled."""
    from ehscheduler import office

    with case_at(case, authority, config) as (store, loaded):
        act = office.close(store, loaded, case, at=at or None, reason=reason, now=clock.now(), by=who(by))
    _done(act, f"Case {case} is closed")
