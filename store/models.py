"""The tables. Geometry is lon/lat; `x_m`, `y_m` are metres in the profile's own system.

Nothing here holds a person: no names but those of accounts, no narrative of an incident. The
identity of a source row is kept as a digest only.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from store.types import Digest, Int64, Json, Key, Real, Shape, UtcTime

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

# Links, runs and reports name rows by id: the id of a removed one must not come to mean another.
NEVER_REUSE_IDS = {"sqlite_autoincrement": True}  # PostgreSQL's sequences do so by themselves


def spatial_index(column: str, method: str) -> sa.Index:
    """Give PostGIS an index for foreign map programs; our own queries do not need it."""
    return sa.Index(None, column, postgresql_using=method).ddl_if(dialect="postgresql")


class Base(DeclarativeBase):
    """Every table."""

    metadata = sa.MetaData(naming_convention=NAMING)
    __table_args__: Any = NEVER_REUSE_IDS


class ProfileRow(Base):
    """The one profile in force; `revision` grows whenever profile or places change."""

    __tablename__ = "profile"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text)
    revision: Mapped[int]
    digest: Mapped[str] = mapped_column(sa.Text)  # of the reference set that was loaded last
    document: Mapped[Any] = mapped_column(Json)


class Area(Base):
    """A named piece of ground."""

    __tablename__ = "area"
    __table_args__ = (
        sa.UniqueConstraint("kind", "name"),
        spatial_index("outline", "gist"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.Text)
    name: Mapped[str] = mapped_column(sa.Text)
    origin: Mapped[str] = mapped_column(sa.Text, server_default="import")  # or profile
    source: Mapped[str] = mapped_column(sa.Text)
    note: Mapped[str] = mapped_column(sa.Text, server_default="")
    outline: Mapped[shapely.Geometry] = mapped_column(Shape("MULTIPOLYGON"))


class Facility(Base):
    """A school or a venue."""

    __tablename__ = "facility"
    __table_args__ = (sa.UniqueConstraint("kind", "name"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.Text)
    name: Mapped[str] = mapped_column(sa.Text)
    form: Mapped[str] = mapped_column(sa.Text)
    origin: Mapped[str] = mapped_column(sa.Text, server_default="import")  # or profile
    source: Mapped[str] = mapped_column(sa.Text)
    position: Mapped[shapely.Geometry] = mapped_column(Shape("POINT"))


class NamedPlace(Base):
    """A gazetteer entry."""

    __tablename__ = "named_place"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.Text)
    name: Mapped[str] = mapped_column(sa.Text)
    uncertainty_m: Mapped[float] = mapped_column(Real)
    origin: Mapped[str] = mapped_column(sa.Text, server_default="import")  # or profile
    source: Mapped[str] = mapped_column(sa.Text)
    position: Mapped[shapely.Geometry] = mapped_column(Shape("POINT"))


class Address(Base):
    """One address point of a register; plain columns, for there may be tens of thousands."""

    __tablename__ = "address"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    street: Mapped[str] = mapped_column(sa.Text)
    number: Mapped[int]
    letter: Mapped[str] = mapped_column(sa.Text)
    postcode: Mapped[str] = mapped_column(sa.Text)
    city: Mapped[str] = mapped_column(sa.Text)
    lon: Mapped[float] = mapped_column(Real)
    lat: Mapped[float] = mapped_column(Real)
    source: Mapped[str] = mapped_column(sa.Text)


class ImportBatch(Base):
    """One import of one file, with its report."""

    __tablename__ = "import_batch"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(sa.Text)
    source: Mapped[str] = mapped_column(sa.Text)
    file_name: Mapped[str] = mapped_column(sa.Text)
    file_sha256: Mapped[str] = mapped_column(sa.Text)
    started_at: Mapped[datetime] = mapped_column(UtcTime)
    rows_read: Mapped[int]
    accepted: Mapped[int]
    duplicates: Mapped[int]
    quarantined: Mapped[int]
    synthetic: Mapped[bool]
    report: Mapped[Any] = mapped_column(Json)


class Quarantined(Base):
    """A row that was not accepted, whole, with the reason."""

    __tablename__ = "quarantined"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    import_id: Mapped[int] = mapped_column(sa.ForeignKey("import_batch.id"), index=True)
    line: Mapped[int]
    reason: Mapped[str] = mapped_column(sa.Text)
    column_name: Mapped[str] = mapped_column(sa.Text)
    column_value: Mapped[str] = mapped_column(sa.Text)
    raw: Mapped[str] = mapped_column(sa.Text)
    retried_in: Mapped[int | None] = mapped_column(sa.ForeignKey("import_batch.id"))


class Located:
    """What every placed record knows about its place."""

    # No foreign key: it is checked once a row, and an import writes its batch and rows together.
    import_id: Mapped[int] = mapped_column(index=True)
    row_key: Mapped[bytes] = mapped_column(Digest, unique=True)  # of the source and its row
    content_key: Mapped[bytes] = mapped_column(Digest)  # digest of what the row said
    # What the source says about the place, kept so that a better register can place it anew.
    street: Mapped[str] = mapped_column(sa.Text)
    street_number: Mapped[str] = mapped_column(sa.Text)
    crossing: Mapped[str] = mapped_column(sa.Text)
    place_name: Mapped[str] = mapped_column(sa.Text)
    area_name: Mapped[str] = mapped_column(sa.Text)
    match_type: Mapped[str] = mapped_column(sa.Text)
    match_score: Mapped[float] = mapped_column(Real)
    uncertainty_m: Mapped[float | None] = mapped_column(Real)
    match_source: Mapped[str] = mapped_column(sa.Text)
    matched_text: Mapped[str] = mapped_column(sa.Text)
    candidates: Mapped[Any | None] = mapped_column(Json)
    pile: Mapped[bool]
    lon: Mapped[float | None] = mapped_column(Real)
    lat: Mapped[float | None] = mapped_column(Real)
    x_m: Mapped[float | None] = mapped_column(Real)
    y_m: Mapped[float | None] = mapped_column(Real)
    cell: Mapped[int | None] = mapped_column(Int64)  # H3 resolution 11
    area_id: Mapped[int | None]  # priority area or nightlife core
    district_id: Mapped[int | None]
    profile_revision: Mapped[int]

    @declared_attr
    def position(self) -> Mapped[shapely.Geometry | None]:
        """Give the same point as a geometry, for QGIS and other readers of the file."""
        return mapped_column(Shape("POINT"))


class Incident(Located, Base):
    """One reported event (or `count` equal ones)."""

    __tablename__ = "incident"
    __table_args__ = (
        sa.Index(None, "starts_at"),
        sa.Index(None, "lat", "lon"),
        spatial_index("position", "spgist"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    code: Mapped[str] = mapped_column(sa.Text)
    source_category: Mapped[str] = mapped_column(sa.Text)  # where the source has no code
    premises: Mapped[str] = mapped_column(sa.Text)
    category: Mapped[str] = mapped_column(sa.Text)
    on_map: Mapped[bool]
    count: Mapped[int]
    starts_at: Mapped[datetime] = mapped_column(UtcTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcTime)
    time_flags: Mapped[int]
    registered_on: Mapped[date | None]
    local_weekday: Mapped[int]
    local_minute: Mapped[int]
    in_windows: Mapped[int]  # bit i: share of the profile's window i is at least one half


class Observation(Located, Base):
    """Something seen on a safety walk."""

    __tablename__ = "observation"
    __table_args__ = (spatial_index("position", "spgist"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    observed_at: Mapped[datetime] = mapped_column(UtcTime)
    type: Mapped[str] = mapped_column(sa.Text)
    severity: Mapped[int]
    light: Mapped[str] = mapped_column(sa.Text)
    walk: Mapped[str] = mapped_column(sa.Text)
    note: Mapped[str] = mapped_column(sa.Text)
    reviewed: Mapped[bool]


class Run(Base):
    """One analysis: what went in, how, and whether it is the one in force."""

    __tablename__ = "run"

    id: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    period_start: Mapped[datetime] = mapped_column(UtcTime)
    period_end: Mapped[datetime] = mapped_column(UtcTime)
    code_version: Mapped[str] = mapped_column(sa.Text)
    input_digest: Mapped[str] = mapped_column(sa.Text)
    parameters: Mapped[Any] = mapped_column(Json)
    synthetic: Mapped[bool]
    n_incidents: Mapped[int]
    n_unplaced: Mapped[int]
    n_imprecise: Mapped[int]
    n_excluded: Mapped[int]
    active: Mapped[bool]


class Layer(Base):
    """One published result of a run; never changed after it was written."""

    __tablename__ = "layer"
    __table_args__ = (sa.UniqueConstraint("run_id", "kind"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(sa.ForeignKey("run.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(sa.Text)  # cells, areas, clusters
    method: Mapped[str] = mapped_column(sa.Text)
    parameters: Mapped[Any] = mapped_column(Json)
    audience: Mapped[str] = mapped_column(sa.Text)
    disclosure: Mapped[str] = mapped_column(sa.Text)
    n: Mapped[int]


class CellCount(Base):
    """Incidents per cell, local month, category and window; coarser by summing."""

    __tablename__ = "cell_count"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own form

    layer_id: Mapped[int] = mapped_column(primary_key=True)  # no foreign key, as in Located
    window: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    area_id: Mapped[int] = mapped_column(primary_key=True)  # 0: in no such area
    district_id: Mapped[int] = mapped_column(primary_key=True)
    cell: Mapped[int] = mapped_column(Int64, primary_key=True, autoincrement=False)
    month: Mapped[int] = mapped_column(primary_key=True)  # year * 100 + month
    category: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    count: Mapped[int]  # whole events with at least half their time in the window
    weight: Mapped[float] = mapped_column(Real)  # events x share of their time in the window


class AreaCount(Base):
    """Incidents per area, month, category and window, the imprecisely placed ones too."""

    __tablename__ = "area_count"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own form

    layer_id: Mapped[int] = mapped_column(primary_key=True)  # no foreign key, as in Located
    window: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    area_id: Mapped[int] = mapped_column(primary_key=True)
    month: Mapped[int] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    count: Mapped[int]
    weight: Mapped[float] = mapped_column(Real)


class Cluster(Base):
    """A labelled group of places; hull vertices are incident coordinates, so analysts only."""

    __tablename__ = "cluster"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    layer_id: Mapped[int] = mapped_column(sa.ForeignKey("layer.id", ondelete="CASCADE"), index=True)
    scope: Mapped[str] = mapped_column(sa.Text)
    window: Mapped[str] = mapped_column(sa.Text)
    category: Mapped[str] = mapped_column(sa.Text)
    label: Mapped[int]
    rank: Mapped[int]
    count: Mapped[int]
    weight: Mapped[float] = mapped_column(Real)
    places: Mapped[int]
    lon: Mapped[float] = mapped_column(Real)
    lat: Mapped[float] = mapped_column(Real)
    name: Mapped[str] = mapped_column(sa.Text)
    area_id: Mapped[int]
    hull: Mapped[shapely.Geometry] = mapped_column(Shape("GEOMETRY"))
    verdict: Mapped[str | None] = mapped_column(sa.Text)  # null in runs before there were any


class UnitVerdict(Base):
    """What may be said about an area or a cell, over a run's whole period.

    Only where there is something to say: a unit without a row has too few events.
    """

    __tablename__ = "unit_verdict"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - SQLAlchemy's own form

    layer_id: Mapped[int] = mapped_column(primary_key=True)  # no foreign key, as in Located
    ground: Mapped[int] = mapped_column(primary_key=True)  # area whose level it is; 0: the town's
    resolution: Mapped[int] = mapped_column(primary_key=True)  # of the cell; 0 for an area
    window: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    category: Mapped[str] = mapped_column(sa.Text, primary_key=True)  # "" is the total
    unit: Mapped[int] = mapped_column(Int64, primary_key=True, autoincrement=False)  # cell or area
    verdict: Mapped[str] = mapped_column(sa.Text)
    reasons: Mapped[str] = mapped_column(sa.Text)  # codes with spaces between them
    count: Mapped[int]
    expected: Mapped[float] = mapped_column(Real)  # by the study area's own level
    ratio_low: Mapped[float | None] = mapped_column(Real)  # interval of count over expected
    ratio_high: Mapped[float | None] = mapped_column(Real)
    q: Mapped[float] = mapped_column(Real)  # adjusted for all units compared


class User(Base):
    """A local account."""

    __tablename__ = "user_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text, unique=True)
    password_hash: Mapped[str] = mapped_column(sa.Text)
    role: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcTime)  # null: until it is removed


class ApiKey(Base):
    """A key for scripts, kept as a digest."""

    __tablename__ = "api_key"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(sa.Text, unique=True)
    digest: Mapped[bytes] = mapped_column(sa.LargeBinary(32), unique=True)
    role: Mapped[str] = mapped_column(sa.Text)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    collections: Mapped[str] = mapped_column(sa.Text, server_default="")  # "": all of the role's


class GroupDecision(Base):
    """Why the shared situation picture may be looked at, and until when."""

    __tablename__ = "group_decision"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(sa.Text)
    legal_basis: Mapped[str] = mapped_column(sa.Text)
    controller: Mapped[str] = mapped_column(sa.Text)
    opened_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)


class RetentionRule(Base):
    """How long a class of data is kept, and by what right; a class without a row is kept."""

    __tablename__ = "retention_rule"

    data_class: Mapped[str] = mapped_column(sa.Text, primary_key=True)
    months: Mapped[int]
    legal_basis: Mapped[str] = mapped_column(sa.Text)
    changed_at: Mapped[datetime] = mapped_column(UtcTime)


class TableCount(Base):
    """One number of a table as somebody else published it; never added to counts of our own."""

    __tablename__ = "table_count"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    import_id: Mapped[int] = mapped_column(sa.ForeignKey("import_batch.id"), index=True)
    area: Mapped[str] = mapped_column(sa.Text)  # as the source names it
    month: Mapped[int]  # year * 100 + month
    type: Mapped[str] = mapped_column(sa.Text)  # as the source names it
    count: Mapped[int | None]  # null: the source has hidden it


class PlanRow(Base):
    """A place and its problem, put on the list of the action plan; never a number."""

    __tablename__ = "plan_row"

    id: Mapped[int] = mapped_column(primary_key=True)
    place: Mapped[str] = mapped_column(sa.Text)  # as links name it; "" is the whole municipality
    place_name: Mapped[str] = mapped_column(sa.Text)
    area_name: Mapped[str] = mapped_column(sa.Text)  # under which it is listed
    window: Mapped[str] = mapped_column(sa.Text)  # these three as links name them
    theme: Mapped[str] = mapped_column(sa.Text)
    period: Mapped[str] = mapped_column(sa.Text)
    finer: Mapped[bool]  # it speaks of a part of the place, which stands in `plan_spot`
    added_by: Mapped[str] = mapped_column(sa.Text)
    added_at: Mapped[datetime] = mapped_column(UtcTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcTime)


class PlanSpot(Base):
    """What an analyst meant: a cell or cluster, kind and window; so for analysts only."""

    __tablename__ = "plan_spot"

    row_id: Mapped[int] = mapped_column(
        sa.ForeignKey("plan_row.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[str] = mapped_column(sa.Text)  # as links name it, and what they ask for there
    name: Mapped[str] = mapped_column(sa.Text)


class SavedView(Base):
    """A link that somebody keeps under a name of their own."""

    __tablename__ = "saved_view"
    __table_args__ = (sa.Index(None, "owner"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[str] = mapped_column(sa.Text)
    name: Mapped[str] = mapped_column(sa.Text)
    address: Mapped[str] = mapped_column(sa.Text)  # path and query
    saved_at: Mapped[datetime] = mapped_column(UtcTime)
    removed_at: Mapped[datetime | None] = mapped_column(UtcTime)
