"""One message as bytes, parsed back and compared before anybody may send it.

Header text is refused beforehand, and the bytes are compared afterwards: `email` in Python before 3.11.10
turns an encoded word with a line break in it into a new header (CVE-2024-6923).
"""

import hashlib
import platform
import re
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage
from email.policy import SMTP, default
from email.utils import format_datetime

from ehscheduler.address import address_fault, message_id_fault
from ehscheduler.notify.messages import MessageRefused

BODY_POLICY = SMTP.clone(cte_type="7bit")
HEADER_POLICY = BODY_POLICY.clone(max_line_length=998)
HEADER_LENGTH = 200
HEADER_LINE = re.compile(r"[A-Za-z][A-Za-z0-9-]*: [ -~]+")
PART_TYPES = ("text/plain", "text/html")
PLAIN_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 '&-")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message in words: a subject of fixed words and counts, and the same content twice."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Sender:
    """The neutral From of every message; the name shows on lock screens."""

    name: str
    address: str


def header_fault(text: str) -> str | None:
    """Say why text may not stand in a header, or None: printable ASCII, no encoded word, at most 200 characters."""
    if any(not " " <= letter <= "~" for letter in text):
        return "holds a control character or one that is not plain ASCII"
    if "=?" in text:
        return "holds an encoded word (=?)"
    if len(text) > HEADER_LENGTH:
        return f"is longer than {HEADER_LENGTH} characters"
    return None if text == text.strip() and text else "is empty, or begins or ends with a space"


def sender_faults(sender: Sender) -> list[str]:
    """Say what is wrong with a From, for whoever reads config."""
    faults = [f"from name {header_fault(sender.name)}"] if header_fault(sender.name) else []
    if not faults and not set(sender.name) <= PLAIN_NAME:
        faults.append("from name may hold letters, digits, spaces, hyphens, apostrophes and & only")
    address = address_fault(sender.address)
    return faults + ([f"from address: {address}"] if address else [])


def build(rendered: Rendered, *, to: str, sender: Sender, message_id: str, moment: datetime) -> bytes:
    """Serialise a message to one recipient, or raise `MessageRefused`.

    `moment` is aware and becomes the Date; the same arguments give the same bytes.
    """
    headers = _headers(rendered.subject, to=to, sender=sender, message_id=message_id, moment=moment)
    faults = _input_faults(headers, to=to, sender=sender, message_id=message_id)
    if faults:
        raise MessageRefused(faults)
    raw = _serialise(headers, rendered, boundary(message_id))
    differences = differences_of(raw, headers, rendered, boundary(message_id))
    if differences:
        raise MessageRefused([f"the bytes differ from what was meant: {difference}" for difference in differences])
    return raw


def boundary(message_id: str) -> str:
    """Give a MIME boundary that neither quoted-printable nor base64 can contain."""
    return "=_" + hashlib.sha256(message_id.encode()).hexdigest()[:32]


def _headers(subject: str, *, to: str, sender: Sender, message_id: str, moment: datetime) -> list[tuple[str, str]]:
    if moment.tzinfo is None:
        raise MessageRefused(["the Date needs an instant with a time zone"])
    return [
        ("From", f"{sender.name} <{sender.address}>"),
        ("To", to),
        ("Subject", subject),
        ("Date", format_datetime(moment)),
        ("Message-ID", message_id),
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
    ]


def _input_faults(headers: list[tuple[str, str]], *, to: str, sender: Sender, message_id: str) -> list[str]:
    faults = [f"{name} {fault}" for name, value in headers if (fault := header_fault(value))]
    faults += sender_faults(sender)
    faults += [fault for fault in (address_fault(to), message_id_fault(message_id)) if fault]
    return faults


def _serialise(headers: list[tuple[str, str]], rendered: Rendered, mark: str) -> bytes:
    message = EmailMessage(policy=BODY_POLICY)
    for name, value in headers:
        message[name] = value
    message.set_content(rendered.text, cte="quoted-printable")
    message.add_alternative(rendered.html, subtype="html", cte="quoted-printable")
    for part in message.iter_parts():
        del part["MIME-Version"]  # a part has none (RFC 2045, 4)
    message.set_boundary(mark)
    return message.as_bytes(policy=HEADER_POLICY)


def differences_of(raw: bytes, headers: list[tuple[str, str]], rendered: Rendered, mark: str) -> list[str]:
    """Compare the bytes to be sent with what was meant: every header line, the MIME tree and both contents."""
    wanted = [f"{name}: {value}" for name, value in headers]
    wanted += ["MIME-Version: 1.0", f'Content-Type: multipart/alternative; boundary="{mark}"']
    found = header_lines(raw)
    if sorted(found) != sorted(wanted):
        return [f"header {line[:80]!r}" for line in sorted(set(found) ^ set(wanted))] or ["a header is repeated"]
    return _part_differences(raw, rendered)


def header_lines(raw: bytes) -> list[str]:
    """Give the header lines as any server would read them, without the email package."""
    head = raw.partition(b"\r\n\r\n")[0]
    return head.decode("latin-1").split("\r\n")


def _part_differences(raw: bytes, rendered: Rendered) -> list[str]:
    message = message_from_bytes(raw, policy=default)
    parts = list(message.walk())
    if [part.get_content_type() for part in parts] != ["multipart/alternative", *PART_TYPES]:
        return ["the MIME tree"]
    differences = ["a MIME defect" for part in parts if part.defects]
    for part, meant in zip(parts[1:], (rendered.text, rendered.html), strict=True):
        if set(part.keys()) != {"Content-Type", "Content-Transfer-Encoding"}:
            differences.append(f"the headers of the {part.get_content_type()} part")
        if part.get_content().replace("\r\n", "\n") != meant.rstrip("\n") + "\n":
            differences.append(f"the content of the {part.get_content_type()} part")
    return differences


def python_fault() -> str | None:
    """Say whether this Python's email package writes a header that it should refuse, for `doctor` and the log."""
    trap = "=?utf-8?q?x=0D=0AX-Trap:_1?="
    message = EmailMessage(policy=HEADER_POLICY)
    try:
        message["Subject"] = trap
        sprung = any(line.startswith("X-Trap") for line in header_lines(message.as_bytes()))
    except (ValueError, MessageError):
        return None
    if not sprung:
        return None
    return (
        f"Python {platform.python_version()} has CVE-2024-6923 in its email package; our own checks stop it, "
        "and a Python with the fix (3.11.10, 3.12.5 or later) is better"
    )


def envelope_faults(raw: bytes, *, to: str, message_id: str) -> list[str]:
    """Say why these bytes may not go to this recipient: exactly one To, the same; no Cc or Bcc; the same Message-ID."""
    lines = header_lines(raw)
    named = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in lines)]
    faults = [fault for fault in (address_fault(to),) if fault]
    if not all(HEADER_LINE.fullmatch(line) for line in lines):
        faults.append("a header line is not of the form `Name: value`")
    if [value for name, value in named if name == "to"] != [to]:
        faults.append("the message's To is not exactly the recipient")
    if any(name in {"cc", "bcc"} or name.startswith("resent-") for name, _ in named):
        faults.append("the message has a Cc, Bcc or Resent header")
    if [value for name, value in named if name == "message-id"] != [message_id]:
        faults.append("the message's Message-ID is not the one given")
    return faults
