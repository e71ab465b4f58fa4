"""The tables of releases: only what planners and the public may read.

A release is written once and never changed, but for its audit, its signature and whether it is in
force. No row here is about an event: the finest is an atom, a number of at least k events.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import shapely
import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from store.models import NAMING, NEVER_REUSE_IDS, spatial_index
from store.types import Json, Key, Real, Shape, UtcTime


class ReleaseBase(DeclarativeBase):
    """Every table of releases."""

    metadata = sa.MetaData(naming_convention=NAMING)
    __table_args__: Any = NEVER_REUSE_IDS


class Release(ReleaseBase):
    """One release: what was told at one time, and how it was made."""

    __tablename__ = "release"
    __table_args__ = (
        sa.UniqueConstraint("number"),
        sa.Index(
            "uq_release_active",
            "active",
            unique=True,
            sqlite_where=sa.text("active"),
            postgresql_where=sa.text("active"),
        ),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[int]  # counts the releases of this installation
    house: Mapped[str] = mapped_column(sa.Text)  # who made it
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    activated_at: Mapped[datetime | None] = mapped_column(UtcTime)  # first time; None: never shown
    active: Mapped[bool]
    digest: Mapped[str] = mapped_column(sa.Text)  # sha256 over everything below it, hexadecimal
    previous: Mapped[str] = mapped_column(sa.Text)  # digest of the release it continues; "" none
    settings: Mapped[Any] = mapped_column(Json)
    synthetic: Mapped[bool]
    code_version: Mapped[str] = mapped_column(sa.Text)
    audit: Mapped[Any | None] = mapped_column(Json)  # None: not audited
    signature: Mapped[str | None] = mapped_column(sa.Text)
    signed_by: Mapped[str | None] = mapped_column(sa.Text)


class ReleasePart(ReleaseBase):
    """One product of one closed period."""

    __tablename__ = "release_part"
    __table_args__ = (sa.UniqueConstraint("release_id", "period", "product"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(primary_key=True)
    release_id: Mapped[int] = mapped_column(sa.ForeignKey("release.id", ondelete="CASCADE"))
    period: Mapped[str] = mapped_column(sa.Text)  # "2025", "2025-T1", "2023–2025"
    product: Mapped[str] = mapped_column(sa.Text)  # tree, sensitive or physical
    first_day: Mapped[date]  # local
    after_day: Mapped[date]  # the day after the last
    embargo_until: Mapped[date]
    built_at: Mapped[datetime] = mapped_column(UtcTime)  # a part that is copied on keeps it
    digest: Mapped[str] = mapped_column(sa.Text)


class ReleaseUnit(ReleaseBase):
    """A piece of ground that no atom of its part divides."""

    __tablename__ = "release_unit"
    __table_args__ = (
        sa.UniqueConstraint("part_id", "number"),
        spatial_index("outline", "gist"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    part_id: Mapped[int] = mapped_column(sa.ForeignKey("release_part.id", ondelete="CASCADE"))
    number: Mapped[int]
    place: Mapped[str] = mapped_column(sa.Text)  # slug
    place_name: Mapped[str] = mapped_column(sa.Text)
    kind: Mapped[str] = mapped_column(sa.Text)  # priority, nightlife, schools, rest, unknown
    zone: Mapped[str] = mapped_column(sa.Text)  # slug; of a focus area the place itself
    zone_name: Mapped[str] = mapped_column(sa.Text)
    level: Mapped[str] = mapped_column(sa.Text)  # zone, cell, cells, remainder or nowhere
    label: Mapped[str] = mapped_column(sa.Text)  # of the cell; "" for all else
    area_m2: Mapped[float] = mapped_column(Real)
    cells: Mapped[Any] = mapped_column(Json)  # of resolution 9; []: the zone's other ones
    addresses: Mapped[int | None]  # None: no address register
    outline: Mapped[shapely.Geometry | None] = mapped_column(Shape("MULTIPOLYGON"))


class ReleaseAtom(ReleaseBase):
    """The smallest number that is told: events of some themes, blocks and tertials on units."""

    __tablename__ = "release_atom"
    __table_args__ = (sa.UniqueConstraint("part_id", "number"), NEVER_REUSE_IDS)

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    part_id: Mapped[int] = mapped_column(sa.ForeignKey("release_part.id", ondelete="CASCADE"))
    number: Mapped[int]
    count: Mapped[int]
    k: Mapped[int]  # it holds at least so many
    tertials: Mapped[Any] = mapped_column(Json)
    themes: Mapped[Any] = mapped_column(Json)
    blocks: Mapped[Any] = mapped_column(Json)
    units: Mapped[Any] = mapped_column(Json)


class ReleaseFinding(ReleaseBase):
    """What may be said about a place, from released numbers alone."""

    __tablename__ = "release_finding"
    __table_args__ = (
        sa.UniqueConstraint("part_id", "level", "place", "theme", "block"),
        NEVER_REUSE_IDS,
    )

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    part_id: Mapped[int] = mapped_column(sa.ForeignKey("release_part.id", ondelete="CASCADE"))
    level: Mapped[str] = mapped_column(sa.Text)  # place or zone
    place: Mapped[str] = mapped_column(sa.Text)  # slug of either
    theme: Mapped[str] = mapped_column(sa.Text)  # "" is all
    block: Mapped[str] = mapped_column(sa.Text)  # "" is all
    count: Mapped[int]
    verdict: Mapped[str | None] = mapped_column(sa.Text)  # None: nothing to compare with
    reasons: Mapped[str] = mapped_column(sa.Text)
    expected: Mapped[float | None] = mapped_column(Real)
    ratio_low: Mapped[float | None] = mapped_column(Real)
    ratio_high: Mapped[float | None] = mapped_column(Real)
    before: Mapped[int | None]  # the same a year earlier; None: not told, or no such year
    trend: Mapped[str | None] = mapped_column(sa.Text)
    trend_ratio: Mapped[float | None] = mapped_column(Real)
    trend_low: Mapped[float | None] = mapped_column(Real)
    trend_high: Mapped[float | None] = mapped_column(Real)
