"""tick, run, rebuild, outbox, doctor: the service and how it fares."""

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
    ConfigOption,
    FormatOption,
    all_authorities,
    app,
    check_format,
    config_at,
    console,
    one_authority,
    open_store,
    show_json,
    show_table,
    worker,
)
from ehscheduler.config import Config
from ehscheduler.core.saying import london_iso
from ehscheduler.errors import PolicyRefused
from ehscheduler.plugins import Authority, installed
from ehscheduler.store.store import Store

if TYPE_CHECKING:
    from ehscheduler.daemon.desk import Desk


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


def _desk(settings: Config, store: Store) -> "Desk":
    """Make the desk; an authority that cannot be used is an alarm, and the others go on."""
    from ehscheduler.daemon.build import desk_of, note_plugins

    faults: dict[str, str] = {}
    try:
        authorities = all_authorities(settings, faults)
    except PolicyRefused:
        note_plugins(store, installed(), faults, clock.now())
        raise
    note_plugins(store, installed(), faults, clock.now())
    return desk_of(settings, store, authorities, worker())


@app.command()
def tick(config: ConfigOption = CONFIG) -> None:
    """Do one turn now: decide what is told, and send it."""
    from ehscheduler.daemon.run import once
    from ehscheduler.store.lease import hold_daemon

    settings = config_at(config)
    with open_store(settings) as store:
        desk = _desk(settings, store)
        held = hold_daemon(store, now=clock.now())
        try:
            typer.echo(once(desk, clock.now, stop=lambda: False, rng=random.SystemRandom()))
        finally:
            held.release()


@app.command()
def run(config: ConfigOption = CONFIG) -> None:
    """Run the daemon until it is told to stop."""
    from ehscheduler.daemon.run import Daemon

    log_to_stderr()
    settings = config_at(config)
    with open_store(settings) as store:
        desk = _desk(settings, store)
        typer.echo(f"Running on {store.place.name}; stop with Ctrl-C.", err=True)
        Daemon(desk, clock.now, rng=random.SystemRandom()).run()


@app.command()
def rebuild(config: ConfigOption = CONFIG, authority: AuthorityOption = "") -> None:
    """Work every milestone out anew. The same events give the same rows."""
    from ehscheduler.daemon.tick import rebuild as rebuild_all

    settings = config_at(config)
    with open_store(settings) as store:
        loaded = one_authority(authority, settings)
        count, changed = rebuild_all(store, loaded, clock.now())
    typer.echo(f"{count} milestones of {loaded.name} rebuilt; {changed} stood otherwise than they do now.")


@app.command()
def outbox(
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    state: Annotated[list[str] | None, typer.Option("--state", help="Only deliveries in this state.")] = None,
    case: Annotated[str, typer.Option("--case", help="Only of this case.")] = "",
    kept: Annotated[bool, typer.Option("--kept", help="What was decided and kept back, as in shadow mode.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 50,
    format: FormatOption = "table",
) -> None:
    """Show what waits, what was sent, and what the server answered."""
    from ehscheduler.store.outbox import count_deliveries
    from ehscheduler.store.outbox import outbox as listed
    from ehscheduler.store.schema import DELIVERY_STATES

    check_format(format)
    for one in state or ():
        if one not in DELIVERY_STATES:
            raise typer.BadParameter(f"{one!r} is none of {', '.join(DELIVERY_STATES)}", param_hint="--state")
    settings = config_at(config)
    loaded = one_authority(authority, settings)
    if kept:
        _show_kept(settings, loaded, case, limit, format)
        return
    with open_store(settings) as store, store.read() as tx:
        rows = listed(tx, loaded.name, states=state or (), case_ref=case or None, limit=limit)
        counts = count_deliveries(tx, loaded.name)
    if format == "json":
        show_json({"counts": counts, "deliveries": [_plain(row) for row in rows]})
        return
    shown = [
        (london_iso(r.at)[:16], r.kind, r.case_ref, r.milestone, r.recipient, r.state, r.why or r.server_answer or "")
        for r in rows
    ]
    said = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in sorted(counts.items())) or "nothing"
    columns = ("at", "kind", "case", "milestone", "to", "state", "why, or the server's answer")
    none = f"Nothing of this kind; in all: {said}." if counts else "The outbox is empty."
    show_table(f"Outbox of {loaded.name}: {said}", columns, shown, empty=none)


def _show_kept(settings: Config, loaded: Authority, case: str, limit: int, format: str) -> None:
    """Show the notices that nobody was told of, and why."""
    from ehscheduler.store.notices import kept_notices

    with open_store(settings) as store, store.read() as tx:
        rows = kept_notices(tx, loaded.name, case_ref=case or None, limit=limit)
    if format == "json":
        show_json({"kept": [_plain(row) for row in rows]})
        return
    titles = loaded.policy.title_of_role
    shown = [
        (london_iso(r.at)[:16], r.kind, r.case_ref, r.milestone, ", ".join(map(titles, r.to_roles)), r.kept)
        for r in rows
    ]
    columns = ("at", "kind", "case", "milestone", "meant for", "why it was kept back")
    show_table(f"Kept back in {loaded.name}", columns, shown, empty="Nothing was kept back.")


def _plain(row: Any) -> dict[str, Any]:
    plain = {name: getattr(row, name) for name in row.__slots__}
    return {k: london_iso(v) if isinstance(v, datetime) else v for k, v in plain.items() if k != "body"}


@app.command()
def doctor(config: ConfigOption = CONFIG, format: FormatOption = "table") -> None:
    """Check the installation. Configuration, database, plugins, mail, feeds, alarms; exit 1 when something is wrong."""
    from ehscheduler.daemon.health import check_up

    check_format(format)
    findings = check_up(Path(config), clock.now())
    if format == "json":
        show_json([{"area": f.area, "ok": f.ok, "said": f.said} for f in findings])
    else:
        out = console()
        for finding in findings:
            out.print(f"{'ok ' if finding.ok else 'BAD'}  {finding.area}: {finding.said}", markup=False)
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)
