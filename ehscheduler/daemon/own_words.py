"""An authority's own templates: what is wrong with them is an alarm, once while it lasts."""

from datetime import datetime

from ehscheduler.daemon.desk import Desk
from ehscheduler.notify.own import own_words
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import alarms, clear_alarm, raise_alarm

TEMPLATE = "template"
ALL = "all templates"
"""What an alarm is about that is of the templates as they are written; one of a kind of message bears its name."""
MANY = 10_000


def template_faults(authority: Authority) -> list[str]:
    """Say what is wrong with an authority's templates as they are written."""
    return [*authority.template_faults, *own_words(authority.templates).faults]


def note_templates(desk: Desk, authority: Authority, now: datetime) -> None:
    """Raise an alarm for each kind of message whose own template failed, and clear those that were sent again."""
    wrong, state = template_faults(authority), own_words(authority.templates).state
    found = {ALL: wrong[0] if wrong else "", **state}
    with desk.store.read() as tx:
        known = {a.subject: a for a in alarms(tx, authority.name, limit=MANY) if a.code == TEMPLATE}
    written = {name.partition(".")[0] for name, _ in authority.templates}
    over = [subject for subject in known if not found.get(subject, "-" if subject in written and not wrong else "")]
    new = {subject: fault for subject, fault in found.items() if fault and subject not in known}
    if not over and not new:
        return
    with desk.store.begin() as tx:
        for subject in over:
            clear_alarm(tx, authority.name, code=TEMPLATE, subject=subject, at=now)
        for subject, fault in new.items():
            text = (
                f"a template of plugin {authority.name!r} cannot be used: {fault}; the scheduler's own words are sent"
            )
            raise_alarm(tx, authority.name, code=TEMPLATE, subject=subject, text=text, at=now)
