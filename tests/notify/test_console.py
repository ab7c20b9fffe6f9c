"""The channel for a terminal: what a reader would see, and nothing that a terminal acts on."""

import io
import json

from ehscheduler.notify.console import Console


def test_it_prints_a_message_whole_and_nothing_that_a_terminal_acts_on() -> None:
    stream = io.StringIO()
    said = json.dumps({"subject": "Two\x1b]0;x\x07 things", "body": "One: café\n\x1b[2JTwo\u202e\n"}).encode()
    outcome = Console("screen", stream).send(said, to="w1@council.example", message_id="<1@x>")
    assert outcome.kind == "accepted"
    lines = stream.getvalue().splitlines()
    assert lines[1:-1] == ["To: w1@council.example", "Subject: Two ]0;x  things", "", "One: café", " [2JTwo "]


def test_a_stream_that_is_closed_takes_it_later() -> None:
    stream = io.StringIO()
    stream.close()
    outcome = Console("screen", stream).send(b'{"subject": "s", "body": "b"}', to="x", message_id="<1@x>")
    assert (outcome.kind, outcome.about) == ("temporary", "channel")
