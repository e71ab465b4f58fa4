"""The maps that `geo.backtest` holds against what came next: counts, heat, Gi*, clusters.

Each is a function of the past and the grid that scores every cell by what the map shows there, so
that "the hottest cells" are the ones a reader of that map would choose.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from geo.clusters import NOISE, Density, dbscan
from geo.gistar import gi_star
from geo.kde import GaussianHeat, Kernel, density_at
from geo.places import collapse

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from geo.backtest import Grid, Past, Product


@dataclass(frozen=True, slots=True)
class MapChoices:
    """What the maps are made with; the defaults are those of the product."""

    heat: Kernel = GaussianHeat()  # noqa: RUF009 - frozen
    density: Density = Density(eps_m=50.0, min_samples=5)  # noqa: RUF009 - frozen


def standard_maps(
    neighbours: sparse.csr_array,
    choice: MapChoices = MapChoices(),
) -> dict[str, Product]:
    """Name the four maps, ready for `geo.backtest.backtest`: count, kde, gi_star, dbscan.

    Parameters
    ----------
    neighbours
        (m, m) binary, each cell its own neighbour, for Gi*: see `geo.lattice`.
    choice
        Kernel and cluster density.
    """
    return {
        "count": count_map,
        "kde": partial(kde_map, kernel=choice.heat),
        "gi_star": partial(gi_star_map, neighbours=neighbours),
        "dbscan": partial(dbscan_map, density=choice.density),
    }


def count_map(past: Past, grid: Grid) -> NDArray[np.float64]:
    """Score a cell by its own events: the same cells as last time, which needs no method."""
    return np.bincount(past.cell, past.events, grid.area_m2.size).astype(np.float64)


def kde_map(past: Past, grid: Grid, kernel: Kernel) -> NDArray[np.float64]:
    """Score a cell by the heat at its centre, in events a square metre."""
    places = collapse(past.x_m, past.y_m)
    weight = np.bincount(places.inverse, past.events).astype(np.float64)
    return density_at((grid.x_m, grid.y_m), (places.x_m, places.y_m), weight, kernel)


def gi_star_map(past: Past, grid: Grid, neighbours: sparse.csr_array) -> NDArray[np.float64]:
    """Score a cell by its Gi* z: its own events and its neighbours' beside the area's mean."""
    return gi_star(count_map(past, grid), neighbours).z


def dbscan_map(past: Past, grid: Grid, density: Density) -> NDArray[np.float64]:
    """Score a cell by the densest cluster that reaches into it; a cell without one has 0.

    A cluster covers the cells in which its events lie; its density is its events on their area.
    Hulls are not used: most clusters are one place or two and have none.
    """
    score = np.zeros(grid.area_m2.size)
    some = past.events > 0
    events, cell = past.events[some], past.cell[some]
    labels = dbscan(past.x_m[some], past.y_m[some], events, density)
    member = labels != NOISE
    if not member.any():
        return score
    held = np.bincount(labels[member], events[member])
    covered = np.unique(np.column_stack([labels[member], cell[member]]), axis=0)
    label, at = covered[:, 0], covered[:, 1]
    area = np.bincount(label, grid.area_m2[at])
    np.maximum.at(score, at, (held / area)[label])
    return score
