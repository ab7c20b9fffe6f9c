"""Pages in a real browser, each in a frame of its own width: whether anything runs out of them, and what is shown."""

import base64
import html
import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --virtual-time-budget=4000 --dump-dom"
).split()
LOOK = """
const found = {};
for (const frame of document.querySelectorAll("iframe")) {
  const page = frame.contentDocument, root = page.documentElement;
  const all = [...page.querySelectorAll("main *")];
  const paper = getComputedStyle(page.body).backgroundColor;
  found[frame.id] = {
    wide: root.scrollWidth - root.clientWidth,
    out: all.filter(one => one.getBoundingClientRect().right > root.clientWidth + 1).length,
    small: Math.min(...all.map(one => parseFloat(getComputedStyle(one).fontSize))),
    paper: paper,
    loaded: frame.contentWindow.performance.getEntriesByType("resource").length,
    words: page.body.innerText,
  };
}
document.body.innerHTML = "";
const kept = document.createElement("pre");
kept.id = "found";
kept.textContent = btoa(unescape(encodeURIComponent(JSON.stringify(found))));
document.body.append(kept);
"""


def looked_at(pages: Mapping[str, tuple[str, int]], folder: Path) -> dict[str, Any]:
    """Give what the browser makes of each page, by its name; a page comes with the width of its frame.

    `wide` is by how many pixels it must be moved sideways, `out` how many parts run out of it, `small` its smallest
    letters in pixels, `loaded` how many further files it asked for.
    """
    if BROWSER is None:
        pytest.skip("there is no Chromium on this machine")
    frames = "".join(
        f'<iframe id="{html.escape(name)}" style="width:{width}px;height:900px" srcdoc="{html.escape(page)}"></iframe>'
        for name, (page, width) in pages.items()
    )
    script = f"<script>onload = () => {{{LOOK}}}</script>"
    sheet = folder / "sheet.html"
    sheet.write_text(f'<!doctype html><meta charset="utf-8"><body>{frames}{script}</body>', encoding="utf-8")
    command = [BROWSER, *QUIET, f"--user-data-dir={folder / 'profile'}", sheet.as_uri()]
    dom = subprocess.run(command, capture_output=True, check=True, timeout=120).stdout.decode()
    kept = re.search(r'<pre id="found">([\w+/=]+)</pre>', dom)
    assert kept, dom[-500:]
    found: dict[str, Any] = json.loads(base64.b64decode(kept[1]))
    return found
