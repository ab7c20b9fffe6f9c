"""A council's own templates: what they may say, what none of them can do, and ours wherever theirs cannot be sent."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hostile_strings import PAGE_ATTACKS, TEMPLATE_ATTACKS
from notify_samples import MESSAGES, MOMENT, line
from own_attacks import PAGES, SOURCES, SUBJECTS

from ehscheduler.notify.mail import Rendered
from ehscheduler.notify.messages import Digest
from ehscheduler.notify.own import REST, SECONDS, OwnWords, own_words
from ehscheduler.notify.own_texts import KINDS
from ehscheduler.notify.own_worker import plain_of, record_of

DIGEST = MESSAGES["digest"]
SOUND = """\
Good morning, {{ message.to.name }}.
{% for section in sections %}
{% for group in section.groups %}
{% for line in group.lines %}
{{ line.case_ref }}: {{ line.title }} (clause {{ line.clause }}). {{ line | when }}
{% endfor %}
{% endfor %}
{% endfor %}
"""
PAGE = f"<!doctype html>\n<html lang='en-GB'><body><p>{SOUND}</p>{{}}</body></html>\n"


@pytest.fixture
def made() -> Iterator[list[OwnWords]]:
    """What a test made, so that no process is left behind."""
    held: list[OwnWords] = []
    yield held
    for words in held:
        words.end()


def say(made: list[OwnWords], **texts: str) -> OwnWords:
    words = OwnWords(tuple((name.replace("_", "."), text) for name, text in texts.items()))
    made.append(words)
    return words


def test_a_message_is_sent_in_the_councils_own_words(made: list[OwnWords]) -> None:
    words = say(made, digest_txt=SOUND, digest_html=PAGE, digest_subject="{{ authority }}: {{ count }} to do")
    rendered = words.words_for(DIGEST, MOMENT)
    assert words.faults == []
    assert words.state == {"digest": ""}
    assert rendered is not None
    assert rendered.subject == "Nottinghamshire Early Help: 6 to do"
    assert rendered.text.startswith("Good morning, Worker Example.\n")
    assert "EH-1042: First home visit (clause 3b5). Today, Monday 22 June 2026." in rendered.text
    assert "Good morning" in rendered.html


def test_a_part_that_is_left_out_is_ours_and_a_kind_without_templates_too(made: list[OwnWords]) -> None:
    words = say(made, digest_txt=SOUND)
    rendered = words.words_for(DIGEST, MOMENT)
    assert rendered is not None
    assert rendered.subject.startswith("Early Help: ")
    assert "What to do next" in rendered.html
    assert words.words_for(MESSAGES["escalation"], MOMENT) is None
    assert words.words_for(MESSAGES["operator"], MOMENT) is None
    assert set(words.state) == {"digest"}


def test_one_process_serves_message_after_message(made: list[OwnWords]) -> None:
    words = say(made, digest_txt=SOUND)
    pids = set()
    for _ in range(3):
        assert words.words_for(DIGEST, MOMENT) is not None
        assert words._process is not None
        pids.add(words._process.pid)
    assert len(pids) == 1
    assert own_words(words.texts) is own_words(words.texts)


def test_templates_of_ones_own_may_share_macros_and_a_page(made: list[OwnWords]) -> None:
    page = PAGE.replace("{}", "").replace(SOUND, "{% block content %}{% endblock %}")
    parts = "{% macro hello(name) %}Dear {{ name }}{% endmacro %}"
    own = "{% extends 'page.html' %}{% block content %}{% import 'parts.html' as parts %}"
    hello = "{{ parts.hello(message.to.name) }}"
    words = say(made, page_html=page, parts_html=parts, digest_html=f"{own}{hello}{SOUND}{{% endblock %}}")
    rendered = words.words_for(DIGEST, MOMENT)
    assert words.state == {"digest": ""}
    assert rendered is not None
    assert "Dear Worker Example" in rendered.html


@pytest.mark.parametrize("attack", SOURCES)
def test_no_template_gets_out_takes_long_or_is_sent(made: list[OwnWords], attack: str) -> None:
    words = say(made, digest_txt=SOUND + SOURCES[attack] if SOURCES[attack].strip() else " ")
    began = time.monotonic()
    assert words.words_for(DIGEST, MOMENT) is None
    assert time.monotonic() - began < SECONDS + 6
    assert [*words.faults, *words.state.values()] != [""]
    said = " ".join([*words.faults, *words.state.values()])
    assert "digest" in said
    assert not any(shown in said for shown in ("EH-", "Example", "root:"))


@pytest.mark.parametrize("attack", PAGES)
def test_a_page_with_anything_that_is_not_on_the_list_is_not_sent(made: list[OwnWords], attack: str) -> None:
    words = say(made, digest_html=PAGE.replace("{}", PAGES[attack]))
    assert words.words_for(DIGEST, MOMENT) is None
    assert [*words.faults, *words.state.values()] != [""]


def test_the_page_that_the_attacks_stand_in_is_sent_without_them(made: list[OwnWords]) -> None:
    assert say(made, digest_html=PAGE.replace("{}", "<p>x</p>")).words_for(DIGEST, MOMENT) is not None


@pytest.mark.parametrize("attack", SUBJECTS)
def test_a_subject_is_one_plain_line_of_counts(made: list[OwnWords], attack: str) -> None:
    words = say(made, digest_subject=SUBJECTS[attack])
    assert words.words_for(DIGEST, MOMENT) is None
    assert list(words.state) == ["digest"]


@pytest.mark.parametrize("title", [*PAGE_ATTACKS, *TEMPLATE_ATTACKS])
def test_what_stands_in_a_field_stays_words(made: list[OwnWords], title: str) -> None:
    message = Digest(to=DIGEST.to, imprint=DIGEST.imprint, day=DIGEST.day, lines=(line(title=title),))  # type: ignore[union-attr]
    rendered = say(made, digest_html=PAGE.replace("{}", "")).words_for(message, MOMENT)
    assert rendered is None or "<script" not in rendered.html
    assert rendered is not None


LEFT_OUT = {
    "{{ line.case_ref }}": "case reference",
    "{{ line.clause }}": "clause",
    "{{ line | when }}": "date",
}


@pytest.mark.parametrize("words", LEFT_OUT)
@pytest.mark.parametrize("part", ["txt", "html"])
def test_a_part_says_of_each_line_the_case_the_clause_and_the_day(made: list[OwnWords], part: str, words: str) -> None:
    source = {"txt": SOUND, "html": PAGE.replace("{}", "")}[part].replace(words, "")
    own = say(made, **{f"digest_{part}": source})
    assert own.words_for(DIGEST, MOMENT) is None
    assert f"{part}: leaves out the {LEFT_OUT[words]} of a line" in own.state["digest"]


def test_what_takes_too_long_is_ended_left_alone_for_a_while_and_then_tried_again(made: list[OwnWords]) -> None:
    words = say(made, digest_txt=SOUND + SOURCES["silent loops in loops"])
    assert words.words_for(DIGEST, MOMENT) is None
    assert words.state["digest"] == "digest: took more than 1 second"
    assert words._process is None
    began = time.monotonic()
    assert words.words_for(DIGEST, MOMENT + REST - timedelta(seconds=1)) is None
    assert time.monotonic() - began < SECONDS / 2
    assert words._process is None
    assert words.words_for(DIGEST, MOMENT + REST) is None
    assert time.monotonic() - began >= SECONDS


def test_a_process_that_died_is_started_anew(made: list[OwnWords]) -> None:
    words = say(made, digest_txt=SOUND)
    assert words.words_for(DIGEST, MOMENT) is not None
    assert words._process is not None
    words._process.kill()
    words._process.wait()
    assert words.words_for(DIGEST, MOMENT) is None
    assert words.words_for(DIGEST, MOMENT + REST) is not None


def test_the_process_has_no_environment_and_the_memory_that_it_is_given(
    made: list[OwnWords], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EHS_SECRET", "canary")
    words = say(made, digest_txt=SOUND)
    assert words.words_for(DIGEST, MOMENT) is not None
    assert words._process is not None
    proc = Path("/proc") / str(words._process.pid)
    if not proc.exists():
        pytest.skip("there is no /proc here")
    assert b"canary" not in (proc / "environ").read_bytes()
    [memory] = [row for row in (proc / "limits").read_text().splitlines() if row.startswith("Max address space")]
    assert memory.split()[3:5] == [str(128 * 1024 * 1024)] * 2
    assert os.getpid() != words._process.pid


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_crosses_to_the_process_as_it_is(name: str) -> None:
    assert record_of(plain_of(MESSAGES[name])) == MESSAGES[name]


FAULTY = {
    "an unknown name": ("digset.txt", "x", "digset.txt: there is no such template; did you mean 'digest.txt'?"),
    "an unknown filter": (
        "digest.txt",
        "a\n{{ summary | wrapp }}",
        "digest.txt line 2: no filter 'wrapp'; did you mean",
    ),
    "an unknown test": ("digest.txt", "{% if 1 is odder %}{% endif %}", "digest.txt line 1: no test 'odder'"),
    "a syntax error": ("digest.txt", "a\nb\n{% if %}", "digest.txt line 3: Expected an expression"),
    "a template that is not one's own": ("digest.txt", "{% include 'x' %}", "no template 'x' is among your own"),
    "the operator's": ("operator.txt", "x", "operator.txt: there is no such template"),
}


@pytest.mark.parametrize("fault", FAULTY)
def test_what_is_wrong_as_it_is_written_names_the_template_and_the_line(made: list[OwnWords], fault: str) -> None:
    name, text, said = FAULTY[fault]
    words = OwnWords(((name, text),))
    made.append(words)
    assert said in words.faults[0]
    assert words.words_for(DIGEST, MOMENT) is None
    assert words._process is None


def test_two_hundred_lines_are_written_in_time_and_within_the_size(made: list[OwnWords]) -> None:
    lines = tuple(line(f"EH-{n}") for n in range(200))
    words = say(made, digest_txt=SOUND, digest_html=PAGE.replace("{}", ""))
    rendered = words.words_for(replace(DIGEST, lines=lines), MOMENT)  # type: ignore[arg-type]
    assert words.state == {"digest": ""}
    assert isinstance(rendered, Rendered)


def test_every_kind_but_the_operators_can_be_worded() -> None:
    assert set(KINDS) >= {"digest", "escalation", "dispute", "immediate", "baseline"}
    assert "operator" not in KINDS


def test_the_example_of_the_readme_works(made: list[OwnWords]) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    shown = readme.partition("## Templates of a council's own")[2].partition("\n## ")[0]
    text = shown.split("```\n")[1]
    words = say(made, digest_txt=text, digest_subject="{{ authority }}: {{ summary }}")
    assert '"digest.subject": "{{ authority }}: {{ summary }}"' in shown
    rendered = words.words_for(DIGEST, MOMENT)
    assert words.state == {"digest": ""}
    assert rendered is not None
    assert rendered.text.startswith("Good morning, Worker Example. This is Monday 22 June 2026: ")
