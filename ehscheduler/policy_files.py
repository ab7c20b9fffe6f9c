"""Reads what the core is given: policy files, and the table of bank holidays."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path

import holidays

from ehscheduler.core.calendars import Calendar
from ehscheduler.core.policy import Policy
from ehscheduler.core.reading import read_policy
from ehscheduler.errors import PolicyRefused

FIRST_YEAR, LAST_YEAR = 1990, 2060
PROCLAIMED_TO = 2028
"""The last year for which the government has published bank holidays; later years are computed, so forecasts."""

_SUBDIVISIONS = {"england": "ENG", "scotland": "SCT", "wales": "WLS", "northern ireland": "NIR"}


@lru_cache(maxsize=8)
def bank_holidays(nation: str) -> Mapping[date, str]:
    """Return the bank holidays of a nation by date, with their names."""
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


def policy_from(path: Path) -> Policy:
    """Read one policy file; every fault names it."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise PolicyRefused([f"{path}: there is no such policy file; check the path that the plugin gives"]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyRefused([f"{path}: cannot be read as UTF-8 text: {error}"]) from None
    return read_policy(text, path.name)
