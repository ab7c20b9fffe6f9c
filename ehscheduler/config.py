"""The configuration file: what a council's IT sets. Every fault is named with its place in the file."""

import os
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from ehscheduler.core.actions import OverdueStep
from ehscheduler.core.calendars import Span
from ehscheduler.core.drift import OURS, Numbers
from ehscheduler.core.phrases import read_span
from ehscheduler.core.preferences import KINDS, Preferences, read_digest_time, read_quiet
from ehscheduler.core.vocabulary import nearest
from ehscheduler.errors import ConfigRefused, PhraseFault

NEUTRAL_NAME = "Early Help reminders"
SQLITE = "sqlite:///"
Kind = Literal["digest", "immediate", "escalation", "dispute", "baseline", "weekly"]
Copied = Literal["digest", "immediate", "escalation", "dispute", "baseline"]
"""What a chat gets copies of; a manager's week names colleagues."""
SAFEGUARDING = "follow your council's safeguarding procedure; nothing here delays a referral"


def _length(text: str) -> str:
    try:
        span = read_span(text)
    except PhraseFault as fault:
        raise ValueError(str(fault)) from None
    if not isinstance(span, Span) or span.in_hours:
        raise ValueError(f"{text!r} must be a length in days, such as '1 working day'")
    return text


def _checked(read: Callable[[str], object]) -> Callable[[str], str]:
    """Make a check of a text that may be left empty from what reads it."""

    def check(text: str) -> str:
        if text:
            read(text)
        return text

    return check


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Database(_Table):
    """Where the rows are kept: a SQLite path, or a postgresql:// address."""

    url: str = "sqlite:///ehscheduler.db"


class Daemon(_Table):
    """How often the daemon looks, and how many deliveries it claims at a time."""

    tick_seconds: int = Field(default=60, ge=1, le=3600)
    batch: int = Field(default=100, ge=1, le=10_000)


class Mail(_Table):
    """How messages leave: by SMTP, or into a folder of .eml files for a trial."""

    channel: Literal["smtp", "file"] = "file"
    folder: str = "outbox"
    host: str = "localhost"
    port: int = Field(default=25, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    auth: Literal["plain", "xoauth2", "none"] | None = None
    username: str = ""
    password_env: str = "EHS_SMTP_PASSWORD"  # noqa: S105 - the name of a variable, not a password
    password_command: list[str] = []
    ca_file: str = ""
    sender: str = "early-help@localhost.invalid"
    sender_name: str = NEUTRAL_NAME
    return_path: str = ""
    deadline_seconds: int = Field(default=60, ge=5, le=600)

    @model_validator(mode="after")
    def _can_sign_in(self) -> Self:
        """Refuse settings with which nobody could sign in, or would not as the file seems to say."""
        if self.auth in ("plain", "xoauth2") and not self.username:
            raise ValueError(f'auth = "{self.auth}" needs a username; add one, or leave auth out')
        if self.auth == "none" and (self.username or self.password_command):
            raise ValueError('auth = "none" signs in to nothing; take out username and password_command, or auth')
        if self.password_command and not self.username:
            raise ValueError("password_command needs a username to sign in with; add one, or take the command out")
        if self.password_command and not (self.password_command[0] and "\0" not in "".join(self.password_command)):
            raise ValueError('password_command is a list of words, the first a program: ["get-token", "--for", "mail"]')
        return self

    @property
    def sign_in(self) -> Literal["plain", "xoauth2", "none"]:
        """Return how to sign in: as the file says, else with a password where there is a username."""
        return self.auth or ("plain" if self.username else "none")

    @property
    def password(self) -> str:
        """Return the password, or the token, from the environment; it is never in the file."""
        return os.environ.get(self.password_env, "")


class Egress(_Table):
    """How this machine reaches the web: through a proxy, trusting one more authority, and to which further hosts."""

    proxy: str = ""
    ca_file: str = ""
    also_allow: list[str] = []


class ChannelTable(_Table):
    """A way out beside mail; what is secret of it comes from the environment or from a file, and is never here."""

    kind: str
    secret_env: str = ""
    secret_file: str = ""
    references: bool = False
    template: str = ""
    url: str = ""

    @property
    def secret(self) -> str:
        """Return the address of a webhook, or a key; empty where there is none."""
        if self.secret_file:
            return Path(self.secret_file).read_text(encoding="utf-8").strip()
        return os.environ.get(self.secret_env, "") if self.secret_env else ""


class PreferencesTable(_Table):
    """What people prefer where they say nothing themselves: of an authority, or of one team in it.

    `channel` is for every kind of message that `by_kind` does not name.
    """

    channel: str = ""
    by_kind: dict[Kind, str] = {}
    digest_at: Annotated[str, AfterValidator(_checked(read_digest_time))] = ""
    quiet: Annotated[str, AfterValidator(_checked(read_quiet))] = ""

    @property
    def preferences(self) -> Preferences:
        usual: dict[str, str] = dict.fromkeys(KINDS, self.channel) if self.channel else {}
        return Preferences(
            {**usual, **{str(kind): name for kind, name in self.by_kind.items()}},
            read_digest_time(self.digest_at) if self.digest_at else None,
            read_quiet(self.quiet) if self.quiet else None,
        )


class TeamPreferences(PreferencesTable):
    """The same for one team, and which chats get a copy of which kinds: counts and titles, for many read them."""

    chats: dict[str, list[Copied]] = {}


class AuthorityPreferences(PreferencesTable):
    """What an authority's people prefer, and each of its teams; "*" is every team that is not named."""

    teams: dict[str, TeamPreferences] = {}


class Weekly(_Table):
    """A manager's week: from which day on it comes, on the first working morning, and to which roles of a team.

    Without roles it goes to the line managers of the team's people.
    """

    on: Literal["monday", "tuesday", "wednesday", "thursday", "friday"] = "monday"
    to: list[str] = []


class Operator(_Table):
    """Who hears when something is wrong with the service itself."""

    email: str = ""


class Live(_Table):
    """From when, and for which rules, an authority is live; `shadow` decides and records all, and sends nothing.

    Checks are told only where they are named: what a case system does not feed would fail every time. `fed` are rules
    that are told though no source has ever sent what meets them: the council knows that it will.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: date | None = Field(default=None, alias="from")
    rules: list[str] | None = None
    checks: list[str] = []
    mode: Literal["live", "shadow"] = "live"
    fed: list[str] = []


class LadderStep(_Table):
    """One rung of the council's own ladder for overdue work."""

    who: list[str] = Field(min_length=1)
    after: Annotated[str, AfterValidator(_length)]

    @property
    def step(self) -> OverdueStep:
        span = read_span(self.after)
        assert isinstance(span, Span)  # noqa: S101 - the validator has made sure
        return OverdueStep(tuple(self.who), span)


class Ladders(_Table):
    """The council's own ladder for overdue work, where its protocol names nobody."""

    overdue: list[LadderStep] = []


class Drift(_Table):
    """The council's own numbers for signs of drift, where its protocol has none; what is left out stays ours."""

    overdue: Annotated[str, AfterValidator(_length)] = ""
    silent: Annotated[str, AfterValidator(_length)] = ""
    times: int = Field(default=2, ge=2, le=20)

    @property
    def numbers(self) -> Numbers:
        lengths = {name: read_span(text) for name in ("overdue", "silent") if (text := getattr(self, name))}
        given = {name: span for name, span in lengths.items() if isinstance(span, Span)}
        return replace(OURS, times=self.times, **given)


class Heartbeat(_Table):
    """The address outside that hears that we are alive; it is a secret, and comes from the environment."""

    url_env: str = "EHS_HEARTBEAT_URL"
    every_seconds: int = Field(default=60, ge=10, le=86_400)
    deadline_seconds: int = Field(default=15, ge=1, le=60)

    @property
    def url(self) -> str:
        """Return the address from the environment; empty where nobody listens."""
        return os.environ.get(self.url_env, "")


class Feeds(_Table):
    """Within what length of time each feed is to come again; what is left out is not looked at.

    What is said of cases holds for the events that come with them, where nothing else is said of these.
    """

    cases: Annotated[str, AfterValidator(_length)] = ""
    events: Annotated[str, AfterValidator(_length)] = ""
    people: Annotated[str, AfterValidator(_length)] = ""
    absences: Annotated[str, AfterValidator(_length)] = ""

    @property
    def limits(self) -> dict[str, Span]:
        given = {name: read_span(text) for name in type(self).model_fields if (text := getattr(self, name))}
        return {name: span for name, span in given.items() if isinstance(span, Span)}


class Drop(_Table):
    """The folder into which a council's files come, and what its extract means; a file is whole when it has settled."""

    folder: str = Field(min_length=1)
    mapping: str = ""
    settle_seconds: int = Field(default=60, ge=0, le=3600)


class Answer(_Table):
    """The council's own answer to a reading."""

    answer: str = ""
    value: str = ""
    signed_by: str = ""
    signed_on: date | None = None


class Config(_Table):
    """The whole file; tables by authority are keyed by the authority's name."""

    database: Database = Database()
    daemon: Daemon = Daemon()
    mail: Mail = Mail()
    operator: Operator = Operator()
    link: dict[str, str] = {}
    live: dict[str, Live] = {}
    ladders: dict[str, Ladders] = {}
    readings: dict[str, dict[str, Answer]] = {}
    duty: dict[str, dict[str, str]] = {}
    drift: dict[str, Drift] = {}
    safeguarding: dict[str, str] = {}
    heartbeat: Heartbeat = Heartbeat()
    feeds: dict[str, Feeds] = {}
    drop: dict[str, Drop] = {}
    egress: Egress = Egress()
    channels: dict[str, ChannelTable] = {}
    preferences: dict[str, AuthorityPreferences] = {}
    weekly: dict[str, Weekly] = {}
    sittings: dict[str, dict[str, dict[date, date | Literal["cancelled"]]]] = {}

    def live_for(self, authority: str) -> Live:
        return self.live.get(authority) or Live.model_validate({})

    def named(self) -> list[str]:
        """Return the authorities that the file has a table or a line for, in order."""
        tables = (
            self.link,
            self.live,
            self.ladders,
            self.readings,
            self.duty,
            self.drift,
            self.safeguarding,
            self.feeds,
            self.drop,
            self.preferences,
            self.weekly,
        )
        return sorted({name for table in tables for name in table})

    def safeguarding_route(self, authority: str) -> str:
        """Return what a council says is to be done when a child may be at risk of harm."""
        return self.safeguarding.get(authority, SAFEGUARDING).rstrip(".")

    def feeds_for(self, authority: str) -> dict[str, Span]:
        """Return within what time each feed of an authority is to come again."""
        return self.feeds.get(authority, Feeds()).limits

    def drift_numbers(self, authority: str) -> Numbers:
        """Return from when on a case drifts in an authority: ours, or what the council set."""
        return self.drift.get(authority, Drift()).numbers

    def overdue_ladder(self, authority: str) -> tuple[OverdueStep, ...]:
        """Return the council's own ladder for overdue work; empty where it set none."""
        return tuple(step.step for step in self.ladders.get(authority, Ladders()).overdue)


def read_config(path: Path) -> Config:
    """Read the configuration; raise ConfigRefused with every fault, each naming its place.

    Paths in it that are relative count from the folder of the file itself, wherever the command runs.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigRefused(
            [f"{path}: there is no such file; make one with 'ehscheduler init', or name it with --config"]
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigRefused([f"{path}: cannot be read as UTF-8 text: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigRefused([f"{path}: is not TOML: {error}"]) from None
    return _from_folder(config_from(raw, str(path)), path.absolute().parent)


def _from_folder(config: Config, folder: Path) -> Config:
    mail, url = config.mail, config.database.url
    ca_file = str(folder / mail.ca_file) if mail.ca_file else ""
    settled = mail.model_copy(update={"folder": str(folder / mail.folder), "ca_file": ca_file})
    if "://" not in url:
        url = str(folder / url)
    elif url.startswith(SQLITE) and url != SQLITE:
        url = f"{SQLITE}{folder / url.removeprefix(SQLITE)}"
    channels = {
        name: table.model_copy(update={"secret_file": str(folder / table.secret_file) if table.secret_file else ""})
        for name, table in config.channels.items()
    }
    egress = config.egress
    if egress.ca_file:
        egress = egress.model_copy(update={"ca_file": str(folder / egress.ca_file)})
    drops = {
        name: drop.model_copy(
            update={"folder": str(folder / drop.folder), "mapping": str(folder / drop.mapping) if drop.mapping else ""}
        )
        for name, drop in config.drop.items()
    }
    new = {"drop": drops, "mail": settled, "database": Database(url=url), "channels": channels, "egress": egress}
    return config.model_copy(update=new)


def config_from(raw: dict[str, Any], name: str) -> Config:
    """Check a configuration that was read from `name`."""
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        raise ConfigRefused([_sentence(name, fault) for fault in error.errors()]) from None
    faults = [
        f"{name} [link] {authority}: the template must be an https address with {{case_ref}} in it"
        for authority, template in config.link.items()
        if not template.startswith("https://") or "{case_ref}" not in template
    ]
    folders = [os.path.normpath(drop.folder) for drop in config.drop.values()]
    faults += [
        f"{name} [drop.{authority}] folder: another authority has this folder too; give each its own"
        for authority, drop in config.drop.items()
        if folders.count(os.path.normpath(drop.folder)) > 1
    ]
    if faults:
        raise ConfigRefused(faults)
    return config


def _sentence(name: str, fault: Any) -> str:
    *tables, key = [str(part) for part in fault["loc"]] or ["", ""]
    at = f"{name} [{'.'.join(tables)}] {key}" if tables else f"{name} [{key}]"
    if fault["type"] == "extra_forbidden":
        return f"{at}: there is no such setting{nearest(key, _known(tables))}"
    return f"{at}: {fault['msg']}"


def _known(tables: list[str]) -> list[str]:
    model: Any = {"database": Database, "daemon": Daemon, "mail": Mail, "operator": Operator, "live": Live}.get(
        tables[0] if tables else "", Config
    )
    return [field.alias or name for name, field in model.model_fields.items()]
