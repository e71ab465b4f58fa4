"""What may be said about areas, cells and clusters."""

import sqlalchemy as sa
from alembic import op

from store.types import Int64, Real

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of verdicts, and room for those of clusters."""
    op.create_table(
        "unit_verdict",
        sa.Column("layer_id", sa.Integer(), nullable=False),
        sa.Column("ground", sa.Integer(), nullable=False),
        sa.Column("resolution", sa.Integer(), nullable=False),
        sa.Column("window", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("unit", Int64, autoincrement=False, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("expected", Real, nullable=False),
        sa.Column("ratio_low", Real, nullable=True),
        sa.Column("ratio_high", Real, nullable=True),
        sa.Column("q", Real, nullable=False),
        sa.PrimaryKeyConstraint(
            "layer_id",
            "ground",
            "resolution",
            "window",
            "category",
            "unit",
            name=op.f("pk_unit_verdict"),
        ),
        sqlite_with_rowid=False,
    )
    op.add_column("cluster", sa.Column("verdict", sa.Text(), nullable=True))
