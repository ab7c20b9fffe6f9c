"""The first tables, and the triggers that keep events and the trail append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
NUMBERED = ("import_run", "alarm", "trail")
APPEND_ONLY = ("event", "trail")


def upgrade() -> None:
    _tables()
    if op.get_bind().dialect.name == "postgresql":
        for table in NUMBERED:
            op.execute(f"CREATE SEQUENCE {table}_id")
        _refuse_edits_on_postgresql()
    else:
        _refuse_edits_on_sqlite()


def _refuse_edits_on_sqlite() -> None:
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append only'); END"
            )


def _refuse_edits_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_edit() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION USING MESSAGE = TG_TABLE_NAME || ' is append only'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_no_edit BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_edit()"
        )


def _tables() -> None:
    op.create_table(
        "alarm",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("told_at", INSTANT, nullable=True),
        sa.Column("cleared_at", INSTANT, nullable=True),
        sa.PrimaryKeyConstraint("authority", "id", name=op.f("pk_alarm")),
    )
    op.create_index(
        "uq_alarm_open",
        "alarm",
        ["authority", "code", "subject"],
        unique=True,
        sqlite_where=sa.text("cleared_at IS NULL"),
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "authority_state",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("authority", "key", name=op.f("pk_authority_state")),
    )
    op.create_table(
        "import_run",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("set_aside", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.CheckConstraint("rows >= 0 AND added >= 0 AND set_aside >= 0", name=op.f("ck_import_run_counts")),
        sa.PrimaryKeyConstraint("authority", "id", name=op.f("pk_import_run")),
    )
    op.create_index("ix_import_run_kind", "import_run", ["authority", "kind", "id"])
    op.create_table(
        "lease",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("pid", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("authority", "name", name=op.f("pk_lease")),
    )
    op.create_table(
        "message",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=False),
        sa.Column("lease_until", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("claimed_at", INSTANT, nullable=False),
        sa.Column("sent_at", INSTANT, nullable=True),
        sa.Column("server_answer", sa.Text(), nullable=True),
        sa.Column("next_try_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "recipient = 'operator' OR substr(recipient, 1, 7) = 'person:' OR substr(recipient, 1, 5) = 'team:'",
            name=op.f("ck_message_recipient_known"),
        ),
        sa.CheckConstraint(
            "state <> 'handed_over' OR sent_at IS NOT NULL", name=op.f("ck_message_handed_over_has_a_time")
        ),
        sa.CheckConstraint(
            "state IN ('claimed', 'uncertain', 'handed_over', 'dissolved', 'refused', 'dead', 'withdrawn')",
            name=op.f("ck_message_state_known"),
        ),
        sa.CheckConstraint("attempts >= 1", name=op.f("ck_message_tried")),
        sa.PrimaryKeyConstraint("authority", "message_id", name=op.f("pk_message")),
    )
    op.create_index("ix_message_lease", "message", ["authority", "state", "lease_until"])
    op.create_table(
        "notice",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("milestone", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("stage", sa.Integer(), nullable=True),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("due_version", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("decided_at", INSTANT, nullable=False),
        sa.Column("to_roles", sa.Text(), nullable=False),
        sa.Column("immediate", sa.Boolean(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=True),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint("key <> '' AND kind <> ''", name=op.f("ck_notice_named")),
        sa.PrimaryKeyConstraint("authority", "key", name=op.f("pk_notice")),
    )
    op.create_index("ix_notice_case", "notice", ["authority", "case_ref", "rule"])
    op.create_table(
        "policy_edition",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("policy_hash", sa.Text(), nullable=False),
        sa.Column("edition", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("first_used_at", INSTANT, nullable=False),
        sa.CheckConstraint("length(policy_hash) = 64", name=op.f("ck_policy_edition_hash_is_sha256")),
        sa.PrimaryKeyConstraint("authority", "policy_hash", name=op.f("pk_policy_edition")),
    )
    op.create_table(
        "trail",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.CheckConstraint("who <> '' AND act <> ''", name=op.f("ck_trail_named")),
        sa.PrimaryKeyConstraint("authority", "id", name=op.f("pk_trail")),
    )
    op.create_index("ix_trail_case", "trail", ["authority", "case_ref", "id"])
    op.create_table(
        "case_record",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("read_at", INSTANT, nullable=False),
        sa.Column("next_at", INSTANT, nullable=True),
        sa.Column("fault", sa.Text(), nullable=True),
        sa.Column("fault_at", INSTANT, nullable=True),
        sa.Column("policy_hash", sa.Text(), nullable=True),
        sa.CheckConstraint("authority <> '' AND case_ref <> ''", name=op.f("ck_case_record_named")),
        sa.CheckConstraint("(fault IS NULL) = (fault_at IS NULL)", name=op.f("ck_case_record_fault_has_a_time")),
        sa.ForeignKeyConstraint(
            ["authority", "policy_hash"],
            ["policy_edition.authority", "policy_edition.policy_hash"],
            name=op.f("fk_case_record_policy_edition"),
        ),
        sa.PrimaryKeyConstraint("authority", "case_ref", name=op.f("pk_case_record")),
    )
    op.create_index("ix_case_record_next_at", "case_record", ["authority", "next_at"])
    op.create_table(
        "delivery",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("notice_key", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=True),
        sa.Column("send_after", INSTANT, nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "recipient = 'operator' OR substr(recipient, 1, 7) = 'person:' OR substr(recipient, 1, 5) = 'team:'",
            name=op.f("ck_delivery_recipient_known"),
        ),
        sa.CheckConstraint("state <> 'dropped' OR why IS NOT NULL", name=op.f("ck_delivery_dropped_has_a_reason")),
        sa.CheckConstraint(
            "state IN ('waiting', 'claimed', 'handed_over', 'refused', 'dropped', 'dead')",
            name=op.f("ck_delivery_state_known"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('claimed', 'handed_over', 'refused', 'dead') OR message_id IS NOT NULL",
            name=op.f("ck_delivery_sent_has_a_message"),
        ),
        sa.CheckConstraint("attempts >= 0", name=op.f("ck_delivery_tried")),
        sa.ForeignKeyConstraint(
            ["authority", "message_id"], ["message.authority", "message.message_id"], name=op.f("fk_delivery_message")
        ),
        sa.ForeignKeyConstraint(
            ["authority", "notice_key"], ["notice.authority", "notice.key"], name=op.f("fk_delivery_notice")
        ),
        sa.PrimaryKeyConstraint("authority", "notice_key", "recipient", "channel", name=op.f("pk_delivery")),
    )
    op.create_index("ix_delivery_message", "delivery", ["authority", "message_id"])
    op.create_index("ix_delivery_state_send_after", "delivery", ["authority", "state", "send_after"])
    op.create_table(
        "person",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("line_manager_id", sa.Text(), nullable=True),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("person_id <> ''", name=op.f("ck_person_named")),
        sa.CheckConstraint("valid_to IS NULL OR valid_to >= valid_from", name=op.f("ck_person_in_order")),
        sa.ForeignKeyConstraint(
            ["authority", "import_id"], ["import_run.authority", "import_run.id"], name=op.f("fk_person_import_run")
        ),
        sa.PrimaryKeyConstraint("authority", "person_id", "valid_from", name=op.f("pk_person")),
    )
    op.create_table(
        "row_set_aside",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority", "import_id"],
            ["import_run.authority", "import_run.id"],
            name=op.f("fk_row_set_aside_import_run"),
        ),
        sa.PrimaryKeyConstraint("authority", "import_id", "place", name=op.f("pk_row_set_aside")),
    )
    op.create_table(
        "case_personal",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority", "case_ref"],
            ["case_record.authority", "case_record.case_ref"],
            name=op.f("fk_case_personal_case_record"),
        ),
        sa.PrimaryKeyConstraint("authority", "case_ref", "about", name=op.f("pk_case_personal")),
    )
    op.create_table(
        "clock",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("child", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("policy_hash", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.CheckConstraint("episode >= 1 AND n >= 0", name=op.f("ck_clock_counted_from_one")),
        sa.ForeignKeyConstraint(
            ["authority", "case_ref"],
            ["case_record.authority", "case_record.case_ref"],
            name=op.f("fk_clock_case_record"),
        ),
        sa.ForeignKeyConstraint(
            ["authority", "policy_hash"],
            ["policy_edition.authority", "policy_edition.policy_hash"],
            name=op.f("fk_clock_policy_edition"),
        ),
        sa.PrimaryKeyConstraint("authority", "case_ref", "episode", "rule", "child", "ref", "n", name=op.f("pk_clock")),
    )
    op.create_table(
        "event",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("moment", INSTANT, nullable=False),
        sa.Column("dated", sa.Boolean(), nullable=False),
        sa.Column("recorded", INSTANT, nullable=False),
        sa.Column("ref", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.Column("entered_by", sa.Text(), nullable=False),
        sa.Column("entered_at", INSTANT, nullable=False),
        sa.CheckConstraint("source <> '' AND event_id <> '' AND word <> ''", name=op.f("ck_event_named")),
        sa.ForeignKeyConstraint(
            ["authority", "case_ref"],
            ["case_record.authority", "case_record.case_ref"],
            name=op.f("fk_event_case_record"),
        ),
        sa.ForeignKeyConstraint(
            ["authority", "import_id"], ["import_run.authority", "import_run.id"], name=op.f("fk_event_import_run")
        ),
        sa.PrimaryKeyConstraint("authority", "source", "event_id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_case", "event", ["authority", "case_ref"])
    op.create_table(
        "ladder_start",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("child", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("ladder", sa.Text(), nullable=False),
        sa.Column("policy_hash", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.CheckConstraint("episode >= 1 AND n >= 0", name=op.f("ck_ladder_start_counted_from_one")),
        sa.ForeignKeyConstraint(
            ["authority", "case_ref"],
            ["case_record.authority", "case_record.case_ref"],
            name=op.f("fk_ladder_start_case_record"),
        ),
        sa.ForeignKeyConstraint(
            ["authority", "policy_hash"],
            ["policy_edition.authority", "policy_edition.policy_hash"],
            name=op.f("fk_ladder_start_policy_edition"),
        ),
        sa.PrimaryKeyConstraint(
            "authority", "case_ref", "episode", "rule", "child", "ref", "n", "ladder", name=op.f("pk_ladder_start")
        ),
    )
    op.create_table(
        "milestone",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("child", sa.Text(), nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("clause", sa.Text(), nullable=False),
        sa.Column("force", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("from_event", sa.Text(), nullable=True),
        sa.Column("from_at", INSTANT, nullable=True),
        sa.Column("opens_on", sa.Date(), nullable=True),
        sa.Column("best_by_on", sa.Date(), nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("due_at", INSTANT, nullable=True),
        sa.Column("original_due_at", INSTANT, nullable=True),
        sa.Column("met_at", INSTANT, nullable=True),
        sa.Column("recorded_late", sa.Boolean(), nullable=False),
        sa.Column("phase", sa.Text(), nullable=True),
        sa.Column("due_version", sa.Text(), nullable=False),
        sa.Column("policy_hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('upcoming', 'due', 'overdue', 'met', 'met_late', 'on_hold', 'cancelled', 'waived')",
            name=op.f("ck_milestone_state_known"),
        ),
        sa.CheckConstraint("episode >= 1 AND n >= 0", name=op.f("ck_milestone_counted_from_one")),
        sa.ForeignKeyConstraint(
            ["authority", "case_ref"],
            ["case_record.authority", "case_record.case_ref"],
            name=op.f("fk_milestone_case_record"),
        ),
        sa.ForeignKeyConstraint(
            ["authority", "policy_hash"],
            ["policy_edition.authority", "policy_edition.policy_hash"],
            name=op.f("fk_milestone_policy_edition"),
        ),
        sa.PrimaryKeyConstraint(
            "authority", "case_ref", "episode", "rule", "child", "ref", "n", name=op.f("pk_milestone")
        ),
    )
    op.create_index("ix_milestone_state_due", "milestone", ["authority", "state", "due_on"])
