"""Each kind of message in a real browser, at the widths of a desk and of a phone, in light and in dark."""

import re
from pathlib import Path
from typing import Any

import pytest
from notify_samples import MESSAGES

from ehscheduler.notify.render import render
from tests.browser import looked_at

WIDTHS = (1200, 390)
DARK = ("(prefers-color-scheme: dark)", "(min-width: 1px)")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the browser makes of each page, by its name, its width, and light or dark."""
    pages = {}
    for name, message in MESSAGES.items():
        source = render(message).html
        for shade, page in (("light", source), ("dark", source.replace(*DARK))):
            pages |= {f"{name} {width} {shade}": (page, width) for width in WIDTHS}
    return looked_at(pages, tmp_path_factory.mktemp("browser"))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", MESSAGES)
def test_nothing_runs_out_of_the_page_or_is_too_small_to_read(seen: dict[str, Any], name: str, width: int) -> None:
    for shade in ("light", "dark"):
        page = seen[f"{name} {width} {shade}"]
        assert (page["wide"], page["out"]) == (0, 0)
        assert page["small"] >= 13
        assert page["loaded"] == 0


@pytest.mark.parametrize("name", MESSAGES)
def test_in_the_dark_the_paper_is_dark(seen: dict[str, Any], name: str) -> None:
    def brightness(shade: str) -> int:
        return sum(int(part) for part in re.findall(r"\d+", seen[f"{name} 390 {shade}"]["paper"])[:3])

    assert brightness("dark") < 150 < 600 < brightness("light")


@pytest.mark.parametrize("name", MESSAGES)
def test_a_phone_shows_the_words_that_a_desk_shows(seen: dict[str, Any], name: str) -> None:
    desk, phone = (" ".join(seen[f"{name} {width} light"]["words"].split()) for width in WIDTHS)
    assert desk == phone
    assert len(desk) > 100


def test_a_page_that_is_too_wide_is_found(tmp_path: Path) -> None:
    wide = '<!doctype html><body><main><p style="width:600px">too wide</p></main></body>'
    page = looked_at({"wide": (wide, 390)}, tmp_path)["wide"]
    assert page["wide"] > 0
    assert page["out"] > 0
