"""dispute open, answer, advance, decide, withdraw, list, show: disagreements, step by step."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ehscheduler import clock
from ehscheduler.cli.acts import CaseArgument, WhenOption, case_at
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
)

if TYPE_CHECKING:
    from ehscheduler.disputing import Standing
    from ehscheduler.office import Act
    from ehscheduler.plugins import Authority
    from ehscheduler.store.store import Store

RefArgument = Annotated[str, typer.Argument(help="The dispute's reference, such as D-1.")]
RoleOption = Annotated[str, typer.Option("--by-role", help="The role of the side that says it.")]

disputes_app = typer.Typer(help="Disagreements, step by step. A dispute never delays a referral.", no_args_is_help=True)
app.add_typer(disputes_app, name="dispute")


@disputes_app.command("open")
def open_(
    case: CaseArgument,
    about: Annotated[str, typer.Option("--about", help="What it is about, in the policy's word for it.")],
    by_role: RoleOption = "",
    against: Annotated[str, typer.Option("--against", help="The role of the other side.")] = "",
    stage: Annotated[str, typer.Option("--stage", help="The stage of the work, where the protocol asks it.")] = "",
    ref: Annotated[str, typer.Option("--ref", help="A reference of your own; D-1, D-2 ... when left out.")] = "",
    at: WhenOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Raise a dispute on a case. Its first deciders hear of it at once."""
    from ehscheduler import office

    given = {"by_role": by_role, "against": against, "stage": stage}
    with case_at(case, authority, config) as (store, loaded):
        detail = {name: value for name, value in given.items() if value}
        act = office.dispute_open(
            store, loaded, case, about=about, ref=ref or None, detail=detail, at=at or None, now=clock.now(), by=who(by)
        )
        _done(store, loaded, case, act, "Raised", config)


@disputes_app.command()
def answer(
    case: CaseArgument,
    ref: RefArgument,
    says: Annotated[str, typer.Argument(help="agree or disagree.")],
    by_role: RoleOption = "",
    at: WhenOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Put on record what the other side says. It decides nothing."""
    from ehscheduler import office

    with case_at(case, authority, config) as (store, loaded):
        act = office.dispute_answer(
            store, loaded, case, ref, says=says, by_role=by_role, at=at or None, now=clock.now(), by=who(by)
        )
        _done(store, loaded, case, act, "Answered", config)


@disputes_app.command()
def advance(
    case: CaseArgument,
    ref: RefArgument,
    at: WhenOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Take it up a step, because those at this one do not agree. It goes up by itself when their time has run."""
    from ehscheduler import office

    with case_at(case, authority, config) as (store, loaded):
        act = office.dispute_advance(store, loaded, case, ref, at=at or None, now=clock.now(), by=who(by))
        _done(store, loaded, case, act, "Taken up a step", config)


@disputes_app.command()
def decide(
    case: CaseArgument,
    ref: RefArgument,
    role: Annotated[str, typer.Option("--role", help="The role in which it is decided.")],
    outcome: Annotated[str, typer.Option("--outcome", help="A code in small letters, such as stays_with_team.")],
    at: WhenOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Put a decision on record. Where several decide together, it is decided when all have recorded the same."""
    from ehscheduler import office

    with case_at(case, authority, config) as (store, loaded):
        act = office.dispute_decide(
            store, loaded, case, ref, role=role, outcome=outcome, at=at or None, now=clock.now(), by=who(by)
        )
        _done(store, loaded, case, act, "Recorded", config)


@disputes_app.command()
def withdraw(
    case: CaseArgument,
    ref: RefArgument,
    at: WhenOption = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    by: ByOption = "",
) -> None:
    """Take a dispute back. Whoever raised it may; nobody decides it then."""
    from ehscheduler import office

    with case_at(case, authority, config) as (store, loaded):
        act = office.dispute_withdraw(store, loaded, case, ref, at=at or None, now=clock.now(), by=who(by))
        _done(store, loaded, case, act, "Taken back", config)


def _done(store: "Store", authority: "Authority", case: str, act: "Act", said: str, config: Path) -> None:
    """Say what was put on record, and how the dispute stands now."""
    from ehscheduler.disputing import dispute

    route = config_at(config).safeguarding_route(authority.name)
    known = " before; nothing changed" if act.known else ""
    ref = act.event.ref or ""
    typer.echo(f"{said}{known}: dispute {ref} of case {case} (event {act.event.id}).")
    for line in _stands(dispute(store, authority, case, ref, clock.now())):
        say(line)
    say(_route(route))


# ---- list, show


@disputes_app.command("list")
def list_(
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    team: Annotated[str, typer.Option("--team", help="Only the cases of this team.")] = "",
    all_: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    format: FormatOption = "table",
) -> None:
    """List the open disputes, the most urgent first. Who decides now, and until when."""
    from ehscheduler.cli.whose import listed
    from ehscheduler.disputing import disputes

    check_format(format)
    settings = config_at(config)
    with open_store(settings) as store:
        roster = listed(authority, settings, store)
        found = roster.ask(lambda one: disputes(store, one, clock.now(), team=team, closed=all_))
    if format == "json":
        show_json([one.plain() for rows in found.values() for one in rows])
    else:
        for name, rows in found.items():
            _show_list(name, rows)
            say(_route(settings.safeguarding_route(name)))
    roster.end()


def _show_list(name: str, rows: Sequence["Standing"]) -> None:
    from ehscheduler.core.saying import said_moment

    shown = []
    for one in rows:
        d, rung = one.dispute, one.dispute.rung
        until = said_moment(rung.due_at) if rung and rung.due_at else "no set time"
        waits = one.titles(rung.waits_for) if rung and d.open else d.state
        step = f"{rung.stage}{', the last' if d.last else ''}" if rung and d.open else ""
        shown.append((d.case, d.ref, d.about, step, waits, until if d.open else d.outcome, d.milestone.clause))
    columns = ("case", "dispute", "about", "step", "waits for", "until", "clause")
    show_table(f"Disputes in {name}: {len(rows)}", columns, shown, empty=f"No dispute is open in {name}.")


@disputes_app.command()
def show(
    case: CaseArgument,
    ref: Annotated[str, typer.Argument(help="The dispute's reference; not needed where there is one.")] = "",
    config: ConfigOption = CONFIG,
    authority: AuthorityOption = "",
    format: FormatOption = "table",
) -> None:
    """Show all that is known of a dispute. Sides, steps, who has recorded what, and who was told."""
    from ehscheduler.cli.whose import authority_of
    from ehscheduler.disputing import dispute

    check_format(format)
    settings = config_at(config)
    with open_store(settings) as store:
        loaded = authority_of(case, authority, settings, store)
        one = dispute(store, loaded, case, ref, clock.now())
    if format == "json":
        show_json({**one.plain(), "safeguarding": settings.safeguarding_route(loaded.name)})
        return
    _show_one(one)
    say(_route(settings.safeguarding_route(loaded.name)))


def _show_one(one: "Standing") -> None:
    from ehscheduler.core.saying import said_moment

    d, m = one.dispute, one.dispute.milestone
    say(f"Dispute {d.ref} of case {d.case}, about {d.about or 'nothing that was said'} (clause {m.clause}): {d.state}")
    for line in _stands(one):
        say(line, "  ")
    typer.echo()
    rows = [
        (
            rung.stage,
            " and ".join(map(one.policy.title_of_role, rung.who)) if rung.together else one.titles(rung.who),
            said_moment(rung.reached_at) if d.rung and rung.stage <= d.rung.stage else "",
            said_moment(rung.due_at) if rung.due_at else "no set time",
            "; ".join(f"{one.policy.title_of_role(role)}: {outcome}" for role, outcome in rung.recorded.items()),
        )
        for rung in d.rungs
    ]
    show_table("Its steps", ("step", "who decides", "reached", "until", "recorded"), rows, empty="It has no step yet.")
    told = [(said_moment(r.sent_at), r.recipient.replace(":", " "), r.kind, r.stage) for r in one.told if r.sent_at]
    show_table("Who was told", ("at", "to", "kind", "step"), told, empty="Nobody was told yet.")


def _stands(one: "Standing") -> list[str]:
    """Say in sentences how a dispute stands."""
    from ehscheduler.core.disputed import follows
    from ehscheduler.core.saying import said_moment

    d, m = one.dispute, one.dispute.milestone
    said = []
    if sides := [one.policy.title_of_role(role) for role in (d.raised_by, d.against) if role]:
        said.append(f"Sides: {' and '.join(sides)}.")
    if d.says:
        said.append(f"The other side says: {d.says}.")
    if not d.open:
        when = f" at {said_moment(d.ended_at)}" if d.ended_at else ""
        said.append(f"It was {d.state}{when}{f': {d.outcome}' if d.outcome else ''}.")
        return said
    rung = d.rung
    if rung is None:
        return [*said, "Its first step is not reached yet."]
    together = " together, with one outcome" if rung.together else ""
    said.append(f"Step {rung.stage}: {one.titles(rung.who)} decide{'' if len(rung.who) > 1 else 's'}{together}.")
    if rung.recorded:
        said.append(f"Still to record: {one.titles(rung.waits_for)}.")
    if rung.at_odds:
        said.append("They have recorded different outcomes: it is decided when they record the same.")
    if following := d.following:
        until = f" at {said_moment(following.reached_at)}" if rung.due_at else " when it is advanced"
        said.append(f"Undecided, it goes to {one.titles(following.who)}{until}.")
    elif d.last:
        said.append("This is the last step: it is told again each working morning until it is decided.")
    if d.state == "on hold":
        said.append("Its clock stands still with the case's; it may be decided or advanced all the same.")
    if m.due_at:
        said.append(f"The protocol wants it decided by {said_moment(m.due_at)} (clause {m.clause}).")
    said += [f"If it runs over: {title} (clause {clause})." for title, clause in follows(one.policy, m.rule)]
    return said


def _route(route: str) -> str:
    return f"A dispute never delays a referral. If a child may be at risk of harm, act now: {route}."
