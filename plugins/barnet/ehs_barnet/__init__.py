"""Barnet's operational protocol for 0-19 Early Help, as a policy file per edition.

The document names no closure days, and its rules need no code, so there is no other hook.
"""

from pathlib import Path

from ehscheduler import hookimpl


@hookimpl
def ehscheduler_policies() -> list[Path]:
    """Return the policy files, one per edition."""
    return [Path(__file__).with_name("policy.toml")]
