"""A month of nightly extracts through the drop folder, with bad nights among them: each is refused and told once.

After every night what stands is what a clean import of the truth in force would give, and nobody was told anything else
than where, on the bad nights, nothing had come at all.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest

from ehscheduler.core.calendars import at_clock
from tests.proofs.nights import (
    ARRIVE,
    BAD,
    CLOCKS,
    DIRT,
    LATE,
    OTHERS,
    SMALL,
    Night,
    Service,
    Truth,
    month,
    nights,
    timeline_of,
)

FIRST = date(2026, 6, 1)
MONTHS = (3, 39)
FAMILIES = 60
WEEK = ("good", "truncated", "good", "mass change", "good", "duplicate", "broken acts", "odd rows", "good")
"""A week of which `make test` can wait for the end."""
Figures = Callable[[str, object], None]


def live(folder: Path, truth: Truth, listed: Sequence[Night]) -> Service:
    """Live through nights beside a service to which nothing bad comes, and compare what stands after each."""
    tried, spared = (Service(folder / name, truth, FIRST) for name in ("tried", "spared"))
    for night in listed:
        tried.live(night)
        spared.live(night.harmless)
        now = at_clock(night.day, CLOCKS[-1])
        stands, should = tried.timeline(now), timeline_of(truth.at(night.truth), tried, now)
        assert stands.keys() == should.keys(), night
        for ref, rows in should.items():
            assert stands[ref] == rows, (night.day, night.kind, ref)
        assert texts(tried) == texts(spared), (night.day, night.kind)
    return tried


def texts(service: Service) -> Counter[tuple[str, str, str]]:
    return Counter((mail.to, mail.subject, mail.flat) for mail in service.said())


def expect_each_told_once(service: Service, listed: Iterable[Night]) -> None:
    """Make sure that the operator heard of each night that was not as it should be, once, and of no other."""
    for night in listed:
        if night.told:
            assert service.heard(night.told) == 1, (night.day, night.kind)
        if night.refused:
            assert night.refused in service.report(night.day), (night.day, night.kind)
    assert service.heard("was refused, and the last good state stands") == sum(1 for one in listed if one.refused)
    refused = [name for one in listed if one.refused for name in one.files]
    assert sorted(service.ended("refused")) == sorted(refused)
    assert service.left() == []


@pytest.fixture
def truth(tmp_path: Path, request: pytest.FixtureRequest) -> Truth:
    return Truth(tmp_path / "truth", seed=7, families=request.param, begin=FIRST - ARRIVE)


@pytest.mark.parametrize("truth", [SMALL], indirect=True)
def test_a_week_with_bad_nights_ends_as_one_without(truth: Truth, tmp_path: Path) -> None:
    listed = list(nights(truth, FIRST, WEEK, random.Random(3)))
    service = live(tmp_path, truth, listed)
    expect_each_told_once(service, listed)
    assert service.known() == clean(tmp_path, truth, listed[-1]).known()
    assert len(service.said()) > 10


@pytest.mark.campaign
@pytest.mark.parametrize("seed", MONTHS)
@pytest.mark.parametrize("truth", [FAMILIES], indirect=True)
def test_a_month_with_bad_nights_ends_as_one_without(
    truth: Truth, tmp_path: Path, seed: int, record_property: Figures
) -> None:
    plan = month(random.Random(seed))
    listed = list(nights(truth, FIRST, plan, random.Random(seed)))
    service = live(tmp_path, truth, listed)
    expect_each_told_once(service, listed)
    assert service.known() == clean(tmp_path, truth, listed[-1]).known()
    assert service.withdrawn() > 5
    odd = sum(1 for kind in plan if kind != "good")
    figures = f"seed {seed}: {len(plan)} nights, {odd} of them odd, {len(service.said())} messages as without them"
    record_property("figures", figures)


def clean(folder: Path, truth: Truth, last: Night) -> Service:
    """Return a service to which nothing came but the extract of the last night."""
    service = Service(folder / "clean", truth, FIRST)
    service.live(last)
    return service


def test_every_kind_of_night_comes_in_some_month() -> None:
    plans = [month(random.Random(seed)) for seed in MONTHS]
    assert {kind for plan in plans for kind in plan} == {*BAD, *OTHERS, *LATE, "good"}
    for plan in plans:
        assert len(plan) == 30
        assert sum(1 for kind in plan if kind != "good") == 14
    assert len(DIRT) > 4
    assert FIRST + timedelta(days=30) == date(2026, 7, 1)
