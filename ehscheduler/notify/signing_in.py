"""Signing in to a mail relay: with a password or a token, and where either comes from."""

import base64
import contextlib
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Sequence
from typing import Literal

Auth = Literal["plain", "xoauth2", "none"]
COMMAND_WITHIN = 10.0
SECRET_LENGTH = 64 * 1024
LOOK_EVERY = 0.05
MASKED = "[secret]"
PASSWORDS_OFF = re.compile(r"\b5\.7\.30\b|\bbasic auth", re.IGNORECASE)
"""How Exchange says it: 5.7.30, or a 5.7.139 whose words name basic authentication."""
SWITCHED_OFF = 'password sign-in is switched off there; set auth = "xoauth2" in [mail]'
REFUSED = "the OAuth2 token is refused; is it in date, for this username, and meant for sending mail?"
TOKEN = re.compile(r"[!-~]+")
WORD = re.compile(r"[^\s<>\"'(),:;\[\]]{8,}")


class NoSecret(Exception):
    """No password or token is to be had; the words never hold what a command printed."""


def ask(command: Sequence[str], within: float) -> str:
    """Run a command, without a shell, and return the first line that it prints; raise NoSecret where that fails."""
    name = f"password_command {command[0]!r}"
    try:
        asked = subprocess.Popen(  # noqa: S603 - the command is the council's own, from its config
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as fault:
        why = fault.strerror if isinstance(fault, OSError) and fault.strerror else "it is no command"
        raise NoSecret(f"{name} could not be started: {why}") from None
    with asked:
        try:
            printed = _printed(asked, name, within)
        finally:
            _end(asked)
    if asked.returncode:
        raise NoSecret(f"{name} failed: it ended with {asked.returncode}")
    return _first_line(printed, name)


def _printed(asked: "subprocess.Popen[bytes]", name: str, within: float) -> bytes:
    """Read until the command is over: what it left running may hold its output open for ever."""
    assert asked.stdout is not None  # noqa: S101 - it was started with a pipe
    ends, pipe, printed = time.monotonic() + within, asked.stdout.fileno(), b""
    while time.monotonic() < ends:
        over = asked.poll() is not None
        if select.select([pipe], [], [], 0 if over else LOOK_EVERY)[0]:
            more = os.read(pipe, SECRET_LENGTH)
            printed += more
            if len(printed) > SECRET_LENGTH:
                raise NoSecret(f"{name} printed more than {SECRET_LENGTH // 1024} KiB")
            if more:
                continue
            with contextlib.suppress(subprocess.TimeoutExpired):
                asked.wait(max(0.0, ends - time.monotonic()))
                return printed
        elif over:
            return printed
    raise NoSecret(f"{name} did not end within {within:g} s")


def _end(asked: "subprocess.Popen[bytes]") -> None:
    """End a command that has not ended by itself, and all that it started."""
    if asked.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(asked.pid, signal.SIGKILL)
        asked.kill()  # it may have no group of its own any more
        asked.wait()


def _first_line(printed: bytes, name: str) -> str:
    try:
        line = printed.partition(b"\n")[0].removesuffix(b"\r").decode()
    except UnicodeDecodeError:
        raise NoSecret(f"{name} printed what is not UTF-8 text") from None
    if not line:
        raise NoSecret(f"{name} printed nothing on its first line")
    return line


def secret_fault(auth: Auth, secret: str) -> str | None:
    """Say why a password or a token cannot be sent, without showing it."""
    if auth == "xoauth2":
        return (
            None if TOKEN.fullmatch(secret) else "the OAuth2 token is not one word of plain letters, digits and marks"
        )
    return None if secret.isprintable() else "the password has a control character in it"


def plain(username: str, secret: str) -> str:
    """Return what AUTH PLAIN sends (RFC 4616)."""
    return encoded(f"\0{username}\0{secret}")


def xoauth2(username: str, secret: str) -> str:
    """Return what AUTH XOAUTH2 sends: whose mailbox it is, and the bearer token."""
    return encoded(f"user={username}\1auth=Bearer {secret}\1\1")


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def masked(words: str, username: str, secret: str) -> str:
    """Blot a sign-in out of another system's words, in every form in which we sent it."""
    if not secret:
        return words
    return blotted(words, (xoauth2(username, secret), plain(username, secret), encoded(secret), secret))


def blotted(words: str, forms: Sequence[str]) -> str:
    """Blot each of these secrets out of another system's words, and long pieces of them too."""
    for form in forms:
        words = words.replace(form, MASKED)
    return WORD.sub(lambda found: MASKED if any(found[0] in form for form in forms) else found[0], words)


def remedy_of(auth: Auth, stage: str, words: str) -> str:
    """Say what is to be done about a refused sign-in, where the server's own words do not."""
    if auth == "xoauth2":
        return REFUSED if stage == "AUTH" else ""
    return SWITCHED_OFF if PASSWORDS_OFF.search(words) else ""
