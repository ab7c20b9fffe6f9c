"""Several ways out: each for itself, shut ones by mail, and what is configured no more."""

import threading
import time
from datetime import timedelta

from ehscheduler.notify.channel import Outcome
from tests.daemon.house import NAME, OK, House, told
from tests.daemon.test_preferences import FakeWay, begun, prefer, turn  # noqa: F401 - begun is a fixture

GONE = Outcome("misconfigured", "404 no_service", about="channel")
SHUT_FROM = ("08:30", "08:35", "08:40")


def by_text(house: House) -> FakeWay:
    """Let the lead hear by text, and refuse it three times."""
    prefer(house, "w1", channels={"digest": "text"})
    text = FakeWay("text", script=[GONE])
    for clock in SHUT_FROM:
        turn(house, f"2026-03-11 {clock}", text)
    return text


def test_after_three_refusals_what_waits_goes_by_mail_and_the_operator_hears_once(begun: House) -> None:  # noqa: F811
    text = by_text(begun)
    assert begun.channel.taken == []
    turn(begun, "2026-03-11 08:45", text)
    assert [mail.to for mail in begun.channel.taken] == ["w1@council.example"]
    (alarm,) = begun.alarms("mail", everywhere=True)
    assert alarm.text == (
        "nothing can be sent by text until [channels.text] in the configuration is put right: 404 no_service"
    )
    (row,) = [row for row in begun.rows if row.channel == "text"]
    assert (row.state, row.why) == ("dropped", "text is shut: by mail instead")


def test_it_is_tried_again_after_an_hour_and_works_from_then_on(begun: House) -> None:  # noqa: F811
    text = by_text(begun)
    text.script = [OK]
    begun.case("C2", "2026-03-03 08:00 allocation")
    turn(begun, "2026-03-12 08:30", text)
    assert [to for to, _ in text.taken] == ["w1@council.example"]
    assert begun.alarms("mail", everywhere=True) == []


def test_what_waits_for_a_way_that_config_names_no_more_goes_by_mail(begun: House) -> None:  # noqa: F811
    prefer(begun, "w1", channels={"digest": "text"})
    assert [mail.to for mail in begun.turns("2026-03-11", "2026-03-11")] == ["w1@council.example"]


def test_the_copy_of_a_chat_that_is_shut_goes_to_the_duty_address_or_nowhere(begun: House) -> None:  # noqa: F811
    begun.set(preferences={NAME: {"teams": {"*": {"chats": {"all": ["digest"]}}}}})
    chat = FakeWay("chat:all", script=[GONE])
    for clock in SHUT_FROM:
        turn(begun, f"2026-03-11 {clock}", chat)
    turn(begun, "2026-03-11 08:45", chat)
    assert [mail.to for mail in begun.channel.taken] == ["w1@council.example"]
    (row,) = [row for row in begun.rows if row.channel == "chat:all"]
    assert row.why == "whoever is to act has been told, and nothing can be sent to this chat"
    begun.set(duty={NAME: {"North": "duty@council.example"}})
    begun.case("C2", "2026-03-03 08:00 allocation")
    turn(begun, "2026-03-12 08:30", chat)
    for clock in SHUT_FROM[1:]:
        turn(begun, f"2026-03-12 {clock}", chat)
    assert "duty@council.example" in {mail.to for mail in begun.channel.taken}


def test_after_half_an_hour_without_an_answer_what_waits_goes_by_mail_and_the_operator_hears_once(
    begun: House,  # noqa: F811
) -> None:
    prefer(begun, "w1", channels={"digest": "text"})
    text = FakeWay("text", script=[Outcome("temporary", "no answer within 15 s", about="channel")])
    for minute in range(30, 60):
        turn(begun, f"2026-03-11 08:{minute}", text)
    assert begun.channel.taken == []
    assert begun.alarms("mail", everywhere=True) == []
    for minute in range(20):
        turn(begun, f"2026-03-11 09:{minute:02}", text)
    assert [mail.to for mail in begun.channel.taken] == ["w1@council.example"]
    (alarm,) = begun.alarms("mail", everywhere=True)
    assert alarm.text.startswith("text has taken nothing for half an hour (no answer within 15 s); what waits goes by")
    text.script = [OK]
    begun.case("C2", "2026-03-03 08:00 allocation")
    turn(begun, "2026-03-12 08:30", text)
    assert [to for to, _ in text.taken] == ["w1@council.example"]
    assert begun.alarms("mail", everywhere=True) == []


def test_one_answer_in_between_and_the_half_hour_begins_anew(begun: House) -> None:  # noqa: F811
    prefer(begun, "w1", channels={"digest": "text"})
    text = FakeWay("text", script=[Outcome("temporary", "503", about="channel")])
    turn(begun, "2026-03-11 08:30", text)
    text.script = [OK]
    turn(begun, "2026-03-11 08:50", text)
    text.script = [Outcome("temporary", "503", about="channel")]
    begun.case("C2", "2026-03-03 08:00 allocation")
    turn(begun, "2026-03-12 08:30", text)
    turn(begun, "2026-03-12 08:40", text)
    assert begun.channel.taken == []
    assert begun.alarms("mail", everywhere=True) == []


def test_while_one_way_hangs_all_of_anothers_leave(begun: House) -> None:  # noqa: F811
    """The hanging send ends after the other way's messages have all been taken."""

    class Hanging(FakeWay):
        def send(self, message: bytes, *, to: str, message_id: str, deadline: float = 60.0) -> Outcome:
            ended.wait(20)
            seen.append(len(begun.channel.taken))
            return Outcome("temporary", "no answer", about="channel")

    ended, seen = threading.Event(), list[int]()
    for n in range(2, 6):
        begun.case(f"C{n}", "2026-03-02 08:00 allocation", lead="s1", team="South")
    prefer(begun, "w1", channels={"digest": "text"})

    def end_when_mail_has_left() -> None:
        until = time.monotonic() + 10
        while time.monotonic() < until and not begun.channel.taken:
            time.sleep(0.01)
        ended.set()

    watch = threading.Thread(target=end_when_mail_has_left)
    watch.start()
    turn(begun, "2026-03-11 08:30", Hanging("text"))
    watch.join()
    assert seen == [1]
    assert {mail.to for mail in begun.channel.taken} == {"s1@council.example"}


def test_what_the_other_side_asks_to_wait_is_waited(begun: House) -> None:  # noqa: F811
    prefer(begun, "w1", channels={"digest": "text"})
    text = FakeWay("text", script=[Outcome("temporary", "429", about="channel", retry_after=1800.0), OK])
    turn(begun, "2026-03-11 08:30", text)
    for minutes in (10, 29):
        turn(begun, f"2026-03-11 {(begun.now.hour):02}:{30 + minutes:02}", text)
    assert text.taken == []
    begun.now += timedelta(minutes=2)
    turn(begun, "2026-03-11 09:01", text)
    assert [to for to, _ in text.taken] == ["w1@council.example"]
    assert [kind for _, kind, _ in told(begun)] == ["reminder"]
