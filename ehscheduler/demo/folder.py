"""The demo's folder: made where there is none, made anew where it is ours, and never over somebody's files."""

import shutil
from datetime import date
from pathlib import Path

from ehscheduler.errors import InputRefused

MARK = ".made-by-ehscheduler-demo"
OURS = (
    "extract",
    "second",
    "mail",
    "chat",
    "config.toml",
    "ehscheduler.db",
    "ehscheduler.db-wal",
    "ehscheduler.db-shm",
    MARK,
)

CONFIG = """\
# Made by 'ehscheduler demo'. While the demo ran, mail left by SMTP for a sink on this machine.
# What leaves from now on is written to the folder below, so that nothing is sent by accident.

[database]
url = {database}

[mail]
channel = "file"
folder = {mail}
sender = "early-help@council.example"

[operator]
email = "operator@council.example"

# From this day on people are told; what was overdue before goes into one list for each team.
[live.{authority}]
from = {live_from}

# A second council, followed in shadow: everything is worked out and recorded, and nothing is sent.
[live.{second}]
from = {live_from}
mode = "shadow"

# The protocol names nobody for overdue work; this ladder is the council's own, and is shown as such.
[ladders.{authority}]
overdue = [{{ who = ["line_manager"], after = "1 working day" }}]
"""


def fresh_folder(folder: Path) -> Path:
    """Make the folder, or empty it where an earlier demo made it; raise InputRefused where it holds anything else."""
    folder = folder.absolute()
    try:
        if folder.exists() and not folder.is_dir():
            raise InputRefused([f"{folder} is not a folder; name another with --folder"])
        if folder.exists() and any(folder.iterdir()):
            _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / MARK).write_text("This folder may be made anew by 'ehscheduler demo'.\n", encoding="utf-8")
    except OSError as error:
        raise InputRefused([f"{folder} cannot be written ({error.strerror}); name another with --folder"]) from None
    return folder


def _clear(folder: Path) -> None:
    """Take away what an earlier demo made, and nothing else."""
    if not (folder / MARK).is_file():
        raise InputRefused(
            [f"{folder} holds files that no demo made, and stays as it is; name another folder with --folder"]
        )
    for name in OURS:
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def write_config(folder: Path, *, authority: str, second: str, live_from: date) -> Path:
    """Write the configuration that the demo runs under, and that its reader goes on with."""
    path = folder / "config.toml"
    text = CONFIG.format(
        authority=authority,
        second=second,
        database=_quoted(f"sqlite:///{folder / 'ehscheduler.db'}"),
        mail=_quoted(str(folder / "mail")),
        live_from=live_from.isoformat(),
    )
    path.write_text(text, encoding="utf-8")
    return path


def _quoted(text: str) -> str:
    """Write a text as TOML: a path may hold a quotation mark or a backslash."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
