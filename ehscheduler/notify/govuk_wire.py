"""How the client of GOV.UK Notify reaches the network: within a hard deadline, and nowhere but to Notify.

The client speaks through requests, whose timeout is per read, which follows redirects and believes the
environment's proxies. So it is given an adapter of ours, that carries one request over one watched connection.
"""

import io
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from ehscheduler.notify.egress import Answer, Reach, address_fault, ask
from ehscheduler.notify.watchdog import Watchdog

NOTIFY = "https://api.notifications.service.gov.uk"
HOSTS = ("api.notifications.service.gov.uk",)


def reach_faults(base_url: str, reach: Reach) -> list[str]:
    """Say what is wrong with where Notify is said to be, and the way to it."""
    rest = re.fullmatch(r"https?://[^/?#@]+/?", base_url)
    fault = address_fault(base_url, reach, HOSTS) if rest else "it is not a plain https address"
    return [*([f"url of Notify: {fault}"] if fault else []), *reach.faults()]


class Wire(BaseAdapter):
    """Carries the client's requests; `posted` says whether a POST left whole, so that it may have been taken."""

    def __init__(self, watch: Watchdog, reach: Reach) -> None:
        super().__init__()
        self.watch = watch
        self.reach = reach
        self.posting = self.posted = False
        self.bearer = ""

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: object = None,
        verify: object = True,
        cert: object = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """Carry one request, and return the answer, at most 64 KiB of it; raise NoAnswer where there is none."""
        self.bearer = str(request.headers.get("Authorization", "")).removeprefix("Bearer ")
        self.posting = request.method == "POST"
        body = request.body.encode() if isinstance(request.body, str) else None
        url = f"{urlsplit(str(request.url))._replace(path='', query='', fragment='').geturl()}{request.path_url}"
        headers = {str(name): str(value) for name, value in request.headers.items()}
        answer = ask(self.watch, self.reach, str(request.method), url, headers, body, sent=self._note_posted)
        return _response(request, answer)

    def close(self) -> None:
        """Nothing stays open between two requests."""

    def _note_posted(self) -> None:
        self.posted = self.posting


def _response(request: requests.PreparedRequest, answer: Answer) -> requests.Response:
    response = requests.Response()
    response.status_code = answer.status
    response.headers = CaseInsensitiveDict(answer.headers)
    response.encoding = "utf-8"
    response.raw = io.BytesIO(answer.body)
    response.url = str(request.url)
    response.request = request
    return response
