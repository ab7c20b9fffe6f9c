"""policy preview: what another policy file, calendar or configuration would do to the live caseload."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ehscheduler import clock
from ehscheduler.cli.common import (
    CONFIG,
    AuthorityOption,
    ConfigOption,
    FormatOption,
    check_format,
    config_at,
    open_store,
    say,
    show_json,
    show_table,
)
from ehscheduler.cli.policies import policy
from ehscheduler.errors import InputRefused

if TYPE_CHECKING:
    from ehscheduler.config import Config
    from ehscheduler.daemon.desk import Desk
    from ehscheduler.daemon.preview import Preview
    from ehscheduler.plugins import Authority
    from ehscheduler.store.store import Store

LISTED = 50


@policy.command()
def preview(
    new: Annotated[Path | None, typer.Argument(help="A policy file: an edition edited, or a further one.")] = None,
    closed: Annotated[
        list[str] | None, typer.Option("--closed", help="A further day on which the council is closed; repeatable.")
    ] = None,
    with_config: Annotated[
        Path | None,
        typer.Option("--with-config", help="Another configuration: readings, sittings, ladders."),
    ] = None,
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    format: FormatOption = "table",
) -> None:
    """Say what a change would do: dates that move, what becomes overdue, and who would be told. Changes nothing."""
    from ehscheduler.cli.whose import one_authority
    from ehscheduler.daemon.preview import preview as preview_of
    from ehscheduler.plugins import load_changed

    check_format(format)
    if not (new or closed or with_config):
        raise typer.BadParameter("name a policy file, --closed or --with-config: else nothing would change")
    settings = config_at(config)
    with open_store(settings) as store:
        before = one_authority(authority, settings, store)
        changed = load_changed(before.name, new, {_day(text): "closed" for text in closed or ()})
        now = _when(before, changed)
        then = config_at(with_config) if with_config else settings
        after = _desk(then, store, changed, now)
        found = preview_of(_desk(settings, store, before, now), after, before.name, now)
    if format == "json":
        show_json(found.plain())
    else:
        _show(found)
    if found.faults:
        raise InputRefused([f"case {case} cannot be worked out by it" for case in found.faults])


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no date such as 2026-12-29", param_hint="--closed") from None


def _when(before: "Authority", changed: "Authority") -> datetime:
    """Return the present, or the first instant of an edition that lies ahead."""
    from ehscheduler.core.calendars import start_of_day

    had = {one.edition for one in before.policies}
    ahead = [start_of_day(one.in_force) for one in changed.policies if one.edition not in had]
    return max([clock.now(), *ahead])


def _desk(settings: "Config", store: "Store", authority: "Authority", now: datetime) -> "Desk":
    """Make a desk that decides and sends nothing."""
    from ehscheduler.core.calendars import london_day
    from ehscheduler.daemon.desk import Desk
    from ehscheduler.fitting import fitted
    from ehscheduler.notify.console import Console
    from ehscheduler.notify.mail import Sender

    return Desk(
        store=store,
        config=settings,
        authorities={authority.name: fitted(authority, settings, london_day(now))},
        channel=Console("preview"),
        sender=Sender(settings.mail.sender_name, settings.mail.sender),
        worker="preview",
    )


def _show(found: "Preview") -> None:
    from ehscheduler.core.saying import said_day, said_moment

    say(f"What would differ for {found.authority} at {said_moment(found.at)}, if nothing else happened before:")
    rows = [(team or "no team", what, n) for team, counts in found.by_team().items() for what, n in counts.items()]
    show_table("By team", ("team", "what", "how many"), rows, empty="Nothing would differ.")
    changes = [
        (
            one.case,
            one.key,
            one.clause,
            ", ".join(one.what),
            said_day(one.due_before) if one.due_before else "",
            said_day(one.due_after) if one.due_after else "",
        )
        for one in found.changed
    ]
    _listed("Dates", ("case", "what", "clause", "how", "before", "after"), changes)
    notices = [
        (one.case, one.key, one.kind, one.stage, f"kept back: {one.kept}" if one.kept else ", ".join(one.to))
        for one in found.heard
    ]
    _listed("Notices", ("case", "what", "kind", "rung", "to"), notices)


def _listed(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    if not rows:
        return
    show_table(title, columns, rows[:LISTED], empty="")
    if len(rows) > LISTED:
        say(f"and {len(rows) - LISTED} more; --format json lists all")
