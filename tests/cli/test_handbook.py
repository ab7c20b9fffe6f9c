"""The protocol as a page to print and sign: all that the program holds is in it, and nothing that it does not."""

import re
from dataclasses import replace
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from ehscheduler.cli import policy_words
from ehscheduler.cli.handbook import rendered
from ehscheduler.config import Config, config_from
from ehscheduler.fitting import fitted
from ehscheduler.plugins import Authority, load
from tests.browser import looked_at
from tests.cli.conftest import Cli
from tests.feeds.conftest import MAPPING, extract, row
from tests.notify.page_reader import Page

AUTHORITIES = ("barnet", "manchester", "northamptonshire", "nottinghamshire")
TODAY = date(2026, 11, 23)


def page(authority: Authority, settings: Config | None = None, unfed: dict[str, str] | None = None) -> Page:
    return Page(rendered(authority, settings, unfed or {}, TODAY))


def about(read: Page, title: str) -> str:
    """Return what the page says under a heading, up to the next one."""
    headings = [text.strip() for _, text in read.headings]
    begin = read.words.index(f"{title} (clause")
    return read.words[begin : read.words.index(f"{headings[headings.index(title) + 1]} (clause", begin)]


@pytest.fixture(scope="module", params=AUTHORITIES)
def council(request: pytest.FixtureRequest) -> Authority:
    return load(request.param).as_of(TODAY)


def test_all_that_a_policy_holds_is_on_the_page_with_its_clause(council: Authority) -> None:
    found, policy = page(council), council.policy
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for part in ("rules", "checks", "ladders", "meetings", "limits", "routes"):
        for id_, one in getattr(policy, part).items():
            assert f"{part}-{id_}" in ids
            clause = f"clause {', '.join(one.clause)}; " if one.clause else ""
            assert f"{one.title} ({clause}{id_})" in found.words
    for id_, reading in policy.readings.items():
        assert f"reading-{id_}" in ids
        assert " ".join(reading.asks.split()) in found.words
        assert " ".join(reading.answer.split()) in found.words


def test_what_is_left_out_stands_there_with_its_reason(council: Authority) -> None:
    found = page(council)
    left = policy_words.not_encoded(council.folder)
    for one in left:
        assert one["row"] in found.words
        assert one["why"].replace("_", " ") in found.words
    assert f"Not encoded, and why ({len(left)})" in found.words


def test_the_page_is_whole_and_its_links_lead_somewhere(council: Authority) -> None:
    found = page(council)
    assert found.faults == []
    assert found.declared == "doctype html"
    ids = {attrs["id"] for _, attrs in found.tags if "id" in attrs}
    assert {link.removeprefix("#") for link in found.links} <= ids
    levels = [level for level, _ in found.headings]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert not any(tag in {"script", "img", "link", "iframe"} for tag, _ in found.tags)


def test_the_same_policy_gives_the_same_page(council: Authority) -> None:
    assert rendered(council, None, {}, TODAY) == rendered(load(council.name).as_of(TODAY), None, {}, TODAY)


def test_a_rule_says_when_who_acts_who_hears_and_how_it_was_counted() -> None:
    said = about(page(load("northamptonshire").as_of(TODAY)), "First home visit")
    assert "When 2 weeks after allocation; best by 10 working days after allocation." in said
    assert "Done by Home visit or successful visit." in said
    assert "Practitioner is reminded 3 working days before." in said
    assert "practitioner is told, and Senior Practitioner too." in said
    assert "The document names nobody further, and the council has set no ladder of its own." in said
    assert "home visit on Wednesday 18 March 2026. Due by Tuesday 17 March 2026, done late." in said


def test_the_page_holds_no_word_of_a_program(council: Authority) -> None:
    words = page(council).words
    for bare in ("(ref=", "datetime", "is None", "True", "False", "Span(", "{", "["):
        assert bare not in words, words[words.index(bare) - 200 :][:300]
    assert not re.search(r"\b\d{4}-\d\d-\d\d", words)


def test_the_councils_own_ladder_and_what_nothing_feeds_are_on_the_page() -> None:
    own = {"northamptonshire": {"overdue": [{"who": ["line_manager"], "after": "2 working days"}]}}
    settings = config_from({"ladders": own}, "config.toml")
    council = fitted(load("northamptonshire"), settings, TODAY)
    found = page(council, settings, {"first-visit": "home visit"})
    assert "Line manager: 2 working days after the one who acts was told." in found.words
    said = about(found, "First home visit")
    assert "it goes up by the council's own ladder for overdue work." in said
    assert "No source has sent home visit yet: until one does, nobody is told." in said
    assert "No source has sent" not in about(found, "Signed consent to the assessment")


def test_a_signed_reading_says_by_whom_and_leaves_no_box() -> None:
    council = load("nottinghamshire").as_of(TODAY)
    boxes = sum(attrs.get("class") == "sign" for _, attrs in page(council).tags)
    id_, reading = next((id_, one) for id_, one in council.policy.readings.items() if not one.signed_by)
    signed = replace(reading, signed_by="the service manager", signed_on=date(2026, 11, 2))
    readings = {**council.policy.readings, id_: signed}
    found = page(council.with_policies([replace(council.policy, readings=readings)]))
    assert "Signed by the service manager on Monday 2 November 2026." in found.words
    assert sum(attrs.get("class") == "sign" for _, attrs in found.tags) == boxes - 1


def test_what_a_policy_says_is_words_and_never_a_part_of_the_page() -> None:
    council = load("nottinghamshire").as_of(TODAY)
    hostile = "Visit <script>alert(1)</script> & {{ 7 * 7 }} \" ' <b>"
    id_, reading = next(iter(council.policy.readings.items()))
    readings = {**council.policy.readings, id_: replace(reading, asks=hostile)}
    found = page(council.with_policies([replace(council.policy, readings=readings, document=hostile)]))
    assert found.faults == []
    assert found.words.count(hostile) > 2
    assert not any(tag in {"script", "b"} for tag, _ in found.tags)


def test_nothing_runs_out_of_the_page_at_a_desk_or_on_a_phone(tmp_path: Path) -> None:
    source = rendered(load("northamptonshire").as_of(TODAY), None, {}, TODAY)
    seen = looked_at({f"{width}": (source, width) for width in (1200, 390)}, tmp_path)
    for one in seen.values():
        assert (one["wide"], one["out"], one["loaded"]) == (0, 0, 0)
        assert one["small"] >= 13


def test_the_command_writes_the_page_and_names_what_is_not_fed(cli: Cli) -> None:
    cli("init", "--authority", "nottinghamshire")
    Path("steps.csv").write_text(extract(row(1, "Allocation", "F1", "12/11/2026")))
    Path("mapping.toml").write_text(MAPPING)
    cli("import", "--steps", "steps.csv", "--mapping", "mapping.toml", "--authority", "nottinghamshire", "--believe")
    said = cli("policy", "handbook", "nottinghamshire", "--out", "book.html")
    assert said.code == 0
    assert "print it from there" in said.flat
    assert "No source has sent assessment completed yet" in Page(Path("book.html").read_text()).words


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nowhere",), "nowhere"),
        (("nottinghamshire", "--out", "missing/book.html"), "missing/book.html cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said(cli: Cli, words: tuple[str, ...], told: str) -> None:
    said = cli("policy", "handbook", *words)
    assert said.code == 1
    assert told in said.flat
