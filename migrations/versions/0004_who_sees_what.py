"""Accounts that expire, keys for some collections, decisions, retention, tables of others."""

import sqlalchemy as sa
from alembic import op

from store.types import Key, UtcTime

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of who sees what, and for how long."""
    op.add_column("user_account", sa.Column("expires_at", UtcTime, nullable=True))
    op.add_column("api_key", sa.Column("collections", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "group_decision",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("controller", sa.Text(), nullable=False),
        sa.Column("opened_at", UtcTime, nullable=False),
        sa.Column("expires_at", UtcTime, nullable=False),
        sa.Column("closed_at", UtcTime, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_decision")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "retention_rule",
        sa.Column("data_class", sa.Text(), nullable=False),
        sa.Column("months", sa.Integer(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=False),
        sa.Column("changed_at", UtcTime, nullable=False),
        sa.PrimaryKeyConstraint("data_class", name=op.f("pk_retention_rule")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "table_count",
        sa.Column("id", Key, nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("area", sa.Text(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_batch.id"], name=op.f("fk_table_count_import_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_table_count")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_table_count_import_id"), "table_count", ["import_id"])
