"""Publish: write a run's layers and put them in force in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from store import layers, runs, verdicts
from store.runs import LayerInfo, Provenance, Run

if TYPE_CHECKING:
    import sqlalchemy as sa

    from store.layers import AreaTable, CellTable, NewCluster
    from store.verdicts import VerdictTable

# Layers are exact: analysts only. What others may see is built as a release of its own.
AUDIENCE, DISCLOSURE = "analyst", "exact"


@dataclass(frozen=True, slots=True)
class Findings:
    """What an analysis found."""

    cells: CellTable
    areas: AreaTable
    clusters: list[NewCluster]
    verdicts: VerdictTable
    total: tuple[str, ...]  # the categories that make up the total


def publish(connection: sa.Connection, provenance: Provenance, found: Findings) -> Run:
    """Store a run with its layers and put it in force."""
    run_id = runs.add(connection, provenance)

    def layer(kind: str, method: str, n: int) -> int:
        parameters = {**provenance.parameters, "total": list(found.total)}
        info = LayerInfo(kind, method, parameters, AUDIENCE, DISCLOSURE, n)
        return runs.add_layer(connection, run_id, info)

    cells = layer("cells", "h3-count", len(np.unique(found.cells.cell)))
    layers.add_cells(connection, cells, found.cells)
    areas = layer("areas", "area-count", len(np.unique(found.areas.area_id)))
    layers.add_areas(connection, areas, found.areas)
    clusters = layer("clusters", "dbscan", len(found.clusters))
    layers.add_clusters(connection, clusters, found.clusters)
    said = layer("verdicts", "excess", len(found.verdicts.unit))
    verdicts.add(connection, said, found.verdicts)
    runs.activate(connection, run_id)
    return Run(**{name: getattr(provenance, name) for name in Provenance.__slots__}, id=run_id)
