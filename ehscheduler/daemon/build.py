"""Builds the desk from the configuration: the way out, the sender, and who claims."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from ehscheduler.address import address_fault
from ehscheduler.channels import ways_of
from ehscheduler.config import Config
from ehscheduler.daemon.desk import Desk
from ehscheduler.errors import ConfigRefused
from ehscheduler.notify.channel import Channel
from ehscheduler.notify.files import FileChannel
from ehscheduler.notify.links import link_fault
from ehscheduler.notify.mail import Sender, sender_faults
from ehscheduler.notify.relay import Server, server_faults
from ehscheduler.notify.smtp import Mailer
from ehscheduler.plugins import Authority
from ehscheduler.store.alarms import alarms, clear_alarm, raise_alarm
from ehscheduler.store.schema import EVERYWHERE
from ehscheduler.store.store import Store

CHANNEL = "channel"


def desk_of(
    config: Config, store: Store, authorities: Mapping[str, Authority], worker: str, now: datetime | None = None
) -> Desk:
    """Make the desk; raise ConfigRefused where mail could never leave as configured.

    A further way that cannot be made is an alarm, where `now` is given: what was to leave by it leaves by mail.
    """
    faults = setting_faults(config)
    if faults:
        raise ConfigRefused(faults)
    sender = Sender(config.mail.sender_name, config.mail.sender)
    further, wrong = ways_of(config, sender)
    if now is not None:
        note_ways(store, wrong, now)
    return Desk(
        store=store,
        config=config,
        authorities=authorities,
        channel=channel_of(config),
        sender=sender,
        worker=worker,
        further=further,
    )


def setting_faults(config: Config) -> list[str]:
    """Say which addresses and links of the configuration no message could be written with."""
    faults = [f"[mail] {fault}" for fault in sender_faults(Sender(config.mail.sender_name, config.mail.sender))]
    if config.operator.email and (fault := address_fault(config.operator.email)):
        faults.append(f"[operator] email: {fault}")
    for name, teams in config.duty.items():
        named = ((team, address_fault(email)) for team, email in teams.items())
        faults += [f"[duty.{name}] {team}: {fault}" for team, fault in named if fault]
    links = ((name, link_fault(template)) for name, template in config.link.items())
    return faults + [f"[link] {name}: {fault}" for name, fault in links if fault]


def note_plugins(store: Store, known: Iterable[str], faults: Mapping[str, str], now: datetime) -> None:
    """Tell the operator which authorities could not be loaded, and note which can be again."""
    with store.begin() as tx:
        for name in known:
            if name in faults:
                text = f"{faults[name].splitlines()[0]}; nothing is decided for {name} until this is put right"
                raise_alarm(tx, EVERYWHERE, code="plugin", subject=name, text=text, at=now)
            else:
                clear_alarm(tx, EVERYWHERE, code="plugin", subject=name, at=now)


def note_ways(store: Store, faults: Sequence[str], now: datetime) -> None:
    """Tell the operator which channels cannot be used, and note which can be again."""
    with store.begin() as tx:
        for alarm in alarms(tx, EVERYWHERE):
            if alarm.code == CHANNEL and alarm.subject not in faults:
                clear_alarm(tx, EVERYWHERE, code=CHANNEL, subject=alarm.subject, at=now)
        for fault in faults:
            text = f"{fault}; until it is put right, mail is used instead"
            raise_alarm(tx, EVERYWHERE, code=CHANNEL, subject=fault, text=text, at=now)


def channel_of(config: Config) -> Channel:
    """Make the way out that the configuration names."""
    if config.mail.channel == "file":
        return FileChannel(Path(config.mail.folder))
    server = server_of(config)
    faults = [f"[mail] {fault}" for fault in server_faults(server)]
    if faults:
        raise ConfigRefused(faults)
    return Mailer(server)


def server_of(config: Config) -> Server:
    mail = config.mail
    return Server(
        host=mail.host,
        port=mail.port,
        envelope_from=mail.return_path,
        security=mail.security,
        auth=mail.sign_in,
        username=mail.username,
        password=mail.password if mail.username and not mail.password_command else "",
        password_command=tuple(mail.password_command),
        ca_file=Path(mail.ca_file) if mail.ca_file else None,
        connect_within=min(10.0, mail.deadline_seconds / 2),
    )
