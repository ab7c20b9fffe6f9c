"""The hooks a council's plugin may implement; all are optional."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pluggy

hookspec = pluggy.HookspecMarker("ehscheduler")
hookimpl = pluggy.HookimplMarker("ehscheduler")


@hookspec
def ehscheduler_policies() -> Sequence[Path]:  # type: ignore[empty-body]
    """Return the policy files of one authority, one for each edition.

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
