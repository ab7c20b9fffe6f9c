"""tick, run, rebuild, doctor: the service and how it fares."""

import json
import logging
import random
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehscheduler import clock
from ehscheduler.cli.common import (
    CONFIG,
    AuthorityOption,
    ByOption,
    ConfigOption,
    FormatOption,
    app,
    check_format,
    config_at,
    console,
    open_store,
    show_json,
    who,
    worker,
)
from ehscheduler.errors import PolicyRefused

if TYPE_CHECKING:
    from ehscheduler.cli.whose import Roster
    from ehscheduler.config import Config
    from ehscheduler.daemon.desk import Desk
    from ehscheduler.store.store import Store


class _Json(logging.Formatter):
    """One line of JSON an entry: fixed words and codes, never what a case holds."""

    KEPT = ("case", "fault", "message", "outcome", "code")

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="seconds"),
            "level": record.levelname.lower(),
            "part": record.name,
            "said": record.getMessage(),
        }
        line |= {
            key: value for key in self.KEPT if (value := record.__dict__.get(key)) is not None and key != "message"
        }
        if record.exc_info and record.exc_info[0]:
            line["fault"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False)


def log_to_stderr() -> None:
    """Write the log as JSON lines on standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json())
    root = logging.getLogger("ehscheduler")
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    root.propagate = False


def _desk(settings: "Config", store: "Store") -> tuple["Desk", "Roster"]:
    """Make the desk; an authority that cannot be used is an alarm, and the others go on."""
    from ehscheduler.cli.whose import all_authorities, at_home
    from ehscheduler.daemon.build import desk_of, note_plugins
    from ehscheduler.plugins import installed

    here = at_home(store)
    known = sorted({*installed(), *here})
    try:
        roster = all_authorities(settings, here)
    except PolicyRefused as refusal:
        note_plugins(store, known, _by_name(known, refusal), clock.now())
        raise
    note_plugins(store, known, roster.faults, clock.now())
    return desk_of(settings, store, roster.found, worker(), clock.now()), roster


def _by_name(known: list[str], refusal: PolicyRefused) -> dict[str, str]:
    """Return what was refused by the authority that each line names."""
    lines = {name: [line for line in refusal.faults if repr(name) in line] for name in known}
    return {name: "\n".join(said) for name, said in lines.items() if said}


@app.command()
def tick(config: ConfigOption = CONFIG) -> None:
    """Do one turn now: decide what is told, and send it."""
    from ehscheduler.daemon.turn import turn
    from ehscheduler.store.lease import hold_daemon

    settings = config_at(config)
    with open_store(settings) as store:
        desk, roster = _desk(settings, store)
        held = hold_daemon(store, now=clock.now())
        try:
            typer.echo(turn(desk, clock.now, stop=lambda: False, rng=random.SystemRandom()).said)
        finally:
            held.release()
    roster.end()


@app.command()
def run(config: ConfigOption = CONFIG) -> None:
    """Run the daemon until it is told to stop."""
    from ehscheduler.daemon.run import Daemon

    log_to_stderr()
    settings = config_at(config)
    with open_store(settings) as store:
        desk, _ = _desk(settings, store)
        typer.echo(f"Running on {store.place.name}; stop with Ctrl-C.", err=True)
        Daemon(desk, clock.now, rng=random.SystemRandom()).run()


@app.command()
def rebuild(config: ConfigOption = CONFIG, authority: AuthorityOption = "") -> None:
    """Work every milestone out anew. The same events give the same rows."""
    from ehscheduler.cli.whose import listed
    from ehscheduler.daemon.tick import rebuild as rebuild_all
    from ehscheduler.notify.words import count_words

    settings = config_at(config)
    with open_store(settings) as store:
        roster = listed(authority, settings, store)
        for name, loaded in roster.found.items():
            count, changed = rebuild_all(store, loaded, clock.now())
            said = f"{count_words(count, 'milestone')} of {name} rebuilt"
            typer.echo(f"{said}; {changed} stood otherwise than {'it does' if changed == 1 else 'they do'} now.")
        if not roster.found:
            typer.echo("There are no cases yet.")
    roster.end()


@app.command()
def doctor(
    config: ConfigOption = CONFIG,
    clear: Annotated[
        list[str] | None, typer.Option("--clear", help="Alarms of this kind are settled; one that lasts comes again.")
    ] = None,
    by: ByOption = "",
    format: FormatOption = "table",
) -> None:
    """Check the installation. Configuration, database, plugins, mail, feeds, alarms; exit 1 when something is wrong."""
    from ehscheduler.daemon.health import check_up, clear_alarms

    check_format(format)
    for code in clear or ():
        with open_store(config_at(config)) as store:
            count = clear_alarms(store, code, now=clock.now(), by=who(by))
        typer.echo(f"{count} of {code!r} cleared." if count else f"No alarm of {code!r} stands open.", err=True)
    findings = check_up(Path(config), clock.now())
    if format == "json":
        show_json([{"area": f.area, "ok": f.ok, "said": f.said} for f in findings])
    else:
        out = console()
        for finding in findings:
            out.print(f"{'ok ' if finding.ok else 'BAD'}  {finding.area}: {finding.said}", markup=False)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)
