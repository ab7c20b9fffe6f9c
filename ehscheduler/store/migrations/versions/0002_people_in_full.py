"""A person may hold several roles, belong to a hub, work part of a week, and be away; who held which case, and when."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _people()
    _absences()
    _holdings()


def _people() -> None:
    # Columns are added, and the table is not rebuilt: so both databases go the same way.
    op.execute("ALTER TABLE person RENAME COLUMN role TO roles")
    person = sa.table("person", sa.column("roles", sa.Text))
    connection = op.get_bind()
    for (role,) in connection.execute(sa.select(person.c.roles).distinct()).all():
        as_list = json.dumps([role] if role else [], ensure_ascii=False, separators=(",", ":"))
        connection.execute(sa.update(person).where(person.c.roles == role).values(roles=as_list))
    op.execute("ALTER TABLE person ADD COLUMN hub TEXT DEFAULT '' NOT NULL")
    op.execute(
        "ALTER TABLE person ADD COLUMN share FLOAT DEFAULT 1.0 NOT NULL CONSTRAINT ck_person_some_share "
        "CHECK (share > 0)"
    )
    week = '["mon","tue","wed","thu","fri"]'
    op.execute(f"ALTER TABLE person ADD COLUMN works TEXT DEFAULT '{week}' NOT NULL")


def _absences() -> None:
    op.create_table(
        "absence",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("away_from", sa.Date(), nullable=False),
        sa.Column("away_to", sa.Date(), nullable=False),
        sa.Column("cover_id", sa.Text(), nullable=True),
        sa.Column("import_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("person_id <> ''", name=op.f("ck_absence_named")),
        sa.CheckConstraint("away_to >= away_from", name=op.f("ck_absence_in_order")),
        sa.ForeignKeyConstraint(
            ["authority", "import_id"], ["import_run.authority", "import_run.id"], name=op.f("fk_absence_import_run")
        ),
        sa.PrimaryKeyConstraint("authority", "person_id", "away_from", name=op.f("pk_absence")),
    )


def _holdings() -> None:
    op.create_table(
        "holding",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("case_ref", sa.Text(), nullable=False),
        sa.Column("episode", sa.Integer(), nullable=False),
        sa.Column("lead", sa.Text(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("until", INSTANT, nullable=True),
        sa.Column("children", sa.Integer(), nullable=False),
        sa.CheckConstraint("episode >= 1 AND children >= 0", name=op.f("ck_holding_counts")),
        sa.CheckConstraint("until IS NULL OR until >= since", name=op.f("ck_holding_in_order")),
        sa.ForeignKeyConstraint(
            ["authority", "case_ref"],
            ["case_record.authority", "case_record.case_ref"],
            name=op.f("fk_holding_case_record"),
        ),
        sa.PrimaryKeyConstraint("authority", "case_ref", "since", name=op.f("pk_holding")),
    )
    op.create_index("ix_holding_lead", "holding", ["authority", "lead"])
