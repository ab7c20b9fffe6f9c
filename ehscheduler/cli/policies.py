"""policy check, policy show: a council's protocol as the program reads it."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ehscheduler import clock
from ehscheduler.cli.common import FormatOption, app, check_format, show_json, show_table
from ehscheduler.core.calendars import Calendar, london_day
from ehscheduler.core.examples import mismatches, read_examples, wanting
from ehscheduler.core.policy import Policy, Rhythm, Standard
from ehscheduler.errors import PolicyRefused
from ehscheduler.notify.words import count_words
from ehscheduler.plugins import installed, load
from ehscheduler.policy_files import calendar_for, policy_from

policy = typer.Typer(help="Check and show a council's protocol.", no_args_is_help=True)
app.add_typer(policy, name="policy")

Which = Annotated[str, typer.Argument(help="An authority's name, or the path of a policy file.")]


@policy.command()
def check(which: Which) -> None:
    """Check a policy and its worked examples; name every fault with file, table and nearest word."""
    from ehscheduler.pure import policy_warnings

    faults: list[str] = []
    for read, folder in _policies(which):
        calendar = calendar_for(read)
        faults += _examples(read, calendar, folder / "examples.toml")
        for warning in policy_warnings(read, london_day(clock.now())):
            typer.echo(f"Note: {warning}")
        for reading in read.readings.values():
            if reading.open:
                rules = [rule.id for rule in read.rules.values() if reading.id in rule.readings]
                typer.echo(f"Note: the reading {reading.id} has no answer; {', '.join(rules) or 'no rule'} hangs on it")
        said = [count_words(len(read.rules), "rule"), count_words(len(read.ladders), "ladder")]
        typer.echo(f"{read.file}: {', '.join([*said, count_words(len(read.readings), 'reading')])}.")
    if faults:
        raise PolicyRefused(faults)
    typer.echo("All is well.")


def _examples(read: Policy, calendar: Calendar, path: Path) -> list[str]:
    """Run the worked examples beside a policy; return what does not come out as counted by hand."""
    if not path.exists():
        return [f"{path.name}: there are no worked examples beside {read.file}; write at least one for each rule"]
    examples = read_examples(path.read_text(encoding="utf-8"), path.name, read)
    faults = [f"{path.name}: {wish}" for wish in wanting(examples, read)]
    for example in examples:
        faults += mismatches(example, read, calendar)
    typer.echo(f"{path.name}: {len(examples)} worked examples.")
    return faults


def _policies(which: str) -> list[tuple[Policy, Path]]:
    path = Path(which)
    if path.suffix == ".toml" or (path.exists() and path.is_file()):
        return [(policy_from(path), path.parent)]
    if which not in installed() and path.is_dir():
        found = sorted(path.rglob("policy*.toml"))
        if found:
            return [(policy_from(file), file.parent) for file in found]
    authority = load(which)
    return [(one, authority.folder) for one in authority.policies]


@policy.command()
def show(which: Which, format: FormatOption = "table") -> None:
    """Show every rule in words, with clause, limit, owner and readings."""
    check_format(format)
    for read, _ in _policies(which):
        if format == "json":
            show_json([_plain(rule, read) for rule in read.rules.values()])
            continue
        rows = [tuple(_plain(rule, read).values()) for rule in read.rules.values()]
        columns = ("rule", "what", "clause", "when", "done by", "who acts", "force", "readings")
        show_table(f"{read.authority}, {read.document}, edition {read.edition}", columns, rows, empty="No rules.")
        for reading in read.readings.values():
            state = (
                f"signed by {reading.signed_by}" if reading.signed_by else f"taken by {reading.taken_by or 'nobody'}"
            )
            typer.echo(f"\nReading {reading.id} ({state}; {', '.join(reading.clauses)})")
            typer.echo(f"  {reading.asks}\n  {reading.answer or 'No answer yet.'}")


def _plain(rule: Standard | Rhythm, read: Policy) -> dict[str, Any]:
    return {
        "rule": rule.id,
        "title": rule.title,
        "clause": ", ".join(rule.clause),
        "when": _when(rule),
        "met_by": " or ".join(anchor.said for anchor in rule.met_by),
        "owner": read.title_of_role(rule.owner),
        "force": rule.force,
        "readings": ", ".join(rule.readings),
    }


def _when(rule: Standard | Rhythm) -> str:
    if isinstance(rule, Standard):
        opens = f"; not before {rule.not_before.text}" if rule.not_before else ""
        return "; or ".join(due.text for due in rule.due) + opens
    stretches = []
    for phase in rule.phases:
        name = f"{phase.name}: " if phase.name else ""
        stretches.append(f"{name}every {' or '.join(e.text for e in phase.every)} from {phase.begin.text}")
    return "; ".join(stretches)
