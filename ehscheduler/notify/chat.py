"""The bodies of chat messages, Slack's blocks and the card of Teams, with nothing in them that a client makes live.

Words that are not ours stand as plain text where a client has that (Slack). Where it has not (Teams), and for what
clients make live in any text, the few characters that do so give way to others that look alike: a backslash before
them would show on some phones.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from ehscheduler.notify.chat_words import Entry, Part, Said, said_in_chat
from ehscheduler.notify.messages import Message

ENTRIES = 12
"""So many entries are written out under one heading; of more there is a count."""
SLACK_BLOCKS, SLACK_HEADER, SLACK_TEXT = 50, 150, 3000
BODY_BYTES = 24 * 1024
"""Ours, for both: Slack names no size for a whole message, and what Teams' flow adds to one counts as well."""
CARD = "application/vnd.microsoft.card.adaptive"
SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"

Block = dict[str, Any]


def slack_body(message: Message, *, references: bool = False) -> bytes:
    """Write the JSON of Block Kit; raises MessageRefused for a message that no chat gets."""
    return _fitting(message, references, _slack)


def teams_body(message: Message, *, references: bool = False) -> bytes:
    """Write the JSON with one Adaptive Card 1.4; raises MessageRefused for a message that no chat gets."""
    return _fitting(message, references, _teams)


def _fitting(message: Message, references: bool, write: Callable[[Said], Block]) -> bytes:
    """Write as many entries under each heading as there is room for."""
    said = said_in_chat(message, references=references)
    for most in range(ENTRIES, -1, -1):
        body = write(said.cut(most))
        raw = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        if len(raw) <= BODY_BYTES and len(body.get("blocks", ())) <= SLACK_BLOCKS:
            break
    return raw


# ---- plain text

_ALIKE = str.maketrans("*_~`[]\\>|", "∗＿∼ˋ［］＼›❘")
_LIVE = (
    (re.compile(r"<(?=[\w/!?@#])"), "‹"),  # a tag, a mention, a link between brackets
    (re.compile(r"&(?=#?\w+;)"), "＆"),  # a letter written as its number or its name
    (re.compile(r"([{$])(?=\{)"), r"\1 "),  # {{DATE(...)}} and ${...} of a card
    (re.compile(r":(?=//)"), ": "),
    (re.compile(r"\b(www)\.", re.IGNORECASE), r"\1 ."),
    (re.compile(r"@(?=\S)"), "@ "),
    (re.compile(r"(?<!\d):(?=[\w+-]+:)"), "꞉"),  # :fire:
    (re.compile(r"^(\d+[.)]|[+#-]+)(?:\s|$)"), "\\1\u00a0"),  # an item of a list, a heading, a rule across the page
)


_HALF_ESCAPED = re.compile(r"&[a-z]{0,3}…$")


def plain(text: str) -> str:
    """Give words in which no client finds a mention, a link, an emoji code or markup."""
    said = text.translate(_ALIKE)
    for live, instead in _LIVE:
        said = live.sub(instead, said)
    return said


# ---- Slack


def _slack(said: Said) -> Block:
    blocks: list[Block] = [{"type": "header", "text": _plain_text(said.subject, SLACK_HEADER)}]
    blocks += [_section(plain(text)) for text in said.lead]
    for part in said.parts:
        blocks += _slack_part(part)
    blocks += [{"type": "context", "elements": [_plain_text(text)]} for text in said.foot]
    # The fallback, which a phone shows, is read as mrkdwn; it has no field from outside in it.
    return {"text": _escaped(plain(said.subject)), "blocks": blocks, "unfurl_links": False, "unfurl_media": False}


def _slack_part(part: Part) -> Iterator[Block]:
    if part.heading:
        yield _section(f"*{part.heading}*", "mrkdwn")
    rows: list[str] = []
    linked = any(entry.case_ref for entry in part.entries)
    kind, write = ("mrkdwn", _escaped) if linked else ("plain_text", str)
    for entry in part.entries:
        if entry.facts:
            yield {"type": "header", "text": _plain_text(entry.counted, SLACK_HEADER)}
            case = [f"Case: {_slack_reference(entry)}"] if entry.case_ref else []
            facts = [write(plain(f"{name}: {value}")) for name, value in entry.facts]
            yield from (_section(text, kind) for text in _filled(case + facts))
        else:
            reference = f"{_slack_reference(entry)} " if entry.case_ref else ""
            rows.append(f"• {reference}{write(plain(entry.counted))}")
    rows += [write(plain(part.rest))] if part.rest else []
    yield from (_section(text, kind) for text in _filled(rows))


def _filled(rows: list[str]) -> Iterator[str]:
    """Yield rows as texts of as many as one block holds."""
    text = ""
    for row in (_HALF_ESCAPED.sub("…", _cut(row, SLACK_TEXT)) for row in rows):
        if text and _length(f"{text}\n{row}") > SLACK_TEXT:
            yield text
            text = ""
        text = f"{text}\n{row}" if text else row
    if text:
        yield text


def _slack_reference(entry: Entry) -> str:
    label = _escaped(plain(entry.case_ref))
    return f"<{_escaped(_address(entry.link))}|{label}>" if entry.link else label


def _section(text: str, kind: str = "plain_text") -> Block:
    own = {"emoji": False} if kind == "plain_text" else {"verbatim": True}
    return {"type": "section", "text": {"type": kind, "text": text, **own}}


def _plain_text(text: str, most: int = SLACK_TEXT) -> Block:
    return {"type": "plain_text", "text": _cut(plain(text), most), "emoji": False}


def _cut(text: str, most: int) -> str:
    if _length(text) <= most:
        return text
    return text.encode("utf-16-le")[: 2 * (most - 1)].decode("utf-16-le", "ignore").rstrip() + "…"


def _length(text: str) -> int:
    """Count as JavaScript counts: a letter beyond the first 65,536 is two."""
    return len(text.encode("utf-16-le")) // 2


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


# ---- Teams


def _teams(said: Said) -> Block:
    body = [_text(plain(said.subject), size="Medium", weight="Bolder")]
    body += [_text(plain(text)) for text in said.lead]
    for part in said.parts:
        body += _teams_part(part)
    body += [_text(plain(text), size="Small", separator=n == 0) for n, text in enumerate(said.foot)]
    card = {
        "$schema": SCHEMA,
        "type": "AdaptiveCard",
        "version": "1.4",
        "lang": "en",
        "fallbackText": plain(said.subject),
        "body": body,
        "msteams": {"width": "Full"},
    }
    return {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": card}]}


def _teams_part(part: Part) -> Iterator[Block]:
    if part.heading:
        yield _text(part.heading, weight="Bolder", spacing="Medium")
    for entry in part.entries:
        reference = _teams_reference(entry)
        if entry.facts:
            yield _text(plain(entry.counted), weight="Bolder", spacing="Medium")
            facts = [{"title": plain(name), "value": plain(value)} for name, value in entry.facts]
            case = [{"title": "Case", "value": reference}] if reference else []
            yield {"type": "FactSet", "facts": case + facts}
        else:
            yield _text(f"• {reference} {plain(entry.counted)}" if reference else f"• {plain(entry.counted)}")
    if part.rest:
        yield _text(plain(part.rest))


def _teams_reference(entry: Entry) -> str:
    label = plain(entry.case_ref)
    return f"[{label}]({_address(entry.link)})" if entry.link else label


def _text(text: str, *, separator: bool = False, spacing: str = "Small", **look: str) -> Block:
    return {"type": "TextBlock", "text": text, "wrap": True, "spacing": spacing, **look} | (
        {"separator": True} if separator else {}
    )


def _address(link: str) -> str:
    """Write a link so that no letter of it ends it: what is left is what every client leaves alone."""
    return quote(link, safe="/:?#@!$&'+,=%-.").replace("_", "%5F").replace("~", "%7E")
