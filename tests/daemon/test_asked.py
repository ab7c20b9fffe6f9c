"""What became of messages after another system took them, where it can be asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from ehscheduler.channels import ways_of
from ehscheduler.config import read_config
from ehscheduler.notify.mail import Sender
from ehscheduler.notify.ways import Became, Way
from tests.daemon.house import House
from tests.daemon.test_preferences import FakeWay, begun, prefer, turn  # noqa: F401 - begun is a fixture
from tests.notify.govuk_server import ID, NONE_YET, TAKEN, GovukServer, answer


@dataclass
class AskedWay(FakeWay):
    """A way that can be asked; it says of everything what `says` holds, and nothing where that is None."""

    says: Became | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def way(self) -> Way:
        return replace(super().way, ask=self.ask)

    def ask(self, answers: Sequence[str]) -> Mapping[str, Became]:
        self.asked += answers
        return dict.fromkeys(answers, self.says) if self.says else {}


@pytest.fixture
def text(begun: House) -> AskedWay:  # noqa: F811
    """A way by which the lead has had the reminder of 11 March."""
    prefer(begun, "w1", channels={"digest": "text"})
    way = AskedWay("text")
    turn(begun, "2026-03-11 08:30", way)
    assert [to for to, _ in way.taken] == ["w1@council.example"]
    return way


def states(house: House) -> list[tuple[str, str | None]]:
    return sorted((row.state, row.message_state) for row in house.rows if row.channel == "text")


def test_nothing_is_asked_before_a_minute_and_less_often_the_longer_it_takes(begun: House, text: AskedWay) -> None:  # noqa: F811
    times = []
    for clock in ("08:30", *(f"08:{minute}" for minute in range(31, 60)), "12:00", "12:01"):
        before = len(text.asked)
        turn(begun, f"2026-03-11 {clock}", text)
        times += [clock] * (len(text.asked) - before)
    assert times == ["08:31", "08:32", "08:33", "08:35", "08:38", "08:42", "08:48", "08:57", "12:00"]


def test_after_three_days_it_is_asked_no_more(begun: House, text: AskedWay) -> None:  # noqa: F811
    turn(begun, "2026-03-14 12:29", text)
    turn(begun, "2026-03-16 12:31", text)
    assert len(text.asked) == 1


def test_what_was_delivered_is_said_so_once_and_not_asked_again(begun: House, text: AskedWay) -> None:  # noqa: F811
    text.says = "delivered"
    turn(begun, "2026-03-11 08:31", text)
    turn(begun, "2026-03-11 12:00", text)
    assert len(text.asked) == 1
    (row,) = [row for row in begun.rows if row.channel == "text"]
    assert (row.state, row.server_answer) == ("handed_over", "delivered; 250 2.0.0 queued")
    assert [entry.detail["outcome"] for entry in begun.trail("asked")] == ["delivered"]


def test_a_bounce_stops_writing_there_and_what_it_told_is_owed_to_who_acts_instead(
    begun: House,  # noqa: F811
    text: AskedWay,
) -> None:
    text.says = "bounced"
    turn(begun, "2026-03-11 08:31", text)
    (alarm,) = begun.alarms("suspended address")
    assert alarm.subject == "w1@council.example"
    text.says = None
    turn(begun, "2026-03-11 08:35", text)
    turn(begun, "2026-03-11 08:36", text)
    assert [mail.to for mail in begun.channel.taken] == ["m1@council.example"]


def test_what_was_not_handed_on_goes_again_three_times_and_is_then_a_dead_letter(
    begun: House,  # noqa: F811
    text: AskedWay,
) -> None:
    text.says = "refused"
    turn(begun, "2026-03-11 08:31", text)
    assert states(begun) == [("waiting", "refused")]
    turn(begun, "2026-03-11 08:45", text)
    assert len(text.taken) == 1
    for clock in ("08:46", "08:47", "09:02", "09:03", "09:18"):
        turn(begun, f"2026-03-11 {clock}", text)
    assert len(text.taken) == 3
    assert states(begun) == [("refused", "refused")]
    (alarm,) = begun.alarms("refused")
    assert "came to nothing (refused; 250 2.0.0 queued" in alarm.text


def test_what_could_not_be_asked_is_asked_later(begun: House, text: AskedWay) -> None:  # noqa: F811
    turn(begun, "2026-03-11 08:31", text)
    assert states(begun) == [("handed_over", "handed_over")]
    text.says = "delivered"
    turn(begun, "2026-03-11 08:33", text)
    assert len(text.asked) == 2


def test_notify_is_asked_by_the_id_that_it_gave(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    key = "early-4c0b2f6e-9a4c-4d8b-8d36-0c9e3f2a7b11-74ad1a34-6a2f-4d0c-9e1d-2f70c3b1a5de"
    monkeypatch.setenv("EHS_NOTIFY_KEY", key)
    took = answer(200, {"id": ID, "status": "permanent-failure"})
    with GovukServer(get=[NONE_YET, took], post=TAKEN) as server:
        page = tmp_path / "config.toml"
        page.write_text(
            f'[channels.text]\nkind = "notify"\nsecret_env = "EHS_NOTIFY_KEY"\nurl = "{server.url}"\n'
            f'template = "f33517ff-2a88-4f6e-b855-c550268ce08a"\n[egress]\nalso_allow = ["127.0.0.1:{server.port}"]\n'
        )
        ways, faults = ways_of(read_config(page), Sender("early-help@council.example", "Early Help"))
        assert faults == []
        fields = b'{"email_address": "w1@council.example", "subject": "s", "body": "b"}'
        taken = ways["text"].channel.send(fields, to="w1@council.example", message_id="<1@council.example>")
        ask = ways["text"].ask
        assert ask is not None
        assert ask([taken.answer, "250 ok"]) == {taken.answer: "bounced"}
        assert server.asked[-1].path == f"/v2/notifications/{ID}"
