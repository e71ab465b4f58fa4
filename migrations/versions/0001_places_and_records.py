"""Places, imports, incidents and observations."""

import sqlalchemy as sa
from alembic import op

from store.types import Digest, Int64, Json, Real, Shape, UtcTime

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# SP-GiST costs a fraction of GiST where a million points are added, and QGIS uses it as well.
GEOMETRIES = (
    ("area", "outline", "gist"),
    ("incident", "position", "spgist"),
    ("observation", "position", "spgist"),
)


def upgrade() -> None:
    """Create the tables of places, imports, incidents and observations."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS postgis")
    _address()
    _area()
    _facility()
    _import_batch()
    _incident()
    _named_place()
    _observation()
    _profile()
    _quarantined()
    if op.get_bind().dialect.name == "postgresql":
        for table, column, method in GEOMETRIES:
            op.create_index(f"ix_{table}_{column}", table, [column], postgresql_using=method)


def _address() -> None:
    op.create_table(
        "address",
        sa.Column("id", Int64, nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("letter", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("lon", Real, nullable=False),
        sa.Column("lat", Real, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address")),
        sqlite_autoincrement=True,
    )


def _area() -> None:
    op.create_table(
        "area",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), server_default="import", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("outline", Shape("MULTIPOLYGON"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_area_kind_name")),
        sqlite_autoincrement=True,
    )


def _facility() -> None:
    op.create_table(
        "facility",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), server_default="import", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", Shape("POINT"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_facility")),
        sa.UniqueConstraint("kind", "name", name=op.f("uq_facility_kind_name")),
        sqlite_autoincrement=True,
    )


def _import_batch() -> None:
    op.create_table(
        "import_batch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("file_name", sa.Text(), nullable=False),
        sa.Column("file_sha256", sa.Text(), nullable=False),
        sa.Column("started_at", UtcTime(), nullable=False),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("duplicates", sa.Integer(), nullable=False),
        sa.Column("quarantined", sa.Integer(), nullable=False),
        sa.Column("synthetic", sa.Boolean(), nullable=False),
        sa.Column("report", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
        sqlite_autoincrement=True,
    )


def _incident() -> None:
    op.create_table(
        "incident",
        sa.Column("id", Int64, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("source_category", sa.Text(), nullable=False),
        sa.Column("premises", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("on_map", sa.Boolean(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("starts_at", UtcTime(), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=True),
        sa.Column("time_flags", sa.Integer(), nullable=False),
        sa.Column("registered_on", sa.Date(), nullable=True),
        sa.Column("local_weekday", sa.Integer(), nullable=False),
        sa.Column("local_minute", sa.Integer(), nullable=False),
        sa.Column("in_windows", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("row_key", Digest, nullable=False),
        sa.Column("content_key", Digest, nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("street_number", sa.Text(), nullable=False),
        sa.Column("crossing", sa.Text(), nullable=False),
        sa.Column("place_name", sa.Text(), nullable=False),
        sa.Column("area_name", sa.Text(), nullable=False),
        sa.Column("match_type", sa.Text(), nullable=False),
        sa.Column("match_score", Real, nullable=False),
        sa.Column("uncertainty_m", Real, nullable=True),
        sa.Column("match_source", sa.Text(), nullable=False),
        sa.Column("matched_text", sa.Text(), nullable=False),
        sa.Column("candidates", Json(), nullable=True),
        sa.Column("pile", sa.Boolean(), nullable=False),
        sa.Column("lon", Real, nullable=True),
        sa.Column("lat", Real, nullable=True),
        sa.Column("x_m", Real, nullable=True),
        sa.Column("y_m", Real, nullable=True),
        sa.Column("cell", Int64, nullable=True),
        sa.Column("area_id", sa.Integer(), nullable=True),
        sa.Column("district_id", sa.Integer(), nullable=True),
        sa.Column("profile_revision", sa.Integer(), nullable=False),
        sa.Column("position", Shape("POINT"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
        sa.UniqueConstraint("row_key", name=op.f("uq_incident_row_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_incident_import_id"), "incident", ["import_id"])
    op.create_index(op.f("ix_incident_lat_lon"), "incident", ["lat", "lon"], unique=False)
    op.create_index(op.f("ix_incident_starts_at"), "incident", ["starts_at"], unique=False)


def _named_place() -> None:
    op.create_table(
        "named_place",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("uncertainty_m", Real, nullable=False),
        sa.Column("origin", sa.Text(), server_default="import", nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("position", Shape("POINT"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_named_place")),
        sqlite_autoincrement=True,
    )


def _observation() -> None:
    op.create_table(
        "observation",
        sa.Column("id", Int64, nullable=False),
        sa.Column("observed_at", UtcTime(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("severity", sa.Integer(), nullable=False),
        sa.Column("light", sa.Text(), nullable=False),
        sa.Column("walk", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("reviewed", sa.Boolean(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("row_key", Digest, nullable=False),
        sa.Column("content_key", Digest, nullable=False),
        sa.Column("street", sa.Text(), nullable=False),
        sa.Column("street_number", sa.Text(), nullable=False),
        sa.Column("crossing", sa.Text(), nullable=False),
        sa.Column("place_name", sa.Text(), nullable=False),
        sa.Column("area_name", sa.Text(), nullable=False),
        sa.Column("match_type", sa.Text(), nullable=False),
        sa.Column("match_score", Real, nullable=False),
        sa.Column("uncertainty_m", Real, nullable=True),
        sa.Column("match_source", sa.Text(), nullable=False),
        sa.Column("matched_text", sa.Text(), nullable=False),
        sa.Column("candidates", Json(), nullable=True),
        sa.Column("pile", sa.Boolean(), nullable=False),
        sa.Column("lon", Real, nullable=True),
        sa.Column("lat", Real, nullable=True),
        sa.Column("x_m", Real, nullable=True),
        sa.Column("y_m", Real, nullable=True),
        sa.Column("cell", Int64, nullable=True),
        sa.Column("area_id", sa.Integer(), nullable=True),
        sa.Column("district_id", sa.Integer(), nullable=True),
        sa.Column("profile_revision", sa.Integer(), nullable=False),
        sa.Column("position", Shape("POINT"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_observation")),
        sa.UniqueConstraint("row_key", name=op.f("uq_observation_row_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_observation_import_id"), "observation", ["import_id"])


def _profile() -> None:
    op.create_table(
        "profile",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("document", Json(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_profile")),
        sqlite_autoincrement=True,
    )


def _quarantined() -> None:
    op.create_table(
        "quarantined",
        sa.Column("id", Int64, nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), nullable=False),
        sa.Column("column_value", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("retried_in", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_batch.id"], name=op.f("fk_quarantined_import_id")
        ),
        sa.ForeignKeyConstraint(
            ["retried_in"], ["import_batch.id"], name=op.f("fk_quarantined_retried_in")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantined")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_quarantined_import_id"), "quarantined", ["import_id"], unique=False)
