"""What a council's own template gave, looked at before it may be sent: complete, harmless, and of a fair size."""

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser

from ehscheduler.notify import messages, words
from ehscheduler.notify.links import is_link
from ehscheduler.notify.mail import Rendered, header_fault
from ehscheduler.notify.messages import Message

PART_LENGTH = 256 * 1024
"""Bytes that a part may have; ours: a digest of 200 lines, as we word it, has less."""
ELEMENTS = frozenset(
    "a b body br dd div dl dt em footer h1 h2 h3 h4 h5 h6 head header hr html i li main meta ol p section small span "
    "strong style table tbody td th thead title tr ul".split()
)
ATTRIBUTES = frozenset("charset class colspan content href id lang name role rowspan scope style".split())
METAS = frozenset({"viewport", "color-scheme", "supported-color-schemes"})
_STYLE = re.compile(r"url|@|expression|javascript|\\|<|image|behaviou?r|binding|position|display|visibility", re.I)
_MEDIA = re.compile(r"@media \(prefers-color-scheme: (dark|light)\)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028-\u202e\u2066-\u2069]")


def own_faults(own: Rendered, ours: Rendered, message: Message) -> list[str]:
    """Say why a message in a council's own words may not go; `ours` is the same message in our words."""
    found = [f"the subject {fault}" for fault in [header_fault(own.subject)] if fault]
    page = _Page(own.html)
    found += [f"html: {fault}" for fault in page.faults]
    for part, source, said in (("txt", own.text, own.text), ("html", own.html, page.said)):
        if not said.strip():
            found.append(f"{part}: is empty")
        if len(source.encode("utf-8", "replace")) > PART_LENGTH:
            found.append(f"{part}: is longer than {PART_LENGTH} bytes")
        if _CONTROL.search(source):
            found.append(f"{part}: holds a control character")
        found += [f"{part}: {what}" for what in _left_out(said, ours.text, message)]
    return found


def _left_out(said: str, ours: str, message: Message) -> Iterable[str]:
    """Say of which lines a part says less than ours: the case, the clause, and the day where we say it."""
    flat, our_words = " ".join(said.split()), " ".join(ours.split())
    missing: dict[str, bool] = {}
    for line in messages.lines_of(message):
        day = words.day_words(line.due_on) if line.due_on else ""
        wanted = {"case reference": line.case_ref, "clause": line.clause, "date": day if day in our_words else ""}
        missing |= {what: True for what, word in wanted.items() if word not in flat}
    return [f"leaves out the {what} of a line" for what in missing]


class _Page(HTMLParser):
    """A page read for what is not on the list."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self._said: list[str] = []
        self._inside = ""
        self.feed(source)
        self.close()
        if re.search(r"<(?![a-zA-Z/!])|<[^>]*<|<[^>]*$", source):
            self.faults.append("a < that begins no element; write it as &lt;")

    @property
    def said(self) -> str:
        return " ".join(self._said)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside = tag
        if tag not in ELEMENTS:
            self.faults.append("an element that is not on the list")
            return
        named = [name for name, _ in attrs]
        if len(set(named)) < len(named):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.faults += _attribute_faults(tag, {name: value or "" for name, value in attrs})

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            if _style_fault(data):
                self.faults.append("<style> may not load, hide or place anything")
        elif self._inside != "title":
            self._said.append(data)

    def handle_comment(self, data: str) -> None:
        self.faults.append("a comment; leave it out")

    def handle_decl(self, decl: str) -> None:
        if decl.lower() != "doctype html":
            self.faults.append("a declaration other than <!doctype html>")

    def unknown_decl(self, data: str) -> None:
        self.faults.append("a declaration other than <!doctype html>")

    def handle_pi(self, data: str) -> None:
        self.faults.append("a processing instruction")


def _attribute_faults(tag: str, attrs: dict[str, str]) -> Iterator[str]:
    for name, value in attrs.items():
        if name not in ATTRIBUTES:
            yield f"<{tag}> has an attribute that is not on the list"
        elif name == "href" and not (tag == "a" and (is_link(value) or _is_mail(value))):
            yield "href: only <a> may have one, to an http, https or mailto address"
        elif name == "style" and _style_fault(value):
            yield f"the style of <{tag}> may not load, hide or place anything"
    if tag == "meta" and not (set(attrs) == {"charset"} or attrs.get("name") in METAS):
        yield "<meta> may say the charset, viewport or color-scheme, and nothing else"


def _is_mail(value: str) -> bool:
    return re.fullmatch(r"mailto:[A-Za-z0-9.+_-]+@[A-Za-z0-9.-]+", value) is not None


def _style_fault(style: str) -> bool:
    return _STYLE.search(_MEDIA.sub("", style)) is not None
