"""The doctor's questions: is the installation sound, and is anything waiting for the operator?"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from ehscheduler.channels import ways_of
from ehscheduler.config import Config, read_config
from ehscheduler.core.calendars import london_day
from ehscheduler.core.saying import said_moment
from ehscheduler.daemon.build import channel_of, server_of, setting_faults
from ehscheduler.daemon.coverage import CODE, asked_at, is_due
from ehscheduler.daemon.feeds_fed import never_told, unfed
from ehscheduler.daemon.feeds_state import NOT_FED
from ehscheduler.daemon.heartbeat import last_beat
from ehscheduler.daemon.limits import taken_as_full_time
from ehscheduler.errors import EhsError
from ehscheduler.fitting import fitted, strangers
from ehscheduler.notify.beat import address_faults
from ehscheduler.notify.mail import Sender
from ehscheduler.notify.smtp import Mailer
from ehscheduler.plugins import Authority, installed, load
from ehscheduler.store.alarms import alarms, clear_alarm
from ehscheduler.store.cases import case_refs, faulty_cases
from ehscheduler.store.faults import Place
from ehscheduler.store.imports import imports, rows_set_aside
from ehscheduler.store.mounts import share_under
from ehscheduler.store.outbox import count_deliveries
from ehscheduler.store.people import people_of
from ehscheduler.store.schema import EVERYWHERE
from ehscheduler.store.store import Store
from ehscheduler.store.trail import append_trail
from ehscheduler.store.tx import Tx

GRACE = timedelta(hours=1)
"""How long after its time in the morning coverage may be asked before it counts as not asked."""
NAMED = 10
"""So many people are named where a question is about more."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One answer: about what, whether all is well, and the sentence."""

    area: str
    ok: bool
    said: str


def check_up(config: Path, now: datetime) -> list[Finding]:
    """Ask every question; a question that cannot be asked is itself a finding."""
    try:
        settings = read_config(config)
    except EhsError as error:
        return [Finding("configuration", False, line) for line in str(error).splitlines()]
    found = [Finding("configuration", True, f"{config} is read"), *_mail(settings), *_channels(settings)]
    found += [Finding("configuration", False, line) for line in strangers(settings, installed())]
    authorities = []
    for name in installed():
        try:
            authorities.append(fitted(load(name), settings, london_day(now)))
            found.append(Finding(f"plugin {name}", True, _plugin(authorities[-1])))
        except EhsError as error:
            found += [Finding(f"plugin {name}", False, line) for line in str(error).splitlines()]
    if not authorities:
        found.append(Finding("plugins", False, "no authority can be used; install one of plugins/*"))
    return [*found, *_database(settings, authorities, now)]


def _plugin(authority: Authority) -> str:
    readings = authority.policy.readings.values()
    unsigned = sum(1 for reading in readings if not reading.signed_by)
    return f"{len(authority.policy.rules)} rules, {len(readings)} readings of which {unsigned} are not signed"


def _channels(config: Config) -> Iterator[Finding]:
    ways, faults = ways_of(config, Sender(config.mail.sender_name, config.mail.sender))
    yield from (Finding("channels", False, f"{fault}; mail is used instead") for fault in faults)
    for name in sorted(ways):
        yield Finding("channels", True, f"{name} is set up; try it with 'ehscheduler notify test'")
    egress = config.egress
    through = f"through {egress.proxy}" if egress.proxy else "directly"
    further = f"; further hosts: {', '.join(egress.also_allow)}" if egress.also_allow else ""
    if config.channels:
        yield Finding("egress", True, f"the web is reached {through}{further}")


def _mail(config: Config) -> Iterator[Finding]:
    faults = setting_faults(config)
    try:
        channel_of(config)
    except EhsError as error:
        faults += str(error).splitlines()
    if faults:
        yield from (Finding("mail", False, fault) for fault in faults)
        return
    if config.mail.channel == "file":
        yield Finding("mail", True, f"messages are written to {config.mail.folder}; nothing is sent")
        return
    outcome = Mailer(server_of(config)).check(deadline=float(config.mail.deadline_seconds))
    where = f"{config.mail.host}:{config.mail.port}"
    yield Finding("mail", outcome.kind == "accepted", f"{where} answers: {outcome.answer}")
    if not config.operator.email:
        yield Finding("operator", False, "[operator] email is empty: nobody hears when the service is in trouble")


def _database(config: Config, authorities: list[Authority], now: datetime) -> Iterator[Finding]:
    try:
        with Store.open(config.database.url) as store:
            faults = [*store.faults(), *_share(store.place)]
            yield from (Finding("database", False, fault) for fault in faults)
            if not faults:
                yield Finding("database", True, f"{store.place.name} is sound")
            with store.read() as tx:
                for authority in authorities:
                    yield from _authority(tx, authority.name)
                    yield from _coverage(tx, authority, now)
                    yield from _shares(tx, authority, now)
                    yield from _fed(tx, authority, config, now)
                yield from _heartbeat(tx, config)
                for alarm in (alarm for alarm in alarms(tx) if alarm.code != NOT_FED):  # named above, as a question
                    whose = "" if alarm.authority == EVERYWHERE else f"{alarm.authority}: "
                    said = f"{alarm.text} (since {said_moment(alarm.at)})"
                    yield Finding(f"{whose}alarm ({alarm.code})", False, said)
    except EhsError as error:
        yield Finding("database", False, str(error))


def _share(place: Place) -> Iterator[str]:
    if place.path and (kind := share_under(place.path)):
        why = f"a network share ({kind}), where writes may be lost"
        yield f"{place.name} lies on {why}: move it to a disk of this machine"


def _authority(tx: Tx, name: str) -> Iterator[Finding]:
    count = len(case_refs(tx, name))
    if not count:
        yield Finding(name, True, "no cases yet; bring some in with 'ehscheduler import'")
        return
    faulty = faulty_cases(tx, name)
    for record in faulty[:20]:
        yield Finding(name, False, f"case {record.case_ref} could not be worked out: {record.fault}")
    people = len(people_of(tx, name))
    if not people:
        yield Finding(name, False, "nobody is in the directory; import people.csv")
    counts = count_deliveries(tx, name)
    said = ", ".join(f"{n} {state.replace('_', ' ')}" for state, n in sorted(counts.items())) or "nothing in the outbox"
    dead = counts.get("dead", 0) + counts.get("refused", 0)
    yield Finding(name, not dead, f"{count} cases, {people} people; {said}")
    runs = imports(tx, name)
    for run in (run for run in runs if run.read_at == runs[0].read_at):  # the files of the last import
        for row in rows_set_aside(tx, name, run.id)[:20]:
            yield Finding(name, False, f"{run.file}: {row.reason}")


def _coverage(tx: Tx, authority: Authority, now: datetime) -> Iterator[Finding]:
    """Tell when coverage was asked last, and of how much that is not covered; each of these is an alarm of its own."""
    last = asked_at(tx, authority.name)
    if last is None:
        return  # the first turn asks; without one there is nothing to be late
    about = f"{authority.name} coverage"
    if is_due(tx, authority, now - GRACE):
        text = f"was asked last at {said_moment(last)}, and is asked each working morning: is the daemon running?"
        yield Finding(about, False, text)
        return
    open_ = sum(1 for alarm in alarms(tx, authority.name, limit=100_000) if alarm.code == CODE)
    said = f"{open_} not covered, listed below" if open_ else "all is covered"
    yield Finding(about, not open_, f"asked at {said_moment(last)}: {said}")


def _shares(tx: Tx, authority: Authority, now: datetime) -> Iterator[Finding]:
    """Ask about the hours of those who count as full time, where a limit goes by them; a question, and no fault."""
    full = taken_as_full_time(tx, authority, now)
    if not full:
        return
    more = f" and {len(full) - NAMED} more" if len(full) > NAMED else ""
    who = f"{', '.join(full[:NAMED])}{more} count as full time" if len(full) > 1 else f"{full[0]} counts as full time"
    text = f"{who}, as people.csv says nothing else: is it so? if not, give their full_time_share"
    yield Finding(f"{authority.name} limits of work", True, text)


def _fed(tx: Tx, authority: Authority, config: Config, now: datetime) -> Iterator[Finding]:
    """Name the rules that nobody could meet, and those that told nobody anything for long; questions, and no faults."""
    about = f"{authority.name} rules"
    for one in (one for one in unfed(tx, authority, config) if one.silent):
        remedy = f"feed it, or confirm it with [live.{authority.name}] fed, or leave it out of rules"
        yield Finding(about, True, f"{one.said}: {remedy}")
    if unbegun := [one.rule for one in unfed(tx, authority, config) if not one.silent]:
        yield Finding(about, True, f"not fed, and not begun on any case: {', '.join(unbegun)}")
    if quiet := never_told(tx, authority, config, now):
        yield Finding(about, True, f"told nobody anything in the last eight weeks: {', '.join(quiet)}")


def _heartbeat(tx: Tx, config: Config) -> Iterator[Finding]:
    """Tell when the address outside was called last; the address itself is a secret, and never shown."""
    settings = config.heartbeat
    if not settings.url:
        yield Finding("heartbeat", True, f"no address is in {settings.url_env}: nobody outside hears if this stops")
        return
    faults = address_faults(settings.url)
    yield from (Finding("heartbeat", False, f"{fault} ({settings.url_env})") for fault in faults)
    noted = last_beat(tx)
    if faults:
        return
    if noted is None:
        yield Finding("heartbeat", True, "has not beaten yet; it does after a turn in which all was well")
        return
    taken = datetime.fromisoformat(noted["taken"]) if noted["taken"] else None
    beat = f"last beat at {said_moment(taken)}" if taken else "no beat was taken yet"
    tried = datetime.fromisoformat(noted["tried"])
    if tried == taken:
        yield Finding("heartbeat", True, f"{beat}; it is silent while an alarm stands")
    else:
        yield Finding("heartbeat", False, f"{beat}; tried at {said_moment(tried)}: {noted['said']}")


def clear_alarms(store: Store, code: str, *, now: datetime, by: str) -> int:
    """Settle every open alarm of a kind, and note who did; what still lasts is raised again. Return how many."""
    with store.begin() as tx:
        found = [alarm for alarm in alarms(tx, limit=100_000) if alarm.code == code]
        for alarm in found:
            clear_alarm(tx, alarm.authority, code=code, subject=alarm.subject, at=now)
            said = {"code": code, "subject": alarm.subject}
            append_trail(tx, alarm.authority, at=now, who=by, act="clear alarm", detail=said)
    return len(found)
