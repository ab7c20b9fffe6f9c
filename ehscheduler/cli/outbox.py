"""outbox, bounce, prefer: what was told and what became of it, addresses that are no more, and what people prefer."""

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
    open_store,
    say,
    show_json,
    show_table,
    who,
    worker,
)
from ehscheduler.errors import InputRefused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ehscheduler.cli.whose import Roster
    from ehscheduler.sent import Sent
    from ehscheduler.store.outbox import OutboxRow

outbox_app = typer.Typer(help="What waits, what was sent, and what the server answered.", invoke_without_command=True)
app.add_typer(outbox_app, name="outbox")
CaseOption = Annotated[str, typer.Option("--case", help="Only of this case.")]
ToOption = Annotated[str, typer.Option("--to", help="Only to this recipient: person:ID or team:NAME.")]


@outbox_app.callback()
def outbox(
    context: typer.Context,
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    state: Annotated[list[str] | None, typer.Option("--state", help="Only deliveries in this state.")] = None,
    case: CaseOption = "",
    to: ToOption = "",
    kept: Annotated[bool, typer.Option("--kept", help="What was decided and kept back, as in shadow mode.")] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=10_000, help="At most so many.")] = 50,
    format: FormatOption = "table",
) -> None:
    """Show what waits, what was sent, and what the server answered."""
    if context.invoked_subcommand is not None:
        return
    from ehscheduler.cli.whose import listed
    from ehscheduler.sent import STATES, sent
    from ehscheduler.store.outbox import count_deliveries

    check_format(format)
    for one in state or ():
        if one not in STATES:
            raise typer.BadParameter(f"{one!r} is none of {', '.join(STATES)}", param_hint="--state")
    settings = config_at(config)
    with open_store(settings) as store:
        roster = listed(authority, settings, store)
        if kept:
            _kept(store, roster, case, limit, format)
        else:
            now = clock.now()
            found = roster.ask(
                lambda one: sent(store, one, now, states=state or (), case=case, recipient=to, limit=limit)
            )
            with store.read() as tx:
                counts = {name: dict(count_deliveries(tx, name)) for name in roster.found}
            _show(roster, found, counts, limit, format)
    roster.end()


def _show(
    roster: "Roster",
    found: "Mapping[str, Sequence[Sent]]",
    counts: "Mapping[str, dict[str, int]]",
    limit: int,
    format: str,
) -> None:
    if format == "json":
        rows = [(name, one) for name, own in found.items() for one in own]
        rows.sort(key=lambda row: row[1].row.at, reverse=True)
        shown = [{"authority": name, **one.plain()} for name, one in rows[:limit]]
        show_json({"counts": _summed(counts), "deliveries": shown})
        return
    for name, own in found.items():
        said = ", ".join(f"{n} {which.replace('_', ' ')}" for which, n in sorted(counts[name].items())) or "nothing"
        none = f"Nothing of this kind in {name}; in all: {said}." if counts[name] else f"The outbox of {name} is empty."
        show_table(f"Outbox of {name}: {said}", COLUMNS, map(_row, own), empty=none)
    if not roster.found:
        typer.echo("The outbox is empty.")


COLUMNS = ("at", "kind", "case", "milestone", "to", "by", "what became of it")


def _row(one: "Sent") -> tuple[str, ...]:
    from ehscheduler.core.saying import london_iso

    row, why = one.row, one.row.why or one.row.server_answer
    if one.state == "bounced":
        why = "; ".join(part for part in (row.server_answer, row.why) if part)
    if one.state == "waiting":
        why = f"until {london_iso(row.send_after)[:16].replace('T', ' ')}{f' ({why})' if why else ''}"
    became = one.state.replace("_", " ") + (f": {why.removeprefix(f'{one.state}: ')}" if why else "")
    at = london_iso(row.at)[:16].replace("T", " ")
    return at, row.kind, row.case_ref, row.milestone, row.recipient.replace(":", " ", 1), row.channel, became


def _summed(counts: "Mapping[str, dict[str, int]]") -> dict[str, int]:
    states = sorted({state for own in counts.values() for state in own})
    return {state: sum(own.get(state, 0) for own in counts.values()) for state in states}


def _kept(store: Any, roster: "Roster", case: str, limit: int, format: str) -> None:
    """Show the notices that nobody was told of, and why."""
    from ehscheduler.core.saying import london_iso
    from ehscheduler.store.notices import kept_notices

    with store.read() as tx:
        found = {name: kept_notices(tx, name, case_ref=case or None, limit=limit) for name in roster.found}
    if format == "json":
        rows = [{"authority": name, **_plain(row)} for name, own in found.items() for row in own]
        show_json({"kept": rows[:limit]})
        return
    columns = ("at", "kind", "case", "milestone", "meant for", "why it was kept back")
    for name, loaded in roster.found.items():
        title = loaded.policy.title_of_role
        shown = [
            (
                *(london_iso(r.at)[:16].replace("T", " "), r.kind, r.case_ref, r.milestone),
                *(", ".join(map(title, r.to_roles)), r.kept),
            )
            for r in found[name]
        ]
        show_table(f"Kept back in {name}", columns, shown, empty=f"Nothing was kept back in {name}.")


def _plain(row: Any) -> dict[str, Any]:
    from datetime import datetime

    from ehscheduler.core.saying import london_iso

    plain = {name: getattr(row, name) for name in row.__slots__}
    return {k: london_iso(v) if isinstance(v, datetime) else v for k, v in plain.items()}


@outbox_app.command("replay")
def replay(
    case: CaseOption = "",
    to: ToOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Send dead letters again, from their first try: what was refused, or given up."""
    from ehscheduler.cli.whose import one_authority
    from ehscheduler.sent import send_again

    settings = config_at(config)
    with open_store(settings) as store:
        loaded = one_authority(authority, settings, store)
        rows = send_again(store, loaded, clock.now(), case=case, recipient=to, by=who(by))
    _told(rows, "waits again, and is checked once more before it is sent")


@outbox_app.command("drop")
def drop(
    why: Annotated[str, typer.Option("--why", help="Why it is not sent, for whoever reads the trail.")],
    case: CaseOption = "",
    to: ToOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Do not send what waits or was refused, and note why. What is owed of the case later is told all the same."""
    from ehscheduler.cli.whose import one_authority
    from ehscheduler.sent import give_up_on

    settings = config_at(config)
    with open_store(settings) as store:
        loaded = one_authority(authority, settings, store)
        rows = give_up_on(store, loaded, clock.now(), why=why, case=case, recipient=to, by=who(by))
    _told(rows, "is not sent")


def _told(rows: "Sequence[OutboxRow]", what: str) -> None:
    for row in rows:
        say(f"{row.kind} of {row.milestone} on case {row.case_ref} to {row.recipient} by {row.channel} {what}.")


@app.command()
def bounce(
    address: Annotated[str, typer.Argument(help="The mail address from which messages came back.")],
    why: Annotated[
        str, typer.Option("--why", help="What the bounce said, such as '550 no such user'.")
    ] = "no reason given",
    lift: Annotated[bool, typer.Option("--lift", help="It works again: write to it as before.")] = False,
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Write to an address no more, as mail to it came back. What it should have told goes one rung up."""
    from ehscheduler import office
    from ehscheduler.cli.whose import one_authority

    settings = config_at(config)
    with open_store(settings) as store:
        loaded = one_authority(authority, settings, store)
        if lift:
            lifted = office.reach_again(store, loaded, address, now=clock.now(), by=who(by))
            typer.echo(f"{address} is written to again." if lifted else f"Nothing stood in the way of {address}.")
            return
        back = office.bounce(store, loaded, address, why=why, now=clock.now(), by=who(by))
    told = f"{back} of the last five days {'is' if back == 1 else 'are'} taken back"
    say(f"Nothing is sent to {address} any more. Of what was sent, {told}; whoever acts now hears it instead.")


@app.command()
def prefer(
    person: Annotated[str, typer.Argument(help="The person's id, as in people.csv.")],
    channel: Annotated[
        list[str] | None,
        typer.Option("--channel", help="KIND=NAME, as escalation=text; KIND= is the usual again."),
    ] = None,
    digest_at: Annotated[
        str | None, typer.Option("--digest-at", help="When the digest comes, such as 09:30; '' is the usual again.")
    ] = None,
    quiet: Annotated[
        str | None, typer.Option("--quiet", help="Hours in which nothing comes that can wait, such as 17:00-09:00.")
    ] = None,
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Set by which channel a person hears what, and when. What is due is told all the same."""
    from ehscheduler import office
    from ehscheduler.cli.whose import one_authority

    settings = config_at(config)
    wanted = dict(_pair(text) for text in channel or ())
    known = ["mail", *(name for name, table in settings.channels.items() if table.kind not in ("slack", "teams"))]
    with open_store(settings) as store:
        loaded = one_authority(authority, settings, store)
        made = office.prefer(
            store,
            loaded,
            person,
            channels=wanted,
            digest_at=digest_at,
            quiet=quiet,
            known=known,
            now=clock.now(),
            by=who(by),
        )
    ways = ", ".join(f"{kind} by {name}" for kind, name in sorted(made.channels.items())) or "by the usual channel"
    when = f"digest at {made.digest_at:%H:%M}" if made.digest_at else "digest at the usual time"
    say(f"{person}: {ways}; {when}; {f'quiet hours {made.quiet}' if made.quiet else 'no quiet hours'}.")


def _pair(text: str) -> tuple[str, str]:
    kind, equals, name = text.partition("=")
    if not equals:
        raise InputRefused([f"--channel {text!r}: write KIND=NAME, such as escalation=text"])
    return kind.strip(), name.strip()


notify_app = typer.Typer(help="The ways out: try one.", no_args_is_help=True)
app.add_typer(notify_app, name="notify")


@notify_app.callback()
def notify() -> None:
    """Try the ways out."""


@notify_app.command("test")
def try_a_way(
    channel: Annotated[str, typer.Argument(help="A channel of the configuration, or mail.")] = "mail",
    to: Annotated[str, typer.Option("--to", help="The mail address that gets it; a chat needs none.")] = "",
    config: ConfigOption = CONFIG,
) -> None:
    """Send a test message now, and say what the other side answered. A way that was shut and works is open again."""
    from ehscheduler.daemon.build import desk_of
    from ehscheduler.daemon.trial import send_a_test

    settings = config_at(config)
    with open_store(settings) as store:
        outcome = send_a_test(desk_of(settings, store, {}, worker()), channel, to, clock.now())
    say(f"{outcome.kind.replace('_', ' ')}: {outcome.answer}")
    raise typer.Exit(0 if outcome.kind == "accepted" else 1)
