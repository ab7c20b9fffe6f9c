"""Reads chat bodies as the clients do: what is shown, where it leads, and what came alive that nobody asked for."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt

from ehscheduler.notify.chat_words import HEADINGS

BY_THEMSELVES = re.compile(
    r"\w+://\w|\bwww\.\w|[\w.+-]+@\w[\w.-]*\.\w|(?<!\w)@\w|:[a-z][\w+-]*:|\{\{|\$\{", re.IGNORECASE
)
"""What one client or another makes a link, a mention, an emoji or a value of wherever it stands."""
SLACK_TAG = re.compile(r"<([^<>]*)>")
SLACK_MARKUP = re.compile(r"(?<!\w)([*_~])(?=\S)[^\n]*?(?<=\S)\1(?!\w)|`[^`\n]+`|```|^(?:&gt;|>)", re.MULTILINE)
MARKDOWN = MarkdownIt("js-default")


@dataclass
class Read:
    """What a reader sees: lines of text, links with their labels, and whatever should not be there."""

    texts: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)
    live: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        return "\n".join(self.texts)


def read_slack(raw: bytes) -> Read:
    """Read Block Kit."""
    body, read = json.loads(raw), Read()
    assert not {"link_names", "parse", "attachments"} & set(body)
    assert body["unfurl_links"] is body["unfurl_media"] is False
    _mrkdwn(body["text"], Read())
    read.live += _mrkdwn(body["text"], Read()).live
    for text in slack_texts(body):
        if text["type"] == "plain_text":
            assert text["emoji"] is False
            read.texts.append(text["text"])
        else:
            assert text["verbatim"] is True
            _mrkdwn(text["text"], read)
    read.live += BY_THEMSELVES.findall(read.words) + SLACK_TAG.findall(read.words)
    return read


def slack_texts(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield each text object of a body, from top to bottom."""
    for block in body["blocks"]:
        yield from block["elements"] if block["type"] == "context" else [block["text"]]


def _mrkdwn(text: str, read: Read) -> Read:
    for tag in SLACK_TAG.findall(text):
        address, mark, label = tag.partition("|")
        if mark and re.match(r"https?://", address):
            read.links.append((html.unescape(address), html.unescape(label)))
        else:
            read.live.append(f"<{tag}>")
    shown = SLACK_TAG.sub(lambda found: found[1].partition("|")[2], text)
    if shown.strip("*") not in HEADINGS.values():
        read.live += [found[0] for found in SLACK_MARKUP.finditer(shown)]
    read.live += re.findall(r"[<>]|&(?!amp;|lt;|gt;)", shown)
    read.texts.append(shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&").strip("*"))
    return read


def read_teams(raw: bytes) -> Read:
    """Read the one card of a Teams message."""
    [attached] = json.loads(raw)["attachments"]
    read = Read()
    for text in teams_texts(attached["content"]):
        _markdown(text, read)
    read.live += BY_THEMSELVES.findall(read.words) + re.findall(r"<[\w/!?][^>]*>?", read.words)
    return read


def teams_texts(card: dict[str, Any]) -> Iterator[str]:
    """Yield each text of a card, from top to bottom."""
    yield card["fallbackText"]
    for block in card["body"]:
        if block["type"] == "TextBlock":
            yield block["text"]
        for fact in block.get("facts", ()):
            yield fact["title"]
            yield fact["value"]


def _markdown(text: str, read: Read) -> None:
    tokens = MARKDOWN.parse(text)
    read.live += [token.type for token in tokens if token.type not in ("paragraph_open", "inline", "paragraph_close")]
    shown, label, source = "", "", ""
    for token in [child for one in tokens for child in one.children or ()]:
        if token.type == "link_open":
            source, label = str(token.attrs["href"]), ""
        elif token.type == "link_close":
            read.links.append((source, label))
            source = ""
        elif token.type == "text":
            shown, label = shown + token.content, label + token.content
        else:
            read.live.append(token.type)
    read.texts.append(shown)
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text).strip("\u00a0 ")
    if shown.strip("\u00a0 ") != plain:
        read.live.append(f"{plain!r} is shown as {shown!r}")
