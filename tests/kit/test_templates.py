"""A missing field fails a plugin's test suite, and not its readers."""

from dataclasses import fields, replace

import pytest
from kit_samples import Build

from ehscheduler.kit import PROOFS, Plugin, template_faults
from ehscheduler.kit.templates import samples
from ehscheduler.notify.messages import faults_of
from ehscheduler.notify.own import KINDS
from ehscheduler.notify.render import render

SOUND = """\
{% for section in sections %}{% for group in section.groups %}{% for line in group.lines %}
{{ line.case_ref }} (clause {{ line.clause }}). {{ line | when }} {OWN}
{% endfor %}{% endfor %}{% endfor %}
"""


def faults(build: Build, **texts: str) -> list[str]:
    made = build()
    own = tuple((name.replace("_", "."), text) for name, text in texts.items())
    return template_faults(Plugin(replace(made.authority, templates=own)))


def test_a_plugin_without_templates_and_one_with_sound_ones_have_nothing_to_mend(build: Build) -> None:
    assert template_faults in PROOFS
    assert faults(build) == []
    assert faults(build, digest_txt=SOUND.replace("{OWN}", ""), dispute_subject="{{ subject }}") == []


UNSOUND = {
    "a field that there is not": ("{{ line.family_name }}", "digest.txt line 2: UndefinedError: 'family_name'"),
    "a field that may be empty": ("{{ line.link ~ line.link.nope }}", "'nope'"),
    "only when it is full": ("{% if line.link %}{{ line.nope }}{% endif %}", "with every field full"),
    "only when it is empty": ("{% if not line.link %}{{ line.nope }}{% endif %}", "with every field empty"),
    "an unknown filter": ("{{ line.title | uper }}", "digest.txt line 2: no filter 'uper'; did you mean 'upper'?"),
}


@pytest.mark.parametrize("fault", UNSOUND)
def test_what_would_fail_for_some_message_is_named(build: Build, fault: str) -> None:
    own, said = UNSOUND[fault]
    found = faults(build, digest_txt=SOUND.replace("{OWN}", own))
    assert any(said in one for one in found), found


def test_there_is_a_message_of_each_kind_empty_and_full_and_each_could_be_sent() -> None:
    made = dict(samples())
    assert len(made) == 2 * len(KINDS)
    for said, message in made.items():
        assert faults_of(message) == []
        assert render(message).text
        if said.endswith("full"):
            empty = [one.name for one in fields(message) if getattr(message, one.name) in ("", (), None)]
            assert empty == []
