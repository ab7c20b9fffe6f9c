"""What GOV.UK Notify's refusals and states mean to us.

Its documentation asks to go by the status and the kind of error, for its sentences change. So a sentence only ever
makes a verdict finer, and one that we do not know is read by its status alone.
"""

import re
from dataclasses import dataclass

from ehscheduler.notify.channel import About, Kind
from ehscheduler.notify.ways import Became

STATES: dict[str, Became] = {
    "created": "handed over",
    "sending": "handed over",
    "pending": "handed over",
    "sent": "handed over",
    "delivered": "delivered",
    "permanent-failure": "bounced",
    "temporary-failure": "refused",
    "technical-failure": "refused",
}
"""Our word for each state of a mail there; "delivered" is Notify's own word, and only ever said after it."""

RATE_AGAIN = 60.0
DAY_AGAIN = 3600.0
NOT_LIVE = re.compile(r"team-only|trial mode", re.IGNORECASE)
NO_ADDRESS = re.compile(r"\bemail_address\b|not a valid email address", re.IGNORECASE)
TEMPLATE = re.compile(r"\btemplate\b|missing personalisation", re.IGNORECASE)
CLOCK = re.compile(r"\bclock\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a refusal means: whose trouble it is, what to say of it, and when to try again."""

    kind: Kind
    about: About
    words: str
    retry_after: float | None = None


def judge(status: int, said: object) -> Verdict:
    """Say what a refusal means, from its status and from what the client found in its body."""
    kinds, words = _read(said)
    if status == 429:
        return _too_many(kinds, words)
    if status >= 500:
        return Verdict("temporary", "channel", words or f"it answered {status}")
    if status == 400:
        return _bad_request(words)
    if status == 413:
        return Verdict("permanent", "message", f"it is too long for GOV.UK Notify: {words}")
    return _set_up(status, words)


def _read(said: object) -> tuple[set[str], str]:
    errors = [each for each in said if isinstance(each, dict)] if isinstance(said, list) else []
    if errors:
        sentences = [f"{each.get('error')}: {each.get('message')}" for each in errors]
        return {str(each.get("error")) for each in errors}, "; ".join(sentences)
    return set(), said if isinstance(said, str) else ""


def _too_many(kinds: set[str], words: str) -> Verdict:
    # When its day ends is not ours to know, so the daily limit is tried against once an hour.
    again = DAY_AGAIN if "TooManyRequestsError" in kinds else RATE_AGAIN
    return Verdict("temporary", "channel", words or "it answered 429: too many", again)


def _bad_request(words: str) -> Verdict:
    if NOT_LIVE.search(words):
        remedy = "GOV.UK Notify sends to your own team alone; use a live key, of a service that is live"
        return Verdict("misconfigured", "channel", f"{remedy}: {words}")
    if NO_ADDRESS.search(words):
        return Verdict("permanent", "address", words)
    if TEMPLATE.search(words):
        remedy = "the template must be one for mail that asks for ((subject)) and ((body)) alone"
        return Verdict("misconfigured", "channel", f"{remedy}: {words}")
    return Verdict("permanent", "message", words or "it answered 400")


def _set_up(status: int, words: str) -> Verdict:
    if status in {401, 403}:
        remedy = "set this machine's clock" if CLOCK.search(words) else "is the key the service's own, and not revoked?"
        return Verdict("misconfigured", "channel", f"GOV.UK Notify lets us not in; {remedy}: {words}")
    return Verdict("misconfigured", "channel", f"it answered {status}; is url right? {words}".strip())
