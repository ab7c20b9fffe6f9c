"""Westmere's Early Help protocol, as a policy file per edition."""

from pathlib import Path

from ehscheduler import hookimpl


@hookimpl
def ehscheduler_policies() -> list[Path]:
    """Return the policy files, one per edition, the oldest first."""
    return [Path(__file__).with_name("policy.toml")]
