"""The ways out beside mail, as `[channels.NAME]` names them: ours are a plugin like anybody else's.

A kind of channel comes from a plugin in the group `ehscheduler.channels`. One that cannot be loaded, or made of its
settings, is named, and the others go on; what was to leave by it leaves by mail.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path

import pluggy

from ehscheduler import hookspecs
from ehscheduler.config import ChannelTable, Config
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import where
from ehscheduler.hookspecs import hookimpl
from ehscheduler.notify.channel import WEB_DEADLINE
from ehscheduler.notify.chat import slack_body, teams_body
from ehscheduler.notify.chat_words import chat_subject
from ehscheduler.notify.console import Console
from ehscheduler.notify.egress import Reach
from ehscheduler.notify.files import FileChannel
from ehscheduler.notify.govuk import Notify, id_in
from ehscheduler.notify.govuk_wire import NOTIFY
from ehscheduler.notify.mail import Rendered, Sender
from ehscheduler.notify.messages import Message
from ehscheduler.notify.render import render
from ehscheduler.notify.secret import Secret
from ehscheduler.notify.ways import CHAT, Became, Way, Written, by_mail
from ehscheduler.notify.webhooks import Slack, Teams, Webhook

GROUP = "ehscheduler.channels"


@dataclass(frozen=True, slots=True)
class Setting:
    """One `[channels.NAME]` as a maker of ways sees it."""

    name: str
    secret: Secret
    table: ChannelTable
    reach: Reach
    sender: Sender


Maker = Callable[[Setting], Way]


class OurChannels:
    """The kinds that come with the scheduler."""

    @hookimpl
    def ehscheduler_channels(self) -> Mapping[str, Maker]:
        """Return Slack, Teams, GOV.UK Notify, a folder of files, and the terminal."""
        return {
            "slack": partial(_chat, Slack, slack_body),
            "teams": partial(_chat, Teams, teams_body),
            "notify": _notify,
            "file": _file,
            "console": _console,
        }


def _chat(kind: type[Webhook], body: Callable[..., bytes], setting: Setting) -> Way:
    name = f"{CHAT}{setting.name}"
    channel = kind(name, setting.secret, setting.reach)
    _refuse(channel.faults())

    def write(message: Message, to: str, message_id: str, now: datetime) -> Written:
        return Written(chat_subject(message), body(message, references=setting.table.references))

    return Way(name, channel, write, WEB_DEADLINE)


def _notify(setting: Setting) -> Way:
    channel = Notify(
        setting.secret,
        setting.table.template,
        base_url=setting.table.url or NOTIFY,
        reach=setting.reach,
        name=setting.name,
    )
    _refuse(channel.faults())

    def write(message: Message, to: str, message_id: str, now: datetime) -> Written:
        return of_words(render(message), to, message_id, now)

    def of_words(rendered: Rendered, to: str, message_id: str, now: datetime) -> Written:
        return _in_words(rendered, email_address=to)

    def ask(answers: Sequence[str]) -> Mapping[str, Became]:
        ids = {id_: answer for answer in answers if (id_ := id_in(answer))}
        return {ids[id_]: became for id_, became in channel.states(ids).items()}

    return Way(setting.name, channel, write, WEB_DEADLINE, ask, of_words)


def _in_words(rendered: Rendered, **more: str) -> Written:
    """Write a message as its subject and its text alone."""
    fields = {**more, "subject": rendered.subject, "body": rendered.text}
    return Written(rendered.subject, json.dumps(fields, ensure_ascii=False).encode())


def _console(setting: Setting) -> Way:
    def write(message: Message, to: str, message_id: str, now: datetime) -> Written:
        return _in_words(render(message))

    def of_words(rendered: Rendered, to: str, message_id: str, now: datetime) -> Written:
        return _in_words(rendered)

    return Way(setting.name, Console(setting.name), write, of_words=of_words)


def _file(setting: Setting) -> Way:
    if not setting.table.url:
        raise ValueError("no folder: name it with url")
    way = by_mail(FileChannel(Path(setting.table.url)), setting.sender, WEB_DEADLINE)
    return Way(setting.name, way.channel, way.write, WEB_DEADLINE, of_words=way.of_words)


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ValueError("; ".join(faults))


# ---- finding and making


def makers() -> tuple[dict[str, Maker], list[str]]:
    """Return the makers of every kind of channel that is installed, and what could not be loaded."""
    manager = pluggy.PluginManager(hookspecs.hookspec.project_name)
    manager.add_hookspecs(hookspecs)
    manager.register(OurChannels())
    found: dict[str, Maker] = {}
    faults: list[str] = []
    for point in entry_points(group=GROUP):
        try:
            manager.register(point.load(), name=point.name)
        except Exception as error:  # somebody else's code: whatever it raises is named, and the others go on
            faults.append(f"channel plugin {point.name!r} could not be loaded ({where(error)})")
    for own in reversed(manager.hook.ehscheduler_channels()):
        found = {**own, **found}
    return found, faults


def ways_of(config: Config, sender: Sender) -> tuple[dict[str, Way], list[str]]:
    """Make the ways that a configuration names, by their names, and say which cannot be made and why."""
    ways: dict[str, Way] = {}
    known, faults = makers() if config.channels else ({}, [])
    egress = config.egress
    ca_file = Path(egress.ca_file) if egress.ca_file else None
    reach = Reach(proxy=egress.proxy, ca_file=ca_file, also_allow=tuple(egress.also_allow))
    for name, table in config.channels.items():
        if table.kind not in known:
            hint = nearest(table.kind, list(known))
            faults.append(f"[channels.{name}] kind: {table.kind!r} is none of {', '.join(sorted(known))}{hint}")
            continue
        try:
            way = known[table.kind](Setting(name, Secret(table.secret), table, reach, sender))
        except (ValueError, OSError) as fault:
            faults.append(f"[channels.{name}]: {_said(fault)}")
        else:
            ways[way.name] = way
    return ways, [*faults, *_unknown(config, {way.removeprefix(CHAT) for way in ways} | set(config.channels))]


def _said(fault: Exception) -> str:
    return f"its secret_file cannot be read: {fault.strerror}" if isinstance(fault, OSError) else str(fault)


def _unknown(config: Config, named: set[str]) -> list[str]:
    """Say which preferences name a channel that there is not."""
    faults: list[str] = []
    for authority, table in config.preferences.items():
        for place, one in (("", table), *((f".teams.{team}", own) for team, own in table.teams.items())):
            wanted = [*one.preferences.channels.values(), *getattr(one, "chats", ())]
            for name in dict.fromkeys(w for w in wanted if w and w != "mail" and w not in named):
                hint = nearest(name, sorted(named))
                faults.append(f"[preferences.{authority}{place}]: there is no [channels.{name}]{hint}")
    return faults
