"""Published layers: counts per cell and per area, and clusters. Written once, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import sqlalchemy as sa

from geo import cells
from geo.errors import NotFound
from store import bulk, models

if TYPE_CHECKING:
    from collections.abc import Sequence

    import shapely
    from numpy.typing import NDArray

ANYWHERE = 0  # area or district id of what lies in none


@dataclass(frozen=True, slots=True)
class LayerFilter:
    """Which part of a layer; no categories means those that belong to the total."""

    window: str = "all"
    categories: tuple[str, ...] = ()
    months: tuple[int, int] | None = None  # local year * 100 + month, both included
    area_id: int | None = None  # an area or a district


@dataclass(frozen=True, slots=True)
class CellTable:
    """Rows of a cell layer: m combinations of cell, area, month, category and window."""

    window: Sequence[str]
    area_id: NDArray[np.int64]
    district_id: NDArray[np.int64]
    cell: NDArray[np.int64]
    month: NDArray[np.int64]
    category: Sequence[str]
    count: NDArray[np.int64]
    weight: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AreaTable:
    """Rows of an area layer."""

    window: Sequence[str]
    area_id: NDArray[np.int64]
    month: NDArray[np.int64]
    category: Sequence[str]
    count: NDArray[np.int64]
    weight: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CellCounts:
    """Cells that hold something, in the order of their index."""

    cell: NDArray[np.int64]
    count: NDArray[np.int64]
    weight: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AreaCount:
    """How much an area holds."""

    area_id: int
    count: int
    weight: float


@dataclass(frozen=True, slots=True)
class NewCluster:
    """A cluster to be published."""

    scope: str
    window: str
    category: str
    label: int
    rank: int
    count: int
    weight: float
    places: int
    lon: float
    lat: float
    name: str
    area_id: int
    hull: shapely.Geometry
    verdict: str | None


@dataclass(frozen=True, slots=True)
class ClusterRow(NewCluster):
    """A published cluster."""

    id: int


def add_cells(connection: sa.Connection, layer_id: int, table: CellTable) -> None:
    """Write the rows of a cell layer; sorted by its key they are stored fastest."""
    columns = {name: getattr(table, name) for name in CellTable.__slots__}
    bulk.insert(connection, models.CellCount, {"layer_id": [layer_id] * len(table.cell), **columns})


def add_areas(connection: sa.Connection, layer_id: int, table: AreaTable) -> None:
    """Write the rows of an area layer."""
    columns = {name: getattr(table, name) for name in AreaTable.__slots__}
    bulk.insert(
        connection, models.AreaCount, {"layer_id": [layer_id] * len(table.area_id), **columns}
    )


def add_clusters(connection: sa.Connection, layer_id: int, found: Sequence[NewCluster]) -> None:
    """Write the rows of a cluster layer."""
    columns = {name: [getattr(row, name) for row in found] for name in NewCluster.__slots__}
    bulk.insert(connection, models.Cluster, {"layer_id": [layer_id] * len(found), **columns})


def _layer(connection: sa.Connection, run_id: int, kind: str) -> tuple[int, tuple[str, ...]]:
    """Find a layer's id and the categories that make up its total."""
    query = sa.select(models.Layer.id, models.Layer.parameters).where(
        models.Layer.run_id == run_id, models.Layer.kind == kind
    )
    found = connection.execute(query).one_or_none()
    if found is None:
        raise NotFound("no-layer", run=run_id, kind=kind)
    layer_id, parameters = found
    return layer_id, tuple(parameters["total"])


def cell_counts(
    connection: sa.Connection, run_id: int, resolution: int, where: LayerFilter
) -> CellCounts:
    """Count incidents per cell.

    Parameters
    ----------
    resolution
        8 to 11; coarser cells are the sums of their logical children.

    Raises
    ------
    NotFound
        The run has no cell layer.
    InvalidParameter
        Another resolution.
    """
    table = models.CellCount
    layer_id, total = _layer(connection, run_id, "cells")
    query = (
        sa.select(table.cell, sa.func.sum(table.count), sa.func.sum(table.weight))
        .where(table.layer_id == layer_id, *_conditions(table, where, total))
        .group_by(table.cell)
    )
    if where.area_id is not None:
        query = query.where(
            sa.or_(table.area_id == where.area_id, table.district_id == where.area_id)
        )
    rows = connection.execute(query).all()
    fine = np.array([row[0] for row in rows], dtype=np.int64)
    coarse, inverse = np.unique(cells.parents(fine, resolution), return_inverse=True)
    counts = np.bincount(inverse, [row[1] for row in rows], coarse.size)
    weights = np.bincount(inverse, [row[2] for row in rows], coarse.size)
    return CellCounts(coarse, counts.astype(np.int64), weights.astype(np.float64))


def area_counts(connection: sa.Connection, run_id: int, where: LayerFilter) -> list[AreaCount]:
    """Count incidents per area, the imprecisely placed ones included."""
    table = models.AreaCount
    layer_id, total = _layer(connection, run_id, "areas")
    query = (
        sa.select(table.area_id, sa.func.sum(table.count), sa.func.sum(table.weight))
        .where(table.layer_id == layer_id, *_conditions(table, where, total))
        .group_by(table.area_id)
        .order_by(table.area_id)
    )
    if where.area_id is not None:
        query = query.where(table.area_id == where.area_id)
    return [AreaCount(area, int(n), float(weight)) for area, n, weight in connection.execute(query)]


def _conditions(
    table: type[models.CellCount | models.AreaCount], where: LayerFilter, total: tuple[str, ...]
) -> list[sa.ColumnElement[bool]]:
    conditions: list[sa.ColumnElement[bool]] = [
        table.window == where.window,
        table.category.in_(where.categories or total),
    ]
    if where.months is not None:
        conditions.append(table.month.between(*where.months))
    return conditions


def clusters(
    connection: sa.Connection, run_id: int, scope: str, where: LayerFilter
) -> list[ClusterRow]:
    """List the clusters of one scope, window and category, by rank.

    Clusters are found for the run's whole period, for the total and for each category; more than
    one category, or months, cannot be asked for afterwards: adding clusters up is not clustering.
    """
    table = models.Cluster
    layer_id, _ = _layer(connection, run_id, "clusters")
    category = where.categories[0] if where.categories else ""
    columns: list[Any] = [getattr(table, name) for name in NewCluster.__slots__]
    query = (
        sa.select(*columns, table.id)
        .where(
            table.layer_id == layer_id,
            table.scope == scope,
            table.window == where.window,
            table.category == category,
        )
        .order_by(table.rank)
    )
    if where.area_id is not None:
        query = query.where(table.area_id == where.area_id)
    return [ClusterRow(*tuple(row)) for row in connection.execute(query)]


def one_cluster(connection: sa.Connection, cluster_id: int) -> ClusterRow | None:
    """Find one cluster of the run in force."""
    table = models.Cluster
    columns: list[Any] = [getattr(table, name) for name in NewCluster.__slots__]
    query = (
        sa.select(*columns, table.id)
        .join(models.Layer, models.Layer.id == table.layer_id)
        .join(models.Run, models.Run.id == models.Layer.run_id)
        .where(table.id == cluster_id, models.Run.active)
    )
    row = connection.execute(query).one_or_none()
    return None if row is None else ClusterRow(*tuple(row))
