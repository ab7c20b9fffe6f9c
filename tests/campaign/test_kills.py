"""Kills at random moments of tick and delivery: nothing is lost, and only what was going out may come twice.

The clock is simulated, the database and the mail server are real, and what counts is what the server accepted.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.campaign.conftest import Campaign, Figures
from tests.campaign.life import AS_IT_IS, WRONG_COPY


def expect_nothing_lost(said: Mapping[str, Any], kills: int) -> None:
    figures, sentences = said["figures"], said["sentences"]
    assert not sentences, f"seed {figures['seed']}:\n" + "\n".join(sentences)
    assert figures["kills"] == kills, figures
    assert figures["between claim and mark"] >= kills / 2, figures
    assert figures["repeats"] <= figures["under way"], figures
    assert figures["repeats without a kill"] == 0, figures


def expect_found_out(said: Mapping[str, Any]) -> None:
    figures = said["figures"]
    assert figures["lost"] > 0, figures
    assert figures["believed"] > 0, f"messages are marked as handed over that nobody accepted: {figures}"


def test_twenty_kills_lose_nothing_and_repeat_at_most_what_was_going_out(
    campaign: Campaign, show: Callable[[Figures], None]
) -> None:
    said = campaign(kills=20, days=5)
    show(said[AS_IT_IS]["figures"])
    expect_nothing_lost(said[AS_IT_IS], kills=20)


def test_the_same_kills_find_losses_in_a_copy_that_marks_before_it_sends(
    campaign: Campaign, show: Callable[[Figures], None]
) -> None:
    said = campaign(kills=0, days=3, of_wrong_copy=14)
    show(said[WRONG_COPY]["figures"])
    expect_found_out(said[WRONG_COPY])


@pytest.mark.campaign
def test_two_hundred_kills_lose_nothing_and_the_wrong_copy_is_found_out(
    campaign: Campaign, show: Callable[[Figures], None]
) -> None:
    said = campaign(kills=200, days=21, of_wrong_copy=40)
    show(said[AS_IT_IS]["figures"] | {"lost in the wrong copy": said[WRONG_COPY]["figures"]["lost"]})
    expect_nothing_lost(said[AS_IT_IS], kills=200)
    expect_found_out(said[WRONG_COPY])
