"""GOV.UK Notify: mail through a template of the council's own, with a subject and a body to fill in.

Notify does not know a repeat when it sees one, and a reference need not be unique there. So before each send we ask
whether it has one with our Message-ID as its reference, to the same address, that has not failed: always, for a
channel cannot tell a first attempt from one whose predecessor was killed before it could say so.
"""

import contextlib
import json
import re
from collections.abc import Iterable
from typing import Any

import requests
from notifications_python_client import base, notifications
from notifications_python_client.errors import APIError
from notifications_python_client.notifications import NotificationsAPIClient

from ehscheduler.address import address_fault
from ehscheduler.notify.channel import WEB_DEADLINE, Kind, Outcome, answer_words
from ehscheduler.notify.egress import NoAnswer, Reach
from ehscheduler.notify.govuk_answers import STATES, judge
from ehscheduler.notify.govuk_wire import NOTIFY, Wire, reach_faults
from ehscheduler.notify.secret import Secret
from ehscheduler.notify.signing_in import blotted
from ehscheduler.notify.watchdog import Watchdog
from ehscheduler.notify.ways import Became

FIELDS = {"email_address", "subject", "body"}
UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
KEY = re.compile(rf"(?:.*-)?({UUID.pattern})-({UUID.pattern})", re.IGNORECASE)
# Of these Notify says: try to send it again. A permanent failure is told by its state, and would only come again.
FAILED = {"temporary-failure", "technical-failure"}
FAULTS = (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError)  # RecursionError is of the last
ASKING, SENDING = "asking for a repeat", "sending"

# What they log names addresses, and what they log at debug the whole of an exchange's course.
base.logger.disabled = True
notifications.logger.disabled = True


class Notify:
    """The channel; its key, which is a secret, is shown nowhere."""

    def __init__(
        self, key: Secret, template_id: str, *, base_url: str = NOTIFY, reach: Reach | None = None, name: str = "notify"
    ) -> None:
        self._key = key
        self.template_id = template_id
        self.base_url = base_url
        self.reach = reach or Reach()
        self.name = name

    def __repr__(self) -> str:
        return f"Notify({self.name!r}, {self.template_id!r}, base_url={self.base_url!r})"

    def session(self) -> contextlib.AbstractContextManager["Notify"]:
        """Give this channel: nothing is shared by a batch."""
        return contextlib.nullcontext(self)

    def faults(self) -> list[str]:
        """Say what is wrong with the settings, without showing the key."""
        faults = reach_faults(self.base_url, self.reach)
        if not UUID.fullmatch(self.template_id):
            faults.append("template is not the id of a template; copy it from its page at GOV.UK Notify")
        if not KEY.fullmatch(self._key.reveal()):
            faults.append("the key is not set, or is none of GOV.UK Notify's; make one on the page API integration")
        return faults

    def send(self, message: bytes, *, to: str, message_id: str, deadline: float = WEB_DEADLINE) -> Outcome:
        """Hand over one message to one recipient within `deadline` seconds, 15 at most, unless it is there already."""
        if faults := self.faults():
            return Outcome("misconfigured", "; ".join(faults), about="channel", stage="config")
        try:
            fields = _fields(message, to)
        except ValueError as fault:
            return Outcome("permanent", f"not sent: {fault}", stage="check")
        watch = Watchdog(min(deadline, WEB_DEADLINE))
        wire = Wire(watch, self.reach)
        try:
            with watch:
                return self._send(self._client(wire), fields, message_id)
        except NoAnswer as fault:
            return Outcome(fault.kind, self._words(str(fault), wire), about="channel", stage=_stage(wire))
        except APIError as fault:
            return self._refused(fault, wire)
        except FAULTS as fault:
            return self._unread(type(fault).__name__, wire)

    def states(self, ids: Iterable[str], *, deadline: float = WEB_DEADLINE) -> dict[str, Became]:
        """Ask what became of these; one that Notify knows no more, or could not be asked about in time, is left out."""
        found: dict[str, Became] = {}
        whole = Watchdog(min(deadline, WEB_DEADLINE))
        with contextlib.suppress(TimeoutError):
            for each in ids if not self.faults() else ():
                if UUID.fullmatch(each) and (state := self._state(each, whole.left())):
                    found[each] = state
        return found

    def _state(self, id_: str, within: float) -> Became | None:
        watch = Watchdog(within)
        with contextlib.suppress(NoAnswer, APIError, *FAULTS), watch:
            answer = self._client(Wire(watch, self.reach)).get_notification_by_id(id_)
            if isinstance(answer, dict) and answer.get("id") == id_:
                return STATES.get(str(answer.get("status")))
        return None

    def _client(self, wire: Wire) -> Any:
        """Make a client that speaks through our wire alone; it is not thread-safe, so each send has its own."""
        client = NotificationsAPIClient(self._key.reveal(), base_url=self.base_url)  # type: ignore[no-untyped-call]
        session = requests.Session()
        session.trust_env = False  # else a .netrc would replace our sign-in
        for scheme in ("https://", "http://"):
            session.mount(scheme, wire)
        client.request_session = session
        return client

    def _send(self, client: Any, fields: dict[str, str], message_id: str) -> Outcome:
        to = fields.pop("email_address")
        had = client.get_all_notifications(template_type="email", reference=message_id)
        if id_ := _had(had, to, message_id):
            return Outcome("accepted", f"GOV.UK Notify had taken it already; its id there is {id_}", 200, stage=ASKING)
        answer = client.send_email_notification(to, self.template_id, fields, reference=message_id)
        return Outcome("accepted", f"GOV.UK Notify took it; its id there is {_id(answer)}", code=201, stage=SENDING)

    def _refused(self, fault: APIError, wire: Wire) -> Outcome:
        status = fault.status_code
        if 200 <= status < 300:
            return self._unread("no JSON", wire)
        try:
            said = fault.message
        except FAULTS:
            said = ""
        verdict = judge(status, said)
        words = self._words(verdict.words, wire)
        return Outcome(verdict.kind, words, status, verdict.about, _stage(wire), verdict.retry_after)

    def _unread(self, why: str, wire: Wire) -> Outcome:
        kind: Kind = "uncertain" if wire.posted else "temporary"
        words = self._words(f"its answer cannot be read: {why}", wire)
        return Outcome(kind, words, about="channel", stage=_stage(wire))

    def _words(self, words: str, wire: Wire) -> str:
        """Make another system's words safe to keep; what of our key it quotes back is not quoted by us."""
        key = self._key.reveal()
        return answer_words(blotted(words, [form for form in (key, wire.bearer) if form]))


def _stage(wire: Wire) -> str:
    return SENDING if wire.posting else ASKING


def _fields(message: bytes, to: str) -> dict[str, str]:
    """Return what the frozen message holds; raise ValueError where it is not one for this recipient."""
    try:
        fields = json.loads(message)
    except (ValueError, RecursionError):
        raise ValueError("the message is not JSON") from None
    if not isinstance(fields, dict) or set(fields) != FIELDS or not all(isinstance(v, str) for v in fields.values()):
        raise ValueError("the message is not one of address, subject and body")
    if fault := address_fault(to):
        raise ValueError(fault)
    if fields["email_address"] != to:
        raise ValueError("the message's address is not exactly the recipient")
    if not fields["subject"].strip() or not fields["body"].strip():
        raise ValueError("the message has no subject or no body")
    return fields


def _had(answer: object, to: str, message_id: str) -> str | None:
    """Return the id of what Notify took with this reference, to this address, and has not failed to hand on."""
    if not isinstance(answer, dict) or not isinstance(answer.get("notifications"), list):
        raise ValueError("no list")
    for each in answer["notifications"]:
        same = str(each.get("email_address")).casefold() == to.casefold() and each.get("reference") == message_id
        if same and each.get("status") not in FAILED:
            return _id(each)
    return None


def _id(answer: Any) -> str:
    id_ = answer["id"]
    if not UUID.fullmatch(id_):
        raise ValueError("no id")
    return str(id_)


def id_in(answer: str) -> str | None:
    """Return Notify's id out of the answer of an accepted send, to ask by it what became of the message."""
    found = UUID.search(answer)
    return found[0].lower() if found else None
