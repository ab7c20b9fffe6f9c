"""What a chat is told, by each kind of message: enough to act, too little to know a family by."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from chat_attacks import ATTACKS, LINKS_THAT_ARE_TAKEN, LONG, NAMES
from chat_reader import Read, read_slack, read_teams
from jsonschema import Draft202012Validator
from notify_samples import IMPRINT, LEADER, MESSAGES, MONDAY, OVERDUE_VISIT, PAST, WORKER, line
from slack_sdk.models.blocks import Block

from ehscheduler.notify.chat import BODY_BYTES, plain, slack_body, teams_body
from ehscheduler.notify.chat_words import chat_subject
from ehscheduler.notify.messages import (
    Addressee,
    Baseline,
    Digest,
    Dispute,
    Escalation,
    Immediate,
    Imprint,
    Line,
    Message,
    MessageRefused,
    Step,
    lines_of,
)
from ehscheduler.notify.render import render
from ehscheduler.notify.webhooks import TEAMS_BYTES

SNAPSHOTS = Path(__file__).parent / "snapshots"
KEEP = os.environ.get("KEEP_SNAPSHOTS")  # any value: write what is said now, then look at the difference
CARDS = Draft202012Validator(json.loads((SNAPSHOTS.parent / "schemas" / "adaptive-card-1.4.json").read_text("utf-8")))
TOLD = {name: message for name, message in MESSAGES.items() if name not in ("operator", "weekly")}
BODIES: dict[str, Callable[..., bytes]] = {"slack": slack_body, "teams": teams_body}
READERS: dict[str, Callable[[bytes], Read]] = {"slack": read_slack, "teams": read_teams}
ROUTE = "call the safeguarding hub, or 999 if a child is in danger now."

each_message = pytest.mark.parametrize("name", TOLD)
each_channel = pytest.mark.parametrize("channel", BODIES)
both_ways = pytest.mark.parametrize("references", [False, True], ids=["counts", "references"])


def read(channel: str, message: Message, *, references: bool = False) -> Read:
    """Write a message, hold the body against what the other side takes, and read it as the client does."""
    raw = BODIES[channel](message, references=references)
    hold(channel, raw)
    return READERS[channel](raw)


def hold(channel: str, raw: bytes) -> None:
    """Hold a body to the limits and the form that Slack or Teams publish, and to our own size."""
    body = json.loads(raw.decode("utf-8"))
    assert len(raw) <= BODY_BYTES < TEAMS_BYTES == 28 * 1024
    if channel == "teams":
        CARDS.validate(body)
        return
    assert set(body) == {"text", "blocks", "unfurl_links", "unfurl_media"}
    assert 0 < len(body["blocks"]) <= 50
    assert 0 < len(body["text"]) <= 150
    for block in body["blocks"]:
        assert block["type"] in {"header", "section", "context"}
        parsed = Block.parse(block)
        assert parsed is not None
        parsed.validate_json()
        assert parsed.to_dict().keys() == block.keys()
        texts = block["elements"] if block["type"] == "context" else [block["text"]]
        assert len(texts) <= 10
        for text in texts:
            most = 150 if block["type"] == "header" else 3000
            assert 0 < len(text["text"].encode("utf-16-le")) // 2 <= most
            assert block["type"] == "section" or text["type"] == "plain_text"


def digest(*lines: Line, **changes: Any) -> Digest:
    return replace(Digest(to=WORKER, imprint=IMPRINT, day=MONDAY, lines=lines), **changes)


# ---- as people see it


@both_ways
@each_channel
@each_message
def test_each_kind_of_message_says_in_a_chat_what_it_said_when_it_was_last_looked_at(
    name: str, channel: str, references: bool
) -> None:
    body = json.loads(BODIES[channel](TOLD[name], references=references))
    found = json.dumps(body, ensure_ascii=False, indent=1) + "\n"
    path = SNAPSHOTS / f"chat-{channel}-{name}{'-references' if references else ''}.json"
    if KEEP:
        path.write_text(found, encoding="utf-8")
    assert found == path.read_text(encoding="utf-8")


def test_every_kind_of_message_that_a_chat_gets_has_a_sample() -> None:
    assert {type(message) for message in TOLD.values()} == {Digest, Immediate, Escalation, Dispute, Baseline}


@both_ways
@each_channel
@each_message
def test_a_body_is_what_the_other_side_takes_and_nothing_in_it_lives(name: str, channel: str, references: bool) -> None:
    found = read(channel, TOLD[name], references=references)
    assert not found.live
    links = {(shown.link, shown.case_ref) for shown in lines_of(TOLD[name]) if shown.link}
    assert set(found.links) == (links if references else set())


@each_channel
@each_message
def test_titles_clauses_windows_and_the_route_to_safety_are_all_said(name: str, channel: str) -> None:
    said = read(channel, TOLD[name]).words
    assert ROUTE in said
    assert chat_subject(TOLD[name]) in said
    for shown in lines_of(TOLD[name]):
        assert f"{shown.title} (clause {shown.clause})" in said
        assert shown.kind == "dispute" or shown.window[1:] in said


@each_channel
@each_message
def test_many_read_it_so_it_speaks_of_nobody_as_you(name: str, channel: str) -> None:
    said = read(channel, TOLD[name]).words.replace("If it is yours to act, open your mail", "")
    assert not re.search(r"\b(you|your)\b", said, re.IGNORECASE)


@each_channel
def test_what_a_mail_says_to_its_one_reader_is_said_to_many_in_other_words(channel: str) -> None:
    handed = digest(line(kind="handover"), line("EH-2", kind="handover"))
    assert "2 handed over to you" in render(handed).subject
    said = read(channel, handed).words
    assert "Early Help: 2 handed over" in said
    assert "you" not in said.replace("yours to act, open your mail", "").replace("your council", "")
    past = Escalation(to=LEADER, imprint=IMPRINT, day=MONDAY, lines=(OVERDUE_VISIT,))
    assert "now with you" in render(past).subject
    assert "told to the next one up" in read(channel, past).words


@each_channel
@each_message
def test_the_route_to_safety_is_said_where_a_council_has_named_none(name: str, channel: str) -> None:
    message = replace(TOLD[name], imprint=replace(IMPRINT, safeguarding_route=""))  # type: ignore[type-var]
    assert "use your council's safeguarding route." in read(channel, message).words


@each_channel
def test_nothing_is_red_and_nothing_shouts(channel: str) -> None:
    for message in TOLD.values():
        raw = BODIES[channel](message).decode()
        assert not re.search(r'"(color|style|iconUrl|image|isSubtle)"', raw)
        assert not re.search("[\U0001f000-\U0001ffff\u2600-\u27bf]", raw)
        assert not re.search(
            r"\b(urgent action|alert|warning|failed|late|breach)\b|!", raw.replace("$schema", ""), re.I
        )


@each_channel
def test_what_is_past_its_date_comes_last(channel: str) -> None:
    said = read(channel, TOLD["digest"]).words
    assert said.index("Today") < said.index("Coming up") < said.index("Past the date") < said.index("Was due on")
    assert "Was due on" not in said[: said.index("Past the date")]


@each_channel
def test_a_dispute_whose_time_has_run_out_comes_after_those_that_still_run(channel: str) -> None:
    [running], [over] = (MESSAGES[name].steps for name in ("dispute", "dispute-final"))  # type: ignore[union-attr]
    both = Dispute(to=LEADER, imprint=IMPRINT, day=MONDAY, steps=(over, running))
    said = read(channel, both).words
    assert said.index("17:10 on Monday") < said.index("It was due by")


@each_channel
def test_a_dispute_says_what_by_when_by_whom_and_which_step_of_how_many(channel: str) -> None:
    said = " ".join(read(channel, TOLD["dispute"]).words.replace(":", "").split())
    for words in (
        "Early Help 1 decision needed by Tuesday 23 June",
        "What is asked Settle which service holds the case",
        "About Allocation.",
        "By when 1710 on Monday 22 June 2026.",
        "Who is asked Team manager, Early Help; team manager, Children's Centre.",
        "They must all record the same decision.",
        "Step 1 of 3 Without a recorded decision by then it goes to the service manager.",
        "A dispute never delays a referral.",
    ):
        assert words in said


# ---- counts


@each_channel
def test_lines_that_read_alike_are_counted(channel: str) -> None:
    lines = [replace(OVERDUE_VISIT, case_ref=f"EH-{n}", key=str(n)) for n in range(3)]
    said = read(channel, digest(*lines, PAST, line())).words
    assert said.count("First home visit (clause 3b5). Was due on Thursday 18 June 2026, 4 days ago.") == 1
    assert "3 x First home visit (clause 3b5). Was due on Thursday 18 June 2026, 4 days ago." in said
    assert "x Face-to-face" not in said


@each_channel
def test_with_references_each_line_stands_for_itself(channel: str) -> None:
    lines = [replace(OVERDUE_VISIT, case_ref=f"EH-{n}", key=str(n)) for n in range(3)]
    found = read(channel, digest(*lines), references=True)
    assert [label for _, label in found.links] == ["EH-0", "EH-1", "EH-2"]
    assert " x " not in found.words


@each_channel
def test_steps_that_read_alike_are_counted(channel: str) -> None:
    [step] = MESSAGES["dispute"].steps  # type: ignore[union-attr]
    steps = tuple(replace(step, line=replace(step.line, case_ref=f"EH-{n}")) for n in range(4))
    said = read(channel, Dispute(to=LEADER, imprint=IMPRINT, day=MONDAY, steps=steps)).words
    assert "4 x Which service holds the case (clause 3a5)" in said


WIDE = [text[:400] for text in LONG]  # so much of a field is let in


def many(title: str, count: int = 1000) -> list[Line]:
    """Make lines that all read differently, spread over the sections of a digest."""
    days = (MONDAY, MONDAY + timedelta(days=3), MONDAY - timedelta(days=9), None)
    return [
        line(
            f"EH-{n}",
            f"{n} {title}",
            due_on=days[n % 4],
            state="overdue" if n % 4 == 2 else "due",
            window=f"any day from now to {n}",
        )
        for n in range(count)
    ]


@both_ways
@each_channel
@pytest.mark.parametrize("title", ["Visit", *WIDE], ids=lambda title: f"{title[:4]!a}x{len(title)}")
def test_a_thousand_lines_make_a_short_message_that_counts_what_it_leaves_out(
    title: str, channel: str, references: bool
) -> None:
    found = read(channel, digest(*many(title)), references=references)
    rests = re.findall(r"And (\d+) more; they are in the mail\.|(\d+) that only the mail shows\.", found.words)
    shown = len(re.findall(r"^• ", found.words, re.MULTILINE))
    assert shown >= 4
    assert shown + sum(int(one or other) for one, other in rests) == 1000
    assert not found.live


@both_ways
@each_channel
@pytest.mark.parametrize("word", ["Visit", *WIDE], ids=lambda title: f"{title[:4]!a}x{len(title)}")
def test_a_thousand_steps_do_too(word: str, channel: str, references: bool) -> None:
    [step] = MESSAGES["dispute"].steps  # type: ignore[union-attr]
    steps = tuple(
        replace(step, line=replace(step.line, title=f"{n} {word}"), asks=word, about=word, others=(word, f"{n}{word}"))
        for n in range(1000)
    )
    found = read(channel, Dispute(to=LEADER, imprint=IMPRINT, day=MONDAY, steps=steps), references=references)
    shown = len(re.findall(r"Step 1 of 3", found.words))
    assert shown >= 1
    assert f"And {1000 - shown} more; they are in the mail." in found.words
    assert ROUTE in found.words


@each_channel
@pytest.mark.parametrize(("over", "said"), [(12, ""), (13, "And 1 more; it is"), (14, "And 2 more; they are")])
def test_the_last_that_fits_is_shown_and_the_first_that_does_not_is_counted(channel: str, over: int, said: str) -> None:
    lines = [line(f"EH-{n}", f"Rule {n}") for n in range(over)]
    found = read(channel, digest(*lines)).words
    assert len(re.findall(r"^• ", found, re.MULTILINE)) == min(over, 12)
    assert (said in found) if said else ("more;" not in found)


@each_channel
def test_a_reservation_is_said_once_and_whether_it_holds_for_all(channel: str) -> None:
    ours = "our reading of the clause, which the council has not signed yet."
    doubted = [line(f"EH-{n}", f"Rule {n}", reading_ours=True) for n in range(3)]
    alone, mixed = read(channel, digest(*doubted)).words, read(channel, digest(*doubted, line())).words
    assert alone.count(ours[1:]) == mixed.count(ours[1:]) == 1
    assert f"\nO{ours[1:]}" in alone
    assert f"For some of these: {ours}" in mixed


@each_channel
def test_good_practice_is_not_told_as_a_limit(channel: str) -> None:
    said = read(channel, digest(line(force="guide"), PAST)).words
    assert "Today, Monday 22 June 2026. Good practice, not a limit." in said
    assert said.count("Good practice") == 1


@both_ways
@each_channel
def test_the_same_message_has_the_same_bytes_in_whatever_order_it_was_gathered(channel: str, references: bool) -> None:
    lines = many("Visit", 40)
    one, other = digest(*lines), digest(*reversed(lines))
    assert BODIES[channel](one, references=references) == BODIES[channel](other, references=references)


@each_channel
def test_which_families_they_are_does_not_show_in_the_order(channel: str) -> None:
    titles = [f"Rule {n}" for n in range(9)]
    refs = [f"EH-{n}" for n in range(9)]
    one = digest(*(line(ref, title) for ref, title in zip(refs, titles, strict=True)))
    other = digest(*(line(ref, title) for ref, title in zip(reversed(refs), titles, strict=True)))
    assert BODIES[channel](one) == BODIES[channel](other)


# ---- who must not be known by it

NAMING: dict[str, Any] = {
    "case_ref": "zq-case",
    "owner_name": "zq-owner",
    "stands_in": "You cover for zq-away.",
    "recorded": "zq-source",
    "ladder": "zq-ladder",
    "next_step": "zq-next",
    "key": "zq-key",
    "told": ("zq-told", "zq-told"),
    "more": ("Owner: zq-more.",),
    "link": "https://zq.council.example/zq",
}
NAMED = Addressee("zq-reader", "zq@zq.example")


def named(message: Message, **changes: Any) -> Message:
    """Put a name or a reference wherever a message holds one."""
    naming = NAMING | changes
    held: dict[str, Any] = {}
    if isinstance(message, Dispute | Digest):
        held["steps"] = tuple(
            replace(
                step, line=replace(step.line, **naming), told=("zq-told",), since="zq", recorded=("zq",), sides=("zq",)
            )
            for step in message.steps
        )
    if not isinstance(message, Dispute):
        held["lines"] = tuple(replace(shown, **naming) for shown in message.lines)  # type: ignore[union-attr]
    return replace(message, to=NAMED, imprint=replace(IMPRINT, contact="zq"), **held)  # type: ignore[type-var]


@each_channel
@each_message
def test_no_name_no_reference_and_no_link_goes_into_a_chat(name: str, channel: str) -> None:
    message = named(TOLD[name])
    assert "zq" in render(message).text
    raw = BODIES[channel](message)
    assert b"zq" not in raw
    assert b"EH-" not in raw
    assert not READERS[channel](raw).links


@each_channel
@each_message
def test_with_references_there_are_those_and_their_links_and_still_no_name(name: str, channel: str) -> None:
    found = read(channel, named(TOLD[name], link="https://cases.example/1"), references=True)
    assert set(found.links) == {("https://cases.example/1", "zq-case")}
    assert "zq" not in found.words.replace("zq-case", "")


@both_ways
@each_channel
@pytest.mark.parametrize("who", NAMES, ids=lambda who: f"{who[:12]!a}")
def test_hard_names_are_kept_out_and_a_title_that_holds_one_says_it_whole(
    who: str, channel: str, references: bool
) -> None:
    marked = f"zq {who} zq"
    names = dict.fromkeys(("owner_name", "stands_in", "recorded", "ladder", "next_step"), marked)
    shown = line(title=f"Visit to the {who} Centre", told=(marked,), more=(marked,), **names)
    message = digest(shown, to=Addressee(marked, "a@council.example"))
    said = read(channel, message, references=references).words
    assert "zq" not in said
    assert f"Visit to the {who} Centre (clause 3b5)." in said


@both_ways
@each_channel
def test_work_over_a_limit_is_a_colleagues_and_is_only_counted(channel: str, references: bool) -> None:
    window = "19 cases since Monday, and the limit is 15"
    over = line("Ash Example", "Cases of one worker", kind="limit", window=window, link=None)
    among, alone = (read(channel, digest(*lines), references=references).words for lines in ((over, line()), (over,)))
    assert "1 that only the mail shows." in among
    assert "1 that only the mail shows." in alone
    assert not re.search("Ash|limit|19|Cases", among + alone)


@each_channel
def test_what_a_check_found_is_not_told_in_the_words_of_the_event(channel: str) -> None:
    found = line(kind="check", title="Consent on record", window="zq on Friday 5 June 2026, and zq is missing")
    assert "Consent on record (clause 3b5)." in read(channel, digest(found)).words
    assert b"zq" not in BODIES[channel](digest(found))


# ---- what must not be sent


@each_channel
@pytest.mark.parametrize(
    ("message", "why"),
    [
        (MESSAGES["operator"], "a chat gets no Operator"),
        (digest(), "nothing to say"),
        (digest(line(state="met")), "it is met"),
        (digest(line(link="javascript:alert(1)")), "not a plain http"),
        (digest(line(link="https://x.example/a b")), "not a plain http"),
        (digest(*[line()] * 200, line(state="waived")), "it is waived"),
        (replace(MESSAGES["escalation"], lines=(replace(OVERDUE_VISIT, force="guide"),)), "never escalated"),  # type: ignore[type-var]
        (digest(line(title={"child": "zq"})), "a dict"),
    ],
    ids=["operator", "empty", "met", "script", "blank in a link", "done, past the 200th", "guide", "no words"],
)
def test_what_no_mail_may_say_no_chat_may_say(channel: str, message: Message, why: str) -> None:
    with pytest.raises(MessageRefused, match=why) as refused:
        BODIES[channel](message)
    assert "zq" not in str(refused.value)


# ---- attacks

FREE = {"state", "link"}  # a state chooses a section, and a link that is not plain is refused


def hostile(record: Any, attack: str) -> Any:
    """Give a record with every str field hostile, those in tuples too."""
    changes: dict[str, Any] = {}
    for one in fields(record):
        value = getattr(record, one.name)
        if isinstance(value, str) and one.name not in FREE:
            changes[one.name] = attack
        elif (
            isinstance(value, tuple)
            and one.name not in ("steps", "lines")
            and all(isinstance(item, str) for item in value)
        ):
            changes[one.name] = (attack, attack)
        elif isinstance(value, Line | Step | Addressee | Imprint):
            changes[one.name] = hostile(value, attack)
        elif isinstance(value, tuple):
            changes[one.name] = tuple(hostile(item, attack) for item in value)
    return replace(record, **changes)


@both_ways
@each_channel
@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack[:24]!a}")
def test_nothing_comes_alive_whatever_stands_in_the_fields(attack: str, channel: str, references: bool) -> None:
    for name in ("digest", "immediate-duty", "baseline", "dispute"):
        message = hostile(TOLD[name], attack)
        found = read(channel, message, references=references)
        assert not found.live, (name, found.live)
        assert {address for address, _ in found.links} <= {shown.link for shown in lines_of(message)}
        assert references or not found.links
        assert "\u202e" not in found.words


STR_FIELDS = [
    *((Line, one.name) for one in fields(Line) if one.type in (str, "str") and one.name not in FREE),
    *((Step, one.name) for one in fields(Step) if one.type in (str, "str")),
    *((Imprint, one.name) for one in fields(Imprint)),
    *((Addressee, one.name) for one in fields(Addressee)),
]


@both_ways
@each_channel
@pytest.mark.parametrize(("record", "name"), STR_FIELDS, ids=lambda one: getattr(one, "__name__", one))
def test_nothing_comes_alive_in_any_one_field(record: type, name: str, channel: str, references: bool) -> None:
    attack = "<!channel> <@U1> <https://evil.com|x> [x](https://evil.com) *b* `c` <at>x</at> @here :fire: {{DATE(1)}}"
    message: Any = TOLD["dispute"]
    [step] = message.steps
    changed = {
        Line: lambda: replace(message, steps=(replace(step, line=replace(step.line, **{name: attack})),)),
        Step: lambda: replace(message, steps=(replace(step, **{name: attack}),)),
        Imprint: lambda: replace(message, imprint=replace(IMPRINT, **{name: attack})),
        Addressee: lambda: replace(message, to=replace(LEADER, **{name: attack})),
    }[record]()
    found = read(channel, changed, references=references)
    assert not found.live
    assert {address for address, _ in found.links} <= {step.line.link}


@each_channel
@pytest.mark.parametrize("link", LINKS_THAT_ARE_TAKEN, ids=lambda link: link[-20:])
def test_a_link_leads_where_it_says_whatever_letters_it_has(link: str, channel: str) -> None:
    for name in ("digest", "dispute"):
        found = read(channel, named(TOLD[name], link=link), references=True)
        assert not found.live
        [(address, label)] = set(found.links)
        assert label == "zq-case"
        assert unquoted(address) == unquoted(link)
        assert not set(address) & set("*_~|()[]<>{}")


def unquoted(address: str) -> str:
    from urllib.parse import unquote

    return unquote(address)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("any day from now to Friday 12 June 2026, best by 14:05", None),
        ("Smith & Sons, a < b, O'Brien (clause 3b5); 50% – “Zoë”", None),
        ("AT&T; R&D", "AT＆T; R&D"),
        ("12:30:45 and ratio 3:2:1", None),
        ("call 0300 500 80 80, or 999", None),
        ("<!channel>", "‹!channel›"),
        ("[x](https://evil.com)", "［x］(https: //evil.com)"),
        ("1. item", "1.\u00a0item"),
        ("mash@council.gov.uk", "mash@ council.gov.uk"),
    ],
)
def test_common_words_are_left_alone_and_live_ones_are_stilled(text: str, shown: str | None) -> None:
    assert plain(text) == (text if shown is None else shown)
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("channel", "text"),
    [
        ("slack", "<!channel>"),
        ("slack", "<https://evil.com|x>"),
        ("slack", "*bold*"),
        ("slack", "&gt; quoted"),
        ("slack", "@here"),
        ("slack", ":fire:"),
        ("teams", "[x](https://evil.com)"),
        ("teams", "*b*"),
        ("teams", "- item"),
        ("teams", "&#60;at&#62;"),
        ("teams", "<at>x</at>"),
        ("teams", "www.evil.com"),
        ("teams", "{{DATE(1)}}"),
        ("teams", "\\*"),
    ],
)
def test_the_readers_see_what_lives_so_that_their_silence_says_something(channel: str, text: str) -> None:
    body = json.loads(BODIES[channel](TOLD["digest-one-line"], references=True))
    if channel == "slack":
        body["blocks"][1]["text"] = {"type": "mrkdwn", "text": text, "verbatim": True}
    else:
        body["attachments"][0]["content"]["body"][1]["text"] = text
    found = READERS[channel](json.dumps(body).encode())
    assert found.live or len(found.links) == 2


def test_a_date_is_told_with_its_weekday() -> None:
    for channel in BODIES:
        for message in TOLD.values():
            for day in re.finditer(r"(\w+) (\d{1,2}) June( 2026)?", read(channel, message).words):
                assert day[1] == f"{date(2026, 6, int(day[2])):%A}"


def test_baseline_is_for_one_team() -> None:
    message = TOLD["baseline"]
    assert isinstance(message, Baseline)
    for channel in BODIES:
        assert f"Starting list: {message.team}" in read(channel, message).words


def test_out_of_hours_it_says_who_hears_and_when() -> None:
    message = TOLD["immediate-duty"]
    assert isinstance(message, Immediate)
    for channel in BODIES:
        said = read(channel, message).words
        assert "outside the hours of the team manager, who gets it at 08:30 on Tuesday 23 June 2026." in said
        assert "Owner: team manager." in said
