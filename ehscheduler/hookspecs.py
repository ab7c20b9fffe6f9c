"""The hooks a council's plugin may implement; all are optional."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from pathlib import Path

import pluggy

hookspec = pluggy.HookspecMarker("ehscheduler")
hookimpl = pluggy.HookimplMarker("ehscheduler")


@hookspec
def ehscheduler_policies() -> Sequence[Path]:  # type: ignore[empty-body]
    """Return the policy files of one authority, one for each edition, the oldest first.

    Example::

        @hookimpl
        def ehscheduler_policies():
            return [Path(__file__).with_name("policy.toml")]
    """


@hookspec
def ehscheduler_closure_days() -> Mapping[date, str]:  # type: ignore[empty-body]
    """Return the authority's own closure days with their names; they are not working days.

    Example::

        @hookimpl
        def ehscheduler_closure_days():
            return {date(2026, 12, 29): "Council closure"}
    """


@hookspec
def ehscheduler_sittings() -> Mapping[str, Mapping[date, date | None]]:  # type: ignore[empty-body]
    """Return which planned sittings of a meeting were moved, and to which day, or were cancelled (None).

    A meeting that sits by hub is named as "meeting/hub" where one hub's sitting moves.

    Example::

        @hookimpl
        def ehscheduler_sittings():
            return {"panel": {date(2026, 12, 24): date(2026, 12, 22), date(2026, 12, 31): None}}
    """


@hookspec
def ehscheduler_conditions() -> Mapping[str, Callable[..., bool]]:  # type: ignore[empty-body]
    """Return the conditions that the policy language cannot say, by the name that a `where` asks them under.

    Each takes a case's facts, what happened until a moment, and that moment (aware, in UTC), and answers yes or no.

    Example::

        @hookimpl
        def ehscheduler_conditions():
            return {"had_two_workers": lambda facts, happened, moment: count_workers(happened) == 2}
    """


@hookspec
def ehscheduler_templates() -> Mapping[str, str | Path]:  # type: ignore[empty-body]
    """Return the authority's own templates for its messages, each a text or a file of at most 32 KiB.

    A name is that of a kind of message and a part of it: "digest.subject", "digest.txt", "digest.html", and so on for
    escalation, dispute, immediate, baseline and weekly. A part that is left out is ours. "page.html", "parts.html" and
    "parts.txt" are there for what several share. Where a template is wrong or fails, ours is sent, and the operator is
    told. What a template may see and must say is in the README, under "Templates of a council's own".

    Example::

        @hookimpl
        def ehscheduler_templates():
            return {"digest.txt": Path(__file__).parent / "templates" / "digest.txt"}
    """


@hookspec
def ehscheduler_channels() -> Mapping[str, Callable[..., object]]:  # type: ignore[empty-body]
    """Return ways out for messages, by the `kind` that `[channels.NAME]` of the configuration names.

    Each is a function of a `ehscheduler.channels.Setting` (the name, the secret, the table's other lines, and how this
    machine reaches the web) that returns a `ehscheduler.notify.ways.Way`. It is found under the entry point group
    `ehscheduler.channels`, and raises ValueError, with a sentence, for a setting that cannot work.

    Example::

        @hookimpl
        def ehscheduler_channels():
            return {"pager": lambda setting: Way(setting.name, Pager(setting.secret), write_for_a_pager)}
    """
