"""init, import: a council is set up, and its files are taken in."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ehscheduler import clock
from ehscheduler.cli.common import (
    CONFIG,
    AuthorityOption,
    ByOption,
    ConfigOption,
    app,
    config_at,
    open_store,
    show_table,
    who,
)
from ehscheduler.errors import ConfigRefused

if TYPE_CHECKING:
    from rich.progress import Progress

    from ehscheduler.config import Config
    from ehscheduler.office import Taken
    from ehscheduler.plugins import Authority
    from ehscheduler.store.store import Store

STARTING_CONFIG = """\
# What a council's IT sets. The full file, with every setting explained, stands beside the README.

[database]
url = "sqlite:///ehscheduler.db"

[mail]
channel = "file"          # "file" writes .eml files for a trial; "smtp" sends
folder = "outbox"
"""
LADDER = """
# Where the protocol names nobody for overdue work, this ladder is the council's own, and is shown as such. It does not
# touch a rule for which the protocol has a ladder.
[ladders.{}]
overdue = [{{ who = ["line_manager"], after = "1 working day" }}]
"""


@app.command()
def init(
    config: ConfigOption = CONFIG,
    authority: Annotated[
        str, typer.Option("--authority", help="The council that is served here; every installed one when left out.")
    ] = "",
) -> None:
    """Make a configuration and a database here. An older database is brought up to date."""
    from ehscheduler.config import read_config
    from ehscheduler.store.store import Store

    if not config.exists():
        _write(config, authority)
        typer.echo(f"Made {config}.")
    settings = read_config(config)
    with Store.create(settings.database.url) as store:
        typer.echo(f"The database {store.place.name} is ready.")


def _write(config: Path, authority: str) -> None:
    from ehscheduler.plugins import installed, load

    names = [load(authority).name] if authority else installed()
    ladders = [LADDER.format(name) for name in names]
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
    absences: Annotated[
        Path | None, typer.Option("--absences", help="absences.csv: everybody's leave, and who covers.")
    ] = None,
    steps: Annotated[
        Path | None,
        typer.Option("--steps", help="An extract of the case system; a folder, where it is several tables."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="What the extract's columns and steps mean.")
    ] = None,
    acts: Annotated[
        Path | None, typer.Option("--acts", help="acts.csv: what managers did, kept by hand; done after the rest.")
    ] = None,
    leavers: Annotated[
        int, typer.Option("--leavers", min=0, help="So many people leave with this staff feed, and no more.")
    ] = 0,
    nobody_away: Annotated[
        bool, typer.Option("--nobody-away", help="absences.csv has no row because nobody is away or will be.")
    ] = False,
    believe: Annotated[
        bool, typer.Option("--believe", help="You have looked: what is gone from these files, or changed, is meant so.")
    ] = False,
) -> None:
    """Take a council's files in: all of them, or none. Acts come one by one: what cannot be done is set aside."""
    from ehscheduler import office
    from ehscheduler.cli.whose import one_authority

    feeds = any((cases, events, people, absences, steps))
    if not feeds and not acts:
        raise typer.BadParameter("name a file: --cases, --events, --people, --absences, --steps or --acts")
    settings = config_at(config)
    if feeds:
        with open_store(settings) as store, _bar() as bar:
            loaded = one_authority(authority, settings, store)
            task = bar.add_task("read", total=None)
            taken = office.take_files(
                store,
                loaded,
                now=clock.now(),
                by=who(by),
                cases=cases,
                events=events,
                people=people,
                absences=absences,
                steps=steps,
                mapping=mapping,
                leavers=leavers,
                nobody_away=nobody_away,
                believe=believe,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )
            lacking = _not_fed(store, loaded, settings) if cases or events or steps else []
        _say(taken, told_absences=absences is not None)
        for line in lacking:
            typer.echo(f"Note: {line}")
    if acts:
        _take_acts(settings, acts, authority, who(by))


def _not_fed(store: "Store", loaded: "Authority", settings: "Config") -> list[str]:
    """Say which rules nobody could meet, for no source sends what meets them; those that have begun, each by itself."""
    from ehscheduler.daemon.feeds_fed import unfed

    with store.read() as tx:
        found = [one for one in unfed(tx, loaded, settings) if one.silent]
    if not found:
        return []
    remedy = f"feed them, confirm them with [live.{loaded.name}] fed, or leave them out of rules"
    return [*(one.said for one in found), f"for rules that are not fed: {remedy}"]


def _take_acts(settings: "Config", acts: Path, authority: str, by: str) -> None:
    """Do what a hand-kept file says was done, and say what was set aside, and why; exit 1 where something was."""
    from ehscheduler.cli.whose import listed
    from ehscheduler.notify.words import count_words
    from ehscheduler.office.written import take_acts

    with open_store(settings) as store:
        roster = listed(authority, settings, store)
        own = next(iter(roster.found)) if len(roster.found) + len(roster.faults) == 1 else ""
        taken = take_acts(store, roster.found, acts, now=clock.now(), by=by, own=own)
    typer.echo(f"{count_words(taken.done, 'act')} done, {taken.known} known already.")
    for problem in taken.set_aside:
        typer.echo(f"Set aside: {problem}", err=True)
    roster.end()
    if taken.set_aside:
        raise typer.Exit(1)


def _bar() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    return Progress(
        TextColumn("Reading"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), console=Console(stderr=True),
        disable=not sys.stderr.isatty(), transient=True,
    )  # fmt: skip


def _say(taken: "Taken", *, told_absences: bool) -> None:
    from ehscheduler.notify.words import count_words

    intake = taken.intake
    away = f", {count_words(taken.absences, 'absence')}" if told_absences else ""
    typer.echo(
        f"Read {count_words(intake.rows, 'row')}: {count_words(taken.cases_added, 'new case')}, "
        f"{taken.cases_changed} changed; {count_words(taken.events_added, 'new event')}, "
        f"{taken.events_known + intake.unchanged} known already; {count_words(taken.people, 'person', 'people')}{away}."
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
