"""An authority as its council's configuration fits it: its own answers to readings, and settings that are checked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date

from ehscheduler.config import Answer, Config
from ehscheduler.core.phrases import read_span
from ehscheduler.core.policy import Policy, Reading, with_sitting_days
from ehscheduler.core.sitting_days import SAID, sitting_day
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import ConfigRefused, PhraseFault
from ehscheduler.plugins import Authority


def fitted(authority: Authority, config: Config, day: date) -> Authority:
    """Return an authority as it is on a day, with the council's answers in its policies.

    Raises ConfigRefused where a setting names what is not there.
    """
    authority = authority.as_of(day)
    faults = list(_faults(authority, config))
    if faults:
        raise ConfigRefused(faults)
    answers, moved = config.readings.get(authority.name, {}), config.sittings.get(authority.name, {})
    if moved:
        days = {name: {day: _held_on(to) for day, to in changes.items()} for name, changes in moved.items()}
        authority = replace(authority, calendar=authority.calendar.with_sittings(days))
    if answers:
        policies = (replace(p, readings=_answered(p, answers)) for p in authority.policies)
        authority = authority.with_policies(map(with_sitting_days, policies))
    return authority


def _held_on(to: date | str) -> date | None:
    return to if isinstance(to, date) else None


def _answered(policy: Policy, answers: dict[str, Answer]) -> dict[str, Reading]:
    readings = dict(policy.readings)
    for id_, answer in answers.items():
        if id_ not in readings:
            continue  # another edition asks it
        reading = readings[id_]
        readings[id_] = replace(
            reading,
            answer=answer.answer or reading.answer,
            value=answer.value or reading.value,
            taken_by="council" if answer.answer else reading.taken_by,
            signed_by=answer.signed_by,
            signed_on=answer.signed_on,
        )
    return readings


def _faults(authority: Authority, config: Config) -> Iterator[str]:
    policy, name = authority.policy, authority.name
    yield from _unknown(f"[readings.{name}]", "reading", config.readings.get(name, {}), policy.readings)
    yield from _answers(policy, name, config.readings.get(name, {}))
    yield from _sittings(policy, name, config.sittings.get(name, {}))
    rules = [id_ for one in authority.policies for id_ in one.rules]
    checks = [id_ for one in authority.policies for id_ in one.checks]
    yield from _unknown(f"[live.{name}] rules", "rule", config.live_for(name).rules or (), rules)
    yield from _unknown(f"[live.{name}] checks", "check", config.live_for(name).checks, checks)
    weekly = config.weekly.get(name)
    yield from _unknown(f"[weekly.{name}] to", "role", weekly.to if weekly else (), policy.roles)
    for n, step in enumerate(config.overdue_ladder(name), 1):
        yield from _unknown(f"[ladders.{name}] overdue step {n}", "role", step.who, policy.roles)


def _answers(policy: Policy, name: str, answers: Mapping[str, Answer]) -> Iterator[str]:
    days = {meeting.day_from for meeting in policy.meetings.values()}
    for id_, answer in answers.items():
        at = f"[readings.{name}.{id_}] value"
        if not answer.value:
            continue
        if id_ in days:
            if sitting_day(answer.value) is None:
                yield f"{at}: {answer.value!r} is not of the form {SAID}"
            continue
        try:
            read_span(answer.value)
        except PhraseFault as fault:
            yield f"{at}: {fault}"


def _sittings(policy: Policy, name: str, moved: Mapping[str, Mapping[date, date | str]]) -> Iterator[str]:
    """Report a moved sitting of a meeting that there is not, or of a day on which it does not sit."""
    for named, changes in moved.items():
        at, meeting = f"[sittings.{name}] {named}", policy.meetings.get(named.partition("/")[0])
        if meeting is None:
            yield from _unknown(f"[sittings.{name}]", "meeting", [named.partition("/")[0]], policy.meetings)
            continue
        for day in changes:
            if meeting.on and not meeting.on.is_on(day):
                yield f"{at}: {day:%A} {day.isoformat()} is no day on which it sits; name the day that was planned"


def _unknown(place: str, what: str, named: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    listed = list(known)
    yield from (f"{place}: no {what} {one!r}{nearest(one, listed)}" for one in named if one not in listed)


def strangers(config: Config, installed: Iterable[str]) -> list[str]:
    """Say which tables of the configuration are for authorities that are not installed."""
    known = list(installed)
    tables: dict[str, Mapping[str, object]] = {
        "live": config.live,
        "ladders": config.ladders,
        "readings": config.readings,
        "sittings": config.sittings,
        "duty": config.duty,
        "link": config.link,
        "weekly": config.weekly,
    }
    return [
        f"[{table}.{name}]: no authority {name!r} is installed{nearest(name, known)}"
        for table, by_authority in tables.items()
        for name in by_authority
        if name not in known
    ]
