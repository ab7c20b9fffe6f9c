"""Two chats for the demo, one that answers as Slack does and one as Teams: each keeps here what is posted to it."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Literal

Kind = Literal["slack", "teams"]
ANSWERS: dict[Kind, tuple[int, bytes]] = {"slack": (200, b"ok"), "teams": (202, b"")}
LARGEST = 64 * 1024
_BLANKS = re.compile(r"\s+")


@dataclass(slots=True)
class Chat:
    """One chat: the folder in which its messages are kept, the port it listens on, and the files as they came."""

    kind: Kind
    folder: Path
    port: int = 0
    kept: list[Path] = field(default_factory=list)
    _one_at_a_time: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        """Return its webhook's address."""
        return f"http://{self.place}/hooks/{self.kind}"

    def keep(self, body: bytes) -> None:
        """Write one message down."""
        with self._one_at_a_time:
            path = self.folder / f"{self.kind}-{len(self.kept) + 1:03}.json"
            path.write_text(json.dumps(json.loads(body), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            self.kept.append(path)


@contextmanager
def listening_as(kind: Kind, folder: Path) -> Iterator[Chat]:
    """Listen on a free port of the loopback until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    chat = Chat(kind, folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(chat))
    chat.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, name=kind)
    thread.start()
    try:
        yield chat
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(chat: Chat) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            status, said = ANSWERS[chat.kind]
            try:
                chat.keep(self.rfile.read(min(length, LARGEST)))
            except ValueError:
                status, said = 400, b"invalid_payload"
            self.send_response(status)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing: what came is in the folder."""

    return Handler


# ---- as people see it


def shown(path: Path) -> list[str]:
    """Return the lines that a reader of the chat sees of a kept message, blank ones between its blocks."""
    body = json.loads(path.read_text(encoding="utf-8"))
    blocks = body.get("blocks") or body["attachments"][0]["content"]["body"]
    found = [line for block in blocks for line in (*_texts(block), "")]
    return [line for n, line in enumerate(found) if line or (n and found[n - 1])]


def _texts(block: Any) -> Iterator[str]:
    """Yield the words of a block of either kind, from top to bottom."""
    if isinstance(block, list):
        for each in block:
            yield from _texts(each)
    elif isinstance(block, dict):
        text = block.get("text")
        if isinstance(text, str):
            yield from (_BLANKS.sub(" ", line).strip() for line in text.splitlines())
        if "title" in block and "value" in block:
            yield f"{block['title']}: {block['value']}"
        for name in ("text", "elements", "fields", "items", "facts", "columns", "body"):
            if not isinstance(block.get(name), str):
                yield from _texts(block.get(name))
