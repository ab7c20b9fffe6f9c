"""What each kind of message says, how it looks to a machine, and what can never be in it."""

import os
import re
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Any

import pytest
from hostile_strings import NAMES_THAT_SURVIVE, PAGE_ATTACKS, TEMPLATE_ATTACKS
from jinja2 import DictLoader
from notify_samples import (
    CHANGED,
    COMING,
    IMPRINT,
    LEADER,
    MESSAGES,
    MONDAY,
    NO_TIME,
    OVERDUE_VISIT,
    PAST,
    PLAN,
    WORKER,
    line,
)
from page_reader import Page

from ehscheduler.notify.links import link_fault, link_to
from ehscheduler.notify.messages import (
    Addressee,
    Alarm,
    Baseline,
    Digest,
    Dispute,
    Escalation,
    Immediate,
    Line,
    MessageRefused,
    Operator,
    Step,
    lines_of,
)
from ehscheduler.notify.render import TEMPLATES, context_of, environment, render, subject
from ehscheduler.notify.sections import sections, split
from ehscheduler.notify.whitelist import RECORDS, tidy, whitelisted

SNAPSHOTS = Path(__file__).parent / "snapshots"
KEEP = os.environ.get("KEEP_SNAPSHOTS")  # any value: write what is rendered now, then look at the difference


def digest(*lines: Line, **changes: Any) -> Digest:
    return replace(Digest(to=WORKER, imprint=IMPRINT, day=MONDAY, lines=lines), **changes)


def words_of(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("ending", ["txt", "html"])
@pytest.mark.parametrize("name", MESSAGES)
def test_each_kind_of_message_reads_as_it_was_last_looked_at(name: str, ending: str) -> None:
    rendered = render(MESSAGES[name])
    found = f"Subject: {rendered.subject}\n\n{rendered.text}" if ending == "txt" else rendered.html
    path = SNAPSHOTS / f"{name}.{ending}"
    if KEEP:
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_every_kind_of_message_has_a_sample() -> None:
    assert {type(message) for message in MESSAGES.values()} == set(TEMPLATES)


@pytest.mark.parametrize("name", MESSAGES)
def test_a_page_can_be_read_by_everybody(name: str) -> None:
    source = render(MESSAGES[name]).html
    page = Page(source)
    tags = [tag for tag, _ in page.tags]
    levels = [level for level, _ in page.headings]
    assert page.faults == []
    assert page.declared == "doctype html"
    assert ("html", {"lang": "en-GB"}) in page.tags
    assert ("meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"}) in page.tags
    assert ("meta", {"name": "color-scheme", "content": "light dark"}) in page.tags
    assert "prefers-color-scheme: dark" in source
    assert tags.count("main") == tags.count("h1") == tags.count("title") == 1
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert all(text.strip() for _, text in page.headings)
    assert not {"img", "script", "iframe", "link", "object", "form", "input", "table", "font"} & set(tags)
    assert not re.search(r"url\(|@import|expression\(|!important", source)


@pytest.mark.parametrize("name", MESSAGES)
def test_nothing_is_painted_red(name: str) -> None:
    source = render(MESSAGES[name]).html
    for colour in re.findall(r"#([0-9a-f]{6})\b", source):
        red, green, blue = (int(colour[at : at + 2], 16) for at in (0, 2, 4))
        assert red - max(green, blue) < 40, colour
    assert not re.search(r"\b(red|crimson|tomato|orange)\b", source)


@pytest.mark.parametrize("name", MESSAGES)
def test_colours_have_contrast_enough_in_light_and_dark(name: str) -> None:
    source = render(MESSAGES[name]).html
    light, dark = source.split("@media (prefers-color-scheme: dark)")
    for sheet, paper in ((light, "ffffff"), (dark, "17191b")):
        inks = set(re.findall(r"[{; ]color: #([0-9a-f]{6})", sheet))
        assert len(inks) >= 3
        assert all(contrast(ink, paper) >= 7 for ink in inks)


def contrast(ink: str, paper: str) -> float:
    """Give the WCAG contrast of two colours."""
    bright, dull = sorted((luminance(ink), luminance(paper)), reverse=True)
    return (bright + 0.05) / (dull + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("name", MESSAGES)
def test_text_and_page_say_the_same(name: str) -> None:
    rendered = render(MESSAGES[name])
    text, page = words_of(rendered.text), Page(rendered.html)
    for shown in lines_of(MESSAGES[name]):
        for words in (shown.case_ref, shown.title, f"clause {shown.clause}", shown.recorded):
            assert words in text
            assert words in page.words
        assert (shown.link in text) == (shown.link in page.links) == bool(shown.link) if shown.link else True
    for link in page.links:
        assert link in text
    for _, heading in page.headings:
        assert words_of(heading) in text


@pytest.mark.parametrize("name", MESSAGES)
def test_the_text_part_fits_a_narrow_window(name: str) -> None:
    for shown in render(MESSAGES[name]).text.splitlines():
        assert len(shown) <= 76 or shown.strip().startswith("https://")


def test_every_date_is_said_with_its_weekday() -> None:
    for message in MESSAGES.values():
        rendered = render(message)
        bare = re.findall(r"(\w+)\s+\d{1,2} (?:June|July)", rendered.subject + "\n" + rendered.text)
        assert bare
        assert all(word.endswith("day") for word in bare)


@pytest.mark.parametrize("name", ["dispute", "dispute-final"])
def test_a_dispute_always_prints_the_safeguarding_route(name: str) -> None:
    for imprint in (IMPRINT, replace(IMPRINT, safeguarding_route="")):
        rendered = render(replace(MESSAGES[name], imprint=imprint))  # type: ignore[type-var]
        for words in (words_of(rendered.text), Page(rendered.html).words):
            assert "A dispute never delays a referral." in words
            assert (imprint.safeguarding_route or "use your council's safeguarding route") in words


def test_overdue_comes_last_and_today_first() -> None:
    order = [section.name for section in sections((PAST, CHANGED, NO_TIME, COMING, line()), MONDAY)]
    assert order == ["today", "coming", "open", "changed", "past"]


def test_lines_with_the_same_next_step_stand_together_earliest_first() -> None:
    later = line("EH-1", due_on=date(2026, 6, 30))
    sooner = line("EH-2", due_on=date(2026, 6, 25))
    [coming] = sections((later, PLAN, sooner), MONDAY)
    assert [[each.case_ref for each in group.lines] for group in coming.groups] == [["EH-2", "EH-1"], ["EH-1042"]]


@pytest.mark.parametrize("state", ["met", "met_late", "cancelled", "waived"])
def test_nothing_that_is_done_is_told(state: str) -> None:
    with pytest.raises(MessageRefused, match=f"it is {state}"):
        render(digest(COMING, line(state=state)))


def test_a_guide_is_reminded_and_never_escalated() -> None:
    guide = line(force="guide", state="overdue", kind="reminder")
    assert "Good practice, not a limit." in render(digest(guide)).text
    with pytest.raises(MessageRefused, match="never escalated"):
        render(Escalation(to=LEADER, imprint=IMPRINT, day=MONDAY, lines=(guide,)))


@pytest.mark.parametrize("message", [digest(), Operator(to=WORKER, day=MONDAY, at="now", alarms=())])
def test_a_message_with_nothing_to_say_is_refused(message: Any) -> None:
    with pytest.raises(MessageRefused, match="nothing to say"):
        render(message)


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (200, [200]), (201, [200, 1]), (450, [200, 200, 50])])
def test_a_long_list_is_split_at_two_hundred_lines_and_loses_none(count: int, sizes: list[int]) -> None:
    lines = tuple(line(f"EH-{number:04}") for number in range(count))
    parts = split(lines, MONDAY)
    assert [len(part) for part in parts] == sizes
    assert sorted(each.case_ref for part in parts for each in part) == [each.case_ref for each in lines]


def test_a_split_keeps_the_reading_order_so_that_overdue_is_in_the_last_part() -> None:
    lines = (PAST, *(line(f"EH-{number}") for number in range(3)), COMING)
    parts = split(lines, MONDAY, size=2)
    assert [each.state for part in parts for each in part] == ["due"] * 4 + ["overdue"]


def test_more_than_two_hundred_lines_are_refused() -> None:
    with pytest.raises(MessageRefused, match="201 lines are more than one message holds"):
        render(digest(*(line(f"EH-{number}") for number in range(201))))


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (digest(COMING), "Early Help: 1 due by Thursday 25 June"),
        (digest(line(), line(), PLAN), "Early Help: 2 due today, 1 due by Friday 26 June"),
        (digest(PAST), "Early Help: 1 past its date"),
        (digest(PAST, PAST, line()), "Early Help: 1 due today, 2 past their date"),
        (digest(NO_TIME), "Early Help: 1 with no set time"),
        (digest(CHANGED), "Early Help: 1 date changed"),
        (digest(CHANGED, CHANGED, NO_TIME), "Early Help: 1 with no set time, 2 dates changed"),
        (digest(line(kind="check")), "Early Help: 1 to look at"),
        (digest(COMING, part=2, parts=3), "Early Help: 1 due by Thursday 25 June (part 2 of 3)"),
        (MESSAGES["escalation"], "Early Help: 2 past their date, now with you"),
        (MESSAGES["dispute"], "Early Help: 1 decision needed by Tuesday 23 June"),
        (MESSAGES["dispute-final"], "Early Help: 1 decision needed, was due by Saturday 20 June"),
        (MESSAGES["immediate"], "Early Help: 1 due by Tuesday 23 June, told at once"),
        (MESSAGES["baseline"], "Early Help: starting list, 2 past their date on Monday 22 June"),
        (MESSAGES["operator"], "Early Help scheduler: 2 alarms"),
    ],
)
def test_a_subject_is_fixed_words_counts_and_dates(message: Any, words: str) -> None:
    assert subject(message) == words


def test_a_reading_of_the_councils_own_that_nobody_signed_says_so() -> None:
    text = words_of(render(digest(line(reading_unsigned=True))).text)
    assert "The council has not signed this reading of the clause yet." in text
    assert "Our reading" not in text


def test_a_line_says_its_reservations_in_fixed_words() -> None:
    doubtful = line(
        reading_ours=True,
        reading_unsigned=True,
        calendar_forecast=True,
        edition_past_review=True,
        anchor_time_unknown=True,
    )
    text = words_of(render(digest(doubtful)).text)
    assert "Our reading of the clause, which the council has not signed yet." in text
    assert "A bank holiday behind this date is a forecast." in text
    assert "This edition of the policy is past its review date." in text
    assert "No time of day was recorded" in text


def test_where_it_was_recorded_is_said_once_when_it_is_the_same_and_by_line_when_not() -> None:
    same = render(digest(COMING, PAST)).text
    assert same.count("as recorded in") == 1
    assert "As recorded in" not in same
    differing = render(digest(COMING, replace(PAST, recorded="a correction at 09:00 on Monday 22 June 2026"))).text
    assert differing.count("As recorded in") == 2


def test_an_owner_s_name_is_shown_to_who_is_next_on_the_ladder_and_nowhere_else() -> None:
    named = replace(OVERDUE_VISIT, owner_name="Canary Worker")
    common: dict[str, Any] = {"to": LEADER, "imprint": IMPRINT, "day": MONDAY}
    assert "Canary Worker" in render(Escalation(**common, lines=(named,))).text
    step = Step(line=named, since="s", asks="a", decide_by="d", stage=1, stages=2)
    for other in (
        Digest(**common, lines=(replace(named, kind="overdue"),)),
        Immediate(**common, lines=(named,)),
        Baseline(**common, lines=(named,), team="East", live_from=MONDAY),
        Dispute(**common, steps=(step,)),
    ):
        rendered = render(other)
        assert "Canary" not in rendered.text + rendered.html + rendered.subject


# ---- the whitelist


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakyLine(Line):
    child_name: str = "Canary Child"


class Family:
    """Stands for a model object with personal fields."""

    surname = "Canary"

    def __str__(self) -> str:
        return "Canary family"


class LeakyText(str):
    """A word that carries more than it shows."""

    __slots__ = ("family",)


@pytest.mark.parametrize(
    "leak",
    [
        LeakyLine(**{field.name: getattr(COMING, field.name) for field in fields(COMING)}),
        replace(COMING, title=Family()),  # type: ignore[arg-type]
        replace(COMING, case_ref=LeakyText("EH-1")),
        replace(COMING, told=["a", "list"]),  # type: ignore[arg-type]
        replace(COMING, told=(Family(),)),  # type: ignore[arg-type]
        replace(COMING, due_on=datetime(2026, 6, 22, tzinfo=UTC)),
        replace(COMING, days_over=1.5),  # type: ignore[arg-type]
        replace(COMING, window=b"bytes"),  # type: ignore[arg-type]
        replace(COMING, owner_title={"name": "Canary"}),  # type: ignore[arg-type]
        replace(COMING, next_step=lambda: "Canary"),  # type: ignore[arg-type]
        Family(),
    ],
)
def test_only_plain_fields_of_our_own_records_get_through_and_the_refusal_quotes_none(leak: Any) -> None:
    with pytest.raises(MessageRefused) as refused:
        render(digest(leak))
    assert "Canary" not in str(refused.value)


@pytest.mark.parametrize("name", MESSAGES)
def test_everything_that_a_template_can_reach_is_plain(name: str) -> None:
    def walk(value: Any) -> None:
        if is_dataclass(value):
            assert type(value) in RECORDS
            for field in fields(value):
                walk(getattr(value, field.name))
        elif type(value) is tuple:
            for item in value:
                walk(item)
        else:
            assert type(value) in {str, int, bool, date, NoneType}

    for value in context_of(whitelisted(MESSAGES[name])).values():
        walk(value)


def test_our_records_have_no_methods_and_no_field_for_a_family() -> None:
    for record in RECORDS:
        public = {name for name in dir(record) if not name.startswith("_")}
        assert public == {field.name for field in fields(record)}  # type: ignore[arg-type]
        assert not {name for name in public if re.search(r"child|family|parent|address|born|dob|note|reason", name)}


@pytest.mark.parametrize(
    "source",
    [
        "{{ message.family.surname }}",
        "{{ message.lines[0].child_name }}",
        "{{ child_name }}",
        "{{ case.facts }}",
        "{{ config }}",
        "{{ self._TemplateReference__context }}",
        "{{ message.__class__ }}",
        "{{ message.__class__.__mro__[1].__subclasses__() }}",
        "{{ message.__dataclass_fields__ }}",
        "{{ ''.__class__ }}",
        "{{ '{0.__class__}'.format(message) }}",
        "{{ ('{0.__cl' ~ 'ass__}').format(message) }}",
        "{{ message | attr('__class__') }}",
        "{{ message['__class__'] }}",
        "{{ message.lines | map(attribute='__class__') | list }}",
        "{{ cycler.__init__.__globals__ }}",
        "{{ lipsum.__globals__ }}",
        "{{ namespace() }}",
        "{{ range(10) | list }}",
        "{{ [].append(1) }}",
        "{{ message.lines.__iter__ }}",
        "{{ message | pprint }}",
        "{% include '/etc/passwd' %}",
        "{% include '../mail.py' %}",
        "{% import 'os' as os %}{{ os.environ }}",
        "{{ message | tojson }}",
        "{{ 'x' | center(1000000000) }}",
        "{{ message | safe }}",
    ],
)
def test_a_template_that_leaks_on_purpose_is_refused(source: str) -> None:
    for broken in ("digest.txt.j2", "digest.html.j2"):
        pages = {"digest.txt.j2": "fine", "digest.html.j2": "fine"} | {broken: source}
        with pytest.raises(MessageRefused, match=re.escape(broken)):
            render(digest(COMING), templates=environment(DictLoader(pages)))


def test_a_template_that_prints_without_end_is_refused() -> None:
    page = "{{ subject * 9 }}"
    for name in "abc":
        page = f"{{% for {name} in subject %}}{page}{{% endfor %}}"
    with pytest.raises(MessageRefused, match="more than 1000000 characters"):
        render(digest(COMING), templates=environment(DictLoader({"digest.txt.j2": page, "digest.html.j2": ""})))


# ---- hostile and foreign words in fields


def filled(text: str) -> list[Any]:
    """Give messages with this text in every field that takes words."""
    texts = {field.name: text for field in fields(Line) if field.type is str and field.name not in {"kind", "state"}}
    hostile = replace(COMING, **texts | {"told": (text,)})
    to, imprint = Addressee(text, WORKER.email), replace(IMPRINT, **{field.name: text for field in fields(IMPRINT)})
    common: dict[str, Any] = {"to": to, "imprint": imprint, "day": MONDAY}
    words = {"since": text, "asks": text, "decide_by": text, "goes_to_next": text, "told": (text,)}
    alarm = Alarm(kind=text, what=text, place=text, remedy=text, since=text)
    return [
        Digest(**common, lines=(hostile, replace(hostile, recorded="other")), outage=text),
        Escalation(**common, lines=(hostile,), outage=text),
        Immediate(**common, lines=(hostile,), waits_for=text, waits_until=text),
        Baseline(**common, lines=(hostile,), team=text, live_from=MONDAY),
        Dispute(**common, steps=(Step(line=hostile, stage=1, stages=2, **words),)),
        Operator(to=to, day=MONDAY, at=text, alarms=(alarm,)),
    ]


PLAIN_TAGS = [[tag for tag, _ in Page(render(message).html).tags] for message in filled("plain")]


@pytest.mark.parametrize("text", TEMPLATE_ATTACKS + PAGE_ATTACKS)
def test_hostile_words_stay_words_in_every_field_of_every_message(text: str) -> None:
    for message, tags in zip(filled(text), PLAIN_TAGS, strict=True):
        rendered = render(message)
        page = Page(rendered.html)
        assert [tag for tag, _ in page.tags] == tags
        assert page.faults == []
        assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
        assert words_of(tidy(text)) in words_of(page.words)
        assert words_of(tidy(text)) in words_of(rendered.text)
        assert "49" not in rendered.text


@pytest.mark.parametrize("text", NAMES_THAT_SURVIVE)
def test_names_survive_unchanged(text: str) -> None:
    for message in filled(text):
        rendered = render(message)
        assert text in words_of(rendered.text)
        assert text in Page(rendered.html).words


@pytest.mark.parametrize(
    ("text", "tidied"),
    [
        ("one\r\ntwo", "one two"),
        ("  one\t two  ", "one two"),
        ("a\x00b", "a b"),
        ("a\u202eb\u2066c\u2069", "abc"),
        ("a\u200bb\ufeff", "ab"),
        ("a\u2028b", "a b"),
        ("a\udcffb", "a b"),
        ("e\u0301", "é"),
        ("x" * 400, "x" * 400),
        ("x" * 401, "x" * 399 + "…"),
        ("नि\u200dका", "नि\u200dका"),
    ],
)
def test_text_is_tidied_to_one_printable_line(text: str, tidied: str) -> None:
    assert tidy(text) == tidied
    assert tidy(tidied) == tidied


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "https://",
        "//evil.example",
        'https://a.example/"onclick=x',
        "https://a.example/<x>",
        "https://a.example/a b",
        "https://a.example/\r\nBcc: x",
        "https://a.example/\u202e",
        "HTTPS://a.example",
        "https://a.example/" + "x" * 1000,
    ],
)
def test_a_link_that_is_not_a_plain_web_address_is_refused(link: str) -> None:
    with pytest.raises(MessageRefused, match="link"):
        render(digest(replace(COMING, link=link)))


@pytest.mark.parametrize(
    ("template", "good"),
    [
        ("https://cases.council.example/open/{case_ref}", True),
        ("https://cases.council.example/open?case={case_ref}&from=mail", True),
        ("http://localhost:8000/{case_ref}", True),
        ("https://cases.council.example/", False),
        ("https://{case_ref}.council.example/", False),
        ("https://cases.council.example/{case_ref}/{case_ref}", False),
        ("https://cases.council.example/{case_ref}/{child}", False),
        ("javascript:{case_ref}", False),
        ("/open/{case_ref}", False),
    ],
)
def test_a_link_template_is_checked(template: str, good: bool) -> None:
    assert (link_fault(template) is None) == good


@pytest.mark.parametrize("case_ref", ["EH-1", "a/b?c#d&e=f", 'x"><script>', "Zoë 李", "a\r\nb", "{case_ref}", "%2e"])
def test_a_reference_stays_one_part_of_a_link(case_ref: str) -> None:
    link = link_to("https://cases.council.example/open/{case_ref}", case_ref)
    assert re.fullmatch(r"https://cases\.council\.example/open/[A-Za-z0-9%._~-]+", link)
    assert link in render(digest(replace(COMING, link=link))).text


def test_a_digest_of_two_hundred_lines_says_each_once() -> None:
    lines = tuple(line(f"EH-{number:04}", link=None) for number in range(200))
    rendered = render(digest(*lines))
    for each in lines:
        assert rendered.text.count(each.case_ref) == 1
    assert len(rendered.html) < 200_000
