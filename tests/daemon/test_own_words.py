"""A council's own templates in a real delivery: sent where they are sound, else ours, and an alarm once."""

from dataclasses import replace

import pytest

from tests.daemon.house import NAME, PEOPLE, House

SOUND = """\
Good morning, {{ message.to.name }}.
{% for section in sections %}
{% for group in section.groups %}
{% for line in group.lines %}
{{ line.case_ref }}: {{ line.title }} (clause {{ line.clause }}). {{ line | when }}
{% endfor %}
{% endfor %}
{% endfor %}
"""
HUNG = SOUND + "".join(f"{{% for x{n} in 'aaaaaaaaaaaaaaaa' %}}" for n in range(9)) + "{% endfor %}" * 9


def words(house: House, text: str, *faults: str) -> None:
    """Give the authority a template for its digest, as its plugin does."""
    texts = (("digest.txt", text),) if text else ()
    house.authority = replace(house.authority, templates=texts, template_faults=faults)


@pytest.fixture
def begun(house: House) -> House:
    """A service that is live, with a case whose first visit is due in three working days."""
    house.live()
    house.people(*PEOPLE)
    house.case("C1", "2026-03-02 08:00 allocation")
    return house


def told(house: House, day: str) -> str:
    """Have the digests of a day sent, and return the text of that to the lead of the case."""
    found = [mail.text for mail in house.turn(f"{day} 08:30") if mail.to == "w1@council.example"]
    assert len(found) == 1, found
    return found[0]


def test_a_digest_goes_out_in_the_councils_own_words(begun: House) -> None:
    words(begun, SOUND)
    assert "Good morning" in told(begun, "2026-03-11")
    assert begun.alarms("template") == []


@pytest.mark.parametrize(
    "text", [SOUND + "{{ message.nope }}", HUNG, "Nothing to do."], ids=["fails", "hangs", "says less"]
)
def test_ours_is_sent_instead_and_the_operator_hears_once_until_it_works_again(begun: House, text: str) -> None:
    words(begun, text)
    assert "What to do next" in told(begun, "2026-03-11")
    (alarm,) = begun.alarms("template")
    assert alarm.subject == "digest"
    assert "the scheduler's own words are sent" in alarm.text
    begun.case("C2", "2026-03-03 08:00 allocation")
    assert "What to do next" in told(begun, "2026-03-12")
    assert [one.id for one in begun.alarms("template", open_only=False)] == [alarm.id]
    words(begun, SOUND)
    begun.case("C3", "2026-03-04 08:00 allocation")
    assert "Good morning" in told(begun, "2026-03-13")
    assert begun.alarms("template") == []


def test_templates_that_are_wrong_as_written_are_an_alarm_and_harm_no_reader(begun: House) -> None:
    words(begun, "{% if %}")
    assert "What to do next" in told(begun, "2026-03-11")
    (alarm,) = begun.alarms("template")
    assert (alarm.authority, alarm.subject) == (NAME, "all templates")
    assert "digest.txt line 1" in alarm.text
    words(begun, "")
    begun.case("C2", "2026-03-03 08:00 allocation")
    told(begun, "2026-03-12")
    assert begun.alarms("template") == []


def test_what_the_plugin_could_not_give_is_the_same_alarm(begun: House) -> None:
    words(begun, "", "ehscheduler_templates 'digest.txt': is longer than 32768 bytes; shorten it")
    assert "What to do next" in told(begun, "2026-03-11")
    assert "32768 bytes" in begun.alarms("template")[0].text
