"""Slack and Teams by webhook: one POST of a message as it was frozen, within 15 seconds, to a place that is a secret.

What each answers is not what it did: Slack says `ok` and means that it posted; Teams takes a message and says nothing
of what became of it.
"""

import abc
import contextlib
import io
import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler, ServerErrorRetryHandler
from slack_sdk.webhook import WebhookClient, WebhookResponse

from ehscheduler.notify.channel import WEB_DEADLINE, Outcome, answer_words
from ehscheduler.notify.egress import Answer, NoAnswer, Reach, address_fault, ask
from ehscheduler.notify.secret import Secret
from ehscheduler.notify.watchdog import Watchdog

SLACK_HOSTS = ("hooks.slack.com",)
TEAMS_HOSTS = ("*.logic.azure.com", "*.environment.api.powerplatform.com")
TEAMS_BYTES = 28 * 1024
LONGEST_WAIT = 3600.0
"""Seconds: whatever another side asks for, it is tried again after an hour."""
BETWEEN = 1.0
"""Slack takes one message a second by one webhook; so does Teams, as far as anybody says."""
OURS_AT_FAULT = ("invalid_payload", "invalid_blocks", "too_many_attachments", "no_text", "msg_too_long")
JSON = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "ehscheduler"}
_SILENT = logging.Logger("slack")  # what the library logs of a fault holds the address
_SILENT.disabled = True


class Webhook(abc.ABC):
    """What both have in common; `name` is as config has it, and the address is shown nowhere."""

    hosts: tuple[str, ...] = ()

    def __init__(
        self,
        name: str,
        address: Secret,
        reach: Reach,
        *,
        pause: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self._address = address
        self._reach = reach
        self._pause, self._clock = pause, clock
        self._free_at = 0.0

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @contextlib.contextmanager
    def session(self) -> Iterator["Webhook"]:
        """Give this channel: each message has a connection of its own."""
        yield self

    def faults(self) -> list[str]:
        """Say what is wrong with the settings, without showing the address."""
        if not self._address:
            return ["no address: put it into the variable or file that the configuration names"]
        fault = address_fault(self._address.reveal(), self._reach, self.hosts)
        return [*([fault] if fault else []), *self._reach.faults()]

    def send(self, message: bytes, *, to: str, message_id: str, deadline: float = WEB_DEADLINE) -> Outcome:
        """Post one message within `deadline` seconds, 15 at most, and at most one a second."""
        if faults := self.faults():
            return Outcome("misconfigured", "; ".join(faults), about="channel", stage="config")
        self._pause(max(0.0, self._free_at - self._clock()))
        self._free_at = self._clock() + BETWEEN
        watch = Watchdog(min(deadline, WEB_DEADLINE))
        try:
            with watch:
                return self._post(watch, message)
        except NoAnswer as fault:
            return Outcome(fault.kind, self._safe(str(fault)), about="channel", stage="post")

    @abc.abstractmethod
    def _post(self, watch: Watchdog, message: bytes) -> Outcome:
        """Post it, and say what the answer means."""

    def _ask(self, watch: Watchdog, message: bytes) -> Answer:
        return ask(watch, self._reach, "POST", self._address.reveal(), JSON, message)

    def _safe(self, words: str) -> str:
        """Make another system's words safe to keep; an address that it quotes back is not quoted by us."""
        address = self._address.reveal()
        for part in sorted({address, *address.split("/")[3:], *address.split("?")[1:]}, key=len, reverse=True):
            words = words.replace(part, "...") if len(part) >= 8 else words
        return answer_words(words)

    def _refused(self, answer: Answer) -> Outcome:
        """Say what an answer other than a yes means."""
        said, status = self._safe(f"{answer.status}: {answer.text}"), answer.status
        if status == 429:
            return Outcome("temporary", said, status, "channel", "post", retry_after(answer.headers))
        if status >= 500:
            return Outcome("temporary", said, status, "channel", "post")
        if status == 413 or (status == 400 and answer.text.strip() in OURS_AT_FAULT):
            return Outcome("permanent", said, status, "message", "post")
        return Outcome("misconfigured", said, status, "channel", "post")


class Slack(Webhook):
    """An incoming webhook of Slack, by its own client with its handlers for a second try."""

    hosts = SLACK_HOSTS

    def _post(self, watch: Watchdog, message: bytes) -> Outcome:
        client = _Client(self._address.reveal(), lambda: self._ask(watch, message), watch)
        answer = client.said(message)
        text = answer.text.strip()
        if answer.status == 200 and text == "ok":
            return Outcome("accepted", "ok", 200, stage="post")
        if answer.status == 200 and text in OURS_AT_FAULT:
            return Outcome("permanent", self._safe(text), 200, "message", "post")
        if 200 <= answer.status < 300 and not text:
            return Outcome("uncertain", f"{answer.status} and nothing more", answer.status, "channel", "post")
        return self._refused(answer)


class Teams(Webhook):
    """A workflow of Teams that posts what comes to its address."""

    hosts = TEAMS_HOSTS

    def _post(self, watch: Watchdog, message: bytes) -> Outcome:
        if len(message) > TEAMS_BYTES:
            return Outcome("permanent", f"not sent: longer than {TEAMS_BYTES // 1024} KB", stage="check")
        answer = self._ask(watch, message)
        page = "html" in answer.headers.get("content-type", "") or answer.text.lstrip()[:1] == "<"
        if 200 <= answer.status < 300 and not page:
            return Outcome("accepted", f"{answer.status}: taken by Teams, posting not confirmed", answer.status)
        return self._refused(answer)


class _Client(WebhookClient):
    """Slack's client over our own wire: what waits longer than there is time is not waited for."""

    def __init__(self, url: str, post: Callable[[], Answer], watch: Watchdog) -> None:
        handlers = [_RateLimit(watch), _ServerError(watch)]
        super().__init__(url, logger=_SILENT, retry_handlers=list(handlers))
        self._post, self._last = post, Answer(0, {}, b"")

    def said(self, message: bytes) -> Answer:
        """Post a message, once more where a handler says so, and return the last answer."""
        self.send_dict(json.loads(message))
        return self._last

    def _perform_http_request_internal(self, url: str, req: Request) -> WebhookResponse:
        self._last = answer = self._post()
        if answer.status >= 400:
            headers = Message()
            for name, value in answer.headers.items():
                headers[name] = value
            raise HTTPError("", answer.status, "", headers, io.BytesIO(answer.text.encode()))
        return WebhookResponse(url="", status_code=answer.status, body=answer.text, headers=dict(answer.headers))


class _RateLimit(RateLimitErrorRetryHandler):
    """Waits as long as Slack asks for, where there is time for that; else the message waits."""

    def __init__(self, watch: Watchdog) -> None:
        super().__init__(max_retry_count=1)
        self._watch = watch

    def _can_retry(self, *, state: Any, request: Any, response: Any = None, error: Any = None) -> bool:
        asked = super()._can_retry(state=state, request=request, response=response, error=error)
        wait = retry_after({k.lower(): v[0] for k, v in response.headers.items()}) if response else None
        return bool(asked and wait is not None and wait + 1 < self._watch.left())

    def prepare_for_next_attempt(self, *, state: Any, request: Any, response: Any = None, error: Any = None) -> None:
        state.next_attempt_requested = True
        state.increment_current_attempt()
        time.sleep(retry_after({k.lower(): v[0] for k, v in response.headers.items()}) or 0.0)


class _ServerError(ServerErrorRetryHandler):
    """Tries once more, where there is time."""

    def __init__(self, watch: Watchdog) -> None:
        super().__init__(max_retry_count=1)
        self._watch = watch

    def _can_retry(self, *, state: Any, request: Any, response: Any = None, error: Any = None) -> bool:
        asked = super()._can_retry(state=state, request=request, response=response, error=error)
        return bool(asked and self._watch.left() > 2)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that another side asks to wait, an hour at most; None where it names no time ahead."""
    said = headers.get("retry-after", "").strip()
    try:
        seconds = float(said) if said[:1].isdigit() else _until(said, headers.get("date", ""))
    except (TypeError, ValueError, OverflowError):
        return None
    return min(seconds, LONGEST_WAIT) if seconds is not None and seconds > 0 else None


def _until(said: str, date: str) -> float | None:
    """Return the seconds from an answer's own date to the one that it names."""
    if not said or not date:
        return None
    ends: datetime = parsedate_to_datetime(said)
    return (ends.astimezone(UTC) - parsedate_to_datetime(date).astimezone(UTC)).total_seconds()
