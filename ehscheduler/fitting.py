"""An authority as its council's configuration fits it: its own answers to readings, and settings that are checked."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ehscheduler.config import Answer, Config
from ehscheduler.core.phrases import read_span
from ehscheduler.core.policy import Policy, Reading
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import ConfigRefused, PhraseFault
from ehscheduler.plugins import Authority


def fitted(authority: Authority, config: Config) -> Authority:
    """Put the council's answers into the policies; raise ConfigRefused where a setting names what is not there."""
    faults = list(_faults(authority, config))
    if faults:
        raise ConfigRefused(faults)
    answers = config.readings.get(authority.name, {})
    if not answers:
        return authority
    policies = tuple(replace(p, readings=_answered(p, answers)) for p in authority.policies)
    return replace(authority, policies=policies)


def _answered(policy: Policy, answers: dict[str, Answer]) -> dict[str, Reading]:
    readings = dict(policy.readings)
    for id_, answer in answers.items():
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
    for id_, answer in config.readings.get(name, {}).items():
        try:
            if answer.value:
                read_span(answer.value)
        except PhraseFault as fault:
            yield f"[readings.{name}.{id_}] value: {fault}"
    yield from _unknown(f"[live.{name}] rules", "rule", config.live_for(name).rules or (), policy.rules)
    yield from _unknown(f"[live.{name}] checks", "check", config.live_for(name).checks, policy.checks)
    for n, step in enumerate(config.overdue_ladder(name), 1):
        yield from _unknown(f"[ladders.{name}] overdue step {n}", "role", step.who, policy.roles)


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
        "duty": config.duty,
        "link": config.link,
    }
    return [
        f"[{table}.{name}]: no authority {name!r} is installed{nearest(name, known)}"
        for table, by_authority in tables.items()
        for name in by_authority
        if name not in known
    ]
