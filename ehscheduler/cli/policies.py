"""policy list, policy check, policy show: the councils' protocols as the program reads them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ehscheduler import clock
from ehscheduler.cli.common import FormatOption, app, check_format, say, show_json, show_table
from ehscheduler.errors import EhsError, PolicyRefused

if TYPE_CHECKING:
    from ehscheduler.core.calendars import Calendar
    from ehscheduler.core.policy import Policy

policy = typer.Typer(help="List, check and show councils' protocols.", no_args_is_help=True)
app.add_typer(policy, name="policy")

Which = Annotated[str, typer.Argument(help="An authority's name, or the path of a policy file.")]
PARTS = ("rules", "checks", "routes", "ladders", "meetings", "limits", "words", "readings", "not-encoded")


@policy.command("list")
def list_(format: FormatOption = "table") -> None:
    """List the installed authorities, with what their policies hold."""
    from ehscheduler.plugins import installed

    check_format(format)
    rows: list[dict[str, Any]] = []
    for name in installed():
        try:
            rows += [_summary(name, read, folder) for read, folder in policies_of(name)]
        except EhsError as error:
            rows.append({"authority": name, "ok": False, "faults": str(error).splitlines()})
    if format == "json":
        show_json(rows)
    else:
        shown = [_brief(row) for row in rows if row["ok"]]
        columns = ("authority", "in force from", "rules", "beside them", "readings", "not encoded")
        empty = "No authority can be used; install one with: pip install ./plugins/NAME"
        show_table("Installed authorities", columns, shown, empty=empty)
    if faults := [fault for row in rows for fault in row["faults"]]:
        raise PolicyRefused(faults)


def _summary(name: str, read: "Policy", folder: Path) -> dict[str, Any]:
    from ehscheduler.cli.policy_words import not_encoded

    return {
        "authority": name,
        "ok": True,
        "faults": [],
        "document": read.document,
        "edition": read.edition,
        "in_force": read.in_force.isoformat(),
        "rules": len(read.rules),
        "checks": len(read.checks),
        "routes": len(read.routes),
        "ladders": len(read.ladders),
        "meetings": len(read.meetings),
        "limits": len(read.limits),
        "readings": len(read.readings),
        "unsigned": sum(1 for reading in read.readings.values() if not reading.signed_by),
        "not_encoded": len(not_encoded(folder)),
    }


def _brief(row: dict[str, Any]) -> tuple[Any, ...]:
    from ehscheduler.notify.words import count_words

    kinds = ("check", "route", "ladder", "meeting", "limit")
    beside = ", ".join(count_words(row[f"{kind}s"], kind) for kind in kinds if row[f"{kind}s"])
    unsigned = f"{row['readings']}, {row['unsigned']} not signed"
    return row["authority"], row["in_force"], row["rules"], beside, unsigned, row["not_encoded"]


@policy.command()
def check(
    which: Annotated[
        str, typer.Argument(help="An authority's name, or the path of a policy file; every authority when left out.")
    ] = "",
) -> None:
    """Check policies and their worked examples; name every fault with file, table and nearest word."""
    from ehscheduler.kit.templates import own_template_faults
    from ehscheduler.plugins import installed, load

    faults: list[str] = []
    known = installed()
    for one in [which] if which else known or [load("").name]:
        try:
            for read, folder in policies_of(one):
                faults += _checked(read, folder)
            if one in known:
                faults += [f"{one}: {fault}" for fault in own_template_faults(load(one))]
        except EhsError as error:
            faults += str(error).splitlines()
    if faults:
        raise PolicyRefused(faults)
    typer.echo("All is well.")


def _checked(read: "Policy", folder: Path) -> list[str]:
    """Run the worked examples beside a policy; say what its owner has to know, and return what is wrong."""
    from ehscheduler.core.calendars import london_day
    from ehscheduler.notify.words import count_words
    from ehscheduler.policy_files import calendar_for
    from ehscheduler.pure import policy_warnings

    place = f"{read.authority}: "
    faults = [f"{place}{fault}" for fault in _examples(read, calendar_for(read), folder / "examples.toml")]
    for warning in policy_warnings(read, london_day(clock.now())):
        say(f"Note: {place}{warning}")
    for reading in read.readings.values():
        if reading.open:
            rules = [rule.id for rule in read.rules.values() if reading.id in rule.readings]
            said = f"the reading {reading.id} has no answer; {', '.join(rules) or 'no rule'} hangs on it"
            say(f"Note: {place}{said}")
    kinds = ("rule", "check", "route", "ladder", "meeting", "limit", "reading")
    counts = [count_words(len(getattr(read, f"{kind}s")), kind) for kind in kinds]
    typer.echo(f"{place}{read.file}: {', '.join(counts)}.")
    return faults


def _examples(read: "Policy", calendar: "Calendar", path: Path) -> list[str]:
    """Run the worked examples beside a policy; return what does not come out as counted by hand."""
    from ehscheduler.core.examples import mismatches, read_examples, wanting
    from ehscheduler.notify.words import count_words

    if not path.exists():
        return [f"{path.name}: there are no worked examples beside {read.file}; write at least one for each rule"]
    examples = read_examples(path.read_text(encoding="utf-8"), path.name, read)
    faults = [f"{path.name}: {wish}" for wish in wanting(examples, read)]
    for example in examples:
        faults += mismatches(example, read, calendar)
    typer.echo(f"{read.authority}: {path.name}: {count_words(len(examples), 'worked case')} of dates and notices.")
    return faults


def policies_of(which: str) -> list[tuple["Policy", Path]]:
    from ehscheduler.plugins import given, installed
    from ehscheduler.policy_files import policy_from

    path = Path(which)
    if path.suffix == ".toml" or (path.exists() and path.is_file()):
        return [(policy_from(path), path.parent)]
    if which not in installed() and path.is_dir():
        found = sorted(path.rglob("policy*.toml"))
        if found:
            return [(policy_from(file), file.parent) for file in found]
    plugin = given(which)
    return [(one, plugin.folder) for one in plugin.policies]


@policy.command()
def show(
    which: Which,
    show: Annotated[
        str, typer.Option("--show", help=f"Only one part: {', '.join(PARTS)}. In json it is rules if left out.")
    ] = "",
    format: FormatOption = "table",
) -> None:
    """Show a protocol in words. Every rule with clause, limit and owner; readings; what is not encoded, and why."""
    check_format(format)
    if show not in ("", *PARTS):
        raise typer.BadParameter(f"{show!r} is none of {', '.join(PARTS)}", param_hint="--show")
    policies = policies_of(which)
    if format == "json":
        several = len(policies) > 1
        rows = [(read, row) for read, folder in policies for row in _rows(show or "rules", read, folder)]
        show_json([{"edition": read.edition, **row} if several else row for read, row in rows])
        return
    for read, folder in policies:
        say(f"{read.authority}: {read.document}, edition {read.edition}, in force from {read.in_force.isoformat()}")
        for part in (show,) if show else PARTS:
            _show_part(part, _rows(part, read, folder))


def _rows(part: str, read: "Policy", folder: Path) -> list[dict[str, Any]]:
    from ehscheduler.cli import policy_words

    if part == "not-encoded":
        return policy_words.not_encoded(folder)
    rows: list[dict[str, Any]] = getattr(policy_words, part)(read)
    return rows


HEADINGS = {
    "rules": "Rules",
    "checks": "Checks, made at an event",
    "routes": "Routes: which team takes a case",
    "ladders": "Ladders: who hears, in order",
    "meetings": "Meetings",
    "limits": "Caseloads",
    "words": "Words made of others",
    "readings": "Readings: what the document leaves open",
    "not-encoded": "Not encoded, and why",
}


def _show_part(part: str, rows: list[dict[str, Any]]) -> None:
    """Print a part as paragraphs, which read well at any width."""
    from ehscheduler.cli import policy_words as words

    lines = {
        "rules": words.rule_lines,
        "checks": words.check_lines,
        "routes": words.route_lines,
        "ladders": words.ladder_lines,
        "meetings": words.meeting_lines,
        "limits": words.limit_lines,
        "words": words.word_lines,
        "readings": words.reading_lines,
        "not-encoded": words.left_out_lines,
    }[part]
    if not rows:
        return
    say("")
    say(f"{HEADINGS[part]} ({len(rows)})")
    for row in rows:
        first, *rest = lines(row)
        if part != "not-encoded":
            say("")
        say(first, "  ")
        for line in rest:
            say(line, "      ")
