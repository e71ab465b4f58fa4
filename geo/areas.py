"""Inside which area, and how far from the nearest facility."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

NOWHERE = -1


def locate(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    outlines: Sequence[shapely.Polygon | shapely.MultiPolygon],
) -> NDArray[np.intp]:
    """Tell which outline holds each point: (n,) index into `outlines`, or -1.

    Where outlines overlap, the smallest one wins, so a core inside a district keeps its own
    events. A point on a border belongs to the outline that covers it first by that order.
    Points that are not finite are nowhere.
    """
    found = np.full(lon.shape, NOWHERE, dtype=np.intp)
    if not lon.size:
        return found
    pairs = lon.astype(np.complex128)
    pairs.imag = lat
    places, inverse = np.unique(pairs, return_inverse=True)
    x, y = places.real, places.imag
    holder = np.full(places.shape, NOWHERE, dtype=np.intp)
    order = sorted(range(len(outlines)), key=lambda i: outlines[i].area)
    for which in order:
        shape = outlines[which]
        west, south, east, north = shape.bounds
        box = (holder == NOWHERE) & (x >= west) & (x <= east) & (y >= south) & (y <= north)
        near = np.flatnonzero(box)
        if near.size:
            shapely.prepare(shape)
            holder[near[shapely.intersects_xy(shape, x[near], y[near])]] = which
    return holder[inverse]


def nearest_m(
    x_m: NDArray[np.float64], y_m: NDArray[np.float64], facilities: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Tell the distance to the nearest facility and which one it is.

    Parameters
    ----------
    x_m, y_m
        (n,) points in metres; not finite means unknown.
    facilities
        (f, 2) metres.

    Returns
    -------
    (n,) true distances in metres, infinite where unknown or where there is no facility, and (n,)
    indices (0 there).
    """
    distance = np.full(x_m.shape, np.inf)
    which = np.zeros(x_m.shape, dtype=np.intp)
    known = np.isfinite(x_m) & np.isfinite(y_m)
    if facilities.size and known.any():
        points = np.column_stack([x_m[known], y_m[known]])
        distance[known], which[known] = cKDTree(facilities).query(points)
    return distance, which
