"""init, import, record, correct, relax, hold, resume, close: what people and feeds bring in."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ehscheduler import clock, office
from ehscheduler.cli.common import (
    CONFIG,
    AuthorityOption,
    ByOption,
    ConfigOption,
    app,
    config_at,
    one_authority,
    open_store,
    show_table,
    who,
)
from ehscheduler.config import read_config
from ehscheduler.core.saying import said_day, said_moment
from ehscheduler.errors import ConfigRefused, InputRefused
from ehscheduler.notify.words import count_words
from ehscheduler.plugins import installed
from ehscheduler.store.store import Store

CaseArgument = Annotated[str, typer.Argument(help="The case's reference.")]
WhenOption = Annotated[str, typer.Option("--at", help="A date or an instant, London time; now when left out.")]

STARTING_CONFIG = """\
# What a council's IT sets. The full file, with every setting explained, stands beside the README.

[database]
url = "sqlite:///ehscheduler.db"

[mail]
channel = "file"          # "file" writes .eml files for a trial; "smtp" sends
folder = "outbox"
"""
LADDER = """
# The protocol names nobody for overdue work; this ladder is the council's own, and is shown as such.
[ladders.{}]
overdue = [{{ who = ["line_manager"], after = "1 working day" }}]
"""


@app.command()
def init(config: ConfigOption = CONFIG) -> None:
    """Make a configuration and a database here. An older database is brought up to date."""
    if not config.exists():
        _write(config)
        typer.echo(f"Made {config}.")
    settings = read_config(config)
    with Store.create(settings.database.url) as store:
        typer.echo(f"The database {store.place.name} is ready.")


def _write(config: Path) -> None:
    ladders = [LADDER.format(name) for name in installed()]
    try:
        config.write_text(STARTING_CONFIG + "".join(ladders), encoding="utf-8")
    except OSError as error:
        raise ConfigRefused(
            [f"{config}: cannot be written ({error.strerror}); name a file in a folder that exists with --config"]
        ) from None


@app.command("import")
def import_(
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
    cases: Annotated[Path | None, typer.Option("--cases", help="cases.csv of the machine contract.")] = None,
    events: Annotated[Path | None, typer.Option("--events", help="events.csv of the machine contract.")] = None,
    people: Annotated[Path | None, typer.Option("--people", help="people.csv: the whole staff feed.")] = None,
    steps: Annotated[Path | None, typer.Option("--steps", help="A workflow-step extract of the case system.")] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="What the extract's columns and steps mean.")
    ] = None,
) -> None:
    """Take a council's files in: all of them, or none."""
    if not any((cases, events, people, steps)):
        raise typer.BadParameter("name at least one file: --cases, --events, --people or --steps")
    settings = config_at(config)
    loaded = one_authority(authority, settings)
    bar = Progress(
        TextColumn("Reading"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=Console(stderr=True),
        disable=not sys.stderr.isatty(), transient=True,
    )  # fmt: skip
    with open_store(settings) as store, bar:
        task = bar.add_task("read", total=None)
        taken = office.take_files(
            store,
            loaded,
            now=clock.now(),
            by=who(by),
            cases=cases,
            events=events,
            people=people,
            steps=steps,
            mapping=mapping,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    _say(taken)


def _say(taken: office.Taken) -> None:
    intake = taken.intake
    typer.echo(
        f"Read {count_words(intake.rows, 'row')}: {count_words(taken.cases_added, 'new case')}, "
        f"{taken.cases_changed} changed; {count_words(taken.events_added, 'new event')}, "
        f"{taken.events_known + intake.unchanged} known already; {count_words(taken.people, 'person', 'people')}."
    )
    for correction in intake.corrections[:20]:
        typer.echo(
            f"Corrected: {correction.old.word} on {correction.old.day.isoformat()} of case {correction.old.case}."
        )
    if intake.unmapped:
        rows = [(u.column, u.value, u.count, u.line) for u in intake.unmapped]
        columns = ("column", "value", "rows", "first line")
        show_table("Values that the mapping file does not name: nothing was made of them", columns, rows, empty="")
    for warning in intake.warnings[:20]:
        typer.echo(f"Note: {warning}")
    if len(intake.warnings) > 20:
        typer.echo(f"Note: and {len(intake.warnings) - 20} more like these.")
    for problem in intake.set_aside[:20]:
        typer.echo(f"Set aside: {problem}", err=True)
    if intake.set_aside_count > 20:
        typer.echo(f"Set aside: {intake.set_aside_count} rows in all; 'ehscheduler doctor' lists them.", err=True)
    for clash in taken.clashes[:20]:
        typer.echo(f"Event {clash.event_id} came again with other content; the first one stands.", err=True)


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
    now = clock.now()
    settings = config_at(config)
    loaded = one_authority(authority, settings)
    with open_store(settings) as store:
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


def _done(act: office.Act, said: str) -> None:
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
    settings = config_at(config)
    loaded = one_authority(authority, settings)
    with open_store(settings) as store:
        acts = office.correct(store, loaded, case, event, at=at or None, now=clock.now(), by=who(by), why=why)
    for act in acts:
        _done(act, f"{'Withdrew ' + event if act.event.word == 'retracted' else 'Recorded anew'} on case {case}")


@app.command()
def relax(
    case: CaseArgument,
    rules: Annotated[list[str], typer.Argument(help="The rules whose open limits move.")],
    until: Annotated[str, typer.Option("--until", help="The new limit, a date.")],
    by_role: Annotated[str, typer.Option("--by-role", help="The role that agreed it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, in a few words without names.")],
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Agree a later limit. It is agreed before the old one passes, by the rank that the clause names."""
    try:
        day = date.fromisoformat(until)
    except ValueError:
        raise InputRefused([f"--until: {until!r} is not a date such as 2026-03-02 that exists"]) from None
    settings = config_at(config)
    loaded = one_authority(authority, settings)
    with open_store(settings) as store:
        act = office.relax(
            store,
            loaded,
            case,
            rules,
            until=day,
            by_role=by_role,
            reason=reason,
            now=clock.now(),
            by=who(by),
        )
    _done(act, f"Relaxed {', '.join(rules)} on case {case} until {until}")


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
    settings = config_at(config)
    loaded = one_authority(authority, settings)
    with open_store(settings) as store:
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
    settings = config_at(config)
    loaded = one_authority(authority, settings)
    with open_store(settings) as store:
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
    settings = config_at(config)
    loaded = one_authority(authority, settings)
    with open_store(settings) as store:
        act = office.close(store, loaded, case, at=at or None, reason=reason, now=clock.now(), by=who(by))
    _done(act, f"Case {case} is closed")
