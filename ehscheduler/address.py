"""Our own strict grammar for mail addresses and Message-IDs; the whole string must match.

The library's parser reads `alice@council.gov.uk)bob@evil.example` as alice, and `a, b` as a.
"""

import hashlib
import re

LOCAL = r"[A-Za-z0-9_](?:[A-Za-z0-9_+&'~-]|\.(?!\.))*(?<!\.)"
LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
TOP_LABEL = r"(?:[A-Za-z]{2,63}|[xX][nN]--[A-Za-z0-9-]{1,58}[A-Za-z0-9])"
DOMAIN = rf"(?:{LABEL}\.)+{TOP_LABEL}"
ADDRESS = re.compile(rf"({LOCAL})@({DOMAIN})")
MESSAGE_ID = re.compile(rf"<[A-Za-z0-9][A-Za-z0-9._-]{{7,99}}@{DOMAIN}>")


def address_fault(text: str) -> str | None:
    """Say what is wrong with a mail address, or None if it is one that we send to."""
    if len(text) > 254:
        return "the address is longer than 254 characters"
    match = ADDRESS.fullmatch(text)
    if match is None:
        return "the address is not one plain address such as first.last@council.gov.uk"
    if len(match[1]) > 64:
        return "the part before the @ is longer than 64 characters"
    return None


def message_id(key: str, domain: str) -> str:
    """Derive a message's stable Message-ID from its key, so that a repeat can be recognised."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{domain}>"


def message_id_fault(text: str) -> str | None:
    """Say what is wrong with a Message-ID, or None."""
    if len(text) > 200 or MESSAGE_ID.fullmatch(text) is None:
        return "the Message-ID is not of the form <letters-and-digits@domain>"
    return None
