"""Reads a page with html.parser: its tags, its headings, its links and the words a person sees."""

from html.parser import HTMLParser

VOID = {"meta", "br", "hr"}


class Page(HTMLParser):
    """What a page holds; `faults` lists tags that do not match."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.headings: list[tuple[int, str]] = []
        self.links: list[str] = []
        self.faults: list[str] = []
        self.declared = ""
        self._open: list[str] = []
        self._words: list[str] = []
        self.feed(source)
        self.close()
        self.faults += [f"{tag} is never closed" for tag in self._open]

    @property
    def words(self) -> str:
        return " ".join(" ".join(self._words).split())

    def handle_decl(self, decl: str) -> None:
        self.declared = decl

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append((int(tag[1]), ""))
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.faults.append(f"{tag} is closed and was not open")

    def handle_data(self, text: str) -> None:
        if self._open[-1:] not in (["style"], ["title"]):
            self._words.append(text)
        if self.headings and self._open[-1:] in (["h1"], ["h2"], ["h3"]):
            level, before = self.headings[-1]
            self.headings[-1] = (level, before + text)
