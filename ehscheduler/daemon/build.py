"""Builds the desk from the configuration: the way out, the sender, and who claims."""

from collections.abc import Mapping
from pathlib import Path

from ehscheduler.config import Config
from ehscheduler.daemon.desk import Desk
from ehscheduler.errors import ConfigRefused
from ehscheduler.notify.channel import Channel
from ehscheduler.notify.files import FileChannel
from ehscheduler.notify.mail import Sender, sender_faults
from ehscheduler.notify.relay import Server, server_faults
from ehscheduler.notify.smtp import Mailer
from ehscheduler.plugins import Authority
from ehscheduler.store.store import Store


def desk_of(config: Config, store: Store, authorities: Mapping[str, Authority], worker: str) -> Desk:
    """Make the desk; raise ConfigRefused where mail could never leave as configured."""
    sender = Sender(config.mail.sender_name, config.mail.sender)
    faults = [f"[mail] {fault}" for fault in sender_faults(sender)]
    if faults:
        raise ConfigRefused(faults)
    return Desk(
        store=store,
        config=config,
        authorities=authorities,
        channel=channel_of(config),
        sender=sender,
        worker=worker,
    )


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
        username=mail.username,
        password=mail.password if mail.username else "",
        ca_file=Path(mail.ca_file) if mail.ca_file else None,
        connect_within=min(10.0, mail.deadline_seconds / 2),
    )
