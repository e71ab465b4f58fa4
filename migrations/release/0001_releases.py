"""Releases: the numbers that planners may read, and nothing else."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from store.types import Json, Key, Real, Shape, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of releases."""
    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("house", sa.Text(), nullable=False),
        sa.Column("created_at", UtcTime, nullable=False),
        sa.Column("activated_at", UtcTime, nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("code_version", sa.Text(), nullable=False),
        sa.Column("audit", Json, nullable=True),
        sa.Column("signature", sa.Text(), nullable=True),
        sa.Column("signed_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
        sa.UniqueConstraint("number", name=op.f("uq_release_number")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "uq_release_active",
        "release",
        ["active"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "release_part",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("release_id", sa.Integer(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("product", sa.Text(), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("after_day", sa.Date(), nullable=False),
        sa.Column("embargo_until", sa.Date(), nullable=False),
        sa.Column("built_at", UtcTime, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["release_id"],
            ["release.id"],
            name=op.f("fk_release_part_release_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release_part")),
        sa.UniqueConstraint(
            "release_id",
            "period",
            "product",
            name=op.f("uq_release_part_release_id_period_product"),
        ),
        sqlite_autoincrement=True,
    )
    _below_part(
        "release_unit",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("place_name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("zone_name", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("area_m2", Real, nullable=False),
        sa.Column("cells", Json, nullable=False),
        sa.Column("addresses", sa.Integer(), nullable=True),
        sa.Column("outline", Shape("MULTIPOLYGON"), nullable=True),
        sa.UniqueConstraint("part_id", "number", name=op.f("uq_release_unit_part_id_number")),
    )
    _below_part(
        "release_atom",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("k", sa.Integer(), nullable=False),
        sa.Column("tertials", Json, nullable=False),
        sa.Column("themes", Json, nullable=False),
        sa.Column("blocks", Json, nullable=False),
        sa.Column("units", Json, nullable=False),
        sa.UniqueConstraint("part_id", "number", name=op.f("uq_release_atom_part_id_number")),
    )
    _below_part(
        "release_finding",
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("theme", sa.Text(), nullable=False),
        sa.Column("block", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=True),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("expected", Real, nullable=True),
        sa.Column("ratio_low", Real, nullable=True),
        sa.Column("ratio_high", Real, nullable=True),
        sa.Column("before", sa.Integer(), nullable=True),
        sa.Column("trend", sa.Text(), nullable=True),
        sa.Column("trend_ratio", Real, nullable=True),
        sa.Column("trend_low", Real, nullable=True),
        sa.Column("trend_high", Real, nullable=True),
        sa.UniqueConstraint(
            "part_id",
            "level",
            "place",
            "theme",
            "block",
            name=op.f("uq_release_finding_part_id_level_place_theme_block"),
        ),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            op.f("ix_release_unit_outline"), "release_unit", ["outline"], postgresql_using="gist"
        )


def _below_part(name: str, *columns: sa.Column[Any] | sa.UniqueConstraint) -> None:
    """Create a table whose rows belong to a part."""
    op.create_table(
        name,
        sa.Column("id", Key, nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["part_id"], ["release_part.id"], name=op.f(f"fk_{name}_part_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{name}")),
        sqlite_autoincrement=True,
    )
