"""Published layers, accounts and keys."""

import sqlalchemy as sa
from alembic import op

from store.types import Int64, Json, Real, Shape, UtcTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of published layers, accounts and keys."""
    _api_key()
    _run()
    _user_account()
    _layer()
    _area_count()
    _cell_count()
    _cluster()


def _api_key() -> None:
    op.create_table(
        "api_key",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("expires_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_key_digest")),
        sa.UniqueConstraint("name", name=op.f("uq_api_key_name")),
        sqlite_autoincrement=True,
    )


def _run() -> None:
    op.create_table(
        "run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("period_start", UtcTime(), nullable=False),
        sa.Column("period_end", UtcTime(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("input_digest", sa.Text(), nullable=False),
        sa.Column("parameters", Json(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("n_incidents", sa.Integer(), nullable=False),
        sa.Column("n_unplaced", sa.Integer(), nullable=False),
        sa.Column("n_imprecise", sa.Integer(), nullable=False),
        sa.Column("n_excluded", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
        sqlite_autoincrement=True,
    )


def _user_account() -> None:
    op.create_table(
        "user_account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("name", name=op.f("uq_user_account_name")),
        sqlite_autoincrement=True,
    )


def _layer() -> None:
    op.create_table(
        "layer",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("parameters", Json(), nullable=False),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("disclosure", sa.Text(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_layer_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_layer")),
        sa.UniqueConstraint("run_id", "kind", name=op.f("uq_layer_run_id_kind")),
        sqlite_autoincrement=True,
    )


def _area_count() -> None:
    op.create_table(
        "area_count",
        sa.Column("layer_id", sa.Integer(), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("weight", Real, nullable=False),
        sa.PrimaryKeyConstraint(
            "layer_id", "window", "area_id", "month", "category", name=op.f("pk_area_count")
        ),
        sqlite_with_rowid=False,
    )


def _cell_count() -> None:
    op.create_table(
        "cell_count",
        sa.Column("layer_id", sa.Integer(), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("district_id", sa.Integer(), nullable=False),
        sa.Column("cell", Int64, autoincrement=False, nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("weight", Real, nullable=False),
        sa.PrimaryKeyConstraint(
            "layer_id",
            "window",
            "area_id",
            "district_id",
            "cell",
            "month",
            "category",
            name=op.f("pk_cell_count"),
        ),
        sqlite_with_rowid=False,
    )


def _cluster() -> None:
    op.create_table(
        "cluster",
        sa.Column("id", Int64, nullable=False),
        sa.Column("layer_id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("label", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("weight", Real, nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("lon", Real, nullable=False),
        sa.Column("lat", Real, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.Column("hull", Shape("GEOMETRY"), nullable=False),
        sa.ForeignKeyConstraint(
            ["layer_id"], ["layer.id"], name=op.f("fk_cluster_layer_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cluster")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_cluster_layer_id"), "cluster", ["layer_id"], unique=False)
