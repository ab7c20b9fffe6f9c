"""What each person prefers, and the addresses to which nothing is sent any more."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "preference",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("person_id", sa.Text(), nullable=False),
        sa.Column("channels", sa.Text(), nullable=False),
        sa.Column("digest_at", sa.Text(), nullable=False),
        sa.Column("quiet", sa.Text(), nullable=False),
        sa.CheckConstraint("person_id <> ''", name=op.f("ck_preference_named")),
        sa.PrimaryKeyConstraint("authority", "person_id", name=op.f("pk_preference")),
    )
    op.create_table(
        "suspension",
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("since", INSTANT, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.CheckConstraint("address <> ''", name=op.f("ck_suspension_named")),
        sa.PrimaryKeyConstraint("authority", "address", name=op.f("pk_suspension")),
    )
