"""backup, restore, send-from: a copy of everything, and how to go on from one."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from ehscheduler import clock
from ehscheduler.cli.common import CONFIG, ByOption, ConfigOption, app, config_at, open_store, who
from ehscheduler.errors import InputRefused

HELD = (
    "Sending is held: nobody can know what was sent since the backup was made. Bring in what has come since, run "
    "'ehscheduler tick', look at 'ehscheduler outbox', and say from when with 'ehscheduler send-from'."
)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The file to write; one that is there is never written over.")],
    config: ConfigOption = CONFIG,
) -> None:
    """Write a checked copy of the whole database to one file, while the daemon runs. It holds personal fields."""
    from ehscheduler.store.backup import back_up

    with open_store(config_at(config)) as store:
        made = back_up(store, file, now=clock.now(), program=version("ehscheduler"))
    typer.echo(f"Backed up {_rows(made.rows)} (schema {made.schema}) to {file}, and read them back.")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that 'ehscheduler backup' made.")],
    config: ConfigOption = CONFIG,
    check: Annotated[bool, typer.Option("--check", help="Read the backup through, and restore nothing.")] = False,
    by: ByOption = "",
) -> None:
    """Restore a backup where no database is. Sending is held until 'send-from' says from when."""
    from ehscheduler.core.saying import said_moment
    from ehscheduler.store.backup import check_file
    from ehscheduler.store.restore import Restoring
    from ehscheduler.store.restore import restore as restore_to

    if check:
        found = check_file(file)
    else:
        where = config_at(config).database.url
        found = restore_to(Restoring(file, where, clock.now(), who(by)))
    held = f"{_rows(found.rows)} of {said_moment(found.made_at)} (version {found.program}, schema {found.schema})"
    typer.echo(f"{file} is whole: {held}." if check else f"Restored {held}.")
    if not check:
        typer.echo(HELD)


@app.command("send-from")
def send_from(
    moment: Annotated[str, typer.Argument(help="What would have left before this date or instant is taken as told.")],
    config: ConfigOption = CONFIG,
    by: ByOption = "",
) -> None:
    """Let messages leave again after a restore. What was due before the instant is not sent; what comes after it is."""
    from ehscheduler.core.events import read_moment
    from ehscheduler.core.saying import said_moment
    from ehscheduler.store import held

    now = clock.now()
    try:
        at = read_moment(moment)[0]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="MOMENT") from None
    if at > now:
        raise InputRefused([f"{said_moment(at)} is still to come; name an instant that has passed, such as now"])
    with open_store(config_at(config)) as store, store.begin() as tx:
        if not held.send_from(tx, at, at=now, by=who(by)):
            raise InputRefused(["sending is not held here: it is after a restore, and 'ehscheduler status' says so"])
    typer.echo(
        f"Sent is what is due from {said_moment(at)} on; what was due before is taken as told. The next turn does it."
    )


def _rows(count: int) -> str:
    from ehscheduler.notify.words import count_words

    return count_words(count, "row")
