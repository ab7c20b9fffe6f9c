"""The tables. Every primary key and unique key begins with `authority`; names are those of the glossary.

Absent parts of a milestone's identity are '' (child, ref) and 0 (n), because a key cannot hold nulls. What concerns
the whole installation and no one authority stands under the authority EVERYWHERE.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    text,
)

from ehscheduler.store.types import Instant, Json, Words

HEAD = "0003"
"""The newest migration; a test holds it to the migrations folder."""

EVERYWHERE = "*"

DELIVERY_STATES = ("waiting", "claimed", "handed_over", "refused", "dropped", "dead")
MESSAGE_STATES = ("claimed", "uncertain", "handed_over", "dissolved", "refused", "dead", "withdrawn")
MILESTONE_STATES = ("upcoming", "due", "overdue", "met", "met_late", "on_hold", "cancelled", "waived")
APPEND_ONLY = ("event", "trail")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _authority() -> Column[str]:
    return Column("authority", Text, nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False)


def _maybe(name: str, kind: Any = Text) -> Column[Any]:
    return Column(name, kind, nullable=True)


def _must(name: str, kind: Any) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _key(*names: str) -> PrimaryKeyConstraint:
    return PrimaryKeyConstraint("authority", *names)


def _points_at(table: str, *names: str, to: tuple[str, ...] = ()) -> ForeignKeyConstraint:
    targets = [f"{table}.{name}" for name in ("authority", *(to or names))]
    return ForeignKeyConstraint(["authority", *names], targets)


def _one_of(name: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{name} IN ({listed})", name=f"{name}_known")


def _check(name: str, condition: str) -> CheckConstraint:
    return CheckConstraint(condition, name=name)


def _identity() -> tuple[Column[Any], ...]:
    return (
        _text("case_ref"),
        _must("episode", Integer),
        _text("rule"),
        _text("child"),
        _text("ref"),
        _must("n", Integer),
    )


IDENTITY = ("case_ref", "episode", "rule", "child", "ref", "n")
_RECIPIENT = "recipient = 'operator' OR substr(recipient, 1, 7) = 'person:' OR substr(recipient, 1, 5) = 'team:'"


authority_state = Table(
    "authority_state",
    metadata,
    _authority(),
    _text("key"),
    _must("value", Json),
    _key("key"),
)

policy_edition = Table(
    "policy_edition",
    metadata,
    _authority(),
    _text("policy_hash"),
    _text("edition"),
    _text("text"),
    _must("first_used_at", Instant),
    _key("policy_hash"),
    _check("hash_is_sha256", "length(policy_hash) = 64"),
)

import_run = Table(
    "import_run",
    metadata,
    _authority(),
    _must("id", BigInteger),
    _text("file"),
    _text("sha256"),
    _text("kind"),
    _text("source"),
    _must("read_at", Instant),
    _must("rows", Integer),
    _must("added", Integer),
    _must("set_aside", Integer),
    _maybe("refused"),
    _key("id"),
    Index("ix_import_run_kind", "authority", "kind", "id"),
    _check("counts", "rows >= 0 AND added >= 0 AND set_aside >= 0"),
)

row_set_aside = Table(
    "row_set_aside",
    metadata,
    _authority(),
    _must("import_id", BigInteger),
    _must("line", Integer),
    _must("place", Integer),
    _text("reason"),
    _key("import_id", "place"),
    _points_at("import_run", "import_id", to=("id",)),
)

case_record = Table(
    "case_record",
    metadata,
    _authority(),
    _text("case_ref"),
    _must("facts", Json),
    _text("source"),
    _must("read_at", Instant),
    _maybe("next_at", Instant),
    _maybe("fault"),
    _maybe("fault_at", Instant),
    _maybe("policy_hash"),
    _key("case_ref"),
    _points_at("policy_edition", "policy_hash"),
    Index("ix_case_record_next_at", "authority", "next_at"),
    _check("named", "authority <> '' AND case_ref <> ''"),
    _check("fault_has_a_time", "(fault IS NULL) = (fault_at IS NULL)"),
)

# The only place for personal fields. `about` is '' for the case's own, else names the event that told them.
case_personal = Table(
    "case_personal",
    metadata,
    _authority(),
    _text("case_ref"),
    _text("about"),
    _must("fields", Json),
    _key("case_ref", "about"),
    _points_at("case_record", "case_ref"),
)

event = Table(
    "event",
    metadata,
    _authority(),
    _text("source"),
    _text("event_id"),
    _text("case_ref"),
    _text("word"),
    _must("moment", Instant),
    _must("dated", Boolean),
    _must("recorded", Instant),
    _maybe("ref"),
    _must("detail", Json),
    _maybe("import_id", BigInteger),
    _text("entered_by"),
    _must("entered_at", Instant),
    _key("source", "event_id"),
    _points_at("case_record", "case_ref"),
    _points_at("import_run", "import_id", to=("id",)),
    Index("ix_event_case", "authority", "case_ref"),
    _check("named", "source <> '' AND event_id <> '' AND word <> ''"),
)

clock = Table(
    "clock",
    metadata,
    _authority(),
    *_identity(),
    _text("policy_hash"),
    _must("started_at", Instant),
    _key(*IDENTITY),
    _points_at("case_record", "case_ref"),
    _points_at("policy_edition", "policy_hash"),
    _check("counted_from_one", "episode >= 1 AND n >= 0"),
)

ladder_start = Table(
    "ladder_start",
    metadata,
    _authority(),
    *_identity(),
    _text("ladder"),
    _text("policy_hash"),
    _must("started_at", Instant),
    _must("steps", Json),
    _key(*IDENTITY, "ladder"),
    _points_at("case_record", "case_ref"),
    _points_at("policy_edition", "policy_hash"),
    _check("counted_from_one", "episode >= 1 AND n >= 0"),
)

milestone = Table(
    "milestone",
    metadata,
    _authority(),
    *_identity(),
    _text("key"),
    _text("title"),
    _text("clause"),
    _text("force"),
    _text("owner"),
    _text("state"),
    _maybe("from_event"),
    _maybe("from_at", Instant),
    _maybe("opens_on", Date),
    _maybe("best_by_on", Date),
    _maybe("due_on", Date),
    _maybe("due_at", Instant),
    _maybe("original_due_at", Instant),
    _maybe("met_at", Instant),
    _must("recorded_late", Boolean),
    _maybe("phase"),
    _text("due_version"),
    _text("policy_hash"),
    _key(*IDENTITY),
    _points_at("case_record", "case_ref"),
    _points_at("policy_edition", "policy_hash"),
    Index("ix_milestone_state_due", "authority", "state", "due_on"),
    _one_of("state", MILESTONE_STATES),
    _check("counted_from_one", "episode >= 1 AND n >= 0"),
)

notice = Table(
    "notice",
    metadata,
    _authority(),
    _text("key"),
    _text("case_ref"),
    _must("episode", Integer),
    _text("rule"),
    _text("milestone"),
    _text("kind"),
    _maybe("stage", Integer),
    _must("repeat", Integer),
    _text("due_version"),
    _must("at", Instant),
    _must("decided_at", Instant),
    _must("to_roles", Words),
    _must("immediate", Boolean),
    _maybe("kept"),
    _text("clause"),
    _text("source"),
    _key("key"),
    Index("ix_notice_case", "authority", "case_ref", "rule"),
    _check("named", "key <> '' AND kind <> ''"),
)

message = Table(
    "message",
    metadata,
    _authority(),
    _text("message_id"),
    _text("recipient"),
    _text("channel"),
    _text("address"),
    _text("state"),
    _text("subject"),
    _must("body", LargeBinary),
    _text("lease_owner"),
    _must("lease_until", Instant),
    _must("attempts", Integer),
    _must("claimed_at", Instant),
    _maybe("sent_at", Instant),
    _maybe("server_answer"),
    _maybe("next_try_at", Instant),
    _key("message_id"),
    Index("ix_message_lease", "authority", "state", "lease_until"),
    _one_of("state", MESSAGE_STATES),
    _check("recipient_known", _RECIPIENT),
    _check("tried", "attempts >= 1"),
    _check("handed_over_has_a_time", "state <> 'handed_over' OR sent_at IS NOT NULL"),
)

delivery = Table(
    "delivery",
    metadata,
    _authority(),
    _text("notice_key"),
    _text("recipient"),
    _text("channel"),
    _text("state"),
    _maybe("why"),
    _must("send_after", Instant),
    _must("attempts", Integer),
    _maybe("message_id"),
    _key("notice_key", "recipient", "channel"),
    ForeignKeyConstraint(["authority", "notice_key"], ["notice.authority", "notice.key"]),
    _points_at("message", "message_id"),
    Index("ix_delivery_state_send_after", "authority", "state", "send_after"),
    Index("ix_delivery_message", "authority", "message_id"),
    _one_of("state", DELIVERY_STATES),
    _check("recipient_known", _RECIPIENT),
    _check("tried", "attempts >= 0"),
    _check("dropped_has_a_reason", "state <> 'dropped' OR why IS NOT NULL"),
    _check(
        "sent_has_a_message",
        "state NOT IN ('claimed', 'handed_over', 'refused', 'dead') OR message_id IS NOT NULL",
    ),
)

person = Table(
    "person",
    metadata,
    _authority(),
    _text("person_id"),
    _must("valid_from", Date),
    _maybe("valid_to", Date),
    _text("name"),
    _text("email"),
    _must("roles", Words),
    _text("team"),
    _text("hub"),
    _must("share", Float),
    _must("works", Words),
    _maybe("line_manager_id"),
    _maybe("import_id", BigInteger),
    _key("person_id", "valid_from"),
    _points_at("import_run", "import_id", to=("id",)),
    _check("named", "person_id <> ''"),
    _check("in_order", "valid_to IS NULL OR valid_to >= valid_from"),
    _check("some_share", "share > 0"),
)

# Leave, and who covers it; a cover may also stand for somebody who has left.
absence = Table(
    "absence",
    metadata,
    _authority(),
    _text("person_id"),
    _must("away_from", Date),
    _must("away_to", Date),
    _maybe("cover_id"),
    _maybe("import_id", BigInteger),
    _key("person_id", "away_from"),
    _points_at("import_run", "import_id", to=("id",)),
    _check("named", "person_id <> ''"),
    _check("in_order", "away_to >= away_from"),
)

# By which channel somebody hears what, and when in the day they are left alone.
preference = Table(
    "preference",
    metadata,
    _authority(),
    _text("person_id"),
    _must("channels", Json),
    _text("digest_at"),
    _text("quiet"),
    _key("person_id"),
    _check("named", "person_id <> ''"),
)

# Addresses to which nothing is sent any more, as what was sent came back.
suspension = Table(
    "suspension",
    metadata,
    _authority(),
    _text("address"),
    _must("since", Instant),
    _text("why"),
    _key("address"),
    _check("named", "address <> ''"),
)

# Who led which open case, from when to when: what a limit of caseloads is counted from.
holding = Table(
    "holding",
    metadata,
    _authority(),
    _text("case_ref"),
    _must("episode", Integer),
    _text("lead"),
    _must("since", Instant),
    _maybe("until", Instant),
    _must("children", Integer),
    _key("case_ref", "since"),
    _points_at("case_record", "case_ref"),
    Index("ix_holding_lead", "authority", "lead"),
    _check("counts", "episode >= 1 AND children >= 0"),
    _check("in_order", "until IS NULL OR until >= since"),
)

alarm = Table(
    "alarm",
    metadata,
    _authority(),
    _must("id", BigInteger),
    _must("at", Instant),
    _text("code"),
    _text("subject"),
    _text("text"),
    _maybe("told_at", Instant),
    _maybe("cleared_at", Instant),
    _key("id"),
    # One open alarm for one thing; a cleared one may come again.
    Index(
        "uq_alarm_open",
        "authority",
        "code",
        "subject",
        unique=True,
        sqlite_where=text("cleared_at IS NULL"),
        postgresql_where=text("cleared_at IS NULL"),
    ),
)

trail = Table(
    "trail",
    metadata,
    _authority(),
    _must("id", BigInteger),
    _must("at", Instant),
    _text("who"),
    _text("act"),
    _text("case_ref"),
    _must("detail", Json),
    _key("id"),
    Index("ix_trail_case", "authority", "case_ref", "id"),
    _check("named", "who <> '' AND act <> ''"),
)

lease = Table(
    "lease",
    metadata,
    _authority(),
    _text("name"),
    _text("host"),
    _must("pid", BigInteger),
    _must("started", BigInteger),
    _must("since", Instant),
    _must("until", Instant),
    _must("fence", BigInteger),
    _key("name"),
)
