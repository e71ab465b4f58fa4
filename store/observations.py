"""Safety-walk observations: adding and finding them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from store import bulk, models
from store.records import KEYS_AT_ONCE, BBox, Identity, Page, Placing, in_bbox

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Sightings:
    """What was seen and when, for n observations."""

    observed_at: NDArray[np.datetime64]
    type: Sequence[str]
    severity: Sequence[int]
    light: Sequence[str]
    walk: Sequence[str]
    note: Sequence[str]
    reviewed: Sequence[bool]

    def columns(self) -> dict[str, Any]:
        """Give the values under the names of the table's columns."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class ObservationFilter:
    """Which observations: every part that is given must hold."""

    bbox: BBox | None = None
    start: datetime | None = None
    end: datetime | None = None  # exclusive
    area_id: int | None = None
    types: tuple[str, ...] = ()
    reviewed_only: bool = False


@dataclass(frozen=True, slots=True)
class ObservationRow:
    """One observation; its note only after somebody reviewed it."""

    id: int
    lon: float | None
    lat: float | None
    type: str
    severity: int
    light: str
    walk: str
    observed_at: datetime
    match_type: str
    uncertainty_m: float | None
    area: str | None
    note: str | None
    reviewed: bool
    synthetic: bool


def add(
    connection: sa.Connection, identity: Identity, sightings: Sightings, placing: Placing
) -> None:
    """Add observations; their keys must be new."""
    columns = {**identity.columns(), **sightings.columns(), **placing.columns()}
    bulk.insert(connection, models.Observation, columns)


def find(
    connection: sa.Connection, where: ObservationFilter, limit: int, offset: int
) -> Page[ObservationRow]:
    """Find observations, the newest first."""
    table = models.Observation
    conditions = _conditions(where)
    total = sa.select(sa.func.count()).select_from(table).where(*conditions)
    query = (
        _select()
        .where(*conditions)
        .order_by(table.observed_at.desc(), table.id)
        .limit(limit)
        .offset(offset)
    )
    rows = [ObservationRow(*row) for row in connection.execute(query)]
    return Page(connection.scalar(total) or 0, rows)


def one(connection: sa.Connection, observation_id: int) -> ObservationRow | None:
    """Find one observation."""
    query = _select().where(models.Observation.id == observation_id)
    row = connection.execute(query).one_or_none()
    return None if row is None else ObservationRow(*row)


def _select() -> sa.Select[*tuple[Any, ...]]:
    table, batch, area = models.Observation, models.ImportBatch, models.Area
    return (
        sa.select(
            table.id,
            table.lon,
            table.lat,
            table.type,
            table.severity,
            table.light,
            table.walk,
            table.observed_at,
            table.match_type,
            table.uncertainty_m,
            area.name,
            sa.case((table.reviewed, table.note)),
            table.reviewed,
            batch.synthetic,
        )
        .join(batch, batch.id == table.import_id)
        .outerjoin(area, area.id == table.area_id)
    )


def _conditions(where: ObservationFilter) -> list[sa.ColumnElement[bool]]:
    table = models.Observation
    conditions: list[sa.ColumnElement[bool]] = [sa.true()]
    if where.bbox is not None:
        conditions.append(in_bbox(table, where.bbox))
    if where.start is not None:
        conditions.append(table.observed_at >= where.start)
    if where.end is not None:
        conditions.append(table.observed_at < where.end)
    if where.area_id is not None:
        conditions.append(
            sa.or_(table.area_id == where.area_id, table.district_id == where.area_id)
        )
    if where.types:
        conditions.append(table.type.in_(where.types))
    if where.reviewed_only:
        conditions.append(table.reviewed.is_(True))
    return conditions


@dataclass(frozen=True, slots=True)
class Unreviewed:
    """An observation that nobody has looked through yet."""

    id: int
    observed_at: datetime
    type: str
    area: str | None
    note: str


def unreviewed(connection: sa.Connection) -> list[Unreviewed]:
    """List the observations that wait for somebody to look them through, the oldest first."""
    table, area = models.Observation, models.Area
    query = (
        sa.select(table.id, table.observed_at, table.type, area.name, table.note)
        .outerjoin(area, area.id == table.area_id)
        .where(table.reviewed.is_(False))
        .order_by(table.observed_at, table.id)
    )
    return [Unreviewed(*row) for row in connection.execute(query)]


def review(connection: sa.Connection, ids: Sequence[int]) -> int:
    """Release observations for others to see; give how many there were."""
    released = 0
    for start in range(0, len(ids), KEYS_AT_ONCE):
        some = models.Observation.id.in_(ids[start : start + KEYS_AT_ONCE])
        statement = sa.update(models.Observation).where(some).values(reviewed=True)
        released += connection.execute(statement).rowcount
    return released


def count(connection: sa.Connection) -> int:
    """Count stored observations."""
    return connection.scalar(sa.select(sa.func.count()).select_from(models.Observation)) or 0
