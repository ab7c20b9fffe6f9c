"""Reads what the core is given: policy files, and the table of bank holidays."""

import itertools
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from pathlib import Path

from ehscheduler.core.calendars import Calendar
from ehscheduler.core.policy import Asked, Policy
from ehscheduler.core.reading import read_tables
from ehscheduler.errors import PolicyRefused

FIRST_YEAR, LAST_YEAR = 1990, 2060
PROCLAIMED_TO = 2028
"""The last year for which the government has published bank holidays; later years are computed, so forecasts."""

_SUBDIVISIONS = {"england": "ENG", "scotland": "SCT", "wales": "WLS", "northern ireland": "NIR"}


@lru_cache(maxsize=8)
def bank_holidays(nation: str) -> Mapping[date, str]:
    """Return the bank holidays of a nation by date, with their names."""
    import holidays  # slow to import, and a policy can be read and shown without it

    table = holidays.country_holidays("GB", subdiv=_SUBDIVISIONS[nation], years=range(FIRST_YEAR, LAST_YEAR + 1))
    return dict(table.items())


def calendar_for(policy: Policy, closure_days: Mapping[date, str] | None = None) -> Calendar:
    """Build the working calendar of a policy: its nation's bank holidays and the authority's closure days."""
    return Calendar(
        policy.nation,
        {**(closure_days or {}), **bank_holidays(policy.nation)},
        first_year=FIRST_YEAR,
        last_year=LAST_YEAR,
        proclaimed_to=PROCLAIMED_TO,
        office_hours=policy.hours,
    )


def editions_from(
    authority: str, paths: Sequence[Path], conditions: Mapping[str, Asked], faults: list[str]
) -> list[Policy]:
    """Read an authority's editions, the oldest first; what is wrong with any of them goes to `faults`."""
    policies = []
    for path in paths:
        try:
            policies.append(policy_from(path, conditions))
        except PolicyRefused as refusal:
            faults += refusal.faults
    faults += edition_faults(authority, policies)
    return policies


def edition_faults(authority: str, policies: Sequence[Policy]) -> list[str]:
    """Say where policies are not the editions of one authority, the oldest first."""
    heads = [fault for policy in policies for fault in _head_faults(authority, policy)]
    pairs = itertools.pairwise(policies)
    return heads + [fault for before, after in pairs for fault in _order_faults(before, after)]


def _head_faults(authority: str, policy: Policy) -> Iterator[str]:
    at, since = f"{policy.file} [policy]", policy.in_force.isoformat()
    if policy.authority != authority:
        said = f"is for the authority {policy.authority!r}, not for {authority!r}"
        yield f"{at} authority: {said}; write the name under which the plugin is installed"
    if policy.review_by and policy.review_by <= policy.in_force:
        until = policy.review_by.isoformat()
        yield f"{at} review_by: {until} does not lie after in_force, {since}; write when it is to be looked at again"


def _order_faults(before: Policy, after: Policy) -> Iterator[str]:
    """Say where two neighbours are not two editions in order: a clock that starts on a day has one that governs it."""
    at, since = f"{after.file} [policy]", after.in_force.isoformat()
    if after.in_force == before.in_force:
        yield f"{at} in_force: {since} is the day of {before.file} too; give each edition a day of its own"
    elif after.in_force < before.in_force:
        said = f"{since} is before {before.in_force.isoformat()} of {before.file}, which the plugin lists first"
        yield f"{at} in_force: {said}; list the oldest edition first"
    if after.edition == before.edition:
        yield f"{at} edition: {after.edition!r} is the name of {before.file} too; give each edition its own"


def policy_from(path: Path, conditions: Mapping[str, Asked] | None = None) -> Policy:
    """Read one policy file; every fault names it. `conditions` are the plugin's own, by name."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PolicyRefused([f"{path}: there is no such policy file; check the path that the plugin gives"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyRefused([f"{path}: cannot be read as UTF-8 text: {error}"]) from None
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyRefused([f"{path.name}: is not TOML: {error}{toml_remedy(str(error))}"]) from None
    return read_tables(raw, text, path.name, conditions)


REMEDIES = {
    "Cannot declare": "two tables have one id; give each its own",
    "Cannot overwrite": "two lines have one key; leave one",
    "Invalid date": "write a date that exists, as 2026-03-02",
    "Illegal character '\\n'": "close the quotes before the line ends",
}


def toml_remedy(said: str) -> str:
    """Say what to do about a fault that the reader of TOML found; nothing where its own words say it."""
    return next((f"; {remedy}" for start, remedy in REMEDIES.items() if said.startswith(start)), "")
